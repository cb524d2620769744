#include "persistence/store.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/assert.h"
#include "engine/ledger.h"
#include "persistence/recovery.h"
#include "persistence/snapshot.h"
#include "persistence/store_inside.h"

/* ------------------------------------------------------------------ opening */

struct opening {
    struct hf_store *store;
    struct hf_engine *engine;
    struct hf_listing listing;
    char *error;
    size_t error_bytes;
};

static bool refuse_disk(struct opening *opening, const char *verb, const char *name, int64_t error)
{
    (void)snprintf(opening->error, opening->error_bytes, "could not %s \"%s/%s\": %s", verb,
                   opening->store->directory.path, name, hf_disk_error(error));
    return false;
}

static bool refuse(struct opening *opening, const char *why)
{
    (void)snprintf(opening->error, opening->error_bytes, "cannot use data directory \"%s\": %s",
                   opening->store->directory.path, why);
    return false;
}

/* Read the names anew. */
static bool list(struct opening *opening)
{
    hf_listing_release(&opening->listing);
    const int result = hf_directory_list(&opening->store->directory, &opening->listing);
    return result == 0 || refuse_disk(opening, "list", "", result);
}

/*
 * A directory becomes ours when it is empty, or holds no more than a start that was cut off before
 * its manifest leaves: the lock, leftovers, and the first segment without a block.
 */
static bool is_ours_to_take(const struct hf_listing *listing)
{
    return listing->foreign[0] == '\0' && listing->snapshots_count == 0 &&
           (listing->segments_count == 0 ||
            (listing->segments_count == 1 && listing->segments[0] == 1));
}

static bool take_lock(struct opening *opening)
{
    struct hf_store *store = opening->store;
    int file = hf_directory_open(&store->directory, HF_NAME_LOCK,
                                 HF_DISK_WRITE | HF_DISK_CREATE | HF_DISK_LOCK | HF_DISK_PATIENT);
    if (file == -EEXIST) {
        file = hf_directory_open(&store->directory, HF_NAME_LOCK,
                                 HF_DISK_WRITE | HF_DISK_LOCK | HF_DISK_PATIENT);
    }
    if (file == -EAGAIN) {
        return refuse(opening, "another process is using it");
    }
    if (file < 0) {
        return refuse_disk(opening, "lock", HF_NAME_LOCK, file);
    }
    store->lock_file = file;
    return true;
}

/* Remove what a crash left half-made, and the spare: it is quickly made anew, and whether it
 * really is empty is not worth finding out. */
static bool remove_leftovers(struct opening *opening)
{
    const struct hf_directory *directory = &opening->store->directory;

    for (size_t i = 0; i < opening->listing.asides_count; i++) {
        const int result = hf_directory_remove(directory, opening->listing.asides[i]);
        if (result != 0) {
            return refuse_disk(opening, "remove", opening->listing.asides[i], result);
        }
    }
    if (opening->listing.is_incomplete) { /* the manifest, which comes last, is there */
        const int result = hf_directory_remove(directory, HF_NAME_INCOMPLETE);
        if (result != 0) {
            return refuse_disk(opening, "remove", HF_NAME_INCOMPLETE, result);
        }
    }
    if (opening->listing.has_spare) {
        const int result = hf_directory_remove(directory, HF_NAME_SPARE);
        if (result != 0) {
            return refuse_disk(opening, "remove", HF_NAME_SPARE, result);
        }
    }
    return true;
}

/* Remove the first segment, left by a start that was cut off, unless it holds a block. */
static bool remove_first_segment(struct opening *opening)
{
    const struct hf_directory *directory = &opening->store->directory;
    const struct hf_disk *disk = directory->disk;
    unsigned char bytes[HF_SECTOR_BYTES + HF_BLOCK_HEADER_BYTES] = {0};
    char name[HF_NAME_BYTES_MAX];

    hf_segment_name(name, 1, "");
    const int file = hf_directory_open(directory, name, HF_DISK_READ);
    int64_t got = file;
    if (file >= 0) {
        got = disk->read(disk->ctx, file, bytes, sizeof bytes, 0);
        (void)disk->close(disk->ctx, file); /* opened for reading */
    }
    if (got < 0) {
        return refuse_disk(opening, "read", name, got);
    }
    for (size_t i = HF_SEGMENT_HEADER_BYTES; i < sizeof bytes; i++) {
        if (bytes[i] != 0) {
            return refuse(opening, "it holds a log but no MANIFEST");
        }
    }
    const int result = hf_directory_remove(directory, name);
    return result == 0 || refuse_disk(opening, "remove", name, result);
}

