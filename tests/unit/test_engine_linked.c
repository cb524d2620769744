/*
 * test_engine_linked.c - linked groups: all, or nothing at all.
 *
 * Method: a group ends with an operation that is refused; what came before it in the group is a
 * row of operations of every kind, with codes, cells, references and orders that are new, and with
 * holds that end on the way. Afterwards the engine must be the one it was: digest, LSN, figures,
 * answers and history; and from then on it must live like one that never saw the group, which an
 * engine beside it shows. Groups that succeed are marked record by record, and replay.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>

#include "engine/ledger.h"
#include "engine/record.h"
#include "tests/lib/small_engine.h"

#define GROUP_MAX 10

static const char *const story[] = {
    "receive A@W=50 B@W=30 A@V=5 ref=in-1 order=po-1",
    "set_policy A@W safety=2 low=5 backorder=3",
    "set_region id=north W",
    "reserve r1 A@W=3 B@W=2 ttl=1000000 order=o1",
    "reserve r2 A@W=4 B@W=1 order=o1",
    "confirm r2",
    "fulfil r2 A@W=1",
    "reserve r3 B@W=1 order=o2",
    "release r3",
    "reserve due1 A@W=40 ttl=7 order=o1",
    "reserve a-long-id-of-a-hold A@V=2 ttl=1000000 order=o3",
};

/* The last operation of each group is refused. */
static const struct row {
    const char *name;
    const char *group[GROUP_MAX];
    enum hf_err want;
    uint64_t wait_us; /* before the group */
} rows[] = {
    {"one operation", {"sell A@W=999"}, HF_INSUFFICIENT_STOCK, 0},
    {"receive", {"receive A@W=1", "sell A@W=999"}, HF_INSUFFICIENT_STOCK, 0},
    {"receive: new codes, a new cell",
     {"receive C@W=1", "receive C@U=1 D@U=2", "receive B@V=1", "sell C@U=2"},
     HF_INSUFFICIENT_STOCK,
     0},
    {"adjust, sell",
     {"adjust A@W=-3 reason=3", "adjust E@W=3", "sell B@W=1", "sell B@W=1 fact", "sell E@W=4"},
     HF_INSUFFICIENT_STOCK,
     0},
    {"policies: new, changed, taken away; a cell made by one",
     {"set_policy A@W safety=0 low=-1 backorder=0", "set_policy B@W low=9",
      "set_policy B@V safety=1", "set_policy N@X backorder=4", "set_policy B@W low=-1",
      "confirm nobody"},
     HF_UNKNOWN_RESERVATION,
     0},
    {"locations and regions: new, changed, moved",
     {"set_location W=0", "set_location X=0", "set_region id=south W V", "set_region id=north Y",
      "set_region id=south W", "confirm nobody"},
     HF_UNKNOWN_RESERVATION,
     0},
    {"reserve",
     {"reserve n1 A@W=1", "reserve n2 A@W=1 B@W=1 ttl=10 order=o9",
      "reserve a-long-id-of-another A@V=1 order=o1", "reserve n1 A@W=2"},
     HF_REFERENCE_CONFLICT,
     0},
    {"reserve in part",
     {"reserve n1 A@W=30 partial", "reserve n2 A@W=1"},
     HF_INSUFFICIENT_STOCK,
     0},
    {"confirm and fulfil",
     {"confirm r1", "fulfil r1 A@W=2", "fulfil r1 rest", "fulfil r2", "fulfil r2"},
     HF_ALREADY_FULFILLED,
     0},
    {"extend, release by lines, whole",
     {"extend r1 ttl=500", "extend r1 ttl=900000", "release r1 A@W=1", "release r1 A@W=2",
      "release r1", "release r1"},
     HF_ALREADY_RELEASED,
     0},
    {"release an order",
     {"release_order order=o1", "release_order order=o3", "release_order order=o1"},
     HF_ALREADY_RELEASED,
     0},
    {"replace: held and confirmed, chained",
     {"replace n1 old=r1 A@W=5", "replace n2 old=n1 A@V=1 B@W=1", "confirm a-long-id-of-a-hold",
      "replace n3 old=a-long-id-of-a-hold B@W=2", "confirm n1"},
     HF_SUPERSEDED,
     0},
    {"replace what was fulfilled",
     {"receive A@W=1", "replace n1 old=r2 A@W=5"},
     HF_ALREADY_FULFILLED,
     0},
    {"references",
     {"receive A@W=1 ref=x1", "sell A@W=1 ref=x2 order=o1", "confirm r1 ref=x3",
      "receive A@W=1 ref=x1", "receive A@W=2 ref=x1"},
     HF_REFERENCE_CONFLICT,
     0},
    {"order chains",
     {"receive A@W=1 order=o1", "receive B@W=1 order=o9", "sell B@W=1 order=o1",
      "reserve n1 A@W=1 order=o9", "release n1", "sell B@W=1 order=o9", "sell B@W=999"},
     HF_INSUFFICIENT_STOCK,
     0},
    {"a hold ends on the way of a sale",
     {"receive A@W=1", "sell A@W=30", "sell A@W=30"},
     HF_INSUFFICIENT_STOCK,
     20},
    {"a hold ends on the way of a reserve",
     {"reserve n1 A@W=30", "confirm n1", "reserve n2 A@W=30"},
     HF_INSUFFICIENT_STOCK,
     20},
    {"a hold ends and is asked for", {"receive A@W=1", "confirm due1"}, HF_EXPIRED, 20},
    {"a hold ends on the way of its order",
     {"release_order order=o1", "release_order order=o1"},
     HF_EXPIRED,
     20},
    {"of everything a little",
     {"receive C@U=9 ref=y1 order=o7", "set_region id=west U", "reserve n1 C@U=4 order=o7 ttl=99",
      "confirm n1 ref=y2", "fulfil n1 C@U=1", "replace n2 old=r1 C@U=2 A@W=1",
      "release_order order=o7", "set_policy C@U safety=1", "adjust C@U=-1", "sell C@U=99"},
     HF_INSUFFICIENT_STOCK,
     20},
    {"malformed", {"receive A@W=1", "receive A@W=0"}, HF_INVALID_ARGUMENT, 0},
    {"a version that was there before the group",
     {"receive A@V=1", "sell A@V=1 v=11"},
     HF_VERSION_CONFLICT,
     0},
};

