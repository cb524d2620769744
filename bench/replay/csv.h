/*
 * csv.h - rows of a CSV text in memory, after RFC 4180.
 *
 *     record  = field *("," field) (CR LF | LF | end)
 *     field   = bytes without comma, quote, CR, LF
 *             | quote *(any byte but a quote | quote quote) quote       may hold line ends
 *
 * A record that breaks these rules is reported with the number of the line it starts on, and
 * reading goes on with the line after that: one stray quote costs one row, not the rest of the
 * file. For that a record is judged whole before any of it is taken out.
 *
 * Fields are taken out in place: the text is changed, fields are zero-terminated views into it and
 * stay valid as long as the text does. The text has one spare byte behind its end. A record that
 * consists of nothing at all (an empty line) is passed over.
 */
#ifndef HF_BENCH_CSV_H
#define HF_BENCH_CSV_H

#include <stddef.h>
#include <stdint.h>

#define HF_CSV_FIELDS_MAX 64 /* of one record; a table for people has fewer columns */

enum hf_csv_result {
    HF_CSV_ROW, /* fields[0..fields_count) are set */
    HF_CSV_BAD, /* error says why; the next call goes on behind it */
    HF_CSV_END
};

struct hf_csv_field {
    char *bytes; /* zero-terminated; may hold zero bytes besides when the text does */
    size_t bytes_count;
};

struct hf_csv {
    char *at;
    char *end;
    uint64_t next_line; /* number of the line at `at`, from 1 */
    uint64_t line;      /* number of the line on which the last row or bad record started */
    const char *error;  /* of HF_CSV_BAD: lower case, no full stop */
    struct hf_csv_field fields[HF_CSV_FIELDS_MAX];
    size_t fields_count;
};

/* Begin at the start of text[0..bytes_count); text[bytes_count] may be written to. */
void hf_csv_init(struct hf_csv *csv, char *text, size_t bytes_count);
enum hf_csv_result hf_csv_next(struct hf_csv *csv);

#endif
