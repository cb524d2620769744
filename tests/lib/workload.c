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

static void remember(struct hf_workload *workload, enum hf_work_thing thing, uint32_t index)
{
    struct hf_work_recent *recent = &workload->recent[thing];
    recent->deeds[recent->count++ % HF_WORK_RECENT_MAX] = index;
}

static void choose_reservation(struct hf_workload *workload, struct hf_deed *deed, uint32_t index)
{
    choose_lines(workload, deed, 4);
    choose_ttl(workload, deed);
    choose_order(workload, deed);
    deed->has_ref = roll(workload, 3) == 0;
    remember(workload, HF_WORK_HOLD, index);
}

/* What the deed opens; HF_WORK_THINGS: nothing. */
static enum hf_work_thing opened_by(const struct hf_deed *deed)
{
    return hf_deed_opens(deed)                     ? HF_WORK_HOLD
           : deed->kind == HF_KIND_TRANSFER_CREATE ? HF_WORK_TRANSFER
           : deed->kind == HF_KIND_INBOUND_CREATE  ? HF_WORK_INBOUND
                                                   : HF_WORK_THINGS;
}

/* A thing, by the deed that opened it (or tried to); HF_DEED_NONE: none was found. */
static uint32_t choose_target(struct hf_workload *workload, enum hf_work_thing thing)
{
    const struct hf_history *history = workload->history;
    const struct hf_work_recent *recent = &workload->recent[thing];

    if (recent->count > 0 && roll(workload, 5) != 0) {
        const uint32_t count =
            recent->count < HF_WORK_RECENT_MAX ? recent->count : HF_WORK_RECENT_MAX;
        /* The newest ones more often: they may still be in flight. */
        const uint32_t back = roll(workload, 1 + roll(workload, count));
        return recent->deeds[(recent->count - 1 - back) % HF_WORK_RECENT_MAX];
    }
    for (uint32_t tries = 0; tries < 80; tries++) {
        const uint32_t client = roll(workload, history->clients_count);
        if (workload->known_counts[client] > 0) {
            const uint32_t index =
                client * history->deeds_max + roll(workload, workload->known_counts[client]);
            if (opened_by(&history->deeds[index]) == thing) {
                return index;
            }
        }
    }
    return HF_DEED_NONE;
}

/* Some lines of what the deed is about, not more than was asked for; one in `whole_in` is about all
 * of it. */
static void choose_part(struct hf_workload *workload, struct hf_deed *deed, uint32_t whole_in)
{
    const struct hf_deed *opened = &workload->history->deeds[deed->target];
    if (roll(workload, whole_in) == 0) {
        return;
    }
    deed->lines_count = (uint8_t)(1 + roll(workload, opened->lines_count));
    for (uint32_t i = 0; i < deed->lines_count; i++) {
        deed->lines[i].cell = opened->lines[i].cell;
        deed->lines[i].units = 1 + (int32_t)roll(workload, (uint32_t)opened->lines[i].units);
    }
}

/* Lines of a transfer or inbound shipment, which name SKUs and share their locations. */
static void choose_goods(struct hf_workload *workload, struct hf_deed *deed, uint32_t index)
{
    const bool is_transfer = deed->kind == HF_KIND_TRANSFER_CREATE;

    choose_order(workload, deed);
    deed->has_ref = roll(workload, 3) == 0;
    deed->to = (uint8_t)roll(workload, HF_DEED_LOCATIONS_COUNT);
    if (is_transfer) {
        const uint32_t on = 1 + roll(workload, HF_DEED_LOCATIONS_COUNT - 1);
        deed->from = (uint8_t)((deed->to + on) % HF_DEED_LOCATIONS_COUNT);
    }
    deed->lines_count = (uint8_t)(1 + roll(workload, HF_DEED_LINES_MAX));
    for (uint32_t i = 0; i < deed->lines_count; i++) {
        const uint32_t sku = roll(workload, 6) == 0 ? 0 : roll(workload, HF_DEED_SKUS_COUNT);
        deed->lines[i].cell = sku * HF_DEED_LOCATIONS_COUNT + deed->to;
        deed->lines[i].units = 1 + (int32_t)roll(workload, 6);
    }
    if (is_transfer) {
        deed->flags |= roll(workload, 2) == 0 ? HF_OP_SHIP : 0;
    } else {
        deed->flags |= roll(workload, 2) == 0 ? HF_OP_SELLABLE : 0;
        deed->eta_us = roll(workload, 2) == 0 ? 0 : 1 + roll(workload, UINT32_MAX);
    }
    remember(workload, is_transfer ? HF_WORK_TRANSFER : HF_WORK_INBOUND, index);
}

