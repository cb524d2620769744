#include "engine/image.h"

#include <stdlib.h>

#include "engine/bytes.h"

/* A code, a state, and the varints and words around them: more than any item without lines has. */
#define ITEM_BYTES_MAX 256
#define LINE_BYTES_MAX (5 * HF_VARINT_BYTES_MAX)
_Static_assert(ITEM_BYTES_MAX + HF_LINES_MAX * LINE_BYTES_MAX < HF_IMAGE_BYTES_MIN,
               "the largest reservation fits a chunk");

static unsigned char *put_word(unsigned char *at, uint64_t value)
{
    hf_put_u64(at, value);
    return at + 8;
}

/* ------------------------------------------------------------------ writing */

static struct hf_image_counts count_items(const struct hf_engine *engine)
{
    return (struct hf_image_counts){
        .items = {
            [HF_ITEM_HEAD] = 1,
            [HF_ITEM_REGION] = hf_catalog_count(&engine->catalog, HF_CODE_REGION),
            [HF_ITEM_LOCATION] = hf_catalog_count(&engine->catalog, HF_CODE_LOCATION),
            [HF_ITEM_SKU] = hf_catalog_count(&engine->catalog, HF_CODE_SKU),
            [HF_ITEM_CELL] = hf_pool_live_count(&engine->cells.pool),
            [HF_ITEM_RESERVATION] = hf_pool_live_count(&engine->reservations.pool),
            [HF_ITEM_REF] = hf_pool_live_count(&engine->names.refs),
        }};
}

static unsigned char *put_head(const struct hf_engine *engine, unsigned char *at)
{
    const struct hf_image_counts counts = count_items(engine);

    at = put_word(at, engine->last_lsn);
    at = put_word(at, engine->last_ts_us);
    at = put_word(at, engine->names.queue_first);
    at = put_word(at, engine->names.queue_end);
    for (unsigned item = HF_ITEM_REGION; item < HF_ITEMS_END; item++) {
        at = put_word(at, counts.items[item]);
    }
    return at;
}

static unsigned char *put_cell(const struct hf_engine *engine, uint32_t index, unsigned char *at)
{
    const struct hf_cell *cell = hf_cell_at(&engine->cells, index);

    at = hf_put_varint(at, cell->sku);
    at = hf_put_varint(at, cell->location);
    at = hf_put_varint(at, cell->version);
    for (unsigned i = 0; i < HF_COUNTERS_COUNT; i++) {
        at = hf_put_varint(at, (uint64_t)cell->units[i]);
    }
    *at++ = cell->policy != HF_NONE;
    if (cell->policy != HF_NONE) {
        const struct hf_policy policy = hf_cell_policy(&engine->cells, cell);
        at = hf_put_varint(at, (uint64_t)policy.safety_stock);
        at = hf_put_varint(at, (uint64_t)(policy.low_stock + 1));
        at = hf_put_varint(at, (uint64_t)policy.backorder_limit);
    }
    return at;
}

static unsigned char *put_place_in_queue(const struct hf_engine *engine, uint64_t position,
                                         unsigned char *at)
{
    at = hf_put_varint(at, position);
    return put_word(at, hf_name_slot_at(&engine->names, position)->ts_us);
}

static uint32_t lines_count_of(const struct hf_engine *engine,
                               const struct hf_reservation *reservation)
{
    uint32_t count = 0;
    for (uint32_t at = reservation->first_line; at != HF_NONE;
         at = hf_line_at(&engine->reservations, at)->next) {
        count++;
    }
    return count;
}

static unsigned char *put_reservation(const struct hf_engine *engine, uint32_t index,
                                      unsigned char *at)
{
    const struct hf_reservation *reservation = hf_reservation_at(&engine->reservations, index);
    struct hf_text order = {0};

    if (reservation->order_node != HF_NONE) {
        order = hf_order_text(&engine->orders,
                              hf_order_node_at(&engine->orders, reservation->order_node)->order);
    }
    at = hf_put_text(at, hf_reservation_id(&engine->reservations, reservation));
    at = hf_put_text(at, order);
    *at++ = (unsigned char)reservation->state;
    at = hf_put_varint(at, reservation->life_us);
    at = put_word(at, reservation->opened_us);
    at = hf_put_varint(at, reservation->opened_lsn);
    at = hf_put_varint(at, reservation->last_lsn);
    at = put_word(at, reservation->content_hash);
    if (!hf_state_is_open((enum hf_state)reservation->state)) {
        at = put_place_in_queue(engine, reservation->name_position, at);
    }
    at = hf_put_varint(at, lines_count_of(engine, reservation));
    for (uint32_t i = reservation->first_line; i != HF_NONE;) {
        const struct hf_line *line = hf_line_at(&engine->reservations, i);
        const struct hf_cell *cell = hf_cell_at(&engine->cells, line->cell);
        at = hf_put_varint(at, cell->sku);
        at = hf_put_varint(at, cell->location);
        at = hf_put_varint(at, (uint64_t)line->units);
        at = hf_put_varint(at, (uint64_t)line->fulfilled);
        at = hf_put_varint(at, (uint64_t)line->released);
        i = line->next;
    }
    return at;
}

