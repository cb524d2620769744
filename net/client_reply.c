#include "net/client.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "engine/assert.h"

void hf_client_fill_replies(struct holdfast_reply *replies, size_t count, enum hf_err outcome,
                            enum hf_field field)
{
    for (size_t i = 0; i < count; i++) {
        replies[i] = (struct holdfast_reply){
            .outcome = (enum holdfast_outcome)outcome,
            .field = field == HF_FIELD_NONE ? NULL : hf_field_name(field),
            .line_index = -1,
        };
    }
}

static struct hf_client_entry pop(struct holdfast *hf)
{
    HF_ASSERT(hf->entries_count > 0);
    const struct hf_client_entry entry = hf->entries[hf->entries_first];

    hf->entries_first = (hf->entries_first + 1) & (hf->entries_max - 1);
    hf->entries_count -= 1;
    HF_ASSERT(hf->in_flight_bytes >= entry.frame_bytes);
    hf->in_flight_bytes -= entry.frame_bytes;
    if (entry.wish == HF_WISH_NOTHING) {
        HF_ASSERT(hf->abandoned_count > 0);
        hf->abandoned_count -= 1;
    }
    return entry;
}

/* ------------------------------------------------------------------ socket */

bool hf_client_flush(struct holdfast *hf)
{
    while (hf_buffer_count(&hf->out) > 0) {
        const ssize_t sent =
            send(hf->fd, hf_buffer_front(&hf->out), hf_buffer_count(&hf->out), MSG_NOSIGNAL);
        if (sent >= 0) {
            hf_buffer_take(&hf->out, (size_t)sent);
        } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
            return true;
        } else if (errno != EINTR) {
            hf_client_set_error(hf, "could not send to the server: %s", strerror(errno));
            return false;
        }
    }
    return true;
}

bool hf_client_receive(struct holdfast *hf, bool *is_empty)
{
    const size_t bytes_before = hf_buffer_count(&hf->in);
    unsigned char *room = hf_buffer_add(&hf->in, HF_CLIENT_READ_BYTES);
    if (room == NULL) {
        hf_client_set_error(hf, "out of memory");
        return false;
    }
    ssize_t count;
    do {
        count = recv(hf->fd, room, HF_CLIENT_READ_BYTES, 0);
    } while (count < 0 && errno == EINTR);
    const int failure = errno;

    hf_buffer_cut(&hf->in, bytes_before + (count > 0 ? (size_t)count : 0));
    if (count == 0) {
        hf_client_set_error(hf, "the server has closed the connection");
        return false;
    }
    if (count < 0 && failure != EAGAIN && failure != EWOULDBLOCK) {
        hf_client_set_error(hf, "could not read from the server: %s", strerror(failure));
        return false;
    }
    /* A read that was not filled has emptied the socket: no need to ask again to learn that. */
    *is_empty = count < (ssize_t)HF_CLIENT_READ_BYTES;
    return true;
}

/* ------------------------------------------------------------------ replies */

static enum hf_err decode_reply(struct holdfast *hf, struct hf_items *body,
                                struct holdfast_reply *out, size_t *lines_count)
{
    struct hf_reply reply;
    enum hf_err err = hf_reply_next(body, &reply);
    if (err != HF_OK) {
        return err;
    }
    *out = (struct holdfast_reply){
        .outcome = (enum holdfast_outcome)reply.outcome,
        .is_repeated = reply.is_repeated,
        .state = (enum holdfast_state)reply.state,
        .lsn = reply.lsn,
        .expires_at_us = (int64_t)reply.argument,
        .field = reply.field == HF_FIELD_NONE ? NULL : hf_field_name(reply.field),
        .line_index = reply.line_index == UINT32_MAX ? -1 : (int32_t)reply.line_index,
        .lines_count = reply.entries_count,
        .is_unchanged = reply.is_unchanged,
    };
    if (reply.entries_count == 0) {
        return HF_OK;
    }
    if (reply.entries_count > HF_LINES_MAX ||
        !hf_client_reserve((void **)&hf->result_lines, &hf->result_lines_max,
                           *lines_count + reply.entries_count, sizeof *hf->result_lines)) {
        return HF_CORRUPT;
    }
    for (uint32_t i = 0; i < reply.entries_count; i++) {
        struct hf_result_line line;
        err = hf_result_line_next(&reply.entries, &line);
        if (err != HF_OK) {
            return err;
        }
        hf->result_lines[*lines_count] = (struct holdfast_result_line){
            .line_index = line.line_index,
            .outcome = (enum holdfast_outcome)line.outcome,
            .requested = line.requested,
            .granted = line.granted,
            .ats = line.ats,
            .shortfall = line.shortfall,
            .earliest_expiry_us = (int64_t)line.earliest_expiry_us,
        };
        *lines_count += 1;
    }
    return HF_OK;
}

