/*
 * model_run.c - see model_run.h.
 */
#include "tests/model/model_run.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/assert.h"
#include "engine/ledger.h"

void hf_run_fail(struct hf_run *run, const char *format, ...)
{
    va_list args;

    if (run->has_failed) {
        return;
    }
    run->has_failed = true;
    va_start(args, format);
    (void)vsnprintf(run->message, sizeof run->message, format, args);
    va_end(args);
}

void hf_run_start(struct hf_run *run, const struct hf_engine_config *config, bool leaves_due,
                  bool is_thorough)
{
    memset(run, 0, sizeof *run);
    run->config = *config;
    run->leaves_due = leaves_due;
    run->is_thorough = is_thorough;
    run->engine = hf_engine_create(config);
    run->follower = hf_engine_create(config);
    run->model = hf_model_create(config);
    HF_ASSERT(run->engine != NULL);
    HF_ASSERT(run->follower != NULL);
}

void hf_run_end(struct hf_run *run)
{
    hf_run_end_frozen(run);
    hf_run_end_snapshot(run);
    free(run->told_hashes);
    hf_engine_free(run->engine);
    hf_engine_free(run->follower);
    hf_model_free(run->model);
    run->engine = NULL;
    run->follower = NULL;
    run->model = NULL;
}

static bool is_digest_equal(struct hf_digest a, struct hf_digest b)
{
    return a.low == b.low && a.high == b.high;
}

/* True at every `period`-th step, and always in a thorough run. */
static bool is_due(const struct hf_run *run, uint64_t period)
{
    return run->is_thorough || run->steps_count % period == 0;
}

/* ------------------------------------------------------------------ expiry */

struct ended {
    struct hf_model_text id;
    bool is_expiry;
};

static void see_end(void *arg, const struct hf_event *event)
{
    struct ended *ended = arg;

    ended->is_expiry = event->kind == HF_KIND_EXPIRE;
    if (event->id.bytes_count <= sizeof ended->id.bytes) {
        memcpy(ended->id.bytes, event->id.bytes, event->id.bytes_count);
        ended->id.bytes_count = event->id.bytes_count;
    }
}

/* The reservation that a record of the engine ended. */
static struct hf_model_text reservation_of_record(struct hf_run *run, uint64_t lsn)
{
    uint32_t bytes_count;
    const unsigned char *record = hf_ledger_get(hf_engine_ledger(run->engine), lsn, &bytes_count);
    struct ended ended = {0};

    if (record == NULL ||
        hf_engine_events(run->engine, record, bytes_count, true, see_end, &ended) != HF_OK) {
        hf_run_fail(run, "record %" PRIu64 " is not in the ledger, or cannot be read", lsn);
    } else if (!ended.is_expiry || ended.id.bytes_count == 0) {
        hf_run_fail(run, "record %" PRIu64 " is not that of an expiry, or of no reservation", lsn);
    }
    return ended.id;
}

/*
 * Log all that is due. Among holds with the same deadline the contract leaves the order open:
 * the engine's records tell it, and the model checks that it is an order of deadlines.
 */
static void expire(struct hf_run *run, uint64_t now_us)
{
    const uint64_t before = hf_engine_lsn(run->engine);
    const uint32_t count = hf_engine_expire(run->engine, now_us, UINT32_MAX).count;

    if (hf_engine_lsn(run->engine) != before + count) {
        hf_run_fail(run, "expire returned %u, and the LSN went from %" PRIu64 " to %" PRIu64, count,
                    before, hf_engine_lsn(run->engine));
    }
    for (uint64_t lsn = before + 1; lsn <= before + count && !run->has_failed; lsn++) {
        const struct hf_model_text id = reservation_of_record(run, lsn);

        if (!run->has_failed && !hf_model_expire(run->model, hf_model_text_view(&id), now_us)) {
            hf_run_fail(run, "expire ended \"%.*s\", which is not the hold that ends next",
                        (int)id.bytes_count, id.bytes);
        }
    }
    if (hf_model_next_deadline_us(run->model) <= hf_model_now(run->model, now_us)) {
        hf_run_fail(run, "expire left a hold that is due");
    }
    /* Else a server that sleeps until then would not sleep at all. */
    if (hf_engine_next_deadline_us(run->engine) <= hf_model_now(run->model, now_us)) {
        hf_run_fail(run, "after all due holds were ended the next one is due already");
    }
}

