/*
 * test_format.c - golden bytes of every structure on disk (FORMATS.md), and what is refused.
 *
 * Method: the bytes below are what this version writes, and what versions before it have written;
 * all stay readable for ever. The encoders must make exactly the newest, the decoders read all
 * back; every prefix is refused as truncated, placed so that reading one byte too far faults;
 * every changed bit is refused as corrupt.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <xxhash.h>

#include "engine/bytes.h"
#include "engine/record.h"
#include "persistence/format.h"
#include "persistence/directory.h"
#include "persistence/manifest.h"
#include "persistence/pack.h"

#define LSN 4712
#define CHAIN UINT64_C(0x1122334455667788)

static const unsigned char ID[16] = {0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77,
                                     0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff};

/* clang-format off */
/* FORMATS.md 2.1 */
static const unsigned char SEGMENT[] = {
    0x48, 0x46, 0x53, 0x45, 0x47, 0x4d, 0x4e, 0x54, 0x02, 0x00, 0x00, 0x00, 0x03, 0x00, 0x00, 0x00,
    0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff,
    0x68, 0x12, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x94, 0xe5, 0x74, 0x1e, 0x54, 0xde, 0x52, 0x56,
};
/* ... and of version 1 */
static const unsigned char SEGMENT_1[] = {
    0x48, 0x46, 0x53, 0x45, 0x47, 0x4d, 0x4e, 0x54, 0x01, 0x00, 0x00, 0x00, 0x03, 0x00, 0x00, 0x00,
    0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff,
    0x68, 0x12, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x97, 0xa9, 0x66, 0xc9, 0xac, 0xda, 0x9a, 0x31,
};
/* FORMATS.md 2.2, with the record of 3.6 in it */
static const unsigned char BLOCK[] = {
    0x19, 0xd1, 0xf1, 0x34, 0xde, 0xf6, 0xfb, 0xa2, 0x48, 0x46, 0x42, 0x4b, 0x02, 0x00, 0x00, 0x00,
    0x03, 0x00, 0x00, 0x00, 0x40, 0x00, 0x00, 0x00, 0x40, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x68, 0x12, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x68, 0x12, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x67, 0x12, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11,
    0x40, 0x00, 0x00, 0x00, 0x01, 0x01, 0x02, 0x00, 0x68, 0x12, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x40, 0x1e, 0x18, 0x24, 0x0a, 0x06, 0x00, 0x08, 0x07, 0x06, 0x05, 0x04, 0x03, 0x02, 0x01,
    0x04, 0x50, 0x4f, 0x2d, 0x37, 0x03, 0x4f, 0x2d, 0x31, 0x03, 0x61, 0x6e, 0x6e, 0x00, 0x0a, 0x05,
    0x02, 0x0d, 0x81, 0xd8, 0x04, 0xe8, 0x07, 0x07, 0x00, 0x1e, 0x02, 0x00, 0x09, 0x00, 0x00, 0x00,
};
/* ... and of version 1, with a record of format 1 */
static const unsigned char BLOCK_1[] = {
    0xbd, 0x8f, 0x45, 0x41, 0x0a, 0x3b, 0xc2, 0x2c, 0x48, 0x46, 0x42, 0x4b, 0x01, 0x00, 0x00, 0x00,
    0x03, 0x00, 0x00, 0x00, 0x40, 0x00, 0x00, 0x00, 0x40, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x68, 0x12, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x68, 0x12, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x67, 0x12, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11,
    0x40, 0x00, 0x00, 0x00, 0x01, 0x01, 0x02, 0x00, 0x68, 0x12, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x40, 0x1e, 0x18, 0x24, 0x0a, 0x06, 0x00, 0x08, 0x07, 0x06, 0x05, 0x04, 0x03, 0x02, 0x01,
    0x04, 0x50, 0x4f, 0x2d, 0x37, 0x03, 0x4f, 0x2d, 0x31, 0x03, 0x61, 0x6e, 0x6e, 0x00, 0x08, 0x05,
    0x02, 0x0d, 0x01, 0xd8, 0x04, 0xe8, 0x07, 0x07, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
};
/* FORMATS.md 5.1 to 5.3 */
static const unsigned char SNAPSHOT[] = {
    0x48, 0x46, 0x53, 0x4e, 0x41, 0x50, 0x53, 0x48, 0x02, 0x00, 0x00, 0x00, 0x03, 0x00, 0x00, 0x00,
    0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff,
    0x68, 0x12, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x14, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x66, 0x27, 0xfd, 0x77, 0xfe, 0xf8, 0x3b, 0xeb,
};
static const unsigned char SNAPSHOT_BLOCK[] = {
    0x13, 0xc6, 0xe4, 0x9b, 0xd4, 0x2c, 0xbe, 0xf0, 0x48, 0x46, 0x53, 0x42, 0x00, 0x00, 0x00, 0x00,
    0x14, 0x00, 0x00, 0x00, 0x14, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x74, 0x77, 0x65, 0x6e, 0x74, 0x79, 0x20, 0x62, 0x79, 0x74, 0x65, 0x73, 0x20, 0x6f, 0x66, 0x20,
    0x69, 0x74, 0x65, 0x6d, 0x00, 0x00, 0x00, 0x00,
};
static const unsigned char SNAPSHOT_FOOTER[] = {
    0xf9, 0x77, 0x7e, 0xc4, 0x0d, 0x57, 0x13, 0xc1, 0x48, 0x46, 0x53, 0x4e, 0x50, 0x45, 0x4e, 0x44,
    0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x14, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0xa8, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x13, 0xc6, 0xe4, 0x9b, 0xd4, 0x2c, 0xbe, 0xf0,
};
/* FORMATS.md 1.1 */
static const char MANIFEST[] =
    "holdfast-manifest 1\n"
    "directory 00112233445566778899aabbccddeeff\n"
    "epoch 1 1\n"
    "epoch 3 4000\n"
    "snapshot 4711\n"
    "checksum 2c9d4d141d09cd3f\n";
