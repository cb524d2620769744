/*
 * test_retention.c - which segments and snapshots stay after a new snapshot.
 *
 * Method: each row is a directory as lists of LSNs, what is asked for, and what must be left. The
 * files are empty: only their names count.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>

#include "persistence/retention.h"
#include "tests/lib/sim_disk.h"

#define LSNS_MAX 8

static const struct row {
    const char *name;
    uint64_t segments[LSNS_MAX];  /* 0 ends them */
    uint64_t snapshots[LSNS_MAX]; /* 0 ends them */
    struct hf_retention ask;      /* current snapshot, kept, wanted */
    uint64_t segments_left[LSNS_MAX];
    uint64_t snapshots_left[LSNS_MAX];
} rows[] = {
    {"one segment always stays", {1}, {50}, {50, 1, UINT64_MAX, 0, 0}, {1}, {50}},
    {"a segment that ends with the snapshot", {1, 51}, {50}, {50, 1, UINT64_MAX, 0, 0}, {51}, {50}},
    {"a segment with one record after it", {1, 52}, {50}, {50, 1, UINT64_MAX, 0, 0}, {1, 52}, {50}},
    {"a segment that ends before it", {1, 50}, {50}, {50, 1, UINT64_MAX, 0, 0}, {50}, {50}},
    {"an older snapshot kept needs more",
     {1, 11, 51},
     {10, 50},
     {50, 2, 99, 0, 0},
     {11, 51},
     {10, 50}},
    {"an older snapshot not kept", {1, 11, 51}, {10, 50}, {50, 1, 99, 0, 0}, {51}, {50}},
    {"fewer snapshots than may be kept", {1, 11, 51}, {50}, {50, 3, 99, 0, 0}, {51}, {50}},
    {"the ledger wants records", {1, 11, 21, 51}, {50}, {50, 1, 11, 0, 0}, {11, 21, 51}, {50}},
    {"the ledger wants one before",
     {1, 11, 21, 51},
     {50},
     {50, 1, 10, 0, 0},
     {1, 11, 21, 51},
     {50}},
    {"snapshots of the future are left", {1, 51}, {50, 60}, {50, 1, 99, 0, 0}, {51}, {50, 60}},
    {"segments after the snapshot", {1, 51, 61}, {50}, {50, 1, 99, 0, 0}, {51, 61}, {50}},
};

static void touch(struct hf_sim_disk *disk, const char *name)
{
    char path[HF_NAME_BYTES_MAX + 8];
    (void)snprintf(path, sizeof path, "/d/%s", name);
    hf_sim_disk_put(disk, path, "", 0);
}

static struct hf_sim_disk *make_disk(const struct row *row, struct hf_directory *directory)
{
    struct hf_sim_disk *disk = hf_sim_disk_create();
    char name[HF_NAME_BYTES_MAX];

    assert_true(hf_directory_init(directory, "/d", hf_sim_disk_table(disk), NULL));
    for (size_t i = 0; i < LSNS_MAX && row->segments[i] != 0; i++) {
        hf_segment_name(name, row->segments[i], "");
        touch(disk, name);
    }
    for (size_t i = 0; i < LSNS_MAX && row->snapshots[i] != 0; i++) {
        hf_snapshot_name(name, row->snapshots[i], "");
        touch(disk, name);
    }
    touch(disk, "somebody's.txt");
    return disk;
}

static void assert_lsns(const char *name, const uint64_t *lsns, size_t count, const uint64_t *want)
{
    for (size_t i = 0; i < LSNS_MAX && (i < count || want[i] != 0); i++) {
        if (i >= count || lsns[i] != want[i]) {
            fail_msg("%s: other files are left", name);
        }
    }
}

