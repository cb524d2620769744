#include "tools/holdfast/words.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/assert.h"

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Copy the word at *from to `to`, without its quotes; *from moves behind it. Returns the end of the
 * copy. */
static char *take_word(struct hf_words *words, const char **from, char *to)
{
    const char *p = *from;
    char quote = '\0';

    for (; *p != '\0' && (quote != '\0' || !is_space(*p)); p++) {
        if (*p == '\\' && quote != '\'') {
            if (p[1] == '\0') {
                words->is_closed = false;
                continue;
            }
            p++;
            *to++ = *p;
        } else if (quote == '\0' && (*p == '\'' || *p == '"')) {
            quote = *p;
        } else if (quote != '\0' && *p == quote) {
            quote = '\0';
        } else {
            *to++ = *p;
        }
    }
    words->is_closed = words->is_closed && quote == '\0';
    *from = p;
    return to;
}

void hf_words_split(struct hf_words *words, const char *line)
{
    const size_t bytes = strlen(line);

    *words = (struct hf_words){.is_closed = true};
    words->text = malloc(bytes + 1);
    words->words = calloc(bytes / 2 + 2, sizeof *words->words); /* a word and a space: two bytes */
    if (words->text == NULL || words->words == NULL) {
        (void)fputs("holdfast: out of memory\n", stderr);
        exit(3);
    }
    char *to = words->text;
    const char *p = line;
    for (;;) {
        const char *before = p;
        while (is_space(*p)) {
            p++;
        }
        if (*p == '\0') {
            words->is_in_word = words->is_in_word && p == before;
            break;
        }
        if (*p == '#' && words->count == 0) {
            break;
        }
        words->words[words->count++] = to;
        to = take_word(words, &p, to);
        words->is_in_word = true; /* unless a space follows */
        *to++ = '\0';             /* in the place of that space, or of the line's end */
        HF_ASSERT(to <= words->text + bytes + 1);
    }
    HF_ASSERT(words->count <= bytes / 2 + 1);
}

void hf_words_release(struct hf_words *words)
{
    free(words->words);
    free(words->text);
    *words = (struct hf_words){0};
}
