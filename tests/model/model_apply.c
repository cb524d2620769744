/*
 * model_apply.c - the model's decisions, in the order of engine/engine.h.
 *
 *     form, name, codes, state, version, stock, limits: each refuses or lets pass; then the change.
 *
 * See reference.h.
 */
#include "tests/model/model_inside.h"

#include <string.h>

#include "engine/assert.h"

/* ------------------------------------------------------------------ small questions */

int64_t hf_model_counter_of(const struct hf_model_decision *d, const struct hf_model_demand *demand,
                            enum hf_counter counter)
{
    const struct hf_model_cell *cell = hf_model_cell_of(d, demand);

    return cell == NULL ? 0 : cell->counters[counter];
}

static int64_t ats_of(const struct hf_model_decision *d, const struct hf_model_demand *demand)
{
    const struct hf_model_cell *cell = hf_model_cell_of(d, demand);

    return cell == NULL ? 0 : hf_model_ats(d->model, cell);
}

static int64_t atf_of(const struct hf_model_decision *d, const struct hf_model_demand *demand)
{
    const struct hf_model_cell *cell = hf_model_cell_of(d, demand);

    return cell == NULL ? 0 : hf_model_atf(cell);
}

static int64_t backorder_of(const struct hf_model_decision *d, const struct hf_model_demand *demand)
{
    const struct hf_model_cell *cell = hf_model_cell_of(d, demand);

    return cell == NULL ? 0 : cell->backorder_limit;
}

/* The deadline of the hold on this cell that ends next; 0: none has one. */
static uint64_t earliest_expiry_us(const struct hf_model_decision *d,
                                   const struct hf_model_demand *demand)
{
    uint64_t earliest = 0;

    for (uint32_t i = 0; i < d->model->reservations_count; i++) {
        const struct hf_model_reservation *reservation = &d->model->reservations[i];

        if (reservation->state != HF_STATE_HELD || reservation->deadline_us == 0) {
            continue;
        }
        for (uint32_t j = 0; j < reservation->lines_count; j++) {
            if ((int)reservation->lines[j].cell == demand->cell &&
                hf_model_open_units(&reservation->lines[j]) > 0 &&
                (earliest == 0 || reservation->deadline_us < earliest)) {
                earliest = reservation->deadline_us;
            }
        }
    }
    return earliest;
}

bool hf_model_refuse(struct hf_model_decision *d, enum hf_err outcome)
{
    d->result->outcome = outcome;
    return true;
}

/* Put a failing line, or with HF_OK a granted one, on the result. */
void hf_model_add_line(struct hf_model_decision *d, const struct hf_model_demand *demand,
                       enum hf_err outcome, int64_t granted, int64_t shortfall)
{
    HF_ASSERT(d->result->lines_count < HF_MODEL_LINES_MAX);
    d->result->lines[d->result->lines_count] = (struct hf_result_line){
        .line_index = demand->line_index,
        .outcome = outcome,
        .requested = demand->units,
        .granted = granted,
        .ats = ats_of(d, demand),
        .shortfall = shortfall,
        .earliest_expiry_us = earliest_expiry_us(d, demand),
    };
    d->result->lines_count += 1;
}

/* ------------------------------------------------------------------ gathering (M2) */

static void find(const struct hf_model_decision *d, struct hf_model_demand *demand,
                 const struct hf_op_line *line)
{
    const struct hf_model *model = d->model;

    *demand = (struct hf_model_demand){.sku_index = -1,
                                       .location_index = -1,
                                       .cell = -1,
                                       .line = -1,
                                       .safety_stock = HF_POLICY_KEEP,
                                       .low_stock = HF_POLICY_KEEP,
                                       .backorder_limit = HF_POLICY_KEEP};
    if ((d->op->flags & HF_OP_HANDLES) != 0) {
        demand->sku_handle = line->sku_handle;
        demand->location_handle = line->location_handle;
        if (line->sku_handle < model->skus_count) {
            demand->sku_index = (int)line->sku_handle;
        }
        if (line->location_handle < model->locations_count) {
            demand->location_index = (int)line->location_handle;
        }
    } else {
        demand->sku = hf_model_text_copy(line->sku);
        demand->location = hf_model_text_copy(line->location);
        demand->sku_index = hf_model_sku(model, line->sku);
        demand->location_index =
            line->location.bytes_count == 0 ? -1 : hf_model_location(model, line->location);
    }
    if (demand->sku_index >= 0 && demand->location_index >= 0) {
        demand->cell = hf_model_cell(model, demand->sku_index, demand->location_index);
    }
}

