/*
 * backup.h - a copy of the data directory that a server is using, made while it goes on.
 *
 *     data                                              folder/NAME.tmp --rename--> folder/NAME
 *     snapshot 40 | wal-31 | wal-58 ### .. durable      snapshot 40 | wal-31 | wal-58 ###
 *
 * The backup is the newest snapshot on disk and the log after it, up to the LSN that is durable
 * when it begins. It is a data directory like any other, with the same id: a server starts on a
 * copy of it, and a restore takes it as `from`. What a start on it writes is of an epoch of its own
 * (hf_manifest_fork), for the server it was made of goes on with the same LSNs.
 *
 *     B1  it has its name once it is whole and synced; what a crash leaves is NAME.tmp, marked
 *         INCOMPLETE, and the next backup by that name removes it; what is refused or fails leaves
 *         nothing
 *     B2  nothing outside of the folder is written: the name cannot lead out of it, nor can a link
 *         below it; and nothing in a data directory or in another backup
 *     B3  retention keeps snapshots and log meanwhile (hf_store_hold), but not beyond log_max: the
 *         backup fails then, with HF_GONE, rather than the writes
 *     B4  everything is read, verified and written anew (copy.h), also on the same file system: a
 *         hard link would share the fate of the disk's sectors with what it is to replace
 *
 * Any one thread at a time, not the loop: it reads and syncs for as long as it takes.
 */
#ifndef HF_PERSISTENCE_BACKUP_H
#define HF_PERSISTENCE_BACKUP_H

#include "persistence/copy.h"
#include "persistence/store.h"

/* Now and then: so many bytes of the data directory, of so many, are copied. False: to be broken
 * off. The sum is a guess from the sizes of files, and right at the end. */
typedef bool (*hf_backup_progress_cb)(void *arg, uint64_t bytes_done, uint64_t bytes_total);

struct hf_backup_args {
    const char *folder; /* which is there */
    const char *name;   /* below it: "2026-11-22", "weekly/47"; or a path inside of it */
    hf_backup_progress_cb progress_cb;
    hf_copy_pace_cb pace_cb; /* NULL: as fast as it goes */
    void *progress_arg;      /* of both */
};

struct hf_backup {
    uint64_t lsn; /* the state of which it is */
    uint64_t bytes_count;
    char path[HF_PATH_BYTES_MAX];
};

/*
 * Make a backup of the store's directory. HF_OK; or, with a sentence in `error`:
 * HF_INVALID_ARGUMENT, such a name cannot be, or is taken; HF_BUSY, broken off, or another process
 * works there; HF_GONE, log that it needs was dropped (B3); HF_IO, HF_CORRUPT, HF_NO_MEMORY.
 */
enum hf_err hf_backup_make(struct hf_store *store, const struct hf_backup_args *args,
                           struct hf_backup *backup, char *error, size_t error_bytes);

#endif
