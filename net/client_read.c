/*
 * client_read.c - questions and administration: one frame there, one frame back, always waited
 * for. A long answer comes in pages; a callback gets its entries one by one.
 */
#include "net/client.h"

#include <stdio.h>
#include <string.h>

#include "engine/assert.h"
#include "engine/effect.h"

/* Entries asked for at once; the server may give fewer. */
#define PAGE_ENTRIES 1024u

/* ------------------------------------------------------------------ ask */

static enum holdfast_outcome fail(struct holdfast *hf, enum holdfast_outcome outcome,
                                  const char *why)
{
    hf_client_set_error(hf, "%s", why);
    return outcome;
}

/*
 * Send a question and wait for its answer. `request` NULL: the operation has no item.
 * HOLDFAST_OK: `reply` is the answer; its entries are valid until the next call on the handle.
 */
static enum holdfast_outcome ask(struct holdfast *hf, unsigned operation,
                                 const struct hf_request *request, struct hf_reply *reply)
{
    if (!hf_client_may_block(hf)) {
        return HOLDFAST_INVALID_ARGUMENT;
    }
    if (!hf_client_ready(hf)) {
        return HOLDFAST_UNKNOWN;
    }
    struct hf_client_start start = hf_client_begin(hf);
    enum hf_err err = HF_OK;
    if (request != NULL) {
        start.has_handles = (request->op.flags & HF_OP_HANDLES) != 0;
        err = hf_request_put(&hf->out, operation, request);
    }
    const struct hf_client_entry like = {
        .count = 1, .operation = operation, .wish = HF_WISH_ANSWER};
    const enum holdfast_outcome queued = hf_client_queue(hf, &start, err, &like);
    if (queued != HOLDFAST_OK) {
        return queued;
    }
    hf->answer.is_there = false;
    if (!hf_client_await(hf)) {
        return HOLDFAST_UNKNOWN;
    }
    HF_ASSERT(hf->answer.is_there);

    enum hf_field field = hf->answer.field;
    enum hf_err outcome = hf->answer.outcome;
    if (outcome == HF_OK) {
        struct hf_items body =
            hf_items_of(hf_buffer_front(&hf->answer.body), hf_buffer_count(&hf->answer.body));
        if (hf_reply_next(&body, reply) != HF_OK || body.at != body.end) {
            return fail(hf, HOLDFAST_UNKNOWN, "the server's answer cannot be read");
        }
        outcome = reply->outcome;
        field = reply->field;
    }
    if (outcome != HF_OK && outcome != HF_UNKNOWN) {
        hf_client_set_error(hf, "%s%s%s", hf_strerror(outcome), field == HF_FIELD_NONE ? "" : ": ",
                            field == HF_FIELD_NONE ? "" : hf_field_name(field));
    }
    return (enum holdfast_outcome)outcome;
}

/* The answer came, but its entries are not what was asked for. */
static enum holdfast_outcome unreadable(struct holdfast *hf)
{
    return fail(hf, HOLDFAST_UNKNOWN, "the server's answer cannot be read");
}

/* A code from the wire as a C string. False: it is longer than a code can be. */
static bool copy_text(char to[65], struct hf_text from)
{
    if (from.bytes_count > HF_CODE_BYTES_MAX) {
        return false;
    }
    if (from.bytes_count > 0) {
        memcpy(to, from.bytes, from.bytes_count);
    }
    to[from.bytes_count] = '\0';
    return true;
}

/* ------------------------------------------------------------------ stock */

static bool copy_cell(struct holdfast_cell *to, const struct hf_cell_view *from, uint64_t lsn)
{
    to->on_hand = from->on_hand;
    to->held = from->held;
    to->committed = from->committed;
    to->in_transit = from->in_transit;
    to->safety_stock = from->safety_stock;
    to->low_stock = from->low_stock;
    to->backorder_limit = from->backorder_limit;
    to->atf = from->atf;
    to->ats = from->ats;
    to->version = from->version;
    to->lsn = lsn;
    return copy_text(to->sku, from->sku) && copy_text(to->location, from->location);
}

enum holdfast_outcome holdfast_get_stock(struct holdfast *hf, const char *sku, const char *location,
                                         struct holdfast_cell *cell)
{
    const struct hf_op_line line = {.sku = hf_client_text(sku),
                                    .location = hf_client_text(location)};
    const struct hf_request request = {.op = {.lines = &line, .lines_count = 1}};
    struct hf_reply reply;
    struct hf_cell_view view;

