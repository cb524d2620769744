#include <inttypes.h>
#include <string.h>

#include "engine/assert.h"
#include "tools/common/csv.h"
#include "tools/common/parse.h"
#include "tools/holdfast/import.h"

#define TEXT_SHOWN_BYTES 120 /* of a row, on a terminal */

/* A row for people: on one line, and no longer than a line. */
static void print_text(const char *text, size_t text_bytes)
{
    const size_t shown = text_bytes < TEXT_SHOWN_BYTES ? text_bytes : TEXT_SHOWN_BYTES;
    for (size_t i = 0; i < shown; i++) {
        const unsigned char byte = (unsigned char)text[i];
        (void)fputc(byte < ' ' || byte == 0x7F ? ' ' : byte, stderr);
    }
    (void)fprintf(stderr, "%s\n", shown < text_bytes ? " ..." : "");
}

void hf_faults_add(struct hf_faults *faults, uint64_t line, const char *reason, const char *text,
                   size_t text_bytes)
{
    HF_ASSERT(reason != NULL);

    faults->count += 1;
    if (faults->out != NULL) {
        (void)fprintf(faults->out, "%" PRIu64 ",", line);
        hf_csv_put(faults->out, reason, strlen(reason));
        (void)fputc(',', faults->out);
        hf_csv_put(faults->out, text, text_bytes);
        (void)fputc('\n', faults->out); /* a failed write shows in ferror, at the end */
        return;
    }
    if (faults->count > HF_FAULTS_SHOWN_MAX) {
        return;
    }
    if (faults->progress != NULL) {
        hf_progress_clear(faults->progress);
    }
    (void)fprintf(stderr, "line %" PRIu64 ": %s: ", line, reason);
    print_text(text, text_bytes);
}

void hf_faults_end(const struct hf_faults *faults)
{
    char count[HF_COUNT_TEXT_BYTES];
    if (faults->out == NULL && faults->count > HF_FAULTS_SHOWN_MAX) {
        (void)fprintf(stderr, "... and %s rows more; --errors FILE writes all of them to a file\n",
                      hf_format_count(faults->count - HF_FAULTS_SHOWN_MAX, count));
    }
}
