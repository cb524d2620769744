/*
 * export.c - stock into a file that appears whole or not at all.
 *
 * The rows go to a file beside the target, which is synced and renamed at the end: a reader never
 * sees half an export, and a failed one leaves what was there before.
 *
 * Limitation: cells come page by page while the server goes on working. Each row is true at its
 * own moment; the export as a whole is not of one LSN.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/assert.h"
#include "tools/holdfast/cli.h"
#include "tools/holdfast/output.h"

#define PROGRESS_ROWS 10000

enum form { FORM_CSV, FORM_JSONL };

struct export
{
    FILE *out;
    enum form form;
    bool shows_progress;
    uint64_t rows_count;
    uint64_t rows_expected; /* 0: not known */
};

/* One field as RFC 4180 wants it: quoted when it must be, quotes doubled. */
static void put_field(FILE *out, const char *text)
{
    if (strpbrk(text, "\",\r\n") == NULL) {
        (void)fputs(text, out);
        return;
    }
    (void)fputc('"', out);
    for (const char *p = text; *p != '\0'; p++) {
        if (*p == '"') {
            (void)fputc('"', out);
        }
        (void)fputc(*p, out);
    }
    (void)fputc('"', out);
}

static void put_csv(FILE *out, const struct holdfast_cell *cell)
{
    put_field(out, cell->sku);
    (void)fputc(',', out);
    put_field(out, cell->location);
    (void)fprintf(out, ",%" PRId64 ",%" PRId64 ",%" PRId64 ",%" PRId64 ",%" PRId64 ",%" PRId64 "\n",
                  cell->on_hand, cell->held, cell->committed, cell->in_transit, cell->safety_stock,
                  cell->ats);
}

static void put_jsonl(FILE *out, const struct holdfast_cell *cell)
{
    json_t *object = hf_json_object();
    hf_json_set(object, "sku", hf_json_text(cell->sku));
    hf_json_set(object, "location", hf_json_text(cell->location));
    hf_json_set(object, "on_hand", json_integer(cell->on_hand));
    hf_json_set(object, "held", json_integer(cell->held));
    hf_json_set(object, "committed", json_integer(cell->committed));
    hf_json_set(object, "in_transit", json_integer(cell->in_transit));
    hf_json_set(object, "safety_stock", json_integer(cell->safety_stock));
    hf_json_set(object, "ats", json_integer(cell->ats));
    (void)json_dumpf(object, out, JSON_COMPACT); /* a failed write shows in ferror */
    (void)fputc('\n', out);
    json_decref(object);
}

static void show_progress(const struct export *export)
{
    if (!export->shows_progress) {
        return;
    }
    if (export->rows_expected > export->rows_count) {
        (void)fprintf(stderr, "\r%" PRIu64 " of %" PRIu64 " cells", export->rows_count,
                      export->rows_expected);
    } else {
        (void)fprintf(stderr, "\r%" PRIu64 " cells", export->rows_count);
    }
    (void)fflush(stderr);
}

static bool put_cell(void *arg, const struct holdfast_cell *cell)
{
    struct export *export = arg;

    if (export->form == FORM_CSV) {
        put_csv(export->out, cell);
    } else {
        put_jsonl(export->out, cell);
    }
    export->rows_count += 1;
    if (export->rows_count % PROGRESS_ROWS == 0) {
        show_progress(export);
    }
    return ferror(export->out) == 0;
}

static bool find_cells_count(void *arg, const char *name, uint64_t value)
{
    if (strcmp(name, "cells") == 0) {
        *(uint64_t *)arg = value;
        return false;
    }
    return true;
}

/* All rows to export->out. Not HOLDFAST_OK: the connection's fault, not the file's. */
static enum holdfast_outcome put_rows(struct hf_cli *cli, struct export *export)
{
    export->shows_progress = isatty(STDERR_FILENO) == 1 && export->out != stdout;
    if (export->shows_progress) {
        /* Only the progress line is poorer without it. */
        (void)holdfast_get_stats(cli->hf, find_cells_count, &export->rows_expected);
    }
    if (export->form == FORM_CSV) {
        (void)fputs("sku,location,on_hand,held,committed,in_transit,safety_stock,ats\n",
                    export->out);
    }
    const enum holdfast_outcome outcome =
        holdfast_list(cli->hf, &(const struct holdfast_list_query){0}, put_cell, export);
    if (export->shows_progress) {
        show_progress(export);
        (void)fputc('\n', stderr);
    }
    return outcome;
}

