#include "persistence/segment.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/assert.h"
#include "engine/bytes.h"
#include "persistence/manifest.h"

#define READ_BYTES (1024u * 1024)
#define HOP_BYTES 4096u
#define OTHER_BYTES 64u /* the longest header of another kind */
#define WINDOW_BYTES (HF_BLOCK_BYTES_MAX + READ_BYTES)

enum hf_err hf_segment_reader_init(struct hf_segment_reader *reader,
                                   const struct hf_directory *directory)
{
    *reader = (struct hf_segment_reader){
        .directory = directory, .file = -1, .window = malloc(WINDOW_BYTES)};
    return reader->window == NULL ? HF_NO_MEMORY : HF_OK;
}

void hf_segment_reader_close(struct hf_segment_reader *reader)
{
    if (reader->file >= 0) {
        const struct hf_disk *disk = reader->directory->disk;
        (void)disk->close(disk->ctx, reader->file); /* opened for reading */
        reader->file = -1;
    }
}

void hf_segment_reader_release(struct hf_segment_reader *reader)
{
    hf_segment_reader_close(reader);
    free(reader->window);
    *reader = (struct hf_segment_reader){.file = -1};
}

void hf_segment_reader_refresh(struct hf_segment_reader *reader)
{
    reader->window_bytes = 0;
}

void hf_segment_reader_expect(struct hf_segment_reader *reader, bool is_hopping)
{
    reader->read_bytes = is_hopping ? HOP_BYTES : READ_BYTES;
}

/*
 * The file's bytes from `offset` on: at least `bytes_count` of them, or all there are. Returns how
 * many; -1: the read failed.
 */
static int64_t look(struct hf_segment_reader *reader, uint64_t offset, size_t bytes_count,
                    const unsigned char **bytes)
{
    const struct hf_disk *disk = reader->directory->disk;

    HF_ASSERT(bytes_count <= HF_BLOCK_BYTES_MAX);
    HF_ASSERT(offset <= reader->file_bytes);

    const uint64_t left = reader->file_bytes - offset;
    const size_t wanted = left < bytes_count ? (size_t)left : bytes_count;
    const bool is_here = offset >= reader->window_offset &&
                         offset + wanted <= reader->window_offset + reader->window_bytes;
    if (!is_here) {
        size_t part = wanted > reader->read_bytes ? wanted : reader->read_bytes;
        part = left < part ? (size_t)left : part;
        const int64_t got = disk->read(disk->ctx, reader->file, reader->window, part, offset);
        if (got < 0 || (size_t)got < wanted) {
            reader->error = got < 0 ? got : -EIO;
            reader->window_bytes = 0;
            return -1;
        }
        reader->window_offset = offset;
        reader->window_bytes = (size_t)got;
    }
    *bytes = reader->window + (offset - reader->window_offset);
    return (int64_t)(reader->window_offset + reader->window_bytes - offset);
}

static bool is_zero(const unsigned char *bytes, size_t bytes_count)
{
    for (size_t i = 0; i < bytes_count; i++) {
        if (bytes[i] != 0) {
            return false;
        }
    }
    return true;
}

/* Move the offset past the zeros behind the last block of a group. HF_OK or HF_IO. */
static enum hf_err skip_gap(struct hf_segment_reader *reader)
{
    const unsigned char *bytes;
    const uint64_t next = hf_format_group_offset(reader->offset);
    const size_t gap = (size_t)(next - reader->offset);

    if (gap == 0 || next > reader->file_bytes) {
        return HF_OK;
    }
    if (look(reader, reader->offset, gap, &bytes) < 0) {
        return HF_IO;
    }
    if (is_zero(bytes, gap)) {
        reader->offset = next;
    }
    return HF_OK;
}

enum hf_err hf_segment_reader_open(struct hf_segment_reader *reader, uint64_t first_lsn,
                                   bool is_hopping, char *error, size_t error_bytes)
{
    const struct hf_disk *disk = reader->directory->disk;
    const unsigned char *bytes;
    const char *why = NULL;

    hf_segment_reader_close(reader);
    hf_segment_name(reader->name, first_lsn, "");
    reader->file = hf_directory_open(reader->directory, reader->name, HF_DISK_READ);
    const int64_t size = reader->file < 0 ? reader->file : disk->size(disk->ctx, reader->file);
    reader->error = size < 0 ? size : 0;
    reader->file_bytes = size < 0 ? 0 : (uint64_t)size;
    reader->offset = hf_format_group_offset(HF_SEGMENT_HEADER_BYTES);
    reader->window_bytes = 0;
    reader->why = NULL;
    hf_segment_reader_expect(reader, is_hopping);
    const int64_t got = size < 0 ? -1 : look(reader, 0, HF_SECTOR_BYTES, &bytes);
    if (got < 0) {
        (void)snprintf(error, error_bytes, "could not read log segment \"%s\": %s", reader->name,
                       hf_disk_error(reader->error));
        return HF_IO;
    }
    if (hf_segment_header_decode(&reader->header, bytes, (size_t)got, &why) == HF_OK) {
        if (memcmp(reader->header.directory_id, reader->directory->id, HF_DIRECTORY_ID_BYTES) !=
            0) {
            why = "it belongs to another data directory";
        } else if (reader->header.first_lsn != first_lsn) {
            why = "its header names another first LSN";
        } else if (got < HF_SECTOR_BYTES || !is_zero(bytes + HF_SEGMENT_HEADER_BYTES,
                                                     HF_SECTOR_BYTES - HF_SEGMENT_HEADER_BYTES)) {
            why = "its first sector is not whole";
        }
    }
    reader->why = why;
    if (why != NULL) {
        (void)snprintf(error, error_bytes,
                       "cannot use log segment \"%s\" (offset 0, LSN %" PRIu64 "): %s",
                       reader->name, first_lsn, why);
        return HF_CORRUPT;
    }
    return HF_OK;
}

