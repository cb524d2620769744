/*
 * test_dispatch_bounds.c - what one frame may ask for, and how long its answer may become.
 *
 * Method: frames on both sides of HF_PAGES_MAX for every operation that is a walk; and refusals
 * that list far more lines than the requests had, until the reply's bound is reached: from there on
 * the outcomes still come, without their lines.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "tests/lib/wire_world.h"

/* ------------------------------------------------------------------ pages of one frame */

static const struct pages_row {
    const char *name;
    unsigned operation;
    struct hf_request request;
    enum hf_err want; /* of each item */
} pages_rows[] = {
    {"orders", HF_ASK_ORDER, {.op = {.order = {"o", 1}}}, HF_UNKNOWN_RESERVATION},
    {"ledgers", HF_ASK_LEDGER, {.op = {.ref = {"r", 1}}}, HF_OK},
    {"lists", HF_ASK_LIST, {.limit = 1}, HF_OK},
    {"shortages", HF_ASK_SHORTAGES, {.limit = 1}, HF_OK},
    {"transfers", HF_ASK_TRANSFERS, {.limit = 1}, HF_OK},
    {"inbound shipments", HF_ASK_INBOUND_SHIPMENTS, {.limit = 1}, HF_OK},
};
#define PAGES_ROWS_COUNT (sizeof pages_rows / sizeof pages_rows[0])

static void pages_in_one_frame(void **state)
{
    const struct pages_row *row = *state;
    struct hf_request requests[HF_PAGES_MAX + 1];
    struct hf_world world;
    struct hf_frame frame;
    struct hf_reply reply;

    for (size_t i = 0; i <= HF_PAGES_MAX; i++) {
        requests[i] = row->request;
    }
    hf_world_init(&world, 0);
    hf_world_hello(&world);
    (void)hf_world_send(&world, row->operation, requests, HF_PAGES_MAX);
    assert_true(hf_world_next(&world, &frame));
    assert_int_equal(frame.flags, HF_FRAME_REPLY);
    assert_int_equal(frame.count, HF_PAGES_MAX);
    struct hf_items body = hf_items_of(frame.body, frame.body_bytes);
    for (size_t i = 0; i < HF_PAGES_MAX; i++) {
        assert_int_equal(hf_reply_next(&body, &reply), HF_OK);
        assert_int_equal(reply.outcome, row->want);
    }

    (void)hf_world_send(&world, row->operation, requests, HF_PAGES_MAX + 1);
    assert_true(hf_world_next(&world, &frame));
    assert_int_equal(frame.flags, HF_FRAME_REPLY | HF_FRAME_ERROR);
    body = hf_items_of(frame.body, frame.body_bytes);
    assert_int_equal(hf_reply_next(&body, &reply), HF_OK);
    assert_int_equal(reply.outcome, HF_INVALID_ARGUMENT);
    assert_int_equal(reply.field, HF_FIELD_COUNT);
    hf_world_release(&world);
}

/* Questions that are looked up, not walked to, may be many. */
static void others_are_not_pages(void **state)
{
    static struct hf_request requests[300];
    static const struct {
        unsigned operation;
        enum hf_err want;
    } rows[] = {
        {HF_ASK_RESERVATION, HF_UNKNOWN_RESERVATION},
        {HF_ASK_TRANSFER, HF_UNKNOWN_TRANSFER},
        {HF_ASK_INBOUND, HF_UNKNOWN_INBOUND},
    };
    struct hf_world world;
    struct hf_frame frame;
    struct hf_reply reply;
    (void)state;

    for (size_t i = 0; i < 300; i++) {
        requests[i] = (struct hf_request){.op = {.id = {"x", 1}}};
    }
    hf_world_init(&world, 0);
    hf_world_hello(&world);
    for (size_t row = 0; row < sizeof rows / sizeof rows[0]; row++) {
        (void)hf_world_send(&world, rows[row].operation, requests, 300);
        assert_true(hf_world_next(&world, &frame));
        assert_int_equal(frame.count, 300);
        struct hf_items body = hf_items_of(frame.body, frame.body_bytes);
        for (size_t i = 0; i < 300; i++) {
            assert_int_equal(hf_reply_next(&body, &reply), HF_OK);
            assert_int_equal(reply.outcome, rows[row].want);
        }
    }
    hf_world_release(&world);
}

