/*
 * maker.h - a thread that makes memory before the engine touches it (growth.h says which).
 *
 *     loop, every few milliseconds   room? -> hf_growth_look -> parts --hf_maker_post--> | 7 | 8 |
 *     the maker                      takes the oldest, populates it, piece by piece <----'
 *
 * The loop never waits for it: while the ring is full nothing is posted, and what has become due
 * then comes with a later post. Where it is slow, or there is none, pages are made at first touch.
 *
 * It belongs to neither net/ nor persistence/: it is memory, not bytes of theirs. A simulator has
 * none. One piece is small because while it is made whoever maps or unmaps memory waits for it.
 */
#ifndef HF_HOLDFASTD_MAKER_H
#define HF_HOLDFASTD_MAKER_H

#include <stdbool.h>

#include "engine/growth.h"

#define HF_MAKER_PARTS_MAX 4u /* that wait: what is most urgent should not wait for long */

struct hf_maker;

/* NULL: no memory, or no thread is to be had. */
struct hf_maker *hf_maker_start(void);
/* Loop thread, as the next two: how many parts may be posted. */
uint32_t hf_maker_room(const struct hf_maker *maker);
/* One part; there is room. Never blocks. */
void hf_maker_post(struct hf_maker *maker, struct hf_memory_part part);
/* End it, in the middle of what it does; before the engine's memory goes. Accepts NULL. */
void hf_maker_stop(struct hf_maker *maker);

#endif
