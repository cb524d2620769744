/*
 * test_client_read.c - questions and administration of libholdfast against a scripted server.
 *
 * Method: the script looks at what was asked and answers with figures that are all different, so
 * that a field taken for another shows. Paged answers come in several frames.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "net/client.h"
#include "tests/lib/client_calls.h"
#include "tests/lib/fake_server.h"

static struct hf_fake fake;

static bool is(struct hf_text text, const char *want)
{
    return hf_text_equal(text, hf_text_of(want));
}

/* ------------------------------------------------------------------ cells */

static struct hf_cell_view view_of(const char *sku, const char *location, int64_t base)
{
    return (struct hf_cell_view){
        .sku = hf_text_of(sku),
        .location = hf_text_of(location),
        .on_hand = base + 1,
        .held = base + 2,
        .committed = base + 3,
        .in_transit = base + 4,
        .damaged = base + 11,
        .quarantined = base + 12,
        .safety_stock = base + 5,
        .low_stock = base + 6,
        .backorder_limit = base + 7,
        .atf = -base - 8,
        .ats = base + 9,
        .shortage = base + 13,
        .last_sale_us = (uint64_t)base + 14,
        .version = (uint64_t)base + 10,
    };
}

static void script_stock(struct hf_fake *f)
{
    struct hf_frame frame;
    struct hf_request request;
    struct hf_op_line line;
    const struct hf_cell_view view = view_of("PHONE", "BERLIN", 100);

    hf_fake_accept(f, NULL);
    hf_fake_read_question(f, HF_ASK_STOCK, &frame, &request, &line, 1);
    hf_fake_check(f, is(line.sku, "PHONE") && is(line.location, "BERLIN"), "another cell");
    const size_t place = hf_fake_begin(f);
    const size_t item = hf_reply_begin(&f->out);
    hf_cell_put(&f->out, &view);
    hf_reply_end(&f->out, item,
                 &(struct hf_reply){.lsn = 42, .entries_count = 1, .line_index = UINT32_MAX});
    hf_fake_end(f, place, &frame);
    hf_fake_send(f);

    hf_fake_read_question(f, HF_ASK_STOCK, &frame, &request, &line, 1);
    const size_t refusal = hf_fake_begin(f);
    hf_reply_put_plain(
        &f->out,
        &(struct hf_reply){.outcome = HF_INVALID_ARGUMENT, .field = HF_FIELD_SKU, .line_index = 0});
    hf_fake_end(f, refusal, &frame);
    hf_fake_send(f);
    hf_fake_expect_end(f);
}

static void stock_is_one_cell(void **state)
{
    struct holdfast_cell cell;
    (void)state;

    hf_fake_start(&fake, script_stock);
    struct holdfast *hf = hf_call_connect(&fake, (struct holdfast_options){0});
    assert_int_equal(holdfast_get_stock(hf, "PHONE", "BERLIN", &cell), HOLDFAST_OK);
    assert_string_equal(cell.sku, "PHONE");
    assert_string_equal(cell.location, "BERLIN");
    assert_int_equal(cell.on_hand, 101);
    assert_int_equal(cell.held, 102);
    assert_int_equal(cell.committed, 103);
    assert_int_equal(cell.in_transit, 104);
    assert_int_equal(cell.damaged, 111);
    assert_int_equal(cell.quarantined, 112);
    assert_int_equal(cell.shortage, 113);
    assert_int_equal(cell.last_sale_us, 114);
    assert_int_equal(cell.safety_stock, 105);
    assert_int_equal(cell.low_stock, 106);
    assert_int_equal(cell.backorder_limit, 107);
    assert_int_equal(cell.atf, -108);
    assert_int_equal(cell.ats, 109);
    assert_int_equal(cell.version, 110);
    assert_int_equal(cell.lsn, 42);
    assert_int_equal(holdfast_get_stock(hf, "PH\nONE", "BERLIN", &cell), HOLDFAST_INVALID_ARGUMENT);
    assert_non_null(strstr(holdfast_error(hf), "sku"));
    holdfast_close(hf);
    hf_fake_stop(&fake);
}

