#include "tools/holdfast/cli.h"

#include <inttypes.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/assert.h"
#include "tools/holdfast/output.h"

#define DEFAULT_SERVER "127.0.0.1:4653"

enum hf_exit hf_cli_exit_of(enum holdfast_outcome outcome)
{
    switch (outcome) {
    case HOLDFAST_OK:
        return HF_EXIT_DONE;
    case HOLDFAST_INVALID_ARGUMENT:
        return HF_EXIT_USAGE;
    case HOLDFAST_NOT_PRIMARY:
    case HOLDFAST_UNKNOWN:
        return HF_EXIT_UNKNOWN;
    default:
        return HF_EXIT_REFUSED;
    }
}

enum hf_exit hf_cli_usage(const struct hf_cli *cli, const char *format, ...)
{
    char message[HF_ARGS_ERROR_BYTES + 128];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);

    (void)fprintf(stderr, "holdfast: %s\n", message);
    const char *about = "";
    if (cli->command != NULL) {
        about = cli->command->name;
        hf_command_print_usage(cli->command, stderr, "usage: ");
    } else if (cli->args.words_count > 0 && hf_command_is_family(cli->args.words[0])) {
        about = cli->args.words[0];
        hf_family_print_usage(about, stderr, "usage: ");
    }
    (void)fprintf(stderr, "`holdfast help%s%s` says more\n", about[0] == '\0' ? "" : " ", about);
    if (cli->is_json) {
        json_t *object = hf_json_object();
        hf_json_set(object, "outcome", hf_json_text("invalid_argument"));
        hf_json_set(object, "message", hf_json_text(message));
        hf_json_print(object);
    }
    return HF_EXIT_USAGE;
}

const char *hf_cli_address(const struct hf_cli *cli)
{
    const char *address = cli->args.values[HF_OPTION_SERVER];

    if (address == NULL && cli->session != NULL) {
        address = cli->session->server;
    }
    if (address == NULL) {
        address = getenv("HOLDFAST_SERVER");
    }
    return address == NULL || address[0] == '\0' ? DEFAULT_SERVER : address;
}

struct holdfast *hf_cli_open(const struct hf_cli *cli, const struct holdfast_options *options,
                             const char *ref)
{
    char error[512];
    struct holdfast *hf = holdfast_connect(hf_cli_address(cli), options, error, sizeof error);

    if (hf != NULL) {
        return hf;
    }
    (void)fprintf(stderr, "holdfast: %s\n", error);
    if (cli->is_json) {
        /* Nothing was sent, which is a safe case of not knowing: the advice is the same. */
        json_t *object = hf_json_object();
        hf_json_set(object, "outcome", hf_json_text("unknown"));
        if (ref != NULL) {
            hf_json_set(object, "lsn", json_null());
            hf_json_set(object, "repeated", json_false());
            hf_json_set(object, "ref", hf_json_text(ref));
        }
        hf_json_set(object, "message", hf_json_text(error));
        hf_json_print(object);
    } else if (ref != NULL) {
        (void)fprintf(stderr, "nothing was sent\n");
    }
    return NULL;
}

/* The connection of the command before is of use: to the same server, as patient, and alive. When
 * nothing is in flight there is nothing to read, but the end. */
static bool is_usable(const struct hf_cli *cli, const struct hf_session *session)
{
    if (cli->hf == NULL || session->patience_ms != cli->patience_ms ||
        strcmp(session->address, hf_cli_address(cli)) != 0) {
        return false;
    }
    struct pollfd idle = {.fd = holdfast_fd(cli->hf), .events = POLLIN};
    return idle.fd >= 0 && poll(&idle, 1, 0) == 0;
}

bool hf_cli_connect(struct hf_cli *cli, const char *ref)
{
    const struct holdfast_options options = {.name = "holdfast",
                                             .request_timeout_ms = cli->patience_ms};
    struct hf_session *session = cli->session;

    if (session != NULL && is_usable(cli, session)) {
        return true;
    }
    holdfast_close(cli->hf);
    cli->hf = hf_cli_open(cli, &options, ref);
    if (cli->hf == NULL || session == NULL) {
        return cli->hf != NULL;
    }
    free(session->address);
    session->address = strdup(hf_cli_address(cli));
    session->patience_ms = cli->patience_ms;
    if (session->address == NULL) {
        (void)fputs("holdfast: out of memory\n", stderr);
        exit(HF_EXIT_UNKNOWN); /* nothing has been sent */
    }
    return true;
}

