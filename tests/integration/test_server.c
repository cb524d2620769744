/*
 * test_server.c - a real holdfastd under clients that misbehave, and operators that do.
 *
 * Method: raw sockets (raw_client.h) against the program itself (server_fixture.h). After each
 * abuse a well-behaved client finds the server as it was. Nothing is timed: what is waited for is
 * an answer or the end of a connection.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/bytes.h"
#include "tests/lib/raw_client.h"
#include "tests/lib/server_fixture.h"

#define OUTPUT_BYTES 16384
#define PATH_BYTES 256

static const struct hf_op_line stock_line = {
    .sku = {"PHONE", 5}, .location = {"BERLIN", 6}, .units = 1000000};
static const struct hf_op_line one_line = {
    .sku = {"PHONE", 5}, .location = {"BERLIN", 6}, .units = 1};
static const struct hf_op_line cell_line = {.sku = {"PHONE", 5}, .location = {"BERLIN", 6}};

static void put_receive(struct hf_raw *raw)
{
    const struct hf_request request = {
        .op = {.kind = HF_KIND_RECEIVE, .lines = &stock_line, .lines_count = 1}};
    hf_raw_put(raw, HF_KIND_RECEIVE, &request, 1);
}

static void put_reserve(struct hf_raw *raw, const char *id)
{
    const struct hf_request request = {
        .op = {
            .kind = HF_KIND_RESERVE, .id = hf_text_of(id), .lines = &one_line, .lines_count = 1}};
    hf_raw_put(raw, HF_KIND_RESERVE, &request, 1);
}

static void put_stock(struct hf_raw *raw)
{
    const struct hf_request request = {.op = {.lines = &cell_line, .lines_count = 1}};
    hf_raw_put(raw, HF_ASK_STOCK, &request, 1);
}

/* Units held of the one cell, as a client of its own sees them. */
static int64_t held_units(const struct hf_fixture *server)
{
    struct hf_raw raw;
    struct hf_cell_view cell;
    hf_raw_open(&raw, server);
    put_stock(&raw);
    struct hf_reply reply = hf_raw_ask(&raw);
    assert_int_equal(reply.outcome, HF_OK);
    assert_int_equal(hf_cell_next(&reply.entries, &cell), HF_OK);
    hf_raw_close(&raw);
    return cell.held;
}

/* A server with a million phones in Berlin. `arguments` as for hf_fixture_start. */
static void start(struct hf_fixture *server, const char *const *arguments)
{
    struct hf_raw raw;
    assert_true(hf_fixture_start(server, arguments));
    hf_raw_open(&raw, server);
    put_receive(&raw);
    assert_int_equal(hf_raw_ask(&raw).outcome, HF_OK);
    hf_raw_close(&raw);
}

static void stop(struct hf_fixture *server)
{
    assert_int_equal(hf_fixture_stop(server), 0);
    hf_fixture_release(server);
}

/* One error frame that names `field`, then the end. */
static void expect_told_and_closed(struct hf_raw *raw, enum hf_err outcome, enum hf_field field)
{
    struct hf_frame frame;
    struct hf_reply reply;
    assert_true(hf_raw_read(raw, &frame));
    assert_int_equal(frame.flags, HF_FRAME_REPLY | HF_FRAME_ERROR);
    struct hf_items body = hf_items_of(frame.body, frame.body_bytes);
    assert_int_equal(hf_reply_next(&body, &reply), HF_OK);
    assert_int_equal(reply.outcome, outcome);
    assert_int_equal(reply.field, field);
    assert_false(hf_raw_read(raw, &frame));
}

/* ------------------------------------------------------------------ abuse */

