/*
 * inspect_log.c - the log applied: what every record leads to, and whether snapshots say the same.
 *
 *     LSN 1 ........ 40 ........ 90 | hole | 130 ....... 200
 *     engine: empty --> 90            -          from a snapshot of LSN 129 or later, where one is
 *     snapshot of 40: its digest is the engine's at 40
 */
#include <inttypes.h>
#include <stdlib.h>

#include "engine/assert.h"
#include "engine/ledger.h"
#include "persistence/inspect_inside.h"
#include "persistence/log_walk.h"

#define DIGEST_FORMAT "%016" PRIx64 "%016" PRIx64

struct replay {
    struct hf_inspection *inspection;
    struct hf_log_walk walk;
    struct hf_engine *engine; /* NULL: the state is not known here */
    size_t snapshot_index;    /* the first one in the listing whose LSN was not passed yet */
    bool is_out_of_memory;
};

static struct hf_engine *new_engine(struct replay *replay)
{
    struct hf_engine *engine = hf_engine_create(replay->inspection->limits);
    if (engine == NULL && !replay->is_out_of_memory) {
        replay->is_out_of_memory = true;
        hf_inspect_say(replay->inspection, HF_INSPECT_DAMAGED, "",
                       "records could not be applied: out of memory");
    }
    return engine;
}

/* Let go of the engine; what it knew last, up to `lsn`, is the state, unless a later one was known.
 * `is_whole`: it stands at that LSN, so its digest is known, too. */
static void drop_engine(struct replay *replay, uint64_t lsn, bool is_whole)
{
    struct hf_inspect_totals *totals = &replay->inspection->totals;

    if (replay->engine != NULL && (!totals->has_state || lsn >= totals->state_lsn)) {
        totals->has_state = true;
        totals->state_lsn = lsn;
        totals->has_digest = is_whole;
        if (is_whole) {
            totals->state_digest = hf_engine_digest(replay->engine);
        }
    }
    hf_engine_free(replay->engine);
    replay->engine = NULL;
}

static void leave_engine(struct replay *replay)
{
    if (replay->engine != NULL) {
        drop_engine(replay, hf_engine_lsn(replay->engine), true);
    }
}

/* The snapshot at `index` in an engine of its own; NULL: it makes no state, which was told. */
static struct hf_engine *load(struct replay *replay, size_t index)
{
    struct hf_inspection *inspection = replay->inspection;
    const uint64_t lsn = inspection->listing.snapshots[index];
    bool was_dropped = false;

    struct hf_engine *engine = new_engine(replay);
    if (engine != NULL && !hf_inspect_snapshot(inspection, lsn, engine, &was_dropped)) {
        inspection->is_whole[index] = false;
        hf_engine_free(engine);
        return NULL;
    }
    inspection->is_loaded[index] = engine != NULL;
    return engine;
}

/* The engine stands at the LSN of the snapshot at `index`: both must be the same state. */
static void compare(struct replay *replay, size_t index)
{
    char name[HF_NAME_BYTES_MAX];

    struct hf_engine *engine = load(replay, index);
    if (engine == NULL) {
        return;
    }
    const struct hf_digest want = hf_engine_digest(replay->engine);
    const struct hf_digest found = hf_engine_digest(engine);
    if (want.low != found.low || want.high != found.high) {
        hf_snapshot_name(name, replay->inspection->listing.snapshots[index], "");
        hf_inspect_say(replay->inspection, HF_INSPECT_DAMAGED, name,
                       "digest " DIGEST_FORMAT " was expected, as the log makes it; the snapshot "
                       "has " DIGEST_FORMAT,
                       want.high, want.low, found.high, found.low);
    }
    hf_engine_free(engine);
}

/* Make the state before `lsn` known, when a snapshot or the beginning of the log does. */
static void find_state(struct replay *replay, uint64_t lsn)
{
    const struct hf_inspection *inspection = replay->inspection;
    const struct hf_listing *listing = &inspection->listing;

    if (lsn == 1) {
        replay->engine = new_engine(replay);
        return;
    }
    for (size_t i = 0; i < listing->snapshots_count; i++) {
        if (listing->snapshots[i] == lsn - 1 && inspection->is_whole[i] &&
            !inspection->is_loaded[i]) {
            replay->engine = load(replay, i);
        }
    }
}

/* The record has been applied, or passed by; snapshots of its LSN are due. */
static void meet_snapshots(struct replay *replay, uint64_t lsn)
{
    const struct hf_inspection *inspection = replay->inspection;
    const struct hf_listing *listing = &inspection->listing;

    while (replay->snapshot_index < listing->snapshots_count &&
           listing->snapshots[replay->snapshot_index] <= lsn) {
        const size_t index = replay->snapshot_index++;
        if (replay->engine != NULL && listing->snapshots[index] == lsn &&
            inspection->is_whole[index] && !inspection->is_loaded[index]) {
            compare(replay, index);
        }
    }
}

