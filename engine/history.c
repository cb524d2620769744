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

/* How far sets follow the history of their cells, all that come at one moment (a frame) together: a
 * few ten milliseconds of the loop. */
#define SINCE_RECORDS_MAX 65536u
#define SINCE_BYTES_MAX (UINT64_C(16) * 1024 * 1024)

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
                           .ref = hf_record_reference(&header, reader),
                           .order = header.order,
                           .by = header.by};
    told->order = header.order;
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
        if (effect.tag == HF_EFFECT_SHIPMENT_OPEN || effect.tag == HF_EFFECT_SHIPMENT_STATE) {
            move.reservation = effect.shipment.id;
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

/* ------------------------------------------------------------------ since when */

struct carried {
    int64_t units;
};

static void carry_cb(void *arg, const struct hf_move *move)
{
    struct carried *carried = arg;

    if (move->kind != HF_KIND_SET) {
        carried->units += move->delta[HF_ON_HAND];
    }
}

/* The time of a record that is in memory; what it says is not read. */
static uint64_t time_of(const unsigned char *record, uint32_t bytes_count)
{
    struct hf_record_reader reader;
    struct hf_record_header header;

    HF_ASSERT(hf_record_open(&reader, &header, record, bytes_count) == HF_OK);
    return header.ts_us;
}

/* Is the cell's record at `lsn`, which is not in memory, not after `as_of`? */
static bool is_dropped_before(const struct hf_engine *engine, uint64_t lsn, uint64_t as_of,
                              bool is_time)
{
    if (!is_time) {
        return lsn <= as_of;
    }
    uint32_t bytes_count;
    const unsigned char *oldest =
        hf_ledger_get(&engine->ledger, engine->ledger.first_lsn, &bytes_count);
    return (oldest == NULL ? engine->last_ts_us : time_of(oldest, bytes_count)) <= as_of;
}

bool hf_history_begin(struct hf_engine *engine)
{
    if (engine->since_us != engine->now_us) {
        engine->since_us = engine->now_us;
        engine->since_records_left = SINCE_RECORDS_MAX;
        engine->since_bytes_left = SINCE_BYTES_MAX;
    }
    return engine->since_records_left == SINCE_RECORDS_MAX;
}

enum hf_err hf_history_since(struct hf_engine *engine, uint32_t cell, uint64_t as_of, bool is_time,
                             int64_t *units)
{
    const struct hf_cell *at = hf_cell_at(&engine->cells, cell);
    const struct selection selection = {.sku = at->sku, .location = at->location};
    struct told told;

    *units = 0;
    for (uint64_t lsn = at->version; lsn != 0; lsn = told.version_before) {
        struct carried carried = {0};
        uint32_t bytes_count;
        if (!is_time && lsn <= as_of) {
            return HF_OK;
        }
        const unsigned char *record = hf_ledger_get(&engine->ledger, lsn, &bytes_count);
        if (record == NULL) {
            return is_dropped_before(engine, lsn, as_of, is_time) ? HF_OK : HF_TOO_OLD;
        }
        if (is_time && time_of(record, bytes_count) <= as_of) {
            return HF_OK;
        }
        if (engine->since_records_left == 0 || bytes_count > engine->since_bytes_left) {
            return HF_BUSY;
        }
        engine->since_records_left--;
        engine->since_bytes_left -= bytes_count;
        tell_record(engine, lsn, &selection, carry_cb, &carried, &told);
        if (!told.is_touched || told.version_before >= lsn) {
            return HF_TOO_OLD; /* the chain does not lead on */
        }
        *units += carried.units;
    }
    return HF_OK;
}

uint64_t hf_engine_ledger_ref(const struct hf_engine *engine, struct hf_text ref, hf_move_cb cb,
                              void *arg)
{
    const uint32_t found = hf_names_find(&engine->names, ref, hf_name_hash(ref));
    const struct selection selection = {.is_all = true};
    struct told told;

    if (found != HF_NONE) {
        const uint64_t lsn =
            hf_name_kind(found) == HF_NAME_REF ? hf_ref_at(&engine->names, found)->lsn
            : hf_name_kind(found) == HF_NAME_SHIPMENT
                ? hf_shipment_at(&engine->shipments, hf_name_index(found))->opened_lsn
                : hf_reservation_at(&engine->reservations, hf_name_index(found))->opened_lsn;
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
