/*
 * wire_world.h - one connection in a world of its own: real dispatch and engine, and a log, a clock
 * and a transport that the test sets. One thread, no sockets, no time.
 *
 *     struct hf_world world;
 *     hf_world_init(&world);
 *     hf_world_hello(&world);                                   the welcome was read
 *     hf_world_send(&world, HF_KIND_RECEIVE, &request, 1);      bytes to the connection
 *     assert_false(hf_world_next(&world, &frame));              nothing came: it is not durable
 *     hf_world_sync(&world);                                    everything is, and was told
 *     assert_true(hf_world_next(&world, &frame));
 *     hf_world_release(&world);
 */
#ifndef HF_TESTS_WIRE_WORLD_H
#define HF_TESTS_WIRE_WORLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/codec.h"
#include "net/connection.h"
#include "net/dispatch.h"

#define HF_WORLD_TIME_US UINT64_C(1772366400000000) /* where the clocks start */

struct hf_world {
    struct hf_engine *engine;
    struct hf_dispatch dispatch;
    struct hf_connection connection;

    /* log */
    struct hf_log log;
    uint64_t published_lsn;
    uint64_t durable_lsn;
    enum hf_err writable;
    uint32_t writable_calls;  /* so many more calls answer HF_OK before that */
    enum hf_err snapshot_err; /* what the log answers when asked for one */
    void (*snapshot_done)(void *arg, enum hf_err err, uint64_t lsn);
    void *snapshot_arg;         /* of the one under way, while snapshot_done is not NULL */
    hf_log_backup_cb backup_cb; /* of the newest backup that was begun; NULL: none was */
    void *backup_arg;
    char backup_name[256];

    /* clock */
    struct hf_clock clock;
    uint64_t now_us;

    /* transport */
    size_t send_max; /* bytes that one send takes */
    struct hf_buffer sent;
    size_t read_bytes; /* of `sent`, by hf_world_next */
    bool is_paused;
    uint32_t pauses_count;
    uint32_t finishes_count;

    struct hf_buffer request;  /* what is being sent */
    uint64_t next_correlation; /* of hf_world_send */
};

/* Ready for bytes, hello not said. `out_bytes_max` 0: the default. */
void hf_world_init(struct hf_world *world, size_t out_bytes_max);
void hf_world_release(struct hf_world *world);

/* Say hello and read the welcome. */
void hf_world_hello(struct hf_world *world);
/* Give a frame to the connection; returns its correlation. */
uint64_t hf_world_send(struct hf_world *world, unsigned operation,
                       const struct hf_request *requests, uint32_t count);
/* The same for operations whose body is empty. */
uint64_t hf_world_ask(struct hf_world *world, unsigned operation);
/* Give bytes to the connection. */
void hf_world_receive(struct hf_world *world, const void *bytes, size_t bytes_count);
/* Everything that was published and not is durable; tell the connection. */
void hf_world_sync(struct hf_world *world);

/* The next reply frame that was sent; false: none, or not whole. Valid until more is sent. */
bool hf_world_next(struct hf_world *world, struct hf_frame *frame);
/* The same, and its only item. The caller knows it must be there; else the program ends. */
struct hf_reply hf_world_reply(struct hf_world *world);

#endif
