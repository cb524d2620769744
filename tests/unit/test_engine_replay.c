/*
 * test_engine_replay.c - records that contradict the state are refused, by name.
 *
 * Method: an engine lives through a short story; then a record is written by hand that goes on
 * from there, right but for one thing a row, and the refusal and its reason are compared. The
 * first row changes nothing, so that the rows are known to differ from an accepted record by that
 * thing only. Transfers and inbound shipments: test_engine_replay_shipments.c.
 * tests/fuzz/fuzz_record.c searches for what the tables have forgotten.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>

#include "engine/bytes.h"
#include "engine/decoded.h"
#include "engine/ledger.h"
#include "engine/op.h"
#include "engine/record.h"
#include "tests/lib/small_engine.h"
#include "tests/unit/drafts.h"

/*
 * The story: LSN 1 creates SKU 0 "A", SKU 1 "B", locations 0 "W" and 1 "V" and the cells A@W=20,
 * B@W=10, A@V=5; 2 a policy of A@W; 3 holds r1 A@W=3 B@W=2 of order o1; 4 holds r2 A@W=4, which 5
 * confirms and 6 fulfils by 1; 7 holds r3 B@W=1 and 8 releases it; 9 has the reference n9.
 */
static const char *const story[] = {"receive A@W=20 B@W=10 A@V=5 order=po1",
                                    "set_policy A@W safety=2",
                                    "reserve r1 A@W=3 B@W=2 ttl=1000000 order=o1",
                                    "reserve r2 A@W=4",
                                    "confirm r2",
                                    "fulfil r2 A@W=1",
                                    "reserve r3 B@W=1",
                                    "release r3",
                                    "sell A@V=1 ref=n9"};
#define STORY_LSN (sizeof story / sizeof story[0])

/* Cells after the story: versions and counters. */
#define AW 6
#define BW 8
#define AV 9

static struct hf_effect move(uint32_t sku, uint32_t location, uint64_t version_before,
                             const int64_t *delta, const int64_t *after)
{
    struct hf_effect effect = {.tag = HF_EFFECT_MOVE};

    effect.move =
        (struct hf_effect_move){.sku = sku, .location = location, .version_before = version_before};
    memcpy(effect.move.delta, delta, sizeof effect.move.delta);
    memcpy(effect.move.after, after, sizeof effect.move.after);
    return effect;
}

#define MOVE(sku, location, version, d0, d1, d2, d3, a0, a1, a2, a3)                               \
    move((sku), (location), (version), (const int64_t[HF_COUNTERS_COUNT]){(d0), (d1), (d2), (d3)}, \
         (const int64_t[HF_COUNTERS_COUNT]){(a0), (a1), (a2), (a3)})

static struct hf_effect reservation(enum hf_effect_tag tag, const char *id, enum hf_state state,
                                    uint64_t life_us)
{
    struct hf_effect effect = {.tag = tag};

    effect.reservation = (struct hf_effect_reservation){
        .id = hf_text_of(id), .state = state, .life_us = life_us, .index = HF_HANDLE_NONE};
    return effect;
}

static struct hf_effect code(enum hf_effect_tag tag, uint32_t handle, const char *text)
{
    struct hf_effect effect = {.tag = tag};

    effect.code = (struct hf_effect_code){.handle = handle, .code = hf_text_of(text)};
    return effect;
}

/* ------------------------------------------------------------------ the rows */

static void nothing_wrong(struct hf_draft *draft)
{
    hf_draft_add(draft, MOVE(0, 0, AW, 5, 0, 0, 0, 24, 3, 3, 0));
}

static void lsn_is_skipped(struct hf_draft *draft)
{
    nothing_wrong(draft);
    draft->header.lsn = STORY_LSN + 2;
}

static void lsn_is_old(struct hf_draft *draft)
{
    nothing_wrong(draft);
    draft->header.lsn = STORY_LSN;
    draft->effects[0].move.version_before = 5;
}

static void time_goes_back(struct hf_draft *draft)
{
    nothing_wrong(draft);
    draft->header.ts_us = HF_SMALL_BEGIN_US + STORY_LSN - 1;
}

static void time_stands_still(struct hf_draft *draft)
{
    nothing_wrong(draft);
    draft->header.ts_us = HF_SMALL_BEGIN_US + STORY_LSN;
}

