/*
 * test_subscribe.c - the change feed: tokens, order, filters, hand-over, slow consumers, ends.
 *
 * Method: the real feed, dispatch and connection over a log whose files and durable LSN the test
 * sets (feed_world.h). A collector reads the frames that come as a client would: each event must
 * follow the one before it, and no token may stand inside an operation. What filters let through is
 * compared with what they should, entry by entry.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/feed_world.h"

static struct hf_feed_world *world;

static int begin(void **state)
{
    (void)state;
    world = hf_feed_world_create(256);
    return 0;
}

static int end(void **state)
{
    (void)state;
    hf_feed_world_free(world);
    return 0;
}

/* ------------------------------------------------------------------ a collector */

struct collector {
    struct hf_subscriber subscriber;
    struct hf_buffer out;
    struct hf_token token; /* of the last frame */
    uint64_t last_lsn;     /* of the last event; 0: none yet */
    uint32_t last_index;
    bool is_gapless; /* nothing is filtered: LSN and index rise by one */
    uint64_t events_count, frames_count, empty_frames_count;
    uint64_t kinds[HF_EVENT_KINDS_END];
    int64_t on_hand;     /* sum of deltas */
    enum hf_err outcome; /* of the error frame that ended it; HF_OK: it goes on */
};

static void collect_event(struct collector *collector, const struct hf_event *event)
{
    const bool is_same = event->lsn == collector->last_lsn;

    assert_true(event->lsn > collector->last_lsn ||
                (is_same && event->index > collector->last_index));
    if (collector->is_gapless) {
        assert_int_equal(event->index, is_same ? collector->last_index + 1 : 0);
        assert_true(is_same || event->lsn == collector->last_lsn + 1);
    }
    collector->last_lsn = event->lsn;
    collector->last_index = event->index;
    collector->events_count++;
    collector->kinds[event->kind]++;
    collector->on_hand += event->delta[HF_ON_HAND];
}

static void collect_frame(struct collector *collector, const struct hf_frame *frame)
{
    struct hf_items body = hf_items_of(frame->body, frame->body_bytes);
    struct hf_token token;
    struct hf_reply reply;

    assert_int_equal(frame->operation, HF_ASK_EVENTS);
    assert_int_equal(frame->correlation, 77);
    assert_int_equal(collector->outcome, HF_OK); /* nothing follows the end */
    if ((frame->flags & HF_FRAME_ERROR) != 0) {
        assert_int_equal(hf_reply_next(&body, &reply), HF_OK);
        collector->outcome = reply.outcome;
        collector->token = (struct hf_token){(uint32_t)reply.argument, reply.lsn};
        return;
    }
    assert_int_equal(hf_events_head_next(&body, &token), HF_OK);
    assert_true(token.lsn >= collector->token.lsn);
    assert_true(token.lsn <= world->world.durable_lsn);
    for (uint32_t i = 0; i < frame->count; i++) {
        struct hf_event event;
        struct hf_items hits;
        uint32_t epoch;
        assert_int_equal(hf_event_next(&body, &event, &epoch, &hits), HF_OK);
        assert_true(event.lsn > collector->token.lsn); /* it was not given before */
        collect_event(collector, &event);
    }
    assert_true(body.at == body.end);
    assert_true(frame->body_bytes <= HF_FEED_FRAME_BYTES + HF_EVENT_ENTRY_BYTES_MAX);
    /* Only the operation that is under way may reach beyond the token. */
    assert_true(collector->last_lsn <= token.lsn + 1);
    collector->token = token;
    collector->frames_count++;
    collector->empty_frames_count += frame->count == 0 ? 1 : 0;
}

static void collect(struct collector *collector)
{
    while (hf_buffer_count(&collector->out) > 0) {
        struct hf_frame frame;
        size_t frame_bytes;
        enum hf_field fault;
        assert_int_equal(hf_frame_decode(hf_buffer_front(&collector->out),
                                         hf_buffer_count(&collector->out), HF_FRAME_BYTES_DEFAULT,
                                         HF_FRAME_REPLY | HF_FRAME_ERROR, &frame, &frame_bytes,
                                         &fault),
                         HF_OK);
        collect_frame(collector, &frame);
        hf_buffer_take(&collector->out, frame_bytes);
    }
}

