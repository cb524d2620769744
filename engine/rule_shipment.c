/*
 * rule_shipment.c - the rules for transfers and inbound shipments (shipment.h has the picture).
 *
 * Every rule works on a plan line for each line of the shipment that is touched. What a line does
 * is a list of changes to its figures, and the moves that follow from them:
 *
 *     ship      unshipped -> under_way      source on_hand -    destination in_transit +
 *     receive   under_way -> received       destination in_transit -, on_hand +
 *               under_way -> damaged        destination in_transit -, damaged +
 *     cancel    unshipped -> cancelled      (nothing: the units are on hand at the source still)
 *               under_way -> cancelled      destination in_transit -, source on_hand +
 *     close     under_way -> lost           destination in_transit -
 *
 * Shipping is checked against ATF of the source, so that what reservations hold never leaves (P1).
 * The rest is what has happened to goods: it always lands, and may leave a shortage behind.
 */
#include "engine/state.h"

static struct hf_shipment *named(const struct hf_engine *engine)
{
    return hf_shipment_at(&engine->shipments, engine->work.shipment);
}

static const struct hf_shipment_line *line_of(const struct hf_engine *engine,
                                              const struct hf_plan_line *plan)
{
    return hf_shipment_line_at(&engine->shipments, plan->reservation_line);
}

static int64_t units_of(const struct hf_engine *engine, uint32_t sku, uint32_t location,
                        enum hf_counter counter)
{
    const uint32_t cell = hf_cells_find(&engine->cells, sku, location);
    return cell == HF_NONE
               ? 0
               : hf_cell_units(&engine->cells, hf_cell_at(&engine->cells, cell), counter);
}

/* A move of the SKU's cell at a location, made when there is none. */
static struct hf_effect_move *put_move(struct hf_engine *engine, uint32_t sku, uint32_t location)
{
    struct hf_effect_move *move =
        hf_effect_put_move(engine, hf_cells_find(&engine->cells, sku, location), HF_NONE);
    move->sku = sku;
    move->location = location;
    return move;
}

static struct hf_effect_line *put_line(struct hf_engine *engine, const struct hf_plan_line *plan)
{
    struct hf_effect_line *line = &hf_effect_put(engine, HF_EFFECT_LINE)->line;
    *line = (struct hf_effect_line){.sku = plan->sku, .line = plan->reservation_line};
    return line;
}

static struct hf_effect_shipment *put_state(struct hf_engine *engine, enum hf_state state)
{
    struct hf_effect_shipment *effect = &hf_effect_put(engine, HF_EFFECT_SHIPMENT_STATE)->shipment;
    *effect = (struct hf_effect_shipment){.id = hf_shipment_id(named(engine)),
                                          .state = state,
                                          .from = HF_HANDLE_NONE,
                                          .index = engine->work.shipment};
    engine->work.result->state = state;
    return effect;
}

/* ------------------------------------------------------------------ planning */

/* What the shipment has in all of its lines. */
struct sums {
    int64_t unshipped, under_way;
};

static struct sums add_up(const struct hf_engine *engine)
{
    struct sums sums = {0};

    for (uint32_t at = named(engine)->first_line; at != HF_NONE;) {
        const struct hf_shipment_line *line = hf_shipment_line_at(&engine->shipments, at);
        sums.unshipped += line->figures[HF_LINE_UNSHIPPED];
        sums.under_way += line->figures[HF_LINE_UNDER_WAY];
        at = line->next;
    }
    return sums;
}

/* Find for each plan line the shipment's line of that SKU, and its cell at the destination. */
static void match_lines(struct hf_engine *engine)
{
    struct hf_work *work = &engine->work;
    const struct hf_shipment *shipment = named(engine);

    hf_map_clear(&work->map);
    for (uint32_t at = shipment->first_line; at != HF_NONE;) {
        const struct hf_shipment_line *line = hf_shipment_line_at(&engine->shipments, at);
        *hf_map_find(&work->map, line->sku) =
            (struct hf_map_slot){.key = line->sku, .value = at, .stamp = work->map.stamp};
        at = line->next;
    }
    for (uint32_t i = 0; i < work->lines_count; i++) {
        struct hf_plan_line *plan = &work->lines[i];
        const struct hf_map_slot *slot = hf_map_find(&work->map, plan->sku);
        plan->reservation_line = slot->stamp == work->map.stamp ? slot->value : HF_NONE;
        plan->location = shipment->to;
        plan->cell = hf_cells_find(&engine->cells, plan->sku, shipment->to);
    }
}

