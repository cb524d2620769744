/* numbers.h - a queue of numbers: first in, first out, growing as needed. */
#ifndef HF_BENCH_NUMBERS_H
#define HF_BENCH_NUMBERS_H

#include <stdbool.h>
#include <stdint.h>

/* Zeroed memory is an empty queue. */
struct hf_numbers {
    uint32_t *ring;
    uint64_t room; /* a power of two, or 0 */
    uint64_t first;
    uint64_t count;
};

/* False: no memory; the queue is as it was. */
bool hf_numbers_put(struct hf_numbers *numbers, uint32_t number);
/* The oldest number; the queue must not be empty. */
uint32_t hf_numbers_take(struct hf_numbers *numbers);
void hf_numbers_release(struct hf_numbers *numbers);

#endif
