#include "persistence/reader.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/assert.h"
#include "engine/record.h"

enum hf_err hf_log_reader_init(struct hf_log_reader *reader, const struct hf_directory *directory)
{
    *reader = (struct hf_log_reader){.segment = {.file = -1}};
    reader->room = malloc(HF_BLOCK_RAW_BYTES_MAX);
    if (reader->room == NULL || hf_segment_reader_init(&reader->segment, directory) != HF_OK) {
        hf_log_reader_release(reader);
        return HF_NO_MEMORY;
    }
    return HF_OK;
}

void hf_log_reader_release(struct hf_log_reader *reader)
{
    if (reader->segment.directory != NULL) {
        hf_segment_reader_release(&reader->segment);
    }
    free(reader->room);
    free(reader->records);
    *reader = (struct hf_log_reader){.segment = {.file = -1}};
}

void hf_log_reader_rest(struct hf_log_reader *reader)
{
    hf_segment_reader_close(&reader->segment);
    reader->next_lsn = 0;
}

/* Damage at `offset` of the open segment, where the record of next_lsn should be. */
static enum hf_err refuse_at(struct hf_log_reader *reader, uint64_t offset, const char *why)
{
    return hf_refuse(reader->error, sizeof reader->error, HF_CORRUPT,
                     "cannot go on in log segment \"%s\" at offset %" PRIu64 " (LSN %" PRIu64
                     "): %s",
                     reader->segment.name, offset, reader->next_lsn, why);
}

static enum hf_err refuse_read(struct hf_log_reader *reader)
{
    return hf_refuse(reader->error, sizeof reader->error, HF_IO,
                     "could not read log segment \"%s\" at offset %" PRIu64 ": %s",
                     reader->segment.name, reader->segment.offset,
                     hf_disk_error(reader->segment.error));
}

/* ------------------------------------------------------------------ segments */

/*
 * First LSN of the newest segment that begins at or before `lsn`, 0 when there is none; and of the
 * oldest one in *oldest_lsn.
 */
static enum hf_err find_segment(struct hf_log_reader *reader, uint64_t lsn, uint64_t *first_lsn,
                                uint64_t *oldest_lsn)
{
    const struct hf_directory *directory = reader->segment.directory;
    struct hf_listing listing;

    *first_lsn = 0;
    *oldest_lsn = UINT64_MAX;
    const int result = hf_directory_list(directory, &listing);
    for (size_t i = 0; result == 0 && i < listing.segments_count; i++) {
        if (listing.segments[i] <= lsn) {
            *first_lsn = listing.segments[i];
        }
        if (i == 0) {
            *oldest_lsn = listing.segments[0];
        }
    }
    hf_listing_release(&listing);
    if (result != 0) {
        return hf_refuse(reader->error, sizeof reader->error, HF_IO,
                         "could not list \"%s\" to read the log: %s", directory->path,
                         hf_disk_error(result));
    }
    return HF_OK;
}

static enum hf_err open_segment(struct hf_log_reader *reader, uint64_t first_lsn, bool is_hopping)
{
    const enum hf_err err = hf_segment_reader_open(&reader->segment, first_lsn, is_hopping,
                                                   reader->error, sizeof reader->error);
    if (err == HF_IO && reader->segment.error == -ENOENT) {
        return HF_GONE; /* dropped since it was listed */
    }
    reader->next_lsn = first_lsn;
    reader->previous = reader->segment.header.previous;
    return err;
}

/* No block stands where that of next_lsn should: does another segment go on there? */
static enum hf_err follow(struct hf_log_reader *reader, const char *why)
{
    const uint64_t next_lsn = reader->next_lsn;
    const uint64_t previous = reader->previous;
    uint64_t first_lsn;
    uint64_t oldest_lsn;

    const enum hf_err listed = find_segment(reader, next_lsn, &first_lsn, &oldest_lsn);
    if (listed != HF_OK) {
        return listed;
    }
    if (first_lsn == 0) {
        return HF_GONE;
    }
    if (first_lsn != next_lsn || reader->segment.header.first_lsn == next_lsn) {
        return refuse_at(reader, reader->segment.offset, why);
    }
    const enum hf_err err = open_segment(reader, next_lsn, false);
    if (err == HF_OK && previous != 0 && reader->previous != previous) {
        return refuse_at(reader, 0, "the segment does not follow the block before it");
    }
    return err;
}

/* ------------------------------------------------------------------ blocks */

/* Go to the block of the open segment that holds `lsn`, by the headers alone. */
static enum hf_err hop_to(struct hf_log_reader *reader, uint64_t lsn)
{
    struct hf_block_header block;
    const char *why = NULL;

    for (;;) {
        const uint64_t offset = reader->segment.offset;
        const enum hf_err err = hf_segment_reader_hop(&reader->segment, &block, &why);
        if (err == HF_IO) {
            return refuse_read(reader);
        }
        if (err != HF_OK) {
            return follow(reader, why);
        }
        if (block.first_lsn != reader->next_lsn) {
            return refuse_at(reader, offset, "the block here holds other LSNs");
        }
        if (block.last_lsn >= lsn) {
            reader->segment.offset = offset;
            return HF_OK;
        }
        reader->next_lsn = block.last_lsn + 1;
        reader->previous = 0; /* only its header was looked at */
    }
}

/* Stand at the block that holds `lsn`, which is durable. */
static enum hf_err go_to(struct hf_log_reader *reader, uint64_t lsn)
{
    uint64_t first_lsn;
    uint64_t oldest_lsn;