/* The records of the walk's block. */
static void replay_block(struct replay *replay)
{
    struct hf_log_walk *walk = &replay->walk;

    for (uint64_t lsn = walk->block.first_lsn; lsn <= walk->block.last_lsn; lsn++) {
        const uint32_t index = hf_log_walk_record(walk);
        const char *why = NULL;
        if (replay->engine != NULL && hf_engine_lsn(replay->engine) + 1 != lsn) {
            leave_engine(replay);
        }
        if (replay->engine == NULL) {
            find_state(replay, lsn);
        }
        if (replay->engine != NULL) {
            hf_ledger_pin(hf_engine_ledger(replay->engine), lsn - 1);
            if (hf_engine_replay_decoded(replay->engine, walk->decoded, index, &why) != HF_OK) {
                hf_inspect_say_at(
                    replay->inspection, HF_INSPECT_DAMAGED, walk->reader.name, walk->block_offset,
                    lsn, "a record that can be applied to the state was expected: %s", why);
                drop_engine(replay, lsn - 1, false);
            }
        }
        meet_snapshots(replay, lsn);
    }
}

/* Snapshots that no record of the log stands beside: their items are looked at all the same. */
static void load_others(struct replay *replay)
{
    struct hf_inspection *inspection = replay->inspection;

    for (size_t i = 0; i < inspection->listing.snapshots_count; i++) {
        if (!inspection->is_whole[i] || inspection->is_loaded[i]) {
            continue;
        }
        if (replay->engine != NULL &&
            hf_engine_lsn(replay->engine) == inspection->listing.snapshots[i]) {
            compare(replay, i);
            continue;
        }
        struct hf_engine *kept = replay->engine;
        replay->engine = load(replay, i);
        leave_engine(replay);
        replay->engine = kept;
    }
}

/* Newest whole snapshot that the log reaches back to, as a start would find it. */
static uint64_t newest_snapshot(const struct hf_inspection *inspection)
{
    const struct hf_listing *listing = &inspection->listing;

    for (size_t i = listing->snapshots_count; i > 0; i--) {
        if (inspection->is_whole[i - 1] && listing->segments[0] <= listing->snapshots[i - 1] + 1) {
            return listing->snapshots[i - 1];
        }
    }
    return 0;
}

static void walk_log(struct replay *replay)
{
    struct hf_inspection *inspection = replay->inspection;
    struct hf_inspect_totals *totals = &inspection->totals;
    struct hf_log_walk *walk = &replay->walk;

    if (inspection->listing.segments[0] == 1) {
        replay->engine = new_engine(replay);
    }
    for (;;) {
        const enum hf_walk step = hf_log_walk_step(walk);
        const struct hf_walk_place *place = &walk->place;
        switch (step) {
        case HF_WALK_SEGMENT:
            totals->segments_count++;
            break;
        case HF_WALK_BLOCK:
            totals->blocks_count++;
            totals->first_lsn = totals->first_lsn == 0 ? walk->block.first_lsn : totals->first_lsn;
            totals->last_lsn = walk->block.last_lsn;
            replay_block(replay);
            break;
        case HF_WALK_DAMAGE:
        case HF_WALK_TORN:
            hf_inspect_say_at(inspection,
                              step == HF_WALK_TORN ? HF_INSPECT_TORN : HF_INSPECT_DAMAGED,
                              place->name, place->offset, place->lsn, "%s", place->text);
            break;
        case HF_WALK_END:
            totals->records_count = walk->records_count;
            totals->bytes_count += walk->bytes_count;
            return;
        }
    }
}

void hf_inspect_log(struct hf_inspection *inspection)
{
    struct replay replay = {.inspection = inspection};

    if (inspection->listing.segments_count == 0) {
        load_others(&replay);
        return;
    }
    replay.walk = (struct hf_log_walk){.directory = &inspection->directory,
                                       .manifest = &inspection->manifest,
                                       .listing = &inspection->listing,
                                       .snapshot_lsn = newest_snapshot(inspection),
                                       .is_live = inspection->totals.is_in_use};
    if (hf_log_walk_init(&replay.walk, 0) != HF_OK) {
        hf_inspect_say(inspection, HF_INSPECT_DAMAGED, "",
                       "the log could not be read: out of memory");
        return;
    }
    walk_log(&replay);
    load_others(&replay);
    leave_engine(&replay);
    hf_log_walk_release(&replay.walk);
}
