/*
 * test_cadence.c - when a snapshot is due by itself, and how much of the loop its copying takes.
 *
 * Method: rows of times and figures, with both sides of each boundary.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "persistence/cadence.h"

static const struct row {
    const char *name;
    struct hf_cadence_config config;
    uint64_t passed_us, log_bytes;
    bool is_changed, has_failed, is_due, is_pressed;
} rows[] = {
    /* name                    log  interval pause   passed  log  changed failed due pressed */
    {"not enough log", {1000, 0, 0}, 5, 999, true, false, false, false},
    {"enough log", {1000, 0, 0}, 5, 1000, true, false, true, false},
    {"enough log, too soon", {1000, 0, 50}, 49, 1000, true, false, false, false},
    {"enough log, just late enough", {1000, 0, 50}, 50, 1000, true, false, true, false},
    {"enough log, but nothing changed", {1000, 0, 0}, 5, 1000, false, false, false, false},
    {"not long enough", {0, 300, 0}, 299, 0, true, false, false, false},
    {"long enough", {0, 300, 0}, 300, 0, true, false, true, false},
    {"long enough, but nothing changed", {0, 300, 0}, 300, 0, false, false, false, false},
    {"neither is asked for", {0, 0, 0}, UINT64_MAX / 2, UINT64_MAX / 2, true, false, false, false},
    {"it failed, and the pause is over", {1000, 0, 50}, 50, 0, true, true, true, false},
    {"it failed, and the pause is not", {1000, 0, 50}, 49, 0, true, true, false, false},
    {"pressed", {0, 0, 0}, 5, 0, true, false, true, true},
    {"pressed, but nothing changed", {0, 0, 0}, 5, 0, false, false, false, true},
    {"pressed, the pause is shorter", {0, 0, 50}, 50, 0, true, false, true, true},
    {"pressed, and the pause is not over", {0, 0, 50}, 49, 0, true, false, false, true},
    {"pressed, the pause is longer", {0, 0, 60000000}, 1000000, 0, true, false, true, true},
    {"pressed, too soon", {0, 0, 60000000}, 999999, 0, true, false, false, true},
    {"pressed, it failed", {0, 0, 60000000}, 10000000, 0, true, true, true, true},
    {"pressed, it failed, too soon", {0, 0, 60000000}, 9999999, 0, true, true, false, true},
};

static void due(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct row *row = &rows[i];
        struct hf_cadence cadence;

        hf_cadence_init(&cadence, &row->config);
        hf_cadence_begun(&cadence, 7);
        assert_false(hf_cadence_is_due(&cadence, 900, 7, true, true, false)); /* it is on */
        hf_cadence_ended(&cadence, row->has_failed);
        assert_false(
            hf_cadence_is_due(&cadence, 1000, 7, false, true, false)); /* time counts now */
        if (hf_cadence_is_due(&cadence, 1000 + row->passed_us, 7 + row->log_bytes, false,
                              row->is_changed, row->is_pressed) != row->is_due) {
            fail_msg("%s", row->name);
        }
    }
}

/* A snapshot that begins and ends between two looks at the clock makes the pause begin anew. */
static void a_quick_one_counts(void **state)
{
    struct hf_cadence cadence;

    (void)state;
    hf_cadence_init(&cadence, &(struct hf_cadence_config){.log_bytes = 10, .pause_us = 50});
    assert_false(hf_cadence_is_due(&cadence, 1000, 0, false, true, false));
    assert_true(hf_cadence_is_due(&cadence, 1050, 10, false, true, false));
    hf_cadence_begun(&cadence, 10);
    hf_cadence_ended(&cadence, false);
    assert_false(hf_cadence_is_due(&cadence, 1060, 20, false, true, false));
    assert_false(hf_cadence_is_due(&cadence, 1109, 20, false, true, false));
    assert_true(hf_cadence_is_due(&cadence, 1110, 20, false, true, false));
}

static void pace(void **state)
{
    static const struct {
        uint64_t passed_us, kept, left; /* of 1000 bytes, of 999 slots */
        uint32_t slice_us;
        bool is_hurried;
    } cases[] = {
        /* a part in 32 of the time, from 50 us on and up to 300 us */
        {0, 0, 999, 0, false},
        {1599, 0, 999, 0, false},
        {1600, 0, 999, 50, false},
        {9600, 0, 999, 300, false},
        {99999, 0, 999, 300, false},
        /* at the beginning an eighth of the room may be taken: bounds at 5 to 70 % of it */
        {3200, 6, 999, 100, false},
        {3200, 7, 999, 200, false},
        {99999, 7, 999, 300, false},
        {1600, 12, 999, 100, false},
        {1600, 13, 999, 200, false},
        {99999, 13, 999, 300, false},
        {800, 50, 999, 100, false},
        {800, 51, 999, 160, false},
        {99999, 51, 999, 375, false},
        {900, 69, 999, 180, false},
        {900, 70, 999, 300, true},
        {99999, 70, 999, 450, true},
        {300, 88, 999, 100, true},
        {300, 89, 999, 300, true},
        {99999, 999, 999, 600, true},
        {99999, 1100, 999, 600, true},
        /* half of it copied: 0.125 + 0.875 * 0.75 of the room */
        {800, 312, 500, 100, false},
        {800, 313, 500, 160, false},
        {800, 429, 500, 160, false},
        {900, 431, 500, 300, true},
        {900, 546, 500, 300, true},
        {900, 548, 500, 600, true},
        /* all of it but one slot */
        {800, 399, 1, 100, false},
        {800, 401, 1, 160, false},
        {49, 1000, 1, 0, true},
        {50, 1000, 1, 50, true},
        {50, 1000, 0, 50, true},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct hf_pace at = {.kept_bytes = cases[i].kept,
                                   .kept_bytes_max = 1000,
                                   .items_left = cases[i].left,
                                   .items_count = 999};
        if (hf_pace_us(&at, cases[i].passed_us) != cases[i].slice_us ||
            hf_pace_is_hurried(&at) != cases[i].is_hurried) {
            fail_msg("row %zu: %u us", i, hf_pace_us(&at, cases[i].passed_us));
        }
    }
}

static void rate(void **state)
{
    static const struct {
        const char *name;
        uint64_t due_us, now_us, bytes_count, rate_bytes, want_us;
    } rate_rows[] = {
        {"no rate", 70, 5000000, 1000, 0, 70},
        {"in time", 7000000, 7000000, 500, 1000, 7500000},
        {"early: it goes on from when it was due", 7000000, 6000000, 500, 1000, 7500000},
        {"late by a second: made up for", 7000000, 8000000, 500, 1000, 7500000},
        {"later: from now on", 7000000, 8000001, 500, 1000, 8500001},
        {"no bytes", 7000000, 7000000, 0, 1000, 7000000},
        {"less than a microsecond", 7000000, 7000000, 1, 2000000, 7000000},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rate_rows / sizeof rate_rows[0]; i++) {
        if (hf_rate_due_us(rate_rows[i].due_us, rate_rows[i].now_us, rate_rows[i].bytes_count,
                           rate_rows[i].rate_bytes) != rate_rows[i].want_us) {
            fail_msg("%s", rate_rows[i].name);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(due),
        cmocka_unit_test(a_quick_one_counts),
        cmocka_unit_test(pace),
        cmocka_unit_test(rate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
