/*
 * test_inspect.c - what the verification of a data directory says: of sound ones, torn ones, and
 * of damage in every file and every part of one.
 *
 * Method: a store over a simulated disk is worked on and closed; a row of a table then changes
 * bytes or files, and the verdict, the file and the offset of the first finding that is no remark
 * must be those of the row. Each row begins with the same directory, which is sound.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "persistence/format.h"
#include "persistence/inspect.h"
#include "tests/lib/store_fixture.h"

#define FOLDER HF_FIXTURE_FOLDER "/"

/* What a verification said. */
struct heard {
    uint64_t count; /* findings that are no remarks */
    char name[64];  /* of the first of those */
    uint64_t offset;
    uint64_t lsn;
    char text[512];
    char remarks[4096];
    bool is_loud;
};

static void hear(void *arg, const struct hf_inspect_finding *finding)
{
    struct heard *heard = arg;

    assert_true(finding->text[0] != '\0');
    if (heard->is_loud) {
        print_message("  %d %s @%" PRIu64 " lsn %" PRIu64 ": %s\n", finding->verdict, finding->name,
                      finding->offset, finding->lsn, finding->text);
    }
    if (finding->verdict == HF_INSPECT_SOUND) {
        const size_t length = strlen(heard->remarks);
        (void)snprintf(heard->remarks + length, sizeof heard->remarks - length, "%s: %s\n",
                       finding->name, finding->text);
        return;
    }
    if (heard->count++ == 0) {
        (void)snprintf(heard->name, sizeof heard->name, "%s", finding->name);
        (void)snprintf(heard->text, sizeof heard->text, "%s", finding->text);
        heard->offset = finding->has_offset ? finding->offset : UINT64_MAX;
        heard->lsn = finding->lsn;
    }
}

static enum hf_inspect_verdict verify(const struct hf_store_fixture *fixture,
                                      struct hf_inspect_totals *totals, struct heard *heard)
{
    *heard = (struct heard){.is_loud = getenv("LOUD") != NULL};
    return hf_inspect_verify(HF_FIXTURE_FOLDER, hf_sim_disk_table(fixture->disk), NULL, totals,
                             hear, heard);
}

/* ------------------------------------------------------------------ the directory of the rows */

#define SLACK_BYTES 8192 /* less than the next group needs */
#define NEWEST_SLACK_BYTES (512 * 1024)

static const char *newest_segment(const struct hf_store_fixture *fixture)
{
    const char *newest = NULL;
    for (size_t i = 0; hf_sim_disk_name(fixture->disk, i) != NULL; i++) {
        const char *path = hf_sim_disk_name(fixture->disk, i);
        newest = strstr(path, "/wal-") != NULL ? path : newest;
    }
    assert_non_null(newest);
    return newest;
}

/* Three segments, snapshots in the first and the second, several blocks in each; closed. */
static void make_directory(struct hf_store_fixture *fixture)
{
    hf_store_fixture_init(fixture);
    fixture->config.log_kept_bytes = UINT64_C(1) << 40;
    assert_true(hf_store_fixture_open(fixture));
    for (int segment = 0; segment < 3; segment++) {
        if (segment > 0) {
            hf_store_fixture_work_large(fixture, 1000);
        }
        for (int group = 0; group < 5; group++) {
            hf_store_fixture_work(fixture, 20);
            assert_true(hf_store_fixture_drain(fixture));
        }
        if (segment < 2) {
            /* A segment that is full, from the next write on. */
            char name[64];
            (void)snprintf(name, sizeof name, "%s", newest_segment(fixture));
            assert_int_equal(hf_store_fixture_snapshot(fixture), HF_OK);
            hf_store_fixture_close(fixture);
            hf_sim_disk_trim(fixture->disk, name, SLACK_BYTES);
            assert_true(hf_store_fixture_open(fixture));
        }
    }
    const char *newest = newest_segment(fixture);
    hf_sim_disk_trim(fixture->disk, newest, NEWEST_SLACK_BYTES);
    (void)hf_store_spare_step(fixture->store);
}

