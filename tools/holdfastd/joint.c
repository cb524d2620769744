#include "tools/holdfastd/joint.h"

#include <string.h>
#include <time.h>
#include <unistd.h>

#include "engine/assert.h"
#include "tools/holdfastd/journal.h"

/* P9: no reply leaves after this, not even one that waits in a buffer. */
static _Noreturn void stop_at_once(void)
{
    hf_journal_line(NULL, 'e', "stopping at once: the log has failed, the line before says why");
    _exit(1);
}

static void joint_publish(void *ctx, uint64_t lsn)
{
    struct hf_joint *joint = ctx;
    if (joint->threads != NULL) {
        hf_store_threads_publish(joint->threads, lsn);
    }
}

static uint64_t joint_durable_lsn(void *ctx)
{
    struct hf_joint *joint = ctx;
    if (hf_store_failed(joint->store)) {
        stop_at_once();
    }
    return joint->threads != NULL ? hf_store_threads_poll(joint->threads)
                                  : hf_store_durable_lsn(joint->store);
}

static enum hf_err joint_writable(void *ctx)
{
    struct hf_joint *joint = ctx;
    if (hf_store_failed(joint->store)) {
        stop_at_once();
    }
    return HF_OK;
}

static enum hf_err joint_snapshot(void *ctx, void (*done)(void *arg, enum hf_err err, uint64_t lsn),
                                  void *arg)
{
    struct hf_joint *joint = ctx;
    HF_ASSERT(joint->threads != NULL); /* frames come after the start */
    const enum hf_err err = hf_store_threads_snapshot(joint->threads, done, arg);
    if (err != HF_OK && err != HF_BUSY) {
        hf_journal('w', "could not write a snapshot: %s", hf_strerror(err));
    }
    return err;
}

static void joint_stats(void *ctx, struct hf_log_stats *stats)
{
    struct hf_joint *joint = ctx;
    struct hf_store_stats store = {0};

    hf_store_stats(joint->store, &store);
    *stats = (struct hf_log_stats){
        .durable_lsn = store.durable_lsn,
        .fsyncs_count = store.fsyncs_count,
        .log_bytes = store.log_bytes,
        .snapshot_lsn = store.snapshot_lsn,
        .epoch = hf_store_epoch(joint->store),
    };
}

static const struct hf_log_ops joint_ops = {
    .publish = joint_publish,
    .durable_lsn = joint_durable_lsn,
    .writable = joint_writable,
    .snapshot = joint_snapshot,
    .stats = joint_stats,
};

void hf_joint_init(struct hf_joint *joint, struct hf_store *store)
{
    *joint = (struct hf_joint){.store = store};
    joint->log.ops = &joint_ops;
    joint->log.ctx = joint;
    joint->log.epoch = hf_store_epoch(store);
    memcpy(joint->log.directory_id, hf_store_directory_id(store), sizeof joint->log.directory_id);
}

static void wake(void *arg)
{
    hf_server_wake(arg);
}

bool hf_joint_start(struct hf_joint *joint, struct hf_engine *engine, struct hf_server *server)
{
    joint->threads = hf_store_threads_start(joint->store, engine, wake, server);
    return joint->threads != NULL;
}

void hf_joint_stop(struct hf_joint *joint, uint64_t lsn)
{
    struct hf_store_threads *threads = joint->threads;

    /* Holds may have ended in the loop's last turn, after it published. */
    hf_store_threads_publish(threads, lsn);
    joint->threads = NULL;
    if (hf_store_threads_stop(threads) != HF_OK) {
        stop_at_once();
    }
}

/* ------------------------------------------------------------------ clocks */

static uint64_t read_clock_us(clockid_t id)
{
    struct timespec now = {0};
    (void)clock_gettime(id, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static uint64_t system_now_us(void *ctx)
{
    (void)ctx;
    return read_clock_us(CLOCK_REALTIME);
}

static uint64_t system_monotonic_us(void *ctx)
{
    (void)ctx;
    return read_clock_us(CLOCK_MONOTONIC);
}

struct hf_clock hf_joint_clock(void)
{
    return (struct hf_clock){.now_us = system_now_us, .monotonic_us = system_monotonic_us};
}
