/*
 * test_failed_sync.c - what a failed sync leaves in memory is not believed by the next start.
 *
 * The story: the log's sync failed, and the server stopped at once, as it must. Started again on
 * the same machine it found the group in the system's cache, whole and readable, though the disk
 * never got it and no later sync would write it: to the system those pages were clean. It took them
 * for durable, acknowledged them, and a loss of power later took acknowledged operations away. The
 * simulator (tests/sim) found it.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>

#include "tests/lib/store_fixture.h"

static void restart_after_a_failed_sync(void **state)
{
    const struct hf_sim_fault fault = {.nth = 1, .calls = HF_SIM_SYNC, .error = EIO};
    struct hf_store_fixture fixture;

    (void)state;
    hf_store_fixture_init(&fixture);
    assert_true(hf_store_fixture_open(&fixture));
    hf_store_fixture_work(&fixture, 100);
    assert_true(hf_store_fixture_drain(&fixture));
    const uint64_t acked_lsn = fixture.acked_lsn;
    assert_true(acked_lsn > 0);

    hf_store_fixture_work(&fixture, 50);
    assert_true(hf_engine_lsn(fixture.engine) > acked_lsn);
    hf_sim_disk_fail(fixture.disk, &fault);
    assert_false(hf_store_fixture_drain(&fixture));
    assert_int_equal(fixture.acked_lsn, acked_lsn);

    hf_store_fixture_close(&fixture); /* the process only: memory stays */
    assert_true(hf_store_fixture_open(&fixture));
    assert_int_equal(hf_engine_lsn(fixture.engine), acked_lsn);
    hf_store_fixture_check(&fixture);

    hf_store_fixture_work(&fixture, 50);
    assert_true(hf_store_fixture_drain(&fixture));
    hf_store_fixture_crash(&fixture, HF_SIM_DROP, 1);
    assert_true(hf_store_fixture_open(&fixture));
    hf_store_fixture_check(&fixture); /* all that was acknowledged is there */
    hf_store_fixture_release(&fixture);
}

/* Without a failed sync a process may end at any time: what it wrote is there, and gets synced. */
static void restart_before_the_sync(void **state)
{
    const struct hf_sim_fault fault = {.nth = 1, .calls = HF_SIM_WRITE, .error = EIO};
    struct hf_store_fixture fixture;

    (void)state;
    hf_store_fixture_init(&fixture);
    fixture.config.durability = HF_DURABILITY_NONE;
    assert_true(hf_store_fixture_open(&fixture));
    hf_store_fixture_work(&fixture, 100);
    assert_true(hf_store_fixture_drain(&fixture)); /* written, not synced */
    const uint64_t written_lsn = fixture.acked_lsn;
    hf_store_fixture_work(&fixture, 10);
    hf_sim_disk_fail(fixture.disk, &fault);
    assert_false(hf_store_fixture_drain(&fixture));

    hf_store_fixture_close(&fixture);
    assert_true(hf_store_fixture_open(&fixture));
    assert_int_equal(hf_engine_lsn(fixture.engine), written_lsn);
    hf_store_fixture_crash(&fixture, HF_SIM_DROP, 1);
    assert_true(hf_store_fixture_open(&fixture));
    assert_int_equal(hf_engine_lsn(fixture.engine), written_lsn); /* the start has synced it */
    hf_store_fixture_check(&fixture);
    hf_store_fixture_release(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(restart_after_a_failed_sync),
        cmocka_unit_test(restart_before_the_sync),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
