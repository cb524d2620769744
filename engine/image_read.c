/*
 * image_read.c - bytes of an item into what they say. FORMATS.md 4.
 *
 * Nothing here looks at an engine: these readers are for loading and for the frozen reading alike.
 * They refuse what contradicts itself; whether it fits the rest is the loader's to say.
 */
#include "engine/image.h"

/* A handle; HF_NONE is none. */
static uint32_t read_handle(struct hf_reader *in)
{
    const uint64_t value = hf_read_varint(in);
    if (value >= HF_NONE) {
        in->is_bad = true;
        return 0;
    }
    return (uint32_t)value;
}

static uint32_t read_lines_count(struct hf_reader *in)
{
    const uint64_t count = hf_read_varint(in);
    if (count == 0 || count > HF_LINES_MAX) {
        in->is_bad = true;
        return 0;
    }
    return (uint32_t)count;
}

static struct hf_image_place read_place(struct hf_reader *in)
{
    struct hf_image_place place;
    place.position = hf_read_varint(in);
    place.ts_us = hf_read_u64(in);
    return place;
}

bool hf_image_read_head(struct hf_reader *in, enum hf_tag tag, struct hf_image_head *head)
{
    const unsigned items_end = tag == HF_TAG_HEAD_1 ? HF_ITEM_SHIPMENT : HF_ITEMS_END;

    *head = (struct hf_image_head){0};
    head->lsn = hf_read_u64(in);
    head->ts_us = hf_read_u64(in);
    head->queue_first = hf_read_u64(in);
    head->queue_end = hf_read_u64(in);
    for (unsigned item = HF_ITEM_REGION; item < items_end; item++) {
        head->counts[item] = hf_read_u64(in);
    }
    return !in->is_bad;
}

bool hf_image_read_location(struct hf_reader *in, struct hf_image_location *location)
{
    location->code = hf_read_text(in, false);
    const uint64_t region = hf_read_varint(in);
    const uint8_t sellable = hf_read_u8(in);
    location->region = (uint32_t)(region - 1); /* 0: HF_NONE */
    location->is_in_transit_sellable = sellable == 1;
    return !in->is_bad && region < HF_NONE && sellable <= 1;
}

/* ------------------------------------------------------------------ cells */

static void read_policy(struct hf_reader *in, struct hf_policy *policy)
{
    policy->safety_stock = hf_read_units(in);
    const uint64_t low_stock = hf_read_varint(in);
    if (low_stock > (uint64_t)HF_UNITS_MAX + 1) {
        in->is_bad = true;
        return;
    }
    policy->low_stock = (int64_t)low_stock - 1;
    policy->backorder_limit = hf_read_units(in);
}

static bool read_cell_1(struct hf_reader *in, struct hf_image_cell *cell)
{
    for (unsigned i = 0; i < HF_COUNTERS_HOT; i++) {
        cell->hot[i] = hf_read_units(in);
    }
    const int64_t in_transit = hf_read_units(in); /* nothing could be on its way then */
    const uint8_t has_policy = hf_read_u8(in);
    if (has_policy == 1) {
        read_policy(in, &cell->extra.policy);
    }
    return !in->is_bad && in_transit == 0 && has_policy <= 1;
}

bool hf_image_read_cell(struct hf_reader *in, enum hf_tag tag, struct hf_image_cell *cell)
{
    struct hf_cell_extra *extra = &cell->extra;

    *cell = (struct hf_image_cell){.extra = {.policy = {.low_stock = HF_LOW_STOCK_NONE}}};
    cell->sku = read_handle(in);
    cell->location = read_handle(in);
    cell->version = hf_read_varint(in);
    if (tag == HF_TAG_CELL_1) {
        return read_cell_1(in, cell);
    }
    for (unsigned i = 0; i < HF_COUNTERS_HOT; i++) {
        cell->hot[i] = hf_read_units(in);
    }
    cell->since_us = hf_read_u64(in);
    const uint8_t flags = hf_read_u8(in);
    cell->is_low = (flags & HF_CELL_IS_LOW) != 0;
    cell->is_out = (flags & HF_CELL_IS_OUT) != 0;
    cell->has_sold = (flags & HF_CELL_HAS_SOLD) != 0;
    if ((flags & HF_CELL_HAS_POLICY) != 0) {
        read_policy(in, &extra->policy);
    }
    if ((flags & HF_CELL_HAS_RARE) != 0) {
        for (unsigned i = 0; i < HF_COUNTERS_COUNT - HF_COUNTERS_HOT; i++) {
            extra->rare[i] = hf_read_units(in);
        }
        extra->inbound_sellable = hf_read_units(in);
        extra->inbound_kept = hf_read_units(in);
    }
    return !in->is_bad && (flags & ~HF_CELL_FLAGS_ALL) == 0 &&
           hf_image_has_policy(extra) == ((flags & HF_CELL_HAS_POLICY) != 0) &&
           hf_image_has_rare(extra) == ((flags & HF_CELL_HAS_RARE) != 0) &&
           extra->inbound_sellable + extra->inbound_kept <=
               extra->rare[HF_IN_TRANSIT - HF_COUNTERS_HOT] &&
           !(cell->is_low && extra->policy.low_stock == HF_LOW_STOCK_NONE);
}

/* ------------------------------------------------------------------ reservations, references */

