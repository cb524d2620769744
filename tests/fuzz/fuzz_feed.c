/*
 * fuzz_feed.c - libFuzzer over the change feed: subscriptions of any kind, over a log that moves.
 *
 * An input is a list of steps for a feed in a world of its own (feed_world.h), one byte each with
 * what it needs behind it: operations happen, become durable, leave memory, leave the files; the
 * connection is given a subscribe whose body is the input's bytes, or takes more or less of what
 * it is sent; reads come back, late or wrong. Whatever comes: frames can be read, tokens only grow
 * and never stand inside an operation, each event comes once and in order, queues stay bounded.
 *
 * At start some long scripts of random steps are put into the first corpus folder given.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/assert.h"
#include "engine/ledger.h"
#include "tests/fuzz/seeds.h"
#include "tests/lib/feed_world.h"
#include "tests/lib/history.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes_count);
int LLVMFuzzerInitialize(int *argc, char ***argv);

#define SEEDS_COUNT 24u
#define SEED_BYTES 300u
#define RECORDS_MAX 1000u

static void write_seed(const char *folder, uint32_t number)
{
    char name[16];
    uint64_t random = number;

    (void)snprintf(name, sizeof name, "%u", number);
    FILE *file = hf_seeds_file(folder, "script", name);
    for (uint32_t i = 0; i < SEED_BYTES; i++) {
        (void)fputc((int)hf_random(&random, 256), file);
    }
    (void)fclose(file);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    const char *folder = hf_seeds_folder(*argc, *argv);

    for (uint32_t number = 0; folder != NULL && number < SEEDS_COUNT; number++) {
        write_seed(folder, number);
    }
    return 0;
}

struct run {
    struct hf_feed_world *world;
    const uint8_t *at, *end;
    bool is_subscribed;
    struct hf_token token;
    uint64_t last_lsn;
    uint32_t last_index;
};

static uint8_t take(struct run *run)
{
    return run->at < run->end ? *run->at++ : 0;
}

/* ------------------------------------------------------------------ what is sent */

static void read_events(struct run *run, const struct hf_frame *frame)
{
    struct hf_items body = hf_items_of(frame->body, frame->body_bytes);
    struct hf_token token;

    HF_ASSERT(hf_events_head_next(&body, &token) == HF_OK);
    HF_ASSERT(token.lsn >= run->token.lsn);
    HF_ASSERT(token.lsn <= run->world->world.durable_lsn);
    for (uint32_t i = 0; i < frame->count; i++) {
        struct hf_event event;
        struct hf_items hits;
        uint32_t epoch;
        HF_ASSERT(hf_event_next(&body, &event, &epoch, &hits) == HF_OK);
        HF_ASSERT(event.lsn > run->token.lsn);
        HF_ASSERT(event.lsn > run->last_lsn ||
                  (event.lsn == run->last_lsn && event.index > run->last_index));
        run->last_lsn = event.lsn;
        run->last_index = event.index;
    }
    HF_ASSERT(body.at == body.end);
    HF_ASSERT(run->last_lsn <= token.lsn + 1);
    run->token = token;
}

static void read_frames(struct run *run)
{
    struct hf_frame frame;

    while (hf_world_next(&run->world->world, &frame)) {
        struct hf_items body = hf_items_of(frame.body, frame.body_bytes);
        struct hf_reply reply;
        if (frame.operation == HF_ASK_EVENTS && (frame.flags & HF_FRAME_ERROR) == 0) {
            HF_ASSERT(run->is_subscribed);
            read_events(run, &frame);
            continue;
        }
        HF_ASSERT(hf_reply_next(&body, &reply) == HF_OK);
        if (frame.operation == HF_ASK_SUBSCRIBE && reply.outcome == HF_OK) {
            HF_ASSERT(!run->is_subscribed);
            run->is_subscribed = true;
            run->token = (struct hf_token){(uint32_t)reply.argument, reply.lsn};
            run->last_lsn = reply.lsn;
            run->last_index = UINT32_MAX;
        }
    }
}

/* ------------------------------------------------------------------ steps */

