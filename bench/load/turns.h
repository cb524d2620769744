/*
 * turns.h - something beside every second stretch of one load, so that what it costs is compared
 * within one run: followers of the change feed, or a snapshot.
 *
 *     turn      0          1           2          3
 *     load   ------------------------------------------------
 *     feed   nobody    followers    nobody    followers ...
 *               |- counted -|  an operation belongs to the turn it was due in
 *     or     nothing   snapshot...  nothing   snapshot...
 *                       |-----| counted: while it is under way, and no longer
 *
 * Two runs, one with and one without, differ more by what else the machine and its disk do than by
 * what is looked for. Within a run both halves meet the same minutes.
 *
 * The first tenth of a turn without is counted in neither half, nor is that of one with followers:
 * they come or go in it. What a follower was given in its turn must be without gap or repeat.
 *
 * A snapshot is asked for at the begin of its turn and is under way until it is answered. An
 * operation whose time from due (or sent) to answered touches that belongs to it; a snapshot that
 * runs on into the next turn takes that time away from it. Throughput is what was answered in the
 * time of each half, by the time counted.
 */
#ifndef HF_BENCH_TURNS_H
#define HF_BENCH_TURNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "bench/load/histogram.h"

#define HF_TURNS_MAX 1200u

struct hf_turns;

struct hf_turns_options {
    const char *address;
    uint32_t followers; /* in every second turn; 0: a snapshot instead */
    uint64_t turn_us;
    uint64_t duration_us; /* 2 .. HF_TURNS_MAX turns */
    pid_t server;         /* its memory is looked at; 0: it is none of ours */
};

/* NULL: no memory. */
struct hf_turns *hf_turns_create(const struct hf_turns_options *options);
void hf_turns_destroy(struct hf_turns *turns);

/* The load starts now: followers or snapshots come and go on a thread of their own. */
void hf_turns_begin(struct hf_turns *turns);
/* `count` operations that were due, or sent, at `from_ns` after the start were answered at `to_ns`.
 * Load's thread. */
void hf_turns_add(struct hf_turns *turns, int64_t from_ns, int64_t to_ns, uint64_t count);

struct hf_turns_half {
    struct hf_histogram latency_ns;
    uint64_t median_p99_ns;  /* of the p99 of each turn */
    uint64_t median_p999_ns; /* likewise: a stall of the machine is in one turn only */
    uint64_t quiet_p999_ns;  /* the lower quartile: where most turns have such a stall */
    uint64_t ops;            /* with snapshots: answered in ... */
    double seconds;          /* ... so much time */
    uint64_t peak_bytes;     /* of the server's memory; 0: not known */
    double peak_ratio;       /* the largest peak by what it had at the begin of that time */
};

struct hf_turns_report {
    struct hf_turns_half halves[2]; /* without, and with */
    uint32_t turns_count;
    uint64_t events; /* all followers together */
    uint32_t snapshots_count;
    double longest_s; /* of a snapshot */
};
/* Wait for the last follower or snapshot. False: one has seen a gap, a repeat or an error, which
 * `error` says. */
bool hf_turns_finish(struct hf_turns *turns, struct hf_turns_report *report, char *error,
                     size_t error_bytes);

#endif
