#include "tests/sim/run.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "engine/assert.h"
#include "engine/ledger.h"
#include "persistence/format.h"
#include "tests/sim/fill.h"
#include "tests/sim/oracle.h"

#define DEEDS_MAX 500u /* of a client */
#define SHORT_TTL_US 40000u
#define FILL_ROOM_MIN 1000u /* what is left of a filled segment */
#define FILL_ROOM_MORE 20000u
#define CALLS_ERROR ((uint32_t)(HF_SIM_WRITE | HF_SIM_SYNC | HF_SIM_ALLOCATE))
#define CALLS_POWER ((uint32_t)(HF_SIM_CALLS_CHANGING | HF_SIM_READ | HF_SIM_LIST))

/* What lasts for a while in a life. */
struct spells {
    uint32_t full_until, slow_until; /* steps of the life */
    uint32_t late_until[HF_PLAN_CLIENTS_MAX + 1];
};

static uint32_t roll(struct hf_run *run, uint32_t sides)
{
    return hf_roll(&run->world, sides);
}

static bool is_kept(const struct hf_run *run, uint32_t fault)
{
    const struct hf_plan_cut *cut = run->options->cut;
    return cut == NULL || !cut->has_faults || cut->is_kept[fault];
}

/* The index-th fault of the life comes: it is counted and told. NULL: it is left out. */
static const struct hf_fault *fault_at(struct hf_run *run, const struct hf_life *life,
                                       uint32_t index)
{
    return is_kept(run, life->faults_first + index) ? &run->plan.faults[life->faults_first + index]
                                                    : NULL;
}

static void note(struct hf_run *run, const struct hf_fault *fault)
{
    char text[256];

    hf_fault_describe(&run->plan, (uint32_t)(fault - run->plan.faults), text, sizeof text);
    hf_run_tell(run, "  %s", text);
    run->report->fault_counts[fault->kind]++;
}

/* ------------------------------------------------------------------ deaths */

static void set_call_fault(struct hf_run *run, const struct hf_fault *fault, uint32_t calls,
                           bool is_lasting)
{
    const struct hf_sim_fault strike = {
        .nth = (uint64_t)fault->amount, .calls = calls, .error = EIO, .is_lasting = is_lasting};
    hf_sim_disk_fail(run->node.disk, &strike);
    run->node.is_power_cut = is_lasting;
}

static void clear_call_fault(struct hf_run *run)
{
    hf_sim_disk_fail(run->node.disk, &(struct hf_sim_fault){0});
    run->node.is_power_cut = false;
    run->node.mortal.calls_left = UINT64_MAX;
}

/* What was on its way to the clients reaches them, or does not. */
static bool end_node(struct hf_run *run, enum hf_node_end end)
{
    bool is_good = true;

    hf_node_end(&run->node, end);
    for (uint32_t i = 0; i < run->plan.clients_count; i++) {
        if (roll(run, 4) != 0) {
            is_good &= hf_client_read(&run->clients[i]);
        }
        hf_client_disconnect(&run->clients[i]);
    }
    for (uint32_t i = 0; i < HF_RUN_CONSUMERS_COUNT; i++) {
        if (roll(run, 4) != 0) {
            is_good &= hf_consumer_read(&run->consumers[i]);
        }
        hf_consumer_disconnect(&run->consumers[i]);
    }
    hf_client_disconnect(&run->auditor);
    run->node.is_power_cut = false;
    run->report->deaths_count++;
    return is_good;
}

/* ------------------------------------------------------------------ damage */

