/*
 * test_snapshot_run.c - a snapshot taken in steps while operations go on, in one thread.
 *
 * Method: this test plays loop, log thread and worker over a disk in memory, one step of each at a
 * time, by a seed. It cancels at every step, loses power before every call that changes the disk,
 * and has every call fail; each time the directory must come back as it was at a moment of its
 * history, with everything that was acknowledged (store_fixture.h), and hold no half of a file.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "persistence/snapshot_run.h"
#include "tests/lib/store_fixture.h"

#define STEPS_MAX 100000u
#define WORK_BEFORE 120u

/* A few operations, one slice, one piece of work. False: the snapshot has ended. */
static bool step(struct hf_store_fixture *fixture, bool is_working, enum hf_err *err, uint64_t *lsn)
{
    if (is_working) {
        hf_store_fixture_work(fixture, 4); /* some are refused */
    }
    (void)hf_store_snapshot_copy_step(fixture->store);
    if (hf_store_snapshot_write_step(fixture->store, fixture->now_us) == HF_STORE_WANTS_LOG) {
        (void)hf_store_fixture_drain(fixture);
        (void)hf_store_log_sync(fixture->store);
    }
    return !hf_store_snapshot_poll(fixture->store, err, lsn);
}

/* To its end; the number of steps is in *steps_count. */
static enum hf_err run(struct hf_store_fixture *fixture, uint64_t cancel_at, uint64_t *steps_count)
{
    enum hf_err err = hf_store_snapshot_begin(fixture->store, fixture->engine);
    uint64_t lsn = 0;
    uint64_t count = 0;

    if (err != HF_OK) {
        return err;
    }
    const uint64_t begin_lsn = hf_engine_lsn(fixture->engine);
    assert_int_equal(hf_store_snapshot_begin(fixture->store, fixture->engine), HF_BUSY);
    while (step(fixture, count % 3 == 0, &err, &lsn)) {
        assert_true(++count < STEPS_MAX);
        if (count == cancel_at) {
            hf_store_snapshot_cancel(fixture->store);
        }
    }
    assert_int_equal(lsn, begin_lsn);
    if (steps_count != NULL) {
        *steps_count = count;
    }
    return err;
}

static void begin(struct hf_store_fixture *fixture)
{
    hf_store_fixture_init(fixture);
    fixture->random = 4711;
    assert_true(hf_store_fixture_open(fixture));
    hf_store_fixture_work(fixture, WORK_BEFORE);
    assert_true(hf_store_fixture_drain(fixture));
}

/* Comes back, goes on, and another snapshot works. */
static void check_after(struct hf_store_fixture *fixture)
{
    for (size_t i = 0; hf_sim_disk_name(fixture->disk, i) != NULL; i++) {
        assert_null(strstr(hf_sim_disk_name(fixture->disk, i), ".hfs.damaged"));
    }
    if (!hf_store_fixture_open(fixture)) {
        fail_msg("%s", fixture->error);
    }
    hf_store_fixture_check(fixture);
    hf_store_fixture_audit(fixture);
    for (size_t i = 0; hf_sim_disk_name(fixture->disk, i) != NULL; i++) {
        assert_null(strstr(hf_sim_disk_name(fixture->disk, i), ".hfs.tmp"));
    }
    hf_store_fixture_work(fixture, 5);
    assert_true(hf_store_fixture_drain(fixture));
    assert_int_equal(run(fixture, UINT64_MAX, NULL), HF_OK);
}

static void while_operations_go_on(void **state)
{
    struct hf_store_fixture fixture;
    struct hf_store_stats stats;

    (void)state;
    begin(&fixture);
    for (int i = 0; i < 20; i++) {
        const uint64_t lsn = hf_engine_lsn(fixture.engine);
        assert_int_equal(run(&fixture, UINT64_MAX, NULL), HF_OK);
        hf_store_stats(fixture.store, &stats);
        assert_int_equal(stats.snapshot_lsn, lsn); /* the state of where it began */
        assert_int_equal(stats.snapshots_count, i % 2 + 1);
        assert_true(hf_engine_lsn(fixture.engine) > lsn);
        assert_true(stats.snapshot_bytes > 0);
        if (i % 2 == 1) {
            assert_true(hf_store_fixture_drain(&fixture));
            hf_store_fixture_crash(&fixture, HF_SIM_DROP, 1);
            assert_true(hf_store_fixture_open(&fixture));
            hf_store_fixture_check(&fixture);
        }
    }
    /* One of the newest LSN is there already: nothing is written. */
    assert_true(hf_store_fixture_drain(&fixture));
    assert_int_equal(hf_store_fixture_snapshot(&fixture), HF_OK);
    const uint64_t calls = hf_sim_disk_calls(fixture.disk, HF_SIM_CALLS_CHANGING);
    assert_int_equal(hf_store_snapshot_begin(fixture.store, fixture.engine), HF_OK);
    enum hf_err err = HF_IO;
    uint64_t lsn = 0;
    assert_true(hf_store_snapshot_poll(fixture.store, &err, &lsn));
    assert_int_equal(err, HF_OK);
    assert_int_equal(lsn, hf_engine_lsn(fixture.engine));
    assert_int_equal(hf_sim_disk_calls(fixture.disk, HF_SIM_CALLS_CHANGING), calls);
    hf_store_fixture_release(&fixture);
}