/* A plan line for each line of the shipment that has some of either figure; how many units of them
 * is what the line plans. */
static void plan_all(struct hf_engine *engine, bool with_unshipped, bool with_under_way)
{
    struct hf_work *work = &engine->work;
    const struct hf_shipment *shipment = named(engine);
    uint32_t position = 0;

    work->lines_count = 0;
    for (uint32_t at = shipment->first_line; at != HF_NONE; position++) {
        const struct hf_shipment_line *line = hf_shipment_line_at(&engine->shipments, at);
        const int64_t units = (with_unshipped ? line->figures[HF_LINE_UNSHIPPED] : 0) +
                              (with_under_way ? line->figures[HF_LINE_UNDER_WAY] : 0);
        if (units > 0) {
            work->lines[work->lines_count++] = (struct hf_plan_line){
                .sku = line->sku,
                .location = shipment->to,
                .cell = hf_cells_find(&engine->cells, line->sku, shipment->to),
                .line_index = position,
                .reservation_line = at,
                .units = units};
        }
        at = line->next;
    }
}

/* How many units of a line an operation may be about. */
typedef int64_t (*most_of)(const struct hf_engine *engine, const struct hf_shipment_line *line);

/* List the plan lines that ask for more than that; what the shipment does not have has none. */
static enum hf_err check_most(struct hf_engine *engine, most_of most)
{
    struct hf_work *work = &engine->work;
    enum hf_err err = HF_OK;

    for (uint32_t i = 0; i < work->lines_count; i++) {
        const struct hf_plan_line *plan = &work->lines[i];
        const int64_t asked = plan->units + plan->damaged;
        const int64_t units =
            plan->reservation_line == HF_NONE ? 0 : most(engine, line_of(engine, plan));
        if (asked > units) {
            struct hf_result_line *failing = hf_result_add_line(engine, plan, HF_EXCEEDS_SHIPMENT);
            failing->requested = asked;
            failing->shortfall = asked - units;
            err = HF_EXCEEDS_SHIPMENT;
        }
    }
    return err;
}

static int64_t unshipped_of(const struct hf_engine *engine, const struct hf_shipment_line *line)
{
    (void)engine;
    return line->figures[HF_LINE_UNSHIPPED];
}

static int64_t under_way_of(const struct hf_engine *engine, const struct hf_shipment_line *line)
{
    (void)engine;
    return line->figures[HF_LINE_UNDER_WAY];
}

static int64_t open_of(const struct hf_engine *engine, const struct hf_shipment_line *line)
{
    (void)engine;
    return hf_shipment_line_open(line);
}

/* ------------------------------------------------------------------ ship */

/* Whether the planned units may leave the source; lists what is short. */
static enum hf_err check_source(struct hf_engine *engine, uint32_t from)
{
    struct hf_work *work = &engine->work;
    enum hf_err err = HF_OK;

    for (uint32_t i = 0; i < work->lines_count; i++) {
        struct hf_plan_line source = work->lines[i];
        source.location = from;
        source.cell = hf_cells_find(&engine->cells, source.sku, from);
        const int64_t atf =
            source.cell == HF_NONE
                ? 0
                : hf_cell_atf(&engine->cells, hf_cell_at(&engine->cells, source.cell));
        if (source.units <= atf) {
            continue;
        }
        if (work->has_due) {
            return HF_BUSY; /* the units may be free once holds that are due are released */
        }
        hf_result_add_line(engine, &source, HF_INSUFFICIENT_STOCK)->shortfall = source.units - atf;
        err = HF_INSUFFICIENT_STOCK;
    }
    return err;
}

static enum hf_err check_in_transit(const struct hf_engine *engine, uint32_t to)
{
    for (uint32_t i = 0; i < engine->work.lines_count; i++) {
        const struct hf_plan_line *plan = &engine->work.lines[i];
        if (plan->units > HF_UNITS_MAX ||
            units_of(engine, plan->sku, to, HF_IN_TRANSIT) + plan->units > HF_UNITS_MAX) {
            return HF_LIMIT_EXCEEDED;
        }
    }
    return HF_OK;
}

static void put_departure(struct hf_engine *engine, const struct hf_plan_line *plan, uint32_t from,
                          uint32_t to)
{
    put_move(engine, plan->sku, from)->delta[HF_ON_HAND] = -plan->units;
    put_move(engine, plan->sku, to)->delta[HF_IN_TRANSIT] = plan->units;
}

