#include "net/client.h"

#include "engine/assert.h"

/* ------------------------------------------------------------------ submit */

static enum holdfast_outcome refuse(struct holdfast *hf, struct hf_client_fault *fault,
                                    size_t op_index, enum hf_field field, const char *why)
{
    *fault = (struct hf_client_fault){op_index, field};
    hf_client_set_error(hf, "operation %zu cannot be sent: %s", op_index, why);
    return HOLDFAST_INVALID_ARGUMENT;
}

/*
 * Of ttl_us, as_of and eta_us an item has room for the one that its kind reads (PROTOCOL.md 3.2):
 * another one that is given would be lost without a word. The same for what stands in one byte.
 */
static enum hf_field field_without_place(const struct holdfast_op *op)
{
    const bool is_set = op->kind == HOLDFAST_SET;
    const bool is_inbound = op->kind == HOLDFAST_INBOUND_CREATE;

    if (op->ttl_us != 0 && (is_set || is_inbound)) {
        return HF_FIELD_TTL;
    }
    if (op->as_of != 0 && !is_set) {
        return HF_FIELD_AS_OF;
    }
    if (op->eta_us != 0 && !is_inbound) {
        return HF_FIELD_ETA;
    }
    if ((unsigned)op->reason > UINT8_MAX) {
        return HF_FIELD_REASON;
    }
    return (unsigned)op->from_status > UINT8_MAX || (unsigned)op->to_status > UINT8_MAX
               ? HF_FIELD_STATUS
               : HF_FIELD_NONE;
}

/* Can these operations stand in one frame? */
static enum holdfast_outcome check_ops(struct holdfast *hf, const struct holdfast_op *ops,
                                       size_t count, struct hf_client_fault *fault)
{
    if (count == 0 || count > hf->server.operations_max || count > HF_FRAME_COUNT_MAX) {
        hf_client_set_error(hf, "%zu operations in one call: 1 to %u are possible", count,
                            hf->server.operations_max);
        *fault = (struct hf_client_fault){0, HF_FIELD_COUNT};
        return HOLDFAST_INVALID_ARGUMENT;
    }
    for (size_t i = 0; i < count; i++) {
        if (!hf_operation_is_write((unsigned)ops[i].kind)) {
            return refuse(hf, fault, i, HF_FIELD_OPERATION, "its kind is not one of a write");
        }
        if (ops[i].kind != ops[0].kind) {
            return refuse(hf, fault, i, HF_FIELD_OPERATION,
                          "the operations of one call must be of one kind");
        }
        if (ops[i].lines_count > HOLDFAST_LINES_MAX ||
            (ops[i].lines_count > 0 && ops[i].lines == NULL)) {
            return refuse(hf, fault, i, HF_FIELD_LINES, "it has too many lines");
        }
        if ((ops[i].flags & ~(uint32_t)HF_OP_FLAGS_ALL) != 0) {
            return refuse(hf, fault, i, HF_FIELD_FLAGS, "it has a flag that does not exist");
        }
        const enum hf_field field = field_without_place(&ops[i]);
        if (field != HF_FIELD_NONE) {
            return refuse(hf, fault, i, field, "its kind does not read a field that is given");
        }
    }
    return HOLDFAST_OK;
}

/* The operation as the codec wants it; its lines go into hf->op_lines, which is large enough. */
static struct hf_op op_of(struct holdfast *hf, const struct holdfast_op *from)
{
    const struct hf_text none = {0};
    const bool has_handles = (from->flags & HOLDFAST_HANDLES) != 0;

    for (size_t i = 0; i < from->lines_count; i++) {
        const struct holdfast_line *line = &from->lines[i];
        struct hf_op_line *to = &hf->op_lines[i];

        to->sku = has_handles ? none : hf_client_text(line->sku);
        to->location = has_handles ? none : hf_client_text(line->location);
        to->sku_handle = line->sku_handle;
        to->location_handle = line->location_handle;
        to->units = line->units;
        to->damaged = line->damaged;
        to->if_version = line->if_version;
        to->safety_stock = line->safety_stock;
        to->low_stock = line->low_stock;
        to->backorder_limit = line->backorder_limit;
    }
    return (struct hf_op){
        .kind = (enum hf_kind)from->kind,
        .flags = from->flags,
        .reason = (enum hf_reason)from->reason,
        .id = hf_client_text(from->id),
        .old_id = hf_client_text(from->old_id),
        .ref = hf_client_text(from->ref),
        .order = hf_client_text(from->order),
        .by = hf_client_text(from->by),
        .from = hf_client_text(from->from),
        .to = hf_client_text(from->to),
        .from_status = (enum hf_status)from->from_status,
        .to_status = (enum hf_status)from->to_status,
        .ttl_us = from->ttl_us,
        .as_of = from->as_of,
        .eta_us = (uint64_t)from->eta_us,
        .lines = hf->op_lines,
        .lines_count = (uint32_t)from->lines_count,
    };
}

/* ------------------------------------------------------------------ queue */

enum holdfast_outcome hf_client_queue(struct holdfast *hf, const struct hf_client_start *start,
                                      enum hf_err err, const struct hf_client_entry *like)
{
    if (err == HF_OK) {
        const struct hf_frame frame = {.operation = like->operation,
                                       .count = like->count,
                                       .handle_tag = start->has_handles ? hf->handles_tag : 0,
                                       .correlation = hf->correlation_next};
        err = hf_frame_end(&hf->out, start->place, &frame);
    }
    const size_t frame_bytes = hf_buffer_count(&hf->out) - start->bytes_before;
    enum holdfast_outcome outcome = HOLDFAST_OK;

