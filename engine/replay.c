/*
 * replay.c - records of the log, applied by the same effects that wrote them.
 */
#include "engine/state.h"

/* Enter the record's bytes into the ledger. */
static enum hf_err enter(struct hf_engine *engine, const struct hf_record_header *header,
                         const void *record, const char **why)
{
    struct hf_ledger *ledger = &engine->ledger;

    if (ledger->first_lsn > ledger->last_lsn) {
        hf_ledger_start(ledger, header->lsn);
    }
    if (header->lsn != ledger->last_lsn + 1) {
        *why = "the LSN is not the next one";
        return HF_CORRUPT;
    }
    if (header->order.bytes_count > 0 &&
        hf_orders_make_room(&engine->orders, header->order) != HF_OK) {
        *why = "more orders than the limits allow";
        return HF_LIMIT_EXCEEDED;
    }
    if (ledger->pinned_lsn < ledger->last_lsn) {
        hf_ledger_pin(ledger, ledger->last_lsn); /* what is replayed is durable */
    }
    unsigned char *room = hf_engine_room(engine, header->record_bytes);
    HF_ASSERT(room != NULL);
    memcpy(room, record, header->record_bytes);
    hf_ledger_enter(engine, header);
    if (ledger->pinned_lsn < header->lsn) {
        hf_ledger_pin(ledger, header->lsn);
    }
    return HF_OK;
}

/* Look up the cell of a move, so that room is asked for only when there is none yet. */
static void find_cell(const struct hf_engine *engine, struct hf_effect *effect)
{
    if (effect->tag == HF_EFFECT_MOVE) {
        effect->move.cell = hf_cells_find(&engine->cells, effect->move.sku, effect->move.location);
    }
}

/* ------------------------------------------------------------------ what effects may say */

/*
 * The rules that wrote the log are not asked again, but what they always keep must be kept:
 * else a later operation would stumble over it. So the moves of a reservation are judged by the
 * states before and after, and when they end, its lines by its state.
 */
struct story {
    uint32_t reservation; /* index + 1; 0: moves are of no reservation */
    enum hf_state before; /* HF_STATE_NONE: it is being opened */
    enum hf_state after;
    uint32_t next_line;   /* confirm: where the next line to move is searched from */
    uint32_t lines_count; /* opened so far */
    uint32_t effects_count;
};

static bool may_become(enum hf_state before, enum hf_state after)
{
    switch (after) {
    case HF_STATE_HELD:
    case HF_STATE_EXPIRED:
        return before == HF_STATE_HELD;
    case HF_STATE_FULFILLED:
        return before == HF_STATE_CONFIRMED;
    case HF_STATE_CONFIRMED:
    case HF_STATE_RELEASED:
    case HF_STATE_SUPERSEDED:
        return true;
    case HF_STATE_NONE:
        break;
    }
    return false;
}

/* A confirm moves every open line whole, in the order of the lines. */
static bool is_confirming_move(const struct hf_engine *engine, struct story *story,
                               const struct hf_effect_move *move)
{
    uint32_t at = story->next_line;
    while (at != HF_NONE && hf_line_open_units(hf_line_at(&engine->reservations, at)) == 0) {
        at = hf_line_at(&engine->reservations, at)->next;
    }
    if (at == HF_NONE) {
        return false;
    }
    const struct hf_line *line = hf_line_at(&engine->reservations, at);
    story->next_line = line->next;
    return line->cell == move->cell && move->delta[HF_COMMITTED] == hf_line_open_units(line) &&
           move->delta[HF_HELD] == -move->delta[HF_COMMITTED] && move->delta[HF_ON_HAND] == 0;
}

/* A line more: with units, and the only one of its cell. */
static bool is_opening_move(const struct hf_engine *engine, struct story *story, uint64_t lsn,
                            const struct hf_effect_move *move)
{
    const enum hf_counter counter = story->after == HF_STATE_HELD ? HF_HELD : HF_COMMITTED;
    const enum hf_counter other = story->after == HF_STATE_HELD ? HF_COMMITTED : HF_HELD;

    if (move->delta[counter] <= 0 || move->delta[other] != 0 || move->delta[HF_ON_HAND] != 0 ||
        story->lines_count == HF_LINES_MAX || move->cell == HF_NONE) {
        return false;
    }
    story->lines_count++;
    /* Only a cell that this record has changed before may have a line of it already. */
    return hf_cell_at(&engine->cells, move->cell)->version != lsn ||
           hf_line_find(&engine->reservations, story->reservation - 1, move->cell) == HF_NONE;
}