static bool is_same_cell(const struct hf_model_demand *a, const struct hf_model_demand *b)
{
    return a->sku_handle == b->sku_handle && a->location_handle == b->location_handle &&
           hf_text_equal(hf_model_text_view(&a->sku), hf_model_text_view(&b->sku)) &&
           hf_text_equal(hf_model_text_view(&a->location), hf_model_text_view(&b->location));
}

static void gather_line(struct hf_model_decision *d, uint32_t line_index)
{
    const struct hf_op_line *line = &d->op->lines[line_index];
    struct hf_model_demand demand;
    struct hf_model_demand *slot = NULL;
    const struct hf_model_cell *cell;

    find(d, &demand, line);
    demand.line_index = line_index;
    for (uint32_t i = 0; i < d->demands_count && slot == NULL; i++) {
        slot = is_same_cell(&d->demands[i], &demand) ? &d->demands[i] : NULL;
    }
    if (slot == NULL) {
        HF_ASSERT(d->demands_count < HF_MODEL_LINES_MAX);
        slot = &d->demands[d->demands_count];
        d->demands_count += 1;
        *slot = demand;
    }

    if (d->op->kind == HF_KIND_SET_LOCATION) {
        slot->units = line->units; /* a setting, not an amount: the last one holds */
    } else {
        slot->units += line->units;
        slot->damaged += line->damaged;
    }
    if (d->op->kind == HF_KIND_SET_POLICY) {
        slot->safety_stock =
            line->safety_stock != HF_POLICY_KEEP ? line->safety_stock : slot->safety_stock;
        slot->low_stock = line->low_stock != HF_POLICY_KEEP ? line->low_stock : slot->low_stock;
        slot->backorder_limit =
            line->backorder_limit != HF_POLICY_KEEP ? line->backorder_limit : slot->backorder_limit;
    }
    cell = hf_model_cell_of(d, slot);
    if ((d->op->flags & HF_OP_VERSIONS) != 0 && line->if_version != HF_VERSION_ANY &&
        line->if_version != (cell == NULL ? 0 : cell->version)) {
        slot->is_version_wrong = true;
    }
}

/* ------------------------------------------------------------------ the checks, in order */

/* M1. True when the operation's name is known: the result is a repeat or a conflict. */
static bool is_named(struct hf_model_decision *d)
{
    const struct hf_op *op = d->op;
    const bool opens = hf_model_opens(op->kind);
    const struct hf_text names[2] = {op->ref, opens ? op->id : (struct hf_text){0}};
    bool is_known = false;

    for (int i = 0; i < 2; i++) {
        struct hf_model_named named;
        struct hf_text id;
        int found;

        if (names[i].bytes_count == 0 || !hf_model_lookup(d->model, names[i], &named)) {
            continue;
        }
        if (!hf_model_request_equals(d->model, &d->model->requests[named.request].op, op)) {
            *d->result =
                (struct hf_model_result){.outcome = HF_REFERENCE_CONFLICT, .lsn = d->model->lsn};
            return true;
        }
        is_known = true;
        d->result->outcome = HF_OK;
        d->result->is_repeated = true;
        d->result->lsn = named.lsn;
        if (op->kind == HF_KIND_RELEASE_ORDER) {
            d->result->state = HF_STATE_RELEASED;
        }
        id = hf_model_text_view(&named.id);
        if (hf_model_is_shipment_kind(op->kind)) {
            found = hf_model_shipment(d->model, hf_model_shipment_kind(op->kind), id);
            if (found >= 0) {
                d->result->state = d->model->shipments[found].state;
            }
            continue;
        }
        found = hf_model_reservation(d->model, id);
        if (id.bytes_count != 0 && found >= 0) {
            hf_model_tell_reservation(d->result, &d->model->reservations[found]);
        }
    }
    return is_known;
}

