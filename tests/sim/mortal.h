/*
 * mortal.h - the disk as a process that may die sees it.
 *
 * After `calls_left` more calls nothing that the process does reaches the disk any more, as after
 * kill -9 between two system calls. What it had written stays in the system's cache, synced or
 * not; sim_disk.h knows of it, so that a loss of power later may still take it.
 */
#ifndef HF_SIM_MORTAL_H
#define HF_SIM_MORTAL_H

#include <stdint.h>

#include "persistence/disk.h"

struct hf_mortal {
    struct hf_disk table; /* for the code under test */
    const struct hf_disk *disk;
    uint64_t calls_left; /* UINT64_MAX: it lives on; 0: it is dead */
};

/* A process that lives on. `mortal` must stay where it is. */
void hf_mortal_init(struct hf_mortal *mortal, const struct hf_disk *disk);

#endif
