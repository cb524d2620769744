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
 *     W6  Records up to hf_wal_place_bytes surely have a place: the rest of the newest segment, and
 *         the spare once it is there. Whoever takes no record past that never meets a full disk.
 *
 * The spare belongs to whom its state says: made by the spare thread, it is handed to the log
 * thread open, so that rolling over needs no new descriptor.
 *
 *     NONE --hf_wal_spare_make--> BUSY --> MADE --hf_wal_spare_adopt--> READY --roll over--> NONE
 *      '--hf_wal_spare_retry-- FAILED <--'
 *
 * The log thread owns the rest, but for the atomics.
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

enum hf_wal_spare {
    HF_SPARE_NONE,
    HF_SPARE_BUSY,  /* being made, or becoming the newest segment */
    HF_SPARE_MADE,  /* there, but not counted as a place for records yet */
    HF_SPARE_READY, /* there, and counted */
    HF_SPARE_FAILED /* could not be made for now */
};

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
    _Atomic uint64_t made_bytes;  /* of segment files made since open, the spare among them */
    _Atomic uint64_t place_bytes; /* hf_wal_place_bytes */
    _Atomic int spare;            /* enum hf_wal_spare */
    int spare_file;               /* open while MADE and READY; else -1 */
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

/*
 * Any thread: how many bytes of records, counted from hf_wal_open on, have a place whatever becomes
 * of the disk: those that are written, and those that will find room. It may fall a little when
 * small groups leave much of their sectors empty; that is allowed for, as long as it is read after
 * each time that records are published.
 */
uint64_t hf_wal_place_bytes(const struct hf_wal *wal);

/* Spare thread: make the spare when there is none. 1: made; 0: nothing to do; a negative errno: it
 * failed, and will not be tried again before hf_wal_spare_retry. */
int hf_wal_spare_make(struct hf_wal *wal);
/* Spare thread: make none for now; as if making it had failed. False: none was wanted. */
bool hf_wal_spare_refuse(struct hf_wal *wal);
/* Log thread: count the spare as a place for records when it has been made. True: it was. */
bool hf_wal_spare_adopt(struct hf_wal *wal);
/* Any thread: what has become of it. */
enum hf_wal_spare hf_wal_spare_state(const struct hf_wal *wal);
/* Any thread: space may have come free: a spare that could not be made is wanted again. */
void hf_wal_spare_retry(struct hf_wal *wal);

#endif