/* Some of what arrives is damaged, more than was under way, or all that the lines do not name. */
static void choose_arrival(struct hf_workload *workload, struct hf_deed *deed)
{
    const bool is_over = deed->kind == HF_KIND_INBOUND_RECEIVE && roll(workload, 3) == 0;

    choose_part(workload, deed, 4);
    if (deed->lines_count == 0) {
        return;
    }
    deed->flags |= roll(workload, 3) == 0 ? HF_OP_REST : 0;
    deed->flags |= roll(workload, 2) == 0 ? HF_OP_DAMAGED : 0;
    for (uint32_t i = 0; i < deed->lines_count; i++) {
        deed->lines[i].units += is_over ? (int32_t)roll(workload, 4) : 0;
        if ((deed->flags & HF_OP_DAMAGED) != 0) {
            deed->lines[i].damaged = (int32_t)roll(workload, (uint32_t)deed->lines[i].units + 1);
            deed->lines[i].units -= deed->lines[i].damaged;
        }
    }
}

/* Levels of cells that differ: a cell may not be named twice. */
static void choose_levels(struct hf_workload *workload, struct hf_deed *deed)
{
    const uint32_t way = roll(workload, 3);
    const uint32_t place = roll(workload, HF_DEED_LOCATIONS_COUNT);

    deed->lines_count = (uint8_t)(1 + (roll(workload, 3) == 0 ? roll(workload, 4) : 0));
    for (uint32_t i = 0; i < deed->lines_count; i++) {
        const uint32_t sku = roll(workload, 2) == 0 ? 0 : roll(workload, HF_DEED_SKUS_COUNT);
        deed->lines[i].cell = sku * HF_DEED_LOCATIONS_COUNT + (place + i) % HF_DEED_LOCATIONS_COUNT;
        for (uint32_t j = 0; j < i; j++) {
            if (deed->lines[j].cell == deed->lines[i].cell) {
                deed->lines_count = (uint8_t)i;
                return;
            }
        }
        deed->lines[i].units = (int32_t)roll(workload, 3 * HOT_UNITS);
    }
    if (way == 0) {
        const uint64_t back = roll(workload, 60);
        deed->flags |= HF_OP_AS_OF_LSN;
        deed->as_of = deed->floor_lsn > back ? deed->floor_lsn - back : 0;
    } else if (way == 1 && workload->past_us != 0) {
        deed->flags |= HF_OP_AS_OF_TIME;
        deed->as_of = workload->past_us - roll(workload, workload->short_ttl_us_max);
    }
}

/* The client's deed before, asked as another one: its level is there already, as a rule. */
static bool repeat_level(struct hf_workload *workload, struct hf_deed *deed, uint32_t index)
{
    const struct hf_deed *before = deed - 1;

    if (index % workload->history->deeds_max == 0 || before->kind != HF_KIND_SET ||
        roll(workload, 4) != 0) {
        return false;
    }
    deed->flags = before->flags & (HF_OP_AS_OF_LSN | HF_OP_AS_OF_TIME);
    deed->as_of = before->as_of;
    deed->lines_count = before->lines_count;
    memcpy(deed->lines, before->lines, sizeof deed->lines);
    return true;
}

/* From which status, and to which other. */
static void choose_statuses(struct hf_workload *workload, struct hf_deed *deed)
{
    const uint32_t from = roll(workload, 3);

    deed->from_status = (uint8_t)(HF_STATUS_SELLABLE + from);
    if (deed->kind == HF_KIND_MOVE_STATUS) {
        deed->to_status = (uint8_t)(HF_STATUS_SELLABLE + (from + 1 + roll(workload, 2)) % 3);
    }
    deed->reason = HF_REASON_QUALITY;
    choose_lines(workload, deed, 3);
}

/* ------------------------------------------------------------------ deeds */

static const struct {
    enum hf_kind kind;
    uint32_t weight;
    enum hf_work_thing about; /* HF_WORK_THINGS: nothing that was opened */
} kinds[] = {
    {HF_KIND_RECEIVE, 10, HF_WORK_THINGS},
    {HF_KIND_ADJUST, 5, HF_WORK_THINGS},
    {HF_KIND_SELL, 7, HF_WORK_THINGS},
    {HF_KIND_RESERVE, 18, HF_WORK_THINGS},
    {HF_KIND_REPLACE, 4, HF_WORK_HOLD},
    {HF_KIND_CONFIRM, 9, HF_WORK_HOLD},
    {HF_KIND_EXTEND, 3, HF_WORK_HOLD},
    {HF_KIND_RELEASE, 4, HF_WORK_HOLD},
    {HF_KIND_FULFIL, 7, HF_WORK_HOLD},
    {HF_KIND_RELEASE_ORDER, 1, HF_WORK_THINGS},
    {HF_KIND_SET, 3, HF_WORK_THINGS},
    {HF_KIND_MOVE_STATUS, 3, HF_WORK_THINGS},
    {HF_KIND_DISPOSE, 2, HF_WORK_THINGS},
    {HF_KIND_TRANSFER_CREATE, 5, HF_WORK_THINGS},
    {HF_KIND_TRANSFER_SHIP, 4, HF_WORK_TRANSFER},
    {HF_KIND_TRANSFER_RECEIVE, 6, HF_WORK_TRANSFER},
    {HF_KIND_TRANSFER_CANCEL, 1, HF_WORK_TRANSFER},
    {HF_KIND_TRANSFER_CLOSE, 2, HF_WORK_TRANSFER},
    {HF_KIND_INBOUND_CREATE, 2, HF_WORK_THINGS},
    {HF_KIND_INBOUND_RECEIVE, 3, HF_WORK_INBOUND},
    {HF_KIND_INBOUND_CANCEL, 1, HF_WORK_INBOUND},
};

