/*
 * model_limits.c - the last checks: counters at their bound, tables that are full.
 */
#include "tests/model/model_inside.h"

#include "engine/assert.h"

/* Which counter the operation raises; -1: none. */
static int raised_counter(const struct hf_model_decision *d)
{
    switch (d->op->kind) {
    case HF_KIND_RECEIVE:
    case HF_KIND_MOVE_STATUS:
        return (int)hf_model_counter_of_status(d->op->to_status);
    case HF_KIND_ADJUST:
    case HF_KIND_SET:
        return HF_ON_HAND;
    case HF_KIND_RESERVE:
        return HF_HELD;
    case HF_KIND_REPLACE:
        HF_ASSERT(d->reservation != NULL);
        return d->reservation->state == HF_STATE_HELD ? HF_HELD : HF_COMMITTED;
    case HF_KIND_CONFIRM:
        return HF_COMMITTED;
    default:
        return -1;
    }
}

bool hf_model_refuse_counters(struct hf_model_decision *d)
{
    const int raised = raised_counter(d);

    for (uint32_t i = 0; raised >= 0 && i < d->demands_count; i++) {
        const struct hf_model_demand *demand = &d->demands[i];
        const bool is_granted = d->op->kind == HF_KIND_RESERVE || d->op->kind == HF_KIND_REPLACE ||
                                d->op->kind == HF_KIND_SET;
        const int64_t added = is_granted ? demand->granted : demand->units;
        const int64_t given_back = d->op->kind == HF_KIND_REPLACE ? demand->open_units : 0;
        const int64_t before = hf_model_counter_of(d, demand, (enum hf_counter)raised);

        if (before + added - given_back > HF_UNITS_MAX) {
            d->result->lines_count = d->result->outcome == HF_OK ? 0 : d->result->lines_count;
            d->result->outcome = HF_LIMIT_EXCEEDED;
            hf_model_add_line(d, demand, HF_LIMIT_EXCEEDED, 0, 0);
        }
    }
    return d->result->outcome != HF_OK;
}

static bool creates_cell(const struct hf_model_decision *d, const struct hf_model_demand *demand)
{
    if (demand->cell >= 0 || hf_model_is_place_kind(d->op->kind)) {
        return false;
    }
    switch (d->op->kind) {
    case HF_KIND_RECEIVE:
    case HF_KIND_ADJUST:
        return demand->units != 0;
    case HF_KIND_SET_POLICY:
        return hf_model_is_policy_changed(d, demand);
    case HF_KIND_SET:
    case HF_KIND_RESERVE:
    case HF_KIND_REPLACE:
        return demand->granted != 0;
    default:
        return false;
    }
}

/* Whether one more of each thing that is new fits the configured limits. */
bool hf_model_refuse_tables(struct hf_model_decision *d)
{
    const struct hf_model *model = d->model;
    const bool opens = d->op->kind == HF_KIND_RESERVE || d->op->kind == HF_KIND_REPLACE;
    uint32_t skus = model->skus_count;
    uint32_t locations = model->locations_count;
    uint32_t regions = model->regions_count;
    uint32_t cells = model->cells_count;
    uint64_t lines = 0;

    for (uint32_t i = 0; i < d->demands_count; i++) {
        const struct hf_model_demand *demand = &d->demands[i];
        bool is_sku_new = demand->sku_index < 0 && !hf_model_is_place_kind(d->op->kind);
        bool is_location_new = demand->location_index < 0;

        for (uint32_t j = 0; j < i; j++) {
            if (hf_text_equal(hf_model_text_view(&demand->sku),
                              hf_model_text_view(&d->demands[j].sku))) {
                is_sku_new = false;
            }
            if (hf_text_equal(hf_model_text_view(&demand->location),
                              hf_model_text_view(&d->demands[j].location))) {
                is_location_new = false;
            }
        }
        skus += is_sku_new ? 1 : 0;
        locations += is_location_new ? 1 : 0;
        cells += creates_cell(d, demand) ? 1 : 0;
        lines += opens && demand->granted > 0 ? 1 : 0;
    }
    for (uint32_t i = 0; opens && i < model->reservations_count; i++) {
        lines += model->reservations[i].lines_count;
    }
    if (d->op->kind == HF_KIND_SET_REGION && hf_model_region(model, d->op->id) < 0) {
        regions += 1;
    }
    if (skus > model->config.skus_max || locations > model->config.locations_max ||
        regions > model->config.locations_max || cells > model->config.cells_max ||
        (opens && (model->reservations_count + 1 > model->config.reservations_max ||
                   lines > model->config.lines_max))) {
        d->result->lines_count = 0;
        return hf_model_refuse(d, HF_LIMIT_EXCEEDED);
    }
    return false;
}
