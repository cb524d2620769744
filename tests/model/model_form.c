/*
 * model_form.c - what is malformed in an operation, by the table of engine/op.h.
 *
 * Each rule is one line that adds a field to the list. Where a fault may rightly be called by two
 * names (a region's name travels in `id`), both are added.
 */
#include "tests/model/model_inside.h"

static void add(struct hf_model_result *result, enum hf_field field, uint32_t line_index)
{
    if (result->malformed_count < HF_MODEL_MALFORMED_MAX) {
        result->malformed[result->malformed_count] = (struct hf_model_malformed){field, line_index};
        result->malformed_count += 1;
    }
}

static void check(struct hf_model_result *result, bool is_right, enum hf_field field)
{
    if (!is_right) {
        add(result, field, UINT32_MAX);
    }
}

/* The definition of a code, decoded by hand: DESIGN.md section 2. */
static bool is_code(struct hf_text text)
{
    uint32_t at = 0;

    if (text.bytes_count == 0 || text.bytes_count > HF_CODE_BYTES_MAX) {
        return false;
    }
    while (at < text.bytes_count) {
        const unsigned char first = (unsigned char)text.bytes[at];
        const uint32_t more = first < 0x80 ? 0 : first < 0xE0 ? 1 : first < 0xF0 ? 2 : 3;
        static const uint32_t lowest[] = {0, 0x80, 0x800, 0x10000};
        uint32_t rune = first < 0x80 ? first : first & (0x3Fu >> more);

        if ((first >= 0x80 && first < 0xC0) || first >= 0xF8 || at + more >= text.bytes_count) {
            return false;
        }
        for (uint32_t i = 1; i <= more; i++) {
            const unsigned char next = (unsigned char)text.bytes[at + i];

            if ((next & 0xC0) != 0x80) {
                return false;
            }
            rune = rune << 6 | (next & 0x3Fu);
        }
        if (rune < lowest[more] || rune > 0x10FFFF || (rune >= 0xD800 && rune <= 0xDFFF) ||
            rune < 0x20 || (rune >= 0x7F && rune < 0xA0)) {
            return false;
        }
        at += more + 1;
    }
    return true;
}

static bool is_code_or_empty(struct hf_text text)
{
    return text.bytes_count == 0 || is_code(text);
}

static uint32_t flags_allowed(enum hf_kind kind)
{
    const uint32_t lines = HF_OP_LINKED | HF_OP_HANDLES;
    const uint32_t cells = lines | HF_OP_VERSIONS;

    switch (kind) {
    case HF_KIND_RECEIVE:
    case HF_KIND_ADJUST:
    case HF_KIND_SET_POLICY:
    case HF_KIND_RELEASE:
    case HF_KIND_MOVE_STATUS:
    case HF_KIND_DISPOSE:
        return cells;
    case HF_KIND_SET:
        return cells | HF_OP_AS_OF_LSN | HF_OP_AS_OF_TIME;
    case HF_KIND_TRANSFER_CREATE:
        return lines | HF_OP_SHIP;
    case HF_KIND_INBOUND_CREATE:
        return lines | HF_OP_SELLABLE;
    case HF_KIND_TRANSFER_RECEIVE:
    case HF_KIND_INBOUND_RECEIVE:
        return lines | HF_OP_DAMAGED | HF_OP_REST;
    case HF_KIND_SELL:
        return cells | HF_OP_FACT;
    case HF_KIND_SET_LOCATION:
    case HF_KIND_SET_REGION:
        return lines;
    case HF_KIND_RESERVE:
        return cells | HF_OP_PARTIAL | HF_OP_TTL;
    case HF_KIND_REPLACE:
        return cells | HF_OP_TTL;
    case HF_KIND_FULFIL:
        return cells | HF_OP_RELEASE_REST;
    case HF_KIND_EXTEND:
        return lines | HF_OP_TTL;
    case HF_KIND_CONFIRM:
    case HF_KIND_RELEASE_ORDER:
    default:
        return lines;
    }
}

static bool is_figure(int64_t units, int64_t least)
{
    return units == HF_POLICY_KEEP || (units >= least && units <= HF_UNITS_MAX);
}

/* Which codes a line names: the others must not be given. */
static void check_codes(struct hf_model_result *result, const struct hf_op *op, uint32_t i)
{
    const struct hf_op_line *line = &op->lines[i];
    const bool has_sku = !hf_model_is_place_kind(op->kind);
    const bool has_location = !hf_model_is_shipment_kind(op->kind);

    if ((op->flags & HF_OP_HANDLES) != 0) {
        if (has_sku == (line->sku_handle == HF_HANDLE_NONE)) {
            add(result, HF_FIELD_SKU, i);
        }
        if (has_location == (line->location_handle == HF_HANDLE_NONE)) {
            add(result, HF_FIELD_LOCATION, i);
        }
        return;
    }
    if (has_sku ? !is_code(line->sku) : line->sku.bytes_count != 0) {
        add(result, HF_FIELD_SKU, i);
    }
    if (has_location ? !is_code(line->location) : line->location.bytes_count != 0) {
        add(result, HF_FIELD_LOCATION, i);
    }
}

