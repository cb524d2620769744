/*
 * frozen.c - rows of one state: begin and end of the reading, what is kept for it, decoding.
 */
#include "engine/frozen.h"

#include "engine/image.h"

#define BYTES_A_SLOT 256 /* so many bytes of an item cost a call as much as a slot */

/* ------------------------------------------------------------------ begin and end */

bool hf_engine_freeze(struct hf_engine *engine, uint64_t bytes_max)
{
    struct hf_frozen *frozen = &engine->frozen;

    HF_ASSERT(!engine->is_group_open);
    if (frozen->is_on) {
        return false;
    }
    *frozen = (struct hf_frozen){
        .now_us = engine->now_us > engine->last_ts_us ? engine->now_us : engine->last_ts_us,
        .section_last = HF_FROZEN_INBOUND,
        .buffer = hf_memory_reserve(HF_IMAGE_BYTES_MIN),
    };
    if (frozen->buffer == NULL || !hf_kept_begin(engine, &frozen->kept, bytes_max)) {
        hf_memory_give_back(frozen->buffer, HF_IMAGE_BYTES_MIN);
        *frozen = (struct hf_frozen){0};
        return false;
    }
    frozen->is_on = true;
    engine->watchers |= HF_WATCH_FROZEN;
    return true;
}

uint64_t hf_engine_frozen_lsn(const struct hf_engine *engine)
{
    return engine->frozen.kept.lsn;
}

void hf_engine_frozen_only(struct hf_engine *engine, enum hf_frozen_section section)
{
    struct hf_frozen *frozen = &engine->frozen;

    HF_ASSERT(frozen->is_on);
    HF_ASSERT(frozen->section <= (unsigned)section);
    frozen->section_last = section;
    if (frozen->section < (unsigned)section) {
        frozen->section = section;
        frozen->next = 0;
    }
}

/* Keep nothing more. */
static void stop_keeping(struct hf_engine *engine)
{
    engine->watchers &= ~(uint32_t)HF_WATCH_FROZEN;
}

void hf_engine_thaw(struct hf_engine *engine)
{
    struct hf_frozen *frozen = &engine->frozen;

    if (!frozen->is_on) {
        return;
    }
    stop_keeping(engine);
    hf_kept_end(engine, &frozen->kept);
    hf_memory_give_back(frozen->buffer, HF_IMAGE_BYTES_MIN);
    *frozen = (struct hf_frozen){0};
}

/* ------------------------------------------------------------------ what is kept */

/* Whether a row of this section is still to come from the slot. */
static bool is_ahead(const struct hf_frozen *frozen, enum hf_frozen_section section, uint32_t index)
{
    return (frozen->section < (unsigned)section && (unsigned)section <= frozen->section_last) ||
           (frozen->section == (unsigned)section && index >= frozen->next);
}

/* Whether the item, as it was at the freeze, may still be asked for. */
static bool is_wanted(const struct hf_engine *engine, unsigned item, uint32_t index)
{
    const struct hf_frozen *frozen = &engine->frozen;

    switch ((enum hf_item)item) {
    case HF_ITEM_LOCATION: /* for the ATS of any cell that is left */
        return is_ahead(frozen, HF_FROZEN_CELLS, UINT32_MAX);
    case HF_ITEM_CELL:
        return is_ahead(frozen, HF_FROZEN_CELLS, index);
    case HF_ITEM_RESERVATION:
        return is_ahead(frozen, HF_FROZEN_RESERVATIONS, index);
    case HF_ITEM_SHIPMENT:
        return is_ahead(frozen,
                        hf_shipment_at(&engine->shipments, index)->kind == HF_TRANSFER
                            ? HF_FROZEN_TRANSFERS
                            : HF_FROZEN_INBOUND,
                        index);
    case HF_ITEM_HEAD:
    case HF_ITEM_REGION:
    case HF_ITEM_SKU:
    case HF_ITEM_REF:
        break;
    }
    return false;
}

void hf_frozen_keep(struct hf_engine *engine, unsigned item, uint32_t index)
{
    struct hf_frozen *frozen = &engine->frozen;

    if (is_wanted(engine, item, index)) {
        hf_kept_keep(engine, &frozen->kept, item, index);
    }
    if (frozen->kept.is_lost) {
        stop_keeping(engine);
    }
}

/* The image of an item at the freeze, not read yet; *bytes_count 0: there was none. Valid until the
 * next call into the engine. */
