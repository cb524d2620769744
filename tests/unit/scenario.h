/*
 * scenario.h - stories about stock, told in rows and checked against an engine.
 *
 * A scenario is a list of rows: what is done, what comes of it, and what is then true.
 *
 *     {"receive A@W=10",            HF_OK,                 "A@W 10 0 0 10"},
 *     {"reserve r1 A@W=3 ttl=900",  HF_OK,                 "A@W 10 3 0 7; r1 held A@W 3/0/0"},
 *     {"wait 900",                  HF_OK,                 "r1 expired"},
 *     {"confirm r1",                HF_EXPIRED,            "A@W 10 0 0 10"},
 *
 * What is done: the kind of operation, then in any order
 *     SKU@LOC=QTY      a line; with :vN a condition on the cell's version; :v= the version it has
 *     SKU@LOC          a line of set_policy, followed by safety=N low=N backorder=N
 *     LOC=0|1, LOC     a line of set_location, of set_region
 *     ref= order= by= reason= ttl= old=       fields; ttl in microseconds
 *     SKU=QTY          a line of a transfer or inbound shipment; damaged=N behind it: besides
 *     from= to=        locations of those; else statuses
 *     eta= as_of_time= microseconds after the begin; as_of= an LSN
 *     partial fact rest ship sellable         flags
 *     any other word   the id
 * `wait N` lets N microseconds pass, `expire` logs the ends of holds that are due.
 * A row that begins with `+` is linked with the next one.
 *
 * What is then true, parts separated by `; `:
 *     SKU@LOC on_hand held committed ats      the counters of a cell
 *     SKU@LOC unknown_sku|unknown_location    codes that nobody knows
 *     ID state [SKU@LOC units/fulfilled/released ...]   a reservation and its lines; or ID unknown
 *     ID until N                              its deadline, N microseconds after the begin
 *     ats SKU [LOC|%REGION] N                 ATS over all, at a location, in a region
 *     refused I:requested/ats/shortfall ...   the failing lines
 *     granted I:requested/granted ...         the granted lines
 *     earliest N                              when the earliest hold on the first failing line's
 *                                             cell ends, after the begin; 0: never
 *     repeated, fresh                         whether the outcome was a repeat
 *     logged N                                records written by the row
 *     SKU@LOC has NAME VALUE ...              any figure of a cell: in_transit damaged quarantined
 *                                             shortage atf version sold (microseconds after the
 *                                             begin; -1: never)
 *     transfer|inbound ID STATE [SKU UNITS:unshipped/under_way/received/damaged/cancelled/lost]
 *                                             a shipment and its lines, or ID unknown
 *     late N                                  inbound shipments that are late now
 *     idle N [SKU@LOC ...]                    cells with stock that have not sold for N
 *     alerts [KIND SKU@LOC ...]               all alerts of the row's records, in order
 *     told SKU@LOC MISSING [ID:UNITS ...]     the row's shortage alert of the cell, and its hits
 *     shortages [SKU@LOC MISSING [ID:UNITS ...]]   the cells in shortage; one, or none
 *
 * After every row: a refusal has left the digest as it was, the audit is clean, and an engine
 * that replayed the records has the same digest.
 */
#ifndef HF_TESTS_SCENARIO_H
#define HF_TESTS_SCENARIO_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "engine/engine.h"

struct hf_scenario_row {
    const char *does;
    enum hf_err want;
    const char *then; /* NULL: nothing more */
};

#define HF_SCENARIO_ROWS_MAX 40

struct hf_scenario {
    const char *name;
    uint64_t life_us_max;    /* 0: the default */
    uint64_t retention_us;   /* 0: the default */
    uint32_t references_max; /* 0: the default */
    uint32_t over_receipt_percent;
    struct hf_scenario_row rows[HF_SCENARIO_ROWS_MAX];
};

/* cmocka test function; the state is a struct hf_scenario. */
void hf_scenario_run(void **state);
/* Run all scenarios of a file as a group. */
int hf_scenarios_run(const struct hf_scenario *scenarios, size_t count);

#endif
