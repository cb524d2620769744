/*
 * engine.h - the one door to the rules of stock: apply, replay, ask, copy.
 *
 *     op, now --> validate --> look up --> check --> [line] --> effects --> record --> ledger ring
 *                                  |                    |                                 |
 *                              refusal               cells, reservations, names       log thread
 *                           changes nothing
 *
 * An operation is decided once. The decision is a list of *effects* (effect.h): counter changes,
 * state changes, new codes. The same code applies effects live and in replay, so a recovered
 * engine took the very steps of the one that wrote the log. Records hold the effects with the
 * values after, are numbered gaplessly, and live in a ring in memory (ledger.h) from which the
 * log thread, the ledger queries and, later, the change feed read them.
 *
 * Promises kept here (DESIGN.md section 3): P1, P2, P4, P6, P7, and P8 for memory.
 *
 * Given from outside: time (microseconds since the Unix epoch, UTC) with every call. The engine
 * reads no clock and keeps its time monotonic by itself. One thread. No globals.
 */
#ifndef HF_ENGINE_ENGINE_H
#define HF_ENGINE_ENGINE_H

#include <stddef.h>

#include "engine/limits.h"
#include "engine/op.h"

struct hf_engine;
struct hf_ledger;

/* Counters of a cell, in the order of every array of them. */
enum hf_counter {
    HF_ON_HAND,
    HF_HELD,
    HF_COMMITTED,
    HF_IN_TRANSIT,
    HF_DAMAGED,
    HF_QUARANTINED,
    HF_COUNTERS_COUNT
};

struct hf_engine_config {
    uint32_t skus_max;
    uint32_t locations_max; /* regions, too */
    uint32_t cells_max;
    uint32_t reservations_max; /* open and remembered ones together */
    uint32_t lines_max;        /* lines of those reservations */
    uint32_t shipments_max;    /* transfers and inbound shipments, open and remembered ones */
    uint32_t shipment_lines_max;
    uint32_t references_max; /* references and closed reservations, shipments remembered (P4) */
    uint64_t reference_retention_us;
    uint64_t life_us_max;          /* longest time-to-live, and longest life by extensions */
    uint64_t ledger_bytes;         /* the ring of records; at least HF_LEDGER_BYTES_MIN */
    uint64_t memory_max_bytes;     /* 0: no bound besides the counts */
    uint32_t over_receipt_percent; /* of an inbound line's units may arrive beyond them; 0..1000 */
};

/* The defaults of holdfastd: 30 days of life, 24 h of retention, a 256 MiB ledger, ... */
struct hf_engine_config hf_engine_config_default(void);

/*
 * An empty engine at LSN 0, or NULL when the address space for the limits is not to be had.
 * The caller frees it with hf_engine_free, which accepts NULL.
 */
struct hf_engine *hf_engine_create(const struct hf_engine_config *config);
void hf_engine_free(struct hf_engine *engine);
/* Make it empty again, at LSN 0, for a snapshot that turned out to be damaged while it was loaded.
 * False: no memory; only hf_engine_free may follow. */
bool hf_engine_clear(struct hf_engine *engine);

/*
 * Apply one operation at `now_us`; `result` says what became of it. HF_OP_LINKED is ignored here.
 *
 * Refusals in order of precedence (P4 comes before the world is looked at):
 *     HF_INVALID_ARGUMENT      result->field and line_index name what is malformed
 *     (repeat)                 HF_OK with is_repeated, or HF_REFERENCE_CONFLICT
 *     HF_UNKNOWN_SKU, HF_UNKNOWN_LOCATION, HF_UNKNOWN_RESERVATION, HF_UNKNOWN_TRANSFER,
 *     HF_UNKNOWN_INBOUND
 *     the reservation's state  HF_EXPIRED, HF_NOT_CONFIRMED, HF_ALREADY_*, HF_SUPERSEDED
 *     the shipment's state     HF_WRONG_STATE
 *     HF_VERSION_CONFLICT
 *     HF_TOO_OLD               set: the cell's history in memory begins after as_of
 *     HF_EXCEEDS_RESERVATION, HF_EXCEEDS_SHIPMENT, HF_INSUFFICIENT_STOCK,
 *     HF_INSUFFICIENT_ON_HAND  (also: fewer units in the status that is named)
 *     HF_LIMIT_EXCEEDED        a counter, a table or the memory is at its limit
 *     HF_BUSY                  the ledger ring waits for the log; or due holds on the cell are
 *                              still being released. Nothing has changed; try again.
 * A refusal changes nothing of the operation. It may still have logged expiries that were due.
 */
