/*
 * test_failed_calls.c - each allocation and each call to the disk fails in turn, in every phase.
 *
 * Method: a directory is prepared once; each phase (rows of `phases`) is played over a copy of it
 * again and again, with the n-th call failing, for n = 1, 2, 3 ... until the phase ends without
 * the fault having struck. Calls to the disk fail with errors that they may have, once or for ever
 * from there; allocations (malloc, calloc, realloc, mmap) fail once or for ever.
 *
 * Demanded: nothing crashes (make asan runs this, too); what fails says so in words; a process that
 * has not declared its log failed goes on as soon as the fault is gone; and the next start, after
 * the end of the process or after a loss of power, finds all that was acknowledged and a state of
 * history, goes on, and is there after one more start.
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

#include "persistence/inspect.h"
#include "tests/lib/fail_alloc.h"
#include "tests/lib/small_engine.h"
#include "tests/lib/store_fixture.h"

/* ------------------------------------------------------------------ phases */

/* False: something failed, and fixture->error or the report says what. */
typedef bool (*phase_cb)(struct hf_store_fixture *fixture);

static bool play_start(struct hf_store_fixture *fixture)
{
    return hf_store_fixture_open(fixture);
}

static bool play_write(struct hf_store_fixture *fixture)
{
    for (int i = 0; i < 10; i++) {
        hf_store_fixture_work_any(fixture, 4);
        if (!hf_store_fixture_drain(fixture)) {
            return false;
        }
    }
    return true;
}

/* The newest segment is full: the first group makes a new one. */
static bool play_roll_over(struct hf_store_fixture *fixture)
{
    hf_store_fixture_work_any(fixture, 20);
    return hf_store_fixture_drain(fixture);
}

static bool play_roll_over_to_spare(struct hf_store_fixture *fixture)
{
    (void)hf_store_spare_step(fixture->store);
    return play_roll_over(fixture);
}

static bool play_snapshot(struct hf_store_fixture *fixture)
{
    hf_store_fixture_work_any(fixture, 10);
    return hf_store_fixture_snapshot(fixture) == HF_OK;
}

/* As a clean stop: the last group, a snapshot, the end. */
static bool play_stop(struct hf_store_fixture *fixture)
{
    hf_store_fixture_work_any(fixture, 10);
    const bool is_done = hf_store_fixture_drain(fixture) && hf_store_log_sync(fixture->store) &&
                         hf_store_fixture_snapshot(fixture) == HF_OK;
    hf_store_fixture_close(fixture);
    return is_done;
}

struct phase {
    const char *name;
    phase_cb play;
    bool is_new;     /* on an empty disk */
    bool is_running; /* the store is open before the phase begins */
    bool is_full;    /* the newest segment is */
};

static const struct phase phases[] = {
    {"start of a new directory", play_start, true, false, false},
    {"start with recovery", play_start, false, false, false},
    {"write", play_write, false, true, false},
    {"write in a new directory", play_write, true, true, false},
    {"roll-over", play_roll_over, false, true, true},
    {"roll-over to the spare", play_roll_over_to_spare, false, true, true},
    {"snapshot", play_snapshot, false, true, false},
    {"snapshot after a roll-over", play_snapshot, false, true, true},
    {"stop", play_stop, false, true, false},
};
#define PHASES_COUNT (sizeof phases / sizeof phases[0])

/* ------------------------------------------------------------------ the directories */

/* The disk of the test takes memory, too: it is not what fails. The table passes on. */
struct quiet {
    struct hf_disk table;
    const struct hf_disk *below;
};

#define PASS(type, name, parameters, arguments)                                                    \
    static type quiet_##name parameters                                                            \
    {                                                                                              \
        const struct hf_disk *below = ((const struct quiet *)ctx)->below;                          \
        hf_fail_alloc_pause();                                                                     \
        const type result = below->name arguments;                                                 \
        hf_fail_alloc_resume();                                                                    \
        return result;                                                                             \
    }

