/*
 * store_bound.c - how much disk the log may take, and who gives way when it nears that.
 *
 *     0                   half                     four fifths          log_max
 *     |--------------------|--------------------------|--------------------|
 *      after a snapshot     what consumers want goes   warned, once; a      no next segment: what
 *      all is kept that     after a snapshot, oldest   snapshot begins      is needless goes, held
 *      anybody wants        first                      early                or not; then read only
 *
 * Only the kept snapshots hold log up to the bound: what the ledger and consumers of the feed want
 * ends at half of it (they are told `gone`), so that four fifths are not reached again with the
 * next segment; a backup holds everything up to the bound, where it fails rather than the writes.
 * Older snapshots go, too, once the newest one is of the last record there is: no further snapshot
 * could make room then, and writes would be refused for ever.
 *
 * At the bound the spare is not made, and all goes on as on a full disk (W6): what was taken in has
 * its place, writes are refused when the newest segment is nearly full, and are taken again once
 * there is a spare. The spare counts from when it is made, so the files never pass the bound; but
 * for a directory that was larger already when it was opened.
 */
#include <inttypes.h>

#include "persistence/store_inside.h"

uint64_t hf_store_log_size(const struct hf_store *store)
{
    const uint64_t dropped_bytes = atomic_load(&store->dropped_bytes); /* first: it comes last */
    return store->opened_bytes + atomic_load(&store->wal.made_bytes) - dropped_bytes;
}

bool hf_store_log_is_near(const struct hf_store *store)
{
    const uint64_t near_bytes = store->log_max_bytes - store->log_max_bytes / 5;
    return store->log_max_bytes > 0 && hf_store_log_size(store) >= near_bytes;
}

bool hf_store_log_is_full(const struct hf_store *store)
{
    return store->log_max_bytes > 0 &&
           hf_store_log_size(store) + store->segment_bytes > store->log_max_bytes;
}

void hf_store_log_judge(struct hf_store *store)
{
    if (!hf_store_log_is_near(store)) {
        atomic_store(&store->is_near_told, false);
    } else if (!atomic_exchange(&store->is_near_told, true)) {
        hf_directory_say(&store->directory, 'w',
                         "the log takes %" PRIu64 " MiB and may take %" PRIu64
                         " MiB (log_max): a snapshot is begun early, so that some can be dropped; "
                         "at the bound writes are refused",
                         hf_store_log_size(store) >> 20, store->log_max_bytes >> 20);
    }
}

/* The spare could not be made for the bound, and still could not. */
static bool is_at_bound(const struct hf_store *store)
{
    return hf_store_log_is_full(store) && hf_wal_spare_state(&store->wal) == HF_SPARE_FAILED;
}

bool hf_store_retention_is_due(const struct hf_store *store)
{
    return atomic_load(&store->is_retention_owed) &&
           (atomic_load(&store->holds_count) == 0 || is_at_bound(store));
}

static void apply(struct hf_store *store, const struct hf_retention *retention)
{
    const bool is_held = atomic_load(&store->holds_count) > 0;
    uint64_t first_lsn = hf_store_first_lsn(store);
    uint64_t dropped_bytes = 0;

    const uint32_t dropped_count =
        hf_retention_apply(&store->directory, retention, &first_lsn, &dropped_bytes);
    atomic_fetch_add(&store->dropped_bytes, dropped_bytes);
    atomic_store_explicit(&store->first_lsn, first_lsn, memory_order_release);
    if (dropped_count == 0) {
        return;
    }
    if (is_held) {
        atomic_fetch_add(&store->broken_count, 1);
        hf_directory_say(&store->directory, 'w',
                         "%" PRIu32 " files were dropped though a backup is being made, to keep "
                         "the log within log_max",
                         dropped_count);
    }
    hf_store_log_judge(store);
    hf_wal_spare_retry(&store->wal);
}

/* There is no place for a segment, and no snapshot to come can make one. */
static bool is_stuck(const struct hf_store *store)
{
    const enum hf_wal_spare spare = hf_wal_spare_state(&store->wal);

    return hf_store_log_is_full(store) && (spare == HF_SPARE_FAILED || spare == HF_SPARE_NONE) &&
           atomic_load(&store->published_lsn) == store->manifest.snapshot_lsn;
}

/* A hold that comes now finds all that the current manifest needs. */
void hf_store_settle_retention(struct hf_store *store)
{
    struct hf_retention retention = store->retention;

    if (!hf_store_retention_is_due(store)) {
        return;
    }
    atomic_store(&store->is_retention_owed, false);
    if (retention.snapshot_lsn == 0) {
        return; /* without a snapshot all of the log is needed */
    }
    apply(store, &retention);
    if (retention.snapshots_kept > 1 && is_stuck(store)) {
        hf_directory_say(&store->directory, 'w',
                         "only the newest snapshot is kept, to keep the log within log_max");
        retention.snapshots_kept = 1;
        apply(store, &retention);
    }
}
