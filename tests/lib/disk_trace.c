#include "tests/lib/disk_trace.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <xxhash.h>

#include "engine/assert.h"

#define SECTOR_BYTES 512u
#define PATH_BYTES_MAX 128
#define HANDLES_MAX 64
#define NAMES_MAX 64
#define FILES_MAX 256

enum step_kind {
    STEP_CREATE,
    STEP_WRITE,
    STEP_SIZE,
    STEP_SYNC,
    STEP_RENAME,
    STEP_UNLINK,
    STEP_SYNC_DIR
};

struct step {
    enum step_kind kind;
    size_t file; /* of create, write, size, sync */
    char path[PATH_BYTES_MAX];
    char to[PATH_BYTES_MAX];
    uint64_t offset;
    size_t bytes_count;
    unsigned char *bytes;
    uint64_t acked_lsn; /* before the step */
};

struct name {
    char path[PATH_BYTES_MAX];
    size_t file;
};

struct names {
    struct name items[NAMES_MAX];
    size_t count;
};

struct hf_trace {
    struct hf_disk table;
    const struct hf_disk *below;
    hf_trace_acked_cb acked_cb;
    void *acked_arg;
    enum hf_trace_lie lie;
    struct step *steps;
    size_t steps_count;
    size_t files_count;          /* ever made; each has a number from 0 on */
    size_t handles[HANDLES_MAX]; /* of the disk below -> file */
    struct names names;
};

static void *allocated(void *memory)
{
    if (memory == NULL) {
        abort(); /* a test machine without memory has nothing to tell */
    }
    return memory;
}

/* ------------------------------------------------------------------ names */

static struct name *find(const struct names *names, const char *path)
{
    for (size_t i = 0; i < names->count; i++) {
        if (strcmp(names->items[i].path, path) == 0) {
            return (struct name *)&names->items[i];
        }
    }
    return NULL;
}

static void names_remove(struct names *names, const char *path)
{
    struct name *name = find(names, path);
    if (name != NULL) {
        names->count--;
        memmove(name, name + 1, (size_t)(names->items + names->count - name) * sizeof *name);
    }
}

/* They stand in the order of their paths, so that equal directories are equal here. */
static void names_put(struct names *names, const char *path, size_t file)
{
    names_remove(names, path);
    HF_ASSERT(names->count < NAMES_MAX);
    size_t at = names->count++;
    while (at > 0 && strcmp(names->items[at - 1].path, path) > 0) {
        names->items[at] = names->items[at - 1];
        at--;
    }
    (void)snprintf(names->items[at].path, PATH_BYTES_MAX, "%s", path);
    names->items[at].file = file;
}

static void names_apply(struct names *names, const struct step *step)
{
    if (step->kind == STEP_CREATE) {
        names_put(names, step->path, step->file);
    } else if (step->kind == STEP_UNLINK) {
        names_remove(names, step->path);
    } else {
        HF_ASSERT(step->kind == STEP_RENAME);
        names_remove(names, step->path);
        names_put(names, step->to, step->file);
    }
}

/* ------------------------------------------------------------------ recording */

static struct step *add_step(struct hf_trace *trace, enum step_kind kind, size_t file,
                             const char *path)
{
    const size_t count = trace->steps_count;

    if ((count & (count - 1)) == 0) { /* 0, 1, 2, 4, 8 ...: full */
        const size_t max = count == 0 ? 1 : 2 * count;
        trace->steps = allocated(realloc(trace->steps, max * sizeof *trace->steps));
    }
    struct step *step = &trace->steps[trace->steps_count++];
    *step = (struct step){.kind = kind, .file = file};
    step->acked_lsn = trace->acked_cb == NULL ? 0 : trace->acked_cb(trace->acked_arg);
    (void)snprintf(step->path, PATH_BYTES_MAX, "%s", path);
    return step;
}

static size_t file_of(const struct hf_trace *trace, int file)
{
    HF_ASSERT(file >= 0 && file < HANDLES_MAX);
    return trace->handles[file];
}

