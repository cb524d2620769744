#include "engine/image.h"

/* Two codes, a state, and the varints and words around them: more than any item has beside its
 * lines. */
#define ITEM_BYTES_MAX 256
#define LINE_BYTES_MAX (5 * HF_VARINT_BYTES_MAX)
#define SHIPMENT_LINE_BYTES_MAX ((2 + HF_LINE_FIGURES) * HF_VARINT_BYTES_MAX)
_Static_assert(ITEM_BYTES_MAX + HF_LINES_MAX * SHIPMENT_LINE_BYTES_MAX < HF_IMAGE_BYTES_MIN,
               "the largest reservation or shipment fits a chunk");

static const unsigned char tags[HF_ITEMS_END] = {
    [HF_ITEM_HEAD] = HF_TAG_HEAD,         [HF_ITEM_REGION] = HF_TAG_REGION,
    [HF_ITEM_LOCATION] = HF_TAG_LOCATION, [HF_ITEM_SKU] = HF_TAG_SKU,
    [HF_ITEM_CELL] = HF_TAG_CELL,         [HF_ITEM_RESERVATION] = HF_TAG_RESERVATION,
    [HF_ITEM_REF] = HF_TAG_REF,           [HF_ITEM_SHIPMENT] = HF_TAG_SHIPMENT,
};

static unsigned char *put_word(unsigned char *at, uint64_t value)
{
    hf_put_u64(at, value);
    return at + 8;
}

static uint64_t count_of(const struct hf_engine *engine, enum hf_item item)
{
    switch (item) {
    case HF_ITEM_HEAD:
        return 1;
    case HF_ITEM_REGION:
        return hf_catalog_count(&engine->catalog, HF_CODE_REGION);
    case HF_ITEM_LOCATION:
        return hf_catalog_count(&engine->catalog, HF_CODE_LOCATION);
    case HF_ITEM_SKU:
        return hf_catalog_count(&engine->catalog, HF_CODE_SKU);
    case HF_ITEM_CELL:
        return hf_pool_live_count(&engine->cells.pool);
    case HF_ITEM_RESERVATION:
        return hf_pool_live_count(&engine->reservations.pool);
    case HF_ITEM_REF:
        return hf_pool_live_count(&engine->names.refs);
    case HF_ITEM_SHIPMENT:
        return hf_pool_live_count(&engine->shipments.pool);
    }
    HF_ASSERT(false && "no other items");
    return 0;
}

static unsigned char *put_head(const struct hf_engine *engine, unsigned char *at)
{
    at = put_word(at, engine->last_lsn);
    at = put_word(at, engine->last_ts_us);
    at = put_word(at, engine->names.queue_first);
    at = put_word(at, engine->names.queue_end);
    for (unsigned item = HF_ITEM_REGION; item < HF_ITEMS_END; item++) {
        at = put_word(at, count_of(engine, (enum hf_item)item));
    }
    return at;
}

static unsigned char *put_cell(const struct hf_engine *engine, uint32_t index, unsigned char *at)
{
    const struct hf_cell *cell = hf_cell_at(&engine->cells, index);
    const struct hf_cell_extra extra = hf_cell_extra(&engine->cells, cell);
    const bool has_policy = hf_image_has_policy(&extra);
    const bool has_rare = hf_image_has_rare(&extra);

    at = hf_put_varint(at, cell->sku);
    at = hf_put_varint(at, cell->location);
    at = hf_put_varint(at, cell->version);
    for (unsigned i = 0; i < HF_COUNTERS_HOT; i++) {
        at = hf_put_varint(at, (uint64_t)cell->hot[i]);
    }
    at = put_word(at, cell->since_us);
    *at++ =
        (unsigned char)((cell->is_low != 0 ? HF_CELL_IS_LOW : 0) |
                        (cell->is_out != 0 ? HF_CELL_IS_OUT : 0) |
                        (cell->has_sold != 0 ? HF_CELL_HAS_SOLD : 0) |
                        (has_policy ? HF_CELL_HAS_POLICY : 0) | (has_rare ? HF_CELL_HAS_RARE : 0));
    if (has_policy) {
        at = hf_put_varint(at, (uint64_t)extra.policy.safety_stock);
        at = hf_put_varint(at, (uint64_t)(extra.policy.low_stock + 1));
        at = hf_put_varint(at, (uint64_t)extra.policy.backorder_limit);
    }
    if (has_rare) {
        for (unsigned i = 0; i < HF_COUNTERS_COUNT - HF_COUNTERS_HOT; i++) {
            at = hf_put_varint(at, (uint64_t)extra.rare[i]);
        }
        at = hf_put_varint(at, (uint64_t)extra.inbound_sellable);
        at = hf_put_varint(at, (uint64_t)extra.inbound_kept);
    }
    return at;
}

