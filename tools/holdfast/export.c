/*
 * export.c - `holdfast export`: stock, reservations, transfers, inbound shipments and the ledger
 * into a file that appears whole or not at all.
 *
 * The rows go into a file without a name in the folder of the target (O_TMPFILE), which is synced,
 * given a name beside the target, and renamed onto it: a reader never sees half an export, a failed
 * one leaves what was there before, and a killed one leaves nothing. Where the file system has no
 * such files, a named one is used, which only a killed export leaves behind.
 */
#include "tools/holdfast/export.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "engine/assert.h"
#include "tools/common/parse.h"
#include "tools/holdfast/output.h"
#include "tools/holdfast/when.h"

#define BUSY_WAIT_MS 250
#define BUSY_WAITS_MAX 240 /* a minute */
#define STARTS_MAX 3       /* when the server could not keep the moment */

static const char *const names[HF_EXPORTS_COUNT] = {
    [HF_EXPORT_STOCK] = "stock",     [HF_EXPORT_RESERVATIONS] = "reservations",
    [HF_EXPORT_LEDGER] = "ledger",   [HF_EXPORT_TRANSFERS] = "transfers",
    [HF_EXPORT_INBOUND] = "inbound",
};

/* ------------------------------------------------------------------ rows */

static bool find_cells_count(void *arg, const char *name, uint64_t value)
{
    if (strcmp(name, "cells") == 0) {
        *(uint64_t *)arg = value;
        return false;
    }
    return true;
}

/* Nothing that was written counts. False: rows of it are out already. */
static bool start_over(struct hf_export *export)
{
    const bool has_rows = export->rows_count > 0;

    export->rows_count = 0;
    export->group.lines_count = 0;
    if (export->out == stdout) {
        return !has_rows;
    }
    export->has_titles = false;
    return fflush(export->out) == 0 && ftruncate(fileno(export->out), 0) == 0 &&
           fseek(export->out, 0, SEEK_SET) == 0;
}

static void pause_for_another(struct hf_export *export, unsigned waits)
{
    const struct timespec pause = {.tv_nsec = BUSY_WAIT_MS * 1000000L};
    if (waits == 1 && isatty(STDERR_FILENO) == 1) {
        hf_progress_clear(&export->progress);
        (void)fputs("another export is running: waiting for it\n", stderr);
    }
    (void)nanosleep(&pause, NULL); /* shorter does no harm */
}

/* The rows once. */
static enum holdfast_outcome put_once(struct hf_export *export)
{
    if (export->form == HF_EXPORT_CSV && !export->has_titles) {
        hf_export_put_titles(export);
        export->has_titles = true;
    }
    return export->what == HF_EXPORT_LEDGER ? hf_export_ledger(export) : hf_export_rows(export);
}

/* The rows, however often that must be begun. */
static enum holdfast_outcome put_all(struct hf_export *export)
{
    unsigned waits = 0;
    unsigned starts = 1;
    enum holdfast_outcome outcome = HOLDFAST_OK;

    if (export->what == HF_EXPORT_STOCK && export->progress.is_shown && export->location == NULL) {
        /* Only the progress line is poorer without it. */
        (void)holdfast_get_stats(export->hf, find_cells_count, &export->progress.total);
    }
    for (;;) {
        outcome = put_once(export);
        const bool is_busy = outcome == HOLDFAST_BUSY && export->what != HF_EXPORT_LEDGER;
        if (is_busy && waits < BUSY_WAITS_MAX) {
            pause_for_another(export, ++waits);
        } else if (outcome != HOLDFAST_LIMIT_EXCEEDED || starts++ == STARTS_MAX) {
            return outcome;
        }
        if (!start_over(export)) {
            return outcome;
        }
    }
}

/* ------------------------------------------------------------------ what is said */

static enum hf_exit refuse(const struct hf_export *export, const char *outcome, const char *message,
                           enum hf_exit code)
{
    (void)fprintf(stderr, "holdfast: %s: %s\n", outcome, message);
    if (export->cli->is_json) {
        json_t *object = hf_json_object();
        hf_json_set(object, "outcome", hf_json_text(outcome));
        hf_json_set(object, "message", hf_json_text(message));
        hf_json_print(object);
    }
    return code;
}

static enum hf_exit file_failed(const struct hf_export *export, const char *what, const char *path)
{
    char message[512];
    (void)snprintf(message, sizeof message, "could not %s \"%s\": %s", what, path, strerror(errno));
    return refuse(export, "invalid_argument", message, HF_EXIT_USAGE);
}

static enum hf_exit report_failure(const struct hf_export *export, enum holdfast_outcome outcome)
{
    const char *text = holdfast_outcome_text(outcome);

