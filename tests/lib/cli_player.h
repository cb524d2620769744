/*
 * cli_player.h - plays command lines of the CLI against a real server, and judges its JSON.
 *
 *     static const struct hf_step steps[] = {
 *         {{"receive", "A@L", "5", "--ref", "r"}, 0, HF_DONE(1, "r")},
 *         {{"sell", "A@L", "6"}, 1, NULL},
 *     };
 *     hf_play(steps, ROWS_COUNT(steps));
 *
 * A step says what must come back: the exit code, and each line of standard output as a JSON
 * pattern. A pattern has exactly the keys of the object; the value "*" stands for anything but
 * null. In patterns ' is written for ". Setup and teardown give each test a server of its own.
 *
 * The program is $HOLDFAST_CLI, or holdfast in $HOLDFAST_BUILD, or in build/.
 */
#ifndef HF_TESTS_CLI_PLAYER_H
#define HF_TESTS_CLI_PLAYER_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "tests/lib/server_fixture.h"

#define HF_PLAYER_WORDS_MAX 16
#define HF_PLAYER_OUTPUT_BYTES (1024 * 1024)

struct hf_player {
    struct hf_fixture server;
    char folder[256];                 /* of the server; for files of the test */
    char out[HF_PLAYER_OUTPUT_BYTES]; /* of the last command */
    char err[HF_PLAYER_OUTPUT_BYTES];
};
extern struct hf_player hf_player; /* one a test program */

struct hf_step {
    const char *words[HF_PLAYER_WORDS_MAX];
    int code;
    const char *patterns; /* of standard output; NULL: not looked at */
};

/* What writes answer with --json. */
#define HF_DONE(lsn, ref) "{'outcome':'ok','lsn':" #lsn ",'repeated':false,'ref':'" ref "'}"
#define HF_DONE_STATE(lsn, ref, state)                                                             \
    "{'outcome':'ok','lsn':" #lsn ",'repeated':false,'ref':'" ref "','state':'" state "'}"
#define HF_REFUSED(name) "{'outcome':'" name "','lsn':'*','repeated':false,'ref':'*'}"
#define HF_REFUSED_STATE(name, state)                                                              \
    "{'outcome':'" name "','lsn':'*','repeated':false,'ref':'*','state':" state "}"
#define HF_REFUSED_FIELD(field, line)                                                              \
    "{'outcome':'invalid_argument','lsn':'*','repeated':false,'ref':'*','field':'" field           \
    "','line':" line "}"

/* For cmocka: a server of its own, which HOLDFAST_SERVER names; the second ends it. */
int hf_player_setup(void **state);
int hf_player_teardown(void **state);
/* The same with extra arguments for the server, NULL at their end. */
int hf_player_setup_with(const char *const *arguments);

const char *hf_player_program(void);
/* Run it with these words, NULL at their end; its output is in hf_player. The exit code. */
int hf_player_run(const char *const *words);
/* The same with `input` on its standard input. */
int hf_player_run_with(const char *const *words, const char *input);
/* Begin it and go on; its output goes to the files out_path and err_path. */
pid_t hf_player_begin(const char *const *words, const char *out_path, const char *err_path);
/* Wait for its end: the exit code. */
int hf_player_wait(pid_t pid);

/* Run each step with --json before its words; fails the test when something else comes back. */
void hf_play(const struct hf_step *steps, size_t count);
/* Each line of `got` against each line of `patterns`. */
void hf_player_check(const char *got, const char *patterns);
/* True when `got` is as the pattern (without ') says. */
bool hf_player_matches(const json_t *got, const json_t *want);
/* A whole file; at most HF_PLAYER_OUTPUT_BYTES - 1 bytes. */
void hf_player_read_file(const char *path, char text[HF_PLAYER_OUTPUT_BYTES]);

#endif
