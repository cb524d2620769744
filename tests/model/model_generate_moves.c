/*
 * model_generate_moves.c - operations about stock on the move: see model_generate.h.
 */
#include "tests/model/model_generate_inside.h"

#include <string.h>

static bool is_create(enum hf_kind kind)
{
    return kind == HF_KIND_TRANSFER_CREATE || kind == HF_KIND_INBOUND_CREATE;
}

/* ------------------------------------------------------------------ set, statuses */

/* A moment: mostly not long ago, often exactly that of a record, rarely one that is to come. */
void hf_generate_as_of(struct hf_generator *g, struct hf_op *op)
{
    const struct hf_model *model = g->model;
    const uint64_t back = chance(g, 20) ? below(g, 2000) : below(g, 40);

    if (model->lsn == 0 || chance(g, 30)) {
        return;
    }
    if (g->has_versions && chance(g, 60)) {
        op->flags |= HF_OP_AS_OF_LSN;
        op->as_of = chance(g, 3) ? model->lsn + 1 : back >= model->lsn ? 0 : model->lsn - back;
        return;
    }
    op->flags |= HF_OP_AS_OF_TIME;
    op->as_of = model->times_us[back >= model->lsn ? 0 : model->lsn - 1 - back];
    if (chance(g, 30)) {
        op->as_of += below(g, 3);
        op->as_of -= 1;
    }
    if (chance(g, 3)) {
        op->as_of = hf_model_now(model, g->now_us) + below(g, 2);
    }
}

void hf_generate_statuses(struct hf_generator *g, struct hf_op *op)
{
    const enum hf_status from = (enum hf_status)(1 + below(g, 3));
    const enum hf_status to = (enum hf_status)(1 + (from + below(g, 2)) % 3);

    if (op->kind == HF_KIND_RECEIVE) {
        op->to_status = chance(g, 80) ? HF_STATUS_NONE : to;
        return;
    }
    op->from_status = from;
    if (op->kind == HF_KIND_MOVE_STATUS) {
        op->to_status = to;
    }
}

/* ------------------------------------------------------------------ shipments */

/* Whether there is something that the operation could be about. */
static bool is_ready(const struct hf_model_shipment *shipment, enum hf_kind kind)
{
    int64_t unshipped = 0;
    int64_t under_way = 0;

    for (uint32_t i = 0; i < shipment->lines_count; i++) {
        unshipped += shipment->lines[i].unshipped;
        under_way += shipment->lines[i].under_way;
    }
    return kind == HF_KIND_TRANSFER_SHIP     ? unshipped > 0
           : kind == HF_KIND_TRANSFER_CANCEL ? unshipped + under_way > 0
                                             : under_way > 0;
}

/* Mostly one that is open, of the kind that the operation is about. */
static struct hf_text draw_id(struct hf_generator *g, enum hf_kind kind)
{
    const enum hf_shipment_kind wanted = kind >= HF_KIND_INBOUND_CREATE ? HF_INBOUND : HF_TRANSFER;
    const uint32_t count = g->model->shipments_count;

    if (count == 0 || chance(g, 3)) {
        return hf_generate_name(g, 30);
    }
    for (int i = 0; i < 20; i++) {
        const struct hf_model_shipment *shipment =
            &g->model->shipments[count - 1 - below(g, count < 30 ? count : 30)];

        if (chance(g, 1) ||
            (shipment->kind == wanted && (is_ready(shipment, kind) || chance(g, 2)))) {
            return hf_generate_keep(g, &shipment->id);
        }
    }
    return hf_generate_name(g, 0);
}

static int cell_at(const struct hf_generator *g, struct hf_text sku, struct hf_text location)
{
    const int sku_index = hf_model_sku(g->model, sku);
    const int location_index = hf_model_location(g->model, location);

    return sku_index < 0 || location_index < 0 ? -1
                                               : hf_model_cell(g->model, sku_index, location_index);
}

/* A line of a transfer or an inbound shipment; mostly of what the source can spare. */
static void draw_created_line(struct hf_generator *g, const struct hf_op *op,
                              struct hf_op_line *line)
{
    int64_t atf = 0;

    for (int i = 0; i < 4 && atf <= 0; i++) {
        int cell;

        line->sku = hf_generate_sku(below(g, g->skus_count));
        cell = op->kind == HF_KIND_INBOUND_CREATE ? -1 : cell_at(g, line->sku, op->from);
        atf = cell < 0 ? 0 : hf_model_atf(&g->model->cells[cell]);
    }
    line->units = 1 + below(g, 9);
    if (chance(g, g->huge_percent)) {
        line->units = HF_UNITS_MAX / (1 + below(g, 2)) - below(g, 2);
    } else if (atf > 0 && chance(g, 30)) {
        line->units = hf_generate_near(g, atf);
    } else if (atf > 0 && line->units > atf && chance(g, 80)) {
        line->units = atf;
    }
    if (line->units < 1) {
        line->units = 1;
    } else if (line->units > HF_UNITS_MAX) {
        line->units = HF_UNITS_MAX;
    }
}

