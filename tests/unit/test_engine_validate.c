/*
 * test_engine_validate.c - what can be said of an operation without looking at the state.
 *
 * Method: the table of op.h is written down here once more, as letters; from a good operation of
 * each kind one field after the other is set or cleared, and what the letters say must come out,
 * with the field named. Then the bounds of each field, and that of two wrong fields the first in
 * the order of a request is named.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "engine/state.h"

#define LIFE_US_MAX UINT64_C(1000000)

/* Of each kind: fields it must (m), may (o) or must not (-) have; as in op.h. */
static const struct shape_row {
    enum hf_kind kind;
    char id, old_id, order, ttl, reason;
    char lines; /* m: one at least, o: none or some, -: none */
    enum { NO_LINE, UNITS, SIGNED_UNITS, POLICY, SWITCH, PLACE, LEVEL, GOODS, ARRIVAL } form;
    uint32_t flags;
    char more[6]; /* from, to, from_status, to_status, eta */
} shapes[] = {
    {HF_KIND_RECEIVE, '-', '-', 'o', '-', 'o', 'm', UNITS, 0, "---o-"},
    {HF_KIND_ADJUST, '-', '-', 'o', '-', 'o', 'm', SIGNED_UNITS, 0, "-----"},
    {HF_KIND_SELL, '-', '-', 'o', '-', '-', 'm', UNITS, HF_OP_FACT, "-----"},
    {HF_KIND_SET_POLICY, '-', '-', 'o', '-', '-', 'm', POLICY, 0, "-----"},
    {HF_KIND_SET_LOCATION, '-', '-', 'o', '-', '-', 'm', SWITCH, 0, "-----"},
    {HF_KIND_SET_REGION, 'm', '-', 'o', '-', '-', 'm', PLACE, 0, "-----"},
    {HF_KIND_RESERVE, 'm', '-', 'o', 'o', '-', 'm', UNITS, HF_OP_PARTIAL | HF_OP_TTL, "-----"},
    {HF_KIND_REPLACE, 'm', 'm', 'o', 'o', '-', 'm', UNITS, HF_OP_TTL, "-----"},
    {HF_KIND_CONFIRM, 'm', '-', 'o', '-', '-', '-', NO_LINE, 0, "-----"},
    {HF_KIND_EXTEND, 'm', '-', 'o', 'm', '-', '-', NO_LINE, HF_OP_TTL, "-----"},
    {HF_KIND_RELEASE, 'm', '-', 'o', '-', '-', 'o', UNITS, 0, "-----"},
    {HF_KIND_RELEASE_ORDER, '-', '-', 'm', '-', '-', '-', NO_LINE, 0, "-----"},
    {HF_KIND_FULFIL, 'm', '-', 'o', '-', '-', 'o', UNITS, HF_OP_RELEASE_REST, "-----"},
    {HF_KIND_SET, '-', '-', 'o', '-', 'o', 'm', LEVEL, HF_OP_AS_OF_LSN | HF_OP_AS_OF_TIME, "-----"},
    {HF_KIND_MOVE_STATUS, '-', '-', 'o', '-', 'o', 'm', UNITS, 0, "--mm-"},
    {HF_KIND_DISPOSE, '-', '-', 'o', '-', 'o', 'm', UNITS, 0, "--m--"},
    {HF_KIND_TRANSFER_CREATE, 'm', '-', 'o', '-', '-', 'm', GOODS, HF_OP_SHIP, "mm---"},
    {HF_KIND_TRANSFER_SHIP, 'm', '-', 'o', '-', 'o', 'o', GOODS, 0, "-----"},
    {HF_KIND_TRANSFER_RECEIVE, 'm', '-', 'o', '-', 'o', 'o', ARRIVAL, HF_OP_DAMAGED | HF_OP_REST,
     "-----"},
    {HF_KIND_TRANSFER_CANCEL, 'm', '-', 'o', '-', 'o', 'o', GOODS, 0, "-----"},
    {HF_KIND_TRANSFER_CLOSE, 'm', '-', 'o', '-', 'o', 'o', GOODS, 0, "-----"},
    {HF_KIND_INBOUND_CREATE, 'm', '-', 'o', '-', '-', 'm', GOODS, HF_OP_SELLABLE, "-m--o"},
    {HF_KIND_INBOUND_RECEIVE, 'm', '-', 'o', '-', 'o', 'o', ARRIVAL, HF_OP_DAMAGED | HF_OP_REST,
     "-----"},
    {HF_KIND_INBOUND_CANCEL, 'm', '-', 'o', '-', 'o', 'o', GOODS, 0, "-----"},
};

