#include "engine/reservation.h"

#include "engine/assert.h"

enum hf_err hf_reservations_init(struct hf_reservations *reservations, uint32_t reservations_max,
                                 uint32_t lines_max)
{
    *reservations = (struct hf_reservations){0};
    hf_wheel_init(&reservations->wheel, 0);
    if (hf_pool_init(&reservations->pool, sizeof(struct hf_reservation), reservations_max) !=
            HF_OK ||
        hf_pool_init(&reservations->lines, sizeof(struct hf_line), lines_max) != HF_OK ||
        hf_pool_init(&reservations->long_ids, HF_CODE_BYTES_MAX, reservations_max) != HF_OK) {
        hf_reservations_release(reservations);
        return HF_NO_MEMORY;
    }
    return HF_OK;
}

void hf_reservations_release(struct hf_reservations *reservations)
{
    hf_pool_release(&reservations->pool);
    hf_pool_release(&reservations->lines);
    hf_pool_release(&reservations->long_ids);
}

struct hf_text hf_reservation_id(const struct hf_reservations *reservations,
                                 const struct hf_reservation *reservation)
{
    const char *bytes = reservation->id_bytes <= HF_ID_INLINE
                            ? reservation->short_id
                            : hf_pool_at(&reservations->long_ids, reservation->long_id);
    return (struct hf_text){bytes, (uint32_t)reservation->id_bytes};
}

uint32_t hf_reservations_add(struct hf_reservations *reservations, struct hf_text id)
{
    HF_ASSERT(id.bytes_count > 0);
    HF_ASSERT(id.bytes_count <= HF_CODE_BYTES_MAX);

    const uint32_t index = hf_pool_take(&reservations->pool);
    struct hf_reservation *reservation = hf_reservation_at(reservations, index);
    reservation->id_bytes = (uint8_t)id.bytes_count;
    reservation->first_line = HF_NONE;
    reservation->order_node = HF_NONE;
    if (id.bytes_count <= HF_ID_INLINE) {
        memcpy(reservation->short_id, id.bytes, id.bytes_count);
    } else {
        reservation->long_id = hf_pool_take(&reservations->long_ids);
        memcpy(hf_pool_at(&reservations->long_ids, reservation->long_id), id.bytes, id.bytes_count);
    }
    return index;
}

void hf_reservations_remove(struct hf_reservations *reservations, uint32_t index)
{
    struct hf_reservation *reservation = hf_reservation_at(reservations, index);

    HF_ASSERT(reservation->order_node == HF_NONE);
    for (uint32_t at = reservation->first_line; at != HF_NONE;) {
        const uint32_t next = hf_line_at(reservations, at)->next;
        hf_pool_give(&reservations->lines, at);
        at = next;
    }
    if (reservation->id_bytes > HF_ID_INLINE) {
        hf_pool_give(&reservations->long_ids, reservation->long_id);
    }
    hf_pool_give(&reservations->pool, index);
}

/* ------------------------------------------------------------------ rings of a cell */

static uint64_t line_deadline_us(const struct hf_reservations *reservations,
                                 const struct hf_line *line)
{
    return hf_reservation_deadline_us(hf_reservation_at(reservations, line->reservation));
}

static uint32_t *ring_of(const struct hf_reservations *reservations, struct hf_cell *cell,
                         const struct hf_line *line)
{
    return line_deadline_us(reservations, line) == UINT64_MAX ? &cell->lasting_line
                                                              : &cell->timed_line;
}

/*
 * The line that one with `deadline_us` goes in front of, in the ring that begins with `first`.
 * HF_NONE: it was not found at either end. *is_first: it becomes the first of the ring.
 */
static uint32_t find_place(const struct hf_reservations *reservations, uint32_t first,
                           uint64_t deadline_us, bool *is_first)
{
    uint32_t after = hf_line_at(reservations, first)->ring_prev;
    uint32_t before = first;

    *is_first = false;
    for (unsigned looked = 0; looked < HF_RING_LOOK; looked++) {
        if (line_deadline_us(reservations, hf_line_at(reservations, after)) <= deadline_us) {
            return hf_line_at(reservations, after)->ring_next;
        }
        if (after == first) {
            *is_first = true;
            return first;
        }
        after = hf_line_at(reservations, after)->ring_prev;
    }
    for (unsigned looked = 0; looked < HF_RING_LOOK; looked++) {
        if (line_deadline_us(reservations, hf_line_at(reservations, before)) > deadline_us) {
            *is_first = before == first;
            return before;
        }
        before = hf_line_at(reservations, before)->ring_next;
    }
    return HF_NONE;
}

