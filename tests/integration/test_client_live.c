/*
 * test_client_live.c - libholdfast and a real holdfastd: what an order service relies on.
 *
 * Method: the calls of the public header only, against the program itself (server_fixture.h).
 * What is asserted are sums that must come out whatever the interleaving: units sold, units held,
 * LSNs without a gap.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/client.h" /* to spoil a handle's tag; everything else is holdfast.h */
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

static void receive(struct holdfast *hf, const char *sku, int64_t units)
{
    const struct holdfast_line line = {.sku = sku, .location = "L", .units = units};
    const struct holdfast_op op = {
        .kind = HOLDFAST_RECEIVE, .reason = HOLDFAST_PURCHASE, .lines = &line, .lines_count = 1};
    struct holdfast_reply reply;
    assert_int_equal(holdfast_execute(hf, &op, 1, &reply), HOLDFAST_OK);
}

static struct holdfast_cell stock(struct holdfast *hf, const char *sku)
{
    struct holdfast_cell cell;
    assert_int_equal(holdfast_get_stock(hf, sku, "L", &cell), HOLDFAST_OK);
    return cell;
}

static void audit_is_clean(struct holdfast *hf)
{
    struct holdfast_audit audit;
    assert_int_equal(holdfast_audit(hf, &audit), HOLDFAST_OK);
    assert_string_equal(audit.first_violation, "");
    assert_int_equal(audit.violations, 0);
}

/* ------------------------------------------------------------------ one SKU, many clients */

#define CLIENTS 64
#define TRIES 20
#define STOCK 500
_Static_assert(CLIENTS *TRIES > STOCK, "there is less than is wanted");

struct client {
    pthread_t thread;
    pthread_barrier_t *begin;
    int number;
    int sold;
    int refused;
    char failure[128]; /* an assert must not jump out of a thread */
};

static void fail_client(struct client *client, const char *what, enum holdfast_outcome outcome)
{
    (void)snprintf(client->failure, sizeof client->failure, "%s: %s", what,
                   holdfast_outcome_name(outcome));
}

/* One try: reserve a unit, confirm it, hand it over. */
static void buy(struct client *client, struct holdfast *hf, int try)
{
    static const struct holdfast_line line = {.sku = "HOT", .location = "L", .units = 1};
    char id[32];
    struct holdfast_reply reply;

    (void)snprintf(id, sizeof id, "cart-%d-%d", client->number, try);
    struct holdfast_op op = {.kind = HOLDFAST_RESERVE, .id = id, .lines = &line, .lines_count = 1};
    const enum holdfast_outcome outcome = holdfast_execute(hf, &op, 1, &reply);
    if (outcome == HOLDFAST_INSUFFICIENT_STOCK) {
        client->refused += 1;
        return;
    }
    if (outcome != HOLDFAST_OK) {
        fail_client(client, "reserve", outcome);
        return;
    }
    op = (struct holdfast_op){.kind = HOLDFAST_CONFIRM, .id = id};
    const enum holdfast_outcome confirmed = holdfast_execute(hf, &op, 1, &reply);
    op.kind = HOLDFAST_FULFIL;
    const enum holdfast_outcome fulfilled = holdfast_execute(hf, &op, 1, &reply);
    if (confirmed != HOLDFAST_OK || fulfilled != HOLDFAST_OK) {
        fail_client(client, "confirm, fulfil", confirmed != HOLDFAST_OK ? confirmed : fulfilled);
        return;
    }
    client->sold += 1;
}

static void *shop(void *arg)
{
    struct client *client = arg;
    char error[100] = "";
    struct holdfast *hf = holdfast_connect(server.address, NULL, error, sizeof error);

    (void)pthread_barrier_wait(client->begin);
    if (hf == NULL) {
        (void)snprintf(client->failure, sizeof client->failure, "connect: %s", error);
        return NULL;
    }
    for (int i = 0; i < TRIES; i++) {
        buy(client, hf, i);
    }
    holdfast_close(hf);
    return NULL;
}

static void many_clients_sell_exactly_the_stock(void **state)
{
    static struct client clients[CLIENTS];
    pthread_barrier_t begin;
    int sold = 0;
    int refused = 0;
    (void)state;

    struct holdfast *hf = open_handle();
    receive(hf, "HOT", STOCK);
    assert_int_equal(pthread_barrier_init(&begin, NULL, CLIENTS), 0);
    for (int i = 0; i < CLIENTS; i++) {
        clients[i] = (struct client){.begin = &begin, .number = i};
        assert_int_equal(pthread_create(&clients[i].thread, NULL, shop, &clients[i]), 0);
    }
    for (int i = 0; i < CLIENTS; i++) {
        assert_int_equal(pthread_join(clients[i].thread, NULL), 0);
        assert_string_equal(clients[i].failure, "");
        sold += clients[i].sold;
        refused += clients[i].refused;
    }
    (void)pthread_barrier_destroy(&begin);
    assert_int_equal(sold, STOCK);
    assert_int_equal(refused, CLIENTS * TRIES - STOCK);

    const struct holdfast_cell cell = stock(hf, "HOT");
    assert_int_equal(cell.on_hand, 0);
    assert_int_equal(cell.held, 0);
    assert_int_equal(cell.committed, 0);
    audit_is_clean(hf);
    holdfast_close(hf);
}

