#include "tests/lib/journey.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/assert.h"
#include "tests/lib/history.h"

enum step { CREATE, SHIP_SOME, SHIP_REST, RECEIVE_PART, RECEIVE_ALL, RECEIVE_REST, CANCEL, CLOSE };

static void add_step(struct hf_journey *journey, enum step step)
{
    HF_ASSERT(journey->steps_count < HF_JOURNEY_STEPS_MAX);
    journey->steps[journey->steps_count++] = (uint8_t)step;
}

static enum step choose_end(const struct hf_journey *journey, uint64_t *random)
{
    static const enum step ends[] = {CANCEL, CLOSE, RECEIVE_ALL, RECEIVE_REST};
    /* What was never shipped is only ended by the first two. */
    const enum step end = ends[hf_random(random, journey->is_short ? 2 : 4)];
    return end == CLOSE && journey->is_inbound ? CANCEL : end;
}

void hf_journey_init(struct hf_journey *journey, uint32_t number)
{
    uint64_t random = number;
    const uint32_t spread = HF_JOURNEY_LINES_MAX - HF_JOURNEY_LINES_MIN;

    *journey = (struct hf_journey){.number = number};
    journey->lines_count = HF_JOURNEY_LINES_MIN + hf_random(&random, spread + 1);
    journey->parts_count = 1 + hf_random(&random, 3);
    journey->shop = hf_random(&random, HF_JOURNEY_SHOPS_COUNT);
    journey->is_inbound = hf_random(&random, 4) == 0;
    journey->is_draft = !journey->is_inbound && hf_random(&random, 2) == 0;
    journey->is_short = journey->is_draft && hf_random(&random, 3) == 0;
    add_step(journey, CREATE);
    if (journey->is_draft) {
        add_step(journey, SHIP_SOME);
    }
    if (journey->is_draft && !journey->is_short) {
        add_step(journey, SHIP_REST);
    }
    for (uint32_t i = 0; i < journey->parts_count; i++) {
        add_step(journey, RECEIVE_PART);
    }
    add_step(journey, choose_end(journey, &random));
}

/* ------------------------------------------------------------------ lines */

void hf_journey_id(const struct hf_journey *journey, char id[HF_JOURNEY_NAME_BYTES])
{
    (void)snprintf(id, HF_JOURNEY_NAME_BYTES, "trip-%" PRIu32, journey->number);
}

uint32_t hf_journey_sku(const struct hf_journey *journey, uint32_t line)
{
    return (journey->number * 7 + line) % HF_JOURNEY_SKUS_COUNT;
}

int64_t hf_journey_units(const struct hf_journey *journey, uint32_t line)
{
    return 1 + (journey->number + line * 5) % 9;
}

/* Shipped by SHIP_SOME. */
static bool leaves_first(uint32_t line)
{
    return line / 8 % 2 == 0;
}

/* What a step that names lines says of one. */
struct named {
    int64_t units, damaged;
};

/* A part has every line once; what the last part would have is left for the end, but for one unit
 * that comes with part 0, so that there are lines received in several goes. */
static struct named named_by_part(const struct hf_journey *journey, uint32_t part, uint32_t line)
{
    const uint32_t turn = line % (journey->parts_count + 1);
    const int64_t units = hf_journey_units(journey, line);

    if (journey->is_short && !leaves_first(line)) {
        return (struct named){0};
    }
    if (turn == part) {
        const int64_t damaged = units % 3 == 0 ? 1 : 0;
        return (struct named){units - damaged, damaged};
    }
    return (struct named){part == 0 && turn == journey->parts_count && units > 1 ? 1 : 0, 0};
}

/* The line that RECEIVE_REST names; it has at least one unit under way then. */
static uint32_t line_of_rest(const struct hf_journey *journey)
{
    return journey->parts_count;
}

/* The part that a RECEIVE_PART is. */
static uint32_t part_of(const struct hf_journey *journey, uint32_t step)
{
    uint32_t part = 0;
    for (uint32_t i = 0; i < step; i++) {
        part += journey->steps[i] == RECEIVE_PART ? 1 : 0;
    }
    return part;
}

