/*
 * test_kill_shipments.c - kill -9 amid receipts of hundreds of lines: none is ever half done.
 *
 * Method: four connections, each with many frames in flight, take transfers and inbound shipments
 * of 100 to 400 lines on their way (tests/lib/journey.h), a step a frame, without waiting for the
 * step before. An observer asks for snapshots and audits. After a random number of replies the
 * server is killed and started again on the same directory. Then, before anything is asked again,
 *     C1   the lines of every journey that was under way are what its first k steps make them, all
 *          of them of the same k: never fewer steps than were acknowledged, never more than asked
 *     C2   every unit asked for is in one place: the figures of a line add up to its units
 *     C3   on_hand, in_transit and damaged of every cell are what those steps make them, so depot,
 *          units under way, shops, damaged and lost ones add up to what there ever was
 * and after asking again, under the same references, every step whose outcome is not known
 *     C4   those among the k are repeated, the others are done now; steps acknowledged long ago are
 *          repeated with the LSN they had; C1 to C3 hold, with all steps asked
 *     C5   the audit is clean, and after one more kill the digest is the same
 *
 * 8 kills; SCALE=full: 80, in ten directories. SEED=n repeats journeys and moments, though not the
 * scheduling.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/lib/folder.h"
#include "tests/lib/history.h"
#include "tests/lib/journey.h"
#include "tests/lib/server_fixture.h"

#define CLIENTS_COUNT 4u
#define LANES_COUNT 6u               /* journeys of a client that are on their way at once */
#define JOURNEYS_MAX 4096u           /* of a client, in one directory */
#define KILLS_COUNT 8u               /* of one directory */
#define OLD_STEPS_COUNT 60u          /* acknowledged ones asked again */
#define OLD_LOOKS_COUNT 20u          /* journeys that had ended, looked at again */
#define DEPOT HF_JOURNEY_SHOPS_COUNT /* its place among the locations */
#define LOCATIONS_COUNT (HF_JOURNEY_SHOPS_COUNT + 1)

struct client {
    pthread_t thread;
    struct holdfast *hf;
    struct hf_journey journeys[JOURNEYS_MAX];
    uint32_t journeys_count;
    uint32_t lanes[LANES_COUNT]; /* index + 1; 0: none yet */
    uint32_t next_lane;
    uint32_t frames_max;
    struct hf_journey_call call;
};

static struct {
    struct hf_fixture server;
    struct client clients[CLIENTS_COUNT];
    struct client prober; /* asks for the judge */
    pthread_t observer;
    uint64_t random;
    sem_t moment; /* posted when the number of replies is reached, or a client ends */
    _Atomic uint64_t replies_left;
    _Atomic uint64_t seen_lsn;
    _Atomic bool is_blamed;
    char violation[400];
    int64_t planted_units; /* a receipt of the first journey, as the journey itself knows it, is off
                              by so many units of one line */
    uint64_t steps_count, unknown_before_count, unknown_now_count, split_count;
} test;

static uint32_t roll(uint32_t sides)
{
    return hf_random(&test.random, sides);
}

/* Say what is wrong, unless something was before. Always false. */
static bool blame(const char *format, ...)
{
    if (!atomic_exchange(&test.is_blamed, true)) {
        va_list arguments;
        va_start(arguments, format);
        (void)vsnprintf(test.violation, sizeof test.violation, format, arguments);
        va_end(arguments);
    }
    return false;
}

static void see(uint64_t lsn)
{
    uint64_t seen_lsn = atomic_load(&test.seen_lsn);
    while (seen_lsn < lsn && !atomic_compare_exchange_weak(&test.seen_lsn, &seen_lsn, lsn)) {
    }
}

static struct holdfast *connect_to_server(void)
{
    char error[256];
    const struct holdfast_options options = {.name = "test"};
    return holdfast_connect(test.server.address, &options, error, sizeof error);
}

/* ------------------------------------------------------------------ load */

/* A frame in flight. */
struct flight {
    struct hf_journey *journey;
    uint32_t step;
};

