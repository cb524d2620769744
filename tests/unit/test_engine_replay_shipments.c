/*
 * test_engine_replay_shipments.c - records of transfers and inbound shipments that contradict the
 * state are refused, by name.
 *
 * Method: as in test_engine_replay.c. Each rule of persistence/FORMATS.md 3.3 about shipments is
 * broken by one row, and kept by the row before it; what is accepted must pass the audit and come
 * back from a snapshot.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>

#include "engine/ledger.h"
#include "engine/op.h"
#include "tests/unit/drafts.h"

/*
 * SKUs 0 "A", 1 "B", 2 "C"; locations 0 "W", 1 "V". Transfers from W to V: t1, of which 4 A are
 * under way, 2 A and 4 B unshipped; t2, a draft of 3 C; t3 is received. Inbound to W: i1, of which
 * 7 of 10 A have arrived and 5 C are under way. r1 holds 2 B; n10 is a reference.
 */
static const char *const story[] = {"receive A@W=20 B@W=10 A@V=5 C@W=4",
                                    "transfer_create t1 from=W to=V A=6 B=4",
                                    "transfer_ship t1 A=4",
                                    "transfer_create t2 from=W to=V C=3",
                                    "inbound_create i1 to=W A=10 C=5",
                                    "inbound_receive i1 A=7",
                                    "transfer_create t3 from=V to=W A=1 ship",
                                    "transfer_receive t3",
                                    "reserve r1 B@W=2",
                                    "receive A@V=1 ref=n10"};
#define STORY_LSN (sizeof story / sizeof story[0])

enum { A, B, C, NO_SKU };
enum { W, V, NO_PLACE };

/* Cells after the story. */
static const struct cell {
    uint64_t version;
    int64_t on_hand, held, in_transit;
} cells[3][2] = {
    {{8, 24, 0, 3}, {10, 5, 0, 4}},
    {{9, 10, 2, 0}, {0}},
    {{5, 4, 0, 5}, {0}},
};

/* A move of a cell as it is after the story. */
static struct hf_effect move(uint32_t sku, uint32_t location, int64_t on_hand, int64_t in_transit,
                             int64_t damaged)
{
    const struct cell *cell = &cells[sku][location];
    struct hf_effect effect = {.tag = HF_EFFECT_MOVE};

    effect.move = (struct hf_effect_move){
        .sku = sku,
        .location = location,
        .version_before = cell->version,
        .delta = {[HF_ON_HAND] = on_hand, [HF_IN_TRANSIT] = in_transit, [HF_DAMAGED] = damaged},
        .after = {[HF_ON_HAND] = cell->on_hand + on_hand,
                  [HF_HELD] = cell->held,
                  [HF_IN_TRANSIT] = cell->in_transit + in_transit,
                  [HF_DAMAGED] = damaged},
    };
    return effect;
}

/* The same cell once more: what stands in `effect` has happened already. */
static struct hf_effect once_more(const struct hf_effect *before, struct hf_effect effect)
{
    effect.move.version_before = STORY_LSN + 1;
    for (unsigned i = 0; i < HF_COUNTERS_COUNT; i++) {
        effect.move.after[i] += before->move.delta[i];
    }
    return effect;
}

static struct hf_effect opened(const char *id, enum hf_shipment_kind kind, enum hf_state state)
{
    struct hf_effect effect = {.tag = HF_EFFECT_SHIPMENT_OPEN};

    effect.shipment =
        (struct hf_effect_shipment){.id = hf_text_of(id),
                                    .state = state,
                                    .kind = kind,
                                    .from = kind == HF_TRANSFER ? (uint32_t)W : HF_HANDLE_NONE,
                                    .to = V};
    return effect;
}

static struct hf_effect changed(const char *id, enum hf_state state)
{
    struct hf_effect effect = {.tag = HF_EFFECT_SHIPMENT_STATE};

    effect.shipment = (struct hf_effect_shipment){.id = hf_text_of(id), .state = state};
    return effect;
}

static struct hf_effect line(uint32_t sku, int64_t units, const int64_t *figures)
{
    struct hf_effect effect = {.tag = HF_EFFECT_LINE};

    effect.line = (struct hf_effect_line){.sku = sku, .units = units};
    memcpy(effect.line.delta, figures, sizeof effect.line.delta);
    return effect;
}

/* Figures: unshipped, under way, received, damaged, cancelled, lost. */
#define NEW_LINE(sku, units, ...)                                                                  \
    line((sku), (units), (const int64_t[HF_LINE_FIGURES]){__VA_ARGS__})
#define LINE(sku, ...) line((sku), 0, (const int64_t[HF_LINE_FIGURES]){__VA_ARGS__})
#define ADD(effect) hf_draft_add(draft, (effect))

