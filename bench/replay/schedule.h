/*
 * schedule.h - which events may be played now, so that many at once end like one at a time.
 *
 * Two events that touch no SKU in common commute: whatever order the server executes them in, and
 * however often one is sent again, every counter and every refusal comes out the same. So an event
 * waits for the events before it that share a SKU with it, and for nothing else.
 *
 *     event 0   A B        takes A and B
 *     event 1   C          runs beside 0
 *     event 2   B C        waits for 0 and 1
 *     event 3   A          waits for 0, runs beside 2
 *
 * Invariants:
 *     S1   events that are taken and not settled share no SKU
 *     S2   of the events that may be taken, the earliest is taken first; so with one in flight
 *          the order is exactly the order of the file
 */
#ifndef HF_BENCH_SCHEDULE_H
#define HF_BENCH_SCHEDULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HF_EVENT_NONE UINT32_MAX

struct hf_schedule_event {
    uint32_t blockers_count; /* SKUs of it that an earlier event still has */
    uint32_t first_claim;
    uint32_t claims_count;
};
struct hf_schedule_claim {
    uint32_t event;
    uint32_t next_claim; /* of the same SKU, by the next event that wants it; NONE: none */
};

struct hf_schedule {
    struct hf_schedule_event *events;
    uint32_t events_count, events_room;
    struct hf_schedule_claim *claims;
    uint32_t claims_count, claims_room;
    uint32_t *last_claim; /* by SKU */
    uint32_t skus_count;
    uint32_t *ready; /* a heap: the earliest event on top */
    uint32_t ready_count;
};

/* Prepare for SKUs 0..skus_count. False: no memory; release() accepts what is there. */
bool hf_schedule_init(struct hf_schedule *schedule, uint32_t skus_count);
void hf_schedule_release(struct hf_schedule *schedule);

/* Add the next event, which touches skus[0..count); a SKU may be named more than once. */
bool hf_schedule_add(struct hf_schedule *schedule, const uint32_t *skus, size_t count);
/* All events are added; taking may begin. */
bool hf_schedule_start(struct hf_schedule *schedule);

/* The earliest event that may be played; HF_EVENT_NONE when all wait, are taken or settled. */
uint32_t hf_schedule_take(struct hf_schedule *schedule);
/* A taken event has to be played again: it may be taken once more. */
void hf_schedule_put_back(struct hf_schedule *schedule, uint32_t event);
/* A taken event is done with; those that waited for its SKUs may move up. */
void hf_schedule_settle(struct hf_schedule *schedule, uint32_t event);

#endif