    const enum holdfast_outcome outcome = ask(hf, HF_ASK_STOCK, &request, &reply);
    if (outcome != HOLDFAST_OK) {
        return outcome;
    }
    if (hf_cell_next(&reply.entries, &view) != HF_OK || !copy_cell(cell, &view, reply.lsn)) {
        return unreadable(hf);
    }
    return HOLDFAST_OK;
}

/* One frame of lines, all of them in hf->op_lines, each answered by one ats. */
static enum holdfast_outcome ask_ats(struct holdfast *hf, size_t count, uint32_t flags,
                                     const char *region, struct holdfast_ats *ats)
{
    const struct hf_request request = {.op = {.id = hf_client_text(region),
                                              .flags = flags,
                                              .lines = hf->op_lines,
                                              .lines_count = (uint32_t)count}};
    struct hf_reply reply;
    const enum holdfast_outcome outcome = ask(hf, HF_ASK_ATS, &request, &reply);
    if (outcome != HOLDFAST_OK) {
        return outcome;
    }
    if (reply.entries_count != count) {
        return unreadable(hf);
    }
    for (size_t i = 0; i < count; i++) {
        struct hf_ats_entry entry;
        if (hf_ats_next(&reply.entries, &entry) != HF_OK) {
            return unreadable(hf);
        }
        ats[i] = (struct holdfast_ats){.outcome = (enum holdfast_outcome)entry.outcome,
                                       .ats = entry.figures.ats,
                                       .atf = entry.figures.atf};
    }
    return HOLDFAST_OK;
}

/* Lines for the next frame of a long list; returns how many of `left` it takes, 0: no memory. */
static size_t take_lines(struct holdfast *hf, size_t left)
{
    const size_t count = left < HF_LINES_MAX ? left : HF_LINES_MAX;
    if (!hf_client_reserve((void **)&hf->op_lines, &hf->op_lines_max, count,
                           sizeof *hf->op_lines)) {
        return 0;
    }
    memset(hf->op_lines, 0, count * sizeof *hf->op_lines);
    return count;
}

enum holdfast_outcome holdfast_get_ats(struct holdfast *hf, const char *const *skus, size_t count,
                                       const char *location, const char *region,
                                       struct holdfast_ats *ats)
{
    for (size_t done = 0; done < count;) {
        const size_t lines_count = take_lines(hf, count - done);
        if (lines_count == 0) {
            return fail(hf, HOLDFAST_BUSY, "out of memory");
        }
        for (size_t i = 0; i < lines_count; i++) {
            hf->op_lines[i].sku = hf_client_text(skus[done + i]);
            hf->op_lines[i].location = hf_client_text(location);
        }
        const enum holdfast_outcome outcome = ask_ats(hf, lines_count, 0, region, ats + done);
        if (outcome != HOLDFAST_OK) {
            return outcome;
        }
        done += lines_count;
    }
    return HOLDFAST_OK;
}

enum holdfast_outcome holdfast_get_ats_handles(struct holdfast *hf, const uint32_t *skus,
                                               size_t count, uint32_t location,
                                               struct holdfast_ats *ats)
{
    for (size_t done = 0; done < count;) {
        const size_t lines_count = take_lines(hf, count - done);
        if (lines_count == 0) {
            return fail(hf, HOLDFAST_BUSY, "out of memory");
        }
        for (size_t i = 0; i < lines_count; i++) {
            hf->op_lines[i].sku_handle = skus[done + i];
            hf->op_lines[i].location_handle = location;
        }
        const enum holdfast_outcome outcome =
            ask_ats(hf, lines_count, HF_OP_HANDLES, NULL, ats + done);
        if (outcome != HOLDFAST_OK) {
            return outcome;
        }
        done += lines_count;
    }
    return HOLDFAST_OK;
}