static struct hf_effect reservation(enum hf_effect_tag tag, const char *id, enum hf_state state)
{
    struct hf_effect effect = {.tag = tag};

    effect.reservation = (struct hf_effect_reservation){.id = hf_text_of(id), .state = state};
    return effect;
}

/* ------------------------------------------------------------------ opened */

static void draft_transfer(struct hf_draft *draft)
{
    ADD(opened("t9", HF_TRANSFER, HF_STATE_DRAFT));
    ADD(NEW_LINE(A, 5, 5));
    ADD(NEW_LINE(C, 1, 1));
}

static void shipped_transfer(struct hf_draft *draft)
{
    ADD(opened("t9", HF_TRANSFER, HF_STATE_IN_TRANSIT));
    ADD(NEW_LINE(A, 5, 0, 5));
    ADD(move(A, W, -5, 0, 0));
    ADD(move(A, V, 0, 5, 0));
    ADD(NEW_LINE(B, 8, 0, 8));
    ADD(move(B, W, -8, 0, 0));
    ADD(move(B, V, 0, 8, 0));
}

static void arrival_before_departure(struct hf_draft *draft)
{
    shipped_transfer(draft);
    draft->effects[2] = move(A, V, 0, 5, 0);
    draft->effects[3] = move(A, W, -5, 0, 0);
}

static void inbound(struct hf_draft *draft)
{
    struct hf_effect effect = opened("i9", HF_INBOUND, HF_STATE_IN_TRANSIT);

    effect.shipment.is_sellable = true;
    effect.shipment.eta_us = HF_TIME_US_MAX;
    ADD(effect);
    ADD(NEW_LINE(B, 5, 0, 5));
    ADD(move(B, V, 0, 5, 0));
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
    ADD(reservation(HF_EFFECT_OPEN, "t1", HF_STATE_HELD));
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
    ADD(opened("t9", HF_TRANSFER, HF_STATE_DRAFT));
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
    ADD(opened("t9", HF_TRANSFER, HF_STATE_IN_TRANSIT));
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
    ADD(reservation(HF_EFFECT_STATE, "r1", HF_STATE_HELD));
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
    draft->effects[6] = opened("i9", HF_INBOUND, HF_STATE_IN_TRANSIT);
}

static void without_moves_before_a_reservation(struct hf_draft *draft)
{
    shipped_transfer(draft);
    draft->effects[6] = reservation(HF_EFFECT_STATE, "r1", HF_STATE_HELD);
}

static void fewer_depart(struct hf_draft *draft)
{
    shipped_transfer(draft);
    draft->effects[2] = move(A, W, -4, 0, 0);
}

static void more_arrive(struct hf_draft *draft)
{
    shipped_transfer(draft);
    draft->effects[3] = move(A, V, 0, 6, 0);
}

static void arrives_on_hand(struct hf_draft *draft)
{
    shipped_transfer(draft);
    draft->effects[3] = move(A, V, 5, 0, 0);
}

static void arrives_in_two_moves(struct hf_draft *draft)
{
    shipped_transfer(draft);
    draft->effects[3] = move(A, V, 0, 2, 0);
    draft->effects[4] = once_more(&draft->effects[3], move(A, V, 0, 3, 0));
}

static void departs_damaged(struct hf_draft *draft)
{
    shipped_transfer(draft);
    draft->effects[2] = move(A, W, -5, 0, 1);
}

static void departs_into_transit(struct hf_draft *draft)
{
    shipped_transfer(draft);
    draft->effects[2] = move(A, W, -5, 1, 0);
}

static void departs_twice(struct hf_draft *draft)
{
    shipped_transfer(draft);
    draft->effects[3] = once_more(&draft->effects[2], move(A, W, -5, 0, 0));
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
    draft->effects[2] = move(C, W, -4, 0, 0);
}

static void move_of_an_unknown_place(struct hf_draft *draft)
{
    shipped_transfer(draft);
    draft->effects[2].move.location = NO_PLACE;
}

static void move_before_any_line(struct hf_draft *draft)
{
    ADD(opened("t9", HF_TRANSFER, HF_STATE_IN_TRANSIT));
    ADD(move(A, W, -5, 0, 0));
}

static void move_of_a_draft(struct hf_draft *draft)
{
    ADD(opened("t9", HF_TRANSFER, HF_STATE_DRAFT));
    ADD(NEW_LINE(A, 5, 5));
    ADD(move(A, W, -5, 0, 0));
}

static void inbound_departs(struct hf_draft *draft)
{
    inbound(draft);
    ADD(move(B, W, -5, 0, 0));
}

