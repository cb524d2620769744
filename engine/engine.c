/*
 * engine.c - the engine's life: memory taken from the configured limits, figures, the end.
 */
#include "engine/image.h"
#include "engine/state.h"

#include <stdlib.h>

/* Bytes that the content hash of the largest operation is taken over (plan.c). */
#define CONTENT_BYTES_MAX (1024 + HF_LINES_MAX * (16 + 9 + 24 + 8))

#define ORDERS_LIMIT UINT32_C(0x80000000) /* a pool numbers its items with 31 bits */

struct hf_engine_config hf_engine_config_default(void)
{
    return (struct hf_engine_config){
        .skus_max = 16u * 1024 * 1024,
        .locations_max = 65536,
        .cells_max = 64u * 1024 * 1024,
        .reservations_max = 32u * 1024 * 1024,
        .lines_max = 64u * 1024 * 1024,
        .shipments_max = 1000000,
        .shipment_lines_max = 4000000,
        .references_max = 16u * 1024 * 1024,
        .reference_retention_us = UINT64_C(24) * 3600 * 1000000,
        .life_us_max = UINT64_C(30) * 24 * 3600 * 1000000,
        .ledger_bytes = UINT64_C(256) * 1024 * 1024,
        .memory_max_bytes = 0,
    };
}

static bool work_init(struct hf_work *work)
{
    work->lines = hf_memory_reserve(HF_LINES_MAX * sizeof *work->lines);
    work->line_of = hf_memory_reserve(HF_LINES_MAX * sizeof *work->line_of);
    work->map.slots = hf_memory_reserve(HF_MAP_SLOTS * sizeof *work->map.slots);
    work->result_lines = hf_memory_reserve(HF_RESULT_LINES_MAX * sizeof *work->result_lines);
    work->content = hf_memory_reserve(CONTENT_BYTES_MAX);
    work->effects = hf_memory_reserve((HF_EFFECTS_MAX + 1) * sizeof *work->effects);
    work->hits = hf_memory_reserve(HF_RECORD_HITS_BYTES_MAX);
    return work->lines != NULL && work->line_of != NULL && work->map.slots != NULL &&
           work->result_lines != NULL && work->content != NULL && work->effects != NULL &&
           work->hits != NULL;
}

static void work_release(struct hf_work *work)
{
    hf_memory_give_back(work->lines, HF_LINES_MAX * sizeof *work->lines);
    hf_memory_give_back(work->line_of, HF_LINES_MAX * sizeof *work->line_of);
    hf_memory_give_back(work->map.slots, HF_MAP_SLOTS * sizeof *work->map.slots);
    hf_memory_give_back(work->result_lines, HF_RESULT_LINES_MAX * sizeof *work->result_lines);
    hf_memory_give_back(work->content, CONTENT_BYTES_MAX);
    hf_memory_give_back(work->effects, (HF_EFFECTS_MAX + 1) * sizeof *work->effects);
    hf_memory_give_back(work->hits, HF_RECORD_HITS_BYTES_MAX);
}

/* A pool holds one item at least; who needs no shipments says zero. */
static uint32_t at_least_one(uint32_t count)
{
    return count > 0 ? count : 1;
}

/* Take memory for the limits of `config` into a zeroed engine. False: some is not to be had. */
static bool fill(struct hf_engine *engine, const struct hf_engine_config *config)
{
    engine->config = *config;
    /* An order for each reservation and each record: the ring's places are a power of two. */
    const uint64_t orders_max = config->ledger_bytes / 32 + config->reservations_max;
    engine->group = hf_memory_reserve(HF_GROUP_RECORDS_MAX * sizeof *engine->group);
    engine->told = hf_memory_reserve(hf_event_scratch_bytes());
    engine->digest.buffer = hf_memory_reserve(HF_IMAGE_BYTES_MIN);
    return engine->group != NULL && engine->told != NULL && engine->digest.buffer != NULL &&
           work_init(&engine->work) &&
           hf_catalog_init(&engine->catalog, config->skus_max, config->locations_max) == HF_OK &&
           hf_cells_init(&engine->cells, config->cells_max) == HF_OK &&
           hf_reservations_init(&engine->reservations, config->reservations_max,
                                config->lines_max) == HF_OK &&
           hf_shipments_init(&engine->shipments, at_least_one(config->shipments_max),
                             at_least_one(config->shipment_lines_max)) == HF_OK &&
           hf_names_init(&engine->names, config->references_max, &engine->reservations,
                         &engine->shipments) == HF_OK &&
           hf_orders_init(&engine->orders,
                          orders_max < ORDERS_LIMIT ? (uint32_t)orders_max : ORDERS_LIMIT,
                          config->reservations_max) == HF_OK &&
           hf_ledger_init(&engine->ledger, config->ledger_bytes) == HF_OK;
}

