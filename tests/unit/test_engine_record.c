/*
 * test_engine_record.c - the bytes of records, of both formats.
 *
 * Method: tests/golden/record-2.txt holds records of every kind with every effect, field by field,
 * and record-1.txt those of format 1. The engine must write the very bytes of format 2 for the
 * operations named there, and replay both. Every prefix of each, placed against an unreadable page,
 * is refused; so is every prefix that claims to be whole. Every change of one byte is either
 * refused or reads as something that can be written and read again; every flipped bit is refused,
 * or leads to a state that is sound, can be copied and lives on.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "engine/bytes.h"
#include "engine/ledger.h"
#include "engine/op.h"
#include "tests/lib/guarded.h"
#include "tests/lib/small_engine.h"
#include "tests/unit/drafts.h"
#include "tests/unit/records.h"

#define COUNT_1 19
#define COUNT_2 41

static struct hf_goldens formats[2];
static const struct hf_goldens *const format_2 = &formats[1];

static int read_goldens(void **state)
{
    (void)state;
    hf_goldens_read(&formats[0], HF_GOLDEN_1, COUNT_1);
    hf_goldens_read(&formats[1], HF_GOLDEN_2, COUNT_2);
    return 0;
}

/* Do what the golden records name; the last ones are linked. */
static void do_all(struct hf_small *small, const struct hf_goldens *goldens)
{
    struct hf_result results[8];
    const char *linked[8];
    uint32_t linked_count = 0;

    for (uint32_t i = 0; i < goldens->count; i++) {
        const char *does = goldens->records[i].does;
        if (strncmp(does, "linked: ", 8) == 0) {
            linked[linked_count++] = does + 8;
        } else if (strncmp(does, "expire ", 7) == 0) {
            small->now_us += strtoull(does + 7, NULL, 10);
            hf_engine_expire(small->engine, small->now_us, 10);
        } else if (hf_small_do(small, "%s", does) != HF_OK) {
            fail_msg("\"%s\": %s", does, hf_err_name(small->result.outcome));
        }
    }
    assert_int_equal(hf_small_do_linked(small, linked, linked_count, results), HF_OK);
    assert_int_equal(hf_engine_lsn(small->engine), goldens->count);
}

static void engine_writes_the_golden_bytes(void **state)
{
    struct hf_engine_config config = hf_small_config();
    struct hf_small small;
    unsigned kinds = 0;
    unsigned tags = 0;
    (void)state;

    config.references_max = 3;
    config.over_receipt_percent = 10;
    hf_small_init(&small, &config);
    do_all(&small, format_2);
    for (uint32_t i = 0; i < format_2->count; i++) {
        const struct hf_golden *golden = &format_2->records[i];
        struct hf_decoded decoded;
        uint32_t bytes_count;
        const unsigned char *record =
            hf_ledger_get(hf_engine_ledger(small.engine), i + 1, &bytes_count);
        if (bytes_count != golden->bytes_count || memcmp(record, golden->bytes, bytes_count) != 0) {
            fail_msg("\"%s\" is written as other bytes", golden->does);
        }
        assert_int_equal(hf_decode(&decoded, record, bytes_count), HF_OK);
        assert_int_equal(decoded.header.lsn, i + 1);
        kinds |= 1u << decoded.header.kind;
        for (uint32_t j = 0; j < decoded.count; j++) {
            tags |= 1u << decoded.effects[j].tag;
        }
        hf_check_round_trip(&decoded);
    }
    assert_int_equal(kinds, (1u << HF_KINDS_COUNT) - 2); /* every kind, every effect */
    assert_int_equal(tags, (1u << (HF_EFFECT_SHORTAGE + 1)) - 2);

    /* Who reads the golden bytes knows what the writer knew. */
    struct hf_engine *reader = hf_engine_create(&config);
    const char *why = "";
    for (uint32_t i = 0; i < format_2->count; i++) {
        const struct hf_golden *golden = &format_2->records[i];
        assert_int_equal(hf_engine_replay(reader, golden->bytes, golden->bytes_count, &why), HF_OK);
    }
    assert_true(hf_digest_is_equal(hf_engine_digest(reader), hf_engine_digest(small.engine)));
    hf_engine_free(reader);
    hf_small_release(&small);
}

