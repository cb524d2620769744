/*
 * names.h - codes to small numbers: 0, 1, 2, ... in the order in which they first appear.
 *
 * Texts are borrowed, compared byte by byte (`85123a` and `85123A` are two SKUs), never removed.
 */
#ifndef HF_BENCH_NAMES_H
#define HF_BENCH_NAMES_H

#include <stdbool.h>
#include <stdint.h>

struct hf_names {
    const char **texts; /* by number */
    uint32_t count;
    uint32_t *slots; /* number + 1; 0: empty */
    uint32_t slots_count;
};

/* Zeroed memory is an empty table. */
void hf_names_release(struct hf_names *names);
/* The number of `text`, a new one when it was not there. False: no memory. */
bool hf_names_add(struct hf_names *names, const char *text, uint32_t *number);

#endif
