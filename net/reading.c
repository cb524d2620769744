#include "net/reading.h"

#include "engine/assert.h"
#include "net/question.h"

void hf_reading_end(struct hf_reading *reading, struct hf_engine *engine, const void *owner)
{
    HF_ASSERT(owner != NULL);

    if (reading->owner == owner) {
        hf_engine_thaw(engine);
        *reading = (struct hf_reading){0};
    }
}

/* Which field of the request is wrong? */
static enum hf_field judge(unsigned operation, const struct hf_request *request)
{
    uint32_t line_index; /* neither has lines */
    const enum hf_field field = hf_question_judge(operation, request, &line_index);

    if (field == HF_FIELD_NONE && operation == HF_ASK_EXPORT &&
        request->cursor > HF_FROZEN_INBOUND) {
        return HF_FIELD_CURSOR;
    }
    return field;
}

void hf_reading_begin(struct hf_reading *reading, const struct hf_reading_call *call,
                      const struct hf_request *request)
{
    struct hf_reply reply = {.lsn = hf_engine_lsn(call->engine), .line_index = UINT32_MAX};

    reply.field = judge(HF_ASK_EXPORT, request);
    if (reply.field != HF_FIELD_NONE) {
        reply.outcome = HF_INVALID_ARGUMENT;
        hf_reply_put_plain(call->out, &reply);
        return;
    }
    hf_reading_end(reading, call->engine, call->owner);
    if (reading->owner != NULL && call->now_us - reading->asked_us >= HF_READING_REST_US) {
        hf_reading_end(reading, call->engine, reading->owner);
    }
    if (request->cursor != 0) {
        if (reading->owner != NULL || !hf_engine_freeze(call->engine, call->export_bytes_max)) {
            reply.outcome = HF_BUSY;
        } else {
            hf_engine_frozen_only(call->engine, (enum hf_frozen_section)request->cursor);
            reading->owner = call->owner;
            reading->asked_us = call->now_us;
            reading->section = (enum hf_frozen_section)request->cursor;
            reading->cursor = (struct hf_frozen_cursor){0};
            reply.lsn = hf_engine_frozen_lsn(call->engine);
            reply.argument = call->epoch;
        }
    }
    hf_reply_put_plain(call->out, &reply);
}

struct rows {
    struct hf_buffer *out;
    uint32_t count;
};

static void add_row(void *arg, const struct hf_frozen_row *row)
{
    struct rows *rows = arg;
    hf_row_put(rows->out, row);
    rows->count++;
}

void hf_reading_next(struct hf_reading *reading, const struct hf_reading_call *call,
                     const struct hf_request *request)
{
    struct hf_reply reply = {.lsn = hf_engine_lsn(call->engine), .line_index = UINT32_MAX};
    struct rows rows = {.out = call->out};
    const size_t place = hf_reply_begin(call->out);
    const size_t room = call->bytes_end - hf_buffer_count(call->out);
    const uint32_t fitting = (uint32_t)(room / HF_ENTRY_BYTES_MAX);
    const uint32_t asked = hf_question_page_entries(request->limit);

    HF_ASSERT(fitting > 0); /* the item is the frame's only one */
    reply.field = judge(HF_ASK_EXPORT_NEXT, request);
    if (reply.field != HF_FIELD_NONE) {
        reply.outcome = HF_INVALID_ARGUMENT;
    } else if (reading->owner != call->owner) {
        reply.outcome = HF_WRONG_STATE;
    } else {
        bool is_end = false;
        reading->asked_us = call->now_us;
        reply.lsn = hf_engine_frozen_lsn(call->engine);
        reply.outcome =
            hf_engine_frozen_rows(call->engine, reading->section, &reading->cursor,
                                  asked < fitting ? asked : fitting, add_row, &rows, &is_end);
        reply.argument = reply.outcome == HF_OK && !is_end;
        if (reply.argument == 0) {
            hf_reading_end(reading, call->engine, call->owner);
        }
    }
    if (reply.outcome != HF_OK && !call->out->is_failed) {
        hf_buffer_cut(call->out, place + HF_ITEM_HEADER_BYTES);
        rows.count = 0;
    }
    reply.entries_count = rows.count;
    hf_reply_end(call->out, place, &reply);
}
