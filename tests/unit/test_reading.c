/*
 * test_reading.c - all rows of one LSN, in pages, while the server goes on.
 *
 * Method: connections are known to dispatch by the address of their job, so several askers need
 * several jobs and no sockets. The state that was frozen is compared with the rows that come while
 * every cell changes between two pages.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "tests/lib/wire_world.h"

#define CELLS_COUNT 50

static char skus[CELLS_COUNT][8];

/* One question of the connection that `job` belongs to. The reply lies in `out`. */
static struct hf_reply ask(struct hf_world *world, struct hf_job *job, struct hf_buffer *out,
                           unsigned operation, const struct hf_request *request)
{
    struct hf_frame frame;
    struct hf_reply reply;
    size_t frame_bytes;
    enum hf_field fault;
    uint64_t gate_lsn;

    hf_buffer_clear(&world->request);
    const size_t place = hf_frame_begin(&world->request);
    assert_int_equal(hf_request_put(&world->request, operation, request), HF_OK);
    const struct hf_frame sent = {.operation = operation, .count = 1, .correlation = 5};
    assert_int_equal(hf_frame_end(&world->request, place, &sent), HF_OK);
    assert_int_equal(hf_frame_decode(hf_buffer_front(&world->request),
                                     hf_buffer_count(&world->request), HF_FRAME_BYTES_MIN, 0,
                                     &frame, &frame_bytes, &fault),
                     HF_OK);
    hf_buffer_clear(out);
    assert_true(hf_dispatch_frame(&world->dispatch, &frame, out, job, &gate_lsn));
    assert_true(hf_buffer_count(out) <= HF_FRAME_BYTES_MIN);
    assert_int_equal(hf_frame_decode(hf_buffer_front(out), hf_buffer_count(out), HF_FRAME_BYTES_MIN,
                                     HF_FRAME_REPLY | HF_FRAME_ERROR, &frame, &frame_bytes, &fault),
                     HF_OK);
    struct hf_items body = hf_items_of(frame.body, frame.body_bytes);
    assert_int_equal(hf_reply_next(&body, &reply), HF_OK);
    assert_ptr_equal(body.at, body.end);
    return reply;
}

static void change(struct hf_world *world, struct hf_op op)
{
    struct hf_result result;
    hf_engine_apply(world->engine, &op, world->now_us, &result);
    assert_int_equal(result.outcome, HF_OK);
}

/* Cell i has i + 1 units, one of them held by cart-i. */
static void start(struct hf_world *world)
{
    hf_world_init(world, 0);
    for (uint32_t i = 0; i < CELLS_COUNT; i++) {
        char id[16];
        (void)snprintf(skus[i], sizeof skus[i], "SKU-%u", i);
        (void)snprintf(id, sizeof id, "cart-%u", i);
        struct hf_op_line line = {
            .sku = hf_text_of(skus[i]), .location = {"L", 1}, .units = (int64_t)i + 1};
        change(world, (struct hf_op){.kind = HF_KIND_RECEIVE, .lines = &line, .lines_count = 1});
        line.units = 1;
        change(world, (struct hf_op){.kind = HF_KIND_RESERVE,
                                     .id = hf_text_of(id),
                                     .lines = &line,
                                     .lines_count = 1});
    }
}

static void sell_everywhere(struct hf_world *world)
{
    for (uint32_t i = 1; i < CELLS_COUNT; i++) {
        const struct hf_op_line line = {
            .sku = hf_text_of(skus[i]), .location = {"L", 1}, .units = 1};
        change(world,
               (struct hf_op){
                   .kind = HF_KIND_SELL, .flags = HF_OP_FACT, .lines = &line, .lines_count = 1});
    }
}

static const struct hf_request cells_section = {.cursor = HF_FROZEN_CELLS};

/* ------------------------------------------------------------------ rows */

