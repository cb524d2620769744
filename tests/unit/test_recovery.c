/*
 * test_recovery.c - what a start makes of a directory: clean, torn, damaged, foreign, newer.
 *
 * Method: a store over a simulated disk is worked on and closed; then bytes or files are changed
 * as decay, crashes or people would, and the next start must either come to exactly the state of
 * before (its digest) or refuse with a sentence that names what is wrong and where.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "engine/bytes.h"
#include "engine/ledger.h"
#include "persistence/manifest.h"
#include "tests/lib/store_fixture.h"

#define FOLDER HF_FIXTURE_FOLDER "/"
#define SEGMENT HF_FIXTURE_SEGMENT_1

static void assert_refused(struct hf_store_fixture *fixture, const char *text)
{
    assert_false(hf_store_fixture_open(fixture));
    if (strstr(fixture->error, text) == NULL) {
        fail_msg("\"%s\" does not say \"%s\"", fixture->error, text);
    }
}

static void assert_recovers(struct hf_store_fixture *fixture, uint64_t lsn)
{
    if (!hf_store_fixture_open(fixture)) {
        fail_msg("%s", fixture->error);
    }
    hf_store_fixture_check(fixture);
    assert_int_equal(hf_engine_lsn(fixture->engine), lsn);
}

/* A directory with `groups_count` groups of one block each in its first segment; closed. */
static uint64_t make_log(struct hf_store_fixture *fixture, uint32_t groups_count)
{
    hf_store_fixture_init(fixture);
    assert_true(hf_store_fixture_open(fixture));
    for (uint32_t i = 0; i < groups_count; i++) {
        const uint64_t lsn = hf_engine_lsn(fixture->engine);
        while (hf_engine_lsn(fixture->engine) == lsn) {
            hf_store_fixture_work(fixture, 3); /* one that is not refused */
        }
        assert_true(hf_store_fixture_drain(fixture));
    }
    const uint64_t lsn = hf_engine_lsn(fixture->engine);
    hf_store_fixture_close(fixture);
    return lsn;
}

struct place {
    uint64_t offset;
    uint64_t end; /* of the block, without the zeros behind the group */
    struct hf_block_header header;
};

/* Where the `index`-th block of a segment stands. */
static struct place find_block(const struct hf_store_fixture *fixture, const char *path,
                               uint32_t index)
{
    struct place place = {.offset = HF_SECTOR_BYTES};

    for (;; index--) {
        unsigned char bytes[HF_BLOCK_HEADER_BYTES];
        const char *why = NULL;
        hf_sim_disk_peek(fixture->disk, path, place.offset, bytes, sizeof bytes);
        assert_int_equal(hf_block_peek(&place.header, bytes, sizeof bytes, &why), HF_OK);
        place.end = place.offset + hf_block_bytes(&place.header);
        if (index == 0) {
            return place;
        }
        place.offset = hf_format_group_offset(place.end);
    }
}

/* ------------------------------------------------------------------ whole directories */

/*
 * An epoch that begins right behind the log is one that nothing was written in yet. One that begins
 * later tells of records that are missing; and what was written up to there would be of an epoch
 * that no start expects.
 */
static void epoch_behind_the_end(void **state)
{
    static struct hf_manifest manifest;
    static char text[HF_MANIFEST_BYTES_MAX];
    struct hf_store_fixture fixture;

    (void)state;
    const uint64_t lsn = make_log(&fixture, 3);
    memcpy(manifest.directory_id, fixture.config.new_directory_id, sizeof manifest.directory_id);
    manifest.epochs_count = 2;
    manifest.epochs[0] = (struct hf_epoch){1, 1};
    manifest.epochs[1] = (struct hf_epoch){2, lsn + 2};
    hf_sim_disk_put(fixture.disk, FOLDER "MANIFEST", text, hf_manifest_encode(&manifest, text));
    assert_refused(&fixture, "the current epoch begins with LSN");

    manifest.epochs[1].first_lsn = lsn + 1;
    hf_sim_disk_put(fixture.disk, FOLDER "MANIFEST", text, hf_manifest_encode(&manifest, text));
    assert_recovers(&fixture, lsn);
    hf_store_fixture_work(&fixture, 10);
    assert_true(hf_store_fixture_drain(&fixture));
    const uint64_t last_lsn = hf_engine_lsn(fixture.engine);
    assert_true(last_lsn > lsn);
    hf_store_fixture_close(&fixture);
    assert_recovers(&fixture, last_lsn);
    hf_store_fixture_release(&fixture);
}