static void move_behind_the_last_line(struct hf_draft *draft)
{
    inbound(draft);
    ADD(move(A, W, 5, 0, 0));
}

static void in_transit_of_a_reservation(struct hf_draft *draft)
{
    ADD(reservation(HF_EFFECT_STATE, "r1", HF_STATE_HELD));
    ADD(move(B, W, 0, 1, 0));
}

static void damaged_of_a_reservation(struct hf_draft *draft)
{
    ADD(reservation(HF_EFFECT_STATE, "r1", HF_STATE_HELD));
    ADD(move(B, W, 0, 0, 1));
}

static void set_aside(struct hf_draft *draft)
{
    ADD(move(B, W, -3, 0, 3));
}

static void damaged_only(struct hf_draft *draft)
{
    ADD(move(B, W, 0, 0, 3));
}

/* ------------------------------------------------------------------ changed */

static void ship_rest(struct hf_draft *draft)
{
    ADD(changed("t1", HF_STATE_IN_TRANSIT));
    ADD(LINE(A, -2, 2));
    ADD(move(A, W, -2, 0, 0));
    ADD(move(A, V, 0, 2, 0));
    ADD(LINE(B, -4, 4));
    ADD(move(B, W, -4, 0, 0));
    ADD(move(B, V, 0, 4, 0));
}

static void ship_draft(struct hf_draft *draft)
{
    ADD(changed("t2", HF_STATE_IN_TRANSIT));
    ADD(LINE(C, -1, 1));
    ADD(move(C, W, -1, 0, 0));
    ADD(move(C, V, 0, 1, 0));
}

static void ship_and_stay_draft(struct hf_draft *draft)
{
    ship_draft(draft);
    draft->effects[0].shipment.state = HF_STATE_DRAFT;
}

static void receive(struct hf_draft *draft)
{
    ADD(changed("t1", HF_STATE_IN_TRANSIT));
    ADD(LINE(A, 0, -4, 3, 1));
    ADD(move(A, V, 3, -4, 1));
}

static void receive_damaged_as_sellable(struct hf_draft *draft)
{
    receive(draft);
    draft->effects[2] = move(A, V, 4, -4, 0);
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
    draft->effects[2] = move(A, V, 5, -4, 0);
}

static void receive_what_is_not_under_way(struct hf_draft *draft)
{
    receive(draft);
    draft->effects[1] = LINE(A, 0, -5, 5);
    draft->effects[2] = move(A, V, 5, -5, 0);
}

static void cancel(struct hf_draft *draft)
{
    ADD(changed("t1", HF_STATE_CANCELLED));
    ADD(LINE(A, -2, -4, 0, 0, 6));
    ADD(move(A, W, 4, 0, 0));
    ADD(move(A, V, 0, -4, 0));
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
    ADD(changed("t2", HF_STATE_CANCELLED));
    ADD(LINE(C, -3, 0, 0, 0, 3));
}

static void cancel_part_of_a_draft(struct hf_draft *draft)
{
    ADD(changed("t2", HF_STATE_DRAFT));
    ADD(LINE(C, -1, 0, 0, 0, 1));
}

static void draft_loses(struct hf_draft *draft)
{
    ADD(changed("t2", HF_STATE_DRAFT));
    ADD(LINE(C, -1, 0, 0, 0, 0, 1));
    ADD(move(C, W, -1, 0, 0));
}

static void close_it(struct hf_draft *draft)
{
    ADD(changed("t1", HF_STATE_CLOSED));
    ADD(LINE(A, -2, -4, 0, 0, 2, 4));
    ADD(move(A, V, 0, -4, 0));
    ADD(LINE(B, -4, 0, 0, 0, 4));
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
    ADD(changed("t1", HF_STATE_IN_TRANSIT));
}

static void of_an_unknown(struct hf_draft *draft)
{
    ADD(changed("t9", HF_STATE_IN_TRANSIT));
}

static void of_a_reservation(struct hf_draft *draft)
{
    ADD(changed("r1", HF_STATE_IN_TRANSIT));
}

static void of_a_reference(struct hf_draft *draft)
{
    ADD(changed("n10", HF_STATE_IN_TRANSIT));
}

static void of_a_closed(struct hf_draft *draft)
{
    ADD(changed("t3", HF_STATE_IN_TRANSIT));
}

static void reservation_that_is_a_transfer(struct hf_draft *draft)
{
    ADD(reservation(HF_EFFECT_STATE, "t1", HF_STATE_HELD));
}

static void line_that_it_does_not_have(struct hf_draft *draft)
{
    ADD(changed("t1", HF_STATE_IN_TRANSIT));
    ADD(LINE(C, -1, 1));
}

