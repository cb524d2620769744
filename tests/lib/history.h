/*
 * history.h - what clients asked, and what they were told: the memory of a test that kills servers.
 *
 *     deed     one operation, small enough to keep tens of thousands, and enough to ask it again,
 *              byte by byte the same: its names follow from its number
 *
 *     SENT --ok--> DONE (with its LSN)          a SENT deed whose connection broke is not known:
 *       |--ok, nothing to change--> UNCHANGED   hf_history_settle asks it again
 *       '--refused--> REFUSED
 *
 * A deed that changed nothing or was refused left no trace (P4) and is never asked again.
 *
 * What every answer must fulfil is checked as it comes in:
 *     A1   the LSN of a done deed is above every LSN that any reply told of before it was asked
 *          (one order, P5)
 *     A2   a deed is marked `repeated` only when it was asked before; asked again once it is done,
 *          it is `repeated`, with the same LSN (P4)
 *     A3   no deed is refused as malformed or as a conflict: every name is used once
 * The other half, that stock is what the deeds make it, is account.h.
 *
 * The first thing found wrong is kept in `violation`; nothing is asserted here, because a test
 * plants defects and wants them found. Memory is bounded by what init asks for.
 *
 * Threads: each client's deeds belong to one thread at a time; what is shared is atomic.
 */
#ifndef HF_TESTS_HISTORY_H
#define HF_TESTS_HISTORY_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "engine/engine.h"

#define HF_DEED_LINES_MAX 4u
#define HF_DEED_NONE UINT32_MAX
#define HF_DEED_CLIENTS_MAX 16u
#define HF_DEED_FRAME_MAX 256u /* deeds asked again in one frame */
#define HF_DEED_SKUS_COUNT 40u
#define HF_DEED_LOCATIONS_COUNT 3u
#define HF_DEED_CELLS_COUNT (HF_DEED_SKUS_COUNT * HF_DEED_LOCATIONS_COUNT)
#define HF_DEED_HOT_CELLS_COUNT HF_DEED_LOCATIONS_COUNT /* the cells of SKU 0: tiny stock */

#define HF_DEED_OVER_RECEIPT_PERCENT 50u /* what a server under test must be configured with */

enum hf_deed_status { HF_DEED_SENT, HF_DEED_DONE, HF_DEED_REFUSED, HF_DEED_UNCHANGED };

struct hf_deed {
    uint8_t kind;   /* enum hf_kind */
    uint8_t status; /* enum hf_deed_status */
    uint8_t reason;
    uint8_t outcome; /* of a refusal */
    uint8_t lines_count;
    uint8_t from_status, to_status; /* enum hf_status */
    uint8_t from, to;               /* of a new transfer or inbound shipment: locations */
    bool has_ref;                   /* else the id of what it opens is the reference */
    uint32_t flags;                 /* enum hf_op_flag */
    uint32_t order;                 /* its number; 0: none */
    uint32_t target; /* the deed that opened the reservation, transfer or inbound shipment it is
                        about; HF_DEED_NONE: none */
    uint32_t ttl_us;
    struct {
        uint32_t cell; /* of a transfer or inbound shipment: the cell it goes to */
        int32_t units;
        int32_t damaged; /* arrived so */
        int32_t granted; /* of a reservation, on the first line of each cell */
    } lines[HF_DEED_LINES_MAX];
    uint64_t as_of;     /* of a set: LSN or time */
    uint64_t eta_us;    /* of an inbound shipment */
    uint64_t floor_lsn; /* A1: the newest LSN that was told of when this was asked */
    uint64_t lsn;       /* once done */
};

struct hf_history {
    struct hf_deed *deeds; /* [client * deeds_max + number] */
    uint32_t clients_count;
    uint32_t deeds_max; /* of a client */
    uint32_t counts[HF_DEED_CLIENTS_MAX];
    _Atomic uint64_t seen_lsn;      /* the newest LSN that any reply told of */
    _Atomic uint64_t answers_count; /* replies that came, refusals included */
    atomic_flag is_blamed;          /* `violation` is taken */
    _Atomic bool is_violated;       /* ... and written */
    char violation[512];
};

/* An answer to a deed. */
struct hf_answer {
    enum hf_err outcome; /* HF_UNKNOWN: the connection broke */
    bool is_repeated;
    bool is_unchanged;
    enum hf_state state;
    uint64_t lsn;
    int64_t granted[HF_DEED_LINES_MAX]; /* by line; read for partial ones only */
};

