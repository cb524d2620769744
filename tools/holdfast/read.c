/*
 * read.c - the commands that ask: about cells, reservations and the ledger.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/assert.h"
#include "tools/common/parse.h"
#include "tools/holdfast/cli.h"
#include "tools/holdfast/output.h"

/* ------------------------------------------------------------------ cells */

static const char *const cell_titles[] = {
    "SKU",        "LOCATION",    ">ON HAND",      ">DAMAGED",   ">QUARANTINED", ">HELD",
    ">COMMITTED", ">IN TRANSIT", ">SAFETY STOCK", ">LOW STOCK", ">BACKORDER",   ">ATF",
    ">ATS",       ">SHORTAGE",   "LAST SALE",     ">VERSION"};
#define CELL_COLUMNS (sizeof cell_titles / sizeof cell_titles[0])

/* Nothing for 0: a column without any figure is not shown. */
static const char *rare_text(int64_t number, char text[HF_NUMBER_BYTES])
{
    return number == 0 ? "" : hf_number_text(number, text);
}

static void add_cell_row(struct hf_listing *table, const struct holdfast_cell *cell)
{
    char numbers[13][HF_NUMBER_BYTES];
    char last_sale[HF_TIME_BYTES];
    const bool has_threshold = cell->low_stock != HOLDFAST_LOW_STOCK_NONE;

    const char *const cells[CELL_COLUMNS] = {
        cell->sku,
        cell->location,
        hf_number_text(cell->on_hand, numbers[0]),
        rare_text(cell->damaged, numbers[1]),
        rare_text(cell->quarantined, numbers[2]),
        hf_number_text(cell->held, numbers[3]),
        hf_number_text(cell->committed, numbers[4]),
        hf_number_text(cell->in_transit, numbers[5]),
        hf_number_text(cell->safety_stock, numbers[6]),
        has_threshold ? hf_number_text(cell->low_stock, numbers[7]) : "",
        rare_text(cell->backorder_limit, numbers[8]),
        hf_number_text(cell->atf, numbers[9]),
        hf_number_text(cell->ats, numbers[10]),
        rare_text(cell->shortage, numbers[11]),
        cell->last_sale_us == 0 ? "" : hf_time_text(cell->last_sale_us, last_sale),
        hf_number_text((int64_t)cell->version, numbers[12]),
    };
    hf_listing_add(table, cells);
}

enum hf_exit hf_cli_stock(struct hf_cli *cli)
{
    struct hf_lines lines;
    struct holdfast_cell cell;
    enum hf_exit code = HF_EXIT_DONE;

    if (hf_lines_parse_cell(&lines, cli->words[0]) != HF_LINES_OK) {
        code = hf_cli_usage(cli, "%s", lines.error);
    } else if (!hf_cli_connect(cli, NULL)) {
        code = HF_EXIT_UNKNOWN;
    } else {
        const enum holdfast_outcome outcome =
            holdfast_get_stock(cli->hf, lines.lines[0].sku, lines.lines[0].location, &cell);
        if (outcome != HOLDFAST_OK) {
            code = hf_cli_report_failure(cli, outcome);
        } else if (cli->is_json) {
            hf_json_print(hf_json_cell(&cell, false));
        } else {
            struct hf_listing table;
            hf_listing_init(&table, cell_titles, CELL_COLUMNS);
            add_cell_row(&table, &cell);
            hf_listing_end(&table);
        }
    }
    hf_lines_release(&lines);
    return code;
}

struct list_state {
    const struct hf_cli *cli;
    struct hf_listing table;
    uint64_t count;
};

static bool list_cell(void *arg, const struct holdfast_cell *cell)
{
    struct list_state *state = arg;

    state->count += 1;
    if (!state->cli->is_json) {
        add_cell_row(&state->table, cell);
        return true;
    }
    hf_json_print(hf_json_cell(cell, true));
    return true;
}

