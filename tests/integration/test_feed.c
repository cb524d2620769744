/*
 * test_feed.c - the change feed of a real holdfastd, as a consumer sees it.
 *
 * Method: the first test is the consumer's promise. A child process follows everything, keeps a
 * stock table and its token in memory that it shares with the test, and is killed and started
 * again at random moments; the server is killed, too. Each event must follow the one before it
 * (LSN and index without a gap or repeat) and begin where the table stands. In the end the table
 * must be what the server lists and what `holdfast export` writes. A second consumer then does the
 * same from 1:0 in one go, most of it out of log segments, because the server keeps little in
 * memory; at the LSN of an export that was taken half way, while operations went on, its table must
 * be that file's.
 *
 * 100,000 operations; SCALE=full: a million. SEED=n repeats operations and moments.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <inttypes.h>
#include <jansson.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "net/holdfast.h"
#include "tests/lib/cli_player.h"
#include "tests/lib/history.h"
#include "tests/lib/server_fixture.h"

#define SKUS_COUNT 40u
#define LOCATIONS_COUNT 4u
#define CELLS_COUNT (SKUS_COUNT * LOCATIONS_COUNT)
#define OPS_MAX 200u /* in a frame */
#define IDS_COUNT 512u
#define WAIT_MS 60000
#define PATH_BYTES 256

static struct hf_fixture server;
static char config_path[PATH_BYTES];
static uint64_t random_state;

static uint32_t roll(uint32_t sides)
{
    return hf_random(&random_state, sides);
}

static void start_server(const char *config)
{
    const char *folder = getenv("TMPDIR");
    const char *const arguments[] = {"--config", config_path, NULL};

    (void)snprintf(config_path, PATH_BYTES, "%s/holdfast-feed-XXXXXX",
                   folder != NULL && folder[0] != '\0' ? folder : "/tmp");
    const int fd = mkstemp(config_path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, config, strlen(config)), strlen(config));
    (void)close(fd);
    assert_true(hf_fixture_start(&server, arguments));
}

static void stop_server(void)
{
    assert_int_equal(hf_fixture_stop(&server), 0);
    hf_fixture_release(&server);
    (void)unlink(config_path);
}

static struct holdfast *open_handle(void)
{
    char error[256] = "";
    struct holdfast *hf = holdfast_connect(server.address, NULL, error, sizeof error);
    if (hf == NULL) {
        fail_msg("%s", error);
    }
    return hf;
}

/* ------------------------------------------------------------------ a stock table from events */

struct table {
    uint64_t lsn; /* of the last event */
    uint32_t index;
    struct holdfast_token token;
    struct {
        struct holdfast_counters counters;
        int64_t ats;
        bool is_there;
    } cells[CELLS_COUNT];
    char violation[256]; /* the first one */
};

static void blame(struct table *table, const struct holdfast_event *event, const char *what)
{
    if (table->violation[0] == '\0') {
        (void)snprintf(table->violation, sizeof table->violation,
                       "event %" PRIu64 ".%u (%s %s@%s) after %" PRIu64 ".%u: %s", event->lsn,
                       event->index, holdfast_kind_name(event->kind),
                       event->sku != NULL ? event->sku : "", event->location ? event->location : "",
                       table->lsn, table->index, what);
    }
}

/* "sku-7" -> 7 */
static uint32_t number_of(const char *code)
{
    return (uint32_t)strtoul(strchr(code, '-') + 1, NULL, 10);
}

static uint32_t cell_of(const char *sku, const char *location)
{
    return number_of(sku) * LOCATIONS_COUNT + number_of(location);
}

static struct holdfast_counters before(const struct holdfast_event *event)
{
    const struct holdfast_counters *after = &event->after;
    const struct holdfast_counters *delta = &event->delta;
    return (struct holdfast_counters){
        after->on_hand - delta->on_hand,     after->held - delta->held,
        after->committed - delta->committed, after->in_transit - delta->in_transit,
        after->damaged - delta->damaged,     after->quarantined - delta->quarantined};
}

