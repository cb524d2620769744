/*
 * image_prepare.c - the first half of loading: bytes of items into their places (image_load.h).
 *
 * Cells, reservations and references are done a few dozen at a time, names in two steps:
 *
 *     decode each into its place in the pool, hash its name, fetch the slot of the table
 *     --> look for each among the names before it, and enter it     the slots have come meanwhile
 *
 * A slot is a cache miss; over a batch they overlap. The batch ends before an item of another kind,
 * and with one that cannot be read, which is refused behind those before it.
 *
 * Shipments are few, and nothing comes behind them: join reads them alone.
 */
#include "engine/image_load.h"

#include <stdlib.h>

/* ------------------------------------------------------------------ head */

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

    return hf_table_expect(&engine->catalog.tables[HF_CODE_SKU],
                           at_most(counts[HF_ITEM_SKU], config->skus_max)) &&
           hf_table_expect(&engine->cells.table,
                           at_most(counts[HF_ITEM_CELL], config->cells_max)) &&
           hf_table_expect(&engine->names.table, names_count);
}

static enum hf_err no_memory(const char **why)
{
    *why = "out of memory";
    return HF_NO_MEMORY;
}

static enum hf_err prepare_head(struct hf_engine *engine, struct hf_reader *in, enum hf_tag tag,
                                const char **why)
{
    HF_ASSERT(engine->cells.pool.used_count == 0);
    HF_ASSERT(engine->reservations.pool.used_count == 0);

    if (engine->load != NULL) {
        return hf_image_corrupt(why, "a second head");
    }
    struct hf_image_load *load = calloc(1, sizeof *load);
    if (load == NULL) {
        return no_memory(why);
    }
    engine->load = load;
    load->section = HF_ITEM_HEAD;
    load->is_old = tag == HF_TAG_HEAD_1;
    load->cells_max = engine->config.cells_max;
    load->claims = hf_memory_reserve(load->cells_max * sizeof *load->claims);
    load->transits = hf_memory_reserve(load->cells_max * sizeof *load->transits);
    if (load->claims == NULL || load->transits == NULL) {
        return no_memory(why);
    }
    if (!hf_image_read_head(in, tag, &load->head)) {
        return hf_image_corrupt(why, "an item that ends too early");
    }
    if (load->head.ts_us > HF_TIME_US_MAX) {
        return hf_image_corrupt(why, "a time that cannot be");
    }
    if (load->head.queue_end < load->head.queue_first) {
        return hf_image_corrupt(why, "the queue of names ends before it begins");
    }
    if (!expect_items(engine, load->head.counts)) {
        return no_memory(why);
    }
    engine->last_lsn = load->head.lsn;
    engine->last_ts_us = load->head.ts_us;
    engine->names.queue_first = load->head.queue_first;
    engine->names.queue_end = load->head.queue_end;
    return hf_names_count(&engine->names) > engine->names.queue_max ? hf_image_too_small(why)
                                                                    : HF_OK;
}

/* ------------------------------------------------------------------ codes */

static enum hf_err enter_code(struct hf_engine *engine, enum hf_code_class class,
                              struct hf_reader *in, const char **why)
{
    struct hf_image_location location = {.region = HF_NONE};

    if (class == HF_CODE_LOCATION) {
        if (!hf_image_read_location(in, &location) ||
            (location.region != HF_NONE &&
             location.region >= hf_catalog_count(&engine->catalog, HF_CODE_REGION))) {
            return hf_image_corrupt(why, "settings of a location that do not add up");
        }
    } else {
        location.code = hf_read_text(in, false);
    }
    if (in->is_bad || hf_catalog_find(&engine->catalog, class, location.code) != HF_NONE) {
        return hf_image_corrupt(why, "a code that is malformed or comes twice");
    }
    if (hf_catalog_make_room(&engine->catalog, class, location.code, 1) != HF_OK) {
        return hf_image_too_small(why);
    }
    const uint32_t handle = hf_catalog_add(&engine->catalog, class, location.code);
    if (class == HF_CODE_LOCATION) {
        struct hf_location *added = hf_location_at(&engine->catalog, handle);
        added->region = location.region;
        added->is_in_transit_sellable = location.is_in_transit_sellable;
    }
    return HF_OK;
}