enum hf_exit hf_cli_list(struct hf_cli *cli)
{
    const char *idle = cli->args.values[HF_OPTION_IDLE_FOR];
    struct holdfast_list_query query = {
        .location = cli->args.values[HF_OPTION_LOCATION],
        .sku_prefix = cli->args.values[HF_OPTION_PREFIX],
        .only_low = hf_args_has(&cli->args, HF_OPTION_LOW),
    };
    struct list_state state = {.cli = cli};

    if (idle != NULL && (!hf_parse_duration_us(idle, &query.idle_us) || query.idle_us == 0)) {
        return hf_cli_usage(cli, "--idle-for \"%s\" is not a duration: 30s, 15m, 2h or 30d", idle);
    }
    if (!hf_cli_connect(cli, NULL)) {
        return HF_EXIT_UNKNOWN;
    }
    hf_listing_init(&state.table, cell_titles, CELL_COLUMNS);
    const enum holdfast_outcome outcome = holdfast_list(cli->hf, &query, list_cell, &state);
    hf_listing_end(&state.table);
    if (outcome != HOLDFAST_OK) {
        return hf_cli_report_failure(cli, outcome);
    }
    if (!cli->is_json && state.count == 0) {
        (void)printf("no cells\n");
    }
    return HF_EXIT_DONE;
}

/* ------------------------------------------------------------------ shortages */

static const char *const shortage_titles[] = {"SKU",       "LOCATION", ">MISSING",    ">ON HAND",
                                              ">RESERVED", ">ATS",     "RESERVATION", ">UNITS"};
#define SHORTAGE_COLUMNS (sizeof shortage_titles / sizeof shortage_titles[0])

/* A cell takes a row for each reservation it hits; its own figures stand in the first. */
static void add_shortage_rows(struct hf_listing *table, const struct holdfast_cell *cell,
                              const struct holdfast_hit *hits, size_t hits_count)
{
    char numbers[5][HF_NUMBER_BYTES];

    for (size_t i = 0; i == 0 || i < hits_count; i++) {
        const bool is_first = i == 0;
        const char *const cells[SHORTAGE_COLUMNS] = {
            is_first ? cell->sku : "",
            is_first ? cell->location : "",
            is_first ? hf_number_text(cell->shortage, numbers[0]) : "",
            is_first ? hf_number_text(cell->on_hand, numbers[1]) : "",
            is_first ? hf_number_text(cell->held + cell->committed, numbers[2]) : "",
            is_first ? hf_number_text(cell->ats, numbers[3]) : "",
            i < hits_count ? hits[i].reservation : "",
            i < hits_count ? hf_number_text(hits[i].units, numbers[4]) : "",
        };
        hf_listing_add(table, cells);
    }
}

static bool list_shortage(void *arg, const struct holdfast_cell *cell,
                          const struct holdfast_hit *hits, size_t hits_count)
{
    struct list_state *state = arg;

    state->count += 1;
    if (!state->cli->is_json) {
        add_shortage_rows(&state->table, cell, hits, hits_count);
        return true;
    }
    json_t *object = hf_json_object();
    hf_json_set(object, "sku", hf_json_text(cell->sku));
    hf_json_set(object, "location", hf_json_text(cell->location));
    hf_json_set(object, "missing", json_integer(cell->shortage));
    hf_json_set(object, "on_hand", json_integer(cell->on_hand));
    hf_json_set(object, "held", json_integer(cell->held));
    hf_json_set(object, "committed", json_integer(cell->committed));
    hf_json_set(object, "reserved", json_integer(cell->held + cell->committed));
    hf_json_set(object, "in_transit", json_integer(cell->in_transit));
    hf_json_set(object, "backorder_limit", json_integer(cell->backorder_limit));
    hf_json_set(object, "ats", json_integer(cell->ats));
    hf_json_set(object, "reservations", hf_json_hits(hits, hits_count));
    hf_json_print(object);
    return true;
}

enum hf_exit hf_cli_shortages(struct hf_cli *cli)
{
    struct list_state state = {.cli = cli};

