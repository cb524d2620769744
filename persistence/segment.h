/*
 * segment.h - the reading end of the log: the blocks of one segment, one after the other.
 *
 * The reader judges bytes, not history: it says whether a whole block with a good checksum stands
 * at the offset. Whether the block belongs there (LSN, chain, epoch), and what a place without one
 * means, is for recovery.c.
 */
#ifndef HF_PERSISTENCE_SEGMENT_H
#define HF_PERSISTENCE_SEGMENT_H

#include "persistence/directory.h"

struct hf_segment_reader {
    const struct hf_directory *directory;
    char name[HF_NAME_BYTES_MAX];
    int file; /* -1: closed */
    uint64_t file_bytes;
    uint64_t offset; /* of the next block, zeros between groups left behind */
    struct hf_segment_header header;
    int64_t error;   /* negative errno of the read that failed; 0: none did */
    const char *why; /* static text: what was wrong with the header; NULL: nothing */
    /* private: bytes of the file from window_offset on */
    unsigned char *window;
    uint64_t window_offset;
    size_t window_bytes;
    size_t read_bytes; /* how much is read at a time, at least */
};

/* Takes the window's memory. HF_NO_MEMORY leaves it released. */
enum hf_err hf_segment_reader_init(struct hf_segment_reader *reader,
                                   const struct hf_directory *directory);
void hf_segment_reader_release(struct hf_segment_reader *reader);
/* Close the file and keep the memory. */
void hf_segment_reader_close(struct hf_segment_reader *reader);
/* Forget what was read of a segment that is still being written; what comes is read anew. */
void hf_segment_reader_refresh(struct hf_segment_reader *reader);
/* Blocks will be asked for after headers, or the other way round (see _open). */
void hf_segment_reader_expect(struct hf_segment_reader *reader, bool is_hopping);

/*
 * Go to the first block of the segment named after `first_lsn`, closing the one before; the header
 * must be valid, of this directory, and fit the name. `is_hopping`: only block headers will be
 * asked for, so little is read at a time. HF_IO or HF_CORRUPT, with a sentence in `error`.
 */
enum hf_err hf_segment_reader_open(struct hf_segment_reader *reader, uint64_t first_lsn,
                                   bool is_hopping, char *error, size_t error_bytes);

/*
 * The block at the offset, whole and verified; the offset moves past it and the gap behind it.
 * `*bytes` is valid until the next call. HF_CORRUPT or HF_TRUNCATED: there is none, `why` says why,
 * the offset stays. HF_IO: reader->error.
 */
enum hf_err hf_segment_reader_next(struct hf_segment_reader *reader, struct hf_block_header *block,
                                   const unsigned char **bytes, const char **why);
/* As _next, of the block at `offset`; the reader stays where it is. */
enum hf_err hf_segment_reader_look(struct hf_segment_reader *reader, uint64_t offset,
                                   struct hf_block_header *block, const unsigned char **bytes,
                                   const char **why);
/* As _next, but reads only the header and trusts it. */
enum hf_err hf_segment_reader_hop(struct hf_segment_reader *reader, struct hf_block_header *block,
                                  const char **why);

/* What stands from the offset on where no block does. */
struct hf_segment_rest {
    uint64_t end_offset;     /* behind the last byte that is not zero; the offset: all are */
    uint64_t blocks_count;   /* whole blocks of ours, at any multiple of 8 */
    uint64_t block_offset;   /* of the first of them */
    uint64_t block_lsn;      /* first LSN of that one */
    uint64_t block_previous; /* its chain */
    uint64_t durable_lsn;    /* the largest that any of them carries */
    uint64_t lowest_lsn;     /* the smallest first LSN of any of them; 0: there is none */
    uint64_t lowest_offset;
    const char *other; /* what else begins there that no write of the log leaves; NULL: nothing */
    uint64_t other_offset; /* of the first of those */
};
/* HF_OK or HF_IO. */
enum hf_err hf_segment_reader_rest(struct hf_segment_reader *reader, struct hf_segment_rest *rest);

#endif
