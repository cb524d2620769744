#include "persistence/snapshot.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/assert.h"
#include "engine/engine.h"

_Static_assert(HF_SNAPSHOT_RAW_BYTES_MAX == HF_IMAGE_BYTES_MIN, "a chunk of the engine is a block");

static enum hf_err fail(struct hf_snapshot_writer *writer, int64_t error)
{
    char name[HF_NAME_BYTES_MAX];

    hf_snapshot_name(name, writer->lsn, "");
    (void)snprintf(writer->error, sizeof writer->error, "could not write snapshot \"%s\": %s", name,
                   hf_disk_error(error));
    return error == -ENOMEM ? HF_NO_MEMORY : HF_IO;
}

static enum hf_err put_at(struct hf_snapshot_writer *writer, const unsigned char *bytes,
                          size_t bytes_count, uint64_t offset)
{
    const struct hf_disk *disk = writer->directory->disk;

    const int64_t result = disk->write(disk->ctx, writer->file, bytes, bytes_count, offset);
    if (result != (int64_t)bytes_count) {
        return fail(writer, result < 0 ? result : -EIO);
    }
    return HF_OK;
}

static enum hf_err sync_all(struct hf_snapshot_writer *writer)
{
    const struct hf_disk *disk = writer->directory->disk;

    const int result = disk->sync(disk->ctx, writer->file);
    if (result != 0) {
        return fail(writer, result);
    }
    writer->is_synced = true;
    return HF_OK;
}

static void trickle(struct hf_snapshot_writer *writer)
{
    const struct hf_disk *disk = writer->directory->disk;
    const uint64_t bytes_count = writer->offset - writer->begun_offset;

    if (bytes_count >= HF_SNAPSHOT_TRICKLE_BYTES) {
        if (disk->write_out != NULL) {
            disk->write_out(disk->ctx, writer->file, writer->begun_offset, bytes_count);
        }
        writer->begun_offset = writer->offset;
    }
}

static uint64_t seed_of(const struct hf_snapshot_writer *writer)
{
    return writer->directory->seed ^ writer->lsn;
}

enum hf_err hf_snapshot_writer_begin(struct hf_snapshot_writer *writer,
                                     const struct hf_directory *directory, uint64_t lsn,
                                     uint32_t epoch)
{
    char aside[HF_NAME_BYTES_MAX];

    HF_ASSERT(lsn > 0);

    *writer = (struct hf_snapshot_writer){.directory = directory,
                                          .lsn = lsn,
                                          .epoch = epoch,
                                          .file = -1,
                                          .reader = {.file = -1},
                                          .offset = HF_SNAPSHOT_HEADER_BYTES};
    writer->block = malloc(HF_SNAPSHOT_BLOCK_BYTES_MAX + 8);
    if (hf_packer_init(&writer->packer) != HF_OK || writer->block == NULL) {
        return fail(writer, -ENOMEM);
    }
    hf_snapshot_name(aside, lsn, HF_SUFFIX_ASIDE);
    const int removed = hf_directory_remove(directory, aside);
    if (removed != 0) {
        return fail(writer, removed);
    }
    writer->file = hf_directory_open(directory, aside, HF_DISK_WRITE | HF_DISK_CREATE);
    if (writer->file < 0) {
        return fail(writer, writer->file);
    }
    writer->is_aside = true;
    return HF_OK;
}

enum hf_err hf_snapshot_writer_put(struct hf_snapshot_writer *writer, const unsigned char *raw,
                                   uint32_t raw_bytes)
{
    HF_ASSERT(writer->is_aside);
    HF_ASSERT(raw_bytes > 0 && raw_bytes <= HF_SNAPSHOT_RAW_BYTES_MAX);
    HF_ASSERT(writer->footer.blocks_count < UINT32_MAX);

    const uint32_t stored_bytes = hf_packer_pack(&writer->packer, raw, raw_bytes,
                                                 writer->block + HF_SNAPSHOT_BLOCK_HEADER_BYTES);
    struct hf_snapshot_block block = {.flags = stored_bytes < raw_bytes ? HF_BLOCK_LZ4 : 0,
                                      .index = (uint32_t)writer->footer.blocks_count,
                                      .raw_bytes = raw_bytes,
                                      .stored_bytes = stored_bytes};
    const size_t bytes_count = hf_snapshot_block_seal(writer->block, &block, seed_of(writer));
    const enum hf_err err = put_at(writer, writer->block, bytes_count, writer->offset);
    if (err != HF_OK) {
        return err;
    }
    writer->offset += bytes_count;
    writer->footer.blocks_count++;
    writer->footer.raw_bytes += raw_bytes;
    writer->footer.chain = hf_snapshot_chain(writer->footer.chain, block.checksum);
    trickle(writer);
    return HF_OK;
}

enum hf_err hf_snapshot_writer_seal(struct hf_snapshot_writer *writer)
{
    unsigned char bytes[HF_SNAPSHOT_HEADER_BYTES];
    struct hf_snapshot_header header = {.epoch = writer->epoch,
                                        .blocks_count = (uint32_t)writer->footer.blocks_count,
                                        .lsn = writer->lsn,
                                        .raw_bytes = writer->footer.raw_bytes};

    HF_ASSERT(writer->footer.blocks_count > 0);
    _Static_assert(HF_SNAPSHOT_FOOTER_BYTES <= sizeof bytes, "room for both");

