/*
 * main.c - holdfastd, the server: reads its settings, joins the parts, serves until it is told to
 * stop.
 *
 *     start    engine -> store opened, state recovered -> listening -> threads -> ready
 *     stop     SIGTERM or SIGINT -> what was accepted is answered -> log synced -> snapshot -> 0
 *
 * With --restore-to it serves nobody: it makes a directory (persistence/restore.h) and exits.
 *
 * Exit codes: 0 stopped as asked; 1 it could not start, or go on; 2 wrong usage or configuration.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <uv.h>

#include "engine/engine.h"
#include "engine/version.h"
#include "net/server.h"
#include "persistence/priority.h"
#include "persistence/restore.h"
#include "persistence/store.h"
#include "tools/common/rfc3339.h"
#include "tools/holdfastd/config.h"
#include "tools/holdfastd/joint.h"
#include "tools/holdfastd/joint_backup.h"
#include "tools/holdfastd/journal.h"

#define ERROR_BYTES 1024
#define DESCRIPTORS_OF_OUR_OWN 64 /* log, its readers, snapshots, loop, refused connections */

static const char usage[] =
    "usage: holdfastd [OPTION]...\n"
    "\n"
    "  --config FILE          read settings from FILE; options win over it\n"
    "  --data DIR             the data directory (default: holdfast-data)\n"
    "  --listen HOST:PORT     where to listen (default: 127.0.0.1:4653); port 0 picks one\n"
    "  --durability D         sync (default), interval:MS or none\n"
    "  --print-config         print all settings as a configuration file, and exit\n"
    "  --restore-to POINT     with --from OLD_DIR: make the directory --data, which must be "
    "missing\n"
    "                         or empty, as OLD_DIR was at POINT, and exit. POINT is an LSN, or a\n"
    "                         time (2026-11-22T10:00:00Z), which is the last change not after it\n"
    "  --from OLD_DIR         a data directory that no server is using, or a backup; only read\n"
    "  --version              print the version, and exit\n"
    "  --help                 print this, and exit\n";

enum { EXIT_USAGE = 2 };

struct program {
    struct hf_config config;
    struct hf_engine *engine;
    struct hf_store *store;
    struct hf_server *server;
    struct hf_joint joint;
    struct hf_joint_clocks clocks;
    uv_signal_t signals[2];
};

/* ------------------------------------------------------------------ settings */

struct options {
    const char *config, *data, *listen, *durability;
    const char *restore_to, *from;
    bool wants_config_printed;
};

/* Returns -1 to go on, else the exit code. */
static int read_options(int argc, char **argv, struct options *options)
{
    static const struct option known[] = {
        {"config", required_argument, NULL, 'c'}, {"data", required_argument, NULL, 'd'},
        {"listen", required_argument, NULL, 'l'}, {"durability", required_argument, NULL, 'y'},
        {"print-config", no_argument, NULL, 'p'}, {"version", no_argument, NULL, 'v'},
        {"help", no_argument, NULL, 'h'},         {"restore-to", required_argument, NULL, 'r'},
        {"from", required_argument, NULL, 'f'},   {NULL, 0, NULL, 0},
    };
    for (;;) {
        switch (getopt_long(argc, argv, "", known, NULL)) {
        case 'c':
            options->config = optarg;
            break;
        case 'd':
            options->data = optarg;
            break;
        case 'l':
            options->listen = optarg;
            break;
        case 'y':
            options->durability = optarg;
            break;
        case 'r':
            options->restore_to = optarg;
            break;
        case 'f':
            options->from = optarg;
            break;
        case 'p':
            options->wants_config_printed = true;
            break;
        case 'v':
            (void)printf("holdfastd %s\n", HF_VERSION);
            return EXIT_SUCCESS;
        case 'h':
            (void)fputs(usage, stdout);
            return EXIT_SUCCESS;
        case -1:
            if (optind < argc) {
                (void)fprintf(stderr, "holdfastd: unexpected argument \"%s\"\n%s", argv[optind],
                              usage);
                return EXIT_USAGE;
            }
            return -1;
        default:
            (void)fputs(usage, stderr); /* getopt has said what is wrong */
            return EXIT_USAGE;
        }
    }
}

