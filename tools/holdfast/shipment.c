/*
 * shipment.c - transfers between locations and inbound shipments: one file, because they are told
 * and asked about in the same words.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/assert.h"
#include "tools/holdfast/cli.h"
#include "tools/holdfast/output.h"
#include "tools/holdfast/when.h"

/* ------------------------------------------------------------------ changes */

/* Read SKU=QTY from the words behind the first `skip`, and --damaged, then execute. */
static enum hf_exit execute_skus(struct hf_cli *cli, struct holdfast_op *op, size_t skip)
{
    HF_ASSERT(skip <= cli->words_count);

    const size_t count = cli->words_count - skip;
    struct hf_lines lines;
    const enum hf_lines_error error = hf_lines_parse_arrival(
        &lines, cli->words + skip, count, cli->args.damaged, cli->args.damaged_count);
    enum hf_exit code =
        error == HF_LINES_OK ? HF_EXIT_DONE : hf_cli_report_lines(cli, error, &lines);

    if (code == HF_EXIT_DONE) {
        op->lines = lines.lines;
        op->lines_count = lines.count;
        if (cli->args.damaged_count > 0) {
            op->flags |= HOLDFAST_WITH_DAMAGED;
            op->flags |= count == 0 ? HOLDFAST_REST : 0; /* only the damaged ones were named */
        }
        code = hf_cli_execute(cli, op);
    }
    hf_lines_release(&lines);
    return code;
}

static enum hf_exit change(struct hf_cli *cli, enum holdfast_kind kind,
                           enum holdfast_reason otherwise)
{
    struct holdfast_op op = {.kind = kind, .id = cli->words[0]};
    const enum hf_exit code = hf_cli_set_reason(cli, &op, otherwise);
    return code == HF_EXIT_DONE ? execute_skus(cli, &op, 1) : code;
}

enum hf_exit hf_cli_transfer_create(struct hf_cli *cli)
{
    struct holdfast_op op = {.kind = HOLDFAST_TRANSFER_CREATE,
                             .id = cli->words[0],
                             .from = cli->words[1],
                             .to = cli->words[2]};
    op.flags = hf_args_has(&cli->args, HF_OPTION_SHIP) ? HOLDFAST_SHIP : 0;
    return execute_skus(cli, &op, 3);
}

enum hf_exit hf_cli_transfer_ship(struct hf_cli *cli)
{
    return change(cli, HOLDFAST_TRANSFER_SHIP, HOLDFAST_REASON_NONE);
}

enum hf_exit hf_cli_transfer_receive(struct hf_cli *cli)
{
    return change(cli, HOLDFAST_TRANSFER_RECEIVE, HOLDFAST_REASON_NONE);
}

enum hf_exit hf_cli_transfer_cancel(struct hf_cli *cli)
{
    return change(cli, HOLDFAST_TRANSFER_CANCEL, HOLDFAST_REASON_NONE);
}

enum hf_exit hf_cli_transfer_close(struct hf_cli *cli)
{
    return change(cli, HOLDFAST_TRANSFER_CLOSE, HOLDFAST_LOSS);
}

enum hf_exit hf_cli_inbound_create(struct hf_cli *cli)
{
    const char *eta = cli->args.values[HF_OPTION_ETA];
    const char *sellable = cli->args.values[HF_OPTION_SELLABLE];
    struct holdfast_op op = {
        .kind = HOLDFAST_INBOUND_CREATE, .id = cli->words[0], .to = cli->words[1]};

    if (eta != NULL && !hf_when_parse_time(eta, hf_when_now_us(), &op.eta_us)) {
        return hf_cli_usage(cli,
                            "--eta \"%s\" is not a time: 2026-12-01, 2026-12-01T10:00:00Z or "
                            "\"in 3d\"",
                            eta);
    }
    if (sellable != NULL && strcmp(sellable, "yes") != 0 && strcmp(sellable, "no") != 0) {
        return hf_cli_usage(cli, "--sellable \"%s\" is neither yes nor no", sellable);
    }
    op.flags = sellable != NULL && strcmp(sellable, "yes") == 0 ? HOLDFAST_MAY_SELL : 0;
    return execute_skus(cli, &op, 2);
}

enum hf_exit hf_cli_inbound_receive(struct hf_cli *cli)
{
    return change(cli, HOLDFAST_INBOUND_RECEIVE, HOLDFAST_REASON_NONE);
}

enum hf_exit hf_cli_inbound_cancel(struct hf_cli *cli)
{
    return change(cli, HOLDFAST_INBOUND_CANCEL, HOLDFAST_REASON_NONE);
}

/* ------------------------------------------------------------------ one of them */

