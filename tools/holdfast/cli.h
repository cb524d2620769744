/*
 * cli.h - the command-line program: a table of commands and what they share.
 *
 *     main.c      the program: one command line, or the prompt
 *     run.c       one command line: options that stand for themselves, choice of the command
 *     prompt.c    many command lines: from a terminal (libedit) or from a file
 *     words.c     a line of text as words; complete.c   what may stand at its end
 *     commands.c  the table: name, usage, options, help, function; help.c    prints it
 *     args.c      words and options of a command line; when.c   times and places in the log
 *     write.c     commands that change stock           one operation each, through report.c
 *     shipment.c  transfers and inbound shipments: changes and questions
 *     read.c      questions about stock, reservations, the ledger
 *     watch.c     the change feed; event.c              one event as text and as JSON
 *     admin.c     snapshot, backup, digest, audit, stats, ping
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

/* Under which heading `holdfast help` lists a command. */
enum hf_group {
    HF_GROUP_STOCK,
    HF_GROUP_RESERVATIONS,
    HF_GROUP_TRANSFERS,
    HF_GROUP_INBOUND,
    HF_GROUP_QUESTIONS,
    HF_GROUP_FILES,
    HF_GROUP_SERVER,
    HF_GROUPS_COUNT
};

struct hf_command {
    enum hf_group group;
    const char *name;  /* one word, or two: "transfer create" */
    const char *usage; /* what follows the name; lines after the first are other forms */
    const char *summary;
    const char *help; /* more about it, and an example */
    uint64_t options; /* HF_OPTION_BIT of those it takes, besides HF_OPTIONS_ALWAYS */
    size_t words_min; /* behind the name */
    size_t words_max; /* SIZE_MAX: no limit */
    hf_cli_run_cb run;
};

/* Options that every command takes. */
#define HF_OPTIONS_ALWAYS                                                                          \
    (HF_OPTION_BIT(SERVER) | HF_OPTION_BIT(JSON) | HF_OPTION_BIT(HELP) | HF_OPTION_BIT(VERSION))
#define HF_OPTIONS_WRITE (HF_OPTION_BIT(REF) | HF_OPTION_BIT(ORDER) | HF_OPTION_BIT(BY))

/* A connection that outlives a command, because further ones follow it (prompt.c). */
struct hf_session {
    const char *server;   /* --server of the program, for commands that give none; or NULL */
    bool is_json;         /* --json of the program */
    struct holdfast *hf;  /* NULL: none is open */
    char *address;        /* of `hf` */
    uint32_t patience_ms; /* of `hf` */
};

struct hf_cli {
    struct hf_args args;
    const struct hf_command *command;
    const char *const *words; /* behind the command's name */
    size_t words_count;
    bool is_json;
    uint32_t patience_ms;       /* how long to wait for an answer; 0: as long as the library does */
    struct holdfast *hf;        /* NULL until hf_cli_connect */
    struct hf_session *session; /* NULL: this is the only command; else it owns `hf` */
};

/* ---- commands.c */

extern const struct hf_command hf_commands[];
extern const size_t hf_commands_count;
/* The command that the first words name, by two of them or by one. NULL: there is none. */
const struct hf_command *hf_command_find(const char *const *words, size_t count);
size_t hf_command_words_count(const struct hf_command *command);
/* True for a word that begins commands of two words ("transfer"). */
bool hf_command_is_family(const char *word);
/* Each form of its usage on a line of its own. */
void hf_command_print_usage(const struct hf_command *command, FILE *out, const char *margin);
void hf_command_print_help(const struct hf_command *command);
void hf_family_print_help(const char *word);
void hf_family_print_usage(const char *word, FILE *out, const char *margin);
void hf_commands_print_help(void);

/* ---- run.c, prompt.c */

/* Run one command line, argv[0..argc) without the program's name. `cli` is zero, or has its
 * session; hf_cli_end gives the contents back. */
enum hf_exit hf_cli_run(struct hf_cli *cli, int argc, char *const *argv);
void hf_cli_end(struct hf_cli *cli);
/* Command lines from standard input until it ends: for people when it is a terminal. */
enum hf_exit hf_cli_prompt(struct hf_cli *cli);

/* ---- report.c */

