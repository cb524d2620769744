/*
 * test_codec.c - items of frames to structs and back.
 *
 * Method: the samples of wire_samples.h are written and must be the golden bytes; read back and
 * written again they must be the same bytes. Bodies are then cut at every byte, placed against an
 * unreadable page, and no reader may take the rest for whole. Malformed items are rows.
 *
 * HF_GOLDEN_WRITE=1 writes the golden files instead: only for a new version of the protocol.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/bytes.h"
#include "net/codec.h"
#include "net/codec_feed.h"
#include "tests/lib/guarded.h"
#include "tests/lib/wire_samples.h"

#define FRAME_BYTES_MAX ((size_t)4096)
#define LINES_MAX 64

static void golden_path(const struct hf_wire_sample *sample, char path[256])
{
    (void)snprintf(path, 256, "tests/golden/wire/%s.hex", sample->name);
}

static void golden_bytes(void **state)
{
    (void)state;
    for (size_t i = 0; i < hf_wire_samples_count; i++) {
        unsigned char golden[FRAME_BYTES_MAX];
        char path[256];
        struct hf_buffer out = {0};

        hf_wire_samples[i].put(&out);
        golden_path(&hf_wire_samples[i], path);
        if (getenv("HF_GOLDEN_WRITE") != NULL) {
            hf_write_hex(path, hf_wire_samples[i].name, hf_buffer_front(&out),
                         hf_buffer_count(&out));
        }
        assert_int_equal(hf_read_hex(path, golden, sizeof golden), hf_buffer_count(&out));
        assert_memory_equal(golden, hf_buffer_front(&out), hf_buffer_count(&out));
        hf_buffer_release(&out);
    }
}

/* ------------------------------------------------------------------ there and back */

static void open_frame(const struct hf_buffer *bytes, struct hf_frame *frame)
{
    size_t frame_bytes;
    enum hf_field fault;
    assert_int_equal(hf_frame_decode(hf_buffer_front(bytes), hf_buffer_count(bytes),
                                     FRAME_BYTES_MAX, HF_FRAME_REPLY | HF_FRAME_ERROR, frame,
                                     &frame_bytes, &fault),
                     HF_OK);
}

/* Write again what is read from a request's body. */
static void copy_request(const struct hf_frame *frame, struct hf_buffer *out)
{
    struct hf_items body = hf_items_of(frame->body, frame->body_bytes);
    bool has_rest;

    if (frame->operation == HF_ASK_HELLO) {
        struct hf_text name;
        assert_int_equal(hf_hello_read(body, &name), HF_OK);
        hf_hello_put(out, name);
        return;
    }
    if (frame->operation == HF_ASK_SUBSCRIBE) {
        struct hf_subscription wish;
        enum hf_field field;
        assert_int_equal(hf_subscription_read(body, &wish, &field), HF_OK);
        assert_int_equal(hf_subscription_put(out, &wish), HF_OK);
        return;
    }
    if (frame->operation == HF_ASK_BACKUP) {
        struct hf_text path;
        assert_int_equal(hf_backup_read(body, &path), HF_OK);
        hf_backup_put(out, path);
        return;
    }
    if ((frame->operation > HF_ASK_HELLO && frame->operation < HF_ASK_EXPORT) ||
        frame->operation == HF_ASK_BACKUP_NEXT) {
        assert_int_equal(frame->body_bytes, 0);
        return;
    }
    assert_int_equal(hf_request_scan(body, frame->count, &has_rest), frame->count);
    assert_false(has_rest);
    for (uint32_t i = 0; i < frame->count; i++) {
        struct hf_op_line lines[LINES_MAX];
        struct hf_request request;
        enum hf_field field;
        uint32_t line_index;
        assert_int_equal(hf_request_next(&body, frame->operation, lines, LINES_MAX, &request,
                                         &field, &line_index),
                         HF_OK);
        assert_int_equal(field, HF_FIELD_NONE);
        assert_int_equal(hf_request_put(out, frame->operation, &request), HF_OK);
    }
    assert_ptr_equal(body.at, body.end);
}

