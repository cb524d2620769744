/*
 * main.c - the simulator: seed after seed, and what they find.
 *
 *     SEED=n     the first seed (else from the time); SEEDS=m how many (else 1 with SEED, else 200)
 *     JOBS=n     of several seeds: in so many processes (else as many as there are processors)
 *     STEPS=n    of one seed: no more steps than that, all lives together
 *     FAULTS=a,b of one seed: only these of its faults; FAULTS=none: none
 *     PLANTED=early   with the planted defect of node.h, to see that it is found
 *
 * One seed prints what happens; several say on stderr how far they are. Exit code 0: nothing found;
 * 1: violations, with the first seed that shows one, and the smallest part of its schedule that
 * does; 2: the system has no process for it.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tests/sim/shrink.h"
#include "tests/sim/workers.h"

static const char *word_of(const char *name)
{
    const char *text = getenv(name);
    return text != NULL && text[0] != '\0' ? text : NULL;
}

static uint64_t number_of(const char *name, uint64_t otherwise)
{
    const char *text = word_of(name);
    return text != NULL ? strtoull(text, NULL, 10) : otherwise;
}

static struct hf_plan_cut read_cut(void)
{
    struct hf_plan_cut cut = {.steps_max = (uint32_t)number_of("STEPS", 0)};
    const char *text = word_of("FAULTS");
    char *end;

    for (cut.has_faults = text != NULL; text != NULL && *text != '\0'; text = end) {
        const unsigned long fault = strtoul(text, &end, 10);
        if (end == text) {
            break;
        }
        if (fault < HF_PLAN_FAULTS_MAX) {
            cut.is_kept[fault] = true;
        }
        end += *end == ',' ? 1 : 0;
    }
    return cut;
}

static void print_report(const struct hf_sim_report *report, uint64_t seeds, double seconds)
{
    printf("ok: %" PRIu64 " seeds in %.1f s: %" PRIu64 " steps, %" PRIu64 " deeds (%" PRIu64
           " done, %" PRIu64 " refused), %" PRIu64 " deaths\n",
           seeds, seconds, report->steps_count, report->deeds_count, report->done_count,
           report->refused_count, report->deaths_count);
    printf("unknown at a death: %" PRIu64 " were done before, %" PRIu64 " done now, %" PRIu64
           " refused; connections broken %" PRIu64 ", frames sent again %" PRIu64
           ", which told of %" PRIu64 " deeds\n",
           report->unknown_counts[0], report->unknown_counts[1], report->unknown_counts[2],
           report->breaks_count, report->again_count, report->settled_count);
    printf("%" PRIu64 " expiries, %" PRIu64 " snapshots, %" PRIu64 " replays, %" PRIu64
           " recovered copies; %" PRIu64 " events told, %" PRIu64 " times from a token\n",
           report->expiries_count, report->snapshots_count, report->replays_count,
           report->copies_count, report->events_count, report->resumes_count);
    printf("damaged disks: %" PRIu64 " refused, %" PRIu64 " harmless, %" PRIu64
           " lost the last group; starts that a read error stopped or a death cut off: %" PRIu64
           "\n",
           report->damage_counts[HF_DAMAGE_REFUSED], report->damage_counts[HF_DAMAGE_HARMLESS],
           report->damage_counts[HF_DAMAGE_CUT], report->refused_boots_count);
    printf("%" PRIu64 " logs began nearly full, %" PRIu64 " went on in a second segment; %" PRIu64
           " deeds were refused because the disk was full\n",
           report->fills_count, report->rolls_count, report->outcome_counts[HF_READ_ONLY]);
    for (unsigned kind = 0; kind < HF_FAULTS_COUNT; kind++) {
        printf("%8" PRIu64 "  %s\n", report->fault_counts[kind],
               hf_fault_text((enum hf_fault_kind)kind));
    }
}

/* Shrink it, show what happens in what is left, and how to see it again. */
static void explain(const struct hf_sim_options *options, const char *violation)
{
    struct hf_sim_report report = {0};
    struct hf_shrunk shrunk;
    struct hf_sim_options left = *options;

    printf("SEED=%" PRIu64 ": %s\n", options->seed, violation);
    hf_shrink(options, &shrunk);
    if (!shrunk.cut.has_faults) {
        printf("it does not fail again: the simulator itself depends on something it should not\n");
        return;
    }
    printf("shrunk in %" PRIu32 " runs:\n", shrunk.tries_count);
    left.cut = &shrunk.cut;
    left.trace = stdout;
    (void)hf_sim_run(&left, &report);
    printf("violation: %s\nagain: make sim SEED=%" PRIu64 " STEPS=%" PRIu32 " FAULTS=",
           report.violation, options->seed, shrunk.cut.steps_max);
    const char *comma = "";
    for (uint32_t i = 0; i < HF_PLAN_FAULTS_MAX; i++) {
        if (shrunk.cut.is_kept[i]) {
            printf("%s%" PRIu32, comma, i);
            comma = ",";
        }
    }
    printf("%s\n", comma[0] == '\0' ? "none" : "");
}

