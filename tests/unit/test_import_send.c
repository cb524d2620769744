/*
 * test_import_send.c - sending the rows of an import, with a server that misbehaves.
 *
 * Method: each row of the table gives a file as the answers that its rows get, one letter for each
 * time they are sent, and what must have become of them:
 *
 *     o ok   u unchanged   r repeated   i insufficient_on_hand   b busy   R read_only
 *     H the connection is lost before the frame is answered
 *
 * The fake server counts how often each row came, and notes the kinds of the frames. A row that was
 * settled is never sent again; one that was not comes again under the same reference.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/fake_server.h"
#include "tools/holdfast/import.h"

#define ROWS_COUNT (sizeof rows / sizeof rows[0])
#define FILE_ROWS_MAX 8

static const struct row {
    const char *name;
    const char *answers[FILE_ROWS_MAX]; /* of each row of the file */
    const char *units;                  /* one letter a row: + receive, - adjust, 0 nothing */
    bool is_add;
    const char *want_states; /* C changed, U unchanged, R repeated, X refused, . open */
    const char *want_sent;   /* how often each row was sent */
    const char *want_frames; /* their kinds; p a ping */
    enum holdfast_outcome want;
} rows[] = {
    {"all rows are done", {"o", "o", "o"}, "+++", false, "CCC", "111", "s", HOLDFAST_OK},
    {"told apart", {"o", "u", "r"}, "+++", false, "CUR", "111", "s", HOLDFAST_OK},
    {"one is refused", {"o", "i", "o"}, "+++", false, "CXC", "111", "s", HOLDFAST_OK},
    {"one is busy", {"o", "bo", "o"}, "+++", false, "CCC", "121", "sps", HOLDFAST_OK},
    {"all are busy, twice", {"bbo", "bbo"}, "++", false, "CC", "33", "spsps", HOLDFAST_OK},
    {"busy, then refused", {"bi", "o"}, "++", false, "XC", "21", "sps", HOLDFAST_OK},
    {"the connection is lost", {"Ho", "-o"}, "++", false, "CC", "22", "sps", HOLDFAST_OK},
    {"it was done, and nobody told", {"Hr", "-r"}, "++", false, "RR", "22", "sps", HOLDFAST_OK},
    {"lost twice", {"HHo"}, "+", false, "C", "3", "spsps", HOLDFAST_OK},
    {"no writes any more", {"o", "R", "o"}, "+++", false, "C.C", "111", "s", HOLDFAST_READ_ONLY},
    {"no rows", {NULL}, "", false, "", "", "", HOLDFAST_OK},
    {"added, kind by kind", {"o", "o", "o", "o"}, "+--+", true, "CCCC", "1111", "rar", HOLDFAST_OK},
    {"nothing to add", {"", "o", ""}, "0+0", true, "UCU", "010", "r", HOLDFAST_OK},
    {"only nothing", {"", ""}, "00", true, "UU", "00", "", HOLDFAST_OK},
    {"lost between frames", {"o", "Ho", "o"}, "+-+", true, "CCC", "121", "rapar", HOLDFAST_OK},
};

static struct hf_fake fake;
static const struct row *played;
static char frames[32];
static unsigned sent[FILE_ROWS_MAX];

/* The row of the file that a reference names by its line. */
static size_t index_of(struct hf_text ref)
{
    size_t line = 0;
    for (uint32_t i = 0; i < ref.bytes_count; i++) {
        line = ref.bytes[i] == ':' ? 0 : line * 10 + (size_t)(ref.bytes[i] - '0');
    }
    hf_fake_check(&fake, line >= 2 && line < 2 + FILE_ROWS_MAX, "a reference without a line");
    return (line - 2) % FILE_ROWS_MAX;
}

static char letter_of(unsigned operation)
{
    switch (operation) {
    case HF_KIND_SET:
        return 's';
    case HF_KIND_RECEIVE:
        return 'r';
    case HF_KIND_ADJUST:
        return 'a';
    case HF_ASK_PING:
        return 'p';
    default:
        return '?';
    }
}

static void put_answer(char letter, uint64_t lsn)
{
    const struct hf_result result = {.outcome = letter == 'i'   ? HF_INSUFFICIENT_ON_HAND
                                                : letter == 'b' ? HF_BUSY
                                                : letter == 'R' ? HF_READ_ONLY
                                                                : HF_OK,
                                     .is_repeated = letter == 'r',
                                     .is_unchanged = letter == 'u',
                                     .lsn = lsn};
    hf_reply_put_result(&fake.out, &result);
}

