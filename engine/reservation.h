/*
 * reservation.h - reservations, their lines, and the lists in which both hang.
 *
 *     reservation --first_line--> line --next--> line --next--> HF_NONE      in the order given
 *                                  |              |
 *     cell A  timed_line  <--ring--+              |        open lines with a deadline, about in
 *     cell B  lasting_line <-------ring-----------+        its order; and open lines without one
 *
 *     held -> confirmed -> fulfilled        open: held, confirmed
 *       \---------\------> released         closed: the rest; a closed reservation is remembered
 *        \-> expired                        until the retention forgets it (name.h)
 *
 * Invariants (audited, P6):
 *     I1   a line's open units = units - fulfilled - released, never below zero
 *     I2   the open units of a cell's lines add up to its held (held reservations) and committed
 *          (confirmed ones)
 *     I3   a line hangs in its cell's ring exactly while it has open units
 *     I4   a held reservation with a deadline is in the wheel, and no other is
 * (I3 and I4 from when the state is settled.)
 *
 * The timed ring tells a refused caller when stock comes back. A line goes in where its deadline
 * belongs, looked for among HF_RING_LOOK lines from either end; where it is not found there, the
 * line goes in anywhere and the ring counts as mixed until it is empty. The first line of a ring
 * that is not mixed ends first; of a mixed one HF_RING_LOOK_MIXED lines are looked at. So the
 * answer is exact for any number of holds with one time-to-live, and for HF_RING_LOOK_MIXED holds
 * with any; beyond, it may be a later hold than the very first. Engine thread only.
 */
#ifndef HF_ENGINE_RESERVATION_H
#define HF_ENGINE_RESERVATION_H

#include "engine/cell.h"
#include "engine/wheel.h"

#define HF_RING_LOOK 64
#define HF_RING_LOOK_MIXED 4096
#define HF_ID_INLINE 16

struct hf_reservation {
    union {
        char short_id[HF_ID_INLINE];
        uint32_t long_id; /* index into long_ids, when the id has more bytes */
    };
    uint64_t life_us : 48; /* deadline = opened_us + life_us; 0: none */
    uint64_t id_bytes : 8;
    uint64_t state : 8; /* enum hf_state; HF_STATE_NONE: a free slot */
    uint64_t opened_us;
    uint64_t opened_lsn;
    uint64_t last_lsn; /* of its newest change */
    uint64_t content_hash;
    union {
        struct hf_wheel_link wheel; /* held with a deadline */
        uint64_t confirmed_lsn;     /* confirmed: since when */
        uint64_t name_position;     /* closed: place in the queue of remembered names */
    };
    uint32_t first_line;
    union {
        uint32_t order_node;   /* order.h; HF_NONE: no order */
        uint32_t loaded_order; /* until it is joined (image_load.h): where its order is named */
    };
};
_Static_assert(sizeof(struct hf_reservation) == 72, "the bar is 128 bytes with line and index");

struct hf_line {
    int64_t units;
    int64_t fulfilled;
    int64_t released;
    uint32_t cell;
    uint32_t reservation;
    uint32_t next; /* of the reservation */
    union {
        struct {
            uint32_t ring_next, ring_prev; /* of the cell */
        };
        struct {
            uint32_t loaded_sku, loaded_location; /* until it is joined (image_load.h) */
        };
    };
    uint32_t coarse_due; /* while rings are built: its deadline, roughly (settle.c) */
};
_Static_assert(sizeof(struct hf_line) == 48, "see above");

struct hf_reservations {
    struct hf_pool pool;     /* struct hf_reservation */
    struct hf_pool lines;    /* struct hf_line */
    struct hf_pool long_ids; /* HF_CODE_BYTES_MAX bytes */
    struct hf_wheel wheel;
    bool is_settled; /* rings and wheel are kept; loading and replay leave that to settle.c */
    uint64_t open_count;
};