enum { FROM, TO, FROM_STATUS, TO_STATUS, ETA }; /* in `more` */

static bool has_sku(const struct shape_row *shape)
{
    return shape->form != NO_LINE && shape->form != SWITCH && shape->form != PLACE;
}

static bool has_location(const struct shape_row *shape)
{
    return shape->form != NO_LINE && shape->form != GOODS && shape->form != ARRIVAL;
}

static struct hf_op_line good_line(const struct shape_row *shape)
{
    struct hf_op_line line = {.if_version = HF_VERSION_ANY};

    if (has_sku(shape)) {
        line.sku = hf_text_of("A");
    }
    if (has_location(shape)) {
        line.location = hf_text_of("W");
    }
    line.units = shape->form == POLICY || shape->form == PLACE ? 0 : 1;
    if (shape->form == POLICY) {
        line.safety_stock = line.low_stock = line.backorder_limit = HF_POLICY_KEEP;
    }
    return line;
}

/* With all that it must have and nothing else. */
static struct hf_op good_op(const struct shape_row *shape, const struct hf_op_line *line)
{
    struct hf_op op = {.kind = shape->kind, .lines = line};

    op.id = shape->id == 'm' ? hf_text_of("id") : (struct hf_text){0};
    op.old_id = shape->old_id == 'm' ? hf_text_of("old") : (struct hf_text){0};
    op.order = shape->order == 'm' ? hf_text_of("order") : (struct hf_text){0};
    if (shape->ttl == 'm') {
        op.flags |= HF_OP_TTL;
        op.ttl_us = 1;
    }
    op.from = shape->more[FROM] == 'm' ? hf_text_of("W") : (struct hf_text){0};
    op.to = shape->more[TO] == 'm' ? hf_text_of("V") : (struct hf_text){0};
    op.from_status = shape->more[FROM_STATUS] == 'm' ? HF_STATUS_SELLABLE : HF_STATUS_NONE;
    op.to_status = shape->more[TO_STATUS] == 'm' ? HF_STATUS_DAMAGED : HF_STATUS_NONE;
    op.lines_count = shape->lines == 'm';
    return op;
}

static void check(const struct hf_op *op, enum hf_field want, uint32_t want_line)
{
    enum hf_field field = HF_FIELD_NONE;
    uint32_t line_index = 0;
    const enum hf_err err = hf_op_validate(op, LIFE_US_MAX, &field, &line_index);
    const bool is_ok = want == HF_FIELD_NONE;

    if (err != (is_ok ? HF_OK : HF_INVALID_ARGUMENT) || (!is_ok && field != want) ||
        line_index != want_line) {
        fail_msg("%s: %s, field %s of line %d, expected %s of %d", hf_kind_name(op->kind),
                 hf_err_name(err), hf_field_name(field), (int)line_index, hf_field_name(want),
                 (int)want_line);
    }
}

/* A field that is `need`ed, given or not given. */
static void check_given(const struct hf_op *op, char need, bool is_given, enum hf_field field)
{
    const bool is_wrong = is_given ? need == '-' : need == 'm';
    check(op, is_wrong ? field : HF_FIELD_NONE, UINT32_MAX);
}

