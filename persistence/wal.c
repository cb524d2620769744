#include "persistence/wal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/assert.h"

static bool fail(struct hf_wal *wal, const char *format, ...) __attribute__((format(printf, 2, 3)));

static bool fail(struct hf_wal *wal, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(wal->failure, sizeof wal->failure, format, arguments);
    va_end(arguments);
    return false;
}

static bool fail_file(struct hf_wal *wal, const char *verb, int64_t error)
{
    char name[HF_NAME_BYTES_MAX];

    hf_segment_name(name, wal->position.segment_first_lsn, "");
    return fail(wal, "could not %s log segment \"%s\" at offset %" PRIu64 " (LSN %" PRIu64 "): %s",
                verb, name, wal->position.offset, wal->position.next_lsn, hf_disk_error(error));
}

/* ------------------------------------------------------------------ place for records */

/*
 * What blocks and groups cost beyond their records. Two blocks side by side hold more than
 * HF_BLOCK_RAW_BYTES together, a group ends short of HF_GROUP_BYTES only where the published
 * records end, the ring wraps or the segment does: so all but a few of them are paid for by a
 * 512th of the records' bytes, and those few by the second figure. It also covers what is published
 * and written between two readings of hf_wal_place_bytes.
 */
#define OVERHEAD_PART 512u
#define OVERHEAD_BYTES (16u * (HF_SECTOR_BYTES + HF_BLOCK_HEADER_BYTES))
_Static_assert(2 * HF_BLOCK_HEADER_BYTES * OVERHEAD_PART * 2 <= HF_BLOCK_RAW_BYTES,
               "the headers of blocks are a part of their records");
_Static_assert(HF_SECTOR_BYTES *OVERHEAD_PART * 4 <= HF_GROUP_BYTES,
               "what groups leave of their last sectors is another");

/* The end of a segment that a block may not fit into any more. */
#define WASTE_BYTES (HF_BLOCK_BYTES_MAX + HF_SECTOR_BYTES)

/* How many bytes of records surely find room in `bytes_count` of segments. */
static uint64_t records_bytes_in(uint64_t bytes_count)
{
    const uint64_t left = bytes_count > OVERHEAD_BYTES ? bytes_count - OVERHEAD_BYTES : 0;
    return left - left / OVERHEAD_PART;
}

static void tell_place(struct hf_wal *wal)
{
    const uint64_t written_bytes = atomic_load_explicit(&wal->log_raw_bytes, memory_order_relaxed);
    const uint64_t offset = wal->position.offset;
    /* A file that somebody has cut behind its last block ends before the next group would begin. */
    uint64_t left = offset < wal->file_bytes ? wal->file_bytes - offset : 0;

    if (hf_wal_spare_state(wal) == HF_SPARE_READY) {
        left = (left > WASTE_BYTES ? left - WASTE_BYTES : 0) +
               (wal->segment_bytes - hf_format_group_offset(HF_SEGMENT_HEADER_BYTES));
    }
    atomic_store_explicit(&wal->place_bytes, written_bytes + records_bytes_in(left),
                          memory_order_release);
}

uint64_t hf_wal_place_bytes(const struct hf_wal *wal)
{
    return atomic_load_explicit(&wal->place_bytes, memory_order_acquire);
}

/* ------------------------------------------------------------------ segments */

/*
 * The spare, when it is there, or else a new file of zeros: open, by `name`. A spare stays busy
 * until it is renamed: another would be put in its place otherwise. Who takes no more records than
 * have a place (W6) always finds one.
 */
static int take_empty_segment(struct hf_wal *wal, char name[HF_NAME_BYTES_MAX])
{
    int state = atomic_load(&wal->spare);

    if ((state == HF_SPARE_MADE || state == HF_SPARE_READY) &&
        atomic_compare_exchange_strong(&wal->spare, &state, HF_SPARE_BUSY)) {
        const int file = wal->spare_file;
        wal->spare_file = -1;
        (void)snprintf(name, HF_NAME_BYTES_MAX, "%s", HF_NAME_SPARE);
        return file;
    }
    hf_wal_spare_retry(wal);
    hf_segment_name(name, wal->position.next_lsn, HF_SUFFIX_ASIDE);
    return hf_directory_create_zeros(wal->directory, name, wal->segment_bytes);
}

