/*
 * test_cli.c - the CLI against a real server: stock, reservations, questions, bad input, usage.
 *
 * Method: tests/lib/cli_player.h. What a real server never does (not answering) a scripted one
 * plays (tests/lib/fake_server.h). Transfers, inbound shipments and the rest of stock on the move
 * are in test_cli_stock_on_the_move.c, the feed in test_cli_watch.c, the prompt in
 * test_cli_prompt.c.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tests/lib/cli_player.h"
#include "tests/lib/fake_server.h"

#define ROWS_COUNT(rows) (sizeof(rows) / sizeof(rows)[0])

/* ------------------------------------------------------------------ stock */

/* The end of a cell's object. */
#define NEVER_SOLD "'damaged':0,'quarantined':0,'shortage':0,'last_sale':null}"
#define SOLD "'damaged':0,'quarantined':0,'shortage':0,'last_sale':'*'}"

static void moving_stock(void **state)
{
    static const struct hf_step steps[] = {
        {{"receive", "PHONE@BERLIN", "10", "--ref", "r1", "--order", "PO-1", "--by", "anna"},
         0,
         HF_DONE(1, "r1")},
        {{"receive", "PHONE@BERLIN", "10", "--ref", "r1", "--order", "PO-1", "--by", "anna"},
         0,
         "{'outcome':'ok','lsn':1,'repeated':true,'ref':'r1'}"},
        {{"receive", "PHONE@BERLIN", "11", "--ref", "r1"}, 1, HF_REFUSED("reference_conflict")},
        {{"--ref=r2", "receive", "CASE@BERLIN=3", "PHONE@HAMBURG=4", "--reason", "return"},
         0,
         HF_DONE(2, "r2")},
        {{"stock", "PHONE@BERLIN"},
         0,
         "{'sku':'PHONE','location':'BERLIN','on_hand':10,'held':0,'committed':0,'reserved':0,"
         "'in_transit':0,'safety_stock':0,'atf':10,'ats':10,'version':1,'lsn':2," NEVER_SOLD},
        {{"adjust", "PHONE@BERLIN", "-2", "--reason", "damage"}, 0, HF_DONE(3, "*")},
        {{"adjust", "PHONE@BERLIN=+1"}, 0, HF_DONE(4, "*")},
        {{"adjust", "PHONE@BERLIN", "+1", "--if-version", "4"}, 0, HF_DONE(5, "*")},
        {{"adjust", "PHONE@BERLIN", "+1", "--if-version", "4"}, 1, NULL},
        {{"sell", "PHONE@BERLIN", "2", "CASE@BERLIN=1"}, 2, NULL},
        {{"sell", "PHONE@BERLIN=2", "CASE@BERLIN=1"}, 0, HF_DONE(6, "*")},
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
        {{"policy", "CASE@BERLIN", "--safety-stock", "1", "--low-stock", "2"}, 0, HF_DONE(7, "*")},
        {{"sell", "CASE@BERLIN", "2"}, 1, NULL},
        {{"sell", "CASE@BERLIN", "2", "--fact"}, 0, HF_DONE(8, "*")},
        {{"stock", "CASE@BERLIN"},
         0,
         "{'sku':'CASE','location':'BERLIN','on_hand':0,'held':0,'committed':0,'reserved':0,"
         "'in_transit':0,'safety_stock':1,'atf':-1,'ats':-1,'version':8,'lsn':8," SOLD},
        {{"list", "--low"},
         0,
         "{'sku':'CASE','location':'BERLIN','on_hand':0,'held':0,'committed':0,'reserved':0,"
         "'in_transit':0,'safety_stock':1,'atf':-1,'ats':-1,'version':8,'lsn':8,'low_stock':2,"
         "'backorder_limit':0," SOLD},
        {{"policy", "CASE@BERLIN", "--low-stock", "none", "--backorder", "5"}, 0, HF_DONE(9, "*")},
        {{"list", "--low"}, 0, ""},
        {{"list", "--location", "HAMBURG", "--prefix", "PH"},
         0,
         "{'sku':'PHONE','location':'HAMBURG','on_hand':4,'held':0,'committed':0,'reserved':0,"
         "'in_transit':0,'safety_stock':0,'atf':4,'ats':4,'version':2,'lsn':9,'low_stock':null,"
         "'backorder_limit':0," NEVER_SOLD},
        {{"list", "--location", "NOWHERE"}, 1, NULL},
        {{"policy", "BERLIN", "--in-transit-sellable", "no"}, 0, HF_DONE(10, "*")},
        {{"region", "north", "BERLIN", "HAMBURG"}, 0, HF_DONE(11, "*")},
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
        {{"audit", "--json"}, 0, "{'ok':true,'cells':3,'reservations':0,'violations':0}"},
    };
    (void)state;
    hf_play(steps, ROWS_COUNT(steps));
}