/*
 * Pages of the longest entries: what does not fit into what is left of the frame waits for the next
 * page, and a page for which nothing is left says so instead of giving a cursor that stands still.
 */
static void pages_that_do_not_fit(void **state)
{
    static struct hf_request requests[HF_PAGES_MAX];
    static char skus[600][HF_CODE_BYTES_MAX + 1];
    struct hf_op_line lines[600];
    struct hf_world world;
    struct hf_frame frame;
    struct hf_result result;
    uint32_t full_pages = 0;
    uint32_t refused = 0;
    (void)state;

    hf_world_init(&world, 0);
    hf_world_hello(&world);
    for (uint32_t i = 0; i < 600; i++) {
        (void)snprintf(skus[i], sizeof skus[i], "%064u", i);
        lines[i] =
            (struct hf_op_line){.sku = hf_text_of(skus[i]), .location = {skus[0], 64}, .units = 64};
    }
    struct hf_op op = {.kind = HF_KIND_RECEIVE, .lines = lines, .lines_count = 600};
    hf_engine_apply(world.engine, &op, world.now_us, &result);
    assert_int_equal(result.outcome, HF_OK);
    for (uint32_t i = 0; i < 600; i++) {
        lines[i].units = 1;
    }
    for (uint32_t i = 0; i < HF_HITS_MAX; i++) { /* every cell is promised to 64 reservations */
        char id[HF_CODE_BYTES_MAX + 1];
        (void)snprintf(id, sizeof id, "%064u", 1000 + i);
        op = (struct hf_op){
            .kind = HF_KIND_RESERVE, .id = hf_text_of(id), .lines = lines, .lines_count = 600};
        hf_engine_apply(world.engine, &op, world.now_us, &result);
        assert_int_equal(result.outcome, HF_OK);
    }
    for (uint32_t i = 0; i < 600; i++) {
        lines[i].units = -64;
    }
    op = (struct hf_op){
        .kind = HF_KIND_ADJUST, .reason = HF_REASON_LOSS, .lines = lines, .lines_count = 600};
    hf_engine_apply(world.engine, &op, world.now_us, &result);
    assert_int_equal(result.outcome, HF_OK);

    for (uint32_t i = 0; i < HF_PAGES_MAX; i++) {
        requests[i] = (struct hf_request){.limit = 4096};
    }
    (void)hf_world_send(&world, HF_ASK_SHORTAGES, requests, HF_PAGES_MAX);
    hf_world_sync(&world);
    const size_t before = world.read_bytes;
    assert_true(hf_world_next(&world, &frame));
    assert_true(world.read_bytes - before <= HF_FRAME_BYTES_MIN);
    struct hf_items body = hf_items_of(frame.body, frame.body_bytes);
    for (uint32_t i = 0; i < HF_PAGES_MAX; i++) {
        struct hf_reply reply;
        assert_int_equal(hf_reply_next(&body, &reply), HF_OK);
        assert_true(reply.outcome == HF_OK || reply.outcome == HF_LIMIT_EXCEEDED);
        if (reply.outcome == HF_OK) {
            assert_int_equal(refused, 0);
            assert_true(reply.entries_count > 0);
            assert_int_not_equal(reply.argument, 0); /* 600 of 5,376 bytes are more than a frame */
            full_pages++;
        } else {
            assert_int_equal(reply.entries_count, 0);
            refused++;
        }
    }
    assert_true(full_pages > 0);
    assert_true(refused > 0);
    hf_world_release(&world);
}

/* ------------------------------------------------------------------ replies to writes */

#define LINES_PER_FULFIL 4000u
#define FULFILS_COUNT 30u

