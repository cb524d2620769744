/*
 * wire.h - what the wire needs beside engine/bytes.h: signed fields and padding.
 */
#ifndef HF_NET_WIRE_H
#define HF_NET_WIRE_H

#include "engine/bytes.h"

static inline int64_t hf_get_i64(const void *at)
{
    return (int64_t)hf_get_u64(at);
}

static inline void hf_put_i64(void *at, int64_t value)
{
    hf_put_u64(at, (uint64_t)value);
}

/* The next multiple of 8. */
static inline size_t hf_round_up_8(size_t bytes_count)
{
    return (bytes_count + 7) & ~(size_t)7;
}

#endif