static unsigned char *put_ref(const struct hf_engine *engine, uint32_t index, unsigned char *at)
{
    const struct hf_ref *ref = hf_ref_at(&engine->names, index);

    at = hf_put_text(at, hf_ref_text(ref));
    at = hf_put_varint(at, ref->lsn);
    at = put_word(at, ref->content_hash);
    return put_place_in_queue(engine, ref->name_position, at);
}

uint64_t hf_image_section_size(const struct hf_engine *engine, enum hf_item item)
{
    switch (item) {
    case HF_ITEM_CELL:
        return engine->cells.pool.used_count;
    case HF_ITEM_RESERVATION:
        return engine->reservations.pool.used_count;
    case HF_ITEM_REF:
        return engine->names.refs.used_count;
    case HF_ITEM_HEAD:
    case HF_ITEM_REGION:
    case HF_ITEM_LOCATION:
    case HF_ITEM_SKU:
        break;
    }
    return count_items(engine).items[item];
}

static bool is_free_slot(const struct hf_engine *engine, enum hf_item item, uint32_t index)
{
    return (item == HF_ITEM_CELL && index >= hf_pool_live_count(&engine->cells.pool)) ||
           (item == HF_ITEM_RESERVATION &&
            hf_reservation_at(&engine->reservations, index)->state == HF_STATE_NONE) ||
           (item == HF_ITEM_REF && hf_ref_at(&engine->names, index)->text_bytes == 0);
}

size_t hf_image_item_bound(const struct hf_engine *engine, enum hf_item item, uint32_t index)
{
    if (item != HF_ITEM_RESERVATION || is_free_slot(engine, item, index)) {
        return ITEM_BYTES_MAX;
    }
    return ITEM_BYTES_MAX +
           (size_t)LINE_BYTES_MAX *
               lines_count_of(engine, hf_reservation_at(&engine->reservations, index));
}

unsigned char *hf_image_put(const struct hf_engine *engine, enum hf_item item, uint32_t index,
                            unsigned char *at)
{
    if (is_free_slot(engine, item, index)) {
        return at;
    }
    *at++ = (unsigned char)item;
    switch (item) {
    case HF_ITEM_HEAD:
        return put_head(engine, at);
    case HF_ITEM_REGION:
        return hf_put_text(at, hf_catalog_text(&engine->catalog, HF_CODE_REGION, index));
    case HF_ITEM_LOCATION: {
        const struct hf_location *location = hf_location_at(&engine->catalog, index);
        at = hf_put_text(at, hf_catalog_text(&engine->catalog, HF_CODE_LOCATION, index));
        at = hf_put_varint(at, (uint32_t)(location->region + 1));
        *at++ = location->is_in_transit_sellable;
        return at;
    }
    case HF_ITEM_SKU:
        return hf_put_text(at, hf_catalog_text(&engine->catalog, HF_CODE_SKU, index));
    case HF_ITEM_CELL:
        return put_cell(engine, index, at);
    case HF_ITEM_RESERVATION:
        return put_reservation(engine, index, at);
    case HF_ITEM_REF:
        return put_ref(engine, index, at);
    }
    HF_ASSERT(false && "no other items");
    return at;
}

size_t hf_engine_copy(struct hf_engine *engine, struct hf_image_cursor *cursor, void *buffer,
                      size_t buffer_bytes)
{
    unsigned char *at = buffer;
    const unsigned char *end = at + buffer_bytes;

    HF_ASSERT(buffer_bytes >= HF_IMAGE_BYTES_MIN);
    if (cursor->section == 0) {
        cursor->section = HF_ITEM_HEAD;
    }
    while (cursor->section < HF_ITEMS_END) {
        const enum hf_item item = (enum hf_item)cursor->section;
        const uint64_t size = hf_image_section_size(engine, item);
        for (; cursor->index < size; cursor->index++) {
            const uint32_t index = (uint32_t)cursor->index;
            if ((size_t)(end - at) < hf_image_item_bound(engine, item, index)) {
                return (size_t)(at - (unsigned char *)buffer);
            }
            at = hf_image_put(engine, item, index, at);
        }
        cursor->section++;
        cursor->index = 0;
    }
    return (size_t)(at - (unsigned char *)buffer);
}

