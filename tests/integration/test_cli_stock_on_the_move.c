/*
 * test_cli_stock_on_the_move.c - the CLI against a real server: transfers, inbound shipments,
 * damaged and quarantined stock, counts as of a moment, shortages, slow movers.
 *
 * Method: tests/lib/cli_player.h.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/lib/cli_player.h"

#define ROWS_COUNT(rows) (sizeof(rows) / sizeof(rows)[0])

/* A cell without policies that has never been sold, at the newest LSN. */
#define CELL(sku, location, on_hand, reserved, in_transit, ats, damaged, quarantined)              \
    "{'sku':'" sku "','location':'" location "','on_hand':" #on_hand ",'held':" #reserved          \
    ",'committed':0,'reserved':" #reserved ",'in_transit':" #in_transit                            \
    ",'safety_stock':0,'atf':'*','ats':" #ats ",'version':'*','lsn':'*','damaged':" #damaged       \
    ",'quarantined':" #quarantined ",'shortage':0,'last_sale':null}"

/* A line of a transfer. */
#define LINE(sku, qty, received, damaged, cancelled, unshipped, in_transit, lost)                  \
    "{'sku':'" sku "','qty':" #qty ",'received':" #received ",'damaged':" #damaged                 \
    ",'cancelled':" #cancelled ",'unshipped':" #unshipped ",'in_transit':" #in_transit             \
    ",'lost':" #lost "}"
#define TRANSFER(id, from, to, state, lines)                                                       \
    "{'id':'" id "','from':'" from "','to':'" to "','state':'" state "','lines':[" lines           \
    "],'order':null,'opened':'*'}"
#define INBOUND_LINE(sku, qty, received, damaged, cancelled, in_transit)                           \
    "{'sku':'" sku "','qty':" #qty ",'received':" #received ",'damaged':" #damaged                 \
    ",'cancelled':" #cancelled ",'in_transit':" #in_transit "}"

/* ------------------------------------------------------------------ transfers */

static void a_transfer_in_parts(void **state)
{
    static const struct hf_step steps[] = {
        {{"receive", "A@L=20", "B@L=10", "A@M=1", "--ref", "r"}, 0, HF_DONE(1, "r")},
        {{"transfer", "create", "T", "L", "M", "A=10", "B=5"}, 0, HF_DONE_STATE(2, "T", "draft")},
        {{"transfer", "create", "T", "L", "M", "A=10", "B=5"},
         0,
         "{'outcome':'ok','lsn':2,'repeated':true,'ref':'T','state':'draft'}"},
        {{"transfer", "create", "T", "L", "M", "A=11"}, 1, NULL},
        {{"stock", "A@L"}, 0, CELL("A", "L", 20, 0, 0, 20, 0, 0)},
        {{"transfer", "receive", "T"}, 1, HF_REFUSED_STATE("wrong_state", "'draft'")},
        {{"transfer", "ship", "T", "A=4"}, 0, HF_DONE_STATE(3, "*", "in_transit")},
        {{"stock", "A@L"}, 0, CELL("A", "L", 16, 0, 0, 16, 0, 0)},
        {{"stock", "A@M"}, 0, CELL("A", "M", 1, 0, 4, 5, 0, 0)},
        {{"transfer", "receive", "T", "A=2", "--damaged", "A=1"},
         0,
         HF_DONE_STATE(4, "*", "in_transit")},
        {{"transfer", "show", "T"},
         0,
         TRANSFER("T", "L", "M", "in_transit",
                  LINE("A", 10, 2, 1, 0, 6, 1, 0) "," LINE("B", 5, 0, 0, 0, 5, 0, 0))},
        /* more than is under way, than is unshipped, and of a SKU it does not have */
        {{"transfer", "receive", "T", "A=2"},
         1,
         "{'outcome':'exceeds_shipment','lsn':4,'repeated':false,'ref':'*','state':'in_transit',"
         "'lines':[{'sku':'A','location':'M','requested':2,'ats':'*','shortfall':1,"
         "'earliest_expiry':null}]}"},
        {{"transfer", "ship", "T", "A=7", "B=6"},
         1,
         "{'outcome':'exceeds_shipment','lsn':4,'repeated':false,'ref':'*','state':'in_transit',"
         "'lines':[{'sku':'A','location':'L','requested':7,'ats':'*','shortfall':1,"
         "'earliest_expiry':null},{'sku':'B','location':'L','requested':6,'ats':'*',"
         "'shortfall':1,'earliest_expiry':null}]}"},
        {{"transfer", "ship", "T", "C=1"}, 1, NULL},
        {{"transfer", "ship", "T"}, 0, HF_DONE_STATE(5, "*", "in_transit")},
        {{"transfer", "ship", "T"}, 1, HF_REFUSED_STATE("wrong_state", "'in_transit'")},
        /* all that is under way arrives, two of it damaged */
        {{"transfer", "receive", "T", "--damaged", "A=2", "--reason", "damage"},
         0,
         HF_DONE_STATE(6, "*", "received")},
        {{"transfer", "show", "T"},
         0,
         TRANSFER("T", "L", "M", "received",
                  LINE("A", 10, 7, 3, 0, 0, 0, 0) "," LINE("B", 5, 5, 0, 0, 0, 0, 0))},
        {{"stock", "A@M"}, 0, CELL("A", "M", 8, 0, 0, 8, 3, 0)},
        {{"transfer", "cancel", "T"}, 1, HF_REFUSED_STATE("wrong_state", "'received'")},
        {{"transfer", "close", "T"}, 1, HF_REFUSED_STATE("wrong_state", "'received'")},
        {{"audit"}, 0, NULL},
    };
    (void)state;
    hf_play(steps, ROWS_COUNT(steps));
}

