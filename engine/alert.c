/*
 * alert.c - what a change of a cell tells besides itself: low stock, out of stock, shortage.
 *
 *     effects --before--> shortage there was   --applied-->   --after--> marks, gaps, shortages
 *
 * Alerts are decided when the record is made, from the state that it leaves behind, and stand in
 * the record: replay repeats them and a follower reads them, whatever the rules are by then.
 *
 *     low stock     ATS <= N begins it; ATS >= N + max(1, N / 10) ends it. In between nothing
 *                   is told, so a cell that goes to and fro about N is not told of each time
 *     out of stock  ATS <= 0 begins it, ATS > 0 ends it
 *     shortage      told whenever a fact makes it larger, with the reservations it hits
 *
 * A cell's flags are looked at when the cell changes. A switch of its location (whether in-transit
 * stock may be sold) changes many cells at once and tells nothing by itself; the next change of
 * each does.
 */
#include "engine/state.h"

/* Whether such an operation can take units away from under promises; only those are watched. */
static bool may_cut(enum hf_kind kind)
{
    switch (kind) {
    case HF_KIND_ADJUST:
    case HF_KIND_SELL:
    case HF_KIND_SET_POLICY:
    case HF_KIND_SET:
    case HF_KIND_MOVE_STATUS:
    case HF_KIND_DISPOSE:
    case HF_KIND_TRANSFER_RECEIVE:
    case HF_KIND_TRANSFER_CANCEL:
    case HF_KIND_TRANSFER_CLOSE:
    case HF_KIND_INBOUND_RECEIVE:
    case HF_KIND_INBOUND_CANCEL:
        return true;
    default:
        return false;
    }
}

/* The cell that an effect is about; HF_NONE: none, or not made yet. */
static uint32_t cell_of(const struct hf_engine *engine, const struct hf_effect *effect)
{
    switch (effect->tag) {
    case HF_EFFECT_MOVE:
        return effect->move.cell != HF_NONE
                   ? effect->move.cell
                   : hf_cells_find(&engine->cells, effect->move.sku, effect->move.location);
    case HF_EFFECT_POLICY:
        return hf_cells_find(&engine->cells, effect->policy.sku, effect->policy.location);
    default:
        return HF_NONE;
    }
}

static bool has_reservations(const struct hf_cell *cell)
{
    return cell->timed_line != HF_NONE || cell->lasting_line != HF_NONE;
}

uint32_t hf_alert_bound(const struct hf_engine *engine, enum hf_kind kind)
{
    const struct hf_work *work = &engine->work;
    uint32_t bytes_count = 0;

    if (!may_cut(kind)) {
        return 0;
    }
    for (uint32_t i = work->effects_first; i < work->effects_count; i++) {
        const uint32_t cell = cell_of(engine, &work->effects[i]);
        if (cell != HF_NONE && has_reservations(hf_cell_at(&engine->cells, cell))) {
            bytes_count += 32 + HF_HITS_MAX * HF_HIT_BYTES_MAX;
        }
        if (bytes_count >= HF_RECORD_HITS_BYTES_MAX) {
            return HF_RECORD_HITS_BYTES_MAX + HF_LINES_MAX * 32;
        }
    }
    return bytes_count;
}

void hf_alert_before(struct hf_engine *engine, enum hf_kind kind)
{
    struct hf_work *work = &engine->work;
    const bool is_watched = may_cut(kind);

    work->hits_bytes = 0;
    for (uint32_t i = work->effects_first; is_watched && i < work->effects_count; i++) {
        struct hf_effect *effect = &work->effects[i];
        const uint32_t index = cell_of(engine, effect);
        if (index == HF_NONE) {
            continue;
        }
        const struct hf_cell *cell = hf_cell_at(&engine->cells, index);
        struct hf_effect_tell *tell =
            effect->tag == HF_EFFECT_MOVE ? &effect->move.tell : &effect->policy.tell;
        tell->shortage_before =
            has_reservations(cell) ? hf_cell_shortage(&engine->cells, &engine->catalog, cell) : 0;
    }
}

