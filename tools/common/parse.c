#include "tools/common/parse.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Leading digits of `word`; the rest begins at *rest. False: none, or more than an uint64_t. */
static bool take_number(const char *word, uint64_t *number, const char **rest)
{
    uint64_t value = 0;
    const char *p = word;

    for (; *p >= '0' && *p <= '9'; p++) {
        const uint64_t digit = (uint64_t)(*p - '0');
        if (value > (UINT64_MAX - digit) / 10) {
            return false;
        }
        value = value * 10 + digit;
    }
    *number = value;
    *rest = p;
    return p != word;
}

struct unit {
    const char *suffix;
    uint64_t factor;
};

/* Largest first: formatting takes the first that divides. */
static const struct unit durations[] = {
    {"d", UINT64_C(24) * 3600 * 1000000},
    {"h", UINT64_C(3600) * 1000000},
    {"m", UINT64_C(60) * 1000000},
    {"s", UINT64_C(1000000)},
    {"ms", 1000},
    {"us", 1},
};
static const struct unit sizes[] = {
    {"TiB", UINT64_C(1) << 40},
    {"GiB", UINT64_C(1) << 30},
    {"MiB", UINT64_C(1) << 20},
    {"KiB", UINT64_C(1) << 10},
    {"", 1},
};
#define DURATIONS_COUNT (sizeof durations / sizeof durations[0])
#define SIZES_COUNT (sizeof sizes / sizeof sizes[0])

/* A number and one of the suffixes; the product is at most `max`. */
static bool parse_with_unit(const char *word, const struct unit *units, size_t units_count,
                            uint64_t max, uint64_t *out)
{
    uint64_t number;
    const char *rest;

    if (!take_number(word, &number, &rest)) {
        return false;
    }
    for (size_t i = 0; i < units_count; i++) {
        if (strcmp(rest, units[i].suffix) == 0) {
            if (number > max / units[i].factor) {
                return false;
            }
            *out = number * units[i].factor;
            return true;
        }
    }
    return false;
}

static void format_with_unit(uint64_t value, const struct unit *units, size_t units_count,
                             char *text, size_t text_bytes)
{
    size_t i = 0;
    while (i + 1 < units_count && (value == 0 || value % units[i].factor != 0)) {
        i++;
    }
    (void)snprintf(text, text_bytes, "%" PRIu64 "%s", value / units[i].factor, units[i].suffix);
}

bool hf_parse_duration_us(const char *word, uint64_t *duration_us)
{
    if (strcmp(word, "0") == 0) {
        *duration_us = 0;
        return true;
    }
    return parse_with_unit(word, durations, DURATIONS_COUNT, HF_DURATION_US_MAX, duration_us);
}

void hf_format_duration_us(uint64_t duration_us, char text[HF_DURATION_TEXT_BYTES])
{
    if (duration_us == 0) {
        (void)snprintf(text, HF_DURATION_TEXT_BYTES, "0");
        return;
    }
    format_with_unit(duration_us, durations, DURATIONS_COUNT, text, HF_DURATION_TEXT_BYTES);
}

bool hf_parse_size(const char *word, uint64_t *bytes_count)
{
    return parse_with_unit(word, sizes, SIZES_COUNT, UINT64_MAX, bytes_count);
}

void hf_format_size(uint64_t bytes_count, char text[HF_SIZE_TEXT_BYTES])
{
    format_with_unit(bytes_count, sizes, SIZES_COUNT, text, HF_SIZE_TEXT_BYTES);
}

bool hf_parse_count(const char *word, uint64_t max, uint64_t *count)
{
    uint64_t number;
    const char *rest;

    if (!take_number(word, &number, &rest) || *rest != '\0' || number > max) {
        return false;
    }
    *count = number;
    return true;
}

const char *hf_format_count(uint64_t count, char text[HF_COUNT_TEXT_BYTES])
{
    char digits[HF_COUNT_TEXT_BYTES];
    const int digits_count = snprintf(digits, sizeof digits, "%" PRIu64, count);
    char *to = text;

    for (int i = 0; i < digits_count; i++) {
        if (i > 0 && (digits_count - i) % 3 == 0) {
            *to++ = ',';
        }
        *to++ = digits[i];
    }
    *to = '\0';
    return text;
}

/* ":PORT" or nothing. */
static bool parse_port(const char *word, uint16_t *port)
{
    uint64_t number = HF_PORT_DEFAULT;

    if (*word == '\0') {
        *port = HF_PORT_DEFAULT;
        return true;
    }
    if (*word != ':' || !hf_parse_count(word + 1, UINT16_MAX, &number)) {
        return false;
    }
    *port = (uint16_t)number;
    return true;
}

bool hf_parse_address(const char *word, struct hf_address *address)
{
    struct hf_address parsed = {0};
    const char *host = word;
    size_t host_bytes;
    const char *port;

    if (*word == '[') {
        const char *close = strchr(word, ']');
        if (close == NULL || close == word + 1) {
            return false;
        }
        host = word + 1;
        host_bytes = (size_t)(close - host);
        port = close + 1;
    } else {
        host_bytes = strcspn(word, ":");
        port = word + host_bytes;
        if (strchr(word, '[') != NULL || strchr(word, ']') != NULL || *word == '\0') {
            return false;
        }
        if (host_bytes == 0) {
            host = "127.0.0.1";
            host_bytes = strlen(host);
        }
    }
    if (host_bytes >= sizeof parsed.host || !parse_port(port, &parsed.port)) {
        return false;
    }
    memcpy(parsed.host, host, host_bytes);
    *address = parsed;
    return true;
}

void hf_format_address(const struct hf_address *address, char text[HF_ADDRESS_TEXT_BYTES])
{
    const bool is_v6 = strchr(address->host, ':') != NULL;
    (void)snprintf(text, HF_ADDRESS_TEXT_BYTES, is_v6 ? "[%s]:%u" : "%s:%u", address->host,
                   (unsigned)address->port);
}