/* Give an empty segment its header and its name (W1). */
static int make_segment(struct hf_wal *wal, int file, const char *from, const char *to)
{
    const struct hf_disk *disk = wal->directory->disk;
    struct hf_segment_header header = {.epoch = wal->epoch,
                                       .first_lsn = wal->position.next_lsn,
                                       .previous = wal->position.previous};
    unsigned char bytes[HF_SEGMENT_HEADER_BYTES];

    memcpy(header.directory_id, wal->directory->id, sizeof header.directory_id);
    hf_segment_header_encode(&header, bytes);
    const int64_t put = disk->write(disk->ctx, file, bytes, sizeof bytes, 0);
    if (put != (int64_t)sizeof bytes) {
        return put < 0 ? (int)put : -EIO;
    }
    int result = disk->sync(disk->ctx, file);
    if (result == 0) {
        result = hf_directory_rename(wal->directory, from, to);
    }
    if (result == 0) {
        result = hf_directory_sync(wal->directory);
    }
    return result;
}

static bool roll_over(struct hf_wal *wal)
{
    const struct hf_disk *disk = wal->directory->disk;
    char from[HF_NAME_BYTES_MAX];
    char to[HF_NAME_BYTES_MAX];

    if (wal->file >= 0 && !hf_wal_sync(wal)) { /* W2 */
        return false;
    }
    hf_segment_name(to, wal->position.next_lsn, "");
    const int file = take_empty_segment(wal, from);
    if (file < 0) {
        return fail(wal, "could not make log segment \"%s\": %s", to, hf_disk_error(file));
    }
    if (wal->file >= 0) {
        (void)disk->close(disk->ctx,
                          wal->file); /* synced above; the directory needs a descriptor */
        wal->file = -1;
    }
    int64_t result = make_segment(wal, file, from, to);
    const int64_t bytes_count = result == 0 ? disk->size(disk->ctx, file) : 0;
    if (result == 0 && bytes_count < (int64_t)HF_SEGMENT_BYTES_MIN) {
        result = bytes_count < 0 ? bytes_count : -EIO;
    }
    if (result != 0) {
        (void)disk->close(disk->ctx, file); /* the first error is the one to tell */
        return fail(wal, "could not make log segment \"%s\": %s", to, hf_disk_error(result));
    }
    if (strcmp(from, HF_NAME_SPARE) == 0) {
        atomic_store(&wal->spare, HF_SPARE_NONE);
    } else {
        atomic_fetch_add(&wal->made_bytes, (uint64_t)bytes_count);
    }
    wal->file = file;
    wal->file_bytes = (uint64_t)bytes_count;
    wal->position.segment_first_lsn = wal->position.next_lsn;
    wal->position.offset = hf_format_group_offset(HF_SEGMENT_HEADER_BYTES);
    return true;
}

/* ------------------------------------------------------------------ life */

