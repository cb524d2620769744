/*
 * recovery.h - from the files of a data directory to the engine as it was.
 *
 *     segments   |--a--|--b--|--c--|--d--> 0 0 0
 *     snapshots        1        2                     2 is the newest
 *     reads            |........|=========>|          before 2: for the ledger's history only
 *
 * 1. The newest snapshot that is whole and that the log reaches back to is loaded. One that is
 *    damaged is passed over with a warning; when none is left, the start is refused.
 * 2. Records before it, as many as the ledger ring holds, go into the ring; those after it are
 *    applied. Every block must continue the one before: LSN, epoch, chain.
 * 3. Where no block stands any more, one of these is true:
 *
 *    in an older segment   zeros to the end: the next one goes on     anything else: damage
 *    in the newest one     zeros to the end: the clean end
 *                          other bytes: a torn tail or damage
 *
 * A torn tail is what a crash leaves of groups that were never synced. The bytes at the end are
 * one when nothing says that they had been synced: no whole block after them carries a durable LSN
 * (block header) as large as the first LSN that is missing, no snapshot stands at or behind it.
 * A whole block after a hole alone proves nothing: the blocks of one group, and several groups of
 * a log that is not synced each time, reach the disk in any order. It is the durable LSN in it
 * that tells the order. Nor does a tail hold what no write of the log leaves there, torn or not: a
 * part of another file, a block of the past (tail.c). The last group has no witness, and neither
 * has what lies below nameless bytes up to the end: that is the limit of what a log on one disk can
 * know (FORMATS.md 2.4).
 *
 * A torn tail is zeroed, synced and read again, so that no old block can ever stand behind a new
 * one. Anything else refuses to start (P9), naming file, offset and LSN, and changes nothing.
 */
#ifndef HF_PERSISTENCE_RECOVERY_H
#define HF_PERSISTENCE_RECOVERY_H

#include "persistence/manifest.h"
#include "persistence/wal.h"

struct hf_recovered {
    struct hf_wal_position position;
    uint64_t snapshot_lsn;  /* of the snapshot that was loaded; 0: none */
    uint64_t records_count; /* applied after it */
    uint64_t log_bytes;     /* of their blocks, in the files */
};

/*
 * Bring `engine`, which is empty, to the state of the directory, which holds `listing`; at least
 * one segment. HF_OK, or HF_IO, HF_CORRUPT, HF_LIMIT_EXCEEDED, HF_NO_MEMORY with a sentence in
 * `error`; the engine is of no use then. Reports progress now and then.
 */
enum hf_err hf_recover(const struct hf_directory *directory, const struct hf_manifest *manifest,
                       const struct hf_listing *listing, struct hf_engine *engine,
                       struct hf_recovered *recovered, char *error, size_t error_bytes);

/* Add the way out to a sentence about damage; what a newer version wrote is none. */
void hf_recovery_name_way_out(const struct hf_directory *directory, char *error,
                              size_t error_bytes);

#endif
