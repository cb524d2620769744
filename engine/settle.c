/*
 * settle.c - the rings and the wheel, built at once when a state has been loaded and replayed.
 *
 *     load, replay    cells, reservations, lines; not hung anywhere
 *     part p          the rings of every cell whose index is p modulo the parts; part 0: the wheel
 *     end             from here on every change keeps both (reservation.c)
 *
 * Hung one by one as its record is replayed, a line costs a chain of places that no cache holds:
 * its cell, the first line there, the last, whose that is. Built at the end the lines come in a
 * known order, so those misses overlap, and each part can have a thread of its own: it reads the
 * reservations and writes to its cells and to nothing but the lines of these.
 *
 * While a ring is built its cell names the last line instead of the first, so only that one is
 * touched; ring_prev of the first is set when all lines are in. A line that ends before the one
 * in front of it makes the ring mixed, and a mixed one is sorted, so what is settled is exact.
 */
#include <stdlib.h>

#include "engine/state.h"

#define BATCH_MAX 64
#define LOOK_AHEAD 16 /* reservations, or cells of the part */

struct settling {
    struct hf_engine *engine;
    uint32_t part, parts_count;
    uint32_t count;
    uint32_t lines[BATCH_MAX];  /* that hang in rings of this part, in order */
    uint64_t due_us[BATCH_MAX]; /* their deadlines; UINT64_MAX: none */
};

/* ------------------------------------------------------------------ lines */

#define COARSE_BITS 16                                     /* microseconds in it: 65 ms */
#define COARSE_SPAN_US (UINT64_C(1) << (32 + COARSE_BITS)) /* nine years, now in the middle */

/* A deadline in 32 bits, rounded down and kept in the span: equal ones need a second look. */
static uint32_t coarse(uint64_t due_us, uint64_t now_us)
{
    const uint64_t begin_us = now_us > COARSE_SPAN_US / 2 ? now_us - COARSE_SPAN_US / 2 : 0;
    const uint64_t left_us = due_us > begin_us ? due_us - begin_us : 0;

    return left_us < COARSE_SPAN_US ? (uint32_t)(left_us >> COARSE_BITS) : UINT32_MAX;
}

static uint64_t line_due_us(const struct hf_reservations *reservations, uint32_t line)
{
    return hf_reservation_deadline_us(
        hf_reservation_at(reservations, hf_line_at(reservations, line)->reservation));
}

static uint32_t *ring_of(struct hf_cell *cell, uint64_t due_us)
{
    return due_us == UINT64_MAX ? &cell->lasting_line : &cell->timed_line;
}

/* Behind the last line of its ring. */
static void append(struct hf_engine *engine, uint32_t index, uint64_t due_us)
{
    const struct hf_reservations *reservations = &engine->reservations;
    struct hf_line *line = hf_line_at(reservations, index);
    struct hf_cell *cell = hf_cell_at(&engine->cells, line->cell);
    uint32_t *ring = ring_of(cell, due_us);

    line->coarse_due = coarse(due_us, engine->last_ts_us);
    if (*ring == HF_NONE) {
        line->ring_next = line->ring_prev = *ring = index;
        return;
    }
    struct hf_line *last = hf_line_at(reservations, *ring);
    if (due_us != UINT64_MAX &&
        (last->coarse_due > line->coarse_due ||
         (last->coarse_due == line->coarse_due && line_due_us(reservations, *ring) > due_us))) {
        cell->is_ring_mixed = 1;
    }
    line->ring_prev = *ring;
    line->ring_next = last->ring_next;
    last->ring_next = index;
    *ring = index;
}

static void append_batch(struct settling *settling)
{
    const struct hf_reservations *reservations = &settling->engine->reservations;
    const struct hf_cells *cells = &settling->engine->cells;

    for (uint32_t i = 0; i < settling->count; i++) {
        const uint32_t cell = hf_line_at(reservations, settling->lines[i])->cell;
        const uint32_t last = *ring_of(hf_cell_at(cells, cell), settling->due_us[i]);
        if (last != HF_NONE) {
            hf_prefetch(hf_line_at(reservations, last));
        }
    }
    for (uint32_t i = 0; i < settling->count; i++) {
        append(settling->engine, settling->lines[i], settling->due_us[i]);
    }
    settling->count = 0;
}

static void take_lines(struct settling *settling, const struct hf_reservation *reservation)
{
    const struct hf_reservations *reservations = &settling->engine->reservations;
    const uint64_t due_us = hf_reservation_deadline_us(reservation);

    for (uint32_t at = reservation->first_line; at != HF_NONE;) {
        const struct hf_line *line = hf_line_at(reservations, at);
        if (line->cell % settling->parts_count == settling->part && hf_line_open_units(line) > 0) {
            hf_prefetch(hf_cell_at(&settling->engine->cells, line->cell));
            settling->lines[settling->count] = at;
            settling->due_us[settling->count] = due_us;
            if (++settling->count == BATCH_MAX) {
                append_batch(settling);
            }
        }
        at = line->next;
    }
}

