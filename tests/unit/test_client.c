/*
 * test_client.c - libholdfast against a scripted server: connecting, blocking calls, refusals.
 *
 * Method: each test gives the fake server (tests/lib/fake_server.h) a script that answers late, in
 * pieces, wrongly or not at all, and looks at what the caller is told. The library must answer
 * every frame exactly once, in order, and must never send one twice.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "net/client.h"
#include "tests/lib/client_calls.h"
#include "tests/lib/fake_server.h"

#define ROWS_COUNT(rows) (sizeof(rows) / sizeof(rows)[0])

static struct hf_fake fake;

/* ------------------------------------------------------------------ connecting */

static void script_hello(struct hf_fake *f)
{
    hf_fake_accept(f, NULL);
    hf_fake_expect_end(f);
}

static void hello_tells_about_the_server(void **state)
{
    (void)state;
    hf_fake_start(&fake, script_hello);
    struct holdfast *hf = hf_call_connect(&fake, (struct holdfast_options){.name = "a test"});
    const struct holdfast_server *server = holdfast_server(hf);

    assert_memory_equal(server->directory_id, "fifteen letters", 16);
    assert_int_equal(server->epoch, 3);
    assert_int_equal(server->operations_max, 1024);
    assert_int_equal(server->frame_bytes_max, 1024 * 1024);
    assert_string_equal(server->version, "9.8.7");
    assert_true(holdfast_fd(hf) >= 0);
    assert_false(holdfast_wants_write(hf));
    assert_int_equal(holdfast_in_flight(hf), 0);
    assert_non_null(holdfast_error(hf));
    holdfast_close(hf);
    hf_fake_stop(&fake);
    holdfast_close(NULL);
}

static void script_refuse(struct hf_fake *f)
{
    struct hf_frame frame;
    hf_fake_accept_silently(f);
    (void)hf_fake_read(f, &frame);
    hf_reply_put_error(&f->out, frame.operation, frame.correlation, HF_LIMIT_EXCEEDED,
                       HF_FIELD_NONE);
    hf_fake_send(f);
    hf_fake_expect_end(f);
}

static void script_garbage(struct hf_fake *f)
{
    struct hf_frame frame;
    hf_fake_accept_silently(f);
    (void)hf_fake_read(f, &frame);
    hf_fake_send_bytes(f, "HTTP/1.1 400 Bad Request\r\n\r\n", 28);
    hf_fake_expect_end(f);
}

static void script_silence(struct hf_fake *f)
{
    struct hf_frame frame;
    hf_fake_accept_silently(f);
    (void)hf_fake_read(f, &frame);
    hf_fake_expect_end(f);
}

static void script_hang_up(struct hf_fake *f)
{
    struct hf_frame frame;
    hf_fake_accept_silently(f);
    (void)hf_fake_read(f, &frame);
}

static void connect_fails_with_a_sentence(void **state)
{
    static const struct row {
        hf_fake_script_cb script;
        const char *want;
    } rows[] = {
        {script_refuse, "limit_exceeded"},
        {script_garbage, "bad magic"},
        {script_silence, "did not answer the hello"},
        {script_hang_up, "has closed the connection"},
    };
    (void)state;
    for (size_t i = 0; i < ROWS_COUNT(rows); i++) {
        const struct holdfast_options options = {.connect_timeout_ms =
                                                     rows[i].script == script_silence ? 50 : 10000};
        char error[256] = "";
        hf_fake_start(&fake, rows[i].script);
        assert_null(holdfast_connect(fake.address, &options, error, sizeof error));
        assert_non_null(strstr(error, rows[i].want));
        hf_fake_stop(&fake);
    }
    char error[256] = "";
    assert_null(holdfast_connect(fake.address, NULL, error, sizeof error)); /* nobody listens */
    assert_non_null(strstr(error, "could not connect"));
}

