/*
 * test_scenarios_facts.c - what the world tells: counts as of a moment, damage, what is thrown
 * away; and what it leads to: shortages with the reservations they hit, and alerts.
 *
 * Method: each scenario is one rule with both sides of its boundary, told in rows (scenario.h).
 * Counters stand as on_hand held committed ats.
 */
#include "tests/unit/scenario.h"

#include "engine/ledger.h"

/* clang-format off */
static const struct hf_scenario scenarios[] = {
    {.name = "set: on_hand is what was said", .rows = {
        {"set A@W=5 reason=count",     HF_OK,                 "A@W 5 0 0 5; logged 1"},
        {"reserve r1 A@W=4",           HF_OK,                 NULL},
        {"set A@W=2 B@W=7",            HF_OK,                 "A@W 2 4 0 -2; B@W 7 0 0 7; logged 1"},
        {"set A@W=0",                  HF_OK,                 "A@W 0 4 0 -4; A@W has shortage 4; logged 1"},
        {"set A@W=9",                  HF_OK,                 "A@W 9 4 0 5"}}},
    {.name = "set: what changes nothing writes nothing", .rows = {
        {"set A@W=0",                  HF_OK,                 "A@W unknown_sku; logged 0"},
        {"set A@W=0 ref=n",            HF_OK,                 "fresh; logged 0"},
        {"set A@W=5 ref=n",            HF_OK,                 "fresh; logged 1"},
        {"set A@W=5",                  HF_OK,                 "logged 0; lsn 1"},
        {"set A@W=5 ref=n",            HF_OK,                 "repeated; lsn 1"},
        {"set A@W=5 B@V=0",            HF_OK,                 "logged 0; B@V unknown_sku"},
        {"set A@W=6 B@V=0",            HF_OK,                 "logged 1; B@V 0 0 0 0; B@V has version 0"},
        {"set A@W=6 as_of=2",          HF_OK,                 "logged 0"},
        {"set A@W=6:v2",               HF_OK,                 "logged 0"},
        {"set A@W=6:v1",               HF_VERSION_CONFLICT,   NULL}}},
    {.name = "set: figures from 0 to the largest, and a cell once", .rows = {
        {"set A@W=-1",                 HF_INVALID_ARGUMENT,   "field quantity"},
        {"set A@W=1000000000001",      HF_INVALID_ARGUMENT,   "field quantity"},
        {"set A@W=1 A@W=1",            HF_INVALID_ARGUMENT,   "field sku"},
        {"set A@W=1 A@V=1 A@W=2",      HF_INVALID_ARGUMENT,   "field sku; A@W unknown_sku"},
        {"set A@W=1000000000000",      HF_OK,                 NULL},
        {"set A@W=0",                  HF_OK,                 "A@W 0 0 0 0"}}},
    {.name = "set as of an LSN: sales since then are not overwritten", .rows = {
        {"receive A@W=10",             HF_OK,                 "lsn 1"},
        {"sell A@W=3",                 HF_OK,                 "lsn 2"},
        {"receive A@W=1",              HF_OK,                 "lsn 3"},
        {"set A@W=10 as_of=1",         HF_OK,                 "A@W 8 0 0 8; logged 0"},
        {"set A@W=12 as_of=1",         HF_OK,                 "A@W 10 0 0 10; logged 1; lsn 4"},
        {"set A@W=12 as_of=1",         HF_OK,                 "A@W 10 0 0 10; logged 0"},
        {"set A@W=7 as_of=2",          HF_OK,                 "A@W 8 0 0 8"},
        {"set A@W=7 as_of=3",          HF_OK,                 "A@W 7 0 0 7"},
        {"set A@W=0 as_of=0",          HF_OK,                 "A@W 8 0 0 8"},
        {"set A@W=5 as_of=7",          HF_OK,                 "A@W 5 0 0 5; lsn 8"}}},
    {.name = "set as of an LSN: fulfilled, returned and shipped stock is carried over", .rows = {
        {"receive A@W=20",             HF_OK,                 "lsn 1"},
        {"reserve r1 A@W=4",           HF_OK,                 NULL},
        {"confirm r1",                 HF_OK,                 NULL},
        {"fulfil r1 A@W=3",            HF_OK,                 "A@W 17 0 1 16"},
        {"move_status A@W=2 from=sellable to=damaged", HF_OK, "A@W 15 0 1 14"},
        {"receive A@W=9 to=quarantined", HF_OK,               NULL},
        {"transfer_create t1 from=W to=V A=5 ship", HF_OK,    "A@W 10 0 1 9"},
        {"transfer_cancel t1 A=1",     HF_OK,                 "A@W 11 0 1 10"},
        {"dispose A@W=1 from=sellable", HF_OK,                "A@W 10 0 1 9"},
        {"set A@W=20 as_of=1",         HF_OK,                 "A@W 10 0 1 9; logged 0"},
        {"set A@W=19 as_of=1",         HF_OK,                 "A@W 9 0 1 8; A@W has damaged 2 quarantined 9"}}},
    {.name = "set as of an LSN: more was sold than was there", .rows = {
        {"receive A@W=10 B@W=10",      HF_OK,                 NULL},
        {"sell A@W=6",                 HF_OK,                 NULL},
        {"set A@W=5 as_of=1",          HF_INSUFFICIENT_ON_HAND, "A@W 4 0 0 4"},
        {"set B@W=1 A@W=5 as_of=1",    HF_INSUFFICIENT_ON_HAND, "B@W 10 0 0 10"},
        {"set A@W=6 as_of=1",          HF_OK,                 "A@W 0 0 0 0"},
        {"set A@W=999999999999 as_of=1", HF_OK,               NULL},
        {"receive A@W=6",              HF_OK,                 "A@W 999999999999 0 0 999999999999; lsn 5"},
        {"set A@W=999999999995 as_of=4", HF_LIMIT_EXCEEDED,   NULL},
        {"set A@W=999999999994 as_of=4", HF_OK,               "A@W 1000000000000 0 0 1000000000000"}}},
    {.name = "set as of a time: what was at that moment counts as before", .rows = {
        {"receive A@W=10",             HF_OK,                 NULL},
        {"wait 100",                   HF_OK,                 NULL},
        {"sell A@W=3",                 HF_OK,                 NULL},
        {"wait 100",                   HF_OK,                 NULL},
        {"set A@W=10 as_of_time=99",   HF_OK,                 "A@W 7 0 0 7; logged 0"},
        {"set A@W=10 as_of_time=100",  HF_OK,                 "A@W 10 0 0 10"},
        {"set A@W=10 as_of_time=-1",   HF_OK,                 "A@W 17 0 0 17"},
        {"set A@W=5 as_of_time=200",   HF_OK,                 "A@W 5 0 0 5"}}},
    {.name = "set: a moment that is still to come", .rows = {
        {"receive A@W=10",             HF_OK,                 "lsn 1"},
        {"set A@W=5 as_of=2",          HF_INVALID_ARGUMENT,   "field as_of"},
        {"set A@W=5 as_of_time=1",     HF_INVALID_ARGUMENT,   "field as_of"},
        {"set A@W=5 as_of=1 as_of_time=0", HF_INVALID_ARGUMENT, NULL},
        {"adjust A@W=5 as_of=1",       HF_INVALID_ARGUMENT,   "field flags"},
        {"set A@W=5 as_of=1",          HF_OK,                 "A@W 5 0 0 5"}}},
    {.name = "set: errors in their order", .rows = {
        {"receive A@W=10",             HF_OK,                 NULL},
        {"sell A@W=6",                 HF_OK,                 NULL},
        {"set A@W=5:v1 as_of=1",       HF_VERSION_CONFLICT,   NULL},
        {"set A@W=5:v2 as_of=1",       HF_INSUFFICIENT_ON_HAND, NULL},
        {"set A@W=6:v2 as_of=1",       HF_OK,                 "A@W 0 0 0 0"}}},

    {.name = "statuses: receive, move, dispose", .rows = {
        {"receive A@W=5 to=quarantined", HF_OK,               "A@W 0 0 0 0; A@W has quarantined 5"},
        {"receive A@W=1 to=damaged",   HF_OK,                 "A@W has damaged 1"},
        {"receive A@W=2 to=sellable",  HF_OK,                 "A@W 2 0 0 2"},
        {"move_status A@W=6 from=quarantined to=sellable", HF_INSUFFICIENT_ON_HAND, "A@W 2 0 0 2; A@W has quarantined 5"},
        {"move_status A@W=4 from=quarantined to=sellable reason=quality", HF_OK, "A@W 6 0 0 6; A@W has quarantined 1"},
        {"move_status A@W=1 from=quarantined to=damaged", HF_OK, "A@W has quarantined 0 damaged 2"},
        {"dispose A@W=3 from=damaged", HF_INSUFFICIENT_ON_HAND, "A@W has damaged 2"},
        {"dispose A@W=2 from=damaged reason=damage", HF_OK,   "A@W has damaged 0; A@W 6 0 0 6"},
        {"dispose A@W=7 from=sellable", HF_INSUFFICIENT_ON_HAND, NULL},
        {"dispose A@W=6 from=sellable", HF_OK,                "A@W 0 0 0 0"}}},
    {.name = "statuses: lines of one cell are one demand, all or none", .rows = {
        {"receive A@W=5 B@W=1",        HF_OK,                 NULL},
        {"move_status A@W=3 B@W=1 A@W=3 from=sellable to=damaged", HF_INSUFFICIENT_ON_HAND, "refused 0:6/5/1; B@W 1 0 0 1"},
        {"move_status A@W=3 B@W=1 A@W=2 from=sellable to=damaged", HF_OK, "A@W has damaged 5; B@W has damaged 1; logged 1"}}},
    {.name = "statuses: a fact cuts into promised stock", .rows = {
        {"receive A@W=5",              HF_OK,                 NULL},
        {"reserve r1 A@W=5",           HF_OK,                 NULL},
        {"move_status A@W=2 from=sellable to=damaged", HF_OK, "A@W 3 5 0 -2; told A@W 2 r1:5; r1 held"},
        {"dispose A@W=3 from=sellable", HF_OK,                "A@W 0 5 0 -5; told A@W 5 r1:5"},
        {"move_status A@W=2 from=damaged to=sellable", HF_OK, "A@W 2 5 0 -3; alerts; shortages A@W 3 r1:5"}}},
    {.name = "statuses: which ones, and no code is created", .rows = {
        {"receive A@W=5",              HF_OK,                 NULL},
        {"move_status A@W=1 from=sellable", HF_INVALID_ARGUMENT, "field status"},
        {"move_status A@W=1 to=damaged", HF_INVALID_ARGUMENT, "field status"},
        {"move_status A@W=1 from=damaged to=damaged", HF_INVALID_ARGUMENT, "field status"},
        {"dispose A@W=1",              HF_INVALID_ARGUMENT,   "field status"},
        {"dispose A@W=1 from=damaged to=sellable", HF_INVALID_ARGUMENT, "field status"},
        {"receive A@W=1 from=damaged", HF_INVALID_ARGUMENT,   "field status"},
        {"adjust A@W=1 to=damaged",    HF_INVALID_ARGUMENT,   "field status"},
        {"dispose A@W=0 from=damaged", HF_INVALID_ARGUMENT,   "field quantity"},
        {"dispose X@W=1 from=damaged", HF_UNKNOWN_SKU,        NULL},
        {"move_status A@X=1 from=damaged to=sellable", HF_UNKNOWN_LOCATION, "A@X unknown_location"},
        {"move_status A@W=9:v0 from=sellable to=damaged", HF_VERSION_CONFLICT, NULL},
        {"move_status A@W=9:v1 from=sellable to=damaged", HF_INSUFFICIENT_ON_HAND, NULL}}},

    {.name = "shortage: safety stock never counts, a backorder limit does", .rows = {
        {"receive A@W=5",              HF_OK,                 NULL},
        {"set_policy A@W safety=2 backorder=3", HF_OK,        NULL},
        {"reserve r1 A@W=6",           HF_OK,                 "A@W 5 6 0 -3; A@W has shortage 0; shortages"},
        {"adjust A@W=-2",              HF_OK,                 "A@W 3 6 0 -5; A@W has shortage 0; alerts"},
        {"adjust A@W=-1",              HF_OK,                 "A@W has shortage 1; told A@W 1 r1:6"},
        {"adjust A@W=1",               HF_OK,                 "A@W has shortage 0; shortages; alerts"},
        {"set_policy A@W safety=5",    HF_OK,                 "A@W has shortage 0"},
        {"set_policy A@W backorder=2", HF_OK,                 "A@W has shortage 1; shortages A@W 1 r1:6"}}},
    {.name = "shortage: holds first, newest first, then those confirmed last", .rows = {
        {"receive A@W=20",             HF_OK,                 NULL},
        {"reserve r1 A@W=1",           HF_OK,                 NULL},
        {"reserve r2 A@W=2",           HF_OK,                 NULL},
        {"reserve r3 A@W=3",           HF_OK,                 NULL},
        {"reserve r4 A@W=4",           HF_OK,                 NULL},
        {"reserve r5 A@W=5",           HF_OK,                 NULL},
        {"confirm r3",                 HF_OK,                 NULL},
        {"confirm r1",                 HF_OK,                 NULL},
        {"confirm r4",                 HF_OK,                 "A@W 20 7 8 5"},
        {"adjust A@W=-6",              HF_OK,                 "told A@W 1 r5:5"},
        {"adjust A@W=-4",              HF_OK,                 "told A@W 5 r5:5"},
        {"adjust A@W=-1",              HF_OK,                 "told A@W 6 r5:5 r2:2"},
        {"adjust A@W=-2",              HF_OK,                 "told A@W 8 r5:5 r2:2 r4:4"},
        {"release r2 A@W=1",           HF_OK,                 "alerts; shortages A@W 7 r5:5 r2:1 r4:4"},
        {"adjust A@W=-4",              HF_OK,                 "told A@W 11 r5:5 r2:1 r4:4 r1:1"},
        {"adjust A@W=-3",              HF_OK,                 "told A@W 14 r5:5 r2:1 r4:4 r1:1 r3:3; A@W 0 6 8 -14"}}},
    {.name = "shortage: told again only when it grows", .rows = {
        {"receive A@W=5",              HF_OK,                 NULL},
        {"reserve r1 A@W=5",           HF_OK,                 NULL},
        {"adjust A@W=-2",              HF_OK,                 "told A@W 2 r1:5"},
        {"receive A@W=1",              HF_OK,                 "alerts; A@W has shortage 1"},
        {"adjust A@W=-1",              HF_OK,                 "told A@W 2 r1:5"},
        {"confirm r1",                 HF_OK,                 "alerts; shortages A@W 2 r1:5"},
        {"fulfil r1 A@W=3",            HF_OK,                 "alerts; A@W 0 0 2 -2; shortages A@W 2 r1:2"},
        {"sell A@W=1 fact",            HF_INSUFFICIENT_ON_HAND, NULL},
        {"release r1",                 HF_OK,                 "shortages"}}},
    {.name = "shortage: an offline sale, a count, and a reservation replaced", .rows = {
        {"receive A@W=6",              HF_OK,                 NULL},
        {"reserve r1 A@W=3",           HF_OK,                 NULL},
        {"reserve r2 A@W=3",           HF_OK,                 NULL},
        {"sell A@W=1 fact",            HF_OK,                 "told A@W 1 r2:3"},
        {"replace r3 old=r1 A@W=3",    HF_OK,                 "alerts; shortages A@W 1 r3:3"},
        {"set A@W=2",                  HF_OK,                 "told A@W 4 r3:3 r2:3"},
        {"confirm r2",                 HF_OK,                 NULL},
        {"replace r4 old=r2 A@W=3",    HF_OK,                 "r4 confirmed; shortages A@W 4 r3:3 r4:3"}}},
    {.name = "shortage: of two cells, each with its own", .rows = {
        {"receive A@W=2 B@W=2",        HF_OK,                 NULL},
        {"reserve r1 A@W=2 B@W=1",     HF_OK,                 NULL},
        {"dispose B@W=2 A@W=1 from=sellable", HF_OK,          "told A@W 1 r1:2; told B@W 1 r1:1; shortages A@W 1 r1:2 B@W 1 r1:1"}}},

    {.name = "alerts: low at N, over at N and a tenth more", .rows = {
        {"receive A@W=100",            HF_OK,                 "alerts"},
        {"set_policy A@W low=25",      HF_OK,                 "alerts"},
        {"sell A@W=74",                HF_OK,                 "A@W 26 0 0 26; alerts"},
        {"reserve r1 A@W=1",           HF_OK,                 "alerts low_stock A@W"},
        {"sell A@W=20",                HF_OK,                 "alerts"},
        {"receive A@W=21",             HF_OK,                 "A@W 27 1 0 26; alerts"},
        {"release r1",                 HF_OK,                 "A@W 27 0 0 27; alerts low_stock_over A@W"},
        {"sell A@W=1",                 HF_OK,                 "alerts"},
        {"sell A@W=1",                 HF_OK,                 "alerts low_stock A@W"}}},
    {.name = "alerts: the smallest thresholds", .rows = {
        {"receive A@W=2 B@W=2",        HF_OK,                 NULL},
        {"set_policy A@W low=0 B@W low=1", HF_OK,             "alerts"},
        {"sell A@W=1 B@W=1",           HF_OK,                 "alerts low_stock B@W"},
        {"sell A@W=1 B@W=1",           HF_OK,                 "alerts low_stock A@W out_of_stock A@W out_of_stock B@W"},
        {"receive A@W=1 B@W=1",        HF_OK,                 "alerts low_stock_over A@W back_in_stock A@W back_in_stock B@W"},
        {"receive B@W=1",              HF_OK,                 "alerts low_stock_over B@W"}}},
    {.name = "alerts: policies give rise to them, and take them away in silence", .rows = {
        {"receive A@W=10",             HF_OK,                 NULL},
        {"set_policy A@W low=10",      HF_OK,                 "alerts low_stock A@W"},
        {"set_policy A@W low=9",       HF_OK,                 "alerts low_stock_over A@W"},
        {"set_policy A@W low=12",      HF_OK,                 "alerts low_stock A@W"},
        {"set_policy A@W low=-1",      HF_OK,                 "alerts"},
        {"receive A@W=90",             HF_OK,                 "alerts"},
        {"set_policy A@W low=20",      HF_OK,                 "alerts"},
        {"set_policy A@W safety=100",  HF_OK,                 "A@W 100 0 0 0; alerts low_stock A@W out_of_stock A@W"},
        {"set_policy A@W safety=0",    HF_OK,                 "alerts low_stock_over A@W back_in_stock A@W"}}},
    {.name = "alerts: out of stock and back, once each", .rows = {
        {"receive A@W=1",              HF_OK,                 "alerts"},
        {"reserve r1 A@W=1",           HF_OK,                 "alerts out_of_stock A@W"},
        {"confirm r1",                 HF_OK,                 "alerts"},
        {"adjust A@W=-1",              HF_OK,                 "alerts shortage A@W"},
        {"receive A@W=1",              HF_OK,                 "alerts; A@W 1 0 1 0"},
        {"receive A@W=1",              HF_OK,                 "alerts back_in_stock A@W"},
        {"set B@W=3",                  HF_OK,                 "alerts"},
        {"set_policy C@W safety=0 low=3", HF_OK,              "alerts low_stock C@W"},
        {"receive C@W=9",              HF_OK,                 "alerts low_stock_over C@W back_in_stock C@W"}}},
    {.name = "alerts: a hold that ends brings stock back", .rows = {
        {"receive A@W=1",              HF_OK,                 NULL},
        {"reserve r1 A@W=1 ttl=100",   HF_OK,                 "alerts out_of_stock A@W"},
        {"wait 100",                   HF_OK,                 NULL},
        {"expire",                     HF_OK,                 "alerts back_in_stock A@W; logged 1"}}},
    {.name = "alerts: stock on its way counts where it may be sold", .rows = {
        {"receive A@W=5",              HF_OK,                 NULL},
        {"transfer_create t1 from=W to=V A=5 ship", HF_OK,    "alerts out_of_stock A@W"},
        {"set_location V=0",           HF_OK,                 "alerts"},
        {"transfer_receive t1 A=1",    HF_OK,                 "alerts"},
        {"transfer_close t1",          HF_OK,                 "A@V 1 0 0 1; alerts"},
        {"inbound_create i1 to=W A=1", HF_OK,                 "alerts"},
        {"inbound_create i2 to=W A=1 sellable", HF_OK,        "alerts back_in_stock A@W"},
        {"inbound_cancel i2",          HF_OK,                 "alerts out_of_stock A@W"},
        {"inbound_receive i1",         HF_OK,                 "alerts back_in_stock A@W"}}},
    {.name = "alerts: a linked group tells for each of its operations, or not at all", .rows = {
        {"receive A@W=2",              HF_OK,                 NULL},
        {"+reserve r1 A@W=2",          HF_LINKED_FAILED,      NULL},
        {"reserve r2 A@W=1",           HF_INSUFFICIENT_STOCK, "logged 0"},
        {"+sell A@W=2",                HF_OK,                 NULL},
        {"receive A@W=1",              HF_OK,                 "alerts out_of_stock A@W back_in_stock A@W; logged 2"},
        {"reserve r1 A@W=1",           HF_OK,                 "alerts out_of_stock A@W"}}},

    {.name = "last sale: a sell and a fulfil are sales, nothing else is", .rows = {
        {"receive A@W=9 B@W=9",        HF_OK,                 "A@W has sold -1"},
        {"wait 100",                   HF_OK,                 "idle 100 A@W B@W; idle 101"},
        {"reserve r1 A@W=2",           HF_OK,                 "A@W has sold -1"},
        {"confirm r1",                 HF_OK,                 "A@W has sold -1"},
        {"fulfil r1 A@W=1",            HF_OK,                 "A@W has sold 100; idle 100 B@W"},
        {"wait 50",                    HF_OK,                 NULL},
        {"release r1",                 HF_OK,                 "A@W has sold 100"},
        {"adjust A@W=-1",              HF_OK,                 "A@W has sold 100"},
        {"dispose A@W=1 from=sellable", HF_OK,                "A@W has sold 100; idle 50 A@W B@W; idle 51 B@W"},
        {"sell A@W=1",                 HF_OK,                 "A@W has sold 150; idle 50 B@W; B@W has sold -1"},
        {"sell B@W=9 fact",            HF_OK,                 "B@W has sold 150"},
        {"wait 500",                   HF_OK,                 "idle 500 A@W"}}},
};
/* clang-format on */

