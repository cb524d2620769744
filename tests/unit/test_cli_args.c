/*
 * test_cli_args.c - how the CLI reads its words.
 *
 * Method: tables of command lines with what they must mean, both sides of each boundary; a
 * refused line must say what is wrong with it.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/holdfast/args.h"
#include "tools/holdfast/output.h"

#define ROWS_COUNT(rows) (sizeof(rows) / sizeof(rows)[0])
#define WORDS_MAX 10

static size_t count_words(const char *const *words)
{
    size_t count = 0;
    while (words[count] != NULL) {
        count += 1;
    }
    return count;
}

/* ------------------------------------------------------------------ options and words */

static const struct args_row {
    const char *name;
    const char *argv[WORDS_MAX];
    const char *want_words[WORDS_MAX];
    enum hf_option option;  /* that must have this value; */
    const char *want_value; /* NULL: not given */
    const char *want_error; /* NULL: understood */
} args_rows[] = {
    {"nothing", {NULL}, {NULL}, HF_OPTION_JSON, NULL, NULL},
    {"options before the command",
     {"--server", "h:1", "--json", "ping"},
     {"ping"},
     HF_OPTION_SERVER,
     "h:1",
     NULL},
    {"options behind the words",
     {"reserve", "c", "A@L=1", "--ttl", "15m"},
     {"reserve", "c", "A@L=1"},
     HF_OPTION_TTL,
     "15m",
     NULL},
    {"options between the words",
     {"reserve", "--ttl", "15m", "c", "A@L=1"},
     {"reserve", "c", "A@L=1"},
     HF_OPTION_TTL,
     "15m",
     NULL},
    {"a flag takes no word with it",
     {"sell", "--fact", "A@L", "1"},
     {"sell", "A@L", "1"},
     HF_OPTION_FACT,
     "",
     NULL},
    {"a value behind an equals sign",
     {"ledger", "--ref=a=b"},
     {"ledger"},
     HF_OPTION_REF,
     "a=b",
     NULL},
    {"a negative number is a word",
     {"adjust", "A@L", "-5"},
     {"adjust", "A@L", "-5"},
     HF_OPTION_JSON,
     NULL,
     NULL},
    {"a number with a plus is a word",
     {"adjust", "A@L", "+3"},
     {"adjust", "A@L", "+3"},
     HF_OPTION_JSON,
     NULL,
     NULL},
    {"a negative number may be a value",
     {"list", "--limit", "-5"},
     {"list"},
     HF_OPTION_LIMIT,
     "-5",
     NULL},
    {"a minus alone is a word", {"show", "-"}, {"show", "-"}, HF_OPTION_JSON, NULL, NULL},
    {"two minuses end the options",
     {"show", "--", "--json"},
     {"show", "--json"},
     HF_OPTION_JSON,
     NULL,
     NULL},
    {"-h is --help", {"-h"}, {NULL}, HF_OPTION_HELP, "", NULL},
    {"an option that does not exist", {"ping", "--frob"}, {NULL}, 0, NULL, "\"--frob\""},
    {"an option cut short", {"ping", "--serve", "h:1"}, {NULL}, 0, NULL, "\"--serve\""},
    {"a short option that does not exist", {"ping", "-x"}, {NULL}, 0, NULL, "\"-x\""},
    {"a value that is missing at the end", {"ping", "--server"}, {NULL}, 0, NULL, "HOST:PORT"},
    {"a value that looks like an option",
     {"ping", "--server", "--json"},
     {NULL},
     0,
     NULL,
     "--server needs"},
    {"an empty value", {"ledger", "--ref="}, {NULL}, 0, NULL, "value of option --ref is empty"},
    {"an empty word as a value",
     {"ledger", "--ref", ""},
     {NULL},
     0,
     NULL,
     "value of option --ref is empty"},
    {"a flag given twice", {"ping", "--json", "--json"}, {"ping"}, HF_OPTION_JSON, "", NULL},
    {"a kind", {"watch", "--kind", "sell"}, {"watch"}, HF_OPTION_KIND, "sell", NULL},
    {"two kinds: the first",
     {"watch", "--kind", "sell", "--kind=adjust"},
     {"watch"},
     HF_OPTION_KIND,
     "sell",
     NULL},
    {"a value for a flag", {"ping", "--json=yes"}, {NULL}, 0, NULL, "takes no value"},
    {"an option given twice",
     {"ledger", "--ref", "a", "--ref", "b"},
     {NULL},
     0,
     NULL,
     "given twice"},
};

