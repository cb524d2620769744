#include "tests/lib/wire_samples.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/assert.h"
#include "net/codec.h"

#define SAMPLE_TAG 0xA1B2C3D4u
#define SAMPLE_CORRELATION UINT64_C(0x1122334455667788)
#define SAMPLE_TIME_US UINT64_C(1772366400000000) /* 2026-03-01T12:00:00Z */

static struct hf_text text(const char *bytes)
{
    return hf_text_of(bytes);
}

/* ------------------------------------------------------------------ requests */

static const struct hf_op_line code_lines[] = {
    {.sku = {"PHONE-13", 8}, .location = {"BERLIN", 6}, .units = 2},
    {.sku = {"SHOE-RED-42", 11}, .location = {"M\xC3\xBCnchen", 8}, .units = 1},
};
static const struct hf_op_line handle_lines[] = {
    {.sku_handle = 7, .location_handle = 3, .units = 1, .if_version = 4711},
    {.sku_handle = 8, .location_handle = 3, .units = 5, .if_version = HF_VERSION_ANY},
};
static const struct hf_op_line place_lines[] = {{.location = {"BERLIN", 6}, .units = 1}};
static const struct hf_op_line member_lines[] = {{.location = {"BERLIN", 6}},
                                                 {.location = {"HAMBURG", 7}}};
static const struct hf_op_line count_lines[] = {
    {.sku = {"PHONE-13", 8}, .location = {"BERLIN", 6}, .units = -3}};
static const struct hf_op_line policy_lines[] = {{.sku = {"PHONE-13", 8},
                                                  .location = {"BERLIN", 6},
                                                  .safety_stock = 5,
                                                  .low_stock = HF_LOW_STOCK_NONE,
                                                  .backorder_limit = HF_POLICY_KEEP}};
static const struct hf_op_line cell_lines[] = {{.sku = {"PHONE-13", 8}, .location = {"BERLIN", 6}}};
static const struct hf_op_line sku_lines[] = {{.sku = {"PHONE-13", 8}},
                                              {.sku = {"SHOE-RED-42", 11}}};

static void put_request(struct hf_buffer *out, unsigned operation,
                        const struct hf_request *requests, uint32_t count, uint32_t handle_tag)
{
    const struct hf_frame frame = {.operation = operation,
                                   .count = count,
                                   .handle_tag = handle_tag,
                                   .correlation = SAMPLE_CORRELATION};
    const size_t place = hf_frame_begin(out);
    for (uint32_t i = 0; i < count; i++) {
        HF_ASSERT(hf_request_put(out, operation, &requests[i]) == HF_OK);
    }
    HF_ASSERT(hf_frame_end(out, place, &frame) == HF_OK);
}

/* One item; `op` is written as it is. */
#define WRITE_SAMPLE(sample, operation_kind, tag, ...)                                             \
    static void put_##sample(struct hf_buffer *out)                                                \
    {                                                                                              \
        const struct hf_request request = {.op = {.kind = (operation_kind), __VA_ARGS__}};         \
        put_request(out, (operation_kind), &request, 1, (tag));                                    \
    }
#define QUESTION_SAMPLE(sample, operation, ...)                                                    \
    static void put_##sample(struct hf_buffer *out)                                                \
    {                                                                                              \
        const struct hf_request request = {__VA_ARGS__};                                           \
        put_request(out, (operation), &request, 1, 0);                                             \
    }
#define LINES(array) .lines = (array), .lines_count = sizeof(array) / sizeof((array)[0])

WRITE_SAMPLE(receive, HF_KIND_RECEIVE, 0, .reason = HF_REASON_PURCHASE, .ref = {"rcv-1", 5},
             .order = {"PO-77", 5}, .by = {"ann", 3}, LINES(code_lines))
WRITE_SAMPLE(adjust, HF_KIND_ADJUST, 0, .reason = HF_REASON_DAMAGE, LINES(count_lines))
WRITE_SAMPLE(sell, HF_KIND_SELL, 0, .flags = HF_OP_FACT, .ref = {"till-9", 6}, LINES(code_lines))
WRITE_SAMPLE(set_policy, HF_KIND_SET_POLICY, 0, .by = {"ann", 3}, LINES(policy_lines))
WRITE_SAMPLE(set_location, HF_KIND_SET_LOCATION, 0, LINES(place_lines))
WRITE_SAMPLE(set_region, HF_KIND_SET_REGION, 0, .id = {"NORTH", 5}, LINES(member_lines))
WRITE_SAMPLE(reserve, HF_KIND_RESERVE, 0, .flags = HF_OP_TTL | HF_OP_PARTIAL,
             .id = {"cart-4711", 9}, .order = {"order-4711", 10}, .ttl_us = UINT64_C(900000000),
             LINES(code_lines))
WRITE_SAMPLE(reserve_handles, HF_KIND_RESERVE, SAMPLE_TAG,
             .flags = HF_OP_TTL | HF_OP_HANDLES | HF_OP_VERSIONS, .id = {"0123456789abcdef", 16},
             .ttl_us = UINT64_C(900000000), LINES(handle_lines))
