/*
 * holdfast.h - libholdfast, the client library of Holdfast. The only header a caller needs.
 *
 *     struct holdfast *hf = holdfast_connect("127.0.0.1:4653", NULL, error, sizeof error);
 *     struct holdfast_line line = {.sku = "PHONE-13", .location = "BERLIN", .units = 1};
 *     struct holdfast_op op = {.kind = HOLDFAST_RESERVE, .id = "cart-4711", .order = "order-4711",
 *                              .flags = HOLDFAST_TTL, .ttl_us = 15 * HOLDFAST_MINUTE_US,
 *                              .lines = &line, .lines_count = 1};
 *     struct holdfast_reply reply;
 *     if (holdfast_execute(hf, &op, 1, &reply) == HOLDFAST_OK) { ... reply.state ... }
 *     holdfast_close(hf);
 *
 * Two ways to use a connection, which may be mixed as long as nothing is in flight when a blocking
 * call begins:
 *     blocking    holdfast_execute and the holdfast_get_* calls send one frame and wait for it
 *     pipelined   holdfast_submit queues a frame and returns; its callback runs from
 *                 holdfast_process, which the caller's own event loop drives by file descriptor
 *
 * What is not known is said so. When a connection breaks before a reply came, the outcome is
 * HOLDFAST_UNKNOWN: the operation happened or it did not. Sending it again with the same ref (or,
 * for a reserve, the same id) settles it: exactly once, marked `is_repeated` when it had happened.
 *
 * A handle belongs to one thread at a time. Different handles are independent.
 * Texts are zero-terminated codes of 1 to 64 bytes (UTF-8, no control characters).
 * Quantities are units, 1 to 10^12. Times are microseconds since 1970-01-01 UTC; intervals are
 * microseconds.
 */
#ifndef HOLDFAST_H
#define HOLDFAST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define HOLDFAST_API __attribute__((visibility("default")))
#else
#define HOLDFAST_API
#endif

#define HOLDFAST_PORT_DEFAULT 4653
#define HOLDFAST_SECOND_US INT64_C(1000000)
#define HOLDFAST_MINUTE_US (60 * HOLDFAST_SECOND_US)
#define HOLDFAST_LINES_MAX 4096

/* Outcomes; numbers are those of the wire (PROTOCOL.md 4). */
enum holdfast_outcome {
    HOLDFAST_OK = 0,
    HOLDFAST_INSUFFICIENT_STOCK = 1,
    HOLDFAST_INSUFFICIENT_ON_HAND = 2,
    HOLDFAST_UNKNOWN_SKU = 3,
    HOLDFAST_UNKNOWN_LOCATION = 4,
    HOLDFAST_UNKNOWN_RESERVATION = 5,
    HOLDFAST_REFERENCE_CONFLICT = 6,
    HOLDFAST_VERSION_CONFLICT = 7,
    HOLDFAST_EXCEEDS_RESERVATION = 8,
    HOLDFAST_NOT_CONFIRMED = 9,
    HOLDFAST_ALREADY_CONFIRMED = 10,
    HOLDFAST_ALREADY_FULFILLED = 11,
    HOLDFAST_ALREADY_RELEASED = 12,
    HOLDFAST_EXPIRED = 13,
    HOLDFAST_SUPERSEDED = 14,
    HOLDFAST_LINKED_FAILED = 15,
    HOLDFAST_INVALID_ARGUMENT = 16,
    HOLDFAST_LIMIT_EXCEEDED = 17,
    HOLDFAST_BUSY = 18,
    HOLDFAST_READ_ONLY = 19,
    HOLDFAST_NOT_PRIMARY = 20,
    HOLDFAST_STALE_HANDLE = 21,
    HOLDFAST_UNKNOWN = 22,
    HOLDFAST_UNKNOWN_TRANSFER = 23,
    HOLDFAST_UNKNOWN_INBOUND = 24,
    HOLDFAST_WRONG_STATE = 25,
    HOLDFAST_EXCEEDS_SHIPMENT = 26,
    HOLDFAST_TOO_OLD = 27,
    HOLDFAST_GONE = 28
};

