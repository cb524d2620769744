/*
 * holdfast-bench - put a known load on a server, say how it took it, and prove that it happened.
 *
 *     (start a server) --> open stock --> load for a while --> prove --> print
 *
 * Exit codes: 0 done and verified; 1 not verified, or refused by the server; 2 wrong usage; 3 no
 * connection.
 */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "bench/load/followers.h"
#include "bench/load/load.h"
#include "bench/load/spawn.h"
#include "bench/load/stage.h"
#include "tools/common/parse.h"

#define ERROR_BYTES 512
#define BATCH_DEFAULT_MAX 64u

enum { EXIT_DONE = 0, EXIT_NOT_VERIFIED = 1, EXIT_USAGE = 2, EXIT_NO_SERVER = 3 };

static const char usage[] =
    "usage: holdfast-bench [--server HOST:PORT | --spawn] --scenario reserve|lifecycle|read\n"
    "                      [--connections N] [--in-flight N] [--batch N] [--rate N]\n"
    "                      [--duration S] [--skus N] [--followers N] [--durability D] [--json]\n"
    "\n"
    "Puts a load on a server and proves at the end, by its balances, that it happened.\n"
    "\n"
    "  --server HOST:PORT  the server; else HOLDFAST_SERVER, else 127.0.0.1:4653\n"
    "  --spawn             start the holdfastd beside this program, with data of its own there\n"
    "  --scenario NAME     reserve: one line by handles, 16-byte id, 15-minute time-to-live;\n"
    "                      lifecycle: reserve, confirm, fulfil; read: ATS of one SKU\n"
    "  --connections N     8 by default\n"
    "  --in-flight N       operations on their way on each connection; 128 by default,\n"
    "                      unbounded with --rate\n"
    "  --batch N           operations in a frame; the smaller of in-flight and 64 by default\n"
    "  --rate N            operations a second, latency from when each was due;\n"
    "                      without it, as fast as they are answered\n"
    "  --duration S        seconds (or 500ms, 30s, 5m), 10 by default, 10 minutes at most\n"
    "  --skus N            1,000 by default; 1 is a hot SKU\n"
    "  --followers N       consumers of the change feed beside the load, at five speeds; each\n"
    "                      proves that it got every event once; 0 by default\n"
    "  --durability D      of a spawned server: sync (the default), interval:MS or none\n"
    "  --json              print the result as one JSON object\n"
    "\n"
    "Exit codes: 0 done and verified; 1 not verified; 2 wrong usage; 3 no connection.\n";

struct arguments {
    struct hf_load_options load;
    bool has_scenario;
    bool is_spawning;
    bool is_json;
    uint32_t skus;
    uint32_t followers;
    const char *durability; /* NULL: that of a server that runs already */
};

static const char *const scenario_names[] = {"reserve", "lifecycle", "read"};

/* ------------------------------------------------------------------ arguments */

static bool read_number(const char *option, const char *word, uint64_t max, uint64_t *number)
{
    if (hf_parse_count(word, max, number) && *number > 0) {
        return true;
    }
    (void)fprintf(stderr, "holdfast-bench: --%s is a number from 1 to %" PRIu64 ", not \"%s\"\n",
                  option, max, word);
    return false;
}

static bool read_number32(const char *option, const char *word, uint32_t max, uint32_t *number)
{
    uint64_t wide;
    if (!read_number(option, word, max, &wide)) {
        return false;
    }
    *number = (uint32_t)wide;
    return true;
}

/* Seconds, as a bare number or with a unit. */
static bool read_duration(const char *word, uint64_t *duration_us)
{
    uint64_t seconds;
    uint64_t us;
    const uint64_t max = (uint64_t)HF_LOAD_DURATION_US_MAX;
    if (hf_parse_count(word, max / 1000000, &seconds)) {
        us = seconds * 1000000;
    } else if (!hf_parse_duration_us(word, &us)) {
        us = 0;
    }
    if (us == 0 || us > max) {
        (void)fprintf(stderr,
                      "holdfast-bench: --duration is up to 10 minutes (10, 500ms, 5m), not "
                      "\"%s\"\n",
                      word);
        return false;
    }
    *duration_us = us;
    return true;
}

