/*
 * import_diff.c - what an import would change: the rows laid over the stock there is.
 *
 * The figures are read in large frames, so that a hundred thousand rows take seconds. What the
 * rules of the server would refuse is worked out here as far as figures show it; a policy or a
 * limit of the server may refuse more.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "engine/assert.h"
#include "engine/limits.h"
#include "tools/holdfast/import.h"

#define CELLS_AT_ONCE 1024
#define REPEATS_LOOKED_FOR 64 /* rows that are looked up in the ledger by their reference */

struct compare {
    struct holdfast *hf;
    struct hf_import_file *file;
    const struct hf_import_options *options;
    struct hf_faults *faults;
    struct hf_differences *differences; /* one a cell, until those that change nothing leave */
    uint32_t *entries;                  /* of a cell's first row: where in the list it stands */
    int64_t *carried;                   /* of a cell: what has moved since as_of */
    uint64_t *versions;                 /* of a cell; 0: it has never changed, or is not there */
    enum holdfast_outcome *refusals; /* of a cell: why every row of it is refused; OK: it is not */
    struct holdfast_line lines[CELLS_AT_ONCE];
    struct holdfast_cell cells[CELLS_AT_ONCE];
    enum holdfast_outcome outcomes[CELLS_AT_ONCE];
};

/* ------------------------------------------------------------------ present figures */

static void take_cell(struct compare *compare, size_t entry, size_t at)
{
    struct hf_difference *difference = &compare->differences->list[entry];
    const struct holdfast_cell *cell = &compare->cells[at];

    if (compare->outcomes[at] != HOLDFAST_OK) {
        /* No such SKU, location or cell: the import creates it. */
        memset(difference->before, 0, sizeof difference->before);
        if (compare->options->what == HF_IMPORT_POLICY) {
            difference->before[1] = HOLDFAST_LOW_STOCK_NONE;
        }
    } else if (compare->options->what == HF_IMPORT_STOCK) {
        difference->before[0] = cell->on_hand;
    } else {
        difference->before[0] = cell->safety_stock;
        difference->before[1] = cell->low_stock;
        difference->before[2] = cell->backorder_limit;
    }
    memcpy(difference->after, difference->before, sizeof difference->after);
    compare->versions[entry] = compare->outcomes[at] == HOLDFAST_OK ? cell->version : 0;
    if (compare->outcomes[at] == HOLDFAST_OK && cell->lsn > compare->differences->lsn) {
        compare->differences->lsn = cell->lsn;
    }
}

/* Read the figures of the cells from `first` on, `count` of them. */
static enum holdfast_outcome read_cells(struct compare *compare, size_t first, size_t count)
{
    const struct hf_differences *differences = compare->differences;

    for (size_t i = 0; i < count; i++) {
        const struct hf_import_row *row = &compare->file->rows[differences->list[first + i].row];
        compare->lines[i] = (struct holdfast_line){.sku = row->sku, .location = row->location};
    }
    const enum holdfast_outcome outcome =
        holdfast_get_stocks(compare->hf, compare->lines, count, compare->outcomes, compare->cells);
    for (size_t i = 0; outcome == HOLDFAST_OK && i < count; i++) {
        if (compare->outcomes[i] == HOLDFAST_LIMIT_EXCEEDED ||
            compare->outcomes[i] == HOLDFAST_BUSY) {
            return compare->outcomes[i];
        }
        take_cell(compare, first + i, i);
    }
    return outcome;
}

/* ------------------------------------------------------------------ figures of another moment */

struct history {
    const struct hf_import_options *options;
    int64_t carried;
    bool is_reached; /* a move of that moment or before it was seen */
    bool is_whole;   /* the oldest move seen is the cell's first */
};

static bool add_move(void *arg, const struct holdfast_move *move)
{
    struct history *history = arg;
    const bool is_old = history->options->as_of_flag == HOLDFAST_AS_OF_LSN
                            ? move->lsn <= history->options->as_of
                            : (uint64_t)move->ts_us <= history->options->as_of;

    if (is_old) {
        history->is_reached = true;
        return false;
    }
    if (move->kind != HOLDFAST_SET) {
        history->carried += move->delta.on_hand;
    }
    history->is_whole = move->after.on_hand == move->delta.on_hand &&
                        move->after.held == move->delta.held &&
                        move->after.committed == move->delta.committed &&
                        move->after.in_transit == move->delta.in_transit;
    return true;
}

