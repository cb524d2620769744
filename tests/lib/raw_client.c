#include "tests/lib/raw_client.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "engine/assert.h"

#define FRAME_BYTES_MAX ((size_t)HF_REPLY_FACTOR * HF_FRAME_BYTES_DEFAULT)
#define READ_BYTES 65536

void hf_raw_connect(struct hf_raw *raw, const struct hf_fixture *server)
{
    const struct timeval timeout = {.tv_sec = HF_RAW_TIMEOUT_S};
    *raw = (struct hf_raw){.fd = hf_fixture_connect(server)};
    HF_ASSERT(setsockopt(raw->fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout) == 0);
    HF_ASSERT(setsockopt(raw->fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout) == 0);
}

void hf_raw_open(struct hf_raw *raw, const struct hf_fixture *server)
{
    struct hf_welcome welcome;

    hf_raw_connect(raw, server);
    const struct hf_frame frame = {
        .operation = HF_ASK_HELLO, .count = 1, .correlation = ++raw->correlation};
    const size_t place = hf_frame_begin(&raw->out);
    hf_hello_put(&raw->out, hf_text_of("raw"));
    HF_ASSERT(hf_frame_end(&raw->out, place, &frame) == HF_OK);
    struct hf_reply reply = hf_raw_ask(raw);
    HF_ASSERT(reply.outcome == HF_OK);
    HF_ASSERT(hf_welcome_next(&reply.entries, &welcome) == HF_OK);
    raw->handle_tag = welcome.handle_tag;
}

void hf_raw_close(struct hf_raw *raw)
{
    if (raw->fd >= 0) {
        (void)close(raw->fd);
    }
    hf_buffer_release(&raw->in);
    hf_buffer_release(&raw->out);
    *raw = (struct hf_raw){.fd = -1};
}

static void end_frame(struct hf_raw *raw, size_t place, unsigned operation, uint32_t count)
{
    const struct hf_frame frame = {.operation = operation,
                                   .count = count,
                                   .handle_tag = raw->handle_tag,
                                   .correlation = ++raw->correlation};
    HF_ASSERT(hf_frame_end(&raw->out, place, &frame) == HF_OK);
}

void hf_raw_put(struct hf_raw *raw, unsigned operation, const struct hf_request *requests,
                uint32_t count)
{
    const size_t place = hf_frame_begin(&raw->out);
    for (uint32_t i = 0; i < count; i++) {
        HF_ASSERT(hf_request_put(&raw->out, operation, &requests[i]) == HF_OK);
    }
    end_frame(raw, place, operation, count);
}

void hf_raw_put_empty(struct hf_raw *raw, unsigned operation)
{
    end_frame(raw, hf_frame_begin(&raw->out), operation, 1);
}

bool hf_raw_send(struct hf_raw *raw, const void *bytes, size_t bytes_count)
{
    const unsigned char *p = bytes;
    while (bytes_count > 0) {
        const ssize_t sent = send(raw->fd, p, bytes_count, MSG_NOSIGNAL);
        if (sent < 0 && (errno == EPIPE || errno == ECONNRESET)) {
            return false;
        }
        HF_ASSERT(sent > 0); /* else the server is silent for too long */
        p += sent;
        bytes_count -= (size_t)sent;
    }
    return true;
}

bool hf_raw_flush(struct hf_raw *raw)
{
    const bool is_sent = hf_raw_send(raw, hf_buffer_front(&raw->out), hf_buffer_count(&raw->out));
    hf_buffer_clear(&raw->out);
    return is_sent;
}

bool hf_raw_read(struct hf_raw *raw, struct hf_frame *frame)
{
    hf_buffer_take(&raw->in, raw->frame_bytes);
    raw->frame_bytes = 0;
    for (;;) {
        size_t frame_bytes;
        enum hf_field fault;
        const size_t have = hf_buffer_count(&raw->in);
        const enum hf_err err =
            hf_frame_decode(hf_buffer_front(&raw->in), have, FRAME_BYTES_MAX,
                            HF_FRAME_REPLY | HF_FRAME_ERROR, frame, &frame_bytes, &fault);
        if (err == HF_OK) {
            HF_ASSERT((frame->flags & HF_FRAME_REPLY) != 0);
            raw->frame_bytes = frame_bytes;
            return true;
        }
        HF_ASSERT(err == HF_TRUNCATED); /* a server never breaks framing */
        unsigned char *room = hf_buffer_add(&raw->in, READ_BYTES);
        HF_ASSERT(room != NULL);
        const ssize_t count = recv(raw->fd, room, READ_BYTES, 0);
        hf_buffer_cut(&raw->in, have + (count > 0 ? (size_t)count : 0));
        if (count == 0 || (count < 0 && errno == ECONNRESET)) {
            return false;
        }
        HF_ASSERT(count > 0); /* else the server is silent for too long */
    }
}

struct hf_reply hf_raw_reply(struct hf_raw *raw)
{
    struct hf_frame frame;
    struct hf_reply reply;
    HF_ASSERT(hf_raw_read(raw, &frame));
    HF_ASSERT(frame.count == 1);
    struct hf_items body = hf_items_of(frame.body, frame.body_bytes);
    HF_ASSERT(hf_reply_next(&body, &reply) == HF_OK);
    return reply;
}

struct hf_reply hf_raw_ask(struct hf_raw *raw)
{
    HF_ASSERT(hf_raw_flush(raw));
    return hf_raw_reply(raw);
}
