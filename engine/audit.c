/*
 * audit.c - P6 on a live engine, cell by cell and reservation by reservation.
 *
 * Each is judged whole in one step, so the audit may run in slices between operations. For a cell:
 * counters in range; held and committed are the sums of the open lines in its rings; the newest
 * moves in memory lead, delta by delta, to the counters there are. For a reservation: it is found
 * by its id; its lines add up and hang where they should; closed ones hold nothing and have
 * their place among the names.
 */
/*
 * audit.c - P6 on a live engine, in bounded steps.
 *
 *     1  every cell            counters in range and found by name; the lines in its rings are its
 *                              own and add up to held and committed; the moves in memory made it
 *     2  every reservation     its lines add up, hang where they should; found by its id
 *     3  every shipment        likewise (shipment.h I1, I3)
 *     4  the balance           held, committed and in_transit of all cells against the lines of all
 *                              reservations and shipments (balance.h)
 *
 * Each item is judged whole, by what is there at that moment; steps may be far apart, and an item
 * costs a step what was looked at for it. Only what can be judged with bounded work is judged at
 * one cell: a ring with more than RING_LINES_MAX lines is looked at that far, and its sum is left
 * to the balance, which needs no ring. That all of such a ring is sound follows line by line: each
 * open line is, for its neighbours, where it should be (2). What is not seen then is a long ring
 * that has fallen apart into two whole ones.
 *
 * in_transit cannot be judged at the cell at all, for a cell does not know what comes to it; that
 * is the balance's. Set aside: a ring of shipment lines at each cell, 12 bytes a line for nobody
 * else; and adding up all shipments for a few cells at a time, which is quadratic.
 *
 * Not judged: that is_out is what ATS says. A switched location changes the ATS of its cells, and
 * their flags follow with their next move only.
 */
#include "engine/image.h"
#include "engine/state.h"

#include <stdio.h>

#define HISTORY_BYTES_MAX 16384u /* of records that are read for one cell */
#define RING_LINES_MAX 4096u     /* of a cell that are looked at */
/* What a step is charged, in items: about half a microsecond each. */
#define LINES_AN_ITEM 2u
#define COST_OF_RECORD 3u
#define RECORD_BYTES_AN_ITEM 128u /* all effects of a record are read on the way to the cell's */

enum phase { PHASE_CELLS, PHASE_RESERVATIONS, PHASE_SHIPMENTS, PHASE_BALANCE };

static void violate(struct hf_audit *audit, struct hf_text name, const char *what)
{
    audit->violations_count++;
    if (audit->first_violation[0] == '\0') {
        (void)snprintf(audit->first_violation, sizeof audit->first_violation, "%.*s: %s",
                       (int)name.bytes_count, name.bytes, what);
    }
}

/* ------------------------------------------------------------------ cells */

struct ring_sum {
    int64_t held, committed;
    uint32_t lines_count; /* looked at, of both rings */
    bool is_sound;
    bool is_whole; /* all lines were looked at */
};

static void add_ring(const struct hf_engine *engine, uint32_t cell, uint32_t first, bool is_timed,
                     struct ring_sum *sum)
{
    const struct hf_reservations *reservations = &engine->reservations;

    for (uint32_t at = first; at != HF_NONE;) {
        if (sum->lines_count == RING_LINES_MAX) {
            sum->is_whole = false;
            return;
        }
        const struct hf_line *line = hf_line_at(reservations, at);
        const struct hf_reservation *owner = hf_reservation_at(reservations, line->reservation);
        const int64_t open_units = hf_line_open_units(line);
        if (line->cell != cell || open_units <= 0 ||
            !hf_state_is_open((enum hf_state)owner->state) || (owner->life_us != 0) != is_timed ||
            hf_line_at(reservations, line->ring_next)->ring_prev != at) {
            sum->is_sound = false;
        }
        if (owner->state == HF_STATE_HELD) {
            sum->held += open_units;
        } else {
            sum->committed += open_units;
        }
        sum->lines_count++;
        at = line->ring_next == first ? HF_NONE : line->ring_next;
    }
}

