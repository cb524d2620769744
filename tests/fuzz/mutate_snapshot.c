#include <string.h>
#include <xxhash.h>

#include "engine/assert.h"
#include "engine/bytes.h"
#include "persistence/format.h"
#include "persistence/pack.h"
#include "tests/fuzz/mutate.h"
#include "tests/fuzz/world.h"
#include "tests/lib/small_engine.h"

#define BLOCKS_MAX 16
#define RAW_BYTES_MAX (HF_FUZZ_INPUT_BYTES_MAX * 2)

struct block {
    size_t bytes_count; /* of its items, which stand in `raw` one block after the other */
    bool is_packed;
};

/* A snapshot taken apart. One at a time. */
static struct parts {
    unsigned char header[HF_SNAPSHOT_HEADER_BYTES];
    struct block blocks[BLOCKS_MAX];
    uint32_t blocks_count;
    unsigned char raw[RAW_BYTES_MAX];
    size_t raw_bytes;
} parts;

/* One field that is not what follows from the others: put in after all is put together. */
struct oddity {
    size_t part; /* 0: the header; 1: the footer; 2 ...: a block */
    size_t at, width;
    uint64_t number;
};

/* ------------------------------------------------------------------ taking apart */

static void take_apart(struct parts *all, const unsigned char *bytes, size_t bytes_count,
                       uint64_t lsn)
{
    const struct hf_snapshot_header header = {.epoch = 1, .blocks_count = 1, .lsn = lsn};

    hf_snapshot_header_encode(&header, all->header);
    memcpy(all->header + 16, hf_fuzz_id, 16);
    all->blocks_count = 0;
    all->raw_bytes = 0;
    for (size_t at = 0; at + HF_SNAPSHOT_BLOCK_HEADER_BYTES <= bytes_count;) {
        const uint32_t raw_bytes = hf_get_u32(bytes + at + 16);
        const uint32_t stored = hf_get_u32(bytes + at + 20);
        const bool is_packed = (bytes[at + 12] & 1) != 0;
        const bool is_block = memcmp(bytes + at + 8, "HFSB", 4) == 0 &&
                              all->blocks_count < BLOCKS_MAX &&
                              stored <= bytes_count - at - HF_SNAPSHOT_BLOCK_HEADER_BYTES &&
                              (is_packed ? stored < raw_bytes : stored == raw_bytes) &&
                              raw_bytes <= sizeof all->raw - all->raw_bytes;
        if (!is_block) {
            at += 8;
            continue;
        }
        struct hf_snapshot_block block = {
            .flags = is_packed ? HF_BLOCK_LZ4 : 0, .raw_bytes = raw_bytes, .stored_bytes = stored};
        unsigned char *to = all->raw + all->raw_bytes;
        const unsigned char *raw = hf_snapshot_block_raw(&block, bytes + at, to);
        if (raw != NULL) {
            memmove(to, raw, raw_bytes);
            all->blocks[all->blocks_count++] =
                (struct block){.bytes_count = raw_bytes, .is_packed = block.flags != 0};
            all->raw_bytes += raw_bytes;
        }
        at += HF_SNAPSHOT_BLOCK_HEADER_BYTES + hf_format_padded(stored);
    }
}

/* ------------------------------------------------------------------ putting together */

static void put_oddity(unsigned char *bytes, const struct oddity *oddity, size_t part)
{
    unsigned char number[8];

    if (oddity->part == part) {
        hf_put_u64(number, oddity->number);
        memcpy(bytes + oddity->at, number, oddity->width);
    }
}

static void put_checksum(unsigned char *bytes, size_t bytes_count, uint64_t seed)
{
    hf_put_u64(bytes, XXH3_64bits_withSeed(bytes + 8, bytes_count - 8, seed));
}

/* FORMATS.md 5.2; returns the size. */
static size_t put_block(const struct block *block, const unsigned char *raw, uint32_t index,
                        const struct oddity *oddity, uint64_t seed, unsigned char *to)
{
    unsigned char *stored_at = to + HF_SNAPSHOT_BLOCK_HEADER_BYTES;
    size_t stored = block->bytes_count;

    memcpy(stored_at, raw, stored);
    if (block->is_packed && stored > 0) {
        struct hf_packer packer;
        HF_ASSERT(hf_packer_init(&packer) == HF_OK);
        stored = hf_packer_pack(&packer, raw, (uint32_t)stored, stored_at);
        hf_packer_release(&packer);
    }
    const size_t size = HF_SNAPSHOT_BLOCK_HEADER_BYTES + hf_format_padded(stored);
    memset(stored_at + stored, 0, hf_format_padded(stored) - stored);
    memset(to, 0, HF_SNAPSHOT_BLOCK_HEADER_BYTES);
    memcpy(to + 8, "HFSB", 4);
    to[12] = stored < block->bytes_count;
    hf_put_u32(to + 16, (uint32_t)block->bytes_count);
    hf_put_u32(to + 20, (uint32_t)stored);
    hf_put_u32(to + 24, index);
    put_oddity(to, oddity, 2 + index);
    put_checksum(to, size, seed);
    return size;
}