/* ------------------------------------------------------------------ marks */

static int64_t recovered_at(int64_t low_stock)
{
    return low_stock + (low_stock / 10 > 1 ? low_stock / 10 : 1);
}

/* The marks that bring the cell's flags up to `ats`; 0 when they are. */
static uint8_t marks_of(const struct hf_cell *cell, int64_t ats, int64_t low_stock, bool is_new)
{
    const bool is_out = ats <= 0;
    const bool is_low = low_stock != HF_LOW_STOCK_NONE &&
                        (cell->is_low != 0 ? ats < recovered_at(low_stock) : ats <= low_stock);
    uint8_t marks = HF_MARK_GIVEN;

    if (is_low == (cell->is_low != 0) && is_out == (cell->is_out != 0)) {
        return 0;
    }
    marks |= is_low ? HF_MARK_IS_LOW : 0;
    marks |= is_out ? HF_MARK_IS_OUT : 0;
    if (is_low != (cell->is_low != 0) && low_stock != HF_LOW_STOCK_NONE) {
        marks |= HF_MARK_TELL_LOW;
    }
    if (is_out != (cell->is_out != 0) && !is_new) {
        marks |= HF_MARK_TELL_OUT;
    }
    return marks;
}

static void decide_marks(struct hf_engine *engine, uint32_t index, struct hf_effect_tell *tell,
                         bool is_new)
{
    struct hf_cell *cell = hf_cell_at(&engine->cells, index);
    const int64_t ats = hf_cell_ats(&engine->cells, &engine->catalog, cell);

    tell->gap = ats - (cell->hot[HF_ON_HAND] - cell->hot[HF_HELD] - cell->hot[HF_COMMITTED]);
    tell->marks = marks_of(cell, ats, hf_cell_policy(&engine->cells, cell).low_stock, is_new);
    if (tell->marks != 0) {
        hf_item_before(engine, HF_ITEM_CELL, index);
        cell->is_low = (tell->marks & HF_MARK_IS_LOW) != 0;
        cell->is_out = (tell->marks & HF_MARK_IS_OUT) != 0;
        hf_item_after(engine, HF_ITEM_CELL, index);
    }
}

/* ------------------------------------------------------------------ shortages */

/* Who is hit first: holds before confirmed ones, and of each the newest. */
struct rank {
    uint64_t lsn; /* opened, of a hold; else confirmed */
    uint32_t line;
    bool is_held;
};

static bool is_hit_before(const struct rank *a, const struct rank *b)
{
    if (a->is_held != b->is_held) {
        return a->is_held;
    }
    return a->lsn > b->lsn;
}

static struct rank rank_of(const struct hf_engine *engine, uint32_t at)
{
    const struct hf_line *line = hf_line_at(&engine->reservations, at);
    const struct hf_reservation *reservation =
        hf_reservation_at(&engine->reservations, line->reservation);
    const bool is_held = reservation->state == HF_STATE_HELD;

    return (struct rank){.is_held = is_held,
                         .lsn = is_held ? reservation->opened_lsn : reservation->confirmed_lsn,
                         .line = at};
}

/* Keep the HF_HITS_MAX that are hit first, in order. */
static void insert_rank(struct rank *ranks, uint32_t *count, const struct rank *rank)
{
    uint32_t at = *count;

    if (at == HF_HITS_MAX) {
        if (!is_hit_before(rank, &ranks[at - 1])) {
            return;
        }
        at--;
    } else {
        ++*count;
    }
    for (; at > 0 && is_hit_before(rank, &ranks[at - 1]); at--) {
        ranks[at] = ranks[at - 1];
    }
    ranks[at] = *rank;
}

/* Newest first, where the rings are in any order of time: from their ends. */
static void rank_ring(const struct hf_engine *engine, uint32_t first, uint32_t *looks_left,
                      struct rank *ranks, uint32_t *count)
{
    uint32_t at = first == HF_NONE ? HF_NONE : hf_line_at(&engine->reservations, first)->ring_prev;

