/*
 * frame.h - the header of a frame: what is one message, and is it whole? (PROTOCOL.md 2)
 *
 *     | magic version operation body_bytes | correlation | flags count handle_tag | checksum | body
 *       0                                    8             16                       24         32
 *
 * A frame is judged before anything in it is believed: first the fields that say where it ends,
 * then the checksum over all of it. What is wrong with it means that the place where the next one
 * begins is not known either: framing is lost, and the connection with it.
 *
 * Stateless; both sides of the wire and the fuzz target use it.
 */
#ifndef HF_NET_FRAME_H
#define HF_NET_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/err.h"
#include "engine/words.h"
#include "net/buffer.h"

#define HF_FRAME_HEADER_BYTES 32u
#define HF_FRAME_VERSION 2
#define HF_FRAME_COUNT_MAX 65535u /* items; the field has 16 bits */

/* Whole frame, header included. The least holds the answer about a reservation of 4,096 lines. */
#define HF_FRAME_BYTES_MIN (1024u * 1024)
#define HF_FRAME_BYTES_DEFAULT (4u * 1024 * 1024)
#define HF_FRAME_BYTES_LIMIT (64u * 1024 * 1024)

/*
 * A reply may be longer than frame_bytes_max: a refused line of 16 bytes is answered in 48. A
 * client accepts frames up to this many times frame_bytes_max.
 */
#define HF_REPLY_FACTOR 4u

enum hf_frame_flag { HF_FRAME_REPLY = 1, HF_FRAME_ERROR = 2 };

/* Numbers of PROTOCOL.md 3; the writes are those of enum hf_kind. */
enum hf_operation {
    HF_ASK_STOCK = 32,
    HF_ASK_ATS = 33,
    HF_ASK_RESERVATION = 34,
    HF_ASK_ORDER = 35,
    HF_ASK_LEDGER = 36,
    HF_ASK_LIST = 37,
    HF_ASK_LOOKUP = 38,
    HF_ASK_SHORTAGES = 39,
    HF_ASK_TRANSFER = 40,
    HF_ASK_INBOUND = 41,
    HF_ASK_TRANSFERS = 42,
    HF_ASK_INBOUND_SHIPMENTS = 43,
    HF_ASK_HELLO = 64,
    HF_ASK_PING = 65,
    HF_ASK_STATS = 66,
    HF_ASK_DIGEST = 67,
    HF_ASK_AUDIT = 68,
    HF_ASK_SNAPSHOT = 69,
    HF_ASK_SUBSCRIBE = 70,
    HF_ASK_EVENTS = 71, /* never asked: the server's frames to a subscriber */
    HF_ASK_EXPORT = 72,
    HF_ASK_EXPORT_NEXT = 73,
    HF_ASK_BACKUP = 74,
    HF_ASK_BACKUP_NEXT = 75
};

/* True for the operations that change stock: those of enum hf_kind, but not expire. */
static inline bool hf_operation_is_write(unsigned operation)
{
    return operation >= HF_KIND_RECEIVE && operation < HF_KINDS_COUNT &&
           operation != HF_KIND_EXPIRE;
}

struct hf_frame {
    unsigned operation;
    unsigned flags; /* enum hf_frame_flag */
    uint32_t count; /* items in the body */
    uint32_t handle_tag;
    uint64_t correlation;
    const unsigned char *body; /* points into the bytes given */
    uint32_t body_bytes;
};

/*
 * Judge and read the frame that begins at `bytes`, of which `bytes_count` are there.
 *
 * HF_OK                 `frame` is filled, *frame_bytes is its length
 * HF_TRUNCATED          not all is there yet; *frame_bytes is the length of what is awaited (the
 *                       header's, until the header is there)
 * HF_INVALID_ARGUMENT   framing is lost; *fault says which field: magic, protocol_version, flags,
 *                       body_bytes, checksum (in this order of precedence). frame->correlation and
 *                       operation are as read when the header is there, else zero.
 *
 * A wrong field is told as soon as its bytes are there. `flags_allowed` are the flags the reader
 * knows: 0 for a server, REPLY and ERROR for a client (which checks itself that REPLY is set).
 */
enum hf_err hf_frame_decode(const unsigned char *bytes, size_t bytes_count, size_t frame_bytes_max,
                            unsigned flags_allowed, struct hf_frame *frame, size_t *frame_bytes,
                            enum hf_field *fault);

/*
 * Write a frame: begin, add the body to `out`, end. `begin` returns the place to give to `end`,
 * which fills in the header from `frame` (body and body_bytes are not read: the body is what was
 * added). Nothing may be taken from the front of `out` in between. HF_NO_MEMORY: out has failed.
 */
size_t hf_frame_begin(struct hf_buffer *out);
enum hf_err hf_frame_end(struct hf_buffer *out, size_t place, const struct hf_frame *frame);

/* Checksum of a frame's header (bytes 0..23) and body; for tests that build broken frames. */
uint64_t hf_frame_checksum(const unsigned char *header, const unsigned char *body,
                           size_t body_bytes);

#endif
