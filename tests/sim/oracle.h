/*
 * oracle.h - runs: a world, some clients, deaths at any moment, and a verdict after each.
 *
 *     boot -> verdict -> clients ask, the server works, steps in any order -> death -> boot ...
 *
 *     death       of the process: between any two steps, or two calls to the disk;
 *                 of the power: also between any two calls to the disk, or within one, at work, in
 *                 a snapshot, in recovery; unsynced bytes and names are dropped, spoiled or kept;
 *                 of the disk: a write or sync fails, and the server stops at once (P9);
 *                 a fifth of the seeds has a durability below `sync`, where only processes die
 *     verdict     every acknowledged deed is there, asked again; no reply told of an LSN that is
 *                 gone; unknown deeds are settled; the account is right (account.h); a replay of
 *                 the whole log, where it reaches back, gives the digest of what was recovered
 *
 * In the end everything is settled, the server dies once more with nothing in flight, and stands
 * where it stood, by digest.
 */
#ifndef HF_SIM_ORACLE_H
#define HF_SIM_ORACLE_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/engine.h"

struct hf_sim_options {
    uint64_t seed;
    uint32_t deaths_max;    /* 0: as the seed says */
    bool is_replying_early; /* the planted defect (world.h) */
};

struct hf_sim_report {
    char violation[600]; /* empty: none */
    uint64_t deeds_count, done_count, refused_count, unchanged_count;
    uint64_t done_counts[HF_KINDS_COUNT];       /* by kind */
    uint64_t outcome_counts[HF_OUTCOMES_COUNT]; /* of refusals */
    uint64_t deaths_count;                      /* of all kinds */
    uint64_t unknown_counts[3];                 /* settled as: done before, done now, refused */
    uint64_t expiries_count;
    uint64_t snapshots_count;
    uint64_t replays_count; /* digests compared with a replay from the first record on */
};

/* One run. False: a violation. Adds to the report's counts. */
bool hf_sim_run(const struct hf_sim_options *options, struct hf_sim_report *report);

#endif
