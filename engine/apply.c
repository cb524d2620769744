/*
 * apply.c - the way of one operation: validate, look up, repeat?, decide, commit.
 */
#include "engine/state.h"

struct hf_effect *hf_effect_put(struct hf_engine *engine, enum hf_effect_tag tag)
{
    struct hf_work *work = &engine->work;
    struct hf_effect *effect = &work->effects[work->effects_count];

    if (work->effects_count == HF_EFFECTS_MAX) {
        work->is_full = true;
    } else {
        work->effects_count++;
    }
    effect->tag = tag;
    return effect;
}

struct hf_effect_move *hf_effect_put_move(struct hf_engine *engine, uint32_t cell, uint32_t line)
{
    struct hf_effect_move *move = &hf_effect_put(engine, HF_EFFECT_MOVE)->move;

    *move = (struct hf_effect_move){.cell = cell, .line = line};
    if (cell != HF_NONE) {
        move->sku = hf_cell_at(&engine->cells, cell)->sku;
        move->location = hf_cell_at(&engine->cells, cell)->location;
    }
    return move;
}

struct hf_effect_move *hf_effect_put_plan_move(struct hf_engine *engine,
                                               const struct hf_plan_line *line)
{
    struct hf_effect_move *move = hf_effect_put_move(engine, line->cell, HF_NONE);

    move->sku = line->sku;
    move->location = line->location;
    return move;
}

struct hf_result_line *hf_result_add_line(struct hf_engine *engine, const struct hf_plan_line *line,
                                          enum hf_err outcome)
{
    struct hf_result *result = engine->work.result;
    HF_ASSERT(result->lines_count < HF_LINES_MAX);

    struct hf_result_line *lines = engine->work.result_lines + engine->work.result_lines_first;
    struct hf_result_line *added = &lines[result->lines_count++];
    *added = (struct hf_result_line){
        .line_index = line->line_index, .outcome = outcome, .requested = line->units};
    if (line->cell != HF_NONE) {
        const struct hf_cell *cell = hf_cell_at(&engine->cells, line->cell);
        const uint64_t earliest_us = hf_cell_earliest_us(&engine->reservations, cell);
        added->ats = hf_cell_ats(&engine->cells, &engine->catalog, cell);
        added->earliest_expiry_us = earliest_us == UINT64_MAX ? 0 : earliest_us;
    }
    result->lines = lines;
    return added;
}

/* ------------------------------------------------------------------ repeats */

/* What a repeated partial reserve was granted, from the reservation it opened. */
static void list_granted(struct hf_engine *engine, uint32_t reservation)
{
    struct hf_work *work = &engine->work;

    hf_map_lines(engine, reservation);
    for (uint32_t i = 0; i < work->lines_count; i++) {
        const struct hf_plan_line *plan = &work->lines[i];
        struct hf_result_line *granted = hf_result_add_line(engine, plan, HF_OK);
        const uint32_t line = hf_map_line_at(engine, plan->cell);
        granted->granted = line == HF_NONE ? 0 : hf_line_at(&engine->reservations, line)->units;
        granted->shortfall = plan->units - granted->granted;
    }
}

/*
 * Whether the name stands for an operation done before. HF_OK with *is_repeat, or
 * HF_REFERENCE_CONFLICT.
 */
static enum hf_err check_name(struct hf_engine *engine, struct hf_text name, bool *is_repeat)
{
    struct hf_work *work = &engine->work;
    const uint32_t found = hf_names_find(&engine->names, name, hf_name_hash(name));

    if (found == HF_NONE) {
        return HF_OK;
    }
    uint64_t content_hash;
    uint64_t lsn;
    if (hf_name_kind(found) == HF_NAME_REF) {
        content_hash = hf_ref_at(&engine->names, found)->content_hash;
        lsn = hf_ref_at(&engine->names, found)->lsn;
    } else if (hf_name_kind(found) == HF_NAME_SHIPMENT) {
        const struct hf_shipment *shipment =
            hf_shipment_at(&engine->shipments, hf_name_index(found));
        content_hash = shipment->content_hash;
        lsn = shipment->opened_lsn;
    } else {
        content_hash = hf_reservation_at(&engine->reservations, found)->content_hash;
        lsn = hf_reservation_at(&engine->reservations, found)->opened_lsn;
    }
    if (content_hash != work->content_hash) {
        return HF_REFERENCE_CONFLICT;
    }
    *is_repeat = true;
    work->result->is_repeated = true;
    work->result->lsn = lsn;
    return HF_OK;
}