WRITE_SAMPLE(replace, HF_KIND_REPLACE, 0, .id = {"cart-4712", 9}, .old_id = {"cart-4711", 9},
             LINES(code_lines))
WRITE_SAMPLE(confirm, HF_KIND_CONFIRM, 0, .id = {"cart-4711", 9}, .ref = {"pay-1", 5})
WRITE_SAMPLE(extend, HF_KIND_EXTEND, 0, .flags = HF_OP_TTL, .id = {"cart-4711", 9},
             .ttl_us = UINT64_C(1800000000))
WRITE_SAMPLE(release, HF_KIND_RELEASE, 0, .id = {"cart-4711", 9}, LINES(code_lines))
WRITE_SAMPLE(release_order, HF_KIND_RELEASE_ORDER, 0, .order = {"order-4711", 10})
WRITE_SAMPLE(fulfil, HF_KIND_FULFIL, 0, .flags = HF_OP_RELEASE_REST, .id = {"cart-4711", 9},
             LINES(code_lines))

/* Two operations that succeed or fail together. */
static void put_linked(struct hf_buffer *out)
{
    const struct hf_request requests[] = {
        {.op = {.kind = HF_KIND_CONFIRM, .flags = HF_OP_LINKED, .id = text("cart-1")}},
        {.op = {.kind = HF_KIND_CONFIRM, .id = text("cart-2")}},
    };
    put_request(out, HF_KIND_CONFIRM, requests, 2, 0);
}

QUESTION_SAMPLE(stock, HF_ASK_STOCK, .op = {LINES(cell_lines)})
QUESTION_SAMPLE(ats, HF_ASK_ATS, .op = {.id = {"NORTH", 5}, LINES(sku_lines)})
QUESTION_SAMPLE(reservation, HF_ASK_RESERVATION, .op = {.id = {"cart-4711", 9}})
QUESTION_SAMPLE(order, HF_ASK_ORDER, .op = {.order = {"order-4711", 10}}, .cursor = 12)
QUESTION_SAMPLE(ledger, HF_ASK_LEDGER, .op = {LINES(cell_lines)}, .cursor = 4096, .limit = 20)
QUESTION_SAMPLE(list, HF_ASK_LIST, .op = {.id = {"PHO", 3}, LINES(place_lines)}, .limit = 100,
                .only_low = true)
QUESTION_SAMPLE(lookup, HF_ASK_LOOKUP, .op = {LINES(code_lines)})

static void put_hello(struct hf_buffer *out)
{
    const struct hf_frame frame = {
        .operation = HF_ASK_HELLO, .count = 1, .correlation = SAMPLE_CORRELATION};
    const size_t place = hf_frame_begin(out);
    hf_hello_put(out, text("shop-7"));
    HF_ASSERT(hf_frame_end(out, place, &frame) == HF_OK);
}

static void put_empty(struct hf_buffer *out, unsigned operation)
{
    const struct hf_frame frame = {
        .operation = operation, .count = 1, .correlation = SAMPLE_CORRELATION};
    HF_ASSERT(hf_frame_end(out, hf_frame_begin(out), &frame) == HF_OK);
}

static void put_ping(struct hf_buffer *out)
{
    put_empty(out, HF_ASK_PING);
}

static void put_stats(struct hf_buffer *out)
{
    put_empty(out, HF_ASK_STATS);
}

static void put_digest(struct hf_buffer *out)
{
    put_empty(out, HF_ASK_DIGEST);
}

static void put_audit(struct hf_buffer *out)
{
    put_empty(out, HF_ASK_AUDIT);
}

static void put_snapshot(struct hf_buffer *out)
{
    put_empty(out, HF_ASK_SNAPSHOT);
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
static void put_result_reply(struct hf_buffer *out)
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

static void put_error_reply(struct hf_buffer *out)
{
    hf_reply_put_error(out, 200, SAMPLE_CORRELATION, HF_INVALID_ARGUMENT, HF_FIELD_OPERATION);
}

static const struct hf_reply plain = {.lsn = 4711, .line_index = UINT32_MAX};

static void put_stock_reply(struct hf_buffer *out)
{
    const struct hf_cell_view cell = {.sku = text("PHONE-13"),
                                      .location = text("BERLIN"),
                                      .on_hand = 100,
                                      .held = 7,
                                      .committed = 3,
                                      .in_transit = 20,
                                      .safety_stock = 5,
                                      .low_stock = HF_LOW_STOCK_NONE,
                                      .backorder_limit = 2,
                                      .atf = 85,
                                      .ats = 105,
                                      .version = 4700};
    struct hf_reply reply = plain;
    const size_t place = hf_frame_begin(out);
    const size_t item = hf_reply_begin(out);
    hf_cell_put(out, &cell);
    reply.entries_count = 1;
    hf_reply_end(out, item, &reply);
    end_reply(out, place, HF_ASK_STOCK, 1);
}

static void put_ats_reply(struct hf_buffer *out)
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

static void put_reservation_reply(struct hf_buffer *out)
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

static void put_order_reply(struct hf_buffer *out)
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

static void put_ledger_reply(struct hf_buffer *out)
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
                                 .delta = {-3, 0, 1, 0},
                                 .after = {97, 7, 4, 20}};
    struct hf_reply reply = plain;
    const size_t place = hf_frame_begin(out);
    const size_t item = hf_reply_begin(out);
    hf_move_entry_put(out, &move);
    reply.entries_count = 1;
    hf_reply_end(out, item, &reply);
    end_reply(out, place, HF_ASK_LEDGER, 1);
}