/* Answers to the steps of a journey come in their order, so do its LSNs. */
static bool take_answer(struct hf_journey *journey, uint32_t step,
                        const struct holdfast_reply *reply, bool is_repeat_right)
{
    if (reply->outcome != HOLDFAST_OK || reply->is_unchanged ||
        reply->is_repeated != is_repeat_right) {
        return blame("trip %" PRIu32 ", step %" PRIu32 ": %s%s, wanted it %s", journey->number,
                     step, holdfast_outcome_name(reply->outcome),
                     reply->is_repeated ? ", repeated" : "",
                     is_repeat_right ? "repeated" : "done now");
    }
    if (step < journey->done_count ? reply->lsn != journey->lsns[step]
                                   : step > 0 && reply->lsn <= journey->lsns[step - 1]) {
        return blame("trip %" PRIu32 ", step %" PRIu32 " has LSN %" PRIu64, journey->number, step,
                     reply->lsn);
    }
    journey->lsns[step] = reply->lsn;
    journey->done_count = step < journey->done_count ? journey->done_count : step + 1;
    see(reply->lsn);
    return true;
}

static void take_reply(void *arg, const struct holdfast_reply *replies, size_t count)
{
    struct flight *flight = arg;

    if (count == 1 && replies[0].outcome != HOLDFAST_UNKNOWN) {
        (void)take_answer(flight->journey, flight->step, &replies[0], false);
        if (atomic_fetch_sub(&test.replies_left, 1) == 1) {
            (void)sem_post(&test.moment);
        }
    }
    free(flight);
}

/* The journey whose turn it is; NULL: the memory for journeys is used up. */
static struct hf_journey *next_journey(struct client *client)
{
    uint32_t *lane = &client->lanes[client->next_lane++ % LANES_COUNT];

    if (*lane == 0 ||
        client->journeys[*lane - 1].sent_count == client->journeys[*lane - 1].steps_count) {
        if (client->journeys_count == JOURNEYS_MAX) {
            return NULL;
        }
        const uint32_t index = client->journeys_count++;
        const uint32_t base = (uint32_t)(client - test.clients) * JOURNEYS_MAX;
        hf_journey_init(&client->journeys[index], base + index);
        *lane = index + 1;
    }
    return &client->journeys[*lane - 1];
}

/* False: nothing more can be sent. */
static bool submit_step(struct client *client)
{
    struct hf_journey *journey = next_journey(client);
    struct flight *flight = journey == NULL ? NULL : malloc(sizeof *flight);

    if (flight == NULL) {
        return false;
    }
    *flight = (struct flight){journey, journey->sent_count++};
    hf_journey_ask(journey, flight->step, &client->call);
    if (holdfast_submit(client->hf, &client->call.op, 1, take_reply, flight) != HOLDFAST_OK) {
        free(flight); /* a step that was not sent is not known, which settles like the others */
        return false;
    }
    return true;
}

static void *client_main(void *arg)
{
    struct client *client = arg;
    bool is_going_on = true;

    client->hf = connect_to_server();
    while (client->hf != NULL && (is_going_on || holdfast_in_flight(client->hf) > 0)) {
        while (is_going_on && holdfast_in_flight(client->hf) < client->frames_max) {
            is_going_on = submit_step(client);
        }
        if (holdfast_in_flight(client->hf) > 0 && holdfast_wait(client->hf, -1) != HOLDFAST_OK) {
            break;
        }
    }
    holdfast_close(client->hf);
    client->hf = NULL;
    (void)sem_post(&test.moment);
    return NULL;
}

/* Snapshots one after the other, and an audit now and then. */
static void *observer_main(void *arg)
{
    struct holdfast *hf = connect_to_server();
    enum holdfast_outcome outcome = hf == NULL ? HOLDFAST_UNKNOWN : HOLDFAST_OK;

    (void)arg;
    for (uint32_t i = 0; outcome != HOLDFAST_UNKNOWN; i++) {
        struct holdfast_audit audit = {0};
        if (i % 8 == 0) {
            outcome = holdfast_audit(hf, &audit);
        } else {
            outcome = holdfast_snapshot(hf, &audit.lsn);
        }
        if (outcome == HOLDFAST_OK) {
            see(audit.lsn);
        }
        if (audit.violations > 0) {
            (void)blame("an audit at work finds: %s", audit.first_violation);
        }
    }
    holdfast_close(hf);
    return NULL;
}

