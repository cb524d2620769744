/*
 * plan.c - the lines of an operation, looked up and added up.
 *
 * Lines of one cell become one plan line, in the order of first appearance, before anything is
 * checked (P2): the same SKU on two lines cannot oversell. An unknown code gets the handle it
 * would get if the operation created it; whether it does is decided afterwards. That way lines
 * add up alike whether their codes are known or not, and the content hash of a receive that
 * creates codes is the same when it is sent again.
 */
#include <xxhash.h>

#include "engine/bytes.h"
#include "engine/state.h"

void hf_map_clear(struct hf_map *map)
{
    map->stamp++;
    if (map->stamp == 0) {
        memset(map->slots, 0, HF_MAP_SLOTS * sizeof *map->slots);
        map->stamp = 1;
    }
}

struct hf_map_slot *hf_map_find(struct hf_map *map, uint64_t key)
{
    uint64_t at = key * UINT64_C(0x9E3779B97F4A7C15) >> 40;
    for (;; at++) {
        struct hf_map_slot *slot = &map->slots[at & (HF_MAP_SLOTS - 1)];
        if (slot->stamp != map->stamp || slot->key == key) {
            return slot;
        }
    }
}

static bool map_has(const struct hf_map *map, const struct hf_map_slot *slot)
{
    return slot->stamp == map->stamp;
}

static void map_set(const struct hf_map *map, struct hf_map_slot *slot, uint64_t key,
                    uint32_t value)
{
    *slot = (struct hf_map_slot){.key = key, .value = value, .stamp = map->stamp};
}

void hf_map_lines(struct hf_engine *engine, uint32_t reservation)
{
    struct hf_map *map = &engine->work.map;

    hf_map_clear(map);
    for (uint32_t at = hf_reservation_at(&engine->reservations, reservation)->first_line;
         at != HF_NONE;) {
        const struct hf_line *line = hf_line_at(&engine->reservations, at);
        map_set(map, hf_map_find(map, line->cell), line->cell, at);
        at = line->next;
    }
}

uint32_t hf_map_line_at(struct hf_engine *engine, uint32_t cell)
{
    struct hf_map *map = &engine->work.map;
    const struct hf_map_slot *slot = hf_map_find(map, cell);

    return cell != HF_NONE && map_has(map, slot) ? slot->value : HF_NONE;
}

#define CODE_KEY (UINT64_C(1) << 63) /* keys of codes have it, keys of cells do not */

/* The handle of a code; the next free one for a code that is not known. */
static uint32_t handle_of(struct hf_engine *engine, enum hf_code_class class, struct hf_text code)
{
    struct hf_work *work = &engine->work;
    const uint32_t handle = hf_catalog_find(&engine->catalog, class, code);
    if (handle != HF_NONE) {
        return handle;
    }
    const enum hf_effect_tag tag = class == HF_CODE_SKU        ? HF_EFFECT_SKU
                                   : class == HF_CODE_LOCATION ? HF_EFFECT_LOCATION
                                                               : HF_EFFECT_REGION;
    for (uint64_t key = hf_code_hash(class, code);; key++) {
        struct hf_map_slot *slot = hf_map_find(&work->map, key | CODE_KEY);
        if (!map_has(&work->map, slot)) {
            uint32_t next = hf_catalog_count(&engine->catalog, class);
            for (uint32_t i = work->effects_count; i-- > work->effects_first;) {
                if (work->effects[i].tag == tag) {
                    next = work->effects[i].code.handle + 1;
                    break;
                }
            }
            map_set(&work->map, slot, key | CODE_KEY, work->effects_count);
            struct hf_effect *effect = hf_effect_put(engine, tag);
            effect->code = (struct hf_effect_code){.handle = next, .code = code};
            return next;
        }
        const struct hf_effect *effect = &work->effects[slot->value];
        if (effect->tag == tag && hf_text_equal(effect->code.code, code)) {
            return effect->code.handle;
        }
    }
}

static bool is_sku_known(const struct hf_engine *engine, const struct hf_plan_line *line)
{
    return line->sku == HF_NONE || line->sku < hf_catalog_count(&engine->catalog, HF_CODE_SKU);
}

static bool is_location_known(const struct hf_engine *engine, const struct hf_plan_line *line)
{
    return line->location == HF_NONE || /* not given: the shipment's */
           line->location < hf_catalog_count(&engine->catalog, HF_CODE_LOCATION);
}

static bool creates_codes(const struct hf_op *op, const struct hf_plan_line *line)
{
    if ((op->flags & HF_OP_HANDLES) != 0) {
        return false;
    }
    switch (op->kind) {
    case HF_KIND_RECEIVE:
    case HF_KIND_SET_POLICY:
    case HF_KIND_SET_LOCATION:
    case HF_KIND_SET_REGION:
    case HF_KIND_SET:
    case HF_KIND_INBOUND_CREATE:
        return true;
    case HF_KIND_ADJUST:
        return line->units > 0;
    default:
        return false;
    }
}

