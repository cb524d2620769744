/*
 * frozen.h - one state read in steps while the engine goes on: what changes is kept as it was.
 *
 *     freeze at LSN n
 *        section   | 0 | 1 | 2 | 3 | 4 | 5 | ... | size at the freeze |  newer slots: not of LSN n
 *                    already read  ^next
 *        an item changes behind `next`:  its image, as it was, goes into the store (once)
 *        a row is read:                  from the store if it is there, else from the item itself
 *
 * Rows are made from the bytes of the image (image.h) in both cases, by one decoder: a row is
 * exactly what a snapshot at LSN n would hold. What is read is no longer kept, nor is a section
 * that was passed or skipped. Freezing costs nothing by itself: no item is copied that does not
 * change.
 *
 * Invariants:
 *     I1   an item of LSN n is in the store or unchanged since, as long as it has not been read
 *     I2   an item that was opened after LSN n is none of the reading's. Slots are used again, but
 *          what was in one at LSN n was removed through hf_item_before, and so is in the store
 *     I3   store and index together take no more than bytes_max; a change that does not fit ends
 *          the reading (HF_LIMIT_EXCEEDED), never the change
 *
 * ATS needs the settings of locations, so LOCATION items are kept as long as cells are read.
 *
 * What is not here: a snapshot is still copied in one go (hf_engine_copy). Kept items are images
 * already and hf_frozen_item gives one by section and index, so a snapshot writer could stream all
 * sections from such a reading in steps; it would have to keep REF items as well and a HEAD of LSN
 * n. Engine thread only; one reading at a time.
 */
#ifndef HF_ENGINE_FROZEN_H
#define HF_ENGINE_FROZEN_H

#include "engine/engine.h"
#include "engine/table.h"

/* Slots that one call of hf_engine_frozen_rows looks at. */
#define HF_FROZEN_LOOK_MAX 4096

/* Sections of the image, and a few more: as many as enum hf_item has numbers. */
#define HF_FROZEN_ITEMS 9

struct hf_frozen {
    bool is_on;
    bool is_lost;                    /* bytes_max was too small */
    uint64_t lsn;                    /* of the freeze */
    uint64_t now_us;                 /* the latest time the engine had been told then */
    uint64_t sizes[HF_FROZEN_ITEMS]; /* slots of each section of the image at the freeze */
    unsigned section;                /* enum hf_frozen_section being read; 0: none yet */
    unsigned section_last;           /* none behind it will be asked for */
    uint64_t next; /* slots before it are read; UINT64_MAX: the whole section is */

    unsigned char *store; /* kept items, one after the other (frozen.c) */
    uint64_t store_bytes; /* used */
    uint64_t store_bytes_max;
    uint64_t store_bytes_reserved;
    uint32_t shards_dropped; /* of the table, when all is read */
    struct hf_table table;   /* section and index -> place in the store */
    uint64_t kept_count;
    unsigned char *buffer; /* the image of an item that has not changed */
};

/* Out of line: a reading is on and the item is about to change. `item` is an enum hf_item. */
void hf_frozen_keep(struct hf_engine *engine, unsigned item, uint32_t index);
/* The image of an item at the freeze, not read yet; *bytes_count 0: there was none. Valid until the
 * next call into the engine. */
const unsigned char *hf_frozen_item(struct hf_engine *engine, unsigned item, uint32_t index,
                                    size_t *bytes_count);

#endif
