/*
 * shipment.h - stock on its way: transfers between locations, and inbound shipments.
 *
 *     transfer   draft --ship--> in_transit --receive all--> received
 *                  |                 |--cancel the rest----> cancelled     back to the source
 *                  |                 \--close--------------> closed        the rest is lost
 *                  \--cancel------------------------------> cancelled
 *     inbound                    in_transit --receive all--> received
 *                                    \--cancel the rest----> cancelled
 *
 * A final state is that of the act that ended it; what became of every unit stands in the lines:
 *
 *     units  =  unshipped + under_way + received + damaged + cancelled + lost  -  over-received
 *
 * A transfer may be shipped in several goes; what is not shipped yet stays on_hand at the source.
 * Units under way are in_transit at the destination. Only inbound shipments know over-receipt.
 *
 * Invariants (audited, P6):
 *     I1   no figure of a line is below zero or above HF_UNITS_MAX (an over-receipt that would make
 *          it so is limit_exceeded); a closed shipment has nothing unshipped or under way
 *     I2   in_transit of a cell = the sum of under_way of the lines that go there; its
 *          inbound_sellable and inbound_kept are the sums over inbound shipments of either kind
 *     I3   lines of one shipment name different cells
 *
 * Shipments are found by name as reservations are (name.h), and are remembered as those are once
 * they are closed. Engine thread only.
 */
#ifndef HF_ENGINE_SHIPMENT_H
#define HF_ENGINE_SHIPMENT_H

#include "engine/effect.h"
#include "engine/engine.h"
#include "engine/pool.h"
#include "engine/text.h"

struct hf_shipment {
    uint32_t first_line; /* offset 0 is overwritten in a free slot, so state tells */
    uint8_t kind;        /* enum hf_shipment_kind */
    uint8_t state;       /* enum hf_state; HF_STATE_NONE: a free slot */
    uint8_t is_sellable; /* inbound */
    uint8_t id_bytes;
    uint8_t order_bytes;
    char id[HF_CODE_BYTES_MAX];
    char order[HF_CODE_BYTES_MAX]; /* of the operation that opened it */
    uint32_t from;                 /* location; HF_NONE: an inbound shipment */
    uint32_t to;
    uint64_t eta_us; /* inbound; 0: none */
    uint64_t opened_us;
    uint64_t opened_lsn;
    uint64_t last_lsn; /* of its newest change */
    uint64_t content_hash;
    uint64_t name_position; /* closed: place in the queue of remembered names */
};

struct hf_shipment_line {
    uint32_t shipment;
    uint32_t next; /* of the shipment; HF_NONE: the last */
    uint32_t sku;
    uint32_t unused;
    int64_t units;                    /* asked for */
    int64_t figures[HF_LINE_FIGURES]; /* enum hf_line_figure */
};

static inline int64_t hf_shipment_line_open(const struct hf_shipment_line *line)
{
    return line->figures[HF_LINE_UNSHIPPED] + line->figures[HF_LINE_UNDER_WAY];
}

struct hf_shipments {
    struct hf_pool pool;  /* struct hf_shipment */
    struct hf_pool lines; /* struct hf_shipment_line */
    uint64_t open_transfers_count, open_inbound_count;
};

enum hf_err hf_shipments_init(struct hf_shipments *shipments, uint32_t shipments_max,
                              uint32_t lines_max);
void hf_shipments_release(struct hf_shipments *shipments);

static inline struct hf_shipment *hf_shipment_at(const struct hf_shipments *shipments,
                                                 uint32_t index)
{
    return hf_pool_at(&shipments->pool, index);
}

static inline struct hf_shipment_line *hf_shipment_line_at(const struct hf_shipments *shipments,
                                                           uint32_t index)
{
    return hf_pool_at(&shipments->lines, index);
}

static inline bool hf_shipment_is_open(const struct hf_shipment *shipment)
{
    return shipment->state == HF_STATE_DRAFT || shipment->state == HF_STATE_IN_TRANSIT;
}

static inline struct hf_text hf_shipment_id(const struct hf_shipment *shipment)
{
    return (struct hf_text){shipment->id, shipment->id_bytes};
}

/* A new shipment of this id, without lines; all else is the caller's. There is room. */
uint32_t hf_shipments_add(struct hf_shipments *shipments, struct hf_text id);
/* Free it and its lines. */
void hf_shipments_remove(struct hf_shipments *shipments, uint32_t index);
/* A line behind the last one (`last`, HF_NONE: it is the first); its figures are zero. */
uint32_t hf_shipment_line_add(struct hf_shipments *shipments, uint32_t shipment, uint32_t last,
                              uint32_t sku, int64_t units);
/* The shipment's line of a SKU; HF_NONE when it has none. */
uint32_t hf_shipment_line_find(const struct hf_shipments *shipments, uint32_t shipment,
                               uint32_t sku);

uint64_t hf_shipments_memory_bytes(const struct hf_shipments *shipments);

#endif
