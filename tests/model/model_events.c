/*
 * model_events.c - what each record tells, against the model; the stock table rebuilt from that.
 *
 * See model_run.h. The engine's records are read as a follower of the feed would: the deltas alone
 * keep a table, which must be the engine's stock at any time. What a record tells must never
 * change, whoever is asked, so a hash of it is kept. Alerts of one record have no order among each
 * other that anybody has promised.
 */
#include "tests/model/model_run.h"
#include "tests/model/model_inside.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "engine/assert.h"
#include "engine/ledger.h"

#define TEXT(text) (int)(text).bytes_count, (text).bytes

struct reading {
    struct hf_run *run;
    uint64_t lsn;
    bool is_by_move;
    bool is_compared;
    uint32_t count; /* events so far */
    uint32_t changes_count, alerts_count;
    uint64_t hash;
    int64_t moved[HF_MODEL_SKUS_MAX][HF_MODEL_LOCATIONS_MAX][HF_COUNTERS_COUNT];
};

/* ------------------------------------------------------------------ a hash of all that is told */

static uint64_t hash_bytes(uint64_t hash, const void *bytes, size_t bytes_count)
{
    for (size_t i = 0; i < bytes_count; i++) {
        hash = (hash ^ ((const unsigned char *)bytes)[i]) * UINT64_C(0x100000001B3);
    }
    return hash;
}

static uint64_t hash_number(uint64_t hash, uint64_t number)
{
    return hash_bytes(hash, &number, sizeof number);
}

static uint64_t hash_text(uint64_t hash, struct hf_text text)
{
    return hash_bytes(hash_number(hash, text.bytes_count), text.bytes, text.bytes_count);
}

static uint64_t hash_event(uint64_t hash, const struct hf_event *event)
{
    hash = hash_number(hash, event->lsn);
    hash = hash_number(hash, event->ts_us);
    hash = hash_number(hash, event->index);
    hash = hash_number(hash, event->kind);
    hash = hash_number(hash, event->reason);
    hash = hash_number(hash, event->is_policy);
    hash = hash_text(hash, event->sku);
    hash = hash_text(hash, event->location);
    hash = hash_text(hash, event->ref);
    hash = hash_text(hash, event->order);
    hash = hash_text(hash, event->by);
    hash = hash_text(hash, event->id);
    hash = hash_number(hash, event->state);
    hash = hash_bytes(hash, event->delta, sizeof event->delta);
    hash = hash_bytes(hash, event->after, sizeof event->after);
    hash = hash_number(hash, (uint64_t)event->ats);
    hash = hash_number(hash, (uint64_t)event->missing);
    for (uint32_t i = 0; i < event->hits_count; i++) {
        hash = hash_text(hash, event->hits[i].reservation);
        hash = hash_number(hash, (uint64_t)event->hits[i].units);
    }
    return hash;
}

/* ------------------------------------------------------------------ against the model */

static int cell_of(const struct hf_model *model, const struct hf_event *event)
{
    const int sku = hf_model_sku(model, event->sku);
    const int location = hf_model_location(model, event->location);

    return sku < 0 || location < 0 ? -1 : hf_model_cell(model, sku, location);
}

static const struct hf_model_event *find_event(const struct hf_model *model, uint64_t lsn,
                                               const struct hf_event *event)
{
    const int cell = cell_of(model, event);

    for (uint32_t i = 0; i < model->events_count; i++) {
        const struct hf_model_event *want = &model->events[i];

        if (want->lsn == lsn && want->kind == event->kind && want->cell == cell) {
            return want;
        }
    }
    return NULL;
}

static bool are_hits_right(const struct hf_event *event, const struct hf_model_event *want)
{
    if (event->hits_count != want->hits_count) {
        return false;
    }
    for (uint32_t i = 0; i < want->hits_count; i++) {
        if (!hf_text_equal(event->hits[i].reservation,
                           hf_model_text_view(&want->hits[i].reservation)) ||
            event->hits[i].units != want->hits[i].units) {
            return false;
        }
    }
    return true;
}

