#include "net/question.h"

#include "engine/assert.h"
#include "net/dispatch.h"

#define LEDGER_SKIP_BITS 14
_Static_assert(HF_MOVES_MAX <= 1 << LEDGER_SKIP_BITS, "a cursor counts the moves of one record");

/* Which fields does a question read? (PROTOCOL.md 3) What is not said to be read must be empty. */
struct form {
    unsigned operation;
    unsigned flags;
    uint32_t lines_min, lines_max;
    bool has_id, has_ref, has_order;
    bool has_sku;   /* in lines */
    bool has_units; /* in lines */
    bool has_cursor, has_limit;
};

static const struct form forms[] = {
    {HF_ASK_STOCK, .flags = HF_OP_HANDLES, .lines_min = 1, .lines_max = 1, .has_sku = true},
    {HF_ASK_ATS, .flags = HF_OP_HANDLES, .lines_min = 1, .lines_max = HF_LINES_MAX, .has_sku = true,
     .has_id = true},
    {HF_ASK_RESERVATION, .has_id = true},
    {HF_ASK_ORDER, .has_order = true, .has_cursor = true, .has_limit = true},
    {HF_ASK_LEDGER, .flags = HF_OP_HANDLES, .lines_max = 1, .has_sku = true, .has_ref = true,
     .has_order = true, .has_cursor = true, .has_limit = true},
    {HF_ASK_LIST, .flags = HF_OP_HANDLES | HF_REQUEST_LOW, .lines_max = 1, .has_id = true,
     .has_units = true, .has_cursor = true, .has_limit = true},
    {HF_ASK_LOOKUP, .lines_min = 1, .lines_max = HF_LINES_MAX, .has_sku = true},
    {HF_ASK_SHORTAGES, .has_cursor = true, .has_limit = true},
    {HF_ASK_TRANSFER, .has_id = true},
    {HF_ASK_INBOUND, .has_id = true},
    {HF_ASK_TRANSFERS, .flags = HF_OP_HANDLES | HF_REQUEST_OPEN, .lines_max = 1, .has_cursor = true,
     .has_limit = true},
    {HF_ASK_INBOUND_SHIPMENTS, .flags = HF_OP_HANDLES | HF_REQUEST_OPEN | HF_REQUEST_LATE,
     .lines_max = 1, .has_cursor = true, .has_limit = true},
    {HF_ASK_EXPORT, .has_cursor = true},
    {HF_ASK_EXPORT_NEXT, .has_limit = true},
};

static const struct form *form_of(unsigned operation)
{
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        if (forms[i].operation == operation) {
            return &forms[i];
        }
    }
    HF_ASSERT(false); /* dispatch knows which operations are questions */
    return NULL;
}

/* A text that must be a code where it may be given at all. */
static bool is_text_wrong(struct hf_text text, bool is_read)
{
    return text.bytes_count > 0 && (!is_read || !hf_text_is_code(text));
}

static enum hf_field judge_line(const struct form *form, const struct hf_op_line *line,
                                bool has_handles)
{
    if (has_handles && !form->has_sku && line->sku_handle != HF_HANDLE_NONE) {
        return HF_FIELD_SKU;
    }
    if (!has_handles && is_text_wrong(line->sku, form->has_sku)) {
        return HF_FIELD_SKU;
    }
    if (!has_handles && is_text_wrong(line->location, true)) {
        return HF_FIELD_LOCATION;
    }
    return line->units < 0 || (line->units > 0 && !form->has_units) ? HF_FIELD_QUANTITY
                                                                    : HF_FIELD_NONE;
}

/* A reservation, transfer or inbound shipment must be named. */
static bool needs_id(unsigned operation)
{
    return operation == HF_ASK_RESERVATION || operation == HF_ASK_TRANSFER ||
           operation == HF_ASK_INBOUND;
}

static enum hf_field judge_texts(const struct form *form, const struct hf_op *op)
{
    if (is_text_wrong(op->id, form->has_id) ||
        (needs_id(form->operation) && op->id.bytes_count == 0)) {
        return form->operation == HF_ASK_ATS ? HF_FIELD_REGION : HF_FIELD_ID;
    }
    if (op->old_id.bytes_count > 0) {
        return HF_FIELD_OLD_ID;
    }
    if (is_text_wrong(op->ref, form->has_ref)) {
        return HF_FIELD_REF;
    }
    if (is_text_wrong(op->order, form->has_order) ||
        (form->operation == HF_ASK_ORDER && op->order.bytes_count == 0)) {
        return HF_FIELD_ORDER;
    }
    if (op->by.bytes_count > 0) {
        return HF_FIELD_BY;
    }
    if (op->from.bytes_count > 0) {
        return HF_FIELD_FROM;
    }
    return op->to.bytes_count > 0 ? HF_FIELD_TO : HF_FIELD_NONE;
}

