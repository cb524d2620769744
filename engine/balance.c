#include "engine/balance.h"

#include <xxhash.h>

#include "engine/state.h"

/* So many lines cost a step as much as an item. */
#define LINES_AN_ITEM 2

static void add(struct hf_balance_sum *sum, uint32_t sku, uint32_t location, uint64_t units)
{
    const uint64_t key = (uint64_t)sku << 32 | location;

    sum->plain += units;
    sum->by_sku += units * sku;
    sum->by_location += units * location;
    sum->by_hash += units * (XXH3_64bits(&key, sizeof key) | 1);
}

/* ------------------------------------------------------------------ items */

/* Each puts an item into the sums, or with `sign` -1 (modulo 2^64) takes it out. Returns how many
 * lines it has. */
static uint32_t put_cell(struct hf_engine *engine, uint32_t index, uint64_t sign)
{
    struct hf_balance_sum *sums = engine->balance.sums;

    if (index >= hf_pool_live_count(&engine->cells.pool)) {
        return 0;
    }
    const struct hf_cell *cell = hf_cell_at(&engine->cells, index);
    const uint64_t held = (uint64_t)cell->hot[HF_HELD];
    const uint64_t committed = (uint64_t)cell->hot[HF_COMMITTED];
    if ((held | committed) != 0) {
        add(&sums[HF_BALANCE_HELD], cell->sku, cell->location, sign * held);
        add(&sums[HF_BALANCE_COMMITTED], cell->sku, cell->location, sign * committed);
    }
    if (cell->extra != HF_NONE) {
        const struct hf_cell_extra extra = hf_cell_extra(&engine->cells, cell);
        const uint64_t in_transit = (uint64_t)extra.rare[HF_IN_TRANSIT - HF_COUNTERS_HOT];
        add(&sums[HF_BALANCE_IN_TRANSIT], cell->sku, cell->location, sign * in_transit);
        add(&sums[HF_BALANCE_SELLABLE], cell->sku, cell->location,
            sign * (uint64_t)extra.inbound_sellable);
        add(&sums[HF_BALANCE_KEPT], cell->sku, cell->location, sign * (uint64_t)extra.inbound_kept);
    }
    return 0;
}

static uint32_t put_reservation(struct hf_engine *engine, uint32_t index, uint64_t sign)
{
    const struct hf_reservations *reservations = &engine->reservations;
    const struct hf_reservation *reservation = hf_reservation_at(reservations, index);
    uint32_t lines_count = 0;

    if (!hf_state_is_open((enum hf_state)reservation->state)) {
        return 0;
    }
    struct hf_balance_sum *sum =
        &engine->balance
             .sums[reservation->state == HF_STATE_HELD ? HF_BALANCE_HELD : HF_BALANCE_COMMITTED];
    for (uint32_t at = reservation->first_line; at != HF_NONE;) {
        const struct hf_line *line = hf_line_at(reservations, at);
        const struct hf_cell *cell = hf_cell_at(&engine->cells, line->cell);
        add(sum, cell->sku, cell->location, 0 - sign * (uint64_t)hf_line_open_units(line));
        lines_count++;
        at = line->next;
    }
    return lines_count;
}

static uint32_t put_shipment(struct hf_engine *engine, uint32_t index, uint64_t sign)
{
    struct hf_balance_sum *sums = engine->balance.sums;
    const struct hf_shipment *shipment = hf_shipment_at(&engine->shipments, index);
    uint32_t lines_count = 0;

    if (!hf_shipment_is_open(shipment)) {
        return 0;
    }
    for (uint32_t at = shipment->first_line; at != HF_NONE;) {
        const struct hf_shipment_line *line = hf_shipment_line_at(&engine->shipments, at);
        const uint64_t units = 0 - sign * (uint64_t)line->figures[HF_LINE_UNDER_WAY];
        if (units != 0) {
            add(&sums[HF_BALANCE_IN_TRANSIT], line->sku, shipment->to, units);
            if (shipment->kind == HF_INBOUND) {
                add(&sums[shipment->is_sellable ? HF_BALANCE_SELLABLE : HF_BALANCE_KEPT], line->sku,
                    shipment->to, units);
            }
        }
        lines_count++;
        at = line->next;
    }
    return lines_count;
}

