/*
 * rule_reserve.c - the rules that promise stock: reserve and replace.
 *
 * P1: after a reservation, ATS is not below -backorder_limit on any of its cells. Lines of one cell
 * are added up before (plan.c), so the check of each cell alone is the check of the whole order.
 *
 * Due holds count as released already: they are expired before a rule runs (expire.c). Only when
 * there were too many for one operation can a line look short that is not; that is answered busy,
 * not insufficient.
 */
#include "engine/state.h"

/* Units that may be promised on the cell: ATS + backorder limit. Below zero in a shortage. */
static int64_t promisable(const struct hf_engine *engine, const struct hf_plan_line *line)
{
    if (line->cell == HF_NONE) {
        return 0;
    }
    const struct hf_cell *cell = hf_cell_at(&engine->cells, line->cell);
    return hf_cell_ats(&engine->cells, &engine->catalog, cell) +
           hf_cell_policy(&engine->cells, cell).backorder_limit;
}

/* Units the line takes from what may be promised; a replace brings its old units along. */
static int64_t taken(const struct hf_plan_line *line)
{
    return line->units - line->old_units;
}

static bool is_short(const struct hf_engine *engine, const struct hf_plan_line *line)
{
    return taken(line) > 0 && taken(line) > promisable(engine, line);
}

static enum hf_err list_short_lines(struct hf_engine *engine)
{
    enum hf_err err = HF_OK;

    for (uint32_t i = 0; i < engine->work.lines_count; i++) {
        const struct hf_plan_line *line = &engine->work.lines[i];
        if (is_short(engine, line)) {
            if (engine->work.has_due) {
                return HF_BUSY; /* the units may be there once those holds are released */
            }
            hf_result_add_line(engine, line, HF_INSUFFICIENT_STOCK)->shortfall =
                taken(line) - promisable(engine, line);
            err = HF_INSUFFICIENT_STOCK;
        }
    }
    return err;
}

/* The counter that the reservation's units are in. */
static enum hf_counter counter_of(enum hf_state state)
{
    return state == HF_STATE_CONFIRMED ? HF_COMMITTED : HF_HELD;
}

static enum hf_err check_counters(const struct hf_engine *engine, enum hf_counter counter)
{
    for (uint32_t i = 0; i < engine->work.lines_count; i++) {
        const struct hf_plan_line *line = &engine->work.lines[i];
        if (line->units == 0) {
            continue;
        }
        const int64_t now = hf_cell_at(&engine->cells, line->cell)->hot[counter];
        if (line->units > HF_UNITS_MAX || now + taken(line) > HF_UNITS_MAX) {
            return HF_LIMIT_EXCEEDED;
        }
    }
    return HF_OK;
}

static void put_open(struct hf_engine *engine, enum hf_state state, uint64_t life_us)
{
    const struct hf_work *work = &engine->work;

    hf_effect_put(engine, HF_EFFECT_OPEN)->reservation =
        (struct hf_effect_reservation){.id = work->op->id,
                                       .hash = hf_name_hash(work->op->id),
                                       .state = state,
                                       .life_us = life_us,
                                       .index = HF_NONE};
    for (uint32_t i = 0; i < work->lines_count; i++) {
        const struct hf_plan_line *line = &work->lines[i];
        if (line->units > 0) {
            hf_effect_put_move(engine, line->cell, HF_NONE)->delta[counter_of(state)] = line->units;
        }
    }
}

static enum hf_err grant_partly(struct hf_engine *engine)
{
    struct hf_work *work = &engine->work;
    int64_t granted_units = 0;

    for (uint32_t i = 0; i < work->lines_count; i++) {
        const struct hf_plan_line *line = &work->lines[i];
        const int64_t most = promisable(engine, line);
        if (engine->work.has_due && most < line->units) {
            return HF_BUSY;
        }
        granted_units += most <= 0 ? 0 : line->units < most ? line->units : most;
    }
    if (granted_units == 0) {
        return list_short_lines(engine);
    }
    for (uint32_t i = 0; i < work->lines_count; i++) {
        struct hf_plan_line *line = &work->lines[i];
        const int64_t most = promisable(engine, line);
        struct hf_result_line *granted = hf_result_add_line(engine, line, HF_OK);
        granted->granted = most <= 0 ? 0 : line->units < most ? line->units : most;
        granted->shortfall = line->units > most ? line->units - most : 0;
        line->units = granted->granted;
    }
    return HF_OK;
}

