/*
 * workload.h - random deeds of one client: what order services, tills and warehouses do, at once.
 *
 *     receive, adjust, sell            cells of tiny stock among many; one to four lines, the same
 *                                      cell twice now and then; facts and counts that cut promises
 *     set, move_status, dispose        levels as of now, of an LSN or of a time, the same level
 *                                      twice now and then; goods set aside and thrown away
 *     reserve, replace                 without a time-to-live, with a short and with a long one;
 *                                      whole or partial; with an order or without
 *     confirm, extend, release,        mostly of its own newest reservations, also while these are
 *     fulfil, release_order            in flight; else of those of other clients
 *
 * A frame holds one to sixteen deeds of one kind, some of them linked. The same seed and history
 * give the same deeds.
 */
#ifndef HF_TESTS_WORKLOAD_H
#define HF_TESTS_WORKLOAD_H

#include "tests/lib/history.h"

#define HF_WORK_FRAME_MAX 16u
#define HF_WORK_RECENT_MAX 32u

/* What deeds can be about. */
enum hf_work_thing { HF_WORK_HOLD, HF_WORK_TRANSFER, HF_WORK_INBOUND, HF_WORK_THINGS };

struct hf_work_recent {
    uint32_t deeds[HF_WORK_RECENT_MAX]; /* a ring */
    uint32_t count;                     /* ever */
};

struct hf_workload {
    struct hf_history *history;
    uint32_t client;
    uint64_t random;
    uint32_t short_ttl_us_max;
    uint64_t past_us; /* the caller's word that the server's clock is past this time; 0: it gives
                         none, and no level is set as of a time */
    uint32_t known_counts[HF_DEED_CLIENTS_MAX]; /* deeds of others that may be named: older ones */
    struct hf_work_recent recent[HF_WORK_THINGS]; /* opened by this client */
};

/* A client that begins, or goes on in a history that rests. */
void hf_workload_init(struct hf_workload *workload, struct hf_history *history, uint32_t client,
                      uint64_t seed, uint32_t short_ttl_us_max);

/* Add the deeds of one frame to the history: `count` of them, from *first on, side by side.
 * Returns count; 0: the memory for deeds is used up. */
uint32_t hf_workload_frame(struct hf_workload *workload, uint32_t *first);

/* Receives that give every cell its opening stock, and a location its policy, as such frames; 0
 * when all was given. Start with *cell = 0. */
uint32_t hf_workload_opening(struct hf_workload *workload, uint32_t *cell, uint32_t *first);

#endif
