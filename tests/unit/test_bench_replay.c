/*
 * test_bench_replay.c - the order file and the schedule of holdfast-replay.
 *
 * Method: small files are written to a temporary folder, plain and packed, and what is read is
 * compared event by event. The schedule is driven in random order and must keep its two
 * invariants: what is taken together shares no SKU, and every SKU sees its events in file order.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <zlib.h>

#include "bench/replay/order_file.h"
#include "bench/replay/schedule.h"

#define HEAD "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n"

static char path[256];
static unsigned reports_count;
static uint64_t reported_row;

static void report(uint64_t row, const char *text)
{
    assert_non_null(text);
    reports_count++;
    reported_row = row;
}

static void write_file(const char *text, size_t bytes_count)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, bytes_count, file), bytes_count);
    assert_int_equal(fclose(file), 0);
}

static bool read_text(struct hf_order_file *file, const char *text, char error[512])
{
    reports_count = 0;
    write_file(text, strlen(text));
    return hf_order_file_read(file, path, report, error, 512);
}

/* ------------------------------------------------------------------ order file */

static void classes_of_rows(void **state)
{
    static const struct {
        const char *row;
        int kind; /* of the one event; -1: not stock; -2: cannot be read */
        int64_t units;
    } rows[] = {
        {"1,A,x,6,t,2.55,17850.0,UK\n", HF_EVENT_ORDER, 6},
        {"1,A,x,6,t,0.0,17850.0,UK\n", HF_EVENT_ORDER, 6}, /* a present to a known customer */
        {"1,A,x,6,t,2.55,,UK\n", HF_EVENT_ORDER, 6},       /* a customer without a name */
        {"1,A,x,6,t,0.0,,UK\n", HF_EVENT_FOUND, 6},
        {"1,A,x,6,t,0,,UK\n", HF_EVENT_FOUND, 6},
        {"1,A,x,-6,t,0.0,,UK\n", HF_EVENT_LOSS, 6},
        {"1,A,damaged,-6,t,2.55,17850.0,UK\n", HF_EVENT_LOSS, 6},
        {"C1,A,x,-6,t,2.55,17850.0,UK\n", HF_EVENT_RETURN, 6},
        {"C1,A,x,-6,t,0.0,,UK\n", HF_EVENT_RETURN, 6},
        {"1,POST,x,6,t,2.55,,UK\n", -1, 0},
        {"C1,M,x,-1,t,2.55,,UK\n", -1, 0},
        {"1,gift_0001_20,x,6,t,2.55,,UK\n", -1, 0},
        {"1,BANK CHARGES,x,,t,,,UK\n", -1, 0},
        {"1,post,x,6,t,2.55,,UK\n", HF_EVENT_ORDER, 6}, /* codes are case-sensitive */
        {"1,GIFT_1,x,6,t,2.55,,UK\n", HF_EVENT_ORDER, 6},
        {"1,A,\"x, \"\"y\"\"\nz\",1000000000000,t,2.55,,UK\n", HF_EVENT_ORDER, 1000000000000},
        {"1,A,x,1000000000001,t,2.55,,UK\n", -2, 0},
        {"1,A,x,-1000000000001,t,2.55,,UK\n", -2, 0},
        {"1,A,x,99999999999999999999,t,2.55,,UK\n", -2, 0},
        {"1,A,x,0,t,2.55,,UK\n", -2, 0},
        {"1,A,x,six,t,2.55,,UK\n", -2, 0},
        {"1,A,x,6.5,t,2.55,,UK\n", -2, 0},
        {"1,A,x, 6,t,2.55,,UK\n", -2, 0},
        {"1,A,x,,t,2.55,,UK\n", -2, 0},
        {"1,A,x,6,t,free,,UK\n", -2, 0},
        {"1,A,x,6,t,,,UK\n", -2, 0},
        {"1,A,x,6,t,nan,,UK\n", -2, 0},
        {"C1,A,x,6,t,2.55,,UK\n", -2, 0},
        {",A,x,6,t,2.55,,UK\n", -2, 0},
        {"1,,x,6,t,2.55,,UK\n", -2, 0},
        {"1,A\x01,x,6,t,2.55,,UK\n", -2, 0},
        {"1,A\xff,x,6,t,2.55,,UK\n", -2, 0},
        {"1,A,x,6,t,2.55,,UK,more\n", -2, 0},
        {"1,A,x,6,t,2.55,\n", -2, 0},
        {"1,A,\"x,6,t,2.55,,UK\n", -2, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[512];
        char error[512];
        struct hf_order_file file;
        (void)snprintf(text, sizeof text, "%s%s", HEAD, rows[i].row);
        assert_true(read_text(&file, text, error));
        assert_int_equal(reports_count, rows[i].kind == -2);
        assert_int_equal(file.rows_unreadable, rows[i].kind == -2);
        assert_int_equal(file.rows_not_stock, rows[i].kind == -1);
        assert_int_equal(file.events_count, rows[i].kind >= 0);
        if (rows[i].kind == -2) {
            assert_int_equal(reported_row, 2);
        }
        if (rows[i].kind >= 0) {
            assert_int_equal(file.events[0].kind, rows[i].kind);
            assert_int_equal(file.events[0].row, 2);
            assert_int_equal(file.lines[0].units, rows[i].units);
        }
        hf_order_file_release(&file);
    }
}

static void an_order_stands_at_its_first_sale(void **state)
{
    /* Invoice 1 begins with a find, is interrupted by invoice 2, has one SKU twice, and an exact
     * duplicate: all of its sale lines are one event, at line 3. */
    static const char text[] = HEAD "1,F,x,9,t,0,,UK\n"
                                    "1,A,x,1,t,1,,UK\n"
                                    "2,Q,x,2,t,1,,UK\n"
                                    "1,a,x,3,t,1,,UK\n"
                                    "1,A,x,1,t,1,,UK\n"
                                    "2,F,Damages,-4,t,0,,UK\n"
                                    "1,A,x,1,t,1,,UK\n";
    struct hf_order_file file;
    char error[512];
    (void)state;
    assert_true(read_text(&file, text, error));
    assert_int_equal(file.events_count, 4);
    assert_int_equal(file.events[0].kind, HF_EVENT_FOUND);
    assert_int_equal(file.events[1].kind, HF_EVENT_ORDER);
    assert_int_equal(file.events[1].row, 3);
    assert_int_equal(file.events[1].lines_count, 4);
    assert_string_equal(file.events[1].invoice, "1");
    assert_int_equal(file.events[2].lines_count, 1);
    assert_int_equal(file.events[3].kind, HF_EVENT_LOSS);
    assert_true(file.events[3].is_damage);
    assert_false(file.events[0].is_damage);

    static const char *const skus[] = {"A", "a", "A", "A"};
    static const int64_t units[] = {1, 3, 1, 1};
    uint32_t line = file.events[1].first_line;
    for (size_t i = 0; i < 4; i++) {
        assert_string_equal(file.skus.texts[file.lines[line].sku], skus[i]);
        assert_int_equal(file.lines[line].units, units[i]);
        line = file.lines[line].next;
    }
    assert_int_equal(line, UINT32_MAX);

    /* Demand: what is sold and lost, not what is found. */
    static const struct {
        const char *sku;
        int64_t units;
    } demand[] = {{"F", 4}, {"A", 3}, {"Q", 2}, {"a", 3}};
    assert_int_equal(file.skus.count, 4);
    for (uint32_t sku = 0; sku < 4; sku++) {
        assert_string_equal(file.skus.texts[sku], demand[sku].sku);
        assert_int_equal(file.demand_units[sku], demand[sku].units);
    }
    hf_order_file_release(&file);
}

static void bad_rows_do_not_stop_the_rest(void **state)
{
    static const char text[] = HEAD "1,A,x,1,t,1,,UK\n"
                                    "1,Q,\"x,1,t,1,,UK\n"
                                    "2,C,\"two\nlines\",1,t,1,,UK\n"
                                    "3,R,x,zero,t,1,,UK\n"
                                    "4,E,x,1,t,1,,UK\n";
    struct hf_order_file file;
    char error[512];
    (void)state;
    assert_true(read_text(&file, text, error));
    /* The quote of line 3 closes in line 4, so line 3 is bad; then line 4 is read by itself. */
    assert_int_equal(file.rows_unreadable, 2);
    assert_int_equal(reports_count, 2);
    assert_int_equal(reported_row, 6); /* a field over two lines was counted as two */
    assert_int_equal(file.events_count, 3);
    assert_int_equal(file.events[2].row, 7);
    hf_order_file_release(&file);
}

static void files_that_cannot_be_read(void **state)
{
    static const struct {
        const char *text;
        const char *want;
    } files[] = {
        {"", "no line with the columns' names"},
        {"\n\n", "no line with the columns' names"},
        {"InvoiceNo,StockCode\n", "no column \"Description\""},
        {"invoiceno,StockCode,Description,Quantity,UnitPrice,CustomerID\n", "\"InvoiceNo\""},
    };
    struct hf_order_file file;
    char error[512];
    (void)state;
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        assert_false(read_text(&file, files[i].text, error));
        assert_non_null(strstr(error, files[i].want));
        assert_null(file.text);
    }
    assert_int_equal(unlink(path), 0);
    assert_false(hf_order_file_read(&file, path, report, error, sizeof error));
    assert_non_null(strstr(error, "No such file"));
}