enum hf_field hf_question_judge(unsigned operation, const struct hf_request *request,
                                uint32_t *line_index)
{
    const struct form *form = form_of(operation);
    const struct hf_op *op = &request->op;
    const unsigned flags = op->flags | (request->only_low ? HF_REQUEST_LOW : 0) |
                           (request->only_late ? HF_REQUEST_LATE : 0) |
                           (request->only_open ? HF_REQUEST_OPEN : 0);

    *line_index = UINT32_MAX;
    if ((flags & ~form->flags) != 0) {
        return HF_FIELD_FLAGS;
    }
    const enum hf_field text = judge_texts(form, op);
    if (text != HF_FIELD_NONE) {
        return text;
    }
    if (op->reason != HF_REASON_NONE) {
        return HF_FIELD_REASON;
    }
    if (op->from_status != HF_STATUS_NONE || op->to_status != HF_STATUS_NONE) {
        return HF_FIELD_STATUS;
    }
    if (op->lines_count < form->lines_min || op->lines_count > form->lines_max) {
        return HF_FIELD_LINES;
    }
    for (uint32_t i = 0; i < op->lines_count; i++) {
        const enum hf_field field = judge_line(form, &op->lines[i], (flags & HF_OP_HANDLES) != 0);
        if (field != HF_FIELD_NONE) {
            *line_index = i;
            return field;
        }
    }
    if (!form->has_cursor && request->cursor != 0) {
        return HF_FIELD_CURSOR;
    }
    return !form->has_limit && request->limit != 0 ? HF_FIELD_LIMIT : HF_FIELD_NONE;
}

static void set_invalid(struct hf_reply *reply, enum hf_field field, uint32_t line_index)
{
    reply->outcome = HF_INVALID_ARGUMENT;
    reply->field = field;
    reply->line_index = line_index;
}

/* Is there room for one more entry of any kind? */
static bool has_room(const struct hf_question *question)
{
    return hf_buffer_count(question->out) + HF_ENTRY_BYTES_MAX <= question->bytes_end;
}

uint32_t hf_question_page_entries(uint32_t limit)
{
    if (limit == 0) {
        return HF_PAGE_ENTRIES_DEFAULT;
    }
    return limit < HF_PAGE_ENTRIES_MAX ? limit : HF_PAGE_ENTRIES_MAX;
}

/* Entries that fit, of what is asked for, when none is longer than `entry_bytes_max`. */
static uint32_t fitting_entries(const struct hf_question *question,
                                const struct hf_request *request, size_t entry_bytes_max)
{
    const size_t room = question->bytes_end - hf_buffer_count(question->out);
    const uint32_t asked = hf_question_page_entries(request->limit);
    const uint32_t fitting = (uint32_t)(room / entry_bytes_max);
    return asked < fitting ? asked : fitting;
}

static bool has_handles(const struct hf_request *request)
{
    return (request->op.flags & HF_OP_HANDLES) != 0;
}

static uint32_t location_of(const struct hf_question *question, const struct hf_request *request)
{
    const struct hf_op_line *line = &request->op.lines[0];
    return has_handles(request) ? line->location_handle
                                : hf_engine_location(question->engine, line->location);
}

static uint32_t sku_of(const struct hf_question *question, const struct hf_request *request)
{
    const struct hf_op_line *line = &request->op.lines[0];
    return has_handles(request) ? line->sku_handle : hf_engine_sku(question->engine, line->sku);
}

static void answer_stock(const struct hf_question *question, const struct hf_request *request,
                         struct hf_reply *reply)
{
    struct hf_cell_view view;
    reply->outcome =
        hf_engine_stock(question->engine, &request->op.lines[0], has_handles(request), &view);
    if (reply->outcome == HF_OK) {
        hf_cell_put(question->out, &view);
        reply->entries_count = 1;
    }
}

