#include "engine/image_batch.h"

bool hf_image_is_batched(enum hf_tag tag)
{
    return tag == HF_TAG_CELL || tag == HF_TAG_CELL_1 || tag == HF_TAG_RESERVATION ||
           tag == HF_TAG_RESERVATION_1 || tag == HF_TAG_REF;
}

/* ------------------------------------------------------------------ decode */

/* False: it cannot be read whole. */
static bool read_reservation(struct hf_image_batch *batch, struct hf_reader *in)
{
    struct hf_image_batch_reservation *read = &batch->reservations[batch->count];

    read->first_line = batch->lines_count;
    read->lines_read = 0;
    if (!hf_image_read_reservation(in, batch->tag, &read->item)) {
        batch->is_last_bad = true;
        return false;
    }
    while (read->lines_read < read->item.lines_count) {
        if (!hf_image_read_line(in, &batch->lines[batch->lines_count])) {
            return false;
        }
        batch->lines_count++;
        read->lines_read++;
    }
    return true;
}

static bool read_item(struct hf_image_batch *batch, struct hf_reader *in)
{
    switch (batch->tag) {
    case HF_TAG_CELL:
    case HF_TAG_CELL_1:
        batch->is_last_bad = !hf_image_read_cell(in, batch->tag, &batch->cells[batch->count]);
        break;
    case HF_TAG_REF:
        batch->is_last_bad = !hf_image_read_ref(in, &batch->refs[batch->count]);
        break;
    default:
        return read_reservation(batch, in);
    }
    return !batch->is_last_bad;
}

/* ------------------------------------------------------------------ fetch */

static void fetch_for_cells(const struct hf_engine *engine, const struct hf_image_batch *batch)
{
    const uint32_t skus_count = hf_catalog_count(&engine->catalog, HF_CODE_SKU);

    for (uint32_t i = 0; i < batch->count; i++) {
        const struct hf_image_cell *cell = &batch->cells[i];
        hf_table_fetch(&engine->cells.table, hf_cell_hash(cell->sku, cell->location));
        if (cell->sku < skus_count) {
            __builtin_prefetch(hf_sku_at(&engine->catalog, cell->sku), 1);
        }
    }
}

static void fetch_for_refs(const struct hf_engine *engine, const struct hf_image_batch *batch)
{
    for (uint32_t i = 0; i < batch->count; i++) {
        hf_table_fetch(&engine->names.table, hf_name_hash(batch->refs[i].text));
        __builtin_prefetch(hf_name_slot_at(&engine->names, batch->refs[i].place.position), 1);
    }
}

/* What each line's cell has: first the cell, then the ring that the line will hang in, at its end,
 * beside a line whose reservation says when it ends. */
static void fetch_for_lines(const struct hf_engine *engine, const struct hf_image_batch *batch)
{
    uint32_t cells[HF_IMAGE_BATCH_MAX];
    uint32_t rings[HF_IMAGE_BATCH_MAX];
    const uint32_t count =
        batch->lines_count < HF_IMAGE_BATCH_MAX ? batch->lines_count : HF_IMAGE_BATCH_MAX;

    for (uint32_t i = 0; i < count; i++) {
        cells[i] = hf_table_peek(&engine->cells.table,
                                 hf_cell_hash(batch->lines[i].sku, batch->lines[i].location));
        if (cells[i] != HF_NONE) {
            __builtin_prefetch(hf_cell_at(&engine->cells, cells[i]), 1);
        }
    }
    for (uint32_t i = 0; i < count; i++) {
        rings[i] = cells[i] == HF_NONE ? HF_NONE : hf_cell_at(&engine->cells, cells[i])->timed_line;
        if (rings[i] != HF_NONE) {
            __builtin_prefetch(hf_line_at(&engine->reservations, rings[i]), 1);
        }
    }
    for (uint32_t i = 0; i < count; i++) {
        if (rings[i] != HF_NONE) {
            rings[i] = hf_line_at(&engine->reservations, rings[i])->ring_prev;
            __builtin_prefetch(hf_line_at(&engine->reservations, rings[i]), 1);
        }
    }
    for (uint32_t i = 0; i < count; i++) {
        if (rings[i] != HF_NONE) {
            __builtin_prefetch(hf_reservation_at(
                &engine->reservations, hf_line_at(&engine->reservations, rings[i])->reservation));
        }
    }
}

static void fetch_for_reservations(const struct hf_engine *engine, struct hf_image_batch *batch)
{
    for (uint32_t i = 0; i < batch->count; i++) {
        struct hf_image_batch_reservation *read = &batch->reservations[i];
        read->hash = hf_name_hash(read->item.id);
        hf_table_fetch(&engine->names.table, read->hash);
        if (read->item.order.bytes_count > 0) {
            hf_orders_fetch(&engine->orders, read->item.order);
        }
    }
    for (uint32_t i = 0; i < batch->lines_count && i < HF_IMAGE_BATCH_MAX; i++) {
        hf_table_fetch(&engine->cells.table,
                       hf_cell_hash(batch->lines[i].sku, batch->lines[i].location));
    }
    fetch_for_lines(engine, batch);
}

void hf_image_read_batch(const struct hf_engine *engine, struct hf_reader *in, enum hf_tag tag,
                         struct hf_image_batch *batch)
{
    batch->tag = tag;
    batch->count = 0;
    batch->lines_count = 0;
    batch->is_last_bad = false;
    for (bool is_more = true; is_more;) {
        const bool is_whole = read_item(batch, in);
        batch->count++;
        is_more = is_whole && in->at < in->end && *in->at == (unsigned char)tag &&
                  batch->count < HF_IMAGE_BATCH_MAX && batch->lines_count < HF_IMAGE_BATCH_MAX;
        in->at += is_more;
    }
    if (batch->is_last_bad) {
        batch->count--; /* nothing of it can be relied on */
    }
    if (tag == HF_TAG_CELL || tag == HF_TAG_CELL_1) {
        fetch_for_cells(engine, batch);
    } else if (tag == HF_TAG_REF) {
        fetch_for_refs(engine, batch);
    } else {
        fetch_for_reservations(engine, batch);
    }
}