/* The plan line of this cell, made when there is none. */
static uint32_t plan_line_of(struct hf_engine *engine, uint32_t sku, uint32_t location,
                             uint32_t line_index)
{
    struct hf_work *work = &engine->work;
    const uint64_t key = (uint64_t)(sku & 0x7FFFFFFFu) << 32 | location;
    /* The key of such a handle would be another's: */
    const bool is_no_sku = sku != HF_NONE && sku >= HF_SKUS_LIMIT;
    struct hf_map_slot *slot = NULL;

    if (work->op->lines_count > 1 && !is_no_sku) {
        slot = hf_map_find(&work->map, key);
        if (map_has(&work->map, slot)) {
            return slot->value;
        }
    }
    const uint32_t at = work->lines_count++;
    struct hf_plan_line *line = &work->lines[at];
    *line = (struct hf_plan_line){.sku = sku,
                                  .location = location,
                                  .cell = HF_NONE,
                                  .line_index = line_index,
                                  .reservation_line = HF_NONE};
    if (sku != HF_NONE && location != HF_NONE && is_sku_known(engine, line) &&
        is_location_known(engine, line)) {
        line->cell = hf_cells_find(&engine->cells, sku, location);
    }
    if (slot != NULL) {
        map_set(&work->map, slot, key, at);
    }
    return at;
}

/* Locations that the operation as a whole names. What it leaves must be there; where it goes may be
 * new, as with a receive: a new shop's first stock comes by a transfer or an inbound shipment. */
static enum hf_err plan_ends(struct hf_engine *engine)
{
    struct hf_work *work = &engine->work;

    work->from = work->to = HF_NONE;
    if (work->op->from.bytes_count > 0) {
        work->from = handle_of(engine, HF_CODE_LOCATION, work->op->from);
    }
    if (work->op->to.bytes_count > 0) {
        work->to = handle_of(engine, HF_CODE_LOCATION, work->op->to);
    }
    return work->from == HF_NONE ||
                   work->from < hf_catalog_count(&engine->catalog, HF_CODE_LOCATION)
               ? HF_OK
               : HF_UNKNOWN_LOCATION;
}

static bool names_cells(const struct hf_op *op)
{
    return op->kind < HF_KIND_TRANSFER_CREATE;
}

enum hf_err hf_plan_lines(struct hf_engine *engine, bool *is_known)
{
    struct hf_work *work = &engine->work;
    const struct hf_op *op = work->op;

    hf_map_clear(&work->map);
    work->lines_count = 0;
    enum hf_err err = plan_ends(engine);
    for (uint32_t i = 0; i < op->lines_count; i++) {
        const struct hf_op_line *line = &op->lines[i];
        const bool has_sku = op->kind != HF_KIND_SET_LOCATION && op->kind != HF_KIND_SET_REGION;
        uint32_t sku = HF_NONE;
        uint32_t location;
        if ((op->flags & HF_OP_HANDLES) != 0) {
            sku = line->sku_handle;
            location = line->location_handle;
        } else {
            sku = has_sku ? handle_of(engine, HF_CODE_SKU, line->sku) : HF_NONE;
            location =
                names_cells(op) ? handle_of(engine, HF_CODE_LOCATION, line->location) : HF_NONE;
        }
        if (op->kind == HF_KIND_INBOUND_CREATE) {
            location = work->to;
        }
        const uint32_t at = plan_line_of(engine, sku, location, i);
        work->lines[at].units += line->units;
        work->lines[at].damaged += line->damaged;
        work->line_of[i] = at;
    }
    for (uint32_t i = 0; i < work->lines_count; i++) {
        const struct hf_plan_line *line = &work->lines[i];
        if (creates_codes(op, line)) {
            continue;
        }
        /* Where an inbound shipment goes is named once, by its code, and may be new. */
        const bool is_place_known =
            is_location_known(engine, line) || op->kind == HF_KIND_INBOUND_CREATE;
        const enum hf_err failing = !is_sku_known(engine, line) ? HF_UNKNOWN_SKU
                                    : !is_place_known           ? HF_UNKNOWN_LOCATION
                                                                : HF_OK;
        if (failing != HF_OK) {
            struct hf_result_line *listed = hf_result_add_line(engine, line, failing);
            listed->requested = line->units < 0 ? -line->units : line->units;
            err = err == HF_OK ? failing : err;
        }
    }
    *is_known = err == HF_OK;
    return err;
}

