/* store_snapshot.c - the snapshot half of store.h: beginning one, what the loop and the worker do
 * for it, and how its end makes it current and drops what it made needless. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/assert.h"
#include "persistence/snapshot.h"
#include "persistence/store_inside.h"

/* What the engine may keep aside of what changes under a snapshot: a tenth of its memory, but
 * enough for a small one under full load. */
#define KEPT_BYTES_MIN (UINT64_C(64) * 1024 * 1024)
#define KEPT_PART 10u

uint64_t hf_store_snapshot_rate_bytes(const struct hf_store *store)
{
    return store->run.rate_bytes;
}

/*
 * The manifest that should name the file of `lsn` could not be saved. The file is whole, but nobody
 * counts on it, and on a disk that is full each try would leave another one: it goes. It stays
 * where the new manifest stands in its place after all, with only its sync failing: after a crash
 * the disk may have that one.
 */
static void remove_unnamed(const struct hf_store *store, uint64_t lsn)
{
    const struct hf_directory *directory = &store->directory;
    char name[HF_NAME_BYTES_MAX];
    char error[512];

    struct hf_manifest *manifest = malloc(sizeof *manifest);
    const bool is_named = manifest == NULL ||
                          hf_manifest_load(manifest, directory, error, sizeof error) != HF_OK ||
                          manifest->snapshot_lsn == lsn;
    free(manifest);
    if (is_named) {
        return; /* the next start, or retention after the next snapshot, knows what to do with it */
    }
    hf_snapshot_name(name, lsn, "");
    const int result = hf_directory_remove(directory, name);
    if (result != 0) {
        hf_directory_say(directory, 'w', "could not remove \"%s\", which no manifest names: %s",
                         name, hf_disk_error(result));
    }
}

/* The file stands under its name: make it current, and drop what it made needless. */
static enum hf_err make_current(struct hf_store *store, uint64_t lsn, uint64_t ledger_first_lsn,
                                uint64_t file_bytes, char *error, size_t error_bytes)
{
    const uint64_t lsn_before = store->manifest.snapshot_lsn;

    store->manifest.snapshot_lsn = lsn;
    const enum hf_err err =
        hf_manifest_save(&store->manifest, &store->directory, error, error_bytes);
    if (err != HF_OK) {
        store->manifest.snapshot_lsn = lsn_before; /* nothing may be dropped on its account */
        remove_unnamed(store, lsn);
        return err;
    }
    atomic_store_explicit(&store->snapshot_lsn, lsn, memory_order_release);
    atomic_store_explicit(&store->snapshot_bytes, file_bytes, memory_order_relaxed);
    (void)atomic_fetch_add(&store->snapshots_count, 1);
    hf_directory_say(&store->directory, 'i', "snapshot of LSN %" PRIu64 " written, %" PRIu64 " KiB",
                     lsn, (file_bytes + 1023) / 1024);
    store->retention.snapshot_lsn = lsn;
    store->retention.wanted_lsn = ledger_first_lsn;
    atomic_store(&store->is_retention_owed, true);
    hf_store_settle_retention(store);
    return HF_OK;
}

static uint64_t all_log_bytes(const struct hf_store *store)
{
    return store->recovered_log_bytes +
           atomic_load_explicit(&store->wal.log_bytes, memory_order_relaxed);
}

enum hf_err hf_store_snapshot_begin(struct hf_store *store, struct hf_engine *engine)
{
    const uint64_t lsn = hf_engine_lsn(engine);
    struct hf_engine_stats stats;

    HF_ASSERT(hf_engine_ledger(engine) == store->ledger);
    if (hf_store_failed(store)) {
        return HF_IO;
    }
    if (store->run.is_on || store->is_same_asked) {
        return HF_BUSY;
    }
    hf_store_publish(store, lsn);
    if (lsn == atomic_load_explicit(&store->snapshot_lsn, memory_order_acquire)) {
        store->is_same_asked = true; /* the state is a function of the LSN (P7) */
        return HF_OK;
    }
    hf_engine_stats(engine, &stats);
    hf_cadence_begun(&store->cadence, all_log_bytes(store));
    const uint64_t part_bytes = stats.memory_bytes / KEPT_PART;
    const enum hf_err err = hf_snapshot_run_begin(
        &store->run, engine, part_bytes > KEPT_BYTES_MIN ? part_bytes : KEPT_BYTES_MIN);
    if (err != HF_OK) {
        hf_cadence_ended(&store->cadence, true);
    }
    if (err == HF_NO_MEMORY && !store->is_no_memory_told) {
        store->is_no_memory_told = true;
        hf_directory_say(&store->directory, 'w',
                         "could not begin a snapshot: no memory; it is tried again, and until then "
                         "log is kept from LSN %" PRIu64 " on",
                         hf_store_first_lsn(store));
    }
    store->is_no_memory_told = store->is_no_memory_told && err != HF_OK;
    return err;
}

enum hf_store_copy hf_store_snapshot_copy_step(struct hf_store *store)
{
    return hf_snapshot_run_copy(&store->run);
}

void hf_store_snapshot_cancel(struct hf_store *store)
{
    hf_snapshot_run_cancel(&store->run, HF_BUSY);
}

