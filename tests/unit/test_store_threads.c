/*
 * test_store_threads.c - the store on real threads and a real disk; for ThreadSanitizer, too.
 *
 * Method: this thread plays the loop. It applies operations, publishes them, and waits for the
 * wake-ups of the log thread and the worker as an event loop would, with nothing else to tell it.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/engine.h"
#include "engine/ledger.h"
#include "persistence/threads.h"

#define PATH_BYTES_MAX 512

struct bell {
    pthread_mutex_t mutex;
    pthread_cond_t cond;
    uint64_t rings_count;
    uint64_t heard_count;
};

struct world {
    char path[PATH_BYTES_MAX];
    struct hf_store_config config; /* what a test sets; the rest is open_store's */
    struct hf_engine *engine;
    struct hf_store *store;
    struct hf_store_threads *threads;
    struct bell bell;
    uint64_t operations_count;
    uint64_t snapshots_count; /* that were asked for and have ended */
    enum hf_err snapshot_err;
    uint64_t snapshot_lsn;
};

static void ring(void *arg)
{
    struct bell *bell = arg;

    (void)pthread_mutex_lock(&bell->mutex);
    bell->rings_count++;
    (void)pthread_cond_signal(&bell->cond);
    (void)pthread_mutex_unlock(&bell->mutex);
}

/* Wait until it rang since the last time. */
static void listen_for(struct bell *bell)
{
    (void)pthread_mutex_lock(&bell->mutex);
    while (bell->rings_count == bell->heard_count) {
        (void)pthread_cond_wait(&bell->cond, &bell->mutex);
    }
    bell->heard_count = bell->rings_count;
    (void)pthread_mutex_unlock(&bell->mutex);
}

static void open_store(struct world *world, enum hf_durability durability,
                       const struct hf_disk *disk)
{
    struct hf_engine_config engine_config = hf_engine_config_default();
    struct hf_store_config config = world->config;
    char error[512] = "";

    config.path = world->path;
    config.durability = durability;
    config.interval_us = 2000;
    config.segment_bytes = HF_SEGMENT_BYTES_MIN;
    config.snapshots_kept = 2;
    config.works_ahead = true;
    memcpy(config.new_directory_id, "threads", sizeof "threads");
    engine_config.ledger_bytes = HF_LEDGER_BYTES_MIN;
    world->engine = hf_engine_create(&engine_config);
    assert_non_null(world->engine);
    world->store = hf_store_open(&config, disk, NULL, world->engine, error, sizeof error);
    if (world->store == NULL) {
        fail_msg("%s", error);
    }
    world->threads = hf_store_threads_start(world->store, world->engine, ring, &world->bell);
    assert_non_null(world->threads);
}

static void close_store(struct world *world)
{
    hf_store_close(world->store);
    hf_engine_free(world->engine);
    world->store = NULL;
    world->engine = NULL;
}

/* One receive; when the ring is full, waits for the log as the server does. */
static void receive_sku(struct world *world, struct hf_text sku, int64_t units)
{
    const struct hf_op_line line = {.sku = sku, .location = hf_text_of("shop"), .units = units};
    const struct hf_op op = {.kind = HF_KIND_RECEIVE, .lines = &line, .lines_count = 1};
    struct hf_result result;

    hf_engine_apply(world->engine, &op, 1000 + world->operations_count, &result);
    while (result.outcome == HF_BUSY) {
        listen_for(&world->bell);
        (void)hf_store_threads_poll(world->threads);
        hf_engine_apply(world->engine, &op, 1000 + world->operations_count, &result);
    }
    assert_int_equal(result.outcome, HF_OK);
    world->operations_count++;
    hf_store_threads_publish(world->threads, result.lsn);
}

static void receive(struct world *world, int64_t units)
{
    receive_sku(world, hf_text_of("tea"), units);
}

/* As receive, of one SKU of many. */
static void receive_at(struct world *world, uint32_t index)
{
    char sku[16];

    (void)snprintf(sku, sizeof sku, "sku-%" PRIu32, index);
    receive_sku(world, hf_text_of(sku), 1);
}

static void wait_until_durable(struct world *world)
{
    while (hf_store_threads_poll(world->threads) < hf_engine_lsn(world->engine)) {
        assert_false(hf_store_failed(world->store));
        listen_for(&world->bell);
    }
}

static void snapshot_done(void *arg, enum hf_err err, uint64_t lsn)
{
    struct world *world = arg;
    world->snapshots_count++;
    world->snapshot_err = err;
    world->snapshot_lsn = lsn;
}

