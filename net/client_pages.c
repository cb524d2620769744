/*
 * client_pages.c - questions whose answers come in pages: orders, ledgers, lists. A callback gets
 * the entries one by one, and the next page is asked for when one is used up.
 */
#include "net/client.h"

#include "engine/effect.h"

/* Entries asked for at once; the server may give fewer. */
#define PAGE_ENTRIES 1024u

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
        holdfast_shortage_cb shortage;
        holdfast_shipment_cb shipment;
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
        const enum holdfast_outcome outcome =
            hf_client_ask(hf, pages->operation, &pages->request, &reply);
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
            return hf_client_unreadable(hf);
        }
        if (!is_wanted || pages->left == 0 || reply.argument == 0) {
            return HOLDFAST_OK;
        }
        pages->request.cursor = reply.argument;
    }
}

/* ------------------------------------------------------------------ orders */

static bool give_summary(struct pages *pages, struct hf_reply *reply, bool *is_bad)
{
    struct hf_reservation_view view;
    struct holdfast_reservation summary = {0};

    if (hf_summary_next(&reply->entries, &view) != HF_OK ||
        !hf_client_copy_text(summary.id, view.id)) {
        *is_bad = true;
        return false;
    }
    (void)hf_client_copy_text(summary.order, hf_client_text(pages->order));
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

/* ------------------------------------------------------------------ ledger, list, shortages */

static bool give_move(struct pages *pages, struct hf_reply *reply, bool *is_bad)
{
    struct hf_move view;
    struct holdfast_move move = {0};

    if (hf_move_entry_next(&reply->entries, &view) != HF_OK ||
        !hf_client_copy_text(move.sku, view.sku) ||
        !hf_client_copy_text(move.location, view.location) ||
        !hf_client_copy_text(move.ref, view.ref) || !hf_client_copy_text(move.order, view.order) ||
        !hf_client_copy_text(move.by, view.by) ||
        !hf_client_copy_text(move.reservation, view.reservation)) {
        *is_bad = true;
        return false;
    }
    move.lsn = view.lsn;
    move.index = view.index;
    move.ts_us = (int64_t)view.ts_us;
    move.kind = (enum holdfast_kind)view.kind;
    move.reason = (enum holdfast_reason)view.reason;
    move.delta = hf_client_counters(view.delta);
    move.after = hf_client_counters(view.after);
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

    if (hf_cell_next(&reply->entries, &view) != HF_OK ||
        !hf_client_copy_cell(&cell, &view, reply->lsn)) {
        *is_bad = true;
        return false;
    }
    return pages->cb.cell(pages->cb_arg, &cell);
}

enum holdfast_outcome holdfast_list(struct holdfast *hf, const struct holdfast_list_query *query,
                                    holdfast_cell_cb cb, void *arg)
{
    if (query->idle_us > INT64_MAX) {
        return hf_client_fail(hf, HOLDFAST_INVALID_ARGUMENT, "idle_us is longer than time is");
    }
    const struct hf_op_line line = {.location = hf_client_text(query->location),
                                    .units = (int64_t)query->idle_us};
    const bool has_line = query->location != NULL || query->idle_us > 0;
    struct pages pages = {
        .operation = HF_ASK_LIST,
        .request = {.op = {.id = hf_client_text(query->sku_prefix),
                           .lines = has_line ? &line : NULL,
                           .lines_count = has_line ? 1 : 0},
                    .only_low = query->only_low},
        .give = give_cell,
        .left = SIZE_MAX,
        .cb_arg = arg,
        .cb.cell = cb,
    };
    return run_pages(hf, &pages);
}

static bool give_shortage(struct pages *pages, struct hf_reply *reply, bool *is_bad)
{
    struct holdfast_hit hits[HF_HITS_MAX];
    struct hf_items rest;
    struct hf_cell_view view;
    struct holdfast_cell cell;
    uint32_t hits_count;

    *is_bad = hf_shortage_next(&reply->entries, &view, &rest, &hits_count) != HF_OK ||
              hits_count > HF_HITS_MAX || !hf_client_copy_cell(&cell, &view, reply->lsn);
    for (uint32_t i = 0; !*is_bad && i < hits_count; i++) {
        struct hf_hit hit;
        *is_bad = hf_hit_next(&rest, &hit) != HF_OK ||
                  !hf_client_copy_text(hits[i].reservation, hit.reservation);
        hits[i].units = *is_bad ? 0 : hit.units;
    }
    return !*is_bad && pages->cb.shortage(pages->cb_arg, &cell, hits, hits_count);
}

enum holdfast_outcome holdfast_get_shortages(struct holdfast *hf, holdfast_shortage_cb cb,
                                             void *arg)
{
    struct pages pages = {
        .operation = HF_ASK_SHORTAGES,
        .give = give_shortage,
        .left = SIZE_MAX,
        .cb_arg = arg,
        .cb.shortage = cb,
    };
    return run_pages(hf, &pages);
}

/* ------------------------------------------------------------------ transfers, inbound */

static bool give_shipment(struct pages *pages, struct hf_reply *reply, bool *is_bad)
{
    struct hf_shipment_view view = {0};
    struct holdfast_shipment summary;

    if (hf_shipment_next(&reply->entries, &view) != HF_OK ||
        !hf_client_copy_shipment(&summary, &view, reply->lsn)) {
        *is_bad = true;
        return false;
    }
    return pages->cb.shipment(pages->cb_arg, &summary);
}

static enum holdfast_outcome list_shipments(struct holdfast *hf, unsigned operation,
                                            const struct holdfast_shipments_query *query,
                                            holdfast_shipment_cb cb, void *arg)
{
    const struct hf_op_line line = {.location = hf_client_text(query->location)};
    struct pages pages = {
        .operation = operation,
        .request = {.op = {.lines = query->location != NULL ? &line : NULL,
                           .lines_count = query->location != NULL ? 1 : 0},
                    .only_open = query->only_open,
                    .only_late = query->only_late},
        .give = give_shipment,
        .left = SIZE_MAX,
        .cb_arg = arg,
        .cb.shipment = cb,
    };
    return run_pages(hf, &pages);
}

enum holdfast_outcome holdfast_list_transfers(struct holdfast *hf,
                                              const struct holdfast_shipments_query *query,
                                              holdfast_shipment_cb cb, void *arg)
{
    return list_shipments(hf, HF_ASK_TRANSFERS, query, cb, arg);
}

enum holdfast_outcome holdfast_list_inbound(struct holdfast *hf,
                                            const struct holdfast_shipments_query *query,
                                            holdfast_shipment_cb cb, void *arg)
{
    return list_shipments(hf, HF_ASK_INBOUND_SHIPMENTS, query, cb, arg);
}
