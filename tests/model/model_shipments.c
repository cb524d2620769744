/*
 * model_shipments.c - what is on its way, what lacks, and that no unit gets lost.
 *
 * See model_run.h. The engine gives shipments in an order of its own (slots are used again), so
 * lists are compared as sets.
 */
#include "tests/model/model_run.h"

#include <inttypes.h>
#include <string.h>

#define TEXT(text) (int)(text).bytes_count, (text).bytes

/* ------------------------------------------------------------------ one shipment */

void hf_run_compare_shipment_head(struct hf_run *run, const struct hf_shipment_view *view,
                                  const struct hf_model_shipment *want)
{
    const struct hf_model *model = run->model; /* codes are never taken away from a location */
    const struct hf_text from = want->kind == HF_TRANSFER
                                    ? hf_model_text_view(&model->locations[want->from].code)
                                    : (struct hf_text){0};

    if (view->kind != want->kind || !hf_text_equal(view->id, hf_model_text_view(&want->id)) ||
        !hf_text_equal(view->order, hf_model_text_view(&want->order)) ||
        !hf_text_equal(view->from, from) ||
        !hf_text_equal(view->to, hf_model_text_view(&model->locations[want->to].code))) {
        hf_run_fail(run, "shipment %.*s from %.*s to %.*s of order %.*s, expected %.*s from %.*s",
                    TEXT(view->id), TEXT(view->from), TEXT(view->to), TEXT(view->order),
                    TEXT(want->id), TEXT(from));
    }
    if (view->state != want->state || view->is_sellable != want->is_sellable ||
        view->eta_us != want->eta_us || view->opened_us != want->opened_us ||
        (!run->leaves_due &&
         (view->opened_lsn != want->opened_lsn || view->last_lsn != want->last_lsn)) ||
        view->lines_count != want->lines_count ||
        view->open_units != hf_model_shipment_open_units(want)) {
        hf_run_fail(run,
                    "shipment %.*s: %s sellable %d eta %" PRIu64 " opened %" PRIu64
                    " at LSN %" PRIu64 " last %" PRIu64 " with %u lines, open %" PRId64
                    ", expected %s %d %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %u %" PRId64,
                    TEXT(view->id), hf_state_name(view->state), view->is_sellable, view->eta_us,
                    view->opened_us, view->opened_lsn, view->last_lsn, view->lines_count,
                    view->open_units, hf_state_name(want->state), want->is_sellable, want->eta_us,
                    want->opened_us, want->opened_lsn, want->last_lsn, want->lines_count,
                    hf_model_shipment_open_units(want));
    }
}

bool hf_run_is_shipment_line_right(const struct hf_model *model,
                                   const struct hf_shipment_line_view *view,
                                   const struct hf_model_shipment_line *want)
{
    return hf_text_equal(view->sku, hf_model_text_view(&model->skus[want->sku])) &&
           view->units == want->units && view->unshipped == want->unshipped &&
           view->under_way == want->under_way && view->received == want->received &&
           view->damaged == want->damaged && view->cancelled == want->cancelled &&
           view->lost == want->lost;
}

static void compare_shipment_view(struct hf_run *run, const struct hf_shipment_view *view,
                                  const struct hf_model_shipment *want)
{
    uint32_t cursor = view->first_line;
    struct hf_shipment_line_view line;
    uint32_t i = 0;

    hf_run_compare_shipment_head(run, view, want);
    while (hf_engine_shipment_line(run->engine, &cursor, &line)) {
        if (i == want->lines_count) {
            hf_run_fail(run, "shipment %.*s has more than %u lines", TEXT(view->id), i);
            return;
        }
        if (!hf_run_is_shipment_line_right(run->model, &line, &want->lines[i])) {
            hf_run_fail(run,
                        "shipment %.*s line %u: %.*s %" PRId64 " unshipped %" PRId64
                        " under way %" PRId64 " received %" PRId64 " damaged %" PRId64
                        " cancelled %" PRId64 " lost %" PRId64 ", expected %" PRId64 " %" PRId64
                        " %" PRId64 " %" PRId64 " %" PRId64 " %" PRId64 " %" PRId64,
                        TEXT(view->id), i, TEXT(line.sku), line.units, line.unshipped,
                        line.under_way, line.received, line.damaged, line.cancelled, line.lost,
                        want->lines[i].units, want->lines[i].unshipped, want->lines[i].under_way,
                        want->lines[i].received, want->lines[i].damaged, want->lines[i].cancelled,
                        want->lines[i].lost);
        }
        i += 1;
    }
    if (i != want->lines_count) {
        hf_run_fail(run, "shipment %.*s has %u lines, expected %u", TEXT(view->id), i,
                    want->lines_count);
    }
}

