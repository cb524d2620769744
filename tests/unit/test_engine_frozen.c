/*
 * test_engine_frozen.c - a reading of one state while the engine goes on is that state.
 *
 * Method: at the freeze all rows are taken at once through the engine's other questions and written
 * down as text. Then the engine changes, and the frozen rows are read in pages: they must come out
 * as the same text. First one change of each kind at each moment of the reading, from a table; then
 * random operations of every kind between random pages, with slots used again, holds expiring and
 * linked groups taken back, over thousands of readings. The seed is printed; SEED= replays it.
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

#define SECTIONS_END (HF_FROZEN_INBOUND + 1)
#define BYTES_PLENTY (UINT64_C(64) * 1024 * 1024)

/* ------------------------------------------------------------------ rows as text */

#define TEXT_BYTES_MAX (512 * 1024)

struct rows {
    char text[TEXT_BYTES_MAX];
    size_t bytes_count;
    uint32_t count;
};

/* What was there at the freeze, and what the reading gives. */
static struct rows wanted[SECTIONS_END];
static struct rows given[SECTIONS_END];

static void clear(struct rows *rows)
{
    rows->text[0] = '\0';
    rows->bytes_count = 0;
    rows->count = 0;
}

__attribute__((format(printf, 2, 3))) static void add(struct rows *rows, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    const int length = vsnprintf(rows->text + rows->bytes_count, TEXT_BYTES_MAX - rows->bytes_count,
                                 format, arguments);
    va_end(arguments);
    assert_true(length > 0 && rows->bytes_count + (size_t)length < TEXT_BYTES_MAX);
    rows->bytes_count += (size_t)length;
}

#define T(text) (int)(text).bytes_count, (text).bytes

static void add_cell(struct rows *rows, const struct hf_cell_view *view)
{
    rows->count++;
    add(rows, "%.*s@%.*s %" PRId64 " %" PRId64 " %" PRId64 " %" PRId64 " %" PRId64 " %" PRId64,
        T(view->sku), T(view->location), view->on_hand, view->held, view->committed,
        view->in_transit, view->damaged, view->quarantined);
    add(rows, " | %" PRId64 " %" PRId64 " %" PRId64 " | %" PRId64 " %" PRId64 " %" PRId64,
        view->safety_stock, view->low_stock, view->backorder_limit, view->atf, view->ats,
        view->shortage);
    add(rows, " | %" PRIu64 " v%" PRIu64 "\n", view->last_sale_us, view->version);
}

static void add_reservation(struct rows *rows, const struct hf_reservation_view *view,
                            const struct hf_reservation_line_view *line)
{
    rows->count++;
    add(rows, "%.*s order=%.*s %s until %" PRIu64 " %" PRIu64 " %" PRIu64 " of %u |", T(view->id),
        T(view->order), hf_state_name(view->state), view->expires_at_us, view->opened_lsn,
        view->opened_us, view->lines_count);
    add(rows, " %.*s@%.*s %" PRId64 " %" PRId64 " %" PRId64 "\n", T(line->sku), T(line->location),
        line->units, line->fulfilled, line->released);
}

static void add_shipment(struct rows *rows, const struct hf_shipment_view *view,
                         const struct hf_shipment_line_view *line)
{
    rows->count++;
    add(rows, "%d %.*s order=%.*s %.*s>%.*s %s %d %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64,
        view->kind, T(view->id), T(view->order), T(view->from), T(view->to),
        hf_state_name(view->state), view->is_sellable, view->eta_us, view->opened_us,
        view->opened_lsn, view->last_lsn);
    add(rows, " of %u open %" PRId64 " | %.*s %" PRId64 ": %" PRId64 " %" PRId64, view->lines_count,
        view->open_units, T(line->sku), line->units, line->unshipped, line->under_way);
    add(rows, " %" PRId64 " %" PRId64 " %" PRId64 " %" PRId64 "\n", line->received, line->damaged,
        line->cancelled, line->lost);
}

/* ------------------------------------------------------------------ what is there, at once */

static void want_cell(void *arg, const struct hf_cell_view *view)
{
    add_cell(arg, view);
}

struct want_shipments {
    struct hf_engine *engine;
    struct rows *rows;
};

