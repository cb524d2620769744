/*
 * import.c - `holdfast import`: its options, what it says, and how the parts follow each other.
 *
 *     read --> judge --> (faults? stop, unless --skip-errors) --> connect --> send, or compare
 *
 * Exit codes: 0 every row is as the file wants it; 1 rows were refused, by the file's form or by
 * the server; 2 wrong usage, or a file that is not what was asked for; 3 no connection, or one that
 * was lost for good: the same command again does the rest.
 */
#include "tools/holdfast/import.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/assert.h"
#include "engine/text.h"
#include "tools/common/parse.h"
#include "tools/holdfast/cli.h"
#include "tools/holdfast/output.h"
#include "tools/holdfast/when.h"

#define ERROR_BYTES 768
#define RECONNECT_MS 15000 /* a server that was restarted is back by then */

struct import {
    struct hf_cli *cli;
    struct hf_import_options options;
    struct hf_import_file file;
    struct hf_faults faults;
    struct hf_progress progress;
    struct hf_import_totals totals;
    struct hf_differences differences;
    struct holdfast *hf;
    bool is_dry;
    char error[ERROR_BYTES];
};

/* ------------------------------------------------------------------ options */

static enum hf_exit read_as(struct import *import)
{
    struct hf_cli *cli = import->cli;
    struct hf_import_options *options = &import->options;
    const char *as = cli->args.values[HF_OPTION_AS];
    const char *as_of = cli->args.values[HF_OPTION_AS_OF];
    struct hf_as_of moment;

    if (as != NULL && strcmp(as, "set") != 0 && strcmp(as, "add") != 0) {
        return hf_cli_usage(cli, "--as \"%s\" is neither set nor add", as);
    }
    options->is_add = as != NULL && strcmp(as, "add") == 0;
    if (options->what == HF_IMPORT_POLICY && (as != NULL || as_of != NULL)) {
        return hf_cli_usage(cli, "--as and --as-of are about stock: a policy is always set");
    }
    if (as_of == NULL) {
        return HF_EXIT_DONE;
    }
    if (options->is_add) {
        return hf_cli_usage(cli, "--as-of says when a quantity was counted: it needs --as set");
    }
    if (!hf_when_parse_as_of(as_of, hf_when_now_us(), &moment)) {
        return hf_cli_usage(cli, "--as-of \"%s\" is neither an LSN nor a time", as_of);
    }
    options->as_of_flag = moment.flag;
    options->as_of = moment.value;
    return HF_EXIT_DONE;
}

static enum hf_exit read_options(struct import *import)
{
    struct hf_cli *cli = import->cli;

    if (strcmp(cli->words[0], "stock") == 0) {
        import->options.what = HF_IMPORT_STOCK;
    } else if (strcmp(cli->words[0], "policy") == 0) {
        import->options.what = HF_IMPORT_POLICY;
    } else {
        return hf_cli_usage(cli, "cannot import \"%s\": stock or policy", cli->words[0]);
    }
    import->options.location = cli->args.values[HF_OPTION_LOCATION];
    if (import->options.location != NULL &&
        !hf_text_is_code(hf_text_of(import->options.location))) {
        return hf_cli_report_invalid(cli, "location", "not a code of 1 to 64 bytes");
    }
    import->options.run = cli->args.values[HF_OPTION_RUN];
    import->is_dry = hf_args_has(&cli->args, HF_OPTION_DRY_RUN);
    return read_as(import);
}

/* ------------------------------------------------------------------ what is said */

/* The file, or the place for its faults, is no good: exit code 2. */
static enum hf_exit fail(const struct import *import, const char *message)
{
    (void)fprintf(stderr, "holdfast: %s\n", message);
    if (import->cli->is_json) {
        json_t *object = hf_json_object();
        hf_json_set(object, "outcome", hf_json_text("invalid_argument"));
        hf_json_set(object, "message", hf_json_text(message));
        hf_json_print(object);
    }
    return HF_EXIT_USAGE;
}

static void put_note(void *arg, const char *note)
{
    (void)arg;
    (void)fprintf(stderr, "note: %s\n", note);
}

/* The figures of one difference as JSON: {"on_hand":5} or those of a policy. */
static json_t *json_figures(const struct import *import, const int64_t *figures)
{
    json_t *object = hf_json_object();

    if (import->options.what == HF_IMPORT_STOCK) {
        hf_json_set(object, "on_hand", json_integer(figures[0]));
        return object;
    }
    const bool has_threshold = figures[1] != HOLDFAST_LOW_STOCK_NONE;
    hf_json_set(object, "safety_stock", json_integer(figures[0]));
    hf_json_set(object, "low_stock", has_threshold ? json_integer(figures[1]) : json_null());
    hf_json_set(object, "backorder", json_integer(figures[2]));
    return object;
}

