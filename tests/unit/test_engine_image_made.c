/*
 * test_engine_image_made.c - images made by hand: golden bytes, format 1, and states that are none.
 *
 * Method: a small world of one reservation, one transfer and one inbound shipment is written here
 * field by field, as FORMATS.md 4 says, not by the engine's own writer. As it stands it must load.
 * Each row then sets one field to another value: the state contradicts itself, and is refused with
 * words that say where; or it does not, and loads.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/image.h"
#include "tests/lib/small_engine.h"

#define LSN 1000
#define TIME_US HF_SMALL_BEGIN_US

/* All that rows may change. Locations 0 and 1; SKU 0 at 1 is the cell. */
struct made {
    int64_t is_old; /* format 1: no shipments, four counters */
    int64_t queue_first, queue_end;
    int64_t region; /* of location 1 */
    int64_t cell_sku, version, on_hand, held, committed, since_us, flags;
    int64_t safety_stock, low_stock, backorder_limit;
    int64_t in_transit, damaged, quarantined, inbound_sellable, inbound_kept;
    int64_t state, life_us, opened_us, opened_lsn, last_lsn, confirmed_lsn, lines_count;
    int64_t line_location, units, fulfilled, released, second_sku;
    int64_t kind, shipment_state, from, to, eta_us, shipment_opened_us, shipment_last_lsn;
    int64_t line_sku, asked, unshipped, under_way, received, arrived_damaged, cancelled, lost;
    int64_t inbound_state, sellable, inbound_asked, inbound_unshipped, inbound_under_way;
    int64_t inbound_received, inbound_cancelled, place;
};

static const struct made sound = {
    .queue_first = 7,
    .queue_end = 8,
    .version = 900,
    .on_hand = 50,
    .committed = 6,
    .since_us = TIME_US - 10,
    .flags = HF_CELL_HAS_POLICY | HF_CELL_HAS_RARE | HF_CELL_IS_LOW | HF_CELL_HAS_SOLD,
    .safety_stock = 2,
    .low_stock = 5,
    .in_transit = 20,
    .damaged = 1,
    .inbound_kept = 12,
    .state = HF_STATE_CONFIRMED,
    .opened_us = TIME_US - 20,
    .opened_lsn = 800,
    .last_lsn = 820,
    .confirmed_lsn = 810,
    .lines_count = 2,
    .line_location = 1,
    .units = 10,
    .fulfilled = 3,
    .released = 1,
    .second_sku = 1,
    .kind = HF_TRANSFER,
    .shipment_state = HF_STATE_IN_TRANSIT,
    .to = 1,
    .shipment_opened_us = TIME_US,
    .shipment_last_lsn = LSN,
    .asked = 20,
    .unshipped = 2,
    .under_way = 8,
    .received = 4,
    .arrived_damaged = 3,
    .cancelled = 2,
    .lost = 1,
    .inbound_state = HF_STATE_IN_TRANSIT,
    .inbound_asked = 15,
    .inbound_under_way = 12,
    .inbound_received = 2,
    .inbound_cancelled = 1,
    .place = 7,
};

/* ------------------------------------------------------------------ writing */

struct image {
    unsigned char bytes[4096];
    size_t bytes_count;
};

static void put_byte(struct image *image, int64_t value)
{
    image->bytes[image->bytes_count++] = (unsigned char)value;
}

static void put_word(struct image *image, int64_t value)
{
    for (unsigned i = 0; i < 8; i++) {
        put_byte(image, (int64_t)((uint64_t)value >> 8 * i & 0xFF));
    }
}

static void put_varint(struct image *image, int64_t value)
{
    uint64_t rest = (uint64_t)value;
    for (; rest >= 0x80; rest >>= 7) {
        put_byte(image, (int64_t)(rest & 0x7F) | 0x80);
    }
    put_byte(image, (int64_t)rest);
}

static void put_text(struct image *image, const char *text)
{
    put_byte(image, (int64_t)strlen(text));
    for (; *text != '\0'; text++) {
        put_byte(image, *text);
    }
}