static void put_cells(struct hf_fake *f, const struct hf_frame *frame, int first, int count,
                      uint64_t next)
{
    const size_t place = hf_fake_begin(f);
    const size_t item = hf_reply_begin(&f->out);
    for (int i = 0; i < count; i++) {
        char sku[16];
        (void)snprintf(sku, sizeof sku, "SKU-%d", first + i);
        const struct hf_cell_view view = view_of(sku, "L", 0);
        hf_cell_put(&f->out, &view);
    }
    hf_reply_end(&f->out, item,
                 &(struct hf_reply){.lsn = 9,
                                    .argument = next,
                                    .entries_count = (uint32_t)count,
                                    .line_index = UINT32_MAX});
    hf_fake_end(f, place, frame);
    hf_fake_send(f);
}

static void script_list(struct hf_fake *f)
{
    struct hf_frame frame;
    struct hf_request request;
    struct hf_op_line line;

    hf_fake_accept(f, NULL);
    hf_fake_read_question(f, HF_ASK_LIST, &frame, &request, &line, 1);
    hf_fake_check(f, is(request.op.id, "SK") && is(line.location, "L"), "another filter");
    hf_fake_check(f, request.only_low && request.cursor == 0 && request.limit > 0, "page 1");
    put_cells(f, &frame, 0, 3, 50);
    hf_fake_read_question(f, HF_ASK_LIST, &frame, &request, &line, 1);
    hf_fake_check(f, request.cursor == 50 && request.only_low, "page 2");
    put_cells(f, &frame, 3, 0, 60); /* a page without entries is not the end */
    hf_fake_read_question(f, HF_ASK_LIST, &frame, &request, &line, 1);
    hf_fake_check(f, request.cursor == 60, "page 3");
    put_cells(f, &frame, 3, 2, 0);

    /* without filters; the caller stops after the first entry */
    hf_fake_read_question(f, HF_ASK_LIST, &frame, &request, &line, 1);
    hf_fake_check(f, request.op.lines_count == 0 && request.op.id.bytes_count == 0, "a filter");
    hf_fake_check(f, !request.only_low, "low without being asked");
    put_cells(f, &frame, 0, 3, 50);

    /* a cursor that does not move would ask for ever */
    hf_fake_read_question(f, HF_ASK_LIST, &frame, &request, &line, 1);
    put_cells(f, &frame, 0, 1, 70);
    hf_fake_read_question(f, HF_ASK_LIST, &frame, &request, &line, 1);
    put_cells(f, &frame, 0, 1, 70);

    /* slow movers, of all locations */
    hf_fake_read_question(f, HF_ASK_LIST, &frame, &request, &line, 1);
    hf_fake_check(f, request.op.lines_count == 1 && line.units == 1000000, "not idle");
    hf_fake_check(f, line.location.bytes_count == 0 && line.sku.bytes_count == 0, "a cell");
    put_cells(f, &frame, 0, 1, 0);
    hf_fake_expect_end(f);
}

struct seen {
    struct holdfast *hf;
    int count;
    int stop_at; /* 0: never */
};

static bool see_cell(void *arg, const struct holdfast_cell *cell)
{
    struct seen *seen = arg;
    char want[16];
    (void)snprintf(want, sizeof want, "SKU-%d", seen->count);
    if (seen->stop_at != -1) {
        assert_string_equal(cell->sku, want);
    }
    assert_int_equal(cell->lsn, 9);
    /* The entries lie in the handle: another call is refused instead of spoiling them. */
    assert_int_equal(holdfast_ping(seen->hf), HOLDFAST_INVALID_ARGUMENT);
    seen->count += 1;
    return seen->count != seen->stop_at;
}

