/*
 * test_dispatch.c - one frame becomes calls of the engine, and their results one reply.
 *
 * Method: rows of frames that are wrong as a whole, and of items that are wrong by themselves,
 * against the outcome and field the answer must name; the stock shows that nothing else changed.
 * Then linked groups, and questions in pages.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "engine/bytes.h"
#include "engine/ledger.h"
#include "tests/lib/wire_world.h"

#define ITEMS_MAX 300

static const struct hf_op_line stock_lines[] = {
    {.sku = {"PHONE", 5}, .location = {"BERLIN", 6}, .units = 10},
    {.sku = {"SHOE", 4}, .location = {"BERLIN", 6}, .units = 10},
};
static const struct hf_op_line one_line = {
    .sku = {"PHONE", 5}, .location = {"BERLIN", 6}, .units = 1};
static const struct hf_op_line cell_line = {.sku = {"PHONE", 5}, .location = {"BERLIN", 6}};

static void start(struct hf_world *world)
{
    const struct hf_request receive = {
        .op = {.kind = HF_KIND_RECEIVE, .lines = stock_lines, .lines_count = 2}};
    hf_world_init(world, 0);
    hf_world_hello(world);
    (void)hf_world_send(world, HF_KIND_RECEIVE, &receive, 1);
    hf_world_sync(world);
    assert_int_equal(hf_world_reply(world).outcome, HF_OK);
}

static struct hf_request reserve_request(const char *id, uint32_t flags)
{
    return (struct hf_request){.op = {.kind = HF_KIND_RESERVE,
                                      .flags = flags,
                                      .id = hf_text_of(id),
                                      .lines = &one_line,
                                      .lines_count = 1}};
}

static int64_t held_units(struct hf_world *world)
{
    struct hf_cell_view view;
    assert_int_equal(hf_engine_stock(world->engine, &cell_line, false, &view), HF_OK);
    return view.held;
}

/* Make everything durable and read one reply frame into items. Returns how many. */
static uint32_t read_items(struct hf_world *world, struct hf_reply items[ITEMS_MAX])
{
    struct hf_frame frame;
    hf_world_sync(world);
    assert_true(hf_world_next(world, &frame));
    struct hf_items body = hf_items_of(frame.body, frame.body_bytes);
    assert_in_range(frame.count, 1, ITEMS_MAX);
    for (uint32_t i = 0; i < frame.count; i++) {
        assert_int_equal(hf_reply_next(&body, &items[i]), HF_OK);
    }
    assert_ptr_equal(body.at, body.end);
    return frame.count;
}

/* ------------------------------------------------------------------ frames as a whole */

static const struct frame_row {
    const char *name;
    unsigned operation;
    uint32_t count;
    uint32_t tag_bits; /* turned over in the right tag */
    size_t body_bytes; /* zeros */
    enum hf_err want;
    enum hf_field want_field;
} frame_rows[] = {
    {"operation 0", 0, 1, 0, 0, HF_INVALID_ARGUMENT, HF_FIELD_OPERATION},
    {"operation 14, which the engine alone makes", 14, 1, 0, 0, HF_INVALID_ARGUMENT,
     HF_FIELD_OPERATION},
    {"operation 26, past the last write", 26, 1, 0, 0, HF_INVALID_ARGUMENT, HF_FIELD_OPERATION},
    {"operation 31", 31, 1, 0, 0, HF_INVALID_ARGUMENT, HF_FIELD_OPERATION},
    {"operation 44", 44, 1, 0, 0, HF_INVALID_ARGUMENT, HF_FIELD_OPERATION},
    {"operation 63", 63, 1, 0, 0, HF_INVALID_ARGUMENT, HF_FIELD_OPERATION},
    {"operation 71, which a server alone sends", 71, 1, 0, 0, HF_INVALID_ARGUMENT,
     HF_FIELD_OPERATION},
    {"operation 76", 76, 1, 0, 0, HF_INVALID_ARGUMENT, HF_FIELD_OPERATION},
    {"operation 255", 255, 1, 0, 0, HF_INVALID_ARGUMENT, HF_FIELD_OPERATION},
    {"operation before count", 255, 0, 1, 0, HF_INVALID_ARGUMENT, HF_FIELD_OPERATION},
    {"no item", HF_KIND_RESERVE, 0, 0, 0, HF_INVALID_ARGUMENT, HF_FIELD_COUNT},
    {"one item more than operations_max", HF_KIND_RESERVE, 301, 0, 0, HF_INVALID_ARGUMENT,
     HF_FIELD_COUNT},
    {"count before handle_tag", HF_KIND_RESERVE, 301, 1, 0, HF_INVALID_ARGUMENT, HF_FIELD_COUNT},
    {"two pings", HF_ASK_PING, 2, 0, 0, HF_INVALID_ARGUMENT, HF_FIELD_COUNT},
    {"two exports", HF_ASK_EXPORT, 2, 0, 0, HF_INVALID_ARGUMENT, HF_FIELD_COUNT},
    {"a ping with a body", HF_ASK_PING, 1, 0, 8, HF_INVALID_ARGUMENT, HF_FIELD_LAYOUT},
    {"a digest with a body", HF_ASK_DIGEST, 1, 0, 1, HF_INVALID_ARGUMENT, HF_FIELD_LAYOUT},
    {"a hello without a body", HF_ASK_HELLO, 1, 0, 0, HF_INVALID_ARGUMENT, HF_FIELD_LAYOUT},
    {"another tag", HF_KIND_RESERVE, 1, 1, 0, HF_STALE_HANDLE, HF_FIELD_NONE},
    {"another tag before the layout", HF_ASK_PING, 1, 0x80000000, 8, HF_STALE_HANDLE,
     HF_FIELD_NONE},
};
#define FRAME_ROWS_COUNT (sizeof frame_rows / sizeof frame_rows[0])