/* The model alone: all that is due, in any order of deadlines. */
static void expire_model(struct hf_run *run, uint64_t now_us)
{
    now_us = hf_model_now(run->model, now_us);
    while (hf_model_next_deadline_us(run->model) <= now_us) {
        const uint64_t deadline_us = hf_model_next_deadline_us(run->model);
        bool is_done = false;

        for (uint32_t i = 0; i < run->model->reservations_count && !is_done; i++) {
            if (run->model->reservations[i].state == HF_STATE_HELD &&
                run->model->reservations[i].deadline_us == deadline_us) {
                const struct hf_model_text id = run->model->reservations[i].id;

                is_done = hf_model_expire(run->model, hf_model_text_view(&id), now_us);
            }
        }
        HF_ASSERT(is_done);
    }
}

/* ------------------------------------------------------------------ proofs */

/* The follower takes the records that it has not seen; then the log needs none of them. */
static void follow(struct hf_run *run)
{
    struct hf_ledger *ledger = hf_engine_ledger(run->engine);

    while (hf_engine_lsn(run->follower) < hf_engine_lsn(run->engine)) {
        const uint64_t lsn = hf_engine_lsn(run->follower) + 1;
        uint32_t bytes_count = 0;
        const unsigned char *record = hf_ledger_get(ledger, lsn, &bytes_count);
        const char *why = "";
        enum hf_err err;

        if (record == NULL) {
            hf_run_fail(run, "record %" PRIu64 " is not in the ledger", lsn);
            return;
        }
        err = hf_engine_replay(run->follower, record, bytes_count, &why);
        if (err != HF_OK) {
            hf_run_fail(run, "replay of record %" PRIu64 ": %s: %s", lsn, hf_err_name(err), why);
            return;
        }
    }
    hf_ledger_pin(ledger, hf_engine_lsn(run->engine));
    hf_ledger_pin(hf_engine_ledger(run->follower), hf_engine_lsn(run->follower));
}

static void compare_follower(struct hf_run *run)
{
    if (!is_digest_equal(hf_engine_digest(run->engine), hf_engine_digest(run->follower))) {
        hf_run_fail(run, "the digest differs after replay");
    }
    if (hf_engine_time_us(run->engine) != hf_engine_time_us(run->follower)) {
        hf_run_fail(run, "the time differs after replay");
    }
}

/* Go on with the digest in steps, or begin one; operations come between its steps. */
static void digest_on(struct hf_run *run)
{
    struct hf_digest digest;
    uint64_t lsn;

    if (!run->is_digesting) {
        run->digest_begun = hf_engine_digest(run->engine);
        run->digest_lsn = hf_engine_lsn(run->engine);
        run->is_digesting = hf_engine_digest_begin(run->engine);
        if (!run->is_digesting || hf_engine_digest_begin(run->engine)) {
            hf_run_fail(run, "a digest in steps does not begin, or begins twice");
        }
        return;
    }
    if (!hf_engine_digest_step(run->engine, 1 + (uint32_t)(run->steps_count % 6), &digest, &lsn)) {
        return;
    }
    run->is_digesting = false;
    if (!is_digest_equal(digest, run->digest_begun) || lsn != run->digest_lsn) {
        hf_run_fail(run, "a digest in steps, begun at LSN %" PRIu64 ", is another one at its end",
                    run->digest_lsn);
    }
}

static void audit(struct hf_run *run, struct hf_engine *engine, const char *who)
{
    struct hf_audit audit = {0};
    uint64_t open_count = 0;

    while (!hf_engine_audit(engine, &audit, 7)) {
    }
    for (uint32_t i = 0; i < run->model->reservations_count; i++) {
        open_count += run->model->reservations[i].state == HF_STATE_HELD ||
                              run->model->reservations[i].state == HF_STATE_CONFIRMED
                          ? 1
                          : 0;
    }
    if (audit.violations_count != 0) {
        hf_run_fail(run, "audit of the %s: %" PRIu64 " violations, the first: %s", who,
                    audit.violations_count, audit.first_violation);
    }
    if (audit.cells_count != run->model->cells_count || audit.reservations_count < open_count) {
        hf_run_fail(run,
                    "audit of the %s: judged %" PRIu64 " of %u cells, %" PRIu64 " of %" PRIu64
                    " open reservations",
                    who, audit.cells_count, run->model->cells_count, audit.reservations_count,
                    open_count);
    }
}

/*
 * As recovery does, let the copy have a little of the log before it, so that its history can be
 * asked for: it is of the state already, and must only enter the ledger.
 */
