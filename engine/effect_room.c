/*
 * effect_room.c - what a list of effects needs in the tables, made sure of before the first is
 * applied: past that line nothing fails (P2).
 */
#include "engine/state.h"

struct demand {
    uint32_t codes[HF_CODE_CLASSES];
    uint32_t cells, extras, reservations, lines, shipments, shipment_lines;
};

/* Adds to a zeroed one; counted in place, for a copy would wait until all counters are written. */
static void count_demand(const struct hf_engine *engine, const struct hf_effect *effects,
                         uint32_t count, struct demand *demand)
{
    bool is_opening = false;

    for (uint32_t i = 0; i < count; i++) {
        switch (effects[i].tag) {
        case HF_EFFECT_SKU:
        case HF_EFFECT_LOCATION:
        case HF_EFFECT_REGION:
            demand->codes[hf_effect_class(effects[i].tag)]++;
            break;
        case HF_EFFECT_POLICY: {
            const uint32_t cell =
                hf_cells_find(&engine->cells, effects[i].policy.sku, effects[i].policy.location);
            demand->cells += cell == HF_NONE;
            demand->extras += cell == HF_NONE || hf_cell_at(&engine->cells, cell)->extra == HF_NONE;
            break;
        }
        case HF_EFFECT_OPEN:
            demand->reservations++;
            is_opening = true;
            break;
        case HF_EFFECT_STATE:
        case HF_EFFECT_SHIPMENT_STATE:
            is_opening = false;
            break;
        case HF_EFFECT_MOVE: {
            const struct hf_effect_move *move = &effects[i].move;
            demand->cells += move->cell == HF_NONE;
            demand->extras +=
                (move->delta[HF_IN_TRANSIT] > 0 || move->delta[HF_DAMAGED] > 0 ||
                 move->delta[HF_QUARANTINED] > 0) &&
                (move->cell == HF_NONE || hf_cell_at(&engine->cells, move->cell)->extra == HF_NONE);
            demand->lines += is_opening;
            break;
        }
        case HF_EFFECT_SHIPMENT_OPEN:
            demand->shipments++;
            is_opening = false;
            break;
        case HF_EFFECT_LINE:
            demand->shipment_lines += effects[i].line.units > 0;
            break;
        case HF_EFFECT_PLACE:
        case HF_EFFECT_SHORTAGE:
        case HF_EFFECT_END:
            break;
        }
    }
}

static enum hf_err make_room_for_one(struct hf_engine *engine,
                                     const struct hf_record_header *header,
                                     const struct demand *demand, const struct hf_effect *effect)
{
    switch (effect->tag) {
    case HF_EFFECT_SKU:
    case HF_EFFECT_LOCATION:
    case HF_EFFECT_REGION: {
        const enum hf_code_class class = hf_effect_class(effect->tag);
        return hf_catalog_make_room(&engine->catalog, class, effect->code.code,
                                    demand->codes[class]);
    }
    case HF_EFFECT_POLICY:
        return demand->cells == 0 ? HF_OK
                                  : hf_cells_make_room(&engine->cells, effect->policy.sku,
                                                       effect->policy.location, demand->cells);
    case HF_EFFECT_OPEN:
        if (!hf_table_make_room(&engine->names.table, effect->reservation.hash,
                                demand->reservations + 1)) {
            return HF_LIMIT_EXCEEDED;
        }
        return header->order.bytes_count == 0 ? HF_OK
                                              : hf_orders_make_room(&engine->orders, header->order);
    case HF_EFFECT_MOVE:
        return effect->move.cell != HF_NONE
                   ? HF_OK
                   : hf_cells_make_room(&engine->cells, effect->move.sku, effect->move.location,
                                        demand->cells);
    case HF_EFFECT_SHIPMENT_OPEN:
        return hf_table_make_room(&engine->names.table, hf_name_hash(effect->shipment.id),
                                  demand->shipments + 1)
                   ? HF_OK
                   : HF_LIMIT_EXCEEDED;
    case HF_EFFECT_PLACE:
    case HF_EFFECT_STATE:
    case HF_EFFECT_SHIPMENT_STATE:
    case HF_EFFECT_LINE:
    case HF_EFFECT_SHORTAGE:
    case HF_EFFECT_END:
        break;
    }
    return HF_OK;
}

enum hf_err hf_effects_make_room(struct hf_engine *engine, const struct hf_record_header *header,
                                 const struct hf_effect *effects, uint32_t count)
{
    struct demand demand = {0};

    count_demand(engine, effects, count, &demand);
    if (hf_pool_room(&engine->reservations.pool) < demand.reservations ||
        hf_pool_room(&engine->reservations.lines) < demand.lines ||
        hf_pool_room(&engine->cells.extras) < demand.extras ||
        hf_pool_room(&engine->shipments.pool) < demand.shipments ||
        hf_pool_room(&engine->shipments.lines) < demand.shipment_lines) {
        return HF_LIMIT_EXCEEDED;
    }
    for (uint32_t i = 0; i < count; i++) {
        const enum hf_err err = make_room_for_one(engine, header, &demand, &effects[i]);
        if (err != HF_OK) {
            return err;
        }
    }
    if (header->order.bytes_count > 0 &&
        hf_orders_make_room(&engine->orders, header->order) != HF_OK) {
        return HF_LIMIT_EXCEEDED;
    }
    if (header->ref.bytes_count > 0 &&
        !hf_table_make_room(&engine->names.table, hf_name_hash(header->ref),
                            demand.reservations + 1)) {
        return HF_LIMIT_EXCEEDED;
    }
    return HF_OK;
}
