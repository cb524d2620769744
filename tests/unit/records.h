/*
 * records.h - records for tests: the golden ones, and all of a record's effects at once.
 */
#ifndef HF_TESTS_RECORDS_H
#define HF_TESTS_RECORDS_H

#include <stddef.h>
#include <stdint.h>

#include "engine/record.h"

#define HF_GOLDEN_1 "tests/golden/record-1.txt" /* format 1: read and no longer written */
#define HF_GOLDEN_2 "tests/golden/record-2.txt"
#define HF_GOLDEN_MAX 48
#define HF_GOLDEN_BYTES_MAX 512

struct hf_golden {
    char does[128]; /* the operation that wrote it */
    unsigned char bytes[HF_GOLDEN_BYTES_MAX];
    uint32_t bytes_count;
};

struct hf_goldens {
    struct hf_golden records[HF_GOLDEN_MAX];
    uint32_t count;
};

/* Fails the test when the file cannot be read, or holds another number of records. */
void hf_goldens_read(struct hf_goldens *goldens, const char *path, uint32_t want_count);

#define HF_DECODED_EFFECTS_MAX 32

struct hf_decoded {
    struct hf_record_header header;
    struct hf_effect effects[HF_DECODED_EFFECTS_MAX];
    uint32_t count;
};

/* All effects of a record; the first refusal of the reader. */
enum hf_err hf_decode(struct hf_decoded *decoded, const void *bytes, size_t bytes_count);
/* Returns the record's size. */
uint32_t hf_encode(const struct hf_decoded *decoded, unsigned char *room);
/* What was read can be written, and reads the same again. */
void hf_check_round_trip(const struct hf_decoded *decoded);

#endif