enum hf_err hf_rule_ship(struct hf_engine *engine)
{
    struct hf_work *work = &engine->work;
    const struct hf_shipment *shipment = named(engine);

    if (!hf_shipment_is_open(shipment) || add_up(engine).unshipped == 0) {
        return HF_WRONG_STATE;
    }
    if (work->lines_count == 0) {
        plan_all(engine, true, false);
    } else {
        match_lines(engine);
    }
    enum hf_err err = check_most(engine, unshipped_of);
    err = err != HF_OK ? err : check_source(engine, shipment->from);
    err = err != HF_OK ? err : check_in_transit(engine, shipment->to);
    if (err != HF_OK) {
        return err;
    }
    put_state(engine, HF_STATE_IN_TRANSIT);
    for (uint32_t i = 0; i < work->lines_count; i++) {
        const struct hf_plan_line *plan = &work->lines[i];
        struct hf_effect_line *line = put_line(engine, plan);
        line->delta[HF_LINE_UNSHIPPED] = -plan->units;
        line->delta[HF_LINE_UNDER_WAY] = plan->units;
        put_departure(engine, plan, shipment->from, shipment->to);
    }
    return HF_OK;
}

/* ------------------------------------------------------------------ create */

enum hf_err hf_rule_create_shipment(struct hf_engine *engine)
{
    struct hf_work *work = &engine->work;
    const struct hf_op *op = work->op;
    const bool is_inbound = op->kind == HF_KIND_INBOUND_CREATE;
    const bool is_shipped = is_inbound || (op->flags & HF_OP_SHIP) != 0;
    enum hf_err err = HF_OK;

    if (!is_inbound && is_shipped) {
        err = check_source(engine, work->from);
    }
    for (uint32_t i = 0; err == HF_OK && i < work->lines_count; i++) {
        if (work->lines[i].units > HF_UNITS_MAX) {
            err = HF_LIMIT_EXCEEDED;
        }
    }
    if (err == HF_OK && is_shipped) {
        err = check_in_transit(engine, work->to);
    }
    if (err != HF_OK) {
        return err;
    }
    struct hf_effect_shipment *opened = &hf_effect_put(engine, HF_EFFECT_SHIPMENT_OPEN)->shipment;
    *opened = (struct hf_effect_shipment){
        .id = op->id,
        .kind = is_inbound ? HF_INBOUND : HF_TRANSFER,
        .state = is_shipped ? HF_STATE_IN_TRANSIT : HF_STATE_DRAFT,
        .is_sellable = (op->flags & HF_OP_SELLABLE) != 0,
        .from = work->from,
        .to = work->to,
        .eta_us = op->eta_us,
        .index = HF_NONE,
    };
    for (uint32_t i = 0; i < work->lines_count; i++) {
        struct hf_plan_line *plan = &work->lines[i];
        struct hf_effect_line *line = put_line(engine, plan);
        line->line = HF_NONE;
        line->units = plan->units;
        line->delta[is_shipped ? HF_LINE_UNDER_WAY : HF_LINE_UNSHIPPED] = plan->units;
        if (is_inbound) {
            put_move(engine, plan->sku, work->to)->delta[HF_IN_TRANSIT] = plan->units;
        } else if (is_shipped) {
            put_departure(engine, plan, work->from, work->to);
        }
    }
    work->result->state = is_shipped ? HF_STATE_IN_TRANSIT : HF_STATE_DRAFT;
    return HF_OK;
}

/* ------------------------------------------------------------------ receive */

/* Units of a line that may still arrive beyond those under way. */
static int64_t over_receipt(const struct hf_engine *engine, const struct hf_shipment_line *line)
{
    int64_t accounted = 0;
    for (unsigned i = 0; i < HF_LINE_FIGURES; i++) {
        accounted += line->figures[i];
    }
    const int64_t tolerance = line->units / 100 * engine->config.over_receipt_percent +
                              line->units % 100 * engine->config.over_receipt_percent / 100;
    const int64_t over = accounted - line->units;
    return tolerance > over ? tolerance - over : 0;
}

static int64_t may_arrive(const struct hf_engine *engine, const struct hf_shipment_line *line)
{
    return line->figures[HF_LINE_UNDER_WAY] +
           (named(engine)->kind == HF_INBOUND ? over_receipt(engine, line) : 0);
}

