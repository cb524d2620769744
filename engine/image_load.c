/*
 * image_load.c - the second half of loading: items that are in their places become a state.
 *
 * image_prepare.c has made the codes, put cells, reservations and lines into the pools, and all
 * names into their table; here each cell is entered into the table of cells and its SKU's chain,
 * each line learns its cell, each reservation enters its order, and shipments are loaded whole.
 * As there, what a few dozen items touch is fetched before they are joined. Every item is checked
 * by itself (image_read.c) and against those before it; at the end the head's counts, the queue of
 * names, and P6: held and committed of every cell are the sums of the open lines, in_transit and
 * its parts those of the shipments' lines.
 *
 *     held, committed    a cell is put in with zeros and what it claims is noted in a list, in
 *                        order; its lines, as they come, add up in the cell itself, which they
 *                        touch anyway. At the end the list is compared, and there are no more cells
 *                        with reserved units than it has entries.
 *     in_transit         what a cell claims is noted beside its extra; each line under way takes
 *                        its units off, never below zero; at the end nothing is left.
 *
 * Both notes take memory only for cells that have such units, until the snapshot is loaded.
 */
#include "engine/image_load.h"

#include <stdlib.h>

void hf_image_load_release(struct hf_engine *engine)
{
    struct hf_image_load *load = engine->load;

    if (load != NULL) {
        hf_memory_give_back(load->claims, load->cells_max * sizeof *load->claims);
        hf_memory_give_back(load->transits, load->cells_max * sizeof *load->transits);
        free(load);
        engine->load = NULL;
    }
}

static bool are_handles(const struct hf_engine *engine, uint32_t sku, uint32_t location)
{
    return sku < hf_catalog_count(&engine->catalog, HF_CODE_SKU) &&
           location < hf_catalog_count(&engine->catalog, HF_CODE_LOCATION);
}

/* ------------------------------------------------------------------ cells */

/* A cell that is in its place into the table and the chain of its SKU. */
static enum hf_err join_cell(struct hf_engine *engine, uint32_t index, uint64_t hash,
                             const char **why)
{
    struct hf_cell *cell = hf_cell_at(&engine->cells, index);

    if (!are_handles(engine, cell->sku, cell->location) ||
        hf_cells_find_hashed(&engine->cells, cell->sku, cell->location, hash) != HF_NONE) {
        return hf_image_corrupt(why, "a cell that does not add up");
    }
    if (!hf_table_make_room(&engine->cells.table, hash, 1)) {
        return hf_image_too_small(why);
    }
    hf_table_add(&engine->cells.table, hash, index);
    struct hf_sku *owner = hf_sku_at(&engine->catalog, cell->sku);
    cell->next_of_sku = owner->first_cell;
    owner->first_cell = index;
    return HF_OK;
}

static enum hf_err join_cells(struct hf_engine *engine, const struct hf_image_part *part,
                              const char **why)
{
    const uint32_t skus_count = hf_catalog_count(&engine->catalog, HF_CODE_SKU);
    const uint32_t end = part->cells_first + part->cells_count;
    uint64_t hashes[HF_IMAGE_BATCH_MAX];

    for (uint32_t at = part->cells_first; at < end;) {
        const uint32_t count = end - at < HF_IMAGE_BATCH_MAX ? end - at : HF_IMAGE_BATCH_MAX;
        for (uint32_t i = 0; i < count; i++) {
            const struct hf_cell *cell = hf_cell_at(&engine->cells, at + i);
            hashes[i] = hf_cell_hash(cell->sku, cell->location);
            hf_table_fetch(&engine->cells.table, hashes[i]);
            if (cell->sku < skus_count) {
                hf_prefetch(hf_sku_at(&engine->catalog, cell->sku));
            }
        }
        for (uint32_t i = 0; i < count; i++, at++) {
            const enum hf_err err = join_cell(engine, at, hashes[i], why);
            if (err != HF_OK) {
                return err;
            }
        }
    }
    return HF_OK;
}

/* ------------------------------------------------------------------ reservations */

/*
 * What joining lines [first, end) touches: the slots of their cells in the table, then the cells.
 * A line's cell is the first that its slot names, not compared yet.
 */
