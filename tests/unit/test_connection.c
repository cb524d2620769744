/*
 * test_connection.c - a connection from its hello to its end.
 *
 * Method: a real dispatch and engine, over a log, a clock and a transport that the test sets
 * (wire_world.h). Each test tells one promise of connection.h or dispatch.h as a story.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "engine/bytes.h"
#include "tests/lib/wire_world.h"

static const struct hf_op_line stock_line = {
    .sku = {"PHONE", 5}, .location = {"BERLIN", 6}, .units = 10};
static const struct hf_op_line one_line = {
    .sku = {"PHONE", 5}, .location = {"BERLIN", 6}, .units = 1};
static const struct hf_op_line cell_line = {.sku = {"PHONE", 5}, .location = {"BERLIN", 6}};

static struct hf_request receive_request(void)
{
    return (struct hf_request){
        .op = {.kind = HF_KIND_RECEIVE, .lines = &stock_line, .lines_count = 1}};
}

static struct hf_request reserve_request(const char *id)
{
    return (struct hf_request){
        .op = {
            .kind = HF_KIND_RESERVE, .id = hf_text_of(id), .lines = &one_line, .lines_count = 1}};
}

static struct hf_request stock_request(void)
{
    return (struct hf_request){.op = {.lines = &cell_line, .lines_count = 1}};
}

/* A world after hello with ten phones in Berlin, durable, everything read. */
static void start(struct hf_world *world, size_t out_bytes_max)
{
    const struct hf_request receive = receive_request();
    hf_world_init(world, out_bytes_max);
    hf_world_hello(world);
    (void)hf_world_send(world, HF_KIND_RECEIVE, &receive, 1);
    hf_world_sync(world);
    assert_int_equal(hf_world_reply(world).outcome, HF_OK);
}

static int64_t held_units(struct hf_world *world)
{
    struct hf_cell_view view;
    assert_int_equal(hf_engine_stock(world->engine, &cell_line, false, &view), HF_OK);
    return view.held;
}

/* ------------------------------------------------------------------ hello */

static void hello_comes_first(void **state)
{
    struct hf_world world;
    struct hf_frame frame;
    (void)state;

    hf_world_init(&world, 0);
    const uint64_t correlation = hf_world_ask(&world, HF_ASK_PING);
    assert_true(hf_world_next(&world, &frame));
    assert_int_equal(frame.flags, HF_FRAME_REPLY | HF_FRAME_ERROR);
    assert_int_equal(frame.correlation, correlation);
    assert_int_equal(world.connection.state, HF_CONNECTION_CLOSED);
    assert_int_equal(world.finishes_count, 1);

    (void)hf_world_ask(&world, HF_ASK_HELLO); /* too late */
    assert_false(hf_world_next(&world, &frame));
    assert_int_equal(world.finishes_count, 1);
    hf_world_release(&world);
}

static void hello_must_be_well_formed(void **state)
{
    struct hf_world world;
    struct hf_frame frame;
    (void)state;

    hf_world_init(&world, 0);
    (void)hf_world_ask(&world, HF_ASK_HELLO); /* without the body it needs */
    assert_true(hf_world_next(&world, &frame));
    assert_int_equal(frame.flags, HF_FRAME_REPLY | HF_FRAME_ERROR);
    assert_int_equal(world.finishes_count, 1);
    hf_world_release(&world);
}

static void hello_gives_a_name(void **state)
{
    struct hf_world world;
    (void)state;

    hf_world_init(&world, 0);
    assert_string_equal(world.connection.name, "");
    hf_world_hello(&world);
    assert_string_equal(world.connection.name, "a test");
    assert_int_equal(world.connection.state, HF_CONNECTION_SERVING);
    hf_world_release(&world);
}

static void refused_instead(void **state)
{
    struct hf_world world;
    (void)state;

    hf_world_init(&world, 0);
    hf_connection_refuse(&world.connection, HF_BUSY);
    const struct hf_reply reply = hf_world_reply(&world);
    assert_int_equal(reply.outcome, HF_BUSY);
    assert_int_equal(world.finishes_count, 1);
    hf_world_release(&world);
}