static void take_event(void *arg, const struct holdfast_event *event)
{
    struct table *table = arg;

    if (event->lsn == table->lsn ? event->index != table->index + 1
                                 : event->lsn != table->lsn + 1 || event->index != 0) {
        blame(table, event, "it does not follow");
    }
    table->lsn = event->lsn;
    table->index = event->index;
    if (event->sku == NULL) {
        return;
    }
    const uint32_t cell = cell_of(event->sku, event->location);
    const struct holdfast_counters stood = before(event);
    if (memcmp(&stood, &table->cells[cell].counters, sizeof stood) != 0) {
        blame(table, event, "the cell stood at other values");
    }
    table->cells[cell].counters = event->after;
    table->cells[cell].ats = event->ats;
    table->cells[cell].is_there = true;
}

/* Compare with what the server lists. */
struct comparison {
    const struct table *table;
    uint32_t cells_count;
    bool is_elsewhere; /* something has happened since, or is not told yet */
};

static bool compare_cell(void *arg, const struct holdfast_cell *cell)
{
    struct comparison *comparison = arg;
    const uint32_t index = cell_of(cell->sku, cell->location);
    const struct holdfast_counters counters = {cell->on_hand,    cell->held,    cell->committed,
                                               cell->in_transit, cell->damaged, cell->quarantined};

    comparison->cells_count++;
    if (cell->lsn != comparison->table->lsn) {
        comparison->is_elsewhere = true;
        return false;
    }
    assert_true(comparison->table->cells[index].is_there);
    assert_memory_equal(&comparison->table->cells[index].counters, &counters, sizeof counters);
    assert_int_equal(comparison->table->cells[index].ats, cell->ats);
    return true;
}

static uint32_t cells_there(const struct table *table)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < CELLS_COUNT; i++) {
        count += table->cells[i].is_there ? 1 : 0;
    }
    return count;
}

/* False: the server stands at another LSN than the table. Ends the test when they differ at one. */
static bool is_what_the_server_lists(struct holdfast *hf, const struct table *table)
{
    const struct holdfast_list_query all = {0};
    struct comparison comparison = {.table = table};

    assert_string_equal(table->violation, "");
    assert_int_equal(holdfast_list(hf, &all, compare_cell, &comparison), HOLDFAST_OK);
    if (comparison.is_elsewhere) {
        return false;
    }
    assert_int_equal(cells_there(table), comparison.cells_count);
    return true;
}

/* ------------------------------------------------------------------ a file of `holdfast export` */

struct exported {
    char rows[2 * PATH_BYTES]; /* paths */
    char told[2 * PATH_BYTES];
    pid_t pid;
    uint64_t lsn;
};

/* Begin an export of all stock, while the server does other things. */
static void begin_export(struct exported *exported, const char *name)
{
    (void)snprintf(exported->rows, sizeof exported->rows, "%s.%s.jsonl", config_path, name);
    (void)snprintf(exported->told, sizeof exported->told, "%s.%s.told", config_path, name);
    const char *const words[] = {"export",   "stock",        exported->rows,
                                 "--server", server.address, NULL};
    exported->pid = hf_player_begin(words, "/dev/null", exported->told);
}

/* Wait for it, and find the LSN at which all its rows are true. */
static void end_export(struct exported *exported)
{
    static char told[HF_PLAYER_OUTPUT_BYTES];

    const int code = hf_player_wait(exported->pid);
    hf_player_read_file(exported->told, told);
    if (code != 0) {
        fail_msg("the export ended with %d: %s", code, told);
    }
    const char *token = strstr(told, " at 1:");
    assert_non_null(token);
    exported->lsn = strtoull(token + strlen(" at 1:"), NULL, 10);
}

static int64_t number_in(const json_t *row, const char *key)
{
    const json_t *number = json_object_get(row, key);
    assert_true(json_is_integer(number));
    return json_integer_value(number);
}

/* The table is what the file says, cell for cell; the file goes. */
static void assert_is_exported(const struct table *table, const struct exported *exported)
{
    uint32_t cells_count = 0;
    FILE *file = fopen(exported->rows, "r");

    assert_non_null(file);
    for (;;) {
        json_t *row = json_loadf(file, JSON_DISABLE_EOF_CHECK, NULL);
        if (row == NULL) {
            break;
        }
        const uint32_t index = cell_of(json_string_value(json_object_get(row, "sku")),
                                       json_string_value(json_object_get(row, "location")));
        const struct holdfast_counters counters = {
            number_in(row, "on_hand"),    number_in(row, "held"),    number_in(row, "committed"),
            number_in(row, "in_transit"), number_in(row, "damaged"), number_in(row, "quarantined")};
        assert_true(table->cells[index].is_there);
        assert_memory_equal(&table->cells[index].counters, &counters, sizeof counters);
        assert_int_equal(table->cells[index].ats, number_in(row, "ats"));
        json_decref(row);
        cells_count++;
    }
    assert_int_equal(fgetc(file), EOF);
    assert_int_equal(cells_count, cells_there(table));
    (void)fclose(file);
    assert_int_equal(unlink(exported->rows), 0);
    assert_int_equal(unlink(exported->told), 0);
}