static void words_and_options(void **state)
{
    const struct args_row *row = *state;
    struct hf_args args;
    const bool is_good =
        hf_args_parse(&args, (int)count_words(row->argv), (char *const *)row->argv);

    assert_int_equal(is_good, row->want_error == NULL);
    if (!is_good) {
        assert_non_null(strstr(args.error, row->want_error));
        hf_args_release(&args);
        return;
    }
    assert_int_equal(args.words_count, count_words(row->want_words));
    for (size_t i = 0; i < args.words_count; i++) {
        assert_string_equal(args.words[i], row->want_words[i]);
    }
    assert_int_equal(hf_args_has(&args, row->option), row->want_value != NULL);
    if (row->want_value != NULL) {
        assert_string_equal(args.values[row->option], row->want_value);
    }
    hf_args_release(&args);
}

static void stray_options_are_found(void **state)
{
    static const char *const argv[] = {"ping", "--json", "--ttl", "1s"};
    struct hf_args args;
    (void)state;

    assert_true(hf_args_parse(&args, 4, (char *const *)argv));
    assert_int_equal(hf_args_stray(&args, HF_OPTION_BIT(JSON)), HF_OPTION_TTL);
    assert_int_equal(hf_args_stray(&args, HF_OPTION_BIT(TTL)), HF_OPTION_JSON);
    assert_int_equal(hf_args_stray(&args, HF_OPTION_BIT(TTL) | HF_OPTION_BIT(JSON)),
                     HF_OPTIONS_COUNT);
    hf_args_release(&args);
}

/* ------------------------------------------------------------------ numbers */

static void numbers(void **state)
{
    static const struct row {
        const char *word;
        bool is_number;
        bool is_units;
        int64_t units;
        bool is_count;
    } rows[] = {
        {"0", true, true, 0, true},
        {"5", true, true, 5, true},
        {"-5", true, true, -5, false},
        {"+3", true, true, 3, false},
        {"007", true, true, 7, true},
        {"9223372036854775807", true, true, INT64_MAX, true},
        {"9223372036854775808", true, false, 0, true},
        {"-9223372036854775808", true, true, INT64_MIN, false},
        {"-9223372036854775809", true, false, 0, false},
        {"18446744073709551615", true, false, 0, true},
        {"18446744073709551616", true, false, 0, false},
        {"", false, false, 0, false},
        {"-", false, false, 0, false},
        {"+", false, false, 0, false},
        {"--5", false, false, 0, false},
        {"5.5", false, false, 0, false},
        {"-5.5", false, false, 0, false},
        {" 5", false, false, 0, false},
        {"5 ", false, false, 0, false},
        {"0x10", false, false, 0, false},
        {"1e3", false, false, 0, false},
    };
    (void)state;
    for (size_t i = 0; i < ROWS_COUNT(rows); i++) {
        int64_t units = 77;
        uint64_t count = 77;
        assert_int_equal(hf_args_is_number(rows[i].word), rows[i].is_number);
        assert_int_equal(hf_args_units(rows[i].word, &units), rows[i].is_units);
        assert_true(units == (rows[i].is_units ? rows[i].units : 77));
        assert_int_equal(hf_args_count(rows[i].word, &count), rows[i].is_count);
        assert_true(rows[i].is_count || count == 77);
    }
}

/* ------------------------------------------------------------------ lines */

