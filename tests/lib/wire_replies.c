#include "tests/lib/wire_samples_inside.h"

#include "engine/assert.h"
#include "net/codec.h"
#include "net/codec_feed.h"

static struct hf_text text(const char *bytes)
{
    return hf_text_of(bytes);
}

/* ------------------------------------------------------------------ replies */

static void end_reply(struct hf_buffer *out, size_t place, unsigned operation, uint32_t count)
{
    const struct hf_frame frame = {.operation = operation,
                                   .flags = HF_FRAME_REPLY,
                                   .count = count,
                                   .correlation = SAMPLE_CORRELATION};
    HF_ASSERT(hf_frame_end(out, place, &frame) == HF_OK);
}

/* done, refused with its lines, malformed */
void hf_put_result_reply(struct hf_buffer *out)
{
    const struct hf_result_line lines[] = {{.line_index = 1,
                                            .outcome = HF_INSUFFICIENT_STOCK,
                                            .requested = 5,
                                            .ats = 2,
                                            .shortfall = 3,
                                            .earliest_expiry_us = SAMPLE_TIME_US}};
    const struct hf_result results[] = {
        {.is_repeated = true,
         .state = HF_STATE_HELD,
         .lsn = 4711,
         .expires_at_us = SAMPLE_TIME_US + 900000000},
        {.outcome = HF_INSUFFICIENT_STOCK, .lsn = 4712, .lines = lines, .lines_count = 1},
        {.outcome = HF_INVALID_ARGUMENT, .lsn = 4712, .field = HF_FIELD_QUANTITY, .line_index = 3},
    };
    const size_t place = hf_frame_begin(out);
    for (size_t i = 0; i < 3; i++) {
        hf_reply_put_result(out, &results[i]);
    }
    end_reply(out, place, HF_KIND_RESERVE, 3);
}

void hf_put_error_reply(struct hf_buffer *out)
{
    hf_reply_put_error(out, 200, SAMPLE_CORRELATION, HF_INVALID_ARGUMENT, HF_FIELD_OPERATION);
}

static const struct hf_reply plain = {.lsn = 4711, .line_index = UINT32_MAX};

void hf_put_stock_reply(struct hf_buffer *out)
{
    const struct hf_cell_view cell = {.sku = text("PHONE-13"),
                                      .location = text("BERLIN"),
                                      .on_hand = 100,
                                      .held = 7,
                                      .committed = 3,
                                      .in_transit = 20,
                                      .damaged = 4,
                                      .quarantined = 6,
                                      .safety_stock = 5,
                                      .low_stock = HF_LOW_STOCK_NONE,
                                      .backorder_limit = 2,
                                      .atf = 85,
                                      .ats = 105,
                                      .shortage = 1,
                                      .last_sale_us = SAMPLE_TIME_US,
                                      .version = 4700};
    struct hf_reply reply = plain;
    const size_t place = hf_frame_begin(out);
    const size_t item = hf_reply_begin(out);
    hf_cell_put(out, &cell);
    reply.entries_count = 1;
    hf_reply_end(out, item, &reply);
    end_reply(out, place, HF_ASK_STOCK, 1);
}

void hf_put_ats_reply(struct hf_buffer *out)
{
    const struct hf_ats_entry known = {.figures = {.ats = -4, .atf = -9}};
    const struct hf_ats_entry unknown = {.outcome = HF_UNKNOWN_SKU};
    struct hf_reply reply = plain;
    const size_t place = hf_frame_begin(out);
    const size_t item = hf_reply_begin(out);
    hf_ats_put(out, &known);
    hf_ats_put(out, &unknown);
    reply.entries_count = 2;
    hf_reply_end(out, item, &reply);
    end_reply(out, place, HF_ASK_ATS, 1);
}

