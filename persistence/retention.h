/*
 * retention.h - what a data directory keeps, and what is dropped after a new snapshot.
 *
 *     snapshots           1        2        3    kept: the newest `snapshots_kept`, here 2 and 3
 *     segments |--a--|--b--|--c--|--d--|--e--
 *                             ^ ledger           2 needs d, the ledger wants c; of a and b as
 *                                                many are kept, newest first, as kept_bytes hold
 *
 * A log that takes more than log_bytes_max keeps nothing for its consumers: only what the kept
 * snapshots need stays whatever it takes.
 *
 * Segments are dropped oldest first, and each removal is synced before the next, so that whatever
 * a crash leaves is one unbroken run of segments. The newest segment always stays.
 */
#ifndef HF_PERSISTENCE_RETENTION_H
#define HF_PERSISTENCE_RETENTION_H

#include "persistence/directory.h"

struct hf_retention {
    uint64_t snapshot_lsn;   /* the current one; newer files are none of ours to judge */
    uint32_t snapshots_kept; /* at least 1 */
    uint64_t wanted_lsn;     /* records from here on are wanted by others; UINT64_MAX: by none */
    uint64_t kept_bytes;     /* so much log is kept besides, in whole segments, for consumers of
                                the change feed that come back */
    uint64_t log_bytes_max;  /* but both give way where the log takes more than this; 0: no bound */
};

/* Drop what is not needed. A file that cannot be removed is said as a warning and tried again
 * after the next snapshot. Returns how many files are gone; *first_lsn becomes the LSN with which
 * the log begins from now on, unless the directory cannot be listed, and the bytes of the segments
 * that are gone are added to *dropped_bytes. */
uint32_t hf_retention_apply(const struct hf_directory *directory,
                            const struct hf_retention *retention, uint64_t *first_lsn,
                            uint64_t *dropped_bytes);

/* Bytes of a segment's file, or a negative errno. */
int64_t hf_segment_file_bytes(const struct hf_directory *directory, uint64_t first_lsn);

#endif