static enum hf_err copy_shortage(struct hf_items *entries, struct hf_buffer *out)
{
    struct hf_cell_view cell;
    struct hf_items rest;
    struct hf_hit hits[HF_HITS_MAX];
    uint32_t hits_count;

    if (hf_shortage_next(entries, &cell, &rest, &hits_count) != HF_OK || hits_count > HF_HITS_MAX) {
        return HF_CORRUPT;
    }
    for (uint32_t i = 0; i < hits_count; i++) {
        if (hf_hit_next(&rest, &hits[i]) != HF_OK) {
            return HF_CORRUPT;
        }
    }
    hf_shortage_put(out, &cell, hits, hits_count);
    return HF_OK;
}

/*
 * Read an entry of the operation's kind, and write it again. The first of a reservation, transfer
 * or inbound shipment differs; rows of an export are as their section says.
 */
static enum hf_err copy_entry(unsigned operation, unsigned section, uint32_t index,
                              struct hf_items *entries, struct hf_buffer *out)
{
    union {
        struct hf_result_line line;
        struct hf_cell_view cell;
        struct hf_ats_entry ats;
        struct hf_reservation_view reservation;
        struct hf_reservation_line_view reservation_line;
        struct hf_move move;
        struct hf_shipment_view shipment;
        struct hf_shipment_line_view shipment_line;
        struct hf_frozen_row row;
        struct hf_handle_pair pair;
        struct hf_stat stat;
        struct hf_audit_report audit;
        struct hf_backup_view backup;
        struct hf_digest digest;
        struct hf_welcome welcome;
    } entry = {0};
#define COPY(noun, member)                                                                         \
    if (hf_##noun##_next(entries, &entry.member) != HF_OK) {                                       \
        return HF_CORRUPT;                                                                         \
    }                                                                                              \
    hf_##noun##_put(out, &entry.member);                                                           \
    return HF_OK

    switch (operation) {
    case HF_ASK_STOCK:
    case HF_ASK_LIST:
        COPY(cell, cell);
    case HF_ASK_ATS:
        COPY(ats, ats);
    case HF_ASK_RESERVATION:
        if (index == 0) {
            COPY(reservation, reservation);
        }
        COPY(reservation_line, reservation_line);
    case HF_ASK_ORDER:
        COPY(summary, reservation);
    case HF_ASK_LEDGER:
        COPY(move_entry, move);
    case HF_ASK_SHORTAGES:
        return copy_shortage(entries, out);
    case HF_ASK_TRANSFER:
    case HF_ASK_INBOUND:
        if (index > 0) {
            COPY(shipment_line, shipment_line);
        }
        COPY(shipment, shipment);
    case HF_ASK_TRANSFERS:
    case HF_ASK_INBOUND_SHIPMENTS:
        COPY(shipment, shipment);
    case HF_ASK_EXPORT_NEXT:
        entry.row.section = (enum hf_frozen_section)section;
        COPY(row, row);
    case HF_ASK_LOOKUP:
        COPY(handle_pair, pair);
    case HF_ASK_HELLO:
        COPY(welcome, welcome);
    case HF_ASK_STATS:
        COPY(stat, stat);
    case HF_ASK_DIGEST:
        COPY(digest, digest);
    case HF_ASK_AUDIT:
        COPY(audit_report, audit);
    case HF_ASK_BACKUP_NEXT:
        COPY(backup_view, backup);
    default:
        COPY(result_line, line);
    }
#undef COPY
}

