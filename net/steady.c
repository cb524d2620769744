#include "net/steady.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>

#include "engine/assert.h"

/* The system's clock is ahead of log time, or behind it, by so much. */
static void look_apart(struct hf_steady *steady, uint64_t apart_us, bool is_ahead)
{
    char text[256];

    if (apart_us <= HF_STEADY_STEP_US) {
        steady->apart = HF_STEADY_TOGETHER;
        return;
    }
    const enum hf_steady_apart apart = is_ahead ? HF_STEADY_AHEAD : HF_STEADY_BEHIND;
    if (steady->apart == apart) {
        return;
    }
    steady->apart = apart;
    (void)snprintf(text, sizeof text,
                   "the system's clock is %" PRIu64 " s %s log time, which goes on as time passes "
                   "and nears it slowly, so that holds end neither early nor late",
                   apart_us / 1000000, is_ahead ? "ahead of" : "behind");
    steady->report(steady->report_arg, 'w', text);
}

void hf_steady_init(struct hf_steady *steady, const struct hf_clock *source, uint64_t last_us,
                    void (*report)(void *arg, char level, const char *text), void *report_arg)
{
    const uint64_t clock_us = source->now_us(source->ctx);

    *steady = (struct hf_steady){.source = source,
                                 .report_arg = report_arg,
                                 .report = report,
                                 .now_us = clock_us > last_us ? clock_us : last_us,
                                 .monotonic_us = source->monotonic_us(source->ctx)};
    look_apart(steady, steady->now_us - clock_us, false);
}

uint64_t hf_steady_now_us(struct hf_steady *steady)
{
    const uint64_t clock_us = steady->source->now_us(steady->source->ctx);
    const uint64_t monotonic_us = steady->source->monotonic_us(steady->source->ctx);
    const uint64_t before_us = steady->now_us;

    HF_ASSERT(monotonic_us >= steady->monotonic_us);
    const uint64_t passed_us = monotonic_us - steady->monotonic_us;
    const uint64_t expected_us = before_us + passed_us;
    steady->monotonic_us = monotonic_us;
    steady->credit_us += passed_us;
    const uint64_t nearing_us = steady->credit_us / HF_STEADY_PART;
    steady->credit_us %= HF_STEADY_PART;

    if (clock_us >= expected_us) {
        const uint64_t apart_us = clock_us - expected_us;
        look_apart(steady, apart_us, true);
        steady->now_us = apart_us <= HF_STEADY_STEP_US || apart_us <= nearing_us
                             ? clock_us
                             : expected_us + nearing_us;
    } else {
        const uint64_t apart_us = expected_us - clock_us;
        look_apart(steady, apart_us, false);
        steady->now_us = expected_us - (nearing_us < apart_us ? nearing_us : apart_us);
    }
    if (steady->now_us < before_us) {
        steady->now_us = before_us; /* what was kept in credit may be more than has passed */
    }
    return steady->now_us;
}
