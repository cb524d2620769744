/*
 * snapshot.h - the state at one LSN as a file (FORMATS.md 5): copied, written, judged, loaded.
 *
 *     loop thread      copy: hf_engine_copy into chunks of memory, nothing else
 *     worker thread    write: pack -> "...hfs.tmp" -> sync -> rename -> sync the directory
 *     start            verify: the whole file, before the engine sees a byte; then load
 *
 * A snapshot is never overwritten in place and is whole or not there; what makes it the current
 * one is the manifest. It says nothing that the log up to its LSN does not say.
 */
#ifndef HF_PERSISTENCE_SNAPSHOT_H
#define HF_PERSISTENCE_SNAPSHOT_H

#include "persistence/directory.h"

struct hf_snapshot_chunk {
    unsigned char *bytes;
    size_t bytes_count;
};

struct hf_snapshot_copy {
    uint64_t lsn;
    uint64_t ledger_first_lsn; /* oldest record in memory then, worth keeping; UINT64_MAX: none */
    struct hf_snapshot_chunk *chunks;
    size_t chunks_count;
    uint64_t raw_bytes;
};

/* The engine's state as it is; NULL: no memory. */
struct hf_snapshot_copy *hf_snapshot_copy_make(struct hf_engine *engine);

/* Write the copy as a file of `epoch`, under its final name and synced when it returns HF_OK.
 * HF_IO or HF_NO_MEMORY with a sentence in `error`; no file is left then. */
enum hf_err hf_snapshot_file_write(const struct hf_directory *directory,
                                   const struct hf_snapshot_copy *copy, uint32_t epoch, char *error,
                                   size_t error_bytes);

/* Read the whole file of `lsn` and check all there is to check. HF_IO, HF_CORRUPT or HF_NO_MEMORY
 * with a sentence in `error`. */
enum hf_err hf_snapshot_file_verify(const struct hf_directory *directory, uint64_t lsn,
                                    uint32_t epoch, char *error, size_t error_bytes);
/* The same, and load it into `engine`, which is empty. Besides: HF_LIMIT_EXCEEDED. */
enum hf_err hf_snapshot_file_load(const struct hf_directory *directory, uint64_t lsn,
                                  uint32_t epoch, struct hf_engine *engine, char *error,
                                  size_t error_bytes);

#endif