/* clang-format on */

typedef enum hf_err (*decode_cb)(const void *bytes, size_t bytes_max, const char **why);

static enum hf_err decode_segment(const void *bytes, size_t bytes_max, const char **why)
{
    struct hf_segment_header header;
    return hf_segment_header_decode(&header, bytes, bytes_max, why);
}

static enum hf_err decode_block(const void *bytes, size_t bytes_max, const char **why)
{
    struct hf_block_header header;
    return hf_block_open(&header, bytes, bytes_max, hf_format_seed(ID), why);
}

static enum hf_err decode_snapshot(const void *bytes, size_t bytes_max, const char **why)
{
    struct hf_snapshot_header header;
    return hf_snapshot_header_decode(&header, bytes, bytes_max, why);
}

static enum hf_err decode_snapshot_block(const void *bytes, size_t bytes_max, const char **why)
{
    struct hf_snapshot_block block;
    return hf_snapshot_block_open(&block, bytes, bytes_max, hf_format_seed(ID) ^ LSN, why);
}

static enum hf_err decode_footer(const void *bytes, size_t bytes_max, const char **why)
{
    struct hf_snapshot_footer footer;
    return hf_snapshot_footer_decode(&footer, bytes, bytes_max, hf_format_seed(ID) ^ LSN, why);
}

static enum hf_err decode_record(const void *bytes, size_t bytes_max, const char **why)
{
    struct hf_record_reader reader;
    struct hf_record_header header;
    *why = "of a record";
    return hf_record_open(&reader, &header, bytes, bytes_max);
}

static enum hf_err decode_manifest(const void *bytes, size_t bytes_max, const char **why)
{
    static struct hf_manifest manifest;
    return hf_manifest_decode(&manifest, bytes, bytes_max, why);
}