static unsigned char *put_place_in_queue(const struct hf_engine *engine, uint64_t position,
                                         unsigned char *at)
{
    at = hf_put_varint(at, position);
    return put_word(at, hf_name_slot_at(&engine->names, position)->ts_us);
}

static uint32_t lines_count_of(const struct hf_engine *engine,
                               const struct hf_reservation *reservation)
{
    uint32_t count = 0;
    for (uint32_t at = reservation->first_line; at != HF_NONE;
         at = hf_line_at(&engine->reservations, at)->next) {
        count++;
    }
    return count;
}

static unsigned char *put_reservation(const struct hf_engine *engine, uint32_t index,
                                      unsigned char *at)
{
    const struct hf_reservation *reservation = hf_reservation_at(&engine->reservations, index);
    struct hf_text order = {0};

    if (reservation->order_node != HF_NONE) {
        order = hf_order_text(&engine->orders,
                              hf_order_node_at(&engine->orders, reservation->order_node)->order);
    }
    at = hf_put_text(at, hf_reservation_id(&engine->reservations, reservation));
    at = hf_put_text(at, order);
    *at++ = (unsigned char)reservation->state;
    at = hf_put_varint(at, reservation->life_us);
    at = put_word(at, reservation->opened_us);
    at = hf_put_varint(at, reservation->opened_lsn);
    at = hf_put_varint(at, reservation->last_lsn);
    at = put_word(at, reservation->content_hash);
    if (reservation->state == HF_STATE_CONFIRMED) {
        at = hf_put_varint(at, reservation->confirmed_lsn);
    } else if (reservation->state != HF_STATE_HELD) {
        at = put_place_in_queue(engine, reservation->name_position, at);
    }
    at = hf_put_varint(at, lines_count_of(engine, reservation));
    for (uint32_t i = reservation->first_line; i != HF_NONE;) {
        const struct hf_line *line = hf_line_at(&engine->reservations, i);
        const struct hf_cell *cell = hf_cell_at(&engine->cells, line->cell);
        at = hf_put_varint(at, cell->sku);
        at = hf_put_varint(at, cell->location);
        at = hf_put_varint(at, (uint64_t)line->units);
        at = hf_put_varint(at, (uint64_t)line->fulfilled);
        at = hf_put_varint(at, (uint64_t)line->released);
        i = line->next;
    }
    return at;
}

static unsigned char *put_ref(const struct hf_engine *engine, uint32_t index, unsigned char *at)
{
    const struct hf_ref *ref = hf_ref_at(&engine->names, index);

    at = hf_put_text(at, hf_ref_text(ref));
    at = hf_put_varint(at, ref->lsn);
    at = put_word(at, ref->content_hash);
    return put_place_in_queue(engine, ref->name_position, at);
}

static uint32_t shipment_lines_count(const struct hf_engine *engine,
                                     const struct hf_shipment *shipment)
{
    uint32_t count = 0;
    for (uint32_t at = shipment->first_line; at != HF_NONE;
         at = hf_shipment_line_at(&engine->shipments, at)->next) {
        count++;
    }
    return count;
}

static unsigned char *put_shipment(const struct hf_engine *engine, uint32_t index,
                                   unsigned char *at)
{
    const struct hf_shipment *shipment = hf_shipment_at(&engine->shipments, index);

    at = hf_put_text(at, hf_shipment_id(shipment));
    at = hf_put_text(at, (struct hf_text){shipment->order, shipment->order_bytes});
    *at++ = shipment->kind;
    *at++ = shipment->state;
    if (shipment->kind == HF_TRANSFER) {
        at = hf_put_varint(at, shipment->from);
    }
    at = hf_put_varint(at, shipment->to);
    if (shipment->kind == HF_INBOUND) {
        *at++ = shipment->is_sellable;
        at = put_word(at, shipment->eta_us);
    }
    at = put_word(at, shipment->opened_us);
    at = hf_put_varint(at, shipment->opened_lsn);
    at = hf_put_varint(at, shipment->last_lsn);
    at = put_word(at, shipment->content_hash);
    if (!hf_shipment_is_open(shipment)) {
        at = put_place_in_queue(engine, shipment->name_position, at);
    }
    at = hf_put_varint(at, shipment_lines_count(engine, shipment));
    for (uint32_t i = shipment->first_line; i != HF_NONE;) {
        const struct hf_shipment_line *line = hf_shipment_line_at(&engine->shipments, i);
        at = hf_put_varint(at, line->sku);
        at = hf_put_varint(at, (uint64_t)line->units);
        for (unsigned figure = 0; figure < HF_LINE_FIGURES; figure++) {
            at = hf_put_varint(at, (uint64_t)line->figures[figure]);
        }
        i = line->next;
    }
    return at;
}

