#include "persistence/directory.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/assert.h"

#define LINE_BYTES_MAX 1024
#define LSN_DIGITS 20 /* of the largest uint64_t */

#define SEGMENT_PREFIX "wal-"
#define SEGMENT_ENDING ".log"
#define SNAPSHOT_PREFIX "snapshot-"
#define SNAPSHOT_ENDING ".hfs"

bool hf_directory_init(struct hf_directory *directory, const char *path, const struct hf_disk *disk,
                       const struct hf_store_report *report)
{
    *directory = (struct hf_directory){.disk = disk};
    if (report != NULL) {
        directory->report = *report;
    }
    const int length = snprintf(directory->path, sizeof directory->path, "%s", path);
    return length > 0 && (size_t)length < sizeof directory->path;
}

void hf_directory_set_id(struct hf_directory *directory, const unsigned char *id)
{
    memcpy(directory->id, id, sizeof directory->id);
    directory->seed = hf_format_seed(id);
}

const char *hf_disk_error(int64_t error)
{
    /* strerror is not safe between threads, and its safe form has two shapes. */
    switch (-error) {
    case EACCES:
    case EPERM:
        return "permission denied";
    case EAGAIN:
        return "another process holds it";
    case EDQUOT:
        return "the disk quota is used up";
    case EEXIST:
        return "it exists already";
    case EFBIG:
        return "the file would become too large";
    case EIO:
        return "input/output error";
    case EISDIR:
        return "it is a directory";
    case EMFILE:
    case ENFILE:
        return "too many open files";
    case ENAMETOOLONG:
        return "the name is too long";
    case ENOENT:
        return "there is no such file or directory";
    case ENOMEM:
        return "out of memory";
    case ENOSPC:
        return "no space is left on the disk";
    case ENOTDIR:
        return "it is not a directory";
    case EROFS:
        return "the file system is read-only";
    default:
        return "the system refused";
    }
}

enum hf_err hf_refuse(char *error, size_t error_bytes, enum hf_err err, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(error, error_bytes, format, arguments);
    va_end(arguments);
    return err;
}

void hf_directory_say(const struct hf_directory *directory, char level, const char *format, ...)
{
    char line[LINE_BYTES_MAX];
    va_list arguments;

    if (directory->report.line == NULL) {
        return;
    }
    va_start(arguments, format);
    (void)vsnprintf(line, sizeof line, format, arguments); /* a long line is cut */
    va_end(arguments);
    directory->report.line(directory->report.arg, level, line);
}

/* ------------------------------------------------------------------ names */

void hf_segment_name(char name[HF_NAME_BYTES_MAX], uint64_t first_lsn, const char *suffix)
{
    (void)snprintf(name, HF_NAME_BYTES_MAX, SEGMENT_PREFIX "%020" PRIu64 SEGMENT_ENDING "%s",
                   first_lsn, suffix);
}

void hf_snapshot_name(char name[HF_NAME_BYTES_MAX], uint64_t lsn, const char *suffix)
{
    (void)snprintf(name, HF_NAME_BYTES_MAX, SNAPSHOT_PREFIX "%020" PRIu64 SNAPSHOT_ENDING "%s", lsn,
                   suffix);
}

/* The LSN in `name` when it is prefix, 20 digits and ending, which `*rest` then stands behind; 0
 * otherwise. */
static uint64_t lsn_in_name(const char *name, const char *prefix, const char *ending,
                            const char **rest)
{
    const size_t prefix_bytes = strlen(prefix);
    uint64_t lsn = 0;

    if (strncmp(name, prefix, prefix_bytes) != 0) {
        return 0;
    }
    const char *digits = name + prefix_bytes;
    for (size_t i = 0; i < LSN_DIGITS; i++) {
        const unsigned digit = (unsigned)(unsigned char)digits[i] - '0';
        if (digit > 9 || lsn > (UINT64_MAX - digit) / 10) {
            return 0;
        }
        lsn = lsn * 10 + digit;
    }
    *rest = digits + LSN_DIGITS + strlen(ending);
    return strncmp(digits + LSN_DIGITS, ending, strlen(ending)) == 0 ? lsn : 0;
}

/* ".cut-" and a number. */
static bool is_cut(const char *suffix)
{
    const size_t length = strlen(HF_SUFFIX_CUT);
    return strncmp(suffix, HF_SUFFIX_CUT, length) == 0 && suffix[length] != '\0' &&
           strspn(suffix + length, "0123456789") == strlen(suffix + length);
}

