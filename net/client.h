/*
 * client.h - inside libholdfast: one connection, what is on its way, and what was answered.
 *
 *     submit --> out --> socket --> server --> socket --> in --> decode --> callback
 *                 \___ in_flight: one entry a frame, oldest first, popped by its reply ___/
 *
 * Invariants:
 *     C1   replies come in the order of the frames (PROTOCOL.md 1), so a reply answers the oldest
 *          frame in flight or the connection is broken
 *     C2   a frame that was queued is answered exactly once: by its reply, or HOLDFAST_UNKNOWN
 *     C3   the library never sends a frame twice; what is unknown stays unknown to it
 *     C4   nothing is allocated for an operation: every array here grows to the largest batch
 *          and stays
 *
 * A broken connection has fd -1 and nothing in flight. The next call opens it again when the
 * options allow that, but never from inside a callback.
 *
 * A blocking call is a submit and a wait. One that runs into its time-out abandons its entry: the
 * reply, should it still come, is dropped, and the connection lives on.
 */
#ifndef HF_NET_CLIENT_H
#define HF_NET_CLIENT_H

#include "net/buffer.h"
#include "net/codec.h"
#include "net/frame.h"
#include "net/holdfast.h"

#define HF_CLIENT_ERROR_BYTES 512
#define HF_CLIENT_CONNECT_TIMEOUT_MS 5000
#define HF_CLIENT_REQUEST_TIMEOUT_MS 30000
#define HF_CLIENT_IN_FLIGHT_BYTES (16u * 1024 * 1024)
#define HF_CLIENT_READ_BYTES (256u * 1024) /* asked of the socket at once */

/* What becomes of a reply. */
enum hf_client_wish {
    HF_WISH_REPLIES, /* a write: decode, then call `cb` */
    HF_WISH_ANSWER,  /* a question of a blocking call: keep the body in hf->answer */
    HF_WISH_ATS,     /* a pipelined ATS read: decode, then call `cb` */
    HF_WISH_NOTHING  /* its caller has given up */
};

struct hf_client_entry {
    uint64_t correlation;
    size_t frame_bytes; /* of the request */
    uint32_t count;     /* items */
    unsigned operation;
    enum hf_client_wish wish;
    union {
        holdfast_replies_cb replies;
        holdfast_ats_cb ats;
    } cb;
    void *arg;
};

struct hf_client_answer {
    bool is_there;
    enum hf_err outcome; /* of the frame; HF_OK: `body` holds its items */
    enum hf_field field;
    struct hf_buffer body;
};

struct hf_client_feed; /* client_feed.c: room for one event */

struct holdfast {
    int fd;             /* -1: broken */
    bool is_feed;       /* it has subscribed: frames are left to client_feed.c */
    bool is_processing; /* inside holdfast_process, or a callback of a read */
    bool is_closing;
    struct holdfast_options options; /* zeros replaced by the defaults */
    char name[65];
    char host[256];
    char port[32];
    char error[HF_CLIENT_ERROR_BYTES];

    struct holdfast_server server;
    uint32_t handle_tag;  /* of the server we are connected to */
    uint32_t handles_tag; /* of the server that the caller's handles are from */

    struct hf_buffer out;
    struct hf_buffer in;
    uint64_t correlation_next;
    int64_t last_heard_ms; /* when the connection last proved to be alive */

    struct hf_client_entry *entries; /* a ring, entries_max a power of two */
    size_t entries_max;
    size_t entries_first;
    size_t entries_count;
    size_t abandoned_count;
    size_t in_flight_bytes;

    struct hf_op_line *op_lines;
    size_t op_lines_max;
    struct holdfast_reply *replies;
    size_t replies_max;
    struct holdfast_reply *replies_retired; /* outgrown while a callback reads it */
    struct holdfast_result_line *result_lines;
    size_t result_lines_max;
    struct holdfast_reservation_line *reservation_lines;
    size_t reservation_lines_max;
    struct holdfast_shipment_line *shipment_lines;
    size_t shipment_lines_max;
    struct holdfast_ats *ats;
    size_t ats_max;
    size_t ats_count;
    struct hf_client_answer answer;
    struct hf_client_feed *feed;
    uint64_t feed_correlation; /* of the subscribe */
};

/* ---- client_connect.c */