static bool is_move_sound(const struct hf_engine *engine, struct story *story, uint64_t lsn,
                          const struct hf_effect_move *move)
{
    if (move->delta[HF_IN_TRANSIT] != 0) {
        return false;
    }
    if (story->reservation == 0) {
        return move->delta[HF_ON_HAND] != 0 && move->delta[HF_HELD] == 0 &&
               move->delta[HF_COMMITTED] == 0;
    }
    if (story->before == HF_STATE_NONE) {
        return is_opening_move(engine, story, lsn, move);
    }
    if (story->before != story->after && story->after == HF_STATE_CONFIRMED) {
        return is_confirming_move(engine, story, move);
    }
    const enum hf_counter counter = story->before == HF_STATE_HELD ? HF_HELD : HF_COMMITTED;
    const enum hf_counter other = story->before == HF_STATE_HELD ? HF_COMMITTED : HF_HELD;
    const bool may_fulfil =
        story->before == HF_STATE_CONFIRMED &&
        (story->after == HF_STATE_CONFIRMED || story->after == HF_STATE_FULFILLED);
    return move->delta[counter] < 0 && move->delta[other] == 0 &&
           (move->delta[HF_ON_HAND] == 0 || may_fulfil);
}

/* The moves of a reservation have ended. */
static bool is_story_sound(const struct hf_engine *engine, const struct story *story)
{
    bool has_open = false;
    bool has_fulfilled = false;

    if (story->reservation == 0) {
        return true;
    }
    if (story->before == HF_STATE_NONE) {
        return story->lines_count > 0;
    }
    for (uint32_t at = hf_reservation_at(&engine->reservations, story->reservation - 1)->first_line;
         at != HF_NONE; at = hf_line_at(&engine->reservations, at)->next) {
        const struct hf_line *line = hf_line_at(&engine->reservations, at);
        has_open = has_open || hf_line_open_units(line) > 0;
        has_fulfilled = has_fulfilled || line->fulfilled > 0;
    }
    if (story->before != story->after && story->after == HF_STATE_CONFIRMED) {
        for (uint32_t at = story->next_line; at != HF_NONE;
             at = hf_line_at(&engine->reservations, at)->next) {
            if (hf_line_open_units(hf_line_at(&engine->reservations, at)) > 0) {
                return false;
            }
        }
    }
    return has_open == hf_state_is_open(story->after) &&
           (hf_state_is_open(story->after) ||
            has_fulfilled == (story->after == HF_STATE_FULFILLED));
}

/* Before the effect is applied. */
static enum hf_err check_effect(const struct hf_engine *engine, struct story *story,
                                const struct hf_record_header *header,
                                const struct hf_effect *effect, const char **why)
{
    const bool is_reservation = effect->tag == HF_EFFECT_OPEN || effect->tag == HF_EFFECT_STATE;

    if (effect->tag == HF_EFFECT_MOVE &&
        !is_move_sound(engine, story, header->lsn, &effect->move)) {
        *why = "a move that its reservation's state does not allow";
        return HF_CORRUPT;
    }
    if (is_reservation && !is_story_sound(engine, story)) {
        *why = "the lines of a reservation do not fit its state";
        return HF_CORRUPT;
    }
    if (is_reservation && effect->reservation.state == HF_STATE_CONFIRMED &&
        effect->reservation.life_us != 0) {
        *why = "a confirmed reservation with a deadline";
        return HF_CORRUPT;
    }
    if (effect->tag == HF_EFFECT_STATE && !hf_state_is_open(effect->reservation.state) &&
        hf_names_count(&engine->names) == engine->names.queue_max) {
        *why = "more references than the limits allow";
        return HF_LIMIT_EXCEEDED;
    }
    return HF_OK;
}

/* After the effect was applied. */
static enum hf_err note_effect(const struct hf_engine *engine, struct story *story,
                               const struct hf_effect *effect, const char **why)
{
    story->effects_count++;
    if (effect->tag != HF_EFFECT_OPEN && effect->tag != HF_EFFECT_STATE) {
        return HF_OK;
    }
    const bool is_opening = effect->tag == HF_EFFECT_OPEN;
    story->reservation = effect->reservation.index + 1;
    story->before = is_opening ? HF_STATE_NONE : effect->reservation.state_before;
    story->after = effect->reservation.state;
    story->next_line =
        hf_reservation_at(&engine->reservations, effect->reservation.index)->first_line;
    story->lines_count = 0;
    if (!is_opening && !may_become(story->before, story->after)) {
        *why = "a reservation changes to a state that it cannot reach";
        return HF_CORRUPT;
    }
    return HF_OK;
}

/* ------------------------------------------------------------------ records */

