/*
 * fuzz_manifest.c - a MANIFEST that nobody vouches for.
 *
 * What is decoded encodes to the same text again. Then the text takes the place of the manifest in
 * a directory that is whole (world.h): it is refused with a sentence, or it is opened with exactly
 * the state that log and snapshot have, whatever the manifest says.
 *
 * The mutator knows lines and numbers, and makes the checksum anew (mutate.h).
 */
#include <string.h>

#include "engine/assert.h"
#include "persistence/manifest.h"
#include "tests/fuzz/mutate.h"
#include "tests/fuzz/world.h"
#include "tests/lib/small_engine.h"

static void read_alone(const char *text, size_t bytes_count)
{
    static struct hf_manifest manifest;
    static struct hf_manifest again;
    static char encoded[HF_MANIFEST_BYTES_MAX];
    const char *why = NULL;

    if (hf_manifest_decode(&manifest, text, bytes_count, &why) != HF_OK) {
        HF_ASSERT(why != NULL);
        return;
    }
    const size_t encoded_bytes = hf_manifest_encode(&manifest, encoded);
    HF_ASSERT(encoded_bytes == bytes_count && memcmp(encoded, text, bytes_count) == 0);
    HF_ASSERT(hf_manifest_decode(&again, encoded, encoded_bytes, &why) == HF_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct hf_sim_disk *disk = hf_sim_disk_clone(hf_world()->disk);
    struct hf_world_found found;

    read_alone((const char *)data, size);
    hf_sim_disk_put(disk, HF_WORLD_MANIFEST, data, size);
    hf_world_open(disk, &found);
    if (found.is_open) {
        HF_ASSERT(found.lsn == hf_world()->last_lsn);
        HF_ASSERT(hf_digest_is_equal(found.digest, hf_world()->digest));
    }
    hf_sim_disk_free(disk);
    return 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t size_max, unsigned seed)
{
    uint64_t random = seed;

    return hf_mutate_manifest(&random, data, size, size_max);
}

/* The manifest of the world, and others that are valid and do not fit it. */
size_t hf_fuzz_seed_input(size_t index, unsigned char *bytes, const char **name)
{
    static const struct {
        const char *name;
        uint32_t epochs_count;
        uint64_t step; /* LSNs of each */
        uint64_t snapshot_lsn;
    } SEEDS[] = {{"story", 1, 1, HF_WORLD_SNAPSHOT_LSN},
                 {"no-snapshot", 1, 1, 0},
                 {"epochs-to-come", 3, 1000, HF_WORLD_SNAPSHOT_LSN},
                 {"epochs-past", 3, 9, HF_WORLD_SNAPSHOT_LSN},
                 {"snapshot-to-come", 1, 1, 1000},
                 {"all-epochs", HF_EPOCHS_MAX, 1, 0}};
    static struct hf_manifest manifest;

    if (index >= sizeof SEEDS / sizeof SEEDS[0]) {
        return 0;
    }
    *name = SEEDS[index].name;
    memcpy(manifest.directory_id, hf_fuzz_id, sizeof manifest.directory_id);
    manifest.epochs_count = SEEDS[index].epochs_count;
    manifest.snapshot_lsn = SEEDS[index].snapshot_lsn;
    for (uint32_t i = 0; i < manifest.epochs_count; i++) {
        manifest.epochs[i] = (struct hf_epoch){1 + i, 1 + i * SEEDS[index].step};
    }
    return hf_manifest_encode(&manifest, (char *)bytes);
}
