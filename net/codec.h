/*
 * codec.h - items of frames to structs and back, in all four directions (PROTOCOL.md 3).
 *
 *     client:  struct hf_request --put--> bytes           bytes --next--> struct hf_reply, entries
 *     server:  bytes --next--> struct hf_request          struct hf_result, views --put--> bytes
 *
 * codec_request.c, codec_reply.c and codec_shipment.c (and codec_feed.c, for events) are the only
 * code that knows offsets inside a body. Nothing is allocated in reading: lines go into the
 * caller's array, texts point into the frame. What is checked here is layout (lengths, zeros);
 * what the values mean is judged by the engine (engine/op.h) and, for questions, by question.c.
 *
 * Stateless; both sides of the wire use it.
 */
#ifndef HF_NET_CODEC_H
#define HF_NET_CODEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/engine.h"
#include "engine/op.h"
#include "net/buffer.h"
#include "net/frame.h"

#define HF_ITEM_HEADER_BYTES 32u
#define HF_RESULT_LINE_BYTES 48u    /* PROTOCOL.md 3.5 */
#define HF_LINE_BYTES_MIN 16u       /* of a request; gives the most lines a frame may have */
#define HF_ENTRY_BYTES_MAX 512u     /* the longest entry: a move with six texts of 64 bytes */
#define HF_SHORTAGE_BYTES_MAX 5376u /* a cell in shortage with the most hits */
#define HF_TEXT_BYTES_MAX 255u      /* a length of one byte; the engine allows 64 */
/* Flags of questions, beside those of enum hf_op_flag. */
#define HF_REQUEST_LOW 128u    /* list */
#define HF_REQUEST_LATE 16384u /* inbound shipments */
#define HF_REQUEST_OPEN 32768u /* transfers, inbound shipments */

/* Bytes not read yet. Items and entries are taken from the front. */
struct hf_items {
    const unsigned char *at;
    const unsigned char *end;
};

static inline struct hf_items hf_items_of(const unsigned char *bytes, size_t bytes_count)
{
    return (struct hf_items){bytes, bytes_count == 0 ? bytes : bytes + bytes_count};
}

/* ------------------------------------------------------------------ requests */

/* One item of a request: a write, or a question that borrows the fields of one. */
struct hf_request {
    struct hf_op op; /* questions: kind 0; id, ref, order, lines, flags as PROTOCOL.md 3 says */
    uint64_t cursor; /* questions; of an export, the section. Writes carry op.ttl_us in its place,
                        a set op.as_of, an inbound_create op.eta_us */
    uint32_t limit;  /* entries wanted at most; 0: the server's choice */
    bool only_low;   /* list */
    bool only_late;  /* inbound shipments */
    bool only_open;  /* transfers, inbound shipments */
};

/*
 * Add one item to `out`. `operation` decides the form of the lines, and which of ttl_us, as_of,
 * eta_us and cursor travels: the others are not sent, and nor is a line's figure without its flag.
 * HF_INVALID_ARGUMENT: a text is longer than HF_TEXT_BYTES_MAX or there are more than HF_LINES_MAX
 * lines; nothing is added. HF_NO_MEMORY: out has failed.
 */
enum hf_err hf_request_put(struct hf_buffer *out, unsigned operation,
                           const struct hf_request *request);
/* The same for a write: operation is op->kind. */
enum hf_err hf_request_put_op(struct hf_buffer *out, const struct hf_op *op);

/*
 * How many of `count` items lie whole in the body, one after the other (each item_bytes possible)?
 * *has_rest: they do, all of them, and bytes are left over after the last.
 */
uint32_t hf_request_scan(struct hf_items body, uint32_t count, bool *has_rest);

/*
 * Read the next item, which hf_request_scan has found whole, and move on to the one after it.
 * Lines are written to lines[0..lines_max); give at least as many as the rest of the body could
 * hold (HF_LINE_BYTES_MIN each) or HF_LINES_MAX.
 * HF_INVALID_ARGUMENT: the item is malformed; *field and *line_index (UINT32_MAX: none) say what:
 * layout, flags, lines. request->op.flags are as read even then when the header could be read.
 */
