#include "engine/record.h"

#include "engine/assert.h"
#include "engine/bytes.h"
#include "engine/op.h"

#define EFFECT_BYTES_MAX 110

/* Offsets of FORMATS.md 3.1. */
enum {
    AT_BYTES = 0,
    AT_KIND = 4,
    AT_REASON = 5,
    AT_FLAGS = 6,
    AT_ZERO = 7,
    AT_LSN = 8,
    AT_TS = 16,
    AT_HASH = 24
};

void hf_record_begin(struct hf_record_writer *writer, unsigned char *room,
                     const struct hf_record_header *header)
{
    room[AT_KIND] = header->kind;
    room[AT_REASON] = header->reason;
    room[AT_FLAGS] = header->flags;
    room[AT_ZERO] = 0;
    hf_put_u64(room + AT_LSN, header->lsn);
    hf_put_u64(room + AT_TS, header->ts_us);
    hf_put_u64(room + AT_HASH, header->content_hash);
    unsigned char *at = room + HF_RECORD_HEADER_BYTES;
    at = hf_put_text(at, header->ref);
    at = hf_put_text(at, header->order);
    at = hf_put_text(at, header->by);
    at = hf_put_varint(at, header->retired_count);
    *writer = (struct hf_record_writer){.start = room, .at = at};
}

/* A version is written as its distance, so that it stays short; 0 says that there was none. */
static unsigned char *put_version(unsigned char *at, uint64_t lsn, uint64_t version_before)
{
    HF_ASSERT(version_before <= lsn);
    return hf_put_varint(at, version_before == 0 ? 0 : lsn - version_before + 1);
}

static unsigned char *put_after(unsigned char *at, const int64_t *after)
{
    for (unsigned i = 0; i < HF_COUNTERS_COUNT; i++) {
        at = hf_put_varint(at, (uint64_t)after[i]);
    }
    return at;
}

static unsigned char *put_move(unsigned char *at, uint64_t lsn, const struct hf_effect_move *move)
{
    at = hf_put_varint(at, move->sku);
    at = hf_put_varint(at, move->location);
    at = put_version(at, lsn, move->version_before);
    unsigned char *mask = at++;
    *mask = 0;
    for (unsigned i = 0; i < HF_COUNTERS_COUNT; i++) {
        if (move->delta[i] != 0) {
            *mask |= (unsigned char)(1u << i);
            at = hf_put_signed(at, move->delta[i]);
        }
    }
    return put_after(at, move->after);
}

void hf_record_put(struct hf_record_writer *writer, const struct hf_effect *effect)
{
    const uint64_t lsn = hf_get_u64(writer->start + AT_LSN);
    unsigned char *at = writer->at;

    *at++ = (unsigned char)effect->tag;
    switch (effect->tag) {
    case HF_EFFECT_SKU:
    case HF_EFFECT_LOCATION:
    case HF_EFFECT_REGION:
        at = hf_put_varint(at, effect->code.handle);
        at = hf_put_text(at, effect->code.code);
        break;
    case HF_EFFECT_PLACE:
        at = hf_put_varint(at, effect->place.location);
        at = hf_put_varint(at, (uint32_t)(effect->place.region + 1)); /* none becomes 0 */
        *at++ = effect->place.is_in_transit_sellable ? 1 : 0;
        break;
    case HF_EFFECT_POLICY:
        at = hf_put_varint(at, effect->policy.sku);
        at = hf_put_varint(at, effect->policy.location);
        at = put_version(at, lsn, effect->policy.version_before);
        at = hf_put_varint(at, (uint64_t)effect->policy.policy.safety_stock);
        at = hf_put_varint(at, (uint64_t)(effect->policy.policy.low_stock + 1));
        at = hf_put_varint(at, (uint64_t)effect->policy.policy.backorder_limit);
        at = put_after(at, effect->policy.after);
        break;
    case HF_EFFECT_OPEN:
    case HF_EFFECT_STATE:
        at = hf_put_text(at, effect->reservation.id);
        *at++ = (unsigned char)effect->reservation.state;
        at = hf_put_varint(at, effect->reservation.life_us);
        break;
    case HF_EFFECT_MOVE:
        at = put_move(at, lsn, &effect->move);
        break;
    case HF_EFFECT_END:
        HF_ASSERT(false && "the end of a record is not an effect");
        break;
    }
    HF_ASSERT(at - writer->at <= EFFECT_BYTES_MAX);
    writer->at = at;
}