    if (!hf_cli_connect(cli, NULL)) {
        return HF_EXIT_UNKNOWN;
    }
    hf_listing_init(&state.table, shortage_titles, SHORTAGE_COLUMNS);
    const enum holdfast_outcome outcome = holdfast_get_shortages(cli->hf, list_shortage, &state);
    hf_listing_end(&state.table);
    if (outcome != HOLDFAST_OK) {
        return hf_cli_report_failure(cli, outcome);
    }
    if (!cli->is_json && state.count == 0) {
        (void)printf("no shortages\n");
    }
    return HF_EXIT_DONE;
}

/* ------------------------------------------------------------------ ATS */

static void print_ats(const struct hf_cli *cli, const struct holdfast_ats *ats, const char *scope)
{
    static const char *const titles[] = {"SKU", "SCOPE", ">ATS", ">ATF", "WHY"};
    struct hf_listing table;
    hf_listing_init(&table, titles, sizeof titles / sizeof titles[0]);

    for (size_t i = 0; i < cli->words_count; i++) {
        const bool is_known = ats[i].outcome == HOLDFAST_OK;
        if (cli->is_json) {
            json_t *object = hf_json_object();
            if (!is_known) {
                hf_json_set(object, "outcome", hf_json_text(holdfast_outcome_name(ats[i].outcome)));
            }
            hf_json_set(object, "sku", hf_json_text(cli->words[i]));
            hf_json_set(object, "scope", hf_json_text(scope));
            hf_json_set(object, "ats", is_known ? json_integer(ats[i].ats) : json_null());
            hf_json_set(object, "atf", is_known ? json_integer(ats[i].atf) : json_null());
            hf_json_print(object);
            continue;
        }
        char ats_text[HF_NUMBER_BYTES];
        char atf_text[HF_NUMBER_BYTES];
        const char *const cells[] = {
            cli->words[i],
            scope,
            is_known ? hf_number_text(ats[i].ats, ats_text) : "-",
            is_known ? hf_number_text(ats[i].atf, atf_text) : "-",
            is_known ? "" : holdfast_outcome_name(ats[i].outcome),
        };
        hf_listing_add(&table, cells);
    }
    hf_listing_end(&table);
}

enum hf_exit hf_cli_ats(struct hf_cli *cli)
{
    const char *location = cli->args.values[HF_OPTION_LOCATION];
    const char *region = cli->args.values[HF_OPTION_REGION];
    char scope[320] = "all";

    if (location != NULL && region != NULL) {
        return hf_cli_usage(cli, "--location and --region exclude each other");
    }
    if (location != NULL) {
        (void)snprintf(scope, sizeof scope, "location:%s", location);
    } else if (region != NULL) {
        (void)snprintf(scope, sizeof scope, "region:%s", region);
    }
    struct holdfast_ats *ats = calloc(cli->words_count, sizeof *ats);
    if (ats == NULL) {
        (void)fputs("holdfast: out of memory\n", stderr);
        return HF_EXIT_UNKNOWN;
    }
    enum hf_exit code = HF_EXIT_UNKNOWN;
    if (hf_cli_connect(cli, NULL)) {
        const enum holdfast_outcome outcome =
            holdfast_get_ats(cli->hf, cli->words, cli->words_count, location, region, ats);
        code = outcome == HOLDFAST_OK ? HF_EXIT_DONE : hf_cli_report_failure(cli, outcome);
        if (outcome == HOLDFAST_OK) {
            print_ats(cli, ats, scope);
        }
        for (size_t i = 0; outcome == HOLDFAST_OK && i < cli->words_count; i++) {
            const enum hf_exit line_code = hf_cli_exit_of(ats[i].outcome);
            code = line_code > code ? line_code : code;
        }
    }
    free(ats);
    return code;
}

/* ------------------------------------------------------------------ reservations */