/* What the user gave that travels as the id of the question; NULL: nothing. */
static const char *asked_by_id(const struct hf_cli *cli)
{
    if (hf_args_has(&cli->args, HF_OPTION_PREFIX)) {
        return "prefix";
    }
    return hf_args_has(&cli->args, HF_OPTION_REGION) ? "region" : NULL;
}

static bool ends_in(const char *text, const char *end)
{
    const size_t bytes = strlen(text);
    return bytes >= strlen(end) && strcmp(text + bytes - strlen(end), end) == 0;
}

enum hf_exit hf_cli_report_failure(const struct hf_cli *cli, enum holdfast_outcome outcome)
{
    HF_ASSERT(outcome != HOLDFAST_OK);

    const bool has_more = outcome == HOLDFAST_INVALID_ARGUMENT || outcome == HOLDFAST_UNKNOWN ||
                          outcome == HOLDFAST_BUSY;
    const char *text = has_more && holdfast_error(cli->hf)[0] != '\0'
                           ? holdfast_error(cli->hf)
                           : holdfast_outcome_text(outcome);
    char own_words[256];
    if (outcome == HOLDFAST_INVALID_ARGUMENT && asked_by_id(cli) != NULL && ends_in(text, ": id")) {
        (void)snprintf(own_words, sizeof own_words, "%.*s%s", (int)(strlen(text) - strlen("id")),
                       text, asked_by_id(cli));
        text = own_words;
    }
    if (cli->is_json) {
        json_t *object = hf_json_object();
        hf_json_set(object, "outcome", hf_json_text(holdfast_outcome_name(outcome)));
        hf_json_set(object, "message", hf_json_text(text));
        hf_json_print(object);
    } else {
        (void)printf("%s: %s\n", holdfast_outcome_name(outcome), text);
    }
    return hf_cli_exit_of(outcome);
}

enum hf_exit hf_cli_report_invalid(const struct hf_cli *cli, const char *field, const char *why)
{
    if (cli->is_json) {
        json_t *object = hf_json_object();
        hf_json_set(object, "outcome", hf_json_text("invalid_argument"));
        hf_json_set(object, "field", hf_json_text(field));
        hf_json_set(object, "message", hf_json_text(why));
        hf_json_print(object);
    } else {
        (void)printf("refused: invalid_argument - %s: %s\n", field, why);
    }
    return HF_EXIT_USAGE;
}

/* ------------------------------------------------------------------ writes */

/* A write and what is known of it, with all that its report needs. */
struct report {
    const struct holdfast_op *op;
    const struct holdfast_reply *reply;
    const struct holdfast_result_line *lines; /* of the reply, copied where `whole` was asked for */
    const struct holdfast_reservation *whole; /* whose lines are meant, when the command had none */
    const struct holdfast_shipment *shipment; /* the same, and where they leave and go */
    const char *ref;
};

struct names {
    const char *sku;
    const char *location;
};

static bool is_of_shipment(const struct holdfast_op *op)
{
    return op->kind >= HOLDFAST_TRANSFER_CREATE && op->kind <= HOLDFAST_INBOUND_CANCEL;
}

/* The location whose stock a line of a transfer or inbound shipment is judged by. */
static const char *location_of(const struct report *report)
{
    const struct holdfast_op *op = report->op;
    const struct holdfast_shipment *shipment = report->shipment;

    switch (op->kind) {
    case HOLDFAST_TRANSFER_CREATE:
        return op->from;
    case HOLDFAST_INBOUND_CREATE:
        return op->to;
    case HOLDFAST_TRANSFER_SHIP:
        return shipment == NULL ? NULL : shipment->from;
    default:
        return shipment == NULL ? NULL : shipment->to;
    }
}

/* The cell that a line of the reply is about: a line of the command, of the reservation, or of the
 * shipment. */
static struct names names_of(const struct report *report, const struct holdfast_result_line *line)
{
    const struct holdfast_op *op = report->op;
    const size_t index = line->line_index;

