#include "bench/load/memory.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PATH_BYTES 64

/* The figure of a line "NAME:   123 kB" in /proc/PID/status. */
static uint64_t read_status(pid_t pid, const char *name)
{
    char path[PATH_BYTES];
    char line[256];
    uint64_t kib = 0;

    (void)snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    FILE *status = fopen(path, "r");
    while (status != NULL && fgets(line, sizeof line, status) != NULL) {
        if (strncmp(line, name, strlen(name)) == 0 &&
            sscanf(line + strlen(name), ": %" SCNu64 " kB", &kib) == 1) {
            break;
        }
    }
    if (status != NULL) {
        (void)fclose(status);
    }
    return kib * 1024;
}

uint64_t hf_memory_now(pid_t pid)
{
    return read_status(pid, "VmRSS");
}

uint64_t hf_memory_peak(pid_t pid)
{
    return read_status(pid, "VmHWM");
}

void hf_memory_reset_peak(pid_t pid)
{
    char path[PATH_BYTES];

    (void)snprintf(path, sizeof path, "/proc/%d/clear_refs", (int)pid);
    const int file = open(path, O_WRONLY | O_CLOEXEC);
    if (file >= 0) {
        (void)!write(file, "5", 1); /* proc(5): the peak only */
        (void)close(file);
    }
}