void hf_engine_apply(struct hf_engine *engine, const struct hf_op *op, uint64_t now_us,
                     struct hf_result *result);

/*
 * Apply ops[0..count) as one: all, or none. results[i] belongs to ops[i]; in a failed group the
 * operation that was refused says why and the others say HF_LINKED_FAILED. The group's records
 * stand in one log block. Where the ring has no room for a group, one of repeats is answered all
 * the same; in any other the first operation that would log is HF_BUSY. count <= HF_LINKED_MAX.
 */
#define HF_LINKED_MAX 256
void hf_engine_apply_linked(struct hf_engine *engine, const struct hf_op *ops, uint32_t count,
                            uint64_t now_us, struct hf_result *results);

/*
 * Log the release of at most `count_max` holds whose deadline is not after `now_us`, in the order
 * of their deadlines. The work of one call is bounded, also where nothing is released: is_more
 * says that another call would go on now. On its way a call gives back a little of the memory that
 * ended readings have left (kept.h).
 */
struct hf_expired {
    uint32_t count;
    bool is_more;
};
struct hf_expired hf_engine_expire(struct hf_engine *engine, uint64_t now_us, uint32_t count_max);
/* No hold ends before this time, in microseconds; UINT64_MAX when none has a deadline. */
uint64_t hf_engine_next_deadline_us(struct hf_engine *engine);

/*
 * A hint, which changes nothing: these operations come next. What they will touch is fetched, so
 * that applying them does not wait for memory; worth it from two on, best for a dozen or so.
 */
void hf_engine_expect(const struct hf_engine *engine, const struct hf_op *ops, uint32_t count);

/* ------------------------------------------------------------------ log and recovery */

/* LSN of the newest record; 0 before the first. Its time; 0 before the first. */
uint64_t hf_engine_lsn(const struct hf_engine *engine);
uint64_t hf_engine_time_us(const struct hf_engine *engine);
/* The ring of records (ledger.h): the log thread reads from it what it writes. */
struct hf_ledger *hf_engine_ledger(struct hf_engine *engine);

/*
 * Apply one record of the log. Its LSN must be hf_engine_lsn() + 1; a smaller one only enters the
 * ledger (recovery reads a little of the log before the snapshot so that history can be asked
 * for), which is allowed before the first larger one.
 * HF_CORRUPT: not a record, or one that contradicts the state (the values after do not come out);
 * `why` (a static text) says what. HF_LIMIT_EXCEEDED: the configured limits are too small for it.
 * For many records see decoded.h.
 */
enum hf_err hf_engine_replay(struct hf_engine *engine, const void *record, size_t bytes_count,
                             const char **why);

/* ------------------------------------------------------------------ snapshot (image.h) */

/*
 * The state as a stream of items (FORMATS.md 4). Copy: start with a zeroed cursor and call until
 * it returns 0; each call fills `buffer` (at least HF_IMAGE_BYTES_MIN) with whole items and
 * returns the bytes used. The engine must not change in between: stop it, or copy in one go.
 * Load: into an empty engine, the same chunks in the same order, then hf_engine_load_end.
 */
#define HF_IMAGE_BYTES_MIN (1024u * 1024)
struct hf_image_cursor {
    uint32_t section;
    uint64_t index;
};
size_t hf_engine_copy(struct hf_engine *engine, struct hf_image_cursor *cursor, void *buffer,
                      size_t buffer_bytes);
enum hf_err hf_engine_load(struct hf_engine *engine, const void *chunk, size_t bytes_count,
                           const char **why);
