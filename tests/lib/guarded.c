#include "tests/lib/guarded.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

void hf_guarded_init(struct hf_guarded *guarded, size_t bytes_max)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);

    guarded->pages_bytes = (bytes_max + page - 1) / page * page;
    guarded->pages = mmap(NULL, guarded->pages_bytes + page, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (guarded->pages == MAP_FAILED ||
        mprotect(guarded->pages + guarded->pages_bytes, page, PROT_NONE) != 0) {
        perror("guarded memory");
        abort();
    }
}

void hf_guarded_release(struct hf_guarded *guarded)
{
    (void)munmap(guarded->pages, guarded->pages_bytes + (size_t)sysconf(_SC_PAGESIZE));
    *guarded = (struct hf_guarded){0};
}

unsigned char *hf_guarded_copy(struct hf_guarded *guarded, const void *bytes, size_t bytes_count)
{
    if (bytes_count > guarded->pages_bytes) {
        abort();
    }
    unsigned char *copy = guarded->pages + guarded->pages_bytes - bytes_count;
    if (bytes_count > 0) {
        memcpy(copy, bytes, bytes_count);
    }
    return copy;
}
