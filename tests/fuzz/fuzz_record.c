/*
 * fuzz_record.c - records of a log that nobody vouches for.
 *
 *     input   | how it is read | of the story: kept, edits, (at, value) ... | record | record | ...
 *
 * The story is a log of every kind of record. `kept` of its records are replayed as they are, the
 * next one with its bytes changed as the edits say; the records of the input follow.
 *
 * Whatever the bytes are, an engine of small limits either replays a record or says that it is
 * corrupt or past its limits; never does an invariant break. As long as it replays, the state is
 * sound: the audit finds nothing, the history can be asked for, holds end, stock can be released.
 * Records come with the LSN, times and sizes that fit when the first byte asks for it, so that
 * mutations reach the effects.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "engine/assert.h"
#include "engine/bytes.h"
#include "engine/ledger.h"
#include "engine/pool.h"
#include "engine/record.h"
#include "tests/fuzz/story.h"
#include "tests/lib/small_engine.h"

#define RECORD_BYTES_MAX 4096
#define STORY_MAX 64

enum { FIX_HEADER = 1, LOAD = 2, GO_ON = 4 };

static unsigned char *story[STORY_MAX];
static uint32_t story_bytes[STORY_MAX];
static uint32_t story_count;

static struct hf_engine *new_engine(void)
{
    struct hf_engine_config config = hf_story_config();

    config.skus_max = 4;
    config.locations_max = 4;
    config.cells_max = 7;
    config.reservations_max = 9;
    config.lines_max = 16;
    config.shipments_max = 6;
    config.shipment_lines_max = 9;
    config.references_max = 64;
    struct hf_engine *engine = hf_engine_create(&config);
    HF_ASSERT(engine != NULL);
    return engine;
}

static void look_cb(void *arg, const struct hf_move *move)
{
    uint64_t *sum = arg;
    *sum +=
        move->lsn + move->sku.bytes_count + move->location.bytes_count + move->order.bytes_count;
}

static void look_at_event_cb(void *arg, const struct hf_event *event)
{
    uint64_t *sum = arg;

    *sum += event->sku.bytes_count + event->location.bytes_count + event->id.bytes_count +
            event->ref.bytes_count + event->hits_count;
    for (uint32_t i = 0; i < event->hits_count; i++) {
        *sum += event->hits[i].reservation.bytes_count;
    }
}

/* What was replayed can be told, and its first event is the first. */
static void tell(struct hf_engine *engine, const unsigned char *record, size_t bytes_count)
{
    uint64_t sum = 0;

    HF_ASSERT(hf_engine_events(engine, record, bytes_count, false, look_at_event_cb, &sum) ==
              HF_OK);
    HF_ASSERT(hf_engine_events(engine, record, bytes_count, true, look_at_event_cb, &sum) == HF_OK);
}

static void look_at_shortage_cb(void *arg, const struct hf_cell_view *view,
                                const struct hf_hit *hits, uint32_t hits_count)
{
    uint64_t *sum = arg;

    *sum += view->sku.bytes_count;
    for (uint32_t i = 0; i < hits_count; i++) {
        *sum += hits[i].reservation.bytes_count;
    }
}

static void look_at_shipment_cb(void *arg, const struct hf_shipment_view *view)
{
    uint64_t *sum = arg;
    *sum += view->id.bytes_count + view->order.bytes_count + view->from.bytes_count +
            view->to.bytes_count;
}

/* Ask for all that the records may have led to. */
static void look(struct hf_engine *engine)
{
    struct hf_engine_stats stats;
    uint64_t sum = 0;

    hf_engine_stats(engine, &stats);
    for (uint32_t sku = 0; sku < stats.skus_count; sku++) {
        for (uint32_t location = 0; location < stats.locations_count; location++) {
            uint64_t cursor = UINT64_MAX;
            do {
                cursor = hf_engine_ledger_cell(engine, sku, location, cursor, 2, look_cb, &sum);
            } while (cursor != 0);
        }
    }
    (void)hf_engine_ledger_order(engine, hf_text_of("o1"), UINT64_MAX, 100, look_cb, &sum);
    (void)hf_engine_ledger_ref(engine, hf_text_of("r1"), look_cb, &sum);
    uint64_t at = 0;
    while (hf_engine_shortages(engine, &at, 2, look_at_shortage_cb, &sum)) {
    }
    for (int kind = HF_TRANSFER; kind <= HF_INBOUND; kind++) {
        const struct hf_shipment_filter filter = {.kind = (enum hf_shipment_kind)kind,
                                                  .location = HF_HANDLE_NONE};
        at = 0;
        while (hf_engine_shipments(engine, &filter, &at, 2, look_at_shipment_cb, &sum)) {
        }
    }
    HF_ASSERT(hf_small_violation(engine) == NULL);
}

