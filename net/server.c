#include "net/server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#include "engine/assert.h"
#include "net/address.h"
#include "net/connection.h"
#include "net/dispatch.h"
#include "net/feed.h"
#include "net/listener.h"
#include "net/notice.h"

#define READ_BYTES ((size_t)256 * 1024)
#define WRITE_BYTES ((size_t)256 * 1024) /* copied when a socket is full */
#define SWEEP_MS_MAX 500u
#define EXPIRY_MS_MAX (UINT64_C(60) * 60 * 1000) /* look again: the wall clock may be set */
#define EXPIRY_RETRY_MS 5u                       /* holds are due but the ledger ring is full */
#define EXPIRY_READ_ONLY_MS 250u                 /* ... but the log takes no writes */

struct client {
    uv_tcp_t tcp; /* first: libuv's handle is the client */
    struct hf_server *server;
    struct hf_connection connection;
    struct client *next, *previous;           /* all */
    struct client *next_busy, *previous_busy; /* those that wait for the log, or have a job */
    bool is_busy;
    struct client *next_resting; /* those whose reading goes on in the next turn */
    bool is_resting;
    bool is_refused; /* accepted only to be told that there are too many */
    bool is_reading;
    bool is_finishing; /* nothing more will be sent; what comes is dropped */
    bool is_eof;       /* the peer will send nothing more */
    bool is_closing;   /* uv_close was called */
    bool is_follower;  /* it has subscribed, and its send buffer is that of one */
    uint64_t finishing_us;

    uv_write_t write;
    uv_shutdown_t shutdown;
    unsigned char *block; /* being written by libuv; NULL: none */
};

struct hf_server {
    uv_loop_t loop;
    struct hf_listener listener;
    uv_prepare_t prepare;
    uv_idle_t idle;
    uv_async_t async;
    uv_timer_t expiry;
    uv_timer_t sweep;
    uv_timer_t tick; /* the next round of the feed */

    struct hf_server_config config;
    struct hf_dispatch dispatch;
    struct hf_feed feed;
    const struct hf_log *log;
    const struct hf_clock *clock;
    struct hf_server_report report;

    struct client *clients;
    struct client *busy;
    struct client *resting;
    uint32_t refusals_count;
    bool is_refusal_told;      /* in the operator's log, since a connection was last accepted */
    struct hf_notices notices; /* about clients */
    uint64_t published_lsn;
    uint64_t expiry_deadline_us; /* what the timer is set to; UINT64_MAX: not set */
    uint64_t fed_us;             /* monotonic; when the feed's last round for everyone began */
    bool wants_round;            /* of the feed */
    bool wants_whole_round;      /* for everyone */
    bool has_expiries;           /* more holds are due than one step releases */
    bool is_stopping;
    bool is_stopped; /* the server's own handles are being closed */
    uint64_t stopping_us;
    unsigned char *read_bytes;
    unsigned char *spare_block; /* WRITE_BYTES, kept between writes; NULL: none */
    char address[HF_ADDRESS_LINE_BYTES];
    bool is_loopback;
};

static uint64_t monotonic_us(const struct hf_server *server)
{
    return server->clock->monotonic_us(server->clock->ctx);
}

static void report(const struct hf_server *server, char level, const char *text)
{
    server->report.line(server->report.arg, level, text);
}

static void report_client(const struct client *client, char level, const char *text)
{
    hf_notice(&client->server->notices, &client->tcp, client->connection.name, level, text);
}

/* ------------------------------------------------------------------ lists of clients */

static void mark_busy(struct client *client, bool is_busy)
{
    struct hf_server *server = client->server;
    if (client->is_busy == is_busy) {
        return;
    }
    client->is_busy = is_busy;
    if (is_busy) {
        client->previous_busy = NULL;
        client->next_busy = server->busy;
        if (server->busy != NULL) {
            server->busy->previous_busy = client;
        }
        server->busy = client;
        return;
    }
    if (client->previous_busy != NULL) {
        client->previous_busy->next_busy = client->next_busy;
    } else {
        server->busy = client->next_busy;
    }
    if (client->next_busy != NULL) {
        client->next_busy->previous_busy = client->previous_busy;
    }
}

