/*
 * test_engine_plan.c - the lines of an operation, looked up and added up.
 *
 * Method: what a caller sees of it: lines of one cell are one line, in the order of first
 * appearance, by code and by handle alike; handles of nothing are refused line by line, whatever
 * their bits; and an operation of the most lines there may be is planned like a small one.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "engine/limits.h"
#include "tests/lib/small_engine.h"

static void prepare(struct hf_small *small)
{
    hf_small_init(small, NULL);
    assert_int_equal(hf_small_do(small, "receive A@W=10 B@W=10 A@V=10"), HF_OK);
}

static struct hf_op_line by_handle(uint32_t sku, uint32_t location, int64_t units)
{
    return (struct hf_op_line){.sku_handle = sku,
                               .location_handle = location,
                               .units = units,
                               .if_version = HF_VERSION_ANY};
}

static enum hf_err apply(struct hf_small *small, enum hf_kind kind, const char *id,
                         const struct hf_op_line *lines, uint32_t count)
{
    const struct hf_op op = {.kind = kind,
                             .flags = HF_OP_HANDLES,
                             .id = hf_text_of(id),
                             .lines = lines,
                             .lines_count = count};
    hf_engine_apply(small->engine, &op, ++small->now_us, &small->result);
    return small->result.outcome;
}

static void lines_of_a_cell_are_one(void **state)
{
    struct hf_small small;
    (void)state;

    prepare(&small);
    assert_int_equal(hf_small_do(&small, "reserve r1 A@W=4 B@W=1 A@W=7 A@V=1 B@W=10"),
                     HF_INSUFFICIENT_STOCK);
    assert_int_equal(small.result.lines_count, 2);
    assert_int_equal(small.result.lines[0].line_index, 0);
    assert_int_equal(small.result.lines[0].requested, 11);
    assert_int_equal(small.result.lines[0].shortfall, 1);
    assert_int_equal(small.result.lines[1].line_index, 1);
    assert_int_equal(small.result.lines[1].requested, 11);
    assert_int_equal(hf_small_do(&small, "reserve r1 A@V=1 A@W=4 A@V=1 A@W=6"), HF_OK);

    struct hf_reservation_view view;
    struct hf_reservation_line_view line;
    assert_int_equal(hf_engine_reservation(small.engine, hf_text_of("r1"), 0, &view), HF_OK);
    uint32_t cursor = view.first_line;
    assert_true(hf_engine_reservation_line(small.engine, &cursor, &line));
    assert_true(hf_text_equal(line.location, hf_text_of("V")));
    assert_int_equal(line.units, 2);
    assert_true(hf_engine_reservation_line(small.engine, &cursor, &line));
    assert_true(hf_text_equal(line.location, hf_text_of("W")));
    assert_int_equal(line.units, 10);
    assert_false(hf_engine_reservation_line(small.engine, &cursor, &line));
    hf_small_release(&small);
}

/*
 * A defect: the map of lines dropped the top bit of a SKU's handle, so that a line of handle
 * 2^31 + 1, which is of nothing, was added to the line of handle 1 and sold.
 */
static void handles_of_nothing(void **state)
{
    static const uint32_t nothing[] = {2,          3,          0x3FFFFFFF, 0x40000000,
                                       0x7FFFFFFF, 0x80000000, 0x80000001, 0xFFFFFFFE};
    struct hf_small small;
    (void)state;

    prepare(&small);
    const struct hf_digest before = hf_engine_digest(small.engine);
    for (size_t i = 0; i < sizeof nothing / sizeof nothing[0]; i++) {
        for (uint32_t at = 0; at < 3; at++) {
            struct hf_op_line lines[] = {by_handle(0, 0, 1), by_handle(1, 0, 1),
                                         by_handle(0, 1, 1)};
            lines[at].sku_handle = nothing[i];
            assert_int_equal(apply(&small, HF_KIND_SELL, NULL, lines, 3), HF_UNKNOWN_SKU);
            assert_int_equal(small.result.lines_count, 1);
            assert_int_equal(small.result.lines[0].line_index, at);
            lines[at] = by_handle(0, nothing[i], 1);
            assert_int_equal(apply(&small, HF_KIND_SELL, NULL, lines, 3), HF_UNKNOWN_LOCATION);
            assert_int_equal(small.result.lines_count, 1);
            assert_int_equal(small.result.lines[0].line_index, at);
            assert_int_equal(apply(&small, HF_KIND_RECEIVE, NULL, lines, 3), HF_UNKNOWN_LOCATION);
        }
    }
    assert_true(hf_digest_is_equal(before, hf_engine_digest(small.engine)));
    hf_small_release(&small);
}