static void addresses_are_read_strictly(void **state)
{
    static const struct row {
        const char *address;
        const char *host; /* NULL: refused */
        const char *port;
    } rows[] = {
        {"127.0.0.1:4653", "127.0.0.1", "4653"},
        {"stock.example", "stock.example", "4653"},
        {"[::1]:99", "::1", "99"},
        {"[::1]", "::1", "4653"},
        {":1", "127.0.0.1", "1"},
        {"h:65535", "h", "65535"},
        {"h:65536", NULL, NULL},
        {"h:0", NULL, NULL},
        {"h:", NULL, NULL},
        {"h:12a", NULL, NULL},
        {"h:123456", NULL, NULL},
        {"::1", NULL, NULL},
        {"[::1", NULL, NULL},
        {"[::1]x", NULL, NULL},
    };
    (void)state;
    for (size_t i = 0; i < ROWS_COUNT(rows); i++) {
        struct holdfast hf = {0};
        const bool is_good = hf_client_set_address(&hf, rows[i].address);
        assert_int_equal(is_good, rows[i].host != NULL);
        if (is_good) {
            assert_string_equal(hf.host, rows[i].host);
            assert_string_equal(hf.port, rows[i].port);
        }
    }
    char error[256] = "";
    assert_null(holdfast_connect("[::1", NULL, error, sizeof error));
    assert_non_null(strstr(error, "is not an address"));
}

/* ------------------------------------------------------------------ blocking */

static void script_refusal_with_lines(struct hf_fake *f)
{
    static const struct hf_result_line lines[] = {
        {.line_index = 0,
         .outcome = HF_INSUFFICIENT_STOCK,
         .requested = 5,
         .ats = 3,
         .shortfall = 2,
         .earliest_expiry_us = 1234567},
        {.line_index = 2, .outcome = HF_UNKNOWN_SKU, .requested = 1, .shortfall = 1},
    };
    const struct hf_result results[] = {
        {.outcome = HF_OK,
         .lsn = 8,
         .state = HF_STATE_HELD,
         .expires_at_us = 99,
         .is_repeated = true},
        {.outcome = HF_INSUFFICIENT_STOCK, .lsn = 8, .lines = lines, .lines_count = 2},
        {.outcome = HF_INVALID_ARGUMENT, .field = HF_FIELD_QUANTITY, .line_index = 1},
        {.outcome = HF_OK, .lsn = 9, .lines = lines, .lines_count = 1},
    };
    struct hf_frame frame;
    hf_fake_accept(f, NULL);
    (void)hf_fake_read(f, &frame);
    hf_fake_check(f, frame.operation == HF_KIND_RESERVE && frame.count == 4, "not four reserves");
    const size_t place = hf_fake_begin(f);
    for (size_t i = 0; i < 4; i++) {
        hf_reply_put_result(&f->out, &results[i]);
    }
    hf_fake_end(f, place, &frame);
    hf_fake_send(f);
    hf_fake_expect_end(f);
}

static void replies_carry_all_that_was_said(void **state)
{
    const struct holdfast_op ops[] = {hf_call_reserve("a"), hf_call_reserve("b"),
                                      hf_call_reserve("c"), hf_call_reserve("d")};
    struct holdfast_reply replies[4];
    (void)state;

    hf_fake_start(&fake, script_refusal_with_lines);
    struct holdfast *hf = hf_call_connect(&fake, (struct holdfast_options){0});
    assert_int_equal(holdfast_execute(hf, ops, 4, replies), HOLDFAST_INSUFFICIENT_STOCK);
    assert_int_equal(replies[0].outcome, HOLDFAST_OK);
    assert_true(replies[0].is_repeated);
    assert_int_equal(replies[0].state, HOLDFAST_HELD);
    assert_int_equal(replies[0].lsn, 8);
    assert_int_equal(replies[0].expires_at_us, 99);
    assert_null(replies[0].field);
    assert_int_equal(replies[0].line_index, -1);
    assert_int_equal(replies[0].lines_count, 0);
    assert_null(replies[0].lines);

    assert_int_equal(replies[1].outcome, HOLDFAST_INSUFFICIENT_STOCK);
    assert_false(replies[1].is_repeated);
    assert_int_equal(replies[1].lines_count, 2);
    assert_int_equal(replies[1].lines[0].requested, 5);
    assert_int_equal(replies[1].lines[0].ats, 3);
    assert_int_equal(replies[1].lines[0].shortfall, 2);
    assert_int_equal(replies[1].lines[0].earliest_expiry_us, 1234567);
    assert_int_equal(replies[1].lines[1].line_index, 2);
    assert_int_equal(replies[1].lines[1].outcome, HOLDFAST_UNKNOWN_SKU);

    assert_int_equal(replies[2].outcome, HOLDFAST_INVALID_ARGUMENT);
    assert_string_equal(replies[2].field, "quantity");
    assert_int_equal(replies[2].line_index, 1);
    assert_int_equal(replies[3].lines_count, 1);
    assert_int_equal(replies[3].lines[0].line_index, 0);
    holdfast_close(hf);
    hf_fake_stop(&fake);
}

