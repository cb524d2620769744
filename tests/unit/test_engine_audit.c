/*
 * test_engine_audit.c - P6: the audit finds what is wrong, says where, and finds nothing else.
 *
 * Method: an engine with stock of every kind is sound. Each row then spoils one thing in its
 * memory, as a defect would, and the audit must name the thing and what is wrong with it; with a
 * balance taken in steps of any size. Then audits that run in small steps, several at once and some
 * of them given up, go on while random operations of every kind change everything: none finds
 * anything.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "engine/image.h"
#include "tests/lib/any_operation.h"
#include "tests/lib/small_engine.h"

static const char *const story[] = {
    "receive A@W=20 B@W=300 A@V=5",
    "receive C@W=4 D@V=8",
    "set_policy A@W safety=2 low=5 backorder=7",
    "reserve r1 A@W=3 B@W=2 A@V=1 ttl=900000000",
    "reserve r2 B@W=5 C@W=1 D@V=2",
    "reserve r3 B@W=6 ttl=800000000",
    "confirm r2",
    "reserve closed B@W=9",
    "release closed",
    "transfer_create t1 from=W to=V A=5 B=4 ship",
    "transfer_create t2 from=W to=V B=6",
    "transfer_create t3 from=W to=U B=6 ship",
    "transfer_receive t3",
    "inbound_create i1 to=W A=50 C=5",
    "inbound_create i2 to=V A=7 D=1 sellable",
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

/* ------------------------------------------------------------------ things to spoil */

static struct hf_cell *cell_of(struct hf_engine *engine, const char *sku, const char *location)
{
    return hf_cell_at(&engine->cells,
                      hf_cells_find(&engine->cells, hf_engine_sku(engine, hf_text_of(sku)),
                                    hf_engine_location(engine, hf_text_of(location))));
}

static struct hf_cell_extra *extra_of(struct hf_engine *engine, const char *sku,
                                      const char *location)
{
    return hf_pool_at(&engine->cells.extras, cell_of(engine, sku, location)->extra);
}

static uint32_t name_of(struct hf_engine *engine, const char *name)
{
    const struct hf_text text = hf_text_of(name);
    return hf_name_index(hf_names_find(&engine->names, text, hf_name_hash(text)));
}

static struct hf_reservation *reservation_of(struct hf_engine *engine, const char *id)
{
    return hf_reservation_at(&engine->reservations, name_of(engine, id));
}

static struct hf_line *line_of(struct hf_engine *engine, const char *id)
{
    return hf_line_at(&engine->reservations, reservation_of(engine, id)->first_line);
}

static struct hf_shipment *shipment_of(struct hf_engine *engine, const char *id)
{
    return hf_shipment_at(&engine->shipments, name_of(engine, id));
}

static struct hf_shipment_line *shipment_line_of(struct hf_engine *engine, const char *id)
{
    return hf_shipment_line_at(&engine->shipments, shipment_of(engine, id)->first_line);
}

static void nothing(struct hf_engine *engine)
{
    (void)engine;
}

static void below_zero(struct hf_engine *engine)
{
    cell_of(engine, "C", "W")->hot[HF_ON_HAND] = -1;
}

static void beyond_the_moves(struct hf_engine *engine)
{
    cell_of(engine, "C", "W")->hot[HF_ON_HAND]++;
}

static void held_too_much(struct hf_engine *engine)
{
    cell_of(engine, "B", "W")->hot[HF_HELD]++;
}

static void committed_too_little(struct hf_engine *engine)
{
    cell_of(engine, "D", "V")->hot[HF_COMMITTED]--;
}

static void damaged_beyond_moves(struct hf_engine *engine)
{
    extra_of(engine, "A", "W")->rare[HF_DAMAGED - HF_COUNTERS_HOT]++;
}

static void too_much_inbound(struct hf_engine *engine)
{
    extra_of(engine, "A", "V")->inbound_kept = 6; /* 5 + 7 in transit, of it 7 sellable */
}

