/*
 * test_frame.c - what is one message, and is it whole?
 *
 * Method: a good frame is spoilt in one way a row, and the field that is blamed is the one that
 * was spoilt; where two are wrong the first in the order of precedence is blamed. Every prefix of
 * every golden frame, placed against an unreadable page, asks for more and never for too much.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>

#include "engine/bytes.h"
#include "net/frame.h"
#include "tests/lib/guarded.h"
#include "tests/lib/wire_samples.h"

#define FRAME_BYTES_MAX ((size_t)4096)
#define BODY_BYTES 24

/* A frame of BODY_BYTES, good unless spoilt. */
static void make_frame(struct hf_buffer *out)
{
    const struct hf_frame frame = {.operation = HF_KIND_RESERVE,
                                   .count = 1,
                                   .handle_tag = 77,
                                   .correlation = UINT64_C(0x1122334455667788)};
    const size_t place = hf_frame_begin(out);
    unsigned char *body = hf_buffer_add(out, BODY_BYTES);
    memset(body, 0x5A, BODY_BYTES);
    assert_int_equal(hf_frame_end(out, place, &frame), HF_OK);
}

static void fix_checksum(unsigned char *bytes, size_t bytes_count)
{
    hf_put_u64(bytes + 24, hf_frame_checksum(bytes, bytes + 32, bytes_count - 32));
}

static const struct row {
    const char *name;
    struct {
        int at; /* byte to change by xor; -1: none */
        unsigned char bits;
    } spoil[2];
    bool has_checksum_fixed;
    enum hf_field want;
    bool has_header; /* correlation can be told */
} rows[] = {
    {"a good frame", {{-1, 0}, {-1, 0}}, false, HF_FIELD_NONE, true},
    {"magic, first byte", {{0, 1}, {-1, 0}}, true, HF_FIELD_MAGIC, false},
    {"magic, second byte", {{1, 0x20}, {-1, 0}}, true, HF_FIELD_MAGIC, false},
    {"version 1, an older one", {{2, 3}, {-1, 0}}, true, HF_FIELD_PROTOCOL_VERSION, false},
    {"version 3, a newer one", {{2, 1}, {-1, 0}}, true, HF_FIELD_PROTOCOL_VERSION, false},
    {"version before flags", {{2, 3}, {17, 1}}, true, HF_FIELD_PROTOCOL_VERSION, false},
    {"an operation nobody knows is not a matter of framing",
     {{3, 0x80}, {-1, 0}},
     true,
     HF_FIELD_NONE,
     true},
    {"flags, one not known", {{16, 4}, {-1, 0}}, true, HF_FIELD_FLAGS, true},
    {"flags, a reply to a server", {{16, 1}, {-1, 0}}, true, HF_FIELD_FLAGS, true},
    {"flags before body_bytes", {{17, 0x80}, {7, 0x80}}, true, HF_FIELD_FLAGS, true},
    {"body_bytes, far too many", {{7, 0x80}, {-1, 0}}, true, HF_FIELD_BODY_BYTES, true},
    {"checksum itself", {{31, 1}, {-1, 0}}, false, HF_FIELD_CHECKSUM, true},
    {"a bit of the body", {{55, 1}, {-1, 0}}, false, HF_FIELD_CHECKSUM, true},
    {"a bit of the operation", {{3, 1}, {-1, 0}}, false, HF_FIELD_CHECKSUM, true},
    {"a bit of the correlation", {{8, 1}, {-1, 0}}, false, HF_FIELD_CHECKSUM, true},
    {"a bit of the count", {{19, 1}, {-1, 0}}, false, HF_FIELD_CHECKSUM, true},
    {"a bit of the handle tag", {{20, 1}, {-1, 0}}, false, HF_FIELD_CHECKSUM, true},
};
#define ROWS_COUNT (sizeof rows / sizeof rows[0])

static void spoilt(void **state)
{
    const struct row *row = *state;
    struct hf_buffer out = {0};
    struct hf_frame frame;
    size_t frame_bytes;
    enum hf_field fault;

    make_frame(&out);
    unsigned char *bytes = hf_buffer_front(&out);
    const size_t bytes_count = hf_buffer_count(&out);
    const uint64_t correlation = hf_get_u64(bytes + 8);
    for (size_t i = 0; i < 2; i++) {
        if (row->spoil[i].at >= 0) {
            bytes[row->spoil[i].at] ^= row->spoil[i].bits;
        }
    }
    if (row->has_checksum_fixed) {
        fix_checksum(bytes, bytes_count);
    }
    const enum hf_err err =
        hf_frame_decode(bytes, bytes_count, FRAME_BYTES_MAX, 0, &frame, &frame_bytes, &fault);

    assert_int_equal(fault, row->want);
    assert_int_equal(err, row->want == HF_FIELD_NONE ? HF_OK : HF_INVALID_ARGUMENT);
    if (row->want == HF_FIELD_NONE) {
        assert_int_equal(frame_bytes, bytes_count);
        assert_ptr_equal(frame.body, bytes + 32);
        assert_int_equal(frame.body_bytes, BODY_BYTES);
        assert_int_equal(frame.count, 1);
        assert_int_equal(frame.handle_tag, 77);
        assert_int_equal(frame.correlation, correlation);
    } else {
        assert_null(frame.body);
        assert_int_equal(frame.correlation == 0, !row->has_header);
    }
    hf_buffer_release(&out);
}