enum holdfast_kind {
    HOLDFAST_RECEIVE = 1,
    HOLDFAST_ADJUST = 2,
    HOLDFAST_SELL = 3,
    HOLDFAST_SET_POLICY = 4,
    HOLDFAST_SET_LOCATION = 5, /* lines: location, units 1 or 0 = in-transit stock is sellable */
    HOLDFAST_SET_REGION = 6,   /* id = the region; lines: locations that are in it from now on */
    HOLDFAST_RESERVE = 7,
    HOLDFAST_REPLACE = 8,
    HOLDFAST_CONFIRM = 9,
    HOLDFAST_EXTEND = 10,
    HOLDFAST_RELEASE = 11,
    HOLDFAST_RELEASE_ORDER = 12,
    HOLDFAST_FULFIL = 13,
    HOLDFAST_EXPIRE = 14, /* seen in ledgers; made by the server */
    HOLDFAST_SET = 15,    /* lines: units = what is, or was as of as_of, on hand */
    HOLDFAST_MOVE_STATUS = 16,
    HOLDFAST_DISPOSE = 17,
    HOLDFAST_TRANSFER_CREATE = 18, /* of transfers and inbound: lines name SKUs only */
    HOLDFAST_TRANSFER_SHIP = 19,
    HOLDFAST_TRANSFER_RECEIVE = 20,
    HOLDFAST_TRANSFER_CANCEL = 21,
    HOLDFAST_TRANSFER_CLOSE = 22,
    HOLDFAST_INBOUND_CREATE = 23,
    HOLDFAST_INBOUND_RECEIVE = 24,
    HOLDFAST_INBOUND_CANCEL = 25,
    /* alerts, seen in events only */
    HOLDFAST_LOW_STOCK = 64,
    HOLDFAST_LOW_STOCK_OVER = 65,
    HOLDFAST_OUT_OF_STOCK = 66,
    HOLDFAST_BACK_IN_STOCK = 67,
    HOLDFAST_SHORTAGE = 68
};

enum holdfast_reason {
    HOLDFAST_REASON_NONE = 0,
    HOLDFAST_PURCHASE = 1,
    HOLDFAST_RETURN = 2,
    HOLDFAST_DAMAGE = 3,
    HOLDFAST_LOSS = 4,
    HOLDFAST_FOUND = 5,
    HOLDFAST_COUNT = 6,
    HOLDFAST_CORRECTION = 7,
    HOLDFAST_PRODUCTION = 8,
    HOLDFAST_SUPPLIER_RETURN = 9,
    HOLDFAST_IMPORT = 10,
    HOLDFAST_OPENING = 11,
    HOLDFAST_OTHER = 12,
    HOLDFAST_THEFT = 13,
    HOLDFAST_PERISHED = 14,
    HOLDFAST_QUALITY = 15
};

/* Where units physically are. */
enum holdfast_status {
    HOLDFAST_STATUS_NONE = 0,
    HOLDFAST_SELLABLE = 1,
    HOLDFAST_DAMAGED = 2,
    HOLDFAST_QUARANTINED = 3
};

enum holdfast_state {
    HOLDFAST_STATE_NONE = 0,
    HOLDFAST_HELD = 1,
    HOLDFAST_CONFIRMED = 2,
    HOLDFAST_FULFILLED = 3,
    HOLDFAST_RELEASED = 4,
    HOLDFAST_STATE_EXPIRED = 5,
    HOLDFAST_STATE_SUPERSEDED = 6,
    HOLDFAST_DRAFT = 7, /* 7 to 11: of transfers and inbound shipments */
    HOLDFAST_IN_TRANSIT = 8,
    HOLDFAST_RECEIVED = 9,
    HOLDFAST_CANCELLED = 10,
    HOLDFAST_CLOSED = 11
};

