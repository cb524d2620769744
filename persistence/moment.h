/*
 * moment.h - which record is the last one not after a time?
 *
 *     segments     |--10:00--|--10:07--|--10:31--|          10:20 lies in the second one
 *     its blocks   10:07 .. 10:19 | 10:19 .. 10:22 | ..     and in the second block of it
 *
 * Times in the log never fall, so the segment is found by the first record of each, and only that
 * segment is read.
 */
#ifndef HF_PERSISTENCE_MOMENT_H
#define HF_PERSISTENCE_MOMENT_H

#include "persistence/manifest.h"
#include "persistence/segment.h"

struct hf_moment {
    uint64_t lsn; /* of the last record not after the time; 0: all that are there are after it */
    uint64_t time_us; /* of that record; with 0: of the first one that is there, if any */
};

/*
 * Look in the log of the directory for the time; the directory is only read. HF_OK; HF_CORRUPT:
 * damage stands where the record might be, HF_IO, HF_NO_MEMORY, with a sentence in `error`.
 */
enum hf_err hf_moment_find(const struct hf_directory *directory, const struct hf_manifest *manifest,
                           const struct hf_listing *listing, uint64_t time_us,
                           struct hf_moment *moment, char *error, size_t error_bytes);

#endif