/* Some of what stands on the disk decays, in a copy that is judged after the next start. */
static void decay(struct hf_run *run, const struct hf_fault *fault)
{
    uint64_t random = (uint64_t)fault->amount;

    hf_sim_disk_free(run->broken);
    run->broken = hf_sim_disk_clone(run->node.disk);
    /* Two places may be the last group and its only witness, three the witness of that. */
    HF_ASSERT(fault->length >= 1 && fault->length <= HF_NODE_GROUPS_COUNT);
    run->broken_lsn = run->node.group_lsns[fault->length - 1];
    size_t files_count = 0;
    while (hf_sim_disk_name(run->broken, files_count) != NULL) {
        files_count++;
    }
    for (uint32_t i = 0; files_count > 0 && i < fault->length; i++) {
        const char *path = hf_sim_disk_name(run->broken, hf_random(&random, (uint32_t)files_count));
        const uint64_t bytes_count = hf_sim_disk_file_bytes(run->broken, path);
        const uint64_t among =
            bytes_count > 65536 && hf_random(&random, 8) != 0 ? 65536 : bytes_count;
        const bool is_sector = hf_random(&random, 4) == 0;
        const uint64_t place = among == 0 ? 0 : hf_random(&random, (uint32_t)among);
        const uint64_t offset =
            is_sector ? place - place % 512 : place; /* disks decay by sectors */
        hf_run_tell(run, "    %s at %" PRIu64 ", %s", path, offset,
                    is_sector ? "512 bytes" : "a byte");
        for (uint64_t at = offset; at < bytes_count && at < offset + (is_sector ? 512 : 1); at++) {
            hf_sim_disk_flip(run->broken, path, at, (unsigned char)(1 + hf_random(&random, 255)));
        }
    }
}

/* What blocks of the newest segment hold that end before `offset`, on a disk that is whole. */
static uint64_t lsn_before(const struct hf_sim_disk *disk, const char *path, uint64_t offset)
{
    unsigned char bytes[HF_BLOCK_HEADER_BYTES];
    struct hf_segment_header segment;
    struct hf_block_header block;
    const char *why = NULL;

    hf_sim_disk_peek(disk, path, 0, bytes, sizeof bytes);
    HF_ASSERT(hf_segment_header_decode(&segment, bytes, sizeof bytes, &why) == HF_OK);
    uint64_t lsn = segment.first_lsn - 1;
    uint64_t at = hf_format_group_offset(HF_SEGMENT_HEADER_BYTES);
    while (at + sizeof bytes <= offset) {
        hf_sim_disk_peek(disk, path, at, bytes, sizeof bytes);
        if (hf_block_peek(&block, bytes, sizeof bytes, &why) == HF_OK) {
            at += hf_block_bytes(&block);
            lsn = at <= offset ? block.last_lsn : lsn;
        } else if (at % HF_SECTOR_BYTES != 0) {
            at = hf_format_group_offset(at);
        } else {
            break;
        }
    }
    return lsn;
}

/*
 * Up to where a disk with a write in the wrong place must have everything, if it is not refused.
 * The newest group has no witness. And zeros, which a start writes over a torn tail, say nothing of
 * where they belong: over the end of the log they are a log that never got further, until the next
 * group bears witness (FORMATS.md 2.4). Every other write of ours is known by what it is.
 */
static uint64_t stray_bound(const struct hf_run *run, const struct hf_sim_disk *twin)
{
    const struct hf_mirror *mirror = &run->node.mirror;
    const uint64_t group_lsn = run->node.group_lsns[0];
    const char *newest = hf_mirror_newest_segment(twin);

    if (!mirror->is_stray_zeros || run->node.has_grouped || newest == NULL ||
        strcmp(newest, mirror->stray_path) != 0) {
        return group_lsn;
    }
    const uint64_t lsn = lsn_before(twin, newest, mirror->stray_offset);
    return lsn < group_lsn ? lsn : group_lsn;
}

/* The server worked on a disk that may have put a write in the wrong place; its twin did not. */
static void part_from_twin(struct hf_run *run)
{
    const bool has_strayed = run->node.mirror.has_strayed;
    struct hf_sim_disk *twin = hf_mirror_join(&run->node.mirror);

    if (twin == NULL) {
        return;
    }
    if (!has_strayed) {
        hf_sim_disk_free(twin);
        return;
    }
    hf_sim_disk_free(run->broken);
    run->broken = run->node.disk;
    run->broken_lsn = stray_bound(run, twin);
    hf_sim_disk_limit(run->broken, UINT64_MAX);
    run->node.disk = NULL; /* not to be freed with the exchange */
    hf_node_replace_disk(&run->node, twin);
}

/* ------------------------------------------------------------------ starts */

