/*
 * watch.h - who must see an item of the image before and after it changes.
 *
 *     hf_item_before --> change, change, ... --> hf_item_after      (state.h, effect.c, commit.c)
 *          |                                          |
 *          +--> digest   (digest.h)   <---------------+      what was counted already, and what not
 *          +--> balance  (balance.h)  <---------------+      the same, for the audit's sums
 *          +--> frozen   (frozen.h)                          what it was is kept aside (kept.h)
 *          \--> steps    (image_steps.h)                     likewise
 *
 * Rules for whoever changes items:
 *     1. Every change of an item stands between the two calls. A pair may bracket several changes
 *        of its item (all lines of a reservation, say: an item costs as much as it has lines, so a
 *        pair for each line would be quadratic), and pairs of other items may stand within it; but
 *        the pairs of one item must not be nested.
 *     2. A free slot is an item without bytes: who makes an item may leave out `before`, who
 *        removes one leaves out `after`.
 *     3. Items that a rule of the image derives from others (its head) are in no pair.
 *
 * While nobody watches both calls are one branch. Engine thread only.
 */
#ifndef HF_ENGINE_WATCH_H
#define HF_ENGINE_WATCH_H

#include <stdbool.h>
#include <stdint.h>

struct hf_engine;

enum hf_watcher {
    HF_WATCH_DIGEST = 1,
    HF_WATCH_FROZEN = 2,
    HF_WATCH_BALANCE = 4,
    HF_WATCH_STEPS = 8
};

/* Out of line: somebody watches. `item` is an enum hf_item. */
void hf_item_watch(struct hf_engine *engine, unsigned item, uint32_t index, bool is_before);

#endif