static void list_follows_the_cursor(void **state)
{
    (void)state;
    hf_fake_start(&fake, script_list);
    struct holdfast *hf = hf_call_connect(&fake, (struct holdfast_options){0});
    struct seen all = {.hf = hf};
    struct seen one = {.hf = hf, .stop_at = 1};
    struct seen stuck = {.hf = hf, .stop_at = -1};
    struct seen idle = {.hf = hf};
    const struct holdfast_list_query low = {.location = "L", .sku_prefix = "SK", .only_low = true};
    const struct holdfast_list_query none = {0};
    struct holdfast_list_query slow = {.idle_us = HOLDFAST_SECOND_US};
    assert_int_equal(holdfast_list(hf, &low, see_cell, &all), HOLDFAST_OK);
    assert_int_equal(all.count, 5);
    assert_int_equal(holdfast_list(hf, &none, see_cell, &one), HOLDFAST_OK);
    assert_int_equal(one.count, 1);
    assert_int_equal(holdfast_list(hf, &none, see_cell, &stuck), HOLDFAST_UNKNOWN);
    assert_int_equal(holdfast_list(hf, &slow, see_cell, &idle), HOLDFAST_OK);
    assert_int_equal(idle.count, 1);
    slow.idle_us = UINT64_MAX;
    assert_int_equal(holdfast_list(hf, &slow, see_cell, &idle), HOLDFAST_INVALID_ARGUMENT);
    holdfast_close(hf);
    hf_fake_stop(&fake);
}

/* ------------------------------------------------------------------ ats and handles */

static void script_ats(struct hf_fake *f)
{
    static struct hf_op_line lines[HF_LINES_MAX];
    struct hf_frame frame;
    struct hf_request request;
    uint32_t done = 0;

    hf_fake_accept(f, NULL);
    for (int i = 0; i < 2; i++) { /* 4,096 and 1 */
        hf_fake_read_question(f, HF_ASK_ATS, &frame, &request, lines, HF_LINES_MAX);
        hf_fake_check(f, is(request.op.id, "north"), "another region");
        const size_t place = hf_fake_begin(f);
        const size_t item = hf_reply_begin(&f->out);
        for (uint32_t k = 0; k < request.op.lines_count; k++, done++) {
            const struct hf_ats_entry entry = {
                .outcome = done == 7 ? HF_UNKNOWN_SKU : HF_OK,
                .figures = {.ats = done, .atf = -(int64_t)done},
            };
            hf_ats_put(&f->out, &entry);
        }
        hf_reply_end(
            &f->out, item,
            &(struct hf_reply){.entries_count = request.op.lines_count, .line_index = UINT32_MAX});
        hf_fake_end(f, place, &frame);
        hf_fake_send(f);
    }
    hf_fake_check(f, done == HF_LINES_MAX + 1, "not one entry a SKU");

    hf_fake_read_question(f, HF_ASK_LOOKUP, &frame, &request, lines, HF_LINES_MAX);
    hf_fake_check(f, request.op.lines_count == 2, "two pairs");
    hf_fake_check(f, is(lines[0].sku, "A") && lines[0].location.bytes_count == 0, "SKU only");
    hf_fake_check(f, is(lines[1].location, "L") && lines[1].sku.bytes_count == 0, "location only");
    const size_t place = hf_fake_begin(f);
    const size_t item = hf_reply_begin(&f->out);
    hf_handle_pair_put(&f->out, &(struct hf_handle_pair){.sku = 5, .location = HF_HANDLE_NONE});
    hf_handle_pair_put(&f->out, &(struct hf_handle_pair){.sku = HF_HANDLE_NONE, .location = 6});
    hf_reply_end(&f->out, item, &(struct hf_reply){.entries_count = 2, .line_index = UINT32_MAX});
    hf_fake_end(f, place, &frame);
    hf_fake_send(f);

    hf_fake_read_question(f, HF_ASK_ATS, &frame, &request, lines, HF_LINES_MAX);
    hf_fake_check(f, frame.handle_tag == 77, "handles without their tag");
    hf_fake_check(f, lines[0].sku_handle == 5 && lines[0].location_handle == 6, "other handles");
    const size_t stale = hf_fake_begin(f);
    hf_reply_put_plain(&f->out,
                       &(struct hf_reply){.outcome = HF_STALE_HANDLE, .line_index = UINT32_MAX});
    hf_fake_end(f, stale, &frame);
    hf_fake_send(f);
    hf_fake_expect_end(f);
}