/* Takes whatever it is given, at once. */
static void serve(void *ctx)
{
    struct collector *collector = ctx;
    while (hf_feed_next(&collector->subscriber, &collector->out) == HF_FEED_FRAME) {
        collect(collector);
    }
    collect(collector);
}

static enum hf_err subscribe(struct collector *collector, const struct hf_subscription *wish)
{
    *collector = (struct collector){0};
    collector->subscriber.serve = serve;
    collector->subscriber.ctx = collector;
    collector->is_gapless = wish->location.bytes_count == 0 && wish->prefix.bytes_count == 0 &&
                            (wish->kinds[0] | wish->kinds[1]) == 0 &&
                            (wish->flags & HF_FEED_STOCK) == 0;
    const enum hf_err outcome =
        hf_feed_world_subscribe(world, wish, &collector->subscriber, &collector->token);
    collector->last_lsn = collector->token.lsn;
    return outcome;
}

static void leave(struct collector *collector)
{
    hf_feed_unsubscribe(&collector->subscriber);
    hf_buffer_release(&collector->out);
}

/* Rounds and reads until nothing happens any more. */
static void run(void)
{
    uint64_t arrivals = world->arrivals_count;
    for (;;) {
        while (hf_feed_round(&world->feed, true)) {
        }
        if (world->reads_count > 0) {
            hf_feed_world_answer(world, HF_OK);
        }
        if (arrivals == world->arrivals_count) {
            return;
        }
        arrivals = world->arrivals_count;
    }
}

/* ------------------------------------------------------------------ tokens */

/* A log of 40 records in epochs 1: 1.., 3: 11.., 4: 21..; the files begin with 6. */
static const struct token_row {
    const char *name;
    struct hf_token asked;
    enum hf_err want;
    struct hf_token token;
} token_rows[] = {
    {"from now on", {0, 0}, HF_OK, {4, 40}},
    {"the newest", {4, 40}, HF_OK, {4, 40}},
    {"of the future", {4, 41}, HF_GONE, {4, 40}},
    {"of a far future", {4, UINT64_MAX}, HF_GONE, {4, 40}},
    {"first of the current epoch", {4, 21}, HF_OK, {4, 21}},
    {"just before it", {4, 20}, HF_OK, {4, 20}},
    {"the epoch had not begun", {4, 19}, HF_GONE, {3, 19}},
    {"the last of the older epoch", {3, 20}, HF_OK, {3, 20}},
    {"past its fork", {3, 21}, HF_GONE, {3, 20}},
    {"far past its fork", {3, 35}, HF_GONE, {3, 20}},
    {"an epoch that is not ours", {2, 8}, HF_GONE, {1, 8}},
    {"and longer than what is shared", {2, 15}, HF_GONE, {1, 10}},
    {"an epoch that is newer", {9, 30}, HF_GONE, {4, 30}},
    {"and longer than all", {9, 90}, HF_GONE, {4, 40}},
    {"where the log begins", {1, 5}, HF_OK, {1, 5}},
    {"one before that", {1, 4}, HF_GONE, {1, 5}},
    {"the very begin", {1, 0}, HF_GONE, {1, 5}},
    {"past the first fork", {1, 11}, HF_GONE, {1, 10}},
};

static void tokens(void **state)
{
    (void)state;
    for (int i = 0; i < 40; i++) {
        (void)hf_feed_world_receive(world, "A", "L", 1);
    }
    world->epochs[1] = (struct hf_log_epoch){3, 11};
    world->epochs[2] = (struct hf_log_epoch){4, 21};
    world->world.log.epochs_count = 3;
    world->world.log.epoch = 4;
    world->first_lsn = 6;
    hf_feed_world_sync(world);
    hf_feed_world_forget(world, 30);
    for (size_t i = 0; i < sizeof token_rows / sizeof token_rows[0]; i++) {
        const struct token_row *row = &token_rows[i];
        struct hf_subscription wish = {.after = row->asked};
        struct collector collector;

        const enum hf_err outcome = subscribe(&collector, &wish);
        if (outcome != row->want || collector.token.lsn != row->token.lsn ||
            collector.token.epoch != row->token.epoch) {
            fail_msg("%s: %s, %u:%llu", row->name, hf_err_name(outcome), collector.token.epoch,
                     (unsigned long long)collector.token.lsn);
        }
        if (outcome == HF_GONE) { /* what is answered is good */
            wish.after = collector.token;
            assert_int_equal(subscribe(&collector, &wish), HF_OK);
            assert_int_equal(collector.token.lsn, row->token.lsn);
        }
        run();
        assert_int_equal(collector.token.lsn, 40);
        assert_int_equal(collector.token.epoch, 4);
        assert_int_equal(collector.events_count, 40 - row->token.lsn);
        leave(&collector);
    }
}

