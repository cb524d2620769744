/*
 * fuzz_disk.c - bytes of a data directory that nobody vouches for.
 *
 *     input   | mode | the bytes of one structure, or of a file |
 *             | mode | edits of a good one: (at, value), 3 bytes each |
 *
 * The low bits of the mode choose what is read: manifest, segment header, log block, snapshot
 * file, or a whole directory whose log is made of the input. With bit 6 the input edits a good
 * sample. With bit 7 the checksums are made to match first, so that mutations get past them.
 * Whatever the bytes are, a decoder says what it thinks of them and touches nothing outside; what
 * it accepts is within its limits, and encodes to the same bytes again. A directory is opened or
 * refused with a sentence, and one that opens has a sound engine.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "engine/assert.h"
#include "engine/bytes.h"
#include "engine/engine.h"
#include "persistence/format.h"
#include "persistence/manifest.h"
#include "persistence/snapshot.h"
#include "persistence/store.h"
#include "tests/lib/sim_disk.h"
#include "tests/lib/small_engine.h"

#define INPUT_BYTES_MAX (64u * 1024)
#define SEGMENT_BYTES (INPUT_BYTES_MAX + 8192) /* cut short, so that it is read quickly */
#define LSN 7                                  /* of the sample's snapshot */

enum { KINDS_COUNT = 5, EDITED = 64, FIXED = 128 };

static const unsigned char ID[HF_DIRECTORY_ID_BYTES] = "fuzz";
static unsigned char room[HF_BLOCK_RAW_BYTES_MAX];

static struct hf_engine *small_engine(void)
{
    const struct hf_engine_config config = hf_small_config();
    struct hf_engine *engine = hf_engine_create(&config);
    HF_ASSERT(engine != NULL);
    return engine;
}

static void put_checksum(unsigned char *bytes, size_t at, size_t from, size_t to, uint64_t seed)
{
    hf_put_u64(bytes + at, XXH3_64bits_withSeed(bytes + from, to - from, seed));
}

/* ------------------------------------------------------------------ single structures */

static void read_manifest(unsigned char *bytes, size_t bytes_count, bool is_fixed)
{
    static struct hf_manifest manifest;
    static struct hf_manifest again;
    static char text[INPUT_BYTES_MAX + 64];
    const char *why = NULL;
    size_t length = bytes_count;

    memcpy(text, bytes, bytes_count);
    if (is_fixed) {
        length += (size_t)snprintf(text + length, 64, "checksum %016llx\n",
                                   (unsigned long long)XXH3_64bits(text, bytes_count));
    }
    if (hf_manifest_decode(&manifest, text, length, &why) == HF_OK) {
        char encoded[HF_MANIFEST_BYTES_MAX];
        const size_t encoded_bytes = hf_manifest_encode(&manifest, encoded);
        HF_ASSERT(encoded_bytes == length && memcmp(encoded, text, length) == 0);
        HF_ASSERT(hf_manifest_decode(&again, encoded, encoded_bytes, &why) == HF_OK);
    } else {
        HF_ASSERT(why != NULL);
    }
}

static void read_segment_header(unsigned char *bytes, size_t bytes_count, bool is_fixed)
{
    struct hf_segment_header header;
    unsigned char encoded[HF_SEGMENT_HEADER_BYTES];
    const char *why = NULL;

    if (is_fixed && bytes_count >= HF_SEGMENT_HEADER_BYTES) {
        put_checksum(bytes, 56, 0, 56, 0);
    }
    if (hf_segment_header_decode(&header, bytes, bytes_count, &why) == HF_OK) {
        hf_segment_header_encode(&header, encoded);
        HF_ASSERT(memcmp(encoded, bytes, sizeof encoded) == 0);
    } else {
        HF_ASSERT(why != NULL);
    }
}

static void read_block(unsigned char *bytes, size_t bytes_count, bool is_fixed)
{
    const uint64_t seed = hf_format_seed(ID);
    struct hf_block_header header;
    const char *why = NULL;

    if (is_fixed && hf_block_peek(&header, bytes, bytes_count, &why) == HF_OK &&
        hf_block_bytes(&header) <= bytes_count) {
        put_checksum(bytes, 0, 8, hf_block_bytes(&header), seed);
    }
    if (hf_block_open(&header, bytes, bytes_count, seed, &why) == HF_OK) {
        HF_ASSERT(hf_block_bytes(&header) <= bytes_count);
        HF_ASSERT(header.raw_bytes <= sizeof room);
        (void)hf_block_raw(&header, bytes, room); /* may well not decode */
    } else {
        HF_ASSERT(why != NULL);
    }
}

/* ------------------------------------------------------------------ a snapshot file */