static void compare_event(struct hf_run *run, const struct hf_event *event,
                          const struct hf_model_event *want)
{
    const char *kind = hf_kind_name(event->kind);
    const bool is_alert = event->kind >= HF_ALERT_LOW_STOCK;

    if (event->ts_us != want->ts_us || event->ats != want->ats || event->missing != want->missing ||
        memcmp(event->delta, want->delta, sizeof want->delta) != 0 ||
        memcmp(event->after, want->after, sizeof want->after) != 0) {
        hf_run_fail(run,
                    "event %s of %.*s@%.*s at LSN %" PRIu64 ": ats %" PRId64 " missing %" PRId64
                    ", expected %" PRId64 " %" PRId64 "; or time, deltas or values differ"
                    " (on_hand %+" PRId64 " -> %" PRId64 ", expected %+" PRId64 " -> %" PRId64 ")",
                    kind, TEXT(event->sku), TEXT(event->location), event->lsn, event->ats,
                    event->missing, want->ats, want->missing, event->delta[HF_ON_HAND],
                    event->after[HF_ON_HAND], want->delta[HF_ON_HAND], want->after[HF_ON_HAND]);
    }
    if (!are_hits_right(event, want)) {
        hf_run_fail(run,
                    "event %s of %.*s@%.*s at LSN %" PRIu64 " hits %u (first %.*s), expected %u "
                    "(first %.*s)",
                    kind, TEXT(event->sku), TEXT(event->location), event->lsn, event->hits_count,
                    event->hits_count > 0 ? (int)event->hits[0].reservation.bytes_count : 0,
                    event->hits_count > 0 ? event->hits[0].reservation.bytes : "", want->hits_count,
                    (int)want->hits[0].reservation.bytes_count, want->hits[0].reservation.bytes);
    }
    if (is_alert) {
        return; /* whether it repeats the texts of the record is left open */
    }
    if (event->reason != want->reason || event->is_policy != want->is_policy ||
        event->state != want->state || !hf_text_equal(event->id, hf_model_text_view(&want->id)) ||
        !hf_text_equal(event->ref, hf_model_text_view(&want->ref)) ||
        !hf_text_equal(event->order, hf_model_text_view(&want->order)) ||
        !hf_text_equal(event->by, hf_model_text_view(&want->by))) {
        hf_run_fail(run,
                    "event %s of %.*s@%.*s at LSN %" PRIu64
                    ": policy %d state %s id %.*s ref %.*s order %.*s by %.*s"
                    ", expected %d %s %.*s %.*s %.*s %.*s",
                    kind, TEXT(event->sku), TEXT(event->location), event->lsn, event->is_policy,
                    hf_state_name(event->state), TEXT(event->id), TEXT(event->ref),
                    TEXT(event->order), TEXT(event->by), want->is_policy,
                    hf_state_name(want->state), TEXT(want->id), TEXT(want->ref), TEXT(want->order),
                    TEXT(want->by));
    }
}

/* ------------------------------------------------------------------ reading a record */

static void count_delta(struct reading *reading, const struct hf_event *event)
{
    struct hf_run *run = reading->run;
    const int sku = hf_model_sku(run->model, event->sku);
    const int location = hf_model_location(run->model, event->location);

    if (event->sku.bytes_count == 0 && event->location.bytes_count == 0) {
        return;
    }
    if (sku < 0 || location < 0) {
        hf_run_fail(run, "event at LSN %" PRIu64 ": unknown codes %.*s@%.*s", event->lsn,
                    TEXT(event->sku), TEXT(event->location));
        return;
    }
    for (int i = 0; i < HF_COUNTERS_COUNT; i++) {
        reading->moved[sku][location][i] += event->delta[i];
    }
}

static void see_event(void *arg, const struct hf_event *event)
{
    struct reading *reading = arg;
    struct hf_run *run = reading->run;
    const bool is_alert = event->kind >= HF_ALERT_LOW_STOCK;
    const struct hf_model_event *want;

    if (event->lsn != reading->lsn || event->index != reading->count ||
        (is_alert && reading->is_by_move) || (!is_alert && reading->alerts_count > 0)) {
        hf_run_fail(run,
                    "event %u (%s) of LSN %" PRIu64 " is numbered %u of LSN %" PRIu64
                    " or stands in the wrong place",
                    reading->count, hf_kind_name(event->kind), reading->lsn, event->index,
                    event->lsn);
    }
    reading->count += 1;
    reading->changes_count += is_alert ? 0 : 1;
    reading->alerts_count += is_alert ? 1 : 0;
    reading->hash = hash_event(reading->hash, event);
    count_delta(reading, event);
    if (!reading->is_compared || run->has_failed) {
        return;
    }
    want = find_event(run->model, reading->lsn, event);
    if (want == NULL) {
        hf_run_fail(run,
                    "event %s of %.*s@%.*s at LSN %" PRIu64 " (ats %" PRId64 ") is told besides",
                    hf_kind_name(event->kind), TEXT(event->sku), TEXT(event->location), event->lsn,
                    event->ats);
        return;
    }
    compare_event(run, event, want);
    run->alerts_count[event->kind < HF_EVENT_KINDS_END ? event->kind : 0] += is_alert ? 1 : 0;
}

/* Read the record of `lsn` from the engine's ring; false when it is no longer there. */
static bool read_record(struct reading *reading, struct hf_engine *engine)
{
    uint32_t bytes_count;
    const unsigned char *record =
        hf_ledger_get(hf_engine_ledger(engine), reading->lsn, &bytes_count);
    enum hf_err err;

    if (record == NULL) {
        return false;
    }
    err = hf_engine_events(engine, record, bytes_count, reading->is_by_move, see_event, reading);
    if (err != HF_OK) {
        hf_run_fail(reading->run, "events of LSN %" PRIu64 ": %s", reading->lsn, hf_err_name(err));
    }
    return true;
}

