/*
 * client_feed.c - the change feed, as a consumer sees it: subscribe once, then take frames.
 *
 *     socket --> in --> events frame --> callback for each event --> token
 *
 * A frame's token never stands inside an operation; a huge operation may be spread over several
 * frames. They are given in one call, so that a token that the caller has stands between whole
 * operations. When the connection breaks in between, the caller keeps the token from before it
 * and will be given the operation again, whole.
 *
 * Nothing is allocated for an event: texts are copied into one room, zero-terminated.
 */
#include "net/client.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "engine/assert.h"
#include "net/codec_feed.h"

_Static_assert((int)HOLDFAST_FEED_MOVES == (int)HF_FEED_MOVES, "moves");
_Static_assert((int)HOLDFAST_FEED_STOCK == (int)HF_FEED_STOCK, "stock");

#define TEXTS_COUNT 6

struct hf_client_feed {
    char texts[TEXTS_COUNT][HF_CODE_BYTES_MAX + 1];
    struct holdfast_hit hits[HF_HITS_MAX];
};

/* ------------------------------------------------------------------ subscribe */

static enum holdfast_outcome ask(struct holdfast *hf, const struct hf_subscription *wish,
                                 struct hf_reply *reply)
{
    const struct hf_client_start start = hf_client_begin(hf);
    const enum hf_err err = hf_subscription_put(&hf->out, wish);
    const struct hf_client_entry like = {
        .count = 1, .operation = HF_ASK_SUBSCRIBE, .wish = HF_WISH_ANSWER};

    hf->feed_correlation = hf->correlation_next;
    const enum holdfast_outcome queued = hf_client_queue(hf, &start, err, &like);
    if (queued != HOLDFAST_OK) {
        return queued;
    }
    hf->answer.is_there = false;
    if (!hf_client_await(hf)) {
        /* Should it still be answered, events would follow that nobody waits for. */
        hf_client_drop(hf);
        hf_client_answer_unknown(hf);
        return HOLDFAST_UNKNOWN;
    }
    HF_ASSERT(hf->answer.is_there);
    if (hf->answer.outcome != HF_OK) {
        return hf_client_fail(hf, (enum holdfast_outcome)hf->answer.outcome,
                              hf->answer.field == HF_FIELD_NONE ? hf_strerror(hf->answer.outcome)
                                                                : hf_field_name(hf->answer.field));
    }
    struct hf_items body =
        hf_items_of(hf_buffer_front(&hf->answer.body), hf_buffer_count(&hf->answer.body));
    if (hf_reply_next(&body, reply) != HF_OK || body.at != body.end) {
        return hf_client_unreadable(hf);
    }
    return (enum holdfast_outcome)reply->outcome;
}

enum holdfast_outcome holdfast_subscribe(struct holdfast *hf,
                                         const struct holdfast_subscription *subscription,
                                         struct holdfast_token *token)
{
    const struct hf_subscription wish = {
        .after = {subscription->after.epoch, subscription->after.lsn},
        .flags = subscription->flags,
        .location = hf_client_text(subscription->location),
        .prefix = hf_client_text(subscription->sku_prefix),
        .kinds = {subscription->kinds[0], subscription->kinds[1]},
    };
    struct hf_reply reply = {0};

    if (!hf_client_may_block(hf)) {
        return HOLDFAST_INVALID_ARGUMENT;
    }
    if (subscription->flags > UINT16_MAX) {
        return hf_client_fail(hf, HOLDFAST_INVALID_ARGUMENT, "it has a flag that does not exist");
    }
    if (!hf_client_ready(hf)) {
        return HOLDFAST_UNKNOWN;
    }
    if (hf->feed == NULL) {
        hf->feed = malloc(sizeof *hf->feed);
        if (hf->feed == NULL) {
            return hf_client_fail(hf, HOLDFAST_BUSY, "out of memory");
        }
    }
    const enum holdfast_outcome outcome = ask(hf, &wish, &reply);
    if (outcome == HOLDFAST_OK || outcome == HOLDFAST_GONE) {
        *token = (struct holdfast_token){(uint32_t)reply.argument, reply.lsn};
    }
    if (outcome != HOLDFAST_OK && outcome != HOLDFAST_UNKNOWN && hf->answer.outcome == HF_OK) {
        const char *why = reply.field == HF_FIELD_NONE ? hf_strerror((enum hf_err)outcome)
                                                       : hf_field_name(reply.field);
        return hf_client_fail(hf, outcome, why);
    }
    return outcome;
}

/* ------------------------------------------------------------------ events */

