#include "tests/sim/workers.h"

#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <stddef.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "engine/assert.h"

#define PROGRESS_S 10.0

struct message {
    uint64_t seed;
    uint64_t worker;
    struct hf_sim_report report;
};
_Static_assert(sizeof(struct message) <= PIPE_BUF, "a message is written whole or not at all");

/* What a report counts, one number after the other. */
#define COUNTS_AT offsetof(struct hf_sim_report, deeds_count)
#define COUNTS_COUNT ((sizeof(struct hf_sim_report) - COUNTS_AT) / sizeof(uint64_t))
_Static_assert(COUNTS_AT + COUNTS_COUNT * sizeof(uint64_t) == sizeof(struct hf_sim_report),
               "all of a report behind its violation is counts");

static void add_report(struct hf_sim_report *sum, const struct hf_sim_report *report)
{
    uint64_t total[COUNTS_COUNT], part[COUNTS_COUNT];

    memcpy(total, (const char *)sum + COUNTS_AT, sizeof total);
    memcpy(part, (const char *)report + COUNTS_AT, sizeof part);
    for (size_t i = 0; i < COUNTS_COUNT; i++) {
        total[i] += part[i];
    }
    memcpy((char *)sum + COUNTS_AT, total, sizeof total);
}

static double now_s(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* A worker's life; it ends with the pipe, too, when nobody wants to hear more. */
static void work(const struct hf_workers *workers, uint32_t worker, int pipe_end)
{
    for (uint64_t i = worker; i < workers->seeds_count; i += workers->jobs) {
        struct message message = {.seed = workers->first_seed + i, .worker = worker};
        const struct hf_sim_options options = {.seed = message.seed,
                                               .is_replying_early = workers->is_replying_early};
        (void)hf_sim_run(&options, &message.report);
        if (write(pipe_end, &message, sizeof message) != (ssize_t)sizeof message) {
            break;
        }
    }
}

/* Insert by seed; false: there is no room for more. */
static bool note_found(struct hf_workers *workers, uint64_t seed, const char *violation)
{
    uint32_t at = workers->found_count;

    if (at == HF_WORKERS_FOUND_MAX) {
        return false;
    }
    for (workers->found_count++; at > 0 && workers->found[at - 1].seed > seed; at--) {
        workers->found[at] = workers->found[at - 1];
    }
    workers->found[at].seed = seed;
    (void)snprintf(workers->found[at].violation, sizeof workers->found[at].violation, "%s",
                   violation);
    (void)fprintf(workers->progress, "SEED=%" PRIu64 ": %s\n", seed, violation);
    return workers->found_count < HF_WORKERS_FOUND_MAX;
}

static void say_progress(const struct hf_workers *workers, double seconds)
{
    (void)fprintf(workers->progress,
                  "%" PRIu64 " of %" PRIu64 " seeds, %" PRIu32 " violations, %.1f seeds/s\n",
                  workers->done_count, workers->seeds_count, workers->found_count,
                  (double)workers->done_count / seconds);
    (void)fflush(workers->progress);
}

/* Whole messages until the workers have ended, or have found enough. `next` counts their seeds. */
static void listen_to(struct hf_workers *workers, int pipe_end, uint64_t next[HF_WORKERS_MAX])
{
    const double from_s = now_s();
    double told_s = from_s;
    struct pollfd wait = {.fd = pipe_end, .events = POLLIN};
    struct message message;

    for (;;) {
        const double left_s = told_s + PROGRESS_S - now_s();
        const int ready = left_s <= 0 ? 0 : poll(&wait, 1, (int)(left_s * 1000) + 1);
        if (ready == 0) {
            told_s = now_s();
            say_progress(workers, told_s - from_s);
            continue;
        }
        if (ready < 0 || read(pipe_end, &message, sizeof message) != (ssize_t)sizeof message) {
            return;
        }
        next[message.worker] = message.seed + workers->jobs;
        workers->done_count++;
        add_report(&workers->report, &message.report);
        if (message.report.violation[0] != '\0' &&
            !note_found(workers, message.seed, message.report.violation)) {
            return;
        }
    }
}

bool hf_workers_run(struct hf_workers *workers)
{
    uint64_t next[HF_WORKERS_MAX];
    pid_t children[HF_WORKERS_MAX];
    int ends[2];
    bool is_good = true;

    HF_ASSERT(workers->jobs >= 1 && workers->jobs <= HF_WORKERS_MAX);
    if (pipe(ends) != 0) {
        return false;
    }
    uint32_t count = 0;
    for (; is_good && count < workers->jobs; count++) {
        next[count] = workers->first_seed + count;
        children[count] = fork();
        if (children[count] == 0) {
            (void)close(ends[0]);
            work(workers, count, ends[1]);
            _exit(0);
        }
        if (children[count] < 0) {
            is_good = false;
            break;
        }
    }
    (void)close(ends[1]);
    if (is_good) {
        listen_to(workers, ends[0], next);
    }
    (void)close(ends[0]);
    for (uint32_t i = 0; i < count; i++) {
        int status = 0;
        (void)waitpid(children[i], &status, 0);
        const bool is_stopped = WIFSIGNALED(status) && WTERMSIG(status) == SIGPIPE;
        if (is_good && !is_stopped && status != 0) {
            (void)note_found(workers, next[i], "the process died");
        }
    }
    return is_good;
}
