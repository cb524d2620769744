/*
 * any_operation.h - random operations of every kind on a small world.
 *
 * SKUs sku0.., locations loc0.., reservations r0.. (some with long names), transfers t0.., inbound
 * shipments i0.., orders, references: few enough that operations meet each other, repeat, conflict
 * and are refused in every way. Lines are few; deadlines are short, so that holds expire on the
 * way.
 */
#ifndef HF_TESTS_ANY_OPERATION_H
#define HF_TESTS_ANY_OPERATION_H

#include "engine/engine.h"

#define HF_ANY_LINES_MAX 3

/* An operation and the memory that it points into: it must stay where it is. */
struct hf_any_operation {
    struct hf_op op;
    struct hf_op_line lines[HF_ANY_LINES_MAX];
    char texts[16][24];
};

/* `state` is of hf_random_next (small_engine.h). */
void hf_any_operation(struct hf_any_operation *any, uint64_t *state);
/* Apply one, or now and then a linked group of three, and pin the ledger: the log has it. */
void hf_any_apply(struct hf_engine *engine, uint64_t *state, uint64_t now_us);

#endif