static void hand_over_history(struct hf_run *run, struct hf_engine *loaded)
{
    struct hf_ledger *ledger = hf_engine_ledger(run->engine);
    const uint64_t last_lsn = hf_engine_lsn(run->engine);
    const uint64_t wanted_count = run->steps_count % 3 * 12;
    uint64_t lsn = last_lsn < wanted_count ? 1 : last_lsn + 1 - wanted_count;

    if (lsn < ledger->first_lsn) {
        lsn = ledger->first_lsn;
    }
    for (; lsn <= last_lsn; lsn++) {
        uint32_t bytes_count = 0;
        const char *why = "";
        const unsigned char *record = hf_ledger_get(ledger, lsn, &bytes_count);

        if (record == NULL || hf_engine_replay(loaded, record, bytes_count, &why) != HF_OK) {
            hf_run_fail(run, "record %" PRIu64 " of before the copy is refused: %s", lsn, why);
            return;
        }
    }
}

/* Put a copy in the engine's place: what comes next happens to the copy. */
static void reload(struct hf_run *run)
{
    const struct hf_digest digest = hf_engine_digest(run->engine);
    struct hf_engine *loaded = hf_engine_create(&run->config);
    struct hf_image_cursor cursor = {0};
    unsigned char *chunk = malloc(HF_IMAGE_BYTES_MIN);
    const char *why = "";
    enum hf_err err = HF_OK;
    size_t bytes_count;

    HF_ASSERT(loaded != NULL);
    HF_ASSERT(chunk != NULL);
    while (err == HF_OK &&
           (bytes_count = hf_engine_copy(run->engine, &cursor, chunk, HF_IMAGE_BYTES_MIN)) > 0) {
        err = hf_engine_load(loaded, chunk, bytes_count, &why);
    }
    if (err == HF_OK) {
        err = hf_engine_load_end(loaded, &why);
    }
    free(chunk);
    if (err == HF_OK) {
        hand_over_history(run, loaded);
    }
    if (err != HF_OK) {
        hf_run_fail(run, "load: %s: %s", hf_err_name(err), why);
    } else if (!is_digest_equal(digest, hf_engine_digest(run->engine))) {
        hf_run_fail(run, "a copy changed the digest");
    } else if (!is_digest_equal(digest, hf_engine_digest(loaded))) {
        hf_run_fail(run, "the digest differs after copy and load");
    } else if (hf_engine_lsn(loaded) != hf_engine_lsn(run->engine) ||
               hf_engine_time_us(loaded) != hf_engine_time_us(run->engine)) {
        hf_run_fail(run, "the LSN or the time differs after copy and load");
    }
    hf_run_end_frozen(run);
    hf_run_end_snapshot(run);
    hf_engine_free(run->engine);
    run->engine = loaded;
    run->is_digesting = false;
    hf_model_forget_time(run->model);
    audit(run, loaded, "copy");
}

/* ------------------------------------------------------------------ a step */

static void compare_state(struct hf_run *run, const struct hf_step *step)
{
    hf_run_compare_cells(run);
    for (uint32_t i = 0; i < step->ops_count; i++) {
        if (step->ops[i].id.bytes_count > 0) {
            hf_run_compare_reservation(run, step->ops[i].id);
            hf_run_compare_shipment(run, HF_TRANSFER, step->ops[i].id);
            hf_run_compare_shipment(run, HF_INBOUND, step->ops[i].id);
        }
        if (step->ops[i].old_id.bytes_count > 0) {
            hf_run_compare_reservation(run, step->ops[i].old_id);
        }
    }
    if (hf_engine_next_deadline_us(run->engine) > hf_model_next_deadline_us(run->model)) {
        hf_run_fail(run, "no hold before %" PRIu64 ", but one ends at %" PRIu64,
                    hf_engine_next_deadline_us(run->engine), hf_model_next_deadline_us(run->model));
    }
    if (hf_model_next_deadline_us(run->model) == UINT64_MAX &&
        hf_engine_next_deadline_us(run->engine) != UINT64_MAX) {
        hf_run_fail(run, "no hold has a deadline, but one ends after %" PRIu64,
                    hf_engine_next_deadline_us(run->engine));
    }
    digest_on(run);
    hf_run_conserve(run);
    hf_run_read_frozen(run);
    hf_run_copy_on(run);
    if (is_due(run, 16)) {
        hf_run_compare_shortages(run);
        hf_run_compare_events_again(run);
        hf_run_compare_ats(run);
        hf_run_compare_ledger(run);
    }
    if (is_due(run, 64)) {
        hf_run_compare_codes(run);
        hf_run_compare_list(run);
        hf_run_compare_shipments(run);
        hf_run_compare_orders(run);
        hf_run_compare_stats(run);
    }
    if (is_due(run, 128)) {
        hf_run_compare_reservations(run);
        audit(run, run->engine, "engine");
        compare_follower(run);
    }
}

