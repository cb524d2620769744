/*
 * client_read.c - questions and administration: one frame there, one frame back, always waited
 * for. Long answers, which come in pages, are in client_pages.c.
 */
#include "net/client.h"

#include <stdio.h>
#include <string.h>

#include "engine/assert.h"
#include "engine/effect.h"

/* ------------------------------------------------------------------ ask */

enum holdfast_outcome hf_client_fail(struct holdfast *hf, enum holdfast_outcome outcome,
                                     const char *why)
{
    hf_client_set_error(hf, "%s", why);
    return outcome;
}

/* `request`, or `path` of a backup, or neither. */
static enum holdfast_outcome ask(struct holdfast *hf, unsigned operation,
                                 const struct hf_request *request, const char *path,
                                 struct hf_reply *reply)
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
    if (path != NULL) {
        hf_backup_put(&hf->out, hf_text_of(path)); /* a failure stays in hf->out */
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
            return hf_client_fail(hf, HOLDFAST_UNKNOWN, "the server's answer cannot be read");
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

enum holdfast_outcome hf_client_ask(struct holdfast *hf, unsigned operation,
                                    const struct hf_request *request, struct hf_reply *reply)
{
    return ask(hf, operation, request, NULL, reply);
}

enum holdfast_outcome hf_client_unreadable(struct holdfast *hf)
{
    return hf_client_fail(hf, HOLDFAST_UNKNOWN, "the server's answer cannot be read");
}

bool hf_client_copy_text(char to[65], struct hf_text from)
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

struct holdfast_counters hf_client_counters(const int64_t counters[HF_COUNTERS_COUNT])
{
    return (struct holdfast_counters){
        .on_hand = counters[HF_ON_HAND],
        .held = counters[HF_HELD],
        .committed = counters[HF_COMMITTED],
        .in_transit = counters[HF_IN_TRANSIT],
        .damaged = counters[HF_DAMAGED],
        .quarantined = counters[HF_QUARANTINED],
    };
}

/* ------------------------------------------------------------------ stock */

bool hf_client_copy_cell(struct holdfast_cell *to, const struct hf_cell_view *from, uint64_t lsn)
{
    to->on_hand = from->on_hand;
    to->held = from->held;
    to->committed = from->committed;
    to->in_transit = from->in_transit;
    to->damaged = from->damaged;
    to->quarantined = from->quarantined;
    to->safety_stock = from->safety_stock;
    to->low_stock = from->low_stock;
    to->backorder_limit = from->backorder_limit;
    to->atf = from->atf;
    to->ats = from->ats;
    to->shortage = from->shortage;
    to->last_sale_us = (int64_t)from->last_sale_us;
    to->version = from->version;
    to->lsn = lsn;
    return hf_client_copy_text(to->sku, from->sku) &&
           hf_client_copy_text(to->location, from->location);
}

enum holdfast_outcome holdfast_get_stock(struct holdfast *hf, const char *sku, const char *location,
                                         struct holdfast_cell *cell)
{
    const struct hf_op_line line = {.sku = hf_client_text(sku),
                                    .location = hf_client_text(location)};
    const struct hf_request request = {.op = {.lines = &line, .lines_count = 1}};
    struct hf_reply reply;
    struct hf_cell_view view;

    const enum holdfast_outcome outcome = hf_client_ask(hf, HF_ASK_STOCK, &request, &reply);
    if (outcome != HOLDFAST_OK) {
        return outcome;
    }
    if (hf_cell_next(&reply.entries, &view) != HF_OK ||
        !hf_client_copy_cell(cell, &view, reply.lsn)) {
        return hf_client_unreadable(hf);
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
    const enum holdfast_outcome outcome = hf_client_ask(hf, HF_ASK_ATS, &request, &reply);
    if (outcome != HOLDFAST_OK) {
        return outcome;
    }
    if (reply.entries_count != count) {
        return hf_client_unreadable(hf);
    }
    for (size_t i = 0; i < count; i++) {
        struct hf_ats_entry entry;
        if (hf_ats_next(&reply.entries, &entry) != HF_OK) {
            return hf_client_unreadable(hf);
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
            return hf_client_fail(hf, HOLDFAST_BUSY, "out of memory");
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
            return hf_client_fail(hf, HOLDFAST_BUSY, "out of memory");
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
            return hf_client_fail(hf, HOLDFAST_BUSY, "out of memory");
        }
        for (size_t i = 0; i < lines_count; i++) {
            hf->op_lines[i].sku = hf_client_text(skus == NULL ? NULL : skus[done + i]);
            hf->op_lines[i].location =
                hf_client_text(locations == NULL ? NULL : locations[done + i]);
        }
        const struct hf_request request = {
            .op = {.lines = hf->op_lines, .lines_count = (uint32_t)lines_count}};
        struct hf_reply reply;
        const enum holdfast_outcome outcome = hf_client_ask(hf, HF_ASK_LOOKUP, &request, &reply);
        if (outcome != HOLDFAST_OK) {
            return outcome;
        }
        if (reply.entries_count != lines_count) {
            return hf_client_unreadable(hf);
        }
        for (size_t i = 0; i < lines_count; i++, done++) {
            struct hf_handle_pair pair;
            if (hf_handle_pair_next(&reply.entries, &pair) != HF_OK) {
                return hf_client_unreadable(hf);
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

    const enum holdfast_outcome outcome = hf_client_ask(hf, HF_ASK_RESERVATION, &request, &reply);
    if (outcome != HOLDFAST_OK) {
        return outcome;
    }
    if (reply.entries_count == 0 || reply.entries_count > HF_LINES_MAX + 1 ||
        hf_reservation_next(&reply.entries, &head) != HF_OK) {
        return hf_client_unreadable(hf);
    }
    const size_t lines_count = reply.entries_count - 1;
    if (!hf_client_reserve((void **)&hf->reservation_lines, &hf->reservation_lines_max, lines_count,
                           sizeof *hf->reservation_lines)) {
        return hf_client_fail(hf, HOLDFAST_BUSY, "out of memory");
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
    if (!hf_client_copy_text(out->id, head.id) || !hf_client_copy_text(out->order, head.order)) {
        return hf_client_unreadable(hf);
    }
    for (size_t i = 0; i < lines_count; i++) {
        struct holdfast_reservation_line *line = &hf->reservation_lines[i];
        struct hf_reservation_line_view view;
        if (hf_reservation_line_next(&reply.entries, &view) != HF_OK ||
            !hf_client_copy_text(line->sku, view.sku) ||
            !hf_client_copy_text(line->location, view.location)) {
            return hf_client_unreadable(hf);
        }
        line->units = view.units;
        line->fulfilled = view.fulfilled;
        line->released = view.released;
    }
    return HOLDFAST_OK;
}

/* ------------------------------------------------------------------ administration */

enum holdfast_outcome holdfast_ping(struct holdfast *hf)
{
    struct hf_reply reply;
    return hf_client_ask(hf, HF_ASK_PING, NULL, &reply);
}

enum holdfast_outcome holdfast_get_stats(struct holdfast *hf, holdfast_stat_cb cb, void *arg)
{
    struct hf_reply reply;
    const enum holdfast_outcome outcome = hf_client_ask(hf, HF_ASK_STATS, NULL, &reply);
    if (outcome != HOLDFAST_OK) {
        return outcome;
    }
    bool is_wanted = true;
    bool is_bad = false;
    hf->is_processing = true;
    for (uint32_t i = 0; is_wanted && !is_bad && i < reply.entries_count; i++) {
        struct hf_stat stat;
        char name[65];
        is_bad =
            hf_stat_next(&reply.entries, &stat) != HF_OK || !hf_client_copy_text(name, stat.name);
        is_wanted = !is_bad && cb(arg, name, stat.value);
    }
    hf->is_processing = false;
    return is_bad ? hf_client_unreadable(hf) : HOLDFAST_OK;
}

enum holdfast_outcome holdfast_digest(struct holdfast *hf, uint64_t *lsn, char hex[33])
{
    struct hf_reply reply;
    struct hf_digest digest;
    const enum holdfast_outcome outcome = hf_client_ask(hf, HF_ASK_DIGEST, NULL, &reply);
    if (outcome != HOLDFAST_OK) {
        return outcome;
    }
    if (hf_digest_next(&reply.entries, &digest) != HF_OK) {
        return hf_client_unreadable(hf);
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
    const enum holdfast_outcome outcome = hf_client_ask(hf, HF_ASK_AUDIT, NULL, &reply);
    if (outcome != HOLDFAST_OK) {
        return outcome;
    }
    if (hf_audit_report_next(&reply.entries, &report) != HF_OK ||
        report.first_violation.bytes_count >= sizeof audit->first_violation) {
        return hf_client_unreadable(hf);
    }
    *audit = (struct holdfast_audit){
        .lsn = reply.lsn,
        .cells = report.cells_count,
        .reservations = report.reservations_count,
        .violations = report.violations_count,
        .shipments = report.shipments_count,
    };
    (void)snprintf(audit->first_violation, sizeof audit->first_violation, "%.*s",
                   (int)report.first_violation.bytes_count,
                   report.first_violation.bytes_count == 0 ? "" : report.first_violation.bytes);
    return HOLDFAST_OK;
}

enum holdfast_outcome holdfast_snapshot(struct holdfast *hf, uint64_t *lsn)
{
    struct hf_reply reply;
    const enum holdfast_outcome outcome = hf_client_ask(hf, HF_ASK_SNAPSHOT, NULL, &reply);
    if (outcome == HOLDFAST_OK) {
        *lsn = reply.lsn;
    }
    return outcome;
}

/* One answer about a backup: into `backup`, or, of a refusal, into hf->error. */
static enum holdfast_outcome take_backup(struct holdfast *hf, enum holdfast_outcome outcome,
                                         struct hf_reply *reply, bool *is_done,
                                         struct holdfast_backup *backup)
{
    struct hf_backup_view view;

    if (reply->entries_count != 1 || hf_backup_view_next(&reply->entries, &view) != HF_OK ||
        view.text.bytes_count >= sizeof backup->path) {
        return outcome == HOLDFAST_OK ? hf_client_unreadable(hf) : outcome;
    }
    if (outcome != HOLDFAST_OK) {
        hf_client_set_error(hf, "%.*s", (int)view.text.bytes_count,
                            view.text.bytes_count == 0 ? "" : (const char *)view.text.bytes);
        return outcome;
    }
    *is_done = view.is_done;
    *backup = (struct holdfast_backup){
        .lsn = reply->lsn, .bytes_done = view.bytes_done, .bytes_total = view.bytes_total};
    (void)snprintf(backup->path, sizeof backup->path, "%.*s", (int)view.text.bytes_count,
                   view.text.bytes_count == 0 ? "" : (const char *)view.text.bytes);
    return HOLDFAST_OK;
}

enum holdfast_outcome holdfast_backup(struct holdfast *hf, const char *directory,
                                      holdfast_backup_cb cb, void *arg,
                                      struct holdfast_backup *backup)
{
    unsigned operation = HF_ASK_BACKUP;
    bool is_done = false;

    if (directory == NULL || directory[0] == '\0' || strlen(directory) > HF_TEXT_BYTES_MAX) {
        return hf_client_fail(hf, HOLDFAST_INVALID_ARGUMENT,
                              "a backup needs a name of 1 to 255 bytes");
    }
    while (!is_done) {
        struct hf_reply reply = {0};
        enum holdfast_outcome outcome =
            ask(hf, operation, NULL, operation == HF_ASK_BACKUP ? directory : NULL, &reply);
        if (outcome != HOLDFAST_UNKNOWN) {
            outcome = take_backup(hf, outcome, &reply, &is_done, backup);
        }
        if (outcome != HOLDFAST_OK) {
            return outcome;
        }
        if (!is_done && cb != NULL) {
            hf->is_processing = true;
            cb(arg, backup);
            hf->is_processing = false;
        }
        operation = HF_ASK_BACKUP_NEXT;
    }
    return HOLDFAST_OK;
}
