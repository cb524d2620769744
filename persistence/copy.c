#include "persistence/copy.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/assert.h"
#include "engine/record.h"
#include "persistence/place.h"
#include "persistence/snapshot.h"

#define BUFFER_BYTES (1024u * 1024)
#define TAIL_TEXT_BYTES 256
#define SEALED_BYTES_MAX (HF_BLOCK_BYTES_MAX + 8)
_Static_assert(BUFFER_BYTES % HF_SECTOR_BYTES == 0, "groups begin at sectors of the buffer");

/* ------------------------------------------------------------------ life */

enum hf_err hf_copy_init(struct hf_copy *copy, const struct hf_directory *from,
                         const struct hf_directory *to, const struct hf_manifest *manifest)
{
    *copy = (struct hf_copy){.from = from, .to = to, .manifest = manifest, .file = -1};
    copy->raw = malloc(HF_BLOCK_RAW_BYTES_MAX);
    copy->sealed = malloc(SEALED_BYTES_MAX);
    copy->buffer = malloc(BUFFER_BYTES);
    if (hf_segment_reader_init(&copy->reader, from) != HF_OK ||
        hf_packer_init(&copy->packer) != HF_OK || copy->raw == NULL || copy->sealed == NULL ||
        copy->buffer == NULL) {
        hf_copy_release(copy);
        (void)snprintf(copy->error, sizeof copy->error, "no memory to copy a data directory");
        return HF_NO_MEMORY;
    }
    return HF_OK;
}

void hf_copy_release(struct hf_copy *copy)
{
    HF_ASSERT(copy->file < 0);

    if (copy->reader.directory != NULL) {
        hf_segment_reader_release(&copy->reader);
    }
    hf_packer_release(&copy->packer);
    free(copy->raw);
    free(copy->sealed);
    free(copy->buffer);
    *copy = (struct hf_copy){.reader = {.file = -1}, .file = -1};
}

/* Damage of the segment being read at `offset`, where the record of next_lsn should be. */
static enum hf_err refuse_at(struct hf_copy *copy, uint64_t offset, const char *why)
{
    return hf_refuse(copy->error, sizeof copy->error, HF_CORRUPT,
                     "cannot go on in log segment \"%s/%s\" at offset %" PRIu64 " (LSN %" PRIu64
                     "): %s",
                     copy->from->path, copy->reader.name, offset, copy->next_lsn, why);
}

static enum hf_err refuse_read(struct hf_copy *copy)
{
    return hf_refuse(copy->error, sizeof copy->error, HF_IO,
                     "could not read log segment \"%s/%s\" at offset %" PRIu64 ": %s",
                     copy->from->path, copy->reader.name, copy->reader.offset,
                     hf_disk_error(copy->reader.error));
}

static enum hf_err refuse_write(struct hf_copy *copy, const char *name, int64_t error)
{
    return hf_refuse(copy->error, sizeof copy->error, HF_IO, "could not write \"%s/%s\": %s",
                     copy->to->path, name, hf_disk_error(error));
}

static bool goes_on(const struct hf_copy *copy, uint64_t bytes_count)
{
    return copy->progress_cb == NULL || copy->progress_cb(copy->progress_arg, bytes_count);
}

static enum hf_err refuse_to_go_on(struct hf_copy *copy)
{
    return hf_refuse(copy->error, sizeof copy->error, HF_BUSY, "copying \"%s\" was broken off",
                     copy->from->path);
}

/* ------------------------------------------------------------------ the file being written */

/* Returns 0 or a negative errno. */
static int64_t begin_file(struct hf_copy *copy, const char *aside)
{
    HF_ASSERT(copy->file < 0);

    const int result = hf_directory_remove(copy->to, aside);
    if (result != 0) {
        return result;
    }
    copy->file = hf_directory_open(copy->to, aside, HF_DISK_WRITE | HF_DISK_CREATE);
    copy->buffer_offset = 0;
    copy->buffer_used = 0;
    copy->synced_offset = 0;
    return copy->file < 0 ? copy->file : 0;
}

/* What is read back from here on is what the disk has (C3). */
static int64_t settle(const struct hf_copy *copy)
{
    const struct hf_disk *disk = copy->to->disk;
    const int synced = disk->sync(disk->ctx, copy->file);
    return synced != 0 ? synced : disk->forget(disk->ctx, copy->file);
}

static void pace(const struct hf_copy *copy, uint64_t bytes_count)
{
    if (copy->pace_cb != NULL) {
        copy->pace_cb(copy->progress_arg, bytes_count);
    }
}

