#include <string.h>
#include <xxhash.h>

#include "engine/assert.h"
#include "engine/bytes.h"
#include "engine/record.h"
#include "persistence/format.h"
#include "persistence/pack.h"
#include "tests/fuzz/mutate.h"
#include "tests/fuzz/world.h"
#include "tests/lib/small_engine.h"

#define SEGMENTS_MAX 6
#define BLOCKS_MAX 64
#define RAW_BYTES_MAX (HF_FUZZ_INPUT_BYTES_MAX * 4)
#define RECORDS_MAX 512

/* Fields of a block that follow from others, and are left as they are when they were changed. */
enum kept { KEEP_LSNS = 1, KEEP_CHAIN = 2, KEEP_SIZES = 4, KEEP_STORED = 8 };

struct block {
    unsigned char header[HF_BLOCK_HEADER_BYTES];
    size_t at; /* of its records in `raw`, or, with KEEP_STORED, of its stored bytes */
    size_t bytes_count;
    unsigned kept;
    bool begins_group;
    bool is_packed;
};

struct segment {
    unsigned char header[HF_SEGMENT_HEADER_BYTES];
    uint32_t first_block;
    bool is_kept; /* first LSN and chain stay as they are */
};

/* A log taken apart. One at a time. */
static struct log {
    struct segment segments[SEGMENTS_MAX];
    uint32_t segments_count;
    struct block blocks[BLOCKS_MAX];
    uint32_t blocks_count;
    unsigned char raw[RAW_BYTES_MAX];
    size_t raw_bytes;
    uint64_t *random;
} parts;

static uint64_t below(struct log *log, uint64_t limit)
{
    return hf_random_below(log->random, limit);
}

/* ------------------------------------------------------------------ taking apart */

static void take_segment(struct log *log, const unsigned char *bytes)
{
    if (log->segments_count < SEGMENTS_MAX) {
        struct segment *segment = &log->segments[log->segments_count++];
        *segment = (struct segment){.first_block = log->blocks_count};
        memcpy(segment->header, bytes, sizeof segment->header);
    }
}

/* The block that seems to begin at `bytes`; returns its size, 0: none does. */
static size_t take_block(struct log *log, const unsigned char *bytes, size_t bytes_max,
                         bool begins_group)
{
    struct hf_block_header header;
    const char *why;

    if (log->blocks_count == BLOCKS_MAX ||
        hf_block_peek(&header, bytes, bytes_max, &why) != HF_OK ||
        hf_block_bytes(&header) > bytes_max ||
        header.raw_bytes > sizeof log->raw - log->raw_bytes) {
        return 0;
    }
    struct block *block = &log->blocks[log->blocks_count++];
    *block = (struct block){.at = log->raw_bytes,
                            .bytes_count = header.raw_bytes,
                            .begins_group = begins_group,
                            .is_packed = (header.flags & HF_BLOCK_LZ4) != 0};
    memcpy(block->header, bytes, sizeof block->header);
    unsigned char *to = log->raw + log->raw_bytes;
    const unsigned char *raw = hf_block_raw(&header, bytes, to);
    if (raw == NULL) {
        block->kept = KEEP_STORED;
        block->bytes_count = header.stored_bytes;
        raw = bytes + HF_BLOCK_HEADER_BYTES;
    }
    if (raw != to) {
        memmove(to, raw, block->bytes_count);
    }
    log->raw_bytes += block->bytes_count;
    return hf_block_bytes(&header);
}

static void take_apart(struct log *log, const unsigned char *bytes, size_t bytes_count)
{
    log->segments_count = 0;
    log->blocks_count = 0;
    log->raw_bytes = 0;
    for (size_t at = 0; at + HF_SEGMENT_HEADER_BYTES <= bytes_count;) {
        if (at % HF_SECTOR_BYTES == 0 && memcmp(bytes + at, "HFSEGMNT", 8) == 0) {
            take_segment(log, bytes + at);
            at += HF_SECTOR_BYTES;
            continue;
        }
        const size_t size =
            take_block(log, bytes + at, bytes_count - at, at % HF_SECTOR_BYTES == 0);
        at += size > 0 ? size : 8;
    }
    if (log->segments_count == 0 || log->segments[0].first_block != 0) {
        struct hf_segment_header header = {.epoch = 1, .first_lsn = 1};
        memcpy(header.directory_id, hf_fuzz_id, sizeof header.directory_id);
        log->segments_count = 1;
        log->segments[0] = (struct segment){0};
        hf_segment_header_encode(&header, log->segments[0].header);
    }
}

