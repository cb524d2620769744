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

static void hash_name(struct hf_effect *effect)
{
    if (effect->tag == HF_EFFECT_OPEN || effect->tag == HF_EFFECT_STATE) {
        effect->reservation.hash = hf_name_hash(effect->reservation.id);
    }
}

enum hf_err hf_decoded_record_take(struct hf_decoded_record *record, const void *bytes,
                                   size_t bytes_max, struct hf_effect *effects)
{
    struct hf_record_reader reader;
    bool is_end = false;

    const enum hf_err err = hf_record_open(&reader, &record->header, bytes, bytes_max);
    if (err != HF_OK) {
        return err;
    }
    record->bytes = bytes;
    record->effects_count = 0;
    record->is_cut = false;
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
        if (hf_decoded_record_take(record, begin + at, bytes_count - at,
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
        note_record(engine, &touches, record, &decoded->effects[record->effects_first], moves);
    }
    hf_touch_fetch(engine, &touches);
    for (uint32_t i = 0; i < touches.cells_count; i++) {
        HF_ASSERT(moves[i] != NULL);
        moves[i]->cell = touches.found[i]; /* it may be; replay looks */
    }
}

/* ------------------------------------------------------------------ memory ahead */

#define GROWTH_BYTES (UINT64_C(4) * 1024 * 1024) /* made at once */

enum growth { GROWTH_RESERVATIONS, GROWTH_LINES, GROWTH_RECORDS, GROWTH_ENTRIES };

static struct hf_growth_region region_from(void *memory, uint64_t used_bytes, uint64_t bytes_max)
{
    return (struct hf_growth_region){memory, bytes_max, used_bytes, used_bytes};
}

static struct hf_growth_region region_of(const struct hf_pool *pool)
{
    return region_from(pool->items, hf_pool_memory_bytes(pool),
                       (uint64_t)pool->items_max * pool->item_bytes);
}

void hf_growth_begin(struct hf_growth *growth, const struct hf_engine *engine)
{
    const struct hf_ledger *ledger = &engine->ledger;
    const uint64_t entry_bytes = sizeof *ledger->entries;
    const uint64_t entry = (ledger->last_lsn + 1) & (ledger->entries_max - 1);

    growth->regions[GROWTH_RESERVATIONS] = region_of(&engine->reservations.pool);
    growth->regions[GROWTH_LINES] = region_of(&engine->reservations.lines);
    growth->regions[GROWTH_RECORDS] = region_from(ledger->bytes, ledger->head, ledger->bytes_max);
    growth->regions[GROWTH_ENTRIES] =
        region_from(ledger->entries, entry * entry_bytes, ledger->entries_max * entry_bytes);
}

static void make(struct hf_growth_region *region, uint64_t more_bytes)
{
    region->end_bytes += more_bytes;
    if (region->end_bytes < GROWTH_BYTES) {
        return; /* a small server stays small */
    }
    while (region->made_bytes < region->bytes_max &&
           region->made_bytes < region->end_bytes + GROWTH_BYTES) {
        const uint64_t left = region->bytes_max - region->made_bytes;
        const uint64_t part = left < GROWTH_BYTES ? left : GROWTH_BYTES;
        hf_memory_populate(region->memory + region->made_bytes, part);
        region->made_bytes += part;
    }
}

void hf_growth_add(struct hf_growth *growth, const struct hf_decoded *decoded)
{
    uint64_t reservations = 0, lines = 0, bytes_count = 0;

    for (uint32_t i = 0; i < decoded->records_count; i++) {
        const struct hf_decoded_record *record = &decoded->records[i];
        bool is_opening = false;
        bytes_count += record->header.record_bytes;
        for (uint32_t k = 0; k < record->effects_count; k++) {
            const enum hf_effect_tag tag = decoded->effects[record->effects_first + k].tag;
            is_opening = tag == HF_EFFECT_OPEN || (is_opening && tag == HF_EFFECT_MOVE);
            reservations += tag == HF_EFFECT_OPEN;
            lines += is_opening && tag == HF_EFFECT_MOVE;
        }
    }
    make(&growth->regions[GROWTH_RESERVATIONS], reservations * sizeof(struct hf_reservation));
    make(&growth->regions[GROWTH_LINES], lines * sizeof(struct hf_line));
    make(&growth->regions[GROWTH_RECORDS], bytes_count);
    make(&growth->regions[GROWTH_ENTRIES], decoded->records_count * sizeof(struct hf_ledger_entry));
}