/* ------------------------------------------------------------------ many frames in flight */

#define FRAMES 200
#define BATCH 64

struct load {
    struct holdfast *hf;
    uint32_t sku, location;
    int submitted; /* frames */
    int answered;
    uint64_t lsn_next;
    int ats_answered;
};

static void submit_frame(struct load *load);

static void see_ats(void *arg, enum holdfast_outcome outcome, const struct holdfast_ats *ats,
                    size_t count)
{
    struct load *load = arg;
    assert_int_equal(outcome, HOLDFAST_OK);
    assert_int_equal(count, 1);
    /* between the frames before it and those after it: it has seen the former, not the latter */
    assert_int_equal(ats[0].ats, FRAMES * BATCH - load->answered * BATCH);
    load->ats_answered += 1;
}

static void see_replies(void *arg, const struct holdfast_reply *replies, size_t count)
{
    struct load *load = arg;
    assert_int_equal(count, BATCH);
    load->answered += 1;
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(replies[i].outcome, HOLDFAST_OK);
        assert_int_equal(replies[i].state, HOLDFAST_HELD);
        assert_int_equal(replies[i].lsn, load->lsn_next);
        load->lsn_next += 1;
    }
    if (load->submitted < FRAMES) {
        submit_frame(load);
    }
}

static void submit_frame(struct load *load)
{
    struct holdfast_op ops[BATCH];
    struct holdfast_line lines[BATCH];
    char ids[BATCH][17];

    for (int i = 0; i < BATCH; i++) {
        (void)snprintf(ids[i], sizeof ids[i], "%016x", (unsigned)(load->submitted * BATCH + i));
        lines[i] = (struct holdfast_line){
            .sku_handle = load->sku, .location_handle = load->location, .units = 1};
        ops[i] = (struct holdfast_op){.kind = HOLDFAST_RESERVE,
                                      .flags = HOLDFAST_HANDLES | HOLDFAST_TTL,
                                      .id = ids[i],
                                      .ttl_us = 15 * HOLDFAST_MINUTE_US,
                                      .lines = &lines[i],
                                      .lines_count = 1};
    }
    assert_int_equal(holdfast_submit(load->hf, ops, BATCH, see_replies, load), HOLDFAST_OK);
    load->submitted += 1;
    if (load->submitted % 50 == 0) {
        assert_int_equal(
            holdfast_submit_ats(load->hf, &load->sku, 1, load->location, see_ats, load),
            HOLDFAST_OK);
    }
}

static void frames_in_flight_keep_their_order(void **state)
{
    static const char *const sku = "PHONE";
    static const char *const location = "L";
    struct load load = {.hf = open_handle(), .lsn_next = 2};
    (void)state;

    receive(load.hf, "PHONE", FRAMES * BATCH);
    assert_int_equal(holdfast_lookup(load.hf, &sku, &location, 1, &load.sku, &load.location),
                     HOLDFAST_OK);
    for (int i = 0; i < 16; i++) {
        submit_frame(&load);
    }
    while (holdfast_in_flight(load.hf) > 0) {
        assert_int_equal(holdfast_wait(load.hf, -1), HOLDFAST_OK);
    }
    assert_int_equal(load.answered, FRAMES);
    assert_int_equal(load.ats_answered, FRAMES / 50);
    const struct holdfast_cell cell = stock(load.hf, "PHONE");
    assert_int_equal(cell.held, FRAMES * BATCH);
    assert_int_equal(cell.ats, 0);

    /* handles of another server */
    struct holdfast_ats ats;
    load.hf->handles_tag ^= 1;
    assert_int_equal(holdfast_get_ats_handles(load.hf, &load.sku, 1, load.location, &ats),
                     HOLDFAST_STALE_HANDLE);
    assert_int_equal(holdfast_lookup(load.hf, &sku, &location, 1, &load.sku, &load.location),
                     HOLDFAST_OK);
    assert_int_equal(holdfast_get_ats_handles(load.hf, &load.sku, 1, load.location, &ats),
                     HOLDFAST_OK);
    audit_is_clean(load.hf);
    holdfast_close(load.hf);
}

/* ------------------------------------------------------------------ linked operations */