static const unsigned char *item_at(struct hf_engine *engine, unsigned item, uint32_t index,
                                    size_t *bytes_count)
{
    const struct hf_frozen *frozen = &engine->frozen;
    const unsigned char *kept = hf_kept_find(&frozen->kept, item, index, bytes_count);

    HF_ASSERT(frozen->is_on && !frozen->kept.is_lost);
    if (kept != NULL) {
        return kept;
    }
    *bytes_count = 0;
    if (!hf_kept_is_newer(engine, &frozen->kept, item, index)) {
        *bytes_count = (size_t)(hf_image_put(engine, (enum hf_item)item, index, frozen->buffer) -
                                frozen->buffer);
    }
    return frozen->buffer;
}

/* ------------------------------------------------------------------ rows */

/* What one call gives, and to whom. */
struct giver {
    struct hf_engine *engine;
    struct hf_frozen_cursor *cursor;
    uint32_t rows_left;
    hf_frozen_cb cb;
    void *arg;
    struct hf_frozen_row row;
};

static struct hf_text code_of(const struct hf_engine *engine, enum hf_code_class class,
                              uint32_t handle)
{
    return handle == HF_NONE ? (struct hf_text){0}
                             : hf_catalog_text(&engine->catalog, class, handle);
}

/* A reader behind the tag. The bytes are our own, so they can be read. */
static struct hf_reader open_item(const unsigned char *bytes, size_t bytes_count, enum hf_tag tag)
{
    HF_ASSERT(bytes_count > 0);
    HF_ASSERT(bytes[0] == tag);
    return (struct hf_reader){bytes + 1, bytes + bytes_count, false};
}

static bool was_in_transit_sellable(struct hf_engine *engine, uint32_t handle)
{
    struct hf_image_location location;
    size_t bytes_count;
    const unsigned char *bytes = item_at(engine, HF_ITEM_LOCATION, handle, &bytes_count);
    struct hf_reader in = open_item(bytes, bytes_count, HF_TAG_LOCATION);
    const bool is_sound = hf_image_read_location(&in, &location);

    HF_ASSERT(is_sound);
    return location.is_in_transit_sellable;
}

static void give(struct giver *giver)
{
    giver->cb(giver->arg, &giver->row);
    giver->rows_left--;
}

static void give_cell(struct giver *giver, const unsigned char *bytes, size_t bytes_count)
{
    struct hf_engine *engine = giver->engine;
    struct hf_image_cell cell;
    struct hf_reader in = open_item(bytes, bytes_count, HF_TAG_CELL);
    const bool is_sound = hf_image_read_cell(&in, HF_TAG_CELL, &cell);
    const struct hf_cell_extra *extra = &cell.extra;
    const int64_t in_transit = extra->rare[HF_IN_TRANSIT - HF_COUNTERS_HOT];
    const int64_t inbound = extra->inbound_sellable + extra->inbound_kept;

    HF_ASSERT(is_sound);
    const int64_t transfers = in_transit == inbound ? 0
                              : was_in_transit_sellable(engine, cell.location)
                                  ? in_transit - inbound
                                  : 0;
    const int64_t sellable = transfers + extra->inbound_sellable;
    const int64_t free_units = cell.hot[HF_ON_HAND] - cell.hot[HF_HELD] - cell.hot[HF_COMMITTED];
    const int64_t missing = -free_units - sellable - extra->policy.backorder_limit;
    giver->row.cell = (struct hf_cell_view){
        .sku = code_of(engine, HF_CODE_SKU, cell.sku),
        .location = code_of(engine, HF_CODE_LOCATION, cell.location),
        .on_hand = cell.hot[HF_ON_HAND],
        .held = cell.hot[HF_HELD],
        .committed = cell.hot[HF_COMMITTED],
        .in_transit = in_transit,
        .damaged = extra->rare[HF_DAMAGED - HF_COUNTERS_HOT],
        .quarantined = extra->rare[HF_QUARANTINED - HF_COUNTERS_HOT],
        .safety_stock = extra->policy.safety_stock,
        .low_stock = extra->policy.low_stock,
        .backorder_limit = extra->policy.backorder_limit,
        .atf = free_units - extra->policy.safety_stock,
        .ats = free_units - extra->policy.safety_stock + sellable,
        .shortage = missing > 0 ? missing : 0,
        .last_sale_us = cell.has_sold ? cell.since_us : 0,
        .version = cell.version,
    };
    give(giver);
    giver->cursor->index++;
}

