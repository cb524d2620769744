#include "tools/holdfastd/joint.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <uv.h>

#include "engine/assert.h"
#include "persistence/reader.h"
#include "tools/holdfastd/joint_backup.h"
#include "tools/holdfastd/journal.h"

#define GROWTH_LOOK_MS 10 /* between two looks at how the engine grows, at least */

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

static void let_go_of_dropped(struct hf_joint *joint);

static uint64_t system_now_us(void *ctx);

/* Whether the store takes writes, and since when it does not. */
static bool is_writable(struct hf_joint *joint)
{
    if (hf_store_writable(joint->store)) {
        joint->read_only_since_us = 0;
        return true;
    }
    if (joint->read_only_since_us == 0) {
        joint->read_only_since_us = system_now_us(NULL);
    }
    return false;
}

static uint64_t joint_durable_lsn(void *ctx)
{
    struct hf_joint *joint = ctx;
    if (hf_store_failed(joint->store)) {
        stop_at_once();
    }
    if (hf_store_first_lsn(joint->store) != joint->first_lsn) {
        let_go_of_dropped(joint);
    }
    hf_joint_backup_poll(joint);
    const uint64_t lsn = joint->threads != NULL ? hf_store_threads_poll(joint->threads)
                                                : hf_store_durable_lsn(joint->store);
    (void)is_writable(joint); /* said when it changes, also when nobody writes */
    return lsn;
}

static enum hf_err joint_writable(void *ctx)
{
    struct hf_joint *joint = ctx;
    if (hf_store_failed(joint->store)) {
        stop_at_once();
    }
    return is_writable(joint) ? HF_OK : HF_READ_ONLY;
}

/* ------------------------------------------------------------------ snapshots */

/* The timer turns the loop when nothing else does. */
static void set_timer(struct hf_joint *joint, uint64_t wait_us);

static void drive_snapshots(struct hf_joint *joint)
{
    hf_store_threads_publish(joint->threads, hf_engine_lsn(joint->engine));
    set_timer(joint, hf_store_threads_turn(joint->threads));
}

/* Have memory made that the engine will need soon. */
static void drive_growth(struct hf_joint *joint)
{
    struct hf_memory_part parts[HF_MAKER_PARTS_MAX];
    const uint64_t now_ms = uv_now(joint->loop);

    if (joint->maker == NULL || now_ms - joint->growth_ms < GROWTH_LOOK_MS) {
        return;
    }
    joint->growth_ms = now_ms;
    const uint32_t count =
        hf_growth_look(&joint->growth, joint->engine, parts, hf_maker_room(joint->maker));
    for (uint32_t i = 0; i < count; i++) {
        hf_maker_post(joint->maker, parts[i]);
    }
}

static void prepare_cb(uv_prepare_t *prepare)
{
    drive_snapshots(prepare->data);
    drive_growth(prepare->data);
}

/* The loop turns, and so prepare_cb is next. */
static void timer_cb(uv_timer_t *timer)
{
    (void)timer;
}

static void set_timer(struct hf_joint *joint, uint64_t wait_us)
{
    const uint64_t wait_ms = wait_us / 1000 > 0 ? wait_us / 1000 : 1;

    if (wait_ms != joint->timer_ms) {
        joint->timer_ms = wait_ms;
        (void)uv_timer_start(&joint->timer, timer_cb, wait_ms, wait_ms);
    }
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
    struct hf_store_threads_stats threads = {0};

    hf_store_stats(joint->store, &store);
    if (joint->threads != NULL) {
        hf_store_threads_stats(joint->threads, &threads);
    }
    *stats = (struct hf_log_stats){
        .durable_lsn = store.durable_lsn,
        .fsyncs_count = store.fsyncs_count,
        .log_bytes = store.log_bytes,
        .log_size_bytes = store.log_size_bytes,
        .log_max_bytes = store.log_max_bytes,
        .is_read_only_by_log_max = hf_store_cause(joint->store) == HF_STORE_LOG_MAX,
        .snapshot_lsn = store.snapshot_lsn,
        .read_only_since_us = joint->read_only_since_us,
        .snapshots_count = store.snapshots_count,
        .snapshots_failed = threads.snapshots_failed,
        .snapshot_last_us = threads.snapshot_last_us,
        .snapshot_longest_copy_us = threads.snapshot_longest_copy_us,
        .snapshot_longest_copy_cpu_us = threads.snapshot_longest_copy_cpu_us,
        .snapshot_bytes = store.snapshot_bytes,
        .memory_ahead_bytes = hf_growth_ahead_bytes(&joint->growth),
        .epoch = hf_store_epoch(joint->store),
    };
}