static void kept_for_sellable(struct hf_engine *engine)
{
    extra_of(engine, "A", "V")->inbound_kept = 1;
    extra_of(engine, "A", "V")->inbound_sellable = 6;
}

static void low_without_threshold(struct hf_engine *engine)
{
    cell_of(engine, "C", "W")->is_low = 1;
}

static void sold_tomorrow(struct hf_engine *engine)
{
    cell_of(engine, "C", "W")->since_us = engine->last_ts_us + 1;
}

static void cell_of_another_code(struct hf_engine *engine)
{
    cell_of(engine, "C", "W")->sku = hf_engine_sku(engine, hf_text_of("D"));
}

static void line_done_but_hung(struct hf_engine *engine)
{
    line_of(engine, "r3")->released = 6;
}

static void line_taken_twice(struct hf_engine *engine)
{
    line_of(engine, "r3")->fulfilled = 7;
}

static void line_unhung(struct hf_engine *engine)
{
    hf_line_unhang(&engine->reservations, &engine->cells, reservation_of(engine, "r3")->first_line);
}

static void closed_but_open(struct hf_engine *engine)
{
    reservation_of(engine, "r2")->state = HF_STATE_RELEASED;
}

static void place_lost(struct hf_engine *engine)
{
    reservation_of(engine, "closed")->name_position++;
}

static void id_lost(struct hf_engine *engine)
{
    reservation_of(engine, "r3")->short_id[1] = '4';
}

static void more_under_way(struct hf_engine *engine)
{
    shipment_line_of(engine, "t1")->figures[HF_LINE_UNDER_WAY]++;
}

static void less_under_way_and_lost(struct hf_engine *engine)
{
    shipment_line_of(engine, "t1")->figures[HF_LINE_UNDER_WAY]--;
    shipment_line_of(engine, "t1")->figures[HF_LINE_LOST]++;
}

static void inbound_fewer(struct hf_engine *engine)
{
    shipment_line_of(engine, "i1")->figures[HF_LINE_UNDER_WAY] -= 2;
    shipment_line_of(engine, "i1")->figures[HF_LINE_CANCELLED] += 2;
}

static void goes_elsewhere(struct hf_engine *engine)
{
    shipment_of(engine, "t1")->to = hf_engine_location(engine, hf_text_of("U"));
}

static void shipment_below_zero(struct hf_engine *engine)
{
    shipment_line_of(engine, "t2")->figures[HF_LINE_UNSHIPPED] = -1;
    shipment_line_of(engine, "t2")->figures[HF_LINE_CANCELLED] = 7;
}

static void shipment_open_but_done(struct hf_engine *engine)
{
    shipment_of(engine, "t3")->state = HF_STATE_IN_TRANSIT;
}

static void shipment_place_lost(struct hf_engine *engine)
{
    shipment_of(engine, "t3")->name_position--;
}

static void shipment_id_lost(struct hf_engine *engine)
{
    shipment_of(engine, "t3")->id[1] = '4';
}

static void shipment_of_one_sku(struct hf_engine *engine)
{
    shipment_line_of(engine, "t1")->sku = hf_engine_sku(engine, hf_text_of("B"));
}

static void both_wrong(struct hf_engine *engine)
{
    less_under_way_and_lost(engine);
    inbound_fewer(engine);
}

static void in_transit_elsewhere(struct hf_engine *engine)
{
    /* The total is right. */
    extra_of(engine, "A", "V")->rare[0]--;
    extra_of(engine, "D", "V")->rare[0]++;
}

#define TRANSIT "in_transit is not the sum of what is under way in shipments"
#define MOVES "the counters are not the sum of the moves"

