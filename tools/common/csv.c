#include "tools/common/csv.h"

#include <stdbool.h>
#include <string.h>

#include "engine/assert.h"

/* What judging a record finds out. */
struct record {
    char *end;       /* behind its last byte, before the line end */
    char *next;      /* the record after it */
    uint64_t lines;  /* lines it takes */
    const char *bad; /* NULL: well-formed */
};

void hf_csv_init(struct hf_csv *csv, char *text, size_t bytes_count)
{
    HF_ASSERT(text != NULL);

    *csv = (struct hf_csv){.at = text, .end = text + bytes_count, .next_line = 1};
    if (bytes_count >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0) {
        csv->at += 3; /* a byte order mark, as spreadsheets write it */
    }
}

/* The byte after a quoted field that starts at `at`; NULL when its closing quote is missing. */
static char *quoted_end(char *at, const char *end, uint64_t *lines)
{
    for (at++; at < end; at++) {
        if (*at == '\n') {
            (*lines)++;
        }
        if (*at != '"') {
            continue;
        }
        if (at + 1 < end && at[1] == '"') {
            at++; /* a doubled quote stands for one */
            continue;
        }
        return at + 1;
    }
    return NULL;
}

static char *plain_end(char *at, const char *end)
{
    while (at < end && *at != ',' && *at != '\n' && *at != '"') {
        at++;
    }
    return at;
}

/* Is the byte at `at` the end of a record: LF, CR LF, or the end of the text? */
static size_t line_end_bytes(const char *at, const char *end)
{
    if (at < end && *at == '\n') {
        return 1;
    }
    if (at + 1 < end && at[0] == '\r' && at[1] == '\n') {
        return 2;
    }
    return 0;
}

static struct record judge(const struct hf_csv *csv)
{
    struct record record = {.lines = 0};
    char *at = csv->at;

    for (size_t fields = 1;; fields++) {
        if (fields > HF_CSV_FIELDS_MAX) {
            record.bad = "too many fields";
            return record;
        }
        if (at < csv->end && *at == '"') {
            const uint64_t lines_before = record.lines;
            at = quoted_end(at, csv->end, &record.lines);
            if (at == NULL) {
                record.bad = "a quoted field is not closed";
                return record;
            }
            if (at < csv->end && *at != ',' && line_end_bytes(at, csv->end) == 0) {
                /* Over a line end, it is the next field's opening quote that seems to close it. */
                record.bad = record.lines > lines_before ? "a quoted field is not closed"
                                                         : "text after a closing quote";
                return record;
            }
        } else {
            at = plain_end(at, csv->end);
            if (at < csv->end && *at == '"') {
                record.bad = "a quote inside a field that is not quoted";
                return record;
            }
            if (at < csv->end && *at == '\n' && at > csv->at && at[-1] == '\r') {
                at--;
            }
        }
        if (at == csv->end || *at != ',') {
            break;
        }
        at++;
    }
    record.end = at;
    record.next = at + line_end_bytes(at, csv->end);
    record.lines += 1;
    return record;
}

/* Take the field at `at` out of a well-formed record; returns the byte behind it. */
static char *take_field(char *at, const char *end, struct hf_csv_field *field)
{
    if (at == end || *at != '"') {
        char *stop = memchr(at, ',', (size_t)(end - at));
        if (stop == NULL) {
            stop = at + (end - at);
        }
        *field = (struct hf_csv_field){.bytes = at, .bytes_count = (size_t)(stop - at)};
        return stop;
    }

    char *to = at + 1;
    *field = (struct hf_csv_field){.bytes = to};
    for (at++;; at++) {
        HF_ASSERT(at < end); /* judge() has seen the closing quote */
        if (*at == '"') {
            at++;
            if (at == end || *at != '"') {
                break;
            }
        }
        *to++ = *at;
    }
    field->bytes_count = (size_t)(to - field->bytes);
    return at;
}

enum hf_csv_result hf_csv_next(struct hf_csv *csv)
{
    for (size_t empty; (empty = line_end_bytes(csv->at, csv->end)) > 0;) {
        csv->at += empty;
        csv->next_line++;
    }
    if (csv->at == csv->end) {
        return HF_CSV_END;
    }

    const struct record record = judge(csv);
    csv->line = csv->next_line;
    csv->record = csv->at;
    csv->fields_count = 0;
    if (record.bad != NULL) {
        char *stop = memchr(csv->at, '\n', (size_t)(csv->end - csv->at));
        const char *end = stop == NULL ? csv->end : stop;
        if (end > csv->at && end[-1] == '\r') {
            end--;
        }
        csv->record_bytes = (size_t)(end - csv->record);
        csv->at = stop == NULL ? csv->end : stop + 1;
        csv->next_line++;
        csv->error = record.bad;
        return HF_CSV_BAD;
    }

    for (char *at = csv->at;; at++) {
        HF_ASSERT(csv->fields_count < HF_CSV_FIELDS_MAX); /* judge() has counted them */
        at = take_field(at, record.end, &csv->fields[csv->fields_count++]);
        if (at == record.end) {
            break;
        }
    }
    /* Only now: a terminator overwrites the comma or line end that reading still needed. */
    for (size_t i = 0; i < csv->fields_count; i++) {
        csv->fields[i].bytes[csv->fields[i].bytes_count] = '\0';
    }
    csv->record_bytes = (size_t)(record.end - csv->record);
    csv->at = record.next;
    csv->next_line += record.lines;
    return HF_CSV_ROW;
}

void hf_csv_put(FILE *out, const char *bytes, size_t bytes_count)
{
    bool needs_quotes = false;
    for (size_t i = 0; i < bytes_count && !needs_quotes; i++) {
        needs_quotes = strchr("\",\r\n", bytes[i]) != NULL; /* a zero byte as well */
    }
    if (!needs_quotes) {
        (void)fwrite(bytes, 1, bytes_count, out);
        return;
    }
    (void)putc('"', out);
    for (size_t i = 0; i < bytes_count; i++) {
        if (bytes[i] == '"') {
            (void)putc('"', out);
        }
        (void)putc(bytes[i], out);
    }
    (void)putc('"', out);
}
