/*
 * test_scenarios_names.c - exactly once: references, how long they are remembered, linked groups.
 *
 * Method: each scenario is one rule with both sides of its boundary, told in rows (scenario.h).
 * Counters stand as on_hand held committed ats. At the end the ledger is asked page by page.
 */
#include "tests/unit/scenario.h"

#include "engine/ledger.h"

/* clang-format off */
static const struct hf_scenario scenarios[] = {
    {.name = "reference: the same content again is a repeat", .rows = {
        {"receive A@W=5 ref=x order=o by=me reason=purchase", HF_OK, "fresh; lsn 1"},
        {"receive A@W=1",              HF_OK,                 "lsn 2"},
        {"receive A@W=5 ref=x order=o by=me reason=purchase", HF_OK, "repeated; lsn 1; logged 0; A@W 6 0 0 6"},
        {"receive A@W=6 ref=x order=o by=me reason=purchase", HF_REFERENCE_CONFLICT, NULL},
        {"receive A@W=5 ref=x order=p by=me reason=purchase", HF_REFERENCE_CONFLICT, NULL},
        {"receive A@W=5 ref=x order=o by=you reason=purchase", HF_REFERENCE_CONFLICT, NULL},
        {"receive A@W=5 ref=x order=o by=me reason=return", HF_REFERENCE_CONFLICT, NULL},
        {"receive A@W=5 A@W=1 ref=x order=o by=me reason=purchase", HF_REFERENCE_CONFLICT, NULL},
        {"receive B@W=5 ref=x order=o by=me reason=purchase", HF_REFERENCE_CONFLICT, "B@W unknown_sku"},
        {"adjust A@W=5 ref=x order=o by=me reason=purchase", HF_REFERENCE_CONFLICT, "A@W 6 0 0 6"},
        {"receive A@W=5 ref=X order=o by=me reason=purchase", HF_OK, "fresh; A@W 11 0 0 11"}}},
    {.name = "reference: lines in another order, or added up, are other content", .rows = {
        {"receive A@W=1 B@W=2 A@W=3 ref=x", HF_OK,            NULL},
        {"receive A@W=4 B@W=2 ref=x",  HF_REFERENCE_CONFLICT, NULL},
        {"receive B@W=2 A@W=1 A@W=3 ref=x", HF_REFERENCE_CONFLICT, NULL},
        {"receive A@W=1 B@W=2 A@W=3 ref=x", HF_OK,            "repeated; A@W 4 0 0 4"}}},
    {.name = "reference: a refusal leaves it free", .rows = {
        {"sell A@W=1 ref=x",           HF_UNKNOWN_SKU,        NULL},
        {"receive A@W=1",              HF_OK,                 NULL},
        {"sell A@W=2 ref=x",           HF_INSUFFICIENT_STOCK, NULL},
        {"sell A@W=0 ref=x",           HF_INVALID_ARGUMENT,   NULL},
        {"sell A@W=1 ref=x",           HF_OK,                 "fresh; A@W 0 0 0 0"},
        {"sell A@W=1 ref=x",           HF_OK,                 "repeated; A@W 0 0 0 0"},
        {"sell A@W=0 ref=x",           HF_INVALID_ARGUMENT,   NULL}}},
    {.name = "reference: one list of names with the ids of reservations", .rows = {
        {"receive A@W=9 ref=r1",       HF_OK,                 NULL},
        {"reserve r1 A@W=1",           HF_REFERENCE_CONFLICT, "r1 unknown"},
        {"reserve r2 A@W=1 ref=x2",    HF_OK,                 NULL},
        {"receive A@W=9 ref=r2",       HF_REFERENCE_CONFLICT, NULL},
        {"confirm r2 ref=r2",          HF_REFERENCE_CONFLICT, NULL},
        {"reserve r3 A@W=1 ref=x2",    HF_REFERENCE_CONFLICT, "r3 unknown"},
        {"reserve x2 A@W=1",           HF_REFERENCE_CONFLICT, NULL},
        {"reserve r2 A@W=1 ref=x2",    HF_OK,                 "repeated; lsn 2"},
        {"reserve r2 A@W=1",           HF_OK,                 "repeated; lsn 2"},
        {"reserve r3 A@W=1 ref=r3",    HF_OK,                 "fresh"},
        {"reserve r3 A@W=1 ref=r3",    HF_OK,                 "repeated"}}},
    {.name = "reference: a repeat tells the state of now", .rows = {
        {"receive A@W=9",              HF_OK,                 NULL},
        {"reserve r1 A@W=2 ttl=100",   HF_OK,                 "state held"},
        {"confirm r1 ref=c",           HF_OK,                 "state confirmed; lsn 3"},
        {"fulfil r1 A@W=1 ref=f",      HF_OK,                 "state confirmed; lsn 4"},
        {"release r1 ref=g",           HF_OK,                 "state fulfilled; lsn 5"},
        {"reserve r1 A@W=2 ttl=100",   HF_OK,                 "repeated; state fulfilled; lsn 2"},
        {"confirm r1 ref=c",           HF_OK,                 "repeated; state fulfilled; lsn 3"},
        {"fulfil r1 A@W=1 ref=f",      HF_OK,                 "repeated; state fulfilled; lsn 4"},
        {"confirm r1",                 HF_ALREADY_FULFILLED,  NULL},
        {"reserve r2 A@W=2 ttl=100",   HF_OK,                 "lsn 6"},
        {"wait 100",                   HF_OK,                 NULL},
        {"reserve r2 A@W=2 ttl=100",   HF_OK,                 "repeated; state expired; lsn 6"}}},
    {.name = "reference: the repeat of a partial reserve tells what was granted", .rows = {
        {"receive A@W=3 B@W=3",        HF_OK,                 NULL},
        {"reserve r1 A@W=5 B@W=2 partial", HF_OK,             "granted 0:5/3 1:2/2"},
        {"receive A@W=9",              HF_OK,                 NULL},
        {"reserve r1 A@W=5 B@W=2 partial", HF_OK,             "granted 0:5/3 1:2/2; repeated; A@W 12 3 0 9"}}},
    {.name = "reference: of every kind of operation", .rows = {
        {"set_policy A@W safety=1 ref=a", HF_OK,              "fresh"},
        {"set_policy A@W safety=1 ref=a", HF_OK,              "repeated"},
        {"set_region north W ref=b",   HF_OK,                 "fresh"},
        {"set_region north W ref=b",   HF_OK,                 "repeated"},
        {"set_region south W ref=b",   HF_REFERENCE_CONFLICT, NULL},
        {"set_location W=0 ref=c",     HF_OK,                 "fresh"},
        {"set_location W=0 ref=c",     HF_OK,                 "repeated"},
        {"adjust A@W=9 ref=d",         HF_OK,                 "fresh"},
        {"adjust A@W=9 ref=d",         HF_OK,                 "repeated; A@W 9 0 0 8"},
        {"reserve r1 A@W=5 ttl=100 order=o", HF_OK,           NULL},
        {"extend r1 ttl=200 ref=e",    HF_OK,                 "fresh; r1 until 200"},
        {"wait 50",                    HF_OK,                 NULL},
        {"extend r1 ttl=200 ref=e",    HF_OK,                 "repeated; r1 until 200"},
        {"replace r2 old=r1 A@W=4 ref=f", HF_OK,              "fresh"},
        {"replace r2 old=r1 A@W=4 ref=f", HF_OK,              "repeated"},
        {"release r2 A@W=1 ref=g",     HF_OK,                 "fresh; A@W 9 3 0 5"},
        {"release r2 A@W=1 ref=g",     HF_OK,                 "repeated; A@W 9 3 0 5"},
        {"release_order order=o ref=h", HF_OK,                "fresh; A@W 9 0 0 8"},
        {"release_order order=o ref=h", HF_OK,                "repeated"},
        {"sell A@W=1 ref=i fact",      HF_OK,                 "fresh"},
        {"sell A@W=1 ref=i fact",      HF_OK,                 "repeated; A@W 8 0 0 7"},
        {"sell A@W=1 ref=i",           HF_REFERENCE_CONFLICT, NULL}}},

    {.name = "retention: by time, at the first record that is late enough", .retention_us = 1000, .rows = {
        {"receive A@W=1 ref=x",        HF_OK,                 NULL},
        {"wait 999",                   HF_OK,                 NULL},
        {"receive A@W=1",              HF_OK,                 NULL},
        {"receive A@W=1 ref=x",        HF_OK,                 "repeated"},
        {"wait 1",                     HF_OK,                 NULL},
        {"receive A@W=1 ref=x",        HF_OK,                 "repeated; A@W 2 0 0 2"},
        {"receive A@W=1",              HF_OK,                 NULL},
        {"receive A@W=1 ref=x",        HF_OK,                 "fresh; A@W 4 0 0 4"}}},
    {.name = "retention: a reservation counts from its end", .retention_us = 1000, .rows = {
        {"receive A@W=9",              HF_OK,                 NULL},
        {"reserve r1 A@W=1",           HF_OK,                 NULL},
        {"wait 5000",                  HF_OK,                 NULL},
        {"receive A@W=1",              HF_OK,                 "r1 held"},
        {"reserve r1 A@W=1",           HF_OK,                 "repeated; state held"},
        {"release r1",                 HF_OK,                 NULL},
        {"wait 999",                   HF_OK,                 NULL},
        {"receive A@W=1",              HF_OK,                 "r1 released"},
        {"wait 1",                     HF_OK,                 "r1 released"},
        {"receive A@W=1",              HF_OK,                 "r1 unknown"},
        {"release r1",                 HF_UNKNOWN_RESERVATION, NULL},
        {"reserve r1 A@W=2",           HF_OK,                 "fresh; r1 held A@W 2/0/0"}}},
    {.name = "retention: by count, the oldest first", .references_max = 3, .rows = {
        {"receive A@W=9 ref=a",        HF_OK,                 NULL},
        {"reserve r1 A@W=1 ref=b",     HF_OK,                 NULL},
        {"release r1",                 HF_OK,                 NULL},
        {"receive A@W=9 ref=a",        HF_OK,                 "repeated; A@W 9 0 0 9"},
        {"receive A@W=1 ref=c",        HF_OK,                 NULL},
        {"receive A@W=9 ref=a",        HF_OK,                 "fresh; A@W 19 0 0 19"},
        {"reserve r1 A@W=1 ref=b",     HF_OK,                 "repeated; state released"},
        {"receive A@W=1 ref=d",        HF_OK,                 "r1 unknown"},
        {"receive A@W=1 ref=c",        HF_OK,                 "repeated"},
        {"receive A@W=1",              HF_OK,                 NULL},
        {"receive A@W=1 ref=c",        HF_OK,                 "repeated"}}},

    {.name = "linked: all or none", .rows = {
        {"+receive A@W=5 ref=x",       HF_OK,                 "lsn 1"},
        {"+reserve r1 A@W=5",          HF_OK,                 "lsn 2"},
        {"confirm r1",                 HF_OK,                 "lsn 3; A@W 5 0 5 0"},
        {"+receive B@W=5 ref=y",       HF_LINKED_FAILED,      NULL},
        {"+reserve r2 B@W=6",          HF_INSUFFICIENT_STOCK, "refused 0:6/5/1"},
        {"receive B@W=5",              HF_LINKED_FAILED,      "B@W unknown_sku; r2 unknown; logged 0"},
        {"receive B@W=1 ref=y",        HF_OK,                 "fresh"}}},
    {.name = "linked: what one does the next one sees", .rows = {
        {"+receive A@W=5",             HF_LINKED_FAILED,      NULL},
        {"+reserve r1 A@W=3",          HF_LINKED_FAILED,      NULL},
        {"+reserve r2 A@W=3",          HF_INSUFFICIENT_STOCK, "refused 0:3/2/1"},
        {"release r1",                 HF_LINKED_FAILED,      "A@W unknown_sku"},
        {"+receive A@W=5",             HF_OK,                 NULL},
        {"+reserve r1 A@W=3",          HF_OK,                 NULL},
        {"+release r1",                HF_OK,                 "state released"},
        {"reserve r2 A@W=5",           HF_OK,                 "A@W 5 5 0 0; r1 released"}}},
    {.name = "linked: repeats in a group are done already", .rows = {
        {"+receive A@W=5 ref=x",       HF_OK,                 NULL},
        {"sell A@W=2 ref=y",           HF_OK,                 "A@W 3 0 0 3"},
        {"+receive A@W=5 ref=x",       HF_OK,                 "repeated; lsn 1"},
        {"sell A@W=2 ref=y",           HF_OK,                 "repeated; lsn 2; A@W 3 0 0 3"},
        {"+receive A@W=5 ref=x",       HF_OK,                 "repeated"},
        {"sell A@W=2 ref=z",           HF_OK,                 "fresh; A@W 1 0 0 1"},
        {"+receive A@W=5 ref=n",       HF_LINKED_FAILED,      NULL},
        {"receive A@W=6 ref=n",        HF_REFERENCE_CONFLICT, "A@W 1 0 0 1"}}},
    {.name = "linked: a group that fails takes codes, names and policies back", .rows = {
        {"receive A@W=5",              HF_OK,                 NULL},
        {"+receive B@V=5 ref=b",       HF_LINKED_FAILED,      NULL},
        {"+set_policy A@W safety=2 ref=p", HF_LINKED_FAILED,  NULL},
        {"+set_region north V W ref=g", HF_LINKED_FAILED,     NULL},
        {"+reserve r1 A@W=1 order=o",  HF_LINKED_FAILED,      NULL},
        {"+confirm r1",                HF_LINKED_FAILED,      NULL},
        {"+fulfil r1",                 HF_LINKED_FAILED,      NULL},
        {"sell A@W=9",                 HF_INSUFFICIENT_STOCK, "A@W 5 0 0 5; A@V unknown_location; B@W unknown_sku; r1 unknown; ats A %north unknown_location"},
        {"release_order order=o",      HF_UNKNOWN_RESERVATION, NULL},
        {"receive B@V=5 ref=b",        HF_OK,                 "fresh"}}},
};
/* clang-format on */

