#include "tests/sim/node.h"

#include <string.h>

#include "engine/assert.h"
#include "engine/ledger.h"
#include "tests/lib/workload.h"

#define SNAPSHOT_PIECES 3u
#define RETENTION_US (UINT64_C(366) * 24 * 3600 * 1000000) /* longer than clocks jump in a run */
#define WINDOW_BYTES ((size_t)512 * 1024) /* on their way to one client at most: whole frames fit */

void hf_node_init(struct hf_node *node, struct hf_world *world)
{
    *node = (struct hf_node){
        .world = world,
        .disk = hf_sim_disk_create(),
        .store_config = {.path = HF_NODE_FOLDER,
                         .durability = HF_DURABILITY_SYNC,
                         .interval_us = 1000,
                         .segment_bytes = HF_SEGMENT_BYTES_MIN,
                         .snapshots_kept = 2,
                         .new_directory_id = "simulated world"},
        .engine_config = hf_engine_config_default(),
    };
    hf_mirror_init(&node->mirror, node->disk);
    hf_mortal_init(&node->mortal, &node->mirror.table);
    node->engine_config.skus_max = 4096;
    node->engine_config.cells_max = 4096;
    node->engine_config.reservations_max = 65536;
    node->engine_config.lines_max = 262144;
    node->engine_config.shipments_max = 4096;
    node->engine_config.shipment_lines_max = 16384;
    node->engine_config.over_receipt_percent = HF_DEED_OVER_RECEIPT_PERCENT;
    node->engine_config.references_max = 65536;
    node->engine_config.reference_retention_us = RETENTION_US;
    node->engine_config.ledger_bytes = HF_LEDGER_BYTES_MIN;
    for (uint32_t i = 0; i < HF_NODE_LINKS_MAX; i++) {
        node->links[i].node = node;
    }
}

void hf_node_release(struct hf_node *node)
{
    if (node->is_up) {
        hf_node_end(node, HF_END_KILL);
    }
    for (uint32_t i = 0; i < HF_NODE_LINKS_MAX; i++) {
        hf_buffer_release(&node->links[i].to_server);
        hf_buffer_release(&node->links[i].to_client);
    }
    hf_sim_disk_free(hf_mirror_join(&node->mirror));
    hf_sim_disk_free(node->disk);
}

void hf_node_replace_disk(struct hf_node *node, struct hf_sim_disk *disk)
{
    HF_ASSERT(!node->is_up);
    hf_sim_disk_free(node->disk);
    node->disk = disk;
    node->mirror.disk = disk;
}

uint64_t hf_node_now_us(const struct hf_node *node)
{
    return (uint64_t)((int64_t)node->world->now_us + node->clock_offset_us);
}

/* ------------------------------------------------------------------ the log, for net/ */

static void log_publish(void *ctx, uint64_t lsn)
{
    struct hf_node *node = ctx;
    node->published_lsn = lsn;
    hf_store_publish(node->store, lsn);
}

static uint64_t log_durable_lsn(void *ctx)
{
    struct hf_node *node = ctx;
    hf_store_pin(node->store);
    return node->is_replying_early ? node->published_lsn : hf_store_durable_lsn(node->store);
}

static enum hf_err log_writable(void *ctx)
{
    const struct hf_node *node = ctx; /* one that has failed will be ended at once */
    return hf_store_failed(node->store) || !hf_store_writable(node->store) ? HF_READ_ONLY : HF_OK;
}

static enum hf_err log_snapshot(void *ctx, void (*done)(void *arg, enum hf_err err, uint64_t lsn),
                                void *arg)
{
    struct hf_node *node = ctx;

    const enum hf_err err = hf_store_snapshot_begin(node->store, node->engine);
    if (err != HF_OK) {
        return err;
    }
    log_publish(node, hf_engine_lsn(node->engine));
    node->snapshot_done = done;
    node->snapshot_arg = arg;
    return HF_OK;
}

static void log_stats(void *ctx, struct hf_log_stats *stats)
{
    const struct hf_node *node = ctx;
    struct hf_store_stats store = {0};

    hf_store_stats(node->store, &store);
    *stats = (struct hf_log_stats){.durable_lsn = store.durable_lsn,
                                   .fsyncs_count = store.fsyncs_count,
                                   .log_bytes = store.log_bytes,
                                   .snapshot_lsn = store.snapshot_lsn,
                                   .epoch = hf_store_epoch(node->store)};
}

