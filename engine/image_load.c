/*
 * image_load.c - a whole state out of the items of a snapshot, with all that is derived from them.
 *
 * Every item is checked by itself (image_read.c) and against those before it; at the end the head's
 * counts, the queue of names, and P6: held and committed of every cell are the sums of the open
 * lines, in_transit and its parts those of the shipments' lines.
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
#include "engine/image_batch.h"

#include <stdlib.h>

struct claim {
    uint32_t cell;
    int64_t held, committed;
};

struct transit {
    int64_t in_transit, inbound_sellable, inbound_kept;
};

struct hf_image_load {
    struct hf_image_head head;
    uint64_t come[HF_ITEMS_END];
    bool is_old; /* format 1 */
    uint32_t cells_max;
    struct claim *claims; /* cells_max */
    uint32_t claims_count;
    uint32_t reserved_cells_count; /* that lines have come for */
    struct transit *transits;      /* by the index of the cell's extra; cells_max */
    struct hf_image_batch batch;
};

static enum hf_err corrupt(const char **why, const char *text)
{
    *why = text;
    return HF_CORRUPT;
}

static enum hf_err too_small(const char **why)
{
    *why = "the configured limits are too small for the snapshot";
    return HF_LIMIT_EXCEEDED;
}

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

/* ------------------------------------------------------------------ head, codes */

static uint64_t at_most(uint64_t count, uint64_t count_max)
{
    return count < count_max ? count : count_max;
}

/* Size the tables at once for what the head says will come. A head that lies costs time. */
static bool expect_items(struct hf_engine *engine, const uint64_t *counts)
{
    const struct hf_engine_config *config = &engine->config;
    const uint64_t names_count = at_most(counts[HF_ITEM_RESERVATION], config->reservations_max) +
                                 at_most(counts[HF_ITEM_REF], config->references_max) +
                                 at_most(counts[HF_ITEM_SHIPMENT], config->shipments_max);

    hf_pool_expect(&engine->cells.pool, counts[HF_ITEM_CELL]);
    hf_pool_expect(&engine->reservations.pool, counts[HF_ITEM_RESERVATION]);
    hf_pool_expect(&engine->reservations.lines, counts[HF_ITEM_RESERVATION]); /* one, at least */
    hf_pool_expect(&engine->names.refs, counts[HF_ITEM_REF]);
    return hf_table_expect(&engine->catalog.tables[HF_CODE_SKU],
                           at_most(counts[HF_ITEM_SKU], config->skus_max)) &&
           hf_table_expect(&engine->cells.table,
                           at_most(counts[HF_ITEM_CELL], config->cells_max)) &&
           hf_table_expect(&engine->names.table, names_count);
}

static enum hf_err load_head(struct hf_engine *engine, struct hf_reader *in, enum hf_tag tag,
                             const char **why)
{
    if (engine->load != NULL) {
        return corrupt(why, "a second head");
    }
    struct hf_image_load *load = calloc(1, sizeof *load);
    if (load == NULL) {
        *why = "out of memory";
        return HF_NO_MEMORY;
    }
    engine->load = load;
    load->is_old = tag == HF_TAG_HEAD_1;
    load->cells_max = engine->config.cells_max;
    load->claims = hf_memory_reserve(load->cells_max * sizeof *load->claims);
    load->transits = hf_memory_reserve(load->cells_max * sizeof *load->transits);
    if (load->claims == NULL || load->transits == NULL) {
        *why = "out of memory";
        return HF_NO_MEMORY;
    }
    if (!hf_image_read_head(in, tag, &load->head)) {
        return corrupt(why, "an item that ends too early");
    }
    if (load->head.ts_us > HF_TIME_US_MAX) {
        return corrupt(why, "a time that cannot be");
    }
    if (load->head.queue_end < load->head.queue_first) {
        return corrupt(why, "the queue of names ends before it begins");
    }
    if (!expect_items(engine, load->head.counts)) {
        *why = "out of memory";
        return HF_NO_MEMORY;
    }
    engine->last_lsn = load->head.lsn;
    engine->last_ts_us = load->head.ts_us;
    engine->names.queue_first = load->head.queue_first;
    engine->names.queue_end = load->head.queue_end;
    if (hf_names_count(&engine->names) > engine->names.queue_max) {
        return too_small(why);
    }
    return HF_OK;
}