static void fetch_for_lines(const struct hf_engine *engine, uint32_t first, uint32_t end)
{
    const struct hf_reservations *reservations = &engine->reservations;
    const uint32_t count = end - first < HF_IMAGE_BATCH_MAX ? end - first : HF_IMAGE_BATCH_MAX;
    uint64_t hashes[HF_IMAGE_BATCH_MAX];

    for (uint32_t i = 0; i < count; i++) {
        const struct hf_line *line = hf_line_at(reservations, first + i);
        hashes[i] = hf_cell_hash(line->loaded_sku, line->loaded_location);
        hf_table_fetch(&engine->cells.table, hashes[i]);
    }
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t cell = hf_table_peek(&engine->cells.table, hashes[i]);
        hf_line_at(reservations, first + i)->cell = cell;
        if (cell != HF_NONE) {
            hf_prefetch(hf_cell_at(&engine->cells, cell));
        }
    }
}

/* The cell that the line names, be it the one that was fetched; HF_NONE when there is none. */
static uint32_t find_cell(const struct hf_engine *engine, const struct hf_line *line)
{
    const struct hf_cell *fetched =
        line->cell == HF_NONE ? NULL : hf_cell_at(&engine->cells, line->cell);

    return fetched != NULL && fetched->sku == line->loaded_sku &&
                   fetched->location == line->loaded_location
               ? line->cell
               : hf_cells_find(&engine->cells, line->loaded_sku, line->loaded_location);
}

/* The line's open units are what its cell holds or has committed. False: more than a cell can. */
static bool add_to_cell(struct hf_engine *engine, uint32_t index, enum hf_state state,
                        int64_t open_units)
{
    struct hf_cell *cell = hf_cell_at(&engine->cells, index);
    int64_t *counter = &cell->hot[state == HF_STATE_HELD ? HF_HELD : HF_COMMITTED];

    HF_ASSERT(engine->load != NULL);
    if (open_units == 0) {
        return true;
    }
    engine->load->reserved_cells_count += cell->hot[HF_HELD] == 0 && cell->hot[HF_COMMITTED] == 0;
    *counter += open_units;
    return *counter <= HF_UNITS_MAX;
}

/* False: the reservation has a line at this cell already. */
static bool note_cell(struct hf_engine *engine, uint32_t cell)
{
    struct hf_map *map = &engine->work.map;
    struct hf_map_slot *slot = hf_map_find(map, cell);

    if (slot->stamp == map->stamp) {
        return false;
    }
    *slot = (struct hf_map_slot){.key = cell, .stamp = map->stamp};
    return true;
}

static enum hf_err join_lines(struct hf_engine *engine, const struct hf_reservation *reservation,
                              const char **why)
{
    struct hf_reservations *reservations = &engine->reservations;
    const enum hf_state state = (enum hf_state)reservation->state;
    const uint32_t first = reservation->first_line;
    const bool has_more = hf_line_at(reservations, first)->next != HF_NONE;
    int64_t open_units = 0;

    if (has_more) {
        hf_map_clear(&engine->work.map);
    }
    for (uint32_t at = first; at != HF_NONE; at = hf_line_at(reservations, at)->next) {
        struct hf_line *line = hf_line_at(reservations, at);
        const int64_t line_open = hf_line_open_units(line);
        if (!are_handles(engine, line->loaded_sku, line->loaded_location)) {
            return hf_image_corrupt(why, "a reservation line that does not add up");
        }
        line->cell = find_cell(engine, line);
        if (line->cell == HF_NONE) {
            return hf_image_corrupt(why, "a reservation line of a cell that does not exist");
        }
        if (has_more && !note_cell(engine, line->cell)) {
            return hf_image_corrupt(why, "two lines of a reservation at one cell");
        }
        open_units += line_open;
        if (!add_to_cell(engine, line->cell, state, line_open)) {
            return hf_image_corrupt(why, "more units are reserved than a cell can hold");
        }
    }
    return hf_state_is_open(state) == (open_units > 0)
               ? HF_OK
               : hf_image_corrupt(why, "the lines of a reservation do not fit its state");
}

/* Of a reservation that was not joined yet; `chunk` is where it was read. */
static struct hf_text order_text(const struct hf_reservation *reservation,
                                 const unsigned char *chunk)
{
    const unsigned char *at = chunk + reservation->loaded_order;

    return reservation->loaded_order == HF_NONE ? (struct hf_text){0}
                                                : (struct hf_text){(const char *)at + 1, at[0]};
}

static enum hf_err join_reservation(struct hf_engine *engine, uint32_t index,
                                    const unsigned char *chunk, const char **why)
{
    struct hf_reservation *reservation = hf_reservation_at(&engine->reservations, index);
    const struct hf_text order = order_text(reservation, chunk);

    reservation->order_node = HF_NONE;
    if (order.bytes_count > 0) {
        if (hf_orders_make_room(&engine->orders, order) != HF_OK) {
            return hf_image_too_small(why);
        }
        reservation->order_node =
            hf_order_node_add(&engine->orders, hf_orders_touch(&engine->orders, order), index,
                              reservation->opened_lsn);
    }
    engine->reservations.open_count += hf_state_is_open((enum hf_state)reservation->state);
    return join_lines(engine, reservation, why);
}