/* A batch of codes of one class: the slots of all of them first. */
static enum hf_err prepare_codes(struct hf_engine *engine, struct hf_reader *in, enum hf_tag tag,
                                 const char **why)
{
    const enum hf_code_class class = tag == HF_TAG_REGION     ? HF_CODE_REGION
                                     : tag == HF_TAG_LOCATION ? HF_CODE_LOCATION
                                                              : HF_CODE_SKU;
    struct hf_reader ahead = *in;
    enum hf_err err = HF_OK;

    for (uint32_t i = 0;
         class == HF_CODE_SKU && i < HF_IMAGE_BATCH_MAX && ahead.at < ahead.end && *ahead.at == tag;
         i++) {
        ahead.at++;
        hf_table_fetch(&engine->catalog.tables[class],
                       hf_code_hash(class, hf_read_text(&ahead, false)));
    }
    for (uint32_t i = 0;
         err == HF_OK && i < HF_IMAGE_BATCH_MAX && in->at < in->end && *in->at == tag; i++) {
        in->at++;
        err = enter_code(engine, class, in, why);
    }
    return err;
}

/* ------------------------------------------------------------------ cells */

static const char *const bad_cell = "a cell that does not add up";

/* Format 1 knew no alerts and no times of sales: what the figures say, and from now on. It knew
 * nothing in transit, either, so the catalogue is not looked at. */
static void set_flags_of_format_1(const struct hf_engine *engine, struct hf_cell *cell)
{
    const int64_t ats = hf_cell_ats(&engine->cells, &engine->catalog, cell);
    const int64_t low_stock = hf_cell_policy(&engine->cells, cell).low_stock;

    cell->is_out = ats <= 0;
    cell->is_low = low_stock != HF_LOW_STOCK_NONE && ats <= low_stock;
    cell->since_us = engine->last_ts_us;
}

/* Note what the cell claims, and leave it to the lines (image_load.c). */
static void put_claims(struct hf_image_load *load, struct hf_cell *cell, uint32_t index,
                       const struct hf_cell_extra *extra)
{
    if (cell->hot[HF_HELD] != 0 || cell->hot[HF_COMMITTED] != 0) {
        load->claims[load->claims_count++] =
            (struct hf_image_claim){index, cell->hot[HF_HELD], cell->hot[HF_COMMITTED]};
        cell->hot[HF_HELD] = cell->hot[HF_COMMITTED] = 0;
    }
    if (cell->extra != HF_NONE) {
        load->transits[cell->extra] =
            (struct hf_image_transit){extra->rare[HF_IN_TRANSIT - HF_COUNTERS_HOT],
                                      extra->inbound_sellable, extra->inbound_kept};
    }
}

/* Into a place that is not taken yet. */
static void place_cell(struct hf_engine *engine, uint32_t index, const struct hf_image_cell *read,
                       enum hf_tag tag)
{
    struct hf_cell *cell = hf_cell_at(&engine->cells, index);

    *cell = (struct hf_cell){
        .sku = read->sku,
        .location = read->location & (HF_LOCATIONS_LIMIT - 1),
        .is_low = read->is_low,
        .is_out = read->is_out,
        .has_sold = read->has_sold,
        .since_us = read->since_us,
        .version = read->version,
        .timed_line = HF_NONE,
        .lasting_line = HF_NONE,
        .next_of_sku = HF_NONE,
        .extra = HF_NONE,
    };
    memcpy(cell->hot, read->hot, sizeof cell->hot);
    hf_cell_set_extra(&engine->cells, cell, &read->extra);
    if (tag == HF_TAG_CELL_1) {
        set_flags_of_format_1(engine, cell);
    }
    put_claims(engine->load, cell, index, &read->extra);
}

