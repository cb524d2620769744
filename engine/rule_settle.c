/*
 * rule_settle.c - the rules that end promises: confirm, extend, release, fulfil.
 *
 * All of them name a reservation that apply.c has looked up (work.reservation) and that is not
 * due. What they refuse follows the order: state, version, quantities.
 */
#include "engine/state.h"

enum hf_err hf_state_refusal(enum hf_state state)
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
    case HF_STATE_CONFIRMED:
        return HF_ALREADY_CONFIRMED;
    default:
        break;
    }
    HF_ASSERT(false && "an open reservation is not refused by its state");
    return HF_UNKNOWN_RESERVATION;
}

static struct hf_reservation *named(const struct hf_engine *engine)
{
    return hf_reservation_at(&engine->reservations, engine->work.reservation);
}

static void put_state(struct hf_engine *engine, uint32_t reservation, enum hf_state state,
                      uint64_t life_us)
{
    hf_effect_put(engine, HF_EFFECT_STATE)->reservation = (struct hf_effect_reservation){
        .id = hf_reservation_id(&engine->reservations,
                                hf_reservation_at(&engine->reservations, reservation)),
        .state = state,
        .life_us = life_us,
        .index = reservation};
}

enum hf_err hf_rule_confirm(struct hf_engine *engine)
{
    const struct hf_reservation *reservation = named(engine);

    if (reservation->state != HF_STATE_HELD) {
        return hf_state_refusal((enum hf_state)reservation->state);
    }
    for (uint32_t at = reservation->first_line; at != HF_NONE;) {
        const struct hf_line *line = hf_line_at(&engine->reservations, at);
        const struct hf_cell *cell = hf_cell_at(&engine->cells, line->cell);
        if (cell->hot[HF_COMMITTED] + hf_line_open_units(line) > HF_UNITS_MAX) {
            return HF_LIMIT_EXCEEDED;
        }
        at = line->next;
    }
    put_state(engine, engine->work.reservation, HF_STATE_CONFIRMED, 0);
    for (uint32_t at = reservation->first_line; at != HF_NONE;) {
        const struct hf_line *line = hf_line_at(&engine->reservations, at);
        const int64_t open_units = hf_line_open_units(line);
        if (open_units > 0) {
            struct hf_effect_move *move = hf_effect_put_move(engine, line->cell, at);
            move->delta[HF_HELD] = -open_units;
            move->delta[HF_COMMITTED] = open_units;
        }
        at = line->next;
    }
    engine->work.result->state = HF_STATE_CONFIRMED;
    return HF_OK;
}

enum hf_err hf_rule_extend(struct hf_engine *engine)
{
    struct hf_work *work = &engine->work;
    const struct hf_reservation *reservation = named(engine);

    if (reservation->state != HF_STATE_HELD) {
        return hf_state_refusal((enum hf_state)reservation->state);
    }
    if (reservation->opened_us + engine->config.life_us_max <= work->now_us) {
        return HF_LIMIT_EXCEEDED; /* its longest life is over: no deadline would be later than now
                                   */
    }
    uint64_t life_us = work->now_us + work->op->ttl_us - reservation->opened_us;
    if (life_us > engine->config.life_us_max) {
        life_us = engine->config.life_us_max;
    }
    work->result->state = HF_STATE_HELD;
    if (life_us != reservation->life_us) {
        put_state(engine, work->reservation, HF_STATE_HELD, life_us);
    }
    return HF_OK;
}

/* ------------------------------------------------------------------ release and fulfil */

/*
 * Find for each plan line the reservation's line. Lists the plan lines that ask for more than is
 * left, or for a cell that the reservation does not have: HF_EXCEEDS_RESERVATION.
 */
static enum hf_err match_lines(struct hf_engine *engine)
{
    struct hf_work *work = &engine->work;
    enum hf_err err = HF_OK;

    hf_map_lines(engine, work->reservation);
    for (uint32_t i = 0; i < work->lines_count; i++) {
        struct hf_plan_line *plan = &work->lines[i];
        int64_t open_units = 0;
        plan->reservation_line = hf_map_line_at(engine, plan->cell);
        if (plan->reservation_line != HF_NONE) {
            open_units =
                hf_line_open_units(hf_line_at(&engine->reservations, plan->reservation_line));
        }
        if (plan->units > open_units) {
            hf_result_add_line(engine, plan, HF_EXCEEDS_RESERVATION)->shortfall =
                plan->units - open_units;
            err = HF_EXCEEDS_RESERVATION;
        }
    }
    return err;
}