static int trace_open(void *ctx, const char *path, int flags)
{
    struct hf_trace *trace = ctx;

    const int file = trace->below->open(trace->below->ctx, path, flags);
    if (file < 0) {
        return file;
    }
    HF_ASSERT(file < HANDLES_MAX);
    if ((flags & HF_DISK_CREATE) != 0) {
        HF_ASSERT(trace->files_count < FILES_MAX);
        names_apply(&trace->names, add_step(trace, STEP_CREATE, trace->files_count++, path));
    }
    const struct name *name = find(&trace->names, path);
    HF_ASSERT(name != NULL); /* the disk was empty when the run began */
    trace->handles[file] = name->file;
    return file;
}

static int trace_close(void *ctx, int file)
{
    const struct hf_trace *trace = ctx;
    return trace->below->close(trace->below->ctx, file);
}

static int64_t trace_size(void *ctx, int file)
{
    const struct hf_trace *trace = ctx;
    return trace->below->size(trace->below->ctx, file);
}

static int64_t trace_read(void *ctx, int file, void *buffer, size_t bytes_count, uint64_t offset)
{
    const struct hf_trace *trace = ctx;
    return trace->below->read(trace->below->ctx, file, buffer, bytes_count, offset);
}

static int64_t trace_write(void *ctx, int file, const void *bytes, size_t bytes_count,
                           uint64_t offset)
{
    struct hf_trace *trace = ctx;

    const int64_t put = trace->below->write(trace->below->ctx, file, bytes, bytes_count, offset);
    HF_ASSERT(put == (int64_t)bytes_count);
    struct step *step = add_step(trace, STEP_WRITE, file_of(trace, file), "");
    step->offset = offset;
    step->bytes_count = bytes_count;
    step->bytes = allocated(malloc(bytes_count + 1));
    memcpy(step->bytes, bytes, bytes_count);
    return put;
}

static int trace_allocate(void *ctx, int file, uint64_t bytes_count)
{
    struct hf_trace *trace = ctx;
    const uint64_t size = (uint64_t)trace->below->size(trace->below->ctx, file);

    const int result = trace->below->allocate(trace->below->ctx, file, bytes_count);
    HF_ASSERT(result == 0);
    if (bytes_count > size) {
        add_step(trace, STEP_SIZE, file_of(trace, file), "")->offset = bytes_count;
    }
    return result;
}

static int trace_truncate(void *ctx, int file, uint64_t bytes_count)
{
    struct hf_trace *trace = ctx;

    const int result = trace->below->truncate(trace->below->ctx, file, bytes_count);
    HF_ASSERT(result == 0);
    add_step(trace, STEP_SIZE, file_of(trace, file), "")->offset = bytes_count;
    return result;
}

static int trace_sync(void *ctx, int file)
{
    struct hf_trace *trace = ctx;

    const int result = trace->below->sync(trace->below->ctx, file);
    HF_ASSERT(result == 0);
    if (trace->lie != HF_TRACE_LIE_SYNC) {
        (void)add_step(trace, STEP_SYNC, file_of(trace, file), "");
    }
    return result;
}

static int trace_forget(void *ctx, int file)
{
    const struct hf_trace *trace = ctx;
    return trace->below->forget(trace->below->ctx, file);
}

static int trace_rename(void *ctx, const char *from, const char *to)
{
    struct hf_trace *trace = ctx;

    const int result = trace->below->rename(trace->below->ctx, from, to);
    HF_ASSERT(result == 0);
    struct step *step = add_step(trace, STEP_RENAME, find(&trace->names, from)->file, from);
    (void)snprintf(step->to, PATH_BYTES_MAX, "%s", to);
    names_apply(&trace->names, step);
    return result;
}

static int trace_unlink(void *ctx, const char *path)
{
    struct hf_trace *trace = ctx;

    const int result = trace->below->unlink(trace->below->ctx, path);
    if (result == 0) { /* else there was no such file */
        names_apply(&trace->names, add_step(trace, STEP_UNLINK, 0, path));
    }
    return result;
}

static int trace_make_dir(void *ctx, const char *path)
{
    const struct hf_trace *trace = ctx;
    return trace->below->make_dir(trace->below->ctx, path);
}