/* Go on as a server would: holds end, what is left of a few reservations is given back. */
static void go_on(struct hf_engine *engine)
{
    static const char *const texts[] = {"release_order order=o1",
                                        "release r1",
                                        "confirm r2",
                                        "fulfil r2 rest",
                                        "release r2",
                                        "receive A@W=1",
                                        "reserve r9 A@W=1",
                                        "transfer_receive t1 A=1 damaged=1",
                                        "transfer_cancel t1",
                                        "transfer_ship t3 B=1",
                                        "transfer_close t3",
                                        "inbound_receive i1 A=1",
                                        "inbound_cancel i1",
                                        "inbound_receive i2",
                                        "set A@W=2",
                                        "move_status A@W=1 from=sellable to=damaged",
                                        "dispose A@W=1 from=damaged"};
    const uint64_t now_us = hf_engine_time_us(engine) + UINT64_C(1000000) * 3600;
    struct hf_told told;
    struct hf_result result;

    hf_engine_expire(engine, now_us, 2);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        hf_tell(&told, texts[i]);
        hf_engine_apply(engine, &told.op, now_us, &result);
    }
    hf_engine_expire(engine, HF_TIME_US_MAX, 100);
    HF_ASSERT(hf_small_violation(engine) == NULL);
}

/* Read a record effect by effect, as tools do that know no state. */
static void read_record(const unsigned char *bytes, size_t bytes_count)
{
    struct hf_record_reader reader;
    struct hf_record_header header;
    struct hf_effect effect;
    bool is_end = false;

    if (hf_record_open(&reader, &header, bytes, bytes_count) != HF_OK) {
        return;
    }
    while (!is_end && hf_record_next(&reader, header.lsn, &effect, &is_end) == HF_OK) {
    }
}

/* The size of the next record, and the record itself made to follow the one before. */
static size_t next_record(struct hf_engine *engine, unsigned how, const uint8_t *data, size_t left,
                          unsigned char *record)
{
    size_t bytes_count = left < 4 ? left : hf_get_u32(data);

    if (bytes_count > left || bytes_count == 0) {
        bytes_count = left;
    }
    if (bytes_count > RECORD_BYTES_MAX) {
        bytes_count = RECORD_BYTES_MAX;
    }
    memcpy(record, data, bytes_count);
    if ((how & FIX_HEADER) != 0 && bytes_count >= HF_RECORD_HEADER_BYTES) {
        hf_put_u32(record, (uint32_t)bytes_count);
        hf_put_u64(record + 8, hf_engine_lsn(engine) + 1);
        if (hf_get_u64(record + 16) < hf_engine_time_us(engine)) {
            hf_put_u64(record + 16, hf_engine_time_us(engine));
        }
    }
    return bytes_count;
}

static struct hf_engine *loaded_engine(const struct hf_engine *engine)
{
    unsigned char *chunk = hf_memory_reserve(HF_IMAGE_BYTES_MIN);
    struct hf_image_cursor cursor = {0};
    struct hf_engine *loaded = new_engine();
    const char *why;

    HF_ASSERT(chunk != NULL);
    for (;;) {
        const size_t bytes_count = hf_engine_copy((struct hf_engine *)(uintptr_t)engine, &cursor,
                                                  chunk, HF_IMAGE_BYTES_MIN);
        if (bytes_count == 0) {
            break;
        }
        HF_ASSERT(hf_engine_load(loaded, chunk, bytes_count, &why) == HF_OK);
    }
    HF_ASSERT(hf_engine_load_end(loaded, &why) == HF_OK);
    hf_memory_give_back(chunk, HF_IMAGE_BYTES_MIN);
    return loaded;
}

