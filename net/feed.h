/*
 * feed.h - the change feed: who follows, from where, and what is told to each.
 *
 *     log durable --> (a tick) --> round: each subscriber that has room gets the next frame
 *                                     |
 *            token                 feed_cache.h: chunks of encoded events, from memory or files
 *     ------> | told, or filtered out |---- chunk ----|---- chunk ----|     durable LSN
 *             lsn                     |<- next frame ->|
 *
 * Invariants:
 *     F1  only durable records are told of, in LSN order, each event once; a frame's token says
 *         that everything up to it was given, and never stands inside a record
 *     F2  what is given after a token is a function of the log and of the subscription alone, so a
 *         consumer that comes back with its token goes on without gap or repeat
 *     F3  the work of one round is bounded (HF_FEED_TURN_BYTES); who was served least recently
 *         comes first. Nothing here waits: records that are not in memory are read in the
 *         background
 *     F4  bounded (P8): subscriptions_max subscribers; each may have HF_FEED_OUT_BYTES_MAX and one
 *         frame queued (connection.h keeps that queue)
 *
 * The epoch of a token tells histories apart. A token is good when its epoch is one of the log's
 * and its LSN lies in it; else the answer is gone, with a token that is good.
 *
 * A subscriber belongs to a connection, which hands in the queue of bytes; the server says when.
 * Knows no socket. Loop thread only.
 */
#ifndef HF_NET_FEED_H
#define HF_NET_FEED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/engine.h"
#include "net/clock.h"
#include "net/codec_feed.h"
#include "net/feed_cache.h"
#include "net/frame.h"
#include "net/log.h"

/* Subscribers that follow closely are served at most this often. */
#define HF_FEED_TICK_US 20000u
/* Encoded or copied in one round, all subscribers together: a fraction of a millisecond. */
#define HF_FEED_TURN_BYTES ((size_t)128 * 1024)
/* Entries of one frame, about. */
#define HF_FEED_FRAME_BYTES ((size_t)128 * 1024)
/* Past this many queued bytes a subscriber gets no further frame. */
#define HF_FEED_OUT_BYTES_MAX ((size_t)256 * 1024)
/* Of a subscriber's socket, asked of the system (which may keep twice as much). */
#define HF_FEED_SEND_BYTES (128 * 1024)
/* Tokens move on although nothing was wanted of what happened: so often, ... */
#define HF_FEED_PROGRESS_US UINT64_C(1000000)
#define HF_FEED_PROGRESS_LSNS 65536u
/* ... and a subscriber hears something even when nothing happens at all. */
#define HF_FEED_KEEPALIVE_US UINT64_C(10000000)

#define HF_FEED_STALL_US_DEFAULT (UINT64_C(30) * 1000000)
#define HF_FEED_STALL_US_MIN UINT64_C(100000)
#define HF_SUBSCRIPTIONS_MAX_DEFAULT 256u

struct hf_feed_config {
    uint32_t subscriptions_max;
    uint64_t stall_us; /* who takes nothing for longer is ended */
};

struct hf_subscriber {
    struct hf_feed *feed; /* NULL: not subscribed */
    struct hf_subscriber *next, *previous;
    void (*serve)(void *ctx); /* call hf_feed_next while there is room */
    void *ctx;
    bool is_due; /* the next round serves it */

    struct hf_subscription wish; /* its texts are the two below */
    char location[HF_CODE_BYTES_MAX];
    char prefix[HF_CODE_BYTES_MAX];
    uint64_t correlation;    /* of the subscribe */
    uint64_t lsn;            /* all up to it is in frames, or was filtered out */
    uint32_t entries_passed; /* of the record after it, likewise */
    uint64_t told_lsn;       /* of the last frame's token */
    uint64_t told_us;
};

struct hf_feed {
    struct hf_engine *engine;
    const struct hf_log *log;
    const struct hf_clock *clock;
    struct hf_feed_config config;
    struct hf_feed_cache cache;

    struct hf_subscriber *subscribers; /* a ring; who is served next */
    uint32_t subscribers_count;
    size_t turn_bytes;     /* that may still be spent in this round */
    uint64_t events_count; /* sent, since the start */
};

/* `arrived_cb`: a read has ended, a round would do something. All pointers outlive the feed. */
void hf_feed_init(struct hf_feed *feed, const struct hf_feed_config *config,
                  struct hf_engine *engine, const struct hf_log *log, const struct hf_clock *clock,
                  void (*arrived_cb)(void *arg), void *arg);
/* No subscriber and no read may be left. Accepts a zeroed feed. */
void hf_feed_release(struct hf_feed *feed);

/*
 * Answer a subscribe frame into `out`. True: `subscriber`, whose serve and ctx are set, follows
 * from now on. False: refused: invalid_argument, unknown_location, limit_exceeded, gone.
 */
bool hf_feed_subscribe(struct hf_feed *feed, const struct hf_frame *frame,
                       struct hf_subscriber *subscriber, struct hf_buffer *out);
/* Accepts one that is not subscribed. */
void hf_feed_unsubscribe(struct hf_subscriber *subscriber);

/*
 * Is the token good? HF_OK, and for epoch 0 it becomes the newest one; or HF_GONE, and it becomes
 * one from which a new start can be made: the end of the history that both share, or, when the log
 * does not reach back, where it begins.
 */
enum hf_err hf_feed_judge(struct hf_feed *feed, struct hf_token *token);

enum hf_feed_step {
    HF_FEED_FRAME,   /* one frame was added to `out` */
    HF_FEED_NOTHING, /* nothing to tell now, or the round's work is done */
    HF_FEED_ENDED    /* the error frame was added; it is subscribed no more */
};
/* The next frame. A lack of memory is in out->is_failed. */
enum hf_feed_step hf_feed_next(struct hf_subscriber *subscriber, struct hf_buffer *out);
/* End a subscription: an error frame with `outcome` and the resume token. */
void hf_feed_end(struct hf_subscriber *subscriber, enum hf_err outcome, struct hf_buffer *out);

/* Has it been given everything up to the durable LSN? */
bool hf_feed_is_even(const struct hf_subscriber *subscriber);

/*
 * A round: serve who is due, and each once, as far as the round's work goes. `everyone` is due when
 * time has passed or a read has ended; else those that subscribed, that have room again
 * (hf_feed_due), and that the last round left over. True: another round would go on now.
 *
 * Rounds for everyone belong to the tick. If each write that is through gave everyone the few
 * events that came meanwhile, rounds would chase each other with hardly an event in a frame.
 */
bool hf_feed_round(struct hf_feed *feed, bool everyone);
/* It has room again, or must be told that it ends. Accepts one that is not subscribed. */
void hf_feed_due(struct hf_subscriber *subscriber);

struct hf_feed_stats {
    uint32_t subscriptions_count;
    uint64_t events_count;
    uint64_t lag_max; /* LSNs that the slowest subscriber is behind the durable one */
};
void hf_feed_stats(const struct hf_feed *feed, struct hf_feed_stats *stats);

#endif