/* ------------------------------------------------------------------ putting together */

/* Number the records from `lsn` on, as far as their sizes lead; returns how many there are. */
static uint64_t number_records(struct log *log, const struct block *block, uint64_t lsn)
{
    uint64_t count = 0;

    for (size_t at = 0; block->bytes_count - at >= HF_RECORD_HEADER_BYTES; count++) {
        unsigned char *record = log->raw + block->at + at;
        const uint32_t size = hf_get_u32(record);
        if (size < HF_RECORD_HEADER_BYTES || size > block->bytes_count - at) {
            break;
        }
        hf_put_u64(record + 8, lsn + count);
        at += size;
    }
    return count;
}

/* The stored bytes at `to`; sets the sizes in the header. */
static size_t put_stored(const struct log *log, struct block *block, unsigned char *to)
{
    const unsigned char *raw = log->raw + block->at;
    size_t stored = block->bytes_count;

    memcpy(to, raw, stored);
    if ((block->kept & KEEP_STORED) != 0) {
        hf_put_u32(block->header + 24, (uint32_t)stored);
        return stored;
    }
    block->header[13] &= (unsigned char)~HF_BLOCK_LZ4;
    if (block->is_packed && stored > 0) {
        struct hf_packer packer;
        HF_ASSERT(hf_packer_init(&packer) == HF_OK);
        stored = hf_packer_pack(&packer, raw, (uint32_t)stored, to);
        hf_packer_release(&packer);
        block->header[13] |= stored < block->bytes_count ? HF_BLOCK_LZ4 : 0;
    }
    if ((block->kept & KEEP_SIZES) == 0) {
        hf_put_u32(block->header + 20, (uint32_t)block->bytes_count);
        hf_put_u32(block->header + 24, (uint32_t)stored);
    }
    return stored;
}

struct chain {
    uint64_t lsn; /* of the next record */
    uint64_t previous;
};

/* FORMATS.md 2.2; returns the size of the block. */
static size_t put_block(struct log *log, struct block *block, struct chain *chain,
                        unsigned char *to)
{
    if ((block->kept & (KEEP_LSNS | KEEP_STORED)) == 0) {
        const uint64_t count = number_records(log, block, chain->lsn);
        hf_put_u64(block->header + 32, chain->lsn);
        hf_put_u64(block->header + 40, chain->lsn + count - 1);
        if (hf_get_u64(block->header + 48) >= chain->lsn) {
            hf_put_u64(block->header + 48, chain->lsn - 1);
        }
    }
    if ((block->kept & KEEP_CHAIN) == 0) {
        hf_put_u64(block->header + 56, chain->previous);
    }
    const size_t stored = put_stored(log, block, to + HF_BLOCK_HEADER_BYTES);
    const size_t size = HF_BLOCK_HEADER_BYTES + hf_format_padded(stored);
    memcpy(to, block->header, HF_BLOCK_HEADER_BYTES);
    memset(to + HF_BLOCK_HEADER_BYTES + stored, 0, size - HF_BLOCK_HEADER_BYTES - stored);
    chain->previous = XXH3_64bits_withSeed(to + 8, size - 8, hf_format_seed(hf_fuzz_id));
    hf_put_u64(to, chain->previous);
    chain->lsn = hf_get_u64(block->header + 40) + 1;
    return size;
}