static void a_packed_file_reads_the_same(void **state)
{
    static const char text[] = HEAD "1,A,x,1,t,1,,UK\n2,Q,x,2,t,1,,UK\n";
    struct hf_order_file file;
    char error[512];
    (void)state;
    assert_true(read_text(&file, text, error));
    const uint64_t key = file.key;
    hf_order_file_release(&file);

    gzFile packed = gzopen(path, "wb");
    assert_non_null(packed);
    assert_int_equal(gzwrite(packed, text, sizeof text - 1), sizeof text - 1);
    assert_int_equal(gzclose(packed), Z_OK);
    assert_true(hf_order_file_read(&file, path, report, error, sizeof error));
    assert_int_equal(file.events_count, 2);
    assert_true(file.key == key);
    hf_order_file_release(&file);

    /* Cut anywhere, it is refused as a whole: half a file of orders is not played. */
    unsigned char bytes[4096];
    FILE *in = fopen(path, "rb");
    assert_non_null(in);
    const size_t bytes_count = fread(bytes, 1, sizeof bytes, in);
    assert_int_equal(fclose(in), 0);
    for (size_t cut = 12; cut < bytes_count; cut++) {
        write_file((const char *)bytes, cut);
        assert_false(hf_order_file_read(&file, path, report, error, sizeof error));
    }
}

