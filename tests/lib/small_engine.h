/*
 * small_engine.h - an engine of small limits, driven by short texts.
 *
 *     hf_small_do(&small, "reserve r1 A@W=3 B@W=1 ttl=900 order=o1 partial")
 *
 * The kind of operation comes first, then in any order
 *     SKU@LOC=QTY, SKU@LOC, LOC=0|1, LOC   lines; of set_policy followed by safety= low= backorder=
 *     id=ID, or a word alone    the id
 *     ref= order= by= old= reason= ttl=    fields; reason is a number, ttl microseconds
 *     v=N                       the condition on the version of the line before
 *     from= to= eta= as_of=     locations of a shipment, statuses of others; microseconds; an LSN
 *     SKU=QTY damaged=N         lines of a transfer or inbound shipment
 *     partial fact rest ship sellable    flags
 *
 * The ring of records is pinned up to the newest record after every operation, as if the log had
 * it, so that it drops old ones when it must.
 */
#ifndef HF_TESTS_SMALL_ENGINE_H
#define HF_TESTS_SMALL_ENGINE_H

#include <stdbool.h>

#include "engine/engine.h"

#define HF_SMALL_BEGIN_US (UINT64_C(1700000000) * 1000000)
#define HF_TOLD_LINES_MAX 16

struct hf_small {
    struct hf_engine *engine;
    struct hf_engine_config config;
    uint64_t now_us;
    struct hf_result result; /* of the last operation */
    bool is_pin_kept;        /* leave the pin where it is */
};

/* An operation and the memory that it points into. */
struct hf_told {
    char text[2048];
    struct hf_op op;
    struct hf_op_line lines[HF_TOLD_LINES_MAX];
};

struct hf_engine_config hf_small_config(void);
/* `config` NULL: hf_small_config. Ends the program when there is no memory. */
void hf_small_init(struct hf_small *small, const struct hf_engine_config *config);
void hf_small_release(struct hf_small *small);

/* Ends the program when the text cannot be understood. */
void hf_tell(struct hf_told *told, const char *text);
/* Apply one operation a microsecond after the one before. */
enum hf_err hf_small_do(struct hf_small *small, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Apply linked operations; results[i] is of texts[i]. The first outcome that is not HF_OK and not
 * HF_LINKED_FAILED, or HF_OK. */
enum hf_err hf_small_do_linked(struct hf_small *small, const char *const *texts, uint32_t count,
                               struct hf_result *results);
/* Drop from the ring what the log has: all. */
void hf_small_pin(struct hf_small *small);

/* Replay every record that `follower` does not have yet; the first refusal, or HF_OK. */
enum hf_err hf_small_follow(struct hf_small *small, struct hf_engine *follower, const char **why);
/* Nothing that a caller could see differs between the two. */
bool hf_digest_is_equal(struct hf_digest a, struct hf_digest b);
/* The first violation that an audit finds; NULL when there is none. Valid until the next call. */
const char *hf_small_violation(struct hf_engine *engine);
/* Counters of a cell "SKU@LOC" as text: "on_hand held committed in_transit vVERSION", or the name
 * of the error. Valid until the next call. */
const char *hf_small_cell(struct hf_engine *engine, const char *cell);

/* A random number generator that gives the same on every machine (splitmix64). */
uint64_t hf_random_next(uint64_t *state);
/* 0 .. below - 1. */
uint64_t hf_random_below(uint64_t *state, uint64_t below);
/* A seed: the environment's SEED, or a new one. Printed. */
uint64_t hf_random_seed(void);

#endif