static void script_late(struct hf_fake *f)
{
    struct hf_frame frame;
    hf_fake_accept(f, NULL);
    (void)hf_fake_read(f, &frame);
    hf_fake_wait_for_test(f); /* until the caller has given up */
    hf_fake_answer(f, &frame, 10);
    (void)hf_fake_read(f, &frame);
    hf_fake_answer(f, &frame, 20);
    hf_fake_expect_end(f);
}

/* The reply to a call that has timed out must not be taken for the reply to the next one. */
static void late_reply_is_dropped(void **state)
{
    const struct holdfast_op op = hf_call_reserve("a");
    struct holdfast_reply reply;
    (void)state;

    hf_fake_start(&fake, script_late);
    struct holdfast *hf =
        hf_call_connect(&fake, (struct holdfast_options){.request_timeout_ms = 50});
    assert_int_equal(holdfast_execute(hf, &op, 1, &reply), HOLDFAST_UNKNOWN);
    assert_int_equal(reply.outcome, HOLDFAST_UNKNOWN);
    assert_non_null(strstr(holdfast_error(hf), "no reply within 50 ms"));
    assert_int_equal(holdfast_in_flight(hf), 0);

    hf->options.request_timeout_ms = 10000;
    hf_fake_wake_script(&fake);
    assert_int_equal(holdfast_execute(hf, &op, 1, &reply), HOLDFAST_OK);
    assert_int_equal(reply.lsn, 20);
    assert_int_equal(hf->abandoned_count, 0);
    holdfast_close(hf);
    hf_fake_stop(&fake);
}

static void script_lost_then_back(struct hf_fake *f)
{
    struct hf_frame frame;
    hf_fake_accept(f, NULL);
    (void)hf_fake_read(f, &frame);
    hf_fake_hang_up(f);
    hf_fake_accept(f, NULL);
    (void)hf_fake_read(f, &frame);
    hf_fake_check(f, frame.correlation == 4, "a frame was sent twice"); /* hello, one, hello, two */
    hf_fake_answer(f, &frame, 5);
    hf_fake_expect_end(f);
}

static void lost_call_is_unknown_and_never_repeated(void **state)
{
    const struct holdfast_op one = hf_call_reserve("one");
    const struct holdfast_op two = hf_call_reserve("two");
    struct holdfast_reply reply;
    (void)state;

    hf_fake_start(&fake, script_lost_then_back);
    struct holdfast *hf =
        hf_call_connect(&fake, (struct holdfast_options){.reconnect_max_ms = 10000});
    assert_int_equal(holdfast_execute(hf, &one, 1, &reply), HOLDFAST_UNKNOWN);
    assert_int_equal(reply.outcome, HOLDFAST_UNKNOWN);
    assert_int_equal(holdfast_fd(hf), -1);
    assert_int_equal(holdfast_execute(hf, &two, 1, &reply), HOLDFAST_OK);
    assert_int_equal(reply.lsn, 5);
    holdfast_close(hf);
    hf_fake_stop(&fake);
}

static void script_lost(struct hf_fake *f)
{
    struct hf_frame frame;
    hf_fake_accept(f, NULL);
    (void)hf_fake_read(f, &frame);
}