/* FORMATS.md 2.1; the header and the zeros behind it. */
static size_t put_segment(struct segment *segment, bool is_first, const struct chain *chain,
                          unsigned char *to)
{
    if (!is_first && !segment->is_kept) {
        hf_put_u64(segment->header + 32, chain->lsn);
        hf_put_u64(segment->header + 40, chain->previous);
    }
    hf_put_u64(segment->header + 56, XXH3_64bits(segment->header, 56));
    memset(to, 0, HF_SECTOR_BYTES);
    memcpy(to, segment->header, sizeof segment->header);
    return HF_SECTOR_BYTES;
}

/* Returns the size; 0: it does not fit. */
static size_t put_together(struct log *log, unsigned char *bytes, size_t bytes_max)
{
    struct chain chain = {.lsn = hf_get_u64(log->segments[0].header + 32),
                          .previous = hf_get_u64(log->segments[0].header + 40)};
    size_t at = 0;
    uint32_t segment = 0;

    for (uint32_t i = 0; i <= log->blocks_count; i++) {
        while (segment < log->segments_count && log->segments[segment].first_block <= i) {
            const size_t begin = hf_format_group_offset(at);
            if (begin + HF_SECTOR_BYTES > bytes_max) {
                return 0;
            }
            memset(bytes + at, 0, begin - at);
            at = begin + put_segment(&log->segments[segment], segment == 0, &chain, bytes + begin);
            segment++;
        }
        if (i == log->blocks_count) {
            break;
        }
        struct block *block = &log->blocks[i];
        const size_t begin = block->begins_group ? hf_format_group_offset(at) : at;
        if (begin + HF_BLOCK_HEADER_BYTES + block->bytes_count + 8 > bytes_max) {
            return 0;
        }
        memset(bytes + at, 0, begin - at);
        at = begin + put_block(log, block, &chain, bytes + begin);
    }
    return at;
}

/* ------------------------------------------------------------------ changes */

static void change_block_header(struct log *log, struct block *block)
{
    static const struct {
        size_t at, width;
        unsigned kept;
    } FIELDS[] = {{12, 1, 0},          {13, 1, KEEP_SIZES}, {14, 2, 0},         {16, 4, 0},
                  {20, 4, KEEP_SIZES}, {24, 4, KEEP_SIZES}, {28, 4, 0},         {32, 8, KEEP_LSNS},
                  {40, 8, KEEP_LSNS},  {48, 8, KEEP_LSNS},  {56, 8, KEEP_CHAIN}};
    const size_t field = below(log, sizeof FIELDS / sizeof FIELDS[0]);

    hf_mutate_field(log->random, block->header + FIELDS[field].at, FIELDS[field].width);
    block->kept |= FIELDS[field].kept;
}

/* Room at the end of `raw`, where the block's bytes now are and may grow. */
static size_t move_to_end(struct log *log, struct block *block)
{
    if (block->bytes_count > sizeof log->raw - log->raw_bytes) {
        return 0;
    }
    memmove(log->raw + log->raw_bytes, log->raw + block->at, block->bytes_count);
    block->at = log->raw_bytes;
    const size_t room = sizeof log->raw - log->raw_bytes;
    return room < HF_BLOCK_RAW_BYTES_MAX ? room : HF_BLOCK_RAW_BYTES_MAX;
}

/* Where the block's records begin; their number. The last entry is the end. */
static uint32_t find_records(const struct log *log, const struct block *block, size_t *starts)
{
    uint32_t count = 0;
    size_t at = 0;

    while (count < RECORDS_MAX && block->bytes_count - at >= HF_RECORD_HEADER_BYTES) {
        const uint32_t size = hf_get_u32(log->raw + block->at + at);
        if (size < HF_RECORD_HEADER_BYTES || size > block->bytes_count - at) {
            break;
        }
        starts[count++] = at;
        at += size;
    }
    starts[count] = at;
    return count;
}

/* Put `with` in the place of `old_bytes` bytes at `at`, which are `room` long at most. */
static void replace(struct block *block, unsigned char *raw, size_t at, size_t old_bytes,
                    const unsigned char *with, size_t new_bytes, size_t room)
{
    if (block->bytes_count - old_bytes + new_bytes > room) {
        return;
    }
    memmove(raw + at + new_bytes, raw + at + old_bytes, block->bytes_count - at - old_bytes);
    memcpy(raw + at, with, new_bytes);
    block->bytes_count += new_bytes;
    block->bytes_count -= old_bytes;
}

