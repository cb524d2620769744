/*
 * test_repair.c - a directory that a start refuses goes back to an LSN before the damage.
 *
 * Method: a store over a simulated disk is worked on and closed; a row of a table damages it, so
 * that the next start is refused. The repair goes back to the last LSN whose state the verification
 * knows. Afterwards the verification finds nothing, the start comes to exactly the state that was
 * there at that LSN, in a new epoch, and work goes on. Then the same with the power going away at
 * every single call that changes the disk: what is left is done, or can be repaired again.
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

#include "persistence/format.h"
#include "persistence/repair.h"
#include "tests/lib/small_engine.h"
#include "tests/lib/store_fixture.h"

#define FOLDER HF_FIXTURE_FOLDER "/"
#define SLACK_BYTES 8192 /* less than the next group needs */
#define TEXT_BYTES 1024

/* ------------------------------------------------------------------ the directory of the rows */

struct files {
    char segments[8][64], snapshots[8][64];
    size_t segments_count, snapshots_count;
};

static struct files list_files(const struct hf_store_fixture *fixture)
{
    struct files files = {.segments_count = 0};

    for (size_t i = 0; hf_sim_disk_name(fixture->disk, i) != NULL; i++) {
        const char *path = hf_sim_disk_name(fixture->disk, i);
        uint64_t lsn;
        const enum hf_name kind = hf_directory_name(strrchr(path, '/') + 1, &lsn);
        if (kind == HF_NAME_IS_SEGMENT) {
            (void)snprintf(files.segments[files.segments_count++], 64, "%s", path);
        } else if (kind == HF_NAME_IS_SNAPSHOT) {
            (void)snprintf(files.snapshots[files.snapshots_count++], 64, "%s", path);
        }
    }
    return files;
}

/* Three segments with a snapshot in each, before the segment's last blocks; closed. Two snapshots
 * are kept, all of the log is. */
static void make_directory(struct hf_store_fixture *fixture)
{
    hf_store_fixture_init(fixture);
    fixture->config.log_kept_bytes = UINT64_C(1) << 40;
    assert_true(hf_store_fixture_open(fixture));
    for (int segment = 0; segment < 3; segment++) {
        if (segment > 0) {
            const struct files files = list_files(fixture);
            hf_store_fixture_close(fixture);
            hf_sim_disk_trim(fixture->disk, files.segments[files.segments_count - 1], SLACK_BYTES);
            assert_true(hf_store_fixture_open(fixture));
            hf_store_fixture_work_large(fixture, 1000);
        }
        for (int group = 0; group < 8; group++) {
            hf_store_fixture_work(fixture, 15);
            assert_true(hf_store_fixture_drain(fixture));
            if (group == 3) {
                assert_int_equal(hf_store_fixture_snapshot(fixture), HF_OK);
            }
        }
    }
    const struct files files = list_files(fixture);
    assert_int_equal(files.segments_count, 3);
    assert_int_equal(files.snapshots_count, 2);
    hf_store_fixture_close(fixture);
    hf_sim_disk_trim(fixture->disk, files.segments[2], (uint64_t)64 * 1024);
}

/* Offset of the `index`-th block of a segment, from 0; -1: the last one. */
static uint64_t find_block(const struct hf_store_fixture *fixture, const char *path, int index)
{
    const uint64_t file_bytes = hf_sim_disk_file_bytes(fixture->disk, path);
    uint64_t offset = HF_SECTOR_BYTES;
    uint64_t last = 0;

    for (int i = 0; offset + HF_BLOCK_HEADER_BYTES <= file_bytes; i++) {
        unsigned char bytes[HF_BLOCK_HEADER_BYTES];
        struct hf_block_header header;
        const char *why = NULL;
        hf_sim_disk_peek(fixture->disk, path, offset, bytes, sizeof bytes);
        if (hf_block_peek(&header, bytes, sizeof bytes, &why) != HF_OK) {
            break;
        }
        last = offset;
        if (i == index) {
            return offset;
        }
        offset = hf_format_group_offset(offset + hf_block_bytes(&header));
    }
    assert_int_equal(index, -1);
    return last;
}

/* ------------------------------------------------------------------ rows */

enum part { BLOCK, HEADER, SEGMENT_GONE, SNAPSHOT, SNAPSHOT_GONE, MANIFEST, MANIFEST_GONE };

