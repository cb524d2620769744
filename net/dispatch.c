#include "net/dispatch.h"

#include <stdlib.h>
#include <xxhash.h>

#include "engine/assert.h"
#include "engine/ledger.h"
#include "engine/version.h"
#include "net/wire.h"
#include "net/codec.h"
#include "net/question.h"

/* One frame under way. */
struct call {
    struct hf_dispatch *dispatch;
    const struct hf_frame *frame;
    struct hf_buffer *out;
    size_t place; /* of the reply frame in `out` */
    struct hf_items body;
    uint32_t whole_count; /* items that lie whole in the body; the others are not executed */
    uint64_t now_us;
    enum hf_err writable;
    const void *owner; /* who asks, for exports: the connection's job */
};

/* ------------------------------------------------------------------ life cycle */

/*
 * Handles are valid for one (directory id, epoch). The tag is a hash of both, never 0: a client
 * that was moved to another server is found out by it.
 */
static uint32_t handle_tag_of(const struct hf_log *log)
{
    unsigned char bytes[20];
    memcpy(bytes, log->directory_id, 16);
    hf_put_u32(bytes + 16, log->epoch);
    const uint32_t tag = (uint32_t)XXH3_64bits(bytes, sizeof bytes);
    return tag == 0 ? 1 : tag;
}

enum hf_err hf_dispatch_init(struct hf_dispatch *dispatch, const struct hf_dispatch_config *config,
                             struct hf_engine *engine, const struct hf_log *log,
                             const struct hf_clock *clock)
{
    HF_ASSERT(config->frame_bytes_max >= HF_FRAME_BYTES_MIN);
    HF_ASSERT(config->frame_bytes_max <= HF_FRAME_BYTES_LIMIT);
    HF_ASSERT(config->operations_max >= 1);
    HF_ASSERT(config->operations_max <= HF_FRAME_COUNT_MAX);
    HF_ASSERT(config->operations_max <= hf_operations_max_of(config->frame_bytes_max));

    *dispatch = (struct hf_dispatch){
        .engine = engine,
        .log = log,
        .clock = clock,
        .frame_bytes_max = config->frame_bytes_max,
        .operations_max = config->operations_max,
        .export_bytes_max =
            config->export_bytes_max == 0 ? HF_EXPORT_BYTES_DEFAULT : config->export_bytes_max,
        .handle_tag = handle_tag_of(log),
        .lines_max = config->frame_bytes_max / HF_LINE_BYTES_MIN,
    };
    dispatch->lines = malloc(dispatch->lines_max * sizeof *dispatch->lines);
    dispatch->group = malloc(HF_LINKED_MAX * sizeof *dispatch->group);
    dispatch->group_results = malloc(HF_LINKED_MAX * sizeof *dispatch->group_results);
    if (dispatch->lines == NULL || dispatch->group == NULL || dispatch->group_results == NULL) {
        hf_dispatch_release(dispatch); /* accepts a half-built dispatch */
        return HF_NO_MEMORY;
    }
    return HF_OK;
}

void hf_dispatch_release(struct hf_dispatch *dispatch)
{
    HF_ASSERT(dispatch->snapshot_job == NULL);
    HF_ASSERT(dispatch->reading.owner == NULL);

    free(dispatch->group_results);
    free(dispatch->group);
    free(dispatch->lines);
    *dispatch = (struct hf_dispatch){0};
}

/* ------------------------------------------------------------------ writes */

static void put_refusal(struct call *call, enum hf_err outcome, enum hf_field field,
                        uint32_t line_index)
{
    const struct hf_reply reply = {.outcome = outcome,
                                   .lsn = hf_engine_lsn(call->dispatch->engine),
                                   .field = field,
                                   .line_index = line_index};
    hf_reply_put_plain(call->out, &reply);
}

/*
 * The result of a write. A refusal may list more lines than its request had (a whole fulfil lists
 * the reservation's); where the reply would outgrow its bound (I4), the lines are left out.
 */
