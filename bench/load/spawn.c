#include "bench/load/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <libgen.h>
#include <limits.h>
#include <pthread.h>
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

/*
 * Who interrupts a run (Ctrl-C, kill, a terminal that closes) leaves nothing behind either. The
 * signals are blocked in every thread and taken by one of their own, which may do what no handler
 * may: it ends the server, removes the folder, and then dies of the signal as if it had not waited.
 * A signal that was ignored before (nohup) stays so.
 */
static struct guard {
    pthread_mutex_t mutex;
    struct hf_spawn *spawn; /* NULL: there is nothing to clean up */
    sigset_t signals;       /* that are waited for */
    sigset_t before;        /* the mask of this program as it was started */
} guard = {.mutex = PTHREAD_MUTEX_INITIALIZER};

static const int guarded_signals[] = {SIGINT, SIGTERM, SIGHUP};

static bool stop(struct hf_spawn *spawn);

static void *guard_main(void *arg)
{
    int number = 0;

    (void)arg;
    if (sigwait(&guard.signals, &number) == 0) {
        (void)pthread_mutex_lock(&guard.mutex); /* for ever: nobody goes on from here */
        if (guard.spawn != NULL && !stop(guard.spawn)) {
            (void)fprintf(stderr,
                          "holdfast-bench: could not remove the spawned server and its data\n");
        }
        (void)pthread_sigmask(SIG_SETMASK, &guard.before, NULL);
        (void)raise(number);
    }
    return NULL;
}

static bool start_guard(struct hf_spawn *spawn, char *error)
{
    pthread_t thread;

    (void)sigemptyset(&guard.signals);
    for (size_t i = 0; i < sizeof guarded_signals / sizeof guarded_signals[0]; i++) {
        struct sigaction action;
        if (sigaction(guarded_signals[i], NULL, &action) == 0 && action.sa_handler != SIG_IGN) {
            (void)sigaddset(&guard.signals, guarded_signals[i]);
        }
    }
    (void)pthread_sigmask(SIG_BLOCK, &guard.signals, &guard.before);
    guard.spawn = spawn;
    errno = pthread_create(&thread, NULL, guard_main, NULL);
    if (errno != 0) {
        guard.spawn = NULL;
        (void)pthread_sigmask(SIG_SETMASK, &guard.before, NULL);
        return fail(error, "start", "a thread for signals");
    }
    (void)pthread_detach(thread);
    return true;
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
    (void)pthread_sigmask(SIG_SETMASK, &guard.before, NULL);
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

/* True, once, when the server has ended by itself. */
static bool has_ended(struct hf_spawn *spawn)
{
    (void)pthread_mutex_lock(&guard.mutex);
    const bool is_over = waitpid(spawn->pid, NULL, WNOHANG) == spawn->pid;
    spawn->pid = is_over ? 0 : spawn->pid;
    (void)pthread_mutex_unlock(&guard.mutex);
    return is_over;
}

/* The server tells its address in a line of its log, a file: a pipe would fill up unread. */
static bool wait_until_ready(struct hf_spawn *spawn, const struct paths *paths, char *error)
{
    static char text[LOG_BYTES_MAX];
    const struct timespec pause = {.tv_nsec = LOOK_MS * 1000000};

    for (int waited_ms = 0; waited_ms < START_MS; waited_ms += LOOK_MS) {
        const bool is_over = has_ended(spawn);
        read_log(paths, text);
        const char *ready = strstr(text, READY);
        if (ready != NULL && strchr(ready, '\n') != NULL) {
            ready += sizeof READY - 1;
            (void)snprintf(spawn->address, sizeof spawn->address, "%.*s",
                           (int)strcspn(ready, " \n"), ready);
            return true;
        }
        if (is_over) {
            last_line(error, text);
            return false;
        }
        (void)nanosleep(&pause, NULL);
    }
    (void)snprintf(error, HF_SPAWN_ERROR_BYTES, "holdfastd did not serve within %d s",
                   START_MS / 1000);
    return false;
}

/* Everything up to the child, under the mutex: the guard meets all of it or nothing. */
static bool make(struct hf_spawn *spawn, struct paths *paths,
                 const struct hf_spawn_options *options, char *error)
{
    if (!make_folder(spawn, paths, error) || !write_config(paths, options, error)) {
        return false;
    }
    spawn->pid = fork();
    if (spawn->pid < 0) {
        spawn->pid = 0;
        return fail(error, "start", paths->program);
    }
    if (spawn->pid == 0) {
        become_server(paths, options->durability);
    }
    return true;
}

bool hf_spawn_start(struct hf_spawn *spawn, const struct hf_spawn_options *options, char *error)
{
    struct paths paths;

    *spawn = (struct hf_spawn){0};
    if (!start_guard(spawn, error)) {
        return false;
    }
    (void)pthread_mutex_lock(&guard.mutex);
    const bool is_made = make(spawn, &paths, options, error);
    (void)pthread_mutex_unlock(&guard.mutex);
    return is_made && wait_until_ready(spawn, &paths, error);
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

static bool stop(struct hf_spawn *spawn)
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

bool hf_spawn_stop(struct hf_spawn *spawn)
{
    (void)pthread_mutex_lock(&guard.mutex);
    const bool is_well = stop(spawn);
    guard.spawn = NULL; /* a signal from here on ends this program, and that is all */
    (void)pthread_mutex_unlock(&guard.mutex);
    return is_well;
}
