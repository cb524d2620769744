/*
 * event.c - a record, told to those who follow: the change feed's source.
 *
 *     record --effects--> by move:  an event for each move, as the ledger has them
 *                         by cell:  an event for each cell, its moves added up; then the alerts
 *
 * The record says all there is to tell (values after, gap to ATS, marks, who is hit), so an event
 * read from an old log segment is the event that was told when it happened. Only the codes
 * come from the catalog, which never forgets one.
 */
#include "engine/state.h"

/* What a record did to one cell. */
struct hf_told_cell {
    uint32_t sku, location;
    int64_t delta[HF_COUNTERS_COUNT];
    int64_t after[HF_COUNTERS_COUNT];
    int64_t gap;
    uint8_t marks;
    bool is_policy;
};

/* Cells of the record under way, and what else it says. */
struct telling {
    struct hf_engine *engine;
    struct hf_event event; /* what all events of the record have in common */
    hf_event_cb cb;
    void *arg;
    struct hf_told_cell *cells;
    uint32_t cells_count;
    uint32_t things_count; /* reservations and shipments that the record is about */
};

static void tell(struct telling *telling, const struct hf_told_cell *cell)
{
    struct hf_event *event = &telling->event;
    const struct hf_catalog *catalog = &telling->engine->catalog;

    event->sku = hf_catalog_text(catalog, HF_CODE_SKU, cell->sku);
    event->location = hf_catalog_text(catalog, HF_CODE_LOCATION, cell->location);
    event->is_policy = cell->is_policy;
    memcpy(event->delta, cell->delta, sizeof event->delta);
    memcpy(event->after, cell->after, sizeof event->after);
    event->ats =
        cell->after[HF_ON_HAND] - cell->after[HF_HELD] - cell->after[HF_COMMITTED] + cell->gap;
    telling->cb(telling->arg, event);
    event->index++;
}

static struct hf_told_cell told_by(const struct hf_effect *effect)
{
    struct hf_told_cell cell = {.is_policy = effect->tag == HF_EFFECT_POLICY};
    const struct hf_effect_tell *of = cell.is_policy ? &effect->policy.tell : &effect->move.tell;

    cell.sku = cell.is_policy ? effect->policy.sku : effect->move.sku;
    cell.location = cell.is_policy ? effect->policy.location : effect->move.location;
    if (!cell.is_policy) {
        memcpy(cell.delta, effect->move.delta, sizeof cell.delta);
    }
    memcpy(cell.after, cell.is_policy ? effect->policy.after : effect->move.after,
           sizeof cell.after);
    cell.gap = of->gap;
    cell.marks = of->marks;
    return cell;
}

/* Add a move to what the record did to its cell before. */
static void gather(struct telling *telling, const struct hf_told_cell *cell)
{
    struct hf_map *map = &telling->engine->work.map;
    const uint64_t key = (uint64_t)cell->sku << 32 | cell->location;
    struct hf_map_slot *slot = hf_map_find(map, key);

    if (slot->stamp != map->stamp) {
        *slot =
            (struct hf_map_slot){.key = key, .value = telling->cells_count, .stamp = map->stamp};
        telling->cells[telling->cells_count++] = *cell;
        return;
    }
    struct hf_told_cell *sum = &telling->cells[slot->value];
    for (unsigned i = 0; i < HF_COUNTERS_COUNT; i++) {
        sum->delta[i] += cell->delta[i];
        sum->after[i] = cell->after[i];
    }
    sum->gap = cell->gap;
    sum->marks |= cell->marks; /* only the first of a cell's moves has any */
}

/* The reservation or shipment that the effects from here on are of. */
static void note_thing(struct telling *telling, const struct hf_effect *effect)
{
    const bool is_reservation = effect->tag == HF_EFFECT_OPEN || effect->tag == HF_EFFECT_STATE;

    telling->event.id = is_reservation ? effect->reservation.id : effect->shipment.id;
    telling->event.state = is_reservation ? effect->reservation.state : effect->shipment.state;
    telling->things_count++;
}

/* A replace is about the new reservation; an operation on several is about none of them. */
static void settle_thing(struct telling *telling, const struct hf_event *opened)
{
    if (opened->id.bytes_count > 0) {
        telling->event.id = opened->id;
        telling->event.state = opened->state;
    } else if (telling->things_count > 1) {
        telling->event.id = (struct hf_text){0};
        telling->event.state = HF_STATE_NONE;
    }
}

static void tell_alerts(struct telling *telling, const struct hf_told_cell *cell)
{
    struct hf_told_cell quiet = *cell;

    memset(quiet.delta, 0, sizeof quiet.delta);
    quiet.is_policy = false;
    if ((cell->marks & HF_MARK_TELL_LOW) != 0) {
        telling->event.kind =
            (cell->marks & HF_MARK_IS_LOW) != 0 ? HF_ALERT_LOW_STOCK : HF_ALERT_LOW_STOCK_OVER;
        tell(telling, &quiet);
    }
    if ((cell->marks & HF_MARK_TELL_OUT) != 0) {
        telling->event.kind =
            (cell->marks & HF_MARK_IS_OUT) != 0 ? HF_ALERT_OUT_OF_STOCK : HF_ALERT_BACK_IN_STOCK;
        tell(telling, &quiet);
    }
}