static bool read_scenario(const char *word, struct arguments *arguments)
{
    for (size_t i = 0; i < sizeof scenario_names / sizeof scenario_names[0]; i++) {
        if (strcmp(word, scenario_names[i]) == 0) {
            arguments->load.scenario = (enum hf_scenario)i;
            arguments->has_scenario = true;
            return true;
        }
    }
    (void)fprintf(stderr, "holdfast-bench: --scenario is reserve, lifecycle or read, not \"%s\"\n",
                  word);
    return false;
}

static bool read_option(int option, struct arguments *arguments)
{
    struct hf_load_options *load = &arguments->load;
    switch (option) {
    case 's':
        load->address = optarg;
        return true;
    case 'p':
        arguments->is_spawning = true;
        return true;
    case 'o':
        return read_scenario(optarg, arguments);
    case 'c':
        return read_number32("connections", optarg, HF_LOAD_CONNECTIONS_MAX, &load->connections);
    case 'i':
        return read_number32("in-flight", optarg, HF_LOAD_IN_FLIGHT_MAX, &load->in_flight);
    case 'b':
        return read_number32("batch", optarg, HF_LOAD_BATCH_MAX, &load->batch);
    case 'r':
        return read_number("rate", optarg, HF_LOAD_RATE_MAX, &load->rate_per_s);
    case 'd':
        return read_duration(optarg, &load->duration_us);
    case 'k':
        return read_number32("skus", optarg, HF_STAGE_SKUS_MAX, &arguments->skus);
    case 'f':
        return read_number32("followers", optarg, HF_FOLLOWERS_MAX, &arguments->followers);
    case 'u':
        arguments->durability = optarg;
        return true;
    case 'j':
        arguments->is_json = true;
        return true;
    default:
        (void)fputs(usage, stderr);
        return false;
    }
}

/* What goes together and what does not; fills in what was not said. */
static bool complete(struct arguments *arguments)
{
    struct hf_load_options *load = &arguments->load;
    const char *server = getenv("HOLDFAST_SERVER");

    if (!arguments->has_scenario) {
        (void)fputs(usage, stderr);
        return false;
    }
    if (arguments->is_spawning && load->address != NULL) {
        (void)fprintf(stderr, "holdfast-bench: --server or --spawn, not both\n");
        return false;
    }
    if (!arguments->is_spawning && arguments->durability != NULL) {
        (void)fprintf(stderr, "holdfast-bench: --durability is chosen when a server starts: it "
                              "needs --spawn\n");
        return false;
    }
    if (load->address == NULL) {
        load->address = server != NULL ? server : "127.0.0.1:4653";
    }
    if (arguments->is_spawning && arguments->durability == NULL) {
        arguments->durability = "sync";
    }
    if (load->batch == 0) {
        load->batch = load->in_flight < BATCH_DEFAULT_MAX ? load->in_flight : BATCH_DEFAULT_MAX;
    }
    if (load->rate_per_s == 0 && load->batch > load->in_flight) {
        (void)fprintf(stderr,
                      "holdfast-bench: a frame of %u operations is more than the %u in "
                      "flight\n",
                      load->batch, load->in_flight);
        return false;
    }
    return true;
}

/* EXIT_DONE: go on; -1: help was asked for and given; else the exit code. */
static int read_arguments(int argc, char **argv, struct arguments *arguments)
{
    static const struct option options[] = {{"server", required_argument, NULL, 's'},
                                            {"spawn", no_argument, NULL, 'p'},
                                            {"scenario", required_argument, NULL, 'o'},
                                            {"connections", required_argument, NULL, 'c'},
                                            {"in-flight", required_argument, NULL, 'i'},
                                            {"batch", required_argument, NULL, 'b'},
                                            {"rate", required_argument, NULL, 'r'},
                                            {"duration", required_argument, NULL, 'd'},
                                            {"skus", required_argument, NULL, 'k'},
                                            {"followers", required_argument, NULL, 'f'},
                                            {"durability", required_argument, NULL, 'u'},
                                            {"json", no_argument, NULL, 'j'},
                                            {"help", no_argument, NULL, 'h'},
                                            {"version", no_argument, NULL, 'v'},
                                            {NULL, 0, NULL, 0}};

    for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (option == 'h') {
            (void)fputs(usage, stdout);
            return -1;
        }
        if (option == 'v') {
            (void)printf("holdfast-bench %s\n", holdfast_version());
            return -1;
        }
        if (!read_option(option, arguments)) {
            return EXIT_USAGE;
        }
    }
    if (optind != argc) {
        (void)fputs(usage, stderr);
        return EXIT_USAGE;
    }
    return complete(arguments) ? EXIT_DONE : EXIT_USAGE;
}

