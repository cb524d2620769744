/*
 * test_restore.c - a directory as it was at an LSN or a time.
 *
 * Method: a history over a simulated disk whose digest is known after every operation: several
 * segments and snapshots, linked groups, large records. It is restored to every LSN and to the time
 * of every operation; what comes out must be that moment, must be able to go on in a new epoch, and
 * the old directory must not have changed by a byte. Then damage on both sides of the point, and a
 * restore that is cut off at every call that changes the disk, with the power gone.
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

#include "persistence/copy.h"
#include "persistence/restore.h"
#include "tests/lib/store_fixture.h"

#define NEW "/new"
#define ERROR_BYTES 1024
#define LSNS_MAX 4096

struct world {
    struct hf_store_fixture fixture;
    uint64_t times[LSNS_MAX]; /* [lsn]; 0: not the end of an operation */
    uint64_t last_lsn;
    char error[ERROR_BYTES];
};

/* Operations that succeed or fail together: the LSNs inside are no moments. */
static void work_linked(struct world *world)
{
    struct hf_store_fixture *fixture = &world->fixture;
    struct hf_op_line line = {
        .sku = hf_text_of("linked"), .location = hf_text_of("warehouse"), .units = 3};
    struct hf_op ops[3];
    struct hf_result results[3];

    for (uint32_t i = 0; i < 3; i++) {
        ops[i] = (struct hf_op){.kind = HF_KIND_RECEIVE,
                                .flags = i < 2 ? HF_OP_LINKED : 0,
                                .lines = &line,
                                .lines_count = 1};
    }
    hf_engine_apply_linked(fixture->engine, ops, 3, ++fixture->now_us, results);
    const uint64_t lsn = hf_engine_lsn(fixture->engine);
    assert_int_equal(results[2].outcome, HF_OK);
    if (lsn >= fixture->digests_max) {
        fixture->digests = realloc(fixture->digests, LSNS_MAX * sizeof *fixture->digests);
        assert_non_null(fixture->digests);
        memset(fixture->digests + fixture->digests_max, 0,
               (LSNS_MAX - fixture->digests_max) * sizeof *fixture->digests);
        fixture->digests_max = LSNS_MAX;
    }
    fixture->digests[lsn] = hf_engine_digest(fixture->engine);
    world->times[lsn] = hf_engine_time_us(fixture->engine);
    hf_store_publish(fixture->store, lsn);
}

/* Operations one by one, each synced, so that many blocks stand in the log; every fourth time some
 * of them together, so that blocks are to be cut. */
static void work(struct world *world, uint32_t operations_count)
{
    for (uint32_t i = 0; i < operations_count; i++) {
        const uint64_t before_lsn = hf_engine_lsn(world->fixture.engine);
        hf_store_fixture_work(&world->fixture, 1);
        const uint64_t lsn = hf_engine_lsn(world->fixture.engine);
        assert_true(lsn < LSNS_MAX);
        if (lsn != before_lsn) {
            world->times[lsn] = hf_engine_time_us(world->fixture.engine);
        }
        if (i % 9 == 8) {
            work_linked(world);
        }
        if (i % 4 == 0) {
            assert_true(hf_store_fixture_drain(&world->fixture));
        }
    }
    assert_true(hf_store_fixture_drain(&world->fixture));
    world->last_lsn = hf_engine_lsn(world->fixture.engine);
}

/* Fill more than a segment. */
static void work_large(struct world *world)
{
    for (uint32_t i = 0; i < 200; i++) {
        hf_store_fixture_work_large(&world->fixture, 4096);
        const uint64_t lsn = hf_engine_lsn(world->fixture.engine);
        world->times[lsn] = hf_engine_time_us(world->fixture.engine);
        assert_true(hf_store_fixture_drain(&world->fixture));
        (void)hf_store_spare_step(world->fixture.store);
    }
    world->last_lsn = hf_engine_lsn(world->fixture.engine);
}

