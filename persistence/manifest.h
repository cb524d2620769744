/*
 * manifest.h - the file that says what a data directory is (FORMATS.md 1.1); text, for `cat`.
 *
 *     holdfast-manifest 1
 *     directory 00112233445566778899aabbccddeeff
 *     epoch 1 1
 *     snapshot 4711
 *     checksum 0123456789abcdef
 *
 * It is never changed in place: written aside, synced, renamed over the old one, and the
 * directory synced. So there is always one whole manifest, the old or the new.
 */
#ifndef HF_PERSISTENCE_MANIFEST_H
#define HF_PERSISTENCE_MANIFEST_H

#include "persistence/directory.h"

#define HF_MANIFEST_VERSION 1
/* An epoch is a promotion, a repair or a restore: rare. The text of so many stays below 64 KiB. */
#define HF_EPOCHS_MAX 1024
#define HF_MANIFEST_BYTES_MAX (64u * 1024)

struct hf_epoch {
    uint32_t number;    /* drawn: hf_manifest_fork */
    uint64_t first_lsn; /* of the first record written in it */
};

struct hf_manifest {
    unsigned char directory_id[HF_DIRECTORY_ID_BYTES];
    struct hf_epoch epochs[HF_EPOCHS_MAX]; /* both fields rise; the last one is current */
    uint32_t epochs_count;                 /* at least one */
    uint64_t snapshot_lsn;                 /* of the current snapshot; 0: there is none */
};

/* The text, into at least HF_MANIFEST_BYTES_MAX bytes; returns its length. */
size_t hf_manifest_encode(const struct hf_manifest *manifest, char *text);
/* HF_OK, or HF_CORRUPT with a static text in `why` (HF_FORMAT_NEWER: of a newer version). */
enum hf_err hf_manifest_decode(struct hf_manifest *manifest, const char *text, size_t bytes_count,
                               const char **why);

/* A manifest begins here, of whatever version: its first line is whole. */
bool hf_manifest_begins(const void *bytes, size_t bytes_count);

/*
 * A new epoch, with `first_lsn` as its first LSN: what was written at or behind it before counts no
 * longer. Epochs that began behind it are forgotten, but their numbers are not used again.
 *
 * Copies of one directory do not know of each other: counted on, the epochs of two restores, of two
 * repairs, or of two backups that were both started on, would get one number, and the same epoch
 * and LSN would mean one thing here and another there. So the number is drawn, above the newest
 * and within a 64th of what is left: 67 million numbers at first, and never none, however many
 * forks. Tokens of the feed, handle tags, blocks and whoever notes (directory id, epoch, LSN) are
 * told apart by it without knowing.
 *
 * HF_LIMIT_EXCEEDED: there are as many epochs as a manifest holds; HF_IO: the system has no random
 * number. Nothing is changed then.
 */
enum hf_err hf_manifest_fork(struct hf_manifest *manifest, uint64_t first_lsn);
/* The same with a number drawn by the caller; never HF_IO. */
enum hf_err hf_manifest_fork_drawn(struct hf_manifest *manifest, uint64_t first_lsn, uint64_t draw);

/* The epoch that the record of `lsn` was, or will be, written in. */
uint32_t hf_manifest_epoch(const struct hf_manifest *manifest, uint64_t lsn);

/* The first LSN of first_lsn .. last_lsn that the manifest says was not written in `epoch`; 0: all
 * were. A block is of one epoch. */
uint64_t hf_manifest_misfit(const struct hf_manifest *manifest, uint32_t epoch, uint64_t first_lsn,
                            uint64_t last_lsn);

/* Read MANIFEST. HF_OK, HF_IO or HF_CORRUPT, with a sentence in `error`. */
enum hf_err hf_manifest_load(struct hf_manifest *manifest, const struct hf_directory *directory,
                             char *error, size_t error_bytes);
/* Replace MANIFEST; on disk when it returns HF_OK. HF_IO with a sentence in `error`. */
enum hf_err hf_manifest_save(const struct hf_manifest *manifest,
                             const struct hf_directory *directory, char *error, size_t error_bytes);

#endif
