/*
 * rule_stock.c - the rules for stock without reservations: receive, adjust, sell, and settings.
 *
 * A rule decides an operation whose lines are planned: it puts effects and returns HF_OK, or lists
 * the failing lines and returns the refusal. It changes nothing itself (commit.c does).
 */
#include "engine/state.h"

static int64_t on_hand_of(const struct hf_engine *engine, const struct hf_plan_line *line)
{
    return line->cell == HF_NONE ? 0 : hf_cell_at(&engine->cells, line->cell)->hot[HF_ON_HAND];
}

/* Where received units go; those that are not for sale are set aside at once. */
static enum hf_counter received_into(const struct hf_op *op)
{
    return op->to_status == HF_STATUS_DAMAGED       ? HF_DAMAGED
           : op->to_status == HF_STATUS_QUARANTINED ? HF_QUARANTINED
                                                    : HF_ON_HAND;
}

enum hf_err hf_rule_receive(struct hf_engine *engine)
{
    struct hf_work *work = &engine->work;
    const enum hf_counter counter = received_into(work->op);
    enum hf_err err = hf_plan_check_versions(engine);
    if (err != HF_OK) {
        return err;
    }
    for (uint32_t i = 0; i < work->lines_count; i++) {
        const struct hf_plan_line *line = &work->lines[i];
        const int64_t after = on_hand_of(engine, line) + line->units;
        if (line->units >= 0 || after >= 0) {
            continue;
        }
        struct hf_result_line *failing = hf_result_add_line(engine, line, HF_INSUFFICIENT_ON_HAND);
        failing->requested = -line->units;
        failing->shortfall = -after;
        err = HF_INSUFFICIENT_ON_HAND;
    }
    for (uint32_t i = 0; err == HF_OK && i < work->lines_count; i++) {
        const struct hf_plan_line *line = &work->lines[i];
        const int64_t now =
            line->cell == HF_NONE
                ? 0
                : hf_cell_units(&engine->cells, hf_cell_at(&engine->cells, line->cell), counter);
        if (now + line->units > HF_UNITS_MAX) {
            err = HF_LIMIT_EXCEEDED;
        }
    }
    for (uint32_t i = 0; err == HF_OK && i < work->lines_count; i++) {
        if (work->lines[i].units != 0) {
            hf_effect_put_plan_move(engine, &work->lines[i])->delta[counter] = work->lines[i].units;
        }
    }
    return err;
}

/* Units that a direct sale may take: all on hand for a fact, else what is not promised. */
static int64_t sellable(const struct hf_engine *engine, const struct hf_plan_line *line)
{
    if (line->cell == HF_NONE) {
        return 0;
    }
    return (engine->work.op->flags & HF_OP_FACT) != 0
               ? on_hand_of(engine, line)
               : hf_cell_atf(&engine->cells, hf_cell_at(&engine->cells, line->cell));
}

enum hf_err hf_rule_sell(struct hf_engine *engine)
{
    struct hf_work *work = &engine->work;
    const bool is_fact = (work->op->flags & HF_OP_FACT) != 0;
    const enum hf_err refusal = is_fact ? HF_INSUFFICIENT_ON_HAND : HF_INSUFFICIENT_STOCK;
    enum hf_err err = hf_plan_check_versions(engine);
    if (err != HF_OK) {
        return err;
    }
    for (uint32_t i = 0; i < work->lines_count; i++) {
        const struct hf_plan_line *line = &work->lines[i];
        const int64_t shortfall = line->units - sellable(engine, line);
        if (shortfall > 0 && work->has_due && !is_fact) {
            return HF_BUSY; /* the units may be there once those holds are released */
        }
        if (shortfall > 0) {
            hf_result_add_line(engine, line, refusal)->shortfall = shortfall;
            err = refusal;
        }
    }
    for (uint32_t i = 0; err == HF_OK && i < work->lines_count; i++) {
        hf_effect_put_plan_move(engine, &work->lines[i])->delta[HF_ON_HAND] = -work->lines[i].units;
    }
    return err;
}

/* ------------------------------------------------------------------ settings */