static enum hf_err load_code(struct hf_engine *engine, enum hf_code_class class,
                             struct hf_reader *in, const char **why)
{
    struct hf_image_location location = {.region = HF_NONE};

    if (class == HF_CODE_LOCATION) {
        if (!hf_image_read_location(in, &location) ||
            (location.region != HF_NONE &&
             location.region >= hf_catalog_count(&engine->catalog, HF_CODE_REGION))) {
            return corrupt(why, "settings of a location that do not add up");
        }
    } else {
        location.code = hf_read_text(in, false);
    }
    if (in->is_bad || hf_catalog_find(&engine->catalog, class, location.code) != HF_NONE) {
        return corrupt(why, "a code that is malformed or comes twice");
    }
    if (hf_catalog_make_room(&engine->catalog, class, location.code, 1) != HF_OK) {
        return too_small(why);
    }
    const uint32_t handle = hf_catalog_add(&engine->catalog, class, location.code);
    if (class == HF_CODE_LOCATION) {
        struct hf_location *added = hf_location_at(&engine->catalog, handle);
        added->region = location.region;
        added->is_in_transit_sellable = location.is_in_transit_sellable;
    }
    return HF_OK;
}

static bool are_handles(const struct hf_engine *engine, uint32_t sku, uint32_t location)
{
    return sku < hf_catalog_count(&engine->catalog, HF_CODE_SKU) &&
           location < hf_catalog_count(&engine->catalog, HF_CODE_LOCATION);
}

/* ------------------------------------------------------------------ cells */

/* Format 1 knew no alerts and no times of sales: what the figures say, and from now on. */
static void set_flags_of_format_1(const struct hf_engine *engine, struct hf_cell *cell)
{
    const int64_t ats = hf_cell_ats(&engine->cells, &engine->catalog, cell);
    const int64_t low_stock = hf_cell_policy(&engine->cells, cell).low_stock;

    cell->is_out = ats <= 0;
    cell->is_low = low_stock != HF_LOW_STOCK_NONE && ats <= low_stock;
    cell->since_us = engine->last_ts_us;
}

/* Note what the cell claims, and leave it to the lines (see the top). */
static void put_claims(struct hf_image_load *load, struct hf_cell *cell, uint32_t index,
                       const struct hf_cell_extra *extra)
{
    if (cell->hot[HF_HELD] != 0 || cell->hot[HF_COMMITTED] != 0) {
        load->claims[load->claims_count++] =
            (struct claim){index, cell->hot[HF_HELD], cell->hot[HF_COMMITTED]};
        cell->hot[HF_HELD] = cell->hot[HF_COMMITTED] = 0;
    }
    if (cell->extra != HF_NONE) {
        load->transits[cell->extra] =
            (struct transit){extra->rare[HF_IN_TRANSIT - HF_COUNTERS_HOT], extra->inbound_sellable,
                             extra->inbound_kept};
    }
}

static const char *const bad_cell = "a cell that does not add up";

