/*
 * plan.h - the schedule of a run: lives of a server, how each ends, and which faults come when.
 *
 *     seed --> | life 0: 312 steps | life 1: 17 steps | ...      each ends with a death
 *                ^0 ^1      ^2       ^3                          faults, numbered over the run
 *
 * Faults do not depend on what the run rolls, so any of them can be left out and the run cut short
 * while the rest stays as it is: that is what shrink.h does with a run that fails. Which kinds of
 * faults a seed has is chosen first, so that each pair of kinds is also met without the others.
 */
#ifndef HF_SIM_PLAN_H
#define HF_SIM_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/sim/node.h"

#define HF_PLAN_LIVES_MAX 8u
#define HF_PLAN_FAULTS_MAX 256u

/* `amount`, `length` and `who` as each says. */
#define HF_FAULT_MAP(X)                                                                            \
    X(POWER, "the power goes at a call to the disk")      /* amount: the call's number */          \
    X(ERROR, "a write, sync or allocation fails")         /* likewise, of such calls */            \
    X(READ, "a read fails")                               /* likewise */                           \
    X(PROCESS, "the process dies at a call to the disk")  /* likewise */                           \
    X(BOOT_POWER, "the power goes in recovery")           /* likewise */                           \
    X(BOOT_READ, "a read fails in recovery")              /* likewise */                           \
    X(BOOT_PROCESS, "the process dies in recovery")       /* likewise */                           \
    X(FULL, "the disk is full")                           /* length; amount: bytes left */         \
    X(SLOW, "the disk is slow: no log step, no sync")     /* length */                             \
    X(ROT, "synced bytes decay while the server is down") /* length: places; amount: chance */     \
    X(STRAY, "a write lands in the wrong place")          /* amount: the write's number */         \
    X(CLOCK, "the clock jumps")                           /* amount: by how much, signed */        \
    X(BREAK, "a connection breaks")                       /* who; length: in which way */          \
    X(REPEAT, "a client sends a frame twice")             /* who */                                \
    X(LATE, "a client stops reading for a while")         /* who; length */

enum hf_fault_kind {
#define HF_FAULT_ENUM(name, text) HF_FAULT_##name,
    HF_FAULT_MAP(HF_FAULT_ENUM)
#undef HF_FAULT_ENUM
        HF_FAULTS_COUNT
};

struct hf_fault {
    enum hf_fault_kind kind;
    uint32_t life;
    uint32_t step; /* of the life, from 0 */
    uint32_t length;
    uint32_t who;
    int64_t amount;
};

struct hf_life {
    uint32_t steps;
    enum hf_node_end end; /* unless the power goes before */
    uint32_t faults_first, faults_count;
};

/* Which part of a seed's plan is carried out. */
struct hf_plan_cut {
    uint32_t steps_max; /* of all lives together; 0: all */
    bool has_faults;    /* is_kept says which; else all */
    bool is_kept[HF_PLAN_FAULTS_MAX];
};

struct hf_plan {
    struct hf_life lives[HF_PLAN_LIVES_MAX];
    uint32_t lives_count;
    struct hf_fault faults[HF_PLAN_FAULTS_MAX]; /* by life, then step */
    uint32_t faults_count;
    bool is_filled;       /* the first segment of the log is nearly full from the start */
    bool is_process_only; /* durability is below sync: only what a kill leaves may be promised */
    enum hf_durability durability;
    uint32_t snapshots_kept;
    uint64_t snapshot_log_bytes; /* a snapshot after so much log; 0: only when one is asked for */
    uint32_t clients_count;
};

#define HF_PLAN_CLIENTS_MAX 6u

void hf_plan_make(struct hf_plan *plan, uint64_t seed);
uint32_t hf_plan_steps(const struct hf_plan *plan);
const char *hf_fault_text(enum hf_fault_kind kind);
/* A line about the fault, without its end. */
void hf_fault_describe(const struct hf_plan *plan, uint32_t index, char *text, size_t text_bytes);

#endif
