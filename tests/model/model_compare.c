/*
 * model_compare.c - answers and state of the engine against those of the model.
 *
 * See model_run.h. Where the contracts leave something open it is not compared, and a comment
 * says so.
 */
#include "tests/model/model_run.h"

#include <inttypes.h>
#include <string.h>

/* A text for a message. */
#define TEXT(text) (int)(text).bytes_count, (text).bytes

/* ------------------------------------------------------------------ results */

static bool is_field_right(const struct hf_result *got, const struct hf_model_result *want)
{
    for (uint32_t i = 0; i < want->malformed_count; i++) {
        if (want->malformed[i].field == got->field &&
            want->malformed[i].line_index == got->line_index) {
            return true;
        }
    }
    return false;
}

static void compare_result_line(struct hf_run *run, const struct hf_op *op,
                                const struct hf_result_line *got, const struct hf_result_line *want)
{
    const char *kind = hf_kind_name(op->kind);
    const bool has_shortfall = want->outcome == HF_OK || want->outcome == HF_INSUFFICIENT_STOCK ||
                               want->outcome == HF_INSUFFICIENT_ON_HAND ||
                               want->outcome == HF_EXCEEDS_RESERVATION ||
                               want->outcome == HF_EXCEEDS_SHIPMENT;
    /* Of what is left of a shipment no cell is asked. */
    const bool has_ats = want->outcome != HF_EXCEEDS_SHIPMENT;
    /* What a set asks for is a value, not an amount. */
    const bool has_requested =
        op->kind != HF_KIND_SET &&
        (op->kind != HF_KIND_ADJUST || want->outcome == HF_INSUFFICIENT_ON_HAND);

    if (op->kind == HF_KIND_SET_LOCATION || op->kind == HF_KIND_SET_REGION) {
        return; /* of a place there is no figure to tell */
    }
    if (op->kind >= HF_KIND_TRANSFER_CREATE && want->outcome == HF_UNKNOWN_SKU) {
        return; /* nor of a SKU at no location */
    }
    if (got->outcome != want->outcome) {
        hf_run_fail(run, "%s: line %u fails with %s, expected %s", kind, want->line_index,
                    hf_err_name(got->outcome), hf_err_name(want->outcome));
    }
    /* Without lines in the operation there is none to point at. */
    if (op->lines_count > 0 && got->line_index != want->line_index) {
        hf_run_fail(run, "%s: line index %u, expected %u", kind, got->line_index, want->line_index);
    }
    if ((has_requested && got->requested != want->requested) || got->granted != want->granted ||
        (has_ats && got->ats != want->ats) ||
        (has_shortfall && got->shortfall != want->shortfall) ||
        (has_ats && got->earliest_expiry_us != want->earliest_expiry_us)) {
        hf_run_fail(run,
                    "%s: line %u (%s): requested %" PRId64 " granted %" PRId64 " ats %" PRId64
                    " shortfall %" PRId64 " earliest %" PRIu64 ", expected %" PRId64 " %" PRId64
                    " %" PRId64 " %" PRId64 " %" PRIu64,
                    kind, want->line_index, hf_err_name(want->outcome), got->requested,
                    got->granted, got->ats, got->shortfall, got->earliest_expiry_us,
                    want->requested, want->granted, want->ats, want->shortfall,
                    want->earliest_expiry_us);
    }
}

static void compare_result_lines(struct hf_run *run, const struct hf_op *op,
                                 const struct hf_result *got, const struct hf_model_result *want)
{
    if (want->is_repeated || want->outcome == HF_LINKED_FAILED ||
        want->outcome == HF_LIMIT_EXCEEDED || want->outcome == HF_TOO_OLD ||
        want->other_outcome != HF_OK) {
        return; /* the contracts do not say which lines these have */
    }
    if (got->lines_count != want->lines_count) {
        hf_run_fail(run, "%s: %s with %u lines, expected %u", hf_kind_name(op->kind),
                    hf_err_name(want->outcome), got->lines_count, want->lines_count);
        return;
    }
    for (uint32_t i = 0; i < want->lines_count; i++) {
        uint32_t at = i;

        /* Versions are judged line by line, so their order may be that of the wrong ones. */
        for (uint32_t j = 0; want->outcome == HF_VERSION_CONFLICT && j < want->lines_count; j++) {
            at = got->lines[j].line_index == want->lines[i].line_index ? j : at;
        }
        compare_result_line(run, op, &got->lines[at], &want->lines[i]);
    }
}