/* ------------------------------------------------------------------ the ledger, page by page */

struct page {
    struct hf_move moves[8];
    uint32_t count;
};

static void keep_move(void *arg, const struct hf_move *move)
{
    struct page *page = arg;

    assert_true(page->count < sizeof page->moves / sizeof page->moves[0]);
    page->moves[page->count] = *move; /* the numbers; the texts do not outlive the call */
    page->count += 1;
}

static struct hf_engine *with_history(void)
{
    static const struct hf_op_line lines[] = {
        {.sku = {"A", 1}, .location = {"W", 1}, .units = 10},
        {.sku = {"B", 1}, .location = {"W", 1}, .units = 20},
        {.sku = {"A", 1}, .location = {"W", 1}, .units = 3},
    };
    const struct hf_op ops[] = {
        {.kind = HF_KIND_RECEIVE, .ref = {"x", 1}, .lines = lines, .lines_count = 2},
        {.kind = HF_KIND_RESERVE,
         .id = {"r", 1},
         .order = {"o", 1},
         .lines = &lines[2],
         .lines_count = 1},
        {.kind = HF_KIND_RECEIVE, .lines = &lines[1], .lines_count = 1},
        {.kind = HF_KIND_CONFIRM, .id = {"r", 1}},
        {.kind = HF_KIND_FULFIL, .id = {"r", 1}},
    };
    struct hf_engine_config config = hf_engine_config_default();
    struct hf_engine *engine;