void hf_put_reservation_reply(struct hf_buffer *out)
{
    const struct hf_reservation_view reservation = {.id = text("cart-4711"),
                                                    .order = text("order-4711"),
                                                    .opened_lsn = 4650,
                                                    .opened_us = SAMPLE_TIME_US};
    const struct hf_reservation_line_view line = {.sku = text("PHONE-13"),
                                                  .location = text("BERLIN"),
                                                  .units = 5,
                                                  .fulfilled = 2,
                                                  .released = 1};
    struct hf_reply reply = plain;
    const size_t place = hf_frame_begin(out);
    const size_t item = hf_reply_begin(out);
    hf_reservation_put(out, &reservation);
    hf_reservation_line_put(out, &line);
    reply.state = HF_STATE_CONFIRMED;
    reply.entries_count = 2;
    hf_reply_end(out, item, &reply);
    end_reply(out, place, HF_ASK_RESERVATION, 1);
}

void hf_put_order_reply(struct hf_buffer *out)
{
    const struct hf_reservation_view reservation = {.id = text("cart-4711"),
                                                    .state = HF_STATE_HELD,
                                                    .expires_at_us = SAMPLE_TIME_US,
                                                    .opened_lsn = 4650,
                                                    .lines_count = 2};
    struct hf_reply reply = plain;
    const size_t place = hf_frame_begin(out);
    const size_t item = hf_reply_begin(out);
    hf_summary_put(out, &reservation);
    reply.argument = 13;
    reply.entries_count = 1;
    hf_reply_end(out, item, &reply);
    end_reply(out, place, HF_ASK_ORDER, 1);
}

void hf_put_ledger_reply(struct hf_buffer *out)
{
    const struct hf_move move = {.lsn = 4711,
                                 .ts_us = SAMPLE_TIME_US,
                                 .index = 1,
                                 .kind = HF_KIND_ADJUST,
                                 .reason = HF_REASON_DAMAGE,
                                 .sku = text("PHONE-13"),
                                 .location = text("BERLIN"),
                                 .ref = text("ref-1"),
                                 .order = text("PO-77"),
                                 .by = text("ann"),
                                 .reservation = text("cart-4711"),
                                 .delta = {-3, 0, 1, 0, 3, -1},
                                 .after = {97, 7, 4, 20, 3, 5}};
    struct hf_reply reply = plain;
    const size_t place = hf_frame_begin(out);
    const size_t item = hf_reply_begin(out);
    hf_move_entry_put(out, &move);
    reply.entries_count = 1;
    hf_reply_end(out, item, &reply);
    end_reply(out, place, HF_ASK_LEDGER, 1);
}

void hf_put_lookup_reply(struct hf_buffer *out)
{
    const struct hf_handle_pair known = {7, 3};
    const struct hf_handle_pair unknown = {HF_HANDLE_NONE, 3};
    struct hf_reply reply = plain;
    const size_t place = hf_frame_begin(out);
    const size_t item = hf_reply_begin(out);
    hf_handle_pair_put(out, &known);
    hf_handle_pair_put(out, &unknown);
    reply.entries_count = 2;
    hf_reply_end(out, item, &reply);
    end_reply(out, place, HF_ASK_LOOKUP, 1);
}

void hf_put_hello_reply(struct hf_buffer *out)
{
    struct hf_welcome welcome = {.epoch = 3,
                                 .handle_tag = SAMPLE_TAG,
                                 .frame_bytes_max = 4 * 1024 * 1024,
                                 .operations_max = 8192,
                                 .time_us = SAMPLE_TIME_US,
                                 .version = text("1.2.3")};
    struct hf_reply reply = plain;
    const size_t place = hf_frame_begin(out);
    const size_t item = hf_reply_begin(out);
    for (size_t i = 0; i < sizeof welcome.directory_id; i++) {
        welcome.directory_id[i] = (unsigned char)(0xF0 + i);
    }
    hf_welcome_put(out, &welcome);
    reply.entries_count = 1;
    hf_reply_end(out, item, &reply);
    end_reply(out, place, HF_ASK_HELLO, 1);
}

