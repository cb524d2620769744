/*
 * wal.h - the writing end of the log: records become blocks, blocks fill segments.
 *
 *     ledger ring   | 12 13 14 | 15 ... 40 | 41 ..       hf_ledger_span, up to ~256 KiB each
 *                        v           v
 *     group         | block 12-14 | block 15-40 |        packed, chained, checksummed
 *                        v
 *     segment       ... | block | block | 0 0 0 0 0      one write, then one sync
 *
 * Invariants:
 *     W1  A file named wal-*.log has a whole header: it is made aside as zeros, gets its header,
 *         is synced, and only then renamed; the directory is synced before a block goes into it.
 *     W2  All blocks of a segment are synced before the next segment comes into being. So a torn
 *         tail can stand in the newest segment only.
 *     W3  written_lsn and synced_lsn only grow, and synced_lsn <= written_lsn.
 *     W4  After a failed write or sync nothing is written or synced any more (P9): the kernel may
 *         have dropped the pages, and a second try would lie.
 *     W5  A sector that holds synced bytes is never written again (HF_SECTOR_BYTES).
 *
 * The log thread owns it, but for the atomics and for hf_wal_spare_make (worker thread).
 */
#ifndef HF_PERSISTENCE_WAL_H
#define HF_PERSISTENCE_WAL_H

#include <stdatomic.h>

#include "engine/ledger.h"
#include "persistence/directory.h"
#include "persistence/pack.h"

/* A group is written once this many bytes are gathered: large enough that the sync is cheap beside
 * the packing, small enough that its first reply does not wait long for its last. */
#define HF_GROUP_BYTES (1024u * 1024)
_Static_assert(HF_SEGMENT_BYTES_MIN >= HF_SECTOR_BYTES + HF_BLOCK_BYTES_MAX,
               "the largest block fits an empty segment");

/* Where the log ends; recovery finds it. */
struct hf_wal_position {
    uint64_t segment_first_lsn; /* 0: there is no segment yet */
    uint64_t offset;            /* in the segment, where the next group goes */
    uint64_t next_lsn;
    uint64_t previous; /* checksum of the last block; 0: there is none */
};

enum hf_wal_spare { HF_SPARE_NONE, HF_SPARE_BUSY, HF_SPARE_READY, HF_SPARE_FAILED };

struct hf_wal {
    const struct hf_directory *directory;
    uint32_t epoch;
    uint64_t segment_bytes;

    int file; /* the newest segment; -1: none */
    uint64_t file_bytes;
    struct hf_wal_position position;
    struct hf_packer packer;
    unsigned char *group; /* HF_GROUP_BYTES + HF_BLOCK_BYTES_MAX */
    char failure[512];    /* a sentence; empty: all is well */

    _Atomic uint64_t written_lsn;
    _Atomic uint64_t synced_lsn;
    _Atomic uint64_t fsyncs_count;
    _Atomic uint64_t blocks_count;
    _Atomic uint64_t log_bytes;
    _Atomic uint64_t log_raw_bytes;
    _Atomic int spare; /* enum hf_wal_spare */
};

/*
 * Go on at `position`, up to which the log is synced; makes the first segment when there is none.
 * `directory` must outlive it. HF_NO_MEMORY or HF_IO, with the sentence in wal->failure; the
 * caller releases it in either case.
 */
enum hf_err hf_wal_open(struct hf_wal *wal, const struct hf_directory *directory, uint32_t epoch,
                        uint64_t segment_bytes, const struct hf_wal_position *position);
/* Close the segment, syncing nothing. Accepts a half-opened wal. */
void hf_wal_release(struct hf_wal *wal);

/* Write one group of the records that are not written yet, up to `to_lsn` at most, rolling over to
 * a new segment where they do not fit. False: it failed, for good (W4). */
bool hf_wal_write(struct hf_wal *wal, const struct hf_ledger *ledger, uint64_t to_lsn);
/* Sync what is written. False: it failed, for good. */
bool hf_wal_sync(struct hf_wal *wal);

/* Worker thread: make the spare segment when there is none. False: nothing to do, or it failed,
 * which is said once as a warning; the roll-over then makes its segment itself. */
bool hf_wal_spare_make(struct hf_wal *wal);
/* True when hf_wal_spare_make has work. */
bool hf_wal_spare_is_wanted(const struct hf_wal *wal);
/* Space may have come free: a spare that could not be made is wanted again. */
void hf_wal_spare_retry(struct hf_wal *wal);

#endif