/*
 * The same in two halves, so that two threads may share the work:
 *
 *     one        prepare 1 | prepare 2 | prepare 3 | ...
 *     another                 join 1   |  join 2   |  join 3  | ...     then hf_engine_load_end
 *
 * Prepare decodes a chunk into the engine's pools, finds its keys, and says in `part` what join has
 * to do, or to refuse: only join refuses. Chunks are prepared in their order and joined in their
 * order, each after it was prepared, by one thread at a time each; how a part gets from one to the
 * other makes what was written before visible there (a mutex, say). The chunk stays until its
 * part was joined. No other call may come while either runs, nor before both have ended.
 * Which of the two touches what is said in image_load.h.
 */
struct hf_image_part {
    const unsigned char *bytes, *bytes_end; /* the chunk */
    const unsigned char *shipments;         /* in it, up to its end; NULL: none */
    uint32_t cells_first, cells_count;      /* by their indices, as the next two */
    uint32_t reservations_first, reservations_count;
    uint32_t reservation_lines_end;
    enum hf_err err; /* the refusal that comes behind all of these; HF_OK: none */
    const char *why;
};
void hf_engine_load_prepare(struct hf_engine *engine, const void *chunk, size_t bytes_count,
                            struct hf_image_part *part);
/* HF_CORRUPT, HF_LIMIT_EXCEEDED, HF_NO_MEMORY: `why` (a static text) says what. */
enum hf_err hf_engine_load_join(struct hf_engine *engine, const struct hf_image_part *part,
                                const char **why);
/*
 * For the thread that joins, when it has joined one part and the next is not there yet: have some
 * memory made that prepare will fill, which is a third of its work. False: there is none left.
 */
bool hf_engine_load_idle(struct hf_engine *engine);
/* Check that all that the first item (the head) counts is there. HF_CORRUPT otherwise. */
enum hf_err hf_engine_load_end(struct hf_engine *engine, const char **why);

/*
 * Loading and replay leave out what can be built faster at their end: which lines hang at a cell,
 * and which hold ends next (settle.c). Whatever needs that first has it built, in a time that grows
 * with the state; recovery does it before a server is ready, each part 0 .. parts_count - 1 once,
 * on as many threads as it likes while nobody else uses the engine, and then says that it has.
 */
void hf_engine_settle_part(struct hf_engine *engine, uint32_t part, uint32_t parts_count);
void hf_engine_settle_end(struct hf_engine *engine);
/* All of it, unless it is done. */
void hf_engine_settle(struct hf_engine *engine);

/*
 * The same stream while the engine goes on: begin, then step between other calls until *is_end.
 * The bytes are those that hf_engine_copy would have given at hf_engine_snapshot_lsn, where it
 * began; what changes before it was copied is kept aside as it was, in at most `bytes_max` bytes,
 * which count in memory_bytes. It and a reading of rows (hf_engine_freeze) are independent.
 * Memory for it stays for the next one, up to 64 MiB and four bytes for each slot of the state.
 * Begin: false when one is on, there is no memory, or what earlier ones kept is still being given
 * back (hf_engine_expire does so): try again later.
 */
bool hf_engine_snapshot_begin(struct hf_engine *engine, uint64_t bytes_max);
uint64_t hf_engine_snapshot_lsn(const struct hf_engine *engine);
/*
 * Whole items, looking at no more than `items_max` slots (at fewer where items are long) and
 * filling at most `buffer_bytes` (at least HF_IMAGE_BYTES_MIN). HF_OK with *bytes_used, which may
 * be 0, and *is_end. HF_LIMIT_EXCEEDED: more has changed than bytes_max could keep; end it.
 */
enum hf_err hf_engine_snapshot_step(struct hf_engine *engine, uint32_t items_max, void *buffer,
                                    size_t buffer_bytes, size_t *bytes_used, bool *is_end);
/* Of bytes_max, used so far. */
uint64_t hf_engine_snapshot_kept_bytes(const struct hf_engine *engine);
/*
 * Memory that what is kept will be written to next and that is not there yet: for
 * hf_memory_populate (engine/pool.h), which any thread may call while this one goes on. Returns how
 * many of the HF_MEMORY_PARTS were filled in; each part is told of once.
 */
