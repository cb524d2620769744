/*
 * image.h - the state as items: what a snapshot holds and the digest is taken over.
 *
 * persistence/FORMATS.md 4 is the specification; image.c is the only code that knows the bytes.
 *
 *     HEAD, then every REGION, LOCATION, SKU (in the order of their handles), CELL, RESERVATION
 *     with its lines, REF. An item is self-contained: SKUs and locations by handle, orders by
 *     text, no index of any pool. So equal states give equal items, in whatever order the pools
 *     hold them, and the digest is the sum of the items' hashes.
 *
 * Derived state is not in it: rings, wheel, orders, ledger.
 */
#ifndef HF_ENGINE_IMAGE_H
#define HF_ENGINE_IMAGE_H

#include "engine/state.h"

/* What the head counts; while loading, what has come so far. */
struct hf_image_counts {
    uint64_t items[HF_ITEMS_END];
};

/* How many indices a section has to look at, free slots included. */
uint64_t hf_image_section_size(const struct hf_engine *engine, enum hf_item item);
/*
 * Write the item at `index` of its section; returns where it ends, which is `at` for a free slot.
 * Needs hf_image_item_bound bytes.
 */
unsigned char *hf_image_put(const struct hf_engine *engine, enum hf_item item, uint32_t index,
                            unsigned char *at);
size_t hf_image_item_bound(const struct hf_engine *engine, enum hf_item item, uint32_t index);

#endif