bool hf_store_snapshot_poll(struct hf_store *store, enum hf_err *err, uint64_t *lsn)
{
    if (store->is_same_asked) {
        store->is_same_asked = false;
        *err = HF_OK;
        *lsn = atomic_load_explicit(&store->snapshot_lsn, memory_order_acquire);
        return true;
    }
    if (!hf_snapshot_run_poll(&store->run, err)) {
        return false;
    }
    *lsn = store->run.lsn;
    hf_cadence_ended(&store->cadence, *err != HF_OK);
    if (*err == HF_LIMIT_EXCEEDED) {
        hf_directory_say(&store->directory, 'w',
                         "the snapshot of LSN %" PRIu64
                         " was given up: more changed meanwhile than %" PRIu64 " MiB can keep",
                         *lsn, store->run.bytes_max >> 20);
    }
    return true;
}

/* The worker: the file is whole and the log is synced as far. */
static void finish_snapshot(struct hf_store *store)
{
    struct hf_snapshot_run *run = &store->run;
    char error[512] = "";

    enum hf_err err = hf_snapshot_run_name(run);
    if (err != HF_OK) {
        (void)snprintf(error, sizeof error, "%s", run->writer.error);
    } else {
        err = make_current(store, run->lsn, run->ledger_first_lsn, run->writer.offset, error,
                           sizeof error);
    }
    if (err != HF_OK) {
        hf_directory_say(&store->directory, 'e', "%s", error);
    }
    hf_snapshot_run_end(run, err == HF_OK || err == HF_NO_MEMORY ? err : HF_IO);
}

enum hf_store_write hf_store_snapshot_write_step(struct hf_store *store, uint64_t now_us)
{
    struct hf_snapshot_run *run = &store->run;

    if (hf_store_retention_is_due(store)) {
        hf_store_settle_retention(store);
        return HF_STORE_WORKED;
    }
    const enum hf_store_write result =
        hf_snapshot_run_write(run, &store->directory, &store->manifest, now_us);
    if (result != HF_STORE_WANTS_LOG) {
        return result;
    }
    if (hf_store_synced_lsn(store) >= run->lsn) {
        finish_snapshot(store); /* never ahead of the log: a crash would leave a hole in it */
        return HF_STORE_WORKED;
    }
    if (hf_store_failed(store)) {
        hf_snapshot_run_end(run, HF_IO);
        return HF_STORE_WORKED;
    }
    return HF_STORE_WANTS_LOG;
}

bool hf_store_snapshot_has_work(const struct hf_store *store, uint64_t now_us, uint64_t *due_us)
{
    if (hf_snapshot_run_has_work(&store->run, now_us, due_us) || hf_store_retention_is_due(store)) {
        return true;
    }
    return hf_snapshot_run_is_ready(&store->run) &&
           (hf_store_synced_lsn(store) >= store->run.lsn || hf_store_failed(store));
}

bool hf_store_snapshot_is_due(struct hf_store *store, uint64_t now_us)
{
    const bool is_changed =
        store->ledger->last_lsn > atomic_load_explicit(&store->snapshot_lsn, memory_order_acquire);
    return hf_cadence_is_due(&store->cadence, now_us, all_log_bytes(store), store->run.is_on,
                             is_changed, hf_store_log_is_near(store)) &&
           !hf_store_failed(store);
}

void hf_store_snapshot_progress(const struct hf_store *store,
                                struct hf_store_snapshot_progress *progress)
{
    const struct hf_snapshot_run *run = &store->run;

    *progress = (struct hf_store_snapshot_progress){.is_on = run->is_on};
    if (run->is_on) {
        progress->lsn = run->lsn;
        progress->is_copied = !run->is_reading;
        progress->items_count = run->items_count;
        progress->items_left = run->is_reading ? hf_engine_snapshot_items_left(run->engine) : 0;
        progress->kept_bytes = run->is_reading ? hf_engine_snapshot_kept_bytes(run->engine) : 0;
        progress->kept_bytes_max = run->bytes_max;
        progress->file_bytes = atomic_load_explicit(&run->file_bytes, memory_order_relaxed);
    }
}

void hf_store_snapshot_hurry(struct hf_store *store)
{
    atomic_store_explicit(&store->run.is_hurried, true, memory_order_relaxed);
}

enum hf_err hf_store_snapshot_all(struct hf_store *store, struct hf_engine *engine, char *error,
                                  size_t error_bytes)
{
    const uint64_t lsn = hf_engine_lsn(engine);

    HF_ASSERT(hf_engine_ledger(engine) == store->ledger);
    HF_ASSERT(!store->run.is_on);
    if (hf_store_synced_lsn(store) < lsn) {
        (void)snprintf(error, error_bytes,
                       "could not write the snapshot of LSN %" PRIu64
                       ": the log is synced up to LSN %" PRIu64 " only",
                       lsn, hf_store_synced_lsn(store));
        return HF_BUSY;
    }
    if (lsn == store->manifest.snapshot_lsn) {
        return HF_OK; /* the state is a function of the LSN (P7) */
    }
    const struct hf_ledger *ledger = store->ledger;
    const uint64_t wanted_lsn =
        ledger->first_lsn <= ledger->last_lsn ? ledger->first_lsn : UINT64_MAX;
    uint64_t file_bytes = 0;
    const enum hf_err err =
        hf_snapshot_file_write(&store->directory, engine, hf_manifest_epoch(&store->manifest, lsn),
                               &file_bytes, error, error_bytes);
    return err != HF_OK ? err
                        : make_current(store, lsn, wanted_lsn, file_bytes, error, error_bytes);
}
