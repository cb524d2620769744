/*
 * frozen.h - one state read in steps while the engine goes on: what changes is kept as it was.
 *
 *     freeze at LSN n
 *        section   | 0 | 1 | 2 | 3 | 4 | 5 | ... | size at the freeze |  newer slots: not of LSN n
 *                    already read  ^next
 *        an item changes behind `next`:  its image, as it was, is kept (kept.h)
 *        a row is read:                  from what is kept, or else from the item itself
 *
 * Rows are made from the bytes of the image (image.h) in both cases, by one decoder: a row is
 * exactly what a snapshot at LSN n would hold. What is read is no longer kept, nor is a section
 * that was passed or skipped. Freezing costs nothing by itself: no item is copied that does not
 * change.
 *
 * ATS needs the settings of locations, so LOCATION items are kept as long as cells are read.
 *
 * A snapshot reads its own state (image_steps.h) beside this one. Engine thread only; one reading
 * at a time.
 */
#ifndef HF_ENGINE_FROZEN_H
#define HF_ENGINE_FROZEN_H

#include "engine/engine.h"
#include "engine/kept.h"

/* Slots that one call of hf_engine_frozen_rows looks at. */
#define HF_FROZEN_LOOK_MAX 4096

struct hf_frozen {
    bool is_on;
    uint64_t now_us;       /* the latest time the engine had been told at the freeze */
    unsigned section;      /* enum hf_frozen_section being read; 0: none yet */
    unsigned section_last; /* none behind it will be asked for */
    uint64_t next;         /* slots before it are read; UINT64_MAX: the whole section is */
    struct hf_kept kept;
    unsigned char *buffer; /* the image of an item that has not changed */
};

/* Out of line: a reading is on and the item is about to change. `item` is an enum hf_item. */
void hf_frozen_keep(struct hf_engine *engine, unsigned item, uint32_t index);

#endif
