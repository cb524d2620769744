/*
 * image.h - the state as items: what a snapshot holds and the digest is taken over.
 *
 * persistence/FORMATS.md 4 is the specification. The bytes are known to image.c, which writes them,
 * and to image_read.c, which reads them into the structs below; image_load.c makes an engine of
 * those, and frozen.c makes rows of them.
 *
 *     HEAD, then every REGION, LOCATION, SKU (in the order of their handles), CELL, RESERVATION
 *     with its lines, REF, SHIPMENT with its lines. An item is self-contained: SKUs and locations
 *     by handle, orders by text, no index of any pool. So equal states give equal items, in
 *     whatever order the pools hold them, and the digest is the sum of the items' hashes.
 *
 * The first byte of an item is its tag. Sections that have changed since format 1 have a new tag;
 * the old one is still read, and only in an image whose head is old.
 *
 * Derived state is not in it: rings, wheel, orders, ledger.
 */
#ifndef HF_ENGINE_IMAGE_H
#define HF_ENGINE_IMAGE_H

#include "engine/bytes.h"
#include "engine/state.h"

enum hf_tag {
    HF_TAG_HEAD_1 = 1, /* format 1: counts no shipments */
    HF_TAG_REGION = 2,
    HF_TAG_LOCATION = 3,
    HF_TAG_SKU = 4,
    HF_TAG_CELL_1 = 5,        /* format 1: four counters */
    HF_TAG_RESERVATION_1 = 6, /* format 1: without the LSN that confirmed it */
    HF_TAG_REF = 7,
    HF_TAG_SHIPMENT = 8,
    HF_TAG_HEAD = 9,
    HF_TAG_CELL = 10,
    HF_TAG_RESERVATION = 11
};

/* Flags of a CELL. */
enum hf_cell_flag {
    HF_CELL_IS_LOW = 1,
    HF_CELL_IS_OUT = 2,
    HF_CELL_HAS_SOLD = 4,
    HF_CELL_HAS_POLICY = 8, /* exactly when a figure of the policy is not its default */
    HF_CELL_HAS_RARE = 16   /* exactly when something is in_transit, damaged or quarantined */
};
#define HF_CELL_FLAGS_ALL 31

static inline bool hf_image_has_policy(const struct hf_cell_extra *extra)
{
    return extra->policy.safety_stock != 0 || extra->policy.backorder_limit != 0 ||
           extra->policy.low_stock != HF_LOW_STOCK_NONE;
}

/* The parts of in_transit are zero when it is (cell.h I3). */
static inline bool hf_image_has_rare(const struct hf_cell_extra *extra)
{
    int64_t any = 0;
    for (unsigned i = 0; i < HF_COUNTERS_COUNT - HF_COUNTERS_HOT; i++) {
        any |= extra->rare[i];
    }
    return any != 0;
}

/* ------------------------------------------------------------------ writing (image.c) */

/* How many indices a section has to look at, free slots included. */
uint64_t hf_image_section_size(const struct hf_engine *engine, enum hf_item item);
/*
 * Write the item at `index` of its section; returns where it ends, which is `at` for a free slot.
 * Needs hf_image_item_bound bytes, which is at most HF_IMAGE_BYTES_MIN.
 */
unsigned char *hf_image_put(const struct hf_engine *engine, enum hf_item item, uint32_t index,
                            unsigned char *at);
size_t hf_image_item_bound(const struct hf_engine *engine, enum hf_item item, uint32_t index);
/* The LSN that made what is in this slot of a section whose slots are used again; else 0. */
uint64_t hf_image_opened_lsn(const struct hf_engine *engine, enum hf_item item, uint32_t index);

/* ------------------------------------------------------------------ reading (image_read.c) */

/*
 * Items as they stand in the bytes, the tag already read; texts point into them. The readers check
 * what can be seen in the item alone; false: it does not add up.
 */
struct hf_image_head {
    uint64_t lsn, ts_us;
    uint64_t queue_first, queue_end;
    uint64_t counts[HF_ITEMS_END];
};
bool hf_image_read_head(struct hf_reader *in, enum hf_tag tag, struct hf_image_head *head);

struct hf_image_location {
    struct hf_text code;
    uint32_t region; /* HF_NONE: in none */
    bool is_in_transit_sellable;
};
bool hf_image_read_location(struct hf_reader *in, struct hf_image_location *location);

struct hf_image_cell {
    uint32_t sku, location;
    uint64_t version;
    int64_t hot[HF_COUNTERS_HOT];
    struct hf_cell_extra extra;
    uint64_t since_us; /* these four: format 1 does not say, and they are zero */
    bool is_low, is_out, has_sold;
};
bool hf_image_read_cell(struct hf_reader *in, enum hf_tag tag, struct hf_image_cell *cell);

/* Place in the queue of names. */
struct hf_image_place {
    uint64_t position;
    uint64_t ts_us; /* from which it is remembered */
};

struct hf_image_reservation {
    struct hf_text id, order;
    enum hf_state state;
    uint64_t life_us;
    uint64_t opened_us, opened_lsn, last_lsn;
    uint64_t confirmed_lsn; /* confirmed; format 1: last_lsn */
    uint64_t content_hash;
    struct hf_image_place place; /* closed */
    uint32_t lines_count;        /* which follow */
};
struct hf_image_line {
    uint32_t sku, location;
    int64_t units, fulfilled, released;
};
bool hf_image_read_reservation(struct hf_reader *in, enum hf_tag tag,
                               struct hf_image_reservation *reservation);
bool hf_image_read_line(struct hf_reader *in, struct hf_image_line *line);

struct hf_image_ref {
    struct hf_text text;
    uint64_t lsn;
    uint64_t content_hash;
    struct hf_image_place place;
};
bool hf_image_read_ref(struct hf_reader *in, struct hf_image_ref *ref);

struct hf_image_shipment {
    struct hf_text id, order;
    enum hf_shipment_kind kind;
    enum hf_state state;
    uint32_t from, to; /* from is HF_NONE for an inbound shipment */
    bool is_sellable;
    uint64_t eta_us;
    uint64_t opened_us, opened_lsn, last_lsn;
    uint64_t content_hash;
    struct hf_image_place place; /* closed */
    uint32_t lines_count;        /* which follow */
};
struct hf_image_shipment_line {
    uint32_t sku;
    int64_t units;
    int64_t figures[HF_LINE_FIGURES];
};
bool hf_image_read_shipment(struct hf_reader *in, struct hf_image_shipment *shipment);
bool hf_image_read_shipment_line(struct hf_reader *in, struct hf_image_shipment_line *line);
/* Whether the figures of a line are ones that a shipment of this kind and state can have. */
bool hf_image_is_line_sound(const struct hf_image_shipment_line *line, enum hf_shipment_kind kind,
                            enum hf_state state);

/* ------------------------------------------------------------------ loading (image_load.c) */

/* What hf_engine_load took and hf_engine_load_end would give back; nothing when there is none. */
void hf_image_load_release(struct hf_engine *engine);

#endif