static void put_codes(struct image *image, const struct made *made)
{
    put_byte(image, made->is_old != 0 ? 1 : 9);
    put_word(image, LSN);
    put_word(image, (int64_t)TIME_US);
    put_word(image, made->queue_first);
    put_word(image, made->queue_end);
    put_word(image, 1); /* regions, locations, SKUs, cells, reservations, references, shipments */
    put_word(image, 2);
    put_word(image, 2);
    put_word(image, 2);
    put_word(image, 1);
    put_word(image, 1);
    if (made->is_old == 0) {
        put_word(image, 2);
    }
    put_byte(image, 2);
    put_text(image, "north");
    for (unsigned i = 0; i < 2; i++) {
        put_byte(image, 3);
        put_text(image, i == 0 ? "W" : "V");
        put_varint(image, i == 0 ? 0 : made->region);
        put_byte(image, 1);
    }
    for (unsigned i = 0; i < 2; i++) {
        put_byte(image, 4);
        put_text(image, i == 0 ? "A" : "B");
    }
}

static void put_policy(struct image *image, const struct made *made)
{
    put_varint(image, made->safety_stock);
    put_varint(image, made->low_stock + 1);
    put_varint(image, made->backorder_limit);
}

static void put_cell(struct image *image, const struct made *made)
{
    put_byte(image, made->is_old != 0 ? 5 : 10);
    put_varint(image, made->cell_sku);
    put_varint(image, 1);
    put_varint(image, made->version);
    put_varint(image, made->on_hand);
    put_varint(image, made->held);
    put_varint(image, made->committed);
    if (made->is_old != 0) {
        put_varint(image, made->in_transit);
        put_byte(image, made->flags);
        if (made->flags == 1) {
            put_policy(image, made);
        }
        return;
    }
    put_word(image, made->since_us);
    put_byte(image, made->flags);
    if ((made->flags & HF_CELL_HAS_POLICY) != 0) {
        put_policy(image, made);
    }
    if ((made->flags & HF_CELL_HAS_RARE) != 0) {
        put_varint(image, made->in_transit);
        put_varint(image, made->damaged);
        put_varint(image, made->quarantined);
        put_varint(image, made->inbound_sellable);
        put_varint(image, made->inbound_kept);
    }
}

/* B@V, which nothing is said of. */
static void put_other_cell(struct image *image, const struct made *made)
{
    put_byte(image, made->is_old != 0 ? 5 : 10);
    put_varint(image, 1);
    put_varint(image, 1);
    put_varint(image, 1);
    for (unsigned i = 0; i < 3; i++) {
        put_varint(image, 0);
    }
    if (made->is_old != 0) {
        put_varint(image, 0);
    } else {
        put_word(image, 5);
    }
    put_byte(image, made->is_old != 0 ? 0 : HF_CELL_IS_OUT);
}

static void put_reservation(struct image *image, const struct made *made)
{
    put_byte(image, made->is_old != 0 ? 6 : 11);
    put_text(image, "r1");
    put_text(image, "o-1");
    put_byte(image, made->state);
    put_varint(image, made->life_us);
    put_word(image, made->opened_us);
    put_varint(image, made->opened_lsn);
    put_varint(image, made->last_lsn);
    put_word(image, 0x1234);
    if (made->state == HF_STATE_CONFIRMED && made->is_old == 0) {
        put_varint(image, made->confirmed_lsn);
    }
    put_varint(image, made->lines_count);
    put_varint(image, 0);
    put_varint(image, made->line_location);
    put_varint(image, made->units);
    put_varint(image, made->fulfilled);
    put_varint(image, made->released);
    put_varint(image, made->second_sku); /* a line that is done */
    put_varint(image, 1);
    put_varint(image, 2);
    put_varint(image, 2);
    put_varint(image, 0);
}

static void put_ref(struct image *image, const struct made *made)
{
    put_byte(image, 7);
    put_text(image, "in-1");
    put_varint(image, 3);
    put_word(image, 0x5678);
    put_varint(image, made->place);
    put_word(image, (int64_t)TIME_US - 99);
}