static void leave_resting(struct client *client)
{
    struct client **at = &client->server->resting;
    if (!client->is_resting) {
        return;
    }
    while (*at != client) {
        at = &(*at)->next_resting;
    }
    *at = client->next_resting;
    client->is_resting = false;
}

static void link_client(struct client *client)
{
    struct hf_server *server = client->server;
    client->next = server->clients;
    if (server->clients != NULL) {
        server->clients->previous = client;
    }
    server->clients = client;
    if (client->is_refused) {
        server->refusals_count++;
    } else {
        server->dispatch.connections_count++;
    }
}

static void unlink_client(struct client *client)
{
    struct hf_server *server = client->server;
    mark_busy(client, false);
    leave_resting(client);
    if (client->previous != NULL) {
        client->previous->next = client->next;
    } else {
        server->clients = client->next;
    }
    if (client->next != NULL) {
        client->next->previous = client->previous;
    }
    if (client->is_refused) {
        server->refusals_count--;
    } else {
        server->dispatch.connections_count--;
    }
}

/* ------------------------------------------------------------------ a client's end */

static void close_server_handles(struct hf_server *server);

static void client_closed_cb(uv_handle_t *handle)
{
    struct client *client = (struct client *)handle;
    struct hf_server *server = client->server;

    hf_connection_release(&client->connection);
    free(client->block);
    free(client);
    if (server->is_stopping && server->clients == NULL) {
        close_server_handles(server);
    }
}

/* Close at once. The client is freed on a later turn: callers may go on using it in this one. */
static void close_client(struct client *client)
{
    if (client->is_closing) {
        return;
    }
    client->is_closing = true;
    unlink_client(client);
    uv_close((uv_handle_t *)&client->tcp, client_closed_cb);
}

static void start_reading(struct client *client);

static void shutdown_cb(uv_shutdown_t *request, int status)
{
    struct client *client = request->data;
    if (status < 0 || client->is_eof) {
        close_client(client);
    }
}

/* ------------------------------------------------------------------ transport */

static void wrote_cb(uv_write_t *request, int status);

/* Leave as much as a block holds to libuv. Returns the bytes taken. */
static size_t write_later(struct client *client, const unsigned char *bytes, size_t bytes_count)
{
    struct hf_server *server = client->server;
    const size_t taken = bytes_count < WRITE_BYTES ? bytes_count : WRITE_BYTES;

    client->block = server->spare_block != NULL ? server->spare_block : malloc(WRITE_BYTES);
    server->spare_block = NULL;
    if (client->block == NULL) {
        report_client(client, 'w', "closed: no memory to write to it");
        close_client(client);
        return 0;
    }
    memcpy(client->block, bytes, taken);
    const uv_buf_t buffer = uv_buf_init((char *)client->block, (unsigned)taken);
    client->write.data = client;
    if (uv_write(&client->write, (uv_stream_t *)&client->tcp, &buffer, 1, wrote_cb) != 0) {
        close_client(client);
        return 0;
    }
    return taken;
}

static size_t transport_send(void *ctx, const unsigned char *bytes, size_t bytes_count)
{
    struct client *client = ctx;
    if (client->is_closing || client->block != NULL) {
        return 0;
    }
    const size_t tried = bytes_count < INT32_MAX ? bytes_count : INT32_MAX;
    const uv_buf_t buffer = uv_buf_init((char *)(uintptr_t)bytes, (unsigned)tried);
    const int written = uv_try_write((uv_stream_t *)&client->tcp, &buffer, 1);
    if (written < 0 && written != UV_EAGAIN) {
        close_client(client); /* the peer has gone */
        return 0;
    }
    const size_t taken = written < 0 ? 0 : (size_t)written;
    if (taken == bytes_count) {
        return taken;
    }
    return taken + write_later(client, bytes + taken, bytes_count - taken);
}

