#include "tests/lib/any_operation.h"

#include <stdio.h>

#include "engine/ledger.h"
#include "tests/lib/small_engine.h"

static uint32_t below(uint64_t *state, uint32_t bound)
{
    return (uint32_t)hf_random_below(state, bound);
}

static struct hf_text pick(char *buffer, const char *prefix, uint64_t *state, uint32_t bound)
{
    (void)snprintf(buffer, 24, "%s%u", prefix, below(state, bound));
    return hf_text_of(buffer);
}

/* How often each kind comes: once a mention. */
static const enum hf_kind kinds[] = {
    HF_KIND_RECEIVE,          HF_KIND_RECEIVE,
    HF_KIND_ADJUST,           HF_KIND_SELL,
    HF_KIND_SET_POLICY,       HF_KIND_SET_REGION,
    HF_KIND_RESERVE,          HF_KIND_RESERVE,
    HF_KIND_RESERVE,          HF_KIND_REPLACE,
    HF_KIND_CONFIRM,          HF_KIND_CONFIRM,
    HF_KIND_EXTEND,           HF_KIND_RELEASE,
    HF_KIND_FULFIL,           HF_KIND_RELEASE_ORDER,
    HF_KIND_SET_LOCATION,     HF_KIND_SET,
    HF_KIND_MOVE_STATUS,      HF_KIND_DISPOSE,
    HF_KIND_TRANSFER_CREATE,  HF_KIND_TRANSFER_CREATE,
    HF_KIND_TRANSFER_SHIP,    HF_KIND_TRANSFER_RECEIVE,
    HF_KIND_TRANSFER_RECEIVE, HF_KIND_TRANSFER_CANCEL,
    HF_KIND_TRANSFER_CLOSE,   HF_KIND_INBOUND_CREATE,
    HF_KIND_INBOUND_CREATE,   HF_KIND_INBOUND_RECEIVE,
    HF_KIND_INBOUND_RECEIVE,  HF_KIND_INBOUND_CANCEL,
};

static bool is_transfer(enum hf_kind kind)
{
    return kind >= HF_KIND_TRANSFER_CREATE && kind <= HF_KIND_TRANSFER_CLOSE;
}

static bool is_inbound(enum hf_kind kind)
{
    return kind >= HF_KIND_INBOUND_CREATE && kind <= HF_KIND_INBOUND_CANCEL;
}

static bool is_create(enum hf_kind kind)
{
    return kind == HF_KIND_TRANSFER_CREATE || kind == HF_KIND_INBOUND_CREATE;
}

static bool is_shipment_receive(enum hf_kind kind)
{
    return kind == HF_KIND_TRANSFER_RECEIVE || kind == HF_KIND_INBOUND_RECEIVE;
}

static uint32_t lines_count_of(enum hf_kind kind, uint64_t *state)
{
    if (kind <= HF_KIND_REPLACE || kind == HF_KIND_SET || kind == HF_KIND_MOVE_STATUS ||
        kind == HF_KIND_DISPOSE || is_create(kind)) {
        return 1 + below(state, HF_ANY_LINES_MAX);
    }
    const bool may_have_lines =
        kind == HF_KIND_RELEASE || kind == HF_KIND_FULFIL ||
        ((is_transfer(kind) || is_inbound(kind)) && kind != HF_KIND_TRANSFER_CLOSE);
    return may_have_lines && below(state, 2) == 0 ? 1 + below(state, 2) : 0;
}

static int64_t units_of(enum hf_kind kind, uint64_t *state)
{
    switch (kind) {
    case HF_KIND_SET_LOCATION:
        return below(state, 2);
    case HF_KIND_SET_REGION:
    case HF_KIND_SET_POLICY:
        return 0;
    case HF_KIND_RECEIVE:
    case HF_KIND_SET:
        return 20 + below(state, 20);
    case HF_KIND_INBOUND_CREATE:
        return 5 + below(state, 10);
    default:
        return 1 + below(state, 6);
    }
}

