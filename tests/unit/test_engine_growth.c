/*
 * test_engine_growth.c - what is told to be made ahead: where it begins, how much, and when not.
 *
 * Method: the marks only look at how far a region is used, so the tests set that, in an engine with
 * the limits of a server, and never touch what is told. One table is filled for real.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "engine/growth.h"
#include "engine/state.h"
#include "tests/lib/small_engine.h"

#define MIB (UINT64_C(1024) * 1024)
#define PARTS_MAX 64
#define CELLS_LEAST 65536u /* of 64 bytes: 4 MiB */

struct world {
    struct hf_engine *engine;
    struct hf_growth growth;
    struct hf_memory_part parts[PARTS_MAX];
    uint32_t parts_count;
};

static void open_world(struct world *world, const struct hf_engine_config *config)
{
    const struct hf_engine_config server = hf_engine_config_default();

    *world = (struct world){.engine = hf_engine_create(config != NULL ? config : &server)};
    assert_non_null(world->engine);
}

/* Bytes told between `from` and `to`; parts are whole, not empty and not too large. */
static uint64_t look_between(struct world *world, const void *from, const void *to)
{
    uint64_t bytes_count = 0;

    world->parts_count = hf_growth_look(&world->growth, world->engine, world->parts, PARTS_MAX);
    for (uint32_t i = 0; i < world->parts_count; i++) {
        const struct hf_memory_part *part = &world->parts[i];
        const unsigned char *begin = part->memory;
        assert_true(part->bytes_count > 0);
        assert_true(part->bytes_count <= HF_GROWTH_PART_BYTES);
        if (begin >= (const unsigned char *)from && begin < (const unsigned char *)to) {
            assert_true(begin + part->bytes_count <= (const unsigned char *)to);
            bytes_count += part->bytes_count;
        }
    }
    return bytes_count;
}

static uint64_t look_at_pool(struct world *world, const struct hf_pool *pool)
{
    return look_between(world, pool->items,
                        pool->items + (uint64_t)pool->items_max * pool->item_bytes);
}

/* ------------------------------------------------------------------ pools */

static const struct row {
    const char *name;
    uint32_t begin, now; /* cells that are used */
    uint32_t cells_max;  /* 0: of a server */
    uint64_t memory_max; /* beside what the engine has; 0: none */
    uint64_t want_bytes;
} rows[] = {
    /* name                              begin         now             max   memory  want */
    {"an empty engine", 0, 0, 0, 0, 0},
    {"one below the least use", 0, CELLS_LEAST - 1, 0, 0, 0},
    {"one below it, and not growing", CELLS_LEAST - 1, CELLS_LEAST - 1, 0, 0, 0},
    {"the least use, not growing", CELLS_LEAST, CELLS_LEAST, 0, 0, 4 * MIB},
    {"and one more", CELLS_LEAST, CELLS_LEAST + 1, 0, 0, 4 * MIB},
    {"a sixteenth of the least margin", CELLS_LEAST, CELLS_LEAST + 4096, 0, 0, 4 * MIB},
    {"one more than that", CELLS_LEAST, CELLS_LEAST + 4097, 0, 0, 8 * MIB},
    {"a sixteenth of the largest", CELLS_LEAST, 2 * CELLS_LEAST, 0, 0, 64 * MIB},
    {"all at once", 0, 100 * CELLS_LEAST, 0, 0, 64 * MIB},
    {"all but 3 MiB of the pool", CELLS_LEAST, CELLS_LEAST, CELLS_LEAST + 49152, 0, 3 * MIB},
    {"all but a cell", CELLS_LEAST, CELLS_LEAST, CELLS_LEAST + 1, 0, 64},
    {"all", CELLS_LEAST, CELLS_LEAST, CELLS_LEAST, 0, 0},
    {"a part below the limit", 0, 2 * CELLS_LEAST, 0, 4 * MIB, 4 * MIB},
    {"one byte less", 0, 2 * CELLS_LEAST, 0, 4 * MIB - 1, 0},
    {"at the limit", CELLS_LEAST, CELLS_LEAST, 0, 1, 0},
};