static const struct row {
    const char *name;
    void (*spoil)(struct hf_engine *engine);
    const char *first; /* NULL: none */
    uint64_t count;
} rows[] = {
    {"sound", nothing, NULL, 0},
    {"below zero", below_zero, "C: a counter is out of range", 2},
    {"beyond the moves", beyond_the_moves, "C: " MOVES, 1},
    {"held too much", held_too_much, "B: held is not the sum of the held reservation lines",
     3}, /* at the cell, by its moves, in the balance */
    {"committed too little", committed_too_little,
     "D: committed is not the sum of the confirmed reservation lines", 3},
    {"damaged beyond the moves", damaged_beyond_moves, "A: " MOVES, 1},
    {"too much inbound", too_much_inbound, "A: more comes from suppliers than is in_transit", 2},
    {"kept for sellable", kept_for_sellable,
     "A: in_transit that may be sold is not that of the inbound shipments", 2},
    {"low without a threshold", low_without_threshold,
     "C: the cell is low on stock without a threshold", 1},
    {"sold tomorrow", sold_tomorrow, "C: the cell is from another time", 1},
    {"a cell of another code", cell_of_another_code,
     "D: the cell is not found by its SKU and location", 4},
    {"a line done but hung", line_done_but_hung, "B: a line hangs at the cell that should not", 5},
    {"a line taken twice", line_taken_twice, "B: a line hangs at the cell that should not", 6},
    {"a line unhung", line_unhung, "B: held is not the sum of the held reservation lines", 2},
    {"closed but open", closed_but_open, "B: a line hangs at the cell that should not", 6},
    {"place lost", place_lost, "closed: a closed reservation has no place among the names", 1},
    {"id lost", id_lost, "r4: the reservation is not found by its id", 1},
    {"more under way", more_under_way, "t1: a line of the shipment does not add up", 2},
    {"less under way, and lost", less_under_way_and_lost, "A: " TRANSIT, 1},
    {"inbound fewer", inbound_fewer, "A: " TRANSIT, 2},
    {"goes elsewhere", goes_elsewhere, "several cells: " TRANSIT, 1},
    {"both wrong", both_wrong, "several cells: " TRANSIT, 2},
    {"in transit elsewhere", in_transit_elsewhere, "A: " MOVES, 3},
    {"shipment below zero", shipment_below_zero, "t2: a line of the shipment does not add up", 2},
    {"shipment open but done", shipment_open_but_done,
     "t3: open units and state of the shipment do not agree", 1},
    {"shipment place lost", shipment_place_lost,
     "t3: a closed shipment has no place among the names", 1},
    {"shipment id lost", shipment_id_lost, "t4: the shipment is not found by its id", 1},
    {"two lines of one SKU", shipment_of_one_sku, "t1: two lines of the shipment are of one SKU",
     2},
};

static void spoilt(void **state)
{
    const struct row *row = *state;
    static const uint32_t steps[] = {1, 3, 1000};

    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        struct hf_small small;
        struct hf_audit audit = {0};
        live_the_story(&small);
        row->spoil(small.engine);
        while (!hf_engine_audit(small.engine, &audit, steps[i])) {
        }
        assert_string_equal(audit.first_violation, row->first == NULL ? "" : row->first);
        assert_int_equal(audit.violations_count, row->count);
        assert_int_equal(audit.cells_count, 7);
        assert_int_equal(audit.reservations_count, 4);
        assert_int_equal(audit.shipments_count, 5);
        assert_int_equal(small.engine->watchers, 0);
        hf_small_release(&small);
    }
}

/* ------------------------------------------------------------------ long rings */

#define HOLDS_COUNT 9000 /* more lines than are looked at in one ring */

static void a_long_ring_is_left_to_the_balance(void **state)
{
    struct hf_engine_config config = hf_small_config();
    struct hf_small small;
    struct hf_audit audit = {0};
    (void)state;

    config.reservations_max = config.lines_max = HOLDS_COUNT;
    hf_small_init(&small, &config);
    assert_int_equal(hf_small_do(&small, "receive A@W=100000 B@W=10"), HF_OK);
    for (unsigned i = 0; i < HOLDS_COUNT; i++) {
        assert_int_equal(hf_small_do(&small, "reserve r%u A@W=1", i), HF_OK);
    }
    /* The cell costs a step what was looked at, so a small step goes no further than this cell. */
    assert_false(hf_engine_audit(small.engine, &audit, 2));
    assert_int_equal(audit.cells_count, 1);
    assert_null(hf_small_violation(small.engine));

    line_of(small.engine, "r8999")->units = 2;
    assert_string_equal(hf_small_violation(small.engine),
                        "A: held is not the sum of the held reservation lines");
    line_of(small.engine, "r8999")->units = 1;
    line_of(small.engine, "r8999")->ring_prev--;
    assert_string_equal(hf_small_violation(small.engine),
                        "r8998: an open line does not hang at its cell");
    hf_small_release(&small);
}

