/*
 * test_engine_table.c - the sharded hash index against a plain array.
 *
 * Method: keys come from a few shards and a few tags, so that probes collide, share tags and wrap
 * around the end of a shard; after random additions and removals every key in the array is found,
 * every other one is not, and a probe gives each entry of its tag exactly once.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "engine/table.h"
#include "tests/lib/small_engine.h"

#define KEYS_MAX 600

struct key {
    uint64_t hash;
    uint32_t index; /* HF_NONE: not in the table */
};

static uint32_t count_found(const struct hf_table *table, const struct key *key)
{
    struct hf_probe probe = hf_table_probe(table, key->hash);
    uint32_t count = 0;

    for (uint32_t index = hf_probe_next(&probe); index != HF_NONE; index = hf_probe_next(&probe)) {
        count += index == key->index;
    }
    return count;
}

static void check_all(const struct hf_table *table, const struct key *keys, uint32_t count)
{
    uint32_t used_count = 0;
    uint32_t in_count = 0;

    for (uint32_t i = 0; i < count; i++) {
        if (keys[i].index != HF_NONE) {
            assert_int_equal(count_found(table, &keys[i]), 1);
            in_count++;
        } else {
            const struct key absent = {keys[i].hash, i};
            assert_int_equal(count_found(table, &absent), 0);
        }
    }
    for (uint32_t i = 0; i < HF_TABLE_SHARDS; i++) {
        used_count += table->shards[i].used_count;
    }
    assert_int_equal(used_count, in_count);
}

static const struct row {
    const char *name;
    uint32_t shards, tags;
    uint32_t tag_spread; /* the tags lie this far apart */
    uint32_t keys;
} rows[] = {
    {"one shard, equal tags", 1, 1, 1, 40},
    {"one shard, neighbouring tags", 1, 12, 1, 60},
    {"one shard, homes at the end of the slots", 1, 7, 0xFFFFFFFF, 60},
    {"one shard, many tags", 1, 100000, 7919, KEYS_MAX},
    {"three shards, few tags", 3, 5, 64, 90},
    {"all shards, random tags", HF_TABLE_SHARDS, 0, 1, KEYS_MAX},
};

static uint64_t hash_of(const struct row *row, uint64_t *seed)
{
    const uint64_t shard = hf_random_below(seed, row->shards);
    const uint64_t tag =
        row->tags == 0 ? (uint32_t)hf_random_next(seed)
                       : (uint32_t)(hf_random_below(seed, row->tags) * (uint64_t)row->tag_spread);
    const uint64_t middle = hf_random_below(seed, 1u << 20);
    return shard << (64 - HF_TABLE_SHARD_BITS) | middle << 32 | tag;
}

static void equals_an_array(void **state)
{
    const struct row *row = *state;
    uint64_t seed = hf_random_seed();
    struct hf_table table;
    static struct key keys[KEYS_MAX];

    assert_int_equal(hf_table_init(&table), HF_OK);
    for (uint32_t i = 0; i < row->keys; i++) {
        keys[i] = (struct key){hash_of(row, &seed), HF_NONE};
    }
    check_all(&table, keys, row->keys);
    for (uint32_t step = 0; step < 8000; step++) {
        const uint32_t at = (uint32_t)hf_random_below(&seed, row->keys);
        /* Fill up, then drain, then fill up again: growth and long backward shifts. */
        const bool is_filling = step / 1000 % 2 == 0;
        if (keys[at].index == HF_NONE && (is_filling || hf_random_below(&seed, 4) == 0)) {
            assert_true(hf_table_make_room(&table, keys[at].hash, 1));
            keys[at].index = at;
            hf_table_add(&table, keys[at].hash, at);
        } else if (keys[at].index != HF_NONE && (!is_filling || hf_random_below(&seed, 4) == 0)) {
            hf_table_remove(&table, keys[at].hash, at);
            keys[at].index = HF_NONE;
        }
        if (step % 50 == 0) {
            check_all(&table, keys, row->keys);
        }
    }
    for (uint32_t i = 0; i < row->keys; i++) {
        if (keys[i].index != HF_NONE) {
            hf_table_remove(&table, keys[i].hash, i);
            keys[i].index = HF_NONE;
        }
    }
    check_all(&table, keys, row->keys);
    hf_table_release(&table);
}

