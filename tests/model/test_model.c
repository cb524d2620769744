/*
 * test_model.c - random operations against the engine and against the reference model.
 *
 * Method: episodes of a few thousand steps, each with an engine of its own, limits of its own
 * and habits of its own (episode_kinds). The generator draws a step from the seed and the model's
 * state (model_generate.h), both sides take it, and all answers and all state are compared
 * (model_run.h). Nothing but the choice of a new seed reads a clock: a seed is a run.
 *
 *     SCALE=full   a million operations; else a tenth
 *     SEED=n       the run with this seed; else a new one, which is printed
 *     EPISODE=n    only this episode of the run
 *
 * When the sides differ, the episode's steps are taken again without the generator, leaving out
 * as many as can be while some difference remains; what is left is printed as a story. A failed
 * assertion or a bad address inside the engine counts as a difference, too.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "engine/assert.h"
#include "tests/model/model_run.h"

#define OPS_FULL 1000000
#define EPISODE_STEPS 2500
#define SHRINK_STEPS_MAX 150000 /* taken again to find a shorter story: half a minute */

#define HOUR_US (UINT64_C(3600) * 1000000)

static const struct episode_kind {
    const char *name;
    uint32_t references_max;
    uint64_t retention_us;
    uint64_t life_us_max;
    uint64_t time_step_us;
    uint32_t skus_count, locations_count;
    uint32_t names_window;
    bool leaves_due, is_huge, is_tight, is_crowded;
    uint32_t move_percent;         /* of operations about stock on the move */
    uint32_t over_receipt_percent; /* the engine's configuration */
} episode_kinds[] = {
    /* clang-format off */
    /* name                  refs_max retention       life           step  skus locs window due huge tight crowded move over */
    {"a day in the shop",       10000, 24 * HOUR_US, 720 * HOUR_US, 1000000, 3, 2, 12, 0, 0, 0, 0, 30, 0},
    {"one hot cell",            10000, 24 * HOUR_US,  10000000,       50000, 1, 1, 12, 0, 0, 0, 0, 20, 0},
    {"names are soon forgotten",10000,       100000,    200000,        1000, 3, 3, 40, 0, 0, 0, 0, 40, 10},
    {"few names are kept",         24, 24 * HOUR_US,  10000000,       50000, 4, 2, 60, 0, 0, 0, 0, 40, 10},
    {"one name is kept",            1, 24 * HOUR_US,  10000000,       50000, 2, 2, 30, 0, 0, 0, 0, 40, 100},
    {"microseconds",            10000,          500,        60,           2, 2, 2, 30, 0, 0, 0, 0, 30, 10},
    {"counters at the limit",   10000, 24 * HOUR_US,  HOUR_US,      1000000, 2, 2, 12, 0, 1, 0, 0, 40, 50},
    {"tables at the limit",        60,       400000,   1000000,        1000, 8, 6, 30, 0, 0, 1, 0, 40, 10},
    {"due holds are left",      10000, 24 * HOUR_US,  10000000,       50000, 3, 2, 12, 1, 0, 0, 0, 30, 10},
    {"left by microseconds",    10000, 24 * HOUR_US,       300,          10, 2, 2, 12, 1, 0, 0, 0, 30, 0},
    {"many holds on a cell",    10000, 24 * HOUR_US,  HOUR_US,         1000, 1, 1, 12, 0, 0, 0, 1, 6, 0},
    {"much is on its way",      10000, 24 * HOUR_US,  HOUR_US,      1000000, 3, 3, 12, 0, 0, 0, 0, 85, 10},
    {"much goes, soon forgotten",  60,       400000,  1000000,         1000, 4, 3, 40, 0, 0, 0, 0, 85, 0},
    {"many holds, due and left",10000, 24 * HOUR_US,  HOUR_US,         1000, 2, 1, 12, 1, 0, 0, 1, 6, 10},
    /* clang-format on */
};
#define EPISODE_KINDS_COUNT (sizeof episode_kinds / sizeof episode_kinds[0])

static struct hf_engine_config config_of(const struct episode_kind *kind)
{
    struct hf_engine_config config = hf_engine_config_default();

    config.skus_max = kind->is_tight ? 6 : 1000;
    config.locations_max = kind->is_tight ? 4 : 1000;
    config.cells_max = kind->is_tight ? 18 : 1000;
    config.reservations_max = kind->is_tight ? 50 : 10000;
    config.lines_max = kind->is_tight ? 90 : 100000;
    config.shipments_max = kind->is_tight ? 20 : 10000;
    config.shipment_lines_max = kind->is_tight ? 40 : 100000;
    config.over_receipt_percent = kind->over_receipt_percent;
    config.references_max = kind->references_max;
    config.reference_retention_us = kind->retention_us;
    config.life_us_max = kind->life_us_max;
    config.ledger_bytes = HF_LEDGER_BYTES_MIN;
    config.memory_max_bytes = 0;
    return config;
}

