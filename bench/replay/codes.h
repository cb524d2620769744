/*
 * codes.h - codes to small numbers: 0, 1, 2, ... in the order in which they first appear.
 *
 * Texts are borrowed, compared byte by byte (`85123a` and `85123A` are two SKUs), never removed.
 */
#ifndef HF_BENCH_CODES_H
#define HF_BENCH_CODES_H

#include <stdbool.h>
#include <stdint.h>

struct hf_codes {
    const char **texts; /* by number */
    uint32_t count;
    uint32_t *slots; /* number + 1; 0: empty */
    uint32_t slots_count;
};

/* Zeroed memory is an empty table. */
void hf_codes_release(struct hf_codes *codes);
/* The number of `text`, a new one when it was not there. False: no memory. */
bool hf_codes_add(struct hf_codes *codes, const char *text, uint32_t *number);

#endif
