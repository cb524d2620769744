#include "persistence/tail.h"

#include <inttypes.h>
#include <stdio.h>

#include "engine/assert.h"

enum hf_tail hf_tail_judge(const struct hf_tail_facts *facts, char *text, size_t text_bytes)
{
    const struct hf_segment_rest *rest = facts->rest;

    HF_ASSERT(text_bytes > 0);
    HF_ASSERT(facts->why != NULL);

    text[0] = '\0';
    if (facts->why == HF_FORMAT_NEWER) {
        (void)snprintf(text, text_bytes, "%s", facts->why);
        return HF_TAIL_DAMAGED;
    }
    if (rest->durable_lsn >= facts->lsn) {
        (void)snprintf(text, text_bytes,
                       "%s; it was durable: a block at offset %" PRIu64 " (LSN %" PRIu64
                       ") or after it says so",
                       facts->why, rest->block_offset, rest->block_lsn);
        return HF_TAIL_DAMAGED;
    }
    if (rest->blocks_count > 0 && rest->block_lsn == facts->lsn &&
        rest->block_previous == facts->previous) {
        /* The next block is whole and says that nothing stands before it. */
        (void)snprintf(text, text_bytes, "the zeros between two groups of blocks are damaged");
        return HF_TAIL_DAMAGED;
    }
    if (rest->other != NULL) {
        (void)snprintf(text, text_bytes,
                       "%s; at offset %" PRIu64
                       " stands %s, which no write of the log leaves there: a write went astray, "
                       "and what it covers may have been durable",
                       facts->why, rest->other_offset, rest->other);
        return HF_TAIL_DAMAGED;
    }
    if (rest->blocks_count > 0 && rest->lowest_lsn < facts->lsn) {
        /* A tail is zeroed before the log goes on: no older block can stand behind. */
        (void)snprintf(text, text_bytes,
                       "%s; at offset %" PRIu64 " stands a block of LSN %" PRIu64
                       ", which comes before: a write went astray, and what it covers may have "
                       "been durable",
                       facts->why, rest->lowest_offset, rest->lowest_lsn);
        return HF_TAIL_DAMAGED;
    }
    if (facts->snapshot_lsn >= facts->lsn) {
        (void)snprintf(text, text_bytes, "%s; it was durable: there is a snapshot of LSN %" PRIu64,
                       facts->why, facts->snapshot_lsn);
        return HF_TAIL_DAMAGED;
    }
    if (facts->epoch_lsn > facts->lsn) {
        /* What was written here in the current epoch, the next start would refuse. */
        (void)snprintf(text, text_bytes,
                       "the log ends here, but by the manifest the current epoch begins with LSN "
                       "%" PRIu64,
                       facts->epoch_lsn);
        return HF_TAIL_DAMAGED;
    }
    return rest->end_offset > facts->offset ? HF_TAIL_TORN : HF_TAIL_CLEAN;
}
