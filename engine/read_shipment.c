/*
 * read_shipment.c - questions about transfers and inbound shipments. Bounded as those of read.c.
 */
#include "engine/state.h"

#define LIST_LOOK_MAX 4096        /* shipments that one call of hf_engine_shipments looks at, ... */
#define LIST_LINES_LOOK_MAX 65536 /* ... and lines, about */

static struct hf_shipment_view view_of(const struct hf_engine *engine,
                                       const struct hf_shipment *shipment)
{
    struct hf_shipment_view view = {
        .id = hf_shipment_id(shipment),
        .order = {shipment->order, shipment->order_bytes},
        .to = hf_catalog_text(&engine->catalog, HF_CODE_LOCATION, shipment->to),
        .kind = (enum hf_shipment_kind)shipment->kind,
        .state = (enum hf_state)shipment->state,
        .is_sellable = shipment->is_sellable != 0,
        .eta_us = shipment->eta_us,
        .opened_us = shipment->opened_us,
        .opened_lsn = shipment->opened_lsn,
        .last_lsn = shipment->last_lsn,
        .first_line = shipment->first_line,
    };

    if (shipment->from != HF_NONE) {
        view.from = hf_catalog_text(&engine->catalog, HF_CODE_LOCATION, shipment->from);
    }
    for (uint32_t at = shipment->first_line; at != HF_NONE;) {
        const struct hf_shipment_line *line = hf_shipment_line_at(&engine->shipments, at);
        view.lines_count++;
        view.open_units += hf_shipment_line_open(line);
        at = line->next;
    }
    return view;
}

enum hf_err hf_engine_shipment(const struct hf_engine *engine, enum hf_shipment_kind kind,
                               struct hf_text id, struct hf_shipment_view *view)
{
    const uint32_t name = hf_names_find(&engine->names, id, hf_name_hash(id));
    const enum hf_err unknown = kind == HF_TRANSFER ? HF_UNKNOWN_TRANSFER : HF_UNKNOWN_INBOUND;

    if (name == HF_NONE || hf_name_kind(name) != HF_NAME_SHIPMENT) {
        return unknown;
    }
    const struct hf_shipment *shipment = hf_shipment_at(&engine->shipments, hf_name_index(name));
    if (shipment->kind != kind) {
        return unknown;
    }
    *view = view_of(engine, shipment);
    return HF_OK;
}

bool hf_engine_shipment_line(const struct hf_engine *engine, uint32_t *cursor,
                             struct hf_shipment_line_view *view)
{
    if (*cursor == HF_NONE) {
        return false;
    }
    const struct hf_shipment_line *line = hf_shipment_line_at(&engine->shipments, *cursor);
    *view = (struct hf_shipment_line_view){
        .sku = hf_catalog_text(&engine->catalog, HF_CODE_SKU, line->sku),
        .units = line->units,
        .unshipped = line->figures[HF_LINE_UNSHIPPED],
        .under_way = line->figures[HF_LINE_UNDER_WAY],
        .received = line->figures[HF_LINE_RECEIVED],
        .damaged = line->figures[HF_LINE_DAMAGED],
        .cancelled = line->figures[HF_LINE_CANCELLED],
        .lost = line->figures[HF_LINE_LOST],
    };
    *cursor = line->next;
    return true;
}

static bool passes(const struct hf_shipment_filter *filter, const struct hf_shipment *shipment)
{
    const bool is_open = hf_shipment_is_open(shipment);

    if (shipment->kind != filter->kind || (filter->only_open && !is_open)) {
        return false;
    }
    if (filter->location != HF_HANDLE_NONE && shipment->to != filter->location &&
        shipment->from != filter->location) {
        return false;
    }
    return filter->late_us == 0 ||
           (is_open && shipment->eta_us != 0 && shipment->eta_us < filter->late_us);
}

bool hf_engine_shipments(const struct hf_engine *engine, const struct hf_shipment_filter *filter,
                         uint64_t *cursor, uint32_t shipments_max, hf_shipment_cb cb, void *arg)
{
    const uint64_t end = engine->shipments.pool.used_count;
    uint32_t given = 0;
    uint64_t lines_looked = 0;

    for (uint32_t looked = 0; *cursor < end && given < shipments_max && looked < LIST_LOOK_MAX &&
                              lines_looked < LIST_LINES_LOOK_MAX;
         looked++, ++*cursor) {
        const struct hf_shipment *shipment = hf_shipment_at(&engine->shipments, (uint32_t)*cursor);
        if (shipment->state != HF_STATE_NONE && passes(filter, shipment)) {
            const struct hf_shipment_view view = view_of(engine, shipment);
            cb(arg, &view);
            lines_looked += view.lines_count;
            given++;
        }
    }
    return *cursor < end;
}
