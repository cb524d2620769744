/*
 * test_format_1.c - a directory of version 1 opens, and goes on in version 2.
 *
 * Method: a segment is put together as programs of version 1 wrote it: header and blocks of version
 * 1 around the golden records of format 1. A store must come to the state of those records, write
 * behind them in version 2 without touching a byte of what was there, and start again from both;
 * and a snapshot must spare the old bytes. What a program of version 1 would meet is a block that
 * it refuses by its version, not a record that it cannot read.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>
#include <xxhash.h>

#include "engine/bytes.h"
#include "persistence/format.h"
#include "tests/lib/small_engine.h"
#include "tests/lib/store_fixture.h"
#include "tests/unit/records.h"

#define SEGMENT HF_FIXTURE_SEGMENT_1
#define COUNT_1 19
#define BLOCK_RECORDS 7 /* in each block of the old segment; the last one has fewer */
#define OLD_BYTES_MAX 8192
#define AT_VERSION 12 /* of a block */

static struct hf_goldens goldens;

struct old_log {
    unsigned char bytes[OLD_BYTES_MAX];
    size_t bytes_count; /* a multiple of sectors */
    uint64_t last_block_offset;
};

static void seal_as_version_1(unsigned char *block, size_t bytes_count, uint64_t seed)
{
    block[AT_VERSION] = 1;
    hf_put_u64(block, XXH3_64bits_withSeed(block + 8, bytes_count - 8, seed));
}

static void make_old_log(struct old_log *log, const unsigned char *directory_id)
{
    const uint64_t seed = hf_format_seed(directory_id);
    struct hf_segment_header header = {.epoch = 1, .first_lsn = 1};
    uint64_t previous = 0;

    memset(log, 0, sizeof *log);
    memcpy(header.directory_id, directory_id, sizeof header.directory_id);
    hf_segment_header_encode(&header, log->bytes);
    hf_put_u32(log->bytes + 8, 1);
    hf_put_u64(log->bytes + 56, XXH3_64bits(log->bytes, 56));
    log->bytes_count = HF_SECTOR_BYTES;
    for (uint32_t first = 0; first < goldens.count; first += BLOCK_RECORDS) {
        unsigned char *block = log->bytes + log->bytes_count;
        uint32_t raw_bytes = 0;
        uint32_t end = first;
        for (; end < goldens.count && end < first + BLOCK_RECORDS; end++) {
            memcpy(block + HF_BLOCK_HEADER_BYTES + raw_bytes, goldens.records[end].bytes,
                   goldens.records[end].bytes_count);
            raw_bytes += goldens.records[end].bytes_count;
        }
        struct hf_block_header sealed = {.epoch = 1,
                                         .raw_bytes = raw_bytes,
                                         .stored_bytes = raw_bytes,
                                         .first_lsn = first + 1,
                                         .last_lsn = end,
                                         .durable_lsn = first,
                                         .previous = previous};
        const size_t block_bytes = hf_block_seal(block, &sealed, seed);
        seal_as_version_1(block, block_bytes, seed);
        previous = hf_get_u64(block);
        log->last_block_offset = log->bytes_count;
        log->bytes_count = (size_t)hf_format_group_offset(log->bytes_count + block_bytes);
        assert_true(log->bytes_count <= OLD_BYTES_MAX);
    }
}

/* A new directory whose log a program of version 1 has written; closed. */
static void make_old_directory(struct hf_store_fixture *fixture, struct old_log *log)
{
    hf_store_fixture_init(fixture);
    assert_true(hf_store_fixture_open(fixture));
    hf_store_fixture_close(fixture);
    make_old_log(log, fixture->config.new_directory_id);
    hf_sim_disk_poke(fixture->disk, SEGMENT, 0, log->bytes, log->bytes_count);
}

static void open_old_directory(struct hf_store_fixture *fixture)
{
    struct hf_engine *reader = hf_engine_create(&fixture->engine_config);
    const char *why = "";

    if (!hf_store_fixture_open(fixture)) {
        fail_msg("%s", fixture->error);
    }
    for (uint32_t i = 0; i < goldens.count; i++) {
        assert_int_equal(hf_engine_replay(reader, goldens.records[i].bytes,
                                          goldens.records[i].bytes_count, &why),
                         HF_OK);
    }
    assert_int_equal(hf_engine_lsn(fixture->engine), COUNT_1);
    assert_true(hf_digest_is_equal(hf_engine_digest(fixture->engine), hf_engine_digest(reader)));
    hf_engine_free(reader);
}

