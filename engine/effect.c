#include "engine/effect.h"

#include "engine/state.h"

enum hf_code_class hf_effect_class(enum hf_effect_tag tag)
{
    return tag == HF_EFFECT_SKU        ? HF_CODE_SKU
           : tag == HF_EFFECT_LOCATION ? HF_CODE_LOCATION
                                       : HF_CODE_REGION;
}

/* ------------------------------------------------------------------ apply */

static enum hf_err corrupt(const char **why, const char *text)
{
    *why = text;
    return HF_CORRUPT;
}

static unsigned item_of(enum hf_code_class class)
{
    return class == HF_CODE_SKU        ? HF_ITEM_SKU
           : class == HF_CODE_LOCATION ? HF_ITEM_LOCATION
                                       : HF_ITEM_REGION;
}

static enum hf_err apply_code(struct hf_engine *engine, const struct hf_effect *effect,
                              const char **why)
{
    const enum hf_code_class class = hf_effect_class(effect->tag);

    if (hf_catalog_find(&engine->catalog, class, effect->code.code) != HF_NONE) {
        return corrupt(why, "a code is created twice");
    }
    if (effect->code.handle != hf_catalog_count(&engine->catalog, class)) {
        return corrupt(why, "a code does not get the next handle");
    }
    hf_catalog_add(&engine->catalog, class, effect->code.code);
    hf_item_after(engine, item_of(class), effect->code.handle);
    return HF_OK;
}

static void set_place(struct hf_engine *engine, uint32_t handle, uint32_t region,
                      bool is_in_transit_sellable)
{
    struct hf_location *location = hf_location_at(&engine->catalog, handle);

    hf_item_before(engine, HF_ITEM_LOCATION, handle);
    location->region = region;
    location->is_in_transit_sellable = is_in_transit_sellable;
    hf_item_after(engine, HF_ITEM_LOCATION, handle);
}

static enum hf_err apply_place(struct hf_engine *engine, struct hf_effect_place *place,
                               const char **why)
{
    if (place->location >= hf_catalog_count(&engine->catalog, HF_CODE_LOCATION) ||
        (place->region != HF_NONE &&
         place->region >= hf_catalog_count(&engine->catalog, HF_CODE_REGION))) {
        return corrupt(why, "settings of a location that does not exist");
    }
    const struct hf_location *location = hf_location_at(&engine->catalog, place->location);
    place->region_before = location->region;
    place->was_in_transit_sellable = location->is_in_transit_sellable;
    set_place(engine, place->location, place->region, place->is_in_transit_sellable);
    return HF_OK;
}

/* The cell to change, made when there is none. HF_NONE: its SKU or location does not exist. */
static uint32_t find_or_add_cell(struct hf_engine *engine, uint32_t sku, uint32_t location,
                                 bool *is_new)
{
    *is_new = false;
    if (sku >= hf_catalog_count(&engine->catalog, HF_CODE_SKU) ||
        location >= hf_catalog_count(&engine->catalog, HF_CODE_LOCATION)) {
        return HF_NONE;
    }
    const uint32_t index = hf_cells_find(&engine->cells, sku, location);
    if (index != HF_NONE) {
        return index;
    }
    *is_new = true;
    const uint32_t added = hf_cells_add(&engine->cells, &engine->catalog, sku, location);
    hf_item_after(engine, HF_ITEM_CELL, added);
    return added;
}

static void remove_newest_cell(struct hf_engine *engine)
{
    hf_item_before(engine, HF_ITEM_CELL, hf_pool_live_count(&engine->cells.pool) - 1);
    hf_cells_remove_newest(&engine->cells, &engine->catalog);
}