/* What the two engines go through afterwards. */
static const char *const later[] = {
    "receive C@U=3 ref=x1 order=o9", "receive D@X=1",           "reserve n1 A@W=2 B@W=1 order=o9",
    "set_region id=south V W",       "set_policy B@V safety=1", "confirm r1",
    "reserve n2 A@V=1 ttl=50",       "release_order order=o9",  "replace n3 old=r2 A@W=1",
    "fulfil r1 rest ref=x2",         "sell A@W=1 order=o1",     "release_order order=o1",
    "release a-long-id-of-a-hold",
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

struct heard {
    uint64_t moves, hash;
};

static void hear_cb(void *arg, const struct hf_move *move)
{
    struct heard *heard = arg;
    uint64_t parts[] = {move->lsn,
                        move->ts_us,
                        move->index,
                        move->kind,
                        move->reason,
                        (uint64_t)move->delta[0],
                        (uint64_t)move->delta[1],
                        (uint64_t)move->delta[2],
                        (uint64_t)move->after[0],
                        (uint64_t)move->after[1],
                        (uint64_t)move->after[2],
                        move->ref.bytes_count,
                        move->order.bytes_count,
                        move->reservation.bytes_count};
    heard->moves++;
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        heard->hash = (heard->hash ^ parts[i]) * UINT64_C(0x100000001B3) + 1;
    }
}

/* All that can be asked. */
struct answers {
    struct hf_digest digest;
    struct hf_engine_stats stats;
    uint64_t time_us;
    struct heard heard;
    uint64_t orders; /* reservations of the orders, as a number */
};

static struct answers ask(struct hf_small *small)
{
    static const char *const orders[] = {"o1", "o2", "o3", "o7", "o9", "po-1"};
    static const char *const names[] = {"in-1", "x1", "x2", "y1", "r1", "n1"};
    struct answers answers = {.digest = hf_engine_digest(small->engine),
                              .time_us = hf_engine_time_us(small->engine)};

    hf_engine_stats(small->engine, &answers.stats);
    for (uint32_t sku = 0; sku < answers.stats.skus_count; sku++) {
        for (uint32_t location = 0; location < answers.stats.locations_count; location++) {
            (void)hf_engine_ledger_cell(small->engine, sku, location, UINT64_MAX, 100, hear_cb,
                                        &answers.heard);
        }
    }
    for (size_t i = 0; i < sizeof orders / sizeof orders[0]; i++) {
        struct hf_order_cursor cursor = hf_order_cursor_start(UINT64_MAX);
        struct hf_reservation_view view;
        (void)hf_engine_ledger_order(small->engine, hf_text_of(orders[i]), UINT64_MAX, 100, hear_cb,
                                     &answers.heard);
        while (hf_engine_order(small->engine, hf_text_of(orders[i]), small->now_us + 1000, &cursor,
                               &view)) {
            answers.orders = answers.orders * 31 + view.opened_lsn * 7 + (uint64_t)view.state;
        }
        (void)hf_engine_ledger_ref(small->engine, hf_text_of(names[i]), hear_cb, &answers.heard);
    }
    return answers;
}