/* A start that a fault cuts off, or spoils. False: it was refused for no reason. */
static bool boot_in_trouble(struct hf_run *run, const struct hf_fault *fault)
{
    note(run, fault);
    if (fault->kind == HF_FAULT_BOOT_PROCESS) {
        hf_node_doom(&run->node, (uint64_t)fault->amount);
    } else {
        set_call_fault(run, fault, fault->kind == HF_FAULT_BOOT_READ ? HF_SIM_READ : CALLS_POWER,
                       fault->kind == HF_FAULT_BOOT_POWER);
    }
    const bool is_up = hf_node_boot(&run->node);
    if (!is_up && !run->node.mirror.has_strayed && !hf_sim_disk_has_failed(run->node.disk) &&
        run->node.mortal.calls_left > 0) {
        return hf_history_blame(&run->history, "the server refuses to start: %s", run->node.error);
    }
    run->report->refused_boots_count += is_up ? 0 : 1;
    hf_node_end(&run->node,
                fault->kind == HF_FAULT_BOOT_POWER ? (enum hf_node_end)fault->who : HF_END_KILL);
    run->report->deaths_count++;
    clear_call_fault(run);
    if (run->node.mirror.has_strayed) {
        part_from_twin(run);
    }
    return true;
}

/* Up again; `life` may be NULL, for a start in peace. */
static bool boot(struct hf_run *run, const struct hf_life *life)
{
    hf_sim_disk_limit(run->node.disk, UINT64_MAX); /* space has come back */
    for (uint32_t i = 0; life != NULL && i < life->faults_count; i++) {
        const struct hf_fault *fault = fault_at(run, life, i);
        if (fault != NULL && fault->kind >= HF_FAULT_BOOT_POWER &&
            fault->kind <= HF_FAULT_BOOT_PROCESS && !boot_in_trouble(run, fault)) {
            return false;
        }
    }
    clear_call_fault(run);
    bool is_up = hf_node_boot(&run->node);
    if (!is_up && run->node.mirror.has_strayed) { /* it was refused for what it had just written */
        part_from_twin(run);
        is_up = hf_node_boot(&run->node);
    }
    if (!is_up) {
        return hf_history_blame(&run->history, "the server refuses to start: %s", run->node.error);
    }
    hf_run_tell(run, "  up with LSN %" PRIu64 ", replies told of %" PRIu64,
                hf_engine_lsn(run->node.engine), (uint64_t)atomic_load(&run->history.seen_lsn));
    hf_oracle_begin(run);
    return hf_oracle_damage(run);
}

/* ------------------------------------------------------------------ work */

static bool break_connection(struct hf_run *run, const struct hf_fault *fault)
{
    if (fault->who < run->plan.clients_count) {
        return hf_client_break(&run->clients[fault->who], (enum hf_client_break)fault->length);
    }
    struct hf_consumer *consumer = &run->consumers[roll(run, HF_RUN_CONSUMERS_COUNT)];
    if (!consumer->is_connected) {
        return true;
    }
    if (fault->length == HF_BREAK_SILENT) {
        hf_node_orphan(&run->node, consumer->link);
    } else {
        hf_node_cut(&run->node, consumer->link, true);
    }
    hf_consumer_disconnect(consumer);
    return true;
}

/* False: a violation. */
static bool begin_fault(struct hf_run *run, const struct hf_fault *fault, struct spells *spells)
{
    switch (fault->kind) {
    case HF_FAULT_POWER:
        set_call_fault(run, fault, CALLS_POWER, true);
        break;
    case HF_FAULT_ERROR:
        set_call_fault(run, fault, CALLS_ERROR, false);
        break;
    case HF_FAULT_READ:
        set_call_fault(run, fault, HF_SIM_READ, false);
        break;
    case HF_FAULT_PROCESS:
        hf_node_doom(&run->node, (uint64_t)fault->amount);
        break;
    case HF_FAULT_FULL:
        hf_sim_disk_limit(run->node.disk, (uint64_t)fault->amount);
        spells->full_until = fault->step + fault->length;
        break;
    case HF_FAULT_SLOW:
        spells->slow_until = fault->step + fault->length;
        break;
    case HF_FAULT_CLOCK:
        run->node.clock_offset_us += fault->amount;
        break;
    case HF_FAULT_BREAK:
        note(run, fault);
        return break_connection(run, fault);
    case HF_FAULT_REPEAT:
        run->clients[fault->who % run->plan.clients_count].is_repeating = true;
        break;
    case HF_FAULT_LATE:
        spells->late_until[fault->who] = fault->step + fault->length;
        break;
    default: /* at the start, or after the death */
        return true;
    }
    note(run, fault);
    return true;
}

