/*
 * test_engine_steps.c - a snapshot copied in steps is the state at which it began.
 *
 * Method: at the begin the whole state is copied at once (hf_engine_copy) and its digest taken.
 * Then the engine changes, while the snapshot is copied in steps: the same bytes must come out, and
 * loaded into an empty engine they must have the same digest. First one change of each kind between
 * any two steps, from a table; then random operations of every kind, with names forgotten, slots
 * used again, groups taken back and a reading of rows beside, over thousands of snapshots with much
 * and with little memory: a snapshot that is lost says so and never gives a wrong byte. The seed is
 * printed; SEED= replays it.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/image.h"
#include "tests/lib/any_operation.h"
#include "tests/lib/small_engine.h"

#define BYTES_PLENTY (UINT64_C(64) * 1024 * 1024)
#define BYTES_MAX (8u * 1024 * 1024)

static unsigned char wanted[BYTES_MAX]; /* at the begin, at once */
static unsigned char given[BYTES_MAX];  /* in steps */

struct snapshot {
    struct hf_engine *engine;
    size_t wanted_bytes, given_bytes;
    struct hf_digest digest;
    uint64_t lsn;
    bool is_end;
};

static void begin(struct snapshot *snapshot, struct hf_engine *engine, uint64_t bytes_max)
{
    struct hf_image_cursor cursor = {0};

    *snapshot = (struct snapshot){.engine = engine, .lsn = hf_engine_lsn(engine)};
    for (size_t bytes = 1; bytes > 0; snapshot->wanted_bytes += bytes) {
        bytes = hf_engine_copy(engine, &cursor, wanted + snapshot->wanted_bytes,
                               BYTES_MAX - snapshot->wanted_bytes);
    }
    snapshot->digest = hf_engine_digest(engine);
    assert_true(hf_engine_snapshot_begin(engine, bytes_max));
    assert_false(hf_engine_snapshot_begin(engine, bytes_max));
}

/* The stream makes an engine of the digest. */
static void load(const struct snapshot *snapshot)
{
    struct hf_engine_config config = hf_small_config();
    const char *why = "";

    config.skus_max = config.cells_max = config.reservations_max = 100000;
    config.lines_max = 1000000;
    config.references_max = config.shipments_max = config.shipment_lines_max = 100000;
    struct hf_engine *loaded = hf_engine_create(&config);
    assert_non_null(loaded);
    if (hf_engine_load(loaded, given, snapshot->given_bytes, &why) != HF_OK ||
        hf_engine_load_end(loaded, &why) != HF_OK) {
        fail_msg("the stream is not a snapshot: %s", why);
    }
    assert_int_equal(hf_engine_lsn(loaded), snapshot->lsn);
    assert_true(hf_digest_is_equal(hf_engine_digest(loaded), snapshot->digest));
    assert_null(hf_small_violation(loaded));
    hf_engine_free(loaded);
}

/* One step; what it gives must be what comes next. False: the snapshot is lost. */
static bool step(struct snapshot *snapshot, uint32_t items_max)
{
    const uint64_t left_before = hf_engine_snapshot_items_left(snapshot->engine);
    unsigned char *at = given + snapshot->given_bytes;
    size_t bytes_used = 1;
    const enum hf_err err =
        hf_engine_snapshot_step(snapshot->engine, items_max, at, BYTES_MAX - snapshot->given_bytes,
                                &bytes_used, &snapshot->is_end);

    if (err != HF_OK) {
        assert_int_equal(err, HF_LIMIT_EXCEEDED);
        assert_int_equal(bytes_used, 0);
        assert_false(snapshot->is_end);
        return false;
    }
    assert_int_equal(hf_engine_snapshot_lsn(snapshot->engine), snapshot->lsn);
    assert_true(snapshot->given_bytes + bytes_used <= snapshot->wanted_bytes);
    assert_memory_equal(at, wanted + snapshot->given_bytes, bytes_used);
    snapshot->given_bytes += bytes_used;
    const uint64_t left = hf_engine_snapshot_items_left(snapshot->engine);
    assert_true(left <= left_before && left_before - left <= items_max);
    assert_int_equal(snapshot->is_end, left == 0);
    if (snapshot->is_end) {
        assert_int_equal(snapshot->given_bytes, snapshot->wanted_bytes);
    }
    return true;
}

