/*
 * read.c - questions about stock and reservations. They change nothing and are bounded, each call
 * in itself: lists look at a limited number of cells a call and go on from a cursor.
 */
#include "engine/state.h"

#define LIST_LOOK_MAX 16384 /* cells that one call of hf_engine_list looks at */

uint32_t hf_engine_sku(const struct hf_engine *engine, struct hf_text code)
{
    return hf_catalog_find(&engine->catalog, HF_CODE_SKU, code);
}

uint32_t hf_engine_location(const struct hf_engine *engine, struct hf_text code)
{
    return hf_catalog_find(&engine->catalog, HF_CODE_LOCATION, code);
}

static struct hf_text code_of(const struct hf_engine *engine, enum hf_code_class class,
                              uint32_t handle)
{
    if (handle >= hf_catalog_count(&engine->catalog, class)) {
        return (struct hf_text){.bytes = ""};
    }
    return hf_catalog_text(&engine->catalog, class, handle);
}

struct hf_text hf_engine_sku_code(const struct hf_engine *engine, uint32_t handle)
{
    return code_of(engine, HF_CODE_SKU, handle);
}

struct hf_text hf_engine_location_code(const struct hf_engine *engine, uint32_t handle)
{
    return code_of(engine, HF_CODE_LOCATION, handle);
}

struct hf_text hf_engine_region_code(const struct hf_engine *engine, uint32_t handle)
{
    return code_of(engine, HF_CODE_REGION, handle);
}

/* The handle of one code of a line; HF_NONE when it is unknown. */
static uint32_t resolve(const struct hf_engine *engine, enum hf_code_class class, bool is_handle,
                        uint32_t handle, struct hf_text code)
{
    if (!is_handle) {
        return hf_catalog_find(&engine->catalog, class, code);
    }
    return handle < hf_catalog_count(&engine->catalog, class) ? handle : HF_NONE;
}

static struct hf_cell_view view_of(const struct hf_engine *engine, const struct hf_cell *cell)
{
    const struct hf_policy policy = hf_cell_policy(&engine->cells, cell);
    int64_t values[HF_COUNTERS_COUNT];

    hf_cell_values(&engine->cells, cell, values);
    return (struct hf_cell_view){
        .sku = hf_catalog_text(&engine->catalog, HF_CODE_SKU, cell->sku),
        .location = hf_catalog_text(&engine->catalog, HF_CODE_LOCATION, cell->location),
        .on_hand = values[HF_ON_HAND],
        .held = values[HF_HELD],
        .committed = values[HF_COMMITTED],
        .in_transit = values[HF_IN_TRANSIT],
        .damaged = values[HF_DAMAGED],
        .quarantined = values[HF_QUARANTINED],
        .safety_stock = policy.safety_stock,
        .low_stock = policy.low_stock,
        .backorder_limit = policy.backorder_limit,
        .atf = hf_cell_atf(&engine->cells, cell),
        .ats = hf_cell_ats(&engine->cells, &engine->catalog, cell),
        .shortage = hf_cell_shortage(&engine->cells, &engine->catalog, cell),
        .last_sale_us = cell->has_sold != 0 ? cell->since_us : 0,
        .version = cell->version,
    };
}

enum hf_err hf_engine_stock(const struct hf_engine *engine, const struct hf_op_line *line,
                            bool handles, struct hf_cell_view *view)
{
    const uint32_t sku = resolve(engine, HF_CODE_SKU, handles, line->sku_handle, line->sku);
    const uint32_t location =
        resolve(engine, HF_CODE_LOCATION, handles, line->location_handle, line->location);

    if (sku == HF_NONE) {
        return HF_UNKNOWN_SKU;
    }
    if (location == HF_NONE) {
        return HF_UNKNOWN_LOCATION;
    }
    const uint32_t index = hf_cells_find(&engine->cells, sku, location);
    const struct hf_cell no_cell = {
        .sku = sku, .location = location & (HF_LOCATIONS_LIMIT - 1), .extra = HF_NONE};
    *view = view_of(engine, index == HF_NONE ? &no_cell : hf_cell_at(&engine->cells, index));
    return HF_OK;
}

/* Add up a SKU's cells, of one region or of all; a location in shortage counts as 0. */
static struct hf_ats add_up(const struct hf_engine *engine, uint32_t sku, uint32_t region)
{
    struct hf_ats sum = {0};