/* snapshot 1, snapshot 2, a tail; with several segments where `is_large`; nothing is dropped. */
static void world_init(struct world *world, bool is_large)
{
    *world = (struct world){0};
    hf_store_fixture_init(&world->fixture);
    world->fixture.config.snapshots_kept = 10;
    world->fixture.config.log_kept_bytes = UINT64_C(1) << 40;
    assert_true(hf_store_fixture_open(&world->fixture));
    work(world, 60);
    assert_int_equal(hf_store_fixture_snapshot(&world->fixture), HF_OK);
    work(world, 30);
    if (is_large) {
        work_large(world);
    }
    work(world, 30);
    assert_int_equal(hf_store_fixture_snapshot(&world->fixture), HF_OK);
    if (is_large) {
        work_large(world);
    }
    work(world, 40);
    hf_store_fixture_close(&world->fixture);
}

static void world_release(struct world *world)
{
    hf_store_fixture_release(&world->fixture);
}

static void clear_new(struct world *world)
{
    for (size_t i = 0;;) {
        const char *name = hf_sim_disk_name(world->fixture.disk, i);
        if (name == NULL) {
            return;
        }
        if (strncmp(name, NEW "/", strlen(NEW "/")) == 0) {
            hf_sim_disk_remove(world->fixture.disk, name);
        } else {
            i++;
        }
    }
}

static size_t count_new(const struct world *world)
{
    size_t count = 0;
    for (size_t i = 0;; i++) {
        const char *name = hf_sim_disk_name(world->fixture.disk, i);
        if (name == NULL) {
            return count;
        }
        count += strncmp(name, NEW "/", strlen(NEW "/")) == 0 ? 1 : 0;
    }
}

/* A sum over names and bytes of the old directory. */
static uint64_t sum_old(const struct world *world)
{
    static unsigned char bytes[64 * 1024];
    uint64_t sum = UINT64_C(14695981039346656037);

    for (size_t i = 0;; i++) {
        const char *name = hf_sim_disk_name(world->fixture.disk, i);
        if (name == NULL) {
            return sum;
        }
        if (strncmp(name, HF_FIXTURE_FOLDER "/", strlen(HF_FIXTURE_FOLDER "/")) != 0) {
            continue;
        }
        const uint64_t size = hf_sim_disk_file_bytes(world->fixture.disk, name);
        sum = (sum ^ strlen(name)) * UINT64_C(1099511628211) + size;
        for (uint64_t at = 0; at < size; at += sizeof bytes) {
            const size_t part = size - at < sizeof bytes ? (size_t)(size - at) : sizeof bytes;
            hf_sim_disk_peek(world->fixture.disk, name, at, bytes, part);
            for (size_t k = 0; k < part; k++) {
                sum = (sum ^ bytes[k]) * UINT64_C(1099511628211);
            }
        }
    }
}

static enum hf_err restore(struct world *world, const struct hf_restore_args *point,
                           struct hf_restored *restored)
{
    struct hf_restore_args args = *point;
    struct hf_engine *engine = hf_engine_create(&world->fixture.engine_config);

    assert_non_null(engine);
    args.from = HF_FIXTURE_FOLDER;
    args.path = NEW;
    world->error[0] = '\0';
    const enum hf_err err = hf_restore(&args, hf_sim_disk_table(world->fixture.disk), NULL, engine,
                                       restored, world->error, sizeof world->error);
    assert_int_equal(err != HF_OK, world->error[0] != '\0');
    if (err == HF_OK) {
        assert_int_equal(restored->lsn, hf_engine_lsn(engine));
    }
    hf_engine_free(engine);
    return err;
}

static enum hf_err restore_to(struct world *world, uint64_t lsn, struct hf_restored *restored)
{
    return restore(world, &(struct hf_restore_args){.lsn = lsn}, restored);
}

static void assert_digest(const struct world *world, uint64_t lsn, struct hf_digest digest)
{
    const struct hf_digest *want = &world->fixture.digests[lsn];
    if (digest.low != want->low || digest.high != want->high) {
        fail_msg("LSN %" PRIu64 " was restored to another state", lsn);
    }
}

static bool is_moment(const struct world *world, uint64_t lsn)
{
    return world->times[lsn] != 0;
}

