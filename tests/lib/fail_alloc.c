#include "tests/lib/fail_alloc.h"

#include <errno.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/types.h>

#include "engine/assert.h"

void *__real_malloc(size_t bytes_count);
void *__real_calloc(size_t count, size_t bytes_count);
void *__real_realloc(void *memory, size_t bytes_count);
void *__real_mmap(void *address, size_t bytes_count, int protection, int flags, int file,
                  off_t offset);
void *__wrap_malloc(size_t bytes_count);
void *__wrap_calloc(size_t count, size_t bytes_count);
void *__wrap_realloc(void *memory, size_t bytes_count);
void *__wrap_mmap(void *address, size_t bytes_count, int protection, int flags, int file,
                  off_t offset);

static uint64_t fail_nth;
static uint64_t calls_count;
static bool is_lasting_from_there;
static bool has_struck;
static unsigned paused;

void hf_fail_alloc(uint64_t nth, bool is_lasting)
{
    fail_nth = nth;
    calls_count = 0;
    is_lasting_from_there = is_lasting;
    has_struck = false;
}

bool hf_fail_alloc_has_struck(void)
{
    return has_struck;
}

void hf_fail_alloc_pause(void)
{
    paused++;
}

void hf_fail_alloc_resume(void)
{
    HF_ASSERT(paused > 0);
    paused--;
}

static bool strikes(void)
{
    if (fail_nth == 0 || paused > 0) {
        return false;
    }
    calls_count++;
    if (calls_count == fail_nth || (is_lasting_from_there && calls_count > fail_nth)) {
        has_struck = true;
        errno = ENOMEM;
        return true;
    }
    return false;
}

void *__wrap_malloc(size_t bytes_count)
{
    return strikes() ? NULL : __real_malloc(bytes_count);
}

void *__wrap_calloc(size_t count, size_t bytes_count)
{
    return strikes() ? NULL : __real_calloc(count, bytes_count);
}

void *__wrap_realloc(void *memory, size_t bytes_count)
{
    return strikes() ? NULL : __real_realloc(memory, bytes_count);
}

void *__wrap_mmap(void *address, size_t bytes_count, int protection, int flags, int file,
                  off_t offset)
{
    return strikes() ? MAP_FAILED
                     : __real_mmap(address, bytes_count, protection, flags, file, offset);
}