static void garbage(void **state)
{
    struct hf_fixture server;
    struct hf_raw raw;
    (void)state;

    start(&server, NULL);
    hf_raw_connect(&raw, &server);
    assert_true(hf_raw_send(&raw, "GET / HTTP/1.1\r\nHost: shop\r\n\r\n", 30));
    expect_told_and_closed(&raw, HF_INVALID_ARGUMENT, HF_FIELD_MAGIC);
    hf_raw_close(&raw);

    hf_raw_open(&raw, &server);
    put_reserve(&raw, "cart-1");
    hf_buffer_front(&raw.out)[hf_buffer_count(&raw.out) - 1] ^= 1;
    assert_true(hf_raw_flush(&raw));
    expect_told_and_closed(&raw, HF_INVALID_ARGUMENT, HF_FIELD_CHECKSUM);
    hf_raw_close(&raw);

    hf_raw_connect(&raw, &server); /* no hello */
    put_reserve(&raw, "cart-1");
    assert_true(hf_raw_flush(&raw));
    expect_told_and_closed(&raw, HF_INVALID_ARGUMENT, HF_FIELD_OPERATION);
    hf_raw_close(&raw);

    assert_int_equal(held_units(&server), 0);
    assert_int_equal(hf_fixture_stop(&server), 0);
    assert_true(hf_fixture_said(&server, "framing is lost, wrong magic"));
    assert_true(hf_fixture_said(&server, "(raw): closed: framing is lost, wrong checksum"));
    hf_fixture_release(&server);
}

/* A flood that goes on after framing is lost: the reason still reaches the client. */
static void garbage_without_end(void **state)
{
    static unsigned char flood[1024 * 1024];
    struct hf_fixture server;
    struct hf_raw raw;
    (void)state;

    start(&server, NULL);
    hf_raw_open(&raw, &server);
    memset(flood, 0xEE, sizeof flood);
    (void)hf_raw_send(&raw, flood, sizeof flood);
    expect_told_and_closed(&raw, HF_INVALID_ARGUMENT, HF_FIELD_MAGIC);
    hf_raw_close(&raw);
    stop(&server);
}

/* The server does not wait for a body that it will not take. */
static void oversized(void **state)
{
    struct hf_fixture server;
    struct hf_raw raw;
    (void)state;

    start(&server, NULL);
    hf_raw_open(&raw, &server);
    hf_raw_put_empty(&raw, HF_ASK_PING);
    hf_put_u32(hf_buffer_front(&raw.out) + 4, HF_FRAME_BYTES_DEFAULT - 32 + 1);
    assert_true(hf_raw_flush(&raw));
    expect_told_and_closed(&raw, HF_INVALID_ARGUMENT, HF_FIELD_BODY_BYTES);
    hf_raw_close(&raw);
    stop(&server);
}

/* The largest frame there may be, full of items, in one piece and byte by byte around its edges. */
static void largest_frame(void **state)
{
    struct hf_fixture server;
    struct hf_raw raw;
    struct hf_frame frame;
    (void)state;

    start(&server, NULL);
    hf_raw_open(&raw, &server);
    const size_t place = hf_frame_begin(&raw.out);
    const struct hf_request request = {.op = {.lines = &cell_line, .lines_count = 1}};
    uint32_t count = 0;
    while (count < 8192) {
        assert_int_equal(hf_request_put(&raw.out, HF_ASK_STOCK, &request), HF_OK);
        count++;
    }
    const struct hf_frame sent = {.operation = HF_ASK_STOCK, .count = count, .correlation = 7};
    assert_int_equal(hf_frame_end(&raw.out, place, &sent), HF_OK);
    const unsigned char *bytes = hf_buffer_front(&raw.out);
    const size_t bytes_count = hf_buffer_count(&raw.out);
    for (size_t i = 0; i < 40; i++) {
        assert_true(hf_raw_send(&raw, bytes + i, 1));
    }
    assert_true(hf_raw_send(&raw, bytes + 40, bytes_count - 41));
    assert_true(hf_raw_send(&raw, bytes + bytes_count - 1, 1));
    assert_true(hf_raw_read(&raw, &frame));
    assert_int_equal(frame.correlation, 7);
    assert_int_equal(frame.count, 8192);
    hf_raw_close(&raw);
    stop(&server);
}