/* The id of such an operation is a reference by itself. */
static bool opens_name(const struct hf_op *op)
{
    return op->kind == HF_KIND_RESERVE || op->kind == HF_KIND_REPLACE ||
           op->kind == HF_KIND_TRANSFER_CREATE || op->kind == HF_KIND_INBOUND_CREATE;
}

static enum hf_err check_repeat(struct hf_engine *engine, bool *is_repeat)
{
    const struct hf_op *op = engine->work.op;
    enum hf_err err = HF_OK;

    *is_repeat = false;
    if (op->ref.bytes_count == 0 && !opens_name(op)) {
        return HF_OK;
    }
    hf_plan_hash(engine);
    if (op->ref.bytes_count > 0) {
        err = check_name(engine, op->ref, is_repeat);
    }
    if (err == HF_OK && !*is_repeat && opens_name(op)) {
        err = check_name(engine, op->id, is_repeat);
    }
    if (err == HF_OK && !*is_repeat) {
        return HF_OK;
    }
    engine->work.result->lines_count = 0; /* whatever was unknown does not matter */
    return err;
}

/* ------------------------------------------------------------------ decide */

static bool names_reservation(const struct hf_op *op)
{
    return op->kind == HF_KIND_CONFIRM || op->kind == HF_KIND_EXTEND ||
           op->kind == HF_KIND_RELEASE || op->kind == HF_KIND_FULFIL || op->kind == HF_KIND_REPLACE;
}

/* The transfer or inbound shipment that the operation changes: which kind; 0: none. */
static enum hf_shipment_kind names_shipment(const struct hf_op *op)
{
    switch (op->kind) {
    case HF_KIND_TRANSFER_SHIP:
    case HF_KIND_TRANSFER_RECEIVE:
    case HF_KIND_TRANSFER_CANCEL:
    case HF_KIND_TRANSFER_CLOSE:
        return HF_TRANSFER;
    case HF_KIND_INBOUND_RECEIVE:
    case HF_KIND_INBOUND_CANCEL:
        return HF_INBOUND;
    default:
        return (enum hf_shipment_kind)0;
    }
}

/* Index of what is known by this id, if it is of this kind of name; HF_NONE. */
static uint32_t find_named(const struct hf_engine *engine, struct hf_text id, uint32_t kind)
{
    const uint32_t found = hf_names_find(&engine->names, id, hf_name_hash(id));
    return found == HF_NONE || hf_name_kind(found) != kind ? HF_NONE : hf_name_index(found);
}

static enum hf_err run_rule(struct hf_engine *engine)
{
    switch (engine->work.op->kind) {
    case HF_KIND_RECEIVE:
    case HF_KIND_ADJUST:
        return hf_rule_receive(engine);
    case HF_KIND_SELL:
        return hf_rule_sell(engine);
    case HF_KIND_SET_POLICY:
        return hf_rule_policy(engine);
    case HF_KIND_SET_LOCATION:
        return hf_rule_location(engine);
    case HF_KIND_SET_REGION:
        return hf_rule_region(engine);
    case HF_KIND_RESERVE:
        return hf_rule_reserve(engine);
    case HF_KIND_REPLACE:
        return hf_rule_replace(engine);
    case HF_KIND_CONFIRM:
        return hf_rule_confirm(engine);
    case HF_KIND_EXTEND:
        return hf_rule_extend(engine);
    case HF_KIND_RELEASE:
        return hf_rule_release(engine);
    case HF_KIND_RELEASE_ORDER:
        return hf_rule_release_order(engine);
    case HF_KIND_FULFIL:
        return hf_rule_fulfil(engine);
    case HF_KIND_SET:
        return hf_rule_set(engine);
    case HF_KIND_MOVE_STATUS:
        return hf_rule_move_status(engine);
    case HF_KIND_DISPOSE:
        return hf_rule_dispose(engine);
    case HF_KIND_TRANSFER_CREATE:
    case HF_KIND_INBOUND_CREATE:
        return hf_rule_create_shipment(engine);
    case HF_KIND_TRANSFER_SHIP:
        return hf_rule_ship(engine);
    case HF_KIND_TRANSFER_RECEIVE:
    case HF_KIND_INBOUND_RECEIVE:
        return hf_rule_receive_shipment(engine);
    case HF_KIND_TRANSFER_CANCEL:
    case HF_KIND_INBOUND_CANCEL:
        return hf_rule_cancel_shipment(engine);
    case HF_KIND_TRANSFER_CLOSE:
        return hf_rule_close_shipment(engine);
    case HF_KIND_EXPIRE:
        break;
    }
    HF_ASSERT(false && "validation lets no other kind through");
    return HF_INVALID_ARGUMENT;
}