static const struct golden {
    const char *name;
    const void *bytes;
    size_t bytes_count;
    decode_cb decode;
    enum hf_err prefix_err; /* of text there is no telling that it was cut off */
    bool is_checked;        /* every bit of it is covered by a checksum */
} GOLDENS[] = {
    {"segment header", SEGMENT, sizeof SEGMENT, decode_segment, HF_TRUNCATED, true},
    {"segment header of version 1", SEGMENT_1, sizeof SEGMENT_1, decode_segment, HF_TRUNCATED,
     true},
    {"block", BLOCK, sizeof BLOCK, decode_block, HF_TRUNCATED, true},
    {"block of version 1", BLOCK_1, sizeof BLOCK_1, decode_block, HF_TRUNCATED, true},
    {"record", BLOCK + HF_BLOCK_HEADER_BYTES, sizeof BLOCK - HF_BLOCK_HEADER_BYTES, decode_record,
     HF_TRUNCATED, false},
    {"record of format 1", BLOCK_1 + HF_BLOCK_HEADER_BYTES, sizeof BLOCK_1 - HF_BLOCK_HEADER_BYTES,
     decode_record, HF_TRUNCATED, false},
    {"snapshot header", SNAPSHOT, sizeof SNAPSHOT, decode_snapshot, HF_TRUNCATED, true},
    {"snapshot block", SNAPSHOT_BLOCK, sizeof SNAPSHOT_BLOCK, decode_snapshot_block, HF_TRUNCATED,
     true},
    {"snapshot footer", SNAPSHOT_FOOTER, sizeof SNAPSHOT_FOOTER, decode_footer, HF_TRUNCATED, true},
    {"manifest", MANIFEST, sizeof MANIFEST - 1, decode_manifest, HF_CORRUPT, true},
};
#define GOLDENS_COUNT (sizeof GOLDENS / sizeof GOLDENS[0])

/* Memory whose last byte stands before an unreadable page. */
static unsigned char *edge;

static const unsigned char *at_edge(const void *bytes, size_t bytes_count)
{
    memcpy(edge - bytes_count, bytes, bytes_count);
    return edge - bytes_count;
}

static void prefixes(void **state)
{
    const char *why = NULL;

    (void)state;
    for (size_t i = 0; i < GOLDENS_COUNT; i++) {
        const struct golden *golden = &GOLDENS[i];
        for (size_t bytes_count = 0; bytes_count < golden->bytes_count; bytes_count++) {
            why = NULL;
            const enum hf_err err =
                golden->decode(at_edge(golden->bytes, bytes_count), bytes_count, &why);
            if (err != golden->prefix_err || why == NULL) {
                fail_msg("%s, %zu bytes: %s", golden->name, bytes_count, hf_err_name(err));
            }
        }
        assert_int_equal(
            golden->decode(at_edge(golden->bytes, golden->bytes_count), golden->bytes_count, &why),
            HF_OK);
    }
}

static void changed_bits(void **state)
{
    unsigned char bytes[512];
    const char *why = NULL;

    (void)state;
    for (size_t i = 0; i < GOLDENS_COUNT; i++) {
        const struct golden *golden = &GOLDENS[i];
        memcpy(bytes, golden->bytes, golden->bytes_count);
        for (size_t bit = 0; golden->is_checked && bit < 8 * golden->bytes_count; bit++) {
            bytes[bit / 8] ^= (unsigned char)(1u << bit % 8);
            if (golden->decode(bytes, golden->bytes_count, &why) == HF_OK) {
                fail_msg("%s: bit %zu may change", golden->name, bit);
            }
            bytes[bit / 8] ^= (unsigned char)(1u << bit % 8);
        }
    }
}

static void segment_bytes(void **state)
{
    struct hf_segment_header header = {.epoch = 3, .first_lsn = LSN, .previous = CHAIN};
    struct hf_segment_header decoded;
    unsigned char bytes[HF_SEGMENT_HEADER_BYTES];
    const char *why = NULL;

    (void)state;
    memcpy(header.directory_id, ID, sizeof ID);
    hf_segment_header_encode(&header, bytes);
    assert_memory_equal(bytes, SEGMENT, sizeof SEGMENT);
    for (int version = 1; version <= 2; version++) {
        assert_int_equal(hf_segment_header_decode(&decoded, version == 1 ? SEGMENT_1 : SEGMENT,
                                                  sizeof SEGMENT, &why),
                         HF_OK);
        assert_memory_equal(decoded.directory_id, ID, sizeof ID);
        assert_int_equal(decoded.epoch, 3);
        assert_int_equal(decoded.first_lsn, LSN);
        assert_int_equal(decoded.previous, CHAIN);
    }
}

