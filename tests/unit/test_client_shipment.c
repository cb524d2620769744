/*
 * test_client_shipment.c - transfers, inbound shipments, shortages and exports of libholdfast
 * against a scripted server; and what the library refuses to send.
 *
 * Method: as test_client_read.c. Figures of an answer are all different.
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

/* Begin and end an answer of one item; entries are put in between. */
struct answer {
    size_t place, item;
};

static struct answer begin(struct hf_fake *f)
{
    struct answer answer = {.place = hf_fake_begin(f)};
    answer.item = hf_reply_begin(&f->out);
    return answer;
}

static void end(struct hf_fake *f, struct answer answer, const struct hf_frame *frame,
                struct hf_reply reply)
{
    reply.line_index = UINT32_MAX;
    hf_reply_end(&f->out, answer.item, &reply);
    hf_fake_end(f, answer.place, frame);
    hf_fake_send(f);
}

/* ------------------------------------------------------------------ one shipment */

static const struct hf_shipment_view transfer_head = {.id = {"T-1", 3},
                                                      .order = {"move-7", 6},
                                                      .from = {"BERLIN", 6},
                                                      .to = {"ROME", 4},
                                                      .state = HF_STATE_IN_TRANSIT,
                                                      .opened_us = 31,
                                                      .opened_lsn = 32,
                                                      .lines_count = 2,
                                                      .open_units = 33};
static const struct hf_shipment_view inbound_head = {.id = {"PO-1", 4},
                                                     .to = {"ROME", 4},
                                                     .state = HF_STATE_RECEIVED,
                                                     .is_sellable = true,
                                                     .eta_us = 41,
                                                     .opened_us = 42,
                                                     .opened_lsn = 43,
                                                     .lines_count = 0,
                                                     .open_units = 44};
static const struct hf_shipment_line_view shipment_lines[] = {
    {{"A", 1}, 11, 12, 13, 14, 15, 16, 17},
    {{"B", 1}, 21, 22, 23, 24, 25, 26, 27},
};

static void check_transfer_head(const struct holdfast_shipment *shipment, uint64_t lsn)
{
    assert_string_equal(shipment->id, "T-1");
    assert_string_equal(shipment->order, "move-7");
    assert_string_equal(shipment->from, "BERLIN");
    assert_string_equal(shipment->to, "ROME");
    assert_int_equal(shipment->state, HOLDFAST_IN_TRANSIT);
    assert_false(shipment->is_sellable);
    assert_int_equal(shipment->eta_us, 0);
    assert_int_equal(shipment->opened_us, 31);
    assert_int_equal(shipment->opened_lsn, 32);
    assert_int_equal(shipment->open_units, 33);
    assert_int_equal(shipment->lsn, lsn);
    assert_int_equal(shipment->lines_count, 2);
}

static void check_line(const struct holdfast_shipment_line *line, const char *sku, int64_t base)
{
    assert_string_equal(line->sku, sku);
    assert_int_equal(line->units, base + 1);
    assert_int_equal(line->unshipped, base + 2);
    assert_int_equal(line->under_way, base + 3);
    assert_int_equal(line->received, base + 4);
    assert_int_equal(line->damaged, base + 5);
    assert_int_equal(line->cancelled, base + 6);
    assert_int_equal(line->lost, base + 7);
}

static void script_shipments(struct hf_fake *f)
{
    struct hf_frame frame;
    struct hf_request request;
    struct hf_op_line line;

    hf_fake_accept(f, NULL);
    hf_fake_read_question(f, HF_ASK_TRANSFER, &frame, &request, &line, 1);
    hf_fake_check(f, is(request.op.id, "T-1"), "another transfer");
    struct answer answer = begin(f);
    hf_shipment_put(&f->out, &transfer_head);
    hf_shipment_line_put(&f->out, &shipment_lines[0]);
    hf_shipment_line_put(&f->out, &shipment_lines[1]);
    end(f, answer, &frame,
        (struct hf_reply){.state = HF_STATE_IN_TRANSIT, .lsn = 8, .entries_count = 3});

    hf_fake_read_question(f, HF_ASK_INBOUND, &frame, &request, &line, 1);
    hf_fake_check(f, is(request.op.id, "PO-1"), "another shipment");
    answer = begin(f);
    hf_shipment_put(&f->out, &inbound_head);
    end(f, answer, &frame, (struct hf_reply){.lsn = 9, .entries_count = 1});

    hf_fake_read_question(f, HF_ASK_INBOUND, &frame, &request, &line, 1);
    answer = begin(f);
    end(f, answer, &frame, (struct hf_reply){.outcome = HF_UNKNOWN_INBOUND, .lsn = 9});

    hf_fake_read_question(f, HF_ASK_TRANSFER, &frame, &request, &line, 1);
    answer = begin(f); /* a line less than the head says */
    hf_shipment_put(&f->out, &transfer_head);
    hf_shipment_line_put(&f->out, &shipment_lines[0]);
    end(f, answer, &frame, (struct hf_reply){.lsn = 9, .entries_count = 2});
    hf_fake_expect_end(f);
}

