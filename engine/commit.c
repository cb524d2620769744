/*
 * commit.c - effects become a record, and the record becomes the state.
 *
 *     effects put by a rule
 *        -> room in every table, room in the ledger        the last thing that can be refused
 *        -> header; for each effect: apply, then encode    (moves carry the values after)
 *        -> reference remembered, oldest names forgotten
 *        -> record entered into the ledger
 *
 * A linked group is committed record by record into one stretch of the ledger; until it ends its
 * records can be taken back. Its names are forgotten with its last record only, so that taking
 * back never has to bring a name back to life.
 */
#include "engine/state.h"

/* A record forgets at most this many names because of their age; the next ones go on. */
#define FORGET_BY_AGE_MAX 4096

/* ------------------------------------------------------------------ ledger */

static void dropped_cb(void *arg, uint64_t lsn)
{
    struct hf_engine *engine = arg;
    struct hf_record_reader reader;
    struct hf_record_header header;
    uint32_t bytes_count;
    const unsigned char *record = hf_ledger_get(&engine->ledger, lsn, &bytes_count);

    HF_ASSERT(hf_record_open(&reader, &header, record, bytes_count) == HF_OK);
    HF_ASSERT(header.order.bytes_count > 0);
    const uint32_t order = hf_orders_find(&engine->orders, header.order);
    if (order != HF_NONE) {
        hf_orders_drop_if_unused(&engine->orders, order, lsn + 1);
    }
}

unsigned char *hf_engine_room(struct hf_engine *engine, uint32_t bytes_count)
{
    return hf_ledger_room(&engine->ledger, bytes_count, dropped_cb, engine);
}

void hf_ledger_enter(struct hf_engine *engine, const struct hf_record_header *header)
{
    uint64_t chain = 0;

    HF_ASSERT(header->lsn == engine->ledger.last_lsn + 1);
    if (header->order.bytes_count > 0) {
        struct hf_order *order =
            hf_order_at(&engine->orders, hf_orders_touch(&engine->orders, header->order));
        chain = order->newest_lsn == 0 ? 0 : header->lsn - order->newest_lsn;
        order->newest_lsn = header->lsn;
    }
    hf_ledger_push(&engine->ledger, header->record_bytes, header->order.bytes_count > 0,
                   chain > UINT32_MAX ? 0 : (uint32_t)chain);
}

/* ------------------------------------------------------------------ names */

static void forget_shipment(struct hf_engine *engine, uint32_t index)
{
    const struct hf_shipment *shipment = hf_shipment_at(&engine->shipments, index);

    HF_ASSERT(!hf_shipment_is_open(shipment));
    hf_item_before(engine, HF_ITEM_SHIPMENT, index);
    hf_table_remove(&engine->names.table, hf_name_hash(hf_shipment_id(shipment)),
                    index | HF_NAME_SHIPMENT);
    hf_shipments_remove(&engine->shipments, index);
}

static void forget_reservation(struct hf_engine *engine, uint32_t index)
{
    struct hf_reservation *reservation = hf_reservation_at(&engine->reservations, index);
    const struct hf_text id = hf_reservation_id(&engine->reservations, reservation);

    HF_ASSERT(!hf_state_is_open((enum hf_state)reservation->state));
    hf_item_before(engine, HF_ITEM_RESERVATION, index);
    hf_table_remove(&engine->names.table, hf_name_hash(id), index);
    if (reservation->order_node != HF_NONE) {
        const uint32_t order = hf_order_node_remove(&engine->orders, reservation->order_node);
        reservation->order_node = HF_NONE;
        hf_orders_drop_if_unused(&engine->orders, order, engine->ledger.first_lsn);
    }
    hf_reservations_remove(&engine->reservations, index);
}