/* Client and consumer steps: their share, and who reads. */
static bool step_outside(struct hf_run *run, uint32_t step, const struct spells *spells)
{
    const uint32_t who = roll(run, run->plan.clients_count);
    struct hf_client *client = &run->clients[who];
    struct hf_consumer *consumer = &run->consumers[roll(run, HF_RUN_CONSUMERS_COUNT)];
    const uint32_t way = roll(run, 75);

    if (way < 25) {
        (void)hf_client_send(client);
    } else if (way < 50) {
        const size_t bytes_max = roll(run, 4) == 0 ? 1 + roll(run, 300) : SIZE_MAX;
        const uint32_t any = roll(run, HF_NODE_LINKS_MAX);
        hf_node_deliver(&run->node, client->is_connected && any >= 4 ? client->link : any,
                        bytes_max);
    } else if (way < 67) {
        return step < spells->late_until[who] || hf_client_read(client);
    } else if (way < 69) {
        hf_consumer_connect(consumer);
    } else {
        return step < spells->late_until[run->plan.clients_count] || hf_consumer_read(consumer);
    }
    return true;
}

static bool take_step(struct hf_run *run, uint32_t step, const struct spells *spells)
{
    struct hf_node *node = &run->node;
    const uint32_t way = roll(run, 120);
    const bool is_slow = step < spells->slow_until;

    run->world.now_us += roll(run, 200);
    if (way < 75) {
        return step_outside(run, step, spells);
    }
    if (way < 96) {
        hf_node_turn(node);
    } else if (way < 108) {
        (void)(is_slow || hf_node_log_step(node));
    } else if (way < 112 && !is_slow) {
        hf_node_snapshot_step(node);
    } else if (way < 114 && !is_slow) {
        hf_node_spare_step(node);
    } else if (way < 117) {
        hf_node_read_step(node);
    } else if (way < 119) {
        run->world.now_us += roll(run, 30000);
    }
    return true;
}

/* Work until the server dies. */
static bool work(struct hf_run *run, const struct hf_life *life)
{
    const uint32_t steps = life->steps < run->steps_left ? life->steps : run->steps_left;
    struct spells spells = {0};
    uint32_t fault_index = 0;
    uint32_t step = 0;

    for (uint32_t i = 0; i < run->plan.clients_count; i++) {
        hf_workload_init(&run->clients[i].workload, &run->history, i, run->world.random + i,
                         SHORT_TTL_US);
    }
    for (; step < steps && !hf_node_is_dying(&run->node); step++) {
        for (; fault_index < life->faults_count; fault_index++) {
            const struct hf_fault *fault = fault_at(run, life, fault_index);
            if (fault != NULL && fault->step > step) {
                break;
            }
            if (fault != NULL && !begin_fault(run, fault, &spells)) {
                return false;
            }
        }
        if (step == spells.full_until) {
            hf_sim_disk_limit(run->node.disk, UINT64_MAX);
        }
        if (!take_step(run, step, &spells) ||
            (!hf_node_is_dying(&run->node) && !hf_oracle_step(run))) {
            hf_run_tell(run, "  stopped in step %" PRIu32, step);
            return false;
        }
    }
    run->steps_left -= steps;
    const bool has_lost_power = run->node.is_power_cut && hf_sim_disk_has_failed(run->node.disk);
    const enum hf_node_end end =
        has_lost_power && life->end == HF_END_KILL ? HF_END_MIX : life->end;
    hf_run_tell(run, "  ends in step %" PRIu32 " by %s, LSN %" PRIu64 ", synced %" PRIu64, step,
                end == HF_END_KILL ? "a kill" : "loss of power", hf_engine_lsn(run->node.engine),
                hf_store_synced_lsn(run->node.store));
    return end_node(run, end);
}