/* Bring the cell's flags to what the record says. False: no cell is low without a threshold. */
static bool apply_marks(const struct hf_engine *engine, struct hf_cell *cell,
                        const struct hf_effect_tell *tell)
{
    const int64_t low_stock = hf_cell_policy(&engine->cells, cell).low_stock;

    if (tell->is_format_1) {
        const int64_t ats = hf_cell_ats(&engine->cells, &engine->catalog, cell);
        cell->is_out = ats <= 0;
        cell->is_low = low_stock != HF_LOW_STOCK_NONE && ats <= low_stock;
    } else if (tell->marks != 0) {
        cell->is_low = (tell->marks & HF_MARK_IS_LOW) != 0;
        cell->is_out = (tell->marks & HF_MARK_IS_OUT) != 0;
    }
    return cell->is_low == 0 || low_stock != HF_LOW_STOCK_NONE;
}

static enum hf_err apply_policy(struct hf_engine *engine, const struct hf_record_header *header,
                                struct hf_effect_policy *effect, bool is_replay, const char **why)
{
    const uint32_t index =
        find_or_add_cell(engine, effect->sku, effect->location, &effect->is_cell_new);
    if (index == HF_NONE) {
        return corrupt(why, "a policy for a cell that cannot exist");
    }
    struct hf_cell *cell = hf_cell_at(&engine->cells, index);
    if (is_replay && effect->version_before != cell->version) {
        return corrupt(why, "a policy does not follow the cell's version");
    }
    int64_t values[HF_COUNTERS_COUNT];
    hf_cell_values(&engine->cells, cell, values);
    if (is_replay && memcmp(effect->after, values, sizeof values) != 0) {
        return corrupt(why, "the values of a cell with a new policy do not come out");
    }
    memcpy(effect->after, values, sizeof values);
    effect->version_before = cell->version;
    effect->tell.was_low = cell->is_low;
    effect->tell.was_out = cell->is_out;
    struct hf_cell_extra extra = hf_cell_extra(&engine->cells, cell);
    effect->policy_before = extra.policy;
    extra.policy = effect->policy;
    hf_item_before(engine, HF_ITEM_CELL, index);
    hf_cell_set_extra(&engine->cells, cell, &extra);
    cell->version = header->lsn;
    if (effect->is_cell_new) {
        cell->since_us = header->ts_us;
    }
    const bool is_sound = !is_replay || apply_marks(engine, cell, &effect->tell);
    hf_item_after(engine, HF_ITEM_CELL, index);
    return is_sound ? HF_OK : corrupt(why, "marks that do not fit the cell's policy");
}

/* What the reservation or shipment before was changed by ends here: it is whole again. */
void hf_effects_end(struct hf_engine *engine, struct hf_effect_context *context)
{
    if (context->reservation != 0) {
        hf_item_after(engine, HF_ITEM_RESERVATION, context->reservation - 1);
        context->reservation = 0;
    }
    if (context->shipment != 0) {
        hf_item_after(engine, HF_ITEM_SHIPMENT, context->shipment - 1);
        context->shipment = 0;
    }
}

/* Live, the name was looked up before the rule ran (apply.c). */
static enum hf_err apply_open(struct hf_engine *engine, struct hf_effect_context *context,
                              struct hf_effect_reservation *effect, bool is_replay,
                              const char **why)
{
    const struct hf_record_header *header = context->header;
    const uint64_t hash = effect->hash;

    hf_effects_end(engine, context);
    if (is_replay && hf_names_find(&engine->names, effect->id, hash) != HF_NONE) {
        return corrupt(why, "a reservation is opened under a name that is taken");
    }
    if (!hf_state_is_open(effect->state)) {
        return corrupt(why, "a reservation is opened in a final state");
    }
    effect->index = hf_reservations_add(&engine->reservations, effect->id);
    struct hf_reservation *reservation = hf_reservation_at(&engine->reservations, effect->index);
    reservation->state = (uint8_t)effect->state;
    reservation->life_us = effect->life_us & ((UINT64_C(1) << 48) - 1);
    reservation->opened_us = header->ts_us;
    reservation->opened_lsn = header->lsn;
    reservation->last_lsn = header->lsn;
    reservation->content_hash = header->content_hash;
    hf_table_add(&engine->names.table, hash, effect->index);
    if (header->order.bytes_count > 0) {
        reservation->order_node =
            hf_order_node_add(&engine->orders, hf_orders_touch(&engine->orders, header->order),
                              effect->index, header->lsn);
    }
    if (effect->state == HF_STATE_CONFIRMED) {
        reservation->confirmed_lsn = header->lsn;
    }
    hf_reservation_watch(&engine->reservations, effect->index);
    engine->reservations.open_count++;
    context->reservation = effect->index + 1;
    context->last_line = HF_NONE;
    context->is_opening = true;
    return HF_OK;
}

