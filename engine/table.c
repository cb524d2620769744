#include "engine/table.h"

#include <stdlib.h>

#include "engine/assert.h"

#define SLOTS_MIN 8

enum hf_err hf_table_init(struct hf_table *table)
{
    *table = (struct hf_table){.memory_bytes = HF_TABLE_SHARDS * sizeof *table->shards};
    table->shards = calloc(HF_TABLE_SHARDS, sizeof *table->shards);
    if (table->shards == NULL) {
        return HF_NO_MEMORY;
    }
    for (uint32_t i = 0; i < HF_TABLE_SHARDS; i++) {
        table->shards[i].slots = &table->no_slots;
    }
    return HF_OK;
}

/* ------------------------------------------------------------------ regions */

static uint64_t slice_slots(uint32_t region)
{
    return (uint64_t)SLOTS_MIN << region;
}

static uint64_t slice_bytes(uint32_t region)
{
    return slice_slots(region) * sizeof(uint64_t);
}

uint64_t hf_table_region_bytes(uint32_t region)
{
    HF_ASSERT(region < HF_TABLE_REGIONS);
    return HF_TABLE_SHARDS * slice_bytes(region);
}

uint32_t hf_table_region(const struct hf_table *table)
{
    uint32_t region = 0;

    while (region < HF_TABLE_REGIONS && table->regions[region].shards_count < HF_TABLE_SHARDS / 2) {
        region++;
    }
    return region;
}

uint64_t *hf_table_reserve(struct hf_table *table, uint32_t region)
{
    HF_ASSERT(region < HF_TABLE_REGIONS);

    if (table->regions[region].slots == NULL) {
        table->regions[region].slots = hf_memory_reserve(hf_table_region_bytes(region));
    }
    return table->regions[region].slots;
}

static void give_region_back(struct hf_table *table, uint32_t index)
{
    struct hf_table_region *region = &table->regions[index];

    hf_memory_give_back(region->slots, hf_table_region_bytes(index));
    table->memory_bytes -= region->touched_count * slice_bytes(index);
    *region = (struct hf_table_region){0};
}

void hf_table_release(struct hf_table *table)
{
    for (uint32_t i = 0; i < HF_TABLE_REGIONS; i++) {
        give_region_back(table, i);
    }
    free(table->shards);
    *table = (struct hf_table){0};
}

/* The shard's slice of a region, all zeros, which counts as used from now on; NULL: no memory. */
static uint64_t *enter_region(struct hf_table *table, uint32_t index, uint32_t shard)
{
    struct hf_table_region *region = &table->regions[index];

    if (hf_table_reserve(table, index) == NULL) {
        return NULL;
    }
    region->shards_count++;
    region->touched_count++;
    table->memory_bytes += slice_bytes(index);
    return region->slots + shard * slice_slots(index);
}

/* The last one that leaves gives the region back: shards grow at about the same time. */
static void leave_region(struct hf_table *table, uint32_t index)
{
    HF_ASSERT(table->regions[index].shards_count > 0);
    if (--table->regions[index].shards_count == 0) {
        give_region_back(table, index);
    }
}

/* Of a shard that has slots. */
static uint32_t region_of(const struct hf_table_shard *shard)
{
    return (uint32_t)__builtin_ctzll((uint64_t)shard->mask + 1) -
           (uint32_t)__builtin_ctz(SLOTS_MIN);
}

/* ------------------------------------------------------------------ shards */

static uint32_t slot_home(uint64_t slot, uint32_t mask)
{
    return (uint32_t)(slot >> 32) & mask;
}

static void shard_put(struct hf_table_shard *shard, uint64_t slot)
{
    uint32_t at = slot_home(slot, shard->mask);
    while (shard->slots[at] != 0) {
        at = (at + 1) & shard->mask;
    }
    shard->slots[at] = slot;
    shard->used_count++;
}

/* Full at three quarters: linear probing then looks at about two and a half slots for a hit. */
static bool shard_holds(uint64_t slots_count, uint64_t keys_count)
{
    return keys_count * 4 <= slots_count * 3;
}