/* The frame is answered by an error frame, and the connection goes on. */
static void refused_frame(void **state)
{
    const struct frame_row *row = *state;
    struct hf_world world;
    struct hf_frame frame;
    struct hf_reply reply;

    start(&world);
    hf_buffer_clear(&world.request);
    (void)hf_frame_begin(&world.request);
    for (size_t i = 0; i < row->body_bytes; i++) {
        *hf_buffer_add(&world.request, 1) = 0;
    }
    const struct hf_frame sent = {.operation = row->operation,
                                  .count = row->count,
                                  .handle_tag = world.dispatch.handle_tag ^ row->tag_bits,
                                  .correlation = 99};
    assert_int_equal(hf_frame_end(&world.request, 0, &sent), HF_OK);
    hf_world_receive(&world, hf_buffer_front(&world.request), hf_buffer_count(&world.request));

    assert_true(hf_world_next(&world, &frame));
    assert_int_equal(frame.flags, HF_FRAME_REPLY | HF_FRAME_ERROR);
    assert_int_equal(frame.operation, row->operation);
    assert_int_equal(frame.correlation, 99);
    assert_int_equal(frame.count, 1);
    struct hf_items body = hf_items_of(frame.body, frame.body_bytes);
    assert_int_equal(hf_reply_next(&body, &reply), HF_OK);
    assert_int_equal(reply.outcome, row->want);
    assert_int_equal(reply.field, row->want_field);
    assert_int_equal(reply.entries_count, 0);

    (void)hf_world_ask(&world, HF_ASK_PING);
    assert_int_equal(hf_world_reply(&world).outcome, HF_OK);
    assert_int_equal(world.finishes_count, 0);
    hf_world_release(&world);
}

/* ------------------------------------------------------------------ items by themselves */

static const struct item_row {
    const char *name;
    size_t at; /* of a byte in the second of three reservations */
    unsigned char byte;
    enum hf_field want_field;
    uint32_t want_line;
    uint32_t want_executed; /* of three */
} item_rows[] = {
    {"a flag of another kind", 5, 1, HF_FIELD_FLAGS, UINT32_MAX, 2},
    {"low is for lists", 4, 128, HF_FIELD_FLAGS, UINT32_MAX, 2},
    {"late is for lists", 5, 0x40, HF_FIELD_FLAGS, UINT32_MAX, 2},
    {"open is for lists", 5, 0x80, HF_FIELD_FLAGS, UINT32_MAX, 2},
    {"a status that a reserve does not read", 14, 1, HF_FIELD_STATUS, UINT32_MAX, 2},
    {"a status that does not exist", 15, 200, HF_FIELD_STATUS, UINT32_MAX, 2},
    {"a limit is for questions", 24, 1, HF_FIELD_LIMIT, UINT32_MAX, 2},
    {"zeros that are not zero", 30, 1, HF_FIELD_LAYOUT, UINT32_MAX, 2},
    {"a place of one control character, which was padding", 28, 1, HF_FIELD_FROM, UINT32_MAX, 2},
    {"another place of that kind", 29, 1, HF_FIELD_TO, UINT32_MAX, 2},
    {"a text longer than the item", 8, 200, HF_FIELD_LAYOUT, UINT32_MAX, 2},
    {"a control character in the id", 32, 0x1F, HF_FIELD_ID, UINT32_MAX, 2},
    {"invalid UTF-8 in the id", 32, 0xFF, HF_FIELD_ID, UINT32_MAX, 2},
    {"a control character in the sku", 56, 0x7F, HF_FIELD_SKU, 0, 2},
    {"a negative quantity", 55, 0x80, HF_FIELD_QUANTITY, 0, 2},
    {"an unknown reason", 13, 200, HF_FIELD_REASON, UINT32_MAX, 2},
    {"length not a multiple of 8: nothing after it can be found", 0, 33, HF_FIELD_LAYOUT,
     UINT32_MAX, 1},
    {"length beyond the body", 1, 2, HF_FIELD_LAYOUT, UINT32_MAX, 1},
    {"length below the header", 0, 24, HF_FIELD_LAYOUT, UINT32_MAX, 1},
};
#define ITEM_ROWS_COUNT (sizeof item_rows / sizeof item_rows[0])

