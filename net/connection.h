/*
 * connection.h - one client: bytes in, frames executed in order, replies out when they are durable.
 *
 *     bytes --> in --> frame --> dispatch --> out  | sent | released |  waiting for the log  |
 *                        |                         ^ front           ^ gate 1    ^ gate 2    ^
 *                     hello first
 *
 *     NEW --hello--> SERVING --end of input, lost framing--> CLOSING --all sent--> CLOSED
 *                       '--subscribe--> FEEDING --end, too slow, gone--'
 *
 * Invariants:
 *     I1  frames execute in the order of their bytes, replies leave in that order; while a frame
 *         is a job (audit, snapshot), the frames behind it wait
 *     I2  no byte of a reply leaves before durable_lsn has reached its gate. Gates never fall
 *         along the queue, because the engine's LSN never does
 *     I3  lost framing is told once, after the replies to all frames before it; nothing is read
 *         after that
 *     I4  bounded (DESIGN.md P8): past limits.out_bytes_max of queued replies no frame is executed
 *         and reading is paused, until half of them have gone; `in` holds at most one frame and
 *         what one read brings
 *     I5  a connection that feeds executes nothing more; feed.h gives it frames while fewer than
 *         HF_FEED_OUT_BYTES_MAX are queued. Any byte that comes ends it
 *
 * Knows no socket: `struct hf_transport` is a table of functions that the libuv adapter
 * (server.h), a test or a simulator fills. Loop thread only. Not re-entrant: a transport must not
 * call the connection from inside its functions.
 */
#ifndef HF_NET_CONNECTION_H
#define HF_NET_CONNECTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/buffer.h"
#include "net/dispatch.h"

#define HF_CONNECTION_OUT_BYTES_MAX ((size_t)8 * 1024 * 1024)

struct hf_transport_ops {
    /*
     * Take bytes to send; returns how many were taken. When fewer than given, the transport calls
     * hf_connection_pump once it can take more, or ends the connection.
     */
    size_t (*send)(void *ctx, const unsigned char *bytes, size_t bytes_count);
    /* Stop, or go on, giving bytes to hf_connection_receive. */
    void (*pause)(void *ctx);
    void (*resume)(void *ctx);
    /* Nothing more will be sent: let the peer have all that was taken, then close. Called once. */
    void (*finish)(void *ctx);
};

struct hf_transport {
    const struct hf_transport_ops *ops;
    void *ctx;
};

struct hf_connection_limits {
    size_t out_bytes_max; /* queued replies past which no frame is executed */
};

enum hf_connection_state {
    HF_CONNECTION_NEW,     /* waits for the hello */
    HF_CONNECTION_SERVING, /* executes frames */
    HF_CONNECTION_FEEDING, /* subscribed: is told of events */
    HF_CONNECTION_CLOSING, /* executes nothing more; sends what is queued */
    HF_CONNECTION_CLOSED   /* finish was called */
};

struct hf_connection {
    enum hf_connection_state state;
    struct hf_dispatch *dispatch;
    struct hf_transport transport;
    struct hf_connection_limits limits;
    char name[HF_CODE_BYTES_MAX + 1]; /* of the hello, for logs; what is not a code is left out */
    enum hf_field framing_fault;      /* why framing was lost; HF_FIELD_NONE: it was not */
    uint64_t active_us;               /* monotonic; when bytes last came or went */
    bool has_fed;                     /* it is, or was, FEEDING */
    bool has_no_room;                 /* FEEDING: `out` took no more, though there was more */

    /* private */
    struct hf_buffer in;     /* bytes that are not executed yet */
    struct hf_buffer out;    /* replies that are not sent yet */
    struct hf_buffer gates;  /* struct gate: from where in `out` on must what be durable? */
    uint64_t sent_bytes;     /* of all replies ever; where `out` begins */
    uint64_t released_bytes; /* of all replies ever; may be sent */
    struct hf_job job;
    struct hf_subscriber subscriber;
    uint64_t taken_us; /* monotonic; when the transport last took bytes, or none were queued */
    bool is_stopping;  /* FEEDING: ends once it is even with the engine */
    bool is_full;      /* limits.out_bytes_max was reached, and half of it not yet */
    bool is_paused;    /* transport was told so */
    bool is_ended;     /* no more bytes will come */
};

/* `dispatch` must outlive the connection. */
void hf_connection_init(struct hf_connection *connection, struct hf_dispatch *dispatch,
                        const struct hf_transport *transport,
                        const struct hf_connection_limits *limits);
/* At any moment, also with a job open; replies that are not sent are lost. */
void hf_connection_release(struct hf_connection *connection);

/* Instead of serving: one error frame with `outcome` (PROTOCOL.md 2.2), then `finish`. */
void hf_connection_refuse(struct hf_connection *connection, enum hf_err outcome);

/* Bytes came. Executes the frames that are whole, and sends what may go. */
void hf_connection_receive(struct hf_connection *connection, const unsigned char *bytes,
                           size_t bytes_count);
/* No more bytes will come: the peer ended its side, or the server stops. What came is executed and
 * answered; half a frame is dropped; then `finish`. */
void hf_connection_end(struct hf_connection *connection);
/* The server stops. As hf_connection_end, but who follows the feed is given all that has happened
 * first. */
void hf_connection_stop(struct hf_connection *connection);
/* Something has changed outside: durable_lsn has grown, or the transport can take more. */
void hf_connection_pump(struct hf_connection *connection);

/* The open job can go on: call hf_connection_step, again and again while this is true. */
bool hf_connection_has_work(const struct hf_connection *connection);
void hf_connection_step(struct hf_connection *connection);

/* Replies wait for the log. */
bool hf_connection_waits_for_log(const struct hf_connection *connection);
/*
 * Nothing came, nothing went and nothing is awaited from the server's side for longer than
 * `idle_us`. A peer that does not read its replies is idle, too.
 */
bool hf_connection_is_idle(const struct hf_connection *connection, uint64_t idle_us);

/* FEEDING: a round of the feed has something to do for it now, without waiting for the tick. */
bool hf_connection_wants_round(struct hf_connection *connection);
/* Of a connection that has fed: bytes are queued, and for longer than `stall_us` none was taken. */
bool hf_connection_is_stalled(struct hf_connection *connection, uint64_t stall_us);
/* FEEDING: end the subscription with an error frame that carries `outcome` and the resume token. */
void hf_connection_end_feed(struct hf_connection *connection, enum hf_err outcome);

#endif
