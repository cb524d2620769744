/*
 * test_wal.c - from the ledger ring into blocks, groups and segments, and read back.
 *
 * Method: records of chosen sizes are put into a ring, written, and the segments read with the
 * reader of recovery. Every record must be there once, in order, byte for byte; linked groups
 * whole in one block; groups at sectors; segments chained.
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

#include "engine/bytes.h"
#include "engine/ledger.h"
#include "engine/record.h"
#include "persistence/segment.h"
#include "persistence/wal.h"
#include "tests/lib/sim_disk.h"

struct world {
    struct hf_sim_disk *sim;
    struct hf_directory directory;
    struct hf_ledger ledger;
    struct hf_wal wal;
    uint32_t random;
    int warnings_count;
};

static void count_warning(void *arg, char level, const char *text)
{
    struct world *world = arg;
    world->warnings_count += level == 'w';
    assert_true(strlen(text) > 0);
}

static int set_up(void **state)
{
    static struct world world;
    const struct hf_store_report report = {.arg = &world, .line = count_warning};
    const struct hf_wal_position start = {.next_lsn = 1};
    const unsigned char id[16] = "wal";

    world = (struct world){.sim = hf_sim_disk_create(), .random = 1};
    assert_true(hf_directory_init(&world.directory, "/d", hf_sim_disk_table(world.sim), &report));
    hf_directory_set_id(&world.directory, id);
    assert_int_equal(hf_ledger_init(&world.ledger, 16 * HF_LEDGER_BYTES_MIN), HF_OK);
    assert_int_equal(hf_wal_open(&world.wal, &world.directory, 1, HF_SEGMENT_BYTES_MIN, &start),
                     HF_OK);
    *state = &world;
    return 0;
}

static int tear_down(void **state)
{
    struct world *world = *state;
    hf_wal_release(&world->wal);
    hf_ledger_release(&world->ledger);
    hf_sim_disk_free(world->sim);
    return 0;
}

/* A record of `bytes_count`, with a body of noise: only its header is looked at. */
static void put(struct world *world, uint32_t bytes_count, bool is_linked)
{
    unsigned char *room = hf_ledger_room(&world->ledger, bytes_count, NULL, NULL);

    assert_non_null(room);
    for (uint32_t i = 0; i < bytes_count; i++) {
        world->random = world->random * 1664525 + 1013904223;
        room[i] = (unsigned char)(world->random >> 24);
    }
    hf_put_u32(room, bytes_count);
    room[6] = is_linked ? HF_RECORD_LINKED : 0;
    hf_put_u64(room + 8, world->ledger.last_lsn + 1);
    hf_ledger_push(&world->ledger, bytes_count, false, 0);
}

static void write_all(struct world *world)
{
    while (world->wal.position.next_lsn <= world->ledger.last_lsn) {
        assert_true(hf_wal_write(&world->wal, &world->ledger, world->ledger.last_lsn));
        assert_int_equal(world->wal.position.offset % HF_SECTOR_BYTES, 0);
        assert_true(hf_wal_sync(&world->wal));
    }
    assert_int_equal(atomic_load(&world->wal.synced_lsn), world->ledger.last_lsn);
}

/* Read everything back and compare; returns how many blocks there were. */
static uint32_t read_all(struct world *world, uint32_t *segments_count)
{
    static unsigned char raw_room[HF_BLOCK_RAW_BYTES_MAX];
    struct hf_segment_reader reader;
    struct hf_listing listing;
    char error[512];
    uint64_t lsn = 1;
    uint64_t previous = 0;
    uint32_t blocks_count = 0;

    assert_int_equal(hf_directory_list(&world->directory, &listing), 0);
    assert_int_equal(hf_segment_reader_init(&reader, &world->directory), HF_OK);
    for (size_t i = 0; i < listing.segments_count; i++) {
        struct hf_block_header block;
        const unsigned char *bytes;
        const char *why;
        assert_int_equal(listing.segments[i], lsn);
        assert_int_equal(
            hf_segment_reader_open(&reader, listing.segments[i], false, error, sizeof error),
            HF_OK);
        assert_int_equal(reader.header.previous, previous);
        while (hf_segment_reader_next(&reader, &block, &bytes, &why) == HF_OK) {
            const unsigned char *raw = hf_block_raw(&block, bytes, raw_room);
            assert_non_null(raw);
            assert_int_equal(block.first_lsn, lsn);
            assert_int_equal(block.previous, previous);
            assert_true(block.durable_lsn < block.first_lsn);
            for (size_t at = 0; at < block.raw_bytes; lsn++) {
                uint32_t bytes_count;
                const unsigned char *record = hf_ledger_get(&world->ledger, lsn, &bytes_count);
                assert_non_null(record);
                assert_memory_equal(raw + at, record, bytes_count);
                at += bytes_count;
                assert_false(at == block.raw_bytes && hf_record_is_linked(record));
            }
            assert_int_equal(block.last_lsn, lsn - 1);
            previous = block.checksum;
            blocks_count++;
        }
        struct hf_segment_rest rest;
        assert_int_equal(hf_segment_reader_rest(&reader, &rest), HF_OK);
        assert_int_equal(rest.end_offset, reader.offset); /* zeros */
    }
    assert_int_equal(lsn, world->ledger.last_lsn + 1);
    *segments_count = (uint32_t)listing.segments_count;
    hf_segment_reader_release(&reader);
    hf_listing_release(&listing);
    return blocks_count;
}