/* Start on the new directory: it is at the LSN, goes on in the new epoch, and starts again. */
static void go_on(struct world *world, uint64_t lsn)
{
    struct hf_store_fixture *fixture = &world->fixture;
    const struct hf_store_fixture before = *fixture;

    fixture->config.path = NEW;
    fixture->digests = NULL; /* another history from here on */
    fixture->digests_max = 0;
    fixture->acked_lsn = 0;
    for (int i = 0; i < 2; i++) {
        uint64_t first_lsn;
        if (!hf_store_fixture_open(fixture)) {
            fail_msg("a start at LSN %" PRIu64 ": %s", lsn, fixture->error);
        }
        const uint32_t epochs_count = hf_store_epochs_count(fixture->store);
        const uint32_t epoch = hf_store_epoch(fixture->store);
        assert_true(epoch > 1);
        assert_int_equal(hf_store_epoch_at(fixture->store, epochs_count - 1, &first_lsn), epoch);
        assert_int_equal(first_lsn, lsn + 1);
        if (i == 0) {
            assert_int_equal(hf_engine_lsn(fixture->engine), lsn);
            assert_digest(&(struct world){.fixture = before}, lsn,
                          hf_engine_digest(fixture->engine));
            hf_store_fixture_audit(fixture);
            hf_store_fixture_work(fixture, 20);
            assert_true(hf_store_fixture_drain(fixture));
            assert_true(hf_engine_lsn(fixture->engine) > lsn);
        } else {
            hf_store_fixture_check(fixture);
        }
        hf_store_fixture_close(fixture);
    }
    free(fixture->digests);
    fixture->config.path = before.config.path;
    fixture->digests = before.digests;
    fixture->digests_max = before.digests_max;
}

/* LSNs of the files in the old directory. */
static struct hf_listing list_old(struct world *world)
{
    struct hf_directory directory;
    struct hf_listing listing;
    assert_true(hf_directory_init(&directory, HF_FIXTURE_FOLDER,
                                  hf_sim_disk_table(world->fixture.disk), NULL));
    assert_int_equal(hf_directory_list(&directory, &listing), 0);
    return listing;
}

/* Restore to `lsn`, which must be refused inside of a linked group only. */
static bool check_lsn(struct world *world, uint64_t lsn, bool is_going_on)
{
    struct hf_restored restored;

    const enum hf_err err = restore_to(world, lsn, &restored);
    if (!is_moment(world, lsn)) {
        assert_int_equal(err, HF_INVALID_ARGUMENT);
        assert_non_null(strstr(world->error, "succeed or fail together"));
        assert_int_equal(count_new(world), 0);
        return false;
    }
    if (err != HF_OK) {
        fail_msg("LSN %" PRIu64 ": %s", lsn, world->error);
    }
    assert_int_equal(restored.lsn, lsn);
    assert_int_equal(restored.time_us, world->times[lsn]);
    assert_true(restored.epoch > 1);
    assert_int_equal(restored.first_lsn, 1); /* all history is there */
    assert_digest(world, lsn, restored.digest);
    if (is_going_on) {
        go_on(world, lsn);
    }
    clear_new(world);
    return true;
}

static void every_lsn(void **state)
{
    struct world world;
    uint32_t moments_count = 0;
    uint32_t inside_count = 0;
    (void)state;

    world_init(&world, false);
    const uint64_t sum = sum_old(&world);
    for (uint64_t lsn = 1; lsn <= world.last_lsn; lsn++) {
        if (check_lsn(&world, lsn, lsn % 7 == 0 || lsn + 10 > world.last_lsn)) {
            moments_count++;
        } else {
            inside_count++;
        }
    }
    assert_true(moments_count > 60);
    assert_true(inside_count > 10);
    assert_true(sum_old(&world) == sum);
    print_message("%" PRIu32 " moments restored, %" PRIu32 " LSNs inside of groups refused\n",
                  moments_count, inside_count);
    world_release(&world);
}