/* The replies of one frame into hf->replies. False: the frame is not what was asked for. */
static bool decode_replies(struct holdfast *hf, const struct hf_frame *frame, uint32_t count)
{
    struct hf_items body = hf_items_of(frame->body, frame->body_bytes);
    size_t lines_count = 0;

    if ((frame->flags & HF_FRAME_ERROR) != 0) {
        struct hf_reply reply;
        if (hf_reply_next(&body, &reply) != HF_OK || reply.outcome == HF_OK) {
            return false;
        }
        hf_client_fill_replies(hf->replies, count, reply.outcome, reply.field);
        return true;
    }
    if (frame->count != count) {
        return false;
    }
    for (uint32_t i = 0; i < count; i++) {
        if (decode_reply(hf, &body, &hf->replies[i], &lines_count) != HF_OK) {
            return false;
        }
    }
    /* The array of lines may have moved while it grew; it stands still now. */
    for (size_t i = 0, first = 0; lines_count > 0 && i < count; i++) {
        if (hf->replies[i].lines_count > 0) {
            hf->replies[i].lines = &hf->result_lines[first];
            first += hf->replies[i].lines_count;
        }
    }
    return body.at == body.end;
}

static bool keep_answer(struct holdfast *hf, const struct hf_frame *frame, uint32_t count)
{
    struct hf_client_answer *answer = &hf->answer;

    answer->outcome = HF_OK;
    answer->field = HF_FIELD_NONE;
    hf_buffer_clear(&answer->body);
    if ((frame->flags & HF_FRAME_ERROR) != 0) {
        struct hf_items body = hf_items_of(frame->body, frame->body_bytes);
        struct hf_reply reply;
        if (hf_reply_next(&body, &reply) != HF_OK || reply.outcome == HF_OK) {
            return false;
        }
        answer->outcome = reply.outcome;
        answer->field = reply.field;
    } else if (frame->count != count ||
               !hf_buffer_append(&answer->body, frame->body, frame->body_bytes)) {
        return false;
    }
    return true;
}

/* The entries of a pipelined ATS read into hf->ats; a refusal into hf->answer.outcome. */
static bool decode_ats(struct holdfast *hf, const struct hf_frame *frame)
{
    struct hf_items body = hf_items_of(frame->body, frame->body_bytes);
    struct hf_reply reply;

    if (frame->count != 1 || hf_reply_next(&body, &reply) != HF_OK ||
        reply.entries_count > HF_LINES_MAX ||
        !hf_client_reserve((void **)&hf->ats, &hf->ats_max, reply.entries_count, sizeof *hf->ats)) {
        return false;
    }
    hf->ats_count = reply.outcome == HF_OK ? reply.entries_count : 0;
    hf->answer.outcome = reply.outcome;
    for (size_t i = 0; i < hf->ats_count; i++) {
        struct hf_ats_entry entry;
        if (hf_ats_next(&reply.entries, &entry) != HF_OK) {
            return false;
        }
        hf->ats[i] = (struct holdfast_ats){.outcome = (enum holdfast_outcome)entry.outcome,
                                           .ats = entry.figures.ats,
                                           .atf = entry.figures.atf};
    }
    return true;
}

/* Hand what was decoded to whoever waits for it. The entry is off the ring: a callback may
 * submit. */
static void tell(struct holdfast *hf, const struct hf_client_entry *entry)
{
    const enum holdfast_outcome outcome = (enum holdfast_outcome)hf->answer.outcome;

    switch (entry->wish) {
    case HF_WISH_REPLIES:
        entry->cb.replies(entry->arg, hf->replies, entry->count);
        break;
    case HF_WISH_ATS:
        if (outcome == HOLDFAST_OK) {
            entry->cb.ats(entry->arg, outcome, hf->ats, hf->ats_count);
        } else {
            entry->cb.ats(entry->arg, outcome, NULL, 0);
        }
        break;
    case HF_WISH_ANSWER:
        hf->answer.is_there = true;
        break;
    case HF_WISH_NOTHING:
        break;
    }
    free(hf->replies_retired);
    hf->replies_retired = NULL;
}

/* Tell the callers of all frames in flight that nobody knows. The socket is closed already. */
void hf_client_answer_unknown(struct holdfast *hf)
{
    HF_ASSERT(hf->fd == -1);

    while (hf->entries_count > 0) {
        const struct hf_client_entry entry = pop(hf);
        if (entry.wish == HF_WISH_REPLIES) {
            HF_ASSERT(entry.count <= hf->replies_max);
            hf_client_fill_replies(hf->replies, entry.count, HF_UNKNOWN, HF_FIELD_NONE);
        }
        hf->answer.outcome = HF_UNKNOWN;
        hf->answer.field = HF_FIELD_NONE;
        tell(hf, &entry);
    }
    HF_ASSERT(hf->in_flight_bytes == 0);
    HF_ASSERT(hf->abandoned_count == 0);
}

static bool unreadable(struct holdfast *hf)
{
    hf_client_set_error(hf, "the server's reply cannot be read");
    return false;
}