/*
 * Begin a new directory: the first segment, and the manifest last. So a manifest without a
 * segment is a loss, never a new directory.
 */
static bool begin_directory(struct opening *opening, const struct hf_store_config *config)
{
    struct hf_store *store = opening->store;
    const struct hf_wal_position start = {.next_lsn = 1};

    if (opening->listing.segments_count > 0 && !remove_first_segment(opening)) {
        return false;
    }
    store->manifest.epochs[0] = (struct hf_epoch){.number = 1, .first_lsn = 1};
    store->manifest.epochs_count = 1;
    memcpy(store->manifest.directory_id, config->new_directory_id, HF_DIRECTORY_ID_BYTES);
    hf_directory_set_id(&store->directory, config->new_directory_id);
    if (hf_wal_open(&store->wal, &store->directory, 1, store->segment_bytes, &start) != HF_OK) {
        (void)snprintf(opening->error, opening->error_bytes, "%s", store->wal.failure);
        return false;
    }
    return hf_manifest_save(&store->manifest, &store->directory, opening->error,
                            opening->error_bytes) == HF_OK;
}

/*
 * Snapshots that recovery passed over because they are damaged must not count as kept ones, nor
 * be tried again: they are put aside. The manifest then names the one that was loaded.
 */
static bool settle_snapshots(struct opening *opening, uint64_t loaded_lsn)
{
    struct hf_store *store = opening->store;

    for (size_t i = opening->listing.snapshots_count; i > 0; i--) {
        const uint64_t lsn = opening->listing.snapshots[i - 1];
        char name[HF_NAME_BYTES_MAX];
        char aside[HF_NAME_BYTES_MAX];
        if (lsn <= loaded_lsn) {
            break;
        }
        hf_snapshot_name(name, lsn, "");
        hf_snapshot_name(aside, lsn, HF_SUFFIX_DAMAGED);
        const int result = hf_directory_rename(&store->directory, name, aside);
        if (result != 0) {
            return refuse_disk(opening, "rename", name, result);
        }
    }
    if (store->manifest.snapshot_lsn == loaded_lsn) {
        return true;
    }
    store->manifest.snapshot_lsn = loaded_lsn;
    return hf_manifest_save(&store->manifest, &store->directory, opening->error,
                            opening->error_bytes) == HF_OK;
}

/* Bring an existing directory's state into the engine, and the log to its end. */
static bool recover(struct opening *opening)
{
    struct hf_store *store = opening->store;
    struct hf_recovered recovered;

    hf_directory_set_id(&store->directory, store->manifest.directory_id);
    if (opening->listing.segments_count == 0) {
        return refuse(opening,
                      "it has a MANIFEST but no log segment; holdfast-log says how far back "
                      "a repair goes");
    }
    if (hf_recover(&store->directory, &store->manifest, &opening->listing, opening->engine,
                   &recovered, opening->error, opening->error_bytes) != HF_OK ||
        !settle_snapshots(opening, recovered.snapshot_lsn)) {
        return false;
    }
    for (size_t i = 0; i < opening->listing.segments_count; i++) {
        const int64_t bytes_count =
            hf_segment_file_bytes(&store->directory, opening->listing.segments[i]);
        if (bytes_count < 0) {
            return refuse_disk(opening, "look at the log segments of", "", bytes_count);
        }
        store->opened_bytes += (uint64_t)bytes_count;
    }
    store->recovered_records = recovered.records_count;
    store->recovered_log_bytes = recovered.log_bytes;
    const uint32_t epoch = store->manifest.epochs[store->manifest.epochs_count - 1].number;
    if (hf_wal_open(&store->wal, &store->directory, epoch, store->segment_bytes,
                    &recovered.position) != HF_OK) {
        (void)snprintf(opening->error, opening->error_bytes, "%s", store->wal.failure);
        return false;
    }
    hf_directory_say(&store->directory, 'i',
                     "recovered \"%s\": snapshot of LSN %" PRIu64 ", %" PRIu64
                     " records after it, LSN %" PRIu64,
                     store->directory.path, recovered.snapshot_lsn, recovered.records_count,
                     recovered.position.next_lsn - 1);
    return true;
}