static void want_shipment(void *arg, const struct hf_shipment_view *view)
{
    const struct want_shipments *want = arg;
    struct hf_shipment_line_view line;
    uint32_t cursor = view->first_line;

    while (hf_engine_shipment_line(want->engine, &cursor, &line)) {
        add_shipment(want->rows, view, &line);
    }
}

static void want_reservations(struct hf_engine *engine, struct rows *rows)
{
    for (uint32_t i = 0; i < engine->reservations.pool.used_count; i++) {
        const struct hf_reservation *reservation = hf_reservation_at(&engine->reservations, i);
        struct hf_reservation_view view;
        struct hf_reservation_line_view line;
        if (reservation->state == HF_STATE_NONE) {
            continue;
        }
        assert_int_equal(
            hf_engine_reservation(engine, hf_reservation_id(&engine->reservations, reservation), 0,
                                  &view),
            HF_OK);
        uint32_t cursor = view.first_line;
        while (hf_engine_reservation_line(engine, &cursor, &line)) {
            add_reservation(rows, &view, &line);
        }
    }
}

static void want_all(struct hf_engine *engine)
{
    const struct hf_list_filter all = {.location = HF_HANDLE_NONE};
    uint64_t cursor = 0;

    for (unsigned section = HF_FROZEN_CELLS; section < SECTIONS_END; section++) {
        clear(&wanted[section]);
        clear(&given[section]);
    }
    while (hf_engine_list(engine, &all, &cursor, 1000, want_cell, &wanted[HF_FROZEN_CELLS])) {
    }
    want_reservations(engine, &wanted[HF_FROZEN_RESERVATIONS]);
    for (unsigned kind = HF_TRANSFER; kind <= HF_INBOUND; kind++) {
        const struct hf_shipment_filter filter = {.kind = (enum hf_shipment_kind)kind,
                                                  .location = HF_HANDLE_NONE};
        struct want_shipments want = {
            engine, &wanted[kind == HF_TRANSFER ? HF_FROZEN_TRANSFERS : HF_FROZEN_INBOUND]};
        cursor = 0;
        while (hf_engine_shipments(engine, &filter, &cursor, 1000, want_shipment, &want)) {
        }
    }
}

/* ------------------------------------------------------------------ what the reading gives */

struct reading {
    struct hf_engine *engine;
    unsigned section;
    struct hf_frozen_cursor cursor;
    uint32_t page_rows; /* given by this call */
};

static void give_row(void *arg, const struct hf_frozen_row *row)
{
    struct reading *reading = arg;
    struct rows *rows = &given[row->section];

    assert_int_equal(row->section, reading->section);
    reading->page_rows++;
    if (row->section == HF_FROZEN_CELLS) {
        add_cell(rows, &row->cell);
    } else if (row->section == HF_FROZEN_RESERVATIONS) {
        add_reservation(rows, &row->reservation, &row->reserved);
    } else {
        add_shipment(rows, &row->shipment, &row->shipped);
    }
}

static void begin(struct reading *reading, struct hf_engine *engine, uint64_t bytes_max)
{
    want_all(engine);
    *reading = (struct reading){.engine = engine, .section = HF_FROZEN_CELLS};
    assert_true(hf_engine_freeze(engine, bytes_max));
    assert_false(hf_engine_freeze(engine, bytes_max));
    assert_int_equal(hf_engine_frozen_lsn(engine), hf_engine_lsn(engine));
}

/* Fails with the first row that differs. */
static void compare(const struct rows *is, const struct rows *want)
{
    size_t line = 0;

    for (size_t i = 0; i <= want->bytes_count; i++) {
        if (is->text[i] != want->text[i]) {
            fail_msg("\n  %.*s\ninstead of\n  %.*s", (int)strcspn(is->text + line, "\n"),
                     is->text + line, (int)strcspn(want->text + line, "\n"), want->text + line);
        }
        line = want->text[i] == '\n' ? i + 1 : line;
    }
}