static struct named named_by(const struct hf_journey *journey, uint32_t step, uint32_t line)
{
    switch ((enum step)journey->steps[step]) {
    case CREATE:
        return (struct named){hf_journey_units(journey, line), 0};
    case SHIP_SOME:
        return (struct named){leaves_first(line) ? hf_journey_units(journey, line) : 0, 0};
    case RECEIVE_PART:
        return named_by_part(journey, part_of(journey, step), line);
    case RECEIVE_REST:
        return (struct named){0, line == line_of_rest(journey) ? 1 : 0};
    default:
        return (struct named){0};
    }
}

/* ------------------------------------------------------------------ asking */

void hf_journey_call_init(struct hf_journey_call *call)
{
    for (uint32_t i = 0; i < HF_JOURNEY_SKUS_COUNT; i++) {
        (void)snprintf(call->skus[i], sizeof call->skus[i], "item-%" PRIu32, i);
    }
}

static void fill_op(const struct hf_journey *journey, enum step step, struct holdfast_op *op)
{
    const bool is_inbound = journey->is_inbound;

    switch (step) {
    case CREATE:
        op->kind = is_inbound ? HOLDFAST_INBOUND_CREATE : HOLDFAST_TRANSFER_CREATE;
        op->flags = is_inbound || journey->is_draft ? 0 : HOLDFAST_SHIP;
        op->from = is_inbound ? NULL : HF_JOURNEY_DEPOT;
        break;
    case SHIP_SOME:
    case SHIP_REST:
        op->kind = HOLDFAST_TRANSFER_SHIP;
        break;
    case RECEIVE_PART:
    case RECEIVE_ALL:
    case RECEIVE_REST:
        op->kind = is_inbound ? HOLDFAST_INBOUND_RECEIVE : HOLDFAST_TRANSFER_RECEIVE;
        op->flags = step == RECEIVE_ALL ? 0 : HOLDFAST_WITH_DAMAGED;
        op->flags |= step == RECEIVE_REST ? HOLDFAST_REST : 0;
        break;
    case CANCEL:
        op->kind = is_inbound ? HOLDFAST_INBOUND_CANCEL : HOLDFAST_TRANSFER_CANCEL;
        op->reason = HOLDFAST_CORRECTION;
        break;
    case CLOSE:
        op->kind = HOLDFAST_TRANSFER_CLOSE;
        op->reason = HOLDFAST_LOSS;
        break;
    }
}

void hf_journey_ask(const struct hf_journey *journey, uint32_t step, struct hf_journey_call *call)
{
    HF_ASSERT(step < journey->steps_count);
    hf_journey_id(journey, call->id);
    call->op = (struct holdfast_op){.id = call->id};
    fill_op(journey, (enum step)journey->steps[step], &call->op);
    if (step == 0) {
        (void)snprintf(call->shop, sizeof call->shop, "shop-%" PRIu32, journey->shop);
        call->op.to = call->shop;
    }
    if (step > 0 || journey->number % 2 == 0) { /* else the id is the reference */
        (void)snprintf(call->ref, sizeof call->ref, "trip-%" PRIu32 ".%" PRIu32, journey->number,
                       step);
        call->op.ref = call->ref;
    }
    for (uint32_t i = 0; i < journey->lines_count; i++) {
        const struct named named = named_by(journey, step, i);
        if (named.units + named.damaged > 0) {
            call->lines[call->op.lines_count++] =
                (struct holdfast_line){.sku = call->skus[hf_journey_sku(journey, i)],
                                       .units = named.units,
                                       .damaged = named.damaged};
        }
    }
    call->op.lines = call->op.lines_count == 0 ? NULL : call->lines;
}

void hf_journey_ask_opening(struct hf_journey_call *call)
{
    for (uint32_t i = 0; i < HF_JOURNEY_SKUS_COUNT; i++) {
        call->lines[i] = (struct holdfast_line){
            .sku = call->skus[i], .location = HF_JOURNEY_DEPOT, .units = HF_JOURNEY_OPENING};
    }
    call->op = (struct holdfast_op){.kind = HOLDFAST_RECEIVE,
                                    .reason = HOLDFAST_OPENING,
                                    .ref = "opening",
                                    .lines = call->lines,
                                    .lines_count = HF_JOURNEY_SKUS_COUNT};
}