void hf_line_hang(struct hf_reservations *reservations, struct hf_cells *cells, uint32_t line)
{
    if (!reservations->is_settled) {
        return;
    }
    struct hf_line *hung = hf_line_at(reservations, line);
    struct hf_cell *cell = hf_cell_at(cells, hung->cell);
    uint32_t *first = ring_of(reservations, cell, hung);

    if (*first == HF_NONE) {
        hung->ring_next = hung->ring_prev = *first = line;
        return;
    }
    bool is_first = false;
    uint32_t place = *first; /* before the first is behind the last */
    if (first == &cell->timed_line) {
        place = find_place(reservations, *first, line_deadline_us(reservations, hung), &is_first);
    }
    if (place == HF_NONE) {
        cell->is_ring_mixed = 1;
        place = *first;
    }
    struct hf_line *next = hf_line_at(reservations, place);
    hung->ring_next = place;
    hung->ring_prev = next->ring_prev;
    hf_line_at(reservations, next->ring_prev)->ring_next = line;
    next->ring_prev = line;
    if (is_first) {
        *first = line;
    }
}

void hf_line_unhang(struct hf_reservations *reservations, struct hf_cells *cells, uint32_t line)
{
    if (!reservations->is_settled) {
        return;
    }
    struct hf_line *hung = hf_line_at(reservations, line);
    struct hf_cell *cell = hf_cell_at(cells, hung->cell);
    uint32_t *first = ring_of(reservations, cell, hung);

    HF_ASSERT(*first != HF_NONE);
    if (hung->ring_next == line) {
        HF_ASSERT(*first == line);
        *first = HF_NONE;
        if (first == &cell->timed_line) {
            cell->is_ring_mixed = 0;
        }
        return;
    }
    hf_line_at(reservations, hung->ring_prev)->ring_next = hung->ring_next;
    hf_line_at(reservations, hung->ring_next)->ring_prev = hung->ring_prev;
    if (*first == line) {
        *first = hung->ring_next;
    }
}

void hf_reservation_hang_all(struct hf_reservations *reservations, struct hf_cells *cells,
                             uint32_t reservation)
{
    for (uint32_t at = hf_reservation_at(reservations, reservation)->first_line; at != HF_NONE;
         at = hf_line_at(reservations, at)->next) {
        if (hf_line_open_units(hf_line_at(reservations, at)) > 0) {
            hf_line_hang(reservations, cells, at);
        }
    }
}

void hf_reservation_unhang_all(struct hf_reservations *reservations, struct hf_cells *cells,
                               uint32_t reservation)
{
    for (uint32_t at = hf_reservation_at(reservations, reservation)->first_line; at != HF_NONE;
         at = hf_line_at(reservations, at)->next) {
        if (hf_line_open_units(hf_line_at(reservations, at)) > 0) {
            hf_line_unhang(reservations, cells, at);
        }
    }
}

uint64_t hf_cell_earliest_us(const struct hf_reservations *reservations, const struct hf_cell *cell)
{
    const unsigned look_max = cell->is_ring_mixed != 0 ? HF_RING_LOOK_MIXED : 1;
    uint64_t earliest_us = UINT64_MAX;
    uint32_t at = cell->timed_line;

    for (unsigned looked = 0; at != HF_NONE && looked < look_max; looked++) {
        const struct hf_line *line = hf_line_at(reservations, at);
        const uint64_t deadline_us = line_deadline_us(reservations, line);
        if (deadline_us < earliest_us) {
            earliest_us = deadline_us;
        }
        at = line->ring_next == cell->timed_line ? HF_NONE : line->ring_next;
    }
    return earliest_us;
}

/* ------------------------------------------------------------------ lines of a reservation */