/* Connections that end at every place of a frame leave nothing behind. */
static void half_frames(void **state)
{
    struct hf_fixture server;
    struct hf_raw raw;
    (void)state;

    start(&server, NULL);
    hf_raw_open(&raw, &server);
    put_reserve(&raw, "cart-1");
    const size_t bytes_count = hf_buffer_count(&raw.out);
    for (size_t count = 0; count < bytes_count; count += 7) {
        struct hf_raw half;
        hf_raw_open(&half, &server);
        assert_true(hf_raw_send(&half, hf_buffer_front(&raw.out), count));
        hf_raw_close(&half);
    }
    assert_int_equal(held_units(&server), 0);
    assert_int_equal(hf_raw_ask(&raw).outcome, HF_OK);
    assert_int_equal(held_units(&server), 1);
    hf_raw_close(&raw);
    stop(&server);
}

/* A client that sends many requests and is gone before the replies: they are executed. */
static void gone_before_the_replies(void **state)
{
    struct hf_fixture server;
    struct hf_raw raw;
    (void)state;

    start(&server, NULL);
    for (int round = 0; round < 20; round++) {
        char id[32];
        hf_raw_open(&raw, &server);
        for (int i = 0; i < 50; i++) {
            (void)snprintf(id, sizeof id, "cart-%d-%d", round, i);
            put_reserve(&raw, id);
        }
        assert_true(hf_raw_flush(&raw));
        hf_raw_close(&raw); /* with replies unread: the kernel resets the connection */
    }
    const int64_t held = held_units(&server);
    assert_in_range(held, 0, 1000);
    stop(&server);
}

/* Half-closing is fine: what was sent is answered, then the server closes, too. */
static void sends_all_then_closes_its_half(void **state)
{
    struct hf_fixture server;
    struct hf_raw raw;
    struct hf_frame frame;
    (void)state;

    start(&server, NULL);
    hf_raw_open(&raw, &server);
    for (int i = 0; i < 100; i++) {
        char id[32];
        (void)snprintf(id, sizeof id, "cart-%d", i);
        put_reserve(&raw, id);
    }
    assert_true(hf_raw_flush(&raw));
    assert_int_equal(shutdown(raw.fd, SHUT_WR), 0);
    for (int i = 0; i < 100; i++) {
        assert_int_equal(hf_raw_reply(&raw).outcome, HF_OK);
    }
    assert_false(hf_raw_read(&raw, &frame));
    hf_raw_close(&raw);
    stop(&server);
}

/* Sends the rest on a thread of its own, while the test reads. */
static void *send_rest(void *arg)
{
    struct hf_raw *raw = arg;
    return hf_raw_send(raw, hf_buffer_front(&raw->out), hf_buffer_count(&raw->out)) ? raw : NULL;
}

/*
 * A client that asks without reading: the server stops reading from it, and answers everything
 * once it reads. Another client is served meanwhile.
 */
static void asks_without_reading(void **state)
{
    enum { ASKED_MAX = 400000 };
    struct hf_fixture server;
    struct hf_raw raw;
    struct hf_frame frame;
    uint64_t asked = 0;
    bool is_blocked = false;
    pthread_t thread;
    void *is_sent = NULL;
    (void)state;

    start(&server, NULL);
    hf_raw_open(&raw, &server);
    const uint64_t first = raw.correlation + 1;
    while (asked < ASKED_MAX && !is_blocked) {
        while (hf_buffer_count(&raw.out) < 65536) {
            put_stock(&raw);
            asked++;
        }
        /* Blocked means: both kernels' buffers and the server's limit are full. The server needs
         * a moment to read, so a second is given before that is believed. */
        struct pollfd room = {.fd = raw.fd, .events = POLLOUT};
        is_blocked = poll(&room, 1, 1000) == 0;
        const ssize_t count = send(raw.fd, hf_buffer_front(&raw.out), hf_buffer_count(&raw.out),
                                   MSG_NOSIGNAL | MSG_DONTWAIT);
        assert_true(count > 0 || errno == EAGAIN);
        hf_buffer_take(&raw.out, count > 0 ? (size_t)count : 0);
    }
    assert_true(is_blocked);
    assert_int_equal(held_units(&server), 0);

    assert_int_equal(pthread_create(&thread, NULL, send_rest, &raw), 0);
    for (uint64_t answered = 0; answered < asked; answered++) {
        assert_true(hf_raw_read(&raw, &frame));
        assert_int_equal(frame.correlation, first + answered);
    }
    assert_int_equal(pthread_join(thread, &is_sent), 0);
    assert_non_null(is_sent);
    hf_raw_close(&raw);
    stop(&server);
}