static void print_shipment(const struct holdfast_shipment *shipment)
{
    static const char *const titles[] = {"  SKU",     ">QTY",     ">UNSHIPPED", ">IN TRANSIT",
                                         ">RECEIVED", ">DAMAGED", ">CANCELLED", ">LOST"};
    const bool is_inbound = shipment->from[0] == '\0';
    char time[HF_TIME_BYTES];
    struct hf_listing table;

    (void)printf("%s: %s, ", shipment->id, holdfast_state_name(shipment->state));
    if (is_inbound) {
        (void)printf("to %s, expected %s%s", shipment->to,
                     shipment->eta_us == 0 ? "some time" : hf_time_text(shipment->eta_us, time),
                     shipment->is_sellable ? ", may be sold before" : "");
    } else {
        (void)printf("from %s to %s", shipment->from, shipment->to);
    }
    if (shipment->order[0] != '\0') {
        (void)printf(", order %s", shipment->order);
    }
    (void)printf(", opened %s (lsn %" PRIu64 ")\n", hf_time_text(shipment->opened_us, time),
                 shipment->opened_lsn);

    hf_listing_init(&table, titles, sizeof titles / sizeof titles[0]);
    for (size_t i = 0; i < shipment->lines_count; i++) {
        const struct holdfast_shipment_line *line = &shipment->lines[i];
        char numbers[7][HF_NUMBER_BYTES];
        char sku[80];
        (void)snprintf(sku, sizeof sku, "  %s", line->sku);
        const char *const cells[] = {
            sku,
            hf_number_text(line->units, numbers[0]),
            is_inbound ? "" : hf_number_text(line->unshipped, numbers[1]),
            hf_number_text(line->under_way, numbers[2]),
            hf_number_text(line->received, numbers[3]),
            hf_number_text(line->damaged, numbers[4]),
            hf_number_text(line->cancelled, numbers[5]),
            is_inbound ? "" : hf_number_text(line->lost, numbers[6]),
        };
        hf_listing_add(&table, cells);
    }
    hf_listing_end(&table);
}

static enum hf_exit show(struct hf_cli *cli, bool is_inbound)
{
    struct holdfast_shipment shipment;

    if (!hf_cli_connect(cli, NULL)) {
        return HF_EXIT_UNKNOWN;
    }
    const enum holdfast_outcome outcome =
        is_inbound ? holdfast_get_inbound(cli->hf, cli->words[0], &shipment)
                   : holdfast_get_transfer(cli->hf, cli->words[0], &shipment);
    if (outcome != HOLDFAST_OK) {
        return hf_cli_report_failure(cli, outcome);
    }
    if (cli->is_json) {
        hf_json_print(hf_json_shipment(&shipment));
    } else {
        print_shipment(&shipment);
    }
    return HF_EXIT_DONE;
}

enum hf_exit hf_cli_transfer_show(struct hf_cli *cli)
{
    return show(cli, false);
}

enum hf_exit hf_cli_inbound_show(struct hf_cli *cli)
{
    return show(cli, true);
}

/* ------------------------------------------------------------------ all of them */

static const char *const summary_titles[] = {"ID",       "FROM",   "TO",    "STATE", "EXPECTED",
                                             "SELLABLE", ">LINES", ">OPEN", "ORDER", "OPENED"};
#define SUMMARY_COLUMNS (sizeof summary_titles / sizeof summary_titles[0])

struct list_state {
    const struct hf_cli *cli;
    struct hf_listing table;
    uint64_t count;
};

static bool list_shipment(void *arg, const struct holdfast_shipment *summary)
{
    struct list_state *state = arg;
    const bool is_inbound = summary->from[0] == '\0';
    char eta[HF_TIME_BYTES];
    char opened[HF_TIME_BYTES];
    char lines[HF_NUMBER_BYTES];
    char units[HF_NUMBER_BYTES];

    state->count += 1;
    if (state->cli->is_json) {
        hf_json_print(hf_json_shipment(summary));
        return true;
    }
    const char *const cells[SUMMARY_COLUMNS] = {
        summary->id,
        summary->from,
        summary->to,
        holdfast_state_name(summary->state),
        summary->eta_us == 0 ? "" : hf_time_text(summary->eta_us, eta),
        !is_inbound            ? ""
        : summary->is_sellable ? "yes"
                               : "no",
        hf_number_text((int64_t)summary->lines_count, lines),
        hf_number_text(summary->open_units, units),
        summary->order,
        hf_time_text(summary->opened_us, opened),
    };
    hf_listing_add(&state->table, cells);
    return true;
}

static enum hf_exit list(struct hf_cli *cli, bool is_inbound)
{
    const struct holdfast_shipments_query query = {
        .location = cli->args.values[HF_OPTION_LOCATION],
        .only_open = hf_args_has(&cli->args, HF_OPTION_OPEN),
        .only_late = hf_args_has(&cli->args, HF_OPTION_LATE),
    };
    struct list_state state = {.cli = cli};

    if (!hf_cli_connect(cli, NULL)) {
        return HF_EXIT_UNKNOWN;
    }
    hf_listing_init(&state.table, summary_titles, SUMMARY_COLUMNS);
    const enum holdfast_outcome outcome =
        is_inbound ? holdfast_list_inbound(cli->hf, &query, list_shipment, &state)
                   : holdfast_list_transfers(cli->hf, &query, list_shipment, &state);
    hf_listing_end(&state.table);
    if (outcome != HOLDFAST_OK) {
        return hf_cli_report_failure(cli, outcome);
    }
    if (!cli->is_json && state.count == 0) {
        (void)printf("no %s\n", is_inbound ? "inbound shipments" : "transfers");
    }
    return HF_EXIT_DONE;
}

enum hf_exit hf_cli_transfer_list(struct hf_cli *cli)
{
    return list(cli, false);
}

enum hf_exit hf_cli_inbound_list(struct hf_cli *cli)
{
    return list(cli, true);
}
