/*
 * codec_reply.c - reply items and their entries (PROTOCOL.md 3.3 to 3.13).
 *
 * Writing leaves a lack of memory in out->is_failed, where the end of the frame finds it. Reading
 * trusts nothing but the frame's checksum: an entry that does not lie whole in its item is
 * HF_CORRUPT. Numbers that this version does not know (an outcome of a newer server) are passed
 * on; their names are "unrecognized".
 */
#include "net/codec.h"

#include "engine/assert.h"
#include "net/codec_entry.h"
#include "net/wire.h"

/* PROTOCOL.md 3.3: the item's header. */
enum {
    AT_ITEM_BYTES = 0,
    AT_OUTCOME = 4,
    AT_FLAGS = 6,
    AT_STATE = 7,
    AT_LSN = 8,
    AT_ARGUMENT = 16,
    AT_ENTRIES_COUNT = 24,
    AT_FIELD = 28,
    AT_ZERO_29 = 29,
    AT_LINE = 30
};
_Static_assert(AT_LINE + 2 == HF_ITEM_HEADER_BYTES, "entries follow the header");

#define HF_REPLY_REPEATED 1u
#define HF_REPLY_UNCHANGED 2u
#define HF_LINE_NONE UINT16_MAX

enum {
    CELL_FIXED_BYTES = 120, /* 3.6 */
    CELL_FIGURES_COUNT = 12,
    ATS_BYTES = 24,               /* 3.7 */
    RESERVATION_FIXED_BYTES = 24, /* 3.8, entry 0 */
    RESERVATION_LINE_BYTES = 32,  /* 3.8, fixed part */
    SUMMARY_FIXED_BYTES = 24,     /* 3.9 */
    MOVE_FIXED_BYTES = 128,       /* 3.10 */
    MOVE_TEXTS_COUNT = 6,         /* 3.10 */
    HANDLE_PAIR_BYTES = 16,       /* 3.11 */
    STAT_FIXED_BYTES = 16,        /* 3.12 */
    AUDIT_FIXED_BYTES = 40,       /* 3.13 */
    BACKUP_FIXED_BYTES = 24,      /* 3.19 */
    DIGEST_BYTES = 16,            /* 3, operation 67 */
    WELCOME_FIXED_BYTES = 48      /* 3.4 */
};
_Static_assert(CELL_FIXED_BYTES == 8 + 8 * (CELL_FIGURES_COUNT + 2), "figures, time, version");
_Static_assert(MOVE_FIXED_BYTES == 32 + 2 * 8 * HF_COUNTERS_COUNT, "deltas and values after");
_Static_assert(MOVE_FIXED_BYTES + MOVE_TEXTS_COUNT * HF_CODE_BYTES_MAX <= HF_ENTRY_BYTES_MAX,
               "a move is the longest entry");
_Static_assert(AUDIT_FIXED_BYTES + 256 <= HF_ENTRY_BYTES_MAX, "and an audit is not longer");

/* ------------------------------------------------------------------ items: writing */

static void fill_header(unsigned char *item, size_t item_bytes, const struct hf_reply *reply)
{
    HF_ASSERT(item_bytes % 8 == 0);
    HF_ASSERT(item_bytes <= UINT32_MAX);
    HF_ASSERT((unsigned)reply->outcome < HF_OUTCOMES_COUNT); /* internal results stay inside */

    hf_put_u32(item + AT_ITEM_BYTES, (uint32_t)item_bytes);
    hf_put_u16(item + AT_OUTCOME, (uint16_t)reply->outcome);
    item[AT_FLAGS] = (unsigned char)((reply->is_repeated ? HF_REPLY_REPEATED : 0) |
                                     (reply->is_unchanged ? HF_REPLY_UNCHANGED : 0));
    item[AT_STATE] = (unsigned char)reply->state;
    hf_put_u64(item + AT_LSN, reply->lsn);
    hf_put_u64(item + AT_ARGUMENT, reply->argument);
    hf_put_u32(item + AT_ENTRIES_COUNT, reply->entries_count);
    item[AT_FIELD] = (unsigned char)reply->field;
    item[AT_ZERO_29] = 0;
    hf_put_u16(item + AT_LINE,
               reply->line_index < HF_LINE_NONE ? (uint16_t)reply->line_index : HF_LINE_NONE);
}

