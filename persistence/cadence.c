#include "persistence/cadence.h"

#include "engine/assert.h"

void hf_cadence_init(struct hf_cadence *cadence, const struct hf_cadence_config *config)
{
    *cadence = (struct hf_cadence){.config = *config};
}

void hf_cadence_begun(struct hf_cadence *cadence, uint64_t log_bytes)
{
    HF_ASSERT(log_bytes >= cadence->log_bytes);
    cadence->log_bytes = log_bytes;
    cadence->was_on = true;
}

void hf_cadence_ended(struct hf_cadence *cadence, bool has_failed)
{
    cadence->has_failed = has_failed;
    cadence->was_on = true;
}

bool hf_cadence_is_due(struct hf_cadence *cadence, uint64_t now_us, uint64_t log_bytes, bool is_on,
                       bool is_changed, bool is_pressed)
{
    const struct hf_cadence_config *config = &cadence->config;
    const uint64_t pressed_us = cadence->has_failed ? HF_PRESSED_RETRY_US : HF_PRESSED_PAUSE_US;
    const uint64_t pause_us =
        is_pressed && pressed_us < config->pause_us ? pressed_us : config->pause_us;

    if (is_on || cadence->was_on || !cadence->has_time) {
        cadence->was_on = is_on;
        cadence->has_time = true;
        cadence->last_us = now_us;
        return false;
    }
    const uint64_t passed_us = now_us - cadence->last_us;
    if (!is_changed || passed_us < pause_us) {
        return false;
    }
    return cadence->has_failed || is_pressed ||
           (config->log_bytes > 0 && log_bytes - cadence->log_bytes >= config->log_bytes) ||
           (config->interval_us > 0 && passed_us >= config->interval_us);
}

uint64_t hf_rate_due_us(uint64_t due_us, uint64_t now_us, uint64_t bytes_count, uint64_t rate_bytes)
{
    if (rate_bytes == 0) {
        return due_us;
    }
    const uint64_t from_us = due_us + 1000000 < now_us ? now_us : due_us;
    return from_us + bytes_count * 1000000 / rate_bytes;
}

/* Of the room that may be taken by now, in hundredths: 100 is all of it. */
static uint64_t taken_percent(const struct hf_pace *pace)
{
    HF_ASSERT(pace->kept_bytes_max > 0);
    HF_ASSERT(pace->items_left <= pace->items_count);

    const double left = (double)pace->items_left / (double)(pace->items_count + 1);
    const double may_be = 1.0 - left * left; /* 2 p - p^2 */
    const double is = (double)pace->kept_bytes / (double)pace->kept_bytes_max;
    return (uint64_t)(100 * is / (0.125 + 0.875 * may_be));
}

/*
 * A 32nd of the loop while little changes meanwhile, by what there is room for: nobody waits for a
 * snapshot, and whoever sells shares processors and disk with it. More, and longer at once, where
 * more changes: a snapshot that is given up was copied for nothing, and the sooner all is copied
 * the less is kept.
 */
uint32_t hf_pace_us(const struct hf_pace *pace, uint64_t passed_us)
{
    static const struct {
        uint32_t below_percent;
        uint32_t part; /* one of so many microseconds */
        uint32_t max_us;
    } paces[] = {{5, 32, HF_PACE_US_MAX / 2},     {10, 16, HF_PACE_US_MAX / 2},
                 {40, 8, HF_PACE_US_MAX / 2},     {55, 5, HF_PACE_US_MAX / 8 * 5},
                 {70, 3, HF_PACE_US_MAX / 4 * 3}, {UINT32_MAX, 1, HF_PACE_US_MAX}};
    const uint64_t percent = taken_percent(pace);
    uint32_t i = 0;

    while (percent >= paces[i].below_percent) {
        i++;
    }
    const uint64_t slice_us = passed_us / paces[i].part;
    if (slice_us < HF_PACE_US_MIN) {
        return 0;
    }
    return slice_us < paces[i].max_us ? (uint32_t)slice_us : paces[i].max_us;
}

bool hf_pace_is_hurried(const struct hf_pace *pace)
{
    return taken_percent(pace) >= 55;
}
