/*
 * test_engine_limits.c - every table full: a named refusal that changes nothing.
 *
 * Method: an engine whose one limit is tiny is filled to it; the operation that would go past it
 * gives limit_exceeded and leaves the digest as it was; everything that needs no new place still
 * works, and an engine with the same limits replays the whole log. The latter two are the story
 * of a defect: a full table of cells once refused to replay changes of the cells in it, and a
 * full table of reservations refused to release them.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>

#include "engine/ledger.h"
#include "tests/lib/small_engine.h"

#define STEPS_MAX 8

static const struct row {
    const char *name;
    const char *limit; /* name of the limit that is tiny */
    uint32_t value;
    const char *fills[STEPS_MAX];   /* all accepted */
    const char *exceeds[STEPS_MAX]; /* all refused with limit_exceeded */
    const char *still_works[STEPS_MAX];
} rows[] = {
    {"SKUs",
     "skus",
     2,
     {"receive A@W=5", "receive B@W=5"},
     {"receive C@W=1", "adjust C@W=1", "set_policy C@W safety=1", "receive A@W=1 C@W=1"},
     {"receive A@W=1", "set_policy B@W safety=2", "receive A@V=1", "sell B@W=1"}},
    {"locations",
     "locations",
     2,
     {"receive A@V=5", "receive A@W=5", "set_region id=north W"},
     {"receive A@X=1", "set_location X=0", "set_region id=north X"},
     {"receive B@W=1", "set_location W=0", "set_region id=north V", "set_region id=south V"}},
    {"regions",
     "locations",
     1,
     {"receive A@W=5", "set_region id=north W"},
     {"set_region id=south W"},
     {"receive A@W=1", "set_location W=0", "set_region id=north W"}},
    {"cells",
     "cells",
     2,
     {"receive A@W=5", "receive A@V=5", "receive A@W=1"},
     {"receive B@W=1", "set_policy B@V safety=1", "receive A@W=1 B@W=1",
      "set_policy A@W safety=1 B@W safety=1"},
     {"receive A@W=1", "set_policy A@W safety=1", "set_policy A@V safety=1 A@W safety=2",
      "reserve r1 A@W=2 A@V=1", "confirm r1", "fulfil r1", "sell A@W=1"}},
    {"reservations",
     "reservations",
     2,
     {"receive A@W=50", "reserve r1 A@W=1 order=o1", "reserve r2 A@W=1 order=o1 ttl=1000"},
     {"reserve r3 A@W=1", "reserve r3 A@W=1 order=o1", "replace r3 old=r1 A@W=1"},
     {"confirm r1", "extend r2 ttl=5000", "receive A@W=1 order=o2", "fulfil r1",
      "release r2 order=o3"}},
    {"reservations: closed ones count while they are remembered",
     "reservations",
     1,
     {"receive A@W=50", "reserve r1 A@W=1 order=o1", "release_order order=o1"},
     {"reserve r2 A@W=1"},
     {"receive A@W=1 order=o1"}},
    {"lines",
     "lines",
     3,
     {"receive A@W=50 B@W=50", "reserve r1 A@W=1 B@W=1"},
     {"reserve r2 A@W=1 B@W=1", "replace r2 old=r1 A@W=1 B@W=1"},
     {"reserve r2 A@W=1", "confirm r1", "fulfil r1 A@W=1 rest", "release r2"}},
};

static void with_limit(struct hf_engine_config *config, const char *limit, uint32_t value)
{
    if (strcmp(limit, "skus") == 0) {
        config->skus_max = value;
    } else if (strcmp(limit, "locations") == 0) {
        config->locations_max = value;
    } else if (strcmp(limit, "cells") == 0) {
        config->cells_max = value;
    } else if (strcmp(limit, "reservations") == 0) {
        config->reservations_max = value;
    } else {
        assert_string_equal(limit, "lines");
        config->lines_max = value;
    }
}

