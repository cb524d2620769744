#include "net/client.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "engine/assert.h"

#ifndef HOLDFAST_VERSION
#define HOLDFAST_VERSION "0.1.0"
#endif

/* ------------------------------------------------------------------ numbers and names */

/* The public header repeats numbers of the engine, because callers see no other header. */
#define SAME_OUTCOME(number, identifier, name, text)                                               \
    _Static_assert((int)HOLDFAST_##identifier == (number), name);
HF_OUTCOME_MAP(SAME_OUTCOME)

#define SAME_KIND(number, identifier, name)                                                        \
    _Static_assert((int)HOLDFAST_##identifier == (number), name);
HF_KIND_MAP(SAME_KIND)

#define HOLDFAST_NONE HOLDFAST_REASON_NONE
#define SAME_REASON(number, identifier, name)                                                      \
    _Static_assert((int)HOLDFAST_##identifier == (number), name);
HF_REASON_MAP(SAME_REASON)
#undef HOLDFAST_NONE

/* `expired` and `superseded` are states and outcomes, so the states have names of their own. */
_Static_assert((int)HOLDFAST_STATE_NONE == (int)HF_STATE_NONE, "none");
_Static_assert((int)HOLDFAST_HELD == (int)HF_STATE_HELD, "held");
_Static_assert((int)HOLDFAST_CONFIRMED == (int)HF_STATE_CONFIRMED, "confirmed");
_Static_assert((int)HOLDFAST_FULFILLED == (int)HF_STATE_FULFILLED, "fulfilled");
_Static_assert((int)HOLDFAST_RELEASED == (int)HF_STATE_RELEASED, "released");
_Static_assert((int)HOLDFAST_STATE_EXPIRED == (int)HF_STATE_EXPIRED, "expired");
_Static_assert((int)HOLDFAST_STATE_SUPERSEDED == (int)HF_STATE_SUPERSEDED, "superseded");

_Static_assert((int)HOLDFAST_LINKED == (int)HF_OP_LINKED, "linked");
_Static_assert((int)HOLDFAST_PARTIAL == (int)HF_OP_PARTIAL, "partial");
_Static_assert((int)HOLDFAST_FACT == (int)HF_OP_FACT, "fact");
_Static_assert((int)HOLDFAST_RELEASE_REST == (int)HF_OP_RELEASE_REST, "release_rest");
_Static_assert((int)HOLDFAST_HANDLES == (int)HF_OP_HANDLES, "handles");
_Static_assert((int)HOLDFAST_VERSIONS == (int)HF_OP_VERSIONS, "versions");
_Static_assert((int)HOLDFAST_TTL == (int)HF_OP_TTL, "ttl");

_Static_assert(HOLDFAST_HANDLE_NONE == HF_HANDLE_NONE, "no handle");
_Static_assert(HOLDFAST_VERSION_ANY == HF_VERSION_ANY, "any version");
_Static_assert(HOLDFAST_POLICY_KEEP == HF_POLICY_KEEP, "keep a policy");
_Static_assert(HOLDFAST_LOW_STOCK_NONE == HF_LOW_STOCK_NONE, "no threshold");
_Static_assert(HOLDFAST_LINES_MAX == HF_LINES_MAX, "lines of an operation");

const char *holdfast_outcome_name(enum holdfast_outcome outcome)
{
    return hf_err_name((enum hf_err)outcome);
}

const char *holdfast_outcome_text(enum holdfast_outcome outcome)
{
    return hf_strerror((enum hf_err)outcome);
}

const char *holdfast_state_name(enum holdfast_state state)
{
    return hf_state_name((unsigned)state);
}

const char *holdfast_kind_name(enum holdfast_kind kind)
{
    return hf_kind_name((unsigned)kind);
}

const char *holdfast_reason_name(enum holdfast_reason reason)
{
    return hf_reason_name((unsigned)reason);
}

int holdfast_reason_of(const char *name)
{
    for (unsigned i = 0; i < HF_REASONS_COUNT; i++) {
        if (strcmp(hf_reason_name(i), name) == 0) {
            return (int)i;
        }
    }
    return -1;
}

const char *holdfast_version(void)
{
    return HOLDFAST_VERSION;
}

/* ------------------------------------------------------------------ handle */

static void release(struct holdfast *hf)
{
    hf_buffer_release(&hf->out);
    hf_buffer_release(&hf->in);
    hf_buffer_release(&hf->answer.body);
    free(hf->entries);
    free(hf->op_lines);
    free(hf->replies);
    free(hf->result_lines);
    free(hf->reservation_lines);
    free(hf);
}

static uint32_t or_default(uint32_t given, uint32_t otherwise)
{
    return given != 0 ? given : otherwise;
}

struct holdfast *holdfast_connect(const char *address, const struct holdfast_options *options,
                                  char *error, size_t error_bytes)
{
    struct holdfast *hf = calloc(1, sizeof *hf);
    if (hf == NULL) {
        (void)snprintf(error, error_bytes, "out of memory");
        return NULL;
    }
    hf->fd = -1;
    hf->correlation_next = 1;
    if (options != NULL) {
        hf->options = *options;
    }
    hf->options.connect_timeout_ms =
        or_default(hf->options.connect_timeout_ms, HF_CLIENT_CONNECT_TIMEOUT_MS);
    hf->options.request_timeout_ms =
        or_default(hf->options.request_timeout_ms, HF_CLIENT_REQUEST_TIMEOUT_MS);
    if (hf->options.in_flight_bytes_max == 0) {
        hf->options.in_flight_bytes_max = HF_CLIENT_IN_FLIGHT_BYTES;
    }
    if (hf->options.name != NULL) {
        (void)snprintf(hf->name, sizeof hf->name, "%s", hf->options.name);
        hf->options.name = hf->name;
    }
    bool is_connected = false;
    if (hf_client_set_address(hf, address)) {
        is_connected = hf_client_connect(hf, hf->options.connect_timeout_ms);
    } else {
        hf_client_set_error(hf, "\"%s\" is not an address: HOST:PORT, HOST or [IPv6]:PORT",
                            address);
    }
    if (!is_connected) {
        if (error != NULL && error_bytes > 0) {
            (void)snprintf(error, error_bytes, "%s", hf->error);
        }
        release(hf);
        return NULL;
    }
    hf->handles_tag = hf->handle_tag;
    return hf;
}

const struct holdfast_server *holdfast_server(const struct holdfast *hf)
{
    return &hf->server;
}

const char *holdfast_error(const struct holdfast *hf)
{
    return hf->error;
}

int holdfast_fd(const struct holdfast *hf)
{
    return hf->fd;
}

bool holdfast_wants_write(const struct holdfast *hf)
{
    return hf->fd >= 0 && hf_buffer_count(&hf->out) > 0;
}

size_t holdfast_in_flight(const struct holdfast *hf)
{
    HF_ASSERT(hf->entries_count >= hf->abandoned_count);
    return hf->entries_count - hf->abandoned_count;
}

/* ------------------------------------------------------------------ memory */

bool hf_client_reserve(void **array, size_t *array_max, size_t count, size_t size)
{
    if (count <= *array_max) {
        return true;
    }
    size_t wanted = *array_max == 0 ? 64 : *array_max;
    while (wanted < count) {
        wanted *= 2;
    }
    void *memory = realloc(*array, wanted * size);
    if (memory == NULL) {
        return false;
    }
    *array = memory;
    *array_max = wanted;
    return true;
}

/* Double the ring; its entries move to the front, oldest first. */
static bool grow_entries(struct holdfast *hf)
{
    const size_t wanted = hf->entries_max == 0 ? 64 : hf->entries_max * 2;
    struct hf_client_entry *entries = malloc(wanted * sizeof *entries);
    if (entries == NULL) {
        return false;
    }
    for (size_t i = 0; i < hf->entries_count; i++) {
        entries[i] = hf->entries[(hf->entries_first + i) & (hf->entries_max - 1)];
    }
    free(hf->entries);
    hf->entries = entries;
    hf->entries_max = wanted;
    hf->entries_first = 0;
    return true;
}

struct hf_client_entry *hf_client_entry_next(struct holdfast *hf)
{
    if (hf->entries_count == hf->entries_max && !grow_entries(hf)) {
        return NULL;
    }
    return &hf->entries[(hf->entries_first + hf->entries_count) & (hf->entries_max - 1)];
}

void hf_client_push(struct holdfast *hf)
{
    HF_ASSERT(hf->entries_count < hf->entries_max);
    const struct hf_client_entry *entry =
        &hf->entries[(hf->entries_first + hf->entries_count) & (hf->entries_max - 1)];
    hf->in_flight_bytes += entry->frame_bytes;
    hf->entries_count += 1;
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

/* ------------------------------------------------------------------ submit */

static void fill_replies(struct holdfast_reply *replies, size_t count, enum hf_err outcome,
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

/* Where a call that cannot be sent is wrong. */
struct fault {
    size_t op_index;
    enum hf_field field;
};

static enum holdfast_outcome refuse(struct holdfast *hf, struct fault *fault, size_t op_index,
                                    enum hf_field field, const char *why)
{
    *fault = (struct fault){op_index, field};
    hf_client_set_error(hf, "operation %zu cannot be sent: %s", op_index, why);
    return HOLDFAST_INVALID_ARGUMENT;
}

/* Can these operations stand in one frame? */
static enum holdfast_outcome check_ops(struct holdfast *hf, const struct holdfast_op *ops,
                                       size_t count, struct fault *fault)
{
    if (count == 0 || count > hf->server.operations_max || count > HF_FRAME_COUNT_MAX) {
        hf_client_set_error(hf, "%zu operations in one call: 1 to %u are possible", count,
                            hf->server.operations_max);
        *fault = (struct fault){0, HF_FIELD_COUNT};
        return HOLDFAST_INVALID_ARGUMENT;
    }
    for (size_t i = 0; i < count; i++) {
        if (!hf_operation_is_write((unsigned)ops[i].kind)) {
            return refuse(hf, fault, i, HF_FIELD_OPERATION, "its kind is not one of a write");
        }
        if (ops[i].kind != ops[0].kind) {
            return refuse(hf, fault, i, HF_FIELD_OPERATION,
                          "the operations of one call must be of one kind");
        }
        if (ops[i].lines_count > HOLDFAST_LINES_MAX ||
            (ops[i].lines_count > 0 && ops[i].lines == NULL)) {
            return refuse(hf, fault, i, HF_FIELD_LINES, "it has too many lines");
        }
        if ((ops[i].flags & ~(uint32_t)HF_OP_FLAGS_ALL) != 0) {
            return refuse(hf, fault, i, HF_FIELD_FLAGS, "it has a flag that does not exist");
        }
    }
    return HOLDFAST_OK;
}

/* The operation as the codec wants it; its lines go into hf->op_lines, which is large enough. */
static struct hf_op op_of(struct holdfast *hf, const struct holdfast_op *from)
{
    const bool has_handles = (from->flags & HOLDFAST_HANDLES) != 0;

    for (size_t i = 0; i < from->lines_count; i++) {
        const struct holdfast_line *line = &from->lines[i];
        struct hf_op_line *to = &hf->op_lines[i];

        to->sku = has_handles ? (struct hf_text){0} : hf_client_text(line->sku);
        to->location = has_handles ? (struct hf_text){0} : hf_client_text(line->location);
        to->sku_handle = line->sku_handle;
        to->location_handle = line->location_handle;
        to->units = line->units;
        to->if_version = line->if_version;
        to->safety_stock = line->safety_stock;
        to->low_stock = line->low_stock;
        to->backorder_limit = line->backorder_limit;
    }
    return (struct hf_op){
        .kind = (enum hf_kind)from->kind,
        .flags = from->flags,
        .reason = (enum hf_reason)from->reason,
        .id = hf_client_text(from->id),
        .old_id = hf_client_text(from->old_id),
        .ref = hf_client_text(from->ref),
        .order = hf_client_text(from->order),
        .by = hf_client_text(from->by),
        .ttl_us = from->ttl_us,
        .lines = hf->op_lines,
        .lines_count = (uint32_t)from->lines_count,
    };
}

/* Put the frame at the end of hf->out. On a refusal hf->out is as it was. */
static enum holdfast_outcome encode(struct holdfast *hf, const struct holdfast_op *ops,
                                    size_t count, struct fault *fault, size_t *frame_bytes)
{
    const size_t bytes_before = hf_buffer_count(&hf->out);
    const size_t place = hf_frame_begin(&hf->out);
    struct hf_frame frame = {.operation = (unsigned)ops[0].kind,
                             .count = (uint32_t)count,
                             .correlation = hf->correlation_next};
    enum hf_err err = HF_OK;

    for (size_t i = 0; i < count && err == HF_OK; i++) {
        if (!hf_client_reserve((void **)&hf->op_lines, &hf->op_lines_max, ops[i].lines_count,
                               sizeof *hf->op_lines)) {
            err = HF_NO_MEMORY;
            break;
        }
        const struct hf_op op = op_of(hf, &ops[i]);
        if ((op.flags & HF_OP_HANDLES) != 0) {
            frame.handle_tag = hf->handles_tag;
        }
        err = hf_request_put_op(&hf->out, &op);
        HF_ASSERT(err == HF_OK || err == HF_NO_MEMORY); /* check_ops, hf_client_text */
    }
    if (err == HF_OK) {
        err = hf_frame_end(&hf->out, place, &frame);
    }
    if (err != HF_OK) {
        hf_client_set_error(hf, "out of memory");
        hf_buffer_cut(&hf->out, bytes_before);
        hf->out.is_failed = false; /* what was queued before is whole, and memory may come back */
        return HOLDFAST_BUSY;
    }
    *frame_bytes = hf_buffer_count(&hf->out) - bytes_before;
    if (*frame_bytes > hf->server.frame_bytes_max) {
        hf_client_set_error(hf, "a frame of %zu bytes: the server takes %u", *frame_bytes,
                            hf->server.frame_bytes_max);
        hf_buffer_cut(&hf->out, bytes_before);
        *fault = (struct fault){0, HF_FIELD_COUNT};
        return HOLDFAST_INVALID_ARGUMENT;
    }
    return HOLDFAST_OK;
}

static enum holdfast_outcome submit(struct holdfast *hf, const struct holdfast_op *ops,
                                    size_t count, holdfast_replies_cb cb, void *arg,
                                    struct fault *fault)
{
    size_t frame_bytes = 0;

    if (!hf_client_ready(hf)) {
        return HOLDFAST_UNKNOWN;
    }
    enum holdfast_outcome outcome = check_ops(hf, ops, count, fault);
    if (outcome != HOLDFAST_OK) {
        return outcome;
    }
    struct hf_client_entry *entry = hf_client_entry_next(hf);
    if (entry == NULL ||
        !hf_client_reserve((void **)&hf->replies, &hf->replies_max, count, sizeof *hf->replies)) {
        hf_client_set_error(hf, "out of memory");
        return HOLDFAST_BUSY;
    }
    outcome = encode(hf, ops, count, fault, &frame_bytes);
    if (outcome != HOLDFAST_OK) {
        return outcome;
    }
    if (hf->entries_count > 0 &&
        hf->in_flight_bytes + frame_bytes > hf->options.in_flight_bytes_max) {
        hf_client_set_error(hf, "more than %zu bytes in flight", hf->options.in_flight_bytes_max);
        hf_buffer_cut(&hf->out, hf_buffer_count(&hf->out) - frame_bytes);
        return HOLDFAST_BUSY;
    }
    *entry = (struct hf_client_entry){
        .correlation = hf->correlation_next++,
        .frame_bytes = frame_bytes,
        .count = (uint32_t)count,
        .operation = (unsigned)ops[0].kind,
        .wish = HF_WISH_REPLIES,
        .cb = cb,
        .arg = arg,
    };
    hf_client_push(hf);
    return HOLDFAST_OK;
}

enum holdfast_outcome holdfast_submit(struct holdfast *hf, const struct holdfast_op *ops,
                                      size_t count, holdfast_replies_cb cb, void *arg)
{
    struct fault fault = {0};
    HF_ASSERT(cb != NULL);
    return submit(hf, ops, count, cb, arg, &fault);
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

static enum hf_err decode_reply(struct holdfast *hf, struct hf_reader *body,
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
    struct hf_reader body = hf_reader_of(frame->body, frame->body_bytes);
    size_t lines_count = 0;

    if ((frame->flags & HF_FRAME_ERROR) != 0) {
        struct hf_reply reply;
        if (hf_reply_next(&body, &reply) != HF_OK || reply.outcome == HF_OK) {
            return false;
        }
        fill_replies(hf->replies, count, reply.outcome, reply.field);
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

static bool keep_answer(struct holdfast *hf, const struct hf_frame *frame)
{
    struct hf_client_answer *answer = &hf->answer;

    answer->outcome = HF_OK;
    answer->field = HF_FIELD_NONE;
    hf_buffer_clear(&answer->body);
    if ((frame->flags & HF_FRAME_ERROR) != 0) {
        struct hf_reader body = hf_reader_of(frame->body, frame->body_bytes);
        struct hf_reply reply;
        if (hf_reply_next(&body, &reply) != HF_OK || reply.outcome == HF_OK) {
            return false;
        }
        answer->outcome = reply.outcome;
        answer->field = reply.field;
    } else if (frame->count != 1 ||
               !hf_buffer_append(&answer->body, frame->body, frame->body_bytes)) {
        return false;
    }
    answer->is_there = true;
    return true;
}

/* Tell the callers of all frames in flight that nobody knows. The socket is closed already. */
static void answer_unknown(struct holdfast *hf)
{
    HF_ASSERT(hf->fd == -1);

    while (hf->entries_count > 0) {
        const struct hf_client_entry entry = pop(hf);
        if (entry.wish == HF_WISH_REPLIES) {
            HF_ASSERT(entry.count <= hf->replies_max);
            fill_replies(hf->replies, entry.count, HF_UNKNOWN, HF_FIELD_NONE);
            entry.cb(entry.arg, hf->replies, entry.count);
        } else if (entry.wish == HF_WISH_ANSWER) {
            hf->answer.outcome = HF_UNKNOWN;
            hf->answer.field = HF_FIELD_NONE;
            hf->answer.is_there = true;
        }
    }
    HF_ASSERT(hf->in_flight_bytes == 0);
    HF_ASSERT(hf->abandoned_count == 0);
}

static bool unreadable(struct holdfast *hf)
{
    hf_client_set_error(hf, "the server's reply cannot be read");
    return false;
}

/* A frame has arrived. False: it does not answer the oldest frame in flight (C1). */
static bool take_frame(struct holdfast *hf, const struct hf_frame *frame)
{
    if ((frame->flags & HF_FRAME_ERROR) != 0 && frame->correlation == 0) {
        struct hf_reader body = hf_reader_of(frame->body, frame->body_bytes);
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
    if (oldest->wish == HF_WISH_ANSWER && !keep_answer(hf, frame)) {
        return unreadable(hf);
    }
    const struct hf_client_entry entry = pop(hf);
    if (entry.wish == HF_WISH_REPLIES) {
        entry.cb(entry.arg, hf->replies, entry.count);
    }
    return true;
}

/* Take the whole frames from hf->in. False: the connection is of no use any more. */
static bool take_frames(struct holdfast *hf)
{
    const size_t frame_bytes_max = (size_t)hf->server.frame_bytes_max * HF_REPLY_FACTOR;

    while (hf_buffer_count(&hf->in) > 0) {
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
    while (!is_empty) {
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
        answer_unknown(hf);
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

void holdfast_close(struct holdfast *hf)
{
    if (hf == NULL) {
        return;
    }
    HF_ASSERT(!hf->is_processing); /* a callback must not close */
    hf->is_closing = true;
    hf_client_drop(hf);
    answer_unknown(hf);
    release(hf);
}

/* ------------------------------------------------------------------ blocking */

bool hf_client_may_block(struct holdfast *hf)
{
    if (hf->is_processing || hf->is_closing) {
        hf_client_set_error(hf, "a callback must not make a blocking call");
        return false;
    }
    if (holdfast_in_flight(hf) > 0) {
        hf_client_set_error(hf, "a blocking call while frames are in flight");
        return false;
    }
    return true;
}

bool hf_client_await(struct holdfast *hf)
{
    HF_ASSERT(hf->entries_count > 0);

    const uint64_t correlation = hf->correlation_next - 1;
    const int64_t deadline_ms = hf_client_now_ms() + hf->options.request_timeout_ms;
    while (hf->entries_count > 0) {
        const int64_t left_ms = deadline_ms - hf_client_now_ms();
        if (left_ms <= 0) {
            break;
        }
        (void)holdfast_wait(hf, (int)(left_ms > 60000 ? 60000 : left_ms));
    }
    if (hf->entries_count == 0) {
        return true;
    }
    struct hf_client_entry *newest =
        &hf->entries[(hf->entries_first + hf->entries_count - 1) & (hf->entries_max - 1)];
    HF_ASSERT(newest->correlation == correlation);
    newest->wish = HF_WISH_NOTHING;
    hf->abandoned_count += 1;
    hf_client_set_error(hf, "no reply within %u ms", hf->options.request_timeout_ms);
    return false;
}

struct execution {
    struct holdfast_reply *replies;
    size_t count;
};

static void execute_done(void *arg, const struct holdfast_reply *replies, size_t count)
{
    const struct execution *execution = arg;
    HF_ASSERT(count == execution->count);
    memcpy(execution->replies, replies, count * sizeof *replies);
}

enum holdfast_outcome holdfast_execute(struct holdfast *hf, const struct holdfast_op *ops,
                                       size_t count, struct holdfast_reply *replies)
{
    struct execution execution = {replies, count};
    struct fault fault = {0};

    if (!hf_client_may_block(hf)) {
        fill_replies(replies, count, HF_INVALID_ARGUMENT, HF_FIELD_NONE);
        return HOLDFAST_INVALID_ARGUMENT;
    }
    const enum holdfast_outcome outcome = submit(hf, ops, count, execute_done, &execution, &fault);
    if (outcome != HOLDFAST_OK) {
        fill_replies(replies, count, (enum hf_err)outcome, HF_FIELD_NONE);
        if (fault.field != HF_FIELD_NONE && fault.op_index < count) {
            replies[fault.op_index].field = hf_field_name(fault.field);
        }
        return outcome;
    }
    if (!hf_client_await(hf)) {
        fill_replies(replies, count, HF_UNKNOWN, HF_FIELD_NONE);
        return HOLDFAST_UNKNOWN;
    }
    for (size_t i = 0; i < count; i++) {
        if (replies[i].outcome != HOLDFAST_OK) {
            return replies[i].outcome;
        }
    }
    return HOLDFAST_OK;
}
