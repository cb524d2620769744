/*
 * effect_shipment.c - the effects of transfers and inbound shipments, and their taking back.
 */
#include "engine/state.h"

static enum hf_err corrupt(const char **why, const char *text)
{
    *why = text;
    return HF_CORRUPT;
}

static uint64_t *open_count(struct hf_engine *engine, const struct hf_shipment *shipment)
{
    return shipment->kind == HF_TRANSFER ? &engine->shipments.open_transfers_count
                                         : &engine->shipments.open_inbound_count;
}

static bool is_state(enum hf_state state)
{
    return state >= HF_STATE_DRAFT && state <= HF_STATE_CLOSED;
}

enum hf_err hf_effect_open_shipment(struct hf_engine *engine, struct hf_effect_context *context,
                                    struct hf_effect_shipment *effect, const char **why)
{
    const struct hf_record_header *header = context->header;
    const uint64_t hash = hf_name_hash(effect->id);
    const uint32_t locations_count = hf_catalog_count(&engine->catalog, HF_CODE_LOCATION);

    hf_effects_end(engine, context);
    if (hf_names_find(&engine->names, effect->id, hash) != HF_NONE) {
        return corrupt(why, "a shipment is opened under a name that is taken");
    }
    if (effect->state != HF_STATE_DRAFT && effect->state != HF_STATE_IN_TRANSIT) {
        return corrupt(why, "a shipment is opened in a final state");
    }
    const bool has_ends = effect->kind == HF_TRANSFER
                              ? effect->from < locations_count && effect->from != effect->to &&
                                    effect->eta_us == 0 && !effect->is_sellable
                              : effect->from == HF_HANDLE_NONE;
    if (effect->to >= locations_count || !has_ends) {
        return corrupt(why, "a shipment between locations that do not exist");
    }
    effect->index = hf_shipments_add(&engine->shipments, effect->id);
    struct hf_shipment *shipment = hf_shipment_at(&engine->shipments, effect->index);
    shipment->kind = (uint8_t)effect->kind;
    shipment->state = (uint8_t)effect->state;
    shipment->is_sellable = effect->is_sellable;
    shipment->order_bytes = (uint8_t)header->order.bytes_count;
    if (header->order.bytes_count > 0) {
        memcpy(shipment->order, header->order.bytes, header->order.bytes_count);
    }
    shipment->from = effect->from;
    shipment->to = effect->to;
    shipment->eta_us = effect->eta_us;
    shipment->opened_us = header->ts_us;
    shipment->opened_lsn = header->lsn;
    shipment->last_lsn = header->lsn;
    shipment->content_hash = header->content_hash;
    hf_table_add(&engine->names.table, hash, effect->index | HF_NAME_SHIPMENT);
    ++*open_count(engine, shipment);
    context->shipment = effect->index + 1;
    context->last_line = HF_NONE;
    context->is_opening = true;
    return HF_OK;
}

enum hf_err hf_effect_change_shipment(struct hf_engine *engine, struct hf_effect_context *context,
                                      struct hf_effect_shipment *effect, const char **why)
{
    hf_effects_end(engine, context);
    if (effect->index == HF_NONE) {
        const uint32_t name = hf_names_find(&engine->names, effect->id, hf_name_hash(effect->id));
        if (name == HF_NONE || hf_name_kind(name) != HF_NAME_SHIPMENT) {
            return corrupt(why, "a change of a shipment that does not exist");
        }
        effect->index = hf_name_index(name);
    }
    struct hf_shipment *shipment = hf_shipment_at(&engine->shipments, effect->index);
    if (!hf_shipment_is_open(shipment) || !is_state(effect->state)) {
        return corrupt(why, "a change of a shipment that is closed");
    }
    effect->state_before = (enum hf_state)shipment->state;
    effect->lsn_before = shipment->last_lsn;
    hf_item_before(engine, HF_ITEM_SHIPMENT, effect->index);
    shipment->state = (uint8_t)effect->state;
    shipment->last_lsn = context->header->lsn;
    if (!hf_shipment_is_open(shipment)) {
        --*open_count(engine, shipment);
        shipment->name_position = hf_names_enqueue(&engine->names, effect->index | HF_NAME_SHIPMENT,
                                                   context->header->ts_us);
    }
    context->shipment = effect->index + 1;
    context->last_line = HF_NONE;
    context->is_opening = false;
    return HF_OK;
}