static void put_shipments(struct image *image, const struct made *made)
{
    put_byte(image, 8);
    put_text(image, "t1");
    put_text(image, "");
    put_byte(image, made->kind);
    put_byte(image, made->shipment_state);
    put_varint(image, made->from);
    put_varint(image, made->to);
    put_word(image, made->shipment_opened_us);
    put_varint(image, 900);
    put_varint(image, made->shipment_last_lsn);
    put_word(image, 0x9ABC);
    put_varint(image, 1);
    put_varint(image, made->line_sku);
    put_varint(image, made->asked);
    put_varint(image, made->unshipped);
    put_varint(image, made->under_way);
    put_varint(image, made->received);
    put_varint(image, made->arrived_damaged);
    put_varint(image, made->cancelled);
    put_varint(image, made->lost);

    put_byte(image, 8);
    put_text(image, "i1");
    put_text(image, "po-1");
    put_byte(image, HF_INBOUND);
    put_byte(image, made->inbound_state);
    put_varint(image, 1);
    put_byte(image, made->sellable);
    put_word(image, made->eta_us);
    put_word(image, 1);
    put_varint(image, 1);
    put_varint(image, 1);
    put_word(image, 0);
    put_varint(image, 1);
    put_varint(image, 0);
    put_varint(image, made->inbound_asked);
    put_varint(image, made->inbound_unshipped);
    put_varint(image, made->inbound_under_way);
    put_varint(image, made->inbound_received);
    put_varint(image, 0);
    put_varint(image, made->inbound_cancelled);
    put_varint(image, 0);
}

static void make(struct image *image, const struct made *made)
{
    image->bytes_count = 0;
    put_codes(image, made);
    put_cell(image, made);
    put_other_cell(image, made);
    put_reservation(image, made);
    put_ref(image, made);
    if (made->is_old == 0) {
        put_shipments(image, made);
    }
}

static struct hf_engine *new_engine(void)
{
    const struct hf_engine_config config = hf_small_config();
    struct hf_engine *engine = hf_engine_create(&config);
    assert_non_null(engine);
    return engine;
}

static enum hf_err load(struct hf_engine *engine, const struct made *made, const char **why)
{
    struct image image;
    make(&image, made);
    const enum hf_err err = hf_engine_load(engine, image.bytes, image.bytes_count, why);
    return err != HF_OK ? err : hf_engine_load_end(engine, why);
}

/* ------------------------------------------------------------------ rows */

#define CELL "a cell that does not add up"
#define RESERVATION "a reservation that does not add up"
#define LINE "a reservation line that does not add up"
#define SHIPMENT "a shipment that does not add up"
#define SHIPMENT_LINE "a shipment line that does not add up"
#define RESERVED "a cell whose held or committed units are not those of its reservations"
#define TRANSIT "a cell whose in_transit units are not those of its shipments"
#define UNDER_WAY "units under way that are not in_transit where they go"

#define FIELD(name) offsetof(struct made, name)