/* ------------------------------------------------------------------ limits */

/* A configuration file; the caller unlinks it. */
static void write_file(char path[PATH_BYTES], const char *text)
{
    const char *folder = getenv("TMPDIR");
    (void)snprintf(path, PATH_BYTES, "%s/holdfast-config-XXXXXX",
                   folder != NULL && folder[0] != '\0' ? folder : "/tmp");
    const int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    (void)close(fd);
}

static void too_many_connections(void **state)
{
    char path[PATH_BYTES];
    const char *const arguments[] = {"--config", path, NULL};
    struct hf_fixture server;
    struct hf_raw first, second, third;
    (void)state;

    write_file(path, "[server]\nconnections_max = 2\n");
    assert_true(hf_fixture_start(&server, arguments));
    hf_raw_open(&first, &server);
    hf_raw_open(&second, &server);
    for (int i = 0; i < 100; i++) {
        hf_raw_connect(&third, &server);
        expect_told_and_closed(&third, HF_BUSY, HF_FIELD_NONE);
        hf_raw_close(&third);
    }
    hf_raw_put_empty(&first, HF_ASK_PING);
    assert_int_equal(hf_raw_ask(&first).outcome, HF_OK);

    /* A place that becomes free is given away again. The server may see the end later than us. */
    hf_raw_close(&second);
    bool is_served = false;
    for (int i = 0; i < 10000 && !is_served; i++) {
        struct hf_frame frame;
        hf_raw_connect(&third, &server);
        const struct hf_frame hello = {.operation = HF_ASK_HELLO, .count = 1};
        const size_t place = hf_frame_begin(&third.out);
        hf_hello_put(&third.out, hf_text_of("third"));
        assert_int_equal(hf_frame_end(&third.out, place, &hello), HF_OK);
        (void)hf_raw_flush(&third);
        is_served = hf_raw_read(&third, &frame) && (frame.flags & HF_FRAME_ERROR) == 0;
        hf_raw_close(&third);
    }
    assert_true(is_served);
    hf_raw_close(&first);
    assert_int_equal(hf_fixture_stop(&server), 0);
    assert_true(hf_fixture_said(&server, "connections_max is reached"));
    hf_fixture_release(&server);
    (void)unlink(path);
}

static void idle_connections_are_closed(void **state)
{
    char path[PATH_BYTES];
    const char *const arguments[] = {"--config", path, NULL};
    struct hf_fixture server;
    struct hf_raw silent, unfinished;
    struct hf_frame frame;
    (void)state;

    write_file(path, "[server]\nidle_timeout = 200ms\n");
    assert_true(hf_fixture_start(&server, arguments));
    hf_raw_open(&silent, &server);
    hf_raw_connect(&unfinished, &server);
    assert_true(hf_raw_send(&unfinished, "HF\2", 3));
    assert_false(hf_raw_read(&silent, &frame));
    assert_false(hf_raw_read(&unfinished, &frame));
    hf_raw_close(&silent);
    hf_raw_close(&unfinished);
    assert_int_equal(hf_fixture_stop(&server), 0);
    assert_true(hf_fixture_said(&server, "closed: idle for too long"));
    hf_fixture_release(&server);
    (void)unlink(path);
}