/* Change state and deadline together with the rings and the wheel, which depend on them. */
static void set_state(struct hf_engine *engine, uint32_t index, enum hf_state state,
                      uint64_t life_us)
{
    struct hf_reservations *reservations = &engine->reservations;
    struct hf_reservation *reservation = hf_reservation_at(reservations, index);
    const bool is_rehung = life_us != reservation->life_us;

    hf_reservation_unwatch(reservations, index);
    if (is_rehung) {
        hf_reservation_unhang_all(reservations, &engine->cells, index);
    }
    reservation->state = (uint8_t)state;
    reservation->life_us = life_us & ((UINT64_C(1) << 48) - 1);
    if (is_rehung) {
        hf_reservation_hang_all(reservations, &engine->cells, index);
    }
    hf_reservation_watch(reservations, index);
}

static enum hf_err apply_state(struct hf_engine *engine, struct hf_effect_context *context,
                               struct hf_effect_reservation *effect, const char **why)
{
    hf_effects_end(engine, context);
    if (effect->index == HF_NONE) {
        effect->index = hf_names_find(&engine->names, effect->id, effect->hash);
        if (effect->index == HF_NONE || hf_name_kind(effect->index) != HF_NAME_RESERVATION) {
            return corrupt(why, "a change of a reservation that does not exist");
        }
    }
    struct hf_reservation *reservation = hf_reservation_at(&engine->reservations, effect->index);
    if (!hf_state_is_open((enum hf_state)reservation->state)) {
        return corrupt(why, "a change of a reservation that is closed");
    }
    effect->state_before = (enum hf_state)reservation->state;
    effect->life_us_before = reservation->life_us;
    effect->lsn_before = reservation->last_lsn;
    const bool was_confirmed = effect->state_before == HF_STATE_CONFIRMED;
    effect->confirmed_lsn_before = was_confirmed ? reservation->confirmed_lsn : 0;
    hf_item_before(engine, HF_ITEM_RESERVATION, effect->index);
    set_state(engine, effect->index, effect->state, effect->life_us);
    reservation->last_lsn = context->header->lsn;
    if (effect->state == HF_STATE_CONFIRMED && !was_confirmed) {
        reservation->confirmed_lsn = context->header->lsn;
    }
    if (!hf_state_is_open(effect->state)) {
        engine->reservations.open_count--;
        reservation->name_position =
            hf_names_enqueue(&engine->names, effect->index, context->header->ts_us);
    }
    context->reservation = effect->index + 1;
    context->last_line = HF_NONE;
    context->is_opening = false;
    return HF_OK;
}

/* What a move does to the reservation's line (effect.h). */
static void line_change(const struct hf_effect_move *move, int64_t *fulfilled, int64_t *released)
{
    *fulfilled = -move->delta[HF_ON_HAND];
    *released = -(move->delta[HF_HELD] + move->delta[HF_COMMITTED]) + move->delta[HF_ON_HAND];
}

/* The reservation's line at a cell. Moves come in the order of the lines, as a rule: the one behind
 * the last found is looked at first, so that a long reservation is not searched for each. */
static uint32_t find_line(const struct hf_reservations *reservations,
                          const struct hf_effect_context *context, uint32_t cell)
{
    const uint32_t reservation = context->reservation - 1;
    const uint32_t next = context->last_line == HF_NONE
                              ? hf_reservation_at(reservations, reservation)->first_line
                              : hf_line_at(reservations, context->last_line)->next;

    return next != HF_NONE && hf_line_at(reservations, next)->cell == cell
               ? next
               : hf_line_find(reservations, reservation, cell);
}