static void tell_shortage(struct telling *telling, const struct hf_effect_shortage *shortage)
{
    struct hf_map *map = &telling->engine->work.map;
    const struct hf_map_slot *slot =
        hf_map_find(map, (uint64_t)shortage->sku << 32 | shortage->location);
    struct hf_told_cell cell = {.sku = shortage->sku, .location = shortage->location};
    struct hf_hit hits[HF_HITS_MAX];

    if (slot->stamp == map->stamp) {
        cell = telling->cells[slot->value];
        memset(cell.delta, 0, sizeof cell.delta);
        cell.is_policy = false;
    }
    hf_record_hits(shortage, hits);
    telling->event.kind = HF_ALERT_SHORTAGE;
    telling->event.missing = shortage->missing;
    telling->event.hits = hits;
    telling->event.hits_count = shortage->hits_count;
    tell(telling, &cell);
    telling->event.missing = 0;
    telling->event.hits = NULL;
    telling->event.hits_count = 0;
}

/* First walk: gather what was done to each cell (or tell each move at once). */
static enum hf_err walk_moves(struct telling *telling, struct hf_record_reader reader, bool by_move)
{
    struct hf_event opened = {0};

    for (;;) {
        struct hf_effect effect;
        bool is_end;
        const enum hf_err err = hf_record_next(&reader, telling->event.lsn, &effect, &is_end);
        if (err != HF_OK) {
            return err;
        }
        if (is_end) {
            if (!by_move) {
                settle_thing(telling, &opened);
            }
            return HF_OK;
        }
        switch (effect.tag) {
        case HF_EFFECT_OPEN:
        case HF_EFFECT_SHIPMENT_OPEN:
            note_thing(telling, &effect);
            opened = telling->event;
            break;
        case HF_EFFECT_STATE:
        case HF_EFFECT_SHIPMENT_STATE:
            note_thing(telling, &effect);
            break;
        case HF_EFFECT_MOVE:
        case HF_EFFECT_POLICY: {
            const struct hf_told_cell cell = told_by(&effect);
            if (cell.sku >= hf_catalog_count(&telling->engine->catalog, HF_CODE_SKU) ||
                cell.location >= hf_catalog_count(&telling->engine->catalog, HF_CODE_LOCATION) ||
                telling->cells_count == HF_MOVES_MAX) {
                return HF_CORRUPT;
            }
            if (by_move) {
                tell(telling, &cell);
            } else {
                gather(telling, &cell);
            }
            break;
        }
        default:
            break;
        }
    }
}

/* Second walk: shortages stand behind the moves. */
static void walk_shortages(struct telling *telling, struct hf_record_reader reader)
{
    for (;;) {
        struct hf_effect effect;
        bool is_end;
        if (hf_record_next(&reader, telling->event.lsn, &effect, &is_end) != HF_OK || is_end) {
            return;
        }
        if (effect.tag == HF_EFFECT_SHORTAGE &&
            effect.shortage.sku < hf_catalog_count(&telling->engine->catalog, HF_CODE_SKU) &&
            effect.shortage.location <
                hf_catalog_count(&telling->engine->catalog, HF_CODE_LOCATION)) {
            tell_shortage(telling, &effect.shortage);
        }
    }
}

/* A record that changed no cell is told of all the same: followers see every LSN. */
static void tell_cellless(struct telling *telling)
{
    telling->event.sku = telling->event.location = (struct hf_text){0};
    telling->cb(telling->arg, &telling->event);
}

enum hf_err hf_engine_events(struct hf_engine *engine, const void *record, size_t bytes_count,
                             bool by_move, hf_event_cb cb, void *arg)
{
    struct hf_record_reader reader;
    struct hf_record_header header;

    if (hf_record_open(&reader, &header, record, bytes_count) != HF_OK) {
        return HF_CORRUPT;
    }
    struct telling telling = {.engine = engine,
                              .cb = cb,
                              .arg = arg,
                              .cells = engine->told,
                              .event = {.lsn = header.lsn,
                                        .ts_us = header.ts_us,
                                        .kind = header.kind,
                                        .reason = (enum hf_reason)header.reason,
                                        .ref = hf_record_reference(&header, reader),
                                        .order = header.order,
                                        .by = header.by}};
    hf_map_clear(&engine->work.map);
    const enum hf_err err = walk_moves(&telling, reader, by_move);
    if (err != HF_OK) {
        return err;
    }
    for (uint32_t i = 0; i < telling.cells_count; i++) {
        tell(&telling, &telling.cells[i]);
    }
    if (telling.event.index == 0) {
        tell_cellless(&telling);
        return HF_OK;
    }
    for (uint32_t i = 0; !by_move && i < telling.cells_count; i++) {
        tell_alerts(&telling, &telling.cells[i]);
    }
    if (!by_move) {
        walk_shortages(&telling, reader);
    }
    return HF_OK;
}

uint64_t hf_event_scratch_bytes(void)
{
    return HF_MOVES_MAX * sizeof(struct hf_told_cell);
}
