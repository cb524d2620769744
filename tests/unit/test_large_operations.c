/*
 * test_large_operations.c - operations as large as they may be, and one step larger.
 *
 * Method: lines are made by number, each with a SKU of 64 bytes. What is accepted is replayed into
 * a second engine; what is refused leaves the digest as it was.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "engine/engine.h"
#include "engine/ledger.h"

#define NOW_US UINT64_C(1000000)
#define LINES_ROOM (HF_LINES_MAX + 1)

struct stage {
    struct hf_engine *engine;
    struct hf_engine *follower;
    struct hf_result result; /* of the newest operation */
};

static char sku_codes[LINES_ROOM][HF_CODE_BYTES_MAX + 1];
static char location_codes[LINES_ROOM][HF_CODE_BYTES_MAX + 1];
static struct hf_op_line lines[LINES_ROOM];

/* Line i: `units` of SKU i at location 0. */
static void make_lines(int64_t units)
{
    for (uint32_t i = 0; i < LINES_ROOM; i++) {
        lines[i] = (struct hf_op_line){.sku = {sku_codes[i], HF_CODE_BYTES_MAX},
                                       .location = {location_codes[0], HF_CODE_BYTES_MAX},
                                       .units = units};
    }
}

static int open_stage(void **state)
{
    static struct stage stage;
    struct hf_engine_config config = hf_engine_config_default();

    config.skus_max = config.locations_max = 2 * HF_LINES_MAX;
    config.cells_max = config.reservations_max = config.references_max = 4 * HF_LINES_MAX;
    config.lines_max = 16 * HF_LINES_MAX;
    config.ledger_bytes = 2 * HF_LEDGER_BYTES_MIN;
    stage.engine = hf_engine_create(&config);
    stage.follower = hf_engine_create(&config);
    for (uint32_t i = 0; i < LINES_ROOM; i++) {
        (void)snprintf(sku_codes[i], sizeof sku_codes[i], "sku-%060" PRIu32, i);
        (void)snprintf(location_codes[i], sizeof location_codes[i], "loc-%060" PRIu32, i);
    }
    make_lines(1);
    *state = &stage;
    return stage.engine == NULL || stage.follower == NULL ? -1 : 0;
}

/* At the end of each test: what was logged comes out the same when it is replayed. */
static int close_stage(void **state)
{
    struct stage *stage = *state;
    struct hf_ledger *ledger = hf_engine_ledger(stage->engine);
    struct hf_digest digest, followed;

    for (uint64_t lsn = 1; lsn <= hf_engine_lsn(stage->engine); lsn++) {
        uint32_t bytes_count = 0;
        const char *why = "";
        const unsigned char *record = hf_ledger_get(ledger, lsn, &bytes_count);

        assert_non_null(record);
        assert_true(bytes_count <= HF_RECORD_BYTES_MAX);
        assert_int_equal(hf_engine_replay(stage->follower, record, bytes_count, &why), HF_OK);
    }
    digest = hf_engine_digest(stage->engine);
    followed = hf_engine_digest(stage->follower);
    assert_true(digest.low == followed.low && digest.high == followed.high);
    hf_engine_free(stage->engine);
    hf_engine_free(stage->follower);
    return 0;
}

static struct hf_op op_of(enum hf_kind kind, const char *id, uint32_t lines_count)
{
    return (struct hf_op){.kind = kind,
                          .id = hf_text_of(id),
                          .lines = lines_count == 0 ? NULL : lines,
                          .lines_count = lines_count};
}

static void expect_op(struct stage *stage, const struct hf_op *op, enum hf_err want)
{
    const struct hf_digest before = hf_engine_digest(stage->engine);
    struct hf_digest after;

    hf_engine_apply(stage->engine, op, NOW_US, &stage->result);
    assert_int_equal(stage->result.outcome, want);
    after = hf_engine_digest(stage->engine);
    assert_int_equal(want != HF_OK, before.low == after.low && before.high == after.high);
}

static void expect(struct stage *stage, enum hf_kind kind, const char *id, uint32_t lines_count,
                   enum hf_err want)
{
    const struct hf_op op = op_of(kind, id, lines_count);

