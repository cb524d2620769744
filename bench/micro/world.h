/*
 * world.h - an engine with as many cells and reservations as wanted, and records to go on with.
 *
 * SKUs S00000000.. at locations L0000..: cells_count cells, SKU by SKU. Reservations are those of
 * `holdfast-bench --scenario reserve`: handles, a 16-byte id, a 15-minute time-to-live, one line of
 * one unit, no order; the cell is any. All in memory; the same sizes give the same world.
 */
#ifndef HF_BENCH_WORLD_H
#define HF_BENCH_WORLD_H

#include "engine/engine.h"

struct hf_world {
    struct hf_engine_config config;
    struct hf_engine *engine;
    uint32_t cells_count, locations_count, skus_count;
    uint64_t reservations_count; /* so far */
    uint64_t random;
    uint64_t now_us;
};

/* Records one after the other, as in the log. */
struct hf_records {
    unsigned char *bytes;
    size_t bytes_count, bytes_max;
    uint64_t count;
};

/* An engine whose limits hold the world and `reservations_max`; NULL: no memory. */
struct hf_engine *hf_world_engine(const struct hf_world *world);
/* Make the cells. False: no memory. */
bool hf_world_init(struct hf_world *world, uint32_t cells_count, uint32_t locations_count,
                   uint64_t reservations_max);
void hf_world_release(struct hf_world *world);
/* Reserve `count` times. `records` NULL: nobody wants to see the log. False: no memory. */
bool hf_world_reserve(struct hf_world *world, uint64_t count, struct hf_records *records);

#endif