uint32_t hf_record_end(struct hf_record_writer *writer)
{
    *writer->at++ = HF_EFFECT_END;
    while (((writer->at - writer->start) & 7) != 0) {
        *writer->at++ = 0;
    }
    const uint32_t bytes_count = (uint32_t)(writer->at - writer->start);
    HF_ASSERT(bytes_count <= HF_RECORD_BYTES_MAX);
    hf_put_u32(writer->start + AT_BYTES, bytes_count);
    return bytes_count;
}

void hf_record_set_linked(unsigned char *record)
{
    record[AT_FLAGS] |= HF_RECORD_LINKED;
}

uint32_t hf_record_bound(uint32_t effects_count)
{
    return HF_RECORD_HEADER_BYTES + 3 * (1 + HF_CODE_BYTES_MAX) + HF_VARINT_BYTES_MAX +
           effects_count * EFFECT_BYTES_MAX + 8;
}

uint32_t hf_record_bytes(const unsigned char *record)
{
    return hf_get_u32(record + AT_BYTES);
}

uint64_t hf_record_lsn(const unsigned char *record)
{
    return hf_get_u64(record + AT_LSN);
}

bool hf_record_is_linked(const unsigned char *record)
{
    return (record[AT_FLAGS] & HF_RECORD_LINKED) != 0;
}

/* ------------------------------------------------------------------ reading */

enum hf_err hf_record_open(struct hf_record_reader *reader, struct hf_record_header *header,
                           const void *bytes, size_t bytes_max)
{
    const unsigned char *record = bytes;

    if (bytes_max < HF_RECORD_HEADER_BYTES) {
        return HF_TRUNCATED;
    }
    *header = (struct hf_record_header){
        .record_bytes = hf_get_u32(record + AT_BYTES),
        .kind = record[AT_KIND],
        .reason = record[AT_REASON],
        .flags = record[AT_FLAGS],
        .lsn = hf_get_u64(record + AT_LSN),
        .ts_us = hf_get_u64(record + AT_TS),
        .content_hash = hf_get_u64(record + AT_HASH),
    };
    if (header->record_bytes <= HF_RECORD_HEADER_BYTES ||
        header->record_bytes > HF_RECORD_BYTES_MAX || (header->record_bytes & 7) != 0 ||
        header->kind == 0 || header->kind >= HF_KINDS_COUNT || header->reason >= HF_REASONS_COUNT ||
        (header->flags & ~HF_RECORD_FLAGS_ALL) != 0 || record[AT_ZERO] != 0 || header->lsn == 0 ||
        header->ts_us > HF_TIME_US_MAX) {
        return HF_CORRUPT;
    }
    if ((header->flags & HF_RECORD_HASHED) == 0 && header->content_hash != 0) {
        return HF_CORRUPT;
    }
    if (header->record_bytes > bytes_max) {
        return HF_TRUNCATED;
    }
    struct hf_reader in = {record + HF_RECORD_HEADER_BYTES, record + header->record_bytes, false};
    header->ref = hf_read_text(&in, true);
    header->order = hf_read_text(&in, true);
    header->by = hf_read_text(&in, true);
    header->retired_count = hf_read_varint(&in);
    *reader = (struct hf_record_reader){in.at, in.end};
    return in.is_bad ? HF_CORRUPT : HF_OK;
}

static uint32_t read_handle(struct hf_reader *in)
{
    const uint64_t value = hf_read_varint(in);
    if (value >= HF_HANDLE_NONE) {
        in->is_bad = true;
        return 0;
    }
    return (uint32_t)value;
}

static int64_t read_delta(struct hf_reader *in)
{
    const int64_t value = hf_read_signed(in);
    if (value == 0 || value > HF_UNITS_MAX || value < -HF_UNITS_MAX) {
        in->is_bad = true;
        return 0;
    }
    return value;
}

static uint64_t read_version(struct hf_reader *in, uint64_t lsn)
{
    const uint64_t distance = hf_read_varint(in);
    if (distance == 0) {
        return 0;
    }
    if (distance > lsn) {
        in->is_bad = true;
        return 0;
    }
    return lsn - distance + 1;
}

