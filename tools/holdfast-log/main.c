/*
 * holdfast-log - look at a data directory, prove it, and repair it.
 */
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/version.h"
#include "tools/common/parse.h"
#include "tools/holdfast-log/log_tool.h"

#define ERROR_BYTES 1024

static const char usage[] =
    "usage: holdfast-log COMMAND DIR [OPTION]...\n"
    "\n"
    "Looks at the data directory of a holdfastd: log segments, snapshots, manifest. Also while "
    "the\n"
    "server runs, but for `repair`, which is the only command that changes anything.\n"
    "\n"
    "  list DIR               the files, the LSNs in them, and what the next start reads\n"
    "  dump DIR               the records of the log, one JSON object a line\n"
    "  verify DIR             read every byte of every file: is all as it was written?\n"
    "  digest DIR             the digest of the state, as `holdfast digest` has it\n"
    "  repair DIR --to LSN    when a start is refused: go back to an LSN before the damage\n"
    "\n"
    "  --from LSN, --to LSN   dump: these records only\n"
    "  --places               dump: with the file and the offset of each record's block\n"
    "  --past-damage          dump: go on behind a damaged place with what can be read\n"
    "  --at LSN               digest: of the state at that LSN instead of the end\n"
    "  --to LSN               repair: the last LSN that stays; verify says up to which the state "
    "is\n"
    "                         known. What is after it is given up, but no byte is deleted: what "
    "is\n"
    "                         cut stays beside as *.cut-N. LSNs go on in a new epoch\n"
    "  --yes                  repair: do not ask; without it and a terminal it only says what it "
    "would do\n"
    "  --json                 list, verify, digest, repair: JSON, one object a line\n"
    "  --version, --help\n"
    "\n"
    "Examples:\n"
    "  holdfast-log verify /var/lib/holdfast\n"
    "  holdfast-log dump /var/lib/holdfast --from 4000 | grep '\"order\":\"web-1001\"'\n"
    "  holdfast-log digest /backup/holdfast --at 4711\n"
    "  holdfast-log dump /var/lib/holdfast --from 4712 --past-damage > lost.jsonl\n"
    "  holdfast-log repair /var/lib/holdfast --to 4711\n"
    "\n"
    "Exit codes:\n"
    "  0  done; verify: all is sound\n"
    "  1  verify: a torn tail, which the next start cuts; others: not possible, or not wanted\n"
    "  2  damage, with file, offset and what was expected\n"
    "  3  wrong usage, not a data directory, or it cannot be read\n";

void hf_tool_complain(const char *format, ...)
{
    va_list arguments;

    (void)fputs("holdfast-log: ", stderr);
    va_start(arguments, format);
    (void)vfprintf(stderr, format, arguments);
    va_end(arguments);
    (void)fputc('\n', stderr);
}

bool hf_tool_open(struct hf_inspect_directory *opened, const char *path)
{
    char error[ERROR_BYTES];

    if (hf_inspect_open(opened, path, hf_disk_posix(), error, sizeof error) != HF_OK) {
        hf_tool_complain("%s", error);
        return false;
    }
    return true;
}

/* ------------------------------------------------------------------ arguments */

enum option_mark {
    OPTION_FROM = 1,
    OPTION_TO = 2,
    OPTION_AT = 4,
    OPTION_PLACES = 8,
    OPTION_PAST = 16,
    OPTION_JSON = 32,
    OPTION_YES = 128,
    OPTION_HELP = 256,
    OPTION_VERSION = 512
};

static const struct command {
    const char *name;
    unsigned options; /* enum option_mark */
    enum hf_log_exit (*run)(const struct hf_log_options *options);
} commands[] = {
    {"list", OPTION_JSON, hf_tool_list},
    {"dump", OPTION_FROM | OPTION_TO | OPTION_PLACES | OPTION_PAST | OPTION_JSON, hf_tool_dump},
    {"verify", OPTION_JSON, hf_tool_verify},
    {"digest", OPTION_AT | OPTION_JSON, hf_tool_digest},
    {"repair", OPTION_TO | OPTION_YES | OPTION_JSON, hf_tool_repair},
};