static enum hf_exit file_failed(const struct hf_cli *cli, const char *what, const char *path)
{
    char message[512];
    (void)snprintf(message, sizeof message, "could not %s \"%s\": %s", what, path, strerror(errno));
    (void)fprintf(stderr, "holdfast: %s\n", message);
    if (cli->is_json) {
        json_t *object = hf_json_object();
        hf_json_set(object, "outcome", hf_json_text("invalid_argument"));
        hf_json_set(object, "message", hf_json_text(message));
        hf_json_print(object);
    }
    return HF_EXIT_USAGE;
}

static enum hf_exit export_to_file(struct hf_cli *cli, struct export *export, const char *path)
{
    const size_t aside_bytes = strlen(path) + 32;
    char *aside = malloc(aside_bytes);
    if (aside == NULL) {
        return file_failed(cli, "write", path);
    }
    (void)snprintf(aside, aside_bytes, "%s.%ld.part", path, (long)getpid());

    enum hf_exit code = HF_EXIT_DONE;
    const int file = open(aside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    export->out = file < 0 ? NULL : fdopen(file, "w");
    if (export->out == NULL) {
        code = file_failed(cli, "create", aside);
        if (file >= 0) {
            (void)close(file);
            (void)unlink(aside);
        }
        free(aside);
        return code;
    }
    const enum holdfast_outcome outcome = put_rows(cli, export);
    const bool is_written =
        fflush(export->out) == 0 && ferror(export->out) == 0 && fsync(file) == 0;

    if (outcome != HOLDFAST_OK) {
        code = hf_cli_report_failure(cli, outcome);
    } else if (!is_written) {
        code = file_failed(cli, "write", aside);
    }
    if (fclose(export->out) != 0 && code == HF_EXIT_DONE) {
        code = file_failed(cli, "write", aside);
    }
    if (code == HF_EXIT_DONE && rename(aside, path) != 0) {
        code = file_failed(cli, "rename to", path);
    }
    if (code != HF_EXIT_DONE) {
        (void)unlink(aside);
    }
    free(aside);
    return code;
}

static bool has_suffix(const char *path, const char *suffix)
{
    const size_t path_bytes = strlen(path);
    const size_t suffix_bytes = strlen(suffix);
    return path_bytes > suffix_bytes && strcmp(path + path_bytes - suffix_bytes, suffix) == 0;
}

enum hf_exit hf_cli_export(struct hf_cli *cli)
{
    const char *path = cli->words_count > 1 ? cli->words[1] : NULL;
    struct export export = {.form = FORM_CSV};

    if (strcmp(cli->words[0], "stock") != 0) {
        return hf_cli_usage(cli, "cannot export \"%s\"", cli->words[0]);
    }
    if (path != NULL && !has_suffix(path, ".csv") && !has_suffix(path, ".jsonl")) {
        return hf_cli_usage(cli, "\"%s\" ends neither in .csv nor in .jsonl", path);
    }
    if (path == NULL ? cli->is_json : has_suffix(path, ".jsonl")) {
        export.form = FORM_JSONL;
    }
    if (!hf_cli_connect(cli, NULL)) {
        return HF_EXIT_UNKNOWN;
    }
    if (path == NULL) {
        export.out = stdout;
        const enum holdfast_outcome outcome = put_rows(cli, &export);
        return outcome == HOLDFAST_OK ? HF_EXIT_DONE : hf_cli_report_failure(cli, outcome);
    }
    const enum hf_exit code = export_to_file(cli, &export, path);
    if (code == HF_EXIT_DONE && cli->is_json) {
        json_t *object = hf_json_object();
        hf_json_set(object, "outcome", hf_json_text("ok"));
        hf_json_set(object, "cells", hf_json_count(export.rows_count));
        hf_json_set(object, "file", hf_json_text(path));
        hf_json_print(object);
    } else if (code == HF_EXIT_DONE) {
        (void)printf("%" PRIu64 " cells written to %s\n", export.rows_count, path);
    }
    return code;
}
