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

/* "after" and "before": on_hand, held and committed; nothing else moves in these tests. */
#define FIGURES(on_hand, held, committed)                                                          \
    "{'on_hand':" #on_hand ",'held':" #held ",'committed':" #committed                             \
    ",'in_transit':0,'damaged':0,'quarantined':0}"

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

static void events_as_json(void **state)
{
    static const char all[] =
        "{'lsn':1,'epoch':1,'ts':'*','kind':'receive','sku':'A','location':'L','delta':20,"
        "'on_hand':20,'reserved':0,'ats':20,'reason':'purchase','ref':'r1','order':'PO',"
        "'by':'anna','id':null,'state':null,'deltas':{},'before':" FIGURES(
            0,
            0, 0) ",'after':" FIGURES(20, 0,
                                      0) ",'token':'1:0'}\n"
                                         "{'lsn':1,'epoch':1,'ts':'*','kind':'receive','sku':'B','"
                                         "location':'M','delta':10,"
                                         "'on_hand':10,'reserved':0,'ats':10,'reason':'purchase','"
                                         "ref':'r1','order':'PO',"
                                         "'by':'anna','id':null,'state':null,'deltas':{},'before'"
                                         ":" FIGURES(0, 0, 0) ",'after':" FIGURES(
                                             10, 0,
                                             0) ",'token':'1:1'}\n"
                                                "{'lsn':2,'epoch':1,'ts':'*','kind':'set_policy','"
                                                "sku':'A','location':'L','delta':0,"
                                                "'on_hand':20,'reserved':0,'ats':20,'reason':null,'"
                                                "ref':'r2','order':null,"
                                                "'by':null,'id':null,'state':null,'deltas':{},'"
                                                "before':" FIGURES(20, 0, 0) ",'after':" FIGURES(
                                                    20, 0,
                                                    0) ",'token':'1:2'}\n"
                                                       "{'lsn':3,'epoch':1,'ts':'*','kind':'"
                                                       "reserve','sku':'A','location':'L','delta':"
                                                       "0,"
                                                       "'on_hand':20,'reserved':16,'ats':4,'reason'"
                                                       ":null,'ref':'c1','order':null,"
                                                       "'by':null,'id':'c1','state':'held','deltas'"
                                                       ":{'held':16},'before':" FIGURES(20, 0, 0) ",'after':" FIGURES(
                                                           20, 16,
                                                           0) ",'token':'1:2'}\n"
                                                              "{'lsn':3,'epoch':1,'ts':'*','kind':'"
                                                              "low_stock','sku':'A','location':'L',"
                                                              "'delta':0,"
                                                              "'on_hand':20,'reserved':16,'ats':4,'"
                                                              "reason':null,'ref':'c1','order':"
                                                              "null,"
                                                              "'by':null,'id':'c1','state':'held','"
                                                              "deltas':{},'before':" FIGURES(20, 16, 0) ",'after':" FIGURES(
                                                                  20, 16,
                                                                  0) ",'token':'1:3'}\n"
                                                                     "{'lsn':4,'epoch':1,'ts':'"
                                                                     "*','kind':'adjust','sku':"
                                                                     "'A','location':'L','"
                                                                     "delta':-5,"
                                                                     "'on_hand':15,'reserved':"
                                                                     "16,'ats':-1,'reason':'"
                                                                     "theft','ref':'r4','order'"
                                                                     ":null,"
                                                                     "'by':null,'id':null,'"
                                                                     "state':null,'deltas':{},'"
                                                                     "before':" FIGURES(20, 16, 0) ",'after':" FIGURES(
                                                                         15, 16,
                                                                         0) ",'token':'1:3'}\n"
                                                                            "{'lsn':4,'epoch':"
                                                                            "1,'ts':'*','kind':"
                                                                            "'out_of_stock','"
                                                                            "sku':'A','"
                                                                            "location':'L','"
                                                                            "delta':0,"
                                                                            "'on_hand':15,'"
                                                                            "reserved':16,'ats'"
                                                                            ":-1,'reason':'"
                                                                            "theft','ref':'r4',"
                                                                            "'order':null,"
                                                                            "'by':null,'id':"
                                                                            "null,'state':null,"
                                                                            "'deltas':{},'"
                                                                            "before':" FIGURES(15, 16, 0) ",'after':" FIGURES(
                                                                                15, 16,
                                                                                0) ",'token':'"
                                                                                   "1:3'}\n"
                                                                                   "{'lsn':4,'"
                                                                                   "epoch':1,'"
                                                                                   "ts':'*','"
                                                                                   "kind':'"
                                                                                   "shortage','"
                                                                                   "sku':'A','"
                                                                                   "location':'"
                                                                                   "L','delta':"
                                                                                   "0,"
                                                                                   "'on_hand':"
                                                                                   "15,'"
                                                                                   "reserved':"
                                                                                   "16,'ats':-"
                                                                                   "1,'reason':"
                                                                                   "'theft','"
                                                                                   "ref':'r4','"
                                                                                   "order':"
                                                                                   "null,"
                                                                                   "'by':null,'"
                                                                                   "id':null,'"
                                                                                   "state':"
                                                                                   "null,'"
                                                                                   "missing':1,"
                                                                                   "'reservatio"
                                                                                   "ns':[{'id':"
                                                                                   "'c1','qty':"
                                                                                   "16}],"
                                                                                   "'deltas':{}"
                                                                                   ",'before'"
                                                                                   ":" FIGURES(15, 16, 0) ",'after':" FIGURES(
                                                                                       15, 16,
                                                                                       0) ",'"
                                                                                          "toke"
                                                                                          "n':'"
                                                                                          "1:4'"
                                                                                          "}\n"
                                                                                          "{'"
                                                                                          "lsn'"
                                                                                          ":5,'"
                                                                                          "epoc"
                                                                                          "h':"
                                                                                          "1,'"
                                                                                          "ts':"
                                                                                          "'*',"
                                                                                          "'kin"
                                                                                          "d':'"
                                                                                          "set_"
                                                                                          "regi"
                                                                                          "on',"
                                                                                          "'sku"
                                                                                          "':"
                                                                                          "null"
                                                                                          ",'"
                                                                                          "loca"
                                                                                          "tion"
                                                                                          "':"
                                                                                          "null"
                                                                                          ","
                                                                                          "'del"
                                                                                          "ta':"
                                                                                          "null"
                                                                                          ",'"
                                                                                          "on_"
                                                                                          "hand"
                                                                                          "':"
                                                                                          "null"
                                                                                          ",'"
                                                                                          "rese"
                                                                                          "rved"
                                                                                          "':"
                                                                                          "null"
                                                                                          ",'"
                                                                                          "ats'"
                                                                                          ":nul"
                                                                                          "l,'"
                                                                                          "reas"
                                                                                          "on':"
                                                                                          "null"
                                                                                          ",'"
                                                                                          "ref'"
                                                                                          ":'"
                                                                                          "r5',"
                                                                                          "'ord"
                                                                                          "er':"
                                                                                          "null"
                                                                                          ",'"
                                                                                          "by':"
                                                                                          "null"
                                                                                          ",'"
                                                                                          "id':"
                                                                                          "null"
                                                                                          ",'"
                                                                                          "stat"
                                                                                          "e':"
                                                                                          "null"
                                                                                          ",'"
                                                                                          "toke"
                                                                                          "n':'"
                                                                                          "1:5'"
                                                                                          "}";
    static const char moved[] =
        "{'lsn':4,'epoch':1,'ts':'*','kind':'stock.moved','sku':'A','location':'L','delta':-5,"
        "'on_hand':15,'reserved':16,'ats':-1,'reason':'theft','ref':'r4','order':null,"
        "'by':null,'id':null,'state':null,'deltas':{},'before':" FIGURES(
            20, 16, 0) ",'after':" FIGURES(15, 16, 0) ",'operation':'adjust','store_id':'L','sku_"
                                                      "id':'A','qty_delta':-5,"
                                                      "'ref_id':'r4','token':'1:4'}";
    static const struct hf_step steps[] = {
        {{"watch", "--from", "1:0", "--limit", "9"}, 0, all},
        {{"watch", "--from", "1:3", "--kind", "stock.moved", "--limit", "1"}, 0, moved},
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
        char want[16];
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
