#include "persistence/snapshot.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/assert.h"
#include "engine/ledger.h"
#include "persistence/pack.h"

_Static_assert(HF_SNAPSHOT_RAW_BYTES_MAX == HF_IMAGE_BYTES_MIN, "a chunk of the engine is a block");

#define BLOCK_BYTES_MAX (HF_SNAPSHOT_BLOCK_HEADER_BYTES + HF_SNAPSHOT_RAW_BYTES_MAX)

/* ------------------------------------------------------------------ copy */

void hf_snapshot_copy_free(struct hf_snapshot_copy *copy)
{
    if (copy == NULL) {
        return;
    }
    for (size_t i = 0; i < copy->chunks_count; i++) {
        free(copy->chunks[i].bytes);
    }
    free(copy->chunks);
    free(copy);
}

uint64_t hf_snapshot_copy_lsn(const struct hf_snapshot_copy *copy)
{
    return copy->lsn;
}

static bool add_chunk(struct hf_snapshot_copy *copy, unsigned char *bytes, size_t bytes_count)
{
    const size_t count = copy->chunks_count;

    if ((count & (count - 1)) == 0) { /* 0, 1, 2, 4, 8 ...: full */
        void *more = realloc(copy->chunks, (count == 0 ? 1 : 2 * count) * sizeof *copy->chunks);
        if (more == NULL) {
            return false;
        }
        copy->chunks = more;
    }
    copy->chunks[copy->chunks_count++] =
        (struct hf_snapshot_chunk){.bytes = bytes, .bytes_count = bytes_count};
    copy->raw_bytes += bytes_count;
    return true;
}

struct hf_snapshot_copy *hf_snapshot_copy_make(struct hf_engine *engine)
{
    struct hf_image_cursor cursor = {0};

    struct hf_snapshot_copy *copy = calloc(1, sizeof *copy);
    if (copy == NULL) {
        return NULL;
    }
    copy->lsn = hf_engine_lsn(engine);
    const struct hf_ledger *ledger = hf_engine_ledger(engine);
    copy->ledger_first_lsn = ledger->first_lsn <= ledger->last_lsn ? ledger->first_lsn : UINT64_MAX;
    for (;;) {
        unsigned char *bytes = malloc(HF_SNAPSHOT_RAW_BYTES_MAX);
        const size_t used =
            bytes == NULL ? 0 : hf_engine_copy(engine, &cursor, bytes, HF_SNAPSHOT_RAW_BYTES_MAX);
        if (used == 0 || !add_chunk(copy, bytes, used)) {
            free(bytes);
            if (bytes != NULL && used == 0) {
                return copy;
            }
            hf_snapshot_copy_free(copy);
            return NULL;
        }
    }
}

/* ------------------------------------------------------------------ write */

struct writer {
    const struct hf_directory *directory;
    int file;
    uint64_t offset;
    int64_t error;
};

static bool put(struct writer *writer, const unsigned char *bytes, size_t bytes_count)
{
    const struct hf_disk *disk = writer->directory->disk;

    const int64_t result = disk->write(disk->ctx, writer->file, bytes, bytes_count, writer->offset);
    if (result != (int64_t)bytes_count) {
        writer->error = result < 0 ? result : -EIO;
        return false;
    }
    writer->offset += bytes_count;
    return true;
}

static bool put_blocks(struct writer *writer, const struct hf_snapshot_copy *copy,
                       struct hf_packer *packer, unsigned char *room)
{
    const uint64_t seed = writer->directory->seed ^ copy->lsn;
    struct hf_snapshot_footer footer = {.blocks_count = copy->chunks_count,
                                        .raw_bytes = copy->raw_bytes};

