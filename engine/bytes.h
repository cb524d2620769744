/*
 * bytes.h - little-endian fields, varints, texts and counters in byte strings.
 *
 * The writers go into memory that is known to be large enough. The readers trust nothing: they
 * stop at `end` and say so.
 */
#ifndef HF_ENGINE_BYTES_H
#define HF_ENGINE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "engine/assert.h"
#include "engine/limits.h"
#include "engine/text.h"

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#error "the formats are little-endian and so must the machine be"
#endif

static inline void hf_put_u16(void *at, uint16_t value)
{
    memcpy(at, &value, sizeof value);
}

static inline void hf_put_u32(void *at, uint32_t value)
{
    memcpy(at, &value, sizeof value);
}

static inline void hf_put_u64(void *at, uint64_t value)
{
    memcpy(at, &value, sizeof value);
}

static inline uint16_t hf_get_u16(const void *at)
{
    uint16_t value;
    memcpy(&value, at, sizeof value);
    return value;
}

static inline uint32_t hf_get_u32(const void *at)
{
    uint32_t value;
    memcpy(&value, at, sizeof value);
    return value;
}

static inline uint64_t hf_get_u64(const void *at)
{
    uint64_t value;
    memcpy(&value, at, sizeof value);
    return value;
}

#define HF_VARINT_BYTES_MAX 10

/* LEB128: seven bits a byte, low ones first, the top bit set on all but the last. */
static inline unsigned char *hf_put_varint(unsigned char *at, uint64_t value)
{
    while (value >= 0x80) {
        *at++ = (unsigned char)(value | 0x80);
        value >>= 7;
    }
    *at++ = (unsigned char)value;
    return at;
}

/* Zigzag: 0, -1, 1, -2, ... become 0, 1, 2, 3, ... */
static inline unsigned char *hf_put_signed(unsigned char *at, int64_t value)
{
    return hf_put_varint(at, ((uint64_t)value << 1) ^ (uint64_t)(value >> 63));
}

/* A cursor over bytes of unknown honesty. After a failed read `is_bad` stays set and reads give 0.
 */
struct hf_reader {
    const unsigned char *at;
    const unsigned char *end;
    bool is_bad;
};

static inline const unsigned char *hf_read_bytes(struct hf_reader *reader, size_t bytes_count)
{
    if (reader->is_bad || (size_t)(reader->end - reader->at) < bytes_count) {
        reader->is_bad = true;
        return NULL;
    }
    const unsigned char *bytes = reader->at;
    reader->at += bytes_count;
    return bytes;
}

static inline uint8_t hf_read_u8(struct hf_reader *reader)
{
    const unsigned char *bytes = hf_read_bytes(reader, 1);
    return bytes == NULL ? 0 : bytes[0];
}

static inline uint32_t hf_read_u32(struct hf_reader *reader)
{
    const unsigned char *bytes = hf_read_bytes(reader, 4);
    return bytes == NULL ? 0 : hf_get_u32(bytes);
}

static inline uint64_t hf_read_u64(struct hf_reader *reader)
{
    const unsigned char *bytes = hf_read_bytes(reader, 8);
    return bytes == NULL ? 0 : hf_get_u64(bytes);
}

/* Near the end of the bytes, or beyond: one at a time. */
static inline uint64_t hf_read_varint_slowly(struct hf_reader *reader)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 70; shift += 7) {
        const uint8_t byte = hf_read_u8(reader);
        if (shift == 63 && byte > 1) {
            break; /* does not fit 64 bits */
        }
        value |= (uint64_t)(byte & 0x7F) << shift;
        if (byte < 0x80) {
            return value;
        }
    }
    reader->is_bad = true;
    return 0;
}

static inline uint64_t hf_read_varint(struct hf_reader *reader)
{
    const unsigned char *at = reader->at;

    if (reader->is_bad || reader->end - at < HF_VARINT_BYTES_MAX) {
        return hf_read_varint_slowly(reader);
    }
    uint64_t value = *at & 0x7F;
    for (unsigned shift = 7; *at >= 0x80; shift += 7) {
        at++;
        if (shift == 63 && *at > 1) {
            reader->is_bad = true; /* does not fit 64 bits */
            return 0;
        }
        value |= (uint64_t)(*at & 0x7F) << shift;
    }
    reader->at = at + 1;
    return value;
}

static inline int64_t hf_read_signed(struct hf_reader *reader)
{
    const uint64_t value = hf_read_varint(reader);
    return (int64_t)(value >> 1) ^ -(int64_t)(value & 1);
}

/* A text: one byte that counts, then the bytes. */
static inline unsigned char *hf_put_text(unsigned char *at, struct hf_text text)
{
    HF_ASSERT(text.bytes_count <= HF_CODE_BYTES_MAX);
    *at++ = (unsigned char)text.bytes_count;
    if (text.bytes_count > 0) {
        memcpy(at, text.bytes, text.bytes_count);
    }
    return at + text.bytes_count;
}

/* A text that is a code, or, when it may be, empty. It points into the reader's bytes. */
static inline struct hf_text hf_read_text(struct hf_reader *reader, bool may_be_empty)
{
    const uint8_t bytes_count = hf_read_u8(reader);
    const struct hf_text text = {(const char *)hf_read_bytes(reader, bytes_count), bytes_count};

    if (text.bytes == NULL || (bytes_count == 0 ? !may_be_empty : !hf_text_is_code(text))) {
        reader->is_bad = true;
        return (struct hf_text){0};
    }
    return text;
}

/* A counter: 0 .. HF_UNITS_MAX, as a varint. */
static inline int64_t hf_read_units(struct hf_reader *reader)
{
    const uint64_t value = hf_read_varint(reader);
    if (value > (uint64_t)HF_UNITS_MAX) {
        reader->is_bad = true;
        return 0;
    }
    return (int64_t)value;
}

#endif
