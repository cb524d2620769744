/*
 * guarded.h - bytes that end where memory ends: reading one byte past them is a crash.
 *
 * Decoders are given every prefix of a message this way (STYLE.md 7).
 */
#ifndef HF_TESTS_GUARDED_H
#define HF_TESTS_GUARDED_H

#include <stddef.h>

struct hf_guarded {
    unsigned char *pages;
    size_t pages_bytes; /* without the unreadable page behind them */
};

/* Room for up to `bytes_max`. Ends the program when it is not to be had. */
void hf_guarded_init(struct hf_guarded *guarded, size_t bytes_max);
void hf_guarded_release(struct hf_guarded *guarded);
/* A copy of `bytes` that ends at the unreadable page; valid until the next call. */
unsigned char *hf_guarded_copy(struct hf_guarded *guarded, const void *bytes, size_t bytes_count);

#endif