/* Read what is told to a subscriber, and write it again. */
static enum hf_err copy_events(const struct hf_frame *frame, struct hf_items body,
                               struct hf_buffer *out)
{
    struct hf_token token;
    if (hf_events_head_next(&body, &token) != HF_OK) {
        return HF_CORRUPT;
    }
    hf_events_head_put(hf_buffer_add(out, HF_EVENTS_HEAD_BYTES), &token);
    for (uint32_t i = 0; i < frame->count; i++) {
        struct hf_hit hits[HF_HITS_MAX];
        struct hf_event event;
        struct hf_items rest;
        uint32_t epoch;
        if (hf_event_next(&body, &event, &epoch, &rest) != HF_OK) {
            return HF_CORRUPT;
        }
        assert_true(event.hits_count <= HF_HITS_MAX);
        for (uint32_t k = 0; k < event.hits_count; k++) {
            if (hf_event_hit_next(&rest, &hits[k]) != HF_OK) {
                return HF_CORRUPT;
            }
        }
        event.hits = hits;
        hf_event_put(out, &event, epoch);
    }
    return body.at == body.end ? HF_OK : HF_CORRUPT;
}

/* Read a reply's items and entries, and write them again. HF_CORRUPT: something is not whole. */
static enum hf_err copy_reply(const struct hf_wire_sample *sample, const struct hf_frame *frame,
                              struct hf_items body, struct hf_buffer *out)
{
    if (frame->operation == HF_ASK_EVENTS && (frame->flags & HF_FRAME_ERROR) == 0) {
        return copy_events(frame, body, out);
    }
    for (uint32_t i = 0; i < frame->count; i++) {
        struct hf_reply reply;
        if (hf_reply_next(&body, &reply) != HF_OK) {
            return HF_CORRUPT;
        }
        const size_t place = hf_reply_begin(out);
        for (uint32_t entry = 0; entry < reply.entries_count; entry++) {
            if (copy_entry(frame->operation, sample->section, entry, &reply.entries, out) !=
                HF_OK) {
                return HF_CORRUPT;
            }
        }
        hf_reply_end(out, place, &reply);
    }
    return HF_OK;
}

static void there_and_back(void **state)
{
    (void)state;
    for (size_t i = 0; i < hf_wire_samples_count; i++) {
        struct hf_buffer first = {0};
        struct hf_buffer second = {0};
        struct hf_frame frame;

        hf_wire_samples[i].put(&first);
        open_frame(&first, &frame);
        const size_t place = hf_frame_begin(&second);
        if (hf_wire_samples[i].is_reply) {
            assert_int_equal(copy_reply(&hf_wire_samples[i], &frame,
                                        hf_items_of(frame.body, frame.body_bytes), &second),
                             HF_OK);
        } else {
            copy_request(&frame, &second);
        }
        assert_int_equal(hf_frame_end(&second, place, &frame), HF_OK);
        assert_int_equal(hf_buffer_count(&second), hf_buffer_count(&first));
        assert_memory_equal(hf_buffer_front(&second), hf_buffer_front(&first),
                            hf_buffer_count(&first));
        hf_buffer_release(&second);
        hf_buffer_release(&first);
    }
}

/* ------------------------------------------------------------------ fields of version 2 */

static const struct hf_wire_sample *sample_of(const char *name);

static struct hf_request read_sample(struct hf_buffer *bytes, const char *name,
                                     struct hf_op_line lines[LINES_MAX])
{
    struct hf_request request;
    struct hf_frame frame;
    enum hf_field field;
    uint32_t line_index;

    sample_of(name)->put(bytes);
    open_frame(bytes, &frame);
    struct hf_items body = hf_items_of(frame.body, frame.body_bytes);
    assert_int_equal(
        hf_request_next(&body, frame.operation, lines, LINES_MAX, &request, &field, &line_index),
        HF_OK);
    return request;
}

static void assert_text(struct hf_text got, const char *want)
{
    assert_true(hf_text_equal(got, hf_text_of(want)));
}