static enum hf_err apply_move_to_line(struct hf_engine *engine, struct hf_effect_context *context,
                                      struct hf_effect_move *move, const char **why)
{
    struct hf_reservations *reservations = &engine->reservations;
    const uint32_t reservation = context->reservation - 1;

    if (context->is_opening) {
        const int64_t units = move->delta[HF_HELD] + move->delta[HF_COMMITTED];
        if (units <= 0 || units > HF_UNITS_MAX) {
            return corrupt(why, "a reservation line without units");
        }
        context->last_line = hf_line_add(reservations, &engine->cells, reservation,
                                         context->last_line, move->cell, units);
        return HF_OK;
    }
    if (move->line == HF_NONE) {
        move->line = find_line(reservations, context, move->cell);
        if (move->line == HF_NONE) {
            return corrupt(why, "a move of a reservation that has no such line");
        }
        context->last_line = move->line;
    }
    struct hf_line *line = hf_line_at(reservations, move->line);
    int64_t fulfilled;
    int64_t released;
    line_change(move, &fulfilled, &released);
    const int64_t open_units = hf_line_open_units(line);
    if (fulfilled < 0 || released < 0 || fulfilled + released > open_units) {
        return corrupt(why, "a move takes more than is left of a reservation");
    }
    if (open_units > 0 && fulfilled + released == open_units) {
        hf_line_unhang(reservations, &engine->cells, move->line);
    }
    line->fulfilled += fulfilled;
    line->released += released;
    return HF_OK;
}

static bool has_rare(const struct hf_effect_move *move)
{
    return move->delta[HF_IN_TRANSIT] != 0 || move->delta[HF_DAMAGED] != 0 ||
           move->delta[HF_QUARANTINED] != 0;
}

/* Change what stands beside the cell; `sign` -1 takes the move back. False: it does not add up. */
static bool change_rare(struct hf_engine *engine, struct hf_cell *cell,
                        const struct hf_effect_move *move, uint32_t shipment, int sign)
{
    struct hf_cell_extra extra = hf_cell_extra(&engine->cells, cell);
    const int64_t in_transit = sign * move->delta[HF_IN_TRANSIT];

    for (unsigned i = HF_COUNTERS_HOT; i < HF_COUNTERS_COUNT; i++) {
        extra.rare[i - HF_COUNTERS_HOT] += sign * move->delta[i];
    }
    if (in_transit != 0) {
        if (shipment == HF_NONE) {
            return false; /* nothing is on its way by itself */
        }
        const struct hf_shipment *owner = hf_shipment_at(&engine->shipments, shipment);
        if (owner->kind == HF_INBOUND) {
            *(owner->is_sellable ? &extra.inbound_sellable : &extra.inbound_kept) += in_transit;
        }
    }
    if (extra.inbound_sellable < 0 || extra.inbound_kept < 0 ||
        extra.inbound_sellable + extra.inbound_kept > extra.rare[HF_IN_TRANSIT - HF_COUNTERS_HOT]) {
        return false;
    }
    hf_cell_set_extra(&engine->cells, cell, &extra);
    return true;
}

static bool is_sale(const struct hf_record_header *header, const struct hf_effect_move *move)
{
    return (header->kind == HF_KIND_SELL || header->kind == HF_KIND_FULFIL) &&
           move->delta[HF_ON_HAND] < 0;
}

/* Whether the move follows the cell, and what the values after it are. */
static enum hf_err check_move(const struct hf_engine *engine, const struct hf_cell *cell,
                              struct hf_effect_move *move, bool is_replay, const char **why)
{
    int64_t values[HF_COUNTERS_COUNT];

