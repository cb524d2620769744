/*
 * test_engine_record_fields.c - the fields of a record and of its effects.
 *
 * Method: random records of all effects are written and read, and nothing may be lost. Two tables
 * try both sides of every bound of every field, of the header and of each effect by its tag.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>

#include "engine/bytes.h"
#include "engine/op.h"
#include "tests/lib/small_engine.h"
#include "tests/unit/records.h"

/* ------------------------------------------------------------------ random effects */

static struct hf_text random_text(uint64_t *seed, char *room, bool may_be_empty)
{
    const uint32_t bytes_count =
        (uint32_t)hf_random_below(seed, HF_CODE_BYTES_MAX + (may_be_empty ? 1 : 0)) +
        (may_be_empty ? 0 : 1);
    for (uint32_t i = 0; i < bytes_count; i++) {
        room[i] = (char)(' ' + hf_random_below(seed, 95));
    }
    return (struct hf_text){room, bytes_count};
}

/* Edges are likelier than their share. */
static uint64_t random_edge(uint64_t *seed, uint64_t max)
{
    switch (hf_random_below(seed, 6)) {
    case 0:
        return 0;
    case 1:
        return max;
    case 2:
        return max - hf_random_below(seed, max < 3 ? 1 : 3);
    case 3:
        return hf_random_below(seed, max < 300 ? max + 1 : 300);
    default:
        return hf_random_next(seed) % (max == UINT64_MAX ? max : max + 1);
    }
}

static int64_t random_units(uint64_t *seed)
{
    return (int64_t)random_edge(seed, (uint64_t)HF_UNITS_MAX);
}

/* Marks and gap; what is not written is zero. */
static struct hf_effect_tell random_tell(uint64_t *seed)
{
    struct hf_effect_tell tell = {.gap = random_units(seed) - random_units(seed)};

    if (hf_random_below(seed, 2) == 0) {
        tell.marks = (uint8_t)(HF_MARK_GIVEN | hf_random_below(seed, HF_MARK_GIVEN));
    }
    return tell;
}

static struct hf_effect_shipment random_shipment(uint64_t *seed, bool is_opening, char *room)
{
    struct hf_effect_shipment shipment = {
        .id = random_text(seed, room, false),
        .state = (enum hf_state)(HF_STATE_DRAFT +
                                 hf_random_below(seed, HF_STATE_CLOSED - HF_STATE_DRAFT + 1)),
        .from = HF_HANDLE_NONE,
        .index = HF_HANDLE_NONE,
    };

    if (is_opening) {
        shipment.kind = hf_random_below(seed, 2) == 0 ? HF_TRANSFER : HF_INBOUND;
        shipment.is_sellable = hf_random_below(seed, 2) == 0;
        if (hf_random_below(seed, 2) == 0) {
            shipment.from = (uint32_t)random_edge(seed, HF_HANDLE_NONE - 2);
        }
        shipment.to = (uint32_t)random_edge(seed, HF_HANDLE_NONE - 1);
        shipment.eta_us = random_edge(seed, HF_TIME_US_MAX);
    }
    return shipment;
}

#define HITS_MAX 3

static struct hf_effect_shortage random_shortage(uint64_t *seed, char *room,
                                                 unsigned char *hits_room)
{
    struct hf_effect_shortage shortage = {
        .sku = (uint32_t)random_edge(seed, HF_HANDLE_NONE - 1),
        .location = (uint32_t)random_edge(seed, HF_HANDLE_NONE - 1),
        .missing = 1 + (int64_t)random_edge(seed, 2 * (uint64_t)HF_UNITS_MAX - 1),
        .hits_count = (uint32_t)hf_random_below(seed, HITS_MAX + 1),
        .hits = hits_room,
    };
    const struct hf_hit hit = {.reservation = random_text(seed, room, false),
                               .units = random_units(seed)};
    unsigned char *at = hits_room;

    for (uint32_t i = 0; i < shortage.hits_count; i++) {
        at = hf_record_put_hit(at, &hit);
    }
    shortage.hits_bytes = (uint32_t)(at - hits_room);
    return shortage;
}

