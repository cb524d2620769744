#include "bench/micro/world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/ledger.h"

#define RECEIVE_LINES 1024
#define UNITS INT64_C(1000000)
#define TTL_US (UINT64_C(15) * 60 * 1000000)
#define BEGIN_US (UINT64_C(1700000000) * 1000000)

/* splitmix64 */
static uint64_t any(struct hf_world *world)
{
    uint64_t z = (world->random += UINT64_C(0x9E3779B97F4A7C15));
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

struct hf_engine *hf_world_engine(const struct hf_world *world)
{
    return hf_engine_create(&world->config);
}

static bool receive_cells(struct hf_world *world)
{
    static struct hf_op_line lines[RECEIVE_LINES];
    static char codes[RECEIVE_LINES][2][16];
    struct hf_result result;

    for (uint32_t at = 0; at < world->cells_count;) {
        uint32_t count = 0;
        for (; count < RECEIVE_LINES && at < world->cells_count; count++, at++) {
            const int sku_bytes = snprintf(codes[count][0], sizeof codes[count][0], "S%08u",
                                           at / world->locations_count);
            const int location_bytes = snprintf(codes[count][1], sizeof codes[count][1], "L%04u",
                                                at % world->locations_count);
            lines[count] =
                (struct hf_op_line){.sku = {codes[count][0], (uint32_t)sku_bytes},
                                    .location = {codes[count][1], (uint32_t)location_bytes},
                                    .units = UNITS};
        }
        const struct hf_op op = {.kind = HF_KIND_RECEIVE,
                                 .reason = HF_REASON_PURCHASE,
                                 .lines = lines,
                                 .lines_count = count};
        hf_engine_apply(world->engine, &op, world->now_us, &result);
        hf_ledger_pin(hf_engine_ledger(world->engine), hf_engine_lsn(world->engine));
        if (result.outcome != HF_OK) {
            (void)fprintf(stderr, "holdfast-micro: could not receive: %s\n",
                          hf_err_name(result.outcome));
            return false;
        }
    }
    return true;
}

bool hf_world_init(struct hf_world *world, uint32_t cells_count, uint32_t locations_count,
                   uint64_t reservations_max)
{
    *world = (struct hf_world){
        .config = hf_engine_config_default(),
        .cells_count = cells_count,
        .locations_count = locations_count,
        .skus_count = (cells_count + locations_count - 1) / locations_count,
        .now_us = BEGIN_US,
    };
    world->config.cells_max = cells_count;
    world->config.reservations_max = world->config.lines_max = (uint32_t)reservations_max;
    world->engine = hf_world_engine(world);
    return world->engine != NULL && receive_cells(world);
}

void hf_world_release(struct hf_world *world)
{
    hf_engine_free(world->engine);
    world->engine = NULL;
}

static bool add_record(const struct hf_world *world, struct hf_records *records)
{
    uint32_t bytes_count;
    const unsigned char *record =
        hf_ledger_get(hf_engine_ledger(world->engine), hf_engine_lsn(world->engine), &bytes_count);

    if (records->bytes_count + bytes_count > records->bytes_max) {
        const size_t bytes_max = 2 * records->bytes_max + 1024 * 1024;
        unsigned char *bytes = realloc(records->bytes, bytes_max);
        if (bytes == NULL) {
            return false;
        }
        records->bytes = bytes;
        records->bytes_max = bytes_max;
    }
    memcpy(records->bytes + records->bytes_count, record, bytes_count);
    records->bytes_count += bytes_count;
    records->count++;
    return true;
}

bool hf_world_reserve(struct hf_world *world, uint64_t count, struct hf_records *records)
{
    struct hf_op_line line = {.units = 1};
    char id[17];
    struct hf_op op = {.kind = HF_KIND_RESERVE,
                       .flags = HF_OP_HANDLES | HF_OP_TTL,
                       .ttl_us = TTL_US,
                       .lines = &line,
                       .lines_count = 1};
    struct hf_result result;

    for (uint64_t i = 0; i < count; i++) {
        const uint32_t cell = (uint32_t)(any(world) % world->cells_count);
        const int id_bytes =
            snprintf(id, sizeof id, "%016llx", (unsigned long long)world->reservations_count++);
        op.id = (struct hf_text){id, (uint32_t)id_bytes};
        line.sku_handle = cell / world->locations_count;
        line.location_handle = cell % world->locations_count;
        hf_engine_apply(world->engine, &op, ++world->now_us, &result);
        hf_ledger_pin(hf_engine_ledger(world->engine), hf_engine_lsn(world->engine));
        if (result.outcome != HF_OK || (records != NULL && !add_record(world, records))) {
            (void)fprintf(stderr, "holdfast-micro: could not reserve: %s\n",
                          hf_err_name(result.outcome));
            return false;
        }
    }
    return true;
}