    if (is_replay && move->version_before != cell->version) {
        return corrupt(why, "a move does not follow the cell's version");
    }
    hf_cell_values(&engine->cells, cell, values);
    for (unsigned i = 0; i < HF_COUNTERS_COUNT; i++) {
        const int64_t after = values[i] + move->delta[i];
        if (after < 0 || after > HF_UNITS_MAX) {
            return corrupt(why, "a counter leaves its range");
        }
        if (is_replay && after != move->after[i]) {
            return corrupt(why, "the values after a move do not come out");
        }
        move->after[i] = after;
    }
    return HF_OK;
}

static enum hf_err apply_move(struct hf_engine *engine, struct hf_effect_context *context,
                              struct hf_effect_move *move, bool is_replay, const char **why)
{
    const struct hf_record_header *header = context->header;

    move->is_cell_new = false;
    if (move->cell == HF_NONE) {
        move->cell = find_or_add_cell(engine, move->sku, move->location, &move->is_cell_new);
        if (move->cell == HF_NONE) {
            return corrupt(why, "a move of a cell that cannot exist");
        }
    }
    struct hf_cell *cell = hf_cell_at(&engine->cells, move->cell);
    const enum hf_err err = check_move(engine, cell, move, is_replay, why);
    if (err != HF_OK) {
        return err;
    }
    move->version_before = cell->version;
    move->since_us_before = cell->since_us;
    move->had_sold = cell->has_sold;
    move->tell.was_low = cell->is_low;
    move->tell.was_out = cell->is_out;
    hf_item_before(engine, HF_ITEM_CELL, move->cell);
    memcpy(cell->hot, move->after, sizeof cell->hot);
    if (has_rare(move) && !change_rare(engine, cell, move, context->shipment - 1, 1)) {
        return corrupt(why, "units in transit that no shipment accounts for");
    }
    cell->version = header->lsn;
    if (move->is_cell_new) {
        cell->since_us = header->ts_us;
    }
    if (is_sale(header, move)) {
        cell->since_us = header->ts_us;
        cell->has_sold = 1;
    }
    const bool is_sound = !is_replay || apply_marks(engine, cell, &move->tell);
    hf_item_after(engine, HF_ITEM_CELL, move->cell);
    if (!is_sound) {
        return corrupt(why, "marks that do not fit the cell's policy");
    }
    hf_cell_assert(&engine->cells, cell);
    return context->reservation == 0 ? HF_OK : apply_move_to_line(engine, context, move, why);
}

enum hf_err hf_effect_apply(struct hf_engine *engine, struct hf_effect_context *context,
                            struct hf_effect *effect, bool is_replay, const char **why)
{
    switch (effect->tag) {
    case HF_EFFECT_SKU:
    case HF_EFFECT_LOCATION:
    case HF_EFFECT_REGION:
        return apply_code(engine, effect, why);
    case HF_EFFECT_PLACE:
        return apply_place(engine, &effect->place, why);
    case HF_EFFECT_POLICY:
        return apply_policy(engine, context->header, &effect->policy, is_replay, why);
    case HF_EFFECT_OPEN:
        return apply_open(engine, context, &effect->reservation, is_replay, why);
    case HF_EFFECT_STATE:
        return apply_state(engine, context, &effect->reservation, why);
    case HF_EFFECT_MOVE:
        return apply_move(engine, context, &effect->move, is_replay, why);
    case HF_EFFECT_SHIPMENT_OPEN:
        return hf_effect_open_shipment(engine, context, &effect->shipment, why);
    case HF_EFFECT_SHIPMENT_STATE:
        return hf_effect_change_shipment(engine, context, &effect->shipment, why);
    case HF_EFFECT_LINE:
        return hf_effect_change_line(engine, context, &effect->line, why);
    case HF_EFFECT_SHORTAGE:
        return effect->shortage.sku < hf_catalog_count(&engine->catalog, HF_CODE_SKU) &&
                       effect->shortage.location <
                           hf_catalog_count(&engine->catalog, HF_CODE_LOCATION)
                   ? HF_OK
                   : corrupt(why, "a shortage of a cell that cannot exist");
    case HF_EFFECT_END:
        break;
    }
    HF_ASSERT(false && "the end of a record is not applied");
    return HF_CORRUPT;
}