static void refusals(void **state)
{
    const struct {
        const char *name;
        struct hf_subscription wish;
        enum hf_err want;
    } rows[] = {
        {"good", {.location = hf_text_of("L")}, HF_OK},
        {"no such place", {.location = hf_text_of("M")}, HF_UNKNOWN_LOCATION},
        {"a place that is no code", {.location = hf_text_of("L\n")}, HF_INVALID_ARGUMENT},
        {"flags that do not exist", {.flags = 4}, HF_INVALID_ARGUMENT},
        {"an LSN without an epoch", {.after = {0, 1}}, HF_INVALID_ARGUMENT},
        {"a prefix that nobody has", {.prefix = hf_text_of("Z")}, HF_OK},
    };
    (void)state;
    (void)hf_feed_world_receive(world, "A", "L", 1);
    hf_feed_world_sync(world);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct collector collector;
        const enum hf_err outcome = subscribe(&collector, &rows[i].wish);
        if (outcome != rows[i].want) {
            fail_msg("%s: %s", rows[i].name, hf_err_name(outcome));
        }
        leave(&collector);
    }
}

static void so_many_and_no_more(void **state)
{
    const struct hf_subscription now = {0};
    struct collector collectors[3];
    (void)state;

    world->feed.config.subscriptions_max = 2;
    assert_int_equal(subscribe(&collectors[0], &now), HF_OK);
    assert_int_equal(subscribe(&collectors[1], &now), HF_OK);
    assert_int_equal(subscribe(&collectors[2], &now), HF_LIMIT_EXCEEDED);
    leave(&collectors[0]);
    assert_int_equal(subscribe(&collectors[2], &now), HF_OK);
    leave(&collectors[1]);
    leave(&collectors[2]);
    assert_int_equal(world->feed.subscribers_count, 0);
}

/* ------------------------------------------------------------------ order and hand-over */

/* Operations of all sorts; returns the newest LSN. */
static uint64_t work(uint32_t count)
{
    static uint32_t number;
    uint64_t lsn = 0;
    for (uint32_t i = 0; i < count; i++, number++) {
        char sku[16], place[16], id[16];
        (void)snprintf(sku, sizeof sku, "%s-%u", number % 3 == 0 ? "shoe" : "shirt", number % 7);
        (void)snprintf(place, sizeof place, "place-%u", number % 4);
        (void)snprintf(id, sizeof id, "id-%u", number);
        lsn = hf_feed_world_receive(world, sku, place, 5);
        const struct hf_op_line line = {
            .sku = hf_text_of(sku), .location = hf_text_of(place), .units = 2};
        struct hf_op op = {.kind = HF_KIND_RESERVE,
                           .id = hf_text_of(id),
                           .by = hf_text_of("ann"),
                           .lines = &line,
                           .lines_count = 1};
        lsn = hf_feed_world_apply(world, &op);
        op = (struct hf_op){.kind = number % 2 == 0 ? HF_KIND_CONFIRM : HF_KIND_RELEASE,
                            .id = hf_text_of(id)};
        lsn = hf_feed_world_apply(world, &op);
    }
    return lsn;
}

/* From every LSN, in both forms, whatever part of it is in memory: no gap, no repeat. */
static void from_memory_and_files(void **state)
{
    (void)state;
    const uint64_t newest = work(40);
    hf_feed_world_sync(world);
    for (uint64_t memory = 1; memory <= newest + 1; memory += 20) {
        hf_feed_world_forget(world, memory);
        for (uint64_t lsn = 0; lsn <= newest; lsn += 7) {
            for (unsigned flags = 0; flags <= HF_FEED_MOVES; flags++) {
                const struct hf_subscription wish = {.after = {1, lsn}, .flags = flags};
                struct collector collector;
                assert_int_equal(subscribe(&collector, &wish), HF_OK);
                run();
                assert_int_equal(collector.token.lsn, newest);
                assert_int_equal(collector.last_lsn, newest);
                assert_true(collector.events_count >= newest - lsn);
                leave(&collector);
            }
        }
    }
}

