#include "engine/name.h"

#include <xxhash.h>

#include "engine/assert.h"

/* Names that one record may add: every reservation of a large order, and its own reference. */
#define QUEUE_SLACK (2 * HF_MOVES_MAX)

enum hf_err hf_names_init(struct hf_names *names, uint32_t references_max,
                          const struct hf_reservations *reservations,
                          const struct hf_shipments *shipments)
{
    *names =
        (struct hf_names){.reservations = reservations, .shipments = shipments, .queue_max = 1};
    while (names->queue_max < (uint64_t)references_max + QUEUE_SLACK) {
        names->queue_max *= 2;
    }
    HF_ASSERT(references_max <= HF_NAME_INDEX_MAX - QUEUE_SLACK);
    const uint32_t refs_max = references_max + QUEUE_SLACK;
    names->queue = hf_memory_reserve(names->queue_max * sizeof *names->queue);
    if (names->queue == NULL ||
        hf_pool_init(&names->refs, sizeof(struct hf_ref), refs_max) != HF_OK ||
        hf_table_init(&names->table) != HF_OK) {
        hf_names_release(names);
        return HF_NO_MEMORY;
    }
    return HF_OK;
}

void hf_names_release(struct hf_names *names)
{
    hf_table_release(&names->table);
    hf_pool_release(&names->refs);
    hf_memory_give_back(names->queue, names->queue_max * sizeof *names->queue);
    names->queue = NULL;
}

uint64_t hf_name_hash(struct hf_text name)
{
    return XXH3_64bits(name.bytes, name.bytes_count);
}

struct hf_text hf_ref_text(const struct hf_ref *ref)
{
    return (struct hf_text){ref->text, ref->text_bytes};
}

static struct hf_text text_of(const struct hf_names *names, uint32_t name)
{
    const uint32_t index = hf_name_index(name);

    switch (hf_name_kind(name)) {
    case HF_NAME_REF:
        return hf_ref_text(hf_ref_at(names, name));
    case HF_NAME_SHIPMENT:
        return hf_shipment_id(hf_shipment_at(names->shipments, index));
    default:
        return hf_reservation_id(names->reservations,
                                 hf_reservation_at(names->reservations, index));
    }
}

uint32_t hf_names_find(const struct hf_names *names, struct hf_text name, uint64_t hash)
{
    struct hf_probe probe = hf_table_probe(&names->table, hash);
    for (uint32_t found = hf_probe_next(&probe); found != HF_NONE; found = hf_probe_next(&probe)) {
        if (hf_text_equal(text_of(names, found), name)) {
            return found;
        }
    }
    return HF_NONE;
}

uint32_t hf_ref_add(struct hf_names *names, struct hf_text text, uint64_t lsn,
                    uint64_t content_hash)
{
    const uint32_t name = hf_pool_take(&names->refs) | HF_NAME_REF;
    struct hf_ref *ref = hf_ref_at(names, name);
    ref->lsn = lsn;
    ref->content_hash = content_hash;
    ref->text_bytes = (uint8_t)text.bytes_count;
    memcpy(ref->text, text.bytes, text.bytes_count);
    hf_table_add(&names->table, hf_name_hash(text), name);
    return name;
}

void hf_ref_remove(struct hf_names *names, uint32_t name)
{
    hf_table_remove(&names->table, hf_name_hash(hf_ref_text(hf_ref_at(names, name))), name);
    hf_pool_give(&names->refs, hf_name_index(name));
}

uint64_t hf_names_enqueue(struct hf_names *names, uint32_t name, uint64_t ts_us)
{
    HF_ASSERT(hf_names_count(names) < names->queue_max);
    *hf_name_slot_at(names, names->queue_end) = (struct hf_name_slot){.ts_us = ts_us, .name = name};
    return names->queue_end++;
}

void hf_names_dequeue_newest(struct hf_names *names)
{
    HF_ASSERT(hf_names_count(names) > 0);
    names->queue_end--;
}

uint64_t hf_names_memory_bytes(const struct hf_names *names)
{
    const uint64_t slots_count =
        names->queue_end < names->queue_max ? names->queue_end : names->queue_max;
    return names->table.memory_bytes + hf_pool_memory_bytes(&names->refs) +
           slots_count * sizeof *names->queue;
}
