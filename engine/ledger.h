/*
 * ledger.h - the newest records, in memory, in the order of their LSN.
 *
 *     bytes   | rec 7 | rec 8 | ... | rec 41 |   free   |   a ring; a record never wraps
 *     entries   [7 & mask] [8 & mask] ...                    LSN -> where its bytes are
 *                 ^ first_lsn                ^ last_lsn
 *
 * A record is written here once, in its final form (record.h), and read from here by the log
 * thread, by ledger queries and by the change feed. The oldest make room for the newest, but not
 * past the pin: records after `pinned_lsn` are still needed by the log and are not dropped. And no
 * record is taken in for which the log has no place on the disk (hf_ledger_limit).
 *
 * Threads: the engine's thread writes. Another thread may read the records of LSNs that it has
 * been told of (with release/acquire) and that are after the pin (hf_ledger_span).
 */
#ifndef HF_ENGINE_LEDGER_H
#define HF_ENGINE_LEDGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/err.h"

struct hf_ledger_entry {
    uint64_t offset;           /* of the record in `bytes` */
    uint32_t bytes_count : 31; /* of the record */
    uint32_t has_order : 1;
    uint32_t order_chain; /* last_lsn distance to the previous record of the same order; 0: none */
};

struct hf_ledger {
    unsigned char *bytes;
    uint64_t bytes_max;
    struct hf_ledger_entry *entries;
    uint64_t entries_max; /* a power of two */
    uint64_t first_lsn;   /* oldest record here; last_lsn + 1 when there is none */
    uint64_t last_lsn;
    uint64_t head;          /* offset where the next record goes */
    uint64_t pinned_lsn;    /* records with a larger LSN stay; the log's durable LSN */
    uint64_t pushed_bytes;  /* of all records that were pushed and not taken back */
    uint64_t pushed_max;    /* what pushed_bytes may come to; UINT64_MAX: no limit */
    uint64_t touched_bytes; /* high-water mark, for the memory figure */
    uint64_t touched_entries;
};

/* Take the ring. HF_NO_MEMORY leaves it released. */
enum hf_err hf_ledger_init(struct hf_ledger *ledger, uint64_t bytes_max);
/* Give the memory back; accepts a zeroed ledger. */
void hf_ledger_release(struct hf_ledger *ledger);

/* Let go of records up to and including `lsn`: the log has them. Engine thread. */
void hf_ledger_pin(struct hf_ledger *ledger, uint64_t lsn);

/*
 * The log has a place for records until `pushed_bytes` have been pushed, those of before counted;
 * UINT64_MAX: whatever comes. It may be less than what was pushed already. Engine thread.
 */
void hf_ledger_limit(struct hf_ledger *ledger, uint64_t pushed_bytes);

/*
 * A run of whole records lying side by side, from `from_lsn` (which must be here) up to at most
 * `to_lsn` and at most `bytes_max` bytes, but at least one record, and never ending inside a
 * linked group (it grows past bytes_max for that; a group never wraps and is at most
 * HF_RECORD_BYTES_MAX long).
 */
struct hf_ledger_span {
    const unsigned char *bytes;
    uint64_t bytes_count;
    uint64_t last_lsn; /* of the last record in the run */
};
struct hf_ledger_span hf_ledger_span(const struct hf_ledger *ledger, uint64_t from_lsn,
                                     uint64_t to_lsn, uint64_t bytes_max);

/* One record; NULL when it is no longer, or not yet, here. */
const unsigned char *hf_ledger_get(const struct hf_ledger *ledger, uint64_t lsn,
                                   uint32_t *bytes_count);

/* ---- for the engine only */

/*
 * Room for a record of at most `bytes_count`, dropping the oldest as needed (`dropped_cb` is told
 * of each that has an order before it goes). NULL: the pin is in the way, the log has no place for
 * it, or the record is larger than the ring allows. Nothing is added until hf_ledger_push; asking
 * again gives the same room.
 */
typedef void (*hf_ledger_dropped_cb)(void *arg, uint64_t lsn);
unsigned char *hf_ledger_room(struct hf_ledger *ledger, uint32_t bytes_count,
                              hf_ledger_dropped_cb dropped_cb, void *arg);
/* The record written into the room is the next one, `bytes_count` long. */
void hf_ledger_push(struct hf_ledger *ledger, uint32_t bytes_count, bool has_order,
                    uint32_t order_chain);
/* Begin an empty ledger at `lsn`: the next record pushed has it. May be said again while empty. */
void hf_ledger_start(struct hf_ledger *ledger, uint64_t lsn);
/* Take the newest record back: its linked group failed. */
void hf_ledger_pop(struct hf_ledger *ledger);

#endif
