/*
 * test_engine_pool.c - items by index: every index is handed out once, zeroed, and comes back.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>

#include "engine/pool.h"
#include "tests/lib/small_engine.h"

#define ITEM_BYTES 20
#define ITEMS_MAX 50

static void equals_a_set(void **state)
{
    uint64_t seed = hf_random_seed();
    const unsigned char zeros[ITEM_BYTES] = {0};
    bool is_taken[ITEMS_MAX] = {false};
    uint32_t taken_count = 0;
    uint32_t used_max = 0;
    struct hf_pool pool;
    (void)state;

    assert_int_equal(hf_pool_init(&pool, ITEM_BYTES, ITEMS_MAX), HF_OK);
    for (uint32_t step = 0; step < 20000; step++) {
        const uint32_t at = (uint32_t)hf_random_below(&seed, ITEMS_MAX);
        if (hf_pool_room(&pool) > 0 && hf_random_below(&seed, 2) == 0) {
            const uint32_t index = hf_pool_take(&pool);
            assert_true(index < ITEMS_MAX);
            assert_false(is_taken[index]);
            assert_memory_equal(hf_pool_at(&pool, index), zeros, ITEM_BYTES);
            memset(hf_pool_at(&pool, index), (int)index + 1, ITEM_BYTES);
            is_taken[index] = true;
            taken_count++;
        } else if (is_taken[at]) {
            const unsigned char *item = hf_pool_at(&pool, at);
            for (uint32_t i = 0; i < ITEM_BYTES; i++) {
                assert_int_equal(item[i], (unsigned char)(at + 1)); /* nobody else wrote here */
            }
            hf_pool_give(&pool, at);
            /* Whoever walks by index tells a free item by a byte after the first four. */
            assert_memory_equal(item + 4, zeros, ITEM_BYTES - 4);
            is_taken[at] = false;
            taken_count--;
        }
        used_max = taken_count > used_max ? taken_count : used_max;
        assert_int_equal(hf_pool_live_count(&pool), taken_count);
        assert_int_equal(hf_pool_room(&pool), ITEMS_MAX - taken_count);
        assert_int_equal(pool.used_count, used_max); /* free ones are used before new ones */
        assert_int_equal(hf_pool_memory_bytes(&pool), (uint64_t)used_max * ITEM_BYTES);
    }
    hf_pool_release(&pool);
    assert_null(pool.items);
    hf_pool_release(&pool); /* twice does no harm */
}

static void full_and_empty(void **state)
{
    struct hf_pool pool;
    (void)state;

    assert_int_equal(hf_pool_init(&pool, 4, 1), HF_OK);
    assert_int_equal(hf_pool_room(&pool), 1);
    assert_int_equal(hf_pool_take(&pool), 0);
    assert_int_equal(hf_pool_room(&pool), 0);
    hf_pool_give(&pool, 0);
    assert_int_equal(hf_pool_room(&pool), 1);
    assert_int_equal(hf_pool_take(&pool), 0);
    uint32_t item;
    memcpy(&item, hf_pool_at(&pool, 0), sizeof item);
    assert_int_equal(item, 0); /* the chain's bytes, too */
    hf_pool_release(&pool);
}

/* The last given is the first taken again: a group that fails leaves handles without gaps. */
static void newest_back_in_reverse(void **state)
{
    struct hf_pool pool;
    (void)state;

    assert_int_equal(hf_pool_init(&pool, 8, 10), HF_OK);
    for (uint32_t i = 0; i < 6; i++) {
        assert_int_equal(hf_pool_take(&pool), i);
    }
    for (uint32_t i = 6; i-- > 2;) {
        hf_pool_give(&pool, i);
    }
    for (uint32_t i = 2; i < 8; i++) {
        assert_int_equal(hf_pool_take(&pool), i);
    }
    hf_pool_release(&pool);
}

static void more_than_there_is(void **state)
{
    struct hf_pool pool;
    (void)state;

    assert_int_equal(hf_pool_init(&pool, UINT32_MAX, UINT32_C(1) << 31), HF_NO_MEMORY);
    hf_pool_release(&pool);
    assert_null(hf_memory_reserve(UINT64_C(1) << 60));
    hf_memory_give_back(NULL, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equals_a_set),
        cmocka_unit_test(full_and_empty),
        cmocka_unit_test(newest_back_in_reverse),
        cmocka_unit_test(more_than_there_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
