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
}

void hf_connection_release(struct hf_connection *connection)
{
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

void hf_connection_pump(struct hf_connection *connection)
{
    if (connection->state == HF_CONNECTION_CLOSED) {
        return;
    }
    for (;;) {
        execute_buffered(connection);
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
    hf_connection_pump(connection);
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
    if (connection->job.operation != 0 || now_us - connection->active_us <= idle_us) {
        return false;
    }
    const bool has_stuck_replies = connection->released_bytes > connection->sent_bytes;
    return has_stuck_replies || !hf_connection_waits_for_log(connection);
}
