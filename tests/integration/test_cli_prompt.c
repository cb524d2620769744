/*
 * test_cli_prompt.c - command after command: from a file, and at a terminal through libedit.
 *
 * Method: the first half gives the program its standard input from a file (tests/lib/cli_player.h);
 * that commands share a connection is seen by a scripted server (tests/lib/fake_server.h).
 * The second half is the other end of a pseudo terminal: it types, and waits for what must appear.
 * Nothing is waited for by time; only a session that has failed runs into the limit.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/lib/cli_player.h"
#include "tests/lib/fake_server.h"

#define ROWS_COUNT(rows) (sizeof(rows) / sizeof(rows)[0])
#define PATIENCE_MS 60000
#define SEEN_BYTES (256 * 1024)

/* ------------------------------------------------------------------ from a file */

static void commands_from_a_file(void **state)
{
    static const struct row {
        const char *name;
        const char *words[4];
        const char *input;
        int code;
        const char *patterns; /* of standard output */
    } rows[] = {
        {"nothing at all", {"--json"}, "", 0, ""},
        {"empty lines and remarks", {"--json"}, "\n   \n# receive X@L 1\n  # and so on\n", 0, ""},
        {"one after the other",
         {"--json"},
         "receive A@L 5 --ref f1\nsell A@L 1 --ref f2\n",
         0,
         HF_DONE(1, "f1") "\n" HF_DONE(2, "f2")},
        {"the last line without an end", {"--json"}, "sell A@L 1 --ref f3", 0, HF_DONE(3, "f3")},
        {"the first failure ends it",
         {"--json"},
         "sell A@L 9\nsell A@L 1 --ref f4\n",
         1,
         "{'outcome':'insufficient_stock','lsn':3,'repeated':false,'ref':'*','lines':[{'sku':'A',"
         "'location':'L','requested':9,'ats':3,'shortfall':6,'earliest_expiry':null}]}"},
        {"its exit code is that of the program", {"--json"}, "show nope\nfrob\n", 1, NULL},
        {"wrong usage", {"--json"}, "frob\nshow nope\n", 2, NULL},
        {"no server", {"--json"}, "ping --server 127.0.0.1:1\n", 3, NULL},
        {"--keep-going does the rest, and tells of the first failure",
         {"--json", "--keep-going"},
         "frob\nsell A@L 1 --ref f4\nshow nope\n",
         2,
         "{'outcome':'invalid_argument','message':'*'}\n" HF_DONE(
             4, "f4") "\n{'outcome':'unknown_reservation','message':'*'}"},
        {"quit ends it", {"--json"}, "quit\nfrob\n", 0, ""},
        {"exit, too", {"--json"}, "exit\nfrob\n", 0, ""},
        {"a line out of a document",
         {"--json"},
         "holdfast sell A@L 1 --ref f5\n",
         0,
         HF_DONE(5, "f5")},
        {"quotes", {"--json"}, "receive 'say \"hi\"@L 2' 5 --ref f6\n", 0, HF_DONE(6, "f6")},
        {"a quote that is not closed", {"--json"}, "receive 'A@L 5\n", 2, NULL},
        {"a line says --json for itself",
         {NULL},
         "--json sell A@L 1 --ref f7\n",
         0,
         HF_DONE(7, "f7")},
        {"its own options do not outlive a line",
         {"--json"},
         "receive A@L 1 --ref f8\nreceive A@L 1 --order x\n",
         0,
         HF_DONE(8, "f8") "\n" HF_DONE(9, "*")},
        {"--keep-going is for the program", {"--json"}, "ping --keep-going\n", 2, NULL},
    };
    (void)state;
    for (size_t i = 0; i < ROWS_COUNT(rows); i++) {
        const int code = hf_player_run_with(rows[i].words, rows[i].input);
        if (code != rows[i].code) {
            print_error("%s: exit code %d\n%s%s\n", rows[i].name, code, hf_player.out,
                        hf_player.err);
        }
        assert_int_equal(code, rows[i].code);
        if (rows[i].patterns != NULL) {
            hf_player_check(hf_player.out, rows[i].patterns);
        }
    }
    const char *const nothing[] = {NULL};
    assert_int_equal(hf_player_run_with(nothing, "ping\nfrob\nping\n"), 2);
    assert_non_null(strstr(hf_player.err, "line 2 failed; the rest was not done"));
}

#define PINGS 50

