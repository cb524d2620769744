/*
 * sim_disk.h - a disk in memory behind the table of persistence/disk.h, which can lose power.
 *
 *     file          pages of 4 KiB: as they are now | as they were at the last sync
 *     directory     names as they are now | changes that no directory sync has covered yet
 *     crash         each unsynced sector of 512 bytes is kept, dropped or spoiled;
 *                   each unsynced size and each unsynced change of a name is kept or dropped
 *
 * It is as unkind as POSIX allows: a sync of a file covers its bytes and size but not its name;
 * what was not synced reaches the disk in any order; after a sync that failed, its pages count as
 * clean, and a later sync that works does not cover them.
 *
 * One thread. All randomness comes from the seed of hf_sim_disk_crash.
 */
#ifndef HF_TESTS_SIM_DISK_H
#define HF_TESTS_SIM_DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "persistence/disk.h"

enum hf_sim_call {
    HF_SIM_OPEN = 1,
    HF_SIM_READ = 2,
    HF_SIM_WRITE = 4,
    HF_SIM_ALLOCATE = 8,
    HF_SIM_TRUNCATE = 16,
    HF_SIM_SYNC = 32,
    HF_SIM_RENAME = 64,
    HF_SIM_UNLINK = 128,
    HF_SIM_SYNC_DIR = 256,
    HF_SIM_LIST = 512
};
#define HF_SIM_CALLS_COUNT 10
#define HF_SIM_CALLS_ALL 1023u
/* The calls that change the disk. */
#define HF_SIM_CALLS_CHANGING                                                                      \
    (HF_SIM_OPEN | HF_SIM_WRITE | HF_SIM_ALLOCATE | HF_SIM_TRUNCATE | HF_SIM_SYNC |                \
     HF_SIM_RENAME | HF_SIM_UNLINK | HF_SIM_SYNC_DIR)

/* What becomes of an unsynced sector, or of an unsynced name or size (spoil = drop there). */
enum hf_sim_fate {
    HF_SIM_KEEP,  /* all of it reached the disk: what kill -9 leaves */
    HF_SIM_DROP,  /* nothing did */
    HF_SIM_SPOIL, /* all unsynced sectors hold garbage; names and sizes are dropped */
    HF_SIM_MIX    /* each one its own fate, by the seed */
};

struct hf_sim_disk;

struct hf_sim_disk *hf_sim_disk_create(void);
void hf_sim_disk_free(struct hf_sim_disk *disk);
/* Another disk with the same files, all synced. */
struct hf_sim_disk *hf_sim_disk_clone(const struct hf_sim_disk *disk);
/* Another disk in the very same state, what is not synced included. No file may be open. */
struct hf_sim_disk *hf_sim_disk_twin(const struct hf_sim_disk *disk);
/* The table for the code under test. */
const struct hf_disk *hf_sim_disk_table(struct hf_sim_disk *disk);

/* The power goes and comes back: all files are closed, all locks gone, a fault is forgotten. */
void hf_sim_disk_crash(struct hf_sim_disk *disk, enum hf_sim_fate fate, uint64_t seed);

/*
 * The `nth` call (from 1, counted from now) of the kinds in `calls` fails with `error`, a positive
 * errno. `is_lasting`: and all of those kinds after it, too, as when the power is gone. A write
 * that fails leaves a part of its bytes; `is_short` makes it return the short count instead.
 */
struct hf_sim_fault {
    uint64_t nth;
    uint32_t calls; /* enum hf_sim_call, several */
    int error;
    bool is_lasting;
    bool is_short;
};
void hf_sim_disk_fail(struct hf_sim_disk *disk, const struct hf_sim_fault *fault);
/* True when the fault has struck since it was set. */
bool hf_sim_disk_has_failed(const struct hf_sim_disk *disk);
/* From now on files may grow by so many bytes together, and by what removed names give back; more
 * is refused with ENOSPC. UINT64_MAX: as much as they like. */
void hf_sim_disk_limit(struct hf_sim_disk *disk, uint64_t bytes_left);
/* How many calls of these kinds there were since the disk was made. */
uint64_t hf_sim_disk_calls(const struct hf_sim_disk *disk, uint32_t calls);

/* Called before every call that changes the disk; NULL takes it away. */
typedef void (*hf_sim_disk_hook_cb)(void *arg, enum hf_sim_call call, const char *path);
void hf_sim_disk_hook(struct hf_sim_disk *disk, hf_sim_disk_hook_cb cb, void *arg);

/* For tests that look at files, or damage them. Offsets must lie in the file. */
bool hf_sim_disk_exists(const struct hf_sim_disk *disk, const char *path);
uint64_t hf_sim_disk_file_bytes(const struct hf_sim_disk *disk, const char *path);
void hf_sim_disk_peek(const struct hf_sim_disk *disk, const char *path, uint64_t offset,
                      void *buffer, size_t bytes_count);
/* Change bytes on the disk, synced, as decay would. */
void hf_sim_disk_poke(struct hf_sim_disk *disk, const char *path, uint64_t offset,
                      const void *bytes, size_t bytes_count);
void hf_sim_disk_flip(struct hf_sim_disk *disk, const char *path, uint64_t offset,
                      unsigned char mask);
/* A synced file with these bytes, in the place of any other by that name. */
void hf_sim_disk_put(struct hf_sim_disk *disk, const char *path, const void *bytes,
                     size_t bytes_count);
/* Cut the zeros at the end of a file, but for `slack_bytes` of them and up to a whole sector. */
void hf_sim_disk_trim(struct hf_sim_disk *disk, const char *path, uint64_t slack_bytes);
void hf_sim_disk_remove(struct hf_sim_disk *disk, const char *path);
/* The name of the `index`-th file (from 0) in the order of names; NULL: no such one. */
const char *hf_sim_disk_name(const struct hf_sim_disk *disk, size_t index);

#endif
