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
#include <stdlib.h>

#include "engine/engine.h"
#include "tests/lib/any_operation.h"
#include "tests/lib/small_engine.h"

#define OPERATIONS_COUNT 60000
#define RUNS_MIN 100

static uint64_t random_state;

static uint32_t below(uint32_t bound)
{
    return (uint32_t)hf_random_below(&random_state, bound);
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
        hf_any_apply(engine, &random_state, now_us);
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
    assert_null(hf_small_violation(engine));
    hf_engine_free(engine);
}

int main(void)
{
    random_state = hf_random_seed();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(steps_give_the_digest_of_the_beginning),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
