/*
 * test_cli_watch.c - `holdfast watch` against a real server: what it prints, where it goes on.
 *
 * Method: tests/lib/cli_player.h. A watch that ends by itself (--limit) is played like any other
 * command. One that runs on is begun in the background with its output in a file, which is read
 * until the lines that are waited for are there.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tests/lib/cli_player.h"

#define ROWS_COUNT(rows) (sizeof(rows) / sizeof(rows)[0])
#define PATIENCE_S 60 /* past it the test has failed; nothing depends on it otherwise */

/* "before" and "after": on_hand and held; nothing else moves in these tests. */
#define FIGURES(on_hand, held)                                                                     \
    "{'on_hand':" #on_hand ",'held':" #held                                                        \
    ",'committed':0,'in_transit':0,'damaged':0,'quarantined':0}"
#define FROM_TO(on_hand_before, held_before, on_hand, held)                                        \
    "'before':" FIGURES(on_hand_before, held_before) ",'after':" FIGURES(on_hand, held)

/* ------------------------------------------------------------------ what it prints */

static const struct hf_step some_history[] = {
    {{"receive", "A@L=20", "B@M=10", "--ref", "r1", "--order", "PO", "--by", "anna"},
     0,
     HF_DONE(1, "r1")},
    {{"policy", "A@L", "--low-stock", "5", "--ref", "r2"}, 0, HF_DONE(2, "r2")},
    {{"reserve", "c1", "A@L=16"}, 0, HF_DONE_STATE(3, "c1", "held")},
    {{"adjust", "A@L", "-5", "--reason", "theft", "--ref", "r4"}, 0, HF_DONE(4, "r4")},
    {{"region", "north", "L", "--ref", "r5"}, 0, HF_DONE(5, "r5")},
};

/* clang-format off */
#define HEAD(lsn, kind, cell) "{'lsn':" #lsn ",'epoch':1,'ts':'*','kind':'" kind "'," cell
#define A_AT_L "'sku':'A','location':'L',"
#define B_AT_M "'sku':'B','location':'M',"
#define NOW(delta, on_hand, reserved, ats) \
    "'delta':" #delta ",'on_hand':" #on_hand ",'reserved':" #reserved ",'ats':" #ats ","
#define PAPERS(reason, ref, order, by, id, state) \
    "'reason':" reason ",'ref':'" ref "','order':" order ",'by':" by ",'id':" id ",'state':" state
#define NONE "null"
#define TOKEN(token) ",'token':'" token "'}"
static const char all_events[] =
    HEAD(1, "receive", A_AT_L) NOW(20, 20, 0, 20)
    PAPERS("'purchase'", "r1", "'PO'", "'anna'", NONE, NONE)
    ",'deltas':{}," FROM_TO(0, 0, 20, 0) TOKEN("1:0") "\n"

    HEAD(1, "receive", B_AT_M) NOW(10, 10, 0, 10)
    PAPERS("'purchase'", "r1", "'PO'", "'anna'", NONE, NONE)
    ",'deltas':{}," FROM_TO(0, 0, 10, 0) TOKEN("1:1") "\n"

    HEAD(2, "set_policy", A_AT_L) NOW(0, 20, 0, 20)
    PAPERS(NONE, "r2", NONE, NONE, NONE, NONE)
    ",'deltas':{}," FROM_TO(20, 0, 20, 0) TOKEN("1:2") "\n"

    HEAD(3, "reserve", A_AT_L) NOW(0, 20, 16, 4)
    PAPERS(NONE, "c1", NONE, NONE, "'c1'", "'held'")
    ",'deltas':{'held':16}," FROM_TO(20, 0, 20, 16) TOKEN("1:2") "\n"

    HEAD(3, "low_stock", A_AT_L) NOW(0, 20, 16, 4)
    PAPERS(NONE, "c1", NONE, NONE, "'c1'", "'held'")
    ",'deltas':{}," FROM_TO(20, 16, 20, 16) TOKEN("1:3") "\n"

    HEAD(4, "adjust", A_AT_L) NOW(-5, 15, 16, -1)
    PAPERS("'theft'", "r4", NONE, NONE, NONE, NONE)
    ",'deltas':{}," FROM_TO(20, 16, 15, 16) TOKEN("1:3") "\n"

    HEAD(4, "out_of_stock", A_AT_L) NOW(0, 15, 16, -1)
    PAPERS("'theft'", "r4", NONE, NONE, NONE, NONE)
    ",'deltas':{}," FROM_TO(15, 16, 15, 16) TOKEN("1:3") "\n"

    HEAD(4, "shortage", A_AT_L) NOW(0, 15, 16, -1)
    PAPERS("'theft'", "r4", NONE, NONE, NONE, NONE)
    ",'missing':1,'reservations':[{'id':'c1','qty':16}]"
    ",'deltas':{}," FROM_TO(15, 16, 15, 16) TOKEN("1:4") "\n"

    HEAD(5, "set_region", "'sku':null,'location':null,")
    NOW(null, null, null, null)
    PAPERS(NONE, "r5", NONE, NONE, NONE, NONE) TOKEN("1:5");