PASS(int, open, (void *ctx, const char *path, int flags), (below->ctx, path, flags))
PASS(int, close, (void *ctx, int file), (below->ctx, file))
PASS(int64_t, size, (void *ctx, int file), (below->ctx, file))
PASS(int64_t, read, (void *ctx, int file, void *bytes, size_t bytes_count, uint64_t offset),
     (below->ctx, file, bytes, bytes_count, offset))
PASS(int64_t, write, (void *ctx, int file, const void *bytes, size_t bytes_count, uint64_t offset),
     (below->ctx, file, bytes, bytes_count, offset))
PASS(int, allocate, (void *ctx, int file, uint64_t bytes_count), (below->ctx, file, bytes_count))
PASS(int, truncate, (void *ctx, int file, uint64_t bytes_count), (below->ctx, file, bytes_count))
PASS(int, sync, (void *ctx, int file), (below->ctx, file))
PASS(int, forget, (void *ctx, int file), (below->ctx, file))
PASS(int, rename, (void *ctx, const char *from, const char *to), (below->ctx, from, to))
PASS(int, unlink, (void *ctx, const char *path), (below->ctx, path))
PASS(int, make_dir, (void *ctx, const char *path), (below->ctx, path))
PASS(int, sync_dir, (void *ctx, const char *path), (below->ctx, path))

/* Not paused: the callback is the code under test; the simulated disk takes no memory here. */
static int quiet_list(void *ctx, const char *path, void (*cb)(void *arg, const char *name),
                      void *arg)
{
    const struct hf_disk *below = ((const struct quiet *)ctx)->below;
    return below->list(below->ctx, path, cb, arg);
}

static void quiet_init(struct quiet *quiet, const struct hf_disk *below)
{
    *quiet = (struct quiet){
        .table = {.ctx = quiet,
                  .open = quiet_open,
                  .close = quiet_close,
                  .size = quiet_size,
                  .read = quiet_read,
                  .write = quiet_write,
                  .allocate = quiet_allocate,
                  .truncate = quiet_truncate,
                  .sync = quiet_sync,
                  .forget = quiet_forget,
                  .rename = quiet_rename,
                  .unlink = quiet_unlink,
                  .make_dir = quiet_make_dir,
                  .sync_dir = quiet_sync_dir,
                  .list = quiet_list},
        .below = below,
    };
}

/* What a phase begins with, and where it is played. */
struct world {
    struct hf_store_fixture prepared[2]; /* closed: a new disk, and one with history */
    struct hf_store_fixture fixture;
    struct quiet quiet;
};

static void own_memory(bool is_begin)
{
    if (is_begin) {
        hf_fail_alloc_pause();
    } else {
        hf_fail_alloc_resume();
    }
}

static void world_init(struct world *world)
{
    struct hf_store_fixture *used = &world->prepared[1];
    const struct hf_engine_config engine_config = hf_small_config();

    *world = (struct world){0};
    for (int i = 0; i < 2; i++) {
        hf_store_fixture_init(&world->prepared[i]);
        world->prepared[i].random = hf_random_seed();
        world->prepared[i].config.snapshots_kept = 1;
        world->prepared[i].engine_config = engine_config;
        world->prepared[i].engine_config.ledger_bytes = HF_LEDGER_BYTES_MIN;
    }
    assert_true(hf_store_fixture_open(used));
    for (int day = 0; day < 3; day++) {
        assert_true(play_write(used));
        if (day < 2) {
            assert_int_equal(hf_store_fixture_snapshot(used), HF_OK);
            hf_store_fixture_close(used);
            for (size_t i = 0; hf_sim_disk_name(used->disk, i) != NULL; i++) {
                hf_sim_disk_trim(used->disk, hf_sim_disk_name(used->disk, i), 0);
            }
            assert_true(hf_store_fixture_open(used));
        }
    }
    hf_store_fixture_close(used);
}

static void world_release(struct world *world)
{
    hf_store_fixture_release(&world->prepared[0]);
    hf_store_fixture_release(&world->prepared[1]);
}

static void leave(struct world *world)
{
    hf_store_fixture_close(&world->fixture);
    hf_sim_disk_free(world->fixture.disk);
    free(world->fixture.digests);
    free(world->fixture.log);
}

