#include "persistence/snapshot_run.h"

#include <stdlib.h>

#include "engine/assert.h"
#include "engine/ledger.h"
#include "persistence/cadence.h"

#define FRESH_BYTES (UINT64_C(2) * 1024 * 1024) /* a large page */
#define FRESH_US UINT64_C(10000)                /* from one to the next, when there is no hurry */
#define CHUNK_BYTES_MAX (HF_RUN_CHUNK_BYTES + HF_SNAPSHOT_RAW_BYTES_MAX)

/* What the worker does next. */
enum phase { PHASE_BEGIN, PHASE_BLOCKS, PHASE_CHECK, PHASE_READY };

void hf_snapshot_run_init(struct hf_snapshot_run *run, uint64_t rate_bytes)
{
    *run = (struct hf_snapshot_run){.rate_bytes = rate_bytes};
}

/* All chunks empty, and memory for them if there is none yet. */
static bool have_chunks(struct hf_snapshot_run *run)
{
    bool has_chunks = true;

    for (uint32_t i = 0; i < HF_RUN_CHUNKS && has_chunks; i++) {
        struct hf_run_chunk *chunk = &run->chunks[i];
        if (chunk->bytes == NULL) {
            chunk->bytes = malloc(CHUNK_BYTES_MAX);
        }
        has_chunks = chunk->bytes != NULL;
        chunk->split = chunk->bytes_count = 0;
    }
    return has_chunks;
}

static void end_reading(struct hf_snapshot_run *run)
{
    if (run->is_reading) {
        hf_engine_snapshot_end(run->engine);
        run->is_reading = false;
    }
}

void hf_snapshot_run_release(struct hf_snapshot_run *run)
{
    hf_snapshot_writer_release(&run->writer);
    end_reading(run);
    for (uint32_t i = 0; i < HF_RUN_CHUNKS; i++) {
        free(run->chunks[i].bytes);
        run->chunks[i] = (struct hf_run_chunk){0};
    }
    run->is_on = false;
}

/* ------------------------------------------------------------------ the loop's side */

/* What the engine is about to touch for the first time is told to the worker. */
static void tell_fresh(struct hf_snapshot_run *run)
{
    if (atomic_load_explicit(&run->fresh_count, memory_order_acquire) == 0) {
        const uint32_t count = hf_engine_snapshot_fresh(run->engine, run->fresh);
        atomic_store_explicit(&run->fresh_count, count, memory_order_release);
    }
}

enum hf_err hf_snapshot_run_begin(struct hf_snapshot_run *run, struct hf_engine *engine,
                                  uint64_t bytes_max)
{
    HF_ASSERT(hf_engine_lsn(engine) > 0);

    if (run->is_on) {
        return HF_BUSY;
    }
    if (!have_chunks(run)) {
        return HF_NO_MEMORY;
    }
    bool is_begun = hf_engine_snapshot_begin(engine, bytes_max);
    if (!is_begun) {
        /* Gives back some of what earlier readings have left; where nothing is left, that was not
         * the reason. */
        const bool is_any_left = hf_engine_expire(engine, 0, 0).is_more;
        is_begun = !is_any_left && hf_engine_snapshot_begin(engine, bytes_max);
        if (!is_begun) {
            return is_any_left ? HF_BUSY : HF_NO_MEMORY;
        }
    }
    const struct hf_ledger *ledger = hf_engine_ledger(engine);
    run->engine = engine;
    run->is_on = true;
    run->is_reading = true;
    run->lsn = hf_engine_snapshot_lsn(engine);
    run->ledger_first_lsn = ledger->first_lsn <= ledger->last_lsn ? ledger->first_lsn : UINT64_MAX;
    run->bytes_max = bytes_max;
    run->items_count = hf_engine_snapshot_items_left(engine);
    run->phase = PHASE_BEGIN;
    run->err = HF_OK;
    run->due_us = 0;
    run->fresh_due_us = 0;
    atomic_store(&run->filled_count, 0);
    atomic_store(&run->written_count, 0);
    atomic_store(&run->is_copied, false);
    atomic_store(&run->is_hurried, false);
    atomic_store(&run->cancelled, HF_OK);
    atomic_store(&run->has_ended, false);
    atomic_store(&run->file_bytes, 0);
    atomic_store(&run->is_prepared, false);
    atomic_store(&run->fresh_count, 0);
    tell_fresh(run);
    atomic_store_explicit(&run->is_open, true, memory_order_release); /* the last: all is set */
    return HF_OK;
}

