/*
 * reader.h - records out of the log's segments, from any LSN on, while the same process writes it.
 *
 *     from_lsn --> the segment by its name --> hop to the block --> verify, decode, cut
 *                  |----a----|----b----|----c--> durable LSN | written, not durable yet | zeros
 *                                 ^ place: kept, so that the next read goes on there
 *
 * Invariants:
 *     R1  no byte behind the durable LSN that the caller gives is believed: a group may be half
 *         written there. Durable LSNs end groups, so a block that begins at or before one is whole.
 *     R2  records are given whole, in LSN order, without a gap; each block's checksum is verified,
 *         and where reading goes on, its chain to the block before
 *     R3  the files are only read, by descriptors of the reader's own
 *
 * Retention may drop segments at any moment. One that is open can be read to its end; one that is
 * no longer there makes the answer HF_GONE, never a hole. A place without its block is damage and
 * is named: file, offset, LSN.
 *
 * One thread at a time. It allocates when it is made, and when a read is larger than any before.
 */
#ifndef HF_PERSISTENCE_READER_H
#define HF_PERSISTENCE_READER_H

#include "persistence/segment.h"

struct hf_log_reader {
    struct hf_segment_reader segment;
    char error[512]; /* of the last HF_CORRUPT or HF_IO: a sentence */
    /* the answer of the last read, valid until the next */
    unsigned char *records;
    size_t records_bytes;
    uint64_t last_lsn; /* of the last record of the answer */

    /* private */
    size_t records_max;
    unsigned char *room; /* for a block's raw bytes */
    uint64_t next_lsn;   /* of the block at segment.offset; 0: no place is kept */
    uint64_t previous;   /* checksum of the block before it; 0: not known */
    uint64_t fresh_lsn;  /* what is kept in memory of the file is true up to this LSN (R1) */
};

/* `directory` must outlive it. HF_NO_MEMORY leaves it released. */
enum hf_err hf_log_reader_init(struct hf_log_reader *reader, const struct hf_directory *directory);
/* Accepts a zeroed or released reader. */
void hf_log_reader_release(struct hf_log_reader *reader);
/* Close the file and forget the place. */
void hf_log_reader_rest(struct hf_log_reader *reader);

/* The LSN at which the next read is cheap; 0: none. */
static inline uint64_t hf_log_reader_place(const struct hf_log_reader *reader)
{
    return reader->next_lsn;
}

/* First LSN of the segment that it holds open; 0: none. */
static inline uint64_t hf_log_reader_segment(const struct hf_log_reader *reader)
{
    return reader->segment.file >= 0 ? reader->segment.header.first_lsn : 0;
}

struct hf_log_read {
    uint64_t from_lsn;    /* 1 and up */
    uint64_t durable_lsn; /* what may be believed; at least the one of any read before */
    size_t bytes_max;     /* the answer is about that long: it ends with a block, or before one
                             that would make it longer; one block is always given */
};

/*
 * HF_OK        the records from from_lsn on are in reader->records, at least one
 * HF_BUSY      from_lsn is behind the durable LSN
 * HF_GONE      the log begins after from_lsn
 * HF_CORRUPT, HF_IO, HF_NO_MEMORY, with a sentence in reader->error
 * After anything but HF_OK no place is kept.
 */
enum hf_err hf_log_reader_read(struct hf_log_reader *reader, const struct hf_log_read *read);

#endif
