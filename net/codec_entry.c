#include "net/codec_entry.h"

#include "engine/assert.h"
#include "net/wire.h"

const unsigned char *hf_items_take(struct hf_items *left, size_t bytes_count)
{
    if ((size_t)(left->end - left->at) < bytes_count) {
        return NULL;
    }
    const unsigned char *p = left->at;
    left->at += bytes_count;
    return p;
}

const unsigned char *hf_entry_take(struct hf_items *left, size_t fixed_bytes, struct hf_items *rest)
{
    if (left->end - left->at < 4) {
        return NULL;
    }
    const size_t bytes_count = hf_get_u32(left->at);
    if (bytes_count < fixed_bytes || bytes_count % 8 != 0) {
        return NULL;
    }
    const unsigned char *p = hf_items_take(left, bytes_count);
    if (p != NULL) {
        *rest = (struct hf_items){p + fixed_bytes, p + bytes_count};
    }
    return p;
}

unsigned char *hf_entry_put(struct hf_buffer *out, size_t fixed_bytes, const struct hf_text *texts,
                            uint32_t count)
{
    size_t texts_bytes = 0;
    for (uint32_t i = 0; i < count; i++) {
        HF_ASSERT(texts[i].bytes_count <= HF_TEXT_BYTES_MAX);
        texts_bytes += texts[i].bytes_count;
    }
    const size_t entry_bytes = fixed_bytes + hf_round_up_8(texts_bytes);
    unsigned char *entry = hf_buffer_add(out, entry_bytes);
    if (entry == NULL) {
        return NULL;
    }
    memset(entry, 0, fixed_bytes);
    hf_put_u32(entry, (uint32_t)entry_bytes);
    unsigned char *p = entry + fixed_bytes;
    for (uint32_t i = 0; i < count; i++) {
        if (texts[i].bytes_count > 0) {
            memcpy(p, texts[i].bytes, texts[i].bytes_count);
            p += texts[i].bytes_count;
        }
    }
    memset(p, 0, (size_t)(entry + entry_bytes - p));
    return entry;
}

bool hf_entry_texts(struct hf_items rest, const unsigned char *lengths, uint32_t count,
                    struct hf_text *texts)
{
    for (uint32_t i = 0; i < count; i++) {
        const unsigned char *p = hf_items_take(&rest, lengths[i]);
        if (p == NULL) {
            return false;
        }
        texts[i] = (struct hf_text){(const char *)p, lengths[i]};
    }
    return true;
}
