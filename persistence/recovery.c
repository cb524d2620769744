#include "persistence/recovery.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "engine/assert.h"
#include "engine/engine.h"
#include "engine/ledger.h"
#include "persistence/ahead.h"
#include "persistence/log_ahead.h"
#include "persistence/place.h"
#include "persistence/segment.h"
#include "persistence/snapshot.h"

/* Between two lines about the progress of a recovery: a second or so of work. */
#define PROGRESS_RECORDS 2000000u
#define TAIL_TEXT_BYTES 256

struct recovery {
    const struct hf_directory *directory;
    const struct hf_manifest *manifest;
    const struct hf_listing *listing;
    struct hf_engine *engine;
    struct hf_ledger *ledger;
    struct hf_segment_reader reader;
    struct hf_log_ahead log; /* what the reader reads, ahead */
    size_t segment_index;    /* in the listing: the one being read */
    uint64_t snapshot_lsn;   /* loaded; 0: none */
    uint64_t next_lsn;       /* of the block that must come next; 0: any may */
    uint64_t record_lsn;     /* of the record that must come next, in the block being replayed */
    uint64_t previous;       /* its chain, once next_lsn is set */
    uint64_t records_count;
    uint64_t history_count;  /* records of before the snapshot; 0 once they were told of */
    uint64_t log_bytes;      /* of the blocks after the snapshot */
    uint64_t progress_count; /* records_count at which the next line is due */
    char *error;
    size_t error_bytes;
};

/* Damage at `offset` of the segment being read, where the record of `lsn` should be. */
static enum hf_err refuse_at(const struct recovery *recovery, enum hf_err err, uint64_t offset,
                             uint64_t lsn, const char *why)
{
    return hf_refuse(recovery->error, recovery->error_bytes, err,
                     "cannot go on in log segment \"%s\" at offset %" PRIu64 " (LSN %" PRIu64
                     "): %s",
                     recovery->reader.name, offset, lsn, why);
}

static enum hf_err refuse_read(const struct recovery *recovery)
{
    return hf_refuse(recovery->error, recovery->error_bytes, HF_IO,
                     "could not read log segment \"%s\" at offset %" PRIu64 ": %s",
                     recovery->reader.name, recovery->reader.offset,
                     hf_disk_error(recovery->reader.error));
}

/* ------------------------------------------------------------------ the snapshot */

/* True when records after `lsn` are all in the log, as far as names tell. */
static bool is_reached_by_log(const struct hf_listing *listing, uint64_t lsn)
{
    return listing->segments[0] <= lsn + 1;
}

/*
 * Load a snapshot that may be damaged. HF_CORRUPT: it is; the engine has been made empty again.
 * Checking it whole first would read the file twice, and find nothing that loading does not find.
 */
static enum hf_err load_snapshot(struct recovery *recovery, uint64_t lsn)
{
    hf_directory_say(recovery->directory, 'i', "recovery: loading the snapshot of LSN %" PRIu64,
                     lsn);
    const enum hf_err err =
        hf_snapshot_file_load(recovery->directory, lsn, hf_manifest_epoch(recovery->manifest, lsn),
                              recovery->engine, recovery->error, recovery->error_bytes);
    if (err == HF_OK) {
        struct hf_engine_stats stats;
        hf_engine_stats(recovery->engine, &stats);
        hf_directory_say(recovery->directory, 'i',
                         "recovery: the snapshot of LSN %" PRIu64 " is loaded, %" PRIu64
                         " cells and %" PRIu64 " open reservations",
                         lsn, stats.cells_count, stats.reservations_count);
    }
    if (err == HF_CORRUPT && !hf_engine_clear(recovery->engine)) {
        return hf_refuse(recovery->error, recovery->error_bytes, HF_NO_MEMORY,
                         "could not recover: out of memory");
    }
    return err;
}

/* Load the newest snapshot that is whole and reached by the log: recovery->snapshot_lsn. */
static enum hf_err load_newest(struct recovery *recovery)
{
    const struct hf_listing *listing = recovery->listing;
    const uint64_t current_lsn = recovery->manifest->snapshot_lsn;
    bool is_current_there = current_lsn == 0;
    bool is_any_damaged = false;

