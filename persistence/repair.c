#include "persistence/repair.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/assert.h"
#include "engine/record.h"
#include "persistence/copy.h"
#include "persistence/log_walk.h"
#include "persistence/salvage.h"
#include "persistence/snapshot.h"

#define PART_BYTES (1024u * 1024)
#define TEXT_BYTES 512
#define NO_SEGMENT SIZE_MAX

struct hf_repair {
    struct hf_inspect_directory opened;
    struct hf_repair_plan plan;
    struct hf_engine *engine; /* at the LSN, until the plan is made; later when it is written */
    int lock_file;            /* -1: none */
    size_t cut_index;         /* segment that is cut behind the LSN; NO_SEGMENT: all go aside */
    size_t first_index;       /* of the segments that stay */
    bool *is_snapshot_good;   /* [snapshots_count]: it stays */
    bool needs_snapshot;      /* of the LSN: the log cannot be what gives the state */
    char *error;
    size_t error_bytes;
};

static bool refuse(const struct hf_repair *repair, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static bool refuse(const struct hf_repair *repair, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(repair->error, repair->error_bytes, format, arguments);
    va_end(arguments);
    return false;
}

static bool refuse_disk(const struct hf_repair *repair, const char *verb, const char *name,
                        int64_t error)
{
    return refuse(repair, "could not %s \"%s/%s\": %s", verb, repair->opened.directory.path, name,
                  hf_disk_error(error));
}

/* ------------------------------------------------------------------ what can be had */

static bool take_lock(struct hf_repair *repair)
{
    const struct hf_directory *directory = &repair->opened.directory;

    int file =
        hf_directory_open(directory, HF_NAME_LOCK, HF_DISK_WRITE | HF_DISK_LOCK | HF_DISK_PATIENT);
    if (file == -ENOENT) {
        file = hf_directory_open(directory, HF_NAME_LOCK,
                                 HF_DISK_WRITE | HF_DISK_CREATE | HF_DISK_LOCK | HF_DISK_PATIENT);
    }
    if (file == -EAGAIN) {
        return refuse(repair, "cannot repair \"%s\": another process is using it", directory->path);
    }
    if (file < 0) {
        return refuse_disk(repair, "lock", HF_NAME_LOCK, file);
    }
    repair->lock_file = file;
    return true;
}

/* The engine comes to the state of the LSN, so that everything after this can be done. */
static bool make_state(struct hf_repair *repair)
{
    const struct hf_engine_config limits = hf_inspect_limits();
    uint64_t lsn = repair->plan.lsn;
    char why[TEXT_BYTES] = "out of memory";

    repair->engine = hf_engine_create(&limits);
    if (repair->engine == NULL) {
        return refuse(repair, "cannot repair: out of memory");
    }
    if (hf_inspect_state(&repair->opened, &lsn, repair->engine, why, sizeof why) != HF_OK) {
        return refuse(repair,
                      "cannot go back to LSN %" PRIu64 ": %s; the state of LSN %" PRIu64
                      " can be had",
                      repair->plan.lsn, why, lsn);
    }
    repair->plan.digest = hf_engine_digest(repair->engine);
    return true;
}

/* Where the walk is, when it looks for damage before the LSN and for what stands behind it. */
struct survey {
    struct hf_log_walk walk;
    bool is_passed;     /* the record of the LSN has been read */
    bool is_group_open; /* ... and is linked with the next one */
};

static void survey_block(struct hf_repair *repair, struct survey *survey)
{
    struct hf_repair_plan *plan = &repair->plan;
    const struct hf_log_walk *walk = &survey->walk;
    const unsigned char *at = walk->raw;

    for (uint64_t lsn = walk->block.first_lsn; lsn <= walk->block.last_lsn; lsn++) {
        if (lsn == plan->lsn) {
            survey->is_group_open = hf_record_is_linked(at);
        }
        plan->lost_records += lsn > plan->lsn ? 1 : 0;
        at += hf_record_bytes(at);
    }
    survey->is_passed = survey->is_passed || walk->block.last_lsn >= plan->lsn;
    if (walk->block.last_lsn > plan->lost_last_lsn) {
        plan->lost_last_lsn = walk->block.last_lsn;
    }
}

/* Damage before the LSN: the segments up to that one cannot stay. */
static void survey_damage(struct hf_repair *repair, const struct survey *survey)
{
    const struct hf_listing *listing = &repair->opened.listing;
    const struct hf_walk_place *place = &survey->walk.place;
    uint64_t first_lsn;

    if (place->lsn > repair->plan.lsn && place->lsn - 1 > repair->plan.lost_last_lsn) {
        repair->plan.lost_last_lsn = place->lsn - 1;
    }
    if (place->lsn > repair->plan.lsn + 1 ||
        hf_directory_name(place->name, &first_lsn) != HF_NAME_IS_SEGMENT) {
        return;
    }
    for (size_t i = 0; i < listing->segments_count; i++) {
        const bool is_header_cut = i == repair->cut_index && place->offset == 0;
        if (i <= repair->cut_index && listing->segments[i] == first_lsn &&
            (!survey->is_passed || is_header_cut)) {
            repair->first_index = i + 1;
        }
    }
}

static bool survey_log(struct hf_repair *repair)
{
    const struct hf_inspect_directory *opened = &repair->opened;
    struct survey survey = {.walk = {.directory = &opened->directory,
                                     .manifest = &opened->manifest,
                                     .listing = &opened->listing}};

    if (hf_log_walk_init(&survey.walk, 0) != HF_OK) {
        return refuse(repair, "cannot repair: out of memory");
    }
    survey.is_passed = repair->cut_index != NO_SEGMENT && opened->listing.segments_count > 0 &&
                       repair->plan.lsn + 1 == opened->listing.segments[0];
    for (;;) {
        const enum hf_walk step = hf_log_walk_step(&survey.walk);
        if (step == HF_WALK_END) {
            break;
        }
        if (step == HF_WALK_BLOCK) {
            survey_block(repair, &survey);
        } else if (step == HF_WALK_DAMAGE) {
            survey_damage(repair, &survey);
        }
    }
    hf_log_walk_release(&survey.walk);
    if (repair->cut_index != NO_SEGMENT && !survey.is_passed) {
        /* The log ends before the LSN, in order or torn, and a snapshot alone has brought us here:
         * there is nothing to cut, and nothing in which the log could go on. */
        repair->first_index = repair->cut_index + 1;
    }
    if (survey.is_group_open) {
        return refuse(repair,
                      "cannot go back to LSN %" PRIu64
                      ": it is in the middle of operations that succeed or fail together; take an "
                      "earlier LSN",
                      repair->plan.lsn);
    }
    return true;
}

/* ------------------------------------------------------------------ the plan */

/* Snapshots that stay, and the newest of those. */
static bool choose_snapshots(struct hf_repair *repair)
{
    const struct hf_listing *listing = &repair->opened.listing;
    char why[TEXT_BYTES];

    repair->is_snapshot_good =
        calloc(listing->snapshots_count + 1, sizeof *repair->is_snapshot_good);
    if (repair->is_snapshot_good == NULL) {
        return refuse(repair, "cannot repair: out of memory");
    }
    for (size_t i = 0; i < listing->snapshots_count; i++) {
        const uint64_t lsn = listing->snapshots[i];
        if (lsn > repair->plan.lsn) {
            repair->plan.lost_last_lsn =
                repair->plan.lost_last_lsn < lsn ? lsn : repair->plan.lost_last_lsn;
            continue;
        }
        repair->is_snapshot_good[i] =
            hf_snapshot_file_verify(&repair->opened.directory, lsn,
                                    hf_manifest_epoch(&repair->opened.manifest, lsn), why,
                                    sizeof why) == HF_OK;
        if (repair->is_snapshot_good[i]) {
            repair->plan.snapshot_lsn = lsn;
        }
    }
    return true;
}

/*
 * Which segments stay: an unbroken run that ends with the one that holds the LSN, and that begins
 * with LSN 1 or not behind the snapshot. Where there is none, all go aside, and the state becomes
 * a snapshot of its own.
 */
static bool choose_segments(struct hf_repair *repair)
{
    const struct hf_listing *listing = &repair->opened.listing;
    struct hf_repair_plan *plan = &repair->plan;

    repair->cut_index = NO_SEGMENT;
    for (size_t i = 0; i < listing->segments_count; i++) {
        if (listing->segments[i] <= plan->lsn ||
            (i == 0 && listing->segments[0] == plan->lsn + 1)) {
            repair->cut_index = i;
        }
    }
    if (!survey_log(repair)) {
        return false;
    }
    if (repair->cut_index != NO_SEGMENT && repair->first_index <= repair->cut_index &&
        listing->segments[repair->first_index] <= plan->snapshot_lsn + 1) {
        plan->first_lsn = listing->segments[repair->first_index];
        return true;
    }
    repair->cut_index = NO_SEGMENT;
    repair->needs_snapshot = plan->snapshot_lsn != plan->lsn;
    plan->snapshot_lsn = plan->lsn;
    plan->first_lsn = plan->lsn + 1;
    return plan->lsn > 0 || refuse(repair, "cannot go back to LSN 0: the log does not begin there");
}

static void add_step(struct hf_repair_plan *plan, enum hf_repair_deed deed, const char *name)
{
    struct hf_repair_step *step = &plan->steps[plan->steps_count++];

    step->deed = deed;
    (void)snprintf(step->name, sizeof step->name, "%s", name);
}

/* What happens to each file, in the order of the listing. */
static bool list_steps(struct hf_repair *repair)
{
    const struct hf_listing *listing = &repair->opened.listing;
    struct hf_repair_plan *plan = &repair->plan;
    char name[HF_NAME_BYTES_MAX];

    plan->steps =
        calloc(listing->segments_count + listing->snapshots_count + 2, sizeof *plan->steps);
    if (plan->steps == NULL) {
        return refuse(repair, "cannot repair: out of memory");
    }
    for (size_t i = 0; i < listing->snapshots_count; i++) {
        hf_snapshot_name(name, listing->snapshots[i], "");
        add_step(plan, repair->is_snapshot_good[i] ? HF_REPAIR_KEEP : HF_REPAIR_ASIDE, name);
    }
    if (repair->needs_snapshot) {
        hf_snapshot_name(name, plan->lsn, "");
        add_step(plan, HF_REPAIR_NEW, name);
    }
    for (size_t i = 0; i < listing->segments_count; i++) {
        const bool stays =
            repair->cut_index != NO_SEGMENT && i >= repair->first_index && i <= repair->cut_index;
        hf_segment_name(name, listing->segments[i], "");
        add_step(plan,
                 !stays                   ? HF_REPAIR_ASIDE
                 : i == repair->cut_index ? HF_REPAIR_CUT
                                          : HF_REPAIR_KEEP,
                 name);
    }
    if (repair->cut_index == NO_SEGMENT) {
        hf_segment_name(name, plan->first_lsn, "");
        add_step(plan, HF_REPAIR_NEW, name);
    }
    return true;
}

/* The number for names of what is kept: the first one not used before. */
struct numbers {
    uint32_t wanted;
    bool is_taken;
};

static void look_for_number(void *arg, const char *name)
{
    struct numbers *numbers = arg;
    char suffix[32];

    (void)snprintf(suffix, sizeof suffix, HF_SUFFIX_CUT "%" PRIu32, numbers->wanted);
    const size_t length = strlen(name);
    const size_t suffix_length = strlen(suffix);
    if (length > suffix_length && strcmp(name + length - suffix_length, suffix) == 0) {
        numbers->is_taken = true;
    }
}

static bool choose_number(struct hf_repair *repair)
{
    const struct hf_directory *directory = &repair->opened.directory;
    struct numbers numbers = {.wanted = 1};

    for (;; numbers.wanted++) {
        numbers.is_taken = false;
        const int result =
            directory->disk->list(directory->disk->ctx, directory->path, look_for_number, &numbers);
        if (result != 0) {
            return refuse_disk(repair, "list", "", result);
        }
        if (!numbers.is_taken) {
            repair->plan.number = numbers.wanted;
            return true;
        }
    }
}

static bool make_plan(struct hf_repair *repair)
{
    struct hf_repair_plan *plan = &repair->plan;
    const struct hf_listing *listing = &repair->opened.listing;

    plan->lost_last_lsn = plan->lsn;
    plan->was_first_lsn = listing->segments_count > 0 ? listing->segments[0] : 0;
    if (!make_state(repair) || !choose_snapshots(repair) || !choose_segments(repair)) {
        return false;
    }
    enum hf_err err = HF_OK;
    if (plan->is_manifest_new) {
        err = hf_manifest_fork(&repair->opened.manifest, plan->lsn + 1);
    }
    if (err == HF_OK) {
        err = hf_manifest_fork(&repair->opened.manifest, plan->lsn + 1);
    }
    if (err != HF_OK) {
        return refuse(repair, err == HF_LIMIT_EXCEEDED
                                  ? "cannot repair: the manifest holds as many epochs as it can"
                                  : "cannot repair: the system has no random number for an epoch");
    }
    const struct hf_manifest *manifest = &repair->opened.manifest;
    plan->epoch = manifest->epochs[manifest->epochs_count - 1].number;
    repair->opened.manifest.snapshot_lsn = plan->snapshot_lsn;
    return choose_number(repair) && list_steps(repair);
}

/* Also without a whole manifest, where the other files say what it should say. */
static bool open_directory(struct hf_repair *repair, const char *path, const struct hf_disk *disk)
{
    struct hf_inspect_directory *opened = &repair->opened;

    const enum hf_err err = hf_inspect_open(opened, path, disk, repair->error, repair->error_bytes);
    if (err == HF_OK) {
        return true;
    }
    const bool is_gone =
        err == HF_IO && !opened->listing.has_manifest && !opened->listing.is_incomplete &&
        (opened->listing.segments_count > 0 || opened->listing.snapshots_count > 0);
    const bool is_damaged = err == HF_CORRUPT && hf_manifest_is_salvageable(repair->error);
    repair->plan.is_manifest_new =
        (is_gone || is_damaged) &&
        hf_manifest_salvage(&opened->manifest, &opened->directory, &opened->listing) == HF_OK;
    if (repair->plan.is_manifest_new) {
        hf_directory_set_id(&opened->directory, opened->manifest.directory_id);
    }
    return repair->plan.is_manifest_new;
}

struct hf_repair *hf_repair_begin(const char *path, const struct hf_disk *disk, uint64_t lsn,
                                  char *error, size_t error_bytes)
{
    HF_ASSERT(lsn < UINT64_MAX);
    HF_ASSERT(error_bytes > 0);

    struct hf_repair *repair = calloc(1, sizeof *repair);
    if (repair == NULL) {
        (void)snprintf(error, error_bytes, "cannot repair: out of memory");
        return NULL;
    }
    *repair = (struct hf_repair){
        .plan = {.lsn = lsn}, .lock_file = -1, .error = error, .error_bytes = error_bytes};
    /* The lock first, and then the directory as it is under it; but no lock is made where no
     * directory of ours is. */
    bool is_planned = open_directory(repair, path, disk) && take_lock(repair);
    if (is_planned) {
        hf_inspect_release(&repair->opened);
        is_planned = open_directory(repair, path, disk);
        repair->opened.is_in_use = false; /* it is: by us */
        is_planned = is_planned && make_plan(repair);
    }
    if (!is_planned) {
        hf_repair_end(repair);
        return NULL;
    }
    return repair;
}

const struct hf_repair_plan *hf_repair_plan(const struct hf_repair *repair)
{
    return &repair->plan;
}

void hf_repair_end(struct hf_repair *repair)
{
    if (repair == NULL) {
        return;
    }
    if (repair->lock_file >= 0) {
        const struct hf_disk *disk = repair->opened.directory.disk;
        (void)disk->close(disk->ctx, repair->lock_file); /* which ends the lock */
    }
    hf_engine_free(repair->engine);
    hf_inspect_release(&repair->opened);
    free(repair->is_snapshot_good);
    free(repair->plan.steps);
    free(repair);
}

/* ------------------------------------------------------------------ doing it */

static void kept_name(const struct hf_repair *repair, const char *name,
                      char kept[HF_NAME_BYTES_MAX * 2])
{
    (void)snprintf(kept, (size_t)HF_NAME_BYTES_MAX * 2, "%s" HF_SUFFIX_CUT "%" PRIu32, name,
                   repair->plan.number);
}

/* All bytes of `name` into a new file under a name that the next start removes. */
static int64_t copy_aside(struct hf_repair *repair, const char *name, const char *aside,
                          unsigned char *part)
{
    const struct hf_directory *directory = &repair->opened.directory;
    const struct hf_disk *disk = directory->disk;
    uint64_t offset = 0;

    const int from = hf_directory_open(directory, name, HF_DISK_READ);
    const int removed = hf_directory_remove(directory, aside);
    const int to = removed != 0
                       ? removed
                       : hf_directory_open(directory, aside, HF_DISK_WRITE | HF_DISK_CREATE);
    int64_t result = from < 0 ? from : to < 0 ? to : 0;
    while (result == 0) {
        const int64_t got = disk->read(disk->ctx, from, part, PART_BYTES, offset);
        if (got <= 0) {
            result = got < 0 ? got : disk->sync(disk->ctx, to);
            break;
        }
        const int64_t put = disk->write(disk->ctx, to, part, (size_t)got, offset);
        result = put == got ? 0 : put < 0 ? put : -EIO;
        offset += (uint64_t)got;
    }
    if (from >= 0) {
        (void)disk->close(disk->ctx, from); /* opened for reading */
    }
    if (to >= 0) {
        const int closed = disk->close(disk->ctx, to);
        result = result != 0 ? result : closed;
    }
    return result;
}

/* Keep a copy of a file that is about to be replaced. */
static bool keep_copy(struct hf_repair *repair, const char *name)
{
    const struct hf_directory *directory = &repair->opened.directory;
    char kept[HF_NAME_BYTES_MAX * 2];
    char aside[HF_NAME_BYTES_MAX * 2];

    kept_name(repair, name, kept);
    (void)snprintf(aside, sizeof aside, "%s" HF_SUFFIX_ASIDE, name);
    unsigned char *part = malloc(PART_BYTES);
    int64_t result = part == NULL ? -ENOMEM : copy_aside(repair, name, aside, part);
    free(part);
    if (result == 0) {
        result = hf_directory_rename(directory, aside, kept);
    }
    if (result == 0) {
        result = hf_directory_sync(directory);
    }
    if (result != 0) {
        (void)hf_directory_remove(directory, aside); /* the first error is the one to tell */
        return refuse_disk(repair, "keep a copy of", name, result);
    }
    return true;
}

static bool put_aside(struct hf_repair *repair, const char *name)
{
    const struct hf_directory *directory = &repair->opened.directory;
    char kept[HF_NAME_BYTES_MAX * 2];

    kept_name(repair, name, kept);
    int result = hf_directory_rename(directory, name, kept);
    if (result == 0) {
        result = hf_directory_sync(directory);
    }
    return result == 0 || refuse_disk(repair, "put aside", name, result);
}

/* True for a damaged snapshot of the LSN, in the place of which a new one is written. */
static bool is_replaced(const struct hf_repair *repair, const char *name)
{
    uint64_t lsn;
    return repair->needs_snapshot && hf_directory_name(name, &lsn) == HF_NAME_IS_SNAPSHOT &&
           lsn == repair->plan.lsn;
}

static bool write_snapshot(struct hf_repair *repair)
{
    const struct hf_manifest *manifest = &repair->opened.manifest;

    for (size_t i = 0; i < repair->plan.steps_count; i++) {
        const struct hf_repair_step *step = &repair->plan.steps[i];
        if (step->deed == HF_REPAIR_ASIDE && is_replaced(repair, step->name) &&
            !put_aside(repair, step->name)) {
            return false;
        }
    }
    const enum hf_err err = hf_snapshot_file_write(&repair->opened.directory, repair->engine,
                                                   hf_manifest_epoch(manifest, repair->plan.lsn),
                                                   NULL, repair->error, repair->error_bytes);
    return err == HF_OK;
}

/* The segment at cut_index gets its records up to the LSN only, in one rename. */
static bool cut_segment(struct hf_repair *repair)
{
    const struct hf_directory *directory = &repair->opened.directory;
    struct hf_copy_end end;
    struct hf_copy copy;

    enum hf_err err = hf_copy_init(&copy, directory, directory, &repair->opened.manifest);
    if (err == HF_OK) {
        err = hf_copy_segment(&copy, repair->opened.listing.segments[repair->cut_index],
                              repair->plan.lsn, &end);
        HF_ASSERT(err != HF_OK || end.is_reached); /* make_state has read it */
    }
    if (err != HF_OK) {
        (void)refuse(repair, "%s", copy.error);
    }
    hf_copy_release(&copy);
    const int result = err == HF_OK ? hf_directory_sync(directory) : 0;
    return err == HF_OK && (result == 0 || refuse_disk(repair, "sync", "", result));
}

/* A segment without a block, in which the log goes on behind the LSN. */
static bool make_segment(struct hf_repair *repair)
{
    const struct hf_directory *directory = &repair->opened.directory;
    const struct hf_disk *disk = directory->disk;
    struct hf_segment_header header = {.epoch = repair->plan.epoch,
                                       .first_lsn = repair->plan.first_lsn};
    unsigned char bytes[HF_SEGMENT_HEADER_BYTES];
    char aside[HF_NAME_BYTES_MAX];
    char name[HF_NAME_BYTES_MAX];

    hf_segment_name(aside, repair->plan.first_lsn, HF_SUFFIX_ASIDE);
    hf_segment_name(name, repair->plan.first_lsn, "");
    memcpy(header.directory_id, directory->id, sizeof header.directory_id);
    hf_segment_header_encode(&header, bytes);
    const int file = hf_directory_create_zeros(directory, aside, HF_SEGMENT_BYTES_MIN);
    int64_t result = file;
    if (file >= 0) {
        const int64_t put = disk->write(disk->ctx, file, bytes, sizeof bytes, 0);
        result = put == (int64_t)sizeof bytes ? disk->sync(disk->ctx, file) : put < 0 ? put : -EIO;
        const int closed = disk->close(disk->ctx, file);
        result = result != 0 ? result : closed;
    }
    if (result == 0) {
        result = hf_directory_rename(directory, aside, name);
    }
    if (result == 0) {
        result = hf_directory_sync(directory);
    }
    return result == 0 || refuse_disk(repair, "make", name, result);
}

/* Files that do not stay, the newest first: what is left is an unbroken run at any moment. */
static bool put_files_aside(struct hf_repair *repair)
{
    const struct hf_repair_plan *plan = &repair->plan;

    for (size_t i = plan->steps_count; i > 0; i--) {
        const struct hf_repair_step *step = &plan->steps[i - 1];
        if (step->deed == HF_REPAIR_ASIDE && !is_replaced(repair, step->name) &&
            !put_aside(repair, step->name)) {
            return false;
        }
    }
    return true;
}

static bool run(struct hf_repair *repair)
{
    const struct hf_listing *listing = &repair->opened.listing;
    char name[HF_NAME_BYTES_MAX];

    if (repair->opened.listing.has_manifest && !keep_copy(repair, HF_NAME_MANIFEST)) {
        return false;
    }
    if (repair->cut_index != NO_SEGMENT) {
        hf_segment_name(name, listing->segments[repair->cut_index], "");
        if (!keep_copy(repair, name)) {
            return false;
        }
    }
    if ((repair->needs_snapshot && !write_snapshot(repair)) ||
        hf_manifest_save(&repair->opened.manifest, &repair->opened.directory, repair->error,
                         repair->error_bytes) != HF_OK) {
        return false;
    }
    return put_files_aside(repair) &&
           (repair->cut_index != NO_SEGMENT ? cut_segment(repair) : make_segment(repair));
}

enum hf_err hf_repair_run(struct hf_repair *repair, char *error, size_t error_bytes)
{
    repair->error = error;
    repair->error_bytes = error_bytes;
    return run(repair) ? HF_OK : HF_IO;
}
