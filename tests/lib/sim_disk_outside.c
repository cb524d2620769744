#include <stdlib.h>
#include <string.h>

#include "engine/assert.h"
#include "tests/lib/sim_disk_inside.h"

/* ------------------------------------------------------------------ copies */

struct hf_sim_disk *hf_sim_disk_clone(const struct hf_sim_disk *disk)
{
    struct hf_sim_disk *clone = hf_sim_disk_create();

    for (size_t i = 0; i < disk->now.count; i++) {
        const struct file *file = disk->now.entries[i].file;
        struct file *copy = hf_sim_file_create();
        for (size_t at = 0; at < file->pages_count; at++) {
            if (file->pages[at].now != NULL) {
                struct page *page = hf_sim_page_at(copy, at * PAGE_BYTES);
                memcpy(hf_sim_page_bytes(&page->now), file->pages[at].now, PAGE_BYTES);
            }
        }
        copy->bytes_count = file->bytes_count;
        copy->synced_bytes_count = file->bytes_count;
        hf_sim_names_put(&clone->now, disk->now.entries[i].path, copy);
        hf_sim_names_put(&clone->synced, disk->now.entries[i].path, copy);
    }
    return clone;
}

static unsigned char *twin_bytes(const unsigned char *bytes)
{
    if (bytes == NULL) {
        return NULL;
    }
    unsigned char *twin = hf_sim_allocated(malloc(PAGE_BYTES));
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
    struct file *twin = hf_sim_file_create();
    *twin =
        (struct file){.pages = hf_sim_allocated(calloc(file->pages_count + 1, sizeof *twin->pages)),
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
    struct twins *twins = hf_sim_allocated(calloc(1, sizeof *twins));

    for (size_t i = 0; i < disk->now.count; i++) {
        hf_sim_names_put(&twin->now, disk->now.entries[i].path,
                         twin_of(twins, disk->now.entries[i].file));
    }
    for (size_t i = 0; i < disk->synced.count; i++) {
        hf_sim_names_put(&twin->synced, disk->synced.entries[i].path,
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

/* ------------------------------------------------------------------ looks */

bool hf_sim_disk_exists(const struct hf_sim_disk *disk, const char *path)
{
    return hf_sim_names_find(&disk->now, path) != NULL;
}

static struct file *file_of(const struct hf_sim_disk *disk, const char *path)
{
    const struct entry *entry = hf_sim_names_find(&disk->now, path);
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
    hf_sim_file_read(file, buffer, bytes_count, offset);
}

void hf_sim_disk_poke(struct hf_sim_disk *disk, const char *path, uint64_t offset,
                      const void *bytes, size_t bytes_count)
{
    struct file *file = file_of(disk, path);
    HF_ASSERT(offset + bytes_count <= file->bytes_count);
    hf_sim_file_write(file, bytes, bytes_count, offset);
    hf_sim_file_sync(file, false);
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
    struct file *file = hf_sim_file_create();
    hf_sim_file_write(file, bytes, bytes_count, 0);
    hf_sim_file_sync(file, false);
    hf_sim_names_put(&disk->now, path, file);
    hf_sim_names_put(&disk->synced, path, file);
}

void hf_sim_disk_trim(struct hf_sim_disk *disk, const char *path, uint64_t slack_bytes)
{
    struct file *file = file_of(disk, path);
    uint64_t end = file->pages_count * PAGE_BYTES;
    unsigned char byte = 0;

    while (end > 0 && byte == 0) {
        hf_sim_file_read(file, &byte, 1, --end);
    }
    end = (end + 1 + slack_bytes + SECTOR_BYTES - 1) / SECTOR_BYTES * SECTOR_BYTES;
    if (end < file->bytes_count) {
        file->bytes_count = end;
        file->synced_bytes_count = end;
    }
}

void hf_sim_disk_remove(struct hf_sim_disk *disk, const char *path)
{
    hf_sim_names_remove(&disk->now, path);
    hf_sim_names_remove(&disk->synced, path);
}

const char *hf_sim_disk_name(const struct hf_sim_disk *disk, size_t index)
{
    return index < disk->now.count ? disk->now.entries[index].path : NULL;
}
