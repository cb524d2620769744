#include "engine/order.h"

#include <xxhash.h>

#include "engine/assert.h"

enum hf_err hf_orders_init(struct hf_orders *orders, uint32_t orders_max, uint32_t reservations_max)
{
    *orders = (struct hf_orders){.hint = HF_NONE};
    if (hf_pool_init(&orders->pool, sizeof(struct hf_order), orders_max) != HF_OK ||
        hf_pool_init(&orders->nodes, sizeof(struct hf_order_node), reservations_max) != HF_OK ||
        hf_table_init(&orders->table) != HF_OK) {
        hf_orders_release(orders);
        return HF_NO_MEMORY;
    }
    return HF_OK;
}

void hf_orders_release(struct hf_orders *orders)
{
    hf_table_release(&orders->table);
    hf_pool_release(&orders->pool);
    hf_pool_release(&orders->nodes);
}

static uint64_t order_hash(struct hf_text text)
{
    return XXH3_64bits(text.bytes, text.bytes_count);
}

struct hf_text hf_order_text(const struct hf_orders *orders, uint32_t index)
{
    const struct hf_order *order = hf_order_at(orders, index);
    return (struct hf_text){order->text, order->text_bytes};
}

void hf_orders_fetch(const struct hf_orders *orders, struct hf_text text)
{
    hf_table_fetch(&orders->table, order_hash(text));
}

uint32_t hf_orders_find(const struct hf_orders *orders, struct hf_text text)
{
    struct hf_probe probe = hf_table_probe(&orders->table, order_hash(text));
    for (uint32_t index = hf_probe_next(&probe); index != HF_NONE; index = hf_probe_next(&probe)) {
        if (hf_text_equal(hf_order_text(orders, index), text)) {
            return index;
        }
    }
    return HF_NONE;
}

enum hf_err hf_orders_make_room(struct hf_orders *orders, struct hf_text text)
{
    if (hf_pool_room(&orders->pool) == 0 && hf_orders_find(orders, text) == HF_NONE) {
        return HF_LIMIT_EXCEEDED;
    }
    return hf_table_make_room(&orders->table, order_hash(text), 1) ? HF_OK : HF_LIMIT_EXCEEDED;
}

uint32_t hf_orders_touch(struct hf_orders *orders, struct hf_text text)
{
    uint32_t index = hf_orders_find(orders, text);

    if (index == HF_NONE) {
        index = hf_pool_take(&orders->pool);
        struct hf_order *order = hf_order_at(orders, index);
        order->newest_node = HF_NONE;
        order->text_bytes = (uint8_t)text.bytes_count;
        memcpy(order->text, text.bytes, text.bytes_count);
        hf_table_add(&orders->table, order_hash(text), index);
    }
    return index;
}

void hf_orders_drop_if_unused(struct hf_orders *orders, uint32_t index, uint64_t ledger_first_lsn)
{
    const struct hf_order *order = hf_order_at(orders, index);
    if (order->newest_node == HF_NONE && order->newest_lsn < ledger_first_lsn) {
        hf_table_remove(&orders->table, order_hash(hf_order_text(orders, index)), index);
        hf_pool_give(&orders->pool, index);
    }
}

uint32_t hf_order_node_add(struct hf_orders *orders, uint32_t index, uint32_t reservation,
                           uint64_t opened_lsn)
{
    struct hf_order *order = hf_order_at(orders, index);
    uint32_t newer = HF_NONE;
    uint32_t older = order->newest_node;

    /* Live, the newest comes last. A snapshot may hold them in another order, but in long runs of
     * one direction: the search goes on from where the last one ended. */
    if (older != HF_NONE && hf_order_node_at(orders, older)->opened_lsn > opened_lsn &&
        orders->hint != HF_NONE && hf_order_node_at(orders, orders->hint)->order == index) {
        older = orders->hint;
        newer = hf_order_node_at(orders, older)->newer;
        while (newer != HF_NONE && hf_order_node_at(orders, newer)->opened_lsn < opened_lsn) {
            older = newer;
            newer = hf_order_node_at(orders, older)->newer;
        }
    }
    while (older != HF_NONE && hf_order_node_at(orders, older)->opened_lsn > opened_lsn) {
        newer = older;
        older = hf_order_node_at(orders, older)->older;
    }
    const uint32_t node = hf_pool_take(&orders->nodes);
    *hf_order_node_at(orders, node) = (struct hf_order_node){.order = index,
                                                             .reservation = reservation,
                                                             .older = older,
                                                             .newer = newer,
                                                             .opened_lsn = opened_lsn};
    if (older != HF_NONE) {
        hf_order_node_at(orders, older)->newer = node;
    }
    if (newer != HF_NONE) {
        hf_order_node_at(orders, newer)->older = node;
    } else {
        order->newest_node = node;
    }
    orders->hint = node;
    return node;
}

uint32_t hf_order_node_remove(struct hf_orders *orders, uint32_t node)
{
    const struct hf_order_node removed = *hf_order_node_at(orders, node);

    if (removed.older != HF_NONE) {
        hf_order_node_at(orders, removed.older)->newer = removed.newer;
    }
    if (removed.newer != HF_NONE) {
        hf_order_node_at(orders, removed.newer)->older = removed.older;
    } else {
        hf_order_at(orders, removed.order)->newest_node = removed.older;
    }
    hf_pool_give(&orders->nodes, node);
    orders->hint = HF_NONE;
    return removed.order;
}

uint64_t hf_orders_memory_bytes(const struct hf_orders *orders)
{
    return orders->table.memory_bytes + hf_pool_memory_bytes(&orders->pool) +
           hf_pool_memory_bytes(&orders->nodes);
}
