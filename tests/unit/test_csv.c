/*
 * test_csv.c - the reader and writer of CSV that the programs share.
 *
 * Method: each row of the table is a text and what reading it must give, written down as one line:
 * `N[a|b]` a row that starts on line N with its fields, `!N,` a bad record on line N. Every text
 * lies right against an unreadable page but for the one spare byte, so that a byte read too many
 * ends the test. The text of a record is found in a copy of the text made before. What is written
 * is read back.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tools/common/csv.h"

#define ROWS_COUNT (sizeof rows / sizeof rows[0])

static const struct row {
    const char *name;
    const char *text;
    const char *want;
} rows[] = {
    {"nothing", "", ""},
    {"one field", "a", "1[a]"},
    {"line feed", "a,b\nc,d\n", "1[a|b]2[c|d]"},
    {"carriage return and line feed", "a,b\r\nc,d\r\n", "1[a|b]2[c|d]"},
    {"no line end at the end", "a\nb", "1[a]2[b]"},
    {"byte order mark",
     "\xEF\xBB\xBF"
     "a\n",
     "1[a]"},
    {"empty fields", ",\n,,\n", "1[|]2[||]"},
    {"empty lines are passed over", "a\n\n\r\nb\n", "1[a]4[b]"},
    {"a comma in quotes", "\"a,b\",c\n", "1[a,b|c]"},
    {"a doubled quote", "\"a \"\"b\"\" c\"\n", "1[a \"b\" c]"},
    {"nothing but a doubled quote", "\"\"\"\"\n", "1[\"]"},
    {"empty quotes", "\"\",\"\"\n", "1[|]"},
    {"a field over lines", "\"a\nb\",c\nd\n", "1[a\nb|c]3[d]"},
    {"a field over lines, CR LF", "\"a\r\nb\"\r\nd", "1[a\r\nb]3[d]"},
    {"a carriage return inside a field", "a\rb,c\n", "1[a\rb|c]"},
    {"a carriage return at the end of the text", "a\r", "1[a\r]"},
    {"spaces are part of a field", " a , b \n", "1[ a | b ]"},
    {"quotes at the end of the text", "a,\"b\"", "1[a|b]"},
    {"a quote in a plain field", "a\"b,c\nd\n", "!1,2[d]"},
    {"a space before a quote", "a, \"b\"\nd\n", "!1,2[d]"},
    {"text after a closing quote", "\"a\"b\nc\n", "!1,2[c]"},
    {"a lone carriage return after a quote", "\"a\"\rb\nc\n", "!1,2[c]"},
    {"a quote that is never closed costs one line", "\"a,b\nc\nd\n", "!1,2[c]3[d]"},
    {"... also at the end", "a\n\"b", "1[a]!2,"},
    {"... also with quotes after it", "x,\"a\n\"\"b\"\"\nc\n", "!1,!2,3[c]"},
};

/* The text, its spare byte, and then a page that cannot be read. */
static char *guarded(const char *text, size_t bytes_count)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    char *pages = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(pages, MAP_FAILED);
    assert_true(bytes_count + 1 <= page);
    assert_int_equal(mprotect(pages + page, page, PROT_NONE), 0);
    char *start = pages + page - bytes_count - 1;
    memcpy(start, text, bytes_count);
    return start;
}

static void unguard(char *start)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    assert_int_equal(munmap((char *)((uintptr_t)start & ~(page - 1)), 2 * page), 0);
}

/* Reads to the end; the result in the table's form. */
static void read_all(char *text, size_t bytes_count, char *found, size_t found_bytes)
{
    struct hf_csv csv;
    size_t used = 0;
    found[0] = '\0';
    hf_csv_init(&csv, text, bytes_count);
    for (;;) {
        const enum hf_csv_result result = hf_csv_next(&csv);
        if (result == HF_CSV_END) {
            break;
        }
        if (result == HF_CSV_BAD) {
            assert_non_null(csv.error);
            used += (size_t)snprintf(found + used, found_bytes - used, "!%d,", (int)csv.line);
            continue;
        }
        used += (size_t)snprintf(found + used, found_bytes - used, "%d[", (int)csv.line);
        for (size_t i = 0; i < csv.fields_count; i++) {
            assert_int_equal(strlen(csv.fields[i].bytes), csv.fields[i].bytes_count);
            used += (size_t)snprintf(found + used, found_bytes - used, "%s%s", i == 0 ? "" : "|",
                                     csv.fields[i].bytes);
        }
        used += (size_t)snprintf(found + used, found_bytes - used, "]");
    }
    assert_true(used < found_bytes);
}