static const char stock_moved[] =
    HEAD(4, "stock.moved", A_AT_L) NOW(-5, 15, 16, -1)
    PAPERS("'theft'", "r4", NONE, NONE, NONE, NONE)
    ",'deltas':{}," FROM_TO(20, 16, 15, 16)
    ",'operation':'adjust','store_id':'L','sku_id':'A','qty_delta':-5,'ref_id':'r4'" TOKEN("1:4");
/* clang-format on */

static void events_as_json(void **state)
{
    static const struct hf_step steps[] = {
        {{"watch", "--from", "1:0", "--limit", "9"}, 0, all_events},
        {{"watch", "--from", "1:3", "--kind", "stock.moved", "--limit", "1"}, 0, stock_moved},
        {{"watch", "--from", "1:5", "--location", "NOWHERE"}, 1, NULL},
        {{"watch", "--from", "1:6"}, 1, "{'outcome':'gone','message':'*','token':'1:5'}"},
        {{"watch", "--from", "2:0", "--limit", "1"}, 1, NULL},
    };
    (void)state;
    hf_play(some_history, ROWS_COUNT(some_history));
    hf_play(steps, ROWS_COUNT(steps));
}

/* Each filter gives the LSNs that pass it, in order. */
static void filters(void **state)
{
    static const struct row {
        const char *words[HF_PLAYER_WORDS_MAX];
        const char *want; /* the first words of each line, behind the time */
    } rows[] = {
        {{"watch", "--from", "1:0", "--location", "M", "--limit", "1", NULL}, "1  receive  B@M\n"},
        {{"watch", "--from", "1:0", "--prefix", "B", "--limit", "1", NULL}, "1  receive  B@M\n"},
        {{"watch", "--from", "1:0", "--kind", "reserve", "--kind", "shortage", "--limit", "2",
          NULL},
         "3  reserve  A@L\n4  shortage  A@L\n"},
        {{"watch", "--from", "1:2", "--limit", "2", NULL}, "3  reserve  A@L\n3  low_stock  A@L\n"},
        {{"watch", "--from", "1:2", "--moves", "--limit", "2", NULL},
         "3  reserve  A@L\n4  adjust  A@L\n"},
        {{"watch", "--from", "1:0", "--kind", "stock.moved", "--location", "L", "--limit", "2",
          NULL},
         "1  receive  A@L\n4  adjust  A@L\n"},
    };
    (void)state;
    hf_play(some_history, ROWS_COUNT(some_history));
    for (size_t i = 0; i < ROWS_COUNT(rows); i++) {
        char got[4096] = "";
        assert_int_equal(hf_player_run(rows[i].words), 0);
        char *line = hf_player.out;
        for (char *end = strchr(line, '\n'); end != NULL;
             line = end + 1, end = strchr(line, '\n')) {
            const char *begin = strchr(line, ' ');
            *end = '\0';
            assert_non_null(begin);
            const char *cell_end = strstr(strchr(begin, '@'), "  ");
            assert_non_null(cell_end);
            const size_t used = strlen(got);
            (void)snprintf(got + used, sizeof got - used, "%.*s\n", (int)(cell_end - begin - 2),
                           begin + 2);
        }
        assert_string_equal(got, rows[i].want);
        assert_non_null(strstr(hf_player.err, "go on with --from 1:"));
    }
}

/* ------------------------------------------------------------------ one that runs on */

struct watcher {
    char out_path[300];
    char err_path[300];
    pid_t pid;
};

static void begin_watch(struct watcher *watcher, const char *const *words)
{
    (void)snprintf(watcher->out_path, sizeof watcher->out_path, "%s/watch.out", hf_player.folder);
    (void)snprintf(watcher->err_path, sizeof watcher->err_path, "%s/watch.err", hf_player.folder);
    (void)unlink(watcher->out_path);
    watcher->pid = hf_player_begin(words, watcher->out_path, watcher->err_path);
}

/* Read a file again and again until it holds `text`. */
static void await_text(const char *path, const char *text)
{
    const struct timespec moment = {.tv_nsec = 5000000};
    const time_t begin = time(NULL);
    for (;;) {
        if (access(path, R_OK) == 0) {
            hf_player_read_file(path, hf_player.out);
            if (strstr(hf_player.out, text) != NULL) {
                return;
            }
        }
        if (time(NULL) - begin > PATIENCE_S) {
            print_error("%s never said \"%s\":\n%s\n", path, text, hf_player.out);
            fail();
        }
        (void)nanosleep(&moment, NULL);
    }
}