/* ------------------------------------------------------------------ reading */

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

static enum hf_err load_head(struct hf_engine *engine, struct hf_reader *in, const char **why)
{
    if (engine->load != NULL) {
        return corrupt(why, "a second head");
    }
    engine->last_lsn = hf_read_u64(in);
    engine->last_ts_us = hf_read_u64(in);
    engine->names.queue_first = hf_read_u64(in);
    engine->names.queue_end = hf_read_u64(in);
    struct hf_image_counts *counts = calloc(2, sizeof *counts); /* wanted, and come so far */
    if (counts == NULL) {
        *why = "out of memory";
        return HF_NO_MEMORY;
    }
    for (unsigned item = HF_ITEM_REGION; item < HF_ITEMS_END; item++) {
        counts[0].items[item] = hf_read_u64(in);
    }
    engine->load = counts;
    if (engine->last_ts_us > HF_TIME_US_MAX) {
        return corrupt(why, "a time that cannot be");
    }
    if (engine->names.queue_end < engine->names.queue_first) {
        return corrupt(why, "the queue of names ends before it begins");
    }
    if (hf_names_count(&engine->names) > engine->names.queue_max) {
        return too_small(why);
    }
    return HF_OK;
}

static enum hf_err load_code(struct hf_engine *engine, enum hf_code_class class,
                             struct hf_reader *in, const char **why)
{
    const struct hf_text code = hf_read_text(in, false);

    if (in->is_bad || hf_catalog_find(&engine->catalog, class, code) != HF_NONE) {
        return corrupt(why, "a code that is malformed or comes twice");
    }
    if (hf_catalog_make_room(&engine->catalog, class, code, 1) != HF_OK) {
        return too_small(why);
    }
    const uint32_t handle = hf_catalog_add(&engine->catalog, class, code);
    if (class != HF_CODE_LOCATION) {
        return HF_OK;
    }
    const uint64_t region = hf_read_varint(in);
    const uint8_t sellable = hf_read_u8(in);
    if (in->is_bad || region > hf_catalog_count(&engine->catalog, HF_CODE_REGION) || sellable > 1) {
        return corrupt(why, "settings of a location that do not add up");
    }
    hf_location_at(&engine->catalog, handle)->region = (uint32_t)(region - 1);
    hf_location_at(&engine->catalog, handle)->is_in_transit_sellable = sellable == 1;
    return HF_OK;
}

static bool are_handles(const struct hf_engine *engine, uint64_t sku, uint64_t location)
{
    return sku < hf_catalog_count(&engine->catalog, HF_CODE_SKU) &&
           location < hf_catalog_count(&engine->catalog, HF_CODE_LOCATION);
}

static enum hf_err load_cell(struct hf_engine *engine, struct hf_reader *in, const char **why)
{
    const uint64_t sku = hf_read_varint(in);
    const uint64_t location = hf_read_varint(in);
    struct hf_cell loaded = {.version = hf_read_varint(in)};
    for (unsigned i = 0; i < HF_COUNTERS_COUNT; i++) {
        loaded.units[i] = hf_read_units(in);
    }
    const uint8_t has_policy = hf_read_u8(in);
    struct hf_policy policy = {.low_stock = HF_LOW_STOCK_NONE};
    if (has_policy == 1) {
        policy.safety_stock = hf_read_units(in);
        const uint64_t low = hf_read_varint(in);
        policy.low_stock = low > (uint64_t)HF_UNITS_MAX + 1 ? INT64_MAX : (int64_t)low - 1;
        policy.backorder_limit = hf_read_units(in);
    }
    if (in->is_bad || has_policy > 1 || policy.low_stock < HF_LOW_STOCK_NONE ||
        policy.low_stock > HF_UNITS_MAX || !are_handles(engine, sku, location) ||
        loaded.version > engine->last_lsn ||
        hf_cells_find(&engine->cells, (uint32_t)sku, (uint32_t)location) != HF_NONE) {
        return corrupt(why, "a cell that does not add up");
    }
    if (hf_cells_make_room(&engine->cells, (uint32_t)sku, (uint32_t)location, 1) != HF_OK) {
        return too_small(why);
    }
    struct hf_cell *cell =
        hf_cell_at(&engine->cells, hf_cells_add(&engine->cells, &engine->catalog, (uint32_t)sku,
                                                (uint32_t)location));
    memcpy(cell->units, loaded.units, sizeof cell->units);
    cell->version = loaded.version;
    hf_cell_set_policy(&engine->cells, cell, &policy);
    return HF_OK;
}

