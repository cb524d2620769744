/*
 * test_import_file.c - reading and judging the file of an import.
 *
 * Method: each row of the table is a file, the options, and what judging it must give, written down
 * as text: the rows that are taken as SKU@LOCATION=FIGURES, then what the errors file holds. Both
 * sides of every bound stand next to each other. References are compared between imports.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tools/holdfast/import.h"

#define ROWS_COUNT (sizeof rows / sizeof rows[0])
#define C64 "0123456789012345678901234567890123456789012345678901234567890123"

static const struct row {
    const char *name;
    const char *text;
    const char *want;   /* rows taken; of a file that is refused, the error */
    const char *faults; /* of the errors file; "": none */
    const char *note;   /* NULL: none */
    struct hf_import_options options;
} rows[] = {
    /* the header */
    {"columns in their usual order", "sku,location,quantity\nA,B,5\n", "A@B=5 ", "", NULL, {0}},
    {"in any order", "quantity,sku,location\n5,A,B\n", "A@B=5 ", "", NULL, {0}},
    {"capitals and spaces in names", " SKU ,Location,QUANTITY\t\nA,B,5\n", "A@B=5 ", "", NULL, {0}},
    {"a byte order mark and CR LF",
     "\xEF\xBB\xBFsku,location,quantity\r\nA,B,5\r\n",
     "A@B=5 ",
     "",
     NULL,
     {0}},
    {"others are not read",
     "sku,price,location,quantity,note\nA,9.99,B,5,\"x,y\"\n",
     "A@B=5 ",
     "",
     "columns that are not read: price, note",
     {0}},
    {"only a header", "sku,location,quantity\n", "", "", NULL, {0}},
    {"no file at all", "", "the file is empty: not even a line that names columns", "", NULL, {0}},
    {"quantity is missing",
     "sku,location\nA,B\n",
     "missing column: quantity; line 1 names: sku, location",
     "",
     NULL,
     {0}},
    {"all are missing",
     "a,b\n",
     "missing column: sku, location, quantity; line 1 names: a, b",
     "",
     NULL,
     {0}},
    {"semicolons",
     "sku;location;quantity\nA;B;5\n",
     "missing column: sku, location, quantity; line 1 names: sku;location;quantity (commas must "
     "separate them)",
     "",
     NULL,
     {0}},
    {"a column twice",
     "sku,location,quantity,Sku\n",
     "column sku stands twice in the header",
     "",
     NULL,
     {0}},
    {"a header that is no CSV",
     "sku,\"location\nA,B\n",
     "the line that names columns cannot be read: a quoted field is not closed",
     "",
     NULL,
     {0}},
    {"location by option", "sku,quantity\nA,5\n", "A@L=5 ", "", NULL, {.location = "L"}},
    {"location by option and column",
     "sku,location,quantity\nA,B,5\n",
     "A@L=5 ",
     "",
     "column location is not read: --location says it for all rows",
     {.location = "L"}},
    {"an export",
     "sku,location,on_hand,held\nA,B,5,1\n",
     "A@B=5 ",
     "",
     "the quantity is read from column on_hand",
     {0}},
    {"an export is not added",
     "sku,location,on_hand\nA,B,5\n",
     "missing column: quantity; line 1 names: sku, location, on_hand",
     "",
     NULL,
     {.is_add = true}},
    {"a policy",
     "sku,location,safety_stock,low_stock,backorder\nA,B,1,2,3\n",
     "A@B=1/2/3 ",
     "",
     NULL,
     {.what = HF_IMPORT_POLICY}},
    {"one figure of a policy",
     "sku,location,low_stock\nA,B,2\n",
     "A@B=-/2/- ",
     "",
     NULL,
     {.what = HF_IMPORT_POLICY}},
    {"no figure of a policy",
     "sku,location,quantity\nA,B,2\n",
     "missing column: safety_stock, low_stock or backorder; line 1 names: sku, location, quantity",
     "",
     NULL,
     {.what = HF_IMPORT_POLICY}},
    {"policy of no threshold, and empty figures",
     "sku,location,safety_stock,low_stock,backorder\nA,B,,none,\nC,D,,,\n",
     "A@B=-/none/- C@D=-/-/- ",
     "",
     NULL,
     {.what = HF_IMPORT_POLICY}},

    /* rows */
    {"quotes, commas, empty lines",
     "sku,location,quantity\n\n\"A,1\",\"19\"\"\",5\r\n\nC,D,6",
     "A,1@19\"=5 C@D=6 ",
     "",
     NULL,
     {0}},
    {"too few fields",
     "sku,location,quantity\nA,B\nC,D,6\n",
     "C@D=6 ",
     "2,2 fields where the header has 3,\"A,B\"\n",
     NULL,
     {0}},
    {"too many fields",
     "sku,location,quantity\nA,B,5,\n",
     "",
     "2,4 fields where the header has 3,\"A,B,5,\"\n",
     NULL,
     {0}},
    {"a stray quote",
     "sku,location,quantity\nA\",B,5\nC,D,6\n",
     "C@D=6 ",
     "2,a quote inside a field that is not quoted,\"A\"\",B,5\"\n",
     NULL,
     {0}},
    {"the text is what stood there",
     "sku,location,quantity\n\"A\nB\",\"L\"\"\",x\r\n",
     "",
     "2,sku is not UTF-8 without control characters,\"\"\"A\nB\"\",\"\"L\"\"\"\"\"\",x\"\n",
     NULL,
     {0}},
    {"no SKU", "sku,location,quantity\n,B,5\n", "", "2,sku is empty,\",B,5\"\n", NULL, {0}},
    {"no location",
     "sku,location,quantity\nA,,5\n",
     "",
     "2,location is empty,\"A,,5\"\n",
     NULL,
     {0}},
    {"no quantity",
     "sku,location,quantity\nA,B,\n",
     "",
     "2,quantity is empty,\"A,B,\"\n",
     NULL,
     {0}},
    {"the longest code", "sku,location,quantity\n" C64 ",B,5\n", C64 "@B=5 ", "", NULL, {0}},
    {"one byte more",
     "sku,location,quantity\n" C64 "4,B,5\n",
     "",
     "2,sku is longer than 64 bytes,\"" C64 "4,B,5\"\n",
     NULL,
     {0}},
    {"UTF-8",
     "sku,location,quantity\n\xC3\x9C,\xE2\x82\xAC,5\n",
     "\xC3\x9C@\xE2\x82\xAC=5 ",
     "",
     NULL,
     {0}},
    {"not UTF-8",
     "sku,location,quantity\n\xDC,B,5\n",
     "",
     "2,sku is not UTF-8 without control characters,\"\xDC,B,5\"\n",
     NULL,
     {0}},
    {"a control character",
     "sku,location,quantity\nA,\x01,5\n",
     "",
     "2,location is not UTF-8 without control characters,\"A,\x01,5\"\n",
     NULL,
     {0}},
    {"zero and the most",
     "sku,location,quantity\nA,B,0\nC,D,1000000000000\nE,F,+7\nG,H,-0\n",
     "A@B=0 C@D=1000000000000 E@F=7 G@H=0 ",
     "",
     NULL,
     {0}},
    {"above the most",
     "sku,location,quantity\nA,B,1000000000001\n",
     "",
     "2,\"quantity \"\"1000000000001\"\" is out of range: 1,000,000,000,000 is the most\","
     "\"A,B,1000000000001\"\n",
     NULL,
     {0}},
    {"above any number",
     "sku,location,quantity\nA,B,99999999999999999999\n",
     "",
     "2,\"quantity \"\"99999999999999999999\"\" is out of range: 1,000,000,000,000 is the most\","
     "\"A,B,99999999999999999999\"\n",
     NULL,
     {0}},
    {"below zero",
     "sku,location,quantity\nA,B,-1\n",
     "",
     "2,\"quantity \"\"-1\"\" is below zero; only --as add takes units away\",\"A,B,-1\"\n",
     NULL,
     {0}},
    {"below zero, added",
     "sku,location,quantity\nA,B,-1\nA,B,-1000000000000\n",
     "A@B=-1 A@B=-1000000000000 ",
     "",
     NULL,
     {.is_add = true}},
    {"below the least, added",
     "sku,location,quantity\nA,B,-1000000000001\n",
     "",
     "2,\"quantity \"\"-1000000000001\"\" is out of range: 1,000,000,000,000 is the most\","
     "\"A,B,-1000000000001\"\n",
     NULL,
     {.is_add = true}},
    {"no number",
     "sku,location,quantity\nA,B,5.0\nC,D,1e3\nE,F, 5\nG,H,+\nI,J,0x10\n",
     "",
     "2,\"quantity \"\"5.0\"\" is not a whole number\",\"A,B,5.0\"\n"
     "3,\"quantity \"\"1e3\"\" is not a whole number\",\"C,D,1e3\"\n"
     "4,\"quantity \"\" 5\"\" is not a whole number\",\"E,F, 5\"\n"
     "5,\"quantity \"\"+\"\" is not a whole number\",\"G,H,+\"\n"
     "6,\"quantity \"\"0x10\"\" is not a whole number\",\"I,J,0x10\"\n",
     NULL,
     {0}},
    {"figures of a policy",
     "sku,location,safety_stock,low_stock,backorder\nA,B,-1,,\nA,B,,-1,\nA,B,none,,\nA,B,,,x\n",
     "",
     "2,\"safety_stock \"\"-1\"\" is below zero\",\"A,B,-1,,\"\n"
     "3,\"low_stock \"\"-1\"\" is below zero\",\"A,B,,-1,\"\n"
     "4,\"safety_stock \"\"none\"\" is not a whole number\",\"A,B,none,,\"\n"
     "5,\"backorder \"\"x\"\" is not a whole number\",\"A,B,,,x\"\n",
     NULL,
     {.what = HF_IMPORT_POLICY}},

    /* cells that stand there twice */
    {"twice the same",
     "sku,location,quantity\nA,B,5\nC,B,5\nA,B,5\n",
     "A@B=5 C@B=5 A@B=5 ",
     "",
     NULL,
     {0}},
    {"twice, not the same",
     "sku,location,quantity\nA,B,5\nC,B,5\n\nA,B,6\n",
     "A@B=5 C@B=5 ",
     "5,A@B has 5 on line 2 and 6 on line 5,\"A,B,6\"\n",
     NULL,
     {0}},
    {"twice, to be added",
     "sku,location,quantity\nA,B,5\nA,B,6\n",
     "A@B=5 A@B=6 ",
     "",
     NULL,
     {.is_add = true}},
    {"codes that differ by case",
     "sku,location,quantity\nA,B,5\na,B,6\nA,b,7\n",
     "A@B=5 a@B=6 A@b=7 ",
     "",
     NULL,
     {0}},
    {"codes that read alike together",
     "sku,location,quantity\nAB,C,5\nA,BC,6\n",
     "AB@C=5 A@BC=6 ",
     "",
     NULL,
     {0}},
    {"policies of one cell",
     "sku,location,safety_stock,low_stock\nA,B,1,none\nA,B,1,\n",
     "A@B=1/none/- ",
     "3,A@B has 1/none/- on line 2 and 1/-/- on line 3,\"A,B,1,\"\n",
     NULL,
     {.what = HF_IMPORT_POLICY}},
};