static void golden_bytes_replay(void **state)
{
    static const struct cell {
        uint32_t format;
        const char *cell, *want;
    } cells[] = {
        {0, "A@W", "18 0 0 0 v19"},  {0, "B@W", "298 0 0 0 v17"}, {1, "A@W", "35 0 0 0 v41"},
        {1, "B@W", "258 0 0 0 v27"}, {1, "C@W", "0 0 0 0 v35"},   {1, "A@V", "1 0 0 0 v29"},
        {1, "B@V", "20 0 0 0 v28"},  {1, "C@V", "7 0 0 0 v38"},
    };
    struct hf_engine_config config = hf_small_config();
    (void)state;

    for (uint32_t format = 0; format < 2; format++) {
        struct hf_engine *engine = hf_engine_create(&config);
        const char *why = "";
        for (uint32_t i = 0; i < formats[format].count; i++) {
            const struct hf_golden *golden = &formats[format].records[i];
            if (hf_engine_replay(engine, golden->bytes, golden->bytes_count, &why) != HF_OK) {
                fail_msg("\"%s\": %s", golden->does, why);
            }
            assert_int_equal(hf_record_bytes(golden->bytes), golden->bytes_count);
            assert_int_equal(hf_record_lsn(golden->bytes), i + 1);
            assert_int_equal(hf_record_is_linked(golden->bytes), i + 2 == formats[format].count);
        }
        for (size_t i = 0; i < sizeof cells / sizeof cells[0]; i++) {
            if (cells[i].format == format) {
                assert_string_equal(hf_small_cell(engine, cells[i].cell), cells[i].want);
            }
        }
        assert_null(hf_small_violation(engine));
        hf_engine_free(engine);
    }
}

/* A log of format 1 goes on in format 2. */
static void format_1_goes_on_in_format_2(void **state)
{
    struct hf_engine_config config = hf_small_config();
    struct hf_small small;
    struct hf_decoded decoded;
    uint32_t bytes_count;
    const char *why = "";
    (void)state;

    hf_small_init(&small, NULL);
    struct hf_engine *follower = hf_engine_create(&config);
    for (uint32_t i = 0; i < COUNT_1; i++) {
        const struct hf_golden *golden = &formats[0].records[i];
        assert_int_equal(hf_engine_replay(small.engine, golden->bytes, golden->bytes_count, &why),
                         HF_OK);
    }
    small.now_us = hf_engine_time_us(small.engine);
    hf_small_pin(&small);
    assert_int_equal(hf_small_do(&small, "transfer_create t1 from=W to=V A=3 ship"), HF_OK);
    assert_int_equal(hf_small_do(&small, "transfer_receive t1 A=2 damaged=1"), HF_OK);
    assert_int_equal(hf_small_follow(&small, follower, &why), HF_OK);
    assert_true(hf_digest_is_equal(hf_engine_digest(small.engine), hf_engine_digest(follower)));

    /* What the ring held of format 1 is what the follower has got: the bytes as they were. */
    const unsigned char *record = hf_ledger_get(hf_engine_ledger(follower), COUNT_1, &bytes_count);
    assert_int_equal(bytes_count, formats[0].records[COUNT_1 - 1].bytes_count);
    assert_memory_equal(record, formats[0].records[COUNT_1 - 1].bytes, bytes_count);
    record = hf_ledger_get(hf_engine_ledger(follower), COUNT_1 + 1, &bytes_count);
    assert_int_equal(hf_decode(&decoded, record, bytes_count), HF_OK);
    assert_int_equal(decoded.effects[0].tag, HF_EFFECT_SHIPMENT_OPEN);
    hf_engine_free(follower);
    hf_small_release(&small);
}

