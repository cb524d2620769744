/*
 * disk.h - every system call on files that log, snapshot and recovery make, as a table.
 *
 * The real table is hf_disk_posix(); tests put a disk in memory behind the same calls that keeps,
 * drops or spoils what was not synced (tests/lib/sim_disk.h), or fails the n-th call.
 *
 * Results: 0 or a count when it worked, a negative errno otherwise. No call retries by itself
 * except for EINTR. Paths are zero-terminated. Files are small numbers chosen by the table.
 */
#ifndef HF_PERSISTENCE_DISK_H
#define HF_PERSISTENCE_DISK_H

#include <stddef.h>
#include <stdint.h>

enum hf_disk_open_flag {
    HF_DISK_READ = 0,
    HF_DISK_WRITE = 1,  /* read and write */
    HF_DISK_CREATE = 2, /* create; the file must not exist (-EEXIST) */
    HF_DISK_LOCK = 4,   /* hold an exclusive lock while open; -EAGAIN when another process does */
    HF_DISK_PATIENT = 8 /* for that lock wait HF_DISK_PATIENCE_MS, no more: who only looks whether a
                           directory is in use (holdfast-log) holds it for a moment */
};
#define HF_DISK_PATIENCE_MS 500u

struct hf_disk {
    void *ctx;
    int (*open)(void *ctx, const char *path, int flags);
    int (*close)(void *ctx, int file);
    int64_t (*size)(void *ctx, int file);
    /* Read or write exactly `bytes_count` at `offset`; a read stops short only at the end of file.
     */
    int64_t (*read)(void *ctx, int file, void *buffer, size_t bytes_count, uint64_t offset);
    int64_t (*write)(void *ctx, int file, const void *bytes, size_t bytes_count, uint64_t offset);
    /* Give the file `bytes_count` bytes of real space; new ones read as zeros. -ENOSPC early. */
    int (*allocate)(void *ctx, int file, uint64_t bytes_count);
    int (*truncate)(void *ctx, int file, uint64_t bytes_count);
    int (*sync)(void *ctx, int file); /* data and what is needed to read it back: fdatasync */
    /*
     * Begin to write what was put at [offset, offset + bytes_count) to the disk. Does not wait and
     * promises nothing: a sync will come later, and finds less to do. NULL: there is nothing in it.
     */
    void (*write_out)(void *ctx, int file, uint64_t offset, uint64_t bytes_count);
    /*
     * Let go of what memory keeps of the file and does not mean to write any more: what is read
     * next is what the disk has, or what a sync will still write. After a sync that has failed the
     * system may keep bytes that the disk never got and no later sync covers.
     */
    int (*forget)(void *ctx, int file);
    int (*rename)(void *ctx, const char *from, const char *to);
    int (*unlink)(void *ctx, const char *path);
    int (*is_link)(void *ctx, const char *path);    /* 1: a symbolic link; 0: not, or nothing */
    int (*make_dir)(void *ctx, const char *path);   /* 0 also when it is there already */
    int (*remove_dir)(void *ctx, const char *path); /* an empty one */
    int (*sync_dir)(void *ctx, const char *path);
    /* Call `cb` with the name of each entry but "." and ".."; in no order. */
    int (*list)(void *ctx, const char *path, void (*cb)(void *arg, const char *name), void *arg);
};

const struct hf_disk *hf_disk_posix(void);

#endif
