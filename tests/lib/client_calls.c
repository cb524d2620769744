#include "tests/lib/client_calls.h"

#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>

struct holdfast *hf_call_connect(const struct hf_fake *fake, struct holdfast_options options)
{
    char error[256] = "";
    struct holdfast *hf = holdfast_connect(fake->address, &options, error, sizeof error);
    assert_string_equal(error, "");
    assert_non_null(hf);
    return hf;
}

struct holdfast_op hf_call_reserve(const char *id)
{
    static const struct holdfast_line line = {.sku = "PHONE", .location = "BERLIN", .units = 1};
    return (struct holdfast_op){
        .kind = HOLDFAST_RESERVE, .id = id, .lines = &line, .lines_count = 1};
}

void hf_call_remember(void *arg, const struct holdfast_reply *replies, size_t count)
{
    struct hf_call_told *told = arg;
    assert_true(told->calls < HF_CALLS_MAX);
    told->counts[told->calls] = count;
    told->outcomes[told->calls] = replies[0].outcome;
    told->lsns[told->calls] = replies[0].lsn;
    told->calls += 1;
}

void hf_call_drive(struct holdfast *hf)
{
    while (holdfast_in_flight(hf) > 0) {
        if (holdfast_wait(hf, 10000) != HOLDFAST_OK) {
            break;
        }
    }
}
