/*
 * model_change.c - what an operation that is not refused does, kind by kind.
 *
 * Nothing is checked here but that something changes at all (M3 of reference.h).
 */
#include "tests/model/model_inside.h"

#include "engine/assert.h"

void hf_model_tell_reservation(struct hf_model_result *result,
                               const struct hf_model_reservation *reservation)
{
    result->state = reservation->state;
    result->expires_at_us = reservation->deadline_us;
}

const struct hf_model_cell *hf_model_cell_of(const struct hf_model_decision *d,
                                             const struct hf_model_demand *demand)
{
    return demand->cell < 0 ? NULL : &d->model->cells[demand->cell];
}

static int64_t chosen(int64_t asked, int64_t before)
{
    return asked == HF_POLICY_KEEP ? before : asked;
}

/* Whether the demand changes a policy. A cell that is not there yet is made by any policy. */
bool hf_model_is_policy_changed(const struct hf_model_decision *d,
                                const struct hf_model_demand *demand)
{
    const struct hf_model_cell *cell = hf_model_cell_of(d, demand);

    return cell == NULL || chosen(demand->safety_stock, cell->safety_stock) != cell->safety_stock ||
           chosen(demand->low_stock, cell->low_stock) != cell->low_stock ||
           chosen(demand->backorder_limit, cell->backorder_limit) != cell->backorder_limit;
}

void hf_model_make_codes(struct hf_model_decision *d, struct hf_model_demand *demand)
{
    struct hf_model *model = d->model;

    /* An earlier demand of this operation may have brought the code. */
    if (demand->sku.bytes_count != 0 && demand->sku_index < 0) {
        demand->sku_index = hf_model_sku(model, hf_model_text_view(&demand->sku));
        if (demand->sku_index < 0) {
            HF_ASSERT(model->skus_count < HF_MODEL_SKUS_MAX);
            demand->sku_index = (int)model->skus_count;
            model->skus[model->skus_count] = demand->sku;
            model->skus_count += 1;
        }
    }
    if (demand->location_index < 0) {
        demand->location_index = hf_model_location(model, hf_model_text_view(&demand->location));
        if (demand->location_index < 0) {
            HF_ASSERT(model->locations_count < HF_MODEL_LOCATIONS_MAX);
            demand->location_index = (int)model->locations_count;
            model->locations[model->locations_count] = (struct hf_model_location){
                .code = demand->location, .is_in_transit_sellable = true, .region = HF_HANDLE_NONE};
            model->locations_count += 1;
        }
    }
}

void hf_model_make_cell(struct hf_model_decision *d, struct hf_model_demand *demand)
{
    struct hf_model *model = d->model;

    hf_model_make_codes(d, demand);
    if (demand->cell < 0) {
        HF_ASSERT(model->cells_count < HF_MODEL_CELLS_MAX);
        demand->cell = (int)model->cells_count;
        model->cells[model->cells_count] =
            (struct hf_model_cell){.sku = (uint32_t)demand->sku_index,
                                   .location = (uint32_t)demand->location_index,
                                   .low_stock = HF_LOW_STOCK_NONE,
                                   .made_us = d->now_us,
                                   .is_out = true};
        model->cells_count += 1;
    }
}

/* What one demand of an operation about units alone does. */
static void delta_of(const struct hf_model_decision *d, const struct hf_model_demand *demand,
                     int64_t delta[HF_COUNTERS_COUNT])
{
    const struct hf_op *op = d->op;

    switch (op->kind) {
    case HF_KIND_RECEIVE:
        delta[hf_model_counter_of_status(op->to_status)] = demand->units;
        break;
    case HF_KIND_SELL:
        delta[HF_ON_HAND] = -demand->units;
        break;
    case HF_KIND_SET:
        delta[HF_ON_HAND] = demand->granted;
        break;
    case HF_KIND_MOVE_STATUS:
        delta[hf_model_counter_of_status(op->from_status)] = -demand->units;
        delta[hf_model_counter_of_status(op->to_status)] = demand->units;
        break;
    case HF_KIND_DISPOSE:
        delta[hf_model_counter_of_status(op->from_status)] = -demand->units;
        break;
    default:
        delta[HF_ON_HAND] = demand->units; /* adjust */
        break;
    }
}

