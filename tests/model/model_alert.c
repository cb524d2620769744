/*
 * model_alert.c - what a record tells to those who follow, and which reservations lack stock.
 *
 * One event for each cell that the record touched, or one without a cell; then the alerts (M7 of
 * reference.h).
 */
#include "tests/model/model_inside.h"

#include <string.h>

#include "engine/assert.h"

/* ------------------------------------------------------------------ hits */

/* Whether `a` is hit before `b`: holds before confirmed ones, and of each the newest first. */
static bool is_hit_before(const struct hf_model_reservation *a,
                          const struct hf_model_reservation *b)
{
    if (a->state != b->state) {
        return a->state == HF_STATE_HELD;
    }
    return a->state == HF_STATE_HELD ? a->opened_lsn > b->opened_lsn
                                     : a->confirmed_lsn > b->confirmed_lsn;
}

static int64_t open_at(const struct hf_model_reservation *reservation, uint32_t cell)
{
    int64_t open = 0;

    for (uint32_t i = 0; i < reservation->lines_count && hf_model_is_open(reservation); i++) {
        if (reservation->lines[i].cell == cell) {
            open += hf_model_open_units(&reservation->lines[i]);
        }
    }
    return open;
}

uint32_t hf_model_hits(const struct hf_model *model, uint32_t cell, int64_t missing,
                       struct hf_model_hit *hits)
{
    const struct hf_model_reservation *last = NULL;
    uint32_t count = 0;

    while (missing > 0 && count < HF_HITS_MAX) {
        const struct hf_model_reservation *next = NULL;

        for (uint32_t i = 0; i < model->reservations_count; i++) {
            const struct hf_model_reservation *reservation = &model->reservations[i];

            if (open_at(reservation, cell) > 0 &&
                (last == NULL || is_hit_before(last, reservation)) &&
                (next == NULL || is_hit_before(reservation, next))) {
                next = reservation;
            }
        }
        if (next == NULL) {
            break;
        }
        hits[count] = (struct hf_model_hit){next->id, open_at(next, cell)};
        missing -= hits[count].units;
        count += 1;
        last = next;
    }
    return count;
}

/* ------------------------------------------------------------------ events */

/* State and order of the thing that the record is about. */
static void tell_thing(const struct hf_model *model, const struct hf_model_record *record,
                       struct hf_model_event *event)
{
    const struct hf_text id = hf_model_text_view(&record->id);
    const struct hf_model_text *order;
    int found;

    if (id.bytes_count == 0) {
        return;
    }
    if (hf_model_is_shipment_kind(record->op->kind)) {
        found = hf_model_shipment(model, hf_model_shipment_kind(record->op->kind), id);
        HF_ASSERT(found >= 0);
        event->state = model->shipments[found].state;
        order = &model->shipments[found].order;
    } else {
        found = hf_model_reservation(model, id);
        HF_ASSERT(found >= 0);
        event->state = model->reservations[found].state;
        order = &model->reservations[found].order;
    }
    if (event->order.bytes_count == 0) {
        event->order = *order;
    }
}

static struct hf_model_event *add_event(struct hf_model *model,
                                        const struct hf_model_record *record, unsigned kind,
                                        int cell)
{
    struct hf_model_event *event = hf_model_grow((void **)&model->events, &model->events_count,
                                                 &model->events_room, sizeof *event);

    *event = (struct hf_model_event){.lsn = model->lsn,
                                     .ts_us = model->time_us,
                                     .kind = kind,
                                     .reason = record->op->reason,
                                     .is_policy = record->op->kind == HF_KIND_SET_POLICY,
                                     .cell = cell,
                                     .ref = hf_model_text_copy(record->op->ref),
                                     .order = hf_model_text_copy(record->op->order),
                                     .by = hf_model_text_copy(record->op->by),
                                     .id = record->id};
    tell_thing(model, record, event);
    if (hf_model_opens(record->op->kind) && event->ref.bytes_count == 0) {
        event->ref = record->id; /* its id is its reference */
    }
    if (cell >= 0) {
        memcpy(event->after, model->cells[cell].counters, sizeof event->after);
        event->ats = hf_model_ats(model, &model->cells[cell]);
    }
    return event;
}

static void tell_change(struct hf_model *model, const struct hf_model_record *record, uint32_t cell)
{
    struct hf_model_event *event = add_event(model, record, record->op->kind, (int)cell);

    for (uint32_t i = record->first_move; i < model->moves_count; i++) {
        const struct hf_model_move *move = &model->moves[i];

        if (move->cell != cell) {
            continue;
        }
        event->ref = move->ref;
        event->order = move->order;
        for (int j = 0; j < HF_COUNTERS_COUNT; j++) {
            event->delta[j] += move->delta[j];
        }
    }
}

/* The threshold at which a cell that is low is no longer so. */
static int64_t over(int64_t low_stock)
{
    return low_stock + (low_stock / 10 > 1 ? low_stock / 10 : 1);
}

static void tell_alerts(struct hf_model *model, const struct hf_model_record *record,
                        const struct hf_model_touched *touched)
{
    struct hf_model_cell *cell = &model->cells[touched->cell];
    const int index = (int)touched->cell;
    const int64_t ats = hf_model_ats(model, cell);
    const int64_t shortage = hf_model_shortage(model, cell);

    if (cell->low_stock == HF_LOW_STOCK_NONE) {
        cell->is_low = false;
    } else if (!cell->is_low && ats <= cell->low_stock) {
        cell->is_low = true;
        (void)add_event(model, record, HF_ALERT_LOW_STOCK, index);
    } else if (cell->is_low && ats >= over(cell->low_stock)) {
        cell->is_low = false;
        (void)add_event(model, record, HF_ALERT_LOW_STOCK_OVER, index);
    }
    if (!cell->is_out && ats <= 0) {
        cell->is_out = true;
        (void)add_event(model, record, HF_ALERT_OUT_OF_STOCK, index);
    } else if (cell->is_out && ats > 0) {
        cell->is_out = false;
        if (!touched->is_made) {
            (void)add_event(model, record, HF_ALERT_BACK_IN_STOCK, index);
        }
    }
    if (shortage > touched->shortage) {
        struct hf_model_event *event = add_event(model, record, HF_ALERT_SHORTAGE, index);

        event->missing = shortage;
        event->hits_count = hf_model_hits(model, touched->cell, shortage, event->hits);
    }
}

void hf_model_tell_events(struct hf_model *model, const struct hf_model_record *record)
{
    if (record->touched_count == 0) {
        (void)add_event(model, record, record->op->kind, -1);
    }
    for (uint32_t i = 0; i < record->touched_count; i++) {
        tell_change(model, record, record->touched[i].cell);
    }
    for (uint32_t i = 0; i < record->touched_count; i++) {
        tell_alerts(model, record, &record->touched[i]);
    }
}
