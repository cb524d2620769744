/*
 * test_backup.c - a copy of a data directory in use.
 *
 * Method: a store over a simulated disk, with snapshots and several segments; backups at several
 * moments are started on, and must be those moments. While one is copied, snapshots are written
 * whose retention would drop what it reads. Then each call to the disk fails in turn, and the power
 * goes at each: nothing may have the backup's name that is not whole.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "persistence/backup.h"
#include "tests/lib/store_fixture.h"

#define FOLDER "/backups"
#define NAME "monday"

struct world {
    struct hf_store_fixture fixture;
    struct hf_backup backup;
    char error[1024];
    uint32_t epoch;           /* of the last start on a backup */
    uint32_t calls_count;     /* of the progress callback */
    uint64_t paced_bytes;     /* told to the pace callback */
    uint64_t paced_bytes_max; /* ... in one call */
    uint32_t calls_max;       /* broken off behind this one */
    bool is_snapshooting;     /* at each call */
};

static void world_init(struct world *world, uint32_t large_count)
{
    *world = (struct world){.calls_max = UINT32_MAX};
    hf_store_fixture_init(&world->fixture);
    world->fixture.config.snapshots_kept = 1;
    assert_true(hf_store_fixture_open(&world->fixture));
    hf_store_fixture_work(&world->fixture, 50);
    assert_int_equal(hf_store_fixture_snapshot(&world->fixture), HF_OK);
    for (uint32_t i = 0; i < large_count; i++) {
        hf_store_fixture_work_large(&world->fixture, 4096);
        assert_true(hf_store_fixture_drain(&world->fixture));
        (void)hf_store_spare_step(world->fixture.store);
    }
    hf_store_fixture_work(&world->fixture, 50);
    assert_true(hf_store_fixture_drain(&world->fixture));
}

static void world_release(struct world *world)
{
    hf_store_fixture_release(&world->fixture);
}

static bool note_progress(void *arg, uint64_t bytes_done, uint64_t bytes_total)
{
    struct world *world = arg;

    assert_true(bytes_done <= bytes_total);
    world->calls_count++;
    if (world->is_snapshooting) {
        hf_store_fixture_work(&world->fixture, 5);
        assert_int_equal(hf_store_fixture_snapshot(&world->fixture), HF_OK);
    }
    return world->calls_count <= world->calls_max;
}

static void note_pace(void *arg, uint64_t bytes_count)
{
    struct world *world = arg;

    world->paced_bytes += bytes_count;
    if (bytes_count > world->paced_bytes_max) {
        world->paced_bytes_max = bytes_count;
    }
}

static enum hf_err make(struct world *world)
{
    const struct hf_backup_args args = {.folder = FOLDER,
                                        .name = NAME,
                                        .progress_cb = note_progress,
                                        .pace_cb = note_pace,
                                        .progress_arg = world};

    world->calls_count = 0;
    world->error[0] = '\0';
    const enum hf_err err = hf_backup_make(world->fixture.store, &args, &world->backup,
                                           world->error, sizeof world->error);
    assert_int_equal(err != HF_OK, world->error[0] != '\0');
    return err;
}

/* Files below `path`. */
static size_t count_below(const struct world *world, const char *path)
{
    size_t count = 0;
    for (size_t i = 0;; i++) {
        const char *name = hf_sim_disk_name(world->fixture.disk, i);
        if (name == NULL) {
            return count;
        }
        count += strncmp(name, path, strlen(path)) == 0 ? 1 : 0;
    }
}

static void clear_below(struct world *world, const char *path)
{
    for (size_t i = 0;;) {
        const char *name = hf_sim_disk_name(world->fixture.disk, i);
        if (name == NULL) {
            return;
        }
        if (strncmp(name, path, strlen(path)) == 0) {
            hf_sim_disk_remove(world->fixture.disk, name);
        } else {
            i++;
        }
    }
}

/* A start on the backup is at its LSN, which was durable, in the state of then. The store of the
 * fixture must be closed. */
static void start_on_it(struct world *world)
{
    struct hf_store_fixture *fixture = &world->fixture;

    fixture->config.path = FOLDER "/" NAME;
    if (!hf_store_fixture_open(fixture)) {
        fail_msg("a start on the backup: %s", fixture->error);
    }
    const uint64_t lsn = hf_engine_lsn(fixture->engine);
    const struct hf_digest digest = hf_engine_digest(fixture->engine);
    assert_int_equal(lsn, world->backup.lsn);
    assert_int_equal(digest.low, fixture->digests[lsn].low);
    assert_int_equal(digest.high, fixture->digests[lsn].high);
    /* What is written from here on is not what the store that went on has written. */
    uint64_t first_lsn;
    const uint32_t last = hf_store_epochs_count(fixture->store) - 1;
    assert_true(last > 0);
    assert_int_equal(hf_store_epoch_at(fixture->store, 0, &first_lsn), 1);
    world->epoch = hf_store_epoch_at(fixture->store, last, &first_lsn);
    assert_true(world->epoch > 1);
    assert_int_equal(first_lsn, lsn + 1);
    hf_store_fixture_audit(fixture);
    hf_store_fixture_close(fixture);
    fixture->config.path = HF_FIXTURE_FOLDER;
}

