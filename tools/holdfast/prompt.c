/*
 * prompt.c - command after command over one connection.
 *
 * On a terminal: libedit with history and completion. Ctrl-C gives up the line that is being typed,
 * Ctrl-D on an empty line ends. A failed command is said so and the next one is asked for.
 *
 * From a pipe or a file: line by line, for scripts. The first command that fails ends it, and its
 * exit code is that of the program; with --keep-going the rest is done, too, and the first failure
 * still decides the exit code.
 *
 * The connection is opened by the first command that needs it and kept; when the server has closed
 * it meanwhile the next command opens another (hf_cli_connect). A command whose connection breaks
 * while it waits is told as unknown, exactly as without the prompt: nothing is sent twice.
 */
#include <errno.h>
#include <histedit.h>
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wchar.h>

#include "engine/assert.h"
#include "tools/holdfast/cli.h"
#include "tools/holdfast/complete.h"
#include "tools/holdfast/words.h"

#define LINE_BYTES_MAX (1024 * 1024) /* a command with HOLDFAST_LINES_MAX lines fits */
#define HISTORY_LINES_MAX 1000
#define HISTORY_NAME ".holdfast_history"
#define PATH_BYTES 4096
#define COLUMNS 80

/* ------------------------------------------------------------------ one line */

/* Run what the line says. Sets *is_over when it says that it was the last. */
static enum hf_exit run_line(struct hf_session *session, const char *line, bool *is_over)
{
    struct hf_words words;
    struct hf_cli cli = {.session = session, .hf = session->hf, .is_json = session->is_json};
    enum hf_exit code = HF_EXIT_DONE;

    hf_words_split(&words, line);
    /* A line copied from a document begins with the program's name. */
    const size_t skip = words.count > 0 && strcmp(words.words[0], "holdfast") == 0 ? 1 : 0;
    const size_t count = words.count - skip;
    char *const *argv = words.words + skip;

    if (!words.is_closed) {
        code = hf_cli_usage(&cli, "a quote is not closed, or the line ends in a backslash");
    } else if (count == 1 && (strcmp(argv[0], "quit") == 0 || strcmp(argv[0], "exit") == 0)) {
        *is_over = true;
    } else if (count > 0) {
        code = hf_cli_run(&cli, (int)count, argv);
    }
    session->hf = cli.hf;
    hf_cli_end(&cli);
    hf_words_release(&words);
    (void)fflush(stdout); /* main looks at ferror */
    return code;
}

/* ------------------------------------------------------------------ from a file */

/* The next line without its end. False: there is none. *is_whole is false for one that is too long,
 * which is read to its end all the same. */
static bool read_line(FILE *in, char *line, bool *is_whole)
{
    if (fgets(line, LINE_BYTES_MAX, in) == NULL) {
        return false;
    }
    const size_t bytes = strlen(line);
    *is_whole = bytes + 1 < LINE_BYTES_MAX || line[bytes - 1] == '\n';
    if (!*is_whole) {
        int c;
        do {
            c = fgetc(in);
        } while (c != EOF && c != '\n');
    }
    return true;
}

static enum hf_exit run_file(struct hf_session *session, bool keeps_going, FILE *in)
{
    char *line = malloc(LINE_BYTES_MAX);
    enum hf_exit first = HF_EXIT_DONE; /* failure */
    uint64_t line_number = 0;
    bool is_over = false;
    bool is_whole;

    if (line == NULL) {
        (void)fputs("holdfast: out of memory\n", stderr);
        return HF_EXIT_USAGE;
    }
    while (!is_over && read_line(in, line, &is_whole)) {
        const struct hf_cli nothing = {.is_json = session->is_json};
        line_number += 1;
        const enum hf_exit code =
            is_whole ? run_line(session, line, &is_over)
                     : hf_cli_usage(&nothing, "a line of more than %d bytes", LINE_BYTES_MAX);
        if (code == HF_EXIT_DONE) {
            continue;
        }
        first = first == HF_EXIT_DONE ? code : first;
        (void)fprintf(stderr, "holdfast: line %llu failed%s\n", (unsigned long long)line_number,
                      keeps_going ? "" : "; the rest was not done");
        is_over = is_over || !keeps_going;
    }
    free(line);
    return first;
}

/* ------------------------------------------------------------------ from a terminal */

static volatile sig_atomic_t is_interrupted;
static sigset_t mask_of_waiting; /* SIGINT comes through only while a key is waited for */

static void on_interrupt(int signal_number)
{
    (void)signal_number;
    is_interrupted = 1;
}