static const struct row {
    const char *name;
    size_t field;
    int64_t value;
    const char *why; /* NULL: it loads */
} rows[] = {
    {"as it stands", FIELD(region), 0, NULL},
    {"a region", FIELD(region), 1, NULL},
    {"no such region", FIELD(region), 2, "settings of a location that do not add up"},
    {"queue too short", FIELD(queue_end), 7, "a reference without its place among the names"},
    {"queue too long", FIELD(queue_end), 9, "fewer or more items than the head counts"},
    {"queue backwards", FIELD(queue_first), 9, "the queue of names ends before it begins"},
    {"place before the queue", FIELD(place), 6, "a reference without its place among the names"},
    {"place behind the queue", FIELD(place), 8, "a reference without its place among the names"},

    {"no such SKU", FIELD(cell_sku), 2, CELL},
    {"newest version", FIELD(version), LSN, NULL},
    {"version of tomorrow", FIELD(version), LSN + 1, CELL},
    {"most on hand", FIELD(on_hand), HF_UNITS_MAX, NULL},
    {"more than most", FIELD(on_hand), HF_UNITS_MAX + 1, CELL},
    {"held by nobody", FIELD(held), 1, RESERVED},
    {"one committed too few", FIELD(committed), 5, RESERVED},
    {"one committed too many", FIELD(committed), 7, RESERVED},
    {"none committed", FIELD(committed), 0, RESERVED},
    {"sold just now", FIELD(since_us), (int64_t)TIME_US, NULL},
    {"sold tomorrow", FIELD(since_us), (int64_t)TIME_US + 1, CELL},
    {"a flag of tomorrow", FIELD(flags), 32 | 24, CELL},
    {"no flags but these", FIELD(flags), 24, NULL},
    {"most in the policy", FIELD(backorder_limit), HF_UNITS_MAX, NULL},
    {"too much in the policy", FIELD(backorder_limit), HF_UNITS_MAX + 1, CELL},
    {"low stock of most", FIELD(low_stock), HF_UNITS_MAX, NULL},
    {"low stock above most", FIELD(low_stock), HF_UNITS_MAX + 1, CELL},
    {"low without a threshold", FIELD(low_stock), HF_LOW_STOCK_NONE, CELL},
    {"one in transit too few", FIELD(in_transit), 19, UNDER_WAY},
    {"one in transit too many", FIELD(in_transit), 21, TRANSIT},
    {"more inbound than in transit", FIELD(inbound_sellable), 9, CELL},
    {"one sellable too many", FIELD(inbound_sellable), 1, TRANSIT},
    {"one kept too many", FIELD(inbound_kept), 13, TRANSIT},
    {"one kept too few", FIELD(inbound_kept), 11, UNDER_WAY},

    {"state none", FIELD(state), HF_STATE_NONE, RESERVATION},
    {"state of a shipment", FIELD(state), HF_STATE_DRAFT, RESERVATION},
    {"held, but committed", FIELD(state), HF_STATE_HELD, RESERVED},
    {"confirmed with a deadline", FIELD(life_us), 5, RESERVATION},
    {"opened just now", FIELD(opened_us), (int64_t)TIME_US, NULL},
    {"opened tomorrow", FIELD(opened_us), (int64_t)TIME_US + 1, "a reservation from another time"},
    {"opened at no LSN", FIELD(opened_lsn), 0, RESERVATION},
    {"opened after its confirm", FIELD(opened_lsn), 811, RESERVATION},
    {"confirmed as it was opened", FIELD(confirmed_lsn), 800, NULL},
    {"confirmed before it was opened", FIELD(confirmed_lsn), 799, RESERVATION},
    {"confirmed by its last change", FIELD(confirmed_lsn), 820, NULL},
    {"confirmed after its last change", FIELD(confirmed_lsn), 821, RESERVATION},
    {"changed just now", FIELD(last_lsn), LSN, NULL},
    {"changed tomorrow", FIELD(last_lsn), LSN + 1, "a reservation from another time"},
    {"no lines", FIELD(lines_count), 0, RESERVATION},
    {"too many lines", FIELD(lines_count), HF_LINES_MAX + 1, RESERVATION},
    {"line nowhere", FIELD(line_location), 0, "a reservation line of a cell that does not exist"},
    {"line at no location", FIELD(line_location), 2, LINE},
    {"line without units", FIELD(units), 0, LINE},
    {"line with less than was done", FIELD(units), 3, LINE},
    {"line with more than is committed", FIELD(units), 11, RESERVED},
    {"line that is done", FIELD(units), 4, "the lines of a reservation do not fit its state"},
    {"two lines of a cell", FIELD(second_sku), 0, "two lines of a reservation at one cell"},

    {"no kind", FIELD(kind), 0, SHIPMENT},
    {"a kind of tomorrow", FIELD(kind), 3, SHIPMENT},
    {"a draft on its way", FIELD(shipment_state), HF_STATE_DRAFT, SHIPMENT_LINE},
    {"state of a reservation", FIELD(shipment_state), HF_STATE_HELD, SHIPMENT},
    {"a state of tomorrow", FIELD(shipment_state), HF_STATES_COUNT, SHIPMENT},
    {"from nowhere", FIELD(from), 2, SHIPMENT},
    {"from where it goes", FIELD(from), 1, SHIPMENT},
    {"to nowhere", FIELD(to), 2, SHIPMENT},
    {"opened tomorrow", FIELD(shipment_opened_us), (int64_t)TIME_US + 1,
     "a shipment from another time"},
    {"changed before it was opened", FIELD(shipment_last_lsn), 899, SHIPMENT},
    {"changed as it was opened", FIELD(shipment_last_lsn), 900, NULL},
    {"changed tomorrow", FIELD(shipment_last_lsn), LSN + 1, "a shipment from another time"},
    {"line of no SKU", FIELD(line_sku), 2, SHIPMENT_LINE},
    {"line of another SKU", FIELD(line_sku), 1, UNDER_WAY},
    {"asked for less", FIELD(asked), 19, SHIPMENT_LINE},
    {"asked for more", FIELD(asked), 21, SHIPMENT_LINE},
    {"one more under way", FIELD(under_way), 9, SHIPMENT_LINE},
    {"too much lost", FIELD(lost), HF_UNITS_MAX + 1, SHIPMENT_LINE},

    {"inbound draft", FIELD(inbound_state), HF_STATE_DRAFT, SHIPMENT},
    {"inbound closed", FIELD(inbound_state), HF_STATE_CLOSED, SHIPMENT},
    {"sellable, but kept at the cell", FIELD(sellable), 1, UNDER_WAY},
    {"neither sellable nor kept", FIELD(sellable), 2, SHIPMENT},
    {"latest eta", FIELD(eta_us), (int64_t)HF_TIME_US_MAX, NULL},
    {"eta that cannot be", FIELD(eta_us), (int64_t)HF_TIME_US_MAX + 1, SHIPMENT},
    {"inbound that must be shipped", FIELD(inbound_unshipped), 1, SHIPMENT_LINE},
    {"as much over-received as was received", FIELD(inbound_asked), 13, NULL},
    {"more over-received than received", FIELD(inbound_asked), 12, SHIPMENT_LINE},
    {"nothing under way and open", FIELD(inbound_under_way), 0, SHIPMENT_LINE},
};