static void block_bytes(void **state)
{
    struct hf_block_header header;
    unsigned char bytes[sizeof BLOCK];
    const char *why = NULL;

    (void)state;
    for (int version = 1; version <= 2; version++) {
        const unsigned char *block = version == 1 ? BLOCK_1 : BLOCK;
        assert_int_equal(hf_block_open(&header, block, sizeof BLOCK, hf_format_seed(ID), &why),
                         HF_OK);
        assert_int_equal(header.flags, 0);
        assert_int_equal(header.epoch, 3);
        assert_int_equal(header.raw_bytes, 64);
        assert_int_equal(header.stored_bytes, 64);
        assert_int_equal(header.first_lsn, LSN);
        assert_int_equal(header.last_lsn, LSN);
        assert_int_equal(header.durable_lsn, LSN - 1);
        assert_int_equal(header.previous, CHAIN);
        assert_ptr_equal(hf_block_raw(&header, block, NULL), block + HF_BLOCK_HEADER_BYTES);
    }

    memset(bytes, 0xee, sizeof bytes);
    memcpy(bytes + HF_BLOCK_HEADER_BYTES, BLOCK + HF_BLOCK_HEADER_BYTES, 64);
    header.checksum = 0;
    assert_int_equal(hf_block_seal(bytes, &header, hf_format_seed(ID)), sizeof BLOCK);
    assert_memory_equal(bytes, BLOCK, sizeof BLOCK);

    /* An LSN that no other can follow. */
    header.first_lsn = UINT64_MAX - 1;
    header.last_lsn = UINT64_MAX - 1;
    (void)hf_block_seal(bytes, &header, hf_format_seed(ID));
    assert_int_equal(hf_block_open(&header, bytes, sizeof bytes, hf_format_seed(ID), &why), HF_OK);
    memset(bytes + 40, 0xff, 8);
    assert_int_equal(hf_block_peek(&header, bytes, sizeof bytes, &why), HF_CORRUPT);

    /* A block of another directory is none of ours. */
    unsigned char other[16] = {1};
    assert_int_equal(hf_block_open(&header, BLOCK, sizeof BLOCK, hf_format_seed(other), &why),
                     HF_CORRUPT);
}

/* The records in the golden blocks, read by the engine. */
static void record_bytes(void **state)
{
    (void)state;
    for (int format = 1; format <= 2; format++) {
        const unsigned char *record = (format == 1 ? BLOCK_1 : BLOCK) + HF_BLOCK_HEADER_BYTES;
        struct hf_record_reader reader;
        struct hf_record_header header;
        struct hf_effect effect;
        bool is_end = false;

        assert_int_equal(hf_record_open(&reader, &header, record, 64), HF_OK);
        assert_int_equal(header.record_bytes, 64);
        assert_int_equal(header.kind, HF_KIND_RECEIVE);
        assert_int_equal(header.reason, HF_REASON_PURCHASE);
        assert_int_equal(header.lsn, LSN);
        assert_true(hf_text_equal(header.ref, hf_text_of("PO-7")));
        assert_true(hf_text_equal(header.order, hf_text_of("O-1")));
        assert_true(hf_text_equal(header.by, hf_text_of("ann")));
        assert_int_equal(hf_record_next(&reader, header.lsn, &effect, &is_end), HF_OK);
        assert_int_equal(effect.tag, HF_EFFECT_MOVE);
        assert_int_equal(effect.move.sku, 5);
        assert_int_equal(effect.move.location, 2);
        assert_int_equal(effect.move.version_before, 4700);
        assert_int_equal(effect.move.delta[HF_ON_HAND], 300);
        assert_int_equal(effect.move.after[HF_ON_HAND], 1000);
        assert_int_equal(effect.move.after[HF_HELD], 7);
        assert_int_equal(effect.move.after[HF_COMMITTED], 0);
        assert_int_equal(effect.move.after[HF_IN_TRANSIT], format == 1 ? 0 : 30);
        assert_int_equal(effect.move.after[HF_DAMAGED], format == 1 ? 0 : 2);
        assert_int_equal(effect.move.after[HF_QUARANTINED], 0);
        assert_int_equal(effect.move.tell.gap, format == 1 ? 0 : -5);
        assert_int_equal(effect.move.tell.marks, 0);
        assert_int_equal(hf_record_next(&reader, header.lsn, &effect, &is_end), HF_OK);
        assert_true(is_end);
    }
}

