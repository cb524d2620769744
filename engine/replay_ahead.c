/*
 * replay_ahead.c - what the next records will touch, fetched before they are replayed.
 *
 *     32 records --> their names and cells --> index slots --> cells, reservations --> lines, rings
 *
 * A record waits for several cache misses, one behind the other. Over a few dozen records the
 * misses of one kind overlap. Nothing is decided here, and nothing is changed: the records are
 * decoded once more, and judged, when they are replayed.
 */
#include "engine/state.h"

#define RECORDS_MAX 32
#define EFFECTS_MAX 4 /* of a record that are looked at: the state, and a few lines */
#define TOUCHES_MAX (RECORDS_MAX * EFFECTS_MAX)

struct ahead {
    uint64_t names[TOUCHES_MAX]; /* hashes */
    uint64_t cells[TOUCHES_MAX];
    uint32_t names_count, cells_count;
    uint32_t rings[TOUCHES_MAX]; /* lines, of each cell; HF_NONE: none */
};

static void note_name(const struct hf_engine *engine, struct ahead *ahead, struct hf_text name)
{
    const uint64_t hash = hf_name_hash(name);

    hf_table_fetch(&engine->names.table, hash);
    ahead->names[ahead->names_count++] = hash;
}

static void note_record(const struct hf_engine *engine, struct ahead *ahead,
                        struct hf_record_reader *reader, const struct hf_record_header *header)
{
    bool is_end = false;

    if (header->ref.bytes_count > 0) {
        hf_table_fetch(&engine->names.table, hf_name_hash(header->ref));
    }
    if (header->order.bytes_count > 0) {
        hf_orders_fetch(&engine->orders, header->order);
    }
    for (unsigned i = 0; i < EFFECTS_MAX; i++) {
        struct hf_effect effect;
        if (hf_record_next(reader, header->lsn, &effect, &is_end) != HF_OK || is_end) {
            return;
        }
        if (effect.tag == HF_EFFECT_OPEN || effect.tag == HF_EFFECT_STATE) {
            note_name(engine, ahead, effect.reservation.id);
        } else if (effect.tag == HF_EFFECT_MOVE) {
            const uint64_t hash = hf_cell_hash(effect.move.sku, effect.move.location);
            hf_table_fetch(&engine->cells.table, hash);
            ahead->cells[ahead->cells_count++] = hash;
        }
    }
}

/* The cells; the ring of each, where a new line will hang; its last line, and whose that is. */
static void fetch_cells(const struct hf_engine *engine, struct ahead *ahead)
{
    const struct hf_reservations *reservations = &engine->reservations;
    uint32_t *rings = ahead->rings;

    for (uint32_t i = 0; i < ahead->cells_count; i++) {
        rings[i] = hf_table_peek(&engine->cells.table, ahead->cells[i]);
        if (rings[i] != HF_NONE) {
            __builtin_prefetch(hf_cell_at(&engine->cells, rings[i]), 1);
        }
    }
    for (uint32_t i = 0; i < ahead->cells_count; i++) {
        if (rings[i] != HF_NONE) {
            rings[i] = hf_cell_at(&engine->cells, rings[i])->timed_line;
        }
        if (rings[i] != HF_NONE) {
            __builtin_prefetch(hf_line_at(reservations, rings[i]), 1);
        }
    }
    for (uint32_t i = 0; i < ahead->cells_count; i++) {
        if (rings[i] != HF_NONE) {
            rings[i] = hf_line_at(reservations, rings[i])->ring_prev;
            __builtin_prefetch(hf_line_at(reservations, rings[i]), 1);
        }
    }
    for (uint32_t i = 0; i < ahead->cells_count; i++) {
        if (rings[i] != HF_NONE) {
            const uint32_t reservation = hf_line_at(reservations, rings[i])->reservation;
            __builtin_prefetch(hf_reservation_at(reservations, reservation));
        }
    }
}

/* The reservations of names that there are, and their first lines. */
static void fetch_reservations(const struct hf_engine *engine, struct ahead *ahead)
{
    const struct hf_reservations *reservations = &engine->reservations;
    uint32_t names[TOUCHES_MAX];

    for (uint32_t i = 0; i < ahead->names_count; i++) {
        names[i] = hf_table_peek(&engine->names.table, ahead->names[i]);
        if (names[i] != HF_NONE && hf_name_kind(names[i]) == HF_NAME_RESERVATION) {
            __builtin_prefetch(hf_reservation_at(reservations, names[i]), 1);
        } else {
            names[i] = HF_NONE;
        }
    }
    for (uint32_t i = 0; i < ahead->names_count; i++) {
        if (names[i] != HF_NONE) {
            const uint32_t line = hf_reservation_at(reservations, names[i])->first_line;
            if (line != HF_NONE) {
                __builtin_prefetch(hf_line_at(reservations, line), 1);
            }
        }
    }
}

size_t hf_engine_replay_ahead(const struct hf_engine *engine, const void *records,
                              size_t bytes_count)
{
    const unsigned char *bytes = records;
    struct ahead ahead;
    size_t at = 0;

    ahead.names_count = ahead.cells_count = 0;
    for (unsigned i = 0; i < RECORDS_MAX && at < bytes_count; i++) {
        struct hf_record_reader reader;
        struct hf_record_header header;
        if (hf_record_open(&reader, &header, bytes + at, bytes_count - at) != HF_OK) {
            return bytes_count; /* it will be refused */
        }
        note_record(engine, &ahead, &reader, &header);
        at += header.record_bytes;
    }
    fetch_cells(engine, &ahead);
    fetch_reservations(engine, &ahead);
    return at;
}
