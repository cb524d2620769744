#include "persistence/threads.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "engine/assert.h"
#include "engine/engine.h"

#define ERROR_BYTES 512
#define SPARE_RETRY_US UINT64_C(1000000) /* a full disk is asked again so often */

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

    /* The snapshot under way, from hf_store_threads_snapshot to its `done_cb`; the loop's, but for
     * the hand-over under the mutex. */
    bool is_snapshot_open;
    hf_store_snapshot_cb done_cb;
    void *done_arg;
    uint64_t snapshot_lsn;
    struct hf_snapshot_copy *copy; /* under the mutex: loop -> worker */
    bool is_snapshot_done;         /* under the mutex: worker -> loop */
    enum hf_err snapshot_err;      /* under the mutex */
};

static uint64_t now_us(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now); /* cannot fail with this clock */
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
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

/* The mutex is held, and is again on return. */
static void worker_sleep(struct hf_store_threads *threads)
{
    (void)atomic_exchange(&threads->worker_sleeps, 1);
    wait_until(threads, &threads->worker_cond, UINT64_MAX);
    atomic_store(&threads->worker_sleeps, 0);
}

/* Wait until the log is synced up to `lsn`, so that the snapshot is not ahead of it. */
static void wait_for_log(struct hf_store_threads *threads, uint64_t lsn)
{
    struct hf_store *store = threads->store;

    while (hf_store_synced_lsn(store) < lsn && !hf_store_failed(store)) {
        atomic_store(&threads->is_sync_wanted, true);
        wake_log(threads);
        (void)pthread_mutex_lock(&threads->mutex);
        (void)atomic_exchange(&threads->worker_sleeps, 1);
        /* The log thread takes the wish first and wakes after it has synced. */
        if (atomic_load(&threads->is_sync_wanted) ||
            (hf_store_synced_lsn(store) < lsn && !hf_store_failed(store))) {
            (void)pthread_cond_wait(&threads->worker_cond, &threads->mutex);
        }
        atomic_store(&threads->worker_sleeps, 0);
        (void)pthread_mutex_unlock(&threads->mutex);
    }
}

static enum hf_err write_snapshot(struct hf_store_threads *threads, struct hf_snapshot_copy *copy)
{
    char error[ERROR_BYTES];

    wait_for_log(threads, hf_snapshot_copy_lsn(copy));
    const enum hf_err err = hf_store_snapshot_write(threads->store, copy, error, sizeof error);
    if (err != HF_OK) {
        hf_store_say(threads->store, 'e', error);
        return HF_IO;
    }
    return HF_OK;
}

static void *worker_main(void *arg)
{
    struct hf_store_threads *threads = arg;

    (void)pthread_mutex_lock(&threads->mutex);
    for (;;) {
        struct hf_snapshot_copy *copy = threads->copy;
        if (copy != NULL) {
            threads->copy = NULL;
            (void)pthread_mutex_unlock(&threads->mutex);
            const enum hf_err err = write_snapshot(threads, copy);
            (void)pthread_mutex_lock(&threads->mutex);
            threads->snapshot_err = err;
            threads->is_snapshot_done = true;
            (void)pthread_mutex_unlock(&threads->mutex);
            threads->wake_cb(threads->wake_arg);
            (void)pthread_mutex_lock(&threads->mutex);
        } else if (threads->is_worker_ending) {
            break;
        } else {
            worker_sleep(threads);
        }
    }
    (void)pthread_mutex_unlock(&threads->mutex);
    return NULL;
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

uint64_t hf_store_threads_poll(struct hf_store_threads *threads)
{
    hf_store_pin(threads->store);
    if (threads->is_snapshot_open) {
        (void)pthread_mutex_lock(&threads->mutex);
        const bool is_done = threads->is_snapshot_done;
        const enum hf_err err = threads->snapshot_err;
        threads->is_snapshot_done = false;
        (void)pthread_mutex_unlock(&threads->mutex);
        if (is_done) {
            threads->is_snapshot_open = false; /* first: the callback may ask for another one */
            threads->done_cb(threads->done_arg, err, threads->snapshot_lsn);
        }
    }
    return hf_store_durable_lsn(threads->store);
}

enum hf_err hf_store_threads_snapshot(struct hf_store_threads *threads,
                                      hf_store_snapshot_cb done_cb, void *arg)
{
    if (threads->is_snapshot_open) {
        return HF_BUSY;
    }
    if (hf_store_failed(threads->store)) {
        return HF_IO;
    }
    struct hf_snapshot_copy *copy = hf_store_snapshot_copy(threads->store, threads->engine);
    if (copy == NULL) {
        return HF_NO_MEMORY;
    }
    /* The copy may hold records that the caller has not published yet. */
    const uint64_t lsn = hf_snapshot_copy_lsn(copy);
    hf_store_threads_publish(threads, lsn);
    threads->is_snapshot_open = true;
    threads->done_cb = done_cb;
    threads->done_arg = arg;
    threads->snapshot_lsn = lsn;
    (void)pthread_mutex_lock(&threads->mutex);
    HF_ASSERT(threads->copy == NULL);
    threads->copy = copy;
    (void)pthread_cond_signal(&threads->worker_cond);
    (void)pthread_mutex_unlock(&threads->mutex);
    return HF_OK;
}

enum hf_err hf_store_threads_stop(struct hf_store_threads *threads)
{
    if (threads == NULL) {
        return HF_OK;
    }
    /* The log thread last: the snapshot that the worker may be writing needs it. */
    end_worker(threads);
    end_spare(threads);
    end_log(threads);

    (void)hf_store_threads_poll(threads); /* the snapshot's last word */
    const bool has_failed = hf_store_failed(threads->store);
    release_locks(threads);
    free(threads);
    return has_failed ? HF_IO : HF_OK;
}
