/*
 * codec_shipment.c - entries about shortages, transfers, inbound shipments, and rows of an export
 * (PROTOCOL.md 3.14 to 3.16).
 *
 * A row of an export is one entry: what stands in a head and what stands in a line, together, so
 * that a page may end after any of them.
 */
#include "net/codec.h"

#include "engine/assert.h"
#include "net/codec_entry.h"
#include "net/wire.h"

enum {
    SHORTAGE_FIXED_BYTES = 8,   /* 3.14, before the cell */
    HIT_FIXED_BYTES = 16,       /* 3.14 */
    SHIPMENT_FIXED_BYTES = 48,  /* 3.15, entry 0 */
    SHIPMENT_TEXTS_COUNT = 4,   /* id, order, from, to */
    SHIPMENT_LINE_BYTES = 64,   /* 3.15, fixed part */
    SHIPMENT_FIGURES_COUNT = 7, /* of a line */
    RESERVATION_ROW_BYTES = 64, /* 3.16, fixed part */
    RESERVATION_ROW_TEXTS = 4,  /* id, order, sku, location */
    SHIPMENT_ROW_BYTES = 112,   /* 3.16, fixed part */
    SHIPMENT_ROW_TEXTS = 5      /* id, order, from, to, sku */
};
_Static_assert(SHIPMENT_LINE_BYTES == 8 + 8 * SHIPMENT_FIGURES_COUNT, "lengths, then figures");
_Static_assert(SHIPMENT_ROW_BYTES == 56 + 8 * SHIPMENT_FIGURES_COUNT, "a head, then figures");
_Static_assert(SHIPMENT_ROW_BYTES + SHIPMENT_ROW_TEXTS * HF_CODE_BYTES_MAX <= HF_ENTRY_BYTES_MAX,
               "a row is not longer than a move");
_Static_assert(SHORTAGE_FIXED_BYTES + 120 + 2 * HF_CODE_BYTES_MAX +
                       HF_HITS_MAX * (HIT_FIXED_BYTES + HF_CODE_BYTES_MAX) ==
                   HF_SHORTAGE_BYTES_MAX,
               "the longest entry about a shortage");

#define SHIPMENT_SELLABLE 1u

/* ------------------------------------------------------------------ shortages */

/* 3.14 */
void hf_shortage_put(struct hf_buffer *out, const struct hf_cell_view *cell,
                     const struct hf_hit *hits, uint32_t hits_count)
{
    const size_t place = hf_buffer_count(out);

    HF_ASSERT(hits_count <= HF_HITS_MAX);
    (void)hf_buffer_add(out, SHORTAGE_FIXED_BYTES); /* a failure stays in out->is_failed */
    hf_cell_put(out, cell);
    for (uint32_t i = 0; i < hits_count; i++) {
        unsigned char *hit = hf_entry_put(out, HIT_FIXED_BYTES, &hits[i].reservation, 1);
        if (hit != NULL) {
            hit[4] = (unsigned char)hits[i].reservation.bytes_count;
            hf_put_i64(hit + 8, hits[i].units);
        }
    }
    if (!out->is_failed) {
        unsigned char *entry = hf_buffer_front(out) + place;
        hf_put_u32(entry, (uint32_t)(hf_buffer_count(out) - place));
        hf_put_u16(entry + 4, (uint16_t)hits_count);
        hf_put_u16(entry + 6, 0);
    }
}

enum hf_err hf_shortage_next(struct hf_items *entries, struct hf_cell_view *cell,
                             struct hf_items *hits, uint32_t *hits_count)
{
    const unsigned char *entry = hf_entry_take(entries, SHORTAGE_FIXED_BYTES, hits);
    if (entry == NULL) {
        return HF_CORRUPT;
    }
    *hits_count = hf_get_u16(entry + 4);
    return hf_cell_next(hits, cell);
}

enum hf_err hf_hit_next(struct hf_items *hits, struct hf_hit *hit)
{
    struct hf_items rest;
    const unsigned char *entry = hf_entry_take(hits, HIT_FIXED_BYTES, &rest);
    if (entry == NULL || !hf_entry_texts(rest, entry + 4, 1, &hit->reservation)) {
        return HF_CORRUPT;
    }
    hit->units = hf_get_i64(entry + 8);
    return HF_OK;
}

/* ------------------------------------------------------------------ shipments */

