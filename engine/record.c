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

/* Tags as they stand in the record (FORMATS.md 3.2); 5 and 8 are those of format 1. */
enum byte_tag {
    TAG_SKU = 1,
    TAG_LOCATION = 2,
    TAG_REGION = 3,
    TAG_PLACE = 4,
    TAG_POLICY_1 = 5,
    TAG_OPEN = 6,
    TAG_STATE = 7,
    TAG_MOVE_1 = 8,
    TAG_POLICY = 9,
    TAG_MOVE = 10,
    TAG_SHIPMENT_OPEN = 11,
    TAG_SHIPMENT_STATE = 12,
    TAG_LINE_NEW = 13,
    TAG_LINE = 14,
    TAG_SHORTAGE = 15
};
#define COUNTERS_1 4 /* counters of format 1 */

/* Bits of a move's or policy's mask above the counters. */
#define MASK_MARKS 0x40u
#define MASK_RARE 0x80u

/* Which parts follow the values of on_hand, held and committed. */
static unsigned mask_of(const struct hf_effect_tell *tell, const int64_t *after)
{
    const bool has_rare = after[HF_IN_TRANSIT] != 0 || after[HF_DAMAGED] != 0 ||
                          after[HF_QUARANTINED] != 0 || tell->gap != 0;

    return (tell->marks != 0 ? MASK_MARKS : 0) | (has_rare ? MASK_RARE : 0);
}

static unsigned char *put_after(unsigned char *at, unsigned mask, const struct hf_effect_tell *tell,
                                const int64_t *after)
{
    if ((mask & MASK_MARKS) != 0) {
        *at++ = tell->marks & (unsigned char)~HF_MARK_GIVEN;
    }
    const unsigned count = (mask & MASK_RARE) != 0 ? HF_COUNTERS_COUNT : HF_COUNTERS_HOT;
    for (unsigned i = 0; i < count; i++) {
        at = hf_put_varint(at, (uint64_t)after[i]);
    }
    return (mask & MASK_RARE) != 0 ? hf_put_signed(at, tell->gap) : at;
}

static unsigned char *put_move(unsigned char *at, uint64_t lsn, const struct hf_effect_move *move)
{
    at = hf_put_varint(at, move->sku);
    at = hf_put_varint(at, move->location);
    at = put_version(at, lsn, move->version_before);
    unsigned mask = mask_of(&move->tell, move->after);
    unsigned char *mask_at = at++;
    for (unsigned i = 0; i < HF_COUNTERS_COUNT; i++) {
        if (move->delta[i] != 0) {
            mask |= 1u << i;
            at = hf_put_signed(at, move->delta[i]);
        }
    }
    *mask_at = (unsigned char)mask;
    return put_after(at, mask, &move->tell, move->after);
}

static unsigned char *put_policy(unsigned char *at, uint64_t lsn,
                                 const struct hf_effect_policy *effect)
{
    const unsigned mask = mask_of(&effect->tell, effect->after);

    at = hf_put_varint(at, effect->sku);
    at = hf_put_varint(at, effect->location);
    at = put_version(at, lsn, effect->version_before);
    at = hf_put_varint(at, (uint64_t)effect->policy.safety_stock);
    at = hf_put_varint(at, (uint64_t)(effect->policy.low_stock + 1));
    at = hf_put_varint(at, (uint64_t)effect->policy.backorder_limit);
    *at++ = (unsigned char)mask;
    return put_after(at, mask, &effect->tell, effect->after);
}

static unsigned char *put_shipment(unsigned char *at, const struct hf_effect_shipment *shipment,
                                   bool is_opening)
{
    at = hf_put_text(at, shipment->id);
    *at++ = (unsigned char)shipment->state;
    if (!is_opening) {
        return at;
    }
    *at++ = (unsigned char)shipment->kind;
    *at++ = shipment->is_sellable ? 1 : 0;
    at = hf_put_varint(at, (uint32_t)(shipment->from + 1)); /* none becomes 0 */
    at = hf_put_varint(at, shipment->to);
    return hf_put_varint(at, shipment->eta_us);
}

static unsigned char *put_line(unsigned char *at, const struct hf_effect_line *line)
{
    at = hf_put_varint(at, line->sku);
    if (line->units > 0) {
        at = hf_put_varint(at, (uint64_t)line->units);
    }
    unsigned char *mask = at++;
    *mask = 0;
    for (unsigned i = 0; i < HF_LINE_FIGURES; i++) {
        if (line->delta[i] != 0) {
            *mask |= (unsigned char)(1u << i);
            at = hf_put_signed(at, line->delta[i]);
        }
    }
    return at;
}

