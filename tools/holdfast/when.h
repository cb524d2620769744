/*
 * when.h - times, and places in the log, as people write them.
 *
 *     2026-11-22T10:00:00Z        RFC 3339, with any offset and up to microseconds
 *     2026-11-22                  a day: its midnight, UTC
 *     10m ago, in 3d              counted from the clock of this machine
 *     4711                        a place in the log (LSN)
 *     1:4711                      a place in the change feed: everything after it (EPOCH:LSN)
 *
 * The server's clock decides what is written to the log. "10m ago" is counted here, so it is only
 * as right as the two clocks agree.
 */
#ifndef HF_TOOLS_HOLDFAST_WHEN_H
#define HF_TOOLS_HOLDFAST_WHEN_H

#include <stdbool.h>
#include <stdint.h>

#include "net/holdfast.h"

/* The clock of this machine, microseconds since 1970 UTC. */
int64_t hf_when_now_us(void);

/* A time of 1970 to 9999; on false `time_us` is unchanged. */
bool hf_when_parse_time(const char *word, int64_t now_us, int64_t *time_us);

/* The value of --as-of: a plain number is an LSN, all else a time. */
struct hf_as_of {
    uint64_t value;
    enum holdfast_flag flag; /* HOLDFAST_AS_OF_LSN or HOLDFAST_AS_OF_TIME */
};
bool hf_when_parse_as_of(const char *word, int64_t now_us, struct hf_as_of *as_of);

/* EPOCH:LSN, or "now", which is epoch 0. */
bool hf_when_parse_token(const char *word, struct holdfast_token *token);
#define HF_TOKEN_BYTES 40
const char *hf_when_token_text(struct holdfast_token token, char text[HF_TOKEN_BYTES]);

#endif
