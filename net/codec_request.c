/*
 * codec_request.c - request items and the body of a hello (PROTOCOL.md 3.2, 3.4).
 */
#include "net/codec.h"

#include "engine/assert.h"
#include "net/wire.h"

/* PROTOCOL.md 3.2: the item's header. */
enum {
    AT_ITEM_BYTES = 0,
    AT_FLAGS = 4,
    AT_LINES_COUNT = 6,
    AT_TEXT_BYTES = 8, /* five lengths: id, old_id, ref, order, by */
    AT_REASON = 13,
    AT_FROM_STATUS = 14,
    AT_TO_STATUS = 15,
    AT_ARGUMENT = 16,
    AT_LIMIT = 24,
    AT_PLACE_BYTES = 28, /* two lengths more: from, to */
    AT_ZERO_30 = 30,
    FRONT_TEXTS_COUNT = 5,
    TEXTS_COUNT = 7
};
_Static_assert(AT_ZERO_30 + 2 == HF_ITEM_HEADER_BYTES, "texts follow the header");
_Static_assert(AT_TEXT_BYTES + FRONT_TEXTS_COUNT == AT_REASON, "five lengths of one byte");
_Static_assert(AT_PLACE_BYTES + TEXTS_COUNT - FRONT_TEXTS_COUNT == AT_ZERO_30, "and two");
_Static_assert(HF_ITEM_HEADER_BYTES % 8 == 0, "items stay multiples of 8");

#define QUESTION_FLAGS (HF_REQUEST_LOW | HF_REQUEST_LATE | HF_REQUEST_OPEN)
_Static_assert((HF_OP_FLAGS_ALL & QUESTION_FLAGS) == 0, "a flag means one thing");
_Static_assert((HF_OP_FLAGS_ALL | QUESTION_FLAGS) == UINT16_MAX, "there is no unknown flag");

/* What the lines of an item look like. */
struct line_form {
    bool has_handles;
    bool has_damaged;
    bool has_versions;
    bool has_policy;
    uint32_t fixed_bytes; /* of a line, without its texts */
};

static struct line_form line_form_of(unsigned operation, unsigned flags)
{
    struct line_form form = {
        .has_handles = (flags & HF_OP_HANDLES) != 0,
        .has_damaged = (flags & HF_OP_DAMAGED) != 0,
        .has_versions = (flags & HF_OP_VERSIONS) != 0,
        .has_policy = operation == HF_KIND_SET_POLICY,
        .fixed_bytes = HF_LINE_BYTES_MIN,
    };
    form.fixed_bytes += form.has_damaged ? 8 : 0;
    form.fixed_bytes += form.has_versions ? 8 : 0;
    form.fixed_bytes += form.has_policy ? 24 : 0;
    return form;
}

/* All texts of an item, in the order of their bytes. */
static void texts_of(const struct hf_op *op, struct hf_text texts[TEXTS_COUNT])
{
    const struct hf_text all[TEXTS_COUNT] = {op->id, op->old_id, op->ref, op->order,
                                             op->by, op->from,   op->to};
    memcpy(texts, all, sizeof all);
}

/* Where the length of a text stands. */
static size_t length_at(uint32_t text)
{
    return text < FRONT_TEXTS_COUNT ? (size_t)AT_TEXT_BYTES + text
                                    : (size_t)AT_PLACE_BYTES + text - FRONT_TEXTS_COUNT;
}

/* ------------------------------------------------------------------ writing */

static bool is_text_short(struct hf_text text)
{
    return text.bytes_count <= HF_TEXT_BYTES_MAX;
}

/* Copy the texts one after the other and zeros up to a multiple of 8. */
static unsigned char *put_texts(unsigned char *p, const struct hf_text *texts, uint32_t count)
{
    size_t bytes_count = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (texts[i].bytes_count > 0) {
            memcpy(p + bytes_count, texts[i].bytes, texts[i].bytes_count);
            bytes_count += texts[i].bytes_count;
        }
    }
    const size_t padded = hf_round_up_8(bytes_count);
    memset(p + bytes_count, 0, padded - bytes_count);
    return p + padded;
}

/* Length of the item; 0 when a text is too long or there are too many lines. */
static size_t request_bytes(const struct hf_op *op, const struct line_form *form)
{
    struct hf_text texts[TEXTS_COUNT];
    size_t texts_bytes = 0;

    texts_of(op, texts);
    for (uint32_t i = 0; i < TEXTS_COUNT; i++) {
        if (!is_text_short(texts[i])) {
            return 0;
        }
        texts_bytes += texts[i].bytes_count;
    }
    if (op->lines_count > HF_LINES_MAX) {
        return 0;
    }
    size_t bytes_count = HF_ITEM_HEADER_BYTES + hf_round_up_8(texts_bytes) +
                         (size_t)op->lines_count * form->fixed_bytes;
    for (uint32_t i = 0; i < op->lines_count && !form->has_handles; i++) {
        const struct hf_op_line *line = &op->lines[i];
        if (!is_text_short(line->sku) || !is_text_short(line->location)) {
            return 0;
        }
        bytes_count += hf_round_up_8(line->sku.bytes_count + line->location.bytes_count);
    }
    return bytes_count;
}