/* Give all of it back; accepts a half-filled one. */
static void empty(struct hf_engine *engine)
{
    hf_ledger_release(&engine->ledger);
    hf_orders_release(&engine->orders);
    hf_names_release(&engine->names);
    hf_shipments_release(&engine->shipments);
    hf_reservations_release(&engine->reservations);
    hf_cells_release(&engine->cells);
    hf_catalog_release(&engine->catalog);
    hf_memory_give_back(engine->digest.buffer, HF_IMAGE_BYTES_MIN);
    hf_image_load_release(engine);
    hf_engine_thaw(engine);
    hf_engine_snapshot_end(engine);
    hf_kept_end(engine, &engine->steps.kept);
    hf_waste_release(&engine->waste);
    work_release(&engine->work);
    hf_memory_give_back(engine->told, hf_event_scratch_bytes());
    hf_memory_give_back(engine->group, HF_GROUP_RECORDS_MAX * sizeof *engine->group);
}

struct hf_engine *hf_engine_create(const struct hf_engine_config *config)
{
    HF_ASSERT(config->life_us_max > 0);
    HF_ASSERT(config->life_us_max <= HF_LIFE_US_LIMIT);
    HF_ASSERT(config->ledger_bytes >= HF_LEDGER_BYTES_MIN);

    struct hf_engine *engine = calloc(1, sizeof *engine);
    if (engine == NULL) {
        return NULL;
    }
    if (!fill(engine, config)) {
        hf_engine_free(engine);
        return NULL;
    }
    return engine;
}

void hf_engine_free(struct hf_engine *engine)
{
    if (engine != NULL) {
        empty(engine);
        free(engine);
    }
}

bool hf_engine_clear(struct hf_engine *engine)
{
    const struct hf_engine_config config = engine->config;

    empty(engine);
    *engine = (struct hf_engine){0};
    return fill(engine, &config);
}

uint64_t hf_engine_lsn(const struct hf_engine *engine)
{
    return engine->last_lsn;
}

uint64_t hf_engine_time_us(const struct hf_engine *engine)
{
    return engine->last_ts_us;
}

struct hf_ledger *hf_engine_ledger(struct hf_engine *engine)
{
    return &engine->ledger;
}

uint64_t hf_engine_memory_bytes(const struct hf_engine *engine)
{
    return sizeof *engine + hf_catalog_memory_bytes(&engine->catalog) +
           hf_pool_memory_bytes(&engine->cells.pool) + hf_pool_memory_bytes(&engine->cells.extras) +
           engine->cells.table.memory_bytes + hf_reservations_memory_bytes(&engine->reservations) +
           hf_shipments_memory_bytes(&engine->shipments) + hf_names_memory_bytes(&engine->names) +
           hf_orders_memory_bytes(&engine->orders) + engine->ledger.touched_bytes +
           engine->ledger.touched_entries * sizeof *engine->ledger.entries +
           hf_kept_memory_bytes(&engine->frozen.kept) + hf_kept_memory_bytes(&engine->steps.kept) +
           hf_waste_bytes(&engine->waste);
}

void hf_engine_stats(const struct hf_engine *engine, struct hf_engine_stats *stats)
{
    const struct hf_ledger *ledger = &engine->ledger;

    *stats = (struct hf_engine_stats){
        .lsn = engine->last_lsn,
        .skus_count = hf_catalog_count(&engine->catalog, HF_CODE_SKU),
        .locations_count = hf_catalog_count(&engine->catalog, HF_CODE_LOCATION),
        .regions_count = hf_catalog_count(&engine->catalog, HF_CODE_REGION),
        .cells_count = hf_pool_live_count(&engine->cells.pool),
        .reservations_count = engine->reservations.open_count,
        .reservations_remembered =
            hf_pool_live_count(&engine->reservations.pool) - engine->reservations.open_count,
        .references_max = engine->config.references_max,
        .transfers_count = engine->shipments.open_transfers_count,
        .inbound_count = engine->shipments.open_inbound_count,
        .references_count = hf_pool_live_count(&engine->names.refs),
        .ledger_first_lsn = ledger->first_lsn > ledger->last_lsn ? 0 : ledger->first_lsn,
        .memory_bytes = hf_engine_memory_bytes(engine),
    };
}
