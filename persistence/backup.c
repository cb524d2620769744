#include "persistence/backup.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "persistence/copy.h"
#include "persistence/target.h"

static const char MARK[] =
    "A backup (holdfast backup) is made here. Without a MANIFEST beside this\n"
    "file it has not come to its end: make it again, or remove it.\n";
static const char ASIDE[] = ".tmp";

struct work {
    struct hf_store *store;
    const struct hf_backup_args *args;
    struct hf_backup *backup;
    struct hf_directory from;
    struct hf_directory to; /* aside */
    struct hf_listing listing;
    struct hf_manifest manifest;
    struct hf_copy copy;
    struct hf_target target;
    size_t first; /* in the listing: the oldest segment that is needed */
    uint64_t bytes_done;
    uint64_t bytes_total;
    bool is_made; /* `to` was not there before */
    char *error;
    size_t error_bytes;
};

/* ------------------------------------------------------------------ where */

/* The name below the folder; NULL: an absolute path that does not lead into it. */
static const char *name_below(const char *folder, const char *name)
{
    size_t length = strlen(folder);

    if (name[0] != '/') {
        return name;
    }
    while (length > 0 && folder[length - 1] == '/') {
        length--;
    }
    return strncmp(name, folder, length) == 0 && name[length] == '/' ? name + length + 1 : NULL;
}

/* A part of a name that leads elsewhere, or is none. */
static bool is_plain(const char *part, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if ((unsigned char)part[i] < 0x20 || part[i] == 0x7f) {
            return false;
        }
    }
    return length > 0 && !(part[0] == '.' && (length == 1 || (length == 2 && part[1] == '.')));
}

/* A name that we give to files, in a data directory or to a backup in the making. */
static bool is_ours(const char *part, size_t length)
{
    const size_t aside_bytes = sizeof ASIDE - 1;
    char name[HF_NAME_BYTES_MAX];
    uint64_t lsn;

    if (length > aside_bytes && memcmp(part + length - aside_bytes, ASIDE, aside_bytes) == 0) {
        return true;
    }
    if (length >= sizeof name) {
        return false;
    }
    (void)snprintf(name, sizeof name, "%.*s", (int)length, part);
    return hf_directory_name(name, &lsn) != HF_NAME_IS_FOREIGN;
}

/* All parts of the name, between single slashes. */
static enum hf_err judge_name(const struct work *work, const char *name)
{
    for (const char *part = name;;) {
        const size_t length = strcspn(part, "/");
        if (!is_plain(part, length)) {
            return hf_refuse(work->error, work->error_bytes, HF_INVALID_ARGUMENT,
                             "a backup needs a name below \"%s\", without \".\" and \"..\"",
                             work->args->folder);
        }
        if (is_ours(part, length)) {
            return hf_refuse(work->error, work->error_bytes, HF_INVALID_ARGUMENT,
                             "\"%.*s\" cannot be in a backup's name: such names are for the files "
                             "of a data directory, or for backups in the making",
                             (int)length, part);
        }
        if (part[length] == '\0') {
            return HF_OK;
        }
        part += length + 1;
    }
}

static enum hf_err choose_path(struct work *work)
{
    const char *folder = work->args->folder;
    const char *name = name_below(folder, work->args->name);
    const size_t aside_bytes = sizeof ASIDE - 1;
    char aside[HF_PATH_BYTES_MAX];

    if (name == NULL) {
        return hf_refuse(work->error, work->error_bytes, HF_INVALID_ARGUMENT,
                         "backups are made below \"%s\" only (backup_directory)", folder);
    }
    const enum hf_err err = judge_name(work, name);
    if (err != HF_OK) {
        return err;
    }
    const int length = snprintf(work->backup->path, sizeof work->backup->path, "%s%s%s", folder,
                                folder[strlen(folder) - 1] == '/' ? "" : "/", name);
    if (length < 0 || (size_t)length + aside_bytes >= sizeof aside) {
        return hf_refuse(work->error, work->error_bytes, HF_INVALID_ARGUMENT,
                         "the path of the backup is too long");
    }
    (void)snprintf(aside, sizeof aside, "%.*s%s", length, work->backup->path, ASIDE);
    if (!hf_directory_init(&work->to, aside, work->from.disk, &work->from.report)) {
        return hf_refuse(work->error, work->error_bytes, HF_INVALID_ARGUMENT,
                         "the path of the backup is too long");
    }
    hf_directory_set_id(&work->to, work->from.id);
    return HF_OK;
}

