#include "tests/lib/fake_server.h"

#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

void hf_fake_check(struct hf_fake *fake, bool condition, const char *what)
{
    if (!condition && fake->failure[0] == '\0') {
        (void)snprintf(fake->failure, sizeof fake->failure, "%s", what);
    }
}

struct hf_welcome hf_fake_welcome(void)
{
    return (struct hf_welcome){
        .directory_id = "fifteen letters",
        .epoch = 3,
        .handle_tag = 77,
        .frame_bytes_max = 1024 * 1024,
        .operations_max = 1024,
        .time_us = 1700000000000000,
        .version = hf_text_of("9.8.7"),
    };
}

/* ------------------------------------------------------------------ the test's side */

static void *run(void *arg)
{
    struct hf_fake *fake = arg;
    fake->script(fake);
    hf_fake_hang_up(fake);
    return NULL;
}

void hf_fake_start(struct hf_fake *fake, hf_fake_script_cb script)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t address_bytes = sizeof address;

    memset(fake, 0, sizeof *fake);
    fake->fd = -1;
    fake->script = script;
    assert_int_equal(sem_init(&fake->to_script, 0, 0), 0);
    assert_int_equal(sem_init(&fake->to_test, 0, 0), 0);
    fake->listener = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(fake->listener >= 0);
    assert_int_equal(bind(fake->listener, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(fake->listener, 8), 0);
    assert_int_equal(getsockname(fake->listener, (struct sockaddr *)&address, &address_bytes), 0);
    (void)snprintf(fake->address, sizeof fake->address, "127.0.0.1:%u", ntohs(address.sin_port));
    assert_int_equal(pthread_create(&fake->thread, NULL, run, fake), 0);
}

void hf_fake_stop(struct hf_fake *fake)
{
    assert_int_equal(pthread_join(fake->thread, NULL), 0);
    (void)close(fake->listener);
    hf_buffer_release(&fake->in);
    hf_buffer_release(&fake->out);
    assert_int_equal(sem_destroy(&fake->to_script), 0);
    assert_int_equal(sem_destroy(&fake->to_test), 0);
    assert_string_equal(fake->failure, "");
}

static void wait_for(sem_t *semaphore)
{
    while (sem_wait(semaphore) != 0 && errno == EINTR) {
    }
}

void hf_fake_wait_for_script(struct hf_fake *fake)
{
    wait_for(&fake->to_test);
}

void hf_fake_wake_script(struct hf_fake *fake)
{
    (void)sem_post(&fake->to_script);
}

/* ------------------------------------------------------------------ the script's side */

void hf_fake_wait_for_test(struct hf_fake *fake)
{
    wait_for(&fake->to_script);
}

void hf_fake_wake_test(struct hf_fake *fake)
{
    (void)sem_post(&fake->to_test);
}

