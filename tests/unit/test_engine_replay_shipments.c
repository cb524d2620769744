/*
 * test_engine_replay_shipments.c - records that change transfers and inbound shipments, and
 * contradict the state, are refused, by name; and what alerts may say.
 *
 * Method: as in test_engine_replay_opened.c.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>

#include "tests/unit/shipment_drafts.h"

/* ------------------------------------------------------------------ changed */

static void ship_rest(struct hf_draft *draft)
{
    ADD(hf_draft_changed("t1", HF_STATE_IN_TRANSIT));
    ADD(LINE(A, -2, 2));
    ADD(hf_draft_move(A, W, -2, 0, 0));
    ADD(hf_draft_move(A, V, 0, 2, 0));
    ADD(LINE(B, -4, 4));
    ADD(hf_draft_move(B, W, -4, 0, 0));
    ADD(hf_draft_move(B, V, 0, 4, 0));
}

static void ship_draft(struct hf_draft *draft)
{
    ADD(hf_draft_changed("t2", HF_STATE_IN_TRANSIT));
    ADD(LINE(C, -1, 1));
    ADD(hf_draft_move(C, W, -1, 0, 0));
    ADD(hf_draft_move(C, V, 0, 1, 0));
}

static void ship_and_stay_draft(struct hf_draft *draft)
{
    ship_draft(draft);
    draft->effects[0].shipment.state = HF_STATE_DRAFT;
}

static void receive(struct hf_draft *draft)
{
    ADD(hf_draft_changed("t1", HF_STATE_IN_TRANSIT));
    ADD(LINE(A, 0, -4, 3, 1));
    ADD(hf_draft_move(A, V, 3, -4, 1));
}

static void receive_damaged_as_sellable(struct hf_draft *draft)
{
    receive(draft);
    draft->effects[2] = hf_draft_move(A, V, 4, -4, 0);
}

static void receive_and_end(struct hf_draft *draft)
{
    receive(draft);
    draft->effects[0].shipment.state = HF_STATE_RECEIVED;
}

static void receive_more(struct hf_draft *draft)
{
    receive(draft);
    draft->effects[1] = LINE(A, 0, -4, 5);
    draft->effects[2] = hf_draft_move(A, V, 5, -4, 0);
}

static void receive_what_is_not_under_way(struct hf_draft *draft)
{
    receive(draft);
    draft->effects[1] = LINE(A, 0, -5, 5);
    draft->effects[2] = hf_draft_move(A, V, 5, -5, 0);
}

static void cancel(struct hf_draft *draft)
{
    ADD(hf_draft_changed("t1", HF_STATE_CANCELLED));
    ADD(LINE(A, -2, -4, 0, 0, 6));
    ADD(hf_draft_move(A, W, 4, 0, 0));
    ADD(hf_draft_move(A, V, 0, -4, 0));
    ADD(LINE(B, -4, 0, 0, 0, 4));
}

static void cancel_and_go_on(struct hf_draft *draft)
{
    cancel(draft);
    draft->effects[0].shipment.state = HF_STATE_IN_TRANSIT;
}

static void cancel_half_and_end(struct hf_draft *draft)
{
    cancel(draft);
    draft->count--;
}

static void cancel_what_comes_not_back(struct hf_draft *draft)
{
    cancel(draft);
    draft->effects[2] = draft->effects[3];
    draft->effects[3] = draft->effects[4];
    draft->count--;
}

static void cancel_draft(struct hf_draft *draft)
{
    ADD(hf_draft_changed("t2", HF_STATE_CANCELLED));
    ADD(LINE(C, -3, 0, 0, 0, 3));
}

static void cancel_part_of_a_draft(struct hf_draft *draft)
{
    ADD(hf_draft_changed("t2", HF_STATE_DRAFT));
    ADD(LINE(C, -1, 0, 0, 0, 1));
}

static void draft_loses(struct hf_draft *draft)
{
    ADD(hf_draft_changed("t2", HF_STATE_DRAFT));
    ADD(LINE(C, -1, 0, 0, 0, 0, 1));
    ADD(hf_draft_move(C, W, -1, 0, 0));
}

