/*
 * format.h - the bytes of the binary files in a data directory (FORMATS.md 2, 3 and 5).
 *
 *     segment    | header 64 | zeros | group | group | ... | zeros up to the preallocated size
 *     group      | block | block | ... | zeros up to a multiple of 512 |     written at once
 *     block      | header 64 | stored bytes, zeros up to a multiple of 8 |
 *     snapshot   | header 64 | block | block | ... | footer 48 |
 *     its block  | header 32 | stored bytes, zeros up to a multiple of 8 |
 *
 * This file and manifest.c are the only code that knows offsets on disk. Encoders write into
 * memory that is known to be large enough. Decoders trust nothing: every header field has one
 * allowed range, unused bytes are zero, and a checksum is verified before what it covers is used.
 *
 * Log blocks and snapshot blocks are checksummed with a seed made of the directory id, so that
 * bytes of another directory (a recycled disk, a copied file) can never pass for our own.
 *
 * What is written has the versions below; all from 1 on are read. The headers of log segments and
 * blocks of versions 1 and 2 are alike: the number stands for the records inside (FORMATS.md 3),
 * so that a program which does not know them stops at the first block instead of in the middle. So
 * are the headers of snapshots; the items inside say by themselves which format they are of.
 *
 * Results: HF_OK; HF_TRUNCATED, the bytes end before the thing does; HF_CORRUPT, with a static
 * text in `why`. HF_FORMAT_NEWER is the text for bytes that a newer version wrote.
 */
#ifndef HF_PERSISTENCE_FORMAT_H
#define HF_PERSISTENCE_FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/err.h"
#include "engine/limits.h"

#define HF_DIRECTORY_ID_BYTES 16
#define HF_SEGMENT_VERSION 2u
#define HF_BLOCK_VERSION 2u
#define HF_SNAPSHOT_VERSION 2u

#define HF_SEGMENT_HEADER_BYTES 64u
#define HF_BLOCK_HEADER_BYTES 64u
#define HF_SNAPSHOT_HEADER_BYTES 64u
#define HF_SNAPSHOT_BLOCK_HEADER_BYTES 32u
#define HF_SNAPSHOT_FOOTER_BYTES 48u

/*
 * A group of blocks begins at a multiple of this, and so does the first one of a segment. A sector
 * whose write is cut off by a power loss may hold anything afterwards; so a sector with synced
 * bytes in it is never written again.
 */
#define HF_SECTOR_BYTES 512u

/*
 * A block gathers records up to about the first figure: large enough for LZ4 to find what repeats,
 * small enough to be worked on in cache. It grows beyond for one huge linked group or record.
 */
#define HF_BLOCK_RAW_BYTES (256u * 1024)
#define HF_BLOCK_RAW_BYTES_MAX (HF_RECORD_BYTES_MAX + HF_BLOCK_RAW_BYTES)
#define HF_BLOCK_BYTES_MAX (HF_BLOCK_HEADER_BYTES + HF_BLOCK_RAW_BYTES_MAX)
_Static_assert(HF_BLOCK_RAW_BYTES_MAX % 8 == 0, "blocks start at multiples of 8");

/* One chunk of hf_engine_copy; a snapshot's reader needs this much memory for a block. */
#define HF_SNAPSHOT_RAW_BYTES_MAX (1024u * 1024)

enum hf_block_flag { HF_BLOCK_LZ4 = 1 };
#define HF_BLOCK_FLAGS_ALL 1u

extern const char HF_FORMAT_NEWER[];

/* Seed of the checksums of log and snapshot blocks. */
uint64_t hf_format_seed(const unsigned char directory_id[HF_DIRECTORY_ID_BYTES]);

/* `bytes_count` rounded up to a multiple of 8. */
static inline size_t hf_format_padded(size_t bytes_count)
{
    return (bytes_count + 7) & ~(size_t)7;
}

/* `offset` rounded up to where a group may begin. */
static inline uint64_t hf_format_group_offset(uint64_t offset)
{
    return (offset + HF_SECTOR_BYTES - 1) & ~(uint64_t)(HF_SECTOR_BYTES - 1);
}

/* ------------------------------------------------------------------ log segment, FORMATS.md 2.1 */

struct hf_segment_header {
    unsigned char directory_id[HF_DIRECTORY_ID_BYTES];
    uint32_t epoch;
    uint64_t first_lsn; /* LSN of the first record it may hold */
    uint64_t previous;  /* checksum of the last block before the segment; 0: there is none */
};

void hf_segment_header_encode(const struct hf_segment_header *header, unsigned char *bytes);
enum hf_err hf_segment_header_decode(struct hf_segment_header *header, const void *bytes,
                                     size_t bytes_max, const char **why);

