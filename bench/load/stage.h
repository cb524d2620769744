/*
 * stage.h - the stock a load works on, and the proof at the end that the load really happened.
 *
 * Reservations that are open before the load begins hold a unit each, for longer than any run.
 *
 * Every run has a location of its own, so what is found there afterwards is the work of this run
 * and of nobody else. Each SKU opens with more units than any run can take.
 *
 * The proof does not ask the load what it did: it adds up the counters of all cells at the location
 * and the log's positions, and compares them with the replies that were counted.
 */
#ifndef HF_BENCH_STAGE_H
#define HF_BENCH_STAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/holdfast.h"

#define HF_STAGE_SKUS_MAX 10000000u
#define HF_STAGE_UNITS INT64_C(10000000000) /* of each SKU; a hundredth of what a cell can hold */
#define HF_STAGE_OPEN_MAX 100000000u
#define HF_STAGE_ERROR_BYTES 512

struct hf_stage {
    char location[32];
    uint32_t location_handle;
    uint32_t *sku_handles;
    uint32_t skus_count;
    uint32_t open_count; /* reservations that are no part of the load */
};

/* What stats say, as far as a figure needs it. UINT64_MAX: the server does not say. */
struct hf_stage_stats {
    uint64_t lsn, durable_lsn, fsyncs, log_bytes, cpu_us;
    uint64_t snapshot_longest_copy_us, snapshot_longest_copy_cpu_us, snapshot_bytes;
};

/* What the replies add up to. */
struct hf_stage_expected {
    uint64_t reserved, confirmed,
        fulfilled;    /* operations that were answered ok, of one unit each */
    uint64_t unknown; /* not answered: they may have happened or not */
};

/* Create SKUs and stock, look their handles up. False: `error` says why. */
bool hf_stage_prepare(struct hf_stage *stage, struct holdfast *hf, uint32_t run_key,
                      uint32_t skus_count, char *error);
/* Open `count` reservations of one unit, spread over the SKUs. False: `error` says why. */
bool hf_stage_open(struct hf_stage *stage, struct holdfast *hf, uint32_t run_key, uint32_t count,
                   char *error);
void hf_stage_release(struct hf_stage *stage);

bool hf_stage_read_stats(struct holdfast *hf, struct hf_stage_stats *stats);

/* True when balances and log positions are what the replies say; else `why` names the difference.*/
bool hf_stage_verify(const struct hf_stage *stage, struct holdfast *hf,
                     const struct hf_stage_expected *expected, const struct hf_stage_stats *before,
                     char *why);

#endif
