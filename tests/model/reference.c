/*
 * reference.c - the state of the model: what there is, what a name stands for, what a record does.
 *
 * model_apply.c decides; here is what both a decision and an expiry need. See reference.h.
 */
#include "tests/model/model_inside.h"

#include <stdlib.h>
#include <string.h>

#include "engine/assert.h"

struct hf_model_text hf_model_text_copy(struct hf_text text)
{
    struct hf_model_text copy = {.bytes_count = text.bytes_count};

    HF_ASSERT(text.bytes_count <= sizeof copy.bytes);
    if (text.bytes_count != 0) {
        memcpy(copy.bytes, text.bytes, text.bytes_count);
    }
    return copy;
}

static bool is_text(const struct hf_model_text *copy, struct hf_text text)
{
    return hf_text_equal(hf_model_text_view(copy), text);
}

void *hf_model_grow(void **items, uint32_t *count, uint32_t *room, size_t item_bytes)
{
    if (*count == *room) {
        *room = *room == 0 ? 64 : *room * 2;
        *items = realloc(*items, *room * item_bytes);
        HF_ASSERT(*items != NULL);
    }
    *count += 1;
    return (char *)*items + (*count - 1) * item_bytes;
}

struct hf_model *hf_model_create(const struct hf_engine_config *config)
{
    struct hf_model *model = calloc(1, sizeof *model);

    HF_ASSERT(model != NULL);
    model->config = *config;
    return model;
}

void hf_model_free(struct hf_model *model)
{
    if (model == NULL) {
        return;
    }
    for (uint32_t i = 0; i < model->requests_count; i++) {
        free(model->requests[i].memory);
    }
    free(model->requests);
    free(model->reservations);
    free(model->shipments);
    free(model->names);
    free(model->moves);
    free(model->times_us);
    free(model->events);
    free(model);
}

/* ------------------------------------------------------------------ what there is */

int hf_model_sku(const struct hf_model *model, struct hf_text code)
{
    for (uint32_t i = 0; i < model->skus_count; i++) {
        if (is_text(&model->skus[i], code)) {
            return (int)i;
        }
    }
    return -1;
}

int hf_model_location(const struct hf_model *model, struct hf_text code)
{
    for (uint32_t i = 0; i < model->locations_count; i++) {
        if (is_text(&model->locations[i].code, code)) {
            return (int)i;
        }
    }
    return -1;
}

int hf_model_region(const struct hf_model *model, struct hf_text code)
{
    for (uint32_t i = 0; i < model->regions_count; i++) {
        if (is_text(&model->regions[i], code)) {
            return (int)i;
        }
    }
    return -1;
}

int hf_model_cell(const struct hf_model *model, int sku, int location)
{
    for (uint32_t i = 0; i < model->cells_count; i++) {
        if ((int)model->cells[i].sku == sku && (int)model->cells[i].location == location) {
            return (int)i;
        }
    }
    return -1;
}

int hf_model_reservation(const struct hf_model *model, struct hf_text id)
{
    for (uint32_t i = 0; i < model->reservations_count; i++) {
        if (is_text(&model->reservations[i].id, id)) {
            return (int)i;
        }
    }
    return -1;
}

int64_t hf_model_atf(const struct hf_model_cell *cell)
{
    return cell->counters[HF_ON_HAND] - cell->counters[HF_HELD] - cell->counters[HF_COMMITTED] -
           cell->safety_stock;
}

int hf_model_shipment(const struct hf_model *model, enum hf_shipment_kind kind, struct hf_text id)
{
    for (uint32_t i = 0; i < model->shipments_count; i++) {
        if (model->shipments[i].kind == kind && is_text(&model->shipments[i].id, id)) {
            return (int)i;
        }
    }
    return -1;
}

bool hf_model_shipment_is_open(const struct hf_model_shipment *shipment)
{
    return shipment->state == HF_STATE_DRAFT || shipment->state == HF_STATE_IN_TRANSIT;
}

int64_t hf_model_shipment_open_units(const struct hf_model_shipment *shipment)
{
    int64_t open = 0;

    for (uint32_t i = 0; i < shipment->lines_count; i++) {
        open += shipment->lines[i].unshipped + shipment->lines[i].under_way;
    }
    return open;
}

