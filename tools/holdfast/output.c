#include "tools/holdfast/output.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "engine/assert.h"

/* Rows that a table gathers before it settles the widths of its columns. */
#define HF_LISTING_ROWS_WAITING 500

static _Noreturn void out_of_memory(void)
{
    (void)fputs("holdfast: out of memory\n", stderr);
    exit(3); /* an answer may have been lost: as bad as not having one */
}

/* ------------------------------------------------------------------ values */

const char *hf_time_text(int64_t time_us, char text[HF_TIME_BYTES])
{
    if (time_us == 0) {
        (void)snprintf(text, HF_TIME_BYTES, "-");
        return text;
    }
    int64_t seconds = time_us / HOLDFAST_SECOND_US;
    int64_t micros = time_us % HOLDFAST_SECOND_US;
    if (micros < 0) {
        micros += HOLDFAST_SECOND_US;
        seconds -= 1;
    }
    const time_t whole = (time_t)seconds;
    struct tm utc;
    if (gmtime_r(&whole, &utc) == NULL) {
        (void)snprintf(text, HF_TIME_BYTES, "-");
        return text;
    }
    size_t used = strftime(text, HF_TIME_BYTES, "%Y-%m-%dT%H:%M:%S", &utc);
    if (micros != 0) {
        used += (size_t)snprintf(text + used, HF_TIME_BYTES - used, ".%06" PRId64, micros);
    }
    HF_ASSERT(used + 2 <= HF_TIME_BYTES);
    (void)snprintf(text + used, HF_TIME_BYTES - used, "Z");
    return text;
}

const char *hf_number_text(int64_t number, char text[HF_NUMBER_BYTES])
{
    (void)snprintf(text, HF_NUMBER_BYTES, "%" PRId64, number);
    return text;
}

const char *hf_plural(uint64_t count)
{
    return count == 1 ? "" : "s";
}

/* ------------------------------------------------------------------ JSON */

/* Text that came from the command line may hold any bytes; JSON may not. */
static json_t *json_repaired(const char *text)
{
    json_t *value = NULL;
    char *copy = malloc(strlen(text) * 3 + 1);
    if (copy != NULL) {
        char *to = copy;
        for (const unsigned char *p = (const unsigned char *)text; *p != '\0'; p++) {
            if (*p < 0x80) {
                *to++ = (char)*p;
            } else {
                memcpy(to, "\xEF\xBF\xBD", 3);
                to += 3;
            }
        }
        *to = '\0';
        value = json_string(copy);
        free(copy);
    }
    return value;
}

json_t *hf_json_text(const char *text)
{
    if (text == NULL || text[0] == '\0') {
        return json_null();
    }
    json_t *value = json_string(text);
    return value != NULL ? value : json_repaired(text);
}

json_t *hf_json_time(int64_t time_us)
{
    char text[HF_TIME_BYTES];
    return time_us == 0 ? json_null() : json_string(hf_time_text(time_us, text));
}

json_t *hf_json_count(uint64_t count)
{
    return json_integer((json_int_t)count);
}

void hf_json_set(json_t *object, const char *key, json_t *value)
{
    if (json_object_set_new_nocheck(object, key, value) != 0) {
        out_of_memory();
    }
}

json_t *hf_json_object(void)
{
    json_t *object = json_object();
    if (object == NULL) {
        out_of_memory();
    }
    return object;
}

json_t *hf_json_array(void)
{
    json_t *array = json_array();
    if (array == NULL) {
        out_of_memory();
    }
    return array;
}

void hf_json_append(json_t *array, json_t *value)
{
    if (json_array_append_new(array, value) != 0) {
        out_of_memory();
    }
}

void hf_json_print(json_t *object)
{
    HF_ASSERT(object != NULL);
    if (json_dumpf(object, stdout, JSON_COMPACT) != 0 || putchar('\n') == EOF) {
        (void)fputs("holdfast: could not write to standard output\n", stderr);
        exit(3);
    }
    json_decref(object);
}

json_t *hf_json_cell(const struct holdfast_cell *cell, bool has_policies)
{
    json_t *object = hf_json_object();
    hf_json_set(object, "sku", hf_json_text(cell->sku));
    hf_json_set(object, "location", hf_json_text(cell->location));
    hf_json_set(object, "on_hand", json_integer(cell->on_hand));
    hf_json_set(object, "held", json_integer(cell->held));
    hf_json_set(object, "committed", json_integer(cell->committed));
    hf_json_set(object, "reserved", json_integer(cell->held + cell->committed));
    hf_json_set(object, "in_transit", json_integer(cell->in_transit));
    hf_json_set(object, "safety_stock", json_integer(cell->safety_stock));
    hf_json_set(object, "atf", json_integer(cell->atf));
    hf_json_set(object, "ats", json_integer(cell->ats));
    hf_json_set(object, "version", hf_json_count(cell->version));
    hf_json_set(object, "lsn", hf_json_count(cell->lsn));
    if (has_policies) {
        const bool has_threshold = cell->low_stock != HOLDFAST_LOW_STOCK_NONE;
        hf_json_set(object, "low_stock",
                    has_threshold ? json_integer(cell->low_stock) : json_null());
        hf_json_set(object, "backorder_limit", json_integer(cell->backorder_limit));
    }
    hf_json_set(object, "damaged", json_integer(cell->damaged));
    hf_json_set(object, "quarantined", json_integer(cell->quarantined));
    hf_json_set(object, "shortage", json_integer(cell->shortage));
    hf_json_set(object, "last_sale", hf_json_time(cell->last_sale_us));
    return object;
}