/* One page of the section; true when it was the last one, and then the section is compared. */
static bool read_page(struct reading *reading, uint32_t rows_max)
{
    bool is_end = false;

    reading->page_rows = 0;
    assert_int_equal(hf_engine_frozen_rows(reading->engine,
                                           (enum hf_frozen_section)reading->section,
                                           &reading->cursor, rows_max, give_row, reading, &is_end),
                     HF_OK);
    assert_true(reading->page_rows <= rows_max);
    if (is_end) {
        compare(&given[reading->section], &wanted[reading->section]);
        reading->section++;
        reading->cursor = (struct hf_frozen_cursor){0};
    }
    return is_end;
}

static void read_rest(struct reading *reading, uint32_t rows_max)
{
    while (reading->section < SECTIONS_END) {
        read_page(reading, rows_max);
    }
}

/* ------------------------------------------------------------------ one change of each kind */

static const char *const story[] = {
    "receive A@W=20 B@W=300 A@V=5",
    "receive C@W=4 D@V=8",
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

static const char *const changes[] = {
    "receive A@W=1",
    "receive E@X=1",
    "sell B@W=1",
    "adjust A@V=-5",
    "set A@W=3",
    "move_status B@W=2 from=sellable to=quarantined",
    "set_policy A@W safety=0 low=-1 backorder=0",
    "set_policy B@W safety=3 low=9 backorder=1",
    "set_location V=0",
    "set_region id=south V",
    "reserve r9 A@W=1",
    "reserve r9 A@W=1 B@W=1 C@W=1 D@V=1",
    "confirm r1",
    "extend r1 ttl=900000",
    "release r1",
    "release r1 A@V=1",
    "release_order order=o-1",
    "release a-name-longer-than-sixteen-bytes",
    "replace r9 old=r1 B@W=7",
    "fulfil r2 B@W=1",
    "fulfil r2 B@W=1 rest",
    "transfer_create t9 from=W to=V B=1 ship",
    "transfer_ship t2 B=1",
    "transfer_ship t2",
    "transfer_cancel t2",
    "transfer_receive t1 A=1 damaged=1",
    "transfer_receive t1",
    "transfer_cancel t1 B=1",
    "transfer_close t1",
    "inbound_create i9 to=V A=1",
    "inbound_receive i1 A=3",
    "inbound_receive i2",
    "inbound_cancel i1",
};

static void live_the_story(struct hf_small *small)
{
    hf_small_init(small, NULL);
    for (size_t i = 0; i < sizeof story / sizeof story[0]; i++) {
        if (hf_small_do(small, "%s", story[i]) != HF_OK) {
            fail_msg("\"%s\": %s", story[i], hf_err_name(small->result.outcome));
        }
    }
}

/* The change comes after 0, 1, 2, ... rows, until all rows are read before it. */
static void one_change(void **state)
{
    const char *change = *(const char *const *)*state;

    for (uint32_t rows_before = 0;; rows_before++) {
        struct hf_small small;
        struct reading reading;
        live_the_story(&small);
        begin(&reading, small.engine, BYTES_PLENTY);
        for (uint32_t i = 0; i < rows_before && reading.section < SECTIONS_END; i++) {
            read_page(&reading, 1);
        }
        const bool is_all = reading.section == SECTIONS_END;
        if (hf_small_do(&small, "%s", change) != HF_OK) {
            fail_msg("\"%s\": %s", change, hf_err_name(small.result.outcome));
        }
        if (is_all) {
            assert_int_equal(small.engine->frozen.kept.count, 0); /* nothing is left to be read */
        }
        read_rest(&reading, 1);
        hf_engine_thaw(small.engine);
        hf_small_release(&small);
        if (is_all) {
            return;
        }
    }
}

/* Names forgotten and their slots used again, by things of another kind of shipment, too. */
static void slots_are_used_again(void **state)
{
    struct hf_small small;
    struct reading reading;
    (void)state;

    for (uint32_t rows_before = 0; rows_before < 20; rows_before++) {
        live_the_story(&small);
        hf_small_do(&small, "transfer_receive t1");
        begin(&reading, small.engine, BYTES_PLENTY);
        for (uint32_t i = 0; i < rows_before && reading.section < SECTIONS_END; i++) {
            read_page(&reading, 1);
        }
        small.now_us += small.config.reference_retention_us;
        assert_int_equal(hf_small_do(&small, "receive A@W=1"), HF_OK); /* forgets r3, t1, t3 */
        assert_int_equal(hf_small_do(&small, "reserve new-1 B@W=1"), HF_OK);
        assert_int_equal(hf_small_do(&small, "inbound_create new-2 to=V D=2"), HF_OK);
        assert_int_equal(hf_small_do(&small, "inbound_create new-3 to=V D=2"), HF_OK);
        assert_int_equal(hf_small_do(&small, "transfer_create new-4 from=W to=V B=2"), HF_OK);
        assert_int_equal(hf_small_do(&small, "inbound_receive new-2"), HF_OK);
        assert_int_equal(hf_small_do(&small, "release new-1"), HF_OK);
        read_rest(&reading, 2);
        hf_engine_thaw(small.engine);
        hf_small_release(&small);
    }
}

/* What is due at the freeze is expired; what becomes due later is not. */
static void deadlines_are_those_of_the_freeze(void **state)
{
    struct hf_small small;
    struct reading reading;
    (void)state;

    hf_small_init(&small, NULL);
    assert_int_equal(hf_small_do(&small, "receive A@W=9"), HF_OK);
    assert_int_equal(hf_small_do(&small, "reserve r1 A@W=1 ttl=1000"), HF_OK);
    assert_int_equal(hf_small_do(&small, "reserve r2 A@W=1 ttl=2000"), HF_OK);
    small.now_us += 1500;
    small.engine->now_us = small.now_us; /* told, but r1's release is not logged yet */
    begin(&reading, small.engine, BYTES_PLENTY);
    small.now_us += 1000;
    assert_int_equal(hf_engine_expire(small.engine, small.now_us, 10).count, 2);
    read_rest(&reading, 1);
    assert_non_null(strstr(given[HF_FROZEN_RESERVATIONS].text, "r1 order= expired"));
    assert_non_null(strstr(given[HF_FROZEN_RESERVATIONS].text, "r2 order= held"));
    hf_engine_thaw(small.engine);
    hf_small_release(&small);
}

static void a_failed_group_changes_nothing(void **state)
{
    static const char *const group[] = {
        "confirm r1",         "transfer_create t9 from=W to=Z B=1 ship",
        "transfer_cancel t1", "release r2",
        "sell C@W=1000",
    };
    struct hf_small small;
    struct reading reading;
    struct hf_result results[5];
    (void)state;

    for (uint32_t rows_before = 0; rows_before < 25; rows_before++) {
        live_the_story(&small);
        begin(&reading, small.engine, BYTES_PLENTY);
        for (uint32_t i = 0; i < rows_before && reading.section < SECTIONS_END; i++) {
            read_page(&reading, 1);
        }
        assert_int_equal(hf_small_do_linked(&small, group, 5, results), HF_INSUFFICIENT_STOCK);
        assert_int_equal(hf_small_do(&small, "reserve r9 B@W=1"),
                         HF_OK); /* in r-something's place */
        read_rest(&reading, 3);
        hf_engine_thaw(small.engine);
        hf_small_release(&small);
    }
}

/* ------------------------------------------------------------------ bounds */

/* A section that is skipped, passed or not asked for is kept no more. */
static void only_what_is_asked_for_is_kept(void **state)
{
    static const struct {
        enum hf_frozen_section only;
        const char *change;
        uint64_t kept_count;
    } rows[] = {
        {HF_FROZEN_CELLS, "sell B@W=1", 1},
        {HF_FROZEN_CELLS, "set_location V=0", 1},
        {HF_FROZEN_CELLS, "extend r1 ttl=900000", 0},
        {HF_FROZEN_CELLS, "transfer_create t9 from=W to=V B=1", 0},
        {HF_FROZEN_CELLS, "release r1", 3},
        {HF_FROZEN_RESERVATIONS, "release r1", 1},
        {HF_FROZEN_RESERVATIONS, "sell B@W=1", 0},
        {HF_FROZEN_RESERVATIONS, "set_location V=0", 0},
        {HF_FROZEN_TRANSFERS, "transfer_ship t2", 1},
        {HF_FROZEN_TRANSFERS, "inbound_receive i2", 0},
        {HF_FROZEN_INBOUND, "transfer_ship t2", 0},
        {HF_FROZEN_INBOUND, "inbound_receive i2", 1},
        {HF_FROZEN_INBOUND, "release r1", 0},
    };
    (void)state;

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        for (unsigned by_reading = 0; by_reading < 2; by_reading++) {
            struct hf_small small;
            struct reading reading;
            live_the_story(&small);
            begin(&reading, small.engine, BYTES_PLENTY);
            hf_engine_frozen_only(small.engine, rows[i].only);
            assert_int_equal(hf_small_do(&small, "%s", rows[i].change), HF_OK);
            if (small.engine->frozen.kept.count != rows[i].kept_count) {
                fail_msg("%s, only %d: %" PRIu64 " kept", rows[i].change, rows[i].only,
                         small.engine->frozen.kept.count);
            }
            reading.section = rows[i].only;
            while (!read_page(&reading, 2)) {
            }
            hf_engine_thaw(small.engine);
            hf_small_release(&small);
        }
    }
}