struct stat {
    const char *name;
    uint64_t value;
};

static bool keep_stat(void *arg, const char *name, uint64_t value)
{
    struct stat *stat = arg;
    if (strcmp(name, stat->name) == 0) {
        stat->value = value;
    }
    return true;
}

static uint64_t stat_of(struct holdfast *hf, const char *name)
{
    struct stat stat = {name, UINT64_MAX};
    assert_int_equal(holdfast_get_stats(hf, keep_stat, &stat), HOLDFAST_OK);
    assert_int_not_equal(stat.value, UINT64_MAX);
    return stat.value;
}

static int64_t now_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* ------------------------------------------------------------------ the consumer */

/* Shared with the child: it fills one slot while the other is whole. */
struct shared {
    _Atomic uint32_t current;
    struct table slots[2];
    _Atomic uint64_t starts_count; /* of the consumer that got as far as a subscription */
    char address[64];
    char failure[256];
};

static _Noreturn void fail_child(struct shared *shared, const char *what, const char *why)
{
    (void)snprintf(shared->failure, sizeof shared->failure, "%s: %s", what, why);
    _exit(1);
}

/* Follow until the connection breaks. */
static void follow(struct shared *shared, struct holdfast *hf, struct table *table)
{
    const struct holdfast_subscription all = {.after = table->token};
    struct holdfast_token token;

    enum holdfast_outcome outcome = holdfast_subscribe(hf, &all, &token);
    if (outcome == HOLDFAST_UNKNOWN) {
        return;
    }
    if (outcome != HOLDFAST_OK) {
        fail_child(shared, "subscribe", holdfast_outcome_name(outcome));
    }
    if (token.lsn != table->token.lsn) {
        fail_child(shared, "subscribe", "it begins somewhere else");
    }
    shared->starts_count++;
    for (;;) {
        outcome = holdfast_next_events(hf, -1, take_event, table, &table->token);
        if (outcome == HOLDFAST_UNKNOWN) {
            return;
        }
        if (outcome != HOLDFAST_OK) {
            fail_child(shared, "events", holdfast_outcome_name(outcome));
        }
        if (table->token.lsn != table->lsn && table->violation[0] == '\0') {
            (void)snprintf(table->violation, sizeof table->violation,
                           "the token is %" PRIu64 " behind LSN %" PRIu64, table->token.lsn,
                           table->lsn);
        }
        const uint32_t other = 1 - shared->current;
        shared->slots[other] = *table;
        shared->current = other; /* from here on it need not be given again */
    }
}

/* The child: begin where the last one has got to, again and again. */
static _Noreturn void consume(struct shared *shared)
{
    static struct table table;

    for (;;) {
        char error[256];
        table = shared->slots[shared->current];
        struct holdfast *hf = holdfast_connect(shared->address, NULL, error, sizeof error);
        if (hf != NULL) {
            follow(shared, hf, &table);
            holdfast_close(hf);
        } else {
            (void)poll(NULL, 0, 5); /* the server is being started */
        }
    }
}

static pid_t start_consumer(struct shared *shared)
{
    const pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        consume(shared);
    }
    return pid;
}

static void kill_consumer(const struct shared *shared, pid_t pid)
{
    int status = 0;
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_string_equal(shared->failure, "");
    assert_string_equal(shared->slots[shared->current].violation, "");
}

/* ------------------------------------------------------------------ the writer */

struct writer {
    struct holdfast *hf;
    uint64_t frames_count;
    uint64_t lsn; /* of the newest reply */
};

/* Texts of one frame, so that records are long and the memory of the server is soon used up. */
struct frame {
    struct holdfast_op ops[OPS_MAX];
    struct holdfast_line lines[OPS_MAX];
    struct holdfast_reply replies[OPS_MAX];
    char skus[OPS_MAX][16], locations[OPS_MAX][16], tos[OPS_MAX][16];
    char ids[OPS_MAX][64], refs[OPS_MAX][64], orders[OPS_MAX][64], names[OPS_MAX][65];
};