/* Room for many at once: the additions then never grow the shard. */
static void room_is_made_once(void **state)
{
    struct hf_table table;
    (void)state;

    assert_int_equal(hf_table_init(&table), HF_OK);
    const uint64_t empty_bytes = table.memory_bytes;
    assert_true(hf_table_make_room(&table, 0, 0));
    assert_int_equal(table.memory_bytes, empty_bytes);
    for (uint32_t count = 1; count <= 1000; count = count * 3 + 1) {
        assert_true(hf_table_make_room(&table, 0, count));
        const uint64_t memory_bytes = table.memory_bytes;
        const uint64_t *slots = table.shards[0].slots;
        const uint32_t mask = table.shards[0].mask;
        assert_int_equal((mask + 1) & mask, 0);
        for (uint32_t i = 0; i < count; i++) {
            hf_table_add(&table, i * 3, i);
            assert_true(hf_table_make_room(&table, 0, count - 1 - i));
        }
        assert_ptr_equal(table.shards[0].slots, slots);
        assert_int_equal(table.memory_bytes, memory_bytes);
        assert_int_equal(memory_bytes, empty_bytes + (mask + UINT64_C(1)) * sizeof *slots);
        for (uint32_t i = 0; i < count; i++) {
            hf_table_remove(&table, i * 3, i);
        }
    }
    hf_table_release(&table);
}

/* A shard is at most three quarters full, so a probe always ends; both sides of that. */
static void a_shard_grows_at_three_quarters(void **state)
{
    struct hf_table table;
    (void)state;

    assert_int_equal(hf_table_init(&table), HF_OK);
    for (uint32_t i = 0; i < 6; i++) {
        assert_true(hf_table_make_room(&table, i, 1));
        hf_table_add(&table, i, i);
    }
    assert_int_equal(table.shards[0].mask, 7);
    assert_true(hf_table_make_room(&table, 6, 1));
    assert_int_equal(table.shards[0].mask, 15);
    assert_int_equal(table.shards[0].used_count, 6);
    for (uint32_t i = 0; i < 6; i++) {
        const struct key key = {i, i};
        assert_int_equal(count_found(&table, &key), 1);
    }
    hf_table_release(&table);
}

/* Tags that stand in the last slot run on at the first; removal shifts them back over the end. */
static void probes_wrap_around(void **state)
{
    struct hf_table table;
    (void)state;

    assert_int_equal(hf_table_init(&table), HF_OK);
    assert_true(hf_table_make_room(&table, 7, 6)); /* eight slots */
    for (uint32_t removed = 0; removed < 5; removed++) {
        for (uint32_t i = 0; i < 5; i++) {
            hf_table_add(&table, 6 + i % 2 + i * 8, i); /* homes 6 and 7, different tags */
        }
        hf_table_remove(&table, 6 + removed % 2 + removed * 8, removed);
        for (uint32_t i = 0; i < 5; i++) {
            const struct key key = {6 + i % 2 + i * 8, i};
            assert_int_equal(count_found(&table, &key), i == removed ? 0 : 1);
        }
        for (uint32_t i = 0; i < 5; i++) {
            if (i != removed) {
                hf_table_remove(&table, 6 + i % 2 + i * 8, i);
            }
        }
        for (uint32_t i = 0; i < 8; i++) {
            assert_int_equal(table.shards[0].slots[i], 0);
        }
    }
    hf_table_release(&table);
}

int main(void)
{
    struct CMUnitTest tests[sizeof rows / sizeof rows[0] + 3];
    size_t count = 0;

    for (; count < sizeof rows / sizeof rows[0]; count++) {
        tests[count] = (struct CMUnitTest){
            .name = rows[count].name,
            .test_func = equals_an_array,
            .initial_state = (void *)(uintptr_t)&rows[count],
        };
    }
    tests[count++] = (struct CMUnitTest)cmocka_unit_test(room_is_made_once);
    tests[count++] = (struct CMUnitTest)cmocka_unit_test(a_shard_grows_at_three_quarters);
    tests[count++] = (struct CMUnitTest)cmocka_unit_test(probes_wrap_around);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
