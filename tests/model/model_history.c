/*
 * model_history.c - what the ledger tells of a cell, a reference and an order.
 *
 * See model_run.h. How many moves an operation makes of one cell is the engine's affair (a fulfil
 * that releases the rest may be one move or two), so moves are compared in sums: for each
 * operation, cell and reservation the change of each counter, and the values after the last move.
 */
#include "tests/model/model_run.h"
#include "tests/model/model_inside.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define SUMS_MAX 128

struct sum {
    uint64_t lsn, ts_us;
    uint32_t index; /* of the last move in it */
    enum hf_kind kind;
    enum hf_reason reason;
    uint32_t sku, location;
    struct hf_model_text ref, order, by, reservation;
    int64_t delta[HF_COUNTERS_COUNT];
    int64_t after[HF_COUNTERS_COUNT];
};

struct history {
    struct hf_run *run;
    struct sum sums[SUMS_MAX];
    uint32_t count;
    uint64_t last_lsn; /* of the newest operation seen in a page, to check the order */
};

static bool is_same_text(const struct hf_model_text *a, const struct hf_model_text *b)
{
    return hf_text_equal(hf_model_text_view(a), hf_model_text_view(b));
}

/* Add a move to the sum it belongs to. */
static void add(struct history *history, const struct sum *move)
{
    for (uint32_t i = 0; i < history->count; i++) {
        struct sum *sum = &history->sums[i];

        if (sum->lsn != move->lsn || sum->sku != move->sku || sum->location != move->location ||
            !is_same_text(&sum->reservation, &move->reservation)) {
            continue;
        }
        for (int j = 0; j < HF_COUNTERS_COUNT; j++) {
            sum->delta[j] += move->delta[j];
            sum->after[j] = move->index > sum->index ? move->after[j] : sum->after[j];
        }
        sum->index = move->index > sum->index ? move->index : sum->index;
        return;
    }
    if (history->count < SUMS_MAX) {
        history->sums[history->count] = *move;
        history->count += 1;
    }
}

static void see_move(void *arg, const struct hf_move *move)
{
    struct history *history = arg;
    const int sku = hf_model_sku(history->run->model, move->sku);
    const int location = hf_model_location(history->run->model, move->location);
    struct sum sum = {.lsn = move->lsn,
                      .ts_us = move->ts_us,
                      .index = move->index,
                      .kind = move->kind,
                      .reason = move->reason,
                      .sku = (uint32_t)sku,
                      .location = (uint32_t)location,
                      .ref = hf_model_text_copy(move->ref),
                      .order = hf_model_text_copy(move->order),
                      .by = hf_model_text_copy(move->by),
                      .reservation = hf_model_text_copy(move->reservation)};

    if (sku < 0 || location < 0) {
        hf_run_fail(history->run, "ledger: a move of an unknown cell at LSN %" PRIu64, move->lsn);
        return;
    }
    if (move->lsn > history->last_lsn) {
        hf_run_fail(history->run, "ledger: LSN %" PRIu64 " stands after %" PRIu64, move->lsn,
                    history->last_lsn);
    }
    history->last_lsn = move->lsn;
    memcpy(sum.delta, move->delta, sizeof sum.delta);
    memcpy(sum.after, move->after, sizeof sum.after);
    add(history, &sum);
}

/* The question, asked of the model. Exactly one of the three is given. */
struct question {
    int cell;
    uint64_t lsn;         /* of a reference's operation */
    struct hf_text order; /* empty: none */
};

static void remember_model(struct history *history, const struct question *question,
                           uint64_t oldest_lsn)
{
    const struct hf_model *model = history->run->model;

    for (uint32_t i = model->moves_count; i > 0; i--) {
        const struct hf_model_move *move = &model->moves[i - 1];
        struct sum sum = {.lsn = move->lsn,
                          .ts_us = move->ts_us,
                          .index = i,
                          .kind = move->kind,
                          .reason = move->reason,
                          .sku = model->cells[move->cell].sku,
                          .location = model->cells[move->cell].location,
                          .ref = move->ref,
                          .order = move->order,
                          .by = move->by,
                          .reservation = move->id};

        if (move->lsn < oldest_lsn) {
            break;
        }
        if ((question->cell >= 0 && (int)move->cell != question->cell) ||
            (question->lsn != 0 && move->lsn != question->lsn) ||
            (question->order.bytes_count > 0 &&
             !hf_text_equal(question->order, hf_model_text_view(&move->order)))) {
            continue;
        }
        memcpy(sum.delta, move->delta, sizeof sum.delta);
        memcpy(sum.after, move->after, sizeof sum.after);
        add(history, &sum);
    }
}

static bool is_same_sum(const struct sum *a, const struct sum *b)
{
    return a->lsn == b->lsn && a->ts_us == b->ts_us && a->kind == b->kind &&
           a->reason == b->reason && a->sku == b->sku && a->location == b->location &&
           is_same_text(&a->ref, &b->ref) && is_same_text(&a->order, &b->order) &&
           is_same_text(&a->by, &b->by) && is_same_text(&a->reservation, &b->reservation) &&
           memcmp(a->delta, b->delta, sizeof a->delta) == 0 &&
           memcmp(a->after, b->after, sizeof a->after) == 0;
}

