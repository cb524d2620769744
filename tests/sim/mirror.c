#include "tests/sim/mirror.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "engine/assert.h"
#include "persistence/format.h"
#include "tests/lib/history.h"

#define SECTOR_BYTES 512u
#define AIM_SECTORS 24u /* of the log's end, on one of which it lands */

/* The twin's answer is that of the disk when the call is no fault; only the latter's counts. */
#define BOTH(mirror, name, ...)                                                                    \
    do {                                                                                           \
        if ((mirror)->twin != NULL) {                                                              \
            const struct hf_disk *twin = hf_sim_disk_table((mirror)->twin);                        \
            (void)twin->name(twin->ctx, __VA_ARGS__);                                              \
        }                                                                                          \
    } while (0)

static const struct hf_disk *disk_of(const struct hf_mirror *mirror)
{
    return hf_sim_disk_table(mirror->disk);
}

static int mirror_open(void *ctx, const char *path, int flags)
{
    struct hf_mirror *mirror = ctx;
    const int file = disk_of(mirror)->open(disk_of(mirror)->ctx, path, flags);

    if (file >= 0 && mirror->twin != NULL) {
        const struct hf_disk *twin = hf_sim_disk_table(mirror->twin);
        HF_ASSERT(file < HF_MIRROR_HANDLES_MAX);
        mirror->twins[file] = twin->open(twin->ctx, path, flags);
    }
    return file;
}

static int mirror_close(void *ctx, int file)
{
    struct hf_mirror *mirror = ctx;

    BOTH(mirror, close, mirror->twins[file]);
    return disk_of(mirror)->close(disk_of(mirror)->ctx, file);
}

static int64_t mirror_size(void *ctx, int file)
{
    const struct hf_mirror *mirror = ctx;
    return disk_of(mirror)->size(disk_of(mirror)->ctx, file);
}

static int64_t mirror_read(void *ctx, int file, void *buffer, size_t bytes_count, uint64_t offset)
{
    const struct hf_mirror *mirror = ctx;
    return disk_of(mirror)->read(disk_of(mirror)->ctx, file, buffer, bytes_count, offset);
}

static bool is_zero(const unsigned char *bytes, size_t bytes_count)
{
    for (size_t i = 0; i < bytes_count; i++) {
        if (bytes[i] != 0) {
            return false;
        }
    }
    return true;
}

/* Put the bytes there, as many as the file has whole sectors for. */
static void land(struct hf_mirror *mirror, const char *path, uint64_t offset, const void *bytes,
                 size_t bytes_count)
{
    const uint64_t sectors = hf_sim_disk_file_bytes(mirror->disk, path) / SECTOR_BYTES;
    const uint64_t room = sectors * SECTOR_BYTES - offset;

    (void)snprintf(mirror->stray_path, sizeof mirror->stray_path, "%s", path);
    mirror->stray_offset = offset;
    mirror->is_stray_zeros = is_zero(bytes, bytes_count);
    hf_sim_disk_poke(mirror->disk, path, offset, bytes,
                     bytes_count < room ? bytes_count : (size_t)room);
}

const char *hf_mirror_newest_segment(const struct hf_sim_disk *disk)
{
    const char *newest = NULL;
    const char *path;

    for (size_t i = 0; (path = hf_sim_disk_name(disk, i)) != NULL; i++) {
        newest = strstr(path, "/wal-") != NULL && strstr(path, ".tmp") == NULL ? path : newest;
    }
    return newest;
}

/* Somewhere in a file that has room for a part of it at least; false: there is none. */
static bool stray(struct hf_mirror *mirror, const void *bytes, size_t bytes_count)
{
    size_t count = 0;

    while (hf_sim_disk_name(mirror->disk, count) != NULL) {
        count++;
    }
    for (uint32_t tries = 0; count > 0 && tries < 20; tries++) {
        const char *path =
            hf_sim_disk_name(mirror->disk, hf_random(&mirror->random, (uint32_t)count));
        const uint64_t sectors = hf_sim_disk_file_bytes(mirror->disk, path) / SECTOR_BYTES;
        if (sectors == 0) {
            continue;
        }
        /* Near the beginning, where something stands, more often than not. */
        const uint32_t among =
            sectors > 64 && hf_random(&mirror->random, 4) != 0 ? 64 : (uint32_t)sectors;
        const uint64_t offset = (uint64_t)hf_random(&mirror->random, among) * SECTOR_BYTES;
        land(mirror, path, offset, bytes, bytes_count);
        return true;
    }
    return false;
}

/* The sector of the newest segment that is so many before the last with something in it. */
static uint64_t sector_before_end(const struct hf_sim_disk *disk, const char *path, uint64_t before)
{
    unsigned char bytes[SECTOR_BYTES];
    uint64_t sector = hf_sim_disk_file_bytes(disk, path) / SECTOR_BYTES;

    for (bool is_empty = true; is_empty && sector > 0;) {
        sector--;
        hf_sim_disk_peek(disk, path, sector * SECTOR_BYTES, bytes, sizeof bytes);
        is_empty = is_zero(bytes, sizeof bytes);
    }
    return sector > before ? sector - before : sector;
}

