#include "tests/lib/folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void demand(bool is_done, const char *what, const char *path)
{
    if (!is_done) {
        (void)fprintf(stderr, "folder: could not %s \"%s\": %s\n", what, path, strerror(errno));
        abort();
    }
}

static void copy_file(const char *from, const char *to)
{
    static char bytes[64 * 1024];
    const int in = open(from, O_RDONLY | O_CLOEXEC);
    demand(in >= 0, "open", from);
    const int out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    demand(out >= 0, "write", to);
    for (;;) {
        const ssize_t count = read(in, bytes, sizeof bytes);
        demand(count >= 0, "read", from);
        if (count == 0) {
            break;
        }
        demand(write(out, bytes, (size_t)count) == count, "write", to);
    }
    demand(close(in) == 0, "close", from);
    demand(close(out) == 0, "close", to);
}

/* Call `act` with the path of each file, and with one of the same name in `other`. */
static void for_each(const char *folder, const char *other,
                     void (*act)(const char *path, const char *beside))
{
    char path[1024];
    char beside[1024];
    DIR *entries = opendir(folder);

    demand(entries != NULL, "list", folder);
    for (struct dirent *entry; (entry = readdir(entries)) != NULL;) {
        (void)snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        (void)snprintf(beside, sizeof beside, "%s/%s", other, entry->d_name);
        if (entry->d_name[0] != '.' && entry->d_type != DT_DIR) {
            act(path, beside);
        }
    }
    (void)closedir(entries);
}

static void remove_file(const char *path, const char *beside)
{
    (void)beside;
    demand(unlink(path) == 0, "remove", path);
}

void hf_folder_copy(const char *from, const char *to)
{
    if (mkdir(to, 0700) != 0) {
        demand(errno == EEXIST, "make", to);
        for_each(to, to, remove_file);
    }
    for_each(from, to, copy_file);
}
