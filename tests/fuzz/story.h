/*
 * story.h - a log with every kind of record in it, as texts of tests/lib/small_engine.h.
 *
 * It is what fuzz targets take their good bytes from: records, blocks, segments, snapshots.
 */
#ifndef HF_TESTS_FUZZ_STORY_H
#define HF_TESTS_FUZZ_STORY_H

#include <stddef.h>

#include "engine/engine.h"

extern const char *const hf_story[];
extern const size_t hf_story_count;

/* Limits that hold the story. */
struct hf_engine_config hf_story_config(void);

#endif
