#include "tests/lib/wire_world.h"

#include <stdio.h>
#include <string.h>

#include "engine/assert.h"

/* ------------------------------------------------------------------ log, clock, transport */

static void world_publish(void *ctx, uint64_t lsn)
{
    struct hf_world *world = ctx;
    HF_ASSERT(lsn >= world->published_lsn);
    world->published_lsn = lsn;
}

static uint64_t world_durable_lsn(void *ctx)
{
    const struct hf_world *world = ctx;
    return world->durable_lsn;
}

static enum hf_err world_writable(void *ctx)
{
    struct hf_world *world = ctx;
    if (world->writable_calls > 0) {
        world->writable_calls--;
        return HF_OK;
    }
    return world->writable;
}

static enum hf_err world_snapshot(void *ctx, void (*done)(void *arg, enum hf_err err, uint64_t lsn),
                                  void *arg)
{
    struct hf_world *world = ctx;
    if (world->snapshot_err != HF_OK) {
        return world->snapshot_err;
    }
    world->snapshot_done = done;
    world->snapshot_arg = arg;
    return HF_OK;
}

static void world_backup(void *ctx, const char *name, hf_log_backup_cb cb, void *arg)
{
    struct hf_world *world = ctx;
    (void)snprintf(world->backup_name, sizeof world->backup_name, "%s", name);
    world->backup_cb = cb;
    world->backup_arg = arg;
}

static void world_stats(void *ctx, struct hf_log_stats *stats)
{
    const struct hf_world *world = ctx;
    *stats = (struct hf_log_stats){.durable_lsn = world->durable_lsn, .epoch = world->log.epoch};
}

static const struct hf_log_ops world_log_ops = {
    .publish = world_publish,
    .durable_lsn = world_durable_lsn,
    .writable = world_writable,
    .snapshot = world_snapshot,
    .backup = world_backup,
    .stats = world_stats,
};

static uint64_t world_now_us(void *ctx)
{
    const struct hf_world *world = ctx;
    return world->now_us;
}

static size_t world_send(void *ctx, const unsigned char *bytes, size_t bytes_count)
{
    struct hf_world *world = ctx;
    const size_t taken = bytes_count < world->send_max ? bytes_count : world->send_max;
    HF_ASSERT(world->finishes_count == 0); /* nothing is sent after the end */
    HF_ASSERT(hf_buffer_append(&world->sent, bytes, taken));
    return taken;
}

static void world_pause(void *ctx)
{
    struct hf_world *world = ctx;
    HF_ASSERT(!world->is_paused);
    world->is_paused = true;
    world->pauses_count++;
}

static void world_resume(void *ctx)
{
    struct hf_world *world = ctx;
    HF_ASSERT(world->is_paused);
    world->is_paused = false;
}

static void world_finish(void *ctx)
{
    struct hf_world *world = ctx;
    world->finishes_count++;
}

static const struct hf_transport_ops world_transport_ops = {
    .send = world_send,
    .pause = world_pause,
    .resume = world_resume,
    .finish = world_finish,
};

/* ------------------------------------------------------------------ the world */

void hf_world_init(struct hf_world *world, size_t out_bytes_max)
{
    const struct hf_dispatch_config config = {.frame_bytes_max = HF_FRAME_BYTES_MIN,
                                              .operations_max = 300};
    const struct hf_transport transport = {&world_transport_ops, world};
    const struct hf_connection_limits limits = {
        .out_bytes_max = out_bytes_max == 0 ? HF_CONNECTION_OUT_BYTES_MAX : out_bytes_max};
    const struct hf_engine_config engine_config = {
        .skus_max = 1000,
        .locations_max = 100,
        .cells_max = 10000,
        .reservations_max = 10000,
        .lines_max = 40000,
        .shipments_max = 1000,
        .shipment_lines_max = 10000,
        .references_max = 10000,
        .reference_retention_us = UINT64_C(3600) * 1000000,
        .life_us_max = UINT64_C(24) * 3600 * 1000000,
        .ledger_bytes = HF_LEDGER_BYTES_MIN,
    };

    *world = (struct hf_world){.now_us = HF_WORLD_TIME_US, .send_max = SIZE_MAX};
    world->log = (struct hf_log){
        .ops = &world_log_ops, .ctx = world, .directory_id = {1, 2, 3, 4}, .epoch = 3};
    world->clock = (struct hf_clock){world, world_now_us, world_now_us};
    world->engine = hf_engine_create(&engine_config);
    HF_ASSERT(world->engine != NULL);
    HF_ASSERT(hf_dispatch_init(&world->dispatch, &config, world->engine, &world->log,
                               &world->clock) == HF_OK);
    hf_connection_init(&world->connection, &world->dispatch, &transport, &limits);
}

