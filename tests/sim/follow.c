#include "tests/sim/follow.h"

#include <inttypes.h>
#include <string.h>

void hf_follow_init(struct hf_follow *follow, struct hf_history *history, const char *name,
                    uint64_t lsn)
{
    const uint64_t events_count = follow->events_count;
    *follow = (struct hf_follow){
        .history = history, .name = name, .lsn = lsn, .events_count = events_count};
}

/* C1 */
static bool is_next(struct hf_follow *follow, const struct hf_event *event)
{
    const bool goes_on = event->lsn == follow->lsn && event->index == follow->index + 1;
    const bool begins = event->lsn == follow->lsn + 1 && event->index == 0;

    if ((goes_on && follow->is_inside) || begins) {
        return true;
    }
    return hf_history_blame(follow->history,
                            "%s: event %" PRIu64 ".%" PRIu32 " comes after %" PRIu64 ".%" PRIu32,
                            follow->name, event->lsn, event->index, follow->lsn, follow->index);
}

/* C3, C4 */
static bool take_cell(struct hf_follow *follow, const struct hf_event *event, uint32_t cell)
{
    int64_t *units = follow->units[cell];

    for (unsigned i = 0; i < HF_COUNTERS_COUNT; i++) {
        if (follow->is_known[cell] && units[i] + event->delta[i] != event->after[i]) {
            return hf_history_blame(follow->history,
                                    "%s: LSN %" PRIu64 ", cell %" PRIu32 ", counter %u: %" PRId64
                                    " moved by %" PRId64 " is said to be %" PRId64,
                                    follow->name, event->lsn, cell, i, units[i], event->delta[i],
                                    event->after[i]);
        }
        if (event->after[i] < 0) {
            return hf_history_blame(follow->history,
                                    "%s: LSN %" PRIu64 ", cell %" PRIu32 ", counter %u is %" PRId64,
                                    follow->name, event->lsn, cell, i, event->after[i]);
        }
        units[i] = event->after[i];
    }
    follow->is_known[cell] = true;
    if (event->kind == HF_KIND_RESERVE && event->delta[HF_HELD] > 0 && event->ats < 0) {
        return hf_history_blame(follow->history,
                                "oversold: %s: the reservation at LSN %" PRIu64
                                " takes the ATS of cell %" PRIu32 " to %" PRId64,
                                follow->name, event->lsn, cell, event->ats);
    }
    return true;
}

bool hf_follow_take(struct hf_follow *follow, const struct hf_event *event)
{
    if (!is_next(follow, event)) {
        return false;
    }
    if (event->ts_us < follow->ts_us) {
        return hf_history_blame(follow->history, "%s: the time of LSN %" PRIu64 " goes back",
                                follow->name, event->lsn);
    }
    follow->lsn = event->lsn;
    follow->index = event->index;
    follow->ts_us = event->ts_us;
    follow->is_inside = true;
    follow->events_count++;
    const uint32_t cell =
        event->sku.bytes_count == 0 ? HF_DEED_NONE : hf_deed_cell_of(event->sku, event->location);
    return cell == HF_DEED_NONE || take_cell(follow, event, cell);
}

bool hf_follow_even(struct hf_follow *follow, uint64_t lsn)
{
    if (follow->lsn != lsn) {
        return hf_history_blame(follow->history,
                                "%s: everything up to LSN %" PRIu64
                                " is said to be told, but %" PRIu64 " was the last",
                                follow->name, lsn, follow->lsn);
    }
    follow->is_inside = false;
    return true;
}

struct comparison {
    const struct hf_follow *follow;
    bool is_good;
};

static void compare_cell(void *arg, const struct hf_seen_cell *seen)
{
    struct comparison *comparison = arg;
    const struct hf_follow *follow = comparison->follow;

    if (!comparison->is_good || seen->cell == HF_DEED_NONE || !follow->is_known[seen->cell]) {
        return;
    }
    if (memcmp(follow->units[seen->cell], seen->after, sizeof seen->after) != 0) {
        comparison->is_good =
            hf_history_blame(follow->history, "%s: cell %" PRIu32 " is not what it was told",
                             follow->name, seen->cell);
    }
}

bool hf_follow_compare(const struct hf_follow *follow, const struct hf_port *port)
{
    struct comparison comparison = {follow, true};
    return port->cells(port->ctx, compare_cell, &comparison) && comparison.is_good;
}
