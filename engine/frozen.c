/*
 * frozen.c - the store of what has changed since the freeze, and rows out of it.
 *
 *     entry   0  4  bytes_count of the image
 *             4  4  section, enum hf_item
 *             8  8  index
 *            16  .  image, up to a multiple of 8
 *
 * A place in the store is counted in units of 8 bytes, so that the table's 32 bits reach 32 GiB.
 * The store is address space: what is not used costs nothing.
 */
#include "engine/frozen.h"

#include <xxhash.h>

#include "engine/image.h"

#define ENTRY_HEAD_BYTES 16
#define STORE_UNIT 8
#define BYTES_A_SLOT 256 /* so many bytes of an item cost a call as much as a slot */
#define GIVE_BACK_BYTES (UINT64_C(1024) * 1024)
#define GIVE_BACK_SHARDS 256
#define STORE_BYTES_MAX ((UINT64_C(1) << 32) * STORE_UNIT - 2 * HF_IMAGE_BYTES_MIN)

_Static_assert(HF_FROZEN_ITEMS == HF_ITEMS_END, "a size for each section of the image");

/* ------------------------------------------------------------------ begin and end */

bool hf_engine_freeze(struct hf_engine *engine, uint64_t bytes_max)
{
    struct hf_frozen *frozen = &engine->frozen;

    HF_ASSERT(!engine->is_group_open);
    if (frozen->is_on) {
        return false;
    }
    *frozen = (struct hf_frozen){
        .lsn = engine->last_lsn,
        .now_us = engine->now_us > engine->last_ts_us ? engine->now_us : engine->last_ts_us,
        .section_last = HF_FROZEN_INBOUND,
        .store_bytes_max = bytes_max < STORE_BYTES_MAX ? bytes_max : STORE_BYTES_MAX,
    };
    /* The largest item fits behind all that bytes_max allows: it is written first, then judged. */
    frozen->store_bytes_reserved = frozen->store_bytes_max + ENTRY_HEAD_BYTES + HF_IMAGE_BYTES_MIN;
    frozen->store = hf_memory_reserve(frozen->store_bytes_reserved);
    frozen->buffer = hf_memory_reserve(HF_IMAGE_BYTES_MIN);
    frozen->is_on = true;
    if (frozen->store == NULL || frozen->buffer == NULL || hf_table_init(&frozen->table) != HF_OK) {
        hf_engine_thaw(engine);
        return false;
    }
    for (unsigned item = HF_ITEM_HEAD; item < HF_ITEMS_END; item++) {
        frozen->sizes[item] = hf_image_section_size(engine, (enum hf_item)item);
    }
    engine->watchers |= HF_WATCH_FROZEN;
    return true;
}

uint64_t hf_engine_frozen_lsn(const struct hf_engine *engine)
{
    return engine->frozen.lsn;
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
    hf_memory_give_back(frozen->store, frozen->store_bytes_reserved);
    hf_memory_give_back(frozen->buffer, HF_IMAGE_BYTES_MIN);
    hf_table_release(&frozen->table);
    *frozen = (struct hf_frozen){0};
}

/*
 * All is read: give back a little of the store, from its end, and of the table. False: there is
 * more. In one go it would be tens of milliseconds for a large store; an early thaw does cost that.
 */
static bool give_back_some(struct hf_engine *engine)
{
    struct hf_frozen *frozen = &engine->frozen;

    stop_keeping(engine);
    if (frozen->store_bytes <= GIVE_BACK_BYTES) {
        return true; /* what is left is for the thaw */
    }
    for (uint32_t i = 0; i < GIVE_BACK_SHARDS && frozen->shards_dropped < HF_TABLE_SHARDS; i++) {
        hf_table_drop_shard(&frozen->table, frozen->shards_dropped++);
    }
    const uint64_t left = (frozen->store_bytes - 1) / GIVE_BACK_BYTES * GIVE_BACK_BYTES;
    hf_memory_give_back(frozen->store + left, frozen->store_bytes_reserved - left);
    frozen->store_bytes = frozen->store_bytes_reserved = left;
    return false;
}

/* ------------------------------------------------------------------ the store */