void hf_run_compare_result(struct hf_run *run, const struct hf_op *op, const struct hf_result *got,
                           const struct hf_model_result *want)
{
    const char *kind = hf_kind_name(op->kind);

    if (got->outcome != want->outcome &&
        (want->other_outcome == HF_OK || got->outcome != want->other_outcome)) {
        hf_run_fail(run, "%s: %s (%s), expected %s", kind, hf_err_name(got->outcome),
                    hf_field_name(got->field), hf_err_name(want->outcome));
        return;
    }
    if (want->outcome == HF_INVALID_ARGUMENT && !is_field_right(got, want)) {
        hf_run_fail(run, "%s: invalid %s of line %d, expected %s of line %d", kind,
                    hf_field_name(got->field), (int)got->line_index,
                    hf_field_name(want->malformed[0].field), (int)want->malformed[0].line_index);
    }
    if (got->is_repeated != want->is_repeated) {
        hf_run_fail(run, "%s: repeated %d, expected %d", kind, got->is_repeated, want->is_repeated);
    }
    if (got->is_unchanged != want->is_unchanged) {
        hf_run_fail(run, "%s: unchanged %d, expected %d", kind, got->is_unchanged,
                    want->is_unchanged);
    }
    if (!run->leaves_due && got->lsn != want->lsn) {
        hf_run_fail(run, "%s: %s at LSN %" PRIu64 ", expected %" PRIu64, kind,
                    hf_err_name(want->outcome), got->lsn, want->lsn);
    }
    /* A refusal may tell the state or not. */
    if (got->state != want->state && (want->outcome == HF_OK || got->state != HF_STATE_NONE)) {
        hf_run_fail(run, "%s: %s with state %s, expected %s", kind, hf_err_name(want->outcome),
                    hf_state_name(got->state), hf_state_name(want->state));
    }
    if (want->outcome == HF_OK && got->expires_at_us != want->expires_at_us) {
        hf_run_fail(run, "%s: expires at %" PRIu64 ", expected %" PRIu64, kind, got->expires_at_us,
                    want->expires_at_us);
    }
    compare_result_lines(run, op, got, want);
}

/* ------------------------------------------------------------------ cells */

static bool is_view_right(const struct hf_run *run, const struct hf_model *model,
                          const struct hf_cell_view *view, const struct hf_model_cell *cell)
{
    return view->on_hand == cell->counters[HF_ON_HAND] && view->held == cell->counters[HF_HELD] &&
           view->committed == cell->counters[HF_COMMITTED] &&
           view->in_transit == cell->counters[HF_IN_TRANSIT] &&
           view->damaged == cell->counters[HF_DAMAGED] &&
           view->quarantined == cell->counters[HF_QUARANTINED] &&
           view->safety_stock == cell->safety_stock && view->low_stock == cell->low_stock &&
           view->backorder_limit == cell->backorder_limit && view->atf == hf_model_atf(cell) &&
           view->ats == hf_model_ats(model, cell) &&
           view->shortage == hf_model_shortage(model, cell) &&
           view->last_sale_us == cell->last_sale_us &&
           (run->leaves_due ? (view->version == 0) == (cell->version == 0)
                            : view->version == cell->version);
}

void hf_run_compare_view(struct hf_run *run, const struct hf_model *model,
                         const struct hf_cell_view *view, const struct hf_model_cell *cell)
{
    const struct hf_text sku = hf_model_text_view(&model->skus[cell->sku]);
    const struct hf_text location = hf_model_text_view(&model->locations[cell->location].code);
    const int64_t *want = cell->counters;

    if (!hf_text_equal(view->sku, sku) || !hf_text_equal(view->location, location)) {
        hf_run_fail(run, "cell %.*s@%.*s is called %.*s@%.*s", TEXT(sku), TEXT(location),
                    TEXT(view->sku), TEXT(view->location));
        return;
    }
    if (!is_view_right(run, model, view, cell)) {
        hf_run_fail(
            run,
            "cell %.*s@%.*s: on_hand %" PRId64 " held %" PRId64 " committed %" PRId64
            " in_transit %" PRId64 " damaged %" PRId64 " quarantined %" PRId64 " safety %" PRId64
            " low %" PRId64 " backorder %" PRId64 " ats %" PRId64 " shortage %" PRId64
            " last sale %" PRIu64 " version %" PRIu64 ", expected %" PRId64 " %" PRId64 " %" PRId64
            " %" PRId64 " %" PRId64 " %" PRId64 " %" PRId64 " %" PRId64 " %" PRId64 " %" PRId64
            " %" PRId64 " %" PRIu64 " %" PRIu64,
            TEXT(sku), TEXT(location), view->on_hand, view->held, view->committed, view->in_transit,
            view->damaged, view->quarantined, view->safety_stock, view->low_stock,
            view->backorder_limit, view->ats, view->shortage, view->last_sale_us, view->version,
            want[HF_ON_HAND], want[HF_HELD], want[HF_COMMITTED], want[HF_IN_TRANSIT],
            want[HF_DAMAGED], want[HF_QUARANTINED], cell->safety_stock, cell->low_stock,
            cell->backorder_limit, hf_model_ats(model, cell), hf_model_shortage(model, cell),
            cell->last_sale_us, cell->version);
    }
}

