/*
 * workers.h - many seeds in several processes, each a share of them, and one report of all.
 *
 *     worker 0   seed 1, 3, 5, ... --a message each--.
 *     worker 1   seed 2, 4, 6, ... ------------------+--> pipe --> added up; progress; violations
 *
 * A run is one process with one thread whatever their number, so a seed is the same run here and
 * alone. All seeds are run, however many fail, up to a number; a worker that dies is a violation of
 * the seed that it was at.
 */
#ifndef HF_SIM_WORKERS_H
#define HF_SIM_WORKERS_H

#include "tests/sim/run.h"

#define HF_WORKERS_MAX 64u
#define HF_WORKERS_FOUND_MAX 20u /* violations, then it ends early */

struct hf_found {
    uint64_t seed;
    char violation[600];
};

struct hf_workers {
    uint64_t first_seed, seeds_count;
    uint32_t jobs; /* 1 .. HF_WORKERS_MAX */
    bool is_replying_early;
    FILE *progress; /* a line of it now and then */

    /* the outcome */
    struct hf_sim_report report; /* of the seeds that were run, added up; no violation */
    uint64_t done_count;         /* of seeds */
    struct hf_found found[HF_WORKERS_FOUND_MAX]; /* by seed */
    uint32_t found_count;
};

/* False: the system has no process or pipe. Nothing is to be printed and not flushed before. */
bool hf_workers_run(struct hf_workers *workers);

#endif
