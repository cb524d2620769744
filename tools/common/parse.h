/*
 * parse.h - words that people write on command lines and in configuration files, read strictly.
 *
 * Every function reads the whole word or refuses it: no sign, no space, nothing after the end, no
 * overflow. On false `out` is unchanged.
 */
#ifndef HF_TOOLS_PARSE_H
#define HF_TOOLS_PARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HF_PORT_DEFAULT 4653

/* "500ms", "30s", "15m", "2h", "30d" (and "250us"): microseconds. A bare number is refused, except
 * 0. Also false above HF_DURATION_US_MAX. */
#define HF_DURATION_US_MAX (UINT64_C(100) * 366 * 24 * 3600 * 1000000)
bool hf_parse_duration_us(const char *word, uint64_t *duration_us);

/* The shortest form that hf_parse_duration_us reads back to the same value. */
#define HF_DURATION_TEXT_BYTES 32
void hf_format_duration_us(uint64_t duration_us, char text[HF_DURATION_TEXT_BYTES]);

/* "4096", "64KiB", "256MiB", "2GiB": bytes. */
bool hf_parse_size(const char *word, uint64_t *bytes_count);
#define HF_SIZE_TEXT_BYTES 32
void hf_format_size(uint64_t bytes_count, char text[HF_SIZE_TEXT_BYTES]);

/* A whole number without sign, at most `max`. */
bool hf_parse_count(const char *word, uint64_t max, uint64_t *count);
/* "14,000": for people; not read back. */
#define HF_COUNT_TEXT_BYTES 32
const char *hf_format_count(uint64_t count, char text[HF_COUNT_TEXT_BYTES]);

/* "HOST:PORT", "HOST" (port HF_PORT_DEFAULT), "[v6]:PORT", "[v6]", ":PORT" (host 127.0.0.1). A bare
 * IPv6 address needs its brackets. The host is not looked up. */
struct hf_address {
    char host[256];
    uint16_t port;
};
bool hf_parse_address(const char *word, struct hf_address *address);
/* "HOST:PORT", with brackets around an IPv6 host. */
#define HF_ADDRESS_TEXT_BYTES 272
void hf_format_address(const struct hf_address *address, char text[HF_ADDRESS_TEXT_BYTES]);

#endif
