/*
 * image_steps.h - the image of one LSN, copied in steps while the engine goes on.
 *
 *     begin at LSN n        HEAD is written down: it changes with every record
 *     section   REGION | LOCATION | SKU | CELL ...| RESERVATION | REF | SHIPMENT
 *               already copied        ^cursor       what changes here is kept as it was (kept.h)
 *
 * The bytes are those that hf_engine_copy would have given at LSN n: the items in the order of
 * their slots, whatever has become of the slots since. A snapshot is made of them. Codes are never
 * changed nor removed (only newer ones, by a group that fails), so none of them is ever kept.
 * Engine thread only; one at a time, beside a reading of rows (frozen.h).
 */
#ifndef HF_ENGINE_IMAGE_STEPS_H
#define HF_ENGINE_IMAGE_STEPS_H

#include "engine/engine.h"
#include "engine/kept.h"

#define HF_IMAGE_HEAD_BYTES 128

struct hf_image_steps {
    bool is_on;
    struct hf_kept kept;
    struct hf_image_cursor cursor; /* items before it are copied */
    uint64_t slots_left;           /* not looked at yet */
    unsigned char head[HF_IMAGE_HEAD_BYTES];
    size_t head_bytes;
};

/* Out of line: a snapshot is on and the item is about to change. `item` is an enum hf_item. */
void hf_image_steps_keep(struct hf_engine *engine, unsigned item, uint32_t index);
/* The item may change soon: have fetched what keeping it will touch, if a snapshot is on. */
void hf_image_steps_fetch(const struct hf_engine *engine, unsigned item, uint32_t index);

#endif