void hf_put_ping_reply(struct hf_buffer *out)
{
    const size_t place = hf_frame_begin(out);
    hf_reply_put_plain(out, &plain);
    end_reply(out, place, HF_ASK_PING, 1);
}

void hf_put_stats_reply(struct hf_buffer *out)
{
    const struct hf_stat stat = {text("durable_lsn"), 4711};
    struct hf_reply reply = plain;
    const size_t place = hf_frame_begin(out);
    const size_t item = hf_reply_begin(out);
    hf_stat_put(out, &stat);
    reply.entries_count = 1;
    hf_reply_end(out, item, &reply);
    end_reply(out, place, HF_ASK_STATS, 1);
}

void hf_put_digest_reply(struct hf_buffer *out)
{
    const struct hf_digest digest = {UINT64_C(0x0123456789ABCDEF), UINT64_C(0xFEDCBA9876543210)};
    struct hf_reply reply = plain;
    const size_t place = hf_frame_begin(out);
    const size_t item = hf_reply_begin(out);
    hf_digest_put(out, &digest);
    reply.entries_count = 1;
    hf_reply_end(out, item, &reply);
    end_reply(out, place, HF_ASK_DIGEST, 1);
}

void hf_put_audit_reply(struct hf_buffer *out)
{
    const struct hf_audit_report report = {
        .cells_count = 1000,
        .reservations_count = 200,
        .shipments_count = 30,
        .violations_count = 1,
        .first_violation = text("cell PHONE-13@BERLIN: held is 7, its lines say 6")};
    struct hf_reply reply = plain;
    const size_t place = hf_frame_begin(out);
    const size_t item = hf_reply_begin(out);
    hf_audit_report_put(out, &report);
    reply.entries_count = 1;
    hf_reply_end(out, item, &reply);
    end_reply(out, place, HF_ASK_AUDIT, 1);
}

/* A page of a list that goes on: two cells, one of them with nothing but its names. */
void hf_put_list_reply(struct hf_buffer *out)
{
    const struct hf_cell_view cells[] = {
        {.sku = text("PHONE-13"), .location = text("BERLIN"), .on_hand = 3, .low_stock = 5},
        {.sku = text("S"), .location = text("L"), .low_stock = HF_LOW_STOCK_NONE},
    };
    struct hf_reply reply = plain;
    const size_t place = hf_frame_begin(out);
    const size_t item = hf_reply_begin(out);
    hf_cell_put(out, &cells[0]);
    hf_cell_put(out, &cells[1]);
    reply.argument = 2;
    reply.entries_count = 2;
    hf_reply_end(out, item, &reply);
    end_reply(out, place, HF_ASK_LIST, 1);
}

/* A reservation that got part of what it asked for. */
void hf_put_partial_reply(struct hf_buffer *out)
{
    const struct hf_result_line lines[] = {
        {.line_index = 0, .requested = 5, .granted = 2, .ats = 2, .shortfall = 3},
        {.line_index = 1, .requested = 1, .granted = 1, .ats = 9},
    };
    const struct hf_result result = {
        .state = HF_STATE_HELD, .lsn = 4711, .lines = lines, .lines_count = 2};
    const size_t place = hf_frame_begin(out);
    hf_reply_put_result(out, &result);
    end_reply(out, place, HF_KIND_RESERVE, 1);
}

void hf_put_snapshot_reply(struct hf_buffer *out)
{
    const size_t place = hf_frame_begin(out);
    hf_reply_put_plain(out, &plain);
    end_reply(out, place, HF_ASK_SNAPSHOT, 1);
}

static void put_backup_view(struct hf_buffer *out, const struct hf_reply *head,
                            const struct hf_backup_view *view)
{
    struct hf_reply reply = *head;
    const size_t place = hf_frame_begin(out);
    const size_t item = hf_reply_begin(out);
    hf_backup_view_put(out, view);
    reply.entries_count = 1;
    hf_reply_end(out, item, &reply);
    end_reply(out, place, HF_ASK_BACKUP_NEXT, 1);
}