/* ------------------------------------------------------------------ gates and order */

static void replies_wait_for_the_log(void **state)
{
    const struct hf_request first = reserve_request("cart-1");
    const struct hf_request second = reserve_request("cart-2");
    const struct hf_request question = stock_request();
    struct hf_world world;
    struct hf_frame frame;
    (void)state;

    start(&world, 0);
    const uint64_t correlations[] = {
        hf_world_send(&world, HF_KIND_RESERVE, &first, 1),
        hf_world_send(&world, HF_ASK_STOCK, &question, 1), /* has seen the first */
        hf_world_send(&world, HF_KIND_RESERVE, &second, 1),
        hf_world_ask(&world, HF_ASK_PING),
    };
    assert_int_equal(hf_engine_lsn(world.engine), 3);
    assert_false(hf_world_next(&world, &frame));
    assert_true(hf_connection_waits_for_log(&world.connection));

    hf_connection_pump(&world.connection); /* still nothing is durable */
    assert_false(hf_world_next(&world, &frame));

    world.durable_lsn = 2;
    hf_connection_pump(&world.connection);
    assert_true(hf_world_next(&world, &frame));
    assert_int_equal(frame.correlation, correlations[0]);
    assert_true(hf_world_next(&world, &frame));
    assert_int_equal(frame.correlation, correlations[1]);
    assert_false(hf_world_next(&world, &frame));

    world.durable_lsn = 3;
    hf_connection_pump(&world.connection);
    assert_true(hf_world_next(&world, &frame));
    assert_int_equal(frame.correlation, correlations[2]);
    assert_true(hf_world_next(&world, &frame));
    assert_int_equal(frame.correlation, correlations[3]);
    assert_false(hf_connection_waits_for_log(&world.connection));
    hf_world_release(&world);
}

/* A refusal saw the state, too: it must not tell of stock that a crash gives back. */
static void refusals_wait_for_the_log(void **state)
{
    static const struct hf_op_line all = {
        .sku = {"PHONE", 5}, .location = {"BERLIN", 6}, .units = 10};
    struct hf_request take_all = reserve_request("cart-1");
    const struct hf_request one_more = reserve_request("cart-2");
    struct hf_world world;
    struct hf_frame frame;
    (void)state;

    start(&world, 0);
    take_all.op.lines = &all;
    (void)hf_world_send(&world, HF_KIND_RESERVE, &take_all, 1);
    (void)hf_world_send(&world, HF_KIND_RESERVE, &one_more, 1);
    assert_false(hf_world_next(&world, &frame));
    hf_world_sync(&world);
    assert_int_equal(hf_world_reply(&world).outcome, HF_OK);
    struct hf_reply reply = hf_world_reply(&world);
    struct hf_result_line line;
    assert_int_equal(reply.outcome, HF_INSUFFICIENT_STOCK);
    assert_int_equal(reply.entries_count, 1);
    assert_int_equal(hf_result_line_next(&reply.entries, &line), HF_OK);
    assert_int_equal(line.requested, 1);
    assert_int_equal(line.ats, 0);
    assert_int_equal(line.shortfall, 1);
    hf_world_release(&world);
}