static void one_field(void **state)
{
    const struct row *row = *state;
    struct hf_engine *engine = new_engine();
    struct made made = sound;
    const char *why = "";

    memcpy((char *)&made + row->field, &row->value, sizeof row->value);
    const enum hf_err err = load(engine, &made, &why);
    if (row->why == NULL) {
        assert_int_equal(err, HF_OK);
        assert_null(hf_small_violation(engine));
    } else {
        assert_string_equal(why, row->why);
        assert_int_equal(err, HF_CORRUPT);
    }
    hf_engine_free(engine);
}

/* What was written by hand is what the engine writes of it. */
static void written_again(void **state)
{
    struct hf_engine *engine = new_engine();
    struct image image;
    struct hf_image_cursor cursor = {0};
    static unsigned char again[HF_IMAGE_BYTES_MIN];
    const char *why = "";
    (void)state;

    make(&image, &sound);
    assert_int_equal(load(engine, &sound, &why), HF_OK);
    assert_int_equal(hf_engine_copy(engine, &cursor, again, sizeof again), image.bytes_count);
    assert_memory_equal(again, image.bytes, image.bytes_count);
    hf_engine_free(engine);
}

/* ------------------------------------------------------------------ format 1 */

static struct made of_format_1(void)
{
    struct made made = sound;

    made.is_old = 1;
    made.in_transit = made.inbound_kept = 0;
    made.flags = 1; /* has a policy */
    return made;
}