static void one_shipment(void **state)
{
    struct holdfast_shipment shipment;
    (void)state;

    hf_fake_start(&fake, script_shipments);
    struct holdfast *hf = hf_call_connect(&fake, (struct holdfast_options){0});
    assert_int_equal(holdfast_get_transfer(hf, "T-1", &shipment), HOLDFAST_OK);
    check_transfer_head(&shipment, 8);
    check_line(&shipment.lines[0], "A", 10);
    check_line(&shipment.lines[1], "B", 20);

    assert_int_equal(holdfast_get_inbound(hf, "PO-1", &shipment), HOLDFAST_OK);
    assert_string_equal(shipment.id, "PO-1");
    assert_string_equal(shipment.order, "");
    assert_string_equal(shipment.from, "");
    assert_int_equal(shipment.state, HOLDFAST_RECEIVED);
    assert_true(shipment.is_sellable);
    assert_int_equal(shipment.eta_us, 41);
    assert_int_equal(shipment.lines_count, 0);

    assert_int_equal(holdfast_get_inbound(hf, "PO-2", &shipment), HOLDFAST_UNKNOWN_INBOUND);
    assert_non_null(strstr(holdfast_error(hf), "inbound"));
    assert_int_equal(holdfast_get_transfer(hf, "T-1", &shipment), HOLDFAST_UNKNOWN);
    holdfast_close(hf);
    hf_fake_stop(&fake);
}

/* ------------------------------------------------------------------ lists */

static void script_lists(struct hf_fake *f)
{
    struct hf_frame frame;
    struct hf_request request;
    struct hf_op_line line;

    hf_fake_accept(f, NULL);
    hf_fake_read_question(f, HF_ASK_TRANSFERS, &frame, &request, &line, 1);
    hf_fake_check(f, request.only_open && !request.only_late, "open ones");
    hf_fake_check(f, request.op.lines_count == 1 && is(line.location, "ROME"), "location");
    struct answer answer = begin(f);
    hf_shipment_put(&f->out, &transfer_head);
    end(f, answer, &frame, (struct hf_reply){.lsn = 5, .argument = 70, .entries_count = 1});
    hf_fake_read_question(f, HF_ASK_TRANSFERS, &frame, &request, &line, 1);
    hf_fake_check(f, request.cursor == 70 && request.only_open, "page 2");
    answer = begin(f);
    hf_shipment_put(&f->out, &transfer_head);
    end(f, answer, &frame, (struct hf_reply){.lsn = 5, .entries_count = 1});

    hf_fake_read_question(f, HF_ASK_INBOUND_SHIPMENTS, &frame, &request, &line, 1);
    hf_fake_check(f, request.only_late && !request.only_open, "late ones");
    hf_fake_check(f, request.op.lines_count == 0, "of all locations");
    answer = begin(f);
    end(f, answer, &frame, (struct hf_reply){.lsn = 5});
    hf_fake_expect_end(f);
}

static bool see_transfer(void *arg, const struct holdfast_shipment *summary)
{
    int *count = arg;
    check_transfer_head(summary, 5);
    assert_null(summary->lines);
    *count += 1;
    return true;
}