/* Whatever changes between the pages, the rows are those of the LSN it began at. */
static void rows_of_one_lsn(void **state)
{
    struct hf_world world;
    struct hf_buffer out = {0};
    (void)state;

    for (uint32_t limit = 1; limit <= CELLS_COUNT + 1; limit += 7) {
        const struct hf_request next = {.limit = limit};
        struct hf_job job = {0};
        uint32_t given = 0;
        start(&world);
        const uint64_t lsn = hf_engine_lsn(world.engine);
        struct hf_reply reply = ask(&world, &job, &out, HF_ASK_EXPORT, &cells_section);
        assert_int_equal(reply.outcome, HF_OK);
        assert_int_equal(reply.lsn, lsn);
        assert_int_equal(reply.argument, world.log.epoch);
        for (uint32_t pages = 0;; pages++) {
            if (pages == 1) {
                sell_everywhere(&world);
            }
            reply = ask(&world, &job, &out, HF_ASK_EXPORT_NEXT, &next);
            assert_int_equal(reply.outcome, HF_OK);
            assert_int_equal(reply.lsn, lsn);
            assert_true(reply.entries_count <= limit);
            for (uint32_t i = 0; i < reply.entries_count; i++) {
                struct hf_frozen_row row = {.section = HF_FROZEN_CELLS};
                assert_int_equal(hf_row_next(&reply.entries, &row), HF_OK);
                assert_true(hf_text_equal(row.cell.sku, hf_text_of(skus[given])));
                given++;
                assert_int_equal(row.cell.on_hand, given);
                assert_int_equal(row.cell.held, 1);
                assert_int_equal(row.cell.last_sale_us, 0);
            }
            if (reply.argument == 0) {
                break;
            }
        }
        assert_int_equal(given, CELLS_COUNT);
        /* That was all: the reading is over. */
        assert_int_equal(ask(&world, &job, &out, HF_ASK_EXPORT_NEXT, &next).outcome,
                         HF_WRONG_STATE);
        hf_world_release(&world);
    }
    hf_buffer_release(&out);
}

/* Every other section gives a row for each line. */
static void rows_of_every_section(void **state)
{
    static const struct hf_op_line lines[] = {{.sku = {"SKU-7", 5}, .units = 1},
                                              {.sku = {"SKU-8", 5}, .units = 2}};
    static const struct {
        enum hf_frozen_section section;
        uint32_t want;
    } sections[] = {
        {HF_FROZEN_CELLS, CELLS_COUNT + 2}, /* two more at M, where stock is on its way to */
        {HF_FROZEN_RESERVATIONS, CELLS_COUNT},
        {HF_FROZEN_TRANSFERS, 2},
        {HF_FROZEN_INBOUND, 1},
    };
    struct hf_world world;
    struct hf_job job = {0};
    struct hf_buffer out = {0};
    (void)state;

    start(&world);
    const struct hf_op inbound = {.kind = HF_KIND_INBOUND_CREATE,
                                  .id = {"PO-1", 4},
                                  .to = {"M", 1},
                                  .lines = lines,
                                  .lines_count = 1};
    change(&world, inbound);
    change(&world, (struct hf_op){.kind = HF_KIND_TRANSFER_CREATE,
                                  .flags = HF_OP_SHIP,
                                  .id = {"T-1", 3},
                                  .from = {"L", 1},
                                  .to = {"M", 1},
                                  .lines = lines,
                                  .lines_count = 2});
    for (size_t i = 0; i < sizeof sections / sizeof sections[0]; i++) {
        const struct hf_request begin = {.cursor = sections[i].section};
        const struct hf_request next = {.limit = 0};
        uint32_t given = 0;
        struct hf_reply reply = ask(&world, &job, &out, HF_ASK_EXPORT, &begin);
        assert_int_equal(reply.outcome, HF_OK);
        do {
            reply = ask(&world, &job, &out, HF_ASK_EXPORT_NEXT, &next);
            assert_int_equal(reply.outcome, HF_OK);
            for (uint32_t k = 0; k < reply.entries_count; k++, given++) {
                struct hf_frozen_row row = {.section = sections[i].section};
                assert_int_equal(hf_row_next(&reply.entries, &row), HF_OK);
                if (row.section == HF_FROZEN_RESERVATIONS) {
                    assert_true(hf_text_equal(row.reserved.sku, hf_text_of(skus[given])));
                    assert_int_equal(row.reservation.state, HF_STATE_HELD);
                    assert_int_equal(row.reservation.lines_count, 1);
                }
                if (row.section == HF_FROZEN_TRANSFERS) {
                    assert_true(hf_text_equal(row.shipped.sku, lines[given].sku));
                    assert_int_equal(row.shipped.under_way, given + 1);
                    assert_true(hf_text_equal(row.shipment.to, hf_text_of("M")));
                    assert_int_equal(row.shipment.open_units, 3);
                }
                if (row.section == HF_FROZEN_INBOUND) {
                    assert_true(hf_text_equal(row.shipment.id, hf_text_of("PO-1")));
                    assert_int_equal(row.shipped.units, 1);
                }
            }
        } while (reply.argument != 0);
        assert_int_equal(given, sections[i].want);
    }
    hf_world_release(&world);
    hf_buffer_release(&out);
}