static void load_and_kill(void)
{
    assert_int_equal(sem_init(&test.moment, 0, 0), 0);
    atomic_store(&test.replies_left, 1 + roll(roll(4) == 0 ? 20 : 1500));
    for (uint32_t i = 0; i < CLIENTS_COUNT; i++) {
        test.clients[i].frames_max = 1 + roll(32);
        assert_int_equal(
            pthread_create(&test.clients[i].thread, NULL, client_main, &test.clients[i]), 0);
    }
    assert_int_equal(pthread_create(&test.observer, NULL, observer_main, NULL), 0);
    while (sem_wait(&test.moment) != 0) {
        assert_int_equal(errno, EINTR);
    }
    hf_fixture_kill(&test.server);
    for (uint32_t i = 0; i < CLIENTS_COUNT; i++) {
        assert_int_equal(pthread_join(test.clients[i].thread, NULL), 0);
    }
    assert_int_equal(pthread_join(test.observer, NULL), 0);
    assert_int_equal(sem_destroy(&test.moment), 0);
}

/* ------------------------------------------------------------------ what the server has */

/* Figures of a journey after its first steps, with the plant. */
static enum holdfast_state figures_of(const struct hf_journey *journey, uint32_t steps_count,
                                      int64_t figures[HF_JOURNEY_LINES_MAX][HF_JOURNEY_FIGURES])
{
    const enum holdfast_state state = hf_journey_after(journey, steps_count, figures);

    if (journey == &test.clients[0].journeys[0]) {
        figures[7][HF_JOURNEY_RECEIVED] += test.planted_units;
    }
    return state;
}

/* What the server says: state and figures. False: it knows none, or one of another form. */
static bool read_journey(const struct hf_journey *journey, enum holdfast_state *state,
                         int64_t figures[HF_JOURNEY_LINES_MAX][HF_JOURNEY_FIGURES])
{
    struct holdfast *hf = test.prober.hf;
    struct holdfast_shipment seen;
    char id[HF_JOURNEY_NAME_BYTES];

    hf_journey_id(journey, id);
    const enum holdfast_outcome outcome = journey->is_inbound
                                              ? holdfast_get_inbound(hf, id, &seen)
                                              : holdfast_get_transfer(hf, id, &seen);
    if (outcome != HOLDFAST_OK || seen.lines_count != journey->lines_count) {
        return false;
    }
    *state = seen.state;
    for (uint32_t i = 0; i < journey->lines_count; i++) {
        const struct holdfast_shipment_line *line = &seen.lines[i];
        const int64_t sum = line->unshipped + line->under_way + line->received + line->damaged +
                            line->cancelled + line->lost;
        if (line->units != hf_journey_units(journey, i) || sum != line->units ||
            hf_journey_sku_of(line->sku) != (int32_t)hf_journey_sku(journey, i)) { /* C2 */
            return blame("trip %" PRIu32 ", line %" PRIu32 ": of %" PRId64 " units %" PRId64
                         " are accounted for",
                         journey->number, i, line->units, sum);
        }
        figures[i][HF_JOURNEY_UNSHIPPED] = line->unshipped;
        figures[i][HF_JOURNEY_UNDER_WAY] = line->under_way;
        figures[i][HF_JOURNEY_RECEIVED] = line->received;
        figures[i][HF_JOURNEY_DAMAGED] = line->damaged;
        figures[i][HF_JOURNEY_CANCELLED] = line->cancelled;
        figures[i][HF_JOURNEY_LOST] = line->lost;
    }
    return true;
}

/* C1: how many of the steps are done, between the least and the most; UINT32_MAX: that cannot be
 * said, and is a violation. */
static uint32_t steps_done(const struct hf_journey *journey, uint32_t least, uint32_t most)
{
    int64_t seen[HF_JOURNEY_LINES_MAX][HF_JOURNEY_FIGURES];
    int64_t wanted[HF_JOURNEY_LINES_MAX][HF_JOURNEY_FIGURES];
    enum holdfast_state state = HOLDFAST_STATE_NONE;

    if (!read_journey(journey, &state, seen)) {
        if (least > 0) {
            (void)blame("lost: trip %" PRIu32 " is not there; %" PRIu32
                        " of its steps were acknowledged",
                        journey->number, least);
            return UINT32_MAX;
        }
        return 0;
    }
    for (uint32_t k = least == 0 ? 1 : least; k <= most; k++) {
        if (figures_of(journey, k, wanted) == state &&
            memcmp(seen, wanted, journey->lines_count * sizeof seen[0]) == 0) {
            return k;
        }
    }
    (void)blame("half done: trip %" PRIu32 " is %s and its lines are not what %" PRIu32
                " to %" PRIu32 " steps make them",
                journey->number, holdfast_state_name(state), least, most);
    return UINT32_MAX;
}

