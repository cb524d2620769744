/*
 * wire_samples.h - one frame of every kind, from fixed values: what the golden bytes hold.
 *
 * tests/golden/wire/NAME.hex holds the bytes of the sample NAME, as they were when the format was
 * fixed. A codec that writes other bytes has changed the protocol, and that needs a new version.
 */
#ifndef HF_TESTS_WIRE_SAMPLES_H
#define HF_TESTS_WIRE_SAMPLES_H

#include <stdbool.h>
#include <stddef.h>

#include "net/buffer.h"

struct hf_wire_sample {
    const char *name;
    void (*put)(struct hf_buffer *out); /* adds the whole frame */
    bool is_reply;
    unsigned section; /* of an export's rows (enum hf_frozen_section); 0: none are in it */
};

extern const struct hf_wire_sample hf_wire_samples[];
extern const size_t hf_wire_samples_count;

/*
 * Read a file of hexadecimal digits; white space and what follows a # are left out. Returns the
 * bytes read; ends the program when the file is not there, is no such file, or has more bytes.
 */
size_t hf_read_hex(const char *path, unsigned char *bytes, size_t bytes_max);
/* Write such a file, 16 bytes a line with their offset. */
void hf_write_hex(const char *path, const char *comment, const unsigned char *bytes,
                  size_t bytes_count);

#endif
