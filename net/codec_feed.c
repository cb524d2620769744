#include "net/codec_feed.h"

#include <string.h>

#include "engine/assert.h"
#include "net/codec_entry.h"
#include "net/wire.h"

/* PROTOCOL.md 3.17: the body of a subscribe. */
enum {
    SUBSCRIBE_LSN = 0,
    SUBSCRIBE_EPOCH = 8,
    SUBSCRIBE_FLAGS = 12,
    SUBSCRIBE_TEXT_BYTES = 14, /* two lengths: location, prefix */
    SUBSCRIBE_KINDS = 16,
    SUBSCRIBE_FIXED_BYTES = 32
};

/* PROTOCOL.md 3.18: an event entry. */
enum {
    AT_KIND = 4,
    AT_REASON = 5,
    AT_STATE = 6,
    AT_MASK = 7,
    AT_LSN = 8,
    AT_TS = 16,
    AT_EPOCH = 24,
    AT_INDEX = 28,
    AT_HITS_COUNT = 30,
    AT_TEXT_BYTES = 32, /* six lengths: sku, location, ref, order, by, id */
    AT_ZERO_38 = 38,
    AT_ATS = 40,
    AT_AFTER = 48,
    EVENT_FIXED_BYTES = 72,
    EVENT_RARE_BYTES = 24,
    TEXTS_COUNT = 6,
    HIT_FIXED_BYTES = 16
};
_Static_assert(AT_TEXT_BYTES + TEXTS_COUNT == AT_ZERO_38, "six lengths of one byte");
_Static_assert(AT_AFTER + 3 * 8 == EVENT_FIXED_BYTES, "three values always");

#define MASK_RARE 64u
#define MASK_NO_CELL 128u
#define COUNTERS_HOT 3
_Static_assert(HF_COUNTERS_COUNT == 2 * COUNTERS_HOT, "three values always, three when given");
_Static_assert(EVENT_FIXED_BYTES + EVENT_RARE_BYTES + HF_COUNTERS_COUNT * 8 + 8 +
                       TEXTS_COUNT * HF_CODE_BYTES_MAX +
                       HF_HITS_MAX * (HIT_FIXED_BYTES + HF_CODE_BYTES_MAX) <=
                   HF_EVENT_ENTRY_BYTES_MAX,
               "no entry is longer");

static unsigned char *put_padded(unsigned char *p, const struct hf_text *texts, uint32_t count)
{
    size_t bytes_count = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (texts[i].bytes_count > 0) {
            memcpy(p + bytes_count, texts[i].bytes, texts[i].bytes_count);
            bytes_count += texts[i].bytes_count;
        }
    }
    const size_t padded = hf_round_up_8(bytes_count);
    memset(p + bytes_count, 0, padded - bytes_count);
    return p + padded;
}

/* Take texts with the lengths at `lengths`, and the zeros up to a multiple of 8 behind them. */
static bool take_padded(struct hf_items *left, const unsigned char *lengths, uint32_t count,
                        struct hf_text *texts)
{
    size_t bytes_count = 0;
    for (uint32_t i = 0; i < count; i++) {
        bytes_count += lengths[i];
    }
    const size_t padded = hf_round_up_8(bytes_count);
    const unsigned char *p = hf_items_take(left, padded);
    if (p == NULL) {
        return false;
    }
    for (size_t i = bytes_count; i < padded; i++) {
        if (p[i] != 0) {
            return false;
        }
    }
    for (uint32_t i = 0; i < count; i++) {
        texts[i] = (struct hf_text){(const char *)p, lengths[i]};
        p += lengths[i];
    }
    return true;
}

/* ------------------------------------------------------------------ subscribe */

enum hf_err hf_subscription_put(struct hf_buffer *out, const struct hf_subscription *subscription)
{
    const struct hf_text texts[2] = {subscription->location, subscription->prefix};