/* Where segments begin and snapshots stand. */
static void at_the_borders(void **state)
{
    struct world world;
    (void)state;

    world_init(&world, true);
    const uint64_t sum = sum_old(&world);
    struct hf_listing listing = list_old(&world);
    assert_true(listing.segments_count >= 3);
    for (size_t i = 0; i < listing.segments_count + listing.snapshots_count; i++) {
        const uint64_t border = i < listing.segments_count
                                    ? listing.segments[i]
                                    : listing.snapshots[i - listing.segments_count];
        for (uint64_t lsn = border > 2 ? border - 2 : 1; lsn <= border + 1; lsn++) {
            (void)check_lsn(&world, lsn, true);
        }
    }
    assert_true(sum_old(&world) == sum);
    hf_listing_release(&listing);
    world_release(&world);
}

static void every_time(void **state)
{
    struct world world;
    uint64_t lsn_before = 0;
    (void)state;

    world_init(&world, false);
    for (uint64_t lsn = 1; lsn <= world.last_lsn; lsn++) {
        struct hf_restored restored;
        if (!is_moment(&world, lsn)) {
            continue;
        }
        /* One microsecond before it, the moment before is the last one, unless both happened at
         * the same time; at its time, the last one of that time is. */
        uint64_t last_lsn = lsn;
        for (uint64_t i = lsn + 1; i <= world.last_lsn; i++) {
            last_lsn = world.times[i] == world.times[lsn] ? i : last_lsn;
        }
        const struct hf_restore_args at = {.is_time = true, .time_us = world.times[lsn]};
        assert_int_equal(restore(&world, &at, &restored), HF_OK);
        assert_int_equal(restored.lsn, last_lsn);
        assert_digest(&world, last_lsn, restored.digest);
        clear_new(&world);
        if (lsn_before > 0 && world.times[lsn_before] < world.times[lsn]) {
            const struct hf_restore_args before = {.is_time = true,
                                                   .time_us = world.times[lsn] - 1};
            assert_int_equal(restore(&world, &before, &restored), HF_OK);
            assert_int_equal(restored.lsn, lsn_before);
            clear_new(&world);
        }
        lsn_before = lsn;
    }
    world_release(&world);
}

/* What cannot be had is said, and nothing is left behind. */
static void refusals(void **state)
{
    struct world world;
    struct hf_restored restored;
    char want[128];
    (void)state;

    world_init(&world, false);
    assert_int_equal(restore_to(&world, world.last_lsn + 1, &restored), HF_INVALID_ARGUMENT);
    (void)snprintf(want, sizeof want, "ends with LSN %" PRIu64, world.last_lsn);
    assert_non_null(strstr(world.error, want));
    assert_int_equal(count_new(&world), 0);

    /* A time behind the end is the end. */
    const struct hf_restore_args late = {.is_time = true, .time_us = UINT64_MAX};
    assert_int_equal(restore(&world, &late, &restored), HF_OK);
    assert_int_equal(restored.lsn, world.last_lsn);
    assert_int_equal(restore_to(&world, 5, &restored), HF_INVALID_ARGUMENT);
    assert_non_null(strstr(world.error, "it is not empty"));
    clear_new(&world);

    const struct hf_restore_args early = {.is_time = true, .time_us = 5};
    assert_int_equal(restore(&world, &early, &restored), HF_INVALID_ARGUMENT);
    assert_non_null(strstr(world.error, "the oldest that"));
    assert_int_equal(count_new(&world), 0);

    hf_sim_disk_put(world.fixture.disk, NEW "/notes.txt", "x", 1);
    assert_int_equal(restore_to(&world, 5, &restored), HF_INVALID_ARGUMENT);
    assert_int_equal(count_new(&world), 1);
    clear_new(&world);

    assert_true(hf_store_fixture_open(&world.fixture));
    assert_int_equal(restore_to(&world, 5, &restored), HF_BUSY);
    assert_non_null(strstr(world.error, "holdfast backup"));
    hf_store_fixture_close(&world.fixture);

    hf_sim_disk_remove(world.fixture.disk, HF_FIXTURE_FOLDER "/MANIFEST");
    assert_int_equal(restore_to(&world, 5, &restored), HF_INVALID_ARGUMENT);
    assert_non_null(strstr(world.error, "no MANIFEST"));
    world_release(&world);
}