/* With HF_OP_REST: what the lines of the operation leave under way arrives sellable. */
static void add_rest(struct hf_engine *engine)
{
    struct hf_work *work = &engine->work;
    const struct hf_shipment *shipment = named(engine);
    const uint32_t asked_count = work->lines_count;
    uint32_t position = 0;

    hf_map_clear(&work->map);
    for (uint32_t i = 0; i < asked_count; i++) {
        if (work->lines[i].reservation_line != HF_NONE) {
            *hf_map_find(&work->map, work->lines[i].reservation_line) = (struct hf_map_slot){
                .key = work->lines[i].reservation_line, .value = i, .stamp = work->map.stamp};
        }
    }
    for (uint32_t at = shipment->first_line; at != HF_NONE; position++) {
        const struct hf_shipment_line *line = hf_shipment_line_at(&engine->shipments, at);
        const int64_t under_way = line->figures[HF_LINE_UNDER_WAY];
        const struct hf_map_slot *slot = hf_map_find(&work->map, at);
        if (slot->stamp == work->map.stamp) {
            struct hf_plan_line *plan = &work->lines[slot->value];
            const int64_t rest = under_way - plan->units - plan->damaged;
            plan->units += rest > 0 ? rest : 0;
        } else if (under_way > 0 && work->lines_count < HF_LINES_MAX) {
            work->lines[work->lines_count++] = (struct hf_plan_line){
                .sku = line->sku,
                .location = shipment->to,
                .cell = hf_cells_find(&engine->cells, line->sku, shipment->to),
                .line_index = position,
                .reservation_line = at,
                .units = under_way};
        }
        at = line->next;
    }
}

static enum hf_err check_arrival(struct hf_engine *engine)
{
    struct hf_work *work = &engine->work;
    const struct hf_shipment *shipment = named(engine);
    enum hf_err err = check_most(engine, may_arrive);

    for (uint32_t i = 0; err == HF_OK && i < work->lines_count; i++) {
        const struct hf_plan_line *plan = &work->lines[i];
        const struct hf_shipment_line *line = line_of(engine, plan);
        if (line->figures[HF_LINE_RECEIVED] + plan->units > HF_UNITS_MAX ||
            line->figures[HF_LINE_DAMAGED] + plan->damaged > HF_UNITS_MAX ||
            units_of(engine, plan->sku, shipment->to, HF_ON_HAND) + plan->units > HF_UNITS_MAX ||
            units_of(engine, plan->sku, shipment->to, HF_DAMAGED) + plan->damaged > HF_UNITS_MAX) {
            err = HF_LIMIT_EXCEEDED;
        }
    }
    return err;
}

enum hf_err hf_rule_receive_shipment(struct hf_engine *engine)
{
    struct hf_work *work = &engine->work;
    const struct hf_shipment *shipment = named(engine);
    const struct sums sums = add_up(engine);

    if (shipment->state != HF_STATE_IN_TRANSIT || sums.under_way == 0) {
        return HF_WRONG_STATE;
    }
    if (work->lines_count == 0) {
        plan_all(engine, false, true);
    } else {
        match_lines(engine);
        if ((work->op->flags & HF_OP_REST) != 0) {
            add_rest(engine);
        }
    }
    const enum hf_err err = check_arrival(engine);
    if (err != HF_OK) {
        return err;
    }
    struct hf_effect_shipment *state = put_state(engine, HF_STATE_IN_TRANSIT);
    int64_t left = sums.unshipped + sums.under_way;
    for (uint32_t i = 0; i < work->lines_count; i++) {
        const struct hf_plan_line *plan = &work->lines[i];
        const int64_t under_way = line_of(engine, plan)->figures[HF_LINE_UNDER_WAY];
        const int64_t arrived = plan->units + plan->damaged;
        const int64_t taken = arrived < under_way ? arrived : under_way;
        struct hf_effect_line *line = put_line(engine, plan);
        line->delta[HF_LINE_UNDER_WAY] = -taken;
        line->delta[HF_LINE_RECEIVED] = plan->units;
        line->delta[HF_LINE_DAMAGED] = plan->damaged;
        struct hf_effect_move *move = put_move(engine, plan->sku, shipment->to);
        move->delta[HF_IN_TRANSIT] = -taken;
        move->delta[HF_ON_HAND] = plan->units;
        move->delta[HF_DAMAGED] = plan->damaged;
        left -= taken;
    }
    if (left == 0) {
        state->state = work->result->state = HF_STATE_RECEIVED;
    }
    return HF_OK;
}