static void transfers_end_in_other_ways(void **state)
{
    static const struct hf_step steps[] = {
        {{"receive", "A@L=20", "B@M=1", "--ref", "r"}, 0, HF_DONE(1, "r")},
        {{"reserve", "c", "A@L=5"}, 0, HF_DONE_STATE(2, "c", "held")},
        /* what is reserved is never shipped away */
        {{"transfer", "create", "T1", "L", "M", "A=16", "--ship"},
         1,
         "{'outcome':'insufficient_stock','lsn':2,'repeated':false,'ref':'T1','state':null,"
         "'lines':[{'sku':'A','location':'L','requested':16,'ats':15,'shortfall':1,"
         "'earliest_expiry':null}]}"},
        {{"transfer", "show", "T1"}, 1, "{'outcome':'unknown_transfer','message':'*'}"},
        {{"transfer", "create", "T1", "L", "M", "A=15", "--ship", "--order", "DN-1"},
         0,
         HF_DONE_STATE(3, "T1", "in_transit")},
        /* cancelled: what is under way is back at the source */
        {{"transfer", "cancel", "T1", "A=5"}, 0, HF_DONE_STATE(4, "*", "in_transit")},
        {{"stock", "A@L"}, 0, CELL("A", "L", 10, 5, 0, 5, 0, 0)},
        /* closed: the rest is lost */
        {{"transfer", "close", "T1", "--reason", "theft"}, 0, HF_DONE_STATE(5, "*", "closed")},
        {{"transfer", "show", "T1"},
         0,
         "{'id':'T1','from':'L','to':'M','state':'closed','lines':["
         "{'sku':'A','qty':15,'received':0,'damaged':0,'cancelled':5,'unshipped':0,"
         "'in_transit':0,'lost':10}],'order':'DN-1','opened':'*'}"},
        {{"transfer", "create", "T2", "L", "M", "A=1"}, 0, HF_DONE_STATE(6, "T2", "draft")},
        {{"transfer", "close", "T2"}, 1, HF_REFUSED_STATE("wrong_state", "'draft'")},
        {{"transfer", "cancel", "T2"}, 0, HF_DONE_STATE(7, "*", "cancelled")},
        {{"transfer", "create", "T3", "M", "L", "B=1"}, 0, HF_DONE_STATE(8, "T3", "draft")},
        {{"transfer", "list", "--open"},
         0,
         "{'id':'T3','from':'M','to':'L','state':'draft','lines_count':1,'open':1,'order':null,"
         "'opened':'*'}"},
        {{"transfer", "list", "--location", "NOWHERE"}, 1, NULL},
        {{"transfer", "create", "T4", "L", "L", "A=1"},
         2,
         "{'outcome':'invalid_argument','lsn':'*','repeated':false,'ref':'T4','state':null,"
         "'field':'to','line':null}"},
        {{"transfer", "create", "T4", "L", "M", "NOPE=1"}, 1, NULL},
        {{"transfer", "create", "T4", "NOWHERE", "M", "A=1"}, 1, NULL},
        {{"transfer", "create", "T4", "L", "NEW", "A=1"}, 0, HF_DONE_STATE(9, "T4", "draft")},
        {{"transfer", "create", "c", "L", "M", "A=1"}, 1, NULL}, /* the reservation's name */
        {{"transfer", "ship", "nope"}, 1, HF_REFUSED_STATE("unknown_transfer", "null")},
        {{"transfer", "ship", "c"}, 1, HF_REFUSED_STATE("unknown_transfer", "null")},
        {{"audit"}, 0, NULL},
    };
    (void)state;
    hf_play(steps, ROWS_COUNT(steps));
    const char *const all[] = {"transfer", "list", NULL};
    assert_int_equal(hf_player_run(all), 0);
    assert_non_null(strstr(hf_player.out, "T1  L     M    closed"));
    assert_non_null(strstr(hf_player.out, "T2  L     M    cancelled"));
    const char *const here[] = {"transfer", "list", "--location", "M", "--open", NULL};
    assert_int_equal(hf_player_run(here), 0);
    assert_non_null(strstr(hf_player.out, "T3  M     L   draft"));
    assert_null(strstr(hf_player.out, "T1  ")); /* a time of day begins with T1, too */
}