void hf_reply_put_plain(struct hf_buffer *out, const struct hf_reply *reply)
{
    unsigned char *item = hf_buffer_add(out, HF_ITEM_HEADER_BYTES);
    if (item != NULL) {
        HF_ASSERT(reply->entries_count == 0);
        fill_header(item, HF_ITEM_HEADER_BYTES, reply);
    }
}

size_t hf_reply_begin(struct hf_buffer *out)
{
    const size_t place = hf_buffer_count(out);
    (void)hf_buffer_add(out, HF_ITEM_HEADER_BYTES); /* a failure stays in out->is_failed */
    return place;
}

void hf_reply_end(struct hf_buffer *out, size_t place, const struct hf_reply *reply)
{
    if (!out->is_failed) {
        fill_header(hf_buffer_front(out) + place, hf_buffer_count(out) - place, reply);
    }
}

void hf_reply_put_result(struct hf_buffer *out, const struct hf_result *result)
{
    const struct hf_reply reply = {
        .outcome = result->outcome,
        .is_repeated = result->is_repeated,
        .is_unchanged = result->is_unchanged,
        .state = result->state,
        .lsn = result->lsn,
        .argument = result->expires_at_us,
        .field = result->field,
        .line_index = result->outcome == HF_INVALID_ARGUMENT ? result->line_index : UINT32_MAX,
        .entries_count = result->lines_count,
    };
    if (result->lines_count == 0) {
        hf_reply_put_plain(out, &reply);
        return;
    }
    const size_t place = hf_reply_begin(out);
    for (uint32_t i = 0; i < result->lines_count; i++) {
        hf_result_line_put(out, &result->lines[i]);
    }
    hf_reply_end(out, place, &reply);
}

void hf_reply_put_error(struct hf_buffer *out, unsigned operation, uint64_t correlation,
                        enum hf_err outcome, enum hf_field field)
{
    const struct hf_reply reply = {.outcome = outcome, .field = field, .line_index = UINT32_MAX};
    const struct hf_frame frame = {.operation = operation,
                                   .flags = HF_FRAME_REPLY | HF_FRAME_ERROR,
                                   .count = 1,
                                   .correlation = correlation};
    const size_t place = hf_frame_begin(out);
    hf_reply_put_plain(out, &reply);
    (void)hf_frame_end(out, place, &frame); /* a failure stays in out->is_failed */
}

/* ------------------------------------------------------------------ items: reading */

enum hf_err hf_reply_next(struct hf_items *body, struct hf_reply *reply)
{
    struct hf_items rest;
    const unsigned char *item = hf_entry_take(body, HF_ITEM_HEADER_BYTES, &rest);
    if (item == NULL) {
        return HF_CORRUPT;
    }
    const uint16_t line = hf_get_u16(item + AT_LINE);
    *reply = (struct hf_reply){
        .outcome = (enum hf_err)hf_get_u16(item + AT_OUTCOME),
        .is_repeated = (item[AT_FLAGS] & HF_REPLY_REPEATED) != 0,
        .is_unchanged = (item[AT_FLAGS] & HF_REPLY_UNCHANGED) != 0,
        .state = (enum hf_state)item[AT_STATE],
        .lsn = hf_get_u64(item + AT_LSN),
        .argument = hf_get_u64(item + AT_ARGUMENT),
        .entries_count = hf_get_u32(item + AT_ENTRIES_COUNT),
        .field = (enum hf_field)item[AT_FIELD],
        .line_index = line == HF_LINE_NONE ? UINT32_MAX : line,
        .entries = rest,
    };
    return HF_OK;
}

/* ------------------------------------------------------------------ entries with texts */

/* 3.6 */
void hf_cell_put(struct hf_buffer *out, const struct hf_cell_view *cell)
{
    const struct hf_text texts[2] = {cell->sku, cell->location};
    unsigned char *entry = hf_entry_put(out, CELL_FIXED_BYTES, texts, 2);
    if (entry == NULL) {
        return;
    }
    const int64_t figures[CELL_FIGURES_COUNT] = {
        cell->on_hand,         cell->held,        cell->committed,    cell->in_transit,
        cell->damaged,         cell->quarantined, cell->safety_stock, cell->low_stock,
        cell->backorder_limit, cell->atf,         cell->ats,          cell->shortage};
    entry[4] = (unsigned char)cell->sku.bytes_count;
    entry[5] = (unsigned char)cell->location.bytes_count;
    for (size_t i = 0; i < CELL_FIGURES_COUNT; i++) {
        hf_put_i64(entry + 8 + 8 * i, figures[i]);
    }
    hf_put_u64(entry + 104, cell->last_sale_us);
    hf_put_u64(entry + 112, cell->version);
}