/* M8: units that come from outside, or go there (below zero). */
static int64_t said_to_come(const struct hf_model_decision *d, const struct hf_model_demand *demand)
{
    switch (d->op->kind) {
    case HF_KIND_RECEIVE:
    case HF_KIND_ADJUST:
        return demand->units;
    case HF_KIND_SELL:
    case HF_KIND_DISPOSE:
        return -demand->units;
    case HF_KIND_SET:
        return demand->granted;
    default:
        return 0;
    }
}

/* Receive, adjust, set, sell, move_status, dispose. */
void hf_model_change_units(struct hf_model_decision *d)
{
    static struct hf_model_record record;
    bool is_change = false;

    for (uint32_t i = 0; i < d->demands_count; i++) {
        is_change = is_change ||
                    (d->op->kind == HF_KIND_SET ? d->demands[i].granted : d->demands[i].units) != 0;
    }
    if (!is_change) {
        return; /* M3 */
    }
    hf_model_record_begin(d->model, &record, d->op, d->now_us);
    for (uint32_t i = 0; i < d->demands_count; i++) {
        struct hf_model_demand *demand = &d->demands[i];
        int64_t delta[HF_COUNTERS_COUNT] = {0};

        if (d->op->kind == HF_KIND_SET) {
            hf_model_make_codes(d, demand); /* of lines that change nothing, too (op.h) */
        }
        if ((d->op->kind == HF_KIND_SET ? demand->granted : demand->units) == 0) {
            continue;
        }
        hf_model_make_cell(d, demand);
        delta_of(d, demand, delta);
        hf_model_record_move(d->model, &record, (uint32_t)demand->cell, NULL, delta);
        d->model->physical_units[demand->sku_index] += said_to_come(d, demand);
        if (d->op->kind == HF_KIND_SELL) {
            d->model->cells[demand->cell].last_sale_us = d->now_us;
        }
    }
    hf_model_record_end(d->model, &record);
}

void hf_model_change_policy(struct hf_model_decision *d)
{
    static const int64_t none[HF_COUNTERS_COUNT] = {0};
    static struct hf_model_record record;
    bool is_change = false;

    for (uint32_t i = 0; i < d->demands_count; i++) {
        is_change = is_change || hf_model_is_policy_changed(d, &d->demands[i]);
    }
    if (!is_change) {
        return; /* M3 */
    }
    hf_model_record_begin(d->model, &record, d->op, d->now_us);
    for (uint32_t i = 0; i < d->demands_count; i++) {
        struct hf_model_demand *demand = &d->demands[i];
        struct hf_model_cell *cell;

        if (!hf_model_is_policy_changed(d, demand)) {
            continue;
        }
        hf_model_make_cell(d, demand);
        hf_model_record_touch(d->model, &record, (uint32_t)demand->cell);
        cell = &d->model->cells[demand->cell];
        cell->safety_stock = chosen(demand->safety_stock, cell->safety_stock);
        cell->low_stock = chosen(demand->low_stock, cell->low_stock);
        cell->backorder_limit = chosen(demand->backorder_limit, cell->backorder_limit);
        /* The ledger tells of it as of a move that changes no counter. */
        hf_model_record_move(d->model, &record, (uint32_t)demand->cell, NULL, none);
    }
    hf_model_record_end(d->model, &record);
}

void hf_model_change_places(struct hf_model_decision *d)
{
    struct hf_model *model = d->model;
    const bool is_region = d->op->kind == HF_KIND_SET_REGION;
    int region = is_region ? hf_model_region(model, d->op->id) : -1;
    bool is_change = is_region && region < 0;
    static struct hf_model_record record;

    for (uint32_t i = 0; i < d->demands_count; i++) {
        const struct hf_model_demand *demand = &d->demands[i];
        const struct hf_model_location *place;

        if (demand->location_index < 0) {
            is_change = true;
            continue;
        }
        place = &model->locations[demand->location_index];
        is_change = is_change || (is_region ? (int)place->region != region
                                            : place->is_in_transit_sellable != demand->units);
    }
    if (!is_change) {
        return; /* M3 */
    }
    hf_model_record_begin(model, &record, d->op, d->now_us);
    if (is_region && region < 0) {
        HF_ASSERT(model->regions_count < HF_MODEL_LOCATIONS_MAX);
        region = (int)model->regions_count;
        model->regions[model->regions_count] = hf_model_text_copy(d->op->id);
        model->regions_count += 1;
    }
    for (uint32_t i = 0; i < d->demands_count; i++) {
        struct hf_model_demand *demand = &d->demands[i];

        hf_model_make_codes(d, demand);
        if (is_region) {
            model->locations[demand->location_index].region = (uint32_t)region;
        } else {
            model->locations[demand->location_index].is_in_transit_sellable = demand->units != 0;
        }
    }
    hf_model_record_end(model, &record);
}

