#include "tools/common/rfc3339.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define SECOND_US INT64_C(1000000)

/* ------------------------------------------------------------------ read */

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
    int64_t unit = SECOND_US / 10;
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

bool hf_parse_rfc_3339(const char *word, int64_t *time_us)
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
    *time_us = seconds * SECOND_US + micros;
    return true;
}

/* ------------------------------------------------------------------ written */

const char *hf_format_rfc_3339(uint64_t time_us, char text[HF_RFC_3339_BYTES])
{
    const time_t seconds = (time_t)(time_us / (uint64_t)SECOND_US);
    struct tm utc = {0};
    char date[24];

    if (gmtime_r(&seconds, &utc) == NULL ||
        strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", &utc) == 0) {
        (void)snprintf(text, HF_RFC_3339_BYTES, "?");
        return text;
    }
    (void)snprintf(text, HF_RFC_3339_BYTES, "%s.%06uZ", date,
                   (unsigned)(time_us % (uint64_t)SECOND_US));
    return text;
}
