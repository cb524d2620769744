#include "tools/common/progress.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "engine/assert.h"
#include "tools/common/parse.h"

#define INTERVAL_US INT64_C(100000)

static int64_t now_us(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* done * scale / total, without an overflow for any file that fits a disk. */
static uint64_t share(uint64_t done, uint64_t total, unsigned scale)
{
    HF_ASSERT(total > 0);
    return done >= total ? scale : (uint64_t)((double)done * scale / (double)total);
}

const char *hf_progress_text(uint64_t done, uint64_t total, const char *what, int64_t elapsed_us,
                             char text[HF_PROGRESS_TEXT_BYTES])
{
    char done_text[HF_COUNT_TEXT_BYTES];
    char total_text[HF_COUNT_TEXT_BYTES];
    char bar[HF_PROGRESS_WIDTH + 1];
    const double seconds = (double)elapsed_us / 1e6;

    hf_format_count(done, done_text);
    if (total == 0) {
        (void)snprintf(text, HF_PROGRESS_TEXT_BYTES, "%s %.*s  %.1f s", done_text,
                       HF_PROGRESS_WHAT_BYTES, what, seconds);
        return text;
    }
    hf_format_count(total, total_text);
    memset(bar, '.', HF_PROGRESS_WIDTH);
    memset(bar, '#', (size_t)share(done, total, HF_PROGRESS_WIDTH));
    bar[HF_PROGRESS_WIDTH] = '\0';
    (void)snprintf(text, HF_PROGRESS_TEXT_BYTES, "[%s] %3" PRIu64 " %%  %s of %s %.*s  %.1f s", bar,
                   share(done, total, 100), done_text, total_text, HF_PROGRESS_WHAT_BYTES, what,
                   seconds);
    return text;
}

void hf_progress_init(struct hf_progress *progress, FILE *out, bool is_shown, const char *what,
                      uint64_t total)
{
    HF_ASSERT(out != NULL);
    *progress = (struct hf_progress){
        .out = out, .is_shown = is_shown, .what = what, .total = total, .started_us = now_us()};
}

/* "\033[K" clears what a longer line before has left. */
static void draw(struct hf_progress *progress, uint64_t done, int64_t now)
{
    char text[HF_PROGRESS_TEXT_BYTES];
    (void)fprintf(
        progress->out, "\r%s\033[K",
        hf_progress_text(done, progress->total, progress->what, now - progress->started_us, text));
    (void)fflush(progress->out);
    progress->is_drawn = true;
    progress->drawn_us = now;
}

void hf_progress_show(struct hf_progress *progress, uint64_t done)
{
    if (!progress->is_shown) {
        return;
    }
    const int64_t now = now_us();
    if (now - progress->drawn_us >= INTERVAL_US) {
        draw(progress, done, now);
    }
}

void hf_progress_clear(struct hf_progress *progress)
{
    if (progress->is_drawn) {
        (void)fputs("\r\033[K", progress->out);
        (void)fflush(progress->out);
        progress->is_drawn = false;
        progress->drawn_us = 0;
    }
}

void hf_progress_end(struct hf_progress *progress, uint64_t done)
{
    if (progress->is_shown) {
        draw(progress, done, now_us());
        (void)fputc('\n', progress->out);
        (void)fflush(progress->out);
        progress->is_drawn = false;
    }
}
