/*
 * progress.h - how far a long task is, on one line of a terminal.
 *
 *     [##########..............................]  25 %  3,500 of 14,000 rows  0.3 s
 *
 * The line is drawn over and over, ten times a second at most, and only where there is a terminal:
 * a log file wants no bars. Whoever prints something else on it in between clears the line first.
 */
#ifndef HF_TOOLS_PROGRESS_H
#define HF_TOOLS_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define HF_PROGRESS_WIDTH 40
#define HF_PROGRESS_TEXT_BYTES 192
#define HF_PROGRESS_WHAT_BYTES 32 /* longer is cut */

struct hf_progress {
    FILE *out;
    bool is_shown;
    bool is_drawn;    /* a line stands there that was not ended */
    const char *what; /* "rows" */
    uint64_t total;   /* 0: not known */
    int64_t started_us;
    int64_t drawn_us;
};

/* Begin at 0 of `total`. Nothing is ever drawn when `is_shown` is false. */
void hf_progress_init(struct hf_progress *progress, FILE *out, bool is_shown, const char *what,
                      uint64_t total);
/* `done` so far. Cheap enough to be called for every row of a file. */
void hf_progress_show(struct hf_progress *progress, uint64_t done);
/* Make the line empty for something else; the next hf_progress_show draws it again. */
void hf_progress_clear(struct hf_progress *progress);
/* Draw it a last time and end the line. */
void hf_progress_end(struct hf_progress *progress, uint64_t done);

/* The line itself, without the carriage return; returns `text`. `done` may be above `total`. */
const char *hf_progress_text(uint64_t done, uint64_t total, const char *what, int64_t elapsed_us,
                             char text[HF_PROGRESS_TEXT_BYTES]);

#endif