static int trace_sync_dir(void *ctx, const char *path)
{
    struct hf_trace *trace = ctx;

    const int result = trace->below->sync_dir(trace->below->ctx, path);
    HF_ASSERT(result == 0);
    if (trace->lie != HF_TRACE_LIE_SYNC_DIR) {
        (void)add_step(trace, STEP_SYNC_DIR, 0, path);
    }
    return result;
}

static int trace_list(void *ctx, const char *path, void (*cb)(void *arg, const char *name),
                      void *arg)
{
    const struct hf_trace *trace = ctx;
    return trace->below->list(trace->below->ctx, path, cb, arg);
}

struct hf_trace *hf_trace_create(const struct hf_disk *below)
{
    struct hf_trace *trace = allocated(calloc(1, sizeof *trace));

    trace->below = below;
    trace->table = (struct hf_disk){
        .ctx = trace,
        .open = trace_open,
        .close = trace_close,
        .size = trace_size,
        .read = trace_read,
        .write = trace_write,
        .allocate = trace_allocate,
        .truncate = trace_truncate,
        .sync = trace_sync,
        .forget = trace_forget,
        .rename = trace_rename,
        .unlink = trace_unlink,
        .make_dir = trace_make_dir,
        .sync_dir = trace_sync_dir,
        .list = trace_list,
    };
    return trace;
}

void hf_trace_free(struct hf_trace *trace)
{
    if (trace == NULL) {
        return;
    }
    for (size_t i = 0; i < trace->steps_count; i++) {
        free(trace->steps[i].bytes);
    }
    free(trace->steps);
    free(trace);
}

const struct hf_disk *hf_trace_table(struct hf_trace *trace)
{
    return &trace->table;
}

void hf_trace_ask(struct hf_trace *trace, hf_trace_acked_cb cb, void *arg)
{
    trace->acked_cb = cb;
    trace->acked_arg = arg;
}

void hf_trace_lie(struct hf_trace *trace, enum hf_trace_lie lie)
{
    trace->lie = lie;
}

size_t hf_trace_steps_count(const struct hf_trace *trace)
{
    return trace->steps_count;
}

/* ------------------------------------------------------------------ walking */

/* NULL bytes are zeros. */
struct sector {
    unsigned char *synced;
    unsigned char **versions; /* written since the last sync, the newest one last */
    size_t versions_count;
};

struct file {
    struct sector *sectors;
    size_t sectors_count;
    uint64_t bytes_count;
    uint64_t synced_bytes_count;
};

struct unsynced {
    size_t file;
    size_t sector;
};

struct hf_trace_walk {
    const struct hf_trace *trace;
    size_t next; /* step */
    struct file files[FILES_MAX];
    struct unsynced *unsynced; /* in the order in which they were written first */
    size_t unsynced_count, unsynced_max;
    struct names synced_names;
    const struct step *changes[64]; /* of names, that no directory sync has covered */
    size_t changes_count;
};

struct hf_trace_walk *hf_trace_walk_create(const struct hf_trace *trace)
{
    struct hf_trace_walk *walk = allocated(calloc(1, sizeof *walk));
    walk->trace = trace;
    return walk;
}

static void sector_forget(struct sector *sector)
{
    for (size_t i = 0; i < sector->versions_count; i++) {
        free(sector->versions[i]);
    }
    free(sector->versions);
    sector->versions = NULL;
    sector->versions_count = 0;
}

void hf_trace_walk_free(struct hf_trace_walk *walk)
{
    if (walk == NULL) {
        return;
    }
    for (size_t i = 0; i < walk->trace->files_count; i++) {
        struct file *file = &walk->files[i];
        for (size_t at = 0; at < file->sectors_count; at++) {
            sector_forget(&file->sectors[at]);
            free(file->sectors[at].synced);
        }
        free(file->sectors);
    }
    free(walk->unsynced);
    free(walk);
}