static bool open_directory(struct opening *opening, const struct hf_store_config *config)
{
    struct hf_store *store = opening->store;

    const int result = hf_directory_make(&store->directory);
    if (result != 0) {
        return refuse_disk(opening, "make", "", result);
    }
    /* Look before the lock file is put into somebody else's directory. */
    if (!list(opening)) {
        return false;
    }
    if (!opening->listing.has_manifest && opening->listing.is_incomplete) {
        return refuse(opening, "a restore or backup into it has not come to its end (it holds the "
                               "file INCOMPLETE); make it again");
    }
    if (!opening->listing.has_manifest && !is_ours_to_take(&opening->listing)) {
        return refuse(opening, "it is not empty and has no MANIFEST, so it is not a data directory "
                               "of holdfast");
    }
    if (!take_lock(opening) || !list(opening)) {
        return false;
    }
    if (!opening->listing.has_manifest) {
        return remove_leftovers(opening) && begin_directory(opening, config);
    }
    /* A process killed between a rename and its directory sync leaves names that are seen but not
     * on the disk. What is built on them from now on must not be lost with them. */
    const int synced = hf_directory_sync(&store->directory);
    if (synced != 0) {
        return refuse_disk(opening, "sync", "", synced);
    }
    const enum hf_err err =
        hf_manifest_load(&store->manifest, &store->directory, opening->error, opening->error_bytes);
    if (err == HF_CORRUPT) {
        hf_recovery_name_way_out(&store->directory, opening->error, opening->error_bytes);
    }
    return err == HF_OK && remove_leftovers(opening) && recover(opening);
}

static bool has_place(const struct hf_store *store);

struct hf_store *hf_store_open(const struct hf_store_config *config, const struct hf_disk *disk,
                               const struct hf_store_report *report, struct hf_engine *engine,
                               char *error, size_t error_bytes)
{
    HF_ASSERT(hf_engine_lsn(engine) == 0);
    HF_ASSERT(error_bytes > 0);

    struct hf_store *store = calloc(1, sizeof *store);
    if (store == NULL) {
        (void)snprintf(error, error_bytes, "could not open the data directory: out of memory");
        return NULL;
    }
    store->durability = config->durability;
    store->interval_us = config->interval_us;
    store->segment_bytes = config->segment_bytes;
    store->log_max_bytes = config->log_max_bytes;
    store->ledger = hf_engine_ledger(engine);
    hf_snapshot_run_init(&store->run, config->snapshot_rate_bytes);
    hf_cadence_init(&store->cadence, &(struct hf_cadence_config){
                                         .log_bytes = config->snapshot_log_bytes,
                                         .interval_us = config->snapshot_interval_us,
                                         .pause_us = config->snapshot_pause_us,
                                     });
    store->lock_file = -1;
    store->wal.file = -1;

    struct opening opening = {
        .store = store, .engine = engine, .error = error, .error_bytes = error_bytes};
    bool is_open = false;
    if (!hf_directory_init(&store->directory, config->path, disk, report)) {
        (void)refuse(&opening, "the path is empty or too long");
    } else if (config->segment_bytes < HF_SEGMENT_BYTES_MIN ||
               config->segment_bytes % HF_SECTOR_BYTES != 0 ||
               config->segment_bytes > UINT64_C(4) << 30) {
        (void)refuse(&opening, "log segments must have 8 MiB to 4 GiB, a multiple of 512 bytes");
    } else if (config->log_max_bytes > 0 &&
               config->log_max_bytes / HF_LOG_SEGMENTS_MIN < config->segment_bytes) {
        (void)refuse(&opening, "the bound of the log must have room for four segments");
    } else {
        store->directory.works_ahead = config->works_ahead;
        is_open = open_directory(&opening, config);
    }
    const uint64_t first_lsn =
        opening.listing.segments_count > 0 ? opening.listing.segments[0] : 1; /* a new directory */
    hf_listing_release(&opening.listing);
    if (!is_open) {
        hf_store_close(store);
        return NULL;
    }
    const uint64_t lsn = hf_engine_lsn(engine);
    store->epoch = store->manifest.epochs[store->manifest.epochs_count - 1].number;
    atomic_store(&store->published_lsn, lsn);
    atomic_store(&store->durable_lsn, lsn);
    atomic_store(&store->snapshot_lsn, store->manifest.snapshot_lsn);
    atomic_store(&store->first_lsn, first_lsn);
    store->retention = (struct hf_retention){
        .snapshot_lsn = store->manifest.snapshot_lsn,
        .snapshots_kept = config->snapshots_kept > 0 ? config->snapshots_kept : 1,
        .wanted_lsn = UINT64_MAX,
        .kept_bytes = config->log_kept_bytes,
        .log_bytes_max = store->log_max_bytes / 2};
    store->pushed_before = store->ledger->pushed_bytes;
    hf_store_log_judge(store);
    hf_store_pin(store);
    if (!has_place(store)) {
        /* The newest segment is nearly full: the first writes need not wait for the next one. */
        (void)hf_store_spare_step(store);
        (void)hf_store_log_step(store, 0);
        hf_store_pin(store);
    }
    if (hf_store_failed(store)) {
        (void)snprintf(error, error_bytes, "could not make the next log segment in \"%s\"",
                       store->directory.path);
        hf_store_close(store);
        return NULL;
    }
    return store;
}