enum hf_err hf_reservations_init(struct hf_reservations *reservations, uint32_t reservations_max,
                                 uint32_t lines_max);
void hf_reservations_release(struct hf_reservations *reservations);

static inline struct hf_reservation *hf_reservation_at(const struct hf_reservations *reservations,
                                                       uint32_t index)
{
    return hf_pool_at(&reservations->pool, index);
}

static inline struct hf_line *hf_line_at(const struct hf_reservations *reservations, uint32_t index)
{
    return hf_pool_at(&reservations->lines, index);
}

static inline int64_t hf_line_open_units(const struct hf_line *line)
{
    return line->units - line->fulfilled - line->released;
}

static inline bool hf_state_is_open(enum hf_state state)
{
    return state == HF_STATE_HELD || state == HF_STATE_CONFIRMED;
}

/* Deadline in microseconds; UINT64_MAX when there is none. */
static inline uint64_t hf_reservation_deadline_us(const struct hf_reservation *reservation)
{
    return reservation->life_us == 0 ? UINT64_MAX : reservation->opened_us + reservation->life_us;
}

static inline bool hf_reservation_is_due(const struct hf_reservation *reservation, uint64_t now_us)
{
    return reservation->state == HF_STATE_HELD && hf_reservation_deadline_us(reservation) <= now_us;
}

struct hf_text hf_reservation_id(const struct hf_reservations *reservations,
                                 const struct hf_reservation *reservation);

/* A new reservation of this id and no lines; state and times are the caller's. There is room. */
uint32_t hf_reservations_add(struct hf_reservations *reservations, struct hf_text id);
/* Free it and its lines, which must not hang in rings any more. */
void hf_reservations_remove(struct hf_reservations *reservations, uint32_t index);

/* Add a line of `units` at the end of the reservation's lines (after `last`, HF_NONE: the first)
 * and hang it into its cell's ring. The reservation's deadline is set. */
uint32_t hf_line_add(struct hf_reservations *reservations, struct hf_cells *cells,
                     uint32_t reservation, uint32_t last, uint32_t cell, int64_t units);
/* Take back the line that was added last. */
void hf_line_remove_last(struct hf_reservations *reservations, struct hf_cells *cells,
                         uint32_t reservation);
/* The reservation's line at a cell; HF_NONE when it has none. */
uint32_t hf_line_find(const struct hf_reservations *reservations, uint32_t reservation,
                      uint32_t cell);

/* Into and out of the cell's ring, by the deadline the reservation has now. These, and what stands
 * below up to the wheel, do nothing until the state is settled. */
void hf_line_hang(struct hf_reservations *reservations, struct hf_cells *cells, uint32_t line);
void hf_line_unhang(struct hf_reservations *reservations, struct hf_cells *cells, uint32_t line);
/* All open lines of a reservation, around a change of its deadline or state. */
void hf_reservation_hang_all(struct hf_reservations *reservations, struct hf_cells *cells,
                             uint32_t reservation);
void hf_reservation_unhang_all(struct hf_reservations *reservations, struct hf_cells *cells,
                               uint32_t reservation);

/* Into and out of the wheel, when the reservation belongs there (I4). */
void hf_reservation_watch(struct hf_reservations *reservations, uint32_t index);
void hf_reservation_unwatch(struct hf_reservations *reservations, uint32_t index);
/* Put every hold with a deadline into the wheel (settle.c). */
void hf_reservations_fill_wheel(struct hf_reservations *reservations, uint64_t now_us);
/* The hold that is due first; see hf_wheel_due. */
uint32_t hf_reservations_due(struct hf_reservations *reservations, uint64_t now_us,
                             uint32_t *steps);

/* When the cell's next hold ends (see above); UINT64_MAX: none has a deadline. */
uint64_t hf_cell_earliest_us(const struct hf_reservations *reservations,
                             const struct hf_cell *cell);

uint64_t hf_reservations_memory_bytes(const struct hf_reservations *reservations);

#endif