static void answer_ats(const struct hf_question *question, const struct hf_request *request,
                       struct hf_reply *reply)
{
    for (uint32_t i = 0; i < request->op.lines_count; i++) {
        struct hf_ats_entry entry = {0};
        entry.outcome = hf_engine_ats(question->engine, &request->op.lines[i], has_handles(request),
                                      request->op.id, &entry.figures);
        if (entry.outcome != HF_OK) {
            entry.figures = (struct hf_ats){0};
        }
        hf_ats_put(question->out, &entry);
    }
    reply->entries_count = request->op.lines_count;
}

static void answer_reservation(const struct hf_question *question, const struct hf_request *request,
                               struct hf_reply *reply)
{
    struct hf_reservation_view view;
    reply->outcome =
        hf_engine_reservation(question->engine, request->op.id, question->now_us, &view);
    if (reply->outcome != HF_OK) {
        return;
    }
    reply->state = view.state;
    reply->argument = view.expires_at_us;
    reply->entries_count = 1;
    hf_reservation_put(question->out, &view);

    struct hf_reservation_line_view line;
    uint32_t cursor = view.first_line;
    while (hf_engine_reservation_line(question->engine, &cursor, &line)) {
        hf_reservation_line_put(question->out, &line);
        reply->entries_count++;
    }
}

static void answer_order(const struct hf_question *question, const struct hf_request *request,
                         struct hf_reply *reply)
{
    const uint32_t entries_max = hf_question_page_entries(request->limit);
    struct hf_reservation_view view;

    /* The wire's cursor is the LSN that opened the last reservation given; 0 begins. */
    struct hf_order_cursor cursor =
        hf_order_cursor_start(request->cursor == 0 ? UINT64_MAX : request->cursor);
    uint64_t here = request->cursor;
    while (hf_engine_order(question->engine, request->op.order, question->now_us, &cursor, &view)) {
        if (reply->entries_count == entries_max || !has_room(question)) {
            reply->argument = here; /* a page is never empty: `here` is not the start */
            return;
        }
        hf_summary_put(question->out, &view);
        reply->entries_count++;
        here = cursor.before_lsn;
    }
    if (reply->entries_count == 0 && request->cursor == 0) {
        reply->outcome = HF_UNKNOWN_RESERVATION;
    }
}

struct ledger_page {
    const struct hf_question *question;
    uint32_t entries_max;
    uint32_t entries_count;
    uint64_t before_lsn; /* operations from here on were given on earlier pages */
    uint64_t skip_lsn;   /* the operation that the page before left in the middle; 0: none */
    uint32_t skip_count; /* its moves that were given already */
    uint64_t lsn;        /* of the operation under way */
    uint32_t seen_count; /* moves of it seen, given before or now */
    bool is_full;
    uint64_t next_cursor; /* when full */
};

static void add_move(void *arg, const struct hf_move *move)
{
    struct ledger_page *page = arg;

    if (page->is_full || move->lsn >= page->before_lsn) {
        return;
    }
    if (move->lsn != page->lsn) {
        page->lsn = move->lsn;
        page->seen_count = 0;
    }
    if (move->lsn == page->skip_lsn && page->seen_count < page->skip_count) {
        page->seen_count++;
        return;
    }
    if (page->entries_count == page->entries_max || !has_room(page->question)) {
        page->is_full = true;
        page->next_cursor = (move->lsn + 1) << LEDGER_SKIP_BITS | page->seen_count;
        return;
    }
    hf_move_entry_put(page->question->out, move);
    page->entries_count++;
    page->seen_count++;
}

static void answer_ledger(const struct hf_question *question, const struct hf_request *request,
                          struct hf_reply *reply)
{
    const struct hf_op *op = &request->op;
    struct hf_engine *engine = question->engine;
    struct ledger_page page = {.question = question,
                               .entries_max = hf_question_page_entries(request->limit),
                               .before_lsn = UINT64_MAX};
    uint64_t cursor = 0;

