#include "engine/cell.h"

#include <xxhash.h>

#include "engine/assert.h"
#include "engine/op.h"

static const struct hf_policy no_policy = {.low_stock = HF_LOW_STOCK_NONE};

enum hf_err hf_cells_init(struct hf_cells *cells, uint32_t cells_max)
{
    *cells = (struct hf_cells){0};
    if (hf_pool_init(&cells->pool, sizeof(struct hf_cell), cells_max) != HF_OK ||
        hf_pool_init(&cells->policies, sizeof(struct hf_policy), cells_max) != HF_OK ||
        hf_table_init(&cells->table) != HF_OK) {
        hf_cells_release(cells);
        return HF_NO_MEMORY;
    }
    return HF_OK;
}

void hf_cells_release(struct hf_cells *cells)
{
    hf_pool_release(&cells->pool);
    hf_pool_release(&cells->policies);
    hf_table_release(&cells->table);
}

static uint64_t cell_hash(uint32_t sku, uint32_t location)
{
    const uint64_t key = (uint64_t)sku << 32 | location;
    return XXH3_64bits(&key, sizeof key);
}

uint32_t hf_cells_find(const struct hf_cells *cells, uint32_t sku, uint32_t location)
{
    struct hf_probe probe = hf_table_probe(&cells->table, cell_hash(sku, location));
    for (uint32_t index = hf_probe_next(&probe); index != HF_NONE; index = hf_probe_next(&probe)) {
        const struct hf_cell *cell = hf_cell_at(cells, index);
        if (cell->sku == sku && cell->location == location) {
            return index;
        }
    }
    return HF_NONE;
}

enum hf_err hf_cells_make_room(struct hf_cells *cells, uint32_t sku, uint32_t location,
                               uint32_t count)
{
    if (hf_pool_room(&cells->pool) < count ||
        !hf_table_make_room(&cells->table, cell_hash(sku, location), count)) {
        return HF_LIMIT_EXCEEDED;
    }
    return HF_OK;
}

uint32_t hf_cells_add(struct hf_cells *cells, struct hf_catalog *catalog, uint32_t sku,
                      uint32_t location)
{
    HF_ASSERT(sku < hf_catalog_count(catalog, HF_CODE_SKU));
    HF_ASSERT(location < hf_catalog_count(catalog, HF_CODE_LOCATION));

    const uint32_t index = hf_pool_take(&cells->pool);
    struct hf_sku *owner = hf_sku_at(catalog, sku);
    *hf_cell_at(cells, index) = (struct hf_cell){
        .sku = sku,
        .location = location & (HF_LOCATIONS_LIMIT - 1),
        .timed_line = HF_NONE,
        .lasting_line = HF_NONE,
        .next_of_sku = owner->first_cell,
        .policy = HF_NONE,
    };
    owner->first_cell = index;
    hf_table_add(&cells->table, cell_hash(sku, location), index);
    return index;
}

void hf_cells_remove_newest(struct hf_cells *cells, struct hf_catalog *catalog)
{
    const uint32_t index = hf_pool_live_count(&cells->pool) - 1;
    const struct hf_cell *cell = hf_cell_at(cells, index);
    struct hf_sku *owner = hf_sku_at(catalog, cell->sku);

    HF_ASSERT(owner->first_cell == index);
    HF_ASSERT(cell->timed_line == HF_NONE && cell->lasting_line == HF_NONE);
    HF_ASSERT(cell->policy == HF_NONE);
    owner->first_cell = cell->next_of_sku;
    hf_table_remove(&cells->table, cell_hash(cell->sku, cell->location), index);
    hf_pool_give(&cells->pool, index);
}

struct hf_policy hf_cell_policy(const struct hf_cells *cells, const struct hf_cell *cell)
{
    if (cell->policy == HF_NONE) {
        return no_policy;
    }
    return *(const struct hf_policy *)hf_pool_at(&cells->policies, cell->policy);
}

void hf_cell_set_policy(struct hf_cells *cells, struct hf_cell *cell,
                        const struct hf_policy *policy)
{
    const bool is_silent = policy->safety_stock == 0 && policy->backorder_limit == 0 &&
                           policy->low_stock == HF_LOW_STOCK_NONE;
    if (is_silent) {
        if (cell->policy != HF_NONE) {
            hf_pool_give(&cells->policies, cell->policy);
            cell->policy = HF_NONE;
        }
        return;
    }
    if (cell->policy == HF_NONE) {
        cell->policy = hf_pool_take(&cells->policies);
    }
    *(struct hf_policy *)hf_pool_at(&cells->policies, cell->policy) = *policy;
}

int64_t hf_cell_atf(const struct hf_cells *cells, const struct hf_cell *cell)
{
    const int64_t free_units =
        cell->units[HF_ON_HAND] - cell->units[HF_HELD] - cell->units[HF_COMMITTED];
    return cell->policy == HF_NONE ? free_units
                                   : free_units - hf_cell_policy(cells, cell).safety_stock;
}

int64_t hf_cell_ats(const struct hf_cells *cells, const struct hf_catalog *catalog,
                    const struct hf_cell *cell)
{
    const int64_t atf = hf_cell_atf(cells, cell);
    if (cell->units[HF_IN_TRANSIT] == 0 ||
        !hf_location_at(catalog, cell->location)->is_in_transit_sellable) {
        return atf;
    }
    return atf + cell->units[HF_IN_TRANSIT];
}

void hf_cell_assert(const struct hf_cell *cell)
{
    for (unsigned i = 0; i < HF_COUNTERS_COUNT; i++) {
        HF_ASSERT(cell->units[i] >= 0);
        HF_ASSERT(cell->units[i] <= HF_UNITS_MAX);
    }
}