    for (size_t i = listing->snapshots_count; i > 0; i--) {
        const uint64_t lsn = listing->snapshots[i - 1];
        is_current_there = is_current_there || lsn == current_lsn;
        if (!is_reached_by_log(listing, lsn)) {
            break;
        }
        const enum hf_err err = load_snapshot(recovery, lsn);
        if (err == HF_OK) {
            recovery->snapshot_lsn = lsn;
            break;
        }
        if (err != HF_CORRUPT) {
            return err; /* it may be whole: a disk that cannot be read proves nothing */
        }
        is_any_damaged = true;
        hf_directory_say(recovery->directory, 'w', "%s; trying an older one", recovery->error);
    }
    if (!is_current_there && recovery->snapshot_lsn < current_lsn) {
        hf_directory_say(recovery->directory, 'w',
                         "the snapshot of LSN %" PRIu64 ", which the manifest names, is missing",
                         current_lsn);
    }
    if (recovery->snapshot_lsn == 0 && !is_reached_by_log(listing, 0)) {
        const uint64_t first_lsn = listing->segments[0];
        char first[HF_NAME_BYTES_MAX];
        char current[HF_NAME_BYTES_MAX];
        hf_segment_name(first, first_lsn, "");
        hf_snapshot_name(current, current_lsn, "");
        return hf_refuse(recovery->error, recovery->error_bytes, HF_CORRUPT,
                         "cannot recover: the oldest log segment \"%s\" begins with LSN %" PRIu64
                         " and there is no whole snapshot of LSN %" PRIu64
                         " or later; the current one should be \"%s\"%s",
                         first, first_lsn, first_lsn - 1, current,
                         is_any_damaged ? ", and the log above names what is damaged" : "");
    }
    return HF_OK;
}

/* ------------------------------------------------------------------ history before it */

/* Raw bytes of the blocks of segment `index` that begin at or before `lsn`. */
static enum hf_err count_history(struct recovery *recovery, size_t index, uint64_t lsn,
                                 uint64_t *raw_bytes)
{
    struct hf_block_header block;
    const char *why = NULL;
    enum hf_err err = hf_segment_reader_open(&recovery->reader, recovery->listing->segments[index],
                                             true, recovery->error, recovery->error_bytes);
    if (err != HF_OK) {
        return err;
    }
    for (;;) {
        err = hf_segment_reader_hop(&recovery->reader, &block, &why);
        if (err == HF_IO) {
            return refuse_read(recovery);
        }
        if (err != HF_OK || block.first_lsn > lsn) {
            return HF_OK; /* damage is judged where the segment is really read */
        }
        *raw_bytes += block.raw_bytes;
    }
}

/* The segment to begin with: far enough back to fill the ledger ring with history. */
static enum hf_err choose_start(struct recovery *recovery)
{
    const struct hf_listing *listing = recovery->listing;
    const uint64_t lsn = recovery->snapshot_lsn;
    size_t index = listing->segments_count - 1;
    uint64_t raw_bytes = 0;

    while (listing->segments[index] > lsn + 1) {
        HF_ASSERT(index > 0); /* is_reached_by_log */
        index--;
    }
    for (;; index--) {
        const enum hf_err err = lsn == 0 ? HF_OK : count_history(recovery, index, lsn, &raw_bytes);
        if (err != HF_OK) {
            return err;
        }
        if (index == 0 || raw_bytes >= recovery->ledger->bytes_max) {
            break;
        }
    }
    recovery->segment_index = index;
    if (raw_bytes > recovery->ledger->bytes_max) {
        recovery->log.skip =
            (struct hf_log_skip){raw_bytes - recovery->ledger->bytes_max, recovery->snapshot_lsn};
    }
    return HF_OK;
}

/* ------------------------------------------------------------------ blocks */