/* Make the checksums along the file match, as far as its lengths lead. */
static void fix_snapshot(unsigned char *bytes, size_t bytes_count, uint64_t seed)
{
    size_t at = HF_SNAPSHOT_HEADER_BYTES;
    uint64_t chain = 0;

    if (bytes_count < HF_SNAPSHOT_HEADER_BYTES) {
        return;
    }
    memcpy(bytes + 16, ID, sizeof ID);
    put_checksum(bytes, 56, 0, 56, 0);
    while (bytes_count - at >= HF_SNAPSHOT_BLOCK_HEADER_BYTES + HF_SNAPSHOT_FOOTER_BYTES) {
        const uint64_t stored = hf_get_u32(bytes + at + 20);
        const size_t size = HF_SNAPSHOT_BLOCK_HEADER_BYTES + hf_format_padded((size_t)stored);
        if (size > bytes_count - at - HF_SNAPSHOT_FOOTER_BYTES) {
            break;
        }
        put_checksum(bytes, at, at + 8, at + size, seed);
        chain = hf_snapshot_chain(chain, hf_get_u64(bytes + at));
        at += size;
    }
    if (bytes_count - at >= HF_SNAPSHOT_FOOTER_BYTES) {
        hf_put_u64(bytes + at + 40, chain);
        put_checksum(bytes, at, at + 8, at + HF_SNAPSHOT_FOOTER_BYTES, seed);
    }
}

static void read_snapshot(unsigned char *bytes, size_t bytes_count, bool is_fixed)
{
    struct hf_sim_disk *disk = hf_sim_disk_create();
    struct hf_engine *engine = small_engine();
    struct hf_directory directory;
    char name[HF_NAME_BYTES_MAX];
    char path[HF_NAME_BYTES_MAX + 8];
    char error[512] = "";

    HF_ASSERT(hf_directory_init(&directory, "/d", hf_sim_disk_table(disk), NULL));
    hf_directory_set_id(&directory, ID);
    if (is_fixed) {
        fix_snapshot(bytes, bytes_count, directory.seed ^ LSN);
    }
    hf_snapshot_name(name, LSN, "");
    (void)snprintf(path, sizeof path, "/d/%s", name);
    hf_sim_disk_put(disk, path, bytes, bytes_count);
    const enum hf_err verified = hf_snapshot_file_verify(&directory, LSN, 1, error, sizeof error);
    HF_ASSERT(verified == HF_OK || error[0] != '\0');
    if (verified == HF_OK) {
        const enum hf_err loaded =
            hf_snapshot_file_load(&directory, LSN, 1, engine, error, sizeof error);
        HF_ASSERT(loaded != HF_OK || hf_engine_lsn(engine) == LSN);
    }
    hf_engine_free(engine);
    hf_sim_disk_free(disk);
}

/* ------------------------------------------------------------------ a whole directory */

static const struct hf_store_config store_config = {.path = "/d",
                                                    .segment_bytes = HF_SEGMENT_BYTES_MIN,
                                                    .snapshots_kept = 1,
                                                    .new_directory_id = "fuzz"};
static const char SEGMENT_PATH[] = "/d/wal-00000000000000000001.log";
static struct hf_sim_disk *empty; /* a new directory */

/* A new directory whose log is the input: as it is, or as the records of one block. */
static void open_directory(unsigned char *bytes, size_t bytes_count, bool is_fixed)
{
    static unsigned char block[INPUT_BYTES_MAX + HF_BLOCK_HEADER_BYTES];
    struct hf_sim_disk *disk = hf_sim_disk_clone(empty);
    char error[512] = "";

    bytes_count &= ~(size_t)7;
    if (is_fixed && bytes_count > 8) {
        struct hf_block_header header = {.epoch = 1,
                                         .raw_bytes = (uint32_t)bytes_count - 8,
                                         .stored_bytes = (uint32_t)bytes_count - 8,
                                         .first_lsn = 1,
                                         .last_lsn = 1 + bytes[0] % 8};
        memcpy(block + HF_BLOCK_HEADER_BYTES, bytes + 8, bytes_count - 8);
        const size_t size = hf_block_seal(block, &header, hf_format_seed(ID));
        hf_sim_disk_poke(disk, SEGMENT_PATH, HF_SECTOR_BYTES, block, size);
    } else {
        hf_sim_disk_poke(disk, SEGMENT_PATH, HF_SECTOR_BYTES, bytes, bytes_count);
    }
    struct hf_engine *engine = small_engine();
    struct hf_store *store =
        hf_store_open(&store_config, hf_sim_disk_table(disk), NULL, engine, error, sizeof error);
    HF_ASSERT(store != NULL || error[0] != '\0');
    if (store != NULL) {
        struct hf_audit audit = {0};
        HF_ASSERT(hf_store_durable_lsn(store) == hf_engine_lsn(engine));
        while (!hf_engine_audit(engine, &audit, 1000)) {
        }
        HF_ASSERT(audit.violations_count == 0);
    }
    hf_store_close(store);
    hf_engine_free(engine);
    hf_sim_disk_free(disk);
}

