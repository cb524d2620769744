#include "tools/holdfast/args.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/assert.h"

static const struct hf_option_words {
    const char *name;
    const char *value;
    const char *text;
} options[HF_OPTIONS_COUNT] = {
#define HF_OPTION_ROW(identifier, name, value, text) {name, value, text},
    HF_OPTION_MAP(HF_OPTION_ROW)};

const char *hf_option_name(enum hf_option option)
{
    HF_ASSERT(option < HF_OPTIONS_COUNT);
    return options[option].name;
}

const char *hf_option_value(enum hf_option option)
{
    HF_ASSERT(option < HF_OPTIONS_COUNT);
    return options[option].value;
}

const char *hf_option_text(enum hf_option option)
{
    HF_ASSERT(option < HF_OPTIONS_COUNT);
    return options[option].text;
}

__attribute__((format(printf, 2, 3))) static void set_error(char *error, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(error, HF_ARGS_ERROR_BYTES, format, arguments);
    va_end(arguments);
}

static void *allocate(size_t count, size_t size)
{
    void *memory = calloc(count == 0 ? 1 : count, size);
    if (memory == NULL) {
        (void)fputs("holdfast: out of memory\n", stderr);
        exit(EXIT_FAILURE); /* nothing has been sent yet, so nothing is lost */
    }
    return memory;
}

/* ------------------------------------------------------------------ options and words */

static bool is_option(const char *word)
{
    if (word[0] != '-' || word[1] == '\0') {
        return false;
    }
    return !(word[1] >= '0' && word[1] <= '9'); /* A1 */
}

static enum hf_option find_option(const char *name, size_t name_bytes)
{
    for (unsigned i = 0; i < HF_OPTIONS_COUNT; i++) {
        if (strlen(options[i].name) == name_bytes &&
            memcmp(options[i].name, name, name_bytes) == 0) {
            return (enum hf_option)i;
        }
    }
    return HF_OPTIONS_COUNT;
}

/* Take the option argv[*at], and its value where it needs one. Moves *at to the last word taken. */
static bool take_option(struct hf_args *args, int argc, char *const *argv, int *at)
{
    const char *word = argv[*at];
    if (strcmp(word, "-h") == 0) {
        args->values[HF_OPTION_HELP] = "";
        return true;
    }
    if (word[1] != '-') {
        set_error(args->error, "unknown option \"%s\"", word);
        return false;
    }
    const char *name = word + 2;
    const char *equals = strchr(name, '=');
    const size_t name_bytes = equals == NULL ? strlen(name) : (size_t)(equals - name);
    const enum hf_option option = find_option(name, name_bytes);

    if (option == HF_OPTIONS_COUNT) {
        set_error(args->error, "unknown option \"--%.*s\"", (int)name_bytes, name);
        return false;
    }
    if (args->values[option] != NULL) {
        set_error(args->error, "option --%s is given twice", options[option].name);
        return false;
    }
    if (options[option].value[0] == '\0') {
        if (equals != NULL) {
            set_error(args->error, "option --%s takes no value", options[option].name);
            return false;
        }
        args->values[option] = "";
        return true;
    }
    if (equals != NULL) {
        args->values[option] = equals + 1;
    } else if (*at + 1 < argc && !is_option(argv[*at + 1])) {
        *at += 1;
        args->values[option] = argv[*at];
    }
    if (args->values[option] == NULL || args->values[option][0] == '\0') {
        args->values[option] = NULL;
        set_error(args->error, "option --%s needs a value: %s", options[option].name,
                  options[option].value);
        return false;
    }
    return true;
}

bool hf_args_parse(struct hf_args *args, int argc, char *const *argv)
{
    HF_ASSERT(argc >= 0);

    *args = (struct hf_args){0};
    args->words = allocate((size_t)argc, sizeof *args->words);

    bool are_options_over = false;
    for (int i = 0; i < argc; i++) {
        if (!are_options_over && strcmp(argv[i], "--") == 0) {
            are_options_over = true;
        } else if (!are_options_over && is_option(argv[i])) {
            if (!take_option(args, argc, argv, &i)) {
                return false;
            }
        } else {
            args->words[args->words_count++] = argv[i];
        }
    }
    HF_ASSERT(args->words_count <= (size_t)argc);
    return true;
}

void hf_args_release(struct hf_args *args)
{
    free(args->words);
    *args = (struct hf_args){0};
}

bool hf_args_has(const struct hf_args *args, enum hf_option option)
{
    HF_ASSERT(option < HF_OPTIONS_COUNT);
    return args->values[option] != NULL;
}

enum hf_option hf_args_stray(const struct hf_args *args, uint32_t mask)
{
    for (unsigned i = 0; i < HF_OPTIONS_COUNT; i++) {
        if (args->values[i] != NULL && (mask & (UINT32_C(1) << i)) == 0) {
            return (enum hf_option)i;
        }
    }
    return HF_OPTIONS_COUNT;
}

