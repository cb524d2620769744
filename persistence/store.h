/*
 * store.h - the door of persistence: a data directory, opened, recovered and written to.
 *
 *     open:   lock -> manifest -> newest whole snapshot -> log after it -> engine is as it was
 *     run:    engine's ledger ring --(log thread: compress, write, sync)--> durable LSN
 *     stop:   last group synced -> snapshot -> lock released
 *
 * A directory (FORMATS.md 1):
 *     LOCK                              empty; locked while a process owns the directory
 *     MANIFEST                          id, epochs, current snapshot
 *     wal-00000000000000000001.log      segments, named after the first LSN they may hold
 *     snapshot-00000000000000004711.hfs
 *     spare.log                         a segment made ahead
 *
 * Threads: hf_store_open, _close, _snapshot_copy and the getters belong to the loop thread;
 * hf_store_log_step to the log thread; hf_store_snapshot_write to the snapshot thread. They meet in
 * atomics and hand-overs only, never under a lock held across I/O. threads.h runs them on real
 * threads; a simulator calls the steps itself, in one thread.
 */
#ifndef HF_PERSISTENCE_STORE_H
#define HF_PERSISTENCE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/engine.h"
#include "persistence/disk.h"

enum hf_durability {
    HF_DURABILITY_SYNC,     /* a record is durable once it is fdatasync'ed */
    HF_DURABILITY_INTERVAL, /* ... once it is written; synced every interval_us */
    HF_DURABILITY_NONE /* ... once it is written; synced by the operating system, and at stop */
};

struct hf_store_config {
    const char *path;
    enum hf_durability durability;
    uint64_t interval_us;
    uint64_t segment_bytes;  /* HF_SEGMENT_BYTES_MIN .. 4 GiB */
    uint32_t snapshots_kept; /* newest ones; older log segments than they need are dropped, ... */
    uint64_t log_kept_bytes; /* ... but for so many bytes of the newest of those, for the feed */
    unsigned char new_directory_id[16]; /* random; used when the directory is new */
};
#define HF_SEGMENT_BYTES_MIN (8u * 1024 * 1024)

/* One line for the operator's log; `level` is 'i' information, 'w' warning, 'e' error. */
struct hf_store_report {
    void *arg; /* the call comes from any thread, and from several at once */
    void (*line)(void *arg, char level, const char *text);
};

struct hf_store;

/*
 * Open `config->path` and bring its state into `engine`, which is empty. A missing or empty
 * directory becomes a new one: epoch 1, first LSN 1. NULL on failure, with a sentence in `error`
 * that names file and offset or LSN: in use by another process; not ours; a newer format; damaged;
 * limits too small.
 */
struct hf_store *hf_store_open(const struct hf_store_config *config, const struct hf_disk *disk,
                               const struct hf_store_report *report, struct hf_engine *engine,
                               char *error, size_t error_bytes);
/* Close files and the lock; writes nothing. Accepts NULL. The steps must have ended before. */
void hf_store_close(struct hf_store *store);

const unsigned char *hf_store_directory_id(const struct hf_store *store); /* 16 bytes */
uint32_t hf_store_epoch(const struct hf_store *store);
/* An epoch and the first LSN written in it, oldest first; `index` counts from 0. */
uint32_t hf_store_epochs_count(const struct hf_store *store);
uint32_t hf_store_epoch_at(const struct hf_store *store, uint32_t index, uint64_t *first_lsn);
/* Any thread: the LSN with which the log begins. Grows only. */
uint64_t hf_store_first_lsn(const struct hf_store *store);
/* For reading the log (reader.h) on any thread; lives as long as the store. */
struct hf_directory;
const struct hf_directory *hf_store_directory(const struct hf_store *store);

/* Any thread: from hold to let go no snapshot and no log segment is dropped, so that files can be
 * copied. Holds add up. */
void hf_store_hold(struct hf_store *store);
void hf_store_let_go(struct hf_store *store);

