#include "tests/sim/world.h"

#include <string.h>

#include "engine/assert.h"
#include "engine/ledger.h"
#include "tests/lib/workload.h"

#define START_US UINT64_C(1700000000000000)
#define WINDOW_BYTES ((size_t)64 * 1024) /* on their way to one client at most */

uint32_t hf_world_roll(struct hf_world *world, uint32_t sides)
{
    return hf_random(&world->random, sides);
}

void hf_world_init(struct hf_world *world, uint64_t seed)
{
    *world = (struct hf_world){
        .random = seed,
        .now_us = START_US,
        .disk = hf_sim_disk_create(),
        .store_config = {.path = HF_WORLD_FOLDER,
                         .durability = HF_DURABILITY_SYNC,
                         .interval_us = 1000,
                         .segment_bytes = HF_SEGMENT_BYTES_MIN,
                         .snapshots_kept = 2,
                         .new_directory_id = "simulated world"},
        .engine_config = hf_engine_config_default(),
    };
    hf_mortal_init(&world->mortal, hf_sim_disk_table(world->disk));
    world->engine_config.skus_max = 4096;
    world->engine_config.cells_max = 4096;
    world->engine_config.reservations_max = 65536;
    world->engine_config.lines_max = 262144;
    world->engine_config.shipments_max = 4096;
    world->engine_config.shipment_lines_max = 16384;
    world->engine_config.over_receipt_percent = HF_DEED_OVER_RECEIPT_PERCENT;
    world->engine_config.references_max = 65536;
    world->engine_config.ledger_bytes = HF_LEDGER_BYTES_MIN;
    for (uint32_t i = 0; i < HF_WORLD_LINKS_MAX; i++) {
        world->links[i].world = world;
    }
}

void hf_world_release(struct hf_world *world)
{
    if (world->is_up) {
        hf_world_end(world, HF_END_KILL);
    }
    for (uint32_t i = 0; i < HF_WORLD_LINKS_MAX; i++) {
        hf_buffer_release(&world->links[i].to_server);
        hf_buffer_release(&world->links[i].to_client);
    }
    hf_sim_disk_free(world->disk);
}

/* ------------------------------------------------------------------ the log, for net/ */

static void log_publish(void *ctx, uint64_t lsn)
{
    struct hf_world *world = ctx;
    world->published_lsn = lsn;
    hf_store_publish(world->store, lsn);
}

static uint64_t log_durable_lsn(void *ctx)
{
    struct hf_world *world = ctx;
    hf_store_pin(world->store);
    return world->is_replying_early ? world->published_lsn : hf_store_durable_lsn(world->store);
}

static enum hf_err log_writable(void *ctx)
{
    const struct hf_world *world = ctx;
    return hf_store_failed(world->store) ? HF_READ_ONLY : HF_OK; /* it will be ended at once */
}

static enum hf_err log_snapshot(void *ctx, void (*done)(void *arg, enum hf_err err, uint64_t lsn),
                                void *arg)
{
    struct hf_world *world = ctx;

    if (world->copy != NULL) {
        return HF_BUSY;
    }
    world->copy = hf_store_snapshot_copy(world->store, world->engine);
    if (world->copy == NULL) {
        return HF_NO_MEMORY;
    }
    log_publish(world, hf_snapshot_copy_lsn(world->copy));
    world->snapshot_done = done;
    world->snapshot_arg = arg;
    return HF_OK;
}

static void log_stats(void *ctx, struct hf_log_stats *stats)
{
    const struct hf_world *world = ctx;
    struct hf_store_stats store = {0};

    hf_store_stats(world->store, &store);
    *stats = (struct hf_log_stats){.durable_lsn = store.durable_lsn,
                                   .fsyncs_count = store.fsyncs_count,
                                   .log_bytes = store.log_bytes,
                                   .snapshot_lsn = store.snapshot_lsn,
                                   .epoch = hf_store_epoch(world->store)};
}

static const struct hf_log_ops log_ops = {
    .publish = log_publish,
    .durable_lsn = log_durable_lsn,
    .writable = log_writable,
    .snapshot = log_snapshot,
    .stats = log_stats,
};

static uint64_t clock_now_us(void *ctx)
{
    const struct hf_world *world = ctx;
    return world->now_us;
}

/* ------------------------------------------------------------------ the network */

static size_t link_send(void *ctx, const unsigned char *bytes, size_t bytes_count)
{
    struct hf_link *link = ctx;
    const size_t queued = hf_buffer_count(&link->to_client);
    size_t taken = queued < WINDOW_BYTES ? WINDOW_BYTES - queued : 0;

    taken = bytes_count < taken ? bytes_count : taken;
    if (taken > 1 && hf_world_roll(link->world, 8) == 0) {
        taken = 1 + hf_world_roll(link->world, (uint32_t)taken); /* a socket that is nearly full */
    }
    HF_ASSERT(hf_buffer_append(&link->to_client, bytes, taken));
    return taken;
}

static void link_pause(void *ctx)
{
    struct hf_link *link = ctx;
    link->is_paused = true;
}

static void link_resume(void *ctx)
{
    struct hf_link *link = ctx;
    link->is_paused = false;
}

static void link_finish(void *ctx)
{
    struct hf_link *link = ctx;
    link->is_finished = true;
}

static const struct hf_transport_ops link_ops = {link_send, link_pause, link_resume, link_finish};

static void disconnect(struct hf_link *link)
{
    if (link->is_open) {
        hf_connection_release(&link->connection);
        link->is_open = false;
    }
}