enum hf_err hf_wal_open(struct hf_wal *wal, const struct hf_directory *directory, uint32_t epoch,
                        uint64_t segment_bytes, const struct hf_wal_position *position)
{
    const struct hf_disk *disk = directory->disk;

    HF_ASSERT(segment_bytes >= HF_SEGMENT_BYTES_MIN);
    HF_ASSERT(position->next_lsn > 0);
    HF_ASSERT(position->offset % HF_SECTOR_BYTES == 0);

    *wal = (struct hf_wal){.directory = directory,
                           .epoch = epoch,
                           .segment_bytes = segment_bytes,
                           .file = -1,
                           .spare_file = -1,
                           .position = *position};
    atomic_store(&wal->written_lsn, position->next_lsn - 1);
    atomic_store(&wal->synced_lsn, position->next_lsn - 1);
    wal->group = malloc(HF_GROUP_BYTES + HF_BLOCK_BYTES_MAX);
    if (wal->group == NULL || hf_packer_init(&wal->packer) != HF_OK) {
        (void)fail(wal, "out of memory for the log's buffer");
        return HF_NO_MEMORY;
    }
    if (position->segment_first_lsn == 0) {
        if (!roll_over(wal)) {
            return HF_IO;
        }
        tell_place(wal);
        return HF_OK;
    }
    char name[HF_NAME_BYTES_MAX];
    hf_segment_name(name, position->segment_first_lsn, "");
    wal->file = hf_directory_open(directory, name, HF_DISK_WRITE);
    const int64_t bytes_count = wal->file < 0 ? wal->file : disk->size(disk->ctx, wal->file);
    if (bytes_count < 0) {
        (void)fail_file(wal, "open", bytes_count);
        return HF_IO;
    }
    wal->file_bytes = (uint64_t)bytes_count;
    tell_place(wal);
    return HF_OK;
}

void hf_wal_release(struct hf_wal *wal)
{
    if (wal->directory != NULL && wal->file >= 0) {
        /* What mattered was synced, or its failure was told. */
        (void)wal->directory->disk->close(wal->directory->disk->ctx, wal->file);
    }
    if (wal->directory != NULL && wal->spare_file >= 0) {
        (void)wal->directory->disk->close(wal->directory->disk->ctx, wal->spare_file); /* zeros */
    }
    hf_packer_release(&wal->packer);
    free(wal->group);
    *wal = (struct hf_wal){.file = -1, .spare_file = -1};
}

/* ------------------------------------------------------------------ writing */

/* Make a block of the span at `room`; returns its size. */
static size_t build_block(struct hf_wal *wal, const struct hf_ledger_span *span, uint64_t first_lsn,
                          unsigned char *room)
{
    HF_ASSERT(span->bytes_count > 0 && span->bytes_count <= HF_BLOCK_RAW_BYTES_MAX);
    HF_ASSERT(span->last_lsn >= first_lsn);

    const uint32_t raw_bytes = (uint32_t)span->bytes_count;
    const uint32_t stored_bytes =
        hf_packer_pack(&wal->packer, span->bytes, raw_bytes, room + HF_BLOCK_HEADER_BYTES);
    struct hf_block_header header = {
        .flags = stored_bytes < raw_bytes ? HF_BLOCK_LZ4 : 0,
        .epoch = wal->epoch,
        .raw_bytes = raw_bytes,
        .stored_bytes = stored_bytes,
        .first_lsn = first_lsn,
        .last_lsn = span->last_lsn,
        .durable_lsn = atomic_load_explicit(&wal->synced_lsn, memory_order_relaxed),
        .previous = wal->position.previous,
    };
    const size_t bytes_count = hf_block_seal(room, &header, wal->directory->seed);
    wal->position.previous = header.checksum;
    atomic_fetch_add_explicit(&wal->blocks_count, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&wal->log_bytes, bytes_count, memory_order_relaxed);
    atomic_fetch_add_explicit(&wal->log_raw_bytes, raw_bytes, memory_order_relaxed);
    return bytes_count;
}