/* However the bytes are cut into pieces, the replies are the same bytes. */
static void pieces_do_not_matter(void **state)
{
    struct hf_buffer bytes = {0};
    unsigned char expected[4096];
    size_t expected_count = 0;
    (void)state;

    for (size_t piece = 0; piece <= 200; piece++) { /* 0: all at once */
        struct hf_world world;
        struct hf_frame ignored;
        start(&world, 0);
        if (piece == 0) {
            for (uint32_t i = 0; i < 5; i++) {
                char id[16];
                (void)snprintf(id, sizeof id, "cart-%u", i);
                const struct hf_request reserve = reserve_request(id);
                const size_t place = hf_frame_begin(&bytes);
                const struct hf_frame frame = {
                    .operation = HF_KIND_RESERVE, .count = 1, .correlation = i};
                assert_int_equal(hf_request_put(&bytes, HF_KIND_RESERVE, &reserve), HF_OK);
                assert_int_equal(hf_frame_end(&bytes, place, &frame), HF_OK);
            }
        }
        const size_t begin = hf_buffer_count(&world.sent);
        const size_t total = hf_buffer_count(&bytes);
        const size_t step = piece == 0 ? total : piece;
        for (size_t at = 0; at < total; at += step) {
            hf_world_receive(&world, hf_buffer_front(&bytes) + at,
                             step < total - at ? step : total - at);
        }
        assert_false(hf_world_next(&world, &ignored));
        hf_world_sync(&world);
        const size_t count = hf_buffer_count(&world.sent) - begin;
        if (piece == 0) {
            assert_true(count <= sizeof expected);
            memcpy(expected, hf_buffer_front(&world.sent) + begin, count);
            expected_count = count;
        }
        assert_int_equal(count, expected_count);
        assert_memory_equal(hf_buffer_front(&world.sent) + begin, expected, count);
        hf_world_release(&world);
    }
    hf_buffer_release(&bytes);
}

/* ------------------------------------------------------------------ back-pressure */

static void full_output_pauses_reading(void **state)
{
    const struct hf_request question = stock_request();
    struct hf_world world;
    struct hf_frame frame;
    uint64_t next = 0;
    (void)state;

    start(&world, 4096);
    next = world.next_correlation + 1;
    world.send_max = 0; /* the peer does not read */
    for (uint32_t i = 0; i < 100; i++) {
        (void)hf_world_send(&world, HF_ASK_STOCK, &question, 1);
    }
    assert_true(world.is_paused);
    assert_true(hf_buffer_count(&world.connection.out) < 4096 + 1024);
    assert_true(world.dispatch.frames_count < 50);

    /* The peer reads again, a little at a time: everything is answered, in order. */
    world.send_max = 100;
    for (uint32_t i = 0; i < 1000; i++) {
        hf_connection_pump(&world.connection);
    }
    for (uint32_t i = 0; i < 100; i++) {
        assert_true(hf_world_next(&world, &frame));
        assert_int_equal(frame.correlation, next++);
    }
    assert_false(hf_world_next(&world, &frame));
    assert_false(world.is_paused);
    assert_int_equal(world.pauses_count, 1); /* half must go before it resumes: no flutter */
    hf_world_release(&world);
}

static void undurable_replies_pause_reading(void **state)
{
    struct hf_world world;
    struct hf_frame frame;
    (void)state;

    start(&world, 1024);
    for (uint32_t i = 0; i < 100; i++) {
        const struct hf_request receive = receive_request();
        (void)hf_world_send(&world, HF_KIND_RECEIVE, &receive, 1);
    }
    assert_true(world.is_paused);
    assert_true(hf_engine_lsn(world.engine) < 30);
    uint32_t answered = 0;
    for (uint32_t i = 0; i < 100 && answered < 100; i++) {
        hf_world_sync(&world);
        while (hf_world_next(&world, &frame)) {
            answered++;
        }
    }
    assert_int_equal(answered, 100);
    assert_int_equal(hf_engine_lsn(world.engine), 101);
    assert_false(world.is_paused);
    hf_world_release(&world);
}

/* ------------------------------------------------------------------ broken framing */

