/*
 * run.h - runs: a world, some clients, deaths at any moment, and a verdict after each.
 *
 *     boot -> verdict -> clients ask, the server works, steps in any order -> death -> boot ...
 *
 * The plan (plan.h) says how long a life lasts and what goes wrong in it; chance says who does
 * what at which step; oracle.h judges. In the end all faults stop: everything must be settled,
 * the server dies once more with nothing in flight and stands where it stood, and it goes on
 * working.
 */
#ifndef HF_SIM_RUN_H
#define HF_SIM_RUN_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "engine/engine.h"
#include "tests/sim/plan.h"

struct hf_sim_options {
    uint64_t seed;
    const struct hf_plan_cut *cut; /* NULL: the whole plan */
    bool is_replying_early;        /* a planted defect (node.h) */
    bool is_synced;                /* whatever the seed says: durability is sync */
    bool is_aiming;                /* in each life a block of a snapshot goes astray, to the end of
                                      the log; no other write does */
    FILE *trace;                   /* told what happens; NULL: nobody is */
};

/* What became of damage that no server can prevent. */
enum hf_sim_damage {
    HF_DAMAGE_REFUSED,  /* the start was refused */
    HF_DAMAGE_HARMLESS, /* the state is the same */
    HF_DAMAGE_CUT,      /* the end was cut, as far as nothing after it bears witness of it */
    HF_DAMAGES_COUNT
};

struct hf_sim_report {
    char violation[600]; /* empty: none */
    uint64_t deeds_count, done_count, refused_count, unchanged_count;
    uint64_t done_counts[HF_KINDS_COUNT];       /* by kind */
    uint64_t outcome_counts[HF_OUTCOMES_COUNT]; /* of refusals */
    uint64_t steps_count;
    uint64_t deaths_count;                  /* of all kinds */
    uint64_t fault_counts[HF_FAULTS_COUNT]; /* that came */
    uint64_t unknown_counts[3];             /* settled as: done before, done now, refused */
    uint64_t breaks_count, again_count;     /* connections, frames (client.h) */
    uint64_t settled_count;                 /* deeds whose outcome was told when sent again */
    uint64_t expiries_count;
    uint64_t snapshots_count;
    uint64_t replays_count; /* digests compared with a replay from the first record on */
    uint64_t copies_count;  /* digests compared with a recovered copy of the disk */
    uint64_t damage_counts[HF_DAMAGES_COUNT];
    uint64_t refused_boots_count;         /* by reads that failed and by full disks */
    uint64_t rolls_count;                 /* runs whose log went on in a second segment */
    uint64_t fills_count;                 /* runs whose first segment was nearly full */
    uint64_t events_count, resumes_count; /* of consumers */
};

/* One run. False: a violation. Adds to the report's counts. */
bool hf_sim_run(const struct hf_sim_options *options, struct hf_sim_report *report);

#endif