/* Open the reservation `id` with what was granted; `record` is that of a reserve or a replace. */
static struct hf_model_reservation *open_reservation(struct hf_model_decision *d,
                                                     struct hf_model_record *record,
                                                     enum hf_state state, uint64_t deadline_us,
                                                     struct hf_model_text order)
{
    struct hf_model *model = d->model;
    struct hf_model_reservation *reservation =
        hf_model_grow((void **)&model->reservations, &model->reservations_count,
                      &model->reservations_room, sizeof *reservation);

    *reservation =
        (struct hf_model_reservation){.id = hf_model_text_copy(d->op->id),
                                      .order = order,
                                      .state = state,
                                      .deadline_us = deadline_us,
                                      .opened_us = d->now_us,
                                      .opened_lsn = model->lsn,
                                      .confirmed_lsn = state == HF_STATE_CONFIRMED ? model->lsn : 0,
                                      .request = record->request};
    for (uint32_t i = 0; i < d->demands_count; i++) {
        struct hf_model_demand *demand = &d->demands[i];
        int64_t delta[HF_COUNTERS_COUNT] = {0};

        if (demand->granted == 0) {
            continue;
        }
        hf_model_make_cell(d, demand);
        reservation->lines[reservation->lines_count] = (struct hf_model_reservation_line){
            .cell = (uint32_t)demand->cell, .units = demand->granted};
        reservation->lines_count += 1;
        delta[state == HF_STATE_HELD ? HF_HELD : HF_COMMITTED] = demand->granted;
        hf_model_record_move(model, record, (uint32_t)demand->cell, reservation, delta);
    }
    return reservation;
}

/* The result is told before the record ends: a record may forget what it closed. */
void hf_model_change_reserve(struct hf_model_decision *d)
{
    const bool has_ttl = (d->op->flags & HF_OP_TTL) != 0;
    static struct hf_model_record record;

    hf_model_record_begin(d->model, &record, d->op, d->now_us);
    hf_model_tell_reservation(d->result, open_reservation(d, &record, HF_STATE_HELD,
                                                          has_ttl ? d->now_us + d->op->ttl_us : 0,
                                                          hf_model_text_copy(d->op->order)));
    hf_model_record_end(d->model, &record);
}

void hf_model_change_replace(struct hf_model_decision *d)
{
    struct hf_model_reservation *old = d->reservation;
    const enum hf_state state = old->state;
    const bool has_ttl = (d->op->flags & HF_OP_TTL) != 0 && state == HF_STATE_HELD;
    const uint64_t deadline_us = has_ttl ? d->now_us + d->op->ttl_us : old->deadline_us;
    const struct hf_model_text order =
        d->op->order.bytes_count != 0 ? hf_model_text_copy(d->op->order) : old->order;
    static struct hf_model_record record;

    hf_model_record_begin(d->model, &record, d->op, d->now_us);
    for (uint32_t i = 0; i < old->lines_count; i++) {
        hf_model_record_release(d->model, &record, old, i, hf_model_open_units(&old->lines[i]));
    }
    hf_model_record_close(&record, old, HF_STATE_SUPERSEDED);
    hf_model_tell_reservation(d->result, open_reservation(d, &record, state, deadline_us, order));
    hf_model_record_end(d->model, &record);
}

void hf_model_change_confirm(struct hf_model_decision *d)
{
    static struct hf_model_record record;

    hf_model_record_begin(d->model, &record, d->op, d->now_us);
    for (uint32_t i = 0; i < d->reservation->lines_count; i++) {
        const int64_t units = hf_model_open_units(&d->reservation->lines[i]);
        const int64_t delta[HF_COUNTERS_COUNT] = {[HF_HELD] = -units, [HF_COMMITTED] = units};

        if (units > 0) {
            hf_model_record_move(d->model, &record, d->reservation->lines[i].cell, d->reservation,
                                 delta);
        }
    }
    d->reservation->state = HF_STATE_CONFIRMED;
    d->reservation->confirmed_lsn = d->model->lsn;
    d->reservation->deadline_us = 0;
    hf_model_tell_reservation(d->result, d->reservation);
    hf_model_record_end(d->model, &record);
}

