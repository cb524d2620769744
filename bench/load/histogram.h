/*
 * histogram.h - latencies by the million in fixed memory, each known to better than one percent.
 *
 * Log-linear, like HdrHistogram: values below 256 have a bucket each; above, every power of two is
 * cut into 128 buckets of equal width. A value is reported as the largest its bucket may hold, so
 * a percentile is never understated, and never by more than 1/128 above the truth.
 */
#ifndef HF_BENCH_HISTOGRAM_H
#define HF_BENCH_HISTOGRAM_H

#include <stdint.h>

#define HF_HISTOGRAM_BITS 7
#define HF_HISTOGRAM_BUCKETS ((64 - HF_HISTOGRAM_BITS + 1) << HF_HISTOGRAM_BITS)

struct hf_histogram {
    uint64_t counts[HF_HISTOGRAM_BUCKETS];
    uint64_t count;
    uint64_t max;
};

/* The bucket of a value, and the largest value of a bucket. */
uint32_t hf_histogram_bucket(uint64_t value);
uint64_t hf_histogram_bucket_max(uint32_t bucket);

/* Zeroed memory is an empty histogram. Adds `value` `times` times. */
void hf_histogram_add(struct hf_histogram *histogram, uint64_t value, uint64_t times);
/* Add all that is in `other`. */
void hf_histogram_merge(struct hf_histogram *histogram, const struct hf_histogram *other);
/* The smallest known bound that at least `per_million` of a million values do not exceed; 0 when
 * empty. 1,000,000 gives the largest value itself. */
uint64_t hf_histogram_at(const struct hf_histogram *histogram, uint32_t per_million);

#endif