static void overflow_loses_the_reading(void **state)
{
    struct hf_small small;
    struct reading reading;
    bool is_end;
    (void)state;

    live_the_story(&small);
    begin(&reading, small.engine, 0);
    assert_false(read_page(&reading, 1)); /* nothing has changed yet */
    assert_int_equal(hf_small_do(&small, "sell B@W=1"), HF_OK);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(hf_engine_frozen_rows(small.engine, HF_FROZEN_CELLS, &reading.cursor, 9,
                                               give_row, &reading, &is_end),
                         HF_LIMIT_EXCEEDED);
        assert_false(is_end);
        assert_int_equal(hf_small_do(&small, "sell B@W=1"), HF_OK);
        assert_int_equal(small.engine->frozen.kept.count, 0);
    }
    hf_engine_thaw(small.engine);
    hf_engine_thaw(small.engine); /* once more: nothing happens */
    begin(&reading, small.engine, BYTES_PLENTY);
    assert_int_equal(hf_small_do(&small, "sell B@W=1"), HF_OK);
    read_rest(&reading, 100);
    hf_engine_thaw(small.engine);
    hf_small_release(&small);
}

/* The bound holds to the byte: what fits is kept, one byte less is too little. */
static void the_bound_is_exact(void **state)
{
    uint64_t bytes_count = 0;
    (void)state;

    for (unsigned round = 0; round < 3; round++) {
        struct hf_small small;
        struct reading reading;
        live_the_story(&small);
        begin(&reading, small.engine, round == 0 ? BYTES_PLENTY : bytes_count - (round == 2));
        assert_int_equal(hf_small_do(&small, "release_order order=o-1"), HF_OK);
        assert_int_equal(hf_small_do(&small, "transfer_receive t1"), HF_OK);
        const struct hf_frozen *frozen = &small.engine->frozen;
        assert_int_equal(frozen->kept.is_lost, round == 2);
        if (round < 2) {
            bytes_count = hf_kept_bytes(&frozen->kept);
            assert_true(frozen->kept.count > 5);
            read_rest(&reading, 5);
        }
        hf_engine_free(small.engine); /* which thaws it */
        small.engine = NULL;
    }
}