static const struct lines_row {
    const char *name;
    const char *words[WORDS_MAX];
    enum hf_lines_error want;
    const char *want_lines; /* sku|location|units of each line; or part of the error */
} lines_rows[] = {
    {"no lines", {NULL}, HF_LINES_OK, ""},
    {"one line, two words", {"A@L", "5"}, HF_LINES_OK, "A|L|5 "},
    {"one line, one word", {"A@L=5"}, HF_LINES_OK, "A|L|5 "},
    {"two words, below zero", {"A@L", "-5"}, HF_LINES_OK, "A|L|-5 "},
    {"one word, below zero", {"A@L=-5"}, HF_LINES_OK, "A|L|-5 "},
    {"one word, with a plus", {"A@L=+5"}, HF_LINES_OK, "A|L|5 "},
    {"several lines", {"A@L=1", "B@M=2", "A@L=3"}, HF_LINES_OK, "A|L|1 B|M|2 A|L|3 "},
    {"the last @ splits", {"user@host@L=1"}, HF_LINES_OK, "user@host|L|1 "},
    {"the last = splits", {"A=1@L=2"}, HF_LINES_OK, "A=1|L|2 "},
    {"= in the location", {"A@L=x=2"}, HF_LINES_OK, "A|L=x|2 "},
    {"= in the SKU, two words", {"A=1@L", "2"}, HF_LINES_OK, "A=1|L|2 "},
    {"a word with = that is no number, two words", {"A@L=x", "2"}, HF_LINES_OK, "A|L=x|2 "},
    {"zero is for the server to judge", {"A@L", "0"}, HF_LINES_OK, "A|L|0 "},
    {"spaces and other scripts", {"Käse 1@Köln Süd=1"}, HF_LINES_OK, "Käse 1|Köln Süd|1 "},
    {"the largest number", {"A@L=9223372036854775807"}, HF_LINES_OK, "A|L|9223372036854775807 "},
    {"one above it", {"A@L=9223372036854775808"}, HF_LINES_QUANTITY, "of line 1"},
    {"far above it, two words", {"A@L", "99999999999999999999"}, HF_LINES_QUANTITY, "of line 1"},
    {"too large in the second line",
     {"A@L=1", "A@L=99999999999999999999"},
     HF_LINES_QUANTITY,
     "of line 2"},
    {"a quantity given twice", {"A@L=5", "7"}, HF_LINES_USAGE, "twice"},
    {"no quantity", {"A@L"}, HF_LINES_USAGE, "\"A@L\" is not SKU@LOCATION=QUANTITY"},
    {"no quantity in the second line", {"A@L=1", "B@M"}, HF_LINES_USAGE, "\"B@M\""},
    {"no @", {"A=1"}, HF_LINES_USAGE, "\"A\" is not SKU@LOCATION"},
    {"no @, two words", {"A", "1"}, HF_LINES_USAGE, "\"A\""},
    {"no SKU", {"@L=1"}, HF_LINES_USAGE, "\"@L\""},
    {"no location", {"A@=1"}, HF_LINES_USAGE, "\"A@\""},
    {"a quantity with decimals", {"A@L=1.5"}, HF_LINES_USAGE, "\"1.5\""},
    {"an empty quantity", {"A@L="}, HF_LINES_USAGE, "\"\""},
    {"a quantity that is a word", {"A@L=many"}, HF_LINES_USAGE, "\"many\""},
    {"two words, the second no number", {"A@L", "many"}, HF_LINES_USAGE, "\"many\""},
    {"two words, the second with decimals", {"A@L", "1.5"}, HF_LINES_USAGE, "\"1.5\""},
    {"two words, the second a cell", {"A@L", "B@M"}, HF_LINES_USAGE, "\"A@L\""},
    {"a line and a word that is none", {"A@L=1", "1.5"}, HF_LINES_USAGE, "\"1.5\""},
};

static void lines_of_a_command(void **state)
{
    const struct lines_row *row = *state;
    struct hf_lines lines;
    char got[512] = "";

    assert_int_equal(hf_lines_parse(&lines, row->words, count_words(row->words)), row->want);
    if (row->want != HF_LINES_OK) {
        assert_non_null(strstr(lines.error, row->want_lines));
        hf_lines_release(&lines);
        return;
    }
    for (size_t i = 0; i < lines.count; i++) {
        const struct holdfast_line *line = &lines.lines[i];
        const size_t used = strlen(got);
        (void)snprintf(got + used, sizeof got - used, "%s|%s|%" PRId64 " ", line->sku,
                       line->location, line->units);
    }
    assert_string_equal(got, row->want_lines);
    hf_lines_release(&lines);
    assert_int_equal(lines.count, 0);
}