struct hf_memory_part;
uint32_t hf_engine_snapshot_fresh(struct hf_engine *engine, struct hf_memory_part *parts);
/* Slots not looked at yet. */
uint64_t hf_engine_snapshot_items_left(const struct hf_engine *engine);
/* End it, also before its end, in bounded time. Nothing happens when none is on. */
void hf_engine_snapshot_end(struct hf_engine *engine);

/* ------------------------------------------------------------------ proofs */

/* P7: a hash over all that a snapshot holds, at hf_engine_lsn(). */
struct hf_digest {
    uint64_t low;
    uint64_t high;
};
struct hf_digest hf_engine_digest(struct hf_engine *engine);
/*
 * The same while the engine goes on: begin (false: another run is on), then step, up to
 * `items_max` items each, until it is true; *digest is that of *lsn, where it began.
 */
bool hf_engine_digest_begin(struct hf_engine *engine);
bool hf_engine_digest_step(struct hf_engine *engine, uint32_t items_max, struct hf_digest *digest,
                           uint64_t *lsn);
void hf_engine_digest_cancel(struct hf_engine *engine);

/* P6, in steps: the engine may change between steps, each item is judged whole (audit.c). */
struct hf_audit {
    uint64_t cells_count;        /* judged so far */
    uint64_t reservations_count; /* judged so far */
    uint64_t shipments_count;    /* judged so far */
    uint64_t violations_count;
    char first_violation[256]; /* text; empty when there is none */
    /* private */
    uint64_t next;
    uint64_t run;
    uint32_t phase;
};
/* Judge up to `items_max` more; true when done. Start with a zeroed struct. */
bool hf_engine_audit(struct hf_engine *engine, struct hf_audit *audit, uint32_t items_max);

/* ------------------------------------------------------------------ questions (read.c) */

struct hf_cell_view {
    struct hf_text sku; /* texts are the engine's, valid while it lives */
    struct hf_text location;
    int64_t on_hand, held, committed, in_transit, damaged, quarantined; /* units */
    int64_t safety_stock;
    int64_t low_stock; /* HF_LOW_STOCK_NONE: no threshold */
    int64_t backorder_limit;
    int64_t atf, ats;
    int64_t shortage;      /* units promised that are not there (DESIGN.md 2); 0: none */
    uint64_t last_sale_us; /* when units were last sold or fulfilled; 0: never */
    uint64_t version;      /* LSN of the last change; 0: none yet */
};

/* Handles of codes; HF_HANDLE_NONE when unknown. Valid as long as the data directory and epoch. */
uint32_t hf_engine_sku(const struct hf_engine *engine, struct hf_text code);
uint32_t hf_engine_location(const struct hf_engine *engine, struct hf_text code);
/* The other way round, for those who read records; empty when there is no such handle. */
struct hf_text hf_engine_sku_code(const struct hf_engine *engine, uint32_t handle);
struct hf_text hf_engine_location_code(const struct hf_engine *engine, uint32_t handle);
struct hf_text hf_engine_region_code(const struct hf_engine *engine, uint32_t handle);

/* One cell; zeros when SKU and location are known but have no cell yet.
 * HF_UNKNOWN_SKU, HF_UNKNOWN_LOCATION. `handles` chooses handles or codes of `line`. */
enum hf_err hf_engine_stock(const struct hf_engine *engine, const struct hf_op_line *line,
                            bool handles, struct hf_cell_view *view);

/*
 * ATS and ATF of a SKU: at a location (line->location), in a region, or over all locations when
 * both are empty. A location in shortage counts as 0: it does not eat another's stock.
 * HF_UNKNOWN_SKU, HF_UNKNOWN_LOCATION (for a region, too).
 */
struct hf_ats {
    int64_t ats;
    int64_t atf;
};
enum hf_err hf_engine_ats(const struct hf_engine *engine, const struct hf_op_line *line,
                          bool handles, struct hf_text region, struct hf_ats *ats);