/* A link may lead anywhere. */
static enum hf_err judge_link(const struct work *work, const char *path)
{
    const int is_link = work->from.disk->is_link(work->from.disk->ctx, path);

    if (is_link < 0) {
        return hf_refuse(work->error, work->error_bytes, HF_IO, "could not look at \"%s\": %s",
                         path, hf_disk_error(is_link));
    }
    return is_link == 0
               ? HF_OK
               : hf_refuse(work->error, work->error_bytes, HF_INVALID_ARGUMENT,
                           "\"%s\" is a symbolic link, which a backup does not follow", path);
}

/* Backups are not made inside of one another, nor in a directory that a server may start on. */
static enum hf_err judge_parent(const struct work *work, const char *path)
{
    struct hf_directory parent;
    struct hf_listing listing;

    if (!hf_directory_init(&parent, path, work->from.disk, NULL)) {
        return HF_OK; /* too long: opening it will tell */
    }
    const int listed = hf_directory_list(&parent, &listing);
    const bool is_taken = listing.has_manifest || listing.is_incomplete ||
                          listing.segments_count > 0 || listing.snapshots_count > 0;
    hf_listing_release(&listing);
    return listed != 0 || !is_taken /* a folder that is not there is told when it is used */
               ? HF_OK
               : hf_refuse(work->error, work->error_bytes, HF_INVALID_ARGUMENT,
                           "\"%s\" is a data directory or a backup; no backup is made inside of it",
                           path);
}

/* The folder, which may be a link, and all that is named below it. */
static enum hf_err judge_way(const struct work *work)
{
    char path[HF_PATH_BYTES_MAX];
    const size_t folder_bytes = strlen(work->args->folder);
    size_t length = folder_bytes;

    (void)snprintf(path, sizeof path, "%s", work->backup->path);
    for (;;) {
        path[length] = '\0';
        enum hf_err err = length > folder_bytes ? judge_link(work, path) : HF_OK;
        if (err == HF_OK && work->backup->path[length] != '\0') {
            err = judge_parent(work, path);
        }
        if (err != HF_OK || work->backup->path[length] == '\0') {
            return err == HF_OK ? judge_link(work, work->to.path) : err;
        }
        path[length] = work->backup->path[length];
        length += 1 + strcspn(path + length + 1, "/");
    }
}

static void note_name(void *arg, const char *name)
{
    (void)name;
    *(bool *)arg = true;
}

/* Is something there by that name already? An empty directory is nothing. */
static enum hf_err judge_path(struct work *work)
{
    const struct hf_disk *disk = work->from.disk;
    bool holds_any = false;

    const int listed = disk->list(disk->ctx, work->backup->path, note_name, &holds_any);
    if (listed == -ENOENT || (listed == 0 && !holds_any)) {
        bool ignored = false;
        work->is_made = disk->list(disk->ctx, work->to.path, note_name, &ignored) == -ENOENT;
        return HF_OK;
    }
    if (listed == 0 || listed == -ENOTDIR) {
        return hf_refuse(work->error, work->error_bytes, HF_INVALID_ARGUMENT,
                         "\"%s\" exists already", work->backup->path);
    }
    return hf_refuse(work->error, work->error_bytes, HF_IO, "could not look at \"%s\": %s",
                     work->backup->path, hf_disk_error(listed));
}

/* ------------------------------------------------------------------ what */