static void make_lines(struct hf_any_operation *any, uint64_t *state)
{
    struct hf_op *op = &any->op;
    const bool is_place = op->kind == HF_KIND_SET_REGION || op->kind == HF_KIND_SET_LOCATION;
    const bool is_shipment = is_transfer(op->kind) || is_inbound(op->kind);

    op->lines_count = lines_count_of(op->kind, state);
    if (is_shipment_receive(op->kind) && op->lines_count > 0) {
        op->flags |= below(state, 2) == 0 ? HF_OP_DAMAGED : 0u;
        op->flags |= below(state, 3) == 0 ? HF_OP_REST : 0u;
    }
    for (uint32_t i = 0; i < op->lines_count; i++) {
        struct hf_op_line *line = &any->lines[i];
        if (!is_place) {
            line->sku = pick(any->texts[2 * i], "sku", state, 40);
        }
        if (!is_shipment) {
            line->location = pick(any->texts[2 * i + 1], "loc", state, 5);
        }
        line->units = units_of(op->kind, state);
        if ((op->flags & HF_OP_DAMAGED) != 0) {
            line->damaged = 1 + below(state, 2);
        }
        if (op->kind == HF_KIND_SET_POLICY) {
            line->safety_stock = below(state, 4);
            line->low_stock = below(state, 3) == 0 ? HF_LOW_STOCK_NONE : (int64_t)below(state, 9);
            line->backorder_limit = below(state, 4);
        }
    }
}

static void make_shipment(struct hf_any_operation *any, uint64_t *state)
{
    struct hf_op *op = &any->op;

    op->id = pick(any->texts[6], is_transfer(op->kind) ? "t" : "i", state, 40);
    if (op->kind == HF_KIND_TRANSFER_CREATE) {
        op->from = pick(any->texts[10], "loc", state, 5);
        op->flags |= below(state, 2) == 0 ? HF_OP_SHIP : 0u;
    }
    if (is_create(op->kind)) {
        op->to = pick(any->texts[11], "loc", state, 5);
    }
    if (op->kind == HF_KIND_INBOUND_CREATE) {
        op->flags |= below(state, 2) == 0 ? HF_OP_SELLABLE : 0u;
        op->eta_us = below(state, 2) == 0 ? 0 : 1 + below(state, 1000000);
    }
}

void hf_any_operation(struct hf_any_operation *any, uint64_t *state)
{
    *any = (struct hf_any_operation){0};
    struct hf_op *op = &any->op;
    op->kind = kinds[below(state, sizeof kinds / sizeof kinds[0])];
    op->lines = any->lines;
    make_lines(any, state);
    if (is_transfer(op->kind) || is_inbound(op->kind)) {
        make_shipment(any, state);
    } else if (op->kind == HF_KIND_SET_REGION) {
        op->id = pick(any->texts[6], "region", state, 3);
    } else if (op->kind >= HF_KIND_RESERVE && op->kind <= HF_KIND_FULFIL &&
               op->kind != HF_KIND_RELEASE_ORDER) {
        op->id = pick(any->texts[6], below(state, 2) == 0 ? "r" : "a-rather-long-name-", state, 60);
    }
    if (op->kind == HF_KIND_REPLACE) {
        op->old_id = pick(any->texts[7], "r", state, 60);
    }
    if (op->kind == HF_KIND_MOVE_STATUS || op->kind == HF_KIND_DISPOSE) {
        op->from_status = (enum hf_status)(1 + below(state, 3));
    }
    if (op->kind == HF_KIND_MOVE_STATUS || (op->kind == HF_KIND_RECEIVE && below(state, 3) == 0)) {
        op->to_status = (enum hf_status)(1 + below(state, 3));
    }
    if (op->kind == HF_KIND_RELEASE_ORDER || below(state, 3) == 0) {
        op->order = pick(any->texts[8], "order", state, 20);
    }
    if (below(state, 3) == 0) {
        op->ref = pick(any->texts[9], "ref", state, 4000);
    }
    if (op->kind == HF_KIND_EXTEND || (op->kind == HF_KIND_RESERVE && below(state, 2) == 0)) {
        op->flags |= HF_OP_TTL;
        op->ttl_us = 1 + below(state, 5000);
    }
}

void hf_any_apply(struct hf_engine *engine, uint64_t *state, uint64_t now_us)
{
    struct hf_any_operation any[3];
    struct hf_op ops[3];
    struct hf_result results[3];

    hf_any_operation(&any[0], state);
    if (below(state, 4) != 0) {
        hf_engine_apply(engine, &any[0].op, now_us, &results[0]);
    } else {
        for (unsigned i = 0; i < 3; i++) {
            hf_any_operation(&any[i], state);
            ops[i] = any[i].op;
            ops[i].flags |= i < 2 ? (uint32_t)HF_OP_LINKED : 0u;
        }
        hf_engine_apply_linked(engine, ops, 3, now_us, results);
    }
    hf_ledger_pin(hf_engine_ledger(engine), hf_engine_lsn(engine));
}