/* Where the recovery is in the log. */
static struct hf_place place_of(const struct recovery *recovery)
{
    return (struct hf_place){.manifest = recovery->manifest,
                             .next_lsn = recovery->next_lsn,
                             .previous = recovery->previous};
}

/* A block begins: it must be the next one. Its records may be too old for the ring. */
static enum hf_err enter_block(struct recovery *recovery, const struct hf_log_piece *piece)
{
    const struct hf_block_header *block = &piece->block;

    const struct hf_place place = place_of(recovery);
    const char *text = hf_place_block_misfit(&place, block, block->last_lsn);
    if (text != NULL) {
        return refuse_at(recovery, HF_CORRUPT, piece->offset,
                         recovery->next_lsn != 0 ? recovery->next_lsn : block->first_lsn, text);
    }
    recovery->next_lsn = block->last_lsn + 1;
    recovery->previous = block->checksum;
    recovery->record_lsn = block->first_lsn;
    if (block->last_lsn > recovery->snapshot_lsn) {
        recovery->log_bytes += hf_block_bytes(block);
    }
    /* The log has what is before: it may leave the ring when the ring needs the room. */
    if (!piece->is_skipped && block->first_lsn - 1 > recovery->ledger->pinned_lsn) {
        hf_ledger_pin(recovery->ledger, block->first_lsn - 1);
    }
    return HF_OK;
}

/* Hand the records of a piece to the engine. */
static enum hf_err replay_piece(struct recovery *recovery, const struct hf_log_piece *piece)
{
    struct hf_decoded *decoded = piece->decoded;
    const char *const misfit_text = "the block's records do not add up";

    for (uint32_t i = 0; i < decoded->records_count; i++) {
        const uint64_t lsn = recovery->record_lsn;
        const char *why = misfit_text;
        if (decoded->records[i].header.lsn != lsn || lsn > piece->block.last_lsn) {
            return refuse_at(recovery, HF_CORRUPT, piece->offset, lsn, why);
        }
        const enum hf_err err = hf_engine_replay_decoded(recovery->engine, decoded, i, &why);
        if (err != HF_OK) {
            return refuse_at(recovery, err, piece->offset, lsn, why);
        }
        ++*(lsn > recovery->snapshot_lsn ? &recovery->records_count : &recovery->history_count);
        recovery->record_lsn++;
    }
    if (decoded->why != NULL) {
        return refuse_at(recovery, HF_CORRUPT, piece->offset, recovery->record_lsn, decoded->why);
    }
    if (piece->is_last && recovery->record_lsn != recovery->next_lsn) {
        return refuse_at(recovery, HF_CORRUPT, piece->offset, recovery->record_lsn, misfit_text);
    }
    return HF_OK;
}

static void say_progress(struct recovery *recovery)
{
    if (recovery->history_count > 0 && recovery->record_lsn > recovery->snapshot_lsn) {
        hf_directory_say(recovery->directory, 'i',
                         "recovery: %" PRIu64 " records of before the snapshot are in the ledger",
                         recovery->history_count);
        recovery->history_count = 0;
    }
    if (recovery->records_count >= recovery->progress_count) {
        recovery->progress_count = recovery->records_count + PROGRESS_RECORDS;
        hf_directory_say(recovery->directory, 'i',
                         "recovery: %" PRIu64 " records applied, LSN %" PRIu64
                         ", log segment %zu of %zu",
                         recovery->records_count, recovery->next_lsn - 1,
                         recovery->segment_index + 1, recovery->listing->segments_count);
    }
}

/* With the segment's blocks coming. */
static enum hf_err replay_pieces(struct recovery *recovery, const char **why)
{
    for (;;) {
        const struct hf_log_piece *piece = hf_log_ahead_next(&recovery->log);
        if (piece->err == HF_IO) {
            return refuse_read(recovery);
        }
        if (piece->err != HF_OK) {
            *why = piece->why;
            return HF_OK;
        }
        enum hf_err err = piece->is_first ? enter_block(recovery, piece) : HF_OK;
        if (err == HF_OK && !piece->is_skipped) {
            err = replay_piece(recovery, piece);
        }
        if (err != HF_OK) {
            return err;
        }
        say_progress(recovery);
    }
}