/* ------------------------------------------------------------------ cells */

struct cells {
    struct holdfast_counters of[LOCATIONS_COUNT][HF_JOURNEY_SKUS_COUNT];
};

/* What the first steps of a journey make of the cells. */
static void add_journey(struct cells *cells, const struct hf_journey *journey, uint32_t steps_count)
{
    int64_t figures[HF_JOURNEY_LINES_MAX][HF_JOURNEY_FIGURES];

    if (steps_count == 0) {
        return;
    }
    (void)figures_of(journey, steps_count, figures);
    for (uint32_t i = 0; i < journey->lines_count; i++) {
        const int64_t *line = figures[i];
        const uint32_t sku = hf_journey_sku(journey, i);
        struct holdfast_counters *shop = &cells->of[journey->shop][sku];
        shop->in_transit += line[HF_JOURNEY_UNDER_WAY];
        shop->on_hand += line[HF_JOURNEY_RECEIVED];
        shop->damaged += line[HF_JOURNEY_DAMAGED];
        if (!journey->is_inbound) {
            cells->of[DEPOT][sku].on_hand -= line[HF_JOURNEY_UNDER_WAY] +
                                             line[HF_JOURNEY_RECEIVED] + line[HF_JOURNEY_DAMAGED] +
                                             line[HF_JOURNEY_LOST];
        }
    }
}

static bool take_cell(void *arg, const struct holdfast_cell *cell)
{
    struct cells *cells = arg;
    const int32_t sku = hf_journey_sku_of(cell->sku);
    const int32_t shop = hf_journey_shop_of(cell->location);
    const uint32_t location = shop >= 0 ? (uint32_t)shop : DEPOT;

    if (sku < 0 || (shop < 0 && strcmp(cell->location, HF_JOURNEY_DEPOT) != 0)) {
        return blame("invented: a cell %s@%s", cell->sku, cell->location);
    }
    struct holdfast_counters *wanted = &cells->of[location][sku];
    if (cell->on_hand != wanted->on_hand || cell->in_transit != wanted->in_transit ||
        cell->damaged != wanted->damaged || cell->held + cell->committed + cell->quarantined != 0) {
        return blame("%s@%s has %" PRId64 " on hand, %" PRId64 " in transit, %" PRId64
                     " damaged; the steps make it %" PRId64 ", %" PRId64 ", %" PRId64,
                     cell->sku, cell->location, cell->on_hand, cell->in_transit, cell->damaged,
                     wanted->on_hand, wanted->in_transit, wanted->damaged);
    }
    memset(wanted, 0, sizeof *wanted); /* seen */
    return true;
}

/* C3. Cells that nothing ever moved need not be there. */
static bool judge_cells(struct cells *cells)
{
    const struct holdfast_list_query all = {0};

    if (holdfast_list(test.prober.hf, &all, take_cell, cells) != HOLDFAST_OK) {
        return blame("the cells are not to be had");
    }
    for (uint32_t i = 0; i < LOCATIONS_COUNT; i++) {
        for (uint32_t sku = 0; sku < HF_JOURNEY_SKUS_COUNT; sku++) {
            const struct holdfast_counters *left = &cells->of[i][sku];
            if (left->on_hand != 0 || left->in_transit != 0 || left->damaged != 0) {
                return blame("lost: item-%" PRIu32 " at location %" PRIu32 " is not there", sku, i);
            }
        }
    }
    return !atomic_load(&test.is_blamed);
}

/* C1 to C3. found[client][journey] gets the number of steps done; NULL: all that were sent. */
static bool judge_state(uint8_t (*found)[JOURNEYS_MAX])
{
    struct cells *cells = calloc(1, sizeof *cells);
    bool is_good = cells != NULL;

    for (uint32_t sku = 0; is_good && sku < HF_JOURNEY_SKUS_COUNT; sku++) {
        cells->of[DEPOT][sku].on_hand = HF_JOURNEY_OPENING;
    }
    for (uint32_t i = 0; is_good && i < CLIENTS_COUNT; i++) {
        const struct client *client = &test.clients[i];
        for (uint32_t j = 0; is_good && j < client->journeys_count; j++) {
            const struct hf_journey *journey = &client->journeys[j];
            uint32_t done = journey->sent_count;
            const bool is_settled = found == NULL || journey->done_count == journey->sent_count;
            const bool is_under_way = done < journey->steps_count || !is_settled;
            if (is_under_way || roll(client->journeys_count) < OLD_LOOKS_COUNT / CLIENTS_COUNT) {
                done = steps_done(journey, is_settled ? done : journey->done_count, done);
            }
            is_good = done != UINT32_MAX && !atomic_load(&test.is_blamed);
            if (is_good) {
                add_journey(cells, journey, done);
            }
            if (is_good && found != NULL) {
                found[i][j] = (uint8_t)done;
            }
        }
    }
    is_good = is_good && judge_cells(cells);
    free(cells);
    return is_good;
}

