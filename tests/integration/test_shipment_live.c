/*
 * test_shipment_live.c - libholdfast and a real holdfastd: stock on the move, and exports of one
 * LSN while others write.
 *
 * Method: as test_client_live.c: the calls of the public header only, and sums that must come out
 * whatever the interleaving. Writers only move units from cell to cell, so at every LSN the sum
 * over all cells is the same: an export that mixed two states would show another.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "net/holdfast.h"
#include "tests/lib/server_fixture.h"

static struct hf_fixture server;

static int start(void **state)
{
    (void)state;
    return hf_fixture_start(&server, NULL) ? 0 : -1;
}

static int stop(void **state)
{
    (void)state;
    const int code = hf_fixture_stop(&server);
    hf_fixture_release(&server);
    return code;
}

static struct holdfast *open_handle(void)
{
    char error[256] = "";
    struct holdfast *hf = holdfast_connect(server.address, NULL, error, sizeof error);
    assert_string_equal(error, "");
    assert_non_null(hf);
    return hf;
}

static struct holdfast_reply execute(struct holdfast *hf, struct holdfast_op op,
                                     enum holdfast_outcome want)
{
    struct holdfast_reply reply;
    assert_int_equal(holdfast_execute(hf, &op, 1, &reply), want);
    return reply;
}

static void audit_is_clean(struct holdfast *hf)
{
    struct holdfast_audit audit;
    assert_int_equal(holdfast_audit(hf, &audit), HOLDFAST_OK);
    assert_string_equal(audit.first_violation, "");
    assert_int_equal(audit.violations, 0);
}

static struct holdfast_cell stock(struct holdfast *hf, const char *sku, const char *location)
{
    struct holdfast_cell cell;
    assert_int_equal(holdfast_get_stock(hf, sku, location, &cell), HOLDFAST_OK);
    return cell;
}

/* ------------------------------------------------------------------ stock on the move */

static bool count_shipment(void *arg, const struct holdfast_shipment *summary)
{
    int *count = arg;
    assert_null(summary->lines);
    *count += 1;
    return true;
}

static void a_transfer_and_what_became_of_it(void **state)
{
    struct holdfast *hf = open_handle();
    const struct holdfast_line twenty = {.sku = "A", .location = "L", .units = 20};
    const struct holdfast_line move = {.sku = "A", .units = 12};
    const struct holdfast_line arrived = {.sku = "A", .units = 5, .damaged = 2};
    struct holdfast_shipment transfer;
    int count = 0;
    (void)state;

    (void)execute(
        hf, (struct holdfast_op){.kind = HOLDFAST_RECEIVE, .lines = &twenty, .lines_count = 1},
        HOLDFAST_OK);
    struct holdfast_op op = {.kind = HOLDFAST_TRANSFER_CREATE,
                             .flags = HOLDFAST_SHIP,
                             .id = "T-1",
                             .order = "move-7",
                             .from = "L",
                             .to = "M",
                             .lines = &move,
                             .lines_count = 1};
    assert_int_equal(execute(hf, op, HOLDFAST_OK).state, HOLDFAST_IN_TRANSIT);
    assert_true(execute(hf, op, HOLDFAST_OK).is_repeated);
    assert_int_equal(stock(hf, "A", "L").on_hand, 8);
    assert_int_equal(stock(hf, "A", "M").in_transit, 12);
    assert_int_equal(stock(hf, "A", "M").ats, 12);

    op = (struct holdfast_op){.kind = HOLDFAST_TRANSFER_RECEIVE,
                              .flags = HOLDFAST_WITH_DAMAGED,
                              .id = "T-1",
                              .lines = &arrived,
                              .lines_count = 1};
    assert_int_equal(execute(hf, op, HOLDFAST_OK).state, HOLDFAST_IN_TRANSIT);
    op =
        (struct holdfast_op){.kind = HOLDFAST_TRANSFER_CLOSE, .id = "T-1", .reason = HOLDFAST_LOSS};
    assert_int_equal(execute(hf, op, HOLDFAST_OK).state, HOLDFAST_CLOSED);
    op.ref = "again";
    (void)execute(hf, op, HOLDFAST_WRONG_STATE);

    const struct holdfast_cell cell = stock(hf, "A", "M");
    assert_int_equal(cell.on_hand, 5);
    assert_int_equal(cell.damaged, 2);
    assert_int_equal(cell.in_transit, 0);
    assert_int_equal(holdfast_get_transfer(hf, "T-1", &transfer), HOLDFAST_OK);
    assert_string_equal(transfer.from, "L");
    assert_string_equal(transfer.to, "M");
    assert_int_equal(transfer.state, HOLDFAST_CLOSED);
    assert_int_equal(transfer.open_units, 0);
    assert_int_equal(transfer.lines_count, 1);
    assert_int_equal(transfer.lines[0].received, 5);
    assert_int_equal(transfer.lines[0].damaged, 2);
    assert_int_equal(transfer.lines[0].lost, 5);

    struct holdfast_shipments_query query = {.location = "M"};
    assert_int_equal(holdfast_list_transfers(hf, &query, count_shipment, &count), HOLDFAST_OK);
    assert_int_equal(count, 1);
    query.only_open = true;
    assert_int_equal(holdfast_list_transfers(hf, &query, count_shipment, &count), HOLDFAST_OK);
    assert_int_equal(count, 1);
    query.location = "nowhere";
    assert_int_equal(holdfast_list_transfers(hf, &query, count_shipment, &count),
                     HOLDFAST_UNKNOWN_LOCATION);
    audit_is_clean(hf);
    holdfast_close(hf);
}

