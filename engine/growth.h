/*
 * growth.h - memory that the engine will touch soon, so that somebody else may make it before.
 *
 *     a region   | used ............. | made ahead ... |   not there yet           max |
 *                                      \__ margin ____/
 *
 *     look:   how far used?  -->  parts to make next   -->  whoever has time populates them
 *             engine thread       addresses and lengths     any thread (hf_memory_populate)
 *
 * A page costs what the system needs to find one and zero it, which on a virtual machine may be
 * more than an operation itself. Pools and rings are regions that are reserved once and touched
 * from one end to the other, so what comes next is known; a ring that went round once needs nothing
 * any more. The margin follows the speed of growth, between 4 and 64 MiB, and a region that uses
 * less than 4 MiB gets none: a small server stays small.
 *
 * A table (table.h) is touched all over, and its shards move to a region of twice the size all at
 * about the same time. That region is made in the last moments before, as far as the speed of
 * growth tells, or when half of the shards have moved. Nobody moves back, so at most one region a
 * table is there and empty; it would have come with the next keys.
 *
 * Nothing here is needed for anything to be right: what was not made is made at its first touch.
 * A part stays of use for as long as its region does. When a table gives a region back whose parts
 * are being populated, the call fails, or makes at most these parts of what has come to lie there
 * since: pages of zeros, or none, which changes no content (see hf_memory_populate).
 */
#ifndef HF_ENGINE_GROWTH_H
#define HF_ENGINE_GROWTH_H

#include "engine/engine.h"
#include "engine/table.h"

#define HF_GROWTH_PART_BYTES (UINT64_C(4) * 1024 * 1024) /* and the least margin */
#define HF_GROWTH_MARGIN_MAX (UINT64_C(64) * 1024 * 1024)

/* Pools, then what else only grows, then rings. */
enum hf_growth_place {
    HF_GROWTH_RESERVATIONS,
    HF_GROWTH_LINES,
    HF_GROWTH_LONG_IDS,
    HF_GROWTH_CELLS,
    HF_GROWTH_EXTRAS,
    HF_GROWTH_SKUS,
    HF_GROWTH_ORDERS,
    HF_GROWTH_ORDER_NODES,
    HF_GROWTH_REFS,
    HF_GROWTH_SHIPMENTS,
    HF_GROWTH_SHIPMENT_LINES,
    HF_GROWTH_CODES,
    HF_GROWTH_RECORDS,
    HF_GROWTH_ENTRIES,
    HF_GROWTH_NAMES,
    HF_GROWTH_PLACES
};
#define HF_GROWTH_POOLS HF_GROWTH_CODES

struct hf_growth_region {
    unsigned char *memory;
    uint64_t bytes_max;
    uint64_t begin_bytes; /* where its use began; rings only */
    uint64_t used_bytes;  /* from there on, as the next two */
    uint64_t made_bytes;  /* was told of, or used */
    uint64_t step_bytes;  /* used between two looks, lately */
};

enum hf_growth_table_place {
    HF_GROWTH_TABLE_NAMES,
    HF_GROWTH_TABLE_CELLS,
    HF_GROWTH_TABLE_ORDERS,
    HF_GROWTH_TABLE_SKUS,
    HF_GROWTH_TABLES
};

struct hf_growth_table {
    uint32_t index;                 /* of the region that most shards will move to */
    struct hf_growth_region region; /* that one; without memory until it is worth it */
    uint32_t entered_count;         /* shards that are there */
    uint64_t keys_count;
    uint64_t keys_step; /* that came between two looks, lately */
};

struct hf_growth {
    struct hf_growth_region regions[HF_GROWTH_PLACES];
    struct hf_growth_table tables[HF_GROWTH_TABLES];
    uint64_t first_lsn; /* when it began, as the next: where the use of the rings did */
    uint64_t first_name;
};

/* From where the engine stands now. Engine thread. */
void hf_growth_begin(struct hf_growth *growth, const struct hf_engine *engine);

/*
 * What is to be made next: fills parts[0..parts_max), of 1 .. HF_GROWTH_PART_BYTES bytes each, and
 * returns how many; they count as made.
 * Cheap enough for every few milliseconds, and meant for about a hundred looks a second while
 * there is a load (replay looks every few thousand records); more rarely is no harm. With
 * memory_max_bytes nothing is made beyond that. Engine thread, for the engine that it began with.
 */
uint32_t hf_growth_look(struct hf_growth *growth, struct hf_engine *engine,
                        struct hf_memory_part *parts, uint32_t parts_max);

/* Made and not used yet. */
uint64_t hf_growth_ahead_bytes(const struct hf_growth *growth);

#endif