struct hf_reservation_line_view {
    struct hf_text sku, location;
    int64_t units, fulfilled, released;
};
struct hf_reservation_view {
    struct hf_text id, order; /* order is empty when there is none */
    enum hf_state state;      /* EXPIRED from the deadline on, whether logged yet or not */
    uint64_t expires_at_us;   /* 0: no deadline, or no longer one */
    uint64_t opened_lsn;
    uint64_t opened_us;
    uint32_t lines_count;
    uint32_t first_line; /* cursor for hf_engine_reservation_line */
};
/* HF_UNKNOWN_RESERVATION when it never was, or is no longer remembered. */
enum hf_err hf_engine_reservation(const struct hf_engine *engine, struct hf_text id,
                                  uint64_t now_us, struct hf_reservation_view *view);
/* The line at *cursor; moves the cursor on. False at the end. */
bool hf_engine_reservation_line(const struct hf_engine *engine, uint32_t *cursor,
                                struct hf_reservation_line_view *view);
/*
 * Reservations of an order, newest first. Begin with hf_order_cursor_start; a cursor that is only
 * an LSN goes on where another call stopped, whatever has happened in between. False at the end,
 * at once when no remembered reservation has this order.
 */
struct hf_order_cursor {
    uint64_t before_lsn; /* reservations opened before this LSN come next */
    uint32_t node;       /* a hint, HF_HANDLE_NONE: none */
};
static inline struct hf_order_cursor hf_order_cursor_start(uint64_t before_lsn)
{
    return (struct hf_order_cursor){before_lsn, HF_HANDLE_NONE};
}
bool hf_engine_order(const struct hf_engine *engine, struct hf_text order, uint64_t now_us,
                     struct hf_order_cursor *cursor, struct hf_reservation_view *view);

/* A line of the ledger: what one operation did to one cell, for one reservation where it did. */
struct hf_move {
    uint64_t lsn;
    uint64_t ts_us;
    uint32_t index; /* of the move in its record, from 0 */
    enum hf_kind kind;
    enum hf_reason reason;
    struct hf_text sku, location, ref, order, by; /* texts are valid until the next call */
    struct hf_text reservation;                   /* or transfer, or inbound shipment */
    int64_t delta[HF_COUNTERS_COUNT];             /* enum hf_counter */
    int64_t after[HF_COUNTERS_COUNT];
};
typedef void (*hf_move_cb)(void *arg, const struct hf_move *move);

/*
 * Moves of a cell, of a reference (or reservation id), or of an order, newest first: whole
 * operations with an LSN below `before_lsn` (UINT64_MAX to begin), until `moves_max` are given
 * (the last operation is given whole). Returns the cursor to go on from; 0: nothing older is in
 * memory. Exactly one of the three is asked for, by its own function.
 */
uint64_t hf_engine_ledger_cell(const struct hf_engine *engine, uint32_t sku, uint32_t location,
                               uint64_t before_lsn, uint32_t moves_max, hf_move_cb cb, void *arg);
uint64_t hf_engine_ledger_ref(const struct hf_engine *engine, struct hf_text ref, hf_move_cb cb,
                              void *arg);
uint64_t hf_engine_ledger_order(const struct hf_engine *engine, struct hf_text order,
                                uint64_t before_lsn, uint32_t moves_max, hf_move_cb cb, void *arg);

/*
 * Cells in the order of their creation, from *cursor (0 to begin), at most `cells_max` given and
 * a bounded number looked at; a later change of stock neither repeats nor skips a cell. False
 * when the end is reached; else call again, also when none was given.
 */
struct hf_list_filter {
    uint32_t location;     /* HF_HANDLE_NONE: all */
    struct hf_text prefix; /* of the SKU's code; empty: all */
    bool only_low;         /* ATS at or below the low-stock threshold */
    /* With stock on hand, and last sold at or before this time; what was never sold counts from
     * when its cell was made. 0: all. */
    uint64_t idle_since_us;
};
typedef void (*hf_cell_cb)(void *arg, const struct hf_cell_view *view);
bool hf_engine_list(const struct hf_engine *engine, const struct hf_list_filter *filter,
                    uint64_t *cursor, uint32_t cells_max, hf_cell_cb cb, void *arg);

