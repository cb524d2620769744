/*
 * validate.c - what can be said of an operation without looking at the state.
 *
 * The shape of each kind is a row of a table; the order of the checks is the order of the fields
 * in a request (net/PROTOCOL.md 3.2), so that the field named first is the one a reader meets
 * first.
 */
#include "engine/state.h"

enum line_form {
    FORM_NONE,
    FORM_POSITIVE, /* SKU, location, units above zero */
    FORM_SIGNED,   /* SKU, location, units other than zero */
    FORM_POLICY,   /* SKU, location, figures */
    FORM_SWITCH,   /* location, units 0 or 1 */
    FORM_LOCATION, /* location */
    FORM_LEVEL,    /* SKU, location, units of zero or more */
    FORM_GOODS,    /* SKU, units above zero */
    FORM_ARRIVAL   /* SKU, units and damaged units, not both zero */
};

enum need { NEVER, MAY, MUST };

struct shape {
    enum need id, old_id, order, ttl;
    bool has_reason;
    uint32_t flags; /* besides linked, handles, ttl, and versions where lines name cells */
    enum line_form form;
    uint32_t lines_min;
    enum need from, to, from_status, to_status;
};

/* Where the units go, which most kinds do not say: from, to, from_status, to_status. */
#define NOWHERE NEVER, NEVER, NEVER, NEVER

static const struct shape shapes[HF_KINDS_COUNT] = {
    /* id, old_id, order, ttl; reason, flags; form, least lines; from, to, from_status, to_status */
    [HF_KIND_RECEIVE] = {NEVER, NEVER, MAY, NEVER, true, 0, FORM_POSITIVE, 1, NEVER, NEVER, NEVER,
                         MAY},
    [HF_KIND_ADJUST] = {NEVER, NEVER, MAY, NEVER, true, 0, FORM_SIGNED, 1, NOWHERE},
    [HF_KIND_SELL] = {NEVER, NEVER, MAY, NEVER, false, HF_OP_FACT, FORM_POSITIVE, 1, NOWHERE},
    [HF_KIND_SET_POLICY] = {NEVER, NEVER, MAY, NEVER, false, 0, FORM_POLICY, 1, NOWHERE},
    [HF_KIND_SET_LOCATION] = {NEVER, NEVER, MAY, NEVER, false, 0, FORM_SWITCH, 1, NOWHERE},
    [HF_KIND_SET_REGION] = {MUST, NEVER, MAY, NEVER, false, 0, FORM_LOCATION, 1, NOWHERE},
    [HF_KIND_RESERVE] = {MUST, NEVER, MAY, MAY, false, HF_OP_PARTIAL, FORM_POSITIVE, 1, NOWHERE},
    [HF_KIND_REPLACE] = {MUST, MUST, MAY, MAY, false, 0, FORM_POSITIVE, 1, NOWHERE},
    [HF_KIND_CONFIRM] = {MUST, NEVER, MAY, NEVER, false, 0, FORM_NONE, 0, NOWHERE},
    [HF_KIND_EXTEND] = {MUST, NEVER, MAY, MUST, false, 0, FORM_NONE, 0, NOWHERE},
    [HF_KIND_RELEASE] = {MUST, NEVER, MAY, NEVER, false, 0, FORM_POSITIVE, 0, NOWHERE},
    [HF_KIND_RELEASE_ORDER] = {NEVER, NEVER, MUST, NEVER, false, 0, FORM_NONE, 0, NOWHERE},
    [HF_KIND_FULFIL] = {MUST, NEVER, MAY, NEVER, false, HF_OP_RELEASE_REST, FORM_POSITIVE, 0,
                        NOWHERE},
    [HF_KIND_SET] = {NEVER, NEVER, MAY, NEVER, true, HF_OP_AS_OF_LSN | HF_OP_AS_OF_TIME, FORM_LEVEL,
                     1, NOWHERE},
    [HF_KIND_MOVE_STATUS] = {NEVER, NEVER, MAY, NEVER, true, 0, FORM_POSITIVE, 1, NEVER, NEVER,
                             MUST, MUST},
    [HF_KIND_DISPOSE] = {NEVER, NEVER, MAY, NEVER, true, 0, FORM_POSITIVE, 1, NEVER, NEVER, MUST,
                         NEVER},
    [HF_KIND_TRANSFER_CREATE] = {MUST, NEVER, MAY, NEVER, false, HF_OP_SHIP, FORM_GOODS, 1, MUST,
                                 MUST, NEVER, NEVER},
    [HF_KIND_TRANSFER_SHIP] = {MUST, NEVER, MAY, NEVER, true, 0, FORM_GOODS, 0, NOWHERE},
    [HF_KIND_TRANSFER_RECEIVE] = {MUST, NEVER, MAY, NEVER, true, HF_OP_DAMAGED | HF_OP_REST,
                                  FORM_ARRIVAL, 0, NOWHERE},
    [HF_KIND_TRANSFER_CANCEL] = {MUST, NEVER, MAY, NEVER, true, 0, FORM_GOODS, 0, NOWHERE},
    [HF_KIND_TRANSFER_CLOSE] = {MUST, NEVER, MAY, NEVER, true, 0, FORM_GOODS, 0, NOWHERE},
    [HF_KIND_INBOUND_CREATE] = {MUST, NEVER, MAY, NEVER, false, HF_OP_SELLABLE, FORM_GOODS, 1,
                                NEVER, MUST, NEVER, NEVER},
    [HF_KIND_INBOUND_RECEIVE] = {MUST, NEVER, MAY, NEVER, true, HF_OP_DAMAGED | HF_OP_REST,
                                 FORM_ARRIVAL, 0, NOWHERE},
    [HF_KIND_INBOUND_CANCEL] = {MUST, NEVER, MAY, NEVER, true, 0, FORM_GOODS, 0, NOWHERE},
};