void hf_world_connect(struct hf_world *world, uint32_t link_index)
{
    struct hf_link *link = &world->links[link_index];
    const struct hf_transport transport = {&link_ops, link};
    const struct hf_connection_limits limits = {HF_CONNECTION_OUT_BYTES_MAX};

    disconnect(link);
    hf_buffer_clear(&link->to_server);
    hf_buffer_clear(&link->to_client);
    link->is_paused = false;
    link->is_finished = false;
    hf_connection_init(&link->connection, &world->dispatch, &transport, &limits);
    link->is_open = true;
}

void hf_world_deliver(struct hf_world *world, uint32_t link_index, size_t bytes_max)
{
    struct hf_link *link = &world->links[link_index];
    const size_t queued = hf_buffer_count(&link->to_server);
    const size_t count = queued < bytes_max ? queued : bytes_max;

    if (!link->is_open || link->is_paused || link->is_finished || count == 0) {
        return;
    }
    hf_connection_receive(&link->connection, hf_buffer_front(&link->to_server), count);
    hf_buffer_take(&link->to_server, count);
}

/* ------------------------------------------------------------------ turns */

void hf_world_turn(struct hf_world *world)
{
    if (hf_engine_next_deadline_us(world->engine) <= world->now_us) {
        (void)hf_dispatch_expire(&world->dispatch);
    }
    for (uint32_t i = 0; i < HF_WORLD_LINKS_MAX; i++) {
        struct hf_link *link = &world->links[i];
        if (link->is_open && !link->is_finished) {
            hf_connection_step(&link->connection);
            hf_connection_pump(&link->connection);
        }
    }
    const uint64_t lsn = hf_engine_lsn(world->engine);
    if (lsn != world->published_lsn) {
        log_publish(world, lsn);
    }
}

bool hf_world_log_step(struct hf_world *world)
{
    return hf_store_log_step(world->store, world->now_us);
}

void hf_world_snapshot_step(struct hf_world *world)
{
    if (world->copy == NULL) {
        return;
    }
    const uint64_t lsn = hf_snapshot_copy_lsn(world->copy);
    if (hf_store_synced_lsn(world->store) < lsn) {
        (void)hf_store_log_step(world->store, world->now_us);
        (void)hf_store_log_sync(world->store);
    }
    if (hf_store_synced_lsn(world->store) < lsn || hf_store_failed(world->store)) {
        return;
    }
    char error[256];
    struct hf_snapshot_copy *copy = world->copy;
    world->copy = NULL;
    const enum hf_err err = hf_store_snapshot_write(world->store, copy, error, sizeof error);
    world->snapshots_count += err == HF_OK ? 1 : 0;
    world->snapshot_done(world->snapshot_arg, err, lsn);
}

void hf_world_spare_step(struct hf_world *world)
{
    (void)hf_store_spare_step(world->store);
}

/* ------------------------------------------------------------------ life */

static void drop_line(void *arg, char level, const char *text)
{
    (void)arg;
    (void)level;
    (void)text;
}

bool hf_world_boot(struct hf_world *world)
{
    const struct hf_store_report report = {.arg = world, .line = drop_line};
    const struct hf_dispatch_config config = {
        .frame_bytes_max = HF_FRAME_BYTES_MIN,
        .operations_max = 1024,
    };

    HF_ASSERT(!world->is_up);
    world->error[0] = '\0';
    world->engine = hf_engine_create(&world->engine_config);
    HF_ASSERT(world->engine != NULL);
    world->store = hf_store_open(&world->store_config, &world->mortal.table, &report, world->engine,
                                 world->error, sizeof world->error);
    if (world->store == NULL) {
        hf_engine_free(world->engine);
        world->engine = NULL;
        return false;
    }
    world->log =
        (struct hf_log){.ops = &log_ops, .ctx = world, .epoch = hf_store_epoch(world->store)};
    memcpy(world->log.directory_id, hf_store_directory_id(world->store),
           sizeof world->log.directory_id);
    world->clock = (struct hf_clock){world, clock_now_us, clock_now_us};
    HF_ASSERT(hf_dispatch_init(&world->dispatch, &config, world->engine, &world->log,
                               &world->clock) == HF_OK);
    world->published_lsn = hf_engine_lsn(world->engine);
    world->is_up = true;
    return true;
}

void hf_world_doom(struct hf_world *world, uint64_t nth)
{
    world->mortal.calls_left = nth;
}

bool hf_world_is_dying(const struct hf_world *world)
{
    return hf_store_failed(world->store) || hf_sim_disk_has_failed(world->disk) ||
           world->mortal.calls_left == 0;
}

void hf_world_end(struct hf_world *world, enum hf_world_end end)
{
    static const enum hf_sim_fate fates[HF_WORLD_ENDS_COUNT] = {
        [HF_END_DROP] = HF_SIM_DROP, [HF_END_SPOIL] = HF_SIM_SPOIL, [HF_END_MIX] = HF_SIM_MIX};

    for (uint32_t i = 0; i < HF_WORLD_LINKS_MAX; i++) {
        disconnect(&world->links[i]);
        hf_buffer_clear(&world->links[i].to_server);
    }
    hf_snapshot_copy_free(world->copy);
    world->copy = NULL;
    if (world->is_up) {
        hf_dispatch_release(&world->dispatch);
        hf_store_close(world->store);
        hf_engine_free(world->engine);
        world->store = NULL;
        world->engine = NULL;
        world->is_up = false;
    }
    world->mortal.calls_left = UINT64_MAX;
    if (end == HF_END_KILL) {
        hf_sim_disk_fail(world->disk, &(struct hf_sim_fault){0}); /* the next one may not strike */
    } else {
        hf_sim_disk_crash(world->disk, fates[end], world->random);
    }
}