/* ------------------------------------------------------------------ reading the log */

struct hf_joint_reader {
    struct hf_log_reader reader;
    struct hf_joint *joint;
    struct hf_joint_reader *next; /* among the free ones */
    uv_work_t work;
    struct hf_log_read read;
    hf_log_records_cb done;
    void *arg;
    enum hf_err err;
};

static void free_reader(struct hf_joint_reader *reader)
{
    hf_log_reader_release(&reader->reader);
    free(reader);
}

/* The free reader that stands at `lsn`, else the one that was free for the longest, else a new one.
 * NULL: no memory. */
static struct hf_joint_reader *take_reader(struct hf_joint *joint, uint64_t lsn)
{
    struct hf_joint_reader **at = &joint->readers;

    while (*at != NULL && hf_log_reader_place(&(*at)->reader) != lsn && (*at)->next != NULL) {
        at = &(*at)->next;
    }
    struct hf_joint_reader *reader = *at;
    if (reader != NULL) {
        *at = reader->next;
        return reader;
    }
    reader = calloc(1, sizeof *reader);
    if (reader == NULL ||
        hf_log_reader_init(&reader->reader, hf_store_directory(joint->store)) != HF_OK) {
        free(reader);
        return NULL;
    }
    reader->joint = joint;
    return reader;
}

/* Keep a reader that has done its work; the one that was free for the longest may go. */
static void give_reader(struct hf_joint *joint, struct hf_joint_reader *reader)
{
    uint32_t count = 1;

    reader->next = joint->readers;
    joint->readers = reader;
    for (; reader->next != NULL; reader = reader->next) {
        if (++count > HF_JOINT_READERS_KEPT) {
            free_reader(reader->next); /* the last one: there was one too many at most */
            reader->next = NULL;
            return;
        }
    }
}

/* Retention has dropped segments: free readers need not hold them open. */
static void let_go_of_dropped(struct hf_joint *joint)
{
    joint->first_lsn = hf_store_first_lsn(joint->store);
    for (struct hf_joint_reader *at = joint->readers; at != NULL; at = at->next) {
        if (hf_log_reader_segment(&at->reader) < joint->first_lsn) {
            hf_log_reader_rest(&at->reader);
        }
    }
}

/* A thread of the pool. */
static void read_work(uv_work_t *work)
{
    struct hf_joint_reader *reader = work->data;
    reader->err = hf_log_reader_read(&reader->reader, &reader->read);
}

static void read_after(uv_work_t *work, int status)
{
    struct hf_joint_reader *reader = work->data;
    const enum hf_err err = status == 0 ? reader->err : HF_BUSY;

    if (err == HF_CORRUPT || err == HF_IO || err == HF_NO_MEMORY) {
        hf_journal('e', "the change feed: %s", reader->reader.error);
    }
    reader->done(reader->arg, err, reader->reader.records,
                 err == HF_OK ? reader->reader.records_bytes : 0);
    give_reader(reader->joint, reader);
}

static uint64_t joint_first_lsn(void *ctx)
{
    const struct hf_joint *joint = ctx;
    return hf_store_first_lsn(joint->store);
}

static enum hf_err joint_read(void *ctx, uint64_t from_lsn, size_t bytes_max,
                              hf_log_records_cb done, void *arg)
{
    struct hf_joint *joint = ctx;

    HF_ASSERT(joint->loop != NULL); /* subscribers come after the start */
    struct hf_joint_reader *reader = take_reader(joint, from_lsn);
    if (reader == NULL) {
        return HF_NO_MEMORY;
    }
    reader->read = (struct hf_log_read){from_lsn, hf_store_durable_lsn(joint->store), bytes_max};
    reader->done = done;
    reader->arg = arg;
    reader->work.data = reader;
    if (uv_queue_work(joint->loop, &reader->work, read_work, read_after) != 0) {
        give_reader(joint, reader);
        return HF_NO_MEMORY;
    }
    return HF_OK;
}

