/*
 * turns.h - followers of the change feed beside every second stretch of one load, so that what they
 * cost is compared within one run.
 *
 *     turn      0          1           2          3
 *     load   ------------------------------------------------
 *     feed   nobody    followers    nobody    followers ...
 *               |- counted -|  an operation belongs to the turn it was due in
 *
 * Two runs, one with followers and one without, differ more by what else the machine and its disk
 * do than by the followers. Within a run both halves meet the same minutes.
 *
 * The first tenth of a turn is counted in neither half: followers come or go in it. What a follower
 * was given in its turn must be without gap or repeat.
 */
#ifndef HF_BENCH_TURNS_H
#define HF_BENCH_TURNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bench/load/histogram.h"

#define HF_TURNS_MAX 1200u

struct hf_turns;

/* Turns of turn_us for `duration_us`, `followers` in every second one. NULL: no memory. */
struct hf_turns *hf_turns_create(const char *address, uint32_t followers, uint64_t turn_us,
                                 uint64_t duration_us);
void hf_turns_destroy(struct hf_turns *turns);

/* The load starts now: followers come and go on a thread of their own. */
void hf_turns_begin(struct hf_turns *turns);
/* An operation that was due `due_ns` after the start was answered waited_ns later. Load's thread. */
void hf_turns_add(struct hf_turns *turns, int64_t due_ns, int64_t waited_ns);

struct hf_turns_report {
    struct hf_histogram latency_ns[2]; /* of the turns without followers, and with them */
    uint64_t median_p99_ns[2];         /* of the p99 of each turn */
    uint32_t turns_count;
    uint64_t events; /* all followers together */
};
/* Wait for the last follower. False: one has seen a gap, a repeat or an error, which `error` says. */
bool hf_turns_finish(struct hf_turns *turns, struct hf_turns_report *report, char *error,
                     size_t error_bytes);

#endif