static const struct row {
    const char *name;
    struct {
        enum part part;
        int file, block;
    } harms[5];
    int harms_count;
    bool is_log_new; /* the log cannot stay: all segments go aside, the state is a snapshot */
} rows[] = {
    {"a block of the newest segment", {{BLOCK, 2, 6}}, 1, false},
    {"its first block", {{BLOCK, 2, 0}}, 1, true},
    {"the header of the newest segment", {{HEADER, 2, 0}}, 1, true},
    {"behind a snapshot in the middle", {{BLOCK, 1, 6}, {SNAPSHOT, 1, 0}}, 2, false},
    {"before a snapshot, and that", {{BLOCK, 1, 2}, {SNAPSHOT, 1, 0}, {SNAPSHOT, 0, 0}}, 3, false},
    {"the first segment, all snapshots",
     {{BLOCK, 0, 3}, {SNAPSHOT, 1, 0}, {SNAPSHOT_GONE, 0, 0}},
     3,
     false},
    {"old history only", {{BLOCK, 0, 2}}, 1, false},
    {"history in the segment of the snapshot", {{BLOCK, 2, 1}}, 1, true},
    {"a segment is gone", {{SEGMENT_GONE, 1, 0}}, 1, false},
    {"a segment and the newest snapshot are",
     {{SEGMENT_GONE, 1, 0}, {SNAPSHOT_GONE, 1, 0}},
     2,
     true},
    {"all segments are",
     {{SEGMENT_GONE, 0, 0}, {SEGMENT_GONE, 1, 0}, {SEGMENT_GONE, 2, 0}},
     3,
     true},
    {"the newest is, a snapshot of it not", {{SEGMENT_GONE, 2, 0}}, 1, true},
    {"two places", {{BLOCK, 2, 5}, {BLOCK, 2, 7}}, 2, false},
    {"the manifest", {{MANIFEST, 0, 0}}, 1, false},
    {"the manifest is gone", {{MANIFEST_GONE, 0, 0}}, 1, false},
    {"the manifest and a block", {{MANIFEST, 0, 0}, {BLOCK, 2, 6}}, 2, false},
};

static void harm(const struct hf_store_fixture *fixture, const struct row *row)
{
    const struct files files = list_files(fixture);

    for (int i = 0; i < row->harms_count; i++) {
        const int file = row->harms[i].file;
        switch (row->harms[i].part) {
        case BLOCK:
            hf_sim_disk_flip(fixture->disk, files.segments[file],
                             find_block(fixture, files.segments[file], row->harms[i].block) + 70,
                             1);
            break;
        case HEADER:
            hf_sim_disk_flip(fixture->disk, files.segments[file], 33, 1);
            break;
        case SEGMENT_GONE:
            hf_sim_disk_remove(fixture->disk, files.segments[file]);
            break;
        case SNAPSHOT:
            hf_sim_disk_flip(fixture->disk, files.snapshots[file], 80, 1);
            break;
        case SNAPSHOT_GONE:
            hf_sim_disk_remove(fixture->disk, files.snapshots[file]);
            break;
        case MANIFEST:
            hf_sim_disk_flip(fixture->disk, FOLDER "MANIFEST", 40, 1);
            break;
        case MANIFEST_GONE:
            hf_sim_disk_remove(fixture->disk, FOLDER "MANIFEST");
            break;
        }
    }
}

/* ------------------------------------------------------------------ steps of a test */

static void shout(void *arg, const struct hf_inspect_finding *finding)
{
    (void)arg;
    if (getenv("LOUD") != NULL) {
        print_message("  %d %s @%" PRIu64 " lsn %" PRIu64 ": %s\n", finding->verdict, finding->name,
                      finding->offset, finding->lsn, finding->text);
    }
}

static enum hf_inspect_verdict verify(const struct hf_store_fixture *fixture,
                                      struct hf_inspect_totals *totals)
{
    return hf_inspect_verify(HF_FIXTURE_FOLDER, hf_sim_disk_table(fixture->disk), NULL, totals,
                             shout, NULL);
}

/* False: it could not be planned or done; `error` says why. */
static bool repair(const struct hf_store_fixture *fixture, uint64_t lsn,
                   struct hf_repair_plan *plan, char error[TEXT_BYTES])
{
    struct hf_repair *repair = hf_repair_begin(HF_FIXTURE_FOLDER, hf_sim_disk_table(fixture->disk),
                                               lsn, error, TEXT_BYTES);
    if (repair == NULL) {
        return false;
    }
    *plan = *hf_repair_plan(repair);
    plan->steps = NULL;
    const bool is_done = hf_repair_run(repair, error, TEXT_BYTES) == HF_OK;
    hf_repair_end(repair);
    return is_done;
}