static void print_sum(char *text, size_t bytes_count, const struct sum *sum)
{
    (void)snprintf(text, bytes_count,
                   "%s of %u@%u at LSN %" PRIu64 ", ref=%.*s order=%.*s by=%.*s id=%.*s"
                   " %+" PRId64 " %+" PRId64 " %+" PRId64 " -> %" PRId64 " %" PRId64 " %" PRId64,
                   hf_kind_name(sum->kind), sum->sku, sum->location, sum->lsn,
                   (int)sum->ref.bytes_count, sum->ref.bytes, (int)sum->order.bytes_count,
                   sum->order.bytes, (int)sum->by.bytes_count, sum->by.bytes,
                   (int)sum->reservation.bytes_count, sum->reservation.bytes, sum->delta[0],
                   sum->delta[1], sum->delta[2], sum->after[0], sum->after[1], sum->after[2]);
}

static bool has_sum(const struct history *history, const struct sum *sum)
{
    for (uint32_t i = 0; i < history->count; i++) {
        if (is_same_sum(&history->sums[i], sum)) {
            return true;
        }
    }
    return false;
}

static void compare_histories(struct hf_run *run, const char *what, const struct history *got,
                              const struct history *want)
{
    char missing[400] = "nothing";
    char besides[400] = "nothing";

    for (uint32_t i = 0; i < want->count; i++) {
        if (!has_sum(got, &want->sums[i])) {
            print_sum(missing, sizeof missing, &want->sums[i]);
        }
    }
    for (uint32_t i = 0; i < got->count; i++) {
        if (!has_sum(want, &got->sums[i])) {
            print_sum(besides, sizeof besides, &got->sums[i]);
        }
    }
    if (strcmp(missing, besides) != 0 || got->count != want->count) {
        hf_run_fail(run, "ledger of %s: %u sums of moves, expected %u; lacks %s; has besides %s",
                    what, got->count, want->count, missing, besides);
    }
}

/* Pages of 3 moves, at most 6 pages, against the model's moves of the same stretch. */
static void compare_pages(struct hf_run *run, const char *what, const struct question *question,
                          uint64_t first_lsn)
{
    struct history got = {.run = run, .last_lsn = UINT64_MAX};
    struct history want = {.run = run};
    uint64_t before_lsn = UINT64_MAX;
    int pages_count = 0;

    do {
        const uint64_t asked = before_lsn;

        if (question->cell >= 0) {
            const struct hf_model_cell *cell = &run->model->cells[question->cell];

            before_lsn = hf_engine_ledger_cell(run->engine, cell->sku, cell->location, asked, 3,
                                               see_move, &got);
        } else {
            before_lsn =
                hf_engine_ledger_order(run->engine, question->order, asked, 3, see_move, &got);
        }
        if (before_lsn >= asked) {
            hf_run_fail(run, "ledger of %s: the cursor does not move", what);
        }
        pages_count += 1;
    } while (before_lsn != 0 && pages_count < 6 && !run->has_failed);

    remember_model(&want, question, before_lsn > first_lsn ? before_lsn : first_lsn);
    compare_histories(run, what, &got, &want);
}

static void compare_reference(struct hf_run *run, uint64_t first_lsn)
{
    const struct hf_model *model = run->model;
    const struct hf_model_name *name;
    struct history got = {.run = run, .last_lsn = UINT64_MAX};
    struct history want = {.run = run};
    struct question question = {.cell = -1};

    if (model->names_count == 0) {
        return;
    }
    name = &model->names[run->steps_count * 7 % model->names_count];
    if (name->is_reservation || name->is_shipment || name->lsn < first_lsn) {
        return;
    }
    question.lsn = name->lsn;
    (void)hf_engine_ledger_ref(run->engine, hf_model_text_view(&name->name), see_move, &got);
    remember_model(&want, &question, name->lsn);
    compare_histories(run, "a reference", &got, &want);
}

void hf_run_compare_ledger(struct hf_run *run)
{
    struct hf_engine_stats stats;
    struct question question = {.cell = -1};

    hf_engine_stats(run->engine, &stats);
    if (run->leaves_due || stats.ledger_first_lsn == 0) {
        return;
    }
    if (run->model->cells_count > 0) {
        question.cell = (int)(run->steps_count % run->model->cells_count);
        compare_pages(run, "a cell", &question, stats.ledger_first_lsn);
    }
    if (!run->has_failed) {
        compare_reference(run, stats.ledger_first_lsn);
    }
    if (!run->has_failed && run->model->reservations_count > 0) {
        const struct hf_model_text order =
            run->model
                ->reservations[run->model->reservations_count - 1 -
                               run->steps_count % (run->model->reservations_count < 8
                                                       ? run->model->reservations_count
                                                       : 8)]
                .order;

        question = (struct question){.cell = -1, .order = hf_model_text_view(&order)};
        if (order.bytes_count > 0) {
            compare_pages(run, "an order", &question, stats.ledger_first_lsn);
        }
    }
}
