#include "tests/lib/server_fixture.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define SAID_BYTES_MAX ((size_t)1024 * 1024)
static const char ready[] = "ready listen=";

static _Noreturn void give_up(const char *what)
{
    (void)fprintf(stderr, "server fixture: could not %s: %s\n", what, strerror(errno));
    abort();
}

static void path_in(const struct hf_fixture *fixture, const char *name, char *path,
                    size_t path_bytes)
{
    (void)snprintf(path, path_bytes, "%s/%s", fixture->folder, name);
}

/* All that the server wrote to stderr; the caller frees it. */
static char *read_said(const struct hf_fixture *fixture)
{
    char path[320];
    path_in(fixture, "stderr.txt", path, sizeof path);
    char *text = calloc(1, SAID_BYTES_MAX + 1);
    FILE *file = fopen(path, "r");
    if (text == NULL || file == NULL) {
        give_up("read what the server said");
    }
    const size_t bytes_count = fread(text, 1, SAID_BYTES_MAX, file);
    text[bytes_count] = '\0';
    (void)fclose(file);
    return text;
}

/* Runs in the child. */
static _Noreturn void become_server(const struct hf_fixture *fixture, int error_pipe)
{
    const char *program = getenv("HOLDFASTD");
    char *arguments[HF_FIXTURE_ARGUMENTS_MAX + 8];
    char data[] = "--data";
    char listen[] = "--listen";
    char anywhere[] = "127.0.0.1:0";
    char name[] = "holdfastd";
    int count = 0;

    arguments[count++] = name;
    arguments[count++] = data;
    arguments[count++] = (char *)(uintptr_t)fixture->data;
    arguments[count++] = listen;
    arguments[count++] = anywhere;
    for (int i = 0; i < fixture->arguments_count; i++) {
        arguments[count++] = (char *)(uintptr_t)fixture->arguments[i];
    }
    arguments[count] = NULL;
    /* A test that crashes must not leave a server behind. */
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    (void)dup2(error_pipe, STDERR_FILENO);
    (void)execv(program != NULL ? program : "build/holdfastd", arguments);
    (void)dprintf(STDERR_FILENO, "could not run holdfastd: %s\n", strerror(errno));
    _exit(127);
}

/*
 * Keep what comes through the pipe in stderr.txt, in a process of its own: a server whose stderr
 * nobody reads would block, and a test must not have to read it. Its end is the server's end.
 * The first ready line is passed on through `ready_pipe`.
 */
static _Noreturn void become_scribe(const struct hf_fixture *fixture, int error_pipe,
                                    int ready_pipe)
{
    char path[320];
    char line[4096];
    bool is_ready = false;

    path_in(fixture, "stderr.txt", path, sizeof path);
    FILE *in = fdopen(error_pipe, "r");
    FILE *out = fopen(path, "a");
    if (in == NULL || out == NULL) {
        _exit(1);
    }
    while (fgets(line, sizeof line, in) != NULL) {
        (void)fputs(line, out);
        (void)fflush(out);
        const char *at = strstr(line, ready);
        if (at != NULL && !is_ready) {
            is_ready = true;
            (void)dprintf(ready_pipe, "%s", at + sizeof ready - 1);
            (void)close(ready_pipe);
        }
    }
    (void)fclose(out);
    _exit(0);
}

/* The address of the ready line. False: the server ended without one. */
static bool read_address(struct hf_fixture *fixture, int ready_pipe)
{
    char line[512];
    size_t bytes_count = 0;

    for (;;) {
        const ssize_t count = read(ready_pipe, line + bytes_count, sizeof line - 1 - bytes_count);
        if (count < 0 && errno == EINTR) {
            continue;
        }
        if (count <= 0) {
            break;
        }
        bytes_count += (size_t)count;
    }
    line[bytes_count] = '\0';
    line[strcspn(line, " \n")] = '\0';
    if (line[0] == '\0' || strlen(line) >= sizeof fixture->address) {
        return false;
    }
    memcpy(fixture->address, line, strlen(line) + 1);
    const char *colon = strrchr(fixture->address, ':');
    if (colon == NULL) {
        return false;
    }
    fixture->port = (uint16_t)strtoul(colon + 1, NULL, 10);
    return true;
}