static struct sector *sector_at(struct file *file, size_t index)
{
    if (index >= file->sectors_count) {
        const size_t count = index < 8 ? 16 : 2 * index;
        file->sectors = allocated(realloc(file->sectors, count * sizeof *file->sectors));
        memset(file->sectors + file->sectors_count, 0,
               (count - file->sectors_count) * sizeof *file->sectors);
        file->sectors_count = count;
    }
    return &file->sectors[index];
}

static void write_sector(struct hf_trace_walk *walk, size_t number, size_t index, size_t at,
                         const unsigned char *bytes, size_t bytes_count)
{
    struct sector *sector = sector_at(&walk->files[number], index);
    const unsigned char *before =
        sector->versions_count > 0 ? sector->versions[sector->versions_count - 1] : sector->synced;
    unsigned char *now = allocated(calloc(1, SECTOR_BYTES));

    if (before != NULL) {
        memcpy(now, before, SECTOR_BYTES);
    }
    memcpy(now + at, bytes, bytes_count);
    if (sector->versions_count == 0) {
        if (walk->unsynced_count == walk->unsynced_max) {
            walk->unsynced_max = walk->unsynced_max < 64 ? 64 : 2 * walk->unsynced_max;
            walk->unsynced =
                allocated(realloc(walk->unsynced, walk->unsynced_max * sizeof *walk->unsynced));
        }
        walk->unsynced[walk->unsynced_count++] = (struct unsynced){number, index};
    }
    sector->versions = allocated(
        realloc(sector->versions, (sector->versions_count + 1) * sizeof *sector->versions));
    sector->versions[sector->versions_count++] = now;
}

static void play_write(struct hf_trace_walk *walk, size_t number, uint64_t offset,
                       const unsigned char *bytes, size_t bytes_count)
{
    struct file *file = &walk->files[number];

    for (size_t done = 0; done < bytes_count;) {
        const size_t at = (size_t)((offset + done) % SECTOR_BYTES);
        const size_t left = bytes_count - done;
        const size_t part = left < SECTOR_BYTES - at ? left : SECTOR_BYTES - at;
        write_sector(walk, number, (size_t)((offset + done) / SECTOR_BYTES), at, bytes + done,
                     part);
        done += part;
    }
    if (offset + bytes_count > file->bytes_count) {
        file->bytes_count = offset + bytes_count;
    }
}

/* What stands behind a smaller size reads as zeros when the file grows again. */
static void play_size(struct hf_trace_walk *walk, size_t number, uint64_t bytes_count)
{
    static const unsigned char ZEROS[SECTOR_BYTES];
    struct file *file = &walk->files[number];

    for (size_t i = (size_t)(bytes_count / SECTOR_BYTES); i < file->sectors_count; i++) {
        const size_t at =
            i == bytes_count / SECTOR_BYTES ? (size_t)(bytes_count % SECTOR_BYTES) : 0;
        if (file->sectors[i].synced != NULL || file->sectors[i].versions_count > 0) {
            write_sector(walk, number, i, at, ZEROS, SECTOR_BYTES - at);
        }
    }
    file->bytes_count = bytes_count;
}

static void play_sync(struct hf_trace_walk *walk, size_t number)
{
    struct file *file = &walk->files[number];
    size_t left = 0;

    for (size_t i = 0; i < walk->unsynced_count; i++) {
        if (walk->unsynced[i].file != number) {
            walk->unsynced[left++] = walk->unsynced[i];
            continue;
        }
        struct sector *sector = &file->sectors[walk->unsynced[i].sector];
        free(sector->synced);
        sector->synced = sector->versions[--sector->versions_count];
        sector_forget(sector);
    }
    walk->unsynced_count = left;
    file->synced_bytes_count = file->bytes_count;
}

static bool is_in(const char *path, const char *directory)
{
    const size_t length = strlen(directory);
    return strncmp(path, directory, length) == 0 && path[length] == '/' &&
           strchr(path + length + 1, '/') == NULL;
}

static void play_sync_dir(struct hf_trace_walk *walk, const char *path)
{
    size_t left = 0;

    for (size_t i = 0; i < walk->changes_count; i++) {
        if (is_in(walk->changes[i]->path, path)) {
            names_apply(&walk->synced_names, walk->changes[i]);
        } else {
            walk->changes[left++] = walk->changes[i];
        }
    }
    walk->changes_count = left;
}

