/*
 * inspect.h - a data directory looked at from outside: is all of it as it should be, what is in it,
 * which state does it hold. Behind tools/holdfast-log; a server never comes here.
 *
 *     LOCK  MANIFEST  spare.log    read, and judged by FORMATS.md 1
 *     snapshot-*.hfs               every block and the footer; loaded into an engine
 *     wal-*.log                    every byte (log_walk.h); each record applied to an engine
 *     both                         at a snapshot's LSN the two engines have one digest
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

/* ------------------------------------------------------------------ one state */

/*
 * Bring `engine`, which is empty, to the state of `*lsn`, from the newest whole snapshot at or
 * before it and the log; UINT64_MAX: to the end, a torn tail left out, and `*lsn` says which LSN
 * that is. HF_OK; HF_GONE: the log begins too late, or ends too early; HF_CORRUPT, HF_IO,
 * HF_LIMIT_EXCEEDED, HF_NO_MEMORY; with a sentence in `error`.
 */
enum hf_err hf_inspect_state(const char *path, const struct hf_disk *disk, uint64_t *lsn,
                             struct hf_engine *engine, char *error, size_t error_bytes);

#endif