/* Free slots are looked at in bounded steps. */
static void many_free_slots(void **state)
{
    struct hf_engine_config config = hf_small_config();
    struct hf_small small;
    struct reading reading;
    uint32_t pages_count = 0;
    (void)state;

    config.reservations_max = config.lines_max = 3 * HF_FROZEN_LOOK_MAX;
    config.references_max = 4;
    hf_small_init(&small, &config);
    assert_int_equal(hf_small_do(&small, "receive A@W=1000000"), HF_OK);
    for (uint32_t i = 0; i < 2 * HF_FROZEN_LOOK_MAX + 5; i++) {
        assert_int_equal(hf_small_do(&small, "reserve r%u A@W=1 order=o", i), HF_OK);
    }
    assert_int_equal(hf_small_do(&small, "release_order order=o"), HF_OK);
    begin(&reading, small.engine, BYTES_PLENTY);
    while (!read_page(&reading, 1000)) {
    }
    assert_int_equal(hf_small_do(&small, "reserve new A@W=1"), HF_OK);
    for (bool is_end = false; !is_end; pages_count++) {
        is_end = read_page(&reading, 1000);
    }
    assert_int_equal(pages_count, 3);
    assert_true(wanted[HF_FROZEN_RESERVATIONS].count <= 4);
    hf_engine_thaw(small.engine);
    hf_small_release(&small);
}