/* The malformed item says so and changes nothing; its neighbours are executed. */
static void malformed_item(void **state)
{
    const struct item_row *row = *state;
    struct hf_request requests[3];
    struct hf_world world;
    struct hf_reply items[ITEMS_MAX];

    start(&world);
    hf_buffer_clear(&world.request);
    (void)hf_frame_begin(&world.request);
    for (size_t i = 0; i < 3; i++) {
        static const char *const ids[] = {"cart-1", "cart-2", "cart-3"};
        requests[i] = reserve_request(ids[i], 0);
        assert_int_equal(hf_request_put(&world.request, HF_KIND_RESERVE, &requests[i]), HF_OK);
    }
    const size_t item_bytes = (hf_buffer_count(&world.request) - 32) / 3;
    hf_buffer_front(&world.request)[32 + item_bytes + row->at] = row->byte;
    const struct hf_frame sent = {.operation = HF_KIND_RESERVE, .count = 3};
    assert_int_equal(hf_frame_end(&world.request, 0, &sent), HF_OK);
    hf_world_receive(&world, hf_buffer_front(&world.request), hf_buffer_count(&world.request));

    assert_int_equal(read_items(&world, items), 3);
    assert_int_equal(items[0].outcome, HF_OK);
    assert_int_equal(items[1].outcome, HF_INVALID_ARGUMENT);
    assert_int_equal(items[1].field, row->want_field);
    assert_int_equal(items[1].line_index, row->want_line);
    assert_int_equal(items[2].outcome, row->want_executed == 2 ? HF_OK : HF_INVALID_ARGUMENT);
    assert_int_equal(items[2].field, row->want_executed == 2 ? HF_FIELD_NONE : HF_FIELD_LAYOUT);
    assert_int_equal(held_units(&world), row->want_executed);
    hf_world_release(&world);
}

/* Bytes behind the last item: nothing of the frame is executed. */
static void bytes_left_over(void **state)
{
    const struct hf_request request = reserve_request("cart-1", 0);
    struct hf_world world;
    struct hf_frame frame;
    (void)state;

    start(&world);
    hf_buffer_clear(&world.request);
    (void)hf_frame_begin(&world.request);
    assert_int_equal(hf_request_put(&world.request, HF_KIND_RESERVE, &request), HF_OK);
    memset(hf_buffer_add(&world.request, 8), 0, 8);
    const struct hf_frame sent = {.operation = HF_KIND_RESERVE, .count = 1};
    assert_int_equal(hf_frame_end(&world.request, 0, &sent), HF_OK);
    hf_world_receive(&world, hf_buffer_front(&world.request), hf_buffer_count(&world.request));
    assert_true(hf_world_next(&world, &frame));
    assert_int_equal(frame.flags, HF_FRAME_REPLY | HF_FRAME_ERROR);
    assert_int_equal(held_units(&world), 0);
    hf_world_release(&world);
}

static void handles_need_a_tag(void **state)
{
    const struct hf_op_line line = {.sku_handle = 0, .location_handle = 0, .units = 1};
    struct hf_request request = reserve_request("cart-1", HF_OP_HANDLES);
    struct hf_world world;
    struct hf_reply items[ITEMS_MAX];
    (void)state;

    start(&world);
    request.op.lines = &line;
    (void)hf_world_send(&world, HF_KIND_RESERVE, &request, 1); /* with the tag */
    assert_int_equal(read_items(&world, items), 1);
    assert_int_equal(items[0].outcome, HF_OK);

    hf_buffer_clear(&world.request);
    (void)hf_frame_begin(&world.request);
    request.op.id = hf_text_of("cart-2");
    assert_int_equal(hf_request_put(&world.request, HF_KIND_RESERVE, &request), HF_OK);
    const struct hf_frame sent = {.operation = HF_KIND_RESERVE, .count = 1};
    assert_int_equal(hf_frame_end(&world.request, 0, &sent), HF_OK);
    hf_world_receive(&world, hf_buffer_front(&world.request), hf_buffer_count(&world.request));
    assert_int_equal(read_items(&world, items), 1);
    assert_int_equal(items[0].outcome, HF_STALE_HANDLE);
    assert_int_equal(held_units(&world), 1);
    hf_world_release(&world);
}

static void read_only_refuses_writes(void **state)
{
    const struct hf_request request = reserve_request("cart-1", 0);
    const struct hf_request question = {.op = {.lines = &cell_line, .lines_count = 1}};
    struct hf_world world;
    struct hf_reply items[ITEMS_MAX];
    (void)state;

    start(&world);
    (void)hf_world_send(&world, HF_KIND_RESERVE, &request, 1);
    assert_int_equal(read_items(&world, items), 1);
    assert_int_equal(items[0].outcome, HF_OK);
    world.writable = HF_READ_ONLY;
    const struct hf_request other = reserve_request("cart-2", 0);
    (void)hf_world_send(&world, HF_KIND_RESERVE, &other, 1);
    assert_int_equal(read_items(&world, items), 1);
    assert_int_equal(items[0].outcome, HF_READ_ONLY);
    /* Who asks again is told what was done, as ever (P4): that logs nothing. */
    (void)hf_world_send(&world, HF_KIND_RESERVE, &request, 1);
    assert_int_equal(read_items(&world, items), 1);
    assert_int_equal(items[0].outcome, HF_OK);
    assert_true(items[0].is_repeated);
    (void)hf_world_send(&world, HF_ASK_STOCK, &question, 1);
    assert_int_equal(read_items(&world, items), 1);
    assert_int_equal(items[0].outcome, HF_OK);
    assert_int_equal(hf_engine_lsn(world.engine), 2);
    hf_world_release(&world);
}