static void read_rows(void **state)
{
    const struct row *row = *state;
    char found[256];
    char *text = guarded(row->text, strlen(row->text));
    read_all(text, strlen(row->text), found, sizeof found);
    assert_string_equal(found, row->want);
    unguard(text);
}

static void every_prefix_ends(void **state)
{
    static const char text[] = "a,\"b\"\"c\nd\",e\r\n\"f\",g\n\nh,\"i\r\nj\"";
    (void)state;
    for (size_t bytes_count = 0; bytes_count < sizeof text; bytes_count++) {
        char found[256];
        char *start = guarded(text, bytes_count);
        read_all(start, bytes_count, found, sizeof found);
        unguard(start);
    }
}

static void as_many_fields_as_allowed(void **state)
{
    (void)state;
    for (size_t fields = HF_CSV_FIELDS_MAX - 1; fields <= HF_CSV_FIELDS_MAX + 1; fields++) {
        char text[HF_CSV_FIELDS_MAX * 2 + 8];
        struct hf_csv csv;
        memset(text, ',', sizeof text);
        text[fields - 1] = '\n';
        text[fields] = 'x';
        hf_csv_init(&csv, text, fields + 1);
        if (fields > HF_CSV_FIELDS_MAX) {
            assert_int_equal(hf_csv_next(&csv), HF_CSV_BAD);
        } else {
            assert_int_equal(hf_csv_next(&csv), HF_CSV_ROW);
            assert_int_equal(csv.fields_count, fields);
        }
        assert_int_equal(hf_csv_next(&csv), HF_CSV_ROW);
        assert_string_equal(csv.fields[0].bytes, "x");
    }
}

/* Where a record stands, and what it was before its fields were taken out. */
static void record_text(void **state)
{
    static const char text[] = "\xEF\xBB\xBF"
                               "a,\"b\"\"\"\r\n\nc\"d,e\r\nf\"g\n\"h\ni\",j\n\"k";
    static const char *const want[] = {"a,\"b\"\"\"", "c\"d,e", "f\"g", "\"h\ni\",j", "\"k"};
    struct hf_csv csv;
    char *work = guarded(text, sizeof text - 1);
    (void)state;

    hf_csv_init(&csv, work, sizeof text - 1);
    for (size_t i = 0; i < sizeof want / sizeof want[0]; i++) {
        assert_int_not_equal(hf_csv_next(&csv), HF_CSV_END);
        assert_int_equal(csv.record_bytes, strlen(want[i]));
        assert_memory_equal(text + (csv.record - work), want[i], csv.record_bytes);
    }
    assert_int_equal(hf_csv_next(&csv), HF_CSV_END);
    unguard(work);
}

static void written_and_read_back(void **state)
{
    static const struct {
        const char *field;
        const char *want;
    } fields[] = {{"", ""},
                  {"plain", "plain"},
                  {" a b ", " a b "},
                  {"a,b", "\"a,b\""},
                  {"19\" rack", "\"19\"\" rack\""},
                  {"\"", "\"\"\"\""},
                  {"a\nb", "\"a\nb\""},
                  {"a\rb", "\"a\rb\""},
                  {"a;b\tc", "a;b\tc"}};
    (void)state;

    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        char *text = NULL;
        size_t bytes_count = 0;
        struct hf_csv csv;
        FILE *out = open_memstream(&text, &bytes_count);
        assert_non_null(out);
        hf_csv_put(out, fields[i].field, strlen(fields[i].field));
        (void)putc(',', out);
        assert_int_equal(fclose(out), 0);
        assert_int_equal(bytes_count, strlen(fields[i].want) + 1);
        assert_memory_equal(text, fields[i].want, bytes_count - 1);

        hf_csv_init(&csv, text, bytes_count); /* fclose has put a zero behind it */
        assert_int_equal(hf_csv_next(&csv), HF_CSV_ROW);
        assert_int_equal(csv.fields_count, 2);
        assert_string_equal(csv.fields[0].bytes, fields[i].field);
        free(text);
    }
}

int main(void)
{
    struct CMUnitTest tests[ROWS_COUNT + 4];

    for (size_t i = 0; i < ROWS_COUNT; i++) {
        tests[i] = (struct CMUnitTest){.name = rows[i].name,
                                       .test_func = read_rows,
                                       .initial_state = (void *)(uintptr_t)&rows[i]};
    }
    tests[ROWS_COUNT] = (struct CMUnitTest)cmocka_unit_test(every_prefix_ends);
    tests[ROWS_COUNT + 1] = (struct CMUnitTest)cmocka_unit_test(as_many_fields_as_allowed);
    tests[ROWS_COUNT + 2] = (struct CMUnitTest)cmocka_unit_test(record_text);
    tests[ROWS_COUNT + 3] = (struct CMUnitTest)cmocka_unit_test(written_and_read_back);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
