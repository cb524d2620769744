#include "persistence/priority.h"

#include <stdint.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

/*
 * Since Linux 6.12 sched_runtime is the slice that a thread of the normal policy asks for, 0.1 to
 * 100 ms, 0 for the system's (sched_setattr(2)). One that is woken and asks for less than the one
 * that runs does not wait for the end of that one's slice, which with few ticks a second is
 * milliseconds. It gets no more of the processor for it, only sooner. Older systems ignore it.
 */
#define PROMPT_SLICE_NS UINT64_C(100000)

#ifdef SYS_sched_setattr
/* As the system has it; the C library has no name for it. */
struct attributes {
    uint32_t size;
    uint32_t policy; /* 0: the normal one */
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t runtime_ns, deadline_ns, period_ns;
};

static void ask(int nice, uint64_t slice_ns)
{
    const struct attributes attributes = {
        .size = sizeof attributes, .nice = nice, .runtime_ns = slice_ns};

    (void)syscall(SYS_sched_setattr, 0, &attributes, 0);
}
#else
static void ask(int nice, uint64_t slice_ns)
{
    (void)nice;
    (void)slice_ns;
}
#endif

void hf_thread_be_prompt(void)
{
    ask(getpriority(PRIO_PROCESS, 0), PROMPT_SLICE_NS);
}

void hf_thread_be_patient(int nice)
{
    ask(nice, 0);
    (void)setpriority(PRIO_PROCESS, 0, nice); /* where the other is not known */
}
