/*
 * help.c - finding a command by its words, and saying how it is used.
 */
#include <stdio.h>
#include <string.h>

#include "engine/assert.h"
#include "tools/holdfast/cli.h"

/* ------------------------------------------------------------------ finding a command */

/* Bytes of the first word of a command's name. */
static size_t family_bytes(const struct hf_command *command)
{
    return strcspn(command->name, " ");
}

size_t hf_command_words_count(const struct hf_command *command)
{
    return strchr(command->name, ' ') == NULL ? 1 : 2;
}

static bool is_named(const struct hf_command *command, const char *const *words, size_t count)
{
    const size_t bytes = family_bytes(command);

    if (strlen(words[0]) != bytes || memcmp(words[0], command->name, bytes) != 0) {
        return false;
    }
    return command->name[bytes] == '\0' ||
           (count > 1 && strcmp(command->name + bytes + 1, words[1]) == 0);
}

const struct hf_command *hf_command_find(const char *const *words, size_t count)
{
    for (size_t i = 0; count > 0 && i < hf_commands_count; i++) {
        if (is_named(&hf_commands[i], words, count)) {
            return &hf_commands[i];
        }
    }
    return NULL;
}

static bool is_of_family(const struct hf_command *command, const char *word)
{
    const size_t bytes = family_bytes(command);
    return command->name[bytes] == ' ' && strlen(word) == bytes &&
           memcmp(word, command->name, bytes) == 0;
}

bool hf_command_is_family(const char *word)
{
    for (size_t i = 0; i < hf_commands_count; i++) {
        if (is_of_family(&hf_commands[i], word)) {
            return true;
        }
    }
    return false;
}

/* ------------------------------------------------------------------ help */

static void print_option(enum hf_option option)
{
    char title[64];
    (void)snprintf(title, sizeof title, "--%s%s%s", hf_option_name(option),
                   hf_option_value(option)[0] == '\0' ? "" : " ", hf_option_value(option));
    (void)printf("    %-30s  %s\n", title, hf_option_text(option));
}

static void print_options(uint64_t mask)
{
    for (unsigned i = 0; i < HF_OPTIONS_COUNT; i++) {
        if ((mask & (UINT64_C(1) << i)) != 0) {
            print_option((enum hf_option)i);
        }
    }
}

void hf_command_print_usage(const struct hf_command *command, FILE *out, const char *margin)
{
    const char *usage = command->usage;

    for (;;) {
        const size_t bytes = strcspn(usage, "\n");
        const bool is_continued = usage[0] == ' '; /* a long form goes on */
        if (is_continued) {
            (void)fprintf(out, "%*s%.*s\n", (int)strlen(margin), "", (int)bytes, usage);
        } else {
            (void)fprintf(out, "%sholdfast %s%s%.*s\n", margin, command->name,
                          bytes == 0 ? "" : " ", (int)bytes, usage);
        }
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
        for (int i = HOLDFAST_PURCHASE; i <= HOLDFAST_QUALITY; i++) {
            (void)printf(" %s", holdfast_reason_name((enum holdfast_reason)i));
        }
        (void)printf("\n");
    }
    (void)printf("\nOptions:\n");
    print_options(command->options | HF_OPTIONS_ALWAYS);
}

void hf_family_print_usage(const char *word, FILE *out, const char *margin)
{
    for (size_t i = 0; i < hf_commands_count; i++) {
        if (is_of_family(&hf_commands[i], word)) {
            hf_command_print_usage(&hf_commands[i], out, margin);
        }
    }
}

void hf_family_print_help(const char *word)
{
    (void)printf("holdfast %s ...; `holdfast help %s WORD` says more:\n\n", word, word);
    for (size_t i = 0; i < hf_commands_count; i++) {
        if (is_of_family(&hf_commands[i], word)) {
            (void)printf("    %-16s  %s\n", hf_commands[i].name, hf_commands[i].summary);
        }
    }
    (void)printf("\n");
    hf_family_print_usage(word, stdout, "    ");
}

static const char *group_title(enum hf_group group)
{
    switch (group) {
    case HF_GROUP_STOCK:
        return "Changing stock";
    case HF_GROUP_RESERVATIONS:
        return "Reservations";
    case HF_GROUP_TRANSFERS:
        return "Transfers between locations";
    case HF_GROUP_INBOUND:
        return "Inbound shipments";
    case HF_GROUP_QUESTIONS:
        return "Asking and watching";
    case HF_GROUP_FILES:
        return "Files";
    case HF_GROUP_SERVER:
        return "The server";
    default:
        HF_ASSERT(false && "every group has a title");
        return "";
    }
}

void hf_commands_print_help(void)
{
    (void)printf(
        "holdfast [--server HOST:PORT] [--json] COMMAND ...\n"
        "holdfast [--server HOST:PORT] [--json] [--keep-going]    commands line by line\n\n"
        "Commands; `holdfast help COMMAND` says more.\n");
    for (unsigned group = 0; group < HF_GROUPS_COUNT; group++) {
        (void)printf("\n%s:\n", group_title((enum hf_group)group));
        for (size_t i = 0; i < hf_commands_count; i++) {
            if (hf_commands[i].group == (enum hf_group)group) {
                (void)printf("    %-16s  %s\n", hf_commands[i].name, hf_commands[i].summary);
            }
        }
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
