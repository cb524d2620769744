#include "persistence/schedule.h"

#include "engine/assert.h"

void hf_schedule_init(struct hf_schedule *schedule, const struct hf_schedule_config *config)
{
    *schedule = (struct hf_schedule){.config = *config};
}

void hf_schedule_begun(struct hf_schedule *schedule, uint64_t log_bytes)
{
    HF_ASSERT(log_bytes >= schedule->log_bytes);
    schedule->log_bytes = log_bytes;
    schedule->was_on = true;
}

void hf_schedule_ended(struct hf_schedule *schedule, bool has_failed)
{
    schedule->has_failed = has_failed;
    schedule->was_on = true;
}

bool hf_schedule_is_due(struct hf_schedule *schedule, uint64_t now_us, uint64_t log_bytes,
                        bool is_on, bool is_changed)
{
    const struct hf_schedule_config *config = &schedule->config;

    if (is_on || schedule->was_on || !schedule->has_time) {
        schedule->was_on = is_on;
        schedule->has_time = true;
        schedule->last_us = now_us;
        return false;
    }
    const uint64_t passed_us = now_us - schedule->last_us;
    if (!is_changed || passed_us < config->pause_us) {
        return false;
    }
    return schedule->has_failed ||
           (config->log_bytes > 0 && log_bytes - schedule->log_bytes >= config->log_bytes) ||
           (config->interval_us > 0 && passed_us >= config->interval_us);
}

/*
 * An eighth of the loop while there is room to spare for what changes meanwhile; more as it is used
 * up, for a snapshot that is given up was copied for nothing. The last quarter is for what changes
 * while the largest slices wait for the worker.
 */
uint32_t hf_pace_us(uint64_t passed_us, uint64_t kept_bytes, uint64_t kept_bytes_max)
{
    HF_ASSERT(kept_bytes_max > 0);

    const uint64_t quarters = kept_bytes / (kept_bytes_max / 4 + 1);
    static const uint32_t parts[] = {8, 5, 3, 1}; /* one of so many */
    const uint64_t slice_us = passed_us / parts[quarters < 3 ? quarters : 3];
    if (slice_us < HF_PACE_US_MIN) {
        return 0;
    }
    return slice_us < HF_PACE_US_MAX ? (uint32_t)slice_us : HF_PACE_US_MAX;
}
