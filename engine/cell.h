/*
 * cell.h - stock cell: the counters of one SKU at one location.
 *
 * A cell answers one question, "how many units may still be promised?":
 *
 *     on_hand        ##############################          counted at the location
 *     held           ######                                  reservations, not confirmed
 *     committed            #######                           reservations, confirmed
 *     safety_stock                                   ###     kept back from sale
 *     ATF                         ####################       on_hand - held - committed - safety
 *     in_transit                                        ####  on its way, if its sale is allowed
 *     ATS            ATF + in_transit; may be promised: ATS + backorder_limit
 *
 * Invariants, asserted on every change (hf_cell_assert):
 *     I1   each counter stays within 0 .. HF_UNITS_MAX
 *     I2   the version is the LSN of the newest record that changed the cell, and only grows
 * That a reservation never takes ATS below -backorder_limit is a rule (rule_reserve.c), not an
 * invariant: a count, damage or an offline sale may find less than was promised (P1).
 *
 * A cell is one cache line. Policies stand beside the cells that have one. Cells are never
 * removed; only a linked group that fails takes its newest ones back. Engine thread only.
 */
#ifndef HF_ENGINE_CELL_H
#define HF_ENGINE_CELL_H

#include "engine/catalog.h"
#include "engine/effect.h"

struct hf_cell {
    uint32_t sku;
    uint32_t location : 24;
    uint32_t is_ring_mixed : 1; /* timed_line's ring is not in the order of deadlines */
    int64_t units[HF_COUNTERS_COUNT];
    uint64_t version;
    uint32_t timed_line;   /* open lines with a deadline (reservation.h); HF_NONE: none */
    uint32_t lasting_line; /* open lines without */
    uint32_t next_of_sku;  /* the SKU's cell at another location */
    uint32_t policy;       /* index of a struct hf_policy; HF_NONE: all zero, no threshold */
};
_Static_assert(sizeof(struct hf_cell) == 64, "a cell is one cache line");

struct hf_cells {
    struct hf_pool pool;     /* struct hf_cell */
    struct hf_pool policies; /* struct hf_policy */
    struct hf_table table;   /* by SKU and location */
};

enum hf_err hf_cells_init(struct hf_cells *cells, uint32_t cells_max);
void hf_cells_release(struct hf_cells *cells);

static inline struct hf_cell *hf_cell_at(const struct hf_cells *cells, uint32_t index)
{
    return hf_pool_at(&cells->pool, index);
}

/* Index of the cell; HF_NONE when there is none. */
uint32_t hf_cells_find(const struct hf_cells *cells, uint32_t sku, uint32_t location);
/* Room for `count` more, of which this is one. HF_LIMIT_EXCEEDED when not. */
enum hf_err hf_cells_make_room(struct hf_cells *cells, uint32_t sku, uint32_t location,
                               uint32_t count);
/* A new cell of zeros; it must not be there, and room was made. */
uint32_t hf_cells_add(struct hf_cells *cells, struct hf_catalog *catalog, uint32_t sku,
                      uint32_t location);
/* Take the newest back. */
void hf_cells_remove_newest(struct hf_cells *cells, struct hf_catalog *catalog);

struct hf_policy hf_cell_policy(const struct hf_cells *cells, const struct hf_cell *cell);
/* A policy that says nothing gives its memory back. */
void hf_cell_set_policy(struct hf_cells *cells, struct hf_cell *cell,
                        const struct hf_policy *policy);

/* Available to fulfil and to sell, in units; below zero when the world found less (DESIGN.md 2). */
int64_t hf_cell_atf(const struct hf_cells *cells, const struct hf_cell *cell);
int64_t hf_cell_ats(const struct hf_cells *cells, const struct hf_catalog *catalog,
                    const struct hf_cell *cell);

/* Asserts I1. */
void hf_cell_assert(const struct hf_cell *cell);

#endif