void hf_run_compare_shipment(struct hf_run *run, enum hf_shipment_kind kind, struct hf_text id)
{
    const int found = hf_model_shipment(run->model, kind, id);
    const enum hf_err unknown = kind == HF_TRANSFER ? HF_UNKNOWN_TRANSFER : HF_UNKNOWN_INBOUND;
    struct hf_shipment_view view;
    const enum hf_err err = hf_engine_shipment(run->engine, kind, id, &view);

    if (err != (found < 0 ? unknown : HF_OK)) {
        hf_run_fail(run, "shipment %.*s: %s", TEXT(id), hf_err_name(err));
        return;
    }
    if (found >= 0) {
        compare_shipment_view(run, &view, &run->model->shipments[found]);
    }
}

/* ------------------------------------------------------------------ lists of them */

struct listing {
    struct hf_run *run;
    struct hf_shipment_filter filter;
    uint32_t seen_count;
    uint64_t seen_lsns; /* sum of what was seen, to notice a repetition */
};

static bool is_listed(const struct hf_shipment_filter *filter,
                      const struct hf_model_shipment *shipment)
{
    const bool is_open = hf_model_shipment_is_open(shipment);

    return shipment->kind == filter->kind &&
           (filter->location == HF_HANDLE_NONE || filter->location == shipment->to ||
            filter->location == shipment->from) &&
           (!filter->only_open || is_open) &&
           (filter->late_us == 0 ||
            (is_open && shipment->eta_us != 0 && shipment->eta_us < filter->late_us));
}

static void see_shipment(void *arg, const struct hf_shipment_view *view)
{
    struct listing *listing = arg;
    const int found = hf_model_shipment(listing->run->model, view->kind, view->id);

    if (found < 0 || !is_listed(&listing->filter, &listing->run->model->shipments[found])) {
        hf_run_fail(listing->run, "the list of shipments gives %.*s besides", TEXT(view->id));
        return;
    }
    compare_shipment_view(listing->run, view, &listing->run->model->shipments[found]);
    listing->seen_count += 1;
    listing->seen_lsns += view->opened_us ^ (uint64_t)found * UINT64_C(0x9E3779B97F4A7C15);
}

static void compare_list(struct hf_run *run, struct hf_shipment_filter filter)
{
    struct listing listing = {.run = run, .filter = filter};
    uint64_t cursor = 0;
    uint32_t count = 0;
    uint64_t lsns = 0;

    while (hf_engine_shipments(run->engine, &filter, &cursor, 2, see_shipment, &listing)) {
        if (run->has_failed) {
            return;
        }
    }
    for (uint32_t i = 0; i < run->model->shipments_count; i++) {
        if (is_listed(&filter, &run->model->shipments[i])) {
            count += 1;
            lsns += run->model->shipments[i].opened_us ^ (uint64_t)i * UINT64_C(0x9E3779B97F4A7C15);
        }
    }
    if (listing.seen_count != count || listing.seen_lsns != lsns) {
        hf_run_fail(
            run, "the list of shipments (kind %d, open %d, late %" PRIu64 ") gives %u, expected %u",
            (int)filter.kind, filter.only_open, filter.late_us, listing.seen_count, count);
    }
}

void hf_run_compare_shipments(struct hf_run *run)
{
    const struct hf_model *model = run->model;
    struct hf_shipment_filter filter = {.kind = HF_TRANSFER, .location = HF_HANDLE_NONE};

    compare_list(run, filter);
    filter.only_open = true;
    compare_list(run, filter);
    filter.kind = HF_INBOUND;
    compare_list(run, filter);
    filter.only_open = false;
    compare_list(run, filter);
    if (model->shipments_count > 0) {
        const struct hf_model_shipment *shipment =
            &model->shipments[run->steps_count / 3 % model->shipments_count];

        filter.late_us = shipment->eta_us + run->steps_count / 5 % 2;
        compare_list(run, filter);
        filter = (struct hf_shipment_filter){.kind = shipment->kind, .location = shipment->to};
        compare_list(run, filter);
        filter.kind = HF_TRANSFER;
        filter.location = shipment->from;
        compare_list(run, filter);
    }
}

/* ------------------------------------------------------------------ shortages */

struct shortages {
    struct hf_run *run;
    uint32_t next;
};

static void skip_unhit(struct shortages *shortages)
{
    const struct hf_model *model = shortages->run->model;

    while (shortages->next < model->cells_count &&
           hf_model_shortage(model, &model->cells[shortages->next]) == 0) {
        shortages->next += 1;
    }
}

