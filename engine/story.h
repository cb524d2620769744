/*
 * story.h - what the effects of a record of the log may say, one after the other.
 *
 * The rules that wrote the log are not asked again, but what they always keep must be kept: else a
 * later operation would stumble over it. So the moves of a reservation are judged by the states
 * before and after, the moves of a shipment by what its lines say, and when they end, the lines
 * by the state.
 *
 *     effect --hf_story_check--> [apply] --hf_story_note--> effect ... --hf_story_end-->
 */
#ifndef HF_ENGINE_STORY_H
#define HF_ENGINE_STORY_H

#include "engine/state.h"

struct hf_story {
    struct hf_engine *engine;
    uint64_t lsn;
    uint32_t effects_count;
    uint32_t reservation; /* index + 1; 0: moves are of no reservation */
    uint32_t shipment;    /* index + 1; 0: moves are of no shipment */
    enum hf_state before; /* HF_STATE_NONE: it is being opened */
    enum hf_state after;
    uint32_t next_line;   /* confirm: where the next line to move is searched from */
    uint32_t lines_count; /* opened so far */
    /* shipment: what the moves after a line have still to say, of the line's SKU */
    uint32_t sku;
    int64_t to_in_transit, to_on_hand, to_damaged, from_on_hand;
};

/* Zero the story and set engine and lsn. Then, for each effect, before and after it is applied:
 * HF_CORRUPT or HF_LIMIT_EXCEEDED with *why. */
enum hf_err hf_story_check(struct hf_story *story, const struct hf_effect *effect,
                           const char **why);
enum hf_err hf_story_note(struct hf_story *story, const struct hf_effect *effect, const char **why);
/* After the last effect. */
enum hf_err hf_story_end(const struct hf_story *story, const char **why);

#endif
