/*
 * client_calls.h - what tests of libholdfast do again and again: connect, build a small
 * operation, remember what callbacks were told, drive a handle until it is idle.
 */
#ifndef HF_TESTS_CLIENT_CALLS_H
#define HF_TESTS_CLIENT_CALLS_H

#include <stddef.h>
#include <stdint.h>

#include "net/holdfast.h"
#include "tests/lib/fake_server.h"

#define HF_CALLS_MAX 64

/* Connect to the fake; fails the test when that does not work. */
struct holdfast *hf_call_connect(const struct hf_fake *fake, struct holdfast_options options);

/* A reserve of one unit of PHONE@BERLIN. */
struct holdfast_op hf_call_reserve(const char *id);

/* What callbacks were told, in order: of each call the count and the first reply. */
struct hf_call_told {
    struct holdfast *hf;
    size_t calls;
    size_t counts[HF_CALLS_MAX];
    enum holdfast_outcome outcomes[HF_CALLS_MAX];
    uint64_t lsns[HF_CALLS_MAX];
};
/* A holdfast_replies_cb; `arg` is the struct hf_call_told. */
void hf_call_remember(void *arg, const struct holdfast_reply *replies, size_t count);

/* Wait and process until nothing is in flight, or the connection breaks. */
void hf_call_drive(struct holdfast *hf);

#endif