/* All blocks of the segment being read, up to the first place without one; `why` says why it is
 * none. HF_OK: that place is reader.offset. */
static enum hf_err replay_segment(struct recovery *recovery, const char **why)
{
    if (hf_log_ahead_begin(&recovery->log, recovery->engine) != HF_OK) {
        return hf_refuse(recovery->error, recovery->error_bytes, HF_NO_MEMORY,
                         "could not recover: out of memory");
    }
    const enum hf_err err = replay_pieces(recovery, why);
    hf_log_ahead_end(&recovery->log);
    return err;
}

/* ------------------------------------------------------------------ ends */

/* Behind the last block of an older segment: the newer one must go on right there. */
static enum hf_err end_older(struct recovery *recovery, const struct hf_segment_rest *rest,
                             const char *why)
{
    const uint64_t offset = recovery->reader.offset;
    const uint64_t following_lsn = recovery->listing->segments[recovery->segment_index + 1];

    if (rest->end_offset > offset) {
        return refuse_at(recovery, HF_CORRUPT, offset, recovery->next_lsn, why);
    }
    if (following_lsn != recovery->next_lsn) {
        return hf_refuse(recovery->error, recovery->error_bytes, HF_CORRUPT,
                         "cannot go on after log segment \"%s\" at offset %" PRIu64 ": LSN %" PRIu64
                         " should follow, but the next segment begins with LSN "
                         "%" PRIu64,
                         recovery->reader.name, offset, recovery->next_lsn, following_lsn);
    }
    return HF_OK;
}

static enum hf_err zero_tail(struct recovery *recovery, uint64_t end_offset)
{
    static const unsigned char ZEROS[64 * 1024];
    const struct hf_disk *disk = recovery->directory->disk;
    uint64_t offset = recovery->reader.offset;

    const int file = hf_directory_open(recovery->directory, recovery->reader.name, HF_DISK_WRITE);
    int64_t result = file;
    while (result >= 0 && offset < end_offset) {
        const uint64_t left = end_offset - offset;
        const size_t part = left < sizeof ZEROS ? (size_t)left : sizeof ZEROS;
        result = disk->write(disk->ctx, file, ZEROS, part, offset);
        if (result >= 0 && result != (int64_t)part) {
            result = -EIO;
        }
        offset += part;
    }
    if (result >= 0) {
        /* Also when nothing was zeroed: after a kill the blocks may be in memory only. */
        result = disk->sync(disk->ctx, file);
    }
    if (file >= 0) {
        const int closed = disk->close(disk->ctx, file);
        result = result < 0 ? result : closed;
    }
    if (result < 0) {
        return hf_refuse(recovery->error, recovery->error_bytes, HF_IO,
                         "could not mend the end of log segment \"%s\": %s", recovery->reader.name,
                         hf_disk_error(result));
    }
    return HF_OK;
}

/*
 * What was zeroed is zero on the disk. Where it is not, the disk has lost the zeros, or they have
 * come to lie on something that was durable; and nothing would tell of that later.
 */
static enum hf_err check_zeroed(struct recovery *recovery)
{
    struct hf_segment_reader *reader = &recovery->reader;
    const struct hf_disk *disk = recovery->directory->disk;
    struct hf_segment_rest rest;

    const int forgotten = disk->forget(disk->ctx, reader->file);
    hf_segment_reader_refresh(reader);
    if (forgotten < 0) {
        reader->error = forgotten;
    }
    if (forgotten < 0 || hf_segment_reader_rest(reader, &rest) != HF_OK) {
        return refuse_read(recovery);
    }
    if (rest.end_offset > reader->offset) {
        return hf_refuse(recovery->error, recovery->error_bytes, HF_IO,
                         "could not mend the end of log segment \"%s\": the disk says that zeros "
                         "were written at offset %" PRIu64
                         " and they are not there; it has lost them or put them in the wrong place",
                         reader->name, reader->offset);
    }
    return HF_OK;
}