uint32_t hf_names_remember(struct hf_engine *engine, const struct hf_record_header *header)
{
    const uint32_t name =
        hf_ref_add(&engine->names, header->ref, header->lsn, header->content_hash);
    hf_ref_at(&engine->names, name)->name_position =
        hf_names_enqueue(&engine->names, name, header->ts_us);
    hf_item_after(engine, HF_ITEM_REF, hf_name_index(name));
    return name;
}

void hf_names_forget(struct hf_engine *engine, uint64_t count)
{
    HF_ASSERT(count <= hf_names_count(&engine->names));

    for (uint64_t i = 0; i < count; i++) {
        const uint32_t name = hf_name_slot_at(&engine->names, engine->names.queue_first)->name;
        engine->names.queue_first++;
        switch (hf_name_kind(name)) {
        case HF_NAME_REF:
            hf_item_before(engine, HF_ITEM_REF, hf_name_index(name));
            hf_ref_remove(&engine->names, name);
            break;
        case HF_NAME_SHIPMENT:
            forget_shipment(engine, hf_name_index(name));
            break;
        default:
            forget_reservation(engine, hf_name_index(name));
            break;
        }
    }
}

/* How many names the next record forgets, given how many it adds. */
static uint64_t names_to_forget(const struct hf_engine *engine, uint64_t added_count)
{
    const struct hf_names *names = &engine->names;
    const uint64_t count = hf_names_count(names);
    const uint64_t by_count = count + added_count <= engine->config.references_max
                                  ? 0
                                  : count + added_count - engine->config.references_max;
    uint64_t by_age = 0;
    while (by_age < count && by_age < FORGET_BY_AGE_MAX &&
           hf_name_slot_at(names, names->queue_first + by_age)->ts_us +
                   engine->config.reference_retention_us <=
               engine->work.now_us) {
        by_age++;
    }
    return by_count > by_age ? by_count : by_age;
}

static uint32_t moves_count(const struct hf_effect *effects, uint32_t count)
{
    uint32_t moves = 0;
    for (uint32_t i = 0; i < count; i++) {
        moves += effects[i].tag == HF_EFFECT_MOVE;
    }
    return moves;
}

static uint64_t closings_count(const struct hf_effect *effects, uint32_t count)
{
    uint64_t closings = 0;
    for (uint32_t i = 0; i < count; i++) {
        closings += (effects[i].tag == HF_EFFECT_STATE &&
                     !hf_state_is_open(effects[i].reservation.state)) ||
                    (effects[i].tag == HF_EFFECT_SHIPMENT_STATE &&
                     effects[i].shipment.state > HF_STATE_IN_TRANSIT);
    }
    return closings;
}

/* ------------------------------------------------------------------ commit */

static struct hf_record_header header_of(const struct hf_engine *engine, enum hf_kind kind,
                                         struct hf_text order, bool with_op)
{
    const struct hf_work *work = &engine->work;
    struct hf_record_header header = {
        .kind = (uint8_t)kind,
        .lsn = engine->last_lsn + 1,
        .ts_us = work->now_us,
        .order = order,
    };
    if (with_op) {
        header.reason = (uint8_t)work->op->reason;
        header.by = work->op->by;
        if (!hf_text_equal(work->op->ref, work->op->id) || kind == HF_KIND_SET_REGION) {
            header.ref = work->op->ref; /* an id is a reference by itself */
        }
        if (work->is_hashed) {
            header.flags = HF_RECORD_HASHED;
            header.content_hash = work->content_hash;
        }
    }
    return header;
}

/* Whether the record makes something that stays. What gives stock back, and facts about stock that
 * is known already, are never refused for the memory (P1). */
