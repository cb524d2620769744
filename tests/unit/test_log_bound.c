/*
 * test_log_bound.c - the log takes no more than log_max: warned of, made room for, refused at last.
 *
 * Method: a store over a simulated disk with small segments, driven by hand: receipts fill the
 * log, the steps of its threads come in between. What the files really take is read from the
 * disk after each operation. Every consumer in turn holds on to the log: kept snapshots, log_kept,
 * a backup; or no snapshot can be written at all.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "engine/limits.h"
#include "persistence/backup.h"
#include "persistence/directory.h"
#include "persistence/retention.h"
#include "tests/lib/store_fixture.h"

#define RECEIPTS_COUNT 1500
#define SEGMENT ((uint64_t)HF_SEGMENT_BYTES_MIN)
#define SEGMENTS_MAX 5u

static void setup(struct hf_store_fixture *fixture)
{
    hf_store_fixture_init(fixture);
    fixture->config.log_max_bytes = SEGMENTS_MAX * SEGMENT;
}

static uint64_t disk_bytes(struct hf_store_fixture *fixture)
{
    const struct hf_directory *directory = hf_store_directory(fixture->store);
    struct hf_listing listing;
    uint64_t bytes_count = 0;

    assert_int_equal(hf_directory_list(directory, &listing), 0);
    for (size_t i = 0; i < listing.segments_count; i++) {
        const int64_t file_bytes = hf_segment_file_bytes(directory, listing.segments[i]);
        assert_true(file_bytes > 0);
        bytes_count += (uint64_t)file_bytes;
    }
    bytes_count += listing.has_spare ? SEGMENT : 0;
    hf_listing_release(&listing);
    return bytes_count;
}

static uint64_t log_size(const struct hf_store_fixture *fixture)
{
    struct hf_store_stats stats;
    hf_store_stats(fixture->store, &stats);
    assert_int_equal(stats.log_max_bytes, fixture->config.log_max_bytes);
    return stats.log_size_bytes;
}

static uint64_t written_bytes(const struct hf_store_fixture *fixture)
{
    struct hf_store_stats stats;
    hf_store_stats(fixture->store, &stats);
    return stats.log_bytes;
}

/* What the threads do between operations; the worker without a snapshot. */
static void turn(struct hf_store_fixture *fixture)
{
    hf_store_publish(fixture->store, hf_engine_lsn(fixture->engine));
    assert_true(hf_store_fixture_drain(fixture));
    hf_store_spare_retry(fixture->store);
    (void)hf_store_spare_step(fixture->store);
    while (hf_store_snapshot_write_step(fixture->store, fixture->now_us) == HF_STORE_WORKED) {
    }
    (void)hf_store_spare_step(fixture->store);
    assert_true(hf_store_fixture_drain(fixture));
    assert_int_equal(log_size(fixture), disk_bytes(fixture));
    if (fixture->config.log_max_bytes > 0) {
        assert_true(log_size(fixture) <= fixture->config.log_max_bytes);
    }
}

/* A name that does not pack. */
static struct hf_text random_text(struct hf_store_fixture *fixture, char text[HF_CODE_BYTES_MAX])
{
    for (size_t i = 0; i < HF_CODE_BYTES_MAX; i++) {
        fixture->random = fixture->random * UINT64_C(6364136223846793005) + 1442695040888963407U;
        text[i] = (char)('!' + (fixture->random >> 40) % 94);
    }
    return (struct hf_text){text, HF_CODE_BYTES_MAX};
}

/* Receipts, if they are taken: each leaves two names in the log, and little in the state. */
static bool receive(struct hf_store_fixture *fixture)
{
    struct hf_op_line line = {
        .sku = hf_text_of("A"), .location = hf_text_of("warehouse"), .units = 1};
    struct hf_result result;

    if (!hf_store_writable(fixture->store)) {
        return false;
    }
    for (uint32_t i = 0; i < RECEIPTS_COUNT; i++) {
        char order[HF_CODE_BYTES_MAX];
        char by[HF_CODE_BYTES_MAX];
        const struct hf_op op = {.kind = HF_KIND_RECEIVE,
                                 .order = random_text(fixture, order),
                                 .by = random_text(fixture, by),
                                 .lines = &line,
                                 .lines_count = 1};
        hf_engine_apply(fixture->engine, &op, ++fixture->now_us, &result);
        assert_true(result.outcome == HF_OK || result.outcome == HF_BUSY);
    }
    turn(fixture);
    return true;
}

/* Until the files take so many segments. */
static void fill(struct hf_store_fixture *fixture, uint64_t segments_count)
{
    while (log_size(fixture) < segments_count * SEGMENT) {
        assert_true(receive(fixture));
    }
}

static void fill_until_read_only(struct hf_store_fixture *fixture)
{
    while (receive(fixture)) {
    }
    assert_int_equal(hf_store_durable_lsn(fixture->store), hf_engine_lsn(fixture->engine));
}