/* Answer a frame of writes as the table says. False: the connection is to be lost instead. */
static bool answer(struct hf_fake *f, const struct hf_frame *frame)
{
    struct hf_items body = hf_items_of(frame->body, frame->body_bytes);
    const size_t place = hf_fake_begin(f);
    bool is_lost = false;

    for (uint32_t i = 0; i < frame->count; i++) {
        struct hf_request request = {0};
        struct hf_op_line lines[1];
        enum hf_field field;
        uint32_t line_index;
        hf_fake_check(f,
                      hf_request_next(&body, frame->operation, lines, 1, &request, &field,
                                      &line_index) == HF_OK,
                      "a row cannot be read");
        const size_t index = index_of(request.op.ref);
        const char letter = played->answers[index][sent[index]++];
        is_lost = is_lost || letter == 'H';
        put_answer(letter, index + 1);
    }
    if (is_lost) {
        hf_buffer_clear(&f->out);
        return false;
    }
    hf_fake_end(f, place, frame);
    hf_fake_send(f);
    return true;
}

static void script(struct hf_fake *f)
{
    struct hf_frame frame;

    hf_fake_accept(f, NULL);
    while (hf_fake_read(f, &frame)) {
        const size_t used = strlen(frames);
        hf_fake_check(f, used + 1 < sizeof frames, "frames without an end");
        if (used + 1 < sizeof frames) {
            frames[used] = letter_of(frame.operation);
        }
        if (frame.operation == HF_ASK_PING) {
            hf_fake_answer(f, &frame, 0);
        } else if (!answer(f, &frame)) {
            hf_fake_hang_up(f);
            hf_fake_accept(f, NULL);
        }
    }
}

static struct hf_import_file make_file(struct hf_import_row *file_rows, const struct row *row)
{
    static char text[] = "";
    struct hf_import_file file = {.text = text, .rows = file_rows, .hash = "00"};

    for (const char *p = row->units; *p != '\0'; p++) {
        const uint32_t index = file.rows_count++;
        file_rows[index] = (struct hf_import_row){.sku = "SKU",
                                                  .location = "L",
                                                  .figures = {*p == '+'   ? 5
                                                              : *p == '-' ? -5
                                                                          : 0},
                                                  .line = index + 2,
                                                  .first = index};
    }
    return file;
}

static void send_rows(void **state)
{
    static const char letters[] = {[HF_ROW_OPEN] = '.',
                                   [HF_ROW_CHANGED] = 'C',
                                   [HF_ROW_UNCHANGED] = 'U',
                                   [HF_ROW_REPEATED] = 'R',
                                   [HF_ROW_REFUSED] = 'X'};
    struct hf_import_row file_rows[FILE_ROWS_MAX];
    const struct holdfast_options connection = {.reconnect_max_ms = 10000};
    char states[FILE_ROWS_MAX + 1] = "";
    char counts[FILE_ROWS_MAX + 1] = "";
    char error[256];
    char *faults_text = NULL;
    size_t faults_bytes = 0;
    struct hf_progress progress;
    struct hf_import_totals totals;

    played = *state;
    memset(frames, 0, sizeof frames);
    memset(sent, 0, sizeof sent);
    struct hf_import_file file = make_file(file_rows, played);
    const struct hf_import_options options = {.is_add = played->is_add};
    struct hf_faults faults = {.out = open_memstream(&faults_text, &faults_bytes)};
    assert_non_null(faults.out);
    hf_progress_init(&progress, stderr, false, "rows", file.rows_count);

    hf_fake_start(&fake, script);
    struct holdfast *hf = holdfast_connect(fake.address, &connection, error, sizeof error);
    assert_non_null(hf);
    assert_int_equal(
        hf_import_send(&hf, &file, &options, &faults, &progress, &totals, error, sizeof error),
        played->want);
    assert_true((hf == NULL) == (played->want != HOLDFAST_OK));
    holdfast_close(hf);
    hf_fake_stop(&fake);

    uint64_t of_state[5] = {0};
    for (uint32_t i = 0; i < file.rows_count; i++) {
        states[i] = letters[file_rows[i].state];
        counts[i] = (char)('0' + sent[i]);
        of_state[file_rows[i].state]++;
    }
    assert_string_equal(states, played->want_states);
    assert_string_equal(counts, played->want_sent);
    assert_string_equal(frames, played->want_frames);
    assert_int_equal(totals.changed, of_state[HF_ROW_CHANGED]);
    assert_int_equal(totals.unchanged, of_state[HF_ROW_UNCHANGED]);
    assert_int_equal(totals.repeated, of_state[HF_ROW_REPEATED]);
    assert_int_equal(faults.count, of_state[HF_ROW_REFUSED]);
    assert_int_equal(fclose(faults.out), 0);
    assert_true((strstr(faults_text, "insufficient_on_hand: ") != NULL) == (faults.count > 0));
    free(faults_text);
}

int main(void)
{
    struct CMUnitTest tests[ROWS_COUNT];

    for (size_t i = 0; i < ROWS_COUNT; i++) {
        tests[i] = (struct CMUnitTest){.name = rows[i].name,
                                       .test_func = send_rows,
                                       .initial_state = (void *)(uintptr_t)&rows[i]};
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
