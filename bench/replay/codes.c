#include "bench/replay/codes.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "engine/assert.h"

#define SLOTS_MIN 1024u

void hf_codes_release(struct hf_codes *codes)
{
    free(codes->texts);
    free(codes->slots);
    *codes = (struct hf_codes){0};
}

/* The slot of `text`, or the empty one where it belongs. */
static uint32_t *find(const struct hf_codes *codes, const char *text)
{
    uint32_t at = (uint32_t)XXH3_64bits(text, strlen(text)) & (codes->slots_count - 1);
    while (codes->slots[at] != 0 && strcmp(codes->texts[codes->slots[at] - 1], text) != 0) {
        at = (at + 1) & (codes->slots_count - 1);
    }
    return &codes->slots[at];
}

/* Twice the room; slots stay at most half full. */
static bool grow(struct hf_codes *codes)
{
    const uint32_t slots_count = codes->slots_count == 0 ? SLOTS_MIN : codes->slots_count * 2;
    uint32_t *slots = calloc(slots_count, sizeof *slots);
    const char **texts = realloc(codes->texts, slots_count / 2 * sizeof *texts);

    if (texts != NULL) {
        codes->texts = texts;
    }
    if (slots == NULL || texts == NULL) {
        free(slots);
        return false;
    }
    free(codes->slots);
    codes->slots = slots;
    codes->slots_count = slots_count;
    for (uint32_t number = 0; number < codes->count; number++) {
        *find(codes, codes->texts[number]) = number + 1;
    }
    return true;
}

bool hf_codes_add(struct hf_codes *codes, const char *text, uint32_t *number)
{
    HF_ASSERT(text != NULL);

    if (codes->count == codes->slots_count / 2 && !grow(codes)) {
        return false;
    }
    uint32_t *slot = find(codes, text);
    if (*slot == 0) {
        codes->texts[codes->count++] = text;
        *slot = codes->count;
    }
    *number = *slot - 1;
    HF_ASSERT(*number < codes->count);
    return true;
}
