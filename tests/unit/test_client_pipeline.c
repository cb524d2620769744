/*
 * test_client_pipeline.c - libholdfast driven as an event loop drives it, with frames in flight.
 *
 * Method: as test_client.c. Every frame is answered exactly once and in order, whether its reply
 * came in pieces, or never; callbacks may submit.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "net/client.h"
#include "tests/lib/client_calls.h"
#include "tests/lib/fake_server.h"

#define OPS_MAX 1024

static struct hf_fake fake;

static void script_lost(struct hf_fake *f)
{
    struct hf_frame frame;
    hf_fake_accept(f, NULL);
    (void)hf_fake_read(f, &frame);
}

/* ------------------------------------------------------------------ pipelined */

static void script_three(struct hf_fake *f)
{
    struct hf_frame frame;
    hf_fake_accept(f, NULL);
    for (uint64_t i = 0; i < 3; i++) {
        (void)hf_fake_read(f, &frame);
        if (i == 0) {
            hf_fake_answer(f, &frame, 1);
        }
    }
}

static void frames_in_flight_are_unknown_when_it_breaks(void **state)
{
    const struct holdfast_op ops[] = {hf_call_reserve("a"), hf_call_reserve("b")};
    struct hf_call_told told = {0};
    (void)state;

    hf_fake_start(&fake, script_three);
    struct holdfast *hf = hf_call_connect(&fake, (struct holdfast_options){0});
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(holdfast_submit(hf, ops, 1 + i % 2, hf_call_remember, &told), HOLDFAST_OK);
    }
    assert_int_equal(holdfast_in_flight(hf), 3);
    assert_true(holdfast_wants_write(hf));
    hf_call_drive(hf);
    assert_int_equal(told.calls, 3);
    assert_int_equal(told.outcomes[0], HOLDFAST_OK);
    assert_int_equal(told.outcomes[1], HOLDFAST_UNKNOWN);
    assert_int_equal(told.counts[1], 2);
    assert_int_equal(told.outcomes[2], HOLDFAST_UNKNOWN);
    assert_int_equal(holdfast_in_flight(hf), 0);
    assert_int_equal(holdfast_fd(hf), -1);
    assert_false(holdfast_wants_write(hf));
    assert_non_null(strstr(holdfast_error(hf), "closed the connection"));
    holdfast_close(hf);
    hf_fake_stop(&fake);
}

static void script_read_one(struct hf_fake *f)
{
    struct hf_frame frame;
    hf_fake_accept(f, NULL);
    (void)hf_fake_read(f, &frame);
    hf_fake_wake_test(f);
    hf_fake_expect_end(f);
}

static void submit_when_told(void *arg, const struct holdfast_reply *replies, size_t count)
{
    struct hf_call_told *told = arg;
    const struct holdfast_op op = hf_call_reserve("x");
    struct holdfast_reply reply;

    hf_call_remember(arg, replies, count);
    if (told->calls == 1) {
        assert_int_equal(holdfast_submit(told->hf, &op, 1, hf_call_remember, told),
                         HOLDFAST_UNKNOWN);
        assert_int_equal(holdfast_execute(told->hf, &op, 1, &reply), HOLDFAST_INVALID_ARGUMENT);
    }
}

static void close_answers_what_is_in_flight(void **state)
{
    const struct holdfast_op op = hf_call_reserve("a");
    struct hf_call_told told = {0};
    (void)state;

    hf_fake_start(&fake, script_read_one);
    struct holdfast *hf =
        hf_call_connect(&fake, (struct holdfast_options){.reconnect_max_ms = 10000});
    told.hf = hf;
    assert_int_equal(holdfast_submit(hf, &op, 1, submit_when_told, &told), HOLDFAST_OK);
    assert_int_equal(holdfast_process(hf), HOLDFAST_OK);
    hf_fake_wait_for_script(&fake);
    holdfast_close(hf);
    assert_int_equal(told.calls, 1);
    assert_int_equal(told.outcomes[0], HOLDFAST_UNKNOWN);
    hf_fake_stop(&fake);
}

static void script_byte_by_byte(struct hf_fake *f)
{
    struct hf_frame frame;
    hf_fake_accept(f, NULL);
    for (uint64_t i = 0; i < 4; i++) {
        (void)hf_fake_read(f, &frame);
        const size_t place = hf_fake_begin(f);
        hf_reply_put_result(&f->out, &(struct hf_result){.lsn = i + 1});
        hf_fake_end(f, place, &frame);
    }
    for (size_t i = 0; i < hf_buffer_count(&f->out); i++) {
        hf_fake_send_bytes(f, hf_buffer_front(&f->out) + i, 1);
    }
    hf_fake_expect_end(f);
}