static bool set_option(struct hf_config *config, const char *option, const char *section,
                       const char *key, const char *value)
{
    char error[ERROR_BYTES];
    if (value == NULL || hf_config_set(config, section, key, value, error, sizeof error)) {
        return true;
    }
    (void)fprintf(stderr, "holdfastd: option --%s: %s\n", option, error);
    return false;
}

static bool read_settings(const struct options *options, struct hf_config *config)
{
    char error[ERROR_BYTES];

    *config = hf_config_default();
    if (options->config != NULL && !hf_config_read(config, options->config, error, sizeof error)) {
        (void)fprintf(stderr, "holdfastd: %s\n", error);
        return false;
    }
    if (!set_option(config, "data", "data", "directory", options->data) ||
        !set_option(config, "listen", "server", "listen", options->listen) ||
        !set_option(config, "durability", "data", "durability", options->durability)) {
        return false;
    }
    if (!hf_config_check(config, error, sizeof error)) {
        (void)fprintf(stderr, "holdfastd: %s\n", error);
        return false;
    }
    return true;
}

/* What --restore-to and --from ask for; false after saying what is wrong with them. */
static bool read_restore(const struct options *options, const struct hf_config *config,
                         struct hf_restore_args *args)
{
    int64_t time_us = 0;

    *args = (struct hf_restore_args){.from = options->from, .path = config->directory};
    if (options->restore_to == NULL || options->from == NULL || options->data == NULL) {
        (void)fputs("holdfastd: a restore needs all of --restore-to, --from and --data\n", stderr);
        return false;
    }
    if (hf_parse_count(options->restore_to, UINT64_MAX, &args->lsn)) {
        if (args->lsn > 0 && args->lsn < UINT64_MAX) {
            return true;
        }
        (void)fputs("holdfastd: option --restore-to: the first LSN is 1\n", stderr);
        return false;
    }
    if (!hf_parse_rfc_3339(options->restore_to, &time_us)) {
        (void)fprintf(stderr,
                      "holdfastd: option --restore-to: \"%.64s\" is neither an LSN nor a time like "
                      "2026-11-22T10:00:00Z\n",
                      options->restore_to);
        return false;
    }
    args->is_time = true;
    args->time_us = (uint64_t)time_us;
    return true;
}

/* ------------------------------------------------------------------ signals */

static void close_signals(struct program *program)
{
    for (size_t i = 0; i < 2; i++) {
        const uv_signal_t *handle = &program->signals[i];
        if (handle->loop != NULL && !uv_is_closing((const uv_handle_t *)handle)) {
            uv_close((uv_handle_t *)&program->signals[i], NULL);
        }
    }
}

static void signal_cb(uv_signal_t *handle, int signal_number)
{
    struct program *program = handle->data;

    hf_journal('i', "stopping: %s; a second one ends the program at once",
               signal_number == SIGTERM ? "SIGTERM" : "SIGINT");
    close_signals(program); /* gives the second one its default effect */
    hf_joint_stopping(&program->joint);
    hf_server_stop(program->server);
}

static bool watch_signals(struct program *program)
{
    static const int numbers[2] = {SIGTERM, SIGINT};
    const struct sigaction ignore = {.sa_handler = SIG_IGN};

    for (size_t i = 0; i < 2; i++) {
        if (uv_signal_init(hf_server_loop(program->server), &program->signals[i]) != 0) {
            return false;
        }
        program->signals[i].data = program;
        if (uv_signal_start(&program->signals[i], signal_cb, numbers[i]) != 0) {
            return false;
        }
    }
    /* A peer that has gone, and a file-size limit, are errors of the call that meets them. */
    return sigaction(SIGPIPE, &ignore, NULL) == 0 && sigaction(SIGXFSZ, &ignore, NULL) == 0;
}

