/*
 * world.h - a small data directory that is whole, and what must be true of one that is opened.
 *
 *     MANIFEST    snapshot of LSN 31
 *     wal-1       the story (story.h) in eight groups; the last one is large enough for LZ4
 *     snapshot-31
 *
 * A target puts its input in the place of one of these files. The log reaches from LSN 1 to the
 * end, so what a manifest or a snapshot says can be compared with what the log says.
 */
#ifndef HF_TESTS_FUZZ_WORLD_H
#define HF_TESTS_FUZZ_WORLD_H

#include <stdbool.h>

#include "engine/engine.h"
#include "persistence/inspect.h"
#include "tests/lib/sim_disk.h"

#define HF_WORLD_FOLDER "/d"
#define HF_WORLD_MANIFEST HF_WORLD_FOLDER "/MANIFEST"
#define HF_WORLD_SEGMENT HF_WORLD_FOLDER "/wal-00000000000000000001.log"
#define HF_WORLD_SNAPSHOT HF_WORLD_FOLDER "/snapshot-00000000000000000031.hfs"
#define HF_WORLD_SNAPSHOT_LSN 31

struct hf_world {
    struct hf_sim_disk *disk;
    uint64_t last_lsn;
    struct hf_digest digest;
};

/* The directory id, 16 bytes. */
extern const unsigned char hf_fuzz_id[16];
/* The same one at each call. */
const struct hf_world *hf_world(void);
/* One of its files into `bytes` (HF_FUZZ_INPUT_BYTES_MAX, mutate.h); returns its size. */
size_t hf_world_file(const char *path, unsigned char *bytes);
/* An empty engine that holds all of it. */
struct hf_engine *hf_world_engine(void);

struct hf_world_found {
    enum hf_inspect_verdict verdict; /* of the directory as it was given */
    bool is_open;
    struct hf_digest digest; /* as recovered */
    uint64_t lsn;
};

/*
 * Open the directory on `disk` as a start would. It is refused with a sentence, but only when
 * hf_inspect_verify finds damage, too; or what is open is sound: the audit is clean, every record
 * up to the last can be read back, it takes a write, and opened again it is the same. Ends the
 * program when that is not so.
 */
void hf_world_open(struct hf_sim_disk *disk, struct hf_world_found *found);

#endif