static void check_outcome(const struct hf_small *small, const char *does, enum hf_err want)
{
    if (small->result.outcome != want) {
        fail_msg("\"%s\": %s, expected %s", does, hf_err_name(small->result.outcome),
                 hf_err_name(want));
    }
}

static void check_replay(struct hf_small *small)
{
    struct hf_engine *follower = hf_engine_create(&small->config);
    const char *why = "";

    const enum hf_err err = hf_small_follow(small, follower, &why);
    if (err != HF_OK) {
        fail_msg("the same limits do not replay the log: %s, %s", hf_err_name(err), why);
    }
    assert_true(hf_digest_is_equal(hf_engine_digest(small->engine), hf_engine_digest(follower)));
    assert_null(hf_small_violation(follower));
    hf_engine_free(follower);
}

static void full_table(void **state)
{
    const struct row *row = *state;
    struct hf_engine_config config = hf_small_config();
    struct hf_small small;

    with_limit(&config, row->limit, row->value);
    hf_small_init(&small, &config);
    for (int i = 0; i < STEPS_MAX && row->fills[i] != NULL; i++) {
        hf_small_do(&small, "%s", row->fills[i]);
        check_outcome(&small, row->fills[i], HF_OK);
    }
    for (int i = 0; i < STEPS_MAX && row->exceeds[i] != NULL; i++) {
        const struct hf_digest before = hf_engine_digest(small.engine);
        hf_small_do(&small, "%s", row->exceeds[i]);
        check_outcome(&small, row->exceeds[i], HF_LIMIT_EXCEEDED);
        assert_true(hf_digest_is_equal(before, hf_engine_digest(small.engine)));
    }
    check_replay(&small);
    for (int i = 0; i < STEPS_MAX && row->still_works[i] != NULL; i++) {
        hf_small_do(&small, "%s", row->still_works[i]);
        check_outcome(&small, row->still_works[i], HF_OK);
    }
    assert_null(hf_small_violation(small.engine));
    check_replay(&small);
    hf_small_release(&small);
}

/* Holds of a full table end by themselves and make room. */
static void full_of_holds_that_expire(void **state)
{
    struct hf_engine_config config = hf_small_config();
    struct hf_small small;
    (void)state;

    config.reservations_max = 3;
    config.reference_retention_us = 1000;
    hf_small_init(&small, &config);
    assert_int_equal(hf_small_do(&small, "receive A@W=9"), HF_OK);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(hf_small_do(&small, "reserve r%d A@W=1 ttl=100 order=o%d", i, i), HF_OK);
    }
    assert_int_equal(hf_small_do(&small, "reserve r3 A@W=1"), HF_LIMIT_EXCEEDED);
    small.now_us += 100;
    hf_engine_expire(small.engine, small.now_us, 10);
    assert_int_equal(hf_engine_lsn(small.engine), 7);
    assert_int_equal(hf_small_do(&small, "reserve r3 A@W=1"), HF_LIMIT_EXCEEDED); /* remembered */
    small.now_us += 1000;
    assert_int_equal(hf_small_do(&small, "receive A@W=1"), HF_OK); /* forgets them */
    assert_int_equal(hf_small_do(&small, "reserve r3 A@W=1"), HF_OK);
    assert_string_equal(hf_small_cell(small.engine, "A@W"), "10 1 0 0 v9");
    check_replay(&small);
    hf_small_release(&small);
}