/* The one number of an item goes where the operation says, and nowhere else. */
static void arguments_of_requests(void **state)
{
    static const struct {
        const char *sample;
        uint64_t ttl_us, as_of, eta_us, cursor;
    } wanted[] = {
        {"reserve", 900000000, 0, 0, 0},
        {"set", 0, 4711, 0, 0},
        {"set_as_of_time", 0, UINT64_C(1772366400000000), 0, 0},
        {"inbound_create", 0, 0, UINT64_C(1772366400000000), 0},
        {"inbound_receive", 0, 0, 0, 0},
        {"shortages", 0, 0, 0, 77},
        {"export", 0, 0, 0, HF_FROZEN_RESERVATIONS},
    };
    (void)state;

    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
        struct hf_op_line lines[LINES_MAX];
        struct hf_buffer bytes = {0};
        const struct hf_request request = read_sample(&bytes, wanted[i].sample, lines);
        assert_int_equal(request.op.ttl_us, wanted[i].ttl_us);
        assert_int_equal(request.op.as_of, wanted[i].as_of);
        assert_int_equal(request.op.eta_us, wanted[i].eta_us);
        assert_int_equal(request.cursor, wanted[i].cursor);
        hf_buffer_release(&bytes);
    }
}

static void places_statuses_and_damage(void **state)
{
    struct hf_op_line lines[LINES_MAX];
    struct hf_buffer bytes = {0};
    (void)state;

    struct hf_request request = read_sample(&bytes, "transfer_create", lines);
    assert_int_equal(request.op.kind, HF_KIND_TRANSFER_CREATE);
    assert_int_equal(request.op.flags, HF_OP_SHIP);
    assert_text(request.op.id, "T-1");
    assert_text(request.op.order, "move-7");
    assert_text(request.op.from, "BERLIN");
    assert_text(request.op.to, "M\xC3\xBCnchen");
    assert_int_equal(lines[0].location.bytes_count, 0);

    hf_buffer_clear(&bytes);
    request = read_sample(&bytes, "move_status", lines);
    assert_int_equal(request.op.from_status, HF_STATUS_SELLABLE);
    assert_int_equal(request.op.to_status, HF_STATUS_DAMAGED);

    hf_buffer_clear(&bytes);
    request = read_sample(&bytes, "transfer_receive", lines);
    assert_int_equal(request.op.flags, HF_OP_DAMAGED | HF_OP_REST);
    assert_int_equal(request.op.lines_count, 2);
    assert_int_equal(lines[0].units, 4);
    assert_int_equal(lines[0].damaged, 2);
    assert_int_equal(lines[1].units, 0);
    assert_int_equal(lines[1].damaged, 1);

    hf_buffer_clear(&bytes);
    request = read_sample(&bytes, "set_as_of_time", lines);
    assert_int_equal(lines[0].damaged, 0);
    assert_int_equal(lines[0].if_version, 4700);

    hf_buffer_clear(&bytes);
    request = read_sample(&bytes, "inbound_shipments", lines);
    assert_true(request.only_late);
    assert_false(request.only_open || request.only_low);
    assert_int_equal(request.op.flags, 0);
    hf_buffer_release(&bytes);
}

/* ------------------------------------------------------------------ cut short */

static bool is_request_whole(const struct hf_frame *frame, struct hf_items body)
{
    bool has_rest;
    struct hf_text name;
    if (frame->operation == HF_ASK_HELLO) {
        return hf_hello_read(body, &name) == HF_OK;
    }
    if (frame->operation == HF_ASK_BACKUP) {
        return hf_backup_read(body, &name) == HF_OK;
    }
    if (frame->operation == HF_ASK_SUBSCRIBE) {
        struct hf_subscription wish;
        enum hf_field field;
        return hf_subscription_read(body, &wish, &field) == HF_OK;
    }
    if (hf_request_scan(body, frame->count, &has_rest) < frame->count || has_rest) {
        return false;
    }
    for (uint32_t i = 0; i < frame->count; i++) {
        struct hf_op_line lines[LINES_MAX];
        struct hf_request request;
        enum hf_field field;
        uint32_t line_index;
        if (hf_request_next(&body, frame->operation, lines, LINES_MAX, &request, &field,
                            &line_index) != HF_OK) {
            return false;
        }
    }
    return true;
}

