#include "tests/sim/oracle.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/assert.h"
#include "engine/ledger.h"
#include "tests/lib/account.h"
#include "tests/sim/client.h"
#include "tests/sim/world.h"

#define CLIENTS_COUNT 4u
#define AUDITOR CLIENTS_COUNT /* the link of the one who asks again */
#define DEEDS_MAX 600u        /* of a client */
#define SHORT_TTL_US 40000u
#define STEPS_MAX 500u /* between two deaths */

struct run {
    struct hf_world world;
    struct hf_history history;
    struct hf_account account;
    struct hf_client clients[CLIENTS_COUNT];
    struct hf_client auditor;
    struct hf_sim_report *report;
    bool is_stocked;
    bool is_process_only; /* durability below sync: only what a kill leaves may be promised */
};

static uint32_t roll(struct run *run, uint32_t sides)
{
    return hf_world_roll(&run->world, sides);
}

/* ------------------------------------------------------------------ deaths */

/* A time to die is set: the nth call to the disk. */
static void set_fault(struct run *run, bool is_power)
{
    const struct hf_sim_fault fault = {
        .nth = 1 + roll(run, 40),
        .calls = is_power ? HF_SIM_CALLS_CHANGING | HF_SIM_READ | HF_SIM_LIST
                          : (uint32_t)(HF_SIM_WRITE | HF_SIM_SYNC | HF_SIM_ALLOCATE),
        .error = EIO,
        .is_lasting = is_power};
    hf_sim_disk_fail(run->world.disk, &fault);
}

static enum hf_world_end choose_end(struct run *run, bool is_power)
{
    if (run->is_process_only) {
        return HF_END_KILL;
    }
    return is_power ? (enum hf_world_end)(HF_END_DROP + roll(run, HF_WORLD_ENDS_COUNT - 1))
                    : (enum hf_world_end)roll(run, HF_WORLD_ENDS_COUNT);
}

/* What was on its way to the clients reaches them, or does not. */
static bool end_world(struct run *run, enum hf_world_end end)
{
    bool is_good = true;

    hf_world_end(&run->world, end);
    for (uint32_t i = 0; i < CLIENTS_COUNT; i++) {
        if (roll(run, 4) != 0) {
            is_good &= hf_client_read(&run->clients[i]);
        }
        hf_client_disconnect(&run->clients[i]);
    }
    hf_client_disconnect(&run->auditor);
    run->report->deaths_count++;
    return is_good;
}

/* Up again; on the way there the power may go, or the process. */
static bool boot(struct run *run)
{
    for (uint32_t i = 0; i < 3 && roll(run, 4) == 0; i++) {
        const bool is_power = !run->is_process_only && roll(run, 2) == 0;
        if (is_power) {
            set_fault(run, true);
        } else {
            hf_world_doom(&run->world, 1 + roll(run, 40));
        }
        const bool is_up = hf_world_boot(&run->world);
        if (!is_up && !hf_sim_disk_has_failed(run->world.disk) &&
            run->world.mortal.calls_left > 0) {
            break; /* refused by what is on the disk: told below */
        }
        hf_world_end(&run->world, is_power ? choose_end(run, true) : HF_END_KILL);
        run->report->deaths_count++;
    }
    run->world.mortal.calls_left = UINT64_MAX;
    hf_sim_disk_fail(run->world.disk, &(struct hf_sim_fault){0});
    if (!run->world.is_up && !hf_world_boot(&run->world)) {
        return hf_history_blame(&run->history, "the server refuses to start: %s", run->world.error);
    }
    return true;
}

/* ------------------------------------------------------------------ verdict */

