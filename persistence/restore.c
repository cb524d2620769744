#include "persistence/restore.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/assert.h"
#include "persistence/copy.h"
#include "persistence/moment.h"
#include "persistence/recovery.h"
#include "persistence/target.h"

/* Between two lines about the progress of the copy. */
#define PROGRESS_BYTES (UINT64_C(1) << 30)

static const char MARK[] = "A restore (holdfastd --restore-to) makes a data directory here.\n"
                           "Without a MANIFEST beside this file it has not come to its end:\n"
                           "when it is not running any more, run it again.\n";

struct restore {
    struct hf_directory from;
    struct hf_directory to;
    struct hf_listing listing; /* of `from` */
    struct hf_manifest manifest;
    struct hf_copy copy;
    int from_lock;           /* -1: `from` has none */
    struct hf_target target; /* over `to` */
    uint64_t lsn;
    uint64_t snapshot_lsn; /* copied; 0: none */
    uint64_t bytes_count;  /* copied */
    uint64_t told_bytes;
    struct hf_engine *engine;
    char *error;
    size_t error_bytes;
};

static enum hf_err refuse_disk(const struct restore *restore, const struct hf_directory *directory,
                               const char *verb, const char *name, int64_t error)
{
    return hf_refuse(restore->error, restore->error_bytes, HF_IO, "could not %s \"%s/%s\": %s",
                     verb, directory->path, name, hf_disk_error(error));
}

static bool say_progress(void *arg, uint64_t bytes_count)
{
    struct restore *restore = arg;

    restore->bytes_count += bytes_count;
    if (restore->bytes_count - restore->told_bytes >= PROGRESS_BYTES) {
        restore->told_bytes = restore->bytes_count;
        hf_directory_say(&restore->to, 'i',
                         "restore: %" PRIu64 " MiB copied, LSN %" PRIu64 " of %" PRIu64,
                         restore->bytes_count >> 20, restore->copy.next_lsn, restore->lsn);
    }
    return true;
}

/* ------------------------------------------------------------------ the two directories */

/* Look at the old directory, and keep servers away from it. */
static enum hf_err open_from(struct restore *restore)
{
    const int listed = hf_directory_list(&restore->from, &restore->listing);
    if (listed != 0) {
        return refuse_disk(restore, &restore->from, "list", "", listed);
    }
    if (!restore->listing.has_manifest) {
        return hf_refuse(
            restore->error, restore->error_bytes, HF_INVALID_ARGUMENT,
            restore->listing.is_incomplete
                ? "cannot restore from \"%s\": it is a copy that has not come to its end"
                : "cannot restore from \"%s\": it has no MANIFEST, so it is not a data "
                  "directory of holdfast",
            restore->from.path);
    }
    if (restore->listing.has_lock) {
        restore->from_lock = hf_directory_open(&restore->from, HF_NAME_LOCK,
                                               HF_DISK_READ | HF_DISK_LOCK | HF_DISK_PATIENT);
        if (restore->from_lock == -EAGAIN) {
            return hf_refuse(restore->error, restore->error_bytes, HF_BUSY,
                             "cannot restore from \"%s\": another process is using it; stop it, or "
                             "make a backup with \"holdfast backup\" and restore from that",
                             restore->from.path);
        }
        if (restore->from_lock < 0) {
            return refuse_disk(restore, &restore->from, "lock", HF_NAME_LOCK, restore->from_lock);
        }
    }
    const enum hf_err err =
        hf_manifest_load(&restore->manifest, &restore->from, restore->error, restore->error_bytes);
    if (err != HF_OK) {
        return err;
    }
    if (restore->listing.segments_count == 0) {
        return hf_refuse(restore->error, restore->error_bytes, HF_CORRUPT,
                         "cannot restore from \"%s\": it has a MANIFEST but no log segment",
                         restore->from.path);
    }
    hf_directory_set_id(&restore->from, restore->manifest.directory_id);
    hf_directory_set_id(&restore->to, restore->manifest.directory_id);
    return HF_OK;
}

/*
 * A backup, or a directory carried here by hand, has no LOCK, and may be on a disk that is not for
 * writing; so none is made. Whoever begins to use the directory makes one, and it stays: when
 * none is there at the end, nobody has been there.
 */