/* The smallest region whose slices hold so many keys. */
static uint32_t region_for(uint64_t keys_count)
{
    uint32_t region = 0;

    while (!shard_holds(slice_slots(region), keys_count)) {
        region++;
    }
    return region;
}

bool hf_table_make_room(struct hf_table *table, uint64_t hash, uint32_t count)
{
    struct hf_table_shard *shard = hf_table_shard_of(table, hash);
    const bool is_new = shard->slots == &table->no_slots;
    const uint64_t slots_before = is_new ? 0 : (uint64_t)shard->mask + 1;
    const uint64_t keys_count = (uint64_t)shard->used_count + count;

    if (shard_holds(slots_before, keys_count)) {
        return true;
    }
    const uint32_t region = region_for(keys_count);
    struct hf_table_shard grown = {.mask = (uint32_t)(slice_slots(region) - 1)};
    grown.slots = region < HF_TABLE_REGIONS
                      ? enter_region(table, region, (uint32_t)(shard - table->shards))
                      : NULL;
    if (grown.slots == NULL) {
        return false;
    }
    for (uint64_t i = 0; i < slots_before; i++) {
        if (shard->slots[i] != 0) {
            shard_put(&grown, shard->slots[i]);
        }
    }
    HF_ASSERT(grown.used_count == shard->used_count);
    if (!is_new) {
        leave_region(table, region_of(shard));
    }
    *shard = grown;
    return true;
}

bool hf_table_expect(struct hf_table *table, uint64_t count)
{
    /* As many as the shards would come to by themselves: one with more keys than most grows. */
    const uint32_t region = region_for(count / HF_TABLE_SHARDS);

    if (count < HF_TABLE_SHARDS || region >= HF_TABLE_REGIONS) {
        return true; /* they will grow as keys come */
    }
    for (uint32_t i = 0; i < HF_TABLE_SHARDS; i++) {
        HF_ASSERT(table->shards[i].used_count == 0);
        uint64_t *slots = enter_region(table, region, i);
        if (slots == NULL) {
            return false;
        }
        if (table->shards[i].slots != &table->no_slots) {
            leave_region(table, region_of(&table->shards[i]));
        }
        table->shards[i] =
            (struct hf_table_shard){.slots = slots, .mask = (uint32_t)(slice_slots(region) - 1)};
    }
    /* What is not there yet cannot be fetched ahead. */
    hf_memory_touch(table->regions[region].slots, hf_table_region_bytes(region));
    return true;
}

void hf_table_add(struct hf_table *table, uint64_t hash, uint32_t index)
{
    struct hf_table_shard *shard = hf_table_shard_of(table, hash);

    HF_ASSERT(shard->slots != &table->no_slots);
    HF_ASSERT(shard->used_count < shard->mask);
    shard_put(shard, (uint64_t)(uint32_t)hash << 32 | (index + 1));
}

void hf_table_remove(struct hf_table *table, uint64_t hash, uint32_t index)
{
    struct hf_table_shard *shard = hf_table_shard_of(table, hash);
    const uint64_t slot = (uint64_t)(uint32_t)hash << 32 | (index + 1);
    uint32_t hole = slot_home(slot, shard->mask);

    while (shard->slots[hole] != slot) {
        HF_ASSERT(shard->slots[hole] != 0);
        hole = (hole + 1) & shard->mask;
    }
    /* Close the hole: move back each later slot whose home is not between the hole and itself. */
    for (uint32_t at = (hole + 1) & shard->mask; shard->slots[at] != 0;
         at = (at + 1) & shard->mask) {
        const uint32_t home = slot_home(shard->slots[at], shard->mask);
        if (((at - home) & shard->mask) >= ((at - hole) & shard->mask)) {
            shard->slots[hole] = shard->slots[at];
            hole = at;
        }
    }
    shard->slots[hole] = 0;
    shard->used_count--;
}
