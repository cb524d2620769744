/*
 * words.h - a line of text as words, the way a shell reads it: spaces part words, '...' and "..."
 * keep them together, a backslash (not within '...') takes the next character as it is.
 *
 *     receive 'say "hi"@BERLIN' 5        three words
 *
 * Nothing is expanded. A line that begins with "#" has no words.
 */
#ifndef HF_TOOLS_HOLDFAST_WORDS_H
#define HF_TOOLS_HOLDFAST_WORDS_H

#include <stdbool.h>
#include <stddef.h>

struct hf_words {
    char **words; /* point into text; a NULL follows the last */
    size_t count;
    char *text;
    bool is_closed;  /* false: a quote or a backslash waits for more */
    bool is_in_word; /* the line ends in a word, which could go on */
};

/* Split; stops the program when there is no memory. hf_words_release gives the contents back. */
void hf_words_split(struct hf_words *words, const char *line);
void hf_words_release(struct hf_words *words);

#endif
