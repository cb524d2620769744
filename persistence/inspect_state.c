/*
 * inspect_state.c - a directory opened for looking at, and the state of one LSN out of it.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "engine/assert.h"
#include "engine/ledger.h"
#include "persistence/inspect.h"
#include "persistence/log_walk.h"
#include "persistence/snapshot.h"

#define TEXT_BYTES 512

bool hf_inspect_is_in_use(const struct hf_directory *directory)
{
    const int file = hf_directory_open(directory, HF_NAME_LOCK, HF_DISK_READ | HF_DISK_LOCK);
    if (file >= 0) {
        (void)directory->disk->close(directory->disk->ctx, file); /* ends the lock */
    }
    return file == -EAGAIN;
}

enum hf_err hf_inspect_open(struct hf_inspect_directory *opened, const char *path,
                            const struct hf_disk *disk, char *error, size_t error_bytes)
{
    *opened = (struct hf_inspect_directory){.is_in_use = false};
    if (!hf_directory_init(&opened->directory, path, disk, NULL)) {
        (void)snprintf(error, error_bytes, "the path is empty or too long");
        return HF_IO;
    }
    const int result = hf_directory_list(&opened->directory, &opened->listing);
    if (result != 0) {
        (void)snprintf(error, error_bytes, "could not list \"%s\": %s", path,
                       hf_disk_error(result));
        return HF_IO;
    }
    if (!opened->listing.has_manifest) {
        (void)snprintf(error, error_bytes,
                       "\"%s\" has no MANIFEST: it is not a data directory of holdfast", path);
        return HF_IO;
    }
    opened->is_in_use = hf_inspect_is_in_use(&opened->directory);
    const enum hf_err err =
        hf_manifest_load(&opened->manifest, &opened->directory, error, error_bytes);
    if (err == HF_OK) {
        hf_directory_set_id(&opened->directory, opened->manifest.directory_id);
    }
    return err;
}

void hf_inspect_release(struct hf_inspect_directory *opened)
{
    hf_listing_release(&opened->listing);
}

uint64_t hf_inspect_snapshot_before(const struct hf_inspect_directory *opened, uint64_t lsn)
{
    const struct hf_listing *listing = &opened->listing;
    char error[TEXT_BYTES];

    for (size_t i = listing->snapshots_count; i > 0; i--) {
        const uint64_t found_lsn = listing->snapshots[i - 1];
        const bool is_reached =
            listing->segments_count > 0 && listing->segments[0] <= found_lsn + 1;
        if (found_lsn > lsn || !(is_reached || found_lsn == lsn)) {
            continue;
        }
        if (hf_snapshot_file_verify(&opened->directory, found_lsn,
                                    hf_manifest_epoch(&opened->manifest, found_lsn), error,
                                    sizeof error) == HF_OK) {
            return found_lsn;
        }
    }
    return 0;
}

size_t hf_inspect_segment_of(const struct hf_inspect_directory *opened, uint64_t lsn)
{
    size_t index = 0;
    while (index + 1 < opened->listing.segments_count &&
           opened->listing.segments[index + 1] <= lsn) {
        index++;
    }
    return index;
}

/* ------------------------------------------------------------------ the state of an LSN */

struct reaching {
    struct hf_log_walk walk;
    struct hf_engine *engine;
    uint64_t wanted_lsn;
    char *error;
    size_t error_bytes;
};

static enum hf_err refuse_at(const struct reaching *reaching, enum hf_err err, const char *name,
                             uint64_t offset, const char *why)
{
    return hf_refuse(reaching->error, reaching->error_bytes, err,
                     "cannot go on behind LSN %" PRIu64 ": \"%s\" at offset %" PRIu64 ": %s",
                     hf_engine_lsn(reaching->engine), name, offset, why);
}

/* The records of the walk's block that come next, up to the one that is wanted. */
static enum hf_err replay_block(struct reaching *reaching)
{
    struct hf_log_walk *walk = &reaching->walk;
    const char *why = NULL;