static void handles_and_codes_are_the_same_request(void **state)
{
    struct hf_small small;
    const struct hf_op_line lines[] = {by_handle(0, 0, 1), by_handle(1, 0, 2), by_handle(0, 0, 3)};
    (void)state;

    prepare(&small);
    assert_int_equal(hf_small_do(&small, "reserve r1 A@W=1 B@W=2 A@W=3"), HF_OK);
    assert_int_equal(apply(&small, HF_KIND_RESERVE, "r1", lines, 3), HF_OK);
    assert_true(small.result.is_repeated);
    assert_int_equal(apply(&small, HF_KIND_RESERVE, "r1", lines, 2), HF_REFERENCE_CONFLICT);
    hf_small_release(&small);
}

/* The most lines an operation may have: as many new codes, then as many cells to settle. */
static void most_lines(void **state)
{
    static struct hf_op_line lines[HF_LINES_MAX];
    static char codes[HF_LINES_MAX][16];
    struct hf_engine_config config = hf_small_config();
    struct hf_small small;
    (void)state;

    config.skus_max = config.cells_max = HF_LINES_MAX;
    config.lines_max = 2 * HF_LINES_MAX;
    hf_small_init(&small, &config);
    for (uint32_t i = 0; i < HF_LINES_MAX; i++) {
        (void)snprintf(codes[i], sizeof codes[i], "sku-%u", i);
        lines[i] = (struct hf_op_line){.sku = hf_text_of(codes[i]),
                                       .location = hf_text_of("W"),
                                       .units = 2,
                                       .if_version = HF_VERSION_ANY};
    }
    struct hf_op op = {.kind = HF_KIND_RECEIVE, .lines = lines, .lines_count = HF_LINES_MAX};
    static const enum hf_kind kinds[] = {HF_KIND_RECEIVE, HF_KIND_RESERVE, HF_KIND_REPLACE,
                                         HF_KIND_CONFIRM, HF_KIND_FULFIL,  HF_KIND_SELL};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        const bool is_whole = kinds[i] == HF_KIND_CONFIRM;
        op.kind = kinds[i];
        op.id = kinds[i] == HF_KIND_RESERVE                               ? hf_text_of("r1")
                : kinds[i] == HF_KIND_RECEIVE || kinds[i] == HF_KIND_SELL ? (struct hf_text){0}
                                                                          : hf_text_of("r2");
        op.old_id = kinds[i] == HF_KIND_REPLACE ? hf_text_of("r1") : (struct hf_text){0};
        op.lines_count = is_whole ? 0 : HF_LINES_MAX;
        for (uint32_t j = 0; j < HF_LINES_MAX; j++) {
            lines[j].units = kinds[i] == HF_KIND_RECEIVE ? 2 : 1;
        }
        hf_engine_apply(small.engine, &op, ++small.now_us, &small.result);
        assert_int_equal(small.result.outcome, HF_OK);
        hf_small_pin(&small);
    }
    assert_string_equal(hf_small_cell(small.engine, "sku-0@W"), "0 0 0 0 v6");
    assert_string_equal(hf_small_cell(small.engine, "sku-4095@W"), "0 0 0 0 v6");
    assert_null(hf_small_violation(small.engine));
    struct hf_engine *follower = hf_engine_create(&config);
    const char *why = "";
    assert_int_equal(hf_small_follow(&small, follower, &why), HF_OK);
    assert_true(hf_digest_is_equal(hf_engine_digest(small.engine), hf_engine_digest(follower)));
    hf_engine_free(follower);
    hf_small_release(&small);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_of_a_cell_are_one),
        cmocka_unit_test(handles_of_nothing),
        cmocka_unit_test(handles_and_codes_are_the_same_request),
        cmocka_unit_test(most_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