/*
 * The one object of an import. That of a dry run lists its differences at the end, written one by
 * one: a million of them need not be in memory as JSON.
 */
static void print_json(const struct import *import, enum holdfast_outcome outcome)
{
    const struct hf_import_totals *totals = &import->totals;
    const bool is_of_file = outcome == HOLDFAST_OK;
    json_t *object = hf_json_object();

    hf_json_set(object, "rows", hf_json_count(import->file.rows_seen));
    hf_json_set(object, "changed", hf_json_count(totals->changed));
    hf_json_set(object, "errors", hf_json_count(import->faults.count));
    hf_json_set(object, "lsn", totals->lsn == 0 ? json_null() : hf_json_count(totals->lsn));
    hf_json_set(object, "unchanged", hf_json_count(totals->unchanged));
    hf_json_set(object, "repeated", hf_json_count(totals->repeated));
    hf_json_set(object, "dry_run", json_boolean(import->is_dry));
    if (import->is_dry && is_of_file) {
        /* Some row that was imported before, if any was seen: then such rows will be repeats. */
        json_t *before = json_null();
        if (import->differences.repeated_line > 0) {
            before = hf_json_object();
            hf_json_set(before, "line", hf_json_count(import->differences.repeated_line));
            hf_json_set(before, "lsn", hf_json_count(import->differences.repeated_lsn));
        }
        hf_json_set(object, "imported_before", before);
    }
    if (!is_of_file) {
        hf_json_set(object, "outcome", hf_json_text(holdfast_outcome_name(outcome)));
        hf_json_set(object, "message", hf_json_text(import->error));
    }
    if (!import->is_dry || !is_of_file) {
        hf_json_print(object);
        return;
    }
    char *text = json_dumps(object, JSON_COMPACT);
    HF_ASSERT(text != NULL && text[0] == '{');
    (void)printf("%.*s,\"differences\":[", (int)(strlen(text) - 1), text);
    free(text);
    json_decref(object);
    for (size_t i = 0; i < import->differences.count; i++) {
        const struct hf_difference *difference = &import->differences.list[i];
        const struct hf_import_row *row = &import->file.rows[difference->row];
        json_t *item = hf_json_object();
        hf_json_set(item, "sku", hf_json_text(row->sku));
        hf_json_set(item, "location", hf_json_text(row->location));
        hf_json_set(item, "before", json_figures(import, difference->before));
        hf_json_set(item, "after", json_figures(import, difference->after));
        (void)fputs(i == 0 ? "" : ",", stdout);
        (void)json_dumpf(item, stdout, JSON_COMPACT); /* main looks at ferror(stdout) */
        json_decref(item);
    }
    (void)printf("]}\n");
}

/* "14,000 rows: 13,990 changed, 10 unchanged", with what there is of each. */
static void print_totals(const struct import *import)
{
    const struct hf_import_totals *totals = &import->totals;
    char text[HF_COUNT_TEXT_BYTES];

    (void)printf("%s rows: ", hf_format_count(import->file.rows_seen, text));
    (void)printf("%s %s", hf_format_count(totals->changed, text),
                 import->is_dry ? "would change" : "changed");
    if (totals->unchanged > 0) {
        (void)printf(", %s as they were", hf_format_count(totals->unchanged, text));
    }
    if (totals->repeated > 0) {
        (void)printf(", %s done before", hf_format_count(totals->repeated, text));
    }
    if (import->faults.count > 0) {
        (void)printf(", %s refused", hf_format_count(import->faults.count, text));
    }
    if (totals->repeated > 0) {
        (void)printf("; --run NAME imports the file again");
    }
    if (totals->lsn > 0 && !import->is_dry) {
        (void)printf("  (lsn %" PRIu64 ")", totals->lsn);
    }
    (void)printf("\n");
}

/* "5 -> 7", or nothing. */
static const char *change_text(int64_t before, int64_t after, bool has_none, char text[64])
{
    char from[HF_NUMBER_BYTES];
    char to[HF_NUMBER_BYTES];
    const bool was_none = has_none && before == HOLDFAST_LOW_STOCK_NONE;
    const bool is_none = has_none && after == HOLDFAST_LOW_STOCK_NONE;

    if (before == after) {
        return "";
    }
    (void)snprintf(text, 64, "%s -> %s", was_none ? "none" : hf_number_text(before, from),
                   is_none ? "none" : hf_number_text(after, to));
    return text;
}

