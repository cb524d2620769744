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

/* Slots of the block stay in it, used or not, as long as the table lives. */
static bool is_in_block(const struct hf_table *table, const uint64_t *slots)
{
    return table->block != NULL && slots >= table->block &&
           slots < table->block + table->block_bytes / sizeof *slots;
}

static void slots_free(const struct hf_table *table, uint64_t *slots)
{
    if (slots != &table->no_slots && !is_in_block(table, slots)) {
        free(slots);
    }
}

void hf_table_release(struct hf_table *table)
{
    for (uint32_t i = 0; table->shards != NULL && i < HF_TABLE_SHARDS; i++) {
        slots_free(table, table->shards[i].slots);
    }
    hf_memory_give_back(table->block, table->block_bytes);
    free(table->shards);
    *table = (struct hf_table){0};
}

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

bool hf_table_make_room(struct hf_table *table, uint64_t hash, uint32_t count)
{
    struct hf_table_shard *shard = hf_table_shard_of(table, hash);
    const bool is_new = shard->slots == &table->no_slots;
    const uint64_t slots_before = is_new ? 0 : (uint64_t)shard->mask + 1;
    const uint64_t keys_count = (uint64_t)shard->used_count + count;

    if (shard_holds(slots_before, keys_count)) {
        return true;
    }
    uint64_t slots_count = is_new ? SLOTS_MIN : slots_before * 2;
    while (!shard_holds(slots_count, keys_count)) {
        slots_count *= 2;
    }
    struct hf_table_shard grown = {.mask = (uint32_t)(slots_count - 1)};
    grown.slots = calloc(slots_count, sizeof *grown.slots);
    if (grown.slots == NULL) {
        return false;
    }
    for (uint64_t i = 0; i < slots_before; i++) {
        if (shard->slots[i] != 0) {
            shard_put(&grown, shard->slots[i]);
        }
    }
    HF_ASSERT(grown.used_count == shard->used_count);
    table->memory_bytes += slots_count * sizeof *grown.slots;
    if (!is_in_block(table, shard->slots)) {
        table->memory_bytes -= slots_before * sizeof *grown.slots;
    }
    slots_free(table, shard->slots);
    *shard = grown;
    return true;
}

bool hf_table_expect(struct hf_table *table, uint64_t count)
{
    const uint64_t keys_count = count / HF_TABLE_SHARDS;
    uint64_t slots_count = SLOTS_MIN;

    HF_ASSERT(table->block == NULL);
    if (keys_count == 0) {
        return true;
    }
    /* As many as the shards would come to by themselves: one with more keys than most grows. */
    while (!shard_holds(slots_count, keys_count)) {
        slots_count *= 2;
    }
    table->block_bytes = HF_TABLE_SHARDS * slots_count * sizeof *table->block;
    table->block = hf_memory_take(table->block_bytes);
    if (table->block == NULL) {
        return false;
    }
    table->memory_bytes += table->block_bytes;
    for (uint32_t i = 0; i < HF_TABLE_SHARDS; i++) {
        HF_ASSERT(table->shards[i].used_count == 0);
        slots_free(table, table->shards[i].slots);
        table->shards[i] = (struct hf_table_shard){.slots = table->block + i * slots_count,
                                                   .mask = (uint32_t)(slots_count - 1)};
    }
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
