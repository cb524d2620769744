/*
 * clock.h - the time, as a table: the server reads it here, tests and a simulator set it.
 */
#ifndef HF_NET_CLOCK_H
#define HF_NET_CLOCK_H

#include <stdint.h>

struct hf_clock {
    void *ctx;
    uint64_t (*now_us)(void *ctx);       /* microseconds since the Unix epoch, UTC; may step */
    uint64_t (*monotonic_us)(void *ctx); /* microseconds since some moment; never goes back */
};

#endif