static void sizes(void **state)
{
    static const uint32_t SIZES[] = {40,
                                     48,
                                     HF_PACK_BYTES_MIN - 8,
                                     HF_PACK_BYTES_MIN,
                                     HF_BLOCK_RAW_BYTES - 8,
                                     HF_BLOCK_RAW_BYTES,
                                     HF_BLOCK_RAW_BYTES + 8,
                                     HF_RECORD_BYTES_MAX - 8,
                                     HF_RECORD_BYTES_MAX};
    struct world *world = *state;
    uint32_t segments_count;

    for (size_t i = 0; i < sizeof SIZES / sizeof SIZES[0]; i++) {
        put(world, SIZES[i], false); /* alone */
        write_all(world);
        put(world, 40, false); /* behind a small one */
        put(world, SIZES[i], false);
        put(world, 40, false);
        write_all(world);
    }
    (void)read_all(world, &segments_count);
    assert_true(segments_count >= 3); /* four of the largest do not fit one */
}

static void linked_groups(void **state)
{
    struct world *world = *state;
    uint32_t segments_count;

    put(world, HF_BLOCK_RAW_BYTES - 400, false);
    for (int i = 0; i < 20; i++) {
        put(world, 200, i < 19); /* across the usual size of a block */
    }
    put(world, 40, false);
    for (int i = 0; i < 16; i++) {
        put(world, HF_RECORD_BYTES_MAX / 16, i < 15); /* the largest group */
    }
    write_all(world);
    (void)read_all(world, &segments_count);
}

static void groups(void **state)
{
    struct world *world = *state;
    uint32_t segments_count;

    const uint64_t before = hf_sim_disk_calls(world->sim, HF_SIM_WRITE);
    for (int i = 0; i < 5000; i++) {
        put(world, 40 + (uint32_t)(i % 7) * 8, false);
    }
    write_all(world);
    /* 5,000 records of about 64 bytes: two blocks, one write, one sync. */
    assert_int_equal(hf_sim_disk_calls(world->sim, HF_SIM_WRITE) - before, 1);
    assert_int_equal(atomic_load(&world->wal.fsyncs_count), 1);
    assert_int_equal(read_all(world, &segments_count), 2);
    assert_int_equal(segments_count, 1);
}

/* Rolling over with a spare at hand, and without one. */
static void roll_over(void **state)
{
    struct world *world = *state;
    uint32_t segments_count = 0;

    assert_int_equal(hf_wal_spare_state(&world->wal), HF_SPARE_NONE);
    assert_int_equal(hf_wal_spare_make(&world->wal), 1);
    assert_int_equal(hf_wal_spare_state(&world->wal), HF_SPARE_MADE);
    assert_int_equal(hf_wal_spare_make(&world->wal), 0);
    assert_true(hf_sim_disk_exists(world->sim, "/d/spare.log"));
    const uint64_t before = hf_sim_disk_calls(world->sim, HF_SIM_ALLOCATE);
    while (world->wal.position.segment_first_lsn == 1) {
        put(world, 100000, false);
        write_all(world);
    }
    assert_int_equal(hf_sim_disk_calls(world->sim, HF_SIM_ALLOCATE), before); /* the spare */
    assert_false(hf_sim_disk_exists(world->sim, "/d/spare.log"));
    assert_int_equal(hf_wal_spare_state(&world->wal), HF_SPARE_NONE);
    const uint64_t second_lsn = world->wal.position.segment_first_lsn;
    while (world->wal.position.segment_first_lsn == second_lsn) {
        put(world, 100000, false);
        write_all(world);
    }
    assert_int_equal(hf_sim_disk_calls(world->sim, HF_SIM_ALLOCATE), before + 1); /* its own */
    (void)read_all(world, &segments_count);
    assert_int_equal(segments_count, 3);
}

/* No room for the spare: it is told at once; who goes on all the same meets the end of the log. */
static void disk_full(void **state)
{
    struct world *world = *state;
    const struct hf_sim_fault full = {
        .nth = 1, .calls = HF_SIM_ALLOCATE, .error = ENOSPC, .is_lasting = true};

    hf_sim_disk_fail(world->sim, &full);
    assert_int_equal(hf_wal_spare_make(&world->wal), -ENOSPC);
    assert_false(hf_sim_disk_exists(world->sim, "/d/spare.log.tmp"));
    assert_int_equal(hf_wal_spare_make(&world->wal), 0); /* not again and again */
    assert_int_equal(hf_wal_spare_state(&world->wal), HF_SPARE_FAILED);
    hf_wal_spare_retry(&world->wal);
    assert_int_equal(hf_wal_spare_state(&world->wal), HF_SPARE_NONE);
    while (hf_wal_write(&world->wal, &world->ledger,
                        (put(world, 100000, false), world->ledger.last_lsn))) {
        assert_true(hf_wal_sync(&world->wal));
    }
    assert_non_null(strstr(world->wal.failure, "no space is left on the disk"));
    assert_int_equal(atomic_load(&world->wal.synced_lsn), world->ledger.last_lsn - 1);
    assert_false(hf_wal_write(&world->wal, &world->ledger, world->ledger.last_lsn));
    assert_false(hf_wal_sync(&world->wal));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {TEST(sizes), TEST(linked_groups), TEST(groups),
                                       TEST(roll_over), TEST(disk_full)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
