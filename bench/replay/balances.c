#include "bench/replay/balances.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "engine/assert.h"

struct cells {
    struct holdfast_cell *cells;
    size_t count;
    size_t room;
    bool has_no_memory;
};

static bool keep_cell(void *arg, const struct holdfast_cell *cell)
{
    struct cells *cells = arg;
    if (cells->count == cells->room) {
        const size_t room = cells->room == 0 ? 4096 : cells->room * 2;
        struct holdfast_cell *moved = realloc(cells->cells, room * sizeof *moved);
        if (moved == NULL) {
            cells->has_no_memory = true;
            return false;
        }
        cells->cells = moved;
        cells->room = room;
    }
    cells->cells[cells->count++] = *cell;
    return true;
}

static int by_code(const void *a, const void *b)
{
    const struct holdfast_cell *left = a;
    const struct holdfast_cell *right = b;
    const int order = strcmp(left->sku, right->sku);
    return order != 0 ? order : strcmp(left->location, right->location);
}

static void add_number(XXH3_state_t *state, int64_t number)
{
    unsigned char bytes[8];
    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = (unsigned char)((uint64_t)number >> (8 * i));
    }
    (void)XXH3_128bits_update(state, bytes, sizeof bytes);
}

enum holdfast_outcome hf_balances(struct holdfast *hf, char hex[HF_BALANCES_TEXT_BYTES],
                                  uint64_t *cells_count)
{
    struct cells cells = {0};
    XXH3_state_t *state = XXH3_createState();
    const struct holdfast_list_query all = {0};
    enum holdfast_outcome outcome = holdfast_list(hf, &all, keep_cell, &cells);

    if (cells.has_no_memory || state == NULL) {
        outcome = HOLDFAST_LIMIT_EXCEEDED;
    }
    if (outcome == HOLDFAST_OK) {
        if (cells.count > 0) {
            qsort(cells.cells, cells.count, sizeof *cells.cells, by_code);
        }
        (void)XXH3_128bits_reset(state);
        for (size_t i = 0; i < cells.count; i++) {
            const struct holdfast_cell *cell = &cells.cells[i];
            HF_ASSERT(i == 0 || by_code(cell - 1, cell) < 0);
            (void)XXH3_128bits_update(state, cell->sku, strlen(cell->sku) + 1);
            (void)XXH3_128bits_update(state, cell->location, strlen(cell->location) + 1);
            add_number(state, cell->on_hand);
            add_number(state, cell->held);
            add_number(state, cell->committed);
            add_number(state, cell->in_transit);
        }
        const XXH128_hash_t hash = XXH3_128bits_digest(state);
        (void)snprintf(hex, HF_BALANCES_TEXT_BYTES, "%016" PRIx64 "%016" PRIx64, hash.high64,
                       hash.low64);
        *cells_count = cells.count;
    }
    (void)XXH3_freeState(state);
    free(cells.cells);
    return outcome;
}