/* The part's, a few dozen at a time. */
static enum hf_err join_reservations(struct hf_engine *engine, const struct hf_image_part *part,
                                     const char **why)
{
    const struct hf_reservations *reservations = &engine->reservations;
    const uint32_t end = part->reservations_first + part->reservations_count;
    enum hf_err err = HF_OK;

    for (uint32_t at = part->reservations_first; at < end;) {
        const uint32_t batch_end = end - at < HF_IMAGE_BATCH_MAX ? end : at + HF_IMAGE_BATCH_MAX;
        for (uint32_t i = at; i < batch_end; i++) {
            const struct hf_text order =
                order_text(hf_reservation_at(reservations, i), part->bytes);
            if (order.bytes_count > 0) {
                hf_orders_fetch(&engine->orders, order);
            }
        }
        fetch_for_lines(engine, hf_reservation_at(reservations, at)->first_line,
                        batch_end < end ? hf_reservation_at(reservations, batch_end)->first_line
                                        : part->reservation_lines_end);
        for (; at < batch_end; at++) {
            err = join_reservation(engine, at, part->bytes, why);
            if (err != HF_OK) {
                return err;
            }
        }
    }
    return HF_OK;
}

/* ------------------------------------------------------------------ shipments */

/* Units under way are in_transit at the cell they go to. False: the cell does not claim them. */
static bool take_from_transit(struct hf_engine *engine, const struct hf_shipment *shipment,
                              uint32_t sku, int64_t under_way)
{
    if (under_way == 0) {
        return true;
    }
    const uint32_t cell = hf_cells_find(&engine->cells, sku, shipment->to);
    if (cell == HF_NONE || hf_cell_at(&engine->cells, cell)->extra == HF_NONE) {
        return false;
    }
    struct hf_image_transit *transit =
        &engine->load->transits[hf_cell_at(&engine->cells, cell)->extra];
    transit->in_transit -= under_way;
    if (shipment->kind == HF_INBOUND) {
        *(shipment->is_sellable ? &transit->inbound_sellable : &transit->inbound_kept) -= under_way;
    }
    return transit->in_transit >= 0 && transit->inbound_sellable >= 0 && transit->inbound_kept >= 0;
}

static enum hf_err load_shipment_lines(struct hf_engine *engine, struct hf_reader *in,
                                       uint32_t index, uint32_t lines_count, const char **why)
{
    struct hf_shipments *shipments = &engine->shipments;
    const struct hf_shipment *shipment = hf_shipment_at(shipments, index);
    uint32_t last = HF_NONE;
    int64_t open_units = 0;

    if (hf_pool_room(&shipments->lines) < lines_count) {
        return hf_image_too_small(why);
    }
    hf_map_clear(&engine->work.map);
    for (uint32_t i = 0; i < lines_count; i++) {
        struct hf_image_shipment_line loaded;
        if (!hf_image_read_shipment_line(in, &loaded) ||
            !are_handles(engine, loaded.sku, shipment->to) ||
            !hf_image_is_line_sound(&loaded, (enum hf_shipment_kind)shipment->kind,
                                    (enum hf_state)shipment->state)) {
            return hf_image_corrupt(why, "a shipment line that does not add up");
        }
        struct hf_map_slot *slot = hf_map_find(&engine->work.map, loaded.sku);
        if (slot->stamp == engine->work.map.stamp) {
            return hf_image_corrupt(why, "two lines of a shipment for one SKU");
        }
        *slot = (struct hf_map_slot){.key = loaded.sku, .stamp = engine->work.map.stamp};
        if (!take_from_transit(engine, shipment, loaded.sku, loaded.figures[HF_LINE_UNDER_WAY])) {
            return hf_image_corrupt(why, "units under way that are not in_transit where they go");
        }
        last = hf_shipment_line_add(shipments, index, last, loaded.sku, loaded.units);
        struct hf_shipment_line *line = hf_shipment_line_at(shipments, last);
        memcpy(line->figures, loaded.figures, sizeof line->figures);
        open_units += hf_shipment_line_open(line);
    }
    if (hf_shipment_is_open(shipment) != (open_units > 0)) {
        return hf_image_corrupt(why, "the lines of a shipment do not fit its state");
    }
    return HF_OK;
}

static enum hf_err load_shipment(struct hf_engine *engine, struct hf_reader *in, const char **why)
{
    struct hf_shipments *shipments = &engine->shipments;
    struct hf_image_shipment loaded;

