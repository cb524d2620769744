/*
 * test_crash_points.c - a run is cut off after every single step that it made on the disk.
 *
 * Method: a run over a recorded disk (tests/lib/disk_trace.h): a new directory, operations of all
 * kinds, roll-overs, snapshots, retention, stops and kills, starts. For every prefix of the trace,
 * and for each prefix a set of choices of what had not been synced (nothing; all; each sector
 * alone, missing, spoiled; the changes of names in every combination as long as they are few;
 * random mixes of all of it), the disk is built and the store is opened on it. It must open, stand
 * at an LSN that is not before what had been acknowledged by then, with the very digest that the
 * engine had at that LSN; go on writing; and after another loss of power be exactly there.
 * In some of the states the power goes once more, or the process ends, while the store recovers, at
 * each of its calls.
 *
 * A small part of the choices by default, by SEED; SCALE=full tries them all.
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

#include "engine/ledger.h"
#include "tests/lib/disk_trace.h"
#include "tests/lib/small_engine.h"
#include "tests/lib/store_fixture.h"

/* As many unsynced changes of names are tried in every combination. */
#define NAMES_ALL_MAX 4

/* How much is tried of a prefix. */
struct effort {
    uint32_t prefix_each; /* every so many-th prefix */
    uint32_t sectors_max; /* sectors that are alone, missing or spoiled; evenly spread */
    uint32_t mixes_count;
    uint32_t recovery_each; /* in every so many-th state recovery is cut off, too; 0: in none */
};

struct points {
    struct hf_store_fixture run;   /* what is recorded */
    struct hf_store_fixture again; /* what is built of it */
    struct hf_trace *trace;
    struct hf_trace_walk *walk;
    struct effort effort;
    uint64_t seed;
    uint64_t *hashes; /* of the states tried: an open table, 0 is free */
    size_t hashes_max;
    uint64_t prefixes_count, states_count, alike_count, recoveries_count;
    uint64_t violations_count;
    char first_violation[2048];
};

static bool is_full(void)
{
    const char *scale = getenv("SCALE");
    return scale != NULL && strcmp(scale, "full") == 0;
}

/* ------------------------------------------------------------------ the run */

static uint64_t newest_acked(void *arg)
{
    const struct points *points = arg;
    const struct hf_store_fixture *run = &points->run;
    const uint64_t lsn = run->store == NULL ? 0 : hf_store_synced_lsn(run->store);
    return lsn > run->acked_lsn ? lsn : run->acked_lsn;
}

static void points_init(struct points *points, const struct effort *effort)
{
    *points = (struct points){.effort = *effort, .seed = hf_random_seed()};
    hf_store_fixture_init(&points->run);
    hf_store_fixture_init(&points->again);
    points->run.random = points->seed;
    points->trace = hf_trace_create(hf_sim_disk_table(points->run.disk));
    points->run.table = hf_trace_table(points->trace);
    hf_trace_ask(points->trace, newest_acked, points);
}

static void points_release(struct points *points)
{
    print_message("ok %" PRIu64 " prefixes, %" PRIu64 " states recovered (%" PRIu64
                  " others were alike), %" PRIu64 " cut off again in recovery\n",
                  points->prefixes_count, points->states_count, points->alike_count,
                  points->recoveries_count);
    hf_trace_walk_free(points->walk);
    hf_store_fixture_release(&points->run);
    hf_store_fixture_release(&points->again);
    hf_trace_free(points->trace);
    free(points->hashes);
}

