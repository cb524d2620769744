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

/* A reading of one state, while operations go on: what the model was when it began. */
struct hf_run_frozen {
    bool is_on;
    bool is_small; /* so little memory that the reading may be lost */
    uint64_t lsn;
    struct hf_model *model; /* as of then; only to be asked */
    enum hf_frozen_section section;
    struct hf_frozen_cursor cursor;
    uint32_t rows_count; /* seen of the section */
    uint64_t rows_hash;  /* of what they are about, in any order */
};

/* A snapshot in steps, while operations go on: what the engine was when it began. */
struct hf_run_steps {
    bool is_on;
    bool is_small; /* so little memory that it may be lost */
    uint64_t lsn;
    struct hf_digest digest;
    struct hf_run_name {
        uint32_t kind; /* of hf_name_kind */
        uint8_t bytes_count;
        char bytes[HF_CODE_BYTES_MAX];
    } * names; /* that may be forgotten */
    uint64_t names_count;
    unsigned char *stream; /* copied so far */
    size_t bytes_count;
};

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
    struct hf_run_frozen frozen;
    struct hf_run_steps steps;
    /* The stock table by what events alone tell, and what each record has told. */
    int64_t table[HF_MODEL_SKUS_MAX][HF_MODEL_LOCATIONS_MAX][HF_COUNTERS_COUNT];
    uint64_t *told_hashes; /* of LSN n: told_hashes[n - 1] */
    uint32_t told_count, told_room;
    uint64_t steps_count; /* done */
    uint64_t ops_count;
    uint64_t outcomes_count[HF_OUTCOMES_COUNT];
    uint64_t repeats_count;
    uint64_t alerts_count[HF_EVENT_KINDS_END];
    uint64_t kinds_count[HF_KINDS_COUNT]; /* done */
    uint64_t readings_count, lost_readings_count;
    uint64_t snapshots_count, lost_snapshots_count;
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
void hf_run_compare_view(struct hf_run *run, const struct hf_model *model,
                         const struct hf_cell_view *view, const struct hf_model_cell *cell);
void hf_run_compare_reservation_head(struct hf_run *run, const struct hf_reservation_view *view,
                                     const struct hf_model_reservation *want);
/* model_shipments.c: what is on its way, and what lacks. */
void hf_run_compare_shipment(struct hf_run *run, enum hf_shipment_kind kind, struct hf_text id);
void hf_run_compare_shipment_head(struct hf_run *run, const struct hf_shipment_view *view,
                                  const struct hf_model_shipment *want);
bool hf_run_is_shipment_line_right(const struct hf_model *model,
                                   const struct hf_shipment_line_view *view,
                                   const struct hf_model_shipment_line *want);
void hf_run_compare_shipments(struct hf_run *run);
void hf_run_compare_shortages(struct hf_run *run);
/* P6 by the engine's own figures: units on their way, and those that operations brought. */
void hf_run_conserve(struct hf_run *run);
/* model_events.c: the events of the records after `before_lsn`, and of an old one once more. */
void hf_run_compare_events(struct hf_run *run, uint64_t before_lsn);
void hf_run_compare_events_again(struct hf_run *run);
/* model_frozen.c: begin a reading, or read on; end it, whatever became of it. */
void hf_run_read_frozen(struct hf_run *run);
void hf_run_end_frozen(struct hf_run *run);
/* model_steps.c: begin a snapshot in steps, or copy on; end it, whatever became of it. */
void hf_run_copy_on(struct hf_run *run);
void hf_run_end_snapshot(struct hf_run *run);
/* model_history.c: ledger queries against the model's moves. */
void hf_run_compare_ledger(struct hf_run *run);

#endif
