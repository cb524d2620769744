#include "tests/lib/sim_disk.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/assert.h"
#include "tests/lib/sim_disk_inside.h"

/* splitmix64 */
static uint64_t next_random(struct hf_sim_disk *disk)
{
    uint64_t z = (disk->random += UINT64_C(0x9E3779B97F4A7C15));
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

/* ------------------------------------------------------------------ names */

static void add_change(struct hf_sim_disk *disk, const char *unlinked, const char *linked,
                       struct file *file)
{
    HF_ASSERT(disk->changes_count < CHANGES_MAX);
    struct change *change = &disk->changes[disk->changes_count++];
    (void)snprintf(change->unlinked, PATH_BYTES_MAX, "%s", unlinked);
    (void)snprintf(change->linked, PATH_BYTES_MAX, "%s", linked);
    change->file = file;
    file->links_count++;
    hf_sim_names_change(&disk->now, change);
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
    struct entry *entry = hf_sim_names_find(&disk->now, path);
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
        add_change(disk, "", path, hf_sim_file_create());
        entry = hf_sim_names_find(&disk->now, path);
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
    hf_sim_file_unlink(handle->file);
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
    hf_sim_file_read(handle->file, buffer, part, offset);
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
        hf_sim_file_write(handle->file, bytes, part, offset);
        return disk->fault.is_short ? (int64_t)part : -disk->fault.error;
    }
    if (is_full_for(disk, handle->file, offset + bytes_count)) {
        return -ENOSPC;
    }
    hf_sim_file_write(handle->file, bytes, bytes_count, offset);
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
    hf_sim_file_truncate(handle->file, bytes_count);
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
        hf_sim_file_sync(handle->file, true);
        return -disk->fault.error;
    }
    hf_sim_file_sync(handle->file, false);
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
            hf_sim_page_settle(page);
        }
    }
    return 0;
}

/* A folder is what its files' names begin with; all of them get their new ones. */
static int rename_folder(struct hf_sim_disk *disk, const char *from, const char *to)
{
    bool is_any = false;

    for (size_t i = 0; i < disk->now.count;) {
        const struct entry entry = disk->now.entries[i];
        if (!is_in(entry.path, from)) {
            i++;
            continue;
        }
        char path[PATH_BYTES_MAX];
        (void)snprintf(path, sizeof path, "%s%s", to, entry.path + strlen(from));
        add_change(disk, entry.path, path, entry.file);
        is_any = true;
        i = 0; /* the list has another order now */
    }
    return is_any ? 0 : -ENOENT;
}

static int sim_rename(void *ctx, const char *from, const char *to)
{
    struct hf_sim_disk *disk = ctx;

    if (strikes(disk, HF_SIM_RENAME, to)) {
        return -disk->fault.error;
    }
    const struct entry *entry = hf_sim_names_find(&disk->now, from);
    if (entry == NULL) {
        return rename_folder(disk, from, to);
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
    const struct entry *entry = hf_sim_names_find(&disk->now, path);
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

static int sim_is_link(void *ctx, const char *path)
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
            hf_sim_names_change(&disk->synced, change);
            hf_sim_file_unlink(change->file);
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
    struct hf_sim_disk *disk = hf_sim_allocated(calloc(1, sizeof *disk));
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
        .is_link = sim_is_link,
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
        hf_sim_file_unlink(names->entries[--names->count].file);
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
        hf_sim_file_unlink(disk->changes[i].file);
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
    unsigned char *now = hf_sim_page_bytes(&page->now);

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
    hf_sim_page_settle(page);
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
            hf_sim_file_truncate(file, file->synced_bytes_count);
        }
        file->bytes_count = file->synced_bytes_count;
    }
    hf_sim_file_sync(file, false);
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
            hf_sim_names_change(&disk->synced, change);
        }
        hf_sim_file_unlink(change->file);
    }
    disk->changes_count = 0;
    forget_names(&disk->now);
    for (size_t i = 0; i < disk->synced.count; i++) {
        crash_file(disk, disk->synced.entries[i].file, fate);
        hf_sim_names_put(&disk->now, disk->synced.entries[i].path, disk->synced.entries[i].file);
    }
}

/* ------------------------------------------------------------------ faults from outside */

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
