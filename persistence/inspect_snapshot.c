/*
 * inspect_snapshot.c - one snapshot, read for its own sake.
 *
 * A start asks a snapshot's file whether it may be used (snapshot.c); here the question is where
 * it is not what was written, so every finding names its place.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "persistence/inspect_inside.h"
#include "persistence/snapshot.h"

#define BLOCK_BYTES_MAX (HF_SNAPSHOT_BLOCK_HEADER_BYTES + HF_SNAPSHOT_RAW_BYTES_MAX + 8)

struct reading {
    struct hf_inspection *inspection;
    struct hf_engine *engine; /* NULL: none */
    char name[HF_NAME_BYTES_MAX];
    uint64_t lsn;
    uint64_t seed;
    int file;
    uint64_t file_bytes;
    uint64_t offset;
    struct hf_snapshot_header header;
    struct hf_snapshot_footer sums; /* of the blocks read */
    unsigned char *stored;
    unsigned char *raw;
};

static bool say(const struct reading *reading, const char *what, const char *why)
{
    hf_inspect_say_at(reading->inspection, HF_INSPECT_DAMAGED, reading->name, reading->offset, 0,
                      "%s was expected: %s", what, why);
    return false;
}

/* Up to `bytes_count` bytes at the offset; -1: it was said that they cannot be read. */
static int64_t take(const struct reading *reading, size_t bytes_count)
{
    const struct hf_disk *disk = reading->inspection->directory.disk;

    const int64_t got =
        disk->read(disk->ctx, reading->file, reading->stored, bytes_count, reading->offset);
    if (got < 0) {
        hf_inspect_say_at(reading->inspection, HF_INSPECT_DAMAGED, reading->name, reading->offset,
                          0, "it could not be read: %s", hf_disk_error(got));
        return -1;
    }
    return got;
}

static bool read_header(struct reading *reading)
{
    const struct hf_inspection *inspection = reading->inspection;
    const char *why = NULL;

    const int64_t got = take(reading, HF_SNAPSHOT_HEADER_BYTES);
    if (got < 0) {
        return false;
    }
    if (hf_snapshot_header_decode(&reading->header, reading->stored, (size_t)got, &why) == HF_OK) {
        if (memcmp(reading->header.directory_id, inspection->directory.id, HF_DIRECTORY_ID_BYTES) !=
            0) {
            why = "it belongs to another data directory";
        } else if (reading->header.lsn != reading->lsn) {
            why = "its header names another LSN than its name";
        } else if (reading->header.epoch !=
                   hf_manifest_epoch(&inspection->manifest, reading->lsn)) {
            why = "its header names another epoch than the manifest";
        }
    }
    if (why != NULL) {
        return say(reading, "the header of a snapshot", why);
    }
    reading->offset += HF_SNAPSHOT_HEADER_BYTES;
    return true;
}

static bool read_block(struct reading *reading)
{
    struct hf_snapshot_block block;
    const char *why = NULL;

    int64_t got = take(reading, HF_SNAPSHOT_BLOCK_HEADER_BYTES);
    if (got < 0) {
        return false;
    }
    enum hf_err err =
        hf_snapshot_block_open(&block, reading->stored, (size_t)got, reading->seed, &why);
    if (err == HF_TRUNCATED && got == HF_SNAPSHOT_BLOCK_HEADER_BYTES) { /* as it must be */
        got = take(reading, hf_snapshot_block_bytes(&block));
        if (got < 0) {
            return false;
        }
        err = hf_snapshot_block_open(&block, reading->stored, (size_t)got, reading->seed, &why);
    }
    const unsigned char *raw = NULL;
    if (err == HF_OK && block.index != reading->sums.blocks_count) {
        err = HF_CORRUPT;
        why = "its number is not the next one";
    } else if (err == HF_OK) {
        raw = hf_snapshot_block_raw(&block, reading->stored, reading->raw);
        why = "it does not decode";
    }
    if (err != HF_OK || raw == NULL) {
        return say(reading, "a block of the snapshot", why);
    }
    if (reading->engine != NULL &&
        hf_engine_load(reading->engine, raw, block.raw_bytes, &why) != HF_OK) {
        return say(reading, "a block with items that make a state", why);
    }
    reading->sums.blocks_count++;
    reading->sums.raw_bytes += block.raw_bytes;
    reading->sums.chain = hf_snapshot_chain(reading->sums.chain, block.checksum);
    reading->offset += hf_snapshot_block_bytes(&block);
    return true;
}

