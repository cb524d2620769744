#include "tests/lib/sim_disk.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/assert.h"

#define PAGE_BYTES 4096u
#define SECTOR_BYTES 512u
_Static_assert(PAGE_BYTES / SECTOR_BYTES == 8, "a bit for each sector of a page");
#define FILES_MAX 512
#define HANDLES_MAX 64
#define PATH_BYTES_MAX 256
#define CHANGES_MAX 512

/* A page that was written since the last sync keeps what it held then. NULL bytes are zeros. */
struct page {
    unsigned char *now;
    unsigned char *synced;
    uint8_t dirty; /* a bit for each sector that was written since the last sync */
    bool is_lost;  /* a sync of it has failed: no later one covers it */
};

struct file {
    struct page *pages;
    size_t pages_count;
    uint64_t bytes_count;
    uint64_t synced_bytes_count;
    uint32_t links_count; /* names, pending changes and handles that lead here */
    bool is_locked;
};

struct entry {
    char path[PATH_BYTES_MAX];
    struct file *file;
};

/* A change of names: `unlinked` disappears, `linked` leads to `file`. Either may be empty. */
struct change {
    char unlinked[PATH_BYTES_MAX];
    char linked[PATH_BYTES_MAX];
    struct file *file;
};

struct names {
    struct entry entries[FILES_MAX];
    size_t count;
};

struct handle {
    struct file *file; /* NULL: free */
    char path[PATH_BYTES_MAX];
    bool is_writable;
    bool has_lock;
};

struct hf_sim_disk {
    struct hf_disk table;
    struct names now;
    struct names synced;
    struct change changes[CHANGES_MAX];
    size_t changes_count;
    struct handle handles[HANDLES_MAX];
    uint64_t calls[HF_SIM_CALLS_COUNT];
    struct hf_sim_fault fault;
    uint64_t fault_calls;
    bool has_failed;
    uint64_t space_bytes; /* all files together; UINT64_MAX: no limit */
    hf_sim_disk_hook_cb hook_cb;
    void *hook_arg;
    uint64_t random; /* state of the generator */
};

static void *allocated(void *memory)
{
    if (memory == NULL) {
        abort(); /* a test machine without memory has nothing to tell */
    }
    return memory;
}