    config.skus_max = config.locations_max = config.cells_max = 100;
    config.reservations_max = config.lines_max = config.references_max = 100;
    config.ledger_bytes = HF_LEDGER_BYTES_MIN;
    engine = hf_engine_create(&config);
    assert_non_null(engine);
    for (size_t i = 0; i < sizeof ops / sizeof ops[0]; i++) {
        struct hf_result result;

        hf_engine_apply(engine, &ops[i], 1000 + i, &result);
        assert_int_equal(result.outcome, HF_OK);
        assert_int_equal(result.lsn, i + 1);
    }
    return engine;
}

static void ledger_of_a_cell(void **state)
{
    struct hf_engine *engine = with_history();
    const uint32_t sku = hf_engine_sku(engine, hf_text_of("A"));
    const uint32_t location = hf_engine_location(engine, hf_text_of("W"));
    struct page page = {0};
    uint64_t cursor;

    (void)state;
    cursor = hf_engine_ledger_cell(engine, sku, location, UINT64_MAX, 2, keep_move, &page);
    assert_int_equal(page.count, 2);
    assert_int_equal(page.moves[0].lsn, 5);
    assert_int_equal(page.moves[0].kind, HF_KIND_FULFIL);
    assert_int_equal(page.moves[0].delta[0], -3);
    assert_int_equal(page.moves[0].after[0], 7);
    assert_int_equal(page.moves[0].delta[2], -3);
    assert_int_equal(page.moves[0].after[2], 0);
    assert_int_equal(page.moves[1].lsn, 4);
    assert_int_equal(page.moves[1].delta[1], -3);
    assert_int_equal(page.moves[1].delta[2], 3);
    assert_true(cursor != 0);

    page = (struct page){0};
    cursor = hf_engine_ledger_cell(engine, sku, location, cursor, 2, keep_move, &page);
    assert_int_equal(page.count, 2);
    assert_int_equal(page.moves[0].lsn, 2);
    assert_int_equal(page.moves[1].lsn, 1);
    assert_int_equal(page.moves[1].ts_us, 1000);
    assert_int_equal(page.moves[1].after[0], 10);

    page = (struct page){0};
    if (cursor != 0) {
        cursor = hf_engine_ledger_cell(engine, sku, location, cursor, 2, keep_move, &page);
    }
    assert_int_equal(page.count, 0);
    assert_int_equal(cursor, 0);
    hf_engine_free(engine);
}

