#include "persistence/format.h"

#include <lz4.h>
#include <string.h>
#include <xxhash.h>

#include "engine/assert.h"
#include "engine/bytes.h"

const char HF_FORMAT_NEWER[] = "it was written in a newer format than this program knows";

/* A magic is compared as the bytes that a person sees in a hex dump. */
static const char SEGMENT_MAGIC[8] = {'H', 'F', 'S', 'E', 'G', 'M', 'N', 'T'};
static const char SNAPSHOT_MAGIC[8] = {'H', 'F', 'S', 'N', 'A', 'P', 'S', 'H'};
static const char FOOTER_MAGIC[8] = {'H', 'F', 'S', 'N', 'P', 'E', 'N', 'D'};
static const char BLOCK_MAGIC[4] = {'H', 'F', 'B', 'K'};
static const char SNAPSHOT_BLOCK_MAGIC[4] = {'H', 'F', 'S', 'B'};

/* Offsets of FORMATS.md 2.1. */
enum {
    SEGMENT_AT_MAGIC = 0,
    SEGMENT_AT_VERSION = 8,
    SEGMENT_AT_EPOCH = 12,
    SEGMENT_AT_DIRECTORY = 16,
    SEGMENT_AT_FIRST_LSN = 32,
    SEGMENT_AT_PREVIOUS = 40,
    SEGMENT_AT_ZERO = 48,
    SEGMENT_AT_CHECKSUM = 56
};
_Static_assert(SEGMENT_AT_CHECKSUM + 8 == HF_SEGMENT_HEADER_BYTES, "FORMATS.md 2.1");

/* Offsets of FORMATS.md 2.2. The checksum comes first: it covers all that follows in one piece. */
enum {
    BLOCK_AT_CHECKSUM = 0,
    BLOCK_AT_MAGIC = 8,
    BLOCK_AT_VERSION = 12,
    BLOCK_AT_FLAGS = 13,
    BLOCK_AT_ZERO = 14,
    BLOCK_AT_EPOCH = 16,
    BLOCK_AT_RAW = 20,
    BLOCK_AT_STORED = 24,
    BLOCK_AT_ZERO_2 = 28,
    BLOCK_AT_FIRST_LSN = 32,
    BLOCK_AT_LAST_LSN = 40,
    BLOCK_AT_DURABLE_LSN = 48,
    BLOCK_AT_PREVIOUS = 56
};
_Static_assert(BLOCK_AT_PREVIOUS + 8 == HF_BLOCK_HEADER_BYTES, "FORMATS.md 2.2");

/* Offsets of FORMATS.md 5.1. */
enum {
    SNAPSHOT_AT_MAGIC = 0,
    SNAPSHOT_AT_VERSION = 8,
    SNAPSHOT_AT_EPOCH = 12,
    SNAPSHOT_AT_DIRECTORY = 16,
    SNAPSHOT_AT_LSN = 32,
    SNAPSHOT_AT_RAW = 40,
    SNAPSHOT_AT_BLOCKS = 48,
    SNAPSHOT_AT_ZERO = 52,
    SNAPSHOT_AT_CHECKSUM = 56
};
_Static_assert(SNAPSHOT_AT_CHECKSUM + 8 == HF_SNAPSHOT_HEADER_BYTES, "FORMATS.md 5.1");

/* Offsets of FORMATS.md 5.2. */
enum {
    CHUNK_AT_CHECKSUM = 0,
    CHUNK_AT_MAGIC = 8,
    CHUNK_AT_FLAGS = 12,
    CHUNK_AT_ZERO = 13,
    CHUNK_AT_RAW = 16,
    CHUNK_AT_STORED = 20,
    CHUNK_AT_INDEX = 24,
    CHUNK_AT_ZERO_2 = 28
};
_Static_assert(CHUNK_AT_ZERO_2 + 4 == HF_SNAPSHOT_BLOCK_HEADER_BYTES, "FORMATS.md 5.2");

/* Offsets of FORMATS.md 5.3. */
enum {
    FOOTER_AT_CHECKSUM = 0,
    FOOTER_AT_MAGIC = 8,
    FOOTER_AT_BLOCKS = 16,
    FOOTER_AT_RAW = 24,
    FOOTER_AT_FILE = 32,
    FOOTER_AT_CHAIN = 40
};
_Static_assert(FOOTER_AT_CHAIN + 8 == HF_SNAPSHOT_FOOTER_BYTES, "FORMATS.md 5.3");