/* Texts go to `room`, hits to `hits_room`. */
static void random_effect(uint64_t *seed, uint64_t lsn, struct hf_effect *effect, char *room,
                          unsigned char *hits_room)
{
    memset(effect, 0, sizeof *effect);
    effect->tag = (enum hf_effect_tag)(1 + hf_random_below(seed, HF_EFFECT_SHORTAGE));
    const uint32_t handle = (uint32_t)random_edge(seed, HF_HANDLE_NONE - 1);
    const uint64_t version = random_edge(seed, lsn);
    switch (effect->tag) {
    case HF_EFFECT_SKU:
    case HF_EFFECT_LOCATION:
    case HF_EFFECT_REGION:
        effect->code.handle = handle;
        effect->code.code = random_text(seed, room, false);
        break;
    case HF_EFFECT_PLACE:
        effect->place.location = handle;
        /* The highest region handle that is written is two below none. */
        effect->place.region = hf_random_below(seed, 3) == 0
                                   ? HF_HANDLE_NONE
                                   : (uint32_t)random_edge(seed, HF_HANDLE_NONE - 2);
        effect->place.is_in_transit_sellable = hf_random_below(seed, 2) == 0;
        break;
    case HF_EFFECT_POLICY:
        effect->policy.sku = handle;
        effect->policy.location = (uint32_t)random_edge(seed, HF_HANDLE_NONE - 1);
        effect->policy.version_before = version;
        effect->policy.policy =
            (struct hf_policy){random_units(seed), random_units(seed) - 1, random_units(seed)};
        for (unsigned i = 0; i < HF_COUNTERS_COUNT; i++) {
            effect->policy.after[i] = random_units(seed);
        }
        effect->policy.tell = random_tell(seed);
        break;
    case HF_EFFECT_OPEN:
    case HF_EFFECT_STATE:
        effect->reservation.id = random_text(seed, room, false);
        effect->reservation.state = (enum hf_state)(1 + hf_random_below(seed, HF_STATE_SUPERSEDED));
        effect->reservation.life_us = random_edge(seed, HF_LIFE_US_LIMIT);
        effect->reservation.index = HF_HANDLE_NONE;
        break;
    case HF_EFFECT_MOVE:
        effect->move = (struct hf_effect_move){.sku = handle,
                                               .location = (uint32_t)random_edge(seed, 100),
                                               .cell = HF_HANDLE_NONE,
                                               .line = HF_HANDLE_NONE,
                                               .version_before = version};
        for (unsigned i = 0; i < HF_COUNTERS_COUNT; i++) {
            effect->move.delta[i] = random_units(seed) - random_units(seed);
            effect->move.after[i] = random_units(seed);
        }
        effect->move.tell = random_tell(seed);
        break;
    case HF_EFFECT_SHIPMENT_OPEN:
    case HF_EFFECT_SHIPMENT_STATE:
        effect->shipment = random_shipment(seed, effect->tag == HF_EFFECT_SHIPMENT_OPEN, room);
        break;
    case HF_EFFECT_LINE:
        effect->line = (struct hf_effect_line){.sku = handle, .line = HF_HANDLE_NONE};
        effect->line.units = hf_random_below(seed, 2) == 0 ? 0 : random_units(seed);
        for (unsigned i = 0; i < HF_LINE_FIGURES; i++) {
            effect->line.delta[i] = random_units(seed) - random_units(seed);
        }
        break;
    case HF_EFFECT_SHORTAGE:
        effect->shortage = random_shortage(seed, room, hits_room);
        break;
    case HF_EFFECT_END:
        fail();
    }
}

static void check_texts(struct hf_text got, struct hf_text want)
{
    assert_int_equal(got.bytes_count, want.bytes_count);
    assert_true(hf_text_equal(got, want));
}

static void check_tell(const struct hf_effect_tell *got, const struct hf_effect_tell *want)
{
    assert_int_equal(got->marks, want->marks);
    assert_true(got->gap == want->gap);
}

static void check_shipment(const struct hf_effect_shipment *got,
                           const struct hf_effect_shipment *want)
{
    check_texts(got->id, want->id);
    assert_int_equal(got->state, want->state);
    assert_int_equal(got->kind, want->kind);
    assert_int_equal(got->is_sellable, want->is_sellable);
    assert_int_equal(got->from, want->from);
    assert_int_equal(got->to, want->to);
    assert_true(got->eta_us == want->eta_us);
    assert_int_equal(got->index, HF_HANDLE_NONE);
}

static void check_shortage(const struct hf_effect_shortage *got,
                           const struct hf_effect_shortage *want)
{
    struct hf_hit got_hits[HF_HITS_MAX];
    struct hf_hit want_hits[HF_HITS_MAX];

    assert_int_equal(got->sku, want->sku);
    assert_int_equal(got->location, want->location);
    assert_true(got->missing == want->missing);
    assert_int_equal(got->hits_count, want->hits_count);
    hf_record_hits(got, got_hits);
    hf_record_hits(want, want_hits);
    for (uint32_t i = 0; i < got->hits_count; i++) {
        check_texts(got_hits[i].reservation, want_hits[i].reservation);
        assert_true(got_hits[i].units == want_hits[i].units);
    }
}