static bool has_sku(enum line_form form)
{
    return form != FORM_SWITCH && form != FORM_LOCATION;
}

static bool has_location(enum line_form form)
{
    return form != FORM_GOODS && form != FORM_ARRIVAL;
}

static bool fits(struct hf_text text, enum need need)
{
    if (text.bytes_count == 0) {
        return need != MUST;
    }
    return need != NEVER && hf_text_is_code(text);
}

static bool is_figure(int64_t units, int64_t min)
{
    return units == HF_POLICY_KEEP || (units >= min && units <= HF_UNITS_MAX);
}

static enum hf_field check_names(const struct hf_op_line *line, uint32_t flags, enum line_form form)
{
    if ((flags & HF_OP_HANDLES) != 0) {
        if ((line->sku_handle != HF_HANDLE_NONE) != has_sku(form)) {
            return HF_FIELD_SKU;
        }
        return (line->location_handle != HF_HANDLE_NONE) == has_location(form) ? HF_FIELD_NONE
                                                                               : HF_FIELD_LOCATION;
    }
    if (!fits(line->sku, has_sku(form) ? MUST : NEVER)) {
        return HF_FIELD_SKU;
    }
    return fits(line->location, has_location(form) ? MUST : NEVER) ? HF_FIELD_NONE
                                                                   : HF_FIELD_LOCATION;
}

/* Least and most units of a line. */
struct range {
    int64_t min, max;
};

static struct range units_of(enum line_form form)
{
    switch (form) {
    case FORM_SIGNED:
        return (struct range){-HF_UNITS_MAX, HF_UNITS_MAX};
    case FORM_POSITIVE:
    case FORM_GOODS:
        return (struct range){1, HF_UNITS_MAX};
    case FORM_LEVEL:
    case FORM_ARRIVAL:
        return (struct range){0, HF_UNITS_MAX};
    case FORM_SWITCH:
        return (struct range){0, 1};
    case FORM_NONE:
    case FORM_POLICY:
    case FORM_LOCATION:
        break;
    }
    return (struct range){0, 0};
}

static enum hf_field check_line(const struct hf_op_line *line, uint32_t flags, enum line_form form)
{
    const enum hf_field field = check_names(line, flags, form);
    if (field != HF_FIELD_NONE) {
        return field;
    }
    const struct range range = units_of(form);
    const bool has_damaged = (flags & HF_OP_DAMAGED) != 0;
    if (line->units < range.min || line->units > range.max ||
        (form == FORM_SIGNED && line->units == 0) ||
        (form == FORM_ARRIVAL && !has_damaged && line->units == 0)) {
        return HF_FIELD_QUANTITY;
    }
    if (has_damaged && (line->damaged < 0 || line->damaged > HF_UNITS_MAX ||
                        (line->units == 0 && line->damaged == 0))) {
        return HF_FIELD_DAMAGED;
    }
    if (form != FORM_POLICY) {
        return HF_FIELD_NONE;
    }
    if (!is_figure(line->safety_stock, 0)) {
        return HF_FIELD_SAFETY_STOCK;
    }
    if (!is_figure(line->low_stock, HF_LOW_STOCK_NONE)) {
        return HF_FIELD_LOW_STOCK;
    }
    return is_figure(line->backorder_limit, 0) ? HF_FIELD_NONE : HF_FIELD_BACKORDER;
}