/* ------------------------------------------------------------------ the end of history */

static enum hf_err apply(struct hf_engine *engine, struct hf_op *op)
{
    struct hf_result result;

    hf_engine_apply(engine, op, UINT64_C(1700000000000000), &result);
    hf_ledger_pin(hf_engine_ledger(engine), hf_engine_lsn(engine));
    return result.outcome;
}

/* A cell of `moves_count` moves after the first record, and a set as of that record. */
static enum hf_err set_after(uint32_t moves_count, bool is_other_cell)
{
    struct hf_engine_config config = hf_engine_config_default();
    struct hf_engine *engine;
    struct hf_op_line line = {
        .sku = hf_text_of("A"), .location = hf_text_of("W"), .units = 1000000};
    struct hf_op op = {.kind = HF_KIND_RECEIVE, .lines = &line, .lines_count = 1};
    enum hf_err err;

    config.skus_max = config.locations_max = config.cells_max = 10;
    config.reservations_max = config.lines_max = config.references_max = 10;
    config.shipments_max = config.shipment_lines_max = 10;
    engine = hf_engine_create(&config);
    assert_non_null(engine);
    assert_int_equal(apply(engine, &op), HF_OK);
    op.kind = HF_KIND_SELL;
    line.units = 1;
    for (uint32_t i = 0; i < moves_count; i++) {
        assert_int_equal(apply(engine, &op), HF_OK);
    }
    if (is_other_cell) {
        op.kind = HF_KIND_RECEIVE;
        line.sku = hf_text_of("B");
        assert_int_equal(apply(engine, &op), HF_OK);
    }
    op.kind = HF_KIND_SET;
    op.flags = HF_OP_AS_OF_LSN;
    op.as_of = 1;
    line.units = 1000001;
    err = apply(engine, &op);
    if (err == HF_OK && !is_other_cell) {
        struct hf_cell_view view;

        assert_int_equal(hf_engine_stock(engine, &line, false, &view), HF_OK);
        assert_int_equal(view.on_hand, 1000001 - (int64_t)moves_count);
    }
    hf_engine_free(engine);
    return err;
}

