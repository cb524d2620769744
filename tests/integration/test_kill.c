/*
 * test_kill.c - kill -9 of a real holdfastd at random moments, under a mixed load.
 *
 * Method: four clients, each a thread with its own handle and many frames in flight, ask random
 * deeds (tests/lib/workload.h) and remember every reply; an observer asks questions and for
 * snapshots. After a random number of replies, or of microseconds, or at once after a start, the
 * server is killed and started again on the same directory. Then
 *     - every acknowledged deed, of all kills so far, is asked again: repeated, with its LSN
 *     - every deed whose outcome is not known is asked again, which settles it
 *     - the whole ledger, every balance, the states and lines of reservations and shipments, the
 *       audit are what the deeds make them (account.h)
 * and the load goes on. When the memory for deeds is used up the directory has seen enough: it is
 * killed once more at rest, must come back with the same digest, and a new one begins.
 *
 * 20 kills; SCALE=full: 200. SEED=n repeats the deeds and moments, though not the scheduling.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tests/lib/account.h"
#include "tests/lib/folder.h"
#include "tests/lib/live_client.h"
#include "tests/lib/server_fixture.h"

#define CLIENTS_COUNT 4u
#define DEEDS_MAX 12000u /* of a client, in one directory */
#define SHORT_TTL_US 80000u
#define KILLS_COUNT 20u
#define REST_TRIES 50u /* a hold may expire between digest and kill */

/* One directory: a server, what was asked of it, and what must have come of that. */
struct life {
    struct hf_fixture server;
    struct hf_history history;
    struct hf_account account;
};

struct worker {
    pthread_t thread;
    struct life *life;
    struct hf_workload workload;
    uint32_t frames_max;
    uint64_t seed;
    bool with_snapshots;
};

static struct {
    uint64_t random;
    sem_t moment; /* posted when the number of replies is reached, or a client ends */
    _Atomic uint64_t replies_left;
    uint64_t settled_counts[3];
    uint64_t deeds_count, expiries_count, moves_count, lives_count;
    uint64_t shipments_count; /* in their final state */
    char config[256];         /* of the server */
} test;

static uint32_t roll(uint32_t sides)
{
    return hf_random(&test.random, sides);
}

static bool is_full_scale(void)
{
    const char *scale = getenv("SCALE");
    return scale != NULL && strcmp(scale, "full") == 0;
}

/* ------------------------------------------------------------------ life of a directory */

/* The options of every server: what the deeds reckon with is in a configuration file. */
static void write_config(void)
{
    const char *folder = getenv("TMPDIR");
    char text[64];

    (void)snprintf(test.config, sizeof test.config, "%s/holdfast-kill-XXXXXX",
                   folder != NULL && folder[0] != '\0' ? folder : "/tmp");
    const int fd = mkstemp(test.config);
    assert_true(fd >= 0);
    const int count = snprintf(text, sizeof text, "[engine]\nover_receipt_percent = %u\n",
                               HF_DEED_OVER_RECEIPT_PERCENT);
    assert_int_equal(write(fd, text, (size_t)count), count);
    assert_int_equal(close(fd), 0);
}

static void begin_life(struct life *life)
{
    const char *const arguments[] = {"--config", test.config, NULL};

    write_config();
    memset(life, 0, sizeof *life);
    assert_true(hf_history_init(&life->history, CLIENTS_COUNT, DEEDS_MAX));
    assert_true(hf_account_init(&life->account, &life->history, roll(UINT32_MAX)));
    assert_true(hf_fixture_start(&life->server, arguments));
    test.lives_count++;
}

static void free_life(struct life *life)
{
    test.deeds_count += hf_history_count(&life->history);
    test.expiries_count += life->account.expiries_count;
    test.moves_count += life->account.moves_count;
    test.shipments_count += life->account.states_count[HF_STATE_RECEIVED] +
                            life->account.states_count[HF_STATE_CANCELLED] +
                            life->account.states_count[HF_STATE_CLOSED];
    hf_fixture_release(&life->server);
    assert_int_equal(unlink(test.config), 0);
    hf_account_release(&life->account);
    hf_history_release(&life->history);
}

static void check(struct life *life, bool is_good)
{
    if (!is_good || atomic_load(&life->history.is_violated)) {
        fail_msg("%s", life->history.violation);
    }
}

static void open_handle(struct life *life, struct hf_live *live)
{
    if (!hf_live_open(live, &life->history, life->server.address)) {
        fail_msg("no connection to a server that said it was ready");
    }
}

static bool judge(struct life *life, struct hf_live *live)
{
    const struct hf_port port = hf_live_port(live);
    const uint64_t seen_lsn = atomic_load(&life->history.seen_lsn);
    struct hf_seen_stats stats = {0};

    if (!port.stats(port.ctx, &stats)) {
        return hf_history_blame(&life->history, "the server does not answer");
    }
    if (!hf_history_ask_again(&life->history, &port)) {
        return false;
    }
    if (stats.lsn < seen_lsn) {
        return hf_history_blame(&life->history,
                                "lost: a reply told of LSN %" PRIu64 ", recovered are %" PRIu64,
                                seen_lsn, stats.lsn);
    }
    return hf_history_ask_otherwise(&life->history, &port, &test.random) &&
           hf_history_settle(&life->history, &port, test.settled_counts) &&
           hf_account_prove(&life->account, &port);
}