bool hf_fixture_restart(struct hf_fixture *fixture)
{
    int errors[2];
    int readies[2];

    if (fixture->pid != 0) {
        errno = EBUSY;
        give_up("start a server that runs already");
    }
    (void)fflush(NULL); /* the children must not write our buffers again */
    if (pipe2(errors, O_CLOEXEC) != 0 || pipe2(readies, O_CLOEXEC) != 0) {
        give_up("make a pipe");
    }
    fixture->scribe_pid = fork();
    if (fixture->scribe_pid < 0) {
        give_up("fork");
    }
    if (fixture->scribe_pid == 0) {
        (void)close(errors[1]);
        (void)close(readies[0]);
        become_scribe(fixture, errors[0], readies[1]);
    }
    fixture->pid = fork();
    if (fixture->pid < 0) {
        give_up("fork");
    }
    if (fixture->pid == 0) {
        become_server(fixture, errors[1]);
    }
    (void)close(errors[0]);
    (void)close(errors[1]);
    (void)close(readies[1]);
    const bool is_ready = read_address(fixture, readies[0]);
    (void)close(readies[0]);
    if (!is_ready) {
        fixture->exit_code = hf_fixture_wait(fixture);
    }
    return is_ready;
}

bool hf_fixture_start(struct hf_fixture *fixture, const char *const *arguments)
{
    const char *folder = getenv("TMPDIR");

    *fixture = (struct hf_fixture){0};
    (void)snprintf(fixture->folder, sizeof fixture->folder, "%s/holdfast-test-XXXXXX",
                   folder != NULL && folder[0] != '\0' ? folder : "/tmp");
    if (mkdtemp(fixture->folder) == NULL) {
        give_up("make a temporary folder");
    }
    path_in(fixture, "data", fixture->data, sizeof fixture->data);
    for (int i = 0; arguments != NULL && arguments[i] != NULL; i++) {
        if (i == HF_FIXTURE_ARGUMENTS_MAX || strlen(arguments[i]) >= sizeof fixture->arguments[i]) {
            errno = E2BIG;
            give_up("keep the arguments");
        }
        memcpy(fixture->arguments[i], arguments[i], strlen(arguments[i]) + 1);
        fixture->arguments_count++;
    }
    return hf_fixture_restart(fixture);
}

static int wait_for(pid_t pid)
{
    int status = 0;
    while (waitpid(pid, &status, 0) < 0) {
        if (errno != EINTR) {
            give_up("wait for a child");
        }
    }
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

int hf_fixture_wait(struct hf_fixture *fixture)
{
    const int code = wait_for(fixture->pid);
    (void)wait_for(fixture->scribe_pid); /* has read to the end */
    fixture->pid = 0;
    fixture->scribe_pid = 0;
    return code;
}

void hf_fixture_signal(struct hf_fixture *fixture, int signal_number)
{
    if (fixture->pid <= 0 || kill(fixture->pid, signal_number) != 0) {
        give_up("send a signal to the server");
    }
}

void hf_fixture_kill(struct hf_fixture *fixture)
{
    hf_fixture_signal(fixture, SIGKILL);
    (void)hf_fixture_wait(fixture);
}

int hf_fixture_stop(struct hf_fixture *fixture)
{
    hf_fixture_signal(fixture, SIGTERM);
    return hf_fixture_wait(fixture);
}

bool hf_fixture_said(const struct hf_fixture *fixture, const char *text)
{
    char *said = read_said(fixture);
    const bool is_there = strstr(said, text) != NULL;
    free(said);
    return is_there;
}

int hf_fixture_connect(const struct hf_fixture *fixture)
{
    const struct sockaddr_in address = {.sin_family = AF_INET,
                                        .sin_port = htons(fixture->port),
                                        .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const int one = 1;
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof address) != 0) {
        give_up("connect to the server");
    }
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    return fd;
}

static int remove_entry(const char *path, const struct stat *stat, int type, struct FTW *ftw)
{
    (void)stat;
    (void)type;
    (void)ftw;
    return remove(path);
}

void hf_fixture_release(struct hf_fixture *fixture)
{
    if (fixture->pid != 0) {
        hf_fixture_kill(fixture);
    }
    if (fixture->folder[0] != '\0') {
        (void)nftw(fixture->folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    }
    *fixture = (struct hf_fixture){0};
}
