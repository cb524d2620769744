/*
 * fuzz_wire.c - libFuzzer over everything that reads the wire: frames, codec, connection, dispatch.
 *
 * The first byte of an input chooses what the rest is:
 *     0  bytes from a client as they are, in pieces
 *     1  frames from a client after its hello. Magic, version, flags, length and checksum are put
 *        right first: otherwise the checksum would hide all that lies behind it
 *     2  the body of a reply, read as a client does; the second byte is the operation. Of a
 *        subscribe its request, too
 *     3  frames as in 1, to a server with a change feed
 * Any input must leave a connection that answers or has closed, an engine whose audit is clean,
 * and memory that was only read where it may be (ASan, UBSan).
 *
 * At start the samples of all frames are put into the first corpus folder given.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/assert.h"
#include "engine/bytes.h"
#include "net/codec.h"
#include "net/codec_feed.h"
#include "tests/fuzz/seeds.h"
#include "tests/lib/feed_world.h"
#include "tests/lib/wire_samples.h"
#include "tests/lib/wire_world.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes_count);
int LLVMFuzzerInitialize(int *argc, char ***argv);

enum { RAW, FRAMES, REPLY, FOLLOWED, FORMS_COUNT };
#define PIECE_BYTES 61

/* ------------------------------------------------------------------ seeds */

static void write_seed(const char *folder, const struct hf_wire_sample *sample)
{
    struct hf_buffer out = {0};
    FILE *file = hf_seeds_file(folder, "sample", sample->name);

    sample->put(&out);
    const unsigned char *bytes = hf_buffer_front(&out);
    const size_t bytes_count = hf_buffer_count(&out);
    if (sample->is_reply) {
        const unsigned char head[] = {REPLY, bytes[3]};
        (void)fwrite(head, 1, sizeof head, file);
        (void)fwrite(bytes + 32, 1, bytes_count - 32, file);
    } else {
        const unsigned char head = bytes[3] == HF_ASK_SUBSCRIBE ? FOLLOWED : FRAMES;
        (void)fwrite(&head, 1, 1, file);
        (void)fwrite(bytes, 1, bytes_count, file);
    }
    (void)fclose(file);
    hf_buffer_release(&out);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    const char *folder = hf_seeds_folder(*argc, *argv);

    for (size_t at = 0; folder != NULL && at < hf_wire_samples_count; at++) {
        write_seed(folder, &hf_wire_samples[at]);
    }
    return 0;
}

/* ------------------------------------------------------------------ a server's side */

/* Events of one frame: in the order of the log, and none after the token. */
static void check_events(struct hf_items body, uint32_t count)
{
    struct hf_token token;
    uint64_t lsn = 0;

    HF_ASSERT(hf_events_head_next(&body, &token) == HF_OK);
    for (uint32_t i = 0; i < count; i++) {
        struct hf_event event;
        struct hf_items hits;
        uint32_t epoch;
        HF_ASSERT(hf_event_next(&body, &event, &epoch, &hits) == HF_OK);
        HF_ASSERT(event.lsn >= lsn);
        lsn = event.lsn;
    }
    HF_ASSERT(body.at == body.end);
}

/* Every reply is well-formed, whatever was asked. */
static void check_replies(struct hf_world *world)
{
    struct hf_frame frame;
    while (hf_world_next(world, &frame)) {
        struct hf_items body = hf_items_of(frame.body, frame.body_bytes);
        if (frame.operation == HF_ASK_EVENTS && frame.flags == HF_FRAME_REPLY) {
            check_events(body, frame.count);
            continue;
        }
        for (uint32_t i = 0; i < frame.count; i++) {
            struct hf_reply reply;
            HF_ASSERT(hf_reply_next(&body, &reply) == HF_OK);
            HF_ASSERT((unsigned)reply.outcome < HF_OUTCOMES_COUNT);
            HF_ASSERT((unsigned)reply.field < HF_FIELDS_COUNT);
        }
        HF_ASSERT(body.at == body.end);
    }
}