/*
 * The next key for libedit: 1, or -1 at the end and when Ctrl-C was typed. libedit's own reader
 * would miss a signal that comes between two reads and wait for a key that nobody types, so the
 * signal is blocked but for the wait itself.
 */
static int read_key(EditLine *editor, wchar_t *key)
{
    struct pollfd waited = {.fd = STDIN_FILENO, .events = POLLIN};
    mbstate_t state = {0};
    (void)editor;

    for (;;) {
        char byte;
        if (ppoll(&waited, 1, NULL, &mask_of_waiting) < 0) {
            if (errno == EINTR && !is_interrupted) {
                continue; /* a signal that means nothing here */
            }
            return -1;
        }
        if (read(STDIN_FILENO, &byte, 1) != 1) {
            return -1;
        }
        switch (mbrtowc(key, &byte, 1, &state)) {
        case (size_t)-1: /* not a character: dropped, like one that is not bound */
            memset(&state, 0, sizeof state);
            break;
        case (size_t)-2: /* more bytes follow */
            break;
        default:
            return 1;
        }
    }
}

static char *prompt_text(EditLine *editor)
{
    static char text[] = "holdfast> ";
    (void)editor;
    return text;
}

/* Print the candidates below the line, in columns. */
static void list_candidates(const struct hf_candidates *candidates, FILE *out)
{
    size_t width = 1;
    for (size_t i = 0; i < candidates->count; i++) {
        const size_t bytes = strlen(candidates->texts[i]) + 2;
        width = bytes > width ? bytes : width;
    }
    const size_t a_row = COLUMNS / width == 0 ? 1 : COLUMNS / width;
    for (size_t i = 0; i < candidates->count; i++) {
        const bool is_last = (i + 1) % a_row == 0 || i + 1 == candidates->count;
        (void)fprintf(out, "%s%-*s", i % a_row == 0 ? "\n" : "", is_last ? 0 : (int)width,
                      candidates->texts[i]);
    }
    (void)fputc('\n', out);
}

/* Bound to the tabulator: write what is certain, else show what is possible. */
static unsigned char complete(EditLine *editor, int key)
{
    const LineInfo *info = el_line(editor);
    const size_t bytes = (size_t)(info->cursor - info->buffer);
    struct hf_candidates candidates;
    char rest[HF_CANDIDATE_BYTES + 1];
    (void)key;

    char *line = malloc(bytes + 1);
    if (line == NULL) {
        return CC_ERROR;
    }
    memcpy(line, info->buffer, bytes);
    line[bytes] = '\0';
    hf_complete(line, &candidates);
    free(line);

    const size_t common = hf_candidates_common_bytes(&candidates);
    if (candidates.count == 0) {
        return CC_REFRESH_BEEP;
    }
    if (common == candidates.typed_bytes && candidates.count > 1) {
        FILE *out = stdout;
        (void)el_get(editor, EL_GETFP, 1, &out);
        list_candidates(&candidates, out);
        return CC_REDISPLAY;
    }
    (void)snprintf(rest, sizeof rest, "%.*s%s", (int)(common - candidates.typed_bytes),
                   candidates.texts[0] + candidates.typed_bytes, candidates.count == 1 ? " " : "");
    return el_insertstr(editor, rest) == 0 ? CC_REFRESH : CC_ERROR;
}

/* $HOME/.holdfast_history; false when there is no home. */
static bool history_path(char path[PATH_BYTES])
{
    const char *home = getenv("HOME");
    if (home == NULL || home[0] == '\0') {
        return false;
    }
    return snprintf(path, PATH_BYTES, "%s/%s", home, HISTORY_NAME) < PATH_BYTES;
}

struct terminal {
    EditLine *editor;
    History *history;
    bool has_file; /* the history is kept */
    char path[PATH_BYTES];
};

