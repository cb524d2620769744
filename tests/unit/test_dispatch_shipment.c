/*
 * test_dispatch_shipment.c - questions about transfers, inbound shipments, shortages and slow
 * movers, asked of a real engine through a connection.
 *
 * Method: stock is brought into a known state by frames of writes; each question is then asked with
 * page sizes on both sides of what there is, and every entry must come once, in its order.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "tests/lib/wire_world.h"

#define PHONE                                                                                      \
    {                                                                                              \
        "PHONE", 5                                                                                 \
    }
#define BERLIN                                                                                     \
    {                                                                                              \
        "BERLIN", 6                                                                                \
    }
#define ROME                                                                                       \
    {                                                                                              \
        "ROME", 4                                                                                  \
    }
#define SHIPMENTS_COUNT 7

static const struct hf_op_line berlin_stock[] = {
    {.sku = PHONE, .location = BERLIN, .units = 100},
    {.sku = {"SHOE", 4}, .location = BERLIN, .units = 100},
};
static const struct hf_op_line rome_stock[] = {{.sku = PHONE, .location = ROME, .units = 1}};
static const struct hf_op_line phones[] = {{.sku = PHONE, .units = 4}};
static const struct hf_op_line two_lines[] = {{.sku = PHONE, .units = 4},
                                              {.sku = {"SHOE", 4}, .units = 3}};
static const struct hf_op_line at_rome = {.location = ROME};
static const struct hf_op_line at_berlin = {.location = BERLIN};

/* One operation or question and its only reply, which is durable. */
static struct hf_reply ask(struct hf_world *world, unsigned operation,
                           const struct hf_request *request)
{
    (void)hf_world_send(world, operation, request, 1);
    hf_world_sync(world);
    return hf_world_reply(world);
}

static struct hf_reply write_op(struct hf_world *world, struct hf_op op)
{
    const struct hf_request request = {.op = op};
    return ask(world, (unsigned)op.kind, &request);
}

static void start(struct hf_world *world)
{
    hf_world_init(world, 0);
    hf_world_hello(world);
    const struct hf_op receive[] = {
        {.kind = HF_KIND_RECEIVE, .lines = berlin_stock, .lines_count = 2},
        {.kind = HF_KIND_RECEIVE, .lines = rome_stock, .lines_count = 1},
    };
    assert_int_equal(write_op(world, receive[0]).outcome, HF_OK);
    assert_int_equal(write_op(world, receive[1]).outcome, HF_OK);
}

/* ------------------------------------------------------------------ one shipment */

static void transfer_as_it_goes(void **state)
{
    const struct hf_request question = {.op = {.id = {"T-1", 3}}};
    const struct hf_op_line arrived = {.sku = PHONE, .units = 2, .damaged = 1};
    struct hf_world world;
    struct hf_shipment_view head;
    struct hf_shipment_line_view line;
    (void)state;

    start(&world);
    struct hf_reply reply = write_op(&world, (struct hf_op){.kind = HF_KIND_TRANSFER_CREATE,
                                                            .id = {"T-1", 3},
                                                            .order = {"move-7", 6},
                                                            .from = BERLIN,
                                                            .to = ROME,
                                                            .lines = two_lines,
                                                            .lines_count = 2});
    assert_int_equal(reply.outcome, HF_OK);
    assert_int_equal(reply.state, HF_STATE_DRAFT);
    reply = write_op(&world, (struct hf_op){.kind = HF_KIND_TRANSFER_SHIP, .id = {"T-1", 3}});
    assert_int_equal(reply.outcome, HF_OK);
    assert_int_equal(reply.state, HF_STATE_IN_TRANSIT);
    reply = write_op(&world, (struct hf_op){.kind = HF_KIND_TRANSFER_RECEIVE,
                                            .flags = HF_OP_DAMAGED,
                                            .id = {"T-1", 3},
                                            .lines = &arrived,
                                            .lines_count = 1});
    assert_int_equal(reply.outcome, HF_OK);

    reply = ask(&world, HF_ASK_TRANSFER, &question);
    assert_int_equal(reply.outcome, HF_OK);
    assert_int_equal(reply.state, HF_STATE_IN_TRANSIT);
    assert_int_equal(reply.entries_count, 3);
    assert_int_equal(hf_shipment_next(&reply.entries, &head), HF_OK);
    assert_true(hf_text_equal(head.id, hf_text_of("T-1")));
    assert_true(hf_text_equal(head.order, hf_text_of("move-7")));
    assert_true(hf_text_equal(head.from, hf_text_of("BERLIN")));
    assert_true(hf_text_equal(head.to, hf_text_of("ROME")));
    assert_int_equal(head.lines_count, 2);
    assert_int_equal(head.open_units, 4); /* one phone and three shoes */
    assert_int_equal(head.opened_lsn, 3);
    assert_int_equal(hf_shipment_line_next(&reply.entries, &line), HF_OK);
    assert_true(hf_text_equal(line.sku, hf_text_of("PHONE")));
    assert_int_equal(line.units, 4);
    assert_int_equal(line.under_way, 1);
    assert_int_equal(line.received, 2);
    assert_int_equal(line.damaged, 1);
    assert_int_equal(hf_shipment_line_next(&reply.entries, &line), HF_OK);
    assert_int_equal(line.under_way, 3);
    assert_ptr_equal(reply.entries.at, reply.entries.end);

    /* It is no inbound shipment, and the other way round. */
    assert_int_equal(ask(&world, HF_ASK_INBOUND, &question).outcome, HF_UNKNOWN_INBOUND);
    hf_world_release(&world);
}

