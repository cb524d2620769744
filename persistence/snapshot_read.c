/*
 * snapshot_read.c - the reading half of snapshot.h.
 *
 * A snapshot is loaded while it is verified: one thread reads, checks and decodes blocks, and has
 * the engine prepare their items; the other has it join them (engine.h). Each block is whole before
 * the engine sees it, and the sums of the footer, which tell that no block is missing, are compared
 * last. So damage may be found when the engine holds half a state; the caller throws that away and
 * goes on with an older snapshot.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/assert.h"
#include "engine/engine.h"
#include "persistence/ahead.h"
#include "persistence/snapshot.h"

/* Blocks that may be decoded ahead of the loader. */
#define SLOTS_COUNT 8u
/* Between two lines about the progress of loading: a second or so of work. */
#define PROGRESS_BYTES (UINT64_C(256) * 1024 * 1024)

bool hf_snapshot_room_init(struct hf_snapshot_room *room)
{
    *room = (struct hf_snapshot_room){.stored = malloc(HF_SNAPSHOT_BLOCK_BYTES_MAX + 8),
                                      .decoded = malloc(HF_SNAPSHOT_RAW_BYTES_MAX)};
    if (room->stored == NULL || room->decoded == NULL) {
        hf_snapshot_room_release(room);
        return false;
    }
    return true;
}

void hf_snapshot_room_release(struct hf_snapshot_room *room)
{
    free(room->stored);
    free(room->decoded);
    *room = (struct hf_snapshot_room){0};
}

static enum hf_err say_damage(const struct hf_snapshot_reader *reader, enum hf_err err,
                              uint64_t offset, const char *why)
{
    (void)snprintf(reader->error, reader->error_bytes,
                   "cannot use snapshot \"%s\" at offset %" PRIu64 ": %s", reader->name, offset,
                   why);
    return err;
}

static enum hf_err say_error(const struct hf_snapshot_reader *reader, int64_t error)
{
    (void)snprintf(reader->error, reader->error_bytes, "could not read snapshot \"%s\": %s",
                   reader->name, hf_disk_error(error));
    return error == -ENOMEM ? HF_NO_MEMORY : HF_IO;
}

/* Up to `bytes_count` bytes from `offset` on, fewer at the end of the file. */
static int64_t take(const struct hf_snapshot_reader *reader, void *bytes, size_t bytes_count,
                    uint64_t offset)
{
    const struct hf_disk *disk = reader->directory->disk;
    return disk->read(disk->ctx, reader->file, bytes, bytes_count, offset);
}

/* ------------------------------------------------------------------ header and footer */

static enum hf_err read_header(struct hf_snapshot_reader *reader, uint64_t lsn, uint32_t epoch)
{
    unsigned char bytes[HF_SNAPSHOT_HEADER_BYTES];
    struct hf_snapshot_header *header = &reader->header;
    const char *why = NULL;

    const int64_t got = take(reader, bytes, sizeof bytes, 0);
    if (got < 0) {
        return say_error(reader, got);
    }
    if (hf_snapshot_header_decode(header, bytes, (size_t)got, &why) == HF_OK) {
        if (memcmp(header->directory_id, reader->directory->id, HF_DIRECTORY_ID_BYTES) != 0) {
            why = "it belongs to another data directory";
        } else if (header->lsn != lsn) {
            why = "its header names another LSN";
        } else if (header->epoch != epoch) {
            why = "its header names another epoch than the manifest";
        }
    }
    reader->offset = HF_SNAPSHOT_HEADER_BYTES;
    return why == NULL ? HF_OK : say_damage(reader, HF_CORRUPT, 0, why);
}

static enum hf_err read_footer(struct hf_snapshot_reader *reader)
{
    unsigned char bytes[HF_SNAPSHOT_FOOTER_BYTES];
    struct hf_snapshot_footer *footer = &reader->footer;
    const char *why = NULL;

    if (reader->file_bytes < HF_SNAPSHOT_HEADER_BYTES + HF_SNAPSHOT_FOOTER_BYTES) {
        return say_damage(reader, HF_CORRUPT, reader->file_bytes, "the file ends too early");
    }
    const uint64_t offset = reader->file_bytes - HF_SNAPSHOT_FOOTER_BYTES;
    const int64_t got = take(reader, bytes, sizeof bytes, offset);
    if (got < 0) {
        return say_error(reader, got);
    }
    if (hf_snapshot_footer_decode(footer, bytes, (size_t)got, reader->seed, &why) == HF_OK &&
        (footer->file_bytes != reader->file_bytes ||
         footer->blocks_count != reader->header.blocks_count ||
         footer->raw_bytes != reader->header.raw_bytes)) {
        why = "its footer counts other blocks than its header";
    }
    return why == NULL ? HF_OK : say_damage(reader, HF_CORRUPT, offset, why);
}