static void new_directory(void **state)
{
    static const char *const NAMES[] = {"LOCK", "MANIFEST", "wal-00000000000000000001.log"};
    struct hf_store_fixture fixture;

    (void)state;
    hf_store_fixture_init(&fixture);
    assert_true(hf_store_fixture_open(&fixture));
    assert_int_equal(hf_store_epoch(fixture.store), 1);
    assert_int_equal(hf_store_durable_lsn(fixture.store), 0);
    assert_memory_equal(hf_store_directory_id(fixture.store), fixture.config.new_directory_id, 16);
    for (size_t i = 0; i < 3; i++) {
        const char *path = hf_sim_disk_name(fixture.disk, i);
        assert_non_null(path);
        assert_string_equal(path + strlen(FOLDER), NAMES[i]);
    }
    assert_null(hf_sim_disk_name(fixture.disk, 3));
    hf_store_fixture_close(&fixture);

    /* Its identity stays; a start takes no LSN. */
    fixture.config.new_directory_id[0] = 'x';
    assert_recovers(&fixture, 0);
    assert_int_equal(hf_store_directory_id(fixture.store)[0], '0');
    hf_store_fixture_release(&fixture);
}

static void clean_restarts(void **state)
{
    struct hf_store_fixture fixture;

    (void)state;
    uint64_t lsn = make_log(&fixture, 5);
    for (int i = 0; i < 4; i++) {
        assert_recovers(&fixture, lsn);
        hf_store_fixture_audit(&fixture);
        hf_store_fixture_work(&fixture, 200);
        if (i % 2 == 1) {
            assert_int_equal(hf_store_fixture_snapshot(&fixture), HF_OK);
        }
        assert_true(hf_store_fixture_drain(&fixture));
        lsn = hf_engine_lsn(fixture.engine);
        hf_store_fixture_close(&fixture);
    }
    assert_false(hf_store_fixture_said(&fixture, "torn"));
    hf_store_fixture_release(&fixture);
}

/* After a snapshot at a clean stop, older moves can still be asked for. */
static void history_before_the_snapshot(void **state)
{
    struct hf_store_fixture fixture;

    (void)state;
    const uint64_t lsn = make_log(&fixture, 30);
    assert_recovers(&fixture, lsn);
    assert_int_equal(hf_store_fixture_snapshot(&fixture), HF_OK);
    hf_store_fixture_close(&fixture);
    assert_recovers(&fixture, lsn);
    assert_int_equal(hf_engine_ledger(fixture.engine)->first_lsn, 1);
    assert_int_equal(hf_engine_ledger(fixture.engine)->last_lsn, lsn);
    hf_store_fixture_release(&fixture);
}

static void lock(void **state)
{
    struct hf_store_fixture fixture;
    struct hf_engine_config config = hf_engine_config_default();
    char error[512];

    (void)state;
    (void)make_log(&fixture, 1);
    assert_true(hf_store_fixture_open(&fixture));
    struct hf_engine *engine = hf_engine_create(&config);
    assert_null(hf_store_open(&fixture.config, hf_sim_disk_table(fixture.disk), NULL, engine, error,
                              sizeof error));
    assert_non_null(strstr(error, "another process is using it"));
    hf_engine_free(engine);
    hf_store_fixture_close(&fixture);
    assert_true(hf_store_fixture_open(&fixture));
    hf_store_fixture_release(&fixture);
}

static void not_ours(void **state)
{
    struct hf_store_fixture fixture;

    (void)state;
    hf_store_fixture_init(&fixture);
    hf_sim_disk_put(fixture.disk, FOLDER "letters.txt", "dear", 4);
    assert_refused(&fixture, "not a data directory of holdfast");
    assert_null(hf_sim_disk_name(fixture.disk, 1)); /* nothing was put there */
    hf_store_fixture_release(&fixture);

    /* A log without a manifest is a loss, not a new directory. */
    (void)make_log(&fixture, 2);
    hf_sim_disk_remove(fixture.disk, FOLDER "MANIFEST");
    assert_refused(&fixture, "it holds a log but no MANIFEST");
    hf_store_fixture_release(&fixture);

    (void)make_log(&fixture, 2);
    hf_sim_disk_remove(fixture.disk, SEGMENT);
    assert_refused(&fixture, "no log segment");
    hf_store_fixture_release(&fixture);
}

