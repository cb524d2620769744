#include "net/feed.h"

#include <string.h>

#include "engine/assert.h"
#include "engine/ledger.h"

static uint64_t monotonic_us(const struct hf_feed *feed)
{
    return feed->clock->monotonic_us(feed->clock->ctx);
}

static uint64_t durable_lsn(const struct hf_feed *feed)
{
    return feed->log->ops->durable_lsn(feed->log->ctx);
}

void hf_feed_init(struct hf_feed *feed, const struct hf_feed_config *config,
                  struct hf_engine *engine, const struct hf_log *log, const struct hf_clock *clock,
                  void (*arrived_cb)(void *arg), void *arg)
{
    *feed = (struct hf_feed){.engine = engine, .log = log, .clock = clock, .config = *config};
    hf_feed_cache_init(&feed->cache, engine, log, arrived_cb, arg);
}

void hf_feed_release(struct hf_feed *feed)
{
    HF_ASSERT(feed->subscribers_count == 0);
    hf_feed_cache_release(&feed->cache);
    *feed = (struct hf_feed){0};
}

/* ------------------------------------------------------------------ tokens */

/* The last LSN of epoch number `index` of the log. */
static uint64_t last_lsn_of(const struct hf_feed *feed, uint32_t index)
{
    const struct hf_log *log = feed->log;
    return index + 1 < log->epochs_count ? log->epochs[index + 1].first_lsn - 1 : durable_lsn(feed);
}

/*
 * The end of what a consumer with this token and the log have in common; the token itself when
 * that is all of it. An epoch that is not the log's own is another history from the end of the
 * newest epoch below it on, at the latest.
 */
static struct hf_token shared_history(const struct hf_feed *feed, const struct hf_token *token)
{
    const struct hf_log *log = feed->log;
    uint32_t index = 0;

    while (index + 1 < log->epochs_count && log->epochs[index + 1].epoch <= token->epoch) {
        index++;
    }
    const uint64_t before_lsn = log->epochs[index].first_lsn - 1;
    const uint64_t last_lsn = last_lsn_of(feed, index);
    struct hf_token shared = {log->epochs[index].epoch, token->lsn};
    if (shared.lsn < before_lsn) {
        shared.epoch = hf_feed_epoch(log, shared.lsn); /* an LSN of an older epoch */
    }
    if (shared.lsn > last_lsn) {
        shared.lsn = last_lsn;
    }
    return shared;
}

enum hf_err hf_feed_judge(struct hf_feed *feed, struct hf_token *token)
{
    if (token->epoch == 0) {
        token->lsn = durable_lsn(feed);
        token->epoch = hf_feed_epoch(feed->log, token->lsn);
        return HF_OK;
    }
    const struct hf_token asked = *token;
    const uint64_t first_lsn = hf_feed_first_lsn(&feed->cache);
    HF_ASSERT(feed->log->epochs_count > 0);
    *token = shared_history(feed, token);
    if (token->lsn + 1 < first_lsn) {
        token->lsn = first_lsn - 1;
        token->epoch = hf_feed_epoch(feed->log, token->lsn);
    }
    return token->lsn == asked.lsn && token->epoch == asked.epoch ? HF_OK : HF_GONE;
}

/* ------------------------------------------------------------------ coming and going */

static void link_subscriber(struct hf_feed *feed, struct hf_subscriber *subscriber)
{
    struct hf_subscriber *first = feed->subscribers;

    subscriber->feed = feed;
    feed->subscribers_count++;
    if (first == NULL) {
        subscriber->next = subscriber;
        subscriber->previous = subscriber;
        feed->subscribers = subscriber;
        return;
    }
    subscriber->next = first;
    subscriber->previous = first->previous;
    first->previous->next = subscriber;
    first->previous = subscriber;
}

void hf_feed_unsubscribe(struct hf_subscriber *subscriber)
{
    struct hf_feed *feed = subscriber->feed;
    if (feed == NULL) {
        return;
    }
    subscriber->feed = NULL;
    feed->subscribers_count--;
    if (feed->subscribers == subscriber) {
        feed->subscribers = subscriber->next == subscriber ? NULL : subscriber->next;
    }
    subscriber->previous->next = subscriber->next;
    subscriber->next->previous = subscriber->previous;
}