static void check_effect(const struct hf_effect *got, const struct hf_effect *want)
{
    assert_int_equal(got->tag, want->tag);
    switch (want->tag) {
    case HF_EFFECT_SKU:
    case HF_EFFECT_LOCATION:
    case HF_EFFECT_REGION:
        assert_int_equal(got->code.handle, want->code.handle);
        check_texts(got->code.code, want->code.code);
        break;
    case HF_EFFECT_PLACE:
        assert_int_equal(got->place.location, want->place.location);
        assert_int_equal(got->place.region, want->place.region);
        assert_int_equal(got->place.is_in_transit_sellable, want->place.is_in_transit_sellable);
        break;
    case HF_EFFECT_POLICY:
        assert_int_equal(got->policy.sku, want->policy.sku);
        assert_int_equal(got->policy.location, want->policy.location);
        assert_int_equal(got->policy.version_before, want->policy.version_before);
        assert_memory_equal(&got->policy.policy, &want->policy.policy, sizeof got->policy.policy);
        assert_memory_equal(got->policy.after, want->policy.after, sizeof got->policy.after);
        check_tell(&got->policy.tell, &want->policy.tell);
        break;
    case HF_EFFECT_OPEN:
    case HF_EFFECT_STATE:
        check_texts(got->reservation.id, want->reservation.id);
        assert_int_equal(got->reservation.state, want->reservation.state);
        assert_int_equal(got->reservation.life_us, want->reservation.life_us);
        assert_int_equal(got->reservation.index, HF_HANDLE_NONE);
        break;
    case HF_EFFECT_MOVE:
        assert_int_equal(got->move.sku, want->move.sku);
        assert_int_equal(got->move.location, want->move.location);
        assert_int_equal(got->move.version_before, want->move.version_before);
        assert_int_equal(got->move.cell, HF_HANDLE_NONE);
        assert_int_equal(got->move.line, HF_HANDLE_NONE);
        check_tell(&got->move.tell, &want->move.tell);
        assert_memory_equal(got->move.delta, want->move.delta, sizeof got->move.delta);
        assert_memory_equal(got->move.after, want->move.after, sizeof got->move.after);
        break;
    case HF_EFFECT_SHIPMENT_OPEN:
    case HF_EFFECT_SHIPMENT_STATE:
        check_shipment(&got->shipment, &want->shipment);
        break;
    case HF_EFFECT_LINE:
        assert_int_equal(got->line.sku, want->line.sku);
        assert_int_equal(got->line.line, HF_HANDLE_NONE);
        assert_true(got->line.units == want->line.units);
        assert_memory_equal(got->line.delta, want->line.delta, sizeof got->line.delta);
        break;
    case HF_EFFECT_SHORTAGE:
        check_shortage(&got->shortage, &want->shortage);
        break;
    case HF_EFFECT_END:
        fail();
    }
}

static void random_effects_round_trip(void **state)
{
    uint64_t seed = hf_random_seed();
    static char texts[HF_DECODED_EFFECTS_MAX + 3][HF_CODE_BYTES_MAX];
    static unsigned char hits[HF_DECODED_EFFECTS_MAX][HITS_MAX * HF_HIT_BYTES_MAX];
    static unsigned char bytes[8192];
    struct hf_decoded want;
    struct hf_decoded got;
    (void)state;

    for (uint32_t round = 0; round < 20000; round++) {
        memset(&want, 0, sizeof want);
        want.header = (struct hf_record_header){
            .kind = (uint8_t)(1 + hf_random_below(&seed, HF_KINDS_COUNT - 1)),
            .reason = (uint8_t)hf_random_below(&seed, HF_REASONS_COUNT),
            .flags = (uint8_t)hf_random_below(&seed, HF_RECORD_FLAGS_ALL + 1),
            .lsn = random_edge(&seed, UINT64_MAX - 1) + 1,
            .ts_us = random_edge(&seed, HF_TIME_US_MAX),
            .ref = random_text(&seed, texts[HF_DECODED_EFFECTS_MAX], true),
            .order = random_text(&seed, texts[HF_DECODED_EFFECTS_MAX + 1], true),
            .by = random_text(&seed, texts[HF_DECODED_EFFECTS_MAX + 2], true),
            .retired_count = random_edge(&seed, UINT64_MAX)};
        if ((want.header.flags & HF_RECORD_HASHED) != 0) {
            want.header.content_hash = hf_random_next(&seed);
        }
        want.count = (uint32_t)hf_random_below(&seed, 8);
        for (uint32_t i = 0; i < want.count; i++) {
            random_effect(&seed, want.header.lsn, &want.effects[i], texts[i], hits[i]);
        }
        const uint32_t bytes_count = hf_encode(&want, bytes);
        assert_int_equal(bytes_count % 8, 0);
        assert_int_equal(hf_decode(&got, bytes, bytes_count + hf_random_below(&seed, 9)), HF_OK);
        assert_int_equal(got.header.record_bytes, bytes_count);
        assert_int_equal(got.header.kind, want.header.kind);
        assert_int_equal(got.header.reason, want.header.reason);
        assert_int_equal(got.header.flags, want.header.flags);
        assert_int_equal(got.header.lsn, want.header.lsn);
        assert_int_equal(got.header.ts_us, want.header.ts_us);
        assert_int_equal(got.header.content_hash, want.header.content_hash);
        assert_int_equal(got.header.retired_count, want.header.retired_count);
        check_texts(got.header.ref, want.header.ref);
        check_texts(got.header.order, want.header.order);
        check_texts(got.header.by, want.header.by);
        assert_int_equal(got.count, want.count);
        for (uint32_t i = 0; i < want.count; i++) {
            check_effect(&got.effects[i], &want.effects[i]);
        }
        hf_record_set_linked(bytes);
        assert_true(hf_record_is_linked(bytes));
    }
}