int64_t hf_model_sellable_in_transit(const struct hf_model *model, const struct hf_model_cell *cell)
{
    int64_t sellable = 0;

    for (uint32_t i = 0; i < model->shipments_count; i++) {
        const struct hf_model_shipment *shipment = &model->shipments[i];
        const bool may_be_sold = shipment->kind == HF_INBOUND
                                     ? shipment->is_sellable
                                     : model->locations[shipment->to].is_in_transit_sellable;

        for (uint32_t j = 0;
             may_be_sold && shipment->to == cell->location && j < shipment->lines_count; j++) {
            if (shipment->lines[j].sku == cell->sku) {
                sellable += shipment->lines[j].under_way;
            }
        }
    }
    return sellable;
}

int64_t hf_model_ats(const struct hf_model *model, const struct hf_model_cell *cell)
{
    return hf_model_atf(cell) + hf_model_sellable_in_transit(model, cell);
}

int64_t hf_model_shortage(const struct hf_model *model, const struct hf_model_cell *cell)
{
    const int64_t missing = cell->counters[HF_HELD] + cell->counters[HF_COMMITTED] -
                            cell->counters[HF_ON_HAND] - hf_model_sellable_in_transit(model, cell) -
                            cell->backorder_limit;

    return missing > 0 ? missing : 0;
}

int64_t hf_model_open_units(const struct hf_model_reservation_line *line)
{
    return line->units - line->fulfilled - line->released;
}

bool hf_model_is_open(const struct hf_model_reservation *reservation)
{
    return reservation->state == HF_STATE_HELD || reservation->state == HF_STATE_CONFIRMED;
}

void hf_model_tell_time(struct hf_model *model, uint64_t now_us)
{
    model->told_us = hf_model_now(model, now_us);
}

void hf_model_forget_time(struct hf_model *model)
{
    model->told_us = model->time_us;
}

uint64_t hf_model_now(const struct hf_model *model, uint64_t now_us)
{
    const uint64_t latest_us = model->told_us > model->time_us ? model->told_us : model->time_us;

    return now_us > latest_us ? now_us : latest_us;
}

uint64_t hf_model_next_deadline_us(const struct hf_model *model)
{
    uint64_t earliest = UINT64_MAX;

    for (uint32_t i = 0; i < model->reservations_count; i++) {
        const struct hf_model_reservation *reservation = &model->reservations[i];

        if (reservation->state == HF_STATE_HELD && reservation->deadline_us != 0 &&
            reservation->deadline_us < earliest) {
            earliest = reservation->deadline_us;
        }
    }
    return earliest;
}

/* ------------------------------------------------------------------ names (M1, M4) */

bool hf_model_lookup(const struct hf_model *model, struct hf_text name,
                     struct hf_model_named *named)
{
    const int reservation = hf_model_reservation(model, name);

    if (reservation >= 0) {
        *named = (struct hf_model_named){model->reservations[reservation].opened_lsn,
                                         model->reservations[reservation].request,
                                         model->reservations[reservation].id};
        return true;
    }
    for (uint32_t i = 0; i < model->shipments_count; i++) {
        const struct hf_model_shipment *shipment = &model->shipments[i];

        if (is_text(&shipment->id, name)) {
            *named = (struct hf_model_named){shipment->opened_lsn, shipment->request, shipment->id};
            return true;
        }
    }
    for (uint32_t i = 0; i < model->names_count; i++) {
        if (is_text(&model->names[i].name, name)) {
            *named = (struct hf_model_named){model->names[i].lsn, model->names[i].request,
                                             model->names[i].id};
            return true;
        }
    }
    return false;
}

/* The codes of a line, whether it names them or gives their handles; empty: of an unknown one. */
static void codes_of(const struct hf_model *model, const struct hf_op *op, uint32_t i,
                     struct hf_text *sku, struct hf_text *location)
{
    const struct hf_op_line *line = &op->lines[i];

    *sku = line->sku;
    *location = line->location;
    if ((op->flags & HF_OP_HANDLES) != 0) {
        *sku = line->sku_handle < model->skus_count
                   ? hf_model_text_view(&model->skus[line->sku_handle])
                   : (struct hf_text){0};
        *location = line->location_handle < model->locations_count
                        ? hf_model_text_view(&model->locations[line->location_handle].code)
                        : (struct hf_text){0};
    }
}

static uint64_t condition_of(const struct hf_op *op, uint32_t i)
{
    return (op->flags & HF_OP_VERSIONS) != 0 ? op->lines[i].if_version : HF_VERSION_ANY;
}

