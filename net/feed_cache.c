#include "net/feed_cache.h"

#include "engine/assert.h"
#include "engine/ledger.h"
#include "engine/record.h"
#include "net/codec_feed.h"

/* A buffer that one huge record has blown up gives its memory back when it is used again. */
#define BYTES_KEPT (4 * HF_FEED_CHUNK_BYTES)
/* Entries of one chunk: they fit the count of a frame. The largest record has fewer. */
#define ENTRIES_MAX 32768u

void hf_feed_cache_init(struct hf_feed_cache *cache, struct hf_engine *engine,
                        const struct hf_log *log, void (*arrived_cb)(void *arg), void *arg)
{
    *cache = (struct hf_feed_cache){
        .engine = engine, .log = log, .arrived_cb = arrived_cb, .arrived_arg = arg};
    for (size_t i = 0; i < HF_FEED_READS_MAX; i++) {
        cache->reads[i].cache = cache;
    }
}

void hf_feed_cache_release(struct hf_feed_cache *cache)
{
    for (size_t i = 0; i < HF_FEED_READS_MAX; i++) {
        HF_ASSERT(!cache->reads[i].is_running);
    }
    for (size_t i = 0; i < HF_FEED_CHUNKS; i++) {
        hf_buffer_release(&cache->chunks[i].entries);
    }
    for (size_t i = 0; i < HF_FEED_PIECES; i++) {
        hf_buffer_release(&cache->pieces[i].records);
    }
    *cache = (struct hf_feed_cache){0};
}

static void empty(struct hf_buffer *buffer)
{
    if (buffer->is_failed || buffer->bytes_max > BYTES_KEPT) {
        hf_buffer_release(buffer);
    }
    hf_buffer_clear(buffer);
}

/* ------------------------------------------------------------------ the log's epochs and reach */

uint32_t hf_feed_epoch(const struct hf_log *log, uint64_t lsn)
{
    uint32_t epoch = log->epochs_count > 0 ? log->epochs[0].epoch : log->epoch;
    for (uint32_t i = 1; i < log->epochs_count && log->epochs[i].first_lsn <= lsn; i++) {
        epoch = log->epochs[i].epoch;
    }
    return epoch;
}

uint64_t hf_feed_first_lsn(struct hf_feed_cache *cache)
{
    const struct hf_log *log = cache->log;
    const uint64_t in_memory = hf_engine_ledger(cache->engine)->first_lsn;
    const uint64_t in_files = log->ops->first_lsn(log->ctx);
    return in_memory < in_files ? in_memory : in_files;
}

/* ------------------------------------------------------------------ records */

/* The record of `lsn` in a piece that holds it. */
static const unsigned char *find_in_piece(struct hf_feed_piece *piece, uint64_t lsn,
                                          uint32_t *bytes_count)
{
    const unsigned char *records = hf_buffer_front(&piece->records);

    if (lsn < piece->at_lsn) {
        piece->at_lsn = piece->first_lsn;
        piece->at = 0;
    }
    while (piece->at_lsn < lsn) {
        piece->at += hf_record_bytes(records + piece->at);
        piece->at_lsn++;
        HF_ASSERT(piece->at < hf_buffer_count(&piece->records));
    }
    *bytes_count = hf_record_bytes(records + piece->at);
    return records + piece->at;
}

/* The record, from memory or a piece; NULL: it must be read. */
static const unsigned char *find_record(struct hf_feed_cache *cache, uint64_t lsn,
                                        uint32_t *bytes_count)
{
    const unsigned char *record = hf_ledger_get(hf_engine_ledger(cache->engine), lsn, bytes_count);
    for (size_t i = 0; record == NULL && i < HF_FEED_PIECES; i++) {
        struct hf_feed_piece *piece = &cache->pieces[i];
        if (piece->first_lsn <= lsn && lsn <= piece->last_lsn) {
            piece->used = cache->uses;
            record = find_in_piece(piece, lsn, bytes_count);
        }
    }
    return record;
}

/* Count the records that a read has given, and see that they are what was asked for. */
static bool judge_records(const unsigned char *records, size_t bytes_count, uint64_t from_lsn,
                          uint64_t *last_lsn)
{
    uint64_t lsn = from_lsn;
    size_t at = 0;

    while (bytes_count - at >= HF_RECORD_HEADER_BYTES) {
        const uint32_t record_bytes = hf_record_bytes(records + at);
        if (record_bytes < HF_RECORD_HEADER_BYTES || record_bytes > bytes_count - at ||
            hf_record_lsn(records + at) != lsn) {
            return false;
        }
        at += record_bytes;
        lsn++;
    }
    *last_lsn = lsn - 1;
    return at == bytes_count && lsn > from_lsn;
}

static enum hf_err keep_piece(struct hf_feed_cache *cache, uint64_t from_lsn,
                              const unsigned char *records, size_t bytes_count)
{
    struct hf_feed_piece *piece = &cache->pieces[0];
    uint64_t last_lsn;

    if (!judge_records(records, bytes_count, from_lsn, &last_lsn)) {
        return HF_CORRUPT;
    }
    for (size_t i = 1; i < HF_FEED_PIECES; i++) {
        if (cache->pieces[i].used < piece->used) {
            piece = &cache->pieces[i];
        }
    }
    piece->last_lsn = 0;
    empty(&piece->records);
    if (!hf_buffer_append(&piece->records, records, bytes_count)) {
        return HF_NO_MEMORY;
    }
    piece->first_lsn = from_lsn;
    piece->last_lsn = last_lsn;
    piece->at_lsn = from_lsn;
    piece->at = 0;
    piece->used = ++cache->uses;
    return HF_OK;
}