static bool add_figures(struct hf_shipment_line *line, const struct hf_effect_line *effect,
                        int sign)
{
    for (unsigned i = 0; i < HF_LINE_FIGURES; i++) {
        line->figures[i] += sign * effect->delta[i];
        if (line->figures[i] < 0 || line->figures[i] > HF_UNITS_MAX) {
            return false;
        }
    }
    return true;
}

/* The shipment's line of a SKU; the one behind the last found first, as changes come in the order
 * of the lines. */
static uint32_t find_line(const struct hf_shipments *shipments,
                          const struct hf_effect_context *context, uint32_t sku)
{
    const uint32_t shipment = context->shipment - 1;
    const uint32_t next = context->last_line == HF_NONE
                              ? hf_shipment_at(shipments, shipment)->first_line
                              : hf_shipment_line_at(shipments, context->last_line)->next;

    return next != HF_NONE && hf_shipment_line_at(shipments, next)->sku == sku
               ? next
               : hf_shipment_line_find(shipments, shipment, sku);
}

enum hf_err hf_effect_change_line(struct hf_engine *engine, struct hf_effect_context *context,
                                  struct hf_effect_line *effect, const char **why)
{
    if (context->shipment == 0 || context->is_opening != (effect->units > 0)) {
        return corrupt(why, "a line of no shipment");
    }
    const uint32_t shipment = context->shipment - 1;
    if (context->is_opening) {
        if (effect->sku >= hf_catalog_count(&engine->catalog, HF_CODE_SKU)) {
            return corrupt(why, "a shipment line of a SKU that does not exist");
        }
        effect->line = hf_shipment_line_add(&engine->shipments, shipment, context->last_line,
                                            effect->sku, effect->units);
        context->last_line = effect->line;
    } else if (effect->line == HF_NONE) {
        effect->line = find_line(&engine->shipments, context, effect->sku);
        if (effect->line == HF_NONE) {
            return corrupt(why, "a change of a line that the shipment does not have");
        }
        context->last_line = effect->line;
    }
    return add_figures(hf_shipment_line_at(&engine->shipments, effect->line), effect, 1)
               ? HF_OK
               : corrupt(why, "the figures of a shipment line do not add up");
}

/* ------------------------------------------------------------------ take back */

void hf_effect_revert_open_shipment(struct hf_engine *engine,
                                    const struct hf_effect_shipment *effect)
{
    const struct hf_shipment *shipment = hf_shipment_at(&engine->shipments, effect->index);

    hf_table_remove(&engine->names.table, hf_name_hash(effect->id),
                    effect->index | HF_NAME_SHIPMENT);
    --*open_count(engine, shipment);
    hf_shipments_remove(&engine->shipments, effect->index);
}

void hf_effect_revert_shipment(struct hf_engine *engine, const struct hf_effect_shipment *effect)
{
    struct hf_shipment *shipment = hf_shipment_at(&engine->shipments, effect->index);

    if (!hf_shipment_is_open(shipment)) {
        hf_names_dequeue_newest(&engine->names);
        ++*open_count(engine, shipment);
    }
    shipment->state = (uint8_t)effect->state_before;
    shipment->last_lsn = effect->lsn_before;
}

void hf_effect_revert_line(struct hf_engine *engine, const struct hf_effect_line *effect,
                           const struct hf_effect *owner)
{
    HF_ASSERT(owner != NULL);

    /* A line that the record made goes with its shipment. */
    if (owner->tag == HF_EFFECT_SHIPMENT_STATE) {
        const bool is_sound =
            add_figures(hf_shipment_line_at(&engine->shipments, effect->line), effect, -1);
        HF_ASSERT(is_sound);
    }
}
