#include "bench/load/load.h"

#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>

#include "bench/load/numbers.h"
#include "engine/assert.h"

#define ID_BYTES 16
#define IN_FLIGHT_BYTES_MAX ((size_t)1 << 30)
#define DRAIN_NS INT64_C(30000000000) /* for the last answers after the end */
#define WAIT_NS INT64_C(100000000)

/* A frame on its way. */
struct frame {
    struct connection *connection;
    struct frame *next_free;
    enum holdfast_kind kind; /* 0: a read */
    uint32_t size;           /* operations it may carry */
    uint32_t count;          /* and carries now */
    int64_t sent_ns;         /* closed loop */
    uint64_t first_due;      /* constant rate: number of its first operation */
    uint32_t *numbers;       /* of the reservations; room for a batch */
};

struct connection {
    struct load *load;
    struct holdfast *hf;
    bool is_broken;
};

struct load {
    const struct hf_load_options *options;
    const struct hf_stage *stage;
    struct hf_load_result *result;
    struct connection *connections;
    struct pollfd *polled;
    struct frame *free_frames;
    struct holdfast_op *ops; /* one batch, filled anew for each frame */
    struct holdfast_line *lines;
    char (*ids)[ID_BYTES + 1];
    uint32_t *skus;
    struct hf_numbers to_confirm, to_fulfil;
    uint32_t next_number;
    uint64_t random;
    uint64_t frames_in_flight;
    uint64_t due_count; /* constant rate: operations that were sent */
    int64_t started_ns;
    int64_t answered_ns; /* the last answer */
    bool is_ending;
    bool has_no_memory;
};