/* Every pair of known codes: a pair without a cell reads as zeros. */
void hf_run_compare_cells(struct hf_run *run)
{
    const struct hf_model *model = run->model;

    for (uint32_t i = 0; i < model->skus_count && !run->has_failed; i++) {
        for (uint32_t j = 0; j < model->locations_count && !run->has_failed; j++) {
            const int found = hf_model_cell(model, (int)i, (int)j);
            const struct hf_model_cell none = {
                .sku = i, .location = j, .low_stock = HF_LOW_STOCK_NONE};
            const struct hf_op_line line = {.sku = hf_model_text_view(&model->skus[i]),
                                            .location =
                                                hf_model_text_view(&model->locations[j].code)};
            struct hf_cell_view view;
            const enum hf_err err = hf_engine_stock(run->engine, &line, false, &view);

            if (err != HF_OK) {
                hf_run_fail(run, "stock %.*s@%.*s: %s", TEXT(line.sku), TEXT(line.location),
                            hf_err_name(err));
                return;
            }
            hf_run_compare_view(run, model, &view, found < 0 ? &none : &model->cells[found]);
        }
    }
}

/* Codes have the handles of their creation, and none is known to one side only. */
void hf_run_compare_codes(struct hf_run *run)
{
    for (uint32_t i = 0; i < 8; i++) {
        const struct hf_text sku = hf_generate_sku(i);
        const struct hf_text location = hf_generate_location(i);
        const int sku_index = hf_model_sku(run->model, sku);
        const int location_index = hf_model_location(run->model, location);
        const struct hf_op_line line = {.sku = sku, .location = location};
        struct hf_cell_view view;
        const enum hf_err err = hf_engine_stock(run->engine, &line, false, &view);
        const enum hf_err want = sku_index < 0        ? HF_UNKNOWN_SKU
                                 : location_index < 0 ? HF_UNKNOWN_LOCATION
                                                      : HF_OK;

        if (hf_engine_sku(run->engine, sku) !=
                (sku_index < 0 ? HF_HANDLE_NONE : (uint32_t)sku_index) ||
            hf_engine_location(run->engine, location) !=
                (location_index < 0 ? HF_HANDLE_NONE : (uint32_t)location_index)) {
            hf_run_fail(run, "handles of SKU %.*s or location %.*s differ", TEXT(sku),
                        TEXT(location));
        }
        if (err != want) {
            hf_run_fail(run, "stock %.*s@%.*s: %s, expected %s", TEXT(sku), TEXT(location),
                        hf_err_name(err), hf_err_name(want));
        }
    }
}

/* ------------------------------------------------------------------ reservations */