static bool may_create(const struct hf_model_decision *d, const struct hf_model_demand *demand)
{
    if ((d->op->flags & HF_OP_HANDLES) != 0) {
        return false;
    }
    return d->op->kind == HF_KIND_RECEIVE || d->op->kind == HF_KIND_SET_POLICY ||
           d->op->kind == HF_KIND_SET || d->op->kind == HF_KIND_INBOUND_CREATE ||
           hf_model_is_place_kind(d->op->kind) ||
           (d->op->kind == HF_KIND_ADJUST && demand->units > 0);
}

static bool refuse_unknown_codes(struct hf_model_decision *d)
{
    for (uint32_t i = 0; i < d->demands_count; i++) {
        const struct hf_model_demand *demand = &d->demands[i];
        enum hf_err outcome = HF_OK;

        if (may_create(d, demand)) {
            continue;
        }
        if (demand->sku_index < 0 && !hf_model_is_place_kind(d->op->kind)) {
            outcome = HF_UNKNOWN_SKU;
        } else if (demand->location_index < 0 && !hf_model_is_shipment_kind(d->op->kind)) {
            outcome = HF_UNKNOWN_LOCATION;
        }
        if (outcome != HF_OK) {
            hf_model_add_line(d, demand, outcome, 0, 0);
            if (d->result->outcome == HF_OK) {
                d->result->outcome = outcome; /* the first failing line decides */
            }
        }
    }
    return d->result->outcome != HF_OK;
}

/* Where a new shipment leaves and goes to. It may be the first to go there. */
static bool refuse_unknown_ends(struct hf_model_decision *d)
{
    const bool is_transfer = d->op->kind == HF_KIND_TRANSFER_CREATE;

    d->from = is_transfer ? hf_model_location(d->model, d->op->from) : -1;
    d->to = hf_model_location(d->model, d->op->to);
    if (!is_transfer || d->from >= 0) {
        return d->result->outcome != HF_OK;
    }
    if (d->result->outcome == HF_OK) {
        return hf_model_refuse(d, HF_UNKNOWN_LOCATION);
    }
    d->result->other_outcome = HF_UNKNOWN_LOCATION; /* which is told first is left open */
    return true;
}

static enum hf_err refusal_of_state(enum hf_state state)
{
    switch (state) {
    case HF_STATE_FULFILLED:
        return HF_ALREADY_FULFILLED;
    case HF_STATE_RELEASED:
        return HF_ALREADY_RELEASED;
    case HF_STATE_EXPIRED:
        return HF_EXPIRED;
    case HF_STATE_SUPERSEDED:
        return HF_SUPERSEDED;
    case HF_STATE_NONE:
    case HF_STATE_HELD:
    case HF_STATE_CONFIRMED:
    case HF_STATE_DRAFT:
    case HF_STATE_IN_TRANSIT:
    case HF_STATE_RECEIVED:
    case HF_STATE_CANCELLED:
    case HF_STATE_CLOSED:
    default:
        return HF_OK;
    }
}

/* Find the reservation that the operation is about, and see whether its state allows it. */
static bool refuse_reservation(struct hf_model_decision *d)
{
    const enum hf_kind kind = d->op->kind;
    const bool is_confirmed_wrong = kind == HF_KIND_CONFIRM || kind == HF_KIND_EXTEND;
    const int found =
        hf_model_reservation(d->model, kind == HF_KIND_REPLACE ? d->op->old_id : d->op->id);

    if (found < 0) {
        return hf_model_refuse(d, HF_UNKNOWN_RESERVATION);
    }
    d->reservation = &d->model->reservations[found];
    hf_model_tell_reservation(d->result, d->reservation);
    if (!hf_model_is_open(d->reservation)) {
        return hf_model_refuse(d, refusal_of_state(d->reservation->state));
    }
    if (d->reservation->state == HF_STATE_CONFIRMED && is_confirmed_wrong) {
        return hf_model_refuse(d, HF_ALREADY_CONFIRMED);
    }
    if (d->reservation->state == HF_STATE_HELD && kind == HF_KIND_FULFIL) {
        return hf_model_refuse(d, HF_NOT_CONFIRMED);
    }
    for (uint32_t i = 0; kind == HF_KIND_REPLACE && i < d->reservation->lines_count; i++) {
        if (d->reservation->lines[i].fulfilled > 0) {
            return hf_model_refuse(d, HF_ALREADY_FULFILLED);
        }
    }
    return false;
}