/* ------------------------------------------------------------------ output */

struct figures {
    const struct arguments *arguments;
    const struct hf_load_result *result;
    struct hf_stage_stats stats; /* differences over the run; UINT64_MAX: not known */
    double server_cpu_s;         /* negative: not known */
    const struct hf_follower_report *followers;
    bool is_verified;
};

static double latency_us(const struct hf_load_result *result, uint32_t per_million)
{
    return (double)hf_histogram_at(&result->latency_ns, per_million) / 1e3;
}

static double ops_per_s(const struct hf_load_result *result)
{
    return result->seconds > 0 ? (double)result->ops / result->seconds : 0;
}

static void print_json_count(const char *name, uint64_t value)
{
    if (value == UINT64_MAX) {
        (void)printf(",\"%s\":null", name);
    } else {
        (void)printf(",\"%s\":%" PRIu64, name, value);
    }
}

static void print_followers_json(const struct figures *figures)
{
    (void)printf(",\"followers\":[");
    for (uint32_t i = 0; i < figures->arguments->followers; i++) {
        const struct hf_follower_report *follower = &figures->followers[i];
        (void)printf("%s{\"pause_ms\":%u,\"events\":%" PRIu64 ",\"lag_lsn\":%" PRIu64 "}",
                     i == 0 ? "" : ",", follower->pause_ms, follower->events, follower->lag_lsn);
    }
    (void)printf("]");
}

static void print_json(const struct figures *figures)
{
    const struct hf_load_options *load = &figures->arguments->load;
    const struct hf_load_result *result = figures->result;
    const char *durability = figures->arguments->durability;

    /* "in_flight" null: unbounded. "durability" and "server_cpu_s" null: a server that ran already
     * does not say. */
    (void)printf("{\"scenario\":\"%s\",\"connections\":%u", scenario_names[load->scenario],
                 load->connections);
    print_json_count("in_flight", load->rate_per_s > 0 ? UINT64_MAX : load->in_flight);
    (void)printf(",\"batch\":%u,\"durability\":%s%s%s,\"seconds\":%.3f,\"ops\":%" PRIu64
                 ",\"ops_per_s\":%.0f",
                 load->batch, durability == NULL ? "" : "\"",
                 durability == NULL ? "null" : durability, durability == NULL ? "" : "\"",
                 result->seconds, result->ops, ops_per_s(result));
    (void)printf(",\"p50_us\":%.1f,\"p90_us\":%.1f,\"p99_us\":%.1f,\"p999_us\":%.1f,"
                 "\"p9999_us\":%.1f,\"max_us\":%.1f",
                 latency_us(result, 500000), latency_us(result, 900000), latency_us(result, 990000),
                 latency_us(result, 999000), latency_us(result, 999900),
                 latency_us(result, 1000000));
    (void)printf(",\"refused\":%" PRIu64 ",\"errors\":%" PRIu64, result->refused, result->errors);
    print_json_count("fsyncs", figures->stats.fsyncs);
    print_json_count("log_bytes", figures->stats.log_bytes);
    if (figures->server_cpu_s < 0) {
        (void)printf(",\"server_cpu_s\":null");
    } else {
        (void)printf(",\"server_cpu_s\":%.3f", figures->server_cpu_s);
    }
    if (figures->arguments->followers > 0) {
        print_followers_json(figures);
    }
    (void)printf(",\"client_cpu_s\":%.3f,\"verified\":%s}\n", result->client_cpu_s,
                 figures->is_verified ? "true" : "false");
}

