/*
 * test_reader.c - records out of the log's segments, while the log is written.
 *
 * Method: a store over the simulated disk (store_fixture.h) writes several segments of small and
 * large records, and the hash of every record is kept as it stood in the ledger. What is read must
 * have these hashes: from every LSN, in one go, with a place kept while more is written, and in a
 * real directory. Then files are dropped, spoiled and made unreadable.
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
#include <unistd.h>
#include <xxhash.h>

#include "engine/ledger.h"
#include "engine/record.h"
#include "persistence/reader.h"
#include "tests/lib/store_fixture.h"

#define RECORDS_MAX 20000u
#define LARGE_LINES 4000u

struct world {
    struct hf_store_fixture fixture;
    struct hf_log_reader reader;
    uint64_t hashes[RECORDS_MAX]; /* by LSN */
    uint64_t hashed_lsn;
};
static struct world world;

/* Remember the records that are new in the ledger. */
static void hash_records(void)
{
    const struct hf_ledger *ledger = hf_engine_ledger(world.fixture.engine);
    while (world.hashed_lsn < ledger->last_lsn) {
        uint32_t bytes_count = 0;
        const unsigned char *record = hf_ledger_get(ledger, ++world.hashed_lsn, &bytes_count);
        assert_non_null(record);
        assert_true(world.hashed_lsn < RECORDS_MAX);
        world.hashes[world.hashed_lsn] = XXH3_64bits(record, bytes_count);
    }
}

static void work(uint32_t operations_count, uint32_t large_count)
{
    hf_store_fixture_work(&world.fixture, operations_count);
    hash_records();
    for (uint32_t i = 0; i < large_count; i++) {
        hf_store_fixture_work_large(&world.fixture, LARGE_LINES);
        hash_records();
        assert_true(hf_store_fixture_drain(&world.fixture));
    }
    assert_true(hf_store_fixture_drain(&world.fixture));
}

static int begin(void **state)
{
    (void)state;
    memset(&world, 0, sizeof world);
    hf_store_fixture_init(&world.fixture);
    assert_true(hf_store_fixture_open(&world.fixture));
    assert_int_equal(hf_log_reader_init(&world.reader, hf_store_directory(world.fixture.store)),
                     HF_OK);
    return 0;
}

static int end(void **state)
{
    (void)state;
    hf_log_reader_release(&world.reader);
    hf_store_fixture_release(&world.fixture);
    return 0;
}

static enum hf_err read_from(struct hf_log_reader *reader, uint64_t from_lsn, uint64_t durable_lsn,
                             size_t bytes_max)
{
    const struct hf_log_read read = {from_lsn, durable_lsn, bytes_max};
    return hf_log_reader_read(reader, &read);
}

/* The answer begins with this LSN and holds the records as they were. */
static void answer_is_right(const struct hf_log_reader *reader, uint64_t from_lsn)
{
    uint64_t lsn = from_lsn;
    for (size_t at = 0; at < reader->records_bytes; lsn++) {
        const unsigned char *record = reader->records + at;
        assert_int_equal(hf_record_lsn(record), lsn);
        assert_int_equal(XXH3_64bits(record, hf_record_bytes(record)), world.hashes[lsn]);
        at += hf_record_bytes(record);
        assert_true(at <= reader->records_bytes);
    }
    assert_int_equal(lsn, reader->last_lsn + 1);
    assert_true(lsn > from_lsn);
}

static uint64_t durable_lsn(void)
{
    return hf_store_durable_lsn(world.fixture.store);
}

static size_t segments(struct hf_listing *listing)
{
    assert_int_equal(hf_directory_list(hf_store_directory(world.fixture.store), listing), 0);
    return listing->segments_count;
}

/* Two segments and a part of a third. */
static void write_segments(void)
{
    struct hf_listing listing;
    size_t count = 0;
    while (count < 3) {
        work(30, 20);
        count = segments(&listing);
        hf_listing_release(&listing);
    }
    work(100, 0);
}