/* ------------------------------------------------------------------ bounds */

/* Fields of the header: so many bytes at a place of a good record become a value. */
static const struct header_row {
    const char *name;
    uint32_t at, bytes_count;
    uint64_t value;
    enum hf_err want;
} header_rows[] = {
    {"as it was", 6, 1, 0, HF_OK},
    {"size 0", 0, 4, 0, HF_CORRUPT},
    {"size of a header only", 0, 4, 32, HF_CORRUPT},
    {"size not a multiple of 8", 0, 4, 47, HF_CORRUPT},
    {"size beyond the bytes", 0, 4, 56, HF_TRUNCATED},
    {"the largest size", 0, 4, HF_RECORD_BYTES_MAX, HF_TRUNCATED},
    {"above the largest size", 0, 4, HF_RECORD_BYTES_MAX + 8, HF_CORRUPT},
    {"kind 0", 4, 1, 0, HF_CORRUPT},
    {"the first kind", 4, 1, 1, HF_OK},
    {"the last kind", 4, 1, HF_KINDS_COUNT - 1, HF_OK},
    {"a kind of tomorrow", 4, 1, HF_KINDS_COUNT, HF_CORRUPT},
    {"the last reason", 5, 1, HF_REASONS_COUNT - 1, HF_OK},
    {"a reason of tomorrow", 5, 1, HF_REASONS_COUNT, HF_CORRUPT},
    {"linked", 6, 1, HF_RECORD_LINKED, HF_OK},
    {"hashed", 6, 1, HF_RECORD_HASHED, HF_OK},
    {"a flag of tomorrow", 6, 1, 4, HF_CORRUPT},
    {"the last flag", 6, 1, 128, HF_CORRUPT},
    {"the zero byte", 7, 1, 1, HF_CORRUPT},
    {"lsn 0", 8, 8, 0, HF_CORRUPT},
    {"the last time", 16, 8, HF_TIME_US_MAX, HF_OK},
    {"after the last time", 16, 8, HF_TIME_US_MAX + 1, HF_CORRUPT},
    {"a hash without its flag", 24, 8, 1, HF_CORRUPT},
};

static void header_bounds(void **state)
{
    const struct header_row *row = *state;
    unsigned char bytes[256];
    struct hf_decoded decoded;
    struct hf_decoded good = {.header = {.kind = HF_KIND_SELL, .lsn = 9, .ts_us = 77}, .count = 1};

    good.effects[0].tag = HF_EFFECT_MOVE;
    good.effects[0].move = (struct hf_effect_move){.delta = {1}, .after = {1}};
    const uint32_t bytes_count = hf_encode(&good, bytes);
    assert_int_equal(bytes_count, 48);
    for (uint32_t i = 0; i < row->bytes_count; i++) {
        bytes[row->at + i] = (unsigned char)(row->value >> (8 * i));
    }
    assert_int_equal(hf_decode(&decoded, bytes, bytes_count), row->want);
}

#define HITS_8 "\x01r\x01\x01r\x01\x01r\x01\x01r\x01\x01r\x01\x01r\x01\x01r\x01\x01r\x01"
#define HITS_64 HITS_8 HITS_8 HITS_8 HITS_8 HITS_8 HITS_8 HITS_8 HITS_8

