#include "engine/cell.h"

#include <xxhash.h>

#include "engine/assert.h"
#include "engine/op.h"

static const struct hf_cell_extra no_extra = {.policy = {.low_stock = HF_LOW_STOCK_NONE}};

enum hf_err hf_cells_init(struct hf_cells *cells, uint32_t cells_max)
{
    *cells = (struct hf_cells){0};
    if (hf_pool_init(&cells->pool, sizeof(struct hf_cell), cells_max) != HF_OK ||
        hf_pool_init(&cells->extras, sizeof(struct hf_cell_extra), cells_max) != HF_OK ||
        hf_table_init(&cells->table) != HF_OK) {
        hf_cells_release(cells);
        return HF_NO_MEMORY;
    }
    return HF_OK;
}

void hf_cells_release(struct hf_cells *cells)
{
    hf_pool_release(&cells->pool);
    hf_pool_release(&cells->extras);
    hf_table_release(&cells->table);
}

uint64_t hf_cell_hash(uint32_t sku, uint32_t location)
{
    const uint64_t key = (uint64_t)sku << 32 | location;
    return XXH3_64bits(&key, sizeof key);
}

uint32_t hf_cells_find(const struct hf_cells *cells, uint32_t sku, uint32_t location)
{
    return hf_cells_find_hashed(cells, sku, location, hf_cell_hash(sku, location));
}

uint32_t hf_cells_find_hashed(const struct hf_cells *cells, uint32_t sku, uint32_t location,
                              uint64_t hash)
{
    struct hf_probe probe = hf_table_probe(&cells->table, hash);
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
        !hf_table_make_room(&cells->table, hf_cell_hash(sku, location), count)) {
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
        .extra = HF_NONE,
        .is_out = 1,
    };
    owner->first_cell = index;
    hf_table_add(&cells->table, hf_cell_hash(sku, location), index);
    return index;
}

void hf_cells_remove_newest(struct hf_cells *cells, struct hf_catalog *catalog)
{
    const uint32_t index = hf_pool_live_count(&cells->pool) - 1;
    const struct hf_cell *cell = hf_cell_at(cells, index);
    struct hf_sku *owner = hf_sku_at(catalog, cell->sku);

    HF_ASSERT(owner->first_cell == index);
    HF_ASSERT(cell->timed_line == HF_NONE && cell->lasting_line == HF_NONE);
    HF_ASSERT(cell->extra == HF_NONE);
    owner->first_cell = cell->next_of_sku;
    hf_table_remove(&cells->table, hf_cell_hash(cell->sku, cell->location), index);
    hf_pool_give(&cells->pool, index);
}

static struct hf_cell_extra *extra_at(const struct hf_cells *cells, uint32_t index)
{
    return hf_pool_at(&cells->extras, index);
}

struct hf_cell_extra hf_cell_extra(const struct hf_cells *cells, const struct hf_cell *cell)
{
    return cell->extra == HF_NONE ? no_extra : *extra_at(cells, cell->extra);
}

struct hf_policy hf_cell_policy(const struct hf_cells *cells, const struct hf_cell *cell)
{
    return cell->extra == HF_NONE ? no_extra.policy : extra_at(cells, cell->extra)->policy;
}

void hf_cell_set_extra(struct hf_cells *cells, struct hf_cell *cell,
                       const struct hf_cell_extra *extra)
{
    if (memcmp(extra, &no_extra, sizeof no_extra) == 0) {
        if (cell->extra != HF_NONE) {
            hf_pool_give(&cells->extras, cell->extra);
            cell->extra = HF_NONE;
        }
        return;
    }
    if (cell->extra == HF_NONE) {
        cell->extra = hf_pool_take(&cells->extras);
    }
    *extra_at(cells, cell->extra) = *extra;
}

void hf_cell_values(const struct hf_cells *cells, const struct hf_cell *cell, int64_t *values)
{
    memcpy(values, cell->hot, sizeof cell->hot);
    if (cell->extra == HF_NONE) {
        memset(values + HF_COUNTERS_HOT, 0, sizeof no_extra.rare);
    } else {
        memcpy(values + HF_COUNTERS_HOT, extra_at(cells, cell->extra)->rare, sizeof no_extra.rare);
    }
}

static int64_t free_units(const struct hf_cell *cell)
{
    return cell->hot[HF_ON_HAND] - cell->hot[HF_HELD] - cell->hot[HF_COMMITTED];
}

int64_t hf_cell_atf(const struct hf_cells *cells, const struct hf_cell *cell)
{
    return cell->extra == HF_NONE
               ? free_units(cell)
               : free_units(cell) - extra_at(cells, cell->extra)->policy.safety_stock;
}

/* The part of in_transit that may be sold before it arrives. */
static int64_t sellable_in_transit(const struct hf_cells *cells, const struct hf_catalog *catalog,
                                   const struct hf_cell *cell)
{
    const struct hf_cell_extra *extra = extra_at(cells, cell->extra);
    const int64_t in_transit = extra->rare[HF_IN_TRANSIT - HF_COUNTERS_HOT];

    if (in_transit == 0) {
        return 0;
    }
    const int64_t transfers = in_transit - extra->inbound_sellable - extra->inbound_kept;
    return extra->inbound_sellable +
           (hf_location_at(catalog, cell->location)->is_in_transit_sellable ? transfers : 0);
}

int64_t hf_cell_ats(const struct hf_cells *cells, const struct hf_catalog *catalog,
                    const struct hf_cell *cell)
{
    return cell->extra == HF_NONE
               ? free_units(cell)
               : hf_cell_atf(cells, cell) + sellable_in_transit(cells, catalog, cell);
}

int64_t hf_cell_shortage(const struct hf_cells *cells, const struct hf_catalog *catalog,
                         const struct hf_cell *cell)
{
    int64_t missing = -free_units(cell);

    if (cell->extra != HF_NONE) {
        missing -= sellable_in_transit(cells, catalog, cell) +
                   extra_at(cells, cell->extra)->policy.backorder_limit;
    }
    return missing > 0 ? missing : 0;
}

void hf_cell_assert(const struct hf_cells *cells, const struct hf_cell *cell)
{
    for (unsigned i = 0; i < HF_COUNTERS_HOT; i++) {
        HF_ASSERT(cell->hot[i] >= 0);
        HF_ASSERT(cell->hot[i] <= HF_UNITS_MAX);
    }
    if (cell->extra != HF_NONE) {
        int64_t values[HF_COUNTERS_COUNT];
        const struct hf_cell_extra *extra = extra_at(cells, cell->extra);
        hf_cell_values(cells, cell, values);
        for (unsigned i = HF_COUNTERS_HOT; i < HF_COUNTERS_COUNT; i++) {
            HF_ASSERT(values[i] >= 0);
            HF_ASSERT(values[i] <= HF_UNITS_MAX);
        }
        HF_ASSERT(extra->inbound_sellable >= 0);
        HF_ASSERT(extra->inbound_kept >= 0);
        HF_ASSERT(extra->inbound_sellable + extra->inbound_kept <= values[HF_IN_TRANSIT]);
    }
}
