#include "engine/decoded.h"

#include "engine/state.h"

/* ------------------------------------------------------------------ decode */

static uint64_t decoded_bytes(void)
{
    return sizeof(struct hf_decoded) +
           (HF_DECODED_EFFECTS + HF_EFFECTS_MAX) * sizeof(struct hf_effect);
}

struct hf_decoded *hf_decoded_create(void)
{
    return hf_memory_reserve(decoded_bytes()); /* most of it is never touched */
}

void hf_decoded_free(struct hf_decoded *decoded)
{
    hf_memory_give_back(decoded, decoded_bytes());
}

void hf_decoded_begin(struct hf_decoded *decoded, const struct hf_engine *engine)
{
    decoded->history = (struct hf_decoded_history){
        .last_lsn = engine->last_lsn,
        .skus_count = hf_catalog_count(&engine->catalog, HF_CODE_SKU),
        .locations_count = hf_catalog_count(&engine->catalog, HF_CODE_LOCATION),
    };
}

/* NULL: the effect names what may be; else what it does not. */
static const char *history_misfit(const struct hf_decoded_history *history,
                                  const struct hf_effect *effect)
{
    uint32_t sku = 0, location = 0;

    switch (effect->tag) {
    case HF_EFFECT_MOVE:
        sku = effect->move.sku;
        location = effect->move.location;
        break;
    case HF_EFFECT_POLICY:
        sku = effect->policy.sku;
        location = effect->policy.location;
        break;
    case HF_EFFECT_SHORTAGE:
        sku = effect->shortage.sku;
        location = effect->shortage.location;
        break;
    default:
        return NULL;
    }
    return sku < history->skus_count && location < history->locations_count
               ? NULL
               : "a move of a cell that cannot exist";
}

static void hash_name(struct hf_effect *effect)
{
    if (effect->tag == HF_EFFECT_OPEN || effect->tag == HF_EFFECT_STATE) {
        effect->reservation.hash = hf_name_hash(effect->reservation.id);
    }
}

void hf_decoded_see_through(struct hf_decoded_record *record,
                            const struct hf_decoded_history *history, struct hf_effect *effect)
{
    struct hf_record_reader reader;
    bool is_end = false;
    uint32_t count = 0;

    const enum hf_err err =
        hf_record_open(&reader, &record->header, record->bytes, record->header.record_bytes);
    HF_ASSERT(err == HF_OK); /* it was opened before */
    record->is_seen = true;
    while (record->why == NULL) {
        if (hf_record_next(&reader, record->header.lsn, effect, &is_end) != HF_OK ||
            (!is_end && count++ == HF_EFFECTS_MAX)) {
            record->why = "an effect cannot be read";
        } else if (is_end) {
            return;
        } else {
            record->why = history_misfit(history, effect);
        }
    }
}

/* As hf_decoded_record_take. */
static enum hf_err take(struct hf_decoded_record *record, const void *bytes, size_t bytes_max,
                        const struct hf_decoded_history *history, struct hf_effect *effects)
{
    struct hf_record_reader reader;
    bool is_end = false;

    const enum hf_err err = hf_record_open(&reader, &record->header, bytes, bytes_max);
    if (err != HF_OK) {
        return err;
    }
    record->bytes = bytes;
    record->effects_count = 0;
    record->is_cut = record->is_seen = false;
    record->is_history = record->header.lsn <= history->last_lsn;
    record->why = NULL;
    if (record->is_history) {
        if (!history->is_for_replay) {
            hf_decoded_see_through(record, history, effects);
        }
        return HF_OK;
    }
    while (!is_end && !record->is_cut) {
        record->is_cut = record->effects_count == HF_EFFECTS_MAX ||
                         hf_record_next(&reader, record->header.lsn,
                                        &effects[record->effects_count], &is_end) != HF_OK;
        if (!is_end && !record->is_cut) {
            hash_name(&effects[record->effects_count++]);
        }
    }
    return HF_OK;
}

enum hf_err hf_decoded_record_take(struct hf_decoded_record *record, const void *bytes,
                                   size_t bytes_max, struct hf_effect *effects)
{
    static const struct hf_decoded_history none;
    return take(record, bytes, bytes_max, &none, effects);
}

size_t hf_decoded_take(struct hf_decoded *decoded, const void *bytes, size_t bytes_count)
{
    const unsigned char *begin = bytes;
    size_t at = 0;

    decoded->records_count = decoded->effects_count = 0;
    decoded->why = NULL;
    while (at < bytes_count && decoded->records_count < HF_DECODED_RECORDS &&
           decoded->effects_count < HF_DECODED_EFFECTS) {
        struct hf_decoded_record *record = &decoded->records[decoded->records_count];
        record->effects_first = decoded->effects_count;
        if (take(record, begin + at, bytes_count - at, &decoded->history,
                 &decoded->effects[decoded->effects_count]) != HF_OK) {
            decoded->why = "not a record";
            break;
        }
        decoded->effects_count += record->effects_count;
        decoded->records_count++;
        at += record->header.record_bytes;
    }
    return at;
}

