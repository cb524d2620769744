/*
 * ahead.h - work done ahead of the one who needs it: in a thread of its own, or step by step.
 *
 *     fill_cb   | 5 | 6 | 7 |   |     slots, filled in order
 *     take            ^ 6 is next     given back in order
 *
 * With a thread the filler runs up to a row of slots ahead of the taker; without one (a simulator,
 * a system that gives no thread) each take fills its slot first. What comes out is the same.
 *
 * The slots are the caller's: a slot belongs to the filler until it is taken, and to the taker
 * until the next take. is_ready, take and end belong to one thread.
 */
#ifndef HF_PERSISTENCE_AHEAD_H
#define HF_PERSISTENCE_AHEAD_H

#include <stdbool.h>
#include <stdint.h>

struct hf_ahead;

/* Fill slot `slot`. False: this one is the last. */
typedef bool (*hf_ahead_fill_cb)(void *arg, uint32_t slot);

/* NULL: no memory. With one slot, or where no thread is to be had, there is none. */
struct hf_ahead *hf_ahead_start(uint32_t slots_count, bool wants_thread, hf_ahead_fill_cb fill_cb,
                                void *arg);
/* Whether a take would not have to wait; without a thread it never waits. */
bool hf_ahead_is_ready(struct hf_ahead *ahead);
/* The next slot, in *slot. False: the last one has been taken. */
bool hf_ahead_take(struct hf_ahead *ahead, uint32_t *slot);
/* End it, also in the middle. Accepts NULL. */
void hf_ahead_end(struct hf_ahead *ahead);

#endif
