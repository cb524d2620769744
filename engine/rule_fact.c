/*
 * rule_fact.c - the rules for facts about stock: counts, goods set aside, goods thrown away.
 *
 * The world has changed already; a fact is only refused when it cannot be, because fewer units are
 * there than it says (P1). It may cut into stock that was promised: alert.c tells of the shortage.
 */
#include "engine/state.h"

static enum hf_counter counter_of(enum hf_status status)
{
    switch (status) {
    case HF_STATUS_DAMAGED:
        return HF_DAMAGED;
    case HF_STATUS_QUARANTINED:
        return HF_QUARANTINED;
    case HF_STATUS_NONE:
    case HF_STATUS_SELLABLE:
        break;
    }
    return HF_ON_HAND;
}

static int64_t units_of(const struct hf_engine *engine, const struct hf_plan_line *line,
                        enum hf_counter counter)
{
    return line->cell == HF_NONE
               ? 0
               : hf_cell_units(&engine->cells, hf_cell_at(&engine->cells, line->cell), counter);
}

/* ------------------------------------------------------------------ set */

/*
 * on_hand of a plan line's cell after the operation says that it was, or is, line->units. Sales and
 * receipts since then are carried over; earlier sets are not, because they were statements about
 * the same level: two sets as of one LSN correct once.
 */
static enum hf_err level_after(struct hf_engine *engine, const struct hf_plan_line *line,
                               int64_t *level)
{
    const struct hf_op *op = engine->work.op;
    const bool is_time = (op->flags & HF_OP_AS_OF_TIME) != 0;
    int64_t since_units = 0;

    if (line->cell != HF_NONE && (op->flags & (HF_OP_AS_OF_LSN | HF_OP_AS_OF_TIME)) != 0) {
        const enum hf_err err =
            hf_history_since(engine, line->cell, op->as_of, is_time, &since_units);
        if (err != HF_OK) {
            return err;
        }
    }
    *level = line->units + since_units;
    return HF_OK;
}

/* Turn the lines' units into changes of on_hand; lists the lines that cannot be. */
static enum hf_err levels_to_changes(struct hf_engine *engine)
{
    struct hf_work *work = &engine->work;
    const bool has_whole_budget = hf_history_begin(engine);
    enum hf_err err = HF_OK;

    for (uint32_t i = 0; i < work->lines_count; i++) {
        struct hf_plan_line *line = &work->lines[i];
        int64_t level = 0;
        enum hf_err failing = level_after(engine, line, &level);
        if (failing == HF_BUSY && !has_whole_budget) {
            return HF_BUSY; /* others at this moment have used it; alone it may be done */
        }
        failing = failing == HF_BUSY ? HF_TOO_OLD : failing;
        if (failing != HF_OK) {
            hf_result_add_line(engine, line, failing);
            err = failing; /* comes before what is about units */
        } else if (level < 0) {
            hf_result_add_line(engine, line, HF_INSUFFICIENT_ON_HAND)->shortfall = -level;
            err = err == HF_TOO_OLD ? err : HF_INSUFFICIENT_ON_HAND;
        } else if (level > HF_UNITS_MAX) {
            err = err == HF_OK ? HF_LIMIT_EXCEEDED : err;
        }
        line->units = level - units_of(engine, line, HF_ON_HAND);
    }
    return err;
}

enum hf_err hf_rule_set(struct hf_engine *engine)
{
    struct hf_work *work = &engine->work;

    enum hf_err err = hf_plan_check_versions(engine);
    if (err == HF_OK) {
        err = levels_to_changes(engine);
    }
    if (err != HF_OK) {
        return err;
    }
    bool has_change = false;
    for (uint32_t i = 0; i < work->lines_count; i++) {
        const struct hf_plan_line *line = &work->lines[i];
        if (line->units != 0) {
            hf_effect_put_plan_move(engine, line)->delta[HF_ON_HAND] = line->units;
            has_change = true;
        }
    }
    if (!has_change) {
        work->effects_count = work->effects_first; /* no codes either: nothing is written */
    }
    return HF_OK;
}

/* ------------------------------------------------------------------ statuses */

/* The units must be there, and fit where they go (`to`; HF_COUNTERS_COUNT: nowhere). */
static enum hf_err check_units(struct hf_engine *engine, enum hf_counter from, enum hf_counter to)
{
    struct hf_work *work = &engine->work;
    enum hf_err err = hf_plan_check_versions(engine);

    if (err != HF_OK) {
        return err;
    }
    for (uint32_t i = 0; i < work->lines_count; i++) {
        const struct hf_plan_line *line = &work->lines[i];
        const int64_t there = units_of(engine, line, from);
        if (line->units > there) {
            hf_result_add_line(engine, line, HF_INSUFFICIENT_ON_HAND)->shortfall =
                line->units - there;
            err = HF_INSUFFICIENT_ON_HAND;
        }
    }
    for (uint32_t i = 0; err == HF_OK && to != HF_COUNTERS_COUNT && i < work->lines_count; i++) {
        if (units_of(engine, &work->lines[i], to) + work->lines[i].units > HF_UNITS_MAX) {
            err = HF_LIMIT_EXCEEDED;
        }
    }
    return err;
}

enum hf_err hf_rule_move_status(struct hf_engine *engine)
{
    const struct hf_work *work = &engine->work;
    const enum hf_counter from = counter_of(work->op->from_status);
    const enum hf_counter to = counter_of(work->op->to_status);
    const enum hf_err err = check_units(engine, from, to);

    for (uint32_t i = 0; err == HF_OK && i < work->lines_count; i++) {
        struct hf_effect_move *move = hf_effect_put_plan_move(engine, &work->lines[i]);
        move->delta[from] = -work->lines[i].units;
        move->delta[to] = work->lines[i].units;
    }
    return err;
}

enum hf_err hf_rule_dispose(struct hf_engine *engine)
{
    const struct hf_work *work = &engine->work;
    const enum hf_counter from = counter_of(work->op->from_status);
    const enum hf_err err = check_units(engine, from, HF_COUNTERS_COUNT);

    for (uint32_t i = 0; err == HF_OK && i < work->lines_count; i++) {
        hf_effect_put_plan_move(engine, &work->lines[i])->delta[from] = -work->lines[i].units;
    }
    return err;
}