bool hf_image_read_reservation(struct hf_reader *in, enum hf_tag tag,
                               struct hf_image_reservation *reservation)
{
    *reservation = (struct hf_image_reservation){0};
    reservation->id = hf_read_text(in, false);
    reservation->order = hf_read_text(in, true);
    const uint8_t state = hf_read_u8(in);
    reservation->state = (enum hf_state)state;
    reservation->life_us = hf_read_varint(in);
    reservation->opened_us = hf_read_u64(in);
    reservation->opened_lsn = hf_read_varint(in);
    reservation->last_lsn = hf_read_varint(in);
    reservation->content_hash = hf_read_u64(in);
    if (in->is_bad || state < HF_STATE_HELD || state > HF_STATE_SUPERSEDED ||
        reservation->life_us > HF_LIFE_US_LIMIT ||
        (state == HF_STATE_CONFIRMED && reservation->life_us != 0) ||
        reservation->opened_lsn == 0 || reservation->opened_lsn > reservation->last_lsn) {
        return false;
    }
    if (state == HF_STATE_CONFIRMED) {
        reservation->confirmed_lsn =
            tag == HF_TAG_RESERVATION_1 ? reservation->last_lsn : hf_read_varint(in);
        if (reservation->confirmed_lsn < reservation->opened_lsn ||
            reservation->confirmed_lsn > reservation->last_lsn) {
            return false;
        }
    } else if (state != HF_STATE_HELD) {
        reservation->place = read_place(in);
    }
    reservation->lines_count = read_lines_count(in);
    return !in->is_bad;
}

bool hf_image_read_line(struct hf_reader *in, struct hf_image_line *line)
{
    line->sku = read_handle(in);
    line->location = read_handle(in);
    line->units = hf_read_units(in);
    line->fulfilled = hf_read_units(in);
    line->released = hf_read_units(in);
    return !in->is_bad && line->units > 0 && line->fulfilled + line->released <= line->units;
}

bool hf_image_read_ref(struct hf_reader *in, struct hf_image_ref *ref)
{
    ref->text = hf_read_text(in, false);
    ref->lsn = hf_read_varint(in);
    ref->content_hash = hf_read_u64(in);
    ref->place = read_place(in);
    return !in->is_bad;
}

/* ------------------------------------------------------------------ shipments */

static bool is_state_of(uint8_t state, uint8_t kind)
{
    return state == HF_STATE_IN_TRANSIT || state == HF_STATE_RECEIVED ||
           state == HF_STATE_CANCELLED ||
           (kind == HF_TRANSFER && (state == HF_STATE_DRAFT || state == HF_STATE_CLOSED));
}

bool hf_image_read_shipment(struct hf_reader *in, struct hf_image_shipment *shipment)
{
    *shipment = (struct hf_image_shipment){.from = HF_NONE};
    shipment->id = hf_read_text(in, false);
    shipment->order = hf_read_text(in, true);
    const uint8_t kind = hf_read_u8(in);
    const uint8_t state = hf_read_u8(in);
    if (in->is_bad || (kind != HF_TRANSFER && kind != HF_INBOUND) || !is_state_of(state, kind)) {
        return false;
    }
    shipment->kind = (enum hf_shipment_kind)kind;
    shipment->state = (enum hf_state)state;
    if (kind == HF_TRANSFER) {
        shipment->from = read_handle(in);
    }
    shipment->to = read_handle(in);
    uint8_t sellable = 0;
    if (kind == HF_INBOUND) {
        sellable = hf_read_u8(in);
        shipment->is_sellable = sellable == 1;
        shipment->eta_us = hf_read_u64(in);
    }
    shipment->opened_us = hf_read_u64(in);
    shipment->opened_lsn = hf_read_varint(in);
    shipment->last_lsn = hf_read_varint(in);
    shipment->content_hash = hf_read_u64(in);
    if (state != HF_STATE_DRAFT && state != HF_STATE_IN_TRANSIT) {
        shipment->place = read_place(in);
    }
    shipment->lines_count = read_lines_count(in);
    return !in->is_bad && sellable <= 1 && shipment->from != shipment->to &&
           shipment->eta_us <= HF_TIME_US_MAX && shipment->opened_lsn > 0 &&
           shipment->opened_lsn <= shipment->last_lsn;
}

bool hf_image_read_shipment_line(struct hf_reader *in, struct hf_image_shipment_line *line)
{
    line->sku = read_handle(in);
    line->units = hf_read_units(in);
    for (unsigned i = 0; i < HF_LINE_FIGURES; i++) {
        line->figures[i] = hf_read_units(in);
    }
    return !in->is_bad && line->units > 0;
}

bool hf_image_is_line_sound(const struct hf_image_shipment_line *line, enum hf_shipment_kind kind,
                            enum hf_state state)
{
    const int64_t *figures = line->figures;
    const bool is_open = state == HF_STATE_DRAFT || state == HF_STATE_IN_TRANSIT;
    int64_t sum = 0;

    for (unsigned i = 0; i < HF_LINE_FIGURES; i++) {
        if (figures[i] < 0) {
            return false;
        }
        sum += figures[i];
    }
    const int64_t over = sum - line->units; /* beyond what was asked for */
    const int64_t open_units = figures[HF_LINE_UNSHIPPED] + figures[HF_LINE_UNDER_WAY];
    if (line->units <= 0 || over < 0 || (!is_open && open_units > 0)) {
        return false;
    }
    if (kind == HF_INBOUND) {
        return figures[HF_LINE_UNSHIPPED] == 0 && figures[HF_LINE_LOST] == 0 &&
               over <= figures[HF_LINE_RECEIVED] + figures[HF_LINE_DAMAGED];
    }
    return over == 0 && (state != HF_STATE_DRAFT ||
                         figures[HF_LINE_UNSHIPPED] + figures[HF_LINE_CANCELLED] == line->units);
}