static const struct old_row {
    const char *name;
    int64_t on_hand, low_stock;
    bool is_low, is_out;
} old_rows[] = {
    /* 6 are committed, 2 are safety stock */
    {"format 1: above its threshold", 14, 5, false, false},
    {"format 1: at its threshold", 13, 5, true, false},
    {"format 1: the last unit, no threshold", 9, HF_LOW_STOCK_NONE, false, false},
    {"format 1: nothing left", 8, HF_LOW_STOCK_NONE, false, true},
    {"format 1: short", 1, 0, true, true},
};

static void format_1_loads(void **state)
{
    const struct old_row *row = *state;
    struct hf_engine *engine = new_engine();
    struct made made = of_format_1();
    struct hf_reservation_view view;
    const char *why = "";

    made.on_hand = row->on_hand;
    made.low_stock = row->low_stock;
    assert_int_equal(load(engine, &made, &why), HF_OK);
    const struct hf_cell *cell = hf_cell_at(&engine->cells, 0);
    assert_int_equal(cell->is_low, row->is_low);
    assert_int_equal(cell->is_out, row->is_out);
    assert_int_equal(cell->has_sold, 0);
    assert_int_equal(cell->since_us, TIME_US);
    assert_int_equal(cell->hot[HF_ON_HAND], row->on_hand);
    assert_int_equal(cell->hot[HF_COMMITTED], 6);
    assert_int_equal(hf_cell_at(&engine->cells, 1)->is_out, 1);
    assert_int_equal(hf_engine_reservation(engine, hf_text_of("r1"), TIME_US, &view), HF_OK);
    assert_int_equal(hf_reservation_at(&engine->reservations, 0)->confirmed_lsn, made.last_lsn);
    assert_null(hf_small_violation(engine));

    /* From now on it is of this format, and the same state. */
    struct hf_image_cursor cursor = {0};
    static unsigned char copy[HF_IMAGE_BYTES_MIN];
    struct hf_engine *again = new_engine();
    const size_t bytes_count = hf_engine_copy(engine, &cursor, copy, sizeof copy);
    assert_int_equal(copy[0], HF_TAG_HEAD);
    assert_int_equal(hf_engine_load(again, copy, bytes_count, &why), HF_OK);
    assert_int_equal(hf_engine_load_end(again, &why), HF_OK);
    assert_true(hf_digest_is_equal(hf_engine_digest(engine), hf_engine_digest(again)));
    hf_engine_free(again);
    hf_engine_free(engine);
}

static void format_1_is_checked(void **state)
{
    static const struct row old_faults[] = {
        {"in transit", FIELD(in_transit), 1, CELL},
        {"policy flag", FIELD(flags), 2, CELL},
        {"one committed too few", FIELD(committed), 5, RESERVED},
        {"no lines", FIELD(lines_count), 0, RESERVATION},
    };
    (void)state;

    for (size_t i = 0; i < sizeof old_faults / sizeof old_faults[0]; i++) {
        struct hf_engine *engine = new_engine();
        struct made made = of_format_1();
        const char *why = "";
        memcpy((char *)&made + old_faults[i].field, &old_faults[i].value, sizeof(int64_t));
        assert_int_equal(load(engine, &made, &why), HF_CORRUPT);
        assert_string_equal(why, old_faults[i].why);
        hf_engine_free(engine);
    }
}

/* Items of the other format, behind a head of this one. */
static void formats_do_not_mix(void **state)
{
    static const struct {
        int64_t is_old;
        unsigned char tag;
    } mixes[] = {{0, 5}, {0, 6}, {0, 12}, {0, 0}, {1, 8}, {1, 10}, {1, 11}};
    (void)state;

    for (size_t i = 0; i < sizeof mixes / sizeof mixes[0]; i++) {
        struct hf_engine *engine = new_engine();
        struct image image = {.bytes_count = 0};
        struct made made = sound;
        const char *why = "";
        made.is_old = mixes[i].is_old;
        put_codes(&image, &made);
        put_byte(&image, mixes[i].tag);
        assert_int_equal(hf_engine_load(engine, image.bytes, image.bytes_count, &why), HF_CORRUPT);
        assert_string_equal(why, "an unknown item");
        hf_engine_free(engine);
    }
}