static void transport_pause(void *ctx)
{
    struct client *client = ctx;
    if (client->is_reading && !client->is_closing) {
        client->is_reading = false;
        (void)uv_read_stop((uv_stream_t *)&client->tcp);
    }
}

static void transport_resume(void *ctx)
{
    start_reading(ctx);
}

static void transport_finish(void *ctx)
{
    struct client *client = ctx;
    if (client->is_closing) {
        return;
    }
    client->is_finishing = true;
    client->finishing_us = monotonic_us(client->server);
    client->shutdown.data = client;
    if (uv_shutdown(&client->shutdown, (uv_stream_t *)&client->tcp, shutdown_cb) != 0) {
        close_client(client);
        return;
    }
    start_reading(client); /* to drop what comes, up to the peer's end */
}

static const struct hf_transport_ops transport_ops = {
    .send = transport_send,
    .pause = transport_pause,
    .resume = transport_resume,
    .finish = transport_finish,
};

/* After anything has happened to a connection: what does it wait for now? */
static void settle(struct client *client)
{
    if (client->is_closing) {
        return;
    }
    if (client->connection.framing_fault != HF_FIELD_NONE && !client->is_refused) {
        char text[96];
        (void)snprintf(text, sizeof text, "closed: framing is lost, wrong %s",
                       hf_field_name(client->connection.framing_fault));
        client->connection.framing_fault = HF_FIELD_NONE;
        report_client(client, 'w', text);
    }
    mark_busy(client, hf_connection_waits_for_log(&client->connection) ||
                          client->connection.job.operation != 0);
}

static void idle_cb(uv_idle_t *idle);

/* Slices of work are done in turns of a loop that does not sleep meanwhile. */
static void start_work(struct hf_server *server)
{
    if (!server->is_stopped && !uv_is_active((uv_handle_t *)&server->idle)) {
        (void)uv_idle_start(&server->idle, idle_cb);
    }
}

static void want_round(struct hf_server *server)
{
    server->wants_round = true;
    start_work(server);
}

static void want_whole_round(struct hf_server *server)
{
    server->wants_whole_round = true;
    want_round(server);
}

static void feed_arrived_cb(void *arg)
{
    want_whole_round(arg);
}

/*
 * Somebody may be told something, or has room for more. What the system keeps for a follower is
 * bounded: else it would take megabytes before it says that there is no room, and then say so for
 * as long as a steady but slow reader needs for them, which looks as if it took nothing.
 */
static void look_after_feed(struct client *client)
{
    int bytes_count = HF_FEED_SEND_BYTES;

    if (client->connection.state != HF_CONNECTION_FEEDING) {
        return;
    }
    if (!client->is_follower) {
        client->is_follower = true;
        (void)uv_send_buffer_size((uv_handle_t *)&client->tcp, &bytes_count);
    }
    if (hf_connection_wants_round(&client->connection)) {
        want_round(client->server);
    }
}

static void wrote_cb(uv_write_t *request, int status)
{
    struct client *client = request->data;
    struct hf_server *server = client->server;

    if (server->spare_block == NULL) {
        server->spare_block = client->block;
    } else {
        free(client->block);
    }
    client->block = NULL;
    if (client->is_closing) {
        return;
    }
    if (status < 0) {
        close_client(client);
        return;
    }
    hf_connection_pump(&client->connection);
    settle(client);
    look_after_feed(client);
}

/* ------------------------------------------------------------------ reading */

static void alloc_cb(uv_handle_t *handle, size_t suggested_bytes, uv_buf_t *buffer)
{
    const struct client *client = (struct client *)handle;
    (void)suggested_bytes;
    /* libuv reads and calls read_cb before it asks again, so one buffer serves all. */
    *buffer = uv_buf_init((char *)client->server->read_bytes, READ_BYTES);
}

/*
 * A client that fills the whole buffer has more to say. libuv would go on reading from it; the
 * others come first, and it goes on in the next turn.
 */