/* ------------------------------------------------------------------ numbers */

bool hf_args_is_number(const char *word)
{
    const char *digits = word + (word[0] == '-' || word[0] == '+' ? 1 : 0);
    return digits[0] != '\0' && digits[strspn(digits, "0123456789")] == '\0';
}

bool hf_args_units(const char *word, int64_t *units)
{
    if (!hf_args_is_number(word)) {
        return false;
    }
    errno = 0;
    const long long value = strtoll(word, NULL, 10);
    if (errno != 0) {
        return false;
    }
    *units = value;
    return true;
}

bool hf_args_count(const char *word, uint64_t *count)
{
    if (!hf_args_is_number(word) || word[0] == '-' || word[0] == '+') {
        return false;
    }
    errno = 0;
    const unsigned long long value = strtoull(word, NULL, 10);
    if (errno != 0) {
        return false;
    }
    *count = value;
    return true;
}

/* ------------------------------------------------------------------ lines */

static void init_lines(struct hf_lines *lines, size_t count)
{
    *lines = (struct hf_lines){0};
    lines->lines = allocate(count, sizeof *lines->lines);
    lines->texts = allocate(count, sizeof *lines->texts);
}

/* Add the cell written in the first `bytes_count` bytes of `word`: SKU@LOC. */
static bool add_cell(struct hf_lines *lines, const char *word, size_t bytes_count)
{
    char *text = allocate(bytes_count + 1, 1);
    memcpy(text, word, bytes_count);
    lines->texts[lines->count] = text;

    char *at = strrchr(text, '@');
    if (at == NULL || at == text || at[1] == '\0') {
        set_error(lines->error, "\"%s\" is not SKU@LOCATION", text);
        lines->count += 1; /* so that the text is given back */
        return false;
    }
    *at = '\0';
    lines->lines[lines->count] = (struct holdfast_line){.sku = text, .location = at + 1};
    lines->count += 1;
    return true;
}

static enum hf_lines_error set_units(struct hf_lines *lines, const char *quantity)
{
    HF_ASSERT(lines->count > 0);

    if (!hf_args_is_number(quantity)) {
        set_error(lines->error, "\"%s\" is not a whole number of units", quantity);
        return HF_LINES_USAGE;
    }
    if (!hf_args_units(quantity, &lines->lines[lines->count - 1].units)) {
        set_error(lines->error, "quantity %s of line %zu is out of range", quantity, lines->count);
        return HF_LINES_QUANTITY;
    }
    return HF_LINES_OK;
}

/* SKU@LOC=QTY */
static enum hf_lines_error add_line(struct hf_lines *lines, const char *word)
{
    const char *equals = strrchr(word, '=');
    if (equals == NULL) {
        set_error(lines->error, "\"%s\" is not SKU@LOCATION=QUANTITY", word);
        return HF_LINES_USAGE;
    }
    if (!add_cell(lines, word, (size_t)(equals - word))) {
        return HF_LINES_USAGE;
    }
    return set_units(lines, equals + 1);
}

enum hf_lines_error hf_lines_parse(struct hf_lines *lines, const char *const *words, size_t count)
{
    init_lines(lines, count);

    /* SKU@LOC QTY. A code may hold "=", so the first word is a cell even when it looks like more:
     * but a quantity given twice is a mistake, not a location called "BERLIN=5". */
    if (count == 2 && hf_args_is_number(words[1])) {
        const char *equals = strrchr(words[0], '=');
        if (equals != NULL && strchr(words[0], '@') != NULL && strchr(words[0], '@') < equals &&
            hf_args_is_number(equals + 1)) {
            set_error(lines->error, "\"%s %s\" gives the quantity twice", words[0], words[1]);
            return HF_LINES_USAGE;
        }
        if (!add_cell(lines, words[0], strlen(words[0]))) {
            return HF_LINES_USAGE;
        }
        return set_units(lines, words[1]);
    }
    for (size_t i = 0; i < count; i++) {
        const enum hf_lines_error error = add_line(lines, words[i]);
        if (error != HF_LINES_OK) {
            return error;
        }
    }
    HF_ASSERT(lines->count == count);
    return HF_LINES_OK;
}

enum hf_lines_error hf_lines_parse_cell(struct hf_lines *lines, const char *word)
{
    init_lines(lines, 1);
    return add_cell(lines, word, strlen(word)) ? HF_LINES_OK : HF_LINES_USAGE;
}

void hf_lines_release(struct hf_lines *lines)
{
    for (size_t i = 0; i < lines->count; i++) {
        free(lines->texts[i]);
    }
    free(lines->texts);
    free(lines->lines);
    *lines = (struct hf_lines){0};
}