enum holdfast_flag {
    HOLDFAST_LINKED = 1,       /* succeeds or fails together with the next operation of the call */
    HOLDFAST_PARTIAL = 2,      /* reserve: take of each line what may be promised */
    HOLDFAST_FACT = 4,         /* sell: it has happened already */
    HOLDFAST_RELEASE_REST = 8, /* fulfil: give back what is left */
    HOLDFAST_HANDLES = 16,     /* lines carry sku_handle and location_handle (holdfast_lookup) */
    HOLDFAST_VERSIONS = 32,    /* lines carry if_version */
    HOLDFAST_TTL = 64,         /* ttl_us is given */
    HOLDFAST_AS_OF_LSN = 256,  /* set: as_of is an LSN */
    HOLDFAST_AS_OF_TIME = 512, /* set: as_of is a time */
    HOLDFAST_SHIP = 1024,      /* transfer_create: ship at once */
    HOLDFAST_MAY_SELL = 2048,  /* inbound_create: may be sold before it arrives */
    HOLDFAST_WITH_DAMAGED = 4096, /* receive of a shipment: lines carry `damaged` */
    HOLDFAST_REST = 8192          /* receive of a shipment: and all else that is under way */
};

#define HOLDFAST_HANDLE_NONE UINT32_MAX
#define HOLDFAST_VERSION_ANY UINT64_MAX
#define HOLDFAST_POLICY_KEEP INT64_MIN
#define HOLDFAST_LOW_STOCK_NONE INT64_C(-1)

struct holdfast_line {
    const char *sku;      /* NULL: not given */
    const char *location; /* NULL: not given */
    uint32_t sku_handle;
    uint32_t location_handle;
    int64_t units;
    int64_t damaged;      /* with HOLDFAST_WITH_DAMAGED */
    uint64_t if_version;  /* with HOLDFAST_VERSIONS; 0: has never changed */
    int64_t safety_stock; /* set_policy only; HOLDFAST_POLICY_KEEP: leave as it is */
    int64_t low_stock;
    int64_t backorder_limit;
};

/* One write. Which kind reads which field is the table in PROTOCOL.md 3; the rest stays zero. */
struct holdfast_op {
    enum holdfast_kind kind;
    uint32_t flags;
    enum holdfast_reason reason;
    const char *id;     /* reservation, region, transfer, or inbound shipment */
    const char *old_id; /* replace */
    const char *ref;
    const char *order;
    const char *by;
    const char *from;                 /* transfer_create: location it leaves */
    const char *to;                   /* transfer_create, inbound_create: location it goes to */
    enum holdfast_status from_status; /* move_status, dispose */
    enum holdfast_status to_status;   /* move_status, receive */
    uint64_t ttl_us;
    uint64_t as_of; /* set: an LSN, or microseconds since 1970 UTC, as the flag says */
    int64_t eta_us; /* inbound_create: expected arrival; 0: none */
    const struct holdfast_line *lines; /* borrowed for the call */
    size_t lines_count;
};

struct holdfast_result_line {
    uint32_t line_index; /* of the operation's lines; of lines of one cell, the first */
    enum holdfast_outcome outcome;
    int64_t requested, granted, ats, shortfall;
    int64_t earliest_expiry_us; /* 0: no hold on this cell has a deadline */
};

struct holdfast_reply {
    enum holdfast_outcome outcome;
    bool is_repeated;
    enum holdfast_state state;
    uint64_t lsn;
    int64_t expires_at_us; /* 0: no deadline */
    const char *field;     /* invalid_argument: name of the field; else NULL. Static. */
    int32_t line_index;    /* invalid_argument: the line; -1: none */
    const struct holdfast_result_line *lines; /* valid until the next call on the handle, or, in a
                                                 callback, until it returns */
    size_t lines_count;
    bool is_unchanged; /* done, and there was nothing to change: no record was written */
};