/* The chunk that is being filled goes to the worker. */
static void hand_over(struct hf_snapshot_run *run)
{
    const uint32_t count = atomic_load_explicit(&run->filled_count, memory_order_relaxed);
    atomic_store_explicit(&run->filled_count, count + 1, memory_order_release);
}

static void stop_reading(struct hf_snapshot_run *run, enum hf_err err)
{
    end_reading(run);
    hf_snapshot_run_cancel(run, err);
}

enum hf_store_copy hf_snapshot_run_copy(struct hf_snapshot_run *run)
{
    size_t bytes_count = 0;
    bool is_end = false;

    if (!run->is_reading) {
        return HF_STORE_COPIED;
    }
    if (atomic_load(&run->has_ended) || atomic_load(&run->cancelled) != HF_OK) {
        end_reading(run); /* what the engine keeps aside is for nobody */
        return HF_STORE_COPIED;
    }
    if (!atomic_load_explicit(&run->is_prepared, memory_order_acquire)) {
        return HF_STORE_COPY_WAITS;
    }
    tell_fresh(run);
    const uint32_t filled = atomic_load_explicit(&run->filled_count, memory_order_relaxed);
    if (filled - atomic_load_explicit(&run->written_count, memory_order_acquire) == HF_RUN_CHUNKS) {
        return HF_STORE_COPY_WAITS;
    }
    struct hf_run_chunk *chunk = &run->chunks[filled % HF_RUN_CHUNKS];
    const enum hf_err err =
        hf_engine_snapshot_step(run->engine, HF_RUN_SLOTS_MAX, chunk->bytes + chunk->bytes_count,
                                HF_SNAPSHOT_RAW_BYTES_MAX, &bytes_count, &is_end);
    if (err != HF_OK) {
        stop_reading(run, err);
        return HF_STORE_COPIED;
    }
    if (chunk->bytes_count + bytes_count > HF_SNAPSHOT_RAW_BYTES_MAX) {
        chunk->split = chunk->bytes_count;
    }
    chunk->bytes_count += (uint32_t)bytes_count;
    HF_ASSERT(chunk->bytes_count <= CHUNK_BYTES_MAX);
    if (chunk->bytes_count >= HF_RUN_CHUNK_BYTES || (is_end && chunk->bytes_count > 0)) {
        hand_over(run);
    }
    if (is_end) {
        end_reading(run);
        atomic_store_explicit(&run->is_copied, true, memory_order_release);
        return HF_STORE_COPIED;
    }
    return HF_STORE_COPIES;
}

void hf_snapshot_run_cancel(struct hf_snapshot_run *run, enum hf_err err)
{
    int none = HF_OK;

    HF_ASSERT(err != HF_OK);
    if (run->is_on) {
        (void)atomic_compare_exchange_strong(&run->cancelled, &none, (int)err); /* the first one */
    }
}

bool hf_snapshot_run_poll(struct hf_snapshot_run *run, enum hf_err *err)
{
    if (!run->is_on || !atomic_load_explicit(&run->has_ended, memory_order_acquire)) {
        return false;
    }
    *err = run->err;
    end_reading(run);
    run->is_on = false;
    return true;
}

/* ------------------------------------------------------------------ the worker's side */

void hf_snapshot_run_end(struct hf_snapshot_run *run, enum hf_err err)
{
    hf_snapshot_writer_drop(&run->writer);
    run->err = err;
    atomic_store(&run->is_open, false);
    atomic_store_explicit(&run->has_ended, true, memory_order_release); /* the last: N3 */
}

static uint32_t waiting_count(const struct hf_snapshot_run *run)
{
    return atomic_load_explicit(&run->filled_count, memory_order_acquire) -
           atomic_load_explicit(&run->written_count, memory_order_relaxed);
}

