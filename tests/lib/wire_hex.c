#include "tests/lib/wire_samples.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/assert.h"

static int digit_of(int character)
{
    if (character >= '0' && character <= '9') {
        return character - '0';
    }
    return character >= 'a' && character <= 'f' ? character - 'a' + 10 : -1;
}

size_t hf_read_hex(const char *path, unsigned char *bytes, size_t bytes_max)
{
    FILE *file = fopen(path, "r");
    size_t digits_count = 0;
    bool is_comment = false;
    int character;

    if (file == NULL) {
        perror(path);
        abort();
    }
    while ((character = fgetc(file)) != EOF) {
        is_comment = character == '#' || (is_comment && character != '\n');
        if (is_comment || isspace(character)) {
            continue;
        }
        const int digit = digit_of(character);
        HF_ASSERT(digit >= 0);
        HF_ASSERT(digits_count < 2 * bytes_max);
        unsigned char *byte = &bytes[digits_count / 2];
        *byte = (unsigned char)(digits_count % 2 == 0 ? digit << 4 : *byte | digit);
        digits_count++;
    }
    (void)fclose(file);
    HF_ASSERT(digits_count % 2 == 0);
    return digits_count / 2;
}

void hf_write_hex(const char *path, const char *comment, const unsigned char *bytes,
                  size_t bytes_count)
{
    FILE *file = fopen(path, "w");
    if (file == NULL) {
        perror(path);
        abort();
    }
    (void)fprintf(file, "# %s\n", comment);
    for (size_t at = 0; at < bytes_count; at += 16) {
        for (size_t i = at; i < at + 16 && i < bytes_count; i++) {
            (void)fprintf(file, "%02x%s", bytes[i], i % 8 == 7 ? "  " : " ");
        }
        (void)fprintf(file, "# %zu\n", at);
    }
    (void)fclose(file);
}
