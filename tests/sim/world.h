/*
 * world.h - a server in a world of our own: clock, disk, network and threads are this file.
 *
 *     client --bytes--> link --> hf_connection --> dispatch --> engine --> ledger ring
 *     client <--bytes-- link <------'   ^ durable LSN                         |
 *                                       '------- hf_store <-- log step -------'
 *                                                   '--> sim_disk (tests/lib)
 *
 * The code of the server, from the first byte of a frame to the last byte on the disk, is the real
 * one. Only the four things that make a run unrepeatable are replaced: what time it is, what the
 * disk does, how bytes travel, and whose turn it is. One thread; every choice comes from `random`,
 * so a seed is a run.
 *
 * The world decides nothing about clients and judges nothing: client.h asks, oracle.h judges.
 * Where holdfastd's loop would do something (server.h, "one turn of the loop"), so does
 * hf_world_turn; what its threads do are hf_world_log_step, _snapshot_step and _spare_step.
 */
#ifndef HF_SIM_WORLD_H
#define HF_SIM_WORLD_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/engine.h"
#include "net/connection.h"
#include "net/dispatch.h"
#include "persistence/store.h"
#include "tests/lib/sim_disk.h"
#include "tests/sim/mortal.h"

#define HF_WORLD_LINKS_MAX 9u
#define HF_WORLD_FOLDER "/data"

struct hf_world;

/* One connection and the bytes on their way through it. */
struct hf_link {
    struct hf_world *world;
    struct hf_connection connection;
    bool is_open;     /* hf_connection_init was called */
    bool is_paused;   /* the server does not read */
    bool is_finished; /* the server has closed */
    struct hf_buffer to_server;
    struct hf_buffer to_client;
};

/* How a server ends. */
enum hf_world_end {
    HF_END_KILL, /* the process: what it had written stays in the system's cache, synced or not */
    HF_END_DROP, /* the power, and nothing that was not synced is there afterwards */
    HF_END_SPOIL,
    HF_END_MIX
};
#define HF_WORLD_ENDS_COUNT 4

struct hf_world {
    uint64_t random;
    uint64_t now_us;
    struct hf_sim_disk *disk;
    struct hf_mortal mortal;
    struct hf_store_config store_config;
    struct hf_engine_config engine_config;
    bool is_replying_early; /* the planted defect: replies leave before their record is durable */

    bool is_up;
    struct hf_engine *engine;
    struct hf_store *store;
    struct hf_log log;
    struct hf_clock clock;
    struct hf_dispatch dispatch;
    struct hf_link links[HF_WORLD_LINKS_MAX];
    uint64_t published_lsn;
    struct hf_snapshot_copy *copy; /* waits for its second half */
    void (*snapshot_done)(void *arg, enum hf_err err, uint64_t lsn);
    void *snapshot_arg;
    uint64_t snapshots_count; /* written, ever */
    char error[1024];         /* of the last boot that failed */
};

void hf_world_init(struct hf_world *world, uint64_t seed);
void hf_world_release(struct hf_world *world);
/* 0 .. sides - 1 */
uint32_t hf_world_roll(struct hf_world *world, uint32_t sides);

/* Start the server on what the disk holds. False: it refuses, with world->error. */
bool hf_world_boot(struct hf_world *world);
/* The server is gone. What is on its way to a client stays on its way. */
void hf_world_end(struct hf_world *world, enum hf_world_end end);
/* The process dies at its nth call to the disk from now, from 1. */
void hf_world_doom(struct hf_world *world, uint64_t nth);
/* The server must stop at once: its log has failed, the power is gone (a lasting fault), or the
 * process has died. */
bool hf_world_is_dying(const struct hf_world *world);

/* A new connection in place of `link`'s; bytes of the old one are forgotten. */
void hf_world_connect(struct hf_world *world, uint32_t link);
/* Some, or all, of what a client has sent reaches the server. */
void hf_world_deliver(struct hf_world *world, uint32_t link, size_t bytes_max);

/* What the loop does besides reading. */
void hf_world_turn(struct hf_world *world);
/* What the log thread does; false: nothing. */
bool hf_world_log_step(struct hf_world *world);
/* The second half of a snapshot, when there is one and the log has got there. */
void hf_world_snapshot_step(struct hf_world *world);
void hf_world_spare_step(struct hf_world *world);

#endif
