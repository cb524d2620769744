#include "tests/lib/feed_world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/assert.h"
#include "engine/ledger.h"
#include "engine/record.h"

static uint64_t world_first_lsn(void *ctx)
{
    const struct hf_feed_world *world = ctx;
    return world->first_lsn;
}

static enum hf_err world_read(void *ctx, uint64_t from_lsn, size_t bytes_max,
                              hf_log_records_cb done, void *arg)
{
    struct hf_feed_world *world = ctx;
    if (world->read_err != HF_OK) {
        return world->read_err;
    }
    HF_ASSERT(world->reads_count < HF_FEED_WORLD_READS);
    HF_ASSERT(from_lsn >= 1);
    world->reads[world->reads_count].from_lsn = from_lsn;
    world->reads[world->reads_count].bytes_max = bytes_max;
    world->reads[world->reads_count].done = done;
    world->reads[world->reads_count].arg = arg;
    world->reads_count++;
    return HF_OK;
}

static void arrived(void *arg)
{
    struct hf_feed_world *world = arg;
    world->arrivals_count++;
}

struct hf_feed_world *hf_feed_world_create(uint32_t subscriptions_max)
{
    const struct hf_feed_config config = {.subscriptions_max = subscriptions_max,
                                          .stall_us = HF_FEED_STALL_US_DEFAULT};
    struct hf_feed_world *world = calloc(1, sizeof *world);

    HF_ASSERT(world != NULL);
    hf_world_init(&world->world, 0);
    world->ops = *world->world.log.ops;
    world->ops.first_lsn = world_first_lsn;
    world->ops.read = world_read;
    world->world.log.ops = &world->ops;
    world->epochs[0] = (struct hf_log_epoch){1, 1};
    world->world.log.epoch = 1;
    world->world.log.epochs = world->epochs;
    world->world.log.epochs_count = 1;
    world->first_lsn = 1;
    hf_feed_init(&world->feed, &config, world->world.engine, &world->world.log, &world->world.clock,
                 arrived, world);
    world->world.dispatch.feed = &world->feed;
    return world;
}

void hf_feed_world_free(struct hf_feed_world *world)
{
    while (world->reads_count > 0) {
        hf_feed_world_answer(world, HF_IO);
    }
    hf_feed_unsubscribe(&world->world.connection.subscriber);
    hf_feed_release(&world->feed);
    hf_world_release(&world->world);
    hf_buffer_release(&world->files);
    free(world);
}

/* What is new in the ledger goes to the files, too. */
static void keep_records(struct hf_feed_world *world)
{
    const struct hf_ledger *ledger = hf_engine_ledger(world->world.engine);
    while (world->kept_lsn < ledger->last_lsn) {
        uint32_t bytes_count = 0;
        const unsigned char *record = hf_ledger_get(ledger, ++world->kept_lsn, &bytes_count);
        HF_ASSERT(record != NULL);
        HF_ASSERT(world->kept_lsn <= HF_FEED_WORLD_RECORDS);
        world->offsets[world->kept_lsn] = hf_buffer_count(&world->files);
        HF_ASSERT(hf_buffer_append(&world->files, record, bytes_count));
        world->offsets[world->kept_lsn + 1] = hf_buffer_count(&world->files);
    }
}

uint64_t hf_feed_world_apply(struct hf_feed_world *world, const struct hf_op *op)
{
    struct hf_result result;
    world->world.now_us += 1000;
    hf_engine_apply(world->world.engine, op, world->world.now_us, &result);
    HF_ASSERT(result.outcome == HF_OK);
    keep_records(world);
    return hf_engine_lsn(world->world.engine);
}

uint64_t hf_feed_world_receive(struct hf_feed_world *world, const char *sku, const char *location,
                               int64_t units)
{
    const struct hf_op_line line = {
        .sku = hf_text_of(sku), .location = hf_text_of(location), .units = units};
    const struct hf_op op = {.kind = HF_KIND_RECEIVE,
                             .reason = HF_REASON_PURCHASE,
                             .order = hf_text_of("PO-1"),
                             .lines = &line,
                             .lines_count = 1};
    return hf_feed_world_apply(world, &op);
}