/* Loop thread: records up to `lsn` may be written. */
void hf_store_publish(struct hf_store *store, uint64_t lsn);
/* Loop thread: let the ledger ring drop what is durable (hf_ledger_pin), and tell it for how much
 * the log has a place (hf_ledger_limit). Call it when the durable LSN has moved. */
void hf_store_pin(struct hf_store *store);
/*
 * Loop thread: may the engine be asked to log anything? False while the store is read only: the
 * next segment could not be made for lack of space (or of descriptors, or memory), and the newest
 * one has less left than the largest operation may need. The engine never takes in a record that
 * has no place (it answers HF_BUSY): what was accepted before is written and synced. It becomes
 * true by itself once the segment has been made. Each change is reported once.
 */
bool hf_store_writable(struct hf_store *store);
/* Any thread: LSN up to which replies may leave (by the durability chosen), and that is synced. */
uint64_t hf_store_durable_lsn(const struct hf_store *store);
uint64_t hf_store_synced_lsn(const struct hf_store *store);

/*
 * Log thread: write all that is published and not written yet as blocks, sync as the durability
 * asks, move the durable LSN. False: there was nothing to do. A write or sync error is final (P9):
 * reported once, hf_store_failed() is true from then on and the durable LSN stands still for ever.
 * `now_us` is a monotonic time, used for HF_DURABILITY_INTERVAL only.
 */
bool hf_store_log_step(struct hf_store *store, uint64_t now_us);
bool hf_store_failed(const struct hf_store *store);
/* Log thread: when hf_store_log_step has a sync to do though nothing new is published, on the
 * clock of its `now_us`; UINT64_MAX: it has none. */
uint64_t hf_store_sync_due_us(const struct hf_store *store);
/* Any thread: true when published records wait to be written. */
bool hf_store_has_work(const struct hf_store *store);
/* Sync what is written, whatever the durability: before a snapshot, and for a clean stop. */
bool hf_store_log_sync(struct hf_store *store);

/*
 * Spare thread: make the spare segment when there is none. True: it was made, and hf_store_log_step
 * will count it. A lack of space, descriptors or memory is reported once, until it is made after
 * all; call hf_store_spare_retry every second or so. Any other error is final (P9), as one of the
 * log's own: hf_store_failed().
 */
bool hf_store_spare_step(struct hf_store *store);
/* Any thread: true when hf_store_spare_step has work; false while it waits for a retry, too. */
bool hf_store_spare_is_wanted(const struct hf_store *store);
/* Any thread: true when it has failed, and waits for hf_store_spare_retry. */
bool hf_store_spare_has_failed(const struct hf_store *store);
void hf_store_spare_retry(struct hf_store *store);

/*
 * Snapshot in two halves: copy takes the state as it is (loop thread; memory only; NULL: no
 * memory); write compresses it to a file, syncs, renames, switches the manifest and drops what is
 * no longer needed (snapshot thread, after the log is durable up to the copy's LSN). Write frees
 * the copy.
 */
struct hf_snapshot_copy;
struct hf_snapshot_copy *hf_store_snapshot_copy(struct hf_store *store, struct hf_engine *engine);
uint64_t hf_snapshot_copy_lsn(const struct hf_snapshot_copy *copy);
enum hf_err hf_store_snapshot_write(struct hf_store *store, struct hf_snapshot_copy *copy,
                                    char *error, size_t error_bytes);
/* Free a copy that will not be written. */
void hf_snapshot_copy_free(struct hf_snapshot_copy *copy);

/* Any thread: a line to the report given at open. */
void hf_store_say(const struct hf_store *store, char level, const char *text);

struct hf_store_stats {
    uint64_t durable_lsn, synced_lsn;
    uint64_t fsyncs_count;
    uint64_t blocks_count;
    uint64_t log_bytes;     /* stored, since open */
    uint64_t log_raw_bytes; /* before compression, since open */
    uint64_t snapshot_lsn;
    uint64_t recovered_records; /* replayed at open */
};
void hf_store_stats(const struct hf_store *store, struct hf_store_stats *stats);

#endif