static void version_is_another(struct hf_draft *draft)
{
    nothing_wrong(draft);
    draft->effects[0].move.version_before = AW - 1;
}

static void version_of_a_new_cell(struct hf_draft *draft)
{
    hf_draft_add(draft, MOVE(1, 1, 1, 5, 0, 0, 0, 5, 0, 0, 0));
}

static void cell_is_new(struct hf_draft *draft)
{
    hf_draft_add(draft, MOVE(1, 1, 0, 5, 0, 0, 0, 5, 0, 0, 0));
}

static void after_is_wrong(struct hf_draft *draft)
{
    nothing_wrong(draft);
    draft->effects[0].move.after[HF_ON_HAND]++;
}

static void another_counter_is_wrong(struct hf_draft *draft)
{
    nothing_wrong(draft);
    draft->effects[0].move.after[HF_COMMITTED]--;
}

static void below_zero(struct hf_draft *draft)
{
    hf_draft_add(draft, MOVE(0, 0, AW, -20, 0, 0, 0, 0, 3, 3, 0));
}

static void above_the_limit(struct hf_draft *draft)
{
    hf_draft_add(draft, MOVE(0, 0, AW, HF_UNITS_MAX, 0, 0, 0, HF_UNITS_MAX, 3, 3, 0));
}

static void sku_does_not_exist(struct hf_draft *draft)
{
    hf_draft_add(draft, MOVE(2, 0, 0, 5, 0, 0, 0, 5, 0, 0, 0));
}

static void location_does_not_exist(struct hf_draft *draft)
{
    hf_draft_add(draft, MOVE(0, 2, 0, 5, 0, 0, 0, 5, 0, 0, 0));
}

static void code_skips_a_handle(struct hf_draft *draft)
{
    hf_draft_add(draft, code(HF_EFFECT_SKU, 3, "C"));
}

static void code_comes_twice(struct hf_draft *draft)
{
    hf_draft_add(draft, code(HF_EFFECT_SKU, 2, "A"));
}

static void code_is_new(struct hf_draft *draft)
{
    hf_draft_add(draft, code(HF_EFFECT_SKU, 2, "C"));
    hf_draft_add(draft, code(HF_EFFECT_LOCATION, 2, "A"));
    hf_draft_add(draft, code(HF_EFFECT_REGION, 0, "A"));
}

static void place_does_not_exist(struct hf_draft *draft)
{
    struct hf_effect effect = {.tag = HF_EFFECT_PLACE};
    effect.place = (struct hf_effect_place){.location = 2, .region = HF_HANDLE_NONE};
    hf_draft_add(draft, effect);
}

static void region_does_not_exist(struct hf_draft *draft)
{
    struct hf_effect effect = {.tag = HF_EFFECT_PLACE};
    effect.place = (struct hf_effect_place){.location = 0, .region = 0};
    hf_draft_add(draft, effect);
}

static void policy_version_is_another(struct hf_draft *draft)
{
    struct hf_effect effect = {.tag = HF_EFFECT_POLICY};
    effect.policy = (struct hf_effect_policy){
        .sku = 0, .location = 0, .version_before = AW - 1, .after = {19, 3, 3, 0}};
    hf_draft_add(draft, effect);
}

static void policy_of_other_counters(struct hf_draft *draft)
{
    struct hf_effect effect = {.tag = HF_EFFECT_POLICY};
    effect.policy = (struct hf_effect_policy){
        .sku = 0, .location = 0, .version_before = AW, .after = {19, 3, 4, 0}};
    hf_draft_add(draft, effect);
}

static void policy_without_sku(struct hf_draft *draft)
{
    struct hf_effect effect = {.tag = HF_EFFECT_POLICY};
    effect.policy = (struct hf_effect_policy){.sku = 2, .location = 0};
    hf_draft_add(draft, effect);
}

static void held_without_reservation(struct hf_draft *draft)
{
    hf_draft_add(draft, MOVE(0, 0, AW, 0, 1, 0, 0, 19, 4, 3, 0));
}

static void in_transit_out_of_nowhere(struct hf_draft *draft)
{
    hf_draft_add(draft, MOVE(0, 0, AW, 0, 0, 0, 1, 19, 3, 3, 1));
}