/* ------------------------------------------------------------------ bytes that are not whole */

static void prefixes_are_refused(void **state)
{
    const struct hf_goldens *goldens = *state;
    struct hf_guarded guarded;
    struct hf_decoded decoded;

    hf_guarded_init(&guarded, HF_GOLDEN_BYTES_MAX);
    for (uint32_t i = 0; i < goldens->count; i++) {
        const struct hf_golden *golden = &goldens->records[i];
        for (uint32_t size = 0; size < golden->bytes_count; size++) {
            unsigned char *prefix = hf_guarded_copy(&guarded, golden->bytes, size);
            assert_int_equal(hf_decode(&decoded, prefix, size), HF_TRUNCATED);
            if (size >= 4) { /* a prefix that says it is all */
                hf_put_u32(prefix, size);
                const enum hf_err err = hf_decode(&decoded, prefix, size);
                assert_int_equal(err, size < HF_RECORD_HEADER_BYTES ? HF_TRUNCATED : HF_CORRUPT);
            }
        }
        const unsigned char *whole = hf_guarded_copy(&guarded, golden->bytes, golden->bytes_count);
        assert_int_equal(hf_decode(&decoded, whole, golden->bytes_count), HF_OK);
    }
    hf_guarded_release(&guarded);
}

static void changed_bytes_are_refused_or_make_sense(void **state)
{
    const struct hf_goldens *goldens = *state;
    struct hf_guarded guarded;
    struct hf_decoded decoded;
    uint64_t refused = 0;
    uint64_t accepted = 0;

    hf_guarded_init(&guarded, HF_GOLDEN_BYTES_MAX);
    for (uint32_t i = 0; i < goldens->count; i++) {
        const struct hf_golden *golden = &goldens->records[i];
        const uint32_t bytes_count = golden->bytes_count;
        unsigned char *bytes = hf_guarded_copy(&guarded, golden->bytes, bytes_count);
        for (uint32_t at = 0; at < bytes_count; at++) {
            for (unsigned change = 1; change < 256; change++) {
                bytes[at] = (unsigned char)(golden->bytes[at] ^ change);
                const enum hf_err err = hf_decode(&decoded, bytes, bytes_count);
                if (err == HF_OK) {
                    hf_check_round_trip(&decoded);
                    accepted++;
                } else {
                    assert_true(err == HF_CORRUPT || (err == HF_TRUNCATED && at < 4));
                    refused++;
                }
            }
            bytes[at] = golden->bytes[at];
        }
    }
    assert_true(accepted > 0 && refused > accepted / 4);
    hf_guarded_release(&guarded);
}

/* ------------------------------------------------------------------ a log with one wrong bit */

/* Go on as a server would with what a log has led to. */
static void live_on(struct hf_engine *engine)
{
    static const char *const texts[] = {"release_order order=o-1",
                                        "confirm r1",
                                        "fulfil r1 rest",
                                        "release r2",
                                        "release a-longer-id-than-16",
                                        "reserve r9 A@W=1 ttl=1",
                                        "receive A@W=1",
                                        "transfer_receive t1 A=1 damaged=1",
                                        "transfer_close t1",
                                        "transfer_ship t3",
                                        "transfer_cancel t3",
                                        "inbound_receive i1 A=1",
                                        "inbound_cancel i1",
                                        "inbound_receive i2",
                                        "set A@W=4",
                                        "move_status A@W=4 from=sellable to=damaged"};
    const uint64_t now_us = hf_engine_time_us(engine) + UINT64_C(3600) * 1000000;
    struct hf_result result;
    struct hf_told told;

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        hf_tell(&told, texts[i]);
        hf_engine_apply(engine, &told.op, now_us < HF_TIME_US_MAX ? now_us : HF_TIME_US_MAX,
                        &result);
    }
    hf_engine_expire(engine, HF_TIME_US_MAX, 100);
}