uint64_t hf_image_section_size(const struct hf_engine *engine, enum hf_item item)
{
    switch (item) {
    case HF_ITEM_RESERVATION:
        return engine->reservations.pool.used_count;
    case HF_ITEM_REF:
        return engine->names.refs.used_count;
    case HF_ITEM_SHIPMENT:
        return engine->shipments.pool.used_count;
    case HF_ITEM_HEAD:
    case HF_ITEM_REGION:
    case HF_ITEM_LOCATION:
    case HF_ITEM_SKU:
    case HF_ITEM_CELL: /* only the newest ones are ever taken back: there are no holes */
        break;
    }
    return count_of(engine, item);
}

static bool is_free_slot(const struct hf_engine *engine, enum hf_item item, uint32_t index)
{
    return (item == HF_ITEM_CELL && index >= hf_pool_live_count(&engine->cells.pool)) ||
           (item == HF_ITEM_RESERVATION &&
            hf_reservation_at(&engine->reservations, index)->state == HF_STATE_NONE) ||
           (item == HF_ITEM_REF && hf_ref_at(&engine->names, index)->text_bytes == 0) ||
           (item == HF_ITEM_SHIPMENT &&
            hf_shipment_at(&engine->shipments, index)->state == HF_STATE_NONE);
}

size_t hf_image_item_bound(const struct hf_engine *engine, enum hf_item item, uint32_t index)
{
    size_t lines_bytes = 0;

    if (is_free_slot(engine, item, index)) {
        return ITEM_BYTES_MAX;
    }
    if (item == HF_ITEM_RESERVATION) {
        lines_bytes = (size_t)LINE_BYTES_MAX *
                      lines_count_of(engine, hf_reservation_at(&engine->reservations, index));
    } else if (item == HF_ITEM_SHIPMENT) {
        lines_bytes = (size_t)SHIPMENT_LINE_BYTES_MAX *
                      shipment_lines_count(engine, hf_shipment_at(&engine->shipments, index));
    }
    return ITEM_BYTES_MAX + lines_bytes;
}

uint64_t hf_image_opened_lsn(const struct hf_engine *engine, enum hf_item item, uint32_t index)
{
    if (is_free_slot(engine, item, index)) {
        return 0;
    }
    return item == HF_ITEM_RESERVATION ? hf_reservation_at(&engine->reservations, index)->opened_lsn
           : item == HF_ITEM_SHIPMENT  ? hf_shipment_at(&engine->shipments, index)->opened_lsn
           : item == HF_ITEM_REF       ? hf_ref_at(&engine->names, index)->lsn
                                       : 0;
}

unsigned char *hf_image_put(const struct hf_engine *engine, enum hf_item item, uint32_t index,
                            unsigned char *at)
{
    if (is_free_slot(engine, item, index)) {
        return at;
    }
    *at++ = tags[item];
    switch (item) {
    case HF_ITEM_HEAD:
        return put_head(engine, at);
    case HF_ITEM_REGION:
        return hf_put_text(at, hf_catalog_text(&engine->catalog, HF_CODE_REGION, index));
    case HF_ITEM_LOCATION: {
        const struct hf_location *location = hf_location_at(&engine->catalog, index);
        at = hf_put_text(at, hf_catalog_text(&engine->catalog, HF_CODE_LOCATION, index));
        at = hf_put_varint(at, (uint32_t)(location->region + 1));
        *at++ = location->is_in_transit_sellable;
        return at;
    }
    case HF_ITEM_SKU:
        return hf_put_text(at, hf_catalog_text(&engine->catalog, HF_CODE_SKU, index));
    case HF_ITEM_CELL:
        return put_cell(engine, index, at);
    case HF_ITEM_RESERVATION:
        return put_reservation(engine, index, at);
    case HF_ITEM_REF:
        return put_ref(engine, index, at);
    case HF_ITEM_SHIPMENT:
        return put_shipment(engine, index, at);
    }
    HF_ASSERT(false && "no other items");
    return at;
}

size_t hf_engine_copy(struct hf_engine *engine, struct hf_image_cursor *cursor, void *buffer,
                      size_t buffer_bytes)
{
    unsigned char *at = buffer;
    const unsigned char *end = at + buffer_bytes;

    HF_ASSERT(buffer_bytes >= HF_IMAGE_BYTES_MIN);
    if (cursor->section == 0) {
        cursor->section = HF_ITEM_HEAD;
    }
    while (cursor->section < HF_ITEMS_END) {
        const enum hf_item item = (enum hf_item)cursor->section;
        const uint64_t size = hf_image_section_size(engine, item);
        for (; cursor->index < size; cursor->index++) {
            const uint32_t index = (uint32_t)cursor->index;
            if ((size_t)(end - at) < hf_image_item_bound(engine, item, index)) {
                return (size_t)(at - (unsigned char *)buffer);
            }
            at = hf_image_put(engine, item, index, at);
        }
        cursor->section++;
        cursor->index = 0;
    }
    return (size_t)(at - (unsigned char *)buffer);
}