/* ------------------------------------------------------------------ inbound shipments */

static int setup_with_tolerance(void **state)
{
    char path[] = "/tmp/holdfast-test-XXXXXX";
    const char *const arguments[] = {"--config", path, NULL};
    (void)state;
    const int file = mkstemp(path);
    if (file < 0 || dprintf(file, "[engine]\nover_receipt_percent = 10\n") < 0 ||
        close(file) != 0) {
        return -1;
    }
    const int code = hf_player_setup_with(arguments);
    (void)unlink(path); /* it has been read */
    return code;
}

static void inbound_in_parts(void **state)
{
    static const struct hf_step steps[] = {
        {{"inbound", "create", "P1", "L", "A=10", "B=3", "--eta", "2020-02-29", "--order", "PO"},
         0,
         HF_DONE_STATE(1, "P1", "in_transit")},
        {{"stock", "A@L"}, 0, CELL("A", "L", 0, 0, 10, 0, 0, 0)},
        {{"inbound", "create", "P2", "L", "A=10", "--sellable", "yes", "--eta", "in 3d"},
         0,
         HF_DONE_STATE(2, "P2", "in_transit")},
        {{"stock", "A@L"}, 0, CELL("A", "L", 0, 0, 20, 10, 0, 0)},
        {{"inbound", "create", "P3", "M", "A=1"}, 0, HF_DONE_STATE(3, "P3", "in_transit")},
        {{"inbound", "receive", "P1", "A=3", "--damaged", "B=1"},
         0,
         HF_DONE_STATE(4, "*", "in_transit")},
        {{"inbound", "show", "P1"},
         0,
         "{'id':'P1','location':'L','eta':'2020-02-29T00:00:00Z','sellable':false,"
         "'state':'in_transit','lines':[" INBOUND_LINE("A", 10, 3, 0, 0, 7) "," INBOUND_LINE(
             "B", 3, 0, 1, 0, 2) "],'order':'PO','opened':'*'}"},
        {{"stock", "A@L"}, 0, CELL("A", "L", 3, 0, 17, 13, 0, 0)},
        /* a tenth more than was ordered is taken; more is not */
        {{"inbound", "receive", "P1", "A=9"}, 1, NULL},
        {{"inbound", "receive", "P1", "A=8"}, 0, HF_DONE_STATE(5, "*", "in_transit")},
        {{"inbound", "list", "--late"},
         0,
         "{'id':'P1','location':'L','eta':'2020-02-29T00:00:00Z','sellable':false,"
         "'state':'in_transit','lines_count':2,'open':2,'order':'PO','opened':'*'}"},
        {{"inbound", "list", "--late", "--location", "M"}, 0, ""},
        {{"inbound", "cancel", "P1", "B=1"}, 0, HF_DONE_STATE(6, "*", "in_transit")},
        {{"inbound", "cancel", "P1"}, 0, HF_DONE_STATE(7, "*", "cancelled")},
        {{"inbound", "list", "--late"}, 0, ""},
        {{"inbound", "show", "P1"},
         0,
         "{'id':'P1','location':'L','eta':'*','sellable':false,'state':'cancelled','lines':"
         "[" INBOUND_LINE("A", 10, 11, 0, 0, 0) "," INBOUND_LINE("B", 3, 0, 1, 2,
                                                                 0) "],'order':'PO','opened':'*'}"},
        {{"inbound", "receive", "P1"}, 1, HF_REFUSED_STATE("wrong_state", "'cancelled'")},
        {{"inbound", "receive", "P2", "--damaged", "A=4"}, 0, HF_DONE_STATE(8, "*", "received")},
        {{"stock", "A@L"}, 0, CELL("A", "L", 17, 0, 0, 17, 4, 0)},
        {{"inbound", "list", "--open"},
         0,
         "{'id':'P3','location':'M','eta':null,'sellable':false,'state':'in_transit',"
         "'lines_count':1,'open':1,'order':null,'opened':'*'}"},
        {{"inbound", "show", "nope"}, 1, "{'outcome':'unknown_inbound','message':'*'}"},
        {{"inbound", "receive", "nope"}, 1, HF_REFUSED_STATE("unknown_inbound", "null")},
        {{"transfer", "show", "P3"}, 1, "{'outcome':'unknown_transfer','message':'*'}"},
        {{"audit"}, 0, NULL},
    };
    (void)state;
    hf_play(steps, ROWS_COUNT(steps));
}