/* ------------------------------------------------------------------ audits at once */

#define AUDITS 3

static void audits_while_everything_changes(void **state)
{
    const char *scale = getenv("SCALE");
    const uint32_t operations_count = scale != NULL && strcmp(scale, "full") == 0 ? 400000 : 40000;
    struct hf_engine_config config = hf_engine_config_default();
    struct hf_audit audits[AUDITS] = {{0}};
    uint64_t random_state = hf_random_seed();
    uint64_t now_us = HF_SMALL_BEGIN_US;
    uint32_t ended_count = 0;
    (void)state;

    config.references_max = 200;
    config.ledger_bytes = HF_LEDGER_BYTES_MIN;
    struct hf_engine *engine = hf_engine_create(&config);
    assert_non_null(engine);
    for (uint32_t i = 0; i < operations_count; i++) {
        struct hf_audit *audit = &audits[hf_random_below(&random_state, AUDITS)];
        now_us += hf_random_below(&random_state, 50);
        hf_any_apply(engine, &random_state, now_us);
        if (hf_random_below(&random_state, 500) == 0) {
            *audit = (struct hf_audit){0}; /* whoever asked has gone */
        }
        if (hf_engine_audit(engine, audit, 1 + (uint32_t)hf_random_below(&random_state, 40))) {
            assert_string_equal(audit->first_violation, "");
            assert_true(i < 5000 || (audit->cells_count > 50 && audit->shipments_count > 5));
            *audit = (struct hf_audit){0};
            ended_count++;
        }
    }
    assert_true(ended_count > operations_count / 400);
    hf_engine_free(engine);
}

/* A defect that comes after the run has passed it by is found by the next one at the latest. */
static void a_run_that_nobody_steps_on_ends(void **state)
{
    struct hf_small small;
    struct hf_audit given_up = {0};
    struct hf_audit audit = {0};
    (void)state;

    live_the_story(&small);
    while (small.engine->watchers == 0) {
        assert_false(hf_engine_audit(small.engine, &given_up, 1));
    }
    assert_true(small.engine->balance.is_running);
    small.engine->balance.corrections_count = HF_BALANCE_CORRECTIONS_MAX;
    assert_int_equal(hf_small_do(&small, "sell B@W=1"), HF_OK);
    assert_int_equal(small.engine->watchers, 0);
    while (!hf_engine_audit(small.engine, &audit, 2)) {
    }
    assert_string_equal(audit.first_violation, "");
    while (!hf_engine_audit(small.engine, &given_up, 2)) { /* it is back */
    }
    assert_string_equal(given_up.first_violation, "");
    hf_small_release(&small);
}

#define ROWS_COUNT (sizeof rows / sizeof rows[0])

int main(void)
{
    struct CMUnitTest tests[ROWS_COUNT + 3];
    size_t count = 0;

    for (; count < ROWS_COUNT; count++) {
        tests[count] = (struct CMUnitTest){.name = rows[count].name,
                                           .test_func = spoilt,
                                           .initial_state = (void *)(uintptr_t)&rows[count]};
    }
    const struct CMUnitTest others[] = {
        cmocka_unit_test(a_long_ring_is_left_to_the_balance),
        cmocka_unit_test(audits_while_everything_changes),
        cmocka_unit_test(a_run_that_nobody_steps_on_ends),
    };
    memcpy(tests + count, others, sizeof others);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