/* splitmix64 */
static uint64_t next_random(struct hf_sim_disk *disk)
{
    uint64_t z = (disk->random += UINT64_C(0x9E3779B97F4A7C15));
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

/* ------------------------------------------------------------------ files */

static struct file *file_create(void)
{
    return allocated(calloc(1, sizeof(struct file)));
}

static void file_unlink(struct file *file)
{
    HF_ASSERT(file->links_count > 0);
    if (--file->links_count > 0) {
        return;
    }
    for (size_t i = 0; i < file->pages_count; i++) {
        free(file->pages[i].now);
        free(file->pages[i].synced);
    }
    free(file->pages);
    free(file);
}

static struct page *page_at(struct file *file, uint64_t offset)
{
    const size_t index = (size_t)(offset / PAGE_BYTES);

    if (index >= file->pages_count) {
        size_t count = file->pages_count == 0 ? 16 : file->pages_count;
        while (count <= index) {
            count *= 2;
        }
        file->pages = allocated(realloc(file->pages, count * sizeof *file->pages));
        memset(file->pages + file->pages_count, 0,
               (count - file->pages_count) * sizeof *file->pages);
        file->pages_count = count;
    }
    return &file->pages[index];
}

static unsigned char *page_bytes(unsigned char **bytes)
{
    if (*bytes == NULL) {
        *bytes = allocated(calloc(1, PAGE_BYTES));
    }
    return *bytes;
}

static void file_write(struct file *file, const unsigned char *bytes, size_t bytes_count,
                       uint64_t offset)
{
    for (size_t done = 0; done < bytes_count;) {
        struct page *page = page_at(file, offset + done);
        const size_t at = (size_t)((offset + done) % PAGE_BYTES);
        const size_t left = bytes_count - done;
        const size_t part = left < PAGE_BYTES - at ? left : PAGE_BYTES - at;
        if (page->dirty == 0 && page->now != NULL) {
            memcpy(page_bytes(&page->synced), page->now, PAGE_BYTES);
        }
        for (size_t i = at / SECTOR_BYTES; i <= (at + part - 1) / SECTOR_BYTES; i++) {
            page->dirty |= (uint8_t)(1u << i);
        }
        memcpy(page_bytes(&page->now) + at, bytes + done, part);
        done += part;
    }
    if (offset + bytes_count > file->bytes_count) {
        file->bytes_count = offset + bytes_count;
    }
}

static void file_read(const struct file *file, unsigned char *bytes, size_t bytes_count,
                      uint64_t offset)
{
    for (size_t done = 0; done < bytes_count;) {
        const size_t index = (size_t)((offset + done) / PAGE_BYTES);
        const size_t at = (size_t)((offset + done) % PAGE_BYTES);
        const size_t left = bytes_count - done;
        const size_t part = left < PAGE_BYTES - at ? left : PAGE_BYTES - at;
        if (index < file->pages_count && file->pages[index].now != NULL) {
            memcpy(bytes + done, file->pages[index].now + at, part);
        } else {
            memset(bytes + done, 0, part);
        }
        done += part;
    }
}

static void page_settle(struct page *page)
{
    free(page->synced);
    page->synced = NULL;
    page->dirty = 0;
    page->is_lost = false;
}

static void file_truncate(struct file *file, uint64_t bytes_count)
{
    static const unsigned char ZEROS[PAGE_BYTES];

    for (uint64_t at = bytes_count; at < file->bytes_count;) {
        const size_t part = (size_t)(PAGE_BYTES - at % PAGE_BYTES);
        file_write(file, ZEROS, part, at); /* may grow the size for a moment */
        at += part;
    }
    file->bytes_count = bytes_count;
}

static void file_sync(struct file *file, bool is_failing)
{
    for (size_t i = 0; i < file->pages_count; i++) {
        struct page *page = &file->pages[i];
        if (page->dirty == 0) {
            continue;
        }
        if (is_failing) {
            page->is_lost = true;
        } else if (!page->is_lost) {
            page_settle(page);
        }
    }
    if (!is_failing) {
        file->synced_bytes_count = file->bytes_count;
    }
}

/* ------------------------------------------------------------------ names */

static struct entry *find(const struct names *names, const char *path)
{
    for (size_t i = 0; i < names->count; i++) {
        if (strcmp(names->entries[i].path, path) == 0) {
            return (struct entry *)&names->entries[i];
        }
    }
    return NULL;
}

static void names_remove(struct names *names, const char *path)
{
    struct entry *entry = find(names, path);
    if (entry != NULL) {
        file_unlink(entry->file);
        names->count--;
        memmove(entry, entry + 1, (size_t)(names->entries + names->count - entry) * sizeof *entry);
    }
}

/* Entries stand in the order of their paths. */
static void names_put(struct names *names, const char *path, struct file *file)
{
    file->links_count++; /* before the old one goes: it may be the same */
    names_remove(names, path);
    HF_ASSERT(names->count < FILES_MAX);
    size_t at = names->count;
    while (at > 0 && strcmp(names->entries[at - 1].path, path) > 0) {
        names->entries[at] = names->entries[at - 1];
        at--;
    }
    (void)snprintf(names->entries[at].path, PATH_BYTES_MAX, "%s", path);
    names->entries[at].file = file;
    names->count++;
}

static void apply_change(struct names *names, const struct change *change)
{
    if (change->unlinked[0] != '\0') {
        names_remove(names, change->unlinked);
    }
    if (change->linked[0] != '\0') {
        names_put(names, change->linked, change->file);
    }
}

static void add_change(struct hf_sim_disk *disk, const char *unlinked, const char *linked,
                       struct file *file)
{
    HF_ASSERT(disk->changes_count < CHANGES_MAX);
    struct change *change = &disk->changes[disk->changes_count++];
    (void)snprintf(change->unlinked, PATH_BYTES_MAX, "%s", unlinked);
    (void)snprintf(change->linked, PATH_BYTES_MAX, "%s", linked);
    change->file = file;
    file->links_count++;
    apply_change(&disk->now, change);
}

static bool is_in(const char *path, const char *directory)
{
    const size_t length = strlen(directory);
    return strncmp(path, directory, length) == 0 && path[length] == '/' &&
           strchr(path + length + 1, '/') == NULL;
}

/* ------------------------------------------------------------------ faults */

static unsigned call_index(enum hf_sim_call call)
{
    unsigned index = 0;
    while ((1u << index) != (unsigned)call) {
        index++;
    }
    HF_ASSERT(index < HF_SIM_CALLS_COUNT);
    return index;
}

/* True when this call must fail. */
static bool strikes(struct hf_sim_disk *disk, enum hf_sim_call call, const char *path)
{
    disk->calls[call_index(call)]++;
    if (disk->hook_cb != NULL && (call & HF_SIM_CALLS_CHANGING) != 0) {
        disk->hook_cb(disk->hook_arg, call, path);
    }
    if (disk->fault.nth == 0 || (disk->fault.calls & call) == 0) {
        return false;
    }
    disk->fault_calls++;
    if (disk->fault_calls == disk->fault.nth ||
        (disk->fault.is_lasting && disk->fault_calls > disk->fault.nth)) {
        disk->has_failed = true;
        return true;
    }
    return false;
}

static uint64_t used_bytes(const struct hf_sim_disk *disk)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < disk->now.count; i++) {
        sum += disk->now.entries[i].file->bytes_count;
    }
    return sum;
}