/* Files of others do not disturb; leftovers of ours go. */
static void other_files(void **state)
{
    struct hf_store_fixture fixture;

    (void)state;
    const uint64_t lsn = make_log(&fixture, 3);
    hf_sim_disk_put(fixture.disk, FOLDER "notes.txt", "hello", 5);
    hf_sim_disk_put(fixture.disk, FOLDER "wal-1.log", "x", 1);
    hf_sim_disk_put(fixture.disk, FOLDER "other.tmp", "x", 1);
    hf_sim_disk_put(fixture.disk, FOLDER "spare.log", "x", 1);
    hf_sim_disk_put(fixture.disk, FOLDER "MANIFEST.tmp", "x", 1);
    hf_sim_disk_put(fixture.disk, FOLDER "snapshot-00000000000000000009.hfs.tmp", "x", 1);
    assert_recovers(&fixture, lsn);
    assert_true(hf_sim_disk_exists(fixture.disk, FOLDER "notes.txt"));
    assert_true(hf_sim_disk_exists(fixture.disk, FOLDER "wal-1.log"));
    assert_true(hf_sim_disk_exists(fixture.disk, FOLDER "other.tmp"));
    assert_false(hf_sim_disk_exists(fixture.disk, FOLDER "spare.log"));
    assert_false(hf_sim_disk_exists(fixture.disk, FOLDER "MANIFEST.tmp"));
    assert_false(hf_sim_disk_exists(fixture.disk, FOLDER "snapshot-00000000000000000009.hfs.tmp"));
    hf_store_fixture_release(&fixture);
}

static void newer_versions(void **state)
{
    static const char MANIFEST[] = "holdfast-manifest 2\nwhatever it says\n";
    struct hf_store_fixture fixture;
    struct hf_segment_header header = {.epoch = 1, .first_lsn = 1};
    unsigned char bytes[HF_SEGMENT_HEADER_BYTES];

    (void)state;
    (void)make_log(&fixture, 2);
    hf_sim_disk_put(fixture.disk, FOLDER "MANIFEST", MANIFEST, sizeof MANIFEST - 1);
    assert_refused(&fixture, "newer format");
    hf_store_fixture_release(&fixture);

    /* A block's version is refused even where a torn tail would be cut. */
    (void)make_log(&fixture, 2);
    const struct place last = find_block(&fixture, SEGMENT, 1);
    hf_sim_disk_flip(fixture.disk, SEGMENT, last.offset + 12,
                     HF_BLOCK_VERSION ^ (HF_BLOCK_VERSION + 1));
    assert_refused(&fixture, "newer format");
    hf_store_fixture_release(&fixture);

    (void)make_log(&fixture, 2);
    memcpy(header.directory_id, fixture.config.new_directory_id, 16);
    header.directory_id[0] ^= 1;
    hf_segment_header_encode(&header, bytes);
    hf_sim_disk_poke(fixture.disk, SEGMENT, 0, bytes, sizeof bytes);
    assert_refused(&fixture, "belongs to another data directory");
    hf_store_fixture_release(&fixture);
}

/* ------------------------------------------------------------------ ends and holes of the log */

/* Bytes at the end that no block says to be durable: cut, whatever they are. */
static void torn_tail(void **state)
{
    struct hf_store_fixture fixture;
    unsigned char zero = 0;

    (void)state;
    (void)make_log(&fixture, 10);
    const struct place last = find_block(&fixture, SEGMENT, 9);
    for (uint64_t at = last.offset; at < last.end; at += 41) {
        struct hf_sim_disk *whole = hf_sim_disk_clone(fixture.disk);
        struct hf_sim_disk *disk = fixture.disk;
        fixture.disk = whole;
        hf_sim_disk_flip(whole, SEGMENT, at, 0x40);
        fixture.acked_lsn = 0;
        assert_recovers(&fixture, last.header.first_lsn - 1);
        assert_true(hf_store_fixture_said(&fixture, "torn tail"));
        /* It is gone from the disk, and the log goes on in its place. */
        for (uint64_t i = last.offset; i < last.end; i++) {
            hf_sim_disk_peek(whole, SEGMENT, i, &zero, 1);
            assert_int_equal(zero, 0);
        }
        hf_store_fixture_close(&fixture);
        hf_sim_disk_free(whole);
        fixture.disk = disk;
        /* The history beyond was forgotten by the check; this one is about the cut alone. */
    }
    hf_store_fixture_release(&fixture);
}