/* Every cell gets its opening stock, by deeds like all others. */
static bool stock_up(struct hf_run *run)
{
    const struct hf_port port = hf_client_port(&run->auditor);
    struct hf_workload workload;
    uint32_t cell = 0;
    uint32_t first;

    hf_workload_init(&workload, &run->history, 0, 0, SHORT_TTL_US);
    while (hf_workload_opening(&workload, &cell, &first) > 0) {
    }
    run->is_stocked = true;
    if (!hf_history_settle(&run->history, &port, NULL) ||
        (run->plan.is_filled && !hf_account_prove(&run->account, &port))) {
        return false;
    }
    run->node.is_spare_late = false;
    if (run->plan.is_filled) {
        struct hf_fill_range range;
        if (!hf_fill(&run->node, FILL_ROOM_MIN + roll(run, FILL_ROOM_MORE), &range)) {
            return hf_history_blame(&run->history, "a whole disk does not sync");
        }
        HF_ASSERT(hf_account_others(&run->account, range.first_lsn, range.last_lsn));
        hf_run_tell(run, "  the log is filled up to LSN %" PRIu64, range.last_lsn);
        run->report->fills_count++;
        hf_oracle_begin(run); /* too much has happened for the ledger to have it all */
    }
    return true;
}

/* One life, from the start to the death, and what happens to the disk then. */
static bool live(struct hf_run *run, const struct hf_life *life)
{
    if (!boot(run, life) || !hf_oracle_verdict(run)) {
        return false;
    }
    if (!run->is_stocked && !stock_up(run)) {
        return false;
    }
    if (!work(run, life)) {
        return false;
    }
    part_from_twin(run);
    for (uint32_t i = 0; i < life->faults_count; i++) {
        const struct hf_fault *fault = fault_at(run, life, i);
        if (fault != NULL && fault->kind == HF_FAULT_ROT) {
            note(run, fault);
            decay(run, fault);
        }
    }
    return true;
}

/* With nothing in flight, a death changes nothing; and after it, work goes on. */
static bool end_at_rest(struct hf_run *run)
{
    struct hf_node *node = &run->node;

    hf_run_tell(run, "no more faults");
    if (!boot(run, NULL) || !hf_oracle_verdict(run)) {
        return false;
    }
    while (hf_node_log_step(node)) {
    }
    const uint64_t lsn = hf_engine_lsn(node->engine);
    const struct hf_digest before = hf_engine_digest(node->engine);
    if (!hf_store_log_sync(node->store)) {
        return hf_history_blame(&run->history, "a whole disk does not sync");
    }
    if (!end_node(run, run->plan.is_process_only ? HF_END_KILL : HF_END_DROP) || !boot(run, NULL)) {
        return false;
    }
    const struct hf_digest after = hf_engine_digest(node->engine);
    if (hf_engine_lsn(node->engine) != lsn || before.low != after.low ||
        before.high != after.high) {
        return hf_history_blame(&run->history,
                                "the digest at LSN %" PRIu64 " is another one after a death", lsn);
    }
    return hf_oracle_progress(run) && hf_oracle_verdict(run);
}

/* ------------------------------------------------------------------ a run */

/* The log has gone on in a second segment. */
static bool has_rolled(const struct hf_run *run)
{
    static const char first[] = HF_NODE_FOLDER "/wal-00000000000000000001.log";
    static const char any[] = HF_NODE_FOLDER "/wal-";
    const char *name;

    for (size_t i = 0; (name = hf_sim_disk_name(run->node.disk, i)) != NULL; i++) {
        if (strncmp(name, any, sizeof any - 1) == 0 && strcmp(name, first) != 0) {
            return true;
        }
    }
    return false;
}

static void add_up(struct hf_run *run)
{
    struct hf_sim_report *report = run->report;
    const uint32_t count = hf_history_count(&run->history);

    report->deeds_count += count;
    for (uint32_t i = 0; i < count; i++) {
        const struct hf_deed *deed = &run->history.deeds[hf_history_index(&run->history, i)];
        report->done_count += deed->status == HF_DEED_DONE ? 1 : 0;
        report->unchanged_count += deed->status == HF_DEED_UNCHANGED ? 1 : 0;
        if (deed->status == HF_DEED_DONE) {
            report->done_counts[deed->kind]++;
        } else if (deed->status == HF_DEED_REFUSED) {
            report->refused_count++;
            report->outcome_counts[deed->outcome]++;
        }
    }
    for (uint32_t i = 0; i < run->plan.clients_count; i++) {
        report->breaks_count += run->clients[i].counts.breaks_count;
        report->again_count += run->clients[i].counts.again_count;
        report->settled_count += run->clients[i].counts.settled_count;
    }
    for (uint32_t i = 0; i < HF_RUN_CONSUMERS_COUNT; i++) {
        report->events_count += run->consumers[i].follow.events_count;
        report->resumes_count += run->consumers[i].resumes_count;
    }
    report->expiries_count += run->account.expiries_count;
    report->snapshots_count += run->node.snapshots_count;
    report->rolls_count += has_rolled(run) ? 1 : 0;
}