/* ------------------------------------------------------------------ who reads */

static void one_reading_at_a_time(void **state)
{
    const struct hf_request next = {.limit = 1};
    const struct hf_request none = {.limit = 0};
    struct hf_job first = {0};
    struct hf_job second = {0};
    struct hf_world world;
    struct hf_buffer out = {0};
    (void)state;

    start(&world);
    assert_int_equal(ask(&world, &first, &out, HF_ASK_EXPORT_NEXT, &next).outcome, HF_WRONG_STATE);
    assert_int_equal(ask(&world, &first, &out, HF_ASK_EXPORT, &cells_section).outcome, HF_OK);
    assert_int_equal(ask(&world, &second, &out, HF_ASK_EXPORT, &cells_section).outcome, HF_BUSY);
    assert_int_equal(ask(&world, &second, &out, HF_ASK_EXPORT_NEXT, &next).outcome, HF_WRONG_STATE);
    assert_int_equal(ask(&world, &second, &out, HF_ASK_EXPORT, &none).outcome, HF_OK);
    assert_int_equal(ask(&world, &first, &out, HF_ASK_EXPORT_NEXT, &next).entries_count, 1);

    /* Begun anew: from the front, and at the LSN of now. */
    const uint64_t lsn = hf_engine_lsn(world.engine);
    sell_everywhere(&world);
    struct hf_reply reply = ask(&world, &first, &out, HF_ASK_EXPORT, &cells_section);
    assert_int_equal(reply.outcome, HF_OK);
    assert_int_equal(reply.lsn, lsn + CELLS_COUNT - 1);
    struct hf_frozen_row row = {.section = HF_FROZEN_CELLS};
    reply = ask(&world, &first, &out, HF_ASK_EXPORT_NEXT, &next);
    assert_int_equal(hf_row_next(&reply.entries, &row), HF_OK);
    assert_true(hf_text_equal(row.cell.sku, hf_text_of("SKU-0")));

    /* Needed no more; then its connection goes. */
    assert_int_equal(ask(&world, &first, &out, HF_ASK_EXPORT, &none).outcome, HF_OK);
    assert_int_equal(ask(&world, &second, &out, HF_ASK_EXPORT, &cells_section).outcome, HF_OK);
    hf_dispatch_abandon(&world.dispatch, &first); /* somebody else's */
    assert_int_equal(ask(&world, &second, &out, HF_ASK_EXPORT_NEXT, &next).outcome, HF_OK);
    hf_dispatch_abandon(&world.dispatch, &second);
    assert_int_equal(ask(&world, &first, &out, HF_ASK_EXPORT, &cells_section).outcome, HF_OK);
    hf_dispatch_abandon(&world.dispatch, &first);
    hf_world_release(&world);
    hf_buffer_release(&out);
}

/* A connection that closes in the middle gives the reading back. */
static void the_connection_owns_it(void **state)
{
    struct hf_world world;
    (void)state;

    hf_world_init(&world, 0);
    hf_world_hello(&world);
    (void)hf_world_send(&world, HF_ASK_EXPORT, &cells_section, 1);
    assert_int_equal(hf_world_reply(&world).outcome, HF_OK);
    assert_non_null(world.dispatch.reading.owner);
    hf_connection_release(&world.connection);
    assert_null(world.dispatch.reading.owner);
    assert_true(hf_engine_freeze(world.engine, 1024 * 1024));
    hf_engine_thaw(world.engine);
    hf_world_release(&world);
}

/* More changes than may be kept aside: the next page says so, and the reading is over. */
static void too_much_has_changed(void **state)
{
    const struct hf_request next = {.limit = 1};
    struct hf_job job = {0};
    struct hf_world world;
    struct hf_buffer out = {0};
    (void)state;

    start(&world);
    world.dispatch.export_bytes_max = 1;
    assert_int_equal(ask(&world, &job, &out, HF_ASK_EXPORT, &cells_section).outcome, HF_OK);
    sell_everywhere(&world);
    struct hf_reply reply = ask(&world, &job, &out, HF_ASK_EXPORT_NEXT, &next);
    assert_int_equal(reply.outcome, HF_LIMIT_EXCEEDED);
    assert_int_equal(reply.entries_count, 0);
    assert_int_equal(ask(&world, &job, &out, HF_ASK_EXPORT_NEXT, &next).outcome, HF_WRONG_STATE);
    assert_null(world.dispatch.reading.owner);
    hf_world_release(&world);
    hf_buffer_release(&out);
}