/*
 * Cells in shortage, as hf_engine_list gives cells, each with the reservations it hits: holds
 * first, newest first, then confirmed ones, the one confirmed last first, until what they have open
 * there makes up for what is missing. At most HF_HITS_MAX of them are named. One record, or one
 * call, looks at HF_HITS_LOOK_MAX lines, and at 2 * HF_HITS_MAX of each further cell: where a cell
 * has more holds than that, some that are hit may not be the very first. `hits` is valid during the
 * call of `cb`.
 */
#define HF_HITS_MAX 64
#define HF_HITS_LOOK_MAX 16384
struct hf_hit {
    struct hf_text reservation;
    int64_t units; /* open at the cell */
};
typedef void (*hf_shortage_cb)(void *arg, const struct hf_cell_view *view,
                               const struct hf_hit *hits, uint32_t hits_count);
bool hf_engine_shortages(struct hf_engine *engine, uint64_t *cursor, uint32_t cells_max,
                         hf_shortage_cb cb, void *arg);

/* ------------------------------------------------------------------ shipments (shipment.h) */

enum hf_shipment_kind { HF_TRANSFER = 1, HF_INBOUND = 2 };

struct hf_shipment_line_view {
    struct hf_text sku;
    int64_t units;     /* asked for */
    int64_t unshipped; /* of a transfer: still at the source */
    int64_t under_way; /* counted in in_transit */
    int64_t received;  /* sellable */
    int64_t damaged;   /* on arrival */
    int64_t cancelled;
    int64_t lost;
};
struct hf_shipment_view {
    struct hf_text id, order;
    struct hf_text from, to; /* from is empty for an inbound shipment */
    enum hf_shipment_kind kind;
    enum hf_state state;
    bool is_sellable; /* inbound: may be sold before it arrives */
    uint64_t eta_us;  /* inbound: 0: none */
    uint64_t opened_us;
    uint64_t opened_lsn;
    uint64_t last_lsn; /* of its newest change */
    uint32_t lines_count;
    int64_t open_units;  /* under way or unshipped, of all lines */
    uint32_t first_line; /* cursor for hf_engine_shipment_line */
};
/* HF_UNKNOWN_TRANSFER, HF_UNKNOWN_INBOUND: it never was, or is no longer remembered. */
enum hf_err hf_engine_shipment(const struct hf_engine *engine, enum hf_shipment_kind kind,
                               struct hf_text id, struct hf_shipment_view *view);
/* The line at *cursor; moves the cursor on. False at the end. */
bool hf_engine_shipment_line(const struct hf_engine *engine, uint32_t *cursor,
                             struct hf_shipment_line_view *view);
struct hf_shipment_filter {
    enum hf_shipment_kind kind;
    uint32_t location; /* it goes to, or leaves; HF_HANDLE_NONE: all */
    bool only_open;    /* draft or in_transit */
    uint64_t late_us;  /* open, with an eta before this time; 0: all */
};
typedef void (*hf_shipment_cb)(void *arg, const struct hf_shipment_view *view);
/* As hf_engine_list: from *cursor on, a bounded number; false at the end. */
bool hf_engine_shipments(const struct hf_engine *engine, const struct hf_shipment_filter *filter,
                         uint64_t *cursor, uint32_t shipments_max, hf_shipment_cb cb, void *arg);

/* ------------------------------------------------------------------ one state (frozen.h) */

/*
 * Hold the state of now for reading while the engine goes on: what changes before it was read is
 * kept aside as it was, at most `bytes_max` of it. False: another reading is on, no memory, or what
 * earlier ones kept is still being given back.
 */
