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

uint32_t hf_retention_apply(const struct hf_directory *directory,
                            const struct hf_retention *retention)
{
    struct hf_listing listing;
    uint64_t oldest_lsn = retention->snapshot_lsn;
    uint32_t dropped = 0;

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
    for (size_t i = 0; i + 1 < listing.segments_count; i++) {
        char name[HF_NAME_BYTES_MAX];
        if (listing.segments[i + 1] > needed_lsn) {
            break; /* its newest record is needed */
        }
        hf_segment_name(name, listing.segments[i], "");
        if (!drop(directory, name)) {
            break; /* an unbroken run must stay */
        }
        dropped++;
    }
    hf_listing_release(&listing);
    return dropped;
}
