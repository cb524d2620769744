/*
 * test_engine_events.c - what records tell to those who follow.
 *
 * Method: a row does a few operations; the events of the last one's record, written as text, must
 * be the ones named: by cell as the feed has them, or by move as the ledger has them. An event
 * reads
 *
 *     KIND[/REASON] SKU@LOCATION COUNTER+N ... = ON_HAND/HELD/COMMITTED[/IN_TRANSIT/DAMAGED/
 *     QUARANTINED] ats N [policy] [ID STATE] [ref R] [order O] [by B] [missing N: ID N ...]
 *
 * Then a follower that has nothing but the events of the golden records must come to the counters
 * and ATS of the engine.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/ledger.h"
#include "engine/op.h"
#include "tests/lib/small_engine.h"
#include "tests/unit/records.h"

#define OPS_MAX 8
#define TEXT_BYTES 4096

static const char *const counters[HF_COUNTERS_COUNT] = {"on_hand",    "held",    "committed",
                                                        "in_transit", "damaged", "quarantined"};

/* Events as text, one a line. */
struct seen {
    char text[TEXT_BYTES];
    size_t length;
    uint32_t count;
    uint64_t lsn;
};

static void put(struct seen *seen, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void put(struct seen *seen, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    seen->length +=
        (size_t)vsnprintf(seen->text + seen->length, TEXT_BYTES - seen->length, format, arguments);
    va_end(arguments);
    assert_true(seen->length < TEXT_BYTES);
}

static void put_text(struct seen *seen, const char *name, struct hf_text text)
{
    if (text.bytes_count > 0) {
        put(seen, " %s%.*s", name, (int)text.bytes_count, text.bytes);
    }
}

static void put_values(struct seen *seen, const struct hf_event *event)
{
    const bool has_rare = event->after[HF_IN_TRANSIT] != 0 || event->after[HF_DAMAGED] != 0 ||
                          event->after[HF_QUARANTINED] != 0;

    for (unsigned i = 0; i < HF_COUNTERS_COUNT; i++) {
        if (event->delta[i] != 0) {
            put(seen, " %s%+" PRId64, counters[i], event->delta[i]);
        }
    }
    put(seen, " =");
    for (unsigned i = 0; i < (has_rare ? HF_COUNTERS_COUNT : 3u); i++) {
        put(seen, "%c%" PRId64, i == 0 ? ' ' : '/', event->after[i]);
    }
    put(seen, " ats %" PRId64, event->ats);
}

static void see_event(void *arg, const struct hf_event *event)
{
    struct seen *seen = arg;

    assert_int_equal(event->index, seen->count);
    assert_int_equal(event->lsn, seen->lsn);
    seen->count++;
    put(seen, "%s%s", seen->length == 0 ? "" : "\n", hf_kind_name(event->kind));
    if (event->reason != HF_REASON_NONE) {
        put(seen, "/%s", hf_reason_name(event->reason));
    }
    if (event->sku.bytes_count > 0) {
        put_text(seen, "", event->sku);
        put(seen, "@%.*s", (int)event->location.bytes_count, event->location.bytes);
        put_values(seen, event);
    } else {
        assert_int_equal(event->location.bytes_count, 0);
    }
    if (event->is_policy) {
        put(seen, " policy");
    }
    put_text(seen, "", event->id);
    if (event->state != HF_STATE_NONE) {
        put(seen, " %s", hf_state_name(event->state));
    }
    put_text(seen, "ref ", event->ref);
    put_text(seen, "order ", event->order);
    put_text(seen, "by ", event->by);
    if (event->missing != 0) {
        put(seen, " missing %" PRId64 ":", event->missing);
    }
    assert_true((event->missing != 0) == (event->kind == HF_ALERT_SHORTAGE));
    for (uint32_t i = 0; i < event->hits_count; i++) {
        put_text(seen, "", event->hits[i].reservation);
        put(seen, " %" PRId64, event->hits[i].units);
    }
}

/* ------------------------------------------------------------------ rows */

static const struct row {
    const char *name;
    bool by_move;
    const char *ops[OPS_MAX]; /* the last one's record is told */
    const char *want;
} rows[] = {
    {"an event for each cell, in the order of the moves",
     false,
     {"receive A@W=20 B@V=3 ref=in-1 order=po-7 by=anna reason=1"},
     "receive/purchase A@W on_hand+20 = 20/0/0 ats 20 ref in-1 order po-7 by anna\n"
     "receive/purchase B@V on_hand+3 = 3/0/0 ats 3 ref in-1 order po-7 by anna"},
    {"lines of one cell are one event",
     false,
     {"receive A@W=20", "sell A@W=1 A@W=2"},
     "sell A@W on_hand-3 = 17/0/0 ats 17"},
    {"a reservation: its id is the reference",
     false,
     {"receive A@W=20 B@W=5", "reserve r1 A@W=3 B@W=1 order=o1"},
     "reserve A@W held+3 = 20/3/0 ats 17 r1 held ref r1 order o1\n"
     "reserve B@W held+1 = 5/1/0 ats 4 r1 held ref r1 order o1"},
    {"a reservation with a reference of its own",
     false,
     {"receive A@W=20", "reserve r1 A@W=3 ref=web-9"},
     "reserve A@W held+3 = 20/3/0 ats 17 r1 held ref web-9"},
    {"what comes later has no reference unless it is given one",
     false,
     {"receive A@W=20", "reserve r1 A@W=3 order=o1", "confirm r1"},
     "confirm A@W held-3 committed+3 = 20/0/3 ats 17 r1 confirmed order o1"},
    {"fulfil and release the rest",
     false,
     {"receive A@W=20", "reserve r1 A@W=3", "confirm r1", "fulfil r1 A@W=2 rest ref=f1"},
     "fulfil A@W on_hand-2 committed-3 = 18/0/0 ats 18 r1 fulfilled ref f1"},
    {"fulfil and release the rest, by move",
     true,
     {"receive A@W=20", "reserve r1 A@W=3", "confirm r1", "fulfil r1 A@W=2 rest ref=f1"},
     "fulfil A@W on_hand-2 committed-3 = 18/0/0 ats 18 r1 fulfilled ref f1"},
    {"release_order: moves of one cell are added up, and it is about none",
     false,
     {"receive A@W=20 B@W=5", "reserve r1 A@W=3 order=o1", "reserve r2 A@W=2 B@W=1 order=o1",
      "release_order order=o1"},
     "release_order A@W held-5 = 20/0/0 ats 20 order o1\n"
     "release_order B@W held-1 = 5/0/0 ats 5 order o1"},
    {"release_order by move: each is about its reservation",
     true,
     {"receive A@W=20 B@W=5", "reserve r1 A@W=3 order=o1", "reserve r2 A@W=2 B@W=1 order=o1",
      "release_order order=o1"},
     "release_order A@W held-2 = 20/3/0 ats 17 r2 released order o1\n"
     "release_order B@W held-1 = 5/0/0 ats 5 r2 released order o1\n"
     "release_order A@W held-3 = 20/0/0 ats 20 r1 released order o1"},
    {"release_order of a single reservation is about it",
     false,
     {"receive A@W=20", "reserve r1 A@W=3 order=o1", "release_order order=o1"},
     "release_order A@W held-3 = 20/0/0 ats 20 r1 released order o1"},
    {"replace: one event a cell, about the new reservation",
     false,
     {"receive A@W=20 B@W=5", "reserve r1 A@W=3", "replace r2 old=r1 A@W=4 B@W=1"},
     "replace A@W held+1 = 20/4/0 ats 16 r2 held ref r2\n"
     "replace B@W held+1 = 5/1/0 ats 4 r2 held ref r2"},
    {"replace by the same: told, although nothing is different",
     false,
     {"receive A@W=20", "reserve r1 A@W=3", "replace r2 old=r1 A@W=3"},
     "replace A@W = 20/3/0 ats 17 r2 held ref r2"},
    {"replace by move",
     true,
     {"receive A@W=20 B@W=5", "reserve r1 A@W=3", "replace r2 old=r1 A@W=4 B@W=1"},
     "replace A@W held-3 = 20/0/0 ats 20 r1 superseded ref r2\n"
     "replace A@W held+4 = 20/4/0 ats 16 r2 held ref r2\n"
     "replace B@W held+1 = 5/1/0 ats 4 r2 held ref r2"},
    {"no cell: an extension",
     false,
     {"receive A@W=20", "reserve r1 A@W=3 ttl=500 order=o1", "extend r1 ttl=900 by=bert"},
     "extend r1 held order o1 by bert"},
    {"no cell, by move",
     true,
     {"receive A@W=20", "reserve r1 A@W=3 ttl=500", "extend r1 ttl=900"},
     "extend r1 held"},
    {"no cell: a location", false, {"set_location V=0 ref=s1"}, "set_location ref s1"},
    {"no cell: a region", false, {"set_region id=north V W"}, "set_region"},
    {"no cell: a draft",
     false,
     {"receive A@W=20", "transfer_create t1 from=W to=V A=6 order=mv-1"},
     "transfer_create t1 draft ref t1 order mv-1"},
    {"no cell: a draft is cancelled",
     false,
     {"receive A@W=20 A@V=1", "transfer_create t1 from=W to=V A=6", "transfer_cancel t1"},
     "transfer_cancel t1 cancelled"},
    {"policy",
     false,
     {"receive A@W=20", "set_policy A@W safety=4 ref=p1"},
     "set_policy A@W = 20/0/0 ats 16 policy ref p1"},
    {"policy, by move",
     true,
     {"receive A@W=20", "set_policy A@W safety=4"},
     "set_policy A@W = 20/0/0 ats 16 policy"},
    {"policy that makes the cell low",
     false,
     {"receive A@W=20", "set_policy A@W low=20"},
     "set_policy A@W = 20/0/0 ats 20 policy\n"
     "low_stock A@W = 20/0/0 ats 20"},
    {"alerts: none one unit above the threshold",
     false,
     {"receive A@W=20", "set_policy A@W low=5", "sell A@W=14"},
     "sell A@W on_hand-14 = 6/0/0 ats 6"},
    {"alerts: low at the threshold",
     false,
     {"receive A@W=20", "set_policy A@W low=5", "sell A@W=15 order=o1 by=carl"},
     "sell A@W on_hand-15 = 5/0/0 ats 5 order o1 by carl\n"
     "low_stock A@W = 5/0/0 ats 5 order o1 by carl"},
    {"alerts: low is told once",
     false,
     {"receive A@W=20", "set_policy A@W low=5", "sell A@W=15", "sell A@W=1"},
     "sell A@W on_hand-1 = 4/0/0 ats 4"},
    {"alerts: not over at the threshold",
     false,
     {"receive A@W=20", "set_policy A@W low=5", "sell A@W=16", "receive A@W=1"},
     "receive A@W on_hand+1 = 5/0/0 ats 5"},
    {"alerts: over one above",
     false,
     {"receive A@W=20", "set_policy A@W low=5", "sell A@W=16", "receive A@W=2"},
     "receive A@W on_hand+2 = 6/0/0 ats 6\n"
     "low_stock_over A@W = 6/0/0 ats 6"},
    {"alerts: a large threshold is over a tenth above",
     false,
     {"receive A@W=70", "set_policy A@W low=50", "sell A@W=20", "receive A@W=4"},
     "receive A@W on_hand+4 = 54/0/0 ats 54"},
    {"alerts: and then it is",
     false,
     {"receive A@W=70", "set_policy A@W low=50", "sell A@W=20", "receive A@W=5"},
     "receive A@W on_hand+5 = 55/0/0 ats 55\n"
     "low_stock_over A@W = 55/0/0 ats 55"},
    {"alerts: behind all moves, cell by cell, low before out",
     false,
     {"receive A@W=20 B@W=9", "set_policy A@W low=5", "set_policy B@W low=0", "sell A@W=20 B@W=9"},
     "sell A@W on_hand-20 = 0/0/0 ats 0\n"
     "sell B@W on_hand-9 = 0/0/0 ats 0\n"
     "low_stock A@W = 0/0/0 ats 0\n"
     "out_of_stock A@W = 0/0/0 ats 0\n"
     "low_stock B@W = 0/0/0 ats 0\n"
     "out_of_stock B@W = 0/0/0 ats 0"},
    {"alerts: by move there are none",
     true,
     {"receive A@W=20", "set_policy A@W low=5", "sell A@W=20"},
     "sell A@W on_hand-20 = 0/0/0 ats 0"},
    {"alerts: reserved out, with the id",
     false,
     {"receive A@W=20", "reserve r1 A@W=20"},
     "reserve A@W held+20 = 20/20/0 ats 0 r1 held ref r1\n"
     "out_of_stock A@W = 20/20/0 ats 0 r1 held ref r1"},
    {"alerts: back in stock",
     false,
     {"receive A@W=2", "sell A@W=2", "receive A@W=1"},
     "receive A@W on_hand+1 = 1/0/0 ats 1\n"
     "back_in_stock A@W = 1/0/0 ats 1"},
    {"alerts: a threshold that is taken away says nothing",
     false,
     {"receive A@W=20", "set_policy A@W low=30", "set_policy A@W low=-1"},
     "set_policy A@W = 20/0/0 ats 20 policy"},
    {"alerts: one for a cell that two reservations give back to",
     false,
     {"receive A@W=5", "reserve r1 A@W=3 order=o1", "reserve r2 A@W=2 order=o1",
      "release_order order=o1"},
     "release_order A@W held-5 = 5/0/0 ats 5 order o1\n"
     "back_in_stock A@W = 5/0/0 ats 5 order o1"},
    {"shortage: holds before confirmed ones, and of each the newest first",
     false,
     {"receive A@W=20", "reserve r1 A@W=4", "reserve r2 A@W=5", "reserve r3 A@W=6", "confirm r1",
      "adjust A@W=-16 reason=4 by=dora"},
     "adjust/loss A@W on_hand-16 = 4/11/4 ats -11 by dora\n"
     "out_of_stock/loss A@W = 4/11/4 ats -11 by dora\n"
     "shortage/loss A@W = 4/11/4 ats -11 by dora missing 11: r3 6 r2 5"},
    {"shortage: the last confirmed one first",
     false,
     {"receive A@W=9", "reserve r1 A@W=4", "reserve r2 A@W=5", "confirm r2", "confirm r1",
      "sell A@W=5 fact"},
     "sell A@W on_hand-5 = 4/0/9 ats -5\n"
     "shortage A@W = 4/0/9 ats -5 missing 5: r1 4 r2 5"},
    {"shortage: only as many as make up for it",
     false,
     {"receive A@W=9", "reserve r1 A@W=4", "reserve r2 A@W=5", "adjust A@W=-1 reason=4"},
     "adjust/loss A@W on_hand-1 = 8/9/0 ats -1\n"
     "shortage/loss A@W = 8/9/0 ats -1 missing 1: r2 5"},
    {"shortage: told again when it grows",
     false,
     {"receive A@W=9", "reserve r1 A@W=9", "adjust A@W=-1 reason=4", "adjust A@W=-1 reason=4"},
     "adjust/loss A@W on_hand-1 = 7/9/0 ats -2\n"
     "shortage/loss A@W = 7/9/0 ats -2 missing 2: r1 9"},
    {"shortage: not when it shrinks",
     false,
     {"receive A@W=9", "reserve r1 A@W=9", "adjust A@W=-2 reason=4", "adjust A@W=1 reason=5"},
     "adjust/found A@W on_hand+1 = 8/9/0 ats -1"},
    {"shortage: safety stock makes none, backorders cover one",
     false,
     {"receive A@W=9", "reserve r1 A@W=9", "set_policy A@W safety=2 backorder=1",
      "adjust A@W=-1 reason=4"},
     "adjust/loss A@W on_hand-1 = 8/9/0 ats -3"},
    {"shortage: a backorder limit that is taken back",
     false,
     {"receive A@W=2", "set_policy A@W backorder=3", "reserve r1 A@W=5",
      "set_policy A@W backorder=0"},
     "set_policy A@W = 2/5/0 ats -3 policy\n"
     "shortage A@W = 2/5/0 ats -3 missing 3: r1 5"},
    {"shortage: of two cells, behind the alerts of both",
     false,
     {"receive A@W=3 B@W=3", "reserve r1 A@W=2 B@W=2", "adjust A@W=-2 B@W=-3 reason=4"},
     "adjust/loss A@W on_hand-2 = 1/2/0 ats -1\n"
     "adjust/loss B@W on_hand-3 = 0/2/0 ats -2\n"
     "out_of_stock/loss A@W = 1/2/0 ats -1\n"
     "out_of_stock/loss B@W = 0/2/0 ats -2\n"
     "shortage/loss A@W = 1/2/0 ats -1 missing 1: r1 2\n"
     "shortage/loss B@W = 0/2/0 ats -2 missing 2: r1 2"},
    {"statuses: received into quarantine",
     false,
     {"receive A@W=5 to=quarantined"},
     "receive A@W quarantined+5 = 0/0/0/0/0/5 ats 0"},
    {"statuses: set aside",
     false,
     {"receive A@W=5", "move_status A@W=2 from=sellable to=damaged reason=15"},
     "move_status/quality A@W on_hand-2 damaged+2 = 3/0/0/0/2/0 ats 3"},
    {"statuses: disposed of",
     false,
     {"receive A@W=5 to=damaged", "dispose A@W=5 from=damaged reason=14"},
     "dispose/perished A@W damaged-5 = 0/0/0 ats 0"},
    {"set tells the difference",
     false,
     {"receive A@W=5", "set A@W=7 reason=6 ref=cnt-1"},
     "set/count A@W on_hand+2 = 7/0/0 ats 7 ref cnt-1"},
    {"a transfer, shipped: both cells; what is on its way may be sold",
     false,
     {"receive A@W=9", "transfer_create t1 from=W to=V A=4 ship order=mv-1"},
     "transfer_create A@W on_hand-4 = 5/0/0 ats 5 t1 in_transit ref t1 order mv-1\n"
     "transfer_create A@V in_transit+4 = 0/0/0/4/0/0 ats 4 t1 in_transit ref t1 order mv-1"},
    {"a transfer, shipped to where it may not be sold",
     false,
     {"receive A@W=9 A@V=1", "set_location V=0", "transfer_create t1 from=W to=V A=4",
      "transfer_ship t1 A=3 ref=lorry"},
     "transfer_ship A@W on_hand-3 = 6/0/0 ats 6 t1 in_transit ref lorry\n"
     "transfer_ship A@V in_transit+3 = 1/0/0/3/0/0 ats 1 t1 in_transit ref lorry"},
    {"a transfer, received in part",
     false,
     {"receive A@W=9", "transfer_create t1 from=W to=V A=4 ship",
      "transfer_receive t1 A=2 damaged=1"},
     "transfer_receive A@V on_hand+2 in_transit-3 damaged+1 = 2/0/0/1/1/0 ats 3 t1 in_transit"},
    {"a transfer, received: the state is final",
     false,
     {"receive A@W=9 B@W=2", "transfer_create t1 from=W to=V A=4 B=1 ship", "transfer_receive t1"},
     "transfer_receive A@V on_hand+4 in_transit-4 = 4/0/0 ats 4 t1 received\n"
     "transfer_receive B@V on_hand+1 in_transit-1 = 1/0/0 ats 1 t1 received"},
    {"a transfer, cancelled on its way: units come back",
     false,
     {"receive A@W=9", "transfer_create t1 from=W to=V A=4 ship", "transfer_cancel t1"},
     "transfer_cancel A@V in_transit-4 = 0/0/0 ats 0 t1 cancelled\n"
     "transfer_cancel A@W on_hand+4 = 9/0/0 ats 9 t1 cancelled\n"
     "out_of_stock A@V = 0/0/0 ats 0 t1 cancelled"},
    {"a transfer, closed: what was promised of it is short",
     false,
     {"receive A@W=9", "transfer_create t1 from=W to=V A=4 ship", "reserve r1 A@V=3",
      "transfer_close t1 reason=4"},
     "transfer_close/loss A@V in_transit-4 = 0/3/0 ats -3 t1 closed\n"
     "out_of_stock/loss A@V = 0/3/0 ats -3 t1 closed\n"
     "shortage/loss A@V = 0/3/0 ats -3 t1 closed missing 3: r1 3"},
    {"inbound: kept until it arrives",
     false,
     {"inbound_create i1 to=W A=10 eta=1700000000500000"},
     "inbound_create A@W in_transit+10 = 0/0/0/10/0/0 ats 0 i1 in_transit ref i1"},
    {"inbound: may be sold",
     false,
     {"receive A@W=1", "sell A@W=1", "inbound_create i1 to=W A=10 sellable ref=edi-4"},
     "inbound_create A@W in_transit+10 = 0/0/0/10/0/0 ats 10 i1 in_transit ref edi-4\n"
     "back_in_stock A@W = 0/0/0/10/0/0 ats 10 i1 in_transit ref edi-4"},
    {"inbound: received",
     false,
     {"inbound_create i1 to=W A=10", "inbound_receive i1 A=9 damaged=1 reason=1"},
     "inbound_receive/purchase A@W on_hand+9 in_transit-10 damaged+1 = 9/0/0/0/1/0 ats 9 "
     "i1 received\n"
     "back_in_stock/purchase A@W = 9/0/0/0/1/0 ats 9 i1 received"},
};

static void tell_record(struct hf_engine *engine, uint64_t lsn, bool by_move, struct seen *seen)
{
    uint32_t bytes_count;
    const unsigned char *record = hf_ledger_get(hf_engine_ledger(engine), lsn, &bytes_count);

    *seen = (struct seen){.lsn = lsn};
    assert_non_null(record);
    assert_int_equal(hf_engine_events(engine, record, bytes_count, by_move, see_event, seen),
                     HF_OK);
}

static void check_text(const char *got, const char *want)
{
    if (strcmp(got, want) != 0) {
        fail_msg("events:\n%s\nexpected:\n%s", got, want);
    }
}

static void one_row(void **state)
{
    const struct row *row = *state;
    struct hf_engine_config config = hf_small_config();
    struct hf_small small;
    static struct seen seen;
    const char *why = "";

    hf_small_init(&small, NULL);
    for (size_t i = 0; i < OPS_MAX && row->ops[i] != NULL; i++) {
        if (hf_small_do(&small, "%s", row->ops[i]) != HF_OK) {
            fail_msg("\"%s\": %s", row->ops[i], hf_err_name(small.result.outcome));
        }
    }
    const uint64_t lsn = hf_engine_lsn(small.engine);
    const struct hf_digest digest = hf_engine_digest(small.engine);
    tell_record(small.engine, lsn, row->by_move, &seen);
    check_text(seen.text, row->want);
    assert_true(hf_digest_is_equal(digest, hf_engine_digest(small.engine)));

    /* Who replayed the record tells the same, also when the world has gone on. */
    struct hf_engine *follower = hf_engine_create(&config);
    assert_int_equal(hf_small_do(&small, "receive A@W=1000 Z@Z=1"), HF_OK);
    assert_int_equal(hf_small_follow(&small, follower, &why), HF_OK);
    tell_record(follower, lsn, row->by_move, &seen);
    check_text(seen.text, row->want);
    hf_engine_free(follower);
    hf_small_release(&small);
}

static void an_expiry(void **state)
{
    struct hf_small small;
    static struct seen seen;
    (void)state;

    hf_small_init(&small, NULL);
    assert_int_equal(hf_small_do(&small, "receive A@W=5"), HF_OK);
    assert_int_equal(hf_small_do(&small, "reserve r1 A@W=5 ttl=1 order=o1"), HF_OK);
    assert_int_equal(hf_engine_expire(small.engine, small.now_us + 1, 10).count, 1);
    tell_record(small.engine, 3, false, &seen);
    check_text(seen.text, "expire A@W held-5 = 5/0/0 ats 5 r1 expired order o1\n"
                          "back_in_stock A@W = 5/0/0 ats 5 r1 expired order o1");
    hf_small_release(&small);
}

/* Each record of a linked group is told by itself. */
static void a_linked_group(void **state)
{
    static const char *const texts[] = {"receive A@W=2", "sell A@W=2"};
    struct hf_result results[2];
    struct hf_small small;
    static struct seen seen;
    (void)state;

    hf_small_init(&small, NULL);
    assert_int_equal(hf_small_do_linked(&small, texts, 2, results), HF_OK);
    tell_record(small.engine, 1, false, &seen);
    check_text(seen.text, "receive A@W on_hand+2 = 2/0/0 ats 2");
    tell_record(small.engine, 2, false, &seen);
    check_text(seen.text, "sell A@W on_hand-2 = 0/0/0 ats 0\n"
                          "out_of_stock A@W = 0/0/0 ats 0");
    hf_small_release(&small);
}

/* At most HF_HITS_MAX reservations are named. */
static void many_hits(void **state)
{
    struct hf_small small;
    static struct seen seen;
    uint32_t hits_count = 0;
    (void)state;

    hf_small_init(&small, NULL);
    assert_int_equal(hf_small_do(&small, "receive A@W=100"), HF_OK);
    for (int i = 0; i < 100; i++) {
        assert_int_equal(hf_small_do(&small, "reserve r%d A@W=1", i), HF_OK);
    }
    assert_int_equal(hf_small_do(&small, "adjust A@W=-70 reason=4"), HF_OK);
    tell_record(small.engine, hf_engine_lsn(small.engine), false, &seen);
    const char *at = strstr(seen.text, "missing 70: r99 1 r98 1 ");
    assert_non_null(at);
    for (at = strchr(at, 'r'); at != NULL; at = strchr(at + 1, 'r')) {
        hits_count++;
    }
    assert_int_equal(hits_count, HF_HITS_MAX);
    assert_non_null(strstr(seen.text, " r36 1"));
    assert_null(strstr(seen.text, " r35 1"));
    hf_small_release(&small);
}

static void bytes_that_are_no_record(void **state)
{
    struct hf_engine_config config = hf_small_config();
    struct hf_small small;
    static struct seen seen;
    uint32_t bytes_count;
    (void)state;

    hf_small_init(&small, NULL);
    assert_int_equal(hf_small_do(&small, "receive A@W=2"), HF_OK);
    const unsigned char *record = hf_ledger_get(hf_engine_ledger(small.engine), 1, &bytes_count);
    seen.lsn = 1;
    for (uint32_t size = 0; size < bytes_count; size++) {
        assert_int_equal(hf_engine_events(small.engine, record, size, false, see_event, &seen),
                         HF_CORRUPT);
    }
    struct hf_engine *other = hf_engine_create(&config); /* it has no such codes */
    assert_int_equal(hf_engine_events(other, record, bytes_count, false, see_event, &seen),
                     HF_CORRUPT);
    assert_int_equal(hf_engine_events(other, record, bytes_count, true, see_event, &seen),
                     HF_CORRUPT);
    assert_int_equal(seen.count, 0);
    hf_engine_free(other);
    hf_small_release(&small);
}

/* ------------------------------------------------------------------ the golden records */

/* A follower: cells by name, as events tell of them. */
#define FOLLOWED_MAX 16
struct followed {
    char name[40];
    int64_t values[HF_COUNTERS_COUNT];
    int64_t ats;
};
struct follower {
    struct followed cells[FOLLOWED_MAX];
    uint32_t cells_count;
    uint64_t lsn;
    uint32_t index, cellless, alerts;
};

static struct followed *followed_cell(struct follower *follower, const struct hf_event *event)
{
    char name[sizeof follower->cells[0].name];

    (void)snprintf(name, sizeof name, "%.*s@%.*s", (int)event->sku.bytes_count, event->sku.bytes,
                   (int)event->location.bytes_count, event->location.bytes);
    for (uint32_t i = 0; i < follower->cells_count; i++) {
        if (strcmp(follower->cells[i].name, name) == 0) {
            return &follower->cells[i];
        }
    }
    assert_true(follower->cells_count < FOLLOWED_MAX);
    struct followed *cell = &follower->cells[follower->cells_count++];
    memcpy(cell->name, name, sizeof name);
    return cell;
}

static void follow_cb(void *arg, const struct hf_event *event)
{
    struct follower *follower = arg;

    assert_int_equal(event->lsn, follower->lsn);
    assert_int_equal(event->index, follower->index++);
    if (event->sku.bytes_count == 0) {
        assert_int_equal(event->index, 0);
        follower->cellless++;
        return;
    }
    struct followed *cell = followed_cell(follower, event);
    for (unsigned i = 0; i < HF_COUNTERS_COUNT; i++) {
        cell->values[i] += event->delta[i];
        assert_int_equal(cell->values[i], event->after[i]);
    }
    cell->ats = event->ats;
    follower->alerts += event->kind >= HF_ALERT_LOW_STOCK;
}

static void check_followed(struct hf_engine *engine, const struct followed *cell, bool has_ats)
{
    const char *at = strrchr(cell->name, '@');
    const struct hf_op_line line = {.sku = {cell->name, (uint32_t)(at - cell->name)},
                                    .location = hf_text_of(at + 1)};
    struct hf_cell_view view;

    assert_int_equal(hf_engine_stock(engine, &line, false, &view), HF_OK);
    assert_int_equal(view.on_hand, cell->values[HF_ON_HAND]);
    assert_int_equal(view.held, cell->values[HF_HELD]);
    assert_int_equal(view.committed, cell->values[HF_COMMITTED]);
    assert_int_equal(view.in_transit, cell->values[HF_IN_TRANSIT]);
    assert_int_equal(view.damaged, cell->values[HF_DAMAGED]);
    assert_int_equal(view.quarantined, cell->values[HF_QUARANTINED]);
    if (has_ats) {
        assert_int_equal(view.ats, cell->ats);
    }
}

static void follow_golden(const char *path, uint32_t count, bool by_move, bool has_ats)
{
    static struct hf_goldens goldens;
    struct hf_engine_config config = hf_small_config();
    struct hf_engine *engine = hf_engine_create(&config);
    struct follower follower = {0};
    const char *why = "";

    hf_goldens_read(&goldens, path, count);
    for (uint32_t i = 0; i < count; i++) {
        const struct hf_golden *golden = &goldens.records[i];
        assert_int_equal(hf_engine_replay(engine, golden->bytes, golden->bytes_count, &why), HF_OK);
        follower.lsn = i + 1;
        follower.index = 0;
        assert_int_equal(hf_engine_events(engine, golden->bytes, golden->bytes_count, by_move,
                                          follow_cb, &follower),
                         HF_OK);
        assert_true(follower.index > 0); /* a follower hears of every LSN */
    }
    assert_int_equal(follower.cells_count, has_ats ? 6 : 2);
    for (uint32_t i = 0; i < follower.cells_count; i++) {
        check_followed(engine, &follower.cells[i], has_ats);
    }
    assert_int_equal(follower.cellless, has_ats ? 7 : 3);
    assert_true((follower.alerts > 0) == (has_ats && !by_move));
    hf_engine_free(engine);
}

static void golden_records(void **state)
{
    (void)state;
    follow_golden(HF_GOLDEN_1, 19, false, false);
    follow_golden(HF_GOLDEN_1, 19, true, false);
    follow_golden(HF_GOLDEN_2, 41, false, true);
    follow_golden(HF_GOLDEN_2, 41, true, true);
}

int main(void)
{
    struct CMUnitTest tests[sizeof rows / sizeof rows[0] + 5];
    size_t count = 0;

    for (; count < sizeof rows / sizeof rows[0]; count++) {
        tests[count] = (struct CMUnitTest){
            .name = rows[count].name,
            .test_func = one_row,
            .initial_state = (void *)(uintptr_t)&rows[count],
        };
    }
    const struct CMUnitTest others[] = {
        cmocka_unit_test(an_expiry),      cmocka_unit_test(a_linked_group),
        cmocka_unit_test(many_hits),      cmocka_unit_test(bytes_that_are_no_record),
        cmocka_unit_test(golden_records),
    };
    memcpy(tests + count, others, sizeof others);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
