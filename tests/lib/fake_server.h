/*
 * fake_server.h - the other end of a connection, played by a script in a thread.
 *
 *     static void script(struct hf_fake *fake)        runs on the fake's thread
 *     {
 *         hf_fake_accept(fake, NULL);                 waits for the client and welcomes it
 *         hf_fake_read(fake, &frame);                 the next frame, whole
 *         hf_fake_answer(fake, &frame, 7);            every item: ok, lsn 7, 8, ...
 *     }
 *
 * What goes wrong on the thread is remembered and told by hf_fake_stop, because a failed assert
 * must not jump out of a thread. Test and script wait for each other with hf_fake_signal and
 * hf_fake_await: no sleeps.
 */
#ifndef HF_TESTS_FAKE_SERVER_H
#define HF_TESTS_FAKE_SERVER_H

#include <pthread.h>
#include <semaphore.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/buffer.h"
#include "net/codec.h"

struct hf_fake;
typedef void (*hf_fake_script_cb)(struct hf_fake *fake);

struct hf_fake {
    int listener;
    int fd; /* -1: nobody is connected */
    char address[32];
    pthread_t thread;
    hf_fake_script_cb script;
    sem_t to_script;
    sem_t to_test;
    struct hf_buffer in;
    struct hf_buffer out; /* for scripts that build replies */
    char failure[256];    /* empty: none */
};

/* What the fake says of itself; NULL to hf_fake_accept means these. */
struct hf_welcome hf_fake_welcome(void);

/* ---- the test's side */

void hf_fake_start(struct hf_fake *fake, hf_fake_script_cb script);
/* Wait for the script's end; fails the test when the script failed. */
void hf_fake_stop(struct hf_fake *fake);
void hf_fake_wait_for_script(struct hf_fake *fake);
void hf_fake_wake_script(struct hf_fake *fake);

/* ---- the script's side */

/* Accept a connection and answer its hello. */
void hf_fake_accept(struct hf_fake *fake, const struct hf_welcome *welcome);
/* Accept a connection and no more. */
void hf_fake_accept_silently(struct hf_fake *fake);
/* The next frame; its body is valid until the next read. False: the client has closed. */
bool hf_fake_read(struct hf_fake *fake, struct hf_frame *frame);
/* The same, of a question; its item is read into `request`, the lines into `lines`. */
void hf_fake_read_question(struct hf_fake *fake, unsigned operation, struct hf_frame *frame,
                           struct hf_request *request, struct hf_op_line *lines,
                           uint32_t lines_max);
/* The client is expected to close now. */
void hf_fake_expect_end(struct hf_fake *fake);
/* Answer each item of a write with ok and an LSN of its own, counted up from `lsn`. */
void hf_fake_answer(struct hf_fake *fake, const struct hf_frame *frame, uint64_t lsn);
/* Answer a question: items were put into fake->out behind hf_fake_begin. */
size_t hf_fake_begin(struct hf_fake *fake);
void hf_fake_end(struct hf_fake *fake, size_t place, const struct hf_frame *frame);
/* Send what is in fake->out. */
void hf_fake_send(struct hf_fake *fake);
void hf_fake_send_bytes(struct hf_fake *fake, const void *bytes, size_t bytes_count);
void hf_fake_hang_up(struct hf_fake *fake);
void hf_fake_wait_for_test(struct hf_fake *fake);
void hf_fake_wake_test(struct hf_fake *fake);
void hf_fake_check(struct hf_fake *fake, bool condition, const char *what);

#endif
