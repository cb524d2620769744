/*
 * drafts.h - records written by hand, for tests of replay.
 *
 * An engine lives through a story; then a draft goes on from there, and what replay makes of it is
 * compared with what a row expects.
 */
#ifndef HF_TESTS_DRAFTS_H
#define HF_TESTS_DRAFTS_H

#include <stddef.h>

#include "engine/record.h"
#include "tests/lib/small_engine.h"

#define HF_DRAFT_EFFECTS_MAX 12
#define HF_DRAFT_BYTES_MAX 2048

struct hf_draft {
    struct hf_record_header header;
    struct hf_effect effects[HF_DRAFT_EFFECTS_MAX];
    uint32_t count;
};

struct hf_draft_row {
    const char *name;
    void (*write)(struct hf_draft *draft);
    enum hf_err want;
    const char *why; /* NULL: HF_OK */
};

/* Apply the operations of the story, each of which is one record. */
void hf_draft_live(struct hf_small *small, const char *const *story, size_t story_count);
/* A draft of the record after the story: an adjust without effects. */
struct hf_draft hf_draft_begin(uint64_t story_lsn);
void hf_draft_add(struct hf_draft *draft, struct hf_effect effect);
uint32_t hf_draft_write(const struct hf_draft *draft, unsigned char *room);

/* Write the row's draft behind the story and replay it. When it is accepted: the audit must be
 * clean, the ledger must have its bytes, and a snapshot must bring the same state. */
void hf_draft_check(struct hf_small *small, const struct hf_draft_row *row);

/* A new engine of the same limits, loaded from a copy of this one. */
struct hf_engine *hf_draft_copy_of(struct hf_engine *engine);

#endif