static void sound(void **state)
{
    struct hf_store_fixture fixture;
    struct hf_inspect_totals totals;
    struct heard heard;

    (void)state;
    make_directory(&fixture);
    const uint64_t lsn = hf_engine_lsn(fixture.engine);
    const struct hf_digest digest = hf_engine_digest(fixture.engine);

    assert_int_equal(verify(&fixture, &totals, &heard), HF_INSPECT_SOUND);
    assert_true(totals.is_in_use);
    assert_non_null(strstr(heard.remarks, "another process"));
    hf_store_fixture_close(&fixture);
    assert_int_equal(verify(&fixture, &totals, &heard), HF_INSPECT_SOUND);
    assert_false(totals.is_in_use);
    assert_string_equal(heard.remarks, "");
    assert_int_equal(totals.last_lsn, lsn);
    assert_int_equal(totals.first_lsn, 1);
    assert_int_equal(totals.records_count, lsn);
    assert_int_equal(totals.state_lsn, lsn);
    assert_true(totals.has_digest);
    assert_int_equal(totals.state_digest.low, digest.low);
    assert_int_equal(totals.state_digest.high, digest.high);
    assert_int_equal(totals.segments_count, 3);
    assert_int_equal(totals.snapshots_count, 2);
    assert_int_equal(totals.epoch, 1);
    hf_store_fixture_release(&fixture);
}

/* ------------------------------------------------------------------ damage */

/* Names of the files of the directory, by kind, in the order of their LSNs. */
struct files {
    char segments[4][64], snapshots[4][64];
    size_t segments_count, snapshots_count;
};

static struct files list_files(const struct hf_store_fixture *fixture)
{
    struct files files = {.segments_count = 0};

    for (size_t i = 0; hf_sim_disk_name(fixture->disk, i) != NULL; i++) {
        const char *path = hf_sim_disk_name(fixture->disk, i);
        if (strstr(path, "/wal-") != NULL) {
            (void)snprintf(files.segments[files.segments_count++], 64, "%s", path);
        } else if (strstr(path, "/snapshot-") != NULL) {
            (void)snprintf(files.snapshots[files.snapshots_count++], 64, "%s", path);
        }
    }
    assert_int_equal(files.segments_count, 3);
    assert_int_equal(files.snapshots_count, 2);
    return files;
}

/* Offset of the `index`-th block of a segment; -1: of the last one; `end` is behind it. */
static uint64_t find_block(const struct hf_store_fixture *fixture, const char *path, int index,
                           uint64_t *end)
{
    uint64_t offset = HF_SECTOR_BYTES;
    uint64_t last = 0;

    for (int i = 0;; i++) {
        unsigned char bytes[HF_BLOCK_HEADER_BYTES];
        struct hf_block_header header;
        const char *why = NULL;
        hf_sim_disk_peek(fixture->disk, path, offset, bytes, sizeof bytes);
        if (hf_block_peek(&header, bytes, sizeof bytes, &why) != HF_OK) {
            const uint64_t next = hf_format_group_offset(offset);
            if (next != offset) {
                offset = next;
                i--;
                continue;
            }
            assert_int_equal(index, -1);
            return last;
        }
        last = offset;
        offset += hf_block_bytes(&header);
        *end = offset;
        if (i == index) {
            return last;
        }
    }
}

enum part {
    LOCK,
    MANIFEST,
    SPARE,
    SEGMENT_AT,     /* an offset of a segment */
    SEGMENT_BLOCK,  /* an offset in a block of a segment */
    SEGMENT_BEHIND, /* an offset behind a block of a segment */
    SEGMENT_GONE,   /* and `block` segments before it */
    SNAPSHOT_AT,
    SNAPSHOT_END, /* an offset before the end of a snapshot */
    SNAPSHOT_GONE,
    ANOTHER_FILE
};

