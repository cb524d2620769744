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
#include <stdint.h>

#include "engine/err.h"

struct hf_log_stats {
    uint64_t durable_lsn;
    uint64_t fsyncs_count;
    uint64_t log_bytes;    /* stored bytes of blocks written since start */
    uint64_t snapshot_lsn; /* of the newest snapshot; 0: none */
    uint32_t epoch;
};

struct hf_log_ops {
    /* Records up to and including `lsn` are in the ledger ring and may be written. Never blocks. */
    void (*publish)(void *ctx, uint64_t lsn);
    /* LSN up to which replies may leave. Grows only. */
    uint64_t (*durable_lsn)(void *ctx);
    /* HF_OK while writes are taken; HF_READ_ONLY, HF_NOT_PRIMARY. */
    enum hf_err (*writable)(void *ctx);
    /*
     * Write a snapshot of the state as it is now. Copies before it returns, then works in the
     * background; `done` is called on the loop thread. HF_BUSY: one is being written already.
     */
    enum hf_err (*snapshot)(void *ctx, void (*done)(void *arg, enum hf_err err, uint64_t lsn),
                            void *arg);
    void (*stats)(void *ctx, struct hf_log_stats *stats);
};

struct hf_log {
    const struct hf_log_ops *ops;
    void *ctx;
    unsigned char directory_id[16];
    uint32_t epoch;
};

#endif