static enum hf_err load_cell(struct hf_engine *engine, const struct hf_image_cell *loaded,
                             enum hf_tag tag, const char **why)
{
    if (!are_handles(engine, loaded->sku, loaded->location) || loaded->version > engine->last_lsn ||
        loaded->since_us > engine->last_ts_us ||
        hf_cells_find(&engine->cells, loaded->sku, loaded->location) != HF_NONE) {
        return corrupt(why, bad_cell);
    }
    if (hf_cells_make_room(&engine->cells, loaded->sku, loaded->location, 1) != HF_OK) {
        return too_small(why);
    }
    const uint32_t index =
        hf_cells_add(&engine->cells, &engine->catalog, loaded->sku, loaded->location);
    struct hf_cell *cell = hf_cell_at(&engine->cells, index);
    memcpy(cell->hot, loaded->hot, sizeof cell->hot);
    cell->version = loaded->version;
    cell->since_us = loaded->since_us;
    cell->is_low = loaded->is_low;
    cell->is_out = loaded->is_out;
    cell->has_sold = loaded->has_sold;
    hf_cell_set_extra(&engine->cells, cell, &loaded->extra);
    if (tag == HF_TAG_CELL_1) {
        set_flags_of_format_1(engine, cell);
    }
    put_claims(engine->load, cell, index, &loaded->extra);
    return HF_OK;
}

/* ------------------------------------------------------------------ names */

/* Take a place in the queue of names for `name`. */
static bool take_place(struct hf_engine *engine, const struct hf_image_place *place, uint32_t name)
{
    if (place->position < engine->names.queue_first || place->position >= engine->names.queue_end) {
        return false;
    }
    struct hf_name_slot *slot = hf_name_slot_at(&engine->names, place->position);
    if (slot->is_loaded != 0) {
        return false;
    }
    *slot = (struct hf_name_slot){.ts_us = place->ts_us, .name = name, .is_loaded = 1};
    return true;
}

static bool is_name_taken(const struct hf_engine *engine, struct hf_text name)
{
    return hf_names_find(&engine->names, name, hf_name_hash(name)) != HF_NONE;
}

static const char *const bad_ref = "a reference that is malformed or comes twice";

static enum hf_err load_ref(struct hf_engine *engine, const struct hf_image_ref *loaded,
                            const char **why)
{
    if (is_name_taken(engine, loaded->text)) {
        return corrupt(why, bad_ref);
    }
    if (hf_pool_room(&engine->names.refs) == 0 ||
        !hf_table_make_room(&engine->names.table, hf_name_hash(loaded->text), 1)) {
        return too_small(why);
    }
    const uint32_t name =
        hf_ref_add(&engine->names, loaded->text, loaded->lsn, loaded->content_hash);
    hf_ref_at(&engine->names, name)->name_position = loaded->place.position;
    return take_place(engine, &loaded->place, name)
               ? HF_OK
               : corrupt(why, "a reference without its place among the names");
}

/* ------------------------------------------------------------------ reservations */

/* The line's open units are what its cell holds or has committed. False: more than a cell can. */
static bool add_to_cell(struct hf_engine *engine, uint32_t index, enum hf_state state,
                        int64_t open_units)
{
    struct hf_cell *cell = hf_cell_at(&engine->cells, index);
    int64_t *counter = &cell->hot[state == HF_STATE_HELD ? HF_HELD : HF_COMMITTED];

    if (open_units == 0) {
        return true;
    }
    engine->load->reserved_cells_count += cell->hot[HF_HELD] == 0 && cell->hot[HF_COMMITTED] == 0;
    *counter += open_units;
    return *counter <= HF_UNITS_MAX;
}