static void compare_reservation_lines(struct hf_run *run, const struct hf_reservation_view *view,
                                      const struct hf_model_reservation *want)
{
    uint32_t cursor = view->first_line;
    uint32_t i = 0;
    struct hf_reservation_line_view line;

    while (hf_engine_reservation_line(run->engine, &cursor, &line)) {
        const struct hf_model_cell *cell;

        if (line.units == 0 && line.fulfilled == 0 && line.released == 0) {
            continue; /* a line that was granted nothing may be kept or not */
        }
        if (i == want->lines_count) {
            hf_run_fail(run, "reservation %.*s has more than %u lines", TEXT(view->id), i);
            return;
        }
        cell = &run->model->cells[want->lines[i].cell];
        if (!hf_text_equal(line.sku, hf_model_text_view(&run->model->skus[cell->sku])) ||
            !hf_text_equal(line.location,
                           hf_model_text_view(&run->model->locations[cell->location].code)) ||
            line.units != want->lines[i].units || line.fulfilled != want->lines[i].fulfilled ||
            line.released != want->lines[i].released) {
            hf_run_fail(run,
                        "reservation %.*s line %u: %.*s@%.*s %" PRId64 " fulfilled %" PRId64
                        " released %" PRId64 ", expected %" PRId64 " %" PRId64 " %" PRId64,
                        TEXT(view->id), i, TEXT(line.sku), TEXT(line.location), line.units,
                        line.fulfilled, line.released, want->lines[i].units,
                        want->lines[i].fulfilled, want->lines[i].released);
        }
        i += 1;
    }
    if (i != want->lines_count) {
        hf_run_fail(run, "reservation %.*s has %u lines, expected %u", TEXT(view->id), i,
                    want->lines_count);
    }
}

void hf_run_compare_reservation_head(struct hf_run *run, const struct hf_reservation_view *view,
                                     const struct hf_model_reservation *want)
{
    if (!hf_text_equal(view->id, hf_model_text_view(&want->id)) ||
        !hf_text_equal(view->order, hf_model_text_view(&want->order))) {
        hf_run_fail(run, "reservation %.*s of order %.*s, expected %.*s of %.*s", TEXT(view->id),
                    TEXT(view->order), TEXT(want->id), TEXT(want->order));
        return;
    }
    if (view->state != want->state || view->expires_at_us != want->deadline_us ||
        view->opened_us != want->opened_us ||
        (!run->leaves_due && view->opened_lsn != want->opened_lsn)) {
        hf_run_fail(run,
                    "reservation %.*s: %s until %" PRIu64 ", opened %" PRIu64 " at LSN %" PRIu64
                    ", expected %s %" PRIu64 " %" PRIu64 " %" PRIu64,
                    TEXT(view->id), hf_state_name(view->state), view->expires_at_us,
                    view->opened_us, view->opened_lsn, hf_state_name(want->state),
                    want->deadline_us, want->opened_us, want->opened_lsn);
    }
}

static void compare_reservation_view(struct hf_run *run, const struct hf_reservation_view *view,
                                     const struct hf_model_reservation *want)
{
    hf_run_compare_reservation_head(run, view, want);
    compare_reservation_lines(run, view, want);
}

void hf_run_compare_reservation(struct hf_run *run, struct hf_text id)
{
    const int found = hf_model_reservation(run->model, id);
    struct hf_reservation_view view;
    const enum hf_err err = hf_engine_reservation(run->engine, id, run->model->time_us, &view);

    if (err != (found < 0 ? HF_UNKNOWN_RESERVATION : HF_OK)) {
        hf_run_fail(run, "reservation %.*s: %s", TEXT(id), hf_err_name(err));
        return;
    }
    if (found >= 0) {
        compare_reservation_view(run, &view, &run->model->reservations[found]);
    }
}

void hf_run_compare_reservations(struct hf_run *run)
{
    for (uint32_t i = 0; i < run->model->reservations_count && !run->has_failed; i++) {
        hf_run_compare_reservation(run, hf_model_text_view(&run->model->reservations[i].id));
    }
}

/*
 * The reservations of an order, newest first; in two goes when `stops`, the second of which knows
 * no more than the LSN where the first one stopped.
 */
static void compare_order(struct hf_run *run, struct hf_text order, bool stops)
{
    struct hf_order_cursor cursor = hf_order_cursor_start(UINT64_MAX);
    struct hf_reservation_view view;

    for (uint32_t i = run->model->reservations_count; i > 0; i--) {
        const struct hf_model_reservation *want = &run->model->reservations[i - 1];

        if (!hf_text_equal(order, hf_model_text_view(&want->order))) {
            continue;
        }
        if (stops) {
            cursor = hf_order_cursor_start(cursor.before_lsn);
        }
        if (!hf_engine_order(run->engine, order, run->model->time_us, &cursor, &view)) {
            hf_run_fail(run, "order %.*s lacks reservation %.*s", TEXT(order), TEXT(want->id));
            return;
        }
        compare_reservation_view(run, &view, want);
    }
    if (hf_engine_order(run->engine, order, run->model->time_us, &cursor, &view)) {
        hf_run_fail(run, "order %.*s has reservation %.*s besides", TEXT(order), TEXT(view.id));
    }
}