/* ------------------------------------------------------------------ stop, kill, start again */

/* Digest and LSN of the server. */
static struct hf_digest read_digest(const struct hf_fixture *server, uint64_t *lsn)
{
    struct hf_raw raw;
    struct hf_digest digest;
    hf_raw_open(&raw, server);
    hf_raw_put_empty(&raw, HF_ASK_DIGEST);
    struct hf_reply reply = hf_raw_ask(&raw);
    assert_int_equal(reply.outcome, HF_OK);
    assert_int_equal(hf_digest_next(&reply.entries, &digest), HF_OK);
    *lsn = reply.lsn;
    hf_raw_close(&raw);
    return digest;
}

/*
 * SIGTERM while requests are in flight: replies come for a prefix of them, then the end, exit
 * code 0. What was answered is there after the restart, and nothing that was not sent is.
 */
static void stopped_under_load(void **state)
{
    enum { FRAMES = 2000, BEFORE = 100 };
    struct hf_fixture server;
    struct hf_raw raw;
    struct hf_frame frame;
    struct hf_raw idle;
    int64_t answered = 0;
    (void)state;

    start(&server, NULL);
    hf_raw_open(&idle, &server);
    hf_raw_open(&raw, &server);
    for (int i = 0; i < FRAMES; i++) {
        char id[32];
        (void)snprintf(id, sizeof id, "cart-%d", i);
        put_reserve(&raw, id);
    }
    assert_true(hf_raw_flush(&raw));
    while (answered < BEFORE) {
        assert_int_equal(hf_raw_reply(&raw).outcome, HF_OK);
        answered++;
    }
    hf_fixture_signal(&server, SIGTERM);
    while (hf_raw_read(&raw, &frame)) {
        assert_int_equal(frame.flags, HF_FRAME_REPLY);
        assert_int_equal(frame.correlation, (uint64_t)answered + 2); /* in order, none left out */
        answered++;
    }
    assert_false(hf_raw_read(&idle, &frame));
    hf_raw_close(&idle);
    hf_raw_close(&raw);
    assert_int_equal(hf_fixture_wait(&server), 0);
    assert_true(hf_fixture_said(&server, "stopping: SIGTERM"));
    assert_true(hf_fixture_said(&server, "stopped lsn="));

    assert_true(hf_fixture_restart(&server));
    assert_int_equal(held_units(&server), answered);
    stop(&server);
}

static void killed_and_started_again(void **state)
{
    struct hf_fixture server;
    struct hf_raw raw;
    uint64_t lsn_before = 0;
    uint64_t lsn_after = 0;
    (void)state;

    start(&server, NULL);
    hf_raw_open(&raw, &server);
    for (int i = 0; i < 200; i++) {
        char id[32];
        (void)snprintf(id, sizeof id, "cart-%d", i);
        put_reserve(&raw, id);
        assert_int_equal(hf_raw_ask(&raw).outcome, HF_OK);
        if (i == 100) {
            hf_raw_put_empty(&raw, HF_ASK_SNAPSHOT);
            assert_int_equal(hf_raw_ask(&raw).outcome, HF_OK);
        }
    }
    hf_raw_close(&raw);
    const struct hf_digest before = read_digest(&server, &lsn_before);
    hf_fixture_kill(&server);

    assert_true(hf_fixture_restart(&server));
    const struct hf_digest after = read_digest(&server, &lsn_after);
    assert_int_equal(lsn_before, 201);
    assert_int_equal(lsn_after, lsn_before);
    assert_memory_equal(&after, &before, sizeof after);
    assert_int_equal(held_units(&server), 200);
    hf_raw_open(&raw, &server);
    hf_raw_put_empty(&raw, HF_ASK_AUDIT);
    struct hf_reply reply = hf_raw_ask(&raw);
    struct hf_audit_report report;
    assert_int_equal(hf_audit_report_next(&reply.entries, &report), HF_OK);
    assert_int_equal(report.violations_count, 0);
    assert_int_equal(report.cells_count, 1);
    assert_int_equal(report.reservations_count, 200);
    hf_raw_close(&raw);
    stop(&server);
}

