/*
 * test_engine_replay_opened.c - records that open transfers and inbound shipments, and contradict
 * the state or themselves, are refused, by name.
 *
 * Method: as in test_engine_replay.c. Each rule of persistence/FORMATS.md 3.3 about new shipments,
 * their lines and the moves that these say is broken by one row; what is accepted must pass the
 * audit and come back from a snapshot.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>

#include "tests/unit/shipment_drafts.h"

/* ------------------------------------------------------------------ opened */

static void draft_transfer(struct hf_draft *draft)
{
    ADD(hf_draft_opened("t9", HF_TRANSFER, HF_STATE_DRAFT));
    ADD(NEW_LINE(A, 5, 5));
    ADD(NEW_LINE(C, 1, 1));
}

static void shipped_transfer(struct hf_draft *draft)
{
    ADD(hf_draft_opened("t9", HF_TRANSFER, HF_STATE_IN_TRANSIT));
    ADD(NEW_LINE(A, 5, 0, 5));
    ADD(hf_draft_move(A, W, -5, 0, 0));
    ADD(hf_draft_move(A, V, 0, 5, 0));
    ADD(NEW_LINE(B, 8, 0, 8));
    ADD(hf_draft_move(B, W, -8, 0, 0));
    ADD(hf_draft_move(B, V, 0, 8, 0));
}

static void arrival_before_departure(struct hf_draft *draft)
{
    shipped_transfer(draft);
    draft->effects[2] = hf_draft_move(A, V, 0, 5, 0);
    draft->effects[3] = hf_draft_move(A, W, -5, 0, 0);
}

static void inbound(struct hf_draft *draft)
{
    struct hf_effect effect = hf_draft_opened("i9", HF_INBOUND, HF_STATE_IN_TRANSIT);

    effect.shipment.is_sellable = true;
    effect.shipment.eta_us = HF_TIME_US_MAX;
    ADD(effect);
    ADD(NEW_LINE(B, 5, 0, 5));
    ADD(hf_draft_move(B, V, 0, 5, 0));
}

static void two_shipments(struct hf_draft *draft)
{
    draft_transfer(draft);
    inbound(draft);
}

static void same_id_twice(struct hf_draft *draft)
{
    two_shipments(draft);
    draft->effects[3].shipment.id = hf_text_of("t9");
}

static void id_of_an_open_one(struct hf_draft *draft)
{
    draft_transfer(draft);
    draft->effects[0].shipment.id = hf_text_of("t1");
}

static void id_of_a_closed_one(struct hf_draft *draft)
{
    draft_transfer(draft);
    draft->effects[0].shipment.id = hf_text_of("t3");
}

static void id_of_a_reservation(struct hf_draft *draft)
{
    draft_transfer(draft);
    draft->effects[0].shipment.id = hf_text_of("r1");
}

static void id_of_a_reference(struct hf_draft *draft)
{
    draft_transfer(draft);
    draft->effects[0].shipment.id = hf_text_of("n10");
}

static void reservation_with_the_id_of_a_transfer(struct hf_draft *draft)
{
    ADD(hf_draft_reservation(HF_EFFECT_OPEN, "t1", HF_STATE_HELD));
}

static void reference_with_the_id_of_a_transfer(struct hf_draft *draft)
{
    draft_transfer(draft);
    draft->header.ref = hf_text_of("t3");
}

static void opened_received(struct hf_draft *draft)
{
    draft_transfer(draft);
    draft->effects[0].shipment.state = HF_STATE_RECEIVED;
}

static void opened_as_a_draft_of_inbound(struct hf_draft *draft)
{
    inbound(draft);
    draft->effects[0].shipment.state = HF_STATE_DRAFT;
}

static void from_nowhere(struct hf_draft *draft)
{
    draft_transfer(draft);
    draft->effects[0].shipment.from = HF_HANDLE_NONE;
}

static void from_an_unknown_place(struct hf_draft *draft)
{
    draft_transfer(draft);
    draft->effects[0].shipment.from = NO_PLACE;
}

static void to_an_unknown_place(struct hf_draft *draft)
{
    draft_transfer(draft);
    draft->effects[0].shipment.to = NO_PLACE;
}

static void inbound_from_a_place(struct hf_draft *draft)
{
    inbound(draft);
    draft->effects[0].shipment.from = W;
}

static void to_where_it_comes_from(struct hf_draft *draft)
{
    draft_transfer(draft);
    draft->effects[0].shipment.to = W;
}

static void transfer_with_an_eta(struct hf_draft *draft)
{
    draft_transfer(draft);
    draft->effects[0].shipment.eta_us = 1;
}

