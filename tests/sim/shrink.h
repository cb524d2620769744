/*
 * shrink.h - the smallest schedule that still fails, found by leaving out what is not needed.
 *
 *     whole plan --> fewer steps (halving) --> without half of the faults, a quarter ... one
 *                        ^------------------------------------'   while something went
 *
 * Each try is a run of its own. What remains is a cut of the seed's plan (plan.h), so a seed, a
 * number of steps and a list of faults repeat it.
 */
#ifndef HF_SIM_SHRINK_H
#define HF_SIM_SHRINK_H

#include "tests/sim/run.h"

#define HF_SHRINK_TRIES_MAX 300u

struct hf_shrunk {
    struct hf_plan_cut cut;
    char violation[600]; /* which may be another one */
    uint32_t tries_count;
};

/* `options`, whose cut may be NULL, are known to fail. */
void hf_shrink(const struct hf_sim_options *options, struct hf_shrunk *shrunk);

#endif