/* While a consumer catches up from the files the log goes on, and memory forgets more. */
static void hand_over_to_memory(void **state)
{
    const struct hf_subscription all = {.after = {1, 0}};
    struct collector early, late;
    uint64_t newest = work(50);
    (void)state;

    hf_feed_world_sync(world);
    assert_int_equal(subscribe(&early, &all), HF_OK);
    for (int i = 0; i < 60; i++) {
        hf_feed_world_forget(world, newest - (uint64_t)(i % 5));
        while (hf_feed_round(&world->feed, true)) {
        }
        newest = work(3); /* not durable yet: not told */
        while (hf_feed_round(&world->feed, true)) {
        }
        assert_true(early.last_lsn <= world->world.durable_lsn);
        hf_feed_world_sync(world);
        if (world->reads_count > 0) {
            hf_feed_world_answer(world, HF_OK);
        }
        if (i == 30) {
            assert_int_equal(subscribe(&late, &all), HF_OK);
        }
    }
    run();
    assert_int_equal(early.token.lsn, newest);
    assert_int_equal(late.token.lsn, newest);
    assert_int_equal(early.events_count, late.events_count);
    assert_int_equal(early.on_hand, late.on_hand);
    leave(&early);
    leave(&late);
}

/* A record of thousands of cells needs several frames; the token moves past it with the last. */
static void one_huge_operation(void **state)
{
    const struct hf_subscription all = {.after = {1, 0}};
    const struct hf_subscription here = {.after = {1, 0}, .location = {"HERE", 4}};
    struct collector whole, filtered;
    (void)state;

    (void)hf_feed_world_receive(world, "A", "HERE", 1);
    (void)hf_feed_world_receive_many(world, 990, "HERE");
    (void)hf_feed_world_receive_many(world, 990, "THERE");
    (void)hf_feed_world_receive_many(world, 990, "YONDER");
    (void)hf_feed_world_receive(world, "A", "HERE", 1);
    hf_feed_world_sync(world);
    assert_int_equal(subscribe(&whole, &all), HF_OK);
    assert_int_equal(subscribe(&filtered, &here), HF_OK);
    run();
    assert_int_equal(whole.events_count, 2 + 3 * 990);
    assert_true(whole.frames_count > 3);
    assert_int_equal(filtered.events_count, 2 + 990);
    assert_int_equal(whole.token.lsn, 5);
    assert_int_equal(filtered.token.lsn, 5);
    leave(&whole);
    leave(&filtered);
}

/* ------------------------------------------------------------------ filters, progress */

static void filters(void **state)
{
    const struct {
        const char *name;
        struct hf_subscription wish;
        uint64_t want; /* of 60 rounds of receive, reserve, and confirm or release */
    } rows[] = {
        {"all", {.after = {1, 0}}, 180},
        {"one place", {.after = {1, 0}, .location = hf_text_of("place-1")}, 45},
        {"a prefix", {.after = {1, 0}, .prefix = hf_text_of("shoe")}, 60},
        {"the whole code", {.after = {1, 0}, .prefix = hf_text_of("shirt-1")}, 0},
        {"longer than a code", {.after = {1, 0}, .prefix = hf_text_of("shirt-1-1-1")}, 0},
        {"receives", {.after = {1, 0}, .kinds = {UINT64_C(1) << HF_KIND_RECEIVE, 0}}, 60},
        {"reserves and confirms",
         {.after = {1, 0},
          .kinds = {UINT64_C(1) << HF_KIND_RESERVE | UINT64_C(1) << HF_KIND_CONFIRM, 0}},
         90},
        {"alerts", {.after = {1, 0}, .kinds = {0, UINT64_C(1) << (HF_ALERT_LOW_STOCK - 64)}}, 0},
        {"stock moved", {.after = {1, 0}, .flags = HF_FEED_STOCK}, 60},
        {"stock moved there", {.after = {1, 0}, .location = hf_text_of("place-2"), .flags = 3}, 15},
    };
    struct collector all;
    (void)state;

    const uint64_t newest = work(60);
    hf_feed_world_sync(world);
    (void)subscribe(&all, &rows[0].wish);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct collector collector;
        assert_int_equal(subscribe(&collector, &rows[i].wish), HF_OK);
        run();
        if (i != 3 && collector.events_count != rows[i].want) {
            fail_msg("%s: %llu events", rows[i].name, (unsigned long long)collector.events_count);
        }
        assert_true(i != 3 || (collector.events_count > 0 && collector.events_count < 120));
        world->world.now_us += HF_FEED_PROGRESS_US;
        run();
        assert_int_equal(collector.token.lsn, newest); /* told or not, all is behind it */
        leave(&collector);
    }
    leave(&all);
}

