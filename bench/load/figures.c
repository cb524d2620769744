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

/* A percentile of the turns without, and with. */
static double turns_us(const struct hf_turns_report *turns, uint32_t half, uint32_t per_million)
{
    return (double)hf_histogram_at(&turns->halves[half].latency_ns, per_million) / 1e3;
}

static double ratio(double with, double without)
{
    return without > 0 ? with / without : 0;
}

static double half_ops_per_s(const struct hf_turns_half *half)
{
    return ratio((double)half->ops, half->seconds);
}

static void print_half_json(const struct hf_turns_report *turns, uint32_t half)
{
    static const char *const names[] = {"without", "with"};
    const struct hf_turns_half *figures = &turns->halves[half];
    const bool has_snapshots = turns->snapshots_count > 0;

    (void)printf(",\"%s\":{\"ops\":%" PRIu64, names[half],
                 has_snapshots ? figures->ops : figures->latency_ns.count);
    if (has_snapshots) {
        (void)printf(
            ",\"seconds\":%.3f,\"ops_per_s\":%.0f,\"peak_bytes\":%" PRIu64 ",\"peak_ratio\":%.3f",
            figures->seconds, half_ops_per_s(figures), figures->peak_bytes, figures->peak_ratio);
    }
    (void)printf(",\"p50_us\":%.1f,\"p90_us\":%.1f,\"p99_us\":%.1f,\"p999_us\":%.1f,"
                 "\"median_p99_us\":%.1f,\"median_p999_us\":%.1f,\"quiet_p999_us\":%.1f}",
                 turns_us(turns, half, 500000), turns_us(turns, half, 900000),
                 turns_us(turns, half, 990000), turns_us(turns, half, 999000),
                 (double)figures->median_p99_ns / 1e3, (double)figures->median_p999_ns / 1e3,
                 (double)figures->quiet_p999_ns / 1e3);
}

static void print_turns_json(const struct hf_figures *figures)
{
    const struct hf_turns_report *turns = figures->turns;

    (void)printf(",\"turns\":{\"count\":%u,\"events\":%" PRIu64 ",\"snapshots\":%u",
                 turns->turns_count, turns->events, turns->snapshots_count);
    print_half_json(turns, 0);
    print_half_json(turns, 1);
    if (turns->snapshots_count > 0) {
        (void)printf(",\"longest_snapshot_s\":%.3f", turns->longest_s);
        print_json_count("longest_copy_us", figures->stats.snapshot_longest_copy_us);
        print_json_count("longest_copy_cpu_us", figures->stats.snapshot_longest_copy_cpu_us);
        print_json_count("snapshot_bytes", figures->stats.snapshot_bytes);
        (void)printf(",\"ops_per_s_ratio\":%.3f,\"p999_difference_us\":%.1f",
                     ratio(half_ops_per_s(&turns->halves[1]), half_ops_per_s(&turns->halves[0])),
                     turns_us(turns, 1, 999000) - turns_us(turns, 0, 999000));
    }
    (void)printf(
        ",\"p99_ratio\":%.3f,\"median_p99_ratio\":%.3f}",
        ratio(turns_us(turns, 1, 990000), turns_us(turns, 0, 990000)),
        ratio((double)turns->halves[1].median_p99_ns, (double)turns->halves[0].median_p99_ns));
}

static void print_snapshots_text(const struct hf_figures *figures)
{
    const struct hf_turns_report *turns = figures->turns;
    const struct hf_turns_half *without = &turns->halves[0];
    const struct hf_turns_half *with = &turns->halves[1];

    (void)printf("\nsnapshots    %u, the longest %.3f s", turns->snapshots_count, turns->longest_s);
    if (figures->stats.snapshot_bytes != UINT64_MAX) {
        (void)printf(", the newest %" PRIu64 " bytes", figures->stats.snapshot_bytes);
    }
    if (figures->stats.snapshot_longest_copy_us != UINT64_MAX) {
        (void)printf(", longest copy on the loop %" PRIu64 " us",
                     figures->stats.snapshot_longest_copy_us);
    }
    if (figures->stats.snapshot_longest_copy_cpu_us != UINT64_MAX) {
        (void)printf(", %" PRIu64 " us of the processor",
                     figures->stats.snapshot_longest_copy_cpu_us);
    }
    (void)printf("\n  counted  %12.3f s  %12.3f s", without->seconds, with->seconds);
    (void)printf("\n  a second %12.0f    %12.0f    %8.3f", half_ops_per_s(without),
                 half_ops_per_s(with), ratio(half_ops_per_s(with), half_ops_per_s(without)));
    if (with->peak_bytes > 0) {
        (void)printf("\n  peak MiB %12.1f    %12.1f    (%.3f and %.3f times what it began with)",
                     (double)without->peak_bytes / 1048576, (double)with->peak_bytes / 1048576,
                     without->peak_ratio, with->peak_ratio);
    }
}

/* `which` of the turns' percentiles. */
static void print_turns(const char *name, const char *which, uint64_t without_ns, uint64_t with_ns)
{
    const double without = (double)without_ns / 1e3;
    const double with = (double)with_ns / 1e3;

    (void)printf("\n  turn %-7s %8.1f us %12.1f us %8.3f  (%s of the turns' %s)", name, without,
                 with, ratio(with, without), which, name);
}

static void print_turns_text(const struct hf_figures *figures)
{
    static const struct {
        const char *name;
        uint32_t per_million;
    } rows[] = {{"p50", 500000}, {"p90", 900000}, {"p99", 990000}, {"p99.9", 999000}};
    const struct hf_turns_report *turns = figures->turns;

    if (turns->snapshots_count > 0) {
        (void)printf("\nturns        %u; without a snapshot, with one under way, ratio",
                     turns->turns_count);
        print_snapshots_text(figures);
    } else {
        (void)printf("\nturns        %u; without followers, with them, ratio; %" PRIu64 " events",
                     turns->turns_count, turns->events);
    }
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const double without = turns_us(turns, 0, rows[i].per_million);
        const double with = turns_us(turns, 1, rows[i].per_million);
        (void)printf("\n  %-8s %12.1f us %12.1f us %8.3f", rows[i].name, without, with,
                     ratio(with, without));
    }
    print_turns("p99", "median", turns->halves[0].median_p99_ns, turns->halves[1].median_p99_ns);
    print_turns("p99.9", "median", turns->halves[0].median_p999_ns,
                turns->halves[1].median_p999_ns);
    print_turns("p99.9", "lower quartile", turns->halves[0].quiet_p999_ns,
                turns->halves[1].quiet_p999_ns);
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
        print_turns_json(figures);
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
        print_turns_text(figures);
    }
    for (uint32_t i = 0; figures->turns == NULL && i < figures->followers_count; i++) {
        const struct hf_follower_report *follower = &figures->followers[i];
        (void)printf("\nfollower %-3u pauses %4u ms: %" PRIu64 " events, %" PRIu64
                     " LSNs behind at the end",
                     i, follower->pause_ms, follower->events, follower->lag_lsn);
    }
    (void)printf("\nverified     %s\n", figures->is_verified ? "yes" : "NO");
}