/* A backup that is whole. */
void hf_put_backup_reply(struct hf_buffer *out)
{
    const struct hf_backup_view view = {.is_done = true,
                                        .bytes_done = 123456,
                                        .bytes_total = 123456,
                                        .text = text("/backups/weekly/2026-09")};
    put_backup_view(out, &plain, &view);
}

/* One that could not be made. */
void hf_put_backup_refused_reply(struct hf_buffer *out)
{
    const struct hf_reply head = {.outcome = HF_BUSY, .line_index = UINT32_MAX};
    put_backup_view(
        out, &head,
        &(struct hf_backup_view){.is_done = true, .text = text("no space is left on the disk")});
}

/* A set that changed nothing. */
void hf_put_unchanged_reply(struct hf_buffer *out)
{
    const struct hf_result result = {.is_unchanged = true, .lsn = 4711};
    const size_t place = hf_frame_begin(out);
    hf_reply_put_result(out, &result);
    end_reply(out, place, HF_KIND_SET, 1);
}

/* ------------------------------------------------------------------ shortages, shipments */

/* A cell with two reservations hit, and one with none. */
void hf_put_shortages_reply(struct hf_buffer *out)
{
    const struct hf_cell_view cell = {.sku = text("PHONE-13"),
                                      .location = text("BERLIN"),
                                      .on_hand = 1,
                                      .held = 2,
                                      .committed = 3,
                                      .low_stock = HF_LOW_STOCK_NONE,
                                      .atf = -4,
                                      .ats = -4,
                                      .shortage = 4,
                                      .version = 4700};
    const struct hf_hit hits[] = {{text("cart-4711"), 2}, {text("c"), 3}};
    struct hf_reply reply = plain;
    const size_t place = hf_frame_begin(out);
    const size_t item = hf_reply_begin(out);
    hf_shortage_put(out, &cell, hits, 2);
    hf_shortage_put(out, &cell, NULL, 0);
    reply.argument = 77;
    reply.entries_count = 2;
    hf_reply_end(out, item, &reply);
    end_reply(out, place, HF_ASK_SHORTAGES, 1);
}

static struct hf_shipment_view sample_transfer(void)
{
    return (struct hf_shipment_view){.id = text("T-1"),
                                     .order = text("move-7"),
                                     .from = text("BERLIN"),
                                     .to = text("M\xC3\xBCnchen"),
                                     .state = HF_STATE_IN_TRANSIT,
                                     .opened_us = SAMPLE_TIME_US,
                                     .opened_lsn = 4650,
                                     .lines_count = 2,
                                     .open_units = 12};
}

static struct hf_shipment_view sample_inbound(void)
{
    return (struct hf_shipment_view){.id = text("PO-77"),
                                     .to = text("BERLIN"),
                                     .state = HF_STATE_IN_TRANSIT,
                                     .is_sellable = true,
                                     .eta_us = SAMPLE_TIME_US + 86400000000,
                                     .opened_us = SAMPLE_TIME_US,
                                     .opened_lsn = 4651,
                                     .lines_count = 1,
                                     .open_units = 100};
}

static const struct hf_shipment_line_view shipment_lines[] = {
    {.sku = {"PHONE-13", 8},
     .units = 20,
     .unshipped = 5,
     .under_way = 6,
     .received = 4,
     .damaged = 2,
     .cancelled = 1,
     .lost = 2},
    {.sku = {"S", 1}, .units = 1, .under_way = 1},
};

