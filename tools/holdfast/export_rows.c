/*
 * export_rows.c - rows of the frozen reading as CSV, a line of a thing to a row, and as JSON, a
 * thing with all its lines to an object.
 *
 * The lines of one reservation or shipment come one after the other, so an object is complete when
 * the next thing begins.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "engine/assert.h"
#include "tools/common/csv.h"
#include "tools/holdfast/export.h"
#include "tools/holdfast/output.h"

static const char *const titles[HF_EXPORTS_COUNT] = {
    [HF_EXPORT_STOCK] = "sku,location,on_hand,held,committed,in_transit,safety_stock,ats,damaged,"
                        "quarantined",
    [HF_EXPORT_RESERVATIONS] = "id,order,state,sku,location,units,fulfilled,released,opened,"
                               "expires",
    [HF_EXPORT_LEDGER] = "lsn,index,ts,kind,reason,sku,location,ref,order,by,reservation,"
                         "delta_on_hand,delta_held,delta_committed,delta_in_transit,delta_damaged,"
                         "delta_quarantined,after_on_hand,after_held,after_committed,"
                         "after_in_transit,after_damaged,after_quarantined",
    [HF_EXPORT_TRANSFERS] = "id,from,to,state,order,opened,sku,qty,unshipped,in_transit,received,"
                            "damaged,cancelled,lost",
    [HF_EXPORT_INBOUND] = "id,location,state,eta,sellable,order,opened,sku,qty,in_transit,received,"
                          "damaged,cancelled",
};

void hf_export_put_titles(struct hf_export *export)
{
    (void)fprintf(export->out, "%s\n", titles[export->what]);
}

/* ------------------------------------------------------------------ CSV */

/* A failed write shows in ferror, which the rows' callback looks at. */
static void put_text(FILE *out, const char *text)
{
    HF_ASSERT(text != NULL);
    hf_csv_put(out, text, strlen(text));
    (void)putc(',', out);
}

static void put_time(FILE *out, int64_t time_us, char after)
{
    char text[HF_TIME_BYTES];
    (void)fprintf(out, "%s%c", time_us == 0 ? "" : hf_time_text(time_us, text), after);
}

static void put_cell_csv(FILE *out, const struct holdfast_cell *cell)
{
    put_text(out, cell->sku);
    put_text(out, cell->location);
    (void)fprintf(out,
                  "%" PRId64 ",%" PRId64 ",%" PRId64 ",%" PRId64 ",%" PRId64 ",%" PRId64 ",%" PRId64
                  ",%" PRId64 "\n",
                  cell->on_hand, cell->held, cell->committed, cell->in_transit, cell->safety_stock,
                  cell->ats, cell->damaged, cell->quarantined);
}

static void put_reserved_csv(FILE *out, const struct holdfast_reservation *reservation,
                             const struct holdfast_reservation_line *line)
{
    put_text(out, reservation->id);
    put_text(out, reservation->order);
    put_text(out, holdfast_state_name(reservation->state));
    put_text(out, line->sku);
    put_text(out, line->location);
    (void)fprintf(out, "%" PRId64 ",%" PRId64 ",%" PRId64 ",", line->units, line->fulfilled,
                  line->released);
    put_time(out, reservation->opened_us, ',');
    put_time(out, reservation->expires_at_us, '\n');
}

static void put_transfer_csv(FILE *out, const struct holdfast_shipment *shipment,
                             const struct holdfast_shipment_line *line)
{
    put_text(out, shipment->id);
    put_text(out, shipment->from);
    put_text(out, shipment->to);
    put_text(out, holdfast_state_name(shipment->state));
    put_text(out, shipment->order);
    put_time(out, shipment->opened_us, ',');
    put_text(out, line->sku);
    (void)fprintf(out,
                  "%" PRId64 ",%" PRId64 ",%" PRId64 ",%" PRId64 ",%" PRId64 ",%" PRId64 ",%" PRId64
                  "\n",
                  line->units, line->unshipped, line->under_way, line->received, line->damaged,
                  line->cancelled, line->lost);
}

static void put_inbound_csv(FILE *out, const struct holdfast_shipment *shipment,
                            const struct holdfast_shipment_line *line)
{
    put_text(out, shipment->id);
    put_text(out, shipment->to);
    put_text(out, holdfast_state_name(shipment->state));
    put_time(out, shipment->eta_us, ',');
    put_text(out, shipment->is_sellable ? "yes" : "no");
    put_text(out, shipment->order);
    put_time(out, shipment->opened_us, ',');
    put_text(out, line->sku);
    (void)fprintf(out, "%" PRId64 ",%" PRId64 ",%" PRId64 ",%" PRId64 ",%" PRId64 "\n", line->units,
                  line->under_way, line->received, line->damaged, line->cancelled);
}

static void put_csv(const struct hf_export *export, const struct holdfast_row *row)
{
    switch (export->what) {
    case HF_EXPORT_STOCK:
        HF_ASSERT(row->cell != NULL);
        put_cell_csv(export->out, row->cell);
        break;
    case HF_EXPORT_RESERVATIONS:
        HF_ASSERT(row->reservation != NULL);
        put_reserved_csv(export->out, row->reservation, row->reserved);
        break;
    case HF_EXPORT_TRANSFERS:
        HF_ASSERT(row->shipment != NULL);
        put_transfer_csv(export->out, row->shipment, row->shipped);
        break;
    case HF_EXPORT_INBOUND:
        HF_ASSERT(row->shipment != NULL);
        put_inbound_csv(export->out, row->shipment, row->shipped);
        break;
    default:
        HF_ASSERT(false && "the ledger has rows of its own");
    }
}

/* ------------------------------------------------------------------ JSON lines */