/* Behind the last block of the newest segment: clean, torn, or damaged. */
static enum hf_err end_newest(struct recovery *recovery, const struct hf_segment_rest *rest,
                              const char *why)
{
    const uint64_t offset = recovery->reader.offset;
    const uint64_t lsn = recovery->next_lsn;
    const struct hf_place place = place_of(recovery);
    const struct hf_place_end end = {
        .offset = offset, .rest = rest, .why = why, .snapshot_lsn = recovery->snapshot_lsn};
    char text[TAIL_TEXT_BYTES];

    const enum hf_tail tail = hf_place_judge_end(&place, &end, text, sizeof text);
    if (tail == HF_TAIL_DAMAGED) {
        return refuse_at(recovery, HF_CORRUPT, offset, lsn, text);
    }
    if (tail == HF_TAIL_TORN) {
        hf_directory_say(recovery->directory, 'w',
                         "log segment \"%s\" has a torn tail: %" PRIu64 " bytes at offset %" PRIu64
                         " after LSN %" PRIu64 " are cut, as nothing says they were ever synced",
                         recovery->reader.name, rest->end_offset - offset, offset, lsn - 1);
    }
    const enum hf_err err = zero_tail(recovery, rest->end_offset);
    return err == HF_OK && tail == HF_TAIL_TORN ? check_zeroed(recovery) : err;
}

/* ------------------------------------------------------------------ all of it */

/* Open the segment at recovery->segment_index and check that it continues the one before. */
static enum hf_err enter_segment(struct recovery *recovery)
{
    struct hf_segment_reader *reader = &recovery->reader;
    const uint64_t first_lsn = recovery->listing->segments[recovery->segment_index];

    const enum hf_err err =
        hf_segment_reader_open(reader, first_lsn, false, recovery->error, recovery->error_bytes);
    if (err != HF_OK) {
        return err;
    }
    const struct hf_place place = place_of(recovery);
    const char *why = hf_place_segment_misfit(&place, &reader->header);
    if (why != NULL) {
        return refuse_at(recovery, HF_CORRUPT, 0, first_lsn, why);
    }
    recovery->next_lsn = first_lsn;
    recovery->previous = reader->header.previous;
    return HF_OK;
}

static enum hf_err replay_all(struct recovery *recovery)
{
    const size_t count = recovery->listing->segments_count;

    for (;; recovery->segment_index++) {
        const char *why = NULL;
        struct hf_segment_rest rest;

        enum hf_err err = enter_segment(recovery);
        if (err == HF_OK) {
            err = replay_segment(recovery, &why);
        }
        if (err != HF_OK) {
            return err;
        }
        if (hf_segment_reader_rest(&recovery->reader, &rest) != HF_OK) {
            return refuse_read(recovery);
        }
        if (recovery->segment_index + 1 == count) {
            return end_newest(recovery, &rest, why);
        }
        err = end_older(recovery, &rest, why);
        if (err != HF_OK) {
            return err;
        }
    }
}

/*
 * Of the newest segment only what the disk has, or will get by a sync, may be believed. When a sync
 * failed and the server stopped, the system may still show the bytes of that group, as clean as if
 * they had been written; taken for durable, they would be acknowledged and lost with the power.
 * Older segments were synced before the next one began.
 */
static enum hf_err forget_unsynced(struct recovery *recovery)
{
    const struct hf_disk *disk = recovery->directory->disk;
    char name[HF_NAME_BYTES_MAX];

    hf_segment_name(name, recovery->listing->segments[recovery->listing->segments_count - 1], "");
    const int file = hf_directory_open(recovery->directory, name, HF_DISK_READ);
    int result = file;
    if (file >= 0) {
        result = disk->forget(disk->ctx, file);
        const int closed = disk->close(disk->ctx, file);
        result = result < 0 ? result : closed;
    }
    if (result < 0) {
        return hf_refuse(recovery->error, recovery->error_bytes, HF_IO,
                         "could not open log segment \"%s\": %s", name, hf_disk_error(result));
    }
    return HF_OK;
}