static bool is_growing(const struct hf_engine *engine, enum hf_kind kind)
{
    const struct hf_work *work = &engine->work;

    if (kind == HF_KIND_RECEIVE || kind == HF_KIND_SET_POLICY) {
        return true;
    }
    for (uint32_t i = work->effects_first; i < work->effects_count; i++) {
        const struct hf_effect *effect = &work->effects[i];
        switch (effect->tag) {
        case HF_EFFECT_SKU:
        case HF_EFFECT_LOCATION:
        case HF_EFFECT_REGION:
        case HF_EFFECT_OPEN:
        case HF_EFFECT_SHIPMENT_OPEN:
            return true;
        case HF_EFFECT_MOVE:
            if (effect->move.cell == HF_NONE) {
                return true;
            }
            break;
        default:
            break;
        }
    }
    return false;
}

static enum hf_err make_room(struct hf_engine *engine, const struct hf_record_header *header,
                             uint64_t added_names, uint32_t bytes_count)
{
    const struct hf_work *work = &engine->work;

    if (engine->config.memory_max_bytes != 0 &&
        hf_engine_memory_bytes(engine) > engine->config.memory_max_bytes &&
        is_growing(engine, (enum hf_kind)header->kind)) {
        return HF_LIMIT_EXCEEDED;
    }
    if (work->is_full || bytes_count > HF_RECORD_BYTES_MAX ||
        moves_count(work->effects + work->effects_first,
                    work->effects_count - work->effects_first) > HF_MOVES_MAX ||
        (engine->is_group_open &&
         (bytes_count > engine->group_room_bytes || engine->group_count == HF_GROUP_RECORDS_MAX))) {
        return HF_LIMIT_EXCEEDED;
    }
    if (hf_names_count(&engine->names) + added_names > engine->names.queue_max ||
        (header->ref.bytes_count > 0 && hf_pool_room(&engine->names.refs) == 0)) {
        return HF_LIMIT_EXCEEDED;
    }
    return hf_effects_make_room(engine, header, work->effects + work->effects_first,
                                work->effects_count - work->effects_first);
}

/* Apply and encode; past the last refusal, so nothing here may fail. */
static void write_record(struct hf_engine *engine, struct hf_record_header *header,
                         unsigned char *room, bool with_op)
{
    struct hf_work *work = &engine->work;
    struct hf_effect_context context = {.header = header};
    struct hf_record_writer writer;
    const char *why = NULL;

    hf_alert_before(engine, (enum hf_kind)header->kind);
    for (uint32_t i = work->effects_first; i < work->effects_count; i++) {
        struct hf_effect *effect = &work->effects[i];
        const enum hf_err err = hf_effect_apply(engine, &context, effect, false, &why);
        HF_ASSERT(err == HF_OK);
        if (effect->tag == HF_EFFECT_OPEN && with_op) {
            work->reservation = effect->reservation.index;
        }
        if (effect->tag == HF_EFFECT_SHIPMENT_OPEN) {
            work->shipment = effect->shipment.index;
        }
    }
    hf_effects_end(engine, &context);
    hf_alert_after(engine, header);
    hf_record_begin(&writer, room, header);
    for (uint32_t i = work->effects_first; i < work->effects_count; i++) {
        hf_record_put(&writer, &work->effects[i]);
    }
    header->record_bytes = hf_record_end(&writer);
}