bool hf_wal_write(struct hf_wal *wal, const struct hf_ledger *ledger, uint64_t to_lsn)
{
    const struct hf_disk *disk = wal->directory->disk;
    uint64_t lsn = wal->position.next_lsn;
    size_t used = 0;

    HF_ASSERT(lsn <= to_lsn);
    if (wal->failure[0] != '\0') { /* W4 */
        return false;
    }
    do {
        const struct hf_ledger_span span = hf_ledger_span(ledger, lsn, to_lsn, HF_BLOCK_RAW_BYTES);
        const uint64_t bound = HF_BLOCK_HEADER_BYTES + span.bytes_count;
        if (wal->position.offset + used + bound > wal->file_bytes) {
            if (used > 0) {
                break; /* the next group begins the new segment */
            }
            if (!roll_over(wal)) {
                return false;
            }
        }
        used += build_block(wal, &span, lsn, wal->group + used);
        lsn = span.last_lsn + 1;
    } while (lsn <= to_lsn && used < HF_GROUP_BYTES);

    HF_ASSERT(wal->position.offset + used <= wal->file_bytes);
    const int64_t put = disk->write(disk->ctx, wal->file, wal->group, used, wal->position.offset);
    if (put != (int64_t)used) {
        return fail_file(wal, "write", put < 0 ? put : -EIO);
    }
    /* The zeros up to the next sector are there already. */
    wal->position.offset = hf_format_group_offset(wal->position.offset + used);
    wal->position.next_lsn = lsn;
    atomic_store_explicit(&wal->written_lsn, lsn - 1, memory_order_release);
    tell_place(wal);
    return true;
}

bool hf_wal_sync(struct hf_wal *wal)
{
    const struct hf_disk *disk = wal->directory->disk;
    const uint64_t written_lsn = wal->position.next_lsn - 1;

    if (wal->failure[0] != '\0') { /* W4 */
        return false;
    }
    if (atomic_load_explicit(&wal->synced_lsn, memory_order_relaxed) == written_lsn) {
        return true;
    }
    const int result = disk->sync(disk->ctx, wal->file);
    if (result != 0) {
        return fail_file(wal, "sync", result);
    }
    atomic_fetch_add_explicit(&wal->fsyncs_count, 1, memory_order_relaxed);
    atomic_store_explicit(&wal->synced_lsn, written_lsn, memory_order_release);
    return true;
}

/* ------------------------------------------------------------------ the spare */

enum hf_wal_spare hf_wal_spare_state(const struct hf_wal *wal)
{
    return (enum hf_wal_spare)atomic_load(&wal->spare);
}

void hf_wal_spare_retry(struct hf_wal *wal)
{
    int expected = HF_SPARE_FAILED;
    (void)atomic_compare_exchange_strong(&wal->spare, &expected, HF_SPARE_NONE);
}

bool hf_wal_spare_adopt(struct hf_wal *wal)
{
    int expected = HF_SPARE_MADE;

    if (!atomic_compare_exchange_strong(&wal->spare, &expected, HF_SPARE_READY)) {
        return false;
    }
    tell_place(wal);
    return true;
}

bool hf_wal_spare_refuse(struct hf_wal *wal)
{
    int expected = HF_SPARE_NONE;
    return atomic_compare_exchange_strong(&wal->spare, &expected, HF_SPARE_FAILED);
}

int hf_wal_spare_make(struct hf_wal *wal)
{
    const struct hf_directory *directory = wal->directory;
    int expected = HF_SPARE_NONE;

    if (!atomic_compare_exchange_strong(&wal->spare, &expected, HF_SPARE_BUSY)) {
        return 0;
    }
    const int file = hf_directory_create_zeros(directory, HF_NAME_SPARE_ASIDE, wal->segment_bytes);
    if (file < 0) {
        atomic_store(&wal->spare, HF_SPARE_FAILED);
        return file;
    }
    int result = hf_directory_rename(directory, HF_NAME_SPARE_ASIDE, HF_NAME_SPARE);
    if (result == 0) {
        result = hf_directory_sync(directory);
    }
    if (result != 0) {
        (void)directory->disk->close(directory->disk->ctx, file); /* the first error is told */
        (void)hf_directory_remove(directory, HF_NAME_SPARE_ASIDE);
        (void)hf_directory_remove(directory, HF_NAME_SPARE);
        atomic_store(&wal->spare, HF_SPARE_FAILED);
        return result;
    }
    wal->spare_file = file;
    atomic_fetch_add(&wal->made_bytes, wal->segment_bytes);
    atomic_store(&wal->spare, HF_SPARE_MADE);
    return 1;
}
