/*
 * consumer.h - one who subscribes to the feed of the simulated server, and resumes by token.
 *
 *     hello, subscribe after the token --> events, token --> events, token --> ... broken
 *         ^------------------------------------------------------------------------'
 *
 * It knows nothing but what it was told: what follow.h checks of the events must be true across
 * every death of the server and every broken connection, because a token outlives both. An
 * operation whose events were not told to the end is told again after a break.
 */
#ifndef HF_SIM_CONSUMER_H
#define HF_SIM_CONSUMER_H

#include "net/codec_feed.h"
#include "tests/sim/follow.h"
#include "tests/sim/node.h"

struct hf_consumer {
    struct hf_node *node;
    struct hf_history *history;
    struct hf_follow follow;
    struct hf_follow kept; /* at the token */
    struct hf_token token;
    bool is_connected;
    bool is_subscribed; /* the server has said so */
    uint32_t link;
    uint64_t resumes_count; /* subscriptions after the first */
    uint64_t gone_count;    /* told that the log does not reach back to the token */
};

void hf_consumer_init(struct hf_consumer *consumer, struct hf_node *node,
                      struct hf_history *history);
/* Connect and subscribe when it is not. */
void hf_consumer_connect(struct hf_consumer *consumer);
/* The connection is gone; what had come of it was read, or is lost. */
void hf_consumer_disconnect(struct hf_consumer *consumer);
/* Read all frames that have come whole. False: a violation, in the history. */
bool hf_consumer_read(struct hf_consumer *consumer);

#endif