void hf_run_compare_orders(struct hf_run *run)
{
    static const char unknown[] = "no such order";
    const uint32_t count = run->model->reservations_count;

    compare_order(run, hf_text_of(unknown), false);
    for (uint32_t i = 0; i < 4 && i < count && !run->has_failed; i++) {
        const struct hf_model_text order = run->model->reservations[count - 1 - i].order;

        if (order.bytes_count > 0) {
            compare_order(run, hf_model_text_view(&order), i % 2 == 0);
        }
    }
}

/* ------------------------------------------------------------------ sums and lists */

static void compare_ats_of(struct hf_run *run, int sku, int location, int region)
{
    const struct hf_model *model = run->model;
    struct hf_op_line line = {.sku = hf_model_text_view(&model->skus[sku])};
    struct hf_text region_code = {0};
    struct hf_ats want = {0};
    struct hf_ats got = {0};
    enum hf_err err;

    if (location >= 0) {
        line.location = hf_model_text_view(&model->locations[location].code);
    }
    if (region >= 0) {
        region_code = hf_model_text_view(&model->regions[region]);
    }
    for (uint32_t i = 0; i < model->cells_count; i++) {
        const struct hf_model_cell *cell = &model->cells[i];
        const int64_t ats = hf_model_ats(model, cell);
        const int64_t atf = hf_model_atf(cell);

        if ((int)cell->sku != sku || (location >= 0 && (int)cell->location != location) ||
            (region >= 0 && (int)model->locations[cell->location].region != region)) {
            continue;
        }
        /* Of several locations, one in shortage does not eat another's stock. */
        want.ats += location >= 0 || ats > 0 ? ats : 0;
        want.atf += location >= 0 || atf > 0 ? atf : 0;
    }
    err = hf_engine_ats(run->engine, &line, false, region_code, &got);
    if (err != HF_OK || got.ats != want.ats || got.atf != want.atf) {
        hf_run_fail(run,
                    "ats of %.*s, location %d, region %d: %s %" PRId64 " atf %" PRId64
                    ", expected %" PRId64 " %" PRId64,
                    TEXT(line.sku), location, region, hf_err_name(err), got.ats, got.atf, want.ats,
                    want.atf);
    }
}

void hf_run_compare_ats(struct hf_run *run)
{
    for (int i = 0; i < (int)run->model->skus_count; i++) {
        compare_ats_of(run, i, -1, -1);
        for (int j = 0; j < (int)run->model->locations_count; j++) {
            compare_ats_of(run, i, j, -1);
        }
        for (int j = 0; j < (int)run->model->regions_count; j++) {
            compare_ats_of(run, i, -1, j);
        }
    }
}

struct listing {
    struct hf_run *run;
    struct hf_list_filter filter;
    uint32_t next; /* cell of the model from which on the next one is looked for */
};

/* A cell that has never sold was last heard of when it was made. */
static bool is_idle(const struct hf_model_cell *cell, uint64_t since_us)
{
    const uint64_t last_us = cell->last_sale_us != 0 ? cell->last_sale_us : cell->made_us;

    return cell->counters[HF_ON_HAND] > 0 && last_us <= since_us;
}

static bool is_listed(const struct listing *listing, const struct hf_model_cell *cell)
{
    const struct hf_model *model = listing->run->model;
    const struct hf_text sku = hf_model_text_view(&model->skus[cell->sku]);
    const struct hf_text prefix = listing->filter.prefix;

    return (listing->filter.location == HF_HANDLE_NONE ||
            listing->filter.location == cell->location) &&
           (prefix.bytes_count <= sku.bytes_count &&
            (prefix.bytes_count == 0 ||
             memcmp(prefix.bytes, sku.bytes, prefix.bytes_count) == 0)) &&
           (!listing->filter.only_low || (cell->low_stock != HF_LOW_STOCK_NONE &&
                                          hf_model_ats(model, cell) <= cell->low_stock)) &&
           (listing->filter.idle_since_us == 0 || is_idle(cell, listing->filter.idle_since_us));
}

static void skip_unlisted(struct listing *listing)
{
    const struct hf_model *model = listing->run->model;

    while (listing->next < model->cells_count &&
           !is_listed(listing, &model->cells[listing->next])) {
        listing->next += 1;
    }
}