static void check_text(const struct shape_row *shape, const struct hf_op_line *line, char need,
                       size_t offset, enum hf_field field)
{
    static const char long_text[] =
        "0123456789012345678901234567890123456789012345678901234567890123456789";
    struct hf_op op = good_op(shape, line);
    struct hf_text *text = (struct hf_text *)(void *)((char *)&op + offset);

    *text = (struct hf_text){0};
    check_given(&op, need, false, field);
    *text = hf_text_of("x");
    check_given(&op, need, true, field);
    *text = (struct hf_text){long_text, 64};
    check_given(&op, need, true, field);
    *text = (struct hf_text){long_text, 65};
    check(&op, field, UINT32_MAX);
    *text = hf_text_of("a\nb");
    check(&op, field, UINT32_MAX);
    *text = hf_text_of("\xC3");
    check(&op, field, UINT32_MAX);
}

static void texts(void **state)
{
    const struct shape_row *shape = *state;
    const struct hf_op_line line = good_line(shape);

    check_text(shape, &line, shape->id, offsetof(struct hf_op, id), HF_FIELD_ID);
    check_text(shape, &line, shape->old_id, offsetof(struct hf_op, old_id), HF_FIELD_OLD_ID);
    check_text(shape, &line, shape->order, offsetof(struct hf_op, order), HF_FIELD_ORDER);
    check_text(shape, &line, 'o', offsetof(struct hf_op, ref), HF_FIELD_REF);
    check_text(shape, &line, 'o', offsetof(struct hf_op, by), HF_FIELD_BY);
    check_text(shape, &line, shape->more[FROM], offsetof(struct hf_op, from), HF_FIELD_FROM);
    check_text(shape, &line, shape->more[TO], offsetof(struct hf_op, to), HF_FIELD_TO);
    struct hf_op op = good_op(shape, &line);
    if (shape->old_id == 'm') {
        op.old_id = op.id; /* a reservation does not replace itself */
        check(&op, HF_FIELD_OLD_ID, UINT32_MAX);
    }
    if (shape->more[FROM] == 'm') {
        op.to = op.from; /* goods do not travel to where they are */
        check(&op, HF_FIELD_TO, UINT32_MAX);
    }
}

static bool may_have_versions(const struct shape_row *shape)
{
    return has_sku(shape) && has_location(shape); /* its lines name cells */
}

static void flags(void **state)
{
    const struct shape_row *shape = *state;
    const struct hf_op_line line = good_line(shape);
    struct hf_op_line handles = line;

    handles.sku_handle = has_sku(shape) ? 0 : HF_HANDLE_NONE;
    handles.location_handle = has_location(shape) ? 0 : HF_HANDLE_NONE;
    for (uint32_t bit = 0; bit < 32; bit++) {
        const uint32_t flag = UINT32_C(1) << bit;
        struct hf_op op = good_op(shape, &line);
        op.flags |= flag;
        if (flag == HF_OP_TTL && shape->ttl != '-') {
            op.ttl_us = 1;
        }
        if (flag == HF_OP_HANDLES) {
            op.lines = &handles;
        }
        const bool is_allowed = flag == HF_OP_LINKED || flag == HF_OP_HANDLES ||
                                (flag == HF_OP_VERSIONS && may_have_versions(shape)) ||
                                (flag & shape->flags) != 0;
        if (is_allowed && (flag & (HF_OP_DAMAGED | HF_OP_REST)) != 0) {
            check(&op, HF_FIELD_LINES, UINT32_MAX); /* they are about lines */
            op.lines_count = 1;
        }
        check(&op, is_allowed ? HF_FIELD_NONE : HF_FIELD_FLAGS, UINT32_MAX);
    }
    struct hf_op op = good_op(shape, &line);
    op.flags |= HF_OP_AS_OF_LSN | HF_OP_AS_OF_TIME; /* one or the other */
    check(&op, HF_FIELD_FLAGS, UINT32_MAX);
}