    if (is_of_shipment(op)) {
        const char *sku = NULL;
        if (index < op->lines_count) {
            sku = op->lines[index].sku;
        } else if (report->shipment != NULL && index < report->shipment->lines_count) {
            sku = report->shipment->lines[index].sku;
        }
        return (struct names){sku, location_of(report)};
    }
    if (index < op->lines_count) {
        return (struct names){op->lines[index].sku, op->lines[index].location};
    }
    if (report->whole != NULL && index < report->whole->lines_count) {
        const struct holdfast_reservation_line *held = &report->whole->lines[index];
        return (struct names){held->sku, held->location};
    }
    return (struct names){NULL, NULL};
}

/* Of a cell that there is not, nothing is known but what was asked for. */
static bool has_figures(const struct holdfast_result_line *line)
{
    return line->outcome != HOLDFAST_UNKNOWN_SKU && line->outcome != HOLDFAST_UNKNOWN_LOCATION;
}

/* A negative adjustment asks for units to be there, like every other line that takes some away. */
static int64_t asked_units(const struct report *report, const struct holdfast_result_line *line)
{
    const bool is_taking = report->op->kind == HOLDFAST_ADJUST && line->requested < 0;
    return is_taking ? -line->requested : line->requested;
}

/* What the user calls the field that the server names. */
static const char *field_name(const struct holdfast_op *op, const char *field)
{
    if (op->kind == HOLDFAST_SET_REGION && field != NULL && strcmp(field, "id") == 0) {
        return "region";
    }
    return field;
}

static bool has_state(const struct holdfast_op *op)
{
    if (is_of_shipment(op)) {
        return true;
    }
    switch (op->kind) {
    case HOLDFAST_RESERVE:
    case HOLDFAST_REPLACE:
    case HOLDFAST_CONFIRM:
    case HOLDFAST_EXTEND:
    case HOLDFAST_RELEASE:
    case HOLDFAST_RELEASE_ORDER:
    case HOLDFAST_FULFIL:
        return true;
    default:
        return false;
    }
}

static json_t *json_lines(const struct report *report)
{
    const struct holdfast_reply *reply = report->reply;
    json_t *lines = hf_json_array();

    for (size_t i = 0; i < reply->lines_count; i++) {
        const struct holdfast_result_line *line = &report->lines[i];
        const struct names names = names_of(report, line);
        json_t *object = hf_json_object();

        hf_json_set(object, "sku", hf_json_text(names.sku));
        hf_json_set(object, "location", hf_json_text(names.location));
        hf_json_set(object, "requested", json_integer(asked_units(report, line)));
        if (reply->outcome == HOLDFAST_OK) {
            hf_json_set(object, "granted", json_integer(line->granted));
        }
        hf_json_set(object, "ats", has_figures(line) ? json_integer(line->ats) : json_null());
        hf_json_set(object, "shortfall",
                    has_figures(line) ? json_integer(line->shortfall) : json_null());
        hf_json_set(object, "earliest_expiry", hf_json_time(line->earliest_expiry_us));
        hf_json_append(lines, object);
    }
    return lines;
}

static void report_json(const struct hf_cli *cli, const struct report *report)
{
    const struct holdfast_reply *reply = report->reply;
    json_t *object = hf_json_object();
    const bool is_unknown = reply->outcome == HOLDFAST_UNKNOWN;

    hf_json_set(object, "outcome", hf_json_text(holdfast_outcome_name(reply->outcome)));
    hf_json_set(object, "lsn", is_unknown ? json_null() : hf_json_count(reply->lsn));
    hf_json_set(object, "repeated", json_boolean(reply->is_repeated));
    hf_json_set(object, "ref", hf_json_text(report->ref));
    if (reply->is_unchanged && !reply->is_repeated) {
        hf_json_set(object, "unchanged", json_true());
    }
    if (has_state(report->op)) {
        const bool is_known = reply->state != HOLDFAST_STATE_NONE;
        hf_json_set(object, "state",
                    hf_json_text(is_known ? holdfast_state_name(reply->state) : NULL));
    }
    if (reply->lines_count > 0) {
        hf_json_set(object, "lines", json_lines(report));
    }
    if (reply->outcome == HOLDFAST_INVALID_ARGUMENT) {
        hf_json_set(object, "field", hf_json_text(field_name(report->op, reply->field)));
        hf_json_set(object, "line",
                    reply->line_index < 0 ? json_null() : json_integer(reply->line_index));
    }
    if (is_unknown) {
        hf_json_set(object, "message", hf_json_text(holdfast_error(cli->hf)));
    }
    hf_json_print(object);
}

