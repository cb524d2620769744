/* memory.h - what a process of ours has in memory, and at most had since a moment. Linux' /proc. */
#ifndef HF_BENCH_MEMORY_H
#define HF_BENCH_MEMORY_H

#include <stdint.h>
#include <sys/types.h>

/* Resident bytes now, and the most since the last reset. 0: not known. */
uint64_t hf_memory_now(pid_t pid);
uint64_t hf_memory_peak(pid_t pid);
/* The peak counts from now on. Where that is not allowed it goes on counting. */
void hf_memory_reset_peak(pid_t pid);

#endif