/* Bytes of effects, put after a header of LSN 9 without texts, and padded. */
static const struct effect_row {
    const char *name;
    const char *bytes;
    size_t bytes_count;
    enum hf_err want;
} effect_rows[] = {
#define EFFECT(name, bytes, want)                                                                  \
    {                                                                                              \
        (name), (bytes), sizeof(bytes) - 1, (want)                                                 \
    }
    EFFECT("a code", "\x01\x00\x01X\x00", HF_OK),
    EFFECT("no end", "\x01\x00\x01X", HF_CORRUPT),
    EFFECT("an effect after the end", "\x00\x01\x00\x01X\x00", HF_CORRUPT),
    EFFECT("a tag of tomorrow", "\x10\x00", HF_CORRUPT),
    EFFECT("the last tag", "\xFF\x00", HF_CORRUPT),
    EFFECT("a code: empty", "\x01\x00\x00\x00", HF_CORRUPT),
    EFFECT("a code: a control character", "\x01\x00\x01\x07\x00", HF_CORRUPT),
    EFFECT("a code: no UTF-8", "\x01\x00\x01\xFF\x00", HF_CORRUPT),
    EFFECT("a code: longer than the record", "\x01\x00\x40X\x00", HF_CORRUPT),
    EFFECT("a code: 64 bytes",
           "\x02\x05\x40"
           "0123456789012345678901234567890123456789012345678901234567890123\x00",
           HF_OK),
    EFFECT("a code: 65 bytes",
           "\x02\x05\x41"
           "01234567890123456789012345678901234567890123456789012345678901234\x00",
           HF_CORRUPT),
    EFFECT("a handle: the last", "\x03\xFE\xFF\xFF\xFF\x0F\x01X\x00", HF_OK),
    EFFECT("a handle: none", "\x03\xFF\xFF\xFF\xFF\x0F\x01X\x00", HF_CORRUPT),
    EFFECT("a handle: more than 32 bits", "\x03\x80\x80\x80\x80\x10\x01X\x00", HF_CORRUPT),
    EFFECT("a varint of ten bytes", "\x07\x01r\x01\x80\x80\x80\x80\x80\x80\x80\x80\x80\x00\x00",
           HF_OK),
    EFFECT("a varint of eleven bytes",
           "\x07\x01r\x01\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x00\x00", HF_CORRUPT),
    EFFECT("a varint above 64 bits", "\x07\x01r\x01\x80\x80\x80\x80\x80\x80\x80\x80\x80\x02\x00",
           HF_CORRUPT),
    EFFECT("a place: no region", "\x04\x00\x00\x01\x00", HF_OK),
    EFFECT("a place: the last region", "\x04\x00\xFE\xFF\xFF\xFF\x0F\x00\x00", HF_OK),
    EFFECT("a place: above it", "\x04\x00\xFF\xFF\xFF\xFF\x0F\x00\x00", HF_CORRUPT),
    EFFECT("a place: neither yes nor no", "\x04\x00\x00\x02\x00", HF_CORRUPT),
    EFFECT("a policy", "\x05\x00\x00\x00\x05\x01\x07\x00\x00\x00\x00\x00", HF_OK),
    EFFECT("a policy: low stock at most",
           "\x05\x00\x00\x00\x05\x81\xA0\x94\xA5\x8D\x1D\x07\x00\x00\x00\x00\x00", HF_OK),
    EFFECT("a policy: low stock above",
           "\x05\x00\x00\x00\x05\x82\xA0\x94\xA5\x8D\x1D\x07\x00\x00\x00\x00\x00", HF_CORRUPT),
    EFFECT("a policy: low stock 2^63",
           "\x05\x00\x00\x00\x05\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01\x07\x00\x00\x00\x00\x00",
           HF_CORRUPT),
    EFFECT("a policy: safety stock above",
           "\x05\x00\x00\x00\x81\xA0\x94\xA5\x8D\x1D\x01\x07\x00\x00\x00\x00\x00", HF_CORRUPT),
    EFFECT("a policy: backorder above",
           "\x05\x00\x00\x00\x05\x01\x81\xA0\x94\xA5\x8D\x1D\x00\x00\x00\x00\x00", HF_CORRUPT),
    EFFECT("a policy: a counter above",
           "\x05\x00\x00\x00\x05\x01\x07\x00\x00\x00\x81\xA0\x94\xA5\x8D\x1D\x00", HF_CORRUPT),
    EFFECT("a reservation", "\x06\x01r\x01\x00\x00", HF_OK),
    EFFECT("a reservation: no id", "\x06\x00\x01\x00\x00", HF_CORRUPT),
    EFFECT("a reservation: no state", "\x06\x01r\x00\x00\x00", HF_CORRUPT),
    EFFECT("a reservation: the last state", "\x07\x01r\x06\x00\x00", HF_OK),
    EFFECT("a reservation: a state of tomorrow", "\x07\x01r\x07\x00\x00", HF_CORRUPT),
    EFFECT("a reservation: the longest life", "\x07\x01r\x01\x80\x80\xAD\xCF\xAA\x98\x07\x00",
           HF_OK),
    EFFECT("a reservation: above it", "\x07\x01r\x01\x81\x80\xAD\xCF\xAA\x98\x07\x00", HF_CORRUPT),
    EFFECT("a move", "\x08\x00\x00\x00\x01\x02\x01\x00\x00\x00\x00", HF_OK),
    EFFECT("a move: version of this record", "\x08\x00\x00\x01\x01\x02\x01\x00\x00\x00\x00", HF_OK),
    EFFECT("a move: version 1", "\x08\x00\x00\x09\x01\x02\x01\x00\x00\x00\x00", HF_OK),
    EFFECT("a move: version before the first", "\x08\x00\x00\x0A\x01\x02\x01\x00\x00\x00\x00",
           HF_CORRUPT),
    EFFECT("a move: all four counters", "\x08\x00\x00\x00\x0F\x02\x02\x02\x02\x01\x01\x01\x01\x00",
           HF_OK),
    EFFECT("a move: a fifth counter", "\x08\x00\x00\x00\x10\x02\x01\x00\x00\x00\x00", HF_CORRUPT),
    EFFECT("a move: a change of nothing", "\x08\x00\x00\x00\x01\x00\x01\x00\x00\x00\x00",
           HF_CORRUPT),
    EFFECT("a move: the most units more",
           "\x08\x00\x00\x00\x01\x80\xC0\xA8\xCA\x9A\x3A\x01\x00\x00\x00\x00", HF_OK),
    EFFECT("a move: one unit above",
           "\x08\x00\x00\x00\x01\x82\xC0\xA8\xCA\x9A\x3A\x01\x00\x00\x00\x00", HF_CORRUPT),
    EFFECT("a move: the most units less",
           "\x08\x00\x00\x00\x01\xFF\xBF\xA8\xCA\x9A\x3A\x01\x00\x00\x00\x00", HF_OK),
    EFFECT("a move: one unit below",
           "\x08\x00\x00\x00\x01\x81\xC0\xA8\xCA\x9A\x3A\x01\x00\x00\x00\x00", HF_CORRUPT),
    EFFECT("a move: the least number there is",
           "\x08\x00\x00\x00\x01\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01\x01\x00\x00\x00\x00",
           HF_CORRUPT),
    EFFECT("a move: a value after that is full",
           "\x08\x00\x00\x00\x01\x02\x80\xA0\x94\xA5\x8D\x1D\x00\x00\x00\x00", HF_OK),
    EFFECT("a move: a value after above it",
           "\x08\x00\x00\x00\x01\x02\x81\xA0\x94\xA5\x8D\x1D\x00\x00\x00\x00", HF_CORRUPT),
    /* Format 2. A POLICY: sku, location, version, safety, low + 1, backorder, mask, after. */
    EFFECT("policy", "\x09\x00\x00\x00\x05\x01\x07\x00\x00\x00\x00\x00", HF_OK),
    EFFECT("policy: marks", "\x09\x00\x00\x00\x05\x01\x07\x40\x0F\x00\x00\x00\x00", HF_OK),
    EFFECT("policy: whole", "\x09\x00\x00\x00\x05\x01\x07\x80\x01\x02\x03\x04\x05\x06\x01\x00",
           HF_OK),
    EFFECT("policy: a delta", "\x09\x00\x00\x00\x05\x01\x07\x01\x02\x00\x00\x00\x00", HF_CORRUPT),
    EFFECT("policy: the last bit of a delta",
           "\x09\x00\x00\x00\x05\x01\x07\x20\x02\x00\x00\x00\x00", HF_CORRUPT),
    EFFECT("policy: low stock at most",
           "\x09\x00\x00\x00\x05\x81\xA0\x94\xA5\x8D\x1D\x07\x00\x00\x00\x00\x00", HF_OK),
    EFFECT("policy: low stock above",
           "\x09\x00\x00\x00\x05\x82\xA0\x94\xA5\x8D\x1D\x07\x00\x00\x00\x00\x00", HF_CORRUPT),
    /* A MOVE: sku, location, version, mask, deltas, after. */
    EFFECT("move", "\x0A\x00\x00\x00\x01\x02\x01\x00\x00\x00", HF_OK),
    EFFECT("move: no deltas", "\x0A\x00\x00\x00\x00\x01\x00\x00\x00", HF_OK),
    EFFECT("move: all six counters, whole, with marks",
           "\x0A\x00\x00\x00\xFF\x02\x02\x02\x02\x02\x02\x0F\x01\x01\x01\x01\x01\x01\x00\x00",
           HF_OK),
    EFFECT("move: a change of nothing", "\x0A\x00\x00\x00\x20\x00\x01\x00\x00\x00", HF_CORRUPT),
    EFFECT("move: three values only", "\x0A\x00\x00\x00\x81\x02\x01\x00\x00", HF_CORRUPT),
    EFFECT("move: no gap", "\x0A\x00\x00\x00\x81\x02\x01\x00\x00\x01\x01\x01", HF_CORRUPT),
    EFFECT("move: marks of nothing", "\x0A\x00\x00\x00\x41\x02\x00\x01\x00\x00\x00", HF_OK),
    EFFECT("move: a mark of tomorrow", "\x0A\x00\x00\x00\x41\x02\x10\x01\x00\x00\x00", HF_CORRUPT),
    EFFECT("move: the last mark", "\x0A\x00\x00\x00\x41\x02\x80\x01\x00\x00\x00", HF_CORRUPT),
    EFFECT("move: the last counter is full",
           "\x0A\x00\x00\x00\x81\x02\x01\x00\x00\x00\x00\x80\xA0\x94\xA5\x8D\x1D\x00\x00", HF_OK),
    EFFECT("move: and one above",
           "\x0A\x00\x00\x00\x81\x02\x01\x00\x00\x00\x00\x81\xA0\x94\xA5\x8D\x1D\x00\x00",
           HF_CORRUPT),
    EFFECT("move: the widest gap",
           "\x0A\x00\x00\x00\x81\x02\x01\x00\x00\x00\x00\x00\x80\xC0\xA8\xCA\x9A\x3A\x00", HF_OK),
    EFFECT("move: one above",
           "\x0A\x00\x00\x00\x81\x02\x01\x00\x00\x00\x00\x00\x82\xC0\xA8\xCA\x9A\x3A\x00",
           HF_CORRUPT),
    EFFECT("move: the deepest gap",
           "\x0A\x00\x00\x00\x81\x02\x01\x00\x00\x00\x00\x00\xFF\xBF\xA8\xCA\x9A\x3A\x00", HF_OK),
    EFFECT("move: one below",
           "\x0A\x00\x00\x00\x81\x02\x01\x00\x00\x00\x00\x00\x81\xC0\xA8\xCA\x9A\x3A\x00",
           HF_CORRUPT),
    EFFECT("move: version before the first", "\x0A\x00\x00\x0A\x01\x02\x01\x00\x00\x00",
           HF_CORRUPT),
    /* A SHIPMENT_OPEN: id, state, kind, sellable, from + 1, to, eta. */
    EFFECT("shipment", "\x0B\x01t\x07\x01\x00\x01\x01\x00\x00", HF_OK),
    EFFECT("shipment: no id", "\x0B\x00\x07\x01\x00\x01\x01\x00\x00", HF_CORRUPT),
    EFFECT("shipment: a state of reservations", "\x0B\x01t\x06\x01\x00\x01\x01\x00\x00",
           HF_CORRUPT),
    EFFECT("shipment: the last state", "\x0B\x01t\x0B\x01\x00\x01\x01\x00\x00", HF_OK),
    EFFECT("shipment: a state of tomorrow", "\x0B\x01t\x0C\x01\x00\x01\x01\x00\x00", HF_CORRUPT),
    EFFECT("shipment: no kind", "\x0B\x01t\x08\x00\x00\x01\x01\x00\x00", HF_CORRUPT),
    EFFECT("shipment: the last kind", "\x0B\x01t\x08\x02\x00\x00\x01\x00\x00", HF_OK),
    EFFECT("shipment: a kind of tomorrow", "\x0B\x01t\x08\x03\x00\x00\x01\x00\x00", HF_CORRUPT),
    EFFECT("shipment: sellable", "\x0B\x01t\x08\x02\x01\x00\x01\x00\x00", HF_OK),
    EFFECT("shipment: neither yes nor no", "\x0B\x01t\x08\x02\x02\x00\x01\x00\x00", HF_CORRUPT),
    EFFECT("shipment: the last source", "\x0B\x01t\x08\x01\x00\xFE\xFF\xFF\xFF\x0F\x01\x00\x00",
           HF_OK),
    EFFECT("shipment: above it", "\x0B\x01t\x08\x01\x00\xFF\xFF\xFF\xFF\x0F\x01\x00\x00",
           HF_CORRUPT),
    EFFECT("shipment: to nowhere", "\x0B\x01t\x08\x01\x00\x01\xFF\xFF\xFF\xFF\x0F\x00\x00",
           HF_CORRUPT),
    EFFECT("shipment: the last eta",
           "\x0B\x01t\x08\x02\x00\x00\x01\xFF\xFF\xD2\xB0\xD5\xE7\xF8\x1F\x00", HF_OK),
    EFFECT("shipment: after it",
           "\x0B\x01t\x08\x02\x00\x00\x01\x80\x80\xD3\xB0\xD5\xE7\xF8\x1F\x00", HF_CORRUPT),
    EFFECT("shipment changed", "\x0C\x01t\x08\x00", HF_OK),
    EFFECT("shipment changed: no id", "\x0C\x00\x08\x00", HF_CORRUPT),
    EFFECT("shipment changed: a state of reservations", "\x0C\x01t\x06\x00", HF_CORRUPT),
    EFFECT("shipment changed: a state of tomorrow", "\x0C\x01t\x0C\x00", HF_CORRUPT),
    /* A LINE_NEW: sku, units, mask, figures; a LINE: sku, mask, figures. */
    EFFECT("new line", "\x0D\x00\x05\x01\x0A\x00", HF_OK),
    EFFECT("new line: no units", "\x0D\x00\x00\x01\x0A\x00", HF_CORRUPT),
    EFFECT("new line: the most units", "\x0D\x00\x80\xA0\x94\xA5\x8D\x1D\x00\x00", HF_OK),
    EFFECT("new line: one above", "\x0D\x00\x81\xA0\x94\xA5\x8D\x1D\x00\x00", HF_CORRUPT),
    EFFECT("line", "\x0E\x00\x03\x09\x0A\x00", HF_OK),
    EFFECT("line: all six figures", "\x0E\x00\x3F\x02\x02\x02\x02\x02\x02\x00", HF_OK),
    EFFECT("line: a seventh", "\x0E\x00\x40\x02\x00", HF_CORRUPT),
    EFFECT("line: an eighth", "\x0E\x00\x80\x02\x00", HF_CORRUPT),
    EFFECT("line: a change of nothing", "\x0E\x00\x01\x00\x00", HF_CORRUPT),
    EFFECT("line: the most units less", "\x0E\x00\x01\xFF\xBF\xA8\xCA\x9A\x3A\x00", HF_OK),
    EFFECT("line: one below", "\x0E\x00\x01\x81\xC0\xA8\xCA\x9A\x3A\x00", HF_CORRUPT),
    /* A SHORTAGE: sku, location, missing, hits_count, hits. */
    EFFECT("shortage", "\x0F\x00\x00\x05\x00\x00", HF_OK),
    EFFECT("shortage: of nothing", "\x0F\x00\x00\x00\x00\x00", HF_CORRUPT),
    EFFECT("shortage: the most", "\x0F\x00\x00\x80\xC0\xA8\xCA\x9A\x3A\x00\x00", HF_OK),
    EFFECT("shortage: one above", "\x0F\x00\x00\x81\xC0\xA8\xCA\x9A\x3A\x00\x00", HF_CORRUPT),
    EFFECT("shortage: a hit", "\x0F\x00\x00\x05\x01\x02r1\x05\x00", HF_OK),
    EFFECT("shortage: a hit without an id", "\x0F\x00\x00\x05\x01\x00\x05\x00", HF_CORRUPT),
    EFFECT("shortage: a hit above the most units",
           "\x0F\x00\x00\x05\x01\x02r1\x81\xA0\x94\xA5\x8D\x1D\x00", HF_CORRUPT),
    EFFECT("shortage: fewer hits than it says", "\x0F\x00\x00\x05\x02\x02r1\x05\x00", HF_CORRUPT),
    EFFECT("shortage: 64 hits", "\x0F\x00\x00\x05\x40" HITS_64 "\x00", HF_OK),
    EFFECT("shortage: 65 hits", "\x0F\x00\x00\x05\x41" HITS_64 "\x01r\x01\x00", HF_CORRUPT),
#undef EFFECT
};