/* ------------------------------------------------------------------ take back */

static void revert_open(struct hf_engine *engine, const struct hf_effect_reservation *effect)
{
    struct hf_reservation *reservation = hf_reservation_at(&engine->reservations, effect->index);

    hf_reservation_unwatch(&engine->reservations, effect->index);
    if (reservation->order_node != HF_NONE) {
        hf_order_node_remove(&engine->orders, reservation->order_node); /* see hf_group_revert */
        reservation->order_node = HF_NONE;
    }
    hf_table_remove(&engine->names.table, hf_name_hash(effect->id), effect->index);
    hf_reservations_remove(&engine->reservations, effect->index);
    engine->reservations.open_count--;
}

static void revert_state(struct hf_engine *engine, const struct hf_effect_reservation *effect)
{
    if (!hf_state_is_open(effect->state)) {
        hf_names_dequeue_newest(&engine->names);
        engine->reservations.open_count++;
    }
    set_state(engine, effect->index, effect->state_before, effect->life_us_before);
    struct hf_reservation *reservation = hf_reservation_at(&engine->reservations, effect->index);
    reservation->last_lsn = effect->lsn_before;
    if (effect->state_before == HF_STATE_CONFIRMED) {
        reservation->confirmed_lsn = effect->confirmed_lsn_before;
    }
}

static void revert_line(struct hf_engine *engine, const struct hf_effect_move *move,
                        uint32_t reservation, bool is_opening)
{
    if (is_opening) {
        hf_line_remove_last(&engine->reservations, &engine->cells, reservation);
    } else {
        struct hf_line *line = hf_line_at(&engine->reservations, move->line);
        int64_t fulfilled;
        int64_t released;
        line_change(move, &fulfilled, &released);
        const bool was_closed = hf_line_open_units(line) == 0;
        line->fulfilled -= fulfilled;
        line->released -= released;
        if (was_closed && hf_line_open_units(line) > 0) {
            hf_line_hang(&engine->reservations, &engine->cells, move->line);
        }
    }
}

/* `owner`: the OPEN, STATE or shipment effect that the move belongs to; NULL: none. */
static void revert_move(struct hf_engine *engine, const struct hf_effect_move *move,
                        const struct hf_effect *owner)
{
    struct hf_cell *cell = hf_cell_at(&engine->cells, move->cell);
    uint32_t shipment = HF_NONE;

    if (owner != NULL && (owner->tag == HF_EFFECT_OPEN || owner->tag == HF_EFFECT_STATE)) {
        revert_line(engine, move, owner->reservation.index, owner->tag == HF_EFFECT_OPEN);
    } else if (owner != NULL) {
        shipment = owner->shipment.index;
    }
    hf_item_before(engine, HF_ITEM_CELL, move->cell);
    for (unsigned i = 0; i < HF_COUNTERS_HOT; i++) {
        cell->hot[i] -= move->delta[i];
    }
    if (has_rare(move)) {
        const bool is_sound = change_rare(engine, cell, move, shipment, -1);
        HF_ASSERT(is_sound);
    }
    cell->version = move->version_before;
    cell->since_us = move->since_us_before;
    cell->has_sold = move->had_sold;
    cell->is_low = move->tell.was_low;
    cell->is_out = move->tell.was_out;
    hf_item_after(engine, HF_ITEM_CELL, move->cell);
    hf_cell_assert(&engine->cells, cell);
    if (move->is_cell_new) {
        remove_newest_cell(engine);
    }
}