/* ------------------------------------------------------------------ reservations */

static void reservations(void **state)
{
    static const struct hf_step steps[] = {
        {{"receive", "A@L=10", "B@L=2", "--ref", "r"}, 0, HF_DONE(1, "r")},
        {{"reserve", "c1", "A@L=3", "B@L=1", "--ttl", "15m", "--order", "o1"},
         0,
         HF_DONE_STATE(2, "c1", "held")},
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
        {{"extend", "c1", "--ttl", "2h"}, 0, HF_DONE_STATE(4, "*", "held")},
        {{"fulfil", "c1"}, 1, HF_REFUSED_STATE("not_confirmed", "'held'")},
        {{"confirm", "c1"}, 0, HF_DONE_STATE(5, "*", "confirmed")},
        {{"confirm", "c1"}, 1, HF_REFUSED_STATE("already_confirmed", "'confirmed'")},
        {{"fulfil", "c1", "A@L=1"}, 0, HF_DONE_STATE(6, "*", "confirmed")},
        {{"fulfil", "c1", "A@L=3"}, 1, NULL},
        {{"release", "c1", "A@L=1"}, 0, HF_DONE_STATE(7, "*", "confirmed")},
        {{"fulfil", "c1", "B@L=1", "--release-rest"}, 0, HF_DONE_STATE(8, "*", "fulfilled")},
        {{"fulfil", "c1"}, 1, HF_REFUSED_STATE("already_fulfilled", "'fulfilled'")},
        {{"show", "c1"},
         0,
         "{'id':'c1','order':'o1','state':'fulfilled','expires_at':null,'lines':["
         "{'sku':'A','location':'L','qty':3,'fulfilled':1,'released':2},"
         "{'sku':'B','location':'L','qty':1,'fulfilled':1,'released':0}]}"},
        {{"replace", "c2", "c3", "A@L=2", "--order", "o1"}, 0, HF_DONE_STATE(9, "c3", "held")},
        {{"confirm", "c2"}, 1, HF_REFUSED_STATE("superseded", "'superseded'")},
        {{"reserve", "c4", "A@L=1", "--order", "o1"}, 0, HF_DONE_STATE(10, "c4", "held")},
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
        {{"release", "c4"}, 1, HF_REFUSED_STATE("already_released", "'released'")},
        {{"reserve", "c5", "A@L=1", "--ttl", "1ms"}, 0, HF_DONE_STATE(12, "c5", "held")},
        {{"confirm", "nope"}, 1, HF_REFUSED_STATE("unknown_reservation", "null")},
        {{"show", "nope"}, 1, "{'outcome':'unknown_reservation','message':'*'}"},
        {{"order", "nope"}, 1, "{'outcome':'unknown_reservation','message':'*'}"},
        {{"audit"}, 0, NULL},
    };
    (void)state;
    hf_play(steps, ROWS_COUNT(steps));
}

