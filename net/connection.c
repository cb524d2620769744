#include "net/connection.h"

#include <string.h>

#include "engine/assert.h"
#include "net/codec.h"

/* All replies up to the `end_bytes`-th byte may leave once `lsn` is durable. */
struct gate {
    uint64_t lsn;
    uint64_t end_bytes;
};

static uint64_t monotonic_us(const struct hf_connection *connection)
{
    const struct hf_clock *clock = connection->dispatch->clock;
    return clock->monotonic_us(clock->ctx);
}

void hf_connection_init(struct hf_connection *connection, struct hf_dispatch *dispatch,
                        const struct hf_transport *transport,
                        const struct hf_connection_limits *limits)
{
    HF_ASSERT(limits->out_bytes_max > 0);

    *connection = (struct hf_connection){
        .state = HF_CONNECTION_NEW,
        .dispatch = dispatch,
        .transport = *transport,
        .limits = *limits,
    };
    connection->active_us = monotonic_us(connection);
    connection->taken_us = connection->active_us;
}

void hf_connection_release(struct hf_connection *connection)
{
    hf_feed_unsubscribe(&connection->subscriber);
    hf_dispatch_abandon(connection->dispatch, &connection->job);
    hf_buffer_release(&connection->gates);
    hf_buffer_release(&connection->out);
    hf_buffer_release(&connection->in);
}

/* ------------------------------------------------------------------ replies */

/* What was added to `out` since the last call waits for `lsn`. */
static void close_gate(struct hf_connection *connection, uint64_t lsn)
{
    const uint64_t end_bytes = connection->sent_bytes + hf_buffer_count(&connection->out);

    if (hf_buffer_count(&connection->gates) > 0) {
        struct gate last;
        unsigned char *at =
            hf_buffer_front(&connection->gates) + hf_buffer_count(&connection->gates) - sizeof last;
        memcpy(&last, at, sizeof last);
        HF_ASSERT(last.lsn <= lsn); /* I2 */
        if (last.lsn == lsn) {
            last.end_bytes = end_bytes;
            memcpy(at, &last, sizeof last);
            return;
        }
    }
    const struct gate gate = {lsn, end_bytes};
    (void)hf_buffer_append(&connection->gates, &gate, sizeof gate);
}

/* The LSN that the newest reply in the queue waits for; 0: none waits. */
static uint64_t newest_gate_lsn(const struct hf_connection *connection)
{
    const size_t bytes_count = hf_buffer_count(&connection->gates);
    struct gate last = {0};
    if (bytes_count > 0) {
        memcpy(&last, hf_buffer_front(&connection->gates) + bytes_count - sizeof last, sizeof last);
    }
    return last.lsn;
}

static void release_durable(struct hf_connection *connection)
{
    const struct hf_log *log = connection->dispatch->log;
    if (hf_buffer_count(&connection->gates) == 0) {
        return;
    }
    const uint64_t durable_lsn = log->ops->durable_lsn(log->ctx);
    while (hf_buffer_count(&connection->gates) > 0) {
        struct gate gate;
        memcpy(&gate, hf_buffer_front(&connection->gates), sizeof gate);
        if (gate.lsn > durable_lsn) {
            return;
        }
        connection->released_bytes = gate.end_bytes;
        hf_buffer_take(&connection->gates, sizeof gate);
    }
}

#define OUT_BYTES_KEPT ((size_t)256 * 1024) /* of an empty queue of replies */

static void send_released(struct hf_connection *connection)
{
    release_durable(connection);
    HF_ASSERT(connection->released_bytes >= connection->sent_bytes);
    const size_t ready = (size_t)(connection->released_bytes - connection->sent_bytes);
    if (ready > 0) {
        const size_t taken = connection->transport.ops->send(
            connection->transport.ctx, hf_buffer_front(&connection->out), ready);
        HF_ASSERT(taken <= ready);
        if (taken > 0) {
            hf_buffer_take(&connection->out, taken);
            connection->sent_bytes += taken;
            connection->active_us = monotonic_us(connection);
            connection->taken_us = connection->active_us;
        }
    }
    if (hf_buffer_count(&connection->out) == 0 && !connection->out.is_failed &&
        connection->out.bytes_max > OUT_BYTES_KEPT) {
        hf_buffer_release(&connection->out); /* an idle client holds no large buffer */
    }
    if (hf_buffer_count(&connection->out) <= connection->limits.out_bytes_max / 2) {
        connection->is_full = false;
    }
}