static void read_after(struct hf_reader *in, int64_t *after)
{
    for (unsigned i = 0; i < HF_COUNTERS_COUNT; i++) {
        after[i] = hf_read_units(in);
    }
}

static void read_move(struct hf_reader *in, uint64_t lsn, struct hf_effect_move *move)
{
    *move = (struct hf_effect_move){.cell = HF_HANDLE_NONE, .line = HF_HANDLE_NONE};
    move->sku = read_handle(in);
    move->location = read_handle(in);
    move->version_before = read_version(in, lsn);
    const uint8_t mask = hf_read_u8(in);
    if (mask >= 1u << HF_COUNTERS_COUNT) {
        in->is_bad = true;
    }
    for (unsigned i = 0; i < HF_COUNTERS_COUNT; i++) {
        move->delta[i] = (mask & (1u << i)) != 0 ? read_delta(in) : 0;
    }
    read_after(in, move->after);
}

static void read_policy(struct hf_reader *in, uint64_t lsn, struct hf_effect_policy *policy)
{
    *policy = (struct hf_effect_policy){0};
    policy->sku = read_handle(in);
    policy->location = read_handle(in);
    policy->version_before = read_version(in, lsn);
    policy->policy.safety_stock = hf_read_units(in);
    const uint64_t low = hf_read_varint(in);
    if (low > (uint64_t)HF_UNITS_MAX + 1) {
        in->is_bad = true;
        return; /* and one less might not be a number */
    }
    policy->policy.low_stock = (int64_t)low - 1;
    policy->policy.backorder_limit = hf_read_units(in);
    read_after(in, policy->after);
}

static void read_reservation(struct hf_reader *in, struct hf_effect_reservation *reservation)
{
    *reservation = (struct hf_effect_reservation){.index = HF_HANDLE_NONE};
    reservation->id = hf_read_text(in, false);
    const uint8_t state = hf_read_u8(in);
    reservation->state = (enum hf_state)state;
    reservation->life_us = hf_read_varint(in);
    if (state == 0 || state >= HF_STATES_COUNT || reservation->life_us > HF_LIFE_US_LIMIT) {
        in->is_bad = true;
    }
}

enum hf_err hf_record_next(struct hf_record_reader *reader, uint64_t lsn, struct hf_effect *effect,
                           bool *is_end)
{
    struct hf_reader in = {reader->at, reader->end, false};
    const uint8_t tag = hf_read_u8(&in);

    *is_end = false;
    effect->tag = (enum hf_effect_tag)tag;
    switch (tag) {
    case HF_EFFECT_END:
        *is_end = true;
        if (in.end - in.at > 7) {
            return HF_CORRUPT;
        }
        while (!in.is_bad && in.at < in.end) {
            if (hf_read_u8(&in) != 0) {
                return HF_CORRUPT; /* padding */
            }
        }
        break;
    case HF_EFFECT_SKU:
    case HF_EFFECT_LOCATION:
    case HF_EFFECT_REGION:
        effect->code.handle = read_handle(&in);
        effect->code.code = hf_read_text(&in, false);
        break;
    case HF_EFFECT_PLACE: {
        effect->place = (struct hf_effect_place){.location = read_handle(&in)};
        const uint64_t region = hf_read_varint(&in);
        const uint8_t sellable = hf_read_u8(&in);
        effect->place.region = (uint32_t)(region - 1);
        effect->place.is_in_transit_sellable = sellable == 1;
        if (region >= HF_HANDLE_NONE || sellable > 1) {
            return HF_CORRUPT;
        }
        break;
    }
    case HF_EFFECT_POLICY:
        read_policy(&in, lsn, &effect->policy);
        break;
    case HF_EFFECT_OPEN:
    case HF_EFFECT_STATE:
        read_reservation(&in, &effect->reservation);
        break;
    case HF_EFFECT_MOVE:
        read_move(&in, lsn, &effect->move);
        break;
    default:
        return HF_CORRUPT;
    }
    if (in.is_bad) {
        return HF_CORRUPT;
    }
    reader->at = in.at;
    return HF_OK;
}
