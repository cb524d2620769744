#include "engine/story.h"

#include "engine/image.h"

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
    default:
        break;
    }
    return false;
}

static bool may_shipment_become(const struct hf_shipment *shipment, enum hf_state before,
                                enum hf_state after)
{
    switch (after) {
    case HF_STATE_DRAFT:
        return before == HF_STATE_DRAFT && shipment->kind == HF_TRANSFER;
    case HF_STATE_IN_TRANSIT:
    case HF_STATE_CANCELLED:
        return true;
    case HF_STATE_RECEIVED:
        return before == HF_STATE_IN_TRANSIT;
    case HF_STATE_CLOSED:
        return before == HF_STATE_IN_TRANSIT && shipment->kind == HF_TRANSFER;
    default:
        return false;
    }
}

/* A confirm moves every open line whole, in the order of the lines. */
static bool is_confirming_move(struct hf_story *story, const struct hf_effect_move *move)
{
    uint32_t at = story->next_line;
    while (at != HF_NONE && hf_line_open_units(hf_line_at(&story->engine->reservations, at)) == 0) {
        at = hf_line_at(&story->engine->reservations, at)->next;
    }
    if (at == HF_NONE) {
        return false;
    }
    const struct hf_line *line = hf_line_at(&story->engine->reservations, at);
    story->next_line = line->next;
    return line->cell == move->cell && move->delta[HF_COMMITTED] == hf_line_open_units(line) &&
           move->delta[HF_HELD] == -move->delta[HF_COMMITTED] && move->delta[HF_ON_HAND] == 0;
}

/* A line more: with units, and the only one of its cell. */
static bool is_opening_move(struct hf_story *story, const struct hf_effect_move *move)
{
    const enum hf_counter counter = story->after == HF_STATE_HELD ? HF_HELD : HF_COMMITTED;
    const enum hf_counter other = story->after == HF_STATE_HELD ? HF_COMMITTED : HF_HELD;

    if (move->delta[counter] <= 0 || move->delta[other] != 0 || move->delta[HF_ON_HAND] != 0 ||
        story->lines_count == HF_LINES_MAX || move->cell == HF_NONE) {
        return false;
    }
    story->lines_count++;
    /* Only a cell that this record has changed before may have a line of it already. */
    return hf_cell_at(&story->engine->cells, move->cell)->version != story->lsn ||
           hf_line_find(&story->engine->reservations, story->reservation - 1, move->cell) ==
               HF_NONE;
}

static bool is_set_aside(const struct hf_effect_move *move)
{
    return move->delta[HF_DAMAGED] != 0 || move->delta[HF_QUARANTINED] != 0;
}

/* A move of a shipment says what the line before it has said, or part of it. */
static bool is_shipping_move(struct hf_story *story, const struct hf_effect_move *move)
{
    const struct hf_shipment *shipment =
        hf_shipment_at(&story->engine->shipments, story->shipment - 1);

    if (move->sku != story->sku || story->lines_count == 0 || move->delta[HF_HELD] != 0 ||
        move->delta[HF_COMMITTED] != 0 || move->delta[HF_QUARANTINED] != 0) {
        return false;
    }
    if (move->location != shipment->to) {
        story->from_on_hand -= move->delta[HF_ON_HAND];
        return move->location == shipment->from && story->from_on_hand == 0 &&
               move->delta[HF_IN_TRANSIT] == 0 && move->delta[HF_DAMAGED] == 0;
    }
    story->to_in_transit -= move->delta[HF_IN_TRANSIT];
    story->to_on_hand -= move->delta[HF_ON_HAND];
    story->to_damaged -= move->delta[HF_DAMAGED];
    return story->to_in_transit == 0 && story->to_on_hand == 0 && story->to_damaged == 0;
}