static void put_result(struct call *call, struct hf_result *result)
{
    if (result->outcome == HF_BUSY && call->writable == HF_OK) {
        /* The engine knows that there is no place in the log; whether that passes, the log does. */
        call->writable = call->dispatch->log->ops->writable(call->dispatch->log->ctx);
    }
    if (result->outcome == HF_BUSY && call->writable != HF_OK) {
        result->outcome = call->writable;
    }
    const size_t bound = (size_t)HF_REPLY_FACTOR * call->dispatch->frame_bytes_max -
                         (size_t)call->frame->count * HF_ITEM_HEADER_BYTES;
    const size_t used = hf_buffer_count(call->out) - call->place;

    if (used + HF_FRAME_HEADER_BYTES + (size_t)result->lines_count * HF_RESULT_LINE_BYTES > bound) {
        result->lines_count = 0;
    }
    hf_reply_put_result(call->out, result);
}

/* Fields of the item that no write reads. */
static enum hf_field judge_write(const struct hf_request *request)
{
    if (request->only_low || request->only_late || request->only_open) {
        return HF_FIELD_FLAGS;
    }
    return request->limit != 0 ? HF_FIELD_LIMIT : HF_FIELD_NONE;
}

/* What is wrong with an item before the engine sees it. */
struct judgement {
    enum hf_err err; /* HF_OK: nothing */
    enum hf_field field;
    uint32_t line_index;
};

/* Read the next item of writes into `request`, its lines into the array from lines[used] on. */
static enum hf_err next_write(struct call *call, uint32_t used, struct hf_request *request,
                              enum hf_field *field, uint32_t *line_index)
{
    struct hf_dispatch *dispatch = call->dispatch;
    const enum hf_err err =
        hf_request_next(&call->body, call->frame->operation, dispatch->lines + used,
                        dispatch->lines_max - used, request, field, line_index);
    if (err != HF_OK) {
        return err;
    }
    *field = judge_write(request);
    if (*field != HF_FIELD_NONE) {
        return HF_INVALID_ARGUMENT;
    }
    if ((request->op.flags & HF_OP_HANDLES) != 0 && call->frame->handle_tag == 0) {
        return HF_STALE_HANDLE;
    }
    /* Who asks again while the log is read only is told of what was done before (P4). */
    return call->writable == HF_READ_ONLY ? HF_OK : call->writable;
}

/*
 * A linked group: the item read last and those after it, up to the first that is not linked.
 * Returns how many there are. lines[0..lines_used) are taken. What is wrong with one of them is
 * the outcome of that one, and the others answer linked_failed. A group that does not end in the
 * frame, or is too long, is wrong at its last item, or the first too many.
 */
static uint32_t execute_group(struct call *call, uint32_t index, uint32_t lines_used,
                              struct hf_request *request, const struct judgement *judgement)
{
    struct hf_dispatch *dispatch = call->dispatch;
    enum hf_err err = judgement->err;
    enum hf_field field = judgement->field;
    uint32_t line_index = judgement->line_index;
    uint32_t count = 0;
    uint32_t failed = UINT32_MAX; /* item of the group that is refused before the engine sees it */
    struct {
        enum hf_err outcome;
        enum hf_field field;
        uint32_t line_index;
    } failure = {0};
    bool is_linked = true;

    for (;;) {
        if (err == HF_OK && count == HF_LINKED_MAX) {
            err = HF_INVALID_ARGUMENT;
            field = HF_FIELD_COUNT;
        }
        if (err != HF_OK && failed == UINT32_MAX) {
            failed = count;
            failure.outcome = err;
            failure.field = field;
            failure.line_index = line_index;
        }
        if (failed == UINT32_MAX) {
            dispatch->group[count] = request->op;
            lines_used += request->op.lines_count;
        }
        is_linked = (request->op.flags & HF_OP_LINKED) != 0;
        count++;
        if (!is_linked || index + count >= call->whole_count) {
            break;
        }
        field = HF_FIELD_NONE;
        line_index = UINT32_MAX;
        err = next_write(call, lines_used, request, &field, &line_index);
    }
    if (is_linked && failed == UINT32_MAX) {
        failed = count - 1;
        failure.outcome = HF_INVALID_ARGUMENT;
        failure.field = HF_FIELD_FLAGS;
        failure.line_index = UINT32_MAX;
    }
    if (failed == UINT32_MAX) {
        hf_engine_apply_linked(dispatch->engine, dispatch->group, count, call->now_us,
                               dispatch->group_results);
        for (uint32_t i = 0; i < count; i++) {
            put_result(call, &dispatch->group_results[i]);
        }
        return count;
    }
    for (uint32_t i = 0; i < count; i++) {
        if (i == failed) {
            put_refusal(call, failure.outcome, failure.field, failure.line_index);
        } else {
            put_refusal(call, HF_LINKED_FAILED, HF_FIELD_NONE, UINT32_MAX);
        }
    }
    return count;
}

