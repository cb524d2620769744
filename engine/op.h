/*
 * op.h - one operation as a caller asks for it, and what became of it.
 *
 * The same struct carries every kind; the table says which fields a kind reads. A field that a
 * kind does not read must be zero: a caller that sets it has misunderstood, and is told so
 * (HF_INVALID_ARGUMENT names the field).
 *
 *     kind           id        old_id  order  ttl    lines          flags
 *     RECEIVE                          o             1+  units > 0
 *     ADJUST                           o             1+  units != 0
 *     SELL                             o             1+  units > 0  FACT
 *     SET_POLICY                       o             1+  policy
 *     SET_LOCATION                     o             1+  location, units 1 or 0: in-transit
 *                                                        stock may be sold
 *     SET_REGION     region            o             1+  location
 *     RESERVE        new               o      o (T)  1+  units > 0  PARTIAL, TTL
 *     REPLACE        new       old     o      o (T)  1+  units > 0  TTL
 *     CONFIRM        id                o
 *     EXTEND         id                o      D (T)                 TTL
 *     RELEASE        id                o             0+  units > 0
 *     RELEASE_ORDER                    must
 *     FULFIL         id                o             0+  units > 0  RELEASE_REST
 *     SET                              o      as_of  1+  units >= 0 AS_OF_LSN or AS_OF_TIME
 *     MOVE_STATUS                      o             1+  units > 0
 *     DISPOSE                          o             1+  units > 0
 *
 * SET names a cell once (a second line would contradict the first; it is malformed). One that
 * changes something makes all codes of its lines known; one that changes nothing makes none.
 * MOVE_STATUS must say from which status to which (they differ), DISPOSE from which; RECEIVE may
 * say to which (none: sellable). RECEIVE, ADJUST, SET, MOVE_STATUS and DISPOSE take a reason.
 *
 * Transfers and inbound shipments: lines name a SKU and no location.
 *
 *     kind              id    from  to    order  argument  lines                  flags
 *     TRANSFER_CREATE   new   must  must  o                1+  units > 0          SHIP
 *     TRANSFER_SHIP     id                o                0+  units > 0
 *     TRANSFER_RECEIVE  id                o                0+  units, damaged     DAMAGED, REST
 *     TRANSFER_CANCEL   id                o                0+  units > 0
 *     TRANSFER_CLOSE    id                o                0+  units > 0
 *     INBOUND_CREATE    new         must  o      eta (o)   1+  units > 0          SELLABLE
 *     INBOUND_RECEIVE   id                o                0+  units, damaged     DAMAGED, REST
 *     INBOUND_CANCEL    id                o                0+  units > 0
 *
 * Without lines they are about all that is left. With HF_OP_DAMAGED a line says besides `units`,
 * which arrived sellable, how many arrived `damaged`; each may be zero, not both. With HF_OP_REST
 * (only with lines) all that is under way besides the lines arrives sellable. All but the two
 * creates take a reason.
 *
 * Every kind takes `ref`, `by`, and (where its lines name a cell) a version condition a line.
 * LINKED may be set on every kind (hf_engine_apply_linked).
 */
#ifndef HF_ENGINE_OP_H
#define HF_ENGINE_OP_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/err.h"
#include "engine/text.h"
#include "engine/words.h"

#define HF_HANDLE_NONE UINT32_MAX

/* Flags of an operation; the numbers are those of net/PROTOCOL.md 3.2. */
enum hf_op_flag {
    HF_OP_LINKED = 1,       /* succeeds or fails together with the next operation */
    HF_OP_PARTIAL = 2,      /* reserve: take what may be promised of each line */
    HF_OP_FACT = 4,         /* sell: it has happened already; only on_hand limits it */
    HF_OP_RELEASE_REST = 8, /* fulfil: release what is left afterwards */
    HF_OP_HANDLES = 16,     /* lines name SKU and location by handle, not by code */
    HF_OP_VERSIONS = 32,    /* lines carry if_version */
    HF_OP_TTL = 64,         /* ttl_us is given */
    /* 128 is a flag of questions (net/codec.h) */
    HF_OP_AS_OF_LSN = 256,  /* set: as_of is an LSN, 0 and up */
    HF_OP_AS_OF_TIME = 512, /* set: as_of is a time in microseconds since 1970 UTC */
    HF_OP_SHIP = 1024,      /* transfer_create: ship at once, all of it */
    HF_OP_SELLABLE = 2048,  /* inbound_create: its units may be sold before they arrive */
    HF_OP_DAMAGED = 4096,   /* receive of a shipment: lines carry `damaged` */
    HF_OP_REST = 8192       /* receive of a shipment: and all that the lines leave under way */
};
#define HF_OP_FLAGS_ALL (127 | 0x3F00)