/* Goods that arrive: SKU=QTY of sellable units, and of damaged ones behind a word "|". */
static void lines_of_an_arrival(void **state)
{
    static const struct row {
        const char *words[WORDS_MAX];
        enum hf_lines_error want;
        const char *want_lines; /* sku|units|damaged of each; or part of the error */
    } rows[] = {
        {{NULL}, HF_LINES_OK, ""},
        {{"A=5", NULL}, HF_LINES_OK, "A|5|0 "},
        {{"A=5", "B=7", NULL}, HF_LINES_OK, "A|5|0 B|7|0 "},
        {{"A=5", "|", "A=2", NULL}, HF_LINES_OK, "A|5|2 "},
        {{"|", "A=2", NULL}, HF_LINES_OK, "A|0|2 "},
        {{"A=5", "|", "B=2", NULL}, HF_LINES_OK, "A|5|0 B|0|2 "},
        {{"A=5", "B=6", "|", "B=2", "A=1", NULL}, HF_LINES_OK, "A|5|1 B|6|2 "},
        {{"A=5", "A=6", "|", "A=2", "A=1", NULL}, HF_LINES_OK, "A|5|2 A|6|1 "},
        {{"|", "A=2", "A=3", NULL}, HF_LINES_OK, "A|0|2 A|0|3 "},
        {{"A=0", "|", "A=2", NULL}, HF_LINES_OK, "A|0|2 "},
        {{"x=y=5", NULL}, HF_LINES_OK, "x=y|5|0 "},
        {{"a@b=5", NULL}, HF_LINES_OK, "a@b|5|0 "},
        {{"A", NULL}, HF_LINES_USAGE, "\"A\" is not SKU=QUANTITY"},
        {{"=5", NULL}, HF_LINES_USAGE, "\"=5\" is not SKU=QUANTITY"},
        {{"A=many", NULL}, HF_LINES_USAGE, "\"many\""},
        {{"A=1", "|", "B", NULL}, HF_LINES_USAGE, "\"B\" is not SKU=QUANTITY"},
        {{"A=9223372036854775808", NULL}, HF_LINES_QUANTITY, "of line 1"},
    };
    (void)state;
    for (size_t i = 0; i < ROWS_COUNT(rows); i++) {
        const size_t all = count_words(rows[i].words);
        size_t count = 0;
        struct hf_lines lines;
        char got[512] = "";
        while (count < all && strcmp(rows[i].words[count], "|") != 0) {
            count += 1;
        }
        const size_t behind = count == all ? all : count + 1;
        assert_int_equal(hf_lines_parse_arrival(&lines, rows[i].words, count,
                                                rows[i].words + behind, all - behind),
                         rows[i].want);
        if (rows[i].want != HF_LINES_OK) {
            assert_non_null(strstr(lines.error, rows[i].want_lines));
            hf_lines_release(&lines);
            continue;
        }
        for (size_t k = 0; k < lines.count; k++) {
            const struct holdfast_line *line = &lines.lines[k];
            const size_t used = strlen(got);
            assert_null(line->location);
            (void)snprintf(got + used, sizeof got - used, "%s|%" PRId64 "|%" PRId64 " ", line->sku,
                           line->units, line->damaged);
        }
        assert_string_equal(got, rows[i].want_lines);
        hf_lines_release(&lines);
    }
}

/* --damaged takes all the lines behind it, and no other word. */
static void damaged_takes_what_follows(void **state)
{
    static const struct row {
        const char *argv[WORDS_MAX];
        const char *want_words;
        const char *want_damaged;
    } rows[] = {
        {{"T", "A=1", "--damaged", "B=2", NULL}, "T A=1 ", "B=2 "},
        {{"T", "--damaged", "B=2", "C=3", NULL}, "T ", "B=2 C=3 "},
        {{"T", "--damaged", "B=2", "--damaged", "C=3", NULL}, "T ", "B=2 C=3 "},
        {{"--damaged", "B=2", "T", "A=1", NULL}, "T A=1 ", "B=2 "},
        {{"T", "--damaged=B=2", "A=1", NULL}, "T A=1 ", "B=2 "},
        {{"T", "--damaged", "B=2", "--reason", "damage", "C=3", NULL}, "T C=3 ", "B=2 "},
        {{"T", "--damaged", "B", "C=3", NULL}, "T ", "B C=3 "},
    };
    (void)state;
    for (size_t i = 0; i < ROWS_COUNT(rows); i++) {
        struct hf_args args;
        char words[256] = "";
        char damaged[256] = "";
        assert_true(
            hf_args_parse(&args, (int)count_words(rows[i].argv), (char *const *)rows[i].argv));
        for (size_t k = 0; k < args.words_count; k++) {
            const size_t used = strlen(words);
            (void)snprintf(words + used, sizeof words - used, "%s ", args.words[k]);
        }
        for (size_t k = 0; k < args.damaged_count; k++) {
            const size_t used = strlen(damaged);
            (void)snprintf(damaged + used, sizeof damaged - used, "%s ", args.damaged[k]);
        }
        assert_string_equal(words, rows[i].want_words);
        assert_string_equal(damaged, rows[i].want_damaged);
        hf_args_release(&args);
    }
}

