/*
 * replay.c - records of the log, applied by the same effects that wrote them.
 */
#include "engine/decoded.h"
#include "engine/story.h"

/* Enter the record's bytes into the ledger. */
static enum hf_err enter(struct hf_engine *engine, const struct hf_record_header *header,
                         const void *record, const char **why)
{
    struct hf_ledger *ledger = &engine->ledger;

    if (ledger->first_lsn > ledger->last_lsn) {
        hf_ledger_start(ledger, header->lsn);
    }
    if (header->lsn != ledger->last_lsn + 1) {
        *why = "the LSN is not the next one";
        return HF_CORRUPT;
    }
    if (header->order.bytes_count > 0 &&
        hf_orders_make_room(&engine->orders, header->order) != HF_OK) {
        *why = "more orders than the limits allow";
        return HF_LIMIT_EXCEEDED;
    }
    if (ledger->pinned_lsn < ledger->last_lsn) {
        hf_ledger_pin(ledger, ledger->last_lsn); /* what is replayed is durable */
    }
    unsigned char *room = hf_engine_room(engine, header->record_bytes);
    HF_ASSERT(room != NULL);
    memcpy(room, record, header->record_bytes);
    hf_ledger_enter(engine, header);
    if (ledger->pinned_lsn < header->lsn) {
        hf_ledger_pin(ledger, header->lsn);
    }
    return HF_OK;
}

/* ------------------------------------------------------------------ records */

/* The index of a move's cell; what the move names already needs not be it. HF_NONE: none yet. */
static void find_cell(const struct hf_engine *engine, struct hf_effect_move *move)
{
    if (move->cell != HF_NONE) {
        const struct hf_cell *cell = hf_cell_at(&engine->cells, move->cell);
        if (cell->sku == move->sku && cell->location == move->location) {
            return;
        }
    }
    move->cell = hf_cells_find(&engine->cells, move->sku, move->location);
}

#define FETCH_AHEAD                                                                                \
    16 /* effects; a record of a thousand lines is not fetched by hf_decoded_fetch */

/* What applying this effect will look for in a table. */
static void fetch_effect(const struct hf_engine *engine, const struct hf_effect *effect)
{
    if (effect->tag == HF_EFFECT_SKU) {
        hf_table_fetch(&engine->catalog.tables[HF_CODE_SKU],
                       hf_code_hash(HF_CODE_SKU, effect->code.code));
    } else if (effect->tag == HF_EFFECT_MOVE && effect->move.cell == HF_NONE) {
        hf_table_fetch(&engine->cells.table, hf_cell_hash(effect->move.sku, effect->move.location));
    }
}

/* Find what is there, so that room is asked for only where nothing is, and make that room. */
static enum hf_err make_room(struct hf_engine *engine, const struct hf_decoded_record *record,
                             struct hf_effect *effects, const char **why)
{
    for (uint32_t i = 0; i < record->effects_count; i++) {
        if (i + FETCH_AHEAD < record->effects_count) {
            fetch_effect(engine, &effects[i + FETCH_AHEAD]);
        }
        if (effects[i].tag == HF_EFFECT_MOVE) {
            find_cell(engine, &effects[i].move);
        }
    }
    if (hf_effects_make_room(engine, &record->header, effects, record->effects_count) != HF_OK) {
        *why = "the configured limits are too small for the log";
        return HF_LIMIT_EXCEEDED;
    }
    return HF_OK;
}

static enum hf_err apply_effects(struct hf_engine *engine, const struct hf_decoded_record *record,
                                 struct hf_effect *effects, const char **why)
{
    struct hf_effect_context context = {.header = &record->header};
    struct hf_story story = {.engine = engine, .lsn = record->header.lsn};