static void inbound_with_its_eta(void **state)
{
    const struct hf_request question = {.op = {.id = {"PO-1", 4}}};
    struct hf_world world;
    struct hf_shipment_view head;
    (void)state;

    start(&world);
    struct hf_reply reply = write_op(&world, (struct hf_op){.kind = HF_KIND_INBOUND_CREATE,
                                                            .flags = HF_OP_SELLABLE,
                                                            .id = {"PO-1", 4},
                                                            .to = BERLIN,
                                                            .eta_us = HF_WORLD_TIME_US + 5,
                                                            .lines = phones,
                                                            .lines_count = 1});
    assert_int_equal(reply.outcome, HF_OK);
    assert_int_equal(reply.state, HF_STATE_IN_TRANSIT);
    reply = ask(&world, HF_ASK_INBOUND, &question);
    assert_int_equal(reply.outcome, HF_OK);
    assert_int_equal(hf_shipment_next(&reply.entries, &head), HF_OK);
    assert_int_equal(head.from.bytes_count, 0);
    assert_true(head.is_sellable);
    assert_int_equal(head.eta_us, HF_WORLD_TIME_US + 5);
    assert_int_equal(head.open_units, 4);
    assert_int_equal(ask(&world, HF_ASK_TRANSFER, &question).outcome, HF_UNKNOWN_TRANSFER);
    hf_world_release(&world);
}

/* ------------------------------------------------------------------ lists of shipments */

/* Ids of all shipments that a question gives, in pages of `limit`, one letter each. */
static void collect(struct hf_world *world, unsigned operation, struct hf_request request,
                    uint32_t limit, char ids[SHIPMENTS_COUNT + 2])
{
    size_t count = 0;
    request.limit = limit;
    do {
        struct hf_reply reply = ask(world, operation, &request);
        assert_int_equal(reply.outcome, HF_OK);
        assert_true(reply.entries_count <= limit);
        for (uint32_t i = 0; i < reply.entries_count; i++) {
            struct hf_shipment_view head;
            assert_int_equal(hf_shipment_next(&reply.entries, &head), HF_OK);
            assert_int_equal(head.id.bytes_count, 1);
            assert_true(count <= SHIPMENTS_COUNT);
            ids[count++] = head.id.bytes[0];
        }
        request.cursor = reply.argument;
    } while (request.cursor != 0);
    ids[count] = '\0';
}

static void transfers_in_pages(void **state)
{
    struct hf_world world;
    (void)state;

    start(&world);
    for (uint32_t i = 0; i < SHIPMENTS_COUNT; i++) {
        const char id = (char)('a' + i);
        const bool is_back = i % 3 == 2; /* c, f: from Rome to Berlin */
        assert_int_equal(
            write_op(&world,
                     (struct hf_op){.kind = HF_KIND_TRANSFER_CREATE,
                                    .id = {&id, 1},
                                    .from = is_back ? (struct hf_text)ROME : (struct hf_text)BERLIN,
                                    .to = is_back ? (struct hf_text)BERLIN : (struct hf_text)ROME,
                                    .lines = phones,
                                    .lines_count = 1})
                .outcome,
            HF_OK);
    }
    assert_int_equal(
        write_op(&world, (struct hf_op){.kind = HF_KIND_TRANSFER_CANCEL, .id = {"b", 1}}).outcome,
        HF_OK);
    for (uint32_t limit = 1; limit <= SHIPMENTS_COUNT + 1; limit++) {
        char ids[SHIPMENTS_COUNT + 2];
        collect(&world, HF_ASK_TRANSFERS, (struct hf_request){0}, limit, ids);
        assert_string_equal(ids, "abcdefg");
        collect(&world, HF_ASK_TRANSFERS, (struct hf_request){.only_open = true}, limit, ids);
        assert_string_equal(ids, "acdefg");
        collect(&world, HF_ASK_TRANSFERS,
                (struct hf_request){.op = {.lines = &at_rome, .lines_count = 1}}, limit, ids);
        assert_string_equal(ids, "abcdefg"); /* all leave it or go there */
        collect(&world, HF_ASK_INBOUND_SHIPMENTS, (struct hf_request){0}, limit, ids);
        assert_string_equal(ids, "");
    }
    hf_world_release(&world);
}