/* Deeds that are there and not asked yet are asked, and answered. */
static void settle(struct life *life)
{
    struct hf_live live;

    open_handle(life, &live);
    const struct hf_port port = hf_live_port(&live);
    const bool is_good = hf_history_settle(&life->history, &port, NULL);
    hf_live_close(&live);
    check(life, is_good);
}

/* Every cell gets its opening stock, by deeds like all others. */
static void stock_up(struct life *life)
{
    struct hf_workload workload;
    uint32_t cell = 0;
    uint32_t first;

    hf_workload_init(&workload, &life->history, 0, 0, SHORT_TTL_US);
    while (hf_workload_opening(&workload, &cell, &first) > 0) {
    }
    settle(life);
}

static void ask_and_wait(struct life *life, uint32_t frames_count)
{
    struct hf_workload workload;
    uint32_t first;

    hf_workload_init(&workload, &life->history, 0, 1, SHORT_TTL_US);
    for (uint32_t i = 0; i < frames_count; i++) {
        assert_true(hf_workload_frame(&workload, &first) > 0);
    }
    settle(life);
}

/* ------------------------------------------------------------------ load */

static void count_down(void *arg)
{
    (void)arg;
    if (atomic_fetch_sub(&test.replies_left, 1) == 1) {
        (void)sem_post(&test.moment);
    }
}

static void *client_main(void *arg)
{
    struct worker *worker = arg;
    struct hf_live live;

    /* A server killed right after its start takes no connection any more. */
    if (hf_live_open(&live, &worker->life->history, worker->life->server.address)) {
        live.answered_cb = count_down;
        hf_live_work(&live, &worker->workload, worker->frames_max);
    }
    (void)sem_post(&test.moment);
    return NULL;
}

static void *observer_main(void *arg)
{
    struct worker *worker = arg;
    struct hf_live live;

    if (hf_live_open(&live, &worker->life->history, worker->life->server.address)) {
        hf_live_observe(&live, worker->seed, worker->with_snapshots, UINT32_MAX);
    }
    return NULL;
}

static void start_workers(struct life *life, struct worker workers[CLIENTS_COUNT + 1])
{
    for (uint32_t i = 0; i <= CLIENTS_COUNT; i++) {
        struct worker *worker = &workers[i];
        *worker = (struct worker){.life = life,
                                  .frames_max = 1 + roll(8),
                                  .seed = roll(UINT32_MAX),
                                  .with_snapshots = roll(2) == 0};
        if (i < CLIENTS_COUNT) {
            hf_workload_init(&worker->workload, &life->history, i, worker->seed, SHORT_TTL_US);
        }
    }
    for (uint32_t i = 0; i <= CLIENTS_COUNT; i++) {
        assert_int_equal(pthread_create(&workers[i].thread, NULL,
                                        i < CLIENTS_COUNT ? client_main : observer_main,
                                        &workers[i]),
                         0);
    }
}

/* Wait until the moment to kill has come. */
static void wait_for_moment(uint32_t way)
{
    if (way == 0) {
        return; /* at once */
    }
    if (way == 1) {
        const struct timespec some = {.tv_nsec = (long)roll(100000000)};
        (void)nanosleep(&some, NULL); /* the moment itself is what is random */
        return;
    }
    while (sem_wait(&test.moment) != 0) {
        assert_int_equal(errno, EINTR);
    }
}

static void load_and_kill(struct life *life)
{
    struct worker workers[CLIENTS_COUNT + 1];
    const uint32_t way = roll(10);

    assert_int_equal(sem_init(&test.moment, 0, 0), 0);
    atomic_store(&test.replies_left, 1 + roll(roll(4) == 0 ? 20 : 600));
    start_workers(life, workers);
    wait_for_moment(way);
    hf_fixture_kill(&life->server);
    for (uint32_t i = 0; i <= CLIENTS_COUNT; i++) {
        assert_int_equal(pthread_join(workers[i].thread, NULL), 0);
    }
    assert_int_equal(sem_destroy(&test.moment), 0);
    check(life, true);
}

static void restart(struct life *life)
{
    for (uint32_t again = 0;; again++) {
        if (!hf_fixture_restart(&life->server)) {
            fail_msg("the server does not start again: exit code %d", life->server.exit_code);
        }
        if (again == 2 || roll(8) != 0) {
            return;
        }
        hf_fixture_kill(&life->server); /* right after it was ready */
    }
}

/* ------------------------------------------------------------------ tests */

static bool is_used_up(const struct life *life)
{
    for (uint32_t i = 0; i < CLIENTS_COUNT; i++) {
        if (life->history.counts[i] > DEEDS_MAX - DEEDS_MAX / 8) {
            return true;
        }
    }
    return false;
}