/* The start comes to the state that was there at `lsn`, and work goes on in the new epoch. */
static void assert_is_back(struct hf_store_fixture *fixture, const char *name, uint64_t lsn)
{
    if (!hf_store_fixture_open(fixture)) {
        fail_msg("%s: %s", name, fixture->error);
    }
    fixture->acked_lsn = lsn;
    assert_int_equal(hf_engine_lsn(fixture->engine), lsn);
    hf_store_fixture_check(fixture);
    assert_true(hf_store_epoch(fixture->store) > 1);
}

static void goes_on(struct hf_store_fixture *fixture)
{
    struct hf_inspect_totals totals;

    hf_store_fixture_work(fixture, 50);
    assert_true(hf_store_fixture_drain(fixture));
    assert_int_equal(hf_store_fixture_snapshot(fixture), HF_OK);
    hf_store_fixture_work(fixture, 50);
    assert_true(hf_store_fixture_drain(fixture));
    hf_store_fixture_close(fixture);
    assert_int_equal(verify(fixture, &totals), HF_INSPECT_SOUND);
    assert_true(hf_store_fixture_open(fixture));
    hf_store_fixture_check(fixture);
    hf_store_fixture_audit(fixture);
    hf_store_fixture_close(fixture);
}

/* ------------------------------------------------------------------ tests */

static void rows_are_repaired(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct hf_store_fixture fixture;
        struct hf_inspect_totals totals;
        struct hf_repair_plan plan;
        char error[TEXT_BYTES] = "";
        make_directory(&fixture);
        harm(&fixture, &rows[i]);
        if (hf_store_fixture_open(&fixture)) {
            fail_msg("%s: a start is not refused", rows[i].name);
        }
        /* Without a manifest it could be anybody's. */
        if (strstr(fixture.error, "holdfast-log") == NULL &&
            rows[i].harms[0].part != MANIFEST_GONE) {
            fail_msg("%s: \"%s\" names no way out", rows[i].name, fixture.error);
        }
        assert_int_equal(verify(&fixture, &totals), HF_INSPECT_DAMAGED);
        assert_true(totals.has_state);
        if (!repair(&fixture, totals.state_lsn, &plan, error)) {
            fail_msg("%s: %s", rows[i].name, error);
        }
        assert_true(plan.epoch > (plan.is_manifest_new ? 2 : 1));
        assert_int_equal(plan.is_manifest_new, rows[i].harms[0].part == MANIFEST ||
                                                   rows[i].harms[0].part == MANIFEST_GONE);
        if ((plan.first_lsn == plan.lsn + 1) != rows[i].is_log_new) {
            fail_msg("%s: the log begins with LSN %" PRIu64, rows[i].name, plan.first_lsn);
        }
        if (verify(&fixture, &totals) != HF_INSPECT_SOUND) {
            fail_msg("%s: it is not sound afterwards", rows[i].name);
        }
        assert_int_equal(totals.state_lsn, plan.lsn);
        assert_int_equal(totals.state_digest.low, plan.digest.low);
        assert_int_equal(totals.state_digest.high, plan.digest.high);
        assert_is_back(&fixture, rows[i].name, plan.lsn);
        goes_on(&fixture);
        hf_store_fixture_release(&fixture);
    }
}