static bool has_fresh(const struct hf_snapshot_run *run)
{
    return atomic_load_explicit(&run->fresh_count, memory_order_acquire) > 0;
}

static bool is_hurried(const struct hf_snapshot_run *run)
{
    return atomic_load_explicit(&run->is_hurried, memory_order_relaxed);
}

/*
 * Have a piece made of the memory that the loop has told of. False: there is none left. Pieces,
 * with pauses, because while pages are made whoever changes the address space waits, and on a
 * virtual machine the disk may, too.
 */
static bool make_piece(struct hf_snapshot_run *run)
{
    const uint32_t count = atomic_load_explicit(&run->fresh_count, memory_order_acquire);

    if (count == 0) {
        return false;
    }
    struct hf_memory_part *part = &run->fresh[count - 1];
    const uint64_t bytes_count = part->bytes_count < FRESH_BYTES ? part->bytes_count : FRESH_BYTES;
    hf_memory_populate(part->memory, bytes_count);
    part->memory += bytes_count;
    part->bytes_count -= bytes_count;
    if (part->bytes_count == 0) {
        atomic_store_explicit(&run->fresh_count, count - 1, memory_order_release);
    }
    return true;
}

/* `is_alone`: there is no other thread that would wait. */
static void make_fresh(struct hf_snapshot_run *run, bool is_alone, uint64_t now_us)
{
    if (is_alone) {
        while (make_piece(run)) {
        }
    } else if (now_us >= run->fresh_due_us && make_piece(run)) {
        run->fresh_due_us = is_hurried(run) ? 0 : now_us + FRESH_US;
    }
}

/* Before the first slice, and behind make_fresh. */
static void prepare(struct hf_snapshot_run *run)
{
    for (uint32_t i = 0; i < HF_RUN_CHUNKS; i++) {
        hf_memory_populate(run->chunks[i].bytes, HF_RUN_CHUNK_BYTES);
    }
    atomic_store_explicit(&run->is_prepared, true, memory_order_release);
}

/* The rate: a write of so many bytes takes a while, and the next one is due when it is over. */
static void note_rate(struct hf_snapshot_run *run, uint64_t bytes_count, uint64_t now_us)
{
    run->due_us = hf_rate_due_us(run->due_us, now_us, bytes_count, run->rate_bytes);
}

/* Once all is copied nothing is kept aside any more, and there is no hurry. */
static bool is_due(const struct hf_snapshot_run *run, uint64_t now_us)
{
    return now_us >= run->due_us || (run->phase == PHASE_BLOCKS && is_hurried(run));
}

static enum hf_err write_chunk(struct hf_snapshot_run *run, uint64_t now_us)
{
    const uint32_t written = atomic_load_explicit(&run->written_count, memory_order_relaxed);
    struct hf_run_chunk *chunk = &run->chunks[written % HF_RUN_CHUNKS];
    const uint64_t before = run->writer.offset;
    enum hf_err err = HF_OK;

    if (chunk->split > 0) {
        err = hf_snapshot_writer_put(&run->writer, chunk->bytes, chunk->split);
    }
    if (err == HF_OK) {
        err = hf_snapshot_writer_put(&run->writer, chunk->bytes + chunk->split,
                                     chunk->bytes_count - chunk->split);
    }
    note_rate(run, run->writer.offset - before, now_us);
    atomic_store_explicit(&run->file_bytes, run->writer.offset, memory_order_relaxed);
    chunk->split = 0;
    chunk->bytes_count = 0;
    atomic_store_explicit(&run->written_count, written + 1, memory_order_release);
    return err;
}

static enum hf_err check_block(struct hf_snapshot_run *run, uint64_t now_us)
{
    const uint64_t before = run->writer.reader.offset;
    bool is_end = false;

    const enum hf_err err = hf_snapshot_writer_check(&run->writer, &is_end);
    note_rate(run, run->writer.reader.offset - before, now_us);
    if (err == HF_OK && is_end) {
        run->phase = PHASE_READY;
    }
    return err;
}

