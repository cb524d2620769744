#include "tests/fuzz/mutate.h"

#include <string.h>

#include "engine/assert.h"
#include "engine/bytes.h"
#include "tests/lib/small_engine.h"

/* There when libFuzzer is linked in: it learns from comparisons which bytes to try. */
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t size_max) __attribute__((weak));

uint64_t hf_mutate_number(uint64_t *random, uint64_t old)
{
    static const uint64_t BOUNDS[] = {0,
                                      1,
                                      2,
                                      7,
                                      8,
                                      63,
                                      64,
                                      127,
                                      128,
                                      255,
                                      256,
                                      4096,
                                      65535,
                                      65536,
                                      INT32_MAX,
                                      UINT32_MAX,
                                      1ull << 32,
                                      1ull << 40,
                                      INT64_MAX,
                                      UINT64_MAX,
                                      1ull << 20,
                                      1ull << 63,
                                      UINT64_MAX - 1};

    switch (hf_random_below(random, 8)) {
    case 0:
    case 1:
        return BOUNDS[hf_random_below(random, sizeof BOUNDS / sizeof BOUNDS[0])];
    case 2:
        return old + 1;
    case 3:
        return old - 1;
    case 4:
        return old + 8 - hf_random_below(random, 17);
    case 5:
        return old ^ (UINT64_C(1) << hf_random_below(random, 64));
    case 6:
        return hf_random_below(random, 256);
    default:
        return hf_random_next(random);
    }
}

void hf_mutate_field(uint64_t *random, unsigned char *at, size_t width)
{
    unsigned char number[8] = {0};

    HF_ASSERT(width >= 1 && width <= sizeof number);
    memcpy(number, at, width);
    hf_put_u64(number, hf_mutate_number(random, hf_get_u64(number)));
    memcpy(at, number, width);
}

/* A part of so many bytes: where it begins and how long it is. */
static void choose_part(uint64_t *random, size_t bytes_count, size_t *at, size_t *length)
{
    HF_ASSERT(bytes_count > 0);
    *at = hf_random_below(random, bytes_count);
    *length = 1 + hf_random_below(random, hf_random_below(random, 4) == 0 ? 256 : 8);
    if (*length > bytes_count - *at) {
        *length = bytes_count - *at;
    }
}

static size_t grow(uint64_t *random, unsigned char *bytes, size_t bytes_count, size_t bytes_max)
{
    unsigned char copy[256];
    size_t at;
    size_t length;

    choose_part(random, bytes_count, &at, &length);
    if (length > bytes_max - bytes_count) {
        return bytes_count;
    }
    memcpy(copy, bytes + at, length);
    const size_t to = hf_random_below(random, bytes_count + 1);
    memmove(bytes + to + length, bytes + to, bytes_count - to);
    memcpy(bytes + to, copy, length);
    return bytes_count + length;
}

size_t hf_mutate_range(uint64_t *random, unsigned char *bytes, size_t bytes_count, size_t bytes_max)
{
    static const size_t WIDTHS[] = {1, 1, 2, 4, 8};
    size_t at;
    size_t length;

    HF_ASSERT(bytes_count <= bytes_max);
    if (bytes_count == 0) {
        return bytes_count;
    }
    choose_part(random, bytes_count, &at, &length);
    switch (hf_random_below(random, 8)) {
    case 0:
        memmove(bytes + at, bytes + at + length, bytes_count - at - length);
        return bytes_count - length;
    case 1:
        return grow(random, bytes, bytes_count, bytes_max);
    case 2:
        memmove(bytes + hf_random_below(random, bytes_count - length + 1), bytes + at, length);
        return bytes_count;
    case 3:
    case 4:
        if (LLVMFuzzerMutate != NULL) {
            return LLVMFuzzerMutate(bytes, bytes_count, bytes_max);
        }
        bytes[at] ^= (unsigned char)(1u << hf_random_below(random, 8));
        return bytes_count;
    default:
        length = WIDTHS[hf_random_below(random, sizeof WIDTHS / sizeof WIDTHS[0])];
        hf_mutate_field(random, bytes + at, length < bytes_count - at ? length : 1);
        return bytes_count;
    }
}
