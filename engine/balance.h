/*
 * balance.h - P6 for whole counters: what all cells say is what all open lines say.
 *
 *     held        cells' held                -  open units of the lines of held reservations
 *     committed   cells' committed           -  open units of the lines of confirmed ones
 *     in transit  cells' in_transit          -  units under way in the lines of all shipments
 *     sellable    cells' inbound_sellable    -  those of inbound shipments that may be sold
 *     kept        cells' inbound_kept        -  those of inbound shipments that may not
 *
 * Each must be zero cell by cell. A cell does not know its lines (or has a million of them), so the
 * differences are added up over all cells at once, four times: plainly, times the number of the
 * SKU, times that of the location, and times a hash of both. If all differences are zero, so are
 * the sums. If one cell is wrong, the second and third sum divided by the first name it, and the
 * fourth confirms it. If several are wrong, they would have to cancel each other out in all four
 * sums, which what goes wrong by itself does not (each hash is odd: one wrong cell never hides).
 *
 * The sums are taken in steps over cells, reservations and shipments while all of them go on
 * changing. The sums always hold every item before the cursor as it is now: an item there that
 * changes is taken out as it was and put in as it is (watch.h); one behind the cursor is met later.
 * So at the end all items are in the sums as they are at that LSN.
 *
 * One run at a time, shared: whoever audits steps it on and takes the verdict of the run that ends
 * after he began. A run that nobody steps on ends by itself, without a verdict, after
 * HF_BALANCE_CORRECTIONS_MAX changes: an auditor may go away at any time. Engine thread only.
 */
#ifndef HF_ENGINE_BALANCE_H
#define HF_ENGINE_BALANCE_H

#include <stdbool.h>
#include <stdint.h>

#define HF_BALANCE_CORRECTIONS_MAX (4u * 1024 * 1024)

struct hf_engine;

enum hf_balance_figure {
    HF_BALANCE_HELD,
    HF_BALANCE_COMMITTED,
    HF_BALANCE_IN_TRANSIT,
    HF_BALANCE_SELLABLE,
    HF_BALANCE_KEPT,
    HF_BALANCE_FIGURES
};

/* Modulo 2^64. */
struct hf_balance_sum {
    uint64_t plain;
    uint64_t by_sku;
    uint64_t by_location;
    uint64_t by_hash;
};

struct hf_balance {
    bool is_running;
    uint64_t runs_begun;
    uint64_t run_ended;         /* the newest run that came to its end; 0: none */
    unsigned section;           /* enum hf_item; items of sections before it are in the sums, */
    uint64_t index;             /* and those before this one */
    uint32_t corrections_count; /* since the last step */
    struct hf_balance_sum sums[HF_BALANCE_FIGURES];    /* of the run that is on */
    struct hf_balance_sum verdict[HF_BALANCE_FIGURES]; /* of the run that ended */
};

/*
 * Step the run that is on, or begin one: up to `items_max` items (a reservation or shipment with
 * many lines counts as several). *run is 0 at first and the caller's own: the run whose end it
 * waits for. True when that one has ended, or a later one: balance.verdict tells.
 */
bool hf_balance_step(struct hf_engine *engine, uint64_t *run, uint32_t items_max);

bool hf_balance_is_zero(const struct hf_balance_sum *sum);
/* The cell that a sum of the verdict accuses. False: several cells, or it cannot be told. */
bool hf_balance_accused(const struct hf_engine *engine, const struct hf_balance_sum *sum,
                        uint32_t *sku, uint32_t *location);

/* Out of line: a run is on. */
void hf_balance_correct(struct hf_engine *engine, unsigned item, uint32_t index, bool is_before);

#endif
