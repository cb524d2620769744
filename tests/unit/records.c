#include "tests/unit/records.h"

#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void hf_goldens_read(struct hf_goldens *goldens, const char *path, uint32_t want_count)
{
    FILE *file = fopen(path, "r");
    char line[256];

    assert_non_null(file);
    memset(goldens, 0, sizeof *goldens);
    while (fgets(line, sizeof line, file) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        if (line[0] == '=') {
            assert_true(goldens->count < HF_GOLDEN_MAX);
            struct hf_golden *golden = &goldens->records[goldens->count++];
            (void)snprintf(golden->does, sizeof golden->does, "%.127s", line + 2);
            continue;
        }
        line[strcspn(line, "#")] = '\0';
        char *rest = NULL;
        for (char *word = strtok_r(line, " ", &rest); word != NULL;
             word = strtok_r(NULL, " ", &rest)) {
            assert_true(goldens->count > 0);
            struct hf_golden *golden = &goldens->records[goldens->count - 1];
            assert_true(golden->bytes_count < HF_GOLDEN_BYTES_MAX);
            golden->bytes[golden->bytes_count++] = (unsigned char)strtoul(word, NULL, 16);
        }
    }
    (void)fclose(file);
    assert_int_equal(goldens->count, want_count);
}

enum hf_err hf_decode(struct hf_decoded *decoded, const void *bytes, size_t bytes_count)
{
    struct hf_record_reader reader;
    bool is_end = false;

    memset(decoded, 0, sizeof *decoded);
    enum hf_err err = hf_record_open(&reader, &decoded->header, bytes, bytes_count);
    while (err == HF_OK && !is_end) {
        assert_true(decoded->count < HF_DECODED_EFFECTS_MAX);
        err = hf_record_next(&reader, decoded->header.lsn, &decoded->effects[decoded->count],
                             &is_end);
        decoded->count += err == HF_OK && !is_end;
    }
    return err;
}

uint32_t hf_encode(const struct hf_decoded *decoded, unsigned char *room)
{
    struct hf_record_writer writer;
    uint32_t hits_bytes = 0;

    hf_record_begin(&writer, room, &decoded->header);
    for (uint32_t i = 0; i < decoded->count; i++) {
        hf_record_put(&writer, &decoded->effects[i]);
        if (decoded->effects[i].tag == HF_EFFECT_SHORTAGE) {
            hits_bytes += decoded->effects[i].shortage.hits_bytes;
        }
    }
    const uint32_t bytes_count = hf_record_end(&writer);
    assert_true(bytes_count <= hf_record_bound(decoded->count) + hits_bytes);
    return bytes_count;
}

void hf_check_round_trip(const struct hf_decoded *decoded)
{
    unsigned char once[8192];
    unsigned char twice[8192];
    struct hf_decoded again;

    const uint32_t once_bytes = hf_encode(decoded, once);
    assert_int_equal(hf_decode(&again, once, once_bytes), HF_OK);
    assert_int_equal(again.count, decoded->count);
    assert_int_equal(again.header.record_bytes, once_bytes);
    for (uint32_t i = 0; i < again.count; i++) {
        assert_int_equal(again.effects[i].tag, decoded->effects[i].tag);
    }
    assert_int_equal(hf_encode(&again, twice), once_bytes);
    assert_memory_equal(once, twice, once_bytes);
}