/* The cursor behind `line` of an item that has `lines_count`. */
static void pass_line(struct giver *giver, uint32_t line, uint32_t lines_count)
{
    giver->cursor->line = line + 1;
    if (giver->cursor->line == lines_count) {
        giver->cursor->line = 0;
        giver->cursor->index++;
    }
}

static void give_reservation(struct giver *giver, const unsigned char *bytes, size_t bytes_count)
{
    struct hf_engine *engine = giver->engine;
    struct hf_image_reservation reservation;
    struct hf_reader in = open_item(bytes, bytes_count, HF_TAG_RESERVATION);
    bool is_sound = hf_image_read_reservation(&in, HF_TAG_RESERVATION, &reservation);

    HF_ASSERT(is_sound);
    const uint64_t deadline_us = reservation.opened_us + reservation.life_us;
    const bool has_deadline = reservation.life_us != 0 && (reservation.state == HF_STATE_HELD ||
                                                           reservation.state == HF_STATE_EXPIRED);
    const bool is_due =
        has_deadline && reservation.state == HF_STATE_HELD && deadline_us <= engine->frozen.now_us;
    giver->row.reservation = (struct hf_reservation_view){
        .id = reservation.id,
        .order = reservation.order,
        .state = is_due ? HF_STATE_EXPIRED : reservation.state,
        .expires_at_us = has_deadline ? deadline_us : 0,
        .opened_lsn = reservation.opened_lsn,
        .opened_us = reservation.opened_us,
        .lines_count = reservation.lines_count,
        .first_line = HF_NONE,
    };
    for (uint32_t i = 0; i < reservation.lines_count && giver->rows_left > 0; i++) {
        struct hf_image_line line;
        is_sound = hf_image_read_line(&in, &line);
        HF_ASSERT(is_sound);
        if (i < giver->cursor->line) {
            continue; /* given by an earlier call */
        }
        giver->row.reserved = (struct hf_reservation_line_view){
            .sku = code_of(engine, HF_CODE_SKU, line.sku),
            .location = code_of(engine, HF_CODE_LOCATION, line.location),
            .units = line.units,
            .fulfilled = line.fulfilled,
            .released = line.released,
        };
        give(giver);
        pass_line(giver, i, reservation.lines_count);
        if (giver->cursor->line == 0) {
            break;
        }
    }
}

/* Open units of the lines that `in` stands before. */
static int64_t open_units_of(struct hf_reader in, uint32_t lines_count)
{
    int64_t open_units = 0;
    for (uint32_t i = 0; i < lines_count; i++) {
        struct hf_image_shipment_line line;
        const bool is_sound = hf_image_read_shipment_line(&in, &line);
        HF_ASSERT(is_sound);
        open_units += line.figures[HF_LINE_UNSHIPPED] + line.figures[HF_LINE_UNDER_WAY];
    }
    return open_units;
}

static void give_shipment(struct giver *giver, const unsigned char *bytes, size_t bytes_count)
{
    struct hf_engine *engine = giver->engine;
    struct hf_image_shipment shipment;
    struct hf_reader in = open_item(bytes, bytes_count, HF_TAG_SHIPMENT);
    bool is_sound = hf_image_read_shipment(&in, &shipment);

    HF_ASSERT(is_sound);
    if ((shipment.kind == HF_TRANSFER) != (giver->row.section == HF_FROZEN_TRANSFERS)) {
        giver->cursor->index++;
        return;
    }
    giver->row.shipment = (struct hf_shipment_view){
        .id = shipment.id,
        .order = shipment.order,
        .from = code_of(engine, HF_CODE_LOCATION, shipment.from),
        .to = code_of(engine, HF_CODE_LOCATION, shipment.to),
        .kind = shipment.kind,
        .state = shipment.state,
        .is_sellable = shipment.is_sellable,
        .eta_us = shipment.eta_us,
        .opened_us = shipment.opened_us,
        .opened_lsn = shipment.opened_lsn,
        .last_lsn = shipment.last_lsn,
        .lines_count = shipment.lines_count,
        .open_units = open_units_of(in, shipment.lines_count),
        .first_line = HF_NONE,
    };
    for (uint32_t i = 0; i < shipment.lines_count && giver->rows_left > 0; i++) {
        struct hf_image_shipment_line line;
        is_sound = hf_image_read_shipment_line(&in, &line);
        HF_ASSERT(is_sound);
        if (i < giver->cursor->line) {
            continue;
        }
        giver->row.shipped = (struct hf_shipment_line_view){
            .sku = code_of(engine, HF_CODE_SKU, line.sku),
            .units = line.units,
            .unshipped = line.figures[HF_LINE_UNSHIPPED],
            .under_way = line.figures[HF_LINE_UNDER_WAY],
            .received = line.figures[HF_LINE_RECEIVED],
            .damaged = line.figures[HF_LINE_DAMAGED],
            .cancelled = line.figures[HF_LINE_CANCELLED],
            .lost = line.figures[HF_LINE_LOST],
        };
        give(giver);
        pass_line(giver, i, shipment.lines_count);
        if (giver->cursor->line == 0) {
            break;
        }
    }
}

