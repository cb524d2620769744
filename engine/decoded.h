/*
 * decoded.h - records of the log, decoded before they are replayed, a few hundred at a time.
 *
 *     bytes --hf_decoded_take--> records and effects --hf_engine_replay_decoded--> state
 *             any thread                               the engine's, record by record
 *
 * Decoding needs nothing but the bytes. So recovery has one thread read and decode the log while
 * another one applies it. What the next few dozen records will touch is fetched on the way.
 *
 * A record from before the snapshot only enters the ledger, where it is looked at later: that it
 * can be is seen when it is decoded, or when it is entered, and its effects are not kept.
 */
#ifndef HF_ENGINE_DECODED_H
#define HF_ENGINE_DECODED_H

#include "engine/effect.h"
#include "engine/record.h"

#define HF_DECODED_RECORDS 256
#define HF_DECODED_EFFECTS 4096 /* and what one more record has */

struct hf_decoded_record {
    struct hf_record_header header;
    const unsigned char *bytes; /* header.record_bytes of them */
    uint32_t effects_first, effects_count;
    bool is_cut;     /* what stands behind these effects is none */
    bool is_history; /* it has no effects here, ... */
    bool is_seen;    /* ... and was seen through, ... */
    const char *why; /* ... and this is what is wrong with it; NULL: nothing */
};

/* What records from before the snapshot may name. */
struct hf_decoded_history {
    uint64_t last_lsn; /* the snapshot's */
    uint32_t skus_count, locations_count;
    bool is_for_replay; /* to see it through, and not for who decodes */
};

/* The bytes that were decoded must stay as long as the records are used. */
struct hf_decoded {
    uint32_t records_count;
    uint32_t effects_count;
    const char *why; /* what stands behind the records is none; NULL: they have ended there */
    struct hf_decoded_history history;
    struct hf_decoded_record records[HF_DECODED_RECORDS];
    struct hf_effect effects[]; /* HF_DECODED_EFFECTS + HF_EFFECTS_MAX; replay fills them in */
};

/* NULL: no memory. */
struct hf_decoded *hf_decoded_create(void);
void hf_decoded_free(struct hf_decoded *decoded); /* accepts NULL */

/* Records up to where the engine stands are history. Engine thread, while nothing is replayed. */
void hf_decoded_begin(struct hf_decoded *decoded, const struct hf_engine *engine);

/*
 * Decode the first of the records that stand side by side in bytes[0..bytes_count), as many as
 * there is room for. Returns the bytes of those: less than bytes_count when there was no room for
 * more, or decoded->why says why the next one is no record.
 */
size_t hf_decoded_take(struct hf_decoded *decoded, const void *bytes, size_t bytes_count);

/* One record at `bytes`, its effects into effects[0..HF_EFFECTS_MAX]. As hf_record_open. */
enum hf_err hf_decoded_record_take(struct hf_decoded_record *record, const void *bytes,
                                   size_t bytes_max, struct hf_effect *effects);

/* As hf_engine_replay, for one of them; each once, in their order. Engine thread only. */
enum hf_err hf_engine_replay_decoded(struct hf_engine *engine, struct hf_decoded *decoded,
                                     uint32_t index, const char **why);

/* See a record of before the snapshot through: record->why. `effect` is a place to work in. */
void hf_decoded_see_through(struct hf_decoded_record *record,
                            const struct hf_decoded_history *history, struct hf_effect *effect);

/* Before each record is replayed: have fetched what those behind it will touch. */
void hf_decoded_fetch(const struct hf_engine *engine, struct hf_decoded *decoded, uint32_t index);

#endif