static enum hf_err judge_from(const struct restore *restore)
{
    struct hf_listing listing;

    if (restore->from_lock >= 0) {
        return HF_OK;
    }
    const int listed = hf_directory_list(&restore->from, &listing);
    const bool has_lock = listing.has_lock;
    hf_listing_release(&listing);
    if (listed != 0) {
        return refuse_disk(restore, &restore->from, "list", "", listed);
    }
    return has_lock ? hf_refuse(restore->error, restore->error_bytes, HF_BUSY,
                                "cannot restore from \"%s\": another process has begun to use it "
                                "meanwhile; stop that, and restore again",
                                restore->from.path)
                    : HF_OK;
}

/* ------------------------------------------------------------------ the point */

/* LSN of the oldest snapshot that the log goes on from; 0: of none, or from the very begin. */
static uint64_t oldest_lsn(const struct hf_listing *listing)
{
    if (listing->segments[0] == 1) {
        return 0;
    }
    for (size_t i = 0; i < listing->snapshots_count; i++) {
        if (listing->segments[0] <= listing->snapshots[i] + 1) {
            return listing->snapshots[i];
        }
    }
    return 0;
}

static enum hf_err refuse_too_early(const struct restore *restore, const char *what)
{
    const uint64_t oldest = oldest_lsn(&restore->listing);

    if (oldest == 0 && restore->listing.segments[0] > 1) {
        return hf_refuse(
            restore->error, restore->error_bytes, HF_CORRUPT,
            "cannot restore to %s: \"%s\" has no snapshot for its log, which begins with "
            "LSN %" PRIu64,
            what, restore->from.path, restore->listing.segments[0]);
    }
    return hf_refuse(restore->error, restore->error_bytes, HF_INVALID_ARGUMENT,
                     "cannot restore to %s: the oldest that \"%s\" can give is LSN %" PRIu64, what,
                     restore->from.path, oldest == 0 ? 1 : oldest);
}

/* The LSN of args->time_us. A time before the log may still be that of the snapshot it goes on
 * from; only loading that tells. */
static enum hf_err find_lsn(struct restore *restore, uint64_t time_us)
{
    struct hf_moment moment;

    const enum hf_err err = hf_moment_find(&restore->from, &restore->manifest, &restore->listing,
                                           time_us, &moment, restore->error, restore->error_bytes);
    if (err != HF_OK) {
        return err;
    }
    restore->lsn = moment.lsn > 0 ? moment.lsn : restore->listing.segments[0] - 1;
    return restore->lsn > 0 ? HF_OK
                            : refuse_too_early(restore, "that time, before the first record");
}

/* ------------------------------------------------------------------ the files */

/* The newest whole snapshot not after the point that the log goes on from. */
static enum hf_err copy_snapshot(struct restore *restore)
{
    const struct hf_listing *listing = &restore->listing;

    for (size_t i = listing->snapshots_count; i > 0; i--) {
        const uint64_t lsn = listing->snapshots[i - 1];
        if (lsn > restore->lsn) {
            continue;
        }
        if (listing->segments[0] > lsn + 1) {
            break;
        }
        const enum hf_err err = hf_copy_snapshot(&restore->copy, lsn);
        if (err == HF_OK) {
            restore->snapshot_lsn = lsn;
            return HF_OK;
        }
        if (err != HF_CORRUPT) {
            return hf_refuse(restore->error, restore->error_bytes, err, "%s", restore->copy.error);
        }
        hf_directory_say(&restore->from, 'w', "%s; trying an older one", restore->copy.error);
    }
    if (listing->segments[0] > 1) {
        char what[64];
        (void)snprintf(what, sizeof what, "LSN %" PRIu64, restore->lsn);
        return refuse_too_early(restore, what);
    }
    return HF_OK;
}

static enum hf_err refuse_log(const struct restore *restore, enum hf_err err)
{
    const struct hf_copy *copy = &restore->copy;
    const uint64_t last_lsn = copy->next_lsn - 1;