/* A copy of what the phase begins with; nothing fails yet. */
static void enter(struct world *world, const struct phase *phase)
{
    const struct hf_store_fixture *prepared = &world->prepared[phase->is_new ? 0 : 1];
    struct hf_store_fixture *fixture = &world->fixture;

    *fixture = *prepared;
    fixture->log = NULL;
    fixture->log_bytes = 0;
    fixture->disk = hf_sim_disk_clone(prepared->disk);
    if (phase->is_full) {
        for (size_t i = 0; hf_sim_disk_name(fixture->disk, i) != NULL; i++) {
            if (strstr(hf_sim_disk_name(fixture->disk, i), "/wal-") != NULL) {
                hf_sim_disk_trim(fixture->disk, hf_sim_disk_name(fixture->disk, i), 0);
            }
        }
    }
    if (prepared->digests != NULL) {
        fixture->digests = malloc(prepared->digests_max * sizeof *fixture->digests);
        assert_non_null(fixture->digests);
        memcpy(fixture->digests, prepared->digests,
               prepared->digests_max * sizeof *fixture->digests);
    }
    fixture->own_memory_cb = own_memory;
    quiet_init(&world->quiet, hf_sim_disk_table(fixture->disk));
    fixture->table = &world->quiet.table;
    if (phase->is_running) {
        assert_true(hf_store_fixture_open(fixture));
    }
    fixture->error[0] = '\0';
}

/* ------------------------------------------------------------------ one failure */

/* The fault is gone. The same process goes on, when its log has not failed. */
static void go_on(struct world *world, const char *what)
{
    struct hf_store_fixture *fixture = &world->fixture;

    if (fixture->store == NULL || hf_store_failed(fixture->store)) {
        return;
    }
    hf_store_fixture_work_any(fixture, 10);
    if (!hf_store_fixture_drain(fixture) ||
        hf_store_durable_lsn(fixture->store) != hf_engine_lsn(fixture->engine) ||
        hf_store_fixture_snapshot(fixture) != HF_OK) {
        fail_msg("%s: the process did not go on: %s", what, fixture->error);
    }
    hf_store_fixture_audit(fixture);
}

/* The next start, and the one after it. */
static void start_again(struct world *world, const char *what)
{
    struct hf_store_fixture *fixture = &world->fixture;

    for (int i = 0; i < 2; i++) {
        fixture->log_bytes = 0;
        if (!hf_store_fixture_open(fixture)) {
            fail_msg("%s: refused afterwards: %s", what, fixture->error);
        }
        const uint64_t lsn = hf_engine_lsn(fixture->engine);
        if (lsn < fixture->acked_lsn) {
            fail_msg("%s: LSN %" PRIu64 " was acknowledged, found is LSN %" PRIu64, what,
                     fixture->acked_lsn, lsn);
        }
        hf_store_fixture_check(fixture);
        hf_store_fixture_audit(fixture);
        hf_store_fixture_work_any(fixture, 10);
        assert_int_equal(hf_store_fixture_snapshot(fixture), HF_OK);
        assert_false(hf_store_fixture_said(fixture, "trying an older one"));
        hf_store_fixture_crash(fixture, HF_SIM_DROP, 0);
    }
}

/* After the phase with a fault in it, which has just been taken away. */
static void judge(struct world *world, const struct phase *phase, bool is_done, uint64_t nth,
                  const char *what)
{
    struct hf_store_fixture *fixture = &world->fixture;

    if (fixture->store != NULL && hf_store_synced_lsn(fixture->store) > fixture->acked_lsn) {
        fixture->acked_lsn = hf_store_synced_lsn(fixture->store);
    }
    if (!is_done && fixture->error[0] == '\0' && !hf_store_fixture_said(fixture, "e ")) {
        fail_msg("%s: it failed without a word", what);
    }
    if (fixture->store != NULL && hf_store_failed(fixture->store)) {
        assert_true(phase->is_running);
        assert_true(hf_store_fixture_said(fixture, "nothing is written to the log any more"));
    }
    go_on(world, what);
    if (nth % 2 == 0) {
        hf_store_fixture_close(fixture); /* the process ends; memory stays */
    } else {
        hf_store_fixture_crash(fixture, nth % 4 == 1 ? HF_SIM_DROP : HF_SIM_MIX, nth);
    }
    start_again(world, what);
}

