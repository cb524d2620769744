/*
 * replay.c - records of the log, applied by the same effects that wrote them.
 */
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

/* Look up the cell of a move, so that room is asked for only when there is none yet. */
static void find_cell(const struct hf_engine *engine, struct hf_effect *effect)
{
    if (effect->tag == HF_EFFECT_MOVE) {
        effect->move.cell = hf_cells_find(&engine->cells, effect->move.sku, effect->move.location);
    }
}

/* ------------------------------------------------------------------ records */

static enum hf_err apply_effects(struct hf_engine *engine, struct hf_record_reader *reader,
                                 const struct hf_record_header *header, const char **why)
{
    struct hf_effect_context context = {.header = header};
    struct hf_story story = {.engine = engine, .lsn = header->lsn};

    for (;;) {
        struct hf_effect effect;
        bool is_end;
        if (hf_record_next(reader, header->lsn, &effect, &is_end) != HF_OK) {
            *why = "an effect cannot be read";
            return HF_CORRUPT;
        }
        if (is_end) {
            hf_effects_end(engine, &context);
            return hf_story_end(&story, why);
        }
        find_cell(engine, &effect);
        enum hf_err err = hf_story_check(&story, &effect, why);
        if (err != HF_OK) {
            return err;
        }
        const bool is_line_added =
            context.is_opening && context.reservation != 0 && effect.tag == HF_EFFECT_MOVE;
        if (hf_effects_make_room(engine, header, &effect, 1) != HF_OK ||
            (is_line_added && hf_pool_room(&engine->reservations.lines) == 0)) {
            *why = "the configured limits are too small for the log";
            return HF_LIMIT_EXCEEDED;
        }
        err = hf_effect_apply(engine, &context, &effect, true, why);
        err = err != HF_OK ? err : hf_story_note(&story, &effect, why);
        if (err != HF_OK) {
            return err;
        }
    }
}

/* A record from before the snapshot: it is only looked at later, so it must be readable. */
static enum hf_err check_history(const struct hf_engine *engine, struct hf_record_reader *reader,
                                 const struct hf_record_header *header, const char **why)
{
    const uint32_t skus_count = hf_catalog_count(&engine->catalog, HF_CODE_SKU);
    const uint32_t locations_count = hf_catalog_count(&engine->catalog, HF_CODE_LOCATION);

    for (bool is_end = false; !is_end;) {
        struct hf_effect effect;
        if (hf_record_next(reader, header->lsn, &effect, &is_end) != HF_OK) {
            *why = "an effect cannot be read";
            return HF_CORRUPT;
        }
        const bool is_move = !is_end && effect.tag == HF_EFFECT_MOVE;
        const bool is_policy = !is_end && effect.tag == HF_EFFECT_POLICY;
        const bool is_shortage = !is_end && effect.tag == HF_EFFECT_SHORTAGE;
        if ((is_shortage &&
             (effect.shortage.sku >= skus_count || effect.shortage.location >= locations_count)) ||
            (is_move &&
             (effect.move.sku >= skus_count || effect.move.location >= locations_count)) ||
            (is_policy &&
             (effect.policy.sku >= skus_count || effect.policy.location >= locations_count))) {
            *why = "a move of a cell that cannot exist";
            return HF_CORRUPT;
        }
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

enum hf_err hf_engine_replay(struct hf_engine *engine, const void *record, size_t bytes_count,
                             const char **why)
{
    struct hf_record_reader reader;
    struct hf_record_header header;

    *why = "not a record";
    if (hf_record_open(&reader, &header, record, bytes_count) != HF_OK ||
        header.record_bytes != bytes_count) {
        return HF_CORRUPT;
    }
    if (header.lsn > engine->last_lsn) {
        if (header.lsn != engine->last_lsn + 1) {
            *why = "the LSN is not the next one";
            return HF_CORRUPT;
        }
        if (header.ts_us < engine->last_ts_us) {
            *why = "the time goes back";
            return HF_CORRUPT;
        }
        enum hf_err err = apply_effects(engine, &reader, &header, why);
        err = err != HF_OK ? err : remember(engine, &header, why);
        if (err != HF_OK) {
            return err;
        }
        engine->last_lsn = header.lsn;
        engine->last_ts_us = header.ts_us;
    } else if (check_history(engine, &reader, &header, why) != HF_OK) {
        return HF_CORRUPT;
    }
    return enter(engine, &header, record, why);
}