static void move_of_nothing(struct hf_draft *draft)
{
    hf_draft_add(draft, MOVE(0, 0, AW, 0, 0, 0, 0, 19, 3, 3, 0));
}

static void no_effects(struct hf_draft *draft)
{
    (void)draft;
}

static void no_effects_but_a_reference(struct hf_draft *draft)
{
    draft->header.ref = hf_text_of("n10");
}

static void open_new(struct hf_draft *draft)
{
    hf_draft_add(draft, reservation(HF_EFFECT_OPEN, "r9", HF_STATE_HELD, 500));
    hf_draft_add(draft, MOVE(0, 0, AW, 0, 2, 0, 0, 19, 5, 3, 0));
    hf_draft_add(draft, MOVE(1, 0, BW, 0, 1, 0, 0, 10, 3, 0, 0));
}

static void open_taken_id(struct hf_draft *draft)
{
    open_new(draft);
    draft->effects[0].reservation.id = hf_text_of("r1");
}

static void open_remembered_id(struct hf_draft *draft)
{
    open_new(draft);
    draft->effects[0].reservation.id = hf_text_of("r3");
}

static void open_id_of_a_reference(struct hf_draft *draft)
{
    open_new(draft);
    draft->effects[0].reservation.id = hf_text_of("n9");
}

static void open_without_lines(struct hf_draft *draft)
{
    hf_draft_add(draft, reservation(HF_EFFECT_OPEN, "r9", HF_STATE_HELD, 500));
}

static void open_closed(struct hf_draft *draft)
{
    open_new(draft);
    draft->effects[0].reservation.state = HF_STATE_RELEASED;
}

static void open_twice_on_a_cell(struct hf_draft *draft)
{
    open_new(draft);
    draft->effects[2] = MOVE(0, 0, STORY_LSN + 1, 0, 1, 0, 0, 19, 6, 3, 0);
}

static void open_with_the_other_counter(struct hf_draft *draft)
{
    hf_draft_add(draft, reservation(HF_EFFECT_OPEN, "r9", HF_STATE_HELD, 500));
    hf_draft_add(draft, MOVE(0, 0, AW, 0, 0, 2, 0, 19, 3, 5, 0));
}

static void open_that_takes_stock(struct hf_draft *draft)
{
    hf_draft_add(draft, reservation(HF_EFFECT_OPEN, "r9", HF_STATE_HELD, 500));
    hf_draft_add(draft, MOVE(0, 0, AW, -1, 2, 0, 0, 18, 5, 3, 0));
}

static void open_on_a_cell_that_is_not(struct hf_draft *draft)
{
    hf_draft_add(draft, reservation(HF_EFFECT_OPEN, "r9", HF_STATE_HELD, 500));
    hf_draft_add(draft, MOVE(1, 1, 0, 0, 2, 0, 0, 0, 2, 0, 0));
}

static void open_confirmed_with_a_deadline(struct hf_draft *draft)
{
    hf_draft_add(draft, reservation(HF_EFFECT_OPEN, "r9", HF_STATE_CONFIRMED, 500));
    hf_draft_add(draft, MOVE(0, 0, AW, 0, 0, 2, 0, 19, 3, 5, 0));
}

static void state_of_an_unknown(struct hf_draft *draft)
{
    hf_draft_add(draft, reservation(HF_EFFECT_STATE, "r9", HF_STATE_HELD, 500));
}

static void state_of_a_reference(struct hf_draft *draft)
{
    hf_draft_add(draft, reservation(HF_EFFECT_STATE, "n9", HF_STATE_HELD, 500));
}

static void state_of_a_closed(struct hf_draft *draft)
{
    hf_draft_add(draft, reservation(HF_EFFECT_STATE, "r3", HF_STATE_HELD, 500));
}

static void extend(struct hf_draft *draft)
{
    hf_draft_add(draft, reservation(HF_EFFECT_STATE, "r1", HF_STATE_HELD, 500));
}

static void confirm(struct hf_draft *draft)
{
    hf_draft_add(draft, reservation(HF_EFFECT_STATE, "r1", HF_STATE_CONFIRMED, 0));
    hf_draft_add(draft, MOVE(0, 0, AW, 0, -3, 3, 0, 19, 0, 6, 0));
    hf_draft_add(draft, MOVE(1, 0, BW, 0, -2, 2, 0, 10, 0, 2, 0));
}