enum hf_err hf_snapshot_reader_open(struct hf_snapshot_reader *reader,
                                    const struct hf_directory *directory, const char *name,
                                    uint64_t lsn, uint32_t epoch, char *error, size_t error_bytes)
{
    const struct hf_disk *disk = directory->disk;

    *reader = (struct hf_snapshot_reader){.directory = directory,
                                          .seed = directory->seed ^ lsn,
                                          .error = error,
                                          .error_bytes = error_bytes};
    (void)snprintf(reader->name, sizeof reader->name, "%s", name);
    reader->file = hf_directory_open(directory, name, HF_DISK_READ);
    if (reader->file < 0) {
        return say_error(reader, reader->file);
    }
    const int64_t size = disk->size(disk->ctx, reader->file);
    if (size < 0) {
        return say_error(reader, size);
    }
    reader->file_bytes = (uint64_t)size;
    const enum hf_err err = read_header(reader, lsn, epoch);
    return err != HF_OK ? err : read_footer(reader);
}

void hf_snapshot_reader_close(struct hf_snapshot_reader *reader)
{
    if (reader->directory != NULL && reader->file >= 0) {
        const struct hf_disk *disk = reader->directory->disk;
        (void)disk->close(disk->ctx, reader->file); /* opened for reading */
        reader->file = -1;
    }
}

/* ------------------------------------------------------------------ blocks */

/* All blocks have been read. */
static enum hf_err check_sums(const struct hf_snapshot_reader *reader)
{
    const struct hf_snapshot_footer *footer = &reader->footer;

    if (reader->offset + HF_SNAPSHOT_FOOTER_BYTES != reader->file_bytes ||
        footer->blocks_count != reader->sums.blocks_count ||
        footer->raw_bytes != reader->sums.raw_bytes || footer->chain != reader->sums.chain) {
        return say_damage(reader, HF_CORRUPT, reader->offset,
                          "its footer counts other blocks than there are");
    }
    return HF_OK;
}

/* The bytes of the block at the offset, into room->stored, its checksum verified. */
static enum hf_err read_block(const struct hf_snapshot_reader *reader,
                              struct hf_snapshot_room *room, struct hf_snapshot_block *block)
{
    const char *why = NULL;

    int64_t got = take(reader, room->stored, HF_SNAPSHOT_BLOCK_HEADER_BYTES, reader->offset);
    if (got < 0) {
        return say_error(reader, got);
    }
    enum hf_err err = hf_snapshot_block_open(block, room->stored, (size_t)got, reader->seed, &why);
    if (err == HF_TRUNCATED && got == HF_SNAPSHOT_BLOCK_HEADER_BYTES) { /* as it must be */
        got = take(reader, room->stored, hf_snapshot_block_bytes(block), reader->offset);
        if (got < 0) {
            return say_error(reader, got);
        }
        err = hf_snapshot_block_open(block, room->stored, (size_t)got, reader->seed, &why);
    }
    return err == HF_OK ? HF_OK : say_damage(reader, HF_CORRUPT, reader->offset, why);
}

enum hf_err hf_snapshot_reader_next(struct hf_snapshot_reader *reader,
                                    struct hf_snapshot_room *room, bool *is_end)
{
    struct hf_snapshot_block block;

    *is_end = reader->sums.blocks_count == reader->header.blocks_count;
    if (*is_end) {
        return check_sums(reader);
    }
    const enum hf_err err = read_block(reader, room, &block);
    if (err != HF_OK) {
        return err;
    }
    if (block.index != reader->sums.blocks_count) {
        return say_damage(reader, HF_CORRUPT, reader->offset, "its blocks are not in order");
    }
    room->raw = hf_snapshot_block_raw(&block, room->stored, room->decoded);
    room->raw_bytes = block.raw_bytes;
    if (room->raw == NULL) {
        return say_damage(reader, HF_CORRUPT, reader->offset, "the block does not decode");
    }
    reader->sums.blocks_count++;
    reader->sums.raw_bytes += block.raw_bytes;
    reader->sums.chain = hf_snapshot_chain(reader->sums.chain, block.checksum);
    reader->offset += hf_snapshot_block_bytes(&block);
    return HF_OK;
}

enum hf_err hf_snapshot_file_verify(const struct hf_directory *directory, uint64_t lsn,
                                    uint32_t epoch, char *error, size_t error_bytes)
{
    struct hf_snapshot_reader reader = {.file = -1};
    struct hf_snapshot_room room;
    char name[HF_NAME_BYTES_MAX];
    bool is_end = false;

    hf_snapshot_name(name, lsn, "");
    if (!hf_snapshot_room_init(&room)) {
        (void)snprintf(error, error_bytes, "could not read snapshot \"%s\": %s", name,
                       hf_disk_error(-ENOMEM));
        return HF_NO_MEMORY;
    }
    enum hf_err err =
        hf_snapshot_reader_open(&reader, directory, name, lsn, epoch, error, error_bytes);
    while (err == HF_OK && !is_end) {
        err = hf_snapshot_reader_next(&reader, &room, &is_end);
    }
    hf_snapshot_reader_close(&reader);
    hf_snapshot_room_release(&room);
    return err;
}

