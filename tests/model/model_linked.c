/*
 * model_linked.c - a linked group: the model is copied before, and put back when one is refused.
 */
#include "tests/model/reference.h"

#include <stdlib.h>
#include <string.h>

#include "engine/assert.h"

/* A copy of an array, to be put back. */
static void *copy_items(const void *items, uint32_t count, size_t item_bytes)
{
    void *copy = malloc(count * item_bytes + 1);

    HF_ASSERT(copy != NULL);
    if (count != 0) {
        memcpy(copy, items, count * item_bytes);
    }
    return copy;
}

static void copy_back(void *items, const void *copy, uint32_t count, size_t item_bytes)
{
    if (count != 0) {
        memcpy(items, copy, count * item_bytes);
    }
}

static void put_back(struct hf_model *model, struct hf_model *before)
{
    while (model->requests_count > before->requests_count) {
        model->requests_count -= 1;
        free(model->requests[model->requests_count].memory);
    }
    /* Arrays only grow: the room of now is enough for what there was. */
    copy_back(model->reservations, before->reservations, before->reservations_count,
              sizeof *before->reservations);
    copy_back(model->shipments, before->shipments, before->shipments_count,
              sizeof *before->shipments);
    copy_back(model->names, before->names, before->names_count, sizeof *before->names);
    before->reservations_room = model->reservations_room;
    before->shipments_room = model->shipments_room;
    before->names_room = model->names_room;
    before->times_room = model->times_room;
    before->events_room = model->events_room;
    before->requests_room = model->requests_room;
    before->moves_room = model->moves_room;
    free(before->reservations);
    free(before->shipments);
    free(before->names);
    before->reservations = model->reservations;
    before->shipments = model->shipments;
    before->times_us = model->times_us;
    before->events = model->events;
    before->names = model->names;
    before->requests = model->requests;
    before->moves = model->moves;
    *model = *before;
}

void hf_model_apply_linked(struct hf_model *model, const struct hf_op *ops, uint32_t count,
                           uint64_t now_us, struct hf_model_result *results)
{
    struct hf_model *before = copy_items(model, 1, sizeof *model);
    const bool is_too_old = model->is_too_old;
    const uint32_t too_old_op = model->too_old_op;
    uint32_t failed = UINT32_MAX;

    before->reservations =
        copy_items(model->reservations, model->reservations_count, sizeof *model->reservations);
    before->shipments =
        copy_items(model->shipments, model->shipments_count, sizeof *model->shipments);
    before->names = copy_items(model->names, model->names_count, sizeof *model->names);

    for (uint32_t i = 0; i < count && failed == UINT32_MAX; i++) {
        model->is_inside_group = i + 1 < count;
        model->is_too_old = is_too_old && i == too_old_op;
        hf_model_apply(model, &ops[i], now_us, &results[i]);
        failed = results[i].outcome != HF_OK ? i : UINT32_MAX;
    }
    model->is_inside_group = false;
    model->is_too_old = false;
    if (failed == UINT32_MAX) {
        free(before->reservations);
        free(before->shipments);
        free(before->names);
        free(before);
        return;
    }
    put_back(model, before);
    model->is_too_old = false;
    free(before);
    for (uint32_t i = 0; i < count; i++) {
        if (i != failed) {
            memset(&results[i], 0, sizeof results[i]);
            results[i].outcome = HF_LINKED_FAILED;
        }
        results[i].lsn = model->lsn;
    }
}