static void what_is_left(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct row *row = &rows[i];
        struct hf_directory directory;
        struct hf_listing listing;
        uint64_t first_lsn = 0;
        uint64_t dropped_bytes = 0;
        struct hf_sim_disk *disk = make_disk(row, &directory);

        (void)hf_retention_apply(&directory, &row->ask, &first_lsn, &dropped_bytes);
        hf_sim_disk_crash(disk, HF_SIM_DROP, 1); /* each removal was synced */
        assert_int_equal(hf_directory_list(&directory, &listing), 0);
        assert_lsns(row->name, listing.segments, listing.segments_count, row->segments_left);
        assert_lsns(row->name, listing.snapshots, listing.snapshots_count, row->snapshots_left);
        assert_true(hf_sim_disk_exists(disk, "/d/somebody's.txt"));
        hf_listing_release(&listing);
        hf_sim_disk_free(disk);
    }
}

/* What nobody needs stays up to a size, newest first, so that consumers may come back. */
static void kept_for_consumers(void **state)
{
    static const struct row ROW = {.segments = {1, 11, 21, 31, 41}, .snapshots = {40}};
    static const struct {
        uint64_t kept_bytes, first_lsn; /* each segment has 100 bytes; 41 is needed */
    } cases[] = {{0, 41},   {99, 41},  {100, 31}, {101, 31},      {199, 31},
                 {200, 21}, {399, 11}, {400, 1},  {UINT64_MAX, 1}};
    static const unsigned char BYTES[100];

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct hf_retention ask = {.snapshot_lsn = 40,
                                         .snapshots_kept = 1,
                                         .wanted_lsn = UINT64_MAX,
                                         .kept_bytes = cases[i].kept_bytes};
        struct hf_directory directory;
        struct hf_listing listing;
        uint64_t first_lsn = 0;
        uint64_t dropped_bytes = 0;
        struct hf_sim_disk *disk = make_disk(&ROW, &directory);
        for (size_t k = 0; k < 5; k++) {
            char name[HF_NAME_BYTES_MAX];
            char path[HF_NAME_BYTES_MAX + 8];
            hf_segment_name(name, ROW.segments[k], "");
            (void)snprintf(path, sizeof path, "/d/%s", name);
            hf_sim_disk_put(disk, path, BYTES, sizeof BYTES);
        }
        (void)hf_retention_apply(&directory, &ask, &first_lsn, &dropped_bytes);
        assert_int_equal(first_lsn, cases[i].first_lsn);
        assert_int_equal(hf_directory_list(&directory, &listing), 0);
        assert_int_equal(listing.segments[0], cases[i].first_lsn);
        assert_int_equal(listing.segments_count, (51 - cases[i].first_lsn) / 10);
        hf_listing_release(&listing);
        hf_sim_disk_free(disk);
    }
}

/* Whatever call fails, the segments that are left are one unbroken run up to the newest. */
static void an_unbroken_run(void **state)
{
    static const struct row ROW = {.segments = {1, 11, 21, 31, 41}, .snapshots = {40}};
    static const struct hf_retention ASK = {40, 1, UINT64_MAX, 0, 0};

    (void)state;
    for (uint64_t nth = 1; nth < 12; nth++) {
        const struct hf_sim_fault fault = {
            .nth = nth, .calls = HF_SIM_CALLS_ALL, .error = EIO, .is_lasting = nth % 2 == 0};
        struct hf_directory directory;
        struct hf_listing listing;
        uint64_t first_lsn = 0;
        uint64_t dropped_bytes = 0;
        struct hf_sim_disk *disk = make_disk(&ROW, &directory);
        hf_sim_disk_fail(disk, &fault);
        (void)hf_retention_apply(&directory, &ASK, &first_lsn, &dropped_bytes);
        hf_sim_disk_crash(disk, HF_SIM_MIX, nth);
        assert_int_equal(hf_directory_list(&directory, &listing), 0);
        assert_true(listing.segments_count > 0);
        for (size_t i = 0; i < listing.segments_count; i++) {
            assert_int_equal(listing.segments[i], 41 - 10 * (listing.segments_count - 1 - i));
        }
        hf_listing_release(&listing);
        hf_sim_disk_free(disk);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_left),
        cmocka_unit_test(kept_for_consumers),
        cmocka_unit_test(an_unbroken_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