/* ------------------------------------------------------------------ damaged and quarantined */

static void stock_that_may_not_be_sold(void **state)
{
    static const struct hf_step steps[] = {
        {{"receive", "A@L", "10", "--ref", "r"}, 0, HF_DONE(1, "r")},
        {{"receive", "A@L", "2", "--to", "quarantined"}, 0, HF_DONE(2, "*")},
        {{"receive", "A@L", "1", "--to", "damaged", "--reason", "return"}, 0, HF_DONE(3, "*")},
        {{"stock", "A@L"}, 0, CELL("A", "L", 10, 0, 0, 10, 1, 2)},
        {{"move-status", "A@L", "3", "--from", "sellable", "--to", "damaged", "--reason", "damage"},
         0,
         HF_DONE(4, "*")},
        {{"move-status", "A@L=1", "--from", "quarantined", "--to", "sellable", "--reason",
          "quality"},
         0,
         HF_DONE(5, "*")},
        {{"stock", "A@L"}, 0, CELL("A", "L", 8, 0, 0, 8, 4, 1)},
        {{"move-status", "A@L", "2", "--from", "quarantined", "--to", "damaged", "--reason",
          "other"},
         1,
         "{'outcome':'insufficient_on_hand','lsn':5,'repeated':false,'ref':'*','lines':[{'sku':"
         "'A','location':'L','requested':2,'ats':8,'shortfall':1,'earliest_expiry':null}]}"},
        {{"dispose", "A@L", "4", "--from", "damaged", "--by", "anna"}, 0, HF_DONE(6, "*")},
        {{"dispose", "A@L", "1", "--from", "sellable", "--reason", "perished"}, 0, HF_DONE(7, "*")},
        {{"dispose", "A@L", "1", "--from", "damaged"}, 1, NULL},
        {{"stock", "A@L"}, 0, CELL("A", "L", 7, 0, 0, 7, 0, 1)},
        {{"ledger", "A@L", "--limit", "1"},
         0,
         "{'lsn':7,'ts':'*','kind':'dispose','reason':'perished','sku':'A','location':'L',"
         "'ref':'*','order':null,'by':null,'reservation':null,"
         "'delta':{'on_hand':-1,'held':0,'committed':0,'in_transit':0,'damaged':0,"
         "'quarantined':0},"
         "'after':{'on_hand':7,'held':0,'committed':0,'in_transit':0,'damaged':0,"
         "'quarantined':1}}"},
    };
    (void)state;
    hf_play(steps, ROWS_COUNT(steps));
    const char *const table[] = {"stock", "A@L", NULL};
    assert_int_equal(hf_player_run(table), 0);
    assert_non_null(strstr(hf_player.out, "QUARANTINED"));
    assert_null(strstr(hf_player.out, "DAMAGED")); /* there are none */
}

/* ------------------------------------------------------------------ counts */

