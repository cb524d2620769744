#include "engine/text.h"

#include "engine/limits.h"

/*
 * Bytes of the UTF-8 sequence that starts at `p` and has `left` bytes at most; 0 when it is not
 * valid. The ranges are those of Unicode 15, table 3-7: no overlong form, no surrogate, nothing
 * above U+10FFFF.
 */
static uint32_t utf8_sequence_bytes(const unsigned char *p, uint32_t left)
{
    if (p[0] < 0x80) {
        return 1;
    }
    if (p[0] < 0xC2 || p[0] > 0xF4) {
        return 0;
    }
    const uint32_t size = p[0] < 0xE0 ? 2 : p[0] < 0xF0 ? 3 : 4;
    if (size > left) {
        return 0;
    }
    unsigned char second_min = 0x80;
    unsigned char second_max = 0xBF;
    switch (p[0]) {
    case 0xE0:
        second_min = 0xA0;
        break;
    case 0xED:
        second_max = 0x9F;
        break;
    case 0xF0:
        second_min = 0x90;
        break;
    case 0xF4:
        second_max = 0x8F;
        break;
    default:
        break;
    }
    if (p[1] < second_min || p[1] > second_max) {
        return 0;
    }
    for (uint32_t i = 2; i < size; i++) {
        if ((p[i] & 0xC0) != 0x80) {
            return 0;
        }
    }
    return size;
}

#define EACH_BYTE UINT64_C(0x0101010101010101)

/* Whether each of eight bytes is 0x20 .. 0x7E. */
static bool are_plain(const char *bytes)
{
    uint64_t word;
    memcpy(&word, bytes, sizeof word);
    const uint64_t is_small = (word - 0x20 * EACH_BYTE) & ~word; /* below 0x20: its top bit */
    const uint64_t is_delete = word + EACH_BYTE;                 /* 0x7F, when none is above it */
    return ((word | is_small | is_delete) & 0x80 * EACH_BYTE) == 0;
}

/* Nearly all codes are plain ASCII: eight bytes at a time, the last eight overlapping. */
static bool is_plain(struct hf_text text)
{
    if (text.bytes_count < 8) {
        return false;
    }
    for (uint32_t at = 0; at + 8 < text.bytes_count; at += 8) {
        if (!are_plain(text.bytes + at)) {
            return false;
        }
    }
    return are_plain(text.bytes + text.bytes_count - 8);
}

bool hf_text_is_code(struct hf_text text)
{
    if (text.bytes_count == 0 || text.bytes_count > HF_CODE_BYTES_MAX) {
        return false;
    }
    if (is_plain(text)) {
        return true;
    }
    const unsigned char *p = (const unsigned char *)text.bytes;
    for (uint32_t at = 0; at < text.bytes_count;) {
        if (p[at] < 0x20 || p[at] == 0x7F) {
            return false;
        }
        if (p[at] == 0xC2 && at + 1 < text.bytes_count && p[at + 1] < 0xA0) {
            return false; /* U+0080..U+009F */
        }
        const uint32_t size = utf8_sequence_bytes(p + at, text.bytes_count - at);
        if (size == 0) {
            return false;
        }
        at += size;
    }
    return true;
}
