#include "bench/replay/order_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <xxhash.h>
#include <zlib.h>

#include "tools/common/csv.h"
#include "engine/assert.h"
#include "engine/limits.h"
#include "engine/text.h"

#define READ_BYTES (1u << 20)

enum column { INVOICE, STOCK_CODE, DESCRIPTION, QUANTITY, UNIT_PRICE, CUSTOMER, COLUMNS_COUNT };
static const char *const column_names[COLUMNS_COUNT] = {"InvoiceNo", "StockCode", "Description",
                                                        "Quantity",  "UnitPrice", "CustomerID"};

struct columns {
    size_t at[COLUMNS_COUNT]; /* index of the field in a row */
    size_t count;             /* fields of a row */
};

struct row {
    uint64_t line;
    char *invoice;
    char *sku;
    const char *description;
    int64_t quantity;
    bool is_free; /* UnitPrice is 0 */
    bool has_customer;
};

/* ------------------------------------------------------------------ bytes */

static bool unpack(struct hf_order_file *file, gzFile in, const char *path, char *error,
                   size_t error_bytes)
{
    size_t room = 0;
    for (;;) {
        if (file->text_bytes + READ_BYTES + 1 > room) {
            room = room == 0 ? 16 * (size_t)READ_BYTES : room * 2;
            char *moved = realloc(file->text, room);
            if (moved == NULL) {
                (void)snprintf(error, error_bytes, "could not read \"%s\": no memory", path);
                return false;
            }
            file->text = moved;
        }
        const int got = gzread(in, file->text + file->text_bytes, READ_BYTES);
        if (got < 0) {
            int number;
            const char *why = gzerror(in, &number);
            (void)snprintf(error, error_bytes, "could not read \"%s\": %s", path,
                           number == Z_ERRNO ? strerror(errno) : why);
            return false;
        }
        file->text_bytes += (size_t)got;
        if (file->text_bytes > HF_ORDER_FILE_BYTES_MAX) {
            (void)snprintf(error, error_bytes, "cannot read \"%s\": more than 1 GiB of text", path);
            return false;
        }
        if (got < (int)READ_BYTES) {
            return true;
        }
    }
}

static bool read_text(struct hf_order_file *file, const char *path, char *error, size_t error_bytes)
{
    errno = 0;
    gzFile in = gzopen(path, "rb");
    if (in == NULL) {
        (void)snprintf(error, error_bytes, "could not open \"%s\": %s", path,
                       errno == 0 ? "no memory" : strerror(errno));
        return false;
    }
    const bool is_read = unpack(file, in, path, error, error_bytes);
    /* A file that was cut short unpacks well up to the cut: only closing tells. */
    const int closed = gzclose_r(in);
    if (is_read && closed != Z_OK) {
        (void)snprintf(error, error_bytes, "cannot read \"%s\": it ends too early", path);
        return false;
    }
    return is_read;
}

/* ------------------------------------------------------------------ rows */

static bool find_columns(struct columns *columns, const struct hf_csv *csv, const char *path,
                         char *error, size_t error_bytes)
{
    columns->count = csv->fields_count;
    for (size_t column = 0; column < COLUMNS_COUNT; column++) {
        size_t at = 0;
        while (at < csv->fields_count && strcmp(csv->fields[at].bytes, column_names[column]) != 0) {
            at++;
        }
        if (at == csv->fields_count) {
            (void)snprintf(error, error_bytes, "cannot read \"%s\": line %llu has no column \"%s\"",
                           path, (unsigned long long)csv->line, column_names[column]);
            return false;
        }
        columns->at[column] = at;
    }
    return true;
}

static bool read_quantity(const char *text, int64_t *quantity)
{
    char *end;
    errno = 0;
    const long long value = strtoll(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || text[0] == ' ') {
        return false;
    }
    *quantity = value;
    return value >= -HF_UNITS_MAX && value <= HF_UNITS_MAX;
}