static void rest(struct client *client)
{
    if (client->is_reading && !client->is_closing) {
        transport_pause(client);
        client->is_resting = true;
        client->next_resting = client->server->resting;
        client->server->resting = client;
    }
}

static void end_rests(struct hf_server *server)
{
    while (server->resting != NULL) {
        struct client *client = server->resting;
        leave_resting(client);
        if (client->is_finishing ||
            (!client->connection.is_paused && !client->connection.is_ended)) {
            start_reading(client);
        }
    }
}

static void read_cb(uv_stream_t *stream, ssize_t count, const uv_buf_t *buffer)
{
    struct client *client = (struct client *)stream;

    if (count == 0) {
        return;
    }
    if (count > 0) {
        if (!client->is_finishing) {
            hf_connection_receive(&client->connection, (const unsigned char *)buffer->base,
                                  (size_t)count);
        }
    } else if (count == UV_EOF) {
        client->is_eof = true;
        client->is_reading = false;
        (void)uv_read_stop(stream);
        if (client->is_finishing) {
            close_client(client);
        } else {
            hf_connection_end(&client->connection);
        }
    } else {
        close_client(client);
    }
    if (count == (ssize_t)READ_BYTES) {
        rest(client);
    }
    settle(client);
    if (!client->is_closing && hf_connection_has_work(&client->connection)) {
        start_work(client->server);
    }
    look_after_feed(client);
}

static void start_reading(struct client *client)
{
    if (client->is_reading || client->is_eof || client->is_closing) {
        return;
    }
    leave_resting(client);
    client->is_reading = true;
    if (uv_read_start((uv_stream_t *)&client->tcp, alloc_cb, read_cb) != 0) {
        close_client(client);
    }
}

/* ------------------------------------------------------------------ accepting */

static void accepted(void *ctx, int socket)
{
    struct hf_server *server = ctx;
    struct client *client = calloc(1, sizeof *client);

    if (client == NULL) {
        hf_listener_tell_short(&server->listener, uv_strerror(UV_ENOMEM));
        (void)close(socket); /* nothing was read or written */
        return;
    }
    const struct hf_transport transport = {&transport_ops, client};
    const struct hf_connection_limits limits = {HF_CONNECTION_OUT_BYTES_MAX};

    client->server = server;
    client->is_refused = server->dispatch.connections_count >= server->config.connections_max;
    hf_connection_init(&client->connection, &server->dispatch, &transport, &limits);
    (void)uv_tcp_init(&server->loop, &client->tcp);
    link_client(client);
    if (uv_tcp_open(&client->tcp, socket) != 0) {
        (void)close(socket);
        close_client(client);
        return;
    }
    (void)uv_tcp_nodelay(&client->tcp, 1);
    if (!client->is_refused) {
        server->is_refusal_told = false;
        start_reading(client);
        return;
    }
    if (!server->is_refusal_told) {
        server->is_refusal_told = true; /* once: a flood must not fill the log, too */
        report_client(client, 'w', "refused: connections_max is reached");
    }
    if (server->refusals_count > HF_REFUSALS_MAX) {
        close_client(client);
    } else {
        hf_connection_refuse(&client->connection, HF_BUSY);
    }
}

/* ------------------------------------------------------------------ phases of a turn */

static void step_busy(struct hf_server *server, bool *has_work)
{
    struct client *next = NULL;

    *has_work = false;
    for (struct client *client = server->busy; client != NULL; client = next) {
        next = client->next_busy;
        if (hf_connection_has_work(&client->connection)) {
            hf_connection_step(&client->connection);
        }
        hf_connection_pump(&client->connection);
        settle(client);
        *has_work |= !client->is_closing && hf_connection_has_work(&client->connection);
    }
}

static void run_round(struct hf_server *server)
{
    const bool everyone = server->wants_whole_round;

    if (everyone) {
        (void)uv_timer_stop(&server->tick);
        server->fed_us = monotonic_us(server);
        server->wants_whole_round = false;
    }
    server->wants_round = hf_feed_round(&server->feed, everyone);
}