static void ats_of_many_and_handles(void **state)
{
    static const char *skus[HOLDFAST_LINES_MAX + 1];
    static struct holdfast_ats ats[HOLDFAST_LINES_MAX + 1];
    static const char *const lookup_skus[] = {"A", NULL};
    static const char *const lookup_locations[] = {NULL, "L"};
    uint32_t sku_handles[2];
    uint32_t location_handles[2];
    (void)state;

    for (size_t i = 0; i <= HOLDFAST_LINES_MAX; i++) {
        skus[i] = "A";
    }
    hf_fake_start(&fake, script_ats);
    struct holdfast *hf = hf_call_connect(&fake, (struct holdfast_options){0});
    assert_int_equal(holdfast_get_ats(hf, skus, HOLDFAST_LINES_MAX + 1, NULL, "north", ats),
                     HOLDFAST_OK);
    assert_int_equal(ats[0].outcome, HOLDFAST_OK);
    assert_int_equal(ats[7].outcome, HOLDFAST_UNKNOWN_SKU);
    assert_int_equal(ats[HOLDFAST_LINES_MAX].ats, HOLDFAST_LINES_MAX);
    assert_int_equal(ats[HOLDFAST_LINES_MAX].atf, -HOLDFAST_LINES_MAX);

    assert_int_equal(
        holdfast_lookup(hf, lookup_skus, lookup_locations, 2, sku_handles, location_handles),
        HOLDFAST_OK);
    assert_int_equal(sku_handles[0], 5);
    assert_int_equal(sku_handles[1], HOLDFAST_HANDLE_NONE);
    assert_int_equal(location_handles[0], HOLDFAST_HANDLE_NONE);
    assert_int_equal(location_handles[1], 6);
    assert_int_equal(holdfast_get_ats_handles(hf, sku_handles, 1, 6, ats), HOLDFAST_STALE_HANDLE);
    holdfast_close(hf);
    hf_fake_stop(&fake);
}

static void script_other_server(struct hf_fake *f)
{
    struct hf_welcome other = hf_fake_welcome();
    struct hf_frame frame;

    hf_fake_accept(f, NULL);
    hf_fake_hang_up(f);
    other.handle_tag = 88;
    hf_fake_accept(f, &other);
    if (hf_fake_read(f, &frame)) {
        hf_fake_check(f, frame.handle_tag == 77, "old handles under the tag of another server");
        hf_fake_answer(f, &frame, 1);
    }
    hf_fake_expect_end(f);
}

/* Handles of one server must not be taken for those of the one that answers after it. */
static void handles_keep_the_tag_they_were_given_with(void **state)
{
    const struct holdfast_line line = {.sku_handle = 1, .location_handle = 2, .units = 1};
    const struct holdfast_op op = {
        .kind = HOLDFAST_SELL, .flags = HOLDFAST_HANDLES, .lines = &line, .lines_count = 1};
    struct holdfast_reply reply;
    (void)state;

    hf_fake_start(&fake, script_other_server);
    struct holdfast *hf =
        hf_call_connect(&fake, (struct holdfast_options){.reconnect_max_ms = 10000});
    while (holdfast_process(hf) == HOLDFAST_OK) {
        (void)holdfast_wait(hf, 10000); /* until the end of the first connection is seen */
    }
    assert_int_equal(holdfast_execute(hf, &op, 1, &reply), HOLDFAST_OK);
    holdfast_close(hf);
    hf_fake_stop(&fake);
}

/* ------------------------------------------------------------------ reservations */