struct found {
    char text[512];
    char note[512];
    char *faults;
    size_t faults_bytes;
    struct hf_import_file file;
    uint64_t faults_count;
    bool is_judged;
};

static void keep_note(void *arg, const char *note)
{
    struct found *found = arg;
    (void)snprintf(found->note, sizeof found->note, "%s", note);
}

static void put_figure(char *text, size_t text_bytes, int64_t figure)
{
    if (figure == HOLDFAST_POLICY_KEEP) {
        (void)snprintf(text, text_bytes, "-");
    } else if (figure == HOLDFAST_LOW_STOCK_NONE) {
        (void)snprintf(text, text_bytes, "none");
    } else {
        (void)snprintf(text, text_bytes, "%" PRId64, figure);
    }
}

static void put_row(struct found *found, const struct hf_import_row *row, bool is_policy)
{
    const size_t used = strlen(found->text);
    char figures[3][32];

    for (size_t i = 0; i < 3; i++) {
        put_figure(figures[i], sizeof figures[i], row->figures[i]);
    }
    if (is_policy) {
        (void)snprintf(found->text + used, sizeof found->text - used, "%s@%s=%s/%s/%s ", row->sku,
                       row->location, figures[0], figures[1], figures[2]);
    } else {
        (void)snprintf(found->text + used, sizeof found->text - used, "%s@%s=%" PRId64 " ",
                       row->sku, row->location, row->figures[0]);
    }
}