/* ------------------------------------------------------------------ what is there */

static void from_every_lsn(void **state)
{
    (void)state;
    write_segments();
    for (uint64_t lsn = 1; lsn <= durable_lsn(); lsn++) {
        hf_log_reader_rest(&world.reader);
        assert_int_equal(read_from(&world.reader, lsn, durable_lsn(), 1), HF_OK);
        answer_is_right(&world.reader, lsn);
        assert_int_equal(hf_log_reader_place(&world.reader), world.reader.last_lsn + 1);
    }
    assert_int_equal(read_from(&world.reader, durable_lsn() + 1, durable_lsn(), 1), HF_BUSY);
}

static void all_in_one_go(void **state)
{
    static const size_t pieces[] = {1, 1000, 256 * 1024, 64 * 1024 * 1024};
    (void)state;
    write_segments();
    for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
        uint64_t lsn = 1;
        while (lsn <= durable_lsn()) {
            assert_int_equal(read_from(&world.reader, lsn, durable_lsn(), pieces[i]), HF_OK);
            answer_is_right(&world.reader, lsn);
            assert_true(world.reader.records_bytes <=
                        (pieces[i] > HF_BLOCK_RAW_BYTES_MAX ? pieces[i] : HF_BLOCK_RAW_BYTES_MAX));
            lsn = world.reader.last_lsn + 1;
        }
        assert_int_equal(lsn, durable_lsn() + 1);
        hf_log_reader_rest(&world.reader);
    }
}

/* A place is kept at the end of the log, and the log goes on there: also into a new segment. */
static void while_it_is_written(void **state)
{
    uint64_t lsn = 1;
    (void)state;
    for (uint32_t i = 0; i < 400; i++) {
        work(i % 3, i % 7 == 0 ? 3 : i % 2);
        while (lsn <= durable_lsn()) {
            assert_int_equal(read_from(&world.reader, lsn, durable_lsn(), 100000), HF_OK);
            answer_is_right(&world.reader, lsn);
            lsn = world.reader.last_lsn + 1;
        }
    }
    struct hf_listing listing;
    assert_true(segments(&listing) > 1);
    hf_listing_release(&listing);
}

/* What is written behind the durable LSN is not believed, however it looks. */
static void never_past_the_durable_lsn(void **state)
{
    (void)state;
    work(50, 0);
    const uint64_t lsn = durable_lsn();
    work(50, 1);
    assert_int_equal(read_from(&world.reader, 1, lsn, SIZE_MAX), HF_OK);
    answer_is_right(&world.reader, 1);
    assert_int_equal(world.reader.last_lsn, lsn);
    assert_int_equal(read_from(&world.reader, lsn + 1, lsn, SIZE_MAX), HF_BUSY);
    assert_int_equal(read_from(&world.reader, 1, lsn, SIZE_MAX), HF_OK);

    /* A torn end: the bytes of the second group are garbage, as while they are written. */
    const uint64_t offset = world.reader.segment.offset;
    unsigned char garbage[4096];
    memset(garbage, 0xA5, sizeof garbage);
    hf_sim_disk_poke(world.fixture.disk, HF_FIXTURE_SEGMENT_1, hf_format_group_offset(offset),
                     garbage, sizeof garbage);
    hf_log_reader_rest(&world.reader);
    assert_int_equal(read_from(&world.reader, 1, lsn, SIZE_MAX), HF_OK);
    assert_int_equal(world.reader.last_lsn, lsn);
    assert_int_equal(read_from(&world.reader, lsn + 1, durable_lsn(), SIZE_MAX), HF_CORRUPT);
}

/* ------------------------------------------------------------------ what is not there */

static void segment_path(char path[128], uint64_t first_lsn)
{
    char name[HF_NAME_BYTES_MAX];
    hf_segment_name(name, first_lsn, "");
    (void)snprintf(path, 128, "%s/%s", HF_FIXTURE_FOLDER, name);
}

