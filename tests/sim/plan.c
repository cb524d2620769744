#include "tests/sim/plan.h"

#include <inttypes.h>
#include <stdio.h>

#include "engine/assert.h"

#define STEPS_MAX 500u    /* between two deaths */
#define FILLED_ONE_IN 40u /* such runs take twenty times as long */
#define HOUR_US INT64_C(3600000000)

struct maker {
    struct hf_plan *plan;
    uint64_t random;
    uint32_t life;
    bool is_wanted[HF_FAULTS_COUNT];
};

static uint32_t roll(struct maker *maker, uint32_t sides)
{
    return hf_random(&maker->random, sides);
}

/* Faults stand in the order of their steps. */
static struct hf_fault *add(struct maker *maker, enum hf_fault_kind kind, uint32_t step,
                            int64_t amount)
{
    struct hf_plan *plan = maker->plan;
    struct hf_life *life = &plan->lives[maker->life];
    uint32_t at = plan->faults_count++;

    HF_ASSERT(plan->faults_count <= HF_PLAN_FAULTS_MAX);
    while (at > life->faults_first && plan->faults[at - 1].step > step) {
        plan->faults[at] = plan->faults[at - 1];
        at--;
    }
    life->faults_count++;
    plan->faults[at] =
        (struct hf_fault){.kind = kind, .life = maker->life, .step = step, .amount = amount};
    return &plan->faults[at];
}

/* Recovery may be cut off several times. */
static void add_boots(struct maker *maker)
{
    static const enum hf_fault_kind kinds[] = {HF_FAULT_BOOT_POWER, HF_FAULT_BOOT_READ,
                                               HF_FAULT_BOOT_PROCESS};

    for (uint32_t i = 0; i < 3 && roll(maker, 4) == 0; i++) {
        enum hf_fault_kind kind = kinds[roll(maker, 3)];
        if (kind == HF_FAULT_BOOT_POWER && maker->plan->is_process_only) {
            kind = HF_FAULT_BOOT_PROCESS;
        }
        struct hf_fault *fault = add(maker, kind, 0, 1 + roll(maker, 40));
        fault->who = HF_END_DROP + roll(maker, HF_NODE_ENDS_COUNT - 1);
    }
}

/* How the life ends early, if it does. */
static void add_end(struct maker *maker)
{
    switch (roll(maker, 5)) {
    case 0:
        if (!maker->plan->is_process_only) {
            add(maker, HF_FAULT_POWER, 0, 1 + roll(maker, 40));
        }
        break;
    case 1:
        if (!maker->plan->is_process_only) {
            add(maker, HF_FAULT_ERROR, 0, 1 + roll(maker, 40));
        }
        break;
    case 2:
        add(maker, HF_FAULT_PROCESS, 0, 1 + roll(maker, 60));
        break;
    case 3:
        add(maker, HF_FAULT_READ, 0, 1 + roll(maker, 10));
        break;
    default:
        break;
    }
}

static int64_t choose_jump(struct maker *maker)
{
    static const int64_t reaches[] = {1000, 50000, 1000000, HOUR_US, 20 * 24 * HOUR_US};
    const int64_t reach = reaches[roll(maker, sizeof reaches / sizeof reaches[0])];
    const int64_t jump = 1 + (int64_t)roll(maker, 1000000) * (reach / 1000) / 1000;
    return roll(maker, 2) == 0 ? jump : -jump;
}

static void add_of_kind(struct maker *maker, enum hf_fault_kind kind, uint32_t steps)
{
    const uint32_t step = roll(maker, steps + 1);
    struct hf_fault *fault;

    switch (kind) {
    case HF_FAULT_FULL:
        fault = add(maker, kind, step, roll(maker, 4) == 0 ? 0 : roll(maker, 200000));
        fault->length = 20 + roll(maker, 300);
        return;
    case HF_FAULT_SLOW:
        fault = add(maker, kind, step, 0);
        fault->length = 20 + roll(maker, 200);
        return;
    case HF_FAULT_ROT:
        fault = add(maker, kind, steps, roll(maker, 1000000000));
        fault->length = roll(maker, 4) == 0 ? 2 + roll(maker, 2) : 1;
        return;
    case HF_FAULT_STRAY:
        fault = add(maker, kind, 0, 1 + roll(maker, 60));
        fault->length = roll(maker, 1000000000);
        return;
    case HF_FAULT_CLOCK:
        add(maker, kind, roll(maker, 3) == 0 ? 0 : step, choose_jump(maker));
        return;
    default:
        fault = add(maker, kind, step, 0);
        fault->who = roll(maker, maker->plan->clients_count + 1);
        fault->length = kind == HF_FAULT_BREAK ? roll(maker, 3) : 20 + roll(maker, 200);
        return;
    }
}