static void tell_story(void)
{
    struct hf_small small;
    const struct hf_engine_config config = hf_story_config();

    hf_small_init(&small, &config);
    for (size_t i = 0; i < hf_story_count; i++) {
        HF_ASSERT(hf_small_do(&small, "%s", hf_story[i]) == HF_OK);
    }
    hf_engine_expire(small.engine, small.now_us + 10, 10);
    hf_small_pin(&small);
    story_count = (uint32_t)hf_engine_lsn(small.engine);
    HF_ASSERT(story_count <= STORY_MAX);
    for (uint32_t i = 0; i < story_count; i++) {
        const unsigned char *record =
            hf_ledger_get(hf_engine_ledger(small.engine), i + 1, &story_bytes[i]);
        story[i] = malloc(story_bytes[i]);
        HF_ASSERT(story[i] != NULL);
        memcpy(story[i], record, story_bytes[i]);
    }
    hf_small_release(&small);
}

struct input {
    const uint8_t *at, *end;
};

static unsigned next_byte(struct input *input)
{
    return input->at < input->end ? *input->at++ : 0;
}

/* Replay the beginning of the story, and one record that is not quite as it was. */
static enum hf_err replay_story(struct hf_engine *engine, struct input *input, const char **why)
{
    const uint32_t kept = next_byte(input) % (story_count + 1);
    const unsigned edits = next_byte(input) % 8;

    for (uint32_t i = 0; i < kept; i++) {
        HF_ASSERT(hf_engine_replay(engine, story[i], story_bytes[i], why) == HF_OK);
    }
    if (kept == story_count || edits == 0) {
        return HF_OK;
    }
    unsigned char *edited = malloc(story_bytes[kept]);
    HF_ASSERT(edited != NULL);
    memcpy(edited, story[kept], story_bytes[kept]);
    for (unsigned i = 0; i < edits; i++) {
        const unsigned at = next_byte(input);
        edited[at % story_bytes[kept]] = (unsigned char)next_byte(input);
    }
    const enum hf_err err = hf_engine_replay(engine, edited, story_bytes[kept], why);
    HF_ASSERT(err == HF_OK || err == HF_CORRUPT || err == HF_LIMIT_EXCEEDED);
    if (err == HF_OK) {
        tell(engine, edited, story_bytes[kept]);
    }
    free(edited);
    return err;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = {data, data + size};
    const char *why = "";

    if (story_count == 0) {
        tell_story();
    }
    struct hf_engine *engine = new_engine();
    const unsigned how = next_byte(&input);
    enum hf_err err = replay_story(engine, &input, &why);
    const uint8_t *const begin = input.at;
    const uint8_t *const end = input.end;
    data = begin;
    while (err == HF_OK && data < end) {
        /* A copy of its own size: AddressSanitizer sees one byte too far. */
        unsigned char *record = malloc(RECORD_BYTES_MAX);
        HF_ASSERT(record != NULL);
        const size_t bytes_count = next_record(engine, how, data, (size_t)(end - data), record);
        unsigned char *exact = malloc(bytes_count);
        HF_ASSERT(exact != NULL);
        memcpy(exact, record, bytes_count);
        free(record);
        read_record(exact, bytes_count);
        err = hf_engine_replay(engine, exact, bytes_count, &why);
        HF_ASSERT(err == HF_OK || err == HF_CORRUPT || err == HF_LIMIT_EXCEEDED);
        HF_ASSERT(err == HF_OK || why[0] != '\0');
        if (err == HF_OK) {
            tell(engine, exact, bytes_count);
        }
        free(exact);
        data += bytes_count;
    }
    if (err == HF_OK) {
        look(engine);
    }
    if (err == HF_OK && (how & LOAD) != 0) {
        struct hf_engine *loaded = loaded_engine(engine);
        HF_ASSERT(hf_digest_is_equal(hf_engine_digest(engine), hf_engine_digest(loaded)));
        if (end - begin >= HF_RECORD_HEADER_BYTES && hf_get_u32(begin) <= (size_t)(end - begin)) {
            /* The same bytes as a record from before the snapshot: for the history only. */
            (void)hf_engine_replay(loaded, begin, hf_get_u32(begin), &why);
            look(loaded);
        }
        go_on(loaded);
        hf_engine_free(loaded);
    }
    if (err == HF_OK && (how & GO_ON) != 0) {
        go_on(engine);
    }
    hf_engine_free(engine);
    return 0;
}