static void see_cell(void *arg, const struct hf_cell_view *view)
{
    struct listing *listing = arg;

    skip_unlisted(listing);
    if (listing->next == listing->run->model->cells_count) {
        hf_run_fail(listing->run, "list gives %.*s@%.*s besides", TEXT(view->sku),
                    TEXT(view->location));
        return;
    }
    hf_run_compare_view(listing->run, listing->run->model, view,
                        &listing->run->model->cells[listing->next]);
    listing->next += 1;
}

/* Page by page, 2 cells each. */
static void compare_list_of(struct hf_run *run, struct hf_list_filter filter)
{
    struct listing listing = {.run = run, .filter = filter};
    uint64_t cursor = 0;

    while (hf_engine_list(run->engine, &filter, &cursor, 2, see_cell, &listing)) {
        if (run->has_failed) {
            return;
        }
    }
    skip_unlisted(&listing);
    if (listing.next != run->model->cells_count) {
        hf_run_fail(run, "list ends before cell %u", listing.next);
    }
}

void hf_run_compare_list(struct hf_run *run)
{
    const struct hf_list_filter all = {.location = HF_HANDLE_NONE};
    struct hf_list_filter filter = all;

    compare_list_of(run, filter);
    filter.only_low = true;
    compare_list_of(run, filter);
    filter = all;
    filter.prefix = hf_text_of("A");
    compare_list_of(run, filter);
    if (run->model->cells_count > 0) {
        /* Both sides of the moment at which a cell was last sold, or made. */
        const struct hf_model_cell *cell =
            &run->model->cells[run->steps_count / 7 % run->model->cells_count];

        filter = all;
        filter.idle_since_us = (cell->last_sale_us != 0 ? cell->last_sale_us : cell->made_us) +
                               run->steps_count / 5 % 3 - 1;
        compare_list_of(run, filter);
    }
    if (run->model->locations_count > 0) {
        filter = all;
        filter.location = run->model->locations_count - 1;
        compare_list_of(run, filter);
    }
}

void hf_run_compare_stats(struct hf_run *run)
{
    const struct hf_model *model = run->model;
    struct hf_engine_stats stats;
    uint64_t open_count = 0;
    uint64_t references_count = 0;
    uint64_t shipments_count[3] = {0};

    for (uint32_t i = 0; i < model->reservations_count; i++) {
        open_count += model->reservations[i].state == HF_STATE_HELD ||
                              model->reservations[i].state == HF_STATE_CONFIRMED
                          ? 1
                          : 0;
    }
    for (uint32_t i = 0; i < model->names_count; i++) {
        references_count += model->names[i].is_reservation || model->names[i].is_shipment ? 0 : 1;
    }
    for (uint32_t i = 0; i < model->shipments_count; i++) {
        if (hf_model_shipment_is_open(&model->shipments[i])) {
            shipments_count[model->shipments[i].kind] += 1;
        }
    }
    hf_engine_stats(run->engine, &stats);
    if (stats.skus_count != model->skus_count || stats.locations_count != model->locations_count ||
        stats.regions_count != model->regions_count || stats.cells_count != model->cells_count ||
        stats.reservations_count != open_count ||
        stats.reservations_remembered != model->reservations_count - open_count ||
        stats.references_count != references_count ||
        stats.transfers_count != shipments_count[HF_TRANSFER] ||
        stats.inbound_count != shipments_count[HF_INBOUND] ||
        (!run->leaves_due && stats.lsn != model->lsn)) {
        hf_run_fail(run,
                    "stats: %" PRIu64 " skus %" PRIu64 " locations %" PRIu64 " regions %" PRIu64
                    " cells %" PRIu64 " open %" PRIu64 " remembered %" PRIu64 " references %" PRIu64
                    " transfers %" PRIu64 " inbound, expected %u %u %u %u %" PRIu64 " %" PRIu64
                    " %" PRIu64 " %" PRIu64 " %" PRIu64,
                    stats.skus_count, stats.locations_count, stats.regions_count, stats.cells_count,
                    stats.reservations_count, stats.reservations_remembered, stats.references_count,
                    stats.transfers_count, stats.inbound_count, model->skus_count,
                    model->locations_count, model->regions_count, model->cells_count, open_count,
                    model->reservations_count - open_count, references_count,
                    shipments_count[HF_TRANSFER], shipments_count[HF_INBOUND]);
    }
}