    if (!hf_image_read_shipment(in, &loaded) ||
        hf_names_find(&engine->names, loaded.id, hf_name_hash(loaded.id)) != HF_NONE ||
        !are_handles(engine, 0, loaded.to) ||
        (loaded.from != HF_NONE && !are_handles(engine, 0, loaded.from))) {
        return hf_image_corrupt(why, "a shipment that does not add up");
    }
    if (loaded.opened_us > engine->last_ts_us || loaded.last_lsn > engine->last_lsn) {
        return hf_image_corrupt(why, "a shipment from another time");
    }
    const uint64_t hash = hf_name_hash(loaded.id);
    if (hf_pool_room(&shipments->pool) == 0 || !hf_table_make_room(&engine->names.table, hash, 1)) {
        return hf_image_too_small(why);
    }
    const uint32_t index = hf_shipments_add(shipments, loaded.id);
    struct hf_shipment *shipment = hf_shipment_at(shipments, index);
    hf_table_add(&engine->names.table, hash, index | HF_NAME_SHIPMENT);
    shipment->kind = (uint8_t)loaded.kind;
    shipment->state = (uint8_t)loaded.state;
    shipment->is_sellable = loaded.is_sellable;
    shipment->order_bytes = (uint8_t)loaded.order.bytes_count;
    if (loaded.order.bytes_count > 0) {
        memcpy(shipment->order, loaded.order.bytes, loaded.order.bytes_count);
    }
    shipment->from = loaded.from;
    shipment->to = loaded.to;
    shipment->eta_us = loaded.eta_us;
    shipment->opened_us = loaded.opened_us;
    shipment->opened_lsn = loaded.opened_lsn;
    shipment->last_lsn = loaded.last_lsn;
    shipment->content_hash = loaded.content_hash;
    if (hf_shipment_is_open(shipment)) {
        ++*(loaded.kind == HF_TRANSFER ? &shipments->open_transfers_count
                                       : &shipments->open_inbound_count);
    } else {
        shipment->name_position = loaded.place.position;
        if (!hf_image_take_place(engine, &loaded.place, index | HF_NAME_SHIPMENT)) {
            return hf_image_corrupt(why, "a closed shipment without its place among the names");
        }
    }
    return load_shipment_lines(engine, in, index, loaded.lines_count, why);
}

/* ------------------------------------------------------------------ all */

/* All from the first shipment on, which prepare has not looked at. */
static enum hf_err load_shipments(struct hf_engine *engine, const struct hf_image_part *part,
                                  const char **why)
{
    struct hf_reader in = {part->shipments, part->bytes_end, false};
    enum hf_err err = HF_OK;

    HF_ASSERT(engine->load != NULL);
    HF_ASSERT(engine->load->section == HF_ITEM_SHIPMENT); /* names and table are ours by now */
    while (err == HF_OK && in.at < in.end) {
        err = hf_image_judge_tag(engine->load, HF_ITEM_SHIPMENT, hf_read_u8(&in), why);
        if (err == HF_OK) {
            err = load_shipment(engine, &in, why);
        }
    }
    return err;
}

enum hf_err hf_engine_load_join(struct hf_engine *engine, const struct hf_image_part *part,
                                const char **why)
{
    enum hf_err err = HF_OK;

    if (engine->load != NULL) {
        engine->load->joined_cells = part->cells_first + part->cells_count;
        engine->load->joined_reservations = part->reservations_first + part->reservations_count;
        engine->load->joined_lines = part->reservation_lines_end;
    }
    if (part->cells_count > 0) { /* no code comes any more, and the catalogue is ours */
        err = join_cells(engine, part, why);
    }
    if (err == HF_OK) {
        err = join_reservations(engine, part, why);
    }
    if (err == HF_OK && part->shipments != NULL) {
        err = load_shipments(engine, part, why);
    }
    if (err == HF_OK && part->err != HF_OK) {
        *why = part->why;
        return part->err;
    }
    return err;
}

/* Pages made at a time; and what prepare may be ahead by, where making them is too late. */
#define IDLE_BYTES (UINT64_C(2) * 1024 * 1024)
#define AHEAD_BYTES (2 * IDLE_BYTES)