static void reason_and_ttl(void **state)
{
    const struct shape_row *shape = *state;
    const struct hf_op_line line = good_line(shape);
    struct hf_op op = good_op(shape, &line);

    for (unsigned reason = 0; reason <= HF_REASONS_COUNT; reason++) {
        op.reason = (enum hf_reason)reason;
        const bool is_wrong = reason == HF_REASONS_COUNT || (reason != 0 && shape->reason == '-');
        check(&op, is_wrong ? HF_FIELD_REASON : HF_FIELD_NONE, UINT32_MAX);
    }
    op = good_op(shape, &line);
    op.flags &= ~(uint32_t)HF_OP_TTL;
    op.ttl_us = 0;
    check(&op, shape->ttl == 'm' ? HF_FIELD_TTL : HF_FIELD_NONE, UINT32_MAX);
    op.ttl_us = 1; /* without its flag */
    check(&op, HF_FIELD_TTL, UINT32_MAX);
    if (shape->ttl == '-') {
        return;
    }
    static const struct {
        uint64_t ttl_us;
        enum hf_field want;
    } rows[] = {{0, HF_FIELD_TTL},
                {1, HF_FIELD_NONE},
                {LIFE_US_MAX, HF_FIELD_NONE},
                {LIFE_US_MAX + 1, HF_FIELD_TTL},
                {UINT64_MAX, HF_FIELD_TTL}};
    op.flags |= HF_OP_TTL;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        op.ttl_us = rows[i].ttl_us;
        check(&op, rows[i].want, UINT32_MAX);
    }
}

static void statuses(void **state)
{
    const struct shape_row *shape = *state;
    const struct hf_op_line line = good_line(shape);
    const char from = shape->more[FROM_STATUS];
    const char to = shape->more[TO_STATUS];

    for (unsigned i = 0; i <= HF_STATUSES_COUNT + 1; i++) {
        for (unsigned j = 0; j <= HF_STATUSES_COUNT + 1; j++) {
            struct hf_op op = good_op(shape, &line);
            op.from_status = (enum hf_status)i;
            op.to_status = (enum hf_status)j;
            const bool is_known = i < HF_STATUSES_COUNT && j < HF_STATUSES_COUNT;
            const bool is_right = is_known && (i == 0 ? from != 'm' : from != '-') &&
                                  (j == 0 ? to != 'm' : to != '-') && (from != 'm' || i != j);
            check(&op, is_right ? HF_FIELD_NONE : HF_FIELD_STATUS, UINT32_MAX);
        }
    }
}

static void as_of_and_eta(void **state)
{
    const struct shape_row *shape = *state;
    const struct hf_op_line line = good_line(shape);
    static const uint64_t values[] = {0, 1, HF_TIME_US_MAX, HF_TIME_US_MAX + 1, UINT64_MAX};
    static const uint32_t as_of_flags[] = {0, HF_OP_AS_OF_LSN, HF_OP_AS_OF_TIME};

    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        for (size_t j = 0; j < 3; j++) { /* how far it may go back or forth is for the rule */
            struct hf_op op = good_op(shape, &line);
            op.flags |= as_of_flags[j];
            op.as_of = values[i];
            check(&op,
                  (as_of_flags[j] & ~shape->flags) != 0   ? HF_FIELD_FLAGS
                  : values[i] != 0 && as_of_flags[j] == 0 ? HF_FIELD_AS_OF
                                                          : HF_FIELD_NONE,
                  UINT32_MAX);
        }
        struct hf_op op = good_op(shape, &line);
        op.eta_us = values[i];
        const bool is_right =
            values[i] == 0 || (shape->more[ETA] == 'o' && values[i] <= HF_TIME_US_MAX);
        check(&op, is_right ? HF_FIELD_NONE : HF_FIELD_ETA, UINT32_MAX);
    }
}

static void lines_count(void **state)
{
    const struct shape_row *shape = *state;
    static struct hf_op_line lines[HF_LINES_MAX + 1];
    struct hf_op op = good_op(shape, lines);

    for (uint32_t i = 0; i <= HF_LINES_MAX; i++) {
        lines[i] = good_line(shape);
    }
    static const uint32_t counts[] = {0, 1, 2, HF_LINES_MAX, HF_LINES_MAX + 1, UINT32_MAX};
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        op.lines_count = counts[i];
        const bool is_wrong =
            counts[i] == 0 ? shape->lines == 'm' : shape->lines == '-' || counts[i] > HF_LINES_MAX;
        check(&op, is_wrong ? HF_FIELD_LINES : HF_FIELD_NONE, UINT32_MAX);
    }
}