static void confirm_half(struct hf_draft *draft)
{
    confirm(draft);
    draft->count--;
}

static void confirm_without_moves(struct hf_draft *draft)
{
    hf_draft_add(draft, reservation(HF_EFFECT_STATE, "r1", HF_STATE_CONFIRMED, 0));
}

static void confirm_fewer_units(struct hf_draft *draft)
{
    confirm(draft);
    draft->effects[1] = MOVE(0, 0, AW, 0, -2, 2, 0, 19, 1, 5, 0);
}

static void confirm_with_a_deadline(struct hf_draft *draft)
{
    confirm(draft);
    draft->effects[0].reservation.life_us = 500;
}

static void confirm_releases(struct hf_draft *draft)
{
    confirm(draft);
    draft->effects[1] = MOVE(0, 0, AW, 0, -3, 2, 0, 19, 0, 5, 0);
}

static void unconfirm(struct hf_draft *draft)
{
    hf_draft_add(draft, reservation(HF_EFFECT_STATE, "r2", HF_STATE_HELD, 0));
    hf_draft_add(draft, MOVE(0, 0, AW, 0, 3, -3, 0, 19, 6, 0, 0));
}

static void expire_confirmed(struct hf_draft *draft)
{
    hf_draft_add(draft, reservation(HF_EFFECT_STATE, "r2", HF_STATE_EXPIRED, 0));
    hf_draft_add(draft, MOVE(0, 0, AW, 0, 0, -3, 0, 19, 3, 0, 0));
}

static void release(struct hf_draft *draft)
{
    hf_draft_add(draft, reservation(HF_EFFECT_STATE, "r1", HF_STATE_RELEASED, 1000000));
    hf_draft_add(draft, MOVE(1, 0, BW, 0, -2, 0, 0, 10, 0, 0, 0));
    hf_draft_add(draft, MOVE(0, 0, AW, 0, -3, 0, 0, 19, 0, 3, 0));
}

static void release_half_and_close(struct hf_draft *draft)
{
    release(draft);
    draft->count--;
}

static void release_half(struct hf_draft *draft)
{
    release_half_and_close(draft);
    draft->effects[0].reservation.state = HF_STATE_HELD;
}

static void release_all_and_stay(struct hf_draft *draft)
{
    release(draft);
    draft->effects[0].reservation.state = HF_STATE_HELD;
}

static void release_too_many(struct hf_draft *draft)
{
    hf_draft_add(draft, reservation(HF_EFFECT_STATE, "r2", HF_STATE_FULFILLED, 0));
    hf_draft_add(draft, MOVE(0, 0, AW, -4, 0, -4, 0, 15, 3, 0, 0));
}

static void release_a_line_that_is_not(struct hf_draft *draft)
{
    hf_draft_add(draft, reservation(HF_EFFECT_STATE, "r1", HF_STATE_HELD, 500));
    hf_draft_add(draft, MOVE(0, 1, AV, 0, -1, 0, 0, 4, 0, 0, 0));
}

static void release_what_was_fulfilled(struct hf_draft *draft)
{
    hf_draft_add(draft, reservation(HF_EFFECT_STATE, "r2", HF_STATE_RELEASED, 0));
    hf_draft_add(draft, MOVE(0, 0, AW, 0, 0, -3, 0, 19, 3, 0, 0));
}

static void fulfil(struct hf_draft *draft)
{
    hf_draft_add(draft, reservation(HF_EFFECT_STATE, "r2", HF_STATE_FULFILLED, 0));
    hf_draft_add(draft, MOVE(0, 0, AW, -3, 0, -3, 0, 16, 3, 0, 0));
}

static void fulfil_held(struct hf_draft *draft)
{
    hf_draft_add(draft, reservation(HF_EFFECT_STATE, "r1", HF_STATE_HELD, 500));
    hf_draft_add(draft, MOVE(0, 0, AW, -1, -1, 0, 0, 18, 2, 3, 0));
}

static void fulfil_gives_back(struct hf_draft *draft)
{
    hf_draft_add(draft, reservation(HF_EFFECT_STATE, "r2", HF_STATE_CONFIRMED, 0));
    hf_draft_add(draft, MOVE(0, 0, AW, 1, 0, -1, 0, 20, 3, 2, 0));
}

