/*
 * effect.h - what an operation does to the state, step by step; the verbs of the log.
 *
 * An operation is decided into a list of effects; applying them in order is all the change there
 * is, live and in replay. Every effect can be taken back (in reverse order), which is how a
 * linked group fails as a whole.
 *
 *     SKU, LOCATION, REGION   a code gets the next handle
 *     PLACE                   settings of a location: in-transit sellable, region
 *     POLICY                  settings of a cell: safety stock, low-stock threshold, backorders
 *     OPEN                    a reservation begins; the moves after it, up to the next OPEN or
 *                             STATE, are its lines
 *     STATE                   a reservation changes state or deadline; the moves after it are of
 *                             its lines
 *     MOVE                    counters of one cell change. Of a reservation's line it says:
 *                             units fulfilled += -delta on_hand;
 *                             units released  += -(delta held + delta committed) + delta on_hand
 *     SHIPMENT_OPEN           a transfer or inbound shipment begins; the LINEs after it are new
 *     SHIPMENT_STATE          it changes; the LINEs after it change lines that it has
 *     LINE                    figures of a shipment's line. Moves after SHIPMENT_OPEN or
 *                             SHIPMENT_STATE are of the shipment: what they say of in_transit
 *                             counts as that of its kind (cell.h)
 *     SHORTAGE                told to those who follow; changes nothing
 *
 * Moves and policies carry marks when they change what alerts are told by (cell.h: is_low, is_out),
 * and whether that is told. They are decided once, when the record is made.
 */
#ifndef HF_ENGINE_EFFECT_H
#define HF_ENGINE_EFFECT_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/engine.h"
#include "engine/err.h"
#include "engine/limits.h"
#include "engine/text.h"
#include "engine/words.h"

#define HF_COUNTERS_HOT 3 /* on_hand, held, committed: most cells have no others */

enum hf_effect_tag {
    HF_EFFECT_END = 0,
    HF_EFFECT_SKU = 1,
    HF_EFFECT_LOCATION = 2,
    HF_EFFECT_REGION = 3,
    HF_EFFECT_PLACE = 4,
    HF_EFFECT_POLICY = 5,
    HF_EFFECT_OPEN = 6,
    HF_EFFECT_STATE = 7,
    HF_EFFECT_MOVE = 8,
    HF_EFFECT_SHIPMENT_OPEN = 9,
    HF_EFFECT_SHIPMENT_STATE = 10,
    HF_EFFECT_LINE = 11,
    HF_EFFECT_SHORTAGE = 12
};

/* Of a move or policy. A cell made by the record changes its flags without telling. */
enum hf_mark {
    HF_MARK_IS_LOW = 1, /* the flags afterwards, ... */
    HF_MARK_IS_OUT = 2,
    HF_MARK_TELL_LOW = 4, /* ... and which change is an alert */
    HF_MARK_TELL_OUT = 8,
    HF_MARK_GIVEN = 16 /* there are marks */
};
#define HF_MARKS_ALL 31

/* What a cell tells alerts by, and what goes with a change of it. */
struct hf_effect_tell {
    uint8_t marks;         /* enum hf_mark; 0: the flags stay */
    bool is_format_1;      /* written before there were marks: the flags follow from the figures */
    bool was_low, was_out; /* for taking it back */
    int64_t gap;           /* ATS - (on_hand - held - committed), after the record; 0 in format 1 */
    int64_t shortage_before; /* live only */
};

struct hf_effect_code {
    uint32_t handle; /* checked against the next free one */
    struct hf_text code;
};

struct hf_effect_place {
    uint32_t location;
    uint32_t region; /* HF_HANDLE_NONE: in no region */
    bool is_in_transit_sellable;
    /* for taking it back */
    uint32_t region_before;
    bool was_in_transit_sellable;
};

struct hf_policy {
    int64_t safety_stock;    /* units */
    int64_t low_stock;       /* units, or HF_LOW_STOCK_NONE */
    int64_t backorder_limit; /* units */
};

struct hf_effect_policy {
    uint32_t sku, location;
    uint64_t version_before; /* LSN of the cell's change before this one; 0: it was created */
    struct hf_policy policy;
    int64_t after[HF_COUNTERS_COUNT]; /* the cell's counters, which stay; as of a move */
    struct hf_effect_tell tell;
    struct hf_policy policy_before; /* for taking it back */
    bool is_cell_new;
};