static void ledger_of_a_reference(void **state)
{
    struct hf_engine *engine = with_history();
    struct page page = {0};

    (void)state;
    (void)hf_engine_ledger_ref(engine, hf_text_of("x"), keep_move, &page);
    assert_int_equal(page.count, 2);
    assert_int_equal(page.moves[0].lsn, 1);
    assert_int_equal(page.moves[1].lsn, 1);
    assert_int_equal(page.moves[0].after[0] + page.moves[1].after[0], 30);

    page = (struct page){0};
    (void)hf_engine_ledger_ref(engine, hf_text_of("nobody's"), keep_move, &page);
    assert_int_equal(page.count, 0);
    hf_engine_free(engine);
}

/* Confirm and fulfil named no order: they belong to that of the reservation. */
static void ledger_of_an_order(void **state)
{
    struct hf_engine *engine = with_history();
    struct page page = {0};
    uint64_t cursor = UINT64_MAX;

    (void)state;
    while (cursor != 0) {
        cursor = hf_engine_ledger_order(engine, hf_text_of("o"), cursor, 1, keep_move, &page);
    }
    assert_int_equal(page.count, 3);
    assert_int_equal(page.moves[0].lsn, 5);
    assert_int_equal(page.moves[1].lsn, 4);
    assert_int_equal(page.moves[2].lsn, 2);
    hf_engine_free(engine);
}

