#include "tools/holdfastd/maker.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "engine/assert.h"
#include "persistence/priority.h"

#define PIECE_BYTES (UINT64_C(2) * 1024 * 1024) /* a large page */
#define MAKER_NICE                                                                                 \
    5 /* as whoever writes snapshots: where processors are short, others come first */

/*
 * A semaphore and a ring instead of a mutex: the loop must not wait for a thread that the system
 * has put aside. Places [made, posted) of the ring belong to the maker, the others to the loop.
 */
struct hf_maker {
    pthread_t thread;
    sem_t posts;
    _Atomic bool is_ending;
    _Atomic uint64_t posted_count, made_count;
    struct hf_memory_part parts[HF_MAKER_PARTS_MAX];
};

static void make(struct hf_maker *maker, const struct hf_memory_part *part)
{
    for (uint64_t at = 0; at < part->bytes_count && !atomic_load(&maker->is_ending);
         at += PIECE_BYTES) {
        const uint64_t left = part->bytes_count - at;
        hf_memory_populate((unsigned char *)part->memory + at,
                           left < PIECE_BYTES ? left : PIECE_BYTES);
    }
}

static void *maker_main(void *arg)
{
    struct hf_maker *maker = arg;
    uint64_t made_count = 0;

    hf_thread_be_patient(MAKER_NICE);
    for (;;) {
        while (sem_wait(&maker->posts) != 0) {
            HF_ASSERT(errno == EINTR);
        }
        if (atomic_load(&maker->is_ending)) {
            return NULL;
        }
        HF_ASSERT(made_count < atomic_load(&maker->posted_count));
        make(maker, &maker->parts[made_count % HF_MAKER_PARTS_MAX]);
        atomic_store(&maker->made_count, ++made_count);
    }
}

/* Signals belong to the loop: the thread begins with all of them blocked. */
static bool start_thread(struct hf_maker *maker)
{
    sigset_t all;
    sigset_t before;

    (void)sigfillset(&all);
    if (pthread_sigmask(SIG_SETMASK, &all, &before) != 0) {
        return false;
    }
    const bool is_started = pthread_create(&maker->thread, NULL, maker_main, maker) == 0;
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return is_started;
}

struct hf_maker *hf_maker_start(void)
{
    struct hf_maker *maker = calloc(1, sizeof *maker);

    if (maker == NULL) {
        return NULL;
    }
    if (sem_init(&maker->posts, 0, 0) != 0) {
        free(maker);
        return NULL;
    }
    if (!start_thread(maker)) {
        (void)sem_destroy(&maker->posts);
        free(maker);
        return NULL;
    }
    return maker;
}

uint32_t hf_maker_room(const struct hf_maker *maker)
{
    const uint64_t waiting_count =
        atomic_load(&maker->posted_count) - atomic_load(&maker->made_count);

    HF_ASSERT(waiting_count <= HF_MAKER_PARTS_MAX);
    return HF_MAKER_PARTS_MAX - (uint32_t)waiting_count;
}

void hf_maker_post(struct hf_maker *maker, struct hf_memory_part part)
{
    HF_ASSERT(hf_maker_room(maker) > 0);

    maker->parts[atomic_load(&maker->posted_count) % HF_MAKER_PARTS_MAX] = part;
    (void)atomic_fetch_add(&maker->posted_count, 1);
    (void)sem_post(&maker->posts); /* cannot fail: few are waiting at a time */
}

void hf_maker_stop(struct hf_maker *maker)
{
    if (maker == NULL) {
        return;
    }
    atomic_store(&maker->is_ending, true);
    (void)sem_post(&maker->posts);
    (void)pthread_join(maker->thread, NULL);
    (void)sem_destroy(&maker->posts);
    free(maker);
}