/* ------------------------------------------------------------------ log block, FORMATS.md 2.2 */

struct hf_block_header {
    uint64_t checksum;
    uint32_t flags; /* enum hf_block_flag */
    uint32_t epoch;
    uint32_t raw_bytes;
    uint32_t stored_bytes;
    uint64_t first_lsn;
    uint64_t last_lsn;
    uint64_t durable_lsn; /* the newest LSN known to be synced when the block was written */
    uint64_t previous;    /* checksum of the block before; 0: there is none */
};

/* Bytes of the whole block in the file. */
static inline size_t hf_block_bytes(const struct hf_block_header *header)
{
    return HF_BLOCK_HEADER_BYTES + hf_format_padded(header->stored_bytes);
}

/*
 * Write header and padding around the stored bytes, which stand at `block` +
 * HF_BLOCK_HEADER_BYTES already; sets header->checksum. Returns hf_block_bytes.
 */
size_t hf_block_seal(unsigned char *block, struct hf_block_header *header, uint64_t seed);
/* The header alone: fields in range, the checksum not verified. Needs HF_BLOCK_HEADER_BYTES. */
enum hf_err hf_block_peek(struct hf_block_header *header, const void *bytes, size_t bytes_max,
                          const char **why);
/* The whole block, checksum verified. HF_TRUNCATED leaves `header` filled when it was whole. */
enum hf_err hf_block_open(struct hf_block_header *header, const void *bytes, size_t bytes_max,
                          uint64_t seed, const char **why);
/* The raw bytes of a block that was opened: in the block itself, or decoded into `room`
 * (header->raw_bytes long). NULL: they do not decode. */
const unsigned char *hf_block_raw(const struct hf_block_header *header, const unsigned char *block,
                                  unsigned char *room);

/* ------------------------------------------------------------------ snapshot, FORMATS.md 5 */

struct hf_snapshot_header {
    unsigned char directory_id[HF_DIRECTORY_ID_BYTES];
    uint32_t epoch;
    uint32_t blocks_count;
    uint64_t lsn;
    uint64_t raw_bytes; /* of all blocks together */
};

void hf_snapshot_header_encode(const struct hf_snapshot_header *header, unsigned char *bytes);
enum hf_err hf_snapshot_header_decode(struct hf_snapshot_header *header, const void *bytes,
                                      size_t bytes_max, const char **why);

struct hf_snapshot_block {
    uint64_t checksum;
    uint32_t flags; /* enum hf_block_flag */
    uint32_t index; /* in the snapshot, from 0 */
    uint32_t raw_bytes;
    uint32_t stored_bytes;
};

static inline size_t hf_snapshot_block_bytes(const struct hf_snapshot_block *block)
{
    return HF_SNAPSHOT_BLOCK_HEADER_BYTES + hf_format_padded(block->stored_bytes);
}

/* As hf_block_seal, hf_block_open and hf_block_raw. The seed is that of the directory, xored with
 * the snapshot's LSN: a block of one snapshot is none of another. */
size_t hf_snapshot_block_seal(unsigned char *bytes, struct hf_snapshot_block *block, uint64_t seed);
enum hf_err hf_snapshot_block_open(struct hf_snapshot_block *block, const void *bytes,
                                   size_t bytes_max, uint64_t seed, const char **why);
const unsigned char *hf_snapshot_block_raw(const struct hf_snapshot_block *block,
                                           const unsigned char *bytes, unsigned char *room);

struct hf_snapshot_footer {
    uint64_t blocks_count;
    uint64_t raw_bytes;
    uint64_t file_bytes; /* the footer included */
    uint64_t chain;      /* hf_snapshot_chain over the checksums of all blocks, in order */
};

static inline uint64_t hf_snapshot_chain(uint64_t chain, uint64_t checksum)
{
    return ((chain << 1) | (chain >> 63)) ^ checksum;
}

void hf_snapshot_footer_encode(const struct hf_snapshot_footer *footer, uint64_t seed,
                               unsigned char *bytes);
enum hf_err hf_snapshot_footer_decode(struct hf_snapshot_footer *footer, const void *bytes,
                                      size_t bytes_max, uint64_t seed, const char **why);

/* ------------------------------------------------------------------ where none belongs */

/*
 * What of another kind than a log block begins at these bytes: the header of a segment or of a
 * snapshot, valid by itself; a snapshot's block or footer whose figures are all in range (their
 * checksums need the snapshot's LSN, which nobody knows here). A static text, "a snapshot's block";
 * NULL: nothing that is known. Well over a hundred bits have to fit, most of them zero, so neither
 * chance nor the text in a record comes up with them.
 */
const char *hf_format_other(const void *bytes, size_t bytes_max);

#endif