/* A record's fields or effects; its size follows. */
static size_t change_record(struct log *log, unsigned char *record, size_t bytes_count, size_t room)
{
    static const struct {
        size_t at, width;
    } FIELDS[] = {{0, 4}, {4, 1}, {5, 1}, {6, 1}, {7, 1}, {8, 8}, {16, 8}, {24, 8}};

    if (below(log, 3) == 0) {
        const size_t field = below(log, sizeof FIELDS / sizeof FIELDS[0]);
        hf_mutate_field(log->random, record + FIELDS[field].at, FIELDS[field].width);
        return bytes_count;
    }
    const size_t body =
        hf_mutate_range(log->random, record + HF_RECORD_HEADER_BYTES,
                        bytes_count - HF_RECORD_HEADER_BYTES, room - HF_RECORD_HEADER_BYTES - 8);
    const size_t padded = hf_format_padded(body);
    memset(record + HF_RECORD_HEADER_BYTES + body, 0, padded - body);
    hf_put_u32(record, (uint32_t)(HF_RECORD_HEADER_BYTES + padded));
    return HF_RECORD_HEADER_BYTES + padded;
}

static void change_records(struct log *log, struct block *block)
{
    static size_t starts[RECORDS_MAX + 1];
    static unsigned char copy[8192];
    const size_t room = move_to_end(log, block);
    unsigned char *raw = log->raw + block->at;
    const uint32_t count = find_records(log, block, starts);

    if (room == 0) {
        return;
    }
    if (count == 0 || below(log, 8) == 0) {
        block->bytes_count = hf_mutate_range(log->random, raw, block->bytes_count, room);
    } else {
        const uint64_t chosen = below(log, count);
        const size_t at = starts[chosen];
        const size_t size = starts[chosen + 1] - at;
        const size_t other = starts[below(log, count)];
        if (size + 512 > sizeof copy) {
            return;
        }
        memcpy(copy, raw + at, size);
        switch (below(log, 8)) {
        case 0:
            replace(block, raw, at, size, copy, 0, room);
            break;
        case 1:
            replace(block, raw, other, 0, copy, size, room);
            break;
        default:
            replace(block, raw, at, size, copy, change_record(log, copy, size, size + 512), room);
            break;
        }
    }
    log->raw_bytes += block->bytes_count;
}

/* Bytes for LZ4 that no packer has made, below a checksum that matches. */
static void change_stored(struct log *log, struct block *block)
{
    static unsigned char stored[RAW_BYTES_MAX];
    const size_t size = put_stored(log, block, stored);

    if (move_to_end(log, block) < size + 64) {
        return;
    }
    block->bytes_count = hf_mutate_range(log->random, stored, size, size + 64);
    memcpy(log->raw + block->at, stored, block->bytes_count);
    block->kept |= KEEP_STORED;
    log->raw_bytes += block->bytes_count;
}

/* Blocks come, go, change places, are cut in two at a record. */
static void change_blocks(struct log *log, uint32_t chosen)
{
    static size_t starts[RECORDS_MAX + 1];
    struct block *block = &log->blocks[chosen];
    const uint32_t other = (uint32_t)below(log, log->blocks_count);
    const struct block copy = *block;
    const uint64_t what = below(log, 4);

    if (what == 0) {
        memmove(block, block + 1, (log->blocks_count - chosen - 1) * sizeof *block);
        log->blocks_count--;
    } else if (what == 1) {
        *block = log->blocks[other];
        log->blocks[other] = copy;
    } else if (log->blocks_count < BLOCKS_MAX) {
        memmove(block + 1, block, (log->blocks_count - chosen) * sizeof *block);
        log->blocks_count++;
        const uint32_t count = what == 2 ? find_records(log, block, starts) : 0;
        if (count > 1) {
            const size_t cut = starts[1 + below(log, count - 1)];
            block[0].bytes_count = cut;
            block[1].at += cut;
            block[1].bytes_count -= cut;
            block[1].begins_group = below(log, 2) == 0;
        }
    }
}