static void new_line_later(struct hf_draft *draft)
{
    ADD(changed("t1", HF_STATE_IN_TRANSIT));
    ADD(NEW_LINE(C, 1, 1));
}

static void units_vanish(struct hf_draft *draft)
{
    ADD(changed("t1", HF_STATE_IN_TRANSIT));
    ADD(LINE(A, -2));
}

/* ------------------------------------------------------------------ inbound, changed */

static void inbound_receive(struct hf_draft *draft)
{
    ADD(changed("i1", HF_STATE_RECEIVED));
    ADD(LINE(A, 0, -3, 3));
    ADD(move(A, W, 3, -3, 0));
    ADD(LINE(C, 0, -5, 4, 1));
    ADD(move(C, W, 4, -5, 1));
}

static void inbound_over_receipt(struct hf_draft *draft)
{
    inbound_receive(draft);
    draft->effects[1] = LINE(A, 0, -3, 13);
    draft->effects[2] = move(A, W, 13, -3, 0);
    draft->effects[3] = LINE(C, 0, -5, 0, 6);
    draft->effects[4] = move(C, W, 0, -5, 6);
}

static void inbound_cancel(struct hf_draft *draft)
{
    ADD(changed("i1", HF_STATE_IN_TRANSIT));
    ADD(LINE(C, 0, -5, 0, 0, 5));
    ADD(move(C, W, 0, -5, 0));
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
    ADD(move(B, W, -9, 0, 0));
    ADD(shortage(B, W));
}

static void shortage_of_an_unknown_sku(struct hf_draft *draft)
{
    ADD(move(B, W, -9, 0, 0));
    ADD(shortage(NO_SKU, W));
}

static void shortage_of_an_unknown_place(struct hf_draft *draft)
{
    ADD(move(B, W, -9, 0, 0));
    ADD(shortage(B, NO_PLACE));
}

static void marked_out(struct hf_draft *draft)
{
    ADD(move(B, W, -9, 0, 0));
    draft->effects[0].move.tell.marks = HF_MARK_GIVEN | HF_MARK_IS_OUT | HF_MARK_TELL_OUT;
}

static void marked_low_without_a_threshold(struct hf_draft *draft)
{
    marked_out(draft);
    draft->effects[0].move.tell.marks |= HF_MARK_IS_LOW;
}

#define NO_LINE "a line that its shipment does not allow"
#define NO_MOVE "a move that its shipment's line does not say"
#define MISFIT "the lines of a shipment do not fit its state"
#define TAKEN "a shipment is opened under a name that is taken"
#define NO_WAY "a shipment between locations that do not exist"
#define NO_STATE "a shipment changes to a state that it cannot reach"
#define UNKNOWN "a change of a shipment that does not exist"
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

/* ------------------------------------------------------------------ running them */

static void one_record(void **state)
{
    struct hf_small small;

    hf_draft_live(&small, story, STORY_LSN);
    assert_string_equal(hf_small_cell(small.engine, "A@W"), "24 0 0 3 v8");
    assert_string_equal(hf_small_cell(small.engine, "A@V"), "5 0 0 4 v10");
    assert_string_equal(hf_small_cell(small.engine, "B@W"), "10 2 0 0 v9");
    assert_string_equal(hf_small_cell(small.engine, "C@W"), "4 0 0 5 v5");
    hf_draft_check(&small, *state);
    hf_small_release(&small);
}

/* Limits that are too small for the log: the record that does not fit is refused as such. */
static void limits_of_shipments(void **state)
{
    static const struct {
        uint32_t shipments_max, lines_max;
        uint64_t want_lsn; /* of the last record that fits */
    } limits[] = {{4, 6, STORY_LSN}, {3, 6, 6}, {2, 6, 4}, {1, 6, 3},
                  {4, 5, 6},         {4, 3, 4}, {4, 1, 1}};
    struct hf_small small;
    (void)state;

    hf_draft_live(&small, story, STORY_LSN);
    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
        struct hf_engine_config config = hf_small_config();
        const char *why = "";
        config.shipments_max = limits[i].shipments_max;
        config.shipment_lines_max = limits[i].lines_max;
        struct hf_engine *follower = hf_engine_create(&config);
        const enum hf_err err = hf_small_follow(&small, follower, &why);
        assert_int_equal(err, limits[i].want_lsn == STORY_LSN ? HF_OK : HF_LIMIT_EXCEEDED);
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
            .test_func = one_record,
            .initial_state = (void *)(uintptr_t)&rows[count],
        };
    }
    tests[count] = (struct CMUnitTest)cmocka_unit_test(limits_of_shipments);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