static void draw_create(struct hf_generator *g, struct hf_op *op)
{
    const uint32_t most = chance(g, 3) ? HF_MODEL_LINES_MAX : chance(g, 60) ? 2 : 4;
    struct hf_op_line *lines;

    op->id = hf_generate_name(g, 80);
    op->to = hf_generate_location(below(g, g->locations_count));
    if (op->kind == HF_KIND_TRANSFER_CREATE) {
        op->from = hf_generate_location(below(g, g->locations_count));
        for (int i = 0; i < 4 && !chance(g, 5) && hf_text_equal(op->from, op->to); i++) {
            op->from = hf_generate_location(below(g, g->locations_count));
        }
        op->flags |= chance(g, 60) ? HF_OP_SHIP : 0;
    } else {
        op->flags |= chance(g, 40) ? HF_OP_SELLABLE : 0;
        op->eta_us = chance(g, 30) ? 0 : g->now_us + below(g, 2000000);
    }
    op->lines_count = 1 + below(g, most);
    lines = hf_arena_take(g->arena, op->lines_count * sizeof *lines);
    memset(lines, 0, op->lines_count * sizeof *lines);
    for (uint32_t i = 0; i < op->lines_count; i++) {
        draw_created_line(g, op, &lines[i]);
    }
    op->lines = lines;
}

/* What the operation may take of the line; at the edge when it is to be refused. */
static int64_t draw_part(struct hf_generator *g, const struct hf_op *op,
                         const struct hf_model_shipment_line *line)
{
    int64_t left = line->under_way;

    if (op->kind == HF_KIND_TRANSFER_SHIP) {
        left = line->unshipped;
    } else if (op->kind == HF_KIND_TRANSFER_CANCEL || op->kind == HF_KIND_INBOUND_CANCEL) {
        left += line->unshipped;
    } else if (op->kind == HF_KIND_INBOUND_RECEIVE && chance(g, 30)) {
        left += line->units * (int64_t)g->model->config.over_receipt_percent / 100;
    }
    if (chance(g, 40)) {
        return chance(g, 30) ? hf_generate_near(g, left) : left;
    }
    return 1 + (int64_t)below(g, left < 9 ? (uint32_t)left + 1 : 9);
}

static void draw_damaged(struct hf_generator *g, struct hf_op_line *line)
{
    if (chance(g, 50)) {
        line->damaged = (int64_t)below(g, line->units < 9 ? (uint32_t)line->units + 1 : 9);
        line->units -= chance(g, 90) ? line->damaged : 0;
    }
    if (line->units == 0 && line->damaged == 0) {
        line->damaged = 1;
    }
}

static void draw_part_lines(struct hf_generator *g, struct hf_op *op)
{
    const enum hf_shipment_kind kind =
        op->kind >= HF_KIND_INBOUND_CREATE ? HF_INBOUND : HF_TRANSFER;
    const int found = hf_model_shipment(g->model, kind, op->id);
    const struct hf_model_shipment *shipment = found < 0 ? NULL : &g->model->shipments[found];
    struct hf_op_line *lines;

    op->lines_count = 1 + below(g, chance(g, 60) ? 1 : 4);
    lines = hf_arena_take(g->arena, op->lines_count * sizeof *lines);
    memset(lines, 0, op->lines_count * sizeof *lines);
    for (uint32_t i = 0; i < op->lines_count; i++) {
        lines[i].sku = hf_generate_sku(below(g, g->skus_count));
        lines[i].units = 1 + below(g, 3);
        if (shipment != NULL && !chance(g, 4)) {
            const struct hf_model_shipment_line *line =
                &shipment->lines[below(g, shipment->lines_count)];

            lines[i].sku = hf_generate_keep(g, &g->model->skus[line->sku]);
            lines[i].units = draw_part(g, op, line);
        }
        if (lines[i].units < 1) {
            lines[i].units = 1;
        } else if (lines[i].units > HF_UNITS_MAX) {
            lines[i].units = HF_UNITS_MAX;
        }
        if ((op->flags & HF_OP_DAMAGED) != 0) {
            draw_damaged(g, &lines[i]);
        }
    }
    op->lines = lines;
}

void hf_generate_shipment(struct hf_generator *g, struct hf_op *op)
{
    const bool is_receive =
        op->kind == HF_KIND_TRANSFER_RECEIVE || op->kind == HF_KIND_INBOUND_RECEIVE;

    if (is_create(op->kind)) {
        draw_create(g, op);
        return;
    }
    op->id = draw_id(g, op->kind);
    op->reason = chance(g, 50) ? HF_REASON_NONE : (enum hf_reason)below(g, HF_REASONS_COUNT);
    if (chance(g, op->kind == HF_KIND_TRANSFER_CLOSE ? 50 : 30)) {
        return;
    }
    if (is_receive) {
        op->flags |= chance(g, 35) ? HF_OP_DAMAGED : 0;
        op->flags |= chance(g, 20) ? HF_OP_REST : 0;
    }
    draw_part_lines(g, op);
}

/* ------------------------------------------------------------------ spoiling */

void hf_generate_spoil(struct hf_generator *g, struct hf_op *op)
{
    static const uint32_t flags[] = {HF_OP_AS_OF_LSN, HF_OP_AS_OF_TIME, HF_OP_SHIP,
                                     HF_OP_SELLABLE,  HF_OP_REST,       16384};

    switch (below(g, 6)) {
    case 0:
        op->from_status = (enum hf_status)below(g, HF_STATUSES_COUNT + 1);
        break;
    case 1:
        op->to_status = (enum hf_status)below(g, HF_STATUSES_COUNT + 1);
        break;
    case 2:
        op->as_of = below(g, 3);
        break;
    case 3:
        op->eta_us = below(g, 3);
        break;
    case 4:
        op->from = chance(g, 50) ? op->to : (struct hf_text){0};
        break;
    default:
        op->flags ^= flags[below(g, 6)];
        break;
    }
}
