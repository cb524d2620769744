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
 * Threads: hf_store_open, _close, the copying side of snapshots and the getters belong to the loop
 * thread; hf_store_log_step to the log thread; hf_store_snapshot_write_step and hf_store_spare_step
 * to the worker. They meet in
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
    uint64_t log_max_bytes;  /* of all segments together, the one made ahead, too; 0: no bound.
                                Else at least HF_LOG_SEGMENTS_MIN of them */
    uint64_t snapshot_log_bytes;   /* a snapshot after so much log; 0: not on this account */
    uint64_t snapshot_interval_us; /* and after so long, if anything has changed; 0: likewise */
    uint64_t snapshot_pause_us;    /* but not sooner after the one before */
    uint64_t snapshot_rate_bytes;  /* written a second; 0: as fast as it goes */
    bool works_ahead;              /* a start may read and decode in a thread of its own */
    unsigned char new_directory_id[16]; /* random; used when the directory is new */
};
#define HF_SEGMENT_BYTES_MIN (8u * 1024 * 1024)
/* The newest segment, the one made ahead, and two for what a snapshot needs while the next one is
 * written. */
#define HF_LOG_SEGMENTS_MIN 4u

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
 * copied. Holds add up. What could have been dropped meanwhile is, afterwards, by
 * hf_store_snapshot_write_step. A log that has reached its bound takes no notice of them: _broken
 * counts how often something was dropped in spite of one. */
void hf_store_hold(struct hf_store *store);
void hf_store_let_go(struct hf_store *store);
uint32_t hf_store_holds_broken(const struct hf_store *store);
/* Bytes a second that snapshots are written with, and that other work like it should keep to; 0: as
 * it comes. */
uint64_t hf_store_snapshot_rate_bytes(const struct hf_store *store);
/* Any thread: something is to be dropped. */
bool hf_store_retention_is_due(const struct hf_store *store);

/* Loop thread: records up to `lsn` may be written. */
void hf_store_publish(struct hf_store *store, uint64_t lsn);
/* Loop thread: let the ledger ring drop what is durable (hf_ledger_pin), and tell it for how much
 * the log has a place (hf_ledger_limit). Call it when the durable LSN has moved. */
void hf_store_pin(struct hf_store *store);
/*
 * Loop thread: may the engine be asked to log anything? False while the store is read only: the
 * next segment could not be made for lack of space (or of descriptors, or memory), or would take
 * the log beyond its bound, and the newest one has less left than the largest operation may need.
 * The engine never takes in a record that has no place (it answers HF_BUSY): what was accepted
 * before is written and synced. It becomes true by itself once the segment has been made. Each
 * change is reported once.
 */
bool hf_store_writable(struct hf_store *store);
/* Loop thread: why it is not. */
enum hf_store_cause {
    HF_STORE_WRITABLE,
    HF_STORE_NO_SPACE, /* the disk, or the system, did not give what the next segment needs */
    HF_STORE_LOG_MAX   /* the log has reached log_max_bytes */
};
enum hf_store_cause hf_store_cause(const struct hf_store *store);
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
 * A snapshot while the engine goes on (snapshot_run.h): the loop thread copies the state as of one
 * LSN in slices, the worker thread packs and writes them, names the file once the log is synced up
 * to that LSN, switches the manifest and drops what is no longer needed.
 *
 * Begin at the engine's LSN; publishes it. HF_BUSY: one is on, or what earlier ones kept is still
 * being given back, a little with each try; HF_NO_MEMORY, told once until one can begin; HF_IO:
 * the log has failed. After HF_OK
 * hf_store_snapshot_poll says once how it has ended.
 */
enum hf_err hf_store_snapshot_begin(struct hf_store *store, struct hf_engine *engine);
enum hf_store_copy {
    HF_STORE_COPIED,    /* nothing to copy: none is on, or all has been handed over */
    HF_STORE_COPIES,    /* call again */
    HF_STORE_COPY_WAITS /* the worker must write first */
};
/* Loop thread: copy a slice, a bounded piece of work well under a millisecond. */
enum hf_store_copy hf_store_snapshot_copy_step(struct hf_store *store);
/* Loop thread: have it end soon, with HF_BUSY; poll says when. Nothing happens when none is on. */
void hf_store_snapshot_cancel(struct hf_store *store);
/*
 * Loop thread: true once when a snapshot has ended. HF_OK: `lsn` is on disk. HF_BUSY: cancelled.
 * HF_LIMIT_EXCEEDED: the state changed faster than it was copied. HF_NO_MEMORY, HF_IO: a line in
 * the operator's log says more. But for HF_OK nothing has changed, and it may be tried again.
 */
bool hf_store_snapshot_poll(struct hf_store *store, enum hf_err *err, uint64_t *lsn);
enum hf_store_write {
    HF_STORE_IDLE,     /* no snapshot is on */
    HF_STORE_WORKED,   /* call again */
    HF_STORE_WAITS,    /* for a slice; or until the rate allows the next write */
    HF_STORE_WANTS_LOG /* for hf_store_log_sync up to its LSN */
};
/* Worker thread: one piece of work. `now_us` is a monotonic time, for the rate. It also drops what
 * is not needed when the log has reached its bound, whether a snapshot is on or not. */
enum hf_store_write hf_store_snapshot_write_step(struct hf_store *store, uint64_t now_us);
/* Worker thread: true when that has work at `now_us`; else it has at *due_us, if not UINT64_MAX. */
bool hf_store_snapshot_has_work(const struct hf_store *store, uint64_t now_us, uint64_t *due_us);
/* Loop thread: true when the configuration asks for one at `now_us` (cadence.h), or the log nears
 * its bound, and none is on. */
bool hf_store_snapshot_is_due(struct hf_store *store, uint64_t now_us);

/* How far the one that is on has come. Loop thread. */
struct hf_store_snapshot_progress {
    bool is_on, is_copied;
    uint64_t lsn;
    uint64_t items_left, items_count; /* slots of the state */
    uint64_t kept_bytes, kept_bytes_max;
    uint64_t file_bytes;
};
void hf_store_snapshot_progress(const struct hf_store *store,
                                struct hf_store_snapshot_progress *progress);
/* Loop thread: the worker need not mind the rate any more: memory for what changes gets scarce. */
void hf_store_snapshot_hurry(struct hf_store *store);

/*
 * A snapshot in one go, where nothing goes on meanwhile: at a stop, in tests. The log must be
 * synced up to the engine's LSN (else HF_BUSY) and none may be on. HF_OK also when there is one of
 * this LSN. HF_IO, HF_CORRUPT (read back), HF_NO_MEMORY with a sentence in `error`.
 */
enum hf_err hf_store_snapshot_all(struct hf_store *store, struct hf_engine *engine, char *error,
                                  size_t error_bytes);

/* Any thread: a line to the report given at open. */
void hf_store_say(const struct hf_store *store, char level, const char *text);

struct hf_store_stats {
    uint64_t durable_lsn, synced_lsn;
    uint64_t fsyncs_count;
    uint64_t blocks_count;
    uint64_t log_bytes;      /* stored, since open */
    uint64_t log_raw_bytes;  /* before compression, since open */
    uint64_t log_size_bytes; /* of the segments' files, the one made ahead among them */
    uint64_t log_max_bytes;
    uint64_t snapshot_lsn;
    uint64_t snapshots_count;   /* written since open */
    uint64_t snapshot_bytes;    /* of the newest file; 0: none was written since open */
    uint64_t recovered_records; /* replayed at open */
};
void hf_store_stats(const struct hf_store *store, struct hf_store_stats *stats);

#endif