/* ------------------------------------------------------------------ fetch */

/*
 * Three steps, each behind the cache miss of the one before, for groups of records at different
 * distances, so that every miss has the time of a group to come in:
 *
 *     being applied | lines of reservations | cells, reservations | slots of the tables
 */
#define GROUP 8       /* records */
#define EFFECTS_MAX 4 /* of a record that are looked at: the state, and a few lines */

static void fetch_slots(const struct hf_engine *engine, const struct hf_decoded_record *record,
                        struct hf_effect *effects, uint32_t count)
{
    if (record->header.ref.bytes_count > 0) {
        hf_table_fetch(&engine->names.table, hf_name_hash(record->header.ref));
    }
    if (record->header.order.bytes_count > 0) {
        hf_orders_fetch(&engine->orders, record->header.order);
    }
    for (uint32_t i = 0; i < count; i++) {
        if (effects[i].tag == HF_EFFECT_OPEN || effects[i].tag == HF_EFFECT_STATE) {
            hf_table_fetch(&engine->names.table, effects[i].reservation.hash);
        } else if (effects[i].tag == HF_EFFECT_MOVE) {
            const struct hf_effect_move *move = &effects[i].move;
            hf_table_fetch(&engine->cells.table, hf_cell_hash(move->sku, move->location));
        }
    }
}

/* The reservation of a STATE, as far as its slot tells; HF_NONE: none. */
static uint32_t peek_reservation(const struct hf_engine *engine, const struct hf_effect *effect)
{
    const uint32_t name = effect->tag == HF_EFFECT_STATE
                              ? hf_table_peek(&engine->names.table, effect->reservation.hash)
                              : HF_NONE;

    return name != HF_NONE && hf_name_kind(name) == HF_NAME_RESERVATION ? name : HF_NONE;
}

/* A move is told which cell its slot names: it may be its own, and replay looks. */
static void fetch_items(const struct hf_engine *engine, const struct hf_decoded_record *record,
                        struct hf_effect *effects, uint32_t count)
{
    (void)record;
    for (uint32_t i = 0; i < count; i++) {
        if (effects[i].tag == HF_EFFECT_MOVE) {
            struct hf_effect_move *move = &effects[i].move;
            move->cell =
                hf_table_peek(&engine->cells.table, hf_cell_hash(move->sku, move->location));
            if (move->cell != HF_NONE) {
                hf_prefetch(hf_cell_at(&engine->cells, move->cell));
            }
        } else {
            const uint32_t reservation = peek_reservation(engine, &effects[i]);
            if (reservation != HF_NONE) {
                hf_prefetch(hf_reservation_at(&engine->reservations, reservation));
            }
        }
    }
}

static void fetch_lines(const struct hf_engine *engine, const struct hf_decoded_record *record,
                        struct hf_effect *effects, uint32_t count)
{
    (void)record;
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t reservation = peek_reservation(engine, &effects[i]);
        if (reservation != HF_NONE) {
            const uint32_t line = hf_reservation_at(&engine->reservations, reservation)->first_line;
            if (line != HF_NONE) {
                hf_prefetch(hf_line_at(&engine->reservations, line));
            }
        }
    }
}

typedef void (*step_cb)(const struct hf_engine *engine, const struct hf_decoded_record *record,
                        struct hf_effect *effects, uint32_t count);

/* One step for records [first, end), as far as there are any. */
static inline void fetch_each(const struct hf_engine *engine, struct hf_decoded *decoded,
                              uint32_t first, uint32_t end, step_cb step)
{
    for (uint32_t i = first; i < end && i < decoded->records_count; i++) {
        const struct hf_decoded_record *record = &decoded->records[i];
        const uint32_t count =
            record->effects_count < EFFECTS_MAX ? record->effects_count : EFFECTS_MAX;
        if (record->header.lsn > engine->last_lsn) { /* others only enter the ledger */
            step(engine, record, &decoded->effects[record->effects_first], count);
        }
    }
}

void hf_decoded_fetch(const struct hf_engine *engine, struct hf_decoded *decoded, uint32_t index)
{
    const bool is_first = index == 0; /* all three for those that begin */

    if (index % GROUP == 0) {
        fetch_each(engine, decoded, is_first ? 0 : index + 2 * GROUP, index + 3 * GROUP,
                   fetch_slots);
        fetch_each(engine, decoded, is_first ? 0 : index + GROUP, index + 2 * GROUP, fetch_items);
        fetch_each(engine, decoded, index, index + GROUP, fetch_lines);
    }
}
