/*
 * touch.h - the places that the next operations or records will touch, fetched before they come.
 *
 *     names, cells --> slots of the tables --> cells, reservations --> lines, rings of the cells
 *
 * Each of them waits for several cache misses, one behind the other. Over a few dozen the misses of
 * one kind overlap. Nothing is decided here, and nothing is changed.
 */
#ifndef HF_ENGINE_TOUCH_H
#define HF_ENGINE_TOUCH_H

#include "engine/state.h"

#define HF_TOUCHES_MAX 128

/* Both counts are zeroed at first; what there is no room for is not fetched. */
struct hf_touches {
    uint32_t names_count, cells_count;
    uint64_t names[HF_TOUCHES_MAX]; /* hashes */
    uint64_t cells[HF_TOUCHES_MAX];
    uint32_t found[HF_TOUCHES_MAX]; /* after the fetch: what may be each cell; HF_NONE: nothing */
};

static inline void hf_touch_name(const struct hf_engine *engine, struct hf_touches *touches,
                                 uint64_t hash)
{
    if (touches->names_count < HF_TOUCHES_MAX) {
        hf_table_fetch(&engine->names.table, hash);
        touches->names[touches->names_count++] = hash;
    }
}

static inline void hf_touch_cell(const struct hf_engine *engine, struct hf_touches *touches,
                                 uint32_t sku, uint32_t location)
{
    if (touches->cells_count < HF_TOUCHES_MAX) {
        const uint64_t hash = hf_cell_hash(sku, location);
        hf_table_fetch(&engine->cells.table, hash);
        touches->cells[touches->cells_count++] = hash;
    }
}

/* Everything that was noted, one kind of place after the other. */
void hf_touch_fetch(const struct hf_engine *engine, struct hf_touches *touches);

#endif
