/*
 * shipment_drafts.h - a story of transfers and inbound shipments, and effects that go on from it.
 */
#ifndef HF_TESTS_SHIPMENT_DRAFTS_H
#define HF_TESTS_SHIPMENT_DRAFTS_H

#include "engine/op.h"
#include "tests/unit/drafts.h"

/*
 * SKUs 0 "A", 1 "B", 2 "C"; locations 0 "W", 1 "V". Transfers from W to V: t1, of which 4 A are
 * under way, 2 A and 4 B unshipped; t2, a draft of 3 C; t3 is received. Inbound to W: i1, of which
 * 7 of 10 A have arrived and 5 C are under way. r1 holds 2 B; n10 is a reference.
 */
#define HF_SHIPMENT_STORY_LSN 10
enum { A, B, C, NO_SKU };
enum { W, V, NO_PLACE };

/* An engine that has lived through the story. */
void hf_shipment_story(struct hf_small *small);
/* cmocka test function; the state is a struct hf_draft_row. */
void hf_shipment_draft_check(void **state);

/* A move of a cell as it is after the story: changes of on_hand, in_transit, damaged. */
struct hf_effect hf_draft_move(uint32_t sku, uint32_t location, int64_t on_hand, int64_t in_transit,
                               int64_t damaged);
/* A move of the same cell once more: what stands in `before` has happened already. */
struct hf_effect hf_draft_once_more(const struct hf_effect *before, struct hf_effect effect);
/* A transfer from W to V, or an inbound shipment to V. */
struct hf_effect hf_draft_opened(const char *id, enum hf_shipment_kind kind, enum hf_state state);
struct hf_effect hf_draft_changed(const char *id, enum hf_state state);
struct hf_effect hf_draft_line(uint32_t sku, int64_t units, const int64_t *figures);
struct hf_effect hf_draft_reservation(enum hf_effect_tag tag, const char *id, enum hf_state state);

/* Figures: unshipped, under way, received, damaged, cancelled, lost. */
#define NEW_LINE(sku, units, ...)                                                                  \
    hf_draft_line((sku), (units), (const int64_t[HF_LINE_FIGURES]){__VA_ARGS__})
#define LINE(sku, ...) hf_draft_line((sku), 0, (const int64_t[HF_LINE_FIGURES]){__VA_ARGS__})
#define ADD(effect) hf_draft_add(draft, (effect))

#define NO_LINE "a line that its shipment does not allow"
#define NO_MOVE "a move that its shipment's line does not say"
#define MISFIT "the lines of a shipment do not fit its state"
#define NO_STATE "a shipment changes to a state that it cannot reach"

#endif