/* ------------------------------------------------------------------ calls to the disk */

static const struct error_row {
    const char *name;
    int error;
    uint32_t calls;
    bool is_short;
} errors[] = {
    {"EIO", EIO, HF_SIM_CALLS_ALL, false},
    {"ENOSPC", ENOSPC,
     HF_SIM_OPEN | HF_SIM_WRITE | HF_SIM_ALLOCATE | HF_SIM_RENAME | HF_SIM_SYNC | HF_SIM_SYNC_DIR,
     false},
    {"EMFILE", EMFILE, HF_SIM_OPEN | HF_SIM_LIST | HF_SIM_SYNC_DIR, false},
    {"a short write", EIO, HF_SIM_WRITE, true},
};

static uint64_t fail_disk_calls(struct world *world, const struct phase *phase,
                                const struct error_row *row, bool is_lasting)
{
    char what[128];

    for (uint64_t nth = 1;; nth++) {
        const struct hf_sim_fault fault = {.nth = nth,
                                           .calls = row->calls,
                                           .error = row->error,
                                           .is_lasting = is_lasting,
                                           .is_short = row->is_short};
        (void)snprintf(what, sizeof what, "%s, call %" PRIu64 " fails with %s%s", phase->name, nth,
                       row->name, is_lasting ? ", and all after it" : "");
        enter(world, phase);
        hf_sim_disk_fail(world->fixture.disk, &fault);
        const bool is_done = phase->play(&world->fixture);
        const bool has_struck = hf_sim_disk_has_failed(world->fixture.disk);
        hf_sim_disk_fail(world->fixture.disk, &(struct hf_sim_fault){0});
        judge(world, phase, is_done, nth, what);
        leave(world);
        if (!has_struck) {
            assert_true(is_done);
            return nth - 1;
        }
    }
}

static void every_disk_call(void **state)
{
    struct world world;
    uint64_t total = 0;

    (void)state;
    world_init(&world);
    for (size_t i = 0; i < PHASES_COUNT; i++) {
        uint64_t count = 0;
        for (size_t k = 0; k < sizeof errors / sizeof errors[0]; k++) {
            count += fail_disk_calls(&world, &phases[i], &errors[k], false);
            count += fail_disk_calls(&world, &phases[i], &errors[k], true);
        }
        print_message("%s: %" PRIu64 " failures of calls to the disk\n", phases[i].name, count);
        total += count;
    }
    print_message("ok %" PRIu64 " failures of calls to the disk, in %zu phases\n", total,
                  PHASES_COUNT);
    world_release(&world);
}

/* ------------------------------------------------------------------ allocations */

static uint64_t fail_allocations(struct world *world, const struct phase *phase, bool is_lasting)
{
    char what[128];

    for (uint64_t nth = 1;; nth++) {
        (void)snprintf(what, sizeof what, "%s, allocation %" PRIu64 " fails%s", phase->name, nth,
                       is_lasting ? ", and all after it" : "");
        enter(world, phase);
        hf_fail_alloc(nth, is_lasting);
        const bool is_done = phase->play(&world->fixture);
        const bool has_struck = hf_fail_alloc_has_struck();
        hf_fail_alloc(0, false);
        judge(world, phase, is_done, nth, what);
        leave(world);
        if (!has_struck) {
            assert_true(is_done);
            return nth - 1;
        }
    }
}

static void every_allocation(void **state)
{
    struct world world;
    uint64_t total = 0;

    (void)state;
    world_init(&world);
    for (size_t i = 0; i < PHASES_COUNT; i++) {
        const uint64_t count = fail_allocations(&world, &phases[i], false) +
                               fail_allocations(&world, &phases[i], true);
        print_message("%s: %" PRIu64 " failures of allocations\n", phases[i].name, count);
        total += count;
    }
    print_message("ok %" PRIu64 " failures of allocations, in %zu phases\n", total, PHASES_COUNT);
    world_release(&world);
}

