/*
 * disk_trace.h - records what a run does to a disk, and builds every disk that a loss of power
 * could have left at any moment of it.
 *
 *     code under test -> trace -> the disk below (sim_disk.h)
 *                          |
 *                          v   open, write, size, sync, rename, unlink, directory sync ...
 *     walk     |---|---|---|---|---|---|---|--->     step by step through what was recorded
 *                      here: sectors, sizes and names that no sync had covered yet
 *                      build(choice): a disk with all that was synced, and of the rest the choice
 *
 * Rules of the disk, as unkind as POSIX allows: a sync of a file covers its bytes and its size, but
 * not its name; a directory sync covers names only; what was not synced reaches the disk in any
 * order, sector of 512 bytes by sector, or not at all, or as garbage. A sector that was written
 * several times between two syncs may hold any of these versions. A rename is one change.
 *
 * The run itself must not fail and must begin on an empty disk. All files lie in one directory.
 */
#ifndef HF_TESTS_DISK_TRACE_H
#define HF_TESTS_DISK_TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "persistence/disk.h"
#include "tests/lib/sim_disk.h"

struct hf_trace;

struct hf_trace *hf_trace_create(const struct hf_disk *below);
void hf_trace_free(struct hf_trace *trace);
/* The table for the code under test: records and passes on. */
const struct hf_disk *hf_trace_table(struct hf_trace *trace);
/* Called before each call that is recorded: the newest LSN that may have been acknowledged. */
typedef uint64_t (*hf_trace_acked_cb)(void *arg);
void hf_trace_ask(struct hf_trace *trace, hf_trace_acked_cb cb, void *arg);
/* From now on the disk lies: such a call works, but syncs nothing. To prove that it is found. */
enum hf_trace_lie { HF_TRACE_LIE_SYNC = 1, HF_TRACE_LIE_SYNC_DIR = 2 };
void hf_trace_lie(struct hf_trace *trace, enum hf_trace_lie lie);
size_t hf_trace_steps_count(const struct hf_trace *trace);

struct hf_trace_walk;

/* Before the first step. The trace must outlive it and must not grow any more. */
struct hf_trace_walk *hf_trace_walk_create(const struct hf_trace *trace);
void hf_trace_walk_free(struct hf_trace_walk *walk);
/* Over the next step. False: there is none. */
bool hf_trace_walk_step(struct hf_trace_walk *walk);

/* What no sync has covered yet. */
struct hf_trace_left {
    uint64_t acked_lsn; /* when the step had been made */
    size_t sectors_count;
    size_t names_count; /* changes of names: made, renamed, removed */
};
struct hf_trace_left hf_trace_walk_left(const struct hf_trace_walk *walk);

/* What became of the unsynced sectors, and of the unsynced sizes. */
enum hf_trace_fate {
    HF_TRACE_NONE,  /* none reached the disk; sizes are the synced ones */
    HF_TRACE_ALL,   /* all did, and sizes */
    HF_TRACE_ONLY,  /* of the sectors only `sector` did */
    HF_TRACE_BUT,   /* all but `sector` did */
    HF_TRACE_SPOIL, /* all did; `sector` holds garbage */
    HF_TRACE_MIX    /* by the seed, each its own */
};
struct hf_trace_choice {
    enum hf_trace_fate fate;
    size_t sector;  /* 0 .. sectors_count - 1 */
    uint64_t names; /* bit i: the i-th change of names reached the disk */
    uint64_t seed;
};
/* A number that two disks share when they are alike. */
uint64_t hf_trace_walk_hash(const struct hf_trace_walk *walk, const struct hf_trace_choice *choice);
/* The disk, all of it synced. The caller frees it. */
struct hf_sim_disk *hf_trace_walk_build(const struct hf_trace_walk *walk,
                                        const struct hf_trace_choice *choice);

#endif