/* What only newer kinds have stands behind, and only with them: the content of the others hashes
 * to what it did before there were any. */
static unsigned char *put_shipping(unsigned char *at, const struct hf_work *work)
{
    const struct hf_op *op = work->op;

    if (op->kind < HF_KIND_SET && op->to_status == HF_STATUS_NONE) {
        return at;
    }
    *at++ = (unsigned char)op->from_status;
    *at++ = (unsigned char)op->to_status;
    hf_put_u64(at, op->as_of);
    hf_put_u64(at + 8, op->eta_us);
    at = hf_put_text(at + 16, op->from);
    at = hf_put_text(at, op->to);
    for (uint32_t i = 0; (op->flags & HF_OP_DAMAGED) != 0 && i < op->lines_count; i++) {
        hf_put_u64(at, (uint64_t)op->lines[i].damaged);
        at += 8;
    }
    return at;
}

static bool is_as_of_ahead(const struct hf_engine *engine)
{
    const struct hf_op *op = engine->work.op;

    return ((op->flags & HF_OP_AS_OF_LSN) != 0 && op->as_of > engine->last_lsn) ||
           ((op->flags & HF_OP_AS_OF_TIME) != 0 && op->as_of > engine->work.now_us);
}

bool hf_plan_is_level(struct hf_engine *engine)
{
    struct hf_work *work = &engine->work;

    if (is_as_of_ahead(engine)) {
        work->result->lines_count = 0;
        work->result->field = HF_FIELD_AS_OF;
        return false;
    }
    /* Lines of one cell that say a level cannot be added up: they contradict each other. */
    for (uint32_t i = 0; work->lines_count < work->op->lines_count; i++) {
        if (work->lines[work->line_of[i]].line_index != i) {
            work->result->lines_count = 0;
            work->result->field = HF_FIELD_SKU;
            work->result->line_index = i;
            return false;
        }
    }
    return true;
}

void hf_plan_hash(struct hf_engine *engine)
{
    struct hf_work *work = &engine->work;
    const struct hf_op *op = work->op;
    const uint32_t form_flags = HF_OP_LINKED | HF_OP_HANDLES | HF_OP_VERSIONS;
    const uint32_t flags = op->flags & ~form_flags;
    unsigned char *at = work->content;

    *at++ = (unsigned char)op->kind;
    *at++ = (unsigned char)(flags ^ flags >> 8); /* the two bytes have no kind in common */
    *at++ = (unsigned char)op->reason;
    hf_put_u64(at, op->ttl_us);
    at = hf_put_text(at + 8, op->id);
    at = hf_put_text(at, op->old_id);
    at = hf_put_text(at, op->order);
    at = hf_put_text(at, op->by);
    for (uint32_t i = 0; i < op->lines_count; i++) {
        const struct hf_op_line *line = &op->lines[i];
        const struct hf_plan_line *plan = &work->lines[work->line_of[i]];
        hf_put_u32(at, plan->sku);
        hf_put_u32(at + 4, plan->location);
        hf_put_u64(at + 8, (uint64_t)line->units);
        at += 16;
        if ((op->flags & HF_OP_VERSIONS) != 0 && line->if_version != HF_VERSION_ANY) {
            *at++ = 1;
            hf_put_u64(at, line->if_version);
            at += 8;
        } else {
            *at++ = 0;
        }
        if (op->kind == HF_KIND_SET_POLICY) {
            hf_put_u64(at, (uint64_t)line->safety_stock);
            hf_put_u64(at + 8, (uint64_t)line->low_stock);
            hf_put_u64(at + 16, (uint64_t)line->backorder_limit);
            at += 24;
        }
    }
    at = put_shipping(at, work);
    work->content_hash = XXH3_64bits(work->content, (size_t)(at - work->content));
    work->is_hashed = true;
}

enum hf_err hf_plan_check_versions(struct hf_engine *engine)
{
    struct hf_work *work = &engine->work;
    const struct hf_op *op = work->op;
    enum hf_err err = HF_OK;

    if ((op->flags & HF_OP_VERSIONS) == 0) {
        return HF_OK;
    }
    for (uint32_t i = 0; i < op->lines_count; i++) {
        struct hf_plan_line *line = &work->lines[work->line_of[i]];
        const uint64_t version =
            line->cell == HF_NONE ? 0 : hf_cell_at(&engine->cells, line->cell)->version;
        if (op->lines[i].if_version == HF_VERSION_ANY || op->lines[i].if_version == version) {
            continue;
        }
        err = HF_VERSION_CONFLICT;
        if (!line->is_listed) {
            line->is_listed = true;
            hf_result_add_line(engine, line, HF_VERSION_CONFLICT);
        }
    }
    return err;
}
