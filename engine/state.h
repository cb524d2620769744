/*
 * state.h - all that an engine is; shared by the files of engine/, opaque outside.
 *
 *     apply.c        validate -> look up -> repeat? -> rule -> commit
 *     rule_*.c       the rules: decide an operation into effects, or refuse it
 *     commit.c       effects -> record -> ledger; the group that may be taken back; forgetting
 *     replay.c       record -> effects, the same ones
 *     read.c, image.c, audit.c    questions, copies, proofs
 */
#ifndef HF_ENGINE_STATE_H
#define HF_ENGINE_STATE_H

#include "engine/assert.h"
#include "engine/balance.h"
#include "engine/catalog.h"
#include "engine/cell.h"
#include "engine/digest.h"
#include "engine/effect.h"
#include "engine/engine.h"
#include "engine/frozen.h"
#include "engine/image_steps.h"
#include "engine/ledger.h"
#include "engine/name.h"
#include "engine/order.h"
#include "engine/record.h"
#include "engine/reservation.h"
#include "engine/shipment.h"

/* Items of the image (image.h), by section: what snapshot, digest, frozen reading are made of. */
enum hf_item {
    HF_ITEM_HEAD = 1,
    HF_ITEM_REGION = 2,
    HF_ITEM_LOCATION = 3,
    HF_ITEM_SKU = 4,
    HF_ITEM_CELL = 5,
    HF_ITEM_RESERVATION = 6,
    HF_ITEM_REF = 7,
    HF_ITEM_SHIPMENT = 8
};
#define HF_ITEMS_END 9

/* Effects of one group: the moves, a state for each reservation, and new codes. */
#define HF_EFFECTS_MAX (2 * HF_MOVES_MAX + 2 * HF_LINES_MAX + 64)

/* A record of the open group, kept so that it can be taken back. */
struct hf_group_record {
    struct hf_record_header header;
    uint32_t effects_first, effects_count;
    uint32_t ref; /* name of the reference it added; HF_NONE: none */
    uint64_t ts_us_before;
};
#define HF_GROUP_RECORDS_MAX (HF_LINKED_MAX + 4096)

/* A line of the operation after lines of one cell were added up. */
struct hf_plan_line {
    uint32_t sku, location;    /* handles; new codes have the handles they will get */
    uint32_t cell;             /* HF_NONE: there is none yet */
    uint32_t line_index;       /* the first line of the operation that named this cell */
    uint32_t reservation_line; /* or that of a shipment */
    int64_t units;
    int64_t damaged;   /* receive of a shipment */
    int64_t old_units; /* replace: open units of the old reservation here */
    bool is_listed;    /* among the result's lines */
};

/* Exact 64-bit keys of one operation -> small numbers; emptied by counting `stamp` up. */
#define HF_MAP_SLOTS (8 * HF_LINES_MAX)
struct hf_map_slot {
    uint64_t key;
    uint32_t value;
    uint32_t stamp;
};
struct hf_map {
    struct hf_map_slot *slots; /* HF_MAP_SLOTS */
    uint32_t stamp;
};

/* Granted lines of the operations of a group, and the lines of one more. */
#define HF_RESULT_LINES_MAX (HF_MOVES_MAX + HF_LINES_MAX)

/* The workbench of one operation; nothing here outlives it but the group and the result lines. */
struct hf_work {
    const struct hf_op *op;
    uint64_t now_us;
    struct hf_result *result;
    uint64_t content_hash;
    bool is_hashed;

    struct hf_plan_line *lines; /* HF_LINES_MAX */
    uint32_t lines_count;
    uint32_t *line_of; /* operation's line -> plan line; HF_LINES_MAX */
    struct hf_map map;

    uint32_t reservation; /* that the operation names; HF_NONE: none */
    uint32_t shipment;    /* likewise */
    uint32_t from, to;    /* locations of a new shipment; HF_NONE: not given */
    struct hf_text order; /* of the record: given, or the reservation's */
    bool has_due;         /* holds are due that could not all be released on the way */

    struct hf_result_line *result_lines; /* HF_RESULT_LINES_MAX; of the whole group */
    uint32_t result_lines_first;         /* of the operation being applied */
    unsigned char *content;              /* what the content hash is taken over */

    struct hf_effect *effects; /* HF_EFFECTS_MAX; of the whole group */
    uint32_t effects_first;    /* of the record in the making */
    uint32_t effects_count;
    bool is_full;        /* an effect found no place */
    unsigned char *hits; /* of shortages, as in the record; HF_RECORD_HITS_BYTES_MAX */
    uint32_t hits_bytes; /* used by the record in the making */
};

struct hf_engine {
    struct hf_engine_config config;
    struct hf_catalog catalog;
    struct hf_cells cells;
    struct hf_reservations reservations;
    struct hf_shipments shipments;
    struct hf_names names;
    struct hf_orders orders;
    struct hf_ledger ledger;
    uint64_t last_lsn;
    uint64_t last_ts_us;
    uint64_t now_us; /* the latest time it was told; in no digest */
    uint64_t way_us; /* of this time are the budgets of hf_expire_on_the_way */
    uint32_t way_holds_left, way_steps_left;
    uint64_t since_us; /* likewise, of hf_history_since */
    uint64_t since_bytes_left;
    uint32_t since_records_left;

