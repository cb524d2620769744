/*
 * inspect.h - a data directory looked at from outside: is all of it as it should be, what is in it,
 * which state does it hold. Behind tools/holdfast-log; a server never comes here.
 *
 *     LOCK  MANIFEST  spare.log    read, and judged by FORMATS.md 1
 *     snapshot-*.hfs               every block and the footer; loaded into an engine
 *     wal-*.log                    every byte (log_walk.h); each record applied to an engine
 *     both                         at a snapshot's LSN the two engines have one digest
 *
 * A snapshot that is kept as a second way back, and whose log is gone, is a remark and no damage:
 * all that a start needs is there, and no byte is other than it was written. Such a directory also
 * comes about in good order, after a repair whose log begins later (R4 of repair.h) or a snapshot
 * that retention could not remove, so nothing proves a loss; but what the snapshot was kept for
 * does not hold any more, and that is said.
 *
 * Nothing is changed and no lock is kept. While a server runs, its files are read as they are at
 * that moment: what it is just writing is left out, and what it drops meanwhile is no damage.
 */
#ifndef HF_PERSISTENCE_INSPECT_H
#define HF_PERSISTENCE_INSPECT_H

#include "engine/engine.h"
#include "persistence/manifest.h"

enum hf_inspect_verdict {
    HF_INSPECT_SOUND,
    HF_INSPECT_TORN,   /* an unsynced end, which the next start cuts */
    HF_INSPECT_DAMAGED /* something is not as it was written, or could not be read */
};

struct hf_inspect_finding {
    /* SOUND: worth knowing, nothing is wrong. The verdict is the largest of all findings. */
    enum hf_inspect_verdict verdict;
    const char *name; /* of the file; empty: the directory */
    bool has_offset;  /* offset and lsn are meant; else the file as a whole */
    uint64_t offset;  /* in the file */
    uint64_t lsn;     /* of the record that should stand there; 0: none, or not known */
    const char *text; /* what was expected and what is there; lower case, no full stop */
};
/* `finding` is valid during the call. */
typedef void (*hf_inspect_finding_cb)(void *arg, const struct hf_inspect_finding *finding);

struct hf_inspect_totals {
    uint64_t files_count, bytes_count; /* of ours, and the bytes read of them */
    uint64_t segments_count, snapshots_count, blocks_count;
    uint64_t records_count;       /* that could be read */
    uint64_t first_lsn, last_lsn; /* of those; 0: there is none */
    uint32_t epoch;
    bool is_in_use; /* a server, or another tool, holds the directory */
    /*
     * The last LSN up to which the state is known, from a snapshot or from LSN 1 on; a repair can
     * go back to it, or further.
     */
    bool has_state;
    uint64_t state_lsn;
    bool has_digest;
    struct hf_digest state_digest;
};

/*
 * Limits of the engine that records are applied to: as wide as the engine allows, so that whatever
 * a server could write can be read. Memory is taken only when it is used.
 */
struct hf_engine_config hf_inspect_limits(void);

/*
 * Read every byte of every file of the directory at `path`. `limits` NULL: hf_inspect_limits;
 * `totals` may be NULL.
 */
enum hf_inspect_verdict hf_inspect_verify(const char *path, const struct hf_disk *disk,
                                          const struct hf_engine_config *limits,
                                          struct hf_inspect_totals *totals,
                                          hf_inspect_finding_cb cb, void *arg);

/* ------------------------------------------------------------------ an opened directory */

struct hf_inspect_directory {
    struct hf_directory directory;
    struct hf_manifest manifest;
    struct hf_listing listing;
    bool is_in_use; /* by another process, when it was opened */
};

/* Names and manifest. HF_IO, HF_CORRUPT or HF_NO_MEMORY, with a sentence in `error`; the caller
 * releases it in either case. */
enum hf_err hf_inspect_open(struct hf_inspect_directory *opened, const char *path,
                            const struct hf_disk *disk, char *error, size_t error_bytes);
void hf_inspect_release(struct hf_inspect_directory *opened);
/* True while another process holds the lock. */
bool hf_inspect_is_in_use(const struct hf_directory *directory);

/*
 * Newest snapshot at or before `lsn` that is whole, has the epoch that the manifest says, and that
 * the log reaches back to, or that is the state of `lsn` itself; 0: there is none.
 */
uint64_t hf_inspect_snapshot_before(const struct hf_inspect_directory *opened, uint64_t lsn);
/* Index of the segment that holds `lsn`, as far as names tell; 0 when all begin behind it. */
size_t hf_inspect_segment_of(const struct hf_inspect_directory *opened, uint64_t lsn);

/*
 * Bring `engine`, which is empty, to the state of `*lsn`, from the newest whole snapshot at or
 * before it and the log; UINT64_MAX: to the end, a torn tail left out, and `*lsn` says which LSN
 * that is. HF_OK; HF_GONE: the log begins too late, or ends too early; HF_CORRUPT, HF_IO,
 * HF_LIMIT_EXCEEDED, HF_NO_MEMORY; with a sentence in `error`, and `*lsn` is the last LSN whose
 * state was known, 0 when there was none.
 */
enum hf_err hf_inspect_state(const struct hf_inspect_directory *opened, uint64_t *lsn,
                             struct hf_engine *engine, char *error, size_t error_bytes);

/* ------------------------------------------------------------------ files */

struct hf_inspect_file {
    char name[HF_NAME_BYTES_MAX];
    enum hf_name kind;
    uint64_t bytes_count;
    uint64_t used_bytes;          /* of a segment: up to the end of its last block */
    uint64_t first_lsn, last_lsn; /* of a snapshot both its LSN; 0: no records */
    uint64_t blocks_count;
    uint32_t first_epoch, last_epoch;
    uint64_t first_us, last_us; /* of a segment: times of its first and last record; 0: none */
    bool is_used;               /* the next start loads or replays it */
    const char *problem;        /* NULL: none was seen; only a verification sees all */
};
typedef void (*hf_inspect_file_cb)(void *arg, const struct hf_inspect_file *file);
/*
 * Every file of ours: manifest, snapshots and segments by LSN, the spare. Reads the headers of all
 * blocks, and the newest snapshot whole. HF_OK or HF_NO_MEMORY.
 */
enum hf_err hf_inspect_files(const struct hf_inspect_directory *opened, hf_inspect_file_cb cb,
                             void *arg);

#endif