static void sellable_transfer(struct hf_draft *draft)
{
    draft_transfer(draft);
    draft->effects[0].shipment.is_sellable = true;
}

/* ------------------------------------------------------------------ new lines */

static void no_lines(struct hf_draft *draft)
{
    ADD(hf_draft_opened("t9", HF_TRANSFER, HF_STATE_DRAFT));
}

static void line_of_an_unknown_sku(struct hf_draft *draft)
{
    draft_transfer(draft);
    draft->effects[2].line.sku = NO_SKU;
}

static void line_twice(struct hf_draft *draft)
{
    draft_transfer(draft);
    draft->effects[2].line.sku = A;
}

static void changed_line_of_a_new_one(struct hf_draft *draft)
{
    draft_transfer(draft);
    ADD(LINE(A, -1, 0, 0, 0, 1));
}

static void half_unshipped(struct hf_draft *draft)
{
    ADD(hf_draft_opened("t9", HF_TRANSFER, HF_STATE_IN_TRANSIT));
    ADD(NEW_LINE(A, 5, 2, 3));
}

static void fewer_figures_than_units(struct hf_draft *draft)
{
    draft_transfer(draft);
    draft->effects[1].line.delta[HF_LINE_UNSHIPPED] = 4;
}

static void more_figures_than_units(struct hf_draft *draft)
{
    draft_transfer(draft);
    draft->effects[1].line.delta[HF_LINE_LOST] = 1;
}

static void received_from_the_start(struct hf_draft *draft)
{
    draft_transfer(draft);
    draft->effects[1] = NEW_LINE(A, 5, 0, 0, 5);
}

static void draft_under_way(struct hf_draft *draft)
{
    shipped_transfer(draft);
    draft->effects[0].shipment.state = HF_STATE_DRAFT;
}

static void inbound_unshipped(struct hf_draft *draft)
{
    inbound(draft);
    draft->effects[1] = NEW_LINE(B, 5, 5);
    draft->count = 2;
}

static void line_of_no_shipment(struct hf_draft *draft)
{
    ADD(NEW_LINE(A, 5, 5));
}

static void line_of_a_reservation(struct hf_draft *draft)
{
    ADD(hf_draft_reservation(HF_EFFECT_STATE, "r1", HF_STATE_HELD));
    ADD(NEW_LINE(A, 5, 5));
}

/* ------------------------------------------------------------------ moves */

static void without_departure(struct hf_draft *draft)
{
    shipped_transfer(draft);
    draft->effects[5] = draft->effects[6];
    draft->count--;
}

static void without_arrival(struct hf_draft *draft)
{
    shipped_transfer(draft);
    draft->count--;
}

static void without_moves_before_the_next_line(struct hf_draft *draft)
{
    shipped_transfer(draft);
    memmove(&draft->effects[3], &draft->effects[4], 3 * sizeof draft->effects[0]);
    draft->count--;
}

static void without_moves_before_the_next_shipment(struct hf_draft *draft)
{
    shipped_transfer(draft);
    draft->effects[6] = hf_draft_opened("i9", HF_INBOUND, HF_STATE_IN_TRANSIT);
}

static void without_moves_before_a_reservation(struct hf_draft *draft)
{
    shipped_transfer(draft);
    draft->effects[6] = hf_draft_reservation(HF_EFFECT_STATE, "r1", HF_STATE_HELD);
}

static void fewer_depart(struct hf_draft *draft)
{
    shipped_transfer(draft);
    draft->effects[2] = hf_draft_move(A, W, -4, 0, 0);
}

static void more_arrive(struct hf_draft *draft)
{
    shipped_transfer(draft);
    draft->effects[3] = hf_draft_move(A, V, 0, 6, 0);
}

static void arrives_on_hand(struct hf_draft *draft)
{
    shipped_transfer(draft);
    draft->effects[3] = hf_draft_move(A, V, 5, 0, 0);
}

static void arrives_in_two_moves(struct hf_draft *draft)
{
    shipped_transfer(draft);
    draft->effects[3] = hf_draft_move(A, V, 0, 2, 0);
    draft->effects[4] = hf_draft_once_more(&draft->effects[3], hf_draft_move(A, V, 0, 3, 0));
}

static void departs_damaged(struct hf_draft *draft)
{
    shipped_transfer(draft);
    draft->effects[2] = hf_draft_move(A, W, -5, 0, 1);
}

static void departs_into_transit(struct hf_draft *draft)
{
    shipped_transfer(draft);
    draft->effects[2] = hf_draft_move(A, W, -5, 1, 0);
}

static void departs_twice(struct hf_draft *draft)
{
    shipped_transfer(draft);
    draft->effects[3] = hf_draft_once_more(&draft->effects[2], hf_draft_move(A, W, -5, 0, 0));
}