static void close_it(struct hf_draft *draft)
{
    ADD(hf_draft_changed("t1", HF_STATE_CLOSED));
    ADD(LINE(A, -2, -4, 0, 0, 2, 4));
    ADD(hf_draft_move(A, V, 0, -4, 0));
    ADD(LINE(B, -4, 0, 0, 0, 4));
}

static void close_in_part(struct hf_draft *draft)
{
    ADD(hf_draft_changed("t1", HF_STATE_IN_TRANSIT));
    ADD(LINE(A, 0, -1, 0, 0, 0, 1));
    ADD(hf_draft_move(A, V, 0, -1, 0));
}

static void close_a_draft(struct hf_draft *draft)
{
    cancel_draft(draft);
    draft->effects[0].shipment.state = HF_STATE_CLOSED;
}

static void receive_a_draft(struct hf_draft *draft)
{
    cancel_draft(draft);
    draft->effects[0].shipment.state = HF_STATE_RECEIVED;
}

static void back_to_draft(struct hf_draft *draft)
{
    cancel(draft);
    draft->effects[0].shipment.state = HF_STATE_DRAFT;
}

static void without_lines(struct hf_draft *draft)
{
    ADD(hf_draft_changed("t1", HF_STATE_IN_TRANSIT));
}

static void of_an_unknown(struct hf_draft *draft)
{
    ADD(hf_draft_changed("t9", HF_STATE_IN_TRANSIT));
}

static void of_a_reservation(struct hf_draft *draft)
{
    ADD(hf_draft_changed("r1", HF_STATE_IN_TRANSIT));
}

static void of_a_reference(struct hf_draft *draft)
{
    ADD(hf_draft_changed("n10", HF_STATE_IN_TRANSIT));
}

static void of_a_closed(struct hf_draft *draft)
{
    ADD(hf_draft_changed("t3", HF_STATE_IN_TRANSIT));
}

static void reservation_that_is_a_transfer(struct hf_draft *draft)
{
    ADD(hf_draft_reservation(HF_EFFECT_STATE, "t1", HF_STATE_HELD));
}

static void line_that_it_does_not_have(struct hf_draft *draft)
{
    ADD(hf_draft_changed("t1", HF_STATE_IN_TRANSIT));
    ADD(LINE(C, -1, 1));
}

static void new_line_later(struct hf_draft *draft)
{
    ADD(hf_draft_changed("t1", HF_STATE_IN_TRANSIT));
    ADD(NEW_LINE(C, 1, 1));
}

static void units_vanish(struct hf_draft *draft)
{
    ADD(hf_draft_changed("t1", HF_STATE_IN_TRANSIT));
    ADD(LINE(A, -2));
}

/* ------------------------------------------------------------------ inbound, changed */

static void inbound_receive(struct hf_draft *draft)
{
    ADD(hf_draft_changed("i1", HF_STATE_RECEIVED));
    ADD(LINE(A, 0, -3, 3));
    ADD(hf_draft_move(A, W, 3, -3, 0));
    ADD(LINE(C, 0, -5, 4, 1));
    ADD(hf_draft_move(C, W, 4, -5, 1));
}

static void inbound_over_receipt(struct hf_draft *draft)
{
    inbound_receive(draft);
    draft->effects[1] = LINE(A, 0, -3, 13);
    draft->effects[2] = hf_draft_move(A, W, 13, -3, 0);
    draft->effects[3] = LINE(C, 0, -5, 0, 6);
    draft->effects[4] = hf_draft_move(C, W, 0, -5, 6);
}

static void inbound_cancel(struct hf_draft *draft)
{
    ADD(hf_draft_changed("i1", HF_STATE_IN_TRANSIT));
    ADD(LINE(C, 0, -5, 0, 0, 5));
    ADD(hf_draft_move(C, W, 0, -5, 0));
}

static void inbound_cancel_more(struct hf_draft *draft)
{
    inbound_cancel(draft);
    draft->effects[1] = LINE(C, 0, -5, 0, 0, 6);
}

static void inbound_loses(struct hf_draft *draft)
{
    inbound_cancel(draft);
    draft->effects[1] = LINE(C, 0, -5, 0, 0, 0, 5);
}

