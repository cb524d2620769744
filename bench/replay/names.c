#include "bench/replay/names.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "engine/assert.h"

#define SLOTS_MIN 1024u

void hf_names_release(struct hf_names *names)
{
    free(names->texts);
    free(names->slots);
    *names = (struct hf_names){0};
}

/* The slot of `text`, or the empty one where it belongs. */
static uint32_t *find(const struct hf_names *names, const char *text)
{
    uint32_t at = (uint32_t)XXH3_64bits(text, strlen(text)) & (names->slots_count - 1);
    while (names->slots[at] != 0 && strcmp(names->texts[names->slots[at] - 1], text) != 0) {
        at = (at + 1) & (names->slots_count - 1);
    }
    return &names->slots[at];
}

/* Twice the room; slots stay at most half full. */
static bool grow(struct hf_names *names)
{
    const uint32_t slots_count = names->slots_count == 0 ? SLOTS_MIN : names->slots_count * 2;
    uint32_t *slots = calloc(slots_count, sizeof *slots);
    const char **texts = realloc(names->texts, slots_count / 2 * sizeof *texts);

    if (texts != NULL) {
        names->texts = texts;
    }
    if (slots == NULL || texts == NULL) {
        free(slots);
        return false;
    }
    free(names->slots);
    names->slots = slots;
    names->slots_count = slots_count;
    for (uint32_t number = 0; number < names->count; number++) {
        *find(names, names->texts[number]) = number + 1;
    }
    return true;
}

bool hf_names_add(struct hf_names *names, const char *text, uint32_t *number)
{
    HF_ASSERT(text != NULL);

    if (names->count == names->slots_count / 2 && !grow(names)) {
        return false;
    }
    uint32_t *slot = find(names, text);
    if (*slot == 0) {
        names->texts[names->count++] = text;
        *slot = names->count;
    }
    *number = *slot - 1;
    HF_ASSERT(*number < names->count);
    return true;
}