/* The policy of a plan line with all lines of the operation that name its cell laid over it. */
static void overlay(struct hf_policy *policy, const struct hf_op_line *line)
{
    if (line->safety_stock != HF_POLICY_KEEP) {
        policy->safety_stock = line->safety_stock;
    }
    if (line->low_stock != HF_POLICY_KEEP) {
        policy->low_stock = line->low_stock;
    }
    if (line->backorder_limit != HF_POLICY_KEEP) {
        policy->backorder_limit = line->backorder_limit;
    }
}

enum hf_err hf_rule_policy(struct hf_engine *engine)
{
    struct hf_work *work = &engine->work;
    const enum hf_err err = hf_plan_check_versions(engine);
    if (err != HF_OK) {
        return err;
    }
    const uint32_t first = work->effects_count;
    for (uint32_t i = 0; i < work->lines_count; i++) {
        const struct hf_plan_line *line = &work->lines[i];
        struct hf_effect *effect = hf_effect_put(engine, HF_EFFECT_POLICY);
        effect->policy = (struct hf_effect_policy){
            .sku = line->sku,
            .location = line->location,
            .policy = {.low_stock = HF_LOW_STOCK_NONE},
        };
        if (line->cell != HF_NONE) {
            effect->policy.policy =
                hf_cell_policy(&engine->cells, hf_cell_at(&engine->cells, line->cell));
        }
        effect->policy.policy_before = effect->policy.policy;
    }
    if (work->is_full) {
        return HF_LIMIT_EXCEEDED;
    }
    for (uint32_t i = 0; i < work->op->lines_count; i++) {
        overlay(&work->effects[first + work->line_of[i]].policy.policy, &work->op->lines[i]);
    }
    /* Keep what changes something; a cell that is not there yet is made by any policy. */
    uint32_t kept = first;
    for (uint32_t i = 0; i < work->lines_count; i++) {
        const struct hf_effect *effect = &work->effects[first + i];
        if (work->lines[i].cell == HF_NONE ||
            memcmp(&effect->policy.policy, &effect->policy.policy_before,
                   sizeof effect->policy.policy) != 0) {
            work->effects[kept++] = *effect;
        }
    }
    work->effects_count = kept;
    return HF_OK;
}

static struct hf_effect_place *put_place(struct hf_engine *engine, uint32_t location)
{
    struct hf_effect *effect = hf_effect_put(engine, HF_EFFECT_PLACE);
    effect->place = (struct hf_effect_place){
        .location = location, .region = HF_NONE, .is_in_transit_sellable = true};
    if (location < hf_catalog_count(&engine->catalog, HF_CODE_LOCATION)) {
        const struct hf_location *known = hf_location_at(&engine->catalog, location);
        effect->place.region = known->region;
        effect->place.is_in_transit_sellable = known->is_in_transit_sellable;
    }
    return &effect->place;
}

enum hf_err hf_rule_location(struct hf_engine *engine)
{
    struct hf_work *work = &engine->work;

    for (uint32_t i = 0; i < work->lines_count; i++) {
        bool is_sellable = false;
        for (uint32_t j = work->lines[i].line_index; j < work->op->lines_count; j++) {
            if (work->line_of[j] == i) {
                is_sellable = work->op->lines[j].units == 1; /* the last line of it decides */
            }
        }
        struct hf_effect_place *place = put_place(engine, work->lines[i].location);
        if (place->is_in_transit_sellable == is_sellable &&
            work->lines[i].location < hf_catalog_count(&engine->catalog, HF_CODE_LOCATION)) {
            work->effects_count--; /* as it is already */
        }
        place->is_in_transit_sellable = is_sellable;
    }
    return HF_OK;
}

enum hf_err hf_rule_region(struct hf_engine *engine)
{
    struct hf_work *work = &engine->work;
    const struct hf_text code = work->op->id;
    uint32_t region = hf_catalog_find(&engine->catalog, HF_CODE_REGION, code);

    if (region == HF_NONE) {
        region = hf_catalog_count(&engine->catalog, HF_CODE_REGION);
        hf_effect_put(engine, HF_EFFECT_REGION)->code =
            (struct hf_effect_code){.handle = region, .code = code};
    }
    for (uint32_t i = 0; i < work->lines_count; i++) {
        struct hf_effect_place *place = put_place(engine, work->lines[i].location);
        if (place->region == region) {
            work->effects_count--; /* there already */
        }
        place->region = region;
    }
    return HF_OK;
}