enum holdfast_outcome holdfast_lookup(struct holdfast *hf, const char *const *skus,
                                      const char *const *locations, size_t count,
                                      uint32_t *sku_handles, uint32_t *location_handles)
{
    for (size_t done = 0; done < count;) {
        const size_t lines_count = take_lines(hf, count - done);
        if (lines_count == 0) {
            return fail(hf, HOLDFAST_BUSY, "out of memory");
        }
        for (size_t i = 0; i < lines_count; i++) {
            hf->op_lines[i].sku = hf_client_text(skus == NULL ? NULL : skus[done + i]);
            hf->op_lines[i].location =
                hf_client_text(locations == NULL ? NULL : locations[done + i]);
        }
        const struct hf_request request = {
            .op = {.lines = hf->op_lines, .lines_count = (uint32_t)lines_count}};
        struct hf_reply reply;
        const enum holdfast_outcome outcome = ask(hf, HF_ASK_LOOKUP, &request, &reply);
        if (outcome != HOLDFAST_OK) {
            return outcome;
        }
        if (reply.entries_count != lines_count) {
            return unreadable(hf);
        }
        for (size_t i = 0; i < lines_count; i++, done++) {
            struct hf_handle_pair pair;
            if (hf_handle_pair_next(&reply.entries, &pair) != HF_OK) {
                return unreadable(hf);
            }
            if (sku_handles != NULL) {
                sku_handles[done] = pair.sku;
            }
            if (location_handles != NULL) {
                location_handles[done] = pair.location;
            }
        }
    }
    hf->handles_tag = hf->handle_tag;
    return HOLDFAST_OK;
}

/* ------------------------------------------------------------------ reservations */

enum holdfast_outcome holdfast_get_reservation(struct holdfast *hf, const char *id,
                                               struct holdfast_reservation *out)
{
    const struct hf_request request = {.op = {.id = hf_client_text(id)}};
    struct hf_reply reply;
    struct hf_reservation_view head;

    const enum holdfast_outcome outcome = ask(hf, HF_ASK_RESERVATION, &request, &reply);
    if (outcome != HOLDFAST_OK) {
        return outcome;
    }
    if (reply.entries_count == 0 || reply.entries_count > HF_LINES_MAX + 1 ||
        hf_reservation_next(&reply.entries, &head) != HF_OK) {
        return unreadable(hf);
    }
    const size_t lines_count = reply.entries_count - 1;
    if (!hf_client_reserve((void **)&hf->reservation_lines, &hf->reservation_lines_max, lines_count,
                           sizeof *hf->reservation_lines)) {
        return fail(hf, HOLDFAST_BUSY, "out of memory");
    }
    *out = (struct holdfast_reservation){
        .state = (enum holdfast_state)reply.state,
        .expires_at_us = (int64_t)reply.argument,
        .opened_us = (int64_t)head.opened_us,
        .opened_lsn = head.opened_lsn,
        .lsn = reply.lsn,
        .lines_count = lines_count,
        .lines = hf->reservation_lines,
    };
    if (!copy_text(out->id, head.id) || !copy_text(out->order, head.order)) {
        return unreadable(hf);
    }
    for (size_t i = 0; i < lines_count; i++) {
        struct holdfast_reservation_line *line = &hf->reservation_lines[i];
        struct hf_reservation_line_view view;
        if (hf_reservation_line_next(&reply.entries, &view) != HF_OK ||
            !copy_text(line->sku, view.sku) || !copy_text(line->location, view.location)) {
            return unreadable(hf);
        }
        line->units = view.units;
        line->fulfilled = view.fulfilled;
        line->released = view.released;
    }
    return HOLDFAST_OK;
}

/*
 * Run `give` on each entry of a paged answer. `give` returns false to stop; *is_bad: because the
 * entry could not be read.
 */
struct pages {
    unsigned operation;
    struct hf_request request; /* its cursor moves on */
    bool (*give)(struct pages *pages, struct hf_reply *reply, bool *is_bad);
    size_t left; /* entries that may still be given; SIZE_MAX: no limit */
    void *cb_arg;
    union {
        holdfast_reservation_cb reservation;
        holdfast_move_cb move;
        holdfast_cell_cb cell;
    } cb;
    const char *order;
};