enum hf_err hf_cell_next(struct hf_items *entries, struct hf_cell_view *cell)
{
    struct hf_items rest;
    struct hf_text texts[2];
    const unsigned char *entry = hf_entry_take(entries, CELL_FIXED_BYTES, &rest);
    if (entry == NULL || !hf_entry_texts(rest, entry + 4, 2, texts)) {
        return HF_CORRUPT;
    }
    *cell = (struct hf_cell_view){
        .sku = texts[0],
        .location = texts[1],
        .on_hand = hf_get_i64(entry + 8),
        .held = hf_get_i64(entry + 16),
        .committed = hf_get_i64(entry + 24),
        .in_transit = hf_get_i64(entry + 32),
        .damaged = hf_get_i64(entry + 40),
        .quarantined = hf_get_i64(entry + 48),
        .safety_stock = hf_get_i64(entry + 56),
        .low_stock = hf_get_i64(entry + 64),
        .backorder_limit = hf_get_i64(entry + 72),
        .atf = hf_get_i64(entry + 80),
        .ats = hf_get_i64(entry + 88),
        .shortage = hf_get_i64(entry + 96),
        .last_sale_us = hf_get_u64(entry + 104),
        .version = hf_get_u64(entry + 112),
    };
    return HF_OK;
}

/* 3.8, entry 0 */
void hf_reservation_put(struct hf_buffer *out, const struct hf_reservation_view *reservation)
{
    const struct hf_text texts[2] = {reservation->id, reservation->order};
    unsigned char *entry = hf_entry_put(out, RESERVATION_FIXED_BYTES, texts, 2);
    if (entry == NULL) {
        return;
    }
    entry[4] = (unsigned char)reservation->id.bytes_count;
    entry[5] = (unsigned char)reservation->order.bytes_count;
    hf_put_u64(entry + 8, reservation->opened_lsn);
    hf_put_u64(entry + 16, reservation->opened_us);
}

enum hf_err hf_reservation_next(struct hf_items *entries, struct hf_reservation_view *reservation)
{
    struct hf_items rest;
    struct hf_text texts[2];
    const unsigned char *entry = hf_entry_take(entries, RESERVATION_FIXED_BYTES, &rest);
    if (entry == NULL || !hf_entry_texts(rest, entry + 4, 2, texts)) {
        return HF_CORRUPT;
    }
    reservation->id = texts[0];
    reservation->order = texts[1];
    reservation->opened_lsn = hf_get_u64(entry + 8);
    reservation->opened_us = hf_get_u64(entry + 16);
    return HF_OK;
}

/* 3.8, the other entries */
void hf_reservation_line_put(struct hf_buffer *out, const struct hf_reservation_line_view *line)
{
    const struct hf_text texts[2] = {line->sku, line->location};
    unsigned char *entry = hf_entry_put(out, RESERVATION_LINE_BYTES, texts, 2);
    if (entry == NULL) {
        return;
    }
    entry[4] = (unsigned char)line->sku.bytes_count;
    entry[5] = (unsigned char)line->location.bytes_count;
    hf_put_i64(entry + 8, line->units);
    hf_put_i64(entry + 16, line->fulfilled);
    hf_put_i64(entry + 24, line->released);
}

enum hf_err hf_reservation_line_next(struct hf_items *entries,
                                     struct hf_reservation_line_view *line)
{
    struct hf_items rest;
    struct hf_text texts[2];
    const unsigned char *entry = hf_entry_take(entries, RESERVATION_LINE_BYTES, &rest);
    if (entry == NULL || !hf_entry_texts(rest, entry + 4, 2, texts)) {
        return HF_CORRUPT;
    }
    *line = (struct hf_reservation_line_view){
        .sku = texts[0],
        .location = texts[1],
        .units = hf_get_i64(entry + 8),
        .fulfilled = hf_get_i64(entry + 16),
        .released = hf_get_i64(entry + 24),
    };
    return HF_OK;
}

