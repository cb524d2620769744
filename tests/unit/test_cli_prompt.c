/*
 * test_cli_prompt.c - what the prompt makes of a line of text: its words, what may go on at its
 * end; and the times and tokens that people write.
 *
 * Method: tables of lines with what they must mean, both sides of each boundary.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/holdfast/cli.h"
#include "tools/holdfast/complete.h"
#include "tools/holdfast/when.h"
#include "tools/holdfast/words.h"

#define ROWS_COUNT(rows) (sizeof(rows) / sizeof(rows)[0])

/* ------------------------------------------------------------------ words */

static void lines_become_words(void **state)
{
    static const struct row {
        const char *line;
        const char *want; /* each word in < > */
        bool is_open;     /* a quote or backslash waits */
        bool is_in_word;
    } rows[] = {
        {"", "", false, false},
        {"  \t ", "", false, false},
        {"a", "<a>", false, true},
        {"a ", "<a>", false, false},
        {" a  b\tc\n", "<a><b><c>", false, false},
        {"# receive A@L 5", "", false, false},
        {"  # receive A@L 5", "", false, false},
        {"receive #A@L 5", "<receive><#A@L><5>", false, true},
        {"'a b' c", "<a b><c>", false, true},
        {"\"a b\"c d", "<a bc><d>", false, true},
        {"'a\\b'", "<a\\b>", false, true},
        {"\"a\\\"b\"", "<a\"b>", false, true},
        {"a\\ b", "<a b>", false, true},
        {"''", "<>", false, true},
        {"'' x", "<><x>", false, true},
        {"'' ", "<>", false, false},
        {"\"a'b\"", "<a'b>", false, true},
        {"'a b", "<a b>", true, true},
        {"a \"", "<a><>", true, true},
        {"a\\", "<a>", true, true},
        {"\\", "<>", true, true},
        {"'a b ", "<a b >", true, true},
        {"K\xC3\xA4se@L 5", "<K\xC3\xA4se@L><5>", false, true},
    };
    (void)state;
    for (size_t i = 0; i < ROWS_COUNT(rows); i++) {
        struct hf_words words;
        char got[256] = "";
        hf_words_split(&words, rows[i].line);
        for (size_t k = 0; k < words.count; k++) {
            const size_t used = strlen(got);
            (void)snprintf(got + used, sizeof got - used, "<%s>", words.words[k]);
        }
        assert_string_equal(got, rows[i].want);
        assert_int_equal(words.is_closed, !rows[i].is_open);
        assert_int_equal(words.is_in_word, rows[i].is_in_word);
        assert_null(words.words[words.count]);
        hf_words_release(&words);
    }
}

/* ------------------------------------------------------------------ completion */

static void lines_are_completed(void **state)
{
    static const struct row {
        const char *line;
        const char *want; /* all candidates, or the first ones and "..." */
        size_t common_bytes;
    } rows[] = {
        {"", "receive sell adjust ...", 0},
        {"rec", "receive ", 7},
        {"re", "receive region reserve replace release ", 2},
        {"rep", "replace ", 7},
        {"tr", "transfer ", 8},
        {"xyz", "", 0},
        {"transfer ", "create ship receive cancel close show list ", 0},
        {"transfer c", "create cancel close ", 1},
        {"transfer s", "ship show ", 2},
        {"transfer x", "", 0},
        {"inbound l", "list ", 4},
        {"he", "help ", 4},
        {"q", "quit ", 4},
        {"help tra", "transfer ", 8},
        {"help transfer s", "ship show ", 2},
        {"receive A@L 5 --rea", "--reason ", 8},
        {"receive A@L 5 --re", "--ref --reason ", 4},
        {"receive A@L 5 --ref x --re", "--reason ", 8},
        {"receive A@L 5 --reason t", "theft ", 5},
        {"receive A@L 5 --reason p", "purchase production perished ", 1},
        {"receive A@L 5 --to ", "sellable damaged quarantined ", 0},
        {"receive A@L 5 --from", "", 0}, /* it takes none */
        {"watch --from ", "now ", 3},
        {"watch --kind stock", "stock.moved ", 11},
        {"watch --kind low", "low_stock low_stock_over ", 9},
        {"watch --kind sell --ki", "--kind ", 6},
        {"inbound create P L A=1 --sellable ", "yes no ", 0},
        {"inbound create P L A=1 --sell", "--sellable ", 10},
        {"stock A", "", 0},  /* codes are the server's */
        {"stock 's", "", 0}, /* within a quote there are only codes */
        {"transfer create --sh", "--ship ", 6},
        {"nonsense --js", "--json ", 6},
    };
    (void)state;
    for (size_t i = 0; i < ROWS_COUNT(rows); i++) {
        struct hf_candidates candidates;
        char got[4096] = "";
        hf_complete(rows[i].line, &candidates);
        for (size_t k = 0; k < candidates.count; k++) {
            const size_t used = strlen(got);
            (void)snprintf(got + used, sizeof got - used, "%s ", candidates.texts[k]);
        }
        const char *dots = strstr(rows[i].want, "...");
        const size_t bytes = dots == NULL ? sizeof got : (size_t)(dots - rows[i].want);
        if (strncmp(got, rows[i].want, bytes) != 0) {
            print_error("\"%s\": got %s\n", rows[i].line, got);
        }
        assert_int_equal(strncmp(got, rows[i].want, bytes), 0);
        assert_int_equal(hf_candidates_common_bytes(&candidates), rows[i].common_bytes);
    }
}