/* Read a place in the queue of names and take it for `name`. */
static bool load_place_in_queue(struct hf_engine *engine, struct hf_reader *in, uint32_t name,
                                uint64_t *position)
{
    const uint64_t ts_us = (*position = hf_read_varint(in), hf_read_u64(in));

    if (in->is_bad || *position < engine->names.queue_first ||
        *position >= engine->names.queue_end) {
        return false;
    }
    struct hf_name_slot *slot = hf_name_slot_at(&engine->names, *position);
    if (slot->is_loaded != 0) {
        return false;
    }
    *slot = (struct hf_name_slot){.ts_us = ts_us, .name = name, .is_loaded = 1};
    return true;
}

static enum hf_err load_lines(struct hf_engine *engine, struct hf_reader *in, uint32_t index,
                              const char **why)
{
    struct hf_reservations *reservations = &engine->reservations;
    const bool is_open =
        hf_state_is_open((enum hf_state)hf_reservation_at(reservations, index)->state);
    const uint64_t lines_count = hf_read_varint(in);
    uint32_t last = HF_NONE;
    int64_t open_units = 0;

    if (in->is_bad || lines_count == 0 || lines_count > HF_LINES_MAX) {
        return corrupt(why, "a reservation without lines, or with too many");
    }
    if (hf_pool_room(&reservations->lines) < lines_count) {
        return too_small(why);
    }
    for (uint64_t i = 0; i < lines_count; i++) {
        const uint64_t sku = hf_read_varint(in);
        const uint64_t location = hf_read_varint(in);
        const int64_t units = hf_read_units(in);
        const int64_t fulfilled = hf_read_units(in);
        const int64_t released = hf_read_units(in);
        if (in->is_bad || !are_handles(engine, sku, location) || units == 0 ||
            fulfilled + released > units) {
            return corrupt(why, "a reservation line that does not add up");
        }
        const uint32_t cell = hf_cells_find(&engine->cells, (uint32_t)sku, (uint32_t)location);
        if (cell == HF_NONE) {
            return corrupt(why, "a reservation line of a cell that does not exist");
        }
        last = hf_line_add(reservations, &engine->cells, index, last, cell, units);
        if (fulfilled + released == units) {
            hf_line_unhang(reservations, &engine->cells, last);
        }
        hf_line_at(reservations, last)->fulfilled = fulfilled;
        hf_line_at(reservations, last)->released = released;
        open_units += units - fulfilled - released;
    }
    if (is_open != (open_units > 0)) {
        return corrupt(why, "the lines of a reservation do not fit its state");
    }
    return HF_OK;
}

static enum hf_err load_reservation(struct hf_engine *engine, struct hf_reader *in,
                                    const char **why)
{
    struct hf_reservations *reservations = &engine->reservations;
    const struct hf_text id = hf_read_text(in, false);
    const struct hf_text order = hf_read_text(in, true);
    const uint8_t state = hf_read_u8(in);
    const uint64_t life_us = hf_read_varint(in);
    if (in->is_bad || state == 0 || state >= HF_STATES_COUNT || life_us > HF_LIFE_US_LIMIT ||
        (state == HF_STATE_CONFIRMED && life_us != 0) ||
        hf_names_find(&engine->names, reservations, id, hf_name_hash(id)) != HF_NONE) {
        return corrupt(why, "a reservation that does not add up");
    }
    if (hf_pool_room(&reservations->pool) == 0 ||
        !hf_table_make_room(&engine->names.table, hf_name_hash(id), 1) ||
        (order.bytes_count > 0 && hf_orders_make_room(&engine->orders, order) != HF_OK)) {
        return too_small(why);
    }
    const uint32_t index = hf_reservations_add(reservations, id);
    struct hf_reservation *reservation = hf_reservation_at(reservations, index);
    hf_table_add(&engine->names.table, hf_name_hash(id), index);
    reservation->state = state;
    reservation->life_us = life_us & ((UINT64_C(1) << 48) - 1);
    reservation->opened_us = hf_read_u64(in);
    reservation->opened_lsn = hf_read_varint(in);
    reservation->last_lsn = hf_read_varint(in);
    reservation->content_hash = hf_read_u64(in);
    if (reservation->opened_us > engine->last_ts_us || reservation->opened_lsn == 0 ||
        reservation->last_lsn > engine->last_lsn ||
        reservation->opened_lsn > reservation->last_lsn) {
        return corrupt(why, "a reservation from another time");
    }
    if (hf_state_is_open((enum hf_state)state)) {
        engine->reservations.open_count++;
    } else if (!load_place_in_queue(engine, in, index, &reservation->name_position)) {
        return corrupt(why, "a closed reservation without its place among the names");
    }
    if (order.bytes_count > 0) {
        reservation->order_node =
            hf_order_node_add(&engine->orders, hf_orders_touch(&engine->orders, order), index,
                              reservation->opened_lsn);
    }
    return load_lines(engine, in, index, why);
}