static void script_reservation(struct hf_fake *f)
{
    struct hf_frame frame;
    struct hf_request request;
    struct hf_op_line line;
    const struct hf_reservation_view head = {
        .id = hf_text_of("cart-1"), .order = hf_text_of("web-1"), .opened_lsn = 3, .opened_us = 4};
    const struct hf_reservation_line_view lines[] = {
        {hf_text_of("A"), hf_text_of("L"), 5, 1, 2},
        {hf_text_of("B"), hf_text_of("M"), 6, 0, 0},
    };

    hf_fake_accept(f, NULL);
    hf_fake_read_question(f, HF_ASK_RESERVATION, &frame, &request, &line, 1);
    hf_fake_check(f, is(request.op.id, "cart-1"), "another reservation");
    const size_t place = hf_fake_begin(f);
    const size_t item = hf_reply_begin(&f->out);
    hf_reservation_put(&f->out, &head);
    hf_reservation_line_put(&f->out, &lines[0]);
    hf_reservation_line_put(&f->out, &lines[1]);
    hf_reply_end(&f->out, item,
                 &(struct hf_reply){.state = HF_STATE_CONFIRMED,
                                    .lsn = 8,
                                    .argument = 7,
                                    .entries_count = 3,
                                    .line_index = UINT32_MAX});
    hf_fake_end(f, place, &frame);
    hf_fake_send(f);

    for (uint64_t page = 0; page < 2; page++) {
        hf_fake_read_question(f, HF_ASK_ORDER, &frame, &request, &line, 1);
        hf_fake_check(f, is(request.op.order, "web-1") && request.cursor == page * 11, "page");
        const size_t order_place = hf_fake_begin(f);
        const size_t order_item = hf_reply_begin(&f->out);
        const struct hf_reservation_view summary = {.id =
                                                        hf_text_of(page == 0 ? "cart-2" : "cart-1"),
                                                    .state = HF_STATE_HELD,
                                                    .expires_at_us = 12,
                                                    .opened_lsn = 13,
                                                    .lines_count = 14};
        hf_summary_put(&f->out, &summary);
        hf_reply_end(&f->out, order_item,
                     &(struct hf_reply){.argument = page == 0 ? 11 : 0,
                                        .entries_count = 1,
                                        .line_index = UINT32_MAX});
        hf_fake_end(f, order_place, &frame);
        hf_fake_send(f);
    }
    hf_fake_expect_end(f);
}

static bool see_summary(void *arg, const struct holdfast_reservation *summary)
{
    int *count = arg;
    assert_string_equal(summary->id, *count == 0 ? "cart-2" : "cart-1");
    assert_string_equal(summary->order, "web-1");
    assert_int_equal(summary->state, HOLDFAST_HELD);
    assert_int_equal(summary->expires_at_us, 12);
    assert_int_equal(summary->opened_lsn, 13);
    assert_int_equal(summary->lines_count, 14);
    assert_null(summary->lines);
    *count += 1;
    return true;
}

static void reservations_alone_and_of_an_order(void **state)
{
    struct holdfast_reservation reservation;
    int count = 0;
    (void)state;

    hf_fake_start(&fake, script_reservation);
    struct holdfast *hf = hf_call_connect(&fake, (struct holdfast_options){0});
    assert_int_equal(holdfast_get_reservation(hf, "cart-1", &reservation), HOLDFAST_OK);
    assert_string_equal(reservation.id, "cart-1");
    assert_string_equal(reservation.order, "web-1");
    assert_int_equal(reservation.state, HOLDFAST_CONFIRMED);
    assert_int_equal(reservation.expires_at_us, 7);
    assert_int_equal(reservation.opened_lsn, 3);
    assert_int_equal(reservation.opened_us, 4);
    assert_int_equal(reservation.lsn, 8);
    assert_int_equal(reservation.lines_count, 2);
    assert_string_equal(reservation.lines[0].sku, "A");
    assert_int_equal(reservation.lines[0].units, 5);
    assert_int_equal(reservation.lines[0].fulfilled, 1);
    assert_int_equal(reservation.lines[0].released, 2);
    assert_string_equal(reservation.lines[1].location, "M");
    assert_int_equal(holdfast_get_order(hf, "web-1", see_summary, &count), HOLDFAST_OK);
    assert_int_equal(count, 2);
    holdfast_close(hf);
    hf_fake_stop(&fake);
}

/* ------------------------------------------------------------------ ledger */