static void inbound_units_vanish(struct hf_draft *draft)
{
    inbound_cancel(draft);
    draft->effects[1] = LINE(C, 0, -5, 0, 0, 4);
}

static void inbound_ships(struct hf_draft *draft)
{
    inbound_cancel(draft);
    draft->effects[1] = LINE(C, 5, -5);
}

static void inbound_closes(struct hf_draft *draft)
{
    inbound_receive(draft);
    draft->effects[0].shipment.state = HF_STATE_CLOSED;
}

static void inbound_becomes_a_draft(struct hf_draft *draft)
{
    inbound_cancel(draft);
    draft->effects[0].shipment.state = HF_STATE_DRAFT;
}

/* ------------------------------------------------------------------ alerts */

static struct hf_effect shortage(uint32_t sku, uint32_t location)
{
    static unsigned char hit[] = {2, 'r', '1', 2};
    struct hf_effect effect = {.tag = HF_EFFECT_SHORTAGE};

    effect.shortage = (struct hf_effect_shortage){.sku = sku,
                                                  .location = location,
                                                  .missing = 1,
                                                  .hits_count = 1,
                                                  .hits = hit,
                                                  .hits_bytes = sizeof hit};
    return effect;
}

static void shortage_of_a_cell(struct hf_draft *draft)
{
    ADD(hf_draft_move(B, W, -9, 0, 0));
    ADD(shortage(B, W));
}

static void shortage_of_an_unknown_sku(struct hf_draft *draft)
{
    ADD(hf_draft_move(B, W, -9, 0, 0));
    ADD(shortage(NO_SKU, W));
}

static void shortage_of_an_unknown_place(struct hf_draft *draft)
{
    ADD(hf_draft_move(B, W, -9, 0, 0));
    ADD(shortage(B, NO_PLACE));
}

static void marked_out(struct hf_draft *draft)
{
    ADD(hf_draft_move(B, W, -9, 0, 0));
    draft->effects[0].move.tell.marks = HF_MARK_GIVEN | HF_MARK_IS_OUT | HF_MARK_TELL_OUT;
}

static void marked_low_without_a_threshold(struct hf_draft *draft)
{
    marked_out(draft);
    draft->effects[0].move.tell.marks |= HF_MARK_IS_LOW;
}

#define UNKNOWN "a change of a shipment that does not exist"

