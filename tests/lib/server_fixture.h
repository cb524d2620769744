/*
 * server_fixture.h - a real holdfastd for a test: its own data directory, an ephemeral port.
 *
 *     struct hf_fixture server;
 *     hf_fixture_start(&server, NULL);            holdfastd --data TMP --listen 127.0.0.1:0
 *     ... connect to server.address ...
 *     hf_fixture_kill(&server);                   kill -9
 *     hf_fixture_restart(&server);                same data directory, another port
 *     assert_int_equal(hf_fixture_stop(&server), 0);   SIGTERM, waits; the exit status
 *     hf_fixture_release(&server);                ends what still runs, removes the directory
 *
 * The program is $HOLDFASTD, or build/holdfastd. What it says on stderr is kept (hf_fixture_said).
 * A failure that is not the server's fault (fork, mkdtemp) ends the test program with a sentence.
 */
#ifndef HF_TESTS_SERVER_FIXTURE_H
#define HF_TESTS_SERVER_FIXTURE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define HF_FIXTURE_ARGUMENTS_MAX 32

struct hf_fixture {
    char folder[256]; /* temporary; holds data/, stderr.txt and what a test likes */
    char data[272];   /* the data directory in it */
    char address[64]; /* HOST:PORT after a start */
    uint16_t port;
    pid_t pid;                                     /* 0: not running */
    pid_t scribe_pid;                              /* keeps what the server says */
    int exit_code;                                 /* of a start that failed */
    char arguments[HF_FIXTURE_ARGUMENTS_MAX][128]; /* extra ones, kept for restarts */
    int arguments_count;
};

/* Start in a new directory. `arguments`: extra ones, NULL-terminated, or NULL. Waits for the ready
 * line. False: the server ended instead; hf_fixture_said tells why. */
bool hf_fixture_start(struct hf_fixture *fixture, const char *const *arguments);
/* Start again on the same directory. The server must not run. */
bool hf_fixture_restart(struct hf_fixture *fixture);
/* kill -9 and wait until it is gone. */
void hf_fixture_kill(struct hf_fixture *fixture);
/* Send a signal without waiting. */
void hf_fixture_signal(struct hf_fixture *fixture, int signal_number);
/* Wait until it ends by itself: its exit code, or 128 + the signal that ended it. */
int hf_fixture_wait(struct hf_fixture *fixture);
/* SIGTERM and wait. */
int hf_fixture_stop(struct hf_fixture *fixture);
/* True when a line of its stderr, since the first start, holds `text`. */
bool hf_fixture_said(const struct hf_fixture *fixture, const char *text);
/* Connected TCP socket to the server; ends the test program when it cannot be had. */
int hf_fixture_connect(const struct hf_fixture *fixture);
void hf_fixture_release(struct hf_fixture *fixture);

#endif