static void compare_counts(struct hf_run *run, const struct reading *reading)
{
    uint32_t want = 0;

    for (uint32_t i = 0; i < run->model->events_count; i++) {
        want += run->model->events[i].lsn == reading->lsn ? 1 : 0;
    }
    if (want == reading->count) {
        return;
    }
    for (uint32_t i = 0; i < run->model->events_count; i++) {
        const struct hf_model_event *event = &run->model->events[i];

        if (event->lsn == reading->lsn && event->kind >= HF_ALERT_LOW_STOCK) {
            hf_run_fail(run,
                        "LSN %" PRIu64 " tells %u events, expected %u, among them %s of cell %d"
                        " (ats %" PRId64 ", missing %" PRId64 ")",
                        reading->lsn, reading->count, want, hf_kind_name(event->kind), event->cell,
                        event->ats, event->missing);
        }
    }
    hf_run_fail(run, "LSN %" PRIu64 " tells %u events, expected %u", reading->lsn, reading->count,
                want);
}

/* The moves of a record, each told by itself, are those told a cell at a time. */
static void compare_moves(struct hf_run *run, const struct reading *by_cell)
{
    static struct reading by_move;

    memset(&by_move, 0, sizeof by_move);
    by_move.run = run;
    by_move.lsn = by_cell->lsn;
    by_move.is_by_move = true;
    if (!read_record(&by_move, run->engine) ||
        memcmp(by_move.moved, by_cell->moved, sizeof by_move.moved) != 0) {
        hf_run_fail(run, "the moves of LSN %" PRIu64 " do not add up to its events", by_cell->lsn);
    }
}

static void compare_table(struct hf_run *run)
{
    for (uint32_t i = 0; i < run->model->cells_count && !run->has_failed; i++) {
        const struct hf_model_cell *cell = &run->model->cells[i];
        const int64_t *told = run->table[cell->sku][cell->location];

        if (memcmp(told, cell->counters, sizeof cell->counters) != 0) {
            hf_run_fail(run,
                        "by the events alone cell %u@%u has on_hand %" PRId64 " held %" PRId64
                        " in_transit %" PRId64 ", which it has not",
                        cell->sku, cell->location, told[HF_ON_HAND], told[HF_HELD],
                        told[HF_IN_TRANSIT]);
        }
    }
}

void hf_run_compare_events(struct hf_run *run, uint64_t before_lsn)
{
    static struct reading reading;

    for (uint64_t lsn = before_lsn + 1; lsn <= hf_engine_lsn(run->engine) && !run->has_failed;
         lsn++) {
        uint64_t *told;

        memset(&reading, 0, sizeof reading);
        reading.run = run;
        reading.lsn = lsn;
        reading.is_compared = !run->leaves_due; /* there the order of records is another one */
        if (!read_record(&reading, run->engine)) {
            hf_run_fail(run, "record %" PRIu64 " is not in the ledger", lsn);
            return;
        }
        if (reading.changes_count == 0) {
            hf_run_fail(run, "LSN %" PRIu64 " tells nothing", lsn);
        }
        if (reading.is_compared) {
            compare_counts(run, &reading);
        }
        for (uint32_t i = 0; i < HF_MODEL_SKUS_MAX; i++) {
            for (uint32_t j = 0; j < HF_MODEL_LOCATIONS_MAX; j++) {
                for (int k = 0; k < HF_COUNTERS_COUNT; k++) {
                    run->table[i][j][k] += reading.moved[i][j][k];
                }
            }
        }
        compare_moves(run, &reading);
        told = hf_model_grow((void **)&run->told_hashes, &run->told_count, &run->told_room,
                             sizeof *told);
        *told = reading.hash;
        HF_ASSERT(run->told_count == lsn);
    }
    if (!run->has_failed) {
        compare_table(run);
    }
}

static void read_again(struct hf_run *run, struct hf_engine *engine, const char *who, uint64_t lsn)
{
    static struct reading reading;

    memset(&reading, 0, sizeof reading);
    reading.run = run;
    reading.lsn = lsn;
    if (read_record(&reading, engine) && reading.hash != run->told_hashes[lsn - 1]) {
        hf_run_fail(run, "asked again, the %s tells otherwise of LSN %" PRIu64, who, lsn);
    }
}

void hf_run_compare_events_again(struct hf_run *run)
{
    if (run->told_count == 0 || run->has_failed) {
        return;
    }
    read_again(run, run->engine, "engine", 1 + run->steps_count * 7919 % run->told_count);
    read_again(run, run->engine, "engine", run->told_count);
    read_again(run, run->follower, "follower", 1 + run->steps_count * 7919 % run->told_count);
    read_again(run, run->follower, "follower", run->told_count);
}