    if (err == HF_INVALID_ARGUMENT) {
        hf_client_set_error(hf, "a text or the number of lines does not fit a frame");
        outcome = HOLDFAST_INVALID_ARGUMENT;
    } else if (err != HF_OK || !hf_client_make_room(hf)) {
        hf_client_set_error(hf, "out of memory");
        outcome = HOLDFAST_BUSY;
    } else if (frame_bytes > hf->server.frame_bytes_max) {
        hf_client_set_error(hf, "a frame of %zu bytes: the server takes %u", frame_bytes,
                            hf->server.frame_bytes_max);
        outcome = HOLDFAST_INVALID_ARGUMENT;
    } else if (hf->entries_count > 0 &&
               hf->in_flight_bytes + frame_bytes > hf->options.in_flight_bytes_max) {
        hf_client_set_error(hf, "more than %zu bytes in flight", hf->options.in_flight_bytes_max);
        outcome = HOLDFAST_BUSY;
    }
    if (outcome != HOLDFAST_OK) {
        hf_buffer_cut(&hf->out, start->bytes_before);
        hf->out.is_failed = false; /* what was queued before is whole, and memory may come back */
        return outcome;
    }
    struct hf_client_entry entry = *like;
    entry.correlation = hf->correlation_next++;
    entry.frame_bytes = frame_bytes;
    hf_client_push(hf, &entry);
    return HOLDFAST_OK;
}

struct hf_client_start hf_client_begin(struct holdfast *hf)
{
    struct hf_client_start start = {.bytes_before = hf_buffer_count(&hf->out)};
    start.place = hf_frame_begin(&hf->out);
    return start;
}

enum holdfast_outcome hf_client_submit(struct holdfast *hf, const struct holdfast_op *ops,
                                       size_t count, holdfast_replies_cb cb, void *arg,
                                       struct hf_client_fault *fault)
{
    if (hf_client_is_feed(hf)) {
        return HOLDFAST_INVALID_ARGUMENT;
    }
    if (!hf_client_ready(hf)) {
        return HOLDFAST_UNKNOWN;
    }
    const enum holdfast_outcome outcome = check_ops(hf, ops, count, fault);
    if (outcome != HOLDFAST_OK) {
        return outcome;
    }
    if (!hf_client_reserve_replies(hf, count)) {
        hf_client_set_error(hf, "out of memory");
        return HOLDFAST_BUSY;
    }
    struct hf_client_start start = hf_client_begin(hf);
    enum hf_err err = HF_OK;
    for (size_t i = 0; i < count && err == HF_OK; i++) {
        if (!hf_client_reserve((void **)&hf->op_lines, &hf->op_lines_max, ops[i].lines_count,
                               sizeof *hf->op_lines)) {
            err = HF_NO_MEMORY;
            break;
        }
        const struct hf_op op = op_of(hf, &ops[i]);
        start.has_handles = start.has_handles || (op.flags & HF_OP_HANDLES) != 0;
        err = hf_request_put_op(&hf->out, &op);
    }
    const struct hf_client_entry like = {
        .count = (uint32_t)count,
        .operation = (unsigned)ops[0].kind,
        .wish = HF_WISH_REPLIES,
        .cb.replies = cb,
        .arg = arg,
    };
    return hf_client_queue(hf, &start, err, &like);
}

enum holdfast_outcome holdfast_submit(struct holdfast *hf, const struct holdfast_op *ops,
                                      size_t count, holdfast_replies_cb cb, void *arg)
{
    struct hf_client_fault fault = {0};
    HF_ASSERT(cb != NULL);
    return hf_client_submit(hf, ops, count, cb, arg, &fault);
}

enum holdfast_outcome holdfast_submit_ats(struct holdfast *hf, const uint32_t *skus, size_t count,
                                          uint32_t location, holdfast_ats_cb cb, void *arg)
{
    HF_ASSERT(cb != NULL);

    if (hf_client_is_feed(hf)) {
        return HOLDFAST_INVALID_ARGUMENT;
    }
    if (!hf_client_ready(hf)) {
        return HOLDFAST_UNKNOWN;
    }
    if (count == 0 || count > HOLDFAST_LINES_MAX) {
        hf_client_set_error(hf, "%zu SKUs in one question: 1 to %d are possible", count,
                            HOLDFAST_LINES_MAX);
        return HOLDFAST_INVALID_ARGUMENT;
    }
    if (!hf_client_reserve((void **)&hf->op_lines, &hf->op_lines_max, count,
                           sizeof *hf->op_lines)) {
        hf_client_set_error(hf, "out of memory");
        return HOLDFAST_BUSY;
    }
    for (size_t i = 0; i < count; i++) {
        hf->op_lines[i] = (struct hf_op_line){.sku_handle = skus[i], .location_handle = location};
    }
    const struct hf_request request = {
        .op = {.flags = HF_OP_HANDLES, .lines = hf->op_lines, .lines_count = (uint32_t)count}};
    struct hf_client_start start = hf_client_begin(hf);
    start.has_handles = true;
    const enum hf_err err = hf_request_put(&hf->out, HF_ASK_ATS, &request);
    const struct hf_client_entry like = {
        .count = 1,
        .operation = HF_ASK_ATS,
        .wish = HF_WISH_ATS,
        .cb.ats = cb,
        .arg = arg,
    };
    return hf_client_queue(hf, &start, err, &like);
}