/* What entry 0 and a row have in common, from the state on: 40 bytes. */
static void put_head(unsigned char *at, const struct hf_shipment_view *shipment)
{
    at[0] = (unsigned char)shipment->state;
    at[1] = shipment->is_sellable ? SHIPMENT_SELLABLE : 0;
    hf_put_u32(at + 4, shipment->lines_count);
    hf_put_u64(at + 8, shipment->eta_us);
    hf_put_u64(at + 16, shipment->opened_lsn);
    hf_put_u64(at + 24, shipment->opened_us);
    hf_put_i64(at + 32, shipment->open_units);
}

static void read_head(const unsigned char *at, struct hf_shipment_view *shipment)
{
    shipment->state = (enum hf_state)at[0];
    shipment->is_sellable = (at[1] & SHIPMENT_SELLABLE) != 0;
    shipment->lines_count = hf_get_u32(at + 4);
    shipment->eta_us = hf_get_u64(at + 8);
    shipment->opened_lsn = hf_get_u64(at + 16);
    shipment->opened_us = hf_get_u64(at + 24);
    shipment->open_units = hf_get_i64(at + 32);
}

static void put_figures(unsigned char *at, const struct hf_shipment_line_view *line)
{
    const int64_t figures[SHIPMENT_FIGURES_COUNT] = {
        line->units,   line->unshipped, line->under_way, line->received,
        line->damaged, line->cancelled, line->lost};
    for (size_t i = 0; i < SHIPMENT_FIGURES_COUNT; i++) {
        hf_put_i64(at + 8 * i, figures[i]);
    }
}

static void read_figures(const unsigned char *at, struct hf_shipment_line_view *line)
{
    line->units = hf_get_i64(at);
    line->unshipped = hf_get_i64(at + 8);
    line->under_way = hf_get_i64(at + 16);
    line->received = hf_get_i64(at + 24);
    line->damaged = hf_get_i64(at + 32);
    line->cancelled = hf_get_i64(at + 40);
    line->lost = hf_get_i64(at + 48);
}

/* 3.15, entry 0 */
void hf_shipment_put(struct hf_buffer *out, const struct hf_shipment_view *shipment)
{
    const struct hf_text texts[SHIPMENT_TEXTS_COUNT] = {shipment->id, shipment->order,
                                                        shipment->from, shipment->to};
    unsigned char *entry = hf_entry_put(out, SHIPMENT_FIXED_BYTES, texts, SHIPMENT_TEXTS_COUNT);
    if (entry == NULL) {
        return;
    }
    for (size_t i = 0; i < SHIPMENT_TEXTS_COUNT; i++) {
        entry[4 + i] = (unsigned char)texts[i].bytes_count;
    }
    put_head(entry + 8, shipment);
}

enum hf_err hf_shipment_next(struct hf_items *entries, struct hf_shipment_view *shipment)
{
    struct hf_items rest;
    struct hf_text texts[SHIPMENT_TEXTS_COUNT];
    const unsigned char *entry = hf_entry_take(entries, SHIPMENT_FIXED_BYTES, &rest);
    if (entry == NULL || !hf_entry_texts(rest, entry + 4, SHIPMENT_TEXTS_COUNT, texts)) {
        return HF_CORRUPT;
    }
    shipment->id = texts[0];
    shipment->order = texts[1];
    shipment->from = texts[2];
    shipment->to = texts[3];
    read_head(entry + 8, shipment);
    return HF_OK;
}

/* 3.15, the other entries */
void hf_shipment_line_put(struct hf_buffer *out, const struct hf_shipment_line_view *line)
{
    unsigned char *entry = hf_entry_put(out, SHIPMENT_LINE_BYTES, &line->sku, 1);
    if (entry == NULL) {
        return;
    }
    entry[4] = (unsigned char)line->sku.bytes_count;
    put_figures(entry + 8, line);
}

enum hf_err hf_shipment_line_next(struct hf_items *entries, struct hf_shipment_line_view *line)
{
    struct hf_items rest;
    const unsigned char *entry = hf_entry_take(entries, SHIPMENT_LINE_BYTES, &rest);
    if (entry == NULL || !hf_entry_texts(rest, entry + 4, 1, &line->sku)) {
        return HF_CORRUPT;
    }
    read_figures(entry + 8, line);
    return HF_OK;
}

/* ------------------------------------------------------------------ rows of an export */