static void snapshot_bytes(void **state)
{
    const uint64_t seed = hf_format_seed(ID) ^ LSN;
    struct hf_snapshot_header header = {.epoch = 3, .blocks_count = 1, .lsn = LSN, .raw_bytes = 20};
    struct hf_snapshot_block block = {.raw_bytes = 20, .stored_bytes = 20};
    struct hf_snapshot_footer footer = {
        .blocks_count = 1, .raw_bytes = 20, .file_bytes = 64 + 56 + 48};
    unsigned char bytes[64];
    const char *why = NULL;

    (void)state;
    memcpy(header.directory_id, ID, sizeof ID);
    hf_snapshot_header_encode(&header, bytes);
    assert_memory_equal(bytes, SNAPSHOT, sizeof SNAPSHOT);
    assert_int_equal(hf_snapshot_header_decode(&header, SNAPSHOT, sizeof SNAPSHOT, &why), HF_OK);
    assert_int_equal(header.lsn, LSN);
    assert_int_equal(header.raw_bytes, 20);

    memset(bytes, 0xee, sizeof bytes);
    memcpy(bytes + HF_SNAPSHOT_BLOCK_HEADER_BYTES, "twenty bytes of item", 20);
    assert_int_equal(hf_snapshot_block_seal(bytes, &block, seed), sizeof SNAPSHOT_BLOCK);
    assert_memory_equal(bytes, SNAPSHOT_BLOCK, sizeof SNAPSHOT_BLOCK);

    footer.chain = hf_snapshot_chain(0, block.checksum);
    hf_snapshot_footer_encode(&footer, seed, bytes);
    assert_memory_equal(bytes, SNAPSHOT_FOOTER, sizeof SNAPSHOT_FOOTER);
    assert_int_equal(
        hf_snapshot_footer_decode(&footer, SNAPSHOT_FOOTER, sizeof SNAPSHOT_FOOTER, seed, &why),
        HF_OK);
    assert_int_equal(footer.file_bytes, 168);
    /* A footer of another snapshot is refused. */
    assert_int_equal(
        hf_snapshot_footer_decode(&footer, SNAPSHOT_FOOTER, sizeof SNAPSHOT_FOOTER, seed ^ 1, &why),
        HF_CORRUPT);
}

static void manifest_text(void **state)
{
    static struct hf_manifest manifest;
    static char text[HF_MANIFEST_BYTES_MAX];
    const char *why = NULL;

    (void)state;
    assert_int_equal(hf_manifest_decode(&manifest, MANIFEST, sizeof MANIFEST - 1, &why), HF_OK);
    assert_memory_equal(manifest.directory_id, ID, sizeof ID);
    assert_int_equal(manifest.epochs_count, 2);
    assert_int_equal(manifest.snapshot_lsn, 4711);
    assert_int_equal(hf_manifest_epoch(&manifest, 1), 1);
    assert_int_equal(hf_manifest_epoch(&manifest, 3999), 1);
    assert_int_equal(hf_manifest_epoch(&manifest, 4000), 3);
    assert_int_equal(hf_manifest_epoch(&manifest, UINT64_MAX), 3);
    assert_int_equal(hf_manifest_encode(&manifest, text), sizeof MANIFEST - 1);
    assert_memory_equal(text, MANIFEST, sizeof MANIFEST - 1);

    /* The longest one fits, and is read back. */
    manifest.epochs_count = HF_EPOCHS_MAX;
    for (uint32_t i = 0; i < HF_EPOCHS_MAX; i++) {
        manifest.epochs[i] =
            (struct hf_epoch){UINT32_MAX - HF_EPOCHS_MAX + i, UINT64_MAX - HF_EPOCHS_MAX + i};
    }
    manifest.snapshot_lsn = UINT64_MAX;
    const size_t length = hf_manifest_encode(&manifest, text);
    assert_int_equal(hf_manifest_decode(&manifest, text, length, &why), HF_OK);
    assert_int_equal(manifest.epochs_count, HF_EPOCHS_MAX);

    assert_int_equal(hf_manifest_decode(&manifest, "holdfast-manifest 2\n", 20, &why), HF_CORRUPT);
    assert_ptr_equal(why, HF_FORMAT_NEWER);
    assert_int_equal(hf_manifest_decode(&manifest, "holdfast-manifest 01\n", 21, &why), HF_CORRUPT);
    assert_ptr_not_equal(why, HF_FORMAT_NEWER);
}

/* The draw that takes the highest number a fork may get. */
static uint64_t most_of(const struct hf_manifest *manifest)
{
    const uint32_t newest = manifest->epochs[manifest->epochs_count - 1].number;
    return newest > UINT32_MAX - 64 ? 0 : (UINT32_MAX - newest) / 64 - 1;
}