static void judge(struct found *found, const char *text, size_t bytes_count,
                  const struct hf_import_options *options)
{
    char path[64];
    const int fd = memfd_create("import", MFD_CLOEXEC);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, bytes_count), (ssize_t)bytes_count);
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);

    *found = (struct found){.faults = NULL};
    struct hf_faults faults = {.out = open_memstream(&found->faults, &found->faults_bytes)};
    assert_non_null(faults.out);
    assert_true(hf_import_file_read(&found->file, path, found->text, sizeof found->text));
    found->is_judged = hf_import_file_judge(&found->file, options, &faults, keep_note, found,
                                            found->text, sizeof found->text);
    for (uint32_t i = 0; found->is_judged && i < found->file.rows_count; i++) {
        put_row(found, &found->file.rows[i], options->what == HF_IMPORT_POLICY);
    }
    found->faults_count = faults.count;
    assert_int_equal(fclose(faults.out), 0);
    assert_int_equal(close(fd), 0);
}

static void release(struct found *found)
{
    free(found->faults);
    hf_import_file_release(&found->file);
}

static void judge_rows(void **state)
{
    const struct row *row = *state;
    struct found found;

    judge(&found, row->text, strlen(row->text), &row->options);
    assert_string_equal(found.text, row->want);
    assert_string_equal(found.faults, row->faults);
    assert_string_equal(found.note, row->note == NULL ? "" : row->note);
    assert_int_equal(found.file.rows_seen, found.file.rows_count + found.faults_count);
    release(&found);
}