/* ------------------------------------------------------------------ frames */

static bool may_execute(const struct hf_connection *connection)
{
    return connection->state <= HF_CONNECTION_SERVING && connection->job.operation == 0 &&
           !connection->is_full;
}

/* Memory is short: replies are lost, so the client must not be left waiting for them. */
static bool has_memory(struct hf_connection *connection)
{
    if (!connection->in.is_failed && !connection->out.is_failed && !connection->gates.is_failed) {
        return true;
    }
    connection->state = HF_CONNECTION_CLOSED;
    connection->transport.ops->finish(connection->transport.ctx);
    return false;
}

/* Answer a frame that breaks the protocol and execute nothing more. */
static void refuse_and_close(struct hf_connection *connection, const struct hf_frame *frame,
                             enum hf_field field)
{
    hf_reply_put_error(&connection->out, frame->operation, frame->correlation, HF_INVALID_ARGUMENT,
                       field);
    close_gate(connection, hf_engine_lsn(connection->dispatch->engine));
    connection->state = HF_CONNECTION_CLOSING;
}

/* The first frame. True when it is a hello that dispatch will answer with a welcome. */
static bool is_hello(struct hf_connection *connection, const struct hf_frame *frame)
{
    struct hf_text name;
    if (frame->operation != HF_ASK_HELLO || frame->count != 1 ||
        (frame->handle_tag != 0 && frame->handle_tag != connection->dispatch->handle_tag) ||
        hf_hello_read(hf_items_of(frame->body, frame->body_bytes), &name) != HF_OK) {
        return false;
    }
    if (hf_text_is_code(name)) {
        memcpy(connection->name, name.bytes, name.bytes_count);
        connection->name[name.bytes_count] = '\0';
    }
    return true;
}

static void serve_feed(void *ctx);

/* What is told of by the feed is durable: it waits for nothing but the replies before it. */
static void execute_subscribe(struct hf_connection *connection, const struct hf_frame *frame)
{
    connection->dispatch->frames_count++;
    if (frame->handle_tag != 0 && frame->handle_tag != connection->dispatch->handle_tag) {
        hf_reply_put_error(&connection->out, frame->operation, frame->correlation, HF_STALE_HANDLE,
                           HF_FIELD_NONE);
        close_gate(connection, newest_gate_lsn(connection));
        return;
    }
    connection->subscriber.serve = serve_feed;
    connection->subscriber.ctx = connection;
    if (hf_feed_subscribe(connection->dispatch->feed, frame, &connection->subscriber,
                          &connection->out)) {
        connection->state = HF_CONNECTION_FEEDING;
        connection->has_fed = true;
    }
    close_gate(connection, newest_gate_lsn(connection));
}

static void execute_frame(struct hf_connection *connection, const struct hf_frame *frame)
{
    if (connection->state == HF_CONNECTION_NEW) {
        if (!is_hello(connection, frame)) {
            refuse_and_close(connection, frame,
                             frame->operation == HF_ASK_HELLO ? HF_FIELD_LAYOUT
                                                              : HF_FIELD_OPERATION);
            return;
        }
        connection->state = HF_CONNECTION_SERVING;
    }
    if (frame->operation == HF_ASK_SUBSCRIBE && connection->dispatch->feed != NULL) {
        execute_subscribe(connection, frame);
        return;
    }
    uint64_t gate_lsn;
    if (hf_dispatch_frame(connection->dispatch, frame, &connection->out, &connection->job,
                          &gate_lsn)) {
        close_gate(connection, gate_lsn);
    }
    if (hf_buffer_count(&connection->out) >= connection->limits.out_bytes_max) {
        connection->is_full = true;
    }
}

