#include "bench/replay/schedule.h"

#include <stdlib.h>

#include "engine/assert.h"

#define ROOM_MIN 1024u

bool hf_schedule_init(struct hf_schedule *schedule, uint32_t skus_count)
{
    *schedule = (struct hf_schedule){.skus_count = skus_count};
    schedule->last_claim = malloc(((size_t)skus_count + 1) * sizeof *schedule->last_claim);
    if (schedule->last_claim == NULL) {
        return false;
    }
    for (uint32_t sku = 0; sku < skus_count; sku++) {
        schedule->last_claim[sku] = HF_EVENT_NONE;
    }
    return true;
}

void hf_schedule_release(struct hf_schedule *schedule)
{
    free(schedule->events);
    free(schedule->claims);
    free(schedule->last_claim);
    free(schedule->ready);
    *schedule = (struct hf_schedule){0};
}

/* Twice the room for `elements`; NULL: no memory, and they are where they were. */
static void *doubled(void *elements, uint32_t *room, size_t element_bytes)
{
    const uint32_t larger = *room == 0 ? ROOM_MIN : *room * 2;
    void *moved = realloc(elements, larger * element_bytes);

    if (moved != NULL) {
        *room = larger;
    }
    return moved;
}

static bool make_room(struct hf_schedule *schedule)
{
    if (schedule->events_count == schedule->events_room) {
        struct hf_schedule_event *events =
            doubled(schedule->events, &schedule->events_room, sizeof *events);
        if (events == NULL) {
            return false;
        }
        schedule->events = events;
    }
    return true;
}

static bool make_claim_room(struct hf_schedule *schedule)
{
    if (schedule->claims_count == schedule->claims_room) {
        struct hf_schedule_claim *claims =
            doubled(schedule->claims, &schedule->claims_room, sizeof *claims);
        if (claims == NULL) {
            return false;
        }
        schedule->claims = claims;
    }
    return true;
}

bool hf_schedule_add(struct hf_schedule *schedule, const uint32_t *skus, size_t count)
{
    HF_ASSERT(schedule->ready == NULL); /* not started */
    HF_ASSERT(count > 0);

    if (!make_room(schedule)) {
        return false;
    }
    const uint32_t index = schedule->events_count++;
    struct hf_schedule_event *event = &schedule->events[index];
    *event = (struct hf_schedule_event){.first_claim = schedule->claims_count};

    for (size_t i = 0; i < count; i++) {
        HF_ASSERT(skus[i] < schedule->skus_count);
        const uint32_t before = schedule->last_claim[skus[i]];
        if (before != HF_EVENT_NONE && schedule->claims[before].event == index) {
            continue; /* the same SKU on two lines is one claim */
        }
        if (!make_claim_room(schedule)) {
            return false;
        }
        const uint32_t claim = schedule->claims_count++;
        schedule->claims[claim] =
            (struct hf_schedule_claim){.event = index, .next_claim = HF_EVENT_NONE};
        if (before != HF_EVENT_NONE) {
            schedule->claims[before].next_claim = claim;
            event->blockers_count++;
        }
        schedule->last_claim[skus[i]] = claim;
        event->claims_count++;
    }
    return true;
}

static void push(struct hf_schedule *schedule, uint32_t event)
{
    uint32_t *heap = schedule->ready;
    uint32_t at = schedule->ready_count++;

    HF_ASSERT(schedule->ready_count <= schedule->events_count);
    while (at > 0 && heap[(at - 1) / 2] > event) {
        heap[at] = heap[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    heap[at] = event;
}

static uint32_t pop(struct hf_schedule *schedule)
{
    uint32_t *heap = schedule->ready;
    const uint32_t top = heap[0];
    const uint32_t moved = heap[--schedule->ready_count];
    uint32_t at = 0;

    for (uint32_t child = 1; child < schedule->ready_count; child = 2 * at + 1) {
        if (child + 1 < schedule->ready_count && heap[child + 1] < heap[child]) {
            child++;
        }
        if (heap[child] >= moved) {
            break;
        }
        heap[at] = heap[child];
        at = child;
    }
    heap[at] = moved;
    return top;
}

bool hf_schedule_start(struct hf_schedule *schedule)
{
    HF_ASSERT(schedule->ready == NULL);

    schedule->ready = malloc(((size_t)schedule->events_count + 1) * sizeof *schedule->ready);
    if (schedule->ready == NULL) {
        return false;
    }
    for (uint32_t event = 0; event < schedule->events_count; event++) {
        if (schedule->events[event].blockers_count == 0) {
            push(schedule, event);
        }
    }
    return true;
}

uint32_t hf_schedule_take(struct hf_schedule *schedule)
{
    HF_ASSERT(schedule->ready != NULL);
    return schedule->ready_count == 0 ? HF_EVENT_NONE : pop(schedule);
}

void hf_schedule_put_back(struct hf_schedule *schedule, uint32_t event)
{
    HF_ASSERT(event < schedule->events_count);
    HF_ASSERT(schedule->events[event].blockers_count == 0);
    push(schedule, event);
}

void hf_schedule_settle(struct hf_schedule *schedule, uint32_t event)
{
    HF_ASSERT(event < schedule->events_count);
    const struct hf_schedule_event *settled = &schedule->events[event];
    HF_ASSERT(settled->blockers_count == 0);

    for (uint32_t i = 0; i < settled->claims_count; i++) {
        const uint32_t next = schedule->claims[settled->first_claim + i].next_claim;
        if (next == HF_EVENT_NONE) {
            continue;
        }
        struct hf_schedule_event *waiting = &schedule->events[schedule->claims[next].event];
        HF_ASSERT(waiting->blockers_count > 0);
        if (--waiting->blockers_count == 0) {
            push(schedule, schedule->claims[next].event);
        }
    }
}