static bool is_zero(const unsigned char *bytes, size_t bytes_count)
{
    for (size_t i = 0; i < bytes_count; i++) {
        if (bytes[i] != 0) {
            return false;
        }
    }
    return true;
}

static enum hf_err corrupt(const char **why, const char *text)
{
    *why = text;
    return HF_CORRUPT;
}

uint64_t hf_format_seed(const unsigned char directory_id[HF_DIRECTORY_ID_BYTES])
{
    return XXH3_64bits(directory_id, HF_DIRECTORY_ID_BYTES);
}

/* ------------------------------------------------------------------ log segment */

void hf_segment_header_encode(const struct hf_segment_header *header, unsigned char *bytes)
{
    HF_ASSERT(header->first_lsn > 0);

    memset(bytes, 0, HF_SEGMENT_HEADER_BYTES);
    memcpy(bytes + SEGMENT_AT_MAGIC, SEGMENT_MAGIC, sizeof SEGMENT_MAGIC);
    hf_put_u32(bytes + SEGMENT_AT_VERSION, HF_SEGMENT_VERSION);
    hf_put_u32(bytes + SEGMENT_AT_EPOCH, header->epoch);
    memcpy(bytes + SEGMENT_AT_DIRECTORY, header->directory_id, HF_DIRECTORY_ID_BYTES);
    hf_put_u64(bytes + SEGMENT_AT_FIRST_LSN, header->first_lsn);
    hf_put_u64(bytes + SEGMENT_AT_PREVIOUS, header->previous);
    hf_put_u64(bytes + SEGMENT_AT_CHECKSUM, XXH3_64bits(bytes, SEGMENT_AT_CHECKSUM));
}

enum hf_err hf_segment_header_decode(struct hf_segment_header *header, const void *bytes,
                                     size_t bytes_max, const char **why)
{
    const unsigned char *at = bytes;

    if (bytes_max < HF_SEGMENT_HEADER_BYTES) {
        *why = "the file is shorter than a segment header";
        return HF_TRUNCATED;
    }
    if (memcmp(at + SEGMENT_AT_MAGIC, SEGMENT_MAGIC, sizeof SEGMENT_MAGIC) != 0) {
        return corrupt(why, "it does not begin as a log segment");
    }
    if (XXH3_64bits(at, SEGMENT_AT_CHECKSUM) != hf_get_u64(at + SEGMENT_AT_CHECKSUM)) {
        return corrupt(why, "the checksum of the segment header does not match");
    }
    if (hf_get_u32(at + SEGMENT_AT_VERSION) > HF_SEGMENT_VERSION) {
        return corrupt(why, HF_FORMAT_NEWER);
    }
    *header = (struct hf_segment_header){
        .epoch = hf_get_u32(at + SEGMENT_AT_EPOCH),
        .first_lsn = hf_get_u64(at + SEGMENT_AT_FIRST_LSN),
        .previous = hf_get_u64(at + SEGMENT_AT_PREVIOUS),
    };
    memcpy(header->directory_id, at + SEGMENT_AT_DIRECTORY, HF_DIRECTORY_ID_BYTES);
    if (hf_get_u32(at + SEGMENT_AT_VERSION) == 0 || header->epoch == 0 || header->first_lsn == 0 ||
        !is_zero(at + SEGMENT_AT_ZERO, SEGMENT_AT_CHECKSUM - SEGMENT_AT_ZERO)) {
        return corrupt(why, "a field of the segment header is out of range");
    }
    return HF_OK;
}

/* ------------------------------------------------------------------ log block */

static uint64_t block_checksum(const unsigned char *block, size_t bytes_count, uint64_t seed)
{
    return XXH3_64bits_withSeed(block + BLOCK_AT_MAGIC, bytes_count - BLOCK_AT_MAGIC, seed);
}

static const char *block_header_defect(const struct hf_block_header *header)
{
    const uint32_t raw = header->raw_bytes;
    const uint32_t stored = header->stored_bytes;

    if (raw == 0 || raw > HF_BLOCK_RAW_BYTES_MAX || raw % 8 != 0) {
        return "the block's raw size is out of range";
    }
    const bool is_lz4 = (header->flags & HF_BLOCK_LZ4) != 0;
    if (is_lz4 ? (stored == 0 || stored >= raw) : stored != raw) {
        return "the block's stored size is out of range";
    }
    if (header->epoch == 0 || header->first_lsn == 0 || header->last_lsn < header->first_lsn ||
        header->last_lsn == UINT64_MAX || /* one has to follow */
        header->durable_lsn >= header->first_lsn) {
        return "the block's epoch or LSNs are out of range";
    }
    return NULL;
}