/* The order of the record: the one given, or that of the reservation or shipment it is about. */
static struct hf_text order_of(const struct hf_engine *engine)
{
    const struct hf_work *work = &engine->work;

    if (work->op->order.bytes_count == 0 && work->shipment != HF_NONE) {
        const struct hf_shipment *shipment = hf_shipment_at(&engine->shipments, work->shipment);
        return (struct hf_text){shipment->order, shipment->order_bytes};
    }
    if (work->op->order.bytes_count > 0 || work->reservation == HF_NONE) {
        return work->op->order;
    }
    const uint32_t node = hf_reservation_at(&engine->reservations, work->reservation)->order_node;
    return node == HF_NONE
               ? (struct hf_text){0}
               : hf_order_text(&engine->orders, hf_order_node_at(&engine->orders, node)->order);
}

static enum hf_err decide(struct hf_engine *engine, bool *is_repeat)
{
    struct hf_work *work = &engine->work;
    const struct hf_op *op = work->op;
    bool is_known;

    const enum hf_err unknown = hf_plan_lines(engine, &is_known);
    if (op->kind == HF_KIND_SET && !hf_plan_is_level(engine)) {
        return HF_INVALID_ARGUMENT; /* malformed: comes before a repeat */
    }
    enum hf_err err = check_repeat(engine, is_repeat);
    if (err != HF_OK || *is_repeat) {
        return err;
    }
    if (!is_known) {
        return unknown;
    }
    if (names_shipment(op) != 0) {
        work->shipment = find_named(engine, op->id, HF_NAME_SHIPMENT);
        if (work->shipment != HF_NONE &&
            hf_shipment_at(&engine->shipments, work->shipment)->kind != names_shipment(op)) {
            work->shipment = HF_NONE;
        }
        if (work->shipment == HF_NONE) {
            return names_shipment(op) == HF_TRANSFER ? HF_UNKNOWN_TRANSFER : HF_UNKNOWN_INBOUND;
        }
    }
    if (names_reservation(op)) {
        work->reservation = find_named(engine, op->kind == HF_KIND_REPLACE ? op->old_id : op->id,
                                       HF_NAME_RESERVATION);
        if (work->reservation == HF_NONE) {
            return HF_UNKNOWN_RESERVATION;
        }
        const struct hf_reservation *reservation =
            hf_reservation_at(&engine->reservations, work->reservation);
        if (hf_reservation_is_due(reservation, work->now_us)) {
            return HF_EXPIRED; /* it is, although that could not be logged yet */
        }
    }
    return run_rule(engine);
}

/* ------------------------------------------------------------------ apply */

/* State and deadline of the reservation that the operation is about, as they are now. */
static void tell_reservation(struct hf_engine *engine, uint32_t index)
{
    struct hf_result *result = engine->work.result;
    const struct hf_reservation *reservation = hf_reservation_at(&engine->reservations, index);

    if (reservation->state == HF_STATE_NONE) {
        return; /* its own record forgot it: the rule has told its state */
    }
    result->state = hf_reservation_is_due(reservation, engine->work.now_us)
                        ? HF_STATE_EXPIRED
                        : (enum hf_state)reservation->state;
    if (reservation->life_us != 0 &&
        (reservation->state == HF_STATE_HELD || reservation->state == HF_STATE_EXPIRED)) {
        result->expires_at_us = hf_reservation_deadline_us(reservation);
    }
}

static void tell_shipment(struct hf_engine *engine, uint32_t index)
{
    const struct hf_shipment *shipment = hf_shipment_at(&engine->shipments, index);

    if (shipment->state != HF_STATE_NONE) { /* or its own record forgot it */
        engine->work.result->state = (enum hf_state)shipment->state;
    }
}

