/*
 * write.c - the commands that change stock: each is one operation, sent once.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "engine/assert.h"
#include "tools/common/parse.h"
#include "tools/holdfast/cli.h"
#include "tools/holdfast/when.h"

#define REF_BYTES 33

/* A reference that nobody has used: 128 random bits. */
static bool random_ref(char ref[REF_BYTES])
{
    unsigned char bytes[16];
    if (getrandom(bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes) {
        return false;
    }
    for (size_t i = 0; i < sizeof bytes; i++) {
        (void)snprintf(ref + 2 * i, 3, "%02x", bytes[i]);
    }
    return true;
}

/* Operations that make a thing with an id: it is their reference when no other is given (P4). */
static bool is_named_by_id(enum holdfast_kind kind)
{
    return kind == HOLDFAST_RESERVE || kind == HOLDFAST_REPLACE ||
           kind == HOLDFAST_TRANSFER_CREATE || kind == HOLDFAST_INBOUND_CREATE;
}

/*
 * Add what every write may carry, send the operation and say what became of it. What makes a thing
 * with an id is known by that when there is no --ref; any other write gets a reference made here,
 * so that an unknown outcome can always be settled.
 */
enum hf_exit hf_cli_execute(struct hf_cli *cli, const struct holdfast_op *asked)
{
    struct holdfast_op op = *asked;
    char made[REF_BYTES];
    const char *name;

    op.ref = cli->args.values[HF_OPTION_REF];
    op.order = cli->args.values[HF_OPTION_ORDER];
    op.by = cli->args.values[HF_OPTION_BY];
    name = op.ref;
    if (name == NULL && is_named_by_id(op.kind)) {
        HF_ASSERT(op.id != NULL);
        name = op.id;
    } else if (name == NULL) {
        if (!random_ref(made)) {
            (void)fputs("holdfast: could not make a reference; give one with --ref\n", stderr);
            return HF_EXIT_USAGE;
        }
        op.ref = made;
        name = made;
    }
    if (!hf_cli_connect(cli, name)) {
        return HF_EXIT_UNKNOWN;
    }
    struct holdfast_reply reply = {0};
    (void)holdfast_execute(cli->hf, &op, 1, &reply); /* the reply says the same and more */
    return hf_cli_report_write(cli, &op, &reply, name);
}

/* ------------------------------------------------------------------ parts of an operation */

enum hf_exit hf_cli_report_lines(const struct hf_cli *cli, enum hf_lines_error error,
                                 const struct hf_lines *lines)
{
    HF_ASSERT(error != HF_LINES_OK);
    return error == HF_LINES_QUANTITY ? hf_cli_report_invalid(cli, "quantity", lines->error)
                                      : hf_cli_usage(cli, "%s", lines->error);
}

/* --if-version: a condition on the one line there is. */
static enum hf_exit set_version(const struct hf_cli *cli, struct holdfast_op *op,
                                const struct hf_lines *lines)
{
    const char *text = cli->args.values[HF_OPTION_IF_VERSION];
    uint64_t version;

    if (text == NULL) {
        return HF_EXIT_DONE;
    }
    if (lines->count != 1) {
        return hf_cli_usage(cli, "--if-version needs exactly one line, %zu are given",
                            lines->count);
    }
    if (!hf_args_count(text, &version) || version == HOLDFAST_VERSION_ANY) {
        return hf_cli_usage(cli, "--if-version \"%s\" is not a version", text);
    }
    lines->lines[0].if_version = version;
    op->flags |= HOLDFAST_VERSIONS;
    return HF_EXIT_DONE;
}

static enum hf_exit set_ttl(const struct hf_cli *cli, struct holdfast_op *op)
{
    const char *text = cli->args.values[HF_OPTION_TTL];

    if (text == NULL) {
        return HF_EXIT_DONE;
    }
    if (!hf_parse_duration_us(text, &op->ttl_us)) {
        return hf_cli_usage(cli, "--ttl \"%s\" is not a duration: 500ms, 30s, 15m, 2h or 30d",
                            text);
    }
    op->flags |= HOLDFAST_TTL;
    return HF_EXIT_DONE;
}

enum hf_exit hf_cli_set_reason(const struct hf_cli *cli, struct holdfast_op *op,
                               enum holdfast_reason otherwise)
{
    const char *text = cli->args.values[HF_OPTION_REASON];

    op->reason = otherwise;
    if (text == NULL) {
        return HF_EXIT_DONE;
    }
    const int reason = holdfast_reason_of(text);
    if (reason < HOLDFAST_PURCHASE) {
        return hf_cli_usage(cli, "--reason \"%s\" is not one of the reasons", text);
    }
    op->reason = (enum holdfast_reason)reason;
    return HF_EXIT_DONE;
}

/* Read the lines from the words behind the first `skip`, then execute. */
static enum hf_exit execute_lines(struct hf_cli *cli, struct holdfast_op *op, size_t skip)
{
    HF_ASSERT(skip <= cli->words_count);

    struct hf_lines lines;
    const enum hf_lines_error error =
        hf_lines_parse(&lines, cli->words + skip, cli->words_count - skip);
    enum hf_exit code =
        error == HF_LINES_OK ? HF_EXIT_DONE : hf_cli_report_lines(cli, error, &lines);

    if (code == HF_EXIT_DONE) {
        op->lines = lines.lines;
        op->lines_count = lines.count;
        code = set_version(cli, op, &lines);
    }
    if (code == HF_EXIT_DONE) {
        code = hf_cli_execute(cli, op);
    }
    hf_lines_release(&lines);
    return code;
}

/* ------------------------------------------------------------------ receive, adjust, sell */

/* --from or --to: a status into `status`, which stays as it is when the option is not given. */
static enum hf_exit set_status(const struct hf_cli *cli, enum hf_option option,
                               enum holdfast_status *status)
{
    const char *text = cli->args.values[option];

    if (text == NULL) {
        return HF_EXIT_DONE;
    }
    const int number = holdfast_status_of(text);
    if (number < HOLDFAST_SELLABLE) {
        return hf_cli_usage(cli, "--%s \"%s\" is not a status: sellable, damaged or quarantined",
                            hf_option_name(option), text);
    }
    *status = (enum holdfast_status)number;
    return HF_EXIT_DONE;
}

enum hf_exit hf_cli_receive(struct hf_cli *cli)
{
    struct holdfast_op op = {.kind = HOLDFAST_RECEIVE};
    enum hf_exit code = hf_cli_set_reason(cli, &op, HOLDFAST_PURCHASE);
    if (code == HF_EXIT_DONE) {
        code = set_status(cli, HF_OPTION_TO, &op.to_status);
    }
    return code == HF_EXIT_DONE ? execute_lines(cli, &op, 0) : code;
}

enum hf_exit hf_cli_adjust(struct hf_cli *cli)
{
    struct holdfast_op op = {.kind = HOLDFAST_ADJUST};
    const enum hf_exit code = hf_cli_set_reason(cli, &op, HOLDFAST_CORRECTION);
    return code == HF_EXIT_DONE ? execute_lines(cli, &op, 0) : code;
}

enum hf_exit hf_cli_sell(struct hf_cli *cli)
{
    struct holdfast_op op = {.kind = HOLDFAST_SELL};
    op.flags = hf_args_has(&cli->args, HF_OPTION_FACT) ? HOLDFAST_FACT : 0;
    return execute_lines(cli, &op, 0);
}

/* ------------------------------------------------------------------ set, status, dispose */

enum hf_exit hf_cli_set(struct hf_cli *cli)
{
    const char *text = cli->args.values[HF_OPTION_AS_OF];
    struct holdfast_op op = {.kind = HOLDFAST_SET};
    struct hf_as_of as_of;

    const enum hf_exit code = hf_cli_set_reason(cli, &op, HOLDFAST_COUNT);
    if (code != HF_EXIT_DONE) {
        return code;
    }
    if (text != NULL) {
        if (!hf_when_parse_as_of(text, hf_when_now_us(), &as_of)) {
            return hf_cli_usage(cli,
                                "--as-of \"%s\" is neither an LSN nor a time: 4711, "
                                "2026-11-22T10:00:00Z or \"10m ago\"",
                                text);
        }
        op.as_of = as_of.value;
        op.flags |= as_of.flag;
    }
    return execute_lines(cli, &op, 0);
}

enum hf_exit hf_cli_move_status(struct hf_cli *cli)
{
    struct holdfast_op op = {.kind = HOLDFAST_MOVE_STATUS};

    if (!hf_args_has(&cli->args, HF_OPTION_FROM) || !hf_args_has(&cli->args, HF_OPTION_TO) ||
        !hf_args_has(&cli->args, HF_OPTION_REASON)) {
        return hf_cli_usage(cli, "move-status needs --from, --to and --reason");
    }
    enum hf_exit code = hf_cli_set_reason(cli, &op, HOLDFAST_REASON_NONE);
    if (code == HF_EXIT_DONE) {
        code = set_status(cli, HF_OPTION_FROM, &op.from_status);
    }
    if (code == HF_EXIT_DONE) {
        code = set_status(cli, HF_OPTION_TO, &op.to_status);
    }
    if (code == HF_EXIT_DONE && op.from_status == op.to_status) {
        code =
            hf_cli_usage(cli, "--from and --to are both %s", holdfast_status_name(op.from_status));
    }
    return code == HF_EXIT_DONE ? execute_lines(cli, &op, 0) : code;
}

enum hf_exit hf_cli_dispose(struct hf_cli *cli)
{
    struct holdfast_op op = {.kind = HOLDFAST_DISPOSE};

    if (!hf_args_has(&cli->args, HF_OPTION_FROM)) {
        return hf_cli_usage(cli, "dispose needs --from: sellable, damaged or quarantined");
    }
    enum hf_exit code = hf_cli_set_reason(cli, &op, HOLDFAST_REASON_NONE);
    if (code == HF_EXIT_DONE) {
        code = set_status(cli, HF_OPTION_FROM, &op.from_status);
    }
    return code == HF_EXIT_DONE ? execute_lines(cli, &op, 0) : code;
}

/* ------------------------------------------------------------------ policies */

/* One figure of a policy; HOLDFAST_POLICY_KEEP when it is not given. */
static enum hf_exit set_figure(const struct hf_cli *cli, enum hf_option option, int64_t *figure)
{
    const char *text = cli->args.values[option];

    *figure = HOLDFAST_POLICY_KEEP;
    if (text == NULL) {
        return HF_EXIT_DONE;
    }
    if (option == HF_OPTION_LOW_STOCK && strcmp(text, "none") == 0) {
        *figure = HOLDFAST_LOW_STOCK_NONE;
        return HF_EXIT_DONE;
    }
    if (!hf_args_is_number(text)) {
        return hf_cli_usage(cli, "--%s \"%s\" is not a whole number of units",
                            hf_option_name(option), text);
    }
    if (!hf_args_units(text, figure) || *figure == HOLDFAST_POLICY_KEEP) {
        return hf_cli_report_invalid(cli, hf_option_name(option), "out of range");
    }
    return HF_EXIT_DONE;
}

/* policy LOC --in-transit-sellable yes|no */
static enum hf_exit set_location(struct hf_cli *cli)
{
    const char *text = cli->args.values[HF_OPTION_IN_TRANSIT];
    struct holdfast_line line = {.location = cli->words[0]};
    struct holdfast_op op = {.kind = HOLDFAST_SET_LOCATION, .lines = &line, .lines_count = 1};

    if (hf_args_stray(&cli->args, HF_OPTIONS_ALWAYS | HF_OPTIONS_WRITE |
                                      HF_OPTION_BIT(IN_TRANSIT)) != HF_OPTIONS_COUNT) {
        return hf_cli_usage(cli, "--in-transit-sellable is a policy of a location, the other "
                                 "figures are of a cell: use two commands");
    }
    if (strcmp(text, "yes") != 0 && strcmp(text, "no") != 0) {
        return hf_cli_usage(cli, "--in-transit-sellable \"%s\" is neither yes nor no", text);
    }
    line.units = strcmp(text, "yes") == 0 ? 1 : 0;
    return hf_cli_execute(cli, &op);
}

enum hf_exit hf_cli_policy(struct hf_cli *cli)
{
    if (hf_args_has(&cli->args, HF_OPTION_IN_TRANSIT)) {
        return set_location(cli);
    }
    if (!hf_args_has(&cli->args, HF_OPTION_SAFETY_STOCK) &&
        !hf_args_has(&cli->args, HF_OPTION_LOW_STOCK) &&
        !hf_args_has(&cli->args, HF_OPTION_BACKORDER)) {
        return hf_cli_usage(cli, "policy needs a figure to set");
    }
    struct hf_lines lines;
    struct holdfast_op op = {.kind = HOLDFAST_SET_POLICY, .lines_count = 1};
    const enum hf_lines_error error = hf_lines_parse_cell(&lines, cli->words[0]);
    enum hf_exit code =
        error == HF_LINES_OK ? HF_EXIT_DONE : hf_cli_report_lines(cli, error, &lines);

    op.lines = lines.lines;
    if (code == HF_EXIT_DONE) {
        code = set_figure(cli, HF_OPTION_SAFETY_STOCK, &lines.lines[0].safety_stock);
    }
    if (code == HF_EXIT_DONE) {
        code = set_figure(cli, HF_OPTION_LOW_STOCK, &lines.lines[0].low_stock);
    }
    if (code == HF_EXIT_DONE) {
        code = set_figure(cli, HF_OPTION_BACKORDER, &lines.lines[0].backorder_limit);
    }
    if (code == HF_EXIT_DONE) {
        code = set_version(cli, &op, &lines);
    }
    if (code == HF_EXIT_DONE) {
        code = hf_cli_execute(cli, &op);
    }
    hf_lines_release(&lines);
    return code;
}

enum hf_exit hf_cli_region(struct hf_cli *cli)
{
    struct holdfast_line lines[HOLDFAST_LINES_MAX];
    const size_t count = cli->words_count - 1;

    if (count > HOLDFAST_LINES_MAX) {
        return hf_cli_report_invalid(cli, "lines", "too many locations in one command");
    }
    for (size_t i = 0; i < count; i++) {
        lines[i] = (struct holdfast_line){.location = cli->words[i + 1]};
    }
    struct holdfast_op op = {
        .kind = HOLDFAST_SET_REGION, .id = cli->words[0], .lines = lines, .lines_count = count};
    return hf_cli_execute(cli, &op);
}

/* ------------------------------------------------------------------ reservations */

enum hf_exit hf_cli_reserve(struct hf_cli *cli)
{
    struct holdfast_op op = {.kind = HOLDFAST_RESERVE, .id = cli->words[0]};
    op.flags = hf_args_has(&cli->args, HF_OPTION_PARTIAL) ? HOLDFAST_PARTIAL : 0;
    const enum hf_exit code = set_ttl(cli, &op);
    return code == HF_EXIT_DONE ? execute_lines(cli, &op, 1) : code;
}

enum hf_exit hf_cli_replace(struct hf_cli *cli)
{
    struct holdfast_op op = {
        .kind = HOLDFAST_REPLACE, .old_id = cli->words[0], .id = cli->words[1]};
    const enum hf_exit code = set_ttl(cli, &op);
    return code == HF_EXIT_DONE ? execute_lines(cli, &op, 2) : code;
}

enum hf_exit hf_cli_confirm(struct hf_cli *cli)
{
    struct holdfast_op op = {.kind = HOLDFAST_CONFIRM, .id = cli->words[0]};
    return hf_cli_execute(cli, &op);
}

enum hf_exit hf_cli_extend(struct hf_cli *cli)
{
    struct holdfast_op op = {.kind = HOLDFAST_EXTEND, .id = cli->words[0]};
    const enum hf_exit code = set_ttl(cli, &op);

    if (code != HF_EXIT_DONE) {
        return code;
    }
    if ((op.flags & HOLDFAST_TTL) == 0) {
        return hf_cli_usage(cli, "extend needs --ttl");
    }
    return hf_cli_execute(cli, &op);
}

enum hf_exit hf_cli_release(struct hf_cli *cli)
{
    struct holdfast_op op = {.kind = HOLDFAST_RELEASE};

    if (cli->words_count > 0) {
        op.id = cli->words[0];
        return execute_lines(cli, &op, 1);
    }
    if (!hf_args_has(&cli->args, HF_OPTION_ORDER)) {
        return hf_cli_usage(cli, "release needs a reservation's id, or --order");
    }
    op.kind = HOLDFAST_RELEASE_ORDER;
    return execute_lines(cli, &op, 0);
}

enum hf_exit hf_cli_fulfil(struct hf_cli *cli)
{
    struct holdfast_op op = {.kind = HOLDFAST_FULFIL, .id = cli->words[0]};
    op.flags = hf_args_has(&cli->args, HF_OPTION_RELEASE_REST) ? HOLDFAST_RELEASE_REST : 0;
    return execute_lines(cli, &op, 1);
}
