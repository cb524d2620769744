/*
 * test_engine_order.c - the reservations of an order, and their release in one operation.
 *
 * Method: the list of an order's reservations is compared with an array that is sorted by the LSN
 * that opened them, over random additions and removals. Then the stories of release_order.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "engine/order.h"
#include "tests/lib/small_engine.h"

#define ORDERS 3
#define NODES_MAX 64

struct listed {
    uint32_t node, reservation;
    uint64_t opened_lsn;
};

static void check_list(const struct hf_orders *orders, uint32_t order, const struct listed *want,
                       uint32_t count)
{
    uint32_t newer = HF_NONE;
    uint32_t node = hf_order_at(orders, order)->newest_node;

    for (uint32_t i = count; i-- > 0;) { /* newest first */
        assert_int_not_equal(node, HF_NONE);
        const struct hf_order_node *at = hf_order_node_at(orders, node);
        assert_int_equal(node, want[i].node);
        assert_int_equal(at->order, order);
        assert_int_equal(at->reservation, want[i].reservation);
        assert_int_equal(at->opened_lsn, want[i].opened_lsn);
        assert_int_equal(at->newer, newer);
        newer = node;
        node = at->older;
    }
    assert_int_equal(node, HF_NONE);
}

static void nodes_stand_by_lsn(void **state)
{
    uint64_t seed = hf_random_seed();
    struct hf_orders orders;
    struct listed lists[ORDERS][NODES_MAX];
    uint32_t counts[ORDERS] = {0};
    uint32_t order[ORDERS];
    static const char *const names[ORDERS] = {"o1", "o2", "o3"};
    uint32_t total = 0;
    (void)state;

    assert_int_equal(hf_orders_init(&orders, ORDERS, NODES_MAX), HF_OK);
    for (uint32_t i = 0; i < ORDERS; i++) {
        assert_int_equal(hf_orders_make_room(&orders, hf_text_of(names[i])), HF_OK);
        order[i] = hf_orders_touch(&orders, hf_text_of(names[i]));
        assert_int_equal(hf_orders_touch(&orders, hf_text_of(names[i])), order[i]);
    }
    assert_int_equal(hf_orders_make_room(&orders, hf_text_of("o4")), HF_LIMIT_EXCEEDED);
    assert_int_equal(hf_orders_make_room(&orders, hf_text_of("o2")), HF_OK);
    for (uint32_t step = 0; step < 20000; step++) {
        const uint32_t which = (uint32_t)hf_random_below(&seed, ORDERS);
        struct listed *list = lists[which];
        uint32_t *count = &counts[which];
        if (total < NODES_MAX && hf_random_below(&seed, 2) == 0) {
            /* An LSN that may lie before, between or after: snapshots hold them in any order. */
            struct listed added = {.reservation = step,
                                   .opened_lsn = 1 + hf_random_below(&seed, 1000) * 100000 + step};
            added.node =
                hf_order_node_add(&orders, order[which], added.reservation, added.opened_lsn);
            uint32_t at = *count;
            for (; at > 0 && list[at - 1].opened_lsn > added.opened_lsn; at--) {
                list[at] = list[at - 1];
            }
            list[at] = added;
            *count += 1;
            total++;
        } else if (*count > 0) {
            const uint32_t at = (uint32_t)hf_random_below(&seed, *count);
            assert_int_equal(hf_order_node_remove(&orders, list[at].node), order[which]);
            *count -= 1;
            total--;
            for (uint32_t i = at; i < *count; i++) {
                list[i] = list[i + 1];
            }
        }
        check_list(&orders, order[which], list, *count);
    }
    hf_orders_release(&orders);
}

