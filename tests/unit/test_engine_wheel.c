/*
 * test_engine_wheel.c - the timing wheel against an array that is sorted by deadline.
 *
 * Method: random additions, removals and steps of time, from one microsecond to years; what is
 * due comes out in the order of deadlines, to the microsecond, and of equal ones in the order they
 * were put in; also while a slot is half moved down, because a call may move no more than its
 * steps. A deadline that has passed already counts as now.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "engine/limits.h"
#include "engine/wheel.h"
#include "tests/lib/small_engine.h"

#define ITEMS_MAX 200

struct item {
    struct hf_wheel_link link;
    uint64_t deadline_us;
    uint64_t sort_us; /* the deadline, or the time at which it was late already */
    uint64_t added;   /* counts additions; 0: not in */
};

struct world {
    struct hf_wheel wheel;
    struct hf_wheel_items items;
    struct item all[ITEMS_MAX];
    uint64_t now_us, added, seed;
    uint32_t count;
};

static struct hf_wheel_link *link_of(void *arg, uint32_t index)
{
    return &((struct world *)arg)->all[index].link;
}

static uint64_t deadline_of(void *arg, uint32_t index)
{
    return ((struct world *)arg)->all[index].deadline_us;
}

static void world_init(struct world *world, uint64_t now_us)
{
    *world = (struct world){.now_us = now_us};
    world->items = (struct hf_wheel_items){world, link_of, deadline_of};
    hf_wheel_init(&world->wheel, now_us);
}

static void put(struct world *world, uint32_t index, uint64_t deadline_us)
{
    struct item *item = &world->all[index];

    item->deadline_us = deadline_us;
    item->sort_us = deadline_us < world->wheel.current_us ? world->wheel.current_us : deadline_us;
    item->added = ++world->added;
    hf_wheel_add(&world->wheel, &world->items, index);
    world->count++;
}

static void take(struct world *world, uint32_t index)
{
    world->all[index].added = 0;
    hf_wheel_remove(&world->wheel, &world->items, index);
    world->count--;
}

/* The first item by deadline, then by the order of being put in; HF_NONE when there is none. */
static uint32_t first_of(const struct world *world)
{
    uint32_t first = HF_NONE;

    for (uint32_t i = 0; i < ITEMS_MAX; i++) {
        const struct item *item = &world->all[i];
        if (item->added != 0 && (first == HF_NONE || item->sort_us < world->all[first].sort_us ||
                                 (item->sort_us == world->all[first].sort_us &&
                                  item->added < world->all[first].added))) {
            first = i;
        }
    }
    return first;
}

/* Ask with `steps` a call until an answer comes; the wheel may take no more than it was given. */
static uint32_t due(struct world *world, uint32_t steps_each)
{
    for (uint32_t calls = 0; calls < ITEMS_MAX * HF_WHEEL_LEVELS + 1; calls++) {
        uint32_t steps = steps_each;
        const uint32_t index = hf_wheel_due(&world->wheel, &world->items, world->now_us, &steps);
        assert_true(steps <= steps_each);
        if (index != HF_NONE || steps > 0) {
            return index;
        }
        if (steps_each == 0) {
            return HF_NONE;
        }
    }
    fail_msg("the wheel never comes to an end");
    return HF_NONE;
}

static void check_next(const struct world *world)
{
    const uint32_t first = first_of(world);
    const uint64_t next_us = hf_wheel_next_us(&world->wheel);

    assert_int_equal(world->wheel.count, world->count);
    if (first == HF_NONE) {
        assert_true(next_us == UINT64_MAX);
    } else {
        assert_true(next_us <= world->all[first].sort_us);
    }
}

/* All that is due comes out in order; what is not due does not. */
static void drain(struct world *world, uint32_t steps_each)
{
    for (;;) {
        const uint32_t want = first_of(world);
        const uint32_t got = due(world, steps_each);
        if (want == HF_NONE || world->all[want].sort_us > world->now_us) {
            assert_int_equal(got, HF_NONE);
            break;
        }
        assert_int_equal(got, want);
        take(world, got);
        check_next(world);
    }
    assert_true(world->wheel.current_us <= world->now_us);
}

/* A distance of a random size: from nothing to as long as a life may be. */
static uint64_t random_distance(struct world *world)
{
    const uint64_t bits = hf_random_below(&world->seed, 46);
    const uint64_t distance = hf_random_below(&world->seed, UINT64_C(1) << bits);
    return distance > HF_LIFE_US_LIMIT ? HF_LIFE_US_LIMIT : distance;
}

static const struct row {
    const char *name;
    uint64_t begin_us;
    uint32_t steps_each;
    uint64_t grain; /* deadlines are rounded to it: many are equal */
} rows[] = {
    {"from zero", 0, 1000000, 1},
    {"from zero, a step a call", 0, 1, 1},
    {"from now", HF_SMALL_BEGIN_US, 1000000, 1},
    {"from now, a step a call", HF_SMALL_BEGIN_US, 1, 1},
    {"from now, three steps a call", HF_SMALL_BEGIN_US, 3, 1},
    {"equal deadlines", HF_SMALL_BEGIN_US, 1, 4096},
    {"equal deadlines, all at once", HF_SMALL_BEGIN_US, 1000000, UINT64_C(1) << 30},
    {"just below a turn of every level", (UINT64_C(1) << 48) - 5, 2, 1},
    {"near the end of time", HF_TIME_US_MAX - (UINT64_C(1) << 50), 5, 1},
};

