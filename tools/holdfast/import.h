/*
 * import.h - stock or policies out of a CSV file: read it, judge all of it, then change something.
 *
 *     FILE.csv --> import_file.c --> rows --> import_send.c --> one operation a row, pipelined
 *                       |              \--> import_diff.c --> what it would change (--dry-run)
 *                       \--> faults.c: line, reason and text of what cannot be read or was refused
 *
 * Invariants:
 *     M1   nothing is sent before every row was judged; a row that cannot be read stops the import
 *          unless --skip-errors was given
 *     M2   one row is one operation under a reference made of the file's content, the options that
 *          change its meaning, and the line it stands on. So whatever dies in the middle, the same
 *          command again does the rest, and only the rest, as long as the server remembers
 *     M3   memory is bounded by the file: its text twice (the fields are taken out in place, the
 *          faults show what was there), 64 bytes a row, 8 bytes a row for the table of cells;
 *          HF_IMPORT_BYTES_MAX and HF_IMPORT_ROWS_MAX bound those
 *
 * Why in memory and not read twice: standard input cannot be, and a file that changes between two
 * readings would be imported without having been judged.
 */
#ifndef HF_TOOLS_HOLDFAST_IMPORT_H
#define HF_TOOLS_HOLDFAST_IMPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "net/holdfast.h"
#include "tools/common/progress.h"

#define HF_IMPORT_BYTES_MAX (UINT64_C(1) << 30)
#define HF_IMPORT_ROWS_MAX UINT32_C(10000000)
#define HF_IMPORT_FIGURES 3
#define HF_IMPORT_HASH_BYTES 33 /* 32 hexadecimal digits and a zero */
#define HF_IMPORT_REF_BYTES 65
#define HF_FAULTS_SHOWN_MAX 20 /* on stderr, without a file for them */
#define HF_REASON_BYTES 320

enum hf_import_what { HF_IMPORT_STOCK, HF_IMPORT_POLICY };

struct hf_import_options {
    enum hf_import_what what;
    bool is_add;         /* stock: units that come or go, not what is on hand */
    uint32_t as_of_flag; /* HOLDFAST_AS_OF_LSN, HOLDFAST_AS_OF_TIME, or 0 */
    uint64_t as_of;
    const char *location; /* of all rows; NULL: each says */
    const char *run;      /* NULL: none */
};

/* ------------------------------------------------------------------ faults.c */

/* Rows that were refused, in the order in which that was found out: into a file, or on stderr. */
struct hf_faults {
    FILE *out;                    /* NULL: on stderr, the first of them */
    struct hf_progress *progress; /* whose line stands on stderr; may be NULL */
    uint64_t count;
};

/* Print a fault: where, why, and the row as it stands in the file. */
void hf_faults_add(struct hf_faults *faults, uint64_t line, const char *reason, const char *text,
                   size_t text_bytes);
/* Say how many were not shown. */
void hf_faults_end(const struct hf_faults *faults);

/* ------------------------------------------------------------------ import_file.c */

enum hf_row_state {
    HF_ROW_OPEN,
    HF_ROW_CHANGED,
    HF_ROW_UNCHANGED,
    HF_ROW_REPEATED, /* done by a run before */
    HF_ROW_REFUSED
};

struct hf_import_row {
    const char *sku;
    const char *location;
    /* stock: [0] units. policy: safety stock, low stock, backorder; or HOLDFAST_POLICY_KEEP. */
    int64_t figures[HF_IMPORT_FIGURES];
    uint64_t text; /* where it stands in the file; that of the first of a cell's rows, the cell */
    uint32_t text_bytes;
    uint32_t line;
    uint32_t first; /* index of the first row of the same cell; its own when it is that */
    enum hf_row_state state;
};
_Static_assert(sizeof(struct hf_import_row) == 64, "M3");

struct hf_import_file {
    char *text;  /* as it was read */
    char *taken; /* a copy, whose fields are taken out; the rows point into it */
    size_t text_bytes;
    char hash[HF_IMPORT_HASH_BYTES]; /* of the content and of what changes its meaning */
    struct hf_import_row *rows;      /* those that can be read */
    uint32_t rows_count;
    uint32_t rows_max;
    uint64_t rows_seen; /* all, also those that cannot be read */
};

/* Told about a column that is not read, and the like; lower case, no full stop. */
typedef void (*hf_note_cb)(void *arg, const char *note);

/*
 * Read the file at `path` ("-": standard input). False: `error` says why. Release either way.
 */
bool hf_import_file_read(struct hf_import_file *file, const char *path, char *error,
                         size_t error_bytes);
/*
 * Judge all of its rows; those that cannot be read go to `faults`. False: the file as a whole is
 * not what was asked for, `error` says why (a column is missing).
 */
bool hf_import_file_judge(struct hf_import_file *file, const struct hf_import_options *options,
                          struct hf_faults *faults, hf_note_cb note, void *note_arg, char *error,
                          size_t error_bytes);
void hf_import_file_release(struct hf_import_file *file);

/* A row that the server refused, or would. */
void hf_import_refuse(struct hf_import_file *file, uint32_t index, struct hf_faults *faults,
                      const char *reason);
/* The reference of a row: "import:HASH:LINE". Returns `ref`. */
const char *hf_import_ref(const struct hf_import_file *file, uint32_t index,
                          char ref[HF_IMPORT_REF_BYTES]);
/* True when the row asks for nothing: no units to add, no figure to set. */
bool hf_import_row_is_idle(const struct hf_import_options *options,
                           const struct hf_import_row *row);

/* ------------------------------------------------------------------ import_send.c */

struct hf_import_totals {
    uint64_t changed, unchanged, repeated;
    uint64_t lsn; /* the newest that an answer named; 0: none */
};

/*
 * Send every row that is open, until each is settled. HOLDFAST_OK: they are. Otherwise the outcome
 * that ended it (HOLDFAST_UNKNOWN: no connection), and `error` in words; what was settled is.
 */
enum holdfast_outcome hf_import_send(struct holdfast **hf, struct hf_import_file *file,
                                     const struct hf_import_options *options,
                                     struct hf_faults *faults, struct hf_progress *progress,
                                     struct hf_import_totals *totals, char *error,
                                     size_t error_bytes);

/* ------------------------------------------------------------------ import_diff.c */

/* What a row, or the rows of a cell together, would change. */
struct hf_difference {
    uint32_t row; /* the first of the cell */
    int64_t before[HF_IMPORT_FIGURES];
    int64_t after[HF_IMPORT_FIGURES];
};
struct hf_differences {
    struct hf_difference *list; /* in the order of the file */
    size_t count;
    uint64_t lsn;           /* of the newest figures read */
    uint32_t repeated_line; /* a row that a run before has done, and so would be again; 0: none */
    uint64_t repeated_lsn;
};

/*
 * Compare the rows with the stock there is; settles their states as the import would. HOLDFAST_OK,
 * or why the server could not be asked.
 */
enum holdfast_outcome hf_import_compare(struct holdfast *hf, struct hf_import_file *file,
                                        const struct hf_import_options *options,
                                        struct hf_faults *faults, struct hf_progress *progress,
                                        struct hf_differences *differences);

#endif
