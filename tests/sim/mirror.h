/*
 * mirror.h - a disk that may put a write in the wrong place, and beside it one that never does.
 *
 *     server --write--> mirror ----> disk    the nth write lands elsewhere, in this file or another
 *                          '-------> twin    the same calls, each where it belongs
 *
 * The server sees the disk: what it reads back, now and after a restart, is what the disk made of
 * it. The twin knows what should have been there: history goes on with it once the damaged disk
 * has been judged. What the disk refused (a fault of sim_disk.h) does not reach the twin, either:
 * no such write was ever promised to be there.
 */
#ifndef HF_SIM_MIRROR_H
#define HF_SIM_MIRROR_H

#include <stdbool.h>
#include <stdint.h>

#include "tests/lib/sim_disk.h"

#define HF_MIRROR_HANDLES_MAX 64
#define HF_MIRROR_PATH_BYTES_MAX 128

struct hf_mirror {
    struct hf_disk table; /* for the code under test */
    struct hf_sim_disk *disk;
    struct hf_sim_disk *twin;         /* NULL: there is none, all goes to the disk */
    int twins[HF_MIRROR_HANDLES_MAX]; /* the twin's handle of each of the disk's */
    uint64_t writes_left;             /* until the one that goes astray; 0: none will */
    uint64_t random;                  /* where it lands */
    bool is_aiming;                   /* a snapshot's block goes astray, to the end of the log */
    bool has_strayed;                 /* since the split */
    char stray_path[HF_MIRROR_PATH_BYTES_MAX]; /* where it landed */
    uint64_t stray_offset;
    bool is_stray_zeros; /* nothing but zeros */
};

/* `mirror` must stay where it is. */
void hf_mirror_init(struct hf_mirror *mirror, struct hf_sim_disk *disk);
/* From now on there is a twin, and the nth write (from 1) goes astray. No file may be open. */
void hf_mirror_split(struct hf_mirror *mirror, uint64_t nth, uint64_t random);
/* The path of the newest log segment; NULL: there is none. */
const char *hf_mirror_newest_segment(const struct hf_sim_disk *disk);
/* Give the twin out, to the caller; from now on there is none. NULL: there was none. */
struct hf_sim_disk *hf_mirror_join(struct hf_mirror *mirror);

#endif