    enum hf_err err = make_room(engine, record, effects, why);
    if (err != HF_OK) {
        return err;
    }
    for (uint32_t i = 0; i < record->effects_count; i++) {
        struct hf_effect *effect = &effects[i];
        if (effect->tag == HF_EFFECT_MOVE && effect->move.cell == HF_NONE) {
            find_cell(engine, &effect->move); /* the record itself may have made it */
        }
        err = hf_story_check(&story, effect, why);
        err = err != HF_OK ? err : hf_effect_apply(engine, &context, effect, true, why);
        err = err != HF_OK ? err : hf_story_note(&story, effect, why);
        if (err != HF_OK) {
            return err;
        }
    }
    if (record->is_cut) {
        *why = "an effect cannot be read";
        return HF_CORRUPT;
    }
    hf_effects_end(engine, &context);
    return hf_story_end(&story, why);
}

/* A record from before the snapshot: it is only looked at later, so it must be readable. */
static enum hf_err check_history(struct hf_engine *engine, struct hf_decoded_record *record,
                                 const char **why)
{
    const struct hf_decoded_history history = {
        .skus_count = hf_catalog_count(&engine->catalog, HF_CODE_SKU),
        .locations_count = hf_catalog_count(&engine->catalog, HF_CODE_LOCATION)};

    if (!record->is_seen) {
        hf_decoded_see_through(record, &history, engine->work.effects);
    }
    if (record->why != NULL) {
        *why = record->why;
        return HF_CORRUPT;
    }
    return HF_OK;
}

static enum hf_err remember(struct hf_engine *engine, const struct hf_record_header *header,
                            const char **why)
{
    if (header->ref.bytes_count > 0) {
        const uint64_t hash = hf_name_hash(header->ref);
        if (hf_names_find(&engine->names, header->ref, hash) != HF_NONE) {
            *why = "a reference is used twice";
            return HF_CORRUPT;
        }
        if (hf_pool_room(&engine->names.refs) == 0 ||
            hf_names_count(&engine->names) == engine->names.queue_max) {
            *why = "more references than the limits allow";
            return HF_LIMIT_EXCEEDED;
        }
        (void)hf_names_remember(engine, header);
    }
    if (header->retired_count > hf_names_count(&engine->names)) {
        *why = "more names are forgotten than there are";
        return HF_CORRUPT;
    }
    hf_names_forget(engine, header->retired_count);
    return HF_OK;
}

static enum hf_err replay_record(struct hf_engine *engine, struct hf_decoded_record *record,
                                 struct hf_effect *effects, const char **why)
{
    const struct hf_record_header *header = &record->header;

    if (header->lsn > engine->last_lsn) {
        HF_ASSERT(!record->is_history);
        if (header->lsn != engine->last_lsn + 1) {
            *why = "the LSN is not the next one";
            return HF_CORRUPT;
        }
        if (header->ts_us < engine->last_ts_us) {
            *why = "the time goes back";
            return HF_CORRUPT;
        }
        enum hf_err err = apply_effects(engine, record, effects, why);
        err = err != HF_OK ? err : remember(engine, header, why);
        if (err != HF_OK) {
            return err;
        }
        engine->last_lsn = header->lsn;
        engine->last_ts_us = header->ts_us;
    } else if (check_history(engine, record, why) != HF_OK) {
        return HF_CORRUPT;
    }
    return enter(engine, header, record->bytes, why);
}

enum hf_err hf_engine_replay_decoded(struct hf_engine *engine, struct hf_decoded *decoded,
                                     uint32_t index, const char **why)
{
    HF_ASSERT(index < decoded->records_count);

    hf_decoded_fetch(engine, decoded, index);
    struct hf_decoded_record *record = &decoded->records[index];
    return replay_record(engine, record, &decoded->effects[record->effects_first], why);
}

enum hf_err hf_engine_replay(struct hf_engine *engine, const void *record, size_t bytes_count,
                             const char **why)
{
    struct hf_decoded_record decoded;

    *why = "not a record";
    if (hf_decoded_record_take(&decoded, record, bytes_count, engine->work.effects) != HF_OK ||
        decoded.header.record_bytes != bytes_count) {
        return HF_CORRUPT;
    }
    return replay_record(engine, &decoded, engine->work.effects, why);
}