static void counts_as_of_a_moment(void **state)
{
    static const struct hf_step steps[] = {
        {{"set", "A@L", "10", "--ref", "r"}, 0, HF_DONE(1, "r")},
        {{"set", "A@L", "10"},
         0,
         "{'outcome':'ok','lsn':1,'repeated':false,'ref':'*','unchanged':true}"},
        {{"sell", "A@L", "3"}, 0, HF_DONE(2, "*")},
        /* nine were counted at LSN 1; three have been sold since */
        {{"set", "A@L", "9", "--as-of", "1"}, 0, HF_DONE(3, "*")},
        {{"list", "--prefix", "A"},
         0,
         "{'sku':'A','location':'L','on_hand':6,'held':0,'committed':0,'reserved':0,"
         "'in_transit':0,'safety_stock':0,'atf':6,'ats':6,'version':3,'lsn':3,'low_stock':null,"
         "'backorder_limit':0,'damaged':0,'quarantined':0,'shortage':0,'last_sale':'*'}"},
        {{"set", "A@L", "9", "--as-of", "1"}, 0, NULL}, /* again: no change */
        {{"set", "A@L", "2", "--as-of", "1"}, 1, NULL}, /* that would be -1 */
        {{"set", "A@L", "2", "--as-of", "99"}, 2, HF_REFUSED_FIELD("as_of", "null")},
        {{"set", "A@L", "2", "--as-of", "9999-01-01"}, 2, HF_REFUSED_FIELD("as_of", "null")},
        {{"set", "A@L", "0", "--as-of", "1h ago"}, 1, NULL}, /* 0 and the sales since */
        {{"set", "A@L=0", "B@M=4"}, 0, HF_DONE(4, "*")},
        {{"set", "A@L", "-1"}, 2, HF_REFUSED_FIELD("quantity", "0")},
        {{"audit"}, 0, NULL},
    };
    (void)state;
    hf_play(steps, ROWS_COUNT(steps));
    const char *const again[] = {"set", "B@M", "4", NULL};
    assert_int_equal(hf_player_run(again), 0);
    assert_non_null(strstr(hf_player.out, "nothing has changed"));
}

/* ------------------------------------------------------------------ shortages, slow movers */

static void shortages_and_slow_movers(void **state)
{
    static const struct hf_step steps[] = {
        {{"receive", "A@L=10", "B@L=1", "--ref", "r"}, 0, HF_DONE(1, "r")},
        {{"shortages"}, 0, ""},
        {{"reserve", "c1", "A@L=4"}, 0, HF_DONE_STATE(2, "c1", "held")},
        {{"confirm", "c1"}, 0, HF_DONE_STATE(3, "*", "confirmed")},
        {{"reserve", "c2", "A@L=5"}, 0, HF_DONE_STATE(4, "c2", "held")},
        {{"adjust", "A@L", "-8", "--reason", "loss"}, 0, HF_DONE(5, "*")},
        {{"shortages"},
         0,
         "{'sku':'A','location':'L','missing':7,'on_hand':2,'held':5,'committed':4,'reserved':9,"
         "'in_transit':0,'backorder_limit':0,'ats':-7,'reservations':[{'id':'c2','qty':5},"
         "{'id':'c1','qty':4}]}"},
        {{"list", "--idle-for", "1h"}, 0, ""}, /* all of it came just now */
        {{"list", "--idle-for", "1us", "--prefix", "B"},
         0,
         "{'sku':'B','location':'L','on_hand':1,'held':0,'committed':0,'reserved':0,"
         "'in_transit':0,'safety_stock':0,'atf':1,'ats':1,'version':1,'lsn':5,'low_stock':null,"
         "'backorder_limit':0,'damaged':0,'quarantined':0,'shortage':0,'last_sale':null}"},
        {{"receive", "A@L", "7"}, 0, HF_DONE(6, "*")},
        {{"shortages"}, 0, ""},
    };
    static const struct hf_step short_again[] = {
        {{"adjust", "A@L", "-7", "--reason", "loss"}, 0, HF_DONE(7, "*")},
    };
    (void)state;
    hf_play(steps, ROWS_COUNT(steps));
    const char *const table[] = {"shortages", NULL};
    assert_int_equal(hf_player_run(table), 0);
    assert_string_equal(hf_player.out, "no shortages\n");
    hf_play(short_again, ROWS_COUNT(short_again));
    assert_int_equal(hf_player_run(table), 0);
    assert_string_equal(hf_player.out,
                        "SKU  LOCATION  MISSING  ON HAND  RESERVED  ATS  RESERVATION  UNITS\n"
                        "A    L               7        2         9   -7  c2               5\n"
                        "                                                c1               4\n");
}

/* ------------------------------------------------------------------ usage */