/* A whole fulfilment that on-hand does not cover is told about some line, with its figures. */
static void a_whole_fulfilment_is_refused_by_line(void **state)
{
    static const struct hf_step steps[] = {
        {{"receive", "A@L=5", "B@L=5", "--ref", "r"}, 0, HF_DONE(1, "r")},
        {{"reserve", "c", "A@L=1", "B@L=5"}, 0, HF_DONE_STATE(2, "c", "held")},
        {{"confirm", "c"}, 0, HF_DONE_STATE(3, "*", "confirmed")},
        {{"adjust", "B@L", "-3", "--reason", "loss"}, 0, HF_DONE(4, "*")},
        {{"fulfil", "c"}, 1, NULL},
    };
    (void)state;
    hf_play(steps, ROWS_COUNT(steps));
    json_t *object = json_loads(hf_player.out, 0, NULL);
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
    static const struct hf_step steps[] = {
        {{"receive", "A@L", "5", "--ref", "r1", "--order", "PO", "--by", "anna"},
         0,
         HF_DONE(1, "r1")},
        {{"reserve", "c1", "A@L=2", "--order", "o1"}, 0, HF_DONE_STATE(2, "c1", "held")},
        {{"confirm", "c1", "--ref", "r3"}, 0, HF_DONE_STATE(3, "r3", "confirmed")},
        {{"ledger", "A@L", "--limit", "2"},
         0,
         "{'lsn':3,'ts':'*','kind':'confirm','reason':null,'sku':'A','location':'L','ref':'r3',"
         "'order':'o1','by':null,'reservation':'c1',"
         "'delta':{'on_hand':0,'held':-2,'committed':2,'in_transit':0,'damaged':0,'quarantined':0},"
         "'after':{'on_hand':5,'held':0,'committed':2,'in_transit':0,'damaged':0,'quarantined':0}}"
         "\n"
         "{'lsn':2,'ts':'*','kind':'reserve','reason':null,'sku':'A','location':'L','ref':'c1',"
         "'order':'o1','by':null,'reservation':'c1',"
         "'delta':{'on_hand':0,'held':2,'committed':0,'in_transit':0,'damaged':0,'quarantined':0},"
         "'after':{'on_hand':5,'held':2,'committed':0,'in_transit':0,'damaged':0,'quarantined':0}"
         "}"},
        {{"ledger", "--ref", "r1"},
         0,
         "{'lsn':1,'ts':'*','kind':'receive','reason':'purchase','sku':'A','location':'L',"
         "'ref':'r1','order':'PO','by':'anna','reservation':null,"
         "'delta':{'on_hand':5,'held':0,'committed':0,'in_transit':0,'damaged':0,'quarantined':0},"
         "'after':{'on_hand':5,'held':0,'committed':0,'in_transit':0,'damaged':0,'quarantined':0}"
         "}"},
        {{"ledger", "--ref", "nope"}, 0, ""},
        {{"ledger", "NOPE@L"}, 1, "{'outcome':'unknown_sku','message':'*'}"},
        {{"ledger"}, 2, NULL},
        {{"ledger", "A@L", "--ref", "r1"}, 2, NULL},
        {{"ledger", "A@L", "--limit", "0"}, 2, NULL},
        {{"ledger", "A@L", "--limit", "-1"}, 2, NULL},
    };
    (void)state;
    hf_play(steps, ROWS_COUNT(steps));
}