static bool is_status(enum hf_status status, enum need need)
{
    return (unsigned)status >= HF_STATUSES_COUNT ? false
           : status == HF_STATUS_NONE            ? need != MUST
                                                 : need != NEVER;
}

/* The fields that only newer kinds have. */
static enum hf_field check_shipping(const struct hf_op *op, const struct shape *shape)
{
    const bool has_as_of = (op->flags & (HF_OP_AS_OF_LSN | HF_OP_AS_OF_TIME)) != 0;

    if (!fits(op->from, shape->from)) {
        return HF_FIELD_FROM;
    }
    if (!fits(op->to, shape->to) || (shape->from == MUST && hf_text_equal(op->from, op->to))) {
        return HF_FIELD_TO;
    }
    if (!is_status(op->from_status, shape->from_status) ||
        !is_status(op->to_status, shape->to_status) ||
        (shape->from_status == MUST && op->from_status == op->to_status)) {
        return HF_FIELD_STATUS;
    }
    if (op->as_of != 0 && !has_as_of) {
        return HF_FIELD_AS_OF;
    }
    if (op->eta_us > HF_TIME_US_MAX || (op->eta_us != 0 && op->kind != HF_KIND_INBOUND_CREATE)) {
        return HF_FIELD_ETA;
    }
    return HF_FIELD_NONE;
}

static enum hf_field check_header(const struct hf_op *op, const struct shape *shape,
                                  uint64_t life_us_max)
{
    const bool has_cells = shape->form == FORM_POSITIVE || shape->form == FORM_SIGNED ||
                           shape->form == FORM_POLICY || shape->form == FORM_LEVEL;
    const uint32_t flags_allowed = shape->flags | HF_OP_LINKED | HF_OP_HANDLES |
                                   (has_cells ? HF_OP_VERSIONS : 0u) |
                                   (shape->ttl != NEVER ? HF_OP_TTL : 0u);
    const bool has_ttl = (op->flags & HF_OP_TTL) != 0;

    const uint32_t both_as_of = HF_OP_AS_OF_LSN | HF_OP_AS_OF_TIME;

    if ((op->flags & ~flags_allowed) != 0 || (op->flags & both_as_of) == both_as_of) {
        return HF_FIELD_FLAGS;
    }
    if (!fits(op->id, shape->id)) {
        return HF_FIELD_ID;
    }
    if (!fits(op->old_id, shape->old_id) ||
        (shape->old_id == MUST && hf_text_equal(op->id, op->old_id))) {
        return HF_FIELD_OLD_ID;
    }
    if (!fits(op->ref, MAY)) {
        return HF_FIELD_REF;
    }
    if (!fits(op->order, shape->order)) {
        return HF_FIELD_ORDER;
    }
    if (!fits(op->by, MAY)) {
        return HF_FIELD_BY;
    }
    if ((unsigned)op->reason >= HF_REASONS_COUNT ||
        (!shape->has_reason && op->reason != HF_REASON_NONE)) {
        return HF_FIELD_REASON;
    }
    if (has_ttl ? op->ttl_us == 0 || op->ttl_us > life_us_max
                : op->ttl_us != 0 || shape->ttl == MUST) {
        return HF_FIELD_TTL;
    }
    return check_shipping(op, shape);
}

enum hf_err hf_op_validate(const struct hf_op *op, uint64_t life_us_max, enum hf_field *field,
                           uint32_t *line_index)
{
    *line_index = UINT32_MAX;
    if ((unsigned)op->kind == 0 || op->kind >= HF_KINDS_COUNT || op->kind == HF_KIND_EXPIRE) {
        *field = HF_FIELD_OPERATION;
        return HF_INVALID_ARGUMENT;
    }
    const struct shape *shape = &shapes[op->kind];
    *field = check_header(op, shape, life_us_max);
    if (*field != HF_FIELD_NONE) {
        return HF_INVALID_ARGUMENT;
    }
    if (op->lines_count < shape->lines_min || op->lines_count > HF_LINES_MAX ||
        (shape->form == FORM_NONE && op->lines_count > 0) ||
        (op->lines_count == 0 && (op->flags & (HF_OP_DAMAGED | HF_OP_REST)) != 0)) {
        *field = HF_FIELD_LINES;
        return HF_INVALID_ARGUMENT;
    }
    for (uint32_t i = 0; i < op->lines_count; i++) {
        *field = check_line(&op->lines[i], op->flags, shape->form);
        if (*field != HF_FIELD_NONE) {
            *line_index = i;
            return HF_INVALID_ARGUMENT;
        }
    }
    return HF_OK;
}