static void put_object(const struct hf_export *export, json_t *object)
{
    (void)json_dumpf(object, export->out, JSON_COMPACT);
    (void)putc('\n', export->out);
    json_decref(object);
}

static void put_cell_json(const struct hf_export *export, const struct holdfast_cell *cell)
{
    json_t *object = hf_json_object();
    hf_json_set(object, "sku", hf_json_text(cell->sku));
    hf_json_set(object, "location", hf_json_text(cell->location));
    hf_json_set(object, "on_hand", json_integer(cell->on_hand));
    hf_json_set(object, "held", json_integer(cell->held));
    hf_json_set(object, "committed", json_integer(cell->committed));
    hf_json_set(object, "in_transit", json_integer(cell->in_transit));
    hf_json_set(object, "safety_stock", json_integer(cell->safety_stock));
    hf_json_set(object, "ats", json_integer(cell->ats));
    hf_json_set(object, "damaged", json_integer(cell->damaged));
    hf_json_set(object, "quarantined", json_integer(cell->quarantined));
    put_object(export, object);
}

/* The thing whose lines were gathered is complete: print it, as `show` would. */
static void end_group(struct hf_export *export)
{
    struct hf_export_group *group = &export->group;
    json_t *object;

    if (group->lines_count == 0) {
        return;
    }
    if (export->what == HF_EXPORT_RESERVATIONS) {
        group->reservation.lines = group->reservation_lines;
        group->reservation.lines_count = group->lines_count;
        object = hf_json_reservation(&group->reservation);
        hf_json_set(object, "opened", hf_json_time(group->reservation.opened_us));
    } else {
        group->shipment.lines = group->shipment_lines;
        group->shipment.lines_count = group->lines_count;
        object = hf_json_shipment(&group->shipment);
    }
    put_object(export, object);
    group->lines_count = 0;
}

static bool make_room(struct hf_export_group *group)
{
    if (group->lines_count < group->lines_max) {
        return true;
    }
    const size_t max = group->lines_max == 0 ? 64 : group->lines_max * 2;
    void *moved = realloc(group->reservation_lines, max * sizeof *group->reservation_lines);
    if (moved == NULL) {
        return false;
    }
    group->reservation_lines = moved;
    moved = realloc(group->shipment_lines, max * sizeof *group->shipment_lines);
    if (moved == NULL) {
        return false;
    }
    group->shipment_lines = moved;
    group->lines_max = max;
    return true;
}

/* Add the row's line to the thing it belongs to. */
static bool gather(struct hf_export *export, const struct holdfast_row *row)
{
    struct hf_export_group *group = &export->group;
    const bool is_reservation = row->reservation != NULL;
    const char *id = is_reservation ? row->reservation->id : row->shipment->id;
    const char *open_id = is_reservation ? group->reservation.id : group->shipment.id;

    if (group->lines_count > 0 && strcmp(id, open_id) != 0) {
        end_group(export);
    }
    if (!make_room(group)) {
        export->is_out_of_memory = true;
        return false;
    }
    if (is_reservation) {
        group->reservation = *row->reservation;
        group->reservation_lines[group->lines_count++] = *row->reserved;
    } else {
        group->shipment = *row->shipment;
        group->shipment_lines[group->lines_count++] = *row->shipped;
    }
    return true;
}

void hf_export_group_release(struct hf_export_group *group)
{
    free(group->reservation_lines);
    free(group->shipment_lines);
    *group = (struct hf_export_group){0};
}

/* ------------------------------------------------------------------ rows */

/* At the location that was asked for: a cell, a reserved line; a shipment goes there or leaves. */
static bool is_wanted(const struct hf_export *export, const struct holdfast_row *row)
{
    const char *location = export->location;

    if (location == NULL) {
        return true;
    }
    if (row->cell != NULL) {
        return strcmp(row->cell->location, location) == 0;
    }
    if (row->reserved != NULL) {
        return strcmp(row->reserved->location, location) == 0;
    }
    return strcmp(row->shipment->to, location) == 0 || strcmp(row->shipment->from, location) == 0;
}

static bool put_row(void *arg, const struct holdfast_row *row)
{
    struct hf_export *export = arg;

    HF_ASSERT((row->cell != NULL) + (row->reservation != NULL) + (row->shipment != NULL) == 1);
    HF_ASSERT((row->reservation != NULL) == (row->reserved != NULL));
    HF_ASSERT((row->shipment != NULL) == (row->shipped != NULL));
    if (!is_wanted(export, row)) {
        return true;
    }
    export->rows_count += 1;
    if (export->form == HF_EXPORT_CSV) {
        put_csv(export, row);
    } else if (row->cell != NULL) {
        put_cell_json(export, row->cell);
    } else if (!gather(export, row)) {
        return false;
    }
    hf_progress_show(&export->progress, export->rows_count);
    return ferror(export->out) == 0;
}

enum holdfast_outcome hf_export_rows(struct hf_export *export)
{
    static const enum holdfast_section sections[HF_EXPORTS_COUNT] = {
        [HF_EXPORT_STOCK] = HOLDFAST_CELLS,
        [HF_EXPORT_RESERVATIONS] = HOLDFAST_RESERVATIONS,
        [HF_EXPORT_TRANSFERS] = HOLDFAST_TRANSFERS,
        [HF_EXPORT_INBOUND] = HOLDFAST_INBOUND,
    };
    HF_ASSERT(export->what != HF_EXPORT_LEDGER);

    export->group.lines_count = 0;
    const enum holdfast_outcome outcome =
        holdfast_export(export->hf, sections[export->what], &export->at, put_row, export);
    if (outcome == HOLDFAST_OK) {
        end_group(export);
    }
    return outcome;
}