/* How many of a kind a life has at most, and how seldom it has them. */
static const struct {
    enum hf_fault_kind kind;
    uint32_t count_max;
    uint32_t one_in;
} often[] = {
    {HF_FAULT_FULL, 1, 3},  {HF_FAULT_SLOW, 2, 2},  {HF_FAULT_ROT, 1, 2},  {HF_FAULT_STRAY, 1, 3},
    {HF_FAULT_CLOCK, 2, 2}, {HF_FAULT_BREAK, 5, 1}, {HF_FAULT_LATE, 2, 2}, {HF_FAULT_REPEAT, 6, 1},
};

static void make_life(struct maker *maker)
{
    struct hf_plan *plan = maker->plan;
    struct hf_life *life = &plan->lives[maker->life];

    life->faults_first = plan->faults_count;
    life->steps = roll(maker, 4) == 0 ? roll(maker, 30) : 50 + roll(maker, STEPS_MAX);
    life->end =
        plan->is_process_only ? HF_END_KILL : (enum hf_node_end)roll(maker, HF_NODE_ENDS_COUNT);
    if (plan->is_filled && maker->life == 0 && roll(maker, 2) == 0) {
        /* At once: the next segment has not been made yet. */
        add(maker, HF_FAULT_FULL, 0, roll(maker, 200000))->length = 50 + roll(maker, 300);
    }
    add_boots(maker);
    add_end(maker);
    for (size_t i = 0; i < sizeof often / sizeof often[0]; i++) {
        if (!maker->is_wanted[often[i].kind] || roll(maker, often[i].one_in) != 0) {
            continue;
        }
        for (uint32_t left = 1 + roll(maker, often[i].count_max); left > 0; left--) {
            add_of_kind(maker, often[i].kind, life->steps);
        }
    }
}

void hf_plan_make(struct hf_plan *plan, uint64_t seed)
{
    struct maker maker = {.plan = plan, .random = seed ^ UINT64_C(0xA0761D6478BD642F)};

    *plan = (struct hf_plan){.durability = HF_DURABILITY_SYNC};
    plan->snapshots_kept = 1 + roll(&maker, 3);
    plan->snapshot_log_bytes = roll(&maker, 3) == 0 ? 0 : 2000 + roll(&maker, 30000);
    plan->clients_count = 2 + roll(&maker, HF_PLAN_CLIENTS_MAX - 1);
    if (roll(&maker, 6) == 0) {
        plan->is_process_only = true;
        plan->durability = roll(&maker, 2) == 0 ? HF_DURABILITY_INTERVAL : HF_DURABILITY_NONE;
    }
    for (size_t i = 0; i < sizeof often / sizeof often[0]; i++) {
        maker.is_wanted[often[i].kind] = roll(&maker, 2) == 0;
    }
    if (plan->is_process_only) { /* what was not synced may not be promised to a damaged disk */
        maker.is_wanted[HF_FAULT_ROT] = false;
        maker.is_wanted[HF_FAULT_STRAY] = false;
    }
    plan->is_filled = roll(&maker, FILLED_ONE_IN) == 0;
    if (plan->is_filled) {
        maker.is_wanted[HF_FAULT_FULL] = true;
    }
    plan->lives_count = 2 + roll(&maker, plan->is_filled ? 3 : HF_PLAN_LIVES_MAX - 2);
    for (; maker.life < plan->lives_count; maker.life++) {
        make_life(&maker);
    }
}

uint32_t hf_plan_steps(const struct hf_plan *plan)
{
    uint32_t steps = 0;
    for (uint32_t i = 0; i < plan->lives_count; i++) {
        steps += plan->lives[i].steps;
    }
    return steps;
}

const char *hf_fault_text(enum hf_fault_kind kind)
{
    static const char *const texts[HF_FAULTS_COUNT] = {
#define HF_FAULT_TEXT(name, text) text,
        HF_FAULT_MAP(HF_FAULT_TEXT)
#undef HF_FAULT_TEXT
    };
    return texts[kind];
}

void hf_fault_describe(const struct hf_plan *plan, uint32_t index, char *text, size_t text_bytes)
{
    const struct hf_fault *fault = &plan->faults[index];
    (void)snprintf(text, text_bytes,
                   "fault %" PRIu32 ", life %" PRIu32 ", step %" PRIu32 ": %s (amount %" PRId64
                   ", length %" PRIu32 ", who %" PRIu32 ")",
                   index, fault->life, fault->step, hf_fault_text(fault->kind), fault->amount,
                   fault->length, fault->who);
}
