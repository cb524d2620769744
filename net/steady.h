/*
 * steady.h - log time: the system's clock, without its jumps.
 *
 *     system's clock   ________|~~~~~~~~~~~~~~ set forward          ____
 *     log time         ________/--------------                 ____|    ~~~~~~ set back
 *                      goes on as time passes, a 64th faster   ----\------------ or slower
 *
 * A time-to-live is an interval. Read from a clock that somebody sets, holds would end early when
 * it is set forward, and live on for ever when it is set back, because the engine's time never goes
 * back. So log time passes as real time does, by a clock that cannot be set, and nears the system's
 * clock by a 64th: a hold of 15 minutes ends at most 14 seconds early or late meanwhile, an hour's
 * difference is gone after 64 hours. Differences below a second are what time services correct all
 * the time: forward they are taken at once.
 *
 * A start takes the system's clock as it is, but never a time before the log's last: nothing tells
 * how much time has passed while the server was down.
 *
 * One thread. The source and the report must outlive it.
 */
#ifndef HF_NET_STEADY_H
#define HF_NET_STEADY_H

#include <stdint.h>

#include "net/clock.h"

#define HF_STEADY_PART 64u                  /* of the time that passes, to near the clock by */
#define HF_STEADY_STEP_US UINT64_C(1000000) /* a difference up to this is no jump */

/* Where the system's clock is. */
enum hf_steady_apart { HF_STEADY_TOGETHER, HF_STEADY_AHEAD, HF_STEADY_BEHIND };

struct hf_steady {
    const struct hf_clock *source;
    void *report_arg;
    void (*report)(void *arg, char level, const char *text);
    uint64_t now_us;            /* what was told last; never falls */
    uint64_t monotonic_us;      /* when that was */
    uint64_t credit_us;         /* time that has passed, and was not used for nearing yet */
    enum hf_steady_apart apart; /* by more than a step, and told */
};

/* Log time begins at the source's, or at `last_us`, the log's last, when that is later. `report`
 * is told of every jump, once. */
void hf_steady_init(struct hf_steady *steady, const struct hf_clock *source, uint64_t last_us,
                    void (*report)(void *arg, char level, const char *text), void *report_arg);
/* Log time in microseconds since the Unix epoch; never less than the last time. */
uint64_t hf_steady_now_us(struct hf_steady *steady);

#endif
