#include "tests/lib/wire_samples.h"

#include "engine/assert.h"
#include "net/codec.h"
#include "net/codec_feed.h"
#include "tests/lib/wire_samples_inside.h"

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

static const struct hf_op_line idle_lines[] = {{.units = INT64_C(2592000000000)}}; /* 30 days */
static const struct hf_op_line location_lines[] = {{.location = {"BERLIN", 6}}};
static const struct hf_op_line versioned_lines[] = {
    {.sku = {"PHONE-13", 8}, .location = {"BERLIN", 6}, .units = 40, .if_version = 4700}};
static const struct hf_op_line ship_lines[] = {{.sku = {"PHONE-13", 8}, .units = 20},
                                               {.sku = {"S", 1}, .units = 1}};
static const struct hf_op_line damaged_lines[] = {
    {.sku = {"PHONE-13", 8}, .units = 4, .damaged = 2}, {.sku = {"S", 1}, .damaged = 1}};
static const struct hf_op_line handle_damaged[] = {
    {.sku_handle = 7, .location_handle = HF_HANDLE_NONE, .units = 100, .damaged = 1}};

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

WRITE_SAMPLE(set, HF_KIND_SET, 0, .flags = HF_OP_AS_OF_LSN, .reason = HF_REASON_COUNT,
             .as_of = 4711, LINES(code_lines))
WRITE_SAMPLE(set_as_of_time, HF_KIND_SET, 0, .flags = HF_OP_AS_OF_TIME | HF_OP_VERSIONS,
             .reason = HF_REASON_IMPORT, .as_of = SAMPLE_TIME_US, LINES(versioned_lines))
WRITE_SAMPLE(receive_quarantined, HF_KIND_RECEIVE, 0, .to_status = HF_STATUS_QUARANTINED,
             LINES(code_lines))
WRITE_SAMPLE(move_status, HF_KIND_MOVE_STATUS, 0, .reason = HF_REASON_DAMAGE,
             .from_status = HF_STATUS_SELLABLE, .to_status = HF_STATUS_DAMAGED, LINES(code_lines))
WRITE_SAMPLE(dispose, HF_KIND_DISPOSE, 0, .reason = HF_REASON_PERISHED,
             .from_status = HF_STATUS_DAMAGED, LINES(code_lines))
WRITE_SAMPLE(transfer_create, HF_KIND_TRANSFER_CREATE, 0, .flags = HF_OP_SHIP, .id = {"T-1", 3},
             .order = {"move-7", 6}, .from = {"BERLIN", 6}, .to = {"M\xC3\xBCnchen", 8},
             LINES(ship_lines))
WRITE_SAMPLE(transfer_ship, HF_KIND_TRANSFER_SHIP, 0, .id = {"T-1", 3}, .ref = {"ship-1", 6})
WRITE_SAMPLE(transfer_receive, HF_KIND_TRANSFER_RECEIVE, 0, .flags = HF_OP_DAMAGED | HF_OP_REST,
             .id = {"T-1", 3}, .by = {"ann", 3}, LINES(damaged_lines))
WRITE_SAMPLE(transfer_cancel, HF_KIND_TRANSFER_CANCEL, 0, .id = {"T-1", 3}, LINES(ship_lines))
WRITE_SAMPLE(transfer_close, HF_KIND_TRANSFER_CLOSE, 0, .id = {"T-1", 3}, .reason = HF_REASON_LOSS)
WRITE_SAMPLE(inbound_create, HF_KIND_INBOUND_CREATE, 0, .flags = HF_OP_SELLABLE, .id = {"PO-77", 5},
             .to = {"BERLIN", 6}, .eta_us = SAMPLE_TIME_US, LINES(ship_lines))
WRITE_SAMPLE(inbound_receive, HF_KIND_INBOUND_RECEIVE, SAMPLE_TAG,
             .flags = HF_OP_DAMAGED | HF_OP_HANDLES, .id = {"PO-77", 5}, LINES(handle_damaged))
