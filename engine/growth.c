#include "engine/growth.h"

#include "engine/state.h"

#define STEPS_AHEAD 16 /* looks whose growth the margin holds: 160 ms, about */
#define TABLE_STEPS_AHEAD                                                                          \
    128              /* a region of a table takes longer to make, and is not wanted early */
#define STEP_DECAY 8 /* a step that is not reached again fades by this part a look */

/* ------------------------------------------------------------------ regions */

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t most(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* The next part of a region that is to be made up to `target_bytes`. False: it is. */
static bool next_part(struct hf_growth_region *region, uint64_t target_bytes,
                      struct hf_memory_part *part)
{
    if (region->made_bytes >= least(target_bytes, region->bytes_max)) {
        return false;
    }
    const uint64_t at = (region->begin_bytes + region->made_bytes) % region->bytes_max;
    const uint64_t left =
        least(region->bytes_max - region->made_bytes, region->bytes_max - at); /* a ring's end */
    *part = (struct hf_memory_part){region->memory + at, least(left, HF_GROWTH_PART_BYTES)};
    region->made_bytes += part->bytes_count;
    return true;
}

/* It is used up to there by now. */
static void use(struct hf_growth_region *region, uint64_t used_bytes)
{
    used_bytes = least(used_bytes, region->bytes_max);
    used_bytes = most(used_bytes, region->used_bytes); /* a group was taken back: it was touched */
    region->step_bytes =
        most(used_bytes - region->used_bytes, region->step_bytes - region->step_bytes / STEP_DECAY);
    region->used_bytes = used_bytes;
    region->made_bytes = most(region->made_bytes, used_bytes);
}

/* Up to where it is to be made. */
static uint64_t target(const struct hf_growth_region *region)
{
    const uint64_t margin =
        most(HF_GROWTH_PART_BYTES, least(region->step_bytes * STEPS_AHEAD, HF_GROWTH_MARGIN_MAX));
    return region->used_bytes < HF_GROWTH_PART_BYTES ? 0 : region->used_bytes + margin;
}

/* ------------------------------------------------------------------ the engine's */

static void list_pools(const struct hf_engine *engine, const struct hf_pool **pools)
{
    pools[HF_GROWTH_RESERVATIONS] = &engine->reservations.pool;
    pools[HF_GROWTH_LINES] = &engine->reservations.lines;
    pools[HF_GROWTH_LONG_IDS] = &engine->reservations.long_ids;
    pools[HF_GROWTH_CELLS] = &engine->cells.pool;
    pools[HF_GROWTH_EXTRAS] = &engine->cells.extras;
    pools[HF_GROWTH_SKUS] = &engine->catalog.items[HF_CODE_SKU];
    pools[HF_GROWTH_ORDERS] = &engine->orders.pool;
    pools[HF_GROWTH_ORDER_NODES] = &engine->orders.nodes;
    pools[HF_GROWTH_REFS] = &engine->names.refs;
    pools[HF_GROWTH_SHIPMENTS] = &engine->shipments.pool;
    pools[HF_GROWTH_SHIPMENT_LINES] = &engine->shipments.lines;
}

static void measure(struct hf_growth *growth, const struct hf_engine *engine)
{
    const struct hf_pool *pools[HF_GROWTH_POOLS];
    const struct hf_ledger *ledger = &engine->ledger;
    struct hf_growth_region *regions = growth->regions;

    list_pools(engine, pools);
    for (uint32_t i = 0; i < HF_GROWTH_POOLS; i++) {
        use(&regions[i], hf_pool_memory_bytes(pools[i]));
    }
    use(&regions[HF_GROWTH_CODES], engine->catalog.bytes_count);
    use(&regions[HF_GROWTH_RECORDS], ledger->touched_bytes);
    use(&regions[HF_GROWTH_ENTRIES],
        (ledger->last_lsn + 1 - growth->first_lsn) * sizeof *ledger->entries);
    use(&regions[HF_GROWTH_NAMES],
        (engine->names.queue_end - growth->first_name) * sizeof *engine->names.queue);
}

struct table_now {
    struct hf_table *table;
    uint64_t keys_count;
};

static struct table_now table_at(struct hf_engine *engine, enum hf_growth_table_place place)
{
    switch (place) {
    case HF_GROWTH_TABLE_NAMES:
        return (struct table_now){&engine->names.table,
                                  (uint64_t)hf_pool_live_count(&engine->reservations.pool) +
                                      hf_pool_live_count(&engine->shipments.pool) +
                                      hf_pool_live_count(&engine->names.refs)};
    case HF_GROWTH_TABLE_CELLS:
        return (struct table_now){&engine->cells.table, hf_pool_live_count(&engine->cells.pool)};
    case HF_GROWTH_TABLE_ORDERS:
        return (struct table_now){&engine->orders.table, hf_pool_live_count(&engine->orders.pool)};
    default:
        HF_ASSERT(place == HF_GROWTH_TABLE_SKUS);
        return (struct table_now){&engine->catalog.tables[HF_CODE_SKU],
                                  hf_catalog_count(&engine->catalog, HF_CODE_SKU)};
    }
}

void hf_growth_begin(struct hf_growth *growth, const struct hf_engine *engine)
{
    const struct hf_pool *pools[HF_GROWTH_POOLS];
    const struct hf_ledger *ledger = &engine->ledger;
    struct hf_growth_region *regions = growth->regions;

    *growth = (struct hf_growth){.first_lsn = ledger->last_lsn + 1,
                                 .first_name = engine->names.queue_end};
    list_pools(engine, pools);
    for (uint32_t i = 0; i < HF_GROWTH_POOLS; i++) {
        regions[i] = (struct hf_growth_region){.memory = pools[i]->items,
                                               .bytes_max = (uint64_t)pools[i]->items_max *
                                                            pools[i]->item_bytes};
    }
    regions[HF_GROWTH_CODES] = (struct hf_growth_region){.memory = engine->catalog.bytes,
                                                         .bytes_max = engine->catalog.bytes_max};
    regions[HF_GROWTH_RECORDS] =
        (struct hf_growth_region){.memory = ledger->bytes, .bytes_max = ledger->bytes_max};
    regions[HF_GROWTH_ENTRIES] = (struct hf_growth_region){
        .memory = (unsigned char *)ledger->entries,
        .bytes_max = ledger->entries_max * sizeof *ledger->entries,
        .begin_bytes = (growth->first_lsn & (ledger->entries_max - 1)) * sizeof *ledger->entries};
    regions[HF_GROWTH_NAMES] = (struct hf_growth_region){
        .memory = (unsigned char *)engine->names.queue,
        .bytes_max = engine->names.queue_max * sizeof *engine->names.queue,
        .begin_bytes =
            (growth->first_name & (engine->names.queue_max - 1)) * sizeof *engine->names.queue};
    measure(growth, engine);
    for (uint32_t i = 0; i < HF_GROWTH_PLACES; i++) {
        regions[i].step_bytes = 0; /* what was there at the begin is no growth */
    }
}

/* ------------------------------------------------------------------ tables */

/* It has so many keys, and the region of `index` comes next. */
static void use_table(struct hf_growth_table *growth, uint32_t index, uint64_t keys_count)
{
    if (growth->index != index) {
        const bool is_first = growth->index == 0; /* a table's next region is the second at least */
        *growth = (struct hf_growth_table){
            .index = index,
            .keys_count = is_first ? keys_count : growth->keys_count,
            .keys_step = growth->keys_step,
        };
    }
    const uint64_t step = keys_count > growth->keys_count ? keys_count - growth->keys_count : 0;
    growth->keys_step = most(step, growth->keys_step - growth->keys_step / STEP_DECAY);
    growth->keys_count = keys_count;
}

/* How far the table's next region is to be made, with its address space reserved; 0: not yet. */
static uint64_t table_target(struct hf_growth_table *growth, const struct table_now *now)
{
    const uint32_t index = hf_table_region(now->table);

    if (index + 1 >= HF_TABLE_REGIONS) {
        return 0; /* it is empty, or as large as it can get */
    }
    use_table(growth, index + 1, now->keys_count);
    growth->entered_count = now->table->regions[index + 1].touched_count;
    const uint64_t bytes_count = hf_table_region_bytes(index);
    const uint64_t keys_max = bytes_count / sizeof(uint64_t) / 4 * 3;
    if (bytes_count < HF_GROWTH_PART_BYTES ||
        growth->keys_count + growth->keys_step * TABLE_STEPS_AHEAD < keys_max) {
        return 0;
    }
    if (growth->region.memory == NULL) {
        growth->region.memory = (unsigned char *)hf_table_reserve(now->table, index + 1);
        growth->region.bytes_max = hf_table_region_bytes(index + 1);
    }
    return growth->region.memory == NULL ? 0 : growth->region.bytes_max;
}

/* What of the made part no shard has entered: they do so in no order. */
static uint64_t table_ahead_bytes(const struct hf_growth_table *growth)
{
    const uint64_t made_bytes = growth->region.made_bytes;
    return made_bytes - made_bytes / HF_TABLE_SHARDS * growth->entered_count;
}

/* ------------------------------------------------------------------ look */

uint64_t hf_growth_ahead_bytes(const struct hf_growth *growth)
{
    uint64_t bytes_count = 0;

    for (uint32_t i = 0; i < HF_GROWTH_PLACES; i++) {
        bytes_count += growth->regions[i].made_bytes - growth->regions[i].used_bytes;
    }
    for (uint32_t i = 0; i < HF_GROWTH_TABLES; i++) {
        bytes_count += table_ahead_bytes(&growth->tables[i]);
    }
    return bytes_count;
}

/* Of the regions with something to make, the one whose made memory ends first; NULL: none. */
static struct hf_growth_region *first_to_end(struct hf_growth *growth)
{
    struct hf_growth_region *first = NULL;
    uint64_t first_looks = UINT64_MAX;

    for (uint32_t i = 0; i < HF_GROWTH_PLACES; i++) {
        struct hf_growth_region *region = &growth->regions[i];
        const uint64_t ahead_bytes = region->made_bytes - region->used_bytes;
        const uint64_t looks = ahead_bytes / (region->step_bytes + 1);
        if (region->made_bytes < least(target(region), region->bytes_max) && looks < first_looks) {
            first = region;
            first_looks = looks;
        }
    }
    return first;
}

static uint64_t left_bytes(const struct hf_growth *growth, const struct hf_engine *engine)
{
    const uint64_t max = engine->config.memory_max_bytes;
    const uint64_t now = hf_engine_memory_bytes(engine) + hf_growth_ahead_bytes(growth);

    return max == 0 ? UINT64_MAX : max - least(now, max);
}

uint32_t hf_growth_look(struct hf_growth *growth, struct hf_engine *engine,
                        struct hf_memory_part *parts, uint32_t parts_max)
{
    uint32_t count = 0;

    measure(growth, engine);
    const uint64_t left_max = left_bytes(growth, engine) / HF_GROWTH_PART_BYTES;
    const uint32_t count_max = (uint32_t)least(left_max, parts_max);
    while (count < count_max) {
        struct hf_growth_region *region = first_to_end(growth);
        if (region == NULL || !next_part(region, target(region), &parts[count])) {
            break;
        }
        count++;
    }
    /* Last: they are the largest, and the others cannot wait. */
    for (uint32_t i = 0; i < HF_GROWTH_TABLES; i++) {
        const struct table_now now = table_at(engine, (enum hf_growth_table_place)i);
        const uint64_t target_bytes = table_target(&growth->tables[i], &now);
        while (count < count_max &&
               next_part(&growth->tables[i].region, target_bytes, &parts[count])) {
            count++;
        }
    }
    return count;
}
