#include "tests/sim/mortal.h"

#include <errno.h>
#include <stdbool.h>

/* True when the process makes this call; false when it is dead by now. */
static bool lives(struct hf_mortal *mortal)
{
    if (mortal->calls_left == UINT64_MAX) {
        return true;
    }
    mortal->calls_left -= mortal->calls_left > 0 ? 1 : 0;
    return mortal->calls_left > 0;
}

/* A call that does not happen for the dead. */
#define MORTAL(type, name, parameters, arguments)                                                  \
    static type mortal_##name parameters                                                           \
    {                                                                                              \
        struct hf_mortal *mortal = ctx;                                                            \
        ctx = mortal->disk->ctx;                                                                   \
        return lives(mortal) ? mortal->disk->name arguments : -EIO;                                \
    }

MORTAL(int, open, (void *ctx, const char *path, int flags), (ctx, path, flags))
MORTAL(int64_t, size, (void *ctx, int file), (ctx, file))
MORTAL(int64_t, read, (void *ctx, int file, void *buffer, size_t count, uint64_t offset),
       (ctx, file, buffer, count, offset))
MORTAL(int, allocate, (void *ctx, int file, uint64_t count), (ctx, file, count))
MORTAL(int, truncate, (void *ctx, int file, uint64_t count), (ctx, file, count))
MORTAL(int, sync, (void *ctx, int file), (ctx, file))
MORTAL(int, forget, (void *ctx, int file), (ctx, file))
MORTAL(int, rename, (void *ctx, const char *from, const char *to), (ctx, from, to))
MORTAL(int, unlink, (void *ctx, const char *path), (ctx, path))
MORTAL(int, make_dir, (void *ctx, const char *path), (ctx, path))
MORTAL(int, remove_dir, (void *ctx, const char *path), (ctx, path))
MORTAL(int, sync_dir, (void *ctx, const char *path), (ctx, path))
MORTAL(int, list, (void *ctx, const char *path, void (*cb)(void *arg, const char *name), void *arg),
       (ctx, path, cb, arg))

/* The call in which it dies may have been done in part. */
static int64_t mortal_write(void *ctx, int file, const void *bytes, size_t count, uint64_t offset)
{
    struct hf_mortal *mortal = ctx;
    const bool is_last = mortal->calls_left == 1;

    if (lives(mortal)) {
        return mortal->disk->write(mortal->disk->ctx, file, bytes, count, offset);
    }
    if (is_last) {
        (void)mortal->disk->write(mortal->disk->ctx, file, bytes, count / 2, offset);
    }
    return -EIO;
}

/* The system closes what the dead leave open. */
static int mortal_close(void *ctx, int file)
{
    struct hf_mortal *mortal = ctx;
    return mortal->disk->close(mortal->disk->ctx, file);
}

void hf_mortal_init(struct hf_mortal *mortal, const struct hf_disk *disk)
{
    *mortal = (struct hf_mortal){
        .table = {.ctx = mortal,
                  .open = mortal_open,
                  .close = mortal_close,
                  .size = mortal_size,
                  .read = mortal_read,
                  .write = mortal_write,
                  .allocate = mortal_allocate,
                  .truncate = mortal_truncate,
                  .sync = mortal_sync,
                  .forget = mortal_forget,
                  .rename = mortal_rename,
                  .unlink = mortal_unlink,
                  .make_dir = mortal_make_dir,
                  .remove_dir = mortal_remove_dir,
                  .sync_dir = mortal_sync_dir,
                  .list = mortal_list},
        .disk = disk,
        .calls_left = UINT64_MAX,
    };
}