/*
 * All fields but the reference. How they are said is no part of them: by code or by handle, with
 * or without the flag that says that no line has a condition, alone or in a linked group.
 */
bool hf_model_request_equals(const struct hf_model *model, const struct hf_op *a,
                             const struct hf_op *b)
{
    const uint32_t form = HF_OP_LINKED | HF_OP_VERSIONS | HF_OP_HANDLES;

    if (a->kind != b->kind || (a->flags | form) != (b->flags | form) || a->reason != b->reason ||
        !hf_text_equal(a->id, b->id) || !hf_text_equal(a->old_id, b->old_id) ||
        !hf_text_equal(a->order, b->order) || !hf_text_equal(a->by, b->by) ||
        !hf_text_equal(a->from, b->from) || !hf_text_equal(a->to, b->to) ||
        a->from_status != b->from_status || a->to_status != b->to_status || a->as_of != b->as_of ||
        a->eta_us != b->eta_us || a->ttl_us != b->ttl_us || a->lines_count != b->lines_count) {
        return false;
    }
    for (uint32_t i = 0; i < a->lines_count; i++) {
        const struct hf_op_line *x = &a->lines[i];
        const struct hf_op_line *y = &b->lines[i];
        struct hf_text skus[2], locations[2];

        codes_of(model, a, i, &skus[0], &locations[0]);
        codes_of(model, b, i, &skus[1], &locations[1]);
        if (!hf_text_equal(skus[0], skus[1]) || !hf_text_equal(locations[0], locations[1]) ||
            x->units != y->units || x->damaged != y->damaged ||
            condition_of(a, i) != condition_of(b, i) || x->safety_stock != y->safety_stock ||
            x->low_stock != y->low_stock || x->backorder_limit != y->backorder_limit) {
            return false;
        }
    }
    return true;
}

static struct hf_text keep_text(char **memory, struct hf_text text)
{
    struct hf_text copy = {*memory, text.bytes_count};

    if (text.bytes_count != 0) {
        memcpy(*memory, text.bytes, text.bytes_count);
    }
    *memory += text.bytes_count;
    return copy;
}

/* Keep a copy of the operation; its number is returned. */
static uint32_t keep_request(struct hf_model *model, const struct hf_op *op)
{
    struct hf_model_request *request = hf_model_grow(
        (void **)&model->requests, &model->requests_count, &model->requests_room, sizeof *request);
    const size_t lines_bytes = op->lines_count * sizeof *op->lines;
    const size_t texts_max = 7u + 2u * op->lines_count;
    struct hf_op_line *lines;
    char *at;

    request->memory = malloc(lines_bytes + texts_max * HF_CODE_BYTES_MAX);
    HF_ASSERT(request->memory != NULL);
    lines = (struct hf_op_line *)(void *)request->memory;
    at = request->memory + lines_bytes;
    request->op = *op;
    request->op.id = keep_text(&at, op->id);
    request->op.old_id = keep_text(&at, op->old_id);
    request->op.ref = keep_text(&at, op->ref);
    request->op.order = keep_text(&at, op->order);
    request->op.by = keep_text(&at, op->by);
    request->op.from = keep_text(&at, op->from);
    request->op.to = keep_text(&at, op->to);
    for (uint32_t i = 0; i < op->lines_count; i++) {
        lines[i] = op->lines[i];
        lines[i].sku = keep_text(&at, op->lines[i].sku);
        lines[i].location = keep_text(&at, op->lines[i].location);
    }
    request->op.lines = lines;
    return model->requests_count - 1;
}

static void forget_reservation(struct hf_model *model, struct hf_text id)
{
    const int found = hf_model_reservation(model, id);

    HF_ASSERT(found >= 0);
    HF_ASSERT(!hf_model_is_open(&model->reservations[found]));
    model->reservations_count -= 1;
    memmove(&model->reservations[found], &model->reservations[found + 1],
            (model->reservations_count - (uint32_t)found) * sizeof *model->reservations);
}

static void forget_shipment(struct hf_model *model, struct hf_text id)
{
    const int transfer = hf_model_shipment(model, HF_TRANSFER, id);
    const int found = transfer >= 0 ? transfer : hf_model_shipment(model, HF_INBOUND, id);

    HF_ASSERT(found >= 0);
    HF_ASSERT(!hf_model_shipment_is_open(&model->shipments[found]));
    model->shipments_count -= 1;
    memmove(&model->shipments[found], &model->shipments[found + 1],
            (model->shipments_count - (uint32_t)found) * sizeof *model->shipments);
}

