/*
 * digest.c - P7: one number for the whole state.
 *
 * The sum, modulo 2^128 by halves, of XXH3-128 of every item of the image (image.h). A sum does
 * not care in which order the pools hold the items, and every item is in it with all its bytes.
 */
#include <xxhash.h>

#include "engine/image.h"

struct hf_digest hf_engine_digest(struct hf_engine *engine)
{
    struct hf_digest digest = {0};
    unsigned char *buffer = hf_memory_reserve(HF_IMAGE_BYTES_MIN);

    HF_ASSERT(buffer != NULL);
    for (unsigned item = HF_ITEM_HEAD; item < HF_ITEMS_END; item++) {
        const uint64_t size = hf_image_section_size(engine, (enum hf_item)item);
        for (uint64_t index = 0; index < size; index++) {
            const unsigned char *end =
                hf_image_put(engine, (enum hf_item)item, (uint32_t)index, buffer);
            if (end == buffer) {
                continue;
            }
            const XXH128_hash_t hash = XXH3_128bits(buffer, (size_t)(end - buffer));
            digest.low += hash.low64;
            digest.high += hash.high64;
        }
    }
    hf_memory_give_back(buffer, HF_IMAGE_BYTES_MIN);
    return digest;
}