enum hf_name hf_directory_name(const char *name, uint64_t *lsn)
{
    const char *rest = "";

    if (strcmp(name, HF_NAME_INCOMPLETE) == 0) {
        *lsn = 0;
        return HF_NAME_IS_INCOMPLETE;
    }
    *lsn = lsn_in_name(name, SEGMENT_PREFIX, SEGMENT_ENDING, &rest);
    enum hf_name kind = HF_NAME_IS_SEGMENT;
    if (*lsn == 0) {
        *lsn = lsn_in_name(name, SNAPSHOT_PREFIX, SNAPSHOT_ENDING, &rest);
        kind = HF_NAME_IS_SNAPSHOT;
    }
    if (*lsn == 0) {
        static const struct {
            const char *name;
            enum hf_name kind;
        } names[] = {{HF_NAME_LOCK, HF_NAME_IS_LOCK},
                     {HF_NAME_MANIFEST, HF_NAME_IS_MANIFEST},
                     {HF_NAME_SPARE, HF_NAME_IS_SPARE}};
        kind = HF_NAME_IS_FOREIGN;
        for (size_t i = 0; kind == HF_NAME_IS_FOREIGN && i < sizeof names / sizeof names[0]; i++) {
            const size_t length = strlen(names[i].name);
            if (strncmp(name, names[i].name, length) == 0) {
                kind = names[i].kind;
                rest = name + length;
            }
        }
    }
    if (kind == HF_NAME_IS_FOREIGN || rest[0] == '\0') {
        return kind;
    }
    if (strcmp(rest, HF_SUFFIX_ASIDE) == 0 && kind != HF_NAME_IS_LOCK) {
        return HF_NAME_IS_ASIDE;
    }
    if ((is_cut(rest) && kind != HF_NAME_IS_LOCK && kind != HF_NAME_IS_SPARE) ||
        (strcmp(rest, HF_SUFFIX_DAMAGED) == 0 && kind == HF_NAME_IS_SNAPSHOT)) {
        return HF_NAME_IS_KEPT;
    }
    *lsn = 0;
    return HF_NAME_IS_FOREIGN;
}

/* ------------------------------------------------------------------ deeds */

static void path_of(const struct hf_directory *directory, const char *name,
                    char path[HF_PATH_BYTES_MAX])
{
    const int length = snprintf(path, HF_PATH_BYTES_MAX, "%s/%s", directory->path, name);
    HF_ASSERT(length > 0 && length < HF_PATH_BYTES_MAX);
}

int hf_directory_open(const struct hf_directory *directory, const char *name, int flags)
{
    char path[HF_PATH_BYTES_MAX];

    path_of(directory, name, path);
    return directory->disk->open(directory->disk->ctx, path, flags);
}

int hf_directory_rename(const struct hf_directory *directory, const char *from, const char *to)
{
    char from_path[HF_PATH_BYTES_MAX];
    char to_path[HF_PATH_BYTES_MAX];

    path_of(directory, from, from_path);
    path_of(directory, to, to_path);
    return directory->disk->rename(directory->disk->ctx, from_path, to_path);
}

int hf_directory_remove(const struct hf_directory *directory, const char *name)
{
    char path[HF_PATH_BYTES_MAX];

    path_of(directory, name, path);
    const int result = directory->disk->unlink(directory->disk->ctx, path);
    return result == -ENOENT ? 0 : result;
}

int hf_directory_sync(const struct hf_directory *directory)
{
    return directory->disk->sync_dir(directory->disk->ctx, directory->path);
}

int hf_directory_make(const struct hf_directory *directory)
{
    const struct hf_disk *disk = directory->disk;
    const int result = disk->make_dir(disk->ctx, directory->path);
    return result != 0 ? result : hf_directory_sync_parent(directory);
}

int hf_directory_sync_parent(const struct hf_directory *directory)
{
    const struct hf_disk *disk = directory->disk;
    char parent[sizeof directory->path];

    (void)snprintf(parent, sizeof parent, "%s", directory->path);
    size_t length = strlen(parent);
    while (length > 1 && parent[length - 1] == '/') {
        parent[--length] = '\0';
    }
    char *slash = strrchr(parent, '/');
    if (slash == NULL) {
        (void)snprintf(parent, sizeof parent, ".");
    } else if (slash == parent) {
        parent[1] = '\0';
    } else {
        *slash = '\0';
    }
    return disk->sync_dir(disk->ctx, parent);
}

