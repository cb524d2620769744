#include "tools/holdfast/when.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "engine/assert.h"
#include "tools/common/parse.h"
#include "tools/common/rfc3339.h"

#define DURATION_WORD_BYTES 40

int64_t hf_when_now_us(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * HOLDFAST_SECOND_US + now.tv_nsec / 1000;
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

    return parse_from_now(word, now_us, time_us) || hf_parse_rfc_3339(word, time_us);
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