static enum hf_err load_ref(struct hf_engine *engine, struct hf_reader *in, const char **why)
{
    const struct hf_text text = hf_read_text(in, false);
    const uint64_t lsn = hf_read_varint(in);
    const uint64_t content_hash = hf_read_u64(in);

    if (in->is_bad ||
        hf_names_find(&engine->names, &engine->reservations, text, hf_name_hash(text)) != HF_NONE) {
        return corrupt(why, "a reference that is malformed or comes twice");
    }
    if (hf_pool_room(&engine->names.refs) == 0 ||
        !hf_table_make_room(&engine->names.table, hf_name_hash(text), 1)) {
        return too_small(why);
    }
    const uint32_t name = hf_ref_add(&engine->names, text, lsn, content_hash);
    return load_place_in_queue(engine, in, name, &hf_ref_at(&engine->names, name)->name_position)
               ? HF_OK
               : corrupt(why, "a reference without its place among the names");
}

static enum hf_err load_item(struct hf_engine *engine, struct hf_reader *in, const char **why)
{
    const uint8_t item = hf_read_u8(in);
    enum hf_err err;

    if (item != HF_ITEM_HEAD && engine->load == NULL) {
        return corrupt(why, "items before the head");
    }
    switch (item) {
    case HF_ITEM_HEAD:
        err = load_head(engine, in, why);
        break;
    case HF_ITEM_REGION:
        err = load_code(engine, HF_CODE_REGION, in, why);
        break;
    case HF_ITEM_LOCATION:
        err = load_code(engine, HF_CODE_LOCATION, in, why);
        break;
    case HF_ITEM_SKU:
        err = load_code(engine, HF_CODE_SKU, in, why);
        break;
    case HF_ITEM_CELL:
        err = load_cell(engine, in, why);
        break;
    case HF_ITEM_RESERVATION:
        err = load_reservation(engine, in, why);
        break;
    case HF_ITEM_REF:
        err = load_ref(engine, in, why);
        break;
    default:
        return corrupt(why, "an unknown item");
    }
    if (err == HF_OK && in->is_bad) {
        return corrupt(why, "an item that ends too early");
    }
    if (err == HF_OK) {
        engine->load[1].items[item]++;
    }
    return err;
}

enum hf_err hf_engine_load(struct hf_engine *engine, const void *chunk, size_t bytes_count,
                           const char **why)
{
    const unsigned char *bytes = chunk;
    struct hf_reader in = {bytes, bytes + bytes_count, false};

    while (in.at < in.end) {
        const enum hf_err err = load_item(engine, &in, why);
        if (err != HF_OK) {
            return err;
        }
    }
    return HF_OK;
}

enum hf_err hf_engine_load_end(struct hf_engine *engine, const char **why)
{
    if (engine->load == NULL) {
        return corrupt(why, "a snapshot without a head");
    }
    bool is_whole = true;
    for (unsigned item = HF_ITEM_REGION; item < HF_ITEMS_END; item++) {
        is_whole = is_whole && engine->load[0].items[item] == engine->load[1].items[item];
    }
    free(engine->load);
    engine->load = NULL;
    for (uint64_t at = engine->names.queue_first; at < engine->names.queue_end; at++) {
        is_whole = is_whole && hf_name_slot_at(&engine->names, at)->is_loaded == 1;
        hf_name_slot_at(&engine->names, at)->is_loaded = 0;
    }
    if (!is_whole) {
        return corrupt(why, "fewer or more items than the head counts");
    }
    hf_ledger_start(&engine->ledger, engine->last_lsn + 1);
    hf_ledger_pin(&engine->ledger, engine->last_lsn);
    return HF_OK;
}
