#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <xxhash.h>

#include "engine/assert.h"
#include "tests/fuzz/mutate.h"
#include "tests/lib/small_engine.h"

#define LINES_MAX 1100 /* more epochs than a manifest may have */

struct line {
    size_t at, bytes_count; /* its newline included */
};

static uint32_t find_lines(const unsigned char *text, size_t bytes_count, struct line *lines)
{
    uint32_t count = 0;
    size_t at = 0;

    while (at < bytes_count && count < LINES_MAX) {
        const unsigned char *end = memchr(text + at, '\n', bytes_count - at);
        const size_t length = end == NULL ? bytes_count - at : (size_t)(end - text) + 1 - at;
        lines[count++] = (struct line){at, length};
        at += length;
    }
    return count;
}

/* Another number in the place of one of the line's. */
static size_t change_number(uint64_t *random, const unsigned char *line, size_t bytes_count,
                            unsigned char *to, size_t to_max)
{
    char word[24];
    size_t starts[8];
    size_t count = 0;

    for (size_t i = 1; i < bytes_count && count < 8; i++) {
        if (line[i - 1] == ' ' && line[i] >= '0' && line[i] <= '9') {
            starts[count++] = i;
        }
    }
    if (count == 0 || to_max < bytes_count + sizeof word) {
        return 0;
    }
    const size_t at = starts[hf_random_below(random, count)];
    uint64_t old = 0;
    size_t end = at;
    for (; end < bytes_count && line[end] >= '0' && line[end] <= '9'; end++) {
        old = old * 10 + (uint64_t)(line[end] - '0');
    }
    const int width = snprintf(word, sizeof word, "%" PRIu64, hf_mutate_number(random, old));
    HF_ASSERT(width > 0);
    memcpy(to, line, at);
    memcpy(to + at, word, (size_t)width);
    memcpy(to + at + (size_t)width, line + end, bytes_count - end);
    return bytes_count - (end - at) + (size_t)width;
}

/* One of the lines changed, left out, repeated, or moved. Returns the size of what is in `to`. */
static size_t change_lines(uint64_t *random, const unsigned char *text, size_t bytes_count,
                           unsigned char *to, size_t to_max)
{
    static struct line lines[LINES_MAX];
    const uint32_t count = find_lines(text, bytes_count, lines);
    const uint64_t chosen = hf_random_below(random, count);
    const uint64_t other = hf_random_below(random, count);
    const uint64_t what = hf_random_below(random, 8);
    size_t made = 0;

    for (uint32_t i = 0; i < count; i++) {
        const struct line *line = &lines[what == 0 && i == chosen  ? other
                                         : what == 0 && i == other ? chosen
                                                                   : i];
        size_t added = 0;
        if (line->bytes_count > to_max - made) {
            break;
        }
        if (i == chosen && what > 3) {
            added =
                change_number(random, text + line->at, line->bytes_count, to + made, to_max - made);
        }
        if (added == 0 && !(i == chosen && what == 1)) {
            memcpy(to + made, text + line->at, line->bytes_count);
            added = line->bytes_count;
        }
        if (i == chosen && what == 3) {
            added = hf_mutate_range(random, to + made, added, to_max - made);
        }
        made += added;
        if (i == chosen && what == 2) {
            const uint64_t times = 1 + hf_random_below(random, 3);
            for (uint64_t left = times; left > 0 && added <= to_max - made; left--) {
                memcpy(to + made, text + line->at, added);
                made += added;
            }
        }
    }
    return made;
}

size_t hf_mutate_manifest(uint64_t *random, unsigned char *bytes, size_t bytes_count,
                          size_t bytes_max)
{
    static unsigned char from[HF_FUZZ_INPUT_BYTES_MAX];
    static unsigned char made[HF_FUZZ_INPUT_BYTES_MAX + 64];
    static struct line lines[LINES_MAX];
    const size_t made_max =
        bytes_max < HF_FUZZ_INPUT_BYTES_MAX ? bytes_max : HF_FUZZ_INPUT_BYTES_MAX;

    const uint32_t lines_count = find_lines(bytes, bytes_count, lines);
    if (hf_random_below(random, 16) == 0 || lines_count == 0 || bytes_count > made_max) {
        return hf_mutate_range(random, bytes, bytes_count, bytes_max);
    }
    /* Without the last line, if it is the checksum: it is made anew. */
    const struct line last = lines[lines_count - 1];
    size_t size = bytes_count;
    if (last.bytes_count >= 9 && memcmp(bytes + last.at, "checksum ", 9) == 0) {
        size = last.at;
    }
    memcpy(from, bytes, size);
    for (uint64_t left = 1 + hf_random_below(random, 3); left > 0 && size > 0; left--) {
        size = change_lines(random, from, size, made, made_max);
        memcpy(from, made, size);
    }
    if (size + 26 > made_max) {
        return hf_mutate_range(random, bytes, bytes_count, bytes_max);
    }
    memcpy(made, from, size);
    const int added = snprintf((char *)made + size, 64, "checksum %016" PRIx64 "\n",
                               (uint64_t)XXH3_64bits(made, size));
    HF_ASSERT(added == 26);
    memcpy(bytes, made, size + 26);
    return size + 26;
}