static void linked_operations_succeed_together(void **state)
{
    const struct holdfast_line lines[] = {{.sku = "A", .location = "L", .units = 3},
                                          {.sku = "B", .location = "L", .units = 3}};
    struct holdfast_op ops[] = {
        {.kind = HOLDFAST_SELL, .flags = HOLDFAST_LINKED, .lines = &lines[0], .lines_count = 1},
        {.kind = HOLDFAST_SELL, .lines = &lines[1], .lines_count = 1},
        {.kind = HOLDFAST_SELL, .lines = &lines[0], .lines_count = 1},
    };
    struct holdfast_reply replies[3];
    struct holdfast *hf = open_handle();
    (void)state;

    receive(hf, "A", 10);
    receive(hf, "B", 2);
    assert_int_equal(holdfast_execute(hf, ops, 3, replies), HOLDFAST_LINKED_FAILED);
    assert_int_equal(replies[0].outcome, HOLDFAST_LINKED_FAILED);
    assert_int_equal(replies[1].outcome, HOLDFAST_INSUFFICIENT_STOCK);
    assert_int_equal(replies[1].lines_count, 1);
    assert_int_equal(replies[1].lines[0].shortfall, 1);
    assert_int_equal(replies[2].outcome, HOLDFAST_OK);
    assert_int_equal(stock(hf, "A").on_hand, 7);
    assert_int_equal(stock(hf, "B").on_hand, 2);

    receive(hf, "B", 1);
    assert_int_equal(holdfast_execute(hf, ops, 3, replies), HOLDFAST_OK);
    assert_int_equal(stock(hf, "A").on_hand, 1);
    assert_int_equal(stock(hf, "B").on_hand, 0);
    holdfast_close(hf);
}

/* ------------------------------------------------------------------ unknown, and settled */

#define SALES 4000
#define WINDOW 100 /* in flight at once */

struct sales {
    struct holdfast *hf;
    bool is_done[SALES];
    int submitted;
    int next; /* whose reply comes next */
};

static enum holdfast_outcome sell_one(struct holdfast *hf, int number, struct sales *sales,
                                      struct holdfast_reply *reply);

/* Each reply makes room for the next sale. */
static void see_sale(void *arg, const struct holdfast_reply *replies, size_t count)
{
    struct sales *sales = arg;
    assert_int_equal(count, 1);
    if (replies[0].outcome != HOLDFAST_UNKNOWN) {
        assert_int_equal(replies[0].outcome, HOLDFAST_OK);
        sales->is_done[sales->next] = true;
    }
    sales->next += 1;
    if (sales->submitted < SALES &&
        sell_one(sales->hf, sales->submitted, sales, NULL) == HOLDFAST_OK) {
        sales->submitted += 1;
    }
}

static enum holdfast_outcome sell_one(struct holdfast *hf, int number, struct sales *sales,
                                      struct holdfast_reply *reply)
{
    static const struct holdfast_line line = {.sku = "PHONE", .location = "L", .units = 1};
    char ref[32];
    (void)snprintf(ref, sizeof ref, "sale-%d", number);
    const struct holdfast_op op = {
        .kind = HOLDFAST_SELL, .ref = ref, .lines = &line, .lines_count = 1};
    return sales != NULL ? holdfast_submit(hf, &op, 1, see_sale, sales)
                         : holdfast_execute(hf, &op, 1, reply);
}

static void unknown_sales_are_settled_by_their_reference(void **state)
{
    static struct sales sales;
    struct holdfast_reply reply;
    int done = 0;
    int repeated = 0;
    (void)state;

    memset(&sales, 0, sizeof sales);
    sales.hf = open_handle();
    receive(sales.hf, "PHONE", 10 * SALES);
    while (sales.submitted < WINDOW) {
        assert_int_equal(sell_one(sales.hf, sales.submitted, &sales, NULL), HOLDFAST_OK);
        sales.submitted += 1;
    }
    bool is_killed = false;
    while (holdfast_in_flight(sales.hf) > 0) {
        if (holdfast_wait(sales.hf, -1) != HOLDFAST_OK) {
            break;
        }
        if (!is_killed && sales.next >= SALES / 2) {
            hf_fixture_signal(&server, 9); /* the next window has just been sent */
            is_killed = true;
        }
    }
    assert_int_equal(holdfast_in_flight(sales.hf), 0);
    assert_int_equal(sales.next, sales.submitted); /* every submit was answered, once */
    holdfast_close(sales.hf);
    assert_int_equal(hf_fixture_wait(&server), 128 + 9);
    assert_true(hf_fixture_restart(&server));

    /* Every sale again, known or not: each is in the log exactly once in the end. */
    sales.hf = open_handle();
    for (int i = 0; i < SALES; i++) {
        assert_int_equal(sell_one(sales.hf, i, NULL, &reply), HOLDFAST_OK);
        assert_true(reply.is_repeated || !sales.is_done[i]); /* an acknowledged one is there */
        done += sales.is_done[i] ? 1 : 0;
        repeated += reply.is_repeated ? 1 : 0;
    }
    print_message("%d sales acknowledged, %d on disk, %d asked for\n", done, repeated,
                  sales.submitted);
    assert_true(done >= SALES / 2);
    assert_true(repeated <= sales.submitted);
    assert_int_equal(stock(sales.hf, "PHONE").on_hand, 9 * SALES);
    audit_is_clean(sales.hf);
    holdfast_close(sales.hf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(many_clients_sell_exactly_the_stock, start, stop),
        cmocka_unit_test_setup_teardown(frames_in_flight_keep_their_order, start, stop),
        cmocka_unit_test_setup_teardown(linked_operations_succeed_together, start, stop),
        cmocka_unit_test_setup_teardown(unknown_sales_are_settled_by_their_reference, start, stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
