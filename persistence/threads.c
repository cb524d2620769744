#include "persistence/threads.h"

#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "engine/assert.h"
#include "engine/engine.h"
#include "persistence/cadence.h"
#include "persistence/priority.h"

#define SPARE_RETRY_US UINT64_C(1000000) /* a full disk is asked again so often */
#define SYNC_RETRY_US UINT64_C(10000)
#define WORKER_NICE 10        /* a tenth of a processor that another thread wants, too */
#define TURN_US 1000u         /* while a snapshot is copied: as good as a clock of libuv gets */
#define IDLE_TURN_US 1000000u /* else: to see whether one is due */
#define PROGRESS_US 10000000u /* a snapshot that takes longer says how far it is */

/*
 * How a thread goes to sleep without missing its wake-up: it raises its `sleeps` flag, looks for
 * work once more, and only then waits. Who brings work leaves it first and then looks at the flag.
 * Both touch the flag with a read-modify-write: one of the two comes second, and the second one
 * sees what the first did before. So either the sleeper sees the work or it is signalled.
 */
struct hf_store_threads {
    struct hf_store *store;
    struct hf_engine *engine;
    hf_store_wake_cb wake_cb;
    void *wake_arg;
    pthread_t log_thread;
    pthread_t worker_thread;
    pthread_t spare_thread;

    pthread_mutex_t mutex; /* never held across I/O */
    pthread_cond_t log_cond;
    pthread_cond_t worker_cond;
    pthread_cond_t spare_cond;
    _Atomic int log_sleeps; /* 0 or 1 */
    _Atomic int worker_sleeps;
    _Atomic int spare_sleeps;
    _Atomic bool is_sync_wanted; /* worker -> log thread */
    _Atomic bool is_log_ending;  /* loop -> log thread */
    bool is_worker_ending;       /* under the mutex */
    bool is_spare_ending;        /* under the mutex */

    /* Snapshots: the loop's. */
    bool is_snapshot_on;
    bool is_asked_for;   /* the one that is on; done_cb hears of it */
    bool is_copied_here; /* the one that is on is a new one; else there is one of that LSN */
    bool is_wanted;      /* one was asked for and has not begun; done_cb hears of it */
    hf_store_snapshot_cb done_cb;
    void *done_arg;
    uint64_t begun_us;
    uint64_t slice_us;    /* when the last slice ended */
    uint64_t progress_us; /* when the next line about it is due */
    struct hf_store_threads_stats stats;
};

