/*
 * commands.c - the table of commands, in the order in which help lists them within a group.
 */
#include "tools/holdfast/cli.h"

#define ANY SIZE_MAX
#define LINES "SKU@LOC QTY | SKU@LOC=QTY..."
#define ARRIVAL "ID [SKU=QTY...] [--damaged SKU=QTY...] [--reason R]"

const struct hf_command hf_commands[] = {
    {HF_GROUP_STOCK, "receive", LINES, "take units in",
     "Units arrive and are on hand from now on. New SKU and location codes are created.\n"
     "All lines are one operation: all of them happen, or none.\n"
     "\n"
     "    holdfast receive PHONE-13@BERLIN 40 --order PO-88\n"
     "    holdfast receive PHONE-13@BERLIN=40 CASE-1@BERLIN=200 --reason return\n"
     "    holdfast receive PHONE-13@BERLIN 1 --to damaged --reason return\n"
     "\n"
     "The reason is purchase when none is given. With --to the units are damaged or quarantined.\n",
     HF_OPTIONS_WRITE | HF_OPTION_BIT(REASON) | HF_OPTION_BIT(TO) | HF_OPTION_BIT(IF_VERSION), 1,
     ANY, hf_cli_receive},
    {HF_GROUP_STOCK, "sell", LINES, "sell units without a reservation",
     "A direct sale, checked against ATF: what is on hand, not reserved and not kept back.\n"
     "With --fact it has happened already, offline, and only what is on hand limits it.\n"
     "\n"
     "    holdfast sell MILK-1L@BERLIN=2 BREAD-RYE@BERLIN=1 --order till-7-2211\n",
     HF_OPTIONS_WRITE | HF_OPTION_BIT(IF_VERSION) | HF_OPTION_BIT(FACT), 1, ANY, hf_cli_sell},
    {HF_GROUP_STOCK, "adjust", "SKU@LOC +-QTY | SKU@LOC=+-QTY...",
     "correct what is on hand, up or down",
     "A negative figure is a fact: it may cut into stock that was promised, but what is on hand\n"
     "never goes below zero.\n"
     "\n"
     "    holdfast adjust PHONE-13@BERLIN -2 --reason damage --by anna\n"
     "    holdfast adjust PHONE-13@BERLIN=+1 CASE-1@BERLIN=-3 --reason count\n"
     "\n"
     "The reason is correction when none is given.\n",
     HF_OPTIONS_WRITE | HF_OPTION_BIT(REASON) | HF_OPTION_BIT(IF_VERSION), 1, ANY, hf_cli_adjust},
    {HF_GROUP_STOCK, "set", LINES " [--as-of LSN|TIME]", "say what is on hand",
     "For a count, or another system that knows better. With --as-of the figure is what was on "
     "hand\n"
     "at that LSN or time, and what has moved since is kept: sales that the figure could not know "
     "of\n"
     "are not overwritten. It is refused (too_old) when the server does not remember that far "
     "back.\n"
     "A figure that is right already changes nothing and is not written.\n"
     "\n"
     "    holdfast set PHONE-13@BERLIN 38 --reason count\n"
     "    holdfast set PHONE-13@BERLIN=38 CASE-1@BERLIN=190 --as-of 4711\n"
     "    holdfast set PHONE-13@BERLIN 38 --as-of 2026-11-22T06:00:00Z\n"
     "    holdfast set PHONE-13@BERLIN 38 --as-of '10m ago'\n"
     "\n"
     "The reason is count when none is given.\n",
     HF_OPTIONS_WRITE | HF_OPTION_BIT(REASON) | HF_OPTION_BIT(AS_OF) | HF_OPTION_BIT(IF_VERSION), 1,
     ANY, hf_cli_set},
    {HF_GROUP_STOCK, "move-status", LINES "\n    --from S --to S --reason R",
     "make units damaged, quarantined, or sellable again",
     "S is sellable, damaged or quarantined. It is a fact: units that leave sellable may have "
     "been\n"
     "promised, and then there is a shortage (holdfast shortages).\n"
     "\n"
     "    holdfast move-status PHONE-13@BERLIN 2 --from sellable --to damaged --reason damage\n"
     "    holdfast move-status PHONE-13@BERLIN 1 --from quarantined --to sellable --reason "
     "quality\n",
     HF_OPTIONS_WRITE | HF_OPTION_BIT(REASON) | HF_OPTION_BIT(FROM) | HF_OPTION_BIT(TO) |
         HF_OPTION_BIT(IF_VERSION),
     1, ANY, hf_cli_move_status},
    {HF_GROUP_STOCK, "dispose", LINES " --from S [--reason R]", "throw units away",
     "S is sellable, damaged or quarantined.\n"
     "\n"
     "    holdfast dispose PHONE-13@BERLIN 2 --from damaged --by anna\n"
     "    holdfast dispose MILK-1L@BERLIN 6 --from sellable --reason perished\n",
     HF_OPTIONS_WRITE | HF_OPTION_BIT(REASON) | HF_OPTION_BIT(FROM) | HF_OPTION_BIT(IF_VERSION), 1,
     ANY, hf_cli_dispose},
    {HF_GROUP_STOCK, "policy",
     "SKU@LOC [--safety-stock N] [--low-stock N] [--backorder N]\n"
     "LOC --in-transit-sellable yes|no",
     "set what is kept back, reported low, or promised beyond stock",
     "Figures that are not given stay as they are. --low-stock none removes the threshold.\n"
     "\n"
     "    holdfast policy PHONE-13@BERLIN --safety-stock 2 --low-stock 5\n"
     "    holdfast policy BERLIN --in-transit-sellable no\n",
     HF_OPTIONS_WRITE | HF_OPTION_BIT(SAFETY_STOCK) | HF_OPTION_BIT(LOW_STOCK) |
         HF_OPTION_BIT(BACKORDER) | HF_OPTION_BIT(IN_TRANSIT) | HF_OPTION_BIT(IF_VERSION),
     1, 1, hf_cli_policy},
    {HF_GROUP_STOCK, "region", "NAME LOC...", "put locations into a region",
     "A location is in one region at most: it leaves the one it was in.\n"
     "\n"
     "    holdfast region north BERLIN HAMBURG\n",
     HF_OPTIONS_WRITE, 2, ANY, hf_cli_region},
    {HF_GROUP_RESERVATIONS, "reserve", "ID SKU@LOC=QTY... [--ttl 15m] [--partial]",
     "hold units for an order",
     "All lines are held, or none; with --partial each line gets what may be promised. Without\n"
     "--ttl the hold has no deadline. The id is the reference as well: the same command again is\n"
     "done once.\n"
     "\n"
     "    holdfast reserve cart-1 PHONE-13@BERLIN=1 CASE-1@BERLIN=1 --ttl 15m --order web-1001\n",
     HF_OPTIONS_WRITE | HF_OPTION_BIT(TTL) | HF_OPTION_BIT(PARTIAL) | HF_OPTION_BIT(IF_VERSION), 2,
     ANY, hf_cli_reserve},
    {HF_GROUP_RESERVATIONS, "replace", "OLD_ID ID SKU@LOC=QTY... [--ttl D]",
     "exchange a reservation for another",
     "The new reservation takes the place of the old one in one step, and the old hold does not\n"
     "count against it. Held gives held, confirmed gives confirmed. Without --ttl it keeps the\n"
     "old deadline.\n"
     "\n"
     "    holdfast replace cart-1 cart-1b PHONE-13@BERLIN=2\n",
     HF_OPTIONS_WRITE | HF_OPTION_BIT(TTL) | HF_OPTION_BIT(IF_VERSION), 3, ANY, hf_cli_replace},
    {HF_GROUP_RESERVATIONS, "confirm", "ID", "make a hold firm: it has no deadline any more",
     "    holdfast confirm cart-1 --by checkout\n", HF_OPTIONS_WRITE, 1, 1, hf_cli_confirm},
    {HF_GROUP_RESERVATIONS, "extend", "ID --ttl D", "give a hold more time",
     "The deadline becomes now + D, never beyond the longest life of a reservation.\n"
     "\n"
     "    holdfast extend cart-1 --ttl 10m\n",
     HF_OPTIONS_WRITE | HF_OPTION_BIT(TTL), 1, 1, hf_cli_extend},
    {HF_GROUP_RESERVATIONS, "release", "ID [SKU@LOC=QTY...]\n--order REF",
     "give reserved units back",
     "Without lines all that is left of the reservation. With --order and no id: all open\n"
     "reservations of the order in one operation.\n"
     "\n"
     "    holdfast release cart-1\n"
     "    holdfast release cart-1 CASE-1@BERLIN=1\n"
     "    holdfast release --order web-1001\n",
     HF_OPTIONS_WRITE | HF_OPTION_BIT(IF_VERSION), 0, ANY, hf_cli_release},
    {HF_GROUP_RESERVATIONS, "fulfil", "ID [SKU@LOC=QTY...] [--release-rest]",
     "units of a confirmed reservation leave",
     "Without lines all that is left. The rest stays reserved unless --release-rest is given.\n"
     "\n"
     "    holdfast fulfil cart-1 PHONE-13@BERLIN=1 --release-rest --order DN-5\n",
     HF_OPTIONS_WRITE | HF_OPTION_BIT(RELEASE_REST) | HF_OPTION_BIT(IF_VERSION), 1, ANY,
     hf_cli_fulfil},
    {HF_GROUP_TRANSFERS, "transfer create", "ID FROM TO SKU=QTY... [--ship]",
     "plan to move stock between locations",
     "Nothing moves until it is shipped; with --ship that is at once. The id is the reference as\n"
     "well: the same command again is done once.\n"
     "\n"
     "    holdfast transfer create T-1 BERLIN HAMBURG PHONE-13=10 CASE-1=40\n"
     "    holdfast transfer create T-2 BERLIN HAMBURG PHONE-13=2 --ship --order DN-7\n",
     HF_OPTIONS_WRITE | HF_OPTION_BIT(SHIP), 4, ANY, hf_cli_transfer_create},
    {HF_GROUP_TRANSFERS, "transfer ship", "ID [SKU=QTY...] [--reason R]", "units leave the source",
     "Without lines all that is not shipped yet. They leave on_hand of the source and are in "
     "transit\n"
     "to the destination. Stock that is reserved or kept back at the source is never shipped "
     "away.\n"
     "\n"
     "    holdfast transfer ship T-1\n"
     "    holdfast transfer ship T-1 PHONE-13=4\n",
     HF_OPTIONS_WRITE | HF_OPTION_BIT(REASON), 1, ANY, hf_cli_transfer_ship},
    {HF_GROUP_TRANSFERS, "transfer receive", ARRIVAL, "units arrive",
     "Without lines all that is under way arrives sellable. With --damaged alone the same, but "
     "for\n"
     "the damaged units among it. With lines just what they name, and the rest stays under way.\n"
     "\n"
     "    holdfast transfer receive T-1\n"
     "    holdfast transfer receive T-1 PHONE-13=3 --damaged PHONE-13=1\n"
     "    holdfast transfer receive T-1 --damaged CASE-1=2\n",
     HF_OPTIONS_WRITE | HF_OPTION_BIT(DAMAGED) | HF_OPTION_BIT(REASON), 1, ANY,
     hf_cli_transfer_receive},
    {HF_GROUP_TRANSFERS, "transfer cancel", "ID [SKU=QTY...] [--reason R]",
     "what has not arrived stays at, or goes back to, the source",
     "Without lines all of it. With lines first what is not shipped, then what is under way.\n"
     "\n"
     "    holdfast transfer cancel T-1\n"
     "    holdfast transfer cancel T-1 CASE-1=10\n",
     HF_OPTIONS_WRITE | HF_OPTION_BIT(REASON), 1, ANY, hf_cli_transfer_cancel},
    {HF_GROUP_TRANSFERS, "transfer close", "ID [SKU=QTY...] [--reason R]",
     "what is still under way is lost",
     "Without lines all that is under way, and what is not shipped yet is cancelled. With lines\n"
     "just what they name is lost, and the rest stays under way.\n"
     "\n"
     "    holdfast transfer close T-1 --reason theft\n"
     "    holdfast transfer close T-1 PHONE-13=1 --reason loss\n"
     "\n"
     "The reason is loss when none is given.\n",
     HF_OPTIONS_WRITE | HF_OPTION_BIT(REASON), 1, ANY, hf_cli_transfer_close},
    {HF_GROUP_TRANSFERS, "transfer show", "ID", "one transfer and its lines",
     "    holdfast transfer show T-1\n", 0, 1, 1, hf_cli_transfer_show},
    {HF_GROUP_TRANSFERS, "transfer list", "[--location L] [--open]",
     "transfers from or to a location, or all",
     "    holdfast transfer list --location HAMBURG --open\n",
     HF_OPTION_BIT(LOCATION) | HF_OPTION_BIT(OPEN), 0, 0, hf_cli_transfer_list},
    {HF_GROUP_INBOUND, "inbound create", "ID LOC SKU=QTY... [--eta TIME] [--sellable yes|no]",
     "expect goods from outside",
     "A purchase order, or goods on their way to a fulfilment centre. They are in transit until "
     "they\n"
     "are received, and may be sold before only with --sellable yes. New SKU and location codes "
     "are\n"
     "created. The id is the reference as well: the same command again is done once.\n"
     "\n"
     "    holdfast inbound create PO-88 BERLIN PHONE-13=40 CASE-1=200 --eta 2026-12-01\n"
     "    holdfast inbound create PO-89 BERLIN PHONE-13=40 --eta 'in 3d' --sellable yes\n",
     HF_OPTIONS_WRITE | HF_OPTION_BIT(ETA) | HF_OPTION_BIT(SELLABLE), 3, ANY,
     hf_cli_inbound_create},
    {HF_GROUP_INBOUND, "inbound receive", ARRIVAL, "goods arrive",
     "Without lines all that is expected arrives sellable. With --damaged alone the same, but for\n"
     "the damaged units among it. With lines just what they name, and the rest is still expected.\n"
     "More than was ordered is taken as far as the server's over_receipt_percent allows.\n"
     "\n"
     "    holdfast inbound receive PO-88\n"
     "    holdfast inbound receive PO-88 PHONE-13=38 --damaged PHONE-13=2\n",
     HF_OPTIONS_WRITE | HF_OPTION_BIT(DAMAGED) | HF_OPTION_BIT(REASON), 1, ANY,
     hf_cli_inbound_receive},
    {HF_GROUP_INBOUND, "inbound cancel", "ID [SKU=QTY...] [--reason R]", "goods will not come",
     "Without lines all that is still expected.\n"
     "\n"
     "    holdfast inbound cancel PO-88 CASE-1=50\n",
     HF_OPTIONS_WRITE | HF_OPTION_BIT(REASON), 1, ANY, hf_cli_inbound_cancel},
    {HF_GROUP_INBOUND, "inbound show", "ID", "one inbound shipment and its lines",
     "    holdfast inbound show PO-88\n", 0, 1, 1, hf_cli_inbound_show},
    {HF_GROUP_INBOUND, "inbound list", "[--late] [--location L] [--open]",
     "inbound shipments to a location, or all",
     "With --late those that should have arrived by now.\n"
     "\n"
     "    holdfast inbound list --late\n",
     HF_OPTION_BIT(LATE) | HF_OPTION_BIT(LOCATION) | HF_OPTION_BIT(OPEN), 0, 0,
     hf_cli_inbound_list},
    {HF_GROUP_QUESTIONS, "stock", "SKU@LOC", "the counters of one stock cell",
     "    holdfast stock PHONE-13@BERLIN\n", 0, 1, 1, hf_cli_stock},
    {HF_GROUP_QUESTIONS, "ats", "SKU... [--location L | --region R]", "what is available to sell",
     "Over all locations, in a region or at one location. A location in shortage does not eat\n"
     "another's stock.\n"
     "\n"
     "    holdfast ats PHONE-13 CASE-1 --region north\n",
     HF_OPTION_BIT(LOCATION) | HF_OPTION_BIT(REGION), 1, ANY, hf_cli_ats},
    {HF_GROUP_RESERVATIONS, "show", "ID", "one reservation and its lines",
     "    holdfast show cart-1\n", 0, 1, 1, hf_cli_show},
    {HF_GROUP_RESERVATIONS, "order", "REF", "the reservations of an order, newest first",
     "    holdfast order web-1001\n", 0, 1, 1, hf_cli_order},
    {HF_GROUP_QUESTIONS, "ledger",
     "SKU@LOC [--limit N]\n--ref REF [--limit N]\n--order REF [--limit N]",
     "what happened, newest first",
     "The moves of a stock cell, of one operation (by its reference or reservation id), or of an\n"
     "order, as far back as the server's memory goes.\n"
     "\n"
     "    holdfast ledger PHONE-13@BERLIN --limit 20\n",
     HF_OPTION_BIT(REF) | HF_OPTION_BIT(ORDER) | HF_OPTION_BIT(LIMIT), 0, 1, hf_cli_ledger},
    {HF_GROUP_QUESTIONS, "list", "[--location L] [--prefix P] [--low] [--idle-for D]",
     "stock cells, in the order of their creation",
     "    holdfast list --location BERLIN --low\n"
     "    holdfast list --idle-for 30d\n"
     "\n"
     "--idle-for shows slow movers: stock is on hand, and none was sold for so long.\n",
     HF_OPTION_BIT(LOCATION) | HF_OPTION_BIT(PREFIX) | HF_OPTION_BIT(LOW) | HF_OPTION_BIT(IDLE_FOR),
     0, 0, hf_cli_list},
    {HF_GROUP_QUESTIONS, "shortages", "", "cells where more is promised than there is",
     "With the reservations they hit: those that would go short, first to last.\n"
     "\n"
     "    holdfast shortages\n",
     0, 0, 0, hf_cli_shortages},
    {HF_GROUP_QUESTIONS, "watch",
     "[--from TOKEN] [--location L] [--prefix P] [--kind K]...\n    [--moves] [--limit N]",
     "every change, as it happens",
     "Without --from what happens from now on; with it everything after that place in the log:\n"
     "1:0 is all there is. Each line is an event; its token says where to go on after it. When "
     "the\n"
     "connection breaks it connects again and goes on where it was. Ctrl-C ends it and says "
     "where.\n"
     "\n"
     "    holdfast watch --location BERLIN --kind low_stock --kind shortage\n"
     "    holdfast --json watch --from 1:0 --kind stock.moved\n"
     "\n"
     "--kind stock.moved gives what changes on_hand, with store_id, sku_id, qty_delta, reason, "
     "ref_id\n"
     "and ts besides.\n",
     HF_OPTION_BIT(FROM) | HF_OPTION_BIT(LOCATION) | HF_OPTION_BIT(PREFIX) | HF_OPTION_BIT(KIND) |
         HF_OPTION_BIT(MOVES) | HF_OPTION_BIT(LIMIT),
     0, 0, hf_cli_watch},
    {HF_GROUP_FILES, "import",
     "stock|policy FILE.csv [--dry-run] [--as set|add] [--as-of LSN|TIME]\n"
     "    [--errors FILE] [--skip-errors] [--location L] [--run NAME]",
     "stock or policies out of a CSV file",
     "The first line names the columns, in any order; others are not read:\n"
     "    stock     sku, location, quantity\n"
     "    policy    sku, location, and any of safety_stock, low_stock (or none), backorder;\n"
     "              what is empty stays as it is\n"
     "With --location no such column is needed. The file \"-\" is standard input.\n"
     "\n"
     "Every row is looked at before anything changes. Rows that cannot be used are listed with\n"
     "line and reason, and nothing is imported unless --skip-errors is given. --dry-run prints\n"
     "what would change.\n"
     "\n"
     "A row is one operation under a reference made of the file's content, the options and the\n"
     "row's line: an import that was broken off is finished by the same command again, and a file\n"
     "that was imported changes nothing more. --run NAME imports it once more on purpose. The\n"
     "server remembers references for reference_retention (24 hours unless it is configured\n"
     "otherwise) and references_max of them: finish an import with --as add within that time.\n"
     "With --as set a late repeat sets the quantities again.\n"
     "\n"
     "    holdfast import stock count.csv --dry-run\n"
     "    holdfast import stock count.csv --as-of 2026-11-22T06:00:00Z\n"
     "    holdfast import stock delivery.csv --as add --location BERLIN\n"
     "    holdfast import policy policy.csv --errors refused.csv --skip-errors\n",
     HF_OPTION_BIT(DRY_RUN) | HF_OPTION_BIT(AS) | HF_OPTION_BIT(AS_OF) | HF_OPTION_BIT(ERRORS) |
         HF_OPTION_BIT(SKIP_ERRORS) | HF_OPTION_BIT(LOCATION) | HF_OPTION_BIT(RUN),
     2, 2, hf_cli_import},
    {HF_GROUP_FILES, "export",
     "stock|reservations|ledger|transfers|inbound\n"
     "    [FILE.csv|FILE.jsonl] [--location L] [--since LSN]",
     "all there is of something into a file",
     "The file's suffix decides the form. Without a file it goes to standard output, as CSV or,\n"
     "with --json, one object a line. The file appears whole or not at all. All rows are true at\n"
     "one LSN, although the server goes on; it is told on standard error, as the token from which\n"
     "`holdfast watch --from` goes on.\n"
     "\n"
     "    holdfast export stock stock.csv\n"
     "    holdfast export reservations --location BERLIN\n"
     "    holdfast export ledger ledger.jsonl --since 4711\n"
     "\n"
     "The ledger begins where the server's log does. The other exports read a frozen state, one\n"
     "export at a time: a second one waits. When too much changes meanwhile (export_memory of the\n"
     "server) it begins again.\n",
     HF_OPTION_BIT(LOCATION) | HF_OPTION_BIT(SINCE), 1, 2, hf_cli_export},
    {HF_GROUP_SERVER, "snapshot", "", "write a snapshot and wait until it is on disk", "", 0, 0, 0,
     hf_cli_snapshot},
    {HF_GROUP_SERVER, "backup", "DIR", "copy the data directory while the server goes on",
     "Makes a backup on the server's machine: DIR is a name below the folder that its "
     "configuration\n"
     "gives (backup_directory), and must not be there yet. It holds a snapshot and the log after\n"
     "it, is whole or not there, and is a data directory: start a server on a copy of it, or\n"
     "restore from it to a point before its end.\n"
     "\n"
     "    holdfast backup 2026-11-22\n"
     "    cp -r /backups/2026-11-22 /var/lib/holdfast && holdfastd --data /var/lib/holdfast\n"
     "    holdfastd --restore-to 4711 --from /backups/2026-11-22 --data /var/lib/holdfast\n",
     0, 1, 1, hf_cli_backup},
    {HF_GROUP_SERVER, "digest", "", "a hash over all that the server knows", "", 0, 0, 0,
     hf_cli_digest},
    {HF_GROUP_SERVER, "audit", "",
     "prove that every counter is the sum of its moves and reservations", "", 0, 0, 0,
     hf_cli_audit},
    {HF_GROUP_SERVER, "stats", "", "figures of the server", "", 0, 0, 0, hf_cli_stats},
    {HF_GROUP_SERVER, "ping", "", "is it there, and how far away?", "", 0, 0, 0, hf_cli_ping},
};
const size_t hf_commands_count = sizeof hf_commands / sizeof hf_commands[0];