/* ------------------------------------------------------------------ asking again */

static bool ask(struct hf_journey *journey, uint32_t step, bool is_repeat_right)
{
    struct holdfast_reply reply;

    hf_journey_ask(journey, step, &test.prober.call);
    if (holdfast_execute(test.prober.hf, &test.prober.call.op, 1, &reply) == HOLDFAST_UNKNOWN) {
        return blame("the server does not answer a step asked again");
    }
    return take_answer(journey, step, &reply, is_repeat_right);
}

/* C4 */
static bool ask_again(uint8_t (*found)[JOURNEYS_MAX])
{
    for (uint32_t i = 0; i < CLIENTS_COUNT; i++) {
        struct client *client = &test.clients[i];
        for (uint32_t j = 0; j < client->journeys_count; j++) {
            struct hf_journey *journey = &client->journeys[j];
            const uint32_t first = journey->done_count;
            for (uint32_t step = first; step < journey->sent_count; step++) {
                const bool was_done = step < found[i][j];
                test.unknown_before_count += was_done ? 1 : 0;
                test.unknown_now_count += was_done ? 0 : 1;
                if (!ask(journey, step, was_done)) {
                    return false;
                }
            }
            test.split_count += found[i][j] > first && found[i][j] < journey->sent_count ? 1 : 0;
        }
        for (uint32_t j = 0; client->journeys_count > 0 && j < OLD_STEPS_COUNT / CLIENTS_COUNT;
             j++) {
            struct hf_journey *journey = &client->journeys[roll(client->journeys_count)];
            if (journey->done_count > 0 && !ask(journey, roll(journey->done_count), true)) {
                return false;
            }
        }
    }
    return true;
}

static bool judge(void)
{
    static uint8_t found[CLIENTS_COUNT][JOURNEYS_MAX];
    struct holdfast_audit audit = {0};
    const uint64_t seen_lsn = atomic_load(&test.seen_lsn);

    if (!judge_state(found)) {
        return false;
    }
    if (holdfast_audit(test.prober.hf, &audit) != HOLDFAST_OK || audit.violations > 0) {
        return blame("the audit finds: %s", audit.first_violation);
    }
    if (audit.lsn < seen_lsn) {
        return blame("lost: a reply told of LSN %" PRIu64 ", recovered are %" PRIu64, seen_lsn,
                     audit.lsn);
    }
    if (!ask_again(found) || !judge_state(NULL)) {
        return false;
    }
    if (holdfast_audit(test.prober.hf, &audit) != HOLDFAST_OK || audit.violations > 0) {
        return blame("the audit finds: %s", audit.first_violation);
    }
    return true;
}

static void check(bool is_good)
{
    if (!is_good || atomic_load(&test.is_blamed)) {
        fail_msg("%s", test.violation);
    }
}

static void restart(void)
{
    holdfast_close(test.prober.hf);
    test.prober.hf = NULL;
    if (!hf_fixture_restart(&test.server)) {
        fail_msg("the server does not start again: exit code %d", test.server.exit_code);
    }
    test.prober.hf = connect_to_server();
    assert_non_null(test.prober.hf);
}

/* C5: nothing is in flight, and nothing expires. */
static void kill_at_rest(void)
{
    uint64_t lsns[2] = {0, 0};
    char digests[2][33] = {"", ""};

    assert_int_equal(holdfast_digest(test.prober.hf, &lsns[0], digests[0]), HOLDFAST_OK);
    hf_fixture_kill(&test.server);
    restart();
    assert_int_equal(holdfast_digest(test.prober.hf, &lsns[1], digests[1]), HOLDFAST_OK);
    assert_int_equal(lsns[0], lsns[1]);
    assert_string_equal(digests[0], digests[1]);
}

