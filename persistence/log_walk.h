/*
 * log_walk.h - the whole log, block by block, for those who look at it and not for a start: it goes
 * on behind damage and says what it met.
 *
 *     segment | block block |?????| block ... | 0 0 0      next segment ...
 *     SEGMENT   BLOCK BLOCK DAMAGE  BLOCK       (quiet)    SEGMENT ... TORN or END
 *
 * Every byte of every segment is read and judged by the rules of recovery.h: a block is given only
 * when it is whole, its records can be read one by one, and it is where it belongs. Where one does
 * not, a step says so, and the next one goes on with the next whole block of the segment. Whoever
 * needs an unbroken log stops at the first step that is none of SEGMENT and BLOCK.
 *
 * Reads only. Where a server is writing (`is_live`) the end is looked at again before it is judged,
 * and what then still is not whole is what the server is about to write: the walk ends before it.
 */
#ifndef HF_PERSISTENCE_LOG_WALK_H
#define HF_PERSISTENCE_LOG_WALK_H

#include "engine/decoded.h"
#include "persistence/manifest.h"
#include "persistence/segment.h"

enum hf_walk {
    HF_WALK_SEGMENT, /* a segment is entered; walk->reader.header is its header */
    HF_WALK_BLOCK,   /* walk->block, its records at walk->raw */
    HF_WALK_DAMAGE,  /* walk->place says where and what */
    HF_WALK_TORN,    /* likewise; END follows */
    HF_WALK_END
};

struct hf_walk_place {
    char name[HF_NAME_BYTES_MAX];
    uint64_t offset;
    uint64_t lsn;         /* that should stand there; 0: not known */
    uint64_t bytes_count; /* TORN: how many bytes are not zero, or stand before such */
    char text[320];       /* what was expected, and what is there */
};

struct hf_log_walk {
    const struct hf_directory *directory;
    const struct hf_manifest *manifest;
    const struct hf_listing *listing;
    uint64_t snapshot_lsn; /* newest one known to be whole: a witness against a torn tail */
    bool is_live;

    struct hf_segment_reader reader;
    struct hf_block_header block;
    const unsigned char *raw; /* block.raw_bytes, until the next step */
    uint64_t block_offset;
    uint64_t block_end; /* where the block ends, zeros behind it left aside */
    struct hf_walk_place place;
    size_t segment_index; /* in the listing: the one being read */
    uint64_t next_lsn;    /* of the block that must come next; 0: any may */
    uint64_t previous;    /* its chain, once next_lsn is set */
    uint64_t records_count;
    uint64_t bytes_count; /* of the segments read so far */

    struct hf_decoded *decoded; /* of the block, as hf_log_walk_record went on */

    /* private */
    unsigned char *room;
    const unsigned char *decoded_end; /* of the block's records up to there */
    uint32_t decoded_index;           /* the next one to give */
    uint64_t lost_lsn;                /* the first LSN that damage took; 0: none */
    uint64_t excused_offset;          /* of a block whose misfit was told; 0: none */
    bool is_inside;                   /* of a segment */
    bool has_ended;
};

/*
 * Begin with segment `segment_index` of the listing. `walk` is zeroed but for what stands before
 * the blank line. HF_NO_MEMORY leaves it released.
 */
enum hf_err hf_log_walk_init(struct hf_log_walk *walk, size_t segment_index);
void hf_log_walk_release(struct hf_log_walk *walk);
enum hf_walk hf_log_walk_step(struct hf_log_walk *walk);
/* After BLOCK, as often as it has records: the index in walk->decoded of the next one. */
uint32_t hf_log_walk_record(struct hf_log_walk *walk);

#endif