uint32_t hf_line_add(struct hf_reservations *reservations, struct hf_cells *cells,
                     uint32_t reservation, uint32_t last, uint32_t cell, int64_t units)
{
    HF_ASSERT(units > 0);
    HF_ASSERT(units <= HF_UNITS_MAX);

    const uint32_t index = hf_pool_take(&reservations->lines);
    *hf_line_at(reservations, index) =
        (struct hf_line){.units = units, .cell = cell, .reservation = reservation, .next = HF_NONE};
    if (last == HF_NONE) {
        HF_ASSERT(hf_reservation_at(reservations, reservation)->first_line == HF_NONE);
        hf_reservation_at(reservations, reservation)->first_line = index;
    } else {
        HF_ASSERT(hf_line_at(reservations, last)->next == HF_NONE);
        hf_line_at(reservations, last)->next = index;
    }
    hf_line_hang(reservations, cells, index);
    return index;
}

void hf_line_remove_last(struct hf_reservations *reservations, struct hf_cells *cells,
                         uint32_t reservation)
{
    uint32_t *link = &hf_reservation_at(reservations, reservation)->first_line;

    HF_ASSERT(*link != HF_NONE);
    while (hf_line_at(reservations, *link)->next != HF_NONE) {
        link = &hf_line_at(reservations, *link)->next;
    }
    const uint32_t index = *link;
    hf_line_unhang(reservations, cells, index);
    *link = HF_NONE;
    hf_pool_give(&reservations->lines, index);
}

uint32_t hf_line_find(const struct hf_reservations *reservations, uint32_t reservation,
                      uint32_t cell)
{
    uint32_t at = hf_reservation_at(reservations, reservation)->first_line;
    while (at != HF_NONE && hf_line_at(reservations, at)->cell != cell) {
        at = hf_line_at(reservations, at)->next;
    }
    return at;
}

/* ------------------------------------------------------------------ the wheel */

static struct hf_wheel_link *item_link(void *arg, uint32_t index)
{
    return &hf_reservation_at(arg, index)->wheel;
}

static uint64_t item_deadline_us(void *arg, uint32_t index)
{
    return hf_reservation_deadline_us(hf_reservation_at(arg, index));
}

static struct hf_wheel_items wheel_items(struct hf_reservations *reservations)
{
    return (struct hf_wheel_items){reservations, item_link, item_deadline_us};
}

/* I4. */
static bool is_watched(const struct hf_reservations *reservations, uint32_t index)
{
    const struct hf_reservation *reservation = hf_reservation_at(reservations, index);
    return reservation->state == HF_STATE_HELD && reservation->life_us != 0;
}

void hf_reservation_watch(struct hf_reservations *reservations, uint32_t index)
{
    if (reservations->is_settled && is_watched(reservations, index)) {
        const struct hf_wheel_items items = wheel_items(reservations);
        hf_wheel_add(&reservations->wheel, &items, index);
    }
}

void hf_reservation_unwatch(struct hf_reservations *reservations, uint32_t index)
{
    if (reservations->is_settled && is_watched(reservations, index)) {
        const struct hf_wheel_items items = wheel_items(reservations);
        hf_wheel_remove(&reservations->wheel, &items, index);
    }
}

void hf_reservations_fill_wheel(struct hf_reservations *reservations, uint64_t now_us)
{
    const struct hf_wheel_items items = wheel_items(reservations);

    hf_wheel_init(&reservations->wheel, now_us);
    for (uint32_t i = 0; i < reservations->pool.used_count; i++) {
        if (is_watched(reservations, i)) {
            hf_wheel_add(&reservations->wheel, &items, i);
        }
    }
}

uint32_t hf_reservations_due(struct hf_reservations *reservations, uint64_t now_us, uint32_t *steps)
{
    const struct hf_wheel_items items = wheel_items(reservations);
    return hf_wheel_due(&reservations->wheel, &items, now_us, steps);
}

uint64_t hf_reservations_memory_bytes(const struct hf_reservations *reservations)
{
    return hf_pool_memory_bytes(&reservations->pool) + hf_pool_memory_bytes(&reservations->lines) +
           hf_pool_memory_bytes(&reservations->long_ids);
}