/* A linked group that was done before is such a repeat; one with anything new in it is not. */
static void read_only_answers_repeated_groups(void **state)
{
    static const enum hf_err WRITABLE[] = {HF_OK, HF_READ_ONLY};
    struct hf_world world;
    struct hf_reply items[ITEMS_MAX];
    (void)state;

    for (size_t i = 0; i < 2; i++) {
        const struct hf_request group[] = {reserve_request("cart-1", HF_OP_LINKED),
                                           reserve_request("cart-2", 0)};
        const struct hf_request mixed[] = {reserve_request("cart-1", HF_OP_LINKED),
                                           reserve_request("cart-3", 0)};
        start(&world);
        (void)hf_world_send(&world, HF_KIND_RESERVE, group, 2);
        assert_int_equal(read_items(&world, items), 2);
        assert_false(items[0].is_repeated || items[1].is_repeated);
        const uint64_t lsns[] = {items[0].lsn, items[1].lsn};
        const uint64_t lsn = hf_engine_lsn(world.engine);
        struct hf_ledger *ledger = hf_engine_ledger(world.engine);
        hf_ledger_limit(ledger, ledger->pushed_bytes); /* the log has no place */
        world.writable = WRITABLE[i];
        (void)hf_world_send(&world, HF_KIND_RESERVE, group, 2);
        assert_int_equal(read_items(&world, items), 2);
        for (size_t k = 0; k < 2; k++) {
            assert_int_equal(items[k].outcome, HF_OK);
            assert_true(items[k].is_repeated);
            assert_int_equal(items[k].lsn, lsns[k]);
        }
        (void)hf_world_send(&world, HF_KIND_RESERVE, mixed, 2);
        assert_int_equal(read_items(&world, items), 2);
        assert_int_equal(items[0].outcome, HF_LINKED_FAILED);
        assert_int_equal(items[1].outcome, i == 0 ? HF_BUSY : HF_READ_ONLY);
        assert_int_equal(hf_engine_lsn(world.engine), lsn);

        hf_ledger_limit(ledger, UINT64_MAX);
        world.writable = HF_OK;
        (void)hf_world_send(&world, HF_KIND_RESERVE, mixed, 2);
        assert_int_equal(read_items(&world, items), 2);
        assert_true(items[0].outcome == HF_OK && items[0].is_repeated);
        assert_true(items[1].outcome == HF_OK && !items[1].is_repeated);
        assert_int_equal(hf_engine_lsn(world.engine), lsn + 1);
        hf_world_release(&world);
    }
}

/*
 * The log's place ends in the middle of a frame: the engine finds out, and the log says whether it
 * passes. A hold that is due waits, too.
 */
static void no_place_in_the_log(void **state)
{
    static const enum hf_err WRITABLE[] = {HF_OK, HF_READ_ONLY};
    const struct hf_request question = {.op = {.lines = &cell_line, .lines_count = 1}};
    struct hf_world world;
    struct hf_reply items[ITEMS_MAX];
    (void)state;

    for (size_t i = 0; i < 2; i++) {
        struct hf_request request = reserve_request("cart-1", HF_OP_TTL);
        request.op.ttl_us = 1000;
        start(&world);
        (void)hf_world_send(&world, HF_KIND_RESERVE, &request, 1);
        assert_int_equal(read_items(&world, items), 1);
        assert_int_equal(items[0].outcome, HF_OK);
        const uint64_t lsn = hf_engine_lsn(world.engine);
        struct hf_ledger *ledger = hf_engine_ledger(world.engine);
        hf_ledger_limit(ledger, ledger->pushed_bytes);
        world.now_us += 1000;
        world.writable = WRITABLE[i];
        world.writable_calls = 1;
        const struct hf_request requests[] = {reserve_request("cart-2", 0),
                                              reserve_request("cart-3", 0)};
        (void)hf_world_send(&world, HF_KIND_RESERVE, requests, 2);
        assert_int_equal(read_items(&world, items), 2);
        assert_int_equal(items[0].outcome, i == 0 ? HF_BUSY : HF_READ_ONLY);
        assert_int_equal(items[1].outcome, i == 0 ? HF_BUSY : HF_READ_ONLY);
        (void)hf_world_send(&world, HF_ASK_STOCK, &question, 1);
        assert_int_equal(read_items(&world, items), 1);
        assert_int_equal(items[0].outcome, HF_OK);
        assert_int_equal(hf_engine_lsn(world.engine), lsn);

        hf_ledger_limit(ledger, UINT64_MAX);
        world.writable = HF_OK;
        (void)hf_world_send(&world, HF_KIND_RESERVE, requests, 2);
        assert_int_equal(read_items(&world, items), 2);
        assert_int_equal(items[1].outcome, HF_OK);
        assert_int_equal(hf_engine_lsn(world.engine), lsn + 3); /* the hold's end, and they */
        hf_world_release(&world);
    }
}

/* Holds that are due end before the frame is executed, as operations of their own. */
static void due_holds_end_first(void **state)
{
    struct hf_request request = reserve_request("cart-1", HF_OP_TTL);
    const struct hf_request question = {.op = {.lines = &cell_line, .lines_count = 1}};
    struct hf_world world;
    struct hf_reply items[ITEMS_MAX];
    struct hf_cell_view cell;
    (void)state;

    start(&world);
    request.op.ttl_us = 1000;
    (void)hf_world_send(&world, HF_KIND_RESERVE, &request, 1);
    assert_int_equal(read_items(&world, items), 1);
    assert_int_equal(items[0].state, HF_STATE_HELD);
    assert_int_equal(items[0].argument, HF_WORLD_TIME_US + 1000);
    assert_int_equal(held_units(&world), 1);

    world.now_us += 1000;
    (void)hf_world_send(&world, HF_ASK_STOCK, &question, 1);
    assert_int_equal(read_items(&world, items), 1);
    assert_int_equal(hf_cell_next(&items[0].entries, &cell), HF_OK);
    assert_int_equal(cell.held, 0);
    assert_int_equal(items[0].lsn, 3);
    assert_false(hf_dispatch_expire(&world.dispatch));
    hf_world_release(&world);
}

