/*
 * snapshot_run.h - a snapshot under way: the engine's state as of one LSN, on its way to a file
 * while the engine goes on.
 *
 *     loop                                            worker
 *     begin    hf_engine_snapshot_begin                 make the memory that it will need
 *     copy     a slice of the state -> chunk  ======>   pack, write, sync now and then
 *     copy     ...                        8 chunks      ...
 *     copy     all is copied                  ------>   seal: footer, header, sync
 *                                                       read it back
 *                                                       name it, once the log is synced so far
 *     poll  <---------------------------------------    ended, HF_OK or what went wrong
 *
 * Invariants:
 *     N1  a chunk belongs to the loop until it is counted in `filled_count`, then to the worker
 *         until it is counted in `written_count`; there are HF_RUN_CHUNKS of them, used in turn, so
 *         a snapshot needs the same few MiB whatever its size, and the next one uses them again
 *     N2  the loop never waits: with no free chunk it leaves the state where it is
 *     N3  only the worker touches files, and it has removed what it made when it says that it
 *         ended with anything but HF_OK
 *     N4  the loop touches no new memory as long as the worker keeps up: the first slice waits
 *         until what it needs was made, and what the engine will need next is told to the worker
 *     N5  once begun, a run ends through poll and in no other way; a cancel is a wish
 *
 * They meet in the atomics below, and nowhere else. A simulator calls both sides from one thread.
 */
#ifndef HF_PERSISTENCE_SNAPSHOT_RUN_H
#define HF_PERSISTENCE_SNAPSHOT_RUN_H

#include <stdatomic.h>

#include "engine/engine.h"
#include "engine/pool.h"
#include "persistence/manifest.h"
#include "persistence/snapshot.h"

#define HF_RUN_CHUNKS 8u

/* A slice looks at no more slots than this, at fewer where items are long: some ten microseconds,
 * after which the one who drives it looks at the clock again. */
#define HF_RUN_SLOTS_MAX 256u
/* A chunk goes to the worker once it holds so much: enough for LZ4 to find what repeats, little
 * enough to be worked on in cache. */
#define HF_RUN_CHUNK_BYTES (256u * 1024)

struct hf_run_chunk {
    unsigned char *bytes; /* HF_RUN_CHUNK_BYTES + HF_SNAPSHOT_RAW_BYTES_MAX */
    uint32_t split;       /* where its second block begins; 0: it is one block */
    uint32_t bytes_count;
};

struct hf_snapshot_run {
    /* Loop. */
    struct hf_engine *engine;
    bool is_on;      /* from begin to poll */
    bool is_reading; /* the engine's reading is on */
    uint64_t lsn;
    uint64_t
        ledger_first_lsn; /* oldest record in memory at begin, worth keeping; UINT64_MAX: none */
    uint64_t bytes_max;   /* that the engine may keep aside */
    uint64_t items_count; /* slots to look at, at begin: for progress */
    struct hf_run_chunk chunks[HF_RUN_CHUNKS]; /* their memory stays from run to run */

    /* Memory to be made: the loop's while fresh_count is 0, else the worker's. */
    struct hf_memory_part fresh[HF_MEMORY_PARTS];
    uint64_t fresh_due_us; /* the worker's */

    /* Both. */
    _Atomic uint32_t filled_count;
    _Atomic uint32_t written_count;
    _Atomic uint32_t fresh_count;
    _Atomic bool is_prepared;    /* worker -> loop: there is memory for what comes */
    _Atomic bool is_copied;      /* loop -> worker: no chunk comes any more */
    _Atomic bool is_hurried;     /* loop -> worker: never mind the rate */
    _Atomic int cancelled;       /* loop -> worker: an enum hf_err other than HF_OK ends it */
    _Atomic bool is_open;        /* loop -> worker: there is something to do */
    _Atomic bool has_ended;      /* worker -> loop */
    _Atomic uint64_t file_bytes; /* worker -> all: written so far */

    /* Worker. */
    unsigned phase; /* enum in snapshot_run.c */
    struct hf_snapshot_writer writer;
    enum hf_err err;
    uint64_t rate_bytes; /* a second; 0: as it comes */
    uint64_t due_us;     /* the rate allows the next write from then on */
};

void hf_snapshot_run_init(struct hf_snapshot_run *run, uint64_t rate_bytes);
/* Also in the middle, when the worker's side does not run any more. What was written stays for the
 * next start to remove, as a process that ends leaves it. The engine must still be there. */
void hf_snapshot_run_release(struct hf_snapshot_run *run);

/* ------------------------------------------------------------------ the loop's side */

/* Begin at the engine's LSN, which is not 0. HF_NO_MEMORY. HF_BUSY: one is on; or the engine has
 * not given back yet what earlier ones kept: try again a little later. */
enum hf_err hf_snapshot_run_begin(struct hf_snapshot_run *run, struct hf_engine *engine,
                                  uint64_t bytes_max);
/* Copy a slice. A bounded piece of work, well under a millisecond. */
enum hf_store_copy hf_snapshot_run_copy(struct hf_snapshot_run *run);
/* Have it end soon, with `err`: HF_BUSY. What is nearly named may still end well. */
void hf_snapshot_run_cancel(struct hf_snapshot_run *run, enum hf_err err);
/* True once when the run has ended: *err says how. */
bool hf_snapshot_run_poll(struct hf_snapshot_run *run, enum hf_err *err);

/* ------------------------------------------------------------------ the worker's side */

/*
 * One piece of work: a chunk written, a block read back. HF_STORE_WANTS_LOG: whole and checked;
 * when the log is synced up to its LSN hf_snapshot_run_name and hf_snapshot_run_end are next.
 */
enum hf_store_write hf_snapshot_run_write(struct hf_snapshot_run *run,
                                          const struct hf_directory *directory,
                                          const struct hf_manifest *manifest, uint64_t now_us);
/* True when hf_snapshot_run_write has something to do at `now_us`; *due_us is a later time at which
 * it will, UINT64_MAX: when the loop brings something. */
bool hf_snapshot_run_has_work(const struct hf_snapshot_run *run, uint64_t now_us, uint64_t *due_us);
/* Worker: whole and checked; it waits for the log. */
bool hf_snapshot_run_is_ready(const struct hf_snapshot_run *run);
/* Give the file its final name. HF_OK: on disk; else a sentence in run->writer.error. */
enum hf_err hf_snapshot_run_name(struct hf_snapshot_run *run);
/* The last word of the worker's side. */
void hf_snapshot_run_end(struct hf_snapshot_run *run, enum hf_err err);

#endif