/* One line of three is wrong: its field and its number are named. */
static void check_line(const struct shape_row *shape, struct hf_op_line wrong, uint32_t more_flags,
                       enum hf_field want)
{
    for (uint32_t at = 0; at < 3; at++) {
        struct hf_op_line lines[3];
        for (uint32_t i = 0; i < 3; i++) {
            lines[i] = i == at ? wrong : good_line(shape);
            if ((more_flags & HF_OP_HANDLES) != 0 && i != at) {
                lines[i].sku_handle = lines[i].sku.bytes_count > 0 ? 1 : HF_HANDLE_NONE;
                lines[i].location_handle = lines[i].location.bytes_count > 0 ? 1 : HF_HANDLE_NONE;
            }
        }
        struct hf_op op = good_op(shape, lines);
        op.lines_count = 3;
        op.flags |= more_flags;
        check(&op, want, want == HF_FIELD_NONE ? UINT32_MAX : at);
    }
}

static void units(void **state)
{
    const struct shape_row *shape = *state;
    static const int64_t values[] = {INT64_MIN, -HF_UNITS_MAX - 1, -HF_UNITS_MAX,    -1,       0, 1,
                                     2,         HF_UNITS_MAX,      HF_UNITS_MAX + 1, INT64_MAX};

    if (shape->form == NO_LINE) {
        return;
    }
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        struct hf_op_line line = good_line(shape);
        const int64_t value = values[i];
        const bool is_in_range = value >= -HF_UNITS_MAX && value <= HF_UNITS_MAX;
        const bool is_right = shape->form == UNITS || shape->form == GOODS || shape->form == ARRIVAL
                                  ? is_in_range && value > 0
                              : shape->form == SIGNED_UNITS ? is_in_range && value != 0
                              : shape->form == LEVEL        ? is_in_range && value >= 0
                              : shape->form == SWITCH       ? value == 0 || value == 1
                                                            : value == 0;
        line.units = value;
        check_line(shape, line, 0, is_right ? HF_FIELD_NONE : HF_FIELD_QUANTITY);
    }
}

/* With HF_OP_DAMAGED a line has two quantities, of which one may be zero. */
static void damaged(void **state)
{
    const struct shape_row *shape = *state;
    static const struct {
        int64_t units, damaged;
        enum hf_field want;
    } rows[] = {{0, 0, HF_FIELD_DAMAGED},
                {1, 0, HF_FIELD_NONE},
                {0, 1, HF_FIELD_NONE},
                {HF_UNITS_MAX, HF_UNITS_MAX, HF_FIELD_NONE},
                {HF_UNITS_MAX + 1, HF_UNITS_MAX + 1, HF_FIELD_QUANTITY},
                {HF_UNITS_MAX, HF_UNITS_MAX + 1, HF_FIELD_DAMAGED},
                {-1, 1, HF_FIELD_QUANTITY},
                {1, -1, HF_FIELD_DAMAGED},
                {0, -1, HF_FIELD_DAMAGED},
                {1, INT64_MAX, HF_FIELD_DAMAGED},
                {1, INT64_MIN, HF_FIELD_DAMAGED},
                {INT64_MIN, 0, HF_FIELD_QUANTITY}};

    if (shape->form != ARRIVAL) {
        return;
    }
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct hf_op_line line = good_line(shape);
        line.units = rows[i].units;
        line.damaged = rows[i].damaged;
        check_line(shape, line, HF_OP_DAMAGED, rows[i].want);
        /* Without the flag nobody reads it. */
        line.units = 1;
        check_line(shape, line, 0, HF_FIELD_NONE);
    }
}