static void without_the_option_a_lost_connection_stays_lost(void **state)
{
    const struct holdfast_op op = hf_call_reserve("one");
    struct holdfast_reply reply;
    struct hf_call_told told = {0};
    struct holdfast_cell cell;
    (void)state;

    hf_fake_start(&fake, script_lost);
    struct holdfast *hf = hf_call_connect(&fake, (struct holdfast_options){0});
    assert_int_equal(holdfast_execute(hf, &op, 1, &reply), HOLDFAST_UNKNOWN);
    assert_int_equal(holdfast_execute(hf, &op, 1, &reply), HOLDFAST_UNKNOWN);
    assert_int_equal(holdfast_submit(hf, &op, 1, hf_call_remember, &told), HOLDFAST_UNKNOWN);
    assert_int_equal(holdfast_process(hf), HOLDFAST_UNKNOWN);
    assert_int_equal(holdfast_wait(hf, 10), HOLDFAST_UNKNOWN);
    assert_int_equal(holdfast_get_stock(hf, "A", "B", &cell), HOLDFAST_UNKNOWN);
    assert_int_equal(told.calls, 0);
    holdfast_close(hf);
    hf_fake_stop(&fake);
}

static void script_idle_end(struct hf_fake *f)
{
    struct hf_frame frame;
    hf_fake_accept(f, NULL);
    hf_fake_hang_up(f);
    hf_fake_wake_test(f);
    hf_fake_accept(f, NULL);
    (void)hf_fake_read(f, &frame);
    hf_fake_answer(f, &frame, 6);
    hf_fake_expect_end(f);
}

/* A server that closes an idle connection costs no unknown outcome: it is noticed before. */
static void idle_end_is_noticed_before_sending(void **state)
{
    const struct holdfast_op op = hf_call_reserve("one");
    struct holdfast_reply reply;
    (void)state;

    hf_fake_start(&fake, script_idle_end);
    struct holdfast *hf =
        hf_call_connect(&fake, (struct holdfast_options){.reconnect_max_ms = 10000});
    hf_fake_wait_for_script(&fake);
    struct pollfd end = {.fd = holdfast_fd(hf), .events = POLLIN};
    assert_int_equal(poll(&end, 1, 10000), 1);
    hf->last_heard_ms -= 60000;
    assert_int_equal(holdfast_execute(hf, &op, 1, &reply), HOLDFAST_OK);
    assert_int_equal(reply.lsn, 6);
    holdfast_close(hf);
    hf_fake_stop(&fake);
}

/* ------------------------------------------------------------------ what cannot be sent */

static void script_small(struct hf_fake *f)
{
    struct hf_welcome welcome = hf_fake_welcome();
    struct hf_frame frame;
    struct hf_op_line line;
    struct hf_request request;
    enum hf_field field;
    uint32_t line_index;

    welcome.operations_max = 4;
    welcome.frame_bytes_max = 4096;
    hf_fake_accept(f, &welcome);
    (void)hf_fake_read(f, &frame);
    struct hf_items body = hf_items_of(frame.body, frame.body_bytes);
    hf_fake_check(
        f,
        hf_request_next(&body, frame.operation, &line, 1, &request, &field, &line_index) == HF_OK,
        "the item cannot be read");
    hf_fake_check(f, request.op.id.bytes_count == HF_TEXT_BYTES_MAX, "a long id was not cut");
    hf_fake_answer(f, &frame, 3);
    hf_fake_expect_end(f);
}