/* Long, and nothing that could be compressed: the log grows fast. */
static void choose_name(char name[65])
{
    for (uint32_t i = 0; i < 64; i++) {
        name[i] = (char)('!' + roll(90));
    }
    name[64] = '\0';
}

static void choose_cell(struct frame *frame, uint32_t i)
{
    (void)snprintf(frame->skus[i], sizeof frame->skus[i], "sku-%u", roll(SKUS_COUNT));
    (void)snprintf(frame->locations[i], sizeof frame->locations[i], "place-%u",
                   roll(LOCATIONS_COUNT));
    frame->lines[i] = (struct holdfast_line){.sku = frame->skus[i],
                                             .location = frame->locations[i],
                                             .units = 1 + (int64_t)roll(20),
                                             .safety_stock = HOLDFAST_POLICY_KEEP,
                                             .low_stock = HOLDFAST_POLICY_KEEP,
                                             .backorder_limit = HOLDFAST_POLICY_KEEP};
    frame->ops[i].lines = &frame->lines[i];
    frame->ops[i].lines_count = 1;
}

static void choose_transfer(struct frame *frame, uint32_t i)
{
    struct holdfast_op *op = &frame->ops[i];

    if (op->kind == HOLDFAST_TRANSFER_CREATE) {
        (void)snprintf(frame->tos[i], sizeof frame->tos[i], "place-%u",
                       (number_of(frame->locations[i]) + 1) % LOCATIONS_COUNT);
        frame->lines[i].location = NULL;
        op->from = frame->locations[i];
        op->to = frame->tos[i];
        op->flags = HOLDFAST_SHIP;
    } else {
        op->lines = NULL;
        op->lines_count = 0;
    }
}

/* Fill in operation i of the kind; most will be done, some refused. */
static void choose(struct writer *writer, struct frame *frame, uint32_t i, enum holdfast_kind kind)
{
    struct holdfast_op *op = &frame->ops[i];
    const bool is_new = kind == HOLDFAST_RESERVE || kind == HOLDFAST_TRANSFER_CREATE;
    const char what = kind >= HOLDFAST_TRANSFER_CREATE ? 't' : 'r';
    const uint64_t number = is_new ? writer->frames_count * OPS_MAX + i
                                   : writer->frames_count * OPS_MAX -
                                         roll((uint32_t)(writer->frames_count % 7 + 1) * OPS_MAX);

    *op = (struct holdfast_op){.kind = kind};
    choose_cell(frame, i);
    (void)snprintf(frame->ids[i], sizeof frame->ids[i], "%c-%" PRIu64, what, number);
    (void)snprintf(frame->refs[i], sizeof frame->refs[i],
                   "a long reference of operation %u of frame %" PRIu64, i, writer->frames_count);
    (void)snprintf(frame->orders[i], sizeof frame->orders[i],
                   "an order with a long name, number %" PRIu64, number);
    op->ref = frame->refs[i];
    choose_name(frame->names[i]);
    op->by = frame->names[i];
    switch (kind) {
    case HOLDFAST_RECEIVE:
        op->order = frame->orders[i];
        op->reason = HOLDFAST_PURCHASE;
        break;
    case HOLDFAST_RESERVE:
        op->id = frame->ids[i];
        op->order = frame->orders[i];
        op->flags = HOLDFAST_TTL;
        op->ttl_us = roll(2) == 0 ? 1 + roll(300000) : 3600 * HOLDFAST_SECOND_US;
        break;
    case HOLDFAST_CONFIRM:
    case HOLDFAST_RELEASE:
    case HOLDFAST_FULFIL:
        op->id = frame->ids[i];
        op->lines = NULL;
        op->lines_count = 0;
        break;
    case HOLDFAST_SELL:
        op->flags = roll(4) == 0 ? HOLDFAST_FACT : 0;
        break;
    case HOLDFAST_MOVE_STATUS:
        op->from_status = HOLDFAST_SELLABLE;
        op->to_status = roll(2) == 0 ? HOLDFAST_DAMAGED : HOLDFAST_QUARANTINED;
        op->reason = HOLDFAST_DAMAGE;
        break;
    case HOLDFAST_SET_POLICY:
        frame->lines[i].units = 0;
        frame->lines[i].low_stock = (int64_t)roll(60);
        break;
    case HOLDFAST_TRANSFER_CREATE:
    case HOLDFAST_TRANSFER_RECEIVE:
        op->id = frame->ids[i];
        choose_transfer(frame, i);
        break;
    default:
        break;
    }
}