static uint32_t put_item(struct hf_engine *engine, unsigned item, uint32_t index, uint64_t sign)
{
    return item == HF_ITEM_CELL          ? put_cell(engine, index, sign)
           : item == HF_ITEM_RESERVATION ? put_reservation(engine, index, sign)
                                         : put_shipment(engine, index, sign);
}

static bool is_in_balance(unsigned item)
{
    return item == HF_ITEM_CELL || item == HF_ITEM_RESERVATION || item == HF_ITEM_SHIPMENT;
}

static uint64_t section_size(const struct hf_engine *engine, unsigned item)
{
    return item == HF_ITEM_CELL          ? hf_pool_live_count(&engine->cells.pool)
           : item == HF_ITEM_RESERVATION ? engine->reservations.pool.used_count
           : item == HF_ITEM_SHIPMENT    ? engine->shipments.pool.used_count
                                         : 0;
}

/* ------------------------------------------------------------------ runs */

static void stop(struct hf_engine *engine)
{
    engine->balance.is_running = false;
    engine->watchers &= ~(uint32_t)HF_WATCH_BALANCE;
}

static void begin(struct hf_engine *engine)
{
    struct hf_balance *balance = &engine->balance;

    balance->is_running = true;
    balance->runs_begun++;
    balance->section = HF_ITEM_CELL;
    balance->index = 0;
    memset(balance->sums, 0, sizeof balance->sums);
    engine->watchers |= HF_WATCH_BALANCE;
}

bool hf_balance_step(struct hf_engine *engine, uint64_t *run, uint32_t items_max)
{
    struct hf_balance *balance = &engine->balance;

    if (*run != 0 && balance->run_ended >= *run) {
        return true; /* another auditor took it to its end */
    }
    if (!balance->is_running) {
        begin(engine);
    }
    *run = balance->runs_begun;
    balance->corrections_count = 0;
    for (uint64_t cost = 0; balance->section < HF_ITEMS_END && cost < items_max;) {
        if (balance->index >= section_size(engine, balance->section)) {
            balance->section++;
            balance->index = 0;
            continue;
        }
        const uint32_t lines_count =
            put_item(engine, balance->section, (uint32_t)balance->index, 1);
        balance->index++;
        cost += 1 + lines_count / LINES_AN_ITEM;
    }
    if (balance->section < HF_ITEMS_END) {
        return false;
    }
    memcpy(balance->verdict, balance->sums, sizeof balance->verdict);
    balance->run_ended = balance->runs_begun;
    stop(engine);
    return true;
}

void hf_balance_correct(struct hf_engine *engine, unsigned item, uint32_t index, bool is_before)
{
    struct hf_balance *balance = &engine->balance;

    if (++balance->corrections_count > HF_BALANCE_CORRECTIONS_MAX) {
        stop(engine);
        return;
    }
    if (is_in_balance(item) &&
        (item < balance->section || (item == balance->section && index < balance->index))) {
        put_item(engine, item, index, is_before ? UINT64_MAX : 1);
    }
}

/* ------------------------------------------------------------------ verdict */

bool hf_balance_is_zero(const struct hf_balance_sum *sum)
{
    return (sum->plain | sum->by_sku | sum->by_location | sum->by_hash) == 0;
}

bool hf_balance_accused(const struct hf_engine *engine, const struct hf_balance_sum *sum,
                        uint32_t *sku, uint32_t *location)
{
    struct hf_balance_sum alone = {0};
    const int64_t units = (int64_t)sum->plain;

    if (units == 0 || (int64_t)sum->by_sku == INT64_MIN || (int64_t)sum->by_location == INT64_MIN) {
        return false;
    }
    const int64_t by_sku = (int64_t)sum->by_sku / units;
    const int64_t by_location = (int64_t)sum->by_location / units;
    if (by_sku < 0 || by_sku >= hf_catalog_count(&engine->catalog, HF_CODE_SKU) ||
        by_location < 0 || by_location >= hf_catalog_count(&engine->catalog, HF_CODE_LOCATION)) {
        return false;
    }
    *sku = (uint32_t)by_sku;
    *location = (uint32_t)by_location;
    add(&alone, *sku, *location, sum->plain);
    return memcmp(&alone, sum, sizeof alone) == 0;
}
