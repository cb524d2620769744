#include "tests/lib/workload.h"

#include <string.h>

#include "engine/assert.h"

#define HOT_UNITS 12  /* opening stock of a tiny cell */
#define COLD_UNITS 60 /* ... and of another */
#define ORDERS_COUNT 24u
#define LONG_TTL_US UINT32_C(3600000000)
#define OPENING_FRAME 12u

static uint32_t roll(struct hf_workload *workload, uint32_t sides)
{
    return hf_random(&workload->random, sides);
}

void hf_workload_init(struct hf_workload *workload, struct hf_history *history, uint32_t client,
                      uint64_t seed, uint32_t short_ttl_us_max)
{
    *workload = (struct hf_workload){
        .history = history,
        .client = client,
        .random = seed + client * UINT64_C(0xD1B54A32D192ED03),
        .short_ttl_us_max = short_ttl_us_max,
    };
    memcpy(workload->known_counts, history->counts, sizeof workload->known_counts);
}

/* ------------------------------------------------------------------ parts of a deed */

static void choose_lines(struct hf_workload *workload, struct hf_deed *deed, uint32_t units_max)
{
    deed->lines_count = (uint8_t)(1 + (roll(workload, 3) == 0 ? roll(workload, 4) : 0));
    for (uint32_t i = 0; i < deed->lines_count; i++) {
        const uint32_t among =
            roll(workload, 2) == 0 ? HF_DEED_HOT_CELLS_COUNT : HF_DEED_CELLS_COUNT;
        deed->lines[i].cell = roll(workload, among);
        if (i > 0 && roll(workload, 6) == 0) {
            deed->lines[i].cell = deed->lines[0].cell; /* P2: lines of one cell are added up */
        }
        deed->lines[i].units = 1 + (int32_t)roll(workload, units_max);
    }
}

static void choose_ttl(struct hf_workload *workload, struct hf_deed *deed)
{
    const uint32_t way = roll(workload, 3);
    if (way == 2) {
        return;
    }
    deed->flags |= HF_OP_TTL;
    deed->ttl_us = way == 0 ? 1 + roll(workload, workload->short_ttl_us_max)
                            : LONG_TTL_US + roll(workload, 100000000);
}

/*
 * An extend to the very deadline that the hold has is no change: it is answered ok, writes no
 * record and leaves its reference free (P4), which would look like a loss here. So an extend
 * reaches beyond every short time-to-live, and to one of very many microseconds.
 */
static void choose_extension(struct hf_workload *workload, struct hf_deed *deed)
{
    const uint32_t short_max_us = workload->short_ttl_us_max;

    deed->flags |= HF_OP_TTL;
    deed->ttl_us = roll(workload, 2) == 0 ? short_max_us + 1 + roll(workload, 16 * short_max_us)
                                          : LONG_TTL_US + roll(workload, 600000000);
}

static void choose_order(struct hf_workload *workload, struct hf_deed *deed)
{
    if (roll(workload, 2) == 0) {
        deed->order = 1 + roll(workload, ORDERS_COUNT);
    }
}

static void choose_reservation(struct hf_workload *workload, struct hf_deed *deed, uint32_t index)
{
    choose_lines(workload, deed, 4);
    choose_ttl(workload, deed);
    choose_order(workload, deed);
    deed->has_ref = roll(workload, 3) == 0;
    workload->recent[workload->recent_count++ % HF_WORK_RECENT_MAX] = index;
}

/* A reservation, by the deed that opened it (or tried to); HF_DEED_NONE: none was found. */
static uint32_t choose_target(struct hf_workload *workload)
{
    const struct hf_history *history = workload->history;

    if (workload->recent_count > 0 && roll(workload, 5) != 0) {
        const uint32_t count = workload->recent_count < HF_WORK_RECENT_MAX ? workload->recent_count
                                                                           : HF_WORK_RECENT_MAX;
        /* The newest ones more often: they may still be in flight. */
        const uint32_t back = roll(workload, 1 + roll(workload, count));
        return workload->recent[(workload->recent_count - 1 - back) % HF_WORK_RECENT_MAX];
    }
    for (uint32_t tries = 0; tries < 20; tries++) {
        const uint32_t client = roll(workload, history->clients_count);
        if (workload->known_counts[client] > 0) {
            const uint32_t index =
                client * history->deeds_max + roll(workload, workload->known_counts[client]);
            if (hf_deed_opens(&history->deeds[index])) {
                return index;
            }
        }
    }
    return HF_DEED_NONE;
}

/* Some lines of the reservation, not more than was asked for. */
static void choose_part(struct hf_workload *workload, struct hf_deed *deed)
{
    const struct hf_deed *opened = &workload->history->deeds[deed->target];
    if (roll(workload, 2) == 0) {
        return;
    }
    deed->lines_count = (uint8_t)(1 + roll(workload, opened->lines_count));
    for (uint32_t i = 0; i < deed->lines_count; i++) {
        deed->lines[i].cell = opened->lines[i].cell;
        deed->lines[i].units = 1 + (int32_t)roll(workload, (uint32_t)opened->lines[i].units);
    }
}

/* ------------------------------------------------------------------ deeds */