/* Keep what the frame says; its bytes are gone afterwards. */
static void keep_wish(struct hf_subscriber *subscriber, const struct hf_subscription *wish)
{
    subscriber->wish = *wish;
    if (wish->location.bytes_count > 0) {
        memcpy(subscriber->location, wish->location.bytes, wish->location.bytes_count);
    }
    if (wish->prefix.bytes_count > 0) {
        memcpy(subscriber->prefix, wish->prefix.bytes, wish->prefix.bytes_count);
    }
    subscriber->wish.location.bytes = subscriber->location;
    subscriber->wish.prefix.bytes = subscriber->prefix;
}

static enum hf_err judge_wish(struct hf_feed *feed, struct hf_subscription *wish)
{
    if (wish->location.bytes_count > 0 &&
        hf_engine_location(feed->engine, wish->location) == HF_HANDLE_NONE) {
        return HF_UNKNOWN_LOCATION;
    }
    if (feed->subscribers_count >= feed->config.subscriptions_max) {
        return HF_LIMIT_EXCEEDED;
    }
    return hf_feed_judge(feed, &wish->after);
}

bool hf_feed_subscribe(struct hf_feed *feed, const struct hf_frame *frame,
                       struct hf_subscriber *subscriber, struct hf_buffer *out)
{
    struct hf_subscription wish;
    enum hf_field field = HF_FIELD_COUNT;

    HF_ASSERT(subscriber->feed == NULL);
    if (frame->count != 1 ||
        hf_subscription_read(hf_items_of(frame->body, frame->body_bytes), &wish, &field) != HF_OK) {
        hf_reply_put_error(out, frame->operation, frame->correlation, HF_INVALID_ARGUMENT, field);
        return false;
    }
    const enum hf_err err = judge_wish(feed, &wish);
    const bool has_token = err == HF_OK || err == HF_GONE;
    const struct hf_reply reply = {
        .outcome = err,
        .lsn = has_token ? wish.after.lsn : durable_lsn(feed),
        .argument = has_token ? wish.after.epoch : 0,
        .line_index = UINT32_MAX,
    };
    const struct hf_frame answer = {.operation = frame->operation,
                                    .flags = HF_FRAME_REPLY,
                                    .count = 1,
                                    .correlation = frame->correlation};
    const size_t place = hf_frame_begin(out);
    hf_reply_put_plain(out, &reply);
    (void)hf_frame_end(out, place, &answer); /* a failure stays in out->is_failed */
    if (err != HF_OK) {
        return false;
    }
    keep_wish(subscriber, &wish);
    subscriber->correlation = frame->correlation;
    subscriber->lsn = wish.after.lsn;
    subscriber->entries_passed = 0;
    subscriber->told_lsn = wish.after.lsn;
    subscriber->told_us = monotonic_us(feed);
    subscriber->is_due = true;
    link_subscriber(feed, subscriber);
    return true;
}

/*
 * Where a consumer may start anew whose next record can be had no more. When the log still claims
 * to hold it, its files cannot be read there: memory holds what comes later.
 */
static struct hf_token token_beyond(struct hf_feed *feed, struct hf_token token)
{
    if (hf_feed_judge(feed, &token) == HF_OK) {
        const struct hf_ledger *ledger = hf_engine_ledger(feed->engine);
        if (token.lsn + 1 < ledger->first_lsn) {
            token.lsn = ledger->first_lsn - 1;
        }
        token.epoch = hf_feed_epoch(feed->log, token.lsn);
    }
    return token;
}

void hf_feed_end(struct hf_subscriber *subscriber, enum hf_err outcome, struct hf_buffer *out)
{
    struct hf_feed *feed = subscriber->feed;
    struct hf_token token = {hf_feed_epoch(feed->log, subscriber->lsn), subscriber->lsn};

    if (outcome == HF_GONE) {
        token = token_beyond(feed, token);
    }
    const struct hf_reply reply = {
        .outcome = outcome, .lsn = token.lsn, .argument = token.epoch, .line_index = UINT32_MAX};
    const struct hf_frame frame = {.operation = HF_ASK_EVENTS,
                                   .flags = HF_FRAME_REPLY | HF_FRAME_ERROR,
                                   .count = 1,
                                   .correlation = subscriber->correlation};
    const size_t place = hf_frame_begin(out);
    hf_reply_put_plain(out, &reply);
    (void)hf_frame_end(out, place, &frame); /* a failure stays in out->is_failed */
    hf_feed_unsubscribe(subscriber);
}