static bool see_shortage(void *arg, const struct holdfast_cell *cell,
                         const struct holdfast_hit *hits, size_t hits_count)
{
    int *count = arg;
    assert_string_equal(cell->sku, "B");
    assert_int_equal(cell->shortage, 3);
    assert_int_equal(hits_count, 1);
    assert_string_equal(hits[0].reservation, "cart-b");
    assert_int_equal(hits[0].units, 10);
    *count += 1;
    return true;
}

static void a_shortage_and_the_shipment_that_ends_it(void **state)
{
    struct holdfast *hf = open_handle();
    const struct holdfast_line ten = {.sku = "B", .location = "L", .units = 10};
    const struct holdfast_line broken = {.sku = "B", .location = "L", .units = 3};
    const struct holdfast_line expected = {.sku = "B", .units = 3};
    int count = 0;
    (void)state;

    (void)execute(hf,
                  (struct holdfast_op){.kind = HOLDFAST_RECEIVE, .lines = &ten, .lines_count = 1},
                  HOLDFAST_OK);
    (void)execute(hf,
                  (struct holdfast_op){
                      .kind = HOLDFAST_RESERVE, .id = "cart-b", .lines = &ten, .lines_count = 1},
                  HOLDFAST_OK);
    (void)execute(hf,
                  (struct holdfast_op){.kind = HOLDFAST_MOVE_STATUS,
                                       .reason = HOLDFAST_DAMAGE,
                                       .from_status = HOLDFAST_SELLABLE,
                                       .to_status = HOLDFAST_DAMAGED,
                                       .lines = &broken,
                                       .lines_count = 1},
                  HOLDFAST_OK);
    assert_int_equal(holdfast_get_shortages(hf, see_shortage, &count), HOLDFAST_OK);
    assert_int_equal(count, 1);

    (void)execute(hf,
                  (struct holdfast_op){.kind = HOLDFAST_INBOUND_CREATE,
                                       .flags = HOLDFAST_MAY_SELL,
                                       .id = "PO-1",
                                       .to = "L",
                                       .eta_us = 1,
                                       .lines = &expected,
                                       .lines_count = 1},
                  HOLDFAST_OK);
    assert_int_equal(holdfast_get_shortages(hf, see_shortage, &count), HOLDFAST_OK);
    assert_int_equal(count, 1);
    const struct holdfast_shipments_query late = {.only_late = true};
    count = 0;
    assert_int_equal(holdfast_list_inbound(hf, &late, count_shipment, &count), HOLDFAST_OK);
    assert_int_equal(count, 1);
    (void)execute(hf, (struct holdfast_op){.kind = HOLDFAST_INBOUND_RECEIVE, .id = "PO-1"},
                  HOLDFAST_OK);
    assert_int_equal(holdfast_list_inbound(hf, &late, count_shipment, &count), HOLDFAST_OK);
    assert_int_equal(count, 1);
    assert_int_equal(stock(hf, "B", "L").on_hand, 10);
    audit_is_clean(hf);
    holdfast_close(hf);
}

