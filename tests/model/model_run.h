/*
 * model_run.h - an engine and the model side by side, given the same steps.
 *
 *                        .--> engine ----> records --> follower (replays them)
 *     step --> expire ---|       |                         |
 *                        '--> model      every answer and all state compared; digests equal
 *
 * After each step the answers are compared field by field, then the state as far as it can be
 * asked for. The follower's digest proves replay (P7), a reload proves copy and load, the audit
 * proves P6, and a digest before and after proves that a refusal changes nothing. A digest in
 * steps, a few items after each operation, is that of the state in which it began.
 *
 * Two ways to treat due holds (M5 of reference.h). *Logged*: hf_engine_expire runs before each
 * step, so the LSNs of both sides are the same. *Left*: it runs after each step, so that the
 * engine has to see for itself which holds are over; all but LSNs are compared.
 */
#ifndef HF_TESTS_MODEL_RUN_H
#define HF_TESTS_MODEL_RUN_H

#include "tests/model/model_generate.h"
#include "tests/model/reference.h"

struct hf_run {
    struct hf_engine_config config;
    bool leaves_due;  /* due holds are left for the engine to find */
    bool is_thorough; /* every check after every step */
    struct hf_engine *engine;
    struct hf_engine *follower;
    struct hf_model *model;
    bool is_digesting; /* a digest in steps is under way, that of the state below */
    struct hf_digest digest_begun;
    uint64_t digest_lsn;
    uint64_t steps_count; /* done */
    uint64_t ops_count;
    uint64_t outcomes_count[HF_OUTCOMES_COUNT];
    uint64_t repeats_count;
    bool has_failed;
    char message[2048]; /* of the first difference */
};

void hf_run_start(struct hf_run *run, const struct hf_engine_config *config, bool leaves_due,
                  bool is_thorough);
void hf_run_end(struct hf_run *run);
/* Both sides take the step. False: they differ, and `message` says how. */
bool hf_run_step(struct hf_run *run, const struct hf_step *step);

/* Note a difference; the first one stands. */
#if defined(__GNUC__)
__attribute__((format(printf, 2, 3)))
#endif
void hf_run_fail(struct hf_run *run, const char *format, ...);

/* model_compare.c: the state of both sides, as far as it can be asked for. */
void hf_run_compare_result(struct hf_run *run, const struct hf_op *op, const struct hf_result *got,
                           const struct hf_model_result *want);
void hf_run_compare_cells(struct hf_run *run);
void hf_run_compare_codes(struct hf_run *run);
void hf_run_compare_reservation(struct hf_run *run, struct hf_text id);
void hf_run_compare_reservations(struct hf_run *run);
void hf_run_compare_orders(struct hf_run *run);
void hf_run_compare_ats(struct hf_run *run);
void hf_run_compare_list(struct hf_run *run);
void hf_run_compare_stats(struct hf_run *run);
/* model_history.c: ledger queries against the model's moves. */
void hf_run_compare_ledger(struct hf_run *run);

#endif