    if (export->is_told) {
        return hf_cli_exit_of(outcome);
    }
    if (outcome == HOLDFAST_LIMIT_EXCEEDED) {
        text = "the server could not keep the state of one moment while so much changed; a larger "
               "export_memory in its configuration lets it";
    } else if (outcome == HOLDFAST_BUSY && export->what != HF_EXPORT_LEDGER) {
        text = "another export is running";
    } else if (outcome == HOLDFAST_UNKNOWN && export->hf != NULL &&
               holdfast_error(export->hf)[0] != '\0') {
        text = holdfast_error(export->hf);
    } else if (outcome == HOLDFAST_UNKNOWN) {
        text = "the server has told nothing for a minute";
    }
    return refuse(export, holdfast_outcome_name(outcome), text, hf_cli_exit_of(outcome));
}

/* All rows are where they belong. */
static void report_done(const struct hf_export *export, const char *path)
{
    char count[HF_COUNT_TEXT_BYTES];
    char token[HF_TOKEN_BYTES];

    (void)fprintf(stderr, "exported %s row%s at %s\n", hf_format_count(export->rows_count, count),
                  hf_plural(export->rows_count), hf_when_token_text(export->at, token));
    if (path == NULL) {
        return;
    }
    const char *thing = export->what == HF_EXPORT_STOCK ? "cell" : "row";
    if (!export->cli->is_json) {
        (void)printf("%" PRIu64 " %s%s written to %s\n", export->rows_count, thing,
                     hf_plural(export->rows_count), path);
        return;
    }
    json_t *object = hf_json_object();
    hf_json_set(object, "outcome", hf_json_text("ok"));
    hf_json_set(object, "rows", hf_json_count(export->rows_count));
    if (export->what == HF_EXPORT_STOCK) {
        hf_json_set(object, "cells", hf_json_count(export->rows_count));
    }
    hf_json_set(object, "file", hf_json_text(path));
    hf_json_set(object, "token", hf_json_text(token));
    hf_json_set(object, "epoch", hf_json_count(export->at.epoch));
    hf_json_set(object, "lsn", hf_json_count(export->at.lsn));
    hf_json_print(object);
}

/* ------------------------------------------------------------------ the file */

struct target {
    const char *path;
    char *aside; /* a name beside it; in use while has_name */
    bool has_name;
    int fd;
};