static void lists_of_shipments(void **state)
{
    const struct holdfast_shipments_query open = {.location = "ROME", .only_open = true};
    const struct holdfast_shipments_query late = {.only_late = true};
    int count = 0;
    (void)state;

    hf_fake_start(&fake, script_lists);
    struct holdfast *hf = hf_call_connect(&fake, (struct holdfast_options){0});
    assert_int_equal(holdfast_list_transfers(hf, &open, see_transfer, &count), HOLDFAST_OK);
    assert_int_equal(count, 2);
    assert_int_equal(holdfast_list_inbound(hf, &late, see_transfer, &count), HOLDFAST_OK);
    assert_int_equal(count, 2);
    holdfast_close(hf);
    hf_fake_stop(&fake);
}

/* ------------------------------------------------------------------ shortages */

static void script_shortages(struct hf_fake *f)
{
    const struct hf_cell_view cells[] = {
        {.sku = {"A", 1}, .location = {"L", 1}, .held = 7, .shortage = 7, .ats = -7},
        {.sku = {"B", 1}, .location = {"L", 1}, .shortage = 1},
    };
    struct hf_hit hits[HF_HITS_MAX];
    char ids[HF_HITS_MAX][16];
    struct hf_frame frame;
    struct hf_request request;
    struct hf_op_line line;

    for (uint32_t i = 0; i < HF_HITS_MAX; i++) {
        (void)snprintf(ids[i], sizeof ids[i], "cart-%u", i);
        hits[i] = (struct hf_hit){hf_text_of(ids[i]), 100 + (int64_t)i};
    }
    hf_fake_accept(f, NULL);
    hf_fake_read_question(f, HF_ASK_SHORTAGES, &frame, &request, &line, 1);
    struct answer answer = begin(f);
    hf_shortage_put(&f->out, &cells[0], hits, HF_HITS_MAX);
    hf_shortage_put(&f->out, &cells[1], NULL, 0);
    end(f, answer, &frame, (struct hf_reply){.lsn = 6, .argument = 3, .entries_count = 2});
    hf_fake_read_question(f, HF_ASK_SHORTAGES, &frame, &request, &line, 1);
    hf_fake_check(f, request.cursor == 3, "page 2");
    answer = begin(f);
    end(f, answer, &frame, (struct hf_reply){.lsn = 6});

    /* more hits than there may be */
    hf_fake_read_question(f, HF_ASK_SHORTAGES, &frame, &request, &line, 1);
    answer = begin(f);
    const size_t at = hf_buffer_count(&f->out);
    hf_shortage_put(&f->out, &cells[0], hits, HF_HITS_MAX);
    hf_buffer_front(&f->out)[at + 4] = HF_HITS_MAX + 1;
    end(f, answer, &frame, (struct hf_reply){.lsn = 6, .entries_count = 1});
    hf_fake_expect_end(f);
}

static bool see_shortage(void *arg, const struct holdfast_cell *cell,
                         const struct holdfast_hit *hits, size_t hits_count)
{
    int *count = arg;
    if (*count == 0) {
        assert_string_equal(cell->sku, "A");
        assert_int_equal(cell->shortage, 7);
        assert_int_equal(cell->lsn, 6);
        assert_int_equal(hits_count, HF_HITS_MAX);
        assert_string_equal(hits[0].reservation, "cart-0");
        assert_string_equal(hits[63].reservation, "cart-63");
        assert_int_equal(hits[63].units, 163);
    } else {
        assert_string_equal(cell->sku, "B");
        assert_int_equal(hits_count, 0);
    }
    *count += 1;
    return true;
}

static void shortages_with_hits(void **state)
{
    int count = 0;
    (void)state;

    hf_fake_start(&fake, script_shortages);
    struct holdfast *hf = hf_call_connect(&fake, (struct holdfast_options){0});
    assert_int_equal(holdfast_get_shortages(hf, see_shortage, &count), HOLDFAST_OK);
    assert_int_equal(count, 2);
    assert_int_equal(holdfast_get_shortages(hf, see_shortage, &count), HOLDFAST_UNKNOWN);
    assert_int_equal(count, 2);
    holdfast_close(hf);
    hf_fake_stop(&fake);
}

/* ------------------------------------------------------------------ export */

/* The begin of an export of `section`, which stands at LSN 77 of epoch 3. */
static void answer_export(struct hf_fake *f, unsigned section)
{
    struct hf_frame frame;
    struct hf_request request;
    struct hf_op_line line;

    hf_fake_read_question(f, HF_ASK_EXPORT, &frame, &request, &line, 1);
    hf_fake_check(f, request.cursor == section, "another section");
    const struct answer answer = begin(f);
    end(f, answer, &frame, (struct hf_reply){.lsn = section == 0 ? 99 : 77, .argument = 3});
}

