/*
 * replay.c - records of the log, applied by the same effects that wrote them.
 */
#include "engine/state.h"

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

static enum hf_err apply_effects(struct hf_engine *engine, struct hf_record_reader *reader,
                                 const struct hf_record_header *header, const char **why)
{
    struct hf_effect_context context = {.header = header};

    for (;;) {
        struct hf_effect effect;
        bool is_end;
        if (hf_record_next(reader, header->lsn, &effect, &is_end) != HF_OK) {
            *why = "an effect cannot be read";
            return HF_CORRUPT;
        }
        if (is_end) {
            return HF_OK;
        }
        find_cell(engine, &effect);
        const bool is_line_added = context.is_opening && effect.tag == HF_EFFECT_MOVE;
        if (hf_effects_make_room(engine, header, &effect, 1) != HF_OK ||
            (is_line_added && hf_pool_room(&engine->reservations.lines) == 0)) {
            *why = "the configured limits are too small for the log";
            return HF_LIMIT_EXCEEDED;
        }
        const enum hf_err err = hf_effect_apply(engine, &context, &effect, true, why);
        if (err != HF_OK) {
            return err;
        }
    }
}

static enum hf_err remember(struct hf_engine *engine, const struct hf_record_header *header,
                            const char **why)
{
    if (header->ref.bytes_count > 0) {
        const uint64_t hash = hf_name_hash(header->ref);
        if (hf_names_find(&engine->names, &engine->reservations, header->ref, hash) != HF_NONE) {
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
        if (hf_names_count(&engine->names) + HF_MOVES_MAX > engine->names.queue_max) {
            *why = "more references than the limits allow";
            return HF_LIMIT_EXCEEDED;
        }
        enum hf_err err = apply_effects(engine, &reader, &header, why);
        err = err != HF_OK ? err : remember(engine, &header, why);
        if (err != HF_OK) {
            return err;
        }
        engine->last_lsn = header.lsn;
        engine->last_ts_us = header.ts_us;
    }
    return enter(engine, &header, record, why);
}
