#include "tests/lib/cli_player.h"

#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct hf_player hf_player;

/* ------------------------------------------------------------------ running the program */

const char *hf_player_program(void)
{
    static char path[1024];
    const char *given = getenv("HOLDFAST_CLI");
    const char *build = getenv("HOLDFAST_BUILD");
    if (given != NULL) {
        return given;
    }
    (void)snprintf(path, sizeof path, "%s/holdfast", build == NULL ? "build" : build);
    return path;
}

void hf_player_read_file(const char *path, char text[HF_PLAYER_OUTPUT_BYTES])
{
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    const size_t count = fread(text, 1, HF_PLAYER_OUTPUT_BYTES - 1, file);
    assert_int_equal(ferror(file), 0);
    text[count] = '\0';
    assert_int_equal(fclose(file), 0);
}

static void child(const char *const *words, const char *in_path, const char *out_path,
                  const char *err_path)
{
    const char *argv[HF_PLAYER_WORDS_MAX + 2] = {"holdfast"};
    for (size_t i = 0; i < HF_PLAYER_WORDS_MAX && words[i] != NULL; i++) {
        argv[i + 1] = words[i];
    }
    const int in_file = open(in_path, O_RDONLY);
    const int out_file = open(out_path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    const int err_file = open(err_path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (in_file < 0 || out_file < 0 || err_file < 0 || dup2(in_file, 0) < 0 ||
        dup2(out_file, 1) < 0 || dup2(err_file, 2) < 0) {
        _exit(126);
    }
    (void)execv(hf_player_program(), (char *const *)argv);
    _exit(127);
}

static pid_t begin(const char *const *words, const char *in_path, const char *out_path,
                   const char *err_path)
{
    const pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        child(words, in_path, out_path, err_path);
    }
    return pid;
}

pid_t hf_player_begin(const char *const *words, const char *out_path, const char *err_path)
{
    return begin(words, "/dev/null", out_path, err_path);
}

int hf_player_wait(pid_t pid)
{
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static int run_from(const char *const *words, const char *in_path)
{
    char out_path[300];
    char err_path[300];

    (void)snprintf(out_path, sizeof out_path, "%s/out", hf_player.folder);
    (void)snprintf(err_path, sizeof err_path, "%s/err", hf_player.folder);
    const int code = hf_player_wait(begin(words, in_path, out_path, err_path));
    hf_player_read_file(out_path, hf_player.out);
    hf_player_read_file(err_path, hf_player.err);
    return code;
}

int hf_player_run(const char *const *words)
{
    return run_from(words, "/dev/null");
}

int hf_player_run_with(const char *const *words, const char *input)
{
    char in_path[300];
    (void)snprintf(in_path, sizeof in_path, "%s/in", hf_player.folder);
    FILE *file = fopen(in_path, "w");
    assert_non_null(file);
    assert_true(fputs(input, file) >= 0);
    assert_int_equal(fclose(file), 0);
    return run_from(words, in_path);
}

/* ------------------------------------------------------------------ JSON patterns */

static bool object_matches(const json_t *got, const json_t *want)
{
    const char *key;
    json_t *value;
    if (!json_is_object(got) || json_object_size(got) != json_object_size(want)) {
        return false;
    }
    json_object_foreach((json_t *)want, key, value)
    {
        const json_t *there = json_object_get(got, key);
        if (there == NULL || !hf_player_matches(there, value)) {
            return false;
        }
    }
    return true;
}

bool hf_player_matches(const json_t *got, const json_t *want)
{
    if (json_is_string(want) && strcmp(json_string_value(want), "*") == 0) {
        return !json_is_null(got);
    }
    if (json_is_object(want)) {
        return object_matches(got, want);
    }
    if (json_is_array(want)) {
        if (!json_is_array(got) || json_array_size(got) != json_array_size(want)) {
            return false;
        }
        for (size_t i = 0; i < json_array_size(want); i++) {
            if (!hf_player_matches(json_array_get(got, i), json_array_get(want, i))) {
                return false;
            }
        }
        return true;
    }
    return json_equal((json_t *)got, (json_t *)want) == 1;
}

/* Take the next line from *text and read it as JSON. */
static json_t *next_object(char **text)
{
    json_error_t error;
    char *end = strchr(*text, '\n');
    if (end != NULL) {
        *end = '\0';
    }
    json_t *value = json_loads(*text, JSON_DECODE_ANY, &error);
    *text = end == NULL ? *text + strlen(*text) : end + 1;
    return value;
}

void hf_player_check(const char *got_lines, const char *patterns)
{
    char *got_copy = strdup(got_lines);
    char *want_copy = strdup(patterns);
    assert_non_null(got_copy);
    assert_non_null(want_copy);
    char *got_at = got_copy;
    char *want_at = want_copy;

    for (char *p = want_copy; *p != '\0'; p++) {
        *p = *p == '\'' ? '"' : *p;
    }
    while (*want_at != '\0') {
        json_t *got = next_object(&got_at);
        json_t *want = next_object(&want_at);
        assert_non_null(want); /* else the pattern itself is wrong */
        if (got == NULL || !hf_player_matches(got, want)) {
            print_error("got:\n%s\nwanted:\n%s\n", got_lines, patterns);
            fail();
        }
        json_decref(got);
        json_decref(want);
    }
    if (*got_at != '\0') {
        print_error("more than was wanted:\n%s\n", got_lines);
        fail();
    }
    free(got_copy);
    free(want_copy);
}

void hf_play(const struct hf_step *steps, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const char *words[HF_PLAYER_WORDS_MAX + 1] = {"--json"};
        for (size_t k = 0; k + 1 < HF_PLAYER_WORDS_MAX && steps[i].words[k] != NULL; k++) {
            words[k + 1] = steps[i].words[k];
        }
        const int code = hf_player_run(words);
        if (code != steps[i].code) {
            print_error("step %zu (%s): exit code %d, wanted %d\n%s%s\n", i, steps[i].words[0],
                        code, steps[i].code, hf_player.out, hf_player.err);
            fail();
        }
        if (steps[i].patterns != NULL) {
            hf_player_check(hf_player.out, steps[i].patterns);
        }
    }
}

/* ------------------------------------------------------------------ servers */

int hf_player_setup_with(const char *const *arguments)
{
    if (!hf_fixture_start(&hf_player.server, arguments)) {
        return -1;
    }
    (void)snprintf(hf_player.folder, sizeof hf_player.folder, "%s", hf_player.server.folder);
    return setenv("HOLDFAST_SERVER", hf_player.server.address, 1);
}

int hf_player_setup(void **state)
{
    (void)state;
    return hf_player_setup_with(NULL);
}

int hf_player_teardown(void **state)
{
    (void)state;
    const int code = hf_fixture_stop(&hf_player.server);
    hf_fixture_release(&hf_player.server);
    return code;
}
