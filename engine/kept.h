/*
 * kept.h - items of the image as they were at LSN n, while the engine goes on changing them.
 *
 *     places   one number for each slot that a section had at LSN n    0: the item is not kept
 *                 |
 *     store    | bytes, image | bytes, image | bytes, image | ...      in the order of the changes
 *
 * A reading of one state (frozen.h, image_steps.h) owns one: before an item changes that is still
 * to be read, its image goes into the store, once. What does not change is not copied.
 *
 * Invariants:
 *     I1   an item of LSN n is in the store or unchanged since, as long as it has not been read
 *     I2   an item that was opened after LSN n is none of the reading's. Slots are used again, but
 *          what was in one at LSN n was removed through hf_item_before, and so is in the store
 *     I3   store and places together take no more than bytes_max; a change that does not fit ends
 *          the reading (is_lost), never the change
 *
 * Places and store are address space, of which only touched pages cost memory: a place of four
 * bytes for each slot, at the most, is a twentieth of what stands in the slots. Set aside: a hash
 * table of what is kept, smaller while little changes, but it must grow, be probed for every item
 * that is read, and cannot be given back to the system in pieces.
 *
 * Hundreds of MiB cannot be given back in one go either (it takes tens of milliseconds): what a
 * reading leaves behind is put aside as waste, and given back a little with each hf_engine_expire.
 * Engine thread only.
 */
#ifndef HF_ENGINE_KEPT_H
#define HF_ENGINE_KEPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct hf_engine;

/* Sections of the image, and one more: as many as enum hf_item has numbers. */
#define HF_KEPT_ITEMS 9

struct hf_kept {
    bool is_lost;                   /* bytes_max was too small */
    uint64_t lsn;                   /* n */
    uint64_t sizes[HF_KEPT_ITEMS];  /* slots of each section at LSN n */
    uint64_t starts[HF_KEPT_ITEMS]; /* where its places begin */
    uint64_t count;                 /* items in the store */

    unsigned char *marks;           /* a byte for each page of places: whether it was touched */
    uint32_t *places;               /* behind the marks, in one piece of memory */
    uint64_t places_bytes_reserved; /* of both */
    uint64_t places_bytes;          /* touched */

    unsigned char *store;
    uint64_t store_bytes; /* used */
    uint64_t store_bytes_reserved;
    uint64_t bytes_max;
};

/* Begin to keep the state of now. False: no memory, or too much waste is left; nothing is held. */
bool hf_kept_begin(struct hf_engine *engine, struct hf_kept *kept, uint64_t bytes_max);
/* The item is about to change and is still wanted: keep it, if it is of LSN n. */
void hf_kept_keep(const struct hf_engine *engine, struct hf_kept *kept, unsigned item,
                  uint32_t index);
/* The image of an item that has changed since; NULL: what stands in the slot now is as it was, or
 * it was free (hf_kept_is_newer tells, or its emptiness). Valid until the next change. */
const unsigned char *hf_kept_find(const struct hf_kept *kept, unsigned item, uint32_t index,
                                  size_t *bytes_count);
/* Whether what stands in the slot now was opened after LSN n. */
bool hf_kept_is_newer(const struct hf_engine *engine, const struct hf_kept *kept, unsigned item,
                      uint32_t index);
/* What counts against bytes_max. */
uint64_t hf_kept_bytes(const struct hf_kept *kept);
/* Put all aside; `kept` is empty afterwards. */
void hf_kept_end(struct hf_engine *engine, struct hf_kept *kept);

/* ------------------------------------------------------------------ waste */

#define HF_WASTE_MAX 8 /* pieces of memory: four readings that ended one soon after another */

struct hf_waste {
    struct {
        unsigned char *memory;
        uint64_t bytes;
        uint64_t touched_bytes; /* of them: what it costs, at the most */
    } pieces[HF_WASTE_MAX];
    uint32_t count;
};

/* Give back a bounded part; false: nothing is left. */
bool hf_waste_give_back_some(struct hf_waste *waste);
/* The memory that it costs: what was only reserved costs none. */
uint64_t hf_waste_bytes(const struct hf_waste *waste);
void hf_waste_release(struct hf_waste *waste);

#endif