static void tick_cb(uv_timer_t *timer)
{
    want_whole_round(timer->data);
}

/* The log has moved on: who follows is told at once when it was quiet, else in time. */
static void set_tick(struct hf_server *server)
{
    if (server->feed.subscribers_count == 0 || server->wants_whole_round ||
        uv_is_active((uv_handle_t *)&server->tick)) {
        return;
    }
    const uint64_t passed_us = monotonic_us(server) - server->fed_us;
    if (passed_us >= HF_FEED_TICK_US) {
        want_whole_round(server);
        return;
    }
    uv_update_time(&server->loop);
    (void)uv_timer_start(&server->tick, tick_cb, (HF_FEED_TICK_US - passed_us) / 1000 + 1, 0);
}

static void async_cb(uv_async_t *async)
{
    struct hf_server *server = async->data;
    bool has_work;

    /* Also when nobody waits: a log that has failed makes itself known in this call. */
    (void)server->log->ops->durable_lsn(server->log->ctx);
    step_busy(server, &has_work);
    if (has_work) {
        start_work(server);
    }
    set_tick(server);
}

static void idle_cb(uv_idle_t *idle)
{
    struct hf_server *server = idle->data;
    bool has_work;

    if (server->has_expiries) {
        server->has_expiries = hf_dispatch_expire(&server->dispatch);
    }
    step_busy(server, &has_work);
    if (server->wants_round) {
        run_round(server);
    }
    if (!has_work && !server->has_expiries && !server->wants_round) {
        (void)uv_idle_stop(idle);
    }
}

static void expiry_cb(uv_timer_t *timer)
{
    struct hf_server *server = timer->data;

    server->expiry_deadline_us = UINT64_MAX;
    server->has_expiries = hf_dispatch_expire(&server->dispatch);
    if (server->has_expiries) {
        start_work(server);
    }
}

/* Set the timer to the deadline of the hold that ends next. */
static void set_expiry(struct hf_server *server)
{
    const uint64_t deadline_us = hf_engine_next_deadline_us(server->dispatch.engine);
    if (deadline_us == server->expiry_deadline_us) {
        return;
    }
    server->expiry_deadline_us = deadline_us;
    if (deadline_us == UINT64_MAX) {
        (void)uv_timer_stop(&server->expiry);
        return;
    }
    const uint64_t now_us = server->clock->now_us(server->clock->ctx);
    uint64_t wait_ms = EXPIRY_RETRY_MS;
    if (deadline_us > now_us) {
        wait_ms = (deadline_us - now_us) / 1000 + 1;
    } else if (server->log->ops->writable(server->log->ctx) != HF_OK) {
        wait_ms = EXPIRY_READ_ONLY_MS;
    }
    if (wait_ms > EXPIRY_MS_MAX) {
        wait_ms = EXPIRY_MS_MAX;
    }
    uv_update_time(&server->loop);
    (void)uv_timer_start(&server->expiry, expiry_cb, wait_ms, 0);
}

static void prepare_cb(uv_prepare_t *prepare)
{
    struct hf_server *server = prepare->data;
    const uint64_t lsn = hf_engine_lsn(server->dispatch.engine);

    if (lsn != server->published_lsn) {
        server->published_lsn = lsn;
        server->log->ops->publish(server->log->ctx, lsn);
    }
    set_expiry(server);
    end_rests(server);
}