/* What was sold meanwhile is not overwritten, and what changes nothing says so. */
static void a_count_that_is_older_than_a_sale(void **state)
{
    struct holdfast *hf = open_handle();
    const struct holdfast_line ten = {.sku = "C", .location = "L", .units = 10};
    const struct holdfast_line four = {.sku = "C", .location = "L", .units = 4};
    const struct holdfast_line counted = {.sku = "C", .location = "L", .units = 12};
    (void)state;

    const uint64_t lsn =
        execute(hf, (struct holdfast_op){.kind = HOLDFAST_RECEIVE, .lines = &ten, .lines_count = 1},
                HOLDFAST_OK)
            .lsn;
    (void)execute(hf, (struct holdfast_op){.kind = HOLDFAST_SELL, .lines = &four, .lines_count = 1},
                  HOLDFAST_OK);
    const struct holdfast_op set = {.kind = HOLDFAST_SET,
                                    .flags = HOLDFAST_AS_OF_LSN,
                                    .reason = HOLDFAST_COUNT,
                                    .as_of = lsn,
                                    .lines = &counted,
                                    .lines_count = 1};
    assert_false(execute(hf, set, HOLDFAST_OK).is_unchanged);
    assert_int_equal(stock(hf, "C", "L").on_hand, 8);
    assert_true(execute(hf, set, HOLDFAST_OK).is_unchanged);
    assert_int_equal(stock(hf, "C", "L").on_hand, 8);
    holdfast_close(hf);
}

/* ------------------------------------------------------------------ one LSN, others writing */

#define CELLS_COUNT 6000 /* more than a page of an export */
#define UNITS_EACH 100
#define EXPORTS_COUNT 5

struct writer {
    pthread_t thread;
    atomic_bool is_over;
    uint64_t seed;
    uint64_t writes_count;
    enum holdfast_outcome outcome; /* of the first write that failed */
};

static void name_sku(uint64_t number, char sku[16])
{
    (void)snprintf(sku, 16, "W-%u", (unsigned)(number % CELLS_COUNT));
}

/* Units leave one cell and come to another, in one operation, again and again. */
static void *write_on(void *arg)
{
    struct writer *writer = arg;
    struct holdfast *hf = holdfast_connect(server.address, NULL, NULL, 0);
    struct holdfast_op ops[64];
    struct holdfast_line lines[64][2];
    char skus[64][2][16];
    struct holdfast_reply replies[64];

    writer->outcome = hf == NULL ? HOLDFAST_UNKNOWN : HOLDFAST_OK;
    while (writer->outcome == HOLDFAST_OK && !atomic_load(&writer->is_over)) {
        for (size_t i = 0; i < 64; i++) {
            writer->seed = writer->seed * UINT64_C(6364136223846793005) + 1;
            const uint64_t from = writer->seed >> 33;
            name_sku(from, skus[i][0]);
            name_sku(from + 1 + i, skus[i][1]);
            lines[i][0] = (struct holdfast_line){.sku = skus[i][0], .location = "W", .units = -1};
            lines[i][1] = (struct holdfast_line){.sku = skus[i][1], .location = "W", .units = 1};
            ops[i] = (struct holdfast_op){.kind = HOLDFAST_ADJUST,
                                          .reason = HOLDFAST_CORRECTION,
                                          .lines = lines[i],
                                          .lines_count = 2};
        }
        const enum holdfast_outcome outcome = holdfast_execute(hf, ops, 64, replies);
        if (outcome != HOLDFAST_OK && outcome != HOLDFAST_INSUFFICIENT_ON_HAND) {
            writer->outcome = outcome;
        }
        writer->writes_count += 64;
    }
    holdfast_close(hf);
    return NULL;
}

struct sum {
    struct holdfast *other; /* another handle, which asks in between; NULL: none does */
    int64_t units;
    int rows;
    uint64_t lsn;
    bool was_busy;
};

