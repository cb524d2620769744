/*
 * load.h - the load itself: one thread, many connections, many operations in flight.
 *
 *     closed loop       each connection keeps `in_flight` operations on their way; the next frame
 *                       leaves when one was answered. Latency: from the send to the reply.
 *     constant rate     operation i is due at start + i / rate, whatever the server does. Latency:
 *                       from when it was due, not from when it left: a server that stalls for a
 *                       second is charged with every operation it kept waiting (no coordinated
 *                       omission). Nothing bounds what is in flight.
 *
 *     scenario reserve    reserve one unit of one SKU: handles, 16-byte id, 15-minute time-to-live
 *              lifecycle  reserve, confirm, fulfil; each of the three is an operation
 *              read       ATS of one SKU at one location; the answer is compared with the truth
 *
 * In lifecycle, what was reserved is confirmed and what was confirmed is fulfilled before anything
 * new is reserved, so the three kinds settle at a third each.
 */
#ifndef HF_BENCH_LOAD_H
#define HF_BENCH_LOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bench/load/histogram.h"
#include "bench/load/stage.h"
#include "bench/load/turns.h"

enum hf_scenario {
    HF_SCENARIO_RESERVE,
    HF_SCENARIO_LIFECYCLE,
    HF_SCENARIO_READ,
    HF_SCENARIOS_COUNT
};

#define HF_LOAD_CONNECTIONS_MAX 10000u
#define HF_LOAD_IN_FLIGHT_MAX 1000000u
#define HF_LOAD_BATCH_MAX 4096u
#define HF_LOAD_RATE_MAX 100000000u
#define HF_LOAD_TTL_US (15 * HOLDFAST_MINUTE_US)
/* No hold of a run may expire before the proof at its end. */
#define HF_LOAD_DURATION_US_MAX (10 * HOLDFAST_MINUTE_US)

struct hf_load_options {
    enum hf_scenario scenario;
    const char *address;
    uint32_t connections;
    uint32_t in_flight;  /* operations of each connection; unbounded with a rate */
    uint32_t batch;      /* operations of a frame */
    uint64_t rate_per_s; /* of all connections; 0: closed loop */
    uint64_t tick_us;    /* with a rate: what is due is sent so often; 0: at once */
    uint64_t duration_us;
    uint32_t run_key;       /* the ids of this run begin with it */
    struct hf_turns *turns; /* NULL: latencies are not told apart */
};

struct hf_load_result {
    uint64_t ops; /* answered, refusals and errors not among them */
    uint64_t refused;
    uint64_t errors; /* unknown, and answers that a healthy server does not give */
    uint64_t wrong_reads;
    struct hf_stage_expected expected;
    struct hf_histogram latency_ns;
    double seconds;
    double client_cpu_s;
};

/* False: the connections could not be made, or there is no memory; `error` says which. */
bool hf_load_run(const struct hf_load_options *options, const struct hf_stage *stage,
                 struct hf_load_result *result, char *error, size_t error_bytes);

#endif
