/*
 * inspect_files.c - what stands in which file, from headers, quickly.
 */
#include <stdio.h>
#include <stdlib.h>

#include "engine/record.h"
#include "persistence/inspect.h"
#include "persistence/segment.h"

#define TEXT_BYTES 512

struct looking {
    const struct hf_inspect_directory *opened;
    struct hf_segment_reader reader;
    unsigned char *room;
    uint64_t base_lsn; /* the snapshot that a start would load; 0: none */
    hf_inspect_file_cb cb;
    void *arg;
};

/* Bytes of a file; 0 and a problem when it cannot be looked at. */
static void look_at_size(const struct looking *looking, struct hf_inspect_file *file)
{
    const struct hf_directory *directory = &looking->opened->directory;

    const int opened = hf_directory_open(directory, file->name, HF_DISK_READ);
    const int64_t size = opened < 0 ? opened : directory->disk->size(directory->disk->ctx, opened);
    if (size < 0) {
        file->problem = hf_disk_error(size);
    } else {
        file->bytes_count = (uint64_t)size;
    }
    if (opened >= 0) {
        (void)directory->disk->close(directory->disk->ctx, opened); /* opened for reading */
    }
}

/* Time of the first or last record of the block at `offset`; 0 when it cannot be read. */
static uint64_t time_in_block(struct looking *looking, uint64_t offset, bool is_last)
{
    struct hf_record_reader record;
    struct hf_record_header header = {0};
    struct hf_block_header block;
    const unsigned char *bytes;
    const char *why = NULL;

    const enum hf_err err = hf_segment_reader_look(&looking->reader, offset, &block, &bytes, &why);
    const unsigned char *at = err == HF_OK ? hf_block_raw(&block, bytes, looking->room) : NULL;
    size_t left = at == NULL ? 0 : block.raw_bytes;
    while (left > 0 && hf_record_open(&record, &header, at, left) == HF_OK) {
        if (!is_last) {
            break;
        }
        at += header.record_bytes;
        left -= header.record_bytes;
    }
    return header.ts_us;
}

static void look_at_segment(struct looking *looking, size_t index)
{
    const struct hf_listing *listing = &looking->opened->listing;
    struct hf_segment_reader *reader = &looking->reader;
    struct hf_inspect_file file = {
        .kind = HF_NAME_IS_SEGMENT,
        .is_used = index >= hf_inspect_segment_of(looking->opened, looking->base_lsn + 1)};
    struct hf_block_header block;
    const char *why = NULL;
    char error[TEXT_BYTES];
    uint64_t first_offset = 0;
    uint64_t last_offset = 0;

    hf_segment_name(file.name, listing->segments[index], "");
    const enum hf_err err =
        hf_segment_reader_open(reader, listing->segments[index], true, error, sizeof error);
    file.bytes_count = reader->file_bytes;
    if (err != HF_OK) {
        file.problem = err == HF_IO ? hf_disk_error(reader->error) : reader->why;
    }
    while (err == HF_OK && hf_segment_reader_hop(reader, &block, &why) == HF_OK) {
        last_offset = reader->offset - hf_block_bytes(&block);
        if (file.blocks_count++ == 0) {
            first_offset = last_offset;
            file.first_lsn = block.first_lsn;
            file.first_epoch = block.epoch;
        }
        file.last_lsn = block.last_lsn;
        file.last_epoch = block.epoch;
        file.used_bytes = reader->offset;
    }
    if (file.blocks_count > 0) {
        file.first_us = time_in_block(looking, first_offset, false);
        file.last_us = time_in_block(looking, last_offset, true);
    }
    looking->cb(looking->arg, &file);
}

/* What the header of a snapshot says. */
static void look_at_snapshot(struct looking *looking, uint64_t lsn)
{
    struct hf_inspect_file file = {.kind = HF_NAME_IS_SNAPSHOT,
                                   .first_lsn = lsn,
                                   .last_lsn = lsn,
                                   .is_used = lsn == looking->base_lsn};

    hf_snapshot_name(file.name, lsn, "");
    look_at_size(looking, &file);
    const struct hf_directory *directory = &looking->opened->directory;
    struct hf_snapshot_header header;
    unsigned char bytes[HF_SNAPSHOT_HEADER_BYTES];
    const int opened = hf_directory_open(directory, file.name, HF_DISK_READ);
    if (opened >= 0) {
        const int64_t got =
            directory->disk->read(directory->disk->ctx, opened, bytes, sizeof bytes, 0);
        (void)directory->disk->close(directory->disk->ctx, opened); /* opened for reading */
        if (got == (int64_t)sizeof bytes &&
            hf_snapshot_header_decode(&header, bytes, sizeof bytes, &file.problem) == HF_OK) {
            file.blocks_count = header.blocks_count;
            file.first_epoch = header.epoch;
            file.last_epoch = header.epoch;
        }
    }
    file.used_bytes = file.bytes_count;
    looking->cb(looking->arg, &file);
}

static void look_at_other(struct looking *looking, const char *name, enum hf_name kind)
{
    struct hf_inspect_file file = {.kind = kind, .is_used = kind == HF_NAME_IS_MANIFEST};

    (void)snprintf(file.name, sizeof file.name, "%s", name);
    look_at_size(looking, &file);
    file.used_bytes = kind == HF_NAME_IS_MANIFEST ? file.bytes_count : 0;
    looking->cb(looking->arg, &file);
}

enum hf_err hf_inspect_files(const struct hf_inspect_directory *opened, hf_inspect_file_cb cb,
                             void *arg)
{
    const struct hf_listing *listing = &opened->listing;
    struct looking looking = {.opened = opened, .cb = cb, .arg = arg};

    looking.room = malloc(HF_BLOCK_RAW_BYTES_MAX);
    const enum hf_err err = hf_segment_reader_init(&looking.reader, &opened->directory);
    if (err == HF_OK && looking.room != NULL) {
        looking.base_lsn = hf_inspect_snapshot_before(opened, UINT64_MAX);
        look_at_other(&looking, HF_NAME_MANIFEST, HF_NAME_IS_MANIFEST);
        for (size_t i = 0; i < listing->snapshots_count; i++) {
            look_at_snapshot(&looking, listing->snapshots[i]);
        }
        for (size_t i = 0; i < listing->segments_count; i++) {
            look_at_segment(&looking, i);
        }
        if (listing->has_spare) {
            look_at_other(&looking, HF_NAME_SPARE, HF_NAME_IS_SPARE);
        }
    }
    const bool has_room = looking.room != NULL;
    free(looking.room);
    hf_segment_reader_release(&looking.reader);
    return err == HF_OK && !has_room ? HF_NO_MEMORY : err;
}
