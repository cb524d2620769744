/*
 * test_engine_ledger.c - the ring of records.
 *
 * Method: records of random sizes go in until the ring has wrapped many times, next to an array
 * that keeps a copy of each; whatever the ring still has is byte for byte the copy, lies side by
 * side where a span says so, and was dropped oldest first and never past the pin.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "engine/bytes.h"
#include "engine/ledger.h"
#include "engine/limits.h"
#include "engine/record.h"
#include "tests/lib/small_engine.h"

#define RING_BYTES ((uint64_t)HF_LEDGER_BYTES_MIN)

/* What is in a record of this LSN, without keeping the bytes: they are made from the LSN. */
static uint32_t bytes_of(uint64_t lsn)
{
    uint64_t state = lsn;
    const uint64_t kind = hf_random_below(&state, 100);
    const uint64_t max = kind < 70 ? 128 : kind < 98 ? 65536 : HF_RECORD_BYTES_MAX;
    const uint64_t bytes = HF_RECORD_HEADER_BYTES + 8 + hf_random_below(&state, max);
    return bytes > HF_RECORD_BYTES_MAX ? HF_RECORD_BYTES_MAX : (uint32_t)(bytes & ~UINT64_C(7));
}

static void write_at(unsigned char *room, uint64_t lsn, uint32_t bytes_count)
{
    memset(room, 0, bytes_count < 64 ? bytes_count : 64);
    hf_put_u32(room, bytes_count);
    room[4] = 1;
    hf_put_u64(room + 8, lsn);
    memset(room + bytes_count - 8, (int)(lsn & 0xFF), 8);
}

static void check_record(const unsigned char *record, uint64_t lsn, uint32_t bytes_count)
{
    assert_int_equal(hf_record_bytes(record), bytes_count);
    assert_int_equal(hf_record_lsn(record), lsn);
    for (unsigned i = 1; i <= 8; i++) {
        assert_int_equal(record[bytes_count - i], (unsigned char)lsn);
    }
}

struct dropped {
    struct hf_ledger *ledger;
    uint64_t next_lsn;
};

static void dropped_cb(void *arg, uint64_t lsn)
{
    struct dropped *dropped = arg;
    uint32_t bytes_count;

    assert_int_equal(lsn, dropped->next_lsn); /* each, in order, while it is still there */
    const unsigned char *record = hf_ledger_get(dropped->ledger, lsn, &bytes_count);
    assert_non_null(record);
    check_record(record, lsn, bytes_count);
    dropped->next_lsn++;
}

static bool push(struct hf_ledger *ledger, struct dropped *dropped, uint32_t bytes_count)
{
    /* Room is asked for generously, as the engine does, which knows the size only afterwards. */
    const uint32_t bound =
        bytes_count + 64 > HF_RECORD_BYTES_MAX ? HF_RECORD_BYTES_MAX : bytes_count + 64;
    unsigned char *room = hf_ledger_room(ledger, bound, dropped_cb, dropped);
    if (room == NULL) {
        return false;
    }
    assert_ptr_equal(hf_ledger_room(ledger, bound, dropped_cb, dropped), room);
    assert_true(room >= ledger->bytes);
    assert_true(room + bound <= ledger->bytes + ledger->bytes_max);
    write_at(room, ledger->last_lsn + 1, bytes_count);
    hf_ledger_push(ledger, bytes_count, true, 0);
    return true;
}

static void check_ledger(const struct hf_ledger *ledger, uint64_t first_lsn)
{
    uint32_t bytes_count;

    assert_int_equal(ledger->first_lsn, first_lsn);
    assert_null(hf_ledger_get(ledger, ledger->first_lsn - 1, &bytes_count));
    assert_null(hf_ledger_get(ledger, ledger->last_lsn + 1, &bytes_count));
    for (uint64_t lsn = ledger->first_lsn; lsn <= ledger->last_lsn; lsn++) {
        const unsigned char *record = hf_ledger_get(ledger, lsn, &bytes_count);
        assert_non_null(record);
        check_record(record, lsn, bytes_count);
        assert_int_equal(bytes_count, bytes_of(lsn));
    }
}