size_t hf_block_seal(unsigned char *block, struct hf_block_header *header, uint64_t seed)
{
    HF_ASSERT((header->flags & ~HF_BLOCK_FLAGS_ALL) == 0);
    HF_ASSERT(block_header_defect(header) == NULL);

    memset(block, 0, HF_BLOCK_HEADER_BYTES);
    memcpy(block + BLOCK_AT_MAGIC, BLOCK_MAGIC, sizeof BLOCK_MAGIC);
    block[BLOCK_AT_VERSION] = HF_BLOCK_VERSION;
    block[BLOCK_AT_FLAGS] = (unsigned char)header->flags;
    hf_put_u32(block + BLOCK_AT_EPOCH, header->epoch);
    hf_put_u32(block + BLOCK_AT_RAW, header->raw_bytes);
    hf_put_u32(block + BLOCK_AT_STORED, header->stored_bytes);
    hf_put_u64(block + BLOCK_AT_FIRST_LSN, header->first_lsn);
    hf_put_u64(block + BLOCK_AT_LAST_LSN, header->last_lsn);
    hf_put_u64(block + BLOCK_AT_DURABLE_LSN, header->durable_lsn);
    hf_put_u64(block + BLOCK_AT_PREVIOUS, header->previous);
    const size_t bytes_count = hf_block_bytes(header);
    const size_t stored_end = HF_BLOCK_HEADER_BYTES + header->stored_bytes;
    memset(block + stored_end, 0, bytes_count - stored_end);
    header->checksum = block_checksum(block, bytes_count, seed);
    hf_put_u64(block + BLOCK_AT_CHECKSUM, header->checksum);
    return bytes_count;
}

enum hf_err hf_block_peek(struct hf_block_header *header, const void *bytes, size_t bytes_max,
                          const char **why)
{
    const unsigned char *at = bytes;

    if (bytes_max < HF_BLOCK_HEADER_BYTES) {
        *why = "the file ends inside a block header";
        return HF_TRUNCATED;
    }
    if (memcmp(at + BLOCK_AT_MAGIC, BLOCK_MAGIC, sizeof BLOCK_MAGIC) != 0) {
        return corrupt(why, "no block begins here");
    }
    if (at[BLOCK_AT_VERSION] > HF_BLOCK_VERSION) {
        return corrupt(why, HF_FORMAT_NEWER);
    }
    if (at[BLOCK_AT_VERSION] == 0 || (at[BLOCK_AT_FLAGS] & ~HF_BLOCK_FLAGS_ALL) != 0 ||
        !is_zero(at + BLOCK_AT_ZERO, BLOCK_AT_EPOCH - BLOCK_AT_ZERO) ||
        !is_zero(at + BLOCK_AT_ZERO_2, BLOCK_AT_FIRST_LSN - BLOCK_AT_ZERO_2)) {
        return corrupt(why, "the block's flags are not known");
    }
    *header = (struct hf_block_header){
        .checksum = hf_get_u64(at + BLOCK_AT_CHECKSUM),
        .flags = at[BLOCK_AT_FLAGS],
        .epoch = hf_get_u32(at + BLOCK_AT_EPOCH),
        .raw_bytes = hf_get_u32(at + BLOCK_AT_RAW),
        .stored_bytes = hf_get_u32(at + BLOCK_AT_STORED),
        .first_lsn = hf_get_u64(at + BLOCK_AT_FIRST_LSN),
        .last_lsn = hf_get_u64(at + BLOCK_AT_LAST_LSN),
        .durable_lsn = hf_get_u64(at + BLOCK_AT_DURABLE_LSN),
        .previous = hf_get_u64(at + BLOCK_AT_PREVIOUS),
    };
    const char *defect = block_header_defect(header);
    return defect == NULL ? HF_OK : corrupt(why, defect);
}

enum hf_err hf_block_open(struct hf_block_header *header, const void *bytes, size_t bytes_max,
                          uint64_t seed, const char **why)
{
    const enum hf_err err = hf_block_peek(header, bytes, bytes_max, why);
    if (err != HF_OK) {
        return err;
    }
    const size_t bytes_count = hf_block_bytes(header);
    if (bytes_count > bytes_max) {
        *why = "the file ends inside a block";
        return HF_TRUNCATED;
    }
    if (block_checksum(bytes, bytes_count, seed) != header->checksum) {
        return corrupt(why, "the checksum of the block does not match");
    }
    return HF_OK;
}

