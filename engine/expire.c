/*
 * expire.c - holds whose time-to-live has ended.
 *
 * A due hold counts as expired for every later operation (P4's time is the log's). Its release is
 * an operation of the engine's own, one record a hold, so that the ledger tells of each. Who
 * calls: the server, in bounded steps, in the order of deadlines (hf_engine_expire); and an
 * operation that needs to know now, for its own reservation or for a cell that looks short.
 */
#include "engine/state.h"

enum hf_err hf_expire_one(struct hf_engine *engine, uint32_t index)
{
    struct hf_work *work = &engine->work;
    const struct hf_reservation *reservation = hf_reservation_at(&engine->reservations, index);
    struct hf_text order = {0};

    HF_ASSERT(reservation->state == HF_STATE_HELD);
    HF_ASSERT(work->effects_count == work->effects_first);
    if (reservation->order_node != HF_NONE) {
        order = hf_order_text(&engine->orders,
                              hf_order_node_at(&engine->orders, reservation->order_node)->order);
    }
    hf_effect_put(engine, HF_EFFECT_STATE)->reservation =
        (struct hf_effect_reservation){.id = hf_reservation_id(&engine->reservations, reservation),
                                       .state = HF_STATE_EXPIRED,
                                       .life_us = reservation->life_us,
                                       .index = index};
    for (uint32_t at = reservation->first_line; at != HF_NONE;) {
        const struct hf_line *line = hf_line_at(&engine->reservations, at);
        if (hf_line_open_units(line) > 0) {
            hf_effect_put_move(engine, line->cell, at)->delta[HF_HELD] = -hf_line_open_units(line);
        }
        at = line->next;
    }
    const enum hf_err err = hf_commit(engine, HF_KIND_EXPIRE, order, false);
    if (err != HF_OK) {
        work->effects_count = work->effects_first;
    }
    return err;
}

/* True when no hold on the cell is due any more. */
static bool expire_on_cell(struct hf_engine *engine, uint32_t cell)
{
    for (;;) {
        uint32_t reservation;
        const uint64_t deadline_us = hf_cell_earliest_us(
            &engine->reservations, hf_cell_at(&engine->cells, cell), &reservation);
        if (deadline_us > engine->work.now_us) {
            return true;
        }
        if (engine->work.steps == 0 || hf_expire_one(engine, reservation) != HF_OK) {
            return false;
        }
        engine->work.steps--;
    }
}

void hf_expire_on_lines(struct hf_engine *engine)
{
    struct hf_work *work = &engine->work;
    const bool has_effects = work->effects_count > work->effects_first;

    /* An operation that creates codes has begun its record, and does not depend on holds. */
    if (has_effects || hf_wheel_next_us(&engine->reservations.wheel) > work->now_us) {
        return;
    }
    for (uint32_t i = 0; i < work->lines_count; i++) {
        struct hf_plan_line *line = &work->lines[i];
        line->has_due = line->cell != HF_NONE && !expire_on_cell(engine, line->cell);
    }
}

static void build_wheel_once(struct hf_engine *engine)
{
    if (!engine->reservations.is_wheel_built) {
        hf_reservations_build_wheel(&engine->reservations, engine->last_ts_us);
    }
}

uint32_t hf_engine_expire(struct hf_engine *engine, uint64_t now_us, uint32_t count_max)
{
    uint32_t steps = count_max > UINT32_MAX / 8 ? UINT32_MAX : count_max * 8;
    uint32_t count = 0;

    build_wheel_once(engine);
    engine->work.now_us = now_us > engine->last_ts_us ? now_us : engine->last_ts_us;
    engine->work.effects_first = engine->work.effects_count = 0;
    engine->work.is_full = false;
    while (count < count_max) {
        const uint32_t due =
            hf_reservations_due(&engine->reservations, engine->work.now_us, &steps);
        if (due == HF_NONE || hf_expire_one(engine, due) != HF_OK) {
            break;
        }
        count++;
    }
    return count;
}

uint64_t hf_engine_next_deadline_us(struct hf_engine *engine)
{
    build_wheel_once(engine);
    return hf_wheel_next_us(&engine->reservations.wheel);
}