/* Names as in JSON and documents ("insufficient_stock", "held", "receive", "count"). Static. */
HOLDFAST_API const char *holdfast_outcome_name(enum holdfast_outcome outcome);
HOLDFAST_API const char *holdfast_outcome_text(enum holdfast_outcome outcome);
HOLDFAST_API const char *holdfast_state_name(enum holdfast_state state);
HOLDFAST_API const char *holdfast_kind_name(enum holdfast_kind kind);
HOLDFAST_API const char *holdfast_reason_name(enum holdfast_reason reason);
HOLDFAST_API const char *holdfast_status_name(enum holdfast_status status);
/* The reason, status, or kind of this name; -1 when there is none. */
HOLDFAST_API int holdfast_reason_of(const char *name);
HOLDFAST_API int holdfast_status_of(const char *name);
HOLDFAST_API int holdfast_kind_of(const char *name);
HOLDFAST_API const char *holdfast_version(void);

/* ------------------------------------------------------------------ connection */

struct holdfast;

struct holdfast_options {
    uint32_t connect_timeout_ms; /* 0: 5,000 */
    uint32_t request_timeout_ms; /* blocking calls; 0: 30,000. Past it: HOLDFAST_UNKNOWN */
    uint32_t reconnect_max_ms;   /* how long a call tries to connect again; 0: not at all */
    size_t in_flight_bytes_max;  /* submit refuses past this (HOLDFAST_BUSY); 0: 16 MiB */
    const char *name;            /* shown in the server's log; NULL: none */
};

struct holdfast_server {
    unsigned char directory_id[16];
    uint32_t epoch;
    uint32_t operations_max; /* in one call */
    uint32_t frame_bytes_max;
    char version[64];
};

/*
 * Connect to "HOST:PORT" (or "HOST", "[v6]:PORT") and say hello. `options` may be NULL.
 * NULL on failure, with a sentence in `error`.
 */
HOLDFAST_API struct holdfast *holdfast_connect(const char *address,
                                               const struct holdfast_options *options, char *error,
                                               size_t error_bytes);
/* Close; frames in flight are answered HOLDFAST_UNKNOWN first. Accepts NULL. */
HOLDFAST_API void holdfast_close(struct holdfast *hf);
/* What the server said of itself; valid while the handle lives. */
HOLDFAST_API const struct holdfast_server *holdfast_server(const struct holdfast *hf);
/* The last failure in words, for people: lower case, no full stop. Never NULL. */
HOLDFAST_API const char *holdfast_error(const struct holdfast *hf);

/* ------------------------------------------------------------------ writes */

/*
 * Execute ops[0..count) in one frame and wait. replies[i] belongs to ops[i]. Returns the outcome
 * of the first operation that is not HOLDFAST_OK, else HOLDFAST_OK. When the frame as a whole
 * fails (HOLDFAST_UNKNOWN, HOLDFAST_STALE_HANDLE, HOLDFAST_INVALID_ARGUMENT for what cannot be
 * sent), every reply has that outcome. A broken connection is opened again by the next call
 * (options.reconnect_max_ms); the operation itself is never repeated by the library.
 */
HOLDFAST_API enum holdfast_outcome holdfast_execute(struct holdfast *hf,
                                                    const struct holdfast_op *ops, size_t count,
                                                    struct holdfast_reply *replies);

/* ------------------------------------------------------------------ pipelined */

struct holdfast_ats; /* below, with the reads */

/* Runs once for each submit, in the order of the submits. */
typedef void (*holdfast_replies_cb)(void *arg, const struct holdfast_reply *replies, size_t count);

/*
 * Queue one frame with ops[0..count). HOLDFAST_OK: `cb` will run, from holdfast_process or
 * holdfast_close. Otherwise nothing was queued: HOLDFAST_BUSY (in_flight_bytes_max),
 * HOLDFAST_INVALID_ARGUMENT (cannot be sent), HOLDFAST_UNKNOWN (the connection is broken).
 */
HOLDFAST_API enum holdfast_outcome holdfast_submit(struct holdfast *hf,
                                                   const struct holdfast_op *ops, size_t count,
                                                   holdfast_replies_cb cb, void *arg);
/*
 * The same for a read: queue one frame that asks for the ATS of skus[0..count) by handle; location
 * may be HOLDFAST_HANDLE_NONE (over all). Answers come in the order of all submits of the handle.
 * In the callback `ats` has `count` entries; when outcome is not HOLDFAST_OK it is NULL and
 * count 0.
 */