static void check_units(struct hf_model_result *result, const struct hf_op *op, uint32_t i)
{
    const struct hf_op_line *line = &op->lines[i];
    const bool has_damaged = (op->flags & HF_OP_DAMAGED) != 0;
    int64_t least = 1;
    int64_t most = HF_UNITS_MAX;

    if (op->kind == HF_KIND_ADJUST) {
        least = -HF_UNITS_MAX;
    } else if (op->kind == HF_KIND_SET_POLICY || op->kind == HF_KIND_SET_REGION) {
        least = most = 0;
    } else if (op->kind == HF_KIND_SET_LOCATION) {
        least = 0;
        most = 1;
    } else if (op->kind == HF_KIND_SET || has_damaged) {
        least = 0;
    }
    if (line->units < least || line->units > most ||
        (op->kind == HF_KIND_ADJUST && line->units == 0)) {
        add(result, HF_FIELD_QUANTITY, i);
    }
    if (line->damaged < 0 || line->damaged > (has_damaged ? HF_UNITS_MAX : 0)) {
        add(result, HF_FIELD_DAMAGED, i);
    }
    if (has_damaged && line->units == 0 && line->damaged == 0) {
        add(result, HF_FIELD_QUANTITY, i);
        add(result, HF_FIELD_DAMAGED, i);
    }
}

/* A cell cannot be set to two values at once. */
static bool is_said_before(const struct hf_op *op, uint32_t i)
{
    const bool is_by_handle = (op->flags & HF_OP_HANDLES) != 0;
    const struct hf_op_line *line = &op->lines[i];

    for (uint32_t j = 0; j < i; j++) {
        const struct hf_op_line *other = &op->lines[j];

        if (is_by_handle ? line->sku_handle == other->sku_handle &&
                               line->location_handle == other->location_handle
                         : hf_text_equal(line->sku, other->sku) &&
                               hf_text_equal(line->location, other->location)) {
            return true;
        }
    }
    return false;
}

static void check_line(struct hf_model_result *result, const struct hf_op *op, uint32_t i)
{
    const struct hf_op_line *line = &op->lines[i];

    if (op->kind == HF_KIND_SET && is_said_before(op, i)) {
        add(result, HF_FIELD_SKU, i);
    }
    check_codes(result, op, i);
    check_units(result, op, i);
    if (op->kind == HF_KIND_SET_POLICY) {
        if (!is_figure(line->safety_stock, 0)) {
            add(result, HF_FIELD_SAFETY_STOCK, i);
        }
        if (!is_figure(line->low_stock, HF_LOW_STOCK_NONE)) {
            add(result, HF_FIELD_LOW_STOCK, i);
        }
        if (!is_figure(line->backorder_limit, 0)) {
            add(result, HF_FIELD_BACKORDER, i);
        }
    }
}

static void check_texts(struct hf_model_result *result, const struct hf_op *op)
{
    const bool has_id = op->kind == HF_KIND_SET_REGION || op->kind == HF_KIND_RESERVE ||
                        op->kind == HF_KIND_REPLACE || op->kind == HF_KIND_CONFIRM ||
                        op->kind == HF_KIND_EXTEND || op->kind == HF_KIND_RELEASE ||
                        op->kind == HF_KIND_FULFIL || hf_model_is_shipment_kind(op->kind);
    const bool has_from = op->kind == HF_KIND_TRANSFER_CREATE;
    const bool has_to = has_from || op->kind == HF_KIND_INBOUND_CREATE;
    const bool is_id_right = has_id ? is_code(op->id) : op->id.bytes_count == 0;

    check(result, is_id_right, HF_FIELD_ID);
    check(result, is_id_right || op->kind != HF_KIND_SET_REGION, HF_FIELD_REGION);
    check(result, op->kind == HF_KIND_REPLACE ? is_code(op->old_id) : op->old_id.bytes_count == 0,
          HF_FIELD_OLD_ID);
    if (op->kind == HF_KIND_REPLACE && hf_text_equal(op->id, op->old_id)) {
        add(result, HF_FIELD_ID, UINT32_MAX); /* nothing can be replaced by itself */
        add(result, HF_FIELD_OLD_ID, UINT32_MAX);
    }
    check(result, is_code_or_empty(op->ref), HF_FIELD_REF);
    check(result,
          op->kind == HF_KIND_RELEASE_ORDER ? is_code(op->order) : is_code_or_empty(op->order),
          HF_FIELD_ORDER);
    check(result, is_code_or_empty(op->by), HF_FIELD_BY);
    check(result, has_from ? is_code(op->from) : op->from.bytes_count == 0, HF_FIELD_FROM);
    check(result, has_to ? is_code(op->to) : op->to.bytes_count == 0, HF_FIELD_TO);
    check(result, !has_from || !hf_text_equal(op->from, op->to), HF_FIELD_TO);
}