/* A batch of cells; *count of them are in their places. */
static enum hf_err prepare_cells(struct hf_engine *engine, struct hf_reader *in, enum hf_tag tag,
                                 uint32_t *count, const char **why)
{
    struct hf_pool *pool = &engine->cells.pool;
    const uint32_t first = pool->used_count;
    const uint32_t count_max = (uint32_t)at_most(hf_pool_room(pool), HF_IMAGE_BATCH_MAX);
    enum hf_err err = count_max == 0 ? hf_image_too_small(why) : HF_OK;

    for (*count = 0; *count < count_max && in->at < in->end && *in->at == tag; ++*count) {
        struct hf_image_cell read;
        in->at++;
        if (!hf_image_read_cell(in, tag, &read) || read.location >= HF_LOCATIONS_LIMIT ||
            read.version > engine->last_lsn || read.since_us > engine->last_ts_us) {
            err = hf_image_corrupt(why, bad_cell);
            break;
        }
        place_cell(engine, first + *count, &read, tag);
    }
    hf_pool_take_next(pool, *count);
    return err;
}

/* ------------------------------------------------------------------ names */

bool hf_image_take_place(struct hf_engine *engine, const struct hf_image_place *place,
                         uint32_t name)
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

static enum hf_err enter_ref(struct hf_engine *engine, const struct hf_image_ref *read,
                             const char **why)
{
    const uint64_t hash = hf_name_hash(read->text);

    if (hf_names_find(&engine->names, read->text, hash) != HF_NONE) {
        return hf_image_corrupt(why, "a reference that is malformed or comes twice");
    }
    if (hf_pool_room(&engine->names.refs) == 0 ||
        !hf_table_make_room(&engine->names.table, hash, 1)) {
        return hf_image_too_small(why);
    }
    const uint32_t name = hf_ref_add(&engine->names, read->text, read->lsn, read->content_hash);
    hf_ref_at(&engine->names, name)->name_position = read->place.position;
    return hf_image_take_place(engine, &read->place, name)
               ? HF_OK
               : hf_image_corrupt(why, "a reference without its place among the names");
}

static enum hf_err prepare_refs(struct hf_engine *engine, struct hf_reader *in, const char **why)
{
    struct hf_image_ref refs[HF_IMAGE_BATCH_MAX];
    uint32_t count = 0;
    bool is_bad = false;

    while (!is_bad && count < HF_IMAGE_BATCH_MAX && in->at < in->end && *in->at == HF_TAG_REF) {
        in->at++;
        if (!hf_image_read_ref(in, &refs[count])) {
            is_bad = true;
            break;
        }
        hf_table_fetch(&engine->names.table, hf_name_hash(refs[count].text));
        hf_prefetch(hf_name_slot_at(&engine->names, refs[count].place.position));
        count++;
    }
    for (uint32_t i = 0; i < count; i++) {
        const enum hf_err err = enter_ref(engine, &refs[i], why);
        if (err != HF_OK) {
            return err;
        }
    }
    return is_bad ? hf_image_corrupt(why, "a reference that is malformed or comes twice") : HF_OK;
}

/* ------------------------------------------------------------------ reservations */

static const char *const bad_reservation = "a reservation that does not add up";

/* Lines [first, first + count) of a reservation, in a row. False: one cannot be read. */
static bool place_lines(struct hf_engine *engine, struct hf_reader *in, uint32_t reservation,
                        uint32_t first, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        struct hf_image_line read;
        if (!hf_image_read_line(in, &read)) {
            return false;
        }
        *hf_line_at(&engine->reservations, first + i) = (struct hf_line){
            .units = read.units,
            .fulfilled = read.fulfilled,
            .released = read.released,
            .cell = HF_NONE,
            .reservation = reservation,
            .next = i + 1 < count ? first + i + 1 : HF_NONE,
            .loaded_sku = read.sku,
            .loaded_location = read.location,
        };
    }
    return true;
}