static uint32_t write_refusals(struct hf_world *world, uint32_t *with_lines)
{
    static struct hf_request requests[FULFILS_COUNT];
    struct hf_frame frame;

    for (uint32_t i = 0; i < FULFILS_COUNT; i++) {
        requests[i] = (struct hf_request){.op = {.kind = HF_KIND_FULFIL, .id = {"big", 3}}};
    }
    (void)hf_world_send(world, HF_KIND_FULFIL, requests, FULFILS_COUNT);
    hf_world_sync(world);
    const size_t before = world->read_bytes;
    assert_true(hf_world_next(world, &frame));
    assert_true(world->read_bytes - before <= (size_t)HF_REPLY_FACTOR * HF_FRAME_BYTES_MIN);
    struct hf_items body = hf_items_of(frame.body, frame.body_bytes);
    *with_lines = 0;
    for (uint32_t i = 0; i < FULFILS_COUNT; i++) {
        struct hf_reply reply;
        assert_int_equal(hf_reply_next(&body, &reply), HF_OK);
        assert_int_equal(reply.outcome, HF_INSUFFICIENT_ON_HAND);
        assert_true(reply.entries_count == 0 || reply.entries_count == LINES_PER_FULFIL);
        if (reply.entries_count > 0) {
            assert_int_equal(*with_lines, i); /* what is left out is left out at the end */
            *with_lines += 1;
        }
    }
    assert_ptr_equal(body.at, body.end);
    return frame.count;
}

/*
 * A whole fulfil that is refused lists the lines of its reservation: 32 bytes are answered in
 * 192,000. Of thirty in a frame those that fit the bound have their lines.
 */
static void refusals_longer_than_their_requests(void **state)
{
    static char codes[1000][8];
    static struct hf_op_line lines[LINES_PER_FULFIL];
    static const char *const places[] = {"L1", "L2", "L3", "L4"};
    struct hf_world world;
    struct hf_result result;
    uint32_t with_lines;
    (void)state;

    hf_world_init(&world, 0);
    hf_world_hello(&world);
    for (uint32_t i = 0; i < LINES_PER_FULFIL; i++) {
        (void)snprintf(codes[i % 1000], sizeof codes[0], "S%u", i % 1000);
        lines[i] = (struct hf_op_line){.sku = hf_text_of(codes[i % 1000]),
                                       .location = hf_text_of(places[i / 1000]),
                                       .units = 1};
    }
    struct hf_op op = {.kind = HF_KIND_RECEIVE, .lines = lines, .lines_count = LINES_PER_FULFIL};
    hf_engine_apply(world.engine, &op, world.now_us, &result);
    assert_int_equal(result.outcome, HF_OK);
    op.kind = HF_KIND_RESERVE;
    op.id = hf_text_of("big");
    hf_engine_apply(world.engine, &op, world.now_us, &result);
    assert_int_equal(result.outcome, HF_OK);
    op = (struct hf_op){.kind = HF_KIND_CONFIRM, .id = hf_text_of("big")};
    hf_engine_apply(world.engine, &op, world.now_us, &result);
    assert_int_equal(result.outcome, HF_OK);
    for (uint32_t i = 0; i < LINES_PER_FULFIL; i++) {
        lines[i].units = -1;
    }
    op = (struct hf_op){.kind = HF_KIND_ADJUST,
                        .reason = HF_REASON_LOSS,
                        .lines = lines,
                        .lines_count = LINES_PER_FULFIL};
    hf_engine_apply(world.engine, &op, world.now_us, &result);
    assert_int_equal(result.outcome, HF_OK);

    assert_int_equal(write_refusals(&world, &with_lines), FULFILS_COUNT);
    const size_t item_bytes = HF_ITEM_HEADER_BYTES + LINES_PER_FULFIL * HF_RESULT_LINE_BYTES;
    const size_t room = (size_t)HF_REPLY_FACTOR * HF_FRAME_BYTES_MIN - HF_FRAME_HEADER_BYTES;
    assert_in_range(with_lines, room / item_bytes - 1, room / item_bytes);
    hf_world_release(&world);
}

int main(void)
{
    static const struct CMUnitTest others[] = {
        cmocka_unit_test(others_are_not_pages),
        cmocka_unit_test(pages_that_do_not_fit),
        cmocka_unit_test(refusals_longer_than_their_requests),
    };
    struct CMUnitTest rows[PAGES_ROWS_COUNT];

    for (size_t i = 0; i < PAGES_ROWS_COUNT; i++) {
        rows[i] = (struct CMUnitTest){.name = pages_rows[i].name,
                                      .test_func = pages_in_one_frame,
                                      .initial_state = (void *)(uintptr_t)&pages_rows[i]};
    }
    const int failed = cmocka_run_group_tests(rows, NULL, NULL);
    return failed + cmocka_run_group_tests(others, NULL, NULL);
}