enum hf_err hf_rule_reserve(struct hf_engine *engine)
{
    struct hf_work *work = &engine->work;

    enum hf_err err = hf_plan_check_versions(engine);
    if (err == HF_OK) {
        err = (work->op->flags & HF_OP_PARTIAL) != 0 ? grant_partly(engine)
                                                     : list_short_lines(engine);
    }
    if (err == HF_OK) {
        err = check_counters(engine, HF_HELD);
    }
    if (err == HF_OK) {
        put_open(engine, HF_STATE_HELD, work->op->ttl_us);
        work->result->state = HF_STATE_HELD;
    }
    return err;
}

/* ------------------------------------------------------------------ replace */

/* Note on each plan line how many units the old reservation has open on its cell. */
static void note_old_units(struct hf_engine *engine, const struct hf_reservation *old)
{
    struct hf_work *work = &engine->work;

    hf_map_clear(&work->map);
    for (uint32_t i = 0; i < work->lines_count; i++) {
        if (work->lines[i].cell != HF_NONE) {
            struct hf_map_slot *slot = hf_map_find(&work->map, work->lines[i].cell);
            *slot = (struct hf_map_slot){
                .key = work->lines[i].cell, .value = i, .stamp = work->map.stamp};
        }
    }
    for (uint32_t at = old->first_line; at != HF_NONE;) {
        const struct hf_line *line = hf_line_at(&engine->reservations, at);
        const struct hf_map_slot *slot = hf_map_find(&work->map, line->cell);
        if (slot->stamp == work->map.stamp) {
            work->lines[slot->value].old_units = hf_line_open_units(line);
        }
        at = line->next;
    }
}

static bool is_partly_fulfilled(const struct hf_engine *engine, const struct hf_reservation *old)
{
    for (uint32_t at = old->first_line; at != HF_NONE;) {
        const struct hf_line *line = hf_line_at(&engine->reservations, at);
        if (line->fulfilled > 0) {
            return true;
        }
        at = line->next;
    }
    return false;
}

enum hf_err hf_rule_replace(struct hf_engine *engine)
{
    struct hf_work *work = &engine->work;
    const struct hf_reservation *old = hf_reservation_at(&engine->reservations, work->reservation);
    const enum hf_state state = (enum hf_state)old->state;

    if (!hf_state_is_open(state)) {
        return hf_state_refusal(state);
    }
    if (is_partly_fulfilled(engine, old)) {
        return HF_ALREADY_FULFILLED;
    }
    note_old_units(engine, old);
    enum hf_err err = hf_plan_check_versions(engine);
    if (err == HF_OK) {
        err = list_short_lines(engine);
    }
    for (uint32_t i = 0; err == HF_OK && i < work->lines_count; i++) {
        HF_ASSERT(work->lines[i].cell != HF_NONE); /* or it had been short */
    }
    if (err == HF_OK) {
        err = check_counters(engine, counter_of(state));
    }
    if (err != HF_OK) {
        return err;
    }

    uint64_t life_us = 0;
    if (state == HF_STATE_HELD) {
        if ((work->op->flags & HF_OP_TTL) != 0) {
            life_us = work->op->ttl_us;
        } else if (old->life_us != 0) {
            life_us = hf_reservation_deadline_us(old) - work->now_us;
        }
    }
    hf_effect_put(engine, HF_EFFECT_STATE)->reservation =
        (struct hf_effect_reservation){.id = work->op->old_id,
                                       .state = HF_STATE_SUPERSEDED,
                                       .life_us = old->life_us,
                                       .index = work->reservation};
    for (uint32_t at = old->first_line; at != HF_NONE;) {
        const struct hf_line *line = hf_line_at(&engine->reservations, at);
        if (hf_line_open_units(line) > 0) {
            hf_effect_put_move(engine, line->cell, at)->delta[counter_of(state)] =
                -hf_line_open_units(line);
        }
        at = line->next;
    }
    put_open(engine, state, life_us);
    work->result->state = state;
    return HF_OK;
}