/* True when the file may not become that large. */
static bool is_full_for(const struct hf_sim_disk *disk, const struct file *file,
                        uint64_t bytes_count)
{
    return disk->space_bytes != UINT64_MAX && bytes_count > file->bytes_count &&
           used_bytes(disk) + (bytes_count - file->bytes_count) > disk->space_bytes;
}

void hf_sim_disk_limit(struct hf_sim_disk *disk, uint64_t bytes_left)
{
    disk->space_bytes = bytes_left == UINT64_MAX ? UINT64_MAX : used_bytes(disk) + bytes_left;
}

/* ------------------------------------------------------------------ the table */

static struct handle *handle_of(struct hf_sim_disk *disk, int file)
{
    if (file < 0 || file >= HANDLES_MAX || disk->handles[file].file == NULL) {
        return NULL; /* closed, perhaps by a crash */
    }
    return &disk->handles[file];
}

static int sim_open(void *ctx, const char *path, int flags)
{
    struct hf_sim_disk *disk = ctx;
    int slot = 0;

    if (strikes(disk, HF_SIM_OPEN, path)) {
        return -disk->fault.error;
    }
    struct entry *entry = find(&disk->now, path);
    if (entry != NULL && (flags & HF_DISK_CREATE) != 0) {
        return -EEXIST;
    }
    if (entry == NULL && (flags & HF_DISK_CREATE) == 0) {
        return -ENOENT;
    }
    if (entry != NULL && (flags & HF_DISK_LOCK) != 0 && entry->file->is_locked) {
        return -EAGAIN;
    }
    while (slot < HANDLES_MAX && disk->handles[slot].file != NULL) {
        slot++;
    }
    HF_ASSERT(slot < HANDLES_MAX);
    if (entry == NULL) {
        add_change(disk, "", path, file_create());
        entry = find(&disk->now, path);
    }
    struct handle *handle = &disk->handles[slot];
    *handle = (struct handle){.file = entry->file,
                              .is_writable = (flags & (HF_DISK_WRITE | HF_DISK_CREATE)) != 0,
                              .has_lock = (flags & HF_DISK_LOCK) != 0};
    (void)snprintf(handle->path, sizeof handle->path, "%s", path);
    handle->file->links_count++;
    handle->file->is_locked = handle->file->is_locked || handle->has_lock;
    return slot;
}

static void handle_close(struct handle *handle)
{
    if (handle->has_lock) {
        handle->file->is_locked = false;
    }
    file_unlink(handle->file);
    handle->file = NULL;
}

static int sim_close(void *ctx, int file)
{
    struct handle *handle = handle_of(ctx, file);
    if (handle == NULL) {
        return -EBADF;
    }
    handle_close(handle);
    return 0;
}

static int64_t sim_size(void *ctx, int file)
{
    const struct handle *handle = handle_of(ctx, file);
    return handle == NULL ? -EBADF : (int64_t)handle->file->bytes_count;
}