/* ------------------------------------------------------------------ linked groups */

/* Send `count` reservations of one unit, all linked with the next but those of `ends`. */
static void send_linked(struct hf_world *world, uint32_t count, uint32_t end_every)
{
    static char ids[ITEMS_MAX][16];
    static struct hf_request requests[ITEMS_MAX];
    assert_in_range(count, 1, ITEMS_MAX);
    for (uint32_t i = 0; i < count; i++) {
        (void)snprintf(ids[i], sizeof ids[i], "cart-%u", i);
        const bool is_end = end_every != 0 && (i + 1) % end_every == 0;
        requests[i] = reserve_request(ids[i], is_end ? 0 : HF_OP_LINKED);
    }
    (void)hf_world_send(world, HF_KIND_RESERVE, requests, count);
}

static void linked_groups_succeed_or_fail(void **state)
{
    struct hf_world world;
    struct hf_reply items[ITEMS_MAX];
    (void)state;

    start(&world);
    send_linked(&world, 12, 4); /* three groups of four; there are ten */
    assert_int_equal(read_items(&world, items), 12);
    for (uint32_t i = 0; i < 8; i++) {
        assert_int_equal(items[i].outcome, HF_OK);
        assert_int_equal(items[i].lsn, 2 + i);
    }
    assert_int_equal(items[8].outcome, HF_LINKED_FAILED);
    assert_int_equal(items[9].outcome, HF_LINKED_FAILED);
    assert_int_equal(items[10].outcome, HF_INSUFFICIENT_STOCK);
    assert_int_equal(items[10].entries_count, 1);
    assert_int_equal(items[11].outcome, HF_LINKED_FAILED);
    assert_int_equal(held_units(&world), 8);
    hf_world_release(&world);
}

static void a_group_must_end_in_its_frame(void **state)
{
    struct hf_world world;
    struct hf_reply items[ITEMS_MAX];
    (void)state;

    start(&world);
    send_linked(&world, 3, 0);
    assert_int_equal(read_items(&world, items), 3);
    assert_int_equal(items[0].outcome, HF_LINKED_FAILED);
    assert_int_equal(items[1].outcome, HF_LINKED_FAILED);
    assert_int_equal(items[2].outcome, HF_INVALID_ARGUMENT);
    assert_int_equal(items[2].field, HF_FIELD_FLAGS);
    assert_int_equal(held_units(&world), 0);
    hf_world_release(&world);
}

/* Both sides of the longest group: 256 are taken (and refused for stock), 257 are too many. */
static void longest_group(void **state)
{
    struct hf_world world;
    struct hf_reply items[ITEMS_MAX];
    (void)state;

    start(&world);
    send_linked(&world, 256, 256);
    assert_int_equal(read_items(&world, items), 256);
    assert_int_equal(items[10].outcome, HF_INSUFFICIENT_STOCK);
    assert_int_equal(items[255].outcome, HF_LINKED_FAILED);

    send_linked(&world, 258, 257); /* and one that is linked with nothing */
    assert_int_equal(read_items(&world, items), 258);
    assert_int_equal(items[0].outcome, HF_LINKED_FAILED);
    assert_int_equal(items[255].outcome, HF_LINKED_FAILED);
    assert_int_equal(items[256].outcome, HF_INVALID_ARGUMENT);
    assert_int_equal(items[256].field, HF_FIELD_COUNT);
    assert_int_equal(items[257].outcome, HF_INVALID_ARGUMENT);
    assert_int_equal(items[257].field, HF_FIELD_FLAGS);
    assert_int_equal(held_units(&world), 0);
    hf_world_release(&world);
}

static void a_malformed_member_fails_its_group(void **state)
{
    static const struct hf_op_line wrong = {
        .sku = {"PHONE", 5}, .location = {"BERLIN", 6}, .units = 0};
    struct hf_request requests[4] = {reserve_request("cart-1", HF_OP_LINKED),
                                     reserve_request("cart-2", HF_OP_LINKED),
                                     reserve_request("cart-3", 0), reserve_request("cart-4", 0)};
    struct hf_world world;
    struct hf_reply items[ITEMS_MAX];
    (void)state;

    start(&world);
    for (uint32_t way = 0; way < 2; way++) {
        if (way == 0) {
            requests[1].op.lines = &wrong; /* the engine finds out */
        } else {
            requests[1].op.lines = &one_line;
            requests[1].limit = 1; /* dispatch does */
        }
        requests[3].op.id = hf_text_of(way == 0 ? "cart-4" : "cart-5");
        (void)hf_world_send(&world, HF_KIND_RESERVE, requests, 4);
        assert_int_equal(read_items(&world, items), 4);
        assert_int_equal(items[0].outcome, HF_LINKED_FAILED);
        assert_int_equal(items[1].outcome, HF_INVALID_ARGUMENT);
        assert_int_equal(items[1].field, way == 0 ? HF_FIELD_QUANTITY : HF_FIELD_LIMIT);
        assert_int_equal(items[2].outcome, HF_LINKED_FAILED);
        assert_int_equal(items[3].outcome, HF_OK);
        assert_int_equal(held_units(&world), 1 + way);
    }
    hf_world_release(&world);
}

/* ------------------------------------------------------------------ questions */