/* What happened to each line: asked, granted or ATS, short by, when the next hold ends. */
static void print_lines(const struct report *report)
{
    const struct holdfast_reply *reply = report->reply;
    static const char *const titles[] = {
        "  SKU",     "LOCATION",           ">ASKED", ">GRANTED", ">ATS",
        ">SHORT BY", "EARLIEST HOLD ENDS", "WHY"};
    struct hf_listing table;
    hf_listing_init(&table, titles, sizeof titles / sizeof titles[0]);

    for (size_t i = 0; i < reply->lines_count; i++) {
        const struct holdfast_result_line *line = &report->lines[i];
        const struct names names = names_of(report, line);
        char requested[HF_NUMBER_BYTES];
        char granted[HF_NUMBER_BYTES];
        char ats[HF_NUMBER_BYTES];
        char shortfall[HF_NUMBER_BYTES];
        char expiry[HF_TIME_BYTES];
        char sku[80];

        (void)snprintf(sku, sizeof sku, "  %s", names.sku == NULL ? "-" : names.sku);
        const char *const cells[] = {
            sku,
            names.location == NULL ? "-" : names.location,
            hf_number_text(asked_units(report, line), requested),
            reply->outcome == HOLDFAST_OK ? hf_number_text(line->granted, granted) : "",
            has_figures(line) ? hf_number_text(line->ats, ats) : "-",
            has_figures(line) ? hf_number_text(line->shortfall, shortfall) : "-",
            hf_time_text(line->earliest_expiry_us, expiry),
            line->outcome == HOLDFAST_OK || line->outcome == reply->outcome
                ? ""
                : holdfast_outcome_name(line->outcome),
        };
        hf_listing_add(&table, cells);
    }
    hf_listing_end(&table);
}

static const char *done_text(enum holdfast_kind kind)
{
    switch (kind) {
    case HOLDFAST_ADJUST:
        return "adjusted";
    case HOLDFAST_SELL:
        return "sold";
    case HOLDFAST_RESERVE:
        return "reserved";
    case HOLDFAST_REPLACE:
        return "replaced";
    case HOLDFAST_CONFIRM:
        return "confirmed";
    case HOLDFAST_EXTEND:
        return "extended";
    case HOLDFAST_RELEASE:
    case HOLDFAST_RELEASE_ORDER:
        return "released";
    case HOLDFAST_FULFIL:
        return "fulfilled";
    case HOLDFAST_MOVE_STATUS:
        return "moved";
    case HOLDFAST_DISPOSE:
        return "disposed of";
    case HOLDFAST_TRANSFER_CREATE:
    case HOLDFAST_INBOUND_CREATE:
        return "created";
    case HOLDFAST_TRANSFER_SHIP:
        return "shipped";
    case HOLDFAST_RECEIVE:
    case HOLDFAST_TRANSFER_RECEIVE:
    case HOLDFAST_INBOUND_RECEIVE:
        return "received";
    case HOLDFAST_TRANSFER_CANCEL:
    case HOLDFAST_INBOUND_CANCEL:
        return "cancelled";
    case HOLDFAST_TRANSFER_CLOSE:
        return "closed";
    default:
        return "set";
    }
}

static void print_done(const struct report *report)
{
    const struct holdfast_op *op = report->op;
    const struct holdfast_reply *reply = report->reply;

    (void)printf("%s", done_text(op->kind));
    if (op->id != NULL && reply->state != HOLDFAST_STATE_NONE) {
        char expiry[HF_TIME_BYTES];
        (void)printf(": %s is %s", op->id, holdfast_state_name(reply->state));
        if (reply->expires_at_us != 0) {
            (void)printf(" %s %s", reply->state == HOLDFAST_HELD ? "until" : "since",
                         hf_time_text(reply->expires_at_us, expiry));
        }
    }
    (void)printf("  (lsn %" PRIu64 ", ref %s)\n", reply->lsn, report->ref);
    if (reply->is_repeated) {
        (void)printf("  it was done before, at that LSN; nothing was done now\n");
    } else if (reply->is_unchanged) {
        (void)printf("  it was so already: nothing has changed, and nothing was written\n");
    }
    print_lines(report);
}