    for (size_t i = 0; i < copy->chunks_count; i++) {
        const struct hf_snapshot_chunk *chunk = &copy->chunks[i];
        const uint32_t raw_bytes = (uint32_t)chunk->bytes_count;
        const uint32_t stored_bytes =
            hf_packer_pack(packer, chunk->bytes, raw_bytes, room + HF_SNAPSHOT_BLOCK_HEADER_BYTES);
        struct hf_snapshot_block block = {.flags = stored_bytes < raw_bytes ? HF_BLOCK_LZ4 : 0,
                                          .index = (uint32_t)i,
                                          .raw_bytes = raw_bytes,
                                          .stored_bytes = stored_bytes};
        const size_t bytes_count = hf_snapshot_block_seal(room, &block, seed);
        footer.chain = hf_snapshot_chain(footer.chain, block.checksum);
        if (!put(writer, room, bytes_count)) {
            return false;
        }
    }
    footer.file_bytes = writer->offset + HF_SNAPSHOT_FOOTER_BYTES;
    hf_snapshot_footer_encode(&footer, seed, room);
    return put(writer, room, HF_SNAPSHOT_FOOTER_BYTES);
}

/* Header, blocks, footer, sync. Returns 0 or a negative errno. */
static int64_t write_aside(const struct hf_directory *directory,
                           const struct hf_snapshot_copy *copy, uint32_t epoch, const char *name)
{
    const struct hf_disk *disk = directory->disk;
    struct writer writer = {.directory = directory, .file = -1};
    struct hf_packer packer;
    struct hf_snapshot_header header = {.epoch = epoch,
                                        .blocks_count = (uint32_t)copy->chunks_count,
                                        .lsn = copy->lsn,
                                        .raw_bytes = copy->raw_bytes};

    memcpy(header.directory_id, directory->id, sizeof header.directory_id);
    unsigned char *room = malloc(BLOCK_BYTES_MAX + 8);
    if (hf_packer_init(&packer) != HF_OK || room == NULL) {
        writer.error = -ENOMEM;
        goto done;
    }
    writer.error = hf_directory_remove(directory, name);
    if (writer.error != 0) {
        goto done;
    }
    writer.file = hf_directory_open(directory, name, HF_DISK_WRITE | HF_DISK_CREATE);
    if (writer.file < 0) {
        writer.error = writer.file;
        goto done;
    }
    hf_snapshot_header_encode(&header, room);
    if (put(&writer, room, HF_SNAPSHOT_HEADER_BYTES) && put_blocks(&writer, copy, &packer, room)) {
        writer.error = disk->sync(disk->ctx, writer.file);
    }

done:
    if (writer.file >= 0) {
        const int closed = disk->close(disk->ctx, writer.file);
        writer.error = writer.error != 0 ? writer.error : closed;
    }
    free(room);
    hf_packer_release(&packer);
    return writer.error;
}

enum hf_err hf_snapshot_file_write(const struct hf_directory *directory,
                                   const struct hf_snapshot_copy *copy, uint32_t epoch, char *error,
                                   size_t error_bytes)
{
    char aside[HF_NAME_BYTES_MAX];
    char name[HF_NAME_BYTES_MAX];

    HF_ASSERT(copy->lsn > 0 && copy->chunks_count > 0);

    hf_snapshot_name(aside, copy->lsn, HF_SUFFIX_ASIDE);
    hf_snapshot_name(name, copy->lsn, "");
    int64_t result = write_aside(directory, copy, epoch, aside);
    if (result == 0) {
        result = hf_directory_rename(directory, aside, name);
    }
    if (result != 0) {
        (void)hf_directory_remove(directory, aside); /* the first error is the one to tell */
    } else {
        result = hf_directory_sync(directory);
    }
    if (result != 0) {
        (void)snprintf(error, error_bytes, "could not write snapshot \"%s\": %s", name,
                       hf_disk_error(result));
        return result == -ENOMEM ? HF_NO_MEMORY : HF_IO;
    }
    return HF_OK;
}

/* ------------------------------------------------------------------ read */