static void check_same(const struct answers *a, const struct answers *b)
{
    assert_true(hf_digest_is_equal(a->digest, b->digest));
    assert_int_equal(a->stats.lsn, b->stats.lsn);
    assert_int_equal(a->stats.skus_count, b->stats.skus_count);
    assert_int_equal(a->stats.locations_count, b->stats.locations_count);
    assert_int_equal(a->stats.regions_count, b->stats.regions_count);
    assert_int_equal(a->stats.cells_count, b->stats.cells_count);
    assert_int_equal(a->stats.reservations_count, b->stats.reservations_count);
    assert_int_equal(a->stats.reservations_remembered, b->stats.reservations_remembered);
    assert_int_equal(a->stats.references_count, b->stats.references_count);
    assert_int_equal(a->stats.ledger_first_lsn, b->stats.ledger_first_lsn);
    assert_int_equal(a->time_us, b->time_us);
    assert_int_equal(a->heard.moves, b->heard.moves);
    assert_int_equal(a->heard.hash, b->heard.hash);
    assert_int_equal(a->orders, b->orders);
}

static uint32_t group_count(const char *const *group)
{
    uint32_t count = 0;
    while (count < GROUP_MAX && group[count] != NULL) {
        count++;
    }
    return count;
}

static void check_replay(struct hf_small *small)
{
    struct hf_engine *follower = hf_engine_create(&small->config);
    const char *why = "";

    if (hf_small_follow(small, follower, &why) != HF_OK) {
        fail_msg("the log does not replay: %s", why);
    }
    assert_true(hf_digest_is_equal(hf_engine_digest(small->engine), hf_engine_digest(follower)));
    assert_null(hf_small_violation(follower));
    hf_engine_free(follower);
}

/* Holds that end in this time are released before the group, whose failure leaves them released. */
static void pass_time(struct hf_small *small, uint64_t wait_us)
{
    const struct hf_op_line line = {
        .sku = hf_text_of("A"), .location = hf_text_of("W"), .units = -HF_UNITS_MAX};
    const struct hf_op refused = {.kind = HF_KIND_ADJUST, .lines = &line, .lines_count = 1};
    struct hf_result result;

    small->now_us += wait_us;
    hf_engine_apply(small->engine, &refused, small->now_us, &result);
    assert_int_equal(result.outcome, HF_INSUFFICIENT_ON_HAND);
}

static void failed_group_leaves_nothing(void **state)
{
    const struct row *row = *state;
    const uint32_t count = group_count(row->group);
    struct hf_small small;
    struct hf_small other; /* never sees the group */
    struct hf_result results[GROUP_MAX];

    live_the_story(&small);
    live_the_story(&other);
    pass_time(&small, row->wait_us);
    pass_time(&other, row->wait_us);
    const struct answers before = ask(&small);
    for (int round = 0; round < 3; round++) { /* taking back must not wear anything out */
        const enum hf_err err = hf_small_do_linked(&small, row->group, count, results);
        if (err != row->want) {
            fail_msg("%s, expected %s", hf_err_name(err), hf_err_name(row->want));
        }
        for (uint32_t i = 0; i < count; i++) {
            assert_int_equal(results[i].outcome, i + 1 == count ? row->want : HF_LINKED_FAILED);
            assert_int_equal(results[i].lsn, before.stats.lsn);
            assert_int_equal(results[i].is_repeated, false);
        }
        const struct answers after = ask(&small);
        check_same(&before, &after);
        assert_null(hf_small_violation(small.engine));
    }
    small.now_us = other.now_us = small.now_us + 3;
    for (size_t i = 0; i < sizeof later / sizeof later[0]; i++) {
        const enum hf_err err = hf_small_do(&small, "%s", later[i]);
        if (hf_small_do(&other, "%s", later[i]) != err) {
            fail_msg("afterwards \"%s\" is %s, without the group %s", later[i], hf_err_name(err),
                     hf_err_name(other.result.outcome));
        }
        const struct answers with = ask(&small);
        const struct answers without = ask(&other);
        check_same(&with, &without);
    }
    check_replay(&small);
    hf_small_release(&small);
    hf_small_release(&other);
}

