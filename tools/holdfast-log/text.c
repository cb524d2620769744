#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "engine/assert.h"
#include "tools/holdfast-log/log_tool.h"

/* ------------------------------------------------------------------ JSON */

void hf_out_begin(struct hf_out *out, char bracket)
{
    (void)putchar(bracket);
    out->comma = "";
}

void hf_out_end(struct hf_out *out, char bracket)
{
    (void)putchar(bracket);
    out->comma = ",";
}

static void put_string(const char *bytes, size_t bytes_count)
{
    (void)putchar('"');
    for (size_t i = 0; i < bytes_count; i++) {
        const unsigned char byte = (unsigned char)bytes[i];
        if (byte == '"' || byte == '\\') {
            (void)putchar('\\');
        }
        if (byte < 0x20) { /* never in a code; a path may have it */
            (void)printf("\\u%04x", byte);
        } else {
            (void)putchar(byte);
        }
    }
    (void)putchar('"');
}

void hf_out_key(struct hf_out *out, const char *key)
{
    (void)fputs(out->comma, stdout);
    if (key != NULL) { /* NULL: an element of an array */
        (void)printf("\"%s\":", key);
    }
    out->comma = ",";
}

void hf_out_string(struct hf_out *out, const char *key, const char *text)
{
    hf_out_key(out, key);
    if (text == NULL) {
        (void)fputs("null", stdout);
    } else {
        put_string(text, strlen(text));
    }
}

void hf_out_text(struct hf_out *out, const char *key, struct hf_text text)
{
    hf_out_key(out, key);
    if (text.bytes_count == 0) {
        (void)fputs("null", stdout);
    } else {
        put_string(text.bytes, text.bytes_count);
    }
}

void hf_out_count(struct hf_out *out, const char *key, uint64_t count)
{
    hf_out_key(out, key);
    (void)printf("%" PRIu64, count);
}

void hf_out_units(struct hf_out *out, const char *key, int64_t units)
{
    hf_out_key(out, key);
    (void)printf("%" PRId64, units);
}

void hf_out_bool(struct hf_out *out, const char *key, bool is_true)
{
    hf_out_key(out, key);
    (void)fputs(is_true ? "true" : "false", stdout);
}

void hf_out_time(struct hf_out *out, const char *key, uint64_t time_us)
{
    char text[HF_TIME_TEXT_BYTES];
    hf_out_string(out, key, time_us == 0 ? NULL : hf_tool_time(time_us, text));
}

void hf_out_digest(struct hf_out *out, const char *key, struct hf_digest digest)
{
    char text[HF_DIGEST_TEXT_BYTES];
    hf_out_string(out, key, hf_tool_digest_text(digest, text));
}

/* ------------------------------------------------------------------ values */

const char *hf_tool_time(uint64_t time_us, char text[HF_TIME_TEXT_BYTES])
{
    const time_t seconds = (time_t)(time_us / 1000000);
    const uint64_t micros = time_us % 1000000;
    struct tm utc;

    if (time_us == 0 || gmtime_r(&seconds, &utc) == NULL) {
        (void)snprintf(text, HF_TIME_TEXT_BYTES, "-");
        return text;
    }
    size_t used = strftime(text, HF_TIME_TEXT_BYTES, "%Y-%m-%dT%H:%M:%S", &utc);
    if (micros != 0) {
        used += (size_t)snprintf(text + used, HF_TIME_TEXT_BYTES - used, ".%06" PRIu64, micros);
    }
    HF_ASSERT(used + 2 <= HF_TIME_TEXT_BYTES);
    (void)snprintf(text + used, HF_TIME_TEXT_BYTES - used, "Z");
    return text;
}

const char *hf_tool_digest_text(struct hf_digest digest, char text[HF_DIGEST_TEXT_BYTES])
{
    (void)snprintf(text, HF_DIGEST_TEXT_BYTES, "%016" PRIx64 "%016" PRIx64, digest.high,
                   digest.low);
    return text;
}

/* ------------------------------------------------------------------ tables */

void hf_tool_table_row(struct hf_log_table *table, const char *const *texts)
{
    const size_t columns_count = table->columns_count;
    const size_t texts_count = (table->rows_count + 1) * columns_count;

    HF_ASSERT(columns_count > 0 && columns_count <= HF_TABLE_COLUMNS_MAX);
    void *more = realloc(table->texts, texts_count * sizeof *table->texts);
    if (more == NULL) {
        hf_tool_complain("out of memory");
        exit(HF_LOG_USAGE);
    }
    table->texts = more;
    for (size_t i = 0; i < columns_count; i++) {
        (void)snprintf(table->texts[table->rows_count * columns_count + i], HF_TABLE_TEXT_BYTES,
                       "%s", texts[i]);
    }
    table->rows_count++;
}

void hf_tool_table_end(struct hf_log_table *table)
{
    const size_t columns_count = table->columns_count;
    int widths[HF_TABLE_COLUMNS_MAX] = {0};
    bool is_right[HF_TABLE_COLUMNS_MAX] = {false};

    for (size_t i = 0; i < columns_count; i++) {
        char *title = table->texts[i];
        is_right[i] = title[0] == '>';
        memmove(title, title + (is_right[i] ? 1 : 0), strlen(title) + (is_right[i] ? 0 : 1));
    }
    for (size_t i = 0; i < table->rows_count * columns_count; i++) {
        const int width = (int)strlen(table->texts[i]);
        widths[i % columns_count] =
            widths[i % columns_count] < width ? width : widths[i % columns_count];
    }
    for (size_t i = 0; i < table->rows_count * columns_count; i++) {
        const size_t column = i % columns_count;
        const bool is_last = column + 1 == columns_count;
        const int width = is_right[column] ? widths[column] : is_last ? 0 : -widths[column];
        (void)printf("%*s%s", width, table->texts[i], is_last ? "\n" : "  ");
    }
    free(table->texts);
    *table = (struct hf_log_table){0};
}
