#include "bench/load/turns.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "bench/load/followers.h"
#include "bench/load/memory.h"
#include "engine/assert.h"
#include "net/holdfast.h"

#define UNDER_WAY INT64_MAX

/* A snapshot's time after the start. Written by the conductor, read by the load. */
struct stretch {
    _Atomic int64_t begin_ns;
    _Atomic int64_t end_ns; /* UNDER_WAY: it is not answered yet */
    uint32_t turn;
};

struct hf_turns {
    struct hf_turns_options options;
    int64_t turn_ns;
    int64_t end_ns;
    uint32_t turns_count;
    struct hf_histogram *latency_ns; /* of each turn */
    uint64_t ops[2];                 /* with snapshots: answered without, and with */

    struct stretch *snapshots; /* room for one a turn */
    atomic_uint snapshots_count;

    pthread_t thread; /* the conductor; it alone writes what is below */
    bool is_running;
    struct timespec started;
    uint64_t events;
    uint64_t peak_bytes[2];
    double peak_ratio[2];
    bool is_faulty;
    char error[256];
};

struct hf_turns *hf_turns_create(const struct hf_turns_options *options)
{
    struct hf_turns *turns = calloc(1, sizeof *turns);

    HF_ASSERT(options->turn_us > 0);
    HF_ASSERT(options->duration_us / options->turn_us >= 2);
    HF_ASSERT(options->duration_us / options->turn_us <= HF_TURNS_MAX);
    if (turns == NULL) {
        return NULL;
    }
    turns->options = *options;
    turns->turn_ns = (int64_t)options->turn_us * 1000;
    turns->turns_count = (uint32_t)(options->duration_us / options->turn_us);
    turns->end_ns = turns->turn_ns * turns->turns_count;
    turns->latency_ns = calloc(turns->turns_count, sizeof *turns->latency_ns);
    turns->snapshots = calloc(turns->turns_count, sizeof *turns->snapshots);
    if (turns->latency_ns == NULL || turns->snapshots == NULL) {
        hf_turns_destroy(turns);
        return NULL;
    }
    return turns;
}

void hf_turns_destroy(struct hf_turns *turns)
{
    if (turns != NULL) {
        HF_ASSERT(!turns->is_running);
        free(turns->snapshots);
        free(turns->latency_ns);
        free(turns);
    }
}

/* ------------------------------------------------------------------ the conductor */

static int64_t since_start_ns(const struct hf_turns *turns)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)(now.tv_sec - turns->started.tv_sec) * 1000000000 + now.tv_nsec -
           turns->started.tv_nsec;
}

static void sleep_until(const struct hf_turns *turns, int64_t after_ns)
{
    const int64_t ns = turns->started.tv_nsec + after_ns;
    const struct timespec end = {.tv_sec = turns->started.tv_sec + ns / 1000000000,
                                 .tv_nsec = ns % 1000000000};
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &end, NULL) != 0) {
    }
}

static void fail(struct hf_turns *turns, const char *what)
{
    (void)snprintf(turns->error, sizeof turns->error, "%s", what);
    turns->is_faulty = true;
}

static void *conduct_followers(void *arg)
{
    struct hf_turns *turns = arg;
    const uint32_t count = turns->options.followers;
    static struct hf_follower_report reports[HF_FOLLOWERS_MAX];

    for (uint32_t turn = 1; turn < turns->turns_count && !turns->is_faulty; turn += 2) {
        sleep_until(turns, turns->turn_ns * turn);
        struct hf_followers *followers =
            hf_followers_start(turns->options.address, count, turns->error, sizeof turns->error);
        if (followers == NULL) {
            turns->is_faulty = true;
            break;
        }
        sleep_until(turns, turns->turn_ns * (turn + 1));
        turns->is_faulty =
            !hf_followers_finish(followers, 0, reports, turns->error, sizeof turns->error);
        for (uint32_t i = 0; i < count; i++) {
            turns->events += reports[i].events;
        }
    }
    return NULL;
}

/* What the server had at most since it was `before` bytes large. */
static void note_peak(struct hf_turns *turns, uint32_t half, uint64_t before)
{
    if (turns->options.server == 0 || before == 0) {
        return;
    }
    const uint64_t peak = hf_memory_peak(turns->options.server);
    const double ratio = (double)peak / (double)before;
    turns->peak_bytes[half] = peak > turns->peak_bytes[half] ? peak : turns->peak_bytes[half];
    turns->peak_ratio[half] = ratio > turns->peak_ratio[half] ? ratio : turns->peak_ratio[half];
}

