#include "tests/sim/shrink.h"

#include <string.h>

struct shrinking {
    struct hf_sim_options options;
    struct hf_shrunk *shrunk;
    uint32_t faults_count;
};

/* Does it fail with this cut? Then it is the new one. */
static bool try_cut(struct shrinking *shrinking, const struct hf_plan_cut *cut)
{
    struct hf_sim_report report = {0};
    struct hf_sim_options options = shrinking->options;

    if (shrinking->shrunk->tries_count == HF_SHRINK_TRIES_MAX) {
        return false;
    }
    shrinking->shrunk->tries_count++;
    options.cut = cut;
    options.trace = NULL;
    if (hf_sim_run(&options, &report)) {
        return false;
    }
    shrinking->shrunk->cut = *cut;
    memcpy(shrinking->shrunk->violation, report.violation, sizeof report.violation);
    return true;
}

/* Fewer steps, as far as halving what is between a good and a bad number goes. */
static bool cut_steps(struct shrinking *shrinking)
{
    const uint32_t before = shrinking->shrunk->cut.steps_max;
    uint32_t good = 0;

    while (shrinking->shrunk->cut.steps_max > good + 1) {
        struct hf_plan_cut cut = shrinking->shrunk->cut;
        cut.steps_max = good + (cut.steps_max - good) / 2;
        if (!try_cut(shrinking, &cut)) {
            good = cut.steps_max;
        }
    }
    return shrinking->shrunk->cut.steps_max < before;
}

/* Without some of the faults: halves first, then ever smaller runs of them. */
static bool leave_out(struct shrinking *shrinking)
{
    bool has_gone = false;

    for (uint32_t size = shrinking->faults_count; size > 0; size /= 2) {
        for (uint32_t first = 0; first < shrinking->faults_count; first += size) {
            struct hf_plan_cut cut = shrinking->shrunk->cut;
            bool is_less = false;
            for (uint32_t i = first; i < first + size && i < shrinking->faults_count; i++) {
                is_less |= cut.is_kept[i];
                cut.is_kept[i] = false;
            }
            has_gone |= is_less && try_cut(shrinking, &cut);
        }
    }
    return has_gone;
}

void hf_shrink(const struct hf_sim_options *options, struct hf_shrunk *shrunk)
{
    struct shrinking shrinking = {.options = *options, .shrunk = shrunk};
    struct hf_plan plan;

    hf_plan_make(&plan, options->seed);
    shrinking.faults_count = plan.faults_count;
    *shrunk = (struct hf_shrunk){0};
    struct hf_plan_cut cut = {0};
    if (options->cut != NULL) {
        cut = *options->cut;
    }
    if (cut.steps_max == 0) {
        cut.steps_max = hf_plan_steps(&plan);
    }
    for (uint32_t i = 0; i < plan.faults_count && !cut.has_faults; i++) {
        cut.is_kept[i] = true;
    }
    cut.has_faults = true;
    if (!try_cut(&shrinking, &cut)) {
        return; /* it does not repeat: the caller's defect */
    }
    for (bool is_smaller = true; is_smaller;) {
        is_smaller = cut_steps(&shrinking);
        is_smaller |= leave_out(&shrinking);
    }
}
