/*
 * text.h - a view of bytes that are a code: the name of a SKU, a location, a reservation, ...
 *
 * A code is 1 to 64 bytes of valid UTF-8 without control characters (U+0000..U+001F, U+007F,
 * U+0080..U+009F), case-sensitive, compared byte by byte (DESIGN.md section 2). A view owns
 * nothing and is not zero-terminated; bytes_count 0 means "not given".
 */
#ifndef HF_ENGINE_TEXT_H
#define HF_ENGINE_TEXT_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

struct hf_text {
    const char *bytes;
    uint32_t bytes_count;
};

/* True when `text` is a code. An empty text is not. */
bool hf_text_is_code(struct hf_text text);

static inline struct hf_text hf_text_of(const char *zero_terminated)
{
    return (struct hf_text){zero_terminated,
                            zero_terminated == NULL ? 0 : (uint32_t)strlen(zero_terminated)};
}

static inline bool hf_text_equal(struct hf_text a, struct hf_text b)
{
    return a.bytes_count == b.bytes_count &&
           (a.bytes_count == 0 || memcmp(a.bytes, b.bytes, a.bytes_count) == 0);
}

#endif