/* Moves of one record come oldest first, so a record is followed through its totals. */
struct record_totals {
    int64_t delta[HF_COUNTERS_COUNT];
    int64_t after[HF_COUNTERS_COUNT];
    uint32_t moves_count;
    uint64_t lsn;
};

static void total_cb(void *arg, const struct hf_move *move)
{
    struct record_totals *totals = arg;

    for (unsigned i = 0; i < HF_COUNTERS_COUNT; i++) {
        totals->delta[i] += move->delta[i];
        totals->after[i] = move->after[i];
    }
    totals->moves_count++;
    totals->lsn = move->lsn;
}

/*
 * The counters are what the moves in memory made them. The newest record must be there and about
 * this cell; how far it is followed back is bounded by the bytes that are read for it.
 */
static bool is_history_sound(const struct hf_engine *engine, const struct hf_cell *cell,
                             uint32_t *cost)
{
    int64_t want[HF_COUNTERS_COUNT];
    uint64_t next_lsn = cell->version;
    uint32_t bytes_read = 0;

    hf_cell_values(&engine->cells, cell, want);
    while (next_lsn != 0) {
        uint32_t bytes_count;
        if (hf_ledger_get(&engine->ledger, next_lsn, &bytes_count) == NULL) {
            break; /* older than the ledger's memory */
        }
        bytes_read += bytes_count;
        if (bytes_read > HISTORY_BYTES_MAX) {
            break;
        }
        *cost += COST_OF_RECORD + bytes_count / RECORD_BYTES_AN_ITEM;
        struct record_totals totals = {0};
        const uint64_t cursor = hf_engine_ledger_cell(engine, cell->sku, cell->location,
                                                      next_lsn + 1, 1, total_cb, &totals);
        if (totals.lsn != next_lsn) {
            return false;
        }
        next_lsn = cursor == 0 ? 0 : cursor - 1;
        if (memcmp(want, totals.after, sizeof want) != 0) {
            return false;
        }
        for (unsigned i = 0; i < HF_COUNTERS_COUNT; i++) {
            want[i] -= totals.delta[i];
        }
    }
    return true;
}

static bool is_in_range(int64_t units)
{
    return units >= 0 && units <= HF_UNITS_MAX;
}

static void audit_figures(const struct hf_engine *engine, const struct hf_cell *cell,
                          struct hf_text sku, struct hf_audit *audit)
{
    const struct hf_cell_extra extra = hf_cell_extra(&engine->cells, cell);
    int64_t values[HF_COUNTERS_COUNT];

    hf_cell_values(&engine->cells, cell, values);
    for (unsigned i = 0; i < HF_COUNTERS_COUNT; i++) {
        if (!is_in_range(values[i])) {
            violate(audit, sku, "a counter is out of range");
        }
    }
    if (!is_in_range(extra.inbound_sellable) || !is_in_range(extra.inbound_kept) ||
        extra.inbound_sellable + extra.inbound_kept > values[HF_IN_TRANSIT]) {
        violate(audit, sku, "more comes from suppliers than is in_transit");
    }
    if (cell->is_low != 0 && extra.policy.low_stock == HF_LOW_STOCK_NONE) {
        violate(audit, sku, "the cell is low on stock without a threshold");
    }
    if (cell->since_us > engine->last_ts_us || cell->version > engine->last_lsn) {
        violate(audit, sku, "the cell is from another time");
    }
}