    while (at != HF_NONE && *looks_left > 0) {
        const struct rank rank = rank_of(engine, at);
        insert_rank(ranks, count, &rank);
        --*looks_left;
        at = at == first ? HF_NONE : hf_line_at(&engine->reservations, at)->ring_prev;
    }
}

uint32_t hf_alert_hits(const struct hf_engine *engine, const struct hf_cell *cell, int64_t missing,
                       uint32_t *looks_left, struct hf_hit *hits)
{
    struct rank ranks[HF_HITS_MAX];
    uint32_t ranks_count = 0;
    const uint32_t looks = *looks_left > 2 * HF_HITS_MAX ? *looks_left : 2 * HF_HITS_MAX;
    uint32_t left = looks / 2;

    rank_ring(engine, cell->timed_line, &left, ranks, &ranks_count);
    left += looks - looks / 2;
    rank_ring(engine, cell->lasting_line, &left, ranks, &ranks_count);
    const uint32_t used = looks - left;
    *looks_left = used < *looks_left ? *looks_left - used : 0;

    uint32_t count = 0;
    for (; count < ranks_count && missing > 0; count++) {
        const struct hf_line *line = hf_line_at(&engine->reservations, ranks[count].line);
        hits[count] = (struct hf_hit){
            .reservation = hf_reservation_id(
                &engine->reservations, hf_reservation_at(&engine->reservations, line->reservation)),
            .units = hf_line_open_units(line)};
        missing -= hits[count].units;
    }
    return count;
}

static void put_shortage(struct hf_engine *engine, uint32_t index, int64_t missing,
                         uint32_t *looks_left)
{
    struct hf_work *work = &engine->work;
    const struct hf_cell *cell = hf_cell_at(&engine->cells, index);
    struct hf_hit hits[HF_HITS_MAX];
    const uint32_t hits_count = hf_alert_hits(engine, cell, missing, looks_left, hits);
    unsigned char *at = work->hits + work->hits_bytes;
    unsigned char *const begin = at;
    uint32_t named = 0;

    for (; named < hits_count &&
           (size_t)(at - work->hits) + HF_HIT_BYTES_MAX <= HF_RECORD_HITS_BYTES_MAX;
         named++) {
        at = hf_record_put_hit(at, &hits[named]);
    }
    work->hits_bytes = (uint32_t)(at - work->hits);
    hf_effect_put(engine, HF_EFFECT_SHORTAGE)->shortage =
        (struct hf_effect_shortage){.sku = cell->sku,
                                    .location = cell->location,
                                    .missing = missing,
                                    .hits_count = named,
                                    .hits = begin,
                                    .hits_bytes = (uint32_t)(at - begin)};
}

void hf_alert_after(struct hf_engine *engine, const struct hf_record_header *header)
{
    struct hf_work *work = &engine->work;
    const bool is_watched = may_cut((enum hf_kind)header->kind);
    const uint32_t end = work->effects_count;
    uint32_t looks_left = HF_HITS_LOOK_MAX;

    for (uint32_t i = work->effects_first; i < end; i++) {
        struct hf_effect *effect = &work->effects[i];
        if (effect->tag != HF_EFFECT_MOVE && effect->tag != HF_EFFECT_POLICY) {
            continue;
        }
        const bool is_move = effect->tag == HF_EFFECT_MOVE;
        struct hf_effect_tell *tell = is_move ? &effect->move.tell : &effect->policy.tell;
        const uint32_t index = cell_of(engine, effect);
        const uint64_t version_before =
            is_move ? effect->move.version_before : effect->policy.version_before;
        decide_marks(engine, index, tell, version_before == 0 || version_before == header->lsn);
        if (!is_watched) {
            continue;
        }
        const struct hf_cell *cell = hf_cell_at(&engine->cells, index);
        const int64_t missing =
            has_reservations(cell) ? hf_cell_shortage(&engine->cells, &engine->catalog, cell) : 0;
        if (missing > tell->shortage_before) {
            put_shortage(engine, index, missing, &looks_left);
        }
    }
}
