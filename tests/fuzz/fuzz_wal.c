/*
 * fuzz_wal.c - log segments that nobody vouches for.
 *
 *     input   | segment | segment | ... |   each begins at a multiple of 512 with its magic
 *
 * The segments take the place of the log in a new directory, under the names that their headers
 * give them. Every header and every block in them is read by itself first: a decoder says what it
 * thinks of the bytes and touches nothing outside, and what it accepts is within its limits and
 * encodes to the same bytes again. Then the directory is opened as a start would (world.h).
 *
 * The mutator knows segments, blocks and records, and seals what it has changed (mutate.h).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/assert.h"
#include "engine/bytes.h"
#include "persistence/manifest.h"
#include "tests/fuzz/mutate.h"
#include "tests/fuzz/world.h"
#include "tests/lib/small_engine.h"

#define SEGMENTS_MAX 8

static unsigned char room[HF_BLOCK_RAW_BYTES_MAX];

static void read_header(const unsigned char *bytes, size_t bytes_count)
{
    struct hf_segment_header header;
    unsigned char encoded[HF_SEGMENT_HEADER_BYTES];
    const char *why = NULL;

    if (hf_segment_header_decode(&header, bytes, bytes_count, &why) != HF_OK) {
        HF_ASSERT(why != NULL);
        return;
    }
    hf_segment_header_encode(&header, encoded);
    /* An older version, and so the checksum, may differ. */
    HF_ASSERT(memcmp(encoded, bytes, 8) == 0 && memcmp(encoded + 12, bytes + 12, 44) == 0);
}

/* Returns the LSN up to which the block says that all was synced; 0: it is none. */
static uint64_t read_block(const unsigned char *bytes, size_t bytes_count)
{
    struct hf_block_header header;
    const char *why = NULL;

    if (hf_block_open(&header, bytes, bytes_count, hf_format_seed(hf_fuzz_id), &why) != HF_OK) {
        HF_ASSERT(why != NULL);
        return 0;
    }
    HF_ASSERT(hf_block_bytes(&header) <= bytes_count);
    HF_ASSERT(header.raw_bytes <= sizeof room);
    (void)hf_block_raw(&header, bytes, room); /* may well not decode */
    return header.durable_lsn;
}

/* The next place where a segment begins; the end: none. */
static size_t next_segment(const unsigned char *bytes, size_t bytes_count, size_t at)
{
    for (at += HF_SECTOR_BYTES; at + 8 <= bytes_count; at += HF_SECTOR_BYTES) {
        if (memcmp(bytes + at, "HFSEGMNT", 8) == 0) {
            return at;
        }
    }
    return bytes_count;
}

static void put_segment(struct hf_sim_disk *disk, const unsigned char *bytes, size_t bytes_count)
{
    char name[HF_NAME_BYTES_MAX];
    char path[HF_NAME_BYTES_MAX + 8];
    const uint64_t first_lsn = bytes_count < 40 ? 1 : hf_get_u64(bytes + 32);

    hf_segment_name(name, first_lsn == 0 ? 1 : first_lsn, "");
    (void)snprintf(path, sizeof path, "%s/%s", HF_WORLD_FOLDER, name);
    hf_sim_disk_put(disk, path, bytes, bytes_count);
}

/* The directory of the world without its log and its snapshot. */
static struct hf_sim_disk *bare_directory(void)
{
    static struct hf_sim_disk *bare;

    if (bare == NULL) {
        struct hf_manifest manifest = {.epochs_count = 1, .epochs = {{1, 1}}};
        char text[HF_MANIFEST_BYTES_MAX];
        memcpy(manifest.directory_id, hf_fuzz_id, sizeof manifest.directory_id);
        bare = hf_sim_disk_clone(hf_world()->disk);
        hf_sim_disk_remove(bare, HF_WORLD_SEGMENT);
        hf_sim_disk_remove(bare, HF_WORLD_SNAPSHOT);
        hf_sim_disk_put(bare, HF_WORLD_MANIFEST, text, hf_manifest_encode(&manifest, text));
    }
    return hf_sim_disk_clone(bare);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct hf_world_found found;

    if (size > HF_FUZZ_INPUT_BYTES_MAX) {
        return 0;
    }
    /* Memory of exactly this size, so that one byte too far is seen. */
    unsigned char *bytes = malloc(size > 0 ? size : 1);
    HF_ASSERT(bytes != NULL);
    memcpy(bytes, data, size);
    struct hf_sim_disk *disk = bare_directory();
    size_t segments = 0;
    for (size_t at = 0; (at < size || at == 0) && segments < SEGMENTS_MAX; segments++) {
        const size_t end = next_segment(bytes, size, at);
        read_header(bytes + at, end - at);
        put_segment(disk, bytes + at, end - at);
        at = end;
    }
    uint64_t durable_lsn = 0;
    for (size_t at = 0; at < size; at += 8) {
        const uint64_t lsn = read_block(bytes + at, size - at);
        durable_lsn = lsn > durable_lsn ? lsn : durable_lsn;
    }
    hf_world_open(disk, &found);
    /* All of the log is read by both: what one finds wrong the other does not pass over. */
    HF_ASSERT(found.is_open == (found.verdict != HF_INSPECT_DAMAGED));
    /* Nothing is cut that a whole block says was synced. (Of several segments some may be none of
     * the directory: two of one name, or more than are taken.) */
    HF_ASSERT(!found.is_open || segments > 1 || durable_lsn <= found.lsn);
    hf_sim_disk_free(disk);
    free(bytes);
    return 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t size_max, unsigned seed)
{
    uint64_t random = seed;

    return hf_mutate_log(&random, data, size, size_max);
}

/* The log of the world; the same in shapes that the mutator makes of it. */
size_t hf_fuzz_seed_input(size_t index, unsigned char *bytes, const char **name)
{
    *name = "story";
    return index > 0 ? 0 : hf_world_file(HF_WORLD_SEGMENT, bytes);
}
