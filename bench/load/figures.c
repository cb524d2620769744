#include "bench/load/figures.h"

#include <inttypes.h>
#include <stdio.h>

#include "engine/assert.h"

const char *hf_scenario_name(enum hf_scenario scenario)
{
    static const char *const names[HF_SCENARIOS_COUNT] = {"reserve", "lifecycle", "read"};

    HF_ASSERT(scenario < HF_SCENARIOS_COUNT);
    return names[scenario];
}

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

static void print_followers_json(const struct hf_figures *figures)
{
    (void)printf(",\"followers\":[");
    for (uint32_t i = 0; i < figures->followers_count; i++) {
        const struct hf_follower_report *follower = &figures->followers[i];
        (void)printf("%s{\"pause_ms\":%u,\"events\":%" PRIu64 ",\"lag_lsn\":%" PRIu64 "}",
                     i == 0 ? "" : ",", follower->pause_ms, follower->events, follower->lag_lsn);
    }
    (void)printf("]");
}

/* A percentile of the turns without followers, and with them. */
static double turns_us(const struct hf_turns_report *turns, uint32_t half, uint32_t per_million)
{
    return (double)hf_histogram_at(&turns->latency_ns[half], per_million) / 1e3;
}

static double ratio(double with, double without)
{
    return without > 0 ? with / without : 0;
}

static void print_turns_json(const struct hf_turns_report *turns)
{
    static const char *const names[] = {"without", "with"};

    (void)printf(",\"turns\":{\"count\":%u,\"events\":%" PRIu64, turns->turns_count, turns->events);
    for (uint32_t half = 0; half < 2; half++) {
        (void)printf(",\"%s\":{\"ops\":%" PRIu64
                     ",\"p50_us\":%.1f,\"p90_us\":%.1f,\"p99_us\":%.1f,\"p999_us\":%.1f,"
                     "\"median_p99_us\":%.1f}",
                     names[half], turns->latency_ns[half].count, turns_us(turns, half, 500000),
                     turns_us(turns, half, 900000), turns_us(turns, half, 990000),
                     turns_us(turns, half, 999000), (double)turns->median_p99_ns[half] / 1e3);
    }
    (void)printf(",\"p99_ratio\":%.3f,\"median_p99_ratio\":%.3f}",
                 ratio(turns_us(turns, 1, 990000), turns_us(turns, 0, 990000)),
                 ratio((double)turns->median_p99_ns[1], (double)turns->median_p99_ns[0]));
}

static void print_turns_text(const struct hf_turns_report *turns)
{
    static const struct {
        const char *name;
        uint32_t per_million;
    } rows[] = {{"p50", 500000}, {"p90", 900000}, {"p99", 990000}, {"p99.9", 999000}};

    (void)printf("\nturns        %u; without followers, with them, ratio; %" PRIu64 " events",
                 turns->turns_count, turns->events);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const double without = turns_us(turns, 0, rows[i].per_million);
        const double with = turns_us(turns, 1, rows[i].per_million);
        (void)printf("\n  %-8s %12.1f us %12.1f us %8.3f", rows[i].name, without, with,
                     ratio(with, without));
    }
    const double without = (double)turns->median_p99_ns[0] / 1e3;
    const double with = (double)turns->median_p99_ns[1] / 1e3;
    (void)printf("\n  %-8s %12.1f us %12.1f us %8.3f  (median of the turns' p99)", "turn p99",
                 without, with, ratio(with, without));
}

void hf_figures_print_json(const struct hf_figures *figures)
{
    const struct hf_load_options *load = figures->load;
    const struct hf_load_result *result = figures->result;
    const char *durability = figures->durability;

    /* "in_flight" null: unbounded. "durability" and "server_cpu_s" null: a server that ran already
     * does not say. */
    (void)printf("{\"scenario\":\"%s\",\"connections\":%u", hf_scenario_name(load->scenario),
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
    if (figures->turns != NULL) {
        print_turns_json(figures->turns);
    } else if (figures->followers_count > 0) {
        print_followers_json(figures);
    }
    (void)printf(",\"client_cpu_s\":%.3f,\"verified\":%s}\n", result->client_cpu_s,
                 figures->is_verified ? "true" : "false");
}

void hf_figures_print_text(const struct hf_figures *figures)
{
    const struct hf_load_options *load = figures->load;
    const struct hf_load_result *result = figures->result;
    static const struct {
        const char *name;
        uint32_t per_million;
    } rows[] = {{"p50", 500000},   {"p90", 900000},    {"p99", 990000},
                {"p99.9", 999000}, {"p99.99", 999900}, {"max", 1000000}};

    (void)printf("scenario     %s, %u connections, batches of %u", hf_scenario_name(load->scenario),
                 load->connections, load->batch);
    if (load->rate_per_s > 0) {
        (void)printf(", %" PRIu64 " a second, latency from when each was due\n", load->rate_per_s);
    } else {
        (void)printf(", %u in flight on each\n", load->in_flight);
    }
    (void)printf("durability   %s\n",
                 figures->durability != NULL ? figures->durability : "as the server was started");
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
    if (figures->turns != NULL) {
        print_turns_text(figures->turns);
    }
    for (uint32_t i = 0; figures->turns == NULL && i < figures->followers_count; i++) {
        const struct hf_follower_report *follower = &figures->followers[i];
        (void)printf("\nfollower %-3u pauses %4u ms: %" PRIu64 " events, %" PRIu64
                     " LSNs behind at the end",
                     i, follower->pause_ms, follower->events, follower->lag_lsn);
    }
    (void)printf("\nverified     %s\n", figures->is_verified ? "yes" : "NO");
}
