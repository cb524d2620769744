/*
 * table.h - sharded hash index: from the hash of a key to the index of an item in a pool.
 *
 *     hash (64 bits)   | shard: top 12 | ............ | tag: low 32 |
 *     shard            [ tag:index ][ empty ][ tag:index ] ...       linear probing, a power of two
 *
 * The keys themselves stay in the pool; the table compares tags and the caller compares keys. A
 * slot keeps the whole 32-bit tag, which is also the probe's start, so a shard grows without
 * looking at a single key. Growth is a shard at a time: the pause is that of rehashing one
 * shard, about 1/4096 of the table.
 *
 *     region k   | slice of shard 0 | slice of shard 1 | ...   each of 8 << k slots
 *
 * Shards of one size lie side by side in a region of reserved address space, in large pages as soon
 * as it is worth it: keys are looked up all over the table, and with small pages each look would
 * miss the processor's translation buffer, too. A region is given back when no shard is in it.
 *
 * Removal shifts later slots back, so there are no tombstones and no clean-up.
 */
#ifndef HF_ENGINE_TABLE_H
#define HF_ENGINE_TABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/err.h"
#include "engine/pool.h"

#define HF_TABLE_SHARD_BITS 12
#define HF_TABLE_SHARDS (1u << HF_TABLE_SHARD_BITS)

struct hf_table_shard {
    uint64_t *slots; /* tag in the high half, index + 1 in the low one; 0: empty */
    uint32_t mask;   /* slots_count - 1 */
    uint32_t used_count;
};

#define HF_TABLE_REGIONS 24 /* shards of 2^26 slots, each */

struct hf_table_region {
    uint64_t *slots;        /* NULL: none */
    uint32_t shards_count;  /* that are in it */
    uint32_t touched_count; /* that have been */
};

struct hf_table {
    struct hf_table_shard *shards;
    uint64_t memory_bytes;
    uint64_t no_slots; /* always 0: what a shard without slots of its own is probed in */
    struct hf_table_region regions[HF_TABLE_REGIONS];
};

/* The table must stay where it is: its empty shards point into it. */
enum hf_err hf_table_init(struct hf_table *table);
void hf_table_release(struct hf_table *table);

/* The region that half of the shards are in, at least; HF_TABLE_REGIONS: none. And its bytes. */
uint32_t hf_table_region(const struct hf_table *table);
uint64_t hf_table_region_bytes(uint32_t region);
/* Have address space for a region before the first shard moves there. NULL: none. */
uint64_t *hf_table_reserve(struct hf_table *table, uint32_t region);

/* The table is empty: take memory for `count` keys at once. False: no memory. */
bool hf_table_expect(struct hf_table *table, uint64_t count);
/* Make sure that `count` keys can be added to the shard of `hash`. False: no memory. */
bool hf_table_make_room(struct hf_table *table, uint64_t hash, uint32_t count);
/* Add; there must be room, and the key must not be there. */
void hf_table_add(struct hf_table *table, uint64_t hash, uint32_t index);
/* Remove the entry with this very index; it must be there. */
void hf_table_remove(struct hf_table *table, uint64_t hash, uint32_t index);

/* Candidates for a key: those with its tag. hf_probe_next gives HF_NONE when there are no more. */
struct hf_probe {
    const uint64_t *slots;
    uint32_t mask;
    uint32_t at;
    uint32_t tag;
};

static inline struct hf_table_shard *hf_table_shard_of(const struct hf_table *table, uint64_t hash)
{
    return &table->shards[hash >> (64 - HF_TABLE_SHARD_BITS)];
}

static inline struct hf_probe hf_table_probe(const struct hf_table *table, uint64_t hash)
{
    const struct hf_table_shard *shard = hf_table_shard_of(table, hash);
    const uint32_t tag = (uint32_t)hash;
    return (struct hf_probe){shard->slots, shard->mask, tag & shard->mask, tag};
}

static inline uint32_t hf_probe_next(struct hf_probe *probe)
{
    for (;;) {
        const uint64_t slot = probe->slots[probe->at];
        if (slot == 0) {
            return HF_NONE;
        }
        probe->at = (probe->at + 1) & probe->mask;
        if ((uint32_t)(slot >> 32) == probe->tag) {
            return (uint32_t)slot - 1;
        }
    }
}

/* For whoever will look for a key soon: have its first slot fetched; and when that has come, the
 * first candidate, which needs not be the one (HF_NONE: none). */
static inline void hf_table_fetch(const struct hf_table *table, uint64_t hash)
{
    const struct hf_table_shard *shard = hf_table_shard_of(table, hash);
    hf_prefetch(&shard->slots[(uint32_t)hash & shard->mask]);
}

static inline uint32_t hf_table_peek(const struct hf_table *table, uint64_t hash)
{
    struct hf_probe probe = hf_table_probe(table, hash);
    return hf_probe_next(&probe);
}

#endif
