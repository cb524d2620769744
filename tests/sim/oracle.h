/*
 * oracle.h - is it true? After every step, after every death, and of every damaged disk.
 *
 *     step      what the engine has done since the last one is followed, event by event (follow.h);
 *               the store's LSNs are in order
 *     verdict   every acknowledged deed is there, asked again; no reply told of an LSN that is
 *               gone; unknown deeds are settled; the account is right (account.h); a replay of
 *               the whole log, where it reaches back, gives the digest of what was recovered; so
 *               does a copy of the disk that is recovered beside it
 *     damage    a disk that has lost or misplaced what was synced is refused, or gives the very
 *               state it had. What nothing bears witness of it may lose, and nothing else
 *               (FORMATS.md 2.4): the last group; as many of the last groups as places decayed;
 *               what a start's own zeros cover that land on the end of the log, until a next group
 *     progress  with no fault left, clients and consumers get their answers within bounded steps
 *
 * A verdict needs a server that is up and clients that rest.
 */
#ifndef HF_SIM_ORACLE_H
#define HF_SIM_ORACLE_H

#include "tests/lib/account.h"
#include "tests/sim/client.h"
#include "tests/sim/consumer.h"
#include "tests/sim/run.h"

#define HF_RUN_CONSUMERS_COUNT 2u

struct hf_run {
    const struct hf_sim_options *options;
    struct hf_sim_report *report;
    struct hf_world world;
    struct hf_plan plan;
    struct hf_node node;
    struct hf_history history;
    struct hf_account account;
    struct hf_client clients[HF_PLAN_CLIENTS_MAX];
    struct hf_client auditor; /* asks again */
    struct hf_consumer consumers[HF_RUN_CONSUMERS_COUNT];
    struct hf_follow follow;    /* of the engine, step by step */
    struct hf_sim_disk *broken; /* damaged, to be judged after the next boot; NULL: none */
    uint64_t broken_lsn;        /* up to here it must not lose anything */
    bool is_stocked;
    uint32_t steps_left; /* of all lives */
};

/* A line of what happened, when somebody listens. */
void hf_run_tell(const struct hf_run *run, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* The server is up again: what it has is followed from here. */
bool hf_oracle_begin(struct hf_run *run);
/* After every step. */
bool hf_oracle_step(struct hf_run *run);
bool hf_oracle_verdict(struct hf_run *run);
/* run->broken, if there is one, beside the server that is up; it is freed. */
bool hf_oracle_damage(struct hf_run *run);
bool hf_oracle_progress(struct hf_run *run);

#endif