/* Each of these judges one item and returns what it cost beside 1. */
static uint32_t audit_cell(const struct hf_engine *engine, uint32_t index, struct hf_audit *audit)
{
    uint32_t cost = 0;
    const struct hf_cell *cell = hf_cell_at(&engine->cells, index);
    const struct hf_text sku = hf_catalog_text(&engine->catalog, HF_CODE_SKU, cell->sku);
    struct ring_sum sum = {.is_sound = true, .is_whole = true};

    audit->cells_count++;
    audit_figures(engine, cell, sku, audit);
    if (hf_cells_find(&engine->cells, cell->sku, cell->location) != index) {
        violate(audit, sku, "the cell is not found by its SKU and location");
    }
    add_ring(engine, index, cell->timed_line, true, &sum);
    add_ring(engine, index, cell->lasting_line, false, &sum);
    if (!sum.is_sound) {
        violate(audit, sku, "a line hangs at the cell that should not");
    }
    if (sum.is_whole && sum.held != cell->hot[HF_HELD]) {
        violate(audit, sku, "held is not the sum of the held reservation lines");
    }
    if (sum.is_whole && sum.committed != cell->hot[HF_COMMITTED]) {
        violate(audit, sku, "committed is not the sum of the confirmed reservation lines");
    }
    if (!is_history_sound(engine, cell, &cost)) {
        violate(audit, sku, "the counters are not the sum of the moves");
    }
    return cost + sum.lines_count / LINES_AN_ITEM;
}

/* ------------------------------------------------------------------ reservations */

static bool has_place(const struct hf_engine *engine, uint64_t position, uint32_t name)
{
    return position >= engine->names.queue_first && position < engine->names.queue_end &&
           hf_name_slot_at(&engine->names, position)->name == name;
}

/* Whether an open line stands between lines of its own cell that know it. */
static bool is_hung(const struct hf_reservations *reservations, const struct hf_line *line,
                    uint32_t index)
{
    const struct hf_line *next = hf_line_at(reservations, line->ring_next);
    const struct hf_line *prev = hf_line_at(reservations, line->ring_prev);

    return next->ring_prev == index && prev->ring_next == index && next->cell == line->cell &&
           prev->cell == line->cell && hf_line_open_units(next) > 0;
}

static uint32_t audit_reservation(const struct hf_engine *engine, uint32_t index,
                                  struct hf_audit *audit)
{
    const struct hf_reservations *reservations = &engine->reservations;
    const struct hf_reservation *reservation = hf_reservation_at(reservations, index);
    const struct hf_text id = hf_reservation_id(reservations, reservation);
    const bool is_open = hf_state_is_open((enum hf_state)reservation->state);
    int64_t open_units = 0;
    uint32_t lines_count = 0;

    audit->reservations_count++;
    if (hf_names_find(&engine->names, id, hf_name_hash(id)) != index) {
        violate(audit, id, "the reservation is not found by its id");
    }
    for (uint32_t at = reservation->first_line; at != HF_NONE;) {
        const struct hf_line *line = hf_line_at(reservations, at);
        if (line->reservation != index || line->units <= 0 || line->fulfilled < 0 ||
            line->released < 0 || hf_line_open_units(line) < 0) {
            violate(audit, id, "a line does not add up");
        }
        if (hf_line_open_units(line) > 0 && !is_hung(reservations, line, at)) {
            violate(audit, id, "an open line does not hang at its cell");
        }
        open_units += hf_line_open_units(line);
        lines_count++;
        at = line->next;
    }
    if (is_open != (open_units > 0)) {
        violate(audit, id, "open units and state do not agree");
    }
    if (!is_open && !has_place(engine, reservation->name_position, index)) {
        violate(audit, id, "a closed reservation has no place among the names");
    }
    return 1 + lines_count / LINES_AN_ITEM;
}

/* ------------------------------------------------------------------ shipments */