static int64_t sim_read(void *ctx, int file, void *buffer, size_t bytes_count, uint64_t offset)
{
    struct hf_sim_disk *disk = ctx;
    const struct handle *handle = handle_of(disk, file);

    if (handle == NULL) {
        return -EBADF;
    }
    if (strikes(disk, HF_SIM_READ, handle->path)) {
        return -disk->fault.error;
    }
    const uint64_t size = handle->file->bytes_count;
    const uint64_t left = offset < size ? size - offset : 0;
    const size_t part = left < bytes_count ? (size_t)left : bytes_count;
    file_read(handle->file, buffer, part, offset);
    return (int64_t)part;
}

static int64_t sim_write(void *ctx, int file, const void *bytes, size_t bytes_count,
                         uint64_t offset)
{
    struct hf_sim_disk *disk = ctx;
    const struct handle *handle = handle_of(disk, file);

    if (handle == NULL || !handle->is_writable) {
        return -EBADF;
    }
    if (strikes(disk, HF_SIM_WRITE, handle->path)) {
        const size_t part = bytes_count / 2;
        file_write(handle->file, bytes, part, offset);
        return disk->fault.is_short ? (int64_t)part : -disk->fault.error;
    }
    if (is_full_for(disk, handle->file, offset + bytes_count)) {
        return -ENOSPC;
    }
    file_write(handle->file, bytes, bytes_count, offset);
    return (int64_t)bytes_count;
}

static int sim_allocate(void *ctx, int file, uint64_t bytes_count)
{
    struct hf_sim_disk *disk = ctx;
    const struct handle *handle = handle_of(disk, file);

    if (handle == NULL || !handle->is_writable) {
        return -EBADF;
    }
    if (strikes(disk, HF_SIM_ALLOCATE, handle->path)) {
        return -disk->fault.error;
    }
    if (is_full_for(disk, handle->file, bytes_count)) {
        return -ENOSPC;
    }
    if (bytes_count > handle->file->bytes_count) {
        handle->file->bytes_count = bytes_count;
    }
    return 0;
}

static int sim_truncate(void *ctx, int file, uint64_t bytes_count)
{
    struct hf_sim_disk *disk = ctx;
    const struct handle *handle = handle_of(disk, file);

    if (handle == NULL || !handle->is_writable) {
        return -EBADF;
    }
    if (strikes(disk, HF_SIM_TRUNCATE, handle->path)) {
        return -disk->fault.error;
    }
    file_truncate(handle->file, bytes_count);
    return 0;
}

static int sim_sync(void *ctx, int file)
{
    struct hf_sim_disk *disk = ctx;
    const struct handle *handle = handle_of(disk, file);

    if (handle == NULL) {
        return -EBADF;
    }
    if (strikes(disk, HF_SIM_SYNC, handle->path)) {
        file_sync(handle->file, true);
        return -disk->fault.error;
    }
    file_sync(handle->file, false);
    return 0;
}

/* Pages of a sync that failed count as clean: what is read again is what the disk had. */
static int sim_forget(void *ctx, int file)
{
    const struct handle *handle = handle_of(ctx, file);

    if (handle == NULL) {
        return -EBADF;
    }
    for (size_t i = 0; i < handle->file->pages_count; i++) {
        struct page *page = &handle->file->pages[i];
        if (page->is_lost) {
            free(page->now);
            page->now = page->synced;
            page->synced = NULL;
            page_settle(page);
        }
    }
    return 0;
}

static int sim_rename(void *ctx, const char *from, const char *to)
{
    struct hf_sim_disk *disk = ctx;

    if (strikes(disk, HF_SIM_RENAME, to)) {
        return -disk->fault.error;
    }
    const struct entry *entry = find(&disk->now, from);
    if (entry == NULL) {
        return -ENOENT;
    }
    add_change(disk, from, to, entry->file);
    return 0;
}

static int sim_unlink(void *ctx, const char *path)
{
    struct hf_sim_disk *disk = ctx;

    if (strikes(disk, HF_SIM_UNLINK, path)) {
        return -disk->fault.error;
    }
    const struct entry *entry = find(&disk->now, path);
    if (entry == NULL) {
        return -ENOENT;
    }
    add_change(disk, path, "", entry->file);
    return 0;
}

/* Folders themselves are not simulated: every one is there, and stays. */
static int sim_make_dir(void *ctx, const char *path)
{
    (void)ctx;
    (void)path;
    return 0;
}