static void print_text(const struct figures *figures)
{
    const struct hf_load_options *load = &figures->arguments->load;
    const struct hf_load_result *result = figures->result;
    static const struct {
        const char *name;
        uint32_t per_million;
    } rows[] = {{"p50", 500000},   {"p90", 900000},    {"p99", 990000},
                {"p99.9", 999000}, {"p99.99", 999900}, {"max", 1000000}};

    (void)printf("scenario     %s, %u connections, batches of %u", scenario_names[load->scenario],
                 load->connections, load->batch);
    if (load->rate_per_s > 0) {
        (void)printf(", %" PRIu64 " a second, latency from when each was due\n", load->rate_per_s);
    } else {
        (void)printf(", %u in flight on each\n", load->in_flight);
    }
    (void)printf("durability   %s\n", figures->arguments->durability != NULL
                                          ? figures->arguments->durability
                                          : "as the server was started");
    (void)printf("operations   %" PRIu64 " in %.3f s = %.0f a second\n", result->ops,
                 result->seconds, ops_per_s(result));
    (void)printf("not done     %" PRIu64 " refused, %" PRIu64 " errors\n", result->refused,
                 result->errors);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        (void)printf("  %-8s %12.1f us\n", rows[i].name, latency_us(result, rows[i].per_million));
    }
    if (figures->stats.fsyncs != UINT64_MAX) {
        (void)printf("log          %" PRIu64 " bytes, %" PRIu64 " syncs\n",
                     figures->stats.log_bytes, figures->stats.fsyncs);
    }
    (void)printf("processor    client %.2f s", result->client_cpu_s);
    if (figures->server_cpu_s >= 0) {
        (void)printf(", server %.2f s", figures->server_cpu_s);
    }
    for (uint32_t i = 0; i < figures->arguments->followers; i++) {
        const struct hf_follower_report *follower = &figures->followers[i];
        (void)printf("\nfollower %-3u pauses %4u ms: %" PRIu64 " events, %" PRIu64
                     " LSNs behind at the end",
                     i, follower->pause_ms, follower->events, follower->lag_lsn);
    }
    (void)printf("\nverified     %s\n", figures->is_verified ? "yes" : "NO");
}

/* ------------------------------------------------------------------ the run */

static uint64_t difference(uint64_t after, uint64_t before)
{
    return after == UINT64_MAX || before == UINT64_MAX ? UINT64_MAX : after - before;
}

static double server_cpu_s(const struct hf_spawn *spawn, const struct hf_stage_stats *stats)
{
    if (spawn->pid != 0) {
        return hf_spawn_cpu_s(spawn);
    }
    return stats->cpu_us == UINT64_MAX ? -1 : (double)stats->cpu_us / 1e6;
}

static bool verify(const struct hf_stage *stage, struct holdfast *hf,
                   const struct hf_load_result *result, const struct hf_stage_stats *before)
{
    char why[HF_STAGE_ERROR_BYTES];
    if (result->ops == 0) {
        (void)fprintf(stderr, "holdfast-bench: not verified: no operation was done\n");
        return false;
    }
    if (result->wrong_reads > 0) {
        (void)fprintf(stderr, "holdfast-bench: not verified: %" PRIu64 " answers were wrong\n",
                      result->wrong_reads);
        return false;
    }
    if (!hf_stage_verify(stage, hf, &result->expected, before, why)) {
        (void)fprintf(stderr, "holdfast-bench: not verified: %s\n", why);
        return false;
    }
    return true;
}

/* True when there are no followers, or all of them got everything. */
static bool follow_to_the_end(struct hf_followers *followers, const struct hf_stage_stats *after,
                              bool has_stats, struct hf_follower_report *reports)
{
    char error[ERROR_BYTES];

    if (followers == NULL) {
        return true;
    }
    const uint64_t lsn = has_stats ? after->lsn : 1;
    const bool is_sound = hf_followers_finish(followers, lsn, reports, error, sizeof error);
    if (!is_sound) {
        (void)fprintf(stderr, "holdfast-bench: not verified: %s\n", error);
    }
    return is_sound && has_stats;
}

static int measure(const struct arguments *arguments, const struct hf_spawn *spawn,
                   struct holdfast *hf)
{
    static struct hf_load_result result; /* holds a histogram: too large for a stack */
    struct hf_stage stage;
    struct hf_stage_stats before;
    struct hf_stage_stats after;
    char error[HF_STAGE_ERROR_BYTES] = "could not read the server's stats";

