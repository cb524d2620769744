/*
 * test_engine_history.c - the ledger of a cell, an order, a reference: paged, newest first.
 *
 * Method: every record is written down in an array as it is made (which cells it moves, which
 * order it has); whatever the size of a page, the pages put together are the moves of the array,
 * newest operation first, whole operations at a time. Operations that come between two pages do
 * not disturb them. What the ring has dropped is not told, and the answer then ends.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/ledger.h"
#include "tests/lib/small_engine.h"

#define MOVES_MAX 4096

struct heard {
    uint64_t lsns[MOVES_MAX];
    uint32_t indices[MOVES_MAX];
    int64_t on_hand[MOVES_MAX];
    char skus[MOVES_MAX];
    uint32_t count;
};

static void hear_cb(void *arg, const struct hf_move *move)
{
    struct heard *heard = arg;

    assert_true(heard->count < MOVES_MAX);
    heard->lsns[heard->count] = move->lsn;
    heard->indices[heard->count] = move->index;
    heard->on_hand[heard->count] = move->after[0];
    heard->skus[heard->count] = move->sku.bytes[0];
    heard->count++;
}

/* All pages of a cell or an order, `moves_max` a page. */
static void hear_cell(const struct hf_small *small, const char *sku, uint32_t moves_max,
                      struct heard *heard)
{
    const uint32_t handle = hf_engine_sku(small->engine, hf_text_of(sku));
    uint64_t cursor = UINT64_MAX;

    heard->count = 0;
    do {
        const uint32_t before = heard->count;
        cursor = hf_engine_ledger_cell(small->engine, handle, 0, cursor, moves_max, hear_cb, heard);
        assert_true(cursor == 0 || heard->count >= before + moves_max);
    } while (cursor != 0);
}

static void hear_order(const struct hf_small *small, const char *order, uint32_t moves_max,
                       struct heard *heard)
{
    uint64_t cursor = UINT64_MAX;

    heard->count = 0;
    do {
        const uint32_t before = heard->count;
        cursor = hf_engine_ledger_order(small->engine, hf_text_of(order), cursor, moves_max,
                                        hear_cb, heard);
        assert_true(cursor == 0 || heard->count >= before + moves_max);
    } while (cursor != 0);
}

/* The handle of A, which is not the first one when B came first. */
static uint32_t sku_a(const struct hf_small *small)
{
    return hf_engine_sku(small->engine, hf_text_of("A"));
}

/* ------------------------------------------------------------------ what was done */

#define RECORDS_MAX 400

struct done {
    bool has_a, has_b; /* which cells it moved */
    char order;        /* the letter of its order; 0: none */
};

static struct done done[RECORDS_MAX + 1]; /* by LSN */

static void do_random(struct hf_small *small, uint64_t *seed)
{
    const uint64_t what = hf_random_below(seed, 4);
    const char order = (char)("\0xyz"[hf_random_below(seed, 4)]);
    char text[64] = "";

    if (order != 0) {
        (void)snprintf(text, sizeof text, "order=%c", order);
    }
    const char *lines = what == 0 ? "A@W=1" : what == 1 ? "B@W=1" : "A@W=1 B@W=1";
    assert_int_equal(hf_small_do(small, "receive %s %s", lines, text), HF_OK);
    const uint64_t lsn = hf_engine_lsn(small->engine);
    assert_true(lsn <= RECORDS_MAX);
    done[lsn] = (struct done){.has_a = what != 1, .has_b = what != 0, .order = order};
}

/* The moves of cell `sku`, newest first, as the array has them. */
static void check_cell(const struct heard *heard, char sku, uint64_t from_lsn, uint64_t to_lsn)
{
    uint32_t at = 0;

    for (uint64_t lsn = from_lsn; lsn >= to_lsn; lsn--) {
        if (sku == 'A' ? done[lsn].has_a : done[lsn].has_b) {
            assert_true(at < heard->count);
            assert_int_equal(heard->lsns[at], lsn);
            assert_int_equal(heard->skus[at], sku);
            assert_int_equal(heard->indices[at], sku == 'B' && done[lsn].has_a ? 1 : 0);
            assert_true(at == 0 || heard->on_hand[at] == heard->on_hand[at - 1] - 1);
            at++;
        }
    }
    assert_int_equal(heard->count, at);
}