static bool refuse_versions(struct hf_model_decision *d)
{
    for (uint32_t i = 0; i < d->demands_count; i++) {
        if (d->demands[i].is_version_wrong) {
            hf_model_add_line(d, &d->demands[i], HF_VERSION_CONFLICT, 0, 0);
            d->result->outcome = HF_VERSION_CONFLICT;
        }
    }
    return d->result->outcome != HF_OK;
}

/* The lines of the demands that ask for more than there is; `available` tells how much that is. */
static bool refuse_shortfalls(struct hf_model_decision *d, enum hf_err outcome,
                              int64_t (*available)(const struct hf_model_decision *,
                                                   const struct hf_model_demand *))
{
    for (uint32_t i = 0; i < d->demands_count; i++) {
        const int64_t shortfall = d->demands[i].units - available(d, &d->demands[i]);

        if (shortfall > 0) {
            hf_model_add_line(d, &d->demands[i], outcome, 0, shortfall);
            d->result->outcome = outcome;
        }
    }
    return d->result->outcome != HF_OK;
}

static int64_t available_on_hand(const struct hf_model_decision *d,
                                 const struct hf_model_demand *demand)
{
    return hf_model_counter_of(d, demand, HF_ON_HAND);
}

static int64_t available_open(const struct hf_model_decision *d,
                              const struct hf_model_demand *demand)
{
    (void)d;
    return demand->open_units;
}

/* What a reservation may be promised of the cell; a replaced one gives back what it has open. */
static int64_t available_promise(const struct hf_model_decision *d,
                                 const struct hf_model_demand *demand)
{
    const int64_t promise = ats_of(d, demand) + demand->open_units + backorder_of(d, demand);

    return promise > demand->open_units ? promise : demand->open_units;
}

static bool refuse_adjust(struct hf_model_decision *d)
{
    for (uint32_t i = 0; i < d->demands_count; i++) {
        const struct hf_model_demand *demand = &d->demands[i];
        const int64_t after = hf_model_counter_of(d, demand, HF_ON_HAND) + demand->units;

        if (demand->units < 0 && after < 0) {
            /* What was asked for is units to take away: a positive number. */
            struct hf_model_demand asked = *demand;

            asked.units = -demand->units;
            hf_model_add_line(d, &asked, HF_INSUFFICIENT_ON_HAND, 0, -after);
            d->result->outcome = HF_INSUFFICIENT_ON_HAND;
        }
    }
    return d->result->outcome != HF_OK;
}

/* Decide how much of each demand is granted; refuse unless that is all, or partial and not 0. */
static bool refuse_promise(struct hf_model_decision *d)
{
    const bool is_partial = (d->op->flags & HF_OP_PARTIAL) != 0;
    int64_t granted_sum = 0;

    for (uint32_t i = 0; i < d->demands_count; i++) {
        struct hf_model_demand *demand = &d->demands[i];
        const int64_t available = available_promise(d, demand);

        demand->granted = demand->units < available ? demand->units : available;
        if (demand->granted < 0) {
            demand->granted = 0;
        }
        granted_sum += demand->granted;
    }
    for (uint32_t i = 0; i < d->demands_count; i++) {
        const struct hf_model_demand *demand = &d->demands[i];
        const bool is_failing = demand->granted < demand->units;
        const int64_t promise = ats_of(d, demand) + demand->open_units + backorder_of(d, demand);

        if (is_partial && granted_sum > 0) {
            hf_model_add_line(d, demand, HF_OK, demand->granted,
                              is_failing ? demand->units - promise : 0);
        } else if (is_failing) {
            hf_model_add_line(d, demand, HF_INSUFFICIENT_STOCK, 0, demand->units - promise);
            d->result->outcome = HF_INSUFFICIENT_STOCK;
        }
    }
    return d->result->outcome != HF_OK;
}