static void print_reservation(const struct holdfast_reservation *reservation)
{
    static const char *const titles[] = {"  SKU",      "LOCATION",  ">QTY",
                                         ">FULFILLED", ">RELEASED", ">LEFT"};
    char expiry[HF_TIME_BYTES];
    char opened[HF_TIME_BYTES];
    struct hf_listing table;

    (void)printf("%s: %s", reservation->id, holdfast_state_name(reservation->state));
    if (reservation->expires_at_us != 0) {
        (void)printf(" %s %s", reservation->state == HOLDFAST_HELD ? "until" : "since",
                     hf_time_text(reservation->expires_at_us, expiry));
    }
    if (reservation->order[0] != '\0') {
        (void)printf(", order %s", reservation->order);
    }
    (void)printf(", opened %s (lsn %" PRIu64 ")\n", hf_time_text(reservation->opened_us, opened),
                 reservation->opened_lsn);

    hf_listing_init(&table, titles, sizeof titles / sizeof titles[0]);
    for (size_t i = 0; i < reservation->lines_count; i++) {
        const struct holdfast_reservation_line *line = &reservation->lines[i];
        char numbers[4][HF_NUMBER_BYTES];
        char sku[80];
        (void)snprintf(sku, sizeof sku, "  %s", line->sku);
        const char *const cells[] = {
            sku,
            line->location,
            hf_number_text(line->units, numbers[0]),
            hf_number_text(line->fulfilled, numbers[1]),
            hf_number_text(line->released, numbers[2]),
            hf_number_text(line->units - line->fulfilled - line->released, numbers[3]),
        };
        hf_listing_add(&table, cells);
    }
    hf_listing_end(&table);
}

/* Ask for one reservation and print it. */
static enum holdfast_outcome show(const struct hf_cli *cli, const char *id)
{
    struct holdfast_reservation reservation;
    const enum holdfast_outcome outcome = holdfast_get_reservation(cli->hf, id, &reservation);

    if (outcome != HOLDFAST_OK) {
        return outcome;
    }
    if (cli->is_json) {
        hf_json_print(hf_json_reservation(&reservation));
    } else {
        print_reservation(&reservation);
    }
    return HOLDFAST_OK;
}

enum hf_exit hf_cli_show(struct hf_cli *cli)
{
    if (!hf_cli_connect(cli, NULL)) {
        return HF_EXIT_UNKNOWN;
    }
    const enum holdfast_outcome outcome = show(cli, cli->words[0]);
    return outcome == HOLDFAST_OK ? HF_EXIT_DONE : hf_cli_report_failure(cli, outcome);
}

struct order_ids {
    char (*ids)[65];
    size_t count;
    size_t max;
    bool is_failed;
};

static bool keep_id(void *arg, const struct holdfast_reservation *summary)
{
    struct order_ids *order = arg;

    if (order->count == order->max) {
        const size_t max = order->max == 0 ? 16 : order->max * 2;
        void *ids = realloc(order->ids, max * sizeof *order->ids);
        if (ids == NULL) {
            order->is_failed = true;
            return false;
        }
        order->ids = ids;
        order->max = max;
    }
    memcpy(order->ids[order->count], summary->id, sizeof summary->id);
    order->count += 1;
    return true;
}

enum hf_exit hf_cli_order(struct hf_cli *cli)
{
    struct order_ids order = {0};

    if (!hf_cli_connect(cli, NULL)) {
        return HF_EXIT_UNKNOWN;
    }
    enum holdfast_outcome outcome = holdfast_get_order(cli->hf, cli->words[0], keep_id, &order);
    if (order.is_failed) {
        (void)fputs("holdfast: out of memory\n", stderr);
        outcome = HOLDFAST_BUSY;
    }
    for (size_t i = 0; outcome == HOLDFAST_OK && i < order.count; i++) {
        outcome = show(cli, order.ids[i]);
        if (outcome == HOLDFAST_UNKNOWN_RESERVATION) {
            outcome = HOLDFAST_OK; /* forgotten since the order was asked for */
        }
    }
    free(order.ids);
    return outcome == HOLDFAST_OK ? HF_EXIT_DONE : hf_cli_report_failure(cli, outcome);
}

/* ------------------------------------------------------------------ ledger */

static const char *const move_titles[] = {
    ">LSN",        "TIME", "KIND",      "REASON",     "SKU", "LOCATION", "ON HAND", "DAMAGED",
    "QUARANTINED", "HELD", "COMMITTED", "IN TRANSIT", "ID",  "ORDER",    "REF",     "BY"};