/* ------------------------------------------------------------------ frames */

static void spend(struct hf_feed *feed, size_t bytes_count)
{
    feed->turn_bytes -= bytes_count < feed->turn_bytes ? bytes_count : feed->turn_bytes;
}

/* May the whole chunk go as it is? */
static bool is_whole_wanted(const struct hf_subscriber *subscriber,
                            const struct hf_feed_chunk *chunk)
{
    const struct hf_subscription *wish = &subscriber->wish;
    return chunk->first_lsn == subscriber->lsn + 1 && subscriber->entries_passed == 0 &&
           hf_buffer_count(&chunk->entries) <= HF_FEED_FRAME_BYTES &&
           (wish->flags & HF_FEED_STOCK) == 0 && (wish->kinds[0] | wish->kinds[1]) == 0 &&
           wish->location.bytes_count == 0 && wish->prefix.bytes_count == 0;
}

/* Copy the entries that pass and come after the subscriber's place; moves the place on. */
static uint32_t copy_entries(struct hf_subscriber *subscriber, const struct hf_feed_chunk *chunk,
                             struct hf_buffer *out, size_t body_place)
{
    const unsigned char *at = hf_buffer_front(&chunk->entries);
    const unsigned char *end = at + hf_buffer_count(&chunk->entries);
    const uint64_t next_lsn = subscriber->lsn + 1;
    uint32_t count = 0;

    for (; at < end; at += hf_event_entry_bytes(at)) {
        const uint64_t lsn = hf_event_entry_lsn(at);
        const uint32_t index = hf_event_entry_index(at);
        if (lsn < next_lsn || (lsn == next_lsn && index < subscriber->entries_passed)) {
            continue;
        }
        if (hf_buffer_count(out) - body_place >= HF_FEED_FRAME_BYTES) {
            subscriber->lsn = lsn - 1;
            subscriber->entries_passed = index;
            return count;
        }
        if (hf_event_entry_passes(at, &subscriber->wish)) {
            (void)hf_buffer_append(out, at, hf_event_entry_bytes(at));
            count++;
        }
    }
    subscriber->lsn = chunk->last_lsn;
    subscriber->entries_passed = 0;
    return count;
}

/* Begin an events frame; returns its place. The head is written at its end. */
static size_t begin_frame(struct hf_buffer *out)
{
    const size_t place = hf_frame_begin(out);
    (void)hf_buffer_add(out, HF_EVENTS_HEAD_BYTES); /* a failure stays in out->is_failed */
    return place;
}

static void end_frame(struct hf_subscriber *subscriber, struct hf_buffer *out, size_t place,
                      uint32_t count)
{
    struct hf_feed *feed = subscriber->feed;
    const struct hf_token token = {hf_feed_epoch(feed->log, subscriber->lsn), subscriber->lsn};
    const struct hf_frame frame = {.operation = HF_ASK_EVENTS,
                                   .flags = HF_FRAME_REPLY,
                                   .count = count,
                                   .correlation = subscriber->correlation};

    subscriber->told_lsn = subscriber->lsn;
    subscriber->told_us = monotonic_us(feed);
    feed->events_count += count;
    if (!out->is_failed) {
        hf_events_head_put(hf_buffer_front(out) + place + HF_FRAME_HEADER_BYTES, &token);
        (void)hf_frame_end(out, place, &frame);
    }
}

/* A frame without events, when it is time for one: the token moves on, or the line is alive. */
static enum hf_feed_step tell_progress(struct hf_subscriber *subscriber, struct hf_buffer *out)
{
    const uint64_t passed = subscriber->lsn - subscriber->told_lsn;
    const uint64_t silent_us = monotonic_us(subscriber->feed) - subscriber->told_us;

    if (passed < HF_FEED_PROGRESS_LSNS && (passed == 0 || silent_us < HF_FEED_PROGRESS_US) &&
        silent_us < HF_FEED_KEEPALIVE_US) {
        return HF_FEED_NOTHING;
    }
    end_frame(subscriber, out, begin_frame(out), 0);
    return HF_FEED_FRAME;
}

