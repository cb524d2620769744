/*
 * test_steady.c - log time while the system's clock is set back and forth.
 *
 * Method: a made clock. Each row sets it by so much, lets time pass in steps, and says what log
 * time must come to; it never falls on the way. Then holds of an engine on such a clock end when
 * their time has passed, whatever the system's clock does.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>

#include "engine/engine.h"
#include "engine/limits.h"
#include "net/steady.h"

#define BEGIN_US UINT64_C(1700000000000000)
#define SECOND_US INT64_C(1000000)
#define HOUR_US (3600 * SECOND_US)

struct world {
    uint64_t clock_us;
    uint64_t monotonic_us;
    struct hf_clock source;
    struct hf_steady steady;
    int lines_count;
};

static uint64_t clock_us(void *ctx)
{
    return ((const struct world *)ctx)->clock_us;
}

static uint64_t monotonic_us(void *ctx)
{
    return ((const struct world *)ctx)->monotonic_us;
}

static void report(void *arg, char level, const char *text)
{
    struct world *world = arg;
    assert_int_equal(level, 'w');
    assert_non_null(text);
    world->lines_count++;
}

static void start(struct world *world, uint64_t last_us)
{
    *world = (struct world){.clock_us = BEGIN_US, .monotonic_us = 5};
    world->source = (struct hf_clock){world, clock_us, monotonic_us};
    hf_steady_init(&world->steady, &world->source, last_us, report, world);
}

/* Time passes, read every `step_us`. */
static uint64_t pass(struct world *world, int64_t passed_us, int64_t step_us)
{
    uint64_t before_us = hf_steady_now_us(&world->steady);

    for (int64_t at = 0; at < passed_us; at += step_us) {
        world->clock_us += (uint64_t)step_us;
        world->monotonic_us += (uint64_t)step_us;
        const uint64_t now_us = hf_steady_now_us(&world->steady);
        assert_true(now_us >= before_us);
        before_us = now_us;
    }
    return before_us;
}

static const struct row {
    const char *name;
    int64_t last_us; /* the log's, from BEGIN_US */
    int64_t set_us;  /* the clock, after the start */
    int64_t passed_us, step_us;
    int64_t want_us; /* log time, from BEGIN_US */
    int lines;
} rows[] = {
    /* name                            last          set        passed       step     want  lines */
    {"nothing happens", 0, 0, HOUR_US, SECOND_US, HOUR_US, 0},
    {"the log is younger", -HOUR_US, 0, HOUR_US, SECOND_US, HOUR_US, 0},
    {"forward by a second: at once", 0, SECOND_US, 10, 1, SECOND_US + 10, 0},
    {"forward by a little more", 0, SECOND_US + 1, 64, 1, 65, 1},
    {"forward by an hour", 0, HOUR_US, HOUR_US, SECOND_US, HOUR_US + HOUR_US / 64, 1},
    {"forward, read rarely", 0, HOUR_US, HOUR_US, HOUR_US, HOUR_US + HOUR_US / 64, 1},
    {"forward, read often", 0, HOUR_US, 640003, 7, 640003 + 10000, 1},
    {"forward: met after 64 hours", 0, HOUR_US, 70 * HOUR_US, SECOND_US, 71 * HOUR_US, 1},
    {"back by half a second", 0, -SECOND_US / 2, 6400, 1, 6300, 0},
    {"back by an hour", 0, -HOUR_US, HOUR_US, SECOND_US, HOUR_US - HOUR_US / 64, 1},
    {"back by a year", 0, -8766 * HOUR_US, HOUR_US, SECOND_US, HOUR_US - HOUR_US / 64, 1},
    {"back: met after 64 hours", 0, -HOUR_US, 70 * HOUR_US, SECOND_US, 69 * HOUR_US, 1},
    {"a start with a clock behind the log", HOUR_US, 0, HOUR_US, SECOND_US,
     2 * HOUR_US - HOUR_US / 64, 1},
};

static void jumps(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct row *row = &rows[i];
        struct world world;
        start(&world, BEGIN_US + (uint64_t)row->last_us);
        world.clock_us += (uint64_t)row->set_us;
        const uint64_t now_us = pass(&world, row->passed_us, row->step_us);
        const int64_t off_us = (int64_t)(now_us - BEGIN_US) - row->want_us;
        if (off_us < -2 || off_us > 2 || world.lines_count != row->lines) {
            fail_msg("%s: off by %lld us, %d lines", row->name, (long long)off_us,
                     world.lines_count);
        }
    }
}

/* A clock that is set every second, each time by up to two hours: log time stays the passed one. */
static void unsteady_clock(void **state)
{
    struct world world;
    uint64_t random = 1;

    (void)state;
    start(&world, 0);
    for (int64_t second = 0; second < 3600; second++) {
        random = random * UINT64_C(6364136223846793005) + 1442695040888963407;
        world.clock_us = BEGIN_US + (uint64_t)(second * SECOND_US) + (random >> 33) % 7200000000 -
                         UINT64_C(3600000000);
        (void)pass(&world, SECOND_US, 100000);
    }
    const int64_t off_us = (int64_t)(world.steady.now_us - BEGIN_US) - HOUR_US;
    assert_true(off_us > -HOUR_US / 60 && off_us < HOUR_US / 60);
}

/* A hold of 15 minutes, and the clock set forward by a day, or back by one, in the middle. */
static void holds_end_in_time(void **state)
{
    static const int64_t SETS_US[] = {24 * HOUR_US, -24 * HOUR_US};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct hf_engine_config config = hf_engine_config_default();
        config.ledger_bytes = HF_LEDGER_BYTES_MIN;
        struct hf_engine *engine = hf_engine_create(&config);
        struct hf_op_line line = {
            .sku = hf_text_of("A"), .location = hf_text_of("HALL"), .units = 5};
        const struct hf_op receive = {.kind = HF_KIND_RECEIVE, .lines = &line, .lines_count = 1};
        const struct hf_op reserve = {.kind = HF_KIND_RESERVE,
                                      .flags = HF_OP_TTL,
                                      .ttl_us = (uint64_t)(900 * SECOND_US),
                                      .id = hf_text_of("cart"),
                                      .lines = &line,
                                      .lines_count = 1};
        struct hf_result result;
        struct world world;
        start(&world, 0);
        assert_non_null(engine);
        hf_engine_apply(engine, &receive, hf_steady_now_us(&world.steady), &result);
        assert_int_equal(result.outcome, HF_OK);
        hf_engine_apply(engine, &reserve, hf_steady_now_us(&world.steady), &result);
        assert_int_equal(result.outcome, HF_OK);
        world.clock_us += (uint64_t)SETS_US[i];
        uint64_t now_us = pass(&world, 885 * SECOND_US, SECOND_US);
        assert_int_equal(hf_engine_expire(engine, now_us, 10).count, 0); /* not early */
        now_us = pass(&world, 30 * SECOND_US, SECOND_US);
        assert_int_equal(hf_engine_expire(engine, now_us, 10).count, 1); /* nor for ever */
        hf_engine_free(engine);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(jumps),
        cmocka_unit_test(unsteady_clock),
        cmocka_unit_test(holds_end_in_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
