/*
 * world.h - what all nodes and clients of a simulation share: the time, and chance.
 *
 *     world --now_us, random--> node (node.h)  <--links-->  client.h, consumer.h
 *                               node ...                    judged by oracle.h
 *
 * A node is a server with a disk and a clock of its own; there is one so far, and nothing here or
 * there is global, so that a primary and its standbys can stand side by side in one world.
 *
 * All chance of a run comes from `random` and from the plan (plan.h), so a seed is a run.
 */
#ifndef HF_SIM_WORLD_H
#define HF_SIM_WORLD_H

#include <stdint.h>

#include "tests/lib/history.h"

#define HF_WORLD_START_US UINT64_C(1700000000000000)

struct hf_world {
    uint64_t random;
    uint64_t now_us; /* the true time; a node's clock may show another one */
};

/* 0 .. sides - 1 */
static inline uint32_t hf_roll(struct hf_world *world, uint32_t sides)
{
    return hf_random(&world->random, sides);
}

#endif