/* Plan the whole reservation: a line for each of its lines that has open units. */
static void plan_all(struct hf_engine *engine, const struct hf_reservation *reservation)
{
    struct hf_work *work = &engine->work;
    uint32_t position = 0;

    work->lines_count = 0;
    for (uint32_t at = reservation->first_line; at != HF_NONE; position++) {
        const struct hf_line *line = hf_line_at(&engine->reservations, at);
        if (hf_line_open_units(line) > 0) {
            const struct hf_cell *cell = hf_cell_at(&engine->cells, line->cell);
            work->lines[work->lines_count++] =
                (struct hf_plan_line){.sku = cell->sku,
                                      .location = cell->location,
                                      .cell = line->cell,
                                      .line_index = position,
                                      .reservation_line = at,
                                      .units = hf_line_open_units(line)};
        }
        at = line->next;
    }
}

struct totals {
    int64_t fulfilled, open;
};

static struct totals add_up(const struct hf_engine *engine,
                            const struct hf_reservation *reservation)
{
    struct totals totals = {0};

    for (uint32_t at = reservation->first_line; at != HF_NONE;) {
        const struct hf_line *line = hf_line_at(&engine->reservations, at);
        totals.fulfilled += line->fulfilled;
        totals.open += hf_line_open_units(line);
        at = line->next;
    }
    return totals;
}

/* The state after `fulfilled` and `released` more units: some fulfilled and none open means
 * fulfilled; none fulfilled and none open means released. */
static enum hf_state state_after(const struct hf_engine *engine,
                                 const struct hf_reservation *reservation, int64_t fulfilled,
                                 int64_t released)
{
    const struct totals totals = add_up(engine, reservation);

    if (totals.open > fulfilled + released) {
        return (enum hf_state)reservation->state;
    }
    return totals.fulfilled + fulfilled > 0 ? HF_STATE_FULFILLED : HF_STATE_RELEASED;
}

static int64_t planned_units(const struct hf_engine *engine)
{
    int64_t units = 0;
    for (uint32_t i = 0; i < engine->work.lines_count; i++) {
        units += engine->work.lines[i].units;
    }
    return units;
}

enum hf_err hf_rule_release(struct hf_engine *engine)
{
    struct hf_work *work = &engine->work;
    const struct hf_reservation *reservation = named(engine);

    if (!hf_state_is_open((enum hf_state)reservation->state)) {
        return hf_state_refusal((enum hf_state)reservation->state);
    }
    if (work->op->lines_count == 0) {
        plan_all(engine, reservation);
    } else {
        enum hf_err err = hf_plan_check_versions(engine);
        if (err == HF_OK) {
            err = match_lines(engine);
        }
        if (err != HF_OK) {
            return err;
        }
    }
    const enum hf_counter counter =
        reservation->state == HF_STATE_CONFIRMED ? HF_COMMITTED : HF_HELD;
    const enum hf_state state = state_after(engine, reservation, 0, planned_units(engine));
    put_state(engine, work->reservation, state, reservation->life_us);
    for (uint32_t i = 0; i < work->lines_count; i++) {
        const struct hf_plan_line *line = &work->lines[i];
        hf_effect_put_move(engine, line->cell, line->reservation_line)->delta[counter] =
            -line->units;
    }
    work->result->state = state;
    return HF_OK;
}

/* Release all that is open of one reservation, as part of a larger operation. */
static void put_release_whole(struct hf_engine *engine, uint32_t index)
{
    const struct hf_reservation *reservation = hf_reservation_at(&engine->reservations, index);
    const enum hf_counter counter =
        reservation->state == HF_STATE_CONFIRMED ? HF_COMMITTED : HF_HELD;
    const struct totals totals = add_up(engine, reservation);

    put_state(engine, index, totals.fulfilled > 0 ? HF_STATE_FULFILLED : HF_STATE_RELEASED,
              reservation->life_us);
    for (uint32_t at = reservation->first_line; at != HF_NONE;) {
        const struct hf_line *line = hf_line_at(&engine->reservations, at);
        if (hf_line_open_units(line) > 0) {
            hf_effect_put_move(engine, line->cell, at)->delta[counter] = -hf_line_open_units(line);
        }
        at = line->next;
    }
}