/* Back to any LSN of a sound directory; the middle of a linked group is refused. */
static void any_lsn(void **state)
{
    struct hf_store_fixture fixture;
    uint64_t refused = 0;
    uint64_t done = 0;

    (void)state;
    make_directory(&fixture);
    struct hf_inspect_totals totals;
    assert_int_equal(verify(&fixture, &totals), HF_INSPECT_SOUND);
    struct hf_sim_disk *sound_disk = fixture.disk;
    const uint64_t last_lsn = totals.last_lsn;
    struct hf_digest *digests = malloc(fixture.digests_max * sizeof *digests);
    assert_non_null(digests);
    memcpy(digests, fixture.digests, fixture.digests_max * sizeof *digests);
    for (uint64_t lsn = 0; lsn <= last_lsn; lsn++) {
        struct hf_repair_plan plan;
        char error[TEXT_BYTES] = "";
        const bool is_end = digests[lsn].low != 0 || digests[lsn].high != 0;
        fixture.disk = hf_sim_disk_clone(sound_disk);
        memcpy(fixture.digests, digests, fixture.digests_max * sizeof *digests);
        if (!repair(&fixture, lsn, &plan, error)) {
            if (is_end) {
                fail_msg("LSN %" PRIu64 ": %s", lsn, error);
            }
            assert_non_null(strstr(error, "succeed or fail together"));
            assert_int_equal(verify(&fixture, &totals), HF_INSPECT_SOUND); /* as it was */
            assert_int_equal(totals.last_lsn, last_lsn);
            refused++;
        } else {
            assert_int_equal(plan.lost_last_lsn, last_lsn);
            assert_int_equal(plan.lost_records, last_lsn - lsn);
            assert_int_equal(verify(&fixture, &totals), HF_INSPECT_SOUND);
            if (is_end) { /* else it is one of the expiries that an operation logged first */
                assert_is_back(&fixture, "any", lsn);
            }
            hf_store_fixture_close(&fixture);
            done++;
        }
        hf_sim_disk_free(fixture.disk);
    }
    print_message("%" PRIu64 " repairs, %" PRIu64 " refused in linked groups\n", done, refused);
    assert_true(done > 0 && refused > 0);
    free(digests);
    fixture.disk = sound_disk;
    hf_store_fixture_release(&fixture);
}

/* Write what `change` makes of the bytes of a file. */
static void rewrite(const struct hf_store_fixture *fixture, const char *path,
                    size_t (*change)(unsigned char *bytes, size_t bytes_count, uint64_t arg),
                    uint64_t arg)
{
    const size_t bytes_count = (size_t)hf_sim_disk_file_bytes(fixture->disk, path);
    unsigned char *bytes = calloc(1, bytes_count + HF_MANIFEST_BYTES_MAX);

    assert_non_null(bytes);
    hf_sim_disk_peek(fixture->disk, path, 0, bytes, bytes_count);
    hf_sim_disk_put(fixture->disk, path, bytes, change(bytes, bytes_count, arg));
    free(bytes);
}

static size_t end_at(unsigned char *bytes, size_t bytes_count, uint64_t offset)
{
    memset(bytes + offset, 0, bytes_count - offset);
    return bytes_count;
}

static size_t name_snapshot(unsigned char *bytes, size_t bytes_count, uint64_t lsn)
{
    struct hf_manifest manifest;
    const char *why = NULL;

    assert_int_equal(hf_manifest_decode(&manifest, (const char *)bytes, bytes_count, &why), HF_OK);
    manifest.snapshot_lsn = lsn;
    return hf_manifest_encode(&manifest, (char *)bytes);
}

/*
 * The log ends before the LSN, in order or torn, and a snapshot that no manifest names is the state
 * of that LSN. There is nothing to cut: the whole log goes aside. Once it was an assertion.
 */
static void snapshot_behind_the_log(void **state)
{
    (void)state;
    for (int is_torn = 0; is_torn < 2; is_torn++) {
        struct hf_store_fixture fixture;
        struct hf_inspect_totals totals;
        struct hf_repair_plan plan;
        char error[TEXT_BYTES] = "";
        uint64_t older_lsn;
        uint64_t lsn;
        make_directory(&fixture);
        const struct files files = list_files(&fixture);
        (void)hf_directory_name(files.snapshots[0] + strlen(FOLDER), &older_lsn);
        (void)hf_directory_name(files.snapshots[1] + strlen(FOLDER), &lsn);
        const uint64_t offset = find_block(&fixture, files.segments[2], 2);
        rewrite(&fixture, files.segments[2], end_at, offset);
        rewrite(&fixture, FOLDER "MANIFEST", name_snapshot, older_lsn);
        if (is_torn) {
            hf_sim_disk_flip(fixture.disk, files.segments[2], offset + 9, 1);
        }
        assert_false(hf_store_fixture_open(&fixture));
        if (!repair(&fixture, lsn, &plan, error)) {
            fail_msg("%s", error);
        }
        assert_int_equal(plan.snapshot_lsn, lsn);
        assert_int_equal(plan.first_lsn, lsn + 1);
        assert_int_equal(plan.lost_last_lsn, lsn);
        assert_int_equal(verify(&fixture, &totals), HF_INSPECT_SOUND);
        assert_int_equal(totals.state_lsn, lsn);
        assert_is_back(&fixture, "a snapshot behind the log", lsn);
        goes_on(&fixture);
        hf_store_fixture_release(&fixture);
    }
}

