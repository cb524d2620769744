/*
 * test_many_holds.c - a hot cell with very many holds: the rules do not change with their number.
 *
 * Method: thousands of holds with long and short times-to-live lie on one cell in every order.
 * Whatever the order, a refusal tells when the earliest one ends, and a due hold gives its units
 * back to the very next operation, although its end is not logged yet.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <inttypes.h>
#include <stdio.h>

#include "engine/engine.h"
#include "engine/ledger.h"

#define BEGIN_US (UINT64_C(1700000000) * 1000000)
#define HOLDS_COUNT 1000
#define LONG_US UINT64_C(1000000)
#define SHORT_US UINT64_C(10)

static const struct row {
    const char *name;
    uint32_t shorts_first; /* the holds [shorts_first, shorts_first + shorts_count) are short */
    uint32_t shorts_count;
} rows[] = {
    {"the first hold is the short one", 0, 1},
    {"the hundredth hold is the short one", 100, 1},
    {"the last hold is the short one", HOLDS_COUNT - 1, 1},
    {"two hundred short holds among long ones", 400, 200},
    {"the last hundred holds are short", HOLDS_COUNT - 100, 100},
};

static struct hf_engine *open_engine(void)
{
    struct hf_engine_config config = hf_engine_config_default();

    config.skus_max = config.locations_max = config.cells_max = 100;
    config.reservations_max = config.lines_max = config.references_max = 10 * HOLDS_COUNT;
    config.ledger_bytes = HF_LEDGER_BYTES_MIN;
    return hf_engine_create(&config);
}

static struct hf_result apply(struct hf_engine *engine, enum hf_kind kind, const char *id,
                              int64_t units, uint64_t ttl_us, uint64_t now_us)
{
    const struct hf_op_line line = {
        .sku = hf_text_of("A"), .location = hf_text_of("W"), .units = units};
    const struct hf_op op = {.kind = kind,
                             .flags = ttl_us == 0 ? 0 : HF_OP_TTL,
                             .id = hf_text_of(id),
                             .ttl_us = ttl_us,
                             .lines = &line,
                             .lines_count = 1};
    struct hf_result result;

    hf_engine_apply(engine, &op, now_us, &result);
    hf_ledger_pin(hf_engine_ledger(engine), hf_engine_lsn(engine));
    return result;
}

/* One unit a hold, all units held. */
static struct hf_engine *fill(const struct row *row)
{
    struct hf_engine *engine = open_engine();

    assert_non_null(engine);
    assert_int_equal(apply(engine, HF_KIND_RECEIVE, NULL, HOLDS_COUNT, 0, BEGIN_US).outcome, HF_OK);
    for (uint32_t i = 0; i < HOLDS_COUNT; i++) {
        const bool is_short = i >= row->shorts_first && i - row->shorts_first < row->shorts_count;
        char id[16];

        (void)snprintf(id, sizeof id, "h%" PRIu32, i);
        assert_int_equal(
            apply(engine, HF_KIND_RESERVE, id, 1, is_short ? SHORT_US : LONG_US, BEGIN_US).outcome,
            HF_OK);
    }
    return engine;
}

static void refusal_tells_the_earliest_end(void **state)
{
    const struct row *row = *state;
    struct hf_engine *engine = fill(row);
    const struct hf_result result = apply(engine, HF_KIND_RESERVE, "more", 1, 0, BEGIN_US);

    assert_int_equal(result.outcome, HF_INSUFFICIENT_STOCK);
    assert_int_equal(result.lines[0].earliest_expiry_us, BEGIN_US + SHORT_US);
    hf_engine_free(engine);
}

static void due_holds_give_their_units_back(void **state)
{
    const struct row *row = *state;
    struct hf_engine *engine = fill(row);
    const int64_t units = (int64_t)row->shorts_count;

    assert_int_equal(apply(engine, HF_KIND_RESERVE, "more", 1, 0, BEGIN_US + SHORT_US - 1).outcome,
                     HF_INSUFFICIENT_STOCK);
    assert_int_equal(
        apply(engine, HF_KIND_RESERVE, "more", units + 1, 0, BEGIN_US + SHORT_US).outcome,
        HF_INSUFFICIENT_STOCK);
    assert_int_equal(apply(engine, HF_KIND_RESERVE, "more", units, 0, BEGIN_US + SHORT_US).outcome,
                     HF_OK);
    hf_engine_free(engine);
}

static void sale_takes_what_due_holds_held(void **state)
{
    const struct row *row = *state;
    struct hf_engine *engine = fill(row);
    const int64_t units = (int64_t)row->shorts_count;

    assert_int_equal(apply(engine, HF_KIND_SELL, NULL, units, 0, BEGIN_US + SHORT_US).outcome,
                     HF_OK);
    assert_int_equal(apply(engine, HF_KIND_SELL, NULL, 1, 0, BEGIN_US + SHORT_US).outcome,
                     HF_INSUFFICIENT_STOCK);
    hf_engine_free(engine);
}

