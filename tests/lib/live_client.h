/*
 * live_client.h - deeds (history.h) over libholdfast, against a real server.
 *
 *     hf_live_work   a client that asks what its workload says, pipelined, until the connection
 *                    breaks or its memory for deeds is used up; what it then waits for is not known
 *     hf_live_port   how a proof asks (history.h), by blocking calls
 *
 * A handle, and the deeds of its client, belong to one thread at a time.
 */
#ifndef HF_TESTS_LIVE_CLIENT_H
#define HF_TESTS_LIVE_CLIENT_H

#include "net/holdfast.h"
#include "tests/lib/workload.h"

struct hf_live {
    struct holdfast *hf;
    struct hf_history *history;
    void (*answered_cb)(void *arg); /* after each reply frame; may be NULL */
    void *arg;
};

/* False: no connection is to be had, which is right when the server was just killed. */
bool hf_live_open(struct hf_live *live, struct hf_history *history, const char *address);
void hf_live_close(struct hf_live *live);

/* Keep up to `frames_max` frames in flight. Returns when the connection has broken, or every deed
 * that there was memory for has been answered. The handle is closed then. */
void hf_live_work(struct hf_live *live, struct hf_workload *workload, uint32_t frames_max);

/* Questions now and then, whose answers tell of LSNs; snapshots, too, when `with_snapshots`.
 * Returns when the connection has broken or `rounds` are done. The handle is closed then. */
void hf_live_observe(struct hf_live *live, uint64_t seed, bool with_snapshots, uint32_t rounds);

struct hf_port hf_live_port(struct hf_live *live);

#endif