/* Writes that are read at once, so that the engine can be told what comes. */
#define WINDOW_MAX 16

struct window {
    struct hf_op ops[WINDOW_MAX];
    struct judgement judgements[WINDOW_MAX];
    uint32_t count;
    uint32_t lines_used;
};

/*
 * Read up to `count_max` items. True: behind those of the window stands one that is linked; it has
 * been read, too, into `request` and `judgement`, its lines behind lines_used.
 */
static bool read_window(struct call *call, uint32_t count_max, struct window *window,
                        struct hf_request *request, struct judgement *judgement)
{
    window->count = window->lines_used = 0;
    while (window->count < count_max && window->count < WINDOW_MAX) {
        *judgement = (struct judgement){.line_index = UINT32_MAX};
        judgement->err = next_write(call, window->lines_used, request, &judgement->field,
                                    &judgement->line_index);
        if ((request->op.flags & HF_OP_LINKED) != 0) {
            return true;
        }
        /* What is malformed may not be looked at. */
        window->ops[window->count] = judgement->err == HF_OK ? request->op : (struct hf_op){0};
        window->lines_used += window->ops[window->count].lines_count;
        window->judgements[window->count++] = *judgement;
    }
    return false;
}

static void execute_window(struct call *call, struct window *window)
{
    struct hf_engine *engine = call->dispatch->engine;
    struct hf_result result;

    for (uint32_t i = 0; i < window->count; i++) {
        const struct judgement *judgement = &window->judgements[i];
        if (judgement->err != HF_OK) {
            put_refusal(call, judgement->err, judgement->field, judgement->line_index);
            continue;
        }
        hf_engine_apply(engine, &window->ops[i], call->now_us, &result);
        put_result(call, &result);
    }
}

static void execute_writes(struct call *call)
{
    struct hf_engine *engine = call->dispatch->engine;
    struct hf_ledger *ledger = hf_engine_ledger(engine);
    const uint64_t pushed_max = ledger->pushed_max;
    const bool is_read_only = call->writable == HF_READ_ONLY;
    struct hf_request request;
    struct judgement judgement;
    struct window window;

    if (is_read_only) {
        hf_ledger_limit(ledger, 0); /* what would be logged is refused, repeats are answered */
    }

    for (uint32_t i = 0; i < call->whole_count;) {
        const bool is_linked =
            read_window(call, call->whole_count - i, &window, &request, &judgement);
        if (window.count > 1) {
            hf_engine_expect(engine, window.ops, window.count);
        }
        execute_window(call, &window);
        i += window.count;
        if (is_linked) {
            i += execute_group(call, i, window.lines_used, &request, &judgement);
        }
    }
    if (is_read_only) {
        hf_ledger_limit(ledger, pushed_max);
    }
}

/* ------------------------------------------------------------------ questions */

static void execute_questions(struct call *call)
{
    struct hf_dispatch *dispatch = call->dispatch;
    const struct hf_question question = {
        .engine = dispatch->engine,
        .out = call->out,
        .operation = call->frame->operation,
        .now_us = call->now_us,
        /* Room for the headers of the items to come is kept (I4). */
        .bytes_end = call->place + dispatch->frame_bytes_max -
                     (size_t)call->frame->count * HF_ITEM_HEADER_BYTES,
    };
    struct hf_request request;

    for (uint32_t i = 0; i < call->whole_count; i++) {
        enum hf_field field = HF_FIELD_NONE;
        uint32_t line_index = UINT32_MAX;
        if (hf_request_next(&call->body, call->frame->operation, dispatch->lines,
                            dispatch->lines_max, &request, &field, &line_index) != HF_OK) {
            put_refusal(call, HF_INVALID_ARGUMENT, field, line_index);
        } else if ((request.op.flags & HF_OP_HANDLES) != 0 && call->frame->handle_tag == 0) {
            put_refusal(call, HF_STALE_HANDLE, HF_FIELD_NONE, UINT32_MAX);
        } else {
            hf_question_answer(&question, &request);
        }
    }
}