static void finish(struct snapshot *snapshot, uint32_t items_max)
{
    while (!snapshot->is_end) {
        assert_true(step(snapshot, items_max));
    }
    load(snapshot);
    hf_engine_snapshot_end(snapshot->engine);
}

/* ------------------------------------------------------------------ one change of each kind */

static const char *const story[] = {
    "receive A@W=20 B@W=300 A@V=5 ref=first",
    "receive C@W=4 D@V=8 ref=second",
    "set_policy A@W safety=2 low=5 backorder=7",
    "set_region id=north W V",
    "reserve r1 A@W=3 B@W=2 A@V=1 ttl=900000000 order=o-1",
    "reserve a-name-longer-than-sixteen-bytes B@W=5 order=o-1",
    "reserve r2 B@W=5 C@W=1 D@V=2",
    "confirm r2",
    "reserve r3 B@W=9",
    "release r3",
    "transfer_create t1 from=W to=V A=5 B=4 ship order=o-9",
    "transfer_create t2 from=W to=V B=6",
    "transfer_create t3 from=W to=U B=6 ship",
    "transfer_receive t3",
    "inbound_create i1 to=W A=50 C=5 eta=1700000000000000 order=po-9",
    "inbound_create i2 to=V A=7 D=1 sellable",
};

/* Those of a row come one after the other, between the same two steps. */
static const char *const changes[][4] = {
    {"receive A@W=1 ref=third"},
    {"receive E@X=1"},
    {"sell B@W=1"},
    {"set A@W=3"},
    {"move_status B@W=2 from=sellable to=quarantined"},
    {"set_policy A@W safety=0 low=-1 backorder=0"},
    {"set_policy B@W safety=3 low=9 backorder=1"},
    {"set_location V=0", "set_location V=1"},
    {"set_region id=south V"},
    {"reserve r9 A@W=1"},
    {"confirm r1", "release r1"},
    {"extend r1 ttl=900000"},
    {"release_order order=o-1", "reserve r1-again A@W=1"},
    {"replace r9 old=r1 B@W=7"},
    {"fulfil r2 B@W=1", "fulfil r2 B@W=1 rest"},
    {"transfer_create t9 from=W to=V B=1 ship"},
    {"transfer_ship t2 B=1", "transfer_cancel t2"},
    {"transfer_receive t1 A=1 damaged=1", "transfer_close t1"},
    {"inbound_receive i1 A=3", "inbound_cancel i1"},
    {"inbound_receive i2"},
    /* after the retention: first, second, r3, t3 are forgotten, and their slots used again */
    {"LATER", "receive A@W=1 ref=fourth", "inbound_create i9 to=V A=1"},
    {"LATER", "receive A@W=1 ref=fourth", "reserve new-1 B@W=1", "transfer_ship t2"},
};

static void change(struct hf_small *small, const char *const *texts)
{
    for (size_t i = 0; i < 4 && texts[i] != NULL; i++) {
        if (strcmp(texts[i], "LATER") == 0) {
            small->now_us += small->config.reference_retention_us;
        } else if (hf_small_do(small, "%s", texts[i]) != HF_OK) {
            fail_msg("\"%s\": %s", texts[i], hf_err_name(small->result.outcome));
        }
    }
}

/* The changes come after 0, 1, 2, ... slots, until all are copied before them. */
static void one_change(void **state)
{
    const char *const *texts = *state;
    bool is_all = false;

    for (uint32_t slots_before = 0; !is_all; slots_before++) {
        struct hf_small small;
        struct snapshot snapshot;
        hf_small_init(&small, NULL);
        for (size_t i = 0; i < sizeof story / sizeof story[0]; i++) {
            const char *const one[4] = {story[i]};
            change(&small, one);
        }
        begin(&snapshot, small.engine, BYTES_PLENTY);
        for (uint32_t i = 0; i < slots_before; i++) {
            assert_true(step(&snapshot, 1));
        }
        is_all = snapshot.is_end;
        change(&small, texts);
        if (is_all) {
            assert_int_equal(small.engine->steps.kept.count, 0); /* nothing is left to be copied */
        }
        finish(&snapshot, 3);
        hf_small_release(&small);
    }
}