static void finish_world(struct hf_world *world)
{
    struct hf_audit audit = {0};

    hf_world_sync(world);
    while (hf_connection_has_work(&world->connection)) {
        hf_connection_step(&world->connection);
    }
    if (world->backup_cb != NULL && world->dispatch.backing_up.is_running) {
        world->backup_cb(world->backup_arg,
                         &(struct hf_log_backup){.is_done = true, .err = HF_IO, .text = "full"});
    }
    if (world->snapshot_done != NULL && world->dispatch.is_snapshot_running) {
        world->snapshot_done(world->snapshot_arg, HF_OK, world->durable_lsn);
    }
    hf_connection_end(&world->connection);
    check_replies(world);
    while (!hf_engine_audit(world->engine, &audit, 1000)) {
    }
    HF_ASSERT(audit.violations_count == 0);
}

static void read_raw(const uint8_t *data, size_t bytes_count)
{
    struct hf_world world;
    hf_world_init(&world, 0);
    for (size_t at = 0; at < bytes_count; at += PIECE_BYTES) {
        const size_t left = bytes_count - at;
        hf_world_receive(&world, data + at, left < PIECE_BYTES ? left : PIECE_BYTES);
    }
    finish_world(&world);
    hf_world_release(&world);
}

static void send_frames(struct hf_world *world, struct hf_feed *feed, const uint8_t *data,
                        size_t bytes_count)
{
    unsigned char *frame = malloc(bytes_count + 1);

    HF_ASSERT(frame != NULL);
    hf_world_hello(world);
    for (size_t at = 0; bytes_count - at >= HF_FRAME_HEADER_BYTES;) {
        const size_t left = bytes_count - at - HF_FRAME_HEADER_BYTES;
        const uint32_t asked = hf_get_u32(data + at + 4);
        const size_t body_bytes = asked < left ? asked : left;
        memcpy(frame, data + at, HF_FRAME_HEADER_BYTES + body_bytes);
        memcpy(frame, "HF\2", 3);
        hf_put_u32(frame + 4, (uint32_t)body_bytes);
        hf_put_u16(frame + 16, 0);
        if (hf_get_u32(frame + 20) != 0) {
            hf_put_u32(frame + 20, world->dispatch.handle_tag);
        }
        hf_put_u64(frame + 24, hf_frame_checksum(frame, frame + 32, body_bytes));
        world->now_us += frame[8]; /* time passes, so that holds end */
        hf_world_receive(world, frame, HF_FRAME_HEADER_BYTES + body_bytes);
        if ((frame[9] & 1) != 0) {
            hf_world_sync(world);
        }
        while (feed != NULL && hf_feed_round(feed, true)) {
        }
        at += HF_FRAME_HEADER_BYTES + body_bytes;
    }
    free(frame);
}

static void read_frames(const uint8_t *data, size_t bytes_count)
{
    struct hf_world world;
    hf_world_init(&world, 0);
    send_frames(&world, NULL, data, bytes_count);
    finish_world(&world);
    hf_world_release(&world);
}

static void read_followed(const uint8_t *data, size_t bytes_count)
{
    struct hf_feed_world *world = hf_feed_world_create(4);
    send_frames(&world->world, &world->feed, data, bytes_count);
    hf_world_sync(&world->world);
    while (hf_feed_round(&world->feed, true)) {
    }
    finish_world(&world->world);
    hf_feed_world_free(world);
}

/* ------------------------------------------------------------------ a client's side */

static enum hf_err read_shortage(struct hf_items *entries)
{
    struct hf_cell_view cell;
    struct hf_items hits;
    struct hf_hit hit;
    uint32_t hits_count;

    if (hf_shortage_next(entries, &cell, &hits, &hits_count) != HF_OK) {
        return HF_CORRUPT;
    }
    for (uint32_t i = 0; i < hits_count && hf_hit_next(&hits, &hit) == HF_OK; i++) {
    }
    return HF_OK;
}

/* What a subscriber is told: a head, then events until one cannot be read. */
static void read_events(struct hf_items body)
{
    struct hf_token token;
    struct hf_event event;
    struct hf_items hits;
    uint32_t epoch;

    if (hf_events_head_next(&body, &token) != HF_OK) {
        return;
    }
    while (hf_event_next(&body, &event, &epoch, &hits) == HF_OK) {
        struct hf_hit hit;
        HF_ASSERT(event.hits_count <= HF_HITS_MAX);
        for (uint32_t i = 0; i < event.hits_count && hf_event_hit_next(&hits, &hit) == HF_OK; i++) {
        }
    }
}

