/*
 * test_bench_histogram.c - the latency histogram and the number queue of holdfast-bench.
 *
 * Method: at and around every power of two a value must lie in its bucket, buckets must not overlap
 * or leave gaps, and the bound of a bucket must not be more than 1/128 above the value. Percentiles
 * are compared with those of a sorted list of the same values.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdlib.h>

#include "bench/load/histogram.h"
#include "bench/load/numbers.h"

static void check_value(uint64_t value)
{
    const uint32_t bucket = hf_histogram_bucket(value);
    const uint64_t bound = hf_histogram_bucket_max(bucket);
    assert_true(bound >= value);
    assert_true(bound - value <= value >> HF_HISTOGRAM_BITS);
    if (bucket > 0) {
        assert_true(hf_histogram_bucket_max(bucket - 1) < value);
    }
}

static void values_lie_in_their_buckets(void **state)
{
    (void)state;
    check_value(0);
    for (unsigned bit = 0; bit < 64; bit++) {
        const uint64_t power = UINT64_C(1) << bit;
        check_value(power - 1);
        check_value(power);
        check_value(power + 1);
        check_value(power + power / 2);
    }
    check_value(UINT64_MAX);
    assert_int_equal(hf_histogram_bucket(UINT64_MAX), HF_HISTOGRAM_BUCKETS - 1);
    assert_true(hf_histogram_bucket_max(HF_HISTOGRAM_BUCKETS - 1) == UINT64_MAX);
}

static void buckets_leave_no_gap(void **state)
{
    (void)state;
    for (uint32_t bucket = 0; bucket + 1 < HF_HISTOGRAM_BUCKETS; bucket++) {
        const uint64_t bound = hf_histogram_bucket_max(bucket);
        assert_int_equal(hf_histogram_bucket(bound), bucket);
        assert_int_equal(hf_histogram_bucket(bound + 1), bucket + 1);
    }
}

static void an_empty_one_says_zero(void **state)
{
    static struct hf_histogram histogram;
    (void)state;
    assert_int_equal(hf_histogram_at(&histogram, 500000), 0);
    assert_int_equal(hf_histogram_at(&histogram, 1000000), 0);
    hf_histogram_add(&histogram, 77, 0);
    assert_int_equal(histogram.max, 0);
}

static void small_counts_are_exact(void **state)
{
    static struct hf_histogram histogram;
    (void)state;
    for (uint64_t value = 1; value <= 100; value++) {
        hf_histogram_add(&histogram, value, 1);
    }
    assert_int_equal(hf_histogram_at(&histogram, 0), 1);
    assert_int_equal(hf_histogram_at(&histogram, 10000), 1);
    assert_int_equal(hf_histogram_at(&histogram, 10001), 2);
    assert_int_equal(hf_histogram_at(&histogram, 500000), 50);
    assert_int_equal(hf_histogram_at(&histogram, 990000), 99);
    assert_int_equal(hf_histogram_at(&histogram, 990001), 100);
    assert_int_equal(hf_histogram_at(&histogram, 1000000), 100);
}

static void one_slow_value_is_the_maximum(void **state)
{
    static struct hf_histogram histogram;
    (void)state;
    hf_histogram_add(&histogram, 200, 9999);
    hf_histogram_add(&histogram, 123456789, 1);
    assert_int_equal(hf_histogram_at(&histogram, 999900), 200);
    assert_int_equal(hf_histogram_at(&histogram, 999901), 123456789);
    assert_int_equal(hf_histogram_at(&histogram, 1000000), 123456789);
}

static int by_value(const void *a, const void *b)
{
    const uint64_t left = *(const uint64_t *)a;
    const uint64_t right = *(const uint64_t *)b;
    return left < right ? -1 : left > right;
}

static void percentiles_of_many_values(void **state)
{
    enum { COUNT = 20000 };
    static struct hf_histogram histogram;
    static uint64_t values[COUNT];
    uint64_t random = 12345; /* the same values every time */
    (void)state;

    for (size_t i = 0; i < COUNT; i++) {
        random = random * UINT64_C(6364136223846793005) + 1442695040888963407u;
        values[i] = random >> (20 + random % 40);
        hf_histogram_add(&histogram, values[i], 1);
    }
    qsort(values, COUNT, sizeof values[0], by_value);
    static const uint32_t wanted[] = {1, 100000, 500000, 900000, 990000, 999000, 999900, 1000000};
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
        const uint64_t rank = ((uint64_t)wanted[i] * COUNT + 999999) / 1000000;
        const uint64_t truth = values[rank - 1];
        const uint64_t found = hf_histogram_at(&histogram, wanted[i]);
        assert_true(found >= truth);
        assert_true(found - truth <= truth >> HF_HISTOGRAM_BITS);
    }
}

static void numbers_come_out_in_order(void **state)
{
    struct hf_numbers numbers = {0};
    uint32_t put = 0;
    uint32_t taken = 0;
    (void)state;

    /* Two in, one out, so that the ring wraps and grows while it is wrapped. */
    while (put < 10000) {
        assert_true(hf_numbers_put(&numbers, put++));
        assert_true(hf_numbers_put(&numbers, put++));
        assert_int_equal(hf_numbers_take(&numbers), taken++);
    }
    while (numbers.count > 0) {
        assert_int_equal(hf_numbers_take(&numbers), taken++);
    }
    assert_int_equal(taken, put);
    hf_numbers_release(&numbers);
    assert_null(numbers.ring);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_lie_in_their_buckets),
        cmocka_unit_test(buckets_leave_no_gap),
        cmocka_unit_test(an_empty_one_says_zero),
        cmocka_unit_test(small_counts_are_exact),
        cmocka_unit_test(one_slow_value_is_the_maximum),
        cmocka_unit_test(percentiles_of_many_values),
        cmocka_unit_test(numbers_come_out_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