static void answer_rows(struct hf_fake *f, const struct hf_frozen_row *row, uint32_t count,
                        uint64_t has_more)
{
    struct hf_frame frame;
    struct hf_request request;
    struct hf_op_line line;

    hf_fake_read_question(f, HF_ASK_EXPORT_NEXT, &frame, &request, &line, 1);
    hf_fake_check(f, request.limit > 0, "no limit");
    const struct answer answer = begin(f);
    for (uint32_t i = 0; i < count; i++) {
        hf_row_put(&f->out, row);
    }
    end(f, answer, &frame,
        (struct hf_reply){.lsn = 77, .argument = has_more, .entries_count = count});
}

static void answer_end(struct hf_fake *f, enum hf_err outcome, uint64_t lsn)
{
    struct hf_frame frame;
    struct hf_request request;
    struct hf_op_line line;

    hf_fake_read_question(f, HF_ASK_EXPORT_NEXT, &frame, &request, &line, 1);
    const struct answer answer = begin(f);
    end(f, answer, &frame, (struct hf_reply){.outcome = outcome, .lsn = lsn});
}

static void script_export(struct hf_fake *f)
{
    const struct hf_frozen_row cell = {
        .section = HF_FROZEN_CELLS,
        .cell = {.sku = {"A", 1}, .location = {"L", 1}, .on_hand = 5, .quarantined = 6}};
    const struct hf_frozen_row reservation = {
        .section = HF_FROZEN_RESERVATIONS,
        .reservation = {.id = {"cart-1", 6},
                        .order = {"o", 1},
                        .state = HF_STATE_HELD,
                        .expires_at_us = 1,
                        .opened_lsn = 2,
                        .opened_us = 3,
                        .lines_count = 4},
        .reserved = {.sku = {"A", 1}, .location = {"L", 1}, 5, 6, 7}};
    const struct hf_frozen_row transfer = {
        .section = HF_FROZEN_TRANSFERS, .shipment = transfer_head, .shipped = shipment_lines[0]};
    const struct hf_frozen_row inbound = {
        .section = HF_FROZEN_INBOUND, .shipment = inbound_head, .shipped = shipment_lines[1]};
    struct hf_frame frame;
    struct hf_request request;
    struct hf_op_line line;

    hf_fake_accept(f, NULL);
    answer_export(f, HF_FROZEN_CELLS); /* three pages, the second without rows */
    answer_rows(f, &cell, 2, 1);
    answer_rows(f, &cell, 0, 1);
    answer_rows(f, &cell, 1, 0);
    answer_export(f, HF_FROZEN_RESERVATIONS);
    answer_rows(f, &reservation, 1, 0);
    answer_export(f, HF_FROZEN_TRANSFERS);
    answer_rows(f, &transfer, 1, 0);
    answer_export(f, HF_FROZEN_INBOUND); /* the caller stops: the server is told */
    answer_rows(f, &inbound, 2, 1);
    answer_export(f, 0);
    answer_export(f, HF_FROZEN_CELLS); /* too much has changed */
    answer_rows(f, &cell, 1, 1);
    answer_end(f, HF_LIMIT_EXCEEDED, 77);
    answer_export(f, HF_FROZEN_CELLS); /* the reading is not ours any more */
    answer_end(f, HF_WRONG_STATE, 78);
    answer_export(f, HF_FROZEN_CELLS); /* rows of another LSN would not fit those before */
    answer_end(f, HF_OK, 78);
    hf_fake_read_question(f, HF_ASK_EXPORT, &frame, &request, &line, 1);
    const struct answer answer = begin(f);
    end(f, answer, &frame, (struct hf_reply){.outcome = HF_BUSY, .lsn = 77});
    hf_fake_expect_end(f);
}

struct rows_seen {
    struct holdfast *hf;
    enum holdfast_section section;
    int count;
    int stop_at;
};