/* ------------------------------------------------------------------ loading */

struct loading {
    struct hf_snapshot_reader reader; /* the filler's, once it runs */
    struct hf_engine *engine;
    struct slot {
        struct hf_snapshot_room room;
        struct hf_image_part part; /* of its items */
        uint64_t offset;           /* of the block */
        enum hf_err err;
        bool is_end;
    } slots[SLOTS_COUNT];
    uint64_t loaded_bytes;
    uint64_t progress_bytes; /* loaded_bytes at which the next line is due */
};

static bool fill_slot(void *arg, uint32_t index)
{
    struct loading *loading = arg;
    struct slot *slot = &loading->slots[index];

    slot->offset = loading->reader.offset;
    slot->err = hf_snapshot_reader_next(&loading->reader, &slot->room, &slot->is_end);
    if (slot->err == HF_OK && !slot->is_end) {
        hf_engine_load_prepare(loading->engine, slot->room.raw, slot->room.raw_bytes, &slot->part);
    }
    return slot->err == HF_OK && !slot->is_end;
}

static void say_progress(struct loading *loading)
{
    const uint64_t all_bytes = loading->reader.header.raw_bytes;

    if (loading->loaded_bytes >= loading->progress_bytes) {
        loading->progress_bytes = loading->loaded_bytes + PROGRESS_BYTES;
        hf_directory_say(loading->reader.directory, 'i',
                         "recovery: %" PRIu64 " of %" PRIu64 " MiB of the snapshot loaded",
                         loading->loaded_bytes >> 20, all_bytes >> 20);
    }
}

/* Join blocks until the last one. What the engine refuses is in *why, with the block's offset; what
 * the reader refuses it has said itself. */
static enum hf_err load_blocks(struct loading *loading, struct hf_ahead *ahead, uint64_t *offset,
                               const char **why)
{
    uint32_t index = 0;

    while (hf_ahead_take(ahead, &index)) {
        const struct slot *slot = &loading->slots[index];
        if (slot->err != HF_OK || slot->is_end) {
            return slot->err;
        }
        *offset = slot->offset;
        const enum hf_err err = hf_engine_load_join(loading->engine, &slot->part, why);
        if (err != HF_OK) {
            return err;
        }
        loading->loaded_bytes += slot->room.raw_bytes;
        say_progress(loading);
        while (!hf_ahead_is_ready(ahead) && hf_engine_load_idle(loading->engine)) {
            /* until the next block has come, or there is nothing left to do */
        }
    }
    HF_ASSERT(false && "the last slot says that it is");
    return HF_CORRUPT;
}

/* With the reader open and the rooms made. */
static enum hf_err load_all(struct loading *loading, uint64_t lsn)
{
    const struct hf_directory *directory = loading->reader.directory;
    uint64_t offset = 0;
    const char *why = NULL;

    struct hf_ahead *ahead =
        hf_ahead_start(SLOTS_COUNT, directory->works_ahead, fill_slot, loading);
    if (ahead == NULL) {
        return say_error(&loading->reader, -ENOMEM);
    }
    enum hf_err err = load_blocks(loading, ahead, &offset, &why);
    hf_ahead_end(ahead);
    if (err == HF_OK) {
        offset = loading->reader.offset;
        err = hf_engine_load_end(loading->engine, &why);
    }
    if (err == HF_OK && hf_engine_lsn(loading->engine) != lsn) {
        err = HF_CORRUPT;
        why = "the state in it is of another LSN";
    }
    return why == NULL ? err : say_damage(&loading->reader, err, offset, why);
}

enum hf_err hf_snapshot_file_load(const struct hf_directory *directory, uint64_t lsn,
                                  uint32_t epoch, struct hf_engine *engine, char *error,
                                  size_t error_bytes)
{
    char name[HF_NAME_BYTES_MAX];
    bool has_rooms = true;

    HF_ASSERT(hf_engine_lsn(engine) == 0);

    struct loading *loading = calloc(1, sizeof *loading);
    hf_snapshot_name(name, lsn, "");
    if (loading == NULL) {
        (void)snprintf(error, error_bytes, "could not read snapshot \"%s\": %s", name,
                       hf_disk_error(-ENOMEM));
        return HF_NO_MEMORY;
    }
    loading->engine = engine;
    loading->progress_bytes = PROGRESS_BYTES;
    enum hf_err err =
        hf_snapshot_reader_open(&loading->reader, directory, name, lsn, epoch, error, error_bytes);
    for (uint32_t i = 0; i < SLOTS_COUNT; i++) {
        has_rooms = has_rooms && hf_snapshot_room_init(&loading->slots[i].room);
    }
    if (err == HF_OK) {
        err = has_rooms ? load_all(loading, lsn) : say_error(&loading->reader, -ENOMEM);
    }
    for (uint32_t i = 0; i < SLOTS_COUNT; i++) {
        hf_snapshot_room_release(&loading->slots[i].room);
    }
    hf_snapshot_reader_close(&loading->reader);
    free(loading);
    return err;
}