static const struct row {
    const char *name;
    enum part part;
    int file;  /* index of segment or snapshot */
    int block; /* -1: the last one */
    uint64_t offset;
    enum hf_inspect_verdict want;
    int64_t want_offset; /* from the place that `part` says; -1: no offset; -2: of the place */
    const char *want_text;
} rows[] = {
    /* name                                part            file block offset want */
    {"a lock with a byte", LOCK, 0, 0, 0, HF_INSPECT_DAMAGED, 0, "an empty file was expected"},
    {"manifest", MANIFEST, 0, 0, 30, HF_INSPECT_DAMAGED, 0, "checksum"},
    {"spare, its first sector", SPARE, 0, 0, 511, HF_INSPECT_TORN, 511, "zeros or a segment's"},
    {"spare, its second sector", SPARE, 0, 0, 512, HF_INSPECT_DAMAGED, 512, "zeros"},
    {"spare, its last byte", SPARE, 0, 0, HF_SEGMENT_BYTES_MIN - 1, HF_INSPECT_DAMAGED,
     HF_SEGMENT_BYTES_MIN - 1, "zeros"},
    {"header of the first segment", SEGMENT_AT, 0, 0, 20, HF_INSPECT_DAMAGED, 0, "the header of"},
    {"header of the newest segment", SEGMENT_AT, 2, 0, 63, HF_INSPECT_DAMAGED, 0, "the header of"},
    {"zeros behind a header", SEGMENT_AT, 1, 0, 64, HF_INSPECT_DAMAGED, 0, "first sector"},
    {"zeros before the first block", SEGMENT_AT, 1, 0, 511, HF_INSPECT_DAMAGED, 0, "first sector"},
    {"first byte of a block", SEGMENT_BLOCK, 0, 1, 0, HF_INSPECT_DAMAGED, 0, "checksum"},
    {"last byte of a block's header", SEGMENT_BLOCK, 0, 1, 63, HF_INSPECT_DAMAGED, 0, "checksum"},
    {"inside of a block", SEGMENT_BLOCK, 1, 2, 100, HF_INSPECT_DAMAGED, 0, "checksum"},
    {"first byte behind a group", SEGMENT_BEHIND, 0, 0, 0, HF_INSPECT_DAMAGED, 0, "expected"},
    {"rest of an older segment", SEGMENT_BEHIND, 1, -1, 4096, HF_INSPECT_DAMAGED, -2, "expected"},
    {"far behind in an older segment", SEGMENT_BEHIND, 0, -1, SLACK_BYTES - 600, HF_INSPECT_DAMAGED,
     -2, "zeros were expected"},
    {"last block of the newest segment", SEGMENT_BLOCK, 2, -1, 70, HF_INSPECT_TORN, 0, "synced"},
    {"another block of it", SEGMENT_BLOCK, 2, 1, 70, HF_INSPECT_DAMAGED, 0, "it was durable"},
    {"rest of the newest segment", SEGMENT_BEHIND, 2, -1, 5000, HF_INSPECT_TORN, -2, "synced"},
    {"first segment", SEGMENT_GONE, 0, 0, 0, HF_INSPECT_SOUND, -1, ""},
    {"first two segments", SEGMENT_GONE, 1, 1, 0, HF_INSPECT_SOUND, -1, "no start could use it"},
    {"second segment", SEGMENT_GONE, 1, 0, 0, HF_INSPECT_DAMAGED, -2, "was expected to follow"},
    {"newest segment", SEGMENT_GONE, 2, 0, 0, HF_INSPECT_SOUND, -1, ""},
    {"header of a snapshot", SNAPSHOT_AT, 0, 0, 8, HF_INSPECT_DAMAGED, 0, "the header of"},
    {"first block of a snapshot", SNAPSHOT_AT, 1, 0, 64, HF_INSPECT_DAMAGED, 64, "a block of"},
    {"inside of it", SNAPSHOT_AT, 0, 0, 140, HF_INSPECT_DAMAGED, 64, "a block of"},
    {"footer of a snapshot", SNAPSHOT_END, 1, 0, 48, HF_INSPECT_DAMAGED, 0, "the footer of"},
    {"its last byte", SNAPSHOT_END, 1, 0, 1, HF_INSPECT_DAMAGED, -47, "the footer of"},
    {"the current snapshot", SNAPSHOT_GONE, 1, 0, 0, HF_INSPECT_DAMAGED, -1, "the manifest names"},
    {"an older snapshot", SNAPSHOT_GONE, 0, 0, 0, HF_INSPECT_SOUND, -1, ""},
    {"a file of somebody else", ANOTHER_FILE, 0, 0, 0, HF_INSPECT_SOUND, -1, "notes.txt"},
    {"a damaged snapshot put aside", ANOTHER_FILE, 1, 0, 0, HF_INSPECT_SOUND, -1, "put aside"},
    {"what a repair kept", ANOTHER_FILE, 2, 0, 0, HF_INSPECT_SOUND, -1, "put aside"},
    {"a file that was being written", ANOTHER_FILE, 3, 0, 0, HF_INSPECT_SOUND, -1, "next start"},
};

