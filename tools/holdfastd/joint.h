/*
 * joint.h - where the parts meet: the store of persistence/ becomes the log that net/ asks for.
 *
 *     server --publish, durable_lsn, snapshot--> joint --> threads.h --> log thread, worker
 *     server <--wake------------------------------------------------------'
 *     loop   --each turn, and a timer--> slices of a snapshot that is under way (threads.h)
 *     loop   --each turn, now and then--> memory that the engine will need --> maker.h
 *     feed   --read--> the loop's own pool of threads --> reader.h --> segments
 *
 * A read belongs to one reader from its begin to its end; readers are kept with their places, so
 * that the next read of the same consumer is cheap. One that holds a segment open which retention
 * has dropped rests: the open file would hold its space.
 *
 * Snapshots are driven from two handles of the loop. `prepare` runs once a turn, so that sockets
 * that are never quiet cannot keep one from ending; the timer turns a loop that has nothing else to
 * do. What a turn has appended is published before its slice is copied: the log thread has work
 * then.
 *
 * A log that cannot write or sync ends the program here, at once (DESIGN.md P9): what was not
 * answered stays unanswered, because nobody knows what the disk holds.
 */
#ifndef HF_HOLDFASTD_JOINT_H
#define HF_HOLDFASTD_JOINT_H

#include <uv.h>

#include "engine/growth.h"
#include "net/clock.h"
#include "net/log.h"
#include "net/server.h"
#include "net/steady.h"
#include "persistence/store.h"
#include "persistence/threads.h"
#include "tools/holdfastd/maker.h"

/* Kept between reads; more may be at work at once. */
#define HF_JOINT_READERS_KEPT 4u

struct hf_joint_reader;

struct hf_joint {
    struct hf_store *store;
    struct hf_store_threads *threads; /* NULL until hf_joint_start */
    struct uv_loop_s *loop;           /* likewise */
    struct hf_engine *engine;         /* likewise */
    uv_prepare_t prepare;
    uv_timer_t timer;
    uint64_t timer_ms;      /* of the timer as it is set */
    struct hf_maker *maker; /* NULL: none, and pages are made at first touch */
    struct hf_growth growth;
    uint64_t growth_ms; /* of the loop's time, when it was looked at */
    struct hf_log log;  /* for hf_server_create */
    struct hf_log_epoch *epochs;
    struct hf_server *server;       /* likewise */
    const char *backup_directory;   /* empty: backups are refused */
    struct hf_joint_backup *backup; /* under way; NULL: none */
    bool is_stopping;
    struct hf_joint_reader *readers; /* those that are free, the newest first */
    uint64_t read_only_since_us;     /* 0: the store takes writes */
    uint64_t first_lsn;              /* the store's, when the free readers were last looked after */
};

/* `joint` must stay where it is, and `backup_directory`, too. False: no memory. */
bool hf_joint_init(struct hf_joint *joint, struct hf_store *store, const char *backup_directory);
/* After the server has ended and before the store is closed. Accepts a zeroed joint. */
void hf_joint_release(struct hf_joint *joint);
/* Start the store's threads, which wake `server`. False: they are not to be had. */
bool hf_joint_start(struct hf_joint *joint, struct hf_engine *engine, struct hf_server *server);
/* The server is about to stop: what works in the background and need not end, ends soon. */
void hf_joint_stopping(struct hf_joint *joint);
/* Write and sync all up to `lsn`, the engine's newest, and end the threads. */
void hf_joint_stop(struct hf_joint *joint, uint64_t lsn);

/* The clocks for a server: log time, which begins no earlier than `last_us`, the engine's newest
 * time, and one that cannot be set. */
struct hf_joint_clocks {
    struct hf_clock system;
    struct hf_steady steady;
    struct hf_clock clock; /* for hf_server_create */
};
void hf_joint_clocks_init(struct hf_joint_clocks *clocks, uint64_t last_us);

#endif
