/*
 * holdfast-replay - play a file of real orders through a server.
 *
 *     read the file --> open the stock --> play it in file order --> print what became of it
 *
 * Exit codes: 0 the file was played, whatever was refused; 1 the server takes no writes; 2 wrong
 * usage, or a file that cannot be read; 3 no connection.
 */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/replay/balances.h"
#include "bench/replay/order_file.h"
#include "bench/replay/player.h"
#include "engine/limits.h"
#include "engine/text.h"
#include "net/holdfast.h"
#include "tools/common/parse.h"

#define ERROR_BYTES 512
#define RECONNECT_MS 60000 /* long enough for a server to recover and come back */
#define REPORTS_MAX 20     /* unreadable rows that are told one by one */

enum { EXIT_DONE = 0, EXIT_REFUSED = 1, EXIT_USAGE = 2, EXIT_NO_SERVER = 3 };

struct arguments {
    const char *server;
    const char *path;
    bool is_json;
    struct hf_play_options play;
};

static const char usage[] =
    "usage: holdfast-replay [--server HOST:PORT] [--opening demand|N] [--location LOC]\n"
    "                       [--in-flight N] [--json] FILE.csv[.gz]\n"
    "\n"
    "Plays the orders, returns, losses and finds of a file through a server.\n"
    "\n"
    "  --server HOST:PORT   the server; else HOLDFAST_SERVER, else 127.0.0.1:4653\n"
    "  --opening demand     open each SKU with the units the file will sell and lose (the "
    "default)\n"
    "  --opening N          open each SKU of the file with N units\n"
    "  --location LOC       where the stock lies; WAREHOUSE by default\n"
    "  --in-flight N        events on their way at once, 256 by default; 1 plays one at a time\n"
    "  --json               print the result as one JSON object\n"
    "\n"
    "Exit codes: 0 the file was played, whatever was refused; 1 the server takes no writes;\n"
    "2 wrong usage, or a file that cannot be read; 3 no connection.\n";

static uint64_t rows_reported;

static void report_row(uint64_t row, const char *text)
{
    rows_reported++;
    if (rows_reported <= REPORTS_MAX) {
        (void)fprintf(stderr, "holdfast-replay: line %" PRIu64 " cannot be read: %s\n", row, text);
    } else if (rows_reported == REPORTS_MAX + 1) {
        (void)fprintf(stderr,
                      "holdfast-replay: further lines cannot be read, from line %" PRIu64 " on\n",
                      row);
    }
}

static bool read_opening(const char *word, int64_t *units)
{
    uint64_t count;
    if (strcmp(word, "demand") == 0) {
        *units = HF_OPENING_DEMAND;
        return true;
    }
    if (!hf_parse_count(word, HF_UNITS_MAX, &count)) {
        return false;
    }
    *units = (int64_t)count;
    return true;
}

/* EXIT_DONE: go on; -1: help was asked for and given; else the exit code. */
static int read_arguments(int argc, char **argv, struct arguments *arguments)
{
    static const struct option options[] = {
        {"server", required_argument, NULL, 's'},   {"opening", required_argument, NULL, 'o'},
        {"location", required_argument, NULL, 'l'}, {"in-flight", required_argument, NULL, 'i'},
        {"json", no_argument, NULL, 'j'},           {"help", no_argument, NULL, 'h'},
        {"version", no_argument, NULL, 'v'},        {NULL, 0, NULL, 0}};
    uint64_t count;

    for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        switch (option) {
        case 's':
            arguments->server = optarg;
            break;
        case 'o':
            if (!read_opening(optarg, &arguments->play.opening_units)) {
                (void)fprintf(stderr,
                              "holdfast-replay: --opening is \"demand\" or a number of "
                              "units, not \"%s\"\n",
                              optarg);
                return EXIT_USAGE;
            }
            break;
        case 'l':
            if (!hf_text_is_code(hf_text_of(optarg))) {
                (void)fprintf(stderr, "holdfast-replay: --location is not a code of 1 to 64 "
                                      "bytes\n");
                return EXIT_USAGE;
            }
            arguments->play.location = optarg;
            break;
        case 'i':
            if (!hf_parse_count(optarg, HF_PLAY_IN_FLIGHT_MAX, &count) || count == 0) {
                (void)fprintf(stderr,
                              "holdfast-replay: --in-flight is a number from 1 to %u, not "
                              "\"%s\"\n",
                              HF_PLAY_IN_FLIGHT_MAX, optarg);
                return EXIT_USAGE;
            }
            arguments->play.in_flight = (uint32_t)count;
            break;
        case 'j':
            arguments->is_json = true;
            break;
        case 'h':
            (void)fputs(usage, stdout);
            return -1;
        case 'v':
            (void)printf("holdfast-replay %s\n", holdfast_version());
            return -1;
        default:
            (void)fputs(usage, stderr);
            return EXIT_USAGE;
        }
    }
    if (optind + 1 != argc) {
        (void)fputs(usage, stderr);
        return EXIT_USAGE;
    }
    arguments->path = argv[optind];
    return EXIT_DONE;
}