#define MOVE_COLUMNS (sizeof move_titles / sizeof move_titles[0])

#define CHANGE_BYTES (2 * HF_NUMBER_BYTES + 8)

/* "+5 = 40": what was added, and the value after; nothing for a counter that did not change. */
static const char *change_text(int64_t delta, int64_t after, char text[CHANGE_BYTES])
{
    if (delta == 0) {
        return "";
    }
    (void)snprintf(text, CHANGE_BYTES, "%+" PRId64 " = %" PRId64, delta, after);
    return text;
}

struct ledger_state {
    const struct hf_cli *cli;
    struct hf_listing table;
    uint64_t count;
};

static bool print_move(void *arg, const struct holdfast_move *move)
{
    struct ledger_state *state = arg;

    state->count += 1;
    if (state->cli->is_json) {
        hf_json_print(hf_json_move(move));
        return true;
    }
    char lsn[HF_NUMBER_BYTES];
    char time[HF_TIME_BYTES];
    char changes[6][CHANGE_BYTES];
    const char *const cells[MOVE_COLUMNS] = {
        hf_number_text((int64_t)move->lsn, lsn),
        hf_time_text(move->ts_us, time),
        holdfast_kind_name(move->kind),
        move->reason == HOLDFAST_REASON_NONE ? "" : holdfast_reason_name(move->reason),
        move->sku,
        move->location,
        change_text(move->delta.on_hand, move->after.on_hand, changes[0]),
        change_text(move->delta.damaged, move->after.damaged, changes[4]),
        change_text(move->delta.quarantined, move->after.quarantined, changes[5]),
        change_text(move->delta.held, move->after.held, changes[1]),
        change_text(move->delta.committed, move->after.committed, changes[2]),
        change_text(move->delta.in_transit, move->after.in_transit, changes[3]),
        move->reservation,
        move->order,
        move->ref,
        move->by,
    };
    hf_listing_add(&state->table, cells);
    return true;
}

enum hf_exit hf_cli_ledger(struct hf_cli *cli)
{
    struct ledger_state state = {.cli = cli};
    struct hf_lines lines = {0};
    struct holdfast_ledger_query query = {.ref = cli->args.values[HF_OPTION_REF],
                                          .order = cli->args.values[HF_OPTION_ORDER]};
    const char *limit_text = cli->args.values[HF_OPTION_LIMIT];
    uint64_t limit = 0;

    if (cli->words_count + (query.ref != NULL) + (query.order != NULL) != 1) {
        return hf_cli_usage(cli, "ledger needs one of: SKU@LOC, --ref, --order");
    }
    if (limit_text != NULL && (!hf_args_count(limit_text, &limit) || limit == 0)) {
        return hf_cli_usage(cli, "--limit \"%s\" is not a number from 1", limit_text);
    }
    query.limit = limit > SIZE_MAX ? SIZE_MAX : (size_t)limit;
    if (cli->words_count == 1) {
        if (hf_lines_parse_cell(&lines, cli->words[0]) != HF_LINES_OK) {
            const enum hf_exit code = hf_cli_usage(cli, "%s", lines.error);
            hf_lines_release(&lines);
            return code;
        }
        query.sku = lines.lines[0].sku;
        query.location = lines.lines[0].location;
    }
    enum hf_exit code = HF_EXIT_UNKNOWN;
    if (hf_cli_connect(cli, NULL)) {
        hf_listing_init(&state.table, move_titles, MOVE_COLUMNS);
        const enum holdfast_outcome outcome =
            holdfast_get_ledger(cli->hf, &query, print_move, &state);
        hf_listing_end(&state.table);
        code = outcome == HOLDFAST_OK ? HF_EXIT_DONE : hf_cli_report_failure(cli, outcome);
        if (outcome == HOLDFAST_OK && state.count == 0 && !cli->is_json) {
            (void)printf("no moves in the server's memory\n");
        }
    }
    hf_lines_release(&lines);
    return code;
}