static void print_differences(const struct import *import)
{
    static const char *const stock_titles[] = {"CELL", "ON HAND"};
    static const char *const policy_titles[] = {"CELL", "SAFETY STOCK", "LOW STOCK", "BACKORDER"};
    const bool is_stock = import->options.what == HF_IMPORT_STOCK;
    struct hf_listing table;

    hf_listing_init(&table, is_stock ? stock_titles : policy_titles, is_stock ? 2 : 4);
    for (size_t i = 0; i < import->differences.count; i++) {
        const struct hf_difference *difference = &import->differences.list[i];
        const struct hf_import_row *row = &import->file.rows[difference->row];
        char cell[2 * 65];
        char texts[HF_IMPORT_FIGURES][64];
        const char *cells[1 + HF_IMPORT_FIGURES];

        (void)snprintf(cell, sizeof cell, "%s@%s", row->sku, row->location);
        cells[0] = cell;
        for (size_t k = 0; k < HF_IMPORT_FIGURES; k++) {
            cells[1 + k] = change_text(difference->before[k], difference->after[k],
                                       !is_stock && k == 1, texts[k]);
        }
        hf_listing_add(&table, cells);
    }
    hf_listing_end(&table);
    if (import->differences.repeated_line > 0) {
        (void)fprintf(stderr,
                      "note: this file was imported before, or a part of it (line %" PRIu32
                      " at LSN %" PRIu64 "): such rows will be repeats and change nothing; "
                      "--run NAME imports them once more\n",
                      import->differences.repeated_line, import->differences.repeated_lsn);
    }
}

/* All was said that has to be; the exit code. */
static enum hf_exit conclude(const struct import *import)
{
    if (import->cli->is_json) {
        print_json(import, HOLDFAST_OK);
    } else {
        if (import->is_dry) {
            print_differences(import);
        }
        print_totals(import);
    }
    return import->faults.count > 0 ? HF_EXIT_REFUSED : HF_EXIT_DONE;
}

/* The server could not be asked, or not to the end. */
static enum hf_exit give_up(struct import *import, enum holdfast_outcome outcome)
{
    const struct hf_import_totals *totals = &import->totals;
    char done[HF_COUNT_TEXT_BYTES];
    char rows[HF_COUNT_TEXT_BYTES];

    if (import->cli->is_json) {
        print_json(import, outcome);
    }
    (void)fprintf(stderr, "holdfast: the import stopped: %s\n", import->error);
    if (!import->is_dry) {
        hf_format_count(totals->changed + totals->unchanged + totals->repeated, done);
        (void)fprintf(stderr, "%s of %s rows are done; the same command again does the rest\n",
                      done, hf_format_count(import->file.rows_seen, rows));
    }
    return hf_cli_exit_of(outcome);
}

/* ------------------------------------------------------------------ steps */

/* Is it the very file that is imported? Writing the faults would destroy it. */
static bool is_same_file(const char *path, const char *other)
{
    struct stat a;
    struct stat b;
    return stat(path, &a) == 0 && stat(other, &b) == 0 && a.st_dev == b.st_dev &&
           a.st_ino == b.st_ino;
}

static enum hf_exit open_faults(struct import *import)
{
    const char *path = import->cli->args.values[HF_OPTION_ERRORS];

    import->faults.progress = &import->progress;
    if (path == NULL) {
        return HF_EXIT_DONE;
    }
    if (is_same_file(path, import->cli->words[1])) {
        return fail(import, "--errors names the file that is imported");
    }
    import->faults.out = fopen(path, "we");
    if (import->faults.out == NULL) {
        (void)snprintf(import->error, sizeof import->error, "could not create \"%s\": %s", path,
                       strerror(errno));
        return fail(import, import->error);
    }
    (void)fputs("line,reason,row\n", import->faults.out);
    return HF_EXIT_DONE;
}

/* False: not all of the faults could be written, and it was said. */
static bool close_faults(struct import *import)
{
    FILE *out = import->faults.out;
    const char *path = import->cli->args.values[HF_OPTION_ERRORS];

    hf_faults_end(&import->faults);
    if (out == NULL) {
        return true;
    }
    const bool is_written = fflush(out) == 0 && ferror(out) == 0;
    import->faults.out = NULL;
    if (fclose(out) != 0 || !is_written) {
        (void)fprintf(stderr, "holdfast: could not write \"%s\"\n", path);
        return false;
    }
    return true;
}

/* The file as rows; HF_EXIT_DONE: go on. */
static enum hf_exit read_file(struct import *import)
{
    struct hf_cli *cli = import->cli;
    const char *path = cli->words[1];