static uint64_t refusals_of(const struct hf_play_totals *totals)
{
    return totals->orders_refused + totals->moves_refused;
}

static double orders_per_s(const struct hf_play_totals *totals)
{
    return totals->seconds > 0 ? (double)totals->orders / totals->seconds : 0;
}

static void print_json(const struct hf_order_file *file, const struct hf_play_totals *totals,
                       const char *balances, uint64_t cells_count)
{
    (void)printf("{\"orders\":%" PRIu64 ",\"lines\":%" PRIu64 ",\"refusals\":%" PRIu64
                 ",\"units\":%" PRIu64
                 ",\"seconds\":%.3f,\"orders_per_s\":%.0f,\"balances\":\"%s\"",
                 totals->orders, totals->lines, refusals_of(totals), totals->units, totals->seconds,
                 orders_per_s(totals), balances);
    (void)printf(",\"orders_fulfilled\":%" PRIu64 ",\"orders_refused\":%" PRIu64
                 ",\"orders_unfinished\":%" PRIu64 ",\"moves\":%" PRIu64
                 ",\"moves_refused\":%" PRIu64 ",\"openings\":%" PRIu64
                 ",\"openings_refused\":%" PRIu64 ",\"units_in\":%" PRId64
                 ",\"units_out\":%" PRId64,
                 totals->orders_fulfilled, totals->orders_refused, totals->orders_unfinished,
                 totals->moves, totals->moves_refused, totals->openings, totals->openings_refused,
                 totals->units_in, totals->units_out);
    (void)printf(",\"repeated\":%" PRIu64 ",\"sent_again\":%" PRIu64 ",\"rows\":%" PRIu64
                 ",\"rows_not_stock\":%" PRIu64 ",\"rows_unreadable\":%" PRIu64
                 ",\"cells\":%" PRIu64 ",\"refusals_by_outcome\":{",
                 totals->repeated, totals->sent_again, file->rows_count, file->rows_not_stock,
                 file->rows_unreadable, cells_count);
    const char *comma = "";
    for (unsigned outcome = 1; outcome <= HOLDFAST_UNKNOWN; outcome++) {
        if (totals->refusals_by_outcome[outcome] > 0) {
            (void)printf("%s\"%s\":%" PRIu64, comma,
                         holdfast_outcome_name((enum holdfast_outcome)outcome),
                         totals->refusals_by_outcome[outcome]);
            comma = ",";
        }
    }
    (void)printf("}}\n");
}