/* ------------------------------------------------------------------ malformed */

static void malformed(void **state)
{
    static const struct hf_op_line line = {.location = {"L", 1}};
    static const struct {
        unsigned operation;
        struct hf_request request;
        enum hf_field want;
    } rows[] = {
        {HF_ASK_EXPORT, {.cursor = 5}, HF_FIELD_CURSOR},
        {HF_ASK_EXPORT, {.cursor = UINT64_C(1) << 32 | 1}, HF_FIELD_CURSOR},
        {HF_ASK_EXPORT, {.cursor = 1, .limit = 1}, HF_FIELD_LIMIT},
        {HF_ASK_EXPORT, {.cursor = 1, .op = {.id = {"a", 1}}}, HF_FIELD_ID},
        {HF_ASK_EXPORT, {.cursor = 1, .op = {.lines = &line, .lines_count = 1}}, HF_FIELD_LINES},
        {HF_ASK_EXPORT, {.cursor = 1, .only_open = true}, HF_FIELD_FLAGS},
        {HF_ASK_EXPORT, {.cursor = 1, .op = {.reason = HF_REASON_COUNT}}, HF_FIELD_REASON},
        {HF_ASK_EXPORT_NEXT, {.cursor = 1}, HF_FIELD_CURSOR},
        {HF_ASK_EXPORT_NEXT, {.op = {.flags = HF_OP_HANDLES}}, HF_FIELD_FLAGS},
        {HF_ASK_EXPORT_NEXT, {.op = {.ref = {"a", 1}}}, HF_FIELD_REF},
    };
    struct hf_job job = {0};
    struct hf_world world;
    struct hf_buffer out = {0};
    (void)state;

    start(&world);
    assert_int_equal(ask(&world, &job, &out, HF_ASK_EXPORT, &cells_section).outcome, HF_OK);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct hf_reply reply = ask(&world, &job, &out, rows[i].operation, &rows[i].request);
        assert_int_equal(reply.outcome, HF_INVALID_ARGUMENT);
        assert_int_equal(reply.field, rows[i].want);
        assert_int_equal(reply.entries_count, 0);
        assert_ptr_equal(world.dispatch.reading.owner, &job); /* the reading goes on */
    }
    hf_dispatch_abandon(&world.dispatch, &job);
    hf_world_release(&world);
    hf_buffer_release(&out);
}

/* Whoever rests too long between two pages keeps nobody waiting any longer. */
static void a_resting_owner_gives_way(void **state)
{
    const struct hf_request next = {.limit = 1};
    struct hf_job first = {0};
    struct hf_job second = {0};
    struct hf_world world;
    struct hf_buffer out = {0};
    (void)state;

    start(&world);
    assert_int_equal(ask(&world, &first, &out, HF_ASK_EXPORT, &cells_section).outcome, HF_OK);
    world.now_us += HF_READING_REST_US - 1;
    assert_int_equal(ask(&world, &second, &out, HF_ASK_EXPORT, &cells_section).outcome, HF_BUSY);
    assert_int_equal(ask(&world, &first, &out, HF_ASK_EXPORT_NEXT, &next).outcome, HF_OK);
    world.now_us += HF_READING_REST_US - 1; /* since it asked */
    assert_int_equal(ask(&world, &second, &out, HF_ASK_EXPORT, &cells_section).outcome, HF_BUSY);
    world.now_us += 1;
    assert_int_equal(ask(&world, &second, &out, HF_ASK_EXPORT, &cells_section).outcome, HF_OK);
    assert_int_equal(ask(&world, &first, &out, HF_ASK_EXPORT_NEXT, &next).outcome, HF_WRONG_STATE);
    hf_dispatch_abandon(&world.dispatch, &first);
    assert_int_equal(ask(&world, &second, &out, HF_ASK_EXPORT_NEXT, &next).outcome, HF_OK);
    hf_dispatch_abandon(&world.dispatch, &second);
    hf_world_release(&world);
    hf_buffer_release(&out);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_of_one_lsn),
        cmocka_unit_test(rows_of_every_section),
        cmocka_unit_test(one_reading_at_a_time),
        cmocka_unit_test(a_resting_owner_gives_way),
        cmocka_unit_test(the_connection_owns_it),
        cmocka_unit_test(too_much_has_changed),
        cmocka_unit_test(malformed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