/* What a server is asked through; every call waits for its answer. */
struct hf_seen_cell {
    uint32_t cell; /* HF_DEED_NONE: no deed can have made it */
    int64_t after[HF_COUNTERS_COUNT];
    int64_t ats;
    uint64_t version;
};
struct hf_seen_move {
    uint64_t lsn;
    uint64_t ts_us;
    uint32_t index;
    unsigned kind;
    uint32_t deed; /* whose reservation or shipment moved; HF_DEED_NONE: of none */
    int64_t delta[HF_COUNTERS_COUNT];
    int64_t after[HF_COUNTERS_COUNT];
};
struct hf_seen_stats {
    uint64_t lsn;
    uint64_t ledger_first_lsn;
};
struct hf_seen_reservation {
    enum hf_state state;
    uint32_t lines_count;
    struct {
        uint32_t cell;
        int64_t units, fulfilled, released;
    } lines[HF_DEED_LINES_MAX];
};
/* What became of the units of a line of a transfer or inbound shipment. */
enum hf_seen_figure {
    HF_SEEN_UNSHIPPED,
    HF_SEEN_UNDER_WAY,
    HF_SEEN_RECEIVED,
    HF_SEEN_DAMAGED,
    HF_SEEN_CANCELLED,
    HF_SEEN_LOST,
    HF_SEEN_FIGURES
};
struct hf_seen_shipment {
    enum hf_state state;
    uint32_t lines_count;
    struct {
        uint32_t cell; /* it goes to */
        int64_t units;
        int64_t figures[HF_SEEN_FIGURES];
    } lines[HF_DEED_LINES_MAX];
};
typedef void (*hf_seen_cell_cb)(void *arg, const struct hf_seen_cell *cell);
typedef void (*hf_seen_move_cb)(void *arg, const struct hf_seen_move *move);
struct hf_port {
    void *ctx;
    /* One frame: deeds indices[0..count) of one kind. False: no answer is to be had. */
    bool (*execute)(void *ctx, const uint32_t *indices, uint32_t count, struct hf_answer *answers);
    bool (*stats)(void *ctx, struct hf_seen_stats *stats);
    bool (*cells)(void *ctx, hf_seen_cell_cb cb, void *arg);
    /* Newest first. */
    bool (*moves)(void *ctx, uint32_t cell, hf_seen_move_cb cb, void *arg);
    bool (*reservation)(void *ctx, uint32_t deed, struct hf_seen_reservation *out);
    /* Of a transfer or inbound shipment, as the deed opened one. */
    bool (*shipment)(void *ctx, uint32_t deed, struct hf_seen_shipment *out);
    /* 0: clean. `first` gets the first violation's words. */
    bool (*audit)(void *ctx, uint64_t *violations_count, char first[256]);
};

/* 0 .. sides - 1, of a generator whose whole state is *state. */
uint32_t hf_random(uint64_t *state, uint32_t sides);

/* False: no memory. */
bool hf_history_init(struct hf_history *history, uint32_t clients_count, uint32_t deeds_max);
void hf_history_release(struct hf_history *history);

/* The client's next deed, zeroed; HF_DEED_NONE when its memory is used up. */
uint32_t hf_history_add(struct hf_history *history, uint32_t client);
/* The client's newest deed was never sent after all. */
void hf_history_drop(struct hf_history *history, uint32_t client);
/* Deeds of all clients. */
uint32_t hf_history_count(const struct hf_history *history);
/* The number-th deed of all (from 0); deeds of one client stand in the order they were asked. */
uint32_t hf_history_index(const struct hf_history *history, uint32_t number);

/* An answer to a deed came; `is_first` when it was asked for the first time. False: a violation. */
bool hf_history_answer(struct hf_history *history, uint32_t index, const struct hf_answer *answer,
                       bool is_first);
/* A reply told of this LSN, whatever else it said. */
void hf_history_see(struct hf_history *history, uint64_t lsn);
/* Say what is wrong, unless something was before. Always false. */
bool hf_history_blame(struct hf_history *history, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Ask every done deed again: each must be repeated, with the LSN it had. */
bool hf_history_ask_again(struct hf_history *history, const struct hf_port *port);
/* Ask a few done deeds again with one unit more (or less): each must be refused as a
 * reference_conflict. */
bool hf_history_ask_otherwise(struct hf_history *history, const struct hf_port *port,
                              uint64_t *random);
/* Ask every deed again whose outcome is not known; afterwards there is none. `settled_counts`
 * (done before, done now, refused) are added to; may be NULL. */
bool hf_history_settle(struct hf_history *history, const struct hf_port *port,
                       uint64_t settled_counts[3]);

/* ------------------------------------------------------------------ names */

#define HF_DEED_NAME_BYTES 24
struct hf_deed_words {
    char id[HF_DEED_NAME_BYTES], old_id[HF_DEED_NAME_BYTES], ref[HF_DEED_NAME_BYTES];
    char order[HF_DEED_NAME_BYTES], from[HF_DEED_NAME_BYTES], to[HF_DEED_NAME_BYTES];
    char skus[HF_DEED_LINES_MAX][HF_DEED_NAME_BYTES];
    char locations[HF_DEED_LINES_MAX][HF_DEED_NAME_BYTES];
    struct hf_op_line lines[HF_DEED_LINES_MAX];
};
/* The operation of a deed; its texts and lines lie in `words` and are zero-terminated. */
struct hf_op hf_deed_op(const struct hf_history *history, uint32_t index,
                        struct hf_deed_words *words);
void hf_deed_cell_names(uint32_t cell, char sku[HF_DEED_NAME_BYTES],
                        char location[HF_DEED_NAME_BYTES]);
void hf_deed_id(uint32_t index, char id[HF_DEED_NAME_BYTES]);
/* Back from names; HF_DEED_NONE when no deed can have given them. */
uint32_t hf_deed_cell_of(struct hf_text sku, struct hf_text location);
uint32_t hf_deed_of_id(const struct hf_history *history, struct hf_text id);
/* True when the deed opens a reservation. */
bool hf_deed_opens(const struct hf_deed *deed);
/* True when it opens a transfer or an inbound shipment. */
bool hf_deed_sends(const struct hf_deed *deed);

#endif