static void print_text(const struct hf_order_file *file, const struct hf_play_totals *totals,
                       const char *balances, uint64_t cells_count)
{
    (void)printf("orders      %" PRIu64 " (%" PRIu64 " fulfilled, %" PRIu64 " refused",
                 totals->orders, totals->orders_fulfilled, totals->orders_refused);
    if (totals->orders_unfinished > 0) {
        (void)printf(", %" PRIu64 " reserved but not fulfilled", totals->orders_unfinished);
    }
    (void)printf(")\nmoves       %" PRIu64 " (%" PRIu64 " refused)\n", totals->moves,
                 totals->moves_refused);
    (void)printf("lines       %" PRIu64 " of %" PRIu64 " rows (%" PRIu64 " are not stock, %" PRIu64
                 " cannot be read)\n",
                 totals->lines, file->rows_count + file->rows_unreadable, file->rows_not_stock,
                 file->rows_unreadable);
    (void)printf("refusals    %" PRIu64 "\n", refusals_of(totals));
    for (unsigned outcome = 1; outcome <= HOLDFAST_UNKNOWN; outcome++) {
        if (totals->refusals_by_outcome[outcome] > 0) {
            (void)printf("            %" PRIu64 " %s\n", totals->refusals_by_outcome[outcome],
                         holdfast_outcome_name((enum holdfast_outcome)outcome));
        }
    }
    (void)printf("units       %" PRIu64 " fulfilled, %" PRId64 " came in, %" PRId64 " were lost\n",
                 totals->units, totals->units_in, totals->units_out);
    if (totals->repeated > 0) {
        (void)printf("repeated    %" PRIu64 " events had been played before\n", totals->repeated);
    }
    if (totals->sent_again > 0) {
        (void)printf("sent again  %" PRIu64 " events were answered busy or unknown at first\n",
                     totals->sent_again);
    }
    (void)printf("seconds     %.3f\norders/s    %.0f\nbalances    %s (%" PRIu64 " cells)\n",
                 totals->seconds, orders_per_s(totals), balances, cells_count);
}

static int play_and_print(struct holdfast **connection, const struct hf_order_file *file,
                          const struct arguments *arguments)
{
    struct hf_play_totals totals;
    char error[ERROR_BYTES];
    char balances[HF_BALANCES_TEXT_BYTES];
    uint64_t cells_count;

    switch (hf_play(connection, file, &arguments->play, &totals, error, sizeof error)) {
    case HF_PLAY_DONE:
        break;
    case HF_PLAY_NO_SERVER:
        (void)fprintf(stderr, "holdfast-replay: %s; played again, the file goes on from here\n",
                      error);
        return EXIT_NO_SERVER;
    case HF_PLAY_STOPPED:
    case HF_PLAY_NO_MEMORY:
        (void)fprintf(stderr, "holdfast-replay: %s\n", error);
        return EXIT_REFUSED;
    }
    struct holdfast *hf = *connection;
    const enum holdfast_outcome outcome = hf_balances(hf, balances, &cells_count);
    if (outcome != HOLDFAST_OK) {
        (void)fprintf(stderr, "holdfast-replay: could not list the balances: %s\n",
                      outcome == HOLDFAST_UNKNOWN ? holdfast_error(hf)
                                                  : holdfast_outcome_text(outcome));
        return outcome == HOLDFAST_UNKNOWN ? EXIT_NO_SERVER : EXIT_REFUSED;
    }
    if (arguments->is_json) {
        print_json(file, &totals, balances, cells_count);
    } else {
        print_text(file, &totals, balances, cells_count);
    }
    return EXIT_DONE;
}

int main(int argc, char **argv)
{
    const char *server = getenv("HOLDFAST_SERVER");
    struct arguments arguments = {
        .server = server != NULL ? server : "127.0.0.1:4653",
        .play = {.location = "WAREHOUSE", .opening_units = HF_OPENING_DEMAND, .in_flight = 256}};
    const int code = read_arguments(argc, argv, &arguments);
    if (code != EXIT_DONE) {
        return code == -1 ? EXIT_DONE : code;
    }
    arguments.play.has_progress = isatty(STDERR_FILENO) == 1;

    char error[ERROR_BYTES];
    struct hf_order_file file;
    if (!hf_order_file_read(&file, arguments.path, report_row, error, sizeof error)) {
        (void)fprintf(stderr, "holdfast-replay: %s\n", error);
        return EXIT_USAGE;
    }
    const struct holdfast_options options = {.reconnect_max_ms = RECONNECT_MS,
                                             .name = "holdfast-replay"};
    struct holdfast *hf = holdfast_connect(arguments.server, &options, error, sizeof error);
    int result = EXIT_NO_SERVER;
    if (hf == NULL) {
        (void)fprintf(stderr, "holdfast-replay: %s\n", error);
    } else {
        result = play_and_print(&hf, &file, &arguments);
    }
    holdfast_close(hf);
    hf_order_file_release(&file);
    return result;
}