/* 3.9 */
void hf_summary_put(struct hf_buffer *out, const struct hf_reservation_view *reservation)
{
    HF_ASSERT(reservation->lines_count <= HF_LINES_MAX);
    unsigned char *entry = hf_entry_put(out, SUMMARY_FIXED_BYTES, &reservation->id, 1);
    if (entry == NULL) {
        return;
    }
    entry[4] = (unsigned char)reservation->id.bytes_count;
    entry[5] = (unsigned char)reservation->state;
    hf_put_u16(entry + 6, (uint16_t)reservation->lines_count);
    hf_put_u64(entry + 8, reservation->expires_at_us);
    hf_put_u64(entry + 16, reservation->opened_lsn);
}

enum hf_err hf_summary_next(struct hf_items *entries, struct hf_reservation_view *reservation)
{
    struct hf_items rest;
    struct hf_text id;
    const unsigned char *entry = hf_entry_take(entries, SUMMARY_FIXED_BYTES, &rest);
    if (entry == NULL || !hf_entry_texts(rest, entry + 4, 1, &id)) {
        return HF_CORRUPT;
    }
    *reservation = (struct hf_reservation_view){
        .id = id,
        .state = (enum hf_state)entry[5],
        .lines_count = hf_get_u16(entry + 6),
        .expires_at_us = hf_get_u64(entry + 8),
        .opened_lsn = hf_get_u64(entry + 16),
    };
    return HF_OK;
}

/* 3.10 */
void hf_move_entry_put(struct hf_buffer *out, const struct hf_move *move)
{
    const struct hf_text texts[MOVE_TEXTS_COUNT] = {move->sku,   move->location, move->ref,
                                                    move->order, move->by,       move->reservation};
    unsigned char *entry = hf_entry_put(out, MOVE_FIXED_BYTES, texts, MOVE_TEXTS_COUNT);
    if (entry == NULL) {
        return;
    }
    entry[4] = (unsigned char)move->kind;
    entry[5] = (unsigned char)move->reason;
    for (size_t i = 0; i < MOVE_TEXTS_COUNT; i++) {
        entry[6 + i] = (unsigned char)texts[i].bytes_count;
    }
    hf_put_u32(entry + 12, move->index);
    hf_put_u64(entry + 16, move->lsn);
    hf_put_u64(entry + 24, move->ts_us);
    for (size_t i = 0; i < HF_COUNTERS_COUNT; i++) {
        hf_put_i64(entry + 32 + 8 * i, move->delta[i]);
        hf_put_i64(entry + 80 + 8 * i, move->after[i]);
    }
}

enum hf_err hf_move_entry_next(struct hf_items *entries, struct hf_move *move)
{
    struct hf_items rest;
    struct hf_text texts[MOVE_TEXTS_COUNT];
    const unsigned char *entry = hf_entry_take(entries, MOVE_FIXED_BYTES, &rest);
    if (entry == NULL || !hf_entry_texts(rest, entry + 6, MOVE_TEXTS_COUNT, texts)) {
        return HF_CORRUPT;
    }
    *move = (struct hf_move){
        .lsn = hf_get_u64(entry + 16),
        .ts_us = hf_get_u64(entry + 24),
        .index = hf_get_u32(entry + 12),
        .kind = (enum hf_kind)entry[4],
        .reason = (enum hf_reason)entry[5],
        .sku = texts[0],
        .location = texts[1],
        .ref = texts[2],
        .order = texts[3],
        .by = texts[4],
        .reservation = texts[5],
    };
    for (size_t i = 0; i < HF_COUNTERS_COUNT; i++) {
        move->delta[i] = hf_get_i64(entry + 32 + 8 * i);
        move->after[i] = hf_get_i64(entry + 80 + 8 * i);
    }
    return HF_OK;
}

/* 3.12 */
void hf_stat_put(struct hf_buffer *out, const struct hf_stat *stat)
{
    unsigned char *entry = hf_entry_put(out, STAT_FIXED_BYTES, &stat->name, 1);
    if (entry == NULL) {
        return;
    }
    entry[4] = (unsigned char)stat->name.bytes_count;
    hf_put_u64(entry + 8, stat->value);
}

enum hf_err hf_stat_next(struct hf_items *entries, struct hf_stat *stat)
{
    struct hf_items rest;
    const unsigned char *entry = hf_entry_take(entries, STAT_FIXED_BYTES, &rest);
    if (entry == NULL || !hf_entry_texts(rest, entry + 4, 1, &stat->name)) {
        return HF_CORRUPT;
    }
    stat->value = hf_get_u64(entry + 8);
    return HF_OK;
}