static void put_reservation_row(struct hf_buffer *out, const struct hf_frozen_row *row)
{
    const struct hf_reservation_view *head = &row->reservation;
    const struct hf_reservation_line_view *line = &row->reserved;
    const struct hf_text texts[RESERVATION_ROW_TEXTS] = {head->id, head->order, line->sku,
                                                         line->location};
    unsigned char *entry = hf_entry_put(out, RESERVATION_ROW_BYTES, texts, RESERVATION_ROW_TEXTS);
    if (entry == NULL) {
        return;
    }
    for (size_t i = 0; i < RESERVATION_ROW_TEXTS; i++) {
        entry[4 + i] = (unsigned char)texts[i].bytes_count;
    }
    entry[8] = (unsigned char)head->state;
    hf_put_u32(entry + 12, head->lines_count);
    hf_put_u64(entry + 16, head->expires_at_us);
    hf_put_u64(entry + 24, head->opened_lsn);
    hf_put_u64(entry + 32, head->opened_us);
    hf_put_i64(entry + 40, line->units);
    hf_put_i64(entry + 48, line->fulfilled);
    hf_put_i64(entry + 56, line->released);
}

static enum hf_err reservation_row_next(struct hf_items *entries, struct hf_frozen_row *row)
{
    struct hf_items rest;
    struct hf_text texts[RESERVATION_ROW_TEXTS];
    const unsigned char *entry = hf_entry_take(entries, RESERVATION_ROW_BYTES, &rest);
    if (entry == NULL || !hf_entry_texts(rest, entry + 4, RESERVATION_ROW_TEXTS, texts)) {
        return HF_CORRUPT;
    }
    row->reservation = (struct hf_reservation_view){
        .id = texts[0],
        .order = texts[1],
        .state = (enum hf_state)entry[8],
        .lines_count = hf_get_u32(entry + 12),
        .expires_at_us = hf_get_u64(entry + 16),
        .opened_lsn = hf_get_u64(entry + 24),
        .opened_us = hf_get_u64(entry + 32),
    };
    row->reserved = (struct hf_reservation_line_view){
        .sku = texts[2],
        .location = texts[3],
        .units = hf_get_i64(entry + 40),
        .fulfilled = hf_get_i64(entry + 48),
        .released = hf_get_i64(entry + 56),
    };
    return HF_OK;
}

static void put_shipment_row(struct hf_buffer *out, const struct hf_frozen_row *row)
{
    const struct hf_shipment_view *head = &row->shipment;
    const struct hf_text texts[SHIPMENT_ROW_TEXTS] = {head->id, head->order, head->from, head->to,
                                                      row->shipped.sku};
    unsigned char *entry = hf_entry_put(out, SHIPMENT_ROW_BYTES, texts, SHIPMENT_ROW_TEXTS);
    if (entry == NULL) {
        return;
    }
    for (size_t i = 0; i < SHIPMENT_ROW_TEXTS; i++) {
        entry[4 + i] = (unsigned char)texts[i].bytes_count;
    }
    put_head(entry + 16, head);
    put_figures(entry + 56, &row->shipped);
}

static enum hf_err shipment_row_next(struct hf_items *entries, struct hf_frozen_row *row)
{
    struct hf_items rest;
    struct hf_text texts[SHIPMENT_ROW_TEXTS];
    const unsigned char *entry = hf_entry_take(entries, SHIPMENT_ROW_BYTES, &rest);
    if (entry == NULL || !hf_entry_texts(rest, entry + 4, SHIPMENT_ROW_TEXTS, texts)) {
        return HF_CORRUPT;
    }
    row->shipment = (struct hf_shipment_view){
        .id = texts[0],
        .order = texts[1],
        .from = texts[2],
        .to = texts[3],
        .kind = row->section == HF_FROZEN_TRANSFERS ? HF_TRANSFER : HF_INBOUND,
    };
    row->shipped.sku = texts[4];
    read_head(entry + 16, &row->shipment);
    read_figures(entry + 56, &row->shipped);
    return HF_OK;
}

/* 3.16 */
void hf_row_put(struct hf_buffer *out, const struct hf_frozen_row *row)
{
    switch (row->section) {
    case HF_FROZEN_CELLS:
        hf_cell_put(out, &row->cell);
        break;
    case HF_FROZEN_RESERVATIONS:
        put_reservation_row(out, row);
        break;
    case HF_FROZEN_TRANSFERS:
    case HF_FROZEN_INBOUND:
        put_shipment_row(out, row);
        break;
    }
}

enum hf_err hf_row_next(struct hf_items *entries, struct hf_frozen_row *row)
{
    switch (row->section) {
    case HF_FROZEN_CELLS:
        return hf_cell_next(entries, &row->cell);
    case HF_FROZEN_RESERVATIONS:
        return reservation_row_next(entries, row);
    case HF_FROZEN_TRANSFERS:
    case HF_FROZEN_INBOUND:
        return shipment_row_next(entries, row);
    }
    return HF_CORRUPT;
}
