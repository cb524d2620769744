/*
 * log_tool.h - what the commands of holdfast-log share.
 *
 *     main.c      arguments, help
 *     list.c      the files of a directory
 *     dump.c      records as JSON lines; effects.c puts effects into words
 *     state.c     verify, digest
 *     repair.c    repair, and the question before it
 *     text.c      JSON, times and tables
 *
 * The program reads files. It knows no server, no socket and no rule of stock; only repair writes.
 */
#ifndef HF_TOOLS_LOG_TOOL_H
#define HF_TOOLS_LOG_TOOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/text.h"
#include "persistence/inspect.h"

enum hf_log_exit {
    HF_LOG_DONE = 0,    /* verify: all is sound */
    HF_LOG_REFUSED = 1, /* verify: a torn tail; repair, digest: not possible, or not wanted */
    HF_LOG_DAMAGED = 2, /* damage, which was named */
    HF_LOG_USAGE = 3    /* wrong usage, no data directory, or it could not be read at all */
};

struct hf_log_options {
    const char *path;
    bool is_json;
    bool has_from, has_to, has_at;
    uint64_t from_lsn, to_lsn, at_lsn;
    bool wants_places; /* dump: file and offset of each record */
    bool skips_damage; /* dump: go on behind it */
    bool is_yes;       /* repair: do not ask */
};

enum hf_log_exit hf_tool_list(const struct hf_log_options *options);
enum hf_log_exit hf_tool_dump(const struct hf_log_options *options);
enum hf_log_exit hf_tool_verify(const struct hf_log_options *options);
enum hf_log_exit hf_tool_repair(const struct hf_log_options *options);
enum hf_log_exit hf_tool_digest(const struct hf_log_options *options);

/* Open the directory, or say on standard error why not. */
bool hf_tool_open(struct hf_inspect_directory *opened, const char *path);
/* "holdfast-log: ..." on standard error. */
void hf_tool_complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* ------------------------------------------------------------------ text.c */

/* Members of the object that is being printed to standard output, by hand: a log is long. `comma`
 * says what stands before the member, and is "," afterwards. */
struct hf_out {
    const char *comma;
};
void hf_out_begin(struct hf_out *out, char bracket);
void hf_out_end(struct hf_out *out, char bracket);
void hf_out_key(struct hf_out *out, const char *key); /* the value is printed by the caller */
void hf_out_string(struct hf_out *out, const char *key, const char *text);  /* NULL: null */
void hf_out_text(struct hf_out *out, const char *key, struct hf_text text); /* empty: null */
void hf_out_count(struct hf_out *out, const char *key, uint64_t count);
void hf_out_units(struct hf_out *out, const char *key, int64_t units);
void hf_out_bool(struct hf_out *out, const char *key, bool is_true);
void hf_out_time(struct hf_out *out, const char *key, uint64_t time_us); /* 0: null */
void hf_out_digest(struct hf_out *out, const char *key, struct hf_digest digest);

#define HF_TIME_TEXT_BYTES 40
/* RFC 3339 in UTC; "-" for 0. */
const char *hf_tool_time(uint64_t time_us, char text[HF_TIME_TEXT_BYTES]);
#define HF_DIGEST_TEXT_BYTES 33
const char *hf_tool_digest_text(struct hf_digest digest, char text[HF_DIGEST_TEXT_BYTES]);

/* A table: rows of texts, printed when it ends. A title that begins with ">" is set right. */
#define HF_TABLE_COLUMNS_MAX 12
#define HF_TABLE_TEXT_BYTES 80
struct hf_log_table {
    size_t columns_count;
    char (*texts)[HF_TABLE_TEXT_BYTES]; /* the titles first */
    size_t rows_count;
};
void hf_tool_table_row(struct hf_log_table *table, const char *const *texts);
void hf_tool_table_end(struct hf_log_table *table);

/* ------------------------------------------------------------------ effects.c */

/* Codes by handle, of one kind. */
struct hf_codes {
    char **texts; /* NULL: not known */
    size_t count;
    size_t max;
};
struct hf_log_catalog {
    struct hf_codes skus, locations, regions;
};
/* All that an engine knows. */
void hf_log_catalog_take(struct hf_log_catalog *catalog, const struct hf_engine *engine);
void hf_log_catalog_release(struct hf_log_catalog *catalog);
/* The codes that a record, which is whole, brings. */
void hf_log_catalog_learn(struct hf_log_catalog *catalog, const unsigned char *record,
                          size_t bytes_count);
/* The record's members, up to and with "effects", into the object. */
void hf_log_record_print(struct hf_out *out, const struct hf_log_catalog *catalog,
                         const unsigned char *record, size_t bytes_count, uint32_t epoch);

#endif