static void replies_in_pieces_are_put_together(void **state)
{
    const struct holdfast_op op = hf_call_reserve("a");
    struct hf_call_told told = {0};
    (void)state;

    hf_fake_start(&fake, script_byte_by_byte);
    struct holdfast *hf = hf_call_connect(&fake, (struct holdfast_options){0});
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(holdfast_submit(hf, &op, 1, hf_call_remember, &told), HOLDFAST_OK);
    }
    hf_call_drive(hf);
    assert_int_equal(told.calls, 4);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(told.lsns[i], i + 1);
    }
    holdfast_close(hf);
    hf_fake_stop(&fake);
}

#define BIG_FRAMES 40

static void script_slow_reader(struct hf_fake *f)
{
    struct hf_frame frame;
    hf_fake_accept(f, NULL);
    hf_fake_wait_for_test(f); /* the client's socket is full by now */
    for (uint64_t i = 0; i < BIG_FRAMES; i++) {
        if (!hf_fake_read(f, &frame)) {
            hf_fake_check(f, false, "the client went away");
            return;
        }
        hf_fake_check(f, frame.count == OPS_MAX, "a frame lost items");
        hf_fake_answer(f, &frame, 1 + i * OPS_MAX);
    }
    hf_fake_expect_end(f);
}

static void a_full_socket_is_written_to_later(void **state)
{
    static struct holdfast_op ops[OPS_MAX];
    static char ids[OPS_MAX][65];
    struct hf_call_told told = {0};
    (void)state;

    for (size_t i = 0; i < OPS_MAX; i++) {
        (void)snprintf(ids[i], sizeof ids[i], "%060zu", i);
        ops[i] = hf_call_reserve(ids[i]);
        ops[i].order = ids[i];
        ops[i].ref = ids[i];
    }
    hf_fake_start(&fake, script_slow_reader);
    struct holdfast *hf =
        hf_call_connect(&fake, (struct holdfast_options){.in_flight_bytes_max = 64 * 1024 * 1024});
    for (size_t i = 0; i < BIG_FRAMES; i++) {
        assert_int_equal(holdfast_submit(hf, ops, OPS_MAX, hf_call_remember, &told), HOLDFAST_OK);
    }
    assert_int_equal(holdfast_process(hf), HOLDFAST_OK);
    assert_true(holdfast_wants_write(hf));
    hf_fake_wake_script(&fake);
    hf_call_drive(hf);
    assert_int_equal(told.calls, BIG_FRAMES);
    for (size_t i = 0; i < BIG_FRAMES; i++) {
        assert_int_equal(told.outcomes[i], HOLDFAST_OK);
        assert_int_equal(told.lsns[i], 1 + i * OPS_MAX);
    }
    holdfast_close(hf);
    hf_fake_stop(&fake);
}

/* A callback that submits a larger batch than any before, while it still reads its replies. */
struct chain {
    struct holdfast *hf;
    size_t calls;
    size_t ats_calls;
};

static void chain_ats(void *arg, enum holdfast_outcome outcome, const struct holdfast_ats *ats,
                      size_t count)
{
    struct chain *chain = arg;
    assert_int_equal(outcome, HOLDFAST_OK);
    assert_int_equal(count, 2);
    assert_int_equal(ats[0].ats, 40);
    assert_int_equal(ats[1].outcome, HOLDFAST_UNKNOWN_SKU);
    assert_int_equal(chain->calls, 1); /* between the first and the second write */
    chain->ats_calls += 1;
}

static void chain_on(void *arg, const struct holdfast_reply *replies, size_t count)
{
    static struct holdfast_op ops[OPS_MAX];
    static const uint32_t handles[] = {1, 2};
    static const size_t counts[] = {1, 100, 1000};
    struct chain *chain = arg;

    assert_int_equal(count, counts[chain->calls]);
    chain->calls += 1;
    if (chain->calls < 3) {
        for (size_t i = 0; i < counts[chain->calls]; i++) {
            ops[i] = hf_call_reserve("x");
        }
        if (chain->calls == 1) {
            assert_int_equal(
                holdfast_submit_ats(chain->hf, handles, 2, HOLDFAST_HANDLE_NONE, chain_ats, chain),
                HOLDFAST_OK);
        }
        assert_int_equal(holdfast_submit(chain->hf, ops, counts[chain->calls], chain_on, chain),
                         HOLDFAST_OK);
    }
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(replies[i].lsn, 100 * chain->calls + i);
    }
}

