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
 *
 * Why our own: libcsv, the C library that distributions carry, has no pkg-config file, does not say
 * on which line a row stands, and loses the rest of the file to one stray quote.
 */
#ifndef HF_TOOLS_CSV_H
#define HF_TOOLS_CSV_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

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
    uint64_t next_line;  /* number of the line at `at`, from 1 */
    uint64_t line;       /* number of the line on which the last row or bad record started */
    char *record;        /* where it starts; of a row the bytes have been changed since, */
    size_t record_bytes; /* but a copy of the text made before has it at the same place */
    const char *error;   /* of HF_CSV_BAD: lower case, no full stop */
    struct hf_csv_field fields[HF_CSV_FIELDS_MAX];
    size_t fields_count;
};

/* Begin at the start of text[0..bytes_count); text[bytes_count] may be written to. */
void hf_csv_init(struct hf_csv *csv, char *text, size_t bytes_count);
enum hf_csv_result hf_csv_next(struct hf_csv *csv);

/* Write one field: in quotes, those inside doubled, when it could not be read back without. A
 * failed write shows in ferror(out). */
void hf_csv_put(FILE *out, const char *bytes, size_t bytes_count);

#endif