static uint64_t file_bytes(const struct work *work, const char *name)
{
    const struct hf_disk *disk = work->from.disk;
    const int file = hf_directory_open(&work->from, name, HF_DISK_READ);
    if (file < 0) {
        return 0; /* copying it will tell */
    }
    const int64_t bytes_count = disk->size(disk->ctx, file);
    (void)disk->close(disk->ctx, file); /* opened for reading */
    return bytes_count < 0 ? 0 : (uint64_t)bytes_count;
}

/*
 * The manifest, read after hf_store_hold, names a snapshot that is kept from here on, with the log
 * after it: a retention that began before was for this manifest or an older one.
 */
static enum hf_err choose_files(struct work *work)
{
    char name[HF_NAME_BYTES_MAX];

    const enum hf_err err =
        hf_manifest_load(&work->manifest, &work->from, work->error, work->error_bytes);
    if (err != HF_OK) {
        return err;
    }
    const uint64_t snapshot_lsn = work->manifest.snapshot_lsn;
    work->backup->lsn = hf_store_durable_lsn(work->store);
    if (work->backup->lsn < snapshot_lsn) {
        work->backup->lsn = snapshot_lsn; /* a snapshot is of synced records only */
    }
    const int listed = hf_directory_list(&work->from, &work->listing);
    if (listed != 0) {
        return hf_refuse(work->error, work->error_bytes, HF_IO, "could not list \"%s\": %s",
                         work->from.path, hf_disk_error(listed));
    }
    if (work->listing.segments_count == 0 || work->listing.segments[0] > snapshot_lsn + 1) {
        return hf_refuse(work->error, work->error_bytes, HF_CORRUPT,
                         "the log does not go on from the snapshot of LSN %" PRIu64, snapshot_lsn);
    }
    while (work->first + 1 < work->listing.segments_count &&
           work->listing.segments[work->first + 1] <= snapshot_lsn + 1) {
        work->first++;
    }
    for (size_t i = work->first; i < work->listing.segments_count; i++) {
        hf_segment_name(name, work->listing.segments[i], "");
        work->bytes_total += file_bytes(work, name);
    }
    if (snapshot_lsn > 0) {
        hf_snapshot_name(name, snapshot_lsn, "");
        work->bytes_total += file_bytes(work, name);
    }
    return HF_OK;
}

static bool tell(void *arg, uint64_t bytes_count)
{
    struct work *work = arg;

    work->bytes_done += bytes_count;
    if (work->bytes_total < work->bytes_done) {
        work->bytes_total = work->bytes_done;
    }
    return work->args->progress_cb == NULL ||
           work->args->progress_cb(work->args->progress_arg, work->bytes_done, work->bytes_total);
}

static void keep_pace(void *arg, uint64_t bytes_count)
{
    const struct work *work = arg;

    if (work->args->pace_cb != NULL) {
        work->args->pace_cb(work->args->progress_arg, bytes_count);
    }
}

static enum hf_err copy_files(struct work *work)
{
    struct hf_copy *copy = &work->copy;
    enum hf_err err = HF_OK;

    if (!tell(work, 0)) {
        return hf_refuse(work->error, work->error_bytes, HF_BUSY, "the backup was broken off");
    }
    if (work->manifest.snapshot_lsn > 0) {
        err = hf_copy_snapshot(copy, work->manifest.snapshot_lsn);
    }
    if (err == HF_CORRUPT) {
        return hf_refuse(work->error, work->error_bytes, err,
                         "%s; write a new one with \"holdfast snapshot\" first", copy->error);
    }
    if (err == HF_OK) {
        err = hf_copy_log(copy, &work->listing, work->first, work->backup->lsn);
    }
    if (err == HF_TRUNCATED) {
        return hf_refuse(work->error, work->error_bytes, HF_CORRUPT,
                         "the log ends with LSN %" PRIu64 " before LSN %" PRIu64,
                         copy->next_lsn - 1, work->backup->lsn);
    }
    return err == HF_OK ? HF_OK : hf_refuse(work->error, work->error_bytes, err, "%s", copy->error);
}

/* ------------------------------------------------------------------ the end */