void hf_fake_accept_silently(struct hf_fake *fake)
{
    const int on = 1;
    fake->fd = accept(fake->listener, NULL, NULL);
    hf_fake_check(fake, fake->fd >= 0, "accept failed");
    (void)setsockopt(fake->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    hf_buffer_clear(&fake->in);
    hf_buffer_clear(&fake->out);
}

void hf_fake_accept(struct hf_fake *fake, const struct hf_welcome *welcome)
{
    const struct hf_welcome usual = hf_fake_welcome();
    struct hf_frame frame;

    hf_fake_accept_silently(fake);
    if (!hf_fake_read(fake, &frame)) {
        hf_fake_check(fake, false, "no hello came");
        return;
    }
    hf_fake_check(fake, frame.operation == HF_ASK_HELLO, "the first frame is not a hello");
    const size_t place = hf_fake_begin(fake);
    const size_t item = hf_reply_begin(&fake->out);
    hf_welcome_put(&fake->out, welcome == NULL ? &usual : welcome);
    hf_reply_end(&fake->out, item,
                 &(struct hf_reply){.entries_count = 1, .line_index = UINT32_MAX});
    hf_fake_end(fake, place, &frame);
    hf_fake_send(fake);
}

bool hf_fake_read(struct hf_fake *fake, struct hf_frame *frame)
{
    size_t frame_bytes = 0;
    enum hf_field fault;
    for (;;) {
        const enum hf_err err =
            hf_frame_decode(hf_buffer_front(&fake->in), hf_buffer_count(&fake->in),
                            HF_FRAME_BYTES_DEFAULT, 0, frame, &frame_bytes, &fault);
        if (err == HF_OK) {
            hf_buffer_take(&fake->in, frame_bytes); /* the bytes stay until something is added */
            return true;
        }
        if (err != HF_TRUNCATED) {
            hf_fake_check(fake, false, "the client sent something that is no frame");
            return false;
        }
        unsigned char room[65536];
        const ssize_t count = recv(fake->fd, room, sizeof room, 0);
        if (count <= 0) {
            return false;
        }
        (void)hf_buffer_append(&fake->in, room, (size_t)count);
    }
}

void hf_fake_read_question(struct hf_fake *fake, unsigned operation, struct hf_frame *frame,
                           struct hf_request *request, struct hf_op_line *lines, uint32_t lines_max)
{
    enum hf_field field;
    uint32_t line_index;

    *request = (struct hf_request){0};
    if (!hf_fake_read(fake, frame)) {
        hf_fake_check(fake, false, "a question did not come");
        return;
    }
    hf_fake_check(fake, frame->operation == operation, "another question came");
    struct hf_items body = hf_items_of(frame->body, frame->body_bytes);
    bool has_rest;
    hf_fake_check(fake,
                  hf_request_scan(body, 1, &has_rest) == 1 &&
                      hf_request_next(&body, operation, lines, lines_max, request, &field,
                                      &line_index) == HF_OK,
                  "the question cannot be read");
}

void hf_fake_expect_end(struct hf_fake *fake)
{
    char byte;
    hf_fake_check(fake, hf_buffer_count(&fake->in) == 0, "the client sent more than expected");
    hf_fake_check(fake, recv(fake->fd, &byte, 1, 0) <= 0, "the client did not close");
}

size_t hf_fake_begin(struct hf_fake *fake)
{
    return hf_frame_begin(&fake->out);
}

void hf_fake_end(struct hf_fake *fake, size_t place, const struct hf_frame *frame)
{
    const struct hf_frame reply = {.operation = frame->operation,
                                   .flags = HF_FRAME_REPLY,
                                   .count = frame->count,
                                   .correlation = frame->correlation};
    hf_fake_check(fake, hf_frame_end(&fake->out, place, &reply) == HF_OK, "out of memory");
}

void hf_fake_answer(struct hf_fake *fake, const struct hf_frame *frame, uint64_t lsn)
{
    const size_t place = hf_fake_begin(fake);
    for (uint32_t i = 0; i < frame->count; i++) {
        const struct hf_result result = {.outcome = HF_OK, .lsn = lsn + i};
        hf_reply_put_result(&fake->out, &result);
    }
    hf_fake_end(fake, place, frame);
    hf_fake_send(fake);
}

void hf_fake_send_bytes(struct hf_fake *fake, const void *bytes, size_t bytes_count)
{
    const unsigned char *p = bytes;
    while (bytes_count > 0) {
        const ssize_t sent = send(fake->fd, p, bytes_count, MSG_NOSIGNAL);
        if (sent <= 0) {
            hf_fake_check(fake, false, "the client took no more bytes");
            return;
        }
        p += sent;
        bytes_count -= (size_t)sent;
    }
}

void hf_fake_send(struct hf_fake *fake)
{
    hf_fake_send_bytes(fake, hf_buffer_front(&fake->out), hf_buffer_count(&fake->out));
    hf_buffer_clear(&fake->out);
}

void hf_fake_hang_up(struct hf_fake *fake)
{
    if (fake->fd >= 0) {
        (void)close(fake->fd);
        fake->fd = -1;
    }
}
