#include "bench/load/stage.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/assert.h"

#define CHUNK 1000u /* SKUs of one receive and of one look-up */
#define CODE_BYTES 24
#define OPEN_CHUNK 4096u /* reservations of one frame */
#define OPEN_TTL_US (6 * 60 * HOLDFAST_MINUTE_US)

static bool fail(char *error, struct holdfast *hf, const char *what, enum holdfast_outcome outcome)
{
    (void)snprintf(error, HF_STAGE_ERROR_BYTES, "could not %s: %s", what,
                   outcome == HOLDFAST_UNKNOWN ? holdfast_error(hf)
                                               : holdfast_outcome_text(outcome));
    return false;
}

static bool prepare_chunk(struct hf_stage *stage, struct holdfast *hf, uint32_t first,
                          uint32_t count, char *error)
{
    static char codes[CHUNK][CODE_BYTES];
    static struct holdfast_line lines[CHUNK];
    const char *skus[CHUNK];

    HF_ASSERT(count >= 1 && count <= CHUNK);
    for (uint32_t i = 0; i < count; i++) {
        (void)snprintf(codes[i], sizeof codes[i], "BENCH-%08u", first + i);
        skus[i] = codes[i];
        lines[i] = (struct holdfast_line){
            .sku = codes[i], .location = stage->location, .units = HF_STAGE_UNITS};
    }
    const struct holdfast_op op = {
        .kind = HOLDFAST_RECEIVE, .reason = HOLDFAST_OPENING, .lines = lines, .lines_count = count};
    struct holdfast_reply reply;
    enum holdfast_outcome outcome = holdfast_execute(hf, &op, 1, &reply);
    if (outcome != HOLDFAST_OK) {
        return fail(error, hf, "open the stock", outcome);
    }
    outcome = holdfast_lookup(hf, skus, NULL, count, stage->sku_handles + first, NULL);
    if (outcome != HOLDFAST_OK) {
        return fail(error, hf, "look the SKUs up", outcome);
    }
    for (uint32_t i = 0; i < count; i++) {
        if (stage->sku_handles[first + i] == HOLDFAST_HANDLE_NONE) {
            return fail(error, hf, "look the SKUs up", HOLDFAST_UNKNOWN_SKU);
        }
    }
    return true;
}

bool hf_stage_prepare(struct hf_stage *stage, struct holdfast *hf, uint32_t run_key,
                      uint32_t skus_count, char *error)
{
    HF_ASSERT(skus_count >= 1 && skus_count <= HF_STAGE_SKUS_MAX);

    *stage = (struct hf_stage){.skus_count = skus_count};
    (void)snprintf(stage->location, sizeof stage->location, "BENCH-%08" PRIx32, run_key);
    stage->sku_handles = calloc(skus_count, sizeof *stage->sku_handles);
    if (stage->sku_handles == NULL) {
        (void)snprintf(error, HF_STAGE_ERROR_BYTES, "no memory for %u SKUs", skus_count);
        return false;
    }
    for (uint32_t first = 0; first < skus_count; first += CHUNK) {
        const uint32_t left = skus_count - first;
        if (!prepare_chunk(stage, hf, first, left < CHUNK ? left : CHUNK, error)) {
            return false;
        }
    }
    const char *locations[1] = {stage->location};
    const enum holdfast_outcome outcome =
        holdfast_lookup(hf, NULL, locations, 1, NULL, &stage->location_handle);
    if (outcome != HOLDFAST_OK || stage->location_handle == HOLDFAST_HANDLE_NONE) {
        return fail(error, hf, "look the location up", outcome);
    }
    return true;
}

static bool open_chunk(struct hf_stage *stage, struct holdfast *hf, uint32_t run_key,
                       uint32_t count, char *error)
{
    static char ids[OPEN_CHUNK][CODE_BYTES];
    static struct holdfast_op ops[OPEN_CHUNK];
    static struct holdfast_line lines[OPEN_CHUNK];
    static struct holdfast_reply replies[OPEN_CHUNK];

    HF_ASSERT(count >= 1 && count <= OPEN_CHUNK);
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t number = stage->open_count + i;
        /* As long as the ids of the load, and none of them: theirs begin with the whole run key. */
        (void)snprintf(ids[i], sizeof ids[i], "o%07" PRIx32 "%08" PRIx32, run_key & 0xfffffff,
                       number);
        lines[i] =
            (struct holdfast_line){.sku_handle = stage->sku_handles[number % stage->skus_count],
                                   .location_handle = stage->location_handle,
                                   .units = 1};
        ops[i] = (struct holdfast_op){.kind = HOLDFAST_RESERVE,
                                      .flags = HOLDFAST_HANDLES | HOLDFAST_TTL,
                                      .id = ids[i],
                                      .ttl_us = OPEN_TTL_US,
                                      .lines = &lines[i],
                                      .lines_count = 1};
    }
    const enum holdfast_outcome outcome = holdfast_execute(hf, ops, count, replies);
    for (uint32_t i = 0; i < count; i++) {
        if (outcome != HOLDFAST_OK || replies[i].outcome != HOLDFAST_OK) {
            return fail(error, hf, "open the reservations",
                        outcome != HOLDFAST_OK ? outcome : replies[i].outcome);
        }
    }
    stage->open_count += count;
    return true;
}