static void put_moves(struct hf_fake *f, const struct hf_frame *frame, uint64_t first_lsn,
                      uint32_t count, uint64_t next)
{
    const size_t place = hf_fake_begin(f);
    const size_t item = hf_reply_begin(&f->out);
    for (uint32_t i = 0; i < count; i++) {
        const struct hf_move move = {
            .lsn = first_lsn - i,
            .ts_us = 5,
            .index = i,
            .kind = HF_KIND_ADJUST,
            .reason = HF_REASON_COUNT,
            .sku = hf_text_of("A"),
            .location = hf_text_of("L"),
            .ref = hf_text_of("r"),
            .by = hf_text_of("anna"),
            .delta = {1, 2, 3, 4, 5, 6},
            .after = {11, 12, 13, 14, 15, 16},
        };
        hf_move_entry_put(&f->out, &move);
    }
    hf_reply_end(
        &f->out, item,
        &(struct hf_reply){.argument = next, .entries_count = count, .line_index = UINT32_MAX});
    hf_fake_end(f, place, frame);
    hf_fake_send(f);
}

static void script_ledger(struct hf_fake *f)
{
    struct hf_frame frame;
    struct hf_request request;
    struct hf_op_line line;

    hf_fake_accept(f, NULL);
    hf_fake_read_question(f, HF_ASK_LEDGER, &frame, &request, &line, 1);
    hf_fake_check(f, is(line.sku, "A") && is(line.location, "L"), "another cell");
    hf_fake_check(f, request.limit == 3 && request.cursor == 0, "page 1");
    put_moves(f, &frame, 100, 2, 98);
    hf_fake_read_question(f, HF_ASK_LEDGER, &frame, &request, &line, 1);
    hf_fake_check(f, request.limit == 1 && request.cursor == 98, "page 2");
    put_moves(f, &frame, 98, 2, 96); /* whole operations are given: one more than asked for */

    hf_fake_read_question(f, HF_ASK_LEDGER, &frame, &request, &line, 1);
    hf_fake_check(f, is(request.op.ref, "r") && request.op.lines_count == 0, "by reference");
    put_moves(f, &frame, 5, 1, 0);
    hf_fake_read_question(f, HF_ASK_LEDGER, &frame, &request, &line, 1);
    hf_fake_check(f, is(request.op.order, "o") && request.op.ref.bytes_count == 0, "by order");
    put_moves(f, &frame, 5, 0, 0);
    hf_fake_expect_end(f);
}

static bool see_move(void *arg, const struct holdfast_move *move)
{
    int *count = arg;
    assert_int_equal(move->ts_us, 5);
    assert_int_equal(move->kind, HOLDFAST_ADJUST);
    assert_int_equal(move->reason, HOLDFAST_COUNT);
    assert_string_equal(move->sku, "A");
    assert_string_equal(move->location, "L");
    assert_string_equal(move->ref, "r");
    assert_string_equal(move->order, "");
    assert_string_equal(move->by, "anna");
    assert_string_equal(move->reservation, "");
    assert_int_equal(move->delta.on_hand, 1);
    assert_int_equal(move->delta.held, 2);
    assert_int_equal(move->delta.committed, 3);
    assert_int_equal(move->delta.in_transit, 4);
    assert_int_equal(move->delta.damaged, 5);
    assert_int_equal(move->delta.quarantined, 6);
    assert_int_equal(move->after.on_hand, 11);
    assert_int_equal(move->after.in_transit, 14);
    assert_int_equal(move->after.damaged, 15);
    assert_int_equal(move->after.quarantined, 16);
    *count += 1;
    return true;
}

static void ledger_stops_at_the_limit(void **state)
{
    struct holdfast_ledger_query query = {.sku = "A", .location = "L", .limit = 3};
    int count = 0;
    (void)state;

    hf_fake_start(&fake, script_ledger);
    struct holdfast *hf = hf_call_connect(&fake, (struct holdfast_options){0});
    assert_int_equal(holdfast_get_ledger(hf, &query, see_move, &count), HOLDFAST_OK);
    assert_int_equal(count, 3);
    query = (struct holdfast_ledger_query){.ref = "r"};
    assert_int_equal(holdfast_get_ledger(hf, &query, see_move, &count), HOLDFAST_OK);
    assert_int_equal(count, 4);
    query = (struct holdfast_ledger_query){.order = "o"};
    assert_int_equal(holdfast_get_ledger(hf, &query, see_move, &count), HOLDFAST_OK);
    assert_int_equal(count, 4);
    holdfast_close(hf);
    hf_fake_stop(&fake);
}

