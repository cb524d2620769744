/*
 * listener.h - the listening socket: accepts connections, and waits when the system is short.
 *
 *     readable --> accept, at most HF_ACCEPTS_MAX in a turn --> accepted_cb(socket)
 *                     | no descriptors, no memory
 *                     '--> rests for HF_ACCEPT_REST_MS, then looks again
 *
 * While it rests, who wants in waits in the system's queue: those who are in are served as before,
 * and the shortage costs one attempt in a tenth of a second. It is told once a minute at most.
 *
 * Set aside: uv_listen. When descriptors run out it closes whom it cannot keep with the help of
 * one that it holds back, tells nobody, and once another thread has taken that one it tries for
 * ever without leaving its loop.
 *
 * Loop thread only.
 */
#ifndef HF_NET_LISTENER_H
#define HF_NET_LISTENER_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#define HF_ACCEPTS_MAX 64u
#define HF_ACCEPT_REST_MS 100u
#define HF_ACCEPT_TOLD_MS 60000u

struct hf_listener_ops {
    /* `socket` is the callee's: it is to be closed. */
    void (*accepted)(void *ctx, int socket);
    /* One line for the operator's log. */
    void (*report)(void *ctx, char level, const char *text);
};

struct hf_listener {
    uv_poll_t poll;
    uv_timer_t rest;
    int socket;
    bool is_open;
    uint64_t told_ms; /* of the loop's clock; 0: nothing was told yet */
    const struct hf_listener_ops *ops;
    void *ctx;
};

/*
 * Listen at `address`; where the port is 0, the system's choice is put there. 0, or a negative
 * errno, after which nothing is open. `ops` must outlive it.
 */
int hf_listener_open(struct hf_listener *listener, uv_loop_t *loop,
                     struct sockaddr_storage *address, const struct hf_listener_ops *ops,
                     void *ctx);
/* Accept nothing more; its handles are gone after a turn of the loop. Accepts a closed, or zeroed,
 * listener. */
void hf_listener_close(struct hf_listener *listener);
/* Tell the operator that somebody could not be let in, once a minute at most. */
void hf_listener_tell_short(struct hf_listener *listener, const char *why);

#endif