static int64_t flush(struct hf_copy *copy)
{
    const struct hf_disk *disk = copy->to->disk;

    if (copy->buffer_used == 0) {
        return 0;
    }
    const int64_t put =
        disk->write(disk->ctx, copy->file, copy->buffer, copy->buffer_used, copy->buffer_offset);
    if (put != (int64_t)copy->buffer_used) {
        return put < 0 ? put : -EIO;
    }
    pace(copy, copy->buffer_used);
    copy->buffer_offset += copy->buffer_used;
    copy->buffer_used = 0;
    if (copy->buffer_offset - copy->synced_offset < HF_COPY_SYNC_BYTES) {
        return 0;
    }
    copy->synced_offset = copy->buffer_offset;
    return settle(copy);
}

/* Bytes at `offset`, which only grows; zeros stand in what is left out. */
static int64_t put(struct hf_copy *copy, uint64_t offset, const unsigned char *bytes,
                   size_t bytes_count)
{
    uint64_t end = copy->buffer_offset + copy->buffer_used;
    int64_t result = 0;

    HF_ASSERT(offset >= end);
    while (result == 0 && bytes_count > 0) {
        const size_t room = BUFFER_BYTES - copy->buffer_used;
        const uint64_t gap = offset - end;
        const size_t part =
            gap > 0 ? (gap < room ? (size_t)gap : room) : (bytes_count < room ? bytes_count : room);
        if (gap > 0) {
            memset(copy->buffer + copy->buffer_used, 0, part);
        } else {
            memcpy(copy->buffer + copy->buffer_used, bytes, part);
            bytes += part;
            bytes_count -= part;
            offset += part;
        }
        copy->buffer_used += part;
        end += part;
        result = copy->buffer_used == BUFFER_BYTES ? flush(copy) : 0;
    }
    return result;
}

/* Close the file; with `result` 0 it is whole: sync it and give it its name. */
static int64_t end_file(struct hf_copy *copy, int64_t result, const char *aside, const char *name)
{
    const struct hf_disk *disk = copy->to->disk;

    if (result == 0) {
        result = flush(copy);
    }
    if (result == 0) {
        result = settle(copy);
    }
    if (copy->file >= 0) {
        const int closed = disk->close(disk->ctx, copy->file);
        result = result != 0 ? result : closed;
        copy->file = -1;
    }
    if (result == 0) {
        result = hf_directory_rename(copy->to, aside, name);
    }
    if (result == 0) {
        copy->bytes_count += copy->buffer_offset;
    } else {
        (void)hf_directory_remove(copy->to, aside); /* the first error is the one to tell */
    }
    return result;
}

/* ------------------------------------------------------------------ snapshots */

/* All bytes of an open file of `from` into the file being written. */
static enum hf_err copy_bytes(struct hf_copy *copy, int from, const char *name, int64_t *written)
{
    const struct hf_disk *disk = copy->from->disk;
    uint64_t offset = 0;

    for (;;) {
        const int64_t got = disk->read(disk->ctx, from, copy->raw, BUFFER_BYTES, offset);
        if (got < 0) {
            return hf_refuse(copy->error, sizeof copy->error, HF_IO,
                             "could not read snapshot \"%s/%s\": %s", copy->from->path, name,
                             hf_disk_error(got));
        }
        if (got == 0) {
            return HF_OK;
        }
        *written = put(copy, offset, copy->raw, (size_t)got);
        if (*written != 0) {
            return refuse_write(copy, name, *written);
        }
        if (!goes_on(copy, (uint64_t)got)) {
            return refuse_to_go_on(copy);
        }
        offset += (uint64_t)got;
    }
}
_Static_assert(BUFFER_BYTES <= HF_BLOCK_RAW_BYTES_MAX, "copy_bytes reads into the room of a block");

/* Read the copy back: header, every block, footer. */
static enum hf_err read_back(struct hf_copy *copy, const char *name, uint64_t lsn)
{
    struct hf_snapshot_reader reader = {.file = -1};
    struct hf_snapshot_room room;
    bool is_end = false;

    if (!hf_snapshot_room_init(&room)) {
        return hf_refuse(copy->error, sizeof copy->error, HF_NO_MEMORY,
                         "no memory to verify a snapshot");
    }
    enum hf_err err = hf_snapshot_reader_open(&reader, copy->to, name, lsn,
                                              hf_manifest_epoch(copy->manifest, lsn), copy->error,
                                              sizeof copy->error);
    while (err == HF_OK && !is_end) {
        const uint64_t before = reader.offset;
        err = hf_snapshot_reader_next(&reader, &room, &is_end);
        pace(copy, reader.offset - before);
        if (err == HF_OK && !goes_on(copy, 0)) {
            err = refuse_to_go_on(copy);
        }
    }
    hf_snapshot_reader_close(&reader);
    hf_snapshot_room_release(&room);
    return err;
}

enum hf_err hf_copy_snapshot(struct hf_copy *copy, uint64_t lsn)
{
    const struct hf_disk *disk = copy->from->disk;
    char aside[HF_NAME_BYTES_MAX];
    char name[HF_NAME_BYTES_MAX];