/* The answer to a subscribe: do frames of events follow it? */
static bool begins_feed(const struct hf_frame *frame)
{
    struct hf_items body = hf_items_of(frame->body, frame->body_bytes);
    struct hf_reply reply;
    return (frame->flags & HF_FRAME_ERROR) == 0 && hf_reply_next(&body, &reply) == HF_OK &&
           reply.outcome == HF_OK;
}

/* A frame has arrived. False: it does not answer the oldest frame in flight (C1). */
static bool take_frame(struct holdfast *hf, const struct hf_frame *frame)
{
    if ((frame->flags & HF_FRAME_ERROR) != 0 && frame->correlation == 0) {
        struct hf_items body = hf_items_of(frame->body, frame->body_bytes);
        struct hf_reply reply;
        if (hf_reply_next(&body, &reply) == HF_OK) {
            hf_client_set_error(hf, "the server gave up the connection: %s (%s)",
                                hf_strerror(reply.outcome), hf_field_name(reply.field));
            return false;
        }
    }
    if (hf->entries_count == 0 || (frame->flags & HF_FRAME_REPLY) == 0) {
        return unreadable(hf);
    }
    const struct hf_client_entry *oldest = &hf->entries[hf->entries_first];
    if (frame->correlation != oldest->correlation || frame->operation != oldest->operation) {
        return unreadable(hf);
    }
    if (oldest->wish == HF_WISH_REPLIES && !decode_replies(hf, frame, oldest->count)) {
        return unreadable(hf);
    }
    if (oldest->wish == HF_WISH_ANSWER && !keep_answer(hf, frame, oldest->count)) {
        return unreadable(hf);
    }
    if (oldest->wish == HF_WISH_ATS && !decode_ats(hf, frame)) {
        return unreadable(hf);
    }
    const struct hf_client_entry entry = pop(hf);
    hf->is_feed = entry.operation == HF_ASK_SUBSCRIBE && begins_feed(frame);
    tell(hf, &entry);
    return true;
}

/* Take the whole frames from hf->in. False: the connection is of no use any more. */
static bool take_frames(struct holdfast *hf)
{
    const size_t frame_bytes_max = (size_t)hf->server.frame_bytes_max * HF_REPLY_FACTOR;

    while (hf_buffer_count(&hf->in) > 0 && !hf->is_feed) {
        struct hf_frame frame;
        size_t frame_bytes;
        enum hf_field fault;
        const enum hf_err err =
            hf_frame_decode(hf_buffer_front(&hf->in), hf_buffer_count(&hf->in), frame_bytes_max,
                            HF_FRAME_REPLY | HF_FRAME_ERROR, &frame, &frame_bytes, &fault);

        if (err == HF_TRUNCATED) {
            return true;
        }
        if (err != HF_OK) {
            hf_client_set_error(hf, "the server's reply is damaged: bad %s", hf_field_name(fault));
            return false;
        }
        if (!take_frame(hf, &frame)) {
            return false;
        }
        hf_buffer_take(&hf->in, frame_bytes);
    }
    return true;
}

/* One round: write, read until the socket is empty, run callbacks, write what they submitted. */
static bool process_round(struct holdfast *hf)
{
    bool is_empty = false;

    if (!hf_client_flush(hf)) {
        return false;
    }
    while (!is_empty && !hf->is_feed) {
        const size_t bytes_before = hf_buffer_count(&hf->in);
        if (!hf_client_receive(hf, &is_empty)) {
            return false;
        }
        if (hf_buffer_count(&hf->in) > bytes_before && !take_frames(hf)) {
            return false;
        }
    }
    return hf_client_flush(hf);
}

enum holdfast_outcome holdfast_process(struct holdfast *hf)
{
    HF_ASSERT(!hf->is_processing); /* a callback must not process */

    if (hf->fd < 0) {
        return HOLDFAST_UNKNOWN;
    }
    hf->is_processing = true;
    const bool is_alive = process_round(hf);
    if (is_alive) {
        if (hf->entries_count == 0) {
            hf->last_heard_ms = hf_client_now_ms();
        }
    } else {
        hf_client_drop(hf);
        hf_client_answer_unknown(hf);
    }
    hf->is_processing = false;
    return is_alive ? HOLDFAST_OK : HOLDFAST_UNKNOWN;
}

enum holdfast_outcome holdfast_wait(struct holdfast *hf, int timeout_ms)
{
    if (hf->fd < 0) {
        return HOLDFAST_UNKNOWN;
    }
    /* Send first: with everything on its way there is only the reading to wait for. A failure
     * shows again, and is told, in holdfast_process. */
    (void)hf_client_flush(hf);

    struct pollfd waited = {.fd = hf->fd, .events = POLLIN};
    if (holdfast_wants_write(hf)) {
        waited.events |= POLLOUT;
    }
    if (poll(&waited, 1, timeout_ms) == 0) {
        return HOLDFAST_OK;
    }
    return holdfast_process(hf);
}