/* ------------------------------------------------------------------ bounds */

static void an_empty_engine(void **state)
{
    struct hf_small small;
    struct snapshot snapshot;
    (void)state;

    hf_small_init(&small, NULL);
    hf_engine_snapshot_end(small.engine); /* none is on */
    begin(&snapshot, small.engine, 0);
    assert_int_equal(hf_engine_snapshot_items_left(small.engine), 1);
    assert_int_equal(hf_small_do(&small, "receive A@W=1"), HF_OK);
    finish(&snapshot, 1);
    assert_int_equal(hf_engine_snapshot_items_left(small.engine), 0);
    assert_true(hf_engine_snapshot_begin(small.engine, BYTES_PLENTY));
    assert_true(hf_engine_freeze(small.engine, BYTES_PLENTY)); /* beside it */
    hf_small_release(&small);                                  /* which ends both */
}

/* The bound holds to the byte: what fits is kept, one byte less is too little. */
static void the_bound_is_exact(void **state)
{
    uint64_t bytes_count = 0;
    (void)state;

    for (unsigned round = 0; round < 3; round++) {
        struct hf_small small;
        struct snapshot snapshot;
        struct hf_engine_stats before, after;
        hf_small_init(&small, NULL);
        for (size_t i = 0; i < sizeof story / sizeof story[0]; i++) {
            const char *const one[4] = {story[i]};
            change(&small, one);
        }
        hf_engine_stats(small.engine, &before);
        begin(&snapshot, small.engine, round == 0 ? BYTES_PLENTY : bytes_count - (round == 2));
        assert_int_equal(hf_engine_snapshot_kept_bytes(small.engine), 0);
        assert_int_equal(hf_small_do(&small, "release_order order=o-1"), HF_OK);
        assert_int_equal(hf_small_do(&small, "transfer_receive t1"), HF_OK);
        if (round < 2) {
            bytes_count = hf_engine_snapshot_kept_bytes(small.engine);
            hf_engine_stats(small.engine, &after);
            assert_true(bytes_count > 0);
            assert_true(after.memory_bytes >= before.memory_bytes + bytes_count);
            finish(&snapshot, 100);
        } else {
            for (unsigned i = 0; i < 3; i++) {
                assert_false(step(&snapshot, 100));
                assert_int_equal(hf_small_do(&small, "sell B@W=1"), HF_OK);
            }
            assert_true(hf_engine_snapshot_kept_bytes(small.engine) < bytes_count);
        }
        hf_engine_snapshot_end(small.engine);
        assert_int_equal(hf_engine_snapshot_kept_bytes(small.engine), 0);
        begin(&snapshot, small.engine, BYTES_PLENTY); /* and another one */
        finish(&snapshot, 100);
        hf_small_release(&small);
    }
}

/* What will be touched first is told of once, and what was made stays for the next snapshot. */
static void memory_is_used_again(void **state)
{
    struct hf_memory_part parts[HF_MEMORY_PARTS] = {{NULL, 0}};
    struct hf_small small;
    struct snapshot snapshot;
    uint64_t memory_bytes = 0;
    (void)state;

    hf_small_init(&small, NULL);
    assert_int_equal(hf_engine_snapshot_fresh(small.engine, parts), 0); /* none is on */
    for (unsigned round = 0; round < 3; round++) {
        if (round == 0) {
            assert_int_equal(hf_small_do(&small, "receive A@W=9"), HF_OK);
        }
        begin(&snapshot, small.engine, BYTES_PLENTY);
        assert_int_equal(hf_engine_snapshot_fresh(small.engine, parts), round == 0 ? 2 : 0);
        assert_int_equal(hf_engine_snapshot_fresh(small.engine, parts), 0);
        for (uint32_t i = 0; round == 0 && i < 2; i++) {
            hf_memory_populate(parts[i].memory, parts[i].bytes_count);
            memset(parts[i].memory, 0, parts[i].bytes_count); /* it is there, to its last byte */
        }
        assert_int_equal(parts[0].bytes_count, 4096);
        assert_int_equal(parts[1].bytes_count, HF_KEPT_STORE_AHEAD);
        assert_int_equal(hf_small_do(&small, "sell A@W=1"), HF_OK);
        finish(&snapshot, 1);
        const uint64_t now_bytes = hf_kept_memory_bytes(&small.engine->steps.kept);
        assert_true(now_bytes > 0 && (round == 0 || now_bytes == memory_bytes));
        memory_bytes = now_bytes;
    }
    hf_small_release(&small);
}

