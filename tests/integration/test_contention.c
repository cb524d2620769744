/*
 * test_contention.c - 64 clients fight for one cell with fewer units than they want.
 *
 * Method: a real holdfastd in `sync`, a thread and a connection for each client, all let go at one
 * barrier. Each asks for one to three units at a time, then for one, until it is told that there
 * is none left. Rows say by which way units leave the shelf. Nothing is given back, so whatever the
 * interleaving
 *     - exactly the stock is sold, the shelf is empty, nothing is promised any more
 *     - every refusal names the line, what was asked, an ATS below it and the difference
 *     - the moves in the ledger take one unit after the other, and on_hand never was below zero
 *     - all of it is so after kill -9, too
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/holdfast.h"
#include "tests/lib/server_fixture.h"

#define CLIENTS_COUNT 64u
#define SKU "TICKET"
#define LOCATION "ARENA"

enum way { SELL, RESERVE, PARTIAL, MIXED };

static const struct row {
    const char *name;
    enum way way;
    int64_t stock;
    uint64_t ttl_us; /* of reservations until they are confirmed; 0: none */
} rows[] = {
    {"direct sale", SELL, 1000, 0},
    {"one unit for 64", SELL, 1, 0},
    {"reserve, confirm, fulfil", RESERVE, 600, 0},
    {"reserve with a time-to-live", RESERVE, 300, 600 * HOLDFAST_SECOND_US},
    {"reserve what there is", PARTIAL, 500, 0},
    {"sales and reservations together", MIXED, 700, 600 * HOLDFAST_SECOND_US},
    {"one unit less than clients", RESERVE, 63, 0},
};

struct fight {
    struct hf_fixture server;
    const struct row *row;
    pthread_barrier_t barrier;
    _Atomic int64_t taken_units;
    _Atomic uint64_t refusals_count;
};

struct client {
    pthread_t thread;
    struct fight *fight;
    uint32_t number;
    struct holdfast *hf;
    uint32_t tries_count;
    char wrong[256]; /* the first thing that should not be; threads do not assert */
};

static void blame(struct client *client, const char *what, const struct holdfast_reply *reply)
{
    if (client->wrong[0] == '\0') {
        (void)snprintf(client->wrong, sizeof client->wrong,
                       "client %" PRIu32 ", try %" PRIu32 ": %s (%s)", client->number,
                       client->tries_count, what, holdfast_outcome_name(reply->outcome));
    }
}

/* A refusal explains itself. Returns the ATS it tells of. */
static int64_t judge_refusal(struct client *client, const struct holdfast_reply *reply,
                             int64_t units)
{
    const struct holdfast_result_line *line = reply->lines;

    (void)atomic_fetch_add(&client->fight->refusals_count, 1);
    if (reply->outcome != HOLDFAST_INSUFFICIENT_STOCK || reply->lines_count != 1) {
        blame(client, "a refusal that does not name its line", reply);
        return 0;
    }
    if (line->line_index != 0 || line->outcome != HOLDFAST_INSUFFICIENT_STOCK ||
        line->requested != units || line->granted != 0 || line->ats < 0 || line->ats >= units ||
        line->shortfall != units - line->ats) {
        blame(client, "a refusal whose figures do not add up", reply);
    }
    return line->ats;
}

static enum holdfast_outcome execute(struct client *client, const struct holdfast_op *op,
                                     struct holdfast_reply *reply)
{
    return holdfast_execute(client->hf, op, 1, reply);
}

/* Confirm and fulfil; both must work, for nobody else knows the reservation. */
static void carry_out(struct client *client, const char *id)
{
    static const enum holdfast_kind kinds[] = {HOLDFAST_CONFIRM, HOLDFAST_FULFIL};
    static const enum holdfast_state states[] = {HOLDFAST_CONFIRMED, HOLDFAST_FULFILLED};
    struct holdfast_reply reply;

    for (int i = 0; i < 2; i++) {
        const struct holdfast_op op = {.kind = kinds[i], .id = id};
        if (execute(client, &op, &reply) != HOLDFAST_OK || reply.state != states[i]) {
            blame(client, "a reservation that is not carried out", &reply);
        }
    }
}

/* One try to get `units`. Returns how many were got; *ats: what a refusal told of. */
static int64_t try_to_get(struct client *client, int64_t units, int64_t *ats)
{
    const struct row *row = client->fight->row;
    const bool is_sale = row->way == SELL || (row->way == MIXED && client->tries_count % 2 == 0);
    const struct holdfast_line line = {.sku = SKU, .location = LOCATION, .units = units};
    struct holdfast_op op = {.lines = &line, .lines_count = 1};
    struct holdfast_reply reply;
    char name[32];

    (void)snprintf(name, sizeof name, "%" PRIu32 "-%" PRIu32, client->number, client->tries_count);
    if (is_sale) {
        op.kind = HOLDFAST_SELL;
        op.ref = name;
    } else {
        op.kind = HOLDFAST_RESERVE;
        op.id = name;
        op.flags =
            (row->way == PARTIAL ? HOLDFAST_PARTIAL : 0u) | (row->ttl_us != 0 ? HOLDFAST_TTL : 0u);
        op.ttl_us = row->ttl_us;
    }
    client->tries_count++;
    if (execute(client, &op, &reply) != HOLDFAST_OK) {
        *ats = judge_refusal(client, &reply, units);
        return 0;
    }
    int64_t got = units;
    if (row->way == PARTIAL) {
        got = reply.lines_count == 1 ? reply.lines[0].granted : 0;
        if (got < 1 || got > units) {
            blame(client, "a grant of nothing, or of more than was asked", &reply);
        }
    }
    if (!is_sale) {
        carry_out(client, name);
    }
    return got;
}

