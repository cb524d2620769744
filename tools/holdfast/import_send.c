/*
 * import_send.c - the rows of a file as operations, many in a frame and many frames on their way.
 *
 *     rows   [settled settled | in flight in flight in flight | open open open ...]
 *                               ^ tickets, one a frame          ^ next
 *
 * Replies come in the order of the frames. When the connection breaks, or the server is busy, the
 * frames in flight are answered, what they could not settle is open again, and sending goes back
 * to the first open row: under the same references, so that nothing happens twice.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "engine/assert.h"
#include "tools/common/parse.h"
#include "tools/holdfast/import.h"

#define FRAME_ROWS 256
#define FRAMES_IN_FLIGHT 16
#define ROW_BYTES_MAX 384 /* of one operation on the wire: header, reference, two codes, figures */
#define WAIT_MS 1000
#define SILENCE_US INT64_C(60000000) /* a server that answers nothing for longer is gone */
#define TRIES_MAX 8                  /* in a row that settle no row: some 13 s of waiting */
#define BUSY_MS 50                   /* before the second try; twice as long before each after it */

/* A frame in flight. */
struct ticket {
    struct sender *sender;
    uint32_t rows[FRAME_ROWS];
    uint32_t rows_count;
};

struct sender {
    struct holdfast *hf;
    struct hf_import_file *file;
    const struct hf_import_options *options;
    struct hf_faults *faults;
    struct hf_progress *progress;
    struct hf_import_totals *totals;
    struct ticket *tickets; /* a ring of FRAMES_IN_FLIGHT */
    uint32_t tickets_first;
    uint32_t tickets_count;
    uint32_t frame_rows; /* in one frame, at most */
    uint32_t next;       /* no open row stands before it but those in flight */
    uint64_t settled_count;
    bool has_trouble; /* an answer was busy or unknown: go back when all are answered */
    enum holdfast_outcome fatal;
    int64_t answered_us;
    struct holdfast_op ops[FRAME_ROWS];
    struct holdfast_line lines[FRAME_ROWS];
    char refs[FRAME_ROWS][HF_IMPORT_REF_BYTES];
};

