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

#include "bench/load/figures.h"
#include "bench/load/followers.h"
#include "bench/load/load.h"
#include "bench/load/spawn.h"
#include "bench/load/stage.h"
#include "bench/load/turns.h"
#include "tools/common/parse.h"

#define ERROR_BYTES 512
#define BATCH_DEFAULT_MAX 64u
#define REFERENCES_MAX 1000000000u

enum { EXIT_DONE = 0, EXIT_NOT_VERIFIED = 1, EXIT_USAGE = 2, EXIT_NO_SERVER = 3 };

static const char usage[] =
    "usage: holdfast-bench [--server HOST:PORT | --spawn] --scenario reserve|lifecycle|read\n"
    "                      [--connections N] [--in-flight N] [--batch N] [--rate N]\n"
    "                      [--tick T]\n"
    "                      [--duration S] [--skus N] [--open N] [--references N]\n"
    "                      [--followers N [--turns S] | --snapshots --turns S]\n"
    "                      [--durability D] [--json]\n"
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
    "  --tick T            with --rate: what is due is sent every T, 200us by default\n"
    "  --duration S        seconds (or 500ms, 30s, 5m), 10 by default, 10 minutes at most\n"
    "  --skus N            1,000 by default; 1 is a hot SKU\n"
    "  --open N            reservations that are open before the load begins; none by default\n"
    "  --references N      of a spawned server: names remembered, closed reservations among them;\n"
    "                      as many as the load can use by default\n"
    "  --followers N       consumers of the change feed beside the load, at five speeds; each\n"
    "                      proves that it got every event once; none by default\n"
    "  --turns S           with --rate: the followers are there in every second stretch of S\n"
    "                      seconds only, and the latencies with and without them are compared\n"
    "  --snapshots         with --turns: at the begin of every second stretch a snapshot is asked\n"
    "                      for; throughput, latencies and memory while it is under way are\n"
    "                      compared with the stretches without\n"
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
    uint32_t open;
    uint64_t references; /* 0: as many as the load can use */
    uint32_t followers;
    bool has_snapshots;
    uint64_t turn_us;       /* 0: the followers are there all the time */
    const char *durability; /* NULL: that of a server that runs already */
};

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
static bool read_duration(const char *option, const char *word, uint64_t *duration_us)
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
                      "holdfast-bench: --%s is up to 10 minutes (10, 500ms, 5m), not \"%s\"\n",
                      option, word);
        return false;
    }
    *duration_us = us;
    return true;
}