    struct hf_work work;
    struct hf_told_cell *told;     /* cells of the record that events are told of (event.c) */
    struct hf_group_record *group; /* HF_GROUP_RECORDS_MAX */
    uint32_t group_count;
    bool is_group_open;
    bool has_group_room;       /* else only what logs nothing is taken into it */
    bool is_group_last;        /* the operation being applied is the group's last */
    uint64_t group_room_bytes; /* left of the room that the group may fill */

    struct hf_image_load *load; /* while a snapshot is loaded (image_load.c) */
    uint32_t watchers;          /* enum hf_watcher: who looks at every change of an item */
    struct hf_digest_run digest;
    struct hf_frozen frozen;
    struct hf_image_steps steps;
    struct hf_waste waste; /* what readings have left behind (kept.h) */
    struct hf_balance balance;
};

/* Around every change of an item of the image; see digest.h. */
static inline void hf_item_before(struct hf_engine *engine, unsigned item, uint32_t index)
{
    if (engine->watchers != 0) {
        hf_item_watch(engine, item, index, true);
    }
}

static inline void hf_item_after(struct hf_engine *engine, unsigned item, uint32_t index)
{
    if (engine->watchers != 0) {
        hf_item_watch(engine, item, index, false);
    }
}

/* ---- effect.c, effect_shipment.c: parts of hf_effect_apply and hf_effects_revert */

/* Which catalog a SKU, LOCATION or REGION effect is about. */
enum hf_code_class hf_effect_class(enum hf_effect_tag tag);
enum hf_err hf_effect_open_shipment(struct hf_engine *engine, struct hf_effect_context *context,
                                    struct hf_effect_shipment *effect, const char **why);
enum hf_err hf_effect_change_shipment(struct hf_engine *engine, struct hf_effect_context *context,
                                      struct hf_effect_shipment *effect, const char **why);
enum hf_err hf_effect_change_line(struct hf_engine *engine, struct hf_effect_context *context,
                                  struct hf_effect_line *effect, const char **why);
void hf_effect_revert_open_shipment(struct hf_engine *engine,
                                    const struct hf_effect_shipment *effect);
void hf_effect_revert_shipment(struct hf_engine *engine, const struct hf_effect_shipment *effect);
/* `owner`: the shipment effect that the line belongs to. */
void hf_effect_revert_line(struct hf_engine *engine, const struct hf_effect_line *effect,
                           const struct hf_effect *owner);

/* ---- alert.c */

/* Before the effects [first, count) of a record are applied: note what shortage there is. */
void hf_alert_before(struct hf_engine *engine, enum hf_kind kind);
/* After: decide marks and gaps, and put SHORTAGE effects behind the others. */
void hf_alert_after(struct hf_engine *engine, const struct hf_record_header *header);
/* Bytes that the hits of the record's shortages need at most, beside hf_record_bound. */
uint32_t hf_alert_bound(const struct hf_engine *engine, enum hf_kind kind);
/* The reservations that a shortage of `missing` units at a cell hits; returns how many of `hits`
 * (HF_HITS_MAX) were filled. Looks at no more lines than *looks_left, which it counts down, but at
 * 2 * HF_HITS_MAX in any case. Texts are the engine's. */
uint32_t hf_alert_hits(const struct hf_engine *engine, const struct hf_cell *cell, int64_t missing,
                       uint32_t *looks_left, struct hf_hit *hits);

/* ---- event.c */

uint64_t hf_event_scratch_bytes(void);

/* ---- history.c */

/* Before the lines of a set: whether the budget of this moment is whole. */
bool hf_history_begin(struct hf_engine *engine);
/*
 * How much on_hand of a cell has changed since `as_of` (an LSN, or with `is_time` a time) by all
 * kinds but set. HF_TOO_OLD: memory does not reach back. HF_BUSY: the budget is used up.
 */
enum hf_err hf_history_since(struct hf_engine *engine, uint32_t cell, uint64_t as_of, bool is_time,
                             int64_t *units);

/* ---- apply.c */

/* HF_OK, or HF_INVALID_ARGUMENT with field and line. Pure. */
enum hf_err hf_op_validate(const struct hf_op *op, uint64_t life_us_max, enum hf_field *field,
                           uint32_t *line_index);

/* ---- plan.c */

/*
 * Look up all lines and add up those of one cell. Unknown codes get the next handles when the
 * operation may create them, and effects for that are put; otherwise the failing lines are
 * listed in the result and the outcome is HF_UNKNOWN_SKU or HF_UNKNOWN_LOCATION, which
 * the caller acts on after the repeat check. *is_known: whether every code was known.
 */
enum hf_err hf_plan_lines(struct hf_engine *engine, bool *is_known);
/* Whether a set is well-formed, as far as only its planned lines tell: as_of is not to come, and
 * no two lines name one cell. Else the result's field and line say what is wrong. */
