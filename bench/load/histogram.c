#include "bench/load/histogram.h"

#include "engine/assert.h"

#define HALF (UINT64_C(1) << HF_HISTOGRAM_BITS) /* buckets of one power of two */

uint32_t hf_histogram_bucket(uint64_t value)
{
    if (value < 2 * HALF) {
        return (uint32_t)value;
    }
    const uint32_t shift = 63 - (uint32_t)__builtin_clzll(value) - HF_HISTOGRAM_BITS;
    const uint32_t bucket = (uint32_t)(shift * HALF + (value >> shift));
    HF_ASSERT(bucket < HF_HISTOGRAM_BUCKETS);
    return bucket;
}

uint64_t hf_histogram_bucket_max(uint32_t bucket)
{
    HF_ASSERT(bucket < HF_HISTOGRAM_BUCKETS);
    if (bucket < 2 * HALF) {
        return bucket;
    }
    const uint32_t shift = (uint32_t)(bucket / HALF) - 1;
    const uint64_t first = bucket - shift * HALF;
    /* The last bucket's bound is 2^64, which wraps to the largest number there is. */
    return ((first + 1) << shift) - 1;
}

void hf_histogram_add(struct hf_histogram *histogram, uint64_t value, uint64_t times)
{
    histogram->counts[hf_histogram_bucket(value)] += times;
    histogram->count += times;
    if (times > 0 && value > histogram->max) {
        histogram->max = value;
    }
}

void hf_histogram_merge(struct hf_histogram *histogram, const struct hf_histogram *other)
{
    for (uint32_t i = 0; i < HF_HISTOGRAM_BUCKETS; i++) {
        histogram->counts[i] += other->counts[i];
    }
    histogram->count += other->count;
    histogram->max = other->max > histogram->max ? other->max : histogram->max;
}

uint64_t hf_histogram_at(const struct hf_histogram *histogram, uint32_t per_million)
{
    HF_ASSERT(per_million <= 1000000);

    /* Rounded up: of ten values, the 99th percentile is the tenth. Split to stay within 64 bits. */
    const uint64_t whole = histogram->count / 1000000 * per_million;
    const uint64_t part = (histogram->count % 1000000 * per_million + 999999) / 1000000;
    const uint64_t rank = whole + part == 0 ? 1 : whole + part;
    uint64_t seen = 0;

    for (uint32_t bucket = 0; bucket < HF_HISTOGRAM_BUCKETS; bucket++) {
        seen += histogram->counts[bucket];
        if (seen >= rank) {
            const uint64_t bound = hf_histogram_bucket_max(bucket);
            return bound < histogram->max ? bound : histogram->max;
        }
    }
    return histogram->max;
}
