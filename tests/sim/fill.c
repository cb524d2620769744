#include "tests/sim/fill.h"

#include "engine/assert.h"
#include "engine/ledger.h"

#define GROUP 512u /* operations between two writes of the log */

static void choose_text(struct hf_node *node, char text[HF_CODE_BYTES_MAX])
{
    for (unsigned i = 0; i < HF_CODE_BYTES_MAX; i++) {
        text[i] = (char)('0' + hf_roll(node->world, 64));
    }
}

/* False: the log has no place for it. */
static bool receive_one(struct hf_node *node)
{
    char order[HF_CODE_BYTES_MAX];
    char by[HF_CODE_BYTES_MAX];
    struct hf_result result;

    choose_text(node, order);
    choose_text(node, by);
    const struct hf_op_line line = {
        .sku = hf_text_of("something else"), .location = hf_text_of(HF_FILL_LOCATION), .units = 1};
    const struct hf_op op = {.kind = HF_KIND_RECEIVE,
                             .order = {order, sizeof order},
                             .by = {by, sizeof by},
                             .lines = &line,
                             .lines_count = 1};
    hf_engine_apply(node->engine, &op, hf_node_now_us(node), &result);
    HF_ASSERT(result.outcome == HF_OK || result.outcome == HF_BUSY);
    return result.outcome == HF_OK;
}

bool hf_fill(struct hf_node *node, uint64_t room_bytes, struct hf_fill_range *range)
{
    const struct hf_ledger *ledger = hf_engine_ledger(node->engine);
    bool has_place = true;

    range->first_lsn = hf_engine_lsn(node->engine) + 1;
    while (has_place) {
        for (uint32_t i = 0; has_place && i < GROUP; i++) {
            has_place = ledger->pushed_bytes + room_bytes < ledger->pushed_max && receive_one(node);
        }
        hf_node_turn(node);
        while (hf_node_log_step(node)) {
        }
        if (!hf_store_log_sync(node->store)) {
            return false;
        }
        hf_node_turn(node); /* the ring lets go of what is durable, and the place is known anew */
        has_place = ledger->pushed_bytes + room_bytes < ledger->pushed_max;
    }
    range->last_lsn = hf_engine_lsn(node->engine);
    return true;
}