static void ring_wraps_around(void **state)
{
    struct hf_ledger ledger;
    struct dropped dropped = {&ledger, 1};
    uint64_t bytes_total = 0;
    (void)state;

    assert_int_equal(hf_ledger_init(&ledger, RING_BYTES), HF_OK);
    while (bytes_total < RING_BYTES * 12) {
        const uint64_t lsn = ledger.last_lsn + 1;
        hf_ledger_pin(&ledger, ledger.last_lsn);
        assert_true(push(&ledger, &dropped, bytes_of(lsn)));
        assert_int_equal(ledger.last_lsn, lsn);
        bytes_total += bytes_of(lsn);
        if (lsn % 64 == 0) {
            check_ledger(&ledger, dropped.next_lsn);
        }
    }
    assert_true(dropped.next_lsn > 1);
    assert_true(ledger.touched_bytes <= RING_BYTES);
    hf_ledger_release(&ledger);
    hf_ledger_release(&ledger);
}

static void count_dropped_cb(void *arg, uint64_t lsn)
{
    assert_int_equal(lsn % 3, 0);
    ++*(uint32_t *)arg;
}

/* One of three has an order: the others go without a word. */
static void only_orders_are_told(void **state)
{
    struct hf_ledger ledger;
    uint32_t told_count = 0;
    (void)state;

    assert_int_equal(hf_ledger_init(&ledger, RING_BYTES), HF_OK);
    while (ledger.first_lsn < 1000) {
        const uint64_t lsn = ledger.last_lsn + 1;
        hf_ledger_pin(&ledger, ledger.last_lsn);
        unsigned char *room = hf_ledger_room(&ledger, 1 << 16, count_dropped_cb, &told_count);
        assert_non_null(room);
        write_at(room, lsn, 1 << 16);
        hf_ledger_push(&ledger, 1 << 16, lsn % 3 == 0, 0);
        assert_int_equal(told_count, (ledger.first_lsn - 1) / 3);
    }
    hf_ledger_release(&ledger);
}

/* Without the log's word nothing goes; with it, only up to there. */
static void pin_is_respected(void **state)
{
    struct hf_ledger ledger;
    struct dropped dropped = {&ledger, 1};
    const uint32_t bytes_count = HF_RECORD_BYTES_MAX / 2;
    (void)state;

    assert_int_equal(hf_ledger_init(&ledger, RING_BYTES), HF_OK);
    uint32_t count = 0;
    while (push(&ledger, &dropped, bytes_count)) {
        count++;
        assert_true(count < 100);
    }
    assert_int_equal(count,
                     RING_BYTES / bytes_count - 1); /* room is asked for with some to spare */
    assert_int_equal(dropped.next_lsn, 1);
    const uint64_t head = ledger.head;
    assert_false(push(&ledger, &dropped, bytes_count));
    assert_int_equal(ledger.head, head);
    assert_true(push(&ledger, &dropped, bytes_count - 64)); /* fits the end exactly */
    assert_int_equal(dropped.next_lsn, 1);
    assert_false(push(&ledger, &dropped, bytes_count - 64));
    hf_ledger_pin(&ledger, 1); /* one goes, and its place is enough */
    assert_true(push(&ledger, &dropped, bytes_count - 64));
    assert_int_equal(dropped.next_lsn, 2);
    assert_false(push(&ledger, &dropped, bytes_count));
    hf_ledger_pin(&ledger, ledger.last_lsn);
    assert_true(push(&ledger, &dropped, bytes_count));
    assert_null(hf_ledger_room(&ledger, HF_RECORD_BYTES_MAX + 1, dropped_cb, &dropped));
    hf_ledger_release(&ledger);
}

/* Small records run out of entries before they run out of bytes. */
static void entries_are_limited(void **state)
{
    struct hf_ledger ledger;
    struct dropped dropped = {&ledger, 1};
    (void)state;

    assert_int_equal(hf_ledger_init(&ledger, RING_BYTES), HF_OK);
    assert_true((ledger.entries_max & (ledger.entries_max - 1)) == 0);
    for (uint64_t i = 0; i < ledger.entries_max; i++) {
        assert_true(push(&ledger, &dropped, 48));
    }
    assert_int_equal(dropped.next_lsn, 1);
    assert_false(push(&ledger, &dropped, 48));
    hf_ledger_pin(&ledger, 3);
    for (uint64_t i = 0; i < 3; i++) {
        assert_true(push(&ledger, &dropped, 48));
        assert_int_equal(dropped.next_lsn, i + 2);
    }
    assert_false(push(&ledger, &dropped, 48));
    uint32_t bytes_count;
    assert_null(hf_ledger_get(&ledger, 3, &bytes_count));
    check_record(hf_ledger_get(&ledger, 4, &bytes_count), 4, 48);
    check_record(hf_ledger_get(&ledger, ledger.last_lsn, &bytes_count), ledger.last_lsn, 48);
    hf_ledger_release(&ledger);
}