/* A new file in the folder of the target, without a name where that is possible. */
static bool create_aside(struct target *target)
{
    const char *slash = strrchr(target->path, '/');
    char *folder =
        slash == NULL ? strdup(".") : strndup(target->path, (size_t)(slash - target->path) + 1);
    if (folder == NULL) {
        return false;
    }
    /* Without /proc it could never be given its name. */
    const bool is_possible = access("/proc/self/fd", X_OK) == 0;
    if (is_possible) {
        target->fd = open(folder, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0666);
    }
    free(folder);
    if (target->fd < 0 && (!is_possible || (errno != ENOENT && errno != EACCES))) {
        target->fd = open(target->aside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        target->has_name = target->fd >= 0;
    }
    return target->fd >= 0;
}

/* The file is complete and on disk: put it where the target is. */
static bool name_it(struct target *target)
{
    char link[64];

    if (!target->has_name) {
        (void)snprintf(link, sizeof link, "/proc/self/fd/%d", target->fd);
        if (linkat(AT_FDCWD, link, AT_FDCWD, target->aside, AT_SYMLINK_FOLLOW) != 0) {
            return false;
        }
        target->has_name = true;
    }
    if (rename(target->aside, target->path) != 0) {
        return false;
    }
    target->has_name = false;
    return true;
}

static enum hf_exit export_to_file(struct hf_export *export, struct target *target)
{
    export->out = create_aside(target) ? fdopen(target->fd, "w") : NULL;
    if (export->out == NULL) {
        const enum hf_exit code = file_failed(export, "create a file beside", target->path);
        if (target->fd >= 0) {
            (void)close(target->fd);
        }
        return code;
    }
    const enum holdfast_outcome outcome = put_all(export);
    const bool is_written =
        fflush(export->out) == 0 && ferror(export->out) == 0 && fsync(target->fd) == 0;

    hf_progress_clear(&export->progress);
    enum hf_exit code = HF_EXIT_DONE;
    if (outcome != HOLDFAST_OK) {
        code = report_failure(export, outcome);
    } else if (export->is_out_of_memory) {
        code = refuse(export, "limit_exceeded", "out of memory", HF_EXIT_REFUSED);
    } else if (!is_written) {
        code = file_failed(export, "write", target->path);
    } else if (!name_it(target)) {
        code = file_failed(export, "rename to", target->path);
    }
    (void)fclose(export->out); /* what was written is on disk, or the export has failed */
    return code;
}

static enum hf_exit export_to_path(struct hf_export *export, const char *path)
{
    const size_t aside_bytes = strlen(path) + 32;
    struct target target = {.path = path, .aside = malloc(aside_bytes), .fd = -1};
    if (target.aside == NULL) {
        return refuse(export, "limit_exceeded", "out of memory", HF_EXIT_REFUSED);
    }
    (void)snprintf(target.aside, aside_bytes, "%s.%ld.part", path, (long)getpid());

    const enum hf_exit code = export_to_file(export, &target);
    if (target.has_name) {
        (void)unlink(target.aside);
    }
    free(target.aside);
    if (code == HF_EXIT_DONE) {
        report_done(export, path);
    }
    return code;
}

static enum hf_exit export_to_stdout(struct hf_export *export)
{
    export->out = stdout;
    const enum holdfast_outcome outcome = put_all(export);
    if (outcome != HOLDFAST_OK) {
        return report_failure(export, outcome);
    }
    if (export->is_out_of_memory) {
        return refuse(export, "limit_exceeded", "out of memory", HF_EXIT_REFUSED);
    }
    report_done(export, NULL); /* a failed write shows in ferror(stdout), which main looks at */
    return HF_EXIT_DONE;
}

/* ------------------------------------------------------------------ the command */

static bool has_suffix(const char *path, const char *suffix)
{
    const size_t path_bytes = strlen(path);
    const size_t suffix_bytes = strlen(suffix);
    return path_bytes > suffix_bytes && strcmp(path + path_bytes - suffix_bytes, suffix) == 0;
}

static enum hf_exit read_options(struct hf_export *export, const char *path)
{
    const struct hf_cli *cli = export->cli;
    const char *since = cli->args.values[HF_OPTION_SINCE];

    while (export->what < HF_EXPORTS_COUNT && strcmp(names[export->what], cli->words[0]) != 0) {
        export->what++;
    }
    if (export->what == HF_EXPORTS_COUNT) {
        return hf_cli_usage(cli, "cannot export \"%s\"", cli->words[0]);
    }
    if (path != NULL && !has_suffix(path, ".csv") && !has_suffix(path, ".jsonl")) {
        return hf_cli_usage(cli, "\"%s\" ends neither in .csv nor in .jsonl", path);
    }
    if (path == NULL ? cli->is_json : has_suffix(path, ".jsonl")) {
        export->form = HF_EXPORT_JSONL;
    }
    export->location = cli->args.values[HF_OPTION_LOCATION];
    if (since == NULL) {
        return HF_EXIT_DONE;
    }
    if (export->what != HF_EXPORT_LEDGER) {
        return hf_cli_usage(cli, "--since is about the ledger: %s is what there is now",
                            names[export->what]);
    }
    export->has_since = true;
    if (!hf_args_count(since, &export->since.lsn) &&
        (!hf_when_parse_token(since, &export->since) || export->since.epoch == 0)) {
        return hf_cli_usage(cli, "--since \"%s\" is neither an LSN nor EPOCH:LSN", since);
    }
    return HF_EXIT_DONE;
}

/* A location that nobody knows is a slip of the pen, not a place without stock. */
static enum holdfast_outcome check_location(const struct hf_export *export)
{
    uint32_t sku_handle;
    uint32_t location_handle = HOLDFAST_HANDLE_NONE;

    if (export->location == NULL) {
        return HOLDFAST_OK;
    }
    const enum holdfast_outcome outcome =
        holdfast_lookup(export->hf, NULL, &export->location, 1, &sku_handle, &location_handle);
    return outcome == HOLDFAST_OK && location_handle == HOLDFAST_HANDLE_NONE
               ? HOLDFAST_UNKNOWN_LOCATION
               : outcome;
}

enum hf_exit hf_cli_export(struct hf_cli *cli)
{
    const char *path = cli->words_count > 1 ? cli->words[1] : NULL;
    const struct holdfast_options options = {.name = "holdfast export"};
    struct hf_export export = {.cli = cli};

    enum hf_exit code = read_options(&export, path);
    if (code != HF_EXIT_DONE) {
        return code;
    }
    export.hf = hf_cli_open(cli, &options, NULL);
    if (export.hf == NULL) {
        return HF_EXIT_UNKNOWN;
    }
    hf_progress_init(&export.progress, stderr, path != NULL && isatty(STDERR_FILENO) == 1,
                     export.what == HF_EXPORT_LEDGER ? "operations" : "rows", 0);
    const enum holdfast_outcome outcome = check_location(&export);
    if (outcome != HOLDFAST_OK) {
        code = report_failure(&export, outcome);
    } else {
        code = path == NULL ? export_to_stdout(&export) : export_to_path(&export, path);
    }
    hf_export_group_release(&export.group);
    holdfast_close(export.hf);
    return code;
}