/* However many holds are due at once, in the end all units are there, by bounded steps. */
static void mass_expiry_in_steps(void **state)
{
    const struct row *row = *state;
    struct hf_engine *engine = fill(row);
    uint32_t released_count = 0;
    struct hf_expired step;
    struct hf_op_line line = {.sku = hf_text_of("A"), .location = hf_text_of("W")};
    struct hf_cell_view view;

    assert_int_equal(hf_engine_expire(engine, BEGIN_US + SHORT_US - 1, 100).count, 0);
    do {
        step = hf_engine_expire(engine, BEGIN_US + LONG_US, 7);
        assert_true(step.count <= 7);
        released_count += step.count;
        hf_ledger_pin(hf_engine_ledger(engine), hf_engine_lsn(engine));
        assert_int_equal(hf_engine_stock(engine, &line, false, &view), HF_OK);
        assert_int_equal(view.held, HOLDS_COUNT - released_count);
    } while (step.is_more);
    assert_int_equal(released_count, HOLDS_COUNT);
    assert_int_equal(view.ats, HOLDS_COUNT);
    hf_engine_free(engine);
}

/*
 * Thousands of holds are due at once. A linked group answers what it would on any day: the releases
 * are not part of it, or they would use up its room. (It was refused limit_exceeded from the fifth
 * operation on.) What is short while some are left is busy, and at a later time it is not.
 */
static void groups_while_thousands_are_due(void **state)
{
    enum { DUE_COUNT = 8 * HOLDS_COUNT, GROUP_COUNT = 6 };
    struct hf_engine *engine = open_engine();
    uint64_t now_us = BEGIN_US;
    char id[24];
    (void)state;

    assert_int_equal(apply(engine, HF_KIND_RECEIVE, NULL, DUE_COUNT, 0, now_us).outcome, HF_OK);
    for (int i = 0; i < DUE_COUNT; i++) {
        (void)snprintf(id, sizeof id, "h%d", i);
        assert_int_equal(apply(engine, HF_KIND_RESERVE, id, 1, SHORT_US, now_us).outcome, HF_OK);
    }
    now_us += SHORT_US;
    const struct hf_op_line line = {
        .sku = hf_text_of("A"), .location = hf_text_of("W"), .units = 1};
    struct hf_op ops[GROUP_COUNT];
    struct hf_result results[GROUP_COUNT];
    for (uint32_t i = 0; i < GROUP_COUNT; i++) {
        ops[i] = (struct hf_op){.kind = HF_KIND_RECEIVE, .lines = &line, .lines_count = 1};
    }
    hf_engine_apply_linked(engine, ops, GROUP_COUNT, now_us, results);
    for (uint32_t i = 0; i < GROUP_COUNT; i++) {
        assert_int_equal(results[i].outcome, HF_OK);
    }
    /* What one moment may release is spent, however many operations come at it. */
    const uint64_t lsn = hf_engine_lsn(engine);
    assert_int_equal(apply(engine, HF_KIND_RESERVE, "all", DUE_COUNT, 0, now_us).outcome, HF_BUSY);
    assert_int_equal(hf_engine_lsn(engine), lsn);

    uint32_t tries_count = 0;
    enum hf_err err = HF_BUSY;
    while (err == HF_BUSY && tries_count++ < DUE_COUNT) {
        err = apply(engine, HF_KIND_RESERVE, "all", DUE_COUNT + GROUP_COUNT, 0, ++now_us).outcome;
    }
    assert_int_equal(err, HF_OK);
    assert_true(tries_count > 1);
    hf_engine_free(engine);
}

#define ROWS_COUNT (sizeof rows / sizeof rows[0])

int main(void)
{
    static const struct {
        const char *name;
        CMUnitTestFunction test;
    } tests[] = {{"refusal tells the earliest end", refusal_tells_the_earliest_end},
                 {"due holds give their units back", due_holds_give_their_units_back},
                 {"a sale takes what due holds held", sale_takes_what_due_holds_held},
                 {"mass expiry in steps", mass_expiry_in_steps}};
    static char names[4 * ROWS_COUNT][128];
    struct CMUnitTest cases[4 * ROWS_COUNT];

    for (size_t i = 0; i < 4 * ROWS_COUNT; i++) {
        const struct row *row = &rows[i % ROWS_COUNT];

        (void)snprintf(names[i], sizeof names[i], "%s: %s", tests[i / ROWS_COUNT].name, row->name);
        cases[i] = (struct CMUnitTest){.name = names[i],
                                       .test_func = tests[i / ROWS_COUNT].test,
                                       .initial_state = (void *)row};
    }
    const struct CMUnitTest groups[] = {cmocka_unit_test(groups_while_thousands_are_due)};
    return cmocka_run_group_tests(cases, NULL, NULL) + cmocka_run_group_tests(groups, NULL, NULL);
}
