/*
 * digest.h - a digest of a state that goes on changing.
 *
 * The digest is a sum over items (digest.c), so it can be taken in steps. A run stands at the LSN
 * at which it began: an item that changes before the run has come to it is first taken out of
 * the sum as it was, and put in again as it is. What the run finds later is then made up to
 * what was there at the beginning:
 *
 *     sum over all items as the run finds them  +  corrections (old - new, for each change before)
 *       = sum over all items at the beginning
 *
 * So every change of an item is wrapped: hf_item_before, change, hf_item_after (watch.h says how; a
 * pair costs a hash of the whole item, so it brackets all that an operation does to it).
 * Engine thread only; one run at a time.
 */
#ifndef HF_ENGINE_DIGEST_H
#define HF_ENGINE_DIGEST_H

#include <stdbool.h>

#include "engine/engine.h"
#include "engine/watch.h"

struct hf_digest_run {
    bool is_running;
    uint64_t lsn; /* at which it began */
    struct hf_digest sum;
    struct hf_image_cursor cursor; /* items before it are in the sum */
    unsigned char *buffer;         /* HF_IMAGE_BYTES_MIN; one item */
};

/* Out of line: a run is on and may not have come to the item. `item` is an enum hf_item. */
void hf_digest_correct(struct hf_engine *engine, unsigned item, uint32_t index, bool is_before);

#endif