/* ------------------------------------------------------------------ tests */

static void begin(void)
{
    struct holdfast_reply reply;

    assert_true(hf_fixture_start(&test.server, NULL));
    for (uint32_t i = 0; i < CLIENTS_COUNT; i++) {
        memset(&test.clients[i], 0, sizeof test.clients[i]);
        hf_journey_call_init(&test.clients[i].call);
    }
    atomic_store(&test.seen_lsn, 0);
    hf_journey_call_init(&test.prober.call);
    hf_journey_ask_opening(&test.prober.call);
    test.prober.hf = connect_to_server();
    assert_non_null(test.prober.hf);
    assert_int_equal(holdfast_execute(test.prober.hf, &test.prober.call.op, 1, &reply),
                     HOLDFAST_OK);
}

static void end(void)
{
    for (uint32_t i = 0; i < CLIENTS_COUNT; i++) {
        for (uint32_t j = 0; j < test.clients[i].journeys_count; j++) {
            test.steps_count += test.clients[i].journeys[j].done_count;
        }
    }
    holdfast_close(test.prober.hf);
    test.prober.hf = NULL;
    assert_int_equal(hf_fixture_stop(&test.server), 0);
    hf_fixture_release(&test.server);
}

static bool is_full_scale(void)
{
    const char *scale = getenv("SCALE");
    return scale != NULL && strcmp(scale, "full") == 0;
}

static void no_receipt_is_half_done(void **state)
{
    const char *given = getenv("SEED");
    const uint64_t seed =
        given != NULL && given[0] != '\0' ? strtoull(given, NULL, 10) : (uint64_t)time(NULL);
    const uint32_t directories = is_full_scale() ? 10 : 1;

    (void)state;
    memset(&test, 0, sizeof test);
    test.random = seed;
    print_message("seed %" PRIu64 ", %" PRIu32 " kills\n", seed, directories * KILLS_COUNT);
    for (uint32_t i = 0; i < directories; i++) {
        begin();
        for (uint32_t kills = 0; kills < KILLS_COUNT; kills++) {
            load_and_kill();
            restart();
            check(judge());
            kill_at_rest();
        }
        end();
    }
    print_message(
        "ok: %" PRIu64 " steps of hundreds of lines; unknown: %" PRIu64 " done before, %" PRIu64
        " done now; %" PRIu64 " journeys cut between two steps\n",
        test.steps_count, test.unknown_before_count, test.unknown_now_count, test.split_count);
    assert_true(test.unknown_before_count + test.unknown_now_count > 0);
    if (is_full_scale()) { /* eight kills may all come before, or all behind, the sync */
        assert_true(test.unknown_before_count > 0);
        assert_true(test.unknown_now_count > 0);
    }
}

/* Some journeys to their end, with nothing in flight afterwards. */
static void play(uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        struct hf_journey *journey = next_journey(&test.clients[0]);
        while (journey->sent_count < journey->steps_count) {
            check(ask(journey, journey->sent_count++, false));
        }
    }
}

/* One unit of one line that a receipt should have brought, and did not. */
static void a_half_receipt_is_found(void **state)
{
    (void)state;
    memset(&test, 0, sizeof test);
    begin();
    play(LANES_COUNT);
    test.clients[0].journeys_count = 1; /* the first is looked at for sure */
    test.clients[0].journeys[0].done_count--;
    test.planted_units = 1;
    assert_false(judge());
    print_message("found: %s\n", test.violation);
    assert_int_equal(strncmp(test.violation, "half done: ", 11), 0);
    end();
}

/* A disk that goes back to an older day. */
static void a_loss_is_found(void **state)
{
    char copy[320];

    (void)state;
    memset(&test, 0, sizeof test);
    begin();
    play(LANES_COUNT);
    check(judge());
    hf_fixture_kill(&test.server);
    (void)snprintf(copy, sizeof copy, "%s/copy", test.server.folder);
    hf_folder_copy(test.server.data, copy);
    restart();
    play(1);
    hf_fixture_kill(&test.server);
    hf_folder_copy(copy, test.server.data);
    restart();
    assert_false(judge());
    print_message("found: %s\n", test.violation);
    assert_int_equal(strncmp(test.violation, "lost: ", 6), 0);
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_receipt_is_half_done),
        cmocka_unit_test(a_half_receipt_is_found),
        cmocka_unit_test(a_loss_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