static enum hf_item item_of(enum hf_frozen_section section)
{
    return section == HF_FROZEN_CELLS          ? HF_ITEM_CELL
           : section == HF_FROZEN_RESERVATIONS ? HF_ITEM_RESERVATION
                                               : HF_ITEM_SHIPMENT;
}

/* A shipment of the other kind, as it is now: what it was at the freeze is of no interest then, for
 * it is that, or it is in the store. */
static bool is_of_other_kind(const struct giver *giver)
{
    const struct hf_kept *kept = &giver->engine->frozen.kept;
    const uint32_t index = (uint32_t)giver->cursor->index;
    size_t bytes_count;

    return hf_kept_find(kept, HF_ITEM_SHIPMENT, index, &bytes_count) == NULL &&
           (hf_shipment_at(&giver->engine->shipments, index)->kind == HF_TRANSFER) !=
               (giver->row.section == HF_FROZEN_TRANSFERS);
}

/* Rows of the item at the cursor, as many as may be given; the cursor moves on. Returns the bytes
 * that were looked at. */
static size_t give_item(struct giver *giver)
{
    const enum hf_item item = item_of(giver->row.section);
    size_t bytes_count;

    if (item == HF_ITEM_SHIPMENT && is_of_other_kind(giver)) {
        giver->cursor->index++;
        return 0;
    }
    const unsigned char *bytes =
        item_at(giver->engine, item, (uint32_t)giver->cursor->index, &bytes_count);
    if (bytes_count == 0) {
        giver->cursor->index++; /* a slot that was free */
    } else if (item == HF_ITEM_CELL) {
        give_cell(giver, bytes, bytes_count);
    } else if (item == HF_ITEM_RESERVATION) {
        give_reservation(giver, bytes, bytes_count);
    } else {
        give_shipment(giver, bytes, bytes_count);
    }
    return bytes_count;
}

enum hf_err hf_engine_frozen_rows(struct hf_engine *engine, enum hf_frozen_section section,
                                  struct hf_frozen_cursor *cursor, uint32_t rows_max,
                                  hf_frozen_cb cb, void *arg, bool *is_end)
{
    struct hf_frozen *frozen = &engine->frozen;
    struct giver giver = {.engine = engine,
                          .cursor = cursor,
                          .rows_left = rows_max,
                          .cb = cb,
                          .arg = arg,
                          .row = {.section = section}};

    HF_ASSERT(frozen->is_on);
    HF_ASSERT(frozen->section <= (unsigned)section);
    HF_ASSERT((unsigned)section <= frozen->section_last);
    *is_end = false;
    if (frozen->kept.is_lost) {
        return HF_LIMIT_EXCEEDED;
    }
    if (frozen->section != (unsigned)section) {
        frozen->section = section;
        frozen->next = 0;
    }
    HF_ASSERT(frozen->next == UINT64_MAX || cursor->index == frozen->next);
    const uint64_t size = frozen->kept.sizes[item_of(section)];
    for (uint64_t looked = 0;
         cursor->index < size && giver.rows_left > 0 && looked < HF_FROZEN_LOOK_MAX;) {
        looked += 1 + give_item(&giver) / BYTES_A_SLOT;
        frozen->next = cursor->index;
    }
    if (cursor->index >= size) {
        frozen->next = UINT64_MAX;
        *is_end = true;
        if ((unsigned)section == frozen->section_last) {
            stop_keeping(engine);
        }
    }
    return HF_OK;
}
