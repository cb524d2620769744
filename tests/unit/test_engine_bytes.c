/*
 * test_engine_bytes.c - a varint is read alike wherever the bytes end.
 *
 * Method: values around every boundary of length are written, and read from bytes that end 0 to 12
 * bytes behind them (the fast way needs ten); each prefix of one is
 * refused; so are numbers that do not fit 64 bits.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdlib.h>

#include "engine/bytes.h"

static void read_alike(uint64_t value)
{
    unsigned char written[HF_VARINT_BYTES_MAX];
    const size_t count = (size_t)(hf_put_varint(written, value) - written);

    for (size_t behind = 0; behind <= 12; behind++) {
        unsigned char *bytes = malloc(count + behind);
        assert_non_null(bytes);
        memset(bytes, 0xFF, count + behind);
        memcpy(bytes, written, count);
        struct hf_reader in = {bytes, bytes + count + behind, false};
        assert_true(hf_read_varint(&in) == value);
        assert_false(in.is_bad);
        assert_ptr_equal(in.at, bytes + count);
        free(bytes);
    }
    for (size_t i = 0; i < count; i++) {
        unsigned char *bytes = malloc(i + 1); /* no larger: a sanitizer sees a byte too many */
        assert_non_null(bytes);
        memcpy(bytes, written, i);
        struct hf_reader in = {bytes, bytes + i, false};
        (void)hf_read_varint(&in);
        assert_true(in.is_bad);
        assert_true(hf_read_varint(&in) == 0); /* and stays so */
        free(bytes);
    }
}

static void every_length(void **state)
{
    (void)state;

    read_alike(0);
    read_alike(UINT64_MAX);
    for (unsigned bits = 0; bits < 64; bits++) {
        read_alike(UINT64_C(1) << bits);
        read_alike((UINT64_C(1) << bits) - 1);
        read_alike((UINT64_C(1) << bits) + 1);
    }
}

static void too_large_a_number(void **state)
{
    (void)state;

    for (unsigned last = 0; last < 256; last++) {
        for (size_t behind = 0; behind <= 2; behind++) {
            unsigned char bytes[HF_VARINT_BYTES_MAX + 2] = {0};
            memset(bytes, 0x80, HF_VARINT_BYTES_MAX - 1);
            bytes[HF_VARINT_BYTES_MAX - 1] = (unsigned char)last;
            struct hf_reader in = {bytes, bytes + HF_VARINT_BYTES_MAX + behind, false};
            assert_true(hf_read_varint(&in) == (last == 1 ? UINT64_C(1) << 63 : 0));
            assert_int_equal(in.is_bad, last > 1);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_length),
        cmocka_unit_test(too_large_a_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
