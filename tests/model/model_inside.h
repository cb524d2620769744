/* model_inside.h - between the model's files: how a record changes the model's state. */
#ifndef HF_TESTS_MODEL_INSIDE_H
#define HF_TESTS_MODEL_INSIDE_H

#include "tests/model/reference.h"

#define HF_MODEL_CLOSED_MAX 1024 /* reservations that one record closes */

/* A cell that a record touches, as it was before. */
struct hf_model_touched {
    uint32_t cell;
    int64_t shortage;
    bool is_made; /* by this record */
};

/* One record in the making: opened by hf_model_record_begin, closed by hf_model_record_end. */
struct hf_model_record {
    const struct hf_op *op; /* of an expiry: an operation of kind EXPIRE without texts */
    struct hf_model_text closed[HF_MODEL_CLOSED_MAX]; /* ids of what it closed */
    uint32_t closed_count;
    bool is_shipment_closed; /* what it closed is a shipment, not reservations */
    uint32_t request;        /* valid when the operation has a name */
    struct hf_model_text id; /* what it is about; empty: nothing, or several things */
    struct hf_model_touched touched[HF_MODEL_CELLS_MAX];
    uint32_t touched_count;
    uint32_t first_move; /* of the model's moves */
};

struct hf_model_text hf_model_text_copy(struct hf_text text);
/* Make room for one more in a growing array, and return its address. */
void *hf_model_grow(void **items, uint32_t *count, uint32_t *room, size_t item_bytes);

/* M1: what a name stands for; false when it is free. */
struct hf_model_named {
    uint64_t lsn;
    uint32_t request;
    struct hf_model_text id;
};
bool hf_model_lookup(const struct hf_model *model, struct hf_text name,
                     struct hf_model_named *named);
bool hf_model_request_equals(const struct hf_model *model, const struct hf_op *a,
                             const struct hf_op *b);

void hf_model_record_begin(struct hf_model *model, struct hf_model_record *record,
                           const struct hf_op *op, uint64_t now_us);
void hf_model_record_move(struct hf_model *model, struct hf_model_record *record, uint32_t cell,
                          const struct hf_model_reservation *reservation,
                          const int64_t delta[HF_COUNTERS_COUNT]);
/* The same for something else than a reservation; `id` and `order` may be NULL. */
void hf_model_record_move_of(struct hf_model *model, struct hf_model_record *record, uint32_t cell,
                             const struct hf_model_text *id, const struct hf_model_text *order,
                             const int64_t delta[HF_COUNTERS_COUNT]);
/* Note how the cell is before the record changes anything about it; a move does so by itself. */
void hf_model_record_touch(struct hf_model *model, struct hf_model_record *record, uint32_t cell);
/* Take `units` back that line `line` of an open reservation holds. */
void hf_model_record_release(struct hf_model *model, struct hf_model_record *record,
                             struct hf_model_reservation *reservation, uint32_t line,
                             int64_t units);
/* The reservation reaches a final state. */
void hf_model_record_close(struct hf_model_record *record, struct hf_model_reservation *reservation,
                           enum hf_state state);
void hf_model_record_close_shipment(struct hf_model_record *record,
                                    struct hf_model_shipment *shipment, enum hf_state state);
void hf_model_record_end(struct hf_model *model, struct hf_model_record *record);

/* M2: what the lines of one cell ask for together. */
struct hf_model_demand {
    struct hf_model_text sku, location; /* empty: an unknown handle, which cannot be created */
    uint32_t sku_handle, location_handle;
    int sku_index, location_index, cell; /* -1: there is none */
    uint32_t line_index;                 /* the first of its lines */
    int64_t units;
    bool is_version_wrong;
    int64_t safety_stock, low_stock, backorder_limit; /* set_policy: the last that is given */
    int64_t open_units; /* what the reservation in question has open on this cell */
    int64_t granted;
    int64_t damaged; /* receive of a shipment: besides `units` */
    int line;        /* of the shipment in question; -1: it has none of this SKU */
};