static uint64_t log_first_lsn(void *ctx)
{
    const struct hf_node *node = ctx;
    return hf_store_first_lsn(node->store);
}

static enum hf_err log_read(void *ctx, uint64_t from_lsn, size_t bytes_max, hf_log_records_cb done,
                            void *arg)
{
    struct hf_node *node = ctx;

    if (node->reads_count == HF_NODE_READS_MAX) {
        return HF_NO_MEMORY;
    }
    node->reads[node->reads_count++] = (struct hf_node_read){from_lsn, bytes_max, done, arg};
    return HF_OK;
}

static const struct hf_log_ops log_ops = {
    .publish = log_publish,
    .durable_lsn = log_durable_lsn,
    .writable = log_writable,
    .snapshot = log_snapshot,
    .stats = log_stats,
    .first_lsn = log_first_lsn,
    .read = log_read,
};

static uint64_t clock_now_us(void *ctx)
{
    return hf_node_now_us(ctx);
}

static uint64_t clock_monotonic_us(void *ctx)
{
    const struct hf_node *node = ctx;
    return node->world->now_us;
}

/* ------------------------------------------------------------------ the network */

static size_t link_send(void *ctx, const unsigned char *bytes, size_t bytes_count)
{
    struct hf_link *link = ctx;
    const size_t queued = hf_buffer_count(&link->to_client);
    size_t taken = queued < WINDOW_BYTES ? WINDOW_BYTES - queued : 0;

    taken = bytes_count < taken ? bytes_count : taken;
    if (taken > 1 && hf_roll(link->node->world, 8) == 0) {
        taken = 1 + hf_roll(link->node->world, (uint32_t)taken); /* a socket that is nearly full */
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

uint32_t hf_node_connect(struct hf_node *node)
{
    const struct hf_connection_limits limits = {HF_CONNECTION_OUT_BYTES_MAX};
    uint32_t index = 0;

    while (index < HF_NODE_LINKS_MAX && node->links[index].is_open) {
        index++;
    }
    if (index == HF_NODE_LINKS_MAX) {
        return HF_NODE_LINK_NONE;
    }
    struct hf_link *link = &node->links[index];
    const struct hf_transport transport = {&link_ops, link};
    hf_buffer_clear(&link->to_server);
    hf_buffer_clear(&link->to_client);
    link->is_orphan = false;
    link->is_paused = false;
    link->is_finished = false;
    link->life++;
    hf_connection_init(&link->connection, &node->dispatch, &transport, &limits);
    link->is_open = true;
    return index;
}

void hf_node_cut(struct hf_node *node, uint32_t link_index, bool is_reset)
{
    struct hf_link *link = &node->links[link_index];

    hf_buffer_clear(&link->to_server);
    if (is_reset) {
        disconnect(link);
    } else if (link->is_open && !link->is_finished) {
        link->is_orphan = true; /* it answers what it has read; nobody hears it */
        hf_connection_end(&link->connection);
    }
}

void hf_node_orphan(struct hf_node *node, uint32_t link)
{
    node->links[link].is_orphan = true;
}

void hf_node_deliver(struct hf_node *node, uint32_t link_index, size_t bytes_max)
{
    struct hf_link *link = &node->links[link_index];
    const size_t queued = hf_buffer_count(&link->to_server);
    const size_t count = queued < bytes_max ? queued : bytes_max;

    if (!link->is_open || link->is_paused || link->is_finished || count == 0) {
        return;
    }
    hf_connection_receive(&link->connection, hf_buffer_front(&link->to_server), count);
    hf_buffer_take(&link->to_server, count);
}

/* ------------------------------------------------------------------ turns */

/* The feed: those who were left over at each turn, everyone at each tick. */
static void turn_feed(struct hf_node *node)
{
    const bool is_time = node->world->now_us - node->fed_us >= HF_FEED_TICK_US;
    const bool everyone = is_time || node->has_arrived;

    if (node->feed.subscribers_count == 0) {
        return;
    }
    if (everyone) {
        node->fed_us = node->world->now_us;
        node->has_arrived = false;
    }
    (void)hf_feed_round(&node->feed, everyone);
}

void hf_node_turn(struct hf_node *node)
{
    (void)log_durable_lsn(node); /* also when nobody waits: the ring lets go of what is durable */
    if (hf_engine_next_deadline_us(node->engine) <= hf_node_now_us(node)) {
        (void)hf_dispatch_expire(&node->dispatch);
    }
    for (uint32_t i = 0; i < HF_NODE_LINKS_MAX; i++) {
        struct hf_link *link = &node->links[i];
        if (link->is_open && !link->is_finished) {
            hf_connection_step(&link->connection);
            hf_connection_pump(&link->connection);
        }
    }
    turn_feed(node);
    for (uint32_t i = 0; i < HF_NODE_LINKS_MAX; i++) {
        struct hf_link *link = &node->links[i];
        if (link->is_orphan) {
            hf_buffer_clear(&link->to_client);
        }
        if (link->is_open && link->is_finished && link->is_orphan) {
            disconnect(link);
        }
    }
    const uint64_t lsn = hf_engine_lsn(node->engine);
    if (lsn != node->published_lsn) {
        log_publish(node, lsn);
    }
}

bool hf_node_log_step(struct hf_node *node)
{
    const uint64_t synced_lsn = hf_store_synced_lsn(node->store);
    const bool has_worked = hf_store_log_step(node->store, node->world->now_us);

    if (hf_store_synced_lsn(node->store) != synced_lsn) {
        memmove(&node->group_lsns[1], &node->group_lsns[0],
                sizeof node->group_lsns - sizeof node->group_lsns[0]);
        node->group_lsns[0] = synced_lsn;
        node->has_grouped = true;
    }
    return has_worked;
}

void hf_node_read_step(struct hf_node *node)
{
    if (node->reads_count == 0) {
        return;
    }
    const struct hf_node_read read = node->reads[0];
    const struct hf_log_read wish = {read.from_lsn, hf_store_durable_lsn(node->store),
                                     read.bytes_max};
    const enum hf_err err = hf_log_reader_read(&node->reader, &wish);

    node->reads_count--;
    memmove(&node->reads[0], &node->reads[1], node->reads_count * sizeof node->reads[0]);
    read.done(read.arg, err, node->reader.records, err == HF_OK ? node->reader.records_bytes : 0);
}

void hf_node_snapshot_step(struct hf_node *node)
{
    enum hf_err err = HF_OK;
    uint64_t lsn = 0;

    if (hf_store_snapshot_is_due(node->store, node->world->now_us) &&
        hf_store_snapshot_begin(node->store, node->engine) == HF_OK) {
        node->published_lsn = hf_engine_lsn(node->engine);
    }
    /* A slice on the loop, a few pieces of work of the worker, then others' turn. */
    (void)hf_store_snapshot_copy_step(node->store);
    for (uint32_t i = 0; i < SNAPSHOT_PIECES; i++) {
        if (hf_store_snapshot_write_step(node->store, node->world->now_us) == HF_STORE_WANTS_LOG) {
            (void)hf_node_log_step(node);
            (void)hf_store_log_sync(node->store);
        }
    }
    if (hf_store_snapshot_poll(node->store, &err, &lsn)) {
        node->snapshots_count += err == HF_OK ? 1 : 0;
        if (node->snapshot_done != NULL) { /* somebody had asked for it */
            node->snapshot_done(node->snapshot_arg, err, lsn);
            node->snapshot_done = NULL;
        }
    }
}

void hf_node_spare_step(struct hf_node *node)
{
    if (node->is_spare_late) {
        return;
    }
    if (hf_store_spare_has_failed(node->store) && hf_roll(node->world, 4) == 0) {
        hf_store_spare_retry(node->store);
    }
    (void)hf_store_spare_step(node->store);
}

/* ------------------------------------------------------------------ life */

static void drop_line(void *arg, char level, const char *text)
{
    (void)arg;
    (void)level;
    (void)text;
}

static void arrived(void *arg)
{
    struct hf_node *node = arg;
    node->has_arrived = true;
}

static void join_parts(struct hf_node *node)
{
    const struct hf_feed_config feed_config = {.subscriptions_max = HF_NODE_LINKS_MAX,
                                               .stall_us = HF_FEED_STALL_US_DEFAULT};
    const struct hf_dispatch_config config = {
        .frame_bytes_max = HF_FRAME_BYTES_MIN,
        .operations_max = 1024,
    };

    node->log = (struct hf_log){.ops = &log_ops,
                                .ctx = node,
                                .epoch = hf_store_epoch(node->store),
                                .epochs = node->epochs,
                                .epochs_count = hf_store_epochs_count(node->store)};
    HF_ASSERT(node->log.epochs_count <= sizeof node->epochs / sizeof node->epochs[0]);
    for (uint32_t i = 0; i < node->log.epochs_count; i++) {
        node->epochs[i].epoch = hf_store_epoch_at(node->store, i, &node->epochs[i].first_lsn);
    }
    memcpy(node->log.directory_id, hf_store_directory_id(node->store),
           sizeof node->log.directory_id);
    node->clock = (struct hf_clock){node, clock_now_us, clock_monotonic_us};
    HF_ASSERT(hf_dispatch_init(&node->dispatch, &config, node->engine, &node->log, &node->clock) ==
              HF_OK);
    HF_ASSERT(hf_log_reader_init(&node->reader, hf_store_directory(node->store)) == HF_OK);
    hf_feed_init(&node->feed, &feed_config, node->engine, &node->log, &node->clock, arrived, node);
    node->dispatch.feed = &node->feed;
}

bool hf_node_boot(struct hf_node *node)
{
    const struct hf_store_report report = {.arg = node, .line = drop_line};

    HF_ASSERT(!node->is_up);
    node->error[0] = '\0';
    node->has_grouped = false;
    node->engine = hf_engine_create(&node->engine_config);
    HF_ASSERT(node->engine != NULL);
    node->store = hf_store_open(&node->store_config, &node->mortal.table, &report, node->engine,
                                node->error, sizeof node->error);
    if (node->store == NULL) {
        hf_engine_free(node->engine);
        node->engine = NULL;
        return false;
    }
    join_parts(node);
    node->published_lsn = hf_engine_lsn(node->engine);
    node->is_up = true;
    return true;
}

void hf_node_doom(struct hf_node *node, uint64_t nth)
{
    node->mortal.calls_left = nth;
}

bool hf_node_is_dying(const struct hf_node *node)
{
    return hf_store_failed(node->store) ||
           (node->is_power_cut && hf_sim_disk_has_failed(node->disk)) ||
           node->mortal.calls_left == 0;
}

void hf_node_end(struct hf_node *node, enum hf_node_end end)
{
    static const enum hf_sim_fate fates[HF_NODE_ENDS_COUNT] = {
        [HF_END_DROP] = HF_SIM_DROP, [HF_END_SPOIL] = HF_SIM_SPOIL, [HF_END_MIX] = HF_SIM_MIX};

    for (uint32_t i = 0; i < HF_NODE_LINKS_MAX; i++) {
        disconnect(&node->links[i]);
        hf_buffer_clear(&node->links[i].to_server);
    }
    if (node->is_up) {
        while (node->reads_count > 0) {
            const struct hf_node_read read = node->reads[--node->reads_count];
            read.done(read.arg, HF_BUSY, NULL, 0);
        }
        hf_feed_release(&node->feed);
        hf_log_reader_release(&node->reader);
        hf_dispatch_release(&node->dispatch);
        hf_store_close(node->store);
        hf_engine_free(node->engine);
        node->store = NULL;
        node->engine = NULL;
        node->is_up = false;
    }
    node->snapshot_done = NULL;
    node->mortal.calls_left = UINT64_MAX;
    if (end == HF_END_KILL) {
        hf_sim_disk_fail(node->disk, &(struct hf_sim_fault){0}); /* the next one may not strike */
    } else {
        hf_sim_disk_crash(node->disk, fates[end], node->world->random);
        if (node->mirror.twin != NULL) {
            hf_sim_disk_crash(node->mirror.twin, fates[end], node->world->random);
        }
    }
}
