/*
 * export.h - all rows of one kind into a file or on standard output, as they were at one LSN.
 *
 *     export.c         the command: where it goes, trying again, what is said
 *     export_rows.c    cells, reservations, transfers, inbound shipments   from a frozen reading
 *     export_ledger.c  moves                                              from the change feed
 *
 * A file appears whole or not at all: it has no name until it is complete, so that not even a
 * killed export leaves anything behind.
 */
#ifndef HF_TOOLS_HOLDFAST_EXPORT_H
#define HF_TOOLS_HOLDFAST_EXPORT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "net/holdfast.h"
#include "tools/common/progress.h"
#include "tools/holdfast/cli.h"

enum hf_export_what {
    HF_EXPORT_STOCK,
    HF_EXPORT_RESERVATIONS,
    HF_EXPORT_LEDGER,
    HF_EXPORT_TRANSFERS,
    HF_EXPORT_INBOUND,
    HF_EXPORTS_COUNT
};
enum hf_export_form { HF_EXPORT_CSV, HF_EXPORT_JSONL };

/* The thing whose lines are gathered for one JSON object. */
struct hf_export_group {
    struct holdfast_reservation reservation;
    struct holdfast_shipment shipment;
    struct holdfast_reservation_line *reservation_lines;
    struct holdfast_shipment_line *shipment_lines;
    size_t lines_count; /* 0: none is open */
    size_t lines_max;
};

struct hf_export {
    struct hf_cli *cli;
    struct holdfast *hf;
    FILE *out;
    enum hf_export_what what;
    enum hf_export_form form;
    const char *location;        /* NULL: all */
    bool has_since;              /* ledger: only what follows `since` */
    struct holdfast_token since; /* epoch 0: of the server's epoch */
    struct hf_progress progress;
    struct hf_export_group group;
    uint64_t rows_count;
    bool has_titles;          /* the columns are named */
    struct holdfast_token at; /* of the state */
    bool is_out_of_memory;
    bool is_told; /* what went wrong has been said */
};

/* ---- export_rows.c */

/* The line that names the columns. */
void hf_export_put_titles(struct hf_export *export);
/* All rows but those of the ledger; sets export->at. */
enum holdfast_outcome hf_export_rows(struct hf_export *export);
void hf_export_group_release(struct hf_export_group *group);

/* ---- export_ledger.c */

/* All moves up to what is durable now; sets export->at. */
enum holdfast_outcome hf_export_ledger(struct hf_export *export);

#endif
