#include "tools/holdfastd/joint_backup.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "persistence/backup.h"
#include "persistence/cadence.h"
#include "persistence/directory.h"
#include "tools/holdfastd/joint.h"
#include "tools/holdfastd/journal.h"

/* A wait for the rate looks so often whether it is cancelled. */
#define PAUSE_MS_MAX 50u

/* Between two wake-ups of the loop: a fraction of a second's work, and of the whole. */
#define TOLD_BYTES (UINT64_C(8) * 1024 * 1024)

struct hf_joint_backup {
    struct hf_joint *joint;
    uv_work_t work;
    char *name;
    hf_log_backup_cb cb;
    void *arg;

    _Atomic uint64_t bytes_done;  /* pool -> loop */
    _Atomic uint64_t bytes_total; /* likewise */
    _Atomic bool is_cancelled;    /* loop -> pool */
    bool is_woken;                /* the pool's: the loop was told of the begin */
    uint64_t woken_bytes;         /* the pool's: bytes_done at the last wake-up */
    uint64_t due_us;              /* the pool's: the rate allows more from then on */
    uint64_t told_bytes;          /* the loop's; UINT64_MAX: nothing was told */

    enum hf_err err; /* the pool's, until it has ended */
    struct hf_backup backup;
    char error[1024];
};

/* A thread of the pool. */
static bool note_progress(void *arg, uint64_t bytes_done, uint64_t bytes_total)
{
    struct hf_joint_backup *backup = arg;

    atomic_store(&backup->bytes_done, bytes_done);
    atomic_store(&backup->bytes_total, bytes_total);
    if (!backup->is_woken || bytes_done - backup->woken_bytes >= TOLD_BYTES) {
        backup->is_woken = true;
        backup->woken_bytes = bytes_done;
        hf_server_wake(backup->joint->server);
    }
    return !atomic_load(&backup->is_cancelled);
}

/* A thread of the pool, at the rate of snapshots: the log's syncs share the disk with it. */
static void keep_pace(void *arg, uint64_t bytes_count)
{
    struct hf_joint_backup *backup = arg;
    uint64_t now_us = uv_hrtime() / 1000;

    backup->due_us = hf_rate_due_us(backup->due_us, now_us, bytes_count,
                                    hf_store_snapshot_rate_bytes(backup->joint->store));
    while (now_us < backup->due_us && !atomic_load(&backup->is_cancelled)) {
        const uint64_t left_ms = (backup->due_us - now_us + 999) / 1000;
        uv_sleep(left_ms < PAUSE_MS_MAX ? (unsigned)left_ms : PAUSE_MS_MAX);
        now_us = uv_hrtime() / 1000;
    }
}

static void backup_work(uv_work_t *work)
{
    struct hf_joint_backup *backup = work->data;
    const struct hf_backup_args args = {.folder = backup->joint->backup_directory,
                                        .name = backup->name,
                                        .progress_cb = note_progress,
                                        .pace_cb = keep_pace,
                                        .progress_arg = backup};

    backup->err = hf_backup_make(backup->joint->store, &args, &backup->backup, backup->error,
                                 sizeof backup->error);
}

static void backup_after(uv_work_t *work, int status)
{
    struct hf_joint_backup *backup = work->data;
    struct hf_joint *joint = backup->joint;
    const enum hf_err err = status == 0 ? backup->err : HF_BUSY;

    if (err == HF_OK) {
        hf_journal('i', "backup of LSN %" PRIu64 " written to \"%s\", %" PRIu64 " KiB",
                   backup->backup.lsn, backup->backup.path,
                   (backup->backup.bytes_count + 1023) / 1024);
    } else {
        hf_journal('w', "no backup was made: %s", backup->error);
    }
    joint->backup = NULL;
    backup->cb(backup->arg, &(struct hf_log_backup){
                                .is_done = true,
                                .err = err,
                                .lsn = backup->backup.lsn,
                                .bytes_done = backup->backup.bytes_count,
                                .bytes_total = backup->backup.bytes_count,
                                .text = err == HF_OK ? backup->backup.path : backup->error,
                            });
    free(backup->name);
    free(backup);
    hf_server_wake(joint->server); /* so that the asker is answered */
}

/* Is the one directory the other, or below it? Of both the real path. */
static bool is_within(const char *inner, const char *outer)
{
    const size_t length = strlen(outer);

    return strncmp(inner, outer, length) == 0 &&
           (inner[length] == '\0' || inner[length] == '/' || outer[length - 1] == '/');
}

bool hf_joint_backup_overlaps(const struct hf_joint *joint)
{
    char *data = realpath(hf_store_directory(joint->store)->path, NULL);
    char *folder =
        joint->backup_directory[0] == '\0' ? NULL : realpath(joint->backup_directory, NULL);

    const bool overlaps =
        data != NULL && folder != NULL && (is_within(folder, data) || is_within(data, folder));
    free(data);
    free(folder);
    return overlaps;
}

static void refuse(hf_log_backup_cb cb, void *arg, enum hf_err err, const char *why)
{
    cb(arg, &(struct hf_log_backup){.is_done = true, .err = err, .text = why});
}

void hf_joint_backup(void *ctx, const char *name, hf_log_backup_cb cb, void *arg)
{
    struct hf_joint *joint = ctx;

    if (joint->backup_directory[0] == '\0') {
        refuse(
            cb, arg, HF_INVALID_ARGUMENT,
            "the server has no folder for backups: set backup_directory in section [data] of its "
            "configuration file, and start it again");
        return;
    }
    if (hf_joint_backup_overlaps(joint)) {
        refuse(
            cb, arg, HF_INVALID_ARGUMENT,
            "backup_directory and the data directory are one, or one is inside of the other: set "
            "backup_directory to a folder apart from it, and start the server again");
        return;
    }
    if (joint->backup != NULL || joint->is_stopping) {
        refuse(cb, arg, HF_BUSY,
               joint->is_stopping ? "the server is stopping" : "another backup is being made");
        return;
    }
    struct hf_joint_backup *backup = calloc(1, sizeof *backup);
    char *copy = strdup(name);
    if (backup != NULL && copy != NULL) {
        backup->joint = joint;
        backup->name = copy;
        backup->cb = cb;
        backup->arg = arg;
        backup->told_bytes = UINT64_MAX;
        backup->work.data = backup;
        if (uv_queue_work(joint->loop, &backup->work, backup_work, backup_after) == 0) {
            joint->backup = backup;
            return;
        }
    }
    free(copy);
    free(backup);
    refuse(cb, arg, HF_BUSY, "no memory for a backup");
}

void hf_joint_backup_poll(struct hf_joint *joint)
{
    struct hf_joint_backup *backup = joint->backup;
    const uint64_t bytes_total = backup == NULL ? 0 : atomic_load(&backup->bytes_total);

    if (bytes_total == 0) {
        return; /* none, or it has not begun */
    }
    const uint64_t bytes_done = atomic_load(&backup->bytes_done);
    if (backup->told_bytes != UINT64_MAX && bytes_done - backup->told_bytes < TOLD_BYTES) {
        return;
    }
    backup->told_bytes = bytes_done;
    backup->cb(backup->arg, &(struct hf_log_backup){
                                .bytes_done = bytes_done, .bytes_total = bytes_total, .text = ""});
}

void hf_joint_backup_cancel(struct hf_joint *joint)
{
    joint->is_stopping = true;
    if (joint->backup != NULL) {
        atomic_store(&joint->backup->is_cancelled, true);
    }
}