    if (texts[0].bytes_count > HF_TEXT_BYTES_MAX || texts[1].bytes_count > HF_TEXT_BYTES_MAX) {
        return HF_INVALID_ARGUMENT;
    }
    unsigned char *body =
        hf_buffer_add(out, SUBSCRIBE_FIXED_BYTES +
                               hf_round_up_8((size_t)texts[0].bytes_count + texts[1].bytes_count));
    if (body == NULL) {
        return HF_NO_MEMORY;
    }
    hf_put_u64(body + SUBSCRIBE_LSN, subscription->after.lsn);
    hf_put_u32(body + SUBSCRIBE_EPOCH, subscription->after.epoch);
    hf_put_u16(body + SUBSCRIBE_FLAGS, (uint16_t)subscription->flags);
    body[SUBSCRIBE_TEXT_BYTES] = (unsigned char)texts[0].bytes_count;
    body[SUBSCRIBE_TEXT_BYTES + 1] = (unsigned char)texts[1].bytes_count;
    hf_put_u64(body + SUBSCRIBE_KINDS, subscription->kinds[0]);
    hf_put_u64(body + SUBSCRIBE_KINDS + 8, subscription->kinds[1]);
    (void)put_padded(body + SUBSCRIBE_FIXED_BYTES, texts, 2);
    return HF_OK;
}

enum hf_err hf_subscription_read(struct hf_items body, struct hf_subscription *subscription,
                                 enum hf_field *field)
{
    struct hf_text texts[2];

    *subscription = (struct hf_subscription){0};
    *field = HF_FIELD_LAYOUT;
    const unsigned char *head = hf_items_take(&body, SUBSCRIBE_FIXED_BYTES);
    if (head == NULL || !take_padded(&body, head + SUBSCRIBE_TEXT_BYTES, 2, texts) ||
        body.at != body.end) {
        return HF_INVALID_ARGUMENT;
    }
    *subscription = (struct hf_subscription){
        .after = {hf_get_u32(head + SUBSCRIBE_EPOCH), hf_get_u64(head + SUBSCRIBE_LSN)},
        .flags = hf_get_u16(head + SUBSCRIBE_FLAGS),
        .location = texts[0],
        .prefix = texts[1],
        .kinds = {hf_get_u64(head + SUBSCRIBE_KINDS), hf_get_u64(head + SUBSCRIBE_KINDS + 8)},
    };
    if ((subscription->flags & ~HF_FEED_FLAGS_ALL) != 0) {
        *field = HF_FIELD_FLAGS;
    } else if (texts[0].bytes_count > 0 && !hf_text_is_code(texts[0])) {
        *field = HF_FIELD_LOCATION;
    } else if (texts[1].bytes_count > HF_CODE_BYTES_MAX) {
        *field = HF_FIELD_SKU; /* a prefix may end inside a character, so it need not be a code */
    } else if (subscription->after.epoch == 0 && subscription->after.lsn != 0) {
        *field = HF_FIELD_TOKEN;
    } else {
        *field = HF_FIELD_NONE;
        return HF_OK;
    }
    return HF_INVALID_ARGUMENT;
}

/* ------------------------------------------------------------------ events: the head */

void hf_events_head_put(unsigned char *at, const struct hf_token *token)
{
    hf_put_u64(at, token->lsn);
    hf_put_u32(at + 8, token->epoch);
    hf_put_u32(at + 12, 0);
}

enum hf_err hf_events_head_next(struct hf_items *body, struct hf_token *token)
{
    const unsigned char *head = hf_items_take(body, HF_EVENTS_HEAD_BYTES);
    if (head == NULL || hf_get_u32(head + 12) != 0) {
        return HF_CORRUPT;
    }
    *token = (struct hf_token){hf_get_u32(head + 8), hf_get_u64(head)};
    return HF_OK;
}

/* ------------------------------------------------------------------ entries */

/* Which figures the entry carries. */
static unsigned mask_of(const struct hf_event *event)
{
    unsigned mask = event->sku.bytes_count == 0 ? MASK_NO_CELL : 0;
    for (unsigned i = 0; i < HF_COUNTERS_COUNT; i++) {
        mask |= event->delta[i] != 0 ? 1u << i : 0;
        mask |= i >= COUNTERS_HOT && event->after[i] != 0 ? MASK_RARE : 0;
    }
    return mask;
}

static size_t figures_bytes(unsigned mask, unsigned kind)
{
    size_t bytes_count = kind == HF_ALERT_SHORTAGE ? 8 : 0;
    bytes_count += (mask & MASK_RARE) != 0 ? EVENT_RARE_BYTES : 0;
    for (unsigned i = 0; i < HF_COUNTERS_COUNT; i++) {
        bytes_count += (mask & 1u << i) != 0 ? 8 : 0;
    }
    return bytes_count;
}