json_t *hf_json_reservation(const struct holdfast_reservation *reservation)
{
    json_t *object = hf_json_object();
    json_t *lines = hf_json_array();

    for (size_t i = 0; reservation->lines != NULL && i < reservation->lines_count; i++) {
        const struct holdfast_reservation_line *line = &reservation->lines[i];
        json_t *item = hf_json_object();
        hf_json_set(item, "sku", hf_json_text(line->sku));
        hf_json_set(item, "location", hf_json_text(line->location));
        hf_json_set(item, "qty", json_integer(line->units));
        hf_json_set(item, "fulfilled", json_integer(line->fulfilled));
        hf_json_set(item, "released", json_integer(line->released));
        hf_json_append(lines, item);
    }
    hf_json_set(object, "id", hf_json_text(reservation->id));
    hf_json_set(object, "order", hf_json_text(reservation->order));
    hf_json_set(object, "state", hf_json_text(holdfast_state_name(reservation->state)));
    hf_json_set(object, "expires_at", hf_json_time(reservation->expires_at_us));
    hf_json_set(object, "lines", lines);
    return object;
}

json_t *hf_json_counters(const struct holdfast_counters *counters)
{
    json_t *object = hf_json_object();
    hf_json_set(object, "on_hand", json_integer(counters->on_hand));
    hf_json_set(object, "held", json_integer(counters->held));
    hf_json_set(object, "committed", json_integer(counters->committed));
    hf_json_set(object, "in_transit", json_integer(counters->in_transit));
    hf_json_set(object, "damaged", json_integer(counters->damaged));
    hf_json_set(object, "quarantined", json_integer(counters->quarantined));
    return object;
}

json_t *hf_json_hits(const struct holdfast_hit *hits, size_t hits_count)
{
    json_t *array = hf_json_array();
    for (size_t i = 0; i < hits_count; i++) {
        json_t *item = hf_json_object();
        hf_json_set(item, "id", hf_json_text(hits[i].reservation));
        hf_json_set(item, "qty", json_integer(hits[i].units));
        hf_json_append(array, item);
    }
    return array;
}

static json_t *json_shipment_lines(const struct holdfast_shipment *shipment, bool is_inbound)
{
    json_t *lines = hf_json_array();
    for (size_t i = 0; i < shipment->lines_count; i++) {
        const struct holdfast_shipment_line *line = &shipment->lines[i];
        json_t *item = hf_json_object();
        hf_json_set(item, "sku", hf_json_text(line->sku));
        hf_json_set(item, "qty", json_integer(line->units));
        hf_json_set(item, "received", json_integer(line->received));
        hf_json_set(item, "damaged", json_integer(line->damaged));
        hf_json_set(item, "cancelled", json_integer(line->cancelled));
        if (!is_inbound) {
            hf_json_set(item, "unshipped", json_integer(line->unshipped));
        }
        hf_json_set(item, "in_transit", json_integer(line->under_way));
        if (!is_inbound) {
            hf_json_set(item, "lost", json_integer(line->lost));
        }
        hf_json_append(lines, item);
    }
    return lines;
}

json_t *hf_json_shipment(const struct holdfast_shipment *shipment)
{
    const bool is_inbound = shipment->from[0] == '\0';
    json_t *object = hf_json_object();

    hf_json_set(object, "id", hf_json_text(shipment->id));
    if (is_inbound) {
        hf_json_set(object, "location", hf_json_text(shipment->to));
        hf_json_set(object, "eta", hf_json_time(shipment->eta_us));
        hf_json_set(object, "sellable", json_boolean(shipment->is_sellable));
    } else {
        hf_json_set(object, "from", hf_json_text(shipment->from));
        hf_json_set(object, "to", hf_json_text(shipment->to));
    }
    hf_json_set(object, "state", hf_json_text(holdfast_state_name(shipment->state)));
    if (shipment->lines != NULL) {
        hf_json_set(object, "lines", json_shipment_lines(shipment, is_inbound));
    } else {
        hf_json_set(object, "lines_count", hf_json_count(shipment->lines_count));
        hf_json_set(object, "open", json_integer(shipment->open_units));
    }
    hf_json_set(object, "order", hf_json_text(shipment->order));
    hf_json_set(object, "opened", hf_json_time(shipment->opened_us));
    return object;
}

