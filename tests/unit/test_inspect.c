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
#define SEGMENT HF_FIXTURE_SEGMENT_1

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

/* Three segments, snapshots in the first and the second, several blocks in each; closed. */
static void make_directory(struct hf_store_fixture *fixture)
{
    hf_store_fixture_init(fixture);
    fixture->config.log_kept_bytes = UINT64_C(1) << 40;
    assert_true(hf_store_fixture_open(fixture));
    for (int segment = 0; segment < 3; segment++) {
        for (int group = 0; group < 5; group++) {
            hf_store_fixture_work(fixture, 20);
            assert_true(hf_store_fixture_drain(fixture));
        }
        if (segment < 2) {
            assert_int_equal(hf_store_fixture_snapshot(fixture), HF_OK);
            while (!hf_sim_disk_exists(fixture->disk, FOLDER "spare.log")) {
                assert_true(hf_store_spare_step(fixture->store));
            }
            /* Fill the segment. */
            const uint64_t files = 2 + (uint64_t)segment;
            uint64_t segments = 0;
            while (segments < files) {
                hf_store_fixture_work_large(fixture, 4000);
                assert_true(hf_store_fixture_drain(fixture));
                segments = 0;
                for (size_t i = 0; hf_sim_disk_name(fixture->disk, i) != NULL; i++) {
                    segments += strstr(hf_sim_disk_name(fixture->disk, i), "wal-") != NULL ? 1 : 0;
                }
            }
        }
    }
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