static void read_done(void *arg, enum hf_err err, const unsigned char *records, size_t bytes_count)
{
    struct hf_feed_read *read = arg;

    HF_ASSERT(read->is_running);
    read->is_running = false;
    if (err == HF_OK) {
        err = keep_piece(read->cache, read->from_lsn, records, bytes_count);
    }
    read->err = err == HF_BUSY ? HF_OK : err; /* not durable yet: it will be asked for again */
    if (read->err == HF_OK) {
        read->from_lsn = 0;
    }
    read->cache->arrived_cb(read->cache->arrived_arg);
}

/* Have the record of `lsn` read, or tell what has become of that. */
static enum hf_err read_record(struct hf_feed_cache *cache, uint64_t lsn)
{
    const struct hf_log *log = cache->log;
    struct hf_feed_read *free_one = NULL;

    if (lsn < log->ops->first_lsn(log->ctx)) {
        return HF_GONE;
    }
    for (size_t i = 0; i < HF_FEED_READS_MAX; i++) {
        struct hf_feed_read *read = &cache->reads[i];
        if (read->from_lsn == lsn && read->is_running) {
            return HF_BUSY;
        }
        if (read->from_lsn == lsn) {
            read->from_lsn = 0; /* told once; who asks again has it tried again */
            return read->err;
        }
        if (!read->is_running) {
            free_one = read;
        }
    }
    if (free_one == NULL) {
        return HF_BUSY;
    }
    free_one->from_lsn = lsn;
    free_one->is_running = true;
    const enum hf_err err = log->ops->read(log->ctx, lsn, HF_FEED_READ_BYTES, read_done, free_one);
    if (err != HF_OK) {
        free_one->from_lsn = 0;
        free_one->is_running = false;
        return err;
    }
    return HF_BUSY;
}

/* ------------------------------------------------------------------ chunks */

struct encoding {
    struct hf_feed_chunk *chunk;
    uint32_t epoch;
};

static void put_event(void *arg, const struct hf_event *event)
{
    struct encoding *encoding = arg;
    hf_event_put(&encoding->chunk->entries, event, encoding->epoch);
    encoding->chunk->entries_count++;
}

/* Fill `chunk` with the events of the records from `lsn` on, whose first one is `record`. */
static enum hf_err encode(struct hf_feed_cache *cache, struct hf_feed_chunk *chunk, uint64_t lsn,
                          uint64_t durable_lsn, const unsigned char *record, uint32_t bytes_count)
{
    struct encoding encoding = {.chunk = chunk};

    chunk->first_lsn = lsn;
    chunk->entries_count = 0;
    empty(&chunk->entries);
    while (record != NULL) {
        HF_ASSERT(hf_record_lsn(record) == lsn);
        encoding.epoch = hf_feed_epoch(cache->log, lsn);
        const enum hf_err err = hf_engine_events(cache->engine, record, bytes_count, chunk->by_move,
                                                 put_event, &encoding);
        if (err != HF_OK) {
            return err;
        }
        if (chunk->entries.is_failed) {
            return HF_NO_MEMORY;
        }
        chunk->last_lsn = lsn++;
        record = NULL;
        if (lsn <= durable_lsn && hf_buffer_count(&chunk->entries) < HF_FEED_CHUNK_BYTES &&
            chunk->entries_count < ENTRIES_MAX / 2) {
            record = find_record(cache, lsn, &bytes_count);
        }
    }
    cache->encoded_bytes += hf_buffer_count(&chunk->entries);
    return HF_OK;
}

/* Let go of the chunks that were asked for longest ago until the rest is within the bound. */
static void trim(struct hf_feed_cache *cache, const struct hf_feed_chunk *kept)
{
    for (;;) {
        struct hf_feed_chunk *oldest = NULL;
        size_t bytes_count = 0;
        for (size_t i = 0; i < HF_FEED_CHUNKS; i++) {
            struct hf_feed_chunk *here = &cache->chunks[i];
            bytes_count += here->entries.bytes_max;
            if (here != kept && here->entries.bytes_max > 0 &&
                (oldest == NULL || here->used < oldest->used)) {
                oldest = here;
            }
        }
        if (bytes_count <= HF_FEED_CHUNKS_BYTES_MAX || oldest == NULL) {
            return;
        }
        oldest->last_lsn = 0;
        hf_buffer_release(&oldest->entries);
    }
}

enum hf_err hf_feed_cache_get(struct hf_feed_cache *cache, uint64_t lsn, uint64_t durable_lsn,
                              bool by_move, const struct hf_feed_chunk **chunk)
{
    struct hf_feed_chunk *oldest = &cache->chunks[0];
    uint32_t bytes_count = 0;

    HF_ASSERT(lsn > 0);
    HF_ASSERT(lsn <= durable_lsn);

    cache->uses++;
    for (size_t i = 0; i < HF_FEED_CHUNKS; i++) {
        struct hf_feed_chunk *here = &cache->chunks[i];
        if (here->by_move == by_move && here->first_lsn <= lsn && lsn <= here->last_lsn) {
            here->used = cache->uses;
            *chunk = here;
            return HF_OK;
        }
        if (here->used < oldest->used) {
            oldest = here;
        }
    }
    const unsigned char *record = find_record(cache, lsn, &bytes_count);
    if (record == NULL) {
        return read_record(cache, lsn);
    }
    oldest->last_lsn = 0;
    oldest->by_move = by_move;
    const enum hf_err err = encode(cache, oldest, lsn, durable_lsn, record, bytes_count);
    if (err != HF_OK) {
        oldest->last_lsn = 0;
        return err;
    }
    oldest->used = cache->uses;
    trim(cache, oldest);
    *chunk = oldest;
    return HF_OK;
}