/* 3.13 */
void hf_audit_report_put(struct hf_buffer *out, const struct hf_audit_report *report)
{
    unsigned char *entry = hf_entry_put(out, AUDIT_FIXED_BYTES, &report->first_violation, 1);
    if (entry == NULL) {
        return;
    }
    entry[4] = (unsigned char)report->first_violation.bytes_count;
    hf_put_u64(entry + 8, report->cells_count);
    hf_put_u64(entry + 16, report->reservations_count);
    hf_put_u64(entry + 24, report->shipments_count);
    hf_put_u64(entry + 32, report->violations_count);
}

enum hf_err hf_audit_report_next(struct hf_items *entries, struct hf_audit_report *report)
{
    struct hf_items rest;
    const unsigned char *entry = hf_entry_take(entries, AUDIT_FIXED_BYTES, &rest);
    if (entry == NULL || !hf_entry_texts(rest, entry + 4, 1, &report->first_violation)) {
        return HF_CORRUPT;
    }
    report->cells_count = hf_get_u64(entry + 8);
    report->reservations_count = hf_get_u64(entry + 16);
    report->shipments_count = hf_get_u64(entry + 24);
    report->violations_count = hf_get_u64(entry + 32);
    return HF_OK;
}

/* 3.19 */
void hf_backup_view_put(struct hf_buffer *out, const struct hf_backup_view *view)
{
    unsigned char *entry = hf_entry_put(out, BACKUP_FIXED_BYTES, &view->text, 1);
    if (entry == NULL) {
        return;
    }
    entry[4] = (unsigned char)view->text.bytes_count;
    entry[5] = view->is_done ? 1 : 0;
    hf_put_u64(entry + 8, view->bytes_done);
    hf_put_u64(entry + 16, view->bytes_total);
}

enum hf_err hf_backup_view_next(struct hf_items *entries, struct hf_backup_view *view)
{
    struct hf_items rest;
    const unsigned char *entry = hf_entry_take(entries, BACKUP_FIXED_BYTES, &rest);
    if (entry == NULL || entry[5] > 1 || !hf_entry_texts(rest, entry + 4, 1, &view->text)) {
        return HF_CORRUPT;
    }
    view->is_done = entry[5] == 1;
    view->bytes_done = hf_get_u64(entry + 8);
    view->bytes_total = hf_get_u64(entry + 16);
    return HF_OK;
}

/* ------------------------------------------------------------------ entries of fixed size */

/* 3.5 */
void hf_result_line_put(struct hf_buffer *out, const struct hf_result_line *line)
{
    unsigned char *entry = hf_buffer_add(out, HF_RESULT_LINE_BYTES);
    if (entry == NULL) {
        return;
    }
    HF_ASSERT((unsigned)line->outcome < HF_OUTCOMES_COUNT);
    hf_put_u32(entry, line->line_index);
    hf_put_u16(entry + 4, (uint16_t)line->outcome);
    hf_put_u16(entry + 6, 0);
    hf_put_i64(entry + 8, line->requested);
    hf_put_i64(entry + 16, line->granted);
    hf_put_i64(entry + 24, line->ats);
    hf_put_i64(entry + 32, line->shortfall);
    hf_put_u64(entry + 40, line->earliest_expiry_us);
}

enum hf_err hf_result_line_next(struct hf_items *entries, struct hf_result_line *line)
{
    const unsigned char *entry = hf_items_take(entries, HF_RESULT_LINE_BYTES);
    if (entry == NULL) {
        return HF_CORRUPT;
    }
    *line = (struct hf_result_line){
        .line_index = hf_get_u32(entry),
        .outcome = (enum hf_err)hf_get_u16(entry + 4),
        .requested = hf_get_i64(entry + 8),
        .granted = hf_get_i64(entry + 16),
        .ats = hf_get_i64(entry + 24),
        .shortfall = hf_get_i64(entry + 32),
        .earliest_expiry_us = hf_get_u64(entry + 40),
    };
    return HF_OK;
}

/* 3.7 */
void hf_ats_put(struct hf_buffer *out, const struct hf_ats_entry *ats)
{
    unsigned char *entry = hf_buffer_add(out, ATS_BYTES);
    if (entry == NULL) {
        return;
    }
    HF_ASSERT((unsigned)ats->outcome < HF_OUTCOMES_COUNT);
    hf_put_u64(entry, (uint64_t)ats->outcome);
    hf_put_i64(entry + 8, ats->figures.ats);
    hf_put_i64(entry + 16, ats->figures.atf);
}

