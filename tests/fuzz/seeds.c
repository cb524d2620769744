#include "tests/fuzz/seeds.h"

#include <stdlib.h>
#include <sys/stat.h>

const char *hf_seeds_folder(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        struct stat stat_of;
        if (argv[i][0] != '-' && stat(argv[i], &stat_of) == 0 && S_ISDIR(stat_of.st_mode)) {
            return argv[i];
        }
    }
    return NULL;
}

FILE *hf_seeds_file(const char *folder, const char *kind, const char *name)
{
    char path[512];

    (void)snprintf(path, sizeof path, "%s/%s-%s", folder, kind, name);
    FILE *file = fopen(path, "wb");
    if (file == NULL) {
        perror(path);
        abort();
    }
    return file;
}