/* ------------------------------------------------------------------ exports */

static void execute_export(struct call *call)
{
    struct hf_dispatch *dispatch = call->dispatch;
    const struct hf_reading_call export_call = {
        .engine = dispatch->engine,
        .out = call->out,
        .owner = call->owner,
        .now_us = dispatch->clock->monotonic_us(dispatch->clock->ctx),
        .export_bytes_max = dispatch->export_bytes_max,
        .epoch = dispatch->log->epoch,
        .bytes_end = call->place + dispatch->frame_bytes_max,
    };
    struct hf_request request;
    enum hf_field field = HF_FIELD_NONE;
    uint32_t line_index = UINT32_MAX;

    HF_ASSERT(call->frame->count == 1);
    if (call->whole_count == 0) {
        return;
    }
    if (hf_request_next(&call->body, call->frame->operation, dispatch->lines, dispatch->lines_max,
                        &request, &field, &line_index) != HF_OK) {
        put_refusal(call, HF_INVALID_ARGUMENT, field, line_index);
    } else if (call->frame->operation == HF_ASK_EXPORT) {
        hf_reading_begin(&dispatch->reading, &export_call, &request);
    } else {
        hf_reading_next(&dispatch->reading, &export_call, &request);
    }
}

/* ------------------------------------------------------------------ administration */

static void answer_hello(struct call *call)
{
    struct hf_dispatch *dispatch = call->dispatch;
    struct hf_welcome welcome = {
        .epoch = dispatch->log->epoch,
        .handle_tag = dispatch->handle_tag,
        .frame_bytes_max = dispatch->frame_bytes_max,
        .operations_max = dispatch->operations_max,
        .time_us = call->now_us,
        .version = hf_text_of(HF_VERSION),
    };
    memcpy(welcome.directory_id, dispatch->log->directory_id, sizeof welcome.directory_id);
    const struct hf_reply reply = {
        .lsn = hf_engine_lsn(dispatch->engine), .line_index = UINT32_MAX, .entries_count = 1};
    const size_t place = hf_reply_begin(call->out);
    hf_welcome_put(call->out, &welcome);
    hf_reply_end(call->out, place, &reply);
}

static void answer_stats(struct call *call)
{
    struct hf_dispatch *dispatch = call->dispatch;
    struct hf_engine_stats engine = {0};
    struct hf_log_stats log = {0};
    struct hf_feed_stats feed = {0};

    hf_engine_stats(dispatch->engine, &engine);
    dispatch->log->ops->stats(dispatch->log->ctx, &log);
    if (dispatch->feed != NULL) {
        hf_feed_stats(dispatch->feed, &feed);
    }
    const struct {
        const char *name;
        uint64_t value;
    } stats[] = {
        {"lsn", engine.lsn},
        {"durable_lsn", log.durable_lsn},
        {"epoch", log.epoch},
        {"fsyncs", log.fsyncs_count},
        {"log_bytes", log.log_bytes},
        {"log_size", log.log_size_bytes},
        {"log_max", log.log_max_bytes},
        {"snapshot_lsn", log.snapshot_lsn},
        {"read_only", log.read_only_since_us != 0},
        {"read_only_since_us", log.read_only_since_us},
        {"read_only_by_log_max", log.is_read_only_by_log_max},
        {"snapshots", log.snapshots_count},
        {"snapshots_failed", log.snapshots_failed},
        {"snapshot_last_us", log.snapshot_last_us},
        {"snapshot_longest_copy_us", log.snapshot_longest_copy_us},
        {"snapshot_longest_copy_cpu_us", log.snapshot_longest_copy_cpu_us},
        {"snapshot_bytes", log.snapshot_bytes},
        {"memory_bytes", engine.memory_bytes},
        {"memory_ahead_bytes", log.memory_ahead_bytes},
        {"skus", engine.skus_count},
        {"locations", engine.locations_count},
        {"regions", engine.regions_count},
        {"cells", engine.cells_count},
        {"reservations", engine.reservations_count},
        {"reservations_remembered", engine.reservations_remembered},
        {"references", engine.references_count},
        {"references_max", engine.references_max},
        {"transfers", engine.transfers_count},
        {"inbound", engine.inbound_count},
        {"ledger_first_lsn", engine.ledger_first_lsn},
        {"connections", dispatch->connections_count},
        {"frames", dispatch->frames_count},
        {"operations", dispatch->operations_count},
        {"subscriptions", feed.subscriptions_count},
        {"feed_events", feed.events_count},
        {"feed_lag", feed.lag_max},
    };
    const uint32_t count = sizeof stats / sizeof stats[0];
    const struct hf_reply reply = {
        .lsn = engine.lsn, .line_index = UINT32_MAX, .entries_count = count};
    const size_t place = hf_reply_begin(call->out);
    for (uint32_t i = 0; i < count; i++) {
        hf_stat_put(call->out, &(struct hf_stat){hf_text_of(stats[i].name), stats[i].value});
    }
    hf_reply_end(call->out, place, &reply);
}

