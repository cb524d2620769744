/*
 * store_inside.h - the fields of an open store, for the three files that implement store.h: store.c
 * opens it and runs its log, store_snapshot.c its snapshots, store_bound.c judges how much the log
 * takes. Nobody else includes it.
 */
#ifndef HF_PERSISTENCE_STORE_INSIDE_H
#define HF_PERSISTENCE_STORE_INSIDE_H

#include <stdatomic.h>

#include "persistence/cadence.h"
#include "persistence/manifest.h"
#include "persistence/retention.h"
#include "persistence/snapshot_run.h"
#include "persistence/store.h"
#include "persistence/wal.h"

struct hf_store {
    struct hf_directory directory;
    enum hf_durability durability;
    uint64_t interval_us;
    uint64_t segment_bytes;
    uint64_t log_max_bytes; /* 0: no bound */
    uint64_t opened_bytes;  /* of the segments that were there at open */
    uint32_t epoch;
    int lock_file;
    struct hf_ledger *ledger; /* the engine's */
    uint64_t recovered_records;
    uint64_t recovered_log_bytes; /* stored bytes of their blocks */

    struct hf_manifest manifest; /* the worker's, once the store is open */
    struct hf_wal wal;           /* the log thread's */
    uint64_t unsynced_since_us;  /* the log thread's: when the oldest unsynced record was written */
    uint64_t pushed_before;      /* into the ledger ring, when the store was opened */
    struct hf_snapshot_run run;  /* the loop's and the worker's */
    struct hf_cadence cadence;   /* the loop's */

    _Atomic uint64_t published_lsn; /* loop thread -> log thread */
    _Atomic uint64_t durable_lsn;   /* log thread -> all */
    _Atomic uint64_t snapshot_lsn;  /* worker -> all, as are the next three */
    _Atomic uint64_t snapshots_count;
    _Atomic uint64_t snapshot_bytes;
    _Atomic uint64_t first_lsn;     /* with it the oldest segment begins */
    struct hf_retention retention;  /* the worker's: what the newest snapshot allows */
    _Atomic bool is_retention_owed; /* any thread -> worker: it was not applied yet, or is to be
                                       again: there is no place for a segment */
    _Atomic uint32_t holds_count;   /* any thread -> worker: nothing is dropped meanwhile */
    _Atomic uint32_t broken_count;  /* worker -> all: something was dropped in spite of a hold */
    _Atomic uint64_t dropped_bytes; /* worker -> all: of segments, since open */
    _Atomic bool is_near_told;      /* that the log nears its bound; spare thread and worker */
    _Atomic int shortage;    /* spare thread -> loop: enum hf_store_cause, since it was last made */
    _Atomic bool has_failed; /* log thread -> all */
    enum hf_store_cause cause; /* the loop's: other than HF_STORE_WRITABLE: it is read only */
    bool is_no_memory_told;    /* the loop's: since a snapshot could last begin */
    bool is_same_asked; /* the loop's: a snapshot of an LSN that has one was asked for: poll says
                           that it is */
};

/* ------------------------------------------------------------------ store_bound.c */

/* Any thread: bytes of the segments' files, the spare among them. */
uint64_t hf_store_log_size(const struct hf_store *store);
/* Any thread: the log is so near its bound that a snapshot should make what can be dropped. */
bool hf_store_log_is_near(const struct hf_store *store);
/* Any thread: another segment would take the log beyond its bound. */
bool hf_store_log_is_full(const struct hf_store *store);
/* Say so once when the log has come near; any thread that has changed its size. */
void hf_store_log_judge(struct hf_store *store);
/* Worker: drop what neither the kept snapshots nor anybody else needs, as the bound allows. While
 * files are held, that is owed. */
void hf_store_settle_retention(struct hf_store *store);

#endif