static bool refuse_sell(struct hf_model_decision *d)
{
    if ((d->op->flags & HF_OP_FACT) != 0) {
        return refuse_shortfalls(d, HF_INSUFFICIENT_ON_HAND, available_on_hand);
    }
    return refuse_shortfalls(d, HF_INSUFFICIENT_STOCK, atf_of);
}

enum hf_counter hf_model_counter_of_status(enum hf_status status)
{
    return status == HF_STATUS_DAMAGED       ? HF_DAMAGED
           : status == HF_STATUS_QUARANTINED ? HF_QUARANTINED
                                             : HF_ON_HAND;
}

static int64_t available_in_status(const struct hf_model_decision *d,
                                   const struct hf_model_demand *demand)
{
    return hf_model_counter_of(d, demand, hf_model_counter_of_status(d->op->from_status));
}

/* ------------------------------------------------------------------ the kinds */

/* Without lines the operation is about all that the reservation has open. */
static void gather_open(struct hf_model_decision *d)
{
    for (uint32_t i = 0; i < d->reservation->lines_count; i++) {
        const struct hf_model_reservation_line *line = &d->reservation->lines[i];

        d->demands[d->demands_count] = (struct hf_model_demand){
            .cell = (int)line->cell, .line_index = i, .units = hf_model_open_units(line)};
        d->demands_count += 1;
    }
}

static void find_open_units(struct hf_model_decision *d)
{
    for (uint32_t i = 0; i < d->demands_count; i++) {
        for (uint32_t j = 0; j < d->reservation->lines_count; j++) {
            if ((int)d->reservation->lines[j].cell == d->demands[i].cell) {
                d->demands[i].open_units += hf_model_open_units(&d->reservation->lines[j]);
            }
        }
    }
}

static void decide_reservation(struct hf_model_decision *d)
{
    const enum hf_kind kind = d->op->kind;

    if (refuse_reservation(d)) {
        return;
    }
    if (d->op->lines_count == 0) {
        gather_open(d);
    }
    find_open_units(d);
    if (refuse_versions(d)) {
        return;
    }
    if ((kind == HF_KIND_RELEASE || kind == HF_KIND_FULFIL) &&
        refuse_shortfalls(d, HF_EXCEEDS_RESERVATION, available_open)) {
        return;
    }
    if (kind == HF_KIND_FULFIL &&
        refuse_shortfalls(d, HF_INSUFFICIENT_ON_HAND, available_on_hand)) {
        return;
    }
    if (kind == HF_KIND_REPLACE && refuse_promise(d)) {
        return;
    }
    if (kind == HF_KIND_EXTEND &&
        d->reservation->opened_us + d->model->config.life_us_max <= d->now_us) {
        d->result->outcome = HF_LIMIT_EXCEEDED; /* its longest life is over already */
        return;
    }
    if (hf_model_refuse_counters(d) || hf_model_refuse_tables(d)) {
        return;
    }

    if (kind == HF_KIND_REPLACE) {
        hf_model_change_replace(d);
        return; /* the result tells of the new one */
    }
    if (kind == HF_KIND_CONFIRM) {
        hf_model_change_confirm(d);
    } else if (kind == HF_KIND_EXTEND) {
        hf_model_change_extend(d);
    } else {
        hf_model_change_part(d);
    }
}

static void decide_release_order(struct hf_model_decision *d)
{
    const struct hf_model *model = d->model;
    const struct hf_model_reservation *newest = NULL;
    bool is_any_open = false;

    for (uint32_t i = 0; i < model->reservations_count; i++) {
        const struct hf_model_reservation *reservation = &model->reservations[i];

        if (hf_text_equal(hf_model_text_view(&reservation->order), d->op->order)) {
            newest = reservation;
            is_any_open = is_any_open || hf_model_is_open(reservation);
        }
    }
    if (newest == NULL) {
        d->result->outcome = HF_UNKNOWN_RESERVATION;
        return;
    }
    if (!is_any_open) {
        d->result->outcome = refusal_of_state(newest->state);
        return;
    }

    hf_model_change_release_order(d);
    d->result->state = HF_STATE_RELEASED;
}