    if (err == HF_TRUNCATED) {
        return hf_refuse(restore->error, restore->error_bytes, HF_INVALID_ARGUMENT,
                         "cannot restore to LSN %" PRIu64
                         ": the log of \"%s\" ends with LSN %" PRIu64,
                         restore->lsn, restore->from.path, last_lsn);
    }
    if (err == HF_CORRUPT && last_lsn > 0 && last_lsn < UINT64_MAX) {
        return hf_refuse(restore->error, restore->error_bytes, err,
                         "cannot restore to LSN %" PRIu64
                         ": %s; the last before that is LSN %" PRIu64,
                         restore->lsn, copy->error, last_lsn);
    }
    return hf_refuse(restore->error, restore->error_bytes, err,
                     "cannot restore to LSN %" PRIu64 ": %s", restore->lsn, copy->error);
}

/*
 * Segments before the one that the snapshot needs are history: they are taken as far back as they
 * are whole, in one run. Returns the index of the oldest one taken.
 */
static enum hf_err copy_history(struct restore *restore, size_t needed, size_t *oldest)
{
    struct hf_copy *copy = &restore->copy;
    const uint64_t *segments = restore->listing.segments;

    for (*oldest = needed; *oldest > 0; (*oldest)--) {
        const size_t index = *oldest - 1;
        struct hf_segment_reader *reader = &copy->reader;
        struct hf_copy_end end;
        char name[HF_NAME_BYTES_MAX];

        hf_segment_name(name, segments[index], "");
        copy->next_lsn = 0;
        const enum hf_err err = hf_copy_segment(copy, segments[index], segments[*oldest] - 1, &end);
        if (err == HF_IO || err == HF_NO_MEMORY) {
            return hf_refuse(restore->error, restore->error_bytes, err, "%s", copy->error);
        }
        const uint64_t checksum = copy->previous; /* of its last block */
        if (err == HF_OK && end.is_reached &&
            hf_segment_reader_open(reader, segments[*oldest], true, copy->error,
                                   sizeof copy->error) == HF_OK &&
            reader->header.previous == checksum) {
            continue;
        }
        hf_directory_say(&restore->from, 'w',
                         "log segment \"%s\" is not whole: the history of the new directory begins "
                         "with LSN %" PRIu64,
                         name, segments[*oldest]);
        const int removed = hf_directory_remove(&restore->to, name);
        return removed == 0 ? HF_OK : refuse_disk(restore, &restore->to, "remove", name, removed);
    }
    return HF_OK;
}

static enum hf_err copy_files(struct restore *restore, size_t *oldest)
{
    const struct hf_listing *listing = &restore->listing;
    size_t needed = 0;

    enum hf_err err = copy_snapshot(restore);
    if (err != HF_OK) {
        return err;
    }
    /* The segment that the snapshot goes on in; of a point at the snapshot, the one that ends with
     * it, where there is one: the log goes on there. */
    const uint64_t from_lsn =
        restore->snapshot_lsn == restore->lsn ? restore->lsn : restore->snapshot_lsn + 1;
    while (needed + 1 < listing->segments_count && listing->segments[needed + 1] <= from_lsn) {
        needed++;
    }
    err = hf_copy_log(&restore->copy, listing, needed, restore->lsn);
    if (err != HF_OK) {
        return refuse_log(restore, err);
    }
    return copy_history(restore, needed, oldest);
}

/* ------------------------------------------------------------------ the end */

/* Recover what was copied, as a start will. */
static enum hf_err prove(struct restore *restore)
{
    struct hf_listing listing;
    struct hf_recovered recovered;

