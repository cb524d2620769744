/*
 * reference.h - the rules of stock once more, as plainly as they can be written.
 *
 * The model is the judge of the engine in test_model.c. It is derived from DESIGN.md and from the
 * contracts in engine/op.h and engine/engine.h, not from the engine's code, and it avoids all that
 * makes the engine fast: arrays that are searched from the front, a whole copy where the engine
 * takes steps back, sums made anew where the engine keeps them. What it shares with the engine is
 * the vocabulary: operations, outcomes, states, fields.
 *
 *     op, now --> form --> name known? --> codes --> state --> versions --> stock --> limits
 *                                                                              |
 *                                             lsn + 1, moves, states, names <--'
 *
 * Rules that are easily missed, each with its place in reference.c:
 *     M1  A name (a reference, a reservation's id) names one operation. The same content again is
 *         a repeat, other content a conflict; the name itself is not part of the content.
 *     M2  Lines of one cell are one demand, in order of first appearance, before any check.
 *     M3  An operation that changes nothing has no LSN and leaves its reference free.
 *     M4  Names are remembered in the order in which they came to be closed: a reference with its
 *         record, a reservation's id with the record that closes it. A record at time t forgets
 *         the oldest while they are retention old at t, or are too many. In a linked group only
 *         the record of the last operation forgets.
 *     M5  A hold is over from its deadline on. The caller logs the ends of due holds, one by one
 *         (hf_model_expire), before it applies an operation at that time.
 *     M6  A `set` as of a past moment makes on_hand what was said, plus what all other kinds but
 *         `set` have changed of it since. The model remembers every move, the engine does not:
 *         where that may refuse for want of memory, the caller tells the model (is_too_old).
 *     M7  Alerts are judged once a record, for the cells it touched, by what is true after it.
 *     M8  The physical units of a SKU (sellable, damaged, quarantined, under way in transfers) are
 *         those that operations said came in, less those they said went out. `physical_units` is
 *         kept from what is said, never from the counters.
 *
 * What the contracts leave open is open here as well: a malformed operation lists every field
 * that is malformed, and the engine may name any one of them.
 */
#ifndef HF_TESTS_MODEL_REFERENCE_H
#define HF_TESTS_MODEL_REFERENCE_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/engine.h"

#define HF_MODEL_SKUS_MAX 32
#define HF_MODEL_LOCATIONS_MAX 16
#define HF_MODEL_CELLS_MAX (HF_MODEL_SKUS_MAX * HF_MODEL_LOCATIONS_MAX)
#define HF_MODEL_LINES_MAX 24 /* lines of one well-formed operation */
#define HF_MODEL_MALFORMED_MAX 64
#define HF_MODEL_MOVES_OF_SET_MAX 65536 /* older moves of a cell need not be known to a set */

struct hf_model_text {
    uint32_t bytes_count;
    char bytes[HF_CODE_BYTES_MAX];
};

struct hf_model_location {
    struct hf_model_text code;
    bool is_in_transit_sellable;
    uint32_t region; /* HF_HANDLE_NONE: in none */
};

struct hf_model_cell {
    uint32_t sku, location;
    int64_t counters[HF_COUNTERS_COUNT];
    int64_t safety_stock, low_stock, backorder_limit;
    uint64_t version;
    uint64_t made_us;
    uint64_t last_sale_us; /* 0: never */
    bool is_low, is_out;   /* M7: what the last alerts said; a new cell is out */
};

struct hf_model_reservation_line {
    uint32_t cell;
    int64_t units, fulfilled, released;
};

struct hf_model_reservation {
    struct hf_model_text id, order;
    enum hf_state state;
    uint64_t deadline_us; /* 0: none; kept while held, and of an expired hold */
    uint64_t opened_us, opened_lsn;
    uint64_t confirmed_lsn; /* 0: it is not */
    uint32_t request;       /* the operation that its id names */
    uint32_t lines_count;
    struct hf_model_reservation_line lines[HF_MODEL_LINES_MAX];
};