/* Stored bytes to raw bytes, for blocks of both kinds. */
static const unsigned char *expand(const unsigned char *stored, uint32_t stored_bytes, bool is_lz4,
                                   uint32_t raw_bytes, unsigned char *room)
{
    if (!is_lz4) {
        return stored;
    }
    const int decoded =
        LZ4_decompress_safe((const char *)stored, (char *)room, (int)stored_bytes, (int)raw_bytes);
    return decoded == (int)raw_bytes ? room : NULL;
}

const unsigned char *hf_block_raw(const struct hf_block_header *header, const unsigned char *block,
                                  unsigned char *room)
{
    return expand(block + HF_BLOCK_HEADER_BYTES, header->stored_bytes,
                  (header->flags & HF_BLOCK_LZ4) != 0, header->raw_bytes, room);
}

/* ------------------------------------------------------------------ snapshot */

void hf_snapshot_header_encode(const struct hf_snapshot_header *header, unsigned char *bytes)
{
    HF_ASSERT(header->blocks_count > 0);
    HF_ASSERT(header->lsn > 0);

    memset(bytes, 0, HF_SNAPSHOT_HEADER_BYTES);
    memcpy(bytes + SNAPSHOT_AT_MAGIC, SNAPSHOT_MAGIC, sizeof SNAPSHOT_MAGIC);
    hf_put_u32(bytes + SNAPSHOT_AT_VERSION, HF_SNAPSHOT_VERSION);
    hf_put_u32(bytes + SNAPSHOT_AT_EPOCH, header->epoch);
    memcpy(bytes + SNAPSHOT_AT_DIRECTORY, header->directory_id, HF_DIRECTORY_ID_BYTES);
    hf_put_u64(bytes + SNAPSHOT_AT_LSN, header->lsn);
    hf_put_u64(bytes + SNAPSHOT_AT_RAW, header->raw_bytes);
    hf_put_u32(bytes + SNAPSHOT_AT_BLOCKS, header->blocks_count);
    hf_put_u64(bytes + SNAPSHOT_AT_CHECKSUM, XXH3_64bits(bytes, SNAPSHOT_AT_CHECKSUM));
}

enum hf_err hf_snapshot_header_decode(struct hf_snapshot_header *header, const void *bytes,
                                      size_t bytes_max, const char **why)
{
    const unsigned char *at = bytes;

    if (bytes_max < HF_SNAPSHOT_HEADER_BYTES) {
        *why = "the file is shorter than a snapshot header";
        return HF_TRUNCATED;
    }
    if (memcmp(at + SNAPSHOT_AT_MAGIC, SNAPSHOT_MAGIC, sizeof SNAPSHOT_MAGIC) != 0) {
        return corrupt(why, "it does not begin as a snapshot");
    }
    if (XXH3_64bits(at, SNAPSHOT_AT_CHECKSUM) != hf_get_u64(at + SNAPSHOT_AT_CHECKSUM)) {
        return corrupt(why, "the checksum of the snapshot header does not match");
    }
    if (hf_get_u32(at + SNAPSHOT_AT_VERSION) > HF_SNAPSHOT_VERSION) {
        return corrupt(why, HF_FORMAT_NEWER);
    }
    *header = (struct hf_snapshot_header){
        .epoch = hf_get_u32(at + SNAPSHOT_AT_EPOCH),
        .blocks_count = hf_get_u32(at + SNAPSHOT_AT_BLOCKS),
        .lsn = hf_get_u64(at + SNAPSHOT_AT_LSN),
        .raw_bytes = hf_get_u64(at + SNAPSHOT_AT_RAW),
    };
    memcpy(header->directory_id, at + SNAPSHOT_AT_DIRECTORY, HF_DIRECTORY_ID_BYTES);
    if (hf_get_u32(at + SNAPSHOT_AT_VERSION) == 0 || header->epoch == 0 || header->lsn == 0 ||
        header->blocks_count == 0 ||
        !is_zero(at + SNAPSHOT_AT_ZERO, SNAPSHOT_AT_CHECKSUM - SNAPSHOT_AT_ZERO)) {
        return corrupt(why, "a field of the snapshot header is out of range");
    }
    return HF_OK;
}