static void export_of_stock(void **state)
{
    static const char want_csv[] =
        "sku,location,on_hand,held,committed,in_transit,safety_stock,ats,damaged,quarantined\n"
        "\"say \"\"hi\"\", twice\",L,5,0,0,0,0,5,0,0\n"
        "K\xC3\xA4se,L 2,7,2,0,0,0,5,0,0\n";
    static const char want_jsonl[] =
        "{'sku':'say \\'hi\\', twice','location':'L','on_hand':5,'held':0,'committed':0,"
        "'in_transit':0,'safety_stock':0,'ats':5,'damaged':0,'quarantined':0}\n"
        "{'sku':'K\xC3\xA4se','location':'L 2','on_hand':7,'held':2,'committed':0,"
        "'in_transit':0,'safety_stock':0,'ats':5,'damaged':0,'quarantined':0}";
    static const struct hf_step steps[] = {
        {{"receive", "say \"hi\", twice@L=5", "K\xC3\xA4se@L 2=7", "--ref", "r"},
         0,
         HF_DONE(1, "r")},
        {{"reserve", "c", "K\xC3\xA4se@L 2=2"}, 0, HF_DONE_STATE(2, "c", "held")},
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

    hf_play(steps, ROWS_COUNT(steps));
    const char *const to_stdout[] = {"export", "stock", NULL};
    assert_int_equal(hf_player_run(to_stdout), 0);
    assert_string_equal(hf_player.out, want_csv);

    (void)snprintf(csv, sizeof csv, "%s/x.csv", hf_player.folder);
    (void)snprintf(jsonl, sizeof jsonl, "%s/x.jsonl", hf_player.folder);
    const char *const to_csv[] = {"export", "stock", csv, NULL};
    const char *const to_jsonl[] = {"export", "stock", jsonl, NULL};
    for (int i = 0; i < 2; i++) { /* the second time the file is there already */
        assert_int_equal(hf_player_run(to_csv), 0);
        assert_non_null(strstr(hf_player.out, "2 cells written"));
        hf_player_read_file(csv, hf_player.out);
        assert_string_equal(hf_player.out, want_csv);
    }
    assert_int_equal(hf_player_run(to_jsonl), 0);
    hf_player_read_file(jsonl, hf_player.out);
    hf_player_check(hf_player.out, want_jsonl);

    /* A failed export leaves the file of before, and nothing beside it. */
    const char *const nowhere[] = {"--server", "127.0.0.1:1", "export", "stock", csv, NULL};
    assert_int_equal(hf_player_run(nowhere), 3);
    hf_player_read_file(csv, hf_player.out);
    assert_string_equal(hf_player.out, want_csv);
    assert_int_equal(stat(csv, &status), 0);
    assert_int_equal(status.st_nlink, 1);
}

static void the_server_itself(void **state)
{
    static const char *const keys[] = {"lsn",    "durable_lsn",  "epoch",
                                       "fsyncs", "log_bytes",    "memory_bytes",
                                       "cells",  "reservations", "connections"};
    static const struct hf_step steps[] = {
        {{"receive", "A@L", "5", "--ref", "r"}, 0, HF_DONE(1, "r")},
        {{"ping"}, 0, "{'outcome':'ok','round_trip_us':'*','version':'*','epoch':1}"},
        {{"digest"}, 0, "{'lsn':1,'digest':'*'}"},
        {{"audit"}, 0, "{'ok':true,'cells':1,'reservations':0,'violations':0}"},
        {{"snapshot"}, 0, "{'outcome':'ok','lsn':1}"},
        {{"stats"}, 0, NULL},
    };
    (void)state;
    hf_play(steps, ROWS_COUNT(steps));
    json_t *stats = json_loads(hf_player.out, 0, NULL);
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
    assert_int_equal(hf_player_run(digest), 0);
    assert_true(strlen(hf_player.out) < sizeof before);
    memcpy(before, hf_player.out, strlen(hf_player.out) + 1);
    hf_fixture_kill(&hf_player.server);
    assert_int_equal(hf_player_run(digest), 3);
    assert_true(hf_fixture_restart(&hf_player.server));
    assert_int_equal(setenv("HOLDFAST_SERVER", hf_player.server.address, 1), 0);
    assert_int_equal(hf_player_run(digest), 0);
    assert_string_equal(hf_player.out, before);
}

/* ------------------------------------------------------------------ bad input */

static void bad_input_is_named(void **state)
{
    static const char too_long[] =
        "12345678901234567890123456789012345678901234567890123456789012345";
    static const struct hf_step steps[] = {
        {{"receive", "A@L", "0"}, 2, HF_REFUSED_FIELD("quantity", "0")},
        {{"receive", "A@L", "-1"}, 2, HF_REFUSED_FIELD("quantity", "0")},
        {{"receive", "A@L=1", "B@L=1000000000001"}, 2, HF_REFUSED_FIELD("quantity", "1")},
        {{"receive", "A@L", "99999999999999999999"},
         2,
         "{'outcome':'invalid_argument','field':'quantity','message':'*'}"},
        {{"adjust", "A@L", "0"}, 2, HF_REFUSED_FIELD("quantity", "0")},
        {{"receive", "A\n@L", "1"}, 2, HF_REFUSED_FIELD("sku", "0")},
        {{"receive", "A@L\x7F", "1"}, 2, HF_REFUSED_FIELD("location", "0")},
        {{"receive", "A\xFF@L", "1"}, 2, HF_REFUSED_FIELD("sku", "0")},
        {{"receive", "A@L", "1", "--ref", too_long}, 2, HF_REFUSED_FIELD("ref", "null")},
        {{"receive", "A@L", "1", "--by", too_long}, 2, HF_REFUSED_FIELD("by", "null")},
        {{"receive", "A@L", "1"}, 0, HF_DONE(1, "*")},
        {{"reserve", "c", "A@L=1", "--ttl", "400d"},
         2,
         "{'outcome':'invalid_argument','lsn':'*','repeated':false,'ref':'c','state':null,"
         "'field':'ttl','line':null}"},
        {{"reserve", "c", "A@L=1", "--ttl", "0s"}, 2, NULL},
        {{"policy", "A@L", "--safety-stock", "-1"}, 2, HF_REFUSED_FIELD("safety_stock", "0")},
        {{"policy", "A@L", "--low-stock", "-2"}, 2, HF_REFUSED_FIELD("low_stock", "0")},
        {{"policy", "A@L", "--backorder", "1000000000001"}, 2, HF_REFUSED_FIELD("backorder", "0")},
        /* of a cell that there is not nothing is known but what was asked for */
        {{"sell", "NOPE@L", "1"},
         1,
         "{'outcome':'unknown_sku','lsn':1,'repeated':false,'ref':'*','lines':[{'sku':'NOPE',"
         "'location':'L','requested':1,'ats':null,'shortfall':null,'earliest_expiry':null}]}"},
        {{"adjust", "NOPE@L", "-3"},
         1,
         "{'outcome':'unknown_sku','lsn':1,'repeated':false,'ref':'*','lines':[{'sku':'NOPE',"
         "'location':'L','requested':3,'ats':null,'shortfall':null,'earliest_expiry':null}]}"},
        {{"sell", "A@NOPE", "1"}, 1, NULL},
        /* what travels as the id is called what the user called it */
        {{"region", too_long, "L"}, 2, HF_REFUSED_FIELD("region", "null")},
        {{"list", "--prefix", too_long},
         2,
         "{'outcome':'invalid_argument','message':'a field is malformed or out of range: "
         "prefix'}"},
        {{"ats", "A", "--region", too_long},
         2,
         "{'outcome':'invalid_argument','message':'a field is malformed or out of range: "
         "region'}"},
    };
    (void)state;
    hf_play(steps, ROWS_COUNT(steps));
}

static void wrong_usage_needs_no_server(void **state)
{
    static const struct hf_step steps[] = {
        {{NULL}, 0, ""}, /* commands from standard input, where there are none */
        {{"--reason", "count"}, 2, NULL},
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
    hf_play(steps, ROWS_COUNT(steps));
    assert_int_equal(setenv("HOLDFAST_SERVER", hf_player.server.address, 1), 0);
}

/* ------------------------------------------------------------------ for people */

static void tables_and_help_for_people(void **state)
{
    static const struct row {
        const char *words[HF_PLAYER_WORDS_MAX];
        int code;
        const char *want; /* on standard output */
    } rows[] = {
        {{"--help"}, 0, "holdfast [--server HOST:PORT] [--json] COMMAND"},
        {{"help"}, 0, "reserve           hold units for an order"},
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
        {{"audit"}, 0, "ok: 1 cell, 1 reservation, 0 violations"},
        {{"stats"}, 0, "durable_lsn"},
        {{"snapshot"}, 0, "snapshot of lsn 2 is on disk"},
        {{"ping"}, 0, "answered in"},
        {{"ledger", "--ref", "nope"}, 0, "no moves"},
    };
    (void)state;
    for (size_t i = 0; i < ROWS_COUNT(rows); i++) {
        const int code = hf_player_run(rows[i].words);
        if (code != rows[i].code || strstr(hf_player.out, rows[i].want) == NULL) {
            print_error("row %zu: exit code %d\n%s%s\nwanted: %s\n", i, code, hf_player.out,
                        hf_player.err, rows[i].want);
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
    assert_int_equal(hf_player_run(receive), 3);
    assert_non_null(strstr(hf_player.out, "unknown: "));
    assert_non_null(strstr(hf_player.out, "run the same command again with --ref my-ref"));
    assert_int_equal(hf_player_run(reserve), 3);
    assert_non_null(strstr(hf_player.out, "run the same command again: its id"));
    assert_int_equal(hf_player_run(json), 3);
    hf_player_check(hf_player.out,
                    "{'outcome':'unknown','lsn':null,'repeated':false,'ref':'x','state':null,"
                    "'message':'*'}");
    hf_fake_stop(&fake);
    assert_int_equal(setenv("HOLDFAST_SERVER", hf_player.server.address, 1), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(moving_stock, hf_player_setup, hf_player_teardown),
        cmocka_unit_test_setup_teardown(reservations, hf_player_setup, hf_player_teardown),
        cmocka_unit_test_setup_teardown(a_whole_fulfilment_is_refused_by_line, hf_player_setup,
                                        hf_player_teardown),
        cmocka_unit_test_setup_teardown(ledger, hf_player_setup, hf_player_teardown),
        cmocka_unit_test_setup_teardown(export_of_stock, hf_player_setup, hf_player_teardown),
        cmocka_unit_test_setup_teardown(the_server_itself, hf_player_setup, hf_player_teardown),
        cmocka_unit_test_setup_teardown(bad_input_is_named, hf_player_setup, hf_player_teardown),
        cmocka_unit_test_setup_teardown(wrong_usage_needs_no_server, hf_player_setup,
                                        hf_player_teardown),
        cmocka_unit_test_setup_teardown(tables_and_help_for_people, hf_player_setup,
                                        hf_player_teardown),
        cmocka_unit_test_setup_teardown(unknown_comes_with_advice, hf_player_setup,
                                        hf_player_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