/* The first segment is gone: what was before the oldest snapshot that is left cannot be had. */
static void an_old_log_that_was_dropped(void **state)
{
    struct world world;
    struct hf_restored restored;
    char want[128];
    (void)state;

    world_init(&world, true);
    struct hf_listing listing = list_old(&world);
    assert_true(listing.segments_count >= 3);
    assert_int_equal(listing.snapshots_count, 2);
    hf_sim_disk_remove(world.fixture.disk, HF_FIXTURE_SEGMENT_1);
    const uint64_t oldest_lsn = listing.snapshots[1];
    assert_true(listing.segments[1] > listing.snapshots[0] + 1);
    assert_true(listing.segments[1] <= oldest_lsn + 1);

    assert_int_equal(restore_to(&world, oldest_lsn - 1, &restored), HF_INVALID_ARGUMENT);
    (void)snprintf(want, sizeof want, "can give is LSN %" PRIu64, oldest_lsn);
    assert_non_null(strstr(world.error, want));
    assert_int_equal(restore_to(&world, oldest_lsn, &restored), HF_OK);
    assert_int_equal(restored.first_lsn, listing.segments[1]);
    assert_digest(&world, oldest_lsn, restored.digest);
    go_on(&world, oldest_lsn);
    hf_listing_release(&listing);
    world_release(&world);
}

/* The offset of the first block of the oldest segment that holds `lsn`. */
static uint64_t offset_of(struct world *world, uint64_t lsn, char *name, uint64_t *first_lsn)
{
    struct hf_listing listing = list_old(world);
    struct hf_directory directory;
    struct hf_segment_reader reader;
    struct hf_block_header block;
    const char *why;
    char error[ERROR_BYTES];
    size_t index = 0;

    while (index + 1 < listing.segments_count && listing.segments[index + 1] <= lsn) {
        index++;
    }
    assert_true(hf_directory_init(&directory, HF_FIXTURE_FOLDER,
                                  hf_sim_disk_table(world->fixture.disk), NULL));
    hf_directory_set_id(&directory, world->fixture.config.new_directory_id);
    assert_int_equal(hf_segment_reader_init(&reader, &directory), HF_OK);
    assert_int_equal(
        hf_segment_reader_open(&reader, listing.segments[index], true, error, sizeof error), HF_OK);
    do {
        assert_int_equal(hf_segment_reader_hop(&reader, &block, &why), HF_OK);
    } while (block.last_lsn < lsn);
    (void)snprintf(name, HF_NAME_BYTES_MAX + 8, HF_FIXTURE_FOLDER "/%s", reader.name);
    *first_lsn = block.first_lsn;
    const uint64_t offset = reader.offset - hf_block_bytes(&block);
    hf_segment_reader_release(&reader);
    hf_listing_release(&listing);
    return offset;
}

/* One bit of a block: points before it can be had, points behind it cannot, unless a snapshot
 * lies between and the block in an older segment. */