static const char *snapshot_block_defect(const struct hf_snapshot_block *block)
{
    const bool is_lz4 = (block->flags & HF_BLOCK_LZ4) != 0;

    if (block->raw_bytes == 0 || block->raw_bytes > HF_SNAPSHOT_RAW_BYTES_MAX) {
        return "the snapshot block's raw size is out of range";
    }
    if (is_lz4 ? (block->stored_bytes == 0 || block->stored_bytes >= block->raw_bytes)
               : block->stored_bytes != block->raw_bytes) {
        return "the snapshot block's stored size is out of range";
    }
    return NULL;
}

size_t hf_snapshot_block_seal(unsigned char *bytes, struct hf_snapshot_block *block, uint64_t seed)
{
    HF_ASSERT((block->flags & ~HF_BLOCK_FLAGS_ALL) == 0);
    HF_ASSERT(snapshot_block_defect(block) == NULL);

    memset(bytes, 0, HF_SNAPSHOT_BLOCK_HEADER_BYTES);
    memcpy(bytes + CHUNK_AT_MAGIC, SNAPSHOT_BLOCK_MAGIC, sizeof SNAPSHOT_BLOCK_MAGIC);
    bytes[CHUNK_AT_FLAGS] = (unsigned char)block->flags;
    hf_put_u32(bytes + CHUNK_AT_RAW, block->raw_bytes);
    hf_put_u32(bytes + CHUNK_AT_STORED, block->stored_bytes);
    hf_put_u32(bytes + CHUNK_AT_INDEX, block->index);
    const size_t bytes_count = hf_snapshot_block_bytes(block);
    const size_t stored_end = HF_SNAPSHOT_BLOCK_HEADER_BYTES + block->stored_bytes;
    memset(bytes + stored_end, 0, bytes_count - stored_end);
    block->checksum =
        XXH3_64bits_withSeed(bytes + CHUNK_AT_MAGIC, bytes_count - CHUNK_AT_MAGIC, seed);
    hf_put_u64(bytes + CHUNK_AT_CHECKSUM, block->checksum);
    return bytes_count;
}

/* The header alone: fields in range, the checksum not verified. */
static enum hf_err snapshot_block_peek(struct hf_snapshot_block *block, const void *bytes,
                                       size_t bytes_max, const char **why)
{
    const unsigned char *at = bytes;

    if (bytes_max < HF_SNAPSHOT_BLOCK_HEADER_BYTES) {
        *why = "the file ends inside a snapshot block";
        return HF_TRUNCATED;
    }
    if (memcmp(at + CHUNK_AT_MAGIC, SNAPSHOT_BLOCK_MAGIC, sizeof SNAPSHOT_BLOCK_MAGIC) != 0 ||
        (at[CHUNK_AT_FLAGS] & ~HF_BLOCK_FLAGS_ALL) != 0 ||
        !is_zero(at + CHUNK_AT_ZERO, CHUNK_AT_RAW - CHUNK_AT_ZERO) ||
        !is_zero(at + CHUNK_AT_ZERO_2, HF_SNAPSHOT_BLOCK_HEADER_BYTES - CHUNK_AT_ZERO_2)) {
        return corrupt(why, "no snapshot block begins here");
    }
    *block = (struct hf_snapshot_block){
        .checksum = hf_get_u64(at + CHUNK_AT_CHECKSUM),
        .flags = at[CHUNK_AT_FLAGS],
        .index = hf_get_u32(at + CHUNK_AT_INDEX),
        .raw_bytes = hf_get_u32(at + CHUNK_AT_RAW),
        .stored_bytes = hf_get_u32(at + CHUNK_AT_STORED),
    };
    const char *defect = snapshot_block_defect(block);
    return defect == NULL ? HF_OK : corrupt(why, defect);
}

enum hf_err hf_snapshot_block_open(struct hf_snapshot_block *block, const void *bytes,
                                   size_t bytes_max, uint64_t seed, const char **why)
{
    const unsigned char *at = bytes;

    const enum hf_err err = snapshot_block_peek(block, bytes, bytes_max, why);
    if (err != HF_OK) {
        return err;
    }
    const size_t bytes_count = hf_snapshot_block_bytes(block);
    if (bytes_count > bytes_max) {
        *why = "the file ends inside a snapshot block";
        return HF_TRUNCATED;
    }
    if (XXH3_64bits_withSeed(at + CHUNK_AT_MAGIC, bytes_count - CHUNK_AT_MAGIC, seed) !=
        block->checksum) {
        return corrupt(why, "the checksum of the snapshot block does not match");
    }
    return HF_OK;
}

