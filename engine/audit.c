/*
 * audit.c - P6 on a live engine, cell by cell and reservation by reservation.
 *
 * Each is judged whole in one step, so the audit may run in slices between operations. For a cell:
 * counters in range; held and committed are the sums of the open lines in its rings; the newest
 * moves in memory lead, delta by delta, to the counters there are. For a reservation: it is found
 * by its id; its lines add up and hang where they should; closed ones hold nothing and have
 * their place among the names.
 */
#include "engine/state.h"

#include <stdio.h>

#define HISTORY_BYTES_MAX 16384u /* of records that are read for one cell */

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
    bool is_sound;
};

static void add_ring(const struct hf_engine *engine, uint32_t cell, uint32_t first, bool is_timed,
                     struct ring_sum *sum)
{
    const struct hf_reservations *reservations = &engine->reservations;

    for (uint32_t at = first; at != HF_NONE;) {
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
static bool is_history_sound(const struct hf_engine *engine, const struct hf_cell *cell)
{
    int64_t want[HF_COUNTERS_COUNT];
    uint64_t next_lsn = cell->version;
    uint32_t bytes_read = 0;

    memcpy(want, cell->units, sizeof want);
    while (next_lsn != 0) {
        uint32_t bytes_count;
        if (hf_ledger_get(&engine->ledger, next_lsn, &bytes_count) == NULL) {
            break; /* older than the ledger's memory */
        }
        bytes_read += bytes_count;
        if (bytes_read > HISTORY_BYTES_MAX) {
            break;
        }
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

static void audit_cell(const struct hf_engine *engine, uint32_t index, struct hf_audit *audit)
{
    const struct hf_cell *cell = hf_cell_at(&engine->cells, index);
    const struct hf_text sku = hf_catalog_text(&engine->catalog, HF_CODE_SKU, cell->sku);
    struct ring_sum sum = {.is_sound = true};

    audit->cells_count++;
    for (unsigned i = 0; i < HF_COUNTERS_COUNT; i++) {
        if (cell->units[i] < 0 || cell->units[i] > HF_UNITS_MAX) {
            violate(audit, sku, "a counter is out of range");
        }
    }
    if (hf_cells_find(&engine->cells, cell->sku, cell->location) != index) {
        violate(audit, sku, "the cell is not found by its SKU and location");
    }
    add_ring(engine, index, cell->timed_line, true, &sum);
    add_ring(engine, index, cell->lasting_line, false, &sum);
    if (!sum.is_sound) {
        violate(audit, sku, "a line hangs at the cell that should not");
    }
    if (sum.held != cell->units[HF_HELD]) {
        violate(audit, sku, "held is not the sum of the held reservation lines");
    }
    if (sum.committed != cell->units[HF_COMMITTED]) {
        violate(audit, sku, "committed is not the sum of the confirmed reservation lines");
    }
    if (cell->units[HF_IN_TRANSIT] != 0) {
        violate(audit, sku, "in_transit is not the sum of open transfers and inbound shipments");
    }
    if (!is_history_sound(engine, cell)) {
        violate(audit, sku, "the counters are not the sum of the moves");
    }
}

/* ------------------------------------------------------------------ reservations */

static void audit_reservation(const struct hf_engine *engine, uint32_t index,
                              struct hf_audit *audit)
{
    const struct hf_reservations *reservations = &engine->reservations;
    const struct hf_reservation *reservation = hf_reservation_at(reservations, index);
    const struct hf_text id = hf_reservation_id(reservations, reservation);
    const bool is_open = hf_state_is_open((enum hf_state)reservation->state);
    int64_t open_units = 0;

    audit->reservations_count++;
    if (hf_names_find(&engine->names, reservations, id, hf_name_hash(id)) != index) {
        violate(audit, id, "the reservation is not found by its id");
    }
    for (uint32_t at = reservation->first_line; at != HF_NONE;) {
        const struct hf_line *line = hf_line_at(reservations, at);
        if (line->reservation != index || line->units <= 0 || line->fulfilled < 0 ||
            line->released < 0 || hf_line_open_units(line) < 0) {
            violate(audit, id, "a line does not add up");
        }
        if (hf_line_open_units(line) > 0 &&
            hf_line_at(reservations, line->ring_next)->ring_prev != at) {
            violate(audit, id, "an open line does not hang at its cell");
        }
        open_units += hf_line_open_units(line);
        at = line->next;
    }
    if (is_open != (open_units > 0)) {
        violate(audit, id, "open units and state do not agree");
    }
    if (!is_open) {
        const uint64_t position = reservation->name_position;
        if (position < engine->names.queue_first || position >= engine->names.queue_end ||
            hf_name_slot_at(&engine->names, position)->name != index) {
            violate(audit, id, "a closed reservation has no place among the names");
        }
    }
}

bool hf_engine_audit(struct hf_engine *engine, struct hf_audit *audit, uint32_t items_max)
{
    for (uint32_t i = 0; i < items_max; i++) {
        if (audit->phase == 0) {
            if (audit->next < hf_pool_live_count(&engine->cells.pool)) {
                audit_cell(engine, (uint32_t)audit->next++, audit);
                continue;
            }
            audit->phase = 1;
            audit->next = 0;
        }
        if (audit->next == engine->reservations.pool.used_count) {
            return true;
        }
        const uint32_t index = (uint32_t)audit->next++;
        if (hf_reservation_at(&engine->reservations, index)->state != HF_STATE_NONE) {
            audit_reservation(engine, index, audit);
        }
    }
    return false;
}