static uint32_t frame_effects(const struct effect_row *row, unsigned char *bytes, uint32_t more)
{
    const struct hf_record_header header = {.kind = HF_KIND_SELL, .lsn = 9, .ts_us = 77};
    struct hf_record_writer writer;

    memset(bytes, 0, 512);
    hf_record_begin(&writer, bytes, &header);
    memcpy(writer.at, row->bytes, row->bytes_count);
    uint32_t bytes_count = (uint32_t)(writer.at - bytes) + (uint32_t)row->bytes_count;
    bytes_count = (bytes_count + 7) / 8 * 8 + more;
    hf_put_u32(bytes, bytes_count);
    return bytes_count;
}

static void effect_bounds(void **state)
{
    const struct effect_row *row = *state;
    unsigned char bytes[512];
    struct hf_decoded decoded;

    uint32_t bytes_count = frame_effects(row, bytes, 0);
    if (strcmp(row->name, "no end") == 0) { /* as many letters as fill the record */
        const uint32_t left = bytes_count - HF_RECORD_HEADER_BYTES - 4;
        bytes[HF_RECORD_HEADER_BYTES + 6] = (unsigned char)(left - 3);
        memset(bytes + HF_RECORD_HEADER_BYTES + 7, 'X', left - 3);
    }
    assert_int_equal(hf_decode(&decoded, bytes, bytes_count), row->want);
    if (row->want == HF_OK) {
        hf_check_round_trip(&decoded);
        bytes_count = frame_effects(row, bytes, 8); /* more padding than there may be */
        assert_int_equal(hf_decode(&decoded, bytes, bytes_count), HF_CORRUPT);
    }
}