/*
 * Every connection is a file descriptor. Take as many as the system lets us have; where that is too
 * few, connections are what there will be fewer of: the log must not run out.
 */
static bool fit_descriptors(struct hf_config *config)
{
    const rlim_t needed = config->connections_max + DESCRIPTORS_OF_OUR_OWN;
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= needed) {
        return true;
    }
    const rlim_t before = limit.rlim_cur;
    limit.rlim_cur = limit.rlim_max < needed ? limit.rlim_max : needed;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0) {
        limit.rlim_cur = before;
    }
    if (limit.rlim_cur >= needed) {
        return true;
    }
    if (limit.rlim_cur <= DESCRIPTORS_OF_OUR_OWN) {
        hf_journal('e',
                   "cannot start: the system allows %ju open files, and %d are needed besides "
                   "those of clients",
                   (uintmax_t)limit.rlim_cur, DESCRIPTORS_OF_OUR_OWN);
        return false;
    }
    hf_journal('w',
               "connections_max is %ju instead of %" PRIu64 ": the system allows %ju open files, "
               "and %d are kept for the log",
               (uintmax_t)(limit.rlim_cur - DESCRIPTORS_OF_OUR_OWN), config->connections_max,
               (uintmax_t)limit.rlim_cur, DESCRIPTORS_OF_OUR_OWN);
    config->connections_max = limit.rlim_cur - DESCRIPTORS_OF_OUR_OWN;
    return true;
}

/* ------------------------------------------------------------------ start and stop */

static bool start(struct program *program)
{
    if (!fit_descriptors(&program->config)) {
        return false;
    }
    const struct hf_engine_config engine_config = hf_config_engine(&program->config);
    const struct hf_server_config server_config = hf_config_server(&program->config);
    struct hf_store_config store_config = hf_config_store(&program->config);
    const struct hf_store_report store_report = {.line = hf_journal_line};
    const struct hf_server_report server_report = {.line = hf_journal_line};
    char error[ERROR_BYTES] = "";

    if (getrandom(store_config.new_directory_id, sizeof store_config.new_directory_id, 0) !=
        (ssize_t)sizeof store_config.new_directory_id) {
        hf_journal('e', "could not get random bytes: %s", strerror(errno));
        return false;
    }
    program->engine = hf_engine_create(&engine_config);
    if (program->engine == NULL) {
        hf_journal('e', "could not start the engine: %s", hf_strerror(HF_NO_MEMORY));
        return false;
    }
    program->store = hf_store_open(&store_config, hf_disk_posix(), &store_report, program->engine,
                                   error, sizeof error);
    if (program->store == NULL) {
        hf_journal('e', "%s", error);
        return false;
    }
    if (!hf_joint_init(&program->joint, program->store, program->config.backup_directory)) {
        hf_journal('e', "could not join the log: %s", hf_strerror(HF_NO_MEMORY));
        return false;
    }
    if (hf_joint_backup_overlaps(&program->joint)) {
        hf_journal('w',
                   "backups will be refused: backup_directory \"%s\" and data \"%s\" are one, or "
                   "one is inside of the other",
                   program->config.backup_directory, program->config.directory);
    }
    hf_joint_clocks_init(&program->clocks, hf_engine_time_us(program->engine));
    program->server = hf_server_create(&server_config, program->engine, &program->joint.log,
                                       &program->clocks.clock, &server_report, error, sizeof error);
    if (program->server == NULL) {
        hf_journal('e', "%s", error);
        return false;
    }
    if (!watch_signals(program)) {
        hf_journal('e', "could not watch for signals");
        return false;
    }
    if (!hf_joint_start(&program->joint, program->engine, program->server)) {
        hf_journal('e', "could not start the threads of the log");
        return false;
    }
    return true;
}