static bool is_move_sound(struct hf_story *story, const struct hf_effect_move *move)
{
    if (story->shipment != 0) {
        return is_shipping_move(story, move);
    }
    if (move->delta[HF_IN_TRANSIT] != 0) {
        return false;
    }
    if (story->reservation == 0) {
        return (move->delta[HF_ON_HAND] != 0 || is_set_aside(move)) && move->delta[HF_HELD] == 0 &&
               move->delta[HF_COMMITTED] == 0;
    }
    if (is_set_aside(move)) {
        return false;
    }
    if (story->before == HF_STATE_NONE) {
        return is_opening_move(story, move);
    }
    if (story->before != story->after && story->after == HF_STATE_CONFIRMED) {
        return is_confirming_move(story, move);
    }
    const enum hf_counter counter = story->before == HF_STATE_HELD ? HF_HELD : HF_COMMITTED;
    const enum hf_counter other = story->before == HF_STATE_HELD ? HF_COMMITTED : HF_HELD;
    const bool may_fulfil =
        story->before == HF_STATE_CONFIRMED &&
        (story->after == HF_STATE_CONFIRMED || story->after == HF_STATE_FULFILLED);
    return move->delta[counter] < 0 && move->delta[other] == 0 &&
           (move->delta[HF_ON_HAND] == 0 || may_fulfil);
}

/* ------------------------------------------------------------------ ends */

/* The moves of a reservation have ended. */
static bool is_reservation_sound(const struct hf_story *story)
{
    bool has_open = false;
    bool has_fulfilled = false;

    if (story->before == HF_STATE_NONE) {
        return story->lines_count > 0;
    }
    for (uint32_t at =
             hf_reservation_at(&story->engine->reservations, story->reservation - 1)->first_line;
         at != HF_NONE; at = hf_line_at(&story->engine->reservations, at)->next) {
        const struct hf_line *line = hf_line_at(&story->engine->reservations, at);
        has_open = has_open || hf_line_open_units(line) > 0;
        has_fulfilled = has_fulfilled || line->fulfilled > 0;
    }
    if (story->before != story->after && story->after == HF_STATE_CONFIRMED) {
        for (uint32_t at = story->next_line; at != HF_NONE;
             at = hf_line_at(&story->engine->reservations, at)->next) {
            if (hf_line_open_units(hf_line_at(&story->engine->reservations, at)) > 0) {
                return false;
            }
        }
    }
    return has_open == hf_state_is_open(story->after) &&
           (hf_state_is_open(story->after) ||
            has_fulfilled == (story->after == HF_STATE_FULFILLED));
}

static bool is_line_told(const struct hf_story *story)
{
    return story->to_in_transit == 0 && story->to_on_hand == 0 && story->to_damaged == 0 &&
           story->from_on_hand == 0;
}

static bool is_shipment_sound(const struct hf_story *story)
{
    const struct hf_shipment *shipment =
        hf_shipment_at(&story->engine->shipments, story->shipment - 1);
    int64_t unshipped = 0;
    int64_t under_way = 0;

    for (uint32_t at = shipment->first_line; at != HF_NONE;) {
        const struct hf_shipment_line *line = hf_shipment_line_at(&story->engine->shipments, at);
        unshipped += line->figures[HF_LINE_UNSHIPPED];
        under_way += line->figures[HF_LINE_UNDER_WAY];
        at = line->next;
    }
    return is_line_told(story) && story->lines_count > 0 &&
           (unshipped + under_way > 0) == hf_shipment_is_open(shipment) &&
           (under_way == 0 || story->after != HF_STATE_DRAFT);
}

/* What the record has said of one reservation or shipment has ended. */
static bool is_chapter_sound(const struct hf_story *story)
{
    return story->reservation != 0 ? is_reservation_sound(story)
           : story->shipment != 0  ? is_shipment_sound(story)
                                   : true;
}

static const char *misfit(const struct hf_story *story)
{
    return story->shipment != 0 ? "the lines of a shipment do not fit its state"
                                : "the lines of a reservation do not fit its state";
}

