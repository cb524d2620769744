/*
 * sim_disk_inside.h - what the files of the simulated disk (sim_disk.h) share.
 *
 *     sim_disk.c          the table, faults, power
 *     sim_disk_files.c    pages, files, names
 *     sim_disk_outside.c  copies of a disk, and looks at one
 */
#ifndef HF_TESTS_SIM_DISK_INSIDE_H
#define HF_TESTS_SIM_DISK_INSIDE_H

#include "tests/lib/sim_disk.h"

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

void *hf_sim_allocated(void *memory);
struct file *hf_sim_file_create(void);
/* One name, change or handle less; the last one frees it. */
void hf_sim_file_unlink(struct file *file);
/* The page of this place, made when there is none. */
struct page *hf_sim_page_at(struct file *file, uint64_t offset);
/* *bytes, made as zeros when there are none. */
unsigned char *hf_sim_page_bytes(unsigned char **bytes);
void hf_sim_file_write(struct file *file, const unsigned char *bytes, size_t bytes_count,
                       uint64_t offset);
void hf_sim_file_read(const struct file *file, unsigned char *bytes, size_t bytes_count,
                      uint64_t offset);
/* What it holds now is what the disk has. */
void hf_sim_page_settle(struct page *page);
void hf_sim_file_truncate(struct file *file, uint64_t bytes_count);
/* `is_failing`: no later sync covers what was dirty. */
void hf_sim_file_sync(struct file *file, bool is_failing);
/* NULL: there is none by that name. */
struct entry *hf_sim_names_find(const struct names *names, const char *path);
void hf_sim_names_remove(struct names *names, const char *path);
/* In the place of any other by that name. */
void hf_sim_names_put(struct names *names, const char *path, struct file *file);
void hf_sim_names_change(struct names *names, const struct change *change);

#endif
