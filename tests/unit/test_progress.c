/*
 * test_progress.c - the line that tells how far a task is, and numbers for people.
 *
 * Method: the text of the line for given figures; what is drawn goes to a stream in memory.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/common/parse.h"
#include "tools/common/progress.h"

static void counts(void **state)
{
    static const struct {
        uint64_t count;
        const char *want;
    } rows[] = {
        {0, "0"},
        {9, "9"},
        {999, "999"},
        {1000, "1,000"},
        {14000, "14,000"},
        {999999, "999,999"},
        {1000000, "1,000,000"},
        {UINT64_MAX, "18,446,744,073,709,551,615"},
    };
    char text[HF_COUNT_TEXT_BYTES];
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_string_equal(hf_format_count(rows[i].count, text), rows[i].want);
    }
}

#define DOTS10 ".........."
#define MARKS10 "##########"

static void texts(void **state)
{
    static const struct {
        uint64_t done, total;
        int64_t elapsed_us;
        const char *want;
    } rows[] = {
        {0, 10, 0, "[" DOTS10 DOTS10 DOTS10 DOTS10 "]   0 %  0 of 10 rows  0.0 s"},
        {5, 10, 1500000, "[" MARKS10 MARKS10 DOTS10 DOTS10 "]  50 %  5 of 10 rows  1.5 s"},
        {10, 10, 1, "[" MARKS10 MARKS10 MARKS10 MARKS10 "] 100 %  10 of 10 rows  0.0 s"},
        {11, 10, 1, "[" MARKS10 MARKS10 MARKS10 MARKS10 "] 100 %  11 of 10 rows  0.0 s"},
        {3500, 14000, 300000,
         "[" MARKS10 DOTS10 DOTS10 DOTS10 "]  25 %  3,500 of 14,000 rows  0.3 s"},
        {3500, 0, 300000, "3,500 rows  0.3 s"},
    };
    char text[HF_PROGRESS_TEXT_BYTES];
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_string_equal(
            hf_progress_text(rows[i].done, rows[i].total, "rows", rows[i].elapsed_us, text),
            rows[i].want);
    }
    assert_true(strlen(hf_progress_text(UINT64_MAX, UINT64_MAX,
                                        "a name that is much longer than there is any need for",
                                        INT64_MAX, text)) < sizeof text - 1);
}

/* Not a byte where there is no terminal; on one a line that is ended, and can be cleared. */
static void drawn(void **state)
{
    char *text = NULL;
    size_t bytes_count = 0;
    struct hf_progress progress;
    FILE *out = open_memstream(&text, &bytes_count);
    (void)state;
    assert_non_null(out);

    hf_progress_init(&progress, out, false, "rows", 10);
    hf_progress_show(&progress, 5);
    hf_progress_clear(&progress);
    hf_progress_end(&progress, 10);
    assert_int_equal(fflush(out), 0);
    assert_int_equal(bytes_count, 0);

    hf_progress_init(&progress, out, true, "rows", 10);
    hf_progress_clear(&progress); /* nothing stands there yet */
    assert_int_equal(fflush(out), 0);
    assert_int_equal(bytes_count, 0);
    hf_progress_show(&progress, 5);
    assert_int_equal(fflush(out), 0);
    assert_non_null(strstr(text, "5 of 10 rows"));
    assert_null(strchr(text, '\n'));
    hf_progress_clear(&progress);
    hf_progress_end(&progress, 10);
    assert_int_equal(fclose(out), 0);
    assert_non_null(strstr(text, "\r\033[K"));
    assert_non_null(strstr(text, "10 of 10 rows"));
    assert_int_equal(text[bytes_count - 1], '\n');
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts),
        cmocka_unit_test(texts),
        cmocka_unit_test(drawn),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
