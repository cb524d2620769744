/*
 * figures.h - what a run came to, as text and as one JSON object.
 */
#ifndef HF_BENCH_FIGURES_H
#define HF_BENCH_FIGURES_H

#include <stdbool.h>
#include <stdint.h>

#include "bench/load/followers.h"
#include "bench/load/load.h"
#include "bench/load/stage.h"
#include "bench/load/turns.h"

struct hf_figures {
    const struct hf_load_options *load;
    const char *durability; /* NULL: that of a server that ran already */
    const struct hf_load_result *result;
    struct hf_stage_stats stats; /* of the run, snapshot_* of the server; UINT64_MAX: not known */
    double server_cpu_s;         /* negative: not known */
    const struct hf_follower_report *followers;
    uint32_t followers_count;
    const struct hf_turns_report *turns; /* NULL: there were none */
    bool is_verified;
};

/* "reserve" */
const char *hf_scenario_name(enum hf_scenario scenario);

/* To standard output, which the caller flushes. */
void hf_figures_print_json(const struct hf_figures *figures);
void hf_figures_print_text(const struct hf_figures *figures);

#endif