/* ------------------------------------------------------------------ telling what happened */

#define TEXT(text) (int)(text).bytes_count, (text).bytes

static void print_named(const char *name, struct hf_text text)
{
    if (text.bytes_count > 0) {
        print_message(" %s=%.*s", name, TEXT(text));
    }
}

static void print_op(const struct hf_op *op)
{
    print_message("  %s", hf_kind_name(op->kind));
    print_named("id", op->id);
    print_named("old", op->old_id);
    print_named("ref", op->ref);
    print_named("order", op->order);
    print_named("by", op->by);
    print_named("from", op->from);
    print_named("to", op->to);
    if (op->from_status != HF_STATUS_NONE || op->to_status != HF_STATUS_NONE) {
        print_message(" %s->%s", hf_status_name(op->from_status), hf_status_name(op->to_status));
    }
    if ((op->flags & (HF_OP_AS_OF_LSN | HF_OP_AS_OF_TIME)) != 0) {
        print_message(" as of %s %" PRIu64, (op->flags & HF_OP_AS_OF_LSN) != 0 ? "LSN" : "time",
                      op->as_of);
    }
    print_message("%s%s%s%s", (op->flags & HF_OP_SHIP) != 0 ? " ship" : "",
                  (op->flags & HF_OP_SELLABLE) != 0 ? " sellable" : "",
                  (op->flags & HF_OP_DAMAGED) != 0 ? " damaged" : "",
                  (op->flags & HF_OP_REST) != 0 ? " rest" : "");
    print_message("%s%s%s%s", (op->flags & HF_OP_PARTIAL) != 0 ? " partial" : "",
                  (op->flags & HF_OP_FACT) != 0 ? " fact" : "",
                  (op->flags & HF_OP_RELEASE_REST) != 0 ? " release_rest" : "",
                  (op->flags & HF_OP_LINKED) != 0 ? " linked" : "");
    if ((op->flags & HF_OP_TTL) != 0 || op->ttl_us != 0) {
        print_message(" ttl=%" PRIu64, op->ttl_us);
    }
    for (uint32_t i = 0; i < op->lines_count && i < HF_MODEL_LINES_MAX; i++) {
        const struct hf_op_line *line = &op->lines[i];

        if ((op->flags & HF_OP_HANDLES) != 0) {
            print_message(" #%u@#%u", line->sku_handle, line->location_handle);
        } else {
            print_message(" %.*s@%.*s", TEXT(line->sku), TEXT(line->location));
        }
        print_message("=%" PRId64, line->units);
        if ((op->flags & HF_OP_DAMAGED) != 0) {
            print_message("(damaged %" PRId64 ")", line->damaged);
        }
        if ((op->flags & HF_OP_VERSIONS) != 0) {
            print_message("(version %" PRId64 ")", (int64_t)line->if_version);
        }
        if (op->kind == HF_KIND_SET_POLICY) {
            print_message("(%" PRId64 " %" PRId64 " %" PRId64 ")", line->safety_stock,
                          line->low_stock, line->backorder_limit);
        }
    }
    print_message("\n");
}

static void print_steps(const struct hf_step *steps, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        print_message("%3u at %" PRIu64 "%s%s\n", i, steps[i].now_us,
                      steps[i].is_linked ? ", linked" : "", steps[i].is_reload ? ", reload" : "");
        for (uint32_t j = 0; j < steps[i].ops_count; j++) {
            print_op(&steps[i].ops[j]);
        }
    }
}

/* ------------------------------------------------------------------ surviving a panic */

static sigjmp_buf panic_jump;
static volatile sig_atomic_t is_panic_caught;

static void on_panic(int signal_number)
{
    if (is_panic_caught) {
        siglongjmp(panic_jump, signal_number);
    }
    (void)signal(signal_number, SIG_DFL);
    (void)raise(signal_number);
}

static void catch_panics(void)
{
    struct sigaction action = {.sa_handler = on_panic, .sa_flags = SA_NODEFER};

    (void)sigaction(SIGABRT, &action, NULL);
    (void)sigaction(SIGSEGV, &action, NULL);
}