static void forget_oldest_name(struct hf_model *model)
{
    const struct hf_model_name oldest = model->names[0];

    model->names_count -= 1;
    memmove(&model->names[0], &model->names[1], model->names_count * sizeof *model->names);
    if (oldest.is_reservation) {
        forget_reservation(model, hf_model_text_view(&oldest.name));
    }
    if (oldest.is_shipment) {
        forget_shipment(model, hf_model_text_view(&oldest.name));
    }
}

/* ------------------------------------------------------------------ a record */

void hf_model_record_begin(struct hf_model *model, struct hf_model_record *record,
                           const struct hf_op *op, uint64_t now_us)
{
    uint64_t *time_us;

    HF_ASSERT(now_us >= model->time_us);
    record->op = op;
    record->closed_count = 0;
    record->is_shipment_closed = false;
    record->request = UINT32_MAX;
    record->touched_count = 0;
    record->first_move = model->moves_count;
    record->id = (struct hf_model_text){0};
    if (op->kind != HF_KIND_SET_REGION) {
        record->id = hf_model_text_copy(op->id);
    }
    model->lsn += 1;
    model->time_us = now_us;
    time_us = hf_model_grow((void **)&model->times_us, &model->times_count, &model->times_room,
                            sizeof *time_us);
    *time_us = now_us;
    HF_ASSERT(model->times_count == model->lsn);
    if (op->ref.bytes_count != 0 || hf_model_opens(op->kind)) {
        record->request = keep_request(model, op);
    }
}

void hf_model_record_touch(struct hf_model *model, struct hf_model_record *record, uint32_t cell)
{
    for (uint32_t i = 0; i < record->touched_count; i++) {
        if (record->touched[i].cell == cell) {
            return;
        }
    }
    HF_ASSERT(record->touched_count < HF_MODEL_CELLS_MAX);
    record->touched[record->touched_count] =
        (struct hf_model_touched){.cell = cell,
                                  .shortage = hf_model_shortage(model, &model->cells[cell]),
                                  .is_made = model->cells[cell].version == 0};
    record->touched_count += 1;
}

void hf_model_record_move_of(struct hf_model *model, struct hf_model_record *record, uint32_t cell,
                             const struct hf_model_text *id, const struct hf_model_text *order,
                             const int64_t delta[HF_COUNTERS_COUNT])
{
    struct hf_model_move *move = hf_model_grow((void **)&model->moves, &model->moves_count,
                                               &model->moves_room, sizeof *move);

    hf_model_record_touch(model, record, cell);
    *move = (struct hf_model_move){
        .lsn = model->lsn,
        .ts_us = model->time_us,
        .kind = record->op->kind,
        .reason = record->op->reason,
        .cell = cell,
        .ref = hf_model_text_copy(record->op->ref),
        .order = hf_model_text_copy(record->op->order),
        .by = hf_model_text_copy(record->op->by),
    };
    if (hf_model_opens(record->op->kind) && move->ref.bytes_count == 0) {
        move->ref = hf_model_text_copy(record->op->id); /* its id is its reference */
    }
    if (id != NULL) {
        move->id = *id;
    }
    if (order != NULL && move->order.bytes_count == 0) {
        move->order = *order;
    }
    for (int i = 0; i < HF_COUNTERS_COUNT; i++) {
        model->cells[cell].counters[i] += delta[i];
        HF_ASSERT(model->cells[cell].counters[i] >= 0);
        HF_ASSERT(model->cells[cell].counters[i] <= HF_UNITS_MAX);
        move->delta[i] = delta[i];
        move->after[i] = model->cells[cell].counters[i];
    }
    model->cells[cell].version = model->lsn;
}

void hf_model_record_move(struct hf_model *model, struct hf_model_record *record, uint32_t cell,
                          const struct hf_model_reservation *reservation,
                          const int64_t delta[HF_COUNTERS_COUNT])
{
    hf_model_record_move_of(model, record, cell, reservation == NULL ? NULL : &reservation->id,
                            reservation == NULL ? NULL : &reservation->order, delta);
}