static void equals_a_sorted_array(void **state)
{
    const struct row *row = *state;
    struct world *world = test_malloc(sizeof *world);

    world_init(world, row->begin_us);
    world->seed = hf_random_seed();
    for (uint32_t step = 0; step < 6000; step++) {
        const uint32_t index = (uint32_t)hf_random_below(&world->seed, ITEMS_MAX);
        const uint64_t what = hf_random_below(&world->seed, 10);
        if (world->all[index].added == 0 && what < 6) {
            uint64_t deadline_us = world->now_us + random_distance(world);
            if (what == 0) { /* late already */
                deadline_us = world->now_us - hf_random_below(&world->seed, 100);
                deadline_us = deadline_us > world->now_us ? 0 : deadline_us;
            }
            put(world, index, deadline_us / row->grain * row->grain);
        } else if (world->all[index].added != 0 && what < 3) {
            take(world, index);
        } else if (what == 9 && world->now_us < HF_TIME_US_MAX) {
            world->now_us += random_distance(world);
            world->now_us = world->now_us > HF_TIME_US_MAX ? HF_TIME_US_MAX : world->now_us;
            drain(world, row->steps_each);
        }
        check_next(world);
    }
    world->now_us = HF_TIME_US_MAX + HF_LIFE_US_LIMIT;
    drain(world, row->steps_each);
    assert_int_equal(world->wheel.count, 0);
    test_free(world);
}

/* While a slot is half moved down, items come and go, in it and outside; the order stays. */
static void half_moved_slots(void **state)
{
    struct world *world = test_malloc(sizeof *world);
    (void)state;

    world_init(world, HF_SMALL_BEGIN_US);
    world->seed = hf_random_seed();
    for (uint32_t round = 0; round < 2000; round++) {
        const uint64_t base_us = world->now_us;
        const uint64_t span = UINT64_C(1) << (1 + hf_random_below(&world->seed, 24));
        for (uint32_t i = 0; i < 20; i++) {
            if (world->all[i].added == 0) {
                put(world, i, base_us + hf_random_below(&world->seed, span));
            }
        }
        world->now_us = base_us + hf_random_below(&world->seed, span * 2);
        for (uint32_t i = 0; i < 40; i++) {
            uint32_t steps = (uint32_t)hf_random_below(&world->seed, 3);
            const uint32_t got = hf_wheel_due(&world->wheel, &world->items, world->now_us, &steps);
            const uint32_t index = (uint32_t)hf_random_below(&world->seed, ITEMS_MAX);
            if (got != HF_NONE) {
                assert_int_equal(got, first_of(world));
                if (hf_random_below(&world->seed, 2) == 0) {
                    take(world, got);
                }
            } else if (world->all[index].added != 0) {
                take(world, index);
            } else {
                put(world, index, base_us + hf_random_below(&world->seed, span));
            }
            check_next(world);
        }
    }
    world->now_us += UINT64_C(1) << 40;
    drain(world, 1);
    assert_int_equal(world->wheel.count, 0);
    test_free(world);
}

/* Equal deadlines come in the order they were put in, also those put in half-way. */
static void equal_deadlines_half_way(void **state)
{
    struct world *world = test_malloc(sizeof *world);
    uint32_t steps = 1;
    (void)state;

    world_init(world, 0);
    for (uint32_t i = 0; i < 3; i++) {
        put(world, i, 5000);
    }
    world->now_us = 5000;
    assert_int_equal(hf_wheel_due(&world->wheel, &world->items, world->now_us, &steps), HF_NONE);
    assert_int_equal(steps, 0);
    put(world, 3, 5000);
    for (uint32_t i = 0; i < 4; i++) {
        assert_int_equal(due(world, 1), i);
        take(world, i);
    }
    test_free(world);
}

/* To the microsecond, on both sides; and no steps at all are no progress and no harm. */
static void due_to_the_microsecond(void **state)
{
    static const uint64_t distances[] = {0,    1,     63,    64,     65,         4095,
                                         4096, 4097,  99999, 262144, 1000000007, UINT64_C(1) << 44,
                                         4032, 262080};
    struct world *world = test_malloc(sizeof *world);
    (void)state;

    for (size_t i = 0; i < sizeof distances / sizeof distances[0]; i++) {
        world_init(world, HF_SMALL_BEGIN_US);
        put(world, 7, HF_SMALL_BEGIN_US + distances[i]);
        assert_true(hf_wheel_next_us(&world->wheel) <= HF_SMALL_BEGIN_US + distances[i]);
        world->now_us = HF_SMALL_BEGIN_US + distances[i] - 1;
        assert_int_equal(due(world, 100), HF_NONE);
        world->now_us++;
        (void)due(world, 0);
        assert_int_equal(due(world, 100), 7);
        assert_int_equal(due(world, 100), 7); /* stays until it is removed */
        take(world, 7);
        assert_int_equal(due(world, 100), HF_NONE);
        assert_true(hf_wheel_next_us(&world->wheel) == UINT64_MAX);
    }
    test_free(world);
}

int main(void)
{
    struct CMUnitTest tests[sizeof rows / sizeof rows[0] + 3];
    size_t count = 0;

    for (; count < sizeof rows / sizeof rows[0]; count++) {
        tests[count] = (struct CMUnitTest){
            .name = rows[count].name,
            .test_func = equals_a_sorted_array,
            .initial_state = (void *)(uintptr_t)&rows[count],
        };
    }
    tests[count++] = (struct CMUnitTest)cmocka_unit_test(half_moved_slots);
    tests[count++] = (struct CMUnitTest)cmocka_unit_test(equal_deadlines_half_way);
    tests[count++] = (struct CMUnitTest)cmocka_unit_test(due_to_the_microsecond);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
