/*
 * repair.h - a way out for a directory that recovery refuses: back to an LSN before the damage.
 *
 *     before   snapshot 40 | wal-1 ........ | wal-58 .. 90 ???? 97 .. 120 | wal-121 ..   to LSN 90
 *     after    snapshot 40 | wal-1 ........ | wal-58 .. 90                  a new epoch from 91
 *     aside    MANIFEST.cut-1   wal-58.cut-1 (whole)   wal-121.cut-1
 *
 * What the repair gives up is everything after the LSN, whether it could be read or not; it says
 * how much of it could. Nothing is deleted: each file that is changed or taken away is kept under
 * its name with ".cut-" and a number behind it, which starts and verifications leave alone. With
 * these names given back (the ones without them removed first) the directory is what it was.
 *
 * The state of the LSN is made before anything is changed, so the LSN must be one whose state the
 * directory still holds: in a snapshot, or in a snapshot or LSN 1 and the log behind it.
 *
 *     R1  The lock is held from the plan to the end.
 *     R2  First everything is kept that will be changed, then the manifest begins the new epoch,
 *         then files go aside, the newest first, and the segment of the LSN is replaced by its
 *         beginning in one rename. Cut off anywhere, it leaves a directory that is as it was, that
 *         is done, or that a start refuses and the same repair mends.
 *     R3  No LSN is used twice in an epoch: before the new one is on disk, nothing is taken away.
 *     R4  Where the log before the LSN is damaged, too, but a snapshot behind that damage gives the
 *         state, the damaged history goes aside with the rest; the log then begins later.
 *     R5  A manifest that is damaged or gone is made anew from the other files, and what it alone
 *         knew, epochs without a record, is passed over by one more number.
 */
#ifndef HF_PERSISTENCE_REPAIR_H
#define HF_PERSISTENCE_REPAIR_H

#include "persistence/inspect.h"

enum hf_repair_deed {
    HF_REPAIR_KEEP,  /* stays as it is */
    HF_REPAIR_CUT,   /* a segment: keeps its records up to the LSN; the whole is kept aside */
    HF_REPAIR_ASIDE, /* is renamed */
    HF_REPAIR_NEW    /* is made */
};

struct hf_repair_step {
    char name[HF_NAME_BYTES_MAX];
    enum hf_repair_deed deed;
};

struct hf_repair_plan {
    uint64_t lsn;
    struct hf_digest digest; /* of the state of that LSN */
    uint32_t epoch;          /* the new one, from lsn + 1 on */
    uint32_t number;         /* of the names of what is kept aside */
    uint64_t snapshot_lsn;   /* that the next start will load; 0: none */
    uint64_t first_lsn;      /* with which the log will begin */
    uint64_t was_first_lsn;  /* with which it begins now; 0: there is no log */
    uint64_t lost_last_lsn;  /* the largest LSN after `lsn` that is known of; `lsn`: none is */
    uint64_t lost_records;   /* of those, how many can be read */
    bool is_manifest_new;    /* it was damaged or gone, and is made anew (salvage.h) */
    struct hf_repair_step *steps;
    size_t steps_count;
};

struct hf_repair;

/*
 * Lock the directory and work out what going back to `lsn` means; nothing is changed. NULL, with a
 * sentence in `error`, when it cannot be done: in use, not a directory of ours, the state of that
 * LSN is not there (and which is), the LSN is in the middle of a linked group.
 */
struct hf_repair *hf_repair_begin(const char *path, const struct hf_disk *disk, uint64_t lsn,
                                  char *error, size_t error_bytes);
const struct hf_repair_plan *hf_repair_plan(const struct hf_repair *repair);
/* Do it. HF_OK, or HF_IO, HF_CORRUPT, HF_NO_MEMORY with a sentence in `error`. */
enum hf_err hf_repair_run(struct hf_repair *repair, char *error, size_t error_bytes);
/* Give up the lock and the memory. Accepts NULL. */
void hf_repair_end(struct hf_repair *repair);

#endif