void hf_put_transfer_reply(struct hf_buffer *out)
{
    const struct hf_shipment_view transfer = sample_transfer();
    struct hf_reply reply = plain;
    const size_t place = hf_frame_begin(out);
    const size_t item = hf_reply_begin(out);
    hf_shipment_put(out, &transfer);
    hf_shipment_line_put(out, &shipment_lines[0]);
    hf_shipment_line_put(out, &shipment_lines[1]);
    reply.state = HF_STATE_IN_TRANSIT;
    reply.entries_count = 3;
    hf_reply_end(out, item, &reply);
    end_reply(out, place, HF_ASK_TRANSFER, 1);
}

void hf_put_inbound_reply(struct hf_buffer *out)
{
    const struct hf_shipment_view inbound = sample_inbound();
    struct hf_reply reply = plain;
    const size_t place = hf_frame_begin(out);
    const size_t item = hf_reply_begin(out);
    hf_shipment_put(out, &inbound);
    hf_shipment_line_put(out, &shipment_lines[1]);
    reply.state = HF_STATE_IN_TRANSIT;
    reply.entries_count = 2;
    hf_reply_end(out, item, &reply);
    end_reply(out, place, HF_ASK_INBOUND, 1);
}

static void put_shipments(struct hf_buffer *out, unsigned operation,
                          const struct hf_shipment_view *shipment, uint64_t cursor)
{
    struct hf_reply reply = plain;
    const size_t place = hf_frame_begin(out);
    const size_t item = hf_reply_begin(out);
    hf_shipment_put(out, shipment);
    reply.argument = cursor;
    reply.entries_count = 1;
    hf_reply_end(out, item, &reply);
    end_reply(out, place, operation, 1);
}

void hf_put_transfers_reply(struct hf_buffer *out)
{
    const struct hf_shipment_view transfer = sample_transfer();
    put_shipments(out, HF_ASK_TRANSFERS, &transfer, 9);
}

void hf_put_inbound_shipments_reply(struct hf_buffer *out)
{
    const struct hf_shipment_view inbound = sample_inbound();
    put_shipments(out, HF_ASK_INBOUND_SHIPMENTS, &inbound, 0);
}

/* ------------------------------------------------------------------ exports */

void hf_put_export_reply(struct hf_buffer *out)
{
    struct hf_reply reply = plain;
    const size_t place = hf_frame_begin(out);
    reply.argument = 3; /* the epoch */
    hf_reply_put_plain(out, &reply);
    end_reply(out, place, HF_ASK_EXPORT, 1);
}

static void put_row(struct hf_buffer *out, const struct hf_frozen_row *row, uint64_t has_more)
{
    struct hf_reply reply = plain;
    const size_t place = hf_frame_begin(out);
    const size_t item = hf_reply_begin(out);
    hf_row_put(out, row);
    reply.argument = has_more;
    reply.entries_count = 1;
    hf_reply_end(out, item, &reply);
    end_reply(out, place, HF_ASK_EXPORT_NEXT, 1);
}

void hf_put_export_cells_reply(struct hf_buffer *out)
{
    const struct hf_frozen_row row = {
        .section = HF_FROZEN_CELLS,
        .cell = {.sku = text("PHONE-13"), .location = text("BERLIN"), .on_hand = 3, .low_stock = 5},
    };
    put_row(out, &row, 1);
}

void hf_put_export_reservations_reply(struct hf_buffer *out)
{
    const struct hf_frozen_row row = {
        .section = HF_FROZEN_RESERVATIONS,
        .reservation = {.id = text("cart-4711"),
                        .order = text("order-4711"),
                        .state = HF_STATE_HELD,
                        .expires_at_us = SAMPLE_TIME_US,
                        .opened_lsn = 4650,
                        .opened_us = SAMPLE_TIME_US,
                        .lines_count = 2},
        .reserved = {.sku = text("PHONE-13"),
                     .location = text("BERLIN"),
                     .units = 5,
                     .fulfilled = 2,
                     .released = 1},
    };
    put_row(out, &row, 1);
}

