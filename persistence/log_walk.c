#include "persistence/log_walk.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/assert.h"
#include "engine/record.h"
#include "persistence/place.h"

/* How often the end of a log that is being written is looked at before what it is stands fast. */
#define LOOKS_MAX 100
#define TEXT_BYTES 256

enum hf_err hf_log_walk_init(struct hf_log_walk *walk, size_t segment_index)
{
    HF_ASSERT(segment_index <= walk->listing->segments_count);

    walk->segment_index = segment_index;
    walk->room = malloc(HF_BLOCK_RAW_BYTES_MAX);
    walk->decoded = hf_decoded_create();
    if (hf_segment_reader_init(&walk->reader, walk->directory) != HF_OK || walk->room == NULL ||
        walk->decoded == NULL) {
        hf_log_walk_release(walk);
        return HF_NO_MEMORY;
    }
    return HF_OK;
}

void hf_log_walk_release(struct hf_log_walk *walk)
{
    hf_segment_reader_release(&walk->reader);
    free(walk->room);
    walk->room = NULL;
    hf_decoded_free(walk->decoded);
    walk->decoded = NULL;
}

uint32_t hf_log_walk_record(struct hf_log_walk *walk)
{
    struct hf_decoded *decoded = walk->decoded;

    if (walk->decoded_index == decoded->records_count) {
        const unsigned char *end = walk->raw + walk->block.raw_bytes;
        walk->decoded_end +=
            hf_decoded_take(decoded, walk->decoded_end, (size_t)(end - walk->decoded_end));
        walk->decoded_index = 0;
        HF_ASSERT(decoded->records_count > 0); /* the step has read them all */
    }
    return walk->decoded_index++;
}

static enum hf_walk tell(struct hf_log_walk *walk, uint64_t offset, uint64_t lsn,
                         const char *format, ...) __attribute__((format(printf, 4, 5)));

/* Damage at `offset` of the segment, where the record of `lsn` should be. */
static enum hf_walk tell(struct hf_log_walk *walk, uint64_t offset, uint64_t lsn,
                         const char *format, ...)
{
    va_list arguments;

    walk->place = (struct hf_walk_place){.offset = offset, .lsn = lsn};
    (void)snprintf(walk->place.name, sizeof walk->place.name, "%s", walk->reader.name);
    va_start(arguments, format);
    (void)vsnprintf(walk->place.text, sizeof walk->place.text, format, arguments);
    va_end(arguments);
    return HF_WALK_DAMAGE;
}

/* From here on any whole block may come that does not go back behind what was read. */
static void lose_place(struct hf_log_walk *walk)
{
    if (walk->lost_lsn == 0) {
        walk->lost_lsn = walk->next_lsn;
    }
    walk->next_lsn = 0;
}

static void leave_segment(struct hf_log_walk *walk)
{
    walk->is_inside = false;
    walk->segment_index++;
}

/* ------------------------------------------------------------------ a block */

/* Every record of the block can be read to its end. NULL, or what is wrong; `*lsn` is where. */
static const char *records_defect(const struct hf_block_header *block, const unsigned char *raw,
                                  uint64_t *lsn)
{
    static const char not_adding_up[] = "the block's records do not add up";
    size_t left = block->raw_bytes;
    bool is_linked = false;

    for (*lsn = block->first_lsn; left > 0; (*lsn)++) {
        struct hf_record_reader reader;
        struct hf_record_header header;
        struct hf_effect effect;
        bool is_end = false;

        if (left < HF_RECORD_HEADER_BYTES || hf_record_open(&reader, &header, raw, left) != HF_OK ||
            header.lsn != *lsn || *lsn > block->last_lsn) {
            return not_adding_up;
        }
        while (!is_end) {
            if (hf_record_next(&reader, *lsn, &effect, &is_end) != HF_OK) {
                return "an effect of the record cannot be read";
            }
        }
        is_linked = (header.flags & HF_RECORD_LINKED) != 0;
        raw += header.record_bytes;
        left -= header.record_bytes;
    }
    if (*lsn != block->last_lsn + 1) {
        return not_adding_up;
    }
    return is_linked ? "the linked group at the end of the block is not whole" : NULL;
}

/* Why a whole block does not belong where it stands, told; HF_WALK_BLOCK: it does. */
static enum hf_walk judge_place(struct hf_log_walk *walk, uint64_t offset)
{
    const struct hf_block_header *block = &walk->block;
    const uint64_t next_lsn = walk->next_lsn;

