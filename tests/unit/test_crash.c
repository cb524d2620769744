/*
 * test_crash.c - nothing durable is lost, whatever the power leaves of what was not synced.
 *
 * Method: random work over a simulated disk (tests/lib/sim_disk.h), cut off at a random moment:
 * between any two calls to the disk, or in the middle of one. Unsynced sectors, sizes and names
 * are kept, dropped or spoiled. After each crash the store must open by itself, stand at an LSN
 * that is not before the newest synced one (in sync mode, the durable one), and have exactly the
 * digest that the engine had at that LSN. Then the work goes on from there.
 *
 * CRASH_SEED=n repeats one run; SCALE=full does ten times as many.
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

#include "tests/lib/store_fixture.h"

#define ROUNDS_COUNT 8 /* crashes of one directory */
#define RUNS_COUNT 25  /* directories; ten times as many at full scale */

static uint64_t random_state;

static uint32_t roll(uint32_t sides)
{
    uint64_t z = (random_state += UINT64_C(0x9E3779B97F4A7C15));
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return (uint32_t)((z ^ (z >> 31)) % sides);
}

/* Work until the power goes; from then on every call that changes the disk fails. */
static void work_until_power_goes(struct hf_store_fixture *fixture)
{
    const struct hf_sim_fault power = {.nth = 1 + roll(40),
                                       .calls = HF_SIM_CALLS_CHANGING | HF_SIM_READ | HF_SIM_LIST,
                                       .error = EIO,
                                       .is_lasting = true};

    hf_sim_disk_fail(fixture->disk, &power);
    while (!hf_sim_disk_has_failed(fixture->disk)) {
        switch (roll(12)) {
        case 0:
            (void)hf_store_fixture_snapshot(fixture); /* may be what is cut off */
            break;
        case 1:
            (void)hf_store_spare_step(fixture->store);
            break;
        case 2:
            hf_store_fixture_work_large(fixture, 1 + roll(roll(8) == 0 ? 1000 : 100));
            break;
        case 3: /* a single step: a part of what is published */
            (void)hf_store_log_step(fixture->store, fixture->now_us);
            fixture->acked_lsn = hf_store_synced_lsn(fixture->store);
            break;
        default:
            hf_store_fixture_work(fixture, 1 + roll(20));
            if (roll(2) == 0) {
                (void)hf_store_fixture_drain(fixture);
            }
            break;
        }
    }
}

/* Leave little room in the newest segment, so that the log rolls over soon. */
static void shorten_log(struct hf_store_fixture *fixture)
{
    const char *newest = NULL;
    const char *path;

    for (size_t i = 0; (path = hf_sim_disk_name(fixture->disk, i)) != NULL; i++) {
        if (strstr(path, "/wal-") != NULL && strstr(path, ".tmp") == NULL) {
            newest = path; /* names stand in their order */
        }
    }
    if (newest != NULL) {
        hf_sim_disk_trim(fixture->disk, newest, roll(16384));
    }
}

static void run_directory(uint64_t seed, enum hf_sim_fate fate)
{
    struct hf_store_fixture fixture;

    random_state = seed;
    hf_store_fixture_init(&fixture);
    fixture.random = seed;
    fixture.config.snapshots_kept = 1 + roll(3);
    fixture.config.durability = roll(2) == 0 ? HF_DURABILITY_SYNC : HF_DURABILITY_NONE;
    for (uint32_t i = 0; i < ROUNDS_COUNT; i++) {
        if (roll(4) == 0) { /* the power goes while it starts */
            const struct hf_sim_fault power = {.nth = 1 + roll(30),
                                               .calls = HF_SIM_CALLS_CHANGING,
                                               .error = EIO,
                                               .is_lasting = true};
            hf_sim_disk_fail(fixture.disk, &power);
            (void)hf_store_fixture_open(&fixture);
            hf_store_fixture_crash(&fixture, fate, seed + 1000 + i);
        }
        if (roll(3) != 0) {
            shorten_log(&fixture);
        }
        if (!hf_store_fixture_open(&fixture)) {
            fail_msg("CRASH_SEED=%" PRIu64 " round %" PRIu32 ": %s", seed, i, fixture.error);
        }
        hf_store_fixture_check(&fixture);
        work_until_power_goes(&fixture);
        hf_store_fixture_crash(&fixture, fate, seed + i);
    }
    assert_true(hf_store_fixture_open(&fixture));
    hf_store_fixture_check(&fixture);
    hf_store_fixture_audit(&fixture);
    /* A crash leaves no damaged snapshot: what has its final name is whole. */
    assert_false(hf_store_fixture_said(&fixture, "trying an older one"));
    hf_store_fixture_release(&fixture);
}

static void run_many(enum hf_sim_fate fate)
{
    const char *given = getenv("CRASH_SEED");
    const char *scale = getenv("SCALE");
    uint32_t runs = scale != NULL && strcmp(scale, "full") == 0 ? RUNS_COUNT * 10 : RUNS_COUNT;

    if (given != NULL) {
        run_directory(strtoull(given, NULL, 10), fate);
        return;
    }
    for (uint32_t i = 0; i < runs; i++) {
        const uint64_t seed = UINT64_C(1) + i * UINT64_C(7919);
        print_message("CRASH_SEED=%" PRIu64 "\n", seed);
        run_directory(seed, fate);
    }
}

static void killed(void **state)
{
    (void)state;
    run_many(HF_SIM_KEEP);
}

static void power_lost(void **state)
{
    (void)state;
    run_many(HF_SIM_DROP);
}

static void power_lost_and_spoiled(void **state)
{
    (void)state;
    run_many(HF_SIM_SPOIL);
}

static void power_lost_and_mixed(void **state)
{
    (void)state;
    run_many(HF_SIM_MIX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(killed),
        cmocka_unit_test(power_lost),
        cmocka_unit_test(power_lost_and_spoiled),
        cmocka_unit_test(power_lost_and_mixed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