/* Welcomes one connection and no second one, which would wait for its welcome in vain. */
static void script_one_connection(struct hf_fake *fake)
{
    struct hf_frame frame;
    hf_fake_accept(fake, NULL);
    for (int i = 0; i < PINGS; i++) {
        if (!hf_fake_read(fake, &frame)) {
            hf_fake_check(fake, false, "the connection was closed between two commands");
            return;
        }
        hf_fake_answer(fake, &frame, 1);
    }
    hf_fake_expect_end(fake);
}

static void commands_share_a_connection(void **state)
{
    static char input[PINGS * 8];
    const char *const words[] = {"--json", NULL};
    struct hf_fake fake;
    (void)state;

    input[0] = '\0';
    for (int i = 0; i < PINGS; i++) {
        (void)snprintf(input + strlen(input), sizeof input - strlen(input), "ping\n");
    }
    hf_fake_start(&fake, script_one_connection);
    assert_int_equal(setenv("HOLDFAST_SERVER", fake.address, 1), 0);
    assert_int_equal(hf_player_run_with(words, input), 0);
    hf_fake_stop(&fake);
}

static void a_line_has_a_limit(void **state)
{
    const size_t limit = 1024 * 1024;
    const char *const words[] = {"--json", "--keep-going", NULL};
    char *input = malloc(limit + 256);
    (void)state;

    assert_non_null(input);
    memset(input, ' ', limit + 100);
    memcpy(input, "ping", 4);
    memcpy(input + limit + 100, "\ndigest\n", 9);
    assert_int_equal(hf_player_run_with(words, input), 2);
    hf_player_check(hf_player.out, "{'outcome':'invalid_argument','message':'*'}\n"
                                   "{'lsn':0,'digest':'*'}");
    free(input);
}

/* ------------------------------------------------------------------ at a terminal */

struct terminal {
    int fd;
    pid_t pid;
    char seen[SEEN_BYTES]; /* since the last await */
    size_t seen_bytes;
};
static struct terminal terminal;

/* Nothing comes any more. */
static void give_up(const char *waited_for)
{
    print_error("never saw \"%s\", but:\n%s\n", waited_for, terminal.seen);
    (void)kill(terminal.pid, SIGKILL);
    (void)waitpid(terminal.pid, NULL, 0);
    fail();
}

static void open_terminal(void)
{
    const struct winsize size = {.ws_row = 40, .ws_col = 120};
    terminal.seen_bytes = 0;
    terminal.seen[0] = '\0';
    terminal.pid = forkpty(&terminal.fd, NULL, NULL, &size);
    assert_true(terminal.pid >= 0);
    if (terminal.pid == 0) {
        char *const argv[] = {"holdfast", NULL};
        (void)setenv("TERM", "dumb", 1);
        (void)setenv("HOME", hf_player.folder, 1);
        (void)execv(hf_player_program(), argv);
        _exit(127);
    }
}

static void type(const char *text)
{
    const size_t bytes = strlen(text);
    assert_true(write(terminal.fd, text, bytes) == (ssize_t)bytes);
}

/* Read until `text` has appeared; what stood before it is forgotten. */
static void await(const char *text)
{
    for (;;) {
        char *at = strstr(terminal.seen, text);
        if (at != NULL) {
            at += strlen(text);
            terminal.seen_bytes -= (size_t)(at - terminal.seen);
            memmove(terminal.seen, at, terminal.seen_bytes + 1);
            return;
        }
        struct pollfd waited = {.fd = terminal.fd, .events = POLLIN};
        const int count = poll(&waited, 1, PATIENCE_MS);
        const size_t room = sizeof terminal.seen - 1 - terminal.seen_bytes;
        const ssize_t got =
            count == 1 ? read(terminal.fd, terminal.seen + terminal.seen_bytes, room) : -1;
        if (got <= 0) {
            give_up(text);
        }
        terminal.seen_bytes += (size_t)got;
        terminal.seen[terminal.seen_bytes] = '\0';
    }
}

/* The program has ended by itself. */
static void expect_end(int want_code)
{
    struct pollfd waited = {.fd = terminal.fd, .events = POLLIN};
    char rest[4096];
    do {
        if (poll(&waited, 1, PATIENCE_MS) != 1) {
            give_up("the end of the program");
        }
        /* what it still says is of no interest; a terminal that is gone answers EIO */
    } while (read(terminal.fd, rest, sizeof rest) > 0);
    assert_int_equal(hf_player_wait(terminal.pid), want_code);
    assert_int_equal(close(terminal.fd), 0);
}

