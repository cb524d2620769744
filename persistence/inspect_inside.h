/*
 * inspect_inside.h - what the files of the inspection share.
 */
#ifndef HF_PERSISTENCE_INSPECT_INSIDE_H
#define HF_PERSISTENCE_INSPECT_INSIDE_H

#include "persistence/inspect.h"

struct hf_inspection {
    struct hf_directory directory;
    struct hf_manifest manifest;
    struct hf_listing listing;
    const struct hf_engine_config *limits;
    struct hf_inspect_totals totals;
    enum hf_inspect_verdict verdict;
    hf_inspect_finding_cb cb;
    void *arg;

    bool *is_whole;  /* [listing.snapshots_count]: every byte of that snapshot is as it should be */
    bool *is_loaded; /* ... and its items make a state */
};

/* A finding on a file as a whole, and on a place in it. */
void hf_inspect_say(struct hf_inspection *inspection, enum hf_inspect_verdict verdict,
                    const char *name, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
void hf_inspect_say_at(struct hf_inspection *inspection, enum hf_inspect_verdict verdict,
                       const char *name, uint64_t offset, uint64_t lsn, const char *format, ...)
    __attribute__((format(printf, 6, 7)));

/*
 * Read the snapshot of `lsn`, every byte; with `engine`, which is empty, load it. False: it is not
 * whole, or does not load, and a finding said where. *was_dropped: it is no longer there, which in
 * a directory in use is no damage.
 */
bool hf_inspect_snapshot(struct hf_inspection *inspection, uint64_t lsn, struct hf_engine *engine,
                         bool *was_dropped);

/* The whole log, every record applied where the state before it is known. */
void hf_inspect_log(struct hf_inspection *inspection);

#endif