/* Leave little room in the newest segment, so that the log rolls over soon. */
static void shorten_log(struct points *points, uint64_t slack_bytes)
{
    static const unsigned char ZEROS[512];
    unsigned char sector[512];
    const struct hf_disk *disk = points->run.table;
    const char *newest = NULL;
    const char *path;

    for (size_t i = 0; (path = hf_sim_disk_name(points->run.disk, i)) != NULL; i++) {
        if (strstr(path, "/wal-") != NULL && strstr(path, ".tmp") == NULL) {
            newest = path; /* names stand in their order */
        }
    }
    assert_non_null(newest);
    uint64_t end = hf_sim_disk_file_bytes(points->run.disk, newest);
    while (end > sizeof sector) { /* back over the zeros */
        hf_sim_disk_peek(points->run.disk, newest, end - sizeof sector, sector, sizeof sector);
        if (memcmp(sector, ZEROS, sizeof sector) != 0) {
            break;
        }
        end -= sizeof sector;
    }
    end += slack_bytes;
    const int file = disk->open(disk->ctx, newest, HF_DISK_WRITE);
    assert_true(file >= 0);
    assert_int_equal(disk->truncate(disk->ctx, file, end), 0);
    assert_int_equal(disk->sync(disk->ctx, file), 0);
    assert_int_equal(disk->close(disk->ctx, file), 0);
}

/* Some frames of operations; the log thread comes by now and then. */
static void work(struct hf_store_fixture *run, uint32_t frames_count)
{
    for (uint32_t i = 0; i < frames_count; i++) {
        const uint64_t thrown = hf_random_next(&run->random);
        hf_store_fixture_work_any(run, 1 + (uint32_t)(thrown % 6));
        if (thrown / 64 % 8 == 0) {
            hf_store_fixture_work_large(run, 100); /* a group of several sectors */
        }
        if (thrown / 512 % 4 != 0) {
            (void)hf_store_log_step(run->store, run->now_us);
        }
        if (thrown / 4096 % 8 == 0) {
            (void)hf_store_spare_step(run->store);
        }
    }
}

/* Some days: a start, work, snapshots, roll-overs, and a stop or a kill at the end of each. */
static void record_days(struct points *points, uint32_t days_count)
{
    struct hf_store_fixture *run = &points->run;

    for (uint32_t day = 0; day < days_count; day++) {
        assert_true(hf_store_fixture_open(run));
        if (day > 0) {
            hf_store_fixture_check(run);
        }
        work(run, 8);
        if (day % 2 == 1) {
            assert_int_equal(hf_store_fixture_snapshot(run), HF_OK);
        }
        work(run, 8);
        if (day % 3 == 2) { /* a clean stop */
            assert_int_equal(hf_store_fixture_snapshot(run), HF_OK);
        } else if (day % 3 == 1) {
            assert_true(hf_store_fixture_drain(run));
        }
        run->acked_lsn = hf_store_synced_lsn(run->store);
        hf_store_fixture_close(run);
        if (day % 3 != 0) { /* which syncs it; after a kill it stays as the kill left it */
            shorten_log(points, UINT64_C(1024) * (day % 3 - 1));
        }
    }
}

/* Work until the ledger's history, which holds the log, begins behind the first segment; then a
 * snapshot, which drops it. Returns the step before that snapshot. */
static size_t record_dropping(struct points *points)
{
    struct hf_store_fixture *run = &points->run;

    record_days(points, 2);
    assert_true(hf_store_fixture_open(run));
    hf_store_fixture_work_large(run, 50);
    const uint64_t old_lsn = hf_engine_lsn(run->engine);
    while (hf_engine_ledger(run->engine)->first_lsn <= old_lsn) {
        hf_store_fixture_work_large(run, 4096);
        assert_true(hf_store_fixture_drain(run));
    }
    const size_t step = hf_trace_steps_count(points->trace);
    assert_int_equal(hf_store_fixture_snapshot(run), HF_OK);
    assert_true(hf_store_first_lsn(run->store) > 1);
    hf_store_fixture_work_any(run, 5);
    assert_true(hf_store_fixture_drain(run));
    return step;
}

/* ------------------------------------------------------------------ one state */