bool hf_trace_walk_step(struct hf_trace_walk *walk)
{
    if (walk->next == walk->trace->steps_count) {
        return false;
    }
    const struct step *step = &walk->trace->steps[walk->next++];
    switch (step->kind) {
    case STEP_WRITE:
        play_write(walk, step->file, step->offset, step->bytes, step->bytes_count);
        break;
    case STEP_SIZE:
        play_size(walk, step->file, step->offset);
        break;
    case STEP_SYNC:
        play_sync(walk, step->file);
        break;
    case STEP_SYNC_DIR:
        play_sync_dir(walk, step->path);
        break;
    case STEP_CREATE:
    case STEP_RENAME:
    case STEP_UNLINK:
        HF_ASSERT(walk->changes_count < 64);
        walk->changes[walk->changes_count++] = step;
        break;
    }
    return true;
}

struct hf_trace_left hf_trace_walk_left(const struct hf_trace_walk *walk)
{
    const struct hf_trace *trace = walk->trace;
    /* Until the next step is made, all may be acknowledged that is by then. */
    const uint64_t acked_lsn = walk->next < trace->steps_count ? trace->steps[walk->next].acked_lsn
                               : walk->next > 0 ? trace->steps[walk->next - 1].acked_lsn
                                                : 0;

    return (struct hf_trace_left){.acked_lsn = acked_lsn,
                                  .sectors_count = walk->unsynced_count,
                                  .names_count = walk->changes_count};
}

/* ------------------------------------------------------------------ choosing and building */