/* Items of many lines cost a step more, and a chunk that has no room for one leaves it. */
static void long_items(void **state)
{
    struct hf_small small;
    struct hf_engine_config config = hf_engine_config_default();
    struct hf_op_line lines[HF_LINES_MAX];
    char codes[HF_LINES_MAX][16];
    struct hf_op op = {.kind = HF_KIND_RECEIVE, .lines = lines, .lines_count = HF_LINES_MAX};
    (void)state;

    config.ledger_bytes = HF_LEDGER_BYTES_MIN;
    hf_small_init(&small, &config);
    for (uint32_t i = 0; i < HF_LINES_MAX; i++) {
        const int length = snprintf(codes[i], sizeof codes[i], "sku-%u", i);
        lines[i] = (struct hf_op_line){.sku = {codes[i], (uint32_t)length},
                                       .location = {"W", 1},
                                       .units = INT64_C(100000000000)};
    }
    op.reason = HF_REASON_PURCHASE;
    hf_engine_apply(small.engine, &op, small.now_us, &small.result);
    assert_int_equal(small.result.outcome, HF_OK);
    for (uint32_t i = 0; i < 60; i++) {
        char id[16];
        const int length = snprintf(id, sizeof id, "long-%u", i);
        op = (struct hf_op){.kind = HF_KIND_RESERVE,
                            .id = {id, (uint32_t)length},
                            .lines = lines,
                            .lines_count = HF_LINES_MAX};
        for (uint32_t j = 0; j < HF_LINES_MAX; j++) {
            lines[j].units = INT64_C(1000000000);
        }
        hf_engine_apply(small.engine, &op, ++small.now_us, &small.result);
        assert_int_equal(small.result.outcome, HF_OK);
        hf_small_pin(&small);
    }
    struct snapshot snapshot;
    begin(&snapshot, small.engine, BYTES_PLENTY);
    assert_true(snapshot.wanted_bytes > 2 * HF_IMAGE_BYTES_MIN);
    assert_int_equal(hf_small_do(&small, "release long-7"), HF_OK);
    assert_int_equal(hf_small_do(&small, "confirm long-39"), HF_OK);
    for (uint32_t steps_count = 0; !snapshot.is_end; steps_count++) {
        size_t bytes_used;
        assert_int_equal(hf_engine_snapshot_step(small.engine, steps_count % 2 == 0 ? 100 : 1000000,
                                                 given + snapshot.given_bytes, HF_IMAGE_BYTES_MIN,
                                                 &bytes_used, &snapshot.is_end),
                         HF_OK);
        assert_true(bytes_used <= (steps_count % 2 == 0 ? 128 * 1024 : HF_IMAGE_BYTES_MIN));
        snapshot.given_bytes += bytes_used;
    }
    assert_int_equal(snapshot.given_bytes, snapshot.wanted_bytes);
    assert_memory_equal(given, wanted, snapshot.wanted_bytes);
    load(&snapshot);
    hf_small_release(&small);
}

/* ------------------------------------------------------------------ chance */

/* How a snapshot goes: how much between two steps, how long they are, how much may be kept. */
struct way {
    uint32_t changes_max, items_max;
    uint64_t bytes_max;
    uint32_t give_up_in; /* one of so many steps is the last one; 0: none */
};

static struct way choose_way(uint64_t *random_state)
{
    return (struct way){
        .changes_max = 1 + (uint32_t)hf_random_below(random_state, 8),
        .items_max = 1 + (uint32_t)hf_random_below(random_state, 60),
        .bytes_max = hf_random_below(random_state, 4) == 0 ? hf_random_below(random_state, 40000)
                                                           : BYTES_PLENTY,
        .give_up_in = hf_random_below(random_state, 20) == 0 ? 20 : 0,
    };
}

