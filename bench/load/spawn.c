#include "bench/load/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <libgen.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "engine/assert.h"

#define TMPFS_MAGIC 0x01021994
#define START_MS 60000
#define LOOK_MS 5
#define READY "ready listen="
#define LOG_BYTES_MAX 65536

/* Paths of one run; each has room for the folder and a name in it. */
struct paths {
    char program[HF_SPAWN_PATH_BYTES + 32];
    char config[HF_SPAWN_PATH_BYTES + 32];
    char data[HF_SPAWN_PATH_BYTES + 32];
    char log[HF_SPAWN_PATH_BYTES + 32];
};

static bool fail(char *error, const char *what, const char *name)
{
    (void)snprintf(error, HF_SPAWN_ERROR_BYTES, "could not %s \"%.300s\": %s", what, name,
                   strerror(errno));
    return false;
}

static bool make_folder(struct hf_spawn *spawn, struct paths *paths, char *error)
{
    char self[HF_SPAWN_PATH_BYTES - 32];
    const ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    if (length < 0) {
        return fail(error, "read", "/proc/self/exe");
    }
    self[length] = '\0';
    const char *beside = dirname(self);
    (void)snprintf(paths->program, sizeof paths->program, "%s/holdfastd", beside);
    (void)snprintf(spawn->folder, sizeof spawn->folder, "%s/bench-data-XXXXXX", beside);
    if (mkdtemp(spawn->folder) == NULL) {
        (void)fail(error, "create", spawn->folder);
        spawn->folder[0] = '\0';
        return false;
    }
    struct statfs where;
    if (statfs(spawn->folder, &where) == 0 && where.f_type == TMPFS_MAGIC) {
        (void)fprintf(stderr,
                      "holdfast-bench: \"%s\" is a memory file system: syncs cost nothing "
                      "there, and the figures say nothing\n",
                      spawn->folder);
    }
    (void)snprintf(paths->config, sizeof paths->config, "%s/holdfastd.conf", spawn->folder);
    (void)snprintf(paths->data, sizeof paths->data, "%s/data", spawn->folder);
    (void)snprintf(paths->log, sizeof paths->log, "%s/holdfastd.log", spawn->folder);
    return true;
}

static bool write_config(const struct paths *paths, const struct hf_spawn_options *options,
                         char *error)
{
    FILE *config = fopen(paths->config, "w");
    if (config == NULL) {
        return fail(error, "create", paths->config);
    }
    const uint64_t cells = (uint64_t)options->skus + 1000;
    /* Snapshots are written when the run asks for them, and at no other time. */
    const int printed =
        fprintf(config,
                "[data]\n"
                "snapshot_log = 0\n"
                "snapshot_interval = 0\n"
                "snapshot_pause = 0\n"
                "[engine]\n"
                "skus_max = %" PRIu64 "\n"
                "cells_max = %" PRIu64 "\n"
                "reservations_max = %" PRIu64 "\n"
                "lines_max = %" PRIu64 "\n"
                "references_max = %" PRIu64 "\n",
                cells, cells, options->reservations, options->reservations, options->references);
    if (fclose(config) != 0 || printed < 0) {
        return fail(error, "write", paths->config);
    }
    return true;
}

/* In the child: become the server. */
static _Noreturn void become_server(const struct paths *paths, const char *durability)
{
    const int log = open(paths->log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* it lives for this run only */
    if (log >= 0 && dup2(log, STDERR_FILENO) >= 0 && dup2(log, STDOUT_FILENO) >= 0) {
        (void)execl(paths->program, "holdfastd", "--config", paths->config, "--data", paths->data,
                    "--listen", "127.0.0.1:0", "--durability", durability, (char *)NULL);
        (void)dprintf(STDERR_FILENO, "could not start \"%s\": %s\n", paths->program,
                      strerror(errno));
    }
    _exit(127);
}

/* What the server has said so far. */
static void read_log(const struct paths *paths, char text[LOG_BYTES_MAX])
{
    text[0] = '\0';
    FILE *log = fopen(paths->log, "r");
    if (log != NULL) {
        text[fread(text, 1, LOG_BYTES_MAX - 1, log)] = '\0';
        (void)fclose(log);
    }
}

static void last_line(char *error, const char *text)
{
    const char *end = text + strlen(text);
    while (end > text && end[-1] == '\n') {
        end--;
    }
    const char *start = end;
    while (start > text && start[-1] != '\n') {
        start--;
    }
    (void)snprintf(error, HF_SPAWN_ERROR_BYTES, "holdfastd did not start: %.*s", (int)(end - start),
                   start);
}

/* The server tells its address in a line of its log, a file: a pipe would fill up unread. */
static bool wait_until_ready(struct hf_spawn *spawn, const struct paths *paths, char *error)
{
    static char text[LOG_BYTES_MAX];
    const struct timespec pause = {.tv_nsec = LOOK_MS * 1000000};

    for (int waited_ms = 0; waited_ms < START_MS; waited_ms += LOOK_MS) {
        const bool has_ended = waitpid(spawn->pid, NULL, WNOHANG) == spawn->pid;
        read_log(paths, text);
        const char *ready = strstr(text, READY);
        if (ready != NULL && strchr(ready, '\n') != NULL) {
            ready += sizeof READY - 1;
            (void)snprintf(spawn->address, sizeof spawn->address, "%.*s",
                           (int)strcspn(ready, " \n"), ready);
            return true;
        }
        if (has_ended) {
            spawn->pid = 0;
            last_line(error, text);
            return false;
        }
        (void)nanosleep(&pause, NULL);
    }
    (void)snprintf(error, HF_SPAWN_ERROR_BYTES, "holdfastd did not serve within %d s",
                   START_MS / 1000);
    return false;
}

bool hf_spawn_start(struct hf_spawn *spawn, const struct hf_spawn_options *options, char *error)
{
    struct paths paths;

    *spawn = (struct hf_spawn){0};
    if (!make_folder(spawn, &paths, error) || !write_config(&paths, options, error)) {
        return false;
    }
    spawn->pid = fork();
    if (spawn->pid < 0) {
        spawn->pid = 0;
        return fail(error, "start", paths.program);
    }
    if (spawn->pid == 0) {
        become_server(&paths, options->durability);
    }
    return wait_until_ready(spawn, &paths, error);
}

double hf_spawn_cpu_s(const struct hf_spawn *spawn)
{
    clockid_t clock;
    struct timespec used;

    HF_ASSERT(spawn->pid != 0);
    if (clock_getcpuclockid(spawn->pid, &clock) != 0 || clock_gettime(clock, &used) != 0) {
        return -1;
    }
    return (double)used.tv_sec + (double)used.tv_nsec / 1e9;
}

static int remove_one(const char *path, const struct stat *info, int type, struct FTW *where)
{
    (void)info;
    (void)type;
    (void)where;
    return remove(path);
}

bool hf_spawn_stop(struct hf_spawn *spawn)
{
    bool is_well = true;
    if (spawn->pid != 0) {
        /* Its data goes with it: nothing is worth a clean stop, which would write a snapshot. */
        is_well = kill(spawn->pid, SIGKILL) == 0 && waitpid(spawn->pid, NULL, 0) == spawn->pid;
        spawn->pid = 0;
    }
    if (spawn->folder[0] != '\0') {
        is_well = nftw(spawn->folder, remove_one, 16, FTW_DEPTH | FTW_PHYS) == 0 && is_well;
        spawn->folder[0] = '\0';
    }
    return is_well;
}