static void damage(void **state)
{
    struct world world;
    struct hf_restored restored;
    char name[HF_NAME_BYTES_MAX + 8];
    char want[128];
    uint64_t first_lsn;
    (void)state;

    world_init(&world, true);
    const uint64_t lsn = world.last_lsn - 12;
    const uint64_t offset = offset_of(&world, lsn, name, &first_lsn);
    hf_sim_disk_flip(world.fixture.disk, name, offset + HF_BLOCK_HEADER_BYTES + 5, 4);
    for (uint64_t point = first_lsn - 5; point <= world.last_lsn; point++) {
        const enum hf_err err = restore_to(&world, point, &restored);
        if (point >= first_lsn) {
            assert_int_equal(err, HF_CORRUPT);
            (void)snprintf(want, sizeof want, "at offset %" PRIu64 " (LSN %" PRIu64 ")", offset,
                           first_lsn);
            assert_non_null(strstr(world.error, want));
            (void)snprintf(want, sizeof want, "before that is LSN %" PRIu64, first_lsn - 1);
            assert_non_null(strstr(world.error, want));
        } else {
            assert_int_equal(err, is_moment(&world, point) ? HF_OK : HF_INVALID_ARGUMENT);
        }
        clear_new(&world);
    }
    /* By time: behind the damage nobody knows; before it, it is not looked at. */
    const struct hf_restore_args late = {.is_time = true, .time_us = UINT64_MAX};
    assert_int_equal(restore(&world, &late, &restored), HF_CORRUPT);
    (void)snprintf(want, sizeof want, "not after the time is LSN %" PRIu64, first_lsn - 1);
    assert_non_null(strstr(world.error, want));
    const struct hf_restore_args early = {.is_time = true, .time_us = world.times[50]};
    if (is_moment(&world, 50)) {
        assert_int_equal(restore(&world, &early, &restored), HF_OK);
        assert_int_equal(restored.lsn, 50);
        clear_new(&world);
    }
    world_release(&world);

    /* In history: it begins behind the damage. */
    world_init(&world, true);
    struct hf_listing listing = list_old(&world);
    (void)offset_of(&world, 2, name, &first_lsn);
    assert_string_equal(name, HF_FIXTURE_SEGMENT_1);
    hf_sim_disk_flip(world.fixture.disk, name, 512 + 9, 1);
    assert_true(listing.segments[1] <= listing.snapshots[1]);
    assert_int_equal(restore_to(&world, world.last_lsn, &restored), HF_OK);
    assert_int_equal(restored.first_lsn, listing.segments[1]);
    assert_digest(&world, world.last_lsn, restored.digest);
    go_on(&world, world.last_lsn);
    clear_new(&world);

    /* A snapshot that is damaged: an older one serves. */
    (void)snprintf(name, sizeof name, HF_FIXTURE_FOLDER "/snapshot-%020" PRIu64 ".hfs",
                   listing.snapshots[1]);
    hf_sim_disk_flip(world.fixture.disk, name, 200, 1);
    assert_int_equal(restore_to(&world, world.last_lsn, &restored), HF_CORRUPT);
    hf_sim_disk_flip(world.fixture.disk, HF_FIXTURE_SEGMENT_1, 512 + 9, 1);
    assert_int_equal(restore_to(&world, world.last_lsn, &restored), HF_OK);
    assert_digest(&world, world.last_lsn, restored.digest);
    hf_listing_release(&listing);
    world_release(&world);
}

/*
 * Every call that changes the disk is the last one before the power goes. Until the manifest is
 * there, a start must not take the directory for a new one; once it is, all is there. And the same
 * restore works afterwards.
 */
static void cut_off_anywhere(void **state)
{
    struct world world;
    uint32_t refused_count = 0;
    uint32_t empty_count = 0;
    uint32_t whole_count = 0;
    (void)state;

    world_init(&world, false);
    uint64_t lsn = world.last_lsn - 9;
    while (!is_moment(&world, lsn)) {
        lsn--;
    }
    const char *error_text = "has not come to its end";
    for (uint64_t nth = 1;; nth++) {
        struct hf_restored restored;
        hf_sim_disk_fail(world.fixture.disk, &(struct hf_sim_fault){.nth = nth,
                                                                    .calls = HF_SIM_CALLS_CHANGING,
                                                                    .error = EIO,
                                                                    .is_lasting = true});
        const enum hf_err err = restore_to(&world, lsn, &restored);
        const bool has_failed = hf_sim_disk_has_failed(world.fixture.disk);
        hf_sim_disk_crash(world.fixture.disk, nth % 2 == 0 ? HF_SIM_MIX : HF_SIM_KEEP, nth);
        if (!has_failed) {
            assert_int_equal(err, HF_OK);
            break;
        }
        const bool is_whole = hf_sim_disk_exists(world.fixture.disk, NEW "/MANIFEST");
        if (is_whole) {
            go_on(&world, lsn);
            whole_count++;
            clear_new(&world);
            continue;
        }
        const bool is_marked = hf_sim_disk_exists(world.fixture.disk, NEW "/INCOMPLETE");
        if (is_marked) {
            world.fixture.config.path = NEW;
            assert_false(hf_store_fixture_open(&world.fixture));
            assert_non_null(strstr(world.fixture.error, error_text));
            world.fixture.config.path = HF_FIXTURE_FOLDER;
            refused_count++;
        } else {
            /* Before the mark was synced: nothing but the lock can be there. */
            assert_true(count_new(&world) <= 1);
            empty_count++;
        }
        assert_int_equal(restore_to(&world, lsn, &restored), HF_OK);
        assert_digest(&world, lsn, restored.digest);
        clear_new(&world);
    }
    assert_true(refused_count > 20);
    assert_true(whole_count > 0);
    print_message("cut off: %" PRIu32 " times refused, %" PRIu32 " empty, %" PRIu32 " whole\n",
                  refused_count, empty_count, whole_count);
    world_release(&world);
}