static enum holdfast_outcome run_pages(struct holdfast *hf, struct pages *pages)
{
    for (;;) {
        struct hf_reply reply;
        if (pages->operation != HF_ASK_ORDER) {
            pages->request.limit =
                pages->left < PAGE_ENTRIES ? (uint32_t)pages->left : PAGE_ENTRIES;
        }
        const enum holdfast_outcome outcome = ask(hf, pages->operation, &pages->request, &reply);
        if (outcome != HOLDFAST_OK) {
            return outcome;
        }
        bool is_bad = false;
        bool is_wanted = true;
        hf->is_processing = true; /* the entries lie in hf->answer: no call may replace them */
        for (uint32_t i = 0; is_wanted && pages->left > 0 && i < reply.entries_count; i++) {
            is_wanted = pages->give(pages, &reply, &is_bad);
            pages->left -= pages->left == SIZE_MAX ? 0 : 1;
        }
        hf->is_processing = false;
        if (is_bad || (reply.argument != 0 && reply.argument == pages->request.cursor)) {
            return unreadable(hf);
        }
        if (!is_wanted || pages->left == 0 || reply.argument == 0) {
            return HOLDFAST_OK;
        }
        pages->request.cursor = reply.argument;
    }
}

static bool give_summary(struct pages *pages, struct hf_reply *reply, bool *is_bad)
{
    struct hf_reservation_view view;
    struct holdfast_reservation summary = {0};

    if (hf_summary_next(&reply->entries, &view) != HF_OK || !copy_text(summary.id, view.id)) {
        *is_bad = true;
        return false;
    }
    (void)copy_text(summary.order, hf_client_text(pages->order));
    summary.state = (enum holdfast_state)view.state;
    summary.expires_at_us = (int64_t)view.expires_at_us;
    summary.opened_lsn = view.opened_lsn;
    summary.lsn = reply->lsn;
    summary.lines_count = view.lines_count;
    return pages->cb.reservation(pages->cb_arg, &summary);
}

enum holdfast_outcome holdfast_get_order(struct holdfast *hf, const char *order,
                                         holdfast_reservation_cb cb, void *arg)
{
    struct pages pages = {
        .operation = HF_ASK_ORDER,
        .request = {.op = {.order = hf_client_text(order)}},
        .give = give_summary,
        .left = SIZE_MAX,
        .cb_arg = arg,
        .cb.reservation = cb,
        .order = order,
    };
    return run_pages(hf, &pages);
}

/* ------------------------------------------------------------------ ledger and list */

static bool give_move(struct pages *pages, struct hf_reply *reply, bool *is_bad)
{
    struct hf_move view;
    struct holdfast_move move = {0};

    if (hf_move_entry_next(&reply->entries, &view) != HF_OK || !copy_text(move.sku, view.sku) ||
        !copy_text(move.location, view.location) || !copy_text(move.ref, view.ref) ||
        !copy_text(move.order, view.order) || !copy_text(move.by, view.by) ||
        !copy_text(move.reservation, view.reservation)) {
        *is_bad = true;
        return false;
    }
    move.lsn = view.lsn;
    move.index = view.index;
    move.ts_us = (int64_t)view.ts_us;
    move.kind = (enum holdfast_kind)view.kind;
    move.reason = (enum holdfast_reason)view.reason;
    move.delta = (struct holdfast_counters){view.delta[HF_ON_HAND], view.delta[HF_HELD],
                                            view.delta[HF_COMMITTED], view.delta[HF_IN_TRANSIT]};
    move.after = (struct holdfast_counters){view.after[HF_ON_HAND], view.after[HF_HELD],
                                            view.after[HF_COMMITTED], view.after[HF_IN_TRANSIT]};
    return pages->cb.move(pages->cb_arg, &move);
}

enum holdfast_outcome holdfast_get_ledger(struct holdfast *hf,
                                          const struct holdfast_ledger_query *query,
                                          holdfast_move_cb cb, void *arg)
{
    const struct hf_op_line line = {.sku = hf_client_text(query->sku),
                                    .location = hf_client_text(query->location)};
    const bool has_cell = query->sku != NULL || query->location != NULL;
    struct pages pages = {
        .operation = HF_ASK_LEDGER,
        .request = {.op = {.ref = hf_client_text(query->ref),
                           .order = hf_client_text(query->order),
                           .lines = has_cell ? &line : NULL,
                           .lines_count = has_cell ? 1 : 0}},
        .give = give_move,
        .left = query->limit == 0 ? SIZE_MAX : query->limit,
        .cb_arg = arg,
        .cb.move = cb,
    };
    return run_pages(hf, &pages);
}