enum hf_err hf_request_next(struct hf_items *body, unsigned operation, struct hf_op_line *lines,
                            uint32_t lines_max, struct hf_request *request, enum hf_field *field,
                            uint32_t *line_index);

/* ------------------------------------------------------------------ replies: writing */

/* The header of a reply item (PROTOCOL.md 3.3). */
struct hf_reply {
    enum hf_err outcome;
    bool is_repeated;
    bool is_unchanged; /* done, and there was nothing to change */
    enum hf_state state;
    uint64_t lsn;
    uint64_t argument; /* deadline in microseconds, or the next cursor */
    enum hf_field field;
    uint32_t line_index; /* UINT32_MAX: none */
    uint32_t entries_count;
    struct hf_items entries; /* filled in reading only */
};

/* A whole item for what became of a write: header and result lines. */
void hf_reply_put_result(struct hf_buffer *out, const struct hf_result *result);
/* A whole item without entries. */
void hf_reply_put_plain(struct hf_buffer *out, const struct hf_reply *reply);
/*
 * An item with entries: begin, put the entries, end. `end` fills in the header from `reply`
 * (entries_count as given). All puts leave a failure in out->is_failed.
 */
size_t hf_reply_begin(struct hf_buffer *out);
void hf_reply_end(struct hf_buffer *out, size_t place, const struct hf_reply *reply);
/* A whole error frame (PROTOCOL.md 2.2). */
void hf_reply_put_error(struct hf_buffer *out, unsigned operation, uint64_t correlation,
                        enum hf_err outcome, enum hf_field field);

/* ------------------------------------------------------------------ replies: reading */

/* The next item. HF_CORRUPT: it does not lie whole in the body. */
enum hf_err hf_reply_next(struct hf_items *body, struct hf_reply *reply);

/* ------------------------------------------------------------------ entries, both directions */

struct hf_ats_entry { /* 3.7 */
    enum hf_err outcome;
    struct hf_ats figures;
};
struct hf_handle_pair { /* 3.11 */
    uint32_t sku;
    uint32_t location;
};
struct hf_stat { /* 3.12 */
    struct hf_text name;
    uint64_t value;
};
struct hf_audit_report { /* 3.13 */
    uint64_t cells_count, reservations_count, shipments_count, violations_count;
    struct hf_text first_violation; /* at most 255 bytes */
};

/* put: add an entry. next: read one; HF_CORRUPT when it does not lie whole in the entries. */
void hf_result_line_put(struct hf_buffer *out, const struct hf_result_line *line); /* 3.5 */
enum hf_err hf_result_line_next(struct hf_items *entries, struct hf_result_line *line);
void hf_cell_put(struct hf_buffer *out, const struct hf_cell_view *cell); /* 3.6 */
enum hf_err hf_cell_next(struct hf_items *entries, struct hf_cell_view *cell);
void hf_ats_put(struct hf_buffer *out, const struct hf_ats_entry *ats); /* 3.7 */
enum hf_err hf_ats_next(struct hf_items *entries, struct hf_ats_entry *ats);
/* 3.8: the head (id, order, opened_lsn, opened_us), then the lines. State and deadline stand in
 * the item's header; `next` leaves them, and lines_count, alone. */
void hf_reservation_put(struct hf_buffer *out, const struct hf_reservation_view *reservation);
enum hf_err hf_reservation_next(struct hf_items *entries, struct hf_reservation_view *reservation);
void hf_reservation_line_put(struct hf_buffer *out, const struct hf_reservation_line_view *line);
enum hf_err hf_reservation_line_next(struct hf_items *entries,
                                     struct hf_reservation_line_view *line);
