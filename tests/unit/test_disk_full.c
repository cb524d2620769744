/*
 * test_disk_full.c - the disk is full: writes are refused, what was accepted has its place.
 *
 * Method: on a simulated disk no new segment can be had (ENOSPC, EMFILE ...). Operations go on,
 * with the log thread's steps at random moments between them, until the store says that it is read
 * only. Then everything that the engine took in must get onto the disk without a new segment; a
 * crash there loses nothing; and once there is space again, writing goes on by itself. Each call of
 * making the next segment fails in turn, with errors that pass and with such that do not.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/ledger.h"
#include "engine/limits.h"
#include "tests/lib/store_fixture.h"

#define SEEDS_COUNT 4
#define LARGE_LINES 300
#define SPARE HF_FIXTURE_FOLDER "/spare.log"

static const struct hf_sim_fault FULL = {
    .nth = 1, .calls = HF_SIM_ALLOCATE, .error = ENOSPC, .is_lasting = true};
static const struct hf_sim_fault NO_FAULT = {.nth = UINT64_MAX, .calls = HF_SIM_ALLOCATE};

/* What the spare thread does every second. */
static void make_spare(struct hf_store_fixture *fixture)
{
    hf_store_spare_retry(fixture->store);
    (void)hf_store_spare_step(fixture->store);
}

static uint32_t draw(uint64_t *random, uint32_t sides)
{
    *random = *random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(*random >> 33) % sides;
}

/* A receipt that may be refused for lack of a place. */
static enum hf_err receive_many(struct hf_store_fixture *fixture, uint32_t lines_count)
{
    static struct hf_op_line lines[HF_LINES_MAX];
    static char skus[HF_LINES_MAX][16];
    struct hf_result result;

    for (uint32_t i = 0; i < lines_count; i++) {
        (void)snprintf(skus[i], sizeof skus[i], "many-%u", (unsigned)i);
        lines[i] = (struct hf_op_line){
            .sku = hf_text_of(skus[i]), .location = hf_text_of("warehouse"), .units = 1 + i};
    }
    const struct hf_op op = {.kind = HF_KIND_RECEIVE, .lines = lines, .lines_count = lines_count};
    hf_engine_apply(fixture->engine, &op, ++fixture->now_us, &result);
    return result.outcome;
}

/*
 * Write until the store is read only. How the operations come, and how far the log is behind, is
 * the seed's: alone or many at once, small or large, each published or many together.
 */
static void write_until_read_only(struct hf_store_fixture *fixture, uint64_t seed)
{
    uint64_t random = seed;
    const uint32_t patience = 1 + draw(&random, 200); /* of the log thread */
    const uint32_t publishing = 1 + draw(&random, 50);
    const uint32_t large = draw(&random, 3) == 0 ? 1000 : 20; /* one in so many is a large one */

    while (hf_store_writable(fixture->store)) {
        const uint32_t lines_count =
            draw(&random, large) == 0 ? 1 + draw(&random, HF_LINES_MAX) : 1 + draw(&random, 3);
        const enum hf_err err = receive_many(fixture, lines_count);
        assert_true(err == HF_OK || err == HF_BUSY);
        if (draw(&random, publishing) == 0) {
            hf_store_publish(fixture->store, hf_engine_lsn(fixture->engine));
        }
        if (err == HF_BUSY || draw(&random, patience) == 0) {
            hf_store_publish(fixture->store, hf_engine_lsn(fixture->engine));
            (void)hf_store_log_step(fixture->store, fixture->now_us);
            (void)hf_store_spare_step(fixture->store); /* without a retry: once */
            assert_false(hf_store_failed(fixture->store));
            hf_store_pin(fixture->store);
        }
    }
}

/* All that the engine took in gets its place. */
static void assert_all_written(struct hf_store_fixture *fixture)
{
    const uint64_t lsn = hf_engine_lsn(fixture->engine);

    hf_store_publish(fixture->store, lsn);
    assert_true(hf_store_fixture_drain(fixture));
    assert_int_equal(hf_store_durable_lsn(fixture->store), lsn);
}

/*
 * Who does not ask whether the store is writable comes to the last byte that has a place: written
 * in groups as small, and as many records at once, as it may be.
 */
static void write_to_the_edge(struct hf_store_fixture *fixture, uint64_t seed)
{
    uint64_t random = seed;

    while (receive_many(fixture, 1) == HF_OK) {
        hf_store_publish(fixture->store, hf_engine_lsn(fixture->engine));
        if (draw(&random, (uint32_t)seed) == 0) {
            assert_all_written(fixture);
        }
    }
    assert_all_written(fixture);
}

