#include "engine/catalog.h"

#include <xxhash.h>

#include "engine/assert.h"
#include "engine/limits.h"

enum hf_err hf_catalog_init(struct hf_catalog *catalog, uint32_t skus_max, uint32_t locations_max)
{
    HF_ASSERT(locations_max <= HF_LOCATIONS_LIMIT);
    HF_ASSERT(skus_max <= HF_SKUS_LIMIT);

    *catalog = (struct hf_catalog){0};
    catalog->bytes_max = ((uint64_t)skus_max + 2 * (uint64_t)locations_max) * HF_CODE_BYTES_MAX;
    catalog->bytes = hf_memory_reserve(catalog->bytes_max);
    bool ok = catalog->bytes != NULL;
    const uint32_t item_bytes[HF_CODE_CLASSES] = {sizeof(struct hf_sku), sizeof(struct hf_location),
                                                  sizeof(struct hf_region)};
    for (unsigned i = 0; i < HF_CODE_CLASSES; i++) {
        const uint32_t items_max = i == HF_CODE_SKU ? skus_max : locations_max;
        ok = ok && hf_pool_init(&catalog->items[i], item_bytes[i], items_max) == HF_OK;
        ok = ok && hf_table_init(&catalog->tables[i]) == HF_OK;
    }
    if (!ok) {
        hf_catalog_release(catalog);
        return HF_NO_MEMORY;
    }
    return HF_OK;
}

void hf_catalog_release(struct hf_catalog *catalog)
{
    for (unsigned i = 0; i < HF_CODE_CLASSES; i++) {
        hf_pool_release(&catalog->items[i]);
        hf_table_release(&catalog->tables[i]);
    }
    hf_memory_give_back(catalog->bytes, catalog->bytes_max);
    *catalog = (struct hf_catalog){0};
}

uint64_t hf_code_hash(enum hf_code_class class, struct hf_text code)
{
    return XXH3_64bits_withSeed(code.bytes, code.bytes_count, (XXH64_hash_t) class);
}

static uint64_t *text_slot(const struct hf_catalog *catalog, enum hf_code_class class,
                           uint32_t handle)
{
    return hf_pool_at(&catalog->items[class], handle); /* the first field of each struct */
}

struct hf_text hf_catalog_text(const struct hf_catalog *catalog, enum hf_code_class class,
                               uint32_t handle)
{
    HF_ASSERT(handle < hf_catalog_count(catalog, class));
    const uint64_t text = *text_slot(catalog, class, handle);
    return (struct hf_text){(const char *)catalog->bytes + (text >> 8), (uint32_t)(text & 0xFF)};
}

uint32_t hf_catalog_find(const struct hf_catalog *catalog, enum hf_code_class class,
                         struct hf_text code)
{
    struct hf_probe probe = hf_table_probe(&catalog->tables[class], hf_code_hash(class, code));
    for (uint32_t handle = hf_probe_next(&probe); handle != HF_NONE;
         handle = hf_probe_next(&probe)) {
        if (hf_text_equal(hf_catalog_text(catalog, class, handle), code)) {
            return handle;
        }
    }
    return HF_NONE;
}

uint32_t hf_catalog_count(const struct hf_catalog *catalog, enum hf_code_class class)
{
    return hf_pool_live_count(&catalog->items[class]);
}

enum hf_err hf_catalog_make_room(struct hf_catalog *catalog, enum hf_code_class class,
                                 struct hf_text code, uint32_t count)
{
    if (hf_pool_room(&catalog->items[class]) < count ||
        !hf_table_make_room(&catalog->tables[class], hf_code_hash(class, code), count)) {
        return HF_LIMIT_EXCEEDED;
    }
    return HF_OK;
}

uint32_t hf_catalog_add(struct hf_catalog *catalog, enum hf_code_class class, struct hf_text code)
{
    HF_ASSERT(code.bytes_count > 0);
    HF_ASSERT(code.bytes_count <= HF_CODE_BYTES_MAX);
    HF_ASSERT(catalog->bytes_count + code.bytes_count <= catalog->bytes_max);

    const uint32_t handle = hf_pool_take(&catalog->items[class]);
    HF_ASSERT(handle + 1 == hf_catalog_count(catalog, class)); /* handles have no gaps */
    *text_slot(catalog, class, handle) = catalog->bytes_count << 8 | code.bytes_count;
    memcpy(catalog->bytes + catalog->bytes_count, code.bytes, code.bytes_count);
    catalog->bytes_count += code.bytes_count;
    hf_table_add(&catalog->tables[class], hf_code_hash(class, code), handle);
    if (class == HF_CODE_SKU) {
        hf_sku_at(catalog, handle)->first_cell = HF_NONE;
    } else if (class == HF_CODE_LOCATION) {
        hf_location_at(catalog, handle)->region = HF_NONE;
        hf_location_at(catalog, handle)->is_in_transit_sellable = true;
    }
    return handle;
}

void hf_catalog_remove_newest(struct hf_catalog *catalog, enum hf_code_class class)
{
    const uint32_t handle = hf_catalog_count(catalog, class) - 1;
    const struct hf_text code = hf_catalog_text(catalog, class, handle);

    HF_ASSERT((const unsigned char *)code.bytes + code.bytes_count ==
              catalog->bytes + catalog->bytes_count);
    hf_table_remove(&catalog->tables[class], hf_code_hash(class, code), handle);
    catalog->bytes_count -= code.bytes_count;
    hf_pool_give(&catalog->items[class], handle);
}

uint64_t hf_catalog_memory_bytes(const struct hf_catalog *catalog)
{
    uint64_t bytes_count = catalog->bytes_count;
    for (unsigned i = 0; i < HF_CODE_CLASSES; i++) {
        bytes_count += hf_pool_memory_bytes(&catalog->items[i]) + catalog->tables[i].memory_bytes;
    }
    return bytes_count;
}
