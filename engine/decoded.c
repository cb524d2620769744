#include "engine/decoded.h"

#include "engine/touch.h"

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

const char *hf_decoded_history_misfit(const struct hf_decoded_history *history,
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

/* See a record from before the snapshot through; `effect` is a place to work in. */
static void take_history(struct hf_decoded_record *record, struct hf_record_reader *reader,
                         const struct hf_decoded_history *history, struct hf_effect *effect)
{
    bool is_end = false;
    uint32_t count = 0;

    record->is_history = true;
    while (record->why == NULL) {
        if (hf_record_next(reader, record->header.lsn, effect, &is_end) != HF_OK ||
            (!is_end && count++ == HF_EFFECTS_MAX)) {
            record->why = "an effect cannot be read";
        } else if (is_end) {
            return;
        } else {
            record->why = hf_decoded_history_misfit(history, effect);
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
    record->is_cut = record->is_history = false;
    record->why = NULL;
    if (record->header.lsn <= history->last_lsn) {
        take_history(record, &reader, history, effects);
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

#define FETCH_RECORDS 32
#define FETCH_EFFECTS 4 /* of a record that are looked at: the state, and a few lines */
_Static_assert(FETCH_RECORDS *FETCH_EFFECTS <= HF_TOUCHES_MAX, "every move's cell is noted");

/* Notes the moves in the order of touches->cells. */
static void note_record(const struct hf_engine *engine, struct hf_touches *touches,
                        const struct hf_decoded_record *record, struct hf_effect *effects,
                        struct hf_effect_move **moves)
{
    if (record->header.ref.bytes_count > 0) {
        hf_table_fetch(&engine->names.table, hf_name_hash(record->header.ref));
    }
    if (record->header.order.bytes_count > 0) {
        hf_orders_fetch(&engine->orders, record->header.order);
    }
    for (uint32_t i = 0; i < FETCH_EFFECTS && i < record->effects_count; i++) {
        if (effects[i].tag == HF_EFFECT_OPEN || effects[i].tag == HF_EFFECT_STATE) {
            hf_touch_name(engine, touches, effects[i].reservation.hash);
        } else if (effects[i].tag == HF_EFFECT_MOVE) {
            struct hf_effect_move *move = &effects[i].move;
            moves[touches->cells_count] = move;
            hf_touch_cell(engine, touches, move->sku, move->location);
        }
    }
}

void hf_decoded_fetch(const struct hf_engine *engine, struct hf_decoded *decoded, uint32_t index)
{
    struct hf_effect_move *moves[HF_TOUCHES_MAX] = {NULL};
    struct hf_touches touches;

    if (index % FETCH_RECORDS != 0) {
        return;
    }
    touches.names_count = touches.cells_count = 0;
    for (uint32_t i = index; i < index + FETCH_RECORDS && i < decoded->records_count; i++) {
        const struct hf_decoded_record *record = &decoded->records[i];
        if (record->header.lsn <= engine->last_lsn) {
            continue; /* it only enters the ledger */
        }
        note_record(engine, &touches, record, &decoded->effects[record->effects_first], moves);
    }
    hf_touch_fetch(engine, &touches);
    for (uint32_t i = 0; i < touches.cells_count; i++) {
        HF_ASSERT(moves[i] != NULL);
        moves[i]->cell = touches.found[i]; /* it may be; replay looks */
    }
}