/* A counter stops at its largest value; both sides of it. */
static void full_counter(void **state)
{
    struct hf_small small;
    (void)state;

    hf_small_init(&small, NULL);
    assert_int_equal(hf_small_do(&small, "receive A@W=999999999999"), HF_OK);
    assert_int_equal(hf_small_do(&small, "receive A@W=2"), HF_LIMIT_EXCEEDED);
    assert_int_equal(hf_small_do(&small, "receive A@W=1 A@W=1"), HF_LIMIT_EXCEEDED);
    assert_int_equal(hf_small_do(&small, "adjust A@W=2 B@W=1"), HF_LIMIT_EXCEEDED);
    assert_string_equal(hf_small_cell(small.engine, "B@W"), "unknown_sku");
    assert_int_equal(hf_small_do(&small, "adjust A@W=2 A@W=-1"), HF_OK);
    assert_string_equal(hf_small_cell(small.engine, "A@W"), "1000000000000 0 0 0 v2");
    assert_int_equal(hf_small_do(&small, "reserve r1 A@W=1000000000000"), HF_OK);
    assert_int_equal(hf_small_do(&small, "set_policy A@W backorder=1000000000000"), HF_OK);
    assert_int_equal(hf_small_do(&small, "reserve r2 A@W=1"), HF_LIMIT_EXCEEDED);
    assert_int_equal(hf_small_do(&small, "confirm r1"), HF_OK);
    assert_int_equal(hf_small_do(&small, "reserve r2 A@W=1"), HF_OK);
    assert_int_equal(hf_small_do(&small, "confirm r2"), HF_LIMIT_EXCEEDED);
    assert_string_equal(hf_small_cell(small.engine, "A@W"), "1000000000000 1 1000000000000 0 v6");
    assert_int_equal(hf_small_do(&small, "release r2"), HF_OK);
    check_replay(&small);
    hf_small_release(&small);
}

/* With every place among the names taken, the oldest goes for the newest. */
static void full_of_names(void **state)
{
    struct hf_engine_config config = hf_small_config();
    struct hf_small small;
    (void)state;

    config.references_max = 2;
    hf_small_init(&small, &config);
    for (int i = 0; i < 40; i++) {
        assert_int_equal(hf_small_do(&small, "receive A@W=1 ref=n%d", i), HF_OK);
        assert_int_equal(hf_small_do(&small, "receive A@W=1 ref=n%d", i), HF_OK);
        assert_true(small.result.is_repeated);
        if (i > 0) {
            assert_int_equal(hf_small_do(&small, "receive A@W=2 ref=n%d", i - 1),
                             HF_REFERENCE_CONFLICT);
        }
    }
    assert_int_equal(hf_small_do(&small, "receive A@W=1 ref=n37"), HF_OK);
    assert_false(small.result.is_repeated);
    assert_string_equal(hf_small_cell(small.engine, "A@W"), "41 0 0 0 v41");
    check_replay(&small);
    hf_small_release(&small);
}

/* A record may forget what it has just closed: the answer still tells how it ended. */
static void forgotten_by_its_own_record(void **state)
{
    struct hf_engine_config config = hf_small_config();
    struct hf_small small;
    (void)state;

    config.references_max = 1;
    hf_small_init(&small, &config);
    assert_int_equal(hf_small_do(&small, "receive A@W=9"), HF_OK);
    assert_int_equal(hf_small_do(&small, "reserve r1 A@W=1 order=o1"), HF_OK);
    assert_int_equal(hf_small_do(&small, "release r1 ref=x1"), HF_OK);
    assert_int_equal(small.result.state, HF_STATE_RELEASED);
    assert_int_equal(hf_small_do(&small, "release r1"), HF_UNKNOWN_RESERVATION);
    assert_int_equal(hf_small_do(&small, "release r1 ref=x1"), HF_OK);
    assert_true(small.result.is_repeated);
    assert_string_equal(hf_small_cell(small.engine, "A@W"), "9 0 0 0 v3");
    check_replay(&small);
    hf_small_release(&small);
}

/*
 * A defect: the ring has up to twice as many places as a record of 64 bytes would need, and there
 * were fewer places for orders. When each of them was taken, nothing with a new order was let in
 * any more, and so the ring never turned on.
 */
static void every_record_has_its_own_order(void **state)
{
    struct hf_engine_config config = hf_small_config();
    struct hf_small small;
    struct hf_engine_stats stats;
    (void)state;

    config.ledger_bytes = 3 * (uint64_t)HF_LEDGER_BYTES_MIN / 2;
    config.reservations_max = 1;
    hf_small_init(&small, &config);
    do {
        if (hf_small_do(&small, "adjust A@W=1 order=%08x", (unsigned)small.now_us) != HF_OK) {
            fail_msg("LSN %u: %s", (unsigned)hf_engine_lsn(small.engine) + 1,
                     hf_err_name(small.result.outcome));
        }
        hf_engine_stats(small.engine, &stats);
    } while (stats.ledger_first_lsn < 3);
    assert_null(hf_small_violation(small.engine));
    hf_small_release(&small);
}