/* What has moved in a cell since as_of, as the server will carry it over. */
static enum holdfast_outcome read_history(struct compare *compare, size_t entry)
{
    const struct hf_import_options *options = compare->options;
    const struct hf_import_row *row = &compare->file->rows[compare->differences->list[entry].row];
    const struct holdfast_ledger_query query = {.sku = row->sku, .location = row->location};
    struct history history = {.options = options, .is_whole = true};

    if (compare->versions[entry] == 0 ||
        (options->as_of_flag == HOLDFAST_AS_OF_LSN && compare->versions[entry] <= options->as_of)) {
        return HOLDFAST_OK; /* nothing has changed since */
    }
    const enum holdfast_outcome outcome =
        holdfast_get_ledger(compare->hf, &query, add_move, &history);
    if (outcome != HOLDFAST_OK) {
        return outcome;
    }
    compare->carried[entry] = history.carried;
    if (!history.is_reached && !history.is_whole) {
        compare->refusals[entry] = HOLDFAST_TOO_OLD;
    }
    return HOLDFAST_OK;
}

static enum holdfast_outcome read_figures(struct compare *compare, struct hf_progress *progress)
{
    const size_t cells_count = compare->differences->count;

    for (size_t first = 0; first < cells_count;) {
        const size_t left = cells_count - first;
        const size_t count = left < CELLS_AT_ONCE ? left : CELLS_AT_ONCE;
        enum holdfast_outcome outcome = read_cells(compare, first, count);
        for (size_t i = 0; outcome == HOLDFAST_OK && compare->options->as_of_flag != 0 && i < count;
             i++) {
            outcome = read_history(compare, first + i);
        }
        if (outcome != HOLDFAST_OK) {
            return outcome;
        }
        first += count;
        hf_progress_show(progress, first);
    }
    return HOLDFAST_OK;
}

/* ------------------------------------------------------------------ rows over figures */

static void refuse(struct compare *compare, uint32_t index, enum holdfast_outcome outcome,
                   int64_t shortfall)
{
    char reason[HF_REASON_BYTES];
    const size_t used =
        (size_t)snprintf(reason, sizeof reason, "%s: %s", holdfast_outcome_name(outcome),
                         holdfast_outcome_text(outcome));
    if (shortfall > 0) {
        (void)snprintf(reason + used, sizeof reason - used, " (short by %" PRId64 ")", shortfall);
    }
    hf_import_refuse(compare->file, index, compare->faults, reason);
}

/* Units that the row leaves on hand. */
static int64_t units_after(const struct compare *compare, const struct hf_import_row *row,
                           size_t entry)
{
    return row->figures[0] + (compare->options->is_add ? compare->differences->list[entry].after[0]
                                                       : compare->carried[entry]);
}

static void apply_row(struct compare *compare, uint32_t index)
{
    struct hf_import_row *row = &compare->file->rows[index];
    const size_t entry = compare->entries[row->first];
    int64_t *after = compare->differences->list[entry].after;
    int64_t wanted[HF_IMPORT_FIGURES] = {0};

    if (compare->refusals[entry] != HOLDFAST_OK) {
        refuse(compare, index, compare->refusals[entry], 0);
        return;
    }
    if (compare->options->what == HF_IMPORT_STOCK) {
        wanted[0] = units_after(compare, row, entry);
        if (wanted[0] < 0) {
            refuse(compare, index, HOLDFAST_INSUFFICIENT_ON_HAND, -wanted[0]);
            return;
        }
        if (wanted[0] > HF_UNITS_MAX) {
            refuse(compare, index, HOLDFAST_LIMIT_EXCEEDED, 0);
            return;
        }
    } else {
        for (size_t i = 0; i < HF_IMPORT_FIGURES; i++) {
            wanted[i] = row->figures[i] == HOLDFAST_POLICY_KEEP ? after[i] : row->figures[i];
        }
    }
    /* A policy makes the cell where there is none, also when it keeps nothing back. */
    const bool is_new = compare->options->what == HF_IMPORT_POLICY && compare->versions[entry] == 0;
    const bool is_change = memcmp(after, wanted, sizeof wanted) != 0 ||
                           (is_new && !hf_import_row_is_idle(compare->options, row));
    compare->versions[entry] = is_change ? UINT64_MAX : compare->versions[entry];
    row->state = is_change ? HF_ROW_CHANGED : HF_ROW_UNCHANGED;
    memcpy(after, wanted, sizeof wanted);
}