bool hf_plan_is_level(struct hf_engine *engine);
/* The content hash of the operation, over its resolved lines. */
void hf_plan_hash(struct hf_engine *engine);
/* HF_VERSION_CONFLICT with the failing lines listed, or HF_OK. */
enum hf_err hf_plan_check_versions(struct hf_engine *engine);
void hf_map_clear(struct hf_map *map);
/* The value of a key, or where it goes. */
struct hf_map_slot *hf_map_find(struct hf_map *map, uint64_t key);
/* Put the lines of a reservation into work.map by their cells, and ask for one: HF_NONE when the
 * reservation has no line there, or `cell` is HF_NONE. */
void hf_map_lines(struct hf_engine *engine, uint32_t reservation);
uint32_t hf_map_line_at(struct hf_engine *engine, uint32_t cell);

/* ---- rules: HF_OK with effects put, or a refusal with result lines; they change nothing */

enum hf_err hf_rule_receive(struct hf_engine *engine); /* receive and adjust */
enum hf_err hf_rule_sell(struct hf_engine *engine);
enum hf_err hf_rule_policy(struct hf_engine *engine);
enum hf_err hf_rule_location(struct hf_engine *engine);
enum hf_err hf_rule_region(struct hf_engine *engine);
enum hf_err hf_rule_reserve(struct hf_engine *engine);
enum hf_err hf_rule_replace(struct hf_engine *engine);
enum hf_err hf_rule_confirm(struct hf_engine *engine);
enum hf_err hf_rule_extend(struct hf_engine *engine);
enum hf_err hf_rule_release(struct hf_engine *engine);
enum hf_err hf_rule_release_order(struct hf_engine *engine);
enum hf_err hf_rule_fulfil(struct hf_engine *engine);
enum hf_err hf_rule_set(struct hf_engine *engine);
enum hf_err hf_rule_move_status(struct hf_engine *engine);
enum hf_err hf_rule_dispose(struct hf_engine *engine);
enum hf_err hf_rule_create_shipment(struct hf_engine *engine);
enum hf_err hf_rule_ship(struct hf_engine *engine);
enum hf_err hf_rule_receive_shipment(struct hf_engine *engine);
enum hf_err hf_rule_cancel_shipment(struct hf_engine *engine);
enum hf_err hf_rule_close_shipment(struct hf_engine *engine);

/* The outcome that a closed reservation answers a second try with. */
enum hf_err hf_state_refusal(enum hf_state state);
/* A failing or granted line of the result, with all but what only the rule knows filled in. */
struct hf_result_line *hf_result_add_line(struct hf_engine *engine, const struct hf_plan_line *line,
                                          enum hf_err outcome);
/* The next effect of the record in the making; a place that is written but not counted when the
 * group is full (work.is_full). */
struct hf_effect *hf_effect_put(struct hf_engine *engine, enum hf_effect_tag tag);
struct hf_effect_move *hf_effect_put_move(struct hf_engine *engine, uint32_t cell, uint32_t line);
/* A move of a plan line's cell, which may not be there yet. */
struct hf_effect_move *hf_effect_put_plan_move(struct hf_engine *engine,
                                               const struct hf_plan_line *line);

/* ---- commit.c */

/*
 * Turn the effects put since the last commit into the next record and apply them. Without effects
 * there is nothing to log and HF_OK. `with_op`: the record is of work.op and carries its texts;
 * else it is the engine's own. HF_LIMIT_EXCEEDED, HF_BUSY: nothing has changed.
 */
enum hf_err hf_commit(struct hf_engine *engine, enum hf_kind kind, struct hf_text order,
                      bool with_op);
/* Open a group whose records lie side by side and can be taken back. Where the ledger has no room
 * for the largest one, what is to be logged in it is HF_BUSY; repeats need none. */
void hf_group_begin(struct hf_engine *engine);
void hf_group_end(struct hf_engine *engine);
void hf_group_revert(struct hf_engine *engine);
/* Remember the record's reference; returns its name. There is room. */
uint32_t hf_names_remember(struct hf_engine *engine, const struct hf_record_header *header);
/* Forget the `count` oldest names. */
void hf_names_forget(struct hf_engine *engine, uint64_t count);
/* Enter the record that was written into the room into the ledger and the order's chain. */
void hf_ledger_enter(struct hf_engine *engine, const struct hf_record_header *header);
/* Room in the ledger for a record of up to `bytes_count`; NULL: the log is behind. */
unsigned char *hf_engine_room(struct hf_engine *engine, uint32_t bytes_count);

/* ---- expire.c */

/* The time of this call: `now_us`, or the latest the engine was told, if the clock went back. */
uint64_t hf_engine_tell_time(struct hf_engine *engine, uint64_t now_us);
/* Log the release of one due hold. Nothing may be put for another record yet. */
enum hf_err hf_expire_one(struct hf_engine *engine, uint32_t reservation);
/*
 * Release the holds that are due, as far as one operation may on its way. work.has_due says that
 * some are left: what looks short then is HF_BUSY.
 */
void hf_expire_on_the_way(struct hf_engine *engine);

/* ---- engine.c */

uint64_t hf_engine_memory_bytes(const struct hf_engine *engine);

#endif