static void print_refused(const struct report *report)
{
    const struct holdfast_op *op = report->op;
    const struct holdfast_reply *reply = report->reply;

    (void)printf("refused: %s - %s", holdfast_outcome_name(reply->outcome),
                 holdfast_outcome_text(reply->outcome));
    if (reply->field != NULL) {
        (void)printf(": %s", field_name(op, reply->field));
    }
    if (reply->line_index >= 0) {
        (void)printf(" of line %d", reply->line_index + 1);
    }
    if (reply->state != HOLDFAST_STATE_NONE && op->id != NULL) {
        (void)printf(" (%s is %s)", op->id, holdfast_state_name(reply->state));
    }
    (void)printf("\n");
    print_lines(report);
    if (reply->outcome == HOLDFAST_REFERENCE_CONFLICT) {
        (void)printf("  nothing has changed; ref %s was used for something else\n", report->ref);
    } else {
        (void)printf("  nothing has changed; ref %s stays free\n", report->ref);
    }
}

static void print_unknown(const struct hf_cli *cli, const struct report *report)
{
    (void)printf("unknown: it happened, or it did not: %s  (ref %s)\n", holdfast_error(cli->hf),
                 report->ref);
    if (report->op->ref != NULL) {
        (void)printf("  run the same command again with --ref %s: it is done once\n", report->ref);
    } else {
        (void)printf("  run the same command again: its id makes sure that it is done once\n");
    }
}

/*
 * A reservation released or fulfilled as a whole is refused by lines that the command does not
 * name: ask for them; a shipment's also say where it goes. Asking ends the life of the reply's
 * lines, so they are copied into `copy`.
 */
static void find_whole(const struct hf_cli *cli, struct report *report,
                       struct holdfast_reservation *reservation, struct holdfast_shipment *shipment,
                       struct holdfast_result_line **copy)
{
    const struct holdfast_op *op = report->op;
    const struct holdfast_reply *reply = report->reply;
    const bool is_created =
        op->kind == HOLDFAST_TRANSFER_CREATE || op->kind == HOLDFAST_INBOUND_CREATE;

    if (reply->lines_count == 0 || op->id == NULL || is_created ||
        (op->lines_count > 0 && !is_of_shipment(op))) {
        return;
    }
    *copy = malloc(reply->lines_count * sizeof **copy);
    if (*copy == NULL) {
        return;
    }
    memcpy(*copy, reply->lines, reply->lines_count * sizeof **copy);
    report->lines = *copy;
    if (!is_of_shipment(op)) {
        const bool is_found = holdfast_get_reservation(cli->hf, op->id, reservation) == HOLDFAST_OK;
        report->whole = is_found ? reservation : NULL;
        return;
    }
    const enum holdfast_outcome outcome = op->kind < HOLDFAST_INBOUND_CREATE
                                              ? holdfast_get_transfer(cli->hf, op->id, shipment)
                                              : holdfast_get_inbound(cli->hf, op->id, shipment);
    report->shipment = outcome == HOLDFAST_OK ? shipment : NULL;
}

enum hf_exit hf_cli_report_write(const struct hf_cli *cli, const struct holdfast_op *op,
                                 const struct holdfast_reply *reply, const char *ref)
{
    HF_ASSERT(ref != NULL);

    struct report report = {.op = op, .reply = reply, .lines = reply->lines, .ref = ref};
    struct holdfast_reservation reservation;
    struct holdfast_shipment shipment;
    struct holdfast_result_line *copy = NULL;
    find_whole(cli, &report, &reservation, &shipment, &copy);

    if (cli->is_json) {
        report_json(cli, &report);
    } else if (reply->outcome == HOLDFAST_OK) {
        print_done(&report);
    } else if (reply->outcome == HOLDFAST_UNKNOWN) {
        print_unknown(cli, &report);
    } else {
        print_refused(&report);
    }
    free(copy);
    return hf_cli_exit_of(reply->outcome);
}
