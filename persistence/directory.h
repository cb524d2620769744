/*
 * directory.h - names and small deeds in a data directory (FORMATS.md 1).
 *
 * Everything that opens, renames or removes a file goes through here and from here through the
 * table of disk.h. Names are relative to the directory. Results are those of disk.h: negative
 * errno numbers, which hf_disk_error puts into words.
 */
#ifndef HF_PERSISTENCE_DIRECTORY_H
#define HF_PERSISTENCE_DIRECTORY_H

#include "persistence/disk.h"
#include "persistence/format.h"
#include "persistence/store.h"

#define HF_PATH_BYTES_MAX 4096
#define HF_NAME_BYTES_MAX 64 /* of a file of ours, its zero included */

#define HF_NAME_LOCK "LOCK"
#define HF_NAME_MANIFEST "MANIFEST"
#define HF_NAME_MANIFEST_ASIDE "MANIFEST.tmp"
#define HF_NAME_SPARE "spare.log"
#define HF_NAME_SPARE_ASIDE "spare.log.tmp"
#define HF_NAME_INCOMPLETE "INCOMPLETE" /* a copy is being made here (copy.h) */

struct hf_directory {
    const struct hf_disk *disk;
    struct hf_store_report report;
    char path[HF_PATH_BYTES_MAX - HF_NAME_BYTES_MAX];
    unsigned char id[HF_DIRECTORY_ID_BYTES];
    uint64_t seed;    /* hf_format_seed(id) */
    bool works_ahead; /* there are threads: reading may use one of its own (ahead.h) */
};

/* False: the path is empty or too long. */
bool hf_directory_init(struct hf_directory *directory, const char *path, const struct hf_disk *disk,
                       const struct hf_store_report *report);
void hf_directory_set_id(struct hf_directory *directory, const unsigned char *id);

/* Words for a negative errno. Static text: lower case, no full stop. */
const char *hf_disk_error(int64_t error);

/* Put why something is refused into `error`; returns `err`. */
enum hf_err hf_refuse(char *error, size_t error_bytes, enum hf_err err, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* One line for the operator, from any thread. */
void hf_directory_say(const struct hf_directory *directory, char level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* "wal-00000000000000000001.log" and "snapshot-00000000000000004711.hfs" with `suffix` added. */
void hf_segment_name(char name[HF_NAME_BYTES_MAX], uint64_t first_lsn, const char *suffix);
void hf_snapshot_name(char name[HF_NAME_BYTES_MAX], uint64_t lsn, const char *suffix);
#define HF_SUFFIX_ASIDE ".tmp"       /* being written */
#define HF_SUFFIX_DAMAGED ".damaged" /* a snapshot put aside by recovery, for people to look at */
#define HF_SUFFIX_CUT ".cut-"        /* and a number: as it was before a repair (repair.h) */

/* What a name in a data directory says; `*lsn` is the one in it, 0 when it is no segment's and no
 * snapshot's. */
enum hf_name {
    HF_NAME_IS_FOREIGN,
    HF_NAME_IS_LOCK,
    HF_NAME_IS_MANIFEST,
    HF_NAME_IS_SEGMENT,
    HF_NAME_IS_SNAPSHOT,
    HF_NAME_IS_SPARE,
    HF_NAME_IS_INCOMPLETE,
    HF_NAME_IS_ASIDE, /* was being written; the next start removes it */
    HF_NAME_IS_KEPT   /* put aside by recovery or a repair, for people */
};
enum hf_name hf_directory_name(const char *name, uint64_t *lsn);

int hf_directory_open(const struct hf_directory *directory, const char *name, int flags);
int hf_directory_rename(const struct hf_directory *directory, const char *from, const char *to);
/* 0 also when there is no such file. */
int hf_directory_remove(const struct hf_directory *directory, const char *name);
int hf_directory_sync(const struct hf_directory *directory);
/* Make the directory when there is none, and its entry in the parent last. */
int hf_directory_make(const struct hf_directory *directory);
/* What the directory itself is called. */
int hf_directory_sync_parent(const struct hf_directory *directory);

/* A new file of `bytes_count` zeros; a leftover by that name is replaced. The open file, or a
 * negative errno, after which no such file is left. */
int hf_directory_create_zeros(const struct hf_directory *directory, const char *name,
                              uint64_t bytes_count);

/* What a directory holds. */
struct hf_listing {
    uint64_t *segments; /* first LSNs, ascending */
    size_t segments_count;
    uint64_t *snapshots; /* LSNs, ascending */
    size_t snapshots_count;
    char (*asides)[HF_NAME_BYTES_MAX]; /* leftovers of ours that were being written */
    size_t asides_count;
    bool has_manifest;
    bool has_lock;
    bool has_spare;
    bool is_incomplete;              /* marked so */
    char foreign[HF_NAME_BYTES_MAX]; /* a name that is none of ours; empty: there is none */
    /* private */
    bool is_out_of_memory;
};

/* 0, or a negative errno (-ENOMEM, too); the listing needs hf_listing_release in either case. */
int hf_directory_list(const struct hf_directory *directory, struct hf_listing *listing);
void hf_listing_release(struct hf_listing *listing);

#endif