struct hf_effect_reservation { /* OPEN and STATE */
    struct hf_text id;
    uint64_t hash; /* of the id; not set where the index is given */
    enum hf_state state;
    uint64_t life_us; /* deadline = opened + life; 0: no deadline */
    uint32_t index;   /* STATE: HF_HANDLE_NONE: looked up by id. OPEN: filled when applied */
    /* for taking it back */
    enum hf_state state_before;
    uint64_t life_us_before;
    uint64_t lsn_before;
    uint64_t confirmed_lsn_before;
};

struct hf_effect_move {
    uint32_t sku, location;
    uint32_t cell; /* index; HF_HANDLE_NONE: looked up, and created when there is none */
    uint32_t line; /* index of the reservation's line; HF_HANDLE_NONE: looked up in a STATE */
    uint64_t version_before;
    int64_t delta[HF_COUNTERS_COUNT];
    int64_t after[HF_COUNTERS_COUNT]; /* filled when applied; checked in replay */
    struct hf_effect_tell tell;
    uint64_t since_us_before; /* from here on for taking it back */
    bool had_sold;
    bool is_cell_new;
};

struct hf_effect_shipment { /* SHIPMENT_OPEN and SHIPMENT_STATE */
    struct hf_text id;
    enum hf_state state;
    /* OPEN only */
    enum hf_shipment_kind kind;
    bool is_sellable;
    uint32_t from, to; /* locations; from is HF_HANDLE_NONE for an inbound shipment */
    uint64_t eta_us;
    uint32_t index; /* STATE: HF_HANDLE_NONE: looked up by id. OPEN: filled when applied */
    /* for taking it back */
    enum hf_state state_before;
    uint64_t lsn_before;
};

/* Figures of a shipment's line, in the order of the record's mask. */
enum hf_line_figure {
    HF_LINE_UNSHIPPED,
    HF_LINE_UNDER_WAY,
    HF_LINE_RECEIVED,
    HF_LINE_DAMAGED,
    HF_LINE_CANCELLED,
    HF_LINE_LOST,
    HF_LINE_FIGURES
};

struct hf_effect_line {
    uint32_t sku;
    uint32_t line; /* index; HF_HANDLE_NONE: looked up. Of a new line filled when applied */
    int64_t units; /* of a new line; 0 of one that changes */
    int64_t delta[HF_LINE_FIGURES];
};

struct hf_effect_shortage {
    uint32_t sku, location;
    int64_t missing; /* units */
    uint32_t hits_count;
    const unsigned char *hits; /* as in the record: id and units, each; see hf_record_hit */
    uint32_t hits_bytes;
};

struct hf_effect {
    enum hf_effect_tag tag;
    union {
        struct hf_effect_code code;
        struct hf_effect_place place;
        struct hf_effect_policy policy;
        struct hf_effect_reservation reservation;
        struct hf_effect_move move;
        struct hf_effect_shipment shipment;
        struct hf_effect_line line;
        struct hf_effect_shortage shortage;
    };
};

struct hf_engine;
struct hf_record_header;

/* Where a record's effects are: what the moves are of. Zeroed at its begin. */
struct hf_effect_context {
    const struct hf_record_header *header;
    uint32_t reservation; /* index + 1; 0: none */
    uint32_t shipment;    /* index + 1; 0: none */
    uint32_t last_line;   /* of the reservation or shipment: added, or found, last; HF_NONE: none */
    bool is_opening;
};

/*
 * Make sure that applying effects[0..count) finds room in every table, so that it cannot stop
 * half-way. HF_LIMIT_EXCEEDED.
 */
enum hf_err hf_effects_make_room(struct hf_engine *engine, const struct hf_record_header *header,
                                 const struct hf_effect *effects, uint32_t count);

/*
 * Apply one effect; room was made. Fills in what the effect leaves open (indices, the values
 * before and after). With `is_replay` the versions and values after are given and must come out;
 * HF_CORRUPT with *why otherwise, and then the state is not to be used any more.
 */
enum hf_err hf_effect_apply(struct hf_engine *engine, struct hf_effect_context *context,
                            struct hf_effect *effect, bool is_replay, const char **why);

/* After the last effect of a record: what it was about is whole (digest.h). */
void hf_effects_end(struct hf_engine *engine, struct hf_effect_context *context);

/*
 * Take back effects[0..count), the newest record's, in reverse order. What was filled in when
 * they were applied is needed.
 */
void hf_effects_revert(struct hf_engine *engine, const struct hf_effect *effects, uint32_t count);

#endif
