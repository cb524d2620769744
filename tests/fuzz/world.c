#include "tests/fuzz/world.h"

#include <string.h>

#include "engine/assert.h"
#include "engine/record.h"
#include "persistence/reader.h"
#include "persistence/store.h"
#include "tests/fuzz/mutate.h"
#include "tests/fuzz/story.h"
#include "tests/lib/small_engine.h"

#define ERROR_BYTES 1024
#define GROUP_OPS 4  /* operations of a group of the log, ... */
#define GROUPS_MAX 7 /* but for the last one, which holds the rest */
#define READ_BYTES 4096

const unsigned char hf_fuzz_id[16] = "fuzz";

static const struct hf_store_config store_config = {.path = HF_WORLD_FOLDER,
                                                    .segment_bytes = HF_SEGMENT_BYTES_MIN,
                                                    .snapshots_kept = 1,
                                                    .log_kept_bytes = UINT64_MAX,
                                                    .new_directory_id = "fuzz"};

struct hf_engine *hf_world_engine(void)
{
    const struct hf_engine_config config = hf_story_config();
    struct hf_engine *engine = hf_engine_create(&config);

    HF_ASSERT(engine != NULL);
    return engine;
}

size_t hf_world_file(const char *path, unsigned char *bytes)
{
    const struct hf_sim_disk *disk = hf_world()->disk;
    const size_t bytes_count = (size_t)hf_sim_disk_file_bytes(disk, path);

    HF_ASSERT(bytes_count <= HF_FUZZ_INPUT_BYTES_MAX);
    hf_sim_disk_peek(disk, path, 0, bytes, bytes_count);
    return bytes_count;
}

static void snapshot(struct hf_store *store, struct hf_engine *engine)
{
    char error[ERROR_BYTES];

    HF_ASSERT(hf_engine_lsn(engine) == HF_WORLD_SNAPSHOT_LSN);
    HF_ASSERT(hf_store_snapshot_all(store, engine, error, sizeof error) == HF_OK);
}

static void make(struct hf_world *world)
{
    const struct hf_engine_config config = hf_story_config();
    struct hf_small small;
    char error[ERROR_BYTES];

    world->disk = hf_sim_disk_create();
    hf_small_init(&small, &config);
    small.is_pin_kept = true;
    struct hf_store *store = hf_store_open(&store_config, hf_sim_disk_table(world->disk), NULL,
                                           small.engine, error, sizeof error);
    HF_ASSERT(store != NULL);
    for (size_t i = 0; i < hf_story_count; i++) {
        HF_ASSERT(hf_small_do(&small, "%s", hf_story[i]) == HF_OK);
        hf_store_publish(store, hf_engine_lsn(small.engine));
        const bool is_snapshot = hf_engine_lsn(small.engine) == HF_WORLD_SNAPSHOT_LSN;
        const bool is_group = (i + 1) % GROUP_OPS == 0 && i / GROUP_OPS < GROUPS_MAX;
        if (is_snapshot || is_group || i + 1 == hf_story_count) {
            HF_ASSERT(hf_store_log_step(store, 0));
        }
        if (is_snapshot) {
            snapshot(store, small.engine);
        }
    }
    world->last_lsn = hf_engine_lsn(small.engine);
    world->digest = hf_engine_digest(small.engine);
    hf_store_close(store);
    hf_small_release(&small);
    hf_sim_disk_trim(world->disk, HF_WORLD_SEGMENT, 1024); /* so that it is read quickly */
}

const struct hf_world *hf_world(void)
{
    static struct hf_world world;

    if (world.disk == NULL) {
        make(&world);
    }
    return &world;
}

/* ------------------------------------------------------------------ what must be true */

static void read_back(struct hf_store *store)
{
    struct hf_log_reader reader;
    uint64_t lsn = hf_store_first_lsn(store);

    HF_ASSERT(hf_log_reader_init(&reader, hf_store_directory(store)) == HF_OK);
    while (lsn <= hf_store_durable_lsn(store)) {
        const struct hf_log_read read = {
            .from_lsn = lsn, .durable_lsn = hf_store_durable_lsn(store), .bytes_max = READ_BYTES};
        HF_ASSERT(hf_log_reader_read(&reader, &read) == HF_OK);
        for (size_t at = 0; at < reader.records_bytes; lsn++) {
            struct hf_record_reader record;
            struct hf_record_header header;
            HF_ASSERT(hf_record_open(&record, &header, reader.records + at,
                                     reader.records_bytes - at) == HF_OK);
            HF_ASSERT(header.lsn == lsn);
            at += header.record_bytes;
        }
        HF_ASSERT(reader.last_lsn == lsn - 1);
    }
    hf_log_reader_release(&reader);
}

/* One more operation, unless it is refused (a limit was reached). */
static void write_on(struct hf_store *store, struct hf_engine *engine)
{
    const uint64_t now_us = hf_engine_time_us(engine);
    struct hf_told told;
    struct hf_result result;

    hf_tell(&told, "receive A@W=1");
    hf_engine_apply(engine, &told.op, now_us, &result);
    if (result.outcome == HF_OK) {
        hf_store_publish(store, hf_engine_lsn(engine));
        HF_ASSERT(hf_store_log_step(store, 0));
        HF_ASSERT(hf_store_durable_lsn(store) == hf_engine_lsn(engine));
    }
}

static void read_finding(void *arg, const struct hf_inspect_finding *finding)
{
    size_t *said = arg;

    HF_ASSERT(finding->text[0] != '\0');
    *said += finding->verdict != HF_INSPECT_SOUND;
}

/* What holdfast-log says of the directory. */
static enum hf_inspect_verdict inspect(struct hf_sim_disk *disk)
{
    const struct hf_engine_config limits = hf_story_config();
    size_t said = 0;
    const enum hf_inspect_verdict verdict = hf_inspect_verify(
        HF_WORLD_FOLDER, hf_sim_disk_table(disk), &limits, NULL, read_finding, &said);

    HF_ASSERT((said > 0) == (verdict != HF_INSPECT_SOUND));
    return verdict;
}

static struct hf_store *open_on(struct hf_sim_disk *disk, struct hf_engine *engine)
{
    char error[ERROR_BYTES] = "";
    struct hf_store *store =
        hf_store_open(&store_config, hf_sim_disk_table(disk), NULL, engine, error, sizeof error);

    HF_ASSERT(store != NULL || error[0] != '\0');
    return store;
}

void hf_world_open(struct hf_sim_disk *disk, struct hf_world_found *found)
{
    *found = (struct hf_world_found){.verdict = inspect(disk)};

    struct hf_engine *engine = hf_world_engine();
    struct hf_store *store = open_on(disk, engine);
    HF_ASSERT(found->verdict == HF_INSPECT_DAMAGED || store != NULL);
    if (store == NULL) {
        hf_engine_free(engine);
        return;
    }
    found->is_open = true;
    found->digest = hf_engine_digest(engine);
    found->lsn = hf_engine_lsn(engine);
    HF_ASSERT(hf_store_durable_lsn(store) == found->lsn);
    HF_ASSERT(hf_small_violation(engine) == NULL);
    read_back(store);
    write_on(store, engine);
    const struct hf_digest written = hf_engine_digest(engine);
    hf_store_close(store);
    hf_engine_free(engine);

    engine = hf_world_engine();
    store = open_on(disk, engine);
    HF_ASSERT(store != NULL);
    HF_ASSERT(hf_digest_is_equal(hf_engine_digest(engine), written));
    hf_store_close(store);
    hf_engine_free(engine);
}