static void answer_digest(const struct hf_job *job, struct hf_buffer *out)
{
    const struct hf_reply reply = {.lsn = job->lsn, .line_index = UINT32_MAX, .entries_count = 1};
    const size_t place = hf_reply_begin(out);
    hf_digest_put(out, &job->digest);
    hf_reply_end(out, place, &reply);
}

static void answer_audit(struct hf_dispatch *dispatch, const struct hf_audit *audit,
                         struct hf_buffer *out)
{
    struct hf_audit_report report = {.cells_count = audit->cells_count,
                                     .reservations_count = audit->reservations_count,
                                     .shipments_count = audit->shipments_count,
                                     .violations_count = audit->violations_count,
                                     .first_violation = hf_text_of(audit->first_violation)};
    if (report.first_violation.bytes_count > HF_TEXT_BYTES_MAX) {
        report.first_violation.bytes_count = HF_TEXT_BYTES_MAX;
    }
    const struct hf_reply reply = {
        .lsn = hf_engine_lsn(dispatch->engine), .line_index = UINT32_MAX, .entries_count = 1};
    const size_t place = hf_reply_begin(out);
    hf_audit_report_put(out, &report);
    hf_reply_end(out, place, &reply);
}

/* ------------------------------------------------------------------ jobs */

static void snapshot_done(void *arg, enum hf_err err, uint64_t lsn)
{
    struct hf_dispatch *dispatch = arg;
    struct hf_job *job = dispatch->snapshot_job;

    HF_ASSERT(dispatch->is_snapshot_running);
    dispatch->is_snapshot_running = false;
    dispatch->snapshot_job = NULL;
    if (job != NULL) {
        job->is_done = true;
        job->err = err;
        job->lsn = lsn;
    }
}

static void start_job(struct call *call, struct hf_job *job)
{
    struct hf_dispatch *dispatch = call->dispatch;

    HF_ASSERT(job->operation == 0);
    *job = (struct hf_job){.operation = call->frame->operation,
                           .correlation = call->frame->correlation,
                           .lsn = hf_engine_lsn(dispatch->engine)};
    if (job->operation == HF_ASK_BACKUP) {
        struct hf_text name;
        (void)hf_backup_read(call->body, &name); /* judge_frame has read it once */
        hf_backing_up_begin(&dispatch->backing_up, dispatch->log, job, name);
    } else if (job->operation == HF_ASK_BACKUP_NEXT) {
        hf_backing_up_next(&dispatch->backing_up, job);
    }
    if (job->operation != HF_ASK_SNAPSHOT) {
        return;
    }
    if (dispatch->is_snapshot_running) {
        job->is_done = true;
        job->err = HF_BUSY;
        return;
    }
    /* The log writes what has been published; the snapshot stands at the newest LSN. */
    dispatch->log->ops->publish(dispatch->log->ctx, job->lsn);
    dispatch->is_snapshot_running = true;
    dispatch->snapshot_job = job;
    const enum hf_err err =
        dispatch->log->ops->snapshot(dispatch->log->ctx, snapshot_done, dispatch);
    if (err != HF_OK) {
        dispatch->is_snapshot_running = false;
        dispatch->snapshot_job = NULL;
        job->is_done = true;
        job->err = err;
    }
}

static bool is_backup(unsigned operation)
{
    return operation == HF_ASK_BACKUP || operation == HF_ASK_BACKUP_NEXT;
}

