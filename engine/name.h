/*
 * name.h - names of operations: references, and ids of reservations and shipments (P4).
 *
 * References and ids share one name space: the id of a reservation, transfer or inbound shipment
 * is the reference of the operation that opened it. It is looked up before anything else is.
 *
 *     table    hash of the name -> index of a reservation; HF_NAME_SHIPMENT | index of a transfer
 *              or inbound shipment; HF_NAME_REF | index of a reference
 *     queue    | pos 17 | pos 18 | pos 19 | ...    names that may be forgotten, oldest first:
 *                                                  references from their LSN on, the others from
 *                                                  the one that closed them on
 *
 * Forgetting is an effect of a record: each carries how many of the oldest names go, after its own
 * are added. The engine that writes the log decides the count by its configured window; whoever
 * replays the log does as it is told, so the state is a function of the log alone.
 * Engine thread only.
 */
#ifndef HF_ENGINE_NAME_H
#define HF_ENGINE_NAME_H

#include "engine/limits.h"
#include "engine/pool.h"
#include "engine/reservation.h"
#include "engine/shipment.h"
#include "engine/table.h"

/* What a name stands for: the upper two bits; the others are the index. */
#define HF_NAME_RESERVATION UINT32_C(0)
#define HF_NAME_SHIPMENT UINT32_C(0x40000000)
#define HF_NAME_REF UINT32_C(0x80000000)
#define HF_NAME_INDEX_MAX UINT32_C(0x3FFFFFFF)

static inline uint32_t hf_name_kind(uint32_t name)
{
    return name & ~HF_NAME_INDEX_MAX;
}

static inline uint32_t hf_name_index(uint32_t name)
{
    return name & HF_NAME_INDEX_MAX;
}

struct hf_ref {
    uint64_t lsn; /* offset 0 is overwritten in a free slot, so text_bytes tells */
    uint64_t content_hash;
    uint64_t name_position;
    uint8_t text_bytes; /* 0: a free slot */
    char text[HF_CODE_BYTES_MAX];
};

struct hf_name_slot {
    uint64_t ts_us;     /* when it became forgettable */
    uint32_t name;      /* as in the table */
    uint32_t is_loaded; /* while a snapshot is loaded: the place is taken */
};

struct hf_names {
    const struct hf_reservations *reservations; /* whose ids are names, too */
    const struct hf_shipments *shipments;
    struct hf_table table;
    struct hf_pool refs; /* struct hf_ref */
    struct hf_name_slot *queue;
    uint64_t queue_max;              /* a power of two */
    uint64_t queue_first, queue_end; /* positions; they only grow */
};

/* The two must outlive the names. */
enum hf_err hf_names_init(struct hf_names *names, uint32_t references_max,
                          const struct hf_reservations *reservations,
                          const struct hf_shipments *shipments);
void hf_names_release(struct hf_names *names);

uint64_t hf_name_hash(struct hf_text name);
/* What the name stands for (see table); HF_NONE: nothing. */
uint32_t hf_names_find(const struct hf_names *names, struct hf_text name, uint64_t hash);

static inline struct hf_ref *hf_ref_at(const struct hf_names *names, uint32_t name)
{
    return hf_pool_at(&names->refs, hf_name_index(name));
}

static inline struct hf_name_slot *hf_name_slot_at(const struct hf_names *names, uint64_t position)
{
    return &names->queue[position & (names->queue_max - 1)];
}

/* Names that may be forgotten. */
static inline uint64_t hf_names_count(const struct hf_names *names)
{
    return names->queue_end - names->queue_first;
}

/* A new reference, not queued yet. There is room. */
uint32_t hf_ref_add(struct hf_names *names, struct hf_text text, uint64_t lsn,
                    uint64_t content_hash);
void hf_ref_remove(struct hf_names *names, uint32_t name);
struct hf_text hf_ref_text(const struct hf_ref *ref);

/* Put a name at the end of the queue; returns its position. */
uint64_t hf_names_enqueue(struct hf_names *names, uint32_t name, uint64_t ts_us);
/* Take back the one that was put last. */
void hf_names_dequeue_newest(struct hf_names *names);

uint64_t hf_names_memory_bytes(const struct hf_names *names);

#endif