/* The frame's checksum would hold in these: a client that lies about lengths, not a torn one. */
static void prefixes_of_bodies(void **state)
{
    struct hf_guarded guarded;
    (void)state;

    hf_guarded_init(&guarded, FRAME_BYTES_MAX);
    for (size_t i = 0; i < hf_wire_samples_count; i++) {
        struct hf_buffer sample = {0};
        struct hf_frame frame;
        hf_wire_samples[i].put(&sample);
        open_frame(&sample, &frame);

        for (size_t count = 0; count < frame.body_bytes; count++) {
            const unsigned char *bytes = hf_guarded_copy(&guarded, frame.body, count);
            const struct hf_items body = hf_items_of(bytes, count);
            struct hf_buffer copy = {0};
            if (hf_wire_samples[i].is_reply) {
                assert_int_equal(copy_reply(&hf_wire_samples[i], &frame, body, &copy), HF_CORRUPT);
            } else {
                assert_false(is_request_whole(&frame, body));
            }
            hf_buffer_release(&copy);
        }
        hf_buffer_release(&sample);
    }
    hf_guarded_release(&guarded);
}

/*
 * The same, with the item's own length made to fit: cut inside the texts, the lines, the entries.
 * A request must be refused; a reply's entries must not be read past its end.
 */
static void prefixes_of_items(void **state)
{
    struct hf_guarded guarded;
    (void)state;

    hf_guarded_init(&guarded, FRAME_BYTES_MAX);
    for (size_t i = 0; i < hf_wire_samples_count; i++) {
        struct hf_buffer sample = {0};
        struct hf_frame frame;
        hf_wire_samples[i].put(&sample);
        open_frame(&sample, &frame);
        if (frame.count > 1 || frame.operation == HF_ASK_EVENTS ||
            (frame.operation >= HF_ASK_HELLO && !hf_wire_samples[i].is_reply)) {
            hf_buffer_release(&sample);
            continue;
        }
        for (size_t count = 32; count < frame.body_bytes; count += 8) {
            unsigned char *bytes = hf_guarded_copy(&guarded, frame.body, count);
            const struct hf_items body = hf_items_of(bytes, count);
            struct hf_buffer copy = {0};
            hf_put_u32(bytes, (uint32_t)count);
            if (hf_wire_samples[i].is_reply) {
                assert_int_equal(copy_reply(&hf_wire_samples[i], &frame, body, &copy), HF_CORRUPT);
            } else {
                assert_false(is_request_whole(&frame, body));
            }
            hf_buffer_release(&copy);
        }
        hf_buffer_release(&sample);
    }
    hf_guarded_release(&guarded);
}

/* ------------------------------------------------------------------ malformed requests */

static const struct row {
    const char *name;
    size_t at; /* in the item of the sample `reserve`, whose texts are 24 bytes, lines 32 and 40 */
    unsigned char byte;
    enum hf_field want;
    uint32_t want_line;
} rows[] = {
    {"flags: all of a question, for the engine's door to refuse", 5, 0xC0, HF_FIELD_NONE,
     UINT32_MAX},
    {"flags: damaged makes lines longer", 5, 0x10, HF_FIELD_LAYOUT, 1},
    {"flags: an as_of where none is read is for the engine to refuse", 5, 1, HF_FIELD_NONE,
     UINT32_MAX},
    {"from_status: for the engine to refuse", 14, 255, HF_FIELD_NONE, UINT32_MAX},
    {"to_status: for the engine to refuse", 15, 255, HF_FIELD_NONE, UINT32_MAX},
    {"from: as long as the padding", 28, 5, HF_FIELD_NONE, UINT32_MAX},
    {"from: one byte of the line", 28, 6, HF_FIELD_LAYOUT, UINT32_MAX},
    {"from: longer than the item", 28, 255, HF_FIELD_LAYOUT, UINT32_MAX},
    {"to: longer than the item", 29, 255, HF_FIELD_LAYOUT, UINT32_MAX},
    {"zero at 30", 30, 1, HF_FIELD_LAYOUT, UINT32_MAX},
    {"zero at 31", 31, 1, HF_FIELD_LAYOUT, UINT32_MAX},
    {"lines: too many to be there", 7, 0x0F, HF_FIELD_LAYOUT, 2},
    {"lines: more than an operation may have", 7, 0x10, HF_FIELD_LINES, UINT32_MAX},
    {"lines: one too few", 6, 1, HF_FIELD_LAYOUT, UINT32_MAX},
    {"lines: one too many", 6, 3, HF_FIELD_LAYOUT, 2},
    {"id: longer than the item", 8, 255, HF_FIELD_LAYOUT, UINT32_MAX},
    {"texts: padding that is not zero", 32 + 19, 1, HF_FIELD_LAYOUT, UINT32_MAX},
    {"line: zeros after the lengths", 56 + 2, 1, HF_FIELD_LAYOUT, 0},
    {"line: the last of those zeros", 56 + 7, 1, HF_FIELD_LAYOUT, 0},
    {"line: padding that is not zero", 56 + 16 + 15, 1, HF_FIELD_LAYOUT, 0},
    {"line: a sku longer than the item", 88, 255, HF_FIELD_LAYOUT, 1},
    {"line: a negative quantity is for the engine to refuse", 56 + 15, 0x80, HF_FIELD_NONE,
     UINT32_MAX},
};
#define ROWS_COUNT (sizeof rows / sizeof rows[0])