static bool see_row(void *arg, const struct holdfast_row *row)
{
    struct rows_seen *seen = arg;

    assert_true((row->cell != NULL) == (seen->section == HOLDFAST_CELLS));
    assert_true((row->reservation != NULL) == (seen->section == HOLDFAST_RESERVATIONS));
    assert_true((row->reserved != NULL) == (seen->section == HOLDFAST_RESERVATIONS));
    assert_true((row->shipment != NULL) == (seen->section >= HOLDFAST_TRANSFERS));
    assert_true((row->shipped != NULL) == (seen->section >= HOLDFAST_TRANSFERS));
    if (seen->section == HOLDFAST_CELLS) {
        assert_string_equal(row->cell->sku, "A");
        assert_int_equal(row->cell->on_hand, 5);
        assert_int_equal(row->cell->quarantined, 6);
        assert_int_equal(row->cell->lsn, 77);
    } else if (seen->section == HOLDFAST_RESERVATIONS) {
        assert_string_equal(row->reservation->id, "cart-1");
        assert_string_equal(row->reservation->order, "o");
        assert_int_equal(row->reservation->state, HOLDFAST_HELD);
        assert_int_equal(row->reservation->expires_at_us, 1);
        assert_int_equal(row->reservation->opened_lsn, 2);
        assert_int_equal(row->reservation->opened_us, 3);
        assert_int_equal(row->reservation->lines_count, 4);
        assert_null(row->reservation->lines);
        assert_string_equal(row->reserved->sku, "A");
        assert_string_equal(row->reserved->location, "L");
        assert_int_equal(row->reserved->units, 5);
        assert_int_equal(row->reserved->fulfilled, 6);
        assert_int_equal(row->reserved->released, 7);
    } else if (seen->section == HOLDFAST_TRANSFERS) {
        check_transfer_head(row->shipment, 77);
        check_line(row->shipped, "A", 10);
    } else {
        assert_string_equal(row->shipment->id, "PO-1");
        check_line(row->shipped, "B", 20);
    }
    /* The rows lie in the handle: another call is refused instead of spoiling them. */
    assert_int_equal(holdfast_ping(seen->hf), HOLDFAST_INVALID_ARGUMENT);
    seen->count += 1;
    return seen->count != seen->stop_at;
}

static void exports(void **state)
{
    struct holdfast_token at = {0};
    (void)state;

    hf_fake_start(&fake, script_export);
    struct holdfast *hf = hf_call_connect(&fake, (struct holdfast_options){0});
    struct rows_seen seen = {.hf = hf, .section = HOLDFAST_CELLS};
    assert_int_equal(holdfast_export(hf, HOLDFAST_CELLS, &at, see_row, &seen), HOLDFAST_OK);
    assert_int_equal(seen.count, 3);
    assert_int_equal(at.lsn, 77);
    assert_int_equal(at.epoch, 3);
    seen = (struct rows_seen){.hf = hf, .section = HOLDFAST_RESERVATIONS};
    assert_int_equal(holdfast_export(hf, HOLDFAST_RESERVATIONS, &at, see_row, &seen), HOLDFAST_OK);
    assert_int_equal(seen.count, 1);
    seen = (struct rows_seen){.hf = hf, .section = HOLDFAST_TRANSFERS};
    assert_int_equal(holdfast_export(hf, HOLDFAST_TRANSFERS, &at, see_row, &seen), HOLDFAST_OK);
    assert_int_equal(seen.count, 1);
    seen = (struct rows_seen){.hf = hf, .section = HOLDFAST_INBOUND, .stop_at = 1};
    assert_int_equal(holdfast_export(hf, HOLDFAST_INBOUND, &at, see_row, &seen), HOLDFAST_OK);
    assert_int_equal(seen.count, 1);

    seen = (struct rows_seen){.hf = hf, .section = HOLDFAST_CELLS};
    assert_int_equal(holdfast_export(hf, HOLDFAST_CELLS, &at, see_row, &seen),
                     HOLDFAST_LIMIT_EXCEEDED);
    assert_int_equal(seen.count, 1);
    assert_int_equal(holdfast_export(hf, HOLDFAST_CELLS, &at, see_row, &seen), HOLDFAST_UNKNOWN);
    assert_int_equal(holdfast_export(hf, HOLDFAST_CELLS, &at, see_row, &seen), HOLDFAST_UNKNOWN);
    assert_int_equal(holdfast_export(hf, HOLDFAST_CELLS, &at, see_row, &seen), HOLDFAST_BUSY);
    assert_int_equal(seen.count, 1);
    assert_int_equal(holdfast_export(hf, (enum holdfast_section)5, &at, see_row, &seen),
                     HOLDFAST_INVALID_ARGUMENT);
    holdfast_close(hf);
    hf_fake_stop(&fake);
}