/* Whatever a prefix of a command is completed to, it is one that the table knows. */
static void every_command_can_be_completed(void **state)
{
    (void)state;
    for (size_t i = 0; i < hf_commands_count; i++) {
        const char *name = hf_commands[i].name;
        char line[64];
        assert_true(strlen(name) < sizeof line);
        for (size_t bytes = 1; bytes <= strlen(name); bytes++) {
            struct hf_candidates candidates;
            bool is_found = false;
            (void)snprintf(line, sizeof line, "%.*s", (int)bytes, name);
            hf_complete(line, &candidates);
            const char *last = strrchr(line, ' ');
            const size_t typed = last == NULL ? bytes : strlen(last + 1);
            for (size_t k = 0; k < candidates.count; k++) {
                is_found = is_found || strstr(name, candidates.texts[k]) != NULL;
                assert_true(strlen(candidates.texts[k]) >= typed);
            }
            assert_true(is_found);
        }
    }
}

static void commands_are_found_by_their_words(void **state)
{
    static const struct row {
        const char *words[3];
        size_t count;
        const char *want; /* NULL: none */
    } rows[] = {
        {{"receive", "A@L"}, 2, "receive"},
        {{"transfer", "ship", "T"}, 3, "transfer ship"},
        {{"transfer", "ship"}, 2, "transfer ship"},
        {{"transfer"}, 1, NULL},
        {{"transfer", "shi"}, 2, NULL},
        {{"trans", "ship"}, 2, NULL},
        {{"transfer ship"}, 1, NULL},
        {{"move-status"}, 1, "move-status"},
        {{""}, 1, NULL},
        {{NULL}, 0, NULL},
    };
    (void)state;
    for (size_t i = 0; i < ROWS_COUNT(rows); i++) {
        const struct hf_command *command = hf_command_find(rows[i].words, rows[i].count);
        assert_int_equal(command != NULL, rows[i].want != NULL);
        if (command != NULL) {
            assert_string_equal(command->name, rows[i].want);
        }
    }
    assert_true(hf_command_is_family("transfer"));
    assert_true(hf_command_is_family("inbound"));
    assert_false(hf_command_is_family("receive"));
    assert_false(hf_command_is_family("trans"));
    assert_false(hf_command_is_family(""));
}

/* ------------------------------------------------------------------ times and tokens */

#define NOW INT64_C(1800000000000000)

