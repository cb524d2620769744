/*
 * node.h - a server in a world of our own: clock, disk, network and threads are this file.
 *
 *     client --bytes--> link --> hf_connection --> dispatch --> engine --> ledger ring
 *     client <--bytes-- link <------'   ^ durable LSN   feed               |
 *                                       '------- hf_store <-- log step ----'
 *                                                   '--> mortal --> mirror --> sim_disk (tests/lib)
 *
 * The code of the server, from the first byte of a frame to the last byte on the disk, is the real
 * one. Only the four things that make a run unrepeatable are replaced: what time it is, what the
 * disk does, how bytes travel, and whose turn it is. One thread; every choice comes from the
 * world's `random`, so a seed is a run.
 *
 * A node decides nothing about clients and judges nothing: client.h asks, oracle.h judges.
 * Where holdfastd's loop would do something (server.h, "one turn of the loop"), so does
 * hf_node_turn; what its threads do are the steps: _log_step, _snapshot_step, _spare_step,
 * _read_step.
 *
 * A link is a connection. When the two ends disagree about whether it is still there, the server's
 * end is an orphan: what had been sent may still reach it, late, and its replies reach nobody.
 */
#ifndef HF_SIM_NODE_H
#define HF_SIM_NODE_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/engine.h"
#include "net/connection.h"
#include "net/dispatch.h"
#include "persistence/reader.h"
#include "persistence/store.h"
#include "tests/lib/sim_disk.h"
#include "tests/sim/mirror.h"
#include "tests/sim/mortal.h"
#include "tests/sim/world.h"

#define HF_NODE_LINKS_MAX 16u
#define HF_NODE_LINK_NONE UINT32_MAX
#define HF_NODE_READS_MAX 8u
#define HF_NODE_FOLDER "/data"

struct hf_node;

/* One connection and the bytes on their way through it. */
struct hf_link {
    struct hf_node *node;
    struct hf_connection connection;
    bool is_open;     /* the server has a connection here */
    bool is_orphan;   /* ... whose client has gone without a word */
    bool is_paused;   /* the server does not read */
    bool is_finished; /* the server has closed */
    uint32_t life;    /* counts the connections that were here */
    struct hf_buffer to_server;
    struct hf_buffer to_client;
};

/* How a server ends. */
enum hf_node_end {
    HF_END_KILL, /* the process: what it had written stays in the system's cache, synced or not */
    HF_END_DROP, /* the power, and nothing that was not synced is there afterwards */
    HF_END_SPOIL,
    HF_END_MIX
};
#define HF_NODE_ENDS_COUNT 4
#define HF_NODE_GROUPS_COUNT 3 /* so many of the newest groups are remembered */

struct hf_node_read {
    uint64_t from_lsn;
    size_t bytes_max;
    hf_log_records_cb done;
    void *arg;
};

struct hf_node {
    struct hf_world *world;
    int64_t clock_offset_us; /* its clock shows the world's time and this */
    struct hf_sim_disk *disk;
    struct hf_mirror mirror;
    struct hf_mortal mortal;
    struct hf_store_config store_config;
    struct hf_engine_config engine_config;
    bool is_power_cut;      /* the disk's fault, once it strikes, is that the power has gone */
    bool is_spare_late;     /* the spare segment is not made for now */
    bool is_replying_early; /* a planted defect: replies leave before their record is durable */

    bool is_up;
    struct hf_engine *engine;
    struct hf_store *store;
    struct hf_log log;
    struct hf_log_epoch epochs[4];
    struct hf_clock clock;
    struct hf_dispatch dispatch;
    struct hf_feed feed;
    struct hf_log_reader reader;
    struct hf_node_read reads[HF_NODE_READS_MAX]; /* oldest first */
    uint32_t reads_count;
    struct hf_link links[HF_NODE_LINKS_MAX];
    uint64_t published_lsn;
    uint64_t fed_us;                           /* when the feed last had a round for everyone */
    uint64_t group_lsns[HF_NODE_GROUPS_COUNT]; /* the log was synced up to here before the newest
                                                  group, before the one before it, ... */
    bool has_grouped;                          /* the newest one was written since the boot */
    bool has_arrived;                          /* a read of the feed has ended */
    void (*snapshot_done)(void *arg, enum hf_err err, uint64_t lsn);
    void *snapshot_arg;
    uint64_t snapshots_count; /* written, ever */
    char error[1024];         /* of the last boot that failed */
};

/* `node` must stay where it is. */
void hf_node_init(struct hf_node *node, struct hf_world *world);
void hf_node_release(struct hf_node *node);
/* What its clock shows. */
uint64_t hf_node_now_us(const struct hf_node *node);
/* It works on `disk` from now on, which it owns; the one before is freed. It must be down. */
void hf_node_replace_disk(struct hf_node *node, struct hf_sim_disk *disk);

/* Start the server on what the disk holds. False: it refuses, with node->error. */
bool hf_node_boot(struct hf_node *node);
/* The server is gone. What is on its way to a client stays on its way. */
void hf_node_end(struct hf_node *node, enum hf_node_end end);
/* The process dies at its nth call to the disk from now, from 1. */
void hf_node_doom(struct hf_node *node, uint64_t nth);
/* The server must stop at once: its log has failed, the power is gone, or the process has died. */
bool hf_node_is_dying(const struct hf_node *node);

/* A new connection; HF_NODE_LINK_NONE: all links are taken. */
uint32_t hf_node_connect(struct hf_node *node);
/* The connection breaks, and the server is told: by a reset, or by an end that it may answer. */
void hf_node_cut(struct hf_node *node, uint32_t link, bool is_reset);
/* The client has gone without a word. */
void hf_node_orphan(struct hf_node *node, uint32_t link);
/* Some, or all, of what a client has sent reaches the server. */
void hf_node_deliver(struct hf_node *node, uint32_t link, size_t bytes_max);

/* What the loop does besides reading. */
void hf_node_turn(struct hf_node *node);
/* What the log thread does; false: nothing. */
bool hf_node_log_step(struct hf_node *node);
/* The second half of a snapshot, when there is one and the log has got there. */
void hf_node_snapshot_step(struct hf_node *node);
void hf_node_spare_step(struct hf_node *node);
/* The oldest read that the feed has asked for. */
void hf_node_read_step(struct hf_node *node);

#endif