static bool open_terminal(struct terminal *terminal)
{
    HistEvent event;

    /* Without a character set in the environment, codes of other scripts could not be typed. */
    if (setlocale(LC_CTYPE, "") == NULL || MB_CUR_MAX == 1) {
        (void)setlocale(LC_CTYPE, "C.UTF-8");
    }
    terminal->editor = el_init("holdfast", stdin, stdout, stderr);
    terminal->history = history_init();
    if (terminal->editor == NULL || terminal->history == NULL) {
        return false;
    }
    (void)history(terminal->history, &event, H_SETSIZE, HISTORY_LINES_MAX);
    (void)history(terminal->history, &event, H_SETUNIQUE, 1);
    terminal->has_file = history_path(terminal->path);
    if (terminal->has_file) {
        /* The first time there is none; an unreadable one must not keep anybody from working. */
        (void)history(terminal->history, &event, H_LOAD, terminal->path);
    }
    (void)el_set(terminal->editor, EL_HIST, history, terminal->history);
    (void)el_set(terminal->editor, EL_PROMPT, prompt_text);
    (void)el_set(terminal->editor, EL_EDITOR, "emacs");
    (void)el_set(terminal->editor, EL_SIGNAL, 0);
    (void)el_set(terminal->editor, EL_GETCFN, read_key);
    /* Wide, because el_set copies the texts of this one and never frees the copies. */
    (void)el_wset(terminal->editor, EL_ADDFN, L"holdfast-complete", L"complete a word", complete);
    (void)el_source(terminal->editor, NULL); /* ~/.editrc */
    (void)el_set(terminal->editor, EL_BIND, "^I", "holdfast-complete", NULL);
    return true;
}

static void close_terminal(struct terminal *terminal)
{
    if (terminal->editor != NULL) {
        el_end(terminal->editor);
    }
    if (terminal->history != NULL) {
        history_end(terminal->history);
    }
}

static void remember(struct terminal *terminal, const char *line)
{
    HistEvent event;
    char text[4096];
    const size_t bytes = strcspn(line, "\n");

    if (bytes == 0 || bytes >= sizeof text || strspn(line, " \t") == bytes) {
        return;
    }
    (void)snprintf(text, sizeof text, "%.*s", (int)bytes, line);
    (void)history(terminal->history, &event, H_ENTER, text);
    if (terminal->has_file) {
        /* After each line, so that nothing that ends the program loses it. A full disk does, and
         * the command matters more. */
        (void)history(terminal->history, &event, H_SAVE, terminal->path);
    }
}

/* The next line, valid until the next call; NULL when there is none. Ctrl-C gives an empty one. */
static const char *ask(struct terminal *terminal)
{
    const struct sigaction catching = {.sa_handler = on_interrupt};
    struct sigaction before;
    sigset_t interrupt;
    int count = 0;

    is_interrupted = 0;
    (void)sigemptyset(&interrupt);
    (void)sigaddset(&interrupt, SIGINT);
    (void)sigprocmask(SIG_BLOCK, &interrupt, &mask_of_waiting);
    (void)sigaction(SIGINT, &catching, &before);
    el_resize(terminal->editor);
    /* Before the prompt is shown: who answers it at once must find libedit's terminal, too. */
    (void)el_set(terminal->editor, EL_PREP_TERM, 1);
    const char *line = el_gets(terminal->editor, &count);
    (void)sigprocmask(SIG_SETMASK, &mask_of_waiting, NULL);
    (void)sigaction(SIGINT, &before, NULL);
    if (is_interrupted) {
        el_reset(terminal->editor);
        (void)fputs("^C\n", stdout);
        return "";
    }
    return line == NULL || count <= 0 ? NULL : line;
}

static enum hf_exit run_terminal(struct hf_session *session)
{
    struct terminal terminal = {0};
    bool is_over = false;

    if (!open_terminal(&terminal)) {
        close_terminal(&terminal);
        (void)fputs("holdfast: this terminal cannot be used\n", stderr);
        return HF_EXIT_USAGE;
    }
    (void)printf("Holdfast %s. `help` lists the commands, the tabulator completes, `quit` ends.\n",
                 holdfast_version());
    while (!is_over) {
        const char *line = ask(&terminal);
        if (line == NULL) {
            (void)putchar('\n');
            break;
        }
        /* What becomes of a command stands on the screen; the prompt itself has not failed. */
        remember(&terminal, line);
        (void)run_line(session, line, &is_over);
    }
    close_terminal(&terminal);
    return HF_EXIT_DONE;
}

enum hf_exit hf_cli_prompt(struct hf_cli *cli)
{
    HF_ASSERT(cli->session == NULL);

    struct hf_session session = {.server = cli->args.values[HF_OPTION_SERVER],
                                 .is_json = cli->is_json};
    const bool is_terminal = isatty(STDIN_FILENO) == 1 && isatty(STDOUT_FILENO) == 1;
    const enum hf_exit code =
        is_terminal ? run_terminal(&session)
                    : run_file(&session, hf_args_has(&cli->args, HF_OPTION_KEEP_GOING), stdin);

    holdfast_close(session.hf);
    free(session.address);
    return code;
}
