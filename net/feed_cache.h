/*
 * feed_cache.h - encoded events of the newest stretch of the log that somebody asked for.
 *
 *     ledger ring ----------------.
 *     log->read --> raw pieces ---+--> hf_engine_events --> chunks of entries --> subscribers
 *                   (from files)       once for all
 *
 * A chunk holds the events of whole records, LSN first..last, in one of the two forms (an event for
 * each cell, or for each move). Subscribers that stand close together are served from one chunk.
 * Records come from the ledger ring when it holds them, else from the log's files, through reads in
 * the background; the loop never waits for one.
 *
 * Bounds: HF_FEED_CHUNKS chunks of about HF_FEED_CHUNK_BYTES (one record may need more),
 * HF_FEED_PIECES pieces of about HF_FEED_READ_BYTES, HF_FEED_READS_MAX reads under way. What was
 * not used for the longest time makes room.
 *
 * Loop thread only.
 */
#ifndef HF_NET_FEED_CACHE_H
#define HF_NET_FEED_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/engine.h"
#include "net/buffer.h"
#include "net/log.h"

#define HF_FEED_CHUNK_BYTES ((size_t)64 * 1024)
#define HF_FEED_CHUNKS 64u
/* Of all chunks together: one that huge records have blown up pushes others out. */
#define HF_FEED_CHUNKS_BYTES_MAX ((size_t)6 * 1024 * 1024)
#define HF_FEED_READ_BYTES ((size_t)256 * 1024)
#define HF_FEED_PIECES 8u
#define HF_FEED_READS_MAX 2u

struct hf_feed_chunk {
    uint64_t first_lsn;
    uint64_t last_lsn; /* 0: the slot is free */
    bool by_move;
    uint32_t entries_count;
    struct hf_buffer entries;
    uint64_t used; /* cache->uses when it was last asked for */
};

/* Records as they stand in the log. */
struct hf_feed_piece {
    uint64_t first_lsn;
    uint64_t last_lsn; /* 0: the slot is free */
    struct hf_buffer records;
    uint64_t at_lsn; /* where the last look-up ended, ... */
    size_t at;       /* ... and where that record stands */
    uint64_t used;
};

struct hf_feed_cache;

/* A read of the log under way, or failed and not asked about yet. */
struct hf_feed_read {
    struct hf_feed_cache *cache;
    uint64_t from_lsn; /* 0: free */
    bool is_running;
    enum hf_err err;
};

struct hf_feed_cache {
    struct hf_engine *engine;
    const struct hf_log *log;
    void (*arrived_cb)(void *arg); /* a read has ended: ask again */
    void *arrived_arg;
    struct hf_feed_chunk chunks[HF_FEED_CHUNKS];
    struct hf_feed_piece pieces[HF_FEED_PIECES];
    struct hf_feed_read reads[HF_FEED_READS_MAX];
    uint64_t uses;
    uint64_t encoded_bytes; /* since the start: what was paid for */
};

void hf_feed_cache_init(struct hf_feed_cache *cache, struct hf_engine *engine,
                        const struct hf_log *log, void (*arrived_cb)(void *arg), void *arg);
/* No read may be under way. Accepts a zeroed cache. */
void hf_feed_cache_release(struct hf_feed_cache *cache);

/* The epoch of the record of `lsn`; of LSN 0 that of the first. */
uint32_t hf_feed_epoch(const struct hf_log *log, uint64_t lsn);
/* The oldest LSN that can be given, from memory or files. */
uint64_t hf_feed_first_lsn(struct hf_feed_cache *cache);

/*
 * The chunk that holds the events of `lsn`, which is at most `durable_lsn`; valid until the next
 * call.
 * HF_OK
 * HF_BUSY                  it must be read first; arrived_cb tells when to ask again
 * HF_GONE                  neither memory nor files hold it any more
 * HF_CORRUPT, HF_IO        the files cannot be read there
 * HF_NO_MEMORY
 */
enum hf_err hf_feed_cache_get(struct hf_feed_cache *cache, uint64_t lsn, uint64_t durable_lsn,
                              bool by_move, const struct hf_feed_chunk **chunk);

#endif