/* With nothing in flight a kill changes nothing, by digest. */
static void end_life(struct life *life)
{
    uint64_t before_lsn = 0;
    uint64_t after_lsn = 0;
    char before[33] = "";
    char after[33] = "";

    for (uint32_t i = 0; i < REST_TRIES; i++) {
        struct hf_live live;
        open_handle(life, &live);
        assert_int_equal(holdfast_digest(live.hf, &before_lsn, before), HOLDFAST_OK);
        hf_live_close(&live);
        hf_fixture_kill(&life->server);
        assert_true(hf_fixture_restart(&life->server));
        open_handle(life, &live);
        assert_int_equal(holdfast_digest(live.hf, &after_lsn, after), HOLDFAST_OK);
        const bool is_good = judge(life, &live);
        hf_live_close(&live);
        check(life, is_good);
        if (before_lsn == after_lsn) {
            break; /* else a hold has expired meanwhile: an operation like any other */
        }
    }
    assert_int_equal(before_lsn, after_lsn);
    assert_string_equal(before, after);
    assert_int_equal(hf_fixture_stop(&life->server), 0);
    free_life(life);
}

static void killed_at_random_moments(void **state)
{
    const char *given = getenv("SEED");
    const uint64_t seed =
        given != NULL && given[0] != '\0' ? strtoull(given, NULL, 10) : (uint64_t)time(NULL);
    const uint32_t kills = is_full_scale() ? KILLS_COUNT * 10 : KILLS_COUNT;
    struct life *life = calloc(1, sizeof *life);

    (void)state;
    assert_non_null(life);
    memset(&test, 0, sizeof test);
    test.random = seed;
    print_message("seed %" PRIu64 ", %" PRIu32 " kills\n", seed, kills);
    begin_life(life);
    stock_up(life);
    for (uint32_t i = 0; i < kills; i++) {
        struct hf_live live;
        load_and_kill(life);
        restart(life);
        open_handle(life, &live);
        const bool is_good = judge(life, &live);
        hf_live_close(&live);
        check(life, is_good);
        if (is_used_up(life)) {
            end_life(life);
            begin_life(life);
            stock_up(life);
        }
    }
    end_life(life);
    free(life);
    print_message("ok: %" PRIu64 " deeds in %" PRIu64 " directories; unknown: %" PRIu64
                  " done before, %" PRIu64 " done now, %" PRIu64 " refused; %" PRIu64
                  " expiries, %" PRIu64 " shipments received, cancelled or closed\n",
                  test.deeds_count, test.lives_count, test.settled_counts[0],
                  test.settled_counts[1], test.settled_counts[2], test.expiries_count,
                  test.shipments_count);
    assert_true(test.settled_counts[0] > 0);
    assert_true(test.settled_counts[1] > 0);
    assert_true(test.expiries_count > 0);
    assert_true(test.shipments_count > 0);
}

/* ------------------------------------------------------------------ planted losses */

/* A disk that goes back to an older day: what was acknowledged since is gone, and is missed. */
static void a_loss_is_found(void **state)
{
    struct life *life = calloc(1, sizeof *life);
    struct hf_live live;
    char copy[320];

    (void)state;
    assert_non_null(life);
    memset(&test, 0, sizeof test);
    test.random = 1;
    begin_life(life);
    stock_up(life);
    hf_fixture_kill(&life->server);
    (void)snprintf(copy, sizeof copy, "%s/copy", life->server.folder);
    hf_folder_copy(life->server.data, copy);
    assert_true(hf_fixture_restart(&life->server));
    ask_and_wait(life, 10);
    hf_fixture_kill(&life->server);
    hf_folder_copy(copy, life->server.data);
    assert_true(hf_fixture_restart(&life->server));
    open_handle(life, &live);
    assert_false(judge(life, &live));
    hf_live_close(&live);
    print_message("found: %s\n", life->history.violation);
    assert_int_equal(strncmp(life->history.violation, "lost: ", 6), 0);
    free_life(life);
    free(life);
}

/* A history that claims one unit more, or one deed more, than there was. */
static void a_claim_is_found(void **state)
{
    struct life *life = calloc(1, sizeof *life);
    struct hf_live live;

    (void)state;
    assert_non_null(life);
    memset(&test, 0, sizeof test);
    begin_life(life);
    stock_up(life);
    open_handle(life, &live);
    const struct hf_port port = hf_live_port(&live);
    assert_true(hf_account_prove(&life->account, &port));
    life->history.deeds[0].lines[0].units++;
    assert_false(hf_account_prove(&life->account, &port));
    print_message("found: %s\n", life->history.violation);
    hf_live_close(&live);
    free_life(life);

    begin_life(life);
    stock_up(life);
    open_handle(life, &live);
    const struct hf_port other = hf_live_port(&live);
    life->history.deeds[1].status = HF_DEED_REFUSED;
    assert_false(hf_account_prove(&life->account, &other));
    print_message("found: %s\n", life->history.violation);
    assert_int_equal(strncmp(life->history.violation, "invented: ", 10), 0);
    hf_live_close(&live);
    free_life(life);
    free(life);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(killed_at_random_moments),
        cmocka_unit_test(a_loss_is_found),
        cmocka_unit_test(a_claim_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
