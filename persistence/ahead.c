#include "persistence/ahead.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#include "engine/assert.h"

/*
 * Slots are filled and taken once a few hundred microseconds: one mutex is cheap enough, and it is
 * held neither while a slot is filled nor while one is used. To wake a thread is not: on a virtual
 * machine it may cost as long as a slot does. So a filler that found all slots full sleeps until
 * half of them are empty.
 */
struct hf_ahead {
    uint32_t slots_count;
    hf_ahead_fill_cb fill_cb;
    void *arg;
    bool has_thread;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t cond; /* one waits at most: full and empty are never true at once */
    uint64_t filled_count;
    uint64_t taken_count; /* the last of them is still in use */
    bool is_last;         /* nothing comes behind the filled ones */
    bool is_ending;
};

static void *fill_main(void *arg)
{
    struct hf_ahead *ahead = arg;

    (void)pthread_mutex_lock(&ahead->mutex);
    for (;;) {
        /* The slot that was taken last is in use until the next take: it counts as full. */
        while (!ahead->is_ending &&
               ahead->filled_count - ahead->taken_count + 1 >= ahead->slots_count) {
            (void)pthread_cond_wait(&ahead->cond, &ahead->mutex);
        }
        if (ahead->is_ending) {
            break;
        }
        const uint32_t slot = (uint32_t)(ahead->filled_count % ahead->slots_count);
        (void)pthread_mutex_unlock(&ahead->mutex);
        const bool is_last = !ahead->fill_cb(ahead->arg, slot);
        (void)pthread_mutex_lock(&ahead->mutex);
        ahead->filled_count++;
        ahead->is_last = is_last;
        (void)pthread_cond_signal(&ahead->cond);
        if (is_last) {
            break;
        }
    }
    (void)pthread_mutex_unlock(&ahead->mutex);
    return NULL;
}

/* Signals belong to others: the thread begins with all of them blocked. */
static bool start_thread(struct hf_ahead *ahead)
{
    sigset_t all;
    sigset_t before;

    (void)sigfillset(&all);
    if (pthread_mutex_init(&ahead->mutex, NULL) != 0) {
        return false;
    }
    if (pthread_cond_init(&ahead->cond, NULL) != 0) {
        (void)pthread_mutex_destroy(&ahead->mutex);
        return false;
    }
    bool is_started = pthread_sigmask(SIG_SETMASK, &all, &before) == 0;
    if (is_started) {
        is_started = pthread_create(&ahead->thread, NULL, fill_main, ahead) == 0;
        (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    }
    if (!is_started) {
        (void)pthread_cond_destroy(&ahead->cond);
        (void)pthread_mutex_destroy(&ahead->mutex);
    }
    return is_started;
}

struct hf_ahead *hf_ahead_start(uint32_t slots_count, bool wants_thread, hf_ahead_fill_cb fill_cb,
                                void *arg)
{
    HF_ASSERT(slots_count > 0);

    struct hf_ahead *ahead = calloc(1, sizeof *ahead);
    if (ahead == NULL) {
        return NULL;
    }
    ahead->slots_count = slots_count;
    ahead->fill_cb = fill_cb;
    ahead->arg = arg;
    ahead->has_thread = wants_thread && slots_count > 1 && start_thread(ahead);
    return ahead;
}

bool hf_ahead_is_ready(struct hf_ahead *ahead)
{
    if (!ahead->has_thread) {
        return true;
    }
    (void)pthread_mutex_lock(&ahead->mutex);
    const bool is_ready = ahead->taken_count < ahead->filled_count || ahead->is_last;
    (void)pthread_mutex_unlock(&ahead->mutex);
    return is_ready;
}

bool hf_ahead_take(struct hf_ahead *ahead, uint32_t *slot)
{
    *slot = (uint32_t)(ahead->taken_count % ahead->slots_count);
    if (!ahead->has_thread) {
        if (ahead->is_last) {
            return false;
        }
        ahead->is_last = !ahead->fill_cb(ahead->arg, *slot);
        ahead->taken_count++;
        return true;
    }
    (void)pthread_mutex_lock(&ahead->mutex);
    while (ahead->taken_count == ahead->filled_count && !ahead->is_last) {
        (void)pthread_cond_wait(&ahead->cond, &ahead->mutex);
    }
    const bool is_there = ahead->taken_count < ahead->filled_count;
    ahead->taken_count += is_there ? 1 : 0;
    if ((ahead->filled_count - ahead->taken_count) * 2 <= ahead->slots_count) {
        (void)pthread_cond_signal(&ahead->cond);
    }
    (void)pthread_mutex_unlock(&ahead->mutex);
    return is_there;
}

void hf_ahead_end(struct hf_ahead *ahead)
{
    if (ahead == NULL) {
        return;
    }
    if (ahead->has_thread) {
        (void)pthread_mutex_lock(&ahead->mutex);
        ahead->is_ending = true;
        (void)pthread_cond_signal(&ahead->cond);
        (void)pthread_mutex_unlock(&ahead->mutex);
        (void)pthread_join(ahead->thread, NULL);
        (void)pthread_cond_destroy(&ahead->cond);
        (void)pthread_mutex_destroy(&ahead->mutex);
    }
    free(ahead);
}
