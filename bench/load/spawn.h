/*
 * spawn.h - a holdfastd of our own for one run: started beside this program, stopped at the end.
 *
 * Its data lies in a new folder beside the program (so below build/, on a real disk: a figure for
 * `sync` on a memory file system means nothing), and is removed afterwards, also when the run is
 * interrupted (SIGINT, SIGTERM, SIGHUP). One at a time, begun before any other thread is.
 */
#ifndef HF_BENCH_SPAWN_H
#define HF_BENCH_SPAWN_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define HF_SPAWN_PATH_BYTES 4096
#define HF_SPAWN_ERROR_BYTES 512

struct hf_spawn {
    pid_t pid; /* 0: none */
    char folder[HF_SPAWN_PATH_BYTES];
    char address[300];
};

struct hf_spawn_options {
    const char *durability;
    uint64_t reservations; /* room for so many; */
    uint64_t references;   /* names remembered */
    uint32_t skus;
};

/* Start the server and wait until it serves. False: `error` says why; hf_spawn_stop cleans up. */
bool hf_spawn_start(struct hf_spawn *spawn, const struct hf_spawn_options *options, char *error);
/* Processor time it has used, in seconds. */
double hf_spawn_cpu_s(const struct hf_spawn *spawn);
/* Kill it and remove its folder. False: something of it is left. Accepts one that never started. */
bool hf_spawn_stop(struct hf_spawn *spawn);

#endif