static bool read_footer(struct reading *reading)
{
    struct hf_snapshot_footer footer;
    const struct hf_snapshot_footer *sums = &reading->sums;
    const char *why = NULL;

    const int64_t got = take(reading, HF_SNAPSHOT_FOOTER_BYTES);
    if (got < 0) {
        return false;
    }
    if (hf_snapshot_footer_decode(&footer, reading->stored, (size_t)got, reading->seed, &why) ==
            HF_OK &&
        (footer.blocks_count != sums->blocks_count || footer.raw_bytes != sums->raw_bytes ||
         footer.chain != sums->chain || reading->header.raw_bytes != sums->raw_bytes)) {
        why = "it counts other blocks than there are";
    }
    if (why != NULL) {
        return say(reading, "the footer of the snapshot", why);
    }
    reading->offset += HF_SNAPSHOT_FOOTER_BYTES;
    if (footer.file_bytes != reading->offset || reading->file_bytes != reading->offset) {
        return say(reading, "the end of the file", "it has another length than its footer says");
    }
    return true;
}

static bool read_all(struct reading *reading)
{
    const char *why = NULL;

    if (!read_header(reading)) {
        return false;
    }
    for (uint32_t i = 0; i < reading->header.blocks_count; i++) {
        if (!read_block(reading)) {
            return false;
        }
    }
    if (!read_footer(reading)) {
        return false;
    }
    if (reading->engine == NULL) {
        return true;
    }
    enum hf_err err = hf_engine_load_end(reading->engine, &why);
    if (err == HF_OK && hf_engine_lsn(reading->engine) != reading->lsn) {
        err = HF_CORRUPT;
        why = "the state in it is of another LSN";
    }
    return err == HF_OK || say(reading, "a whole state", why);
}

bool hf_inspect_snapshot(struct hf_inspection *inspection, uint64_t lsn, struct hf_engine *engine,
                         bool *was_dropped)
{
    const struct hf_disk *disk = inspection->directory.disk;
    struct reading reading = {.inspection = inspection,
                              .engine = engine,
                              .lsn = lsn,
                              .seed = inspection->directory.seed ^ lsn,
                              .stored = malloc(BLOCK_BYTES_MAX),
                              .raw = malloc(HF_SNAPSHOT_RAW_BYTES_MAX)};
    bool is_whole = false;

    hf_snapshot_name(reading.name, lsn, "");
    reading.file = hf_directory_open(&inspection->directory, reading.name, HF_DISK_READ);
    const int64_t size = reading.file < 0 ? reading.file : disk->size(disk->ctx, reading.file);
    *was_dropped = size == -ENOENT && inspection->totals.is_in_use;
    if (size < 0 && !*was_dropped) {
        hf_inspect_say(inspection, HF_INSPECT_DAMAGED, reading.name, "it could not be read: %s",
                       hf_disk_error(size));
    } else if (reading.stored == NULL || reading.raw == NULL) {
        hf_inspect_say(inspection, HF_INSPECT_DAMAGED, reading.name,
                       "it could not be read: out of memory");
    } else if (size >= 0) {
        reading.file_bytes = (uint64_t)size;
        is_whole = read_all(&reading);
        inspection->totals.bytes_count += engine == NULL ? reading.offset : 0;
    }
    if (reading.file >= 0) {
        (void)disk->close(disk->ctx, reading.file); /* opened for reading */
    }
    free(reading.raw);
    free(reading.stored);
    return is_whole;
}
