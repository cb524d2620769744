/*
 * fuzz_snapshot.c - a snapshot file that nobody vouches for.
 *
 *     input   | header | block | block | ... | footer |
 *
 * The file is verified and loaded by itself; what loads is sound, and copied it loads again with
 * the same digest. Then it takes the place of the snapshot in a directory whose log is whole
 * (world.h), which is opened as a start would: a snapshot that does not load is passed over, and
 * the log alone gives the state; what loads and does not fit the log behind it is refused.
 *
 * The mutator knows header, blocks and footer, and seals what it has changed (mutate.h).
 */
#include <stdlib.h>
#include <string.h>

#include "engine/assert.h"
#include "engine/pool.h"
#include "persistence/snapshot.h"
#include "tests/fuzz/mutate.h"
#include "tests/fuzz/world.h"
#include "tests/lib/small_engine.h"

/* The same state, copied from one engine into another. */
static void copy_state(struct hf_engine *engine)
{
    unsigned char *chunk = hf_memory_reserve(HF_IMAGE_BYTES_MIN);
    struct hf_image_cursor cursor = {0};
    struct hf_engine *copy = hf_world_engine();
    const char *why;

    HF_ASSERT(chunk != NULL);
    for (;;) {
        const size_t bytes_count = hf_engine_copy(engine, &cursor, chunk, HF_IMAGE_BYTES_MIN);
        if (bytes_count == 0) {
            break;
        }
        HF_ASSERT(hf_engine_load(copy, chunk, bytes_count, &why) == HF_OK);
    }
    HF_ASSERT(hf_engine_load_end(copy, &why) == HF_OK);
    HF_ASSERT(hf_digest_is_equal(hf_engine_digest(engine), hf_engine_digest(copy)));
    hf_engine_free(copy);
    hf_memory_give_back(chunk, HF_IMAGE_BYTES_MIN);
}

struct judged {
    enum hf_err verified;
    enum hf_err loaded;
};

/* The file without a log beside it: a refusal says why, what was loaded is sound and whole. */
static struct judged judge_alone(struct hf_sim_disk *disk)
{
    struct hf_engine *engine = hf_world_engine();
    struct hf_directory directory;
    struct judged judged;
    char error[512] = "";

    HF_ASSERT(hf_directory_init(&directory, HF_WORLD_FOLDER, hf_sim_disk_table(disk), NULL));
    hf_directory_set_id(&directory, hf_fuzz_id);
    judged.verified =
        hf_snapshot_file_verify(&directory, HF_WORLD_SNAPSHOT_LSN, 1, error, sizeof error);
    HF_ASSERT(judged.verified == HF_OK || judged.verified == HF_CORRUPT);
    HF_ASSERT(judged.verified == HF_OK || error[0] != '\0');

    error[0] = '\0';
    judged.loaded =
        hf_snapshot_file_load(&directory, HF_WORLD_SNAPSHOT_LSN, 1, engine, error, sizeof error);
    HF_ASSERT(judged.loaded == HF_OK || error[0] != '\0');
    if (judged.loaded == HF_OK) {
        HF_ASSERT(judged.verified == HF_OK);
        HF_ASSERT(hf_engine_lsn(engine) == HF_WORLD_SNAPSHOT_LSN);
        HF_ASSERT(hf_small_violation(engine) == NULL);
        copy_state(engine);
    }
    hf_engine_free(engine);
    return judged;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct hf_sim_disk *disk = hf_sim_disk_clone(hf_world()->disk);
    struct hf_world_found found;

    hf_sim_disk_put(disk, HF_WORLD_SNAPSHOT, data, size);
    const struct judged judged = judge_alone(disk);
    hf_world_open(disk, &found);
    if (judged.verified != HF_OK) {
        HF_ASSERT(found.verdict == HF_INSPECT_DAMAGED);
        HF_ASSERT(!found.is_open || hf_digest_is_equal(found.digest, hf_world()->digest));
    }
    /* It is passed over, unless limits that are too small are met before the damage. */
    HF_ASSERT(found.is_open || judged.loaded == HF_OK || judged.loaded == HF_LIMIT_EXCEEDED);
    if (found.verdict != HF_INSPECT_DAMAGED) {
        HF_ASSERT(hf_digest_is_equal(found.digest, hf_world()->digest));
    }
    hf_sim_disk_free(disk);
    return 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t size_max, unsigned seed)
{
    uint64_t random = seed;

    return hf_mutate_snapshot(&random, HF_WORLD_SNAPSHOT_LSN, data, size, size_max);
}

size_t hf_fuzz_seed_input(size_t index, unsigned char *bytes, const char **name)
{
    *name = "story";
    return index > 0 ? 0 : hf_world_file(HF_WORLD_SNAPSHOT, bytes);
}