static bool is_job(unsigned operation)
{
    return operation == HF_ASK_AUDIT || operation == HF_ASK_DIGEST ||
           operation == HF_ASK_SNAPSHOT || is_backup(operation);
}

/* The engine takes one digest at a time; another asker waits for its turn. */
static void step_digest(struct hf_dispatch *dispatch, struct hf_job *job)
{
    if (!job->is_digesting) {
        job->is_digesting = hf_engine_digest_begin(dispatch->engine);
    }
    if (job->is_digesting &&
        hf_engine_digest_step(dispatch->engine, HF_AUDIT_STEP, &job->digest, &job->lsn)) {
        job->is_digesting = false;
        job->is_done = true;
    }
}

bool hf_dispatch_is_ready(const struct hf_job *job)
{
    return job->operation == HF_ASK_AUDIT || job->operation == HF_ASK_DIGEST ||
           ((job->operation == HF_ASK_SNAPSHOT || is_backup(job->operation)) && job->is_done);
}

bool hf_dispatch_step(struct hf_dispatch *dispatch, struct hf_job *job, struct hf_buffer *out,
                      uint64_t *gate_lsn)
{
    HF_ASSERT(is_job(job->operation));

    if (job->operation == HF_ASK_AUDIT) {
        job->is_done = hf_engine_audit(dispatch->engine, &job->audit, HF_AUDIT_STEP);
    }
    if (job->operation == HF_ASK_DIGEST) {
        step_digest(dispatch, job);
    }
    if (!job->is_done) {
        return false;
    }
    const struct hf_frame frame = {.operation = job->operation,
                                   .flags = HF_FRAME_REPLY,
                                   .count = 1,
                                   .correlation = job->correlation};
    const size_t place = hf_frame_begin(out);
    if (job->operation == HF_ASK_AUDIT) {
        answer_audit(dispatch, &job->audit, out);
    } else if (job->operation == HF_ASK_DIGEST) {
        answer_digest(job, out);
    } else if (is_backup(job->operation)) {
        hf_backing_up_answer(&dispatch->backing_up, job, out);
    } else {
        /* Why a file could not be written is in the operator's log; the client may try again. For
         * lack of memory it need not be soon. */
        const bool is_outcome = (unsigned)job->err < HF_OUTCOMES_COUNT;
        const enum hf_err other = job->err == HF_NO_MEMORY ? HF_LIMIT_EXCEEDED : HF_BUSY;
        const struct hf_reply reply = {
            .outcome = is_outcome ? job->err : other, .lsn = job->lsn, .line_index = UINT32_MAX};
        hf_reply_put_plain(out, &reply);
    }
    (void)hf_frame_end(out, place, &frame); /* a failure stays in out->is_failed */
    *gate_lsn = hf_engine_lsn(dispatch->engine);
    job->operation = 0;
    return true;
}

void hf_dispatch_abandon(struct hf_dispatch *dispatch, struct hf_job *job)
{
    if (dispatch->snapshot_job == job) {
        dispatch->snapshot_job = NULL;
    }
    if (job->is_digesting) {
        hf_engine_digest_cancel(dispatch->engine);
        job->is_digesting = false;
    }
    hf_reading_end(&dispatch->reading, dispatch->engine, job);
    hf_backing_up_leave(&dispatch->backing_up, job);
    job->operation = 0;
}

bool hf_dispatch_expire(struct hf_dispatch *dispatch)
{
    if (dispatch->log->ops->writable(dispatch->log->ctx) != HF_OK) {
        return false;
    }
    const uint64_t now_us = dispatch->clock->now_us(dispatch->clock->ctx);
    return hf_engine_expire(dispatch->engine, now_us, HF_EXPIRE_STEP).is_more;
}

/* ------------------------------------------------------------------ frames */

static bool is_export(unsigned operation)
{
    return operation == HF_ASK_EXPORT || operation == HF_ASK_EXPORT_NEXT;
}

/* A subscription (70) is taken by the connection before it comes here. */
static bool is_known(unsigned operation)
{
    return hf_operation_is_write(operation) || hf_operation_is_question(operation) ||
           (operation >= HF_ASK_HELLO && operation <= HF_ASK_SNAPSHOT) || is_export(operation) ||
           is_backup(operation);
}