/* Do what the row says; the file that is told of, and where in it the row's place is. */
static const char *damage(const struct hf_store_fixture *fixture, const struct row *row,
                          const struct files *files, uint64_t *place)
{
    static const char *const others[] = {FOLDER "notes.txt",
                                         FOLDER "snapshot-00000000000000000007.hfs.damaged",
                                         FOLDER "wal-00000000000000000001.log.cut-2",
                                         FOLDER "snapshot-00000000000000000007.hfs.tmp"};
    const char *path = FOLDER "LOCK";
    uint64_t end = 0;

    *place = 0;
    switch (row->part) {
    case LOCK:
        hf_sim_disk_put(fixture->disk, path, "x", 1);
        return path;
    case ANOTHER_FILE:
        hf_sim_disk_put(fixture->disk, others[row->file], "x", 1);
        return others[row->file];
    case SEGMENT_GONE:
        for (int i = row->file - row->block; i <= row->file; i++) {
            hf_sim_disk_remove(fixture->disk, files->segments[i]);
        }
        return files->segments[row->file > 0 ? row->file - 1 : 0];
    case SNAPSHOT_GONE:
        hf_sim_disk_remove(fixture->disk, files->snapshots[row->file]);
        return files->snapshots[row->file];
    case MANIFEST:
        path = FOLDER "MANIFEST";
        break;
    case SPARE:
        path = FOLDER "spare.log";
        break;
    case SEGMENT_AT:
    case SEGMENT_BLOCK:
    case SEGMENT_BEHIND:
        path = files->segments[row->file];
        if (row->part != SEGMENT_AT) {
            *place = find_block(fixture, path, row->block, &end);
            *place = row->part == SEGMENT_BEHIND ? end : *place;
        }
        break;
    case SNAPSHOT_AT:
    case SNAPSHOT_END:
        path = files->snapshots[row->file];
        if (row->part == SNAPSHOT_END) {
            *place = hf_sim_disk_file_bytes(fixture->disk, path) - row->offset;
            hf_sim_disk_flip(fixture->disk, path, *place, 1);
            return path;
        }
        break;
    }
    hf_sim_disk_flip(fixture->disk, path, *place + row->offset, 1);
    return path;
}

static void damaged(void **state)
{
    struct hf_store_fixture fixture;
    struct hf_inspect_totals totals;
    struct heard heard;

    (void)state;
    make_directory(&fixture);
    hf_store_fixture_close(&fixture);
    struct hf_sim_disk *sound_disk = fixture.disk;
    const struct files files = list_files(&fixture);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct row *row = &rows[i];
        uint64_t place;
        fixture.disk = hf_sim_disk_clone(sound_disk);
        const char *name = strrchr(damage(&fixture, row, &files, &place), '/') + 1;
        const enum hf_inspect_verdict verdict = verify(&fixture, &totals, &heard);
        if (verdict != row->want) {
            fail_msg("%s: verdict %d", row->name, verdict);
        }
        const char *text = row->want == HF_INSPECT_SOUND ? heard.remarks : heard.text;
        if (strstr(text, row->want_text) == NULL ||
            (row->want == HF_INSPECT_SOUND && (text[0] == '\0') != (row->want_text[0] == '\0')) ||
            (row->want != HF_INSPECT_SOUND && strcmp(heard.name, name) != 0)) {
            fail_msg("%s: \"%s\" is said of \"%s\"", row->name, text, heard.name);
        }
        const uint64_t want_offset =
            row->want_offset == -1 ? UINT64_MAX : place + (uint64_t)row->want_offset;
        if (row->want != HF_INSPECT_SOUND && row->want_offset != -2 &&
            heard.offset != want_offset) {
            fail_msg("%s: at offset %" PRIu64, row->name, heard.offset);
        }
        hf_sim_disk_free(fixture.disk);
    }
    fixture.disk = sound_disk;
    hf_store_fixture_release(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sound),
        cmocka_unit_test(damaged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