static void reopen(struct hf_store_fixture *fixture, const struct hf_sim_fault *fault)
{
    const uint64_t lsn = hf_engine_lsn(fixture->engine);
    const struct hf_digest digest = hf_engine_digest(fixture->engine);

    hf_store_fixture_crash(fixture, HF_SIM_MIX, lsn);
    hf_sim_disk_fail(fixture->disk, fault);
    assert_true(hf_store_fixture_open(fixture));
    assert_int_equal(hf_engine_lsn(fixture->engine), lsn);
    const struct hf_digest again = hf_engine_digest(fixture->engine);
    assert_memory_equal(&again, &digest, sizeof digest);
}

static void fill_and_recover(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS_COUNT; seed++) {
        struct hf_store_fixture fixture;
        hf_store_fixture_init(&fixture);
        assert_true(hf_store_fixture_open(&fixture));
        if (seed % 2 == 0) {
            assert_true(hf_store_spare_step(fixture.store)); /* one was made before */
        }
        hf_sim_disk_fail(fixture.disk, &FULL);
        make_spare(&fixture);
        assert_true(hf_store_writable(fixture.store)); /* there is much left */
        for (uint32_t spares_count = seed % 2; spares_count < 2; spares_count++) {
            if (!hf_store_spare_has_failed(fixture.store)) {
                while (hf_sim_disk_exists(fixture.disk, SPARE)) {
                    assert_true(receive_many(&fixture, 1000) != HF_LIMIT_EXCEEDED);
                    assert_all_written(&fixture);
                }
                make_spare(&fixture); /* it was taken; there is no space for another */
            }
        }
        assert_true(hf_store_spare_has_failed(fixture.store));
        write_until_read_only(&fixture, seed);
        assert_all_written(&fixture);
        assert_false(hf_store_writable(fixture.store));
        write_to_the_edge(&fixture, seed);
        assert_true(hf_store_fixture_said(&fixture, "read only from now on"));
        assert_true(hf_store_fixture_said(&fixture, "no space is left on the disk"));
        assert_int_equal(hf_engine_ledger(fixture.engine)->pushed_bytes >
                             hf_engine_ledger(fixture.engine)->pushed_max,
                         false);

        reopen(&fixture, &FULL);               /* killed in the middle: all is there */
        write_until_read_only(&fixture, seed); /* at once, unless what was written packed well */
        assert_all_written(&fixture);
        assert_false(hf_store_writable(fixture.store));
        make_spare(&fixture);
        assert_false(hf_store_writable(fixture.store));

        hf_sim_disk_fail(fixture.disk, &NO_FAULT);
        make_spare(&fixture);
        assert_false(hf_store_writable(fixture.store)); /* the log has not counted it yet */
        assert_true(hf_store_has_work(fixture.store));
        assert_true(hf_store_log_step(fixture.store, 0));
        assert_true(hf_store_writable(fixture.store));
        assert_true(hf_store_fixture_said(&fixture, "writes are taken again"));
        for (int i = 0; i < 100; i++) {
            while (receive_many(&fixture, LARGE_LINES) == HF_BUSY) {
                make_spare(&fixture);
                assert_all_written(&fixture);
            }
        }
        assert_all_written(&fixture);
        reopen(&fixture, &NO_FAULT);
        hf_store_fixture_audit(&fixture);
        hf_store_fixture_release(&fixture);
    }
}

static const uint32_t SPARE_CALLS = HF_SIM_OPEN | HF_SIM_WRITE | HF_SIM_ALLOCATE | HF_SIM_SYNC |
                                    HF_SIM_RENAME | HF_SIM_UNLINK | HF_SIM_SYNC_DIR;

/* Make the next segment, with the `nth` of the calls for it failing. True: it does with fewer. */
static bool make_spare_in_spite(struct hf_store_fixture *fixture, uint64_t nth, int error)
{
    const struct hf_sim_fault fault = {.nth = nth, .calls = SPARE_CALLS, .error = error};

    hf_sim_disk_fail(fixture->disk, &fault);
    const bool is_made = hf_store_spare_step(fixture->store);
    assert_int_equal(is_made, !hf_sim_disk_has_failed(fixture->disk));
    hf_sim_disk_fail(fixture->disk, &NO_FAULT);
    return is_made;
}