bool hf_stage_open(struct hf_stage *stage, struct holdfast *hf, uint32_t run_key, uint32_t count,
                   char *error)
{
    HF_ASSERT(count <= HF_STAGE_OPEN_MAX);

    while (stage->open_count < count) {
        const uint32_t left = count - stage->open_count;
        if (!open_chunk(stage, hf, run_key, left < OPEN_CHUNK ? left : OPEN_CHUNK, error)) {
            return false;
        }
    }
    return true;
}

void hf_stage_release(struct hf_stage *stage)
{
    free(stage->sku_handles);
    *stage = (struct hf_stage){0};
}

static bool keep_stat(void *arg, const char *name, uint64_t value)
{
    struct hf_stage_stats *stats = arg;
    const struct {
        const char *name;
        uint64_t *value;
    } wanted[] = {{"lsn", &stats->lsn},
                  {"durable_lsn", &stats->durable_lsn},
                  {"fsyncs", &stats->fsyncs},
                  {"log_bytes", &stats->log_bytes},
                  {"cpu_us", &stats->cpu_us},
                  {"snapshot_longest_copy_us", &stats->snapshot_longest_copy_us},
                  {"snapshot_longest_copy_cpu_us", &stats->snapshot_longest_copy_cpu_us},
                  {"snapshot_bytes", &stats->snapshot_bytes}};
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
        if (strcmp(name, wanted[i].name) == 0) {
            *wanted[i].value = value;
        }
    }
    return true;
}

bool hf_stage_read_stats(struct holdfast *hf, struct hf_stage_stats *stats)
{
    *stats = (struct hf_stage_stats){UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX,
                                     UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX};
    return holdfast_get_stats(hf, keep_stat, stats) == HOLDFAST_OK;
}

/* ------------------------------------------------------------------ proof */

struct sums {
    uint64_t cells;
    int64_t on_hand, held, committed; /* nine million full cells fit (limits.h) */
};

static bool add_cell(void *arg, const struct holdfast_cell *cell)
{
    struct sums *sums = arg;
    sums->cells++;
    sums->on_hand += cell->on_hand;
    sums->held += cell->held;
    sums->committed += cell->committed;
    return true;
}

/* Is `found` within [known - unknown, known + unknown]? What was not answered may have happened. */
static bool is_near(const char *what, int64_t found, int64_t known, uint64_t unknown, char *why)
{
    const int64_t distance = found > known ? found - known : known - found;
    if ((uint64_t)distance <= unknown) {
        return true;
    }
    (void)snprintf(why, HF_STAGE_ERROR_BYTES,
                   "%s is %" PRId64 ", but the replies add up to %" PRId64, what, found, known);
    return false;
}

bool hf_stage_verify(const struct hf_stage *stage, struct holdfast *hf,
                     const struct hf_stage_expected *expected, const struct hf_stage_stats *before,
                     char *why)
{
    struct sums sums = {0};
    struct hf_stage_stats after;
    const int64_t opened = HF_STAGE_UNITS * (int64_t)stage->skus_count;
    const uint64_t unknown = expected->unknown;

    const struct holdfast_list_query query = {.location = stage->location};
    if (holdfast_list(hf, &query, add_cell, &sums) != HOLDFAST_OK ||
        !hf_stage_read_stats(hf, &after)) {
        (void)snprintf(why, HF_STAGE_ERROR_BYTES, "could not read the balances: %s",
                       holdfast_error(hf));
        return false;
    }
    const uint64_t writes = expected->reserved + expected->confirmed + expected->fulfilled;
    if (after.lsn - before->lsn < writes) {
        (void)snprintf(why, HF_STAGE_ERROR_BYTES,
                       "the log grew by %" PRIu64 " operations, %" PRIu64 " were answered ok",
                       after.lsn - before->lsn, writes);
        return false;
    }
    if (after.durable_lsn < before->lsn + writes) {
        (void)snprintf(why, HF_STAGE_ERROR_BYTES, "answered operations are not durable");
        return false;
    }
    const int64_t held =
        (int64_t)(expected->reserved - expected->confirmed) + (int64_t)stage->open_count;
    return is_near("the number of cells", (int64_t)sums.cells, stage->skus_count, 0, why) &&
           is_near("held", sums.held, held, unknown, why) &&
           is_near("committed", sums.committed,
                   (int64_t)(expected->confirmed - expected->fulfilled), unknown, why) &&
           is_near("on_hand", sums.on_hand, opened - (int64_t)expected->fulfilled, unknown, why);
}
