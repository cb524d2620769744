#include "persistence/target.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "engine/assert.h"

static int mark(const struct hf_directory *to, const char *text)
{
    const struct hf_disk *disk = to->disk;
    const size_t bytes_count = strlen(text);

    int result = hf_directory_remove(to, HF_NAME_INCOMPLETE);
    if (result != 0) {
        return result;
    }
    const int file = hf_directory_open(to, HF_NAME_INCOMPLETE, HF_DISK_WRITE | HF_DISK_CREATE);
    if (file < 0) {
        return file;
    }
    const int64_t put_bytes = disk->write(disk->ctx, file, text, bytes_count, 0);
    result = put_bytes == (int64_t)bytes_count ? disk->sync(disk->ctx, file)
             : put_bytes < 0                   ? (int)put_bytes
                                               : -EIO;
    const int closed = disk->close(disk->ctx, file);
    result = result != 0 ? result : closed;
    return result != 0 ? result : hf_directory_sync(to);
}

static int remove_listed(const struct hf_directory *to, const struct hf_listing *listing)
{
    char name[HF_NAME_BYTES_MAX];
    int result = hf_directory_remove(to, HF_NAME_MANIFEST);

    for (size_t i = 0; result == 0 && i < listing->segments_count; i++) {
        hf_segment_name(name, listing->segments[i], "");
        result = hf_directory_remove(to, name);
    }
    for (size_t i = 0; result == 0 && i < listing->snapshots_count; i++) {
        hf_snapshot_name(name, listing->snapshots[i], "");
        result = hf_directory_remove(to, name);
    }
    for (size_t i = 0; result == 0 && i < listing->asides_count; i++) {
        result = hf_directory_remove(to, listing->asides[i]);
    }
    return result;
}

static int clear(const struct hf_directory *to)
{
    struct hf_listing listing;

    int result = hf_directory_list(to, &listing);
    if (result == 0) {
        result = remove_listed(to, &listing);
    }
    hf_listing_release(&listing);
    /* The mark goes last, once nothing is left that it warns of. */
    if (result == 0) {
        result = hf_directory_sync(to);
    }
    if (result == 0) {
        result = hf_directory_remove(to, HF_NAME_INCOMPLETE);
    }
    return result != 0 ? result : hf_directory_sync(to);
}

/* ------------------------------------------------------------------ taking and giving */

static enum hf_err refuse(struct hf_target *target, enum hf_err err, const char *why)
{
    (void)snprintf(target->error, target->error_bytes, "cannot copy into \"%s\": %s",
                   target->directory->path, why);
    return err;
}

static enum hf_err refuse_disk(struct hf_target *target, const char *verb, const char *name,
                               int64_t error)
{
    (void)snprintf(target->error, target->error_bytes, "could not %s \"%s%s%s\": %s", verb,
                   target->directory->path, name[0] == '\0' ? "" : "/", name, hf_disk_error(error));
    return HF_IO;
}

/* May the directory be filled? */
static enum hf_err judge(struct hf_target *target)
{
    struct hf_listing listing;

    const int listed = hf_directory_list(target->directory, &listing);
    const bool is_broken_off = listing.is_incomplete && !listing.has_manifest;
    const bool is_empty = listing.segments_count == 0 && listing.snapshots_count == 0 &&
                          !listing.has_spare && !listing.has_manifest;
    const bool is_ours =
        listing.foreign[0] == '\0' && (target->is_aside || is_broken_off || is_empty);
    hf_listing_release(&listing);
    if (listed != 0) {
        return refuse_disk(target, "list", "", listed);
    }
    return is_ours ? HF_OK : refuse(target, HF_INVALID_ARGUMENT, "it is not empty");
}

/* Lock and mark it. */
static enum hf_err take(struct hf_target *target, const char *text)
{
    const struct hf_directory *to = target->directory;

    int result = hf_directory_open(to, HF_NAME_LOCK,
                                   HF_DISK_WRITE | HF_DISK_CREATE | HF_DISK_LOCK | HF_DISK_PATIENT);
    if (result == -EEXIST) {
        result =
            hf_directory_open(to, HF_NAME_LOCK, HF_DISK_WRITE | HF_DISK_LOCK | HF_DISK_PATIENT);
    }
    if (result == -EAGAIN) {
        return refuse(target, HF_BUSY, "another process is using it");
    }
    if (result < 0) {
        return refuse_disk(target, "lock", HF_NAME_LOCK, result);
    }
    const int lock = result;
    const enum hf_err err = judge(target); /* again: somebody may have been quicker */
    if (err != HF_OK) {
        (void)to->disk->close(to->disk->ctx, lock);
        return err;
    }
    target->lock = lock;
    result = mark(to, text);
    if (result == 0) {
        result = clear(to); /* what another try left */
    }
    if (result == 0) {
        result = mark(to, text);
    }
    return result == 0 ? HF_OK : refuse_disk(target, "write", HF_NAME_INCOMPLETE, result);
}

enum hf_err hf_target_take(struct hf_target *target, const struct hf_directory *directory,
                           bool is_aside, const char *text, char *error, size_t error_bytes)
{
    *target = (struct hf_target){.directory = directory,
                                 .is_aside = is_aside,
                                 .lock = -1,
                                 .error = error,
                                 .error_bytes = error_bytes};
    const int result = hf_directory_make(directory);
    if (result != 0) {
        return refuse_disk(target, "make", "", result);
    }
    const enum hf_err err = judge(target);
    return err == HF_OK ? take(target, text) : err;
}

enum hf_err hf_target_complete(struct hf_target *target, const struct hf_manifest *manifest)
{
    HF_ASSERT(target->lock >= 0);

    int result = hf_directory_sync(target->directory);
    if (result != 0) {
        return refuse_disk(target, "sync", "", result);
    }
    const enum hf_err err =
        hf_manifest_save(manifest, target->directory, target->error, target->error_bytes);
    if (err != HF_OK) {
        return err;
    }
    result = hf_directory_remove(target->directory, HF_NAME_INCOMPLETE);
    if (result == 0) {
        result = hf_directory_sync(target->directory);
    }
    return result == 0 ? HF_OK : refuse_disk(target, "remove", HF_NAME_INCOMPLETE, result);
}

bool hf_target_clear(struct hf_target *target)
{
    return target->lock < 0 || (clear(target->directory) == 0 &&
                                hf_directory_remove(target->directory, HF_NAME_LOCK) == 0);
}

void hf_target_release(struct hf_target *target)
{
    if (target->lock >= 0) {
        const struct hf_disk *disk = target->directory->disk;
        (void)disk->close(disk->ctx, target->lock); /* which ends the lock */
        target->lock = -1;
    }
}