static bool read_price(const char *text, bool *is_free)
{
    char *end;
    errno = 0;
    const double value = strtod(text, &end);
    if (errno != 0 || end == text || *end != '\0' || text[0] == ' ' || value != value) {
        return false;
    }
    *is_free = value == 0;
    return true;
}

static bool is_stock(const char *code)
{
    static const char *const others[] = {
        "POST", "DOT", "M", "m", "C2", "D", "S", "B", "BANK CHARGES", "AMAZONFEE", "CRUK", "PADS"};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        if (strcmp(code, others[i]) == 0) {
            return false;
        }
    }
    return strncmp(code, "gift_", 5) != 0;
}

static bool is_code(const struct hf_csv_field *field)
{
    return field->bytes_count <= HF_CODE_BYTES_MAX &&
           hf_text_is_code((struct hf_text){field->bytes, (uint32_t)field->bytes_count});
}

/* Why the row cannot be read; NULL: `row` is set. */
static const char *read_row(struct row *row, const struct hf_csv *csv,
                            const struct columns *columns)
{
    if (csv->fields_count != columns->count) {
        return "not as many fields as the first line has";
    }
    const struct hf_csv_field *field[COLUMNS_COUNT];
    for (size_t column = 0; column < COLUMNS_COUNT; column++) {
        field[column] = &csv->fields[columns->at[column]];
    }
    *row = (struct row){.line = csv->line,
                        .invoice = field[INVOICE]->bytes,
                        .sku = field[STOCK_CODE]->bytes,
                        .description = field[DESCRIPTION]->bytes,
                        .has_customer = field[CUSTOMER]->bytes_count > 0};
    if (!is_code(field[INVOICE])) {
        return "InvoiceNo is not a code of 1 to 64 bytes";
    }
    if (!is_code(field[STOCK_CODE])) {
        return "StockCode is not a code of 1 to 64 bytes";
    }
    if (!is_stock(row->sku)) {
        return NULL;
    }
    if (!read_quantity(field[QUANTITY]->bytes, &row->quantity)) {
        return "Quantity is not a whole number of units";
    }
    if (row->quantity == 0) {
        return "Quantity is zero";
    }
    if (row->invoice[0] == 'C' && row->quantity > 0) {
        return "Quantity of a return is positive";
    }
    if (!read_price(field[UNIT_PRICE]->bytes, &row->is_free)) {
        return "UnitPrice is not a number";
    }
    return NULL;
}

/* ------------------------------------------------------------------ events */

static bool has_word(const char *text, const char *word)
{
    const size_t word_bytes = strlen(word);
    for (; *text != '\0'; text++) {
        if (strncasecmp(text, word, word_bytes) == 0) {
            return true;
        }
    }
    return false;
}

static bool make_room(struct hf_order_file *file)
{
    if (file->lines_count < file->rows_room) {
        return true;
    }
    const uint32_t room = file->rows_room == 0 ? 65536 : file->rows_room * 2;
    void *moved = realloc(file->events, room * sizeof *file->events);
    if (moved == NULL) {
        return false;
    }
    file->events = moved;
    moved = realloc(file->lines, room * sizeof *file->lines);
    if (moved == NULL) {
        return false;
    }
    file->lines = moved;
    moved = realloc(file->invoice_event, room * sizeof *file->invoice_event);
    if (moved == NULL) {
        return false;
    }
    file->invoice_event = moved;
    moved = realloc(file->demand_units, room * sizeof *file->demand_units);
    if (moved == NULL) {
        return false;
    }
    file->demand_units = moved;
    file->rows_room = room;
    return true;
}

/* The event that the row belongs to: of a sale the one of its invoice, else a new one. */
static bool event_of(struct hf_order_file *file, const struct row *row, enum hf_event_kind kind,
                     struct hf_event **event)
{
    if (kind == HF_EVENT_ORDER) {
        const uint32_t known = file->invoices.count;
        uint32_t invoice;
        if (!hf_codes_add(&file->invoices, row->invoice, &invoice)) {
            return false;
        }
        if (invoice < known) {
            *event = &file->events[file->invoice_event[invoice]];
            return true;
        }
        file->invoice_event[invoice] = file->events_count;
    }
    *event = &file->events[file->events_count++];
    **event = (struct hf_event){.kind = kind,
                                .row = row->line,
                                .invoice = row->invoice,
                                .first_line = file->lines_count,
                                .last_line = file->lines_count,
                                .is_damage = has_word(row->description, "damag")};
    return true;
}