/* No section behind a later one, and no second head. */
static void order_is_kept(void **state)
{
    static void (*const puts[])(struct image *, const struct made *) = {
        put_codes, put_other_cell, put_reservation, put_ref, put_shipments};
    (void)state;

    for (size_t newest = 1; newest < sizeof puts / sizeof puts[0]; newest++) {
        for (size_t late = 0; late < newest; late++) {
            struct hf_engine *engine = new_engine();
            struct image image = {.bytes_count = 0};
            const char *why = "";
            put_codes(&image, &sound);
            put_cell(&image, &sound);
            for (size_t i = 1; i <= newest; i++) {
                puts[i](&image, &sound);
            }
            puts[late](&image, &sound);
            assert_int_equal(hf_engine_load(engine, image.bytes, image.bytes_count, &why),
                             HF_CORRUPT);
            assert_string_equal(why,
                                late == 0 ? "a second head" : "items that are not in their order");
            hf_engine_free(engine);
        }
    }
}

/* ------------------------------------------------------------------ golden bytes */

/* FORMATS.md 4.2 */
static void golden_cell(void **state)
{
    static const unsigned char golden[] = {
        0x0a, 0x05, 0x02, 0xb4, 0x24, 0xe8, 0x07, 0x07, 0x00, 0x00, 0x40, 0x1e, 0x18,
        0x24, 0x0a, 0x06, 0x00, 0x1c, 0x02, 0x0b, 0x00, 0x1e, 0x00, 0x00, 0x0a, 0x00,
    };
    (void)state;

    for (size_t bytes_count = 1; bytes_count <= sizeof golden; bytes_count++) {
        struct hf_reader in = {golden + 1, golden + bytes_count, false};
        struct hf_image_cell cell;
        assert_int_equal(hf_image_read_cell(&in, HF_TAG_CELL, &cell), bytes_count == sizeof golden);
        if (bytes_count < sizeof golden) {
            continue;
        }
        assert_ptr_equal(in.at, in.end);
        assert_int_equal(cell.sku, 5);
        assert_int_equal(cell.location, 2);
        assert_int_equal(cell.version, 4660);
        assert_int_equal(cell.hot[HF_ON_HAND], 1000);
        assert_int_equal(cell.hot[HF_HELD], 7);
        assert_int_equal(cell.since_us, UINT64_C(1700000000000000));
        assert_true(cell.has_sold && !cell.is_low && !cell.is_out);
        assert_int_equal(cell.extra.policy.safety_stock, 2);
        assert_int_equal(cell.extra.policy.low_stock, 10);
        assert_int_equal(cell.extra.rare[0], 30);
        assert_int_equal(cell.extra.inbound_sellable, 10);
    }
}

/* A file of tests/golden: an engine that has done its operations, and its bytes. */
static void read_golden(const char *path, struct hf_small *lived, struct image *image)
{
    char line[512];
    FILE *file = fopen(path, "r");

    assert_non_null(file);
    hf_small_init(lived, NULL);
    image->bytes_count = 0;
    while (fgets(line, sizeof line, file) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        if (line[0] == '=') {
            assert_int_equal(hf_small_do(lived, "%s", line + 2), HF_OK);
        } else if (line[0] != '#') {
            char *rest = NULL;
            for (char *word = strtok_r(line, " ", &rest); word != NULL;
                 word = strtok_r(NULL, " ", &rest)) {
                put_byte(image, (int64_t)strtoul(word, NULL, 16));
            }
        }
    }
    (void)fclose(file);
    assert_true(image->bytes_count > 0);
}