/* What the frame's deeds are. */
static enum hf_kind choose_kind(struct hf_workload *workload)
{
    static const struct {
        enum hf_kind kind;
        uint32_t weight;
    } kinds[] = {
        {HF_KIND_RECEIVE, 10},      {HF_KIND_ADJUST, 8},  {HF_KIND_SELL, 10},
        {HF_KIND_RESERVE, 30},      {HF_KIND_REPLACE, 6}, {HF_KIND_CONFIRM, 14},
        {HF_KIND_EXTEND, 4},        {HF_KIND_RELEASE, 6}, {HF_KIND_FULFIL, 11},
        {HF_KIND_RELEASE_ORDER, 1},
    };
    uint32_t at = roll(workload, 100);
    for (uint32_t i = 0;; i++) {
        HF_ASSERT(i < sizeof kinds / sizeof kinds[0]);
        if (at < kinds[i].weight) {
            return kinds[i].kind;
        }
        at -= kinds[i].weight;
    }
}

/* False: there is nothing yet that it could be about. */
static bool fill(struct hf_workload *workload, uint32_t index, enum hf_kind kind)
{
    struct hf_deed *deed = &workload->history->deeds[index];

    deed->kind = (uint8_t)kind;
    deed->has_ref = true;
    if (kind != HF_KIND_RECEIVE && kind != HF_KIND_ADJUST && kind != HF_KIND_SELL &&
        kind != HF_KIND_RESERVE && kind != HF_KIND_RELEASE_ORDER) {
        deed->target = choose_target(workload);
        if (deed->target == HF_DEED_NONE) {
            return false;
        }
    }
    switch (kind) {
    case HF_KIND_RECEIVE:
        deed->reason = HF_REASON_PURCHASE;
        choose_lines(workload, deed, 5);
        break;
    case HF_KIND_ADJUST:
        deed->reason = HF_REASON_COUNT;
        choose_lines(workload, deed, 3);
        if (roll(workload, 2) == 0) { /* all of them: lines that add up to nothing are no change */
            for (uint32_t i = 0; i < deed->lines_count; i++) {
                deed->lines[i].units = -deed->lines[i].units;
            }
        }
        break;
    case HF_KIND_SELL:
        choose_lines(workload, deed, 3);
        deed->flags |= roll(workload, 5) == 0 ? HF_OP_FACT : 0;
        break;
    case HF_KIND_RESERVE:
        deed->flags |= roll(workload, 4) == 0 ? HF_OP_PARTIAL : 0;
        choose_reservation(workload, deed, index);
        break;
    case HF_KIND_REPLACE:
        choose_reservation(workload, deed, index);
        break;
    case HF_KIND_EXTEND:
        choose_extension(workload, deed);
        break;
    case HF_KIND_RELEASE:
        choose_part(workload, deed);
        break;
    case HF_KIND_FULFIL:
        choose_part(workload, deed);
        deed->flags |= roll(workload, 3) == 0 ? HF_OP_RELEASE_REST : 0;
        break;
    case HF_KIND_RELEASE_ORDER:
        deed->order = 1 + roll(workload, ORDERS_COUNT);
        break;
    default:
        break; /* confirm: nothing but the reservation */
    }
    return true;
}

/* Link some neighbours: groups of two or three. */
static void link_some(struct hf_workload *workload, uint32_t first, uint32_t count)
{
    struct hf_deed *deeds = workload->history->deeds;
    uint32_t linked = 0;

    if (roll(workload, 6) != 0) {
        return;
    }
    for (uint32_t i = 0; i + 1 < count; i++) {
        linked = linked < 2 && roll(workload, 2) == 0 ? linked + 1 : 0;
        deeds[first + i].flags |= linked > 0 ? HF_OP_LINKED : 0;
    }
}

uint32_t hf_workload_frame(struct hf_workload *workload, uint32_t *first)
{
    struct hf_history *history = workload->history;
    const enum hf_kind kind = choose_kind(workload);
    const uint32_t wanted = 1 + (roll(workload, 2) == 0 ? 0 : roll(workload, HF_WORK_FRAME_MAX));
    uint32_t count = 0;

    *first = 0;
    while (count < wanted) {
        const uint32_t index = hf_history_add(history, workload->client);
        if (index == HF_DEED_NONE) {
            break;
        }
        if (!fill(workload, index, kind)) {
            hf_history_drop(history, workload->client);
            if (count > 0) {
                break;
            }
            return hf_workload_frame(workload, first); /* another kind, then */
        }
        *first = index - count;
        count++;
    }
    link_some(workload, *first, count);
    return count;
}

uint32_t hf_workload_opening(struct hf_workload *workload, uint32_t *cell, uint32_t *first)
{
    uint32_t count = 0;

    while (*cell < HF_DEED_CELLS_COUNT && count < OPENING_FRAME) {
        const uint32_t index = hf_history_add(workload->history, workload->client);
        HF_ASSERT(index != HF_DEED_NONE); /* it is the first that is done */
        struct hf_deed *deed = &workload->history->deeds[index];
        *first = index - count++;
        deed->kind = HF_KIND_RECEIVE;
        deed->reason = HF_REASON_OPENING;
        deed->has_ref = true;
        while (*cell < HF_DEED_CELLS_COUNT && deed->lines_count < HF_DEED_LINES_MAX) {
            deed->lines[deed->lines_count].cell = *cell;
            deed->lines[deed->lines_count].units =
                *cell < HF_DEED_HOT_CELLS_COUNT ? HOT_UNITS : COLD_UNITS;
            deed->lines_count++;
            (*cell)++;
        }
    }
    return count;
}
