/*
 * reading.h - all rows of one LSN, in pages: who reads the frozen state, and how far.
 *
 *     export (section)  --> freeze: the engine keeps the state of now while it goes on
 *     export_next       --> a page of rows --> ... --> the last page: thaw
 *
 * Invariants:
 *     X1  there is at most one reading in a server, and it belongs to the connection that began it;
 *         another asker is told busy, unless the owner has not asked for HF_READING_REST_US: then
 *         the reading is ended, so that nobody can keep all others waiting
 *     X2  the engine's state is frozen exactly while the reading has an owner: it ends with its
 *         last page, when it is lost, when its owner begins anew or says so, and with the owner
 *     X3  what is kept aside is bounded by the configuration (export_bytes_max); past it the
 *         reading is lost, which the next page tells
 *
 * Loop thread only. The owner is an address that names the connection; it is never looked at.
 */
#ifndef HF_NET_READING_H
#define HF_NET_READING_H

#include "engine/engine.h"
#include "net/codec.h"

#define HF_READING_REST_US (UINT64_C(30) * 1000000)

struct hf_reading {
    const void *owner; /* NULL: nobody reads */
    uint64_t asked_us; /* monotonic; when the owner last asked for a page */
    enum hf_frozen_section section;
    struct hf_frozen_cursor cursor;
};

/* What a frame about an export is answered with. */
struct hf_reading_call {
    struct hf_engine *engine;
    struct hf_buffer *out;
    const void *owner;         /* who asks, ... */
    uint64_t now_us;           /* ... and when; monotonic */
    uint64_t export_bytes_max; /* kept aside at most */
    uint32_t epoch;
    size_t bytes_end; /* hf_buffer_count(out) must not grow past this */
};

/* Begin a reading (PROTOCOL.md 3, operation 72) and add the reply item. */
void hf_reading_begin(struct hf_reading *reading, const struct hf_reading_call *call,
                      const struct hf_request *request);
/* Go on with it (operation 73). */
void hf_reading_next(struct hf_reading *reading, const struct hf_reading_call *call,
                     const struct hf_request *request);
/* The owner has gone, or needs no more. Nothing happens when somebody else reads, or nobody. */
void hf_reading_end(struct hf_reading *reading, struct hf_engine *engine, const void *owner);

#endif
