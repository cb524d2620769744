/*
 * client_stocks.c - the counters of many cells: questions of one cell, many of them in a frame.
 */
#include "engine/assert.h"
#include "net/client.h"

/* Cells asked for at once. The answer of so many fits any frame a server is configured for. */
#define CELLS_AT_ONCE 1024u

/* Queue one frame with a question a line. */
static enum holdfast_outcome submit(struct holdfast *hf, const struct holdfast_line *lines,
                                    size_t count)
{
    const struct hf_client_start start = hf_client_begin(hf);
    enum hf_err err = HF_OK;

    for (size_t i = 0; i < count && err == HF_OK; i++) {
        const struct hf_op_line line = {.sku = hf_client_text(lines[i].sku),
                                        .location = hf_client_text(lines[i].location)};
        const struct hf_request request = {.op = {.lines = &line, .lines_count = 1}};
        err = hf_request_put(&hf->out, HF_ASK_STOCK, &request);
    }
    const struct hf_client_entry like = {
        .count = (uint32_t)count, .operation = HF_ASK_STOCK, .wish = HF_WISH_ANSWER};
    return hf_client_queue(hf, &start, err, &like);
}

/* Take the answers of one frame apart. */
static enum holdfast_outcome take(struct holdfast *hf, size_t count,
                                  enum holdfast_outcome *outcomes, struct holdfast_cell *cells)
{
    struct hf_items body =
        hf_items_of(hf_buffer_front(&hf->answer.body), hf_buffer_count(&hf->answer.body));

    for (size_t i = 0; i < count; i++) {
        struct hf_reply reply;
        struct hf_cell_view view;
        if (hf_reply_next(&body, &reply) != HF_OK) {
            return hf_client_unreadable(hf);
        }
        outcomes[i] = (enum holdfast_outcome)reply.outcome;
        cells[i] = (struct holdfast_cell){.lsn = reply.lsn};
        if (reply.outcome == HF_OK && (hf_cell_next(&reply.entries, &view) != HF_OK ||
                                       !hf_client_copy_cell(&cells[i], &view, reply.lsn))) {
            return hf_client_unreadable(hf);
        }
    }
    return body.at == body.end ? HOLDFAST_OK : hf_client_unreadable(hf);
}

static enum holdfast_outcome ask(struct holdfast *hf, const struct holdfast_line *lines,
                                 size_t count, enum holdfast_outcome *outcomes,
                                 struct holdfast_cell *cells)
{
    if (!hf_client_may_block(hf)) {
        return HOLDFAST_INVALID_ARGUMENT;
    }
    if (!hf_client_ready(hf)) {
        return HOLDFAST_UNKNOWN;
    }
    const enum holdfast_outcome queued = submit(hf, lines, count);
    if (queued != HOLDFAST_OK) {
        return queued;
    }
    hf->answer.is_there = false;
    if (!hf_client_await(hf)) {
        return HOLDFAST_UNKNOWN;
    }
    HF_ASSERT(hf->answer.is_there);
    if (hf->answer.outcome != HF_OK) {
        return hf_client_fail(hf, (enum holdfast_outcome)hf->answer.outcome,
                              hf_strerror(hf->answer.outcome));
    }
    return take(hf, count, outcomes, cells);
}

enum holdfast_outcome holdfast_get_stocks(struct holdfast *hf, const struct holdfast_line *lines,
                                          size_t count, enum holdfast_outcome *outcomes,
                                          struct holdfast_cell *cells)
{
    for (size_t done = 0; done < count;) {
        size_t now = count - done < CELLS_AT_ONCE ? count - done : CELLS_AT_ONCE;
        now = now < hf->server.operations_max ? now : hf->server.operations_max;
        const enum holdfast_outcome outcome =
            ask(hf, lines + done, now, outcomes + done, cells + done);
        if (outcome != HOLDFAST_OK) {
            return outcome;
        }
        done += now;
    }
    return HOLDFAST_OK;
}