/* The events of one chunk. HF_FEED_NOTHING: none was wanted, the place has moved on. */
static enum hf_feed_step tell_chunk(struct hf_subscriber *subscriber,
                                    const struct hf_feed_chunk *chunk, struct hf_buffer *out)
{
    struct hf_feed *feed = subscriber->feed;
    const size_t bytes_before = hf_buffer_count(out);
    const size_t place = begin_frame(out);
    uint32_t count = chunk->entries_count;

    if (is_whole_wanted(subscriber, chunk)) {
        (void)hf_buffer_append(out, hf_buffer_front(&chunk->entries),
                               hf_buffer_count(&chunk->entries));
        subscriber->lsn = chunk->last_lsn;
        spend(feed, hf_buffer_count(&chunk->entries));
    } else {
        count = copy_entries(subscriber, chunk, out, hf_buffer_count(out));
        spend(feed, hf_buffer_count(&chunk->entries) / 4 + hf_buffer_count(out) - bytes_before);
    }
    if (count == 0) {
        hf_buffer_cut(out, bytes_before);
        return HF_FEED_NOTHING;
    }
    end_frame(subscriber, out, place, count);
    return HF_FEED_FRAME;
}

enum hf_feed_step hf_feed_next(struct hf_subscriber *subscriber, struct hf_buffer *out)
{
    struct hf_feed *feed = subscriber->feed;
    const uint64_t newest_lsn = durable_lsn(feed);

    while (subscriber->lsn < newest_lsn && feed->turn_bytes > 0 && !out->is_failed) {
        const struct hf_feed_chunk *chunk;
        const uint64_t encoded_before = feed->cache.encoded_bytes;
        const enum hf_err err =
            hf_feed_cache_get(&feed->cache, subscriber->lsn + 1, newest_lsn,
                              (subscriber->wish.flags & HF_FEED_MOVES) != 0, &chunk);
        /* Encoding costs several times what copying does. */
        spend(feed, (size_t)(feed->cache.encoded_bytes - encoded_before) * 3);
        if (err == HF_BUSY || err == HF_NO_MEMORY) {
            break;
        }
        if (err != HF_OK) {
            hf_feed_end(subscriber, err == HF_IO ? HF_BUSY : HF_GONE, out);
            return HF_FEED_ENDED;
        }
        if (tell_chunk(subscriber, chunk, out) == HF_FEED_FRAME) {
            return HF_FEED_FRAME;
        }
    }
    return tell_progress(subscriber, out);
}

bool hf_feed_is_even(const struct hf_subscriber *subscriber)
{
    return subscriber->lsn >= durable_lsn(subscriber->feed);
}

/* ------------------------------------------------------------------ rounds */

void hf_feed_due(struct hf_subscriber *subscriber)
{
    subscriber->is_due = true;
}

bool hf_feed_round(struct hf_feed *feed, bool everyone)
{
    const uint32_t count = feed->subscribers_count;

    feed->turn_bytes = HF_FEED_TURN_BYTES;
    for (uint32_t i = 0; i < count && everyone; i++) {
        feed->subscribers->is_due = true;
        feed->subscribers = feed->subscribers->next;
    }
    for (uint32_t i = 0; i < count && feed->subscribers != NULL && feed->turn_bytes > 0; i++) {
        struct hf_subscriber *subscriber = feed->subscribers;
        feed->subscribers = subscriber->next; /* first: serving may end it */
        if (!subscriber->is_due) {
            continue;
        }
        subscriber->is_due = false;
        subscriber->serve(subscriber->ctx);
        if (feed->turn_bytes == 0) {
            subscriber->is_due = true; /* the work ended, perhaps not what it had to be told */
        }
    }
    const bool is_more = feed->turn_bytes == 0;
    feed->turn_bytes = 0;
    return is_more;
}

void hf_feed_stats(const struct hf_feed *feed, struct hf_feed_stats *stats)
{
    *stats = (struct hf_feed_stats){.subscriptions_count = feed->subscribers_count,
                                    .events_count = feed->events_count};
    const struct hf_subscriber *subscriber = feed->subscribers;
    for (uint32_t i = 0; i < feed->subscribers_count; i++, subscriber = subscriber->next) {
        const uint64_t newest_lsn = durable_lsn(feed);
        const uint64_t lag = newest_lsn > subscriber->lsn ? newest_lsn - subscriber->lsn : 0;
        stats->lag_max = lag > stats->lag_max ? lag : stats->lag_max;
    }
}
