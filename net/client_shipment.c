/*
 * client_shipment.c - one transfer or inbound shipment, and the rows of an export.
 */
#include "net/client.h"

#include <string.h>

#include "engine/assert.h"

/* Rows asked for at once; the server may give fewer. */
#define EXPORT_ENTRIES 4096u

bool hf_client_copy_shipment(struct holdfast_shipment *to, const struct hf_shipment_view *from,
                             uint64_t lsn)
{
    *to = (struct holdfast_shipment){
        .state = (enum holdfast_state)from->state,
        .is_sellable = from->is_sellable,
        .eta_us = (int64_t)from->eta_us,
        .opened_us = (int64_t)from->opened_us,
        .opened_lsn = from->opened_lsn,
        .open_units = from->open_units,
        .lsn = lsn,
        .lines_count = from->lines_count,
    };
    return hf_client_copy_text(to->id, from->id) && hf_client_copy_text(to->order, from->order) &&
           hf_client_copy_text(to->from, from->from) && hf_client_copy_text(to->to, from->to);
}

static bool copy_line(struct holdfast_shipment_line *to, const struct hf_shipment_line_view *from)
{
    to->units = from->units;
    to->unshipped = from->unshipped;
    to->under_way = from->under_way;
    to->received = from->received;
    to->damaged = from->damaged;
    to->cancelled = from->cancelled;
    to->lost = from->lost;
    return hf_client_copy_text(to->sku, from->sku);
}

static enum holdfast_outcome get_shipment(struct holdfast *hf, unsigned operation, const char *id,
                                          struct holdfast_shipment *out)
{
    const struct hf_request request = {.op = {.id = hf_client_text(id)}};
    struct hf_shipment_view head = {0};
    struct hf_reply reply;

    const enum holdfast_outcome outcome = hf_client_ask(hf, operation, &request, &reply);
    if (outcome != HOLDFAST_OK) {
        return outcome;
    }
    if (reply.entries_count == 0 || reply.entries_count > HF_LINES_MAX + 1 ||
        hf_shipment_next(&reply.entries, &head) != HF_OK ||
        head.lines_count != reply.entries_count - 1 ||
        !hf_client_copy_shipment(out, &head, reply.lsn)) {
        return hf_client_unreadable(hf);
    }
    if (!hf_client_reserve((void **)&hf->shipment_lines, &hf->shipment_lines_max, out->lines_count,
                           sizeof *hf->shipment_lines)) {
        return hf_client_fail(hf, HOLDFAST_BUSY, "out of memory");
    }
    out->lines = hf->shipment_lines;
    for (size_t i = 0; i < out->lines_count; i++) {
        struct hf_shipment_line_view line;
        if (hf_shipment_line_next(&reply.entries, &line) != HF_OK ||
            !copy_line(&hf->shipment_lines[i], &line)) {
            return hf_client_unreadable(hf);
        }
    }
    return HOLDFAST_OK;
}

enum holdfast_outcome holdfast_get_transfer(struct holdfast *hf, const char *id,
                                            struct holdfast_shipment *out)
{
    return get_shipment(hf, HF_ASK_TRANSFER, id, out);
}

enum holdfast_outcome holdfast_get_inbound(struct holdfast *hf, const char *id,
                                           struct holdfast_shipment *out)
{
    return get_shipment(hf, HF_ASK_INBOUND, id, out);
}

/* ------------------------------------------------------------------ export */

/* One row, with all it points to. */
struct row {
    struct holdfast_cell cell;
    struct holdfast_reservation reservation;
    struct holdfast_reservation_line reserved;
    struct holdfast_shipment shipment;
    struct holdfast_shipment_line shipped;
};

static bool copy_reservation(struct row *to, const struct hf_frozen_row *from, uint64_t lsn)
{
    const struct hf_reservation_view *head = &from->reservation;

    to->reservation = (struct holdfast_reservation){
        .state = (enum holdfast_state)head->state,
        .expires_at_us = (int64_t)head->expires_at_us,
        .opened_us = (int64_t)head->opened_us,
        .opened_lsn = head->opened_lsn,
        .lsn = lsn,
        .lines_count = head->lines_count,
    };
    to->reserved.units = from->reserved.units;
    to->reserved.fulfilled = from->reserved.fulfilled;
    to->reserved.released = from->reserved.released;
    return hf_client_copy_text(to->reservation.id, head->id) &&
           hf_client_copy_text(to->reservation.order, head->order) &&
           hf_client_copy_text(to->reserved.sku, from->reserved.sku) &&
           hf_client_copy_text(to->reserved.location, from->reserved.location);
}