/* Words for what was tried, for the message of a failure. */
static const char *describe(const struct points *points, const struct hf_trace_choice *choice)
{
    static const char *const FATES[] = {"none", "all", "only", "but", "spoil", "mix"};
    static char text[256];

    (void)snprintf(text, sizeof text,
                   "SEED=%" PRIu64 " prefix %" PRIu64 ", sectors: %s %zu, names %" PRIx64
                   ", mix %" PRIu64,
                   points->seed, points->prefixes_count, FATES[choice->fate], choice->sector,
                   choice->names, choice->seed);
    return text;
}

static bool violate(struct points *points, const struct hf_trace_choice *choice, const char *what)
{
    if (points->violations_count++ == 0) {
        (void)snprintf(points->first_violation, sizeof points->first_violation, "%s: %s",
                       describe(points, choice), what);
    }
    return false;
}

/* Open the store on the built disk: it stands where history stood. */
static bool open_again(struct points *points, const struct hf_trace_choice *choice,
                       uint64_t acked_lsn)
{
    struct hf_store_fixture *again = &points->again;
    const struct hf_store_fixture *run = &points->run;

    if (!hf_store_fixture_open(again)) {
        return violate(points, choice, again->error);
    }
    const uint64_t lsn = hf_engine_lsn(again->engine);
    if (lsn < acked_lsn) {
        return violate(points, choice, "what was acknowledged is lost");
    }
    if (lsn >= run->digests_max ||
        !hf_digest_is_equal(hf_engine_digest(again->engine), run->digests[lsn])) {
        return violate(points, choice, "history never had this state at this LSN");
    }
    if (hf_store_durable_lsn(again->store) != lsn) {
        return violate(points, choice, "what was recovered does not count as durable");
    }
    return true;
}

static void take_disk(struct hf_store_fixture *fixture, struct hf_sim_disk *disk)
{
    hf_store_fixture_close(fixture);
    hf_sim_disk_free(fixture->disk);
    fixture->disk = disk;
    fixture->log_bytes = 0;
}

/* The store is open: it goes on writing, loses power, and is there again with all of it. */
static bool go_on(struct points *points, const struct hf_trace_choice *choice)
{
    struct hf_store_fixture *again = &points->again;

    again->now_us = points->run.now_us;
    again->random = points->states_count;
    hf_store_fixture_work_any(again, 2);
    hf_store_fixture_work_large(again, 1);
    assert_true(hf_store_fixture_drain(again));
    const uint64_t lsn = hf_engine_lsn(again->engine);
    const struct hf_digest digest = hf_engine_digest(again->engine);
    hf_store_fixture_crash(again, HF_SIM_DROP, 0);
    if (!hf_store_fixture_open(again)) {
        return violate(points, choice, again->error);
    }
    if (hf_engine_lsn(again->engine) != lsn ||
        !hf_digest_is_equal(hf_engine_digest(again->engine), digest)) {
        return violate(points, choice, "it went on, and what it acknowledged then is lost");
    }
    return true;
}

static void recover_state(struct points *points, const struct hf_trace_choice *choice,
                          uint64_t acked_lsn)
{
    struct hf_store_fixture *again = &points->again;

    take_disk(again, hf_trace_walk_build(points->walk, choice));
    points->states_count++;
    if (open_again(points, choice, acked_lsn) && go_on(points, choice) &&
        points->states_count % 16 == 0) {
        hf_store_fixture_audit(again);
    }
}

/* Recovery is cut off at its `nth` call that changes the disk; false: it ended before that. */
static bool cut_off(struct points *points, const struct hf_trace_choice *choice, uint64_t nth)
{
    const struct hf_sim_fault cut = {
        .nth = nth, .calls = HF_SIM_CALLS_CHANGING, .error = EIO, .is_lasting = true};
    struct hf_store_fixture *again = &points->again;

    take_disk(again, hf_trace_walk_build(points->walk, choice));
    hf_sim_disk_fail(again->disk, &cut);
    const bool is_open = hf_store_fixture_open(again);
    const bool has_struck = hf_sim_disk_has_failed(again->disk);
    assert_true(is_open == !has_struck);
    points->recoveries_count++;
    return has_struck;
}