/* Whole operations, newest first; within one, its moves in their order. */
static void check_order(const struct heard *heard, char order, uint64_t from_lsn, uint64_t to_lsn)
{
    uint32_t at = 0;

    for (uint64_t lsn = from_lsn; lsn >= to_lsn; lsn--) {
        if (done[lsn].order != order) {
            continue;
        }
        if (done[lsn].has_a) {
            assert_int_equal(heard->lsns[at], lsn);
            assert_int_equal(heard->skus[at++], 'A');
        }
        if (done[lsn].has_b) {
            assert_int_equal(heard->lsns[at], lsn);
            assert_int_equal(heard->skus[at++], 'B');
        }
    }
    assert_int_equal(heard->count, at);
}

static void pages_of_any_size(void **state)
{
    static const uint32_t sizes[] = {1, 2, 3, 7, 64, 100000};
    uint64_t seed = hf_random_seed();
    struct hf_small small;
    static struct heard heard;
    (void)state;

    hf_small_init(&small, NULL);
    for (int i = 0; i < RECORDS_MAX; i++) {
        do_random(&small, &seed);
    }
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        hear_cell(&small, "A", sizes[i], &heard);
        check_cell(&heard, 'A', RECORDS_MAX, 1);
        hear_cell(&small, "B", sizes[i], &heard);
        check_cell(&heard, 'B', RECORDS_MAX, 1);
        for (const char *order = "xyz"; *order != '\0'; order++) {
            const char name[] = {*order, '\0'};
            hear_order(&small, name, sizes[i], &heard);
            check_order(&heard, *order, RECORDS_MAX, 1);
        }
    }
    hear_order(&small, "nobody", 5, &heard);
    assert_int_equal(heard.count, 0);
    assert_int_equal(hf_engine_ledger_cell(small.engine, 0, 7, UINT64_MAX, 5, hear_cb, &heard), 0);
    assert_int_equal(hf_engine_ledger_cell(small.engine, 9, 0, UINT64_MAX, 5, hear_cb, &heard), 0);
    hf_small_release(&small);
}

/* A cursor goes on where the page before ended, whatever has been done since. */
static void pages_with_writes_between(void **state)
{
    uint64_t seed = hf_random_seed();
    struct hf_small small;
    static struct heard heard;
    (void)state;

    hf_small_init(&small, NULL);
    for (int i = 0; i < 200; i++) {
        do_random(&small, &seed);
    }
    heard.count = 0;
    for (uint64_t cursor = UINT64_MAX; cursor != 0;) {
        cursor = hf_engine_ledger_cell(small.engine, sku_a(&small), 0, cursor, 4, hear_cb, &heard);
        do_random(&small, &seed);
    }
    /* The pages are of the cell as it was at the first one. */
    check_cell(&heard, 'A', 200, 1);
    heard.count = 0;
    const uint64_t newest = hf_engine_lsn(small.engine);
    for (uint64_t cursor = UINT64_MAX; cursor != 0;) {
        cursor = hf_engine_ledger_order(small.engine, hf_text_of("x"), cursor, 4, hear_cb, &heard);
        do_random(&small, &seed);
    }
    check_order(&heard, 'x', newest, 1);
    hf_small_release(&small);
}

/* Any LSN may be asked from: the moves below it, also where the cell or the order has none. */
static void from_any_lsn(void **state)
{
    uint64_t seed = hf_random_seed();
    struct hf_small small;
    static struct heard heard;
    (void)state;

    hf_small_init(&small, NULL);
    for (int i = 0; i < 60; i++) {
        do_random(&small, &seed);
    }
    for (uint64_t before = 1; before <= 62; before++) {
        const uint64_t from = before - 1 > 60 ? 60 : before - 1;
        heard.count = 0;
        (void)hf_engine_ledger_cell(small.engine, sku_a(&small), 0, before, MOVES_MAX, hear_cb,
                                    &heard);
        check_cell(&heard, 'A', from, 1);
        heard.count = 0;
        (void)hf_engine_ledger_order(small.engine, hf_text_of("y"), before, MOVES_MAX, hear_cb,
                                     &heard);
        check_order(&heard, 'y', from, 1);
    }
    hf_small_release(&small);
}

