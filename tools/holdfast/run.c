/*
 * run.c - one command line, from its words to its exit code.
 */
#include <stdio.h>
#include <string.h>

#include "engine/assert.h"
#include "tools/holdfast/cli.h"

/* `holdfast help`, `holdfast help reserve`, `holdfast help transfer ship`, `holdfast reserve
 * --help`. */
static enum hf_exit help(const struct hf_cli *cli)
{
    const char *const *words = cli->args.words;
    size_t count = cli->args.words_count;

    if (count > 0 && strcmp(words[0], "help") == 0) {
        words += 1;
        count -= 1;
    }
    if (count == 0) {
        hf_commands_print_help();
        return HF_EXIT_DONE;
    }
    const struct hf_command *command = hf_command_find(words, count);
    if (command != NULL) {
        hf_command_print_help(command);
        return HF_EXIT_DONE;
    }
    if (!hf_command_is_family(words[0])) {
        return hf_cli_usage(cli, "unknown command \"%s\"", words[0]);
    }
    if (count > 1) {
        return hf_cli_usage(cli, "there is no \"%s %s\"", words[0], words[1]);
    }
    hf_family_print_help(words[0]);
    return HF_EXIT_DONE;
}

/* No command has these words: say what may stand there. */
static enum hf_exit refuse_words(const struct hf_cli *cli)
{
    const char *const *words = cli->args.words;

    if (!hf_command_is_family(words[0])) {
        return hf_cli_usage(cli, "unknown command \"%s\"", words[0]);
    }
    if (cli->args.words_count == 1) {
        return hf_cli_usage(cli, "%s needs more than that", words[0]);
    }
    return hf_cli_usage(cli, "%s does not know what to do with \"%s\"", words[0], words[1]);
}

/* The command that the words name, when its words and options can be right. */
static enum hf_exit run_command(struct hf_cli *cli)
{
    const struct hf_command *command = hf_command_find(cli->args.words, cli->args.words_count);

    if (command == NULL) {
        return refuse_words(cli);
    }
    const size_t name_words = hf_command_words_count(command);
    HF_ASSERT(cli->args.words_count >= name_words);
    cli->command = command;
    cli->words = cli->args.words + name_words;
    cli->words_count = cli->args.words_count - name_words;

    const enum hf_option stray = hf_args_stray(&cli->args, command->options | HF_OPTIONS_ALWAYS);
    if (stray != HF_OPTIONS_COUNT) {
        return hf_cli_usage(cli, "%s takes no option --%s", command->name, hf_option_name(stray));
    }
    if (cli->words_count < command->words_min) {
        return hf_cli_usage(cli, "%s needs more than that", command->name);
    }
    if (cli->words_count > command->words_max) {
        return hf_cli_usage(cli, "%s does not know what to do with \"%s\"", command->name,
                            cli->words[command->words_max]);
    }
    return command->run(cli);
}

enum hf_exit hf_cli_run(struct hf_cli *cli, int argc, char *const *argv)
{
    HF_ASSERT(cli->command == NULL);

    const bool is_understood = hf_args_parse(&cli->args, argc, argv);
    const struct hf_args *args = &cli->args;

    cli->is_json =
        hf_args_has(args, HF_OPTION_JSON) || (cli->session != NULL && cli->session->is_json);
    if (!is_understood) {
        return hf_cli_usage(cli, "%s", args->error);
    }
    if (hf_args_has(args, HF_OPTION_VERSION)) {
        (void)printf("holdfast %s\n", holdfast_version());
        return HF_EXIT_DONE;
    }
    if (hf_args_has(args, HF_OPTION_HELP) ||
        (args->words_count > 0 && strcmp(args->words[0], "help") == 0)) {
        return help(cli);
    }
    if (args->words_count > 0) {
        return run_command(cli);
    }
    if (cli->session != NULL) {
        return hf_cli_usage(cli, "what shall be done?");
    }
    const enum hf_option stray = hf_args_stray(args, HF_OPTIONS_ALWAYS | HF_OPTION_BIT(KEEP_GOING));
    if (stray != HF_OPTIONS_COUNT) {
        return hf_cli_usage(cli, "--%s needs a command", hf_option_name(stray));
    }
    return hf_cli_prompt(cli);
}

void hf_cli_end(struct hf_cli *cli)
{
    hf_args_release(&cli->args);
    cli->command = NULL;
    cli->words = NULL;
    cli->words_count = 0;
}