/* The state as it stands becomes a snapshot, so that the next start need not replay the log. */
static bool write_last_snapshot(struct program *program)
{
    struct hf_store_stats stats = {0};
    char error[ERROR_BYTES] = "";

    hf_store_stats(program->store, &stats);
    if (stats.snapshot_lsn == hf_engine_lsn(program->engine)) {
        return true;
    }
    if (hf_store_snapshot_all(program->store, program->engine, error, sizeof error) != HF_OK) {
        hf_journal('e', "could not write the last snapshot, the log has all: %s", error);
        return false;
    }
    return true;
}

static void release(struct program *program)
{
    if (program->server != NULL) {
        close_signals(program); /* of a start that failed; a loop does not end over them */
        hf_server_free(program->server);
    }
    hf_joint_release(&program->joint);
    hf_store_close(program->store);
    hf_engine_free(program->engine);
}

static int serve(struct program *program)
{
    char durability[HF_DURABILITY_TEXT_BYTES];

    hf_config_durability(&program->config, durability);
    if (!hf_server_is_loopback(program->server)) {
        hf_journal('w',
                   "listening beyond loopback at %s: there is no authentication yet, whoever "
                   "reaches this port can change stock",
                   hf_server_address(program->server));
    }
    if (program->config.durability != HF_DURABILITY_SYNC) {
        hf_journal('w', "durability is %s: acknowledged changes may be lost", durability);
    }
    hf_journal(
        'i', "ready listen=%s version=%s durability=%s data=\"%s\" lsn=%" PRIu64 " epoch=%" PRIu32,
        hf_server_address(program->server), HF_VERSION, durability, program->config.directory,
        hf_engine_lsn(program->engine), hf_store_epoch(program->store));
    hf_thread_be_prompt();
    hf_server_run(program->server);

    hf_joint_stop(&program->joint, hf_engine_lsn(program->engine));
    const bool has_snapshot = write_last_snapshot(program);
    hf_journal('i', "stopped lsn=%" PRIu64, hf_engine_lsn(program->engine));
    return has_snapshot ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* Make a directory as another one was at a point. It serves nobody: whoever restores wants to look
 * before orders come in, and starts the server on it then. */
static int restore(struct program *program, const struct hf_restore_args *args)
{
    const struct hf_engine_config engine_config = hf_config_engine(&program->config);
    const struct hf_store_report report = {.line = hf_journal_line};
    struct hf_restored restored;
    char error[ERROR_BYTES] = "";
    char time_text[HF_RFC_3339_BYTES];

    program->engine = hf_engine_create(&engine_config);
    if (program->engine == NULL) {
        hf_journal('e', "could not start the engine: %s", hf_strerror(HF_NO_MEMORY));
        return EXIT_FAILURE;
    }
    if (hf_restore(args, hf_disk_posix(), &report, program->engine, &restored, error,
                   sizeof error) != HF_OK) {
        hf_journal('e', "%s", error);
        return EXIT_FAILURE;
    }
    hf_journal('i',
               "restored data=\"%s\" lsn=%" PRIu64 " time=%s epoch=%" PRIu32 " log_begins=%" PRIu64
               " digest=%016" PRIx64 "%016" PRIx64,
               args->path, restored.lsn, hf_format_rfc_3339(restored.time_us, time_text),
               restored.epoch, restored.first_lsn, restored.digest.high, restored.digest.low);
    return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
    struct options options = {0};
    struct program *program = calloc(1, sizeof *program);

    if (program == NULL) {
        (void)fputs("holdfastd: no memory\n", stderr);
        return EXIT_FAILURE;
    }
    int code = read_options(argc, argv, &options);
    if (code == -1 && !read_settings(&options, &program->config)) {
        code = EXIT_USAGE;
    }
    if (code == -1 && options.wants_config_printed) {
        hf_config_print(&program->config, stdout);
        code = EXIT_SUCCESS;
    }
    if (code == -1 && (options.restore_to != NULL || options.from != NULL)) {
        struct hf_restore_args args;
        code =
            read_restore(&options, &program->config, &args) ? restore(program, &args) : EXIT_USAGE;
        release(program);
    } else if (code == -1) {
        code = start(program) ? serve(program) : EXIT_FAILURE;
        release(program);
    }
    free(program);
    return code;
}
