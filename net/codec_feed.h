/*
 * codec_feed.h - the bytes of the change feed: subscribe, events (PROTOCOL.md 3.17, 3.18).
 *
 *     server:  struct hf_event --hf_event_put--> entry     entry --passes--> copied as it is
 *     client:  entry --hf_event_next--> struct hf_event
 *
 * Entries are encoded once and go to many subscribers: nothing in one depends on who gets it.
 * Filters look at the encoded entry. codec_feed.c is the only code that knows these offsets.
 *
 * Stateless; both sides of the wire use it.
 */
#ifndef HF_NET_CODEC_FEED_H
#define HF_NET_CODEC_FEED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/engine.h"
#include "net/codec.h"

enum hf_feed_flag { HF_FEED_MOVES = 1, HF_FEED_STOCK = 2 };
#define HF_FEED_FLAGS_ALL 3u

/* Everything after it: a place in the log. */
struct hf_token {
    uint32_t epoch;
    uint64_t lsn;
};

/* The body of a subscribe. */
struct hf_subscription {
    struct hf_token after; /* epoch 0: from now on */
    unsigned flags;        /* enum hf_feed_flag */
    struct hf_text location;
    struct hf_text prefix; /* of the SKU's code */
    uint64_t kinds[2];     /* bit k of 128: kind k is wanted; all zero: all */
};

/* HF_INVALID_ARGUMENT: a text is longer than HF_TEXT_BYTES_MAX. HF_NO_MEMORY: out has failed. */
enum hf_err hf_subscription_put(struct hf_buffer *out, const struct hf_subscription *subscription);
/* HF_INVALID_ARGUMENT, *field: layout, flags, location, sku, token. Texts point into `body`. */
enum hf_err hf_subscription_read(struct hf_items body, struct hf_subscription *subscription,
                                 enum hf_field *field);

/* The head of an events frame's body: everything up to the token was given. */
#define HF_EVENTS_HEAD_BYTES 16u
void hf_events_head_put(unsigned char *at, const struct hf_token *token);
/* HF_CORRUPT: it is not there whole. */
enum hf_err hf_events_head_next(struct hf_items *body, struct hf_token *token);

/* The longest entry: all figures, six texts of 64 bytes, HF_HITS_MAX hits. */
#define HF_EVENT_ENTRY_BYTES_MAX (160u + 6 * 64 + HF_HITS_MAX * (16 + 64))

/* Add an entry; a lack of memory is in out->is_failed. */
void hf_event_put(struct hf_buffer *out, const struct hf_event *event, uint32_t epoch);
/*
 * Read the next entry. event->hits is NULL and hits_count counts them: hf_event_hit_next gives
 * them from `hits`. HF_CORRUPT: it does not lie whole in the entries.
 */
enum hf_err hf_event_next(struct hf_items *entries, struct hf_event *event, uint32_t *epoch,
                          struct hf_items *hits);
enum hf_err hf_event_hit_next(struct hf_items *hits, struct hf_hit *hit);

/* ---- entries that this process has put: known to be whole */

size_t hf_event_entry_bytes(const unsigned char *entry);
uint64_t hf_event_entry_lsn(const unsigned char *entry);
uint32_t hf_event_entry_index(const unsigned char *entry);
/* Does the subscription want it? (its `after` and HF_FEED_MOVES are not looked at) */
bool hf_event_entry_passes(const unsigned char *entry, const struct hf_subscription *subscription);

#endif