/* A fork makes a new epoch; those that began behind it are forgotten, never their numbers. */
static void manifest_fork(void **state)
{
    static const struct row {
        const char *name;
        uint64_t first_lsn;
        uint32_t want_count;
        uint32_t want_before; /* epoch of the LSN before the fork */
    } rows[] = {
        /* epochs 1 from 1, 3 from 4000 */
        {"behind the newest", 5000, 3, 3},   {"right behind its begin", 4001, 3, 3},
        {"at its begin", 4000, 3, 1},        {"before it", 3999, 2, 1},
        {"right behind the first", 2, 2, 1}, {"at the very begin", 1, 2, 1},
    };
    static struct hf_manifest manifest;
    static char text[HF_MANIFEST_BYTES_MAX];
    const char *why = NULL;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct row *row = &rows[i];
        assert_int_equal(hf_manifest_decode(&manifest, MANIFEST, sizeof MANIFEST - 1, &why), HF_OK);
        assert_int_equal(hf_manifest_fork_drawn(&manifest, row->first_lsn, 0), HF_OK);
        assert_int_equal(manifest.epochs_count, row->want_count);
        assert_int_equal(hf_manifest_epoch(&manifest, row->first_lsn), 4);
        assert_int_equal(hf_manifest_epoch(&manifest, UINT64_MAX), 4);
        assert_int_equal(hf_manifest_epoch(&manifest, row->first_lsn - 1), row->want_before);
        const size_t length = hf_manifest_encode(&manifest, text);
        assert_int_equal(hf_manifest_decode(&manifest, text, length, &why), HF_OK);
    }
    /* There is room for all, also when each draw takes the most. */
    while (manifest.epochs_count < HF_EPOCHS_MAX) {
        assert_int_equal(hf_manifest_fork_drawn(&manifest, 7, most_of(&manifest)), HF_OK);
    }
    const size_t length = hf_manifest_encode(&manifest, text);
    assert_int_equal(hf_manifest_decode(&manifest, text, length, &why), HF_OK);
    assert_int_equal(hf_manifest_fork(&manifest, 7), HF_LIMIT_EXCEEDED);
    assert_int_equal(manifest.epochs_count, HF_EPOCHS_MAX);
    assert_int_equal(hf_manifest_fork(&manifest, 1), HF_OK); /* the others are forgotten */
}

/* Which number a fork draws; and two forks of one manifest, which is all that copies of a directory
 * have in common, draw different ones. */
static void manifest_fork_draws(void **state)
{
#define RANGE(newest) ((UINT32_MAX - (newest)) / 64)
    static const struct row {
        const char *name;
        uint32_t newest;
        uint64_t draw;
        uint32_t want; /* 0: there is none */
    } rows[] = {
        {"the lowest", 1, 0, 2},
        {"the next", 1, 1, 3},
        {"the highest", 1, RANGE(1) - 1, 1 + RANGE(1)},
        {"one more", 1, RANGE(1), 2},
        {"the highest draw", 1, UINT64_MAX, 2 + (uint32_t)(UINT64_MAX % RANGE(1))},
        {"a range of one", UINT32_MAX - 127, UINT64_MAX, UINT32_MAX - 126},
        {"less than a range", UINT32_MAX - 63, UINT64_MAX, UINT32_MAX - 62},
        {"the last number", UINT32_MAX - 1, UINT64_MAX, UINT32_MAX},
        {"none is left", UINT32_MAX, 0, 0},
    };
    static struct hf_manifest left;
    static struct hf_manifest right;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct row *row = &rows[i];
        left = (struct hf_manifest){.epochs_count = 1, .epochs = {{row->newest, 1}}};
        const enum hf_err err = hf_manifest_fork_drawn(&left, 5, row->draw);
        const uint32_t number = left.epochs[left.epochs_count - 1].number;
        if (err != (row->want == 0 ? HF_LIMIT_EXCEEDED : HF_OK) ||
            number != (row->want == 0 ? row->newest : row->want)) {
            fail_msg("%s: %s, epoch %" PRIu32, row->name, hf_err_name(err), number);
        }
    }
    left = (struct hf_manifest){.epochs_count = 1, .epochs = {{1, 1}}};
    right = left;
    assert_int_equal(hf_manifest_fork(&left, 5), HF_OK);
    assert_int_equal(hf_manifest_fork(&right, 5), HF_OK);
    /* By chance once in 67 million times. */
    assert_int_not_equal(left.epochs[1].number, right.epochs[1].number);
}