static void golden_format_2(void **state)
{
    static unsigned char copy[HF_IMAGE_BYTES_MIN];
    struct hf_small lived;
    struct image image;
    struct hf_image_cursor cursor = {0};
    const char *why = "";
    (void)state;

    read_golden("tests/golden/image-2.txt", &lived, &image);
    assert_int_equal(hf_engine_copy(lived.engine, &cursor, copy, sizeof copy), image.bytes_count);
    assert_memory_equal(copy, image.bytes, image.bytes_count);
    struct hf_engine *loaded = new_engine();
    assert_int_equal(hf_engine_load(loaded, image.bytes, image.bytes_count, &why), HF_OK);
    assert_int_equal(hf_engine_load_end(loaded, &why), HF_OK);
    assert_true(hf_digest_is_equal(hf_engine_digest(loaded), hf_engine_digest(lived.engine)));
    hf_engine_free(loaded);
    hf_small_release(&lived);
}

/* What engines of format 1 wrote is the state that the same operations lead to now. */
static void golden_format_1(void **state)
{
    static const char *const cells[] = {"A@W", "B@W", "A@V", "C@W", "D@V", "E@V"};
    static const char *const names[] = {"r1", "a-name-of-more-bytes", "r5", "r6"};
    struct hf_small lived;
    struct image image;
    const char *why = "";
    (void)state;

    read_golden("tests/golden/image-1.txt", &lived, &image);
    struct hf_engine *loaded = new_engine();
    assert_int_equal(hf_engine_load(loaded, image.bytes, image.bytes_count, &why), HF_OK);
    assert_int_equal(hf_engine_load_end(loaded, &why), HF_OK);
    assert_int_equal(hf_engine_lsn(loaded), hf_engine_lsn(lived.engine));
    for (uint32_t i = 0; i < sizeof cells / sizeof cells[0]; i++) {
        char want[160];
        (void)snprintf(want, sizeof want, "%s", hf_small_cell(lived.engine, cells[i]));
        assert_string_equal(hf_small_cell(loaded, cells[i]), want);
        assert_int_equal(hf_cell_at(&loaded->cells, i)->is_low,
                         hf_cell_at(&lived.engine->cells, i)->is_low);
        assert_int_equal(hf_cell_at(&loaded->cells, i)->is_out,
                         hf_cell_at(&lived.engine->cells, i)->is_out);
    }
    for (uint32_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct hf_reservation_view is;
        struct hf_reservation_view want;
        const struct hf_text id = hf_text_of(names[i]);
        assert_int_equal(hf_engine_reservation(loaded, id, 0, &is), HF_OK);
        assert_int_equal(hf_engine_reservation(lived.engine, id, 0, &want), HF_OK);
        assert_int_equal(is.state, want.state);
        assert_int_equal(is.expires_at_us, want.expires_at_us);
    }
    assert_null(hf_small_violation(loaded));
    hf_engine_free(loaded);
    hf_small_release(&lived);
}

#define ROWS_COUNT (sizeof rows / sizeof rows[0])
#define OLD_ROWS_COUNT (sizeof old_rows / sizeof old_rows[0])

int main(void)
{
    struct CMUnitTest tests[ROWS_COUNT + OLD_ROWS_COUNT + 7];
    size_t count = 0;

    for (size_t i = 0; i < ROWS_COUNT; i++) {
        tests[count++] = (struct CMUnitTest){.name = rows[i].name,
                                             .test_func = one_field,
                                             .initial_state = (void *)(uintptr_t)&rows[i]};
    }
    for (size_t i = 0; i < OLD_ROWS_COUNT; i++) {
        tests[count++] = (struct CMUnitTest){.name = old_rows[i].name,
                                             .test_func = format_1_loads,
                                             .initial_state = (void *)(uintptr_t)&old_rows[i]};
    }
    const struct CMUnitTest others[] = {
        cmocka_unit_test(written_again),      cmocka_unit_test(format_1_is_checked),
        cmocka_unit_test(formats_do_not_mix), cmocka_unit_test(golden_cell),
        cmocka_unit_test(order_is_kept),      cmocka_unit_test(golden_format_1),
        cmocka_unit_test(golden_format_2),
    };
    memcpy(tests + count, others, sizeof others);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