static void lost_framing_is_told_once(void **state)
{
    const struct hf_request reserve = reserve_request("cart-1");
    struct hf_world world;
    struct hf_frame frame;
    struct hf_reply reply;
    (void)state;

    start(&world, 0);
    const uint64_t correlation = hf_world_send(&world, HF_KIND_RESERVE, &reserve, 1);
    hf_world_receive(&world, "GET / HTTP/1.1\r\n\r\n", 18);
    assert_int_equal(world.connection.framing_fault, HF_FIELD_MAGIC);
    hf_world_receive(&world, "Host: shop\r\n\r\n", 14);
    (void)hf_world_ask(&world, HF_ASK_PING);
    assert_int_equal(world.finishes_count, 0); /* the reply before waits for the log */

    hf_world_sync(&world);
    assert_true(hf_world_next(&world, &frame));
    assert_int_equal(frame.correlation, correlation);
    assert_int_equal(frame.flags, HF_FRAME_REPLY);
    assert_true(hf_world_next(&world, &frame));
    assert_int_equal(frame.flags, HF_FRAME_REPLY | HF_FRAME_ERROR);
    struct hf_items body = hf_items_of(frame.body, frame.body_bytes);
    assert_int_equal(hf_reply_next(&body, &reply), HF_OK);
    assert_int_equal(reply.outcome, HF_INVALID_ARGUMENT);
    assert_int_equal(reply.field, HF_FIELD_MAGIC);
    assert_false(hf_world_next(&world, &frame));
    assert_int_equal(world.finishes_count, 1);
    hf_world_release(&world);
}

/* A client of version 1 says hello: it is told why not, and nothing else of it is read. */
static void another_version_is_told_so(void **state)
{
    unsigned char bytes[HF_FRAME_HEADER_BYTES + 8] = {'H', 'F', 1, HF_ASK_HELLO, 8};
    struct hf_world world;
    struct hf_frame frame;
    struct hf_reply reply;
    (void)state;

    hf_world_init(&world, 0);
    bytes[8] = 7;  /* correlation */
    bytes[18] = 1; /* count */
    hf_put_u64(bytes + 24, hf_frame_checksum(bytes, bytes + HF_FRAME_HEADER_BYTES, 8));
    hf_world_receive(&world, bytes, sizeof bytes);
    assert_int_equal(world.connection.framing_fault, HF_FIELD_PROTOCOL_VERSION);
    assert_true(hf_world_next(&world, &frame));
    assert_int_equal(frame.flags, HF_FRAME_REPLY | HF_FRAME_ERROR);
    struct hf_items body = hf_items_of(frame.body, frame.body_bytes);
    assert_int_equal(hf_reply_next(&body, &reply), HF_OK);
    assert_int_equal(reply.outcome, HF_INVALID_ARGUMENT);
    assert_int_equal(reply.field, HF_FIELD_PROTOCOL_VERSION);
    assert_int_equal(world.finishes_count, 1);
    hf_world_release(&world);
}

static void wrong_checksum_executes_nothing(void **state)
{
    const struct hf_request reserve = reserve_request("cart-1");
    struct hf_world world;
    struct hf_frame frame;
    (void)state;

    start(&world, 0);
    (void)hf_world_send(&world, HF_KIND_RESERVE, &reserve, 1);
    hf_world_sync(&world);
    assert_int_equal(hf_world_reply(&world).outcome, HF_OK);
    const int64_t held = held_units(&world);

    const struct hf_request other = reserve_request("cart-2");
    hf_buffer_clear(&world.request);
    (void)hf_frame_begin(&world.request);
    assert_int_equal(hf_request_put(&world.request, HF_KIND_RESERVE, &other), HF_OK);
    assert_int_equal(hf_frame_end(&world.request, 0,
                                  &(struct hf_frame){.operation = HF_KIND_RESERVE, .count = 1}),
                     HF_OK);
    hf_buffer_front(&world.request)[40] ^= 1;
    hf_world_receive(&world, hf_buffer_front(&world.request), hf_buffer_count(&world.request));
    assert_true(hf_world_next(&world, &frame));
    assert_int_equal(frame.flags, HF_FRAME_REPLY | HF_FRAME_ERROR);
    assert_int_equal(world.connection.framing_fault, HF_FIELD_CHECKSUM);
    assert_int_equal(held_units(&world), held);
    assert_int_equal(world.finishes_count, 1);
    hf_world_release(&world);
}

/* ------------------------------------------------------------------ the end */