    hf_snapshot_name(aside, lsn, HF_SUFFIX_ASIDE);
    hf_snapshot_name(name, lsn, "");
    const int from = hf_directory_open(copy->from, name, HF_DISK_READ);
    if (from < 0) {
        return hf_refuse(copy->error, sizeof copy->error, HF_IO,
                         "could not read snapshot \"%s/%s\": %s", copy->from->path, name,
                         hf_disk_error(from));
    }
    int64_t result = begin_file(copy, aside);
    enum hf_err err =
        result == 0 ? copy_bytes(copy, from, name, &result) : refuse_write(copy, name, result);
    (void)disk->close(disk->ctx, from); /* opened for reading */
    result = end_file(copy, err == HF_OK ? 0 : -EIO, aside, name);
    if (err != HF_OK) {
        return err;
    }
    if (result != 0) {
        return refuse_write(copy, name, result);
    }
    err = read_back(copy, name, lsn);
    if (err != HF_OK) {
        (void)hf_directory_remove(copy->to, name); /* the damage is the one to tell */
    }
    return err;
}

/* ------------------------------------------------------------------ blocks */

/* Where the copy is in the log. */
static struct hf_place place_of(const struct hf_copy *copy)
{
    return (struct hf_place){
        .manifest = copy->manifest, .next_lsn = copy->next_lsn, .previous = copy->previous};
}

/*
 * The records of a block up to that of `lsn`, as a block of its own in copy->sealed. What a linked
 * group did happened whole or not at all, so no cut may go through one.
 */
static enum hf_err cut_block(struct hf_copy *copy, const struct hf_block_header *block,
                             const unsigned char *bytes, uint64_t offset, uint64_t lsn,
                             struct hf_block_header *cut)
{
    const unsigned char *raw = hf_block_raw(block, bytes, copy->raw);
    size_t at = 0;
    uint64_t whole_lsn = block->first_lsn - 1; /* the last one that no link goes on behind */
    bool is_linked = false;

    if (raw == NULL) {
        return refuse_at(copy, offset, "the block does not decode");
    }
    for (uint64_t i = block->first_lsn; i <= block->last_lsn; i++) {
        const size_t left = block->raw_bytes - at;
        const uint32_t record_bytes = left < HF_RECORD_HEADER_BYTES ? 0 : hf_record_bytes(raw + at);
        if (record_bytes < HF_RECORD_HEADER_BYTES || record_bytes > left || record_bytes % 8 != 0 ||
            hf_record_lsn(raw + at) != i) {
            return refuse_at(copy, offset, "the block's records do not add up");
        }
        is_linked = hf_record_is_linked(raw + at);
        if (i > lsn && !is_linked) {
            return hf_refuse(copy->error, sizeof copy->error, HF_INVALID_ARGUMENT,
                             "LSN %" PRIu64 " is in the middle of operations that succeed or fail "
                             "together, up to LSN %" PRIu64 "; take LSN %" PRIu64 " or %" PRIu64,
                             lsn, i, whole_lsn, i);
        }
        at += record_bytes;
        if (i == lsn && !is_linked) {
            break;
        }
        if (!is_linked) {
            whole_lsn = i;
        }
    }
    if (is_linked) {
        return refuse_at(copy, offset, "the block ends inside a linked group");
    }
    const uint32_t stored_bytes =
        hf_packer_pack(&copy->packer, raw, (uint32_t)at, copy->sealed + HF_BLOCK_HEADER_BYTES);
    *cut = *block;
    cut->flags = stored_bytes < at ? HF_BLOCK_LZ4 : 0;
    cut->raw_bytes = (uint32_t)at;
    cut->stored_bytes = stored_bytes;
    cut->last_lsn = lsn;
    (void)hf_block_seal(copy->sealed, cut, copy->to->seed);
    return HF_OK;
}

/* The block that was read last, which ends where the reader stands. */
static enum hf_err take_block(struct hf_copy *copy, const struct hf_block_header *read,
                              const unsigned char *bytes, uint64_t lsn)
{
    const uint64_t offset = copy->reader.offset - hf_block_bytes(read);
    struct hf_block_header block = *read;

    const struct hf_place place = place_of(copy);
    const char *why = hf_place_block_misfit(&place, read, lsn);
    if (why != NULL) {
        return refuse_at(copy, offset, why);
    }
    if (read->last_lsn > lsn) {
        const enum hf_err err = cut_block(copy, read, bytes, offset, lsn, &block);
        if (err != HF_OK) {
            return err;
        }
        bytes = copy->sealed;
    }
    const int64_t result = put(copy, offset, bytes, hf_block_bytes(&block));
    if (result != 0) {
        return refuse_write(copy, copy->reader.name, result);
    }
    copy->next_lsn = block.last_lsn + 1;
    copy->previous = block.checksum;
    return HF_OK;
}