static uint32_t said_count(const struct hf_store_fixture *fixture, const char *text)
{
    uint32_t count = 0;
    for (const char *at = fixture->log; at != NULL && (at = strstr(at, text)) != NULL; at++) {
        count++;
    }
    return count;
}

static bool is_due(struct hf_store_fixture *fixture)
{
    (void)hf_store_snapshot_is_due(fixture->store, fixture->now_us); /* the clock counts from now */
    fixture->now_us += 1000000;
    return hf_store_snapshot_is_due(fixture->store, fixture->now_us);
}

static void snapshot(struct hf_store_fixture *fixture)
{
    assert_int_equal(hf_store_fixture_snapshot(fixture), HF_OK);
    turn(fixture);
}

/* A warning at four fifths, once; a snapshot is due then, though the settings ask for none. */
static void near_is_said_once(void **state)
{
    struct hf_store_fixture fixture;

    (void)state;
    setup(&fixture);
    assert_true(hf_store_fixture_open(&fixture));
    fill(&fixture, 3);
    assert_int_equal(said_count(&fixture, "w the log takes"), 0);
    assert_false(is_due(&fixture));
    fill(&fixture, 4);
    assert_int_equal(said_count(&fixture, "w the log takes 32 MiB and may take 40 MiB"), 1);
    assert_true(is_due(&fixture));
    fill(&fixture, 5);
    assert_int_equal(said_count(&fixture, "w the log takes"), 1);
    snapshot(&fixture);
    assert_true(log_size(&fixture) <= 3 * SEGMENT); /* the ledger has its part up to the half */
    assert_false(is_due(&fixture));
    fill(&fixture, 4);
    assert_int_equal(said_count(&fixture, "w the log takes"), 2); /* it came near again */
    snapshot(&fixture);
    assert_false(is_due(&fixture)); /* nothing has changed since */
    hf_store_fixture_release(&fixture);
}

/* With a snapshot whenever one is due the log goes on for ever, whatever else would be kept. */
static void it_goes_on(void **state)
{
    static const struct {
        uint32_t snapshots_kept;
        uint64_t log_kept_bytes;
    } cases[] = {{1, 0}, {2, 0}, {5, 0}, {1, UINT64_MAX}, {2, UINT64_MAX}};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct hf_store_fixture fixture;
        uint32_t snapshots_count = 0;
        setup(&fixture);
        fixture.config.snapshots_kept = cases[i].snapshots_kept;
        fixture.config.log_kept_bytes = cases[i].log_kept_bytes;
        assert_true(hf_store_fixture_open(&fixture));
        while (written_bytes(&fixture) < 3 * fixture.config.log_max_bytes) {
            assert_true(receive(&fixture));
            if (is_due(&fixture)) {
                snapshot(&fixture);
                snapshots_count++;
            }
        }
        assert_true(snapshots_count > 1 && snapshots_count < 100);
        assert_false(hf_store_fixture_said(&fixture, "read only"));
        assert_true(hf_store_first_lsn(fixture.store) > 1);
        hf_store_fixture_crash(&fixture, HF_SIM_MIX, i);
        assert_true(hf_store_fixture_open(&fixture));
        assert_int_equal(log_size(&fixture), disk_bytes(&fixture));
        hf_store_fixture_audit(&fixture);
        hf_store_fixture_release(&fixture);
    }
}

/* Without snapshots writes are refused at the bound, for a reason that is named; the first one that
 * can be written ends that, also across a start. An older one gives way where it must. */
static void snapshots_fail(void **state)
{
    (void)state;
    for (uint32_t variant = 0; variant < 4; variant++) {
        struct hf_store_fixture fixture;
        setup(&fixture);
        assert_true(hf_store_fixture_open(&fixture));
        if (variant % 2 == 1) {
            assert_true(receive(&fixture));
            snapshot(&fixture); /* the log from here on is needed for this one */
        }
        fill_until_read_only(&fixture);
        assert_int_equal(hf_store_cause(fixture.store), HF_STORE_LOG_MAX);
        assert_int_equal(said_count(&fixture, "e read only from now on"), 1);
        assert_int_equal(said_count(&fixture, "would take the log beyond log_max"), 1);
        assert_int_equal(said_count(&fixture, "the log would take more than log_max, 40 MiB"), 1);
        assert_true(log_size(&fixture) > (SEGMENTS_MAX - 1) * SEGMENT);
        turn(&fixture);
        assert_false(hf_store_writable(fixture.store));
        if (variant >= 2) {
            hf_store_fixture_crash(&fixture, HF_SIM_DROP, variant);
            assert_true(hf_store_fixture_open(&fixture));
            turn(&fixture);
            fill_until_read_only(&fixture);
            assert_int_equal(hf_store_cause(fixture.store), HF_STORE_LOG_MAX);
        }
        assert_true(is_due(&fixture));
        snapshot(&fixture);
        assert_true(hf_store_writable(fixture.store));
        assert_int_equal(hf_store_cause(fixture.store), HF_STORE_WRITABLE);
        assert_int_equal(hf_store_fixture_said(&fixture, "only the newest snapshot is kept"),
                         variant % 2 == 1);
        assert_true(hf_store_fixture_said(&fixture, "writes are taken again"));
        for (int k = 0; k < 20; k++) {
            assert_true(receive(&fixture));
        }
        hf_store_fixture_audit(&fixture);
        hf_store_fixture_release(&fixture);
    }
}

