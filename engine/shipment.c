#include "engine/shipment.h"

#include <string.h>

enum hf_err hf_shipments_init(struct hf_shipments *shipments, uint32_t shipments_max,
                              uint32_t lines_max)
{
    *shipments = (struct hf_shipments){0};
    if (hf_pool_init(&shipments->pool, sizeof(struct hf_shipment), shipments_max) != HF_OK ||
        hf_pool_init(&shipments->lines, sizeof(struct hf_shipment_line), lines_max) != HF_OK) {
        hf_shipments_release(shipments);
        return HF_NO_MEMORY;
    }
    return HF_OK;
}

void hf_shipments_release(struct hf_shipments *shipments)
{
    hf_pool_release(&shipments->pool);
    hf_pool_release(&shipments->lines);
}

uint32_t hf_shipments_add(struct hf_shipments *shipments, struct hf_text id)
{
    HF_ASSERT(id.bytes_count > 0);
    HF_ASSERT(id.bytes_count <= HF_CODE_BYTES_MAX);

    const uint32_t index = hf_pool_take(&shipments->pool);
    struct hf_shipment *shipment = hf_shipment_at(shipments, index);
    shipment->first_line = HF_NONE;
    shipment->id_bytes = (uint8_t)id.bytes_count;
    memcpy(shipment->id, id.bytes, id.bytes_count);
    return index;
}

void hf_shipments_remove(struct hf_shipments *shipments, uint32_t index)
{
    for (uint32_t at = hf_shipment_at(shipments, index)->first_line; at != HF_NONE;) {
        const uint32_t next = hf_shipment_line_at(shipments, at)->next;
        hf_pool_give(&shipments->lines, at);
        at = next;
    }
    hf_pool_give(&shipments->pool, index);
}

uint32_t hf_shipment_line_add(struct hf_shipments *shipments, uint32_t shipment, uint32_t last,
                              uint32_t sku, int64_t units)
{
    HF_ASSERT(units > 0);
    HF_ASSERT(units <= HF_UNITS_MAX);

    const uint32_t index = hf_pool_take(&shipments->lines);
    *hf_shipment_line_at(shipments, index) = (struct hf_shipment_line){
        .shipment = shipment, .next = HF_NONE, .sku = sku, .units = units};
    if (last == HF_NONE) {
        hf_shipment_at(shipments, shipment)->first_line = index;
    } else {
        hf_shipment_line_at(shipments, last)->next = index;
    }
    return index;
}

uint32_t hf_shipment_line_find(const struct hf_shipments *shipments, uint32_t shipment,
                               uint32_t sku)
{
    uint32_t at = hf_shipment_at(shipments, shipment)->first_line;

    while (at != HF_NONE && hf_shipment_line_at(shipments, at)->sku != sku) {
        at = hf_shipment_line_at(shipments, at)->next;
    }
    return at;
}

uint64_t hf_shipments_memory_bytes(const struct hf_shipments *shipments)
{
    return hf_pool_memory_bytes(&shipments->pool) + hf_pool_memory_bytes(&shipments->lines);
}