static int sim_remove_dir(void *ctx, const char *path)
{
    (void)ctx;
    (void)path;
    return 0;
}

static int sim_sync_dir(void *ctx, const char *path)
{
    struct hf_sim_disk *disk = ctx;
    size_t left = 0;

    if (strikes(disk, HF_SIM_SYNC_DIR, path)) {
        return -disk->fault.error;
    }
    for (size_t i = 0; i < disk->changes_count; i++) {
        struct change *change = &disk->changes[i];
        if (is_in(change->linked[0] != '\0' ? change->linked : change->unlinked, path)) {
            apply_change(&disk->synced, change);
            file_unlink(change->file);
        } else {
            disk->changes[left++] = *change;
        }
    }
    disk->changes_count = left;
    return 0;
}

static int sim_list(void *ctx, const char *path, void (*cb)(void *arg, const char *name), void *arg)
{
    struct hf_sim_disk *disk = ctx;

    if (strikes(disk, HF_SIM_LIST, path)) {
        return -disk->fault.error;
    }
    for (size_t i = disk->now.count; i > 0; i--) { /* in an order that nobody expects */
        const char *entry_path = disk->now.entries[i - 1].path;
        if (is_in(entry_path, path)) {
            cb(arg, entry_path + strlen(path) + 1);
        }
    }
    return 0;
}

/* ------------------------------------------------------------------ life and death */

struct hf_sim_disk *hf_sim_disk_create(void)
{
    struct hf_sim_disk *disk = allocated(calloc(1, sizeof *disk));
    disk->space_bytes = UINT64_MAX;
    disk->table = (struct hf_disk){
        .ctx = disk,
        .open = sim_open,
        .close = sim_close,
        .size = sim_size,
        .read = sim_read,
        .write = sim_write,
        .allocate = sim_allocate,
        .truncate = sim_truncate,
        .sync = sim_sync,
        .forget = sim_forget,
        .rename = sim_rename,
        .unlink = sim_unlink,
        .make_dir = sim_make_dir,
        .remove_dir = sim_remove_dir,
        .sync_dir = sim_sync_dir,
        .list = sim_list,
    };
    return disk;
}

const struct hf_disk *hf_sim_disk_table(struct hf_sim_disk *disk)
{
    return &disk->table;
}

static void forget_names(struct names *names)
{
    while (names->count > 0) {
        file_unlink(names->entries[--names->count].file);
    }
}

static void close_all(struct hf_sim_disk *disk)
{
    for (int i = 0; i < HANDLES_MAX; i++) {
        if (disk->handles[i].file != NULL) {
            handle_close(&disk->handles[i]);
        }
    }
}

void hf_sim_disk_free(struct hf_sim_disk *disk)
{
    if (disk == NULL) {
        return;
    }
    close_all(disk);
    forget_names(&disk->now);
    forget_names(&disk->synced);
    for (size_t i = 0; i < disk->changes_count; i++) {
        file_unlink(disk->changes[i].file);
    }
    free(disk);
}

static enum hf_sim_fate choose_fate(struct hf_sim_disk *disk, enum hf_sim_fate fate)
{
    if (fate != HF_SIM_MIX) {
        return fate;
    }
    const uint64_t dice = next_random(disk) % 8; /* spoiled sectors are the rare ones */
    return dice < 4 ? HF_SIM_KEEP : dice < 7 ? HF_SIM_DROP : HF_SIM_SPOIL;
}

static void crash_page(struct hf_sim_disk *disk, struct page *page, enum hf_sim_fate fate)
{
    unsigned char *now = page_bytes(&page->now);

    for (size_t at = 0; at < PAGE_BYTES; at += SECTOR_BYTES) {
        if ((page->dirty & (1u << (at / SECTOR_BYTES))) == 0) {
            continue;
        }
        switch (choose_fate(disk, fate)) {
        case HF_SIM_KEEP:
        case HF_SIM_MIX:
            break;
        case HF_SIM_DROP:
            if (page->synced != NULL) {
                memcpy(now + at, page->synced + at, SECTOR_BYTES);
            } else {
                memset(now + at, 0, SECTOR_BYTES);
            }
            break;
        case HF_SIM_SPOIL:
            for (size_t i = 0; i < SECTOR_BYTES; i++) {
                now[at + i] = (unsigned char)next_random(disk);
            }
            break;
        }
    }
    page_settle(page);
}