/* Take the step; a panic of the engine is a difference like any other. */
static bool step_safely(struct hf_run *run, const struct hf_step *step)
{
    is_panic_caught = 1;
    if (sigsetjmp(panic_jump, 1) != 0) {
        is_panic_caught = 0;
        hf_run_fail(run, "the engine panicked");
        return false;
    }
    (void)hf_run_step(run, step);
    is_panic_caught = 0;
    return !run->has_failed;
}

/* ------------------------------------------------------------------ shrinking */

/* Take the steps from the beginning; the number of steps until they differ, or 0. */
static uint32_t replay_steps(const struct episode_kind *kind, const struct hf_step *steps,
                             uint32_t count, char *message, size_t message_bytes)
{
    const struct hf_engine_config config = config_of(kind);
    static struct hf_run run;
    uint32_t failed_at = 0;

    hf_run_start(&run, &config, kind->leaves_due, true);
    for (uint32_t i = 0; i < count && failed_at == 0; i++) {
        if (!step_safely(&run, &steps[i])) {
            failed_at = i + 1;
            (void)snprintf(message, message_bytes, "%s", run.message);
        }
    }
    hf_run_end(&run);
    return failed_at;
}

/* Leave out stretches of steps, long ones first, as long as a difference remains. */
static uint32_t shrink(const struct episode_kind *kind, struct hf_step *steps, uint32_t count,
                       char *message, size_t message_bytes)
{
    struct hf_step *fewer = malloc(count * sizeof *fewer);
    uint32_t rounds = 3;
    uint64_t steps_taken = 0;

    HF_ASSERT(fewer != NULL);
    while (rounds > 0) {
        for (uint32_t stretch = count / 2; stretch > 0; stretch /= 2) {
            uint32_t at = 0;

            while (at < count && steps_taken < SHRINK_STEPS_MAX) {
                const uint32_t left_out = stretch < count - at ? stretch : count - at;
                uint32_t failed_at;

                memcpy(fewer, steps, at * sizeof *steps);
                memcpy(fewer + at, steps + at + left_out, (count - at - left_out) * sizeof *steps);
                failed_at = replay_steps(kind, fewer, count - left_out, message, message_bytes);
                steps_taken += failed_at != 0 ? failed_at : count - left_out;
                if (failed_at != 0) {
                    count = failed_at;
                    memcpy(steps, fewer, count * sizeof *steps);
                } else {
                    at += left_out;
                }
            }
        }
        rounds -= 1;
    }
    free(fewer);
    (void)replay_steps(kind, steps, count, message, message_bytes);
    return count;
}

/* ------------------------------------------------------------------ episodes */

struct tally {
    uint64_t ops_count;
    uint64_t repeats_count;
    uint64_t outcomes_count[HF_OUTCOMES_COUNT];
    uint64_t alerts_count[HF_EVENT_KINDS_END];
    uint64_t kinds_count[HF_KINDS_COUNT];
    uint64_t readings_count, lost_readings_count;
    uint64_t snapshots_count, lost_snapshots_count;
};

static bool run_episode(const struct episode_kind *kind, uint64_t seed, struct tally *tally)
{
    const struct hf_engine_config config = config_of(kind);
    static struct hf_run run;
    struct hf_arena arena = {0};
    struct hf_step *steps = malloc(EPISODE_STEPS * sizeof *steps);
    struct hf_generator generator = {.random = {seed},
                                     .arena = &arena,
                                     .now_us = UINT64_C(1700000000) * 1000000,
                                     .skus_count = kind->skus_count,
                                     .locations_count = kind->locations_count,
                                     .names_window = kind->names_window,
                                     .time_step_us = kind->time_step_us,
                                     .is_crowded = kind->is_crowded,
                                     .move_percent = kind->move_percent,
                                     .has_versions = !kind->leaves_due,
                                     .huge_percent = kind->leaves_due ? 0
                                                     : kind->is_huge  ? 60
                                                                      : 1,
                                     .steps = steps};
    bool is_same = true;

    HF_ASSERT(steps != NULL);
    hf_run_start(&run, &config, kind->leaves_due, false);
    generator.model = run.model;
    while (is_same && generator.steps_count < EPISODE_STEPS) {
        hf_generate_step(&generator, &steps[generator.steps_count]);
        is_same = step_safely(&run, &steps[generator.steps_count]);
        generator.steps_count += 1;
    }
    tally->ops_count += run.ops_count;
    tally->repeats_count += run.repeats_count;
    for (int i = 0; i < HF_OUTCOMES_COUNT; i++) {
        tally->outcomes_count[i] += run.outcomes_count[i];
    }
    for (int i = 0; i < HF_EVENT_KINDS_END; i++) {
        tally->alerts_count[i] += run.alerts_count[i];
    }
    for (int i = 0; i < HF_KINDS_COUNT; i++) {
        tally->kinds_count[i] += run.kinds_count[i];
    }
    tally->readings_count += run.readings_count;
    tally->lost_readings_count += run.lost_readings_count;
    tally->snapshots_count += run.snapshots_count;
    tally->lost_snapshots_count += run.lost_snapshots_count;
    if (!is_same) {
        uint32_t count = generator.steps_count;

        print_message("after %u steps: %s\n", count, run.message);
        print_steps(&steps[count - 1], 1);
        if (replay_steps(kind, steps, count, run.message, sizeof run.message) != 0) {
            count = shrink(kind, steps, count, run.message, sizeof run.message);
            print_steps(steps, count);
        }
        print_message("%s\n", run.message);
    }
    hf_run_end(&run);
    free(steps);
    hf_arena_release(&arena);
    return is_same;
}