static void assert_old_bytes(const struct hf_store_fixture *fixture, const struct old_log *log)
{
    unsigned char bytes[OLD_BYTES_MAX];

    hf_sim_disk_peek(fixture->disk, SEGMENT, 0, bytes, log->bytes_count);
    assert_memory_equal(bytes, log->bytes, log->bytes_count);
}

/* The version of the block behind what version 1 has written. */
static unsigned next_version(const struct hf_store_fixture *fixture, const struct old_log *log)
{
    unsigned char bytes[HF_BLOCK_HEADER_BYTES];
    struct hf_block_header header;
    const char *why = "";

    hf_sim_disk_peek(fixture->disk, SEGMENT, log->bytes_count, bytes, sizeof bytes);
    assert_int_equal(hf_block_peek(&header, bytes, sizeof bytes, &why), HF_OK);
    assert_int_equal(header.first_lsn, COUNT_1 + 1);
    assert_int_equal(header.previous, hf_get_u64(log->bytes + log->last_block_offset));
    return bytes[AT_VERSION];
}

static void goes_on_in_version_2(void **state)
{
    static struct old_log log;
    struct hf_store_fixture fixture;
    (void)state;

    make_old_directory(&fixture, &log);
    for (int i = 0; i < 2; i++) { /* a start writes nothing */
        open_old_directory(&fixture);
        assert_old_bytes(&fixture, &log);
        hf_store_fixture_audit(&fixture);
        hf_store_fixture_close(&fixture);
    }
    open_old_directory(&fixture);
    hf_store_fixture_work(&fixture, 50);
    assert_true(hf_store_fixture_drain(&fixture));
    hf_store_fixture_close(&fixture);
    assert_old_bytes(&fixture, &log);
    assert_int_equal(next_version(&fixture, &log), 2);

    assert_true(hf_store_fixture_open(&fixture));
    hf_store_fixture_check(&fixture);
    hf_store_fixture_audit(&fixture);

    /* From a snapshot, too; the records of before it still enter the history. */
    assert_int_equal(hf_store_fixture_snapshot(&fixture), HF_OK);
    hf_store_fixture_work(&fixture, 20);
    assert_true(hf_store_fixture_drain(&fixture));
    hf_store_fixture_close(&fixture);
    assert_true(hf_store_fixture_open(&fixture));
    hf_store_fixture_check(&fixture);
    assert_old_bytes(&fixture, &log);
    hf_store_fixture_release(&fixture);
}

/* A tail of version 1 that was torn is cut as ever, and the log goes on in version 2. */
static void torn_tail_of_version_1(void **state)
{
    static struct old_log log;
    struct hf_store_fixture fixture;
    const uint64_t kept_lsn = COUNT_1 / BLOCK_RECORDS * BLOCK_RECORDS;
    (void)state;

    make_old_directory(&fixture, &log);
    hf_sim_disk_flip(fixture.disk, SEGMENT, log.last_block_offset + HF_BLOCK_HEADER_BYTES, 0x10);
    assert_true(hf_store_fixture_open(&fixture));
    assert_int_equal(hf_engine_lsn(fixture.engine), kept_lsn);
    hf_store_fixture_work(&fixture, 5);
    assert_true(hf_store_fixture_drain(&fixture));
    hf_store_fixture_close(&fixture);
    assert_true(hf_store_fixture_open(&fixture));
    hf_store_fixture_check(&fixture);
    hf_store_fixture_release(&fixture);
}

/* A block of the next version is not taken for a torn tail, behind blocks of version 1 neither. */
static void newer_block_behind(void **state)
{
    static struct old_log log;
    struct hf_store_fixture fixture;
    (void)state;

    make_old_directory(&fixture, &log);
    log.bytes[log.last_block_offset + AT_VERSION] = 3;
    hf_sim_disk_poke(fixture.disk, SEGMENT, 0, log.bytes, log.bytes_count);
    assert_false(hf_store_fixture_open(&fixture));
    assert_non_null(strstr(fixture.error, "newer format"));
    assert_old_bytes(&fixture, &log);
    hf_store_fixture_release(&fixture);
}

static int read_goldens(void **state)
{
    (void)state;
    hf_goldens_read(&goldens, HF_GOLDEN_1, COUNT_1);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(goes_on_in_version_2),
        cmocka_unit_test(torn_tail_of_version_1),
        cmocka_unit_test(newer_block_behind),
    };
    return cmocka_run_group_tests(tests, read_goldens, NULL);
}
