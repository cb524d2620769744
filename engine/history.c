/*
 * history.c - questions about the ledger: the moves of a cell, a reference, an order.
 *
 * Every move carries the version before, which is the LSN of the cell's previous record: the
 * chain that a cell's history is read by. Records of an order are chained beside the ledger
 * (order.h). Both chains end where the ledger's memory does; what is older is in the log.
 */
#include "engine/state.h"

/* Newer records that are passed on the way to a cursor that no call has returned. One that a call
 * has returned is gone on from at once. */
#define PASS_MAX 4096

/* What is asked of a record: all its moves, or those of one cell. */
struct selection {
    bool is_all;
    uint32_t sku, location;
};

/* What a record told. */
struct told {
    uint32_t moves_count;
    uint64_t version_before; /* of the selected cell, before the record; 0: it was created */
    bool is_touched;         /* the selected cell is in the record */
    struct hf_text order;
};

static void tell_move(const struct hf_engine *engine, struct hf_move *move, uint32_t sku,
                      uint32_t location, const int64_t *after, hf_move_cb cb, void *arg)
{
    _Static_assert(sizeof move->after == HF_COUNTERS_COUNT * sizeof *after, "all counters");
    move->sku = hf_catalog_text(&engine->catalog, HF_CODE_SKU, sku);
    move->location = hf_catalog_text(&engine->catalog, HF_CODE_LOCATION, location);
    memcpy(move->after, after, sizeof move->after);
    cb(arg, move);
}

/* The reference of a reserve or replace that was given none is the id it opened. */
static struct hf_text id_as_reference(const struct hf_record_header *header,
                                      struct hf_record_reader reader)
{
    struct hf_effect effect;
    bool is_end = header->kind != HF_KIND_RESERVE && header->kind != HF_KIND_REPLACE;

    while (!is_end && hf_record_next(&reader, header->lsn, &effect, &is_end) == HF_OK) {
        if (!is_end && effect.tag == HF_EFFECT_OPEN) {
            return effect.reservation.id;
        }
    }
    return (struct hf_text){0};
}

/* Give the selected moves of one record to `cb`. False: the record is not in memory. */
static bool tell_record(const struct hf_engine *engine, uint64_t lsn,
                        const struct selection *selection, hf_move_cb cb, void *arg,
                        struct told *told)
{
    uint32_t bytes_count;
    const unsigned char *record = hf_ledger_get(&engine->ledger, lsn, &bytes_count);
    struct hf_record_reader reader;
    struct hf_record_header header;
    *told = (struct told){0};
    if (record == NULL) {
        return false;
    }
    HF_ASSERT(hf_record_open(&reader, &header, record, bytes_count) == HF_OK);
    struct hf_move move = {.lsn = lsn,
                           .ts_us = header.ts_us,
                           .kind = (enum hf_kind)header.kind,
                           .reason = (enum hf_reason)header.reason,
                           .ref = header.ref,
                           .order = header.order,
                           .by = header.by};
    told->order = header.order;
    if (header.ref.bytes_count == 0) {
        move.ref = id_as_reference(&header, reader);
    }
    for (;;) {
        struct hf_effect effect;
        bool is_end;
        HF_ASSERT(hf_record_next(&reader, lsn, &effect, &is_end) == HF_OK);
        if (is_end) {
            return true;
        }
        if (effect.tag == HF_EFFECT_OPEN || effect.tag == HF_EFFECT_STATE) {
            move.reservation = effect.reservation.id;
            continue;
        }
        if (effect.tag != HF_EFFECT_MOVE && effect.tag != HF_EFFECT_POLICY) {
            continue;
        }
        const bool is_move = effect.tag == HF_EFFECT_MOVE;
        const uint32_t sku = is_move ? effect.move.sku : effect.policy.sku;
        const uint32_t location = is_move ? effect.move.location : effect.policy.location;
        if (selection->is_all || (sku == selection->sku && location == selection->location)) {
            if (!told->is_touched) {
                told->is_touched = true;
                told->version_before =
                    is_move ? effect.move.version_before : effect.policy.version_before;
            }
            told->moves_count++;
            memset(move.delta, 0, sizeof move.delta);
            if (is_move) {
                memcpy(move.delta, effect.move.delta, sizeof move.delta);
            }
            if (cb != NULL) {
                tell_move(engine, &move, sku, location,
                          is_move ? effect.move.after : effect.policy.after, cb, arg);
            }
        }
        move.index++;
    }
}