/* Every byte after the end is zero. */
static void padding_is_zero(void **state)
{
    unsigned char bytes[512];
    struct hf_decoded decoded;
    (void)state;

    const uint32_t bytes_count = frame_effects(&effect_rows[0], bytes, 0);
    const uint32_t end = HF_RECORD_HEADER_BYTES + 4 + (uint32_t)effect_rows[0].bytes_count;
    assert_true(end < bytes_count);
    for (uint32_t at = end; at < bytes_count; at++) {
        bytes[at] = 1;
        assert_int_equal(hf_decode(&decoded, bytes, bytes_count), HF_CORRUPT);
        bytes[at] = 0;
    }
    assert_int_equal(hf_decode(&decoded, bytes, bytes_count), HF_OK);
}

#define COUNT(rows) (sizeof(rows) / sizeof(rows)[0])

int main(void)
{
    struct CMUnitTest tests[COUNT(header_rows) + COUNT(effect_rows) + 2];
    size_t count = 0;

    for (size_t i = 0; i < COUNT(header_rows); i++) {
        tests[count++] = (struct CMUnitTest){.name = header_rows[i].name,
                                             .test_func = header_bounds,
                                             .initial_state = (void *)(uintptr_t)&header_rows[i]};
    }
    for (size_t i = 0; i < COUNT(effect_rows); i++) {
        tests[count++] = (struct CMUnitTest){.name = effect_rows[i].name,
                                             .test_func = effect_bounds,
                                             .initial_state = (void *)(uintptr_t)&effect_rows[i]};
    }
    const struct CMUnitTest others[] = {
        cmocka_unit_test(random_effects_round_trip),
        cmocka_unit_test(padding_is_zero),
    };
    memcpy(tests + count, others, sizeof others);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