static const struct question_row {
    const char *name;
    unsigned operation;
    struct hf_request request;
    enum hf_err want;
    enum hf_field want_field;
} question_rows[] = {
    {"stock: no line", HF_ASK_STOCK, {.limit = 0}, HF_INVALID_ARGUMENT, HF_FIELD_LINES},
    {"stock: two lines",
     HF_ASK_STOCK,
     {.op = {.lines = stock_lines, .lines_count = 2}},
     HF_INVALID_ARGUMENT,
     HF_FIELD_LINES},
    {"stock: a quantity",
     HF_ASK_STOCK,
     {.op = {.lines = &one_line, .lines_count = 1}},
     HF_INVALID_ARGUMENT,
     HF_FIELD_QUANTITY},
    {"stock: linked",
     HF_ASK_STOCK,
     {.op = {.flags = HF_OP_LINKED, .lines = &cell_line, .lines_count = 1}},
     HF_INVALID_ARGUMENT,
     HF_FIELD_FLAGS},
    {"stock: a cursor",
     HF_ASK_STOCK,
     {.op = {.lines = &cell_line, .lines_count = 1}, .cursor = 1},
     HF_INVALID_ARGUMENT,
     HF_FIELD_CURSOR},
    {"stock: a reference",
     HF_ASK_STOCK,
     {.op = {.ref = {"r", 1}, .lines = &cell_line, .lines_count = 1}},
     HF_INVALID_ARGUMENT,
     HF_FIELD_REF},
    {"stock: known", HF_ASK_STOCK, {.op = {.lines = &cell_line, .lines_count = 1}}, HF_OK, 0},
    {"reservation: no id", HF_ASK_RESERVATION, {.limit = 0}, HF_INVALID_ARGUMENT, HF_FIELD_ID},
    {"reservation: a broken id",
     HF_ASK_RESERVATION,
     {.op = {.id = {"\xFF", 1}}},
     HF_INVALID_ARGUMENT,
     HF_FIELD_ID},
    {"reservation: unknown",
     HF_ASK_RESERVATION,
     {.op = {.id = {"cart-9", 6}}},
     HF_UNKNOWN_RESERVATION,
     HF_FIELD_NONE},
    {"order: none", HF_ASK_ORDER, {.limit = 0}, HF_INVALID_ARGUMENT, HF_FIELD_ORDER},
    {"order: unknown",
     HF_ASK_ORDER,
     {.op = {.order = {"o", 1}}},
     HF_UNKNOWN_RESERVATION,
     HF_FIELD_NONE},
    {"ledger: of nothing", HF_ASK_LEDGER, {.limit = 0}, HF_INVALID_ARGUMENT, HF_FIELD_LINES},
    {"ledger: of two things",
     HF_ASK_LEDGER,
     {.op = {.ref = {"r", 1}, .order = {"o", 1}}},
     HF_INVALID_ARGUMENT,
     HF_FIELD_LINES},
    {"ledger: a cursor that was never given",
     HF_ASK_LEDGER,
     {.op = {.lines = &cell_line, .lines_count = 1}, .cursor = 1},
     HF_INVALID_ARGUMENT,
     HF_FIELD_CURSOR},
    {"ledger: a reference nobody knows", HF_ASK_LEDGER, {.op = {.ref = {"r", 1}}}, HF_OK, 0},
    {"ats: a region nobody knows",
     HF_ASK_ATS,
     {.op = {.id = {"NORTH", 5}, .lines = &cell_line, .lines_count = 1}},
     HF_OK,
     0},
    {"list: a location nobody knows",
     HF_ASK_LIST,
     {.op = {.lines = &(const struct hf_op_line){.location = {"ROME", 4}}, .lines_count = 1}},
     HF_UNKNOWN_LOCATION,
     HF_FIELD_NONE},
    {"list: a quantity is how long idle",
     HF_ASK_LIST,
     {.op = {.lines = &(const struct hf_op_line){.units = 1}, .lines_count = 1}},
     HF_OK,
     0},
    {"list: idle for less than nothing",
     HF_ASK_LIST,
     {.op = {.lines = &(const struct hf_op_line){.units = -1}, .lines_count = 1}},
     HF_INVALID_ARGUMENT,
     HF_FIELD_QUANTITY},
    {"list: a SKU",
     HF_ASK_LIST,
     {.op = {.lines = &cell_line, .lines_count = 1}},
     HF_INVALID_ARGUMENT,
     HF_FIELD_SKU},
    {"list: late", HF_ASK_LIST, {.only_late = true}, HF_INVALID_ARGUMENT, HF_FIELD_FLAGS},
    {"list: a place", HF_ASK_LIST, {.op = {.from = {"L", 1}}}, HF_INVALID_ARGUMENT, HF_FIELD_FROM},
    {"list: another", HF_ASK_LIST, {.op = {.to = {"L", 1}}}, HF_INVALID_ARGUMENT, HF_FIELD_TO},
    {"list: a status",
     HF_ASK_LIST,
     {.op = {.to_status = HF_STATUS_DAMAGED}},
     HF_INVALID_ARGUMENT,
     HF_FIELD_STATUS},
    {"shortages: none", HF_ASK_SHORTAGES, {.limit = 0}, HF_OK, 0},
    {"shortages: a line",
     HF_ASK_SHORTAGES,
     {.op = {.lines = &cell_line, .lines_count = 1}},
     HF_INVALID_ARGUMENT,
     HF_FIELD_LINES},
    {"transfer: no id", HF_ASK_TRANSFER, {.limit = 0}, HF_INVALID_ARGUMENT, HF_FIELD_ID},
    {"transfer: unknown",
     HF_ASK_TRANSFER,
     {.op = {.id = {"T-1", 3}}},
     HF_UNKNOWN_TRANSFER,
     HF_FIELD_NONE},
    {"transfer: a cursor",
     HF_ASK_TRANSFER,
     {.op = {.id = {"T-1", 3}}, .cursor = 1},
     HF_INVALID_ARGUMENT,
     HF_FIELD_CURSOR},
    {"inbound: no id", HF_ASK_INBOUND, {.limit = 0}, HF_INVALID_ARGUMENT, HF_FIELD_ID},
    {"inbound: unknown",
     HF_ASK_INBOUND,
     {.op = {.id = {"PO-1", 4}}},
     HF_UNKNOWN_INBOUND,
     HF_FIELD_NONE},
    {"transfers: none", HF_ASK_TRANSFERS, {.only_open = true}, HF_OK, 0},
    {"transfers: late, which they have no time for",
     HF_ASK_TRANSFERS,
     {.only_late = true},
     HF_INVALID_ARGUMENT,
     HF_FIELD_FLAGS},
    {"transfers: a location nobody knows",
     HF_ASK_TRANSFERS,
     {.op = {.lines = &(const struct hf_op_line){.location = {"ROME", 4}}, .lines_count = 1}},
     HF_UNKNOWN_LOCATION,
     HF_FIELD_NONE},
    {"transfers: a prefix",
     HF_ASK_TRANSFERS,
     {.op = {.id = {"T", 1}}},
     HF_INVALID_ARGUMENT,
     HF_FIELD_ID},
    {"inbound shipments: late and open",
     HF_ASK_INBOUND_SHIPMENTS,
     {.only_late = true, .only_open = true},
     HF_OK,
     0},
    {"inbound shipments: low",
     HF_ASK_INBOUND_SHIPMENTS,
     {.only_low = true},
     HF_INVALID_ARGUMENT,
     HF_FIELD_FLAGS},
    {"lookup: no line", HF_ASK_LOOKUP, {.limit = 0}, HF_INVALID_ARGUMENT, HF_FIELD_LINES},
};
#define QUESTION_ROWS_COUNT (sizeof question_rows / sizeof question_rows[0])