/* Execute the whole frames at `bytes` as far as that is allowed; returns the bytes used. */
static size_t execute_frames(struct hf_connection *connection, const unsigned char *bytes,
                             size_t bytes_count)
{
    size_t used = 0;
    while (used < bytes_count && may_execute(connection)) {
        struct hf_frame frame;
        size_t frame_bytes;
        enum hf_field fault;
        const enum hf_err err =
            hf_frame_decode(bytes + used, bytes_count - used, connection->dispatch->frame_bytes_max,
                            0, &frame, &frame_bytes, &fault);
        if (err == HF_TRUNCATED) {
            break;
        }
        if (err != HF_OK) {
            connection->framing_fault = fault;
            refuse_and_close(connection, &frame, fault);
            return bytes_count;
        }
        execute_frame(connection, &frame);
        used += frame_bytes;
    }
    return used;
}

static void execute_buffered(struct hf_connection *connection)
{
    if (hf_buffer_count(&connection->in) == 0) {
        return;
    }
    const size_t used = execute_frames(connection, hf_buffer_front(&connection->in),
                                       hf_buffer_count(&connection->in));
    hf_buffer_take(&connection->in, used);
    if (hf_buffer_count(&connection->in) == 0) {
        /* Between frames a connection costs no memory for reading. */
        hf_buffer_release(&connection->in);
    }
}

/* ------------------------------------------------------------------ feeding */

/* Nothing more will be told; what is queued is still sent. */
static void close_feed(struct hf_connection *connection)
{
    hf_feed_unsubscribe(&connection->subscriber);
    connection->state = HF_CONNECTION_CLOSING;
    connection->taken_us = monotonic_us(connection);
}

void hf_connection_end_feed(struct hf_connection *connection, enum hf_err outcome)
{
    HF_ASSERT(connection->state == HF_CONNECTION_FEEDING);

    hf_feed_end(&connection->subscriber, outcome, &connection->out);
    close_gate(connection, newest_gate_lsn(connection));
    close_feed(connection);
    hf_connection_pump(connection);
}

/* Queue frames while there is room and something to tell. True: there was no room for more. */
static bool fill_feed(struct hf_connection *connection)
{
    while (hf_buffer_count(&connection->out) < HF_FEED_OUT_BYTES_MAX) {
        const enum hf_feed_step step = hf_feed_next(&connection->subscriber, &connection->out);
        if (step == HF_FEED_NOTHING) {
            return false;
        }
        close_gate(connection, newest_gate_lsn(connection));
        if (step == HF_FEED_ENDED) {
            close_feed(connection);
            return false;
        }
    }
    return true;
}

static void serve_feed(void *ctx)
{
    struct hf_connection *connection = ctx;
    bool is_more = true;

    while (is_more && connection->state == HF_CONNECTION_FEEDING &&
           hf_buffer_count(&connection->out) < HF_FEED_OUT_BYTES_MAX) {
        is_more = fill_feed(connection);
        if (connection->is_stopping && connection->state == HF_CONNECTION_FEEDING &&
            connection->subscriber.lsn == hf_engine_lsn(connection->dispatch->engine)) {
            close_feed(connection);
        }
        hf_connection_pump(connection);
    }
    connection->has_no_room = is_more;
}

bool hf_connection_wants_round(struct hf_connection *connection)
{
    if (connection->state != HF_CONNECTION_FEEDING) {
        return false;
    }
    if (connection->has_no_room && hf_buffer_count(&connection->out) < HF_FEED_OUT_BYTES_MAX) {
        hf_feed_due(&connection->subscriber);
    }
    return connection->subscriber.is_due;
}

bool hf_connection_is_stalled(struct hf_connection *connection, uint64_t stall_us)
{
    const uint64_t now_us = monotonic_us(connection);
    if (!connection->has_fed || hf_buffer_count(&connection->out) == 0) {
        connection->taken_us = now_us;
    }
    return now_us - connection->taken_us > stall_us;
}

/* ------------------------------------------------------------------ what to do next */

static void close_when_done(struct hf_connection *connection)
{
    if (connection->is_ended && may_execute(connection)) {
        connection->state = HF_CONNECTION_CLOSING; /* what is left in `in` is no frame */
    }
    if (connection->state == HF_CONNECTION_CLOSING && hf_buffer_count(&connection->out) == 0) {
        connection->state = HF_CONNECTION_CLOSED;
        connection->transport.ops->finish(connection->transport.ctx);
    }
}

