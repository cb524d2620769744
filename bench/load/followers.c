#include "bench/load/followers.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "net/holdfast.h"

#define WAIT_MS 200 /* between two looks at whether the load is over */
#define FAULT_BYTES 160
#define NOT_YET UINT64_MAX

struct follower {
    struct hf_followers *all;
    struct holdfast *hf;
    pthread_t thread;
    bool is_running;
    uint32_t number;
    uint32_t pause_ms;
    struct holdfast_token token;
    uint64_t events;
    uint64_t last_lsn;   /* of the newest event; */
    uint32_t last_index; /* and its place in the operation */
    uint64_t lag_lsn;
    char fault[FAULT_BYTES]; /* empty: none */
};

struct hf_followers {
    uint32_t count;
    atomic_uint_least64_t end_lsn; /* NOT_YET: the load is on */
    pthread_mutex_t lock;          /* for `ending`, which ends rests early */
    pthread_cond_t ending;
    struct follower list[HF_FOLLOWERS_MAX];
};

static const uint32_t pauses_ms[] = {0, 1, 10, 100, 1000};

static void on_event(void *arg, const struct holdfast_event *event)
{
    struct follower *follower = arg;
    const bool is_next = event->lsn == follower->last_lsn
                             ? event->index == follower->last_index + 1
                             : event->lsn == follower->last_lsn + 1 && event->index == 0;

    if (!is_next && follower->fault[0] == '\0') {
        (void)snprintf(follower->fault, sizeof follower->fault,
                       "follower %u got %" PRIu64 ".%u after %" PRIu64 ".%u", follower->number,
                       event->lsn, event->index, follower->last_lsn, follower->last_index);
    }
    follower->last_lsn = event->lsn;
    follower->last_index = event->index;
    follower->events++;
}

static void rest(struct follower *follower, uint32_t ms)
{
    struct hf_followers *all = follower->all;
    struct timespec end;

    if (ms == 0) {
        return;
    }
    (void)clock_gettime(CLOCK_REALTIME, &end);
    end.tv_sec += ms / 1000;
    end.tv_nsec += (long)(ms % 1000) * 1000000;
    end.tv_sec += end.tv_nsec / 1000000000;
    end.tv_nsec %= 1000000000;
    (void)pthread_mutex_lock(&all->lock);
    while (atomic_load(&all->end_lsn) == NOT_YET &&
           pthread_cond_timedwait(&all->ending, &all->lock, &end) == 0) {
    }
    (void)pthread_mutex_unlock(&all->lock);
}

static void *follow(void *arg)
{
    struct follower *follower = arg;
    bool is_over = false;
    time_t give_up_s = 0;

    while (follower->fault[0] == '\0') {
        const uint64_t end_lsn = atomic_load(&follower->all->end_lsn);
        if (end_lsn != NOT_YET && !is_over) {
            is_over = true;
            give_up_s = time(NULL) + HF_FOLLOWERS_CATCH_UP_S;
            follower->lag_lsn = follower->token.lsn < end_lsn ? end_lsn - follower->token.lsn : 0;
        }
        if (is_over && follower->token.lsn >= end_lsn) {
            return NULL;
        }
        if (is_over && time(NULL) > give_up_s) {
            (void)snprintf(follower->fault, sizeof follower->fault,
                           "follower %u came to LSN %" PRIu64 ", not to %" PRIu64, follower->number,
                           follower->token.lsn, end_lsn);
            return NULL;
        }
        const enum holdfast_outcome outcome =
            holdfast_next_events(follower->hf, WAIT_MS, on_event, follower, &follower->token);
        if (outcome != HOLDFAST_OK) {
            (void)snprintf(follower->fault, sizeof follower->fault, "follower %u: %s",
                           follower->number, holdfast_outcome_name(outcome));
        }
        rest(follower, is_over ? 0 : follower->pause_ms);
    }
    return NULL;
}

static bool start_one(struct follower *follower, const char *address, char *error,
                      size_t error_bytes)
{
    const struct holdfast_options options = {.name = "holdfast-bench follower"};
    const struct holdfast_subscription now = {0};

    follower->hf = holdfast_connect(address, &options, error, error_bytes);
    if (follower->hf == NULL) {
        return false;
    }
    const enum holdfast_outcome outcome = holdfast_subscribe(follower->hf, &now, &follower->token);
    follower->last_lsn = follower->token.lsn;
    if (outcome != HOLDFAST_OK || pthread_create(&follower->thread, NULL, follow, follower) != 0) {
        (void)snprintf(error, error_bytes, "could not follow the feed: %s",
                       holdfast_outcome_name(outcome));
        return false;
    }
    follower->is_running = true;
    return true;
}

struct hf_followers *hf_followers_start(const char *address, uint32_t count, char *error,
                                        size_t error_bytes)
{
    struct hf_followers *followers = calloc(1, sizeof *followers);

    if (followers == NULL || count > HF_FOLLOWERS_MAX) {
        (void)snprintf(error, error_bytes, "no memory for %u followers", count);
        free(followers);
        return NULL;
    }
    atomic_init(&followers->end_lsn, NOT_YET);
    (void)pthread_mutex_init(&followers->lock, NULL);
    (void)pthread_cond_init(&followers->ending, NULL);
    for (uint32_t i = 0; i < count; i++) {
        struct follower *follower = &followers->list[followers->count++];
        follower->all = followers;
        follower->number = i;
        follower->pause_ms = pauses_ms[i % (sizeof pauses_ms / sizeof pauses_ms[0])];
        if (!start_one(follower, address, error, error_bytes)) {
            struct hf_follower_report reports[HF_FOLLOWERS_MAX];
            char ignored[FAULT_BYTES];
            (void)hf_followers_finish(followers, 0, reports, ignored, sizeof ignored);
            return NULL;
        }
    }
    return followers;
}

bool hf_followers_finish(struct hf_followers *followers, uint64_t lsn,
                         struct hf_follower_report *reports, char *error, size_t error_bytes)
{
    bool is_sound = true;

    (void)pthread_mutex_lock(&followers->lock);
    atomic_store(&followers->end_lsn, lsn);
    (void)pthread_cond_broadcast(&followers->ending);
    (void)pthread_mutex_unlock(&followers->lock);
    for (uint32_t i = 0; i < followers->count; i++) {
        struct follower *follower = &followers->list[i];
        if (follower->is_running) {
            (void)pthread_join(follower->thread, NULL);
        }
        holdfast_close(follower->hf);
        reports[i] = (struct hf_follower_report){.pause_ms = follower->pause_ms,
                                                 .events = follower->events,
                                                 .lag_lsn = follower->lag_lsn};
        if (follower->fault[0] != '\0' && is_sound) {
            (void)snprintf(error, error_bytes, "%s", follower->fault);
            is_sound = false;
        }
    }
    (void)pthread_cond_destroy(&followers->ending);
    (void)pthread_mutex_destroy(&followers->lock);
    free(followers);
    return is_sound;
}