/*
 * The log cannot be written any more: the server says so and ends at once, and what it could not
 * make durable was never acknowledged.
 */
static void failing_log(void **state)
{
    const struct rlimit nothing = {.rlim_cur = 1, .rlim_max = RLIM_INFINITY};
    struct hf_fixture server;
    struct hf_raw raw;
    struct hf_frame frame;
    (void)state;

    start(&server, NULL);
    hf_raw_open(&raw, &server);
    put_reserve(&raw, "cart-1");
    assert_int_equal(hf_raw_ask(&raw).outcome, HF_OK);
    assert_int_equal(prlimit(server.pid, RLIMIT_FSIZE, &nothing, NULL), 0);
    put_reserve(&raw, "cart-2");
    assert_true(hf_raw_flush(&raw));
    assert_false(hf_raw_read(&raw, &frame));
    hf_raw_close(&raw);
    assert_int_equal(hf_fixture_wait(&server), 1);
    assert_true(hf_fixture_said(&server, "error stopping at once: the log has failed"));

    assert_true(hf_fixture_restart(&server));
    assert_int_equal(held_units(&server), 1);
    stop(&server);
}

/* Many holds that end together are all released, while the server goes on answering. */
static void mass_expiry(void **state)
{
    enum { FRAMES = 40, ITEMS = 500 };
    static char ids[ITEMS][32];
    static struct hf_request requests[ITEMS];
    struct hf_fixture server;
    struct hf_raw raw;
    struct hf_frame frame;
    (void)state;

    start(&server, NULL);
    hf_raw_open(&raw, &server);
    for (int i = 0; i < FRAMES; i++) {
        for (int item = 0; item < ITEMS; item++) {
            (void)snprintf(ids[item], sizeof ids[item], "cart-%d-%d", i, item);
            requests[item] = (struct hf_request){.op = {.kind = HF_KIND_RESERVE,
                                                        .flags = HF_OP_TTL,
                                                        .id = hf_text_of(ids[item]),
                                                        .ttl_us = 200000,
                                                        .lines = &one_line,
                                                        .lines_count = 1}};
        }
        hf_raw_put(&raw, HF_KIND_RESERVE, requests, ITEMS);
    }
    assert_true(hf_raw_flush(&raw));
    for (int i = 0; i < FRAMES; i++) {
        assert_true(hf_raw_read(&raw, &frame));
        assert_int_equal(frame.count, ITEMS);
    }
    int64_t held = held_units(&server);
    while (held > 0) {
        const int64_t now_held = held_units(&server);
        assert_true(now_held <= held);
        held = now_held;
    }
    hf_raw_close(&raw);
    stop(&server);
}

/* ------------------------------------------------------------------ command line, configuration */