    if ((op->lines_count > 0) + (op->ref.bytes_count > 0) + (op->order.bytes_count > 0) != 1) {
        set_invalid(reply, HF_FIELD_LINES, UINT32_MAX);
        return;
    }
    if (request->cursor != 0) {
        page.before_lsn = request->cursor >> LEDGER_SKIP_BITS;
        page.skip_count = (uint32_t)(request->cursor & ((1u << LEDGER_SKIP_BITS) - 1));
        if (page.before_lsn == 0) {
            set_invalid(reply, HF_FIELD_CURSOR, UINT32_MAX);
            return;
        }
        page.skip_lsn = page.skip_count == 0 ? 0 : page.before_lsn - 1;
    }
    /* One move more than a page tells that there is more. */
    const uint32_t moves_max = page.entries_max + page.skip_count + 1;
    if (op->ref.bytes_count > 0) {
        cursor = hf_engine_ledger_ref(engine, op->ref, add_move, &page);
    } else if (op->order.bytes_count > 0) {
        cursor =
            hf_engine_ledger_order(engine, op->order, page.before_lsn, moves_max, add_move, &page);
    } else {
        const uint32_t sku = sku_of(question, request);
        const uint32_t location = location_of(question, request);
        if (sku == HF_HANDLE_NONE || location == HF_HANDLE_NONE) {
            reply->outcome = sku == HF_HANDLE_NONE ? HF_UNKNOWN_SKU : HF_UNKNOWN_LOCATION;
            return;
        }
        cursor = hf_engine_ledger_cell(engine, sku, location, page.before_lsn, moves_max, add_move,
                                       &page);
    }
    reply->entries_count = page.entries_count;
    reply->argument = page.is_full ? page.next_cursor : cursor << LEDGER_SKIP_BITS;
}

struct page {
    const struct hf_question *question;
    uint32_t entries_count;
};

static void add_cell(void *arg, const struct hf_cell_view *view)
{
    struct page *page = arg;
    hf_cell_put(page->question->out, view);
    page->entries_count++;
}

/* The one location that a line may name. False: it is unknown, which the reply says then. */
static bool read_location(const struct hf_question *question, const struct hf_request *request,
                          uint32_t *location, struct hf_reply *reply)
{
    *location = HF_HANDLE_NONE;
    if (request->op.lines_count == 0 ||
        (!has_handles(request) && request->op.lines[0].location.bytes_count == 0)) {
        return true;
    }
    *location = location_of(question, request);
    if (*location == HF_HANDLE_NONE && !has_handles(request)) {
        reply->outcome = HF_UNKNOWN_LOCATION;
        return false;
    }
    return true;
}

static void answer_list(const struct hf_question *question, const struct hf_request *request,
                        struct hf_reply *reply)
{
    struct hf_list_filter filter = {.prefix = request->op.id, .only_low = request->only_low};
    struct page page = {.question = question};
    uint64_t cursor = request->cursor;

    if (!read_location(question, request, &filter.location, reply)) {
        return;
    }
    if (request->op.lines_count > 0 && request->op.lines[0].units > 0) {
        const uint64_t idle_us = (uint64_t)request->op.lines[0].units;
        filter.idle_since_us = question->now_us > idle_us ? question->now_us - idle_us : 1;
    }
    const bool has_more =
        hf_engine_list(question->engine, &filter, &cursor,
                       fitting_entries(question, request, HF_ENTRY_BYTES_MAX), add_cell, &page);
    reply->entries_count = page.entries_count;
    reply->argument = has_more ? cursor : 0;
}

static void add_shortage(void *arg, const struct hf_cell_view *view, const struct hf_hit *hits,
                         uint32_t hits_count)
{
    struct page *page = arg;
    hf_shortage_put(page->question->out, view, hits, hits_count);
    page->entries_count++;
}

static void answer_shortages(const struct hf_question *question, const struct hf_request *request,
                             struct hf_reply *reply)
{
    struct page page = {.question = question};
    uint64_t cursor = request->cursor;
    const uint32_t fitting = fitting_entries(question, request, HF_SHORTAGE_BYTES_MAX);

    if (fitting == 0) {
        reply->outcome = HF_LIMIT_EXCEEDED; /* a cursor that has not moved would be no answer */
        return;
    }
    const bool has_more =
        hf_engine_shortages(question->engine, &cursor, fitting, add_shortage, &page);
    reply->entries_count = page.entries_count;
    reply->argument = has_more ? cursor : 0;
}

static void answer_shipment(const struct hf_question *question, const struct hf_request *request,
                            struct hf_reply *reply)
{
    const enum hf_shipment_kind kind =
        question->operation == HF_ASK_TRANSFER ? HF_TRANSFER : HF_INBOUND;
    struct hf_shipment_view view;

    reply->outcome = hf_engine_shipment(question->engine, kind, request->op.id, &view);
    if (reply->outcome != HF_OK) {
        return;
    }
    reply->state = view.state;
    reply->entries_count = 1;
    hf_shipment_put(question->out, &view);