void hf_store_close(struct hf_store *store)
{
    if (store == NULL) {
        return;
    }
    hf_snapshot_run_release(&store->run);
    hf_wal_release(&store->wal);
    if (store->lock_file >= 0) {
        const struct hf_disk *disk = store->directory.disk;
        (void)disk->close(disk->ctx, store->lock_file); /* which ends the lock */
    }
    free(store);
}

const unsigned char *hf_store_directory_id(const struct hf_store *store)
{
    return store->directory.id;
}

uint32_t hf_store_epoch(const struct hf_store *store)
{
    return store->epoch;
}

uint32_t hf_store_epochs_count(const struct hf_store *store)
{
    return store->manifest.epochs_count;
}

uint32_t hf_store_epoch_at(const struct hf_store *store, uint32_t index, uint64_t *first_lsn)
{
    HF_ASSERT(index < store->manifest.epochs_count);
    *first_lsn = store->manifest.epochs[index].first_lsn;
    return store->manifest.epochs[index].number;
}

uint64_t hf_store_first_lsn(const struct hf_store *store)
{
    return atomic_load_explicit(&store->first_lsn, memory_order_acquire);
}

const struct hf_directory *hf_store_directory(const struct hf_store *store)
{
    return &store->directory;
}

void hf_store_hold(struct hf_store *store)
{
    (void)atomic_fetch_add(&store->holds_count, 1);
}

void hf_store_let_go(struct hf_store *store)
{
    const uint32_t count = atomic_fetch_sub(&store->holds_count, 1);
    HF_ASSERT(count > 0);
}

uint32_t hf_store_holds_broken(const struct hf_store *store)
{
    return atomic_load(&store->broken_count);
}

/* ------------------------------------------------------------------ the log */

void hf_store_publish(struct hf_store *store, uint64_t lsn)
{
    HF_ASSERT(lsn >= atomic_load_explicit(&store->published_lsn, memory_order_relaxed));
    /* Sequentially consistent: threads.c pairs it with the log thread going to sleep. */
    atomic_store(&store->published_lsn, lsn);
    hf_store_pin(store);
}

/* The largest operation, or linked group, would find its place in the log. */
static bool has_place(const struct hf_store *store)
{
    const struct hf_ledger *ledger = store->ledger;
    return ledger->pushed_max >= ledger->pushed_bytes + HF_RECORD_BYTES_MAX;
}

/*
 * Read only for as long as the spare cannot be made: the place may grow a little meanwhile, when
 * records turn out to pack well, and nobody would be helped by a few more writes now and then.
 */