/* Into a place that is not taken yet; `chunk` is what the texts point into. */
static void place_reservation(struct hf_engine *engine, uint32_t index, uint32_t first_line,
                              const struct hf_image_reservation *read, const unsigned char *chunk)
{
    struct hf_reservations *reservations = &engine->reservations;
    struct hf_reservation *reservation = hf_reservation_at(reservations, index);

    *reservation = (struct hf_reservation){
        .life_us = read->life_us & ((UINT64_C(1) << 48) - 1),
        .id_bytes = (uint8_t)read->id.bytes_count,
        .state = (uint8_t)read->state,
        .opened_us = read->opened_us,
        .opened_lsn = read->opened_lsn,
        .last_lsn = read->last_lsn,
        .content_hash = read->content_hash,
        .first_line = first_line,
        .loaded_order = HF_NONE,
    };
    if (read->id.bytes_count <= HF_ID_INLINE) {
        memcpy(reservation->short_id, read->id.bytes, read->id.bytes_count);
    } else {
        reservation->long_id = hf_pool_take(&reservations->long_ids);
        memcpy(hf_pool_at(&reservations->long_ids, reservation->long_id), read->id.bytes,
               read->id.bytes_count);
    }
    if (read->state == HF_STATE_CONFIRMED) {
        reservation->confirmed_lsn = read->confirmed_lsn;
    } else if (read->state != HF_STATE_HELD) {
        reservation->name_position = read->place.position;
    }
    if (read->order.bytes_count > 0) { /* where its text begins, with the byte that counts */
        reservation->loaded_order =
            (uint32_t)((const unsigned char *)read->order.bytes - 1 - chunk);
    }
}

/* The reservation at `index` among the names. */
static enum hf_err enter_reservation(struct hf_engine *engine, uint32_t index, uint64_t hash,
                                     const struct hf_image_place *place, const char **why)
{
    const struct hf_reservation *reservation = hf_reservation_at(&engine->reservations, index);
    const struct hf_text id = hf_reservation_id(&engine->reservations, reservation);

    if (hf_names_find(&engine->names, id, hash) != HF_NONE) {
        return hf_image_corrupt(why, bad_reservation);
    }
    if (reservation->opened_us > engine->last_ts_us || reservation->last_lsn > engine->last_lsn) {
        return hf_image_corrupt(why, "a reservation from another time");
    }
    if (!hf_table_make_room(&engine->names.table, hash, 1)) {
        return hf_image_too_small(why);
    }
    hf_table_add(&engine->names.table, hash, index);
    return hf_state_is_open((enum hf_state)reservation->state) ||
                   hf_image_take_place(engine, place, index)
               ? HF_OK
               : hf_image_corrupt(why, "a closed reservation without its place among the names");
}

/* One item of a batch, and its lines. */
static enum hf_err read_reservation(struct hf_engine *engine, struct hf_reader *in, enum hf_tag tag,
                                    uint32_t batch_count, uint32_t *lines_count,
                                    const unsigned char *chunk, const char **why)
{
    struct hf_image_load *load = engine->load;
    struct hf_reservations *reservations = &engine->reservations;
    const uint32_t index = reservations->pool.used_count + batch_count;
    const uint32_t first_line = reservations->lines.used_count + *lines_count;
    struct hf_image_reservation read;

    if (!hf_image_read_reservation(in, tag, &read)) {
        return hf_image_corrupt(why, bad_reservation);
    }
    if (hf_pool_room(&reservations->pool) == batch_count ||
        hf_pool_room(&reservations->lines) - *lines_count < read.lines_count) {
        return hf_image_too_small(why);
    }
    load->hashes[batch_count] = hf_name_hash(read.id);
    hf_table_fetch(&engine->names.table, load->hashes[batch_count]);
    load->places[batch_count] = read.place;
    if (!hf_state_is_open(read.state)) {
        hf_prefetch(hf_name_slot_at(&engine->names, read.place.position));
    }
    place_reservation(engine, index, first_line, &read, chunk);
    if (!place_lines(engine, in, index, first_line, read.lines_count)) {
        return hf_image_corrupt(why, "a reservation line that does not add up");
    }
    *lines_count += read.lines_count;
    return HF_OK;
}