enum hf_exit hf_cli_exit_of(enum holdfast_outcome outcome);
/* Say what is wrong with the command line. HF_EXIT_USAGE. */
enum hf_exit hf_cli_usage(const struct hf_cli *cli, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Connect to --server, or HOLDFAST_SERVER, or the default. False: it was said why. `ref` is that
 * of a write that could not be sent, else NULL. */
bool hf_cli_connect(struct hf_cli *cli, const char *ref);
/* --server, or that of the prompt, or HOLDFAST_SERVER, or the default. */
const char *hf_cli_address(const struct hf_cli *cli);
/* A connection of its own that the caller closes; NULL: it was said why. */
struct holdfast *hf_cli_open(const struct hf_cli *cli, const struct holdfast_options *options,
                             const char *ref);
/* A question that was not answered: say so. */
enum hf_exit hf_cli_report_failure(const struct hf_cli *cli, enum holdfast_outcome outcome);
/* A value that no message can carry: invalid_argument, without asking the server. */
enum hf_exit hf_cli_report_invalid(const struct hf_cli *cli, const char *field, const char *why);
/* What became of a write. `ref` is the name to repeat it by. */
enum hf_exit hf_cli_report_write(const struct hf_cli *cli, const struct holdfast_op *op,
                                 const struct holdfast_reply *reply, const char *ref);

/* ---- write.c, for other files with commands that change stock */

/* Add --ref, --order and --by, send the operation once and say what became of it. */
enum hf_exit hf_cli_execute(struct hf_cli *cli, const struct holdfast_op *op);
/* Lines that cannot be read: say so. */
enum hf_exit hf_cli_report_lines(const struct hf_cli *cli, enum hf_lines_error error,
                                 const struct hf_lines *lines);
/* --reason into op->reason; `otherwise` when it is not given. */
enum hf_exit hf_cli_set_reason(const struct hf_cli *cli, struct holdfast_op *op,
                               enum holdfast_reason otherwise);

/* ---- the commands */

enum hf_exit hf_cli_receive(struct hf_cli *cli);
enum hf_exit hf_cli_adjust(struct hf_cli *cli);
enum hf_exit hf_cli_sell(struct hf_cli *cli);
enum hf_exit hf_cli_set(struct hf_cli *cli);
enum hf_exit hf_cli_move_status(struct hf_cli *cli);
enum hf_exit hf_cli_dispose(struct hf_cli *cli);
enum hf_exit hf_cli_policy(struct hf_cli *cli);
enum hf_exit hf_cli_region(struct hf_cli *cli);
enum hf_exit hf_cli_reserve(struct hf_cli *cli);
enum hf_exit hf_cli_replace(struct hf_cli *cli);
enum hf_exit hf_cli_confirm(struct hf_cli *cli);
enum hf_exit hf_cli_extend(struct hf_cli *cli);
enum hf_exit hf_cli_release(struct hf_cli *cli);
enum hf_exit hf_cli_fulfil(struct hf_cli *cli);

enum hf_exit hf_cli_transfer_create(struct hf_cli *cli);
enum hf_exit hf_cli_transfer_ship(struct hf_cli *cli);
enum hf_exit hf_cli_transfer_receive(struct hf_cli *cli);
enum hf_exit hf_cli_transfer_cancel(struct hf_cli *cli);
enum hf_exit hf_cli_transfer_close(struct hf_cli *cli);
enum hf_exit hf_cli_transfer_show(struct hf_cli *cli);
enum hf_exit hf_cli_transfer_list(struct hf_cli *cli);
enum hf_exit hf_cli_inbound_create(struct hf_cli *cli);
enum hf_exit hf_cli_inbound_receive(struct hf_cli *cli);
enum hf_exit hf_cli_inbound_cancel(struct hf_cli *cli);
enum hf_exit hf_cli_inbound_show(struct hf_cli *cli);
enum hf_exit hf_cli_inbound_list(struct hf_cli *cli);

enum hf_exit hf_cli_stock(struct hf_cli *cli);
enum hf_exit hf_cli_ats(struct hf_cli *cli);
enum hf_exit hf_cli_show(struct hf_cli *cli);
enum hf_exit hf_cli_order(struct hf_cli *cli);
enum hf_exit hf_cli_ledger(struct hf_cli *cli);
enum hf_exit hf_cli_list(struct hf_cli *cli);
enum hf_exit hf_cli_shortages(struct hf_cli *cli);
enum hf_exit hf_cli_watch(struct hf_cli *cli);
enum hf_exit hf_cli_import(struct hf_cli *cli);
enum hf_exit hf_cli_export(struct hf_cli *cli);

enum hf_exit hf_cli_snapshot(struct hf_cli *cli);
enum hf_exit hf_cli_backup(struct hf_cli *cli);
enum hf_exit hf_cli_digest(struct hf_cli *cli);
enum hf_exit hf_cli_audit(struct hf_cli *cli);
enum hf_exit hf_cli_stats(struct hf_cli *cli);
enum hf_exit hf_cli_ping(struct hf_cli *cli);

#endif
