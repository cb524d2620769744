/*
 * expire.c - holds whose time-to-live has ended.
 *
 * A due hold counts as expired for every later operation (P4's time is the log's). Its release is
 * an operation of the engine's own, one record a hold, so that the ledger tells of each. Who
 * calls: the server, in bounded steps, in the order of deadlines (hf_engine_expire); and every
 * operation before it is decided, as far as the budget of its moment goes.
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

/*
 * Holds that operations release on their way at most, those of one time together (a frame has
 * one), so that a frame's work is bounded. Eight times as many are moved in the wheel.
 */
#define ON_THE_WAY_MAX 1024

void hf_expire_on_the_way(struct hf_engine *engine)
{
    struct hf_work *work = &engine->work;

    if (engine->way_us != work->now_us) {
        engine->way_us = work->now_us;
        engine->way_holds_left = ON_THE_WAY_MAX;
        engine->way_steps_left = 8 * ON_THE_WAY_MAX;
    }
    work->has_due = false;
    while (hf_wheel_next_us(&engine->reservations.wheel) <= work->now_us) {
        const uint32_t due =
            hf_reservations_due(&engine->reservations, work->now_us, &engine->way_steps_left);
        if (due == HF_NONE && engine->way_steps_left > 0) {
            return; /* the slot has come, but none of its holds */
        }
        if (due == HF_NONE || engine->way_holds_left == 0 || hf_expire_one(engine, due) != HF_OK) {
            work->has_due = true;
            return;
        }
        engine->way_holds_left--;
    }
}

uint64_t hf_engine_tell_time(struct hf_engine *engine, uint64_t now_us)
{
    HF_ASSERT(now_us <= HF_TIME_US_MAX); /* the year 2540 */
    if (engine->now_us < engine->last_ts_us) {
        engine->now_us = engine->last_ts_us;
    }
    if (engine->now_us < now_us) {
        engine->now_us = now_us;
    }
    return engine->now_us;
}

struct hf_expired hf_engine_expire(struct hf_engine *engine, uint64_t now_us, uint32_t count_max)
{
    uint32_t steps = count_max > UINT32_MAX / 8 ? UINT32_MAX : count_max * 8;
    struct hf_expired expired = {0};
    const bool has_waste = engine->waste.count > 0 && hf_waste_give_back_some(&engine->waste);

    hf_engine_settle(engine);
    engine->work.now_us = hf_engine_tell_time(engine, now_us);
    engine->work.effects_first = engine->work.effects_count = 0;
    engine->work.is_full = false;
    while (expired.count < count_max) {
        const uint32_t due =
            hf_reservations_due(&engine->reservations, engine->work.now_us, &steps);
        if (due == HF_NONE) {
            expired.is_more = steps == 0 || has_waste;
            return expired;
        }
        if (hf_expire_one(engine, due) != HF_OK) {
            return expired; /* the log is behind: it goes on when that has moved */
        }
        expired.count++;
    }
    expired.is_more =
        has_waste || hf_wheel_next_us(&engine->reservations.wheel) <= engine->work.now_us;
    return expired;
}

uint64_t hf_engine_next_deadline_us(struct hf_engine *engine)
{
    hf_engine_settle(engine);
    return hf_wheel_next_us(&engine->reservations.wheel);
}