static void is_the_moment(void **state)
{
    (void)state;
    for (uint32_t large_count = 0; large_count <= 200; large_count += 200) {
        struct world world;
        world_init(&world, large_count);
        const uint64_t lsn = hf_store_durable_lsn(world.fixture.store);
        hf_store_fixture_work(&world.fixture, 20); /* not durable */
        assert_int_equal(make(&world), HF_OK);
        assert_int_equal(world.backup.lsn, lsn);
        assert_string_equal(world.backup.path, FOLDER "/" NAME);
        assert_int_equal(count_below(&world, FOLDER "/" NAME ".tmp"), 0);
        assert_true(count_below(&world, FOLDER "/" NAME "/") >= (large_count == 0 ? 3 : 4));
        hf_store_fixture_close(&world.fixture);
        start_on_it(&world);
        world_release(&world);
    }
}

/* Without a snapshot, and of nothing at all. */
static void of_a_young_directory(void **state)
{
    (void)state;
    for (uint32_t operations_count = 0; operations_count <= 10; operations_count += 10) {
        struct world world = {.calls_max = UINT32_MAX};
        hf_store_fixture_init(&world.fixture);
        assert_true(hf_store_fixture_open(&world.fixture));
        hf_store_fixture_work(&world.fixture, operations_count);
        assert_true(hf_store_fixture_drain(&world.fixture));
        assert_int_equal(make(&world), HF_OK);
        assert_int_equal(world.backup.lsn, hf_engine_lsn(world.fixture.engine));
        hf_store_fixture_close(&world.fixture);
        start_on_it(&world);
        world_release(&world);
    }
}

/* Two backups of one LSN are two histories once both are started on; and so is the store itself,
 * which stays in its epoch. */
static void epochs_differ(void **state)
{
    struct world world;
    (void)state;

    world_init(&world, 0);
    assert_int_equal(make(&world), HF_OK);
    hf_store_fixture_close(&world.fixture);
    start_on_it(&world);
    const uint32_t epoch = world.epoch;
    clear_below(&world, FOLDER);
    assert_true(hf_store_fixture_open(&world.fixture));
    assert_int_equal(hf_store_epoch(world.fixture.store), 1);
    assert_int_equal(make(&world), HF_OK);
    hf_store_fixture_close(&world.fixture);
    start_on_it(&world);
    assert_int_not_equal(world.epoch, epoch); /* by chance once in 67 million times */
    world_release(&world);
}

struct watcher {
    const struct hf_sim_disk *disk;
    char path[256]; /* of the file of the backup that is written */
    uint64_t synced_bytes;
    uint64_t unsynced_bytes_max;
    uint32_t syncs_count;
};

/* Before each call that changes the disk: how much of the file was not synced? */
static void watch_syncs(void *arg, enum hf_sim_call call, const char *path)
{
    struct watcher *watcher = arg;

    if ((call != HF_SIM_WRITE && call != HF_SIM_SYNC) ||
        strncmp(path, FOLDER, strlen(FOLDER)) != 0) {
        return;
    }
    if (strcmp(watcher->path, path) != 0) {
        (void)snprintf(watcher->path, sizeof watcher->path, "%s", path);
        watcher->synced_bytes = 0;
    }
    const uint64_t bytes_count = hf_sim_disk_file_bytes(watcher->disk, path);
    if (bytes_count < watcher->synced_bytes) {
        watcher->synced_bytes = 0; /* another file by that name */
    }
    if (bytes_count - watcher->synced_bytes > watcher->unsynced_bytes_max) {
        watcher->unsynced_bytes_max = bytes_count - watcher->synced_bytes;
    }
    if (call == HF_SIM_SYNC) {
        watcher->synced_bytes = bytes_count;
        watcher->syncs_count++;
    }
}

static uint32_t forgotten_count;
static int (*sim_forget)(void *ctx, int file);

static int count_forget(void *ctx, int file)
{
    forgotten_count++;
    return sim_forget(ctx, file);
}

/* It never leaves much to sync at once, says what it writes and reads back, and memory forgets what
 * it has written. */
