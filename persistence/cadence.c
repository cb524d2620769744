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

/*
 * A sixteenth of the loop while there is room to spare for what changes meanwhile; more, and longer
 * at once, as it is used up: a snapshot that is given up was copied for nothing.
 */
uint32_t hf_pace_us(uint64_t passed_us, uint64_t kept_bytes, uint64_t kept_bytes_max)
{
    static const struct {
        uint32_t part; /* one of so many microseconds */
        uint32_t max_us;
    } paces[] = {{16, HF_PACE_US_MAX / 2},
                 {8, HF_PACE_US_MAX / 8 * 5},
                 {4, HF_PACE_US_MAX / 4 * 3},
                 {1, HF_PACE_US_MAX}};

    HF_ASSERT(kept_bytes_max > 0);

    const uint64_t quarters = kept_bytes / (kept_bytes_max / 4 + 1);
    HF_ASSERT(quarters < 4 || kept_bytes > kept_bytes_max);
    const uint32_t pace = quarters < 3 ? (uint32_t)quarters : 3;
    const uint64_t slice_us = passed_us / paces[pace].part;
    if (slice_us < HF_PACE_US_MIN) {
        return 0;
    }
    return slice_us < paces[pace].max_us ? (uint32_t)slice_us : paces[pace].max_us;
}