/* An engine that has the first `count` records. */
static struct hf_engine *engine_with(const struct hf_goldens *goldens, uint32_t count)
{
    const struct hf_engine_config config = hf_small_config();
    struct hf_engine *engine = hf_engine_create(&config);
    const char *why = "";

    for (uint32_t i = 0; i < count; i++) {
        assert_int_equal(hf_engine_replay(engine, goldens->records[i].bytes,
                                          goldens->records[i].bytes_count, &why),
                         HF_OK);
    }
    return engine;
}

static void check_accepted(struct hf_engine *engine, const struct hf_golden *golden, uint32_t bit)
{
    const char *violation = hf_small_violation(engine);

    if (violation != NULL) {
        fail_msg("\"%s\" with bit %u flipped: %s", golden->does, bit, violation);
    }
    struct hf_engine *copy = hf_draft_copy_of(engine); /* it can be kept, too */
    assert_true(hf_digest_is_equal(hf_engine_digest(copy), hf_engine_digest(engine)));
    hf_engine_free(copy);
    live_on(engine);
    violation = hf_small_violation(engine);
    if (violation != NULL) {
        fail_msg("\"%s\" with bit %u flipped, later: %s", golden->does, bit, violation);
    }
}

/* Whether the record was refused by its header, before it was let near the state. */
static bool is_untouched(const char *why)
{
    return strcmp(why, "not a record") == 0 || strcmp(why, "the LSN is not the next one") == 0 ||
           strcmp(why, "the time goes back") == 0;
}

static void flip_bits_of(const struct hf_goldens *goldens, uint32_t index, uint32_t *accepted,
                         uint32_t *refused)
{
    const struct hf_golden *golden = &goldens->records[index];
    struct hf_engine *engine = NULL;

    for (uint32_t bit = 0; bit < golden->bytes_count * 8; bit++) {
        unsigned char edited[HF_GOLDEN_BYTES_MAX];
        const char *why = "";
        memcpy(edited, golden->bytes, golden->bytes_count);
        edited[bit / 8] ^= (unsigned char)(1u << bit % 8);
        engine = engine != NULL ? engine : engine_with(goldens, index);
        const enum hf_err err = hf_engine_replay(engine, edited, golden->bytes_count, &why);
        assert_true(err == HF_OK || err == HF_CORRUPT || err == HF_LIMIT_EXCEEDED);
        *(err == HF_OK ? accepted : refused) += 1;
        if (err == HF_OK) {
            check_accepted(engine, golden, bit);
        }
        if (err == HF_OK || !is_untouched(why)) {
            hf_engine_free(engine);
            engine = NULL;
        }
    }
    hf_engine_free(engine);
}

static void flipped_bits_are_refused_or_replay_soundly(void **state)
{
    const struct hf_goldens *goldens = *state;
    uint32_t accepted = 0;
    uint32_t refused = 0;

    for (uint32_t i = 0; i < goldens->count; i++) {
        flip_bits_of(goldens, i, &accepted, &refused);
    }
    assert_true(accepted > 0 && refused > accepted);
}

int main(void)
{
#define OF_FORMAT(number, test)                                                                    \
    {                                                                                              \
        "format " #number ": " #test, (test), NULL, NULL, &formats[(number)-1]                     \
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(engine_writes_the_golden_bytes),
        cmocka_unit_test(golden_bytes_replay),
        cmocka_unit_test(format_1_goes_on_in_format_2),
        OF_FORMAT(1, prefixes_are_refused),
        OF_FORMAT(2, prefixes_are_refused),
        OF_FORMAT(1, changed_bytes_are_refused_or_make_sense),
        OF_FORMAT(2, changed_bytes_are_refused_or_make_sense),
        OF_FORMAT(1, flipped_bits_are_refused_or_replay_soundly),
        OF_FORMAT(2, flipped_bits_are_refused_or_replay_soundly),
    };
    return cmocka_run_group_tests(tests, read_goldens, NULL);
#undef OF_FORMAT
}