void hf_world_release(struct hf_world *world)
{
    hf_connection_release(&world->connection);
    hf_dispatch_release(&world->dispatch);
    hf_engine_free(world->engine);
    hf_buffer_release(&world->request);
    hf_buffer_release(&world->sent);
}

void hf_world_receive(struct hf_world *world, const void *bytes, size_t bytes_count)
{
    hf_connection_receive(&world->connection, bytes, bytes_count);
}

/* Give the frame in world->request to the connection. */
static uint64_t send_request(struct hf_world *world, unsigned operation, uint32_t count)
{
    const struct hf_frame frame = {.operation = operation,
                                   .count = count,
                                   .handle_tag = world->dispatch.handle_tag,
                                   .correlation = ++world->next_correlation};
    HF_ASSERT(hf_frame_end(&world->request, 0, &frame) == HF_OK);
    hf_world_receive(world, hf_buffer_front(&world->request), hf_buffer_count(&world->request));
    return frame.correlation;
}

uint64_t hf_world_send(struct hf_world *world, unsigned operation,
                       const struct hf_request *requests, uint32_t count)
{
    hf_buffer_clear(&world->request);
    (void)hf_frame_begin(&world->request);
    for (uint32_t i = 0; i < count; i++) {
        HF_ASSERT(hf_request_put(&world->request, operation, &requests[i]) == HF_OK);
    }
    return send_request(world, operation, count);
}

uint64_t hf_world_ask(struct hf_world *world, unsigned operation)
{
    hf_buffer_clear(&world->request);
    (void)hf_frame_begin(&world->request);
    return send_request(world, operation, 1);
}

void hf_world_hello(struct hf_world *world)
{
    struct hf_welcome welcome;
    struct hf_reply reply;

    hf_buffer_clear(&world->request);
    (void)hf_frame_begin(&world->request);
    hf_hello_put(&world->request, hf_text_of("a test"));
    (void)send_request(world, HF_ASK_HELLO, 1);
    reply = hf_world_reply(world);
    HF_ASSERT(reply.outcome == HF_OK);
    HF_ASSERT(hf_welcome_next(&reply.entries, &welcome) == HF_OK);
    HF_ASSERT(welcome.handle_tag == world->dispatch.handle_tag);
}

void hf_world_sync(struct hf_world *world)
{
    world_publish(world, hf_engine_lsn(world->engine));
    world->durable_lsn = world->published_lsn;
    hf_connection_pump(&world->connection);
}

bool hf_world_next(struct hf_world *world, struct hf_frame *frame)
{
    enum hf_field fault;
    size_t frame_bytes;
    const size_t left = hf_buffer_count(&world->sent) - world->read_bytes;
    if (left == 0) {
        return false;
    }
    const enum hf_err err =
        hf_frame_decode(hf_buffer_front(&world->sent) + world->read_bytes, left,
                        (size_t)HF_REPLY_FACTOR * HF_FRAME_BYTES_MIN,
                        HF_FRAME_REPLY | HF_FRAME_ERROR, frame, &frame_bytes, &fault);
    HF_ASSERT(err != HF_INVALID_ARGUMENT); /* a server never breaks framing */
    if (err != HF_OK) {
        return false;
    }
    HF_ASSERT((frame->flags & HF_FRAME_REPLY) != 0);
    world->read_bytes += frame_bytes;
    return true;
}

struct hf_reply hf_world_reply(struct hf_world *world)
{
    struct hf_frame frame;
    struct hf_reply reply;
    HF_ASSERT(hf_world_next(world, &frame));
    HF_ASSERT(frame.count == 1);
    struct hf_items body = hf_items_of(frame.body, frame.body_bytes);
    HF_ASSERT(hf_reply_next(&body, &reply) == HF_OK);
    HF_ASSERT(body.at == body.end);
    return reply;
}