static void tokens_move_on(void **state)
{
    const struct hf_subscription nothing = {.prefix = {"none", 4}};
    struct collector collector;
    (void)state;

    (void)work(1);
    hf_feed_world_sync(world);
    assert_int_equal(subscribe(&collector, &nothing), HF_OK);
    const uint64_t begin_lsn = collector.token.lsn;
    world->world.now_us += HF_FEED_PROGRESS_US * 2; /* nothing has happened: nothing is said */
    run();
    assert_int_equal(collector.frames_count, 0);
    const uint64_t lsn = work(1);
    hf_feed_world_sync(world);
    run();
    assert_int_equal(collector.empty_frames_count, 1);
    assert_int_equal(collector.token.lsn, lsn);
    assert_true(lsn > begin_lsn);

    (void)work(1); /* too soon to be worth a frame */
    hf_feed_world_sync(world);
    run();
    assert_int_equal(collector.frames_count, 1);
    world->world.now_us += HF_FEED_PROGRESS_US;
    run();
    assert_int_equal(collector.frames_count, 2);
    world->world.now_us += HF_FEED_KEEPALIVE_US; /* silence: is anybody there? */
    run();
    assert_int_equal(collector.frames_count, 3);
    assert_int_equal(collector.events_count, 0);
    leave(&collector);
}

/* ------------------------------------------------------------------ reads that fail */

static void a_read_that_fails(void **state)
{
    static const struct {
        enum hf_err err, want;
    } rows[] = {{HF_GONE, HF_GONE}, {HF_CORRUPT, HF_GONE}, {HF_IO, HF_BUSY}};
    const struct hf_subscription all = {.after = {1, 2}};
    (void)state;

    const uint64_t newest = work(10);
    hf_feed_world_sync(world);
    hf_feed_world_forget(world, 20);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct collector collector;
        assert_int_equal(subscribe(&collector, &all), HF_OK);
        while (hf_feed_round(&world->feed, true)) {
        }
        assert_int_equal(world->reads_count, 1);
        hf_feed_world_answer(world, rows[i].err);
        while (hf_feed_round(&world->feed, true)) {
        }
        assert_int_equal(collector.outcome, rows[i].want);
        assert_int_equal(collector.token.lsn, rows[i].want == HF_BUSY ? 2 : 19);
        assert_null(collector.subscriber.feed);

        const struct hf_subscription rest = {.after = collector.token};
        leave(&collector);
        assert_int_equal(subscribe(&collector, &rest), HF_OK);
        run();
        assert_int_equal(collector.token.lsn, newest);
        leave(&collector);
    }

    /* The log is dropped while it is caught up with: the next token is one that can be had. */
    struct collector collector;
    assert_int_equal(subscribe(&collector, &all), HF_OK);
    world->first_lsn = 12;
    run();
    assert_int_equal(collector.outcome, HF_OK); /* a piece of it was at hand still */
    leave(&collector);
}

static void the_log_is_dropped_underneath(void **state)
{
    const struct hf_subscription all = {.after = {1, 0}};
    struct collector collector;
    (void)state;

    (void)work(10);
    hf_feed_world_sync(world);
    hf_feed_world_forget(world, 25);
    assert_int_equal(subscribe(&collector, &all), HF_OK);
    world->first_lsn = 12;
    run();
    assert_int_equal(collector.outcome, HF_GONE);
    assert_int_equal(collector.token.lsn, 11);
    const struct hf_subscription rest = {.after = collector.token};
    leave(&collector);
    assert_int_equal(subscribe(&collector, &rest), HF_OK);
    run();
    assert_int_equal(collector.token.lsn, 30);
    leave(&collector);
}