/* ------------------------------------------------------------------ cancel and close */

/* Units of a plan line that are cancelled out of those under way; unshipped ones go first. */
static int64_t from_under_way(const struct hf_engine *engine, const struct hf_plan_line *plan)
{
    const int64_t unshipped = line_of(engine, plan)->figures[HF_LINE_UNSHIPPED];
    return plan->units > unshipped ? plan->units - unshipped : 0;
}

static enum hf_err check_cancel(struct hf_engine *engine)
{
    struct hf_work *work = &engine->work;
    const struct hf_shipment *shipment = named(engine);
    enum hf_err err = check_most(engine, open_of);

    for (uint32_t i = 0; err == HF_OK && shipment->kind == HF_TRANSFER && i < work->lines_count;
         i++) {
        const struct hf_plan_line *plan = &work->lines[i];
        if (units_of(engine, plan->sku, shipment->from, HF_ON_HAND) + from_under_way(engine, plan) >
            HF_UNITS_MAX) {
            err = HF_LIMIT_EXCEEDED;
        }
    }
    return err;
}

enum hf_err hf_rule_cancel_shipment(struct hf_engine *engine)
{
    struct hf_work *work = &engine->work;
    const struct hf_shipment *shipment = named(engine);

    if (!hf_shipment_is_open(shipment)) {
        return HF_WRONG_STATE;
    }
    if (work->lines_count == 0) {
        plan_all(engine, true, true);
    } else {
        match_lines(engine);
    }
    const enum hf_err err = check_cancel(engine);
    if (err != HF_OK) {
        return err;
    }
    const struct sums sums = add_up(engine);
    struct hf_effect_shipment *state = put_state(engine, (enum hf_state)shipment->state);
    int64_t left = sums.unshipped + sums.under_way;
    for (uint32_t i = 0; i < work->lines_count; i++) {
        const struct hf_plan_line *plan = &work->lines[i];
        const int64_t back = from_under_way(engine, plan);
        struct hf_effect_line *line = put_line(engine, plan);
        line->delta[HF_LINE_UNSHIPPED] = -(plan->units - back);
        line->delta[HF_LINE_UNDER_WAY] = -back;
        line->delta[HF_LINE_CANCELLED] = plan->units;
        left -= plan->units;
        if (back == 0) {
            continue;
        }
        put_move(engine, plan->sku, shipment->to)->delta[HF_IN_TRANSIT] = -back;
        if (shipment->kind == HF_TRANSFER) {
            put_move(engine, plan->sku, shipment->from)->delta[HF_ON_HAND] = back;
        }
    }
    if (left == 0) {
        state->state = work->result->state = HF_STATE_CANCELLED;
    }
    return HF_OK;
}

enum hf_err hf_rule_close_shipment(struct hf_engine *engine)
{
    struct hf_work *work = &engine->work;
    const struct hf_shipment *shipment = named(engine);
    const struct sums sums = add_up(engine);
    const bool is_whole = work->lines_count == 0; /* then what is unshipped is cancelled */

    if (shipment->state != HF_STATE_IN_TRANSIT || sums.under_way == 0) {
        return HF_WRONG_STATE;
    }
    if (is_whole) {
        plan_all(engine, true, true);
    } else {
        match_lines(engine);
        const enum hf_err err = check_most(engine, under_way_of); /* only that can be lost */
        if (err != HF_OK) {
            return err;
        }
    }
    struct hf_effect_shipment *state = put_state(engine, HF_STATE_IN_TRANSIT);
    int64_t left = sums.unshipped + sums.under_way;
    for (uint32_t i = 0; i < work->lines_count; i++) {
        const struct hf_plan_line *plan = &work->lines[i];
        const int64_t lost = is_whole ? from_under_way(engine, plan) : plan->units;
        struct hf_effect_line *line = put_line(engine, plan);
        line->delta[HF_LINE_UNSHIPPED] = -(plan->units - lost);
        line->delta[HF_LINE_CANCELLED] = plan->units - lost;
        line->delta[HF_LINE_UNDER_WAY] = -lost;
        line->delta[HF_LINE_LOST] = lost;
        left -= plan->units;
        if (lost > 0) {
            put_move(engine, plan->sku, shipment->to)->delta[HF_IN_TRANSIT] = -lost;
        }
    }
    if (left == 0) {
        state->state = work->result->state = HF_STATE_CLOSED;
    }
    return HF_OK;
}