/* What a reading has kept is given back in steps, with expiries: none takes long. */
static void a_large_store_is_given_back_in_steps(void **state)
{
    const uint32_t count = 30000;
    const uint64_t step_bytes = UINT64_C(512) * 1024;
    struct hf_engine_config config = hf_small_config();
    struct hf_engine_stats before, stats;
    struct hf_small small;
    uint32_t steps_count = 0;
    (void)state;

    config.reservations_max = config.lines_max = config.references_max = count;
    hf_small_init(&small, &config);
    assert_int_equal(hf_small_do(&small, "receive A@W=1000000"), HF_OK);
    for (uint32_t i = 0; i < count; i++) {
        assert_int_equal(
            hf_small_do(&small, "reserve a-name-of-nearly-as-many-bytes-as-may-be-%u A@W=1", i),
            HF_OK);
    }
    assert_true(hf_engine_freeze(small.engine, BYTES_PLENTY));
    for (uint32_t i = 0; i < count; i++) {
        assert_int_equal(
            hf_small_do(&small, "release a-name-of-nearly-as-many-bytes-as-may-be-%u", i), HF_OK);
    }
    hf_engine_stats(small.engine, &before);
    const uint64_t kept_bytes = hf_kept_bytes(&small.engine->frozen.kept);
    assert_true(kept_bytes > 4 * step_bytes);
    hf_engine_thaw(small.engine);
    hf_engine_stats(small.engine, &stats);
    assert_true(stats.memory_bytes < before.memory_bytes);
    assert_true(stats.memory_bytes > before.memory_bytes - 2 * step_bytes);
    assert_true(hf_engine_freeze(small.engine, BYTES_PLENTY)); /* another one may begin at once */
    hf_engine_thaw(small.engine);
    for (bool is_more = true; is_more; steps_count++) {
        is_more = hf_engine_expire(small.engine, small.now_us, 1).is_more;
    }
    assert_in_range(steps_count, kept_bytes / step_bytes - 2, kept_bytes / step_bytes + 1);
    hf_engine_stats(small.engine, &stats);
    assert_int_equal(hf_waste_bytes(&small.engine->waste), 0);
    assert_true(stats.memory_bytes < before.memory_bytes - kept_bytes + step_bytes);
    assert_int_equal(hf_small_do(&small, "sell A@W=1"), HF_OK);
    hf_small_release(&small);
}

/* What a reading has reserved and not touched costs no memory, also not after its end. */
static void untouched_memory_does_not_count(void **state)
{
    const uint32_t count = 300000;
    const uint64_t little_bytes = UINT64_C(64) * 1024;
    struct hf_engine_config config = hf_small_config();
    struct hf_engine_stats before, stats;
    struct hf_small small;
    (void)state;

    config.reservations_max = config.lines_max = config.references_max = count;
    hf_small_init(&small, &config);
    assert_int_equal(hf_small_do(&small, "receive A@W=1000000"), HF_OK);
    for (uint32_t i = 0; i < count; i++) {
        assert_int_equal(hf_small_do(&small, "reserve r%u A@W=1", i), HF_OK);
    }
    for (uint32_t i = 0; i < 4; i++) {
        hf_engine_stats(small.engine, &before);
        assert_true(hf_engine_freeze(small.engine, BYTES_PLENTY));
        assert_int_equal(hf_small_do(&small, "release r%u", i * 1000), HF_OK);
        assert_true(small.engine->frozen.kept.places_bytes_reserved > 8 * little_bytes);
        hf_engine_stats(small.engine, &stats);
        assert_true(stats.memory_bytes < before.memory_bytes + little_bytes);
        hf_engine_thaw(small.engine);
        assert_true(small.engine->waste.count > 0); /* it is not all given back yet */
        hf_engine_stats(small.engine, &stats);
        assert_true(stats.memory_bytes < before.memory_bytes + little_bytes);
        while (hf_engine_expire(small.engine, small.now_us, 1).is_more) {
        }
        assert_int_equal(hf_waste_bytes(&small.engine->waste), 0);
    }
    hf_small_release(&small);
}

