#include "bench/load/turns.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "bench/load/followers.h"
#include "engine/assert.h"

struct hf_turns {
    const char *address;
    uint32_t followers_count;
    int64_t turn_ns;
    uint32_t turns_count;
    struct hf_histogram *latency_ns; /* of each turn */

    pthread_t thread; /* of the followers; it alone writes what is below */
    bool is_running;
    struct timespec started;
    uint64_t events;
    bool is_faulty;
    char error[256];
};

struct hf_turns *hf_turns_create(const char *address, uint32_t followers, uint64_t turn_us,
                                 uint64_t duration_us)
{
    struct hf_turns *turns = calloc(1, sizeof *turns);

    HF_ASSERT(turn_us > 0);
    HF_ASSERT(duration_us / turn_us >= 2);
    HF_ASSERT(duration_us / turn_us <= HF_TURNS_MAX);
    if (turns == NULL) {
        return NULL;
    }
    turns->address = address;
    turns->followers_count = followers;
    turns->turn_ns = (int64_t)turn_us * 1000;
    turns->turns_count = (uint32_t)(duration_us / turn_us);
    turns->latency_ns = calloc(turns->turns_count, sizeof *turns->latency_ns);
    if (turns->latency_ns == NULL) {
        free(turns);
        return NULL;
    }
    return turns;
}

void hf_turns_destroy(struct hf_turns *turns)
{
    if (turns != NULL) {
        HF_ASSERT(!turns->is_running);
        free(turns->latency_ns);
        free(turns);
    }
}

/* ------------------------------------------------------------------ followers come and go */

static void sleep_until(const struct hf_turns *turns, uint32_t turn)
{
    const int64_t ns = turns->started.tv_nsec + turns->turn_ns * turn;
    const struct timespec end = {.tv_sec = turns->started.tv_sec + ns / 1000000000,
                                 .tv_nsec = ns % 1000000000};
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &end, NULL) != 0) {
    }
}

static void *conduct(void *arg)
{
    struct hf_turns *turns = arg;
    static struct hf_follower_report reports[HF_FOLLOWERS_MAX];

    for (uint32_t turn = 1; turn < turns->turns_count && !turns->is_faulty; turn += 2) {
        sleep_until(turns, turn);
        struct hf_followers *followers = hf_followers_start(turns->address, turns->followers_count,
                                                            turns->error, sizeof turns->error);
        if (followers == NULL) {
            turns->is_faulty = true;
            break;
        }
        sleep_until(turns, turn + 1);
        turns->is_faulty =
            !hf_followers_finish(followers, 0, reports, turns->error, sizeof turns->error);
        for (uint32_t i = 0; i < turns->followers_count; i++) {
            turns->events += reports[i].events;
        }
    }
    return NULL;
}

void hf_turns_begin(struct hf_turns *turns)
{
    (void)clock_gettime(CLOCK_MONOTONIC, &turns->started);
    turns->is_running = pthread_create(&turns->thread, NULL, conduct, turns) == 0;
    if (!turns->is_running) {
        turns->is_faulty = true;
        (void)snprintf(turns->error, sizeof turns->error, "no thread for the followers");
    }
}

/* ------------------------------------------------------------------ figures */

void hf_turns_add(struct hf_turns *turns, int64_t due_ns, int64_t waited_ns)
{
    const int64_t turn = due_ns / turns->turn_ns;
    const int64_t into_it = due_ns % turns->turn_ns;

    if (turn < (int64_t)turns->turns_count && into_it >= turns->turn_ns / 10) {
        hf_histogram_add(&turns->latency_ns[turn], (uint64_t)waited_ns, 1);
    }
}

static int compare(const void *left, const void *right)
{
    const uint64_t a = *(const uint64_t *)left;
    const uint64_t b = *(const uint64_t *)right;
    return a < b ? -1 : a > b;
}

bool hf_turns_finish(struct hf_turns *turns, struct hf_turns_report *report, char *error,
                     size_t error_bytes)
{
    *report = (struct hf_turns_report){.turns_count = turns->turns_count};
    if (turns->is_running) {
        (void)pthread_join(turns->thread, NULL);
        turns->is_running = false;
    }
    for (uint32_t half = 0; half < 2; half++) {
        uint64_t p99_ns[HF_TURNS_MAX];
        uint32_t count = 0;
        for (uint32_t turn = half; turn < turns->turns_count; turn += 2) {
            hf_histogram_merge(&report->latency_ns[half], &turns->latency_ns[turn]);
            p99_ns[count++] = hf_histogram_at(&turns->latency_ns[turn], 990000);
        }
        qsort(p99_ns, count, sizeof p99_ns[0], compare);
        report->median_p99_ns[half] = p99_ns[count / 2];
    }
    report->events = turns->events;
    if (turns->is_faulty) {
        (void)snprintf(error, error_bytes, "%s", turns->error);
    }
    return !turns->is_faulty;
}