static void reference_is_new(struct hf_draft *draft)
{
    nothing_wrong(draft);
    draft->header.ref = hf_text_of("n10");
}

static void reference_comes_twice(struct hf_draft *draft)
{
    nothing_wrong(draft);
    draft->header.ref = hf_text_of("n9");
}

static void reference_is_an_id(struct hf_draft *draft)
{
    nothing_wrong(draft);
    draft->header.ref = hf_text_of("r2");
}

static void reference_is_the_id_it_opens(struct hf_draft *draft)
{
    open_new(draft);
    draft->header.ref = hf_text_of("r9");
}

static void forgets_all(struct hf_draft *draft)
{
    reference_is_new(draft);
    draft->header.retired_count = 3; /* r3, n9 and its own */
}

static void forgets_too_many(struct hf_draft *draft)
{
    reference_is_new(draft);
    draft->header.retired_count = 4;
}

static const struct hf_draft_row rows[] = {
    {"nothing is wrong", nothing_wrong, HF_OK, NULL},
    {"the LSN after the next", lsn_is_skipped, HF_CORRUPT, "the LSN is not the next one"},
    {"the LSN before, which the ledger has", lsn_is_old, HF_CORRUPT, "the LSN is not the next one"},
    {"the time goes back", time_goes_back, HF_CORRUPT, "the time goes back"},
    {"the time stands still", time_stands_still, HF_OK, NULL},
    {"another version", version_is_another, HF_CORRUPT,
     "a move does not follow the cell's version"},
    {"a new cell with a version", version_of_a_new_cell, HF_CORRUPT,
     "a move does not follow the cell's version"},
    {"a new cell", cell_is_new, HF_OK, NULL},
    {"another value after", after_is_wrong, HF_CORRUPT, "the values after a move do not come out"},
    {"another value of a counter that stays", another_counter_is_wrong, HF_CORRUPT,
     "the values after a move do not come out"},
    {"below zero", below_zero, HF_CORRUPT, "a counter leaves its range"},
    {"above the largest counter", above_the_limit, HF_CORRUPT, "a counter leaves its range"},
    {"no such SKU", sku_does_not_exist, HF_CORRUPT, "a move of a cell that cannot exist"},
    {"no such location", location_does_not_exist, HF_CORRUPT, "a move of a cell that cannot exist"},
    {"new codes", code_is_new, HF_OK, NULL},
    {"a handle is skipped", code_skips_a_handle, HF_CORRUPT, "a code does not get the next handle"},
    {"a code comes twice", code_comes_twice, HF_CORRUPT, "a code is created twice"},
    {"settings of no location", place_does_not_exist, HF_CORRUPT,
     "settings of a location that does not exist"},
    {"settings with no region", region_does_not_exist, HF_CORRUPT,
     "settings of a location that does not exist"},
    {"policy: another version", policy_version_is_another, HF_CORRUPT,
     "a policy does not follow the cell's version"},
    {"policy: other counters", policy_of_other_counters, HF_CORRUPT,
     "the values of a cell with a new policy do not come out"},
    {"policy: no such SKU", policy_without_sku, HF_CORRUPT,
     "a policy for a cell that cannot exist"},
    {"held, but by no reservation", held_without_reservation, HF_CORRUPT,
     "a move that its reservation's state does not allow"},
    {"in transit, but from nowhere", in_transit_out_of_nowhere, HF_CORRUPT,
     "a move that its reservation's state does not allow"},
    {"a move of nothing", move_of_nothing, HF_CORRUPT,
     "a move that its reservation's state does not allow"},
    {"no effects", no_effects, HF_CORRUPT, "a record that changes nothing"},
    {"no effects but a reference", no_effects_but_a_reference, HF_CORRUPT,
     "a record that changes nothing"},
    {"open", open_new, HF_OK, NULL},
    {"open: an id that is held", open_taken_id, HF_CORRUPT,
     "a reservation is opened under a name that is taken"},
    {"open: an id that is remembered", open_remembered_id, HF_CORRUPT,
     "a reservation is opened under a name that is taken"},
    {"open: a reference", open_id_of_a_reference, HF_CORRUPT,
     "a reservation is opened under a name that is taken"},
    {"open: no lines", open_without_lines, HF_CORRUPT,
     "the lines of a reservation do not fit its state"},
    {"open: closed", open_closed, HF_CORRUPT, "a reservation is opened in a final state"},
    {"open: two lines of a cell", open_twice_on_a_cell, HF_CORRUPT,
     "a move that its reservation's state does not allow"},
    {"open: held in committed", open_with_the_other_counter, HF_CORRUPT,
     "a move that its reservation's state does not allow"},
    {"open: takes stock", open_that_takes_stock, HF_CORRUPT,
     "a move that its reservation's state does not allow"},
    {"open: on a cell that is not there", open_on_a_cell_that_is_not, HF_CORRUPT,
     "a move that its reservation's state does not allow"},
    {"open: confirmed with a deadline", open_confirmed_with_a_deadline, HF_CORRUPT,
     "a confirmed reservation with a deadline"},
    {"state: unknown", state_of_an_unknown, HF_CORRUPT,
     "a change of a reservation that does not exist"},
    {"state: of a reference", state_of_a_reference, HF_CORRUPT,
     "a change of a reservation that does not exist"},
    {"state: closed already", state_of_a_closed, HF_CORRUPT,
     "a change of a reservation that is closed"},
    {"extend", extend, HF_OK, NULL},
    {"confirm", confirm, HF_OK, NULL},
    {"confirm: one of two lines", confirm_half, HF_CORRUPT,
     "the lines of a reservation do not fit its state"},
    {"confirm: no lines", confirm_without_moves, HF_CORRUPT,
     "the lines of a reservation do not fit its state"},
    {"confirm: fewer units", confirm_fewer_units, HF_CORRUPT,
     "a move that its reservation's state does not allow"},
    {"confirm: with a deadline", confirm_with_a_deadline, HF_CORRUPT,
     "a confirmed reservation with a deadline"},
    {"confirm: fewer committed than were held", confirm_releases, HF_CORRUPT,
     "a move that its reservation's state does not allow"},
    {"confirmed becomes held", unconfirm, HF_CORRUPT,
     "a reservation changes to a state that it cannot reach"},
    {"confirmed expires", expire_confirmed, HF_CORRUPT,
     "a reservation changes to a state that it cannot reach"},
    {"release", release, HF_OK, NULL},
    {"release: a line", release_half, HF_OK, NULL},
    {"release: closed with units left", release_half_and_close, HF_CORRUPT,
     "the lines of a reservation do not fit its state"},
    {"release: open without units", release_all_and_stay, HF_CORRUPT,
     "the lines of a reservation do not fit its state"},
    {"more than is left", release_too_many, HF_CORRUPT, "a counter leaves its range"},
    {"release: a cell that it does not have", release_a_line_that_is_not, HF_CORRUPT,
     "a counter leaves its range"},
    {"released although some was fulfilled", release_what_was_fulfilled, HF_CORRUPT,
     "the lines of a reservation do not fit its state"},
    {"fulfil", fulfil, HF_OK, NULL},
    {"fulfil: not confirmed", fulfil_held, HF_CORRUPT,
     "a move that its reservation's state does not allow"},
    {"fulfil: stock comes back", fulfil_gives_back, HF_CORRUPT,
     "a move takes more than is left of a reservation"},
    {"a reference", reference_is_new, HF_OK, NULL},
    {"a reference: twice", reference_comes_twice, HF_CORRUPT, "a reference is used twice"},
    {"a reference: an id", reference_is_an_id, HF_CORRUPT, "a reference is used twice"},
    {"a reference: the id of the same record", reference_is_the_id_it_opens, HF_CORRUPT,
     "a reference is used twice"},
    {"forgets all names", forgets_all, HF_OK, NULL},
    {"forgets more than there are", forgets_too_many, HF_CORRUPT,
     "more names are forgotten than there are"},
};