static void a_cell_needs_both_codes(void **state)
{
    static const struct row {
        const char *word;
        const char *sku; /* NULL: refused */
        const char *location;
    } rows[] = {
        {"A@L", "A", "L"},  {"a@b@L", "a@b", "L"}, {"A@L=5", "A", "L=5"}, {"A", NULL, NULL},
        {"@L", NULL, NULL}, {"A@", NULL, NULL},    {"@", NULL, NULL},     {"", NULL, NULL},
    };
    (void)state;
    for (size_t i = 0; i < ROWS_COUNT(rows); i++) {
        struct hf_lines lines;
        const enum hf_lines_error error = hf_lines_parse_cell(&lines, rows[i].word);
        assert_int_equal(error, rows[i].sku == NULL ? HF_LINES_USAGE : HF_LINES_OK);
        if (error == HF_LINES_OK) {
            assert_string_equal(lines.lines[0].sku, rows[i].sku);
            assert_string_equal(lines.lines[0].location, rows[i].location);
        }
        hf_lines_release(&lines);
    }
}

/* ------------------------------------------------------------------ values in answers */

static void times_are_rfc_3339(void **state)
{
    static const struct row {
        int64_t time_us;
        const char *want;
    } rows[] = {
        {0, "-"},
        {1, "1970-01-01T00:00:00.000001Z"},
        {1000000, "1970-01-01T00:00:01Z"},
        {-1, "1969-12-31T23:59:59.999999Z"},
        {951782400000000, "2000-02-29T00:00:00Z"},
        {1700000000123456, "2023-11-14T22:13:20.123456Z"},
    };
    (void)state;
    for (size_t i = 0; i < ROWS_COUNT(rows); i++) {
        char text[HF_TIME_BYTES];
        assert_string_equal(hf_time_text(rows[i].time_us, text), rows[i].want);
    }
}

static void json_of_any_bytes_is_json(void **state)
{
    static const struct row {
        const char *text;
        const char *want;
    } rows[] = {
        {"plain", "\"plain\""},
        {"K\xC3\xA4se", "\"K\xC3\xA4se\""},
        {"a\"b", "\"a\\\"b\""},
        {"bad\xFF", "\"bad\xEF\xBF\xBD\""},
        {"cut\xC3", "\"cut\xEF\xBF\xBD\""},
        {"", "null"},
        {NULL, "null"},
    };
    (void)state;
    for (size_t i = 0; i < ROWS_COUNT(rows); i++) {
        json_t *value = hf_json_text(rows[i].text);
        char *text = json_dumps(value, JSON_ENCODE_ANY);
        assert_string_equal(text, rows[i].want);
        free(text);
        json_decref(value);
    }
}

#define TESTS_MAX 80

int main(void)
{
    struct CMUnitTest tests[TESTS_MAX];
    size_t count = 0;
    const struct CMUnitTest singles[] = {
        cmocka_unit_test(stray_options_are_found),    cmocka_unit_test(numbers),
        cmocka_unit_test(a_cell_needs_both_codes),    cmocka_unit_test(times_are_rfc_3339),
        cmocka_unit_test(json_of_any_bytes_is_json),  cmocka_unit_test(lines_of_an_arrival),
        cmocka_unit_test(damaged_takes_what_follows),
    };
    _Static_assert(ROWS_COUNT(args_rows) + ROWS_COUNT(lines_rows) + ROWS_COUNT(singles) <=
                       TESTS_MAX,
                   "every row has its place");

    for (size_t i = 0; i < ROWS_COUNT(args_rows); i++) {
        tests[count++] = (struct CMUnitTest){.name = args_rows[i].name,
                                             .test_func = words_and_options,
                                             .initial_state = (void *)&args_rows[i]};
    }
    for (size_t i = 0; i < ROWS_COUNT(lines_rows); i++) {
        tests[count++] = (struct CMUnitTest){.name = lines_rows[i].name,
                                             .test_func = lines_of_a_command,
                                             .initial_state = (void *)&lines_rows[i]};
    }
    for (size_t i = 0; i < ROWS_COUNT(singles); i++) {
        tests[count++] = singles[i];
    }
    return _cmocka_run_group_tests("cli_args", tests, count, NULL, NULL);
}