/* ------------------------------------------------------------------ good samples */

static struct sample {
    unsigned char bytes[INPUT_BYTES_MAX];
    size_t bytes_count;
} samples[KINDS_COUNT];

static void take_sample(size_t kind, const struct hf_sim_disk *disk, const char *path,
                        uint64_t offset, size_t bytes_max)
{
    const size_t left = (size_t)(hf_sim_disk_file_bytes(disk, path) - offset);
    struct sample *sample = &samples[kind];

    sample->bytes_count = left < bytes_max ? left : bytes_max;
    hf_sim_disk_peek(disk, path, offset, sample->bytes, sample->bytes_count);
}

/* A small story, logged in two groups, and its snapshot. */
static void make_samples(void)
{
    static const char *const TEXTS[LSN] = {
        "receive A@W=20 B@W=10 A@V=5 ref=in1 order=po1 by=anna reason=1",
        "set_policy A@W safety=2 low=5 backorder=3",
        "set_region id=north W V",
        "reserve r1 A@W=3 B@W=2 ttl=900000000 order=o1",
        "reserve r2 A@W=2 A@V=1 order=o1",
        "confirm r2 ref=c2 by=bert",
        "release r1",
    };
    struct hf_sim_disk *disk = hf_sim_disk_create();
    struct hf_small small;
    char error[512] = "";

    hf_small_init(&small, NULL);
    small.is_pin_kept = true;
    struct hf_store *store = hf_store_open(&store_config, hf_sim_disk_table(disk), NULL,
                                           small.engine, error, sizeof error);
    HF_ASSERT(store != NULL);
    empty = hf_sim_disk_clone(disk);
    const struct hf_disk *table = hf_sim_disk_table(empty);
    const int file = table->open(table->ctx, SEGMENT_PATH, HF_DISK_WRITE);
    HF_ASSERT(table->truncate(table->ctx, file, SEGMENT_BYTES) == 0);
    HF_ASSERT(table->close(table->ctx, file) == 0);

    for (size_t i = 0; i < LSN; i++) {
        HF_ASSERT(hf_small_do(&small, "%s", TEXTS[i]) == HF_OK);
        hf_store_publish(store, hf_engine_lsn(small.engine));
        if (i == 3 || i == LSN - 1) {
            HF_ASSERT(hf_store_log_step(store, 0));
        }
    }
    HF_ASSERT(hf_engine_lsn(small.engine) == LSN);
    HF_ASSERT(hf_store_snapshot_write(store, hf_store_snapshot_copy(store, small.engine), error,
                                      sizeof error) == HF_OK);
    hf_store_close(store);
    hf_small_release(&small);

    take_sample(0, disk, "/d/MANIFEST", 0, INPUT_BYTES_MAX);
    samples[0].bytes_count -= strlen("checksum 0123456789abcdef\n"); /* fixed, or cut off */
    take_sample(1, disk, SEGMENT_PATH, 0, HF_SEGMENT_HEADER_BYTES);
    take_sample(2, disk, SEGMENT_PATH, HF_SECTOR_BYTES, 4096);
    take_sample(3, disk, "/d/snapshot-00000000000000000007.hfs", 0, INPUT_BYTES_MAX);
    take_sample(4, disk, SEGMENT_PATH, HF_SECTOR_BYTES, 4096);
    hf_sim_disk_free(disk);
}

/* The sample with the edits of the input; returns its size. */
static size_t edit_sample(const struct sample *sample, const uint8_t *edits, size_t edits_bytes,
                          unsigned char *bytes)
{
    memcpy(bytes, sample->bytes, sample->bytes_count);
    for (size_t i = 0; i + 3 <= edits_bytes; i += 3) {
        bytes[hf_get_u16(edits + i) % sample->bytes_count] = edits[i + 2];
    }
    return sample->bytes_count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const READERS[KINDS_COUNT])(unsigned char *bytes, size_t bytes_count,
                                              bool is_fixed) = {
        read_manifest, read_segment_header, read_block, read_snapshot, open_directory};

    if (size < 1 || size > INPUT_BYTES_MAX) {
        return 0;
    }
    if (empty == NULL) {
        make_samples();
    }
    const size_t kind = (data[0] & 31) % KINDS_COUNT;
    const bool is_edited = (data[0] & EDITED) != 0;
    size_t bytes_count = is_edited ? samples[kind].bytes_count : size - 1;
    /* Memory of exactly this size, so that one byte too far is seen. */
    unsigned char *bytes = malloc(bytes_count > 0 ? bytes_count : 1);
    HF_ASSERT(bytes != NULL);
    if (is_edited) {
        bytes_count = edit_sample(&samples[kind], data + 1, size - 1, bytes);
    } else {
        memcpy(bytes, data + 1, bytes_count);
    }
    READERS[kind](bytes, bytes_count, (data[0] & FIXED) != 0);
    free(bytes);
    return 0;
}