/* P7: the log alone gives the same state, where it reaches back to its first record. */
static bool judge_replay(struct run *run)
{
    struct hf_ledger *ledger = hf_engine_ledger(run->world.engine);
    const uint64_t lsn = hf_engine_lsn(run->world.engine);
    const char *why = "";
    bool is_good = true;

    if (lsn == 0 || ledger->first_lsn != 1) {
        return true;
    }
    struct hf_engine *engine = hf_engine_create(&run->world.engine_config);
    HF_ASSERT(engine != NULL);
    for (uint64_t at = 1; is_good && at <= lsn; at++) {
        uint32_t bytes_count;
        const unsigned char *record = hf_ledger_get(ledger, at, &bytes_count);
        hf_ledger_pin(hf_engine_ledger(engine), at - 1);
        if (record == NULL || hf_engine_replay(engine, record, bytes_count, &why) != HF_OK) {
            is_good = hf_history_blame(
                &run->history, "the record at LSN %" PRIu64 " does not replay: %s", at, why);
        }
    }
    const struct hf_digest recovered = hf_engine_digest(run->world.engine);
    const struct hf_digest replayed = hf_engine_digest(engine);
    if (is_good && (recovered.low != replayed.low || recovered.high != replayed.high)) {
        is_good = hf_history_blame(&run->history,
                                   "the digest at LSN %" PRIu64 " is not that of its log", lsn);
    }
    hf_engine_free(engine);
    run->report->replays_count++;
    return is_good;
}

static bool judge(struct run *run)
{
    const struct hf_port port = hf_client_port(&run->auditor);
    const uint64_t seen_lsn = atomic_load(&run->history.seen_lsn);
    const uint64_t lsn = hf_engine_lsn(run->world.engine);

    if (!judge_replay(run) || !hf_history_ask_again(&run->history, &port)) {
        return false;
    }
    if (seen_lsn > lsn) {
        return hf_history_blame(&run->history,
                                "lost: a reply told of LSN %" PRIu64 ", recovered are %" PRIu64,
                                seen_lsn, lsn);
    }
    return hf_history_ask_otherwise(&run->history, &port, &run->world.random) &&
           hf_history_settle(&run->history, &port, run->report->unknown_counts) &&
           hf_account_prove(&run->account, &port);
}

/* ------------------------------------------------------------------ work */

/* Every cell gets its opening stock, by deeds like all others. */
static bool stock_up(struct run *run)
{
    const struct hf_port port = hf_client_port(&run->auditor);
    struct hf_workload workload;
    uint32_t cell = 0;
    uint32_t first;

    hf_workload_init(&workload, &run->history, 0, 0, SHORT_TTL_US);
    while (hf_workload_opening(&workload, &cell, &first) > 0) {
    }
    return hf_history_settle(&run->history, &port, NULL);
}

static bool step(struct run *run)
{
    struct hf_world *world = &run->world;
    const uint32_t client = roll(run, CLIENTS_COUNT);
    const uint32_t way = roll(run, 100);

    world->now_us += roll(run, 200);
    if (way < 25) {
        (void)hf_client_send(&run->clients[client]);
    } else if (way < 50) {
        hf_world_deliver(world, client, roll(run, 4) == 0 ? 1 + roll(run, 300) : SIZE_MAX);
    } else if (way < 65) {
        return hf_client_read(&run->clients[client]);
    } else if (way < 82) {
        hf_world_turn(world);
    } else if (way < 94) {
        (void)hf_world_log_step(world);
    } else if (way < 97) {
        hf_world_snapshot_step(world);
    } else if (way < 99) {
        hf_world_spare_step(world);
    } else {
        world->now_us += roll(run, 30000);
    }
    return true;
}

/* Work until the server dies. */
static bool work(struct run *run)
{
    const uint32_t steps = roll(run, 4) == 0 ? roll(run, 30) : 50 + roll(run, STEPS_MAX);
    /* 0: of the power, 1: of the disk, 2: of the process, at a call; else at any step */
    const uint32_t way = roll(run, 5);

    for (uint32_t i = 0; i < CLIENTS_COUNT; i++) {
        hf_workload_init(&run->clients[i].workload, &run->history, i, run->world.random + i,
                         SHORT_TTL_US);
    }
    if (way < 2 && !run->is_process_only) {
        set_fault(run, way == 0);
    } else if (way == 2) {
        hf_world_doom(&run->world, 1 + roll(run, 60));
    }
    for (uint32_t i = 0; i < steps && !hf_world_is_dying(&run->world); i++) {
        if (!step(run)) {
            return false;
        }
    }
    return end_world(run, choose_end(run, way == 0 && hf_sim_disk_has_failed(run->world.disk)));
}

