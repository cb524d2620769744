/*
 * rfc3339.h - times as people and programs write them: 2026-11-22T10:00:00.25+01:00.
 */
#ifndef HF_TOOLS_RFC3339_H
#define HF_TOOLS_RFC3339_H

#include <stdbool.h>
#include <stdint.h>

/* A time of 1970 to 9999 as microseconds since 1970 UTC; a day alone is its midnight, UTC. On false
 * `time_us` is unchanged. */
bool hf_parse_rfc_3339(const char *word, int64_t *time_us);

/* UTC with microseconds. */
#define HF_RFC_3339_BYTES 40
const char *hf_format_rfc_3339(uint64_t time_us, char text[HF_RFC_3339_BYTES]);

#endif