/* ------------------------------------------------------------------ verify */

/* A snapshot that cannot begin for lack of memory says so, once, and to whoever asked for it. */
static void no_memory_for_a_snapshot(void **state)
{
    bool is_begun = false;

    (void)state;
    for (uint64_t nth = 1; !is_begun; nth++) {
        struct hf_store_fixture fixture;
        hf_store_fixture_init(&fixture);
        fixture.engine_config = hf_small_config();
        fixture.engine_config.ledger_bytes = HF_LEDGER_BYTES_MIN;
        fixture.own_memory_cb = own_memory;
        assert_true(hf_store_fixture_open(&fixture));
        hf_store_fixture_work(&fixture, 20);
        assert_true(hf_store_fixture_drain(&fixture));

        hf_fail_alloc(nth, true);
        const enum hf_err err = hf_store_snapshot_begin(fixture.store, fixture.engine);
        is_begun = err == HF_OK;
        if (!is_begun) {
            assert_int_equal(err, HF_NO_MEMORY); /* not busy: that is asked again and again */
            hf_fail_alloc(1, true);
            assert_int_equal(hf_store_snapshot_begin(fixture.store, fixture.engine), HF_NO_MEMORY);
        }
        hf_fail_alloc(0, false);
        if (!is_begun) {
            assert_non_null(fixture.log);
            const char *said = strstr(fixture.log, "w could not begin a snapshot: no memory");
            assert_non_null(said);
            assert_null(strstr(said + 1, "w could not begin a snapshot"));
            assert_int_equal(hf_store_snapshot_begin(fixture.store, fixture.engine), HF_OK);
        }
        hf_store_fixture_release(&fixture);
        assert_true(nth < 100);
    }
}

static void note_finding(void *arg, const struct hf_inspect_finding *finding)
{
    bool *is_told = arg;
    *is_told = *is_told || (finding->verdict == HF_INSPECT_DAMAGED && finding->text[0] != '\0');
}

/* A verification that could not look at everything never calls a directory sound. */
static void every_call_of_verify(void **state)
{
    const struct hf_sim_fault none = {0};
    struct world world;
    uint64_t counts[2] = {0};

    (void)state;
    world_init(&world);
    for (int kind = 0; kind < 2; kind++) {
        for (uint64_t nth = 1;; nth++) {
            const struct hf_sim_fault fault = {
                .nth = nth, .calls = HF_SIM_CALLS_ALL, .error = nth % 2 == 0 ? EIO : EMFILE};
            bool is_told = false;
            enter(&world, &phases[1]);
            hf_sim_disk_fail(world.fixture.disk, kind == 0 ? &fault : &none);
            hf_fail_alloc(kind == 1 ? nth : 0, false);
            const enum hf_inspect_verdict verdict =
                hf_inspect_verify(HF_FIXTURE_FOLDER, world.fixture.table,
                                  &world.fixture.engine_config, NULL, note_finding, &is_told);
            const bool has_struck =
                kind == 0 ? hf_sim_disk_has_failed(world.fixture.disk) : hf_fail_alloc_has_struck();
            hf_fail_alloc(0, false);
            leave(&world);
            if (!has_struck) {
                assert_int_equal(verdict, HF_INSPECT_SOUND);
                break;
            }
            counts[kind]++;
            if (kind == 0 && nth == 2 && verdict == HF_INSPECT_SOUND) {
                continue; /* the lock, asked whether a server holds it; it is read after that */
            }
            if (verdict != HF_INSPECT_DAMAGED || !is_told) {
                fail_msg("verify said %d though %s %" PRIu64 " failed", (int)verdict,
                         kind == 0 ? "call" : "allocation", nth);
            }
        }
    }
    print_message("ok verify: %" PRIu64 " failures of calls to the disk, %" PRIu64
                  " of allocations\n",
                  counts[0], counts[1]);
    world_release(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_disk_call),
        cmocka_unit_test(every_allocation),
        cmocka_unit_test(no_memory_for_a_snapshot),
        cmocka_unit_test(every_call_of_verify),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