static uint32_t read_jobs(uint64_t seeds_count)
{
    const long processors = sysconf(_SC_NPROCESSORS_ONLN);
    uint64_t jobs = number_of("JOBS", processors > 0 ? (uint64_t)processors : 1);

    jobs = jobs > seeds_count ? seeds_count : jobs;
    jobs = jobs > HF_WORKERS_MAX ? HF_WORKERS_MAX : jobs;
    return jobs == 0 ? 1 : (uint32_t)jobs;
}

static double now_s(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static int run_one(const struct hf_sim_options *options)
{
    const double from_s = now_s();
    struct hf_sim_report report = {0};

    if (!hf_sim_run(options, &report)) {
        explain(options, report.violation);
        return 1;
    }
    print_report(&report, 1, now_s() - from_s);
    return 0;
}

static int run_many(uint64_t first_seed, uint64_t seeds_count, bool is_replying_early)
{
    static struct hf_workers workers;
    const double from_s = now_s();

    workers = (struct hf_workers){.first_seed = first_seed,
                                  .seeds_count = seeds_count,
                                  .jobs = read_jobs(seeds_count),
                                  .is_replying_early = is_replying_early,
                                  .progress = stderr};
    if (!hf_workers_run(&workers)) {
        (void)fprintf(stderr, "could not start the workers\n");
        return 2;
    }
    if (workers.found_count == 0) {
        print_report(&workers.report, workers.done_count, now_s() - from_s);
        return 0;
    }
    printf("%" PRIu32 " violations in %" PRIu64 " seeds, %.1f s; the first one:\n",
           workers.found_count, workers.done_count, now_s() - from_s);
    (void)fflush(stdout);
    const struct hf_sim_options options = {.seed = workers.found[0].seed,
                                           .is_replying_early = is_replying_early};
    explain(&options, workers.found[0].violation);
    return 1;
}

int main(void)
{
    const uint64_t chosen = number_of("SEED", 0);
    const uint64_t first = chosen != 0 ? chosen : (uint64_t)time(NULL) * 1000;
    const uint64_t count = number_of("SEEDS", chosen != 0 ? 1 : 200);
    const char *planted = word_of("PLANTED");
    const bool is_replying_early = planted != NULL && strcmp(planted, "early") == 0;
    const struct hf_plan_cut cut = read_cut();
    const struct hf_sim_options options = {
        .seed = first, .cut = &cut, .is_replying_early = is_replying_early, .trace = stdout};

    printf("seed %" PRIu64 ", %" PRIu64 " seeds\n", first, count);
    (void)fflush(stdout);
    return count == 1 ? run_one(&options) : run_many(first, count, is_replying_early);
}
