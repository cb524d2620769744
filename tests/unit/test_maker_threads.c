/*
 * test_maker_threads.c - memory made ahead beside a load; for ThreadSanitizer, too.
 *
 * Method: one engine takes a load as the server's loop does, with looks and posts between, another
 * one the same load without: they must come to the same. Then the ends: in the middle of what was
 * posted, and after the memory has gone.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>

#include "engine/engine.h"
#include "engine/ledger.h"
#include "tests/lib/small_engine.h"
#include "tools/holdfastd/maker.h"

#define OPERATIONS 150000u
#define MIB (UINT64_C(1024) * 1024)

struct load {
    struct hf_engine *engine;
    struct hf_growth growth;
    struct hf_maker *maker; /* NULL: none */
    uint64_t posted_bytes;
};

static void drive(struct load *load)
{
    struct hf_memory_part parts[HF_MAKER_PARTS_MAX];
    const uint32_t count =
        hf_growth_look(&load->growth, load->engine, parts, hf_maker_room(load->maker));

    for (uint32_t i = 0; i < count; i++) {
        hf_maker_post(load->maker, parts[i]);
        load->posted_bytes += parts[i].bytes_count;
    }
}

/* A cell, a reservation with a line and a reference each. */
static void apply(struct hf_engine *engine, uint32_t index)
{
    char sku[16], id[16], ref[16];
    struct hf_result result;

    (void)snprintf(sku, sizeof sku, "sku-%" PRIu32, index);
    (void)snprintf(id, sizeof id, "id-%" PRIu32, index);
    (void)snprintf(ref, sizeof ref, "ref-%" PRIu32, index);
    const struct hf_op_line line = {
        .sku = hf_text_of(sku), .location = hf_text_of("shop"), .units = 2};
    const struct hf_op receive = {
        .kind = HF_KIND_RECEIVE, .ref = hf_text_of(ref), .lines = &line, .lines_count = 1};
    const struct hf_op reserve = {.kind = HF_KIND_RESERVE,
                                  .id = hf_text_of(id),
                                  .flags = HF_OP_TTL,
                                  .ttl_us = 1000000,
                                  .lines = &line,
                                  .lines_count = 1};
    hf_engine_apply(engine, &receive, 1000 + index, &result);
    assert_int_equal(result.outcome, HF_OK);
    hf_engine_apply(engine, &reserve, 1000 + index, &result);
    assert_int_equal(result.outcome, HF_OK);
    hf_ledger_pin(hf_engine_ledger(engine), hf_engine_lsn(engine));
}

static struct hf_digest run(struct hf_maker *maker, uint64_t *posted_bytes)
{
    const struct hf_engine_config config = hf_engine_config_default();
    static struct load load;

    load = (struct load){.engine = hf_engine_create(&config), .maker = maker};
    assert_non_null(load.engine);
    hf_growth_begin(&load.growth, load.engine);
    for (uint32_t i = 0; i < OPERATIONS; i++) {
        apply(load.engine, i);
        if (maker != NULL && i % 500 == 0) {
            drive(&load);
        }
    }
    *posted_bytes = load.posted_bytes;
    const struct hf_digest digest = hf_engine_digest(load.engine);
    hf_maker_stop(maker); /* before the memory goes */
    hf_engine_free(load.engine);
    return digest;
}

static void changes_nothing(void **state)
{
    uint64_t with_bytes = 0, without_bytes = 0;
    (void)state;

    struct hf_maker *maker = hf_maker_start();
    assert_non_null(maker);
    assert_int_equal(hf_maker_room(maker), HF_MAKER_PARTS_MAX);
    const struct hf_digest with = run(maker, &with_bytes);
    const struct hf_digest without = run(NULL, &without_bytes);
    assert_true(hf_digest_is_equal(with, without));
    assert_true(with_bytes > 0);
    assert_int_equal(without_bytes, 0);
}

static void wait_until_made(const struct hf_maker *maker)
{
    while (hf_maker_room(maker) < HF_MAKER_PARTS_MAX) {
        (void)sched_yield();
    }
}

/* What lies there stays, also where the part begins in the middle of a page. */
static void writes_nothing(void **state)
{
    unsigned char *memory = hf_memory_reserve(8 * MIB);
    struct hf_maker *maker = hf_maker_start();
    (void)state;

    assert_non_null(memory);
    assert_non_null(maker);
    for (uint64_t at = 0; at < MIB; at++) {
        memory[at] = (unsigned char)(at % 251 + 1);
    }
    hf_maker_post(maker, (struct hf_memory_part){memory + 1000, 3 * MIB});
    hf_maker_post(maker, (struct hf_memory_part){memory + 4 * MIB, 1});
    wait_until_made(maker);
    for (uint64_t at = 0; at < MIB; at++) {
        assert_int_equal(memory[at], at % 251 + 1);
    }
    for (uint64_t at = MIB; at < 8 * MIB; at += 512) {
        assert_int_equal(memory[at], 0);
    }
    hf_maker_stop(maker);
    hf_memory_give_back(memory, 8 * MIB);
}

/* A table may give a region back whose part waits to be made. */
static void memory_may_be_gone(void **state)
{
    struct hf_maker *maker = hf_maker_start();
    (void)state;

    assert_non_null(maker);
    for (uint32_t i = 0; i < 200; i++) {
        unsigned char *memory = hf_memory_reserve(16 * MIB);
        assert_non_null(memory);
        while (hf_maker_room(maker) > 0) {
            hf_maker_post(maker, (struct hf_memory_part){memory + 8 * MIB, i % 2 == 0 ? 1 : MIB});
        }
        hf_memory_give_back(memory, 16 * MIB);
    }
    wait_until_made(maker);
    hf_maker_stop(maker);
}

static void ends_in_the_middle(void **state)
{
    unsigned char *memory = hf_memory_reserve(64 * MIB);
    (void)state;

    assert_non_null(memory);
    for (uint32_t i = 0; i < 20; i++) {
        struct hf_maker *maker = hf_maker_start();
        assert_non_null(maker);
        for (uint32_t k = 0; k < HF_MAKER_PARTS_MAX; k++) {
            hf_maker_post(maker, (struct hf_memory_part){memory + k * 16 * MIB, 4 * MIB});
        }
        hf_maker_stop(maker);
    }
    hf_maker_stop(NULL);
    hf_memory_give_back(memory, 64 * MIB);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(changes_nothing),
        cmocka_unit_test(writes_nothing),
        cmocka_unit_test(memory_may_be_gone),
        cmocka_unit_test(ends_in_the_middle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