/* The same damage in any earlier block is refused, naming file, offset and LSN. */
static void damage_in_the_middle(void **state)
{
    struct hf_store_fixture fixture;
    char text[128];

    (void)state;
    const uint64_t lsn = make_log(&fixture, 6);
    for (uint32_t index = 0; index < 5; index++) {
        const struct place place = find_block(&fixture, SEGMENT, index);
        for (uint64_t at = place.offset; at < place.end; at += 23) {
            hf_sim_disk_flip(fixture.disk, SEGMENT, at, 0x10);
            (void)snprintf(text, sizeof text, "\"%s\" at offset %" PRIu64 " (LSN %" PRIu64 ")",
                           &SEGMENT[strlen(FOLDER)], place.offset, place.header.first_lsn);
            assert_refused(&fixture, text);
            hf_sim_disk_flip(fixture.disk, SEGMENT, at, 0x10);
        }
        /* A hole of zeros is no end of the log, either. */
        unsigned char before[HF_SECTOR_BYTES];
        const unsigned char zeros[HF_SECTOR_BYTES] = {0};
        hf_sim_disk_peek(fixture.disk, SEGMENT, place.offset, before, sizeof before);
        hf_sim_disk_poke(fixture.disk, SEGMENT, place.offset, zeros, sizeof zeros);
        assert_refused(&fixture, "it was durable");
        hf_sim_disk_poke(fixture.disk, SEGMENT, place.offset, before, sizeof before);
    }
    /* A refused start has changed nothing. */
    assert_recovers(&fixture, lsn);
    hf_store_fixture_release(&fixture);
}

/* Every byte of the log that a crash did not touch: found damaged, or it does not matter. */
static void every_byte(void **state)
{
    struct hf_store_fixture fixture;

    (void)state;
    const uint64_t lsn = make_log(&fixture, 3);
    const struct place last = find_block(&fixture, SEGMENT, 2);
    for (uint64_t at = 0; at < last.offset; at++) {
        hf_sim_disk_flip(fixture.disk, SEGMENT, at, 1);
        assert_false(hf_store_fixture_open(&fixture));
        hf_sim_disk_flip(fixture.disk, SEGMENT, at, 1);
    }
    const uint64_t manifest_bytes = hf_sim_disk_file_bytes(fixture.disk, FOLDER "MANIFEST");
    for (uint64_t at = 0; at < manifest_bytes; at++) {
        hf_sim_disk_flip(fixture.disk, FOLDER "MANIFEST", at, 1);
        assert_false(hf_store_fixture_open(&fixture));
        hf_sim_disk_flip(fixture.disk, FOLDER "MANIFEST", at, 1);
    }
    assert_recovers(&fixture, lsn);
    hf_store_fixture_release(&fixture);
}

/* A whole block that does not follow: from another place of this log, or of another log. */
static void broken_chain(void **state)
{
    struct hf_store_fixture fixture;
    unsigned char bytes[64 * 1024];
    const char *why = NULL;

    (void)state;
    (void)make_log(&fixture, 4);
    struct place place = find_block(&fixture, SEGMENT, 2);
    const uint64_t seed = hf_format_seed(fixture.config.new_directory_id);
    hf_sim_disk_peek(fixture.disk, SEGMENT, place.offset, bytes, place.end - place.offset);
    place.header.previous ^= 1;
    (void)hf_block_seal(bytes, &place.header, seed);
    assert_int_equal(hf_block_open(&place.header, bytes, sizeof bytes, seed, &why), HF_OK);
    hf_sim_disk_poke(fixture.disk, SEGMENT, place.offset, bytes, place.end - place.offset);
    assert_refused(&fixture, "does not follow the block before it");

    place.header.previous ^= 1;
    place.header.epoch = 2;
    (void)hf_block_seal(bytes, &place.header, seed);
    hf_sim_disk_poke(fixture.disk, SEGMENT, place.offset, bytes, place.end - place.offset);
    assert_refused(&fixture, "another epoch");

    place.header.epoch = 1;
    place.header.first_lsn++;
    place.header.last_lsn++;
    (void)hf_block_seal(bytes, &place.header, seed);
    hf_sim_disk_poke(fixture.disk, SEGMENT, place.offset, bytes, place.end - place.offset);
    assert_refused(&fixture, "holds other LSNs");
    hf_store_fixture_release(&fixture);
}

/* ------------------------------------------------------------------ snapshots */