/* What the frame's deeds are: a row of `kinds`. */
static uint32_t choose_row(struct hf_workload *workload)
{
    uint32_t at = roll(workload, 100);
    for (uint32_t i = 0;; i++) {
        HF_ASSERT(i < sizeof kinds / sizeof kinds[0]);
        if (at < kinds[i].weight) {
            return i;
        }
        at -= kinds[i].weight;
    }
}

static void fill_stock(struct hf_workload *workload, uint32_t index)
{
    struct hf_deed *deed = &workload->history->deeds[index];

    switch ((enum hf_kind)deed->kind) {
    case HF_KIND_RECEIVE:
        deed->reason = HF_REASON_PURCHASE;
        deed->to_status = (uint8_t)(roll(workload, 4) == 0 ? 1 + roll(workload, 3) : 0);
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
    case HF_KIND_SET:
        if (!repeat_level(workload, deed, index)) {
            choose_levels(workload, deed);
        }
        break;
    default:
        choose_statuses(workload, deed);
        break;
    }
}

static void fill_hold(struct hf_workload *workload, uint32_t index)
{
    struct hf_deed *deed = &workload->history->deeds[index];

    switch ((enum hf_kind)deed->kind) {
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
        choose_part(workload, deed, 2);
        break;
    case HF_KIND_FULFIL:
        choose_part(workload, deed, 2);
        deed->flags |= roll(workload, 3) == 0 ? HF_OP_RELEASE_REST : 0;
        break;
    case HF_KIND_RELEASE_ORDER:
        deed->order = 1 + roll(workload, ORDERS_COUNT);
        break;
    default:
        break; /* confirm: nothing but the reservation */
    }
}

static void fill_shipment(struct hf_workload *workload, uint32_t index)
{
    struct hf_deed *deed = &workload->history->deeds[index];

    switch ((enum hf_kind)deed->kind) {
    case HF_KIND_TRANSFER_CREATE:
    case HF_KIND_INBOUND_CREATE:
        choose_goods(workload, deed, index);
        break;
    case HF_KIND_TRANSFER_RECEIVE:
    case HF_KIND_INBOUND_RECEIVE:
        deed->reason = HF_REASON_PURCHASE;
        choose_arrival(workload, deed);
        break;
    case HF_KIND_TRANSFER_CLOSE:
        deed->reason = HF_REASON_LOSS;
        break;
    default:
        choose_part(workload, deed, 3); /* ship, cancel */
        break;
    }
}

/* False: there is nothing yet that it could be about. */
static bool fill(struct hf_workload *workload, uint32_t index, uint32_t row)
{
    struct hf_deed *deed = &workload->history->deeds[index];
    const enum hf_kind kind = kinds[row].kind;

    deed->kind = (uint8_t)kind;
    deed->has_ref = true;
    if (kinds[row].about != HF_WORK_THINGS) {
        /* Now and then a thing of another kind: its id is not known as this one. */
        const uint32_t other = roll(workload, 40) == 0 ? 1 + roll(workload, 2) : 0;
        deed->target = choose_target(workload, (kinds[row].about + other) % HF_WORK_THINGS);
        if (deed->target == HF_DEED_NONE) {
            return false;
        }
    }
    if (kind >= HF_KIND_TRANSFER_CREATE) {
        fill_shipment(workload, index);
    } else if (kind <= HF_KIND_SELL || kind >= HF_KIND_SET) {
        fill_stock(workload, index);
    } else {
        fill_hold(workload, index);
    }
    return true;
}

/* Link some neighbours: groups of two or three. Not sets, which may change nothing and are then
 * not asked again with their group. */
static void link_some(struct hf_workload *workload, uint32_t first, uint32_t count)
{
    struct hf_deed *deeds = workload->history->deeds;
    uint32_t linked = 0;

    if (deeds[first].kind == HF_KIND_SET || roll(workload, 6) != 0) {
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
    const uint32_t row = choose_row(workload);
    const uint32_t wanted = 1 + (roll(workload, 2) == 0 ? 0 : roll(workload, HF_WORK_FRAME_MAX));
    uint32_t count = 0;

    *first = 0;
    while (count < wanted) {
        const uint32_t index = hf_history_add(history, workload->client);
        if (index == HF_DEED_NONE) {
            break;
        }
        if (!fill(workload, index, row)) {
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

    if (*cell == HF_DEED_CELLS_COUNT) {
        /* What is on its way to the last location may not be sold before it is there. */
        *first = hf_history_add(workload->history, workload->client);
        HF_ASSERT(*first != HF_DEED_NONE);
        struct hf_deed *deed = &workload->history->deeds[*first];
        deed->kind = HF_KIND_SET_LOCATION;
        deed->has_ref = true;
        deed->lines_count = 1;
        deed->lines[0].cell = HF_DEED_LOCATIONS_COUNT - 1;
        (*cell)++;
        return 1;
    }
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