    expect_op(stage, &op, want);
}

static struct hf_cell_view cell_of(struct stage *stage, uint32_t i)
{
    struct hf_cell_view view;

    assert_int_equal(hf_engine_stock(stage->engine, &lines[i], false, &view), HF_OK);
    return view;
}

/* ------------------------------------------------------------------ tests */

static void lines_up_to_the_limit(void **state)
{
    struct stage *stage = *state;

    expect(stage, HF_KIND_RECEIVE, NULL, HF_LINES_MAX + 1, HF_INVALID_ARGUMENT);
    assert_int_equal(stage->result.field, HF_FIELD_LINES);
    expect(stage, HF_KIND_RECEIVE, NULL, HF_LINES_MAX, HF_OK);
    assert_int_equal(stage->result.lsn, 1);
    expect(stage, HF_KIND_RESERVE, "r", HF_LINES_MAX + 1, HF_INVALID_ARGUMENT);
    expect(stage, HF_KIND_RESERVE, "r", HF_LINES_MAX, HF_OK);
    expect(stage, HF_KIND_CONFIRM, "r", 0, HF_OK);
    expect(stage, HF_KIND_FULFIL, "r", HF_LINES_MAX, HF_OK);
    assert_int_equal(stage->result.state, HF_STATE_FULFILLED);
    assert_int_equal(cell_of(stage, 0).on_hand, 0);
    assert_int_equal(cell_of(stage, HF_LINES_MAX - 1).on_hand, 0);
    assert_int_equal(cell_of(stage, HF_LINES_MAX - 1).version, 4);
}

static void every_line_with_a_new_location(void **state)
{
    struct stage *stage = *state;

    for (uint32_t i = 0; i < LINES_ROOM; i++) {
        lines[i].location.bytes = location_codes[i];
    }
    expect(stage, HF_KIND_RECEIVE, NULL, HF_LINES_MAX, HF_OK);
    assert_int_equal(cell_of(stage, HF_LINES_MAX - 1).on_hand, 1);
}

static void one_line_of_many_falls_short(void **state)
{
    struct stage *stage = *state;

    expect(stage, HF_KIND_RECEIVE, NULL, HF_LINES_MAX, HF_OK);
    lines[4000].units = 2;
    expect(stage, HF_KIND_RESERVE, "r", HF_LINES_MAX, HF_INSUFFICIENT_STOCK);
    assert_int_equal(stage->result.lines_count, 1);
    assert_int_equal(stage->result.lines[0].line_index, 4000);
    assert_int_equal(stage->result.lines[0].shortfall, 1);
}

static void every_line_falls_short(void **state)
{
    struct stage *stage = *state;

    expect(stage, HF_KIND_RECEIVE, NULL, HF_LINES_MAX, HF_OK);
    make_lines(2);
    expect(stage, HF_KIND_RESERVE, "r", HF_LINES_MAX, HF_INSUFFICIENT_STOCK);
    assert_int_equal(stage->result.lines_count, HF_LINES_MAX);
    for (uint32_t i = 0; i < HF_LINES_MAX; i++) {
        assert_int_equal(stage->result.lines[i].line_index, i);
    }
}

static void every_line_is_of_one_cell(void **state)
{
    struct stage *stage = *state;
    struct hf_reservation_view view;

    for (uint32_t i = 0; i < LINES_ROOM; i++) {
        lines[i].sku.bytes = sku_codes[0];
    }
    expect(stage, HF_KIND_RECEIVE, NULL, HF_LINES_MAX - 1, HF_OK);
    assert_int_equal(cell_of(stage, 0).on_hand, HF_LINES_MAX - 1);
    expect(stage, HF_KIND_RESERVE, "r", HF_LINES_MAX, HF_INSUFFICIENT_STOCK);
    assert_int_equal(stage->result.lines_count, 1);
    assert_int_equal(stage->result.lines[0].requested, HF_LINES_MAX);
    assert_int_equal(stage->result.lines[0].shortfall, 1);
    expect(stage, HF_KIND_RESERVE, "r", HF_LINES_MAX - 1, HF_OK);
    assert_int_equal(hf_engine_reservation(stage->engine, hf_text_of("r"), NOW_US, &view), HF_OK);
    assert_int_equal(view.lines_count, 1);
}

