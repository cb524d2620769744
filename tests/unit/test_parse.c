/*
 * test_parse.c - words of people: durations, sizes, counts, addresses.
 *
 * Method: rows of words with what they mean or that they are refused; what is refused leaves the
 * result as it was. What is formatted reads back as the same value.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>

#include "tools/common/parse.h"

#define UNTOUCHED UINT64_C(77)
#define DAY_US (UINT64_C(24) * 3600 * 1000000)

static const struct row {
    const char *word;
    bool is_taken;
    uint64_t want;
} durations[] = {
    {"0", true, 0},
    {"0s", true, 0},
    {"250us", true, 250},
    {"500ms", true, 500000},
    {"30s", true, 30000000},
    {"15m", true, 900000000},
    {"2h", true, UINT64_C(7200000000)},
    {"30d", true, 30 * DAY_US},
    {"36600d", true, 36600 * DAY_US},
    {"36601d", false, 0},
    {"18446744073709551615us", false, 0},
    {"18446744073709551616us", false, 0},
    {"", false, 0},
    {"s", false, 0},
    {"10", false, 0},
    {"1", false, 0},
    {"-1s", false, 0},
    {"+1s", false, 0},
    {" 1s", false, 0},
    {"1s ", false, 0},
    {"1 s", false, 0},
    {"1.5h", false, 0},
    {"1S", false, 0},
    {"1min", false, 0},
    {"1h30m", false, 0},
    {"0x10s", false, 0},
};
static const struct row sizes[] = {
    {"0", true, 0},
    {"4096", true, 4096},
    {"64KiB", true, 65536},
    {"256MiB", true, UINT64_C(268435456)},
    {"2GiB", true, UINT64_C(2147483648)},
    {"1TiB", true, UINT64_C(1) << 40},
    {"18446744073709551615", true, UINT64_MAX},
    {"18446744073709551616", false, 0},
    {"16777215TiB", true, UINT64_C(16777215) << 40},
    {"16777216TiB", false, 0},
    {"", false, 0},
    {"KiB", false, 0},
    {"1KB", false, 0},
    {"1kib", false, 0},
    {"1M", false, 0},
    {"-1", false, 0},
    {"1 MiB", false, 0},
};
static const struct row counts[] = {
    {"0", true, 0},   {"100", true, 100}, {"101", false, 0}, {"", false, 0},
    {"1x", false, 0}, {"-1", false, 0},   {"007", true, 7},  {"99999999999999999999", false, 0},
};

static void durations_and_sizes(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof durations / sizeof durations[0]; i++) {
        uint64_t value = UNTOUCHED;
        if (hf_parse_duration_us(durations[i].word, &value) != durations[i].is_taken ||
            value != (durations[i].is_taken ? durations[i].want : UNTOUCHED)) {
            fail_msg("duration \"%s\" gave %ju", durations[i].word, (uintmax_t)value);
        }
    }
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        uint64_t value = UNTOUCHED;
        if (hf_parse_size(sizes[i].word, &value) != sizes[i].is_taken ||
            value != (sizes[i].is_taken ? sizes[i].want : UNTOUCHED)) {
            fail_msg("size \"%s\" gave %ju", sizes[i].word, (uintmax_t)value);
        }
    }
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        uint64_t value = UNTOUCHED;
        if (hf_parse_count(counts[i].word, 100, &value) != counts[i].is_taken ||
            value != (counts[i].is_taken ? counts[i].want : UNTOUCHED)) {
            fail_msg("count \"%s\" gave %ju", counts[i].word, (uintmax_t)value);
        }
    }
}

static void formatted_and_read_back(void **state)
{
    static const struct {
        uint64_t value;
        const char *duration, *size;
    } values[] = {
        {0, "0", "0"},
        {1, "1us", "1"},
        {1000, "1ms", "1000"},
        {1024, "1024us", "1KiB"},
        {1500000, "1500ms", "1500000"},
        {UINT64_C(60000000), "1m", "60000000"},
        {UINT64_C(90000000), "90s", "90000000"},
        {UINT64_C(86400000000), "1d", "84375000KiB"},
        {UINT64_C(268435456), "268435456us", "256MiB"},
        {UINT64_C(1) << 40, "1099511627776us", "1TiB"},
    };
    (void)state;

    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        char text[HF_SIZE_TEXT_BYTES];
        uint64_t value = UNTOUCHED;
        hf_format_duration_us(values[i].value, text);
        assert_string_equal(text, values[i].duration);
        assert_true(hf_parse_duration_us(text, &value));
        assert_int_equal(value, values[i].value);
        hf_format_size(values[i].value, text);
        assert_string_equal(text, values[i].size);
        assert_true(hf_parse_size(text, &value));
        assert_int_equal(value, values[i].value);
    }
}

static void addresses(void **state)
{
    static const struct {
        const char *word, *host; /* NULL: refused */
        uint16_t port;
        const char *text;
    } words[] = {
        {"127.0.0.1:4653", "127.0.0.1", 4653, "127.0.0.1:4653"},
        {"127.0.0.1:0", "127.0.0.1", 0, "127.0.0.1:0"},
        {"shop.example:65535", "shop.example", 65535, "shop.example:65535"},
        {"shop.example", "shop.example", HF_PORT_DEFAULT, "shop.example:4653"},
        {":80", "127.0.0.1", 80, "127.0.0.1:80"},
        {"[::1]:7", "::1", 7, "[::1]:7"},
        {"[::1]", "::1", HF_PORT_DEFAULT, "[::1]:4653"},
        {"", NULL, 0, NULL},
        {"host:", NULL, 0, NULL},
        {"host:65536", NULL, 0, NULL},
        {"host:-1", NULL, 0, NULL},
        {"host:80x", NULL, 0, NULL},
        {"::1", NULL, 0, NULL},
        {"::1:80", NULL, 0, NULL},
        {"[::1", NULL, 0, NULL},
        {"[]:80", NULL, 0, NULL},
        {"[::1]80", NULL, 0, NULL},
        {"host]:80", NULL, 0, NULL},
    };
    char long_word[300];
    struct hf_address address;
    (void)state;

    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        char text[HF_ADDRESS_TEXT_BYTES];
        if (hf_parse_address(words[i].word, &address) != (words[i].host != NULL)) {
            fail_msg("address \"%s\"", words[i].word);
        }
        if (words[i].host != NULL) {
            assert_string_equal(address.host, words[i].host);
            assert_int_equal(address.port, words[i].port);
            hf_format_address(&address, text);
            assert_string_equal(text, words[i].text);
        }
    }
    memset(long_word, 'a', sizeof long_word);
    long_word[255] = '\0';
    assert_true(hf_parse_address(long_word, &address));
    long_word[255] = 'a';
    long_word[256] = '\0';
    assert_false(hf_parse_address(long_word, &address));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(durations_and_sizes),
        cmocka_unit_test(formatted_and_read_back),
        cmocka_unit_test(addresses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