/* Read a row and fill in what the section has. False: it cannot be read. */
static bool read_row(struct hf_reply *reply, enum holdfast_section section, struct row *row,
                     struct holdfast_row *given)
{
    struct hf_frozen_row view = {.section = (enum hf_frozen_section)section};

    *given = (struct holdfast_row){0};
    if (hf_row_next(&reply->entries, &view) != HF_OK) {
        return false;
    }
    switch (section) {
    case HOLDFAST_CELLS:
        given->cell = &row->cell;
        return hf_client_copy_cell(&row->cell, &view.cell, reply->lsn);
    case HOLDFAST_RESERVATIONS:
        given->reservation = &row->reservation;
        given->reserved = &row->reserved;
        return copy_reservation(row, &view, reply->lsn);
    case HOLDFAST_TRANSFERS:
    case HOLDFAST_INBOUND:
        given->shipment = &row->shipment;
        given->shipped = &row->shipped;
        return hf_client_copy_shipment(&row->shipment, &view.shipment, reply->lsn) &&
               copy_line(&row->shipped, &view.shipped);
    }
    return false;
}

/* One page. *is_wanted: the callback wants more. False: a row cannot be read. */
static bool give_rows(struct holdfast *hf, struct hf_reply *reply, enum holdfast_section section,
                      holdfast_row_cb cb, void *arg, bool *is_wanted)
{
    struct row row;
    struct holdfast_row given;
    bool is_bad = false;

    *is_wanted = true;
    hf->is_processing = true; /* the entries lie in hf->answer: no call may replace them */
    for (uint32_t i = 0; *is_wanted && !is_bad && i < reply->entries_count; i++) {
        is_bad = !read_row(reply, section, &row, &given);
        *is_wanted = !is_bad && cb(arg, &given);
    }
    hf->is_processing = false;
    return !is_bad;
}

/* The reading goes on at the server until its last page, or until it is told otherwise. */
static void end_reading(struct holdfast *hf)
{
    const struct hf_request none = {0};
    struct hf_reply reply;
    (void)hf_client_ask(hf, HF_ASK_EXPORT, &none, &reply); /* else it ends with the connection */
}

enum holdfast_outcome holdfast_export(struct holdfast *hf, enum holdfast_section section,
                                      struct holdfast_token *at, holdfast_row_cb cb, void *arg)
{
    const struct hf_request begin = {.cursor = (uint64_t)section};
    const struct hf_request next = {.limit = EXPORT_ENTRIES};
    struct hf_reply reply;
    bool is_wanted = true;

    if (section < HOLDFAST_CELLS || section > HOLDFAST_INBOUND) {
        return hf_client_fail(hf, HOLDFAST_INVALID_ARGUMENT, "there is no such section");
    }
    enum holdfast_outcome outcome = hf_client_ask(hf, HF_ASK_EXPORT, &begin, &reply);
    if (outcome != HOLDFAST_OK) {
        return outcome;
    }
    *at = (struct holdfast_token){.epoch = (uint32_t)reply.argument, .lsn = reply.lsn};
    do {
        outcome = hf_client_ask(hf, HF_ASK_EXPORT_NEXT, &next, &reply);
        if (outcome == HOLDFAST_WRONG_STATE || (outcome == HOLDFAST_OK && reply.lsn != at->lsn)) {
            return hf_client_fail(hf, HOLDFAST_UNKNOWN,
                                  "the connection was lost in the middle of an export");
        }
        if (outcome != HOLDFAST_OK) {
            return outcome;
        }
        if (!give_rows(hf, &reply, section, cb, arg, &is_wanted)) {
            end_reading(hf);
            return hf_client_unreadable(hf);
        }
    } while (is_wanted && reply.argument != 0);
    if (reply.argument != 0) {
        end_reading(hf);
    }
    return HOLDFAST_OK;
}