static int64_t now_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static double client_cpu_s(void)
{
    struct rusage usage;
    (void)getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

/* xorshift64*: cheap, and every run draws the same SKUs. */
static uint32_t draw(struct load *load, uint32_t bound)
{
    load->random ^= load->random >> 12;
    load->random ^= load->random << 25;
    load->random ^= load->random >> 27;
    const uint64_t high = (load->random * UINT64_C(0x2545F4914F6CDD1D)) >> 32;
    return (uint32_t)((high * bound) >> 32);
}

/* When operation `index` of a constant rate is due. Split to stay within 64 bits. */
static int64_t due_ns(const struct load *load, uint64_t index)
{
    const uint64_t rate = load->options->rate_per_s;
    return load->started_ns + (int64_t)(index / rate * 1000000000) +
           (int64_t)(index % rate * 1000000000 / rate);
}

/* ------------------------------------------------------------------ answers */

static void send_next(struct load *load, struct connection *connection, struct frame *frame);

static void record_latency(struct load *load, const struct frame *frame)
{
    struct hf_histogram *latency = &load->result->latency_ns;
    struct hf_turns *turns = load->options->turns;
    const int64_t answered_ns = load->answered_ns - load->started_ns;

    if (load->options->rate_per_s == 0) {
        hf_histogram_add(latency, (uint64_t)(load->answered_ns - frame->sent_ns), frame->count);
        if (turns != NULL) {
            hf_turns_add(turns, frame->sent_ns - load->started_ns, answered_ns, frame->count);
        }
        return;
    }
    for (uint32_t i = 0; i < frame->count; i++) {
        const int64_t waited = load->answered_ns - due_ns(load, frame->first_due + i);
        HF_ASSERT(waited >= 0); /* nothing is sent before it is due */
        hf_histogram_add(latency, (uint64_t)waited, 1);
        if (turns != NULL) {
            hf_turns_add(turns, answered_ns - waited, answered_ns, 1);
        }
    }
}

static bool is_refusal(enum holdfast_outcome outcome)
{
    return outcome == HOLDFAST_INSUFFICIENT_STOCK || outcome == HOLDFAST_BUSY ||
           outcome == HOLDFAST_LIMIT_EXCEEDED || outcome == HOLDFAST_READ_ONLY;
}

static void count_failure(struct load *load, enum holdfast_outcome outcome)
{
    struct hf_load_result *result = load->result;
    if (is_refusal(outcome)) {
        result->refused++;
        return;
    }
    result->errors++;
    result->expected.unknown += outcome == HOLDFAST_UNKNOWN ? 1 : 0;
}

static void count_write(struct load *load, enum holdfast_kind kind, uint32_t number)
{
    struct hf_stage_expected *expected = &load->result->expected;
    const bool goes_on = load->options->scenario == HF_SCENARIO_LIFECYCLE;

    load->result->ops++;
    switch (kind) {
    case HOLDFAST_RESERVE:
        expected->reserved++;
        if (goes_on && !hf_numbers_put(&load->to_confirm, number)) {
            load->has_no_memory = true;
        }
        break;
    case HOLDFAST_CONFIRM:
        expected->confirmed++;
        if (!hf_numbers_put(&load->to_fulfil, number)) {
            load->has_no_memory = true;
        }
        break;
    default:
        HF_ASSERT(kind == HOLDFAST_FULFIL);
        expected->fulfilled++;
        break;
    }
}

/* The frame is answered: in a closed loop the next one takes its place. */
static void finish(struct load *load, struct frame *frame)
{
    HF_ASSERT(load->frames_in_flight > 0);
    load->frames_in_flight--;
    if (load->options->rate_per_s == 0 && !load->is_ending && !frame->connection->is_broken) {
        send_next(load, frame->connection, frame);
        return;
    }
    frame->next_free = load->free_frames;
    load->free_frames = frame;
}

static void on_replies(void *arg, const struct holdfast_reply *replies, size_t count)
{
    struct frame *frame = arg;
    struct load *load = frame->connection->load;

    HF_ASSERT(count == frame->count);
    load->answered_ns = now_ns();
    record_latency(load, frame);
    for (size_t i = 0; i < count; i++) {
        if (replies[i].outcome == HOLDFAST_OK) {
            count_write(load, frame->kind, frame->numbers[i]);
        } else {
            frame->connection->is_broken |= replies[i].outcome == HOLDFAST_UNKNOWN;
            count_failure(load, replies[i].outcome);
        }
    }
    finish(load, frame);
}

static void on_ats(void *arg, enum holdfast_outcome outcome, const struct holdfast_ats *ats,
                   size_t count)
{
    struct frame *frame = arg;
    struct load *load = frame->connection->load;

    load->answered_ns = now_ns();
    record_latency(load, frame);
    if (outcome != HOLDFAST_OK) {
        frame->connection->is_broken |= outcome == HOLDFAST_UNKNOWN;
        for (uint32_t i = 0; i < frame->count; i++) {
            count_failure(load, outcome);
        }
    }
    for (size_t i = 0; i < count; i++) {
        if (ats[i].outcome != HOLDFAST_OK) {
            count_failure(load, ats[i].outcome);
            continue;
        }
        load->result->ops++;
        /* What is open before the load is spread evenly over the SKUs. */
        const int64_t held = HF_STAGE_UNITS - ats[i].ats;
        const int64_t least = load->stage->open_count / load->stage->skus_count;
        const bool is_even = load->stage->open_count % load->stage->skus_count == 0;
        load->result->wrong_reads += held < least || held > least + (is_even ? 0 : 1) ? 1 : 0;
    }
    finish(load, frame);
}

/* ------------------------------------------------------------------ questions */

static void put_hex8(char *to, uint32_t value)
{
    for (int i = 7; i >= 0; i--) {
        to[i] = "0123456789abcdef"[value & 15];
        value >>= 4;
    }
}

/* Fill the batch with the next operations of a kind; returns how many there are. */
static uint32_t fill_writes(struct load *load, struct frame *frame, uint32_t count)
{
    struct hf_numbers *from = NULL;
    frame->kind = HOLDFAST_RESERVE;
    if (load->to_fulfil.count > 0) {
        frame->kind = HOLDFAST_FULFIL;
        from = &load->to_fulfil;
    } else if (load->to_confirm.count > 0) {
        frame->kind = HOLDFAST_CONFIRM;
        from = &load->to_confirm;
    }
    if (from != NULL && from->count < count) {
        count = (uint32_t)from->count;
    }
    for (uint32_t i = 0; i < count; i++) {
        frame->numbers[i] = from != NULL ? hf_numbers_take(from) : load->next_number++;
        put_hex8(load->ids[i] + 8, frame->numbers[i]); /* the first half is the run's */
        struct holdfast_op *op = &load->ops[i];
        *op = (struct holdfast_op){.kind = frame->kind, .id = load->ids[i]};
        if (frame->kind == HOLDFAST_RESERVE) {
            load->lines[i].sku_handle =
                load->stage->sku_handles[draw(load, load->stage->skus_count)];
            op->flags = HOLDFAST_HANDLES | HOLDFAST_TTL;
            op->ttl_us = HF_LOAD_TTL_US;
            op->lines = &load->lines[i];
            op->lines_count = 1;
        }
    }
    return count;
}

/* Send up to `count` operations in one frame; returns how many. 0: it was not taken. */
static uint32_t send_frame(struct load *load, struct connection *connection, struct frame *frame,
                           uint32_t count)
{
    enum holdfast_outcome outcome;

    frame->connection = connection;
    frame->sent_ns = now_ns();
    if (load->options->scenario == HF_SCENARIO_READ) {
        for (uint32_t i = 0; i < count; i++) {
            load->skus[i] = load->stage->sku_handles[draw(load, load->stage->skus_count)];
        }
        frame->count = count;
        outcome = holdfast_submit_ats(connection->hf, load->skus, count,
                                      load->stage->location_handle, on_ats, frame);
    } else {
        frame->count = fill_writes(load, frame, count);
        outcome = holdfast_submit(connection->hf, load->ops, frame->count, on_replies, frame);
    }
    if (outcome != HOLDFAST_OK) {
        connection->is_broken |= outcome != HOLDFAST_BUSY;
        load->result->errors += frame->count;
        frame->next_free = load->free_frames;
        load->free_frames = frame;
        return 0;
    }
    load->frames_in_flight++;
    return frame->count;
}

static void send_next(struct load *load, struct connection *connection, struct frame *frame)
{
    (void)send_frame(load, connection, frame, frame->size);
}

static struct frame *frame_get(struct load *load)
{
    struct frame *frame = load->free_frames;
    if (frame != NULL) {
        load->free_frames = frame->next_free;
        return frame;
    }
    frame = calloc(1, sizeof *frame + load->options->batch * sizeof *frame->numbers);
    if (frame == NULL) {
        load->has_no_memory = true;
        return NULL;
    }
    frame->numbers = (uint32_t *)(frame + 1);
    return frame;
}

/* Constant rate: send everything that is due. */
static void send_due(struct load *load, int64_t now)
{
    const struct hf_load_options *options = load->options;
    const uint64_t end = options->duration_us * options->rate_per_s / 1000000;
    uint32_t tried = 0;

    while (load->due_count < end && due_ns(load, load->due_count) <= now &&
           tried < options->connections) {
        struct connection *connection =
            &load->connections[load->due_count / options->batch % options->connections];
        while (connection->is_broken && tried++ < options->connections) {
            connection = &load->connections[tried % options->connections];
        }
        uint32_t count = 1;
        while (count < options->batch && load->due_count + count < end &&
               due_ns(load, load->due_count + count) <= now) {
            count++;
        }
        struct frame *frame = frame_get(load);
        if (frame == NULL || connection->is_broken) {
            return;
        }
        frame->first_due = load->due_count;
        /* What a full buffer did not take counts as an error: it was due, and did not leave. */
        const uint32_t sent = send_frame(load, connection, frame, count);
        load->due_count += sent > 0 ? sent : count;
    }
}

/* ------------------------------------------------------------------ loop */

static bool any_alive(const struct load *load)
{
    for (uint32_t i = 0; i < load->options->connections; i++) {
        if (!load->connections[i].is_broken) {
            return true;
        }
    }
    return false;
}

static void wait_and_process(struct load *load, int64_t timeout_ns)
{
    const uint32_t count = load->options->connections;
    for (uint32_t i = 0; i < count; i++) {
        struct connection *connection = &load->connections[i];
        load->polled[i].fd = connection->is_broken ? -1 : holdfast_fd(connection->hf);
        load->polled[i].events =
            (short)(POLLIN | (holdfast_wants_write(connection->hf) ? POLLOUT : 0));
        load->polled[i].revents = 0;
    }
    const struct timespec timeout = {.tv_sec = timeout_ns / 1000000000,
                                     .tv_nsec = timeout_ns % 1000000000};
    if (ppoll(load->polled, count, &timeout, NULL) <= 0) {
        return;
    }
    for (uint32_t i = 0; i < count; i++) {
        if (load->polled[i].revents != 0 &&
            holdfast_process(load->connections[i].hf) != HOLDFAST_OK) {
            load->connections[i].is_broken = true;
        }
    }
}

/* Let what was queued leave now: the socket is most often free, and polling it first would cost. */
static void flush(struct load *load)
{
    for (uint32_t i = 0; i < load->options->connections; i++) {
        struct connection *connection = &load->connections[i];
        if (!connection->is_broken && holdfast_wants_write(connection->hf) &&
            holdfast_process(connection->hf) != HOLDFAST_OK) {
            connection->is_broken = true;
        }
    }
}

/* A tick: waking up for each operation by itself would take the processor from the server. */
static void run_rate(struct load *load, int64_t end_ns)
{
    const int64_t tick_ns = (int64_t)load->options->tick_us * 1000;
    int64_t next_ns = 0; /* what is due is sent then */

    for (int64_t now = now_ns(); now < end_ns && any_alive(load); now = now_ns()) {
        if (now >= next_ns) {
            send_due(load, now);
            flush(load);
            const int64_t due = due_ns(load, load->due_count);
            next_ns = due > now + tick_ns ? due : now + tick_ns;
        }
        const int64_t left = next_ns - now_ns();
        wait_and_process(load, left < 0 ? 0 : left < WAIT_NS ? left : WAIT_NS);
    }
    send_due(load, end_ns); /* what fell due while the last answers were read */
    flush(load);
}

static void run_closed(struct load *load, int64_t end_ns)
{
    const struct hf_load_options *options = load->options;
    for (uint32_t i = 0; i < options->connections; i++) {
        uint32_t left = options->in_flight;
        while (left > 0) {
            struct frame *frame = frame_get(load);
            if (frame == NULL) {
                return;
            }
            frame->size = left < options->batch ? left : options->batch;
            left -= frame->size;
            send_next(load, &load->connections[i], frame);
        }
    }
    flush(load);
    while (now_ns() < end_ns && any_alive(load)) {
        wait_and_process(load, WAIT_NS);
    }
}

static void drain(struct load *load)
{
    const int64_t end_ns = now_ns() + DRAIN_NS;
    load->is_ending = true;
    while (load->frames_in_flight > 0 && now_ns() < end_ns && any_alive(load)) {
        wait_and_process(load, WAIT_NS);
    }
}

/* ------------------------------------------------------------------ set-up */

static bool connect_all(struct load *load, char *error, size_t error_bytes)
{
    const struct holdfast_options connection_options = {.in_flight_bytes_max = IN_FLIGHT_BYTES_MAX,
                                                        .name = "holdfast-bench"};
    for (uint32_t i = 0; i < load->options->connections; i++) {
        struct connection *connection = &load->connections[i];
        connection->load = load;
        connection->hf =
            holdfast_connect(load->options->address, &connection_options, error, error_bytes);
        if (connection->hf == NULL) {
            return false;
        }
        if (holdfast_server(connection->hf)->operations_max < load->options->batch) {
            (void)snprintf(error, error_bytes, "the server takes %u operations in a frame, not %u",
                           holdfast_server(connection->hf)->operations_max, load->options->batch);
            return false;
        }
    }
    return true;
}

static bool prepare(struct load *load)
{
    const size_t batch = load->options->batch;
    load->connections = calloc(load->options->connections, sizeof *load->connections);
    load->polled = calloc(load->options->connections, sizeof *load->polled);
    load->ops = calloc(batch, sizeof *load->ops);
    load->lines = calloc(batch, sizeof *load->lines);
    load->ids = calloc(batch, sizeof *load->ids);
    load->skus = calloc(batch, sizeof *load->skus);
    if (load->connections == NULL || load->polled == NULL || load->ops == NULL ||
        load->lines == NULL || load->ids == NULL || load->skus == NULL) {
        return false;
    }
    for (size_t i = 0; i < batch; i++) {
        put_hex8(load->ids[i], load->options->run_key);
        load->lines[i] =
            (struct holdfast_line){.location_handle = load->stage->location_handle, .units = 1};
    }
    return true;
}

static void release(struct load *load)
{
    load->is_ending = true;
    for (uint32_t i = 0; load->connections != NULL && i < load->options->connections; i++) {
        load->connections[i].is_broken = true;
        holdfast_close(load->connections[i].hf); /* answers what is left as unknown */
    }
    while (load->free_frames != NULL) {
        struct frame *frame = load->free_frames;
        load->free_frames = frame->next_free;
        free(frame);
    }
    hf_numbers_release(&load->to_confirm);
    hf_numbers_release(&load->to_fulfil);
    free(load->connections);
    free(load->polled);
    free(load->ops);
    free(load->lines);
    free(load->ids);
    free(load->skus);
}

bool hf_load_run(const struct hf_load_options *options, const struct hf_stage *stage,
                 struct hf_load_result *result, char *error, size_t error_bytes)
{
    struct load load = {.options = options,
                        .stage = stage,
                        .result = result,
                        .random = UINT64_C(0x9E3779B97F4A7C15)};
    HF_ASSERT(options->connections >= 1 && options->batch >= 1);
    HF_ASSERT(options->rate_per_s > 0 || options->in_flight >= options->batch);

    *result = (struct hf_load_result){0};
    (void)snprintf(error, error_bytes, "no memory for the load");
    if (!prepare(&load) || !connect_all(&load, error, error_bytes)) {
        release(&load);
        return false;
    }
    (void)prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL); /* wake when an operation is due */

    const double cpu_before = client_cpu_s();
    load.started_ns = now_ns();
    load.answered_ns = load.started_ns;
    if (options->turns != NULL) {
        hf_turns_begin(options->turns);
    }
    const int64_t end_ns = load.started_ns + (int64_t)options->duration_us * 1000;
    if (options->rate_per_s > 0) {
        run_rate(&load, end_ns);
    } else {
        run_closed(&load, end_ns);
    }
    drain(&load);
    result->seconds = (double)(load.answered_ns - load.started_ns) / 1e9;
    result->client_cpu_s = client_cpu_s() - cpu_before;
    const bool has_memory = !load.has_no_memory;
    release(&load);
    return has_memory;
}