static bool add_row(void *arg, const struct holdfast_row *row)
{
    struct sum *sum = arg;

    assert_non_null(row->cell);
    assert_null(row->reservation);
    if (strcmp(row->cell->location, "W") == 0) {
        sum->units += row->cell->on_hand;
        sum->rows += 1;
    }
    sum->lsn = row->cell->lsn;
    if (sum->other != NULL && sum->rows == 1) {
        struct holdfast_token at;
        struct sum none = {0};
        sum->was_busy =
            holdfast_export(sum->other, HOLDFAST_CELLS, &at, add_row, &none) == HOLDFAST_BUSY;
        assert_int_equal(none.rows, 0);
    }
    return true;
}

static void exports_are_of_one_lsn(void **state)
{
    static struct holdfast_line lines[CELLS_COUNT];
    static char skus[CELLS_COUNT][16];
    const char *seed = getenv("SEED");
    struct writer writer = {.seed = (uint64_t)getpid()};
    struct holdfast *hf = open_handle();
    struct holdfast *other = open_handle();
    uint64_t newest_lsn = 0;
    (void)state;

    if (seed != NULL && seed[0] != '\0') {
        writer.seed = strtoull(seed, NULL, 10);
    }
    print_message("seed %llu\n", (unsigned long long)writer.seed);
    for (size_t i = 0; i < CELLS_COUNT; i++) {
        name_sku(i, skus[i]);
        lines[i] = (struct holdfast_line){.sku = skus[i], .location = "W", .units = UNITS_EACH};
    }
    for (size_t at = 0; at < CELLS_COUNT; at += CELLS_COUNT / 3) {
        (void)execute(hf,
                      (struct holdfast_op){.kind = HOLDFAST_RECEIVE,
                                           .lines = lines + at,
                                           .lines_count = CELLS_COUNT / 3},
                      HOLDFAST_OK);
    }
    assert_int_equal(pthread_create(&writer.thread, NULL, write_on, &writer), 0);
    for (int i = 0; i < EXPORTS_COUNT; i++) {
        struct sum sum = {.other = i % 2 == 0 ? other : NULL};
        struct holdfast_token at = {0};
        assert_int_equal(holdfast_export(hf, HOLDFAST_CELLS, &at, add_row, &sum), HOLDFAST_OK);
        assert_int_equal(sum.rows, CELLS_COUNT);
        assert_int_equal(sum.units, (int64_t)CELLS_COUNT * UNITS_EACH);
        assert_true(sum.was_busy == (i % 2 == 0));
        assert_int_equal(sum.lsn, at.lsn);
        assert_int_equal(at.epoch, holdfast_server(hf)->epoch);
        assert_true(at.lsn > newest_lsn || i > 0);
        newest_lsn = at.lsn;
    }
    atomic_store(&writer.is_over, true);
    assert_int_equal(pthread_join(writer.thread, NULL), 0);
    assert_int_equal(writer.outcome, HOLDFAST_OK);
    assert_true(writer.writes_count > 0);
    audit_is_clean(hf);
    holdfast_close(other);
    holdfast_close(hf);
}

/* Who stops in the middle of an export keeps nobody else from one. */
static bool stop_here(void *arg, const struct holdfast_row *row)
{
    (void)row;
    *(int *)arg += 1;
    return false;
}

static void a_reader_that_goes_gives_way(void **state)
{
    struct holdfast_token at;
    int rows = 0;
    (void)state;

    struct holdfast *hf = open_handle();
    assert_int_equal(holdfast_export(hf, HOLDFAST_CELLS, &at, stop_here, &rows), HOLDFAST_OK);
    struct holdfast *other = open_handle();
    assert_int_equal(holdfast_export(other, HOLDFAST_CELLS, &at, stop_here, &rows), HOLDFAST_OK);
    assert_int_equal(rows, 2);
    holdfast_close(other);
    holdfast_close(hf);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_transfer_and_what_became_of_it),
        cmocka_unit_test(a_shortage_and_the_shipment_that_ends_it),
        cmocka_unit_test(a_count_that_is_older_than_a_sale),
        cmocka_unit_test(exports_are_of_one_lsn),
        cmocka_unit_test(a_reader_that_goes_gives_way),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