static bool give_cell(struct pages *pages, struct hf_reply *reply, bool *is_bad)
{
    struct hf_cell_view view;
    struct holdfast_cell cell;

    if (hf_cell_next(&reply->entries, &view) != HF_OK || !copy_cell(&cell, &view, reply->lsn)) {
        *is_bad = true;
        return false;
    }
    return pages->cb.cell(pages->cb_arg, &cell);
}

enum holdfast_outcome holdfast_list(struct holdfast *hf, const char *location,
                                    const char *sku_prefix, bool only_low, holdfast_cell_cb cb,
                                    void *arg)
{
    const struct hf_op_line line = {.location = hf_client_text(location)};
    struct pages pages = {
        .operation = HF_ASK_LIST,
        .request = {.op = {.id = hf_client_text(sku_prefix),
                           .lines = location != NULL ? &line : NULL,
                           .lines_count = location != NULL ? 1 : 0},
                    .only_low = only_low},
        .give = give_cell,
        .left = SIZE_MAX,
        .cb_arg = arg,
        .cb.cell = cb,
    };
    return run_pages(hf, &pages);
}

/* ------------------------------------------------------------------ administration */

enum holdfast_outcome holdfast_ping(struct holdfast *hf)
{
    struct hf_reply reply;
    return ask(hf, HF_ASK_PING, NULL, &reply);
}

enum holdfast_outcome holdfast_get_stats(struct holdfast *hf, holdfast_stat_cb cb, void *arg)
{
    struct hf_reply reply;
    const enum holdfast_outcome outcome = ask(hf, HF_ASK_STATS, NULL, &reply);
    if (outcome != HOLDFAST_OK) {
        return outcome;
    }
    bool is_wanted = true;
    bool is_bad = false;
    hf->is_processing = true;
    for (uint32_t i = 0; is_wanted && !is_bad && i < reply.entries_count; i++) {
        struct hf_stat stat;
        char name[65];
        is_bad = hf_stat_next(&reply.entries, &stat) != HF_OK || !copy_text(name, stat.name);
        is_wanted = !is_bad && cb(arg, name, stat.value);
    }
    hf->is_processing = false;
    return is_bad ? unreadable(hf) : HOLDFAST_OK;
}

enum holdfast_outcome holdfast_digest(struct holdfast *hf, uint64_t *lsn, char hex[33])
{
    struct hf_reply reply;
    struct hf_digest digest;
    const enum holdfast_outcome outcome = ask(hf, HF_ASK_DIGEST, NULL, &reply);
    if (outcome != HOLDFAST_OK) {
        return outcome;
    }
    if (hf_digest_next(&reply.entries, &digest) != HF_OK) {
        return unreadable(hf);
    }
    *lsn = reply.lsn;
    (void)snprintf(hex, 33, "%016llx%016llx", (unsigned long long)digest.high,
                   (unsigned long long)digest.low);
    return HOLDFAST_OK;
}

enum holdfast_outcome holdfast_audit(struct holdfast *hf, struct holdfast_audit *audit)
{
    struct hf_reply reply;
    struct hf_audit_report report;
    const enum holdfast_outcome outcome = ask(hf, HF_ASK_AUDIT, NULL, &reply);
    if (outcome != HOLDFAST_OK) {
        return outcome;
    }
    if (hf_audit_report_next(&reply.entries, &report) != HF_OK ||
        report.first_violation.bytes_count >= sizeof audit->first_violation) {
        return unreadable(hf);
    }
    *audit = (struct holdfast_audit){
        .lsn = reply.lsn,
        .cells = report.cells_count,
        .reservations = report.reservations_count,
        .violations = report.violations_count,
    };
    (void)snprintf(audit->first_violation, sizeof audit->first_violation, "%.*s",
                   (int)report.first_violation.bytes_count,
                   report.first_violation.bytes_count == 0 ? "" : report.first_violation.bytes);
    return HOLDFAST_OK;
}

enum holdfast_outcome holdfast_snapshot(struct holdfast *hf, uint64_t *lsn)
{
    struct hf_reply reply;
    const enum holdfast_outcome outcome = ask(hf, HF_ASK_SNAPSHOT, NULL, &reply);
    if (outcome == HOLDFAST_OK) {
        *lsn = reply.lsn;
    }
    return outcome;
}