static void inbound_in_pages(void **state)
{
    struct hf_world world;
    char ids[SHIPMENTS_COUNT + 2];
    (void)state;

    start(&world);
    for (uint32_t i = 0; i < SHIPMENTS_COUNT; i++) {
        const char id = (char)('a' + i);
        assert_int_equal(
            write_op(&world, (struct hf_op){.kind = HF_KIND_INBOUND_CREATE,
                                            .id = {&id, 1},
                                            .to = i % 2 == 0 ? (struct hf_text)BERLIN
                                                             : (struct hf_text)ROME,
                                            .eta_us = i == 0 ? 0 : HF_WORLD_TIME_US + 1000 * i,
                                            .lines = phones,
                                            .lines_count = 1})
                .outcome,
            HF_OK);
    }
    const struct hf_op receive = {.kind = HF_KIND_INBOUND_RECEIVE, .id = {"c", 1}};
    assert_int_equal(write_op(&world, receive).outcome, HF_OK);
    /* d is expected at + 3000: at that moment it is not late yet */
    for (uint32_t limit = 1; limit <= SHIPMENTS_COUNT + 1; limit++) {
        world.now_us = HF_WORLD_TIME_US + 3000;
        collect(&world, HF_ASK_INBOUND_SHIPMENTS, (struct hf_request){.only_late = true}, limit,
                ids);
        assert_string_equal(ids, "b");
        world.now_us++;
        collect(&world, HF_ASK_INBOUND_SHIPMENTS, (struct hf_request){.only_late = true}, limit,
                ids);
        assert_string_equal(ids, "bd");
        collect(&world, HF_ASK_INBOUND_SHIPMENTS,
                (struct hf_request){.op = {.lines = &at_berlin, .lines_count = 1}}, limit, ids);
        assert_string_equal(ids, "aceg");
        collect(
            &world, HF_ASK_INBOUND_SHIPMENTS,
            (struct hf_request){.op = {.lines = &at_berlin, .lines_count = 1}, .only_open = true},
            limit, ids);
        assert_string_equal(ids, "aeg");
        world.now_us = HF_WORLD_TIME_US + 3000; /* the engine's time does not go back */
    }
    hf_world_release(&world);
}

/* By handle, and a handle that is not given: of all. */
static void filters_by_handle(void **state)
{
    struct hf_world world;
    char ids[SHIPMENTS_COUNT + 2];
    (void)state;

    start(&world);
    assert_int_equal(write_op(&world, (struct hf_op){.kind = HF_KIND_INBOUND_CREATE,
                                                     .id = {"a", 1},
                                                     .to = ROME,
                                                     .lines = phones,
                                                     .lines_count = 1})
                         .outcome,
                     HF_OK);
    struct hf_op_line line = {.sku_handle = HF_HANDLE_NONE};
    struct hf_request request = {.op = {.flags = HF_OP_HANDLES, .lines = &line, .lines_count = 1}};
    line.location_handle = hf_engine_location(world.engine, hf_text_of("ROME"));
    collect(&world, HF_ASK_INBOUND_SHIPMENTS, request, 5, ids);
    assert_string_equal(ids, "a");
    line.location_handle = hf_engine_location(world.engine, hf_text_of("BERLIN"));
    collect(&world, HF_ASK_INBOUND_SHIPMENTS, request, 5, ids);
    assert_string_equal(ids, "");
    line.location_handle = HF_HANDLE_NONE;
    collect(&world, HF_ASK_INBOUND_SHIPMENTS, request, 5, ids);
    assert_string_equal(ids, "a");
    line.sku_handle = 0;
    request.limit = 0;
    assert_int_equal(ask(&world, HF_ASK_INBOUND_SHIPMENTS, &request).field, HF_FIELD_SKU);
    hf_world_release(&world);
}

/* ------------------------------------------------------------------ shortages */

