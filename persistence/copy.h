/*
 * copy.h - snapshots and log segments of one data directory, copied into another up to an LSN.
 *
 *     from   snapshot 7 | wal-1 ######## | wal-9 #### [11 12 13 14] #### |
 *     to     snapshot 7 | wal-1 ######## | wal-9 #### [11 12 13]             up to LSN 13
 *
 * A restore and a backup are made of this. Nothing is believed unseen: a block is copied once its
 * checksum, its LSN, its epoch and its chain are right, and stands where it stood; a snapshot is
 * verified in the copy. The block that spans the LSN is cut behind it and sealed anew.
 *
 *     C1  `from` is only read, so it may be written on meanwhile, behind the LSN asked for
 *     C2  a file has its name in `to` once it is whole and synced; the names are on disk after
 *         hf_directory_sync of `to`, which is for the caller
 *     C3  what is written is synced every HF_COPY_SYNC_BYTES, and memory then lets go of it:
 *         other files' syncs never queue behind more, nothing else is pushed out of memory, and
 *         what is verified is what the disk has
 *     C4  a segment ends with its last group: no space is kept ahead, so a server that starts on
 *         the copy begins a new segment with its first write
 */
#ifndef HF_PERSISTENCE_COPY_H
#define HF_PERSISTENCE_COPY_H

#include "persistence/manifest.h"
#include "persistence/pack.h"
#include "persistence/segment.h"

#define HF_COPY_SYNC_BYTES (4u * 1024 * 1024)

/* Called now and then with the bytes of `from` that are done with since the last call. False: to
 * be broken off. */
typedef bool (*hf_copy_progress_cb)(void *arg, uint64_t bytes_count);

/* Called after so many bytes were written, or read back: may block, to keep to a rate. */
typedef void (*hf_copy_pace_cb)(void *arg, uint64_t bytes_count);

struct hf_copy {
    const struct hf_directory *from;
    const struct hf_directory *to;
    const struct hf_manifest *manifest; /* of `from` */
    hf_copy_progress_cb progress_cb;    /* NULL: nobody wants to know */
    hf_copy_pace_cb pace_cb;            /* NULL: as fast as it goes */
    void *progress_arg;                 /* of both */
    uint64_t bytes_count;               /* in `to`, of all files copied so far */
    uint64_t next_lsn;                  /* of the block that must come next; 0: any may */
    uint64_t previous;                  /* its chain, once next_lsn is set */
    char error[512];                    /* of the last call that failed: a sentence */

    /* private */
    struct hf_segment_reader reader;
    struct hf_packer packer;
    unsigned char *raw;    /* of the block that is cut */
    unsigned char *sealed; /* ... and made anew */
    unsigned char *buffer; /* bytes of the file being written, from buffer_offset on */
    size_t buffer_used;
    uint64_t buffer_offset;
    uint64_t synced_offset; /* of that file: everything before it has been synced */
    int file;
};

/* All but the private fields and `error` are as given. HF_NO_MEMORY leaves it released. */
enum hf_err hf_copy_init(struct hf_copy *copy, const struct hf_directory *from,
                         const struct hf_directory *to, const struct hf_manifest *manifest);
void hf_copy_release(struct hf_copy *copy);

/* Copy the snapshot of `lsn` and verify the copy. HF_IO, HF_CORRUPT, HF_NO_MEMORY; HF_BUSY: broken
 * off. No file is left then. */
enum hf_err hf_copy_snapshot(struct hf_copy *copy, uint64_t lsn);

/* How the blocks of a segment ended. */
struct hf_copy_end {
    bool is_reached;             /* at the LSN asked for: what stands behind it was not looked at */
    uint64_t offset;             /* else: behind the last block, ... */
    const char *why;             /* ... where no block stands, for this reason */
    struct hf_segment_rest rest; /* and what does */
};

/*
 * Copy the blocks of the segment that begins with `first_lsn`, up to the record of `lsn`; it must
 * follow copy->next_lsn. HF_OK also when the segment ends before `lsn`: see `end`. HF_IO,
 * HF_CORRUPT, HF_NO_MEMORY; HF_BUSY: broken off; HF_INVALID_ARGUMENT: the record of `lsn` is linked
 * with the one after it. No file is left then.
 */
enum hf_err hf_copy_segment(struct hf_copy *copy, uint64_t first_lsn, uint64_t lsn,
                            struct hf_copy_end *end);

/*
 * Copy all segments from index `first` of the listing on, up to the record of `lsn`, which the last
 * of them that is needed must hold; *index is the segment that was copied last. As above, and
 * HF_TRUNCATED: the log ends in order before `lsn`, with copy->next_lsn - 1; the sentence is for
 * the caller. `lsn` may be first LSN - 1: then an empty segment is copied.
 */
enum hf_err hf_copy_log(struct hf_copy *copy, const struct hf_listing *listing, size_t first,
                        uint64_t lsn);

#endif