static void pool_is_made(void **state)
{
    const struct row *row = *state;
    struct hf_engine_config config = hf_engine_config_default();
    struct world world;

    if (row->cells_max != 0) {
        config.cells_max = row->cells_max;
    }
    open_world(&world, &config);
    struct hf_pool *pool = &world.engine->cells.pool;
    pool->used_count = row->begin;
    hf_growth_begin(&world.growth, world.engine);
    assert_int_equal(hf_growth_ahead_bytes(&world.growth), 0);

    pool->used_count = row->now;
    if (row->memory_max != 0) {
        world.engine->config.memory_max_bytes =
            hf_engine_memory_bytes(world.engine) + row->memory_max;
    }
    assert_int_equal(look_at_pool(&world, pool), row->want_bytes);
    assert_int_equal(hf_growth_ahead_bytes(&world.growth), row->want_bytes);
    /* It goes on where the use ends, side by side; and is told once. */
    const unsigned char *at = pool->items + hf_pool_memory_bytes(pool);
    for (uint32_t i = 0; i < world.parts_count; i++) {
        assert_ptr_equal(world.parts[i].memory, at);
        at += world.parts[i].bytes_count;
    }
    assert_int_equal(look_at_pool(&world, pool), 0);

    pool->used_count = 0; /* hf_engine_free walks no cells, but whoever does later on */
    hf_engine_free(world.engine);
}

/* Few places go to the region that is used up first, and the margin shrinks with the speed. */
static void urgent_ones_first(void **state)
{
    struct world world;
    (void)state;

    open_world(&world, NULL);
    struct hf_pool *slow = &world.engine->reservations.pool;
    struct hf_pool *fast = &world.engine->reservations.lines;
    slow->used_count = fast->used_count = 1000000;
    hf_growth_begin(&world.growth, world.engine);
    assert_int_equal(look_at_pool(&world, slow), 4 * MIB);
    slow->used_count += 1;
    fast->used_count += 60000; /* 2.75 MiB: the margin is 44 MiB */
    struct hf_memory_part part;
    uint64_t bytes_count = 0;
    while (hf_growth_look(&world.growth, world.engine, &part, 1) == 1 && bytes_count < 36 * MIB) {
        assert_true((unsigned char *)part.memory > fast->items);
        bytes_count += part.bytes_count;
    }
    for (uint32_t i = 0; i < 100; i++) {
        (void)look_at_pool(&world, fast);
    }
    fast->used_count += 1000;
    assert_int_equal(look_at_pool(&world, fast), 0); /* what is made lasts */
    hf_engine_free(world.engine);
}

/* ------------------------------------------------------------------ rings */

/* From anywhere in the ring: each byte is told once, over its end, and then nothing any more. */
static void ring_goes_round_once(void **state)
{
    static const uint64_t begins[] = {0, 1, 255000, 262143, 262144, 4194303};
    (void)state;

    for (size_t i = 0; i < sizeof begins / sizeof begins[0]; i++) {
        struct world world;
        open_world(&world, NULL);
        struct hf_ledger *ledger = &world.engine->ledger;
        const unsigned char *memory = (const unsigned char *)ledger->entries;
        const uint64_t bytes_max = ledger->entries_max * sizeof *ledger->entries;
        assert_int_equal(ledger->entries_max, 4194304);
        hf_ledger_start(ledger, ledger->entries_max * 3 + begins[i]);
        hf_growth_begin(&world.growth, world.engine);

        ledger->last_lsn += 4 * MIB / sizeof *ledger->entries - 1;
        assert_int_equal(look_between(&world, memory, memory + bytes_max), 0);
        ledger->last_lsn += 1;
        uint64_t told_bytes = 4 * MIB; /* used */
        uint64_t at = begins[i] * sizeof *ledger->entries + told_bytes;
        while (ledger->last_lsn < ledger->first_lsn + 3 * ledger->entries_max) {
            told_bytes += look_between(&world, memory, memory + bytes_max);
            for (uint32_t k = 0; k < world.parts_count; k++) {
                const unsigned char *begin = world.parts[k].memory;
                assert_int_equal(begin - memory, at % bytes_max);
                at += world.parts[k].bytes_count;
            }
            ledger->last_lsn += 20000; /* 312.5 KiB: within the margin */
        }
        assert_int_equal(told_bytes, bytes_max);
        assert_int_equal(hf_growth_ahead_bytes(&world.growth), 0);
        hf_engine_free(world.engine);
    }
}

/* ------------------------------------------------------------------ tables */

#define TABLE_REGION 4           /* all shards of 128 slots: 4 MiB */
#define TABLE_KEYS (4096u * 96u) /* three quarters of them */