/* The newest taken back: the next one has its LSN and its place, also at the ring's begin. */
static void newest_is_taken_back(void **state)
{
    struct hf_ledger ledger;
    struct dropped dropped = {&ledger, 1};
    uint64_t seed = hf_random_seed();
    uint64_t pops = 0;
    (void)state;

    assert_int_equal(hf_ledger_init(&ledger, RING_BYTES), HF_OK);
    while (ledger.last_lsn < 2000) {
        hf_ledger_pin(&ledger, ledger.last_lsn);
        const uint64_t group = 1 + hf_random_below(&seed, 4);
        for (uint64_t i = 0; i < group; i++) {
            assert_true(push(&ledger, &dropped, bytes_of(ledger.last_lsn + 1)));
        }
        if (hf_random_below(&seed, 3) == 0) {
            for (uint64_t i = 0; i < group; i++) {
                hf_ledger_pop(&ledger);
                pops++;
            }
        }
        assert_int_equal(ledger.first_lsn, dropped.next_lsn);
    }
    assert_true(pops > 0);
    check_ledger(&ledger, dropped.next_lsn);
    hf_ledger_release(&ledger);
}

static void taking_back_the_only_one(void **state)
{
    struct hf_ledger ledger;
    struct dropped dropped = {&ledger, 1};
    uint32_t bytes_count;
    (void)state;

    assert_int_equal(hf_ledger_init(&ledger, RING_BYTES), HF_OK);
    assert_true(push(&ledger, &dropped, 64));
    hf_ledger_pop(&ledger);
    assert_int_equal(ledger.last_lsn, 0);
    assert_null(hf_ledger_get(&ledger, 1, &bytes_count));
    assert_true(push(&ledger, &dropped, 72));
    check_record(hf_ledger_get(&ledger, 1, &bytes_count), 1, 72);
    assert_int_equal(hf_ledger_get(&ledger, 1, &bytes_count) - ledger.bytes, 0);
    hf_ledger_release(&ledger);
}

static void starts_at_any_lsn(void **state)
{
    struct hf_ledger ledger;
    uint32_t bytes_count;
    (void)state;

    assert_int_equal(hf_ledger_init(&ledger, RING_BYTES), HF_OK);
    hf_ledger_start(&ledger, UINT64_C(1) << 40);
    struct dropped dropped = {&ledger, UINT64_C(1) << 40};
    assert_null(hf_ledger_get(&ledger, UINT64_C(1) << 40, &bytes_count));
    assert_true(push(&ledger, &dropped, 64));
    check_record(hf_ledger_get(&ledger, UINT64_C(1) << 40, &bytes_count), UINT64_C(1) << 40, 64);
    assert_null(hf_ledger_get(&ledger, (UINT64_C(1) << 40) - 1, &bytes_count));
    hf_ledger_release(&ledger);
}

/* ------------------------------------------------------------------ spans */

/* Ten records of 64 bytes: 3, 4 and 5 are one linked group, 8 and 9 another. */
static void fill_with_groups(struct hf_ledger *ledger, struct dropped *dropped)
{
    for (uint64_t lsn = 1; lsn <= 10; lsn++) {
        assert_true(push(ledger, dropped, 64));
        if (lsn == 3 || lsn == 4 || lsn == 8) {
            uint32_t bytes_count;
            const unsigned char *record = hf_ledger_get(ledger, lsn, &bytes_count);
            hf_record_set_linked(ledger->bytes + (record - ledger->bytes));
        }
    }
}