/* What the log has not taken yet is not dropped: a full ring is busy, and a refusal like others. */
static void ledger_full_is_busy(void **state)
{
    struct hf_engine *engine = with_history();
    const struct hf_op_line line = {
        .sku = hf_text_of("A"), .location = hf_text_of("W"), .units = 1};
    const struct hf_op op = {.kind = HF_KIND_RECEIVE, .lines = &line, .lines_count = 1};
    struct hf_result result = {.outcome = HF_OK};
    struct hf_digest before, after;
    uint64_t lsn;

    (void)state;
    while (result.outcome == HF_OK) {
        hf_engine_apply(engine, &op, 2000, &result);
    }
    assert_int_equal(result.outcome, HF_BUSY);
    lsn = hf_engine_lsn(engine);
    assert_non_null(hf_ledger_get(hf_engine_ledger(engine), 1, &(uint32_t){0}));
    before = hf_engine_digest(engine);
    hf_engine_apply(engine, &op, 2000, &result);
    assert_int_equal(result.outcome, HF_BUSY);
    after = hf_engine_digest(engine);
    assert_true(before.low == after.low && before.high == after.high);

    hf_ledger_pin(hf_engine_ledger(engine), lsn);
    hf_engine_apply(engine, &op, 2000, &result);
    assert_int_equal(result.outcome, HF_OK);
    assert_int_equal(result.lsn, lsn + 1);
    hf_engine_free(engine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ledger_of_a_cell),
        cmocka_unit_test(ledger_of_a_reference),
        cmocka_unit_test(ledger_of_an_order),
        cmocka_unit_test(ledger_full_is_busy),
    };
    const int failed_count = hf_scenarios_run(scenarios, sizeof scenarios / sizeof scenarios[0]);

    return failed_count + cmocka_run_group_tests(tests, NULL, NULL);
}
