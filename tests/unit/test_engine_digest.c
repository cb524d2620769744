/*
 * test_engine_digest.c - a digest taken in steps is the digest of the moment it began.
 *
 * Method: random operations of every kind on a small world, with names forgotten, holds expiring
 * and linked groups taken back; again and again a stepped digest begins, its reference is taken
 * at once in one go, and both must be equal when the steps are done, however many operations ran
 * between them. The seed is printed; SEED= replays it.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "engine/engine.h"
#include "engine/ledger.h"

#define OPERATIONS_COUNT 60000
#define RUNS_MIN 100

static uint64_t random_state;

static uint32_t below(uint32_t bound)
{
    random_state = random_state * UINT64_C(6364136223846793005) + 1442695040888963407u;
    return (uint32_t)(random_state >> 33) % bound;
}

static struct hf_text pick(char *buffer, const char *prefix, uint32_t bound)
{
    (void)snprintf(buffer, 24, "%s%u", prefix, below(bound));
    return hf_text_of(buffer);
}

struct made {
    struct hf_op op;
    struct hf_op_line lines[3];
    char texts[12][24];
};

static void make(struct made *made)
{
    static const enum hf_kind kinds[] = {
        HF_KIND_RECEIVE,    HF_KIND_ADJUST,        HF_KIND_SELL,        HF_KIND_SET_POLICY,
        HF_KIND_SET_REGION, HF_KIND_RESERVE,       HF_KIND_RESERVE,     HF_KIND_RESERVE,
        HF_KIND_REPLACE,    HF_KIND_CONFIRM,       HF_KIND_EXTEND,      HF_KIND_RELEASE,
        HF_KIND_FULFIL,     HF_KIND_RELEASE_ORDER, HF_KIND_SET_LOCATION};
    *made = (struct made){0};
    struct hf_op *op = &made->op;
    op->kind = kinds[below(sizeof kinds / sizeof kinds[0])];
    op->lines = made->lines;
    const bool is_place = op->kind == HF_KIND_SET_REGION || op->kind == HF_KIND_SET_LOCATION;
    const bool has_lines = op->kind <= HF_KIND_REPLACE;
    op->lines_count = has_lines ? 1 + below(3) : 0;
    for (uint32_t i = 0; i < op->lines_count; i++) {
        struct hf_op_line *line = &made->lines[i];
        if (!is_place) {
            line->sku = pick(made->texts[2 * i], "sku", 40);
        }
        line->location = pick(made->texts[2 * i + 1], "loc", 5);
        line->units = is_place                         ? (op->kind == HF_KIND_SET_LOCATION)
                      : op->kind == HF_KIND_SET_POLICY ? 0
                      : op->kind == HF_KIND_RECEIVE    ? 20 + below(20)
                                                       : 1 + below(6);
        line->safety_stock = below(4);
        line->low_stock = HF_POLICY_KEEP;
        line->backorder_limit = below(4);
    }
    if (op->kind >= HF_KIND_RESERVE && op->kind != HF_KIND_RELEASE_ORDER) {
        op->id = pick(made->texts[6], below(2) == 0 ? "r" : "a-rather-long-name-", 60);
    }
    if (op->kind == HF_KIND_SET_REGION) {
        op->id = pick(made->texts[6], "region", 3);
    }
    if (op->kind == HF_KIND_REPLACE) {
        op->old_id = pick(made->texts[7], "r", 60);
    }
    if (op->kind == HF_KIND_RELEASE_ORDER || below(3) == 0) {
        op->order = pick(made->texts[8], "order", 20);
    }
    if (below(3) == 0) {
        op->ref = pick(made->texts[9], "ref", 4000);
    }
    if (op->kind == HF_KIND_EXTEND || (op->kind == HF_KIND_RESERVE && below(2) == 0)) {
        op->flags |= HF_OP_TTL;
        op->ttl_us = 1 + below(5000);
    }
}

static void run_one(struct hf_engine *engine, uint64_t now_us)
{
    struct made made[3];
    struct hf_op ops[3];
    struct hf_result results[3];

    make(&made[0]);
    if (below(4) != 0) {
        hf_engine_apply(engine, &made[0].op, now_us, &results[0]);
        return;
    }
    for (unsigned i = 0; i < 3; i++) {
        make(&made[i]);
        ops[i] = made[i].op;
        ops[i].flags |= i < 2 ? (uint32_t)HF_OP_LINKED : 0;
    }
    hf_engine_apply_linked(engine, ops, 3, now_us, results);
}

static void steps_give_the_digest_of_the_beginning(void **state)
{
    struct hf_engine_config config = hf_engine_config_default();
    (void)state;
    config.references_max = 200;
    config.ledger_bytes = HF_LEDGER_BYTES_MIN;
    struct hf_engine *engine = hf_engine_create(&config);
    assert_non_null(engine);

    struct hf_digest want = {0};
    uint64_t want_lsn = 0;
    unsigned runs_count = 0;
    bool is_running = false;
    uint64_t now_us = 1000;
    for (unsigned i = 0; i < OPERATIONS_COUNT; i++) {
        now_us += below(50);
        run_one(engine, now_us);
        hf_ledger_pin(hf_engine_ledger(engine), hf_engine_lsn(engine));
        if (!is_running) {
            want = hf_engine_digest(engine);
            want_lsn = hf_engine_lsn(engine);
            assert_true(hf_engine_digest_begin(engine));
            assert_false(hf_engine_digest_begin(engine));
            is_running = true;
        } else if (below(3) == 0) {
            struct hf_digest digest;
            uint64_t lsn;
            if (hf_engine_digest_step(engine, 1 + below(12), &digest, &lsn)) {
                assert_int_equal(lsn, want_lsn);
                assert_int_equal(digest.low, want.low);
                assert_int_equal(digest.high, want.high);
                runs_count++;
                is_running = false;
            }
        }
    }
    assert_true(runs_count > RUNS_MIN);
    assert_true(hf_engine_lsn(engine) > OPERATIONS_COUNT / 4);
    struct hf_audit audit = {0};
    while (!hf_engine_audit(engine, &audit, 1000)) {
    }
    assert_string_equal(audit.first_violation, "");
    hf_engine_free(engine);
}

int main(void)
{
    const char *seed = getenv("SEED");
    random_state =
        seed != NULL && seed[0] != '\0' ? strtoull(seed, NULL, 10) : (uint64_t)time(NULL);
    print_message("SEED=%llu\n", (unsigned long long)random_state);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(steps_give_the_digest_of_the_beginning),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