static const struct hf_draft_row rows[] = {
    {"ship: the rest", ship_rest, HF_OK, NULL},
    {"ship: a draft, in part", ship_draft, HF_OK, NULL},
    {"ship: and stay a draft", ship_and_stay_draft, HF_CORRUPT, NO_LINE},
    {"receive: in part", receive, HF_OK, NULL},
    {"receive: damaged ones as sellable", receive_damaged_as_sellable, HF_CORRUPT, NO_MOVE},
    {"receive: ended with units left", receive_and_end, HF_CORRUPT, MISFIT},
    {"receive: more than a transfer has", receive_more, HF_CORRUPT, NO_LINE},
    {"receive: more than is under way", receive_what_is_not_under_way, HF_CORRUPT,
     "the figures of a shipment line do not add up"},
    {"cancel: all", cancel, HF_OK, NULL},
    {"cancel: all, and go on", cancel_and_go_on, HF_CORRUPT, MISFIT},
    {"cancel: half, and end", cancel_half_and_end, HF_CORRUPT, MISFIT},
    {"cancel: nothing comes back", cancel_what_comes_not_back, HF_CORRUPT, NO_LINE},
    {"cancel: a draft", cancel_draft, HF_OK, NULL},
    {"cancel: part of a draft", cancel_part_of_a_draft, HF_OK, NULL},
    {"a draft loses units", draft_loses, HF_CORRUPT, NO_LINE},
    {"close", close_it, HF_OK, NULL},
    {"close: in part", close_in_part, HF_OK, NULL},
    {"close: a draft", close_a_draft, HF_CORRUPT, NO_STATE},
    {"receive: a draft", receive_a_draft, HF_CORRUPT, NO_STATE},
    {"in transit becomes a draft", back_to_draft, HF_CORRUPT, NO_STATE},
    {"state: without lines", without_lines, HF_CORRUPT, MISFIT},
    {"state: unknown", of_an_unknown, HF_CORRUPT, UNKNOWN},
    {"state: of a reservation", of_a_reservation, HF_CORRUPT, UNKNOWN},
    {"state: of a reference", of_a_reference, HF_CORRUPT, UNKNOWN},
    {"state: closed already", of_a_closed, HF_CORRUPT, "a change of a shipment that is closed"},
    {"state: a reservation that is a transfer", reservation_that_is_a_transfer, HF_CORRUPT,
     "a change of a reservation that does not exist"},
    {"line: one that it does not have", line_that_it_does_not_have, HF_CORRUPT,
     "a change of a line that the shipment does not have"},
    {"line: a new one", new_line_later, HF_CORRUPT, NO_LINE},
    {"line: units vanish", units_vanish, HF_CORRUPT, NO_LINE},
    {"inbound: receive", inbound_receive, HF_OK, NULL},
    {"inbound: more arrive than were told", inbound_over_receipt, HF_OK, NULL},
    {"inbound: cancel a line", inbound_cancel, HF_OK, NULL},
    {"inbound: cancel more than there was", inbound_cancel_more, HF_CORRUPT, NO_LINE},
    {"inbound: units are lost", inbound_loses, HF_CORRUPT, NO_LINE},
    {"inbound: units vanish", inbound_units_vanish, HF_CORRUPT, NO_LINE},
    {"inbound: units become unshipped", inbound_ships, HF_CORRUPT, NO_LINE},
    {"inbound: close", inbound_closes, HF_CORRUPT, NO_STATE},
    {"inbound: becomes a draft", inbound_becomes_a_draft, HF_CORRUPT, NO_STATE},
    {"shortage", shortage_of_a_cell, HF_OK, NULL},
    {"shortage: no such SKU", shortage_of_an_unknown_sku, HF_CORRUPT,
     "a shortage of a cell that cannot exist"},
    {"shortage: no such location", shortage_of_an_unknown_place, HF_CORRUPT,
     "a shortage of a cell that cannot exist"},
    {"marks: out", marked_out, HF_OK, NULL},
    {"marks: low without a threshold", marked_low_without_a_threshold, HF_CORRUPT,
     "marks that do not fit the cell's policy"},
};

/* Limits that are too small for the log: the record that does not fit is refused as such. */
static void limits_of_shipments(void **state)
{
    static const struct {
        uint32_t shipments_max, lines_max;
        uint64_t want_lsn; /* of the last record that fits */
    } limits[] = {{4, 6, HF_SHIPMENT_STORY_LSN},
                  {3, 6, 6},
                  {2, 6, 4},
                  {1, 6, 3},
                  {4, 5, 6},
                  {4, 3, 4},
                  {4, 1, 1}};
    struct hf_small small;
    (void)state;

    hf_shipment_story(&small);
    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
        struct hf_engine_config config = hf_small_config();
        const char *why = "";
        config.shipments_max = limits[i].shipments_max;
        config.shipment_lines_max = limits[i].lines_max;
        struct hf_engine *follower = hf_engine_create(&config);
        const enum hf_err err = hf_small_follow(&small, follower, &why);
        assert_int_equal(err,
                         limits[i].want_lsn == HF_SHIPMENT_STORY_LSN ? HF_OK : HF_LIMIT_EXCEEDED);
        assert_int_equal(hf_engine_lsn(follower), limits[i].want_lsn);
        if (err != HF_OK) {
            assert_string_equal(why, "the configured limits are too small for the log");
        }
        hf_engine_free(follower);
    }
    hf_small_release(&small);
}

int main(void)
{
    struct CMUnitTest tests[sizeof rows / sizeof rows[0] + 1];
    size_t count = 0;

    for (; count < sizeof rows / sizeof rows[0]; count++) {
        tests[count] = (struct CMUnitTest){
            .name = rows[count].name,
            .test_func = hf_shipment_draft_check,
            .initial_state = (void *)(uintptr_t)&rows[count],
        };
    }
    tests[count] = (struct CMUnitTest)cmocka_unit_test(limits_of_shipments);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