static unsigned char *put_figures(unsigned char *p, const struct hf_event *event, unsigned mask)
{
    for (unsigned i = COUNTERS_HOT; i < HF_COUNTERS_COUNT && (mask & MASK_RARE) != 0; i++) {
        hf_put_i64(p, event->after[i]);
        p += 8;
    }
    for (unsigned i = 0; i < HF_COUNTERS_COUNT; i++) {
        if ((mask & 1u << i) != 0) {
            hf_put_i64(p, event->delta[i]);
            p += 8;
        }
    }
    if (event->kind == HF_ALERT_SHORTAGE) {
        hf_put_i64(p, event->missing);
        p += 8;
    }
    return p;
}

static unsigned char *put_hits(unsigned char *p, const struct hf_event *event)
{
    for (uint32_t i = 0; i < event->hits_count; i++) {
        const struct hf_hit *hit = &event->hits[i];
        memset(p, 0, 8);
        p[0] = (unsigned char)hit->reservation.bytes_count;
        hf_put_i64(p + 8, hit->units);
        p = put_padded(p + HIT_FIXED_BYTES, &hit->reservation, 1);
    }
    return p;
}

void hf_event_put(struct hf_buffer *out, const struct hf_event *event, uint32_t epoch)
{
    const struct hf_text texts[TEXTS_COUNT] = {event->sku,   event->location, event->ref,
                                               event->order, event->by,       event->id};
    const unsigned mask = mask_of(event);
    size_t texts_bytes = 0;
    size_t hits_bytes = 0;

    HF_ASSERT(event->kind < HF_EVENT_KINDS_END);
    HF_ASSERT(event->index <= UINT16_MAX);
    HF_ASSERT(event->hits_count <= HF_HITS_MAX);
    for (uint32_t i = 0; i < TEXTS_COUNT; i++) {
        HF_ASSERT(texts[i].bytes_count <= HF_CODE_BYTES_MAX);
        texts_bytes += texts[i].bytes_count;
    }
    for (uint32_t i = 0; i < event->hits_count; i++) {
        hits_bytes += HIT_FIXED_BYTES + hf_round_up_8(event->hits[i].reservation.bytes_count);
    }
    const size_t entry_bytes = EVENT_FIXED_BYTES + figures_bytes(mask, event->kind) +
                               hf_round_up_8(texts_bytes) + hits_bytes;
    unsigned char *entry = hf_buffer_add(out, entry_bytes);
    if (entry == NULL) {
        return;
    }
    hf_put_u32(entry, (uint32_t)entry_bytes);
    entry[AT_KIND] = (unsigned char)event->kind;
    entry[AT_REASON] = (unsigned char)event->reason;
    entry[AT_STATE] = (unsigned char)event->state;
    entry[AT_MASK] = (unsigned char)mask;
    hf_put_u64(entry + AT_LSN, event->lsn);
    hf_put_u64(entry + AT_TS, event->ts_us);
    hf_put_u32(entry + AT_EPOCH, epoch);
    hf_put_u16(entry + AT_INDEX, (uint16_t)event->index);
    hf_put_u16(entry + AT_HITS_COUNT, (uint16_t)event->hits_count);
    for (uint32_t i = 0; i < TEXTS_COUNT; i++) {
        entry[AT_TEXT_BYTES + i] = (unsigned char)texts[i].bytes_count;
    }
    hf_put_u16(entry + AT_ZERO_38, 0);
    hf_put_i64(entry + AT_ATS, event->ats);
    for (unsigned i = 0; i < COUNTERS_HOT; i++) {
        hf_put_i64(entry + AT_AFTER + 8 * (size_t)i, event->after[i]);
    }
    unsigned char *p = put_figures(entry + EVENT_FIXED_BYTES, event, mask);
    p = put_padded(p, texts, TEXTS_COUNT);
    p = put_hits(p, event);
    HF_ASSERT(p == entry + entry_bytes);
}

static void read_figures(const unsigned char *entry, const unsigned char *p, unsigned mask,
                         struct hf_event *event)
{
    for (unsigned i = 0; i < COUNTERS_HOT; i++) {
        event->after[i] = hf_get_i64(entry + AT_AFTER + 8 * (size_t)i);
    }
    for (unsigned i = COUNTERS_HOT; i < HF_COUNTERS_COUNT && (mask & MASK_RARE) != 0; i++) {
        event->after[i] = hf_get_i64(p);
        p += 8;
    }
    for (unsigned i = 0; i < HF_COUNTERS_COUNT; i++) {
        if ((mask & 1u << i) != 0) {
            event->delta[i] = hf_get_i64(p);
            p += 8;
        }
    }
    if (event->kind == HF_ALERT_SHORTAGE) {
        event->missing = hf_get_i64(p);
    }
}