/* A line reaches its reader as soon as there is nothing more to print; Ctrl-C says where it was. */
static void it_follows_and_ends(void **state)
{
    static const char *const words[] = {"--json", "watch", "--from", "1:0", NULL};
    static const int signals[] = {SIGINT, SIGTERM};
    static const struct hf_step first[] = {{{"receive", "A@L", "1", "--ref", "r"}, 0, NULL}};
    static const struct hf_step next[] = {{{"receive", "A@L", "1"}, 0, NULL}};
    struct watcher watcher;
    (void)state;

    hf_play(first, 1);
    for (size_t i = 0; i < ROWS_COUNT(signals); i++) {
        char token[32];
        begin_watch(&watcher, words);
        await_text(watcher.out_path, "\"token\":\"1:1\"");
        hf_play(next, 1);
        (void)snprintf(token, sizeof token, "\"token\":\"1:%zu\"", i + 2);
        await_text(watcher.out_path, token);
        assert_int_equal(kill(watcher.pid, signals[i]), 0);
        assert_int_equal(hf_player_wait(watcher.pid), 0);
        (void)snprintf(token, sizeof token, "go on with --from 1:%zu", i + 2);
        await_text(watcher.err_path, token);
    }
}

/* From now on: what has happened before is not told. */
static void it_begins_now(void **state)
{
    static const char *const words[] = {"watch", "--limit", "1", NULL};
    static const struct hf_step before[] = {{{"receive", "OLD@L", "1"}, 0, NULL}};
    static const struct hf_step then[] = {{{"receive", "NEW@L", "1"}, 0, NULL}};
    struct watcher watcher;
    (void)state;

    hf_play(before, 1);
    begin_watch(&watcher, words);
    await_text(watcher.err_path, "watching, everything after 1:1");
    hf_play(then, 1);
    assert_int_equal(hf_player_wait(watcher.pid), 0);
    await_text(watcher.out_path, "2  receive  NEW@L  on_hand +1 = 1, ATS 1  (purchase, ref ");
    assert_null(strstr(hf_player.out, "OLD@L"));
}

/* A server that dies and comes back: the watch goes on after its last event, without gap or
 * repeat. */
static void it_connects_again(void **state)
{
    static const char *const words[] = {"--json", "watch", "--from", "1:0", "--limit", "3", NULL};
    static const struct hf_step steps[] = {{{"receive", "A@L", "1"}, 0, NULL}};
    char address[64];
    char port_option[80];
    struct watcher watcher;
    (void)state;

    hf_play(steps, 1);
    (void)snprintf(address, sizeof address, "%s", hf_player.server.address);
    begin_watch(&watcher, words);
    await_text(watcher.out_path, "\"lsn\":1");
    hf_fixture_kill(&hf_player.server);
    await_text(watcher.err_path, "connecting again");

    /* The same place again, so that the watch finds it. */
    (void)snprintf(port_option, sizeof port_option, "%s", address);
    (void)snprintf(hf_player.server.arguments[hf_player.server.arguments_count++], 128, "--listen");
    (void)snprintf(hf_player.server.arguments[hf_player.server.arguments_count++], 128, "%s",
                   port_option);
    assert_true(hf_fixture_restart(&hf_player.server));
    assert_string_equal(hf_player.server.address, address);
    hf_play(steps, 1);
    hf_play(steps, 1);
    assert_int_equal(hf_player_wait(watcher.pid), 0);
    await_text(watcher.err_path, "connected again, goes on after 1:1");
    await_text(watcher.err_path, "go on with --from 1:3");

    hf_player_read_file(watcher.out_path, hf_player.out);
    const char *line = hf_player.out;
    for (int lsn = 1; lsn <= 3; lsn++) {
        char want[32];
        (void)snprintf(want, sizeof want, "{\"lsn\":%d,", lsn);
        assert_int_equal(strncmp(line, want, strlen(want)), 0);
        line = strchr(line, '\n');
        assert_non_null(line);
        line += 1;
    }
    assert_int_equal(*line, '\0');
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(events_as_json, hf_player_setup, hf_player_teardown),
        cmocka_unit_test_setup_teardown(filters, hf_player_setup, hf_player_teardown),
        cmocka_unit_test_setup_teardown(it_follows_and_ends, hf_player_setup, hf_player_teardown),
        cmocka_unit_test_setup_teardown(it_begins_now, hf_player_setup, hf_player_teardown),
        cmocka_unit_test_setup_teardown(it_connects_again, hf_player_setup, hf_player_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