enum hf_err hf_rule_release_order(struct hf_engine *engine)
{
    struct hf_work *work = &engine->work;
    const uint32_t order = hf_orders_find(&engine->orders, work->op->order);

    if (order == HF_NONE || hf_order_at(&engine->orders, order)->newest_node == HF_NONE) {
        return HF_UNKNOWN_RESERVATION;
    }
    const uint32_t newest = hf_order_at(&engine->orders, order)->newest_node;
    for (uint32_t node = newest; node != HF_NONE && !work->is_full;) {
        const struct hf_order_node *held = hf_order_node_at(&engine->orders, node);
        const struct hf_reservation *reservation =
            hf_reservation_at(&engine->reservations, held->reservation);
        if (hf_reservation_is_due(reservation, work->now_us)) {
            return HF_BUSY; /* it has expired, which must be logged before this can be */
        }
        if (hf_state_is_open((enum hf_state)reservation->state)) {
            put_release_whole(engine, held->reservation);
        }
        node = held->older;
    }
    if (work->effects_count == work->effects_first) {
        const struct hf_order_node *node = hf_order_node_at(&engine->orders, newest);
        return hf_state_refusal(
            (enum hf_state)hf_reservation_at(&engine->reservations, node->reservation)->state);
    }
    work->result->state = HF_STATE_RELEASED;
    return HF_OK;
}

/* fulfil is checked against on_hand only: the units were promised, now they must be there. */
static enum hf_err check_on_hand(struct hf_engine *engine)
{
    const struct hf_work *work = &engine->work;
    enum hf_err err = HF_OK;

    for (uint32_t i = 0; i < work->lines_count; i++) {
        const struct hf_plan_line *line = &work->lines[i];
        const int64_t on_hand = hf_cell_at(&engine->cells, line->cell)->hot[HF_ON_HAND];
        if (line->units > on_hand) {
            hf_result_add_line(engine, line, HF_INSUFFICIENT_ON_HAND)->shortfall =
                line->units - on_hand;
            err = HF_INSUFFICIENT_ON_HAND;
        }
    }
    return err;
}

enum hf_err hf_rule_fulfil(struct hf_engine *engine)
{
    struct hf_work *work = &engine->work;
    const struct hf_reservation *reservation = named(engine);
    const bool is_rest_released = (work->op->flags & HF_OP_RELEASE_REST) != 0;

    if (reservation->state == HF_STATE_HELD) {
        return HF_NOT_CONFIRMED;
    }
    if (reservation->state != HF_STATE_CONFIRMED) {
        return hf_state_refusal((enum hf_state)reservation->state);
    }
    enum hf_err err = HF_OK;
    if (work->op->lines_count == 0) {
        plan_all(engine, reservation);
    } else {
        err = hf_plan_check_versions(engine);
        err = err != HF_OK ? err : match_lines(engine);
    }
    err = err != HF_OK ? err : check_on_hand(engine);
    if (err != HF_OK) {
        return err;
    }
    const int64_t fulfilled = planned_units(engine);
    const int64_t rest = is_rest_released ? add_up(engine, reservation).open - fulfilled : 0;
    const enum hf_state state = state_after(engine, reservation, fulfilled, rest);
    put_state(engine, work->reservation, state, reservation->life_us);
    hf_map_clear(&work->map);
    for (uint32_t i = 0; i < work->lines_count; i++) {
        const struct hf_plan_line *line = &work->lines[i];
        struct hf_effect_move *move =
            hf_effect_put_move(engine, line->cell, line->reservation_line);
        const int64_t open_units =
            hf_line_open_units(hf_line_at(&engine->reservations, line->reservation_line));
        move->delta[HF_ON_HAND] = -line->units;
        move->delta[HF_COMMITTED] = is_rest_released ? -open_units : -line->units;
        *hf_map_find(&work->map, line->reservation_line) = (struct hf_map_slot){
            .key = line->reservation_line, .value = i, .stamp = work->map.stamp};
    }
    for (uint32_t at = reservation->first_line; is_rest_released && at != HF_NONE;) {
        const struct hf_line *line = hf_line_at(&engine->reservations, at);
        const bool is_planned = hf_map_find(&work->map, at)->stamp == work->map.stamp;
        if (!is_planned && hf_line_open_units(line) > 0) {
            hf_effect_put_move(engine, line->cell, at)->delta[HF_COMMITTED] =
                -hf_line_open_units(line);
        }
        at = line->next;
    }
    work->result->state = state;
    return HF_OK;
}