static enum hf_err load_lines(struct hf_engine *engine, uint32_t index,
                              const struct hf_image_batch_reservation *read, const char **why)
{
    const struct hf_image_line *lines = &engine->load->batch.lines[read->first_line];
    const uint32_t lines_count = read->item.lines_count;
    struct hf_reservations *reservations = &engine->reservations;
    const enum hf_state state = (enum hf_state)hf_reservation_at(reservations, index)->state;
    uint32_t last = HF_NONE;
    int64_t open_units = 0;

    if (hf_pool_room(&reservations->lines) < lines_count) {
        return too_small(why);
    }
    hf_map_clear(&engine->work.map);
    for (uint32_t i = 0; i < lines_count; i++) {
        const struct hf_image_line loaded =
            i < read->lines_read ? lines[i] : (struct hf_image_line){0};
        if (i == read->lines_read || !are_handles(engine, loaded.sku, loaded.location)) {
            return corrupt(why, "a reservation line that does not add up");
        }
        const uint32_t cell = hf_cells_find(&engine->cells, loaded.sku, loaded.location);
        if (cell == HF_NONE) {
            return corrupt(why, "a reservation line of a cell that does not exist");
        }
        if (lines_count > 1) {
            struct hf_map_slot *slot = hf_map_find(&engine->work.map, cell);
            if (slot->stamp == engine->work.map.stamp) {
                return corrupt(why, "two lines of a reservation at one cell");
            }
            *slot = (struct hf_map_slot){.key = cell, .stamp = engine->work.map.stamp};
        }
        const int64_t line_open = loaded.units - loaded.fulfilled - loaded.released;
        last = hf_line_add(reservations, &engine->cells, index, last, cell, loaded.units);
        if (line_open == 0) {
            hf_line_unhang(reservations, &engine->cells, last);
        }
        hf_line_at(reservations, last)->fulfilled = loaded.fulfilled;
        hf_line_at(reservations, last)->released = loaded.released;
        open_units += line_open;
        if (!add_to_cell(engine, cell, state, line_open)) {
            return corrupt(why, "more units are reserved than a cell can hold");
        }
    }
    if (hf_state_is_open(state) != (open_units > 0)) {
        return corrupt(why, "the lines of a reservation do not fit its state");
    }
    return HF_OK;
}

static const char *const bad_reservation = "a reservation that does not add up";

static enum hf_err load_reservation(struct hf_engine *engine,
                                    const struct hf_image_batch_reservation *read, const char **why)
{
    struct hf_reservations *reservations = &engine->reservations;
    const struct hf_image_reservation *loaded = &read->item;
    const uint64_t hash = read->hash;

    if (hf_names_find(&engine->names, loaded->id, hash) != HF_NONE) {
        return corrupt(why, bad_reservation);
    }
    if (loaded->opened_us > engine->last_ts_us || loaded->last_lsn > engine->last_lsn) {
        return corrupt(why, "a reservation from another time");
    }
    if (hf_pool_room(&reservations->pool) == 0 ||
        !hf_table_make_room(&engine->names.table, hash, 1) ||
        (loaded->order.bytes_count > 0 &&
         hf_orders_make_room(&engine->orders, loaded->order) != HF_OK)) {
        return too_small(why);
    }
    const uint32_t index = hf_reservations_add(reservations, loaded->id);
    struct hf_reservation *reservation = hf_reservation_at(reservations, index);
    hf_table_add(&engine->names.table, hash, index);
    reservation->state = (uint8_t)loaded->state;
    reservation->life_us = loaded->life_us & ((UINT64_C(1) << 48) - 1);
    reservation->opened_us = loaded->opened_us;
    reservation->opened_lsn = loaded->opened_lsn;
    reservation->last_lsn = loaded->last_lsn;
    reservation->content_hash = loaded->content_hash;
    if (hf_state_is_open(loaded->state)) {
        reservations->open_count++;
        if (loaded->state == HF_STATE_CONFIRMED) {
            reservation->confirmed_lsn = loaded->confirmed_lsn;
        }
    } else {
        reservation->name_position = loaded->place.position;
        if (!take_place(engine, &loaded->place, index)) {
            return corrupt(why, "a closed reservation without its place among the names");
        }
    }
    if (loaded->order.bytes_count > 0) {
        reservation->order_node =
            hf_order_node_add(&engine->orders, hf_orders_touch(&engine->orders, loaded->order),
                              index, reservation->opened_lsn);
    }
    return load_lines(engine, index, read, why);
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
    struct transit *transit = &engine->load->transits[hf_cell_at(&engine->cells, cell)->extra];
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
        return too_small(why);
    }
    hf_map_clear(&engine->work.map);
    for (uint32_t i = 0; i < lines_count; i++) {
        struct hf_image_shipment_line loaded;
        if (!hf_image_read_shipment_line(in, &loaded) ||
            !are_handles(engine, loaded.sku, shipment->to) ||
            !hf_image_is_line_sound(&loaded, (enum hf_shipment_kind)shipment->kind,
                                    (enum hf_state)shipment->state)) {
            return corrupt(why, "a shipment line that does not add up");
        }
        struct hf_map_slot *slot = hf_map_find(&engine->work.map, loaded.sku);
        if (slot->stamp == engine->work.map.stamp) {
            return corrupt(why, "two lines of a shipment for one SKU");
        }
        *slot = (struct hf_map_slot){.key = loaded.sku, .stamp = engine->work.map.stamp};
        if (!take_from_transit(engine, shipment, loaded.sku, loaded.figures[HF_LINE_UNDER_WAY])) {
            return corrupt(why, "units under way that are not in_transit where they go");
        }
        last = hf_shipment_line_add(shipments, index, last, loaded.sku, loaded.units);
        struct hf_shipment_line *line = hf_shipment_line_at(shipments, last);
        memcpy(line->figures, loaded.figures, sizeof line->figures);
        open_units += hf_shipment_line_open(line);
    }
    if (hf_shipment_is_open(shipment) != (open_units > 0)) {
        return corrupt(why, "the lines of a shipment do not fit its state");
    }
    return HF_OK;
}