static enum hf_err read_entry(unsigned operation, unsigned section, uint32_t index,
                              struct hf_items *entries)
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

    switch (operation) {
    case HF_ASK_STOCK:
    case HF_ASK_LIST:
        return hf_cell_next(entries, &entry.cell);
    case HF_ASK_ATS:
        return hf_ats_next(entries, &entry.ats);
    case HF_ASK_RESERVATION:
        return index == 0 ? hf_reservation_next(entries, &entry.reservation)
                          : hf_reservation_line_next(entries, &entry.reservation_line);
    case HF_ASK_ORDER:
        return hf_summary_next(entries, &entry.reservation);
    case HF_ASK_LEDGER:
        return hf_move_entry_next(entries, &entry.move);
    case HF_ASK_SHORTAGES:
        return read_shortage(entries);
    case HF_ASK_TRANSFER:
    case HF_ASK_INBOUND:
        return index == 0 ? hf_shipment_next(entries, &entry.shipment)
                          : hf_shipment_line_next(entries, &entry.shipment_line);
    case HF_ASK_TRANSFERS:
    case HF_ASK_INBOUND_SHIPMENTS:
        return hf_shipment_next(entries, &entry.shipment);
    case HF_ASK_EXPORT_NEXT:
        entry.row.section = (enum hf_frozen_section)section;
        return hf_row_next(entries, &entry.row);
    case HF_ASK_LOOKUP:
        return hf_handle_pair_next(entries, &entry.pair);
    case HF_ASK_HELLO:
        return hf_welcome_next(entries, &entry.welcome);
    case HF_ASK_STATS:
        return hf_stat_next(entries, &entry.stat);
    case HF_ASK_DIGEST:
        return hf_digest_next(entries, &entry.digest);
    case HF_ASK_AUDIT:
        return hf_audit_report_next(entries, &entry.audit);
    case HF_ASK_BACKUP:
    case HF_ASK_BACKUP_NEXT:
        return hf_backup_view_next(entries, &entry.backup);
    default:
        return hf_result_line_next(entries, &entry.line);
    }
}

static void read_reply(const uint8_t *data, size_t bytes_count)
{
    if (bytes_count == 0) {
        return;
    }
    /* A copy of its own size, so that ASan sees the first byte read past it. */
    const size_t body_bytes = bytes_count - 1;
    unsigned char *body = malloc(body_bytes + 1);
    HF_ASSERT(body != NULL);
    memcpy(body + 1, data + 1, body_bytes);
    struct hf_items items = hf_items_of(body + 1, body_bytes);
    struct hf_reply reply;

    if (data[0] == HF_ASK_EVENTS) {
        read_events(items);
        items.at = items.end;
    }
    if (data[0] == HF_ASK_SUBSCRIBE) {
        struct hf_subscription wish;
        enum hf_field field;
        (void)hf_subscription_read(items, &wish, &field);
    }
    while (hf_reply_next(&items, &reply) == HF_OK) {
        /* What an export's rows are is asked for, and not told: the state says it here. */
        const unsigned section = HF_FROZEN_CELLS + (unsigned)reply.state % HF_FROZEN_INBOUND;
        for (uint32_t i = 0; i < reply.entries_count; i++) {
            if (read_entry(data[0], section, i, &reply.entries) != HF_OK) {
                break;
            }
        }
    }
    free(body);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes_count)
{
    if (bytes_count == 0) {
        return 0;
    }
    switch (data[0] % FORMS_COUNT) {
    case RAW:
        read_raw(data + 1, bytes_count - 1);
        return 0;
    case FRAMES:
        read_frames(data + 1, bytes_count - 1);
        return 0;
    case FOLLOWED:
        read_followed(data + 1, bytes_count - 1);
        return 0;
    default:
        read_reply(data + 1, bytes_count - 1);
        return 0;
    }
}