/* The memory bound refuses what grows and lets through what gives stock back. */
static void full_memory(void **state)
{
    struct hf_engine_config config = hf_small_config();
    struct hf_small small;
    (void)state;

    hf_small_init(&small, &config);
    assert_int_equal(hf_small_do(&small, "receive A@W=9"), HF_OK);
    assert_int_equal(hf_small_do(&small, "reserve r1 A@W=1"), HF_OK);
    struct hf_engine_stats stats;
    hf_engine_stats(small.engine, &stats);
    hf_small_release(&small);

    config.memory_max_bytes = stats.memory_bytes;
    hf_small_init(&small, &config);
    assert_int_equal(hf_small_do(&small, "receive A@W=9"), HF_OK);
    assert_int_equal(hf_small_do(&small, "reserve r1 A@W=1"), HF_OK);
    assert_int_equal(hf_small_do(&small, "receive B@W=9"), HF_OK); /* crosses the bound */
    assert_int_equal(hf_small_do(&small, "reserve r2 A@W=1"), HF_LIMIT_EXCEEDED);
    assert_int_equal(hf_small_do(&small, "receive C@W=9"), HF_LIMIT_EXCEEDED);
    assert_int_equal(hf_small_do(&small, "confirm r1"), HF_OK);
    assert_int_equal(hf_small_do(&small, "fulfil r1"), HF_OK);
    check_replay(&small);
    hf_small_release(&small);
}

/* While the log is behind, writes wait: busy, nothing changed, and on it goes afterwards. */
static void ledger_waits_for_the_log(void **state)
{
    struct hf_small small;
    enum hf_err err = HF_OK;
    int done = 0;
    (void)state;

    hf_small_init(&small, NULL);
    small.is_pin_kept = true;
    while (err == HF_OK) {
        err = hf_small_do(&small, "receive A@W=1");
        done += err == HF_OK;
    }
    assert_int_equal(err, HF_BUSY);
    assert_int_equal(hf_engine_lsn(small.engine), (uint64_t)done);
    const struct hf_digest before = hf_engine_digest(small.engine);
    assert_int_equal(hf_small_do(&small, "receive B@W=1"), HF_BUSY);
    const char *group[] = {"receive A@W=1", "receive B@W=1"};
    struct hf_result results[2];
    assert_int_equal(hf_small_do_linked(&small, group, 2, results), HF_BUSY);
    assert_true(hf_digest_is_equal(before, hf_engine_digest(small.engine)));
    hf_small_pin(&small);
    assert_int_equal(hf_small_do(&small, "receive B@W=1"), HF_OK);
    assert_int_equal(hf_small_do_linked(&small, group, 2, results), HF_OK);
    assert_null(hf_small_violation(small.engine));
    hf_small_release(&small);
}

int main(void)
{
    struct CMUnitTest tests[sizeof rows / sizeof rows[0] + 7];
    size_t count = 0;

    for (; count < sizeof rows / sizeof rows[0]; count++) {
        tests[count] = (struct CMUnitTest){
            .name = rows[count].name,
            .test_func = full_table,
            .initial_state = (void *)(uintptr_t)&rows[count],
        };
    }
    const struct CMUnitTest others[] = {
        cmocka_unit_test(full_of_holds_that_expire),
        cmocka_unit_test(full_counter),
        cmocka_unit_test(full_of_names),
        cmocka_unit_test(full_memory),
        cmocka_unit_test(every_record_has_its_own_order),
        cmocka_unit_test(forgotten_by_its_own_record),
        cmocka_unit_test(ledger_waits_for_the_log),
    };
    memcpy(tests + count, others, sizeof others);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