uint64_t hf_feed_world_receive_many(struct hf_feed_world *world, uint32_t lines_count,
                                    const char *location)
{
    struct hf_op_line *lines = calloc(lines_count, sizeof *lines);
    char(*skus)[16] = calloc(lines_count, sizeof *skus);

    HF_ASSERT(lines != NULL && skus != NULL);
    for (uint32_t i = 0; i < lines_count; i++) {
        (void)snprintf(skus[i], sizeof skus[i], "many-%u", i);
        lines[i] = (struct hf_op_line){
            .sku = hf_text_of(skus[i]), .location = hf_text_of(location), .units = 1};
    }
    const struct hf_op op = {.kind = HF_KIND_RECEIVE, .lines = lines, .lines_count = lines_count};
    const uint64_t lsn = hf_feed_world_apply(world, &op);
    free(skus);
    free(lines);
    return lsn;
}

void hf_feed_world_sync(struct hf_feed_world *world)
{
    hf_world_sync(&world->world);
}

void hf_feed_world_forget(struct hf_feed_world *world, uint64_t first_lsn)
{
    struct hf_ledger *ledger = hf_engine_ledger(world->world.engine);
    HF_ASSERT(first_lsn >= ledger->first_lsn && first_lsn <= ledger->last_lsn + 1);
    ledger->first_lsn = first_lsn;
}

void hf_feed_world_answer(struct hf_feed_world *world, enum hf_err err)
{
    HF_ASSERT(world->reads_count > 0);
    const uint64_t from_lsn = world->reads[0].from_lsn;
    const size_t bytes_max = world->reads[0].bytes_max;
    const hf_log_records_cb done = world->reads[0].done;
    void *arg = world->reads[0].arg;

    world->reads_count--;
    memmove(&world->reads[0], &world->reads[1], world->reads_count * sizeof world->reads[0]);
    if (err == HF_OK && from_lsn < world->first_lsn) {
        err = HF_GONE;
    }
    uint64_t end_lsn = from_lsn;
    while (err == HF_OK && end_lsn <= world->world.durable_lsn &&
           (end_lsn == from_lsn ||
            world->offsets[end_lsn + 1] - world->offsets[from_lsn] <= bytes_max)) {
        end_lsn++;
    }
    if (err == HF_OK && end_lsn == from_lsn) {
        err = HF_BUSY;
    }
    if (err != HF_OK) {
        done(arg, err, NULL, 0);
        return;
    }
    done(arg, HF_OK, hf_buffer_front(&world->files) + world->offsets[from_lsn],
         world->offsets[end_lsn] - world->offsets[from_lsn]);
}

void hf_feed_world_put_subscribe(struct hf_buffer *out, const struct hf_subscription *wish,
                                 uint64_t correlation)
{
    const struct hf_frame frame = {
        .operation = HF_ASK_SUBSCRIBE, .count = 1, .correlation = correlation};
    const size_t place = hf_frame_begin(out);
    HF_ASSERT(hf_subscription_put(out, wish) == HF_OK);
    HF_ASSERT(hf_frame_end(out, place, &frame) == HF_OK);
}

enum hf_err hf_feed_world_subscribe(struct hf_feed_world *world, const struct hf_subscription *wish,
                                    struct hf_subscriber *subscriber, struct hf_token *token)
{
    struct hf_buffer asked = {0};
    struct hf_buffer out = {0};
    struct hf_frame frame;
    struct hf_reply reply;
    size_t frame_bytes;
    enum hf_field fault;

    hf_feed_world_put_subscribe(&asked, wish, 77);
    HF_ASSERT(hf_frame_decode(hf_buffer_front(&asked), hf_buffer_count(&asked),
                              HF_FRAME_BYTES_DEFAULT, 0, &frame, &frame_bytes, &fault) == HF_OK);
    const bool is_subscribed = hf_feed_subscribe(&world->feed, &frame, subscriber, &out);
    HF_ASSERT(hf_frame_decode(hf_buffer_front(&out), hf_buffer_count(&out), HF_FRAME_BYTES_DEFAULT,
                              HF_FRAME_REPLY | HF_FRAME_ERROR, &frame, &frame_bytes,
                              &fault) == HF_OK);
    HF_ASSERT(frame_bytes == hf_buffer_count(&out));
    HF_ASSERT(frame.correlation == 77);
    struct hf_items body = hf_items_of(frame.body, frame.body_bytes);
    HF_ASSERT(hf_reply_next(&body, &reply) == HF_OK);
    HF_ASSERT(is_subscribed == (reply.outcome == HF_OK));
    HF_ASSERT((frame.flags & HF_FRAME_ERROR) == 0 || reply.outcome == HF_INVALID_ARGUMENT);
    *token = (struct hf_token){(uint32_t)reply.argument, reply.lsn};
    hf_buffer_release(&out);
    hf_buffer_release(&asked);
    return reply.outcome;
}