/* What is wrong with the frame as a whole? (PROTOCOL.md 2.1) HF_OK, or its outcome and field. */
static enum hf_err judge_frame(struct call *call, enum hf_field *field)
{
    const struct hf_frame *frame = call->frame;
    const struct hf_dispatch *dispatch = call->dispatch;
    bool has_rest = false;

    *field = HF_FIELD_NONE;
    if (!is_known(frame->operation)) {
        *field = HF_FIELD_OPERATION;
        return HF_INVALID_ARGUMENT;
    }
    if (frame->count == 0 || frame->count > dispatch->operations_max ||
        (frame->operation >= HF_ASK_HELLO && frame->count != 1) ||
        (hf_operation_is_paged(frame->operation) && frame->count > HF_PAGES_MAX)) {
        *field = HF_FIELD_COUNT;
        return HF_INVALID_ARGUMENT;
    }
    if (frame->handle_tag != 0 && frame->handle_tag != dispatch->handle_tag) {
        return HF_STALE_HANDLE;
    }
    if (frame->operation == HF_ASK_HELLO) {
        struct hf_text name;
        has_rest = hf_hello_read(call->body, &name) != HF_OK;
    } else if (frame->operation == HF_ASK_BACKUP) {
        struct hf_text name;
        has_rest = hf_backup_read(call->body, &name) != HF_OK;
    } else if (frame->operation > HF_ASK_HELLO && !is_export(frame->operation)) {
        has_rest = frame->body_bytes != 0;
    } else {
        call->whole_count = hf_request_scan(call->body, frame->count, &has_rest);
    }
    if (has_rest) {
        *field = HF_FIELD_LAYOUT;
        return HF_INVALID_ARGUMENT;
    }
    return HF_OK;
}

static void execute(struct call *call)
{
    switch (call->frame->operation) {
    case HF_ASK_HELLO:
        answer_hello(call);
        return;
    case HF_ASK_PING:
        put_refusal(call, HF_OK, HF_FIELD_NONE, UINT32_MAX);
        return;
    case HF_ASK_STATS:
        answer_stats(call);
        return;
    default:
        break;
    }
    if (hf_operation_is_write(call->frame->operation)) {
        execute_writes(call);
    } else if (is_export(call->frame->operation)) {
        execute_export(call);
    } else {
        execute_questions(call);
    }
    for (uint32_t i = call->whole_count; i < call->frame->count; i++) {
        put_refusal(call, HF_INVALID_ARGUMENT, HF_FIELD_LAYOUT, UINT32_MAX);
    }
}

bool hf_dispatch_frame(struct hf_dispatch *dispatch, const struct hf_frame *frame,
                       struct hf_buffer *out, struct hf_job *job, uint64_t *gate_lsn)
{
    const struct hf_log *log = dispatch->log;
    struct call call = {.dispatch = dispatch,
                        .frame = frame,
                        .out = out,
                        .owner = job,
                        .place = hf_buffer_count(out),
                        .body = hf_items_of(frame->body, frame->body_bytes)};
    enum hf_field field;
    const enum hf_err err = judge_frame(&call, &field);

    *gate_lsn = hf_engine_lsn(dispatch->engine);
    dispatch->frames_count++;
    if (err != HF_OK) {
        hf_reply_put_error(out, frame->operation, frame->correlation, err, field);
        return true;
    }
    dispatch->operations_count += frame->count;
    if (is_job(frame->operation)) {
        start_job(&call, job);
        return false;
    }
    call.now_us = dispatch->clock->now_us(dispatch->clock->ctx);
    call.writable = log->ops->writable(log->ctx);
    if (call.writable == HF_OK) {
        (void)hf_engine_expire(dispatch->engine, call.now_us, HF_EXPIRE_STEP);
    }
    const struct hf_frame answer = {.operation = frame->operation,
                                    .flags = HF_FRAME_REPLY,
                                    .count = frame->count,
                                    .correlation = frame->correlation};
    call.place = hf_frame_begin(out);
    execute(&call);
    (void)hf_frame_end(out, call.place, &answer); /* a failure stays in out->is_failed */
    *gate_lsn = hf_engine_lsn(dispatch->engine);
    return true;
}