static void judge_place(struct hf_store *store)
{
    const enum hf_wal_spare spare = hf_wal_spare_state(&store->wal);

    hf_ledger_limit(store->ledger, store->pushed_before + hf_wal_place_bytes(&store->wal));
    if (store->cause == HF_STORE_WRITABLE && spare == HF_SPARE_FAILED && !has_place(store)) {
        store->cause = (enum hf_store_cause)atomic_load(&store->shortage);
        hf_directory_say(&store->directory, 'e',
                         "read only from now on: the newest log segment is nearly full and the "
                         "next one %s; writes are refused and holds do not end "
                         "until it can be%s, which is tried every second; reads go on",
                         store->cause == HF_STORE_LOG_MAX ? "would take the log beyond log_max"
                                                          : "could not be made",
                         store->cause == HF_STORE_LOG_MAX
                             ? " made because a new snapshot lets older log be dropped"
                             : "");
    } else if (store->cause != HF_STORE_WRITABLE && spare == HF_SPARE_FAILED) {
        store->cause = (enum hf_store_cause)atomic_load(&store->shortage); /* the newest one */
    } else if (store->cause != HF_STORE_WRITABLE && spare == HF_SPARE_READY && has_place(store)) {
        store->cause = HF_STORE_WRITABLE;
        hf_directory_say(&store->directory, 'i',
                         "writes are taken again: the next log segment has been made");
    }
}

void hf_store_pin(struct hf_store *store)
{
    const uint64_t lsn = hf_store_durable_lsn(store);
    if (lsn > store->ledger->pinned_lsn) {
        hf_ledger_pin(store->ledger, lsn);
    }
    judge_place(store);
}

bool hf_store_writable(struct hf_store *store)
{
    judge_place(store);
    return store->cause == HF_STORE_WRITABLE;
}

enum hf_store_cause hf_store_cause(const struct hf_store *store)
{
    return store->cause;
}

uint64_t hf_store_durable_lsn(const struct hf_store *store)
{
    return atomic_load_explicit(&store->durable_lsn, memory_order_acquire);
}

uint64_t hf_store_synced_lsn(const struct hf_store *store)
{
    return atomic_load_explicit(&store->wal.synced_lsn, memory_order_acquire);
}

bool hf_store_failed(const struct hf_store *store)
{
    return atomic_load_explicit(&store->has_failed, memory_order_acquire);
}

static uint64_t written_lsn(const struct hf_store *store)
{
    return atomic_load_explicit(&store->wal.written_lsn, memory_order_acquire);
}

/* The log cannot go on (P9): say so once; the durable LSN stands still from here on. */
static bool stop_for_good(struct hf_store *store)
{
    hf_directory_say(&store->directory, 'e', "%s; nothing is written to the log any more",
                     store->wal.failure);
    atomic_store_explicit(&store->has_failed, true, memory_order_release);
    return false;
}

static void move_durable_lsn(struct hf_store *store)
{
    const uint64_t lsn =
        store->durability == HF_DURABILITY_SYNC ? hf_store_synced_lsn(store) : written_lsn(store);
    HF_ASSERT(lsn >= atomic_load_explicit(&store->durable_lsn, memory_order_relaxed));
    atomic_store_explicit(&store->durable_lsn, lsn, memory_order_release);
}

static bool is_sync_due(const struct hf_store *store, uint64_t now_us)
{
    return store->durability == HF_DURABILITY_SYNC ? hf_store_synced_lsn(store) < written_lsn(store)
                                                   : hf_store_sync_due_us(store) <= now_us;
}

bool hf_store_log_step(struct hf_store *store, uint64_t now_us)
{
    const uint64_t published_lsn = atomic_load(&store->published_lsn);

    if (hf_store_failed(store)) {
        return false;
    }
    bool is_anything_done = hf_wal_spare_adopt(&store->wal);
    if (written_lsn(store) < published_lsn) {
        if (hf_store_synced_lsn(store) == written_lsn(store)) {
            store->unsynced_since_us = now_us;
        }
        if (!hf_wal_write(&store->wal, store->ledger, published_lsn)) {
            return stop_for_good(store);
        }
        is_anything_done = true;
    }
    if (is_sync_due(store, now_us)) {
        if (!hf_wal_sync(&store->wal)) {
            return stop_for_good(store);
        }
        is_anything_done = true;
    }
    move_durable_lsn(store);
    return is_anything_done;
}

uint64_t hf_store_sync_due_us(const struct hf_store *store)
{
    if (store->durability != HF_DURABILITY_INTERVAL ||
        hf_store_synced_lsn(store) == written_lsn(store)) {
        return UINT64_MAX;
    }
    return store->unsynced_since_us + store->interval_us;
}

bool hf_store_has_work(const struct hf_store *store)
{
    return written_lsn(store) < atomic_load(&store->published_lsn) ||
           hf_wal_spare_state(&store->wal) == HF_SPARE_MADE;
}