/*
 * M6: whether the engine may say that it knows too little for a set. Where due holds are left, LSNs
 * of both sides differ, and a moment is too old whenever the engine lacks any record.
 */
static bool may_be_too_old(const struct hf_run *run, const struct hf_op *op)
{
    struct hf_engine_stats stats;

    hf_engine_stats(run->engine, &stats);
    if (op->kind != HF_KIND_SET || (op->flags & (HF_OP_AS_OF_LSN | HF_OP_AS_OF_TIME)) == 0) {
        return false;
    }
    return run->leaves_due ? stats.ledger_first_lsn != 1
                           : !hf_model_is_history_known(run->model, op, stats.ledger_first_lsn);
}

static void apply(struct hf_run *run, const struct hf_step *step)
{
    struct hf_model_result want[HF_STEP_OPS_MAX];
    struct hf_result got[HF_STEP_OPS_MAX];
    const bool is_digested = is_due(run, 8);
    struct hf_digest before = {0};
    bool may_refuse[HF_STEP_OPS_MAX] = {false};
    bool is_refused = true;
    /* Lines and results live until the engine's next call: compare before asking more. */

    if (is_digested) {
        before = hf_engine_digest(run->engine);
    }
    for (uint32_t i = 0; i < step->ops_count; i++) {
        may_refuse[i] = may_be_too_old(run, &step->ops[i]);
    }
    if (step->is_linked) {
        hf_engine_apply_linked(run->engine, step->ops, step->ops_count, step->now_us, got);
    } else {
        hf_engine_apply(run->engine, &step->ops[0], step->now_us, &got[0]);
    }
    for (uint32_t i = 0; i < step->ops_count; i++) {
        if (got[i].outcome == HF_TOO_OLD && may_refuse[i]) {
            run->model->is_too_old = true;
            run->model->too_old_op = i;
        }
    }
    if (step->is_linked) {
        hf_model_apply_linked(run->model, step->ops, step->ops_count, step->now_us, want);
    } else {
        hf_model_apply(run->model, &step->ops[0], step->now_us, &want[0]);
    }
    run->model->is_too_old = false;
    for (uint32_t i = 0; i < step->ops_count && !run->has_failed; i++) {
        hf_run_compare_result(run, &step->ops[i], &got[i], &want[i]);
        is_refused = is_refused && want[i].outcome != HF_OK;
        run->ops_count += 1;
        run->outcomes_count[want[i].outcome] += 1;
        run->repeats_count += want[i].is_repeated ? 1 : 0;
        if (want[i].outcome == HF_OK && !want[i].is_repeated) {
            run->kinds_count[step->ops[i].kind] += 1;
        }
    }
    if (is_refused && is_digested && !run->leaves_due && !run->has_failed &&
        !is_digest_equal(before, hf_engine_digest(run->engine))) {
        hf_run_fail(run, "a refusal changed the digest");
    }
}

bool hf_run_step(struct hf_run *run, const struct hf_step *step)
{
    const uint64_t before_lsn = hf_engine_lsn(run->engine);

    run->steps_count += 1;
    run->model->events_count = 0;
    if (step->is_reload) {
        reload(run);
        return !run->has_failed;
    }
    hf_model_tell_time(run->model, step->now_us);
    if (run->leaves_due) {
        expire_model(run, step->now_us);
    } else {
        expire(run, step->now_us);
    }
    if (!run->has_failed) {
        apply(run, step);
    }
    if (run->leaves_due && !run->has_failed) {
        (void)hf_engine_expire(run->engine, step->now_us, UINT32_MAX);
    }
    if (!run->has_failed && !run->leaves_due && hf_engine_lsn(run->engine) != run->model->lsn) {
        hf_run_fail(run, "the LSN is %" PRIu64 ", expected %" PRIu64, hf_engine_lsn(run->engine),
                    run->model->lsn);
    }
    if (!run->has_failed) {
        follow(run);
    }
    if (!run->has_failed) {
        hf_run_compare_events(run, before_lsn);
    }
    if (!run->has_failed) {
        compare_state(run, step);
    }
    return !run->has_failed;
}