/* The largest body is taken, one more byte is not, and that is told from the header alone. */
static void size_limit(void **state)
{
    struct hf_buffer out = {0};
    struct hf_frame frame;
    size_t frame_bytes;
    enum hf_field fault;
    (void)state;

    make_frame(&out);
    const unsigned char *bytes = hf_buffer_front(&out);
    assert_int_equal(hf_frame_decode(bytes, 32, 32 + BODY_BYTES, 0, &frame, &frame_bytes, &fault),
                     HF_TRUNCATED);
    assert_int_equal(frame_bytes, 32 + BODY_BYTES);
    assert_int_equal(
        hf_frame_decode(bytes, 32 + BODY_BYTES, 32 + BODY_BYTES, 0, &frame, &frame_bytes, &fault),
        HF_OK);
    assert_int_equal(
        hf_frame_decode(bytes, 32, 32 + BODY_BYTES - 1, 0, &frame, &frame_bytes, &fault),
        HF_INVALID_ARGUMENT);
    assert_int_equal(fault, HF_FIELD_BODY_BYTES);
    assert_int_equal(frame.correlation, UINT64_C(0x1122334455667788));
    hf_buffer_release(&out);
}

/* A wrong byte is told as soon as it is there; a right one asks for the rest. */
static void told_at_once(void **state)
{
    static const unsigned char good[] = {'H', 'F', HF_FRAME_VERSION};
    struct hf_frame frame;
    size_t frame_bytes;
    enum hf_field fault;
    (void)state;

    for (size_t at = 0; at < sizeof good; at++) {
        unsigned char bytes[sizeof good];
        memcpy(bytes, good, sizeof good);
        assert_int_equal(hf_frame_decode(bytes, at + 1, 4096, 0, &frame, &frame_bytes, &fault),
                         HF_TRUNCATED);
        bytes[at] ^= 0xFF;
        assert_int_equal(hf_frame_decode(bytes, at + 1, 4096, 0, &frame, &frame_bytes, &fault),
                         HF_INVALID_ARGUMENT);
    }
}

static void prefixes_of_golden_frames(void **state)
{
    struct hf_guarded guarded;
    (void)state;

    hf_guarded_init(&guarded, FRAME_BYTES_MAX);
    for (size_t i = 0; i < hf_wire_samples_count; i++) {
        struct hf_buffer out = {0};
        hf_wire_samples[i].put(&out);
        const size_t bytes_count = hf_buffer_count(&out);
        const unsigned flags = HF_FRAME_REPLY | HF_FRAME_ERROR;

        for (size_t count = 0; count <= bytes_count; count++) {
            struct hf_frame frame;
            size_t frame_bytes;
            enum hf_field fault;
            const unsigned char *bytes = hf_guarded_copy(&guarded, hf_buffer_front(&out), count);
            const enum hf_err err =
                hf_frame_decode(bytes, count, FRAME_BYTES_MAX, flags, &frame, &frame_bytes, &fault);
            assert_int_equal(err, count == bytes_count ? HF_OK : HF_TRUNCATED);
            assert_int_equal(frame_bytes, count < 32 ? 32 : bytes_count);
            assert_int_equal(fault, HF_FIELD_NONE);
        }
        hf_buffer_release(&out);
    }
    hf_guarded_release(&guarded);
}

/* Every single bit of every golden frame matters: turned over, the frame is refused. */
static void bits_of_golden_frames(void **state)
{
    (void)state;
    for (size_t i = 0; i < hf_wire_samples_count; i++) {
        struct hf_buffer out = {0};
        hf_wire_samples[i].put(&out);
        unsigned char *bytes = hf_buffer_front(&out);
        const size_t bytes_count = hf_buffer_count(&out);

        for (size_t bit = 0; bit < 8 * bytes_count; bit++) {
            struct hf_frame frame;
            size_t frame_bytes;
            enum hf_field fault;
            bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
            assert_int_not_equal(hf_frame_decode(bytes, bytes_count, FRAME_BYTES_MAX, 3, &frame,
                                                 &frame_bytes, &fault),
                                 HF_OK);
            bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
        }
        hf_buffer_release(&out);
    }
}

/* A buffer: filled at the end, taken from the front, over many sizes. */
static void buffer_is_a_queue(void **state)
{
    struct hf_buffer buffer = {0};
    unsigned char next_in = 0;
    unsigned char next_out = 0;
    (void)state;

    for (size_t round = 1; round < 300; round++) {
        for (size_t i = 0; i < 37 * round % 5000; i++) {
            *hf_buffer_add(&buffer, 1) = next_in++;
        }
        const size_t taken = hf_buffer_count(&buffer) * (round % 4) / 3;
        const size_t capped = taken < hf_buffer_count(&buffer) ? taken : hf_buffer_count(&buffer);
        for (size_t i = 0; i < capped; i++) {
            assert_int_equal(hf_buffer_front(&buffer)[i], next_out++);
        }
        hf_buffer_take(&buffer, capped);
    }
    assert_false(buffer.is_failed);
    assert_false(hf_buffer_grow(&buffer, SIZE_MAX / 2)); /* no such memory: it says so and stays */
    assert_true(buffer.is_failed);
    assert_null(hf_buffer_add(&buffer, 1));
    hf_buffer_clear(&buffer);
    assert_non_null(hf_buffer_add(&buffer, 1));
    hf_buffer_release(&buffer);
}

int main(void)
{
    static const struct CMUnitTest others[] = {
        cmocka_unit_test(size_limit),
        cmocka_unit_test(told_at_once),
        cmocka_unit_test(prefixes_of_golden_frames),
        cmocka_unit_test(bits_of_golden_frames),
        cmocka_unit_test(buffer_is_a_queue),
    };
    struct CMUnitTest tests[ROWS_COUNT];

    for (size_t i = 0; i < ROWS_COUNT; i++) {
        tests[i] = (struct CMUnitTest){.name = rows[i].name,
                                       .test_func = spoilt,
                                       .initial_state = (void *)(uintptr_t)&rows[i]};
    }
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    return failed + cmocka_run_group_tests(others, NULL, NULL);
}
