/*
 * test_cli.c - the CLI against a real server: every command, its JSON, its exit code.
 *
 * Method: each test plays a list of command lines in order on a server of its own. A step says
 * what must come back: the exit code, and each line of standard output as a JSON pattern. A
 * pattern has exactly the keys of the object; the value "*" stands for anything but null. In
 * patterns ' is written for ". What a real server never does (not answering) a scripted one plays
 * (tests/lib/fake_server.h).
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/lib/fake_server.h"
#include "tests/lib/server_fixture.h"

#define ROWS_COUNT(rows) (sizeof(rows) / sizeof(rows)[0])
#define WORDS_MAX 14
#define OUTPUT_BYTES (1024 * 1024)

static struct hf_fixture server;
static char folder[256];
static char out[OUTPUT_BYTES]; /* of the last command */
static char err[OUTPUT_BYTES];

/* ------------------------------------------------------------------ running the program */

static const char *program(void)
{
    static char path[1024];
    const char *given = getenv("HOLDFAST_CLI");
    const char *build = getenv("HOLDFAST_BUILD");
    if (given != NULL) {
        return given;
    }
    (void)snprintf(path, sizeof path, "%s/holdfast", build == NULL ? "build" : build);
    return path;
}

static void read_file(const char *path, char *text)
{
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    const size_t count = fread(text, 1, OUTPUT_BYTES - 1, file);
    assert_int_equal(ferror(file), 0);
    text[count] = '\0';
    assert_int_equal(fclose(file), 0);
}