json_t *hf_json_move(const struct holdfast_move *move)
{
    json_t *object = hf_json_object();
    const char *reason =
        move->reason == HOLDFAST_REASON_NONE ? NULL : holdfast_reason_name(move->reason);

    hf_json_set(object, "lsn", hf_json_count(move->lsn));
    hf_json_set(object, "ts", hf_json_time(move->ts_us));
    hf_json_set(object, "kind", hf_json_text(holdfast_kind_name(move->kind)));
    hf_json_set(object, "reason", hf_json_text(reason));
    hf_json_set(object, "sku", hf_json_text(move->sku));
    hf_json_set(object, "location", hf_json_text(move->location));
    hf_json_set(object, "ref", hf_json_text(move->ref));
    hf_json_set(object, "order", hf_json_text(move->order));
    hf_json_set(object, "by", hf_json_text(move->by));
    hf_json_set(object, "reservation", hf_json_text(move->reservation));
    hf_json_set(object, "delta", hf_json_counters(&move->delta));
    hf_json_set(object, "after", hf_json_counters(&move->after));
    return object;
}

/* ------------------------------------------------------------------ tables */

/* Places that a text takes on a terminal: code points, which is right for most scripts. */
static size_t text_width(const char *text)
{
    size_t width = 0;
    for (const unsigned char *p = (const unsigned char *)text; *p != '\0'; p++) {
        width += (*p & 0xC0) != 0x80 ? 1 : 0;
    }
    return width;
}

static const char *title_text(const char *title)
{
    return title[0] == '>' ? title + 1 : title;
}

void hf_listing_init(struct hf_listing *table, const char *const *titles, size_t columns_count)
{
    HF_ASSERT(columns_count > 0 && columns_count <= HF_LISTING_COLUMNS_MAX);

    *table = (struct hf_listing){.titles = titles, .columns_count = columns_count};
    for (size_t i = 0; i < columns_count; i++) {
        table->widths[i] = text_width(title_text(titles[i]));
    }
}

static void print_row(const struct hf_listing *table, const char *const *cells, bool is_titles)
{
    size_t owed = 0; /* spaces are printed before the next text, so that no line ends in them */
    for (size_t i = 0; i < table->columns_count; i++) {
        if (table->is_hidden[i]) {
            continue;
        }
        const char *text = is_titles ? title_text(cells[i]) : cells[i];
        const size_t width = text_width(text);
        const size_t room = table->widths[i] > width ? table->widths[i] - width : 0;
        const bool is_right = table->titles[i][0] == '>';

        owed += is_right ? room : 0;
        if (text[0] != '\0') {
            (void)printf("%*s%s", (int)owed, "", text);
            owed = 0;
        }
        owed += (is_right ? 0 : room) + 2;
    }
    (void)putchar('\n');
}

static void flush_rows(struct hf_listing *table)
{
    if (table->texts_count > 0 && !table->is_begun) {
        for (size_t i = 0; i < table->columns_count; i++) {
            table->is_hidden[i] = !table->has_text[i];
        }
        print_row(table, table->titles, true);
        table->is_begun = true;
    }
    for (size_t i = 0; i < table->texts_count; i += table->columns_count) {
        print_row(table, (const char *const *)&table->texts[i], false);
    }
    for (size_t i = 0; i < table->texts_count; i++) {
        free(table->texts[i]);
    }
    table->texts_count = 0;
}

void hf_listing_add(struct hf_listing *table, const char *const *cells)
{
    if (table->texts == NULL) {
        table->texts_max = HF_LISTING_ROWS_WAITING * table->columns_count;
        table->texts = calloc(table->texts_max, sizeof *table->texts);
        if (table->texts == NULL) {
            out_of_memory();
        }
    }
    HF_ASSERT(table->texts_count + table->columns_count <= table->texts_max);

    for (size_t i = 0; i < table->columns_count; i++) {
        char *copy = strdup(cells[i] == NULL ? "" : cells[i]);
        if (copy == NULL) {
            out_of_memory();
        }
        const size_t width = text_width(copy);
        table->widths[i] = width > table->widths[i] ? width : table->widths[i];
        table->has_text[i] = table->has_text[i] || width > 0;
        table->texts[table->texts_count++] = copy;
    }
    table->rows_count += 1;
    if (table->texts_count == table->texts_max) {
        flush_rows(table);
    }
}

void hf_listing_end(struct hf_listing *table)
{
    flush_rows(table);
    free(table->texts);
    table->texts = NULL;
    table->texts_max = 0;
}