unsigned char *hf_record_put_hit(unsigned char *at, const struct hf_hit *hit)
{
    return hf_put_varint(hf_put_text(at, hit->reservation), (uint64_t)hit->units);
}

static unsigned char *put_shortage(unsigned char *at, const struct hf_effect_shortage *shortage)
{
    at = hf_put_varint(at, shortage->sku);
    at = hf_put_varint(at, shortage->location);
    at = hf_put_varint(at, (uint64_t)shortage->missing);
    at = hf_put_varint(at, shortage->hits_count);
    memcpy(at, shortage->hits, shortage->hits_bytes);
    return at + shortage->hits_bytes;
}

static unsigned char byte_tag(const struct hf_effect *effect)
{
    static const unsigned char tags[] = {
        [HF_EFFECT_SKU] = TAG_SKU,
        [HF_EFFECT_LOCATION] = TAG_LOCATION,
        [HF_EFFECT_REGION] = TAG_REGION,
        [HF_EFFECT_PLACE] = TAG_PLACE,
        [HF_EFFECT_POLICY] = TAG_POLICY,
        [HF_EFFECT_OPEN] = TAG_OPEN,
        [HF_EFFECT_STATE] = TAG_STATE,
        [HF_EFFECT_MOVE] = TAG_MOVE,
        [HF_EFFECT_SHIPMENT_OPEN] = TAG_SHIPMENT_OPEN,
        [HF_EFFECT_SHIPMENT_STATE] = TAG_SHIPMENT_STATE,
        [HF_EFFECT_LINE] = TAG_LINE,
        [HF_EFFECT_SHORTAGE] = TAG_SHORTAGE,
    };
    HF_ASSERT(effect->tag != HF_EFFECT_END);

    return effect->tag == HF_EFFECT_LINE && effect->line.units > 0 ? TAG_LINE_NEW
                                                                   : tags[effect->tag];
}

void hf_record_put(struct hf_record_writer *writer, const struct hf_effect *effect)
{
    const uint64_t lsn = hf_get_u64(writer->start + AT_LSN);
    unsigned char *at = writer->at;

    *at++ = byte_tag(effect);
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
        at = put_policy(at, lsn, &effect->policy);
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
    case HF_EFFECT_SHIPMENT_OPEN:
    case HF_EFFECT_SHIPMENT_STATE:
        at = put_shipment(at, &effect->shipment, effect->tag == HF_EFFECT_SHIPMENT_OPEN);
        break;
    case HF_EFFECT_LINE:
        at = put_line(at, &effect->line);
        break;
    case HF_EFFECT_SHORTAGE:
        at = put_shortage(at, &effect->shortage);
        HF_ASSERT(at - writer->at <= EFFECT_BYTES_MAX + (ptrdiff_t)effect->shortage.hits_bytes);
        writer->at = at;
        return;
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

/* Marks and values of a move or policy; format 1 has four values and nothing else. */
static void read_after(struct hf_reader *in, unsigned mask, bool is_format_1,
                       struct hf_effect_tell *tell, int64_t *after)
{
    const unsigned count = is_format_1               ? COUNTERS_1
                           : (mask & MASK_RARE) != 0 ? HF_COUNTERS_COUNT
                                                     : HF_COUNTERS_HOT;

    memset(after, 0, HF_COUNTERS_COUNT * sizeof *after);
    *tell = (struct hf_effect_tell){.is_format_1 = is_format_1};
    if ((mask & MASK_MARKS) != 0) {
        const uint8_t marks = hf_read_u8(in);
        in->is_bad =
            in->is_bad || (marks & ~(unsigned)HF_MARKS_ALL) != 0 || (marks & HF_MARK_GIVEN) != 0;
        tell->marks = marks | HF_MARK_GIVEN;
    }
    for (unsigned i = 0; i < count; i++) {
        after[i] = hf_read_units(in);
    }
    if ((mask & MASK_RARE) != 0) {
        tell->gap = hf_read_signed(in);
        in->is_bad = in->is_bad || tell->gap > HF_UNITS_MAX || tell->gap < -HF_UNITS_MAX;
    }
}

static void read_move(struct hf_reader *in, uint64_t lsn, bool is_format_1,
                      struct hf_effect_move *move)
{
    *move = (struct hf_effect_move){.cell = HF_HANDLE_NONE, .line = HF_HANDLE_NONE};
    move->sku = read_handle(in);
    move->location = read_handle(in);
    move->version_before = read_version(in, lsn);
    const uint8_t mask = hf_read_u8(in);
    if (is_format_1 && mask >= 1u << COUNTERS_1) {
        in->is_bad = true;
    }
    for (unsigned i = 0; i < HF_COUNTERS_COUNT; i++) {
        move->delta[i] = (mask & (1u << i)) != 0 ? read_delta(in) : 0;
    }
    read_after(in, mask, is_format_1, &move->tell, move->after);
}

static void read_policy(struct hf_reader *in, uint64_t lsn, bool is_format_1,
                        struct hf_effect_policy *policy)
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
    const uint8_t mask = is_format_1 ? 0 : hf_read_u8(in);
    in->is_bad = in->is_bad || (mask & ~(MASK_MARKS | MASK_RARE)) != 0;
    read_after(in, mask, is_format_1, &policy->tell, policy->after);
}