static unsigned char *put_line(unsigned char *p, const struct hf_op_line *line,
                               const struct line_form *form)
{
    if (form->has_handles) {
        hf_put_u32(p, line->sku_handle);
        hf_put_u32(p + 4, line->location_handle);
    } else {
        memset(p, 0, 8);
        p[0] = (unsigned char)line->sku.bytes_count;
        p[1] = (unsigned char)line->location.bytes_count;
    }
    hf_put_i64(p + 8, line->units);
    p += HF_LINE_BYTES_MIN;
    if (form->has_damaged) {
        hf_put_i64(p, line->damaged);
        p += 8;
    }
    if (form->has_versions) {
        hf_put_u64(p, line->if_version);
        p += 8;
    }
    if (form->has_policy) {
        hf_put_i64(p, line->safety_stock);
        hf_put_i64(p + 8, line->low_stock);
        hf_put_i64(p + 16, line->backorder_limit);
        p += 24;
    }
    if (!form->has_handles) {
        p = put_texts(p, (const struct hf_text[]){line->sku, line->location}, 2);
    }
    return p;
}

/* The one number that is said in many ways (PROTOCOL.md 3.2). */
static uint64_t argument_of(unsigned operation, const struct hf_request *request)
{
    switch (operation) {
    case HF_KIND_SET:
        return request->op.as_of;
    case HF_KIND_INBOUND_CREATE:
        return request->op.eta_us;
    default:
        return hf_operation_is_write(operation) ? request->op.ttl_us : request->cursor;
    }
}

static unsigned flags_of(const struct hf_request *request)
{
    HF_ASSERT((request->op.flags & ~(unsigned)HF_OP_FLAGS_ALL) == 0);
    return request->op.flags | (request->only_low ? HF_REQUEST_LOW : 0) |
           (request->only_late ? HF_REQUEST_LATE : 0) | (request->only_open ? HF_REQUEST_OPEN : 0);
}

enum hf_err hf_request_put(struct hf_buffer *out, unsigned operation,
                           const struct hf_request *request)
{
    const struct hf_op *op = &request->op;
    const unsigned flags = flags_of(request);
    const struct line_form form = line_form_of(operation, flags);
    const size_t item_bytes = request_bytes(op, &form);

    HF_ASSERT((unsigned)op->reason <= UINT8_MAX);
    HF_ASSERT((unsigned)op->from_status <= UINT8_MAX);
    HF_ASSERT((unsigned)op->to_status <= UINT8_MAX);
    if (item_bytes == 0) {
        return HF_INVALID_ARGUMENT;
    }
    unsigned char *item = hf_buffer_add(out, item_bytes);
    if (item == NULL) {
        return HF_NO_MEMORY;
    }
    struct hf_text texts[TEXTS_COUNT];
    texts_of(op, texts);
    memset(item, 0, HF_ITEM_HEADER_BYTES);
    hf_put_u32(item + AT_ITEM_BYTES, (uint32_t)item_bytes);
    hf_put_u16(item + AT_FLAGS, (uint16_t)flags);
    hf_put_u16(item + AT_LINES_COUNT, (uint16_t)op->lines_count);
    for (uint32_t i = 0; i < TEXTS_COUNT; i++) {
        item[length_at(i)] = (unsigned char)texts[i].bytes_count;
    }
    item[AT_REASON] = (unsigned char)op->reason;
    item[AT_FROM_STATUS] = (unsigned char)op->from_status;
    item[AT_TO_STATUS] = (unsigned char)op->to_status;
    hf_put_u64(item + AT_ARGUMENT, argument_of(operation, request));
    hf_put_u32(item + AT_LIMIT, request->limit);

    unsigned char *p = put_texts(item + HF_ITEM_HEADER_BYTES, texts, TEXTS_COUNT);
    for (uint32_t i = 0; i < op->lines_count; i++) {
        p = put_line(p, &op->lines[i], &form);
    }
    HF_ASSERT(p == item + item_bytes);
    return HF_OK;
}

enum hf_err hf_request_put_op(struct hf_buffer *out, const struct hf_op *op)
{
    const struct hf_request request = {.op = *op};
    return hf_request_put(out, (unsigned)op->kind, &request);
}