/* With nothing in flight, a death changes nothing. */
static bool end_at_rest(struct run *run)
{
    if (!boot(run) || !judge(run)) {
        return false;
    }
    while (hf_world_log_step(&run->world)) {
    }
    const uint64_t lsn = hf_engine_lsn(run->world.engine);
    const struct hf_digest before = hf_engine_digest(run->world.engine);
    if (!hf_store_log_sync(run->world.store)) {
        return hf_history_blame(&run->history, "a whole disk does not sync");
    }
    if (!end_world(run, run->is_process_only ? HF_END_KILL : HF_END_DROP) || !boot(run)) {
        return false;
    }
    const struct hf_digest after = hf_engine_digest(run->world.engine);
    if (hf_engine_lsn(run->world.engine) != lsn || before.low != after.low ||
        before.high != after.high) {
        return hf_history_blame(&run->history,
                                "the digest at LSN %" PRIu64 " is another one after a death", lsn);
    }
    return judge(run);
}

static void add_up(struct run *run)
{
    const uint32_t count = hf_history_count(&run->history);

    run->report->deeds_count += count;
    for (uint32_t i = 0; i < count; i++) {
        const struct hf_deed *deed = &run->history.deeds[hf_history_index(&run->history, i)];
        run->report->done_count += deed->status == HF_DEED_DONE ? 1 : 0;
        run->report->unchanged_count += deed->status == HF_DEED_UNCHANGED ? 1 : 0;
        if (deed->status == HF_DEED_DONE) {
            run->report->done_counts[deed->kind]++;
        } else if (deed->status == HF_DEED_REFUSED) {
            run->report->refused_count++;
            run->report->outcome_counts[deed->outcome]++;
        }
    }
    run->report->expiries_count += run->account.expiries_count;
    run->report->snapshots_count += run->world.snapshots_count;
}

bool hf_sim_run(const struct hf_sim_options *options, struct hf_sim_report *report)
{
    struct run *run = calloc(1, sizeof *run);
    HF_ASSERT(run != NULL);

    run->report = report;
    hf_world_init(&run->world, options->seed);
    run->world.is_replying_early = options->is_replying_early;
    HF_ASSERT(hf_history_init(&run->history, CLIENTS_COUNT, DEEDS_MAX));
    HF_ASSERT(hf_account_init(&run->account, &run->history, options->seed));
    for (uint32_t i = 0; i < CLIENTS_COUNT; i++) {
        hf_client_init(&run->clients[i], &run->world, &run->history, i);
    }
    hf_client_init(&run->auditor, &run->world, &run->history, AUDITOR);
    run->world.store_config.snapshots_kept = 1 + roll(run, 3);
    if (!options->is_replying_early && roll(run, 5) == 0) {
        run->is_process_only = true;
        run->world.store_config.durability =
            roll(run, 2) == 0 ? HF_DURABILITY_INTERVAL : HF_DURABILITY_NONE;
    }

    const uint32_t deaths = options->deaths_max != 0 ? options->deaths_max : 2 + roll(run, 6);
    bool is_good = true;
    for (uint32_t i = 0; is_good && i < deaths; i++) {
        is_good = boot(run) && judge(run);
        if (is_good && !run->is_stocked) {
            is_good = stock_up(run);
            run->is_stocked = true;
        }
        is_good = is_good && work(run);
    }
    is_good = is_good && end_at_rest(run);

    add_up(run);
    if (!is_good) {
        (void)snprintf(report->violation, sizeof report->violation, "%s", run->history.violation);
    }
    hf_world_release(&run->world);
    hf_account_release(&run->account);
    hf_history_release(&run->history);
    free(run);
    return is_good;
}
