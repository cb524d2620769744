/*
 * restore.h - a data directory as it was at one LSN or time, as a new directory (DESIGN.md 2,
 * epoch).
 *
 *     from   snapshot 40 | wal-1 | wal-31 | wal-58 .. 61 [62 63 64] 65 .. 90 | damage
 *     new    snapshot 40 | wal-1 | wal-31 | wal-58 .. 61 [62 63]     a new epoch from 64
 *
 * The new directory holds the newest whole snapshot not after the point, the log from it up to the
 * point (copy.h), and what history stands before that in one unbroken run: the change feed and the
 * ledger go as far back as they did. It keeps the directory id; LSNs go on after the point in a new
 * epoch, so that whoever followed the old log past the point is told that it is gone.
 *
 *     E1  `from` is only read. It is locked meanwhile, when it has a LOCK: a directory that a
 *         server is using is refused (a backup of it is the way). Without one it is looked at again
 *         when all is copied: whoever uses a directory leaves a LOCK in it
 *     E2  what was copied is recovered by recovery.c before it is called restored, and the
 *         manifest is written last: until then the new directory is marked INCOMPLETE, is refused
 *         by a start, and the restore can be done again over it
 *     E3  a restore that is refused leaves the new directory empty
 *
 * Damage before the point refuses it, naming the place and the last LSN before; damage behind the
 * point is not looked at.
 */
#ifndef HF_PERSISTENCE_RESTORE_H
#define HF_PERSISTENCE_RESTORE_H

#include "engine/engine.h"
#include "persistence/store.h"

struct hf_restore_args {
    const char *from;
    const char *path; /* of the new directory: missing, empty, or a restore that was cut off */
    bool is_time;     /* to the last record not after time_us; else to lsn */
    uint64_t lsn;     /* 1 and up */
    uint64_t time_us;
};

struct hf_restored {
    uint64_t lsn;
    uint64_t time_us;   /* of its record */
    uint32_t epoch;     /* the new one, from lsn + 1 on */
    uint64_t first_lsn; /* with which the log of the new directory begins */
    struct hf_digest digest;
};

/*
 * Make the new directory; `engine`, which is empty, is in its state afterwards. HF_OK; or, with a
 * sentence in `error` that says what can be had: HF_BUSY, in use; HF_INVALID_ARGUMENT, there is no
 * such point; HF_CORRUPT, HF_IO, HF_LIMIT_EXCEEDED, HF_NO_MEMORY.
 */
enum hf_err hf_restore(const struct hf_restore_args *args, const struct hf_disk *disk,
                       const struct hf_store_report *report, struct hf_engine *engine,
                       struct hf_restored *restored, char *error, size_t error_bytes);

#endif