static void no_memory_to_read(void **state)
{
    const struct hf_subscription all = {.after = {1, 0}};
    struct collector collector;
    (void)state;

    (void)work(4);
    hf_feed_world_sync(world);
    hf_feed_world_forget(world, 5);
    assert_int_equal(subscribe(&collector, &all), HF_OK);
    world->read_err = HF_NO_MEMORY;
    run();
    assert_int_equal(collector.outcome, HF_OK); /* it waits: another round tries again */
    assert_int_equal(collector.events_count, 0);
    world->read_err = HF_OK;
    run();
    assert_int_equal(collector.token.lsn, 12);
    leave(&collector);
}

/* Between the rounds for everyone only who is due gets something, however much has happened. */
static void only_who_is_due(void **state)
{
    const struct hf_subscription now = {.after = {1, 0}};
    struct collector first, second;
    (void)state;

    assert_int_equal(subscribe(&first, &now), HF_OK);
    assert_int_equal(subscribe(&second, &now), HF_OK);
    const uint64_t begin = work(5);
    hf_feed_world_sync(world);
    assert_false(hf_feed_round(&world->feed, false)); /* who has just come is due */
    assert_int_equal(first.last_lsn, begin);
    assert_int_equal(second.last_lsn, begin);

    const uint64_t middle = work(5);
    hf_feed_world_sync(world);
    assert_false(hf_feed_round(&world->feed, false));
    assert_int_equal(first.last_lsn, begin);
    hf_feed_due(&second.subscriber);
    assert_false(hf_feed_round(&world->feed, false));
    assert_int_equal(first.last_lsn, begin);
    assert_int_equal(second.last_lsn, middle);
    assert_false(hf_feed_round(&world->feed, true));
    assert_int_equal(first.last_lsn, middle);

    /* A round that had too much to do leaves the rest due. */
    const uint64_t end = work(400);
    hf_feed_world_sync(world);
    assert_true(hf_feed_round(&world->feed, true));
    while (hf_feed_round(&world->feed, false)) {
    }
    assert_int_equal(first.last_lsn, end);
    assert_int_equal(second.last_lsn, end);
    leave(&first);
    leave(&second);
}

/* Many at different places are all served, and the work of one round stays bounded. */
static void many_at_once(void **state)
{
    static struct collector collectors[60];
    (void)state;

    const uint64_t newest = work(100);
    hf_feed_world_sync(world);
    hf_feed_world_forget(world, 200);
    for (uint32_t i = 0; i < 60; i++) {
        const struct hf_subscription wish = {.after = {1, i * 5}, .flags = i % 2};
        assert_int_equal(subscribe(&collectors[i], &wish), HF_OK);
    }
    run();
    for (uint32_t i = 0; i < 60; i++) {
        assert_int_equal(collectors[i].token.lsn, newest);
        leave(&collectors[i]);
    }
}

/* ------------------------------------------------------------------ with a connection */

/* Say hello and subscribe over the connection; the answer was read. */
static struct hf_connection *follow(const struct hf_subscription *wish)
{
    struct hf_buffer asked = {0};

    hf_world_hello(&world->world);
    hf_feed_world_put_subscribe(&asked, wish, 77);
    hf_world_receive(&world->world, hf_buffer_front(&asked), hf_buffer_count(&asked));
    hf_buffer_release(&asked);
    assert_int_equal(hf_world_reply(&world->world).outcome, HF_OK);
    assert_int_equal(world->world.connection.state, HF_CONNECTION_FEEDING);
    return &world->world.connection;
}

/* Frames that were sent over the connection. */
static void collect_sent(struct collector *collector)
{
    struct hf_frame frame;
    while (hf_world_next(&world->world, &frame)) {
        collect_frame(collector, &frame);
    }
}

static void over_a_connection(void **state)
{
    const struct hf_subscription all = {.after = {1, 0}};
    struct collector collector = {.is_gapless = true};
    (void)state;

    const uint64_t newest = work(20);
    hf_feed_world_sync(world);
    struct hf_connection *connection = follow(&all);
    world->world.now_us += UINT64_C(3600) * 1000000; /* silence of the client is no idleness */
    assert_false(hf_connection_is_idle(connection, 1000000));
    run();
    collect_sent(&collector);
    assert_int_equal(collector.token.lsn, newest);

    /* Replies before it keep their gates: nothing overtakes them, and nothing of them is told. */
    (void)work(1);
    run();
    collect_sent(&collector);
    assert_int_equal(collector.token.lsn, newest);
    hf_feed_world_sync(world);
    run();
    collect_sent(&collector);
    assert_int_equal(collector.token.lsn, newest + 3);

    hf_connection_end(connection); /* the peer has said all */
    assert_int_equal(connection->state, HF_CONNECTION_CLOSED);
    assert_int_equal(world->feed.subscribers_count, 0);
    assert_int_equal(world->world.finishes_count, 1);
}