static void append_all(struct settling *settling)
{
    const struct hf_reservations *reservations = &settling->engine->reservations;
    const uint32_t end = reservations->pool.used_count;

    for (uint32_t i = 0; i < end; i++) {
        if (i + LOOK_AHEAD < end) {
            const struct hf_reservation *later = hf_reservation_at(reservations, i + LOOK_AHEAD);
            if (hf_state_is_open((enum hf_state)later->state)) {
                hf_prefetch(hf_line_at(reservations, later->first_line));
            }
        }
        const struct hf_reservation *reservation = hf_reservation_at(reservations, i);
        if (hf_state_is_open((enum hf_state)reservation->state)) {
            take_lines(settling, reservation);
        }
    }
    append_batch(settling);
}

/* ------------------------------------------------------------------ rings */

struct due {
    uint64_t us;
    uint32_t place; /* before sorting: equal ones stay in their order */
    uint32_t line;
};

static int compare_due(const void *a, const void *b)
{
    const struct due *left = a;
    const struct due *right = b;

    if (left->us != right->us) {
        return left->us < right->us ? -1 : 1;
    }
    return left->place < right->place ? -1 : left->place > right->place;
}

/* A closed ring by deadline. Without memory for it the ring stays mixed, as it may (I4 holds). */
static void sort_ring(struct hf_reservations *reservations, struct hf_cell *cell)
{
    uint32_t count = 0;
    uint32_t at = cell->timed_line;

    do {
        count++;
        at = hf_line_at(reservations, at)->ring_next;
    } while (at != cell->timed_line);
    struct due *dues = malloc(count * sizeof *dues);
    if (dues == NULL) {
        return;
    }
    for (uint32_t i = 0; i < count; i++) {
        dues[i] = (struct due){line_due_us(reservations, at), i, at};
        at = hf_line_at(reservations, at)->ring_next;
    }
    qsort(dues, count, sizeof *dues, compare_due);
    for (uint32_t i = 0; i < count; i++) {
        struct hf_line *line = hf_line_at(reservations, dues[i].line);
        line->ring_prev = dues[i == 0 ? count - 1 : i - 1].line;
        line->ring_next = dues[i + 1 == count ? 0 : i + 1].line;
    }
    cell->timed_line = dues[0].line;
    cell->is_ring_mixed = 0;
    free(dues);
}

/* The cell names the last line so far: let it name the first, and that one know the last. */
static void close_ring(struct hf_reservations *reservations, uint32_t *ring)
{
    if (*ring != HF_NONE) {
        const uint32_t first = hf_line_at(reservations, *ring)->ring_next;
        hf_line_at(reservations, first)->ring_prev = *ring;
        *ring = first;
    }
}

static void fetch_ring(const struct hf_reservations *reservations, const struct hf_cell *cell,
                       bool is_last_there)
{
    if (cell->timed_line != HF_NONE) {
        const struct hf_line *last = hf_line_at(reservations, cell->timed_line);
        hf_prefetch(is_last_there ? hf_line_at(reservations, last->ring_next) : last);
    }
}

static void close_all(struct settling *settling)
{
    struct hf_reservations *reservations = &settling->engine->reservations;
    const struct hf_cells *cells = &settling->engine->cells;
    const uint64_t step = settling->parts_count;
    const uint64_t end = cells->pool.used_count;

    for (uint64_t i = settling->part; i < end; i += step) {
        if (i + 2 * LOOK_AHEAD * step < end) {
            fetch_ring(reservations, hf_cell_at(cells, (uint32_t)(i + 2 * LOOK_AHEAD * step)),
                       false);
        }
        if (i + LOOK_AHEAD * step < end) {
            fetch_ring(reservations, hf_cell_at(cells, (uint32_t)(i + LOOK_AHEAD * step)), true);
        }
        struct hf_cell *cell = hf_cell_at(cells, (uint32_t)i);
        close_ring(reservations, &cell->timed_line);
        close_ring(reservations, &cell->lasting_line);
        if (cell->is_ring_mixed != 0) {
            sort_ring(reservations, cell);
        }
    }
}

/* ------------------------------------------------------------------ all */

void hf_engine_settle_part(struct hf_engine *engine, uint32_t part, uint32_t parts_count)
{
    struct settling settling = {.engine = engine, .part = part, .parts_count = parts_count};

    HF_ASSERT(part < parts_count);
    HF_ASSERT(!engine->reservations.is_settled);
    append_all(&settling);
    close_all(&settling);
    if (part == 0) {
        hf_reservations_fill_wheel(&engine->reservations, engine->last_ts_us);
    }
}

void hf_engine_settle_end(struct hf_engine *engine)
{
    HF_ASSERT(!engine->reservations.is_settled);
    engine->reservations.is_settled = true;
}

void hf_engine_settle(struct hf_engine *engine)
{
    if (!engine->reservations.is_settled) {
        hf_engine_settle_part(engine, 0, 1);
        hf_engine_settle_end(engine);
    }
}