static void question(void **state)
{
    const struct question_row *row = *state;
    struct hf_world world;
    struct hf_reply items[ITEMS_MAX];

    start(&world);
    (void)hf_world_send(&world, row->operation, &row->request, 1);
    assert_int_equal(read_items(&world, items), 1);
    assert_int_equal(items[0].outcome, row->want);
    assert_int_equal(items[0].field, row->want_field);
    assert_int_equal(items[0].lsn, 1);
    if (row->want != HF_OK) {
        assert_int_equal(items[0].entries_count, 0);
    }
    hf_world_release(&world);
}

/*
 * The ledger in pages of every size gives every move once, newest first; also where an operation
 * has more moves than a page.
 */
static void ledger_in_pages(void **state)
{
    static char ids[40][16];
    struct hf_world world;
    struct hf_reply items[ITEMS_MAX];
    (void)state;

    start(&world);
    for (uint32_t i = 0; i < 8; i++) {
        (void)snprintf(ids[i], sizeof ids[i], "cart-%u", i);
        struct hf_request request = reserve_request(ids[i], 0);
        request.op.order = hf_text_of("order-1");
        (void)hf_world_send(&world, HF_KIND_RESERVE, &request, 1);
        assert_int_equal(read_items(&world, items), 1);
        assert_int_equal(items[0].outcome, HF_OK);
    }
    const struct hf_request release = {
        .op = {.kind = HF_KIND_RELEASE_ORDER, .order = hf_text_of("order-1")}};
    (void)hf_world_send(&world, HF_KIND_RELEASE_ORDER, &release, 1); /* eight moves of one cell */
    assert_int_equal(read_items(&world, items), 1);
    assert_int_equal(items[0].outcome, HF_OK);

    for (uint32_t limit = 1; limit < 20; limit++) {
        for (uint32_t way = 0; way < 2; way++) {
            struct hf_request ledger = {.limit = limit};
            uint32_t given = 0;
            uint64_t last_lsn = UINT64_MAX;
            uint32_t last_index = 0;
            if (way == 0) {
                ledger.op.lines = &cell_line;
                ledger.op.lines_count = 1;
            } else {
                ledger.op.order = hf_text_of("order-1");
            }
            do {
                (void)hf_world_send(&world, HF_ASK_LEDGER, &ledger, 1);
                assert_int_equal(read_items(&world, items), 1);
                assert_int_equal(items[0].outcome, HF_OK);
                assert_true(items[0].entries_count <= limit);
                for (uint32_t i = 0; i < items[0].entries_count; i++) {
                    struct hf_move move;
                    assert_int_equal(hf_move_entry_next(&items[0].entries, &move), HF_OK);
                    assert_true(move.lsn < last_lsn ||
                                (move.lsn == last_lsn && move.index > last_index));
                    last_lsn = move.lsn;
                    last_index = move.index;
                    given++;
                }
                ledger.cursor = items[0].argument;
            } while (ledger.cursor != 0);
            assert_int_equal(given, way == 0 ? 17 : 16); /* the receipt has no order */
        }
    }
    hf_world_release(&world);
}