/* ------------------------------------------------------------------ running them */

static void live_the_story(struct hf_small *small)
{
    hf_draft_live(small, story, STORY_LSN);
    assert_string_equal(hf_small_cell(small->engine, "A@W"), "19 3 3 0 v6");
    assert_string_equal(hf_small_cell(small->engine, "B@W"), "10 2 0 0 v8");
    assert_string_equal(hf_small_cell(small->engine, "A@V"), "4 0 0 0 v9");
}

static void one_record(void **state)
{
    struct hf_small small;

    live_the_story(&small);
    hf_draft_check(&small, *state);
    hf_small_release(&small);
}

/* Bytes around the record are not the record. */
static void size_must_be_exact(void **state)
{
    struct hf_small small;
    unsigned char record[2048] = {0};
    struct hf_draft draft = hf_draft_begin(STORY_LSN);
    const char *why = "";
    (void)state;

    live_the_story(&small);
    nothing_wrong(&draft);
    const uint32_t bytes_count = hf_draft_write(&draft, record);
    for (uint32_t size = 0; size < bytes_count + 16; size++) {
        if (size != bytes_count) {
            assert_int_equal(hf_engine_replay(small.engine, record, size, &why), HF_CORRUPT);
            assert_string_equal(why, "not a record");
        }
    }
    assert_int_equal(hf_engine_lsn(small.engine), STORY_LSN);
    assert_int_equal(hf_engine_replay(small.engine, record, bytes_count, &why), HF_OK);
    hf_small_release(&small);
}

