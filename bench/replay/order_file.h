/*
 * order_file.h - a file of order lines (.csv or .csv.gz) as the events that it tells of.
 *
 *     row    not stock    StockCode in POST, DOT, M, ... or gift_*             passed over
 *            return       InvoiceNo starts with C                              stock comes in
 *            loss         Quantity < 0                                         stock goes out
 *            found        Quantity > 0, UnitPrice 0, no CustomerID             stock comes in
 *            sale         the rest                                             a line of an order
 *
 *     event  opening      one a SKU, before everything else
 *            order        all sale lines of one invoice, standing at the first of them
 *            return, loss, found   one a row
 *
 * The first rule that fits decides. Columns are found by their names in the first row; only
 * InvoiceNo, StockCode, Description, Quantity, UnitPrice and CustomerID are read.
 *
 * The whole file is read before anything is played: what a SKU will sell is known only at its end.
 * A row that cannot be read is reported with the number of its line, counted and left out.
 * Every event is named after the line it stands at, never after its content: exact duplicates of a
 * row are all real.
 */
#ifndef HF_BENCH_ORDER_FILE_H
#define HF_BENCH_ORDER_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bench/replay/codes.h"

#define HF_ORDER_FILE_BYTES_MAX (UINT64_C(1) << 30) /* unpacked; it is held in memory */
#define HF_ORDER_FILE_ROWS_MAX 50000000             /* rows, SKUs and events fit 32 bits by far */

enum hf_event_kind {
    HF_EVENT_OPENING,
    HF_EVENT_ORDER,
    HF_EVENT_RETURN,
    HF_EVENT_LOSS,
    HF_EVENT_FOUND
};

struct hf_event {
    enum hf_event_kind kind;
    uint32_t first_line; /* index into lines */
    uint32_t last_line;
    uint32_t lines_count;
    uint64_t row;        /* line number in the file, from 1 */
    const char *invoice; /* NULL for an opening */
    bool is_damage;      /* a loss: the clerk's words speak of damage */
};

struct hf_event_line {
    uint32_t sku;
    uint32_t next; /* of the same event; UINT32_MAX: none */
    int64_t units;
};

struct hf_order_file {
    char *text; /* everything below points into it */
    size_t text_bytes;
    uint64_t key; /* a hash of the content: the same file has the same key */
    struct hf_codes skus;
    struct hf_codes invoices; /* of sales */
    uint32_t *invoice_event;  /* by invoice */
    int64_t *demand_units;    /* by SKU: what it will sell and lose */
    struct hf_event *events;  /* in file order, openings not among them */
    uint32_t events_count;
    struct hf_event_line *lines;
    uint32_t lines_count;
    uint64_t rows_count; /* readable ones, the head not counted */
    uint64_t rows_not_stock;
    uint64_t rows_unreadable;
    uint32_t rows_room;
};

/*
 * Read `path`. False: `error` says why, and nothing is to be played. `report` is called with a
 * sentence for each row that cannot be read.
 */
typedef void (*hf_row_report_cb)(uint64_t row, const char *text);
bool hf_order_file_read(struct hf_order_file *file, const char *path, hf_row_report_cb report,
                        char *error, size_t error_bytes);
void hf_order_file_release(struct hf_order_file *file);

#endif