/* ------------------------------------------------------------------ writes */

static void script_writes(struct hf_fake *f)
{
    struct hf_frame frame;
    struct hf_request request;
    struct hf_op_line lines[2];

    hf_fake_accept(f, NULL);
    hf_fake_read_question(f, HF_KIND_TRANSFER_CREATE, &frame, &request, lines, 2);
    hf_fake_check(f, is(request.op.from, "BERLIN") && is(request.op.to, "ROME"), "places");
    hf_fake_check(f, request.op.flags == HF_OP_SHIP && is(lines[0].sku, "A"), "ship");
    hf_fake_check(f, lines[0].location.bytes_count == 0 && lines[0].units == 3, "line");
    hf_fake_answer(f, &frame, 1);
    hf_fake_read_question(f, HF_KIND_TRANSFER_RECEIVE, &frame, &request, lines, 2);
    hf_fake_check(f, request.op.flags == (HF_OP_DAMAGED | HF_OP_REST), "damaged, rest");
    hf_fake_check(f, lines[0].units == 0 && lines[0].damaged == 2, "damaged units");
    hf_fake_answer(f, &frame, 2);
    hf_fake_read_question(f, HF_KIND_INBOUND_CREATE, &frame, &request, lines, 2);
    hf_fake_check(f, request.op.eta_us == 5555 && request.op.flags == HF_OP_SELLABLE, "eta");
    hf_fake_answer(f, &frame, 3);
    hf_fake_read_question(f, HF_KIND_SET, &frame, &request, lines, 2);
    hf_fake_check(f, request.op.as_of == 4711 && request.op.flags == HF_OP_AS_OF_LSN, "as_of");
    const struct answer answer = begin(f);
    end(f, answer, &frame, (struct hf_reply){.is_unchanged = true, .lsn = 4});
    hf_fake_read_question(f, HF_KIND_MOVE_STATUS, &frame, &request, lines, 2);
    hf_fake_check(f, request.op.from_status == HF_STATUS_QUARANTINED, "from_status");
    hf_fake_check(f, request.op.to_status == HF_STATUS_SELLABLE, "to_status");
    hf_fake_answer(f, &frame, 5);
    hf_fake_expect_end(f);
}

static void writes_of_version_2(void **state)
{
    const struct holdfast_line line = {.sku = "A", .units = 3};
    const struct holdfast_line damaged = {.sku = "A", .damaged = 2};
    const struct holdfast_line cell = {.sku = "A", .location = "L", .units = 3};
    const struct holdfast_op ops[] = {
        {.kind = HOLDFAST_TRANSFER_CREATE,
         .flags = HOLDFAST_SHIP,
         .id = "T-1",
         .from = "BERLIN",
         .to = "ROME",
         .lines = &line,
         .lines_count = 1},
        {.kind = HOLDFAST_TRANSFER_RECEIVE,
         .flags = HOLDFAST_WITH_DAMAGED | HOLDFAST_REST,
         .id = "T-1",
         .lines = &damaged,
         .lines_count = 1},
        {.kind = HOLDFAST_INBOUND_CREATE,
         .flags = HOLDFAST_MAY_SELL,
         .id = "PO-1",
         .to = "ROME",
         .eta_us = 5555,
         .lines = &line,
         .lines_count = 1},
        {.kind = HOLDFAST_SET,
         .flags = HOLDFAST_AS_OF_LSN,
         .as_of = 4711,
         .lines = &cell,
         .lines_count = 1},
        {.kind = HOLDFAST_MOVE_STATUS,
         .from_status = HOLDFAST_QUARANTINED,
         .to_status = HOLDFAST_SELLABLE,
         .lines = &cell,
         .lines_count = 1},
    };
    (void)state;

    hf_fake_start(&fake, script_writes);
    struct holdfast *hf = hf_call_connect(&fake, (struct holdfast_options){0});
    for (size_t i = 0; i < sizeof ops / sizeof ops[0]; i++) {
        struct holdfast_reply reply;
        assert_int_equal(holdfast_execute(hf, &ops[i], 1, &reply), HOLDFAST_OK);
        assert_int_equal(reply.lsn, i + 1);
        assert_true(reply.is_unchanged == (ops[i].kind == HOLDFAST_SET));
    }
    holdfast_close(hf);
    hf_fake_stop(&fake);
}

