/*
 * feed_world.h - the change feed in a world of its own: wire_world.h with a feed, and a log whose
 * files are an array. The test says what is durable, what memory has forgotten, where the files
 * begin, and when a read comes back with what.
 *
 *     struct hf_feed_world *world = hf_feed_world_create(256);
 *     hf_feed_world_receive(world, "PHONE", "BERLIN", 10);      one record
 *     hf_feed_world_sync(world);                                all is durable
 *     hf_feed_world_forget(world, 7);                           memory begins with LSN 7
 *     ... subscribe, hf_feed_round(&world->feed, true) ...
 *     hf_feed_world_answer(world, HF_OK);                       the oldest read comes back
 *     hf_feed_world_free(world);
 */
#ifndef HF_TESTS_FEED_WORLD_H
#define HF_TESTS_FEED_WORLD_H

#include "net/feed.h"
#include "tests/lib/wire_world.h"

#define HF_FEED_WORLD_RECORDS 4096u
#define HF_FEED_WORLD_READS 8u

struct hf_feed_world {
    struct hf_world world; /* first: the log's ctx is both */
    struct hf_feed feed;
    struct hf_log_ops ops;
    struct hf_log_epoch epochs[8];
    uint64_t first_lsn; /* of the files */

    struct hf_buffer files; /* all records ever */
    size_t offsets[HF_FEED_WORLD_RECORDS + 2];
    uint64_t kept_lsn; /* in the files */

    struct {
        uint64_t from_lsn;
        size_t bytes_max;
        hf_log_records_cb done;
        void *arg;
    } reads[HF_FEED_WORLD_READS];
    uint32_t reads_count;    /* under way */
    uint64_t arrivals_count; /* of arrived_cb */
    enum hf_err read_err;    /* what `read` itself answers; HF_OK: it begins */
};

struct hf_feed_world *hf_feed_world_create(uint32_t subscriptions_max);
void hf_feed_world_free(struct hf_feed_world *world);

/* Apply; returns the LSN afterwards. Ends the program when it is refused. */
uint64_t hf_feed_world_apply(struct hf_feed_world *world, const struct hf_op *op);
uint64_t hf_feed_world_receive(struct hf_feed_world *world, const char *sku, const char *location,
                               int64_t units);
/* One record that changes `lines_count` cells of a location. */
uint64_t hf_feed_world_receive_many(struct hf_feed_world *world, uint32_t lines_count,
                                    const char *location);
/* All is durable, and the connection is told. */
void hf_feed_world_sync(struct hf_feed_world *world);
/* Memory begins with this LSN. */
void hf_feed_world_forget(struct hf_feed_world *world, uint64_t first_lsn);
/* The oldest read under way ends with `err`; HF_OK: with the records. */
void hf_feed_world_answer(struct hf_feed_world *world, enum hf_err err);

/* Put a subscribe frame into `out`. */
void hf_feed_world_put_subscribe(struct hf_buffer *out, const struct hf_subscription *wish,
                                 uint64_t correlation);
/* Subscribe without a connection; the outcome of the answer, whose token is in *token. */
enum hf_err hf_feed_world_subscribe(struct hf_feed_world *world, const struct hf_subscription *wish,
                                    struct hf_subscriber *subscriber, struct hf_token *token);

#endif
