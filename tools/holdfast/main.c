#include <stdio.h>
#include <string.h>

#include "engine/assert.h"
#include "tools/holdfast/cli.h"
#include "tools/holdfast/output.h"

/* `holdfast`, `holdfast help`, `holdfast help reserve`, `holdfast reserve --help`. */
static enum hf_exit help(struct hf_cli *cli)
{
    const char *name = NULL;

    if (cli->args.words_count > 0 && strcmp(cli->args.words[0], "help") != 0) {
        name = cli->args.words[0];
    } else if (cli->args.words_count > 1) {
        name = cli->args.words[1];
    }
    if (name == NULL) {
        hf_commands_print_help();
        return HF_EXIT_DONE;
    }
    const struct hf_command *command = hf_command_find(name);
    if (command == NULL) {
        return hf_cli_usage(cli, "unknown command \"%s\"", name);
    }
    hf_command_print_help(command);
    return HF_EXIT_DONE;
}

/* The command that the words name, when its words and options can be right. */
static enum hf_exit run_command(struct hf_cli *cli)
{
    const char *name = cli->args.words[0];
    const struct hf_command *command = hf_command_find(name);

    if (command == NULL) {
        return hf_cli_usage(cli, "unknown command \"%s\"", name);
    }
    cli->command = command;
    cli->words = cli->args.words + 1;
    cli->words_count = cli->args.words_count - 1;

    const enum hf_option stray = hf_args_stray(&cli->args, command->options | HF_OPTIONS_ALWAYS);
    if (stray != HF_OPTIONS_COUNT) {
        return hf_cli_usage(cli, "%s takes no option --%s", name, hf_option_name(stray));
    }
    if (cli->words_count < command->words_min) {
        return hf_cli_usage(cli, "%s needs more than that", name);
    }
    if (cli->words_count > command->words_max) {
        return hf_cli_usage(cli, "%s does not know what to do with \"%s\"", name,
                            cli->words[command->words_max]);
    }
    return command->run(cli);
}

static enum hf_exit run(struct hf_cli *cli, int argc, char *const *argv)
{
    const bool is_understood = hf_args_parse(&cli->args, argc, argv);

    cli->is_json = hf_args_has(&cli->args, HF_OPTION_JSON);
    if (!is_understood) {
        return hf_cli_usage(cli, "%s", cli->args.error);
    }
    if (hf_args_has(&cli->args, HF_OPTION_VERSION)) {
        (void)printf("holdfast %s\n", holdfast_version());
        return HF_EXIT_DONE;
    }
    if (hf_args_has(&cli->args, HF_OPTION_HELP) ||
        (cli->args.words_count > 0 && strcmp(cli->args.words[0], "help") == 0)) {
        return help(cli);
    }
    if (cli->args.words_count == 0) {
        return hf_cli_usage(cli, "what shall be done?");
    }
    return run_command(cli);
}

int main(int argc, char **argv)
{
    struct hf_cli cli = {0};
    enum hf_exit code = argc > 0 ? run(&cli, argc - 1, argv + 1) : HF_EXIT_USAGE;

    holdfast_close(cli.hf);
    hf_args_release(&cli.args);
    if (fflush(stdout) != 0 || ferror(stdout) != 0) {
        /* The answer did not reach whoever asked: for them it is not known. */
        (void)fputs("holdfast: could not write to standard output\n", stderr);
        code = code == HF_EXIT_DONE ? HF_EXIT_UNKNOWN : code;
    }
    return (int)code;
}