int hf_directory_create_zeros(const struct hf_directory *directory, const char *name,
                              uint64_t bytes_count)
{
    const struct hf_disk *disk = directory->disk;

    int result = hf_directory_remove(directory, name);
    if (result != 0) {
        return result;
    }
    const int file = hf_directory_open(directory, name, HF_DISK_WRITE | HF_DISK_CREATE);
    if (file < 0) {
        return file;
    }
    result = disk->allocate(disk->ctx, file, bytes_count);
    if (result == 0) {
        result = disk->sync(disk->ctx, file);
    }
    if (result != 0) {
        (void)disk->close(disk->ctx, file);         /* the first error is the one to tell */
        (void)hf_directory_remove(directory, name); /* recovery removes it otherwise */
        return result;
    }
    return file;
}

/* ------------------------------------------------------------------ listing */

/* Room for one more item; items grow by doubling. */
static void *grown(void *items, size_t count, size_t item_bytes)
{
    const bool is_full = count == 0 || (count >= 16 && (count & (count - 1)) == 0);
    if (!is_full) {
        return items;
    }
    return realloc(items, (count < 16 ? 16 : count * 2) * item_bytes);
}

static void add_lsn(struct hf_listing *listing, uint64_t **lsns, size_t *count, uint64_t lsn)
{
    uint64_t *more = grown(*lsns, *count, sizeof **lsns);
    if (more == NULL) {
        listing->is_out_of_memory = true;
        return;
    }
    *lsns = more;
    (*lsns)[(*count)++] = lsn;
}

static void add_aside(struct hf_listing *listing, const char *name)
{
    void *more = grown(listing->asides, listing->asides_count, sizeof *listing->asides);
    if (more == NULL) {
        listing->is_out_of_memory = true;
        return;
    }
    listing->asides = more;
    (void)snprintf(listing->asides[listing->asides_count++], HF_NAME_BYTES_MAX, "%s", name);
}

static void add_name(void *arg, const char *name)
{
    struct hf_listing *listing = arg;
    uint64_t lsn = 0;

    if (listing->is_out_of_memory) {
        return;
    }
    switch (hf_directory_name(name, &lsn)) {
    case HF_NAME_IS_SEGMENT:
        add_lsn(listing, &listing->segments, &listing->segments_count, lsn);
        return;
    case HF_NAME_IS_SNAPSHOT:
        add_lsn(listing, &listing->snapshots, &listing->snapshots_count, lsn);
        return;
    case HF_NAME_IS_ASIDE:
        add_aside(listing, name);
        return;
    case HF_NAME_IS_MANIFEST:
        listing->has_manifest = true;
        return;
    case HF_NAME_IS_LOCK:
        listing->has_lock = true;
        return;
    case HF_NAME_IS_SPARE:
        listing->has_spare = true;
        return;
    case HF_NAME_IS_INCOMPLETE:
        listing->is_incomplete = true;
        return;
    case HF_NAME_IS_KEPT:
    case HF_NAME_IS_FOREIGN:
        if (strcmp(name, "lost+found") != 0) { /* a file system of its own has one */
            (void)snprintf(listing->foreign, sizeof listing->foreign, "%s", name);
        }
        return;
    }
}

static int compare_lsn(const void *left, const void *right)
{
    const uint64_t a = *(const uint64_t *)left;
    const uint64_t b = *(const uint64_t *)right;
    return (a > b) - (a < b);
}

int hf_directory_list(const struct hf_directory *directory, struct hf_listing *listing)
{
    const struct hf_disk *disk = directory->disk;

    *listing = (struct hf_listing){0};
    const int result = disk->list(disk->ctx, directory->path, add_name, listing);
    if (result != 0) {
        return result;
    }
    if (listing->is_out_of_memory) {
        return -ENOMEM;
    }
    if (listing->segments_count > 0) {
        qsort(listing->segments, listing->segments_count, sizeof *listing->segments, compare_lsn);
    }
    if (listing->snapshots_count > 0) {
        qsort(listing->snapshots, listing->snapshots_count, sizeof *listing->snapshots,
              compare_lsn);
    }
    return 0;
}

void hf_listing_release(struct hf_listing *listing)
{
    free(listing->segments);
    free(listing->snapshots);
    free(listing->asides);
    *listing = (struct hf_listing){0};
}