static uint64_t begin_peak(const struct hf_turns *turns)
{
    if (turns->options.server == 0) {
        return 0;
    }
    hf_memory_reset_peak(turns->options.server);
    return hf_memory_now(turns->options.server);
}

/* One snapshot, from being asked for to being answered. */
static void take_snapshot(struct hf_turns *turns, struct holdfast *hf, uint32_t turn)
{
    const uint32_t index = atomic_load(&turns->snapshots_count);
    struct stretch *snapshot = &turns->snapshots[index];
    const uint64_t before = begin_peak(turns);
    uint64_t lsn = 0;

    snapshot->turn = turn;
    atomic_store(&snapshot->begin_ns, since_start_ns(turns));
    atomic_store(&snapshot->end_ns, UNDER_WAY);
    atomic_store(&turns->snapshots_count, index + 1);
    const enum holdfast_outcome outcome = holdfast_snapshot(hf, &lsn);
    atomic_store(&snapshot->end_ns, since_start_ns(turns));
    note_peak(turns, 1, before);
    if (outcome != HOLDFAST_OK) {
        (void)snprintf(turns->error, sizeof turns->error, "no snapshot in turn %u: %s", turn,
                       outcome == HOLDFAST_UNKNOWN ? holdfast_error(hf)
                                                   : holdfast_outcome_text(outcome));
        turns->is_faulty = true;
    }
}

static void *conduct_snapshots(void *arg)
{
    struct hf_turns *turns = arg;
    const struct holdfast_options options = {.request_timeout_ms = 600000,
                                             .name = "holdfast-bench snapshots"};
    struct holdfast *hf =
        holdfast_connect(turns->options.address, &options, turns->error, sizeof turns->error);

    turns->is_faulty = hf == NULL;
    for (uint32_t turn = 0; turn < turns->turns_count && !turns->is_faulty; turn++) {
        if (since_start_ns(turns) >= turns->turn_ns * (turn + 1)) {
            continue; /* the snapshot of the turn before took all of it */
        }
        if (turn % 2 == 1) {
            sleep_until(turns, turns->turn_ns * turn);
            take_snapshot(turns, hf, turn);
        } else {
            sleep_until(turns, turns->turn_ns * turn + turns->turn_ns / 10);
            const uint64_t before = begin_peak(turns);
            sleep_until(turns, turns->turn_ns * (turn + 1));
            note_peak(turns, 0, before);
        }
    }
    holdfast_close(hf);
    return NULL;
}

void hf_turns_begin(struct hf_turns *turns)
{
    void *(*conduct)(void *) = turns->options.followers > 0 ? conduct_followers : conduct_snapshots;

    (void)clock_gettime(CLOCK_MONOTONIC, &turns->started);
    turns->is_running = pthread_create(&turns->thread, NULL, conduct, turns) == 0;
    if (!turns->is_running) {
        fail(turns, "no thread for what comes in turns");
    }
}

/* ------------------------------------------------------------------ figures */

/* The newest snapshot that was under way at some time from `from_ns` to `to_ns`; NULL: none was. */
static const struct stretch *snapshot_between(const struct hf_turns *turns, int64_t from_ns,
                                              int64_t to_ns)
{
    for (uint32_t i = atomic_load(&turns->snapshots_count); i > 0; i--) {
        const struct stretch *snapshot = &turns->snapshots[i - 1];
        if (atomic_load(&snapshot->end_ns) < from_ns) {
            return NULL; /* and the ones before it ended earlier */
        }
        if (atomic_load(&snapshot->begin_ns) <= to_ns) {
            return snapshot;
        }
    }
    return NULL;
}

static bool is_counted_without(const struct hf_turns *turns, int64_t at_ns)
{
    return at_ns / turns->turn_ns % 2 == 0 && at_ns % turns->turn_ns >= turns->turn_ns / 10;
}