static enum hf_err apply_effects(struct hf_engine *engine, struct hf_record_reader *reader,
                                 const struct hf_record_header *header, const char **why)
{
    struct hf_effect_context context = {.header = header};
    struct story story = {0};

    for (;;) {
        struct hf_effect effect;
        bool is_end;
        if (hf_record_next(reader, header->lsn, &effect, &is_end) != HF_OK) {
            *why = "an effect cannot be read";
            return HF_CORRUPT;
        }
        if (is_end && (story.effects_count == 0 || !is_story_sound(engine, &story))) {
            *why = story.effects_count == 0 ? "a record that changes nothing"
                                            : "the lines of a reservation do not fit its state";
            return HF_CORRUPT;
        }
        if (is_end) {
            return HF_OK;
        }
        find_cell(engine, &effect);
        enum hf_err err = check_effect(engine, &story, header, &effect, why);
        if (err != HF_OK) {
            return err;
        }
        const bool is_line_added = context.is_opening && effect.tag == HF_EFFECT_MOVE;
        if (hf_effects_make_room(engine, header, &effect, 1) != HF_OK ||
            (is_line_added && hf_pool_room(&engine->reservations.lines) == 0)) {
            *why = "the configured limits are too small for the log";
            return HF_LIMIT_EXCEEDED;
        }
        err = hf_effect_apply(engine, &context, &effect, true, why);
        err = err != HF_OK ? err : note_effect(engine, &story, &effect, why);
        if (err != HF_OK) {
            return err;
        }
    }
}

/* A record from before the snapshot: it is only looked at later, so it must be readable. */
static enum hf_err check_history(const struct hf_engine *engine, struct hf_record_reader *reader,
                                 const struct hf_record_header *header, const char **why)
{
    const uint32_t skus_count = hf_catalog_count(&engine->catalog, HF_CODE_SKU);
    const uint32_t locations_count = hf_catalog_count(&engine->catalog, HF_CODE_LOCATION);

    for (bool is_end = false; !is_end;) {
        struct hf_effect effect;
        if (hf_record_next(reader, header->lsn, &effect, &is_end) != HF_OK) {
            *why = "an effect cannot be read";
            return HF_CORRUPT;
        }
        const bool is_move = !is_end && effect.tag == HF_EFFECT_MOVE;
        const bool is_policy = !is_end && effect.tag == HF_EFFECT_POLICY;
        if ((is_move &&
             (effect.move.sku >= skus_count || effect.move.location >= locations_count)) ||
            (is_policy &&
             (effect.policy.sku >= skus_count || effect.policy.location >= locations_count))) {
            *why = "a move of a cell that cannot exist";
            return HF_CORRUPT;
        }
    }
    return HF_OK;
}

static enum hf_err remember(struct hf_engine *engine, const struct hf_record_header *header,
                            const char **why)
{
    if (header->ref.bytes_count > 0) {
        const uint64_t hash = hf_name_hash(header->ref);
        if (hf_names_find(&engine->names, &engine->reservations, header->ref, hash) != HF_NONE) {
            *why = "a reference is used twice";
            return HF_CORRUPT;
        }
        if (hf_pool_room(&engine->names.refs) == 0 ||
            hf_names_count(&engine->names) == engine->names.queue_max) {
            *why = "more references than the limits allow";
            return HF_LIMIT_EXCEEDED;
        }
        (void)hf_names_remember(engine, header);
    }
    if (header->retired_count > hf_names_count(&engine->names)) {
        *why = "more names are forgotten than there are";
        return HF_CORRUPT;
    }
    hf_names_forget(engine, header->retired_count);
    return HF_OK;
}

enum hf_err hf_engine_replay(struct hf_engine *engine, const void *record, size_t bytes_count,
                             const char **why)
{
    struct hf_record_reader reader;
    struct hf_record_header header;

    *why = "not a record";
    if (hf_record_open(&reader, &header, record, bytes_count) != HF_OK ||
        header.record_bytes != bytes_count) {
        return HF_CORRUPT;
    }
    if (header.lsn > engine->last_lsn) {
        if (header.lsn != engine->last_lsn + 1) {
            *why = "the LSN is not the next one";
            return HF_CORRUPT;
        }
        if (header.ts_us < engine->last_ts_us) {
            *why = "the time goes back";
            return HF_CORRUPT;
        }
        enum hf_err err = apply_effects(engine, &reader, &header, why);
        err = err != HF_OK ? err : remember(engine, &header, why);
        if (err != HF_OK) {
            return err;
        }
        engine->last_lsn = header.lsn;
        engine->last_ts_us = header.ts_us;
    } else if (check_history(engine, &reader, &header, why) != HF_OK) {
        return HF_CORRUPT;
    }
    return enter(engine, &header, record, why);
}