/* ------------------------------------------------------------------ lines of a shipment */

/* No other line of the shipment that is being opened names the SKU; from now on one does. */
static bool is_sku_new(struct hf_story *story, uint32_t sku)
{
    struct hf_map *map = &story->engine->work.map;
    struct hf_map_slot *slot = hf_map_find(map, sku);

    if (slot->stamp == map->stamp) {
        return false;
    }
    *slot = (struct hf_map_slot){.key = sku, .stamp = map->stamp};
    return true;
}

/* The figures of a line keep their sum: units are where they went (shipment.h). */
static bool is_line_sound(struct hf_story *story, const struct hf_effect_line *line)
{
    int64_t sum = -line->units;

    if (story->shipment == 0 || !is_line_told(story) ||
        (line->units > 0) != (story->before == HF_STATE_NONE) ||
        story->lines_count == HF_LINES_MAX) {
        return false;
    }
    for (unsigned i = 0; i < HF_LINE_FIGURES; i++) {
        sum += line->delta[i];
    }
    const struct hf_shipment *shipment =
        hf_shipment_at(&story->engine->shipments, story->shipment - 1);
    if (line->units > 0) {
        const enum hf_line_figure whole =
            story->after == HF_STATE_DRAFT ? HF_LINE_UNSHIPPED : HF_LINE_UNDER_WAY;
        return sum == 0 && line->delta[whole] == line->units && is_sku_new(story, line->sku);
    }
    return shipment->kind == HF_INBOUND ? sum >= 0 && line->delta[HF_LINE_UNSHIPPED] == 0
                                        : sum == 0;
}

/* What the moves of the line must say; and are its figures, now, what such a line may have? */
static bool note_line(struct hf_story *story, const struct hf_effect_line *line)
{
    const struct hf_shipment *shipment =
        hf_shipment_at(&story->engine->shipments, story->shipment - 1);
    const struct hf_shipment_line *now = hf_shipment_line_at(&story->engine->shipments, line->line);
    struct hf_image_shipment_line figures = {.sku = now->sku, .units = now->units};

    story->lines_count++;
    story->sku = line->sku;
    story->to_in_transit = line->delta[HF_LINE_UNDER_WAY];
    story->to_on_hand = line->delta[HF_LINE_RECEIVED];
    story->to_damaged = line->delta[HF_LINE_DAMAGED];
    story->from_on_hand = line->units > 0
                              ? -line->delta[HF_LINE_UNDER_WAY]
                              : line->delta[HF_LINE_UNSHIPPED] + line->delta[HF_LINE_CANCELLED];
    if (shipment->kind == HF_INBOUND) {
        story->from_on_hand = 0;
    }
    /* Whether a final state leaves nothing open is judged when all lines have been told. */
    memcpy(figures.figures, now->figures, sizeof figures.figures);
    return hf_image_is_line_sound(&figures, (enum hf_shipment_kind)shipment->kind,
                                  story->after == HF_STATE_DRAFT ? HF_STATE_DRAFT
                                                                 : HF_STATE_IN_TRANSIT);
}

/* ------------------------------------------------------------------ effect by effect */

static bool begins_chapter(const struct hf_effect *effect)
{
    return effect->tag == HF_EFFECT_OPEN || effect->tag == HF_EFFECT_STATE ||
           effect->tag == HF_EFFECT_SHIPMENT_OPEN || effect->tag == HF_EFFECT_SHIPMENT_STATE;
}

static bool closes_name(const struct hf_effect *effect)
{
    return (effect->tag == HF_EFFECT_STATE && !hf_state_is_open(effect->reservation.state)) ||
           (effect->tag == HF_EFFECT_SHIPMENT_STATE &&
            effect->shipment.state > HF_STATE_IN_TRANSIT);
}

enum hf_err hf_story_check(struct hf_story *story, const struct hf_effect *effect, const char **why)
{
    const bool is_reservation = effect->tag == HF_EFFECT_OPEN || effect->tag == HF_EFFECT_STATE;