/* ------------------------------------------------------------------ before a snapshot */

static void count_cb(void *arg, const struct hf_move *move)
{
    uint64_t *lsns = arg;
    (void)move;
    *lsns += 1;
}

static enum hf_err replay_one(struct hf_small *small, struct hf_engine *into, uint64_t lsn,
                              const char **why)
{
    uint32_t bytes_count;
    const unsigned char *record = hf_ledger_get(hf_engine_ledger(small->engine), lsn, &bytes_count);
    return hf_engine_replay(into, record, bytes_count, why);
}

/* Records up to the snapshot's LSN only enter the ledger; those after it are applied. */
static void history_is_warmed_up(void **state)
{
    struct hf_small small;
    const char *why = "";
    uint64_t moves = 0;
    (void)state;

    live_the_story(&small);
    struct hf_engine *loaded = hf_draft_copy_of(small.engine);
    const struct hf_digest digest = hf_engine_digest(small.engine);
    assert_int_equal(hf_small_do(&small, "sell A@W=1 order=o1"), HF_OK);
    assert_int_equal(hf_engine_ledger_cell(loaded, 0, 0, UINT64_MAX, 100, count_cb, &moves), 0);
    assert_int_equal(moves, 0);

    for (uint64_t lsn = 3; lsn <= STORY_LSN; lsn++) {
        assert_int_equal(replay_one(&small, loaded, lsn, &why), HF_OK);
        assert_true(hf_digest_is_equal(hf_engine_digest(loaded), digest));
        assert_int_equal(hf_engine_lsn(loaded), STORY_LSN);
    }
    assert_int_equal(replay_one(&small, loaded, STORY_LSN + 1, &why), HF_OK);
    assert_true(hf_digest_is_equal(hf_engine_digest(loaded), hf_engine_digest(small.engine)));
    (void)hf_engine_ledger_cell(loaded, 0, 0, UINT64_MAX, 100, count_cb, &moves);
    assert_int_equal(moves, 5); /* LSN 10, 6, 5, 4, 3; LSN 2 and 1 are older than the ledger */
    moves = 0;
    (void)hf_engine_ledger_order(loaded, hf_text_of("o1"), UINT64_MAX, 100, count_cb, &moves);
    assert_int_equal(moves, 3); /* LSN 10, and the two of LSN 3 */
    assert_null(hf_small_violation(loaded));
    hf_engine_free(loaded);
    hf_small_release(&small);
}

static void history_has_no_gaps(void **state)
{
    struct hf_small small;
    const char *why = "";
    (void)state;

    live_the_story(&small);
    struct hf_engine *loaded = hf_draft_copy_of(small.engine);
    assert_int_equal(replay_one(&small, loaded, 3, &why), HF_OK);
    assert_int_equal(replay_one(&small, loaded, 5, &why), HF_CORRUPT);
    assert_string_equal(why, "the LSN is not the next one");
    assert_int_equal(replay_one(&small, loaded, 3, &why), HF_CORRUPT);
    assert_int_equal(replay_one(&small, loaded, 4, &why), HF_OK);
    hf_engine_free(loaded);
    hf_small_release(&small);
}