/* Ten cells, of which five lose the stock that was promised, and one page after the other. */
static void shortages_in_pages(void **state)
{
    static char skus[10][8];
    static char carts[10][8];
    struct hf_world world;
    (void)state;

    start(&world);
    for (uint32_t i = 0; i < 10; i++) {
        (void)snprintf(skus[i], sizeof skus[i], "SKU-%u", i);
        (void)snprintf(carts[i], sizeof carts[i], "cart-%u", i);
        struct hf_op_line line = {.sku = hf_text_of(skus[i]), .location = BERLIN, .units = 5};
        assert_int_equal(
            write_op(&world,
                     (struct hf_op){.kind = HF_KIND_RECEIVE, .lines = &line, .lines_count = 1})
                .outcome,
            HF_OK);
        assert_int_equal(write_op(&world, (struct hf_op){.kind = HF_KIND_RESERVE,
                                                         .id = hf_text_of(carts[i]),
                                                         .lines = &line,
                                                         .lines_count = 1})
                             .outcome,
                         HF_OK);
        line.units = -3;
        if (i % 2 == 0) {
            assert_int_equal(write_op(&world, (struct hf_op){.kind = HF_KIND_ADJUST,
                                                             .reason = HF_REASON_DAMAGE,
                                                             .lines = &line,
                                                             .lines_count = 1})
                                 .outcome,
                             HF_OK);
        }
    }
    for (uint32_t limit = 1; limit <= 6; limit++) {
        struct hf_request request = {.limit = limit};
        uint32_t given = 0;
        do {
            struct hf_reply reply = ask(&world, HF_ASK_SHORTAGES, &request);
            assert_int_equal(reply.outcome, HF_OK);
            assert_true(reply.entries_count <= limit);
            for (uint32_t i = 0; i < reply.entries_count; i++, given += 2) {
                struct hf_cell_view cell;
                struct hf_items hits;
                struct hf_hit hit;
                uint32_t hits_count;
                assert_int_equal(hf_shortage_next(&reply.entries, &cell, &hits, &hits_count),
                                 HF_OK);
                assert_true(hf_text_equal(cell.sku, hf_text_of(skus[given])));
                assert_int_equal(cell.shortage, 3);
                assert_int_equal(cell.ats, -3);
                assert_int_equal(hits_count, 1);
                assert_int_equal(hf_hit_next(&hits, &hit), HF_OK);
                assert_true(hf_text_equal(hit.reservation, hf_text_of(carts[given])));
                assert_int_equal(hit.units, 5);
            }
            request.cursor = reply.argument;
        } while (request.cursor != 0);
        assert_int_equal(given, 10);
    }
    hf_world_release(&world);
}

/* ------------------------------------------------------------------ slow movers */

static uint32_t idle_cells(struct hf_world *world, int64_t idle_us)
{
    const struct hf_op_line line = {.units = idle_us};
    const struct hf_request request = {.op = {.lines = &line, .lines_count = 1}};
    const struct hf_reply reply = ask(world, HF_ASK_LIST, &request);
    assert_int_equal(reply.outcome, HF_OK);
    return reply.entries_count;
}

static void list_of_what_does_not_sell(void **state)
{
    static const struct hf_op_line sold = {.sku = PHONE, .location = BERLIN, .units = 1};
    const struct hf_request stock = {
        .op = {.lines = &(const struct hf_op_line){.sku = PHONE, .location = BERLIN},
               .lines_count = 1}};
    struct hf_world world;
    struct hf_cell_view cell;
    (void)state;

    start(&world); /* three cells with stock */
    world.now_us += 1000;
    assert_int_equal(
        write_op(&world, (struct hf_op){.kind = HF_KIND_SELL, .lines = &sold, .lines_count = 1})
            .outcome,
        HF_OK);
    world.now_us += 500;
    struct hf_reply reply = ask(&world, HF_ASK_STOCK, &stock);
    assert_int_equal(hf_cell_next(&reply.entries, &cell), HF_OK);
    assert_int_equal(cell.last_sale_us, HF_WORLD_TIME_US + 1000);
    assert_int_equal(idle_cells(&world, 0), 3);
    assert_int_equal(idle_cells(&world, 499), 3);
    assert_int_equal(idle_cells(&world, 501), 2);
    assert_int_equal(idle_cells(&world, 1499), 2);
    assert_int_equal(idle_cells(&world, 1501), 0);
    assert_int_equal(idle_cells(&world, INT64_MAX), 0); /* longer than time is */
    hf_world_release(&world);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(transfer_as_it_goes),        cmocka_unit_test(inbound_with_its_eta),
        cmocka_unit_test(transfers_in_pages),         cmocka_unit_test(inbound_in_pages),
        cmocka_unit_test(filters_by_handle),          cmocka_unit_test(shortages_in_pages),
        cmocka_unit_test(list_of_what_does_not_sell),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