void hf_model_record_release(struct hf_model *model, struct hf_model_record *record,
                             struct hf_model_reservation *reservation, uint32_t line, int64_t units)
{
    int64_t delta[HF_COUNTERS_COUNT] = {0};

    if (units == 0) {
        return;
    }
    delta[reservation->state == HF_STATE_HELD ? HF_HELD : HF_COMMITTED] = -units;
    hf_model_record_move(model, record, reservation->lines[line].cell, reservation, delta);
    reservation->lines[line].released += units;
}

void hf_model_record_close(struct hf_model_record *record, struct hf_model_reservation *reservation,
                           enum hf_state state)
{
    HF_ASSERT(hf_model_is_open(reservation));
    for (uint32_t i = 0; i < reservation->lines_count; i++) {
        HF_ASSERT(hf_model_open_units(&reservation->lines[i]) == 0);
    }
    reservation->state = state;
    if (state != HF_STATE_EXPIRED) {
        reservation->deadline_us = 0;
    }
    HF_ASSERT(record->closed_count < HF_MODEL_CLOSED_MAX);
    record->closed[record->closed_count] = reservation->id;
    record->closed_count += 1;
}

void hf_model_record_close_shipment(struct hf_model_record *record,
                                    struct hf_model_shipment *shipment, enum hf_state state)
{
    HF_ASSERT(hf_model_shipment_is_open(shipment));
    HF_ASSERT(hf_model_shipment_open_units(shipment) == 0);
    shipment->state = state;
    HF_ASSERT(record->closed_count == 0);
    record->is_shipment_closed = true;
    record->closed[0] = shipment->id;
    record->closed_count = 1;
}

static void remember(struct hf_model *model, const struct hf_model_name *name)
{
    struct hf_model_name *slot = hf_model_grow((void **)&model->names, &model->names_count,
                                               &model->names_room, sizeof *slot);

    *slot = *name;
}

/* The id of a thing as the reference of its own beginning is one name, not two. */
static bool names_itself(const struct hf_op *op)
{
    return hf_model_opens(op->kind) && hf_text_equal(op->ref, op->id);
}

void hf_model_record_end(struct hf_model *model, struct hf_model_record *record)
{
    const struct hf_op *op = record->op;
    const bool has_ref = op->ref.bytes_count != 0 && !names_itself(op);

    hf_model_tell_events(model, record);
    while (!model->is_inside_group && model->names_count > 0 &&
           model->time_us - model->names[0].since_us >= model->config.reference_retention_us) {
        forget_oldest_name(model);
    }
    for (uint32_t i = 0; i < record->closed_count; i++) {
        remember(model, &(struct hf_model_name){.name = record->closed[i],
                                                .is_reservation = !record->is_shipment_closed,
                                                .is_shipment = record->is_shipment_closed,
                                                .since_us = model->time_us});
    }
    if (has_ref) {
        remember(model, &(struct hf_model_name){.name = hf_model_text_copy(op->ref),
                                                .since_us = model->time_us,
                                                .lsn = model->lsn,
                                                .request = record->request,
                                                .id = hf_model_text_copy(op->id)});
    }
    /* Where very few are kept, the record's own names may be among those that are too many. */
    while (!model->is_inside_group && model->names_count > model->config.references_max) {
        forget_oldest_name(model);
    }
}

bool hf_model_expire(struct hf_model *model, struct hf_text id, uint64_t now_us)
{
    static const struct hf_op expiry = {.kind = HF_KIND_EXPIRE};
    const int found = hf_model_reservation(model, id);
    struct hf_model_reservation *reservation;
    static struct hf_model_record record;

    now_us = hf_model_now(model, now_us);
    if (found < 0) {
        return false;
    }
    reservation = &model->reservations[found];
    if (reservation->state != HF_STATE_HELD || reservation->deadline_us == 0 ||
        reservation->deadline_us > now_us ||
        reservation->deadline_us != hf_model_next_deadline_us(model)) {
        return false;
    }

    hf_model_record_begin(model, &record, &expiry, now_us);
    record.id = reservation->id;
    for (uint32_t i = 0; i < reservation->lines_count; i++) {
        hf_model_record_release(model, &record, reservation, i,
                                hf_model_open_units(&reservation->lines[i]));
    }
    hf_model_record_close(&record, reservation, HF_STATE_EXPIRED);
    hf_model_record_end(model, &record);
    return true;
}