    for (uint32_t index = hf_sku_at(&engine->catalog, sku)->first_cell; index != HF_NONE;) {
        const struct hf_cell *cell = hf_cell_at(&engine->cells, index);
        if (region == HF_NONE ||
            hf_location_at(&engine->catalog, cell->location)->region == region) {
            const int64_t ats = hf_cell_ats(&engine->cells, &engine->catalog, cell);
            const int64_t atf = hf_cell_atf(&engine->cells, cell);
            sum.ats += ats > 0 ? ats : 0;
            sum.atf += atf > 0 ? atf : 0;
        }
        index = cell->next_of_sku;
    }
    return sum;
}

enum hf_err hf_engine_ats(const struct hf_engine *engine, const struct hf_op_line *line,
                          bool handles, struct hf_text region, struct hf_ats *ats)
{
    const uint32_t sku = resolve(engine, HF_CODE_SKU, handles, line->sku_handle, line->sku);
    const bool has_location =
        handles ? line->location_handle != HF_HANDLE_NONE : line->location.bytes_count > 0;

    *ats = (struct hf_ats){0};
    if (sku == HF_NONE) {
        return HF_UNKNOWN_SKU;
    }
    if (has_location) {
        const uint32_t location =
            resolve(engine, HF_CODE_LOCATION, handles, line->location_handle, line->location);
        if (location == HF_NONE) {
            return HF_UNKNOWN_LOCATION;
        }
        const uint32_t index = hf_cells_find(&engine->cells, sku, location);
        if (index != HF_NONE) {
            const struct hf_cell *cell = hf_cell_at(&engine->cells, index);
            ats->ats = hf_cell_ats(&engine->cells, &engine->catalog, cell);
            ats->atf = hf_cell_atf(&engine->cells, cell);
        }
        return HF_OK;
    }
    uint32_t scope = HF_NONE;
    if (region.bytes_count > 0) {
        scope = hf_catalog_find(&engine->catalog, HF_CODE_REGION, region);
        if (scope == HF_NONE) {
            return HF_UNKNOWN_LOCATION;
        }
    }
    *ats = add_up(engine, sku, scope);
    return HF_OK;
}

/* ------------------------------------------------------------------ reservations */

static void view_reservation(const struct hf_engine *engine, uint32_t index, uint64_t now_us,
                             struct hf_reservation_view *view)
{
    const struct hf_reservation *reservation = hf_reservation_at(&engine->reservations, index);
    const uint64_t time_us = now_us > engine->now_us ? now_us : engine->now_us;

    *view = (struct hf_reservation_view){
        .id = hf_reservation_id(&engine->reservations, reservation),
        .state = hf_reservation_is_due(reservation, time_us) ? HF_STATE_EXPIRED
                                                             : (enum hf_state)reservation->state,
        .opened_lsn = reservation->opened_lsn,
        .opened_us = reservation->opened_us,
        .first_line = reservation->first_line,
    };
    if (reservation->life_us != 0 &&
        (reservation->state == HF_STATE_HELD || reservation->state == HF_STATE_EXPIRED)) {
        view->expires_at_us = hf_reservation_deadline_us(reservation);
    }
    if (reservation->order_node != HF_NONE) {
        const struct hf_order_node *node =
            hf_order_node_at(&engine->orders, reservation->order_node);
        view->order = hf_order_text(&engine->orders, node->order);
    }
    for (uint32_t at = reservation->first_line; at != HF_NONE;
         at = hf_line_at(&engine->reservations, at)->next) {
        view->lines_count++;
    }
}

enum hf_err hf_engine_reservation(const struct hf_engine *engine, struct hf_text id,
                                  uint64_t now_us, struct hf_reservation_view *view)
{
    const uint32_t found = hf_names_find(&engine->names, id, hf_name_hash(id));

    if (found == HF_NONE || hf_name_kind(found) != HF_NAME_RESERVATION) {
        return HF_UNKNOWN_RESERVATION;
    }
    view_reservation(engine, found, now_us, view);
    return HF_OK;
}