static const struct hf_log_ops joint_ops = {
    .publish = joint_publish,
    .durable_lsn = joint_durable_lsn,
    .writable = joint_writable,
    .snapshot = joint_snapshot,
    .backup = hf_joint_backup,
    .stats = joint_stats,
    .first_lsn = joint_first_lsn,
    .read = joint_read,
};

/* ------------------------------------------------------------------ life */

bool hf_joint_init(struct hf_joint *joint, struct hf_store *store, const char *backup_directory)
{
    const uint32_t epochs_count = hf_store_epochs_count(store);

    *joint = (struct hf_joint){.store = store, .backup_directory = backup_directory};
    joint->epochs = calloc(epochs_count, sizeof *joint->epochs);
    if (joint->epochs == NULL) {
        return false;
    }
    for (uint32_t i = 0; i < epochs_count; i++) {
        joint->epochs[i].epoch = hf_store_epoch_at(store, i, &joint->epochs[i].first_lsn);
    }
    joint->log.ops = &joint_ops;
    joint->log.ctx = joint;
    joint->log.epoch = hf_store_epoch(store);
    joint->log.epochs = joint->epochs;
    joint->log.epochs_count = epochs_count;
    memcpy(joint->log.directory_id, hf_store_directory_id(store), sizeof joint->log.directory_id);
    return true;
}

void hf_joint_release(struct hf_joint *joint)
{
    while (joint->readers != NULL) {
        struct hf_joint_reader *reader = joint->readers;
        joint->readers = reader->next;
        free_reader(reader);
    }
    free(joint->epochs);
    *joint = (struct hf_joint){0};
}

static void wake(void *arg)
{
    hf_server_wake(arg);
}

bool hf_joint_start(struct hf_joint *joint, struct hf_engine *engine, struct hf_server *server)
{
    joint->loop = hf_server_loop(server);
    joint->server = server;
    joint->engine = engine;
    joint->threads = hf_store_threads_start(joint->store, engine, wake, server);
    if (joint->threads == NULL) {
        return false;
    }
    hf_growth_begin(&joint->growth, engine);
    joint->maker = hf_maker_start();
    (void)uv_prepare_init(joint->loop, &joint->prepare);
    (void)uv_timer_init(joint->loop, &joint->timer);
    joint->prepare.data = joint;
    (void)uv_prepare_start(&joint->prepare, prepare_cb);
    set_timer(joint, hf_store_threads_turn(joint->threads));
    /* Neither keeps the loop alive: the server's connections do. */
    uv_unref((uv_handle_t *)&joint->prepare);
    uv_unref((uv_handle_t *)&joint->timer);
    return true;
}

void hf_joint_stopping(struct hf_joint *joint)
{
    hf_joint_backup_cancel(joint);
    hf_store_threads_snapshot_cancel(joint->threads); /* the last one, in one go, is newer */
}

void hf_joint_stop(struct hf_joint *joint, uint64_t lsn)
{
    struct hf_store_threads *threads = joint->threads;

    hf_maker_stop(joint->maker);
    joint->maker = NULL;
    uv_close((uv_handle_t *)&joint->prepare, NULL);
    uv_close((uv_handle_t *)&joint->timer, NULL);
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

/* Time that passes while the machine sleeps has passed for a hold, too. */
static uint64_t system_passed_us(void *ctx)
{
    (void)ctx;
#ifdef CLOCK_BOOTTIME
    return read_clock_us(CLOCK_BOOTTIME);
#else
    return read_clock_us(CLOCK_MONOTONIC);
#endif
}

static uint64_t log_now_us(void *ctx)
{
    return hf_steady_now_us(ctx);
}

void hf_joint_clocks_init(struct hf_joint_clocks *clocks, uint64_t last_us)
{
    clocks->system = (struct hf_clock){.now_us = system_now_us, .monotonic_us = system_passed_us};
    clocks->clock = (struct hf_clock){
        .ctx = &clocks->steady, .now_us = log_now_us, .monotonic_us = system_monotonic_us};
    hf_steady_init(&clocks->steady, &clocks->system, last_us, hf_journal_line, NULL);
}