static void operate(struct run *run)
{
    static const char *const skus[] = {"A", "B", "LONGER-NAME", "\xC3\xA4"};
    static const char *const places[] = {"L", "M", "NORTH"};
    const uint8_t what = take(run);

    if (run->world->kept_lsn >= RECORDS_MAX) {
        return;
    }
    if (what >= 250) {
        (void)hf_feed_world_receive_many(run->world, 1 + 3 * (uint32_t)take(run), places[what % 3]);
        return;
    }
    for (uint32_t i = 0; i <= what / 16u; i++) {
        (void)hf_feed_world_receive(run->world, skus[(what + i) % 4], places[what % 3], 1 + what);
    }
}

/* A subscribe frame whose body is the input's, or one that asks for all from an LSN on. */
static void ask(struct run *run)
{
    const uint8_t bytes_count = take(run);
    struct hf_buffer out = {0};

    if (bytes_count < 32) {
        const struct hf_subscription wish = {.after = {1, bytes_count}, .flags = bytes_count % 2};
        hf_feed_world_put_subscribe(&out, &wish, 77);
    } else {
        const size_t left = (size_t)(run->end - run->at);
        const size_t body_bytes = bytes_count < left ? bytes_count : left;
        const struct hf_frame frame = {
            .operation = HF_ASK_SUBSCRIBE, .count = 1, .correlation = 77};
        const size_t place = hf_frame_begin(&out);
        HF_ASSERT(hf_buffer_append(&out, run->at, body_bytes));
        HF_ASSERT(hf_frame_end(&out, place, &frame) == HF_OK);
        run->at += body_bytes;
    }
    hf_world_receive(&run->world->world, hf_buffer_front(&out), hf_buffer_count(&out));
    hf_buffer_release(&out);
}

static void forget(struct run *run, bool is_of_files)
{
    const uint64_t newest = run->world->world.durable_lsn + 1;
    const uint64_t lsn = take(run) % newest + 1;

    if (is_of_files && lsn > run->world->first_lsn) {
        run->world->first_lsn = lsn;
    } else if (!is_of_files && lsn > hf_engine_ledger(run->world->world.engine)->first_lsn) {
        hf_feed_world_forget(run->world, lsn);
    }
}

static void step(struct run *run)
{
    static const enum hf_err ends[] = {HF_OK, HF_OK, HF_OK, HF_GONE, HF_IO, HF_CORRUPT, HF_BUSY};
    struct hf_world *world = &run->world->world;
    struct hf_connection *connection = &world->connection;

    switch (take(run) % 10) {
    case 0:
    case 1:
        operate(run);
        break;
    case 2:
        hf_feed_world_sync(run->world);
        break;
    case 3:
        (void)hf_feed_round(&run->world->feed, true);
        break;
    case 4:
        ask(run);
        break;
    case 5:
        forget(run, take(run) % 2 == 0);
        break;
    case 6:
        world->now_us += (uint64_t)take(run) * 100000;
        break;
    case 7:
        world->send_max = (size_t)take(run) * 1000;
        hf_connection_pump(connection);
        break;
    case 8:
        if (run->world->reads_count > 0) {
            hf_feed_world_answer(run->world, ends[take(run) % 7]);
        }
        break;
    default:
        if (connection->state == HF_CONNECTION_FEEDING && take(run) < 20) {
            hf_connection_end_feed(connection, HF_BUSY);
        }
        break;
    }
    HF_ASSERT(hf_buffer_count(&connection->out) <=
              HF_FEED_OUT_BYTES_MAX + HF_FEED_FRAME_BYTES + HF_EVENT_ENTRY_BYTES_MAX + 1000);
    read_frames(run);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes_count)
{
    struct run run = {.world = hf_feed_world_create(4), .at = data, .end = data + bytes_count};

    hf_world_hello(&run.world->world);
    while (run.at < run.end) {
        step(&run);
    }
    /* With all that it needs, a subscriber gets to the end of the log, or is told why not. */
    run.world->world.send_max = SIZE_MAX;
    hf_feed_world_sync(run.world);
    hf_connection_pump(&run.world->world.connection);
    for (uint32_t i = 0; i < 20000 && run.world->feed.subscribers_count > 0; i++) {
        const bool is_more = hf_feed_round(&run.world->feed, true);
        read_frames(&run);
        if (run.world->reads_count > 0) {
            hf_feed_world_answer(run.world, HF_OK);
        } else if (!is_more) {
            break;
        }
    }
    if (run.world->feed.subscribers_count > 0) {
        HF_ASSERT(hf_feed_is_even(&run.world->world.connection.subscriber));
    }
    hf_feed_world_free(run.world);
    return 0;
}