    if (reader->next_lsn == lsn && reader->segment.file >= 0) {
        return HF_OK;
    }
    enum hf_err err = find_segment(reader, lsn, &first_lsn, &oldest_lsn);
    if (err != HF_OK) {
        return err;
    }
    if (first_lsn == 0) {
        return HF_GONE;
    }
    err = open_segment(reader, first_lsn, true);
    if (err == HF_OK) {
        err = hop_to(reader, lsn);
    }
    hf_segment_reader_expect(&reader->segment, false);
    return err;
}

/* Add the records of a block from `from_lsn` on to the answer. */
static enum hf_err take_records(struct hf_log_reader *reader, const struct hf_block_header *block,
                                const unsigned char *bytes, uint64_t offset, uint64_t from_lsn)
{
    static const char WRONG[] = "the block's records do not add up";
    const unsigned char *raw = hf_block_raw(block, bytes, reader->room);
    size_t at = 0;
    size_t from = 0;

    if (raw == NULL) {
        return refuse_at(reader, offset, "the block does not decode");
    }
    for (uint64_t lsn = block->first_lsn; lsn <= block->last_lsn; lsn++) {
        const size_t left = block->raw_bytes - at;
        const uint32_t record_bytes = left < HF_RECORD_HEADER_BYTES ? 0 : hf_record_bytes(raw + at);
        if (record_bytes < HF_RECORD_HEADER_BYTES || record_bytes > left || record_bytes % 8 != 0 ||
            hf_record_lsn(raw + at) != lsn) {
            return refuse_at(reader, offset, WRONG);
        }
        if (lsn == from_lsn) {
            from = at;
        }
        at += record_bytes;
    }
    if (at != block->raw_bytes) {
        return refuse_at(reader, offset, WRONG);
    }
    const size_t wanted = reader->records_bytes + (at - from);
    if (wanted > reader->records_max) {
        unsigned char *more = realloc(reader->records, wanted);
        if (more == NULL) {
            return hf_refuse(reader->error, sizeof reader->error, HF_NO_MEMORY,
                             "no memory to read the log");
        }
        reader->records = more;
        reader->records_max = wanted;
    }
    memcpy(reader->records + reader->records_bytes, raw + from, at - from);
    reader->records_bytes = wanted;
    reader->last_lsn = block->last_lsn;
    return HF_OK;
}

/* The block at the place, verified; `*offset` is where it stands. Follows into the next segment. */
static enum hf_err next_block(struct hf_log_reader *reader, struct hf_block_header *block,
                              const unsigned char **bytes, uint64_t *offset)
{
    for (;;) {
        const char *why = NULL;
        enum hf_err err = hf_segment_reader_next(&reader->segment, block, bytes, &why);
        if (err == HF_OK) {
            *offset = reader->segment.offset - hf_block_bytes(block);
            break;
        }
        err = err == HF_IO ? refuse_read(reader) : follow(reader, why);
        if (err != HF_OK) {
            return err;
        }
    }
    if (block->first_lsn != reader->next_lsn) {
        return refuse_at(reader, *offset, "the block here holds other LSNs");
    }
    if (reader->previous != 0 && block->previous != reader->previous) {
        return refuse_at(reader, *offset, "the block here does not follow the block before it");
    }
    return HF_OK;
}

static enum hf_err read_blocks(struct hf_log_reader *reader, const struct hf_log_read *read)
{
    enum hf_err err = go_to(reader, read->from_lsn);
    if (err != HF_OK) {
        return err;
    }
    do {
        struct hf_block_header block;
        const unsigned char *bytes;
        uint64_t offset;

        if (reader->next_lsn > reader->fresh_lsn) {
            /* Written since it was last looked at (R1). */
            hf_segment_reader_refresh(&reader->segment);
            reader->fresh_lsn = read->durable_lsn;
        }
        err = next_block(reader, &block, &bytes, &offset);
        if (err != HF_OK) {
            return err;
        }
        if (block.last_lsn > read->durable_lsn) {
            return refuse_at(reader, offset, "the block here reaches behind the durable LSN");
        }
        if (reader->records_bytes > 0 &&
            reader->records_bytes + block.raw_bytes > read->bytes_max) {
            reader->segment.offset = offset; /* it is the first one of the next read */
            return HF_OK;
        }
        err = take_records(reader, &block, bytes, offset, read->from_lsn);
        if (err != HF_OK) {
            return err;
        }
        reader->next_lsn = block.last_lsn + 1;
        reader->previous = block.checksum;
    } while (reader->next_lsn <= read->durable_lsn && reader->records_bytes < read->bytes_max);
    return HF_OK;
}

enum hf_err hf_log_reader_read(struct hf_log_reader *reader, const struct hf_log_read *read)
{
    HF_ASSERT(read->from_lsn > 0);
    HF_ASSERT(read->bytes_max > 0);

    reader->records_bytes = 0;
    reader->error[0] = '\0';
    if (read->from_lsn > read->durable_lsn) {
        return HF_BUSY;
    }
    const enum hf_err err = read_blocks(reader, read);
    if (err != HF_OK) {
        hf_log_reader_rest(reader);
        return err;
    }
    HF_ASSERT(reader->records_bytes > 0);
    HF_ASSERT(reader->last_lsn <= read->durable_lsn);
    return HF_OK;
}
