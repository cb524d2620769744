#include "tests/sim/consumer.h"

#include <inttypes.h>

#include "engine/assert.h"
#include "net/codec.h"

#define SUBSCRIBE_CORRELATION 2u

void hf_consumer_init(struct hf_consumer *consumer, struct hf_node *node,
                      struct hf_history *history)
{
    *consumer = (struct hf_consumer){.node = node, .history = history, .token = {1, 0}};
    hf_follow_init(&consumer->follow, history, "consumer", 0);
    consumer->kept = consumer->follow;
}

void hf_consumer_connect(struct hf_consumer *consumer)
{
    const struct hf_frame hello = {.operation = HF_ASK_HELLO, .count = 1, .correlation = 1};
    const struct hf_frame subscribe = {
        .operation = HF_ASK_SUBSCRIBE, .count = 1, .correlation = SUBSCRIBE_CORRELATION};
    const struct hf_subscription wish = {.after = consumer->token};

    if (consumer->is_connected) {
        return;
    }
    const uint32_t link = hf_node_connect(consumer->node);
    if (link == HF_NODE_LINK_NONE) {
        return;
    }
    struct hf_buffer *out = &consumer->node->links[link].to_server;
    size_t place = hf_frame_begin(out);
    hf_hello_put(out, hf_text_of("consumer"));
    HF_ASSERT(hf_frame_end(out, place, &hello) == HF_OK);
    place = hf_frame_begin(out);
    HF_ASSERT(hf_subscription_put(out, &wish) == HF_OK);
    HF_ASSERT(hf_frame_end(out, place, &subscribe) == HF_OK);
    consumer->link = link;
    consumer->is_connected = true;
    consumer->is_subscribed = false;
    consumer->follow = consumer->kept;
    consumer->resumes_count += consumer->token.lsn != 0 ? 1 : 0;
}

void hf_consumer_disconnect(struct hf_consumer *consumer)
{
    if (consumer->is_connected) {
        hf_buffer_clear(&consumer->node->links[consumer->link].to_client);
    }
    consumer->is_connected = false;
}

static bool take_events(struct hf_consumer *consumer, const struct hf_frame *frame)
{
    struct hf_items body = hf_items_of(frame->body, frame->body_bytes);
    struct hf_token token;

    if (hf_events_head_next(&body, &token) != HF_OK) {
        return hf_history_blame(consumer->history, "a frame of events that is not whole");
    }
    for (uint32_t i = 0; i < frame->count; i++) {
        struct hf_event event;
        struct hf_items hits;
        uint32_t epoch;
        if (hf_event_next(&body, &event, &epoch, &hits) != HF_OK) {
            return hf_history_blame(consumer->history, "an event that is not whole");
        }
        if (!hf_follow_take(&consumer->follow, &event)) {
            return false;
        }
    }
    if (token.lsn < consumer->token.lsn) {
        return hf_history_blame(consumer->history, "a token of LSN %" PRIu64 " after %" PRIu64,
                                token.lsn, consumer->token.lsn);
    }
    hf_history_see(consumer->history, token.lsn); /* only what is durable is told */
    if (token.lsn == consumer->token.lsn) {
        return true; /* inside an operation, or a sign of life */
    }
    consumer->token = token;
    if (!hf_follow_even(&consumer->follow, token.lsn)) {
        return false;
    }
    consumer->kept = consumer->follow;
    return true;
}

/* The subscription has ended, or did not begin. */
static bool take_end(struct hf_consumer *consumer, const struct hf_reply *reply)
{
    if (reply->outcome == HF_GONE) {
        if (consumer->token.lsn > reply->lsn) {
            return hf_history_blame(consumer->history,
                                    "lost: the feed told of LSN %" PRIu64
                                    ", now the history ends at %" PRIu64,
                                    consumer->token.lsn, reply->lsn);
        }
        consumer->token = (struct hf_token){(uint32_t)reply->argument, reply->lsn};
        hf_follow_init(&consumer->follow, consumer->history, "consumer", reply->lsn);
        consumer->kept = consumer->follow;
        consumer->gone_count++;
    }
    hf_node_cut(consumer->node, consumer->link, true);
    hf_consumer_disconnect(consumer);
    return true;
}

static bool take_frame(struct hf_consumer *consumer, const struct hf_frame *frame)
{
    struct hf_items body = hf_items_of(frame->body, frame->body_bytes);
    struct hf_reply reply;

    if (frame->operation == HF_ASK_HELLO) {
        return true;
    }
    if (frame->correlation != SUBSCRIBE_CORRELATION) {
        return hf_history_blame(consumer->history, "the feed answers what was not asked");
    }
    if (frame->operation == HF_ASK_EVENTS && (frame->flags & HF_FRAME_ERROR) == 0) {
        return take_events(consumer, frame);
    }
    if (hf_reply_next(&body, &reply) != HF_OK) {
        return hf_history_blame(consumer->history, "a reply of the feed that is not whole");
    }
    if (reply.outcome != HF_OK || frame->operation != HF_ASK_SUBSCRIBE) {
        return take_end(consumer, &reply);
    }
    consumer->is_subscribed = true;
    if (reply.lsn != consumer->token.lsn) {
        return hf_history_blame(consumer->history,
                                "a subscription after LSN %" PRIu64 " begins at %" PRIu64,
                                consumer->token.lsn, reply.lsn);
    }
    return true;
}

bool hf_consumer_read(struct hf_consumer *consumer)
{
    while (consumer->is_connected) {
        struct hf_buffer *in = &consumer->node->links[consumer->link].to_client;
        struct hf_frame frame;
        size_t frame_bytes;
        enum hf_field fault;
        const enum hf_err err =
            hf_frame_decode(hf_buffer_front(in), hf_buffer_count(in), 4 * HF_FEED_OUT_BYTES_MAX,
                            HF_FRAME_REPLY | HF_FRAME_ERROR, &frame, &frame_bytes, &fault);
        if (err == HF_TRUNCATED) {
            return true;
        }
        if (err != HF_OK) {
            return hf_history_blame(consumer->history, "the feed sends what is no frame");
        }
        if (!take_frame(consumer, &frame)) {
            return false;
        }
        if (consumer->is_connected) {
            hf_buffer_take(in, frame_bytes);
        }
    }
    return true;
}