static void nothing_else_may_be_said(void **state)
{
    const struct hf_subscription all = {.after = {1, 0}};
    struct collector collector = {.is_gapless = true};
    (void)state;

    (void)work(1);
    hf_feed_world_sync(world);
    (void)follow(&all);
    hf_world_receive(&world->world, "H", 1);
    collect_sent(&collector);
    assert_int_equal(collector.outcome, HF_INVALID_ARGUMENT);
    assert_int_equal(world->world.finishes_count, 1);
    assert_int_equal(world->feed.subscribers_count, 0);
}

/* Who takes nothing: what is queued for it is bounded, and it is ended with its token. */
static void a_slow_consumer(void **state)
{
    const struct hf_subscription all = {.after = {1, 0}};
    struct collector collector = {.is_gapless = true};
    (void)state;

    (void)hf_feed_world_receive_many(world, 900, "A");
    hf_feed_world_sync(world);
    struct hf_connection *connection = follow(&all);
    world->world.send_max = 0;
    for (int i = 0; i < 60; i++) {
        (void)hf_feed_world_receive_many(world, 900, "B");
        hf_feed_world_sync(world);
        run();
        assert_true(hf_buffer_count(&connection->out) <=
                    HF_FEED_OUT_BYTES_MAX + HF_FEED_FRAME_BYTES + HF_EVENT_ENTRY_BYTES_MAX + 100);
    }
    assert_true(hf_buffer_count(&connection->out) >= HF_FEED_OUT_BYTES_MAX);
    assert_false(hf_connection_is_stalled(connection, 1000000));
    world->world.now_us += 500000;
    world->world.send_max = 10; /* a little is enough */
    hf_connection_pump(connection);
    world->world.send_max = 0;
    world->world.now_us += 900000;
    assert_false(hf_connection_is_stalled(connection, 1000000));
    world->world.now_us += 200000;
    assert_true(hf_connection_is_stalled(connection, 1000000));
    hf_connection_end_feed(connection, HF_BUSY);
    assert_int_equal(world->feed.subscribers_count, 0);
    assert_int_equal(connection->state, HF_CONNECTION_CLOSING);
    assert_false(hf_connection_is_stalled(connection, 1000000)); /* it may have its last words */
    world->world.send_max = SIZE_MAX;
    hf_connection_pump(connection);
    assert_int_equal(connection->state, HF_CONNECTION_CLOSED);
    collect_sent(&collector);
    assert_int_equal(collector.outcome, HF_BUSY);

    /* From its token on it goes on where it was. */
    const struct hf_subscription rest = {.after = collector.token};
    struct collector again;
    assert_int_equal(subscribe(&again, &rest), HF_OK);
    assert_int_equal(again.token.lsn, collector.token.lsn);
    run();
    assert_int_equal(again.token.lsn, 61);
    leave(&again);
}

static void a_stop_gives_all_first(void **state)
{
    const struct hf_subscription all = {.after = {1, 0}};
    struct collector collector = {.is_gapless = true};
    (void)state;

    (void)work(5);
    hf_feed_world_sync(world);
    struct hf_connection *connection = follow(&all);
    const uint64_t newest = work(2); /* happened, and is not durable when the stop comes */
    hf_connection_stop(connection);
    run();
    assert_int_equal(connection->state, HF_CONNECTION_FEEDING);
    hf_feed_world_sync(world);
    run();
    assert_int_equal(connection->state, HF_CONNECTION_CLOSED);
    assert_int_equal(world->world.finishes_count, 1);
    collect_sent(&collector);
    assert_int_equal(collector.token.lsn, newest);
    assert_int_equal(collector.outcome, HF_OK);
}