static uint64_t number_from_environment(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);

    return text == NULL || *text == '\0' ? otherwise : strtoull(text, NULL, 0);
}

static uint64_t new_seed(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* The run is worth something only if operations of every outcome came up. */
static void expect_variety(const struct tally *tally)
{
    for (int i = 0; i < HF_OUTCOMES_COUNT; i++) {
        /* The server's outcomes, and those of a full ring, are not the engine's to give here. */
        const bool is_here =
            i <= HF_LIMIT_EXCEEDED || (i >= HF_UNKNOWN_TRANSFER && i <= HF_TOO_OLD);

        print_message("%24s %9" PRIu64 "\n", hf_err_name((enum hf_err)i), tally->outcomes_count[i]);
        assert_true(is_here == (tally->outcomes_count[i] > 0));
    }
    for (unsigned i = 1; i < HF_KINDS_COUNT; i++) {
        print_message("%24s %9" PRIu64 " done\n", hf_kind_name(i), tally->kinds_count[i]);
        assert_true(i == HF_KIND_EXPIRE || tally->kinds_count[i] > 0);
    }
    for (unsigned i = HF_ALERT_LOW_STOCK; i <= HF_ALERT_SHORTAGE; i++) {
        print_message("%24s %9" PRIu64 " told\n", hf_kind_name(i), tally->alerts_count[i]);
        assert_true(tally->alerts_count[i] > 0);
    }
    print_message("%24s %9" PRIu64 "\n", "repeated", tally->repeats_count);
    assert_true(tally->repeats_count > 0);
    print_message("%24s %9" PRIu64 ", %" PRIu64 " lost for want of memory\n", "frozen readings",
                  tally->readings_count, tally->lost_readings_count);
    assert_true(tally->readings_count > 0);
    assert_true(tally->lost_readings_count > 0);
    print_message("%24s %9" PRIu64 ", %" PRIu64 " lost for want of memory\n", "snapshots in steps",
                  tally->snapshots_count, tally->lost_snapshots_count);
    assert_true(tally->snapshots_count > 0);
    assert_true(tally->lost_snapshots_count > 0);
}

static void engine_equals_model(void **state)
{
    const char *scale = getenv("SCALE");
    const uint64_t ops_max = scale != NULL && strcmp(scale, "full") == 0 ? OPS_FULL : OPS_FULL / 10;
    const uint64_t seed = number_from_environment("SEED", new_seed());
    const uint64_t only = number_from_environment("EPISODE", UINT64_MAX);
    struct hf_random seeds = {seed};
    struct tally tally = {0};

    (void)state;
    print_message("seed %" PRIu64 " (SEED=%" PRIu64 " repeats this run), %" PRIu64 " operations\n",
                  seed, seed, ops_max);
    catch_panics();
    for (uint64_t i = 0; tally.ops_count < ops_max; i++) {
        const struct episode_kind *kind = &episode_kinds[i % EPISODE_KINDS_COUNT];
        const uint64_t episode_seed = hf_random_next(&seeds);

        if (only != UINT64_MAX && i != only) {
            continue;
        }
        if (!run_episode(kind, episode_seed, &tally)) {
            fail_msg("SEED=%" PRIu64 " EPISODE=%" PRIu64 " (%s): engine and model differ", seed, i,
                     kind->name);
        }
        if (only != UINT64_MAX) {
            return;
        }
    }
    expect_variety(&tally);
    print_message("ok %" PRIu64 " operations, engine and model agree\n", tally.ops_count);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(engine_equals_model)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
