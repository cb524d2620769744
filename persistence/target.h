/*
 * target.h - the directory that a restore or a backup fills: empty, then marked, then whole.
 *
 *     take        LOCK, INCOMPLETE          a start on it is refused
 *     fill        snapshots, segments       (copy.h)
 *     complete    MANIFEST, then INCOMPLETE goes: from here on it is a data directory
 *     clear       all files of ours go: nothing looks like a copy
 *
 * A crash at any point leaves it empty, marked, or whole; a marked one can be taken again, which
 * removes what the other try left.
 */
#ifndef HF_PERSISTENCE_TARGET_H
#define HF_PERSISTENCE_TARGET_H

#include "persistence/manifest.h"

struct hf_target {
    const struct hf_directory *directory;
    bool is_aside;
    int lock; /* -1: not taken */
    char *error;
    size_t error_bytes;
};

/*
 * Make the directory when it is missing, lock and mark it with `text`, for people. `is_aside`: its
 * name is one that only we give, so what stands there, even whole, was left by a crash. HF_OK;
 * HF_INVALID_ARGUMENT: it holds something; HF_BUSY: another process is using it; HF_IO; with a
 * sentence in `error`, which also serves the calls below.
 */
enum hf_err hf_target_take(struct hf_target *target, const struct hf_directory *directory,
                           bool is_aside, const char *text, char *error, size_t error_bytes);
/* All files are there: sync them, and make it a data directory. HF_IO: it must be cleared. */
enum hf_err hf_target_complete(struct hf_target *target, const struct hf_manifest *manifest);
/* Remove what was put into it, if it was taken; before hf_target_release. False: that failed. */
bool hf_target_clear(struct hf_target *target);
/* End the lock. Accepts one that was not taken. */
void hf_target_release(struct hf_target *target);

#endif