static bool read_scenario(const char *word, struct arguments *arguments)
{
    for (enum hf_scenario i = 0; i < HF_SCENARIOS_COUNT; i++) {
        if (strcmp(word, hf_scenario_name(i)) == 0) {
            arguments->load.scenario = i;
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
    case 'q':
        return read_duration("tick", optarg, &load->tick_us);
    case 'd':
        return read_duration("duration", optarg, &load->duration_us);
    case 't':
        return read_duration("turns", optarg, &arguments->turn_us);
    case 'k':
        return read_number32("skus", optarg, HF_STAGE_SKUS_MAX, &arguments->skus);
    case 'n':
        return read_number32("open", optarg, HF_STAGE_OPEN_MAX, &arguments->open);
    case 'e':
        return read_number("references", optarg, REFERENCES_MAX, &arguments->references);
    case 'x':
        arguments->has_snapshots = true;
        return true;
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

static bool complete_turns(const struct arguments *arguments)
{
    const struct hf_load_options *load = &arguments->load;
    const uint64_t turns = arguments->turn_us > 0 ? load->duration_us / arguments->turn_us : 0;
    const bool has_followers = arguments->followers > 0 && load->rate_per_s > 0;

    if (arguments->has_snapshots && (arguments->followers > 0 || arguments->turn_us == 0)) {
        (void)fprintf(stderr, "holdfast-bench: --snapshots needs --turns, and no --followers\n");
        return false;
    }
    if (arguments->turn_us > 0 &&
        ((!has_followers && !arguments->has_snapshots) || turns < 2 || turns > HF_TURNS_MAX)) {
        (void)fprintf(stderr,
                      "holdfast-bench: --turns needs --snapshots, or --rate and --followers, and "
                      "a --duration of 2 to %u turns\n",
                      HF_TURNS_MAX);
        return false;
    }
    return true;
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
    if (!arguments->is_spawning && (arguments->durability != NULL || arguments->references > 0)) {
        (void)fprintf(stderr, "holdfast-bench: --durability and --references are chosen when a "
                              "server starts: they need --spawn\n");
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
    return complete_turns(arguments);
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
                                            {"tick", required_argument, NULL, 'q'},
                                            {"duration", required_argument, NULL, 'd'},
                                            {"skus", required_argument, NULL, 'k'},
                                            {"open", required_argument, NULL, 'n'},
                                            {"references", required_argument, NULL, 'e'},
                                            {"snapshots", no_argument, NULL, 'x'},
                                            {"followers", required_argument, NULL, 'f'},
                                            {"turns", required_argument, NULL, 't'},
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

/* What runs beside the load: nobody, followers all the time, or they or snapshots in turns. */
struct company {
    struct hf_followers *followers;
    struct hf_turns *turns;
    struct hf_follower_report reports[HF_FOLLOWERS_MAX];
    struct hf_turns_report turns_report;
};

static bool invite(struct company *company, struct arguments *arguments,
                   const struct hf_spawn *spawn, char *error, size_t error_bytes)
{
    struct hf_load_options *load = &arguments->load;

    if (arguments->turn_us > 0) {
        const struct hf_turns_options options = {.address = load->address,
                                                 .followers = arguments->followers,
                                                 .turn_us = arguments->turn_us,
                                                 .duration_us = load->duration_us,
                                                 .server = spawn->pid};
        company->turns = hf_turns_create(&options);
        load->turns = company->turns;
        (void)snprintf(error, error_bytes, "no memory for the turns");
        return company->turns != NULL;
    }
    if (arguments->followers > 0) {
        company->followers =
            hf_followers_start(load->address, arguments->followers, error, error_bytes);
        return company->followers != NULL;
    }
    return true;
}

/* True when each has got what it should. */
static bool see_off(struct company *company, const struct hf_stage_stats *after, bool has_stats)
{
    char error[ERROR_BYTES];
    bool is_sound = true;

    if (company->followers != NULL) {
        const uint64_t lsn = has_stats ? after->lsn : 0;
        is_sound =
            hf_followers_finish(company->followers, lsn, company->reports, error, sizeof error);
    }
    if (company->turns != NULL) {
        is_sound = hf_turns_finish(company->turns, &company->turns_report, error, sizeof error);
        hf_turns_destroy(company->turns);
    }
    if (!is_sound) {
        (void)fprintf(stderr, "holdfast-bench: not verified: %s\n", error);
    }
    return is_sound && has_stats;
}

static int measure(struct arguments *arguments, const struct hf_spawn *spawn, struct holdfast *hf)
{
    static struct hf_load_result result; /* holds a histogram: too large for a stack */
    static struct company company;       /* likewise */
    struct hf_stage stage;
    struct hf_stage_stats before;
    struct hf_stage_stats after;
    char error[HF_STAGE_ERROR_BYTES] = "could not read the server's stats";

    if (!hf_stage_prepare(&stage, hf, arguments->load.run_key, arguments->skus, error) ||
        !hf_stage_open(&stage, hf, arguments->load.run_key, arguments->open, error) ||
        !hf_stage_read_stats(hf, &before)) {
        (void)fprintf(stderr, "holdfast-bench: %s\n", error);
        hf_stage_release(&stage);
        return EXIT_NOT_VERIFIED;
    }
    const double cpu_before = server_cpu_s(spawn, &before);
    const bool has_begun = invite(&company, arguments, spawn, error, sizeof error);
    const bool has_run =
        has_begun && hf_load_run(&arguments->load, &stage, &result, error, sizeof error);
    const bool has_stats = hf_stage_read_stats(hf, &after);
    const bool is_company_served = see_off(&company, &after, has_stats);
    if (!has_run) {
        (void)fprintf(stderr, "holdfast-bench: %s\n", error);
        hf_stage_release(&stage);
        return EXIT_NO_SERVER;
    }
    const double cpu_after = server_cpu_s(spawn, &after);
    const struct hf_figures figures = {
        .load = &arguments->load,
        .durability = arguments->durability,
        .result = &result,
        .stats = {.fsyncs = has_stats ? difference(after.fsyncs, before.fsyncs) : UINT64_MAX,
                  .log_bytes =
                      has_stats ? difference(after.log_bytes, before.log_bytes) : UINT64_MAX,
                  .snapshot_longest_copy_us =
                      has_stats ? after.snapshot_longest_copy_us : UINT64_MAX,
                  .snapshot_longest_copy_cpu_us =
                      has_stats ? after.snapshot_longest_copy_cpu_us : UINT64_MAX,
                  .snapshot_bytes = has_stats ? after.snapshot_bytes : UINT64_MAX},
        .server_cpu_s = cpu_before < 0 || cpu_after < 0 ? -1 : cpu_after - cpu_before,
        .followers = company.reports,
        .followers_count = company.followers != NULL ? arguments->followers : 0,
        .turns = company.turns != NULL ? &company.turns_report : NULL,
        .is_verified = verify(&stage, hf, &result, &before) && is_company_served};
    hf_stage_release(&stage);

    if (arguments->is_json) {
        hf_figures_print_json(&figures);
    } else {
        hf_figures_print_text(&figures);
    }
    return figures.is_verified ? EXIT_DONE : EXIT_NOT_VERIFIED;
}

/* Room for every reservation that the load can make; those that are open come on top. */
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
        .load = {.connections = 8, .in_flight = 128, .tick_us = 200, .duration_us = 10000000},
        .skus = 1000};
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
        const uint64_t reservations = reservations_of(&arguments);
        const struct hf_spawn_options wanted = {
            .durability = arguments.durability,
            .reservations = reservations + arguments.open,
            .references = arguments.references > 0 ? arguments.references : reservations,
            .skus = arguments.skus};
        if (!hf_spawn_start(&spawn, &wanted, error)) {
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