static void damaged_snapshot(void **state)
{
    struct hf_store_fixture fixture;
    char first[128];
    char second[128];

    (void)state;
    const uint64_t first_lsn = make_log(&fixture, 3);
    assert_recovers(&fixture, first_lsn);
    assert_int_equal(hf_store_fixture_snapshot(&fixture), HF_OK);
    hf_store_fixture_work(&fixture, 50);
    assert_int_equal(hf_store_fixture_snapshot(&fixture), HF_OK);
    const uint64_t second_lsn = hf_engine_lsn(fixture.engine);
    hf_store_fixture_work(&fixture, 50);
    assert_true(hf_store_fixture_drain(&fixture));
    const uint64_t lsn = hf_engine_lsn(fixture.engine);
    hf_store_fixture_close(&fixture);

    (void)snprintf(first, sizeof first, FOLDER "snapshot-%020" PRIu64 ".hfs", first_lsn);
    (void)snprintf(second, sizeof second, FOLDER "snapshot-%020" PRIu64 ".hfs", second_lsn);
    const uint64_t bytes_count = hf_sim_disk_file_bytes(fixture.disk, second);
    for (uint64_t at = 0; at < bytes_count; at += bytes_count / 40) {
        struct hf_sim_disk *disk = fixture.disk;
        fixture.disk = hf_sim_disk_clone(disk);
        hf_sim_disk_flip(fixture.disk, second, at, 4);
        assert_recovers(&fixture, lsn); /* from the older one and more of the log */
        assert_true(hf_store_fixture_said(&fixture, second + strlen(FOLDER)));
        assert_false(hf_sim_disk_exists(fixture.disk, second)); /* put aside */
        assert_int_equal(hf_store_fixture_snapshot(&fixture), HF_OK);
        hf_store_fixture_close(&fixture);
        assert_recovers(&fixture, lsn);
        hf_store_fixture_close(&fixture);
        hf_sim_disk_free(fixture.disk);
        fixture.disk = disk;
    }
    /* Without either, the log from the first LSN on is enough. */
    hf_sim_disk_flip(fixture.disk, second, bytes_count - 1, 1);
    hf_sim_disk_remove(fixture.disk, first);
    assert_recovers(&fixture, lsn);
    hf_store_fixture_release(&fixture);
}

/* When the log was cut back to the snapshot, a damaged one cannot be replaced. */
static void damaged_snapshot_is_needed(void **state)
{
    struct hf_store_fixture fixture;
    char path[128];

    (void)state;
    hf_store_fixture_init(&fixture);
    fixture.config.snapshots_kept = 1;
    assert_true(hf_store_fixture_open(&fixture));
    while (hf_sim_disk_exists(fixture.disk, SEGMENT)) {
        for (int i = 0; i < 40; i++) {
            hf_store_fixture_work_large(&fixture, 4096);
        }
        assert_true(hf_store_fixture_drain(&fixture));
        assert_int_equal(hf_store_fixture_snapshot(&fixture), HF_OK);
    }
    const uint64_t lsn = hf_engine_lsn(fixture.engine);
    hf_store_fixture_close(&fixture);
    assert_recovers(&fixture, lsn);
    assert_true(hf_engine_ledger(fixture.engine)->first_lsn > 1);
    hf_store_fixture_close(&fixture);

    (void)snprintf(path, sizeof path, FOLDER "snapshot-%020" PRIu64 ".hfs", lsn);
    hf_sim_disk_flip(fixture.disk, path, hf_sim_disk_file_bytes(fixture.disk, path) / 2, 1);
    assert_refused(&fixture, path + strlen(FOLDER));
    assert_refused(&fixture, "there is no whole snapshot");
    hf_store_fixture_release(&fixture);
}

static void missing_segment(void **state)
{
    struct hf_store_fixture fixture;

    (void)state;
    hf_store_fixture_init(&fixture);
    assert_true(hf_store_fixture_open(&fixture));
    /* LOCK, MANIFEST, the spare, then the segments in their order. */
    while (hf_sim_disk_name(fixture.disk, 5) == NULL) {
        hf_store_fixture_work_large(&fixture, 4096);
        assert_true(hf_store_fixture_drain(&fixture));
    }
    hf_store_fixture_close(&fixture);
    if (hf_sim_disk_exists(fixture.disk, FOLDER "spare.log")) {
        hf_sim_disk_remove(fixture.disk, FOLDER "spare.log");
    }
    char middle[128];
    (void)snprintf(middle, sizeof middle, "%s", hf_sim_disk_name(fixture.disk, 3));
    hf_sim_disk_remove(fixture.disk, middle);
    assert_refused(&fixture, "should follow, but the next segment begins with LSN");
    hf_sim_disk_remove(fixture.disk, SEGMENT);
    assert_refused(&fixture, "the oldest log segment");
    hf_store_fixture_release(&fixture);
}