/* Many cells: the table of them grows, and every repeated cell is found. */
static void many_cells(void **state)
{
    enum { CELLS = 5000 };
    char *text = NULL;
    size_t bytes_count = 0;
    struct found found;
    const struct hf_import_options options = {0};
    FILE *out = open_memstream(&text, &bytes_count);
    (void)state;

    assert_non_null(out);
    (void)fputs("sku,location,quantity\n", out);
    for (int pass = 0; pass < 2; pass++) {
        for (int i = 0; i < CELLS; i++) {
            (void)fprintf(out, "S%d,L%d,%d\n", i / 4, i % 4, i + (pass == 1 && i % 100 == 0));
        }
    }
    assert_int_equal(fclose(out), 0);
    judge(&found, text, bytes_count, &options);
    assert_true(found.is_judged);
    assert_int_equal(found.faults_count, CELLS / 100);
    assert_int_equal(found.file.rows_count, 2 * CELLS - CELLS / 100);
    for (uint32_t i = 0; i < found.file.rows_count; i++) {
        const struct hf_import_row *row = &found.file.rows[i];
        const struct hf_import_row *first = &found.file.rows[row->first];
        assert_int_equal(row->first < CELLS, 1);
        assert_int_equal(first->first, row->first);
        assert_string_equal(first->sku, row->sku);
        assert_string_equal(first->location, row->location);
    }
    assert_non_null(strstr(found.faults, "5002,S0@L0 has 0 on line 2 and 1 on line 5002"));
    release(&found);
    free(text);
}