static void add_beside_snapshots(struct hf_turns *turns, int64_t from_ns, int64_t to_ns,
                                 uint64_t count)
{
    const struct stretch *snapshot = snapshot_between(turns, from_ns, to_ns);

    if (snapshot != NULL) {
        hf_histogram_add(&turns->latency_ns[snapshot->turn], (uint64_t)(to_ns - from_ns), count);
    } else if (is_counted_without(turns, from_ns)) {
        hf_histogram_add(&turns->latency_ns[from_ns / turns->turn_ns], (uint64_t)(to_ns - from_ns),
                         count);
    }
    if (to_ns >= turns->end_ns) {
        return;
    }
    if (snapshot != NULL && snapshot_between(turns, to_ns, to_ns) != NULL) {
        turns->ops[1] += count;
    } else if (is_counted_without(turns, to_ns)) {
        turns->ops[0] += count;
    }
}

void hf_turns_add(struct hf_turns *turns, int64_t from_ns, int64_t to_ns, uint64_t count)
{
    HF_ASSERT(to_ns >= from_ns);

    if (from_ns >= turns->end_ns || from_ns < 0) {
        return;
    }
    if (turns->options.followers == 0) {
        add_beside_snapshots(turns, from_ns, to_ns, count);
    } else if (from_ns % turns->turn_ns >= turns->turn_ns / 10) {
        hf_histogram_add(&turns->latency_ns[from_ns / turns->turn_ns], (uint64_t)(to_ns - from_ns),
                         count);
    }
}

/* The part of [begin, end) that lies in [from, to). */
static int64_t overlap(int64_t begin, int64_t end, int64_t from, int64_t to)
{
    const int64_t first = begin > from ? begin : from;
    const int64_t last = end < to ? end : to;
    return last > first ? last - first : 0;
}

/* How long each half was, and what became of the snapshots. */
static void measure_snapshots(const struct hf_turns *turns, struct hf_turns_report *report)
{
    int64_t counted_ns[2] = {0, 0};

    for (uint32_t turn = 0; turn < turns->turns_count; turn += 2) {
        counted_ns[0] += turns->turn_ns - turns->turn_ns / 10;
    }
    report->snapshots_count = atomic_load(&turns->snapshots_count);
    for (uint32_t i = 0; i < report->snapshots_count; i++) {
        const int64_t begin = atomic_load(&turns->snapshots[i].begin_ns);
        const int64_t end = atomic_load(&turns->snapshots[i].end_ns);
        const double seconds = (double)(end - begin) / 1e9;
        report->longest_s = seconds > report->longest_s ? seconds : report->longest_s;
        counted_ns[1] += overlap(begin, end, 0, turns->end_ns);
        for (uint32_t turn = 0; turn < turns->turns_count; turn += 2) {
            const int64_t turn_begin = turns->turn_ns * turn;
            counted_ns[0] -=
                overlap(begin, end, turn_begin + turns->turn_ns / 10, turn_begin + turns->turn_ns);
        }
    }
    for (uint32_t half = 0; half < 2; half++) {
        report->halves[half].ops = turns->ops[half];
        report->halves[half].seconds = (double)counted_ns[half] / 1e9;
        report->halves[half].peak_bytes = turns->peak_bytes[half];
        report->halves[half].peak_ratio = turns->peak_ratio[half];
    }
}

static int compare(const void *left, const void *right)
{
    const uint64_t a = *(const uint64_t *)left;
    const uint64_t b = *(const uint64_t *)right;
    return a < b ? -1 : a > b;
}

/* Of the figures of this half's turns, the one with so many hundredths of them below it. */
static uint64_t turn_ns(const struct hf_turns *turns, uint32_t half, uint32_t per_million,
                        uint32_t percent)
{
    uint64_t figures_ns[HF_TURNS_MAX] = {0};
    uint32_t count = 0;

    for (uint32_t turn = half; turn < turns->turns_count; turn += 2) {
        figures_ns[count++] = hf_histogram_at(&turns->latency_ns[turn], per_million);
    }
    qsort(figures_ns, count, sizeof figures_ns[0], compare);
    return figures_ns[count * percent / 100];
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
        for (uint32_t turn = half; turn < turns->turns_count; turn += 2) {
            hf_histogram_merge(&report->halves[half].latency_ns, &turns->latency_ns[turn]);
        }
        report->halves[half].median_p99_ns = turn_ns(turns, half, 990000, 50);
        report->halves[half].median_p999_ns = turn_ns(turns, half, 999000, 50);
        report->halves[half].quiet_p999_ns = turn_ns(turns, half, 999000, 25);
    }
    measure_snapshots(turns, report);
    report->events = turns->events;
    if (turns->is_faulty) {
        (void)snprintf(error, error_bytes, "%s", turns->error);
    }
    return !turns->is_faulty;
}
