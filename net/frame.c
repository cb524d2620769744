#include "net/frame.h"

#include <xxhash.h>

#include "engine/assert.h"
#include "net/wire.h"

/* PROTOCOL.md 2. */
enum {
    AT_MAGIC = 0,
    AT_VERSION = 2,
    AT_OPERATION = 3,
    AT_BODY_BYTES = 4,
    AT_CORRELATION = 8,
    AT_FLAGS = 16,
    AT_COUNT = 18,
    AT_HANDLE_TAG = 20,
    AT_CHECKSUM = 24
};
_Static_assert(AT_CHECKSUM + 8 == HF_FRAME_HEADER_BYTES, "the checksum ends the header");

static const unsigned char magic[2] = {'H', 'F'};

uint64_t hf_frame_checksum(const unsigned char *header, const unsigned char *body,
                           size_t body_bytes)
{
    return XXH3_64bits_withSeed(body, body_bytes, XXH3_64bits(header, AT_CHECKSUM));
}

/* What is wrong with the first bytes of a frame, of which `bytes_count` are there? */
static enum hf_field header_fault(const unsigned char *bytes, size_t bytes_count,
                                  size_t frame_bytes_max, unsigned flags_allowed)
{
    for (size_t i = 0; i < sizeof magic && i < bytes_count; i++) {
        if (bytes[AT_MAGIC + i] != magic[i]) {
            return HF_FIELD_MAGIC;
        }
    }
    if (bytes_count > AT_VERSION && bytes[AT_VERSION] != HF_FRAME_VERSION) {
        return HF_FIELD_PROTOCOL_VERSION;
    }
    if (bytes_count < HF_FRAME_HEADER_BYTES) {
        return HF_FIELD_NONE;
    }
    if ((hf_get_u16(bytes + AT_FLAGS) & ~flags_allowed) != 0) {
        return HF_FIELD_FLAGS;
    }
    if (hf_get_u32(bytes + AT_BODY_BYTES) > frame_bytes_max - HF_FRAME_HEADER_BYTES) {
        return HF_FIELD_BODY_BYTES;
    }
    return HF_FIELD_NONE;
}

enum hf_err hf_frame_decode(const unsigned char *bytes, size_t bytes_count, size_t frame_bytes_max,
                            unsigned flags_allowed, struct hf_frame *frame, size_t *frame_bytes,
                            enum hf_field *fault)
{
    HF_ASSERT(frame_bytes_max >= HF_FRAME_HEADER_BYTES);

    *frame = (struct hf_frame){0};
    *frame_bytes = HF_FRAME_HEADER_BYTES;
    *fault = header_fault(bytes, bytes_count, frame_bytes_max, flags_allowed);
    const bool has_header = bytes_count >= HF_FRAME_HEADER_BYTES;
    if (has_header && *fault != HF_FIELD_MAGIC && *fault != HF_FIELD_PROTOCOL_VERSION) {
        frame->operation = bytes[AT_OPERATION];
        frame->flags = hf_get_u16(bytes + AT_FLAGS);
        frame->count = hf_get_u16(bytes + AT_COUNT);
        frame->handle_tag = hf_get_u32(bytes + AT_HANDLE_TAG);
        frame->correlation = hf_get_u64(bytes + AT_CORRELATION);
    }
    if (*fault != HF_FIELD_NONE) {
        return HF_INVALID_ARGUMENT;
    }
    if (!has_header) {
        return HF_TRUNCATED;
    }
    const uint32_t body_bytes = hf_get_u32(bytes + AT_BODY_BYTES);
    *frame_bytes = HF_FRAME_HEADER_BYTES + (size_t)body_bytes;
    if (bytes_count < *frame_bytes) {
        return HF_TRUNCATED;
    }
    const unsigned char *body = bytes + HF_FRAME_HEADER_BYTES;
    if (hf_get_u64(bytes + AT_CHECKSUM) != hf_frame_checksum(bytes, body, body_bytes)) {
        *fault = HF_FIELD_CHECKSUM;
        return HF_INVALID_ARGUMENT;
    }
    frame->body = body;
    frame->body_bytes = body_bytes;
    return HF_OK;
}

size_t hf_frame_begin(struct hf_buffer *out)
{
    const size_t place = hf_buffer_count(out);
    (void)hf_buffer_add(out, HF_FRAME_HEADER_BYTES); /* a failure stays in out->is_failed */
    return place;
}

enum hf_err hf_frame_end(struct hf_buffer *out, size_t place, const struct hf_frame *frame)
{
    HF_ASSERT(frame->operation <= UINT8_MAX);
    HF_ASSERT(frame->flags <= UINT16_MAX);
    HF_ASSERT(frame->count <= HF_FRAME_COUNT_MAX);

    if (out->is_failed) {
        return HF_NO_MEMORY;
    }
    HF_ASSERT(hf_buffer_count(out) >= place + HF_FRAME_HEADER_BYTES);
    unsigned char *header = hf_buffer_front(out) + place;
    const size_t body_bytes = hf_buffer_count(out) - place - HF_FRAME_HEADER_BYTES;
    HF_ASSERT(body_bytes <= UINT32_MAX);

    header[AT_MAGIC] = magic[0];
    header[AT_MAGIC + 1] = magic[1];
    header[AT_VERSION] = HF_FRAME_VERSION;
    header[AT_OPERATION] = (unsigned char)frame->operation;
    hf_put_u32(header + AT_BODY_BYTES, (uint32_t)body_bytes);
    hf_put_u64(header + AT_CORRELATION, frame->correlation);
    hf_put_u16(header + AT_FLAGS, (uint16_t)frame->flags);
    hf_put_u16(header + AT_COUNT, (uint16_t)frame->count);
    hf_put_u32(header + AT_HANDLE_TAG, frame->handle_tag);
    hf_put_u64(header + AT_CHECKSUM,
               hf_frame_checksum(header, header + HF_FRAME_HEADER_BYTES, body_bytes));
    return HF_OK;
}