    if (effect->tag == HF_EFFECT_MOVE && !is_move_sound(story, &effect->move)) {
        *why = story->shipment != 0 ? "a move that its shipment's line does not say"
                                    : "a move that its reservation's state does not allow";
        return HF_CORRUPT;
    }
    if (effect->tag == HF_EFFECT_LINE && !is_line_sound(story, &effect->line)) {
        *why = "a line that its shipment does not allow";
        return HF_CORRUPT;
    }
    if (begins_chapter(effect) && !is_chapter_sound(story)) {
        *why = misfit(story);
        return HF_CORRUPT;
    }
    if (is_reservation && effect->reservation.state == HF_STATE_CONFIRMED &&
        effect->reservation.life_us != 0) {
        *why = "a confirmed reservation with a deadline";
        return HF_CORRUPT;
    }
    if (closes_name(effect) &&
        hf_names_count(&story->engine->names) == story->engine->names.queue_max) {
        *why = "more references than the limits allow";
        return HF_LIMIT_EXCEEDED;
    }
    return HF_OK;
}

static void begin_chapter(struct hf_story *story, bool is_opening, enum hf_state before,
                          enum hf_state after)
{
    story->reservation = story->shipment = 0;
    story->before = is_opening ? HF_STATE_NONE : before;
    story->after = after;
    story->lines_count = 0;
    story->to_in_transit = story->to_on_hand = story->to_damaged = story->from_on_hand = 0;
}

static enum hf_err note_shipment(struct hf_story *story, const struct hf_effect *effect,
                                 const char **why)
{
    const struct hf_effect_shipment *told = &effect->shipment;
    const bool is_opening = effect->tag == HF_EFFECT_SHIPMENT_OPEN;
    const struct hf_shipment *shipment = hf_shipment_at(&story->engine->shipments, told->index);

    begin_chapter(story, is_opening, told->state_before, told->state);
    story->shipment = told->index + 1;
    hf_map_clear(&story->engine->work.map);
    if (is_opening ? told->kind == HF_INBOUND && told->state != HF_STATE_IN_TRANSIT
                   : !may_shipment_become(shipment, story->before, story->after)) {
        *why = "a shipment changes to a state that it cannot reach";
        return HF_CORRUPT;
    }
    return HF_OK;
}

enum hf_err hf_story_note(struct hf_story *story, const struct hf_effect *effect, const char **why)
{
    story->effects_count++;
    if (effect->tag == HF_EFFECT_LINE) {
        if (!note_line(story, &effect->line)) {
            *why = "a line that its shipment does not allow";
            return HF_CORRUPT;
        }
        return HF_OK;
    }
    if (effect->tag == HF_EFFECT_SHIPMENT_OPEN || effect->tag == HF_EFFECT_SHIPMENT_STATE) {
        return note_shipment(story, effect, why);
    }
    if (effect->tag != HF_EFFECT_OPEN && effect->tag != HF_EFFECT_STATE) {
        return HF_OK;
    }
    const bool is_opening = effect->tag == HF_EFFECT_OPEN;
    begin_chapter(story, is_opening, effect->reservation.state_before, effect->reservation.state);
    story->reservation = effect->reservation.index + 1;
    story->next_line =
        hf_reservation_at(&story->engine->reservations, effect->reservation.index)->first_line;
    if (!is_opening && !may_become(story->before, story->after)) {
        *why = "a reservation changes to a state that it cannot reach";
        return HF_CORRUPT;
    }
    return HF_OK;
}

enum hf_err hf_story_end(const struct hf_story *story, const char **why)
{
    if (story->effects_count == 0) {
        *why = "a record that changes nothing";
        return HF_CORRUPT;
    }
    if (!is_chapter_sound(story)) {
        *why = misfit(story);
        return HF_CORRUPT;
    }
    return HF_OK;
}