    walk->excused_offset = offset;
    if (next_lsn != 0 && block->first_lsn != next_lsn) {
        lose_place(walk);
        return tell(walk, offset, next_lsn,
                    "LSN %" PRIu64 " was expected, the block here holds LSN %" PRIu64
                    " to %" PRIu64,
                    next_lsn, block->first_lsn, block->last_lsn);
    }
    if (next_lsn != 0 && block->previous != walk->previous) {
        return tell(walk, offset, next_lsn,
                    "a block that follows checksum %016" PRIx64
                    " was expected, the one here follows %016" PRIx64,
                    walk->previous, block->previous);
    }
    const uint64_t other_lsn =
        hf_manifest_misfit(walk->manifest, block->epoch, block->first_lsn, block->last_lsn);
    if (other_lsn != 0) {
        return tell(walk, offset, other_lsn,
                    "a record of epoch %" PRIu32
                    " was expected, as the manifest says; this one is of epoch %" PRIu32,
                    hf_manifest_epoch(walk->manifest, other_lsn), block->epoch);
    }
    return HF_WALK_BLOCK;
}

/* A whole block was read at `offset`. */
static enum hf_walk take_block(struct hf_log_walk *walk, uint64_t offset,
                               const unsigned char *bytes)
{
    const struct hf_block_header *block = &walk->block;
    uint64_t lsn = 0;

    if (offset != walk->excused_offset && judge_place(walk, offset) != HF_WALK_BLOCK) {
        walk->reader.offset = offset; /* it is told of, and taken by the next step */
        return HF_WALK_DAMAGE;
    }
    const uint64_t behind_lsn = walk->next_lsn != 0 ? walk->next_lsn : walk->lost_lsn;
    if (block->first_lsn < behind_lsn) {
        return HF_WALK_SEGMENT; /* of the past; said above, or part of what is damaged */
    }
    walk->raw = hf_block_raw(block, bytes, walk->room);
    walk->block_offset = offset;
    walk->block_end = offset + hf_block_bytes(block);
    walk->next_lsn = block->last_lsn + 1;
    walk->previous = block->checksum;
    walk->lost_lsn = 0;
    if (walk->raw == NULL) {
        return tell(walk, offset, block->first_lsn, "the block does not decode");
    }
    walk->decoded_end = walk->raw;
    walk->decoded_index = walk->decoded->records_count = 0;
    const char *defect = records_defect(block, walk->raw, &lsn);
    if (defect != NULL) {
        return tell(walk, offset, lsn, "%s", defect);
    }
    walk->records_count += block->last_lsn - block->first_lsn + 1;
    return HF_WALK_BLOCK;
}

/* ------------------------------------------------------------------ where none stands */

/* Damage at the reader's offset: say it, and go on with the next whole block, if there is one. */
static enum hf_walk pass_damage(struct hf_log_walk *walk, const struct hf_segment_rest *rest,
                                const char *text)
{
    const uint64_t offset = walk->reader.offset;
    const uint64_t lsn = walk->next_lsn;

    lose_place(walk);
    if (rest->blocks_count > 0) {
        walk->reader.offset = rest->block_offset;
        return tell(walk, offset, lsn,
                    "%s; the next whole block stands at offset %" PRIu64 " and begins with LSN "
                    "%" PRIu64,
                    text, rest->block_offset, rest->block_lsn);
    }
    (void)tell(walk, offset, lsn, "%s; no whole block stands behind it in this segment", text);
    leave_segment(walk);
    return HF_WALK_DAMAGE;
}

/* The end of an older segment: zeros, and the next one goes on. */
static enum hf_walk end_older(struct hf_log_walk *walk, const struct hf_segment_rest *rest,
                              const char *why)
{
    const uint64_t lsn = walk->next_lsn;
    const uint64_t offset = walk->reader.offset;
    const uint64_t following_lsn = walk->listing->segments[walk->segment_index + 1];
    char text[TEXT_BYTES];

    if (rest->end_offset > offset) {
        (void)snprintf(text, sizeof text, "the next block or zeros were expected: %s", why);
        return pass_damage(walk, rest, text);
    }
    leave_segment(walk);
    if (lsn != 0 && following_lsn != lsn) {
        lose_place(walk);
        return tell(walk, offset, lsn,
                    "LSN %" PRIu64 " was expected to follow, the next segment begins with LSN "
                    "%" PRIu64,
                    lsn, following_lsn);
    }
    return HF_WALK_SEGMENT;
}

