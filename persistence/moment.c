#include "persistence/moment.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/assert.h"
#include "engine/record.h"
#include "persistence/place.h"

#define TAIL_TEXT_BYTES 256

struct search {
    struct hf_segment_reader reader;
    unsigned char *room; /* for a block's raw bytes */
    const struct hf_manifest *manifest;
    const struct hf_listing *listing;
    uint64_t time_us;
    struct hf_moment *moment;
    bool is_found; /* a record after the time was seen */
    uint64_t next_lsn;
    uint64_t previous; /* checksum of the block before */
    char *error;
    size_t error_bytes;
};

static enum hf_err refuse_read(const struct search *search)
{
    return hf_refuse(search->error, search->error_bytes, HF_IO,
                     "could not read log segment \"%s\" at offset %" PRIu64 ": %s",
                     search->reader.name, search->reader.offset,
                     hf_disk_error(search->reader.error));
}

static enum hf_err refuse_at(const struct search *search, uint64_t offset, const char *why)
{
    return hf_refuse(search->error, search->error_bytes, HF_CORRUPT,
                     "cannot go on in log segment \"%s\" at offset %" PRIu64 " (LSN %" PRIu64
                     "): %s; the last record before it that is not after the time is LSN %" PRIu64,
                     search->reader.name, offset, search->next_lsn, why, search->moment->lsn);
}

/* The record at `raw`, of which `left` bytes are there; NULL when it is none. */
static bool open_record(const unsigned char *raw, size_t left, struct hf_record_header *header)
{
    struct hf_record_reader reader;
    return hf_record_open(&reader, header, raw, left) == HF_OK;
}

/*
 * The time of the first record of a segment. False: there is none that could be read; whether that
 * matters is seen when the log is read up to there.
 */
static bool peek(struct search *search, uint64_t first_lsn, uint64_t *time_us)
{
    struct hf_block_header block;
    struct hf_record_header record;
    const unsigned char *bytes;
    const char *why = NULL;

    if (hf_segment_reader_open(&search->reader, first_lsn, true, search->error,
                               search->error_bytes) != HF_OK ||
        hf_segment_reader_next(&search->reader, &block, &bytes, &why) != HF_OK) {
        return false;
    }
    const unsigned char *raw = hf_block_raw(&block, bytes, search->room);
    if (raw == NULL || !open_record(raw, block.raw_bytes, &record)) {
        return false;
    }
    *time_us = record.ts_us;
    return true;
}

/* Go through the records of a block, up to the first one after the time. */
static enum hf_err search_block(struct search *search, const struct hf_block_header *block,
                                const unsigned char *bytes, uint64_t offset)
{
    const unsigned char *raw = hf_block_raw(block, bytes, search->room);
    size_t left = block->raw_bytes;

    if (raw == NULL) {
        return refuse_at(search, offset, "the block does not decode");
    }
    if (block->first_lsn != search->next_lsn) {
        return refuse_at(search, offset, "the block here holds other LSNs");
    }
    search->previous = block->checksum;
    while (left > 0) {
        struct hf_record_header record;
        if (!open_record(raw, left, &record) || record.lsn != search->next_lsn) {
            return refuse_at(search, offset, "the block's records do not add up");
        }
        if (record.ts_us > search->time_us) {
            search->is_found = true;
            return HF_OK;
        }
        *search->moment = (struct hf_moment){.lsn = record.lsn, .time_us = record.ts_us};
        search->next_lsn++;
        raw += record.record_bytes;
        left -= record.record_bytes;
    }
    return HF_OK;
}

/* The log ends before a record after the time: in order, or is there damage? */
static enum hf_err judge_tail(const struct search *search, const struct hf_segment_rest *rest,
                              const char *why)
{
    const struct hf_place place = {
        .manifest = search->manifest, .next_lsn = search->next_lsn, .previous = search->previous};
    const struct hf_place_end end = {.offset = search->reader.offset, .rest = rest, .why = why};
    char text[TAIL_TEXT_BYTES];

    return hf_place_judge_end(&place, &end, text, sizeof text) == HF_TAIL_DAMAGED
               ? refuse_at(search, search->reader.offset, text)
               : HF_OK;
}

/* Read segment `index` and what follows until a record after the time, or the log's end. */
static enum hf_err search_from(struct search *search, size_t index)
{
    const size_t count = search->listing->segments_count;

    enum hf_err err = hf_segment_reader_open(&search->reader, search->listing->segments[index],
                                             false, search->error, search->error_bytes);
    search->next_lsn = search->listing->segments[index];
    search->previous = err == HF_OK ? search->reader.header.previous : 0;
    while (err == HF_OK && !search->is_found) {
        struct hf_block_header block;
        const unsigned char *bytes;
        const char *why = NULL;

        err = hf_segment_reader_next(&search->reader, &block, &bytes, &why);
        if (err == HF_IO) {
            return refuse_read(search);
        }
        if (err == HF_OK) {
            err =
                search_block(search, &block, bytes, search->reader.offset - hf_block_bytes(&block));
            continue;
        }
        struct hf_segment_rest rest;
        const uint64_t offset = search->reader.offset;
        if (hf_segment_reader_rest(&search->reader, &rest) != HF_OK) {
            return refuse_read(search);
        }
        if (index + 1 == count) {
            return judge_tail(search, &rest, why);
        }
        if (rest.end_offset > offset || search->listing->segments[index + 1] != search->next_lsn) {
            return refuse_at(search, offset, why);
        }
        index++;
        err = hf_segment_reader_open(&search->reader, search->listing->segments[index], false,
                                     search->error, search->error_bytes);
    }
    return err;
}

static enum hf_err find(struct search *search)
{
    size_t index = search->listing->segments_count;

    while (index > 0) {
        uint64_t time_us;
        index--;
        if (!peek(search, search->listing->segments[index], &time_us)) {
            continue;
        }
        if (time_us <= search->time_us) {
            return search_from(search, index);
        }
        search->moment->time_us = time_us;
    }
    return HF_OK;
}

enum hf_err hf_moment_find(const struct hf_directory *directory, const struct hf_manifest *manifest,
                           const struct hf_listing *listing, uint64_t time_us,
                           struct hf_moment *moment, char *error, size_t error_bytes)
{
    struct search search = {.manifest = manifest,
                            .listing = listing,
                            .time_us = time_us,
                            .moment = moment,
                            .error = error,
                            .error_bytes = error_bytes};
    enum hf_err err = HF_NO_MEMORY;

    *moment = (struct hf_moment){0};
    search.room = malloc(HF_BLOCK_RAW_BYTES_MAX);
    if (hf_segment_reader_init(&search.reader, directory) == HF_OK && search.room != NULL) {
        err = find(&search);
    } else {
        (void)snprintf(error, error_bytes, "no memory to read the log");
    }
    hf_segment_reader_release(&search.reader);
    free(search.room);
    return err;
}