/* One piece of work of this phase; *is_idle: there is none now. */
static enum hf_err step(struct hf_snapshot_run *run, const struct hf_directory *directory,
                        const struct hf_manifest *manifest, uint64_t now_us, bool *is_idle)
{
    enum hf_err err = HF_OK;

    switch ((enum phase)run->phase) {
    case PHASE_BEGIN:
        prepare(run);
        run->phase = PHASE_BLOCKS;
        return hf_snapshot_writer_begin(&run->writer, directory, run->lsn,
                                        hf_manifest_epoch(manifest, run->lsn));
    case PHASE_BLOCKS: {
        /* In this order: what was handed over before the last word is seen. */
        const bool is_copied = atomic_load_explicit(&run->is_copied, memory_order_acquire);
        if (waiting_count(run) == 0) {
            *is_idle = !is_copied;
            if (is_copied) {
                run->phase = PHASE_CHECK;
                err = hf_snapshot_writer_seal(&run->writer);
                atomic_store_explicit(&run->file_bytes, run->writer.offset, memory_order_relaxed);
            }
            return err;
        }
        *is_idle = !is_due(run, now_us);
        return *is_idle ? HF_OK : write_chunk(run, now_us);
    }
    case PHASE_CHECK:
        *is_idle = !is_due(run, now_us);
        return *is_idle ? HF_OK : check_block(run, now_us);
    case PHASE_READY:
        break;
    }
    *is_idle = true;
    return HF_OK;
}

enum hf_store_write hf_snapshot_run_write(struct hf_snapshot_run *run,
                                          const struct hf_directory *directory,
                                          const struct hf_manifest *manifest, uint64_t now_us)
{
    bool is_idle = false;

    if (!atomic_load_explicit(&run->is_open, memory_order_acquire)) {
        return HF_STORE_IDLE;
    }
    const int cancelled = atomic_load(&run->cancelled);
    if (cancelled != HF_OK) {
        run->writer.error[0] = '\0'; /* who has cancelled it knows why */
        hf_snapshot_run_end(run, (enum hf_err)cancelled);
        return HF_STORE_WORKED;
    }
    make_fresh(run, !directory->works_ahead, now_us);
    if (run->phase == PHASE_BEGIN && has_fresh(run)) {
        return HF_STORE_WAITS; /* N4 */
    }
    const enum hf_err err = step(run, directory, manifest, now_us, &is_idle);
    if (err != HF_OK) {
        hf_directory_say(directory, 'e', "%s", run->writer.error);
        hf_snapshot_run_end(run, err == HF_NO_MEMORY ? HF_NO_MEMORY : HF_IO);
        return HF_STORE_WORKED;
    }
    if (run->phase == PHASE_READY) {
        return HF_STORE_WANTS_LOG;
    }
    return is_idle ? HF_STORE_WAITS : HF_STORE_WORKED;
}

bool hf_snapshot_run_has_work(const struct hf_snapshot_run *run, uint64_t now_us, uint64_t *due_us)
{
    *due_us = UINT64_MAX;
    if (!atomic_load_explicit(&run->is_open, memory_order_acquire)) {
        return false;
    }
    const bool is_waiting = has_fresh(run) && now_us < run->fresh_due_us;
    if (atomic_load(&run->cancelled) != HF_OK || (has_fresh(run) && !is_waiting) ||
        (run->phase == PHASE_BEGIN && !is_waiting)) {
        return true;
    }
    if (is_waiting) {
        *due_us = run->fresh_due_us;
    }
    if (run->phase == PHASE_BEGIN) {
        return false;
    }
    if (run->phase == PHASE_READY) {
        return false; /* it is the log that is waited for */
    }
    if (run->phase == PHASE_BLOCKS && waiting_count(run) == 0) {
        return atomic_load(&run->is_copied);
    }
    *due_us = run->due_us < *due_us ? run->due_us : *due_us;
    return is_due(run, now_us);
}

bool hf_snapshot_run_is_ready(const struct hf_snapshot_run *run)
{
    return atomic_load_explicit(&run->is_open, memory_order_acquire) && run->phase == PHASE_READY;
}

enum hf_err hf_snapshot_run_name(struct hf_snapshot_run *run)
{
    HF_ASSERT(run->phase == PHASE_READY);
    return hf_snapshot_writer_name(&run->writer);
}