typedef void (*holdfast_ats_cb)(void *arg, enum holdfast_outcome outcome,
                                const struct holdfast_ats *ats, size_t count);
HOLDFAST_API enum holdfast_outcome holdfast_submit_ats(struct holdfast *hf, const uint32_t *skus,
                                                       size_t count, uint32_t location,
                                                       holdfast_ats_cb cb, void *arg);
/* The socket, for poll(), epoll or a loop; -1 when the connection is broken. */
HOLDFAST_API int holdfast_fd(const struct holdfast *hf);
/* True when there is something to write: poll for POLLOUT as well as POLLIN. */
HOLDFAST_API bool holdfast_wants_write(const struct holdfast *hf);
/* Frames submitted and not answered yet. */
HOLDFAST_API size_t holdfast_in_flight(const struct holdfast *hf);
/*
 * Write and read what can be without waiting, and run the callbacks of what was answered.
 * HOLDFAST_OK, or HOLDFAST_UNKNOWN when the connection broke: then every frame in flight was
 * answered HOLDFAST_UNKNOWN before it returns.
 */
HOLDFAST_API enum holdfast_outcome holdfast_process(struct holdfast *hf);
/* Wait up to `timeout_ms` for the socket, then holdfast_process. -1: no limit. */
HOLDFAST_API enum holdfast_outcome holdfast_wait(struct holdfast *hf, int timeout_ms);

/* ------------------------------------------------------------------ reads (blocking) */

struct holdfast_cell {
    char sku[65];
    char location[65];
    int64_t on_hand, held, committed, in_transit, damaged, quarantined;
    int64_t safety_stock, low_stock, backorder_limit;
    int64_t atf, ats;
    int64_t shortage;     /* units promised that are not there; 0: none */
    int64_t last_sale_us; /* 0: never */
    uint64_t version;
    uint64_t lsn; /* at which the answer is true */
};
HOLDFAST_API enum holdfast_outcome holdfast_get_stock(struct holdfast *hf, const char *sku,
                                                      const char *location,
                                                      struct holdfast_cell *cell);
/*
 * The same for many cells, a thousand in a frame: outcomes[i] and cells[i] are those of lines[i],
 * of which only SKU and location are read. Not HOLDFAST_OK: the server could not be asked.
 */
HOLDFAST_API enum holdfast_outcome holdfast_get_stocks(struct holdfast *hf,
                                                       const struct holdfast_line *lines,
                                                       size_t count,
                                                       enum holdfast_outcome *outcomes,
                                                       struct holdfast_cell *cells);

struct holdfast_ats {
    enum holdfast_outcome outcome;
    int64_t ats, atf;
};
/* ATS of many SKUs: at `location`, in `region`, or over all when both are NULL. One entry a SKU. */
HOLDFAST_API enum holdfast_outcome holdfast_get_ats(struct holdfast *hf, const char *const *skus,
                                                    size_t count, const char *location,
                                                    const char *region, struct holdfast_ats *ats);
/* The same by handles; location may be HOLDFAST_HANDLE_NONE. */
HOLDFAST_API enum holdfast_outcome holdfast_get_ats_handles(struct holdfast *hf,
                                                            const uint32_t *skus, size_t count,
                                                            uint32_t location,
                                                            struct holdfast_ats *ats);

struct holdfast_reservation_line {
    char sku[65];
    char location[65];
    int64_t units, fulfilled, released;
};
struct holdfast_reservation {
    char id[65];
    char order[65]; /* empty: none */
    enum holdfast_state state;
    int64_t expires_at_us; /* 0: no deadline */
    int64_t opened_us;
    uint64_t opened_lsn;
    uint64_t lsn; /* at which the answer is true */
    size_t lines_count;
    struct holdfast_reservation_line *lines; /* valid until the next call on the handle */
};
HOLDFAST_API enum holdfast_outcome holdfast_get_reservation(struct holdfast *hf, const char *id,
                                                            struct holdfast_reservation *out);