static void read_shipment(struct hf_reader *in, bool is_opening,
                          struct hf_effect_shipment *shipment)
{
    *shipment = (struct hf_effect_shipment){.index = HF_HANDLE_NONE, .from = HF_HANDLE_NONE};
    shipment->id = hf_read_text(in, false);
    const uint8_t state = hf_read_u8(in);
    shipment->state = (enum hf_state)state;
    in->is_bad = in->is_bad || state < HF_STATE_DRAFT || state > HF_STATE_CLOSED;
    if (!is_opening) {
        return;
    }
    const uint8_t kind = hf_read_u8(in);
    const uint8_t is_sellable = hf_read_u8(in);
    const uint64_t from = hf_read_varint(in);
    shipment->to = read_handle(in);
    shipment->eta_us = hf_read_varint(in);
    in->is_bad = in->is_bad || (kind != HF_TRANSFER && kind != HF_INBOUND) || is_sellable > 1 ||
                 from >= HF_HANDLE_NONE || shipment->eta_us > HF_TIME_US_MAX;
    shipment->kind = (enum hf_shipment_kind)kind;
    shipment->is_sellable = is_sellable == 1;
    shipment->from = (uint32_t)(from - 1);
}

static void read_line(struct hf_reader *in, bool is_new, struct hf_effect_line *line)
{
    *line = (struct hf_effect_line){.line = HF_HANDLE_NONE};
    line->sku = read_handle(in);
    if (is_new) {
        line->units = hf_read_units(in);
        in->is_bad = in->is_bad || line->units == 0;
    }
    const uint8_t mask = hf_read_u8(in);
    in->is_bad = in->is_bad || mask >= 1u << HF_LINE_FIGURES;
    for (unsigned i = 0; i < HF_LINE_FIGURES; i++) {
        line->delta[i] = (mask & (1u << i)) != 0 ? read_delta(in) : 0;
    }
}

static void read_hit(struct hf_reader *in, struct hf_hit *hit)
{
    hit->reservation = hf_read_text(in, false);
    hit->units = hf_read_units(in);
}

static void read_shortage(struct hf_reader *in, struct hf_effect_shortage *shortage)
{
    *shortage = (struct hf_effect_shortage){0};
    shortage->sku = read_handle(in);
    shortage->location = read_handle(in);
    /* More than one counter can hold may be missing: held and committed are two. */
    const uint64_t missing = hf_read_varint(in);
    const uint64_t hits_count = hf_read_varint(in);
    if (missing == 0 || missing > 2 * (uint64_t)HF_UNITS_MAX || hits_count > HF_HITS_MAX) {
        in->is_bad = true;
        return;
    }
    shortage->missing = (int64_t)missing;
    shortage->hits_count = (uint32_t)hits_count;
    shortage->hits = in->at;
    for (uint64_t i = 0; i < hits_count && !in->is_bad; i++) {
        struct hf_hit hit;
        read_hit(in, &hit);
    }
    shortage->hits_bytes = (uint32_t)(in->at - shortage->hits);
}

