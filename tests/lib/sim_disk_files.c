#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/assert.h"
#include "tests/lib/sim_disk_inside.h"

void *hf_sim_allocated(void *memory)
{
    if (memory == NULL) {
        abort(); /* a test machine without memory has nothing to tell */
    }
    return memory;
}

/* ------------------------------------------------------------------ files */

struct file *hf_sim_file_create(void)
{
    return hf_sim_allocated(calloc(1, sizeof(struct file)));
}

void hf_sim_file_unlink(struct file *file)
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

struct page *hf_sim_page_at(struct file *file, uint64_t offset)
{
    const size_t index = (size_t)(offset / PAGE_BYTES);

    if (index >= file->pages_count) {
        size_t count = file->pages_count == 0 ? 16 : file->pages_count;
        while (count <= index) {
            count *= 2;
        }
        file->pages = hf_sim_allocated(realloc(file->pages, count * sizeof *file->pages));
        memset(file->pages + file->pages_count, 0,
               (count - file->pages_count) * sizeof *file->pages);
        file->pages_count = count;
    }
    return &file->pages[index];
}

unsigned char *hf_sim_page_bytes(unsigned char **bytes)
{
    if (*bytes == NULL) {
        *bytes = hf_sim_allocated(calloc(1, PAGE_BYTES));
    }
    return *bytes;
}

void hf_sim_file_write(struct file *file, const unsigned char *bytes, size_t bytes_count,
                       uint64_t offset)
{
    for (size_t done = 0; done < bytes_count;) {
        struct page *page = hf_sim_page_at(file, offset + done);
        const size_t at = (size_t)((offset + done) % PAGE_BYTES);
        const size_t left = bytes_count - done;
        const size_t part = left < PAGE_BYTES - at ? left : PAGE_BYTES - at;
        if (page->dirty == 0 && page->now != NULL) {
            memcpy(hf_sim_page_bytes(&page->synced), page->now, PAGE_BYTES);
        }
        for (size_t i = at / SECTOR_BYTES; i <= (at + part - 1) / SECTOR_BYTES; i++) {
            page->dirty |= (uint8_t)(1u << i);
        }
        memcpy(hf_sim_page_bytes(&page->now) + at, bytes + done, part);
        done += part;
    }
    if (offset + bytes_count > file->bytes_count) {
        file->bytes_count = offset + bytes_count;
    }
}

void hf_sim_file_read(const struct file *file, unsigned char *bytes, size_t bytes_count,
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

void hf_sim_page_settle(struct page *page)
{
    free(page->synced);
    page->synced = NULL;
    page->dirty = 0;
    page->is_lost = false;
}

void hf_sim_file_truncate(struct file *file, uint64_t bytes_count)
{
    static const unsigned char ZEROS[PAGE_BYTES];

    for (uint64_t at = bytes_count; at < file->bytes_count;) {
        const size_t part = (size_t)(PAGE_BYTES - at % PAGE_BYTES);
        hf_sim_file_write(file, ZEROS, part, at); /* may grow the size for a moment */
        at += part;
    }
    file->bytes_count = bytes_count;
}

void hf_sim_file_sync(struct file *file, bool is_failing)
{
    for (size_t i = 0; i < file->pages_count; i++) {
        struct page *page = &file->pages[i];
        if (page->dirty == 0) {
            continue;
        }
        if (is_failing) {
            page->is_lost = true;
        } else if (!page->is_lost) {
            hf_sim_page_settle(page);
        }
    }
    if (!is_failing) {
        file->synced_bytes_count = file->bytes_count;
    }
}

/* ------------------------------------------------------------------ names */

struct entry *hf_sim_names_find(const struct names *names, const char *path)
{
    for (size_t i = 0; i < names->count; i++) {
        if (strcmp(names->entries[i].path, path) == 0) {
            return (struct entry *)&names->entries[i];
        }
    }
    return NULL;
}

void hf_sim_names_remove(struct names *names, const char *path)
{
    struct entry *entry = hf_sim_names_find(names, path);
    if (entry != NULL) {
        hf_sim_file_unlink(entry->file);
        names->count--;
        memmove(entry, entry + 1, (size_t)(names->entries + names->count - entry) * sizeof *entry);
    }
}

/* Entries stand in the order of their paths. */
void hf_sim_names_put(struct names *names, const char *path, struct file *file)
{
    file->links_count++; /* before the old one goes: it may be the same */
    hf_sim_names_remove(names, path);
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

void hf_sim_names_change(struct names *names, const struct change *change)
{
    if (change->unlinked[0] != '\0') {
        hf_sim_names_remove(names, change->unlinked);
    }
    if (change->linked[0] != '\0') {
        hf_sim_names_put(names, change->linked, change->file);
    }
}