static void end_of_input_answers_what_came(void **state)
{
    const struct hf_request reserve = reserve_request("cart-1");
    struct hf_world world;
    (void)state;

    start(&world, 0);
    (void)hf_world_send(&world, HF_KIND_RESERVE, &reserve, 1);
    hf_world_receive(&world, "HF\2", 3); /* half a header, dropped */
    hf_connection_end(&world.connection);
    assert_int_equal(world.finishes_count, 0);
    hf_world_sync(&world);
    assert_int_equal(hf_world_reply(&world).outcome, HF_OK);
    assert_int_equal(world.finishes_count, 1);
    hf_connection_end(&world.connection); /* again: no effect */
    assert_int_equal(world.finishes_count, 1);
    hf_world_release(&world);
}

/* The input ended while reading was paused: what was read before is still executed. */
static void end_of_input_while_full(void **state)
{
    const struct hf_request question = stock_request();
    struct hf_world world;
    struct hf_frame frame;
    uint32_t answered = 0;
    (void)state;

    start(&world, 1024);
    world.send_max = 0;
    for (uint32_t i = 0; i < 20; i++) {
        (void)hf_world_send(&world, HF_ASK_STOCK, &question, 1);
    }
    hf_connection_end(&world.connection);
    world.send_max = 64;
    for (uint32_t i = 0; i < 1000 && world.finishes_count == 0; i++) {
        hf_connection_pump(&world.connection);
    }
    while (hf_world_next(&world, &frame)) {
        answered++;
    }
    assert_int_equal(answered, 20);
    assert_int_equal(world.finishes_count, 1);
    hf_world_release(&world);
}

static void idle_or_not(void **state)
{
    const struct hf_request reserve = reserve_request("cart-1");
    struct hf_world world;
    (void)state;

    start(&world, 0);
    assert_false(hf_connection_is_idle(&world.connection, 1000));
    world.now_us += 1000;
    assert_false(hf_connection_is_idle(&world.connection, 1000));
    world.now_us += 1;
    assert_true(hf_connection_is_idle(&world.connection, 1000));

    (void)hf_world_send(&world, HF_KIND_RESERVE, &reserve, 1);
    world.now_us += 5000;
    assert_false(
        hf_connection_is_idle(&world.connection, 1000)); /* the log is slow, not the peer */

    world.send_max = 0;
    hf_world_sync(&world);
    assert_true(hf_connection_is_idle(&world.connection, 1000)); /* it does not read its reply */
    hf_world_release(&world);
}

/* ------------------------------------------------------------------ jobs */

static void audit_in_slices_keeps_order(void **state)
{
    struct hf_world world;
    struct hf_frame frame;
    (void)state;

    start(&world, 0);
    const uint64_t audit = hf_world_ask(&world, HF_ASK_AUDIT);
    const uint64_t ping = hf_world_ask(&world, HF_ASK_PING);
    assert_true(world.is_paused);
    assert_false(hf_world_next(&world, &frame));
    for (uint32_t i = 0; i < 100 && hf_connection_has_work(&world.connection); i++) {
        hf_connection_step(&world.connection);
    }
    assert_true(hf_world_next(&world, &frame));
    assert_int_equal(frame.correlation, audit);
    struct hf_items body = hf_items_of(frame.body, frame.body_bytes);
    struct hf_audit_report report;
    struct hf_reply reply;
    assert_int_equal(hf_reply_next(&body, &reply), HF_OK);
    assert_int_equal(hf_audit_report_next(&reply.entries, &report), HF_OK);
    assert_int_equal(report.cells_count, 1);
    assert_int_equal(report.violations_count, 0);
    assert_int_equal(report.first_violation.bytes_count, 0);
    assert_true(hf_world_next(&world, &frame));
    assert_int_equal(frame.correlation, ping);
    assert_false(world.is_paused);
    hf_world_release(&world);
}