static void pause_or_resume(struct hf_connection *connection)
{
    const bool is_paused = connection->state <= HF_CONNECTION_SERVING && !may_execute(connection);
    if (connection->state == HF_CONNECTION_CLOSED || connection->is_ended ||
        is_paused == connection->is_paused) {
        return;
    }
    connection->is_paused = is_paused;
    if (is_paused) {
        connection->transport.ops->pause(connection->transport.ctx);
    } else {
        connection->transport.ops->resume(connection->transport.ctx);
    }
}

/* Who has subscribed may say nothing more. */
static void end_talkative_feed(struct hf_connection *connection)
{
    if (connection->state == HF_CONNECTION_FEEDING && hf_buffer_count(&connection->in) > 0) {
        hf_reply_put_error(&connection->out, HF_ASK_EVENTS, connection->subscriber.correlation,
                           HF_INVALID_ARGUMENT, HF_FIELD_OPERATION);
        close_gate(connection, newest_gate_lsn(connection));
        close_feed(connection);
    }
}

void hf_connection_pump(struct hf_connection *connection)
{
    if (connection->state == HF_CONNECTION_CLOSED) {
        return;
    }
    for (;;) {
        execute_buffered(connection);
        end_talkative_feed(connection);
        if (!has_memory(connection)) {
            return;
        }
        const bool was_full = connection->is_full;
        send_released(connection);
        if (!was_full || connection->is_full) {
            break; /* else sending has made room for more frames */
        }
    }
    close_when_done(connection);
    pause_or_resume(connection);
}

void hf_connection_receive(struct hf_connection *connection, const unsigned char *bytes,
                           size_t bytes_count)
{
    if (connection->state >= HF_CONNECTION_CLOSING || connection->is_ended) {
        return; /* I3 */
    }
    connection->active_us = monotonic_us(connection);
    size_t used = 0;
    if (hf_buffer_count(&connection->in) == 0) {
        used = execute_frames(connection, bytes, bytes_count); /* in place: the usual case */
    }
    (void)hf_buffer_append(&connection->in, bytes + used, bytes_count - used);
    hf_connection_pump(connection);
}

void hf_connection_end(struct hf_connection *connection)
{
    connection->is_ended = true;
    if (connection->state == HF_CONNECTION_FEEDING) {
        close_feed(connection);
    }
    hf_connection_pump(connection);
}

void hf_connection_stop(struct hf_connection *connection)
{
    if (connection->state != HF_CONNECTION_FEEDING) {
        hf_connection_end(connection);
        return;
    }
    connection->is_stopping = true;
    hf_feed_due(&connection->subscriber);
    connection->is_ended = true;
    connection->taken_us = monotonic_us(connection);
}

void hf_connection_refuse(struct hf_connection *connection, enum hf_err outcome)
{
    HF_ASSERT(connection->state == HF_CONNECTION_NEW);

    hf_reply_put_error(&connection->out, HF_ASK_HELLO, 0, outcome, HF_FIELD_NONE);
    close_gate(connection, 0);
    connection->state = HF_CONNECTION_CLOSING;
    hf_connection_pump(connection);
}

/* ------------------------------------------------------------------ jobs, questions */

bool hf_connection_has_work(const struct hf_connection *connection)
{
    return connection->state <= HF_CONNECTION_SERVING && hf_dispatch_is_ready(&connection->job);
}

void hf_connection_step(struct hf_connection *connection)
{
    uint64_t gate_lsn;
    if (!hf_connection_has_work(connection) ||
        !hf_dispatch_step(connection->dispatch, &connection->job, &connection->out, &gate_lsn)) {
        return;
    }
    close_gate(connection, gate_lsn);
    hf_connection_pump(connection);
}

bool hf_connection_waits_for_log(const struct hf_connection *connection)
{
    return hf_buffer_count(&connection->gates) > 0;
}

bool hf_connection_is_idle(const struct hf_connection *connection, uint64_t idle_us)
{
    const uint64_t now_us = monotonic_us(connection);
    if (connection->state == HF_CONNECTION_FEEDING || connection->job.operation != 0 ||
        now_us - connection->active_us <= idle_us) {
        return false;
    }
    const bool has_stuck_replies = connection->released_bytes > connection->sent_bytes;
    return has_stuck_replies || !hf_connection_waits_for_log(connection);
}