static void holds_on_the_way(struct hf_draft *draft)
{
    shipped_transfer(draft);
    draft->effects[3].move.delta[HF_HELD] = draft->effects[3].move.after[HF_HELD] = 1;
}

static void commits_on_the_way(struct hf_draft *draft)
{
    shipped_transfer(draft);
    draft->effects[3].move.delta[HF_COMMITTED] = draft->effects[3].move.after[HF_COMMITTED] = 1;
}

static void quarantined_on_the_way(struct hf_draft *draft)
{
    shipped_transfer(draft);
    draft->effects[3].move.delta[HF_QUARANTINED] = 1;
    draft->effects[3].move.after[HF_QUARANTINED] = 1;
}

static void move_of_another_sku(struct hf_draft *draft)
{
    shipped_transfer(draft);
    draft->effects[2] = hf_draft_move(C, W, -4, 0, 0);
}

static void move_of_an_unknown_place(struct hf_draft *draft)
{
    shipped_transfer(draft);
    draft->effects[2].move.location = NO_PLACE;
}

static void move_before_any_line(struct hf_draft *draft)
{
    ADD(hf_draft_opened("t9", HF_TRANSFER, HF_STATE_IN_TRANSIT));
    ADD(hf_draft_move(A, W, -5, 0, 0));
}

static void move_of_a_draft(struct hf_draft *draft)
{
    ADD(hf_draft_opened("t9", HF_TRANSFER, HF_STATE_DRAFT));
    ADD(NEW_LINE(A, 5, 5));
    ADD(hf_draft_move(A, W, -5, 0, 0));
}

static void inbound_departs(struct hf_draft *draft)
{
    inbound(draft);
    ADD(hf_draft_move(B, W, -5, 0, 0));
}

static void move_behind_the_last_line(struct hf_draft *draft)
{
    inbound(draft);
    ADD(hf_draft_move(A, W, 5, 0, 0));
}

static void in_transit_of_a_reservation(struct hf_draft *draft)
{
    ADD(hf_draft_reservation(HF_EFFECT_STATE, "r1", HF_STATE_HELD));
    ADD(hf_draft_move(B, W, 0, 1, 0));
}

static void damaged_of_a_reservation(struct hf_draft *draft)
{
    ADD(hf_draft_reservation(HF_EFFECT_STATE, "r1", HF_STATE_HELD));
    ADD(hf_draft_move(B, W, 0, 0, 1));
}

static void set_aside(struct hf_draft *draft)
{
    ADD(hf_draft_move(B, W, -3, 0, 3));
}

static void damaged_only(struct hf_draft *draft)
{
    ADD(hf_draft_move(B, W, 0, 0, 3));
}

#define TAKEN "a shipment is opened under a name that is taken"
#define NO_WAY "a shipment between locations that do not exist"
#define NO_RESERVATION_MOVE "a move that its reservation's state does not allow"