static bool is_any_granted(const struct hf_model_decision *d)
{
    bool is_any = false;

    for (uint32_t i = 0; i < d->demands_count; i++) {
        is_any = is_any || d->demands[i].granted != 0;
    }
    return is_any;
}

static void decide_stock(struct hf_model_decision *d)
{
    const enum hf_kind kind = d->op->kind;

    if (kind == HF_KIND_SET && !refuse_versions(d) && !hf_model_refuse_set(d) &&
        !is_any_granted(d)) {
        return; /* M3, before any limit */
    }
    if (d->result->outcome != HF_OK) {
        return;
    }
    if (refuse_versions(d) || (kind == HF_KIND_ADJUST && refuse_adjust(d)) ||
        (kind == HF_KIND_SELL && refuse_sell(d)) ||
        ((kind == HF_KIND_MOVE_STATUS || kind == HF_KIND_DISPOSE) &&
         refuse_shortfalls(d, HF_INSUFFICIENT_ON_HAND, available_in_status)) ||
        (kind == HF_KIND_RESERVE && refuse_promise(d)) || hf_model_refuse_counters(d) ||
        hf_model_refuse_tables(d)) {
        return;
    }
    if (kind == HF_KIND_RESERVE) {
        hf_model_change_reserve(d);
    } else if (kind == HF_KIND_SET_POLICY) {
        hf_model_change_policy(d);
    } else if (hf_model_is_place_kind(kind)) {
        hf_model_change_places(d);
    } else {
        hf_model_change_units(d);
    }
}

static void decide(struct hf_model *model, const struct hf_op *op, uint64_t now_us,
                   struct hf_model_result *result)
{
    struct hf_model_decision d = {.model = model, .op = op, .result = result};

    d.now_us = hf_model_now(model, now_us);
    HF_ASSERT(hf_model_next_deadline_us(model) > d.now_us); /* M5 */
    memset(result, 0, sizeof *result);
    result->lsn = model->lsn;

    hf_model_form(model, op, d.now_us, result);
    if (result->malformed_count > 0) {
        result->outcome = HF_INVALID_ARGUMENT;
        return;
    }
    if (is_named(&d)) {
        return;
    }
    for (uint32_t i = 0; i < op->lines_count; i++) {
        gather_line(&d, i);
    }
    (void)refuse_unknown_codes(&d);
    if (hf_model_is_shipment_kind(op->kind) && hf_model_opens(op->kind)) {
        (void)refuse_unknown_ends(&d);
    }
    if (result->outcome != HF_OK) {
        return;
    }
    switch (op->kind) {
    case HF_KIND_REPLACE:
    case HF_KIND_CONFIRM:
    case HF_KIND_EXTEND:
    case HF_KIND_RELEASE:
    case HF_KIND_FULFIL:
        decide_reservation(&d);
        break;
    case HF_KIND_RELEASE_ORDER:
        decide_release_order(&d);
        break;
    case HF_KIND_TRANSFER_CREATE:
    case HF_KIND_TRANSFER_SHIP:
    case HF_KIND_TRANSFER_RECEIVE:
    case HF_KIND_TRANSFER_CANCEL:
    case HF_KIND_TRANSFER_CLOSE:
    case HF_KIND_INBOUND_CREATE:
    case HF_KIND_INBOUND_RECEIVE:
    case HF_KIND_INBOUND_CANCEL:
        hf_model_decide_shipment(&d);
        break;
    default:
        decide_stock(&d);
        break;
    }
    result->lsn = model->lsn; /* of the record, or the newest where there is none */
}

void hf_model_apply(struct hf_model *model, const struct hf_op *op, uint64_t now_us,
                    struct hf_model_result *result)
{
    const uint64_t before_lsn = model->lsn;

    decide(model, op, now_us, result);
    result->is_unchanged =
        result->outcome == HF_OK && !result->is_repeated && model->lsn == before_lsn;
}