static enum hf_walk end_newest(struct hf_log_walk *walk, const struct hf_segment_rest *rest,
                               const char *why)
{
    const uint64_t offset = walk->reader.offset;
    const uint64_t lsn = walk->next_lsn;
    const uint64_t lost_lsn =
        walk->lost_lsn != 0 ? walk->lost_lsn : walk->listing->segments[walk->segment_index];
    const struct hf_place place = {.manifest = walk->manifest,
                                   .next_lsn = lsn != 0 ? lsn : lost_lsn,
                                   .previous = walk->previous};
    const struct hf_place_end end = {
        .offset = offset, .rest = rest, .why = why, .snapshot_lsn = walk->snapshot_lsn};
    char text[TEXT_BYTES];

    const enum hf_tail tail = lsn == 0 && rest->end_offset == offset
                                  ? HF_TAIL_CLEAN /* what is missing was told */
                                  : hf_place_judge_end(&place, &end, text, sizeof text);
    if (tail == HF_TAIL_DAMAGED) {
        return pass_damage(walk, rest, text);
    }
    leave_segment(walk);
    walk->has_ended = true;
    if (tail == HF_TAIL_CLEAN || walk->is_live) {
        return HF_WALK_END;
    }
    (void)tell(walk, offset, lsn,
               "zeros or the next block were expected: %s; nothing says that these bytes were ever "
               "synced, so a start cuts them",
               why);
    walk->place.bytes_count = rest->end_offset - offset;
    return HF_WALK_TORN;
}

static bool is_newest(const struct hf_log_walk *walk)
{
    return walk->segment_index + 1 == walk->listing->segments_count;
}

/* ------------------------------------------------------------------ steps */

static enum hf_walk enter_segment(struct hf_log_walk *walk)
{
    struct hf_segment_reader *reader = &walk->reader;
    const uint64_t first_lsn = walk->listing->segments[walk->segment_index];
    char error[TEXT_BYTES];

    const enum hf_err err = hf_segment_reader_open(reader, first_lsn, false, error, sizeof error);
    walk->excused_offset = 0;
    walk->is_inside = err != HF_IO;
    walk->bytes_count += reader->file_bytes;
    if (err == HF_IO) {
        leave_segment(walk);
        lose_place(walk);
        if (walk->is_live && reader->error == -ENOENT) {
            walk->lost_lsn = 0;
            return HF_WALK_SEGMENT; /* dropped by retention since it was listed */
        }
        return tell(walk, 0, first_lsn, "it could not be read: %s", hf_disk_error(reader->error));
    }
    if (err != HF_OK) {
        if (reader->file_bytes < reader->offset) {
            leave_segment(walk); /* not even a header's sector */
        }
        lose_place(walk);
        return tell(walk, 0, first_lsn, "the header of a log segment was expected: %s",
                    reader->why);
    }
    const uint64_t next_lsn = walk->next_lsn;
    const uint64_t previous = walk->previous;
    const uint32_t epoch = hf_manifest_epoch(walk->manifest, first_lsn);
    walk->next_lsn = first_lsn;
    walk->previous = reader->header.previous;
    if (next_lsn != 0 && reader->header.previous != previous) {
        return tell(walk, 0, first_lsn,
                    "a segment that follows checksum %016" PRIx64
                    " was expected, this one follows %016" PRIx64,
                    previous, reader->header.previous);
    }
    if (reader->header.epoch > epoch) {
        return tell(walk, 0, first_lsn,
                    "a segment of epoch %" PRIu32 " or before was expected, as the manifest says; "
                    "this one is of epoch %" PRIu32,
                    epoch, reader->header.epoch);
    }
    return HF_WALK_SEGMENT;
}

/* A read failed. The file may be whole: a disk that cannot be read proves nothing. */
static enum hf_walk fail_read(struct hf_log_walk *walk)
{
    const uint64_t offset = walk->reader.offset;
    const uint64_t lsn = walk->next_lsn;

    lose_place(walk);
    leave_segment(walk);
    return tell(walk, offset, lsn, "it could not be read: %s", hf_disk_error(walk->reader.error));
}

static enum hf_walk read_block(struct hf_log_walk *walk)
{
    struct hf_segment_reader *reader = &walk->reader;
    const unsigned char *bytes;
    const char *why = NULL;
    struct hf_segment_rest rest;

    for (unsigned looks = 1;; looks++) {
        const enum hf_err err = hf_segment_reader_next(reader, &walk->block, &bytes, &why);
        if (err == HF_OK) {
            return take_block(walk, reader->offset - hf_block_bytes(&walk->block), bytes);
        }
        if (err == HF_IO || hf_segment_reader_rest(reader, &rest) != HF_OK) {
            return fail_read(walk);
        }
        if (!is_newest(walk)) {
            return end_older(walk, &rest, why);
        }
        if (!walk->is_live || rest.end_offset == reader->offset || looks == LOOKS_MAX) {
            return end_newest(walk, &rest, why);
        }
        hf_segment_reader_refresh(reader);
    }
}

enum hf_walk hf_log_walk_step(struct hf_log_walk *walk)
{
    while (!walk->has_ended && walk->segment_index < walk->listing->segments_count) {
        const bool was_inside = walk->is_inside;
        const enum hf_walk step = was_inside ? read_block(walk) : enter_segment(walk);
        if (step == HF_WALK_SEGMENT && (was_inside || !walk->is_inside)) {
            continue; /* nothing to tell: a segment's end, a block of the past */
        }
        return step;
    }
    return HF_WALK_END;
}