enum hf_err hf_event_next(struct hf_items *entries, struct hf_event *event, uint32_t *epoch,
                          struct hf_items *hits)
{
    struct hf_items rest;
    struct hf_text texts[TEXTS_COUNT];
    const unsigned char *entry = hf_entry_take(entries, EVENT_FIXED_BYTES, &rest);
    if (entry == NULL) {
        return HF_CORRUPT;
    }
    const unsigned mask = entry[AT_MASK];
    const unsigned char *figures = hf_items_take(&rest, figures_bytes(mask, entry[AT_KIND]));
    if (figures == NULL || !take_padded(&rest, entry + AT_TEXT_BYTES, TEXTS_COUNT, texts)) {
        return HF_CORRUPT;
    }
    *event = (struct hf_event){
        .lsn = hf_get_u64(entry + AT_LSN),
        .ts_us = hf_get_u64(entry + AT_TS),
        .index = hf_get_u16(entry + AT_INDEX),
        .kind = entry[AT_KIND],
        .reason = (enum hf_reason)entry[AT_REASON],
        .is_policy = entry[AT_KIND] == HF_KIND_SET_POLICY,
        .sku = texts[0],
        .location = texts[1],
        .ref = texts[2],
        .order = texts[3],
        .by = texts[4],
        .id = texts[5],
        .state = (enum hf_state)entry[AT_STATE],
        .ats = hf_get_i64(entry + AT_ATS),
        .hits_count = hf_get_u16(entry + AT_HITS_COUNT),
    };
    read_figures(entry, figures, mask, event);
    *epoch = hf_get_u32(entry + AT_EPOCH);
    *hits = rest;
    return event->hits_count <= HF_HITS_MAX ? HF_OK : HF_CORRUPT;
}

enum hf_err hf_event_hit_next(struct hf_items *hits, struct hf_hit *hit)
{
    const unsigned char *head = hf_items_take(hits, HIT_FIXED_BYTES);
    if (head == NULL || !take_padded(hits, head, 1, &hit->reservation)) {
        return HF_CORRUPT;
    }
    hit->units = hf_get_i64(head + 8);
    return HF_OK;
}

/* ------------------------------------------------------------------ encoded entries */

size_t hf_event_entry_bytes(const unsigned char *entry)
{
    return hf_get_u32(entry);
}

uint64_t hf_event_entry_lsn(const unsigned char *entry)
{
    return hf_get_u64(entry + AT_LSN);
}

uint32_t hf_event_entry_index(const unsigned char *entry)
{
    return hf_get_u16(entry + AT_INDEX);
}

bool hf_event_entry_passes(const unsigned char *entry, const struct hf_subscription *subscription)
{
    const unsigned kind = entry[AT_KIND];
    const unsigned mask = entry[AT_MASK];
    const uint64_t *kinds = subscription->kinds;

    if ((kinds[0] | kinds[1]) != 0 && (kinds[kind / 64] & UINT64_C(1) << kind % 64) == 0) {
        return false;
    }
    if ((subscription->flags & HF_FEED_STOCK) != 0 && (mask & 1u << HF_ON_HAND) == 0) {
        return false;
    }
    const struct hf_text prefix = subscription->prefix;
    const struct hf_text location = subscription->location;
    if (prefix.bytes_count == 0 && location.bytes_count == 0) {
        return true;
    }
    const char *texts = (const char *)entry + EVENT_FIXED_BYTES + figures_bytes(mask, kind);
    const struct hf_text sku = {texts, entry[AT_TEXT_BYTES]};
    const struct hf_text place = {texts + sku.bytes_count, entry[AT_TEXT_BYTES + 1]};
    if (location.bytes_count > 0 && !hf_text_equal(place, location)) {
        return false;
    }
    return sku.bytes_count >= prefix.bytes_count &&
           (prefix.bytes_count == 0 || memcmp(sku.bytes, prefix.bytes, prefix.bytes_count) == 0);
}
