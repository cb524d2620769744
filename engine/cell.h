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
 *     in_transit                                        ####  on its way; of it, what may be sold:
 *                                                             transfers if the location says so,
 *                                                             inbound shipments that say so
 *     ATS            ATF + that part of in_transit; may be promised: ATS + backorder_limit
 *     damaged, quarantined                                   there, but not for sale
 *
 * Invariants, asserted on every change (hf_cell_assert):
 *     I1   each counter stays within 0 .. HF_UNITS_MAX
 *     I2   the version is the LSN of the newest record that changed the cell, and only grows
 *     I3   of in_transit, what inbound shipments bring is a part: 0 <= inbound_sellable,
 *          0 <= inbound_kept, and both together at most in_transit
 * That a reservation never takes ATS below -backorder_limit is a rule (rule_reserve.c), not an
 * invariant: a count, damage or an offline sale may find less than was promised (P1).
 *
 * A cell is one cache line. What most cells do not have (policies, units on their way, unsellable
 * ones) stands beside, in an extra that a cell has while any of it is not zero. Cells are never
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
    uint32_t is_low : 1;        /* ATS fell to the low-stock threshold and has not recovered */
    uint32_t is_out : 1;        /* ATS is zero or below; a new cell is out */
    uint32_t has_sold : 1;      /* since_us is the time of the last sale */
    int64_t hot[HF_COUNTERS_HOT];
    uint64_t since_us; /* when units were last sold or fulfilled; before the first sale: when the
                          cell was made */
    uint64_t version;
    uint32_t timed_line;   /* open lines with a deadline (reservation.h); HF_NONE: none */
    uint32_t lasting_line; /* open lines without */
    uint32_t next_of_sku;  /* the SKU's cell at another location */
    uint32_t extra;        /* index of a struct hf_cell_extra; HF_NONE: all zero, no threshold */
};
_Static_assert(sizeof(struct hf_cell) == 64, "a cell is one cache line");

struct hf_cell_extra {
    struct hf_policy policy;
    int64_t rare[HF_COUNTERS_COUNT - HF_COUNTERS_HOT]; /* in_transit, damaged, quarantined */
    int64_t inbound_sellable; /* of in_transit: inbound shipments that may be sold */
    int64_t inbound_kept;     /* of in_transit: inbound shipments that may not */
};

struct hf_cells {
    struct hf_pool pool;   /* struct hf_cell */
    struct hf_pool extras; /* struct hf_cell_extra */
    struct hf_table table; /* by SKU and location */
};

enum hf_err hf_cells_init(struct hf_cells *cells, uint32_t cells_max);
void hf_cells_release(struct hf_cells *cells);

static inline struct hf_cell *hf_cell_at(const struct hf_cells *cells, uint32_t index)
{
    return hf_pool_at(&cells->pool, index);
}

/* By which the table knows it. */
uint64_t hf_cell_hash(uint32_t sku, uint32_t location);
/* Index of the cell; HF_NONE when there is none. */
uint32_t hf_cells_find(const struct hf_cells *cells, uint32_t sku, uint32_t location);
/* The same for who has its hash at hand. */
uint32_t hf_cells_find_hashed(const struct hf_cells *cells, uint32_t sku, uint32_t location,
                              uint64_t hash);
/* Room for `count` more, of which this is one. HF_LIMIT_EXCEEDED when not. */
enum hf_err hf_cells_make_room(struct hf_cells *cells, uint32_t sku, uint32_t location,
                               uint32_t count);
/* A new cell of zeros; it must not be there, and room was made. */
uint32_t hf_cells_add(struct hf_cells *cells, struct hf_catalog *catalog, uint32_t sku,
                      uint32_t location);
/* Take the newest back. */
void hf_cells_remove_newest(struct hf_cells *cells, struct hf_catalog *catalog);

/* What stands beside the cell; all zero and no threshold when nothing does. */
struct hf_cell_extra hf_cell_extra(const struct hf_cells *cells, const struct hf_cell *cell);
/* An extra that says nothing gives its memory back. There is room (hf_cells_make_room). */
void hf_cell_set_extra(struct hf_cells *cells, struct hf_cell *cell,
                       const struct hf_cell_extra *extra);
struct hf_policy hf_cell_policy(const struct hf_cells *cells, const struct hf_cell *cell);

/* One counter, in units. */
static inline int64_t hf_cell_units(const struct hf_cells *cells, const struct hf_cell *cell,
                                    enum hf_counter counter)
{
    if (counter < HF_COUNTERS_HOT) {
        return cell->hot[counter];
    }
    return cell->extra == HF_NONE
               ? 0
               : ((const struct hf_cell_extra *)hf_pool_at(&cells->extras, cell->extra))
                     ->rare[counter - HF_COUNTERS_HOT];
}
/* All of them, by enum hf_counter. */
void hf_cell_values(const struct hf_cells *cells, const struct hf_cell *cell, int64_t *values);

/* Available to fulfil and to sell, in units; below zero when the world found less (DESIGN.md 2). */
int64_t hf_cell_atf(const struct hf_cells *cells, const struct hf_cell *cell);
int64_t hf_cell_ats(const struct hf_cells *cells, const struct hf_catalog *catalog,
                    const struct hf_cell *cell);

/* Units promised that are not there (DESIGN.md 2); 0: none. Safety stock never counts. */
int64_t hf_cell_shortage(const struct hf_cells *cells, const struct hf_catalog *catalog,
                         const struct hf_cell *cell);

/* Asserts I1 and I3. */
void hf_cell_assert(const struct hf_cells *cells, const struct hf_cell *cell);

#endif