    restore->manifest.snapshot_lsn = restore->snapshot_lsn;
    enum hf_err err = hf_manifest_fork(&restore->manifest, restore->lsn + 1);
    if (err != HF_OK) {
        return hf_refuse(restore->error, restore->error_bytes, err,
                         "cannot restore from \"%s\": %s", restore->from.path,
                         err == HF_LIMIT_EXCEEDED ? "its MANIFEST has no room for another epoch"
                                                  : "the system has no random number for an epoch");
    }
    int result = hf_directory_sync(&restore->to);
    if (result != 0) {
        return refuse_disk(restore, &restore->to, "sync", "", result);
    }
    result = hf_directory_list(&restore->to, &listing);
    err = result == 0 ? hf_recover(&restore->to, &restore->manifest, &listing, restore->engine,
                                   &recovered, restore->error, restore->error_bytes)
                      : refuse_disk(restore, &restore->to, "list", "", result);
    hf_listing_release(&listing);
    if (err == HF_OK && hf_engine_lsn(restore->engine) != restore->lsn) {
        err = hf_refuse(restore->error, restore->error_bytes, HF_CORRUPT,
                        "the copy in \"%s\" came out at LSN %" PRIu64 " instead of %" PRIu64,
                        restore->to.path, hf_engine_lsn(restore->engine), restore->lsn);
    }
    return err;
}

static enum hf_err run(struct restore *restore, const struct hf_restore_args *args,
                       struct hf_restored *restored)
{
    size_t oldest = 0;

    enum hf_err err = open_from(restore);
    restore->lsn = args->lsn;
    if (err == HF_OK && args->is_time) {
        err = find_lsn(restore, args->time_us);
    }
    if (err == HF_OK) {
        err = hf_target_take(&restore->target, &restore->to, false, MARK, restore->error,
                             restore->error_bytes);
    }
    if (err != HF_OK) {
        return err;
    }
    hf_directory_say(&restore->to, 'i', "restoring \"%s\" at LSN %" PRIu64 " into \"%s\"",
                     restore->from.path, restore->lsn, restore->to.path);
    err = hf_copy_init(&restore->copy, &restore->from, &restore->to, &restore->manifest);
    if (err != HF_OK) {
        return hf_refuse(restore->error, restore->error_bytes, err, "no memory to restore");
    }
    restore->copy.progress_cb = say_progress;
    restore->copy.progress_arg = restore;
    err = copy_files(restore, &oldest);
    if (err == HF_OK) {
        err = judge_from(restore);
    }
    if (err == HF_OK) {
        err = prove(restore);
    }
    if (err == HF_OK && args->is_time && hf_engine_time_us(restore->engine) > args->time_us) {
        err = refuse_too_early(restore, "that time");
    }
    if (err == HF_OK) {
        err = hf_target_complete(&restore->target, &restore->manifest);
    }
    if (err == HF_OK) {
        *restored = (struct hf_restored){
            .lsn = restore->lsn,
            .time_us = hf_engine_time_us(restore->engine),
            .epoch = restore->manifest.epochs[restore->manifest.epochs_count - 1].number,
            .first_lsn = restore->listing.segments[oldest],
            .digest = hf_engine_digest(restore->engine),
        };
    }
    return err;
}

enum hf_err hf_restore(const struct hf_restore_args *args, const struct hf_disk *disk,
                       const struct hf_store_report *report, struct hf_engine *engine,
                       struct hf_restored *restored, char *error, size_t error_bytes)
{
    HF_ASSERT(hf_engine_lsn(engine) == 0);
    HF_ASSERT(args->is_time || args->lsn > 0);

    struct restore *restore = calloc(1, sizeof *restore);
    if (restore == NULL) {
        (void)snprintf(error, error_bytes, "no memory to restore");
        return HF_NO_MEMORY;
    }
    restore->from_lock = -1;
    restore->target.lock = -1;
    restore->copy.file = -1;
    restore->engine = engine;
    restore->error = error;
    restore->error_bytes = error_bytes;
    enum hf_err err;
    if (!hf_directory_init(&restore->from, args->from, disk, report) ||
        !hf_directory_init(&restore->to, args->path, disk, report)) {
        err = hf_refuse(restore->error, restore->error_bytes, HF_INVALID_ARGUMENT,
                        "the path is empty or too long");
    } else {
        err = run(restore, args, restored);
    }
    if (err != HF_OK && !hf_target_clear(&restore->target)) {
        hf_directory_say(&restore->to, 'w', "could not clear \"%s\"", restore->to.path);
    }
    hf_target_release(&restore->target);
    if (restore->from_lock >= 0) {
        (void)disk->close(disk->ctx, restore->from_lock);
    }
    hf_copy_release(&restore->copy);
    hf_listing_release(&restore->listing);
    free(restore);
    return err;
}