/* What became of the units of a line: shipment.h says how they add up. */
struct hf_model_shipment_line {
    uint32_t sku;
    int64_t units, unshipped, under_way, received, damaged, cancelled, lost;
};

/* A transfer or an inbound shipment. */
struct hf_model_shipment {
    enum hf_shipment_kind kind;
    struct hf_model_text id, order;
    enum hf_state state;
    bool is_sellable;
    uint32_t from, to; /* from: HF_HANDLE_NONE of an inbound shipment */
    uint64_t eta_us, opened_us, opened_lsn, last_lsn;
    uint32_t request;
    uint32_t lines_count;
    struct hf_model_shipment_line lines[HF_MODEL_LINES_MAX];
};

/* An operation that was done, kept to recognize it. */
struct hf_model_request {
    struct hf_op op; /* texts and lines point into `memory` */
    char *memory;
};

/* A name that is remembered: a reference, or the id of something that is closed. */
struct hf_model_name {
    struct hf_model_text name;
    bool is_reservation, is_shipment;
    uint64_t since_us;
    /* of a reference: what it names */
    uint64_t lsn;
    uint32_t request;
    struct hf_model_text id; /* of what a repeat tells the state; empty: of nothing */
};

struct hf_model_move {
    uint64_t lsn, ts_us;
    enum hf_kind kind;
    enum hf_reason reason;
    uint32_t cell;
    struct hf_model_text ref, order, by;
    struct hf_model_text id; /* of the reservation or shipment */
    int64_t delta[HF_COUNTERS_COUNT];
    int64_t after[HF_COUNTERS_COUNT];
};

struct hf_model_hit {
    struct hf_model_text reservation;
    int64_t units;
};

/* What a record tells to those who follow: a cell it changed, or an alert. */
struct hf_model_event {
    uint64_t lsn, ts_us;
    unsigned kind; /* enum hf_kind or enum hf_alert */
    enum hf_reason reason;
    bool is_policy;
    int cell; /* -1: the record changed none */
    struct hf_model_text ref, order, by;
    struct hf_model_text id; /* empty: about nothing that has an id, or about several */
    enum hf_state state;
    int64_t delta[HF_COUNTERS_COUNT];
    int64_t after[HF_COUNTERS_COUNT];
    int64_t ats, missing;
    struct hf_model_hit hits[HF_HITS_MAX];
    uint32_t hits_count;
};

struct hf_model {
    struct hf_engine_config config;
    uint64_t lsn, time_us; /* of the newest record */
    uint64_t told_us;      /* the latest time that was told */
    bool is_inside_group;  /* the operation is one of a linked group, and not the last */
    bool is_too_old;       /* M6: of the next operation, a set, too little history is known */
    uint32_t too_old_op;   /* ... in a linked group: of this operation */
    uint32_t skus_count, locations_count, regions_count, cells_count;
    struct hf_model_text skus[HF_MODEL_SKUS_MAX];
    struct hf_model_location locations[HF_MODEL_LOCATIONS_MAX];
    struct hf_model_text regions[HF_MODEL_LOCATIONS_MAX];
    struct hf_model_cell cells[HF_MODEL_CELLS_MAX]; /* in the order of their creation */
    int64_t physical_units[HF_MODEL_SKUS_MAX];      /* M8 */
    /* grown as needed */
    struct hf_model_reservation *reservations; /* open and remembered, oldest first */
    struct hf_model_shipment *shipments;       /* likewise */
    struct hf_model_name *names;               /* remembered, oldest first */
    struct hf_model_request *requests;
    struct hf_model_move *moves;   /* all, oldest first */
    uint64_t *times_us;            /* of records: LSN n is times_us[n - 1] */
    struct hf_model_event *events; /* oldest first; the caller empties them (events_count = 0) */
    uint32_t reservations_count, reservations_room;
    uint32_t shipments_count, shipments_room;
    uint32_t times_count, times_room;
    uint32_t events_count, events_room;
    uint32_t names_count, names_room;
    uint32_t requests_count, requests_room;
    uint32_t moves_count, moves_room;
};