/* One frame of random operations. False: the connection broke. */
static bool write_frame(struct writer *writer)
{
    static const enum holdfast_kind kinds[] = {
        HOLDFAST_RECEIVE, HOLDFAST_RECEIVE,     HOLDFAST_RESERVE,         HOLDFAST_RESERVE,
        HOLDFAST_CONFIRM, HOLDFAST_FULFIL,      HOLDFAST_RELEASE,         HOLDFAST_SELL,
        HOLDFAST_SELL,    HOLDFAST_MOVE_STATUS, HOLDFAST_SET_POLICY,      HOLDFAST_SET,
        HOLDFAST_ADJUST,  HOLDFAST_RECEIVE,     HOLDFAST_TRANSFER_CREATE, HOLDFAST_TRANSFER_RECEIVE,
    };
    static struct frame frame;
    const enum holdfast_kind kind = kinds[roll(sizeof kinds / sizeof kinds[0])];

    writer->frames_count++;
    for (uint32_t i = 0; i < OPS_MAX; i++) {
        choose(writer, &frame, i, kind);
    }
    (void)holdfast_execute(writer->hf, frame.ops, OPS_MAX, frame.replies);
    for (uint32_t i = 0; i < OPS_MAX; i++) {
        if (frame.replies[i].outcome == HOLDFAST_UNKNOWN) {
            return false;
        }
        assert_int_not_equal(frame.replies[i].outcome, HOLDFAST_INVALID_ARGUMENT);
        if (frame.replies[i].lsn > writer->lsn) {
            writer->lsn = frame.replies[i].lsn;
        }
    }
    return true;
}

static void restart_server(struct shared *shared, struct writer *writer)
{
    holdfast_close(writer->hf);
    hf_fixture_kill(&server);
    assert_true(hf_fixture_restart(&server));
    memcpy(shared->address, server.address, sizeof shared->address);
    writer->hf = open_handle();
}

/* Export the stock while operations go on. */
static void export_half_way(struct writer *writer, struct exported *exported)
{
    begin_export(exported, "half-way");
    for (int i = 0; i < 20; i++) {
        assert_true(write_frame(writer));
    }
    end_export(exported);
}

/* Wait until the consumer's table is the server's, which may still end holds. */
static void wait_until_equal(const struct shared *shared, struct writer *writer)
{
    const int64_t deadline_ms = now_ms() + WAIT_MS;

    while (!is_what_the_server_lists(writer->hf, &shared->slots[shared->current])) {
        if (shared->failure[0] != '\0' || now_ms() > deadline_ms) {
            fail_msg("the consumer stands at %" PRIu64 " and gets no further: %s",
                     shared->slots[shared->current].lsn, shared->failure);
        }
        (void)poll(NULL, 0, 2);
    }
}

/* The consumer's table is what an export writes; again, when a hold has ended in between. */
static void compare_with_an_export(const struct shared *shared, struct writer *writer)
{
    struct exported exported = {.lsn = 0};

    for (;;) {
        wait_until_equal(shared, writer);
        begin_export(&exported, "end");
        end_export(&exported);
        const struct table *table = &shared->slots[shared->current];
        if (exported.lsn == table->lsn) {
            assert_is_exported(table, &exported);
            return;
        }
    }
}

/* A table on its way past the LSN of an export. */
struct passing {
    struct table *table;
    const struct exported *exported;
    bool is_compared;
};

static void take_event_and_compare(void *arg, const struct holdfast_event *event)
{
    struct passing *passing = arg;
    if (!passing->is_compared && event->lsn > passing->exported->lsn) {
        assert_is_exported(passing->table, passing->exported);
        passing->is_compared = true;
    }
    take_event(passing->table, event);
}