/* At every step: it ends soon, leaves no file, and the next one works. */
static void cancelled(void **state)
{
    uint64_t steps_count = 1;

    (void)state;
    for (uint64_t at = 1; at <= steps_count; at++) {
        struct hf_store_fixture fixture;
        uint64_t count = 0;

        begin(&fixture);
        if (at == 1) {
            assert_int_equal(run(&fixture, UINT64_MAX, &steps_count), HF_OK);
            assert_true(steps_count > 3);
        }
        hf_store_fixture_work(&fixture, 3);
        const enum hf_err err = run(&fixture, at, &count);
        assert_true(err == HF_BUSY || (err == HF_OK && at >= 3));
        assert_true(count <= at + 1 || err == HF_OK);
        for (size_t i = 0; hf_sim_disk_name(fixture.disk, i) != NULL; i++) {
            assert_null(strstr(hf_sim_disk_name(fixture.disk, i), ".hfs.tmp"));
        }
        assert_int_equal(run(&fixture, UINT64_MAX, NULL), HF_OK);
        hf_store_fixture_release(&fixture);
    }
}

/* The power goes at each call that changes the disk, in turn; what was unsynced meets each fate. */
static void power_lost_at_each_call(void **state)
{
    static const enum hf_sim_fate fates[] = {HF_SIM_KEEP, HF_SIM_DROP, HF_SIM_SPOIL, HF_SIM_MIX};
    bool has_struck = true;

    (void)state;
    for (uint64_t nth = 1; has_struck; nth++) {
        for (size_t i = 0; i < sizeof fates / sizeof fates[0]; i++) {
            const struct hf_sim_fault fault = {
                .nth = nth, .calls = HF_SIM_CALLS_CHANGING, .error = EIO, .is_lasting = true};
            struct hf_store_fixture fixture;

            begin(&fixture);
            hf_sim_disk_fail(fixture.disk, &fault);
            (void)run(&fixture, UINT64_MAX, NULL);
            has_struck = hf_sim_disk_has_failed(fixture.disk);
            hf_store_fixture_crash(&fixture, fates[i], nth);
            check_after(&fixture);
            hf_store_fixture_release(&fixture);
        }
        assert_true(nth < STEPS_MAX);
    }
}

/* Each call fails once: the snapshot ends with an error, or has no need of it; the log, whose own
 * calls are spared here, is not hurt, and the next snapshot works. */
static void each_call_fails(void **state)
{
    static const int errors[] = {ENOSPC, EIO, EMFILE};
    bool has_struck = true;

    (void)state;
    for (uint64_t nth = 1; has_struck; nth++) {
        for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++) {
            const struct hf_sim_fault fault = {
                .nth = nth, .calls = HF_SIM_CALLS_ALL, .error = errors[i], .is_short = i == 1};
            struct hf_store_fixture fixture;
            enum hf_err err = HF_OK;
            uint64_t lsn = 0;

            begin(&fixture);
            assert_int_equal(hf_store_snapshot_begin(fixture.store, fixture.engine), HF_OK);
            hf_sim_disk_fail(fixture.disk, &fault);
            while (step(&fixture, false, &err, &lsn)) {
            }
            has_struck = hf_sim_disk_has_failed(fixture.disk);
            assert_true(err == HF_OK || err == HF_IO);
            assert_true(err != HF_OK || !has_struck || nth > 5);
            assert_false(hf_store_failed(fixture.store));
            hf_sim_disk_fail(fixture.disk, &(struct hf_sim_fault){0});
            hf_store_fixture_work(&fixture, 5);
            assert_true(hf_store_fixture_drain(&fixture));
            assert_int_equal(run(&fixture, UINT64_MAX, NULL), HF_OK);
            hf_store_fixture_close(&fixture);
            check_after(&fixture);
            hf_store_fixture_release(&fixture);
        }
        assert_true(nth < STEPS_MAX);
    }
}

