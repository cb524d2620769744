/*
 * model_set.c - what a set as of a past moment makes of on_hand: M6 of reference.h.
 */
#include "tests/model/model_inside.h"

/* Whether the move was after the moment that the set is about. */
static bool is_since(const struct hf_model_move *move, const struct hf_op *op)
{
    return ((op->flags & HF_OP_AS_OF_LSN) != 0 && move->lsn > op->as_of) ||
           ((op->flags & HF_OP_AS_OF_TIME) != 0 && move->ts_us > op->as_of);
}

int64_t hf_model_changed_since(const struct hf_model *model, const struct hf_op *op, int cell)
{
    int64_t changed = 0;

    for (uint32_t i = model->moves_count; i > 0; i--) {
        const struct hf_model_move *move = &model->moves[i - 1];

        if (!is_since(move, op)) {
            break; /* neither LSN nor time goes back */
        }
        if ((int)move->cell == cell && move->kind != HF_KIND_SET) {
            changed += move->delta[HF_ON_HAND];
        }
    }
    return changed;
}

bool hf_model_is_history_known(const struct hf_model *model, const struct hf_op *op,
                               uint64_t first_lsn)
{
    const bool is_by_time = (op->flags & HF_OP_AS_OF_TIME) != 0;

    for (uint32_t i = 0; i < op->lines_count; i++) {
        const bool has_handles = (op->flags & HF_OP_HANDLES) != 0;
        const struct hf_op_line *line = &op->lines[i];
        const int sku = has_handles ? (int)line->sku_handle : hf_model_sku(model, line->sku);
        const int location =
            has_handles ? (int)line->location_handle : hf_model_location(model, line->location);
        const int cell = hf_model_cell(model, sku, location);
        uint32_t count = 0;

        for (uint32_t j = model->moves_count; j > 0 && cell >= 0; j--) {
            const struct hf_model_move *move = &model->moves[j - 1];
            const bool is_kept = first_lsn != 0 && move->lsn >= first_lsn;
            /* Of a move that is not kept no more is known than that it is older than the rest. */
            const bool may_be_since =
                is_kept || !is_by_time
                    ? is_since(move, op)
                    : first_lsn == 0 || model->times_us[first_lsn - 1] > op->as_of;

            if ((int)move->cell != cell || !may_be_since) {
                continue;
            }
            count += 1;
            if (!is_kept || count > HF_MODEL_MOVES_OF_SET_MAX) {
                return false;
            }
        }
    }
    return true;
}

/* `granted` becomes the change. */
bool hf_model_refuse_set(struct hf_model_decision *d)
{
    if (d->model->is_too_old) {
        return hf_model_refuse(d, HF_TOO_OLD);
    }
    for (uint32_t i = 0; i < d->demands_count; i++) {
        struct hf_model_demand *demand = &d->demands[i];
        const int64_t after = demand->units + hf_model_changed_since(d->model, d->op, demand->cell);

        demand->granted = after - hf_model_counter_of(d, demand, HF_ON_HAND);
        if (after < 0) {
            hf_model_add_line(d, demand, HF_INSUFFICIENT_ON_HAND, 0, -after);
            d->result->outcome = HF_INSUFFICIENT_ON_HAND;
        }
    }
    return d->result->outcome != HF_OK;
}