/* ------------------------------------------------------------------ reading */

/* Length of the item at the front of `body`; 0 when it is impossible. */
static size_t item_bytes_at(const struct hf_items *body)
{
    const size_t left = (size_t)(body->end - body->at);
    if (left < HF_ITEM_HEADER_BYTES) {
        return 0;
    }
    const size_t item_bytes = hf_get_u32(body->at + AT_ITEM_BYTES);
    if (item_bytes < HF_ITEM_HEADER_BYTES || item_bytes % 8 != 0 || item_bytes > left) {
        return 0;
    }
    return item_bytes;
}

uint32_t hf_request_scan(struct hf_items body, uint32_t count, bool *has_rest)
{
    *has_rest = false;
    for (uint32_t i = 0; i < count; i++) {
        const size_t item_bytes = item_bytes_at(&body);
        if (item_bytes == 0) {
            return i;
        }
        body.at += item_bytes;
    }
    *has_rest = body.at != body.end;
    return count;
}

static bool are_zeros(const unsigned char *p, size_t bytes_count)
{
    unsigned char any = 0;
    for (size_t i = 0; i < bytes_count; i++) {
        any |= p[i];
    }
    return any == 0;
}

/*
 * Take `count` texts, whose lengths stand at `lengths`, from the front of `left`, and the zeros
 * after them. False when they are not there.
 */
static bool take_texts(struct hf_items *left, const unsigned char *lengths, uint32_t count,
                       struct hf_text *texts)
{
    size_t bytes_count = 0;
    for (uint32_t i = 0; i < count; i++) {
        bytes_count += lengths[i];
    }
    const size_t padded = hf_round_up_8(bytes_count);
    if (padded > (size_t)(left->end - left->at)) {
        return false;
    }
    const unsigned char *p = left->at;
    for (uint32_t i = 0; i < count; i++) {
        texts[i] = (struct hf_text){(const char *)p, lengths[i]};
        p += lengths[i];
    }
    left->at += padded;
    return are_zeros(p, padded - bytes_count);
}

/* Take one line. False when it is not there whole, or what must be zero is not. */
static bool take_line(struct hf_items *left, const struct line_form *form, struct hf_op_line *line)
{
    const unsigned char *p = left->at;
    if ((size_t)(left->end - p) < form->fixed_bytes) {
        return false;
    }
    left->at += form->fixed_bytes;
    *line = (struct hf_op_line){.sku_handle = HF_HANDLE_NONE,
                                .location_handle = HF_HANDLE_NONE,
                                .units = hf_get_i64(p + 8),
                                .if_version = HF_VERSION_ANY};
    const unsigned char *extra = p + HF_LINE_BYTES_MIN;
    if (form->has_damaged) {
        line->damaged = hf_get_i64(extra);
        extra += 8;
    }
    if (form->has_versions) {
        line->if_version = hf_get_u64(extra);
        extra += 8;
    }
    if (form->has_policy) {
        line->safety_stock = hf_get_i64(extra);
        line->low_stock = hf_get_i64(extra + 8);
        line->backorder_limit = hf_get_i64(extra + 16);
    }
    if (form->has_handles) {
        line->sku_handle = hf_get_u32(p);
        line->location_handle = hf_get_u32(p + 4);
        return true;
    }
    struct hf_text texts[2];
    if (!are_zeros(p + 2, 6) || !take_texts(left, p, 2, texts)) {
        return false;
    }
    line->sku = texts[0];
    line->location = texts[1];
    return true;
}

static void read_argument(uint64_t argument, unsigned operation, struct hf_request *request)
{
    switch (operation) {
    case HF_KIND_SET:
        request->op.as_of = argument;
        break;
    case HF_KIND_INBOUND_CREATE:
        request->op.eta_us = argument;
        break;
    default:
        if (hf_operation_is_write(operation)) {
            request->op.ttl_us = argument;
        } else {
            request->cursor = argument;
        }
        break;
    }
}

/* Read the fixed fields of an item. Which one is malformed? */
static enum hf_field read_header(const unsigned char *item, unsigned operation,
                                 struct hf_request *request)
{
    const unsigned flags = hf_get_u16(item + AT_FLAGS);
    struct hf_op *op = &request->op;

