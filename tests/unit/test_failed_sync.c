/*
 * test_failed_sync.c - what a failed or missing sync leaves in memory is not believed by the next
 * start.
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
#include <string.h>

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
    const uint64_t written_lsn = hf_store_durable_lsn(fixture.store);
    assert_true(written_lsn > 0);
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

/* The hook counts calls that change the disk and remembers the first rename of the manifest. */
struct manifest_watch {
    struct hf_store_fixture *fixture;
    bool is_renamed;
};

static void watch_manifest(void *arg, enum hf_sim_call call, const char *path)
{
    struct manifest_watch *watch = arg;

    if (watch->is_renamed && call == HF_SIM_SYNC_DIR) {
        /* The process dies before this call is made: it fails, and so does all after it. */
        const struct hf_sim_fault death = {
            .nth = 1, .calls = HF_SIM_CALLS_CHANGING, .error = EIO, .is_lasting = true};
        hf_sim_disk_fail(watch->fixture->disk, &death);
    }
    watch->is_renamed |= call == HF_SIM_RENAME && strcmp(path, HF_FIXTURE_FOLDER "/MANIFEST") == 0;
}

/*
 * The story: killed between the rename of its first manifest and the sync of the directory, the
 * server started again on a name that was seen but not on the disk, and served. A loss of power
 * took the name, and with it everything. A start syncs the directory before it believes names.
 */
static void restart_before_the_directory_sync(void **state)
{
    struct hf_store_fixture fixture;
    struct manifest_watch watch = {.fixture = &fixture};

    (void)state;
    hf_store_fixture_init(&fixture);
    hf_sim_disk_hook(fixture.disk, watch_manifest, &watch);
    assert_false(hf_store_fixture_open(&fixture));
    assert_true(watch.is_renamed);
    hf_sim_disk_hook(fixture.disk, NULL, NULL);
    hf_sim_disk_fail(fixture.disk, &(struct hf_sim_fault){0});

    assert_true(hf_store_fixture_open(&fixture));
    hf_store_fixture_work(&fixture, 20);
    assert_true(hf_store_fixture_drain(&fixture));
    hf_store_fixture_crash(&fixture, HF_SIM_DROP, 1);
    assert_true(hf_store_fixture_open(&fixture));
    hf_store_fixture_check(&fixture);
    hf_store_fixture_release(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(restart_after_a_failed_sync),
        cmocka_unit_test(restart_before_the_sync),
        cmocka_unit_test(restart_before_the_directory_sync),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