void hf_record_hits(const struct hf_effect_shortage *shortage, struct hf_hit *hits)
{
    struct hf_reader in = {shortage->hits, shortage->hits + shortage->hits_bytes, false};

    for (uint32_t i = 0; i < shortage->hits_count; i++) {
        read_hit(&in, &hits[i]);
    }
    HF_ASSERT(!in.is_bad);
}

static void read_place(struct hf_reader *in, struct hf_effect_place *place)
{
    *place = (struct hf_effect_place){.location = read_handle(in)};
    const uint64_t region = hf_read_varint(in);
    const uint8_t sellable = hf_read_u8(in);
    in->is_bad = in->is_bad || region >= HF_HANDLE_NONE || sellable > 1;
    place->region = (uint32_t)(region - 1);
    place->is_in_transit_sellable = sellable == 1;
}

static void read_reservation(struct hf_reader *in, struct hf_effect_reservation *reservation)
{
    *reservation = (struct hf_effect_reservation){.index = HF_HANDLE_NONE};
    reservation->id = hf_read_text(in, false);
    const uint8_t state = hf_read_u8(in);
    reservation->state = (enum hf_state)state;
    reservation->life_us = hf_read_varint(in);
    if (state == 0 || state > HF_STATE_SUPERSEDED || reservation->life_us > HF_LIFE_US_LIMIT) {
        in->is_bad = true;
    }
}

enum hf_err hf_record_next(struct hf_record_reader *reader, uint64_t lsn, struct hf_effect *effect,
                           bool *is_end)
{
    struct hf_reader in = {reader->at, reader->end, false};
    const uint8_t tag = hf_read_u8(&in);

    *is_end = false;
    switch (tag) {
    case HF_EFFECT_END:
        effect->tag = HF_EFFECT_END;
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
    case TAG_SKU:
    case TAG_LOCATION:
    case TAG_REGION:
        effect->tag = tag == TAG_SKU        ? HF_EFFECT_SKU
                      : tag == TAG_LOCATION ? HF_EFFECT_LOCATION
                                            : HF_EFFECT_REGION;
        effect->code.handle = read_handle(&in);
        effect->code.code = hf_read_text(&in, false);
        break;
    case TAG_PLACE:
        effect->tag = HF_EFFECT_PLACE;
        read_place(&in, &effect->place);
        break;
    case TAG_POLICY_1:
    case TAG_POLICY:
        effect->tag = HF_EFFECT_POLICY;
        read_policy(&in, lsn, tag == TAG_POLICY_1, &effect->policy);
        break;
    case TAG_OPEN:
    case TAG_STATE:
        effect->tag = tag == TAG_OPEN ? HF_EFFECT_OPEN : HF_EFFECT_STATE;
        read_reservation(&in, &effect->reservation);
        break;
    case TAG_MOVE_1:
    case TAG_MOVE:
        effect->tag = HF_EFFECT_MOVE;
        read_move(&in, lsn, tag == TAG_MOVE_1, &effect->move);
        break;
    case TAG_SHIPMENT_OPEN:
    case TAG_SHIPMENT_STATE:
        effect->tag = tag == TAG_SHIPMENT_OPEN ? HF_EFFECT_SHIPMENT_OPEN : HF_EFFECT_SHIPMENT_STATE;
        read_shipment(&in, tag == TAG_SHIPMENT_OPEN, &effect->shipment);
        break;
    case TAG_LINE_NEW:
    case TAG_LINE:
        effect->tag = HF_EFFECT_LINE;
        read_line(&in, tag == TAG_LINE_NEW, &effect->line);
        break;
    case TAG_SHORTAGE:
        effect->tag = HF_EFFECT_SHORTAGE;
        read_shortage(&in, &effect->shortage);
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

struct hf_text hf_record_reference(const struct hf_record_header *header,
                                   struct hf_record_reader reader)
{
    struct hf_effect effect;
    bool is_end =
        header->ref.bytes_count > 0 ||
        (header->kind != HF_KIND_RESERVE && header->kind != HF_KIND_REPLACE &&
         header->kind != HF_KIND_TRANSFER_CREATE && header->kind != HF_KIND_INBOUND_CREATE);

    while (!is_end && hf_record_next(&reader, header->lsn, &effect, &is_end) == HF_OK) {
        if (!is_end && effect.tag == HF_EFFECT_OPEN) {
            return effect.reservation.id;
        }
        if (!is_end && effect.tag == HF_EFFECT_SHIPMENT_OPEN) {
            return effect.shipment.id;
        }
    }
    return header->ref;
}