bool hf_engine_reservation_line(const struct hf_engine *engine, uint32_t *cursor,
                                struct hf_reservation_line_view *view)
{
    if (*cursor == HF_NONE) {
        return false;
    }
    const struct hf_line *line = hf_line_at(&engine->reservations, *cursor);
    const struct hf_cell *cell = hf_cell_at(&engine->cells, line->cell);
    *view = (struct hf_reservation_line_view){
        .sku = hf_catalog_text(&engine->catalog, HF_CODE_SKU, cell->sku),
        .location = hf_catalog_text(&engine->catalog, HF_CODE_LOCATION, cell->location),
        .units = line->units,
        .fulfilled = line->fulfilled,
        .released = line->released,
    };
    *cursor = line->next;
    return true;
}

bool hf_engine_order(const struct hf_engine *engine, struct hf_text order, uint64_t now_us,
                     struct hf_order_cursor *cursor, struct hf_reservation_view *view)
{
    uint32_t node = cursor->node;
    if (node == HF_NONE) {
        const uint32_t index = hf_orders_find(&engine->orders, order);
        node = index == HF_NONE ? HF_NONE : hf_order_at(&engine->orders, index)->newest_node;
    }
    while (node != HF_NONE) {
        const struct hf_order_node *at = hf_order_node_at(&engine->orders, node);
        if (at->opened_lsn < cursor->before_lsn) {
            view_reservation(engine, at->reservation, now_us, view);
            cursor->before_lsn = at->opened_lsn;
            cursor->node = node;
            return true;
        }
        node = at->older;
    }
    return false;
}

/* ------------------------------------------------------------------ lists */

static bool passes(const struct hf_engine *engine, const struct hf_list_filter *filter,
                   const struct hf_cell *cell)
{
    if (filter->location != HF_HANDLE_NONE && cell->location != filter->location) {
        return false;
    }
    if (filter->prefix.bytes_count > 0) {
        const struct hf_text sku = hf_catalog_text(&engine->catalog, HF_CODE_SKU, cell->sku);
        if (sku.bytes_count < filter->prefix.bytes_count ||
            memcmp(sku.bytes, filter->prefix.bytes, filter->prefix.bytes_count) != 0) {
            return false;
        }
    }
    if (filter->idle_since_us != 0 &&
        (cell->hot[HF_ON_HAND] == 0 || cell->since_us > filter->idle_since_us)) {
        return false;
    }
    if (!filter->only_low) {
        return true;
    }
    const int64_t low_stock = hf_cell_policy(&engine->cells, cell).low_stock;
    return low_stock != HF_LOW_STOCK_NONE &&
           hf_cell_ats(&engine->cells, &engine->catalog, cell) <= low_stock;
}

bool hf_engine_list(const struct hf_engine *engine, const struct hf_list_filter *filter,
                    uint64_t *cursor, uint32_t cells_max, hf_cell_cb cb, void *arg)
{
    const uint64_t cells_count = hf_pool_live_count(&engine->cells.pool);
    uint32_t given = 0;

    for (uint32_t looked = 0; *cursor < cells_count && given < cells_max && looked < LIST_LOOK_MAX;
         looked++, ++*cursor) {
        const struct hf_cell *cell = hf_cell_at(&engine->cells, (uint32_t)*cursor);
        if (passes(engine, filter, cell)) {
            const struct hf_cell_view view = view_of(engine, cell);
            cb(arg, &view);
            given++;
        }
    }
    return *cursor < cells_count;
}

bool hf_engine_shortages(struct hf_engine *engine, uint64_t *cursor, uint32_t cells_max,
                         hf_shortage_cb cb, void *arg)
{
    const uint64_t cells_count = hf_pool_live_count(&engine->cells.pool);
    uint32_t given = 0;
    uint32_t looks_left = HF_HITS_LOOK_MAX;

    for (uint32_t looked = 0; *cursor < cells_count && given < cells_max &&
                              looked < LIST_LOOK_MAX && (looks_left > 0 || given == 0);
         looked++, ++*cursor) {
        const struct hf_cell *cell = hf_cell_at(&engine->cells, (uint32_t)*cursor);
        const int64_t missing = hf_cell_shortage(&engine->cells, &engine->catalog, cell);
        if (missing > 0) {
            const struct hf_cell_view view = view_of(engine, cell);
            struct hf_hit hits[HF_HITS_MAX];
            const uint32_t hits_count = hf_alert_hits(engine, cell, missing, &looks_left, hits);
            cb(arg, &view, hits, hits_count);
            given++;
        }
    }
    return *cursor < cells_count;
}
