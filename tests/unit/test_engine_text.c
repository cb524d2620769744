/*
 * test_engine_text.c - what is a code: 1 to 64 bytes of valid UTF-8 without control characters.
 *
 * Method: for every range of Unicode's table of well-formed byte sequences the bytes on both sides
 * of both ends, alone and between other characters; every single byte and every pair is also
 * judged against a decoder that was written the other way round: it decodes first and then asks
 * whether the code point is allowed and was encoded in the shortest form.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>

#include "engine/text.h"
#include "tests/lib/guarded.h"
#include "tests/lib/small_engine.h"

static const struct row {
    const char *name;
    const char *bytes;
    bool want;
} rows[] = {
    {"below the space", "\x1F", false},
    {"the space", " ", true},
    {"before delete", "\x7E", true},
    {"delete", "\x7F", false},
    {"a continuation byte alone", "\x80", false},
    {"the last continuation byte alone", "\xBF", false},
    {"C0: overlong", "\xC0\x80", false},
    {"C1: overlong", "\xC1\xBF", false},
    {"U+0080, the first control of the second set", "\xC2\x80", false},
    {"U+0085, next line", "\xC2\x85", false},
    {"U+009F, the last of them", "\xC2\x9F", false},
    {"U+00A0", "\xC2\xA0", true},
    {"U+00BF", "\xC2\xBF", true},
    {"C2 and no continuation", "\xC2\xC0", false},
    {"C2 and a letter", "\xC2x", false},
    {"C2 at the end", "\xC2", false},
    {"U+07FF", "\xDF\xBF", true},
    {"DF and no continuation", "\xDF\xC0", false},
    {"E0: overlong", "\xE0\x9F\xBF", false},
    {"U+0800", "\xE0\xA0\x80", true},
    {"E0 and no third byte", "\xE0\xA0", false},
    {"E0 and a bad third byte", "\xE0\xA0\x7F", false},
    {"E0 and a third byte above", "\xE0\xA0\xC0", false},
    {"U+1000", "\xE1\x80\x80", true},
    {"E1 and a second byte below", "\xE1\x7F\x80", false},
    {"U+CFFF", "\xEC\xBF\xBF", true},
    {"U+D7FF, before the surrogates", "\xED\x9F\xBF", true},
    {"U+D800, the first surrogate", "\xED\xA0\x80", false},
    {"U+DFFF, the last surrogate", "\xED\xBF\xBF", false},
    {"U+E000, after the surrogates", "\xEE\x80\x80", true},
    {"U+FFFF", "\xEF\xBF\xBF", true},
    {"F0: overlong", "\xF0\x8F\xBF\xBF", false},
    {"U+10000", "\xF0\x90\x80\x80", true},
    {"F0 and three bytes", "\xF0\x90\x80", false},
    {"F0 and a bad fourth byte", "\xF0\x90\x80\x7F", false},
    {"F0 and a bad third byte", "\xF0\x90\xC0\x80", false},
    {"U+40000", "\xF1\x80\x80\x80", true},
    {"U+FFFFF", "\xF3\xBF\xBF\xBF", true},
    {"U+10FFFF, the last", "\xF4\x8F\xBF\xBF", true},
    {"U+110000", "\xF4\x90\x80\x80", false},
    {"F5", "\xF5\x80\x80\x80", false},
    {"FE", "\xFE", false},
    {"FF", "\xFF", false},
    {"umlauts and a euro",
     "Stra\xC3\x9F"
     "e 5 \xE2\x82\xAC",
     true},
};

static bool is_code(const char *bytes, size_t bytes_count)
{
    return hf_text_is_code((struct hf_text){bytes, (uint32_t)bytes_count});
}

/* Alone, before, after and between letters; always where memory ends behind it. */
static void one_sequence(void **state)
{
    const struct row *row = *state;
    static const char *const around[][2] = {{"", ""}, {"a", ""}, {"", "z"}, {"a", "z"}};
    struct hf_guarded guarded;
    char text[32];

    hf_guarded_init(&guarded, sizeof text);
    for (size_t i = 0; i < sizeof around / sizeof around[0]; i++) {
        strcpy(text, around[i][0]);
        strcat(text, row->bytes);
        strcat(text, around[i][1]);
        const size_t bytes_count = strlen(text);
        const char *copy = (const char *)hf_guarded_copy(&guarded, text, bytes_count);
        assert_int_equal(is_code(copy, bytes_count), row->want);
    }
    hf_guarded_release(&guarded);
}