static void what_cannot_be_sent_is_refused_here(void **state)
{
    static struct holdfast_line lines[HOLDFAST_LINES_MAX + 1];
    static char long_id[1000];
    struct holdfast_op ops[5];
    struct holdfast_reply replies[5];
    struct hf_call_told told = {0};
    (void)state;

    memset(long_id, 'x', sizeof long_id - 1);
    for (size_t i = 0; i < 5; i++) {
        ops[i] = hf_call_reserve("a");
    }
    hf_fake_start(&fake, script_small);
    struct holdfast *hf = hf_call_connect(&fake, (struct holdfast_options){0});

    /* one above what the server takes; none */
    assert_int_equal(holdfast_execute(hf, ops, 5, replies), HOLDFAST_INVALID_ARGUMENT);
    assert_int_equal(replies[4].outcome, HOLDFAST_INVALID_ARGUMENT);
    assert_string_equal(replies[0].field, "count");
    assert_int_equal(holdfast_submit(hf, ops, 0, hf_call_remember, &told),
                     HOLDFAST_INVALID_ARGUMENT);

    /* two kinds, no kind, a kind that only the server makes */
    ops[1].kind = HOLDFAST_RECEIVE;
    assert_int_equal(holdfast_execute(hf, ops, 2, replies), HOLDFAST_INVALID_ARGUMENT);
    assert_null(replies[0].field);
    assert_string_equal(replies[1].field, "operation");
    ops[0].kind = HOLDFAST_EXPIRE;
    assert_int_equal(holdfast_execute(hf, ops, 1, replies), HOLDFAST_INVALID_ARGUMENT);
    ops[0].kind = (enum holdfast_kind)0;
    assert_int_equal(holdfast_execute(hf, ops, 1, replies), HOLDFAST_INVALID_ARGUMENT);

    /* too many lines, lines that are not there, a flag that does not exist, too many bytes */
    ops[0] = hf_call_reserve("a");
    ops[0].lines = lines;
    ops[0].lines_count = HOLDFAST_LINES_MAX + 1;
    assert_int_equal(holdfast_execute(hf, ops, 1, replies), HOLDFAST_INVALID_ARGUMENT);
    assert_string_equal(replies[0].field, "lines");
    ops[0].lines_count = HOLDFAST_LINES_MAX;
    assert_int_equal(holdfast_execute(hf, ops, 1, replies), HOLDFAST_INVALID_ARGUMENT);
    assert_non_null(strstr(holdfast_error(hf), "the server takes 4096"));
    ops[0].lines = NULL;
    assert_int_equal(holdfast_execute(hf, ops, 1, replies), HOLDFAST_INVALID_ARGUMENT);
    ops[0] = hf_call_reserve("a");
    ops[0].flags = 128;
    assert_int_equal(holdfast_execute(hf, ops, 1, replies), HOLDFAST_INVALID_ARGUMENT);
    assert_string_equal(replies[0].field, "flags");

    /* Nothing of this has left, and the connection is as good as before: the server is asked to
     * judge an id that is too long. */
    assert_false(holdfast_wants_write(hf));
    ops[0] = hf_call_reserve(long_id);
    assert_int_equal(holdfast_execute(hf, ops, 1, replies), HOLDFAST_OK);
    assert_int_equal(replies[0].lsn, 3);
    assert_int_equal(told.calls, 0);
    holdfast_close(hf);
    hf_fake_stop(&fake);
}

/* ------------------------------------------------------------------ wrong replies */

static int wrong; /* which of the rows below the script plays */

static void script_wrong(struct hf_fake *f)
{
    struct hf_frame frame;
    hf_fake_accept(f, NULL);
    (void)hf_fake_read(f, &frame);
    struct hf_frame reply = frame;
    reply.flags = HF_FRAME_REPLY;

    const size_t place = hf_fake_begin(f);
    hf_reply_put_result(&f->out, &(struct hf_result){.lsn = 1});
    reply.correlation += wrong == 0 ? 1 : 0;
    reply.operation = wrong == 1 ? HF_KIND_CONFIRM : frame.operation;
    reply.count = wrong == 2 ? 2 : 1;
    reply.flags = wrong == 3 ? 0 : HF_FRAME_REPLY;
    if (wrong == 4) {
        hf_reply_put_result(&f->out, &(struct hf_result){.lsn = 1}); /* an item nobody counts */
    }
    (void)hf_frame_end(&f->out, place, &reply);
    if (wrong == 5) {
        hf_buffer_front(&f->out)[HF_FRAME_HEADER_BYTES + 8] ^= 1; /* the checksum no longer fits */
    }
    if (wrong == 6) {
        hf_buffer_clear(&f->out);
        hf_reply_put_error(&f->out, 0, 0, HF_INVALID_ARGUMENT, HF_FIELD_LAYOUT);
    }
    hf_fake_send(f);
    hf_fake_expect_end(f);
}