static void times_are_read(void **state)
{
    static const struct row {
        const char *word;
        int64_t want; /* -1: refused */
    } rows[] = {
        {"1970-01-01T00:00:00Z", 0},
        {"1969-12-31T23:59:59Z", -1},
        {"1970-01-01T00:00:01.5Z", 1500000},
        {"2023-11-14T22:13:20.123456Z", 1700000000123456},
        {"2023-11-14T22:13:20.1234569Z", 1700000000123456}, /* cut, not rounded */
        {"2023-11-14t22:13:20z", 1700000000000000},
        {"2023-11-14 22:13:20Z", 1700000000000000},
        {"2023-11-14T23:13:20+01:00", 1700000000000000},
        {"2023-11-14T18:43:20-03:30", 1700000000000000},
        {"2023-11-15", 1700006400000000},
        {"2000-02-29", 951782400000000},
        {"1900-02-28", -1},
        {"2023-02-29", -1},
        {"2024-02-29", 1709164800000000},
        {"2100-02-29", -1},
        {"2024-02-30", -1},
        {"2024-12-31T23:59:60Z", 1735689600000000},
        {"2024-12-31T23:59:61Z", -1},
        {"2024-12-31T23:60:00Z", -1},
        {"2024-12-31T24:00:00Z", -1},
        {"2024-00-01", -1},
        {"2024-13-01", -1},
        {"2024-01-00", -1},
        {"2024-01-32", -1},
        {"2024-04-31", -1},
        {"9999-12-31T23:59:59.999999Z", 253402300799999999},
        {"10000-01-01", -1},
        {"2024-1-1", -1},
        {"2024-01-01T00:00:00", -1}, /* of which place? */
        {"2024-01-01T00:00Z", -1},
        {"2024-01-01T00:00:00.Z", -1},
        {"2024-01-01T00:00:00+1:00", -1},
        {"2024-01-01T00:00:00+24:00", -1},
        {"2024-01-01T00:00:00Z ", -1},
        {"1970-01-01T00:00:00+00:01", -1},
        {"10m ago", NOW - 600 * HOLDFAST_SECOND_US},
        {"0 ago", NOW},
        {"in 3d", NOW + 3 * 86400 * HOLDFAST_SECOND_US},
        {"in 0", NOW},
        {"10m", -1},
        {"ago", -1},
        {" ago", -1},
        {"10 ago", -1},
        {"10mago", -1},
        {"in ", -1},
        {"99d ago ago", -1},
        {"36500d ago", -1}, /* before 1970 */
        {"yesterday", -1},
        {"4711", -1},
        {"", -1},
    };
    (void)state;
    for (size_t i = 0; i < ROWS_COUNT(rows); i++) {
        int64_t got = 77;
        const bool is_read = hf_when_parse_time(rows[i].word, NOW, &got);
        if (is_read != (rows[i].want >= 0) || (is_read && got != rows[i].want)) {
            print_error("\"%s\": %d %" PRId64 "\n", rows[i].word, is_read, got);
        }
        assert_int_equal(is_read, rows[i].want >= 0);
        assert_true(got == (is_read ? rows[i].want : 77));
    }
    const int64_t now_us = hf_when_now_us();
    assert_true(now_us > 1700000000000000 && now_us < 253402300799999999);
}

static void as_of_is_an_lsn_or_a_time(void **state)
{
    static const struct row {
        const char *word;
        int flag; /* 0: refused */
        uint64_t value;
    } rows[] = {
        {"0", HOLDFAST_AS_OF_LSN, 0},
        {"4711", HOLDFAST_AS_OF_LSN, 4711},
        {"18446744073709551615", HOLDFAST_AS_OF_LSN, UINT64_MAX},
        {"18446744073709551616", 0, 0},
        {"2024", HOLDFAST_AS_OF_LSN, 2024},
        {"2024-01-01", HOLDFAST_AS_OF_TIME, 1704067200000000},
        {"1s ago", HOLDFAST_AS_OF_TIME, (uint64_t)NOW - 1000000},
        {"-1", 0, 0},
        {"+1", 0, 0},
        {"", 0, 0},
        {"LSN", 0, 0},
    };
    (void)state;
    for (size_t i = 0; i < ROWS_COUNT(rows); i++) {
        struct hf_as_of as_of = {0};
        assert_int_equal(hf_when_parse_as_of(rows[i].word, NOW, &as_of), rows[i].flag != 0);
        assert_int_equal((int)as_of.flag, rows[i].flag);
        assert_true(as_of.value == rows[i].value);
    }
}

static void tokens_are_read_and_written(void **state)
{
    static const struct row {
        const char *word;
        bool is_token;
        uint32_t epoch;
        uint64_t lsn;
    } rows[] = {
        {"now", true, 0, 0},
        {"1:0", true, 1, 0},
        {"1:4711", true, 1, 4711},
        {"4294967295:18446744073709551615", true, UINT32_MAX, UINT64_MAX},
        {"4294967296:1", false, 0, 0},
        {"1:18446744073709551616", false, 0, 0},
        {"0:5", false, 0, 0},
        {"5", false, 0, 0},
        {":5", false, 0, 0},
        {"1:", false, 0, 0},
        {"1:5:6", false, 0, 0},
        {"-1:5", false, 0, 0},
        {"1: 5", false, 0, 0},
        {"later", false, 0, 0},
        {"", false, 0, 0},
        {"00000000000000000000000000000001:5", false, 0, 0},
    };
    (void)state;
    for (size_t i = 0; i < ROWS_COUNT(rows); i++) {
        struct holdfast_token token = {0};
        char text[HF_TOKEN_BYTES];
        assert_int_equal(hf_when_parse_token(rows[i].word, &token), rows[i].is_token);
        assert_int_equal(token.epoch, rows[i].epoch);
        assert_true(token.lsn == rows[i].lsn);
        if (rows[i].is_token && token.epoch > 0) {
            assert_string_equal(hf_when_token_text(token, text), rows[i].word);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_become_words),
        cmocka_unit_test(lines_are_completed),
        cmocka_unit_test(every_command_can_be_completed),
        cmocka_unit_test(commands_are_found_by_their_words),
        cmocka_unit_test(times_are_read),
        cmocka_unit_test(as_of_is_an_lsn_or_a_time),
        cmocka_unit_test(tokens_are_read_and_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