/* One record with many moves, on one cell and on others, is told whole. */
static void moves_of_one_record(void **state)
{
    struct hf_small small;
    static struct heard heard;
    (void)state;

    hf_small_init(&small, NULL);
    assert_int_equal(hf_small_do(&small, "receive A@W=90 B@W=90 C@W=90"), HF_OK);
    assert_int_equal(hf_small_do(&small, "reserve r1 A@W=1 B@W=2 order=o1"), HF_OK);
    assert_int_equal(hf_small_do(&small, "reserve r2 A@W=3 C@W=4 order=o1"), HF_OK);
    assert_int_equal(hf_small_do(&small, "reserve r3 A@W=5 order=o1"), HF_OK);
    assert_int_equal(hf_small_do(&small, "replace r4 old=r2 A@W=2 B@W=1"), HF_OK);
    assert_int_equal(hf_small_do(&small, "release_order order=o1 ref=x1"), HF_OK);

    heard.count = 0; /* three reservations of five lines, of which three are of A */
    (void)hf_engine_ledger_ref(small.engine, hf_text_of("x1"), hear_cb, &heard);
    assert_int_equal(heard.count, 5);
    for (uint32_t i = 0; i < heard.count; i++) {
        assert_int_equal(heard.lsns[i], 6);
        assert_int_equal(heard.indices[i], i);
    }
    heard.count = 0;
    const uint64_t cursor =
        hf_engine_ledger_cell(small.engine, sku_a(&small), 0, UINT64_MAX, 1, hear_cb, &heard);
    assert_int_equal(heard.count, 3); /* a page of one move, but the operation is told whole */
    assert_int_equal(cursor, 6);
    heard.count = 0; /* the replace: out of r2, into r4 */
    assert_int_equal(
        hf_engine_ledger_cell(small.engine, sku_a(&small), 0, cursor, 1, hear_cb, &heard), 5);
    assert_int_equal(heard.count, 2);
    heard.count = 0;
    (void)hf_engine_ledger_ref(small.engine, hf_text_of("r4"), hear_cb, &heard);
    assert_int_equal(heard.count, 4); /* the operation that opened it */
    heard.count = 0;
    (void)hf_engine_ledger_ref(small.engine, hf_text_of("nobody"), hear_cb, &heard);
    assert_int_equal(heard.count, 0);
    hf_small_release(&small);
}

struct told {
    struct hf_move move;
    char reservation[16], ref[16], order[16], by[16];
    uint32_t count;
};

static void copy_text(char *room, struct hf_text text)
{
    assert_true(text.bytes_count < 16);
    if (text.bytes_count > 0) {
        memcpy(room, text.bytes, text.bytes_count);
    }
    room[text.bytes_count] = '\0';
}

static void tell_cb(void *arg, const struct hf_move *move)
{
    struct told *told = arg;

    told->move = *move;
    copy_text(told->reservation, move->reservation);
    copy_text(told->ref, move->ref);
    copy_text(told->order, move->order);
    copy_text(told->by, move->by);
    told->count++;
}

