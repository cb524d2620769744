/*
 * followers.h - consumers of the change feed beside a load, at different speeds.
 *
 *     follower 0        reads as fast as events come
 *     follower 1, 2, 3  pauses 1 ms, 10 ms, 100 ms after every batch
 *     follower 4        pauses 1 s: it falls behind, and is held back by the server's bounds
 *     follower 5 ...    as 0, 1, ...
 *
 * Each has a connection and a thread of its own, follows from the moment it is started, and proves
 * what it got: every LSN once, in order, without a gap. When the load is over the pauses are
 * lifted and each must reach the LSN where the load ended.
 */
#ifndef HF_BENCH_FOLLOWERS_H
#define HF_BENCH_FOLLOWERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HF_FOLLOWERS_MAX 64u
#define HF_FOLLOWERS_CATCH_UP_S 60 /* how long the last one may take to the end */

struct hf_followers;

struct hf_follower_report {
    uint32_t pause_ms;
    uint64_t events;
    uint64_t lag_lsn; /* how far behind it was when the load ended */
};

/* `count` followers of the server at `address`. NULL on failure, with a sentence in `error`. */
struct hf_followers *hf_followers_start(const char *address, uint32_t count, char *error,
                                        size_t error_bytes);
/*
 * Let each come to `lsn` and end (0: end where it stands); fills reports[0..count). False: one has
 * seen a gap, a repeat, an error, or did not come to the end; `error` says which. Frees the
 * followers in any case.
 */
bool hf_followers_finish(struct hf_followers *followers, uint64_t lsn,
                         struct hf_follower_report *reports, char *error, size_t error_bytes);

#endif