/* ------------------------------------------------------------------ what comes of it */

static void move_units(int64_t *figures, enum hf_journey_figure from, enum hf_journey_figure to,
                       int64_t units)
{
    figures[from] -= units;
    figures[to] += units;
    HF_ASSERT(figures[from] >= 0);
}

static void do_step(const struct hf_journey *journey, uint32_t step, uint32_t line,
                    int64_t *figures)
{
    const struct named named = named_by(journey, step, line);
    const bool is_under_way = journey->is_inbound || !journey->is_draft;

    switch ((enum step)journey->steps[step]) {
    case CREATE:
        figures[is_under_way ? HF_JOURNEY_UNDER_WAY : HF_JOURNEY_UNSHIPPED] = named.units;
        break;
    case SHIP_SOME:
        move_units(figures, HF_JOURNEY_UNSHIPPED, HF_JOURNEY_UNDER_WAY, named.units);
        break;
    case SHIP_REST:
        move_units(figures, HF_JOURNEY_UNSHIPPED, HF_JOURNEY_UNDER_WAY,
                   figures[HF_JOURNEY_UNSHIPPED]);
        break;
    case RECEIVE_PART:
        move_units(figures, HF_JOURNEY_UNDER_WAY, HF_JOURNEY_RECEIVED, named.units);
        move_units(figures, HF_JOURNEY_UNDER_WAY, HF_JOURNEY_DAMAGED, named.damaged);
        break;
    case RECEIVE_ALL:
    case RECEIVE_REST:
        move_units(figures, HF_JOURNEY_UNDER_WAY, HF_JOURNEY_DAMAGED, named.damaged);
        move_units(figures, HF_JOURNEY_UNDER_WAY, HF_JOURNEY_RECEIVED,
                   figures[HF_JOURNEY_UNDER_WAY]);
        break;
    case CANCEL:
    case CLOSE:
        move_units(figures, HF_JOURNEY_UNSHIPPED, HF_JOURNEY_CANCELLED,
                   figures[HF_JOURNEY_UNSHIPPED]);
        move_units(figures, HF_JOURNEY_UNDER_WAY,
                   journey->steps[step] == CANCEL ? HF_JOURNEY_CANCELLED : HF_JOURNEY_LOST,
                   figures[HF_JOURNEY_UNDER_WAY]);
        break;
    }
}

enum holdfast_state hf_journey_after(const struct hf_journey *journey, uint32_t steps_count,
                                     int64_t figures[HF_JOURNEY_LINES_MAX][HF_JOURNEY_FIGURES])
{
    HF_ASSERT(steps_count >= 1);
    HF_ASSERT(steps_count <= journey->steps_count);

    memset(figures, 0, journey->lines_count * sizeof figures[0]);
    for (uint32_t i = 0; i < steps_count; i++) {
        for (uint32_t line = 0; line < journey->lines_count; line++) {
            do_step(journey, i, line, figures[line]);
        }
    }
    if (steps_count == journey->steps_count) {
        const enum step end = (enum step)journey->steps[steps_count - 1];
        return end == CANCEL  ? HOLDFAST_CANCELLED
               : end == CLOSE ? HOLDFAST_CLOSED
                              : HOLDFAST_RECEIVED;
    }
    return steps_count == 1 && journey->is_draft ? HOLDFAST_DRAFT : HOLDFAST_IN_TRANSIT;
}

static int32_t number_after(const char *prefix, const char *name, uint32_t end)
{
    const size_t prefix_bytes = strlen(prefix);
    if (strncmp(name, prefix, prefix_bytes) != 0) {
        return -1;
    }
    const unsigned long number = strtoul(name + prefix_bytes, NULL, 10);
    return number < end ? (int32_t)number : -1;
}

int32_t hf_journey_sku_of(const char *name)
{
    return number_after("item-", name, HF_JOURNEY_SKUS_COUNT);
}

int32_t hf_journey_shop_of(const char *name)
{
    return number_after("shop-", name, HF_JOURNEY_SHOPS_COUNT);
}
