/*
 * place.h - where the next block of the log must stand, and whether what stands there belongs.
 *
 *     ... block | block |  next_lsn, previous        a block, a segment, or the end
 *
 * The rules of FORMATS.md 2.2 and 2.3 for all who read the log in order: a start, a copy, those who
 * look at it. There is one of each rule, so that what a copy takes is what a start takes.
 */
#ifndef HF_PERSISTENCE_PLACE_H
#define HF_PERSISTENCE_PLACE_H

#include "persistence/manifest.h"
#include "persistence/segment.h"
#include "persistence/tail.h"

struct hf_place {
    const struct hf_manifest *manifest;
    uint64_t next_lsn; /* of the block that must come next; 0: any may */
    uint64_t previous; /* checksum of the block before, once next_lsn is set */
};

/* Why a whole block does not belong there, a static text; NULL: it does. Its records are meant up
 * to that of `last_lsn`: of a block that is cut those behind it do not stay. */
const char *hf_place_block_misfit(const struct hf_place *place, const struct hf_block_header *block,
                                  uint64_t last_lsn);

/* The same of a segment's header. */
const char *hf_place_segment_misfit(const struct hf_place *place,
                                    const struct hf_segment_header *header);

/* What was found where no block stands, in the newest segment. */
struct hf_place_end {
    uint64_t offset;
    const struct hf_segment_rest *rest;
    const char *why;       /* no block stands there */
    uint64_t snapshot_lsn; /* of a snapshot found whole, beside that of the manifest; 0: none */
};
/* hf_tail_judge, with all that is known. */
enum hf_tail hf_place_judge_end(const struct hf_place *place, const struct hf_place_end *end,
                                char *text, size_t text_bytes);

#endif