    *request = (struct hf_request){
        .limit = hf_get_u32(item + AT_LIMIT),
        .only_low = (flags & HF_REQUEST_LOW) != 0,
        .only_late = (flags & HF_REQUEST_LATE) != 0,
        .only_open = (flags & HF_REQUEST_OPEN) != 0,
    };
    op->flags = flags & HF_OP_FLAGS_ALL;
    op->reason = (enum hf_reason)item[AT_REASON];
    op->from_status = (enum hf_status)item[AT_FROM_STATUS];
    op->to_status = (enum hf_status)item[AT_TO_STATUS];
    op->lines_count = hf_get_u16(item + AT_LINES_COUNT);
    if (hf_operation_is_write(operation)) {
        op->kind = (enum hf_kind)operation;
    }
    read_argument(hf_get_u64(item + AT_ARGUMENT), operation, request);
    if (!are_zeros(item + AT_ZERO_30, 2)) {
        return HF_FIELD_LAYOUT;
    }
    if (op->lines_count > HF_LINES_MAX) {
        return HF_FIELD_LINES;
    }
    return HF_FIELD_NONE;
}

enum hf_err hf_request_next(struct hf_items *body, unsigned operation, struct hf_op_line *lines,
                            uint32_t lines_max, struct hf_request *request, enum hf_field *field,
                            uint32_t *line_index)
{
    const unsigned char *item = body->at;
    const size_t item_bytes = item_bytes_at(body);
    HF_ASSERT(item_bytes != 0); /* hf_request_scan has looked */
    struct hf_items left = {item + HF_ITEM_HEADER_BYTES, item + item_bytes};
    struct hf_op *op = &request->op;

    body->at += item_bytes;
    *line_index = UINT32_MAX;
    *field = read_header(item, operation, request);
    if (*field != HF_FIELD_NONE) {
        return HF_INVALID_ARGUMENT;
    }
    *field = HF_FIELD_LAYOUT;
    struct hf_text texts[TEXTS_COUNT];
    unsigned char lengths[TEXTS_COUNT];
    for (uint32_t i = 0; i < TEXTS_COUNT; i++) {
        lengths[i] = item[length_at(i)];
    }
    if (!take_texts(&left, lengths, TEXTS_COUNT, texts)) {
        return HF_INVALID_ARGUMENT;
    }
    op->id = texts[0];
    op->old_id = texts[1];
    op->ref = texts[2];
    op->order = texts[3];
    op->by = texts[4];
    op->from = texts[5];
    op->to = texts[6];

    const struct line_form form = line_form_of(operation, op->flags);
    for (uint32_t i = 0; i < op->lines_count; i++) {
        /* More lines than the caller has room for cannot be there whole: see codec.h. */
        if (i >= lines_max || !take_line(&left, &form, &lines[i])) {
            *line_index = i;
            return HF_INVALID_ARGUMENT;
        }
    }
    if (left.at != left.end) {
        return HF_INVALID_ARGUMENT;
    }
    op->lines = lines;
    *field = HF_FIELD_NONE;
    return HF_OK;
}

/* ------------------------------------------------------------------ hello (3.4) */

/* One text of at most `bytes_max` bytes behind a head of its length. */
static void text_put(struct hf_buffer *out, struct hf_text text, uint32_t bytes_max)
{
    const uint32_t text_bytes = text.bytes_count <= bytes_max ? text.bytes_count : bytes_max;
    unsigned char *p = hf_buffer_add(out, 8 + hf_round_up_8(text_bytes));
    if (p == NULL) {
        return;
    }
    memset(p, 0, 8 + hf_round_up_8(text_bytes));
    p[4] = (unsigned char)text_bytes;
    if (text_bytes > 0) {
        memcpy(p + 8, text.bytes, text_bytes);
    }
}

static enum hf_err text_read(struct hf_items body, struct hf_text *text, uint32_t bytes_max)
{
    *text = (struct hf_text){0};
    if (body.end - body.at < 8 || !are_zeros(body.at, 4) || !are_zeros(body.at + 5, 3)) {
        return HF_INVALID_ARGUMENT;
    }
    const unsigned char *text_bytes = body.at + 4;
    if (*text_bytes > bytes_max) {
        return HF_INVALID_ARGUMENT;
    }
    body.at += 8;
    if (!take_texts(&body, text_bytes, 1, text) || body.at != body.end) {
        return HF_INVALID_ARGUMENT;
    }
    return HF_OK;
}

void hf_hello_put(struct hf_buffer *out, struct hf_text name)
{
    text_put(out, name, HF_CODE_BYTES_MAX);
}

enum hf_err hf_hello_read(struct hf_items body, struct hf_text *name)
{
    return text_read(body, name, HF_CODE_BYTES_MAX);
}

/* ------------------------------------------------------------------ backup (3.19) */

void hf_backup_put(struct hf_buffer *out, struct hf_text path)
{
    text_put(out, path, HF_TEXT_BYTES_MAX);
}

enum hf_err hf_backup_read(struct hf_items body, struct hf_text *path)
{
    return text_read(body, path, HF_TEXT_BYTES_MAX);
}
