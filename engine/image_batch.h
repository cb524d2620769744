/*
 * image_batch.h - items of a snapshot decoded a few dozen at a time, what they need fetched ahead.
 *
 *     bytes --> decode 64 items of one kind --> fetch index slots --> fetch cells --> fetch rings
 *                                                                                       --> load
 *
 * A reservation touches an index slot of its name, one of its cell, the cell, and the lines that
 * hang there already: each a cache miss that waits for the one before. Over a batch the misses of
 * one kind overlap, which is most of what loading costs. Fetching ahead changes nothing: whatever
 * is checked or changed is done by the loader (image_load.c), item by item in their order.
 *
 * A batch ends before an item of another kind, and with one that cannot be decoded, which the
 * loader refuses in its turn.
 */
#ifndef HF_ENGINE_IMAGE_BATCH_H
#define HF_ENGINE_IMAGE_BATCH_H

#include "engine/image.h"

#define HF_IMAGE_BATCH_MAX 64

struct hf_image_batch_reservation {
    struct hf_image_reservation item;
    uint64_t hash;       /* of the id */
    uint32_t first_line; /* among the batch's lines */
    uint32_t lines_read; /* fewer than there are: the next one cannot be read */
};

struct hf_image_batch {
    enum hf_tag tag;
    uint32_t count;
    bool is_last_bad; /* behind the `count` items stands one that cannot be read */
    union {
        struct hf_image_cell cells[HF_IMAGE_BATCH_MAX];
        struct hf_image_ref refs[HF_IMAGE_BATCH_MAX];
        struct hf_image_batch_reservation reservations[HF_IMAGE_BATCH_MAX];
    };
    uint32_t lines_count;
    struct hf_image_line lines[HF_LINES_MAX + HF_IMAGE_BATCH_MAX];
};

/* Whether items of this tag come in batches. */
bool hf_image_is_batched(enum hf_tag tag);
/* Decode items of `tag` from `in` on, which stands behind the first one's tag, and fetch ahead. */
void hf_image_read_batch(const struct hf_engine *engine, struct hf_reader *in, enum hf_tag tag,
                         struct hf_image_batch *batch);

#endif