static void names_of_lines(void **state)
{
    const struct shape_row *shape = *state;
    static const char *const bad[] = {"a\x7F", "\xFF",
                                      ("01234567890123456789012345678901234567890123456789012345"
                                       "678901234")};

    if (shape->form == NO_LINE) {
        return;
    }
    struct hf_op_line line = good_line(shape);
    line.sku = has_sku(shape) ? (struct hf_text){0} : hf_text_of("A");
    check_line(shape, line, 0, HF_FIELD_SKU);
    line = good_line(shape);
    line.location = has_location(shape) ? (struct hf_text){0} : hf_text_of("W");
    check_line(shape, line, 0, HF_FIELD_LOCATION);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        line = good_line(shape);
        line.location = hf_text_of(bad[i]);
        check_line(shape, line, 0, HF_FIELD_LOCATION);
        line.sku = hf_text_of(bad[i]);
        check_line(shape, line, 0, HF_FIELD_SKU); /* the SKU comes first */
    }
    line = good_line(shape);
    line.sku_handle = has_sku(shape) ? 0 : HF_HANDLE_NONE;
    line.location_handle = has_location(shape) ? 7 : HF_HANDLE_NONE;
    check_line(shape, line, HF_OP_HANDLES, HF_FIELD_NONE);
    line.location_handle = has_location(shape) ? HF_HANDLE_NONE : 7;
    check_line(shape, line, HF_OP_HANDLES, HF_FIELD_LOCATION);
    line.sku_handle = has_sku(shape) ? HF_HANDLE_NONE : 0;
    check_line(shape, line, HF_OP_HANDLES, HF_FIELD_SKU);
}

static void figures_of_a_policy(void **state)
{
    const struct shape_row *shape = *state;
    static const struct {
        int64_t value;
        bool is_figure, is_threshold;
    } rows[] = {{HF_POLICY_KEEP, true, true},
                {HF_POLICY_KEEP + 1, false, false},
                {-2, false, false},
                {HF_LOW_STOCK_NONE, false, true},
                {0, true, true},
                {HF_UNITS_MAX, true, true},
                {HF_UNITS_MAX + 1, false, false},
                {INT64_MAX, false, false}};

    if (shape->form != POLICY) {
        return;
    }
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct hf_op_line line = good_line(shape);
        line.backorder_limit = rows[i].value;
        check_line(shape, line, 0, rows[i].is_figure ? HF_FIELD_NONE : HF_FIELD_BACKORDER);
        line.low_stock = rows[i].value;
        check_line(shape, line, 0,
                   !rows[i].is_threshold ? HF_FIELD_LOW_STOCK
                   : rows[i].is_figure   ? HF_FIELD_NONE
                                         : HF_FIELD_BACKORDER);
        line.safety_stock = rows[i].value;
        check_line(shape, line, 0, rows[i].is_figure ? HF_FIELD_NONE : HF_FIELD_SAFETY_STOCK);
    }
}