static enum hf_err load_shipment(struct hf_engine *engine, struct hf_reader *in, const char **why)
{
    struct hf_shipments *shipments = &engine->shipments;
    struct hf_image_shipment loaded;

    if (!hf_image_read_shipment(in, &loaded) || is_name_taken(engine, loaded.id) ||
        !are_handles(engine, 0, loaded.to) ||
        (loaded.from != HF_NONE && !are_handles(engine, 0, loaded.from))) {
        return corrupt(why, "a shipment that does not add up");
    }
    if (loaded.opened_us > engine->last_ts_us || loaded.last_lsn > engine->last_lsn) {
        return corrupt(why, "a shipment from another time");
    }
    const uint64_t hash = hf_name_hash(loaded.id);
    if (hf_pool_room(&shipments->pool) == 0 || !hf_table_make_room(&engine->names.table, hash, 1)) {
        return too_small(why);
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
        if (!take_place(engine, &loaded.place, index | HF_NAME_SHIPMENT)) {
            return corrupt(why, "a closed shipment without its place among the names");
        }
    }
    return load_shipment_lines(engine, in, index, loaded.lines_count, why);
}

/* ------------------------------------------------------------------ all */

/* The section that an item of this tag belongs to in an image of the format; HF_ITEM_HEAD: none. */
static enum hf_item section_of(uint8_t tag, bool is_old)
{
    switch (tag) {
    case HF_TAG_REGION:
        return HF_ITEM_REGION;
    case HF_TAG_LOCATION:
        return HF_ITEM_LOCATION;
    case HF_TAG_SKU:
        return HF_ITEM_SKU;
    case HF_TAG_REF:
        return HF_ITEM_REF;
    case HF_TAG_CELL_1:
        return is_old ? HF_ITEM_CELL : HF_ITEM_HEAD;
    case HF_TAG_RESERVATION_1:
        return is_old ? HF_ITEM_RESERVATION : HF_ITEM_HEAD;
    case HF_TAG_CELL:
        return is_old ? HF_ITEM_HEAD : HF_ITEM_CELL;
    case HF_TAG_RESERVATION:
        return is_old ? HF_ITEM_HEAD : HF_ITEM_RESERVATION;
    case HF_TAG_SHIPMENT:
        return is_old ? HF_ITEM_HEAD : HF_ITEM_SHIPMENT;
    default:
        return HF_ITEM_HEAD;
    }
}

