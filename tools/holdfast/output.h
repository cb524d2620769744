/*
 * output.h - what the CLI prints: tables for people, JSON objects for programs.
 *
 * With --json every outcome is one object on one line of stdout, keys in the order of the
 * documents. Without it stdout carries text and tables; stderr carries what went wrong with the
 * call itself (usage, connection). A table learns the widths of its columns from the first rows
 * and is printed as it goes, so a list of a million cells needs no memory for a million rows.
 */
#ifndef HF_TOOLS_HOLDFAST_OUTPUT_H
#define HF_TOOLS_HOLDFAST_OUTPUT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/holdfast.h"

/* ------------------------------------------------------------------ values */

#define HF_TIME_BYTES 40
/* RFC 3339 in UTC with microseconds where there are any; "-" for 0. Returns `text`. */
const char *hf_time_text(int64_t time_us, char text[HF_TIME_BYTES]);

/* ------------------------------------------------------------------ JSON */

/* Text as JSON, null when it is NULL or empty. Bytes that are no UTF-8 become U+FFFD. */
json_t *hf_json_text(const char *text);
/* A time as RFC 3339, null for 0. */
json_t *hf_json_time(int64_t time_us);
json_t *hf_json_count(uint64_t count);
/* Add to `object`; stops the program when memory runs out, so callers need not look. */
void hf_json_set(json_t *object, const char *key, json_t *value);
json_t *hf_json_object(void);
json_t *hf_json_array(void);
void hf_json_append(json_t *array, json_t *value);
/* Print on one line of stdout, and let go of it. */
void hf_json_print(json_t *object);

/* The object of a stock cell: {"sku","location","on_hand",...,"version","lsn",...}; with its
 * policies besides when `has_policies`. */
json_t *hf_json_cell(const struct holdfast_cell *cell, bool has_policies);
/* The object of a reservation with its lines. */
json_t *hf_json_reservation(const struct holdfast_reservation *reservation);
json_t *hf_json_move(const struct holdfast_move *move);
/* The object of a transfer or inbound shipment, with its lines, or of a summary without them. */
json_t *hf_json_shipment(const struct holdfast_shipment *shipment);
json_t *hf_json_counters(const struct holdfast_counters *counters);
/* [{"id","qty"}...] of the reservations that a shortage hits. */
json_t *hf_json_hits(const struct holdfast_hit *hits, size_t hits_count);

/* ------------------------------------------------------------------ tables */

#define HF_LISTING_COLUMNS_MAX 16

struct hf_listing {
    const char *const *titles; /* columns_count of them; one that begins with ">" is set right */
    size_t columns_count;
    char **texts; /* rows that wait for the widths, row by row */
    size_t texts_count;
    size_t texts_max;
    size_t rows_count; /* all that were ever added */
    size_t widths[HF_LISTING_COLUMNS_MAX];
    bool has_text[HF_LISTING_COLUMNS_MAX];
    bool is_hidden[HF_LISTING_COLUMNS_MAX]; /* without text in the rows that settle the widths */
    bool is_begun;                          /* the titles are printed */
};

void hf_listing_init(struct hf_listing *table, const char *const *titles, size_t columns_count);
/* The cells of the next row; copied. NULL prints as nothing. */
void hf_listing_add(struct hf_listing *table, const char *const *cells);
/* Print what waits. A table without rows prints nothing. Gives the contents back. */
void hf_listing_end(struct hf_listing *table);

#define HF_NUMBER_BYTES 24
const char *hf_number_text(int64_t number, char text[HF_NUMBER_BYTES]);
/* "" for 1, "s" for any other number of things. */
const char *hf_plural(uint64_t count);

#endif