static void at_a_terminal(void **state)
{
    (void)state;

    open_terminal();
    await("`help` lists the commands");
    await("holdfast> ");
    type("receive A@L 5 --ref t1\n");
    await("received  (lsn 1, ref t1)");
    await("holdfast> ");

    /* completion: one candidate is written, several are shown */
    type("sto\t");
    await("ck ");
    type("A@L\n");
    await("ON HAND");
    await("holdfast> ");
    type("receive A@L 1 --re\t");
    await("--ref");
    await("--reason");
    type("a\tret\t\n");
    await("received  (lsn 2");
    await("holdfast> ");

    /* a failed command is not the end, and Ctrl-C gives up a line */
    type("sell A@L 99\n");
    await("refused: insufficient_stock");
    await("holdfast> ");
    type("sell A@L 1\x03");
    await("^C");
    await("holdfast> ");
    type("digest\n");
    await("at lsn 2"); /* nothing was sold */
    await("holdfast> ");

    /* the line before, again */
    type("\x1b[A\n");
    await("at lsn 2");
    await("holdfast> ");
    type("quit\n");
    expect_end(0);
}

static void the_history_is_kept(void **state)
{
    char path[300];
    struct stat status;
    (void)state;

    open_terminal();
    await("holdfast> ");
    type("receive A@L 7 --ref kept\n");
    await("received  (lsn 1, ref kept)");
    await("holdfast> ");
    type("\x04"); /* Ctrl-D */
    expect_end(0);

    (void)snprintf(path, sizeof path, "%s/.holdfast_history", hf_player.folder);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);

    open_terminal();
    await("holdfast> ");
    type("\x1b[A\n");
    await("it was done before");
    await("holdfast> ");
    type("exit\n");
    expect_end(0);
}

/* Ctrl-C comes through however fast it is typed: also while libedit is busy with other keys. */
static void no_interrupt_is_lost(void **state)
{
    (void)state;

    open_terminal();
    for (int i = 0; i < 50; i++) {
        await("holdfast> ");
        type("sell A@L 1\x03");
        await("^C");
    }
    await("holdfast> ");
    type("digest\n");
    await("at lsn 0");
    await("holdfast> ");
    type("quit\n");
    expect_end(0);
}

/* The server dies and comes back; the next command finds it. */
static void the_prompt_connects_again(void **state)
{
    char line[128];
    (void)state;

    open_terminal();
    await("holdfast> ");
    type("receive A@L 7\n");
    await("received  (lsn 1");
    hf_fixture_kill(&hf_player.server);
    await("holdfast> ");
    type("ping\n");
    await("could not connect");
    assert_true(hf_fixture_restart(&hf_player.server));
    await("holdfast> ");
    (void)snprintf(line, sizeof line, "digest --server %s\n", hf_player.server.address);
    type(line);
    await("at lsn 1");
    await("holdfast> ");
    type("quit\n");
    expect_end(0);
}

/* Ctrl-C ends a watch, not the prompt. */
static void a_watch_ends_and_the_prompt_goes_on(void **state)
{
    static const struct hf_step steps[] = {{{"receive", "A@L", "1"}, 0, NULL}};
    (void)state;

    open_terminal();
    await("holdfast> ");
    type("watch --from 1:0\n");
    hf_play(steps, 1);
    await("receive  A@L  on_hand +1 = 1");
    type("\x03");
    await("go on with --from 1:1");
    await("holdfast> ");
    type("ping\n");
    await("answered in");
    await("holdfast> ");
    type("quit\n");
    expect_end(0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(commands_from_a_file, hf_player_setup, hf_player_teardown),
        cmocka_unit_test_setup_teardown(commands_share_a_connection, hf_player_setup,
                                        hf_player_teardown),
        cmocka_unit_test_setup_teardown(a_line_has_a_limit, hf_player_setup, hf_player_teardown),
        cmocka_unit_test_setup_teardown(at_a_terminal, hf_player_setup, hf_player_teardown),
        cmocka_unit_test_setup_teardown(the_history_is_kept, hf_player_setup, hf_player_teardown),
        cmocka_unit_test_setup_teardown(no_interrupt_is_lost, hf_player_setup, hf_player_teardown),
        cmocka_unit_test_setup_teardown(the_prompt_connects_again, hf_player_setup,
                                        hf_player_teardown),
        cmocka_unit_test_setup_teardown(a_watch_ends_and_the_prompt_goes_on, hf_player_setup,
                                        hf_player_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
