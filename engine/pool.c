#include "engine/pool.h"

#include <string.h>
#include <sys/mman.h>

#define LARGE_PAGE_BYTES (UINT64_C(2) * 1024 * 1024)
#define SMALL_PAGE_BYTES 4096
#define SMALL_PART_BYTES LARGE_PAGE_BYTES /* of each region: an empty engine takes little memory */

/* A wish: where the system has no large pages, or none left, nothing is different. */
static void wish_large_pages(unsigned char *memory, uint64_t bytes_count)
{
    (void)madvise(memory, bytes_count, MADV_HUGEPAGE);
}

void *hf_memory_reserve(uint64_t bytes_count)
{
    unsigned char *memory = mmap(NULL, bytes_count, PROT_READ | PROT_WRITE,
                                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) {
        return NULL;
    }
    if (bytes_count >= SMALL_PART_BYTES + LARGE_PAGE_BYTES) {
        wish_large_pages(memory + SMALL_PART_BYTES, bytes_count - SMALL_PART_BYTES);
    }
    return memory;
}

void hf_memory_touch(void *memory, uint64_t bytes_count)
{
    volatile unsigned char *bytes = memory;

    for (uint64_t at = 0; at < bytes_count; at += SMALL_PAGE_BYTES) {
        bytes[at] = 0;
    }
}

void hf_memory_populate(void *memory, uint64_t bytes_count)
{
    const uintptr_t begin = (uintptr_t)memory / SMALL_PAGE_BYTES * SMALL_PAGE_BYTES;
    const uint64_t inside_bytes = (uintptr_t)memory - begin;

#ifdef MADV_POPULATE_WRITE
    (void)madvise((void *)begin, bytes_count + inside_bytes, MADV_POPULATE_WRITE);
#endif
}

void hf_memory_give_back(void *memory, uint64_t bytes_count)
{
    if (memory != NULL) {
        munmap(memory, bytes_count);
    }
}

enum hf_err hf_pool_init(struct hf_pool *pool, uint32_t item_bytes, uint32_t items_max)
{
    HF_ASSERT(item_bytes >= sizeof(uint32_t));
    HF_ASSERT(items_max > 0);
    HF_ASSERT(items_max <= UINT32_C(1) << 31);

    *pool =
        (struct hf_pool){.item_bytes = item_bytes, .items_max = items_max, .free_head = HF_NONE};
    pool->items = hf_memory_reserve((uint64_t)item_bytes * items_max);
    return pool->items == NULL ? HF_NO_MEMORY : HF_OK;
}

void hf_pool_release(struct hf_pool *pool)
{
    hf_memory_give_back(pool->items, (uint64_t)pool->item_bytes * pool->items_max);
    *pool = (struct hf_pool){0};
}

uint32_t hf_pool_take(struct hf_pool *pool)
{
    HF_ASSERT(hf_pool_room(pool) > 0);

    if (pool->free_head == HF_NONE) {
        return pool->used_count++; /* fresh pages read as zeros */
    }
    const uint32_t index = pool->free_head;
    unsigned char *item = hf_pool_at(pool, index);
    memcpy(&pool->free_head, item, sizeof pool->free_head);
    memset(item, 0, sizeof pool->free_head);
    pool->free_count--;
    return index;
}

void hf_pool_take_next(struct hf_pool *pool, uint32_t count)
{
    HF_ASSERT(count <= pool->items_max - pool->used_count);
    pool->used_count += count;
}

void hf_pool_give(struct hf_pool *pool, uint32_t index)
{
    HF_ASSERT(index < pool->used_count);

    unsigned char *item = hf_pool_at(pool, index);
    memset(item, 0, pool->item_bytes);
    memcpy(item, &pool->free_head, sizeof pool->free_head);
    pool->free_head = index;
    pool->free_count++;
}
