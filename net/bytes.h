/*
 * bytes.h - little-endian integers in bytes, whatever the machine and the alignment.
 *
 * The shapes below are ones that gcc and clang turn into one load or store.
 */
#ifndef HF_NET_BYTES_H
#define HF_NET_BYTES_H

#include <stddef.h>
#include <stdint.h>

static inline uint16_t hf_get_u16(const unsigned char *p)
{
    return (uint16_t)(p[0] | p[1] << 8);
}

static inline uint32_t hf_get_u32(const unsigned char *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static inline uint64_t hf_get_u64(const unsigned char *p)
{
    return (uint64_t)hf_get_u32(p) | (uint64_t)hf_get_u32(p + 4) << 32;
}

static inline int64_t hf_get_i64(const unsigned char *p)
{
    return (int64_t)hf_get_u64(p);
}

static inline void hf_put_u16(unsigned char *p, uint16_t value)
{
    p[0] = (unsigned char)value;
    p[1] = (unsigned char)(value >> 8);
}

static inline void hf_put_u32(unsigned char *p, uint32_t value)
{
    p[0] = (unsigned char)value;
    p[1] = (unsigned char)(value >> 8);
    p[2] = (unsigned char)(value >> 16);
    p[3] = (unsigned char)(value >> 24);
}

static inline void hf_put_u64(unsigned char *p, uint64_t value)
{
    hf_put_u32(p, (uint32_t)value);
    hf_put_u32(p + 4, (uint32_t)(value >> 32));
}

static inline void hf_put_i64(unsigned char *p, int64_t value)
{
    hf_put_u64(p, (uint64_t)value);
}

/* The next multiple of 8. */
static inline size_t hf_round_up_8(size_t bytes_count)
{
    return (bytes_count + 7) & ~(size_t)7;
}

#endif
