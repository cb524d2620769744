#include "tools/holdfast/cli.h"

#include <stdio.h>
#include <string.h>

#include "engine/assert.h"

#define ANY SIZE_MAX
#define LINES "SKU@LOC QTY | SKU@LOC=QTY..."

const struct hf_command hf_commands[] = {
    {"receive", LINES, "take units in",
     "Units arrive and are on hand from now on. New SKU and location codes are created.\n"
     "All lines are one operation: all of them happen, or none.\n"
     "\n"
     "    holdfast receive PHONE-13@BERLIN 40 --order PO-88\n"
     "    holdfast receive PHONE-13@BERLIN=40 CASE-1@BERLIN=200 --reason return\n"
     "\n"
     "The reason is purchase when none is given.\n",
     HF_OPTIONS_WRITE | HF_OPTION_BIT(REASON) | HF_OPTION_BIT(IF_VERSION), 1, ANY, hf_cli_receive},
    {"sell", LINES, "sell units without a reservation",
     "A direct sale, checked against ATF: what is on hand, not reserved and not kept back.\n"
     "With --fact it has happened already, offline, and only what is on hand limits it.\n"
     "\n"
     "    holdfast sell MILK-1L@BERLIN=2 BREAD-RYE@BERLIN=1 --order till-7-2211\n",
     HF_OPTIONS_WRITE | HF_OPTION_BIT(IF_VERSION) | HF_OPTION_BIT(FACT), 1, ANY, hf_cli_sell},
    {"adjust", "SKU@LOC +-QTY | SKU@LOC=+-QTY...", "correct what is on hand, up or down",
     "A negative figure is a fact: it may cut into stock that was promised, but what is on hand\n"
     "never goes below zero.\n"
     "\n"
     "    holdfast adjust PHONE-13@BERLIN -2 --reason damage --by anna\n"
     "    holdfast adjust PHONE-13@BERLIN=+1 CASE-1@BERLIN=-3 --reason count\n"
     "\n"
     "The reason is correction when none is given.\n",
     HF_OPTIONS_WRITE | HF_OPTION_BIT(REASON) | HF_OPTION_BIT(IF_VERSION), 1, ANY, hf_cli_adjust},
    {"policy",
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
    {"region", "NAME LOC...", "put locations into a region",
     "A location is in one region at most: it leaves the one it was in.\n"
     "\n"
     "    holdfast region north BERLIN HAMBURG\n",
     HF_OPTIONS_WRITE, 2, ANY, hf_cli_region},
    {"reserve", "ID SKU@LOC=QTY... [--ttl 15m] [--partial]", "hold units for an order",
     "All lines are held, or none; with --partial each line gets what may be promised. Without\n"
     "--ttl the hold has no deadline. The id is the reference as well: the same command again is\n"
     "done once.\n"
     "\n"
     "    holdfast reserve cart-1 PHONE-13@BERLIN=1 CASE-1@BERLIN=1 --ttl 15m --order web-1001\n",
     HF_OPTIONS_WRITE | HF_OPTION_BIT(TTL) | HF_OPTION_BIT(PARTIAL) | HF_OPTION_BIT(IF_VERSION), 2,
     ANY, hf_cli_reserve},
    {"replace", "OLD_ID ID SKU@LOC=QTY... [--ttl D]", "exchange a reservation for another",
     "The new reservation takes the place of the old one in one step, and the old hold does not\n"
     "count against it. Held gives held, confirmed gives confirmed. Without --ttl it keeps the\n"
     "old deadline.\n"
     "\n"
     "    holdfast replace cart-1 cart-1b PHONE-13@BERLIN=2\n",
     HF_OPTIONS_WRITE | HF_OPTION_BIT(TTL) | HF_OPTION_BIT(IF_VERSION), 3, ANY, hf_cli_replace},
    {"confirm", "ID", "make a hold firm: it has no deadline any more",
     "    holdfast confirm cart-1 --by checkout\n", HF_OPTIONS_WRITE, 1, 1, hf_cli_confirm},
    {"extend", "ID --ttl D", "give a hold more time",
     "The deadline becomes now + D, never beyond the longest life of a reservation.\n"
     "\n"
     "    holdfast extend cart-1 --ttl 10m\n",
     HF_OPTIONS_WRITE | HF_OPTION_BIT(TTL), 1, 1, hf_cli_extend},
    {"release", "ID [SKU@LOC=QTY...]\n--order REF", "give reserved units back",
     "Without lines all that is left of the reservation. With --order and no id: all open\n"
     "reservations of the order in one operation.\n"
     "\n"
     "    holdfast release cart-1\n"
     "    holdfast release cart-1 CASE-1@BERLIN=1\n"
     "    holdfast release --order web-1001\n",
     HF_OPTIONS_WRITE | HF_OPTION_BIT(IF_VERSION), 0, ANY, hf_cli_release},
    {"fulfil", "ID [SKU@LOC=QTY...] [--release-rest]", "units of a confirmed reservation leave",
     "Without lines all that is left. The rest stays reserved unless --release-rest is given.\n"
     "\n"
     "    holdfast fulfil cart-1 PHONE-13@BERLIN=1 --release-rest --order DN-5\n",
     HF_OPTIONS_WRITE | HF_OPTION_BIT(RELEASE_REST) | HF_OPTION_BIT(IF_VERSION), 1, ANY,
     hf_cli_fulfil},
    {"stock", "SKU@LOC", "the counters of one stock cell", "    holdfast stock PHONE-13@BERLIN\n",
     0, 1, 1, hf_cli_stock},
    {"ats", "SKU... [--location L | --region R]", "what is available to sell",
     "Over all locations, in a region or at one location. A location in shortage does not eat\n"
     "another's stock.\n"
     "\n"
     "    holdfast ats PHONE-13 CASE-1 --region north\n",
     HF_OPTION_BIT(LOCATION) | HF_OPTION_BIT(REGION), 1, ANY, hf_cli_ats},
    {"show", "ID", "one reservation and its lines", "    holdfast show cart-1\n", 0, 1, 1,
     hf_cli_show},
    {"order", "REF", "the reservations of an order, newest first", "    holdfast order web-1001\n",
     0, 1, 1, hf_cli_order},
    {"ledger", "SKU@LOC [--limit N]\n--ref REF [--limit N]\n--order REF [--limit N]",
     "what happened, newest first",
     "The moves of a stock cell, of one operation (by its reference or reservation id), or of an\n"
     "order, as far back as the server's memory goes.\n"
     "\n"
     "    holdfast ledger PHONE-13@BERLIN --limit 20\n",
     HF_OPTION_BIT(REF) | HF_OPTION_BIT(ORDER) | HF_OPTION_BIT(LIMIT), 0, 1, hf_cli_ledger},
    {"list", "[--location L] [--prefix P] [--low]", "stock cells, in the order of their creation",
     "    holdfast list --location BERLIN --low\n",
     HF_OPTION_BIT(LOCATION) | HF_OPTION_BIT(PREFIX) | HF_OPTION_BIT(LOW), 0, 0, hf_cli_list},
    {"export", "stock [FILE.csv|FILE.jsonl]", "all stock cells into a file",
     "The file's suffix decides the form. Without a file it goes to standard output, as CSV or,\n"
     "with --json, one object a line. The file appears whole or not at all.\n"
     "\n"
     "    holdfast export stock stock.csv\n",
     0, 1, 2, hf_cli_export},
    {"snapshot", "", "write a snapshot and wait until it is on disk", "", 0, 0, 0, hf_cli_snapshot},
    {"digest", "", "a hash over all that the server knows", "", 0, 0, 0, hf_cli_digest},
    {"audit", "", "prove that every counter is the sum of its moves and reservations", "", 0, 0, 0,
     hf_cli_audit},
    {"stats", "", "figures of the server", "", 0, 0, 0, hf_cli_stats},
    {"ping", "", "is it there, and how far away?", "", 0, 0, 0, hf_cli_ping},
};
const size_t hf_commands_count = sizeof hf_commands / sizeof hf_commands[0];

const struct hf_command *hf_command_find(const char *name)
{
    for (size_t i = 0; i < hf_commands_count; i++) {
        if (strcmp(hf_commands[i].name, name) == 0) {
            return &hf_commands[i];
        }
    }
    return NULL;
}

static void print_option(enum hf_option option)
{
    char title[64];
    (void)snprintf(title, sizeof title, "--%s%s%s", hf_option_name(option),
                   hf_option_value(option)[0] == '\0' ? "" : " ", hf_option_value(option));
    (void)printf("    %-30s  %s\n", title, hf_option_text(option));
}

static void print_options(uint32_t mask)
{
    for (unsigned i = 0; i < HF_OPTIONS_COUNT; i++) {
        if ((mask & (UINT32_C(1) << i)) != 0) {
            print_option((enum hf_option)i);
        }
    }
}

void hf_command_print_usage(const struct hf_command *command, FILE *out, const char *margin)
{
    const char *usage = command->usage;

    for (;;) {
        const size_t bytes = strcspn(usage, "\n");
        (void)fprintf(out, "%sholdfast %s%s%.*s\n", margin, command->name, bytes == 0 ? "" : " ",
                      (int)bytes, usage);
        if (usage[bytes] == '\0') {
            return;
        }
        usage += bytes + 1;
    }
}

void hf_command_print_help(const struct hf_command *command)
{
    (void)printf("holdfast %s: %s\n\n", command->name, command->summary);
    hf_command_print_usage(command, stdout, "    ");
    if (command->help[0] != '\0') {
        (void)printf("\n%s", command->help);
    }
    if ((command->options & HF_OPTION_BIT(REASON)) != 0) {
        (void)printf("\nReasons:");
        for (int i = HOLDFAST_PURCHASE; i <= HOLDFAST_OTHER; i++) {
            (void)printf(" %s", holdfast_reason_name((enum holdfast_reason)i));
        }
        (void)printf("\n");
    }
    (void)printf("\nOptions:\n");
    print_options(command->options | HF_OPTIONS_ALWAYS);
}

void hf_commands_print_help(void)
{
    (void)printf("holdfast [--server HOST:PORT] [--json] COMMAND ...\n\n"
                 "Commands; `holdfast help COMMAND` says more:\n");
    for (size_t i = 0; i < hf_commands_count; i++) {
        (void)printf("    %-10s  %s\n", hf_commands[i].name, hf_commands[i].summary);
    }
    (void)printf("\nFor every command:\n");
    print_options(HF_OPTIONS_ALWAYS);
    (void)printf("\nFor every command that changes stock:\n");
    print_options(HF_OPTIONS_WRITE);
    (void)printf("\nSKU@LOC splits at the last \"@\", =QTY at the last \"=\". Options may stand "
                 "anywhere; \"--\" ends them.\n"
                 "\nExit codes: 0 done; 1 refused by a rule; 2 wrong usage or invalid_argument;\n"
                 "3 no connection, not_primary or unknown.\n");
}
