/*
 * cli.h - the command-line program: a table of commands and what they share.
 *
 *     main.c      options that stand for themselves, choice of the command, help
 *     commands.c  the table: name, usage, options, help, function
 *     args.c      words and options of a command line
 *     write.c     commands that change stock           one operation each, through report.c
 *     read.c      questions about stock, reservations, the ledger
 *     admin.c     snapshot, digest, audit, stats, ping
 *     export.c    stock into a file
 *     report.c    what became of a write, for people and as JSON; exit codes
 *     output.c    tables, JSON, times
 *
 * A command judges its words first and connects then: a mistake in the usage needs no server.
 * Exit codes: 0 done; 1 refused by a rule; 2 wrong usage or invalid_argument; 3 no connection,
 * not_primary or unknown.
 */
#ifndef HF_TOOLS_HOLDFAST_CLI_H
#define HF_TOOLS_HOLDFAST_CLI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "net/holdfast.h"
#include "tools/holdfast/args.h"

enum hf_exit { HF_EXIT_DONE = 0, HF_EXIT_REFUSED = 1, HF_EXIT_USAGE = 2, HF_EXIT_UNKNOWN = 3 };

struct hf_cli;
typedef enum hf_exit (*hf_cli_run_cb)(struct hf_cli *cli);

struct hf_command {
    const char *name;
    const char *usage; /* what follows the name; lines after the first are other forms */
    const char *summary;
    const char *help; /* more about it, and an example */
    uint32_t options; /* HF_OPTION_BIT of those it takes, besides HF_OPTIONS_ALWAYS */
    size_t words_min; /* behind the name */
    size_t words_max; /* SIZE_MAX: no limit */
    hf_cli_run_cb run;
};

/* Options that every command takes. */
#define HF_OPTIONS_ALWAYS                                                                          \
    (HF_OPTION_BIT(SERVER) | HF_OPTION_BIT(JSON) | HF_OPTION_BIT(HELP) | HF_OPTION_BIT(VERSION))
#define HF_OPTIONS_WRITE (HF_OPTION_BIT(REF) | HF_OPTION_BIT(ORDER) | HF_OPTION_BIT(BY))

struct hf_cli {
    struct hf_args args;
    const struct hf_command *command;
    const char *const *words; /* behind the command's name */
    size_t words_count;
    bool is_json;
    uint32_t patience_ms; /* how long to wait for an answer; 0: as long as the library does */
    struct holdfast *hf;  /* NULL until hf_cli_connect */
};

/* ---- commands.c */

extern const struct hf_command hf_commands[];
extern const size_t hf_commands_count;
/* NULL when there is none. */
const struct hf_command *hf_command_find(const char *name);
/* Each form of its usage on a line of its own. */
void hf_command_print_usage(const struct hf_command *command, FILE *out, const char *margin);
void hf_command_print_help(const struct hf_command *command);
void hf_commands_print_help(void);

/* ---- report.c */

enum hf_exit hf_cli_exit_of(enum holdfast_outcome outcome);
/* Say what is wrong with the command line. HF_EXIT_USAGE. */
enum hf_exit hf_cli_usage(const struct hf_cli *cli, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Connect to --server, or HOLDFAST_SERVER, or the default. False: it was said why. `ref` is that
 * of a write that could not be sent, else NULL. */
bool hf_cli_connect(struct hf_cli *cli, const char *ref);
/* A question that was not answered: say so. */
enum hf_exit hf_cli_report_failure(const struct hf_cli *cli, enum holdfast_outcome outcome);
/* A value that no message can carry: invalid_argument, without asking the server. */
enum hf_exit hf_cli_report_invalid(const struct hf_cli *cli, const char *field, const char *why);
/* What became of a write. `ref` is the name to repeat it by. */
enum hf_exit hf_cli_report_write(const struct hf_cli *cli, const struct holdfast_op *op,
                                 const struct holdfast_reply *reply, const char *ref);

/* ---- the commands */

enum hf_exit hf_cli_receive(struct hf_cli *cli);
enum hf_exit hf_cli_adjust(struct hf_cli *cli);
enum hf_exit hf_cli_sell(struct hf_cli *cli);
enum hf_exit hf_cli_policy(struct hf_cli *cli);
enum hf_exit hf_cli_region(struct hf_cli *cli);
enum hf_exit hf_cli_reserve(struct hf_cli *cli);
enum hf_exit hf_cli_replace(struct hf_cli *cli);
enum hf_exit hf_cli_confirm(struct hf_cli *cli);
enum hf_exit hf_cli_extend(struct hf_cli *cli);
enum hf_exit hf_cli_release(struct hf_cli *cli);
enum hf_exit hf_cli_fulfil(struct hf_cli *cli);

enum hf_exit hf_cli_stock(struct hf_cli *cli);
enum hf_exit hf_cli_ats(struct hf_cli *cli);
enum hf_exit hf_cli_show(struct hf_cli *cli);
enum hf_exit hf_cli_order(struct hf_cli *cli);
enum hf_exit hf_cli_ledger(struct hf_cli *cli);
enum hf_exit hf_cli_list(struct hf_cli *cli);
enum hf_exit hf_cli_export(struct hf_cli *cli);

enum hf_exit hf_cli_snapshot(struct hf_cli *cli);
enum hf_exit hf_cli_digest(struct hf_cli *cli);
enum hf_exit hf_cli_audit(struct hf_cli *cli);
enum hf_exit hf_cli_stats(struct hf_cli *cli);
enum hf_exit hf_cli_ping(struct hf_cli *cli);

#endif