static void a_segment_is_dropped(void **state)
{
    struct hf_listing listing;
    struct hf_log_reader waiting;
    char path[128];
    (void)state;

    write_segments();
    (void)segments(&listing);
    assert_int_equal(hf_log_reader_init(&waiting, hf_store_directory(world.fixture.store)), HF_OK);
    assert_int_equal(read_from(&waiting, 1, durable_lsn(), 1), HF_OK);
    for (size_t i = 0; i < 2; i++) {
        segment_path(path, listing.segments[i]);
        hf_sim_disk_remove(world.fixture.disk, path);
    }
    assert_int_equal(read_from(&world.reader, 1, durable_lsn(), 1), HF_GONE);
    assert_int_equal(read_from(&world.reader, listing.segments[2] - 1, durable_lsn(), 1), HF_GONE);
    assert_int_equal(read_from(&world.reader, listing.segments[2], durable_lsn(), 1), HF_OK);
    answer_is_right(&world.reader, listing.segments[2]);

    /* Who has the first one open may read it to its end, and is then told. */
    enum hf_err err = HF_OK;
    uint64_t lsn = waiting.last_lsn + 1;
    while (err == HF_OK) {
        err = read_from(&waiting, lsn, durable_lsn(), 1);
        if (err == HF_OK) {
            answer_is_right(&waiting, lsn);
            lsn = waiting.last_lsn + 1;
        }
    }
    assert_int_equal(err, HF_GONE);
    assert_true(lsn <= listing.segments[1]);
    assert_int_equal(hf_log_reader_place(&waiting), 0);
    hf_log_reader_release(&waiting);
    hf_listing_release(&listing);
}

/* A hole in the middle is damage, not an end. */
static void a_segment_is_missing_in_the_middle(void **state)
{
    struct hf_listing listing;
    char path[128];
    (void)state;

    write_segments();
    (void)segments(&listing);
    segment_path(path, listing.segments[1]);
    hf_sim_disk_remove(world.fixture.disk, path);
    uint64_t lsn = 1;
    enum hf_err err = HF_OK;
    while (err == HF_OK) {
        err = read_from(&world.reader, lsn, durable_lsn(), SIZE_MAX);
        lsn = world.reader.last_lsn + 1;
        assert_true(lsn <= durable_lsn());
    }
    assert_int_equal(err, HF_CORRUPT);
    assert_non_null(strstr(world.reader.error, "wal-00000000000000000001.log"));
    assert_non_null(strstr(world.reader.error, "LSN"));
    hf_listing_release(&listing);
}

/* One bit of a block: the records before it are given, the place is named, the rest can be had. */
static void damage_is_named(void **state)
{
    (void)state;
    work(20, 0);
    const uint64_t before_lsn = durable_lsn();
    work(20, 0);
    const uint64_t spoiled_lsn = durable_lsn();
    work(20, 0);
    assert_int_equal(read_from(&world.reader, 1, before_lsn, SIZE_MAX), HF_OK);
    const uint64_t offset = hf_format_group_offset(world.reader.segment.offset);
    char place[64];
    (void)snprintf(place, sizeof place, "at offset %" PRIu64 " (LSN %" PRIu64 ")", offset,
                   before_lsn + 1);
    for (uint64_t at = 0; at < HF_BLOCK_HEADER_BYTES + 100; at += 9) {
        hf_sim_disk_flip(world.fixture.disk, HF_FIXTURE_SEGMENT_1, offset + at, 4);
        hf_log_reader_rest(&world.reader);
        assert_int_equal(read_from(&world.reader, 1, before_lsn, SIZE_MAX), HF_OK);
        assert_int_equal(read_from(&world.reader, before_lsn + 1, durable_lsn(), SIZE_MAX),
                         HF_CORRUPT);
        assert_non_null(strstr(world.reader.error, "wal-00000000000000000001.log"));
        assert_non_null(strstr(world.reader.error, place));
        hf_sim_disk_flip(world.fixture.disk, HF_FIXTURE_SEGMENT_1, offset + at, 4);
    }
    hf_log_reader_rest(&world.reader);
    assert_int_equal(read_from(&world.reader, spoiled_lsn + 1, durable_lsn(), SIZE_MAX), HF_OK);
    answer_is_right(&world.reader, spoiled_lsn + 1);
}