/* 3.9: id, state, lines_count, expires_at_us, opened_lsn; `next` zeroes the other fields. */
void hf_summary_put(struct hf_buffer *out, const struct hf_reservation_view *reservation);
enum hf_err hf_summary_next(struct hf_items *entries, struct hf_reservation_view *reservation);
void hf_move_entry_put(struct hf_buffer *out, const struct hf_move *move); /* 3.10 */
enum hf_err hf_move_entry_next(struct hf_items *entries, struct hf_move *move);
/*
 * 3.14: a cell in shortage and the reservations it hits, at most HF_HITS_MAX. `next` gives the hits
 * as bytes, to be read by hf_hit_next, hits_count times.
 */
void hf_shortage_put(struct hf_buffer *out, const struct hf_cell_view *cell,
                     const struct hf_hit *hits, uint32_t hits_count);
enum hf_err hf_shortage_next(struct hf_items *entries, struct hf_cell_view *cell,
                             struct hf_items *hits, uint32_t *hits_count);
enum hf_err hf_hit_next(struct hf_items *hits, struct hf_hit *hit);
/* 3.15: the head of a transfer or inbound shipment, then its lines. `next` leaves kind and
 * first_line alone: the operation says the one, the other never travels. Nor does last_lsn. */
void hf_shipment_put(struct hf_buffer *out, const struct hf_shipment_view *shipment);
enum hf_err hf_shipment_next(struct hf_items *entries, struct hf_shipment_view *shipment);
void hf_shipment_line_put(struct hf_buffer *out, const struct hf_shipment_line_view *line);
enum hf_err hf_shipment_line_next(struct hf_items *entries, struct hf_shipment_line_view *line);
/* 3.16: a row of an export; row->section decides its form, also for `next`. */
void hf_row_put(struct hf_buffer *out, const struct hf_frozen_row *row);
enum hf_err hf_row_next(struct hf_items *entries, struct hf_frozen_row *row);
void hf_handle_pair_put(struct hf_buffer *out, const struct hf_handle_pair *pair); /* 3.11 */
enum hf_err hf_handle_pair_next(struct hf_items *entries, struct hf_handle_pair *pair);
void hf_stat_put(struct hf_buffer *out, const struct hf_stat *stat); /* 3.12 */
enum hf_err hf_stat_next(struct hf_items *entries, struct hf_stat *stat);
void hf_audit_report_put(struct hf_buffer *out, const struct hf_audit_report *report); /* 3.13 */
enum hf_err hf_audit_report_next(struct hf_items *entries, struct hf_audit_report *report);
void hf_digest_put(struct hf_buffer *out, const struct hf_digest *digest);
enum hf_err hf_digest_next(struct hf_items *entries, struct hf_digest *digest);

struct hf_backup_view { /* 3.19 */
    bool is_done;
    uint64_t bytes_done, bytes_total;
    struct hf_text text; /* the path; of a refusal, why. At most 255 bytes */
};
void hf_backup_view_put(struct hf_buffer *out, const struct hf_backup_view *view);
enum hf_err hf_backup_view_next(struct hf_items *entries, struct hf_backup_view *view);

/* ------------------------------------------------------------------ backup (3.19) */

/* The body of a request for a backup; a longer path is cut at HF_TEXT_BYTES_MAX. */
void hf_backup_put(struct hf_buffer *out, struct hf_text path);
/* HF_INVALID_ARGUMENT: it is not whole, or something follows. */
enum hf_err hf_backup_read(struct hf_items body, struct hf_text *path);

/* ------------------------------------------------------------------ hello (3.4) */

struct hf_welcome { /* the entry of the reply to a hello */
    unsigned char directory_id[16];
    uint32_t epoch;
    uint32_t handle_tag;
    uint32_t frame_bytes_max;
    uint32_t operations_max;
    uint64_t time_us;
    struct hf_text version;
};

/* The body of a hello. `name` may be empty; at most 64 bytes of it are sent. */
void hf_hello_put(struct hf_buffer *out, struct hf_text name);
/* HF_INVALID_ARGUMENT: not the body of a hello. */
enum hf_err hf_hello_read(struct hf_items body, struct hf_text *name);
void hf_welcome_put(struct hf_buffer *out, const struct hf_welcome *welcome);
enum hf_err hf_welcome_next(struct hf_items *entries, struct hf_welcome *welcome);

#endif