    if (!hf_stage_prepare(&stage, hf, arguments->load.run_key, arguments->skus, error) ||
        !hf_stage_read_stats(hf, &before)) {
        (void)fprintf(stderr, "holdfast-bench: %s\n", error);
        hf_stage_release(&stage);
        return EXIT_NOT_VERIFIED;
    }
    const double cpu_before = server_cpu_s(spawn, &before);
    static struct hf_follower_report reports[HF_FOLLOWERS_MAX];
    struct hf_followers *followers = NULL;
    if (arguments->followers > 0) {
        followers =
            hf_followers_start(arguments->load.address, arguments->followers, error, sizeof error);
    }
    const bool has_begun = followers != NULL || arguments->followers == 0;
    const bool has_run =
        has_begun && hf_load_run(&arguments->load, &stage, &result, error, sizeof error);
    const bool has_stats = hf_stage_read_stats(hf, &after);
    const bool has_followed = follow_to_the_end(followers, &after, has_stats, reports);
    if (!has_run) {
        (void)fprintf(stderr, "holdfast-bench: %s\n", error);
        hf_stage_release(&stage);
        return EXIT_NO_SERVER;
    }
    const double cpu_after = server_cpu_s(spawn, &after);
    const struct figures figures = {
        .arguments = arguments,
        .result = &result,
        .stats = {.fsyncs = has_stats ? difference(after.fsyncs, before.fsyncs) : UINT64_MAX,
                  .log_bytes =
                      has_stats ? difference(after.log_bytes, before.log_bytes) : UINT64_MAX},
        .server_cpu_s = cpu_before < 0 || cpu_after < 0 ? -1 : cpu_after - cpu_before,
        .followers = reports,
        .is_verified = verify(&stage, hf, &result, &before) && has_followed};
    hf_stage_release(&stage);

    if (arguments->is_json) {
        print_json(&figures);
    } else {
        print_text(&figures);
    }
    return figures.is_verified ? EXIT_DONE : EXIT_NOT_VERIFIED;
}

/* Room for every reservation that the run can make. */
static uint64_t reservations_of(const struct arguments *arguments)
{
    const uint64_t a_second =
        arguments->load.rate_per_s > 0 ? arguments->load.rate_per_s : UINT64_C(4000000);
    const uint64_t wanted = a_second * (arguments->load.duration_us / 1000000 + 1) + 1000000;
    return wanted < UINT64_C(200000000) ? wanted : UINT64_C(200000000);
}

int main(int argc, char **argv)
{
    struct arguments arguments = {
        .load = {.connections = 8, .in_flight = 128, .duration_us = 10000000}, .skus = 1000};
    int code = read_arguments(argc, argv, &arguments);
    if (code != EXIT_DONE) {
        return code == -1 ? EXIT_DONE : code;
    }
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    arguments.load.run_key =
        (uint32_t)((uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000);

    char error[ERROR_BYTES];
    struct hf_spawn spawn = {0};
    if (arguments.is_spawning) {
        if (!hf_spawn_start(&spawn, arguments.durability, reservations_of(&arguments),
                            arguments.skus, error)) {
            (void)fprintf(stderr, "holdfast-bench: %s\n", error);
            (void)hf_spawn_stop(&spawn);
            return EXIT_NO_SERVER;
        }
        arguments.load.address = spawn.address;
    }
    const struct holdfast_options options = {.request_timeout_ms = 120000,
                                             .name = "holdfast-bench"};
    struct holdfast *hf = holdfast_connect(arguments.load.address, &options, error, sizeof error);
    if (hf == NULL) {
        (void)fprintf(stderr, "holdfast-bench: %s\n", error);
        code = EXIT_NO_SERVER;
    } else {
        code = measure(&arguments, &spawn, hf);
    }
    holdfast_close(hf);
    if (!hf_spawn_stop(&spawn) && code == EXIT_DONE) {
        (void)fprintf(stderr, "holdfast-bench: could not remove the spawned server and its data\n");
        code = EXIT_NOT_VERIFIED;
    }
    return code;
}
