#include "engine/state.h"
#include "tests/unit/drafts.h"

#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdlib.h>

#include "engine/ledger.h"

void hf_draft_live(struct hf_small *small, const char *const *story, size_t story_count)
{
    hf_small_init(small, NULL);
    for (size_t i = 0; i < story_count; i++) {
        if (hf_small_do(small, "%s", story[i]) != HF_OK) {
            fail_msg("\"%s\": %s", story[i], hf_err_name(small->result.outcome));
        }
    }
    assert_int_equal(hf_engine_lsn(small->engine), story_count);
}

struct hf_draft hf_draft_begin(uint64_t story_lsn)
{
    return (struct hf_draft){.header = {.kind = HF_KIND_ADJUST,
                                        .lsn = story_lsn + 1,
                                        .ts_us = HF_SMALL_BEGIN_US + story_lsn + 1}};
}

void hf_draft_add(struct hf_draft *draft, struct hf_effect effect)
{
    assert_true(draft->count < HF_DRAFT_EFFECTS_MAX);
    draft->effects[draft->count++] = effect;
}

uint32_t hf_draft_write(const struct hf_draft *draft, unsigned char *room)
{
    struct hf_record_writer writer;

    hf_record_begin(&writer, room, &draft->header);
    for (uint32_t i = 0; i < draft->count; i++) {
        hf_record_put(&writer, &draft->effects[i]);
    }
    const uint32_t bytes_count = hf_record_end(&writer);
    assert_true(bytes_count <= HF_DRAFT_BYTES_MAX);
    return bytes_count;
}

struct hf_engine *hf_draft_copy_of(struct hf_engine *engine)
{
    struct hf_engine *copy = hf_engine_create(&engine->config);
    unsigned char *chunk = malloc(HF_IMAGE_BYTES_MIN);
    struct hf_image_cursor cursor = {0};
    const char *why = "";

    assert_non_null(copy);
    assert_non_null(chunk);
    for (size_t bytes_count;
         (bytes_count = hf_engine_copy(engine, &cursor, chunk, HF_IMAGE_BYTES_MIN)) > 0;) {
        if (hf_engine_load(copy, chunk, bytes_count, &why) != HF_OK) {
            fail_msg("a copy is refused: %s", why);
        }
    }
    if (hf_engine_load_end(copy, &why) != HF_OK) {
        fail_msg("a copy is refused: %s", why);
    }
    free(chunk);
    return copy;
}

void hf_draft_check(struct hf_small *small, const struct hf_draft_row *row)
{
    const uint64_t story_lsn = hf_engine_lsn(small->engine);
    struct hf_draft draft = hf_draft_begin(story_lsn);
    unsigned char record[HF_DRAFT_BYTES_MAX];
    const char *why = "";

    row->write(&draft);
    const uint32_t bytes_count = hf_draft_write(&draft, record);
    const enum hf_err err = hf_engine_replay(small->engine, record, bytes_count, &why);
    if (err != row->want) {
        fail_msg("%s (%s), expected %s", hf_err_name(err), why, hf_err_name(row->want));
    }
    if (err != HF_OK) {
        assert_string_equal(why, row->why);
        return;
    }
    assert_int_equal(hf_engine_lsn(small->engine), story_lsn + 1);
    const char *violation = hf_small_violation(small->engine);
    if (violation != NULL) {
        fail_msg("%s", violation);
    }
    uint32_t stored_bytes;
    const unsigned char *stored =
        hf_ledger_get(hf_engine_ledger(small->engine), story_lsn + 1, &stored_bytes);
    assert_int_equal(stored_bytes, bytes_count);
    assert_memory_equal(stored, record, bytes_count);
    struct hf_engine *copy = hf_draft_copy_of(small->engine);
    assert_true(hf_digest_is_equal(hf_engine_digest(copy), hf_engine_digest(small->engine)));
    hf_engine_free(copy);
}