/* ------------------------------------------------------------------ administration */

static void script_admin(struct hf_fake *f)
{
    static const unsigned operations[] = {HF_ASK_PING,  HF_ASK_STATS,    HF_ASK_DIGEST,
                                          HF_ASK_AUDIT, HF_ASK_SNAPSHOT, HF_ASK_SNAPSHOT};
    struct hf_frame frame;

    hf_fake_accept(f, NULL);
    for (size_t i = 0; i < sizeof operations / sizeof operations[0]; i++) {
        struct hf_reply reply = {.lsn = 5, .line_index = UINT32_MAX};
        if (!hf_fake_read(f, &frame)) {
            hf_fake_check(f, false, "a question did not come");
            return;
        }
        hf_fake_check(f, frame.operation == operations[i], "another question");
        hf_fake_check(f, frame.body_bytes == 0 && frame.count == 1, "a body where none belongs");
        const size_t place = hf_fake_begin(f);
        const size_t item = hf_reply_begin(&f->out);
        if (operations[i] == HF_ASK_STATS) {
            hf_stat_put(&f->out, &(struct hf_stat){hf_text_of("lsn"), 5});
            hf_stat_put(&f->out, &(struct hf_stat){hf_text_of("cells"), UINT64_MAX});
            reply.entries_count = 2;
        } else if (operations[i] == HF_ASK_DIGEST) {
            hf_digest_put(&f->out, &(struct hf_digest){.low = 1, .high = 0xABCDEF});
            reply.entries_count = 1;
        } else if (operations[i] == HF_ASK_AUDIT) {
            hf_audit_report_put(&f->out,
                                &(struct hf_audit_report){6, 7, 9, 8, hf_text_of("cell A@L")});
            reply.entries_count = 1;
        } else if (i == 5) {
            reply.outcome = HF_BUSY;
        }
        hf_reply_end(&f->out, item, &reply);
        hf_fake_end(f, place, &frame);
        hf_fake_send(f);
    }
    hf_fake_expect_end(f);
}

static bool see_stat(void *arg, const char *name, uint64_t value)
{
    int *count = arg;
    assert_string_equal(name, *count == 0 ? "lsn" : "cells");
    assert_true(value == (*count == 0 ? 5 : UINT64_MAX));
    *count += 1;
    return true;
}

static void administration(void **state)
{
    struct holdfast_audit audit;
    uint64_t lsn = 0;
    char hex[33];
    int count = 0;
    (void)state;

    hf_fake_start(&fake, script_admin);
    struct holdfast *hf = hf_call_connect(&fake, (struct holdfast_options){0});
    assert_int_equal(holdfast_ping(hf), HOLDFAST_OK);
    assert_int_equal(holdfast_get_stats(hf, see_stat, &count), HOLDFAST_OK);
    assert_int_equal(count, 2);
    assert_int_equal(holdfast_digest(hf, &lsn, hex), HOLDFAST_OK);
    assert_string_equal(hex, "0000000000abcdef0000000000000001");
    assert_int_equal(lsn, 5);
    assert_int_equal(holdfast_audit(hf, &audit), HOLDFAST_OK);
    assert_int_equal(audit.lsn, 5);
    assert_int_equal(audit.cells, 6);
    assert_int_equal(audit.reservations, 7);
    assert_int_equal(audit.shipments, 9);
    assert_int_equal(audit.violations, 8);
    assert_string_equal(audit.first_violation, "cell A@L");
    lsn = 0;
    assert_int_equal(holdfast_snapshot(hf, &lsn), HOLDFAST_OK);
    assert_int_equal(lsn, 5);
    assert_int_equal(holdfast_snapshot(hf, &lsn), HOLDFAST_BUSY);
    holdfast_close(hf);
    hf_fake_stop(&fake);
}