enum hf_err hf_segment_reader_next(struct hf_segment_reader *reader, struct hf_block_header *block,
                                   const unsigned char **bytes, const char **why)
{
    const uint64_t seed = reader->directory->seed;

    if (skip_gap(reader) != HF_OK) {
        return HF_IO;
    }
    int64_t got = look(reader, reader->offset, HF_BLOCK_HEADER_BYTES, bytes);
    if (got < 0) {
        return HF_IO;
    }
    enum hf_err err = hf_block_peek(block, *bytes, (size_t)got, why);
    if (err == HF_OK) {
        got = look(reader, reader->offset, hf_block_bytes(block), bytes);
        if (got < 0) {
            return HF_IO;
        }
        err = hf_block_open(block, *bytes, (size_t)got, seed, why);
    }
    if (err == HF_OK) {
        reader->offset += hf_block_bytes(block);
    }
    return err;
}

enum hf_err hf_segment_reader_look(struct hf_segment_reader *reader, uint64_t offset,
                                   struct hf_block_header *block, const unsigned char **bytes,
                                   const char **why)
{
    const uint64_t offset_before = reader->offset;

    reader->offset = offset;
    const enum hf_err err = hf_segment_reader_next(reader, block, bytes, why);
    reader->offset = offset_before;
    return err;
}

enum hf_err hf_segment_reader_hop(struct hf_segment_reader *reader, struct hf_block_header *block,
                                  const char **why)
{
    const unsigned char *bytes;

    if (skip_gap(reader) != HF_OK) {
        return HF_IO;
    }
    const int64_t got = look(reader, reader->offset, HF_BLOCK_HEADER_BYTES, &bytes);
    if (got < 0) {
        return HF_IO;
    }
    const enum hf_err err = hf_block_peek(block, bytes, (size_t)got, why);
    if (err != HF_OK) {
        return err;
    }
    if (hf_block_bytes(block) > reader->file_bytes - reader->offset) {
        *why = "the file ends inside a block";
        return HF_TRUNCATED;
    }
    reader->offset += hf_block_bytes(block);
    return HF_OK;
}

/* Count what stands at `offset`, which is not zero, when it is a whole block. */
static enum hf_err count_block(struct hf_segment_reader *reader, uint64_t offset,
                               struct hf_segment_rest *rest)
{
    struct hf_block_header block;
    const unsigned char *bytes;
    const char *why = NULL;

    const enum hf_err err = hf_segment_reader_look(reader, offset, &block, &bytes, &why);
    if (err == HF_IO) {
        return HF_IO;
    }
    if (err != HF_OK) {
        return HF_OK;
    }
    if (rest->blocks_count == 0) {
        rest->block_offset = offset;
        rest->block_lsn = block.first_lsn;
        rest->block_previous = block.previous;
    }
    rest->blocks_count++;
    if (rest->lowest_lsn == 0 || block.first_lsn < rest->lowest_lsn) {
        rest->lowest_lsn = block.first_lsn;
        rest->lowest_offset = offset;
    }
    if (block.durable_lsn > rest->durable_lsn) {
        rest->durable_lsn = block.durable_lsn;
    }
    return HF_OK;
}

/* Note what stands at `offset` when it is of another file of ours. */
static enum hf_err note_other(struct hf_segment_reader *reader, uint64_t offset,
                              struct hf_segment_rest *rest)
{
    const unsigned char *bytes;

    const int64_t got = rest->other == NULL ? look(reader, offset, OTHER_BYTES, &bytes) : 0;
    if (got < 0) {
        return HF_IO;
    }
    if (got > 0) {
        rest->other = hf_manifest_begins(bytes, (size_t)got) ? "a manifest"
                                                             : hf_format_other(bytes, (size_t)got);
        rest->other_offset = offset;
    }
    return HF_OK;
}

/* Bytes of zero words at the start of `bytes`; all of them when what is left over is zero, too. */
static size_t zero_words(const unsigned char *bytes, size_t bytes_count)
{
    size_t at = 0;
    while (at + 8 <= bytes_count && hf_get_u64(bytes + at) == 0) {
        at += 8;
    }
    return bytes_count - at < 8 && is_zero(bytes + at, bytes_count - at) ? bytes_count : at;
}

enum hf_err hf_segment_reader_rest(struct hf_segment_reader *reader, struct hf_segment_rest *rest)
{
    uint64_t offset = reader->offset;

    HF_ASSERT(offset % 8 == 0);
    *rest = (struct hf_segment_rest){.end_offset = offset};
    while (offset < reader->file_bytes) {
        const unsigned char *bytes;
        int64_t got = look(reader, offset, 8, &bytes);
        if (got < 0) {
            return HF_IO;
        }
        if (offset + (uint64_t)got < reader->file_bytes) {
            got -= got % 8; /* whole words, but at the end of the file */
        }
        const size_t zeros = zero_words(bytes, (size_t)got);
        offset += zeros;
        if (zeros == (size_t)got) {
            continue;
        }
        /* Up to the multiple of 8 behind: what is zeroed later is whole words. */
        rest->end_offset = offset + 8 < reader->file_bytes ? offset + 8 : reader->file_bytes;
        if (count_block(reader, offset, rest) != HF_OK ||
            note_other(reader, offset, rest) != HF_OK) {
            return HF_IO;
        }
        offset = rest->end_offset;
    }
    return HF_OK;
}
