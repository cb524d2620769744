#include "tools/holdfast/complete.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "engine/assert.h"
#include "tools/holdfast/cli.h"
#include "tools/holdfast/words.h"

/* Take a text of `bytes` bytes that begins with what was typed, once. */
static void offer_bytes(struct hf_candidates *candidates, const char *typed, const char *text,
                        size_t bytes)
{
    const size_t typed_bytes = strlen(typed);

    if (bytes < typed_bytes || memcmp(text, typed, typed_bytes) != 0 ||
        bytes >= HF_CANDIDATE_BYTES || candidates->count == HF_CANDIDATES_MAX) {
        return;
    }
    for (size_t i = 0; i < candidates->count; i++) {
        if (strlen(candidates->texts[i]) == bytes &&
            memcmp(candidates->texts[i], text, bytes) == 0) {
            return;
        }
    }
    (void)snprintf(candidates->texts[candidates->count], HF_CANDIDATE_BYTES, "%.*s", (int)bytes,
                   text);
    candidates->count += 1;
}

static void offer(struct hf_candidates *candidates, const char *typed, const char *text)
{
    offer_bytes(candidates, typed, text, strlen(text));
}

/* ------------------------------------------------------------------ commands */

/* The first words of all commands. */
static void offer_commands(struct hf_candidates *candidates, const char *typed)
{
    for (size_t i = 0; i < hf_commands_count; i++) {
        offer_bytes(candidates, typed, hf_commands[i].name, strcspn(hf_commands[i].name, " "));
    }
}

/* The second words of the commands that begin with `word`. */
static void offer_seconds(struct hf_candidates *candidates, const char *typed, const char *word)
{
    const size_t bytes = strlen(word);
    for (size_t i = 0; i < hf_commands_count; i++) {
        const char *name = hf_commands[i].name;
        if (strncmp(name, word, bytes) == 0 && name[bytes] == ' ') {
            offer(candidates, typed, name + bytes + 1);
        }
    }
}

/* ------------------------------------------------------------------ options */

static void offer_options(struct hf_candidates *candidates, const char *typed,
                          const struct hf_command *command, const struct hf_words *words)
{
    const uint64_t mask = HF_OPTIONS_ALWAYS | (command == NULL ? 0 : command->options);

    for (unsigned i = 0; i < HF_OPTIONS_COUNT; i++) {
        char text[HF_CANDIDATE_BYTES];
        bool is_given = false;
        if ((mask & (UINT64_C(1) << i)) == 0) {
            continue;
        }
        (void)snprintf(text, sizeof text, "--%s", hf_option_name((enum hf_option)i));
        for (size_t k = 0; k + 1 < words->count; k++) {
            is_given = is_given || strcmp(words->words[k], text) == 0;
        }
        if (!is_given || i == HF_OPTION_KIND || i == HF_OPTION_DAMAGED) {
            offer(candidates, typed, text);
        }
    }
}

static void offer_kinds(struct hf_candidates *candidates, const char *typed)
{
    offer(candidates, typed, "stock.moved");
    for (int kind = HOLDFAST_RECEIVE; kind <= HOLDFAST_SHORTAGE; kind++) {
        const char *name = holdfast_kind_name((enum holdfast_kind)kind);
        if (holdfast_kind_of(name) == kind) { /* numbers in between are no kinds */
            offer(candidates, typed, name);
        }
    }
}

/* The values of the option that the word before names. False: it is none with known values. */
static bool offer_values(struct hf_candidates *candidates, const char *typed, const char *before,
                         const struct hf_command *command)
{
    if (strcmp(before, "--reason") == 0) {
        for (int i = HOLDFAST_PURCHASE; i <= HOLDFAST_QUALITY; i++) {
            offer(candidates, typed, holdfast_reason_name((enum holdfast_reason)i));
        }
    } else if (strcmp(before, "--kind") == 0) {
        offer_kinds(candidates, typed);
    } else if (strcmp(before, "--from") == 0 && command != NULL && command->run == hf_cli_watch) {
        offer(candidates, typed, "now");
    } else if (strcmp(before, "--from") == 0 || strcmp(before, "--to") == 0) {
        for (int i = HOLDFAST_SELLABLE; i <= HOLDFAST_QUARANTINED; i++) {
            offer(candidates, typed, holdfast_status_name((enum holdfast_status)i));
        }
    } else if (strcmp(before, "--sellable") == 0 || strcmp(before, "--in-transit-sellable") == 0) {
        offer(candidates, typed, "yes");
        offer(candidates, typed, "no");
    } else if (strcmp(before, "--as") == 0) {
        offer(candidates, typed, "set");
        offer(candidates, typed, "add");
    } else {
        return false;
    }
    return true;
}

/* ------------------------------------------------------------------ the line */

void hf_complete(const char *line, struct hf_candidates *candidates)
{
    struct hf_words words;

    *candidates = (struct hf_candidates){0};
    hf_words_split(&words, line);
    const char *typed = words.is_in_word ? words.words[words.count - 1] : "";
    const size_t whole = words.count - (words.is_in_word ? 1 : 0); /* words before the typed one */
    const char *const *before = (const char *const *)words.words;
    const struct hf_command *command = hf_command_find(before, whole);

    candidates->typed_bytes = strlen(typed);
    if (!words.is_closed) {
        candidates->typed_bytes = 0; /* within quotes there are only codes */
    } else if (whole == 0) {
        offer_commands(candidates, typed);
        offer(candidates, typed, "help");
        offer(candidates, typed, "quit");
    } else if (whole == 1 && strcmp(before[0], "help") == 0) {
        offer_commands(candidates, typed);
    } else if (whole == 2 && strcmp(before[0], "help") == 0) {
        offer_seconds(candidates, typed, before[1]);
    } else if (offer_values(candidates, typed, before[whole - 1], command)) {
        /* done */
    } else if (typed[0] == '-') {
        offer_options(candidates, typed, command, &words);
    } else if (whole == 1) {
        offer_seconds(candidates, typed, before[0]);
    }
    hf_words_release(&words);
}

size_t hf_candidates_common_bytes(const struct hf_candidates *candidates)
{
    if (candidates->count == 0) {
        return 0;
    }
    size_t common = strlen(candidates->texts[0]);
    for (size_t i = 1; i < candidates->count; i++) {
        size_t bytes = 0;
        while (bytes < common && candidates->texts[i][bytes] == candidates->texts[0][bytes]) {
            bytes += 1;
        }
        common = bytes;
    }
    HF_ASSERT(common >= candidates->typed_bytes);
    return common;
}