static void orders_and_lists_in_pages(void **state)
{
    static char ids[10][16];
    struct hf_world world;
    struct hf_reply items[ITEMS_MAX];
    (void)state;

    start(&world);
    for (uint32_t i = 0; i < 10; i++) {
        (void)snprintf(ids[i], sizeof ids[i], "cart-%u", i);
        struct hf_request request = reserve_request(ids[i], 0);
        request.op.order = hf_text_of("order-1");
        (void)hf_world_send(&world, HF_KIND_RESERVE, &request, 1);
        assert_int_equal(read_items(&world, items), 1);
    }
    for (uint32_t limit = 1; limit < 12; limit++) {
        struct hf_request order = {.op = {.order = hf_text_of("order-1")}, .limit = limit};
        struct hf_request list = {.limit = limit};
        uint32_t given = 0;
        do {
            (void)hf_world_send(&world, HF_ASK_ORDER, &order, 1);
            assert_int_equal(read_items(&world, items), 1);
            assert_int_equal(items[0].outcome, HF_OK);
            for (uint32_t i = 0; i < items[0].entries_count; i++) {
                struct hf_reservation_view view;
                assert_int_equal(hf_summary_next(&items[0].entries, &view), HF_OK);
                given++;
                assert_true(hf_text_equal(view.id, hf_text_of(ids[10 - given])));
                assert_int_equal(view.lines_count, 1);
            }
            order.cursor = items[0].argument;
        } while (order.cursor != 0);
        assert_int_equal(given, 10);

        given = 0;
        do {
            (void)hf_world_send(&world, HF_ASK_LIST, &list, 1);
            assert_int_equal(read_items(&world, items), 1);
            given += items[0].entries_count;
            list.cursor = items[0].argument;
        } while (list.cursor != 0);
        assert_int_equal(given, 2);
    }
    hf_world_release(&world);
}

/*
 * Many questions whose answers do not fit into one frame: those that do are answered, the others
 * say so, and the reply stays within frame_bytes_max.
 */
static void answers_that_do_not_fit(void **state)
{
    static struct hf_op_line lines[2000];
    static struct hf_request requests[ITEMS_MAX];
    struct hf_world world;
    struct hf_reply items[ITEMS_MAX];
    struct hf_frame frame;
    uint32_t answered = 0;
    (void)state;

    start(&world);
    for (size_t i = 0; i < 2000; i++) {
        lines[i] = (struct hf_op_line){.sku_handle = 0, .location_handle = HF_HANDLE_NONE};
    }
    const uint32_t count = 30; /* 30 * 2,000 * 16 bytes fit a request, 24 bytes each do not fit */
    for (uint32_t i = 0; i < count; i++) {
        requests[i] = (struct hf_request){
            .op = {.flags = HF_OP_HANDLES, .lines = lines, .lines_count = 2000}};
    }
    (void)hf_world_send(&world, HF_ASK_ATS, requests, count);
    hf_world_sync(&world);
    const size_t before = world.read_bytes;
    assert_true(hf_world_next(&world, &frame));
    assert_true(world.read_bytes - before <= HF_FRAME_BYTES_MIN);
    struct hf_items body = hf_items_of(frame.body, frame.body_bytes);
    for (uint32_t i = 0; i < count; i++) {
        assert_int_equal(hf_reply_next(&body, &items[i]), HF_OK);
        assert_true(items[i].outcome == HF_OK || items[i].outcome == HF_LIMIT_EXCEEDED);
        answered += items[i].outcome == HF_OK;
        assert_int_equal(items[i].entries_count, items[i].outcome == HF_OK ? 2000 : 0);
    }
    assert_in_range(answered, 20, 22);
    hf_world_release(&world);
}

int main(void)
{
    static const struct CMUnitTest others[] = {
        cmocka_unit_test(bytes_left_over),
        cmocka_unit_test(handles_need_a_tag),
        cmocka_unit_test(read_only_refuses_writes),
        cmocka_unit_test(read_only_answers_repeated_groups),
        cmocka_unit_test(no_place_in_the_log),
        cmocka_unit_test(due_holds_end_first),
        cmocka_unit_test(linked_groups_succeed_or_fail),
        cmocka_unit_test(a_group_must_end_in_its_frame),
        cmocka_unit_test(longest_group),
        cmocka_unit_test(a_malformed_member_fails_its_group),
        cmocka_unit_test(ledger_in_pages),
        cmocka_unit_test(orders_and_lists_in_pages),
        cmocka_unit_test(answers_that_do_not_fit),
    };
    struct CMUnitTest rows[FRAME_ROWS_COUNT + ITEM_ROWS_COUNT + QUESTION_ROWS_COUNT];
    size_t count = 0;

#define ADD_ROWS(table, function)                                                                  \
    for (size_t i = 0; i < sizeof(table) / sizeof((table)[0]); i++) {                              \
        rows[count++] = (struct CMUnitTest){.name = (table)[i].name,                               \
                                            .test_func = (function),                               \
                                            .initial_state = (void *)(uintptr_t) & (table)[i]};    \
    }
    ADD_ROWS(frame_rows, refused_frame)
    ADD_ROWS(item_rows, malformed_item)
    ADD_ROWS(question_rows, question)
    const int failed = cmocka_run_group_tests(rows, NULL, NULL);
    return failed + cmocka_run_group_tests(others, NULL, NULL);
}