static void snapshot_waits_for_the_log(void **state)
{
    struct hf_world world;
    struct hf_frame frame;
    (void)state;

    start(&world, 0);
    (void)hf_world_ask(&world, HF_ASK_SNAPSHOT);
    assert_non_null(world.snapshot_done);
    assert_false(hf_connection_has_work(&world.connection));
    assert_false(hf_world_next(&world, &frame));
    world.snapshot_done(world.snapshot_arg, HF_OK, 1);
    assert_true(hf_connection_has_work(&world.connection));
    hf_connection_step(&world.connection);
    struct hf_reply reply = hf_world_reply(&world);
    assert_int_equal(reply.outcome, HF_OK);
    assert_int_equal(reply.lsn, 1);

    world.snapshot_err = HF_BUSY; /* the log says no */
    (void)hf_world_ask(&world, HF_ASK_SNAPSHOT);
    hf_connection_step(&world.connection);
    assert_int_equal(hf_world_reply(&world).outcome, HF_BUSY);

    world.snapshot_err = HF_NO_MEMORY; /* an internal result does not go on the wire */
    (void)hf_world_ask(&world, HF_ASK_SNAPSHOT);
    hf_connection_step(&world.connection);
    assert_int_equal(hf_world_reply(&world).outcome, HF_LIMIT_EXCEEDED);

    world.snapshot_err = HF_IO; /* nor does this one */
    (void)hf_world_ask(&world, HF_ASK_SNAPSHOT);
    hf_connection_step(&world.connection);
    assert_int_equal(hf_world_reply(&world).outcome, HF_BUSY);
    hf_world_release(&world);
}

static void asker_of_a_snapshot_goes_away(void **state)
{
    struct hf_world world;
    (void)state;

    start(&world, 0);
    (void)hf_world_ask(&world, HF_ASK_SNAPSHOT);
    hf_connection_release(&world.connection);
    world.snapshot_done(world.snapshot_arg, HF_OK, 1); /* must not touch the connection */
    assert_null(world.dispatch.snapshot_job);
    hf_world_release(&world);
}

/* ------------------------------------------------------------------ backups */

static void ask_backup(struct hf_world *world, const char *name)
{
    struct hf_buffer out = {0};
    const struct hf_frame frame = {.operation = HF_ASK_BACKUP, .count = 1, .correlation = 7};
    const size_t place = hf_frame_begin(&out);
    hf_backup_put(&out, hf_text_of(name));
    assert_int_equal(hf_frame_end(&out, place, &frame), HF_OK);
    hf_connection_receive(&world->connection, hf_buffer_front(&out), hf_buffer_count(&out));
    hf_buffer_release(&out);
}

/* The one answer that is there: its outcome, and how far the backup is. */
static enum hf_err backup_answer(struct hf_world *world, struct hf_backup_view *view)
{
    struct hf_frame frame;
    struct hf_reply reply;

    assert_true(hf_connection_has_work(&world->connection));
    hf_connection_step(&world->connection);
    assert_true(hf_world_next(world, &frame));
    struct hf_items body = hf_items_of(frame.body, frame.body_bytes);
    assert_int_equal(hf_reply_next(&body, &reply), HF_OK);
    assert_int_equal(reply.entries_count, 1);
    assert_int_equal(hf_backup_view_next(&reply.entries, view), HF_OK);
    return reply.outcome;
}