static void child(const char *const *words, const char *out_path, const char *err_path)
{
    const char *argv[WORDS_MAX + 2] = {"holdfast"};
    for (size_t i = 0; i < WORDS_MAX && words[i] != NULL; i++) {
        argv[i + 1] = words[i];
    }
    const int out_file = open(out_path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    const int err_file = open(err_path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (out_file < 0 || err_file < 0 || dup2(out_file, 1) < 0 || dup2(err_file, 2) < 0) {
        _exit(126);
    }
    (void)execv(program(), (char *const *)argv);
    _exit(127);
}

/* Run the CLI with these words; its output is in `out` and `err`. Returns the exit code. */
static int run(const char *const *words)
{
    char out_path[300];
    char err_path[300];
    int status;

    (void)snprintf(out_path, sizeof out_path, "%s/out", folder);
    (void)snprintf(err_path, sizeof err_path, "%s/err", folder);
    const pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        child(words, out_path, err_path);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    read_file(out_path, out);
    read_file(err_path, err);
    return WEXITSTATUS(status);
}

/* ------------------------------------------------------------------ JSON patterns */

static bool matches(const json_t *got, const json_t *want);

static bool object_matches(const json_t *got, const json_t *want)
{
    const char *key;
    json_t *value;
    if (!json_is_object(got) || json_object_size(got) != json_object_size(want)) {
        return false;
    }
    json_object_foreach((json_t *)want, key, value)
    {
        const json_t *there = json_object_get(got, key);
        if (there == NULL || !matches(there, value)) {
            return false;
        }
    }
    return true;
}

static bool matches(const json_t *got, const json_t *want)
{
    if (json_is_string(want) && strcmp(json_string_value(want), "*") == 0) {
        return !json_is_null(got);
    }
    if (json_is_object(want)) {
        return object_matches(got, want);
    }
    if (json_is_array(want)) {
        if (!json_is_array(got) || json_array_size(got) != json_array_size(want)) {
            return false;
        }
        for (size_t i = 0; i < json_array_size(want); i++) {
            if (!matches(json_array_get(got, i), json_array_get(want, i))) {
                return false;
            }
        }
        return true;
    }
    return json_equal((json_t *)got, (json_t *)want) == 1;
}

/* Take the next line from *text and read it as JSON. */
static json_t *next_object(char **text)
{
    json_error_t error;
    char *end = strchr(*text, '\n');
    if (end != NULL) {
        *end = '\0';
    }
    json_t *value = json_loads(*text, JSON_DECODE_ANY, &error);
    *text = end == NULL ? *text + strlen(*text) : end + 1;
    return value;
}

/* Each line of `out` against each line of `patterns`. */
static void check_lines(const char *patterns)
{
    char *got_copy = strdup(out);
    char *want_copy = strdup(patterns);
    char *got_at = got_copy;
    char *want_at = want_copy;

    for (char *p = want_copy; *p != '\0'; p++) {
        *p = *p == '\'' ? '"' : *p;
    }
    while (*want_at != '\0') {
        json_t *got = next_object(&got_at);
        json_t *want = next_object(&want_at);
        assert_non_null(want); /* else the pattern itself is wrong */
        if (got == NULL || !matches(got, want)) {
            print_error("got:\n%s\nwanted:\n%s\n", out, patterns);
            fail();
        }
        json_decref(got);
        json_decref(want);
    }
    if (*got_at != '\0') {
        print_error("more than was wanted:\n%s\n", out);
        fail();
    }
    free(got_copy);
    free(want_copy);
}

struct step {
    const char *words[WORDS_MAX];
    int code;
    const char *patterns; /* of standard output; NULL: not looked at */
};

static void play(const struct step *steps, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const char *words[WORDS_MAX] = {"--json"};
        for (size_t k = 0; k + 1 < WORDS_MAX && steps[i].words[k] != NULL; k++) {
            words[k + 1] = steps[i].words[k];
        }
        const int code = run(words);
        if (code != steps[i].code) {
            print_error("step %zu (%s): exit code %d, wanted %d\n%s%s\n", i, steps[i].words[0],
                        code, steps[i].code, out, err);
            fail();
        }
        if (steps[i].patterns != NULL) {
            check_lines(steps[i].patterns);
        }
    }
}

/* ------------------------------------------------------------------ servers */

static int start(void **state)
{
    (void)state;
    if (!hf_fixture_start(&server, NULL)) {
        return -1;
    }
    (void)snprintf(folder, sizeof folder, "%s", server.folder);
    return setenv("HOLDFAST_SERVER", server.address, 1);
}

static int stop(void **state)
{
    (void)state;
    const int code = hf_fixture_stop(&server);
    hf_fixture_release(&server);
    return code;
}

/* ------------------------------------------------------------------ stock */

#define OK(lsn, ref) "{'outcome':'ok','lsn':" #lsn ",'repeated':false,'ref':'" ref "'}"
#define OK_STATE(lsn, ref, state)                                                                  \
    "{'outcome':'ok','lsn':" #lsn ",'repeated':false,'ref':'" ref "','state':'" state "'}"
#define REFUSED(name) "{'outcome':'" name "','lsn':'*','repeated':false,'ref':'*'}"
#define REFUSED_STATE(name, state)                                                                 \
    "{'outcome':'" name "','lsn':'*','repeated':false,'ref':'*','state':" state "}"
#define INVALID(field, line)                                                                       \
    "{'outcome':'invalid_argument','lsn':'*','repeated':false,'ref':'*','field':'" field           \
    "','line':" line "}"

static void moving_stock(void **state)
{
    static const struct step steps[] = {
        {{"receive", "PHONE@BERLIN", "10", "--ref", "r1", "--order", "PO-1", "--by", "anna"},
         0,
         OK(1, "r1")},
        {{"receive", "PHONE@BERLIN", "10", "--ref", "r1", "--order", "PO-1", "--by", "anna"},
         0,
         "{'outcome':'ok','lsn':1,'repeated':true,'ref':'r1'}"},
        {{"receive", "PHONE@BERLIN", "11", "--ref", "r1"}, 1, REFUSED("reference_conflict")},
        {{"--ref=r2", "receive", "CASE@BERLIN=3", "PHONE@HAMBURG=4", "--reason", "return"},
         0,
         OK(2, "r2")},
        {{"stock", "PHONE@BERLIN"},
         0,
         "{'sku':'PHONE','location':'BERLIN','on_hand':10,'held':0,'committed':0,'reserved':0,"
         "'in_transit':0,'safety_stock':0,'atf':10,'ats':10,'version':1,'lsn':2}"},
        {{"adjust", "PHONE@BERLIN", "-2", "--reason", "damage"}, 0, OK(3, "*")},
        {{"adjust", "PHONE@BERLIN=+1"}, 0, OK(4, "*")},
        {{"adjust", "PHONE@BERLIN", "+1", "--if-version", "4"}, 0, OK(5, "*")},
        {{"adjust", "PHONE@BERLIN", "+1", "--if-version", "4"}, 1, NULL},
        {{"sell", "PHONE@BERLIN", "2", "CASE@BERLIN=1"}, 2, NULL},
        {{"sell", "PHONE@BERLIN=2", "CASE@BERLIN=1"}, 0, OK(6, "*")},
        {{"sell", "PHONE@BERLIN", "9"},
         1,
         "{'outcome':'insufficient_stock','lsn':6,'repeated':false,'ref':'*','lines':[{'sku':"
         "'PHONE','location':'BERLIN','requested':9,'ats':8,'shortfall':1,"
         "'earliest_expiry':null}]}"},
        {{"adjust", "CASE@BERLIN", "-3"},
         1,
         "{'outcome':'insufficient_on_hand','lsn':6,'repeated':false,'ref':'*','lines':[{'sku':"
         "'CASE','location':'BERLIN','requested':3,'ats':2,'shortfall':1,"
         "'earliest_expiry':null}]}"},
        {{"policy", "CASE@BERLIN", "--safety-stock", "1", "--low-stock", "2"}, 0, OK(7, "*")},
        {{"sell", "CASE@BERLIN", "2"}, 1, NULL},
        {{"sell", "CASE@BERLIN", "2", "--fact"}, 0, OK(8, "*")},
        {{"stock", "CASE@BERLIN"},
         0,
         "{'sku':'CASE','location':'BERLIN','on_hand':0,'held':0,'committed':0,'reserved':0,"
         "'in_transit':0,'safety_stock':1,'atf':-1,'ats':-1,'version':8,'lsn':8}"},
        {{"list", "--low"},
         0,
         "{'sku':'CASE','location':'BERLIN','on_hand':0,'held':0,'committed':0,'reserved':0,"
         "'in_transit':0,'safety_stock':1,'atf':-1,'ats':-1,'version':8,'lsn':8,'low_stock':2,"
         "'backorder_limit':0}"},
        {{"policy", "CASE@BERLIN", "--low-stock", "none", "--backorder", "5"}, 0, OK(9, "*")},
        {{"list", "--low"}, 0, ""},
        {{"list", "--location", "HAMBURG", "--prefix", "PH"},
         0,
         "{'sku':'PHONE','location':'HAMBURG','on_hand':4,'held':0,'committed':0,'reserved':0,"
         "'in_transit':0,'safety_stock':0,'atf':4,'ats':4,'version':2,'lsn':9,'low_stock':null,"
         "'backorder_limit':0}"},
        {{"list", "--location", "NOWHERE"}, 1, NULL},
        {{"policy", "BERLIN", "--in-transit-sellable", "no"}, 0, OK(10, "*")},
        {{"region", "north", "BERLIN", "HAMBURG"}, 0, OK(11, "*")},
        {{"ats", "PHONE", "CASE", "--region", "north"},
         0,
         "{'sku':'PHONE','scope':'region:north','ats':12,'atf':12}\n"
         "{'sku':'CASE','scope':'region:north','ats':0,'atf':0}"},
        {{"ats", "PHONE", "--location", "HAMBURG"},
         0,
         "{'sku':'PHONE','scope':'location:HAMBURG','ats':4,'atf':4}"},
        {{"ats", "PHONE", "NOPE"},
         1,
         "{'sku':'PHONE','scope':'all','ats':12,'atf':12}\n"
         "{'outcome':'unknown_sku','sku':'NOPE','scope':'all','ats':null,'atf':null}"},
        {{"stock", "NOPE@BERLIN"}, 1, "{'outcome':'unknown_sku','message':'*'}"},
        {{"stock", "PHONE@NOPE"}, 1, "{'outcome':'unknown_location','message':'*'}"},
        {{"audit"}, 0, "{'ok':true,'cells':3,'reservations':0,'violations':0}"},
    };
    (void)state;
    play(steps, ROWS_COUNT(steps));
}

/* ------------------------------------------------------------------ reservations */

static void reservations(void **state)
{
    static const struct step steps[] = {
        {{"receive", "A@L=10", "B@L=2", "--ref", "r"}, 0, OK(1, "r")},
        {{"reserve", "c1", "A@L=3", "B@L=1", "--ttl", "15m", "--order", "o1"},
         0,
         OK_STATE(2, "c1", "held")},
        {{"reserve", "c1", "A@L=3", "B@L=1", "--ttl", "15m", "--order", "o1"},
         0,
         "{'outcome':'ok','lsn':2,'repeated':true,'ref':'c1','state':'held'}"},
        {{"show", "c1"},
         0,
         "{'id':'c1','order':'o1','state':'held','expires_at':'*','lines':["
         "{'sku':'A','location':'L','qty':3,'fulfilled':0,'released':0},"
         "{'sku':'B','location':'L','qty':1,'fulfilled':0,'released':0}]}"},
        /* lines of one cell are one line: 2 + 2 is more than the 1 that is left */
        {{"reserve", "c2", "B@L=2", "B@L=2"},
         1,
         "{'outcome':'insufficient_stock','lsn':2,'repeated':false,'ref':'c2','state':null,"
         "'lines':[{'sku':'B','location':'L','requested':4,'ats':1,'shortfall':3,"
         "'earliest_expiry':'*'}]}"},
        {{"reserve", "c2", "A@L=1", "B@L=2", "--partial", "--ref", "my-ref"},
         0,
         "{'outcome':'ok','lsn':3,'repeated':false,'ref':'my-ref','state':'held','lines':["
         "{'sku':'A','location':'L','requested':1,'granted':1,'ats':7,'shortfall':0,"
         "'earliest_expiry':'*'},"
         "{'sku':'B','location':'L','requested':2,'granted':1,'ats':1,'shortfall':1,"
         "'earliest_expiry':'*'}]}"},
        {{"show", "c2"},
         0,
         "{'id':'c2','order':null,'state':'held','expires_at':null,'lines':["
         "{'sku':'A','location':'L','qty':1,'fulfilled':0,'released':0},"
         "{'sku':'B','location':'L','qty':1,'fulfilled':0,'released':0}]}"},
        {{"extend", "c1", "--ttl", "2h"}, 0, OK_STATE(4, "*", "held")},
        {{"fulfil", "c1"}, 1, REFUSED_STATE("not_confirmed", "'held'")},
        {{"confirm", "c1"}, 0, OK_STATE(5, "*", "confirmed")},
        {{"confirm", "c1"}, 1, REFUSED_STATE("already_confirmed", "'confirmed'")},
        {{"fulfil", "c1", "A@L=1"}, 0, OK_STATE(6, "*", "confirmed")},
        {{"fulfil", "c1", "A@L=3"}, 1, NULL},
        {{"release", "c1", "A@L=1"}, 0, OK_STATE(7, "*", "confirmed")},
        {{"fulfil", "c1", "B@L=1", "--release-rest"}, 0, OK_STATE(8, "*", "fulfilled")},
        {{"fulfil", "c1"}, 1, REFUSED_STATE("already_fulfilled", "'fulfilled'")},
        {{"show", "c1"},
         0,
         "{'id':'c1','order':'o1','state':'fulfilled','expires_at':null,'lines':["
         "{'sku':'A','location':'L','qty':3,'fulfilled':1,'released':2},"
         "{'sku':'B','location':'L','qty':1,'fulfilled':1,'released':0}]}"},
        {{"replace", "c2", "c3", "A@L=2", "--order", "o1"}, 0, OK_STATE(9, "c3", "held")},
        {{"confirm", "c2"}, 1, REFUSED_STATE("superseded", "'superseded'")},
        {{"reserve", "c4", "A@L=1", "--order", "o1"}, 0, OK_STATE(10, "c4", "held")},
        {{"order", "o1"},
         0,
         "{'id':'c4','order':'o1','state':'held','expires_at':null,'lines':["
         "{'sku':'A','location':'L','qty':1,'fulfilled':0,'released':0}]}\n"
         "{'id':'c3','order':'o1','state':'held','expires_at':null,'lines':["
         "{'sku':'A','location':'L','qty':2,'fulfilled':0,'released':0}]}\n"
         "{'id':'c1','order':'o1','state':'fulfilled','expires_at':null,'lines':["
         "{'sku':'A','location':'L','qty':3,'fulfilled':1,'released':2},"
         "{'sku':'B','location':'L','qty':1,'fulfilled':1,'released':0}]}"},
        {{"release", "--order", "o1"}, 0, NULL},
        {{"release", "c4"}, 1, REFUSED_STATE("already_released", "'released'")},
        {{"reserve", "c5", "A@L=1", "--ttl", "1ms"}, 0, OK_STATE(12, "c5", "held")},
        {{"confirm", "nope"}, 1, REFUSED_STATE("unknown_reservation", "null")},
        {{"show", "nope"}, 1, "{'outcome':'unknown_reservation','message':'*'}"},
        {{"order", "nope"}, 1, "{'outcome':'unknown_reservation','message':'*'}"},
        {{"audit"}, 0, NULL},
    };
    (void)state;
    play(steps, ROWS_COUNT(steps));
}

/* A whole fulfilment that on-hand does not cover is told about some line, with its figures. */
static void a_whole_fulfilment_is_refused_by_line(void **state)
{
    static const struct step steps[] = {
        {{"receive", "A@L=5", "B@L=5", "--ref", "r"}, 0, OK(1, "r")},
        {{"reserve", "c", "A@L=1", "B@L=5"}, 0, OK_STATE(2, "c", "held")},
        {{"confirm", "c"}, 0, OK_STATE(3, "*", "confirmed")},
        {{"adjust", "B@L", "-3", "--reason", "loss"}, 0, OK(4, "*")},
        {{"fulfil", "c"}, 1, NULL},
    };
    (void)state;
    play(steps, ROWS_COUNT(steps));
    json_t *object = json_loads(out, 0, NULL);
    json_t *lines = json_object_get(object, "lines");
    assert_string_equal(json_string_value(json_object_get(object, "outcome")),
                        "insufficient_on_hand");
    assert_int_equal(json_array_size(lines), 1);
    json_t *line = json_array_get(lines, 0);
    assert_int_equal(json_integer_value(json_object_get(line, "requested")), 5);
    assert_int_equal(json_integer_value(json_object_get(line, "shortfall")), 3);
    json_decref(object);
}

/* ------------------------------------------------------------------ ledger, export, server */

static void ledger(void **state)
{
    static const struct step steps[] = {
        {{"receive", "A@L", "5", "--ref", "r1", "--order", "PO", "--by", "anna"}, 0, OK(1, "r1")},
        {{"reserve", "c1", "A@L=2", "--order", "o1"}, 0, OK_STATE(2, "c1", "held")},
        {{"confirm", "c1", "--ref", "r3"}, 0, OK_STATE(3, "r3", "confirmed")},
        {{"ledger", "A@L", "--limit", "2"},
         0,
         "{'lsn':3,'ts':'*','kind':'confirm','reason':null,'sku':'A','location':'L','ref':'r3',"
         "'order':'o1','by':null,'reservation':'c1',"
         "'delta':{'on_hand':0,'held':-2,'committed':2,'in_transit':0},"
         "'after':{'on_hand':5,'held':0,'committed':2,'in_transit':0}}\n"
         "{'lsn':2,'ts':'*','kind':'reserve','reason':null,'sku':'A','location':'L','ref':'c1',"
         "'order':'o1','by':null,'reservation':'c1',"
         "'delta':{'on_hand':0,'held':2,'committed':0,'in_transit':0},"
         "'after':{'on_hand':5,'held':2,'committed':0,'in_transit':0}}"},
        {{"ledger", "--ref", "r1"},
         0,
         "{'lsn':1,'ts':'*','kind':'receive','reason':'purchase','sku':'A','location':'L',"
         "'ref':'r1','order':'PO','by':'anna','reservation':null,"
         "'delta':{'on_hand':5,'held':0,'committed':0,'in_transit':0},"
         "'after':{'on_hand':5,'held':0,'committed':0,'in_transit':0}}"},
        {{"ledger", "--ref", "nope"}, 0, ""},
        {{"ledger", "NOPE@L"}, 1, "{'outcome':'unknown_sku','message':'*'}"},
        {{"ledger"}, 2, NULL},
        {{"ledger", "A@L", "--ref", "r1"}, 2, NULL},
        {{"ledger", "A@L", "--limit", "0"}, 2, NULL},
        {{"ledger", "A@L", "--limit", "-1"}, 2, NULL},
    };
    (void)state;
    play(steps, ROWS_COUNT(steps));
}

static void export_of_stock(void **state)
{
    static const char want_csv[] =
        "sku,location,on_hand,held,committed,in_transit,safety_stock,ats\n"
        "\"say \"\"hi\"\", twice\",L,5,0,0,0,0,5\n"
        "K\xC3\xA4se,L 2,7,2,0,0,0,5\n";
    static const char want_jsonl[] =
        "{'sku':'say \\'hi\\', twice','location':'L','on_hand':5,'held':0,'committed':0,"
        "'in_transit':0,'safety_stock':0,'ats':5}\n"
        "{'sku':'K\xC3\xA4se','location':'L 2','on_hand':7,'held':2,'committed':0,"
        "'in_transit':0,'safety_stock':0,'ats':5}";
    static const struct step steps[] = {
        {{"receive", "say \"hi\", twice@L=5", "K\xC3\xA4se@L 2=7", "--ref", "r"}, 0, OK(1, "r")},
        {{"reserve", "c", "K\xC3\xA4se@L 2=2"}, 0, OK_STATE(2, "c", "held")},
        {{"export", "stock"}, 0, want_jsonl},
        {{"export", "stock", "x.txt"}, 2, NULL},
        {{"export", "stock", ".csv"}, 2, NULL},
        {{"export", "orders"}, 2, NULL},
        {{"export", "stock", "/no/such/folder/x.csv"}, 2, NULL},
    };
    char csv[300];
    char jsonl[300];
    struct stat status;
    (void)state;

    play(steps, ROWS_COUNT(steps));
    const char *const to_stdout[] = {"export", "stock", NULL};
    assert_int_equal(run(to_stdout), 0);
    assert_string_equal(out, want_csv);

    (void)snprintf(csv, sizeof csv, "%s/x.csv", folder);
    (void)snprintf(jsonl, sizeof jsonl, "%s/x.jsonl", folder);
    const char *const to_csv[] = {"export", "stock", csv, NULL};
    const char *const to_jsonl[] = {"export", "stock", jsonl, NULL};
    for (int i = 0; i < 2; i++) { /* the second time the file is there already */
        assert_int_equal(run(to_csv), 0);
        assert_non_null(strstr(out, "2 cells written"));
        read_file(csv, out);
        assert_string_equal(out, want_csv);
    }
    assert_int_equal(run(to_jsonl), 0);
    read_file(jsonl, out);
    check_lines(want_jsonl);

    /* A failed export leaves the file of before, and nothing beside it. */
    const char *const nowhere[] = {"--server", "127.0.0.1:1", "export", "stock", csv, NULL};
    assert_int_equal(run(nowhere), 3);
    read_file(csv, out);
    assert_string_equal(out, want_csv);
    assert_int_equal(stat(csv, &status), 0);
    assert_int_equal(status.st_nlink, 1);
}

static void the_server_itself(void **state)
{
    static const char *const keys[] = {"lsn",    "durable_lsn",  "epoch",
                                       "fsyncs", "log_bytes",    "memory_bytes",
                                       "cells",  "reservations", "connections"};
    static const struct step steps[] = {
        {{"receive", "A@L", "5", "--ref", "r"}, 0, OK(1, "r")},
        {{"ping"}, 0, "{'outcome':'ok','round_trip_us':'*','version':'*','epoch':1}"},
        {{"digest"}, 0, "{'lsn':1,'digest':'*'}"},
        {{"audit"}, 0, "{'ok':true,'cells':1,'reservations':0,'violations':0}"},
        {{"snapshot"}, 0, "{'outcome':'ok','lsn':1}"},
        {{"stats"}, 0, NULL},
    };
    (void)state;
    play(steps, ROWS_COUNT(steps));
    json_t *stats = json_loads(out, 0, NULL);
    for (size_t i = 0; i < ROWS_COUNT(keys); i++) {
        assert_true(json_is_integer(json_object_get(stats, keys[i])));
    }
    assert_int_equal(json_integer_value(json_object_get(stats, "lsn")), 1);
    assert_int_equal(json_integer_value(json_object_get(stats, "durable_lsn")), 1);
    assert_int_equal(json_integer_value(json_object_get(stats, "cells")), 1);
    json_decref(stats);

    /* the same digest before and after kill -9 */
    char before[100];
    const char *const digest[] = {"--json", "digest", NULL};
    assert_int_equal(run(digest), 0);
    assert_true(strlen(out) < sizeof before);
    memcpy(before, out, strlen(out) + 1);
    hf_fixture_kill(&server);
    assert_int_equal(run(digest), 3);
    assert_true(hf_fixture_restart(&server));
    assert_int_equal(setenv("HOLDFAST_SERVER", server.address, 1), 0);
    assert_int_equal(run(digest), 0);
    assert_string_equal(out, before);
}

/* ------------------------------------------------------------------ bad input */

static void bad_input_is_named(void **state)
{
    static const char too_long[] =
        "12345678901234567890123456789012345678901234567890123456789012345";
    static const struct step steps[] = {
        {{"receive", "A@L", "0"}, 2, INVALID("quantity", "0")},
        {{"receive", "A@L", "-1"}, 2, INVALID("quantity", "0")},
        {{"receive", "A@L=1", "B@L=1000000000001"}, 2, INVALID("quantity", "1")},
        {{"receive", "A@L", "99999999999999999999"},
         2,
         "{'outcome':'invalid_argument','field':'quantity','message':'*'}"},
        {{"adjust", "A@L", "0"}, 2, INVALID("quantity", "0")},
        {{"receive", "A\n@L", "1"}, 2, INVALID("sku", "0")},
        {{"receive", "A@L\x7F", "1"}, 2, INVALID("location", "0")},
        {{"receive", "A\xFF@L", "1"}, 2, INVALID("sku", "0")},
        {{"receive", "A@L", "1", "--ref", too_long}, 2, INVALID("ref", "null")},
        {{"receive", "A@L", "1", "--by", too_long}, 2, INVALID("by", "null")},
        {{"receive", "A@L", "1"}, 0, OK(1, "*")},
        {{"reserve", "c", "A@L=1", "--ttl", "400d"},
         2,
         "{'outcome':'invalid_argument','lsn':'*','repeated':false,'ref':'c','state':null,"
         "'field':'ttl','line':null}"},
        {{"reserve", "c", "A@L=1", "--ttl", "0s"}, 2, NULL},
        {{"policy", "A@L", "--safety-stock", "-1"}, 2, INVALID("safety_stock", "0")},
        {{"policy", "A@L", "--low-stock", "-2"}, 2, INVALID("low_stock", "0")},
        {{"policy", "A@L", "--backorder", "1000000000001"}, 2, INVALID("backorder", "0")},
        {{"sell", "NOPE@L", "1"}, 1, NULL},
        {{"sell", "A@NOPE", "1"}, 1, NULL},
    };
    (void)state;
    play(steps, ROWS_COUNT(steps));
}

static void wrong_usage_needs_no_server(void **state)
{
    static const struct step steps[] = {
        {{NULL}, 2, NULL},
        {{"frobnicate"}, 2, "{'outcome':'invalid_argument','message':'*'}"},
        {{"receive"}, 2, NULL},
        {{"receive", "A@L"}, 2, NULL},
        {{"receive", "A", "5"}, 2, NULL},
        {{"receive", "A@L", "5", "--ttl", "1s"}, 2, NULL},
        {{"receive", "A@L", "5", "--reason", "because"}, 2, NULL},
        {{"receive", "A@L", "5", "--reason", "none"}, 2, NULL},
        {{"sell", "A@L", "5", "--reason", "count"}, 2, NULL},
        {{"receive", "A@L=5", "B@L=5", "--if-version", "1"}, 2, NULL},
        {{"receive", "A@L=5", "--if-version", "-1"}, 2, NULL},
        {{"policy", "A@L"}, 2, NULL},
        {{"policy", "A@L", "--safety-stock", "few"}, 2, NULL},
        {{"policy", "L", "--in-transit-sellable", "maybe"}, 2, NULL},
        {{"policy", "L", "--in-transit-sellable", "yes", "--backorder", "1"}, 2, NULL},
        {{"region", "north"}, 2, NULL},
        {{"reserve", "c"}, 2, NULL},
        {{"reserve", "c", "A@L=1", "--ttl", "15"}, 2, NULL},
        {{"reserve", "c", "A@L=1", "--ttl", "15 m"}, 2, NULL},
        {{"replace", "c", "d"}, 2, NULL},
        {{"confirm", "c", "d"}, 2, NULL},
        {{"extend", "c"}, 2, NULL},
        {{"release"}, 2, NULL},
        {{"ats"}, 2, NULL},
        {{"ats", "A", "--location", "L", "--region", "R"}, 2, NULL},
        {{"ping", "--server"}, 2, NULL},
        {{"help", "frobnicate"}, 2, NULL},
        {{"ping"}, 3, "{'outcome':'unknown','message':'*'}"},
        {{"receive", "A@L", "5", "--ref", "r"},
         3,
         "{'outcome':'unknown','lsn':null,'repeated':false,'ref':'r','message':'*'}"},
        {{"ping", "--server", "not an address:0"}, 3, NULL},
    };
    (void)state;
    assert_int_equal(setenv("HOLDFAST_SERVER", "127.0.0.1:1", 1), 0);
    play(steps, ROWS_COUNT(steps));
    assert_int_equal(setenv("HOLDFAST_SERVER", server.address, 1), 0);
}

/* ------------------------------------------------------------------ for people */

static void tables_and_help_for_people(void **state)
{
    static const struct row {
        const char *words[WORDS_MAX];
        int code;
        const char *want; /* on standard output */
    } rows[] = {
        {{"--help"}, 0, "holdfast [--server HOST:PORT] [--json] COMMAND"},
        {{"help"}, 0, "reserve     hold units for an order"},
        {{"help", "reserve"}, 0, "holdfast reserve ID SKU@LOC=QTY... [--ttl 15m] [--partial]"},
        {{"reserve", "--help"}, 0, "time-to-live"},
        {{"receive", "--help"}, 0, "supplier_return"},
        {{"--version"}, 0, "holdfast "},
        {{"list"}, 0, "no cells"},
        {{"receive", "A@L", "5", "--ref", "r"}, 0, "received  (lsn 1, ref r)"},
        {{"receive", "A@L", "5", "--ref", "r"}, 0, "done before"},
        {{"reserve", "c", "A@L=2", "--ttl", "1h"}, 0, "reserved: c is held until 20"},
        {{"reserve", "d", "A@L=9"}, 1, "SHORT BY  EARLIEST HOLD ENDS"},
        {{"reserve", "d", "A@L=9"}, 1, "A    L             9    3         6  20"},
        {{"reserve", "d", "A@L=9"}, 1, "refused: insufficient_stock"},
        {{"receive", "A@L=1", "B@L=0"}, 2, "quantity of line 2"},
        {{"stock", "A@L"}, 0, "A    L               5     2"},
        {{"show", "c"}, 0, "c: held until 20"},
        {{"order", "none"}, 1, "unknown_reservation"},
        {{"ledger", "A@L"}, 0, "+5 = 5"},
        {{"ats", "A"}, 0, "all      3"},
        {{"digest"}, 0, " at lsn 2"},
        {{"audit"}, 0, "ok: 1 cells, 1 reservations, 0 violations"},
        {{"stats"}, 0, "durable_lsn"},
        {{"snapshot"}, 0, "snapshot of lsn 2 is on disk"},
        {{"ping"}, 0, "answered in"},
        {{"ledger", "--ref", "nope"}, 0, "no moves"},
    };
    (void)state;
    for (size_t i = 0; i < ROWS_COUNT(rows); i++) {
        const int code = run(rows[i].words);
        if (code != rows[i].code || strstr(out, rows[i].want) == NULL) {
            print_error("row %zu: exit code %d\n%s%s\nwanted: %s\n", i, code, out, err,
                        rows[i].want);
            fail();
        }
    }
}

/* ------------------------------------------------------------------ a connection that breaks */

static void script_swallow(struct hf_fake *fake)
{
    struct hf_frame frame;
    for (int i = 0; i < 3; i++) {
        hf_fake_accept(fake, NULL);
        (void)hf_fake_read(fake, &frame);
        hf_fake_hang_up(fake);
    }
}

static void unknown_comes_with_advice(void **state)
{
    static const char *const receive[] = {"receive", "A@L", "5", "--ref", "my-ref", NULL};
    static const char *const reserve[] = {"reserve", "c", "A@L=5", NULL};
    static const char *const json[] = {"--json", "confirm", "c", "--ref", "x", NULL};
    struct hf_fake fake;
    (void)state;

    hf_fake_start(&fake, script_swallow);
    assert_int_equal(setenv("HOLDFAST_SERVER", fake.address, 1), 0);
    assert_int_equal(run(receive), 3);
    assert_non_null(strstr(out, "unknown: "));
    assert_non_null(strstr(out, "run the same command again with --ref my-ref"));
    assert_int_equal(run(reserve), 3);
    assert_non_null(strstr(out, "run the same command again: its id"));
    assert_int_equal(run(json), 3);
    check_lines("{'outcome':'unknown','lsn':null,'repeated':false,'ref':'x','state':null,"
                "'message':'*'}");
    hf_fake_stop(&fake);
    assert_int_equal(setenv("HOLDFAST_SERVER", server.address, 1), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(moving_stock, start, stop),
        cmocka_unit_test_setup_teardown(reservations, start, stop),
        cmocka_unit_test_setup_teardown(a_whole_fulfilment_is_refused_by_line, start, stop),
        cmocka_unit_test_setup_teardown(ledger, start, stop),
        cmocka_unit_test_setup_teardown(export_of_stock, start, stop),
        cmocka_unit_test_setup_teardown(the_server_itself, start, stop),
        cmocka_unit_test_setup_teardown(bad_input_is_named, start, stop),
        cmocka_unit_test_setup_teardown(wrong_usage_needs_no_server, start, stop),
        cmocka_unit_test_setup_teardown(tables_and_help_for_people, start, stop),
        cmocka_unit_test_setup_teardown(unknown_comes_with_advice, start, stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