static const struct hf_wire_sample *sample_of(const char *name)
{
    for (size_t i = 0; i < hf_wire_samples_count; i++) {
        if (strcmp(hf_wire_samples[i].name, name) == 0) {
            return &hf_wire_samples[i];
        }
    }
    fail_msg("there is no sample \"%s\"", name);
    return NULL;
}

static void malformed(void **state)
{
    const struct row *row = *state;
    struct hf_buffer sample = {0};
    struct hf_op_line lines[LINES_MAX];
    struct hf_request request;
    struct hf_frame frame;
    enum hf_field field;
    uint32_t line_index;

    sample_of("reserve")->put(&sample);
    hf_buffer_front(&sample)[32 + row->at] = row->byte;
    const unsigned char *item = hf_buffer_front(&sample) + 32;
    struct hf_items body = hf_items_of(item, hf_buffer_count(&sample) - 32);
    frame = (struct hf_frame){.operation = HF_KIND_RESERVE};

    const enum hf_err err =
        hf_request_next(&body, frame.operation, lines, LINES_MAX, &request, &field, &line_index);
    assert_int_equal(field, row->want);
    assert_int_equal(line_index, row->want_line);
    assert_int_equal(err, row->want == HF_FIELD_NONE ? HF_OK : HF_INVALID_ARGUMENT);
    assert_ptr_equal(body.at, body.end); /* the next item can be read whatever this one is */
    hf_buffer_release(&sample);
}

/* What an item's own length may be, and what is left over after the last item. */
static void layout_of_bodies(void **state)
{
    static const struct {
        uint32_t item_bytes;
        bool is_whole, has_rest;
    } lengths[] = {
        {0, false, false},
        {24, false, false},
        {31, false, false},
        {32, true, true},
        {33, false, false},
        {36, false, false},
        {40, true, true},
        {56, true, true},
        {64, true, false},
        {65, false, false},
        {72, false, false},
        {UINT32_MAX, false, false},
        {UINT32_MAX - 7, false, false},
    };
    unsigned char body[64] = {0};
    bool has_rest;
    (void)state;

    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        hf_put_u32(body, lengths[i].item_bytes);
        assert_int_equal(hf_request_scan(hf_items_of(body, sizeof body), 1, &has_rest),
                         lengths[i].is_whole);
        assert_int_equal(has_rest, lengths[i].has_rest);
    }
    assert_int_equal(hf_request_scan(hf_items_of(NULL, 0), 1, &has_rest), 0);
    assert_false(has_rest);
    assert_int_equal(hf_request_scan(hf_items_of(body, 31), 1, &has_rest), 0);
    hf_put_u32(body, 32);
    hf_put_u32(body + 32, 32);
    assert_int_equal(hf_request_scan(hf_items_of(body, sizeof body), 2, &has_rest), 2);
    assert_false(has_rest);
    assert_int_equal(hf_request_scan(hf_items_of(body, sizeof body), 3, &has_rest), 2);
}