/* To one of the last groups of the log. False: there is none. */
static bool stray_to_end(struct hf_mirror *mirror, const void *bytes, size_t bytes_count)
{
    const char *path = hf_mirror_newest_segment(mirror->disk);

    if (path == NULL) {
        return false;
    }
    const uint32_t before = hf_random(&mirror->random, AIM_SECTORS);
    land(mirror, path, sector_before_end(mirror->disk, path, before) * SECTOR_BYTES, bytes,
         bytes_count);
    return true;
}

/* Is it among those of which the nth goes astray? */
static bool is_counted(const struct hf_mirror *mirror, const void *bytes, size_t bytes_count)
{
    const char *other = mirror->is_aiming ? hf_format_other(bytes, bytes_count) : NULL;
    return !mirror->is_aiming || (other != NULL && strcmp(other, "a snapshot's block") == 0);
}

static int64_t mirror_write(void *ctx, int file, const void *bytes, size_t bytes_count,
                            uint64_t offset)
{
    struct hf_mirror *mirror = ctx;
    int64_t result = (int64_t)bytes_count;

    if (mirror->writes_left > 0 && is_counted(mirror, bytes, bytes_count) &&
        --mirror->writes_left == 0 &&
        (mirror->is_aiming ? stray_to_end(mirror, bytes, bytes_count)
                           : stray(mirror, bytes, bytes_count))) {
        mirror->has_strayed = true;
    } else {
        result = disk_of(mirror)->write(disk_of(mirror)->ctx, file, bytes, bytes_count, offset);
    }
    if (result >= 0) {
        BOTH(mirror, write, mirror->twins[file], bytes, (size_t)result, offset);
    }
    return result;
}

/* Calls that answer 0 when they worked. */
#define MIRRORED(name, parameters, arguments, twin_arguments)                                      \
    static int mirror_##name parameters                                                            \
    {                                                                                              \
        struct hf_mirror *mirror = ctx;                                                            \
        ctx = disk_of(mirror)->ctx;                                                                \
        const int result = disk_of(mirror)->name arguments;                                        \
        if (result >= 0) {                                                                         \
            BOTH twin_arguments;                                                                   \
        }                                                                                          \
        return result;                                                                             \
    }

MIRRORED(allocate, (void *ctx, int file, uint64_t count), (ctx, file, count),
         (mirror, allocate, mirror->twins[file], count))
MIRRORED(truncate, (void *ctx, int file, uint64_t count), (ctx, file, count),
         (mirror, truncate, mirror->twins[file], count))
MIRRORED(sync, (void *ctx, int file), (ctx, file), (mirror, sync, mirror->twins[file]))
MIRRORED(forget, (void *ctx, int file), (ctx, file), (mirror, forget, mirror->twins[file]))
MIRRORED(rename, (void *ctx, const char *from, const char *to), (ctx, from, to),
         (mirror, rename, from, to))
MIRRORED(unlink, (void *ctx, const char *path), (ctx, path), (mirror, unlink, path))
MIRRORED(make_dir, (void *ctx, const char *path), (ctx, path), (mirror, make_dir, path))
MIRRORED(remove_dir, (void *ctx, const char *path), (ctx, path), (mirror, remove_dir, path))
MIRRORED(sync_dir, (void *ctx, const char *path), (ctx, path), (mirror, sync_dir, path))

static int mirror_list(void *ctx, const char *path, void (*cb)(void *arg, const char *name),
                       void *arg)
{
    const struct hf_mirror *mirror = ctx;
    return disk_of(mirror)->list(disk_of(mirror)->ctx, path, cb, arg);
}

void hf_mirror_init(struct hf_mirror *mirror, struct hf_sim_disk *disk)
{
    *mirror = (struct hf_mirror){
        .table = {.ctx = mirror,
                  .open = mirror_open,
                  .close = mirror_close,
                  .size = mirror_size,
                  .read = mirror_read,
                  .write = mirror_write,
                  .allocate = mirror_allocate,
                  .truncate = mirror_truncate,
                  .sync = mirror_sync,
                  .forget = mirror_forget,
                  .rename = mirror_rename,
                  .unlink = mirror_unlink,
                  .make_dir = mirror_make_dir,
                  .remove_dir = mirror_remove_dir,
                  .sync_dir = mirror_sync_dir,
                  .list = mirror_list},
        .disk = disk,
    };
}

void hf_mirror_split(struct hf_mirror *mirror, uint64_t nth, uint64_t random)
{
    HF_ASSERT(mirror->twin == NULL);
    mirror->twin = hf_sim_disk_twin(mirror->disk);
    mirror->writes_left = nth;
    mirror->random = random;
    mirror->has_strayed = false;
}

struct hf_sim_disk *hf_mirror_join(struct hf_mirror *mirror)
{
    struct hf_sim_disk *twin = mirror->twin;
    mirror->twin = NULL;
    mirror->writes_left = 0;
    mirror->has_strayed = false;
    return twin;
}
