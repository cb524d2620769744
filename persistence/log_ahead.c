#include "persistence/log_ahead.h"

#include <stdlib.h>
#include <string.h>

#include "engine/assert.h"
#include "engine/pool.h"

#define LOOK_PIECES 8 /* between two looks at how the engine grows */

enum hf_err hf_log_ahead_init(struct hf_log_ahead *log, struct hf_segment_reader *reader)
{
    bool has_memory = true;

    *log = (struct hf_log_ahead){.reader = reader, .wants_thread = reader->directory->works_ahead};
    for (uint32_t i = 0; i <= HF_LOG_AHEAD_PIECES; i++) {
        log->rooms[i] = malloc(HF_BLOCK_RAW_BYTES_MAX);
        has_memory = has_memory && log->rooms[i] != NULL;
    }
    for (uint32_t i = 0; i < HF_LOG_AHEAD_PIECES; i++) {
        log->pieces[i].decoded = hf_decoded_create();
        has_memory = has_memory && log->pieces[i].decoded != NULL;
    }
    return has_memory ? HF_OK : HF_NO_MEMORY;
}

void hf_log_ahead_release(struct hf_log_ahead *log)
{
    hf_log_ahead_end(log);
    for (uint32_t i = 0; i <= HF_LOG_AHEAD_PIECES; i++) {
        free(log->rooms[i]);
    }
    for (uint32_t i = 0; i < HF_LOG_AHEAD_PIECES; i++) {
        hf_decoded_free(log->pieces[i].decoded);
    }
    *log = (struct hf_log_ahead){0};
}

/* The first block that is not skipped ends it: there is no gap between those that are wanted. */
static bool is_skipped(struct hf_log_skip *skip, const struct hf_block_header *block)
{
    const bool is_old = skip->raw_bytes >= block->raw_bytes && block->last_lsn <= skip->last_lsn;

    skip->raw_bytes = is_old ? skip->raw_bytes - block->raw_bytes : 0;
    return is_old;
}

/* The next block's raw bytes, into the next room. */
static void open_block(struct hf_log_ahead *log)
{
    struct hf_log_piece *block = &log->block;
    const unsigned char *bytes = NULL;

    *block = (struct hf_log_piece){.is_first = true, .offset = log->reader->offset};
    block->err = hf_segment_reader_next(log->reader, &block->block, &bytes, &block->why);
    if (block->err != HF_OK) {
        return;
    }
    /* Behind the zeros between two groups. */
    block->offset = log->reader->offset - hf_block_bytes(&block->block);
    if (is_skipped(&log->skip, &block->block)) {
        block->is_skipped = true;
        return;
    }
    log->room = (log->room + 1) % (HF_LOG_AHEAD_PIECES + 1);
    unsigned char *room = log->rooms[log->room];
    log->at = hf_block_raw(&block->block, bytes, room);
    log->left = log->at == NULL ? 0 : block->block.raw_bytes;
    if (log->at != NULL && log->at != room) {
        memcpy(room, log->at, log->left); /* the reader's bytes are gone with its next block */
        log->at = room;
    }
}

static bool fill(void *arg, uint32_t index)
{
    struct hf_log_ahead *log = arg;
    struct hf_log_piece *piece = &log->pieces[index];
    struct hf_decoded *decoded = piece->decoded;

    if (log->left == 0) {
        open_block(log);
    }
    for (uint32_t i = 0; i < piece->due_count; i++) {
        hf_memory_populate(piece->due[i].memory, piece->due[i].bytes_count);
    }
    *piece = log->block;
    piece->decoded = decoded;
    log->block.is_first = false;
    if (piece->err != HF_OK) {
        return false;
    }
    if (log->at == NULL || piece->is_skipped) {
        decoded->records_count = 0;
        decoded->why = piece->is_skipped ? NULL : "the block does not decode";
    } else {
        decoded->history.is_for_replay = log->wants_thread && index % 2 == 0; /* half of it */
        const size_t taken = hf_decoded_take(decoded, log->at, log->left);
        log->at += taken;
        log->left -= taken;
    }
    if (decoded->why != NULL) {
        log->left = 0;
    }
    piece->is_last = log->left == 0;
    return true;
}

enum hf_err hf_log_ahead_begin(struct hf_log_ahead *log, struct hf_engine *engine)
{
    HF_ASSERT(log->ahead == NULL);

    if (log->engine == NULL) { /* the first segment */
        log->engine = engine;
        hf_growth_begin(&log->growth, engine);
    }
    log->taken = NULL;
    for (uint32_t i = 0; i < HF_LOG_AHEAD_PIECES; i++) {
        hf_decoded_begin(log->pieces[i].decoded, engine);
        log->pieces[i].due_count = 0;
    }
    log->left = 0;
    log->ahead = hf_ahead_start(HF_LOG_AHEAD_PIECES, log->wants_thread, fill, log);
    return log->ahead == NULL ? HF_NO_MEMORY : HF_OK;
}

/* Leave what is due in the piece that is given back, every few thousand records. */
static void look_ahead(struct hf_log_ahead *log)
{
    if (log->taken == NULL) {
        return;
    }
    log->taken->due_count = 0;
    if (log->wants_thread && ++log->pieces_count % LOOK_PIECES == 0) {
        log->taken->due_count =
            hf_growth_look(&log->growth, log->engine, log->taken->due, HF_LOG_AHEAD_PARTS);
    }
}

struct hf_log_piece *hf_log_ahead_next(struct hf_log_ahead *log)
{
    uint32_t index = 0;

    look_ahead(log);
    const bool is_there = hf_ahead_take(log->ahead, &index);
    HF_ASSERT(is_there); /* the last one has an error */
    log->taken = &log->pieces[index];
    return log->taken;
}

void hf_log_ahead_end(struct hf_log_ahead *log)
{
    hf_ahead_end(log->ahead);
    log->ahead = NULL;
    log->taken = NULL;
}