static void change_segments(struct log *log)
{
    const uint32_t chosen = (uint32_t)below(log, log->segments_count);
    struct segment *segment = &log->segments[chosen];
    static const struct {
        size_t at, width;
    } FIELDS[] = {{0, 8}, {8, 4}, {12, 4}, {16, 8}, {32, 8}, {40, 8}, {48, 8}};

    if (below(log, 3) == 0) {
        const size_t field = below(log, sizeof FIELDS / sizeof FIELDS[0]);
        hf_mutate_field(log->random, segment->header + FIELDS[field].at, FIELDS[field].width);
        segment->is_kept = true;
    } else if (chosen > 0 && below(log, 2) == 0) {
        memmove(segment, segment + 1, (log->segments_count - chosen - 1) * sizeof *segment);
        log->segments_count--;
    } else if (log->segments_count < SEGMENTS_MAX && chosen + 1 == log->segments_count &&
               segment->first_block <= log->blocks_count) {
        segment[1] = *segment;
        segment[1].is_kept = false;
        segment[1].first_block = segment->first_block +
                                 (uint32_t)below(log, log->blocks_count - segment->first_block + 1);
        log->segments_count++;
    }
}

static void change(struct log *log)
{
    const uint32_t chosen = log->blocks_count == 0 ? 0 : (uint32_t)below(log, log->blocks_count);
    struct block *block = &log->blocks[chosen];
    const uint64_t what = log->blocks_count == 0 ? 9 : below(log, 10);

    if (what < 4) {
        change_records(log, block);
    } else if (what < 6) {
        change_block_header(log, block);
    } else if (what == 6) {
        change_blocks(log, chosen);
    } else if (what == 7) {
        block->is_packed = !block->is_packed;
        block->begins_group = below(log, 2) == 0;
    } else if (what == 8 && block->is_packed) {
        change_stored(log, block);
    } else {
        change_segments(log);
    }
}

/* What a crash or decay leaves: zeros, half a block, an old block, a spoilt sector. */
static size_t change_end(struct log *log, unsigned char *bytes, size_t bytes_count,
                         size_t bytes_max)
{
    const size_t left = bytes_max - bytes_count;
    const size_t added = left == 0 ? 0 : below(log, left < 2048 ? left : 2048);
    const size_t half = added / 2 < bytes_count / 2 ? added / 2 : bytes_count / 2;

    switch (below(log, 6)) {
    case 0:
        return below(log, bytes_count) + 1;
    case 1:
        for (size_t i = 0; i < added; i++) {
            bytes[bytes_count + i] = (unsigned char)hf_random_next(log->random);
        }
        return bytes_count + added;
    case 2:
        memset(bytes + bytes_count, 0, added);
        memcpy(bytes + bytes_count + half, bytes + below(log, bytes_count - half), half);
        return bytes_count + added;
    case 3:
        return hf_mutate_range(log->random, bytes, bytes_count, bytes_max);
    default:
        memset(bytes + bytes_count, 0, added);
        return bytes_count + added;
    }
}

size_t hf_mutate_log(uint64_t *random, unsigned char *bytes, size_t bytes_count, size_t bytes_max)
{
    static unsigned char made[HF_FUZZ_INPUT_BYTES_MAX];
    struct log *log = &parts;
    const size_t made_max = bytes_max < sizeof made ? bytes_max : sizeof made;

    log->random = random;
    if (hf_random_below(random, 16) == 0) {
        return hf_mutate_range(random, bytes, bytes_count, bytes_max);
    }
    take_apart(log, bytes, bytes_count);
    for (uint64_t left = 1 + hf_random_below(random, 3); left > 0; left--) {
        change(log);
    }
    size_t made_bytes = put_together(log, made, made_max);
    if (made_bytes == 0) {
        return hf_mutate_range(random, bytes, bytes_count, bytes_max);
    }
    if (hf_random_below(random, 4) == 0) {
        made_bytes = change_end(log, made, made_bytes, made_max);
    }
    memcpy(bytes, made, made_bytes);
    return made_bytes;
}