static void script_nothing_comes(struct hf_fake *f)
{
    hf_fake_accept(f, NULL);
    hf_fake_expect_end(f);
}

/* An item has one number: what its kind does not read would be lost, so nothing is sent. */
static void fields_without_a_place(void **state)
{
    static const struct {
        struct holdfast_op op;
        const char *field;
    } rows[] = {
        {{.kind = HOLDFAST_SET, .ttl_us = 1}, "ttl"},
        {{.kind = HOLDFAST_INBOUND_CREATE, .ttl_us = 1}, "ttl"},
        {{.kind = HOLDFAST_RESERVE, .as_of = 1}, "as_of"},
        {{.kind = HOLDFAST_INBOUND_CREATE, .as_of = 1}, "as_of"},
        {{.kind = HOLDFAST_SET, .eta_us = 1}, "eta"},
        {{.kind = HOLDFAST_TRANSFER_CREATE, .eta_us = -1}, "eta"},
        {{.kind = HOLDFAST_ADJUST, .reason = (enum holdfast_reason)256}, "reason"},
        {{.kind = HOLDFAST_DISPOSE, .from_status = (enum holdfast_status)256}, "status"},
        {{.kind = HOLDFAST_RECEIVE, .to_status = (enum holdfast_status)256}, "status"},
        {{.kind = HOLDFAST_EXPIRE}, "operation"},
        {{.kind = (enum holdfast_kind)26}, "operation"},
        {{.kind = HOLDFAST_LOW_STOCK}, "operation"},
    };
    (void)state;

    hf_fake_start(&fake, script_nothing_comes);
    struct holdfast *hf = hf_call_connect(&fake, (struct holdfast_options){0});
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct holdfast_reply reply;
        assert_int_equal(holdfast_execute(hf, &rows[i].op, 1, &reply), HOLDFAST_INVALID_ARGUMENT);
        assert_string_equal(reply.field, rows[i].field);
    }
    holdfast_close(hf);
    hf_fake_stop(&fake);
}

static void names(void **state)
{
    (void)state;
    assert_string_equal(holdfast_status_name(HOLDFAST_QUARANTINED), "quarantined");
    assert_string_equal(holdfast_status_name((enum holdfast_status)4), "unrecognized");
    assert_int_equal(holdfast_status_of("none"), HOLDFAST_STATUS_NONE);
    assert_int_equal(holdfast_status_of("sellable"), HOLDFAST_SELLABLE);
    assert_int_equal(holdfast_status_of("quarantined"), HOLDFAST_QUARANTINED);
    assert_int_equal(holdfast_status_of("broken"), -1);
    assert_int_equal(holdfast_status_of("unrecognized"), -1);
    assert_int_equal(holdfast_kind_of("receive"), HOLDFAST_RECEIVE);
    assert_int_equal(holdfast_kind_of("inbound_cancel"), HOLDFAST_INBOUND_CANCEL);
    assert_int_equal(holdfast_kind_of("low_stock"), HOLDFAST_LOW_STOCK);
    assert_int_equal(holdfast_kind_of("shortage"), HOLDFAST_SHORTAGE);
    assert_int_equal(holdfast_kind_of("unrecognized"), -1);
    assert_int_equal(holdfast_kind_of(""), -1);
    assert_int_equal(holdfast_reason_of("quality"), HOLDFAST_QUALITY);
    assert_string_equal(holdfast_state_name(HOLDFAST_CLOSED), "closed");
    assert_string_equal(holdfast_outcome_name(HOLDFAST_GONE), "gone");
    assert_string_equal(holdfast_kind_name(HOLDFAST_SHORTAGE), "shortage");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_shipment),
        cmocka_unit_test(lists_of_shipments),
        cmocka_unit_test(shortages_with_hits),
        cmocka_unit_test(exports),
        cmocka_unit_test(writes_of_version_2),
        cmocka_unit_test(fields_without_a_place),
        cmocka_unit_test(names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
