/*
 * mutate.h - changes of bytes for the targets that read disk files, which know their structure.
 *
 *     input -> parts (headers, records, items) -> a few changes -> put together -> input
 *                                                                  ^ lengths, LSNs, chain and
 *                                                                    checksums are made to fit
 *
 * Bytes that are changed blindly end at the first checksum. So the parts are changed, and what
 * follows from the others is computed anew by the formulas of FORMATS.md, but for the field that
 * was changed. Now and then nothing is fixed, so that the checks in front are met, too.
 *
 * Everything follows from `random`, the seed that libFuzzer gives; only what its own mutator adds
 * (hf_mutate_range, when it is linked in) does not.
 */
#ifndef HF_TESTS_FUZZ_MUTATE_H
#define HF_TESTS_FUZZ_MUTATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HF_FUZZ_INPUT_BYTES_MAX (64u * 1024)

/* A number that is often a boundary, or near `old`. */
uint64_t hf_mutate_number(uint64_t *random, uint64_t old);
/* Change the little-endian number of `width` bytes (1, 2, 4 or 8). */
void hf_mutate_field(uint64_t *random, unsigned char *at, size_t width);
/* Change some of the bytes; they may become more or fewer, up to `bytes_max`. Returns how many. */
size_t hf_mutate_range(uint64_t *random, unsigned char *bytes, size_t bytes_count,
                       size_t bytes_max);

/* Whole files. As hf_mutate_range. The seed of their checksums is that of hf_fuzz_id (world.h). */
size_t hf_mutate_log(uint64_t *random, unsigned char *bytes, size_t bytes_count, size_t bytes_max);
size_t hf_mutate_snapshot(uint64_t *random, uint64_t lsn, unsigned char *bytes, size_t bytes_count,
                          size_t bytes_max);
size_t hf_mutate_manifest(uint64_t *random, unsigned char *bytes, size_t bytes_count,
                          size_t bytes_max);

/* What libFuzzer links to. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t size_max, unsigned seed);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The good files that a target's corpus begins with (main.c --seeds): the `index`-th, from 0, into
 * `bytes` (HF_FUZZ_INPUT_BYTES_MAX); returns its size and name, 0 behind the last. */
size_t hf_fuzz_seed_input(size_t index, unsigned char *bytes, const char **name);

#endif