static const struct option known[] = {
    {"from", required_argument, NULL, OPTION_FROM},  {"to", required_argument, NULL, OPTION_TO},
    {"at", required_argument, NULL, OPTION_AT},      {"places", no_argument, NULL, OPTION_PLACES},
    {"past-damage", no_argument, NULL, OPTION_PAST}, {"json", no_argument, NULL, OPTION_JSON},
    {"yes", no_argument, NULL, OPTION_YES},          {"help", no_argument, NULL, OPTION_HELP},
    {"version", no_argument, NULL, OPTION_VERSION},  {NULL, 0, NULL, 0}};

static bool read_lsn(const char *name, uint64_t *lsn, bool *has_lsn)
{
    *has_lsn = true;
    if (hf_parse_count(optarg, UINT64_MAX - 1, lsn)) {
        return true;
    }
    hf_tool_complain("--%s is an LSN, a whole number, not \"%s\"", name, optarg);
    return false;
}

static bool read_option(int option, struct hf_log_options *options)
{
    switch (option) {
    case OPTION_FROM:
        return read_lsn("from", &options->from_lsn, &options->has_from);
    case OPTION_TO:
        return read_lsn("to", &options->to_lsn, &options->has_to);
    case OPTION_AT:
        return read_lsn("at", &options->at_lsn, &options->has_at);
    case OPTION_PLACES:
        options->wants_places = true;
        return true;
    case OPTION_PAST:
        options->skips_damage = true;
        return true;
    case OPTION_JSON:
        options->is_json = true;
        return true;
    case OPTION_YES:
        options->is_yes = true;
        return true;
    default:
        (void)fputs("see holdfast-log --help\n", stderr); /* getopt has said what is wrong */
        return false;
    }
}

static const struct command *find_command(const char *name)
{
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        if (strcmp(commands[i].name, name) == 0) {
            return &commands[i];
        }
    }
    return NULL;
}

/* NULL: wrong usage, which was said, or help was given and *code is 0. */
static const struct command *read_arguments(int argc, char **argv, struct hf_log_options *options,
                                            enum hf_log_exit *code)
{
    unsigned given = 0;

    *code = HF_LOG_USAGE;
    for (int option; (option = getopt_long(argc, argv, "", known, NULL)) != -1;) {
        if (option == OPTION_HELP || option == OPTION_VERSION) {
            *code = HF_LOG_DONE;
            (void)(option == OPTION_HELP ? fputs(usage, stdout)
                                         : printf("holdfast-log %s\n", HF_VERSION));
            return NULL;
        }
        if (!read_option(option, options)) {
            return NULL;
        }
        given |= (unsigned)option;
    }
    const struct command *command = optind < argc ? find_command(argv[optind]) : NULL;
    if (command == NULL) {
        if (optind < argc) {
            hf_tool_complain("there is no command \"%s\"", argv[optind]);
        }
        (void)fputs(usage, stderr);
        return NULL;
    }
    if (optind + 2 != argc) {
        hf_tool_complain("%s needs one data directory", command->name);
        return NULL;
    }
    for (size_t i = 0; known[i].name != NULL; i++) {
        const unsigned mark = (unsigned)known[i].val;
        if ((given & mark & ~command->options) != 0) {
            hf_tool_complain("%s has no option --%s", command->name, known[i].name);
            return NULL;
        }
    }
    options->path = argv[optind + 1];
    return command;
}

int main(int argc, char **argv)
{
    struct hf_log_options options = {0};
    enum hf_log_exit code;

    const struct command *command = read_arguments(argc, argv, &options, &code);
    if (command != NULL) {
        code = command->run(&options);
    }
    if (fflush(stdout) != 0 || ferror(stdout) != 0) {
        hf_tool_complain("could not write to standard output");
        code = code == HF_LOG_DONE ? HF_LOG_USAGE : code;
    }
    return (int)code;
}