/* A refused subscribe leaves an ordinary connection. */
static void refused_and_served(void **state)
{
    const struct hf_subscription gone = {.after = {1, 99}};
    struct hf_buffer asked = {0};
    (void)state;

    hf_world_hello(&world->world);
    hf_feed_world_put_subscribe(&asked, &gone, 5);
    hf_world_receive(&world->world, hf_buffer_front(&asked), hf_buffer_count(&asked));
    struct hf_reply reply = hf_world_reply(&world->world);
    assert_int_equal(reply.outcome, HF_GONE);
    assert_int_equal(reply.lsn, 0);
    assert_int_equal(reply.argument, 1);
    (void)hf_world_ask(&world->world, HF_ASK_PING);
    assert_int_equal(hf_world_reply(&world->world).outcome, HF_OK);
    hf_buffer_release(&asked);
}

/* Huge records blow a chunk up: all chunks together stay within their bound. */
static void chunks_are_bounded(void **state)
{
    uint64_t newest = 0;
    (void)state;

    for (unsigned i = 0; i < 80; i++) {
        newest = hf_feed_world_receive_many(world, 990, "A");
    }
    hf_feed_world_sync(world);
    for (uint64_t lsn = 1; lsn <= newest; lsn++) {
        const struct hf_feed_chunk *chunk = NULL;
        size_t bytes_count = 0;
        assert_int_equal(hf_feed_cache_get(&world->feed.cache, lsn, newest, false, &chunk), HF_OK);
        assert_true(chunk->first_lsn <= lsn && lsn <= chunk->last_lsn);
        assert_true(chunk->entries_count >= 990);
        for (size_t i = 0; i < HF_FEED_CHUNKS; i++) {
            bytes_count += world->feed.cache.chunks[i].entries.bytes_max;
        }
        assert_true(bytes_count <= HF_FEED_CHUNKS_BYTES_MAX);
    }
    assert_true(world->feed.cache.encoded_bytes > HF_FEED_CHUNKS_BYTES_MAX);
}

/* Handles of another directory are stale here, too, although a subscribe names none. */
static void stale_handles(void **state)
{
    const struct hf_subscription all = {.after = {1, 0}};
    const uint32_t stale = world->world.dispatch.handle_tag + 1;
    const struct hf_frame frame = {
        .operation = HF_ASK_SUBSCRIBE, .count = 1, .correlation = 5, .handle_tag = stale};
    struct hf_buffer asked = {0};
    (void)state;

    hf_world_hello(&world->world);
    const size_t place = hf_frame_begin(&asked);
    assert_int_equal(hf_subscription_put(&asked, &all), HF_OK);
    assert_int_equal(hf_frame_end(&asked, place, &frame), HF_OK);
    hf_world_receive(&world->world, hf_buffer_front(&asked), hf_buffer_count(&asked));
    assert_int_equal(hf_world_reply(&world->world).outcome, HF_STALE_HANDLE);
    (void)hf_world_ask(&world->world, HF_ASK_PING);
    assert_int_equal(hf_world_reply(&world->world).outcome, HF_OK);
    hf_buffer_release(&asked);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(tokens, begin, end),
        cmocka_unit_test_setup_teardown(refusals, begin, end),
        cmocka_unit_test_setup_teardown(so_many_and_no_more, begin, end),
        cmocka_unit_test_setup_teardown(from_memory_and_files, begin, end),
        cmocka_unit_test_setup_teardown(hand_over_to_memory, begin, end),
        cmocka_unit_test_setup_teardown(one_huge_operation, begin, end),
        cmocka_unit_test_setup_teardown(filters, begin, end),
        cmocka_unit_test_setup_teardown(tokens_move_on, begin, end),
        cmocka_unit_test_setup_teardown(a_read_that_fails, begin, end),
        cmocka_unit_test_setup_teardown(the_log_is_dropped_underneath, begin, end),
        cmocka_unit_test_setup_teardown(no_memory_to_read, begin, end),
        cmocka_unit_test_setup_teardown(only_who_is_due, begin, end),
        cmocka_unit_test_setup_teardown(many_at_once, begin, end),
        cmocka_unit_test_setup_teardown(over_a_connection, begin, end),
        cmocka_unit_test_setup_teardown(nothing_else_may_be_said, begin, end),
        cmocka_unit_test_setup_teardown(a_slow_consumer, begin, end),
        cmocka_unit_test_setup_teardown(a_stop_gives_all_first, begin, end),
        cmocka_unit_test_setup_teardown(refused_and_served, begin, end),
        cmocka_unit_test_setup_teardown(stale_handles, begin, end),
        cmocka_unit_test_setup_teardown(chunks_are_bounded, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