#define SETTLING_PARTS 2u

static bool settle_other(void *arg, uint32_t slot)
{
    (void)slot;
    hf_engine_settle_part(arg, 1, SETTLING_PARTS);
    return false;
}

/* What was left out until all is replayed: one half on this thread, one on another. */
static enum hf_err settle(struct recovery *recovery)
{
    struct hf_ahead *other =
        hf_ahead_start(2, recovery->directory->works_ahead, settle_other, recovery->engine);
    uint32_t slot = 0;

    if (other == NULL) {
        return hf_refuse(recovery->error, recovery->error_bytes, HF_NO_MEMORY,
                         "could not recover: out of memory");
    }
    hf_engine_settle_part(recovery->engine, 0, SETTLING_PARTS);
    (void)hf_ahead_take(other, &slot); /* the other half is done */
    hf_ahead_end(other);
    hf_engine_settle_end(recovery->engine);
    return HF_OK;
}

static enum hf_err recover(struct recovery *recovery)
{
    enum hf_err err = forget_unsynced(recovery);
    if (err == HF_OK) {
        err = load_newest(recovery);
    }
    if (err == HF_OK) {
        err = choose_start(recovery);
    }
    if (err == HF_OK) {
        err = replay_all(recovery);
    }
    if (err == HF_OK) {
        err = settle(recovery);
    }
    const struct hf_ledger *ledger = recovery->ledger;
    if (err == HF_OK && ledger->first_lsn > ledger->last_lsn) {
        /* No history is left of the time before the snapshot: the ring begins behind it. */
        hf_ledger_start(recovery->ledger, recovery->next_lsn);
    }
    return err;
}

void hf_recovery_name_way_out(const struct hf_directory *directory, char *error, size_t error_bytes)
{
    const size_t length = strlen(error);

    if (strstr(error, HF_FORMAT_NEWER) == NULL) {
        (void)snprintf(error + length, error_bytes - length,
                       "; \"holdfast-log verify %s\" says what is damaged, and how far back a "
                       "repair goes",
                       directory->path);
    }
}

enum hf_err hf_recover(const struct hf_directory *directory, const struct hf_manifest *manifest,
                       const struct hf_listing *listing, struct hf_engine *engine,
                       struct hf_recovered *recovered, char *error, size_t error_bytes)
{
    HF_ASSERT(listing->segments_count > 0);

    struct recovery recovery = {.directory = directory,
                                .manifest = manifest,
                                .listing = listing,
                                .engine = engine,
                                .ledger = hf_engine_ledger(engine),
                                .progress_count = PROGRESS_RECORDS,
                                .error = error,
                                .error_bytes = error_bytes};
    enum hf_err err = HF_NO_MEMORY;
    if (hf_segment_reader_init(&recovery.reader, directory) == HF_OK &&
        hf_log_ahead_init(&recovery.log, &recovery.reader) == HF_OK) {
        err = recover(&recovery);
    } else {
        (void)hf_refuse(recovery.error, recovery.error_bytes, err,
                        "could not recover: out of memory");
    }
    if (err == HF_CORRUPT) {
        hf_recovery_name_way_out(directory, error, error_bytes);
    }
    if (err == HF_OK) {
        HF_ASSERT(recovery.next_lsn > recovery.snapshot_lsn); /* end_newest */
        HF_ASSERT(hf_engine_lsn(engine) + 1 == recovery.next_lsn);
        *recovered = (struct hf_recovered){
            .position = {.segment_first_lsn = listing->segments[listing->segments_count - 1],
                         .offset = hf_format_group_offset(recovery.reader.offset),
                         .next_lsn = recovery.next_lsn,
                         .previous = recovery.previous},
            .snapshot_lsn = recovery.snapshot_lsn,
            .records_count = recovery.records_count,
            .log_bytes = recovery.log_bytes,
        };
    }
    hf_log_ahead_release(&recovery.log);
    hf_segment_reader_release(&recovery.reader);
    return err;
}