/* Turn the loop until a snapshot that was asked for has ended. */
static void wait_for_snapshot(struct world *world)
{
    const uint64_t before = world->snapshots_count;

    while (world->snapshots_count == before) {
        (void)hf_store_threads_turn(world->threads);
        (void)hf_store_threads_poll(world->threads);
        (void)usleep(100); /* a turn's worth of time: the pace goes by it */
    }
}

static void check_units(struct world *world)
{
    const struct hf_op_line line = {.sku = hf_text_of("tea"), .location = hf_text_of("shop")};
    struct hf_cell_view view;

    assert_int_equal(hf_engine_lsn(world->engine), world->operations_count);
    assert_int_equal(hf_engine_stock(world->engine, &line, false, &view), HF_OK);
    assert_int_equal(view.on_hand, (int64_t)world->operations_count);
}

static int set_up(void **state)
{
    struct world *world = calloc(1, sizeof *world);
    const char *folder = getenv("TMPDIR");

    assert_non_null(world);
    (void)snprintf(world->path, sizeof world->path, "%s/hf-threads-XXXXXX",
                   folder != NULL ? folder : "/tmp");
    assert_non_null(mkdtemp(world->path));
    assert_int_equal(pthread_mutex_init(&world->bell.mutex, NULL), 0);
    assert_int_equal(pthread_cond_init(&world->bell.cond, NULL), 0);
    *state = world;
    return 0;
}

static int tear_down(void **state)
{
    struct world *world = *state;
    char path[PATH_BYTES_MAX + 300];

    DIR *directory = opendir(world->path);
    const struct dirent *entry;
    while (directory != NULL && (entry = readdir(directory)) != NULL) {
        (void)snprintf(path, sizeof path, "%s/%s", world->path, entry->d_name);
        (void)unlink(path); /* "." and ".." are none */
    }
    if (directory != NULL) {
        (void)closedir(directory);
    }
    (void)rmdir(world->path);
    (void)pthread_cond_destroy(&world->bell.cond);
    (void)pthread_mutex_destroy(&world->bell.mutex);
    free(world);
    return 0;
}

static void one_at_a_time(void **state)
{
    struct world *world = *state;
    struct hf_store_stats stats;

    open_store(world, HF_DURABILITY_SYNC, hf_disk_posix());
    for (int i = 0; i < 300; i++) {
        receive(world, 1);
        wait_until_durable(world);
        assert_int_equal(hf_store_synced_lsn(world->store), world->operations_count);
    }
    hf_store_stats(world->store, &stats);
    assert_int_equal(stats.fsyncs_count, 300);
    assert_int_equal(stats.blocks_count, 300);
    assert_int_equal(hf_store_threads_stop(world->threads), HF_OK);
    close_store(world);
    open_store(world, HF_DURABILITY_SYNC, hf_disk_posix());
    check_units(world);
    assert_int_equal(hf_store_threads_stop(world->threads), HF_OK);
    close_store(world);
}

/* More than the ring holds, over several segments, with snapshots on the way. */
static void many_in_flight(void **state)
{
    struct world *world = *state;
    struct hf_store_stats stats;

    open_store(world, HF_DURABILITY_SYNC, hf_disk_posix());
    for (int i = 0; i < 400000; i++) {
        receive(world, 1);
        if (i % 100000 == 50000) {
            assert_int_equal(hf_store_threads_snapshot(world->threads, snapshot_done, world),
                             HF_OK);
            assert_int_equal(hf_store_threads_snapshot(world->threads, snapshot_done, world),
                             HF_BUSY);
            wait_for_snapshot(world);
            assert_int_equal(world->snapshot_err, HF_OK);
            assert_int_equal(world->snapshot_lsn, i + 1);
        }
    }
    /* Stop drains what was published and not waited for. */
    assert_int_equal(hf_store_threads_stop(world->threads), HF_OK);
    assert_int_equal(hf_store_synced_lsn(world->store), world->operations_count);
    hf_store_stats(world->store, &stats);
    assert_int_equal(stats.durable_lsn, world->operations_count);
    assert_int_equal(stats.snapshot_lsn, 350001);
    assert_true(stats.fsyncs_count < world->operations_count / 2); /* groups do gather */
    close_store(world);
    open_store(world, HF_DURABILITY_SYNC, hf_disk_posix());
    check_units(world);
    assert_int_equal(hf_store_threads_stop(world->threads), HF_OK);
    close_store(world);
}