static const struct table_row {
    const char *name;
    uint32_t expected, begin, now; /* keys */
    uint64_t want_bytes;
} table_rows[] = {
    {"an empty table", 0, 0, TABLE_KEYS, 0},
    {"a small region, full", TABLE_KEYS / 2, TABLE_KEYS / 2, TABLE_KEYS / 2, 0},
    {"not full, not growing", TABLE_KEYS, TABLE_KEYS - 1, TABLE_KEYS - 1, 0},
    {"full, not growing", TABLE_KEYS, TABLE_KEYS, TABLE_KEYS, 8 * MIB},
    {"full in 128 looks", TABLE_KEYS, TABLE_KEYS - 129 * 8, TABLE_KEYS - 128 * 8, 8 * MIB},
    {"in one more", TABLE_KEYS, TABLE_KEYS - 129 * 8 - 1, TABLE_KEYS - 128 * 8 - 1, 0},
    {"fewer keys than before", TABLE_KEYS, TABLE_KEYS - 1, TABLE_KEYS - 1000, 0},
};

static void table_is_made(void **state)
{
    const struct table_row *row = *state;
    struct world world;

    open_world(&world, NULL);
    struct hf_table *table = &world.engine->names.table;
    struct hf_pool *pool = &world.engine->names.refs;
    assert_true(hf_table_expect(table, row->expected));
    pool->used_count = row->begin;
    hf_growth_begin(&world.growth, world.engine);
    (void)hf_growth_look(&world.growth, world.engine, world.parts, PARTS_MAX);
    const uint64_t early_bytes =
        table->regions[TABLE_REGION + 1].slots != NULL ? row->want_bytes : 0;
    assert_true(early_bytes == 0 || row->begin >= TABLE_KEYS);

    pool->used_count = row->now;
    const uint64_t memory_bytes = hf_engine_memory_bytes(world.engine);
    (void)hf_growth_look(&world.growth, world.engine, world.parts, PARTS_MAX);
    assert_int_equal(world.growth.tables[HF_GROWTH_TABLE_NAMES].region.made_bytes, row->want_bytes);
    assert_int_equal(table->regions[TABLE_REGION + 1].slots != NULL, row->want_bytes != 0);
    assert_int_equal(hf_engine_memory_bytes(world.engine), memory_bytes); /* no shard is there */
    hf_engine_free(world.engine);
}

/* A table that grows: before many shards have entered a region of more than 4 MiB, it was told. */
static void shards_move_into_what_is_made(void **state)
{
    uint64_t seed = hf_random_seed();
    const uint32_t keys_count = 2000000;
    uint32_t regions_count = 0;
    struct world world;
    (void)state;

    open_world(&world, NULL);
    struct hf_table *table = &world.engine->names.table;
    const struct hf_growth_table *growth = &world.growth.tables[HF_GROWTH_TABLE_NAMES];
    hf_growth_begin(&world.growth, world.engine);
    for (uint32_t i = 0; i < keys_count; i++) {
        const uint64_t hash = hf_random_next(&seed);
        assert_true(hf_table_make_room(table, hash, 1));
        hf_table_add(table, hash, i);
        world.engine->names.refs.used_count = i + 1;
        if (i % 4000 == 0) {
            (void)hf_growth_look(&world.growth, world.engine, world.parts, PARTS_MAX);
            assert_true(hf_growth_ahead_bytes(&world.growth) < 200 * MIB);
        }
        const uint32_t region =
            (uint32_t)__builtin_ctz(hf_table_shard_of(table, hash)->mask + 1) - 3;
        if (region > TABLE_REGION && table->regions[region].shards_count == 100 &&
            growth->index == region) {
            assert_ptr_equal(growth->region.memory, table->regions[region].slots);
            assert_int_equal(growth->region.made_bytes, hf_table_region_bytes(region));
            regions_count++;
        }
    }
    assert_true(regions_count > 0);
    assert_int_equal(hf_table_region(table), 7); /* 2,000,000 of 4,194,304 slots */
    hf_engine_free(world.engine);
}

#define ROWS (sizeof rows / sizeof rows[0])
#define TABLE_ROWS (sizeof table_rows / sizeof table_rows[0])

int main(void)
{
    struct CMUnitTest tests[ROWS + TABLE_ROWS + 3];
    size_t count = 0;

    for (size_t i = 0; i < ROWS; i++) {
        tests[count++] = (struct CMUnitTest){
            .name = rows[i].name, .test_func = pool_is_made, .initial_state = (void *)&rows[i]};
    }
    for (size_t i = 0; i < TABLE_ROWS; i++) {
        tests[count++] = (struct CMUnitTest){.name = table_rows[i].name,
                                             .test_func = table_is_made,
                                             .initial_state = (void *)&table_rows[i]};
    }
    tests[count++] = (struct CMUnitTest)cmocka_unit_test(urgent_ones_first);
    tests[count++] = (struct CMUnitTest)cmocka_unit_test(ring_goes_round_once);
    tests[count++] = (struct CMUnitTest)cmocka_unit_test(shards_move_into_what_is_made);
    HF_ASSERT(count == sizeof tests / sizeof tests[0]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