/* All from 1:0 on, in one go, as a consumer does that is new. */
static void follow_from_the_begin(struct writer *writer, const struct exported *half_way)
{
    static struct table table;
    struct passing passing = {.table = &table, .exported = half_way};
    const struct holdfast_subscription all = {.after = {.epoch = 1}};
    struct holdfast *hf = open_handle();

    table = (struct table){.token = all.after};
    assert_int_equal(holdfast_subscribe(hf, &all, &table.token), HOLDFAST_OK);
    assert_int_equal(table.token.epoch, 1);
    assert_int_equal(table.token.lsn, 0);
    do {
        assert_int_equal(
            holdfast_next_events(hf, WAIT_MS, take_event_and_compare, &passing, &table.token),
            HOLDFAST_OK);
        assert_int_equal(table.token.lsn, table.lsn);
    } while (table.lsn < writer->lsn || !is_what_the_server_lists(writer->hf, &table));
    assert_true(passing.is_compared);
    holdfast_close(hf);
}

static void a_consumer_rebuilds_the_table(void **state)
{
    const char *scale = getenv("SCALE");
    const uint64_t lsn_wanted = scale != NULL && strcmp(scale, "full") == 0 ? 1000000 : 100000;
    struct shared *shared =
        mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    struct writer writer = {0};
    struct exported half_way = {.lsn = 0};
    uint32_t kills_count = 0;
    uint32_t restarts_count = 0;
    (void)state;

    assert_ptr_not_equal(shared, MAP_FAILED);
    start_server("[data]\nsegment_size = 8MiB\n[engine]\nledger_size = 16MiB\n");
    memcpy(shared->address, server.address, sizeof shared->address);
    shared->slots[0].token.epoch = 1;
    writer.hf = open_handle();
    pid_t pid = start_consumer(shared);
    while (writer.lsn < lsn_wanted) {
        if (roll(25) == 0) {
            kill_consumer(shared, pid);
            kills_count++;
            /* Now and then it stays away for long: what it has missed is no longer in memory. */
            for (uint32_t i = roll(3) == 0 ? roll(200) : 0; i > 0; i--) {
                assert_true(write_frame(&writer));
            }
            pid = start_consumer(shared);
        }
        if (roll(80) == 0) {
            restart_server(shared, &writer);
            restarts_count++;
        }
        assert_true(write_frame(&writer));
        if (half_way.lsn == 0 && writer.lsn > lsn_wanted / 2) {
            export_half_way(&writer, &half_way);
        }
    }
    compare_with_an_export(shared, &writer);
    kill_consumer(shared, pid);
    print_message("%" PRIu64 " operations, consumer killed %u times, server %u times\n", writer.lsn,
                  kills_count, restarts_count);
    assert_true(stat_of(writer.hf, "ledger_first_lsn") > 1); /* so the files are read */
    follow_from_the_begin(&writer, &half_way);
    holdfast_close(writer.hf);
    (void)munmap(shared, sizeof *shared);
    stop_server();
}

/* ------------------------------------------------------------------ ends, and what goes before */

static enum holdfast_outcome receive(struct holdfast *hf, const char *location, int64_t units,
                                     uint64_t *lsn)
{
    const struct holdfast_line line = {.sku = "sku-1", .location = location, .units = units};
    const struct holdfast_op op = {
        .kind = HOLDFAST_RECEIVE, .reason = HOLDFAST_PURCHASE, .lines = &line, .lines_count = 1};
    struct holdfast_reply reply;
    const enum holdfast_outcome outcome = holdfast_execute(hf, &op, 1, &reply);
    *lsn = reply.lsn;
    return outcome;
}

static void count_event(void *arg, const struct holdfast_event *event)
{
    uint64_t *count = arg;
    (void)event;
    *count += 1;
}

/* Frames until the token is at least at `lsn`. */
static uint64_t events_up_to(struct holdfast *hf, struct holdfast_token *token, uint64_t lsn)
{
    uint64_t count = 0;
    while (token->lsn < lsn) {
        assert_int_equal(holdfast_next_events(hf, WAIT_MS, count_event, &count, token),
                         HOLDFAST_OK);
    }
    return count;
}

