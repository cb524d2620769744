/*
 * test_place.c - what belongs where the next block of the log must stand.
 *
 * Method: a row is a place (next LSN, chain) and a block or a segment's header, under one manifest
 * of three epochs; the words are those of the row, or none. Then the log of a store under a
 * manifest in which an epoch begins inside of a block, which no writer does: a start refuses it,
 * and so must a copy, but for what stands before. Copies once looked at a block's first LSN only.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "persistence/copy.h"
#include "persistence/place.h"
#include "tests/lib/store_fixture.h"

#define NEW "/new"
#define TEXT_BYTES 512

static const struct hf_manifest manifest = {
    .epochs = {{1, 1}, {2, 100}, {5, 200}}, .epochs_count = 3, .snapshot_lsn = 150};

/* ------------------------------------------------------------------ blocks */

static const struct block_row {
    const char *name;
    uint64_t next_lsn, previous;
    uint64_t first_lsn, last_lsn, chain;
    uint32_t epoch;
    uint64_t cut_lsn;
    const char *want;
} block_rows[] = {
    /* name                         next prev  first last chain epoch cut want */
    {"it follows", 10, 7, 10, 20, 7, 1, 20, NULL},
    {"the first one, any", 0, 7, 10, 20, 8, 1, 20, NULL},
    {"one LSN too early", 10, 7, 9, 20, 7, 1, 20, "other LSNs"},
    {"one LSN too late", 10, 7, 11, 20, 7, 1, 20, "other LSNs"},
    {"another chain", 10, 7, 10, 20, 8, 1, 20, "does not follow"},
    {"another LSN before another chain", 10, 7, 11, 20, 8, 2, 20, "other LSNs"},
    {"an epoch's last LSN", 90, 7, 90, 99, 7, 1, 99, NULL},
    {"an epoch's first LSN", 100, 7, 100, 100, 7, 2, 100, NULL},
    {"an older epoch", 100, 7, 100, 120, 7, 1, 120, "another epoch"},
    {"a newer epoch", 90, 7, 90, 99, 7, 2, 99, "another epoch"},
    {"a number between two", 100, 7, 100, 120, 7, 3, 120, "another epoch"},
    {"the first one, of another epoch", 0, 0, 100, 120, 7, 1, 120, "another epoch"},
    {"an epoch begins with its last LSN", 90, 7, 90, 100, 7, 1, 100, "another epoch"},
    {"... which is cut", 90, 7, 90, 100, 7, 1, 99, NULL},
    {"... and would not be", 90, 7, 90, 100, 7, 1, 500, "another epoch"},
    {"two epochs begin inside", 90, 7, 90, 210, 7, 1, 210, "another epoch"},
};

static void expect(const char *name, const char *why, const char *want)
{
    if ((why == NULL) != (want == NULL) || (why != NULL && strstr(why, want) == NULL)) {
        fail_msg("%s: \"%s\"", name, why == NULL ? "it belongs" : why);
    }
}

static void blocks(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof block_rows / sizeof block_rows[0]; i++) {
        const struct block_row *row = &block_rows[i];
        const struct hf_place place = {
            .manifest = &manifest, .next_lsn = row->next_lsn, .previous = row->previous};
        const struct hf_block_header block = {.first_lsn = row->first_lsn,
                                              .last_lsn = row->last_lsn,
                                              .previous = row->chain,
                                              .epoch = row->epoch};
        expect(row->name, hf_place_block_misfit(&place, &block, row->cut_lsn), row->want);
    }
}

/* ------------------------------------------------------------------ segments */

static const struct segment_row {
    const char *name;
    uint64_t next_lsn, previous;
    uint64_t first_lsn, chain;
    uint32_t epoch;
    const char *want;
} segment_rows[] = {
    /* name              next prev  first chain epoch want */
    {"it follows", 120, 7, 120, 7, 2, NULL},
    {"the first one, any", 0, 7, 120, 8, 2, NULL},
    {"of an older epoch", 120, 7, 120, 7, 1, NULL}, /* made before the epoch began */
    {"another LSN", 121, 7, 120, 7, 2, "another LSN"},
    {"another chain", 120, 7, 120, 8, 2, "does not follow"},
    {"of a later epoch", 120, 7, 120, 7, 5, "later epoch"},
    {"the first one, of a later epoch", 0, 0, 99, 7, 2, "later epoch"},
};

static void segments(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof segment_rows / sizeof segment_rows[0]; i++) {
        const struct segment_row *row = &segment_rows[i];
        const struct hf_place place = {
            .manifest = &manifest, .next_lsn = row->next_lsn, .previous = row->previous};
        const struct hf_segment_header header = {
            .first_lsn = row->first_lsn, .previous = row->chain, .epoch = row->epoch};
        expect(row->name, hf_place_segment_misfit(&place, &header), row->want);
    }
}

/* ------------------------------------------------------------------ the end */