bool hf_engine_freeze(struct hf_engine *engine, uint64_t bytes_max);
/* The reading's LSN. */
uint64_t hf_engine_frozen_lsn(const struct hf_engine *engine);
/* End the reading, in bounded time. Nothing happens when none is on. */
void hf_engine_thaw(struct hf_engine *engine);
/*
 * Rows of the frozen state, from *cursor (zeroed to begin), at most `rows_max` given and a bounded
 * number of items looked at: cells; or a row for each line of the reservations, of the transfers,
 * of the inbound shipments, in the order of their slots. Sections may be read in the order of the
 * enumeration only, each at most once, because what was read is no longer kept.
 * HF_OK: *is_end says whether that was all; calls may give no rows, also the last one.
 * HF_LIMIT_EXCEEDED: more has changed than bytes_max could keep; the reading is lost, thaw it.
 */
enum hf_frozen_section {
    HF_FROZEN_CELLS = 1,
    HF_FROZEN_RESERVATIONS = 2,
    HF_FROZEN_TRANSFERS = 3,
    HF_FROZEN_INBOUND = 4
};
/* Only rows of this section will be asked for: nothing else needs to be kept. */
void hf_engine_frozen_only(struct hf_engine *engine, enum hf_frozen_section section);
struct hf_frozen_cursor {
    uint64_t index;
    uint32_t line;
};
struct hf_frozen_row {
    enum hf_frozen_section section;
    struct hf_cell_view cell;               /* cells */
    struct hf_reservation_view reservation; /* reservations; first_line is not a cursor */
    struct hf_reservation_line_view reserved;
    struct hf_shipment_view shipment; /* transfers, inbound; alike */
    struct hf_shipment_line_view shipped;
};
typedef void (*hf_frozen_cb)(void *arg, const struct hf_frozen_row *row);
enum hf_err hf_engine_frozen_rows(struct hf_engine *engine, enum hf_frozen_section section,
                                  struct hf_frozen_cursor *cursor, uint32_t rows_max,
                                  hf_frozen_cb cb, void *arg, bool *is_end);

/* ------------------------------------------------------------------ events (event.h) */

/*
 * What one record tells to those who follow: an event for each cell it changed, in the order of
 * its moves; one without a cell when it changed none; and after them the alerts it gave rise to.
 */
struct hf_event {
    uint64_t lsn;
    uint64_t ts_us;
    uint32_t index; /* of the event in its record, from 0 */
    unsigned kind;  /* enum hf_kind, or enum hf_alert */
    enum hf_reason reason;
    bool is_policy;               /* a set_policy: no counter has changed */
    struct hf_text sku, location; /* empty: the record changed no cell */
    struct hf_text ref, order, by;
    struct hf_text id;   /* of the reservation, transfer or inbound shipment it is about; empty when
                          there is none, or several */
    enum hf_state state; /* of that, afterwards */
    int64_t delta[HF_COUNTERS_COUNT]; /* of an alert: zero */
    int64_t after[HF_COUNTERS_COUNT];
    int64_t ats;               /* afterwards */
    int64_t missing;           /* shortage: units */
    const struct hf_hit *hits; /* shortage: the reservations it hits, as of then */
    uint32_t hits_count;
};
typedef void (*hf_event_cb)(void *arg, const struct hf_event *event);
/*
 * The events of a record that this engine has applied (the catalog gives the codes). `by_move`: an
 * event for each move instead of each cell, as the ledger has them, and no alerts. Texts are valid
 * during the call. HF_CORRUPT: not a record.
 */
enum hf_err hf_engine_events(struct hf_engine *engine, const void *record, size_t bytes_count,
                             bool by_move, hf_event_cb cb, void *arg);

struct hf_engine_stats {
    uint64_t lsn;
    uint64_t skus_count, locations_count, regions_count, cells_count;
    uint64_t reservations_count;      /* open */
    uint64_t reservations_remembered; /* closed, not yet forgotten */
    uint64_t references_count;
    uint64_t references_max;                 /* as configured */
    uint64_t transfers_count, inbound_count; /* open */
    uint64_t ledger_first_lsn;               /* oldest record in memory; 0: none */
    uint64_t memory_bytes;
};
void hf_engine_stats(const struct hf_engine *engine, struct hf_engine_stats *stats);

#endif