/* Run the program to its end; what it wrote to stdout and stderr goes to `output`. */
static int run(const char *const *arguments, char output[OUTPUT_BYTES])
{
    const char *program = getenv("HOLDFASTD");
    char *words[16] = {(char *)(uintptr_t) "holdfastd"};
    int pipes[2];
    size_t bytes_count = 0;
    int status = 0;

    for (int i = 0; arguments[i] != NULL; i++) {
        assert_true(i < 14);
        words[i + 1] = (char *)(uintptr_t)arguments[i];
    }
    assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
    (void)fflush(NULL);
    const pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        (void)dup2(pipes[1], STDOUT_FILENO);
        (void)dup2(pipes[1], STDERR_FILENO);
        (void)execv(program != NULL ? program : "build/holdfastd", words);
        _exit(127);
    }
    (void)close(pipes[1]);
    for (;;) {
        const ssize_t count = read(pipes[0], output + bytes_count, OUTPUT_BYTES - 1 - bytes_count);
        if (count <= 0) {
            break;
        }
        bytes_count += (size_t)count;
    }
    output[bytes_count] = '\0';
    (void)close(pipes[0]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static const struct wrong_row {
    const char *name;
    const char *arguments[4];
    const char *config; /* NULL: none; else a file with this text is given by --config */
    const char *want;   /* in what it says */
} wrong_rows[] = {
    {"an unknown option", {"--port", "1"}, NULL, "usage:"},
    {"an argument", {"start"}, NULL, "unexpected argument \"start\""},
    {"an option without its value", {"--data"}, NULL, "usage:"},
    {"an address without a port number", {"--listen", "127.0.0.1:x"}, NULL, "is not HOST:PORT"},
    {"a port above 65535", {"--listen", "127.0.0.1:65536"}, NULL, "is not HOST:PORT"},
    {"a durability that is none", {"--durability", "fast"}, NULL, "is not sync, interval:MS"},
    {"an interval of nothing", {"--durability", "interval:0"}, NULL, "is not sync, interval:MS"},
    {"an interval above a minute", {"--durability", "interval:60001"}, NULL, "is not sync"},
    {"a file that is not there",
     {"--config", "/nonexistent/holdfastd.conf"},
     NULL,
     "could not read configuration file \"/nonexistent/holdfastd.conf\""},
    {"a wrong section",
     {NULL},
     "[server]\n\n[serer]\nlisten = :1\n",
     "line 4: there is no section [serer]"},
    {"a wrong key",
     {NULL},
     "# comment\n[server]\nlisten = 127.0.0.1:0\nport = 1\n",
     "line 4: section [server] has no key \"port\""},
    {"a key outside of a section", {NULL}, "listen = 127.0.0.1:0\n", "line 1: there is no section"},
    {"a count that is none",
     {NULL},
     "[server]\nconnections_max = many\n",
     "line 2: connections_max: \"many\" is not a whole number"},
    {"a count below the range",
     {NULL},
     "[server]\nconnections_max = 0\n",
     "line 2: connections_max: 0 is not within 1 and 65536"},
    {"a count above the range", {NULL}, "[server]\nconnections_max = 65537\n", "line 2"},
    {"more references than names can tell apart",
     {NULL},
     "[engine]\nreferences_max = 1000000001\n",
     "references_max: 1000000001 is not within 1 and 1000000000"},
    {"more shipments than names can tell apart",
     {NULL},
     "[engine]\nreferences_max = 1000000000\nshipments_max = 1000000001\n",
     "line 3: shipments_max"},
    {"a size that is none", {NULL}, "[data]\nsegment_size = 256MB\n", "is not a size like 256MiB"},
    {"a size below the range",
     {NULL},
     "[data]\nsegment_size = 1MiB\n",
     "segment_size: 1MiB is not within 8MiB and 4GiB"},
    {"a duration that is none",
     {NULL},
     "[server]\nidle_timeout = 10\n",
     "is not a duration like 15m"},
    {"a line that is neither", {NULL}, "[server]\nlisten\n", "line 2: neither"},
    {"settings that do not go together",
     {NULL},
     "[server]\nframe_bytes_max = 1MiB\noperations_max = 16385\n",
     "operations_max: at most 16384"},
};

/* Exit code 2, and the reason is said. */
static void wrong_settings(void **state)
{
    char output[OUTPUT_BYTES];
    (void)state;

    for (size_t i = 0; i < sizeof wrong_rows / sizeof wrong_rows[0]; i++) {
        const struct wrong_row *row = &wrong_rows[i];
        char path[PATH_BYTES] = "";
        const char *arguments[8] = {row->arguments[0], row->arguments[1], NULL};
        if (row->config != NULL) {
            write_file(path, row->config);
            arguments[0] = "--config";
            arguments[1] = path;
        }
        const int code = run(arguments, output);
        if (code != 2 || strstr(output, row->want) == NULL) {
            fail_msg("%s: exit code %d, said: %s", row->name, code, output);
        }
        if (path[0] != '\0') {
            assert_non_null(strstr(output, path)); /* the file is named */
            (void)unlink(path);
        }
    }
}

/* What --print-config prints is read back, and printed again the same. */
static void printed_settings_are_settings(void **state)
{
    static const char *const first_arguments[] = {"--listen",       "[::1]:7", "--durability",
                                                  "interval:250",   "--data",  "some where",
                                                  "--print-config", NULL};
    char first[OUTPUT_BYTES];
    char second[OUTPUT_BYTES];
    char path[PATH_BYTES];
    (void)state;

    assert_int_equal(run(first_arguments, first), 0);
    assert_non_null(strstr(first, "listen = [::1]:7\n"));
    assert_non_null(strstr(first, "durability = interval:250\n"));
    assert_non_null(strstr(first, "directory = some where\n"));
    assert_non_null(strstr(first, "idle_timeout = 10m\n"));
    write_file(path, first);
    const char *const second_arguments[] = {"--print-config", "--config", path, NULL};
    assert_int_equal(run(second_arguments, second), 0);
    assert_string_equal(second, first);
    (void)unlink(path);

    const char *const version[] = {"--version", NULL};
    assert_int_equal(run(version, first), 0);
    assert_non_null(strstr(first, "holdfastd "));
    const char *const help[] = {"--help", NULL};
    assert_int_equal(run(help, first), 0);
    assert_non_null(strstr(first, "usage: holdfastd"));
}

/* A directory that another server owns, a port that is taken: exit code 1 with the reason. */
static void cannot_start(void **state)
{
    char output[OUTPUT_BYTES];
    struct hf_fixture server;
    char other[300];
    (void)state;

    start(&server, NULL);
    const char *const same_data[] = {"--data", server.data, "--listen", "127.0.0.1:0", NULL};
    assert_int_equal(run(same_data, output), 1);
    assert_non_null(strstr(output, "another process"));

    (void)snprintf(other, sizeof other, "%s/other", server.folder);
    const char *const same_port[] = {"--data", other, "--listen", server.address, NULL};
    assert_int_equal(run(same_port, output), 1);
    assert_non_null(strstr(output, "could not listen"));
    assert_non_null(strstr(output, "address already in use"));
    stop(&server);
}

/* Listening for the whole network without authentication is said aloud. */
static void warns_beyond_loopback(void **state)
{
    const char *const everywhere[] = {"--listen", "0.0.0.0:0", NULL};
    struct hf_fixture server;
    (void)state;

    assert_true(hf_fixture_start(&server, NULL));
    assert_int_equal(hf_fixture_stop(&server), 0);
    assert_false(hf_fixture_said(&server, "beyond loopback"));
    hf_fixture_release(&server);

    assert_true(hf_fixture_start(&server, everywhere));
    assert_int_equal(hf_fixture_stop(&server), 0);
    assert_true(hf_fixture_said(&server, "warning listening beyond loopback"));
    hf_fixture_release(&server);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(garbage),
        cmocka_unit_test(garbage_without_end),
        cmocka_unit_test(oversized),
        cmocka_unit_test(largest_frame),
        cmocka_unit_test(half_frames),
        cmocka_unit_test(gone_before_the_replies),
        cmocka_unit_test(sends_all_then_closes_its_half),
        cmocka_unit_test(asks_without_reading),
        cmocka_unit_test(too_many_connections),
        cmocka_unit_test(idle_connections_are_closed),
        cmocka_unit_test(stopped_under_load),
        cmocka_unit_test(killed_and_started_again),
        cmocka_unit_test(failing_log),
        cmocka_unit_test(mass_expiry),
        cmocka_unit_test(wrong_settings),
        cmocka_unit_test(printed_settings_are_settings),
        cmocka_unit_test(cannot_start),
        cmocka_unit_test(warns_beyond_loopback),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