/* The power goes at every call that changes the disk. */
static void power_cuts(void **state)
{
    static const enum hf_sim_fate fates[] = {HF_SIM_KEEP, HF_SIM_DROP, HF_SIM_MIX};
    static const size_t which[] = {0, 2, 4, 7, 9, 10, 15};
    const uint64_t seed = hf_random_seed();
    uint64_t cuts = 0;

    (void)state;
    for (size_t i = 0; i < 3 * sizeof which / sizeof which[0]; i++) {
        const struct row *row = &rows[which[i / 3]];
        const enum hf_sim_fate fate = fates[i % 3];
        struct hf_store_fixture fixture;
        struct hf_inspect_totals totals;
        struct hf_repair_plan plan;
        char error[TEXT_BYTES] = "";
        make_directory(&fixture);
        harm(&fixture, row);
        assert_int_equal(verify(&fixture, &totals), HF_INSPECT_DAMAGED);
        const uint64_t lsn = totals.state_lsn;
        struct hf_sim_disk *harmed_disk = fixture.disk;
        bool has_struck = true;
        for (uint64_t nth = 1; has_struck; nth++) {
            fixture.disk = hf_sim_disk_clone(harmed_disk);
            const struct hf_sim_fault fault = {.nth = nth,
                                               .calls = HF_SIM_CALLS_CHANGING & ~HF_SIM_OPEN,
                                               .error = EIO,
                                               .is_lasting = true};
            hf_sim_disk_fail(fixture.disk, &fault);
            (void)repair(&fixture, lsn, &plan, error);
            has_struck = hf_sim_disk_has_failed(fixture.disk);
            hf_sim_disk_crash(fixture.disk, fate, seed + nth);
            if (hf_store_fixture_open(&fixture)) {
                /* Done, or so far that a start does the rest. */
                assert_int_equal(hf_engine_lsn(fixture.engine), lsn);
                assert_true(hf_store_epoch(fixture.store) > 1);
                hf_store_fixture_close(&fixture);
            } else if (!repair(&fixture, lsn, &plan, error)) {
                fail_msg("%s, cut at call %" PRIu64 ": %s", row->name, nth, error);
            }
            assert_is_back(&fixture, row->name, lsn);
            hf_store_fixture_close(&fixture);
            if (verify(&fixture, &totals) != HF_INSPECT_SOUND) {
                fail_msg("%s, cut at call %" PRIu64 ": not sound", row->name, nth);
            }
            hf_sim_disk_free(fixture.disk);
            cuts++;
        }
        fixture.disk = harmed_disk;
        hf_store_fixture_release(&fixture);
    }
    print_message("%" PRIu64 " cuts\n", cuts);
}

static void refusals(void **state)
{
    struct hf_store_fixture fixture;
    struct hf_repair_plan plan;
    struct hf_inspect_totals totals;
    char error[TEXT_BYTES] = "";

    (void)state;
    make_directory(&fixture);
    assert_int_equal(verify(&fixture, &totals), HF_INSPECT_SOUND);
    const uint64_t lsn = totals.last_lsn;

    assert_false(repair(&fixture, lsn + 1, &plan, error));
    assert_non_null(strstr(error, "the log ends with LSN"));
    assert_true(hf_store_fixture_open(&fixture));
    assert_false(repair(&fixture, lsn, &plan, error));
    assert_non_null(strstr(error, "another process"));
    hf_store_fixture_close(&fixture);
    assert_null(hf_repair_begin("/nowhere", hf_sim_disk_table(fixture.disk), 1, error, TEXT_BYTES));
    /* A plan alone changes nothing. */
    struct hf_repair *planned =
        hf_repair_begin(HF_FIXTURE_FOLDER, hf_sim_disk_table(fixture.disk), lsn, error, TEXT_BYTES);
    assert_non_null(planned);
    hf_repair_end(planned);
    assert_true(hf_store_fixture_open(&fixture));
    hf_store_fixture_check(&fixture);
    assert_int_equal(hf_store_epoch(fixture.store), 1);
    hf_store_fixture_release(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_repaired),
        cmocka_unit_test(any_lsn),
        cmocka_unit_test(snapshot_behind_the_log),
        cmocka_unit_test(power_cuts),
        cmocka_unit_test(refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
