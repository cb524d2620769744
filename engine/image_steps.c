#include "engine/image_steps.h"

#include "engine/image.h"

#define BYTES_A_SLOT 128 /* so many bytes of an item cost a step as much as a slot */

bool hf_engine_snapshot_begin(struct hf_engine *engine, uint64_t bytes_max)
{
    struct hf_image_steps *steps = &engine->steps;

    HF_ASSERT(!engine->is_group_open);
    if (steps->is_on || !hf_kept_begin(engine, &steps->kept, bytes_max)) {
        return false;
    }
    steps->is_on = true;
    steps->cursor = (struct hf_image_cursor){.section = HF_ITEM_HEAD};
    steps->slots_left = 0;
    for (unsigned item = HF_ITEM_HEAD; item < HF_ITEMS_END; item++) {
        steps->slots_left += steps->kept.sizes[item];
    }
    steps->head_bytes = (size_t)(hf_image_put(engine, HF_ITEM_HEAD, 0, steps->head) - steps->head);
    HF_ASSERT(steps->head_bytes <= HF_IMAGE_HEAD_BYTES);
    engine->watchers |= HF_WATCH_STEPS;
    return true;
}

uint64_t hf_engine_snapshot_lsn(const struct hf_engine *engine)
{
    return engine->steps.kept.lsn;
}

uint64_t hf_engine_snapshot_kept_bytes(const struct hf_engine *engine)
{
    return hf_kept_bytes(&engine->steps.kept);
}

uint64_t hf_engine_snapshot_items_left(const struct hf_engine *engine)
{
    return engine->steps.slots_left;
}

static void stop_keeping(struct hf_engine *engine)
{
    engine->watchers &= ~(uint32_t)HF_WATCH_STEPS;
}

void hf_engine_snapshot_end(struct hf_engine *engine)
{
    struct hf_image_steps *steps = &engine->steps;

    if (!steps->is_on) {
        return;
    }
    stop_keeping(engine);
    hf_kept_rest(engine, &steps->kept);
    *steps = (struct hf_image_steps){.kept = steps->kept};
}

uint32_t hf_engine_snapshot_fresh(struct hf_engine *engine, struct hf_memory_part *parts)
{
    return engine->steps.is_on ? hf_kept_fresh(&engine->steps.kept, parts) : 0;
}

void hf_image_steps_keep(struct hf_engine *engine, unsigned item, uint32_t index)
{
    struct hf_image_steps *steps = &engine->steps;

    if (item < steps->cursor.section ||
        (item == steps->cursor.section && index < steps->cursor.index)) {
        return; /* copied already, as it was */
    }
    hf_kept_keep(engine, &steps->kept, item, index);
    if (steps->kept.is_lost) {
        stop_keeping(engine);
    }
}

/*
 * Copy what the slot at the cursor had at LSN n to `at`; returns where it ends, which is `at` for
 * a slot that was free. NULL: it needs more room than there is.
 */
static unsigned char *copy_item(const struct hf_engine *engine, unsigned char *at,
                                const unsigned char *end)
{
    const struct hf_image_steps *steps = &engine->steps;
    const unsigned item = steps->cursor.section;
    const uint32_t index = (uint32_t)steps->cursor.index;
    const size_t room = (size_t)(end - at);
    size_t bytes_count = steps->head_bytes;
    const unsigned char *image =
        item == HF_ITEM_HEAD ? steps->head : hf_kept_find(&steps->kept, item, index, &bytes_count);

    if (image != NULL) {
        if (bytes_count > room) {
            return NULL;
        }
        memcpy(at, image, bytes_count);
        return at + bytes_count;
    }
    if (hf_kept_is_newer(engine, &steps->kept, item, index)) {
        return at;
    }
    return hf_image_item_bound(engine, (enum hf_item)item, index) > room
               ? NULL
               : hf_image_put(engine, (enum hf_item)item, index, at);
}

#define LOOK_AHEAD 8 /* slots */

/* Have fetched what copying a slot a little further on will touch: slots themselves lie side by
 * side, what was kept of them and the lines of reservations do not. */
static void fetch_ahead(const struct hf_engine *engine)
{
    const struct hf_image_steps *steps = &engine->steps;
    const unsigned item = steps->cursor.section;
    const uint64_t index = steps->cursor.index + LOOK_AHEAD;

    if (index >= steps->kept.sizes[item]) {
        return;
    }
    hf_kept_fetch(&steps->kept, item, (uint32_t)index);
    if (item == HF_ITEM_RESERVATION) {
        const struct hf_reservations *reservations = &engine->reservations;
        const struct hf_reservation *reservation = hf_reservation_at(reservations, (uint32_t)index);
        if (reservation->state != HF_STATE_NONE && reservation->first_line != HF_NONE) {
            hf_prefetch(hf_line_at(reservations, reservation->first_line));
        }
    }
}

void hf_image_steps_fetch(const struct hf_engine *engine, unsigned item, uint32_t index)
{
    if ((engine->watchers & (uint32_t)HF_WATCH_STEPS) != 0) {
        hf_kept_fetch_place(&engine->steps.kept, item, index);
    }
}

enum hf_err hf_engine_snapshot_step(struct hf_engine *engine, uint32_t items_max, void *buffer,
                                    size_t buffer_bytes, size_t *bytes_used, bool *is_end)
{
    struct hf_image_steps *steps = &engine->steps;
    unsigned char *at = buffer;
    const unsigned char *end = at + buffer_bytes;

    HF_ASSERT(steps->is_on);
    HF_ASSERT(buffer_bytes >= HF_IMAGE_BYTES_MIN);
    *bytes_used = 0;
    *is_end = false;
    if (steps->kept.is_lost) {
        return HF_LIMIT_EXCEEDED;
    }
    for (uint64_t cost = 0; steps->cursor.section < HF_ITEMS_END;) {
        if (steps->cursor.index >= steps->kept.sizes[steps->cursor.section]) {
            steps->cursor = (struct hf_image_cursor){.section = steps->cursor.section + 1};
            continue;
        }
        fetch_ahead(engine);
        unsigned char *after = cost < items_max ? copy_item(engine, at, end) : NULL;
        if (after == NULL) {
            break;
        }
        cost += 1 + (size_t)(after - at) / BYTES_A_SLOT;
        at = after;
        steps->cursor.index++;
        steps->slots_left--;
    }
    *bytes_used = (size_t)(at - (unsigned char *)buffer);
    *is_end = steps->cursor.section == HF_ITEMS_END;
    if (*is_end) {
        stop_keeping(engine);
    }
    return HF_OK;
}