struct reader {
    const struct hf_directory *directory;
    char name[HF_NAME_BYTES_MAX];
    int file;
    uint64_t file_bytes;
    uint64_t offset;
    uint64_t seed;
    unsigned char *stored; /* one block as it stands in the file */
    unsigned char *raw;
    struct hf_engine *engine; /* NULL: only verify */
    char *error;
    size_t error_bytes;
};

static enum hf_err say_damage(const struct reader *reader, enum hf_err err, const char *why)
{
    (void)snprintf(reader->error, reader->error_bytes,
                   "cannot use snapshot \"%s\" at offset %" PRIu64 ": %s", reader->name,
                   reader->offset, why);
    return err;
}

static enum hf_err say_error(const struct reader *reader, int64_t error)
{
    (void)snprintf(reader->error, reader->error_bytes, "could not read snapshot \"%s\": %s",
                   reader->name, hf_disk_error(error));
    return error == -ENOMEM ? HF_NO_MEMORY : HF_IO;
}

/* Up to `bytes_count` bytes from the offset on, fewer at the end of the file. */
static int64_t take(struct reader *reader, size_t bytes_count)
{
    const struct hf_disk *disk = reader->directory->disk;
    return disk->read(disk->ctx, reader->file, reader->stored, bytes_count, reader->offset);
}

static enum hf_err read_header(struct reader *reader, struct hf_snapshot_header *header,
                               uint64_t lsn, uint32_t epoch)
{
    const char *why = NULL;

    const int64_t got = take(reader, HF_SNAPSHOT_HEADER_BYTES);
    if (got < 0) {
        return say_error(reader, got);
    }
    if (hf_snapshot_header_decode(header, reader->stored, (size_t)got, &why) == HF_OK) {
        if (memcmp(header->directory_id, reader->directory->id, HF_DIRECTORY_ID_BYTES) != 0) {
            why = "it belongs to another data directory";
        } else if (header->lsn != lsn) {
            why = "its header names another LSN";
        } else if (header->epoch != epoch) {
            why = "its header names another epoch than the manifest";
        }
    }
    if (why != NULL) {
        return say_damage(reader, HF_CORRUPT, why);
    }
    reader->offset += HF_SNAPSHOT_HEADER_BYTES;
    return HF_OK;
}

/* One block: verify it, and give it to the engine when there is one. */
static enum hf_err read_block(struct reader *reader, struct hf_snapshot_footer *sums)
{
    struct hf_snapshot_block block;
    const char *why = NULL;

    int64_t got = take(reader, HF_SNAPSHOT_BLOCK_HEADER_BYTES);
    if (got < 0) {
        return say_error(reader, got);
    }
    enum hf_err err =
        hf_snapshot_block_open(&block, reader->stored, (size_t)got, reader->seed, &why);
    if (err == HF_TRUNCATED && got == HF_SNAPSHOT_BLOCK_HEADER_BYTES) { /* as it must be */
        got = take(reader, hf_snapshot_block_bytes(&block));
        if (got < 0) {
            return say_error(reader, got);
        }
        err = hf_snapshot_block_open(&block, reader->stored, (size_t)got, reader->seed, &why);
    }
    if (err != HF_OK) {
        return say_damage(reader, HF_CORRUPT, why);
    }
    if (block.index != sums->blocks_count) {
        return say_damage(reader, HF_CORRUPT, "its blocks are not in order");
    }
    const unsigned char *raw = hf_snapshot_block_raw(&block, reader->stored, reader->raw);
    if (raw == NULL) {
        return say_damage(reader, HF_CORRUPT, "the block does not decode");
    }
    if (reader->engine != NULL) {
        err = hf_engine_load(reader->engine, raw, block.raw_bytes, &why);
        if (err != HF_OK) {
            return say_damage(reader, err, why);
        }
    }
    sums->blocks_count++;
    sums->raw_bytes += block.raw_bytes;
    sums->chain = hf_snapshot_chain(sums->chain, block.checksum);
    reader->offset += hf_snapshot_block_bytes(&block);
    return HF_OK;
}