static const struct span_row {
    const char *name;
    uint64_t from_lsn, to_lsn, bytes_max;
    uint64_t want_last_lsn;
} span_rows[] = {
    {"all", 1, 10, 640, 10},
    {"all, and room to spare", 1, 10, UINT64_MAX, 10},
    {"one byte less", 1, 10, 639, 9},
    {"up to an LSN", 1, 2, 640, 2},
    {"one record", 6, 6, 640, 6},
    {"at least one record", 1, 10, 1, 1},
    {"at least one record, no bytes at all", 6, 10, 0, 6},
    {"two records exactly", 1, 10, 128, 2},
    {"a byte less than two", 1, 10, 127, 1},
    {"a group is not split", 1, 10, 192, 5},
    {"a group is not split by its last record", 1, 10, 319, 5},
    {"a group exactly", 1, 10, 320, 5},
    {"a group grows past the bytes", 3, 10, 1, 5},
    {"after a group", 6, 10, 128, 7},
    {"a group at the end", 8, 10, 64, 9},
    {"from the last one", 10, 10, 64, 10},
};

static void span_of_groups(void **state)
{
    const struct span_row *row = *state;
    struct hf_ledger ledger;
    struct dropped dropped = {&ledger, 1};

    assert_int_equal(hf_ledger_init(&ledger, RING_BYTES), HF_OK);
    fill_with_groups(&ledger, &dropped);
    const struct hf_ledger_span span =
        hf_ledger_span(&ledger, row->from_lsn, row->to_lsn, row->bytes_max);
    assert_int_equal(span.last_lsn, row->want_last_lsn);
    assert_int_equal(span.bytes_count, (row->want_last_lsn - row->from_lsn + 1) * 64);
    for (uint64_t lsn = row->from_lsn; lsn <= span.last_lsn; lsn++) {
        check_record(span.bytes + (lsn - row->from_lsn) * 64, lsn, 64);
    }
    hf_ledger_release(&ledger);
}

/* Spans one after the other give every record once, also where the ring wraps. */
static void spans_across_the_end(void **state)
{
    struct hf_ledger ledger;
    struct dropped dropped = {&ledger, 1};
    uint64_t seed = hf_random_seed();
    uint64_t read_lsn = 0;
    uint32_t wraps = 0;
    (void)state;

    assert_int_equal(hf_ledger_init(&ledger, RING_BYTES), HF_OK);
    while (wraps < 5) {
        for (uint64_t i = hf_random_below(&seed, 30); i-- > 0;) {
            (void)push(&ledger, &dropped, bytes_of(ledger.last_lsn + 1));
        }
        while (read_lsn < ledger.last_lsn) {
            const struct hf_ledger_span span = hf_ledger_span(
                &ledger, read_lsn + 1, ledger.last_lsn, 1 + hf_random_below(&seed, 1u << 20));
            uint64_t offset = 0;
            for (uint64_t lsn = read_lsn + 1; lsn <= span.last_lsn; lsn++) {
                check_record(span.bytes + offset, lsn, bytes_of(lsn));
                offset += bytes_of(lsn);
            }
            assert_int_equal(offset, span.bytes_count);
            assert_true(span.last_lsn > read_lsn);
            wraps += span.bytes == ledger.bytes && read_lsn > 0;
            read_lsn = span.last_lsn;
        }
        hf_ledger_pin(&ledger, read_lsn);
    }
    hf_ledger_release(&ledger);
}

int main(void)
{
    struct CMUnitTest tests[sizeof span_rows / sizeof span_rows[0] + 8];
    size_t count = 0;

    for (; count < sizeof span_rows / sizeof span_rows[0]; count++) {
        tests[count] = (struct CMUnitTest){
            .name = span_rows[count].name,
            .test_func = span_of_groups,
            .initial_state = (void *)(uintptr_t)&span_rows[count],
        };
    }
    const struct CMUnitTest others[] = {
        cmocka_unit_test(ring_wraps_around),    cmocka_unit_test(only_orders_are_told),
        cmocka_unit_test(pin_is_respected),     cmocka_unit_test(entries_are_limited),
        cmocka_unit_test(newest_is_taken_back), cmocka_unit_test(taking_back_the_only_one),
        cmocka_unit_test(starts_at_any_lsn),    cmocka_unit_test(spans_across_the_end),
    };
    memcpy(tests + count, others, sizeof others);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