enum hf_end { HF_END_WHOLE, HF_END_LOST, HF_END_GIVEN_UP };

static enum hf_end one_snapshot(struct hf_engine *engine, uint64_t *random_state, uint64_t *now_us)
{
    const struct way way = choose_way(random_state);
    struct snapshot snapshot;

    begin(&snapshot, engine, way.bytes_max);
    while (!snapshot.is_end) {
        const uint64_t changes_count = hf_random_below(random_state, way.changes_max + 1);
        for (uint64_t i = 0; i < changes_count; i++) {
            *now_us += hf_random_below(random_state, 50);
            hf_any_apply(engine, random_state, *now_us);
        }
        if (!step(&snapshot, way.items_max)) {
            assert_true(way.bytes_max < BYTES_PLENTY);
            hf_engine_snapshot_end(engine);
            return HF_END_LOST;
        }
        if (way.give_up_in > 0 && hf_random_below(random_state, way.give_up_in) == 0) {
            hf_engine_snapshot_end(engine);
            return HF_END_GIVEN_UP;
        }
    }
    load(&snapshot);
    hf_engine_snapshot_end(engine);
    return HF_END_WHOLE;
}

static void no_row(void *arg, const struct hf_frozen_row *row)
{
    (void)row;
    ++*(uint32_t *)arg;
}

static void any_change_at_any_time(void **state)
{
    const char *scale = getenv("SCALE");
    const uint32_t count = scale != NULL && strcmp(scale, "full") == 0 ? 10000 : 1000;
    struct hf_engine_config config = hf_engine_config_default();
    uint64_t random_state = hf_random_seed();
    uint64_t now_us = HF_SMALL_BEGIN_US;
    uint32_t ends[3] = {0};
    uint32_t rows_count = 0;
    (void)state;

    config.references_max = 200;
    config.ledger_bytes = HF_LEDGER_BYTES_MIN;
    struct hf_engine *engine = hf_engine_create(&config);
    assert_non_null(engine);
    for (uint32_t i = 0; i < 1000; i++) {
        hf_any_apply(engine, &random_state, now_us += 20);
    }
    for (uint32_t i = 0; i < count; i++) {
        const bool is_frozen = i % 3 == 0; /* rows are read beside some of them */
        if (is_frozen) {
            assert_true(hf_engine_freeze(engine, BYTES_PLENTY));
        }
        ends[one_snapshot(engine, &random_state, &now_us)]++;
        if (is_frozen) {
            struct hf_frozen_cursor cursor = {0};
            bool is_end = false;
            while (!is_end) {
                assert_int_equal(hf_engine_frozen_rows(engine, HF_FROZEN_CELLS, &cursor, 1000,
                                                       no_row, &rows_count, &is_end),
                                 HF_OK);
            }
            hf_engine_thaw(engine);
        }
    }
    assert_true(ends[HF_END_WHOLE] > count / 2);
    assert_true(ends[HF_END_LOST] > 0 && ends[HF_END_GIVEN_UP] > 0 && rows_count > 0);
    assert_null(hf_small_violation(engine));
    hf_engine_free(engine);
}

#define CHANGES_COUNT (sizeof changes / sizeof changes[0])

int main(void)
{
    struct CMUnitTest tests[CHANGES_COUNT + 5];
    size_t count = 0;

    for (; count < CHANGES_COUNT; count++) {
        tests[count] = (struct CMUnitTest){.name = changes[count][0],
                                           .test_func = one_change,
                                           .initial_state = (void *)(uintptr_t)changes[count]};
    }
    const struct CMUnitTest others[] = {
        cmocka_unit_test(an_empty_engine),        cmocka_unit_test(the_bound_is_exact),
        cmocka_unit_test(memory_is_used_again),   cmocka_unit_test(long_items),
        cmocka_unit_test(any_change_at_any_time),
    };
    memcpy(tests + count, others, sizeof others);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