/* ------------------------------------------------------------------ promises */

/* What a test of P3 must be able to see: an LSN called durable before it is synced can be lost. */
static void reply_before_sync_is_caught(void **state)
{
    struct hf_store_fixture fixture;

    (void)state;
    hf_store_fixture_init(&fixture);
    fixture.config.durability = HF_DURABILITY_NONE;
    assert_true(hf_store_fixture_open(&fixture));
    hf_store_fixture_work(&fixture, 50);
    assert_true(hf_store_fixture_drain(&fixture));
    const uint64_t told_lsn = hf_store_durable_lsn(fixture.store);
    assert_true(told_lsn > 0);
    hf_store_fixture_crash(&fixture, HF_SIM_DROP, 1);
    assert_true(hf_store_fixture_open(&fixture));
    assert_true(hf_engine_lsn(fixture.engine) < told_lsn);
    hf_store_fixture_release(&fixture);
}

/* P9: a failed write or sync is final, and what it held was never called durable. */
static void failures_are_final(void **state)
{
    static const uint32_t CALLS[] = {HF_SIM_WRITE, HF_SIM_SYNC};

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        const struct hf_sim_fault fault = {
            .nth = 1, .calls = CALLS[i % 2], .error = i < 2 ? EIO : ENOSPC, .is_short = i == 2};
        struct hf_store_fixture fixture;
        const uint64_t lsn = make_log(&fixture, 2);
        assert_recovers(&fixture, lsn);
        hf_sim_disk_fail(fixture.disk, &fault);
        hf_store_fixture_work(&fixture, 20);
        assert_false(hf_store_fixture_drain(&fixture));
        assert_true(hf_store_failed(fixture.store));
        assert_true(hf_store_fixture_said(&fixture, "nothing is written to the log any more"));
        hf_store_fixture_work(&fixture, 20);
        assert_false(hf_store_log_step(fixture.store, 0));
        assert_false(hf_store_log_sync(fixture.store));
        assert_int_equal(hf_store_durable_lsn(fixture.store), lsn);
        fixture.acked_lsn = lsn;
        hf_store_fixture_crash(&fixture, HF_SIM_DROP, 7);
        assert_true(hf_store_fixture_open(&fixture));
        hf_store_fixture_check(&fixture);
        hf_store_fixture_release(&fixture);
    }
}

/* Every call of a start and of a snapshot fails in turn: refused with a sentence, nothing lost. */
static void every_call_fails(void **state)
{
    struct hf_store_fixture fixture;

    (void)state;
    const uint64_t lsn = make_log(&fixture, 2);
    for (uint64_t nth = 1;; nth++) {
        const struct hf_sim_fault fault = {.nth = nth, .calls = HF_SIM_CALLS_ALL, .error = EIO};
        bool is_done = true;
        hf_sim_disk_fail(fixture.disk, &fault);
        if (hf_store_fixture_open(&fixture)) {
            is_done = hf_store_fixture_snapshot(&fixture) == HF_OK &&
                      !hf_sim_disk_has_failed(fixture.disk);
            hf_store_fixture_close(&fixture);
        } else {
            is_done = false;
        }
        hf_sim_disk_fail(fixture.disk, &(struct hf_sim_fault){0});
        assert_recovers(&fixture, lsn);
        hf_store_fixture_close(&fixture);
        if (is_done) {
            assert_true(nth > 20);
            break;
        }
    }
    hf_store_fixture_release(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(new_directory),
        cmocka_unit_test(epoch_behind_the_end),
        cmocka_unit_test(clean_restarts),
        cmocka_unit_test(history_before_the_snapshot),
        cmocka_unit_test(lock),
        cmocka_unit_test(not_ours),
        cmocka_unit_test(other_files),
        cmocka_unit_test(newer_versions),
        cmocka_unit_test(torn_tail),
        cmocka_unit_test(damage_in_the_middle),
        cmocka_unit_test(every_byte),
        cmocka_unit_test(broken_chain),
        cmocka_unit_test(damaged_snapshot),
        cmocka_unit_test(damaged_snapshot_is_needed),
        cmocka_unit_test(missing_segment),
        cmocka_unit_test(reply_before_sync_is_caught),
        cmocka_unit_test(failures_are_final),
        cmocka_unit_test(every_call_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
