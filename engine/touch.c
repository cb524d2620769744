#include "engine/touch.h"

#define LINES_MAX 4 /* of an operation that are looked at */

/* The cells; the ring of each, where a new line will hang; its last line, and whose that is. */
static void fetch_cells(const struct hf_engine *engine, struct hf_touches *touches)
{
    const struct hf_reservations *reservations = &engine->reservations;
    uint32_t lines[HF_TOUCHES_MAX];

    for (uint32_t i = 0; i < touches->cells_count; i++) {
        touches->found[i] = hf_table_peek(&engine->cells.table, touches->cells[i]);
        if (touches->found[i] != HF_NONE) {
            hf_prefetch(hf_cell_at(&engine->cells, touches->found[i]));
            hf_image_steps_fetch(engine, HF_ITEM_CELL, touches->found[i]);
        }
    }
    for (uint32_t i = 0; i < touches->cells_count; i++) {
        lines[i] = touches->found[i] == HF_NONE
                       ? HF_NONE
                       : hf_cell_at(&engine->cells, touches->found[i])->timed_line;
        if (lines[i] != HF_NONE) {
            hf_prefetch(hf_line_at(reservations, lines[i]));
        }
    }
    for (uint32_t i = 0; i < touches->cells_count; i++) {
        if (lines[i] != HF_NONE) {
            lines[i] = hf_line_at(reservations, lines[i])->ring_prev;
            hf_prefetch(hf_line_at(reservations, lines[i]));
        }
    }
    for (uint32_t i = 0; i < touches->cells_count; i++) {
        if (lines[i] != HF_NONE) {
            const uint32_t reservation = hf_line_at(reservations, lines[i])->reservation;
            hf_prefetch(hf_reservation_at(reservations, reservation));
        }
    }
}

/* The reservations of names that there are, and their first lines. */
static void fetch_reservations(const struct hf_engine *engine, const struct hf_touches *touches)
{
    const struct hf_reservations *reservations = &engine->reservations;
    uint32_t names[HF_TOUCHES_MAX];

    for (uint32_t i = 0; i < touches->names_count; i++) {
        names[i] = hf_table_peek(&engine->names.table, touches->names[i]);
        if (names[i] != HF_NONE && hf_name_kind(names[i]) == HF_NAME_RESERVATION) {
            hf_prefetch(hf_reservation_at(reservations, names[i]));
            hf_image_steps_fetch(engine, HF_ITEM_RESERVATION, names[i]);
        } else {
            names[i] = HF_NONE;
        }
    }
    for (uint32_t i = 0; i < touches->names_count; i++) {
        if (names[i] != HF_NONE) {
            const uint32_t line = hf_reservation_at(reservations, names[i])->first_line;
            if (line != HF_NONE) {
                hf_prefetch(hf_line_at(reservations, line));
            }
        }
    }
}

void hf_touch_fetch(const struct hf_engine *engine, struct hf_touches *touches)
{
    fetch_cells(engine, touches);
    fetch_reservations(engine, touches);
}

/* ------------------------------------------------------------------ operations */

static void note_codes(const struct hf_engine *engine, const struct hf_op *op)
{
    for (uint32_t i = 0; i < LINES_MAX && i < op->lines_count; i++) {
        hf_table_fetch(&engine->catalog.tables[HF_CODE_SKU],
                       hf_code_hash(HF_CODE_SKU, op->lines[i].sku));
    }
}

static void note_names(const struct hf_engine *engine, struct hf_touches *touches,
                       const struct hf_op *op)
{
    if (op->id.bytes_count > 0) {
        hf_touch_name(engine, touches, hf_name_hash(op->id));
    }
    if (op->ref.bytes_count > 0) {
        hf_touch_name(engine, touches, hf_name_hash(op->ref));
    }
    if (op->order.bytes_count > 0) {
        hf_orders_fetch(&engine->orders, op->order);
    }
}

/* A code's handle may be another's with the same hash: then another cell is fetched. */
static void note_cells(const struct hf_engine *engine, struct hf_touches *touches,
                       const struct hf_op *op)
{
    const struct hf_catalog *catalog = &engine->catalog;

    for (uint32_t i = 0; i < LINES_MAX && i < op->lines_count; i++) {
        const struct hf_op_line *line = &op->lines[i];
        const bool has_handles = (op->flags & HF_OP_HANDLES) != 0;
        const uint32_t sku = has_handles ? line->sku_handle
                                         : hf_table_peek(&catalog->tables[HF_CODE_SKU],
                                                         hf_code_hash(HF_CODE_SKU, line->sku));
        const uint32_t location =
            has_handles ? line->location_handle
                        : hf_table_peek(&catalog->tables[HF_CODE_LOCATION],
                                        hf_code_hash(HF_CODE_LOCATION, line->location));
        if (sku != HF_NONE && location != HF_NONE) {
            hf_touch_cell(engine, touches, sku, location);
        }
    }
}

void hf_engine_expect(const struct hf_engine *engine, const struct hf_op *ops, uint32_t count)
{
    struct hf_touches touches;

    touches.names_count = touches.cells_count = 0;
    for (uint32_t i = 0; i < count; i++) {
        if ((ops[i].flags & HF_OP_HANDLES) == 0) {
            note_codes(engine, &ops[i]);
        }
        note_names(engine, &touches, &ops[i]);
    }
    for (uint32_t i = 0; i < count; i++) {
        note_cells(engine, &touches, &ops[i]);
    }
    hf_touch_fetch(engine, &touches);
}