/* Called for each; return false to stop. */
typedef bool (*holdfast_reservation_cb)(void *arg, const struct holdfast_reservation *summary);
/* The remembered reservations of an order, newest first; without their lines (lines_count says
 * how many, lines is NULL). HOLDFAST_UNKNOWN_RESERVATION: none is remembered. */
HOLDFAST_API enum holdfast_outcome holdfast_get_order(struct holdfast *hf, const char *order,
                                                      holdfast_reservation_cb cb, void *arg);

struct holdfast_counters { /* units */
    int64_t on_hand, held, committed, in_transit, damaged, quarantined;
};
struct holdfast_move {
    uint64_t lsn;
    uint32_t index;
    int64_t ts_us;
    enum holdfast_kind kind;
    enum holdfast_reason reason;
    char sku[65], location[65], ref[65], order[65], by[65], reservation[65];
    struct holdfast_counters delta, after;
};
typedef bool (*holdfast_move_cb)(void *arg, const struct holdfast_move *move);
/* The ledger, newest first, at most `limit` moves (0: all in memory), fetched page by page:
 * of a cell (sku and location), of a reference or reservation id, or of an order. */
struct holdfast_ledger_query {
    const char *sku, *location;
    const char *ref;
    const char *order;
    size_t limit;
};
HOLDFAST_API enum holdfast_outcome holdfast_get_ledger(struct holdfast *hf,
                                                       const struct holdfast_ledger_query *query,
                                                       holdfast_move_cb cb, void *arg);

typedef bool (*holdfast_cell_cb)(void *arg, const struct holdfast_cell *cell);
struct holdfast_list_query {
    const char *location;   /* NULL: all */
    const char *sku_prefix; /* NULL: all */
    bool only_low;          /* ATS at or below the low-stock threshold */
    uint64_t idle_us;       /* with stock on hand and not sold for this long; 0: all */
};
/* Cells, in the order of their creation, that pass all filters. */
HOLDFAST_API enum holdfast_outcome holdfast_list(struct holdfast *hf,
                                                 const struct holdfast_list_query *query,
                                                 holdfast_cell_cb cb, void *arg);

struct holdfast_hit {
    char reservation[65];
    int64_t units; /* open at the cell */
};
/* Cells in shortage with the reservations they hit; return false to stop. */
typedef bool (*holdfast_shortage_cb)(void *arg, const struct holdfast_cell *cell,
                                     const struct holdfast_hit *hits, size_t hits_count);
HOLDFAST_API enum holdfast_outcome holdfast_get_shortages(struct holdfast *hf,
                                                          holdfast_shortage_cb cb, void *arg);

/* ------------------------------------------------------------------ transfers, inbound */

struct holdfast_shipment_line {
    char sku[65];
    int64_t units;     /* asked for */
    int64_t unshipped; /* of a transfer: still at the source */
    int64_t under_way;
    int64_t received; /* sellable */
    int64_t damaged;  /* on arrival */
    int64_t cancelled, lost;
};
struct holdfast_shipment {
    char id[65], order[65];
    char from[65]; /* empty: an inbound shipment */
    char to[65];
    enum holdfast_state state;
    bool is_sellable; /* inbound: may be sold before it arrives */
    int64_t eta_us;   /* inbound; 0: none */
    int64_t opened_us;
    uint64_t opened_lsn;
    int64_t open_units; /* unshipped or under way, of all lines */
    uint64_t lsn;       /* at which the answer is true */
    size_t lines_count;
    struct holdfast_shipment_line *lines; /* valid until the next call on the handle */
};
HOLDFAST_API enum holdfast_outcome holdfast_get_transfer(struct holdfast *hf, const char *id,
                                                         struct holdfast_shipment *out);
HOLDFAST_API enum holdfast_outcome holdfast_get_inbound(struct holdfast *hf, const char *id,
                                                        struct holdfast_shipment *out);
struct holdfast_shipments_query {
    const char *location; /* it goes to, or leaves; NULL: all */
    bool only_open;
    bool only_late; /* inbound: open, and its eta has passed */
};
/* Called for each, without its lines (lines is NULL); return false to stop. */
typedef bool (*holdfast_shipment_cb)(void *arg, const struct holdfast_shipment *summary);
HOLDFAST_API enum holdfast_outcome holdfast_list_transfers(
    struct holdfast *hf, const struct holdfast_shipments_query *query, holdfast_shipment_cb cb,
    void *arg);