static void tell_repeat(struct hf_engine *engine)
{
    const struct hf_op *op = engine->work.op;

    if (op->kind == HF_KIND_RELEASE_ORDER) {
        engine->work.result->state = HF_STATE_RELEASED;
    }
    if (op->id.bytes_count == 0 || op->kind == HF_KIND_SET_REGION) {
        return;
    }
    const uint32_t name = hf_names_find(&engine->names, op->id, hf_name_hash(op->id));
    if (name == HF_NONE || hf_name_kind(name) == HF_NAME_REF) {
        return;
    }
    const uint32_t index = hf_name_index(name);
    if (hf_name_kind(name) == HF_NAME_SHIPMENT) {
        tell_shipment(engine, index);
        return;
    }
    tell_reservation(engine, index);
    if ((op->flags & HF_OP_PARTIAL) != 0) {
        list_granted(engine, index);
    }
}

static void apply_one(struct hf_engine *engine, const struct hf_op *op, struct hf_result *result)
{
    struct hf_work *work = &engine->work;
    bool is_repeat = false;

    *result = (struct hf_result){.line_index = UINT32_MAX};
    work->op = op;
    work->result = result;
    work->lines_count = 0;
    work->reservation = HF_NONE;
    work->shipment = HF_NONE;
    work->is_hashed = false;
    work->is_full = false;

    result->outcome =
        hf_op_validate(op, engine->config.life_us_max, &result->field, &result->line_index);
    if (result->outcome == HF_OK) {
        result->outcome = decide(engine, &is_repeat);
    }
    if (result->outcome == HF_OK && is_repeat) {
        work->effects_count = work->effects_first;
        tell_repeat(engine);
        return;
    }
    if (result->outcome == HF_OK) {
        result->is_unchanged = work->effects_count == work->effects_first;
        result->outcome = hf_commit(engine, op->kind, order_of(engine), true);
    }
    result->lsn = engine->last_lsn;
    if (result->outcome == HF_BUSY) {
        result->lines_count = 0; /* it is not known yet which lines would fail */
    }
    if (result->outcome != HF_OK) {
        result->is_unchanged = false;
        result->state = HF_STATE_NONE; /* what the rule meant to open is not there */
        work->effects_count = work->effects_first;
        if ((op->flags & HF_OP_PARTIAL) != 0 && result->lines_count > 0 &&
            result->lines[0].outcome == HF_OK) {
            result->lines_count = 0; /* grants that came to nothing */
        }
    }
    if (work->reservation != HF_NONE) {
        tell_reservation(engine, work->reservation);
    }
    if (work->shipment != HF_NONE) {
        tell_shipment(engine, work->shipment);
    }
}

static void begin(struct hf_engine *engine, uint64_t now_us)
{
    hf_engine_settle(engine);
    engine->work.now_us = hf_engine_tell_time(engine, now_us);
    engine->work.effects_first = engine->work.effects_count = 0;
    engine->work.result_lines_first = 0;
    engine->work.is_full = false;
    /* First of all: an expiry is a record of its own, and a record may forget names. */
    hf_expire_on_the_way(engine);
}

void hf_engine_apply(struct hf_engine *engine, const struct hf_op *op, uint64_t now_us,
                     struct hf_result *result)
{
    begin(engine, now_us);
    apply_one(engine, op, result);
}

static void fail_all(struct hf_result *results, uint32_t count, uint64_t lsn)
{
    for (uint32_t i = 0; i < count; i++) {
        results[i] =
            (struct hf_result){.outcome = HF_LINKED_FAILED, .lsn = lsn, .line_index = UINT32_MAX};
    }
}

void hf_engine_apply_linked(struct hf_engine *engine, const struct hf_op *ops, uint32_t count,
                            uint64_t now_us, struct hf_result *results)
{
    HF_ASSERT(count > 0);
    HF_ASSERT(count <= HF_LINKED_MAX);

    begin(engine, now_us);
    hf_group_begin(engine);
    for (uint32_t i = 0; i < count; i++) {
        engine->is_group_last = i + 1 == count;
        if (engine->work.result_lines_first + ops[i].lines_count > HF_MOVES_MAX) {
            results[i] = (struct hf_result){.outcome = HF_LIMIT_EXCEEDED, .line_index = UINT32_MAX};
        } else {
            apply_one(engine, &ops[i], &results[i]);
        }
        if (results[i].outcome != HF_OK) {
            const struct hf_result refused = results[i];
            hf_group_revert(engine);
            fail_all(results, count, engine->last_lsn);
            results[i] = refused;
            results[i].lsn = engine->last_lsn;
            return;
        }
        engine->work.result_lines_first += results[i].lines_count;
        HF_ASSERT(engine->work.result_lines_first <= HF_MOVES_MAX);
    }
    hf_group_end(engine);
}
