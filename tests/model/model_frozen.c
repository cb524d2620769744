/*
 * model_frozen.c - a reading of one state while operations go on, against the model of then.
 *
 * See model_run.h. A reading begins now and then; after each step a few rows of it are read, and
 * each must be what the model was when it began; at a section's end all that was must have been
 * read, once. Some readings get so little memory that they may be lost, which is said in words.
 */
#include "tests/model/model_run.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "engine/assert.h"

#define TEXT(text) (int)(text).bytes_count, (text).bytes
#define BYTES_PLENTY (UINT64_C(64) << 20)
#define BYTES_SMALL UINT64_C(4608) /* a page of places, and hardly more */

static void *copy_items(const void *items, size_t bytes_count)
{
    void *copy = malloc(bytes_count + 1);

    HF_ASSERT(copy != NULL);
    if (bytes_count != 0) {
        memcpy(copy, items, bytes_count);
    }
    return copy;
}

/* What rows are made of: not the moves, names and requests. */
static struct hf_model *copy_model(const struct hf_model *model)
{
    struct hf_model *copy = copy_items(model, sizeof *model);

    copy->reservations =
        copy_items(model->reservations, model->reservations_count * sizeof *model->reservations);
    copy->shipments =
        copy_items(model->shipments, model->shipments_count * sizeof *model->shipments);
    copy->requests_count = 0;
    copy->requests = NULL;
    copy->names = NULL;
    copy->moves = NULL;
    copy->times_us = NULL;
    copy->events = NULL;
    return copy;
}

/* A row's part of the section's hash: the sum over all rows tells a repetition and a gap. */
static uint64_t hash_row(uint64_t item, uint64_t line)
{
    uint64_t z = (item + 1) * UINT64_C(0x9E3779B97F4A7C15) + line * UINT64_C(0xD6E8FEB86659FD93);

    z = (z ^ (z >> 31)) * UINT64_C(0xBF58476D1CE4E5B9);
    return z ^ (z >> 29);
}

static void see_cell(struct hf_run *run, const struct hf_frozen_row *row)
{
    const struct hf_model *model = run->frozen.model;
    const int sku = hf_model_sku(model, row->cell.sku);
    const int location = hf_model_location(model, row->cell.location);
    const int cell = sku < 0 || location < 0 ? -1 : hf_model_cell(model, sku, location);

    if (cell < 0) {
        hf_run_fail(run, "a frozen row of cell %.*s@%.*s, which was not there", TEXT(row->cell.sku),
                    TEXT(row->cell.location));
        return;
    }
    hf_run_compare_view(run, model, &row->cell, &model->cells[cell]);
    run->frozen.rows_hash += hash_row((uint64_t)cell, 0);
}

static void see_reserved(struct hf_run *run, const struct hf_frozen_row *row)
{
    const struct hf_model *model = run->frozen.model;
    const int found = hf_model_reservation(model, row->reservation.id);
    const struct hf_model_reservation *reservation;

    if (found < 0) {
        hf_run_fail(run, "a frozen row of reservation %.*s, which was not there",
                    TEXT(row->reservation.id));
        return;
    }
    reservation = &model->reservations[found];
    hf_run_compare_reservation_head(run, &row->reservation, reservation);
    for (uint32_t i = 0; i < reservation->lines_count; i++) {
        const struct hf_model_reservation_line *line = &reservation->lines[i];
        const struct hf_model_cell *cell = &model->cells[line->cell];

        if (!hf_text_equal(row->reserved.sku, hf_model_text_view(&model->skus[cell->sku])) ||
            !hf_text_equal(row->reserved.location,
                           hf_model_text_view(&model->locations[cell->location].code))) {
            continue;
        }
        if (row->reserved.units != line->units || row->reserved.fulfilled != line->fulfilled ||
            row->reserved.released != line->released) {
            hf_run_fail(run,
                        "frozen row of reservation %.*s: %" PRId64 " fulfilled %" PRId64
                        " released %" PRId64 ", expected %" PRId64 " %" PRId64 " %" PRId64,
                        TEXT(row->reservation.id), row->reserved.units, row->reserved.fulfilled,
                        row->reserved.released, line->units, line->fulfilled, line->released);
        }
        run->frozen.rows_hash += hash_row((uint64_t)found, i);
        return;
    }
    hf_run_fail(run, "frozen row of reservation %.*s: no line %.*s@%.*s", TEXT(row->reservation.id),
                TEXT(row->reserved.sku), TEXT(row->reserved.location));
}

static void see_shipped(struct hf_run *run, const struct hf_frozen_row *row)
{
    const struct hf_model *model = run->frozen.model;
    const int found = hf_model_shipment(model, row->shipment.kind, row->shipment.id);
    const struct hf_model_shipment *shipment;

    if (found < 0) {
        hf_run_fail(run, "a frozen row of shipment %.*s, which was not there",
                    TEXT(row->shipment.id));
        return;
    }
    shipment = &model->shipments[found];
    hf_run_compare_shipment_head(run, &row->shipment, shipment);
    for (uint32_t i = 0; i < shipment->lines_count; i++) {
        if (hf_run_is_shipment_line_right(model, &row->shipped, &shipment->lines[i])) {
            run->frozen.rows_hash += hash_row((uint64_t)found, i);
            return;
        }
    }
    hf_run_fail(run, "frozen row of shipment %.*s: line %.*s was not so", TEXT(row->shipment.id),
                TEXT(row->shipped.sku));
}