static enum hf_err read_footer(struct reader *reader, const struct hf_snapshot_header *header,
                               const struct hf_snapshot_footer *sums)
{
    struct hf_snapshot_footer footer;
    const char *why = NULL;

    const int64_t got = take(reader, HF_SNAPSHOT_FOOTER_BYTES);
    if (got < 0) {
        return say_error(reader, got);
    }
    if (hf_snapshot_footer_decode(&footer, reader->stored, (size_t)got, reader->seed, &why) !=
        HF_OK) {
        return say_damage(reader, HF_CORRUPT, why);
    }
    if (footer.blocks_count != sums->blocks_count || footer.raw_bytes != sums->raw_bytes ||
        footer.chain != sums->chain || header->raw_bytes != sums->raw_bytes ||
        footer.file_bytes != reader->file_bytes ||
        footer.file_bytes != reader->offset + HF_SNAPSHOT_FOOTER_BYTES) {
        return say_damage(reader, HF_CORRUPT, "its footer counts other blocks than there are");
    }
    return HF_OK;
}

static enum hf_err read_all(struct reader *reader, uint64_t lsn, uint32_t epoch)
{
    struct hf_snapshot_header header;
    struct hf_snapshot_footer sums = {0};
    const char *why = NULL;

    enum hf_err err = read_header(reader, &header, lsn, epoch);
    for (uint32_t i = 0; err == HF_OK && i < header.blocks_count; i++) {
        err = read_block(reader, &sums);
    }
    if (err == HF_OK) {
        err = read_footer(reader, &header, &sums);
    }
    if (err == HF_OK && reader->engine != NULL) {
        err = hf_engine_load_end(reader->engine, &why);
        if (err == HF_OK && hf_engine_lsn(reader->engine) != lsn) {
            err = HF_CORRUPT;
            why = "the state in it is of another LSN";
        }
        if (err != HF_OK) {
            return say_damage(reader, err, why);
        }
    }
    return err;
}

static enum hf_err read_file(const struct hf_directory *directory, uint64_t lsn, uint32_t epoch,
                             struct hf_engine *engine, char *error, size_t error_bytes)
{
    const struct hf_disk *disk = directory->disk;
    struct reader reader = {.directory = directory,
                            .seed = directory->seed ^ lsn,
                            .engine = engine,
                            .error = error,
                            .error_bytes = error_bytes};

    hf_snapshot_name(reader.name, lsn, "");
    reader.stored = malloc(BLOCK_BYTES_MAX + 8);
    reader.raw = malloc(HF_SNAPSHOT_RAW_BYTES_MAX);
    reader.file = hf_directory_open(directory, reader.name, HF_DISK_READ);
    enum hf_err err;
    if (reader.stored == NULL || reader.raw == NULL) {
        err = say_error(&reader, -ENOMEM);
    } else if (reader.file < 0) {
        err = say_error(&reader, reader.file);
    } else {
        const int64_t size = disk->size(disk->ctx, reader.file);
        reader.file_bytes = size < 0 ? 0 : (uint64_t)size;
        err = size < 0 ? say_error(&reader, size) : read_all(&reader, lsn, epoch);
    }
    if (reader.file >= 0) {
        (void)disk->close(disk->ctx, reader.file); /* opened for reading */
    }
    free(reader.raw);
    free(reader.stored);
    return err;
}

enum hf_err hf_snapshot_file_verify(const struct hf_directory *directory, uint64_t lsn,
                                    uint32_t epoch, char *error, size_t error_bytes)
{
    return read_file(directory, lsn, epoch, NULL, error, error_bytes);
}

enum hf_err hf_snapshot_file_load(const struct hf_directory *directory, uint64_t lsn,
                                  uint32_t epoch, struct hf_engine *engine, char *error,
                                  size_t error_bytes)
{
    HF_ASSERT(hf_engine_lsn(engine) == 0);
    return read_file(directory, lsn, epoch, engine, error, error_bytes);
}
