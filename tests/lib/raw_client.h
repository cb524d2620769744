/*
 * raw_client.h - a client made of a socket and the codec, for tests that misbehave on purpose.
 *
 * libholdfast would not send half a frame, or a wrong checksum. Every wait ends: a server that is
 * silent for HF_RAW_TIMEOUT_S ends the test program.
 */
#ifndef HF_TESTS_RAW_CLIENT_H
#define HF_TESTS_RAW_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/buffer.h"
#include "net/codec.h"
#include "tests/lib/server_fixture.h"

#define HF_RAW_TIMEOUT_S 60

struct hf_raw {
    int fd; /* -1: closed */
    struct hf_buffer in;
    struct hf_buffer out; /* being built by hf_raw_put */
    size_t frame_bytes;   /* of the frame read last, still in `in` */
    uint64_t correlation; /* of the frame sent last */
    uint32_t handle_tag;
};

/* Connect, and no more. */
void hf_raw_connect(struct hf_raw *raw, const struct hf_fixture *server);
/* Connect, say hello and read the welcome. */
void hf_raw_open(struct hf_raw *raw, const struct hf_fixture *server);
void hf_raw_close(struct hf_raw *raw);

/* Add a frame to raw->out; the next correlation, counted from 1, is its own. */
void hf_raw_put(struct hf_raw *raw, unsigned operation, const struct hf_request *requests,
                uint32_t count);
/* A frame with an empty body. */
void hf_raw_put_empty(struct hf_raw *raw, unsigned operation);
/* Send raw->out. False: the server has closed. */
bool hf_raw_flush(struct hf_raw *raw);
bool hf_raw_send(struct hf_raw *raw, const void *bytes, size_t bytes_count);

/* The next frame; false: the server has closed. Valid until the next read. */
bool hf_raw_read(struct hf_raw *raw, struct hf_frame *frame);
/* The next frame's only item; the program ends when there is none. */
struct hf_reply hf_raw_reply(struct hf_raw *raw);
/* Send raw->out and read the reply's only item. */
struct hf_reply hf_raw_ask(struct hf_raw *raw);

#endif