static void set_reaches_back_so_many_moves(void **state)
{
    (void)state;
    assert_int_equal(set_after(65536, false), HF_OK);
    assert_int_equal(set_after(65537, false), HF_TOO_OLD);
    assert_int_equal(set_after(65537, true), HF_OK);
}

/* An engine that was loaded knows of the state, and not of the way to it. */
static void set_on_a_copy_without_history(void **state)
{
    struct hf_engine_config config = hf_engine_config_default();
    struct hf_op_line line = {.sku = hf_text_of("A"), .location = hf_text_of("W"), .units = 9};
    struct hf_op op = {.kind = HF_KIND_RECEIVE, .lines = &line, .lines_count = 1};
    static unsigned char chunk[HF_IMAGE_BYTES_MIN];
    struct hf_image_cursor cursor = {0};
    struct hf_engine *engine;
    struct hf_engine *copy;
    struct hf_digest before, after;
    const char *why = "";
    size_t bytes_count;

    (void)state;
    config.skus_max = config.locations_max = config.cells_max = 10;
    config.reservations_max = config.lines_max = config.references_max = 10;
    config.shipments_max = config.shipment_lines_max = 10;
    engine = hf_engine_create(&config);
    copy = hf_engine_create(&config);
    assert_non_null(engine);
    assert_non_null(copy);
    assert_int_equal(apply(engine, &op), HF_OK); /* LSN 1: A */
    line.sku = hf_text_of("B");
    assert_int_equal(apply(engine, &op), HF_OK); /* LSN 2: B */
    while ((bytes_count = hf_engine_copy(engine, &cursor, chunk, sizeof chunk)) > 0) {
        assert_int_equal(hf_engine_load(copy, chunk, bytes_count, &why), HF_OK);
    }
    assert_int_equal(hf_engine_load_end(copy, &why), HF_OK);

    op.kind = HF_KIND_SET;
    op.flags = HF_OP_AS_OF_LSN;
    op.as_of = 1;
    line.units = 3;
    before = hf_engine_digest(copy);
    assert_int_equal(apply(copy, &op), HF_TOO_OLD); /* B has moved since, who knows how */
    after = hf_engine_digest(copy);
    assert_memory_equal(&before, &after, sizeof before);
    line.sku = hf_text_of("A");
    assert_int_equal(apply(copy, &op), HF_OK); /* A has not: its version says so */
    line.sku = hf_text_of("B");
    op.as_of = 2;
    assert_int_equal(apply(copy, &op), HF_OK);
    hf_engine_free(engine);
    hf_engine_free(copy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(set_reaches_back_so_many_moves),
                                       cmocka_unit_test(set_on_a_copy_without_history)};
    const int failed_count = hf_scenarios_run(scenarios, sizeof scenarios / sizeof scenarios[0]);

    return failed_count + cmocka_run_group_tests_name("the end of history", tests, NULL, NULL);
}