static const struct hf_draft_row rows[] = {
    {"open: a draft", draft_transfer, HF_OK, NULL},
    {"open: shipped", shipped_transfer, HF_OK, NULL},
    {"open: the arrival stands before the departure", arrival_before_departure, HF_OK, NULL},
    {"open: inbound", inbound, HF_OK, NULL},
    {"open: two shipments in a record", two_shipments, HF_OK, NULL},
    {"open: one id twice in a record", same_id_twice, HF_CORRUPT, TAKEN},
    {"open: the id of an open one", id_of_an_open_one, HF_CORRUPT, TAKEN},
    {"open: the id of a closed one", id_of_a_closed_one, HF_CORRUPT, TAKEN},
    {"open: the id of a reservation", id_of_a_reservation, HF_CORRUPT, TAKEN},
    {"open: a reference", id_of_a_reference, HF_CORRUPT, TAKEN},
    {"a reservation: the id of a transfer", reservation_with_the_id_of_a_transfer, HF_CORRUPT,
     "a reservation is opened under a name that is taken"},
    {"a reference: the id of a transfer", reference_with_the_id_of_a_transfer, HF_CORRUPT,
     "a reference is used twice"},
    {"open: in a final state", opened_received, HF_CORRUPT,
     "a shipment is opened in a final state"},
    {"open: inbound as a draft", opened_as_a_draft_of_inbound, HF_CORRUPT, NO_STATE},
    {"open: a transfer from nowhere", from_nowhere, HF_CORRUPT, NO_WAY},
    {"open: from an unknown location", from_an_unknown_place, HF_CORRUPT, NO_WAY},
    {"open: to an unknown location", to_an_unknown_place, HF_CORRUPT, NO_WAY},
    {"open: inbound from a location", inbound_from_a_place, HF_CORRUPT, NO_WAY},
    {"open: to where it comes from", to_where_it_comes_from, HF_CORRUPT, NO_WAY},
    {"open: a transfer with an eta", transfer_with_an_eta, HF_CORRUPT, NO_WAY},
    {"open: a transfer that says it may be sold", sellable_transfer, HF_CORRUPT, NO_WAY},
    {"new line: none", no_lines, HF_CORRUPT, MISFIT},
    {"new line: an unknown SKU", line_of_an_unknown_sku, HF_CORRUPT,
     "a shipment line of a SKU that does not exist"},
    {"new line: a SKU twice", line_twice, HF_CORRUPT, NO_LINE},
    {"new line: changed at once", changed_line_of_a_new_one, HF_CORRUPT, NO_LINE},
    {"new line: half of it unshipped", half_unshipped, HF_CORRUPT, NO_LINE},
    {"new line: figures below its units", fewer_figures_than_units, HF_CORRUPT, NO_LINE},
    {"new line: figures above its units", more_figures_than_units, HF_CORRUPT, NO_LINE},
    {"new line: received from the start", received_from_the_start, HF_CORRUPT, NO_LINE},
    {"new line: under way in a draft", draft_under_way, HF_CORRUPT, NO_LINE},
    {"new line: inbound, unshipped", inbound_unshipped, HF_CORRUPT, NO_LINE},
    {"new line: of no shipment", line_of_no_shipment, HF_CORRUPT, NO_LINE},
    {"new line: of a reservation", line_of_a_reservation, HF_CORRUPT, NO_LINE},
    {"moves: no departure", without_departure, HF_CORRUPT, MISFIT},
    {"moves: no arrival", without_arrival, HF_CORRUPT, MISFIT},
    {"moves: no arrival, and a line follows", without_moves_before_the_next_line, HF_CORRUPT,
     NO_LINE},
    {"moves: no arrival, and a shipment follows", without_moves_before_the_next_shipment,
     HF_CORRUPT, MISFIT},
    {"moves: no arrival, and a reservation follows", without_moves_before_a_reservation, HF_CORRUPT,
     MISFIT},
    {"moves: fewer depart", fewer_depart, HF_CORRUPT, NO_MOVE},
    {"moves: more arrive", more_arrive, HF_CORRUPT, NO_MOVE},
    {"moves: they arrive on hand", arrives_on_hand, HF_CORRUPT, NO_MOVE},
    {"moves: they arrive in two", arrives_in_two_moves, HF_CORRUPT, NO_MOVE},
    {"moves: departing makes damaged", departs_damaged, HF_CORRUPT, NO_MOVE},
    {"moves: departing makes in transit", departs_into_transit, HF_CORRUPT, NO_MOVE},
    {"moves: departing twice", departs_twice, HF_CORRUPT, NO_MOVE},
    {"moves: held changes", holds_on_the_way, HF_CORRUPT, NO_MOVE},
    {"moves: committed changes", commits_on_the_way, HF_CORRUPT, NO_MOVE},
    {"moves: quarantined changes", quarantined_on_the_way, HF_CORRUPT, NO_MOVE},
    {"moves: another SKU", move_of_another_sku, HF_CORRUPT, NO_MOVE},
    {"moves: an unknown location", move_of_an_unknown_place, HF_CORRUPT, NO_MOVE},
    {"moves: before any line", move_before_any_line, HF_CORRUPT, NO_MOVE},
    {"moves: of a draft", move_of_a_draft, HF_CORRUPT, NO_MOVE},
    {"moves: inbound departs from somewhere", inbound_departs, HF_CORRUPT, NO_MOVE},
    {"moves: of nothing, behind the last line", move_behind_the_last_line, HF_CORRUPT, NO_MOVE},
    {"moves: in transit by a reservation", in_transit_of_a_reservation, HF_CORRUPT,
     NO_RESERVATION_MOVE},
    {"moves: damaged by a reservation", damaged_of_a_reservation, HF_CORRUPT, NO_RESERVATION_MOVE},
    {"moves: set aside as damaged", set_aside, HF_OK, NULL},
    {"moves: damaged only", damaged_only, HF_OK, NULL},
};

int main(void)
{
    struct CMUnitTest tests[sizeof rows / sizeof rows[0]];
    size_t count = 0;

    for (; count < sizeof rows / sizeof rows[0]; count++) {
        tests[count] = (struct CMUnitTest){
            .name = rows[count].name,
            .test_func = hf_shipment_draft_check,
            .initial_state = (void *)(uintptr_t)&rows[count],
        };
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