HOLDFAST_API enum holdfast_outcome holdfast_list_inbound(
    struct holdfast *hf, const struct holdfast_shipments_query *query, holdfast_shipment_cb cb,
    void *arg);

/* ------------------------------------------------------------------ export: all rows of one LSN */

/*
 * The state of one LSN, row by row, while the server goes on. One export at a time in a server:
 * HOLDFAST_BUSY. HOLDFAST_LIMIT_EXCEEDED: too much has changed meanwhile (export_memory in the
 * server's configuration); begin again. Exactly one of the pointers of a row is not NULL pair-wise:
 * a cell; a reservation and one of its lines; a shipment and one of its lines.
 */
enum holdfast_section {
    HOLDFAST_CELLS = 1,
    HOLDFAST_RESERVATIONS = 2,
    HOLDFAST_TRANSFERS = 3,
    HOLDFAST_INBOUND = 4
};
struct holdfast_row {
    const struct holdfast_cell *cell;
    const struct holdfast_reservation *reservation; /* without lines */
    const struct holdfast_reservation_line *reserved;
    const struct holdfast_shipment *shipment; /* without lines */
    const struct holdfast_shipment_line *shipped;
};
struct holdfast_token {
    uint32_t epoch;
    uint64_t lsn;
};
typedef bool (*holdfast_row_cb)(void *arg, const struct holdfast_row *row);
/* `at` gets epoch and LSN of the state; events after it follow by holdfast_subscribe. It is set
 * before the first row is given. */
HOLDFAST_API enum holdfast_outcome holdfast_export(struct holdfast *hf,
                                                   enum holdfast_section section,
                                                   struct holdfast_token *at, holdfast_row_cb cb,
                                                   void *arg);

/* ------------------------------------------------------------------ change feed */

/*
 * A connection that subscribes carries nothing else from then on: every other call on the handle
 * answers HOLDFAST_INVALID_ARGUMENT.
 *
 *     struct holdfast_subscription all = {.after = {.epoch = 1, .lsn = 0}};
 *     struct holdfast_token token;
 *     holdfast_subscribe(hf, &all, &token);
 *     while (holdfast_next_events(hf, -1, on_event, NULL, &token) == HOLDFAST_OK) { save(token); }
 */
enum holdfast_feed_flag {
    HOLDFAST_FEED_MOVES = 1, /* an event for each move (as in the ledger), no alerts; else one for
                                each cell an operation changed */
    HOLDFAST_FEED_STOCK = 2  /* only events that change on_hand */
};
struct holdfast_subscription {
    struct holdfast_token after; /* everything after it; epoch 0: from now on */
    const char *location;        /* NULL: all */
    const char *sku_prefix;      /* NULL: all */
    uint64_t kinds[2];           /* bit k of 128: kind k is wanted; all zero: all kinds */
    uint32_t flags;              /* enum holdfast_feed_flag */
};
struct holdfast_event {
    uint64_t lsn;
    uint32_t epoch;
    uint32_t index; /* of the event in its operation */
    int64_t ts_us;
    enum holdfast_kind kind; /* or an alert */
    enum holdfast_reason reason;
    enum holdfast_state state;    /* of id, afterwards */
    const char *sku, *location;   /* NULL: the operation changed no cell */
    const char *ref, *order, *by; /* NULL: none. Texts are valid during the callback */
    const char *id; /* the reservation, transfer or inbound shipment; NULL: none, or several */
    struct holdfast_counters delta, after;
    int64_t ats;                     /* afterwards */
    int64_t missing;                 /* shortage: units */
    const struct holdfast_hit *hits; /* shortage: the reservations it hits */
    size_t hits_count;
};
/*
 * Begin. HOLDFAST_OK: `token` is where it begins. HOLDFAST_GONE: the log no longer reaches back, or
 * the token lies past a fork of epochs; `token` is where a new start can be made (after an
 * export). HOLDFAST_UNKNOWN_LOCATION. HOLDFAST_LIMIT_EXCEEDED: too many subscriptions.
 */
