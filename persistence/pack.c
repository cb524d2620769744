#include "persistence/pack.h"

#include <lz4.h>
#include <stdlib.h>
#include <string.h>

#include "engine/assert.h"

enum hf_err hf_packer_init(struct hf_packer *packer)
{
    *packer = (struct hf_packer){.state = malloc((size_t)LZ4_sizeofState())};
    return packer->state == NULL ? HF_NO_MEMORY : HF_OK;
}

void hf_packer_release(struct hf_packer *packer)
{
    free(packer->state);
    *packer = (struct hf_packer){0};
}

/* LZ4 bytes, or 0 when they would not be at least an eighth fewer. */
static uint32_t try_lz4(struct hf_packer *packer, const unsigned char *raw, uint32_t raw_bytes,
                        unsigned char *room)
{
    if (raw_bytes < HF_PACK_BYTES_MIN) {
        return 0; /* says nothing about the blocks to come */
    }
    if (packer->skips_left > 0) {
        packer->skips_left--;
        return 0;
    }
    const int packed =
        LZ4_compress_fast_extState(packer->state, (const char *)raw, (char *)room, (int)raw_bytes,
                                   (int)(raw_bytes - raw_bytes / 8), 1);
    if (packed > 0) {
        packer->misses_count = 0;
        return (uint32_t)packed;
    }
    packer->skips_left = 1u << packer->misses_count;
    if (packer->skips_left < HF_PACK_SKIPS_MAX) {
        packer->misses_count++;
    }
    return 0;
}

uint32_t hf_packer_pack(struct hf_packer *packer, const unsigned char *raw, uint32_t raw_bytes,
                        unsigned char *room)
{
    HF_ASSERT(raw_bytes > 0 && raw_bytes <= LZ4_MAX_INPUT_SIZE);

    const uint32_t packed = try_lz4(packer, raw, raw_bytes, room);
    if (packed > 0) {
        HF_ASSERT(packed < raw_bytes);
        return packed;
    }
    memcpy(room, raw, raw_bytes);
    return raw_bytes;
}