const unsigned char *hf_snapshot_block_raw(const struct hf_snapshot_block *block,
                                           const unsigned char *bytes, unsigned char *room)
{
    return expand(bytes + HF_SNAPSHOT_BLOCK_HEADER_BYTES, block->stored_bytes,
                  (block->flags & HF_BLOCK_LZ4) != 0, block->raw_bytes, room);
}

void hf_snapshot_footer_encode(const struct hf_snapshot_footer *footer, uint64_t seed,
                               unsigned char *bytes)
{
    memcpy(bytes + FOOTER_AT_MAGIC, FOOTER_MAGIC, sizeof FOOTER_MAGIC);
    hf_put_u64(bytes + FOOTER_AT_BLOCKS, footer->blocks_count);
    hf_put_u64(bytes + FOOTER_AT_RAW, footer->raw_bytes);
    hf_put_u64(bytes + FOOTER_AT_FILE, footer->file_bytes);
    hf_put_u64(bytes + FOOTER_AT_CHAIN, footer->chain);
    hf_put_u64(bytes + FOOTER_AT_CHECKSUM,
               XXH3_64bits_withSeed(bytes + FOOTER_AT_MAGIC,
                                    HF_SNAPSHOT_FOOTER_BYTES - FOOTER_AT_MAGIC, seed));
}

enum hf_err hf_snapshot_footer_decode(struct hf_snapshot_footer *footer, const void *bytes,
                                      size_t bytes_max, uint64_t seed, const char **why)
{
    const unsigned char *at = bytes;

    if (bytes_max < HF_SNAPSHOT_FOOTER_BYTES) {
        *why = "the file ends before the snapshot's footer does";
        return HF_TRUNCATED;
    }
    if (memcmp(at + FOOTER_AT_MAGIC, FOOTER_MAGIC, sizeof FOOTER_MAGIC) != 0) {
        return corrupt(why, "the snapshot has no footer");
    }
    if (XXH3_64bits_withSeed(at + FOOTER_AT_MAGIC, HF_SNAPSHOT_FOOTER_BYTES - FOOTER_AT_MAGIC,
                             seed) != hf_get_u64(at + FOOTER_AT_CHECKSUM)) {
        return corrupt(why, "the checksum of the snapshot's footer does not match");
    }
    *footer = (struct hf_snapshot_footer){
        .blocks_count = hf_get_u64(at + FOOTER_AT_BLOCKS),
        .raw_bytes = hf_get_u64(at + FOOTER_AT_RAW),
        .file_bytes = hf_get_u64(at + FOOTER_AT_FILE),
        .chain = hf_get_u64(at + FOOTER_AT_CHAIN),
    };
    return HF_OK;
}

/* ------------------------------------------------------------------ where none belongs */

/* A footer's figures agree with each other. */
static bool is_footer(const unsigned char *at, size_t bytes_max)
{
    if (bytes_max < HF_SNAPSHOT_FOOTER_BYTES ||
        memcmp(at + FOOTER_AT_MAGIC, FOOTER_MAGIC, sizeof FOOTER_MAGIC) != 0) {
        return false;
    }
    const uint64_t blocks = hf_get_u64(at + FOOTER_AT_BLOCKS);
    const uint64_t raw = hf_get_u64(at + FOOTER_AT_RAW);
    const uint64_t file = hf_get_u64(at + FOOTER_AT_FILE);
    if (blocks == 0 || blocks > UINT32_MAX || raw < blocks ||
        raw > blocks * HF_SNAPSHOT_RAW_BYTES_MAX) {
        return false;
    }
    const uint64_t around = HF_SNAPSHOT_HEADER_BYTES + HF_SNAPSHOT_FOOTER_BYTES +
                            blocks * HF_SNAPSHOT_BLOCK_HEADER_BYTES;
    return file % 8 == 0 && file > around && file <= around + raw + blocks * 7; /* padding */
}

const char *hf_format_other(const void *bytes, size_t bytes_max)
{
    struct hf_segment_header segment;
    struct hf_snapshot_header snapshot;
    struct hf_snapshot_block block;
    const char *why = NULL;

    if (hf_segment_header_decode(&segment, bytes, bytes_max, &why) == HF_OK) {
        return "a segment's header";
    }
    if (hf_snapshot_header_decode(&snapshot, bytes, bytes_max, &why) == HF_OK) {
        return "a snapshot's header";
    }
    if (snapshot_block_peek(&block, bytes, bytes_max, &why) == HF_OK) {
        return "a snapshot's block";
    }
    return is_footer(bytes, bytes_max) ? "a snapshot's footer" : NULL;
}
