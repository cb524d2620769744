/*
 * follow.h - one who follows events, one by one, and finds out when one is missing or wrong.
 *
 *     event --> next in order?  time not before?  sum of all deltas = values after?  allowed?
 *
 * Two follow in a simulation: the oracle, after every step, what the engine has done; and each
 * consumer of the feed what it is told, across every broken connection and every death. For both:
 *     C1   LSN and index go on without a gap and without a repeat (feed.h F1, F2)
 *     C2   time never goes back (the log's time is monotonic, whatever the clock does)
 *     C3   the values after an event are those before it and its deltas (P6)
 *     C4   no counter is below zero, and no reservation takes ATS below zero (P1)
 */
#ifndef HF_SIM_FOLLOW_H
#define HF_SIM_FOLLOW_H

#include "tests/lib/history.h"

struct hf_follow {
    struct hf_history *history; /* where blame goes */
    const char *name;
    uint64_t lsn; /* of the last event; 0: none */
    uint32_t index;
    uint64_t ts_us;
    bool is_inside; /* the last event may not have been its record's last */
    bool is_known[HF_DEED_CELLS_COUNT];
    int64_t units[HF_DEED_CELLS_COUNT][HF_COUNTERS_COUNT];
    uint64_t events_count;
};

/* Nothing is known: what comes after `lsn` is taken as it is. */
void hf_follow_init(struct hf_follow *follow, struct hf_history *history, const char *name,
                    uint64_t lsn);
/* The next event. False: a violation, in the history. */
bool hf_follow_take(struct hf_follow *follow, const struct hf_event *event);
/* Everything up to `lsn` was told. */
bool hf_follow_even(struct hf_follow *follow, uint64_t lsn);
/* The cells that are known are those of the server. */
bool hf_follow_compare(const struct hf_follow *follow, const struct hf_port *port);

#endif
