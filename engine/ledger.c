#include "engine/ledger.h"

#include "engine/assert.h"
#include "engine/limits.h"
#include "engine/pool.h"
#include "engine/record.h"

/* Entries are sized for records of this many bytes, which is about the smallest there is. */
#define RECORD_BYTES_SMALL 64

enum hf_err hf_ledger_init(struct hf_ledger *ledger, uint64_t bytes_max)
{
    HF_ASSERT(bytes_max >= HF_LEDGER_BYTES_MIN);

    *ledger = (struct hf_ledger){
        .bytes_max = bytes_max, .first_lsn = 1, .entries_max = 1, .pushed_max = UINT64_MAX};
    while (ledger->entries_max < bytes_max / RECORD_BYTES_SMALL) {
        ledger->entries_max *= 2;
    }
    ledger->bytes = hf_memory_reserve(ledger->bytes_max);
    ledger->entries = hf_memory_reserve(ledger->entries_max * sizeof *ledger->entries);
    if (ledger->bytes == NULL || ledger->entries == NULL) {
        hf_ledger_release(ledger);
        return HF_NO_MEMORY;
    }
    return HF_OK;
}

void hf_ledger_release(struct hf_ledger *ledger)
{
    hf_memory_give_back(ledger->bytes, ledger->bytes_max);
    hf_memory_give_back(ledger->entries, ledger->entries_max * sizeof *ledger->entries);
    *ledger = (struct hf_ledger){0};
}

static struct hf_ledger_entry *entry_of(const struct hf_ledger *ledger, uint64_t lsn)
{
    return &ledger->entries[lsn & (ledger->entries_max - 1)];
}

static bool is_empty(const struct hf_ledger *ledger)
{
    return ledger->first_lsn > ledger->last_lsn;
}

void hf_ledger_pin(struct hf_ledger *ledger, uint64_t lsn)
{
    HF_ASSERT(lsn >= ledger->pinned_lsn);
    ledger->pinned_lsn = lsn;
}

void hf_ledger_limit(struct hf_ledger *ledger, uint64_t pushed_bytes)
{
    ledger->pushed_max = pushed_bytes;
}

void hf_ledger_start(struct hf_ledger *ledger, uint64_t lsn)
{
    HF_ASSERT(is_empty(ledger));
    ledger->first_lsn = lsn;
    ledger->last_lsn = lsn - 1;
    ledger->head = 0;
}

struct hf_ledger_span hf_ledger_span(const struct hf_ledger *ledger, uint64_t from_lsn,
                                     uint64_t to_lsn, uint64_t bytes_max)
{
    HF_ASSERT(from_lsn <= to_lsn);

    const struct hf_ledger_entry *entry = entry_of(ledger, from_lsn);
    struct hf_ledger_span span = {.bytes = ledger->bytes + entry->offset};
    for (uint64_t lsn = from_lsn; lsn <= to_lsn; lsn++) {
        entry = entry_of(ledger, lsn);
        const unsigned char *record = ledger->bytes + entry->offset;
        const bool is_group_open =
            lsn > from_lsn &&
            hf_record_is_linked(ledger->bytes + entry_of(ledger, lsn - 1)->offset);
        if (record != span.bytes + span.bytes_count) {
            HF_ASSERT(!is_group_open); /* a group is written where it does not wrap */
            break;
        }
        if (lsn > from_lsn && !is_group_open && span.bytes_count + entry->bytes_count > bytes_max) {
            break;
        }
        span.bytes_count += entry->bytes_count;
        span.last_lsn = lsn;
    }
    return span;
}

const unsigned char *hf_ledger_get(const struct hf_ledger *ledger, uint64_t lsn,
                                   uint32_t *bytes_count)
{
    if (lsn < ledger->first_lsn || lsn > ledger->last_lsn) {
        return NULL;
    }
    const struct hf_ledger_entry *entry = entry_of(ledger, lsn);
    *bytes_count = entry->bytes_count;
    return ledger->bytes + entry->offset;
}

/* True when [head, head + bytes_count) holds no record that is still kept. */
static bool is_free(const struct hf_ledger *ledger, uint64_t head, uint32_t bytes_count)
{
    if (is_empty(ledger)) {
        return true;
    }
    const struct hf_ledger_entry *newest = entry_of(ledger, ledger->last_lsn);
    const uint64_t oldest = entry_of(ledger, ledger->first_lsn)->offset;
    const uint64_t newest_end = newest->offset + newest->bytes_count;
    if (oldest <= newest->offset) { /* kept bytes are [oldest, newest_end) */
        return head >= newest_end || head + bytes_count <= oldest;
    }
    /* kept bytes are [oldest, end) and [0, newest_end) */
    return head >= newest_end && head + bytes_count <= oldest;
}

unsigned char *hf_ledger_room(struct hf_ledger *ledger, uint32_t bytes_count,
                              hf_ledger_dropped_cb dropped_cb, void *arg)
{
    if (bytes_count > HF_RECORD_BYTES_MAX || ledger->pushed_bytes > ledger->pushed_max ||
        bytes_count > ledger->pushed_max - ledger->pushed_bytes) {
        return NULL;
    }
    const bool is_wrapping = ledger->head + bytes_count > ledger->bytes_max;
    const uint64_t head = is_wrapping ? 0 : ledger->head;
    while (!is_free(ledger, head, bytes_count) ||
           ledger->last_lsn + 1 - ledger->first_lsn == ledger->entries_max) {
        if (ledger->first_lsn > ledger->pinned_lsn) {
            return NULL;
        }
        if (dropped_cb != NULL && entry_of(ledger, ledger->first_lsn)->has_order) {
            dropped_cb(arg, ledger->first_lsn);
        }
        ledger->first_lsn++;
    }
    ledger->head = head;
    return ledger->bytes + head;
}

void hf_ledger_push(struct hf_ledger *ledger, uint32_t bytes_count, bool has_order,
                    uint32_t order_chain)
{
    HF_ASSERT(ledger->head + bytes_count <= ledger->bytes_max);

    ledger->last_lsn++;
    *entry_of(ledger, ledger->last_lsn) = (struct hf_ledger_entry){
        .offset = ledger->head,
        .bytes_count = bytes_count & INT32_MAX, /* at most HF_RECORD_BYTES_MAX */
        .has_order = has_order,
        .order_chain = order_chain};
    ledger->head += bytes_count;
    ledger->pushed_bytes += bytes_count;
    if (ledger->head > ledger->touched_bytes) {
        ledger->touched_bytes = ledger->head;
    }
    if (ledger->touched_entries < ledger->entries_max) {
        ledger->touched_entries++;
    }
}

void hf_ledger_pop(struct hf_ledger *ledger)
{
    HF_ASSERT(!is_empty(ledger));
    HF_ASSERT(ledger->last_lsn > ledger->pinned_lsn);
    ledger->head = entry_of(ledger, ledger->last_lsn)->offset;
    ledger->pushed_bytes -= entry_of(ledger, ledger->last_lsn)->bytes_count;
    ledger->last_lsn--;
}
