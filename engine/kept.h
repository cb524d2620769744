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
 *
 * New memory costs the one who touches it first: the system must find a page and zero it, some
 * milliseconds for a large one on a virtual machine. So a reading that comes again and again (the
 * snapshot's) retains its memory for the next one, and what is not there yet can be made by another
 * thread while the reading goes on (hf_kept_fresh). A page of places is zeroed when its first place
 * is written, so what an earlier reading left there does no harm.
 * Engine thread only, but for what is said of hf_kept_fresh.
 */
#ifndef HF_ENGINE_KEPT_H
#define HF_ENGINE_KEPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/pool.h"

struct hf_engine;

/* Sections of the image, and one more: as many as enum hf_item has numbers. */
#define HF_KEPT_ITEMS 9

struct hf_kept {
    bool is_on;
    bool is_lost;                   /* bytes_max was too small */
    uint64_t lsn;                   /* n */
    uint64_t sizes[HF_KEPT_ITEMS];  /* slots of each section at LSN n */
    uint64_t starts[HF_KEPT_ITEMS]; /* where its places begin */
    uint64_t count;                 /* items in the store */

    unsigned char *marks;           /* of each page of places: what it holds (kept.c) */
    uint32_t *places;               /* behind the marks, in one piece of memory */
    uint64_t places_bytes_reserved; /* of both */
    uint64_t pages_max;             /* of places; there are marks for so many */
    uint64_t pages_count;           /* that this reading may use */
    uint64_t pages_made;            /* the first ones, which hf_kept_fresh has told of */
    uint64_t pages_touched;         /* behind those, by this reading or an earlier one */
    uint64_t places_bytes;          /* of the pages that this reading has used */

    unsigned char *store;
    uint64_t store_bytes;         /* used by this reading */
    uint64_t store_bytes_touched; /* by any, or told of */
    uint64_t store_bytes_reserved;
    uint64_t bytes_max;
};

/* All zeros before the first begin. */
/* Begin to keep the state of now. False: no memory, or too much waste is left. */
bool hf_kept_begin(struct hf_engine *engine, struct hf_kept *kept, uint64_t bytes_max);
/* The item is about to change and is still wanted: keep it, if it is of LSN n. */
void hf_kept_keep(const struct hf_engine *engine, struct hf_kept *kept, unsigned item,
                  uint32_t index);
/* The image of an item that has changed since; NULL: what stands in the slot now is as it was, or
 * it was free (hf_kept_is_newer tells, or its emptiness). Valid until the next change. */
const unsigned char *hf_kept_find(const struct hf_kept *kept, unsigned item, uint32_t index,
                                  size_t *bytes_count);
/* For who will keep or find this item soon: have its place fetched, and when that has come, what
 * was kept of it. */
void hf_kept_fetch_place(const struct hf_kept *kept, unsigned item, uint32_t index);
void hf_kept_fetch(const struct hf_kept *kept, unsigned item, uint32_t index);
/* Whether what stands in the slot now was opened after LSN n. */
bool hf_kept_is_newer(const struct hf_engine *engine, const struct hf_kept *kept, unsigned item,
                      uint32_t index);
/* What counts against bytes_max. */
uint64_t hf_kept_bytes(const struct hf_kept *kept);
/* The memory that it costs, also while nothing is kept. */
uint64_t hf_kept_memory_bytes(const struct hf_kept *kept);
/* Nothing is kept any more: all memory is put aside. */
void hf_kept_end(struct hf_engine *engine, struct hf_kept *kept);
/* The same, but the memory is retained for the next reading: the places as they are, and a store of
 * up to HF_KEPT_STORE_RETAINED bytes; a larger one is put aside. */
#define HF_KEPT_STORE_RETAINED (UINT64_C(64) * 1024 * 1024)
void hf_kept_rest(struct hf_engine *engine, struct hf_kept *kept);

/*
 * Memory that the reading will touch for the first time soon, each part told of once: for
 * hf_memory_populate, by any thread. Whoever is late with that does no harm: what was given back
 * meanwhile is passed over, or is made for somebody else. Returns how many parts there are.
 */
#define HF_KEPT_STORE_AHEAD (UINT64_C(16) * 1024 * 1024)
uint32_t hf_kept_fresh(struct hf_kept *kept, struct hf_memory_part parts[HF_MEMORY_PARTS]);

/* ------------------------------------------------------------------ waste */

#define HF_WASTE_MAX 10 /* pieces of memory: five readings that ended one soon after another */

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