bool hf_store_log_sync(struct hf_store *store)
{
    if (hf_store_failed(store)) {
        return false;
    }
    if (!hf_wal_sync(&store->wal)) {
        return stop_for_good(store);
    }
    move_durable_lsn(store);
    return true;
}

/* Errors that pass: something is used up. All others mean that the disk cannot be relied on. */
static bool is_shortage(int error)
{
    return error == -ENOSPC || error == -EDQUOT || error == -EFBIG || error == -EMFILE ||
           error == -ENFILE || error == -ENOMEM;
}

/* True: this shortage is a new one, and to be told. */
static bool note_shortage(struct hf_store *store, enum hf_store_cause cause)
{
    return atomic_exchange(&store->shortage, (int)cause) != (int)cause;
}

/* The log has reached its bound: the worker is to see what can be dropped. */
static bool refuse_spare(struct hf_store *store)
{
    if (!hf_store_log_is_full(store) || !hf_wal_spare_refuse(&store->wal)) {
        return false;
    }
    if (note_shortage(store, HF_STORE_LOG_MAX)) {
        hf_directory_say(&store->directory, 'w',
                         "no next log segment is made: with it the log would take more than "
                         "log_max, %" PRIu64 " MiB; it is tried again every second, and writes "
                         "will be refused when the newest segment is nearly full",
                         store->log_max_bytes >> 20);
    }
    atomic_store(&store->is_retention_owed, true);
    return true;
}

bool hf_store_spare_step(struct hf_store *store)
{
    if (hf_store_failed(store) || refuse_spare(store)) {
        return false;
    }
    const int result = hf_wal_spare_make(&store->wal);
    if (result >= 0) {
        if (result > 0) {
            hf_store_log_judge(store);
        }
        if (result > 0 && note_shortage(store, HF_STORE_WRITABLE)) {
            hf_directory_say(&store->directory, 'i', "the next log segment could be made");
        }
        return result > 0;
    }
    if (!is_shortage(result)) {
        hf_directory_say(&store->directory, 'e',
                         "could not make the next log segment: %s; nothing is written to the log "
                         "any more",
                         hf_disk_error(result));
        atomic_store_explicit(&store->has_failed, true, memory_order_release);
    } else if (note_shortage(store, HF_STORE_NO_SPACE)) {
        hf_directory_say(&store->directory, 'w',
                         "could not make the next log segment (%" PRIu64
                         " bytes): %s; it is tried again every second, and writes will be refused "
                         "when the newest segment is nearly full",
                         store->segment_bytes, hf_disk_error(result));
    }
    return false;
}

bool hf_store_spare_is_wanted(const struct hf_store *store)
{
    return hf_wal_spare_state(&store->wal) == HF_SPARE_NONE;
}

bool hf_store_spare_has_failed(const struct hf_store *store)
{
    return hf_wal_spare_state(&store->wal) == HF_SPARE_FAILED;
}

void hf_store_spare_retry(struct hf_store *store)
{
    hf_wal_spare_retry(&store->wal);
}

void hf_store_say(const struct hf_store *store, char level, const char *text)
{
    hf_directory_say(&store->directory, level, "%s", text);
}

void hf_store_stats(const struct hf_store *store, struct hf_store_stats *stats)
{
    const struct hf_wal *wal = &store->wal;

    *stats = (struct hf_store_stats){
        .durable_lsn = hf_store_durable_lsn(store),
        .synced_lsn = hf_store_synced_lsn(store),
        .fsyncs_count = atomic_load_explicit(&wal->fsyncs_count, memory_order_relaxed),
        .blocks_count = atomic_load_explicit(&wal->blocks_count, memory_order_relaxed),
        .log_bytes = atomic_load_explicit(&wal->log_bytes, memory_order_relaxed),
        .log_raw_bytes = atomic_load_explicit(&wal->log_raw_bytes, memory_order_relaxed),
        .log_size_bytes = hf_store_log_size(store),
        .log_max_bytes = store->log_max_bytes,
        .snapshot_lsn = atomic_load_explicit(&store->snapshot_lsn, memory_order_acquire),
        .snapshots_count = atomic_load_explicit(&store->snapshots_count, memory_order_relaxed),
        .snapshot_bytes = atomic_load_explicit(&store->snapshot_bytes, memory_order_relaxed),
        .recovered_records = store->recovered_records,
    };
}