/* By itself, or as recovery does it: seen through by whoever decodes it, or left for replay. */
static enum hf_err replay_history(const bool *is_for_replay, struct hf_engine *engine,
                                  const unsigned char *record, uint32_t bytes_count,
                                  const char **why)
{
    if (is_for_replay == NULL) {
        return hf_engine_replay(engine, record, bytes_count, why);
    }
    struct hf_decoded *decoded = hf_decoded_create();
    assert_non_null(decoded);
    hf_decoded_begin(decoded, engine);
    decoded->history.is_for_replay = *is_for_replay;
    assert_int_equal(hf_decoded_take(decoded, record, bytes_count), bytes_count);
    assert_int_equal(decoded->records_count, 1);
    assert_int_equal(decoded->records[0].is_seen, !*is_for_replay);
    assert_int_equal(decoded->effects_count, 0);
    const enum hf_err err = hf_engine_replay_decoded(engine, decoded, 0, why);
    hf_decoded_free(decoded);
    return err;
}

/*
 * A defect: what was never applied was believed to be readable, and asking for the history of a
 * cell stopped the server. Bytes that are no effects and handles of nothing are refused; a chain
 * of versions that leads nowhere just ends.
 */
static void history_is_not_trusted(void **state)
{
    struct hf_small small;
    unsigned char record[2048];
    const char *why = "";
    uint64_t moves = 0;

    live_the_story(&small);
    struct hf_draft draft = {
        .header = {.kind = HF_KIND_ADJUST, .lsn = AW, .ts_us = HF_SMALL_BEGIN_US + 2}};
    struct hf_engine *loaded = hf_draft_copy_of(small.engine);

    hf_draft_add(&draft, MOVE(2, 0, 5, 5, 0, 0, 0, 24, 3, 3, 0));
    uint32_t bytes_count = hf_draft_write(&draft, record);
    assert_int_equal(replay_history(*state, loaded, record, bytes_count, &why), HF_CORRUPT);
    assert_string_equal(why, "a move of a cell that cannot exist");

    draft.effects[0] = MOVE(0, 0, 5, 5, 0, 0, 0, 24, 3, 3, 0);
    bytes_count = hf_draft_write(&draft, record);
    record[36] = 99; /* the first effect's tag */
    assert_int_equal(replay_history(*state, loaded, record, bytes_count, &why), HF_CORRUPT);
    assert_string_equal(why, "an effect cannot be read");

    draft.effects[0].move.version_before = AW; /* points at itself */
    bytes_count = hf_draft_write(&draft, record);
    assert_int_equal(replay_history(*state, loaded, record, bytes_count, &why), HF_OK);
    assert_int_equal(hf_engine_ledger_cell(loaded, 0, 0, UINT64_MAX, 100, count_cb, &moves), 0);
    assert_int_equal(moves, 1);
    hf_engine_free(loaded);

    loaded =
        hf_draft_copy_of(small.engine); /* the record of the cell's version is of another cell */
    draft.effects[0] = MOVE(1, 0, 5, 5, 0, 0, 0, 24, 3, 3, 0);
    bytes_count = hf_draft_write(&draft, record);
    assert_int_equal(replay_history(*state, loaded, record, bytes_count, &why), HF_OK);
    moves = 0;
    assert_int_equal(hf_engine_ledger_cell(loaded, 0, 0, UINT64_MAX, 100, count_cb, &moves), 0);
    assert_int_equal(moves, 0);
    hf_engine_free(loaded);
    hf_small_release(&small);
}

int main(void)
{
    static bool is_for_replay[] = {false, true};
    struct CMUnitTest tests[sizeof rows / sizeof rows[0] + 6];
    size_t count = 0;

    for (; count < sizeof rows / sizeof rows[0]; count++) {
        tests[count] = (struct CMUnitTest){
            .name = rows[count].name,
            .test_func = one_record,
            .initial_state = (void *)(uintptr_t)&rows[count],
        };
    }
    const struct CMUnitTest others[] = {
        cmocka_unit_test(size_must_be_exact),
        cmocka_unit_test(history_is_warmed_up),
        cmocka_unit_test(history_has_no_gaps),
        cmocka_unit_test(history_is_not_trusted),
        {.name = "history decoded ahead is not trusted",
         .test_func = history_is_not_trusted,
         .initial_state = &is_for_replay[0]},
        {.name = "history decoded ahead and left for replay is not trusted",
         .test_func = history_is_not_trusted,
         .initial_state = &is_for_replay[1]},
    };
    memcpy(tests + count, others, sizeof others);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