/* Snapshot files in the directory. */
static size_t count_snapshots(const struct hf_sim_disk *disk)
{
    size_t count = 0;
    for (size_t i = 0;; i++) {
        const char *name = hf_sim_disk_name(disk, i);
        if (name == NULL) {
            return count;
        }
        count += strstr(name, "/snapshot-") != NULL ? 1 : 0;
    }
}

/*
 * A snapshot that is whole, but that no manifest could be made to name, goes: tried again and again
 * on a disk that is full they would fill it. Where the new manifest stands after all and only its
 * sync has failed, the file must stay.
 */
static void without_a_manifest(void **state)
{
    bool has_struck = true;
    uint32_t kept_count = 0;
    uint32_t failed_count = 0;

    (void)state;
    for (uint64_t nth = 1; has_struck; nth++) {
        const struct hf_sim_fault fault = {
            .nth = nth, .calls = HF_SIM_CALLS_CHANGING & ~HF_SIM_UNLINK, .error = ENOSPC};
        struct hf_store_fixture fixture;
        enum hf_err err = HF_OK;
        uint64_t lsn = 0;

        begin(&fixture);
        const size_t before = count_snapshots(fixture.disk);
        assert_int_equal(hf_store_snapshot_begin(fixture.store, fixture.engine), HF_OK);
        hf_sim_disk_fail(fixture.disk, &fault);
        while (step(&fixture, false, &err, &lsn)) {
        }
        has_struck = hf_sim_disk_has_failed(fixture.disk);
        hf_sim_disk_fail(fixture.disk, &(struct hf_sim_fault){0});
        const size_t after = count_snapshots(fixture.disk);
        if (err != HF_OK) {
            failed_count++;
            kept_count += after > before ? 1 : 0;
            char manifest[128] = "";
            char want[64];
            hf_sim_disk_peek(
                fixture.disk, HF_FIXTURE_FOLDER "/MANIFEST", 0, manifest,
                (size_t)hf_sim_disk_file_bytes(fixture.disk, HF_FIXTURE_FOLDER "/MANIFEST"));
            (void)snprintf(want, sizeof want, "\nsnapshot %" PRIu64 "\n", lsn);
            assert_int_equal(after > before, strstr(manifest, want) != NULL);
        }
        hf_store_fixture_close(&fixture);
        check_after(&fixture);
        hf_store_fixture_release(&fixture);
        assert_true(nth < STEPS_MAX);
    }
    assert_int_equal(kept_count, 1);
    print_message("%" PRIu32 " failures, one left a snapshot, for its manifest was there\n",
                  failed_count);
}

/* What is read back is what the disk has: a byte that went wrong on the way ends the snapshot. */
static void read_back(void **state)
{
    struct hf_store_fixture fixture;
    char path[128];
    enum hf_err err = HF_OK;
    uint64_t lsn = 0;
    bool is_spoiled = false;

    (void)state;
    begin(&fixture);
    assert_int_equal(hf_store_snapshot_begin(fixture.store, fixture.engine), HF_OK);
    (void)snprintf(path, sizeof path, HF_FIXTURE_FOLDER "/snapshot-%020llu.hfs.tmp",
                   (unsigned long long)hf_engine_lsn(fixture.engine));
    const uint64_t syncs = hf_sim_disk_calls(fixture.disk, HF_SIM_SYNC);
    while (step(&fixture, false, &err, &lsn)) {
        if (!is_spoiled && hf_sim_disk_calls(fixture.disk, HF_SIM_SYNC) > syncs) {
            hf_sim_disk_flip(fixture.disk, path, 200, 1); /* sealed; not read back yet */
            is_spoiled = true;
        }
    }
    assert_true(is_spoiled);
    assert_int_equal(err, HF_IO);
    assert_true(hf_store_fixture_said(&fixture, "cannot use snapshot"));
    assert_false(hf_sim_disk_exists(fixture.disk, path));
    assert_int_equal(run(&fixture, UINT64_MAX, NULL), HF_OK);
    hf_store_fixture_release(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(while_operations_go_on),  cmocka_unit_test(cancelled),
        cmocka_unit_test(power_lost_at_each_call), cmocka_unit_test(each_call_fails),
        cmocka_unit_test(without_a_manifest),      cmocka_unit_test(read_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