static void crash_file(struct hf_sim_disk *disk, struct file *file, enum hf_sim_fate fate)
{
    for (size_t i = 0; i < file->pages_count; i++) {
        if (file->pages[i].dirty != 0) {
            crash_page(disk, &file->pages[i], fate);
        }
    }
    if (file->bytes_count != file->synced_bytes_count && choose_fate(disk, fate) != HF_SIM_KEEP) {
        if (file->synced_bytes_count < file->bytes_count) {
            file_truncate(file, file->synced_bytes_count);
        }
        file->bytes_count = file->synced_bytes_count;
    }
    file_sync(file, false);
}

void hf_sim_disk_crash(struct hf_sim_disk *disk, enum hf_sim_fate fate, uint64_t seed)
{
    disk->random = seed;
    disk->fault = (struct hf_sim_fault){0};
    disk->has_failed = false;
    close_all(disk);
    for (size_t i = 0; i < disk->changes_count; i++) {
        struct change *change = &disk->changes[i];
        if (choose_fate(disk, fate) == HF_SIM_KEEP) {
            apply_change(&disk->synced, change);
        }
        file_unlink(change->file);
    }
    disk->changes_count = 0;
    forget_names(&disk->now);
    for (size_t i = 0; i < disk->synced.count; i++) {
        crash_file(disk, disk->synced.entries[i].file, fate);
        names_put(&disk->now, disk->synced.entries[i].path, disk->synced.entries[i].file);
    }
}

struct hf_sim_disk *hf_sim_disk_clone(const struct hf_sim_disk *disk)
{
    struct hf_sim_disk *clone = hf_sim_disk_create();

    for (size_t i = 0; i < disk->now.count; i++) {
        const struct file *file = disk->now.entries[i].file;
        struct file *copy = file_create();
        for (size_t at = 0; at < file->pages_count; at++) {
            if (file->pages[at].now != NULL) {
                struct page *page = page_at(copy, at * PAGE_BYTES);
                memcpy(page_bytes(&page->now), file->pages[at].now, PAGE_BYTES);
            }
        }
        copy->bytes_count = file->bytes_count;
        copy->synced_bytes_count = file->bytes_count;
        names_put(&clone->now, disk->now.entries[i].path, copy);
        names_put(&clone->synced, disk->now.entries[i].path, copy);
    }
    return clone;
}

static unsigned char *twin_bytes(const unsigned char *bytes)
{
    if (bytes == NULL) {
        return NULL;
    }
    unsigned char *twin = allocated(malloc(PAGE_BYTES));
    memcpy(twin, bytes, PAGE_BYTES);
    return twin;
}

/* Files that have a twin already, each beside it. */
struct twins {
    const struct file *files[2 * FILES_MAX];
    struct file *twins[2 * FILES_MAX];
    size_t count;
};

static struct file *twin_of(struct twins *twins, const struct file *file)
{
    for (size_t i = 0; i < twins->count; i++) {
        if (twins->files[i] == file) {
            return twins->twins[i];
        }
    }
    struct file *twin = file_create();
    *twin = (struct file){.pages = allocated(calloc(file->pages_count + 1, sizeof *twin->pages)),
                          .pages_count = file->pages_count,
                          .bytes_count = file->bytes_count,
                          .synced_bytes_count = file->synced_bytes_count};
    for (size_t i = 0; i < file->pages_count; i++) {
        twin->pages[i] = file->pages[i];
        twin->pages[i].now = twin_bytes(file->pages[i].now);
        twin->pages[i].synced = twin_bytes(file->pages[i].synced);
    }
    HF_ASSERT(twins->count < 2 * FILES_MAX);
    twins->files[twins->count] = file;
    twins->twins[twins->count++] = twin;
    return twin;
}

struct hf_sim_disk *hf_sim_disk_twin(const struct hf_sim_disk *disk)
{
    struct hf_sim_disk *twin = hf_sim_disk_create();
    struct twins *twins = allocated(calloc(1, sizeof *twins));

