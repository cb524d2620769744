/*
 * test_sim.c - what was acknowledged survives the death of process, power and disk.
 *
 * Method: the real server over a simulated disk, clock and network, in one thread (world.h), with
 * clients that remember every reply (client.h) and a verdict after each death (oracle.h). A fixed
 * row of seeds, so that a run today is the run of yesterday, and as many from a new one.
 *
 * The other tests show that the verdict can be another one: a server that replies before the sync
 * is found out, and so is a history that claims what never was.
 *
 * SEED=n: that seed alone. SCALE=full: ten times as many.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/sim/oracle.h"

#define SEEDS_COUNT 150u      /* of each row */
#define PLANTED_SEEDS_MAX 40u /* until when a planted defect must have been found */
#define FIXED_SEED UINT64_C(1)

static uint64_t chosen_seed(void)
{
    const char *text = getenv("SEED");
    return text != NULL && text[0] != '\0' ? strtoull(text, NULL, 10) : 0;
}

/* Deeds of a kind that a row of that many seeds must have done, and refusals it must have met. */
static void assert_load(const struct hf_sim_report *report, uint32_t seeds)
{
    static const enum hf_err met[] = {HF_INSUFFICIENT_STOCK, HF_INSUFFICIENT_ON_HAND,
                                      HF_UNKNOWN_TRANSFER,   HF_WRONG_STATE,
                                      HF_EXCEEDS_SHIPMENT,   HF_LINKED_FAILED};

    for (unsigned kind = HF_KIND_RECEIVE; kind < HF_KINDS_COUNT; kind++) {
        const bool is_asked =
            kind != HF_KIND_EXPIRE && kind != HF_KIND_SET_POLICY && kind != HF_KIND_SET_REGION;
        if (is_asked && report->done_counts[kind] < seeds / 2) {
            fail_msg("%" PRIu64 " deeds of kind %s", report->done_counts[kind], hf_kind_name(kind));
        }
    }
    for (size_t i = 0; i < sizeof met / sizeof met[0]; i++) {
        if (report->outcome_counts[met[i]] < seeds / 2) {
            fail_msg("%" PRIu64 " refusals %s", report->outcome_counts[met[i]],
                     hf_err_name(met[i]));
        }
    }
    assert_true(report->unchanged_count > seeds);
}

static void run_row(uint64_t first, uint32_t count)
{
    struct hf_sim_report report = {0};

    print_message("seed %" PRIu64 ", %" PRIu32 " seeds\n", first, count);
    for (uint32_t i = 0; i < count; i++) {
        const struct hf_sim_options options = {.seed = first + i};
        if (!hf_sim_run(&options, &report)) {
            fail_msg("SEED=%" PRIu64 ": %s", options.seed, report.violation);
        }
    }
    print_message("ok: %" PRIu64 " deeds, %" PRIu64 " done, %" PRIu64 " refused, %" PRIu64
                  " unchanged, %" PRIu64 " deaths; unknown: %" PRIu64 " done before, %" PRIu64
                  " done now, %" PRIu64 " refused; %" PRIu64 " expiries, %" PRIu64
                  " snapshots, %" PRIu64 " replays\n",
                  report.deeds_count, report.done_count, report.refused_count,
                  report.unchanged_count, report.deaths_count, report.unknown_counts[0],
                  report.unknown_counts[1], report.unknown_counts[2], report.expiries_count,
                  report.snapshots_count, report.replays_count);
    if (count < SEEDS_COUNT) {
        return;
    }
    assert_load(&report, count);
    assert_true(report.done_count > report.deeds_count / 4);
    assert_true(report.refused_count > report.deeds_count / 10);
    assert_true(report.deaths_count >= count);
    for (int i = 0; i < 3; i++) {
        assert_true(report.unknown_counts[i] > count);
    }
    assert_true(report.expiries_count > count);
    assert_true(report.snapshots_count > count / 4);
    assert_true(report.replays_count > count);
}

static uint32_t seeds_count(void)
{
    const char *scale = getenv("SCALE");
    return scale != NULL && strcmp(scale, "full") == 0 ? 10 * SEEDS_COUNT : SEEDS_COUNT;
}

static void every_acknowledged_operation_is_there(void **state)
{
    (void)state;
    if (chosen_seed() != 0) {
        run_row(chosen_seed(), 1);
        return;
    }
    run_row(FIXED_SEED, seeds_count());
    run_row((uint64_t)time(NULL) * 1000, seeds_count());
}

static void a_seed_is_a_run(void **state)
{
    struct hf_sim_report first = {0};
    struct hf_sim_report second = {0};
    const struct hf_sim_options options = {.seed = 4711};

    (void)state;
    assert_true(hf_sim_run(&options, &first));
    assert_true(hf_sim_run(&options, &second));
    assert_memory_equal(&first, &second, sizeof first);
}

/* A server that replies before its records are synced must be found out, and for that reason. */
static void a_reply_before_the_sync_is_found(void **state)
{
    uint32_t found_count = 0;

    (void)state;
    for (uint32_t i = 0; i < PLANTED_SEEDS_MAX; i++) {
        struct hf_sim_report report = {0};
        const struct hf_sim_options options = {.seed = FIXED_SEED + i, .is_replying_early = true};
        if (!hf_sim_run(&options, &report)) {
            /* Every violation is the loss of what was acknowledged; nothing else is planted. */
            if (strncmp(report.violation, "lost: ", 6) != 0) {
                fail_msg("SEED=%" PRIu64 ": %s", options.seed, report.violation);
            }
            found_count += strstr(report.violation, "was acknowledged with LSN") != NULL ? 1 : 0;
        }
    }
    print_message("found in %" PRIu32 " of %" PRIu32 " seeds\n", found_count, PLANTED_SEEDS_MAX);
    assert_true(found_count > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_acknowledged_operation_is_there),
        cmocka_unit_test(a_seed_is_a_run),
        cmocka_unit_test(a_reply_before_the_sync_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