/* An order that needs more moves than a record may have is released in smaller portions. */
static void order_with_too_many_moves(void **state)
{
    struct stage *stage = *state;
    const char *const ids[] = {"r0", "r1", "r2", "r3", "r4", "r5", "r6", "r7", "r8", "r9"};
    const uint32_t ids_count = sizeof ids / sizeof ids[0];
    const struct hf_op release = {.kind = HF_KIND_RELEASE_ORDER, .order = {"o", 1}};

    assert_true(ids_count * HF_LINES_MAX > 2 * HF_MOVES_MAX);
    make_lines(ids_count);
    expect(stage, HF_KIND_RECEIVE, NULL, HF_LINES_MAX, HF_OK);
    make_lines(1);
    for (uint32_t i = 0; i < ids_count; i++) {
        struct hf_op op = op_of(HF_KIND_RESERVE, ids[i], HF_LINES_MAX);

        op.order = release.order;
        expect_op(stage, &op, HF_OK);
    }
    expect_op(stage, &release, HF_LIMIT_EXCEEDED);
    assert_int_equal(cell_of(stage, 0).held, ids_count);
    while (cell_of(stage, 0).held * HF_LINES_MAX > HF_MOVES_MAX) {
        expect(stage, HF_KIND_RELEASE, ids[cell_of(stage, 0).held - 1], 0, HF_OK);
    }
    expect_op(stage, &release, HF_OK);
    assert_int_equal(cell_of(stage, 0).held, 0);
    assert_int_equal(cell_of(stage, HF_LINES_MAX - 1).held, 0);
}

/* A group lies in one block, so its records together are bounded as one record is. */
static void linked_group_that_is_too_long(void **state)
{
    struct stage *stage = *state;
    static struct hf_op ops[HF_LINKED_MAX];
    static struct hf_result results[HF_LINKED_MAX];
    const struct hf_digest before = hf_engine_digest(stage->engine);
    struct hf_digest after;
    uint32_t limits_count = 0;

    for (uint32_t i = 0; i < HF_LINKED_MAX; i++) {
        ops[i] = op_of(HF_KIND_RECEIVE, NULL, HF_LINES_MAX);
        ops[i].flags = i + 1 < HF_LINKED_MAX ? HF_OP_LINKED : 0;
    }
    hf_engine_apply_linked(stage->engine, ops, HF_LINKED_MAX, NOW_US, results);
    for (uint32_t i = 0; i < HF_LINKED_MAX; i++) {
        limits_count += results[i].outcome == HF_LIMIT_EXCEEDED ? 1 : 0;
        assert_true(results[i].outcome == HF_LIMIT_EXCEEDED ||
                    results[i].outcome == HF_LINKED_FAILED);
    }
    assert_true(limits_count >= 1);
    after = hf_engine_digest(stage->engine);
    assert_true(before.low == after.low && before.high == after.high);

    for (uint32_t i = 0; i < HF_LINKED_MAX; i++) {
        ops[i].lines_count = 16;
    }
    hf_engine_apply_linked(stage->engine, ops, HF_LINKED_MAX, NOW_US, results);
    assert_int_equal(results[HF_LINKED_MAX - 1].outcome, HF_OK);
    assert_int_equal(results[HF_LINKED_MAX - 1].lsn, HF_LINKED_MAX);
    assert_int_equal(cell_of(stage, 15).on_hand, HF_LINKED_MAX);
}

#define LARGE_TEST(test) cmocka_unit_test_setup_teardown(test, open_stage, close_stage)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LARGE_TEST(lines_up_to_the_limit),         LARGE_TEST(every_line_with_a_new_location),
        LARGE_TEST(one_line_of_many_falls_short),  LARGE_TEST(every_line_falls_short),
        LARGE_TEST(every_line_is_of_one_cell),     LARGE_TEST(order_with_too_many_moves),
        LARGE_TEST(linked_group_that_is_too_long),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