/* A move tells all that a caller may ask about it. */
static void fields_of_a_move(void **state)
{
    struct hf_small small;
    struct told told = {0};
    (void)state;

    hf_small_init(&small, NULL);
    assert_int_equal(hf_small_do(&small, "receive A@W=9"), HF_OK);
    assert_int_equal(hf_small_do(&small, "reserve r1 A@W=5 order=o1"), HF_OK);
    assert_int_equal(hf_small_do(&small, "confirm r1"), HF_OK);
    assert_int_equal(hf_small_do(&small, "fulfil r1 A@W=2 rest ref=x1 by=anna"), HF_OK);
    (void)hf_engine_ledger_ref(small.engine, hf_text_of("x1"), tell_cb, &told);
    assert_int_equal(told.count, 1);
    assert_int_equal(told.move.lsn, 4);
    assert_int_equal(told.move.ts_us, small.now_us);
    assert_int_equal(told.move.kind, HF_KIND_FULFIL);
    assert_int_equal(told.move.reason, HF_REASON_NONE);
    assert_string_equal(told.reservation, "r1");
    assert_string_equal(told.ref, "x1");
    assert_string_equal(told.order, "o1"); /* the reservation's, though the operation had none */
    assert_string_equal(told.by, "anna");
    static const int64_t delta[] = {-2, 0, -5, 0};
    static const int64_t after[] = {7, 0, 0, 0};
    assert_memory_equal(told.move.delta, delta, sizeof delta);
    assert_memory_equal(told.move.after, after, sizeof after);

    told = (struct told){0}; /* a policy is a move without changes */
    assert_int_equal(hf_small_do(&small, "set_policy A@W safety=1 ref=x2"), HF_OK);
    (void)hf_engine_ledger_ref(small.engine, hf_text_of("x2"), tell_cb, &told);
    assert_int_equal(told.count, 1);
    assert_int_equal(told.move.kind, HF_KIND_SET_POLICY);
    assert_string_equal(told.reservation, "");
    static const int64_t zeros[HF_COUNTERS_COUNT];
    assert_memory_equal(told.move.delta, zeros, sizeof zeros);
    assert_memory_equal(told.move.after, after, sizeof after);
    hf_small_release(&small);
}

/* What the ring has dropped is not told; what it has is told to the last. */
static void ring_dropped_the_older_part(void **state)
{
    struct hf_small small;
    static struct heard heard;
    struct hf_engine_stats stats;
    (void)state;

    hf_small_init(&small, NULL);
    assert_int_equal(hf_small_do(&small, "receive B@W=1 order=old ref=r-old"), HF_OK);
    assert_int_equal(hf_small_do(&small, "receive A@W=1 order=both"), HF_OK);
    do { /* a lot of records of another cell */
        assert_int_equal(hf_small_do(&small, "receive C@W=1"), HF_OK);
        hf_engine_stats(small.engine, &stats);
    } while (stats.ledger_first_lsn <= 2);
    assert_int_equal(hf_small_do(&small, "receive A@W=1 order=both"), HF_OK);
    const uint64_t newest = hf_engine_lsn(small.engine);

    hear_cell(&small, "A", 1, &heard);
    assert_int_equal(heard.count, 1);
    assert_int_equal(heard.lsns[0], newest);
    hear_cell(&small, "B", 1, &heard);
    assert_int_equal(heard.count, 0);
    hear_order(&small, "both", 10, &heard);
    assert_int_equal(heard.count, 1);
    hear_order(&small, "old", 10, &heard);
    assert_int_equal(heard.count, 0);
    heard.count = 0;
    (void)hf_engine_ledger_ref(small.engine, hf_text_of("r-old"), hear_cb, &heard);
    assert_int_equal(heard.count, 0);
    hf_engine_stats(small.engine, &stats);
    const uint32_t c = hf_engine_sku(small.engine, hf_text_of("C"));
    uint64_t cursor = UINT64_MAX;
    uint64_t told = 0;
    do {
        heard.count = 0;
        cursor = hf_engine_ledger_cell(small.engine, c, 0, cursor, 4000, hear_cb, &heard);
        told += heard.count;
    } while (cursor != 0);
    assert_int_equal(heard.lsns[heard.count - 1], stats.ledger_first_lsn);
    assert_int_equal(told, newest - stats.ledger_first_lsn); /* all but the newest, which is A's */
    assert_null(hf_small_violation(small.engine));
    hf_small_release(&small);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pages_of_any_size), cmocka_unit_test(pages_with_writes_between),
        cmocka_unit_test(from_any_lsn),      cmocka_unit_test(moves_of_one_record),
        cmocka_unit_test(fields_of_a_move),  cmocka_unit_test(ring_dropped_the_older_part),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
