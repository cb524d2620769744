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
    FORM_LOCATION  /* location */
};

enum need { NEVER, MAY, MUST };

struct shape {
    enum need id, old_id, order, ttl;
    bool has_reason;
    uint32_t flags; /* besides linked, handles, ttl, and versions where lines name cells */
    enum line_form form;
    uint32_t lines_min;
};

static const struct shape shapes[HF_KINDS_COUNT] = {
    /*                     id     old_id order  ttl    reason flags                form  min */
    [HF_KIND_RECEIVE] = {NEVER, NEVER, MAY, NEVER, true, 0, FORM_POSITIVE, 1},
    [HF_KIND_ADJUST] = {NEVER, NEVER, MAY, NEVER, true, 0, FORM_SIGNED, 1},
    [HF_KIND_SELL] = {NEVER, NEVER, MAY, NEVER, false, HF_OP_FACT, FORM_POSITIVE, 1},
    [HF_KIND_SET_POLICY] = {NEVER, NEVER, MAY, NEVER, false, 0, FORM_POLICY, 1},
    [HF_KIND_SET_LOCATION] = {NEVER, NEVER, MAY, NEVER, false, 0, FORM_SWITCH, 1},
    [HF_KIND_SET_REGION] = {MUST, NEVER, MAY, NEVER, false, 0, FORM_LOCATION, 1},
    [HF_KIND_RESERVE] = {MUST, NEVER, MAY, MAY, false, HF_OP_PARTIAL, FORM_POSITIVE, 1},
    [HF_KIND_REPLACE] = {MUST, MUST, MAY, MAY, false, 0, FORM_POSITIVE, 1},
    [HF_KIND_CONFIRM] = {MUST, NEVER, MAY, NEVER, false, 0, FORM_NONE, 0},
    [HF_KIND_EXTEND] = {MUST, NEVER, MAY, MUST, false, 0, FORM_NONE, 0},
    [HF_KIND_RELEASE] = {MUST, NEVER, MAY, NEVER, false, 0, FORM_POSITIVE, 0},
    [HF_KIND_RELEASE_ORDER] = {NEVER, NEVER, MUST, NEVER, false, 0, FORM_NONE, 0},
    [HF_KIND_FULFIL] = {MUST, NEVER, MAY, NEVER, false, HF_OP_RELEASE_REST, FORM_POSITIVE, 0},
};

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
    const bool has_sku = form == FORM_POSITIVE || form == FORM_SIGNED || form == FORM_POLICY;

    if ((flags & HF_OP_HANDLES) != 0) {
        if ((line->sku_handle != HF_HANDLE_NONE) != has_sku) {
            return HF_FIELD_SKU;
        }
        return line->location_handle == HF_HANDLE_NONE ? HF_FIELD_LOCATION : HF_FIELD_NONE;
    }
    if (!fits(line->sku, has_sku ? MUST : NEVER)) {
        return HF_FIELD_SKU;
    }
    return fits(line->location, MUST) ? HF_FIELD_NONE : HF_FIELD_LOCATION;
}

static enum hf_field check_line(const struct hf_op_line *line, uint32_t flags, enum line_form form)
{
    const enum hf_field field = check_names(line, flags, form);
    if (field != HF_FIELD_NONE) {
        return field;
    }
    const int64_t min = form == FORM_SIGNED ? -HF_UNITS_MAX : form == FORM_POSITIVE ? 1 : 0;
    const int64_t max = form == FORM_SIGNED || form == FORM_POSITIVE ? HF_UNITS_MAX
                        : form == FORM_SWITCH                        ? 1
                                                                     : 0;
    if (line->units < min || line->units > max || (form == FORM_SIGNED && line->units == 0)) {
        return HF_FIELD_QUANTITY;
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

static enum hf_field check_header(const struct hf_op *op, const struct shape *shape,
                                  uint64_t life_us_max)
{
    const bool has_cells =
        shape->form == FORM_POSITIVE || shape->form == FORM_SIGNED || shape->form == FORM_POLICY;
    const uint32_t flags_allowed = shape->flags | HF_OP_LINKED | HF_OP_HANDLES |
                                   (has_cells ? HF_OP_VERSIONS : 0u) |
                                   (shape->ttl != NEVER ? HF_OP_TTL : 0u);
    const bool has_ttl = (op->flags & HF_OP_TTL) != 0;

    if ((op->flags & ~flags_allowed) != 0) {
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
    return HF_FIELD_NONE;
}

enum hf_err hf_op_validate(const struct hf_op *op, uint64_t life_us_max, enum hf_field *field,
                           uint32_t *line_index)
{
    *line_index = UINT32_MAX;
    if ((unsigned)op->kind == 0 || op->kind >= HF_KIND_EXPIRE) {
        *field = HF_FIELD_OPERATION;
        return HF_INVALID_ARGUMENT;
    }
    const struct shape *shape = &shapes[op->kind];
    *field = check_header(op, shape, life_us_max);
    if (*field != HF_FIELD_NONE) {
        return HF_INVALID_ARGUMENT;
    }
    if (op->lines_count < shape->lines_min || op->lines_count > HF_LINES_MAX ||
        (shape->form == FORM_NONE && op->lines_count > 0)) {
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