HOLDFAST_API enum holdfast_outcome holdfast_subscribe(
    struct holdfast *hf, const struct holdfast_subscription *subscription,
    struct holdfast_token *token);
typedef void (*holdfast_event_cb)(void *arg, const struct holdfast_event *event);
/*
 * Wait up to `timeout_ms` (-1: no limit) for the next batch and give its events. `token` becomes
 * the place after them; it moves on, too, when only events that were not asked for happened. Whole
 * operations: a token never stands inside one.
 * HOLDFAST_OK: also when nothing came in time. HOLDFAST_GONE, HOLDFAST_BUSY: the server has ended
 * the subscription (the log is gone; the consumer is too slow). HOLDFAST_UNKNOWN: the connection is
 * broken; connect and subscribe again with the token.
 */
HOLDFAST_API enum holdfast_outcome holdfast_next_events(struct holdfast *hf, int timeout_ms,
                                                        holdfast_event_cb cb, void *arg,
                                                        struct holdfast_token *token);

/* Handles of codes for HOLDFAST_HANDLES, valid for this server's directory id and epoch; after a
 * reconnect to another the calls answer HOLDFAST_STALE_HANDLE. Unknown codes give
 * HOLDFAST_HANDLE_NONE. skus[i] and locations[i] may each be NULL. */
HOLDFAST_API enum holdfast_outcome holdfast_lookup(struct holdfast *hf, const char *const *skus,
                                                   const char *const *locations, size_t count,
                                                   uint32_t *sku_handles,
                                                   uint32_t *location_handles);

/* ------------------------------------------------------------------ administration (blocking) */

typedef bool (*holdfast_stat_cb)(void *arg, const char *name, uint64_t value);
HOLDFAST_API enum holdfast_outcome holdfast_ping(struct holdfast *hf);
HOLDFAST_API enum holdfast_outcome holdfast_get_stats(struct holdfast *hf, holdfast_stat_cb cb,
                                                      void *arg);
/* `hex` gets 32 digits and a zero. */
HOLDFAST_API enum holdfast_outcome holdfast_digest(struct holdfast *hf, uint64_t *lsn,
                                                   char hex[33]);
struct holdfast_audit {
    uint64_t lsn, cells, reservations, violations;
    char first_violation[256];
    uint64_t shipments; /* transfers and inbound shipments */
};
HOLDFAST_API enum holdfast_outcome holdfast_audit(struct holdfast *hf,
                                                  struct holdfast_audit *audit);
/* Write a snapshot and wait until it is on disk. */
HOLDFAST_API enum holdfast_outcome holdfast_snapshot(struct holdfast *hf, uint64_t *lsn);
/*
 * Make a backup on the server's machine: a copy of its data directory, of one LSN, while it goes on
 * serving. `directory` is a name of at most 255 bytes below the folder that the server is
 * configured with (backup_directory); it must not be there yet. `cb`, which may be NULL, is told
 * how far it is. HOLDFAST_OK: it is whole and on disk, `backup` tells of it. HOLDFAST_BUSY: another
 * one is being made, or it failed for now, such as for a disk that is full;
 * HOLDFAST_INVALID_ARGUMENT: there is no such folder, or the name cannot be. holdfast_error says
 * more. HOLDFAST_UNKNOWN: the connection broke; the backup may go on.
 */
struct holdfast_backup {
    uint64_t lsn;                     /* of whose state it is; while it is being made: 0 */
    uint64_t bytes_done, bytes_total; /* while it is being made: of the data directory */
    char path[256];                   /* on the server's machine */
};
typedef void (*holdfast_backup_cb)(void *arg, const struct holdfast_backup *backup);
HOLDFAST_API enum holdfast_outcome holdfast_backup(struct holdfast *hf, const char *directory,
                                                   holdfast_backup_cb cb, void *arg,
                                                   struct holdfast_backup *backup);

#ifdef __cplusplus
}
#endif

#endif