struct newcomer {
    struct hf_sim_disk *disk;
    uint64_t calls_left; /* before it comes */
};

/* A server begins to use the old directory. */
static void come(void *arg, enum hf_sim_call call, const char *path)
{
    struct newcomer *newcomer = arg;

    (void)call;
    (void)path;
    if (newcomer->calls_left-- == 0) {
        hf_sim_disk_put(newcomer->disk, HF_FIXTURE_FOLDER "/LOCK", "", 0);
    }
}

/* A backup has no LOCK, and gets none; but who comes while it is copied is noticed. */
static void without_a_lock(void **state)
{
    struct world world;
    struct hf_restored restored;
    uint32_t refused_count = 0;
    (void)state;

    world_init(&world, false);
    hf_sim_disk_remove(world.fixture.disk, HF_FIXTURE_FOLDER "/LOCK");
    const uint64_t sum = sum_old(&world);
    assert_int_equal(restore_to(&world, world.last_lsn, &restored), HF_OK);
    assert_true(sum_old(&world) == sum);
    clear_new(&world);
    for (;;) {
        struct newcomer newcomer = {world.fixture.disk, refused_count};
        hf_sim_disk_hook(world.fixture.disk, come, &newcomer);
        const enum hf_err err = restore_to(&world, world.last_lsn, &restored);
        hf_sim_disk_hook(world.fixture.disk, NULL, NULL);
        assert_true(hf_sim_disk_exists(world.fixture.disk, HF_FIXTURE_FOLDER "/LOCK"));
        if (err == HF_OK) {
            break; /* all had been copied */
        }
        assert_int_equal(err, HF_BUSY);
        assert_non_null(strstr(world.error, "another process has begun to use it"));
        assert_int_equal(count_new(&world), 0);
        hf_sim_disk_remove(world.fixture.disk, HF_FIXTURE_FOLDER "/LOCK");
        refused_count++;
    }
    assert_true(refused_count > 5);
    print_message("noticed at %" PRIu32 " calls\n", refused_count);
    world_release(&world);
}

/* What is broken off without a crash leaves nothing. */
static void failures_leave_nothing(void **state)
{
    struct world world;
    (void)state;

    world_init(&world, false);
    for (uint64_t nth = 1;; nth++) {
        struct hf_restored restored;
        hf_sim_disk_fail(world.fixture.disk,
                         &(struct hf_sim_fault){.nth = nth,
                                                .calls = HF_SIM_OPEN | HF_SIM_READ | HF_SIM_WRITE |
                                                         HF_SIM_SYNC | HF_SIM_RENAME | HF_SIM_LIST,
                                                .error = ENOSPC});
        const enum hf_err err = restore_to(&world, world.last_lsn, &restored);
        if (!hf_sim_disk_has_failed(world.fixture.disk)) {
            assert_int_equal(err, HF_OK);
            break;
        }
        if (err != HF_OK && count_new(&world) != 0) {
            hf_sim_disk_fail(world.fixture.disk, &(struct hf_sim_fault){0});
            /* The failure struck while it cleared up: marked, so it can be done again. */
            assert_false(hf_sim_disk_exists(world.fixture.disk, NEW "/MANIFEST") &&
                         !hf_sim_disk_exists(world.fixture.disk, NEW "/INCOMPLETE"));
        }
        clear_new(&world);
    }
    world_release(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_lsn),
        cmocka_unit_test(at_the_borders),
        cmocka_unit_test(every_time),
        cmocka_unit_test(refusals),
        cmocka_unit_test(an_old_log_that_was_dropped),
        cmocka_unit_test(damage),
        cmocka_unit_test(cut_off_anywhere),
        cmocka_unit_test(without_a_lock),
        cmocka_unit_test(failures_leave_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