enum hf_err hf_commit(struct hf_engine *engine, enum hf_kind kind, struct hf_text order,
                      bool with_op)
{
    struct hf_work *work = &engine->work;
    const uint32_t effects_count = work->effects_count - work->effects_first;

    if (effects_count == 0) {
        return HF_OK;
    }
    if (engine->is_group_open && !engine->has_group_room) {
        return HF_BUSY;
    }
    struct hf_record_header header = header_of(engine, kind, order, with_op);
    const uint64_t added_names = (header.ref.bytes_count > 0) +
                                 closings_count(work->effects + work->effects_first, effects_count);
    if (!engine->is_group_open || (engine->is_group_last && with_op)) {
        header.retired_count = names_to_forget(engine, added_names);
    }
    const uint32_t alert_bound = hf_alert_bound(engine, kind);
    const uint32_t bound = hf_record_bound(effects_count) + alert_bound;
    if (alert_bound > 0 && work->effects_count + effects_count > HF_EFFECTS_MAX) {
        work->is_full = true; /* each effect may have a shortage to tell */
    }
    const enum hf_err err = make_room(engine, &header, added_names, bound);
    if (err != HF_OK) {
        return err;
    }
    unsigned char *room = hf_engine_room(engine, bound);
    if (room == NULL) {
        return HF_BUSY;
    }

    /* Past this line the operation succeeds. */
    const uint64_t ts_us_before = engine->last_ts_us;
    write_record(engine, &header, room, with_op);
    const uint32_t ref = header.ref.bytes_count > 0 ? hf_names_remember(engine, &header) : HF_NONE;
    hf_ledger_enter(engine, &header); /* before forgetting: its order's text may live there */
    hf_names_forget(engine, header.retired_count);
    engine->last_lsn = header.lsn;
    engine->last_ts_us = header.ts_us;
    if (engine->is_group_open) {
        engine->group_room_bytes -= header.record_bytes;
        engine->group[engine->group_count++] =
            (struct hf_group_record){.header = header,
                                     .effects_first = work->effects_first,
                                     .effects_count = work->effects_count - work->effects_first,
                                     .ref = ref,
                                     .ts_us_before = ts_us_before};
        work->effects_first = work->effects_count;
    } else {
        work->effects_count = work->effects_first;
    }
    return HF_OK;
}

/* ------------------------------------------------------------------ linked groups */

void hf_group_begin(struct hf_engine *engine)
{
    HF_ASSERT(!engine->is_group_open);

    engine->has_group_room = hf_engine_room(engine, HF_RECORD_BYTES_MAX) != NULL;
    engine->is_group_open = true;
    engine->group_count = 0;
    engine->group_room_bytes = engine->has_group_room ? HF_RECORD_BYTES_MAX : 0;
    engine->work.effects_first = engine->work.effects_count = 0;
}

void hf_group_end(struct hf_engine *engine)
{
    HF_ASSERT(engine->is_group_open);

    for (uint32_t i = 0; i + 1 < engine->group_count; i++) {
        uint32_t bytes_count;
        const unsigned char *record =
            hf_ledger_get(&engine->ledger, engine->group[i].header.lsn, &bytes_count);
        hf_record_set_linked(engine->ledger.bytes + (record - engine->ledger.bytes));
    }
    engine->is_group_open = false;
    engine->is_group_last = false;
    engine->work.effects_first = engine->work.effects_count = 0;
}

static void revert_record(struct hf_engine *engine, const struct hf_group_record *record)
{
    if (record->ref != HF_NONE) {
        hf_item_before(engine, HF_ITEM_REF, hf_name_index(record->ref));
        hf_names_dequeue_newest(&engine->names);
        hf_ref_remove(&engine->names, record->ref);
    }
    hf_effects_revert(engine, engine->work.effects + record->effects_first, record->effects_count);
    if (record->header.order.bytes_count > 0) {
        const uint64_t lsn = record->header.lsn;
        const uint64_t chain =
            engine->ledger.entries[lsn & (engine->ledger.entries_max - 1)].order_chain;
        const uint32_t index = hf_orders_find(&engine->orders, record->header.order);
        hf_order_at(&engine->orders, index)->newest_lsn = chain == 0 ? 0 : lsn - chain;
        hf_orders_drop_if_unused(&engine->orders, index, engine->ledger.first_lsn);
    }
    hf_ledger_pop(&engine->ledger);
    engine->last_lsn--;
    engine->last_ts_us = record->ts_us_before;
}

void hf_group_revert(struct hf_engine *engine)
{
    HF_ASSERT(engine->is_group_open);

    while (engine->group_count > 0) {
        revert_record(engine, &engine->group[--engine->group_count]);
    }
    engine->is_group_open = false;
    engine->is_group_last = false;
    engine->work.effects_first = engine->work.effects_count = 0;
}