    for (size_t i = 0; i < disk->now.count; i++) {
        names_put(&twin->now, disk->now.entries[i].path, twin_of(twins, disk->now.entries[i].file));
    }
    for (size_t i = 0; i < disk->synced.count; i++) {
        names_put(&twin->synced, disk->synced.entries[i].path,
                  twin_of(twins, disk->synced.entries[i].file));
    }
    for (size_t i = 0; i < disk->changes_count; i++) {
        twin->changes[i] = disk->changes[i];
        twin->changes[i].file = twin_of(twins, disk->changes[i].file);
        twin->changes[i].file->links_count++;
    }
    twin->changes_count = disk->changes_count;
    free(twins);
    return twin;
}

/* ------------------------------------------------------------------ faults and looks from outside
 */

void hf_sim_disk_fail(struct hf_sim_disk *disk, const struct hf_sim_fault *fault)
{
    disk->fault = *fault;
    disk->fault_calls = 0;
    disk->has_failed = false;
}

bool hf_sim_disk_has_failed(const struct hf_sim_disk *disk)
{
    return disk->has_failed;
}

uint64_t hf_sim_disk_calls(const struct hf_sim_disk *disk, uint32_t calls)
{
    uint64_t count = 0;
    for (unsigned i = 0; i < HF_SIM_CALLS_COUNT; i++) {
        count += (calls & (1u << i)) != 0 ? disk->calls[i] : 0;
    }
    return count;
}

void hf_sim_disk_hook(struct hf_sim_disk *disk, hf_sim_disk_hook_cb cb, void *arg)
{
    disk->hook_cb = cb;
    disk->hook_arg = arg;
}

bool hf_sim_disk_exists(const struct hf_sim_disk *disk, const char *path)
{
    return find(&disk->now, path) != NULL;
}

static struct file *file_of(const struct hf_sim_disk *disk, const char *path)
{
    const struct entry *entry = find(&disk->now, path);
    HF_ASSERT(entry != NULL);
    return entry->file;
}

uint64_t hf_sim_disk_file_bytes(const struct hf_sim_disk *disk, const char *path)
{
    return file_of(disk, path)->bytes_count;
}

void hf_sim_disk_peek(const struct hf_sim_disk *disk, const char *path, uint64_t offset,
                      void *buffer, size_t bytes_count)
{
    const struct file *file = file_of(disk, path);
    HF_ASSERT(offset + bytes_count <= file->bytes_count);
    file_read(file, buffer, bytes_count, offset);
}

void hf_sim_disk_poke(struct hf_sim_disk *disk, const char *path, uint64_t offset,
                      const void *bytes, size_t bytes_count)
{
    struct file *file = file_of(disk, path);
    HF_ASSERT(offset + bytes_count <= file->bytes_count);
    file_write(file, bytes, bytes_count, offset);
    file_sync(file, false);
}

void hf_sim_disk_flip(struct hf_sim_disk *disk, const char *path, uint64_t offset,
                      unsigned char mask)
{
    unsigned char byte;
    hf_sim_disk_peek(disk, path, offset, &byte, 1);
    byte ^= mask;
    hf_sim_disk_poke(disk, path, offset, &byte, 1);
}

void hf_sim_disk_put(struct hf_sim_disk *disk, const char *path, const void *bytes,
                     size_t bytes_count)
{
    struct file *file = file_create();
    file_write(file, bytes, bytes_count, 0);
    file_sync(file, false);
    names_put(&disk->now, path, file);
    names_put(&disk->synced, path, file);
}

void hf_sim_disk_trim(struct hf_sim_disk *disk, const char *path, uint64_t slack_bytes)
{
    struct file *file = file_of(disk, path);
    uint64_t end = file->pages_count * PAGE_BYTES;
    unsigned char byte = 0;

    while (end > 0 && byte == 0) {
        file_read(file, &byte, 1, --end);
    }
    end = (end + 1 + slack_bytes + SECTOR_BYTES - 1) / SECTOR_BYTES * SECTOR_BYTES;
    if (end < file->bytes_count) {
        file->bytes_count = end;
        file->synced_bytes_count = end;
    }
}

void hf_sim_disk_remove(struct hf_sim_disk *disk, const char *path)
{
    names_remove(&disk->now, path);
    names_remove(&disk->synced, path);
}

const char *hf_sim_disk_name(const struct hf_sim_disk *disk, size_t index)
{
    return index < disk->now.count ? disk->now.entries[index].path : NULL;
}