static void script_chain(struct hf_fake *f)
{
    struct hf_frame frame;
    hf_fake_accept(f, NULL);
    (void)hf_fake_read(f, &frame);
    hf_fake_answer(f, &frame, 100);
    (void)hf_fake_read(f, &frame);
    hf_fake_check(f, frame.operation == HF_ASK_ATS && frame.handle_tag == 77, "not ats by handle");
    const size_t place = hf_fake_begin(f);
    const size_t item = hf_reply_begin(&f->out);
    hf_ats_put(&f->out, &(struct hf_ats_entry){.figures = {.ats = 40, .atf = 41}});
    hf_ats_put(&f->out, &(struct hf_ats_entry){.outcome = HF_UNKNOWN_SKU});
    hf_reply_end(&f->out, item, &(struct hf_reply){.entries_count = 2, .line_index = UINT32_MAX});
    hf_fake_end(f, place, &frame);
    hf_fake_send(f);
    for (uint64_t i = 2; i <= 3; i++) {
        (void)hf_fake_read(f, &frame);
        hf_fake_answer(f, &frame, 100 * i);
    }
    hf_fake_expect_end(f);
}

static void callbacks_may_submit(void **state)
{
    const struct holdfast_op op = hf_call_reserve("a");
    struct chain chain = {0};
    (void)state;

    hf_fake_start(&fake, script_chain);
    chain.hf = hf_call_connect(&fake, (struct holdfast_options){0});
    assert_int_equal(holdfast_submit(chain.hf, &op, 1, chain_on, &chain), HOLDFAST_OK);
    hf_call_drive(chain.hf);
    assert_int_equal(chain.calls, 3);
    assert_int_equal(chain.ats_calls, 1);
    holdfast_close(chain.hf);
    hf_fake_stop(&fake);
}

static void ats_lost(void *arg, enum holdfast_outcome outcome, const struct holdfast_ats *ats,
                     size_t count)
{
    assert_int_equal(outcome, HOLDFAST_UNKNOWN);
    assert_null(ats);
    assert_int_equal(count, 0);
    *(size_t *)arg += 1;
}

static void lost_ats_is_unknown(void **state)
{
    static const uint32_t handles[] = {1};
    size_t calls = 0;
    (void)state;

    hf_fake_start(&fake, script_lost);
    struct holdfast *hf = hf_call_connect(&fake, (struct holdfast_options){0});
    assert_int_equal(holdfast_submit_ats(hf, handles, 1, 0, ats_lost, &calls), HOLDFAST_OK);
    assert_int_equal(holdfast_submit_ats(hf, handles, 0, 0, ats_lost, &calls),
                     HOLDFAST_INVALID_ARGUMENT);
    hf_call_drive(hf);
    assert_int_equal(calls, 1);
    holdfast_close(hf);
    hf_fake_stop(&fake);
}

static void script_two_late(struct hf_fake *f)
{
    struct hf_frame frames[2];
    hf_fake_accept(f, NULL);
    for (size_t i = 0; i < 2; i++) {
        (void)hf_fake_read(f, &frames[i]);
    }
    for (size_t i = 0; i < 2; i++) {
        hf_fake_answer(f, &frames[i], i + 1);
    }
    hf_fake_expect_end(f);
}

static void too_much_in_flight_is_busy(void **state)
{
    const struct holdfast_op op = hf_call_reserve("a");
    struct hf_call_told told = {0};
    struct holdfast_reply reply;
    (void)state;

    hf_fake_start(&fake, script_two_late);
    struct holdfast *hf = hf_call_connect(&fake, (struct holdfast_options){0});
    assert_int_equal(holdfast_submit(hf, &op, 1, hf_call_remember, &told), HOLDFAST_OK);
    const size_t frame_bytes = hf->in_flight_bytes;
    hf->options.in_flight_bytes_max = 2 * frame_bytes; /* room for exactly one more */
    assert_int_equal(holdfast_submit(hf, &op, 1, hf_call_remember, &told), HOLDFAST_OK);
    assert_int_equal(holdfast_submit(hf, &op, 1, hf_call_remember, &told), HOLDFAST_BUSY);
    assert_int_equal(holdfast_in_flight(hf), 2);

    /* a blocking call must not jump the queue */
    assert_int_equal(holdfast_execute(hf, &op, 1, &reply), HOLDFAST_INVALID_ARGUMENT);
    assert_int_equal(reply.outcome, HOLDFAST_INVALID_ARGUMENT);
    hf_call_drive(hf);
    assert_int_equal(told.calls, 2);
    assert_int_equal(hf->in_flight_bytes, 0);
    holdfast_close(hf);
    hf_fake_stop(&fake);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_in_flight_are_unknown_when_it_breaks),
        cmocka_unit_test(close_answers_what_is_in_flight),
        cmocka_unit_test(replies_in_pieces_are_put_together),
        cmocka_unit_test(a_full_socket_is_written_to_later),
        cmocka_unit_test(callbacks_may_submit),
        cmocka_unit_test(lost_ats_is_unknown),
        cmocka_unit_test(too_much_in_flight_is_busy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
