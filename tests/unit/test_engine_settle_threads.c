/*
 * test_engine_settle_threads.c - rings and wheel, built at once at the end of loading and replay.
 *
 * Method: a life with holds of every kind of deadline (soon, late, equal ones, years away, none),
 * on a few cells, most of which end again, so that places in the pools are used in no order. The
 * state is loaded from a copy, and replayed from the records, and settled in one to five parts, one
 * after the other or on two threads. Then each cell's rings must be what a search of all
 * reservations finds, in the order of the deadlines; the audit is clean; and the life goes on.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/state.h"
#include "persistence/ahead.h"
#include "tests/unit/drafts.h"

#define STEPS 6000u
#define PARTS_MAX 5u

static uint64_t random_state;

static struct hf_engine_config config_of_test(void)
{
    struct hf_engine_config config = hf_small_config();

    config.reservations_max = STEPS;
    config.lines_max = 3 * STEPS;
    config.references_max = STEPS;
    config.ledger_bytes = UINT64_C(16) << 20;
    return config;
}

static uint32_t below(uint32_t count)
{
    return (uint32_t)hf_random_below(&random_state, count);
}

/* Microseconds; 0: no deadline. */
static uint64_t any_ttl_us(void)
{
    static const uint64_t ttls[] = {
        0, 60000000, 900000000, 65536, 65537000, 3600000000, UINT64_C(30) * 86400 * 1000000};
    const uint32_t at = below(sizeof ttls / sizeof ttls[0] + 1);

    return at < sizeof ttls / sizeof ttls[0] ? ttls[at] : 20000 + below(100000000);
}

/* Most of what is reserved ends again; nothing ends by itself, for the clock hardly moves. */
static void live(struct hf_small *small)
{
    const struct hf_engine_config config = config_of_test();

    hf_small_init(small, &config);
    small->is_pin_kept = true;
    assert_int_equal(hf_small_do(small, "receive A@W=90000 B@W=90000 C@W=90000"), HF_OK);
    for (uint32_t i = 0; i < STEPS; i++) {
        const uint64_t ttl_us = any_ttl_us();
        char ttl[32] = "";
        if (ttl_us > 0) {
            (void)snprintf(ttl, sizeof ttl, "ttl=%llu", (unsigned long long)ttl_us);
        }
        assert_int_equal(hf_small_do(small,
                                     i % 3 == 0   ? "reserve r%u A@W=1 C@W=2 %s"
                                     : i % 3 == 1 ? "reserve r%u A@W=1 %s"
                                                  : "reserve r%u B@W=1 A@W=1 %s",
                                     i, ttl),
                         HF_OK);
        if (below(4) == 0) {
            (void)hf_small_do(small, "confirm r%u", below(i + 1));
        }
        for (uint32_t ended = 0; ended < 2; ended++) {
            (void)hf_small_do(small, "release r%u", below(i + 1));
        }
    }
}

/* ------------------------------------------------------------------ what must come out */

struct found {
    uint32_t timed_count, lasting_count;
    uint64_t earliest_us;
};

/* By looking at every reservation. */
static struct found search(const struct hf_engine *engine, uint32_t cell)
{
    const struct hf_reservations *reservations = &engine->reservations;
    struct found found = {.earliest_us = UINT64_MAX};

    for (uint32_t i = 0; i < reservations->pool.used_count; i++) {
        const struct hf_reservation *reservation = hf_reservation_at(reservations, i);
        if (!hf_state_is_open((enum hf_state)reservation->state)) {
            continue;
        }
        const uint64_t due_us = hf_reservation_deadline_us(reservation);
        for (uint32_t at = reservation->first_line; at != HF_NONE;
             at = hf_line_at(reservations, at)->next) {
            if (hf_line_at(reservations, at)->cell != cell) {
                continue;
            }
            ++*(due_us == UINT64_MAX ? &found.lasting_count : &found.timed_count);
            found.earliest_us = due_us < found.earliest_us ? due_us : found.earliest_us;
        }
    }
    return found;
}

/* Walks the ring from its first line on, each line knowing its neighbours; the lines in it. */
static uint32_t walk(const struct hf_engine *engine, uint32_t cell, uint32_t first)
{
    const struct hf_reservations *reservations = &engine->reservations;
    uint64_t before_us = 0;
    uint32_t count = 0;
    uint32_t at = first;

    while (at != HF_NONE) {
        const struct hf_line *line = hf_line_at(reservations, at);
        const uint64_t due_us =
            hf_reservation_deadline_us(hf_reservation_at(reservations, line->reservation));
        assert_int_equal(line->cell, cell);
        assert_true(before_us <= due_us);
        assert_int_equal(hf_line_at(reservations, line->ring_next)->ring_prev, at);
        before_us = due_us;
        count++;
        assert_true(count <= reservations->lines.used_count);
        at = line->ring_next == first ? HF_NONE : line->ring_next;
    }
    return count;
}