static void see_row(void *arg, const struct hf_frozen_row *row)
{
    struct hf_run *run = arg;
    const bool is_transfer = row->shipment.kind == HF_TRANSFER;

    run->frozen.rows_count += 1;
    if (row->section != run->frozen.section) {
        hf_run_fail(run, "a frozen row of section %d among those of %d", (int)row->section,
                    (int)run->frozen.section);
    } else if (row->section == HF_FROZEN_CELLS) {
        see_cell(run, row);
    } else if (row->section == HF_FROZEN_RESERVATIONS) {
        see_reserved(run, row);
    } else if (is_transfer != (row->section == HF_FROZEN_TRANSFERS)) {
        hf_run_fail(run, "a frozen row of a shipment of the wrong kind");
    } else {
        see_shipped(run, row);
    }
}

/* How many rows the section has, and their hash. */
static uint32_t expected_rows(const struct hf_run *run, uint64_t *hash)
{
    const struct hf_model *model = run->frozen.model;
    const enum hf_shipment_kind kind =
        run->frozen.section == HF_FROZEN_TRANSFERS ? HF_TRANSFER : HF_INBOUND;
    uint32_t count = 0;

    *hash = 0;
    if (run->frozen.section == HF_FROZEN_CELLS) {
        for (count = 0; count < model->cells_count; count++) {
            *hash += hash_row(count, 0);
        }
        return count;
    }
    if (run->frozen.section == HF_FROZEN_RESERVATIONS) {
        for (uint32_t i = 0; i < model->reservations_count; i++) {
            for (uint32_t j = 0; j < model->reservations[i].lines_count; j++) {
                *hash += hash_row(i, j);
                count += 1;
            }
        }
        return count;
    }
    for (uint32_t i = 0; i < model->shipments_count; i++) {
        for (uint32_t j = 0;
             model->shipments[i].kind == kind && j < model->shipments[i].lines_count; j++) {
            *hash += hash_row(i, j);
            count += 1;
        }
    }
    return count;
}

static void end_section(struct hf_run *run)
{
    uint64_t hash;
    const uint32_t count = expected_rows(run, &hash);

    if (run->frozen.rows_count != count || run->frozen.rows_hash != hash) {
        hf_run_fail(run, "frozen section %d has %u rows, expected %u", (int)run->frozen.section,
                    run->frozen.rows_count, count);
    }
    run->frozen.rows_count = 0;
    run->frozen.rows_hash = 0;
    run->frozen.cursor = (struct hf_frozen_cursor){0};
    if (run->frozen.section == HF_FROZEN_INBOUND) {
        hf_run_end_frozen(run);
        run->readings_count += 1;
        return;
    }
    run->frozen.section += 1;
    if (run->frozen.section == HF_FROZEN_RESERVATIONS && run->steps_count % 5 == 0) {
        run->frozen.section += 1; /* a section may be left out */
    }
}

static void begin(struct hf_run *run)
{
    run->frozen.is_small = run->steps_count % 4 == 0;
    if (!hf_engine_freeze(run->engine, run->frozen.is_small ? BYTES_SMALL : BYTES_PLENTY) ||
        hf_engine_freeze(run->engine, BYTES_PLENTY)) {
        hf_run_fail(run, "a reading does not begin, or begins twice");
        return;
    }
    run->frozen.is_on = true;
    run->frozen.lsn = hf_engine_lsn(run->engine);
    run->frozen.model = copy_model(run->model);
    run->frozen.section = HF_FROZEN_CELLS;
    run->frozen.cursor = (struct hf_frozen_cursor){0};
    run->frozen.rows_count = 0;
    run->frozen.rows_hash = 0;
}

void hf_run_end_frozen(struct hf_run *run)
{
    if (!run->frozen.is_on) {
        return;
    }
    hf_engine_thaw(run->engine);
    free(run->frozen.model->reservations);
    free(run->frozen.model->shipments);
    free(run->frozen.model);
    run->frozen = (struct hf_run_frozen){0};
}

void hf_run_read_frozen(struct hf_run *run)
{
    const uint32_t rows_max = 1 + (uint32_t)(run->steps_count * 31 % 9);
    bool is_end = false;
    enum hf_err err;

    if (!run->frozen.is_on) {
        if (run->steps_count % 23 == 0) {
            begin(run);
        }
        return;
    }
    if (run->steps_count % 3 == 0) {
        return; /* let some changes come before the next rows */
    }
    if (hf_engine_frozen_lsn(run->engine) != run->frozen.lsn) {
        hf_run_fail(run, "the reading's LSN changes");
        return;
    }
    err = hf_engine_frozen_rows(run->engine, run->frozen.section, &run->frozen.cursor, rows_max,
                                see_row, run, &is_end);
    if (err == HF_LIMIT_EXCEEDED && run->frozen.is_small) {
        hf_run_end_frozen(run);
        run->lost_readings_count += 1;
        return;
    }
    if (err != HF_OK) {
        hf_run_fail(run, "frozen rows of section %d: %s", (int)run->frozen.section,
                    hf_err_name(err));
        return;
    }
    if (is_end && !run->has_failed) {
        end_section(run);
    }
}
