/*
 * test_client_stocks.c - libholdfast asks for many cells at once.
 *
 * Method: as test_client.c. The fake answers each question of a frame by the code it names:
 * "N7" is a cell with 7 on hand, "U..." an unknown SKU. More cells than a frame takes need two.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/client_calls.h"
#include "tests/lib/fake_server.h"

#define CELLS_MAX 2500

static struct hf_fake fake;
static uint32_t counts[8]; /* of the frames that came */
static size_t counts_count;

static void put_answer(struct hf_fake *f, const struct hf_op_line *line)
{
    const size_t item = hf_reply_begin(&f->out);
    struct hf_reply reply = {.lsn = 9, .line_index = UINT32_MAX};

    if (line->sku.bytes[0] == 'U') {
        reply.outcome = HF_UNKNOWN_SKU;
    } else {
        struct hf_cell_view view = {.sku = line->sku, .location = line->location};
        for (uint32_t i = 1; i < line->sku.bytes_count; i++) {
            view.on_hand = view.on_hand * 10 + (line->sku.bytes[i] - '0');
        }
        hf_cell_put(&f->out, &view);
        reply.entries_count = 1;
    }
    hf_reply_end(&f->out, item, &reply);
}

/* Answers every frame; of the last item nothing when `is_short`. */
static void answer_all(struct hf_fake *f, bool is_short)
{
    struct hf_frame frame;

    hf_fake_accept(f, NULL);
    while (hf_fake_read(f, &frame)) {
        struct hf_items body = hf_items_of(frame.body, frame.body_bytes);
        const size_t place = hf_fake_begin(f);
        hf_fake_check(f, frame.operation == HF_ASK_STOCK && counts_count < 8, "another question");
        counts[counts_count++] = frame.count;
        for (uint32_t i = 0; i < frame.count; i++) {
            struct hf_request request = {0};
            struct hf_op_line line;
            enum hf_field field;
            uint32_t line_index;
            hf_fake_check(f,
                          hf_request_next(&body, HF_ASK_STOCK, &line, 1, &request, &field,
                                          &line_index) == HF_OK,
                          "a question cannot be read");
            if (!is_short || i + 1 < frame.count) {
                put_answer(f, &line);
            }
        }
        hf_fake_end(f, place, &frame);
        hf_fake_send(f);
    }
}

static void script_whole(struct hf_fake *f)
{
    answer_all(f, false);
}

static void script_short(struct hf_fake *f)
{
    answer_all(f, true);
}

static void script_lost(struct hf_fake *f)
{
    struct hf_frame frame;
    hf_fake_accept(f, NULL);
    (void)hf_fake_read(f, &frame);
}

static char skus[CELLS_MAX][16];
static struct holdfast_line lines[CELLS_MAX];
static struct holdfast_cell cells[CELLS_MAX];
static enum holdfast_outcome outcomes[CELLS_MAX];

static void make_lines(void)
{
    counts_count = 0;
    for (size_t i = 0; i < CELLS_MAX; i++) {
        (void)snprintf(skus[i], sizeof skus[i], "%c%zu", i % 7 == 3 ? 'U' : 'N', i);
        lines[i] = (struct holdfast_line){.sku = skus[i], .location = "L"};
        outcomes[i] = HOLDFAST_UNKNOWN;
        cells[i].on_hand = -1;
    }
}

static void cells_of_several_frames(void **state)
{
    static const size_t sizes[] = {0, 1, 1023, 1024, 1025, CELLS_MAX};
    static const size_t frames[] = {0, 1, 1, 1, 2, 3};
    (void)state;

    for (size_t size = 0; size < sizeof sizes / sizeof sizes[0]; size++) {
        make_lines();
        hf_fake_start(&fake, script_whole);
        struct holdfast *hf = hf_call_connect(&fake, (struct holdfast_options){0});
        assert_int_equal(holdfast_get_stocks(hf, lines, sizes[size], outcomes, cells), HOLDFAST_OK);
        holdfast_close(hf);
        hf_fake_stop(&fake);
        assert_int_equal(counts_count, frames[size]);
        for (size_t i = 0; i < sizes[size]; i++) {
            assert_int_equal(outcomes[i], i % 7 == 3 ? HOLDFAST_UNKNOWN_SKU : HOLDFAST_OK);
            assert_int_equal(cells[i].lsn, 9);
            assert_int_equal(cells[i].on_hand, i % 7 == 3 ? 0 : (int64_t)i);
            assert_string_equal(cells[i].sku, i % 7 == 3 ? "" : skus[i]);
        }
        if (sizes[size] < CELLS_MAX) {
            assert_int_equal(cells[sizes[size]].on_hand, -1); /* what was not asked for stays */
        }
    }
}

static void no_frame_has_more_than_the_server_takes(void **state)
{
    (void)state;
    make_lines();
    hf_fake_start(&fake, script_whole);
    struct holdfast *hf = hf_call_connect(&fake, (struct holdfast_options){0});
    assert_int_equal(holdfast_get_stocks(hf, lines, CELLS_MAX, outcomes, cells), HOLDFAST_OK);
    for (size_t i = 0; i < counts_count; i++) {
        assert_true(counts[i] <= holdfast_server(hf)->operations_max);
    }
    holdfast_close(hf);
    hf_fake_stop(&fake);
}

/* An answer that lacks a cell is no answer; neither is none. */
static void answers_that_are_no_good(void **state)
{
    static const hf_fake_script_cb scripts[] = {script_short, script_lost};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        make_lines();
        hf_fake_start(&fake, scripts[i]);
        struct holdfast *hf = hf_call_connect(&fake, (struct holdfast_options){0});
        assert_int_equal(holdfast_get_stocks(hf, lines, 5, outcomes, cells), HOLDFAST_UNKNOWN);
        assert_true(strlen(holdfast_error(hf)) > 0);
        holdfast_close(hf);
        hf_fake_stop(&fake);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cells_of_several_frames),
        cmocka_unit_test(no_frame_has_more_than_the_server_takes),
        cmocka_unit_test(answers_that_are_no_good),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