WRITE_SAMPLE(inbound_cancel, HF_KIND_INBOUND_CANCEL, 0, .id = {"PO-77", 5})

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
QUESTION_SAMPLE(list_idle, HF_ASK_LIST, .op = {LINES(idle_lines)})
QUESTION_SAMPLE(shortages, HF_ASK_SHORTAGES, .cursor = 77, .limit = 100)
QUESTION_SAMPLE(transfer, HF_ASK_TRANSFER, .op = {.id = {"T-1", 3}})
QUESTION_SAMPLE(inbound, HF_ASK_INBOUND, .op = {.id = {"PO-77", 5}})
QUESTION_SAMPLE(transfers, HF_ASK_TRANSFERS, .op = {LINES(location_lines)}, .only_open = true)
QUESTION_SAMPLE(inbound_shipments, HF_ASK_INBOUND_SHIPMENTS, .cursor = 9, .only_late = true)
QUESTION_SAMPLE(export, HF_ASK_EXPORT, .cursor = HF_FROZEN_RESERVATIONS)
QUESTION_SAMPLE(export_next, HF_ASK_EXPORT_NEXT, .limit = 4096)

static void put_hello(struct hf_buffer *out)
{
    const struct hf_frame frame = {
        .operation = HF_ASK_HELLO, .count = 1, .correlation = SAMPLE_CORRELATION};
    const size_t place = hf_frame_begin(out);
    hf_hello_put(out, text("shop-7"));
    HF_ASSERT(hf_frame_end(out, place, &frame) == HF_OK);
}

static void put_subscribe(struct hf_buffer *out)
{
    const struct hf_subscription wish = {
        .after = {.epoch = 3, .lsn = 4711},
        .flags = HF_FEED_STOCK,
        .location = text("BERLIN"),
        .prefix = text("PHO"),
        .kinds = {1u << HF_KIND_SELL | 1u << HF_KIND_FULFIL, 1u << (HF_ALERT_LOW_STOCK - 64)},
    };
    const struct hf_frame frame = {
        .operation = HF_ASK_SUBSCRIBE, .count = 1, .correlation = SAMPLE_CORRELATION};
    const size_t place = hf_frame_begin(out);
    HF_ASSERT(hf_subscription_put(out, &wish) == HF_OK);
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

static void put_backup(struct hf_buffer *out)
{
    const struct hf_frame frame = {
        .operation = HF_ASK_BACKUP, .count = 1, .correlation = SAMPLE_CORRELATION};
    const size_t place = hf_frame_begin(out);
    hf_backup_put(out, hf_text_of("weekly/2026-09"));
    (void)hf_frame_end(out, place, &frame);
}

static void put_backup_next(struct hf_buffer *out)
{
    put_empty(out, HF_ASK_BACKUP_NEXT);
}

/* clang-format off */
#define REQUEST(name) {#name, put_##name, false, 0},
#define REPLY(name, section) {#name, hf_put_##name, true, section},
const struct hf_wire_sample hf_wire_samples[] = {
    REQUEST(receive)
    REQUEST(adjust)
    REQUEST(sell)
    REQUEST(set_policy)
    REQUEST(set_location)
    REQUEST(set_region)
    REQUEST(reserve)
    REQUEST(reserve_handles)
    REQUEST(replace)
    REQUEST(confirm)
    REQUEST(extend)
    REQUEST(release)
    REQUEST(release_order)
    REQUEST(fulfil)
    REQUEST(set)
    REQUEST(set_as_of_time)
    REQUEST(receive_quarantined)
    REQUEST(move_status)
    REQUEST(dispose)
    REQUEST(transfer_create)
    REQUEST(transfer_ship)
    REQUEST(transfer_receive)
    REQUEST(transfer_cancel)
    REQUEST(transfer_close)
    REQUEST(inbound_create)
    REQUEST(inbound_receive)
    REQUEST(inbound_cancel)
    REQUEST(linked)
    REQUEST(stock)
    REQUEST(ats)
    REQUEST(reservation)
    REQUEST(order)
    REQUEST(ledger)
    REQUEST(list)
    REQUEST(lookup)
    REQUEST(list_idle)
    REQUEST(shortages)
    REQUEST(transfer)
    REQUEST(inbound)
    REQUEST(transfers)
    REQUEST(inbound_shipments)
    REQUEST(subscribe)
    REQUEST(export)
    REQUEST(export_next)
    REQUEST(hello)
    REQUEST(ping)
    REQUEST(stats)
    REQUEST(digest)
    REQUEST(audit)
    REQUEST(snapshot)
    REQUEST(backup)
    REQUEST(backup_next)
    HF_REPLY_SAMPLES(REPLY)
};
/* clang-format on */
const size_t hf_wire_samples_count = sizeof hf_wire_samples / sizeof hf_wire_samples[0];