/* A batch of items; *count of them were sound. */
static enum hf_err load_batch(struct hf_engine *engine, struct hf_reader *in, enum hf_tag tag,
                              uint32_t *count, const char **why)
{
    struct hf_image_batch *batch = &engine->load->batch;
    enum hf_err err = HF_OK;

    hf_image_read_batch(engine, in, tag, batch);
    for (*count = 0; *count < batch->count; ++*count) {
        err = tag == HF_TAG_REF ? load_ref(engine, &batch->refs[*count], why)
              : tag == HF_TAG_CELL || tag == HF_TAG_CELL_1
                  ? load_cell(engine, &batch->cells[*count], tag, why)
                  : load_reservation(engine, &batch->reservations[*count], why);
        if (err != HF_OK) {
            return err;
        }
    }
    return !batch->is_last_bad
               ? HF_OK
               : corrupt(why, tag == HF_TAG_REF                            ? bad_ref
                              : tag == HF_TAG_CELL || tag == HF_TAG_CELL_1 ? bad_cell
                                                                           : bad_reservation);
}

/* One item, or a batch of one kind. */
static enum hf_err load_items(struct hf_engine *engine, struct hf_reader *in, const char **why)
{
    const enum hf_tag tag = (enum hf_tag)hf_read_u8(in);
    uint32_t count = 1;
    enum hf_err err;

    if (tag == HF_TAG_HEAD || tag == HF_TAG_HEAD_1) {
        return load_head(engine, in, tag, why);
    }
    if (engine->load == NULL) {
        return corrupt(why, "items before the head");
    }
    const enum hf_item item = section_of((uint8_t)tag, engine->load->is_old);
    if (item == HF_ITEM_HEAD) {
        return corrupt(why, "an unknown item");
    }
    if (hf_image_is_batched(tag)) {
        err = load_batch(engine, in, tag, &count, why);
    } else {
        err = item == HF_ITEM_SHIPMENT ? load_shipment(engine, in, why)
                                       : load_code(engine,
                                                   item == HF_ITEM_REGION     ? HF_CODE_REGION
                                                   : item == HF_ITEM_LOCATION ? HF_CODE_LOCATION
                                                                              : HF_CODE_SKU,
                                                   in, why);
    }
    if (err == HF_OK) {
        engine->load->come[item] += count;
    }
    return err;
}

enum hf_err hf_engine_load(struct hf_engine *engine, const void *chunk, size_t bytes_count,
                           const char **why)
{
    const unsigned char *bytes = chunk;
    struct hf_reader in = {bytes, bytes + bytes_count, false};

    while (in.at < in.end) {
        const enum hf_err err = load_items(engine, &in, why);
        if (err != HF_OK) {
            return err;
        }
    }
    return HF_OK;
}

static bool are_claims_met(const struct hf_engine *engine, const struct hf_image_load *load)
{
    for (uint32_t i = 0; i < load->claims_count; i++) {
        const struct claim *claim = &load->claims[i];
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
        const struct transit *left = &load->transits[i];
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

enum hf_err hf_engine_load_end(struct hf_engine *engine, const char **why)
{
    const struct hf_image_load *load = engine->load;
    const char *wrong = NULL;

    if (load == NULL) {
        return corrupt(why, "a snapshot without a head");
    }
    bool is_whole = are_names_whole(engine);
    for (unsigned item = HF_ITEM_REGION; item < HF_ITEMS_END; item++) {
        is_whole = is_whole && load->head.counts[item] == load->come[item];
    }
    if (!is_whole) {
        wrong = "fewer or more items than the head counts";
    } else if (!are_claims_met(engine, load)) {
        wrong = "a cell whose held or committed units are not those of its reservations";
    } else if (!are_transits_met(engine, load)) {
        wrong = "a cell whose in_transit units are not those of its shipments";
    }
    hf_image_load_release(engine);
    if (wrong != NULL) {
        return corrupt(why, wrong);
    }
    hf_ledger_start(&engine->ledger, engine->last_lsn + 1);
    hf_ledger_pin(&engine->ledger, engine->last_lsn);
    return HF_OK;
}