/* What a name says. */
static void names(void **state)
{
#define DIGITS "00000000000000004711"
    static const struct row {
        const char *name;
        enum hf_name want;
        uint64_t want_lsn;
    } rows[] = {
        {"LOCK", HF_NAME_IS_LOCK, 0},
        {"LOCK.tmp", HF_NAME_IS_FOREIGN, 0},
        {"LOC", HF_NAME_IS_FOREIGN, 0},
        {"MANIFEST", HF_NAME_IS_MANIFEST, 0},
        {"MANIFEST.tmp", HF_NAME_IS_ASIDE, 0},
        {"MANIFEST.cut-2", HF_NAME_IS_KEPT, 0},
        {"MANIFEST.cut-", HF_NAME_IS_FOREIGN, 0},
        {"MANIFEST.cut-2x", HF_NAME_IS_FOREIGN, 0},
        {"MANIFEST.damaged", HF_NAME_IS_FOREIGN, 0},
        {"spare.log", HF_NAME_IS_SPARE, 0},
        {"spare.log.tmp", HF_NAME_IS_ASIDE, 0},
        {"spare.log.cut-1", HF_NAME_IS_FOREIGN, 0},
        {"wal-" DIGITS ".log", HF_NAME_IS_SEGMENT, 4711},
        {"wal-" DIGITS ".log.tmp", HF_NAME_IS_ASIDE, 4711},
        {"wal-" DIGITS ".log.cut-12", HF_NAME_IS_KEPT, 4711},
        {"wal-" DIGITS ".log.cut-12.tmp", HF_NAME_IS_FOREIGN, 0},
        {"wal-" DIGITS ".log.damaged", HF_NAME_IS_FOREIGN, 0},
        {"wal-" DIGITS ".hfs", HF_NAME_IS_FOREIGN, 0},
        {"wal-0" DIGITS ".log", HF_NAME_IS_FOREIGN, 0},
        {"wal-00000000000000000000.log", HF_NAME_IS_FOREIGN, 0},
        {"wal-99999999999999999999.log", HF_NAME_IS_FOREIGN, 0},
        {"wal-18446744073709551615.log", HF_NAME_IS_SEGMENT, UINT64_MAX},
        {"snapshot-" DIGITS ".hfs", HF_NAME_IS_SNAPSHOT, 4711},
        {"snapshot-" DIGITS ".hfs.tmp", HF_NAME_IS_ASIDE, 4711},
        {"snapshot-" DIGITS ".hfs.damaged", HF_NAME_IS_KEPT, 4711},
        {"snapshot-" DIGITS ".hfs.cut-1", HF_NAME_IS_KEPT, 4711},
        {"snapshot-4711.hfs", HF_NAME_IS_FOREIGN, 0},
        {"", HF_NAME_IS_FOREIGN, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint64_t lsn = 1;
        const enum hf_name kind = hf_directory_name(rows[i].name, &lsn);
        if (kind != rows[i].want || lsn != rows[i].want_lsn) {
            fail_msg("\"%s\" is %d of LSN %llu", rows[i].name, kind, (unsigned long long)lsn);
        }
    }
}

/* Versions: 0 was never written, the next one is not known; the checksums are right. */
static void versions(void **state)
{
    unsigned char segment[sizeof SEGMENT];
    unsigned char block[sizeof BLOCK];
    unsigned char snapshot[sizeof SNAPSHOT];
    struct hf_segment_header header;
    struct hf_block_header block_header;

    (void)state;
    for (unsigned version = 0; version <= HF_SEGMENT_VERSION + 1; version++) {
        const char *why = NULL;
        memcpy(segment, SEGMENT, sizeof segment);
        segment[8] = (unsigned char)version;
        hf_put_u64(segment + 56, XXH3_64bits(segment, 56));
        const enum hf_err err = hf_segment_header_decode(&header, segment, sizeof segment, &why);
        assert_int_equal(err, version == 1 || version == 2 ? HF_OK : HF_CORRUPT);
        assert_int_equal(why == HF_FORMAT_NEWER, version == 3);
    }
    for (unsigned version = 0; version <= HF_BLOCK_VERSION + 1; version++) {
        const char *why = NULL;
        memcpy(block, BLOCK, sizeof block);
        block[12] = (unsigned char)version;
        hf_put_u64(block, XXH3_64bits_withSeed(block + 8, sizeof block - 8, hf_format_seed(ID)));
        const enum hf_err err =
            hf_block_open(&block_header, block, sizeof block, hf_format_seed(ID), &why);
        assert_int_equal(err, version == 1 || version == 2 ? HF_OK : HF_CORRUPT);
        assert_int_equal(why == HF_FORMAT_NEWER, version == 3);
    }
    for (unsigned version = 0; version <= HF_SNAPSHOT_VERSION + 1; version++) {
        struct hf_snapshot_header snapshot_header;
        const char *why = NULL;
        memcpy(snapshot, SNAPSHOT, sizeof snapshot);
        snapshot[8] = (unsigned char)version;
        hf_put_u64(snapshot + 56, XXH3_64bits(snapshot, 56));
        const enum hf_err err =
            hf_snapshot_header_decode(&snapshot_header, snapshot, sizeof snapshot, &why);
        assert_int_equal(err, version == 1 || version == 2 ? HF_OK : HF_CORRUPT);
        assert_int_equal(why == HF_FORMAT_NEWER, version == 3);
    }
}

/* Packing: what pays and what does not, and back. */
static void packing(void **state)
{
    static unsigned char raw[HF_BLOCK_RAW_BYTES];
    static unsigned char block[HF_BLOCK_HEADER_BYTES + HF_BLOCK_RAW_BYTES + 8];
    static unsigned char room[HF_BLOCK_RAW_BYTES];
    struct hf_packer packer;
    uint32_t random = 1;
    const char *why = NULL;

    (void)state;
    assert_int_equal(hf_packer_init(&packer), HF_OK);
    for (uint32_t raw_bytes = 8; raw_bytes <= sizeof raw; raw_bytes *= 2) {
        const uint32_t stored =
            hf_packer_pack(&packer, raw, raw_bytes, block + HF_BLOCK_HEADER_BYTES);
        assert_int_equal(stored < raw_bytes, raw_bytes >= HF_PACK_BYTES_MIN);
        struct hf_block_header header = {.flags = stored < raw_bytes ? HF_BLOCK_LZ4 : 0,
                                         .epoch = 1,
                                         .raw_bytes = raw_bytes,
                                         .stored_bytes = stored,
                                         .first_lsn = 1,
                                         .last_lsn = 1};
        const size_t bytes_count = hf_block_seal(block, &header, 5);
        assert_int_equal(hf_block_open(&header, block, bytes_count, 5, &why), HF_OK);
        const unsigned char *back = hf_block_raw(&header, block, room);
        assert_non_null(back);
        assert_memory_equal(back, raw, raw_bytes);
        if (stored < raw_bytes) { /* a wrong size is found out, with a right checksum, too */
            header.raw_bytes += 8;
            assert_null(hf_block_raw(&header, block, room));
        }
    }
    /* What does not shrink is stored as it is, and soon not tried any more. */
    for (size_t i = 0; i < sizeof raw; i++) {
        random = random * 1664525 + 1013904223;
        raw[i] = (unsigned char)(random >> 24);
    }
    uint32_t skips = 0;
    for (int i = 0; i < 200; i++) {
        const uint32_t before = packer.skips_left;
        assert_int_equal(hf_packer_pack(&packer, raw, sizeof raw, block + HF_BLOCK_HEADER_BYTES),
                         sizeof raw);
        skips += before > 0 ? 1 : 0;
    }
    assert_true(skips > 180);
    assert_true(packer.skips_left <= HF_PACK_SKIPS_MAX);
    hf_packer_release(&packer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(prefixes),
        cmocka_unit_test(changed_bits),
        cmocka_unit_test(segment_bytes),
        cmocka_unit_test(block_bytes),
        cmocka_unit_test(record_bytes),
        cmocka_unit_test(snapshot_bytes),
        cmocka_unit_test(manifest_text),
        cmocka_unit_test(manifest_fork),
        cmocka_unit_test(manifest_fork_draws),
        cmocka_unit_test(names),
        cmocka_unit_test(versions),
        cmocka_unit_test(packing),
    };
    const size_t page_bytes = (size_t)sysconf(_SC_PAGESIZE);
    unsigned char *pages =
        mmap(NULL, 2 * page_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (pages == MAP_FAILED || mprotect(pages + page_bytes, page_bytes, PROT_NONE) != 0) {
        return 1;
    }
    edge = pages + page_bytes;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