static void sweep_client(struct client *client)
{
    struct hf_server *server = client->server;

    if (client->is_finishing) {
        if (monotonic_us(server) - client->finishing_us > HF_LINGER_US) {
            close_client(client);
        }
        return;
    }
    const uint64_t stall_us = server->is_stopping ? HF_LINGER_US : server->config.feed_stall_us;
    if (hf_connection_is_stalled(&client->connection, stall_us)) {
        if (client->connection.state == HF_CONNECTION_FEEDING && !server->is_stopping) {
            report_client(client, 'w', "its subscription is ended: it takes nothing");
            hf_connection_end_feed(&client->connection, HF_BUSY);
        } else {
            close_client(client);
        }
        return;
    }
    if (hf_connection_is_idle(&client->connection, server->config.idle_us)) {
        const struct hf_connection *connection = &client->connection;
        report_client(client, 'i',
                      connection->released_bytes > connection->sent_bytes
                          ? "closed: it does not read its replies"
                      : hf_buffer_count(&connection->in) > 0
                          ? "closed: idle for too long, in the middle of a frame"
                          : "closed: idle for too long");
        close_client(client);
    }
}

static void sweep_cb(uv_timer_t *timer)
{
    struct hf_server *server = timer->data;
    const bool is_over =
        server->is_stopping && monotonic_us(server) - server->stopping_us > server->config.stop_us;
    struct client *next = NULL;

    for (struct client *client = server->clients; client != NULL; client = next) {
        next = client->next;
        if (is_over) {
            report_client(client, 'w',
                          "closed: it does not read its replies, and the server stops");
            close_client(client);
        } else {
            sweep_client(client);
        }
    }
    hf_notices_renew(&server->notices, monotonic_us(server));
    if (server->feed.subscribers_count > 0) {
        want_whole_round(server); /* tokens move on, and lines are kept alive */
    }
}

/* ------------------------------------------------------------------ life cycle */

static void close_handle(void *handle)
{
    if (!uv_is_closing(handle)) {
        uv_close(handle, NULL);
    }
}

static void close_server_handles(struct hf_server *server)
{
    if (server->is_stopped) {
        return;
    }
    server->is_stopped = true;
    hf_listener_close(&server->listener);
    close_handle(&server->prepare);
    close_handle(&server->idle);
    close_handle(&server->expiry);
    close_handle(&server->sweep);
    close_handle(&server->tick);
    /* Other threads may wake the server until it is freed: the handle stays, without keeping the
     * loop alive. */
    uv_unref((uv_handle_t *)&server->async);
}

void hf_server_stop(struct hf_server *server)
{
    struct client *next = NULL;

    if (server->is_stopping) {
        return;
    }
    server->is_stopping = true;
    server->stopping_us = monotonic_us(server);
    hf_listener_close(&server->listener);
    for (struct client *client = server->clients; client != NULL; client = next) {
        next = client->next;
        if (!client->is_finishing) {
            transport_pause(client);
            hf_connection_stop(&client->connection);
            settle(client);
            look_after_feed(client);
        }
    }
    if (server->clients == NULL) {
        close_server_handles(server);
    }
}

static void report_listener(void *ctx, char level, const char *text)
{
    report(ctx, level, text);
}

static const struct hf_listener_ops listener_ops = {.accepted = accepted,
                                                    .report = report_listener};

/* Bind and listen, and remember where. 0, or libuv's error. */
static int listen_at(struct hf_server *server)
{
    struct sockaddr_storage address = {0};

    if (!hf_address_find(server->config.host, server->config.port, &address)) {
        return UV_EADDRNOTAVAIL;
    }
    const int status =
        hf_listener_open(&server->listener, &server->loop, &address, &listener_ops, server);
    if (status != 0) {
        return status;
    }
    server->is_loopback = hf_address_is_loopback(&address);
    hf_address_write(&address, server->address);
    return 0;
}

/* Everything but the listening: the loop and its handles. 0, or libuv's error. */
static int init_loop(struct hf_server *server)
{
    int status = uv_loop_init(&server->loop);
    if (status != 0) {
        return status;
    }
    (void)uv_prepare_init(&server->loop, &server->prepare);
    (void)uv_idle_init(&server->loop, &server->idle);
    (void)uv_timer_init(&server->loop, &server->expiry);
    (void)uv_timer_init(&server->loop, &server->sweep);
    (void)uv_timer_init(&server->loop, &server->tick);
    status = uv_async_init(&server->loop, &server->async, async_cb);
    if (status != 0) {
        /* hf_server_free closes all handles, so this one must be a handle. */
        (void)uv_timer_init(&server->loop, (uv_timer_t *)&server->async);
        return status;
    }
    server->prepare.data = server;
    server->idle.data = server;
    server->async.data = server;
    server->expiry.data = server;
    server->tick.data = server;
    server->sweep.data = server;
    return 0;
}