/* The store goes on behind the LSN, and so will a start on the backup: in an epoch of its own. */
static enum hf_err begin_epoch(struct work *work)
{
    const enum hf_err err = hf_manifest_fork(&work->manifest, work->backup->lsn + 1);
    return err == HF_OK ? HF_OK
                        : hf_refuse(work->error, work->error_bytes, err, "%s",
                                    err == HF_LIMIT_EXCEEDED
                                        ? "the MANIFEST has no room for the epoch of another backup"
                                        : "the system has no random number for an epoch");
}

/* The lock file is of no use in a backup; then it gets its name. */
static enum hf_err give_name(struct work *work)
{
    const struct hf_disk *disk = work->from.disk;

    int result = hf_directory_remove(&work->to, HF_NAME_LOCK);
    if (result == 0) {
        result = hf_directory_sync(&work->to);
    }
    if (result == 0) {
        result = disk->rename(disk->ctx, work->to.path, work->backup->path);
    }
    if (result == 0) {
        result = hf_directory_sync_parent(&work->to);
    }
    return result == 0
               ? HF_OK
               : hf_refuse(work->error, work->error_bytes, HF_IO, "could not write \"%s\": %s",
                           work->backup->path, hf_disk_error(result));
}

static enum hf_err run(struct work *work)
{
    enum hf_err err = choose_path(work);
    if (err == HF_OK) {
        err = judge_way(work);
    }
    if (err == HF_OK) {
        err = judge_path(work);
    }
    if (err == HF_OK) {
        err = choose_files(work);
    }
    if (err == HF_OK) {
        err = hf_target_take(&work->target, &work->to, true, MARK, work->error, work->error_bytes);
    }
    if (err != HF_OK) {
        return err;
    }
    err = hf_copy_init(&work->copy, &work->from, &work->to, &work->manifest);
    if (err != HF_OK) {
        return hf_refuse(work->error, work->error_bytes, err, "no memory for a backup");
    }
    work->copy.progress_cb = tell;
    work->copy.pace_cb = keep_pace;
    work->copy.progress_arg = work;
    err = copy_files(work);
    if (err == HF_OK) {
        err = begin_epoch(work);
    }
    if (err == HF_OK) {
        err = hf_target_complete(&work->target, &work->manifest);
    }
    if (err == HF_OK) {
        err = give_name(work);
    }
    work->backup->bytes_count = work->copy.bytes_count;
    return err;
}

enum hf_err hf_backup_make(struct hf_store *store, const struct hf_backup_args *args,
                           struct hf_backup *backup, char *error, size_t error_bytes)
{
    struct work *work = calloc(1, sizeof *work);

    *backup = (struct hf_backup){0};
    if (work == NULL) {
        (void)snprintf(error, error_bytes, "no memory for a backup");
        return HF_NO_MEMORY;
    }
    work->store = store;
    work->args = args;
    work->backup = backup;
    work->from = *hf_store_directory(store);
    work->target.lock = -1;
    work->copy.file = -1;
    work->error = error;
    work->error_bytes = error_bytes;

    hf_store_hold(store);
    const uint32_t broken_count = hf_store_holds_broken(store);
    enum hf_err err = run(work);
    hf_store_let_go(store);
    if ((err == HF_IO || err == HF_CORRUPT) && hf_store_holds_broken(store) != broken_count) {
        err =
            hf_refuse(error, error_bytes, HF_GONE,
                      "log that the backup was to copy was dropped meanwhile, because the log had "
                      "reached log_max");
    }
    if (err != HF_OK && (work->target.lock >= 0 || work->is_made)) {
        const struct hf_disk *disk = work->from.disk;
        const bool is_clear = hf_target_clear(&work->target);
        const int removed = disk->remove_dir(disk->ctx, work->to.path);
        if (!is_clear || (removed != 0 && removed != -ENOENT)) {
            hf_directory_say(&work->from, 'w', "could not remove \"%s\"", work->to.path);
        }
    }
    hf_target_release(&work->target);
    hf_copy_release(&work->copy);
    hf_listing_release(&work->listing);
    free(work);
    return err;
}
