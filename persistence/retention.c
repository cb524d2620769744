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

/* Bytes of a segment's file; one that cannot be looked at counts as nothing, and stays longer. */
static uint64_t segment_bytes(const struct hf_directory *directory, uint64_t first_lsn)
{
    const struct hf_disk *disk = directory->disk;
    char name[HF_NAME_BYTES_MAX];

    hf_segment_name(name, first_lsn, "");
    const int file = hf_directory_open(directory, name, HF_DISK_READ);
    if (file < 0) {
        return 0;
    }
    const int64_t bytes_count = disk->size(disk->ctx, file);
    (void)disk->close(disk->ctx, file); /* opened for reading */
    return bytes_count < 0 ? 0 : (uint64_t)bytes_count;
}

/* How many of the oldest segments nobody needs; the newest of those stay as kept_bytes allows. */
static size_t count_needless(const struct hf_directory *directory,
                             const struct hf_retention *retention, const struct hf_listing *listing,
                             uint64_t needed_lsn)
{
    size_t count = 0;
    uint64_t bytes_left = retention->kept_bytes;

    while (count + 1 < listing->segments_count && listing->segments[count + 1] <= needed_lsn) {
        count++;
    }
    while (count > 0 && bytes_left > 0) {
        const uint64_t bytes_count = segment_bytes(directory, listing->segments[count - 1]);
        if (bytes_count > bytes_left) {
            break;
        }
        bytes_left -= bytes_count;
        count--;
    }
    return count;
}

uint32_t hf_retention_apply(const struct hf_directory *directory,
                            const struct hf_retention *retention, uint64_t *first_lsn)
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
    const uint64_t needed_lsn =
        oldest_lsn + 1 < retention->wanted_lsn ? oldest_lsn + 1 : retention->wanted_lsn;
    const size_t needless_count = count_needless(directory, retention, &listing, needed_lsn);
    while (first < needless_count) {
        char name[HF_NAME_BYTES_MAX];
        hf_segment_name(name, listing.segments[first], "");
        if (!drop(directory, name)) {
            break; /* an unbroken run must stay */
        }
        first++;
        dropped++;
    }
    if (listing.segments_count > 0) {
        *first_lsn = listing.segments[first];
    }
    hf_listing_release(&listing);
    return dropped;
}