int64_t hf_client_now_ms(void);
/* Say what went wrong, for holdfast_error. */
void hf_client_set_error(struct holdfast *hf, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Split "HOST:PORT", "HOST", "[v6]:PORT" into hf->host and hf->port. False: not an address. */
bool hf_client_set_address(struct holdfast *hf, const char *address);
/* Connect and say hello within `timeout_ms`. False: hf->error says why. */
bool hf_client_connect(struct holdfast *hf, int64_t timeout_ms);
/* A connection to submit to: the one there is, or a new one when the options allow. */
bool hf_client_ready(struct holdfast *hf);
/* Close the socket and forget its bytes. The entries stay: their callers are still to be told. */
void hf_client_drop(struct holdfast *hf);

/* ---- client.c */

/* Make room for `count` items of `size` in a grow-only array; false: no memory. */
bool hf_client_reserve(void **array, size_t *array_max, size_t count, size_t size);
/* The same for hf->replies, which a running callback may be reading. */
bool hf_client_reserve_replies(struct holdfast *hf, size_t count);
/* Room for one more entry in the ring. False: no memory. */
bool hf_client_make_room(struct holdfast *hf);
/* Add an entry behind the others; there is room. */
void hf_client_push(struct holdfast *hf, const struct hf_client_entry *entry);
/* Does the connection carry the change feed, and nothing else? True: hf->error says so. */
bool hf_client_is_feed(struct holdfast *hf);
/* May a blocking call begin? False: hf->error says why not. */
bool hf_client_may_block(struct holdfast *hf);
/*
 * Process until the newest entry is answered or the request's time is over, which abandons it.
 * True: answered (perhaps with HOLDFAST_UNKNOWN).
 */
bool hf_client_await(struct holdfast *hf);

/* ---- client_submit.c */

/* Where a call that cannot be sent is wrong. */
struct hf_client_fault {
    size_t op_index;
    enum hf_field field;
};

/* holdfast_submit, which also says where a refused call is wrong. */
enum holdfast_outcome hf_client_submit(struct holdfast *hf, const struct holdfast_op *ops,
                                       size_t count, holdfast_replies_cb cb, void *arg,
                                       struct hf_client_fault *fault);

struct hf_client_start {
    size_t place; /* of hf_frame_begin */
    size_t bytes_before;
    bool has_handles;
};
/* Begin a frame at the end of hf->out; its items are put next. */
struct hf_client_start hf_client_begin(struct holdfast *hf);
/*
 * End the frame and queue it as an entry like `like`. `err` is what putting the items gave. When
 * it is refused hf->out is as it was before hf_client_begin.
 */
enum holdfast_outcome hf_client_queue(struct holdfast *hf, const struct hf_client_start *start,
                                      enum hf_err err, const struct hf_client_entry *like);

/* ---- client_reply.c */

/* Write what the socket takes. False: the connection broke (hf->error), nobody was told yet. */
bool hf_client_flush(struct holdfast *hf);
/* Read once from the socket into hf->in. False as above; *is_empty: there was nothing (more). */
bool hf_client_receive(struct holdfast *hf, bool *is_empty);
void hf_client_fill_replies(struct holdfast_reply *replies, size_t count, enum hf_err outcome,
                            enum hf_field field);
/* Tell the callers of all frames in flight that nobody knows. The socket is closed already. */
void hf_client_answer_unknown(struct holdfast *hf);

/* ---- client_read.c */

/* Say why, for holdfast_error; returns `outcome`. */
enum holdfast_outcome hf_client_fail(struct holdfast *hf, enum holdfast_outcome outcome,
                                     const char *why);
/* The answer came, but its entries are not what was asked for. */
enum holdfast_outcome hf_client_unreadable(struct holdfast *hf);
/*
 * Send a question and wait for its answer. `request` NULL: the operation has no item.
 * HOLDFAST_OK: `reply` is the answer; its entries are valid until the next call on the handle.
 */
enum holdfast_outcome hf_client_ask(struct holdfast *hf, unsigned operation,
                                    const struct hf_request *request, struct hf_reply *reply);
/* A code from the wire as a C string. False: it is longer than a code can be. */
bool hf_client_copy_text(char to[65], struct hf_text from);
bool hf_client_copy_cell(struct holdfast_cell *to, const struct hf_cell_view *from, uint64_t lsn);
/* Counters of a move or an event, in the order of enum hf_counter. */
struct holdfast_counters hf_client_counters(const int64_t counters[HF_COUNTERS_COUNT]);

/* ---- client_shipment.c */

/* All but the lines. False as hf_client_copy_text. */
bool hf_client_copy_shipment(struct holdfast_shipment *to, const struct hf_shipment_view *from,
                             uint64_t lsn);

/* Text for an operation. One too long for its length byte is sent cut, still too long to be a
 * code, so that the server names the field and the rest of the batch is executed. */
static inline struct hf_text hf_client_text(const char *text)
{
    struct hf_text view = hf_text_of(text);
    if (view.bytes_count > HF_TEXT_BYTES_MAX) {
        view.bytes_count = HF_TEXT_BYTES_MAX;
    }
    return view;
}
_Static_assert(HF_TEXT_BYTES_MAX > HF_CODE_BYTES_MAX, "a cut text is no code");

#endif