static void check(struct hf_engine *engine)
{
    uint32_t timed_count = 0;

    for (uint32_t i = 0; i < engine->cells.pool.used_count; i++) {
        const struct hf_cell *cell = hf_cell_at(&engine->cells, i);
        const struct found found = search(engine, i);
        assert_int_equal(cell->is_ring_mixed, 0);
        assert_int_equal(walk(engine, i, cell->timed_line), found.timed_count);
        assert_int_equal(walk(engine, i, cell->lasting_line), found.lasting_count);
        assert_int_equal(hf_cell_earliest_us(&engine->reservations, cell), found.earliest_us);
        timed_count += found.timed_count;
    }
    assert_true(timed_count > 2 * HF_RING_LOOK); /* more than a hang would look at */
    assert_null(hf_small_violation(engine));
}

/* All that is left ends: each line leaves its ring, each hold the wheel. */
static void end_all(struct hf_engine *engine)
{
    struct hf_small small = {.engine = engine, .now_us = HF_SMALL_BEGIN_US + STEPS * 10};

    for (uint32_t i = 0; i < STEPS; i++) {
        (void)hf_small_do(&small, "release r%u", i);
    }
    for (uint32_t i = 0; i < engine->cells.pool.used_count; i++) {
        const struct hf_cell *cell = hf_cell_at(&engine->cells, i);
        assert_int_equal(cell->timed_line, HF_NONE);
        assert_int_equal(cell->lasting_line, HF_NONE);
    }
    assert_int_equal(hf_engine_next_deadline_us(engine), UINT64_MAX);
    assert_null(hf_small_violation(engine));
}

/* ------------------------------------------------------------------ rows */

static struct hf_engine *followed(struct hf_small *small)
{
    const struct hf_engine_config config = config_of_test();
    struct hf_engine *engine = hf_engine_create(&config);
    const char *why = "";

    assert_non_null(engine);
    assert_int_equal(hf_small_follow(small, engine, &why), HF_OK);
    return engine;
}

struct row {
    const char *name;
    bool is_replayed; /* else loaded */
    uint32_t parts_count;
    bool has_thread;
};

static bool settle_second(void *arg, uint32_t slot)
{
    (void)slot;
    hf_engine_settle_part(arg, 1, 2);
    return false;
}

static void settle_on_two(struct hf_engine *engine)
{
    uint32_t slot = 0;
    struct hf_ahead *other = hf_ahead_start(2, true, settle_second, engine);

    assert_non_null(other);
    hf_engine_settle_part(engine, 0, 2);
    assert_true(hf_ahead_take(other, &slot));
    hf_ahead_end(other);
    hf_engine_settle_end(engine);
}

static void settled(void **state)
{
    const struct row *row = *state;
    struct hf_small small;

    live(&small);
    struct hf_engine *engine = row->is_replayed ? followed(&small) : hf_draft_copy_of(small.engine);
    for (uint32_t i = 0; i < engine->cells.pool.used_count; i++) {
        assert_int_equal(hf_cell_at(&engine->cells, i)->timed_line, HF_NONE);
    }
    if (row->has_thread) {
        settle_on_two(engine);
    } else if (row->parts_count > 0) {
        for (uint32_t part = row->parts_count; part > 0; part--) {
            hf_engine_settle_part(engine, part - 1, row->parts_count);
        }
        hf_engine_settle_end(engine);
    } else {
        hf_engine_settle(engine);
        hf_engine_settle(engine);
    }
    check(engine);
    end_all(engine);
    hf_engine_free(engine);
    hf_small_release(&small);
}

/* Without being told to, whoever needs it first: here a read of the next deadline, an audit. */
static void by_itself(void **state)
{
    struct hf_small small;

    (void)state;
    live(&small);
    for (int reads = 0; reads < 2; reads++) {
        struct hf_engine *engine = hf_draft_copy_of(small.engine);
        if (reads == 0) {
            assert_true(hf_engine_next_deadline_us(engine) < UINT64_MAX);
        } else {
            assert_null(hf_small_violation(engine));
        }
        check(engine);
        hf_engine_free(engine);
    }
    hf_small_release(&small);
}

#define ROW(name, ...)                                                                             \
    {                                                                                              \
        name, settled, NULL, NULL, &(struct row)                                                   \
        {                                                                                          \
            name, __VA_ARGS__                                                                      \
        }                                                                                          \
    }

int main(void)
{
    random_state = hf_random_seed();
    const struct CMUnitTest tests[] = {
        ROW("loaded, at once", false, 0, false),
        ROW("loaded, one part", false, 1, false),
        ROW("loaded, two parts", false, 2, false),
        ROW("loaded, two threads", false, 2, true),
        ROW("replayed, at once", true, 0, false),
        ROW("replayed, two parts", true, 2, false),
        ROW("replayed, five parts", true, PARTS_MAX, false),
        ROW("replayed, two threads", true, 2, true),
        cmocka_unit_test(by_itself),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
