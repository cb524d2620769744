/*
 * snapshot.h - the state at one LSN as a file (FORMATS.md 5), written and read block by block.
 *
 *     write   begin -> put, put ... -> seal (footer, header, sync) -> read back -> name
 *             "...hfs.tmp", whose header, with the counts, is written last
 *     read    header and footer -> block, block ... -> the footer's sums
 *
 * A snapshot is never overwritten in place and is whole or not there; what makes it the current
 * one is the manifest. It says nothing that the log up to its LSN does not say.
 *
 * Nothing here waits or knows threads: snapshot_run.h brings the chunks, ahead.h reads in a thread
 * of its own. One thread at a time for one writer or reader.
 */
#ifndef HF_PERSISTENCE_SNAPSHOT_H
#define HF_PERSISTENCE_SNAPSHOT_H

#include "persistence/directory.h"
#include "persistence/pack.h"

#define HF_SNAPSHOT_BLOCK_BYTES_MAX (HF_SNAPSHOT_BLOCK_HEADER_BYTES + HF_SNAPSHOT_RAW_BYTES_MAX)

/* The writer has what it has written go to the disk each time so much has come together: a steady
 * trickle, so that the log's own syncs never find a whole snapshot queued up before them. It is not
 * synced before the end: each sync of a file that grows has the file system commit its journal and
 * the disk empty its cache, and the log waits behind both. */
#define HF_SNAPSHOT_TRICKLE_BYTES (256u * 1024)

/* ------------------------------------------------------------------ reading */

struct hf_snapshot_reader {
    const struct hf_directory *directory;
    char name[HF_NAME_BYTES_MAX];
    int file; /* -1: closed */
    uint64_t file_bytes;
    uint64_t offset;
    uint64_t seed;
    struct hf_snapshot_header header;
    struct hf_snapshot_footer footer;
    struct hf_snapshot_footer sums; /* of the blocks read so far */
    char *error;                    /* of the caller: a sentence after anything but HF_OK */
    size_t error_bytes;
};

/* Room for one block, as it stands in the file and decoded. */
struct hf_snapshot_room {
    unsigned char *stored; /* HF_SNAPSHOT_BLOCK_BYTES_MAX + 8 */
    unsigned char *decoded;
    const unsigned char *raw; /* the last block's items, in one of the two */
    uint32_t raw_bytes;
};
bool hf_snapshot_room_init(struct hf_snapshot_room *room);
void hf_snapshot_room_release(struct hf_snapshot_room *room);

/*
 * Open the file `name` of the snapshot of `lsn`, and judge header and footer. HF_OK, HF_IO,
 * HF_CORRUPT; the caller closes it in either case.
 */
enum hf_err hf_snapshot_reader_open(struct hf_snapshot_reader *reader,
                                    const struct hf_directory *directory, const char *name,
                                    uint64_t lsn, uint32_t epoch, char *error, size_t error_bytes);
/* The next block, verified and decoded, into `room`. *is_end: there was none any more, and all of
 * them together are what the footer says. HF_OK, HF_IO or HF_CORRUPT. */
enum hf_err hf_snapshot_reader_next(struct hf_snapshot_reader *reader,
                                    struct hf_snapshot_room *room, bool *is_end);
/* Accepts a reader that was not opened, or closed before. */
void hf_snapshot_reader_close(struct hf_snapshot_reader *reader);

/* Read the whole file of `lsn` and check all there is to check. HF_IO, HF_CORRUPT or HF_NO_MEMORY
 * with a sentence in `error`. */
enum hf_err hf_snapshot_file_verify(const struct hf_directory *directory, uint64_t lsn,
                                    uint32_t epoch, char *error, size_t error_bytes);
/*
 * The same while it is loaded into `engine`, which is empty: what a damaged file has left in it is
 * half a state, to be thrown away (hf_engine_clear). Besides: HF_LIMIT_EXCEEDED. Reads and decodes
 * ahead in a thread of its own where the directory allows it. Reports progress now and then.
 */
enum hf_err hf_snapshot_file_load(const struct hf_directory *directory, uint64_t lsn,
                                  uint32_t epoch, struct hf_engine *engine, char *error,
                                  size_t error_bytes);

/* ------------------------------------------------------------------ writing */

struct hf_snapshot_writer {
    const struct hf_directory *directory;
    uint64_t lsn;
    uint32_t epoch;
    int file; /* -1: not open */
    uint64_t offset;
    uint64_t begun_offset; /* everything before it is on its way to the disk */
    bool is_synced;
    struct hf_packer packer;
    unsigned char *block;
    struct hf_snapshot_footer footer;
    struct hf_snapshot_reader reader; /* for reading it back */
    struct hf_snapshot_room room;
    bool is_aside; /* the file has its name for the time being, and is removed at release */
    char error[512];
};

/*
 * Begin a file for the state of `lsn`. Each function returns HF_OK, or HF_IO, HF_NO_MEMORY (and
 * hf_snapshot_writer_check: HF_CORRUPT) with a sentence in writer->error; then only release
 * may follow, or drop, after which nothing is left on the disk.
 */
enum hf_err hf_snapshot_writer_begin(struct hf_snapshot_writer *writer,
                                     const struct hf_directory *directory, uint64_t lsn,
                                     uint32_t epoch);
/* Whole items, at most HF_SNAPSHOT_RAW_BYTES_MAX, as one block. */
enum hf_err hf_snapshot_writer_put(struct hf_snapshot_writer *writer, const unsigned char *raw,
                                   uint32_t raw_bytes);
/* No more blocks: footer, header, sync. */
enum hf_err hf_snapshot_writer_seal(struct hf_snapshot_writer *writer);
/* Read one block back and check it; again until *is_end. */
enum hf_err hf_snapshot_writer_check(struct hf_snapshot_writer *writer, bool *is_end);
/* Give it its final name, on disk when this returns HF_OK. The log must be synced up to its LSN. */
enum hf_err hf_snapshot_writer_name(struct hf_snapshot_writer *writer);
/* Remove what has no final name yet, then release. Both accept a zeroed or half-begun writer. */
void hf_snapshot_writer_drop(struct hf_snapshot_writer *writer);
void hf_snapshot_writer_release(struct hf_snapshot_writer *writer);

/* All of it in one go, while the engine stands still. HF_IO, HF_CORRUPT or HF_NO_MEMORY with a
 * sentence in `error`. `file_bytes` may be NULL. */
enum hf_err hf_snapshot_file_write(const struct hf_directory *directory, struct hf_engine *engine,
                                   uint32_t epoch, uint64_t *file_bytes, char *error,
                                   size_t error_bytes);

#endif