static void wrong_usage_needs_no_server(void **state)
{
    static const struct hf_step steps[] = {
        {{"transfer"},
         2,
         "{'outcome':'invalid_argument','message':'transfer needs more than that'}"},
        {{"transfer", "sip", "T"}, 2, NULL},
        {{"transfer", "create", "T", "L", "M"}, 2, NULL},
        {{"transfer", "create", "T", "L", "M", "A"}, 2, NULL},
        {{"transfer", "create", "T", "L", "M", "A=1.5"}, 2, NULL},
        {{"transfer", "create", "T", "L", "M", "A=99999999999999999999"},
         2,
         "{'outcome':'invalid_argument','field':'quantity','message':'*'}"},
        {{"transfer", "ship", "T", "--damaged", "A=1"}, 2, NULL},
        {{"transfer", "receive", "T", "--damaged", "A"}, 2, NULL},
        {{"transfer", "show", "T", "A=1"}, 2, NULL},
        {{"transfer", "list", "--late"}, 2, NULL},
        {{"inbound", "create", "P", "L"}, 2, NULL},
        {{"inbound", "create", "P", "L", "A=1", "--eta", "soon"}, 2, NULL},
        {{"inbound", "create", "P", "L", "A=1", "--sellable", "maybe"}, 2, NULL},
        {{"inbound", "ship", "P"}, 2, NULL},
        {{"move-status", "A@L", "1", "--from", "sellable", "--to", "damaged"}, 2, NULL},
        {{"move-status", "A@L", "1", "--from", "sellable", "--reason", "damage"}, 2, NULL},
        {{"move-status", "A@L", "1", "--from", "lost", "--to", "damaged", "--reason", "damage"},
         2,
         NULL},
        {{"move-status", "A@L", "1", "--from", "damaged", "--to", "damaged", "--reason", "loss"},
         2,
         NULL},
        {{"move-status", "A@L", "1", "--from", "none", "--to", "damaged", "--reason", "loss"},
         2,
         NULL},
        {{"dispose", "A@L", "1"}, 2, NULL},
        {{"receive", "A@L", "1", "--to", "somewhere"}, 2, NULL},
        {{"set", "A@L", "1", "--as-of", "yesterday"}, 2, NULL},
        {{"list", "--idle-for", "30"}, 2, NULL},
        {{"list", "--idle-for", "0"}, 2, NULL},
        {{"shortages", "A"}, 2, NULL},
        {{"watch", "--kind", "frob"}, 2, NULL},
        {{"watch", "--kind", "stock.moved", "--kind", "sell"}, 2, NULL},
        {{"watch", "--from", "5"}, 2, NULL},
        {{"watch", "--limit", "0"}, 2, NULL},
        {{"transfer", "ship", "T", "--ref", "r"},
         3,
         "{'outcome':'unknown','lsn':null,'repeated':false,'ref':'r','message':'*'}"},
        {{"watch"}, 3, "{'outcome':'unknown','message':'*'}"},
    };
    (void)state;
    assert_int_equal(setenv("HOLDFAST_SERVER", "127.0.0.1:1", 1), 0);
    hf_play(steps, ROWS_COUNT(steps));
    const char *const family[] = {"transfer", NULL};
    assert_int_equal(hf_player_run(family), 2);
    assert_non_null(strstr(hf_player.err, "usage: holdfast transfer create ID FROM TO"));
    const char *const help[] = {"help", "transfer", NULL};
    assert_int_equal(hf_player_run(help), 0);
    assert_non_null(strstr(hf_player.out, "transfer close"));
    const char *const more[] = {"help", "transfer", "close", NULL};
    assert_int_equal(hf_player_run(more), 0);
    assert_non_null(strstr(hf_player.out, "theft"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_transfer_in_parts, hf_player_setup, hf_player_teardown),
        cmocka_unit_test_setup_teardown(transfers_end_in_other_ways, hf_player_setup,
                                        hf_player_teardown),
        cmocka_unit_test_setup_teardown(inbound_in_parts, setup_with_tolerance, hf_player_teardown),
        cmocka_unit_test_setup_teardown(stock_that_may_not_be_sold, hf_player_setup,
                                        hf_player_teardown),
        cmocka_unit_test_setup_teardown(counts_as_of_a_moment, hf_player_setup, hf_player_teardown),
        cmocka_unit_test_setup_teardown(shortages_and_slow_movers, hf_player_setup,
                                        hf_player_teardown),
        cmocka_unit_test_setup_teardown(wrong_usage_needs_no_server, hf_player_setup,
                                        hf_player_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