static void see_shortage(void *arg, const struct hf_cell_view *view, const struct hf_hit *hits,
                         uint32_t hits_count)
{
    struct shortages *shortages = arg;
    struct hf_run *run = shortages->run;
    const struct hf_model *model = run->model;
    struct hf_model_hit want[HF_HITS_MAX];
    uint32_t count;

    skip_unhit(shortages);
    if (shortages->next == model->cells_count) {
        hf_run_fail(run, "shortages give %.*s@%.*s besides", TEXT(view->sku), TEXT(view->location));
        return;
    }
    hf_run_compare_view(run, model, view, &model->cells[shortages->next]);
    count = hf_model_hits(model, shortages->next, view->shortage, want);
    if (count != hits_count) {
        hf_run_fail(run, "the shortage of %.*s@%.*s, %" PRId64 ", hits %u, expected %u",
                    TEXT(view->sku), TEXT(view->location), view->shortage, hits_count, count);
    }
    for (uint32_t i = 0; i < count && !run->has_failed; i++) {
        const struct hf_text id = hf_model_text_view(&want[i].reservation);

        if (!hf_text_equal(hits[i].reservation, id) || hits[i].units != want[i].units) {
            hf_run_fail(
                run, "the shortage of %.*s@%.*s, hit %u: %.*s %" PRId64 ", expected %.*s %" PRId64,
                TEXT(view->sku), TEXT(view->location), i, TEXT(hits[i].reservation), hits[i].units,
                TEXT(id), want[i].units);
        }
    }
    shortages->next += 1;
}

void hf_run_compare_shortages(struct hf_run *run)
{
    struct shortages shortages = {.run = run};
    uint64_t cursor = 0;

    while (hf_engine_shortages(run->engine, &cursor, 2, see_shortage, &shortages)) {
        if (run->has_failed) {
            return;
        }
    }
    skip_unhit(&shortages);
    if (shortages.next != run->model->cells_count) {
        hf_run_fail(run, "shortages end before cell %u", shortages.next);
    }
}

/* ------------------------------------------------------------------ conservation (M8, P6) */

struct units {
    struct hf_run *run;
    int64_t physical[HF_MODEL_SKUS_MAX];
    int64_t in_transit[HF_MODEL_SKUS_MAX][HF_MODEL_LOCATIONS_MAX];
};

static void count_cell(void *arg, const struct hf_cell_view *view)
{
    struct units *units = arg;
    const int sku = hf_model_sku(units->run->model, view->sku);
    const int location = hf_model_location(units->run->model, view->location);

    if (sku < 0 || location < 0) {
        hf_run_fail(units->run, "a cell of unknown codes");
        return;
    }
    units->physical[sku] += view->on_hand + view->damaged + view->quarantined;
    units->in_transit[sku][location] += view->in_transit;
}

/* Units under way leave in_transit; those of transfers are physical, inbound ones not yet. */
static void count_shipment(void *arg, const struct hf_shipment_view *view)
{
    struct units *units = arg;
    const int to = hf_model_location(units->run->model, view->to);
    uint32_t cursor = view->first_line;
    struct hf_shipment_line_view line;

    while (hf_engine_shipment_line(units->run->engine, &cursor, &line)) {
        const int sku = hf_model_sku(units->run->model, line.sku);
        const int64_t sum = line.unshipped + line.under_way + line.received + line.damaged +
                            line.cancelled + line.lost;

        if (sku < 0 || to < 0) {
            hf_run_fail(units->run, "a shipment of unknown codes");
            return;
        }
        units->physical[sku] += view->kind == HF_TRANSFER ? line.under_way : 0;
        units->in_transit[sku][to] -= line.under_way;
        if (view->kind == HF_TRANSFER ? sum != line.units : sum < line.units) {
            hf_run_fail(units->run, "shipment %.*s: units of %.*s do not add up", TEXT(view->id),
                        TEXT(line.sku));
        }
    }
}

void hf_run_conserve(struct hf_run *run)
{
    const struct hf_list_filter all = {.location = HF_HANDLE_NONE};
    struct hf_shipment_filter filter = {.location = HF_HANDLE_NONE, .only_open = true};
    struct units units = {.run = run};
    uint64_t cursor = 0;

    while (hf_engine_list(run->engine, &all, &cursor, 100, count_cell, &units)) {
    }
    for (int kind = HF_TRANSFER; kind <= HF_INBOUND; kind++) {
        filter.kind = (enum hf_shipment_kind)kind;
        cursor = 0;
        while (hf_engine_shipments(run->engine, &filter, &cursor, 100, count_shipment, &units)) {
        }
    }
    for (uint32_t i = 0; i < run->model->skus_count; i++) {
        if (units.physical[i] != run->model->physical_units[i]) {
            hf_run_fail(run, "of SKU %u there are %" PRId64 " units, but %" PRId64 " came", i,
                        units.physical[i], run->model->physical_units[i]);
        }
        for (uint32_t j = 0; j < run->model->locations_count; j++) {
            if (units.in_transit[i][j] != 0) {
                hf_run_fail(run, "in_transit of cell %u@%u is %" PRId64 " besides what is open", i,
                            j, units.in_transit[i][j]);
            }
        }
    }
}