static void init_run(struct hf_run *run)
{
    const struct hf_plan_cut *cut = run->options->cut;
    bool has_jumps = false;

    hf_plan_make(&run->plan, run->options->seed);
    if (run->options->is_synced) {
        run->plan.durability = HF_DURABILITY_SYNC;
    }
    run->steps_left = cut != NULL && cut->steps_max != 0 ? cut->steps_max : UINT32_MAX;
    run->world = (struct hf_world){.random = run->options->seed, .now_us = HF_WORLD_START_US};
    hf_node_init(&run->node, &run->world);
    run->node.is_spare_late = run->plan.is_filled; /* until it is */
    run->node.is_replying_early = run->options->is_replying_early;
    run->node.store_config.snapshots_kept = run->plan.snapshots_kept;
    run->node.store_config.snapshot_log_bytes = run->plan.snapshot_log_bytes;
    run->node.store_config.durability = run->plan.durability;
    for (uint32_t i = 0; i < run->plan.faults_count; i++) {
        has_jumps |= run->plan.faults[i].kind == HF_FAULT_CLOCK;
    }
    HF_ASSERT(hf_history_init(&run->history, run->plan.clients_count, DEEDS_MAX));
    HF_ASSERT(hf_account_init(&run->account, &run->history, run->options->seed));
    for (uint32_t i = 0; i < run->plan.clients_count; i++) {
        hf_client_init(&run->clients[i], &run->node, &run->history);
        run->clients[i].is_clock_steady = !has_jumps;
    }
    hf_client_init(&run->auditor, &run->node, &run->history);
    for (uint32_t i = 0; i < HF_RUN_CONSUMERS_COUNT; i++) {
        hf_consumer_init(&run->consumers[i], &run->node, &run->history);
    }
}

/* From the start of the life on a write may land in the wrong place, if one is to. */
static void lead_astray(struct hf_run *run, const struct hf_life *life, uint32_t index)
{
    struct hf_mirror *mirror = &run->node.mirror;

    if (run->options->is_aiming) {
        mirror->is_aiming = true;
        hf_mirror_split(mirror, 1, run->options->seed + index);
        return;
    }
    for (uint32_t i = 0; i < life->faults_count; i++) {
        const struct hf_fault *fault = fault_at(run, life, i);
        if (fault != NULL && fault->kind == HF_FAULT_STRAY && mirror->twin == NULL) {
            note(run, fault);
            hf_mirror_split(mirror, (uint64_t)fault->amount, fault->length);
        }
    }
}

bool hf_sim_run(const struct hf_sim_options *options, struct hf_sim_report *report)
{
    struct hf_run *run = calloc(1, sizeof *run);
    bool is_good = true;

    HF_ASSERT(run != NULL);
    run->options = options;
    run->report = report;
    init_run(run);
    for (uint32_t i = 0; is_good && i < run->plan.lives_count && run->steps_left > 0; i++) {
        const struct hf_life *life = &run->plan.lives[i];
        hf_run_tell(run, "life %" PRIu32 ", %" PRIu32 " steps", i, life->steps);
        lead_astray(run, life, i);
        is_good = live(run, life);
    }
    is_good = is_good && end_at_rest(run);

    add_up(run);
    if (!is_good) {
        (void)snprintf(report->violation, sizeof report->violation, "%s", run->history.violation);
    }
    hf_node_release(&run->node);
    hf_sim_disk_free(run->broken);
    hf_account_release(&run->account);
    hf_history_release(&run->history);
    free(run);
    return is_good;
}