struct hf_server *hf_server_create(const struct hf_server_config *config, struct hf_engine *engine,
                                   const struct hf_log *log, const struct hf_clock *clock,
                                   const struct hf_server_report *report_lines, char *error,
                                   size_t error_bytes)
{
    HF_ASSERT(config->connections_max >= 1);
    HF_ASSERT(config->idle_us >= HF_IDLE_US_MIN);

    const struct hf_dispatch_config dispatch_config = {
        .frame_bytes_max = config->frame_bytes_max,
        .operations_max = config->operations_max,
        .export_bytes_max = config->export_bytes_max,
    };
    struct hf_server *server = calloc(1, sizeof *server);
    if (server == NULL) {
        (void)snprintf(error, error_bytes, "could not start the server: no memory");
        return NULL;
    }
    server->config = *config;
    server->log = log;
    server->clock = clock;
    server->report = *report_lines;
    server->notices.report = &server->report;
    server->expiry_deadline_us = UINT64_MAX;
    server->published_lsn = hf_engine_lsn(engine);
    server->read_bytes = malloc(READ_BYTES);
    int status = init_loop(server);
    if (status == 0 &&
        (server->read_bytes == NULL ||
         hf_dispatch_init(&server->dispatch, &dispatch_config, engine, log, clock) != HF_OK)) {
        status = UV_ENOMEM;
    }
    const struct hf_feed_config feed_config = {config->subscriptions_max, config->feed_stall_us};
    hf_feed_init(&server->feed, &feed_config, engine, log, clock, feed_arrived_cb, server);
    server->dispatch.feed = &server->feed;
    if (status == 0) {
        status = listen_at(server);
    }
    if (status != 0) {
        (void)snprintf(error, error_bytes, "could not listen at \"%s\" port %u: %s", config->host,
                       (unsigned)config->port, uv_strerror(status));
        hf_server_free(server);
        return NULL;
    }
    const uint64_t patience_us =
        config->feed_stall_us > 0 && config->feed_stall_us < config->idle_us ? config->feed_stall_us
                                                                             : config->idle_us;
    const uint64_t quarter_ms = patience_us / 4000;
    const uint64_t sweep_ms = quarter_ms < SWEEP_MS_MAX ? quarter_ms : SWEEP_MS_MAX;
    (void)uv_prepare_start(&server->prepare, prepare_cb);
    (void)uv_timer_start(&server->sweep, sweep_cb, sweep_ms, sweep_ms);
    return server;
}

void hf_server_free(struct hf_server *server)
{
    if (server == NULL) {
        return;
    }
    server->is_stopping = true;
    close_server_handles(server);
    close_handle(&server->async);
    (void)uv_run(&server->loop, UV_RUN_DEFAULT);
    (void)uv_loop_close(&server->loop);
    hf_dispatch_release(&server->dispatch);
    hf_feed_release(&server->feed);
    free(server->spare_block);
    free(server->read_bytes);
    free(server);
}

const char *hf_server_address(const struct hf_server *server)
{
    return server->address;
}

bool hf_server_is_loopback(const struct hf_server *server)
{
    return server->is_loopback;
}

struct uv_loop_s *hf_server_loop(struct hf_server *server)
{
    return &server->loop;
}

void hf_server_run(struct hf_server *server)
{
    (void)uv_run(&server->loop, UV_RUN_DEFAULT);
    HF_ASSERT(server->clients == NULL);
}

void hf_server_wake(struct hf_server *server)
{
    (void)uv_async_send(&server->async);
}