struct hf_model_decision {
    struct hf_model *model;
    const struct hf_op *op;
    uint64_t now_us;
    struct hf_model_result *result;
    struct hf_model_demand demands[HF_MODEL_LINES_MAX];
    uint32_t demands_count;
    struct hf_model_reservation *reservation; /* of `id`; of replace: the old one */
    struct hf_model_shipment *shipment;       /* of `id` */
    int from, to;                             /* locations of a create; -1: not known yet */
};

static inline bool hf_model_is_shipment_kind(enum hf_kind kind)
{
    return kind >= HF_KIND_TRANSFER_CREATE && kind <= HF_KIND_INBOUND_CANCEL;
}
/* Kinds that begin something whose id is a name of the operation. */
static inline bool hf_model_opens(enum hf_kind kind)
{
    return kind == HF_KIND_RESERVE || kind == HF_KIND_REPLACE || kind == HF_KIND_TRANSFER_CREATE ||
           kind == HF_KIND_INBOUND_CREATE;
}
static inline enum hf_shipment_kind hf_model_shipment_kind(enum hf_kind kind)
{
    return kind >= HF_KIND_INBOUND_CREATE ? HF_INBOUND : HF_TRANSFER;
}
static inline bool hf_model_is_place_kind(enum hf_kind kind)
{
    return kind == HF_KIND_SET_LOCATION || kind == HF_KIND_SET_REGION;
}
/* The cell of a demand; NULL when there is none. */
const struct hf_model_cell *hf_model_cell_of(const struct hf_model_decision *d,
                                             const struct hf_model_demand *demand);
void hf_model_tell_reservation(struct hf_model_result *result,
                               const struct hf_model_reservation *reservation);

/* model_apply.c, for the other files */
int64_t hf_model_counter_of(const struct hf_model_decision *d, const struct hf_model_demand *demand,
                            enum hf_counter counter);
bool hf_model_refuse(struct hf_model_decision *d, enum hf_err outcome);
void hf_model_add_line(struct hf_model_decision *d, const struct hf_model_demand *demand,
                       enum hf_err outcome, int64_t granted, int64_t shortfall);
/* Counters of a status: where its units are counted. */
enum hf_counter hf_model_counter_of_status(enum hf_status status);
/* model_set.c, model_limits.c: true when the operation is refused. After the first, `granted` is
 * the change of on_hand. */
bool hf_model_refuse_set(struct hf_model_decision *d);
bool hf_model_refuse_counters(struct hf_model_decision *d);
bool hf_model_refuse_tables(struct hf_model_decision *d);
/* M6: what all kinds but `set` have changed of on_hand since as_of; 0 when the set has none. */
int64_t hf_model_changed_since(const struct hf_model *model, const struct hf_op *op, int cell);

/* model_shipment.c: decide and do. */
void hf_model_decide_shipment(struct hf_model_decision *d);

/* model_alert.c: the events of the record, alerts among them (M7). */
void hf_model_tell_events(struct hf_model *model, const struct hf_model_record *record);

/* model_change.c: the demand's SKU, location and cell, made where they are not there yet. */
void hf_model_make_cell(struct hf_model_decision *d, struct hf_model_demand *demand);
void hf_model_make_codes(struct hf_model_decision *d, struct hf_model_demand *demand);

/* model_change.c: each logs the operation, unless it changes nothing. */
bool hf_model_is_policy_changed(const struct hf_model_decision *d,
                                const struct hf_model_demand *demand);
void hf_model_change_units(struct hf_model_decision *d);
void hf_model_change_policy(struct hf_model_decision *d);
void hf_model_change_places(struct hf_model_decision *d);
void hf_model_change_reserve(struct hf_model_decision *d);
void hf_model_change_replace(struct hf_model_decision *d);
void hf_model_change_confirm(struct hf_model_decision *d);
void hf_model_change_extend(struct hf_model_decision *d);
void hf_model_change_part(struct hf_model_decision *d);
void hf_model_change_release_order(struct hf_model_decision *d);

int64_t hf_model_open_units(const struct hf_model_reservation_line *line);
bool hf_model_is_open(const struct hf_model_reservation *reservation);

#endif
