#include "tools/holdfast/when.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "engine/assert.h"
#include "tools/common/parse.h"

#define DURATION_WORD_BYTES 40

int64_t hf_when_now_us(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * HOLDFAST_SECOND_US + now.tv_nsec / 1000;
}

/* ------------------------------------------------------------------ RFC 3339 */

/* Exactly `digits` digits at *p, which moves behind them. False: there are others. */
static bool take_digits(const char **p, int digits, int64_t *number)
{
    int64_t value = 0;
    for (int i = 0; i < digits; i++) {
        if ((*p)[i] < '0' || (*p)[i] > '9') {
            return false;
        }
        value = value * 10 + ((*p)[i] - '0');
    }
    *p += digits;
    *number = value;
    return true;
}

static bool take_char(const char **p, const char *any_of)
{
    if (**p == '\0' || strchr(any_of, **p) == NULL) {
        return false;
    }
    *p += 1;
    return true;
}

static bool is_leap(int64_t year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

/* Days from 1970-01-01 to a day that exists; false when it does not. */
static bool days_of(int64_t year, int64_t month, int64_t day, int64_t *days)
{
    static const int before[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365};

    if (year < 1970 || month < 1 || month > 12 || day < 1) {
        return false;
    }
    const int64_t leap_day = month == 2 && is_leap(year) ? 1 : 0;
    if (day > before[month] - before[month - 1] + leap_day) {
        return false;
    }
    const int64_t last = year - 1; /* leap days of all years up to this one */
    const int64_t leaps = last / 4 - last / 100 + last / 400 - (1969 / 4 - 1969 / 100 + 1969 / 400);
    *days = (year - 1970) * 365 + leaps + before[month - 1] + day - 1 +
            (month > 2 && is_leap(year) ? 1 : 0);
    return true;
}

/* ".25" as microseconds; digits beyond those are dropped. */
static bool take_fraction(const char **p, int64_t *micros)
{
    *micros = 0;
    if (**p != '.') {
        return true;
    }
    *p += 1;
    int64_t unit = HOLDFAST_SECOND_US / 10;
    const char *begin = *p;
    for (; **p >= '0' && **p <= '9'; *p += 1) {
        *micros += (**p - '0') * unit;
        unit /= 10;
    }
    return *p != begin;
}

/* "Z", "+01:00": seconds to take away. */
static bool take_offset(const char **p, int64_t *seconds)
{
    int64_t hours;
    int64_t minutes;

    *seconds = 0;
    if (take_char(p, "Zz")) {
        return true;
    }
    const int64_t sign = **p == '-' ? -1 : 1;
    if (!take_char(p, "+-") || !take_digits(p, 2, &hours) || !take_char(p, ":") ||
        !take_digits(p, 2, &minutes) || hours > 23 || minutes > 59) {
        return false;
    }
    *seconds = sign * (hours * 3600 + minutes * 60);
    return true;
}

static bool parse_rfc_3339(const char *word, int64_t *time_us)
{
    const char *p = word;
    int64_t year;
    int64_t month;
    int64_t day;
    int64_t days;
    int64_t hour = 0;
    int64_t minute = 0;
    int64_t second = 0;
    int64_t micros = 0;
    int64_t offset = 0;

    if (!take_digits(&p, 4, &year) || !take_char(&p, "-") || !take_digits(&p, 2, &month) ||
        !take_char(&p, "-") || !take_digits(&p, 2, &day) || !days_of(year, month, day, &days)) {
        return false;
    }
    if (*p != '\0' &&
        (!take_char(&p, "Tt ") || !take_digits(&p, 2, &hour) || !take_char(&p, ":") ||
         !take_digits(&p, 2, &minute) || !take_char(&p, ":") || !take_digits(&p, 2, &second) ||
         !take_fraction(&p, &micros) || !take_offset(&p, &offset) || *p != '\0')) {
        return false;
    }
    if (hour > 23 || minute > 59 ||
        second > 60) { /* 60: a leap second is the next minute's first */
        return false;
    }
    const int64_t seconds = days * 86400 + hour * 3600 + minute * 60 + second - offset;
    if (seconds < 0) {
        return false;
    }
    *time_us = seconds * HOLDFAST_SECOND_US + micros;
    return true;
}

/* ------------------------------------------------------------------ from now */

/* "10m ago", "in 3d". */
static bool parse_from_now(const char *word, int64_t now_us, int64_t *time_us)
{
    static const char ago[] = " ago";
    static const char in[] = "in ";
    const size_t bytes = strlen(word);
    char duration[DURATION_WORD_BYTES];
    uint64_t us;

    if (bytes >= sizeof duration) {
        return false;
    }
    if (strncmp(word, in, strlen(in)) == 0) {
        if (!hf_parse_duration_us(word + strlen(in), &us)) {
            return false;
        }
        *time_us = now_us + (int64_t)us;
        return true;
    }
    if (bytes <= strlen(ago) || strcmp(word + bytes - strlen(ago), ago) != 0) {
        return false;
    }
    (void)snprintf(duration, sizeof duration, "%.*s", (int)(bytes - strlen(ago)), word);
    if (!hf_parse_duration_us(duration, &us) || (int64_t)us > now_us) {
        return false;
    }
    *time_us = now_us - (int64_t)us;
    return true;
}

bool hf_when_parse_time(const char *word, int64_t now_us, int64_t *time_us)
{
    _Static_assert(HF_DURATION_US_MAX < INT64_MAX / 4, "now and a duration add up");
    HF_ASSERT(now_us >= 0);

    return parse_from_now(word, now_us, time_us) || parse_rfc_3339(word, time_us);
}

bool hf_when_parse_as_of(const char *word, int64_t now_us, struct hf_as_of *as_of)
{
    uint64_t lsn;
    int64_t time_us;

    if (hf_parse_count(word, UINT64_MAX, &lsn)) {
        *as_of = (struct hf_as_of){.value = lsn, .flag = HOLDFAST_AS_OF_LSN};
        return true;
    }
    if (!hf_when_parse_time(word, now_us, &time_us)) {
        return false;
    }
    *as_of = (struct hf_as_of){.value = (uint64_t)time_us, .flag = HOLDFAST_AS_OF_TIME};
    return true;
}

/* ------------------------------------------------------------------ places in the feed */

bool hf_when_parse_token(const char *word, struct holdfast_token *token)
{
    char epoch_word[24];
    uint64_t epoch;
    uint64_t lsn;

    if (strcmp(word, "now") == 0) {
        *token = (struct holdfast_token){0};
        return true;
    }
    const char *colon = strchr(word, ':');
    if (colon == NULL || (size_t)(colon - word) >= sizeof epoch_word) {
        return false;
    }
    (void)snprintf(epoch_word, sizeof epoch_word, "%.*s", (int)(colon - word), word);
    if (!hf_parse_count(epoch_word, UINT32_MAX, &epoch) || epoch == 0 ||
        !hf_parse_count(colon + 1, UINT64_MAX, &lsn)) {
        return false;
    }
    *token = (struct holdfast_token){.epoch = (uint32_t)epoch, .lsn = lsn};
    return true;
}

const char *hf_when_token_text(struct holdfast_token token, char text[HF_TOKEN_BYTES])
{
    (void)snprintf(text, HF_TOKEN_BYTES, "%" PRIu32 ":%" PRIu64, token.epoch, token.lsn);
    return text;
}