static void filters_and_progress(void **state)
{
    const struct holdfast_subscription here = {.after = {.epoch = 1}, .location = "place-2"};
    const struct holdfast_subscription nowhere = {.location = "no such place"};
    const struct holdfast_subscription now = {.flags = HOLDFAST_FEED_STOCK};
    struct holdfast_token token = {0};
    uint64_t lsn = 0;
    (void)state;

    start_server("");
    struct holdfast *writer = open_handle();
    struct holdfast *reader = open_handle();
    struct holdfast *newest = open_handle();
    for (int i = 0; i < 10; i++) {
        assert_int_equal(receive(writer, i % 2 == 0 ? "place-1" : "place-2", 1, &lsn), HOLDFAST_OK);
    }
    assert_int_equal(holdfast_subscribe(reader, &nowhere, &token), HOLDFAST_UNKNOWN_LOCATION);
    assert_int_equal(holdfast_subscribe(reader, &here, &token), HOLDFAST_OK);
    assert_int_equal(token.lsn, 0);
    assert_int_equal(events_up_to(reader, &token, lsn), 5);

    /* Only what was not asked for: the token moves on all the same. */
    assert_int_equal(receive(writer, "place-1", 1, &lsn), HOLDFAST_OK);
    assert_int_equal(events_up_to(reader, &token, lsn), 0);

    assert_int_equal(holdfast_subscribe(newest, &now, &token), HOLDFAST_OK);
    assert_int_equal(token.epoch, 1);
    assert_int_equal(token.lsn, lsn);
    assert_int_equal(receive(writer, "place-3", 1, &lsn), HOLDFAST_OK);
    assert_int_equal(events_up_to(newest, &token, lsn), 1);

    /* The connection carries nothing else. */
    assert_int_equal(receive(newest, "place-1", 1, &lsn), HOLDFAST_INVALID_ARGUMENT);
    assert_int_equal(holdfast_ping(newest), HOLDFAST_INVALID_ARGUMENT);
    assert_int_equal(stat_of(writer, "subscriptions"), 2);
    assert_int_equal(stat_of(writer, "feed_lag"), 0);
    holdfast_close(newest);
    holdfast_close(reader);
    holdfast_close(writer);
    stop_server();
}

static void too_many_subscriptions(void **state)
{
    const struct holdfast_subscription now = {0};
    struct holdfast_token token;
    (void)state;

    start_server("[server]\nsubscriptions_max = 1\n");
    struct holdfast *first = open_handle();
    struct holdfast *second = open_handle();
    assert_int_equal(holdfast_subscribe(first, &now, &token), HOLDFAST_OK);
    assert_int_equal(holdfast_subscribe(second, &now, &token), HOLDFAST_LIMIT_EXCEEDED);
    assert_int_equal(holdfast_ping(second), HOLDFAST_OK); /* it is an ordinary one still */
    holdfast_close(first);
    const int64_t deadline_ms = now_ms() + WAIT_MS;
    while (stat_of(second, "subscriptions") > 0 && now_ms() < deadline_ms) {
        (void)poll(NULL, 0, 1); /* the server sees the end later than we do */
    }
    assert_int_equal(holdfast_subscribe(second, &now, &token), HOLDFAST_OK);
    holdfast_close(second);
    stop_server();
}

/* What happened before the stop is given, and then the connection ends. */
static void a_stop_gives_all_first(void **state)
{
    const struct holdfast_subscription all = {.after = {.epoch = 1}};
    struct holdfast_token token;
    uint64_t lsn = 0;
    uint64_t count = 0;
    (void)state;

    start_server("");
    struct holdfast *writer = open_handle();
    struct holdfast *reader = open_handle();
    assert_int_equal(holdfast_subscribe(reader, &all, &token), HOLDFAST_OK);
    for (int i = 0; i < 100; i++) {
        assert_int_equal(receive(writer, "place-1", 1, &lsn), HOLDFAST_OK);
    }
    hf_fixture_signal(&server, SIGTERM);
    assert_int_equal(hf_fixture_wait(&server), 0);
    while (holdfast_next_events(reader, WAIT_MS, count_event, &count, &token) == HOLDFAST_OK) {
    }
    assert_int_equal(token.lsn, lsn);
    assert_int_equal(count, 100);
    assert_int_equal(holdfast_next_events(reader, 0, count_event, &count, &token),
                     HOLDFAST_UNKNOWN);
    holdfast_close(reader);
    holdfast_close(writer);

    /* The token is good for the next server, too. */
    assert_true(hf_fixture_restart(&server));
    writer = open_handle();
    reader = open_handle();
    const struct holdfast_subscription rest = {.after = token};
    assert_int_equal(holdfast_subscribe(reader, &rest, &token), HOLDFAST_OK);
    assert_int_equal(receive(writer, "place-1", 1, &lsn), HOLDFAST_OK);
    assert_int_equal(events_up_to(reader, &token, lsn), 1);
    holdfast_close(reader);
    holdfast_close(writer);
    stop_server();
}