static uint64_t key_hash(unsigned item, uint32_t index)
{
    const uint64_t key = (uint64_t)item << 32 | index;
    return XXH3_64bits(&key, sizeof key);
}

static const unsigned char *entry_of(const struct hf_frozen *frozen, unsigned item, uint32_t index)
{
    struct hf_probe probe = hf_table_probe(&frozen->table, key_hash(item, index));
    for (uint32_t at = hf_probe_next(&probe); at != HF_NONE; at = hf_probe_next(&probe)) {
        const unsigned char *entry = frozen->store + (uint64_t)at * STORE_UNIT;
        if (hf_get_u32(entry + 4) == item && hf_get_u64(entry + 8) == index) {
            return entry;
        }
    }
    return NULL;
}

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

    if (index >= frozen->sizes[item] || !is_wanted(engine, item, index) ||
        hf_image_opened_lsn(engine, (enum hf_item)item, index) > frozen->lsn ||
        entry_of(frozen, item, index) != NULL) {
        return;
    }
    unsigned char *entry = frozen->store + frozen->store_bytes;
    unsigned char *image = entry + ENTRY_HEAD_BYTES;
    unsigned char *end = hf_image_put(engine, (enum hf_item)item, index, image);
    if (end == image) {
        return; /* a free slot, which is about to be used */
    }
    const uint64_t hash = key_hash(item, index);
    const uint64_t bytes_count =
        ((uint64_t)(end - entry) + STORE_UNIT - 1) / STORE_UNIT * STORE_UNIT;
    if (!hf_table_make_room(&frozen->table, hash, 1) ||
        frozen->store_bytes + bytes_count + frozen->table.memory_bytes > frozen->store_bytes_max) {
        frozen->is_lost = true;
        stop_keeping(engine);
        return;
    }
    hf_put_u32(entry, (uint32_t)(end - image));
    hf_put_u32(entry + 4, item);
    hf_put_u64(entry + 8, index);
    hf_table_add(&frozen->table, hash, (uint32_t)(frozen->store_bytes / STORE_UNIT));
    frozen->store_bytes += bytes_count;
    frozen->kept_count++;
}

const unsigned char *hf_frozen_item(struct hf_engine *engine, unsigned item, uint32_t index,
                                    size_t *bytes_count)
{
    const struct hf_frozen *frozen = &engine->frozen;
    const unsigned char *entry = entry_of(frozen, item, index);

    HF_ASSERT(frozen->is_on && !frozen->is_lost);
    if (entry != NULL) {
        *bytes_count = hf_get_u32(entry);
        return entry + ENTRY_HEAD_BYTES;
    }
    *bytes_count = 0;
    if (index < frozen->sizes[item] &&
        hf_image_opened_lsn(engine, (enum hf_item)item, index) <= frozen->lsn) {
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
    const unsigned char *bytes = hf_frozen_item(engine, HF_ITEM_LOCATION, handle, &bytes_count);
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
    const struct hf_frozen *frozen = &giver->engine->frozen;
    const uint32_t index = (uint32_t)giver->cursor->index;

    return entry_of(frozen, HF_ITEM_SHIPMENT, index) == NULL &&
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
        hf_frozen_item(giver->engine, item, (uint32_t)giver->cursor->index, &bytes_count);
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
    if (frozen->is_lost) {
        return HF_LIMIT_EXCEEDED;
    }
    if (frozen->section != (unsigned)section) {
        frozen->section = section;
        frozen->next = 0;
    }
    HF_ASSERT(frozen->next == UINT64_MAX || cursor->index == frozen->next);
    const uint64_t size = frozen->sizes[item_of(section)];
    for (uint64_t looked = 0;
         cursor->index < size && giver.rows_left > 0 && looked < HF_FROZEN_LOOK_MAX;) {
        looked += 1 + give_item(&giver) / BYTES_A_SLOT;
        frozen->next = cursor->index;
    }
    if (cursor->index >= size) {
        frozen->next = UINT64_MAX;
        *is_end = (unsigned)section != frozen->section_last || give_back_some(engine);
    }
    return HF_OK;
}
