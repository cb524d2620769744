/*
 * pool.h - items of one size, named by a 32-bit index, in address space that is reserved once.
 *
 *     items   | 0 | 1 | 2 |...| used_count-1 | never touched ...            items_max |
 *                   \___free list___/
 *
 * Nothing is moved or given back to the system while the pool lives; a page costs memory once it
 * was touched. A freed item is zeroed, except for its first four bytes, which chain the free
 * list: whoever walks the items by index must tell free ones by a later byte.
 */
#ifndef HF_ENGINE_POOL_H
#define HF_ENGINE_POOL_H

#include <stddef.h>
#include <stdint.h>

#include "engine/assert.h"
#include "engine/err.h"

#define HF_NONE UINT32_MAX /* no index */

struct hf_pool {
    unsigned char *items;
    uint32_t item_bytes;
    uint32_t items_max;
    uint32_t used_count; /* items ever handed out: the high-water mark */
    uint32_t free_head;
    uint32_t free_count;
};

/* Reserve address space; HF_NO_MEMORY leaves the pool released. items_max 1 .. 2^31. */
enum hf_err hf_pool_init(struct hf_pool *pool, uint32_t item_bytes, uint32_t items_max);
void hf_pool_release(struct hf_pool *pool);

/* A zeroed item. There must be one: hf_pool_room. */
uint32_t hf_pool_take(struct hf_pool *pool);
/* The next `count` of those that were never taken, which the caller may have filled already. */
void hf_pool_take_next(struct hf_pool *pool, uint32_t count);
void hf_pool_give(struct hf_pool *pool, uint32_t index);

static inline void *hf_pool_at(const struct hf_pool *pool, uint32_t index)
{
    return pool->items + (size_t)index * pool->item_bytes;
}

/* Items that can still be taken. */
static inline uint32_t hf_pool_room(const struct hf_pool *pool)
{
    return pool->items_max - pool->used_count + pool->free_count;
}

static inline uint32_t hf_pool_live_count(const struct hf_pool *pool)
{
    return pool->used_count - pool->free_count;
}

static inline uint64_t hf_pool_memory_bytes(const struct hf_pool *pool)
{
    return (uint64_t)pool->used_count * pool->item_bytes;
}

/*
 * Have the cache line at `at` fetched, which will be read or written soon. The empty statement
 * stays where it is put: gcc 12 takes a function that only prefetches for one without effect and
 * drops its calls, and nothing tells but a profile.
 */
static inline void hf_prefetch(const void *at)
{
    __builtin_prefetch(at);
    __asm__ volatile("" : : "r"(at));
}

/*
 * Address space of zeros that costs nothing until it is touched; NULL when there is none. Behind
 * its first 2 MiB it comes in large pages, where the system has them: 512 times fewer faults and
 * misses of the translation buffer, for at most 2 MiB that are there and not needed.
 */
void *hf_memory_reserve(uint64_t bytes_count);
/* Have memory that is all zeros still, and soon needed, made now. */
void hf_memory_touch(void *memory, uint64_t bytes_count);
/* Memory that will be written to soon, for hf_memory_populate; a few parts at a time. */
#define HF_MEMORY_PARTS 2
struct hf_memory_part {
    unsigned char *memory;
    uint64_t bytes_count;
};
/* Have pages made that will be written to soon; a wish, which changes nothing. Any thread may. */
void hf_memory_populate(void *memory, uint64_t bytes_count);
void hf_memory_give_back(void *memory, uint64_t bytes_count); /* accepts NULL */

#endif
