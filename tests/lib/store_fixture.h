/*
 * store_fixture.h - an engine and its store over a simulated disk, driven by hand, in one thread.
 *
 *     struct hf_store_fixture fixture;
 *     hf_store_fixture_init(&fixture);
 *     assert_true(hf_store_fixture_open(&fixture));
 *     hf_store_fixture_work(&fixture, 100);          a hundred operations, not written yet
 *     hf_store_fixture_drain(&fixture);              written, synced as the durability asks
 *     hf_store_fixture_crash(&fixture, HF_SIM_MIX, seed);
 *     assert_true(hf_store_fixture_open(&fixture));  recovered
 *     hf_store_fixture_check(&fixture);              LSN >= synced, digest as it was at that LSN
 *     hf_store_fixture_release(&fixture);
 *
 * The fixture remembers the digest after every operation, so that what is recovered can be
 * compared with the very moment of history it must be.
 */
#ifndef HF_TESTS_STORE_FIXTURE_H
#define HF_TESTS_STORE_FIXTURE_H

#include "engine/engine.h"
#include "persistence/store.h"
#include "tests/lib/sim_disk.h"

#define HF_FIXTURE_FOLDER "/data"
#define HF_FIXTURE_SEGMENT_1 HF_FIXTURE_FOLDER "/wal-00000000000000000001.log"

struct hf_store_fixture {
    struct hf_sim_disk *disk;
    const struct hf_disk *table; /* what the store is given; NULL: the table of `disk` itself */
    /* Called before and after what takes memory for the test itself, when allocations are failed on
     * purpose; NULL: nothing is. */
    void (*own_memory_cb)(bool is_begin);
    struct hf_store_config config; /* may be changed before an open */
    struct hf_engine_config engine_config;
    struct hf_engine *engine; /* NULL while closed */
    struct hf_store *store;   /* NULL while closed */
    char error[1024];         /* of the last open that failed */
    char *log;                /* lines of the report, each with its level before it */
    size_t log_bytes;

    uint64_t now_us;
    uint64_t random;      /* of the operations */
    uint64_t names_count; /* of references and reservations given out so far */
    uint64_t
        acked_lsn; /* largest synced LSN that was ever seen; in sync mode it is the durable one */
    struct hf_digest *digests; /* [lsn]; both zero: not at the end of an operation */
    uint64_t digests_max;
};

void hf_store_fixture_init(struct hf_store_fixture *fixture);
void hf_store_fixture_release(struct hf_store_fixture *fixture);

/* A new engine, recovered from the disk. False: refused, with fixture->error. */
bool hf_store_fixture_open(struct hf_store_fixture *fixture);
/* Close without writing anything, as a process that ends; the disk keeps what it has. */
void hf_store_fixture_close(struct hf_store_fixture *fixture);
/* Close, and lose power. */
void hf_store_fixture_crash(struct hf_store_fixture *fixture, enum hf_sim_fate fate, uint64_t seed);

/* Random operations, published one by one; linked groups and large ones among them. */
void hf_store_fixture_work(struct hf_store_fixture *fixture, uint32_t operations_count);
/* Operations of every kind (any_operation.h), some of them linked; also expiries that are due. */
void hf_store_fixture_work_any(struct hf_store_fixture *fixture, uint32_t operations_count);
/* One operation of `lines_count` lines, whose record is large and compresses badly. */
void hf_store_fixture_work_large(struct hf_store_fixture *fixture, uint32_t lines_count);
/* Log steps until there is nothing to do; remembers the synced LSN. False: the log has failed. */
bool hf_store_fixture_drain(struct hf_store_fixture *fixture);
/* Drain, sync, copy and write a snapshot. */
enum hf_err hf_store_fixture_snapshot(struct hf_store_fixture *fixture);

/* Fails the test unless the engine is at an LSN that is durable, exactly as it was there. Forgets
 * what came after that LSN: it is not history any more. */
void hf_store_fixture_check(struct hf_store_fixture *fixture);
/* Fails the test unless the audit of the engine is clean. */
void hf_store_fixture_audit(struct hf_store_fixture *fixture);
/* True when a line of the report holds `text`. */
bool hf_store_fixture_said(const struct hf_store_fixture *fixture, const char *text);

#endif
