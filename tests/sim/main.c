/*
 * main.c - the simulator: seed after seed until one finds something.
 *
 *     SEED=n     the first seed (else from the time); SEEDS=m how many (else 1 with SEED, else 200)
 *     STEPS=n    of one seed: no more steps than that, all lives together
 *     FAULTS=a,b of one seed: only these of its faults; FAULTS=none: none
 *     PLANTED=early   with the planted defect of node.h, to see that it is found
 *
 * One seed prints what happens. Exit code 0: nothing found; 1: a violation, with the seed that
 * shows it again, and the smallest part of its schedule that does.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/sim/run.h"
#include "tests/sim/shrink.h"

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

int main(void)
{
    const uint64_t chosen = number_of("SEED", 0);
    const uint64_t first = chosen != 0 ? chosen : (uint64_t)time(NULL) * 1000;
    const uint64_t count = number_of("SEEDS", chosen != 0 ? 1 : 200);
    const char *planted = word_of("PLANTED");
    const struct hf_plan_cut cut = read_cut();
    struct hf_sim_report report = {0};
    struct timespec from, to;

    printf("seed %" PRIu64 ", %" PRIu64 " seeds\n", first, count);
    (void)fflush(stdout);
    (void)clock_gettime(CLOCK_MONOTONIC, &from);
    for (uint64_t i = 0; i < count; i++) {
        const struct hf_sim_options options = {
            .seed = first + i,
            .cut = count == 1 ? &cut : NULL,
            .is_replying_early = planted != NULL && strcmp(planted, "early") == 0,
            .trace = count == 1 ? stdout : NULL,
        };
        if (!hf_sim_run(&options, &report)) {
            explain(&options, report.violation);
            return 1;
        }
    }
    (void)clock_gettime(CLOCK_MONOTONIC, &to);
    print_report(&report, count,
                 (double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec) / 1e9);
    return 0;
}
