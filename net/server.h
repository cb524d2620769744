/*
 * server.h - sockets and time for connections: the libuv adapter. Rules live elsewhere.
 *
 *     one turn of the loop:
 *         timers    due holds are released, idle connections closed
 *         prepare   what this turn appended is published to the log: once, for all connections
 *         poll      sockets are read, frames executed, replies queued (connection.h)
 *         async     the log has moved on: replies it covers leave, one write a connection
 *         idle      only while there is work in slices: audits, mass expiry, the change feed
 *
 * Writes are tried at once (one system call for all replies of a connection that may go); only
 * when the socket is full are bytes copied and left to libuv, one block at a time, and the
 * connection keeps the rest. Reading uses one buffer for all connections.
 *
 * Closing is gentle: after the last reply the sending half is shut down and what the peer still
 * sends is read and dropped, until it closes or HF_LINGER_US have passed. Closing with unread bytes
 * would make the kernel reset the connection and could take the last reply from the peer.
 *
 * The feed (feed.h) is served in rounds, at most one each HF_FEED_TICK_US while its subscribers are
 * even with the log: at once when it was quiet, else when the tick is over. While some are behind,
 * one round a turn, after the sockets of that turn.
 *
 * Stop: no new connections, nothing is read any more; frames that have come whole are executed,
 * published, waited for and answered; then every connection is closed and hf_server_run returns.
 *
 * Loop thread only, but for hf_server_wake. No globals: a process may run several servers.
 */
#ifndef HF_NET_SERVER_H
#define HF_NET_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/engine.h"
#include "net/clock.h"
#include "net/log.h"

#define HF_CONNECTIONS_MAX_DEFAULT 1024u
#define HF_CONNECTIONS_LIMIT 65536u
#define HF_IDLE_US_DEFAULT (UINT64_C(10) * 60 * 1000000)
#define HF_IDLE_US_MIN UINT64_C(100000)
#define HF_LINGER_US UINT64_C(1000000)
#define HF_STOP_US_DEFAULT (UINT64_C(10) * 1000000)
#define HF_REFUSALS_MAX 64u /* connections above the limit that are being told so */

struct hf_server_config {
    const char *host; /* an address, or a name that is looked up once */
    uint16_t port;    /* 0: the system chooses */
    uint32_t connections_max;
    uint32_t frame_bytes_max;   /* HF_FRAME_BYTES_MIN .. HF_FRAME_BYTES_LIMIT */
    uint32_t operations_max;    /* 1 .. hf_operations_max_of(frame_bytes_max) */
    uint64_t idle_us;           /* connections that are silent for longer are closed */
    uint64_t stop_us;           /* how long a stop waits for clients that do not read */
    uint32_t subscriptions_max; /* of the change feed */
    uint64_t feed_stall_us;     /* a subscriber that takes nothing for longer is ended */
    uint64_t export_bytes_max;  /* kept aside while an export reads; 0: HF_EXPORT_BYTES_DEFAULT */
};

/* One line for the operator's log; `level` is 'i' information, 'w' warning, 'e' error. */
struct hf_server_report {
    void *arg;
    void (*line)(void *arg, char level, const char *text);
};

struct hf_server;
struct uv_loop_s;

/*
 * A server that listens; nothing is accepted before hf_server_run. Engine, log, clock and report
 * must outlive it. NULL on failure, with a sentence in `error`.
 */
struct hf_server *hf_server_create(const struct hf_server_config *config, struct hf_engine *engine,
                                   const struct hf_log *log, const struct hf_clock *clock,
                                   const struct hf_server_report *report, char *error,
                                   size_t error_bytes);
/* After hf_server_run, or instead of it. Accepts NULL. */
void hf_server_free(struct hf_server *server);

/* Where it listens, "HOST:PORT" with numbers; and is that reachable from this machine only? */
const char *hf_server_address(const struct hf_server *server);
bool hf_server_is_loopback(const struct hf_server *server);

/* For the program's own handles (signals). They must be closed by the time of the stop's end, or
 * be unreferenced (uv_unref). */
struct uv_loop_s *hf_server_loop(struct hf_server *server);

/* Serve until a stop has ended. */
void hf_server_run(struct hf_server *server);
/* Begin a graceful stop. Again: no effect. */
void hf_server_stop(struct hf_server *server);

/* The log's durable LSN has moved, or a snapshot has ended. Any thread, any time before free. */
void hf_server_wake(struct hf_server *server);

#endif