static const struct end_row {
    const char *name;
    uint64_t next_lsn, snapshot_lsn;
    uint64_t rest_bytes;
    enum hf_tail want;
    uint64_t lowest_lsn; /* of the whole blocks behind */
    const char *other;
} end_rows[] = {
    /* name                                next snapshot rest want lowest other */
    {"clean", 200, 0, 0, HF_TAIL_CLEAN, 0, NULL},
    {"torn", 200, 0, 8, HF_TAIL_TORN, 0, NULL},
    {"an epoch begins behind it", 199, 0, 0, HF_TAIL_DAMAGED, 0, NULL},
    {"a snapshot stands before it", 200, 199, 8, HF_TAIL_TORN, 0, NULL},
    {"a snapshot stands behind it", 200, 200, 8, HF_TAIL_DAMAGED, 0, NULL},
    {"the manifest's snapshot does", 150, 0, 0, HF_TAIL_DAMAGED, 0, NULL},
    {"both do", 150, 400, 8, HF_TAIL_DAMAGED, 0, NULL},
    {"a later block stands behind it", 200, 0, 8, HF_TAIL_TORN, 201, NULL},
    {"the same block does", 200, 0, 8, HF_TAIL_TORN, 200, NULL},
    {"an earlier block does", 200, 0, 8, HF_TAIL_DAMAGED, 199, NULL},
    {"bytes of another file do", 200, 0, 8, HF_TAIL_DAMAGED, 0, "a manifest"},
};

static void ends(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof end_rows / sizeof end_rows[0]; i++) {
        const struct end_row *row = &end_rows[i];
        const struct hf_place place = {
            .manifest = &manifest, .next_lsn = row->next_lsn, .previous = 7};
        const struct hf_segment_rest rest = {.end_offset = 512 + row->rest_bytes,
                                             .blocks_count = row->lowest_lsn != 0 ? 1 : 0,
                                             .block_lsn = row->lowest_lsn,
                                             .lowest_lsn = row->lowest_lsn,
                                             .other = row->other};
        const struct hf_place_end end = {
            .offset = 512, .rest = &rest, .why = "zeros", .snapshot_lsn = row->snapshot_lsn};
        char text[TEXT_BYTES];
        if (hf_place_judge_end(&place, &end, text, sizeof text) != row->want ||
            (text[0] != '\0') != (row->want == HF_TAIL_DAMAGED)) {
            fail_msg("%s: \"%s\"", row->name, text);
        }
    }
}

/* ------------------------------------------------------------------ a log */

struct log {
    struct hf_store_fixture fixture;
    struct hf_directory from, to;
    struct hf_manifest manifest;
    struct hf_listing listing;
    struct hf_block_header block; /* of several records, not the first one */
};

/* A closed store without a snapshot, a few blocks in one segment. */
static void make_log(struct log *log)
{
    struct hf_segment_reader reader;
    const unsigned char *bytes;
    const char *why = NULL;
    char error[TEXT_BYTES];

    *log = (struct log){.block = {.epoch = 0}};
    hf_store_fixture_init(&log->fixture);
    assert_true(hf_store_fixture_open(&log->fixture));
    for (int i = 0; i < 4; i++) {
        hf_store_fixture_work(&log->fixture, 20);
        assert_true(hf_store_fixture_drain(&log->fixture));
    }
    hf_store_fixture_close(&log->fixture);
    const struct hf_disk *disk = hf_sim_disk_table(log->fixture.disk);
    assert_true(hf_directory_init(&log->from, HF_FIXTURE_FOLDER, disk, NULL));
    assert_true(hf_directory_init(&log->to, NEW, disk, NULL));
    assert_int_equal(hf_manifest_load(&log->manifest, &log->from, error, sizeof error), HF_OK);
    hf_directory_set_id(&log->from, log->manifest.directory_id);
    hf_directory_set_id(&log->to, log->manifest.directory_id);
    assert_int_equal(hf_directory_list(&log->from, &log->listing), 0);

    assert_int_equal(hf_segment_reader_init(&reader, &log->from), HF_OK);
    assert_int_equal(hf_segment_reader_open(&reader, 1, false, error, sizeof error), HF_OK);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(hf_segment_reader_next(&reader, &log->block, &bytes, &why), HF_OK);
    }
    assert_true(log->block.first_lsn + 1 < log->block.last_lsn);
    hf_segment_reader_release(&reader);
}

static enum hf_err copy_log(struct log *log, uint64_t lsn, char error[TEXT_BYTES])
{
    struct hf_copy copy;

    assert_int_equal(hf_copy_init(&copy, &log->from, &log->to, &log->manifest), HF_OK);
    const enum hf_err err = hf_copy_log(&copy, &log->listing, 0, lsn);
    (void)snprintf(error, TEXT_BYTES, "%s", copy.error);
    hf_copy_release(&copy);
    return err;
}

static void an_epoch_inside_of_a_block(void **state)
{
    struct log log;
    char error[TEXT_BYTES];

    (void)state;
    make_log(&log);
    const uint64_t inside_lsn = log.block.first_lsn + 1;
    assert_int_equal(copy_log(&log, log.block.last_lsn, error), HF_OK);
    assert_int_equal(hf_manifest_fork(&log.manifest, inside_lsn), HF_OK);

    assert_int_equal(copy_log(&log, log.block.last_lsn, error), HF_CORRUPT);
    assert_non_null(strstr(error, "another epoch"));
    assert_int_equal(copy_log(&log, inside_lsn, error), HF_CORRUPT);
    assert_int_equal(copy_log(&log, inside_lsn - 1, error), HF_OK);

    assert_int_equal(hf_manifest_save(&log.manifest, &log.from, error, sizeof error), HF_OK);
    assert_false(hf_store_fixture_open(&log.fixture));
    assert_non_null(strstr(log.fixture.error, "another epoch"));
    hf_listing_release(&log.listing);
    hf_store_fixture_release(&log.fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks),
        cmocka_unit_test(segments),
        cmocka_unit_test(ends),
        cmocka_unit_test(an_epoch_inside_of_a_block),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
