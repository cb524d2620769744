/*
 * digest.c - P7: one number for the whole state.
 *
 * The sum, modulo 2^128 by halves, of XXH3-128 of every item of the image (image.h). A sum does
 * not care in which order the pools hold the items, and every item is in it with all its bytes.
 */
#include "engine/digest.h"

#include <xxhash.h>

#include "engine/image.h"

/* So many bytes of an item cost a step as much as an item. */
#define BYTES_AN_ITEM 128

/* Hash of an item as it is now; zero for a free slot. */
static struct hf_digest item_hash(const struct hf_engine *engine, unsigned item, uint64_t index,
                                  unsigned char *buffer, size_t *bytes_count)
{
    const unsigned char *end = hf_image_put(engine, (enum hf_item)item, (uint32_t)index, buffer);
    *bytes_count = (size_t)(end - buffer);
    if (end == buffer) {
        return (struct hf_digest){0};
    }
    const XXH128_hash_t hash = XXH3_128bits(buffer, *bytes_count);
    return (struct hf_digest){.low = hash.low64, .high = hash.high64};
}

static void add(struct hf_digest *sum, struct hf_digest hash)
{
    sum->low += hash.low;
    sum->high += hash.high;
}

static void subtract(struct hf_digest *sum, struct hf_digest hash)
{
    sum->low -= hash.low;
    sum->high -= hash.high;
}

bool hf_engine_digest_begin(struct hf_engine *engine)
{
    struct hf_digest_run *run = &engine->digest;
    if (run->is_running) {
        return false;
    }
    run->is_running = true;
    engine->watchers |= HF_WATCH_DIGEST;
    run->lsn = engine->last_lsn;
    size_t bytes_count;
    run->sum = /* the head changes with every record */
        item_hash(engine, HF_ITEM_HEAD, 0, run->buffer, &bytes_count);
    run->cursor = (struct hf_image_cursor){.section = HF_ITEM_REGION};
    return true;
}

bool hf_engine_digest_step(struct hf_engine *engine, uint32_t items_max, struct hf_digest *digest,
                           uint64_t *lsn)
{
    struct hf_digest_run *run = &engine->digest;

    HF_ASSERT(run->is_running);
    for (uint64_t cost = 0; run->cursor.section < HF_ITEMS_END && cost < items_max;) {
        size_t bytes_count;
        if (run->cursor.index >= hf_image_section_size(engine, (enum hf_item)run->cursor.section)) {
            run->cursor = (struct hf_image_cursor){.section = run->cursor.section + 1};
            continue;
        }
        add(&run->sum,
            item_hash(engine, run->cursor.section, run->cursor.index, run->buffer, &bytes_count));
        run->cursor.index++;
        cost += 1 + bytes_count / BYTES_AN_ITEM;
    }
    if (run->cursor.section < HF_ITEMS_END) {
        return false;
    }
    *digest = run->sum;
    *lsn = run->lsn;
    hf_engine_digest_cancel(engine);
    return true;
}

void hf_engine_digest_cancel(struct hf_engine *engine)
{
    engine->digest.is_running = false;
    engine->watchers &= ~(uint32_t)HF_WATCH_DIGEST;
}

void hf_digest_correct(struct hf_engine *engine, unsigned item, uint32_t index, bool is_before)
{
    struct hf_digest_run *run = &engine->digest;

    if (item < run->cursor.section || (item == run->cursor.section && index < run->cursor.index)) {
        return; /* in the sum already, as it was */
    }
    size_t bytes_count;
    const struct hf_digest hash = item_hash(engine, item, index, run->buffer, &bytes_count);
    if (is_before) {
        add(&run->sum, hash);
    } else {
        subtract(&run->sum, hash);
    }
}

struct hf_digest hf_engine_digest(struct hf_engine *engine)
{
    struct hf_digest digest = {0};
    size_t bytes_count;

    for (unsigned item = HF_ITEM_HEAD; item < HF_ITEMS_END; item++) {
        const uint64_t size = hf_image_section_size(engine, (enum hf_item)item);
        for (uint64_t index = 0; index < size; index++) {
            /* A run that is on keeps nothing in the buffer between its steps. */
            add(&digest, item_hash(engine, item, index, engine->digest.buffer, &bytes_count));
        }
    }
    return digest;
}