/* A token of a log that was dropped, of a fork, of the future: gone, with one that is good. */
static void tokens_that_are_gone(void **state)
{
    struct writer writer = {0};
    uint64_t snapshot_lsn = 0;
    (void)state;

    start_server("[data]\nsegment_size = 8MiB\nlog_kept = 0\nsnapshots_kept = 1\n"
                 "[engine]\nledger_size = 16MiB\n");
    writer.hf = open_handle();
    for (int i = 0; i < 3; i++) {
        const uint64_t until = writer.lsn + 70000;
        while (writer.lsn < until) {
            assert_true(write_frame(&writer));
        }
        assert_int_equal(holdfast_snapshot(writer.hf, &snapshot_lsn), HOLDFAST_OK);
    }
    const struct holdfast_token asked[] = {{1, 0}, {1, 5}, {1, UINT64_C(1) << 60}, {2, 7}};
    for (size_t i = 0; i < sizeof asked / sizeof asked[0]; i++) {
        struct holdfast_subscription from = {.after = asked[i]};
        struct holdfast_token token = {0};
        struct holdfast *reader = open_handle();
        assert_int_equal(holdfast_subscribe(reader, &from, &token), HOLDFAST_GONE);
        assert_int_equal(token.epoch, 1);
        assert_true(token.lsn > 5);
        from.after = token;
        assert_int_equal(holdfast_subscribe(reader, &from, &token), HOLDFAST_OK);
        assert_int_equal(token.lsn, from.after.lsn);
        assert_int_equal(receive(writer.hf, "place-1", 1, &writer.lsn), HOLDFAST_OK);
        assert_true(events_up_to(reader, &token, writer.lsn) > 0);
        holdfast_close(reader);
    }
    holdfast_close(writer.hf);
    stop_server();
}

/* A consumer that takes nothing is ended; the writer never waits for it; it can come back. */
static void a_consumer_that_takes_nothing(void **state)
{
    const struct holdfast_subscription all = {.after = {.epoch = 1}};
    const int64_t deadline_ms = now_ms() + WAIT_MS;
    struct writer writer = {0};
    struct holdfast_token token;
    enum holdfast_outcome outcome = HOLDFAST_OK;
    uint64_t count = 0;
    (void)state;

    start_server("[server]\nfeed_stall_timeout = 300ms\n");
    writer.hf = open_handle();
    struct holdfast *reader = open_handle();
    assert_int_equal(holdfast_subscribe(reader, &all, &token), HOLDFAST_OK);
    while (stat_of(writer.hf, "subscriptions") > 0 && now_ms() < deadline_ms) {
        assert_true(write_frame(&writer));
    }
    assert_int_equal(stat_of(writer.hf, "subscriptions"), 0);
    while (outcome == HOLDFAST_OK) {
        outcome = holdfast_next_events(reader, WAIT_MS, count_event, &count, &token);
    }
    assert_true(outcome == HOLDFAST_BUSY || outcome == HOLDFAST_UNKNOWN);
    assert_true(token.lsn > 0 && token.lsn < writer.lsn);
    holdfast_close(reader);

    reader = open_handle();
    const struct holdfast_subscription rest = {.after = token};
    assert_int_equal(holdfast_subscribe(reader, &rest, &token), HOLDFAST_OK);
    assert_int_equal(token.lsn, rest.after.lsn);
    (void)events_up_to(reader, &token, writer.lsn);
    holdfast_close(reader);
    holdfast_close(writer.hf);
    stop_server();
}

int main(void)
{
    const char *seed = getenv("SEED");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(filters_and_progress),
        cmocka_unit_test(too_many_subscriptions),
        cmocka_unit_test(a_stop_gives_all_first),
        cmocka_unit_test(tokens_that_are_gone),
        cmocka_unit_test(a_consumer_that_takes_nothing),
        cmocka_unit_test(a_consumer_rebuilds_the_table),
    };
    random_state = seed != NULL && seed[0] != '\0'
                       ? (uint64_t)strtoull(seed, NULL, 10)
                       : (uint64_t)time(NULL) ^ (uint64_t)(unsigned)getpid();
    print_message("seed %" PRIu64 "\n", random_state);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