/* The same group without its last operation succeeds, is marked, and replays. */
static void whole_group_is_linked(void **state)
{
    const struct row *row = *state;
    const uint32_t count = group_count(row->group) - 1;
    struct hf_small small;
    struct hf_result results[GROUP_MAX];

    if (count == 0) {
        return;
    }
    live_the_story(&small);
    pass_time(&small, row->wait_us);
    const uint64_t first_lsn = hf_engine_lsn(small.engine) + 1;
    assert_int_equal(hf_small_do_linked(&small, row->group, count, results), HF_OK);
    const uint64_t last_lsn = hf_engine_lsn(small.engine);
    assert_true(last_lsn >= first_lsn);
    for (uint64_t lsn = first_lsn; lsn <= last_lsn; lsn++) {
        uint32_t bytes_count;
        const unsigned char *record =
            hf_ledger_get(hf_engine_ledger(small.engine), lsn, &bytes_count);
        assert_int_equal(hf_record_is_linked(record), lsn < last_lsn);
    }
    const struct hf_ledger_span span =
        hf_ledger_span(hf_engine_ledger(small.engine), first_lsn, last_lsn, 1);
    assert_int_equal(span.last_lsn, last_lsn);
    for (uint32_t i = 0; i < count; i++) {
        assert_int_equal(results[i].outcome, HF_OK);
        assert_true(results[i].lsn <= last_lsn);
    }
    assert_null(hf_small_violation(small.engine));
    check_replay(&small);
    hf_small_release(&small);
}

/* Repeated as a group, each operation answers with its first outcome and nothing is logged. */
static void repeated_group(void **state)
{
    static const char *const group[] = {"receive A@W=1 ref=g1", "reserve g2 A@W=1",
                                        "confirm g2 ref=g3"};
    struct hf_small small;
    struct hf_result first[3];
    struct hf_result second[3];
    (void)state;

    live_the_story(&small);
    assert_int_equal(hf_small_do_linked(&small, group, 3, first), HF_OK);
    const struct answers before = ask(&small);
    assert_int_equal(hf_small_do_linked(&small, group, 3, second), HF_OK);
    const struct answers after = ask(&small);
    check_same(&before, &after);
    for (int i = 0; i < 3; i++) {
        assert_false(first[i].is_repeated);
        assert_true(second[i].is_repeated);
        assert_int_equal(first[i].lsn, second[i].lsn);
    }
    hf_small_release(&small);
}

/* Tables that fill up half-way through a group. */
static void full_half_way(void **state)
{
    static const char *const group[] = {"receive C@W=1 D@W=1", "reserve n1 A@W=1 order=o5",
                                        "reserve n2 A@W=1 order=o6", "receive E@W=1"};
    (void)state;

    for (uint32_t limit = 0; limit < 4; limit++) {
        struct hf_engine_config config = hf_small_config();
        struct hf_small small;
        struct hf_result results[4];
        config.skus_max = limit == 0 ? 4 : config.skus_max;
        config.cells_max = limit == 1 ? 5 : config.cells_max;
        config.reservations_max = limit == 2 ? 6 : config.reservations_max;
        config.lines_max = limit == 3 ? 8 : config.lines_max;
        hf_small_init(&small, &config);
        for (size_t i = 0; i < sizeof story / sizeof story[0]; i++) {
            assert_int_equal(hf_small_do(&small, "%s", story[i]), HF_OK);
        }
        const struct answers before = ask(&small);
        for (int round = 0; round < 3; round++) {
            assert_int_equal(hf_small_do_linked(&small, group, 4, results), HF_LIMIT_EXCEEDED);
            const struct answers after = ask(&small);
            check_same(&before, &after);
            assert_null(hf_small_violation(small.engine));
        }
        assert_int_equal(hf_small_do(&small, "receive A@W=1"), HF_OK);
        check_replay(&small);
        hf_small_release(&small);
    }
}

int main(void)
{
    enum { ROWS = sizeof rows / sizeof rows[0] };
    struct CMUnitTest tests[2 * ROWS + 2];
    size_t count = 0;

    for (size_t i = 0; i < ROWS; i++) {
        tests[count++] = (struct CMUnitTest){.name = rows[i].name,
                                             .test_func = failed_group_leaves_nothing,
                                             .initial_state = (void *)(uintptr_t)&rows[i]};
    }
    for (size_t i = 0; i < ROWS; i++) {
        tests[count++] = (struct CMUnitTest){.name = "whole_group_is_linked",
                                             .test_func = whole_group_is_linked,
                                             .initial_state = (void *)(uintptr_t)&rows[i]};
    }
    tests[count++] = (struct CMUnitTest)cmocka_unit_test(repeated_group);
    tests[count++] = (struct CMUnitTest)cmocka_unit_test(full_half_way);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
