#include "net/buffer.h"

#include <stdlib.h>
#include <string.h>

#include "engine/assert.h"

#define BUFFER_BYTES_MIN ((size_t)4096)

void hf_buffer_release(struct hf_buffer *buffer)
{
    free(buffer->bytes);
    *buffer = (struct hf_buffer){0};
}

void hf_buffer_clear(struct hf_buffer *buffer)
{
    buffer->start = 0;
    buffer->end = 0;
    buffer->is_failed = false;
}

/* The room that is left is given up, so that the fast path of hf_buffer_add takes nothing more. */
static bool fail(struct hf_buffer *buffer)
{
    buffer->bytes_max = buffer->end;
    buffer->is_failed = true;
    return false;
}

bool hf_buffer_grow(struct hf_buffer *buffer, size_t bytes_count)
{
    HF_ASSERT(buffer->start <= buffer->end);
    HF_ASSERT(buffer->end <= buffer->bytes_max);

    if (buffer->is_failed) {
        return false;
    }
    const size_t queued = hf_buffer_count(buffer);
    if (bytes_count > SIZE_MAX / 4 || queued > SIZE_MAX / 4) {
        return fail(buffer);
    }
    /* When what was taken is at least half, moving the rest down costs less than it frees. */
    if (buffer->start >= buffer->bytes_max / 2 && queued + bytes_count <= buffer->bytes_max) {
        memmove(buffer->bytes, buffer->bytes + buffer->start, queued);
        buffer->start = 0;
        buffer->end = queued;
        return true;
    }
    size_t bytes_max = buffer->bytes_max < BUFFER_BYTES_MIN ? BUFFER_BYTES_MIN : buffer->bytes_max;
    while (bytes_max < queued + bytes_count) {
        bytes_max *= 2;
    }
    unsigned char *bytes = malloc(bytes_max);
    if (bytes == NULL) {
        return fail(buffer);
    }
    if (queued > 0) {
        memcpy(bytes, buffer->bytes + buffer->start, queued);
    }
    free(buffer->bytes);
    buffer->bytes = bytes;
    buffer->bytes_max = bytes_max;
    buffer->start = 0;
    buffer->end = queued;
    return true;
}

bool hf_buffer_append(struct hf_buffer *buffer, const void *bytes, size_t bytes_count)
{
    if (bytes_count == 0) {
        return !buffer->is_failed;
    }
    unsigned char *room = hf_buffer_add(buffer, bytes_count);
    if (room == NULL) {
        return false;
    }
    memcpy(room, bytes, bytes_count);
    return true;
}

void hf_buffer_take(struct hf_buffer *buffer, size_t bytes_count)
{
    HF_ASSERT(bytes_count <= hf_buffer_count(buffer));

    buffer->start += bytes_count;
    if (buffer->start == buffer->end) {
        buffer->start = 0;
        buffer->end = 0;
    }
}

void hf_buffer_cut(struct hf_buffer *buffer, size_t bytes_count)
{
    HF_ASSERT(bytes_count <= hf_buffer_count(buffer));

    buffer->end = buffer->start + bytes_count;
}