/* ------------------------------------------------------------------ schedule */

static void one_at_a_time_is_file_order(void **state)
{
    static const uint32_t skus[] = {3, 1, 3, 2, 1, 3, 0, 2};
    struct hf_schedule schedule;
    (void)state;
    assert_true(hf_schedule_init(&schedule, 4));
    for (size_t i = 0; i < 8; i++) {
        assert_true(hf_schedule_add(&schedule, &skus[i], 1));
    }
    assert_true(hf_schedule_start(&schedule));
    for (uint32_t i = 0; i < 8; i++) {
        assert_int_equal(hf_schedule_take(&schedule), i);
        hf_schedule_put_back(&schedule, i); /* answered busy: the same one comes again */
        assert_int_equal(hf_schedule_take(&schedule), i);
        hf_schedule_settle(&schedule, i);
    }
    assert_int_equal(hf_schedule_take(&schedule), HF_EVENT_NONE);
    hf_schedule_release(&schedule);
}

#define SKUS 12
#define EVENTS 2000
#define LINES 5

static void taken_events_share_no_sku(void **state)
{
    static uint32_t wants[EVENTS][LINES];
    struct hf_schedule schedule;
    uint32_t taken[EVENTS];
    uint32_t taken_count = 0;
    uint32_t settled_count = 0;
    uint32_t owner[SKUS];
    uint32_t newest[SKUS] = {0}; /* event settled last on the SKU, plus one */
    const char *given = getenv("SEED");
    const unsigned seed = given != NULL && given[0] != '\0' ? (unsigned)strtoul(given, NULL, 10)
                                                            : (unsigned)time(NULL);
    (void)state;

    (void)printf("seed %u\n", seed);
    srand(seed);
    memset(owner, 0xFF, sizeof owner);
    assert_true(hf_schedule_init(&schedule, SKUS));
    for (uint32_t i = 0; i < EVENTS; i++) {
        for (uint32_t line = 0; line < LINES; line++) {
            wants[i][line] = (uint32_t)rand() % SKUS % (1 + i % SKUS); /* duplicates are common */
        }
        assert_true(hf_schedule_add(&schedule, wants[i], LINES));
    }
    assert_true(hf_schedule_start(&schedule));
    while (settled_count < EVENTS) {
        const uint32_t event = rand() % 3 != 0 ? hf_schedule_take(&schedule) : HF_EVENT_NONE;
        if (event != HF_EVENT_NONE) {
            for (uint32_t line = 0; line < LINES; line++) {
                const uint32_t sku = wants[event][line];
                assert_true(owner[sku] == HF_EVENT_NONE || owner[sku] == event); /* S1 */
                assert_true(newest[sku] <= event);
                owner[sku] = event;
            }
            taken[taken_count++] = event;
            continue;
        }
        if (taken_count == 0) {
            continue;
        }
        const uint32_t at = (uint32_t)rand() % taken_count;
        const uint32_t done = taken[at];
        taken[at] = taken[--taken_count];
        if (rand() % 8 == 0) {
            hf_schedule_put_back(&schedule, done);
        } else {
            hf_schedule_settle(&schedule, done);
            settled_count++;
        }
        for (uint32_t line = 0; line < LINES; line++) {
            owner[wants[done][line]] = HF_EVENT_NONE;
            newest[wants[done][line]] = done;
        }
    }
    assert_int_equal(hf_schedule_take(&schedule), HF_EVENT_NONE);
    hf_schedule_release(&schedule);
}

static int make_folder(void **state)
{
    const char *tmp = getenv("TMPDIR");
    char folder[200];
    (void)state;
    (void)snprintf(folder, sizeof folder, "%s/holdfast-test-XXXXXX", tmp != NULL ? tmp : "/tmp");
    if (mkdtemp(folder) == NULL) {
        return -1;
    }
    (void)snprintf(path, sizeof path, "%s/orders.csv", folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    (void)unlink(path);
    *strrchr(path, '/') = '\0';
    return rmdir(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(classes_of_rows),
        cmocka_unit_test(an_order_stands_at_its_first_sale),
        cmocka_unit_test(bad_rows_do_not_stop_the_rest),
        cmocka_unit_test(files_that_cannot_be_read),
        cmocka_unit_test(a_packed_file_reads_the_same),
        cmocka_unit_test(one_at_a_time_is_file_order),
        cmocka_unit_test(taken_events_share_no_sku),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