bool hf_engine_load_idle(struct hf_engine *engine)
{
    struct hf_image_load *load = engine->load;
    const uint64_t *counts = load->head.counts;
    const struct {
        const struct hf_pool *pool;
        uint64_t count; /* that will come */
        uint32_t joined;
    } pools[] = {
        {&engine->cells.pool, counts[HF_ITEM_CELL], load->joined_cells},
        {&engine->reservations.pool, counts[HF_ITEM_RESERVATION], load->joined_reservations},
        {&engine->reservations.lines, counts[HF_ITEM_RESERVATION], load->joined_lines},
    };

    for (; load->populated_pool < sizeof pools / sizeof pools[0]; load->populated_pool++) {
        const struct hf_pool *pool = pools[load->populated_pool].pool;
        const uint64_t count = pools[load->populated_pool].count;
        const uint64_t end = (count < pool->items_max ? count : pool->items_max) * pool->item_bytes;
        const uint64_t joined = (uint64_t)pools[load->populated_pool].joined * pool->item_bytes;
        const uint64_t begin = joined == 0 || load->populated_bytes > joined + AHEAD_BYTES
                                   ? load->populated_bytes
                                   : joined + AHEAD_BYTES;
        if (begin < end) {
            const uint64_t bytes_count = end - begin < IDLE_BYTES ? end - begin : IDLE_BYTES;
            hf_memory_populate(pool->items + begin, bytes_count);
            load->populated_bytes = begin + bytes_count;
            return true;
        }
        load->populated_bytes = 0;
    }
    return false;
}

enum hf_err hf_engine_load(struct hf_engine *engine, const void *chunk, size_t bytes_count,
                           const char **why)
{
    struct hf_image_part part;

    hf_engine_load_prepare(engine, chunk, bytes_count, &part);
    return hf_engine_load_join(engine, &part, why);
}

static bool are_claims_met(const struct hf_engine *engine, const struct hf_image_load *load)
{
    for (uint32_t i = 0; i < load->claims_count; i++) {
        const struct hf_image_claim *claim = &load->claims[i];
        const struct hf_cell *cell = hf_cell_at(&engine->cells, claim->cell);
        if (cell->hot[HF_HELD] != claim->held || cell->hot[HF_COMMITTED] != claim->committed) {
            return false;
        }
    }
    return load->reserved_cells_count == load->claims_count;
}

static bool are_transits_met(const struct hf_engine *engine, const struct hf_image_load *load)
{
    for (uint32_t i = 0; i < engine->cells.extras.used_count; i++) {
        const struct hf_image_transit *left = &load->transits[i];
        if (left->in_transit != 0 || left->inbound_sellable != 0 || left->inbound_kept != 0) {
            return false;
        }
    }
    return true;
}

static bool are_names_whole(struct hf_engine *engine)
{
    bool is_whole = true;
    for (uint64_t at = engine->names.queue_first; at < engine->names.queue_end; at++) {
        is_whole = is_whole && hf_name_slot_at(&engine->names, at)->is_loaded == 1;
        hf_name_slot_at(&engine->names, at)->is_loaded = 0;
    }
    return is_whole;
}

static bool are_all_come(const struct hf_engine *engine, const uint64_t *counts)
{
    const struct hf_catalog *catalog = &engine->catalog;

    return counts[HF_ITEM_REGION] == hf_catalog_count(catalog, HF_CODE_REGION) &&
           counts[HF_ITEM_LOCATION] == hf_catalog_count(catalog, HF_CODE_LOCATION) &&
           counts[HF_ITEM_SKU] == hf_catalog_count(catalog, HF_CODE_SKU) &&
           counts[HF_ITEM_CELL] == hf_pool_live_count(&engine->cells.pool) &&
           counts[HF_ITEM_RESERVATION] == hf_pool_live_count(&engine->reservations.pool) &&
           counts[HF_ITEM_REF] == hf_pool_live_count(&engine->names.refs) &&
           counts[HF_ITEM_SHIPMENT] == hf_pool_live_count(&engine->shipments.pool);
}

enum hf_err hf_engine_load_end(struct hf_engine *engine, const char **why)
{
    const struct hf_image_load *load = engine->load;
    const char *wrong = NULL;

    if (load == NULL) {
        return hf_image_corrupt(why, "a snapshot without a head");
    }
    if (!are_names_whole(engine) || !are_all_come(engine, load->head.counts)) {
        wrong = "fewer or more items than the head counts";
    } else if (!are_claims_met(engine, load)) {
        wrong = "a cell whose held or committed units are not those of its reservations";
    } else if (!are_transits_met(engine, load)) {
        wrong = "a cell whose in_transit units are not those of its shipments";
    }
    hf_image_load_release(engine);
    if (wrong != NULL) {
        return hf_image_corrupt(why, wrong);
    }
    hf_ledger_start(&engine->ledger, engine->last_lsn + 1);
    hf_ledger_pin(&engine->ledger, engine->last_lsn);
    return HF_OK;
}