/* A snapshot waits for the log to be synced, whatever the durability. */
static void snapshot_without_sync(void **state)
{
    static const enum hf_durability DURABILITIES[] = {HF_DURABILITY_NONE, HF_DURABILITY_INTERVAL};
    struct world *world = *state;

    for (size_t i = 0; i < 2; i++) {
        open_store(world, DURABILITIES[i], hf_disk_posix());
        receive(world, 1);
        wait_until_durable(world);
        receive(world, 1);
        assert_int_equal(hf_store_threads_snapshot(world->threads, snapshot_done, world), HF_OK);
        wait_for_snapshot(world);
        assert_int_equal(hf_store_threads_stop(world->threads), HF_OK);
        assert_int_equal(world->snapshot_err, HF_OK);
        assert_int_equal(world->snapshot_lsn, world->operations_count);
        close_store(world);
    }
}

/* A stop does not wait for a snapshot that has hardly begun: it is told as cancelled. */
static void stop_cancels_a_snapshot(void **state)
{
    struct world *world = *state;

    open_store(world, HF_DURABILITY_SYNC, hf_disk_posix());
    for (int turns = 0; turns < 3; turns++) {
        receive(world, 1);
        assert_int_equal(hf_store_threads_snapshot(world->threads, snapshot_done, world), HF_OK);
        for (int i = 0; i < turns; i++) {
            (void)hf_store_threads_turn(world->threads);
        }
        assert_int_equal(hf_store_threads_stop(world->threads), HF_OK);
        assert_int_equal(world->snapshots_count, turns + 1); /* told before stop returned */
        assert_true(world->snapshot_err == HF_BUSY || turns > 0);
        close_store(world);
        open_store(world, HF_DURABILITY_SYNC, hf_disk_posix());
        check_units(world);
    }
    assert_int_equal(hf_store_threads_stop(world->threads), HF_OK);
    close_store(world);
}

static uint32_t count_snapshots(const struct world *world)
{
    uint32_t count = 0;
    const struct dirent *entry;

    DIR *directory = opendir(world->path);
    assert_non_null(directory);
    while ((entry = readdir(directory)) != NULL) {
        count += strncmp(entry->d_name, "snapshot-", strlen("snapshot-")) == 0 ? 1 : 0;
    }
    (void)closedir(directory);
    return count;
}

/* What was kept for somebody who copied files is dropped once they let go, by itself. */
static void retention_is_made_up(void **state)
{
    struct world *world = *state;

    open_store(world, HF_DURABILITY_SYNC, hf_disk_posix());
    hf_store_hold(world->store);
    for (int i = 0; i < 4; i++) {
        receive(world, 1);
        assert_int_equal(hf_store_threads_snapshot(world->threads, snapshot_done, world), HF_OK);
        wait_for_snapshot(world);
        assert_int_equal(world->snapshot_err, HF_OK);
    }
    assert_int_equal(count_snapshots(world), 4);
    assert_false(hf_store_retention_is_due(world->store));
    hf_store_let_go(world->store);
    assert_true(hf_store_retention_is_due(world->store));
    (void)hf_store_threads_turn(world->threads);
    while (count_snapshots(world) > 2) {
        listen_for(&world->bell);
    }
    assert_false(hf_store_retention_is_due(world->store));
    assert_int_equal(hf_store_threads_stop(world->threads), HF_OK);
    close_store(world);
}

/* Operations go on, changing what is not copied yet; what is restored is the state of one LSN. */
static void written_while_changing(void **state)
{
    struct world *world = *state;
    struct hf_store_threads_stats stats;
    struct hf_digest digest;

    open_store(world, HF_DURABILITY_SYNC, hf_disk_posix());
    for (int i = 0; i < 20000; i++) {
        receive_at(world, (uint32_t)i);
    }
    for (int round = 0; round < 3; round++) {
        assert_int_equal(hf_store_threads_snapshot(world->threads, snapshot_done, world), HF_OK);
        const uint64_t before = world->snapshots_count;
        for (uint32_t i = 0; world->snapshots_count == before; i++) {
            receive_at(world, i * 7919 % 20000);
            (void)hf_store_threads_turn(world->threads);
            (void)hf_store_threads_poll(world->threads);
        }
        assert_int_equal(world->snapshot_err, HF_OK);
    }
    wait_until_durable(world);
    digest = hf_engine_digest(world->engine);
    hf_store_threads_stats(world->threads, &stats);
    assert_true(stats.snapshot_last_us > 0 && stats.snapshot_longest_copy_us > 0 &&
                stats.snapshot_longest_copy_cpu_us > 0);
    assert_int_equal(stats.snapshots_failed, 0);
    assert_int_equal(hf_store_threads_stop(world->threads), HF_OK);
    close_store(world);
    open_store(world, HF_DURABILITY_SYNC, hf_disk_posix());
    assert_int_equal(hf_engine_lsn(world->engine), world->operations_count);
    const struct hf_digest restored = hf_engine_digest(world->engine);
    assert_memory_equal(&digest, &restored, sizeof digest);
    assert_int_equal(hf_store_threads_stop(world->threads), HF_OK);
    close_store(world);
}