    if (!hf_import_file_read(&import->file, path, import->error, sizeof import->error)) {
        return fail(import, import->error);
    }
    const enum hf_exit code = open_faults(import);
    if (code != HF_EXIT_DONE) {
        return code;
    }
    char why[ERROR_BYTES / 2];
    if (!hf_import_file_judge(&import->file, &import->options, &import->faults, put_note, NULL, why,
                              sizeof why)) {
        (void)snprintf(import->error, sizeof import->error, "cannot import \"%s\": %s",
                       strcmp(path, "-") == 0 ? "standard input" : path, why);
        return fail(import, import->error);
    }
    return HF_EXIT_DONE;
}

static void count_states(struct import *import)
{
    for (uint32_t i = 0; i < import->file.rows_count; i++) {
        const enum hf_row_state state = import->file.rows[i].state;
        import->totals.changed += state == HF_ROW_CHANGED ? 1 : 0;
        import->totals.unchanged += state == HF_ROW_UNCHANGED ? 1 : 0;
    }
    import->totals.lsn = import->differences.lsn;
}

static enum holdfast_outcome compare(struct import *import)
{
    const enum holdfast_outcome outcome =
        hf_import_compare(import->hf, &import->file, &import->options, &import->faults,
                          &import->progress, &import->differences);
    if (outcome != HOLDFAST_OK) {
        (void)snprintf(import->error, sizeof import->error, "%s: %s",
                       holdfast_outcome_name(outcome),
                       holdfast_error(import->hf)[0] != '\0' ? holdfast_error(import->hf)
                                                             : holdfast_outcome_text(outcome));
    } else {
        count_states(import);
    }
    return outcome;
}

static bool find_references_max(void *arg, const char *name, uint64_t value)
{
    if (strcmp(name, "references_max") == 0) {
        *(uint64_t *)arg = value;
        return false;
    }
    return true;
}

/*
 * Will the server still know the first row of the file when the last is done? If not, running the
 * import again would add the first rows twice; setting them twice does no harm.
 */
static bool is_remembered(struct import *import)
{
    uint64_t references_max = UINT64_MAX;

    if (!import->options.is_add ||
        holdfast_get_stats(import->hf, find_references_max, &references_max) != HOLDFAST_OK ||
        import->file.rows_count <= references_max) {
        return true; /* a broken connection shows when the rows are sent */
    }
    (void)snprintf(import->error, sizeof import->error,
                   "the file has %" PRIu32 " rows, and the server remembers %" PRIu64
                   " references (references_max): an import that stops in the middle could not be "
                   "finished; cut the file into parts",
                   import->file.rows_count, references_max);
    return false;
}

static enum hf_exit run(struct import *import)
{
    const struct holdfast_options options = {.name = "holdfast import",
                                             .reconnect_max_ms = RECONNECT_MS};
    const bool skips = hf_args_has(&import->cli->args, HF_OPTION_SKIP_ERRORS);
    enum hf_exit code = read_file(import);

    if (code != HF_EXIT_DONE) {
        return code;
    }
    if (import->faults.count > 0 && !skips) {
        code = conclude(import);
        (void)fprintf(stderr,
                      "nothing %s imported; --skip-errors imports the rows that are right\n",
                      import->is_dry ? "would be" : "was");
        return code;
    }
    import->hf = hf_cli_open(import->cli, &options, NULL);
    if (import->hf == NULL) {
        return HF_EXIT_UNKNOWN;
    }
    if (!is_remembered(import)) {
        return fail(import, import->error);
    }
    hf_progress_init(&import->progress, stderr, isatty(STDERR_FILENO) == 1, "rows",
                     import->file.rows_count);
    const enum holdfast_outcome outcome =
        import->is_dry ? compare(import)
                       : hf_import_send(&import->hf, &import->file, &import->options,
                                        &import->faults, &import->progress, &import->totals,
                                        import->error, sizeof import->error);
    if (outcome == HOLDFAST_OK) {
        hf_progress_end(&import->progress, import->progress.total);
        return conclude(import);
    }
    hf_progress_clear(&import->progress);
    return give_up(import, outcome);
}

enum hf_exit hf_cli_import(struct hf_cli *cli)
{
    struct import *import = calloc(1, sizeof *import);
    if (import == NULL) {
        (void)fputs("holdfast: out of memory\n", stderr);
        return HF_EXIT_UNKNOWN;
    }
    import->cli = cli;
    enum hf_exit code = read_options(import);
    if (code == HF_EXIT_DONE) {
        code = run(import);
    }
    if (!close_faults(import) && code == HF_EXIT_DONE) {
        code = HF_EXIT_USAGE;
    }
    holdfast_close(import->hf);
    free(import->differences.list);
    hf_import_file_release(&import->file);
    free(import);
    return code;
}