/* A backup that is told of twice and is whole; one that is refused; one that nobody answers. */
static void script_backup(struct hf_fake *f)
{
    const struct {
        unsigned operation;
        struct hf_reply reply;
        struct hf_backup_view view;
    } steps[] = {
        {HF_ASK_BACKUP, {.line_index = UINT32_MAX}, {false, 5, 100, hf_text_of("")}},
        {HF_ASK_BACKUP_NEXT, {.line_index = UINT32_MAX}, {false, 60, 120, hf_text_of("")}},
        {HF_ASK_BACKUP_NEXT,
         {.lsn = 77, .line_index = UINT32_MAX},
         {true, 90, 90, hf_text_of("/backups/monday")}},
        {HF_ASK_BACKUP,
         {.outcome = HF_BUSY, .line_index = UINT32_MAX},
         {true, 0, 0, hf_text_of("another backup is being made")}},
    };

    struct hf_frame frame;

    hf_fake_accept(f, NULL);
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        struct hf_reply reply = steps[i].reply;
        struct hf_text path = {0};
        if (!hf_fake_read(f, &frame)) {
            hf_fake_check(f, false, "a question did not come");
            return;
        }
        hf_fake_check(f, frame.operation == steps[i].operation, "another question");
        hf_fake_check(f,
                      frame.operation == HF_ASK_BACKUP_NEXT
                          ? frame.body_bytes == 0
                          : hf_backup_read(hf_items_of(frame.body, frame.body_bytes), &path) ==
                                    HF_OK &&
                                path.bytes_count == strlen("monday"),
                      "another name");
        const size_t place = hf_fake_begin(f);
        const size_t item = hf_reply_begin(&f->out);
        hf_backup_view_put(&f->out, &steps[i].view);
        reply.entries_count = 1;
        hf_reply_end(&f->out, item, &reply);
        hf_fake_end(f, place, &frame);
        hf_fake_send(f);
    }
    hf_fake_check(f, hf_fake_read(f, &frame), "the last question did not come");
    hf_fake_hang_up(f);
}

static void see_backup(void *arg, const struct holdfast_backup *backup)
{
    int *count = arg;
    assert_int_equal(backup->bytes_done, *count == 0 ? 5 : 60);
    assert_int_equal(backup->bytes_total, *count == 0 ? 100 : 120);
    assert_int_equal(backup->lsn, 0);
    *count += 1;
}

static void backups(void **state)
{
    struct holdfast_backup backup = {0};
    char name[300];
    int count = 0;
    (void)state;

    hf_fake_start(&fake, script_backup);
    struct holdfast *hf = hf_call_connect(&fake, (struct holdfast_options){0});
    memset(name, 'x', sizeof name);
    name[256] = '\0';
    assert_int_equal(holdfast_backup(hf, name, NULL, NULL, &backup), HOLDFAST_INVALID_ARGUMENT);
    assert_int_equal(holdfast_backup(hf, "", NULL, NULL, &backup), HOLDFAST_INVALID_ARGUMENT);
    assert_int_equal(holdfast_backup(hf, "monday", see_backup, &count, &backup), HOLDFAST_OK);
    assert_int_equal(count, 2);
    assert_int_equal(backup.lsn, 77);
    assert_int_equal(backup.bytes_done, 90);
    assert_string_equal(backup.path, "/backups/monday");
    assert_int_equal(holdfast_backup(hf, "monday", NULL, NULL, &backup), HOLDFAST_BUSY);
    assert_string_equal(holdfast_error(hf), "another backup is being made");
    assert_int_equal(holdfast_backup(hf, "monday", NULL, NULL, &backup), HOLDFAST_UNKNOWN);
    holdfast_close(hf);
    hf_fake_stop(&fake);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stock_is_one_cell),
        cmocka_unit_test(list_follows_the_cursor),
        cmocka_unit_test(ats_of_many_and_handles),
        cmocka_unit_test(handles_keep_the_tag_they_were_given_with),
        cmocka_unit_test(reservations_alone_and_of_an_order),
        cmocka_unit_test(ledger_stops_at_the_limit),
        cmocka_unit_test(administration),
        cmocka_unit_test(backups),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