void hf_put_export_transfers_reply(struct hf_buffer *out)
{
    const struct hf_frozen_row row = {.section = HF_FROZEN_TRANSFERS,
                                      .shipment = sample_transfer(),
                                      .shipped = shipment_lines[0]};
    put_row(out, &row, 0);
}

void hf_put_export_inbound_reply(struct hf_buffer *out)
{
    const struct hf_frozen_row row = {
        .section = HF_FROZEN_INBOUND, .shipment = sample_inbound(), .shipped = shipment_lines[1]};
    put_row(out, &row, 0);
}

/* ------------------------------------------------------------------ the change feed */

void hf_put_subscribe_reply(struct hf_buffer *out)
{
    struct hf_reply reply = plain;
    const size_t place = hf_frame_begin(out);
    reply.argument = 3; /* the epoch */
    hf_reply_put_plain(out, &reply);
    end_reply(out, place, HF_ASK_SUBSCRIBE, 1);
}

static void put_events(struct hf_buffer *out, const struct hf_event *events, uint32_t count)
{
    const struct hf_token token = {.epoch = 3, .lsn = 4712};
    const size_t place = hf_frame_begin(out);
    hf_events_head_put(hf_buffer_add(out, HF_EVENTS_HEAD_BYTES), &token);
    for (uint32_t i = 0; i < count; i++) {
        hf_event_put(out, &events[i], 3);
    }
    end_reply(out, place, HF_ASK_EVENTS, count);
}

/* What happened to a cell, all six counters; one without a cell; and two alerts. */
void hf_put_events_reply(struct hf_buffer *out)
{
    const struct hf_hit hits[] = {{text("cart-4711"), 2}, {text("c"), 3}};
    const struct hf_event events[] = {
        {.lsn = 4711,
         .ts_us = SAMPLE_TIME_US,
         .kind = HF_KIND_MOVE_STATUS,
         .reason = HF_REASON_DAMAGE,
         .sku = text("PHONE-13"),
         .location = text("BERLIN"),
         .ref = text("ref-1"),
         .order = text("RMA-7"),
         .by = text("ann"),
         .delta = {[HF_ON_HAND] = -3, [HF_DAMAGED] = 3},
         .after = {97, 7, 4, 20, 3, 5},
         .ats = 86},
        {.lsn = 4711,
         .ts_us = SAMPLE_TIME_US,
         .index = 1,
         .kind = HF_ALERT_SHORTAGE,
         .sku = text("PHONE-13"),
         .location = text("BERLIN"),
         .after = {1, 2, 3, 0, 0, 0},
         .ats = -4,
         .missing = 4,
         .hits = hits,
         .hits_count = 2},
        {.lsn = 4712,
         .ts_us = SAMPLE_TIME_US,
         .kind = HF_KIND_CONFIRM,
         .id = text("cart-4711"),
         .state = HF_STATE_CONFIRMED},
        {.lsn = 4712,
         .ts_us = SAMPLE_TIME_US,
         .index = 1,
         .kind = HF_ALERT_LOW_STOCK,
         .sku = text("S"),
         .location = text("L"),
         .after = {5, 0, 0, 0, 0, 0},
         .ats = 5},
    };
    put_events(out, events, 4);
}

/* Nothing that was wanted happened: the token moves on. */
void hf_put_progress_reply(struct hf_buffer *out)
{
    put_events(out, NULL, 0);
}

/* The consumer was too slow. */
void hf_put_feed_end_reply(struct hf_buffer *out)
{
    struct hf_reply reply = plain;
    const struct hf_frame frame = {.operation = HF_ASK_EVENTS,
                                   .flags = HF_FRAME_REPLY | HF_FRAME_ERROR,
                                   .count = 1,
                                   .correlation = SAMPLE_CORRELATION};
    const size_t place = hf_frame_begin(out);
    reply.outcome = HF_BUSY;
    reply.argument = 3;
    hf_reply_put_plain(out, &reply);
    HF_ASSERT(hf_frame_end(out, place, &frame) == HF_OK);
}