    writer->footer.file_bytes = writer->offset + HF_SNAPSHOT_FOOTER_BYTES;
    hf_snapshot_footer_encode(&writer->footer, seed_of(writer), bytes);
    enum hf_err err = put_at(writer, bytes, HF_SNAPSHOT_FOOTER_BYTES, writer->offset);
    if (err != HF_OK) {
        return err;
    }
    writer->offset += HF_SNAPSHOT_FOOTER_BYTES;
    memcpy(header.directory_id, writer->directory->id, sizeof header.directory_id);
    hf_snapshot_header_encode(&header, bytes);
    err = put_at(writer, bytes, HF_SNAPSHOT_HEADER_BYTES, 0);
    return err != HF_OK ? err : sync_all(writer);
}

enum hf_err hf_snapshot_writer_check(struct hf_snapshot_writer *writer, bool *is_end)
{
    HF_ASSERT(writer->is_synced);

    if (writer->room.stored == NULL) {
        char aside[HF_NAME_BYTES_MAX];
        hf_snapshot_name(aside, writer->lsn, HF_SUFFIX_ASIDE);
        if (!hf_snapshot_room_init(&writer->room)) {
            return fail(writer, -ENOMEM);
        }
        /* What is judged is what the disk has, not what memory remembers of it. */
        const struct hf_disk *disk = writer->directory->disk;
        const int forgotten = disk->forget(disk->ctx, writer->file);
        if (forgotten != 0) {
            return fail(writer, forgotten);
        }
        const enum hf_err err =
            hf_snapshot_reader_open(&writer->reader, writer->directory, aside, writer->lsn,
                                    writer->epoch, writer->error, sizeof writer->error);
        if (err != HF_OK) {
            return err;
        }
    }
    return hf_snapshot_reader_next(&writer->reader, &writer->room, is_end);
}

/* The first error is the one to tell. */
static int close_files(struct hf_snapshot_writer *writer)
{
    int closed = 0;

    hf_snapshot_reader_close(&writer->reader);
    if (writer->file >= 0) {
        const struct hf_disk *disk = writer->directory->disk;
        closed = disk->close(disk->ctx, writer->file);
        writer->file = -1;
    }
    return closed;
}

enum hf_err hf_snapshot_writer_name(struct hf_snapshot_writer *writer)
{
    char aside[HF_NAME_BYTES_MAX];
    char name[HF_NAME_BYTES_MAX];

    HF_ASSERT(writer->is_aside && writer->is_synced);

    hf_snapshot_name(aside, writer->lsn, HF_SUFFIX_ASIDE);
    hf_snapshot_name(name, writer->lsn, "");
    int result = close_files(writer);
    if (result == 0) {
        result = hf_directory_rename(writer->directory, aside, name);
    }
    if (result != 0) {
        return fail(writer, result);
    }
    writer->is_aside = false;
    result = hf_directory_sync(writer->directory);
    if (result != 0) {
        (void)hf_directory_remove(writer->directory, name); /* no manifest will name it */
        return fail(writer, result);
    }
    return HF_OK;
}

void hf_snapshot_writer_drop(struct hf_snapshot_writer *writer)
{
    if (writer->directory != NULL && writer->is_aside) {
        char aside[HF_NAME_BYTES_MAX];
        hf_snapshot_name(aside, writer->lsn, HF_SUFFIX_ASIDE);
        (void)close_files(writer);
        (void)hf_directory_remove(writer->directory, aside); /* else the next start does it */
    }
    hf_snapshot_writer_release(writer);
}

void hf_snapshot_writer_release(struct hf_snapshot_writer *writer)
{
    if (writer->directory == NULL) {
        return;
    }
    (void)close_files(writer); /* it was synced, or is not wanted any more */
    hf_snapshot_room_release(&writer->room);
    hf_packer_release(&writer->packer);
    free(writer->block);
    writer->block = NULL;
    writer->directory = NULL;
    writer->is_aside = false;
}

/* ------------------------------------------------------------------ in one go */

/* All blocks, the whole state as it stands. */
static enum hf_err write_blocks(struct hf_snapshot_writer *writer, struct hf_engine *engine,
                                unsigned char *chunk)
{
    struct hf_image_cursor cursor = {0};

    for (;;) {
        const size_t used = hf_engine_copy(engine, &cursor, chunk, HF_SNAPSHOT_RAW_BYTES_MAX);
        if (used == 0) {
            return hf_snapshot_writer_seal(writer);
        }
        const enum hf_err err = hf_snapshot_writer_put(writer, chunk, (uint32_t)used);
        if (err != HF_OK) {
            return err;
        }
    }
}

enum hf_err hf_snapshot_file_write(const struct hf_directory *directory, struct hf_engine *engine,
                                   uint32_t epoch, uint64_t *file_bytes, char *error,
                                   size_t error_bytes)
{
    struct hf_snapshot_writer writer;
    bool is_end = false;

    enum hf_err err = hf_snapshot_writer_begin(&writer, directory, hf_engine_lsn(engine), epoch);
    unsigned char *chunk = malloc(HF_SNAPSHOT_RAW_BYTES_MAX);
    if (err == HF_OK) {
        err = chunk == NULL ? fail(&writer, -ENOMEM) : write_blocks(&writer, engine, chunk);
    }
    free(chunk);
    while (err == HF_OK && !is_end) {
        err = hf_snapshot_writer_check(&writer, &is_end);
    }
    if (err == HF_OK) {
        err = hf_snapshot_writer_name(&writer);
    }
    if (file_bytes != NULL) {
        *file_bytes = writer.offset;
    }
    (void)snprintf(error, error_bytes, "%s", writer.error);
    hf_snapshot_writer_drop(&writer);
    return err;
}