enum hf_err hf_ats_next(struct hf_items *entries, struct hf_ats_entry *ats)
{
    const unsigned char *entry = hf_items_take(entries, ATS_BYTES);
    if (entry == NULL) {
        return HF_CORRUPT;
    }
    ats->outcome = (enum hf_err)hf_get_u16(entry);
    ats->figures.ats = hf_get_i64(entry + 8);
    ats->figures.atf = hf_get_i64(entry + 16);
    return HF_OK;
}

/* 3.11 */
void hf_handle_pair_put(struct hf_buffer *out, const struct hf_handle_pair *pair)
{
    unsigned char *entry = hf_buffer_add(out, HANDLE_PAIR_BYTES);
    if (entry == NULL) {
        return;
    }
    hf_put_u32(entry, pair->sku);
    hf_put_u32(entry + 4, pair->location);
    hf_put_u64(entry + 8, 0);
}

enum hf_err hf_handle_pair_next(struct hf_items *entries, struct hf_handle_pair *pair)
{
    const unsigned char *entry = hf_items_take(entries, HANDLE_PAIR_BYTES);
    if (entry == NULL) {
        return HF_CORRUPT;
    }
    pair->sku = hf_get_u32(entry);
    pair->location = hf_get_u32(entry + 4);
    return HF_OK;
}

void hf_digest_put(struct hf_buffer *out, const struct hf_digest *digest)
{
    unsigned char *entry = hf_buffer_add(out, DIGEST_BYTES);
    if (entry == NULL) {
        return;
    }
    hf_put_u64(entry, digest->low);
    hf_put_u64(entry + 8, digest->high);
}

enum hf_err hf_digest_next(struct hf_items *entries, struct hf_digest *digest)
{
    const unsigned char *entry = hf_items_take(entries, DIGEST_BYTES);
    if (entry == NULL) {
        return HF_CORRUPT;
    }
    digest->low = hf_get_u64(entry);
    digest->high = hf_get_u64(entry + 8);
    return HF_OK;
}

/* 3.4; the offsets there count from the item, these from the entry. */
void hf_welcome_put(struct hf_buffer *out, const struct hf_welcome *welcome)
{
    HF_ASSERT(welcome->version.bytes_count <= HF_TEXT_BYTES_MAX);
    const size_t entry_bytes = WELCOME_FIXED_BYTES + hf_round_up_8(welcome->version.bytes_count);
    unsigned char *entry = hf_buffer_add(out, entry_bytes);
    if (entry == NULL) {
        return;
    }
    memset(entry, 0, entry_bytes);
    memcpy(entry, welcome->directory_id, sizeof welcome->directory_id);
    hf_put_u32(entry + 16, welcome->epoch);
    hf_put_u32(entry + 20, welcome->handle_tag);
    hf_put_u32(entry + 24, welcome->frame_bytes_max);
    hf_put_u32(entry + 28, welcome->operations_max);
    hf_put_u64(entry + 32, welcome->time_us);
    entry[40] = (unsigned char)welcome->version.bytes_count;
    if (welcome->version.bytes_count > 0) {
        memcpy(entry + WELCOME_FIXED_BYTES, welcome->version.bytes, welcome->version.bytes_count);
    }
}

enum hf_err hf_welcome_next(struct hf_items *entries, struct hf_welcome *welcome)
{
    const unsigned char *entry = hf_items_take(entries, WELCOME_FIXED_BYTES);
    if (entry == NULL) {
        return HF_CORRUPT;
    }
    const unsigned char *version = hf_items_take(entries, hf_round_up_8(entry[40]));
    if (version == NULL) {
        return HF_CORRUPT;
    }
    memcpy(welcome->directory_id, entry, sizeof welcome->directory_id);
    welcome->epoch = hf_get_u32(entry + 16);
    welcome->handle_tag = hf_get_u32(entry + 20);
    welcome->frame_bytes_max = hf_get_u32(entry + 24);
    welcome->operations_max = hf_get_u32(entry + 28);
    welcome->time_us = hf_get_u64(entry + 32);
    welcome->version = (struct hf_text){(const char *)version, entry[40]};
    return HF_OK;
}