struct hf_model_malformed {
    enum hf_field field;
    uint32_t line_index; /* UINT32_MAX: none */
};

struct hf_model_result {
    enum hf_err outcome;
    enum hf_err other_outcome; /* the contract leaves open which of the two; HF_OK: it does not */
    bool is_repeated, is_unchanged;
    enum hf_state state;
    uint64_t lsn;
    uint64_t expires_at_us;
    struct hf_model_malformed malformed[HF_MODEL_MALFORMED_MAX];
    uint32_t malformed_count;
    struct hf_result_line lines[HF_MODEL_LINES_MAX];
    uint32_t lines_count;
};

/* An empty model with the limits of `config`. hf_model_free accepts NULL. */
struct hf_model *hf_model_create(const struct hf_engine_config *config);
void hf_model_free(struct hf_model *model);

/*
 * As hf_engine_apply. No hold may be due at `now_us` (M5). The operation has at most
 * HF_MODEL_LINES_MAX lines unless it is malformed.
 */
void hf_model_apply(struct hf_model *model, const struct hf_op *op, uint64_t now_us,
                    struct hf_model_result *result);
/* As hf_engine_apply_linked. */
void hf_model_apply_linked(struct hf_model *model, const struct hf_op *ops, uint32_t count,
                           uint64_t now_us, struct hf_model_result *results);

/* Time is told: a clock that is set back later changes nothing. An engine that was loaded or
 * replayed knows no more than the time of its newest record (hf_model_forget_time). */
void hf_model_tell_time(struct hf_model *model, uint64_t now_us);
void hf_model_forget_time(struct hf_model *model);
/* The time at which an operation given at `now_us` happens. */
uint64_t hf_model_now(const struct hf_model *model, uint64_t now_us);
/* Deadline of the hold that ends next; UINT64_MAX when none has one. */
uint64_t hf_model_next_deadline_us(const struct hf_model *model);
/* Log the end of the hold `id`, which is due and of which no other hold ends earlier. False: it
 * is no such hold. */
bool hf_model_expire(struct hf_model *model, struct hf_text id, uint64_t now_us);

/* Index of the thing, or -1. */
int hf_model_sku(const struct hf_model *model, struct hf_text code);
int hf_model_location(const struct hf_model *model, struct hf_text code);
int hf_model_region(const struct hf_model *model, struct hf_text code);
int hf_model_cell(const struct hf_model *model, int sku, int location);
int hf_model_reservation(const struct hf_model *model, struct hf_text id);
int hf_model_shipment(const struct hf_model *model, enum hf_shipment_kind kind, struct hf_text id);

int64_t hf_model_atf(const struct hf_model_cell *cell);
int64_t hf_model_ats(const struct hf_model *model, const struct hf_model_cell *cell);
/* Units of in_transit that may be sold. */
int64_t hf_model_sellable_in_transit(const struct hf_model *model,
                                     const struct hf_model_cell *cell);
int64_t hf_model_shortage(const struct hf_model *model, const struct hf_model_cell *cell);
/* The reservations that the shortage of the cell hits, at most HF_HITS_MAX; their number. */
uint32_t hf_model_hits(const struct hf_model *model, uint32_t cell, int64_t missing,
                       struct hf_model_hit *hits);
bool hf_model_shipment_is_open(const struct hf_model_shipment *shipment);
int64_t hf_model_shipment_open_units(const struct hf_model_shipment *shipment);
/* M6: whether the change of on_hand since then is known to someone who remembers no record before
 * `first_lsn` (0: none at all). */
bool hf_model_is_history_known(const struct hf_model *model, const struct hf_op *op,
                               uint64_t first_lsn);

/* model_form.c: list all that is malformed in `op`, which is nothing when it is well-formed. */
void hf_model_form(const struct hf_model *model, const struct hf_op *op, uint64_t now_us,
                   struct hf_model_result *result);

static inline struct hf_text hf_model_text_view(const struct hf_model_text *text)
{
    return (struct hf_text){text->bytes, text->bytes_count};
}

#endif