/* A bound that is lower than what is there already: the next snapshot brings the log below it. */
static void a_lower_bound(void **state)
{
    struct hf_store_fixture fixture;

    (void)state;
    setup(&fixture);
    assert_true(hf_store_fixture_open(&fixture));
    fill(&fixture, 5);
    hf_store_fixture_close(&fixture);
    fixture.config.log_max_bytes = (HF_LOG_SEGMENTS_MIN - 1) * SEGMENT + SEGMENT - 512;
    assert_false(hf_store_fixture_open(&fixture));
    assert_non_null(strstr(fixture.error, "room for four segments"));
    fixture.config.log_max_bytes = HF_LOG_SEGMENTS_MIN * SEGMENT;
    assert_true(hf_store_fixture_open(&fixture));
    assert_true(hf_store_fixture_said(&fixture, "w the log takes"));
    assert_true(is_due(&fixture));
    snapshot(&fixture);
    fixture.config.snapshots_kept = 1;
    while (written_bytes(&fixture) < 2 * fixture.config.log_max_bytes) {
        assert_true(receive(&fixture));
        if (is_due(&fixture)) {
            snapshot(&fixture);
        }
    }
    hf_store_fixture_release(&fixture);
}

/* A backup keeps everything, but not beyond the bound. */
static void a_hold_ends_at_the_bound(void **state)
{
    struct hf_store_fixture fixture;

    (void)state;
    setup(&fixture);
    fixture.config.snapshots_kept = 1;
    assert_true(hf_store_fixture_open(&fixture));
    assert_true(receive(&fixture));
    hf_store_hold(fixture.store);
    fill(&fixture, 4);
    snapshot(&fixture);
    assert_true(log_size(&fixture) >= 4 * SEGMENT); /* held */
    assert_int_equal(hf_store_first_lsn(fixture.store), 1);
    fill(&fixture, SEGMENTS_MAX);
    assert_int_equal(hf_store_holds_broken(fixture.store), 0);
    while (hf_store_holds_broken(fixture.store) == 0) {
        assert_true(receive(&fixture)); /* rather than be refused */
    }
    assert_true(receive(&fixture));
    assert_true(hf_store_fixture_said(&fixture, "dropped though a backup is being made"));
    assert_true(hf_store_first_lsn(fixture.store) > 1);
    hf_store_let_go(fixture.store);
    hf_store_fixture_release(&fixture);
}

static bool is_overtaken; /* the log was filled while the backup was made */

static bool overtake(void *arg, uint64_t bytes_done, uint64_t bytes_total)
{
    struct hf_store_fixture *fixture = arg;

    (void)bytes_done;
    (void)bytes_total;
    while (!is_overtaken && hf_store_holds_broken(fixture->store) == 0) {
        assert_true(receive(fixture));
        if (is_due(fixture)) {
            snapshot(fixture);
        }
    }
    is_overtaken = true;
    return true;
}

static void a_backup_is_overtaken(void **state)
{
    struct hf_store_fixture fixture;
    struct hf_backup backup;
    char error[512] = "";

    (void)state;
    setup(&fixture);
    assert_true(hf_store_fixture_open(&fixture));
    fill(&fixture, 3);
    const struct hf_backup_args args = {
        .folder = "/backups", .name = "monday", .progress_cb = overtake, .progress_arg = &fixture};
    const struct hf_disk *disk = hf_sim_disk_table(fixture.disk);
    assert_int_equal(disk->make_dir(disk->ctx, "/backups"), 0);
    is_overtaken = false;
    assert_int_equal(hf_backup_make(fixture.store, &args, &backup, error, sizeof error), HF_GONE);
    assert_non_null(strstr(error, "log_max"));
    /* The next one, which nobody overtakes, is made. */
    assert_int_equal(hf_backup_make(fixture.store, &args, &backup, error, sizeof error), HF_OK);
    hf_store_fixture_release(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(near_is_said_once),        cmocka_unit_test(it_goes_on),
        cmocka_unit_test(snapshots_fail),           cmocka_unit_test(a_lower_bound),
        cmocka_unit_test(a_hold_ends_at_the_bound), cmocka_unit_test(a_backup_is_overtaken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