/* ------------------------------------------------------------------ done before? */

static bool find_move(void *arg, const struct holdfast_move *move)
{
    *(uint64_t *)arg = move->lsn;
    return false;
}

/*
 * An import that ran before is repeated, not done again. Nothing but the references can tell, so
 * some of the rows that seem to change something are looked up.
 */
static enum holdfast_outcome look_for_repeats(struct compare *compare)
{
    const struct hf_import_file *file = compare->file;
    uint32_t looked_for = 0;
    uint32_t changed_count = 0;

    for (uint32_t i = 0; i < file->rows_count; i++) {
        changed_count += file->rows[i].state == HF_ROW_CHANGED ? 1 : 0;
    }
    const uint32_t step = changed_count / REPEATS_LOOKED_FOR + 1;
    uint32_t at = 0;
    for (uint32_t i = 0; i < file->rows_count && looked_for < REPEATS_LOOKED_FOR; i++) {
        if (file->rows[i].state != HF_ROW_CHANGED || at++ % step != 0) {
            continue;
        }
        char ref[HF_IMPORT_REF_BYTES];
        uint64_t lsn = 0;
        const struct holdfast_ledger_query query = {.ref = hf_import_ref(file, i, ref), .limit = 1};
        const enum holdfast_outcome outcome =
            holdfast_get_ledger(compare->hf, &query, find_move, &lsn);
        if (outcome != HOLDFAST_OK) {
            return outcome;
        }
        looked_for += 1;
        if (lsn > 0) {
            compare->differences->repeated_line = file->rows[i].line;
            compare->differences->repeated_lsn = lsn;
            return HOLDFAST_OK;
        }
    }
    return HOLDFAST_OK;
}

/* ------------------------------------------------------------------ all of it */

static bool allocate(struct compare *compare)
{
    const struct hf_import_file *file = compare->file;
    struct hf_differences *differences = compare->differences;
    const size_t rows_count = (size_t)file->rows_count + 1; /* calloc(0) may give NULL */

    differences->list = calloc(rows_count, sizeof *differences->list);
    compare->entries = calloc(rows_count, sizeof *compare->entries);
    compare->carried = calloc(rows_count, sizeof *compare->carried);
    compare->versions = calloc(rows_count, sizeof *compare->versions);
    compare->refusals = calloc(rows_count, sizeof *compare->refusals);
    if (differences->list == NULL || compare->entries == NULL || compare->carried == NULL ||
        compare->versions == NULL || compare->refusals == NULL) {
        return false;
    }
    for (uint32_t i = 0; i < file->rows_count; i++) {
        if (file->rows[i].first == i) {
            compare->entries[i] = (uint32_t)differences->count;
            differences->list[differences->count++].row = i;
        }
    }
    return true;
}

/* Keep the cells that change. */
static void pack(struct hf_differences *differences)
{
    size_t kept = 0;
    for (size_t i = 0; i < differences->count; i++) {
        const struct hf_difference *difference = &differences->list[i];
        if (memcmp(difference->before, difference->after, sizeof difference->before) != 0) {
            differences->list[kept++] = *difference;
        }
    }
    differences->count = kept;
}

enum holdfast_outcome hf_import_compare(struct holdfast *hf, struct hf_import_file *file,
                                        const struct hf_import_options *options,
                                        struct hf_faults *faults, struct hf_progress *progress,
                                        struct hf_differences *differences)
{
    struct compare *compare = calloc(1, sizeof *compare);
    enum holdfast_outcome outcome = HOLDFAST_BUSY; /* out of memory */

    *differences = (struct hf_differences){0};
    if (compare == NULL) {
        return outcome;
    }
    compare->hf = hf;
    compare->file = file;
    compare->options = options;
    compare->faults = faults;
    compare->differences = differences;
    if (allocate(compare)) {
        progress->total = differences->count;
        outcome = read_figures(compare, progress);
        for (uint32_t i = 0; outcome == HOLDFAST_OK && i < file->rows_count; i++) {
            apply_row(compare, i);
        }
        if (outcome == HOLDFAST_OK) {
            outcome = look_for_repeats(compare);
        }
        pack(differences);
    }
    free(compare->entries);
    free(compare->carried);
    free(compare->versions);
    free(compare->refusals);
    free(compare);
    return outcome;
}