static int64_t now_us(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void pause_ms(long ms)
{
    const struct timespec pause = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    (void)nanosleep(&pause, NULL); /* shorter does no harm */
}

/* ------------------------------------------------------------------ answers */

/* Why the server refused a row. */
static void describe(const struct holdfast_reply *reply, char reason[HF_REASON_BYTES])
{
    const size_t used =
        (size_t)snprintf(reason, HF_REASON_BYTES, "%s: %s", holdfast_outcome_name(reply->outcome),
                         holdfast_outcome_text(reply->outcome));
    if (reply->field != NULL) {
        (void)snprintf(reason + used, HF_REASON_BYTES - used, ": %s", reply->field);
    } else if (reply->lines_count > 0 && reply->lines[0].shortfall > 0) {
        (void)snprintf(reason + used, HF_REASON_BYTES - used, " (short by %" PRId64 ")",
                       reply->lines[0].shortfall);
    }
}

static void settle(struct sender *sender, uint32_t index, const struct holdfast_reply *reply)
{
    struct hf_import_row *row = &sender->file->rows[index];
    struct hf_import_totals *totals = sender->totals;
    char reason[HF_REASON_BYTES];

    switch (reply->outcome) {
    case HOLDFAST_BUSY:
    case HOLDFAST_UNKNOWN:
        sender->has_trouble = true;
        return;
    case HOLDFAST_READ_ONLY:
    case HOLDFAST_NOT_PRIMARY:
        sender->fatal = reply->outcome;
        return;
    case HOLDFAST_OK:
        row->state = reply->is_repeated    ? HF_ROW_REPEATED
                     : reply->is_unchanged ? HF_ROW_UNCHANGED
                                           : HF_ROW_CHANGED;
        break;
    default:
        describe(reply, reason);
        hf_import_refuse(sender->file, index, sender->faults, reason);
        break;
    }
    totals->changed += row->state == HF_ROW_CHANGED ? 1 : 0;
    totals->unchanged += row->state == HF_ROW_UNCHANGED ? 1 : 0;
    totals->repeated += row->state == HF_ROW_REPEATED ? 1 : 0;
    totals->lsn = reply->lsn > totals->lsn ? reply->lsn : totals->lsn;
    sender->settled_count += 1;
}

static void on_replies(void *arg, const struct holdfast_reply *replies, size_t count)
{
    struct ticket *ticket = arg;
    struct sender *sender = ticket->sender;

    HF_ASSERT(count == ticket->rows_count);
    HF_ASSERT(ticket == &sender->tickets[sender->tickets_first]); /* replies come in order */
    sender->answered_us = now_us();
    for (size_t i = 0; i < count; i++) {
        settle(sender, ticket->rows[i], &replies[i]);
    }
    sender->tickets_first = (sender->tickets_first + 1) % FRAMES_IN_FLIGHT;
    sender->tickets_count -= 1;
    hf_progress_show(sender->progress, sender->settled_count);
}

/* ------------------------------------------------------------------ questions */

static enum holdfast_kind kind_of(const struct sender *sender, const struct hf_import_row *row)
{
    if (sender->options->what == HF_IMPORT_POLICY) {
        return HOLDFAST_SET_POLICY;
    }
    if (!sender->options->is_add) {
        return HOLDFAST_SET;
    }
    return row->figures[0] > 0 ? HOLDFAST_RECEIVE : HOLDFAST_ADJUST;
}

/* The operation of a row, in slot `at` of the frame that is being made. */
static void make_op(struct sender *sender, uint32_t index, enum holdfast_kind kind, uint32_t at)
{
    const struct hf_import_row *row = &sender->file->rows[index];
    const bool is_policy = kind == HOLDFAST_SET_POLICY;
    struct holdfast_line *line = &sender->lines[at];

    *line = (struct holdfast_line){.sku = row->sku, .location = row->location};
    if (is_policy) {
        line->safety_stock = row->figures[0];
        line->low_stock = row->figures[1];
        line->backorder_limit = row->figures[2];
    } else {
        line->units = row->figures[0];
    }
    sender->ops[at] = (struct holdfast_op){
        .kind = kind,
        .flags = kind == HOLDFAST_SET ? sender->options->as_of_flag : 0,
        .as_of = kind == HOLDFAST_SET ? sender->options->as_of : 0,
        .reason = is_policy ? HOLDFAST_REASON_NONE : HOLDFAST_IMPORT,
        .ref = hf_import_ref(sender->file, index, sender->refs[at]),
        .lines = line,
        .lines_count = 1,
    };
}

/* The next open row; one that asks for nothing is settled on the way. rows_count: none. */
static uint32_t next_open(struct sender *sender)
{
    for (; sender->next < sender->file->rows_count; sender->next++) {
        struct hf_import_row *row = &sender->file->rows[sender->next];
        if (row->state != HF_ROW_OPEN) {
            continue;
        }
        if (!hf_import_row_is_idle(sender->options, row)) {
            break;
        }
        row->state = HF_ROW_UNCHANGED;
        sender->totals->unchanged += 1;
        sender->settled_count += 1;
    }
    return sender->next;
}

/* Send one frame: open rows in the order of the file, all of one kind. False: not now. */
static bool send_frame(struct sender *sender)
{
    const uint32_t rows_count = sender->file->rows_count;

    if (sender->has_trouble || sender->fatal != HOLDFAST_OK ||
        sender->tickets_count == FRAMES_IN_FLIGHT || next_open(sender) == rows_count) {
        return false;
    }
    const uint32_t before = sender->next;
    const enum holdfast_kind kind = kind_of(sender, &sender->file->rows[before]);
    struct ticket *ticket =
        &sender->tickets[(sender->tickets_first + sender->tickets_count) % FRAMES_IN_FLIGHT];
    *ticket = (struct ticket){.sender = sender};

    while (ticket->rows_count < sender->frame_rows) {
        const uint32_t index = next_open(sender);
        if (index == rows_count || kind_of(sender, &sender->file->rows[index]) != kind) {
            break;
        }
        make_op(sender, index, kind, ticket->rows_count);
        ticket->rows[ticket->rows_count++] = index;
        sender->next += 1;
    }
    sender->tickets_count += 1;
    const enum holdfast_outcome outcome =
        holdfast_submit(sender->hf, sender->ops, ticket->rows_count, on_replies, ticket);
    if (outcome == HOLDFAST_OK) {
        return true;
    }
    sender->tickets_count -= 1;
    sender->next = before;
    if (outcome != HOLDFAST_BUSY || sender->tickets_count == 0) {
        sender->has_trouble = true;
    }
    return false;
}

/* ------------------------------------------------------------------ all of it */

/* Every frame was answered, not every row settled: is there a connection to go on with? */
static bool recover(struct sender *sender, uint32_t *tries, uint64_t *settled_before, char *error,
                    size_t error_bytes)
{
    HF_ASSERT(sender->tickets_count == 0);

    if (sender->settled_count > *settled_before) {
        *tries = 0;
    }
    *settled_before = sender->settled_count;
    *tries += 1;
    if (*tries > TRIES_MAX) {
        (void)snprintf(error, error_bytes, "the server stays busy");
        return false;
    }
    if (*tries > 1) {
        pause_ms(BUSY_MS << (*tries - 2));
    }
    /* A ping connects again, as long as the options of the connection allow to try. */
    if (holdfast_ping(sender->hf) != HOLDFAST_OK) {
        (void)snprintf(error, error_bytes, "%s", holdfast_error(sender->hf));
        return false;
    }
    sender->has_trouble = false;
    sender->next = 0;
    return true;
}

static enum holdfast_outcome send_all(struct sender *sender, char *error, size_t error_bytes)
{
    uint32_t tries = 0;
    uint64_t settled_before = 0;

    for (;;) {
        while (send_frame(sender)) {
        }
        if (holdfast_in_flight(sender->hf) > 0) {
            (void)holdfast_wait(sender->hf, WAIT_MS); /* what broke, the callbacks have seen */
            if (now_us() - sender->answered_us > SILENCE_US) {
                (void)snprintf(error, error_bytes, "the server has answered nothing for 60 s");
                return HOLDFAST_UNKNOWN;
            }
            continue;
        }
        HF_ASSERT(sender->tickets_count == 0);
        if (sender->fatal != HOLDFAST_OK) {
            (void)snprintf(error, error_bytes, "%s: %s", holdfast_outcome_name(sender->fatal),
                           holdfast_outcome_text(sender->fatal));
            return sender->fatal;
        }
        if (sender->settled_count == sender->file->rows_count) {
            return HOLDFAST_OK;
        }
        HF_ASSERT(sender->has_trouble);
        if (!recover(sender, &tries, &settled_before, error, error_bytes)) {
            return HOLDFAST_UNKNOWN;
        }
        sender->answered_us = now_us();
    }
}

enum holdfast_outcome hf_import_send(struct holdfast **hf, struct hf_import_file *file,
                                     const struct hf_import_options *options,
                                     struct hf_faults *faults, struct hf_progress *progress,
                                     struct hf_import_totals *totals, char *error,
                                     size_t error_bytes)
{
    const struct holdfast_server *server = holdfast_server(*hf);
    struct sender *sender = calloc(1, sizeof *sender);
    struct ticket *tickets = calloc(FRAMES_IN_FLIGHT, sizeof *tickets);
    enum holdfast_outcome outcome = HOLDFAST_BUSY;

    *totals = (struct hf_import_totals){0};
    (void)snprintf(error, error_bytes, "out of memory");
    if (sender != NULL && tickets != NULL) {
        uint32_t frame_rows = server->frame_bytes_max / ROW_BYTES_MAX;
        frame_rows = frame_rows < server->operations_max ? frame_rows : server->operations_max;
        *sender = (struct sender){.hf = *hf,
                                  .file = file,
                                  .options = options,
                                  .faults = faults,
                                  .progress = progress,
                                  .totals = totals,
                                  .tickets = tickets,
                                  .frame_rows = frame_rows < FRAME_ROWS ? frame_rows : FRAME_ROWS,
                                  .answered_us = now_us()};
        HF_ASSERT(sender->frame_rows > 0);
        outcome = send_all(sender, error, error_bytes);
        if (outcome != HOLDFAST_OK) {
            holdfast_close(*hf); /* frames in flight call back into `sender`: they end before it */
            *hf = NULL;
        }
    }
    free(tickets);
    free(sender);
    return outcome;
}