/* Each call of making the next segment is short of something in turn: told once, and made later. */
static void every_call_is_short(void **state)
{
    static const int ERRORS[] = {ENOSPC, EDQUOT, EFBIG, EMFILE, ENFILE, ENOMEM};
    bool is_done = false;

    (void)state;
    for (uint64_t nth = 1; !is_done; nth++) {
        struct hf_store_fixture fixture;
        hf_store_fixture_init(&fixture);
        assert_true(hf_store_fixture_open(&fixture));
        is_done =
            make_spare_in_spite(&fixture, nth, ERRORS[nth % (sizeof ERRORS / sizeof ERRORS[0])]);
        assert_false(hf_store_failed(fixture.store));
        assert_int_equal(hf_store_spare_has_failed(fixture.store), !is_done);
        if (!is_done) {
            assert_false(hf_sim_disk_exists(fixture.disk, SPARE));
            assert_false(hf_store_spare_is_wanted(fixture.store)); /* not at once */
            hf_store_spare_retry(fixture.store);
            assert_true(hf_store_spare_step(fixture.store));
            assert_true(hf_store_fixture_said(&fixture, "could be made"));
        }
        for (int i = 0; i < 40; i++) { /* beyond the end of the newest one */
            (void)receive_many(&fixture, 4000);
            assert_all_written(&fixture);
        }
        assert_true(hf_engine_lsn(fixture.engine) > 0);
        reopen(&fixture, &NO_FAULT);
        hf_store_fixture_release(&fixture);
    }
}

/* ... and fails for good: the log stops at once, and says so. */
static void every_call_is_broken(void **state)
{
    static const int ERRORS[] = {EIO, EROFS, ENOENT, EACCES};
    bool is_done = false;

    (void)state;
    for (uint64_t nth = 1; !is_done; nth++) {
        struct hf_store_fixture fixture;
        hf_store_fixture_init(&fixture);
        assert_true(hf_store_fixture_open(&fixture));
        hf_store_fixture_work(&fixture, 20);
        assert_true(hf_store_fixture_drain(&fixture));
        is_done =
            make_spare_in_spite(&fixture, nth, ERRORS[nth % (sizeof ERRORS / sizeof ERRORS[0])]);
        assert_int_equal(hf_store_failed(fixture.store), !is_done);
        if (!is_done) {
            assert_true(hf_store_fixture_said(&fixture, "nothing is written to the log any more"));
            const uint64_t durable_lsn = hf_store_durable_lsn(fixture.store);
            hf_store_fixture_work(&fixture, 20);
            assert_false(hf_store_fixture_drain(&fixture));
            assert_int_equal(hf_store_durable_lsn(fixture.store), durable_lsn);
        }
        hf_store_fixture_crash(&fixture, HF_SIM_DROP, 1);
        assert_true(hf_store_fixture_open(&fixture));
        hf_store_fixture_check(&fixture);
        hf_store_fixture_release(&fixture);
    }
}

/* A linked group, and the largest operation, are taken whole or not at all; holds wait. */
static void groups_and_holds_wait(void **state)
{
    struct hf_store_fixture fixture;
    struct hf_op_line line = {
        .sku = hf_text_of("many-0"), .location = hf_text_of("warehouse"), .units = 1};
    struct hf_op ops[2] = {{.kind = HF_KIND_RECEIVE, .lines = &line, .lines_count = 1}};
    struct hf_result results[2];

    (void)state;
    hf_store_fixture_init(&fixture);
    assert_true(hf_store_fixture_open(&fixture));
    const struct hf_op hold = {.kind = HF_KIND_RESERVE,
                               .flags = HF_OP_TTL,
                               .ttl_us = 1,
                               .id = hf_text_of("hold"),
                               .lines = &line,
                               .lines_count = 1};
    assert_int_equal(receive_many(&fixture, 1), HF_OK);
    hf_engine_apply(fixture.engine, &hold, fixture.now_us, &results[0]);
    assert_int_equal(results[0].outcome, HF_OK);
    const uint64_t lsn = hf_engine_lsn(fixture.engine);
    struct hf_ledger *ledger = hf_engine_ledger(fixture.engine);

    hf_ledger_limit(ledger, ledger->pushed_bytes); /* no place for anything */
    fixture.now_us += 10;
    assert_int_equal(hf_engine_expire(fixture.engine, fixture.now_us, 10).count, 0);
    assert_int_equal(receive_many(&fixture, 1), HF_BUSY);
    ops[1] = ops[0];
    ops[0].flags = HF_OP_LINKED;
    hf_ledger_limit(ledger, ledger->pushed_bytes + HF_RECORD_BYTES_MAX - 1);
    hf_engine_apply_linked(fixture.engine, ops, 2, fixture.now_us, results);
    assert_true(results[0].outcome != HF_OK && results[1].outcome != HF_OK);
    assert_int_equal(hf_engine_lsn(fixture.engine), lsn + 1); /* the hold's end found its place */

    hf_ledger_limit(ledger, UINT64_MAX);
    hf_engine_apply_linked(fixture.engine, ops, 2, fixture.now_us, results);
    assert_int_equal(results[0].outcome, HF_OK);
    assert_int_equal(results[1].outcome, HF_OK);
    hf_store_fixture_audit(&fixture);
    hf_store_fixture_release(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fill_and_recover),
        cmocka_unit_test(every_call_is_short),
        cmocka_unit_test(every_call_is_broken),
        cmocka_unit_test(groups_and_holds_wait),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
