#include "persistence/salvage.h"

#include <string.h>

#include "persistence/segment.h"

#define TEXT_BYTES 512

struct salvage {
    struct hf_directory directory; /* a copy, which learns its id */
    struct hf_manifest *manifest;
    bool has_id;
};

bool hf_manifest_is_salvageable(const char *error)
{
    return strstr(error, HF_FORMAT_NEWER) == NULL;
}

/* The first bytes of a file; false: they are not there. */
static bool read_begin(const struct salvage *salvage, const char *name, unsigned char *bytes,
                       size_t bytes_count)
{
    const struct hf_disk *disk = salvage->directory.disk;

    const int file = hf_directory_open(&salvage->directory, name, HF_DISK_READ);
    int64_t got = file;
    if (file >= 0) {
        got = disk->read(disk->ctx, file, bytes, bytes_count, 0);
        (void)disk->close(disk->ctx, file); /* opened for reading */
    }
    return got == (int64_t)bytes_count;
}

/* False: another file has said something else. */
static bool learn_id(struct salvage *salvage, const unsigned char *id)
{
    if (salvage->has_id) {
        return memcmp(salvage->manifest->directory_id, id, HF_DIRECTORY_ID_BYTES) == 0;
    }
    salvage->has_id = true;
    memcpy(salvage->manifest->directory_id, id, HF_DIRECTORY_ID_BYTES);
    hf_directory_set_id(&salvage->directory, id);
    return true;
}

/* `epoch` was current at `lsn`. They come in the order of LSNs; one that goes back counts not. */
static void learn_epoch(struct hf_manifest *manifest, uint32_t epoch, uint64_t lsn)
{
    const uint32_t count = manifest->epochs_count;

    if (count == 0) {
        manifest->epochs[0] = (struct hf_epoch){.number = epoch, .first_lsn = 1};
        manifest->epochs_count = 1;
    } else if (count < HF_EPOCHS_MAX && epoch > manifest->epochs[count - 1].number) {
        manifest->epochs[count] = (struct hf_epoch){.number = epoch, .first_lsn = lsn};
        manifest->epochs_count = count + 1;
    }
}

static bool learn_ids(struct salvage *salvage, const struct hf_listing *listing)
{
    char name[HF_NAME_BYTES_MAX];
    const char *why = NULL;

    for (size_t i = 0; i < listing->segments_count; i++) {
        unsigned char bytes[HF_SEGMENT_HEADER_BYTES];
        struct hf_segment_header header;
        hf_segment_name(name, listing->segments[i], "");
        if (read_begin(salvage, name, bytes, sizeof bytes) &&
            hf_segment_header_decode(&header, bytes, sizeof bytes, &why) == HF_OK &&
            !learn_id(salvage, header.directory_id)) {
            return false;
        }
    }
    for (size_t i = 0; i < listing->snapshots_count; i++) {
        unsigned char bytes[HF_SNAPSHOT_HEADER_BYTES];
        struct hf_snapshot_header header;
        hf_snapshot_name(name, listing->snapshots[i], "");
        if (!read_begin(salvage, name, bytes, sizeof bytes) ||
            hf_snapshot_header_decode(&header, bytes, sizeof bytes, &why) != HF_OK) {
            continue;
        }
        if (!learn_id(salvage, header.directory_id)) {
            return false;
        }
        /* Behind the log's begin its blocks know better. */
        if (listing->segments_count == 0 || listing->snapshots[i] < listing->segments[0]) {
            learn_epoch(salvage->manifest, header.epoch, listing->snapshots[i]);
        }
    }
    return salvage->has_id;
}

/* The epochs of all whole blocks of one segment, also behind damage. */
static void learn_epochs(struct salvage *salvage, struct hf_segment_reader *reader,
                         uint64_t first_lsn)
{
    struct hf_segment_rest rest;
    char error[TEXT_BYTES];

    const enum hf_err err = hf_segment_reader_open(reader, first_lsn, false, error, sizeof error);
    if (err == HF_IO || reader->file_bytes < reader->offset) {
        return;
    }
    for (;;) {
        struct hf_block_header block;
        const unsigned char *bytes;
        const char *why = NULL;
        if (hf_segment_reader_next(reader, &block, &bytes, &why) == HF_OK) {
            learn_epoch(salvage->manifest, block.epoch, block.first_lsn);
        } else if (hf_segment_reader_rest(reader, &rest) == HF_OK && rest.blocks_count > 0) {
            reader->offset = rest.block_offset;
        } else {
            return;
        }
    }
}

enum hf_err hf_manifest_salvage(struct hf_manifest *manifest, const struct hf_directory *directory,
                                const struct hf_listing *listing)
{
    struct salvage salvage = {.directory = *directory, .manifest = manifest};
    struct hf_segment_reader reader;

    *manifest = (struct hf_manifest){0};
    if (!learn_ids(&salvage, listing)) {
        return HF_CORRUPT;
    }
    if (hf_segment_reader_init(&reader, &salvage.directory) != HF_OK) {
        return HF_NO_MEMORY;
    }
    for (size_t i = 0; i < listing->segments_count; i++) {
        learn_epochs(&salvage, &reader, listing->segments[i]);
    }
    hf_segment_reader_release(&reader);
    learn_epoch(manifest, 1, 1); /* a log without a record */
    return HF_OK;
}