static void *client_main(void *arg)
{
    struct client *client = arg;
    int64_t units = 1 + client->number % 3;
    int64_t ats = 1;

    (void)pthread_barrier_wait(&client->fight->barrier);
    while (client->wrong[0] == '\0') {
        const int64_t got = try_to_get(client, units, &ats);
        (void)atomic_fetch_add(&client->fight->taken_units, got);
        if (got == 0) {
            if (ats == 0) {
                break; /* nothing is given back, so nothing will be there again */
            }
            units = 1;
        }
    }
    return NULL;
}

/* ------------------------------------------------------------------ what must come out */

static struct holdfast *open_handle(const struct hf_fixture *server)
{
    char error[256] = "";
    struct holdfast *hf = holdfast_connect(server->address, NULL, error, sizeof error);
    assert_string_equal(error, "");
    assert_non_null(hf);
    return hf;
}

struct sums {
    int64_t received, taken, promised;
    int64_t on_hand_min;
};

static bool add_move(void *arg, const struct holdfast_move *move)
{
    struct sums *sums = arg;
    if (move->delta.on_hand > 0) {
        sums->received += move->delta.on_hand;
    } else {
        sums->taken -= move->delta.on_hand;
    }
    sums->promised += move->delta.held + move->delta.committed;
    if (move->after.on_hand < sums->on_hand_min ||
        move->after.on_hand < move->after.held + move->after.committed) {
        sums->on_hand_min = -1;
    }
    return true;
}

static void check_outcome(const struct fight *fight)
{
    const struct holdfast_ledger_query query = {.sku = SKU, .location = LOCATION};
    struct holdfast *hf = open_handle(&fight->server);
    struct holdfast_audit audit;
    struct holdfast_cell cell;
    struct sums sums = {0};

    assert_int_equal(holdfast_get_stock(hf, SKU, LOCATION, &cell), HOLDFAST_OK);
    assert_int_equal(cell.on_hand, 0);
    assert_int_equal(cell.held, 0);
    assert_int_equal(cell.committed, 0);
    assert_int_equal(cell.ats, 0);
    assert_int_equal(holdfast_get_ledger(hf, &query, add_move, &sums), HOLDFAST_OK);
    assert_int_equal(sums.received, fight->row->stock);
    assert_int_equal(sums.taken, fight->row->stock);
    assert_int_equal(sums.promised, 0);
    assert_int_equal(sums.on_hand_min, 0);
    assert_int_equal(holdfast_audit(hf, &audit), HOLDFAST_OK);
    assert_int_equal(audit.violations, 0);
    holdfast_close(hf);
}

static void receive(const struct fight *fight)
{
    const struct holdfast_line line = {
        .sku = SKU, .location = LOCATION, .units = fight->row->stock};
    const struct holdfast_op op = {
        .kind = HOLDFAST_RECEIVE, .ref = "opening", .lines = &line, .lines_count = 1};
    struct holdfast *hf = open_handle(&fight->server);
    struct holdfast_reply reply;
    assert_int_equal(holdfast_execute(hf, &op, 1, &reply), HOLDFAST_OK);
    holdfast_close(hf);
}

static void exactly_the_stock_is_sold(void **state)
{
    static const char *const arguments[] = {"--durability", "sync", NULL};
    struct client *clients = calloc(CLIENTS_COUNT, sizeof *clients);
    struct fight *fight = calloc(1, sizeof *fight);

    assert_non_null(clients);
    assert_non_null(fight);
    fight->row = *state;
    assert_true(hf_fixture_start(&fight->server, arguments));
    receive(fight);
    assert_int_equal(pthread_barrier_init(&fight->barrier, NULL, CLIENTS_COUNT), 0);
    for (uint32_t i = 0; i < CLIENTS_COUNT; i++) {
        clients[i] = (struct client){.fight = fight, .number = i};
        clients[i].hf = open_handle(&fight->server);
    }
    for (uint32_t i = 0; i < CLIENTS_COUNT; i++) {
        assert_int_equal(pthread_create(&clients[i].thread, NULL, client_main, &clients[i]), 0);
    }
    for (uint32_t i = 0; i < CLIENTS_COUNT; i++) {
        assert_int_equal(pthread_join(clients[i].thread, NULL), 0);
        holdfast_close(clients[i].hf);
    }
    for (uint32_t i = 0; i < CLIENTS_COUNT; i++) {
        assert_string_equal(clients[i].wrong, "");
        assert_true(clients[i].tries_count > 0);
    }
    assert_int_equal(atomic_load(&fight->taken_units), fight->row->stock);
    assert_true(atomic_load(&fight->refusals_count) >= CLIENTS_COUNT); /* each ends with one */
    check_outcome(fight);

    hf_fixture_kill(&fight->server);
    assert_true(hf_fixture_restart(&fight->server));
    check_outcome(fight);
    assert_int_equal(hf_fixture_stop(&fight->server), 0);
    hf_fixture_release(&fight->server);
    assert_int_equal(pthread_barrier_destroy(&fight->barrier), 0);
    free(fight);
    free(clients);
}

int main(void)
{
    struct CMUnitTest tests[sizeof rows / sizeof rows[0]];
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        tests[i] = (struct CMUnitTest){.name = rows[i].name,
                                       .test_func = exactly_the_stock_is_sold,
                                       .initial_state = (void *)(uintptr_t)&rows[i]};
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