/* Everything is wrong; made right one by one, the next one is named, in the order of a request. */
static void order_of_fields(void **state)
{
    const struct shape_row *shape = *state;
    const struct hf_text bad = hf_text_of("\x01");
    struct hf_op_line line = good_line(shape);
    struct hf_op good = good_op(shape, &line);
    struct hf_op op = {.kind = (enum hf_kind)99,
                       .flags = 1u << 30 | HF_OP_TTL,
                       .reason = (enum hf_reason)99,
                       .id = bad,
                       .old_id = bad,
                       .ref = bad,
                       .order = bad,
                       .by = bad,
                       .from = bad,
                       .to = bad,
                       .from_status = (enum hf_status)99,
                       .to_status = (enum hf_status)99,
                       .ttl_us = UINT64_MAX,
                       .as_of = 1,
                       .eta_us = UINT64_MAX,
                       .lines = &line,
                       .lines_count = UINT32_MAX};

    line.sku = line.location = bad;
    line.units = INT64_MIN;
    check(&op, HF_FIELD_OPERATION, UINT32_MAX);
    op.kind = good.kind;
    check(&op, HF_FIELD_FLAGS, UINT32_MAX);
    op.flags = good.flags;
    check(&op, HF_FIELD_ID, UINT32_MAX);
    op.id = good.id;
    check(&op, HF_FIELD_OLD_ID, UINT32_MAX);
    op.old_id = good.old_id;
    check(&op, HF_FIELD_REF, UINT32_MAX);
    op.ref = good.ref;
    check(&op, HF_FIELD_ORDER, UINT32_MAX);
    op.order = good.order;
    check(&op, HF_FIELD_BY, UINT32_MAX);
    op.by = good.by;
    check(&op, HF_FIELD_REASON, UINT32_MAX);
    op.reason = good.reason;
    check(&op, HF_FIELD_TTL, UINT32_MAX);
    op.ttl_us = good.ttl_us;
    check(&op, HF_FIELD_FROM, UINT32_MAX);
    op.from = good.from;
    check(&op, HF_FIELD_TO, UINT32_MAX);
    op.to = good.to;
    check(&op, HF_FIELD_STATUS, UINT32_MAX);
    op.from_status = good.from_status;
    check(&op, HF_FIELD_STATUS, UINT32_MAX);
    op.to_status = good.to_status;
    check(&op, HF_FIELD_AS_OF, UINT32_MAX);
    op.as_of = good.as_of;
    check(&op, HF_FIELD_ETA, UINT32_MAX);
    op.eta_us = good.eta_us;
    check(&op, HF_FIELD_LINES, UINT32_MAX);
    op.lines_count = good.lines_count;
    if (op.lines_count == 0) {
        check(&op, HF_FIELD_NONE, UINT32_MAX);
        return;
    }
    check(&op, HF_FIELD_SKU, 0);
    line.sku = good_line(shape).sku;
    check(&op, HF_FIELD_LOCATION, 0);
    line.location = good_line(shape).location;
    check(&op, HF_FIELD_QUANTITY, 0);
    line.units = good_line(shape).units;
    check(&op, HF_FIELD_NONE, UINT32_MAX);
}

static void kinds(void **state)
{
    static const unsigned wrong[] = {0, HF_KIND_EXPIRE, HF_KINDS_COUNT, 255, 0x7FFFFFFF};
    uint32_t seen = 1u << HF_KIND_EXPIRE;
    (void)state;

    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        seen |= 1u << shapes[i].kind;
    }
    assert_int_equal(seen, (1u << HF_KINDS_COUNT) - 2); /* the table has every kind */

    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        const struct hf_op op = {.kind = (enum hf_kind)wrong[i]};
        check(&op, HF_FIELD_OPERATION, UINT32_MAX);
    }
}

int main(void)
{
    static const struct {
        const char *name;
        void (*test)(void **state);
    } of_each_kind[] = {
        {"texts", texts},
        {"flags", flags},
        {"reason and ttl", reason_and_ttl},
        {"statuses", statuses},
        {"as_of and eta", as_of_and_eta},
        {"number of lines", lines_count},
        {"units", units},
        {"damaged units", damaged},
        {"names of lines", names_of_lines},
        {"figures of a policy", figures_of_a_policy},
        {"order of fields", order_of_fields},
    };
    enum { TESTS = sizeof of_each_kind / sizeof of_each_kind[0] };
    enum { SHAPES = sizeof shapes / sizeof shapes[0] };
    static char names[SHAPES * TESTS][64];
    struct CMUnitTest tests[SHAPES * TESTS + 1];
    size_t count = 0;

    for (size_t i = 0; i < SHAPES; i++) {
        for (size_t j = 0; j < TESTS; j++) {
            (void)snprintf(names[count], sizeof names[0], "%s: %s", hf_kind_name(shapes[i].kind),
                           of_each_kind[j].name);
            tests[count] = (struct CMUnitTest){.name = names[count],
                                               .test_func = of_each_kind[j].test,
                                               .initial_state = (void *)(uintptr_t)&shapes[i]};
            count++;
        }
    }
    tests[count++] = (struct CMUnitTest)cmocka_unit_test(kinds);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