static enum hf_err copy_blocks(struct hf_copy *copy, uint64_t lsn, struct hf_copy_end *end)
{
    struct hf_segment_reader *reader = &copy->reader;
    uint64_t told_offset = 0;

    while (copy->next_lsn <= lsn) {
        struct hf_block_header block;
        const unsigned char *bytes;

        enum hf_err err = hf_segment_reader_next(reader, &block, &bytes, &end->why);
        if (err == HF_IO) {
            return refuse_read(copy);
        }
        if (err != HF_OK) {
            end->offset = reader->offset;
            return hf_segment_reader_rest(reader, &end->rest) == HF_OK ? HF_OK : refuse_read(copy);
        }
        err = take_block(copy, &block, bytes, lsn);
        if (err != HF_OK) {
            return err;
        }
        if (reader->offset - told_offset >= BUFFER_BYTES) {
            if (!goes_on(copy, reader->offset - told_offset)) {
                return refuse_to_go_on(copy);
            }
            told_offset = reader->offset;
        }
    }
    end->is_reached = true;
    return goes_on(copy, reader->offset - told_offset) ? HF_OK : refuse_to_go_on(copy);
}

/* ------------------------------------------------------------------ segments */

/* Open the segment and check that it follows what was copied before. */
static enum hf_err enter_segment(struct hf_copy *copy, uint64_t first_lsn)
{
    struct hf_segment_reader *reader = &copy->reader;

    const enum hf_err err =
        hf_segment_reader_open(reader, first_lsn, false, copy->error, sizeof copy->error);
    if (err != HF_OK) {
        return err;
    }
    const struct hf_place place = place_of(copy);
    const char *why = hf_place_segment_misfit(&place, &reader->header);
    if (copy->next_lsn == 0) {
        copy->next_lsn = first_lsn;
    }
    if (why != NULL) {
        return refuse_at(copy, 0, why);
    }
    copy->previous = reader->header.previous;
    return HF_OK;
}

enum hf_err hf_copy_segment(struct hf_copy *copy, uint64_t first_lsn, uint64_t lsn,
                            struct hf_copy_end *end)
{
    unsigned char header[HF_SECTOR_BYTES] = {0};
    char aside[HF_NAME_BYTES_MAX];
    char name[HF_NAME_BYTES_MAX];

    *end = (struct hf_copy_end){0};
    enum hf_err err = enter_segment(copy, first_lsn);
    if (err != HF_OK) {
        return err;
    }
    hf_segment_name(aside, first_lsn, HF_SUFFIX_ASIDE);
    hf_segment_name(name, first_lsn, "");
    hf_segment_header_encode(&copy->reader.header, header);
    int64_t result = begin_file(copy, aside);
    if (result == 0) {
        result = put(copy, 0, header, sizeof header);
    }
    err = result == 0 ? copy_blocks(copy, lsn, end) : refuse_write(copy, name, result);
    if (err == HF_OK) {
        /* Zeros up to the end of the last group, as a group that was written has them (C4). */
        static const unsigned char ZEROS[HF_SECTOR_BYTES] = {0};
        const uint64_t at = copy->buffer_offset + copy->buffer_used;
        result = put(copy, at, ZEROS, (size_t)(hf_format_group_offset(at) - at));
    }
    result = end_file(copy, err == HF_OK ? result : -EIO, aside, name);
    if (err == HF_OK && result != 0) {
        err = refuse_write(copy, name, result);
    }
    return err;
}

/* The log ends before the LSN that is looked for: in order, or is there damage? */
static enum hf_err judge_tail(struct hf_copy *copy, const struct hf_copy_end *end)
{
    const struct hf_place place = place_of(copy);
    const struct hf_place_end found = {.offset = end->offset, .rest = &end->rest, .why = end->why};
    char text[TAIL_TEXT_BYTES];

    return hf_place_judge_end(&place, &found, text, sizeof text) == HF_TAIL_DAMAGED
               ? refuse_at(copy, end->offset, text)
               : HF_TRUNCATED;
}

enum hf_err hf_copy_log(struct hf_copy *copy, const struct hf_listing *listing, size_t first,
                        uint64_t lsn)
{
    HF_ASSERT(first < listing->segments_count);
    HF_ASSERT(lsn + 1 >= listing->segments[first]);

    copy->next_lsn = 0;
    for (size_t i = first;; i++) {
        struct hf_copy_end end;
        const enum hf_err err = hf_copy_segment(copy, listing->segments[i], lsn, &end);
        if (err != HF_OK || end.is_reached) {
            return err;
        }
        if (i + 1 == listing->segments_count) {
            return judge_tail(copy, &end);
        }
        if (end.rest.end_offset > end.offset) {
            return refuse_at(copy, end.offset, end.why);
        }
    }
}
