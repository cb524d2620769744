/*
 * test_sim.c - what was acknowledged survives whatever happens to process, power, disk, network and
 * clock.
 *
 * Method: the real server over a simulated disk, clock and network, in one thread (node.h), with
 * clients that remember every reply (client.h), consumers of the feed (consumer.h), faults by plan
 * (plan.h) and a verdict after each death (oracle.h). A fixed row of seeds, so that a run today is
 * the run of yesterday, and as many from a new one.
 *
 * The other tests show that the verdict can be another one, and that a run that fails is shrunk to
 * what matters; test_planted.c plants defects of other kinds.
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

#include "tests/sim/run.h"
#include "tests/sim/shrink.h"

#define SEEDS_COUNT 100u      /* of each row */
#define PLANTED_SEEDS_MAX 40u /* until when a planted defect must have been found */
#define FIXED_SEED UINT64_C(1)

static uint64_t chosen_seed(void)
{
    const char *text = getenv("SEED");
    return text != NULL && text[0] != '\0' ? strtoull(text, NULL, 10) : 0;
}

/*
 * Deeds of a kind that a row of that many seeds must have done, and refusals it must have met. The
 * seeds are new each day: what is asked for is so far below what comes that none falls short by
 * luck. (The rarest, inbound_cancel: 136 in 100 seeds on average, and 76 in the worst of 16 rows.)
 */
static void assert_load(const struct hf_sim_report *report, uint32_t seeds)
{
    static const enum hf_err met[] = {HF_INSUFFICIENT_STOCK, HF_INSUFFICIENT_ON_HAND,
                                      HF_UNKNOWN_TRANSFER,   HF_WRONG_STATE,
                                      HF_EXCEEDS_SHIPMENT,   HF_LINKED_FAILED};

    for (unsigned kind = HF_KIND_RECEIVE; kind < HF_KINDS_COUNT; kind++) {
        const bool is_asked =
            kind != HF_KIND_EXPIRE && kind != HF_KIND_SET_POLICY && kind != HF_KIND_SET_REGION;
        if (is_asked && report->done_counts[kind] < seeds / 10) {
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

/* Every kind of fault came, and had something to hit. */
static void assert_faults(const struct hf_sim_report *report, uint32_t seeds)
{
    for (unsigned kind = 0; kind < HF_FAULTS_COUNT; kind++) {
        if (report->fault_counts[kind] < seeds / 10) {
            fail_msg("%" PRIu64 " times %s", report->fault_counts[kind],
                     hf_fault_text((enum hf_fault_kind)kind));
        }
    }
    assert_true(report->breaks_count > seeds);
    assert_true(report->again_count > seeds);
    assert_true(report->settled_count > seeds);
    assert_true(report->events_count > report->done_count);
    assert_true(report->resumes_count > seeds / 2);
    assert_true(report->copies_count > seeds);
    assert_true(report->damage_counts[HF_DAMAGE_REFUSED] > seeds / 10);
    assert_true(report->damage_counts[HF_DAMAGE_HARMLESS] > seeds / 10);
    assert_true(report->refused_boots_count > seeds / 4);
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
    print_message("connections broken %" PRIu64 ", frames sent again %" PRIu64 "; %" PRIu64
                  " events told, %" PRIu64 " times from a token; damaged disks: %" PRIu64
                  " refused, %" PRIu64 " harmless, %" PRIu64 " lost the last group\n",
                  report.breaks_count, report.again_count, report.events_count,
                  report.resumes_count, report.damage_counts[HF_DAMAGE_REFUSED],
                  report.damage_counts[HF_DAMAGE_HARMLESS], report.damage_counts[HF_DAMAGE_CUT]);
    if (count < SEEDS_COUNT) {
        return;
    }
    assert_load(&report, count);
    assert_faults(&report, count);
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

/*
 * A block of a snapshot lands on the end of the log, where nothing behind it bears witness: chance
 * comes to that once in seven thousand seeds (7,540 was the first, and 43 durable operations were
 * lost as a torn tail). So it is aimed there. test_planted.c shows that this finds it.
 */
static void a_snapshot_over_the_end_of_the_log(void **state)
{
    struct hf_sim_report report = {0};

    (void)state;
    for (uint64_t seed = FIXED_SEED; seed < FIXED_SEED + seeds_count() / 2; seed++) {
        const struct hf_sim_options options = {.seed = seed, .is_synced = true, .is_aiming = true};
        if (!hf_sim_run(&options, &report)) {
            fail_msg("SEED=%" PRIu64 ": %s", seed, report.violation);
        }
    }
    print_message("%" PRIu64 " refused, %" PRIu64 " harmless, %" PRIu64 " lost the last group\n",
                  report.damage_counts[HF_DAMAGE_REFUSED], report.damage_counts[HF_DAMAGE_HARMLESS],
                  report.damage_counts[HF_DAMAGE_CUT]);
    assert_true(report.damage_counts[HF_DAMAGE_REFUSED] > seeds_count() / 10);
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

/* A server that replies before its records are synced must be found out, and for that reason. What
 * is left of the seed after shrinking still fails, with less. */
static void a_reply_before_the_sync_is_found(void **state)
{
    uint64_t found_seed = 0;

    (void)state;
    for (uint64_t seed = FIXED_SEED; found_seed == 0 && seed <= PLANTED_SEEDS_MAX; seed++) {
        struct hf_sim_report report = {0};
        const struct hf_sim_options options = {
            .seed = seed, .is_replying_early = true, .is_synced = true};
        if (!hf_sim_run(&options, &report)) {
            found_seed = seed;
            print_message("SEED=%" PRIu64 ": %s\n", seed, report.violation);
            assert_non_null(strstr(report.violation, "lost: "));
        }
    }
    assert_true(found_seed != 0);

    struct hf_plan plan;
    struct hf_shrunk shrunk;
    uint32_t faults_count = 0;
    const struct hf_sim_options options = {
        .seed = found_seed, .is_replying_early = true, .is_synced = true};
    hf_plan_make(&plan, found_seed);
    hf_shrink(&options, &shrunk);
    assert_true(shrunk.cut.has_faults);
    assert_true(shrunk.cut.steps_max < hf_plan_steps(&plan));
    for (uint32_t i = 0; i < plan.faults_count; i++) {
        faults_count += shrunk.cut.is_kept[i] ? 1 : 0;
    }
    assert_true(faults_count < plan.faults_count);
    print_message("shrunk in %" PRIu32 " runs from %" PRIu32 " steps and %" PRIu32
                  " faults to %" PRIu32 " and %" PRIu32 "\n",
                  shrunk.tries_count, hf_plan_steps(&plan), plan.faults_count, shrunk.cut.steps_max,
                  faults_count);

    struct hf_sim_report report = {0};
    const struct hf_sim_options again = {
        .seed = found_seed, .cut = &shrunk.cut, .is_replying_early = true, .is_synced = true};
    assert_false(hf_sim_run(&again, &report));
    assert_string_equal(report.violation, shrunk.violation);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_acknowledged_operation_is_there),
        cmocka_unit_test(a_snapshot_over_the_end_of_the_log),
        cmocka_unit_test(a_seed_is_a_run),
        cmocka_unit_test(a_reply_before_the_sync_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