static _Atomic bool is_write_failing;

static int64_t write_or_fail(void *ctx, int file, const void *bytes, size_t bytes_count,
                             uint64_t offset)
{
    /* The log writes far more at once than a snapshot's header and footer, and blocks of this size
     * are the snapshot's. */
    return atomic_load(&is_write_failing) && bytes_count == 48
               ? -ENOSPC
               : hf_disk_posix()->write(ctx, file, bytes, bytes_count, offset);
}

/* A snapshot that cannot be written is told, leaves nothing, and hurts nothing. By itself one is
 * tried again after the pause. */
static void full_disk_ends_a_snapshot(void **state)
{
    struct world *world = *state;
    struct hf_disk disk = *hf_disk_posix();
    struct hf_store_threads_stats stats;
    struct hf_store_stats store_stats;
    char path[PATH_BYTES_MAX + 64];

    disk.write = write_or_fail;
    world->config.snapshot_interval_us = 20000;
    world->config.snapshot_pause_us = 10000;
    atomic_store(&is_write_failing, true);
    open_store(world, HF_DURABILITY_SYNC, &disk);
    receive(world, 1);
    assert_int_equal(hf_store_threads_snapshot(world->threads, snapshot_done, world), HF_OK);
    wait_for_snapshot(world);
    assert_int_equal(world->snapshot_err, HF_IO);
    (void)snprintf(path, sizeof path, "%s/snapshot-%020d.hfs.tmp", world->path, 1);
    assert_int_equal(access(path, F_OK), -1);
    receive(world, 1); /* the log goes on */
    wait_until_durable(world);
    atomic_store(&is_write_failing, false);
    do {
        (void)hf_store_threads_turn(world->threads);
        (void)hf_store_threads_poll(world->threads);
        hf_store_stats(world->store, &store_stats);
        (void)usleep(1000);
    } while (store_stats.snapshot_lsn == 0);
    assert_int_equal(store_stats.snapshot_lsn, 2);
    hf_store_threads_stats(world->threads, &stats);
    assert_true(stats.snapshots_failed >= 1);
    assert_int_equal(hf_store_threads_stop(world->threads), HF_OK);
    close_store(world);
}

/* With an interval the sync comes by itself, without another publish. */
static void interval_syncs_by_itself(void **state)
{
    struct world *world = *state;

    open_store(world, HF_DURABILITY_INTERVAL, hf_disk_posix());
    receive(world, 1);
    wait_until_durable(world);
    while (hf_store_synced_lsn(world->store) < world->operations_count) {
        (void)usleep(100); /* nobody wakes the loop for a sync that no reply waits for */
    }
    assert_int_equal(hf_store_threads_stop(world->threads), HF_OK);
    close_store(world);
}

static _Atomic bool is_sync_failing;

static int sync_or_fail(void *ctx, int file)
{
    return atomic_load(&is_sync_failing) ? -EIO : hf_disk_posix()->sync(ctx, file);
}

/* P9: an error stops the log for good; the loop is woken to hear of it, and stop says it. */
static void failure_is_told(void **state)
{
    struct world *world = *state;
    struct hf_disk disk = *hf_disk_posix();

    disk.sync = sync_or_fail;
    open_store(world, HF_DURABILITY_SYNC, &disk);
    receive(world, 1);
    wait_until_durable(world);
    atomic_store(&is_sync_failing, true);
    receive(world, 1);
    while (!hf_store_failed(world->store)) {
        listen_for(&world->bell);
    }
    atomic_store(&is_sync_failing, false); /* the disk being well again changes nothing */
    receive(world, 1);
    assert_int_equal(hf_store_threads_snapshot(world->threads, snapshot_done, world), HF_IO);
    assert_int_equal(hf_store_threads_poll(world->threads), 1);
    assert_int_equal(hf_store_threads_stop(world->threads), HF_IO);
    assert_int_equal(hf_store_durable_lsn(world->store), 1);
    close_store(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(one_at_a_time, set_up, tear_down),
        cmocka_unit_test_setup_teardown(many_in_flight, set_up, tear_down),
        cmocka_unit_test_setup_teardown(snapshot_without_sync, set_up, tear_down),
        cmocka_unit_test_setup_teardown(stop_cancels_a_snapshot, set_up, tear_down),
        cmocka_unit_test_setup_teardown(retention_is_made_up, set_up, tear_down),
        cmocka_unit_test_setup_teardown(written_while_changing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(full_disk_ends_a_snapshot, set_up, tear_down),
        cmocka_unit_test_setup_teardown(interval_syncs_by_itself, set_up, tear_down),
        cmocka_unit_test_setup_teardown(failure_is_told, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
