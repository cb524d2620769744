/*
 * buffer.h - bytes on their way out: a growable queue that is filled at the end and taken from
 * the front.
 *
 *     | taken |  queued bytes  |   room   |
 *             ^ start          ^ end      ^ bytes_max
 *
 * Memory that could not be had is remembered (`is_failed`) instead of being reported by each
 * call, so that a writer of many small pieces checks once, at the end. A failed buffer takes
 * nothing more and stays valid to release.
 */
#ifndef HF_NET_BUFFER_H
#define HF_NET_BUFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct hf_buffer {
    unsigned char *bytes;
    size_t start;
    size_t end;
    size_t bytes_max;
    bool is_failed;
};

/* An empty buffer is a zeroed one. */
void hf_buffer_release(struct hf_buffer *buffer);

/* Make room for `bytes_count` more. False, and is_failed from then on: no memory. */
bool hf_buffer_grow(struct hf_buffer *buffer, size_t bytes_count);

/* Forget all bytes, keep the memory, and be usable again after a failure. */
void hf_buffer_clear(struct hf_buffer *buffer);

static inline size_t hf_buffer_count(const struct hf_buffer *buffer)
{
    return buffer->end - buffer->start;
}

/* The first queued byte; valid until something is added. NULL when there never was one. */
static inline unsigned char *hf_buffer_front(const struct hf_buffer *buffer)
{
    return buffer->start == 0 ? buffer->bytes : buffer->bytes + buffer->start;
}

/* Add `bytes_count` uninitialised bytes and return where they begin; NULL: no memory. */
static inline unsigned char *hf_buffer_add(struct hf_buffer *buffer, size_t bytes_count)
{
    if (buffer->bytes_max - buffer->end < bytes_count && !hf_buffer_grow(buffer, bytes_count)) {
        return NULL;
    }
    unsigned char *room = buffer->bytes + buffer->end;
    buffer->end += bytes_count;
    return room;
}

/* Add a copy of bytes. False: no memory. */
bool hf_buffer_append(struct hf_buffer *buffer, const void *bytes, size_t bytes_count);

/* Drop the first `bytes_count` queued bytes. */
void hf_buffer_take(struct hf_buffer *buffer, size_t bytes_count);

/* Drop queued bytes at the end until `bytes_count` are left. */
void hf_buffer_cut(struct hf_buffer *buffer, size_t bytes_count);

#endif
