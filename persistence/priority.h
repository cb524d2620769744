/*
 * priority.h - which thread goes first where processors are short.
 *
 *     prompt     the loop, the log     woken, they run at once: somebody waits for a reply
 *     patient    worker, maker         they take what is left
 *
 * On Linux both are a thread's own, and a request that the system does not know or refuses changes
 * nothing. A thread inherits what the one that starts it has asked for, so each asks for itself.
 */
#ifndef HF_PERSISTENCE_PRIORITY_H
#define HF_PERSISTENCE_PRIORITY_H

/* The calling thread, from now on: as patient as `nice` says, 1 .. 19. */
void hf_thread_be_prompt(void);
void hf_thread_be_patient(int nice);

#endif
