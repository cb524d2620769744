/*
 * admin.c - the commands about the server itself.
 */
#include <inttypes.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "tools/common/parse.h"
#include "tools/common/progress.h"
#include "tools/holdfast/cli.h"
#include "tools/holdfast/output.h"

/* A snapshot, digest or audit of much stock takes its time; none of them is worth a guess. */
#define PATIENCE_MS (3600u * 1000)

enum hf_exit hf_cli_snapshot(struct hf_cli *cli)
{
    uint64_t lsn = 0;

    cli->patience_ms = PATIENCE_MS;
    if (!hf_cli_connect(cli, NULL)) {
        return HF_EXIT_UNKNOWN;
    }
    const enum holdfast_outcome outcome = holdfast_snapshot(cli->hf, &lsn);
    if (outcome != HOLDFAST_OK) {
        return hf_cli_report_failure(cli, outcome);
    }
    if (cli->is_json) {
        json_t *object = hf_json_object();
        hf_json_set(object, "outcome", hf_json_text("ok"));
        hf_json_set(object, "lsn", hf_json_count(lsn));
        hf_json_print(object);
    } else {
        (void)printf("snapshot of lsn %" PRIu64 " is on disk\n", lsn);
    }
    return HF_EXIT_DONE;
}

static void show_backup(void *arg, const struct holdfast_backup *backup)
{
    struct hf_progress *progress = arg;

    progress->total = backup->bytes_total >> 10;
    hf_progress_show(progress, backup->bytes_done >> 10);
}

enum hf_exit hf_cli_backup(struct hf_cli *cli)
{
    struct holdfast_backup backup;
    struct hf_progress progress;

    cli->patience_ms = PATIENCE_MS;
    if (!hf_cli_connect(cli, NULL)) {
        return HF_EXIT_UNKNOWN;
    }
    hf_progress_init(&progress, stderr, !cli->is_json && isatty(STDERR_FILENO) == 1, "KiB", 0);
    const enum holdfast_outcome outcome =
        holdfast_backup(cli->hf, cli->words[0], show_backup, &progress, &backup);
    hf_progress_clear(&progress);
    if (outcome != HOLDFAST_OK) {
        return hf_cli_report_failure(cli, outcome);
    }
    if (cli->is_json) {
        json_t *object = hf_json_object();
        hf_json_set(object, "outcome", hf_json_text("ok"));
        hf_json_set(object, "lsn", hf_json_count(backup.lsn));
        hf_json_set(object, "bytes", hf_json_count(backup.bytes_done));
        hf_json_set(object, "path", hf_json_text(backup.path));
        hf_json_print(object);
    } else {
        char size[HF_COUNT_TEXT_BYTES];
        (void)printf("backup of lsn %" PRIu64 " in %s (%s bytes)\n", backup.lsn, backup.path,
                     hf_format_count(backup.bytes_done, size));
    }
    return HF_EXIT_DONE;
}

enum hf_exit hf_cli_digest(struct hf_cli *cli)
{
    uint64_t lsn = 0;
    char hex[33];

    cli->patience_ms = PATIENCE_MS;
    if (!hf_cli_connect(cli, NULL)) {
        return HF_EXIT_UNKNOWN;
    }
    const enum holdfast_outcome outcome = holdfast_digest(cli->hf, &lsn, hex);
    if (outcome != HOLDFAST_OK) {
        return hf_cli_report_failure(cli, outcome);
    }
    if (cli->is_json) {
        json_t *object = hf_json_object();
        hf_json_set(object, "lsn", hf_json_count(lsn));
        hf_json_set(object, "digest", hf_json_text(hex));
        hf_json_print(object);
    } else {
        (void)printf("%s at lsn %" PRIu64 "\n", hex, lsn);
    }
    return HF_EXIT_DONE;
}

enum hf_exit hf_cli_audit(struct hf_cli *cli)
{
    struct holdfast_audit audit;

    cli->patience_ms = PATIENCE_MS;
    if (!hf_cli_connect(cli, NULL)) {
        return HF_EXIT_UNKNOWN;
    }
    const enum holdfast_outcome outcome = holdfast_audit(cli->hf, &audit);
    if (outcome != HOLDFAST_OK) {
        return hf_cli_report_failure(cli, outcome);
    }
    const bool is_ok = audit.violations == 0;
    if (cli->is_json) {
        json_t *object = hf_json_object();
        hf_json_set(object, "ok", json_boolean(is_ok));
        hf_json_set(object, "cells", hf_json_count(audit.cells));
        hf_json_set(object, "reservations", hf_json_count(audit.reservations));
        hf_json_set(object, "violations", hf_json_count(audit.violations));
        if (!is_ok) {
            hf_json_set(object, "first_violation", hf_json_text(audit.first_violation));
        }
        hf_json_print(object);
    } else {
        (void)printf("%s: %" PRIu64 " cell%s, %" PRIu64 " reservation%s, %" PRIu64 " violation%s\n",
                     is_ok ? "ok" : "violated", audit.cells, hf_plural(audit.cells),
                     audit.reservations, hf_plural(audit.reservations), audit.violations,
                     hf_plural(audit.violations));
        if (!is_ok) {
            (void)printf("  the first: %s\n", audit.first_violation);
        }
    }
    return is_ok ? HF_EXIT_DONE : HF_EXIT_REFUSED;
}

static bool add_stat(void *arg, const char *name, uint64_t value)
{
    hf_json_set(arg, name, hf_json_count(value));
    return true;
}

static bool print_stat(void *arg, const char *name, uint64_t value)
{
    (void)arg;
    (void)printf("%-28s %20" PRIu64 "\n", name, value);
    return true;
}

enum hf_exit hf_cli_stats(struct hf_cli *cli)
{
    enum holdfast_outcome outcome;

    if (!hf_cli_connect(cli, NULL)) {
        return HF_EXIT_UNKNOWN;
    }
    if (cli->is_json) {
        json_t *object = hf_json_object();
        outcome = holdfast_get_stats(cli->hf, add_stat, object);
        if (outcome == HOLDFAST_OK) {
            hf_json_print(object);
        } else {
            json_decref(object);
        }
    } else {
        outcome = holdfast_get_stats(cli->hf, print_stat, NULL);
    }
    return outcome == HOLDFAST_OK ? HF_EXIT_DONE : hf_cli_report_failure(cli, outcome);
}

static int64_t now_us(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * HOLDFAST_SECOND_US + now.tv_nsec / 1000;
}

enum hf_exit hf_cli_ping(struct hf_cli *cli)
{
    if (!hf_cli_connect(cli, NULL)) {
        return HF_EXIT_UNKNOWN;
    }
    const int64_t begin_us = now_us();
    const enum holdfast_outcome outcome = holdfast_ping(cli->hf);
    const int64_t round_trip_us = now_us() - begin_us;
    const struct holdfast_server *server = holdfast_server(cli->hf);

    if (outcome != HOLDFAST_OK) {
        return hf_cli_report_failure(cli, outcome);
    }
    if (cli->is_json) {
        json_t *object = hf_json_object();
        hf_json_set(object, "outcome", hf_json_text("ok"));
        hf_json_set(object, "round_trip_us", json_integer(round_trip_us));
        hf_json_set(object, "version", hf_json_text(server->version));
        hf_json_set(object, "epoch", hf_json_count(server->epoch));
        hf_json_print(object);
    } else {
        (void)printf("answered in %" PRId64 " us: version %s, epoch %" PRIu32 "\n", round_trip_us,
                     server->version, server->epoch);
    }
    return HF_EXIT_DONE;
}
