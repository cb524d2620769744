/*
 * joint.h - where the parts meet: the store of persistence/ becomes the log that net/ asks for.
 *
 *     server --publish, durable_lsn, snapshot--> joint --> threads.h --> log thread, worker
 *     server <--wake------------------------------------------------------'
 *
 * A log that cannot write or sync ends the program here, at once (DESIGN.md P9): what was not
 * answered stays unanswered, because nobody knows what the disk holds.
 */
#ifndef HF_HOLDFASTD_JOINT_H
#define HF_HOLDFASTD_JOINT_H

#include "net/clock.h"
#include "net/log.h"
#include "net/server.h"
#include "persistence/store.h"
#include "persistence/threads.h"

struct hf_joint {
    struct hf_store *store;
    struct hf_store_threads *threads; /* NULL until hf_joint_start */
    struct hf_log log;                /* for hf_server_create */
};

/* `joint` must stay where it is. */
void hf_joint_init(struct hf_joint *joint, struct hf_store *store);
/* Start the store's threads, which wake `server`. False: they are not to be had. */
bool hf_joint_start(struct hf_joint *joint, struct hf_engine *engine, struct hf_server *server);
/* Write and sync all up to `lsn`, the engine's newest, and end the threads. */
void hf_joint_stop(struct hf_joint *joint, uint64_t lsn);

/* The clocks of the system. */
struct hf_clock hf_joint_clock(void);

#endif
