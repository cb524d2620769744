/*
 * player.h - play the events of an order file against a server.
 *
 *     order file --> schedule --> take --> frames of an event --> server
 *                        ^                                           |
 *                        +---- settle (or put back) <--- replies ----+
 *
 * An order is three frames, sent one behind the other: reserve all lines, confirm, fulfil. Frames
 * of one connection execute in order; after a refused reserve the other two find no reservation and
 * change nothing.
 *
 * Many events are in flight, but only such that share no SKU (schedule.h), so the balances at the
 * end are those of playing one event at a time. That holds through trouble, too: an event that is
 * answered `busy` or `unknown` is sent again, with the same references, before anything that
 * touches its SKUs. Either it had happened, then it is `repeated`; or it had not, and happens now.
 *
 * References are made of a key (file, location, opening) and the line number, so playing the same
 * file again finds every accepted operation done. Only what was refused is tried again.
 */
#ifndef HF_BENCH_PLAYER_H
#define HF_BENCH_PLAYER_H

#include "bench/replay/order_file.h"
#include "net/holdfast.h"

#define HF_OPENING_DEMAND INT64_C(-1)
#define HF_PLAY_IN_FLIGHT_MAX 65536u

struct hf_play_options {
    const char *location;
    int64_t opening_units; /* of each SKU, or HF_OPENING_DEMAND */
    uint32_t in_flight;    /* events at once, 1 .. HF_PLAY_IN_FLIGHT_MAX */
    bool has_progress;     /* draw a bar on stderr */
};

struct hf_play_totals {
    uint64_t orders, orders_fulfilled, orders_refused;
    uint64_t orders_unfinished; /* reserved, but not fulfilled: the world outside this file */
    uint64_t moves, moves_refused;
    uint64_t openings, openings_refused;
    uint64_t repeated; /* events that a run before this one had played */
    uint64_t lines;    /* of orders, and moves */
    uint64_t units;    /* fulfilled */
    int64_t units_in, units_out;
    uint64_t sent_again; /* events answered busy or unknown at first */
    uint64_t refusals_by_outcome[HOLDFAST_UNKNOWN + 1];
    double seconds;
};

enum hf_play_result {
    HF_PLAY_DONE,
    HF_PLAY_NO_SERVER, /* the connection broke and did not come back, or it is no primary */
    HF_PLAY_STOPPED,   /* the server takes no writes: read_only */
    HF_PLAY_NO_MEMORY
};

/* Play all of `file` over `*hf`. When not done, `error` says why, and `*hf` is closed and NULL;
 * what was played stays played. */
enum hf_play_result hf_play(struct holdfast **hf, const struct hf_order_file *file,
                            const struct hf_play_options *options, struct hf_play_totals *totals,
                            char *error, size_t error_bytes);

#endif