/* Zero-terminated, in the room of text `index`; NULL for an empty one. */
static const char *keep_text(struct hf_client_feed *feed, unsigned index, struct hf_text text)
{
    if (text.bytes_count == 0) {
        return NULL;
    }
    memcpy(feed->texts[index], text.bytes, text.bytes_count);
    feed->texts[index][text.bytes_count] = '\0';
    return feed->texts[index];
}

/* The next entry as an event for the caller. False: it cannot be read. */
static bool take_event(struct hf_client_feed *feed, struct hf_items *entries,
                       struct holdfast_event *event)
{
    struct hf_event from;
    struct hf_items hits;
    uint32_t epoch;

    if (hf_event_next(entries, &from, &epoch, &hits) != HF_OK) {
        return false;
    }
    const struct hf_text texts[TEXTS_COUNT] = {from.sku,   from.location, from.ref,
                                               from.order, from.by,       from.id};
    const char *kept[TEXTS_COUNT];
    for (unsigned i = 0; i < TEXTS_COUNT; i++) {
        if (texts[i].bytes_count > HF_CODE_BYTES_MAX) {
            return false;
        }
        kept[i] = keep_text(feed, i, texts[i]);
    }
    for (uint32_t i = 0; i < from.hits_count; i++) {
        struct hf_hit hit;
        if (hf_event_hit_next(&hits, &hit) != HF_OK ||
            !hf_client_copy_text(feed->hits[i].reservation, hit.reservation)) {
            return false;
        }
        feed->hits[i].units = hit.units;
    }
    *event = (struct holdfast_event){
        .lsn = from.lsn,
        .epoch = epoch,
        .index = from.index,
        .ts_us = (int64_t)from.ts_us,
        .kind = (enum holdfast_kind)from.kind,
        .reason = (enum holdfast_reason)from.reason,
        .state = (enum holdfast_state)from.state,
        .sku = kept[0],
        .location = kept[1],
        .ref = kept[2],
        .order = kept[3],
        .by = kept[4],
        .id = kept[5],
        .delta = hf_client_counters(from.delta),
        .after = hf_client_counters(from.after),
        .ats = from.ats,
        .missing = from.missing,
        .hits = from.hits_count > 0 ? feed->hits : NULL,
        .hits_count = from.hits_count,
    };
    return true;
}

/* One call of holdfast_next_events. */
struct taking {
    struct holdfast *hf;
    holdfast_event_cb cb;
    void *arg;
    struct hf_token token; /* of the last frame */
    uint64_t last_lsn;     /* of the last event given; 0: none */
    bool has_batch;        /* a frame was given that ends with a whole operation */
};

/* Give the events of a frame. False: it cannot be read. */
static bool take_events(struct taking *taking, const struct hf_frame *frame)
{
    struct holdfast *hf = taking->hf;
    struct hf_items body = hf_items_of(frame->body, frame->body_bytes);
    struct holdfast_event event;
    bool is_read = hf_events_head_next(&body, &taking->token) == HF_OK;

    hf->is_processing = true;
    for (uint32_t i = 0; i < frame->count && is_read; i++) {
        is_read = take_event(hf->feed, &body, &event);
        if (is_read) {
            taking->last_lsn = event.lsn;
            taking->cb(taking->arg, &event);
        }
    }
    hf->is_processing = false;
    return is_read && body.at == body.end;
}

/* The server has ended the subscription, or the connection as a whole. */
static enum holdfast_outcome take_end(struct taking *taking, const struct hf_frame *frame)
{
    struct hf_items body = hf_items_of(frame->body, frame->body_bytes);
    struct hf_reply reply;

    if (hf_reply_next(&body, &reply) != HF_OK || reply.outcome == HF_OK) {
        return hf_client_unreadable(taking->hf);
    }
    if (reply.outcome != HF_GONE && reply.outcome != HF_BUSY) {
        hf_client_set_error(taking->hf, "the server gave up the connection: %s (%s)",
                            hf_strerror(reply.outcome), hf_field_name(reply.field));
        return HOLDFAST_UNKNOWN;
    }
    taking->token = (struct hf_token){(uint32_t)reply.argument, reply.lsn};
    return hf_client_fail(taking->hf, (enum holdfast_outcome)reply.outcome,
                          reply.outcome == HF_GONE ? hf_strerror(reply.outcome)
                                                   : "the consumer takes too little");
}

/* HOLDFAST_OK: a frame was taken; *has_frame says so, else more bytes are needed. */
static enum holdfast_outcome take_frame(struct taking *taking, bool *has_frame)
{
    struct holdfast *hf = taking->hf;
    struct hf_frame frame;
    size_t frame_bytes;
    enum hf_field fault;