static uint64_t read_clock_us(clockid_t clock)
{
    struct timespec now;

    (void)clock_gettime(clock, &now); /* cannot fail with the two clocks that are asked */
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static uint64_t now_us(void)
{
    return read_clock_us(CLOCK_MONOTONIC);
}

/* That this thread has had of a processor. */
static uint64_t cpu_us(void)
{
    return read_clock_us(CLOCK_THREAD_CPUTIME_ID);
}

/* Wait until woken, or until `due_us` of now_us. The mutex is held. */
static void wait_until(struct hf_store_threads *threads, pthread_cond_t *cond, uint64_t due_us)
{
    if (due_us == UINT64_MAX) {
        (void)pthread_cond_wait(cond, &threads->mutex);
        return;
    }
    const struct timespec due = {.tv_sec = (time_t)(due_us / 1000000),
                                 .tv_nsec = (long)(due_us % 1000000) * 1000};
    (void)pthread_cond_timedwait(cond, &threads->mutex, &due); /* being late is no error */
}

static void wake(struct hf_store_threads *threads, pthread_cond_t *cond, _Atomic int *sleeps)
{
    if (atomic_fetch_or(sleeps, 0) == 0) {
        return; /* it will look before it sleeps */
    }
    (void)pthread_mutex_lock(&threads->mutex);
    (void)pthread_cond_signal(cond);
    (void)pthread_mutex_unlock(&threads->mutex);
}

static void wake_log(struct hf_store_threads *threads)
{
    wake(threads, &threads->log_cond, &threads->log_sleeps);
}

static void wake_worker(struct hf_store_threads *threads)
{
    wake(threads, &threads->worker_cond, &threads->worker_sleeps);
}

/* ------------------------------------------------------------------ the log thread */

static bool log_has_work(const struct hf_store_threads *threads)
{
    return (hf_store_has_work(threads->store) && !hf_store_failed(threads->store)) ||
           atomic_load(&threads->is_sync_wanted) || atomic_load(&threads->is_log_ending);
}

static void log_sleep(struct hf_store_threads *threads)
{
    (void)pthread_mutex_lock(&threads->mutex);
    (void)atomic_exchange(&threads->log_sleeps, 1);
    if (!log_has_work(threads)) {
        const uint64_t due_us =
            hf_store_failed(threads->store) ? UINT64_MAX : hf_store_sync_due_us(threads->store);
        wait_until(threads, &threads->log_cond, due_us);
    }
    atomic_store(&threads->log_sleeps, 0);
    (void)pthread_mutex_unlock(&threads->mutex);
}

static void *log_main(void *arg)
{
    struct hf_store_threads *threads = arg;
    struct hf_store *store = threads->store;
    uint64_t told_lsn = hf_store_durable_lsn(store);
    bool is_failure_told = false;

    hf_thread_be_prompt();
    for (;;) {
        /* Read before the step: what is published before the end is asked for gets written. */
        const bool is_ending = atomic_load(&threads->is_log_ending);
        const bool is_sync_wanted = atomic_exchange(&threads->is_sync_wanted, false);
        const bool is_anything_done = hf_store_log_step(store, now_us());
        const bool is_idle = !is_anything_done && !hf_store_has_work(store);
        if (is_sync_wanted || (is_ending && is_idle)) {
            (void)hf_store_log_sync(store); /* a failure is seen below */
        }
        const uint64_t durable_lsn = hf_store_durable_lsn(store);
        const bool has_failed = hf_store_failed(store);
        if (durable_lsn != told_lsn || has_failed != is_failure_told || is_anything_done) {
            told_lsn = durable_lsn;
            is_failure_told = has_failed;
            threads->wake_cb(threads->wake_arg);
        }
        if (is_sync_wanted) {
            wake_worker(threads);
        }
        if (hf_store_spare_is_wanted(store)) {
            wake(threads, &threads->spare_cond, &threads->spare_sleeps);
        }
        if (is_ending && (is_idle || has_failed)) {
            return NULL;
        }
        if (!is_anything_done) {
            log_sleep(threads);
        }
    }
}

/* ------------------------------------------------------------------ the worker thread */

/* The mutex is held: `is_worker_ending` counts only when no snapshot is on any more. */
static bool worker_has_work(const struct hf_store_threads *threads, bool is_idle, uint64_t *due_us)
{
    return hf_store_snapshot_has_work(threads->store, now_us(), due_us) ||
           (threads->is_worker_ending && is_idle);
}

/*
 * While it waits for the log to be synced it looks again soon by itself: the log thread may have
 * taken the wish and synced one group, short of what the snapshot needs, before the flag was up.
 */
static void worker_sleep(struct hf_store_threads *threads, enum hf_store_write result)
{
    const bool is_idle = result == HF_STORE_IDLE;
    uint64_t due_us = result == HF_STORE_WANTS_LOG ? now_us() + SYNC_RETRY_US : UINT64_MAX;

    (void)pthread_mutex_lock(&threads->mutex);
    (void)atomic_exchange(&threads->worker_sleeps, 1);
    uint64_t work_us = UINT64_MAX;
    if (!worker_has_work(threads, is_idle, &work_us)) {
        due_us = work_us < due_us ? work_us : due_us;
        wait_until(threads, &threads->worker_cond, due_us);
    }
    atomic_store(&threads->worker_sleeps, 0);
    (void)pthread_mutex_unlock(&threads->mutex);
}

static bool is_worker_ending(struct hf_store_threads *threads)
{
    (void)pthread_mutex_lock(&threads->mutex);
    const bool is_ending = threads->is_worker_ending;
    (void)pthread_mutex_unlock(&threads->mutex);
    return is_ending;
}

static void *worker_main(void *arg)
{
    struct hf_store_threads *threads = arg;
    bool is_told = true; /* the loop knows how the last snapshot has ended */

    hf_thread_be_patient(WORKER_NICE);
    for (;;) {
        /* In this order: nothing begins once it is to end, so a step that finds nothing then has
         * seen all there was. */
        const bool is_ending = is_worker_ending(threads);
        const enum hf_store_write result = hf_store_snapshot_write_step(threads->store, now_us());
        if (result == HF_STORE_WORKED) {
            is_told = false;
            if (hf_store_spare_is_wanted(threads->store)) { /* log was dropped: it has a place */
                wake(threads, &threads->spare_cond, &threads->spare_sleeps);
            }
            continue;
        }
        if (result == HF_STORE_IDLE && !is_told) {
            is_told = true;
            threads->wake_cb(threads->wake_arg);
        }
        if (result == HF_STORE_IDLE && is_ending) {
            return NULL;
        }
        if (result == HF_STORE_WANTS_LOG) {
            /* The log thread takes the wish first and wakes us after it has synced. */
            atomic_store(&threads->is_sync_wanted, true);
            wake_log(threads);
        }
        worker_sleep(threads, result);
    }
}

/* ------------------------------------------------------------------ the spare thread */

static bool is_spare_wanted(const struct hf_store_threads *threads)
{
    return hf_store_spare_is_wanted(threads->store) && !hf_store_failed(threads->store);
}

/* The mutex is held, and is again on return. */
static void spare_sleep(struct hf_store_threads *threads)
{
    const bool is_retrying =
        hf_store_spare_has_failed(threads->store) && !hf_store_failed(threads->store);

    (void)atomic_exchange(&threads->spare_sleeps, 1);
    if (!is_spare_wanted(threads)) {
        wait_until(threads, &threads->spare_cond,
                   is_retrying ? now_us() + SPARE_RETRY_US : UINT64_MAX);
    }
    atomic_store(&threads->spare_sleeps, 0);
    if (is_retrying) {
        hf_store_spare_retry(threads->store);
    }
}

/*
 * The next segment is made ahead by a thread of its own: it may have to wait for space, and a
 * snapshot, which takes long, must not make it wait.
 */
static void *spare_main(void *arg)
{
    struct hf_store_threads *threads = arg;

    (void)pthread_mutex_lock(&threads->mutex);
    while (!threads->is_spare_ending) {
        if (!is_spare_wanted(threads)) {
            spare_sleep(threads);
            continue;
        }
        (void)pthread_mutex_unlock(&threads->mutex);
        if (hf_store_spare_step(threads->store)) {
            wake_log(threads); /* which counts it, and wakes the loop */
        } else {
            threads->wake_cb(threads->wake_arg); /* it is short of something, or has failed */
            wake_worker(threads);                /* which may be able to drop some log */
        }
        (void)pthread_mutex_lock(&threads->mutex);
    }
    (void)pthread_mutex_unlock(&threads->mutex);
    return NULL;
}

/* ------------------------------------------------------------------ life */

static bool init_locks(struct hf_store_threads *threads)
{
    pthread_condattr_t attributes;

    if (pthread_condattr_init(&attributes) != 0) {
        return false;
    }
    pthread_cond_t *conds[] = {&threads->log_cond, &threads->worker_cond, &threads->spare_cond};
    const size_t conds_count = sizeof conds / sizeof conds[0];
    size_t made_count = 0;
    bool is_made = pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0;
    while (is_made && made_count < conds_count) {
        is_made = pthread_cond_init(conds[made_count], &attributes) == 0;
        made_count += is_made;
    }
    (void)pthread_condattr_destroy(&attributes); /* cannot fail once initialized */
    if (is_made && pthread_mutex_init(&threads->mutex, NULL) == 0) {
        return true;
    }
    while (made_count > 0) {
        (void)pthread_cond_destroy(conds[--made_count]);
    }
    return false;
}

static void release_locks(struct hf_store_threads *threads)
{
    (void)pthread_mutex_destroy(&threads->mutex);
    (void)pthread_cond_destroy(&threads->spare_cond);
    (void)pthread_cond_destroy(&threads->worker_cond);
    (void)pthread_cond_destroy(&threads->log_cond);
}

static void end_log(struct hf_store_threads *threads)
{
    atomic_store(&threads->is_log_ending, true);
    wake_log(threads);
    (void)pthread_join(threads->log_thread, NULL);
}

static void end_worker(struct hf_store_threads *threads)
{
    (void)pthread_mutex_lock(&threads->mutex);
    threads->is_worker_ending = true;
    (void)pthread_cond_signal(&threads->worker_cond);
    (void)pthread_mutex_unlock(&threads->mutex);
    (void)pthread_join(threads->worker_thread, NULL);
}

static void end_spare(struct hf_store_threads *threads)
{
    (void)pthread_mutex_lock(&threads->mutex);
    threads->is_spare_ending = true;
    (void)pthread_cond_signal(&threads->spare_cond);
    (void)pthread_mutex_unlock(&threads->mutex);
    (void)pthread_join(threads->spare_thread, NULL);
}

/* Signals belong to the loop: the new threads begin with all of them blocked. */
static bool start_threads(struct hf_store_threads *threads)
{
    sigset_t all;
    sigset_t before;

    (void)sigfillset(&all);
    if (pthread_sigmask(SIG_SETMASK, &all, &before) != 0) {
        return false;
    }
    const bool has_log = pthread_create(&threads->log_thread, NULL, log_main, threads) == 0;
    const bool has_worker =
        has_log && pthread_create(&threads->worker_thread, NULL, worker_main, threads) == 0;
    const bool has_spare =
        has_worker && pthread_create(&threads->spare_thread, NULL, spare_main, threads) == 0;
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (has_worker && !has_spare) {
        end_worker(threads);
    }
    if (has_log && !has_spare) {
        end_log(threads);
    }
    return has_spare;
}

struct hf_store_threads *hf_store_threads_start(struct hf_store *store, struct hf_engine *engine,
                                                hf_store_wake_cb wake_cb, void *arg)
{
    struct hf_store_threads *threads = calloc(1, sizeof *threads);
    if (threads == NULL) {
        return NULL;
    }
    threads->store = store;
    threads->engine = engine;
    threads->wake_cb = wake_cb;
    threads->wake_arg = arg;
    if (!init_locks(threads)) {
        free(threads);
        return NULL;
    }
    if (!start_threads(threads)) {
        release_locks(threads);
        free(threads);
        return NULL;
    }
    return threads;
}

void hf_store_threads_publish(struct hf_store_threads *threads, uint64_t lsn)
{
    hf_store_publish(threads->store, lsn);
    wake_log(threads);
}

/* ------------------------------------------------------------------ snapshots, on the loop */

static void keep_longest(uint64_t *longest_us, uint64_t took_us)
{
    *longest_us = took_us > *longest_us ? took_us : *longest_us;
}

static void note_slice(struct hf_store_threads *threads, uint64_t begin_us, uint64_t begin_cpu_us)
{
    threads->slice_us = now_us();
    keep_longest(&threads->stats.snapshot_longest_copy_us, threads->slice_us - begin_us);
    keep_longest(&threads->stats.snapshot_longest_copy_cpu_us, cpu_us() - begin_cpu_us);
}

static enum hf_err begin_snapshot(struct hf_store_threads *threads)
{
    const uint64_t begin_us = now_us();
    const uint64_t begin_cpu_us = cpu_us();

    const enum hf_err err = hf_store_snapshot_begin(threads->store, threads->engine);
    note_slice(threads, begin_us, begin_cpu_us);
    if (err == HF_OK) {
        struct hf_store_snapshot_progress progress;
        hf_store_snapshot_progress(threads->store, &progress);
        wake_log(threads); /* it has been published */
        threads->is_snapshot_on = true;
        threads->is_copied_here = progress.is_on;
        threads->is_asked_for = threads->is_wanted;
        threads->is_wanted = false;
        threads->begun_us = begin_us;
        threads->progress_us = begin_us + PROGRESS_US;
        wake_worker(threads);
        if (!progress.is_on) {
            threads->wake_cb(threads->wake_arg); /* for poll, which says so */
        }
    }
    return err;
}

static void say_progress(struct hf_store_threads *threads,
                         const struct hf_store_snapshot_progress *progress)
{
    char text[160];
    const uint64_t done_count = progress->items_count - progress->items_left;

    if (threads->slice_us < threads->progress_us) {
        return;
    }
    threads->progress_us = threads->slice_us + PROGRESS_US;
    (void)snprintf(text, sizeof text,
                   "snapshot of LSN %" PRIu64 ": %" PRIu64 " %% copied, %" PRIu64 " MiB written",
                   progress->lsn, done_count * 100 / (progress->items_count + 1),
                   progress->file_bytes >> 20);
    hf_store_say(threads->store, 'i', text);
}

/* False: there is nothing to copy any more. */
static bool copy_slice(struct hf_store_threads *threads)
{
    struct hf_store_snapshot_progress progress;
    enum hf_store_copy result = HF_STORE_COPIES;
    const uint64_t begin_us = now_us();

    hf_store_snapshot_progress(threads->store, &progress);
    say_progress(threads, &progress);
    if (!progress.is_on || progress.is_copied) {
        threads->slice_us = begin_us;
        return false;
    }
    const struct hf_pace pace = {.kept_bytes = progress.kept_bytes,
                                 .kept_bytes_max = progress.kept_bytes_max,
                                 .items_left = progress.items_left,
                                 .items_count = progress.items_count};
    const uint32_t budget_us = hf_pace_us(&pace, begin_us - threads->slice_us);
    if (budget_us == 0) {
        return true;
    }
    if (hf_pace_is_hurried(&pace)) {
        hf_store_snapshot_hurry(threads->store);
    }
    const uint64_t begin_cpu_us = cpu_us();
    while (result == HF_STORE_COPIES && now_us() - begin_us < budget_us) {
        result = hf_store_snapshot_copy_step(threads->store);
    }
    note_slice(threads, begin_us, begin_cpu_us);
    wake_worker(threads);
    return true;
}

/* The one that was asked for cannot begin. */
static void refuse_wanted(struct hf_store_threads *threads, enum hf_err err)
{
    threads->is_wanted = false;
    threads->done_cb(threads->done_arg, err, 0);
}

uint64_t hf_store_threads_turn(struct hf_store_threads *threads)
{
    if (hf_store_retention_is_due(threads->store)) {
        wake_worker(threads); /* whoever held the files has let go of them */
    }
    if (!threads->is_snapshot_on) {
        const bool is_due = hf_store_snapshot_is_due(threads->store, now_us());
        if (!threads->is_wanted && !is_due) {
            return IDLE_TURN_US;
        }
        const enum hf_err err = begin_snapshot(threads);
        if (err != HF_OK && err != HF_BUSY) {
            threads->stats.snapshots_failed++;
            if (threads->is_wanted) {
                refuse_wanted(threads, err);
            }
        }
        return TURN_US;
    }
    return copy_slice(threads) ? TURN_US : IDLE_TURN_US;
}

static void end_snapshot(struct hf_store_threads *threads, enum hf_err err, uint64_t lsn)
{
    threads->is_snapshot_on = false; /* first: the callback may ask for another one */
    if (err == HF_OK && threads->is_copied_here) {
        threads->stats.snapshot_last_us = now_us() - threads->begun_us;
    } else if (err != HF_OK && err != HF_BUSY) {
        threads->stats.snapshots_failed++;
    }
    if (threads->is_asked_for) {
        threads->is_asked_for = false;
        threads->done_cb(threads->done_arg, err, lsn);
    }
}

uint64_t hf_store_threads_poll(struct hf_store_threads *threads)
{
    enum hf_err err = HF_OK;
    uint64_t lsn = 0;

    hf_store_pin(threads->store);
    if (threads->is_snapshot_on && hf_store_snapshot_poll(threads->store, &err, &lsn)) {
        end_snapshot(threads, err, lsn);
    }
    return hf_store_durable_lsn(threads->store);
}

enum hf_err hf_store_threads_snapshot(struct hf_store_threads *threads,
                                      hf_store_snapshot_cb done_cb, void *arg)
{
    if (threads->is_wanted || threads->is_asked_for) {
        return HF_BUSY;
    }
    if (hf_store_failed(threads->store)) {
        return HF_IO;
    }
    threads->done_cb = done_cb;
    threads->done_arg = arg;
    threads->is_wanted = true;
    if (threads->is_snapshot_on) {
        return HF_OK; /* after that one */
    }
    const enum hf_err err = begin_snapshot(threads);
    if (err == HF_OK || err == HF_BUSY) {
        return HF_OK; /* busy: the engine gives memory back first; it begins in a later turn */
    }
    threads->is_wanted = false;
    threads->stats.snapshots_failed++;
    return err;
}

void hf_store_threads_snapshot_cancel(struct hf_store_threads *threads)
{
    hf_store_snapshot_cancel(threads->store);
    wake_worker(threads);
    if (threads->is_wanted) {
        refuse_wanted(threads, HF_BUSY);
    }
}

void hf_store_threads_stats(const struct hf_store_threads *threads,
                            struct hf_store_threads_stats *stats)
{
    *stats = threads->stats;
}

enum hf_err hf_store_threads_stop(struct hf_store_threads *threads)
{
    if (threads == NULL) {
        return HF_OK;
    }
    /* The log thread last: the snapshot that the worker may be writing needs it. */
    hf_store_snapshot_cancel(threads->store);
    end_worker(threads);
    end_spare(threads);
    end_log(threads);

    (void)hf_store_threads_poll(threads); /* the snapshot's last word */
    HF_ASSERT(!threads->is_snapshot_on);
    if (threads->is_wanted) {
        refuse_wanted(threads, HF_BUSY);
    }
    const bool has_failed = hf_store_failed(threads->store);
    release_locks(threads);
    free(threads);
    return has_failed ? HF_IO : HF_OK;
}