/* Decode first, judge afterwards. */
static bool is_code_otherwise(const unsigned char *bytes, size_t bytes_count)
{
    size_t at = 0;

    while (at < bytes_count) {
        uint32_t point = bytes[at];
        size_t more = 0;
        while (more < 7 && (bytes[at] & (0x80 >> more)) != 0) {
            more++;
        }
        if (more == 1 || more > 4) {
            return false;
        }
        more = more == 0 ? 0 : more - 1;
        if (more > 0) {
            point &= 0x3Fu >> more;
        }
        for (size_t i = 1; i <= more; i++) {
            if (at + i >= bytes_count || bytes[at + i] < 0x80 || bytes[at + i] > 0xBF) {
                return false;
            }
            point = point << 6 | (bytes[at + i] & 0x3F);
        }
        const size_t shortest = point < 0x80 ? 0 : point < 0x800 ? 1 : point < 0x10000 ? 2 : 3;
        if (more != shortest || point < 0x20 || (point >= 0x7F && point <= 0x9F) ||
            (point >= 0xD800 && point <= 0xDFFF) || point > 0x10FFFF) {
            return false;
        }
        at += more + 1;
    }
    return bytes_count > 0 && bytes_count <= 64;
}

static void check_same(const unsigned char *bytes, size_t bytes_count)
{
    if (is_code((const char *)bytes, bytes_count) != is_code_otherwise(bytes, bytes_count)) {
        fail_msg("%zu bytes, %02x %02x %02x %02x", bytes_count, bytes[0], bytes[1], bytes[2],
                 bytes[3]);
    }
}

static void every_short_sequence(void **state)
{
    (void)state;

    for (unsigned first = 0; first < 256; first++) {
        for (unsigned second = 0; second < 256; second++) {
            static const unsigned char tails[][2] = {{0x80, 0x80}, {0xBF, 0xBF}, {0x80, 0x7F},
                                                     {0x80, 0xC0}, {'a', 'b'},   {0x7F, 0x80}};
            unsigned char bytes[4] = {(unsigned char)first, (unsigned char)second};
            check_same(bytes, 1);
            check_same(bytes, 2);
            for (size_t i = 0; i < sizeof tails / sizeof tails[0]; i++) {
                memcpy(bytes + 2, tails[i], 2);
                check_same(bytes, 3);
                check_same(bytes, 4);
            }
        }
    }
}

static void random_sequences(void **state)
{
    static const unsigned char likely[] = {0x1F, 0x20, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF,
                                           0xC2, 0xDF, 0xE0, 0xED, 0xEF, 0xF0, 0xF4, 'a'};
    uint64_t seed = hf_random_seed();
    (void)state;

    for (uint32_t round = 0; round < 200000; round++) {
        unsigned char bytes[12];
        const size_t bytes_count = 1 + hf_random_below(&seed, sizeof bytes);
        for (size_t i = 0; i < bytes_count; i++) {
            bytes[i] = likely[hf_random_below(&seed, sizeof likely)];
        }
        check_same(bytes, bytes_count);
    }
}

/* 0, 1, 64 and 65 bytes; and a character that the 64th byte would cut in two. */
static void lengths(void **state)
{
    struct hf_guarded guarded;
    char text[68];
    (void)state;

    hf_guarded_init(&guarded, sizeof text);
    memset(text, 'x', sizeof text);
    for (size_t bytes_count = 0; bytes_count <= 66; bytes_count++) {
        const char *copy = (const char *)hf_guarded_copy(&guarded, text, bytes_count);
        assert_int_equal(is_code(copy, bytes_count), bytes_count >= 1 && bytes_count <= 64);
    }
    for (size_t at = 60; at <= 64; at++) { /* three bytes of a euro at the end */
        memset(text, 'x', sizeof text);
        memcpy(text + at, "\xE2\x82\xAC", 3);
        const char *copy = (const char *)hf_guarded_copy(&guarded, text, at + 3);
        assert_int_equal(is_code(copy, at + 3), at + 3 <= 64);
        copy = (const char *)hf_guarded_copy(&guarded, text, at + 2);
        assert_false(is_code(copy, at + 2));
    }
    assert_false(is_code(NULL, 0));
    assert_false(is_code("a\0b", 3)); /* a zero byte is a control character */
    hf_guarded_release(&guarded);
}

static void equality(void **state)
{
    (void)state;
    assert_true(hf_text_equal(hf_text_of("a"), hf_text_of("a")));
    assert_false(hf_text_equal(hf_text_of("a"), hf_text_of("A")));
    assert_false(hf_text_equal(hf_text_of("a"), hf_text_of("ab")));
    assert_true(hf_text_equal((struct hf_text){"abc", 2}, hf_text_of("ab")));
    assert_true(hf_text_equal(hf_text_of(NULL), hf_text_of("")));
    assert_int_equal(hf_text_of(NULL).bytes_count, 0);
}

int main(void)
{
    struct CMUnitTest tests[sizeof rows / sizeof rows[0] + 4];
    size_t count = 0;

    for (; count < sizeof rows / sizeof rows[0]; count++) {
        tests[count] = (struct CMUnitTest){
            .name = rows[count].name,
            .test_func = one_sequence,
            .initial_state = (void *)(uintptr_t)&rows[count],
        };
    }
    tests[count++] = (struct CMUnitTest)cmocka_unit_test(every_short_sequence);
    tests[count++] = (struct CMUnitTest)cmocka_unit_test(random_sequences);
    tests[count++] = (struct CMUnitTest)cmocka_unit_test(lengths);
    tests[count++] = (struct CMUnitTest)cmocka_unit_test(equality);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
