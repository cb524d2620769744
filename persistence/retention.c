#include "persistence/retention.h"

#include "engine/assert.h"

static bool drop(const struct hf_directory *directory, const char *name)
{
    int result = hf_directory_remove(directory, name);
    if (result == 0) {
        result = hf_directory_sync(directory);
    }
    if (result != 0) {
        hf_directory_say(directory, 'w', "could not remove \"%s\", which is no longer needed: %s",
                         name, hf_disk_error(result));
    }
    return result == 0;
}

/* Drop the snapshots before the newest ones; the LSN of the oldest one kept is in *oldest_lsn. */
static uint32_t drop_snapshots(const struct hf_directory *directory,
                               const struct hf_retention *retention,
                               const struct hf_listing *listing, uint64_t *oldest_lsn)
{
    uint32_t kept = 0;
    uint32_t dropped = 0;

    for (size_t i = listing->snapshots_count; i > 0; i--) {
        const uint64_t lsn = listing->snapshots[i - 1];
        char name[HF_NAME_BYTES_MAX];
        if (lsn > retention->snapshot_lsn) {
            continue;
        }
        if (kept < retention->snapshots_kept) {
            kept++;
            *oldest_lsn = lsn;
            continue;
        }
        hf_snapshot_name(name, lsn, "");
        dropped += drop(directory, name) ? 1 : 0;
    }
    return dropped;
}

int64_t hf_segment_file_bytes(const struct hf_directory *directory, uint64_t first_lsn)
{
    const struct hf_disk *disk = directory->disk;
    char name[HF_NAME_BYTES_MAX];

    hf_segment_name(name, first_lsn, "");
    const int file = hf_directory_open(directory, name, HF_DISK_READ);
    if (file < 0) {
        return file;
    }
    const int64_t bytes_count = disk->size(disk->ctx, file);
    (void)disk->close(disk->ctx, file); /* opened for reading */
    return bytes_count;
}

/* One that cannot be looked at counts as nothing, and stays longer. */
static uint64_t segment_bytes(const struct hf_directory *directory, uint64_t first_lsn)
{
    const int64_t bytes_count = hf_segment_file_bytes(directory, first_lsn);
    return bytes_count < 0 ? 0 : (uint64_t)bytes_count;
}

/* How many of the oldest segments begin and end before `lsn`. */
static size_t count_before(const struct hf_listing *listing, uint64_t lsn)
{
    size_t count = 0;

    while (count + 1 < listing->segments_count && listing->segments[count + 1] <= lsn) {
        count++;
    }
    return count;
}

/*
 * How many of the oldest segments are dropped. What the ledger wants stays, and the newest ones
 * before that as kept_bytes allows; but of all those that no snapshot needs the oldest go for as
 * long as the log takes more than log_bytes_max.
 */
static size_t count_needless(const struct hf_directory *directory,
                             const struct hf_retention *retention, const struct hf_listing *listing,
                             uint64_t oldest_lsn)
{
    const size_t needless_count = count_before(listing, oldest_lsn + 1);
    const size_t unwanted_count = count_before(listing, retention->wanted_lsn);
    size_t count = unwanted_count < needless_count ? unwanted_count : needless_count;
    uint64_t bytes_left = retention->kept_bytes;
    uint64_t log_bytes = 0;

    while (count > 0 && bytes_left > 0) {
        const uint64_t bytes_count = segment_bytes(directory, listing->segments[count - 1]);
        if (bytes_count > bytes_left) {
            break;
        }
        bytes_left -= bytes_count;
        count--;
    }
    if (retention->log_bytes_max == 0) {
        return count;
    }
    for (size_t i = count; i < listing->segments_count; i++) {
        log_bytes += segment_bytes(directory, listing->segments[i]);
    }
    while (count < needless_count && log_bytes > retention->log_bytes_max) {
        log_bytes -= segment_bytes(directory, listing->segments[count]);
        count++;
    }
    return count;
}

uint32_t hf_retention_apply(const struct hf_directory *directory,
                            const struct hf_retention *retention, uint64_t *first_lsn,
                            uint64_t *dropped_bytes)
{
    struct hf_listing listing;
    uint64_t oldest_lsn = retention->snapshot_lsn;
    uint32_t dropped = 0;
    size_t first = 0;

    HF_ASSERT(retention->snapshots_kept > 0);

    const int result = hf_directory_list(directory, &listing);
    if (result != 0) {
        hf_directory_say(directory, 'w',
                         "could not list \"%s\" to drop what is no longer needed: %s",
                         directory->path, hf_disk_error(result));
        hf_listing_release(&listing);
        return 0;
    }
    dropped += drop_snapshots(directory, retention, &listing, &oldest_lsn);
    const size_t needless_count = count_needless(directory, retention, &listing, oldest_lsn);
    while (first < needless_count) {
        char name[HF_NAME_BYTES_MAX];
        const int64_t bytes_count = hf_segment_file_bytes(directory, listing.segments[first]);
        hf_segment_name(name, listing.segments[first], "");
        if (bytes_count < 0 || !drop(directory, name)) {
            break; /* an unbroken run must stay */
        }
        *dropped_bytes += (uint64_t)bytes_count;
        first++;
        dropped++;
    }
    if (listing.segments_count > 0) {
        *first_lsn = listing.segments[first];
    }
    hf_listing_release(&listing);
    return dropped;
}