static bool has_reason(enum hf_kind kind)
{
    return kind == HF_KIND_RECEIVE || kind == HF_KIND_ADJUST || kind == HF_KIND_SET ||
           kind == HF_KIND_MOVE_STATUS || kind == HF_KIND_DISPOSE ||
           kind == HF_KIND_TRANSFER_SHIP || kind == HF_KIND_TRANSFER_RECEIVE ||
           kind == HF_KIND_TRANSFER_CANCEL || kind == HF_KIND_TRANSFER_CLOSE ||
           kind == HF_KIND_INBOUND_RECEIVE || kind == HF_KIND_INBOUND_CANCEL;
}

static void check_statuses(struct hf_model_result *result, const struct hf_op *op)
{
    const bool is_move = op->kind == HF_KIND_MOVE_STATUS;
    const bool has_from = is_move || op->kind == HF_KIND_DISPOSE;
    const bool may_have_to = is_move || op->kind == HF_KIND_RECEIVE;

    check(result,
          has_from ? op->from_status > HF_STATUS_NONE && op->from_status < HF_STATUSES_COUNT
                   : op->from_status == HF_STATUS_NONE,
          HF_FIELD_STATUS);
    check(result,
          op->to_status < (may_have_to ? HF_STATUSES_COUNT : 1) &&
              (!is_move || (op->to_status != HF_STATUS_NONE && op->to_status != op->from_status)),
          HF_FIELD_STATUS);
}

static void check_as_of(const struct hf_model *model, struct hf_model_result *result,
                        const struct hf_op *op, uint64_t now_us)
{
    const bool is_lsn = (op->flags & HF_OP_AS_OF_LSN) != 0;
    const bool is_time = (op->flags & HF_OP_AS_OF_TIME) != 0;

    if (is_lsn && is_time) {
        add(result, HF_FIELD_FLAGS, UINT32_MAX);
        add(result, HF_FIELD_AS_OF, UINT32_MAX);
    }
    check(result, is_lsn || is_time || op->as_of == 0, HF_FIELD_AS_OF);
    check(result, !is_lsn || op->as_of <= model->lsn, HF_FIELD_AS_OF);
    check(result, !is_time || op->as_of <= now_us, HF_FIELD_AS_OF);
}

void hf_model_form(const struct hf_model *model, const struct hf_op *op, uint64_t now_us,
                   struct hf_model_result *result)
{
    const bool has_ttl = (op->flags & HF_OP_TTL) != 0;
    const bool is_lineless = op->kind == HF_KIND_CONFIRM || op->kind == HF_KIND_EXTEND ||
                             op->kind == HF_KIND_RELEASE_ORDER;
    const bool is_whole_allowed =
        is_lineless || op->kind == HF_KIND_RELEASE || op->kind == HF_KIND_FULFIL ||
        (hf_model_is_shipment_kind(op->kind) && !hf_model_opens(op->kind));

    if (op->kind < HF_KIND_RECEIVE || op->kind >= HF_KINDS_COUNT || op->kind == HF_KIND_EXPIRE) {
        add(result, HF_FIELD_OPERATION, UINT32_MAX);
        return;
    }
    check(result, (op->flags & ~flags_allowed(op->kind)) == 0, HF_FIELD_FLAGS);
    check(result, op->reason < (has_reason(op->kind) ? HF_REASONS_COUNT : 1), HF_FIELD_REASON);
    check_texts(result, op);
    check_statuses(result, op);
    check_as_of(model, result, op, now_us);
    check(result, op->eta_us == 0 || op->kind == HF_KIND_INBOUND_CREATE, HF_FIELD_ETA);

    check(result,
          has_ttl ? op->ttl_us >= 1 && op->ttl_us <= model->config.life_us_max : op->ttl_us == 0,
          HF_FIELD_TTL);
    if (op->kind == HF_KIND_EXTEND && !has_ttl) {
        add(result, HF_FIELD_TTL, UINT32_MAX);
        add(result, HF_FIELD_FLAGS, UINT32_MAX);
    }
    if ((op->flags & HF_OP_REST) != 0 && op->lines_count == 0) {
        add(result, HF_FIELD_FLAGS, UINT32_MAX); /* the rest of what? */
        add(result, HF_FIELD_LINES, UINT32_MAX);
    }

    check(result,
          op->lines_count <= (is_lineless ? 0 : HF_LINES_MAX) &&
              (op->lines_count > 0 || is_whole_allowed),
          HF_FIELD_LINES);
    for (uint32_t i = 0; i < op->lines_count && i < HF_LINES_MAX; i++) {
        check_line(result, op, i);
    }
}