/* Whatever call fails, the answer says so or is right, and the next one is right. */
static void every_call_fails_once(void **state)
{
    (void)state;
    write_segments();
    const uint32_t calls = HF_SIM_OPEN | HF_SIM_READ | HF_SIM_LIST;
    for (uint64_t nth = 1; nth < 20; nth++) {
        const struct hf_sim_fault fault = {.nth = nth, .calls = calls, .error = EIO};
        uint64_t lsn = 1;
        hf_log_reader_rest(&world.reader);
        hf_sim_disk_fail(world.fixture.disk, &fault);
        while (lsn <= durable_lsn()) {
            const enum hf_err err = read_from(&world.reader, lsn, durable_lsn(), 1024 * 1024);
            if (err == HF_OK) {
                answer_is_right(&world.reader, lsn);
                lsn = world.reader.last_lsn + 1;
            } else {
                assert_int_equal(err, HF_IO);
                assert_true(world.reader.error[0] != '\0');
                assert_true(hf_sim_disk_has_failed(world.fixture.disk));
                assert_int_equal(hf_log_reader_place(&world.reader), 0);
            }
        }
    }
}

/* ------------------------------------------------------------------ a real directory */

static void remove_folder(const char *folder)
{
    char command[256];
    (void)snprintf(command, sizeof command, "rm -rf '%s'", folder);
    assert_int_equal(system(command), 0);
}

static void in_a_real_directory(void **state)
{
    char folder[] = "/tmp/holdfast-reader-XXXXXX";
    char error[512];
    (void)state;

    assert_non_null(mkdtemp(folder));
    hf_log_reader_release(&world.reader);
    hf_store_fixture_close(&world.fixture);
    const struct hf_store_report report = {0};
    struct hf_store_config config = world.fixture.config;
    config.path = folder;
    world.fixture.engine = hf_engine_create(&world.fixture.engine_config);
    world.fixture.store =
        hf_store_open(&config, hf_disk_posix(), &report, world.fixture.engine, error, sizeof error);
    assert_non_null(world.fixture.store);
    assert_int_equal(hf_log_reader_init(&world.reader, hf_store_directory(world.fixture.store)),
                     HF_OK);
    write_segments();
    for (uint64_t lsn = 1; lsn <= durable_lsn(); lsn += 37) {
        hf_log_reader_rest(&world.reader);
        assert_int_equal(read_from(&world.reader, lsn, durable_lsn(), 100000), HF_OK);
        answer_is_right(&world.reader, lsn);
        const uint64_t next_lsn = world.reader.last_lsn + 1;
        if (next_lsn <= durable_lsn()) {
            assert_int_equal(read_from(&world.reader, next_lsn, durable_lsn(), 100000), HF_OK);
            answer_is_right(&world.reader, next_lsn);
        }
    }
    hf_log_reader_rest(&world.reader);
    remove_folder(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(from_every_lsn, begin, end),
        cmocka_unit_test_setup_teardown(all_in_one_go, begin, end),
        cmocka_unit_test_setup_teardown(while_it_is_written, begin, end),
        cmocka_unit_test_setup_teardown(never_past_the_durable_lsn, begin, end),
        cmocka_unit_test_setup_teardown(a_segment_is_dropped, begin, end),
        cmocka_unit_test_setup_teardown(a_segment_is_missing_in_the_middle, begin, end),
        cmocka_unit_test_setup_teardown(damage_is_named, begin, end),
        cmocka_unit_test_setup_teardown(every_call_fails_once, begin, end),
        cmocka_unit_test_setup_teardown(in_a_real_directory, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
