/*
 * model_shipment.c - transfers and inbound shipments: what refuses them, and what they do.
 *
 * See reference.h; the words for what became of a line's units are those of engine/shipment.h.
 * Every decision first says how much of each line it is about (demands), then checks state, what
 * is left of the lines, stock, limits, and then changes.
 */
#include "tests/model/model_inside.h"

#include "engine/assert.h"

static struct hf_model_shipment_line *line_of(const struct hf_model_decision *d,
                                              const struct hf_model_demand *demand)
{
    HF_ASSERT(demand->line >= 0);
    return &d->shipment->lines[demand->line];
}

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t most(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* Index of the SKU's cell at a location; -1 when there is none. */
static int cell_at(const struct hf_model_decision *d, int sku, int location)
{
    return sku < 0 || location < 0 ? -1 : hf_model_cell(d->model, sku, location);
}

static int64_t counter_at(const struct hf_model_decision *d, int sku, int location,
                          enum hf_counter counter)
{
    const int cell = cell_at(d, sku, location);

    return cell < 0 ? 0 : d->model->cells[cell].counters[counter];
}

/* ------------------------------------------------------------------ what is left of a line */

/* Units of an inbound line that arrived beyond those that were expected. */
static int64_t over_received(const struct hf_model_shipment_line *line)
{
    return line->unshipped + line->under_way + line->received + line->damaged + line->cancelled +
           line->lost - line->units;
}

/* How many units of the line this kind of operation may be about. */
static int64_t left_of(const struct hf_model_decision *d, const struct hf_model_shipment_line *line)
{
    switch (d->op->kind) {
    case HF_KIND_TRANSFER_SHIP:
        return line->unshipped;
    case HF_KIND_INBOUND_RECEIVE:
        return line->under_way +
               line->units * (int64_t)d->model->config.over_receipt_percent / 100 -
               over_received(line);
    case HF_KIND_TRANSFER_RECEIVE:
    case HF_KIND_TRANSFER_CLOSE:
        return line->under_way;
    default:
        return line->unshipped + line->under_way;
    }
}

/* Units of the line that are meant when no lines are given. */
static int64_t whole_of(const struct hf_model_decision *d,
                        const struct hf_model_shipment_line *line)
{
    return d->op->kind == HF_KIND_INBOUND_RECEIVE ? line->under_way : left_of(d, line);
}

static void gather_whole(struct hf_model_decision *d)
{
    for (uint32_t i = 0; i < d->shipment->lines_count; i++) {
        const struct hf_model_shipment_line *line = &d->shipment->lines[i];

        if (whole_of(d, line) > 0) {
            d->demands[d->demands_count] = (struct hf_model_demand){.sku_index = (int)line->sku,
                                                                    .line_index = i,
                                                                    .line = (int)i,
                                                                    .cell = -1,
                                                                    .units = whole_of(d, line)};
            d->demands_count += 1;
        }
    }
}

static void find_lines(struct hf_model_decision *d)
{
    for (uint32_t i = 0; i < d->demands_count; i++) {
        d->demands[i].line = -1;
        for (uint32_t j = 0; j < d->shipment->lines_count; j++) {
            if ((int)d->shipment->lines[j].sku == d->demands[i].sku_index) {
                d->demands[i].line = (int)j;
            }
        }
    }
}

/* All that is under way besides the lines arrives sellable. */
static void add_rest(struct hf_model_decision *d)
{
    for (uint32_t i = 0; i < d->shipment->lines_count; i++) {
        const struct hf_model_shipment_line *line = &d->shipment->lines[i];
        struct hf_model_demand *demand = NULL;

        for (uint32_t j = 0; j < d->demands_count; j++) {
            demand = d->demands[j].line == (int)i ? &d->demands[j] : demand;
        }
        if (demand == NULL) {
            demand = &d->demands[d->demands_count];
            d->demands_count += 1;
            *demand = (struct hf_model_demand){
                .sku_index = (int)line->sku, .line_index = i, .line = (int)i, .cell = -1};
        }
        if (demand->units + demand->damaged < line->under_way) {
            demand->units = line->under_way - demand->damaged;
        }
    }
}

/* ------------------------------------------------------------------ checks */

static bool refuse_state(struct hf_model_decision *d)
{
    int64_t unshipped = 0;
    int64_t under_way = 0;
    bool is_right = hf_model_shipment_is_open(d->shipment);

    for (uint32_t i = 0; i < d->shipment->lines_count; i++) {
        unshipped += d->shipment->lines[i].unshipped;
        under_way += d->shipment->lines[i].under_way;
    }
    if (d->op->kind == HF_KIND_TRANSFER_SHIP) {
        is_right = is_right && unshipped > 0;
    } else if (d->op->kind != HF_KIND_TRANSFER_CANCEL && d->op->kind != HF_KIND_INBOUND_CANCEL) {
        is_right = is_right && under_way > 0;
    }
    return !is_right && hf_model_refuse(d, HF_WRONG_STATE);
}

static bool refuse_exceeding(struct hf_model_decision *d)
{
    for (uint32_t i = 0; i < d->demands_count; i++) {
        struct hf_model_demand asked = d->demands[i];
        const int64_t left = asked.line < 0 ? 0 : left_of(d, line_of(d, &asked));

        asked.units += asked.damaged;
        if (asked.units > left) {
            hf_model_add_line(d, &asked, HF_EXCEEDS_SHIPMENT, 0, asked.units - left);
            d->result->outcome = HF_EXCEEDS_SHIPMENT;
        }
    }
    return d->result->outcome != HF_OK;
}

/* A reservation's stock is never shipped away. */
static bool refuse_unavailable(struct hf_model_decision *d, int from)
{
    for (uint32_t i = 0; i < d->demands_count; i++) {
        struct hf_model_demand *demand = &d->demands[i];
        int64_t atf;

        demand->cell = cell_at(d, demand->sku_index, from);
        atf = demand->cell < 0 ? 0 : hf_model_atf(&d->model->cells[demand->cell]);
        if (demand->units > atf) {
            hf_model_add_line(d, demand, HF_INSUFFICIENT_STOCK, 0, demand->units - atf);
            d->result->outcome = HF_INSUFFICIENT_STOCK;
        }
    }
    return d->result->outcome != HF_OK;
}

/* Whether the counters that rise stay within their bound. */
static bool refuse_counters(struct hf_model_decision *d, int from, int to, bool is_shipping)
{
    for (uint32_t i = 0; i < d->demands_count; i++) {
        const struct hf_model_demand *demand = &d->demands[i];
        const int sku = demand->sku_index;
        int64_t after = demand->units; /* of the line itself, where one is made */

        switch (d->op->kind) {
        case HF_KIND_TRANSFER_CREATE:
        case HF_KIND_INBOUND_CREATE:
        case HF_KIND_TRANSFER_SHIP:
            if (is_shipping) {
                after += counter_at(d, sku, to, HF_IN_TRANSIT);
            }
            break;
        case HF_KIND_TRANSFER_RECEIVE:
        case HF_KIND_INBOUND_RECEIVE:
            after += counter_at(d, sku, to, HF_ON_HAND);
            after = most(after, demand->damaged + counter_at(d, sku, to, HF_DAMAGED));
            /* Over-receipts may be many: what a line has received is bounded as a counter is. */
            after = most(after, demand->units + line_of(d, demand)->received);
            after = most(after, demand->damaged + line_of(d, demand)->damaged);
            break;
        case HF_KIND_TRANSFER_CANCEL:
            after -= least(after, line_of(d, demand)->unshipped);
            after += counter_at(d, sku, from, HF_ON_HAND);
            break;
        default:
            after = 0;
            break;
        }
        if (after > HF_UNITS_MAX) {
            d->result->lines_count = 0;
            return hf_model_refuse(d, HF_LIMIT_EXCEEDED);
        }
    }
    return false;
}

/* Whether one more of each thing that is new fits the configured limits. */
static bool refuse_tables(struct hf_model_decision *d, int to, bool is_shipping)
{
    const struct hf_model *model = d->model;
    const bool opens = hf_model_opens(d->op->kind);
    uint32_t skus = model->skus_count;
    uint32_t cells = model->cells_count;
    uint64_t lines = 0;

    for (uint32_t i = 0; i < d->demands_count; i++) {
        skus += d->demands[i].sku_index < 0 ? 1 : 0;
        cells += is_shipping && cell_at(d, d->demands[i].sku_index, to) < 0 ? 1 : 0;
        lines += opens ? 1 : 0;
    }
    for (uint32_t i = 0; opens && i < model->shipments_count; i++) {
        lines += model->shipments[i].lines_count;
    }
    if (skus > model->config.skus_max || cells > model->config.cells_max ||
        (opens && (model->locations_count + (to < 0 ? 1 : 0) > model->config.locations_max ||
                   model->shipments_count + 1 > model->config.shipments_max ||
                   lines > model->config.shipment_lines_max))) {
        d->result->lines_count = 0;
        return hf_model_refuse(d, HF_LIMIT_EXCEEDED);
    }
    return false;
}

/* ------------------------------------------------------------------ changes */

static void move(struct hf_model_decision *d, struct hf_model_record *record, uint32_t sku,
                 uint32_t location, const int64_t delta[HF_COUNTERS_COUNT])
{
    struct hf_model_demand place = {
        .sku_index = (int)sku, .location_index = (int)location, .cell = -1};

    place.cell = cell_at(d, (int)sku, (int)location);
    hf_model_make_cell(d, &place);
    hf_model_record_move_of(d->model, record, (uint32_t)place.cell, &d->shipment->id,
                            &d->shipment->order, delta);
}

static void ship(struct hf_model_decision *d, struct hf_model_record *record,
                 struct hf_model_shipment_line *line, int64_t units)
{
    const int64_t out[HF_COUNTERS_COUNT] = {[HF_ON_HAND] = -units};
    const int64_t in[HF_COUNTERS_COUNT] = {[HF_IN_TRANSIT] = units};

    move(d, record, line->sku, d->shipment->from, out);
    move(d, record, line->sku, d->shipment->to, in);
    line->unshipped -= units;
    line->under_way += units;
    d->shipment->state = HF_STATE_IN_TRANSIT;
}

static void receive(struct hf_model_decision *d, struct hf_model_record *record,
                    struct hf_model_shipment_line *line, int64_t units, int64_t damaged)
{
    const int64_t expected = least(units + damaged, line->under_way);
    const int64_t delta[HF_COUNTERS_COUNT] = {
        [HF_ON_HAND] = units, [HF_IN_TRANSIT] = -expected, [HF_DAMAGED] = damaged};

    if (units + damaged == 0) {
        return; /* the rest of a line that has none */
    }
    move(d, record, line->sku, d->shipment->to, delta);
    line->under_way -= expected;
    line->received += units;
    line->damaged += damaged;
    if (d->shipment->kind == HF_INBOUND) {
        d->model->physical_units[line->sku] += units + damaged;
    }
}

static void cancel(struct hf_model_decision *d, struct hf_model_record *record,
                   struct hf_model_shipment_line *line, int64_t units)
{
    const int64_t unshipped = least(units, line->unshipped);
    const int64_t back = units - unshipped;
    const int64_t out[HF_COUNTERS_COUNT] = {[HF_IN_TRANSIT] = -back};
    const int64_t in[HF_COUNTERS_COUNT] = {[HF_ON_HAND] = back};

    if (back > 0) {
        move(d, record, line->sku, d->shipment->to, out);
        if (d->shipment->kind == HF_TRANSFER) {
            move(d, record, line->sku, d->shipment->from, in);
        }
    }
    line->unshipped -= unshipped;
    line->under_way -= back;
    line->cancelled += units;
}

static void lose(struct hf_model_decision *d, struct hf_model_record *record,
                 struct hf_model_shipment_line *line, int64_t units)
{
    const int64_t delta[HF_COUNTERS_COUNT] = {[HF_IN_TRANSIT] = -units};

    move(d, record, line->sku, d->shipment->to, delta);
    line->under_way -= units;
    line->lost += units;
    d->model->physical_units[line->sku] -= units;
}

/* The end of every change: the result is told before the record may forget what it closed. */
static void finish(struct hf_model_decision *d, struct hf_model_record *record,
                   enum hf_state final_state)
{
    d->shipment->last_lsn = d->model->lsn;
    if (hf_model_shipment_open_units(d->shipment) == 0) {
        hf_model_record_close_shipment(record, d->shipment, final_state);
    }
    d->result->state = d->shipment->state;
    hf_model_record_end(d->model, record);
}

static void change_create(struct hf_model_decision *d)
{
    const struct hf_op *op = d->op;
    const bool is_inbound = op->kind == HF_KIND_INBOUND_CREATE;
    struct hf_model *model = d->model;
    static struct hf_model_record record;

    hf_model_record_begin(model, &record, op, d->now_us);
    for (uint32_t i = 0; i < d->demands_count; i++) {
        d->demands[i].location = hf_model_text_copy(op->to);
        d->demands[i].location_index = d->to;
        hf_model_make_codes(d, &d->demands[i]);
        d->to = d->demands[i].location_index;
    }
    d->shipment = hf_model_grow((void **)&model->shipments, &model->shipments_count,
                                &model->shipments_room, sizeof *d->shipment);
    *d->shipment =
        (struct hf_model_shipment){.kind = is_inbound ? HF_INBOUND : HF_TRANSFER,
                                   .id = hf_model_text_copy(op->id),
                                   .order = hf_model_text_copy(op->order),
                                   .state = is_inbound ? HF_STATE_IN_TRANSIT : HF_STATE_DRAFT,
                                   .is_sellable = (op->flags & HF_OP_SELLABLE) != 0,
                                   .from = is_inbound ? HF_HANDLE_NONE : (uint32_t)d->from,
                                   .to = (uint32_t)d->to,
                                   .eta_us = op->eta_us,
                                   .opened_us = d->now_us,
                                   .opened_lsn = model->lsn,
                                   .request = record.request,
                                   .lines_count = d->demands_count};
    for (uint32_t i = 0; i < d->demands_count; i++) {
        struct hf_model_shipment_line *line = &d->shipment->lines[i];
        const int64_t units = d->demands[i].units;
        const int64_t in[HF_COUNTERS_COUNT] = {[HF_IN_TRANSIT] = units};

        *line = (struct hf_model_shipment_line){.sku = (uint32_t)d->demands[i].sku_index,
                                                .units = units};
        if (is_inbound) {
            move(d, &record, line->sku, d->shipment->to, in);
            line->under_way = units;
            continue;
        }
        line->unshipped = units;
        if ((op->flags & HF_OP_SHIP) != 0) {
            ship(d, &record, line, units);
        }
    }
    finish(d, &record, HF_STATE_NONE);
}

static void change_shipment(struct hf_model_decision *d)
{
    static struct hf_model_record record;
    enum hf_state final_state = HF_STATE_RECEIVED;

    hf_model_record_begin(d->model, &record, d->op, d->now_us);
    for (uint32_t i = 0; i < d->demands_count; i++) {
        const struct hf_model_demand *demand = &d->demands[i];
        struct hf_model_shipment_line *line = line_of(d, demand);

        switch (d->op->kind) {
        case HF_KIND_TRANSFER_SHIP:
            ship(d, &record, line, demand->units);
            break;
        case HF_KIND_TRANSFER_RECEIVE:
        case HF_KIND_INBOUND_RECEIVE:
            receive(d, &record, line, demand->units, demand->damaged);
            break;
        case HF_KIND_TRANSFER_CLOSE:
            final_state = HF_STATE_CLOSED;
            lose(d, &record, line, demand->units);
            break;
        default:
            final_state = HF_STATE_CANCELLED;
            cancel(d, &record, line, demand->units);
            break;
        }
    }
    /* A transfer that is closed whole ships no more, either. */
    for (uint32_t i = 0; d->op->kind == HF_KIND_TRANSFER_CLOSE && d->op->lines_count == 0 &&
                         i < d->shipment->lines_count;
         i++) {
        struct hf_model_shipment_line *line = &d->shipment->lines[i];

        line->cancelled += line->unshipped;
        line->unshipped = 0;
    }
    finish(d, &record, final_state);
}

/* ------------------------------------------------------------------ decisions */

static void decide_create(struct hf_model_decision *d)
{
    const bool is_inbound = d->op->kind == HF_KIND_INBOUND_CREATE;
    const bool is_shipping = is_inbound || (d->op->flags & HF_OP_SHIP) != 0;

    if (is_shipping && !is_inbound && refuse_unavailable(d, d->from)) {
        return;
    }
    if (refuse_counters(d, d->from, d->to, is_shipping) || refuse_tables(d, d->to, is_shipping)) {
        return;
    }
    change_create(d);
}

void hf_model_decide_shipment(struct hf_model_decision *d)
{
    const enum hf_kind kind = d->op->kind;
    const enum hf_shipment_kind shipment_kind = hf_model_shipment_kind(kind);
    int found;

    if (hf_model_opens(kind)) {
        decide_create(d);
        return;
    }
    found = hf_model_shipment(d->model, shipment_kind, d->op->id);
    if (found < 0) {
        (void)hf_model_refuse(d, shipment_kind == HF_TRANSFER ? HF_UNKNOWN_TRANSFER
                                                              : HF_UNKNOWN_INBOUND);
        return;
    }
    d->shipment = &d->model->shipments[found];
    d->result->state = d->shipment->state;
    d->from = (int)d->shipment->from;
    d->to = (int)d->shipment->to;
    if (refuse_state(d)) {
        return;
    }
    if (d->op->lines_count == 0) {
        gather_whole(d);
    } else {
        find_lines(d);
    }
    if (refuse_exceeding(d)) {
        return;
    }
    if ((d->op->flags & HF_OP_REST) != 0) {
        add_rest(d);
    }
    if ((kind == HF_KIND_TRANSFER_SHIP && refuse_unavailable(d, d->from)) ||
        refuse_counters(d, d->from, d->to, kind == HF_KIND_TRANSFER_SHIP) ||
        refuse_tables(d, d->to, kind == HF_KIND_TRANSFER_SHIP)) {
        return;
    }
    change_shipment(d);
}