/* splitmix64 of a place: the same choice for the same seed, in any order of asking. */
static uint64_t dice(uint64_t seed, uint64_t place)
{
    uint64_t z = seed + (place + 1) * UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

static const unsigned char *spoiled(uint64_t seed, size_t place, unsigned char *room)
{
    for (size_t i = 0; i < SECTOR_BYTES; i++) {
        room[i] = (unsigned char)dice(seed ^ UINT64_C(0x5A5A5A5A), place * SECTOR_BYTES + i);
    }
    return room;
}

/* The bytes that the choice leaves in the unsynced sector at `place` of the list; NULL: zeros. */
static const unsigned char *chosen_version(const struct sector *sector, size_t place,
                                           const struct hf_trace_choice *choice,
                                           unsigned char *room)
{
    const unsigned char *now = sector->versions[sector->versions_count - 1];
    const uint64_t thrown = dice(choice->seed, place);

    switch (choice->fate) {
    case HF_TRACE_NONE:
        return sector->synced;
    case HF_TRACE_ALL:
        return now;
    case HF_TRACE_ONLY:
        return choice->sector == place ? now : sector->synced;
    case HF_TRACE_BUT:
        return choice->sector == place ? sector->synced : now;
    case HF_TRACE_SPOIL:
        return choice->sector == place ? spoiled(choice->seed, place, room) : now;
    case HF_TRACE_MIX:
        break;
    }
    if (thrown % 8 < 4) {
        return sector->versions[(thrown >> 8) % sector->versions_count];
    }
    return thrown % 8 < 7 ? sector->synced : spoiled(choice->seed, place, room);
}

static uint64_t chosen_size(const struct hf_trace_walk *walk, size_t number,
                            const struct hf_trace_choice *choice)
{
    const struct file *file = &walk->files[number];

    if (choice->fate == HF_TRACE_NONE ||
        (choice->fate == HF_TRACE_MIX && dice(choice->seed, UINT32_MAX + number) % 2 == 0)) {
        return file->synced_bytes_count;
    }
    return file->bytes_count;
}

/* Called with each sector that is not zeros, in no order; `bytes_count` is less at the end. */
typedef void (*sector_cb)(void *arg, uint64_t offset, const unsigned char *bytes,
                          size_t bytes_count);

static void put_sector(uint64_t size, size_t index, const unsigned char *bytes, sector_cb cb,
                       void *arg)
{
    const uint64_t offset = (uint64_t)index * SECTOR_BYTES;
    if (bytes != NULL && offset < size) {
        const uint64_t left = size - offset;
        cb(arg, offset, bytes, left < SECTOR_BYTES ? (size_t)left : SECTOR_BYTES);
    }
}

static void each_sector(const struct hf_trace_walk *walk, size_t number,
                        const struct hf_trace_choice *choice, sector_cb cb, void *arg)
{
    const struct file *file = &walk->files[number];
    const uint64_t size = chosen_size(walk, number, choice);
    unsigned char room[SECTOR_BYTES];

    for (size_t i = 0; i < file->sectors_count; i++) {
        if (file->sectors[i].versions_count == 0) {
            put_sector(size, i, file->sectors[i].synced, cb, arg);
        }
    }
    for (size_t i = 0; i < walk->unsynced_count; i++) {
        if (walk->unsynced[i].file == number) {
            const size_t index = walk->unsynced[i].sector;
            put_sector(size, index, chosen_version(&file->sectors[index], i, choice, room), cb,
                       arg);
        }
    }
}

static void choose_names(const struct hf_trace_walk *walk, const struct hf_trace_choice *choice,
                         struct names *names)
{
    *names = walk->synced_names;
    for (size_t i = 0; i < walk->changes_count; i++) {
        if ((choice->names >> i & 1) != 0) {
            names_apply(names, walk->changes[i]);
        }
    }
}

/* Sectors are added up: their order does not matter, and zeros count as nothing. */
struct hashing {
    uint64_t seed;
    uint64_t sum;
};

static void hash_sector(void *arg, uint64_t offset, const unsigned char *bytes, size_t bytes_count)
{
    static const unsigned char ZEROS[SECTOR_BYTES];
    struct hashing *hashing = arg;

    if (memcmp(bytes, ZEROS, bytes_count) != 0) {
        hashing->sum += XXH3_64bits_withSeed(bytes, bytes_count, hashing->seed ^ (offset << 8));
    }
}

uint64_t hf_trace_walk_hash(const struct hf_trace_walk *walk, const struct hf_trace_choice *choice)
{
    struct names names;
    uint64_t sum = 0;

    choose_names(walk, choice, &names);
    for (size_t i = 0; i < names.count; i++) {
        const struct name *name = &names.items[i];
        const uint64_t size = chosen_size(walk, name->file, choice);
        struct hashing hashing = {.seed =
                                      XXH3_64bits_withSeed(name->path, strlen(name->path), size)};
        each_sector(walk, name->file, choice, hash_sector, &hashing);
        sum += dice(hashing.seed, hashing.sum);
    }
    return sum;
}

struct building {
    const struct hf_disk *disk;
    int file;
};

static void build_sector(void *arg, uint64_t offset, const unsigned char *bytes, size_t bytes_count)
{
    const struct building *building = arg;
    const struct hf_disk *disk = building->disk;
    const int64_t put = disk->write(disk->ctx, building->file, bytes, bytes_count, offset);
    HF_ASSERT(put == (int64_t)bytes_count);
}

struct hf_sim_disk *hf_trace_walk_build(const struct hf_trace_walk *walk,
                                        const struct hf_trace_choice *choice)
{
    struct hf_sim_disk *built = hf_sim_disk_create();
    struct building building = {.disk = hf_sim_disk_table(built)};
    const struct hf_disk *disk = building.disk;
    struct names names;
    int result = 0;

    choose_names(walk, choice, &names);
    for (size_t i = 0; i < names.count; i++) {
        const struct name *name = &names.items[i];
        building.file = disk->open(disk->ctx, name->path, HF_DISK_WRITE | HF_DISK_CREATE);
        HF_ASSERT(building.file >= 0);
        each_sector(walk, name->file, choice, build_sector, &building);
        result |= disk->allocate(disk->ctx, building.file, chosen_size(walk, name->file, choice));
        result |= disk->close(disk->ctx, building.file);
    }
    HF_ASSERT(result == 0);
    hf_sim_disk_crash(built, HF_SIM_KEEP, 0); /* all of it is on the disk */
    return built;
}