/* Lines of one reservation over many pages, and the reservation is changed between them. */
static void many_lines(void **state)
{
    struct hf_small small;
    struct reading reading;
    (void)state;

    hf_small_init(&small, NULL);
    assert_int_equal(hf_small_do(&small, "receive A@L1=9 A@L2=9 A@L3=9 A@L4=9 A@L5=9"), HF_OK);
    assert_int_equal(hf_small_do(&small, "reserve r1 A@L1=5 A@L2=5 A@L3=5 A@L4=5 A@L5=5"), HF_OK);
    begin(&reading, small.engine, BYTES_PLENTY);
    reading.section = HF_FROZEN_RESERVATIONS;
    for (uint32_t i = 1; i <= 5; i++) {
        assert_int_equal(read_page(&reading, 1), i == 5);
        assert_int_equal(given[HF_FROZEN_RESERVATIONS].count, i);
        assert_int_equal(hf_small_do(&small, "release r1 A@L%u=1", i), HF_OK);
    }
    read_rest(&reading, 1);
    hf_engine_thaw(small.engine);
    hf_small_release(&small);
}

/* ------------------------------------------------------------------ chance */

static void any_change_at_any_time(void **state)
{
    const char *scale = getenv("SCALE");
    const uint32_t operations_count = scale != NULL && strcmp(scale, "full") == 0 ? 400000 : 40000;
    struct hf_engine_config config = hf_engine_config_default();
    uint64_t random_state = hf_random_seed();
    struct reading reading = {.section = SECTIONS_END};
    uint64_t now_us = HF_SMALL_BEGIN_US;
    uint32_t readings_count = 0;
    uint64_t kept_count = 0;
    (void)state;

    config.references_max = 200;
    config.ledger_bytes = HF_LEDGER_BYTES_MIN;
    struct hf_engine *engine = hf_engine_create(&config);
    assert_non_null(engine);
    for (uint32_t i = 0; i < operations_count; i++) {
        now_us += hf_random_below(&random_state, 50);
        hf_any_apply(engine, &random_state, now_us);
        if (reading.section == SECTIONS_END) {
            hf_engine_thaw(engine);
            begin(&reading, engine, BYTES_PLENTY);
            readings_count++;
            continue;
        }
        if (hf_random_below(&random_state, 3) == 0) {
            read_page(&reading, 1 + (uint32_t)hf_random_below(&random_state, 60));
        }
        if (hf_random_below(&random_state, 100) == 0 && reading.section + 1 < SECTIONS_END) {
            reading.section++; /* the rest is not wanted */
            reading.cursor = (struct hf_frozen_cursor){0};
        }
        if (reading.section == SECTIONS_END) {
            kept_count += engine->frozen.kept.count;
        }
    }
    assert_true(readings_count > operations_count / 1000);
    assert_true(kept_count > readings_count * 10);
    assert_true(wanted[HF_FROZEN_TRANSFERS].count > 0 && wanted[HF_FROZEN_INBOUND].count > 0);
    hf_engine_thaw(engine);
    assert_null(hf_small_violation(engine));
    hf_engine_free(engine);
}

#define CHANGES_COUNT (sizeof changes / sizeof changes[0])

int main(void)
{
    struct CMUnitTest tests[CHANGES_COUNT + 11];
    size_t count = 0;

    for (; count < CHANGES_COUNT; count++) {
        tests[count] = (struct CMUnitTest){.name = changes[count],
                                           .test_func = one_change,
                                           .initial_state = (void *)(uintptr_t)&changes[count]};
    }
    const struct CMUnitTest others[] = {
        cmocka_unit_test(slots_are_used_again),
        cmocka_unit_test(deadlines_are_those_of_the_freeze),
        cmocka_unit_test(a_failed_group_changes_nothing),
        cmocka_unit_test(only_what_is_asked_for_is_kept),
        cmocka_unit_test(overflow_loses_the_reading),
        cmocka_unit_test(the_bound_is_exact),
        cmocka_unit_test(many_free_slots),
        cmocka_unit_test(a_large_store_is_given_back_in_steps),
        cmocka_unit_test(untouched_memory_does_not_count),
        cmocka_unit_test(many_lines),
        cmocka_unit_test(any_change_at_any_time),
    };
    memcpy(tests + count, others, sizeof others);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