static void revert_policy(struct hf_engine *engine, const struct hf_effect_policy *effect)
{
    const uint32_t index = hf_cells_find(&engine->cells, effect->sku, effect->location);
    struct hf_cell *cell = hf_cell_at(&engine->cells, index);
    struct hf_cell_extra extra = hf_cell_extra(&engine->cells, cell);

    extra.policy = effect->policy_before;
    hf_item_before(engine, HF_ITEM_CELL, index);
    hf_cell_set_extra(&engine->cells, cell, &extra);
    cell->version = effect->version_before;
    cell->is_low = effect->tell.was_low;
    cell->is_out = effect->tell.was_out;
    hf_item_after(engine, HF_ITEM_CELL, index);
    if (effect->is_cell_new) {
        remove_newest_cell(engine);
    }
}

/* The effect that says what the moves before `at` are of; NULL: none. */
static const struct hf_effect *owner_of(const struct hf_effect *effects, uint32_t at)
{
    while (at > 0) {
        at--;
        if (effects[at].tag == HF_EFFECT_OPEN || effects[at].tag == HF_EFFECT_STATE ||
            effects[at].tag == HF_EFFECT_SHIPMENT_OPEN ||
            effects[at].tag == HF_EFFECT_SHIPMENT_STATE) {
            return &effects[at];
        }
    }
    return NULL;
}

/* The effect whose moves come next, looking back: its reservation or shipment is whole until then,
 * and again when the effect itself is taken back. One pair, however many lines it has. */
static const struct hf_effect *begin_owner(struct hf_engine *engine,
                                           const struct hf_effect *effects, uint32_t at)
{
    const struct hf_effect *owner = owner_of(effects, at);

    if (owner != NULL && (owner->tag == HF_EFFECT_OPEN || owner->tag == HF_EFFECT_STATE)) {
        hf_item_before(engine, HF_ITEM_RESERVATION, owner->reservation.index);
    } else if (owner != NULL) {
        hf_item_before(engine, HF_ITEM_SHIPMENT, owner->shipment.index);
    }
    return owner;
}

void hf_effects_revert(struct hf_engine *engine, const struct hf_effect *effects, uint32_t count)
{
    const struct hf_effect *owner = begin_owner(engine, effects, count);

    for (uint32_t i = count; i-- > 0;) {
        const struct hf_effect *effect = &effects[i];
        switch (effect->tag) {
        case HF_EFFECT_SKU:
        case HF_EFFECT_LOCATION:
        case HF_EFFECT_REGION:
            hf_item_before(engine, item_of(hf_effect_class(effect->tag)), effect->code.handle);
            hf_catalog_remove_newest(&engine->catalog, hf_effect_class(effect->tag));
            break;
        case HF_EFFECT_PLACE:
            set_place(engine, effect->place.location, effect->place.region_before,
                      effect->place.was_in_transit_sellable);
            break;
        case HF_EFFECT_POLICY:
            revert_policy(engine, &effect->policy);
            break;
        case HF_EFFECT_OPEN:
            revert_open(engine, &effect->reservation);
            owner = begin_owner(engine, effects, i);
            break;
        case HF_EFFECT_STATE:
            revert_state(engine, &effect->reservation);
            hf_item_after(engine, HF_ITEM_RESERVATION, effect->reservation.index);
            owner = begin_owner(engine, effects, i);
            break;
        case HF_EFFECT_MOVE:
            revert_move(engine, &effect->move, owner);
            break;
        case HF_EFFECT_SHIPMENT_OPEN:
            hf_effect_revert_open_shipment(engine, &effect->shipment);
            owner = begin_owner(engine, effects, i);
            break;
        case HF_EFFECT_SHIPMENT_STATE:
            hf_effect_revert_shipment(engine, &effect->shipment);
            hf_item_after(engine, HF_ITEM_SHIPMENT, effect->shipment.index);
            owner = begin_owner(engine, effects, i);
            break;
        case HF_EFFECT_LINE:
            hf_effect_revert_line(engine, &effect->line, owner);
            break;
        case HF_EFFECT_SHORTAGE:
            break;
        case HF_EFFECT_END:
            HF_ASSERT(false && "the end of a record is not an effect");
            break;
        }
    }
}
