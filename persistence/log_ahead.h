/*
 * log_ahead.h - the blocks of a segment, read, verified and decoded ahead of who applies them.
 *
 *     segment --read, verify--> block --LZ4--> records --decode--> | piece | piece | --> next
 *              \_________________ a thread of its own ___________/
 *
 * A block comes in pieces of a few hundred records, so that what is decoded ahead stays in a
 * processor's cache, and of so many that neither thread often waits for the other.
 * The reader belongs to this from begin to end: its offset then is where the last piece said that
 * no block stands, or somewhere ahead when it was ended in the middle.
 * Memory that the engine will need goes the other way (growth.h): who applies leaves in a piece
 * that it gives back what is due, and the thread makes it before it fills that piece again.
 *
 * Blocks that the caller passes over are verified, and neither unpacked nor decoded.
 */
#ifndef HF_PERSISTENCE_LOG_AHEAD_H
#define HF_PERSISTENCE_LOG_AHEAD_H

#include "engine/decoded.h"
#include "engine/growth.h"
#include "persistence/ahead.h"
#include "persistence/segment.h"

#define HF_LOG_AHEAD_PIECES 16u
#define HF_LOG_AHEAD_PARTS 2u

/* Part of a block, or the place where there is none. */
struct hf_log_piece {
    enum hf_err err; /* HF_CORRUPT, HF_TRUNCATED: no block stands here, `why` says why; HF_IO */
    const char *why;
    uint64_t offset; /* of the block */
    struct hf_block_header block;
    bool is_first, is_last;                        /* of its block's pieces */
    bool is_skipped;                               /* the block is, and has no records here */
    struct hf_decoded *decoded;                    /* its records, and what is wrong behind them */
    struct hf_memory_part due[HF_LOG_AHEAD_PARTS]; /* of the piece when it is given back */
    uint32_t due_count;
};

/* The oldest blocks that are passed over: of so many raw bytes together, and up to this LSN. */
struct hf_log_skip {
    uint64_t raw_bytes, last_lsn;
};

struct hf_log_ahead {
    struct hf_segment_reader *reader;
    bool wants_thread;
    struct hf_ahead *ahead; /* NULL: not begun */
    struct hf_engine *engine;
    struct hf_growth growth;    /* who applies; with a thread only: else nobody makes it */
    struct hf_log_piece *taken; /* the piece in use; NULL: none */
    uint32_t pieces_count;      /* that were taken */
    struct hf_log_piece pieces[HF_LOG_AHEAD_PIECES];
    /* Raw bytes of blocks: pieces point into them, so there is one more than pieces. */
    unsigned char *rooms[HF_LOG_AHEAD_PIECES + 1];
    uint32_t room;             /* that holds the block being decoded */
    const unsigned char *at;   /* of it: what was not decoded yet */
    size_t left;               /* bytes from there on; 0: the next block is due */
    struct hf_log_piece block; /* what its pieces have in common */
    struct hf_log_skip skip;
};

/* HF_NO_MEMORY. The reader is the caller's. */
enum hf_err hf_log_ahead_init(struct hf_log_ahead *log, struct hf_segment_reader *reader);
void hf_log_ahead_release(struct hf_log_ahead *log);

/* From the reader's offset on, for this engine; log->skip goes on where it was. HF_NO_MEMORY. */
enum hf_err hf_log_ahead_begin(struct hf_log_ahead *log, struct hf_engine *engine);
/* The next piece; valid until the next call. None may be asked for behind one with an error. */
struct hf_log_piece *hf_log_ahead_next(struct hf_log_ahead *log);
/* Also in the middle, or when it was not begun. */
void hf_log_ahead_end(struct hf_log_ahead *log);

#endif