    for (uint64_t lsn = walk->block.first_lsn;
         lsn <= walk->block.last_lsn && lsn <= reaching->wanted_lsn; lsn++) {
        const uint32_t index = hf_log_walk_record(walk);
        const uint64_t next_lsn = hf_engine_lsn(reaching->engine) + 1;
        if (lsn > next_lsn) {
            return refuse_at(reaching, HF_CORRUPT, walk->reader.name, walk->block_offset,
                             "records are missing before this block");
        }
        if (lsn == next_lsn) {
            hf_ledger_pin(hf_engine_ledger(reaching->engine), lsn - 1);
            const enum hf_err err =
                hf_engine_replay_decoded(reaching->engine, walk->decoded, index, &why);
            if (err != HF_OK) {
                return refuse_at(reaching, err, walk->reader.name, walk->block_offset, why);
            }
        }
    }
    return HF_OK;
}

static enum hf_err replay_log(struct reaching *reaching)
{
    const uint64_t base_lsn = hf_engine_lsn(reaching->engine);
    struct hf_log_walk *walk = &reaching->walk;
    enum hf_err err = HF_OK;

    while (err == HF_OK && hf_engine_lsn(reaching->engine) < reaching->wanted_lsn) {
        switch (hf_log_walk_step(walk)) {
        case HF_WALK_SEGMENT:
            break;
        case HF_WALK_BLOCK:
            err = replay_block(reaching);
            break;
        case HF_WALK_DAMAGE:
            /* What is damaged before the snapshot, or behind the LSN, is not needed. */
            if (walk->place.lsn == 0 ||
                (walk->place.lsn > base_lsn && walk->place.lsn <= reaching->wanted_lsn)) {
                err = refuse_at(reaching, HF_CORRUPT, walk->place.name, walk->place.offset,
                                walk->place.text);
            }
            break;
        case HF_WALK_TORN:
        case HF_WALK_END:
            if (reaching->wanted_lsn == UINT64_MAX) {
                return HF_OK;
            }
            return hf_refuse(reaching->error, reaching->error_bytes, HF_GONE,
                             "the log ends with LSN %" PRIu64, hf_engine_lsn(reaching->engine));
        }
    }
    return err;
}

static enum hf_err reach(struct reaching *reaching, const struct hf_inspect_directory *opened)
{
    const struct hf_listing *listing = &opened->listing;
    const uint64_t base_lsn = hf_inspect_snapshot_before(opened, reaching->wanted_lsn);

    if (base_lsn == 0 && (listing->segments_count == 0 || listing->segments[0] != 1)) {
        return hf_refuse(reaching->error, reaching->error_bytes, HF_GONE,
                         "the log begins with LSN %" PRIu64
                         ", and no whole snapshot stands at or before the LSN that is asked for",
                         listing->segments_count == 0 ? 0 : listing->segments[0]);
    }
    if (base_lsn != 0) {
        const enum hf_err err = hf_snapshot_file_load(
            &opened->directory, base_lsn, hf_manifest_epoch(&opened->manifest, base_lsn),
            reaching->engine, reaching->error, reaching->error_bytes);
        if (err != HF_OK) {
            return err;
        }
    }
    reaching->walk = (struct hf_log_walk){.directory = &opened->directory,
                                          .manifest = &opened->manifest,
                                          .listing = listing,
                                          .snapshot_lsn = base_lsn,
                                          .is_live = opened->is_in_use};
    if (hf_log_walk_init(&reaching->walk, listing->segments_count == 0
                                              ? 0
                                              : hf_inspect_segment_of(opened, base_lsn + 1)) !=
        HF_OK) {
        return hf_refuse(reaching->error, reaching->error_bytes, HF_NO_MEMORY, "out of memory");
    }
    const enum hf_err err = replay_log(reaching);
    hf_log_walk_release(&reaching->walk);
    return err;
}

enum hf_err hf_inspect_state(const struct hf_inspect_directory *opened, uint64_t *lsn,
                             struct hf_engine *engine, char *error, size_t error_bytes)
{
    struct reaching reaching = {
        .engine = engine, .wanted_lsn = *lsn, .error = error, .error_bytes = error_bytes};

    HF_ASSERT(hf_engine_lsn(engine) == 0);
    const enum hf_err err = reach(&reaching, opened);
    *lsn = hf_engine_lsn(engine);
    return err;
}