/* A batch of reservations; *count of them are in their places, and in the table. */
static enum hf_err prepare_reservations(struct hf_engine *engine, struct hf_reader *in,
                                        enum hf_tag tag, const unsigned char *chunk,
                                        uint32_t *count, const char **why)
{
    const struct hf_image_load *load = engine->load;
    struct hf_reservations *reservations = &engine->reservations;
    const uint32_t first = reservations->pool.used_count;
    const char *enter_why = NULL;
    enum hf_err enter_err = HF_OK;
    enum hf_err err = HF_OK;
    uint32_t placed = 0;
    uint32_t lines_count = 0;

    while (placed < HF_IMAGE_BATCH_MAX && lines_count < HF_IMAGE_BATCH_MAX && in->at < in->end &&
           *in->at == tag) {
        in->at++;
        err = read_reservation(engine, in, tag, placed, &lines_count, chunk, why);
        if (err != HF_OK) {
            break;
        }
        placed++;
    }
    for (*count = 0; *count < placed; ++*count) {
        enter_err = enter_reservation(engine, first + *count, load->hashes[*count],
                                      &load->places[*count], &enter_why);
        if (enter_err != HF_OK) {
            break;
        }
    }
    hf_pool_take_next(&reservations->pool, *count);
    hf_pool_take_next(&reservations->lines, lines_count);
    if (enter_err != HF_OK) { /* which comes before what ended the batch */
        *why = enter_why;
        return enter_err;
    }
    return err;
}

/* ------------------------------------------------------------------ all */

enum hf_item hf_image_section_of(uint8_t tag, bool is_old)
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

enum hf_err hf_image_judge_tag(const struct hf_image_load *load, enum hf_item section, uint8_t tag,
                               const char **why)
{
    const enum hf_item item = hf_image_section_of(tag, load->is_old);

    if (tag == HF_TAG_HEAD || tag == HF_TAG_HEAD_1) {
        return hf_image_corrupt(why, "a second head");
    }
    if (item == HF_ITEM_HEAD) {
        return hf_image_corrupt(why, "an unknown item");
    }
    return item >= section ? HF_OK : hf_image_corrupt(why, "items that are not in their order");
}

/* A batch of one kind, or all that is left from a shipment on. */
static enum hf_err prepare_items(struct hf_engine *engine, struct hf_reader *in,
                                 struct hf_image_part *part, const char **why)
{
    struct hf_image_load *load = engine->load;
    const enum hf_tag tag = (enum hf_tag) * in->at;
    uint32_t count = 0;
    enum hf_err err = hf_image_judge_tag(load, load->section, (uint8_t)tag, why);

    if (err != HF_OK) {
        return err;
    }
    load->section = hf_image_section_of((uint8_t)tag, load->is_old);
    switch (load->section) {
    case HF_ITEM_CELL:
        err = prepare_cells(engine, in, tag, &count, why);
        part->cells_count += count;
        return err;
    case HF_ITEM_RESERVATION:
        err = prepare_reservations(engine, in, tag, part->bytes, &count, why);
        part->reservations_count += count;
        return err;
    case HF_ITEM_REF:
        return prepare_refs(engine, in, why);
    case HF_ITEM_SHIPMENT:
        part->shipments = in->at;
        in->at = in->end;
        return HF_OK;
    default:
        return prepare_codes(engine, in, tag, why);
    }
}

void hf_engine_load_prepare(struct hf_engine *engine, const void *chunk, size_t bytes_count,
                            struct hf_image_part *part)
{
    const unsigned char *bytes = chunk;
    struct hf_reader in = {bytes, bytes + bytes_count, false};
    enum hf_err err = HF_OK;
    const char *why = NULL;

    HF_ASSERT(bytes_count < HF_NONE); /* loaded_order counts its bytes */
    *part = (struct hf_image_part){.bytes = bytes, .bytes_end = bytes + bytes_count};
    part->cells_first = engine->cells.pool.used_count;
    part->reservations_first = engine->reservations.pool.used_count;
    if (engine->load == NULL && bytes_count > 0) {
        const enum hf_tag tag = (enum hf_tag)hf_read_u8(&in);
        err = tag == HF_TAG_HEAD || tag == HF_TAG_HEAD_1
                  ? prepare_head(engine, &in, tag, &why)
                  : hf_image_corrupt(&why, "items before the head");
    } else if (engine->load != NULL) {
        err = engine->load->err;
        why = engine->load->why;
    }
    while (err == HF_OK && in.at < in.end) {
        err = prepare_items(engine, &in, part, &why);
    }
    part->reservation_lines_end = engine->reservations.lines.used_count;
    part->err = err;
    part->why = why;
    if (err != HF_OK && engine->load != NULL) {
        engine->load->err = err;
        engine->load->why = why;
    }
}
