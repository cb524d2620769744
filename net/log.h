/*
 * log.h - what the server needs of a log; the program that joins the parts plugs one in.
 *
 * net/ does not know files. It appends through the engine (records land in the ledger ring), says
 * "up to here" with publish(), and lets a reply go once durable_lsn() has reached it. A standby
 * will put its own gate behind the same call (DESIGN.md section 5, commit gate).
 *
 * Loop thread only. The implementation calls `on_durable` of hf_server (server.h) through a
 * wake-up of its own when durable_lsn() has grown.
 */
#ifndef HF_NET_LOG_H
#define HF_NET_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/err.h"

struct hf_log_stats {
    uint64_t durable_lsn;
    uint64_t fsyncs_count;
    uint64_t log_bytes;           /* stored bytes of blocks written since start */
    uint64_t log_size_bytes;      /* of the log's files */
    uint64_t log_max_bytes;       /* that they may take; 0: no bound */
    uint64_t snapshot_lsn;        /* of the newest snapshot; 0: none */
    uint64_t read_only_since_us;  /* of the system's clock; 0: writes are taken */
    bool is_read_only_by_log_max; /* because they take so much; else the disk gives no more */
    uint64_t snapshots_count;     /* written since start, as are the rest */
    uint64_t snapshots_failed;
    uint64_t snapshot_last_us;             /* how long the newest one took */
    uint64_t snapshot_longest_copy_us;     /* that copying has held up the loop at once ... */
    uint64_t snapshot_longest_copy_cpu_us; /* ... and by what it had of a processor */
    uint64_t snapshot_bytes;               /* of the newest one's file */
    uint64_t memory_ahead_bytes;           /* made for the engine, which does not use them yet */
    uint32_t epoch;
};

/* An epoch and the first LSN written in it (the manifest's list, oldest first). */
struct hf_log_epoch {
    uint32_t epoch;
    uint64_t first_lsn;
};

/* Called on the loop thread; `records` are whole, one after the other, valid during the call. */
typedef void (*hf_log_records_cb)(void *arg, enum hf_err err, const unsigned char *records,
                                  size_t bytes_count);

/* How far a backup is. */
struct hf_log_backup {
    bool is_done; /* this was the last word: `err` says how it ended, ... */
    enum hf_err err;
    uint64_t lsn; /* ... and of which state it is */
    uint64_t bytes_done, bytes_total;
    const char *text; /* the path of the backup; or why there is none, as a sentence */
};
/* Called on the loop thread; what `backup` points to is valid during the call. */
typedef void (*hf_log_backup_cb)(void *arg, const struct hf_log_backup *backup);

struct hf_log_ops {
    /* Records up to and including `lsn` are in the ledger ring and may be written. Never blocks. */
    void (*publish)(void *ctx, uint64_t lsn);
    /* LSN up to which replies may leave. Grows only. */
    uint64_t (*durable_lsn)(void *ctx);
    /* HF_OK while writes are taken. HF_READ_ONLY: the engine may not log anything; repeats are
     * still answered. HF_NOT_PRIMARY. The log wakes the server when it takes writes again. */
    enum hf_err (*writable)(void *ctx);
    /*
     * Write a snapshot of a state not older than now, in the background, while operations go on;
     * `done` is called on the loop thread with its LSN. HF_BUSY: one that was asked for is being
     * written already.
     */
    enum hf_err (*snapshot)(void *ctx, void (*done)(void *arg, enum hf_err err, uint64_t lsn),
                            void *arg);
    /*
     * Make a backup by this name, in the background: `cb` is called now and then, perhaps before
     * this returns, and a last time with is_done. HF_BUSY: one is being made. NULL: there are none.
     */
    void (*backup)(void *ctx, const char *name, hf_log_backup_cb cb, void *arg);
    void (*stats)(void *ctx, struct hf_log_stats *stats);
    /* The oldest LSN that `read` can give. Grows only. */
    uint64_t (*first_lsn)(void *ctx);
    /*
     * Read durable records from `from_lsn` on, from the files: about `bytes_max` bytes of them, at
     * least one. Works in the background and calls `done` once, later: HF_OK; HF_BUSY: asked for
     * what is not durable yet; HF_GONE: the files begin after it; HF_CORRUPT, HF_IO. Several
     * reads may be under way. HF_NO_MEMORY: not begun, `done` is not called.
     */
    enum hf_err (*read)(void *ctx, uint64_t from_lsn, size_t bytes_max, hf_log_records_cb done,
                        void *arg);
};

struct hf_log {
    const struct hf_log_ops *ops;
    void *ctx;
    unsigned char directory_id[16];
    uint32_t epoch;                    /* the current one */
    const struct hf_log_epoch *epochs; /* all of them, oldest first; the last is the current */
    uint32_t epochs_count;
};

#endif
