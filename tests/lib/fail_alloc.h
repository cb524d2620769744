/*
 * fail_alloc.h - the n-th allocation of the code under test fails.
 *
 * Only for programs that are linked with --wrap of malloc, calloc, realloc and mmap (Makefile):
 * every call of these in our own objects comes here first, also below a sanitizer. One thread.
 */
#ifndef HF_TESTS_FAIL_ALLOC_H
#define HF_TESTS_FAIL_ALLOC_H

#include <stdbool.h>
#include <stdint.h>

/* The `nth` allocation from now on fails (from 1), and when `is_lasting` all after it. 0: none. */
void hf_fail_alloc(uint64_t nth, bool is_lasting);
/* True when one has failed since then. */
bool hf_fail_alloc_has_struck(void);
/* Between the two, allocations neither count nor fail: they are the test's own. They nest. */
void hf_fail_alloc_pause(void);
void hf_fail_alloc_resume(void);

#endif
