/*
 * dispatch.h - one frame becomes calls of the engine, and their results one reply frame.
 *
 *     frame --> known operation? count? handle_tag? --> due holds end (a bounded step)
 *                       |                                   |
 *                  error frame              item --> decode --> engine --> reply item, in order
 *                                                                 |
 *                                              gate: the engine's newest LSN afterwards
 *
 * Invariants:
 *     I1  every frame is answered by exactly one frame: at once, or later when it became a job
 *     I2  `gate_lsn` covers all that the reply tells of, so a reply that waits for it never tells
 *         of something a crash could take back (DESIGN.md P3); reads wait like writes
 *     I3  a malformed item changes nothing and does not touch its neighbours; of a linked group
 *         all fail
 *     I4  a reply to questions stays within frame_bytes_max; one to writes within
 *         HF_REPLY_FACTOR times that: lines of refusals that would not fit are left out
 *
 * Nothing is allocated per frame besides the reply's bytes: lines are decoded into an array that
 * is as large as the largest frame needs, touched only as far as frames use it.
 *
 * Given from outside: engine, log, clock. Loop thread only.
 */
#ifndef HF_NET_DISPATCH_H
#define HF_NET_DISPATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/engine.h"
#include "net/backing_up.h"
#include "net/buffer.h"
#include "net/clock.h"
#include "net/reading.h"
#include "net/feed.h"
#include "net/frame.h"
#include "net/log.h"

#define HF_OPERATIONS_MAX_DEFAULT 8192u /* items in one frame */
/* At most half of a reply may go into the headers of its items. */
static inline uint32_t hf_operations_max_of(uint32_t frame_bytes_max)
{
    const uint32_t fitting = frame_bytes_max / 2 / 32;
    return fitting < HF_FRAME_COUNT_MAX ? fitting : HF_FRAME_COUNT_MAX;
}
#define HF_EXPIRE_STEP 256u          /* holds released before a frame, or in one turn */
#define HF_AUDIT_STEP 4096u          /* cells and reservations judged, or digested, in one turn */
#define HF_PAGE_ENTRIES_DEFAULT 256u /* of ledger, order and list, when no limit is given */
#define HF_PAGE_ENTRIES_MAX 4096u
#define HF_PAGES_MAX 16u /* pages of orders, ledgers, lists ... in one frame: each is a walk */
#define HF_EXPORT_BYTES_DEFAULT (UINT64_C(256) * 1024 * 1024)

struct hf_dispatch_config {
    uint32_t frame_bytes_max;  /* HF_FRAME_BYTES_MIN .. HF_FRAME_BYTES_LIMIT */
    uint32_t operations_max;   /* 1 .. hf_operations_max_of(frame_bytes_max) */
    uint64_t export_bytes_max; /* kept aside for an export; 0: HF_EXPORT_BYTES_DEFAULT */
};

/* A frame whose answer takes a while: audit and digest in slices, a snapshot or a backup in the
 * background. */
struct hf_job {
    unsigned operation; /* 0: no job */
    uint64_t correlation;
    bool is_done; /* snapshot, backup: the log has said so */
    enum hf_err err;
    const char *why; /* backup: static text for `err` */
    uint64_t lsn;
    struct hf_audit audit;
    bool is_digesting; /* the engine's digest run is this job's */
    struct hf_digest digest;
};

struct hf_dispatch {
    struct hf_engine *engine;
    const struct hf_log *log;
    const struct hf_clock *clock;
    uint32_t frame_bytes_max;
    uint32_t operations_max;
    uint64_t export_bytes_max;
    uint32_t handle_tag;

    struct hf_feed *feed;       /* the server's; NULL: nobody may subscribe */
    uint32_t connections_count; /* kept by the server, for stats */
    uint64_t frames_count;
    uint64_t operations_count;

    /* private */
    struct hf_op_line *lines;
    uint32_t lines_max;
    struct hf_op *group;             /* HF_LINKED_MAX */
    struct hf_result *group_results; /* HF_LINKED_MAX */
    struct hf_job *snapshot_job;     /* whose snapshot runs; NULL: none, or its asker has gone */
    bool is_snapshot_running;
    struct hf_reading reading;
    struct hf_backing_up backing_up;
};

/* All pointers must outlive the dispatch. HF_NO_MEMORY leaves it released. */
enum hf_err hf_dispatch_init(struct hf_dispatch *dispatch, const struct hf_dispatch_config *config,
                             struct hf_engine *engine, const struct hf_log *log,
                             const struct hf_clock *clock);
/* Accepts a zeroed dispatch. No job may be open. */
void hf_dispatch_release(struct hf_dispatch *dispatch);

/*
 * Execute a frame that hf_frame_decode accepted and add its reply to `out`. False: it became a
 * job, `job` (which was free) is filled, and hf_dispatch_step will answer. *gate_lsn is the LSN
 * that must be durable before the reply may leave. A lack of memory is in out->is_failed; what the
 * frame did stays done.
 */
bool hf_dispatch_frame(struct hf_dispatch *dispatch, const struct hf_frame *frame,
                       struct hf_buffer *out, struct hf_job *job, uint64_t *gate_lsn);

/* Go on with a job, by a bounded step. True: its reply was added to `out`, and `job` is free. */
bool hf_dispatch_step(struct hf_dispatch *dispatch, struct hf_job *job, struct hf_buffer *out,
                      uint64_t *gate_lsn);
/* True when a call of hf_dispatch_step would do something now. */
bool hf_dispatch_is_ready(const struct hf_job *job);
/*
 * The asker has gone: `job`, open or free, will not be stepped again and its memory may go. Ends
 * the export that was begun with it, too: a connection is known here by the address of its job.
 */
void hf_dispatch_abandon(struct hf_dispatch *dispatch, struct hf_job *job);

/*
 * Release holds that are due, at most HF_EXPIRE_STEP. True when more may be due now. Nothing is
 * released while the log takes no writes.
 */
bool hf_dispatch_expire(struct hf_dispatch *dispatch);

#endif