static void wrong_reply_breaks_the_connection(void **state)
{
    static const char *const wants[] = {"cannot be read",        "cannot be read", "cannot be read",
                                        "cannot be read",        "cannot be read", "damaged",
                                        "gave up the connection"};
    const struct holdfast_op op = hf_call_reserve("a");
    struct holdfast_reply reply;
    (void)state;

    for (wrong = 0; wrong < (int)ROWS_COUNT(wants); wrong++) {
        hf_fake_start(&fake, script_wrong);
        struct holdfast *hf = hf_call_connect(&fake, (struct holdfast_options){0});
        assert_int_equal(holdfast_execute(hf, &op, 1, &reply), HOLDFAST_UNKNOWN);
        assert_int_equal(reply.outcome, HOLDFAST_UNKNOWN);
        assert_int_equal(holdfast_fd(hf), -1);
        assert_non_null(strstr(holdfast_error(hf), wants[wrong]));
        holdfast_close(hf);
        hf_fake_stop(&fake);
    }
}

static void script_error_frame(struct hf_fake *f)
{
    struct hf_frame frame;
    hf_fake_accept(f, NULL);
    (void)hf_fake_read(f, &frame);
    hf_reply_put_error(&f->out, frame.operation, frame.correlation, HF_STALE_HANDLE, HF_FIELD_NONE);
    hf_fake_send(f);
    (void)hf_fake_read(f, &frame);
    hf_fake_answer(f, &frame, 2);
    hf_fake_expect_end(f);
}

static void error_frame_answers_the_whole_frame(void **state)
{
    const struct holdfast_op ops[] = {hf_call_reserve("a"), hf_call_reserve("b")};
    struct holdfast_reply replies[2];
    (void)state;

    hf_fake_start(&fake, script_error_frame);
    struct holdfast *hf = hf_call_connect(&fake, (struct holdfast_options){0});
    assert_int_equal(holdfast_execute(hf, ops, 2, replies), HOLDFAST_STALE_HANDLE);
    assert_int_equal(replies[0].outcome, HOLDFAST_STALE_HANDLE);
    assert_int_equal(replies[1].outcome, HOLDFAST_STALE_HANDLE);
    assert_int_equal(holdfast_execute(hf, ops, 2, replies), HOLDFAST_OK);
    assert_int_equal(replies[1].lsn, 3);
    holdfast_close(hf);
    hf_fake_stop(&fake);
}

static void names_are_those_of_the_documents(void **state)
{
    (void)state;
    assert_string_equal(holdfast_outcome_name(HOLDFAST_INSUFFICIENT_STOCK), "insufficient_stock");
    assert_string_equal(holdfast_outcome_name(HOLDFAST_UNKNOWN), "unknown");
    assert_string_equal(holdfast_outcome_name((enum holdfast_outcome)999), "unrecognized");
    assert_string_equal(holdfast_state_name(HOLDFAST_STATE_SUPERSEDED), "superseded");
    assert_string_equal(holdfast_kind_name(HOLDFAST_RELEASE_ORDER), "release_order");
    assert_string_equal(holdfast_reason_name(HOLDFAST_SUPPLIER_RETURN), "supplier_return");
    assert_int_equal(holdfast_reason_of("supplier_return"), HOLDFAST_SUPPLIER_RETURN);
    assert_int_equal(holdfast_reason_of("because"), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hello_tells_about_the_server),
        cmocka_unit_test(connect_fails_with_a_sentence),
        cmocka_unit_test(addresses_are_read_strictly),
        cmocka_unit_test(replies_carry_all_that_was_said),
        cmocka_unit_test(late_reply_is_dropped),
        cmocka_unit_test(lost_call_is_unknown_and_never_repeated),
        cmocka_unit_test(without_the_option_a_lost_connection_stays_lost),
        cmocka_unit_test(idle_end_is_noticed_before_sending),
        cmocka_unit_test(what_cannot_be_sent_is_refused_here),
        cmocka_unit_test(wrong_reply_breaks_the_connection),
        cmocka_unit_test(error_frame_answers_the_whole_frame),
        cmocka_unit_test(names_are_those_of_the_documents),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
