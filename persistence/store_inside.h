/*
 * store_inside.h - the fields of an open store, for the two files that implement store.h: store.c
 * opens it and runs its log, store_snapshot.c its snapshots. Nobody else includes it.
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
    uint32_t snapshots_kept;
    uint64_t interval_us;
    uint64_t segment_bytes;
    uint64_t log_kept_bytes;
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
    _Atomic bool is_retention_owed; /* worker -> all: it was not applied yet */
    _Atomic uint32_t holds_count;   /* any thread -> worker: nothing is dropped meanwhile */
    _Atomic bool has_failed;        /* log thread -> all */
    bool is_shortage_told;          /* the spare thread's: since the spare could last be made */
    bool is_read_only;              /* the loop's, as is this: */
    bool is_same_asked; /* a snapshot of an LSN that has one was asked for: poll says that it is */
};

#endif