    struct hf_shipment_line_view line;
    uint32_t cursor = view.first_line;
    while (hf_engine_shipment_line(question->engine, &cursor, &line)) {
        hf_shipment_line_put(question->out, &line);
        reply->entries_count++;
    }
}

static void add_shipment(void *arg, const struct hf_shipment_view *view)
{
    struct page *page = arg;
    hf_shipment_put(page->question->out, view);
    page->entries_count++;
}

static void answer_shipments(const struct hf_question *question, const struct hf_request *request,
                             struct hf_reply *reply)
{
    struct hf_shipment_filter filter = {
        .kind = question->operation == HF_ASK_TRANSFERS ? HF_TRANSFER : HF_INBOUND,
        .only_open = request->only_open,
        .late_us = request->only_late ? question->now_us : 0,
    };
    struct page page = {.question = question};
    uint64_t cursor = request->cursor;

    if (!read_location(question, request, &filter.location, reply)) {
        return;
    }
    const bool has_more = hf_engine_shipments(
        question->engine, &filter, &cursor, fitting_entries(question, request, HF_ENTRY_BYTES_MAX),
        add_shipment, &page);
    reply->entries_count = page.entries_count;
    reply->argument = has_more ? cursor : 0;
}

static void answer_lookup(const struct hf_question *question, const struct hf_request *request,
                          struct hf_reply *reply)
{
    for (uint32_t i = 0; i < request->op.lines_count; i++) {
        const struct hf_op_line *line = &request->op.lines[i];
        struct hf_handle_pair pair = {HF_HANDLE_NONE, HF_HANDLE_NONE};
        if (line->sku.bytes_count > 0) {
            pair.sku = hf_engine_sku(question->engine, line->sku);
        }
        if (line->location.bytes_count > 0) {
            pair.location = hf_engine_location(question->engine, line->location);
        }
        hf_handle_pair_put(question->out, &pair);
    }
    reply->entries_count = request->op.lines_count;
}

void hf_question_answer(const struct hf_question *question, const struct hf_request *request)
{
    static void (*const answers[])(const struct hf_question *, const struct hf_request *,
                                   struct hf_reply *) = {
        [HF_ASK_STOCK - HF_ASK_STOCK] = answer_stock,
        [HF_ASK_ATS - HF_ASK_STOCK] = answer_ats,
        [HF_ASK_RESERVATION - HF_ASK_STOCK] = answer_reservation,
        [HF_ASK_ORDER - HF_ASK_STOCK] = answer_order,
        [HF_ASK_LEDGER - HF_ASK_STOCK] = answer_ledger,
        [HF_ASK_LIST - HF_ASK_STOCK] = answer_list,
        [HF_ASK_LOOKUP - HF_ASK_STOCK] = answer_lookup,
        [HF_ASK_SHORTAGES - HF_ASK_STOCK] = answer_shortages,
        [HF_ASK_TRANSFER - HF_ASK_STOCK] = answer_shipment,
        [HF_ASK_INBOUND - HF_ASK_STOCK] = answer_shipment,
        [HF_ASK_TRANSFERS - HF_ASK_STOCK] = answer_shipments,
        [HF_ASK_INBOUND_SHIPMENTS - HF_ASK_STOCK] = answer_shipments,
    };
    HF_ASSERT(hf_operation_is_question(question->operation));

    struct hf_reply reply = {.lsn = hf_engine_lsn(question->engine), .line_index = UINT32_MAX};
    uint32_t line_index;
    const enum hf_field field = hf_question_judge(question->operation, request, &line_index);
    const size_t place = hf_reply_begin(question->out);

    if (field != HF_FIELD_NONE) {
        set_invalid(&reply, field, line_index);
    } else if (!has_room(question)) {
        reply.outcome = HF_LIMIT_EXCEEDED;
    } else {
        answers[question->operation - HF_ASK_STOCK](question, request, &reply);
        if (hf_buffer_count(question->out) > question->bytes_end) {
            reply = (struct hf_reply){
                .outcome = HF_LIMIT_EXCEEDED, .lsn = reply.lsn, .line_index = UINT32_MAX};
        }
    }
    if (reply.outcome != HF_OK && !question->out->is_failed) {
        hf_buffer_cut(question->out, place + HF_ITEM_HEADER_BYTES);
        reply.entries_count = 0;
    }
    hf_reply_end(question->out, place, &reply);
}