uint64_t hf_engine_ledger_cell(const struct hf_engine *engine, uint32_t sku, uint32_t location,
                               uint64_t before_lsn, uint32_t moves_max, hf_move_cb cb, void *arg)
{
    const uint32_t index = hf_cells_find(&engine->cells, sku, location);
    const struct selection selection = {.sku = sku, .location = location};
    struct told told;
    if (index == HF_NONE || before_lsn <= engine->ledger.first_lsn) {
        return 0; /* what is older than the memory is not walked to */
    }
    /* A cursor is one above the LSN to go on with; anything else starts at the newest. */
    uint64_t lsn = hf_cell_at(&engine->cells, index)->version;
    if (before_lsn != 0 && before_lsn <= lsn) {
        if (tell_record(engine, before_lsn - 1, &selection, NULL, NULL, &told) && told.is_touched) {
            lsn = before_lsn - 1;
        }
    }
    uint32_t passed = 0;
    for (uint32_t given = 0; lsn != 0; lsn = told.version_before) {
        if (given >= moves_max) {
            return lsn + 1;
        }
        const bool is_given = lsn < before_lsn;
        if (!is_given && ++passed > PASS_MAX) {
            return 0;
        }
        if (!tell_record(engine, lsn, &selection, is_given ? cb : NULL, arg, &told)) {
            return 0;
        }
        if (!told.is_touched || told.version_before >= lsn) {
            return 0; /* records from before the snapshot were not applied: no chain leads on */
        }
        given += is_given ? told.moves_count : 0;
    }
    return 0;
}

uint64_t hf_engine_ledger_ref(const struct hf_engine *engine, struct hf_text ref, hf_move_cb cb,
                              void *arg)
{
    const uint32_t found =
        hf_names_find(&engine->names, &engine->reservations, ref, hf_name_hash(ref));
    const struct selection selection = {.is_all = true};
    struct told told;

    if (found != HF_NONE) {
        const uint64_t lsn = (found & HF_NAME_REF) != 0
                                 ? hf_ref_at(&engine->names, found)->lsn
                                 : hf_reservation_at(&engine->reservations, found)->opened_lsn;
        tell_record(engine, lsn, &selection, cb, arg, &told);
    }
    return 0;
}

/* LSN of the record of the same order before this one; 0: none in memory. */
static uint64_t order_before(const struct hf_engine *engine, uint64_t lsn)
{
    const struct hf_ledger *ledger = &engine->ledger;
    const uint32_t chain = ledger->entries[lsn & (ledger->entries_max - 1)].order_chain;
    return chain == 0 ? 0 : lsn - chain;
}

uint64_t hf_engine_ledger_order(const struct hf_engine *engine, struct hf_text order,
                                uint64_t before_lsn, uint32_t moves_max, hf_move_cb cb, void *arg)
{
    const uint32_t index = hf_orders_find(&engine->orders, order);
    const struct selection selection = {.is_all = true};
    struct told told;
    if (index == HF_NONE || before_lsn <= engine->ledger.first_lsn) {
        return 0; /* what is older than the memory is not walked to */
    }
    uint64_t lsn = hf_order_at(&engine->orders, index)->newest_lsn;
    if (before_lsn != 0 && before_lsn <= lsn) {
        if (tell_record(engine, before_lsn - 1, &selection, NULL, NULL, &told) &&
            hf_text_equal(told.order, order)) {
            lsn = before_lsn - 1;
        }
    }
    uint32_t passed = 0;
    for (uint32_t given = 0; lsn != 0; lsn = order_before(engine, lsn)) {
        if (given >= moves_max) {
            return lsn + 1;
        }
        const bool is_given = lsn < before_lsn;
        if (!is_given && ++passed > PASS_MAX) {
            return 0;
        }
        if (!tell_record(engine, lsn, &selection, is_given ? cb : NULL, arg, &told)) {
            return 0;
        }
        given += is_given ? told.moves_count : 0;
    }
    return 0;
}
