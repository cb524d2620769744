/*
 * image_load.h - what the two halves of loading share (engine.h: hf_engine_load_prepare, _join).
 *
 *     chunk --prepare--> codes; items in their places in the pools, names in their table and queue
 *                          |
 *                        part: which items those are, what to read once more, the refusal
 *                          |
 *           --join-----> cells in their table and chains, lines at cells, orders, shipments
 *
 * The two may run on two threads, so each thing has one owner, and what prepare has put into a part
 * is join's when the part is:
 *
 *     prepare    the catalogue, up to the first cell; the pools' counters of cells, extras,
 *                reservations, long ids, lines; names with table, queue and references. From the
 *                first shipment on it touches nothing more (prepare_items), and names are join's
 *     join       the table of cells, orders, shipments, the workbench; items that it was handed,
 *                and from the first cell on it reads the catalogue
 *     neither    what the head says: it stands before the first item is handed over
 *
 * The tables are what costs most, each look into them being a place in memory that no cache holds;
 * so each half has one. What prepare knows and join needs stands where the item has no use for the
 * place yet (reservation.h): a line's SKU and location where its neighbours in the ring will stand,
 * an order's place in the chunk where its node will.
 */
#ifndef HF_ENGINE_IMAGE_LOAD_H
#define HF_ENGINE_IMAGE_LOAD_H

#include "engine/image.h"

/* Items of one kind that are done at a time: what each of them waits for is fetched for all. */
#define HF_IMAGE_BATCH_MAX 64

/* What a cell claims, for the lines to prove (image_load.c). */
struct hf_image_claim {
    uint32_t cell;
    int64_t held, committed;
};
struct hf_image_transit {
    int64_t in_transit, inbound_sellable, inbound_kept;
};

struct hf_image_load {
    /* Of both, from the head on. */
    struct hf_image_head head;
    bool is_old; /* format 1 */
    uint32_t cells_max;
    struct hf_image_claim *claims;     /* cells_max */
    struct hf_image_transit *transits; /* by the index of the cell's extra; cells_max */

    /* Prepare's. */
    enum hf_item section; /* of the newest item */
    uint32_t claims_count;
    enum hf_err err; /* the refusal, behind which nothing is prepared */
    const char *why;
    uint64_t hashes[HF_IMAGE_BATCH_MAX]; /* of the names of a batch of reservations */
    struct hf_image_place places[HF_IMAGE_BATCH_MAX];

    /* Join's. */
    uint32_t reserved_cells_count;                            /* that lines have come for */
    uint32_t joined_cells, joined_reservations, joined_lines; /* up to these indices */
    unsigned populated_pool;  /* pages have been made for the pools before this one, ... */
    uint64_t populated_bytes; /* ... and so far of this one (hf_engine_load_idle) */
};

/* The section that an item of this tag belongs to in an image of the format; HF_ITEM_HEAD: none. */
enum hf_item hf_image_section_of(uint8_t tag, bool is_old);
/* HF_CORRUPT: no item of this tag may come behind one of `section`. */
enum hf_err hf_image_judge_tag(const struct hf_image_load *load, enum hf_item section, uint8_t tag,
                               const char **why);
/* Take a place in the queue of names for `name`. False: it is not there, or taken. */
bool hf_image_take_place(struct hf_engine *engine, const struct hf_image_place *place,
                         uint32_t name);

static inline enum hf_err hf_image_corrupt(const char **why, const char *text)
{
    *why = text;
    return HF_CORRUPT;
}

static inline enum hf_err hf_image_too_small(const char **why)
{
    *why = "the configured limits are too small for the snapshot";
    return HF_LIMIT_EXCEEDED;
}

#endif
