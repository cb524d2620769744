#include "persistence/place.h"

#include "engine/assert.h"

const char *hf_place_block_misfit(const struct hf_place *place, const struct hf_block_header *block,
                                  uint64_t last_lsn)
{
    HF_ASSERT(last_lsn >= block->first_lsn);

    if (place->next_lsn != 0) {
        if (block->first_lsn != place->next_lsn) {
            return "the block here holds other LSNs";
        }
        if (block->previous != place->previous) {
            return "the block here does not follow the block before it";
        }
    }
    if (hf_manifest_misfit(place->manifest, block->epoch, block->first_lsn,
                           last_lsn < block->last_lsn ? last_lsn : block->last_lsn) != 0) {
        return "the block here is of another epoch than the manifest says";
    }
    return NULL;
}

const char *hf_place_segment_misfit(const struct hf_place *place,
                                    const struct hf_segment_header *header)
{
    if (place->next_lsn != 0) {
        if (header->first_lsn != place->next_lsn) {
            return "the segment begins with another LSN";
        }
        if (header->previous != place->previous) {
            return "the segment does not follow the block before it";
        }
    }
    if (header->epoch > hf_manifest_epoch(place->manifest, header->first_lsn)) {
        return "the segment is of a later epoch than the manifest says";
    }
    return NULL;
}

enum hf_tail hf_place_judge_end(const struct hf_place *place, const struct hf_place_end *end,
                                char *text, size_t text_bytes)
{
    const struct hf_manifest *manifest = place->manifest;
    const struct hf_tail_facts facts = {
        .rest = end->rest,
        .offset = end->offset,
        .lsn = place->next_lsn,
        .previous = place->previous,
        .snapshot_lsn =
            manifest->snapshot_lsn < end->snapshot_lsn ? end->snapshot_lsn : manifest->snapshot_lsn,
        .epoch_lsn = manifest->epochs[manifest->epochs_count - 1].first_lsn,
        .why = end->why,
    };

    HF_ASSERT(place->next_lsn != 0);
    return hf_tail_judge(&facts, text, text_bytes);
}