static uint32_t audit_shipment(struct hf_engine *engine, uint32_t index, struct hf_audit *audit)
{
    const struct hf_shipment *shipment = hf_shipment_at(&engine->shipments, index);
    const struct hf_text id = hf_shipment_id(shipment);
    const uint32_t name = index | HF_NAME_SHIPMENT;
    int64_t open_units = 0;
    uint32_t lines_count = 0;

    audit->shipments_count++;
    if (hf_names_find(&engine->names, id, hf_name_hash(id)) != name) {
        violate(audit, id, "the shipment is not found by its id");
    }
    hf_map_clear(&engine->work.map);
    for (uint32_t at = shipment->first_line; at != HF_NONE;) {
        const struct hf_shipment_line *line = hf_shipment_line_at(&engine->shipments, at);
        struct hf_image_shipment_line figures = {.sku = line->sku, .units = line->units};
        struct hf_map_slot *slot = hf_map_find(&engine->work.map, line->sku);
        memcpy(figures.figures, line->figures, sizeof figures.figures);
        if (line->shipment != index ||
            !hf_image_is_line_sound(&figures, (enum hf_shipment_kind)shipment->kind,
                                    (enum hf_state)shipment->state)) {
            violate(audit, id, "a line of the shipment does not add up");
        }
        if (slot->stamp == engine->work.map.stamp) {
            violate(audit, id, "two lines of the shipment are of one SKU");
        }
        *slot = (struct hf_map_slot){.key = line->sku, .stamp = engine->work.map.stamp};
        open_units += hf_shipment_line_open(line);
        lines_count++;
        at = line->next;
    }
    if (hf_shipment_is_open(shipment) != (open_units > 0)) {
        violate(audit, id, "open units and state of the shipment do not agree");
    }
    if (!hf_shipment_is_open(shipment) && !has_place(engine, shipment->name_position, name)) {
        violate(audit, id, "a closed shipment has no place among the names");
    }
    return 1 + lines_count / LINES_AN_ITEM;
}

/* ------------------------------------------------------------------ the balance */

static void judge_balance(const struct hf_engine *engine, struct hf_audit *audit)
{
    static const char *const words[HF_BALANCE_FIGURES] = {
        [HF_BALANCE_HELD] = "held is not the sum of the held reservation lines",
        [HF_BALANCE_COMMITTED] = "committed is not the sum of the confirmed reservation lines",
        [HF_BALANCE_IN_TRANSIT] = "in_transit is not the sum of what is under way in shipments",
        [HF_BALANCE_SELLABLE] = "in_transit that may be sold is not that of the inbound shipments",
        [HF_BALANCE_KEPT] = "in_transit that is kept is not that of the inbound shipments",
    };

    for (unsigned i = 0; i < HF_BALANCE_FIGURES; i++) {
        const struct hf_balance_sum *sum = &engine->balance.verdict[i];
        uint32_t sku;
        uint32_t location;
        if (hf_balance_is_zero(sum)) {
            continue;
        }
        violate(audit,
                hf_balance_accused(engine, sum, &sku, &location)
                    ? hf_catalog_text(&engine->catalog, HF_CODE_SKU, sku)
                    : hf_text_of("several cells"),
                words[i]);
    }
}

/* ------------------------------------------------------------------ steps */

/* Judge the next item of the phase; what it cost. False: the phase has no more. */
static bool audit_next(struct hf_engine *engine, struct hf_audit *audit, uint32_t *cost)
{
    const uint32_t index = (uint32_t)audit->next;
    uint32_t more = 0;

    switch ((enum phase)audit->phase) {
    case PHASE_CELLS:
        if (audit->next >= hf_pool_live_count(&engine->cells.pool)) {
            return false;
        }
        more = audit_cell(engine, index, audit);
        break;
    case PHASE_RESERVATIONS:
        if (audit->next >= engine->reservations.pool.used_count) {
            return false;
        }
        if (hf_reservation_at(&engine->reservations, index)->state != HF_STATE_NONE) {
            more = audit_reservation(engine, index, audit);
        }
        break;
    case PHASE_SHIPMENTS:
        if (audit->next >= engine->shipments.pool.used_count) {
            return false;
        }
        if (hf_shipment_at(&engine->shipments, index)->state != HF_STATE_NONE) {
            more = audit_shipment(engine, index, audit);
        }
        break;
    case PHASE_BALANCE:
        return false;
    }
    audit->next++;
    *cost += 1 + more;
    return true;
}

bool hf_engine_audit(struct hf_engine *engine, struct hf_audit *audit, uint32_t items_max)
{
    uint32_t cost = 0;

    hf_engine_settle(engine);
    while (audit->phase < PHASE_BALANCE && cost < items_max) {
        if (!audit_next(engine, audit, &cost)) {
            audit->phase++;
            audit->next = 0;
        }
    }
    if (audit->phase < PHASE_BALANCE || cost >= items_max ||
        !hf_balance_step(engine, &audit->run, items_max - cost)) {
        return false;
    }
    judge_balance(engine, audit);
    return true;
}