/* The power goes while the store recovers, or the process is killed: at each call that changes
 * the disk. What a process has left in memory only is not on the disk for the next one, either. */
static void recover_interrupted(struct points *points, const struct hf_trace_choice *choice,
                                uint64_t acked_lsn)
{
    static const enum hf_sim_fate FATES[] = {HF_SIM_DROP, HF_SIM_SPOIL, HF_SIM_MIX};
    struct hf_store_fixture *again = &points->again;
    bool has_struck = true;

    for (uint64_t nth = 1; has_struck; nth++) {
        has_struck = cut_off(points, choice, nth);
        hf_store_fixture_crash(again, FATES[(nth + points->states_count) % 3], nth);
        if (!open_again(points, choice, acked_lsn)) {
            return;
        }
        (void)cut_off(points, choice, nth);
        hf_store_fixture_close(again);
        hf_sim_disk_fail(again->disk, &(struct hf_sim_fault){0});
        if (!open_again(points, choice, acked_lsn) || !go_on(points, choice)) {
            return;
        }
    }
}

/* ------------------------------------------------------------------ all of them */

/* True when no state like this one was tried yet. */
static bool is_new(struct points *points, uint64_t hash)
{
    hash = hash == 0 ? 1 : hash;
    if ((points->states_count + 1) * 2 > points->hashes_max) {
        uint64_t *old = points->hashes;
        const size_t old_max = points->hashes_max;
        points->hashes_max = old_max == 0 ? 4096 : 2 * old_max;
        points->hashes = calloc(points->hashes_max, sizeof *points->hashes);
        assert_non_null(points->hashes);
        for (size_t i = 0; i < old_max; i++) {
            if (old[i] != 0) {
                (void)is_new(points, old[i]);
            }
        }
        free(old);
    }
    size_t at = (size_t)hash & (points->hashes_max - 1);
    while (points->hashes[at] != 0 && points->hashes[at] != hash) {
        at = (at + 1) & (points->hashes_max - 1);
    }
    if (points->hashes[at] == hash) {
        return false;
    }
    points->hashes[at] = hash;
    return true;
}

static void try_choice(struct points *points, const struct hf_trace_choice *choice)
{
    const uint64_t acked_lsn = hf_trace_walk_left(points->walk).acked_lsn;
    const uint64_t hash = hf_trace_walk_hash(points->walk, choice);

    /* The same disk again after more was acknowledged is another question. */
    if (!is_new(points, hash ^ (acked_lsn * UINT64_C(0x9E3779B97F4A7C15)))) {
        points->alike_count++;
        return;
    }
    recover_state(points, choice, acked_lsn);
    const uint32_t each = points->effort.recovery_each;
    if (each != 0 && points->states_count % each == 1) {
        recover_interrupted(points, choice, acked_lsn);
    }
}

/* Each sector by itself: alone, missing, spoiled; evenly spread when there are too many. */
static void try_sectors(struct points *points, size_t sectors_count, uint64_t names)
{
    const uint32_t max = points->effort.sectors_max;
    if (max == 0) {
        return;
    }
    const size_t stride = sectors_count <= max ? 1 : (sectors_count + max - 1) / max;

    for (size_t i = points->prefixes_count % stride; i < sectors_count; i += stride) {
        for (int fate = HF_TRACE_ONLY; fate <= HF_TRACE_SPOIL; fate++) {
            try_choice(points, &(struct hf_trace_choice){.fate = (enum hf_trace_fate)fate,
                                                         .sector = i,
                                                         .names = names,
                                                         .seed = points->seed + i});
        }
    }
}