static void backup_tells_how_far_it_is(void **state)
{
    struct hf_world world;
    struct hf_backup_view view;
    struct hf_frame frame;
    (void)state;

    start(&world, 0);
    (void)hf_world_ask(&world, HF_ASK_BACKUP_NEXT); /* of none */
    assert_int_equal(backup_answer(&world, &view), HF_INVALID_ARGUMENT);
    assert_true(view.is_done);
    assert_true(view.text.bytes_count > 0);
    ask_backup(&world, "");
    assert_int_equal(backup_answer(&world, &view), HF_INVALID_ARGUMENT);
    assert_null(world.backup_cb);

    ask_backup(&world, "weekly");
    assert_string_equal(world.backup_name, "weekly");
    assert_false(hf_connection_has_work(&world.connection)); /* until there is news */
    assert_false(hf_world_next(&world, &frame));
    struct hf_log_backup backup = {.bytes_done = 5, .bytes_total = 100, .text = ""};
    world.backup_cb(world.backup_arg, &backup);
    assert_int_equal(backup_answer(&world, &view), HF_OK);
    assert_false(view.is_done);
    assert_int_equal(view.bytes_done, 5);
    assert_int_equal(view.bytes_total, 100);

    ask_backup(&world, "another"); /* one at a time */
    assert_int_equal(backup_answer(&world, &view), HF_BUSY);
    assert_string_equal(world.backup_name, "weekly");

    backup.bytes_done = 50; /* news before it is asked for */
    world.backup_cb(world.backup_arg, &backup);
    (void)hf_world_ask(&world, HF_ASK_BACKUP_NEXT);
    assert_int_equal(backup_answer(&world, &view), HF_OK);
    assert_int_equal(view.bytes_done, 50);

    (void)hf_world_ask(&world, HF_ASK_BACKUP_NEXT);
    assert_false(hf_connection_has_work(&world.connection));
    backup = (struct hf_log_backup){
        .is_done = true, .lsn = 1, .bytes_done = 80, .bytes_total = 80, .text = "/b/weekly"};
    world.backup_cb(world.backup_arg, &backup);
    assert_int_equal(backup_answer(&world, &view), HF_OK);
    assert_true(view.is_done);
    assert_int_equal(view.text.bytes_count, strlen("/b/weekly"));
    (void)hf_world_ask(&world, HF_ASK_BACKUP_NEXT); /* it was told */
    assert_int_equal(backup_answer(&world, &view), HF_INVALID_ARGUMENT);

    ask_backup(&world, "again"); /* one that fails: an internal result does not go on the wire */
    backup = (struct hf_log_backup){.is_done = true, .err = HF_IO, .text = "the disk is full"};
    world.backup_cb(world.backup_arg, &backup);
    assert_int_equal(backup_answer(&world, &view), HF_BUSY);
    assert_true(view.is_done);
    assert_memory_equal(view.text.bytes, "the disk is full", view.text.bytes_count);
    hf_world_release(&world);
}

static void asker_of_a_backup_goes_away(void **state)
{
    struct hf_world world;
    const struct hf_log_backup done = {.is_done = true, .text = "/b/x"};
    (void)state;

    start(&world, 0);
    ask_backup(&world, "x");
    hf_connection_release(&world.connection);
    assert_null(world.dispatch.backing_up.owner);
    assert_true(world.dispatch.backing_up.is_running);
    world.backup_cb(world.backup_arg, &done); /* must not touch the connection */
    assert_false(world.dispatch.backing_up.is_running);
    hf_world_release(&world);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(hello_comes_first),
        cmocka_unit_test(hello_must_be_well_formed),
        cmocka_unit_test(hello_gives_a_name),
        cmocka_unit_test(refused_instead),
        cmocka_unit_test(replies_wait_for_the_log),
        cmocka_unit_test(refusals_wait_for_the_log),
        cmocka_unit_test(pieces_do_not_matter),
        cmocka_unit_test(full_output_pauses_reading),
        cmocka_unit_test(undurable_replies_pause_reading),
        cmocka_unit_test(lost_framing_is_told_once),
        cmocka_unit_test(another_version_is_told_so),
        cmocka_unit_test(wrong_checksum_executes_nothing),
        cmocka_unit_test(end_of_input_answers_what_came),
        cmocka_unit_test(end_of_input_while_full),
        cmocka_unit_test(idle_or_not),
        cmocka_unit_test(audit_in_slices_keeps_order),
        cmocka_unit_test(snapshot_waits_for_the_log),
        cmocka_unit_test(asker_of_a_snapshot_goes_away),
        cmocka_unit_test(backup_tells_how_far_it_is),
        cmocka_unit_test(asker_of_a_backup_goes_away),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
