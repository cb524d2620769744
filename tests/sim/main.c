/*
 * main.c - the simulator: seed after seed until one finds something.
 *
 *     SEED=n    the first seed (else from the time); SEEDS=m how many (else 1 with SEED, else 200)
 *     PLANTED=early   with the planted defect of world.h, to see that it is found
 *
 * Exit code 0: nothing found; 1: a violation, with the seed that shows it again.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/sim/oracle.h"

static uint64_t number_of(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    return text != NULL && text[0] != '\0' ? strtoull(text, NULL, 10) : otherwise;
}

int main(void)
{
    const uint64_t chosen = number_of("SEED", 0);
    const uint64_t first = chosen != 0 ? chosen : (uint64_t)time(NULL) * 1000;
    const uint64_t count = number_of("SEEDS", chosen != 0 ? 1 : 200);
    const char *planted = getenv("PLANTED");
    struct hf_sim_report report = {0};

    printf("seed %" PRIu64 ", %" PRIu64 " seeds\n", first, count);
    for (uint64_t i = 0; i < count; i++) {
        const struct hf_sim_options options = {
            .seed = first + i,
            .is_replying_early = planted != NULL && strcmp(planted, "early") == 0,
        };
        if (!hf_sim_run(&options, &report)) {
            printf("SEED=%" PRIu64 ": %s\n", options.seed, report.violation);
            return 1;
        }
    }
    printf("ok: %" PRIu64 " deeds (%" PRIu64 " done, %" PRIu64 " refused), %" PRIu64
           " deaths, unknown settled as done before %" PRIu64 ", done now %" PRIu64
           ", refused %" PRIu64 "; %" PRIu64 " expiries, %" PRIu64 " snapshots, %" PRIu64
           " replays\n",
           report.deeds_count, report.done_count, report.refused_count, report.deaths_count,
           report.unknown_counts[0], report.unknown_counts[1], report.unknown_counts[2],
           report.expiries_count, report.snapshots_count, report.replays_count);
    return 0;
}