    *has_frame = false;
    const enum hf_err err =
        hf_frame_decode(hf_buffer_front(&hf->in), hf_buffer_count(&hf->in),
                        (size_t)hf->server.frame_bytes_max * HF_REPLY_FACTOR,
                        HF_FRAME_REPLY | HF_FRAME_ERROR, &frame, &frame_bytes, &fault);
    if (err == HF_TRUNCATED) {
        return HOLDFAST_OK;
    }
    if (err != HF_OK) {
        hf_client_set_error(hf, "the server's frame is damaged: bad %s", hf_field_name(fault));
        return HOLDFAST_UNKNOWN;
    }
    if ((frame.flags & HF_FRAME_ERROR) != 0) {
        /* Events that were given come with their own token; the end is for the next call. */
        return taking->has_batch ? HOLDFAST_OK : take_end(taking, &frame);
    }
    if ((frame.flags & HF_FRAME_REPLY) == 0 || frame.operation != HF_ASK_EVENTS ||
        frame.correlation != hf->feed_correlation || !take_events(taking, &frame)) {
        return hf_client_unreadable(hf);
    }
    hf_buffer_take(&hf->in, frame_bytes);
    *has_frame = true;
    return HOLDFAST_OK;
}

/* Wait for more bytes. HOLDFAST_OK with *is_over: none came in time, or a signal did. */
static enum holdfast_outcome wait_for_bytes(struct holdfast *hf, int64_t deadline_ms, bool *is_over)
{
    struct pollfd waited = {.fd = hf->fd, .events = POLLIN};
    int left_ms = -1;
    bool is_empty;

    if (deadline_ms >= 0) {
        const int64_t left = deadline_ms - hf_client_now_ms();
        left_ms = left < 0 ? 0 : left > 60000 ? 60000 : (int)left;
    }
    const int ready = poll(&waited, 1, left_ms);
    *is_over = ready < 0 || (ready == 0 && (left_ms <= 0 || hf_client_now_ms() >= deadline_ms));
    if (ready < 0 && errno != EINTR) {
        return hf_client_fail(hf, HOLDFAST_UNKNOWN, strerror(errno));
    }
    return ready <= 0 || hf_client_receive(hf, &is_empty) ? HOLDFAST_OK : HOLDFAST_UNKNOWN;
}

/* All frames that are there, at least one; until the token stands behind all events given. */
static enum holdfast_outcome take_batch(struct taking *taking, int64_t deadline_ms)
{
    struct holdfast *hf = taking->hf;

    for (;;) {
        bool has_frame;
        bool is_over = false;
        enum holdfast_outcome outcome = take_frame(taking, &has_frame);
        if (outcome != HOLDFAST_OK) {
            return outcome;
        }
        const bool is_inside = taking->last_lsn > taking->token.lsn;
        if (has_frame && is_inside) {
            /* The rest of the operation is on its way. */
            deadline_ms = hf_client_now_ms() + hf->options.request_timeout_ms;
        }
        taking->has_batch = !is_inside && (has_frame || taking->has_batch);
        if (has_frame) {
            continue;
        }
        if (taking->has_batch) {
            return HOLDFAST_OK;
        }
        outcome = wait_for_bytes(hf, deadline_ms, &is_over);
        if (outcome != HOLDFAST_OK) {
            return outcome;
        }
        if (is_over && !is_inside) {
            return HOLDFAST_OK;
        }
        if (is_over && hf_client_now_ms() >= deadline_ms) {
            return hf_client_fail(hf, HOLDFAST_UNKNOWN, "the rest of an operation did not come");
        }
    }
}

enum holdfast_outcome holdfast_next_events(struct holdfast *hf, int timeout_ms,
                                           holdfast_event_cb cb, void *arg,
                                           struct holdfast_token *token)
{
    struct taking taking = {.hf = hf, .cb = cb, .arg = arg, .token = {token->epoch, token->lsn}};

    HF_ASSERT(!hf->is_processing); /* a callback must not ask for more */
    if (!hf->is_feed) {
        return hf_client_fail(hf, hf->fd < 0 ? HOLDFAST_UNKNOWN : HOLDFAST_INVALID_ARGUMENT,
                              "the connection has not subscribed, or was lost");
    }
    const int64_t deadline_ms = timeout_ms < 0 ? -1 : hf_client_now_ms() + timeout_ms;
    const enum holdfast_outcome outcome = take_batch(&taking, deadline_ms);
    if (outcome != HOLDFAST_OK) {
        hf_client_drop(hf);
    }
    if (outcome != HOLDFAST_UNKNOWN) {
        *token = (struct holdfast_token){taking.token.epoch, taking.token.lsn};
    }
    return outcome;
}