#define HF_VERSION_ANY UINT64_MAX     /* a line without a condition on the version */
#define HF_POLICY_KEEP INT64_MIN      /* set_policy: leave this figure as it is */
#define HF_LOW_STOCK_NONE INT64_C(-1) /* no low-stock threshold */

struct hf_op_line {
    struct hf_text sku; /* the code, unless the operation has HF_OP_HANDLES */
    struct hf_text location;
    uint32_t sku_handle; /* read only with HF_OP_HANDLES */
    uint32_t location_handle;
    int64_t units;
    int64_t damaged;     /* read only with HF_OP_DAMAGED; units, 0 .. HF_UNITS_MAX */
    uint64_t if_version; /* read only with HF_OP_VERSIONS; 0: the cell has never changed */
    /* set_policy only; HF_POLICY_KEEP leaves a figure alone. Units, 0 .. HF_UNITS_MAX. */
    int64_t safety_stock;
    int64_t low_stock; /* or HF_LOW_STOCK_NONE */
    int64_t backorder_limit;
};

struct hf_op {
    enum hf_kind kind;
    uint32_t flags; /* enum hf_op_flag */
    enum hf_reason reason;
    struct hf_text id;
    struct hf_text old_id;
    struct hf_text ref;
    struct hf_text order;
    struct hf_text by;
    struct hf_text from;        /* location a transfer leaves */
    struct hf_text to;          /* location a transfer or inbound shipment goes to */
    enum hf_status from_status; /* move_status, dispose */
    enum hf_status to_status;   /* move_status, receive */
    uint64_t ttl_us;
    uint64_t as_of;  /* set: an LSN or a time, as the flag says */
    uint64_t eta_us; /* inbound_create: expected arrival, microseconds since 1970 UTC; 0: none */
    const struct hf_op_line *lines; /* borrowed for the call */
    uint32_t lines_count;
};

/* A failing line of a refusal, or a granted line of a partial reserve. */
struct hf_result_line {
    uint32_t line_index; /* the line of the operation; of lines of one cell, the first;
                              without lines (a whole fulfil), of the reservation's */
    enum hf_err outcome; /* why this line fails; HF_OK for a granted line */
    int64_t requested;   /* units, lines of one cell added up */
    int64_t granted;     /* units; 0 in a refusal */
    int64_t ats;         /* before the operation */
    int64_t shortfall;   /* units that would have to be there besides; 0 when granted whole */
    uint64_t earliest_expiry_us; /* when a hold on this cell ends next; 0: none has a deadline */
};

struct hf_result {
    enum hf_err outcome;
    bool is_repeated;  /* the operation was done before; this is its first outcome */
    bool is_unchanged; /* done, and there was nothing to change: no record was written */
    /* Of the reservation, transfer or inbound shipment, now; NONE: none. Of the operation that a
     * linked group failed at: as that operation found it, in the middle of the group. */
    enum hf_state state;
    uint64_t lsn;           /* of the operation's record; of a refusal, the newest LSN it saw */
    uint64_t expires_at_us; /* deadline of the reservation, now; 0: none */
    enum hf_field field;    /* HF_INVALID_ARGUMENT: what is wrong, ... */
    uint32_t line_index;    /* ... and of which line; UINT32_MAX: of none */
    const struct hf_result_line *lines; /* owned by the engine, valid until its next call */
    uint32_t lines_count;
};

#endif
