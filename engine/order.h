/*
 * order.h - which reservations and which records belong to an order.
 *
 *     order --newest_node--> node (reservation) --older--> node --older--> HF_NONE
 *       \---newest_lsn--> ledger entry --order_chain--> ledger entry ...
 *
 * Derived state: made again from the reservations and the ledger at start, in no digest. An order
 * is known while it has a remembered reservation or a record in the ledger's memory.
 * Engine thread only.
 */
#ifndef HF_ENGINE_ORDER_H
#define HF_ENGINE_ORDER_H

#include "engine/limits.h"
#include "engine/pool.h"
#include "engine/table.h"
#include "engine/text.h"

struct hf_order {
    uint64_t newest_lsn; /* of a record with this order; 0: none */
    uint32_t newest_node;
    uint8_t text_bytes;
    char text[HF_CODE_BYTES_MAX];
};

struct hf_order_node {
    uint32_t order;
    uint32_t reservation;
    uint32_t older, newer;
    uint64_t opened_lsn; /* of the reservation; nodes stand in its order */
};

struct hf_orders {
    struct hf_table table;
    struct hf_pool pool;  /* struct hf_order */
    struct hf_pool nodes; /* struct hf_order_node */
    uint32_t hint;        /* the node put in last; HF_NONE: none. Where the next search begins */
};

enum hf_err hf_orders_init(struct hf_orders *orders, uint32_t orders_max,
                           uint32_t reservations_max);
void hf_orders_release(struct hf_orders *orders);

static inline struct hf_order *hf_order_at(const struct hf_orders *orders, uint32_t index)
{
    return hf_pool_at(&orders->pool, index);
}

static inline struct hf_order_node *hf_order_node_at(const struct hf_orders *orders, uint32_t node)
{
    return hf_pool_at(&orders->nodes, node);
}

struct hf_text hf_order_text(const struct hf_orders *orders, uint32_t index);
/* It will be looked for soon (hf_table_fetch). */
void hf_orders_fetch(const struct hf_orders *orders, struct hf_text text);
uint32_t hf_orders_find(const struct hf_orders *orders, struct hf_text text);
/* Room for a record of this order, known or new. There is a node for every reservation. */
enum hf_err hf_orders_make_room(struct hf_orders *orders, struct hf_text text);
/* The order of this text, made when there is none. There is room. */
uint32_t hf_orders_touch(struct hf_orders *orders, struct hf_text text);
/* Forget the order when nothing holds it: no reservation, no record since `ledger_first_lsn`. */
void hf_orders_drop_if_unused(struct hf_orders *orders, uint32_t index, uint64_t ledger_first_lsn);

/* Put the reservation among the order's by the LSN that opened it; returns the node. */
uint32_t hf_order_node_add(struct hf_orders *orders, uint32_t index, uint32_t reservation,
                           uint64_t opened_lsn);
/* Returns the order whose node it was. */
uint32_t hf_order_node_remove(struct hf_orders *orders, uint32_t node);

uint64_t hf_orders_memory_bytes(const struct hf_orders *orders);

#endif