/* A file is told from every other: by its content, and by what the options make of it. */
static void references(void **state)
{
    static const char text[] =
        "sku,location,quantity,safety_stock\nA,B,5,1\n\"C\n\",D,6,1\nE,F,7,1\n";
    static const char other[] =
        "sku,location,quantity,safety_stock\nA,B,5,1\n\"C\n\",D,6,1\nE,F,7,2\n";
    static const struct {
        const char *text;
        struct hf_import_options options;
    } imports[] = {
        {text, {0}},
        {other, {0}},
        {text, {.is_add = true}},
        {text, {.what = HF_IMPORT_POLICY}},
        {text, {.location = "L"}},
        {text, {.location = "M"}},
        {text, {.run = "L"}},
        {text, {.run = "2"}},
        {text, {.location = "L", .run = "2"}},
        {text, {.as_of_flag = HOLDFAST_AS_OF_LSN, .as_of = 7}},
        {text, {.as_of_flag = HOLDFAST_AS_OF_TIME, .as_of = 7}},
        {text, {.as_of_flag = HOLDFAST_AS_OF_LSN, .as_of = 8}},
    };
    enum { COUNT = sizeof imports / sizeof imports[0] };
    char refs[COUNT][2][HF_IMPORT_REF_BYTES];
    (void)state;

    for (size_t i = 0; i < COUNT; i++) {
        for (size_t again = 0; again < 2; again++) {
            struct found found;
            judge(&found, imports[i].text, strlen(imports[i].text), &imports[i].options);
            assert_int_equal(found.file.rows_count, 2); /* the second row has no code */
            (void)hf_import_ref(&found.file, 1, refs[i][again]);
            release(&found);
        }
        assert_string_equal(refs[i][0], refs[i][1]);
        assert_true(strncmp(refs[i][0], "import:", 7) == 0);
        assert_string_equal(refs[i][0] + 7 + 32, ":5"); /* the line it stands on */
        for (size_t before = 0; before < i; before++) {
            assert_string_not_equal(refs[i][0], refs[before][0]);
        }
    }
}

static void unreadable_files(void **state)
{
    struct hf_import_file file;
    char error[256];
    (void)state;

    assert_false(hf_import_file_read(&file, "/no/such/file.csv", error, sizeof error));
    assert_string_equal(error, "could not open \"/no/such/file.csv\": No such file or directory");
    hf_import_file_release(&file);
    assert_false(hf_import_file_read(&file, "/", error, sizeof error));
    assert_string_equal(error, "could not read \"/\": Is a directory");
    hf_import_file_release(&file);
}

/* Nothing to add, nothing to set: the row is done before it is sent. */
static void idle_rows(void **state)
{
    const struct hf_import_options set = {0};
    const struct hf_import_options add = {.is_add = true};
    const struct hf_import_options policy = {.what = HF_IMPORT_POLICY};
    struct hf_import_row row = {0};
    (void)state;

    assert_true(hf_import_row_is_idle(&add, &row));
    assert_false(hf_import_row_is_idle(&set, &row));
    row.figures[0] = 1;
    assert_false(hf_import_row_is_idle(&add, &row));
    row.figures[0] = row.figures[1] = row.figures[2] = HOLDFAST_POLICY_KEEP;
    assert_true(hf_import_row_is_idle(&policy, &row));
    for (size_t i = 0; i < HF_IMPORT_FIGURES; i++) {
        row.figures[i] = 0;
        assert_false(hf_import_row_is_idle(&policy, &row));
        row.figures[i] = HOLDFAST_POLICY_KEEP;
    }
}

int main(void)
{
    struct CMUnitTest tests[ROWS_COUNT + 4];

    for (size_t i = 0; i < ROWS_COUNT; i++) {
        tests[i] = (struct CMUnitTest){.name = rows[i].name,
                                       .test_func = judge_rows,
                                       .initial_state = (void *)(uintptr_t)&rows[i]};
    }
    tests[ROWS_COUNT] = (struct CMUnitTest)cmocka_unit_test(many_cells);
    tests[ROWS_COUNT + 1] = (struct CMUnitTest)cmocka_unit_test(references);
    tests[ROWS_COUNT + 2] = (struct CMUnitTest)cmocka_unit_test(unreadable_files);
    tests[ROWS_COUNT + 3] = (struct CMUnitTest)cmocka_unit_test(idle_rows);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