/* False: no memory. */
static bool add_row(struct hf_order_file *file, const struct row *row)
{
    enum hf_event_kind kind = HF_EVENT_ORDER;
    if (row->invoice[0] == 'C') {
        kind = HF_EVENT_RETURN;
    } else if (row->quantity < 0) {
        kind = HF_EVENT_LOSS;
    } else if (row->is_free && !row->has_customer) {
        kind = HF_EVENT_FOUND;
    }

    struct hf_event *event;
    const uint32_t known = file->skus.count;
    uint32_t sku;
    if (!make_room(file) || !hf_codes_add(&file->skus, row->sku, &sku) ||
        !event_of(file, row, kind, &event)) {
        return false;
    }
    if (sku == known) {
        file->demand_units[sku] = 0;
    }
    const uint32_t line = file->lines_count++;
    file->lines[line] =
        (struct hf_event_line){.sku = sku,
                               .next = UINT32_MAX,
                               .units = row->quantity < 0 ? -row->quantity : row->quantity};
    if (event->lines_count > 0) {
        file->lines[event->last_line].next = line;
    }
    event->last_line = line;
    event->lines_count++;
    if (kind == HF_EVENT_ORDER || kind == HF_EVENT_LOSS) {
        file->demand_units[sku] += file->lines[line].units;
        if (file->demand_units[sku] > HF_UNITS_MAX) {
            file->demand_units[sku] = HF_UNITS_MAX; /* more than a cell can hold cannot be opened */
        }
    }
    return true;
}

static bool read_rows(struct hf_order_file *file, struct hf_csv *csv, const struct columns *columns,
                      hf_row_report_cb report)
{
    for (;;) {
        const enum hf_csv_result result = hf_csv_next(csv);
        if (result == HF_CSV_END) {
            return true;
        }
        struct row row = {0};
        const char *bad = result == HF_CSV_BAD ? csv->error : read_row(&row, csv, columns);
        if (bad != NULL) {
            file->rows_unreadable++;
            report(csv->line, bad);
            continue;
        }
        file->rows_count++;
        if (!is_stock(row.sku)) {
            file->rows_not_stock++;
        } else if (file->lines_count == HF_ORDER_FILE_ROWS_MAX || !add_row(file, &row)) {
            return false;
        }
    }
}

bool hf_order_file_read(struct hf_order_file *file, const char *path, hf_row_report_cb report,
                        char *error, size_t error_bytes)
{
    *file = (struct hf_order_file){0};
    if (!read_text(file, path, error, error_bytes)) {
        hf_order_file_release(file);
        return false;
    }
    file->key = XXH3_64bits(file->text, file->text_bytes); /* before the text is taken apart */

    struct hf_csv csv;
    struct columns columns;
    hf_csv_init(&csv, file->text, file->text_bytes);
    if (hf_csv_next(&csv) != HF_CSV_ROW) {
        (void)snprintf(error, error_bytes, "cannot read \"%s\": no line with the columns' names",
                       path);
    } else if (find_columns(&columns, &csv, path, error, error_bytes)) {
        if (read_rows(file, &csv, &columns, report)) {
            return true;
        }
        (void)snprintf(error, error_bytes, "could not read \"%s\": no memory for its rows", path);
    }
    hf_order_file_release(file);
    return false;
}

void hf_order_file_release(struct hf_order_file *file)
{
    free(file->text);
    free(file->events);
    free(file->lines);
    free(file->invoice_event);
    free(file->demand_units);
    hf_codes_release(&file->skus);
    hf_codes_release(&file->invoices);
    *file = (struct hf_order_file){0};
}