/* Returns the size; 0: it does not fit. */
static size_t put_together(struct parts *all, const struct oddity *oddity, uint64_t lsn,
                           unsigned char *bytes, size_t bytes_max)
{
    const uint64_t seed = hf_format_seed(hf_fuzz_id) ^ lsn;
    uint64_t chain = 0;
    size_t at = HF_SNAPSHOT_HEADER_BYTES;
    size_t raw_at = 0;

    if (all->raw_bytes + all->blocks_count * 40 + 128 > bytes_max) {
        return 0;
    }
    for (uint32_t i = 0; i < all->blocks_count; i++) {
        const struct block *block = &all->blocks[i];
        const size_t size = put_block(block, all->raw + raw_at, i, oddity, seed, bytes + at);
        chain = hf_snapshot_chain(chain, hf_get_u64(bytes + at));
        raw_at += block->bytes_count;
        at += size;
    }
    hf_put_u64(all->header + 40, raw_at);
    hf_put_u32(all->header + 48, all->blocks_count);
    put_oddity(all->header, oddity, 0);
    hf_put_u64(all->header + 56, XXH3_64bits(all->header, 56));
    memcpy(bytes, all->header, sizeof all->header);

    unsigned char *footer = bytes + at;
    memcpy(footer + 8, "HFSNPEND", 8);
    hf_put_u64(footer + 16, all->blocks_count);
    hf_put_u64(footer + 24, raw_at);
    hf_put_u64(footer + 32, at + HF_SNAPSHOT_FOOTER_BYTES);
    hf_put_u64(footer + 40, chain);
    put_oddity(footer, oddity, 1);
    put_checksum(footer, HF_SNAPSHOT_FOOTER_BYTES, seed);
    return at + HF_SNAPSHOT_FOOTER_BYTES;
}

/* ------------------------------------------------------------------ changes */

/* The block's items, anywhere in them. */
static void change_items(uint64_t *random, struct parts *all)
{
    static unsigned char rest[RAW_BYTES_MAX];
    const uint64_t chosen = hf_random_below(random, all->blocks_count);
    size_t at = 0;

    for (uint64_t i = 0; i < chosen; i++) {
        at += all->blocks[i].bytes_count;
    }
    struct block *block = &all->blocks[chosen];
    const size_t rest_bytes = all->raw_bytes - at - block->bytes_count;
    memcpy(rest, all->raw + at + block->bytes_count, rest_bytes);
    block->bytes_count = hf_mutate_range(random, all->raw + at, block->bytes_count,
                                         sizeof all->raw - at - rest_bytes);
    memcpy(all->raw + at + block->bytes_count, rest, rest_bytes);
    all->raw_bytes = at + block->bytes_count + rest_bytes;
}

/* A block is cut in two, or joined with the next one, most often in the middle of an item. */
static void change_blocks(uint64_t *random, struct parts *all)
{
    const uint64_t chosen = hf_random_below(random, all->blocks_count);
    struct block *block = &all->blocks[chosen];

    if (hf_random_below(random, 2) == 0 && all->blocks_count < BLOCKS_MAX) {
        memmove(block + 1, block, (all->blocks_count - chosen) * sizeof *block);
        all->blocks_count++;
        block[0].bytes_count = hf_random_below(random, block[1].bytes_count + 1);
        block[1].bytes_count -= block[0].bytes_count;
    } else if (chosen + 1 < all->blocks_count) {
        block[0].bytes_count += block[1].bytes_count;
        memmove(block + 1, block + 2, (all->blocks_count - chosen - 2) * sizeof *block);
        all->blocks_count--;
    }
}

static struct oddity choose_oddity(uint64_t *random, const struct parts *all)
{
    static const struct {
        size_t part, at, width;
    } FIELDS[] = {{0, 0, 8},  {0, 8, 4},  {0, 12, 4}, {0, 16, 8}, {0, 32, 8},
                  {0, 40, 8}, {0, 48, 4}, {0, 52, 4}, {1, 8, 8},  {1, 16, 8},
                  {1, 24, 8}, {1, 32, 8}, {1, 40, 8}, {2, 8, 4},  {2, 12, 1},
                  {2, 13, 1}, {2, 16, 4}, {2, 20, 4}, {2, 24, 4}, {2, 28, 4}};
    const size_t field = hf_random_below(random, sizeof FIELDS / sizeof FIELDS[0]);
    const size_t block = FIELDS[field].part == 2 ? hf_random_below(random, all->blocks_count) : 0;
    /* Most fields are small numbers, of which the neighbours are the most interesting. */
    const uint64_t old = hf_random_below(random, 2) == 0 ? all->blocks_count : all->raw_bytes;

    return (struct oddity){.part = FIELDS[field].part + block,
                           .at = FIELDS[field].at,
                           .width = FIELDS[field].width,
                           .number = hf_mutate_number(random, old)};
}

size_t hf_mutate_snapshot(uint64_t *random, uint64_t lsn, unsigned char *bytes, size_t bytes_count,
                          size_t bytes_max)
{
    static unsigned char made[HF_FUZZ_INPUT_BYTES_MAX];
    struct parts *all = &parts;
    struct oddity oddity = {.part = SIZE_MAX};

    take_apart(all, bytes, bytes_count, lsn);
    if (hf_random_below(random, 16) == 0 || all->blocks_count == 0) {
        return hf_mutate_range(random, bytes, bytes_count, bytes_max);
    }
    for (uint64_t left = 1 + hf_random_below(random, 3); left > 0; left--) {
        switch (hf_random_below(random, 8)) {
        case 0:
            change_blocks(random, all);
            break;
        case 1:
            all->blocks[hf_random_below(random, all->blocks_count)].is_packed ^= true;
            break;
        case 2:
            oddity = choose_oddity(random, all);
            break;
        default:
            change_items(random, all);
            break;
        }
    }
    const size_t made_max = bytes_max < sizeof made ? bytes_max : sizeof made;
    size_t made_bytes = put_together(all, &oddity, lsn, made, made_max);
    if (made_bytes == 0) {
        return hf_mutate_range(random, bytes, bytes_count, bytes_max);
    }
    if (hf_random_below(random, 12) == 0) {
        made_bytes = hf_mutate_range(random, made, made_bytes, made_max);
    }
    memcpy(bytes, made, made_bytes);
    return made_bytes;
}