/* What cannot be sent is refused by the writer, and nothing is added. */
static void what_cannot_be_sent(void **state)
{
    static char letters[HF_TEXT_BYTES_MAX + 1];
    static struct hf_op_line lines[HF_LINES_MAX + 1];
    struct hf_buffer out = {0};
    struct hf_request request = {.op = {.kind = HF_KIND_RESERVE}};
    (void)state;

    memset(letters, 'x', sizeof letters);
    request.op.id = (struct hf_text){letters, HF_TEXT_BYTES_MAX + 1};
    assert_int_equal(hf_request_put(&out, HF_KIND_RESERVE, &request), HF_INVALID_ARGUMENT);
    assert_int_equal(hf_buffer_count(&out), 0);
    request.op.id.bytes_count = HF_TEXT_BYTES_MAX;
    assert_int_equal(hf_request_put(&out, HF_KIND_RESERVE, &request), HF_OK);
    assert_int_equal(hf_buffer_count(&out), 32 + 256);

    hf_buffer_clear(&out);
    request.op.id.bytes_count = 1;
    request.op.lines = lines;
    request.op.lines_count = HF_LINES_MAX + 1;
    assert_int_equal(hf_request_put(&out, HF_KIND_RESERVE, &request), HF_INVALID_ARGUMENT);
    assert_int_equal(hf_buffer_count(&out), 0);
    request.op.lines_count = HF_LINES_MAX;
    assert_int_equal(hf_request_put(&out, HF_KIND_RESERVE, &request), HF_OK);
    assert_int_equal(hf_buffer_count(&out), 32 + 8 + HF_LINES_MAX * 16);

    hf_buffer_clear(&out);
    request.op.lines_count = 1;
    lines[0].sku = (struct hf_text){letters, HF_TEXT_BYTES_MAX + 1};
    assert_int_equal(hf_request_put(&out, HF_KIND_RESERVE, &request), HF_INVALID_ARGUMENT);
    hf_buffer_release(&out);
}

/* The caller's array is smaller than what the item claims: refused, not overrun. */
static void fewer_lines_than_claimed(void **state)
{
    struct hf_buffer sample = {0};
    struct hf_op_line lines[2];
    struct hf_request request;
    enum hf_field field;
    uint32_t line_index;
    (void)state;

    sample_of("reserve")->put(&sample);
    lines[1].units = 99;
    struct hf_items body =
        hf_items_of(hf_buffer_front(&sample) + 32, hf_buffer_count(&sample) - 32);
    assert_int_equal(
        hf_request_next(&body, HF_KIND_RESERVE, lines, 1, &request, &field, &line_index),
        HF_INVALID_ARGUMENT);
    assert_int_equal(line_index, 1);
    assert_int_equal(lines[1].units, 99);
    hf_buffer_release(&sample);
}

int main(void)
{
    static const struct CMUnitTest others[] = {
        cmocka_unit_test(golden_bytes),
        cmocka_unit_test(there_and_back),
        cmocka_unit_test(arguments_of_requests),
        cmocka_unit_test(places_statuses_and_damage),
        cmocka_unit_test(prefixes_of_bodies),
        cmocka_unit_test(prefixes_of_items),
        cmocka_unit_test(layout_of_bodies),
        cmocka_unit_test(what_cannot_be_sent),
        cmocka_unit_test(fewer_lines_than_claimed),
    };
    struct CMUnitTest tests[ROWS_COUNT];

    for (size_t i = 0; i < ROWS_COUNT; i++) {
        tests[i] = (struct CMUnitTest){.name = rows[i].name,
                                       .test_func = malformed,
                                       .initial_state = (void *)(uintptr_t)&rows[i]};
    }
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    return failed + cmocka_run_group_tests(others, NULL, NULL);
}