void hf_model_change_extend(struct hf_model_decision *d)
{
    const uint64_t latest_us = d->reservation->opened_us + d->model->config.life_us_max;
    const uint64_t asked_us = d->now_us + d->op->ttl_us;
    const uint64_t deadline_us = asked_us < latest_us ? asked_us : latest_us;
    static struct hf_model_record record;

    if (deadline_us == d->reservation->deadline_us) {
        return; /* M3 */
    }
    hf_model_record_begin(d->model, &record, d->op, d->now_us);
    d->reservation->deadline_us = deadline_us;
    hf_model_tell_reservation(d->result, d->reservation);
    hf_model_record_end(d->model, &record);
}

/* Nothing is left open: released, or fulfilled where some units were. */
static void close_when_done(struct hf_model_record *record,
                            struct hf_model_reservation *reservation)
{
    int64_t fulfilled = 0;
    int64_t open = 0;

    for (uint32_t i = 0; i < reservation->lines_count; i++) {
        fulfilled += reservation->lines[i].fulfilled;
        open += hf_model_open_units(&reservation->lines[i]);
    }
    if (open == 0) {
        hf_model_record_close(record, reservation,
                              fulfilled > 0 ? HF_STATE_FULFILLED : HF_STATE_RELEASED);
    }
}

static uint32_t line_of(const struct hf_model_reservation *reservation, int cell)
{
    for (uint32_t i = 0; i < reservation->lines_count; i++) {
        if ((int)reservation->lines[i].cell == cell) {
            return i;
        }
    }
    HF_ASSERT(false);
    return 0;
}

static void tell_sale(struct hf_model_decision *d, uint32_t cell, int64_t units)
{
    d->model->cells[cell].last_sale_us = d->now_us;
    d->model->physical_units[d->model->cells[cell].sku] -= units;
}

/* Release and fulfil: the demands are the lines asked for, or all that is open. */
void hf_model_change_part(struct hf_model_decision *d)
{
    struct hf_model_reservation *reservation = d->reservation;
    const bool is_rest_released = (d->op->flags & HF_OP_RELEASE_REST) != 0;
    static struct hf_model_record record;

    hf_model_record_begin(d->model, &record, d->op, d->now_us);
    for (uint32_t i = 0; i < d->demands_count; i++) {
        const int64_t units = d->demands[i].units;
        const int64_t delta[HF_COUNTERS_COUNT] = {[HF_ON_HAND] = -units, [HF_COMMITTED] = -units};
        const uint32_t line = line_of(reservation, d->demands[i].cell);

        if (d->op->kind == HF_KIND_RELEASE) {
            hf_model_record_release(d->model, &record, reservation, line, units);
        } else if (units > 0) {
            hf_model_record_move(d->model, &record, reservation->lines[line].cell, reservation,
                                 delta);
            reservation->lines[line].fulfilled += units;
            tell_sale(d, reservation->lines[line].cell, units);
        }
    }
    for (uint32_t i = 0; is_rest_released && i < reservation->lines_count; i++) {
        hf_model_record_release(d->model, &record, reservation, i,
                                hf_model_open_units(&reservation->lines[i]));
    }
    close_when_done(&record, reservation);
    hf_model_tell_reservation(d->result, d->reservation);
    hf_model_record_end(d->model, &record);
}

/* All open reservations of the order. */
void hf_model_change_release_order(struct hf_model_decision *d)
{
    struct hf_model *model = d->model;
    static struct hf_model_record record;

    hf_model_record_begin(model, &record, d->op, d->now_us);
    for (uint32_t i = model->reservations_count; i > 0; i--) { /* the newest first */
        struct hf_model_reservation *reservation = &model->reservations[i - 1];

        if (hf_text_equal(hf_model_text_view(&reservation->order), d->op->order) &&
            hf_model_is_open(reservation)) {
            for (uint32_t j = 0; j < reservation->lines_count; j++) {
                hf_model_record_release(model, &record, reservation, j,
                                        hf_model_open_units(&reservation->lines[j]));
            }
            close_when_done(&record, reservation);
        }
    }
    if (record.closed_count == 1) {
        record.id = record.closed[0];
    }
    hf_model_record_end(model, &record);
}