/* An order lives while a reservation or a record in the ledger's memory has it. */
static void order_is_dropped_when_unused(void **state)
{
    struct hf_orders orders;
    const struct hf_text name = hf_text_of("o1");
    (void)state;

    assert_int_equal(hf_orders_init(&orders, 4, 4), HF_OK);
    assert_int_equal(hf_orders_make_room(&orders, name), HF_OK);
    const uint32_t order = hf_orders_touch(&orders, name);
    hf_order_at(&orders, order)->newest_lsn = 7;
    hf_orders_drop_if_unused(&orders, order, 7); /* LSN 7 is still there */
    assert_int_equal(hf_orders_find(&orders, name), order);
    const uint32_t node = hf_order_node_add(&orders, order, 0, 5);
    hf_orders_drop_if_unused(&orders, order, 8); /* the reservation holds it */
    assert_int_equal(hf_orders_find(&orders, name), order);
    hf_order_node_remove(&orders, node);
    hf_orders_drop_if_unused(&orders, order, 8);
    assert_int_equal(hf_orders_find(&orders, name), HF_NONE);
    assert_int_equal(hf_pool_live_count(&orders.pool), 0);
    hf_orders_release(&orders);
}

/*
 * A defect: r2 was due, its end was logged on the way of release_order, and that record forgot r1,
 * the older reservation of the same order, whose place the walk then stood on. The server hung.
 */
static void forgetting_on_the_way_of_release(void **state)
{
    struct hf_engine_config config = hf_small_config();
    struct hf_small small;
    (void)state;

    config.reference_retention_us = 1000;
    hf_small_init(&small, &config);
    assert_int_equal(hf_small_do(&small, "receive A@W=9"), HF_OK);
    assert_int_equal(hf_small_do(&small, "reserve r1 A@W=1 order=o1"), HF_OK);
    assert_int_equal(hf_small_do(&small, "release r1"), HF_OK);
    small.now_us += 900;
    assert_int_equal(hf_small_do(&small, "reserve r2 A@W=1 order=o1 ttl=50"), HF_OK);
    small.now_us += 200; /* r2 has ended, r1 is past its retention; neither is logged */
    assert_int_equal(hf_small_do(&small, "release_order order=o1"), HF_EXPIRED);
    assert_string_equal(hf_small_cell(small.engine, "A@W"), "9 0 0 0 v5");
    struct hf_reservation_view view;
    assert_int_equal(hf_engine_reservation(small.engine, hf_text_of("r1"), small.now_us, &view),
                     HF_UNKNOWN_RESERVATION);
    assert_null(hf_small_violation(small.engine));
    hf_small_release(&small);
}

/* The same with more of them: open ones are released, due ones end, old ones are forgotten. */
static void forgetting_between_others(void **state)
{
    struct hf_engine_config config = hf_small_config();
    struct hf_small small;
    (void)state;

    config.reference_retention_us = 1000;
    hf_small_init(&small, &config);
    assert_int_equal(hf_small_do(&small, "receive A@W=9"), HF_OK);
    assert_int_equal(hf_small_do(&small, "reserve r1 A@W=1 order=o1"), HF_OK);
    assert_int_equal(hf_small_do(&small, "reserve r2 A@W=1 order=o1"), HF_OK);
    assert_int_equal(hf_small_do(&small, "reserve r3 A@W=1 order=o1"), HF_OK);
    assert_int_equal(hf_small_do(&small, "release r3"), HF_OK);
    assert_int_equal(hf_small_do(&small, "release r1"), HF_OK);
    small.now_us += 900;
    assert_int_equal(hf_small_do(&small, "reserve r4 A@W=1 order=o1 ttl=50"), HF_OK);
    assert_int_equal(hf_small_do(&small, "reserve r5 A@W=1 order=o1 ttl=60"), HF_OK);
    assert_int_equal(hf_small_do(&small, "reserve r6 A@W=1 order=o1"), HF_OK);
    small.now_us += 200;
    assert_int_equal(hf_small_do(&small, "release_order order=o1"), HF_OK);
    assert_int_equal(small.result.state, HF_STATE_RELEASED);
    assert_string_equal(hf_small_cell(small.engine, "A@W"), "9 0 0 0 v12");
    assert_null(hf_small_violation(small.engine));
    assert_int_equal(hf_small_do(&small, "release_order order=o1"), HF_ALREADY_RELEASED);
    assert_int_equal(hf_small_do(&small, "release_order order=o2"), HF_UNKNOWN_RESERVATION);
    hf_small_release(&small);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nodes_stand_by_lsn),
        cmocka_unit_test(order_is_dropped_when_unused),
        cmocka_unit_test(forgetting_on_the_way_of_release),
        cmocka_unit_test(forgetting_between_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