static void put_lookup_reply(struct hf_buffer *out)
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

static void put_hello_reply(struct hf_buffer *out)
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

static void put_ping_reply(struct hf_buffer *out)
{
    const size_t place = hf_frame_begin(out);
    hf_reply_put_plain(out, &plain);
    end_reply(out, place, HF_ASK_PING, 1);
}

static void put_stats_reply(struct hf_buffer *out)
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

static void put_digest_reply(struct hf_buffer *out)
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

static void put_audit_reply(struct hf_buffer *out)
{
    const struct hf_audit_report report = {
        .cells_count = 1000,
        .reservations_count = 200,
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
static void put_list_reply(struct hf_buffer *out)
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
static void put_partial_reply(struct hf_buffer *out)
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

static void put_snapshot_reply(struct hf_buffer *out)
{
    const size_t place = hf_frame_begin(out);
    hf_reply_put_plain(out, &plain);
    end_reply(out, place, HF_ASK_SNAPSHOT, 1);
}

#define REQUEST(name)                                                                              \
    {                                                                                              \
#name, put_##name, false                                                                   \
    }
#define REPLY(name)                                                                                \
    {                                                                                              \
#name, put_##name, true                                                                    \
    }
const struct hf_wire_sample hf_wire_samples[] = {
    REQUEST(receive),
    REQUEST(adjust),
    REQUEST(sell),
    REQUEST(set_policy),
    REQUEST(set_location),
    REQUEST(set_region),
    REQUEST(reserve),
    REQUEST(reserve_handles),
    REQUEST(replace),
    REQUEST(confirm),
    REQUEST(extend),
    REQUEST(release),
    REQUEST(release_order),
    REQUEST(fulfil),
    REQUEST(linked),
    REQUEST(stock),
    REQUEST(ats),
    REQUEST(reservation),
    REQUEST(order),
    REQUEST(ledger),
    REQUEST(list),
    REQUEST(lookup),
    REQUEST(hello),
    REQUEST(ping),
    REQUEST(stats),
    REQUEST(digest),
    REQUEST(audit),
    REQUEST(snapshot),
    REPLY(result_reply),
    REPLY(error_reply),
    REPLY(stock_reply),
    REPLY(ats_reply),
    REPLY(reservation_reply),
    REPLY(order_reply),
    REPLY(ledger_reply),
    REPLY(lookup_reply),
    REPLY(hello_reply),
    REPLY(ping_reply),
    REPLY(stats_reply),
    REPLY(digest_reply),
    REPLY(audit_reply),
    REPLY(list_reply),
    REPLY(partial_reply),
    REPLY(snapshot_reply),
};
const size_t hf_wire_samples_count = sizeof hf_wire_samples / sizeof hf_wire_samples[0];

/* ------------------------------------------------------------------ files */

static int digit_of(int character)
{
    if (character >= '0' && character <= '9') {
        return character - '0';
    }
    return character >= 'a' && character <= 'f' ? character - 'a' + 10 : -1;
}

size_t hf_read_hex(const char *path, unsigned char *bytes, size_t bytes_max)
{
    FILE *file = fopen(path, "r");
    size_t digits_count = 0;
    bool is_comment = false;
    int character;

    if (file == NULL) {
        perror(path);
        abort();
    }
    while ((character = fgetc(file)) != EOF) {
        is_comment = character == '#' || (is_comment && character != '\n');
        if (is_comment || isspace(character)) {
            continue;
        }
        const int digit = digit_of(character);
        HF_ASSERT(digit >= 0);
        HF_ASSERT(digits_count < 2 * bytes_max);
        unsigned char *byte = &bytes[digits_count / 2];
        *byte = (unsigned char)(digits_count % 2 == 0 ? digit << 4 : *byte | digit);
        digits_count++;
    }
    (void)fclose(file);
    HF_ASSERT(digits_count % 2 == 0);
    return digits_count / 2;
}

void hf_write_hex(const char *path, const char *comment, const unsigned char *bytes,
                  size_t bytes_count)
{
    FILE *file = fopen(path, "w");
    if (file == NULL) {
        perror(path);
        abort();
    }
    (void)fprintf(file, "# %s\n", comment);
    for (size_t at = 0; at < bytes_count; at += 16) {
        for (size_t i = at; i < at + 16 && i < bytes_count; i++) {
            (void)fprintf(file, "%02x%s", bytes[i], i % 8 == 7 ? "  " : " ");
        }
        (void)fprintf(file, "# %zu\n", at);
    }
    (void)fclose(file);
}
