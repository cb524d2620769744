/*
 * record.h - the bytes of one committed operation: the unit of the log, the ledger and the feed.
 *
 * persistence/FORMATS.md 3 is the specification; record.c is the only code that knows offsets.
 *
 *     0   4  record_bytes   whole record, a multiple of 8, at most HF_RECORD_BYTES_MAX
 *     4   1  kind           enum hf_kind
 *     5   1  reason         enum hf_reason
 *     6   1  flags          bit 0: linked with the next record; bit 1: content_hash is used
 *     7   1  zero
 *     8   8  lsn
 *    16   8  ts_us          not before the record before
 *    24   8  content_hash   of the request (P4); zero unless flag bit 1
 *    32   .  ref, order, by: one length byte and the bytes, each
 *         .  retired        varint: how many of the oldest remembered names are forgotten first
 *         .  effects        one tag byte and its fields, each; tag 0 ends them
 *         .  zeros          up to a multiple of 8
 *
 * Varints are LEB128, at most 10 bytes; signed ones are zigzag-coded. Effects of format 1 (tags 5
 * and 8: policies and moves of four counters) are read and no longer written.
 */
#ifndef HF_ENGINE_RECORD_H
#define HF_ENGINE_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/effect.h"

#define HF_RECORD_HEADER_BYTES 32
#define HF_RECORD_LINKED 1
#define HF_RECORD_HASHED 2
#define HF_RECORD_FLAGS_ALL 3

struct hf_record_header {
    uint32_t record_bytes;
    uint8_t kind;
    uint8_t reason;
    uint8_t flags;
    uint64_t lsn;
    uint64_t ts_us;
    uint64_t content_hash;
    struct hf_text ref, order, by;
    uint64_t retired_count;
};

/* ---- writing: into memory that is known to be large enough (hf_record_bound) */

struct hf_record_writer {
    unsigned char *start;
    unsigned char *at;
};

void hf_record_begin(struct hf_record_writer *writer, unsigned char *room,
                     const struct hf_record_header *header);
/* The effect after it was applied: moves carry the values after. */
void hf_record_put(struct hf_record_writer *writer, const struct hf_effect *effect);
/* Ends the record; returns its size. */
uint32_t hf_record_end(struct hf_record_writer *writer);
/* Mark a finished record as linked with the one after it. */
void hf_record_set_linked(unsigned char *record);
/* Bytes that a record with these effects needs at most, without the hits of shortages. */
uint32_t hf_record_bound(uint32_t effects_count);

/* ---- reading: bytes from a log, so nothing is trusted */

struct hf_record_reader {
    const unsigned char *at;
    const unsigned char *end;
};

/*
 * Check and read the header of the record at `bytes`, of which `bytes_max` are there.
 * HF_TRUNCATED: fewer bytes than the record has. HF_CORRUPT: not a record.
 * The texts of `header` point into `bytes`.
 */
enum hf_err hf_record_open(struct hf_record_reader *reader, struct hf_record_header *header,
                           const void *bytes, size_t bytes_max);
/* The next effect of the record with this LSN; *is_end instead after the last, once the padding
 * was checked. HF_CORRUPT: not an effect. Texts point into the record. */
enum hf_err hf_record_next(struct hf_record_reader *reader, uint64_t lsn, struct hf_effect *effect,
                           bool *is_end);

/* The record's reference; that of an operation which opened something and was given none is the id
 * it opened. `reader` as hf_record_open left it. */
struct hf_text hf_record_reference(const struct hf_record_header *header,
                                   struct hf_record_reader reader);
/* A reservation that a shortage hits, behind `at`; returns where the next one goes. */
#define HF_HIT_BYTES_MAX (1 + HF_CODE_BYTES_MAX + 10)
unsigned char *hf_record_put_hit(unsigned char *at, const struct hf_hit *hit);
/* The hits of a shortage that hf_record_next gave, into `hits` (HF_HITS_MAX). */
void hf_record_hits(const struct hf_effect_shortage *shortage, struct hf_hit *hits);

/* Size and LSN of a record that is known to be whole; for those who only pass records on. */
uint32_t hf_record_bytes(const unsigned char *record);
uint64_t hf_record_lsn(const unsigned char *record);
bool hf_record_is_linked(const unsigned char *record);

#endif