static void in_small_steps(void **state)
{
    struct world world;
    (void)state;

    world_init(&world, 300);
    struct hf_store_fixture *fixture = &world.fixture;
    hf_store_fixture_close(fixture);
    struct hf_disk table = *hf_sim_disk_table(fixture->disk);
    sim_forget = table.forget;
    table.forget = count_forget;
    fixture->table = &table;
    assert_true(hf_store_fixture_open(fixture));
    struct watcher watcher = {.disk = fixture->disk};
    hf_sim_disk_hook(fixture->disk, watch_syncs, &watcher);
    forgotten_count = 0;
    assert_int_equal(make(&world), HF_OK);
    hf_sim_disk_hook(fixture->disk, NULL, NULL);
    assert_true(world.backup.bytes_count > UINT64_C(8) << 20); /* else this proves nothing */
    print_message("%" PRIu64 " bytes, at most %" PRIu64 " to sync at once\n",
                  world.backup.bytes_count, watcher.unsynced_bytes_max);
    assert_true(watcher.unsynced_bytes_max <= UINT64_C(5) << 20);
    assert_true(watcher.syncs_count > world.backup.bytes_count >> 23);
    assert_true(forgotten_count > world.backup.bytes_count >> 23);
    assert_true(world.paced_bytes > world.backup.bytes_count); /* the snapshot twice */
    assert_true(world.paced_bytes_max <= UINT64_C(2) << 20);
    hf_store_fixture_close(fixture);
    fixture->table = NULL;
    start_on_it(&world);
    world_release(&world);
}

static void retention_waits(void **state)
{
    struct world world;
    (void)state;

    world_init(&world, 450); /* more than the ledger in memory wants to be kept */
    const uint64_t first_lsn = hf_store_first_lsn(world.fixture.store);
    const uint64_t lsn = hf_store_durable_lsn(world.fixture.store);
    world.is_snapshooting = true;
    assert_int_equal(make(&world), HF_OK);
    assert_true(world.calls_count > 3);
    assert_int_equal(world.backup.lsn, lsn);
    assert_int_equal(hf_store_first_lsn(world.fixture.store), first_lsn);
    /* And afterwards it does its work, without another snapshot: on a full disk there is none. */
    uint64_t due_us;
    assert_true(hf_store_snapshot_has_work(world.fixture.store, 0, &due_us));
    assert_int_equal(hf_store_snapshot_write_step(world.fixture.store, 0), HF_STORE_WORKED);
    assert_true(hf_store_first_lsn(world.fixture.store) > first_lsn);
    assert_false(hf_store_snapshot_has_work(world.fixture.store, 0, &due_us));
    assert_int_equal(hf_store_snapshot_write_step(world.fixture.store, 0), HF_STORE_IDLE);
    hf_store_fixture_close(&world.fixture);
    start_on_it(&world);
    world_release(&world);
}

static void broken_off(void **state)
{
    struct world world;
    (void)state;

    world_init(&world, 20);
    assert_int_equal(make(&world), HF_OK);
    const uint32_t calls_count = world.calls_count;
    clear_below(&world, FOLDER);
    for (world.calls_max = 0; world.calls_max < calls_count; world.calls_max++) {
        assert_int_equal(make(&world), HF_BUSY);
        assert_int_equal(count_below(&world, FOLDER), 0);
    }
    assert_int_equal(make(&world), HF_OK);
    assert_int_equal(make(&world), HF_INVALID_ARGUMENT); /* the name is taken */
    world_release(&world);
}

/* A call that fails leaves nothing by the name; what could not be cleared is marked. */
static void each_call_fails(void **state)
{
    struct world world;
    uint32_t failures_count = 0;
    (void)state;

    world_init(&world, 0);
    for (uint64_t nth = 1;; nth++) {
        hf_sim_disk_fail(
            world.fixture.disk,
            &(struct hf_sim_fault){.nth = nth, .calls = HF_SIM_CALLS_ALL, .error = ENOSPC});
        const enum hf_err err = make(&world);
        const bool has_failed = hf_sim_disk_has_failed(world.fixture.disk);
        hf_sim_disk_fail(world.fixture.disk, &(struct hf_sim_fault){0});
        if (!has_failed) {
            assert_int_equal(err, HF_OK);
            break;
        }
        failures_count += err != HF_OK ? 1 : 0;
        if (err != HF_OK && count_below(&world, FOLDER "/" NAME "/") > 0) {
            /* Only the sync of the name itself came after it. */
            assert_true(hf_sim_disk_exists(world.fixture.disk, FOLDER "/" NAME "/MANIFEST"));
            assert_false(hf_sim_disk_exists(world.fixture.disk, FOLDER "/" NAME "/INCOMPLETE"));
        }
        clear_below(&world, FOLDER "/" NAME "/");
        assert_int_equal(make(&world), HF_OK); /* over what was left, and the store goes on */
        assert_int_equal(count_below(&world, FOLDER "/" NAME ".tmp"), 0);
        clear_below(&world, FOLDER);
    }
    assert_true(failures_count > 20);
    print_message("%" PRIu32 " failures, none left a backup\n", failures_count);
    world_release(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_the_moment),   cmocka_unit_test(of_a_young_directory),
        cmocka_unit_test(epochs_differ),   cmocka_unit_test(in_small_steps),
        cmocka_unit_test(retention_waits), cmocka_unit_test(broken_off),
        cmocka_unit_test(each_call_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
