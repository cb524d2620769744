/*
 * wheel.h - a hierarchical timing wheel: which hold ends next, to the microsecond.
 *
 * The time is read as digits of six bits. A hold lies at the level of the highest digit in which
 * its deadline differs from `current_us`, in the slot of its own digit there:
 *
 *     level 0   64 slots of 1 us          everything here is before everything at level 1,
 *     level 1   64 slots of 64 us         everything there before everything at level 2, ...
 *     ...
 *     level 8   64 slots of 9 years       enough until the year 2541
 *
 * So the next hold is in the first occupied slot of the lowest occupied level. When the time
 * reaches a slot above level 0, its holds move down (each at most eight times in its life), one
 * by one: a step is bounded by the caller, and a slot that is half moved down is finished before
 * anything else. At level 0 a slot is one microsecond, so holds come out in the exact order of
 * their deadlines, and of equal ones in the order they were put in.
 *
 * The wheel is derived state: not in the log, not in snapshots, not in the digest. Links lie in
 * the reservations (reservation.h). Engine thread only.
 */
#ifndef HF_ENGINE_WHEEL_H
#define HF_ENGINE_WHEEL_H

#include <stdint.h>

#include "engine/pool.h"

#define HF_WHEEL_LEVELS 9
#define HF_WHEEL_SLOTS 64

struct hf_wheel_link {
    uint32_t next;
    uint32_t prev; /* of the first in a slot: HF_WHEEL_HEAD | slot */
};
#define HF_WHEEL_HEAD UINT32_C(0x80000000)

struct hf_wheel_slot {
    uint32_t first, last;
};

struct hf_wheel {
    uint64_t current_us;
    uint64_t occupied[HF_WHEEL_LEVELS]; /* a bit a slot */
    struct hf_wheel_slot slots[HF_WHEEL_LEVELS * HF_WHEEL_SLOTS];
    uint32_t moving_slot; /* half moved down; HF_NONE: none */
    uint32_t count;
};

/* How the wheel reaches the link and the deadline of an item. */
struct hf_wheel_items {
    void *arg;
    struct hf_wheel_link *(*link)(void *arg, uint32_t index);
    uint64_t (*deadline_us)(void *arg, uint32_t index);
};

void hf_wheel_init(struct hf_wheel *wheel, uint64_t now_us);
/* Put in an item below 2^31 that is not in. A deadline before the current time counts as now. */
void hf_wheel_add(struct hf_wheel *wheel, const struct hf_wheel_items *items, uint32_t index);
void hf_wheel_remove(struct hf_wheel *wheel, const struct hf_wheel_items *items, uint32_t index);
/*
 * The first item that is due at `now_us`; it stays in until it is removed. HF_NONE: none is due,
 * or *steps (how many items may be moved down; counted down) is used up, and then it is 0.
 */
uint32_t hf_wheel_due(struct hf_wheel *wheel, const struct hf_wheel_items *items, uint64_t now_us,
                      uint32_t *steps);
/* No item is due before this time; UINT64_MAX when there is none. */
uint64_t hf_wheel_next_us(const struct hf_wheel *wheel);

#endif