static void try_prefix(struct points *points)
{
    const struct hf_trace_left left = hf_trace_walk_left(points->walk);
    const uint64_t all =
        left.names_count >= 64 ? UINT64_MAX : (UINT64_C(1) << left.names_count) - 1;

    points->prefixes_count++;
    for (uint64_t i = 0; i <= (left.names_count <= NAMES_ALL_MAX ? all : 2 * left.names_count);
         i++) {
        /* Too many to combine: the first ones, and each one missing. */
        const uint64_t half = i / 2 < 63 ? (UINT64_C(1) << i / 2) : 0;
        const uint64_t names = left.names_count <= NAMES_ALL_MAX ? i
                               : i % 2 == 0                      ? half - 1
                                                                 : all & ~half;
        try_choice(points, &(struct hf_trace_choice){.fate = HF_TRACE_NONE, .names = names});
        try_choice(points, &(struct hf_trace_choice){.fate = HF_TRACE_ALL, .names = names});
    }
    try_sectors(points, left.sectors_count, all);
    if (all != 0) {
        try_sectors(points, left.sectors_count, 0);
    }
    for (uint32_t i = 0; i < points->effort.mixes_count; i++) {
        uint64_t state = points->seed + points->prefixes_count * 1000 + i;
        const uint64_t names = hf_random_next(&state) & all;
        try_choice(points,
                   &(struct hf_trace_choice){.fate = HF_TRACE_MIX, .names = names, .seed = state});
    }
}

/* Every prefix from `first_step` on, and the whole run. */
static void try_all(struct points *points, size_t first_step)
{
    size_t step = 0;

    hf_store_fixture_close(&points->run);
    points->walk = hf_trace_walk_create(points->trace);
    do {
        if (step >= first_step && (step - first_step) % points->effort.prefix_each == 0) {
            try_prefix(points);
        }
        step++;
    } while (hf_trace_walk_step(points->walk));
}

static void assert_sound(const struct points *points)
{
    if (points->violations_count > 0) {
        fail_msg("%" PRIu64 " violations, the first: %s", points->violations_count,
                 points->first_violation);
    }
}

static void every_point(void **state)
{
    const struct effort effort =
        is_full() ? (struct effort){1, 64, 24, 10} : (struct effort){1, 2, 2, 100};
    struct points points;

    points_init(&points, &effort);
    points.run.config.durability = *(const enum hf_durability *)*state;
    points.run.config.snapshots_kept = 1;
    record_days(&points, is_full() ? 9 : 4);
    try_all(&points, 0);
    assert_sound(&points);
    points_release(&points);
}

/* A disk that says it has synced and has not is found out, whatever it lies about. */
static void a_disk_that_lies(void **state)
{
    const struct effort effort = {1, 1, 1, 0};
    const enum hf_trace_lie lies[] = {HF_TRACE_LIE_SYNC, HF_TRACE_LIE_SYNC_DIR};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct points points;
        points_init(&points, &effort);
        hf_trace_lie(points.trace, lies[i]);
        record_days(&points, 2);
        try_all(&points, 0);
        assert_true(points.violations_count > 0);
        print_message("found: %s\n", points.first_violation);
        points_release(&points);
    }
}

static void every_point_of_dropping(void **state)
{
    const struct effort effort =
        is_full() ? (struct effort){1, 4, 4, 50} : (struct effort){4, 0, 0, 0};
    struct points points;

    (void)state;
    points_init(&points, &effort);
    points.run.config.snapshots_kept = 1;
    const size_t first_step = record_dropping(&points);
    try_all(&points, first_step);
    assert_sound(&points);
    points_release(&points);
}

int main(void)
{
    static enum hf_durability sync = HF_DURABILITY_SYNC;
    static enum hf_durability none = HF_DURABILITY_NONE;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_prestate(every_point, &sync),
        cmocka_unit_test_prestate(every_point, &none),
        cmocka_unit_test(every_point_of_dropping),
        cmocka_unit_test(a_disk_that_lies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
