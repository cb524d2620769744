#include "engine/watch.h"

#include "engine/state.h"

void hf_item_watch(struct hf_engine *engine, unsigned item, uint32_t index, bool is_before)
{
    if ((engine->watchers & HF_WATCH_DIGEST) != 0) {
        hf_digest_correct(engine, item, index, is_before);
    }
    if ((engine->watchers & HF_WATCH_BALANCE) != 0) {
        hf_balance_correct(engine, item, index, is_before);
    }
    if (is_before && (engine->watchers & HF_WATCH_FROZEN) != 0) {
        hf_frozen_keep(engine, item, index);
    }
    if (is_before && (engine->watchers & HF_WATCH_STEPS) != 0) {
        hf_image_steps_keep(engine, item, index);
    }
}
