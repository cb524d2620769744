/*
 * pack.h - LZ4 where it pays, raw bytes where it does not.
 *
 * A small group gains nothing: the disk writes whole pages. Bytes that do not shrink by an eighth
 * are stored raw, so that reading them costs no decoding. And what did not shrink is likely to be
 * followed by more of its kind, so after each miss the next blocks are not even tried: 1, 2, 4 ...
 * up to HF_PACK_SKIPS_MAX of them. The choice depends on the bytes alone, never on time.
 */
#ifndef HF_PERSISTENCE_PACK_H
#define HF_PERSISTENCE_PACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/err.h"

#define HF_PACK_BYTES_MIN 2048u
#define HF_PACK_SKIPS_MAX 64u

struct hf_packer {
    void *state; /* LZ4's working memory */
    uint32_t misses_count;
    uint32_t skips_left;
};

/* HF_NO_MEMORY leaves it released. */
enum hf_err hf_packer_init(struct hf_packer *packer);
void hf_packer_release(struct hf_packer *packer);

/*
 * Put `raw` into `room`, which has at least raw_bytes, packed or as it is. Returns the stored
 * bytes: less than raw_bytes exactly when they are LZ4.
 */
uint32_t hf_packer_pack(struct hf_packer *packer, const unsigned char *raw, uint32_t raw_bytes,
                        unsigned char *room);

#endif
