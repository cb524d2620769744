/*
 * threads.h - runs a store (store.h) on real threads, for a program with an event loop.
 *
 *     loop thread            log thread                      worker thread
 *     publish(lsn) --------> hf_store_log_step ...           snapshot files
 *     poll() <---- wake_cb --- durable LSN moved
 *     turn(): slices of a snapshot, chunks -----------------> hf_store_snapshot_write_step ...
 *     poll() <---- wake_cb ---------------------------------- a snapshot is written
 *
 * A fourth thread makes the next log segment ahead (hf_store_spare_step), and when there is no
 * space for it, tries again every second. It wakes the loop, too.
 *
 * The log thread never waits while something is published and not written: no timer, no minimum
 * group. While it syncs, the next group gathers in the ledger ring. Publishing costs two atomic
 * accesses; only when the log thread sleeps does it cost a system call.
 *
 * One callback, `wake_cb`, comes from the other threads: it must be cheap, must not block and must
 * not call back into this file; it typically is uv_async_send, after which the loop calls
 * hf_store_threads_poll. Everything else here belongs to the loop thread. This file's .c is the
 * only one in persistence/ that knows pthreads and a clock.
 */
#ifndef HF_PERSISTENCE_THREADS_H
#define HF_PERSISTENCE_THREADS_H

#include "persistence/store.h"

struct hf_store_threads;

typedef void (*hf_store_wake_cb)(void *arg);
/* `lsn` is the snapshot's. HF_OK; HF_BUSY: cancelled by a stop; HF_IO, HF_NO_MEMORY,
 * HF_LIMIT_EXCEEDED after a line in the operator's log said why. */
typedef void (*hf_store_snapshot_cb)(void *arg, enum hf_err err, uint64_t lsn);

/*
 * Start the threads over an open store and its engine, both of which
 * must outlive them. NULL: no memory or no threads are to be had.
 */
struct hf_store_threads *hf_store_threads_start(struct hf_store *store, struct hf_engine *engine,
                                                hf_store_wake_cb wake_cb, void *arg);

/* Records up to and including `lsn` are in the ledger ring and may be written. Never blocks. */
void hf_store_threads_publish(struct hf_store_threads *threads, uint64_t lsn);

/*
 * After a wake-up: let the ledger ring drop what is durable, call `done_cb` of a snapshot that has
 * ended, and return the durable LSN. A wake-up also comes when the log has failed:
 * hf_store_failed(store) is true then, and the program must stop.
 */
uint64_t hf_store_threads_poll(struct hf_store_threads *threads);

/*
 * A snapshot of the state as it is now, or, when one is under way that nobody asked for, as it is
 * when that one has ended; hf_store_threads_poll calls `done_cb`. HF_BUSY: one that was asked for
 * is under way already; HF_NO_MEMORY; HF_IO: the log has failed. `done_cb` is called only after
 * HF_OK.
 */
enum hf_err hf_store_threads_snapshot(struct hf_store_threads *threads,
                                      hf_store_snapshot_cb done_cb, void *arg);

/*
 * Once in each turn of the loop, best behind what the turn has published: begins a snapshot that is
 * due or was asked for, and copies a slice of the one under way, a small share of the loop's time
 * (cadence.h) and well under a millisecond at once. Returns in how many microseconds, at the
 * latest, it wants to be called again, whether the loop has turned by then or not.
 */
uint64_t hf_store_threads_turn(struct hf_store_threads *threads);

/* Give up the snapshot under way and the one that waits for it, at the beginning of a stop: their
 * `done_cb` hears HF_BUSY in one of the next polls. */
void hf_store_threads_snapshot_cancel(struct hf_store_threads *threads);

struct hf_store_threads_stats {
    uint64_t snapshot_last_us;             /* from begin to end, of the newest that ended well */
    uint64_t snapshot_longest_copy_us;     /* the longest slice on the loop since the start ... */
    uint64_t snapshot_longest_copy_cpu_us; /* ... and by what it had of a processor */
    uint64_t snapshots_failed;
};
void hf_store_threads_stats(const struct hf_store_threads *threads,
                            struct hf_store_threads_stats *stats);

/*
 * Write and sync all that was published, cancel a snapshot under way (its `done_cb` is called
 * before this returns), end the threads and free `threads`. The store stays open: a clean stop
 * goes on with hf_store_snapshot_all and hf_store_close.
 * HF_IO: the log has failed, before or now. Accepts NULL.
 */
enum hf_err hf_store_threads_stop(struct hf_store_threads *threads);

#endif
