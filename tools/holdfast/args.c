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

/* SKU=QTY */
static bool is_sku_line(const char *word)
{
    const char *equals = strrchr(word, '=');
    return equals != NULL && equals != word && hf_args_is_number(equals + 1) && !is_option(word);
}

/* Remember the value of an option. NULL: there is none. */
static bool keep_value(struct hf_args *args, enum hf_option option, const char *value)
{
    const char *name = options[option].name;
    const bool may_repeat = option == HF_OPTION_DAMAGED || option == HF_OPTION_KIND; /* A4 */

    if (value == NULL) {
        set_error(args->error, "option --%s needs a value: --%s %s", name, name,
                  options[option].value);
        return false;
    }
    if (value[0] == '\0') {
        set_error(args->error, "the value of option --%s is empty: --%s %s", name, name,
                  options[option].value);
        return false;
    }
    if (args->values[option] != NULL && !may_repeat) {
        set_error(args->error, "option --%s is given twice: \"%s\" and \"%s\"", name,
                  args->values[option], value);
        return false;
    }
    if (option == HF_OPTION_DAMAGED) {
        args->damaged[args->damaged_count++] = value;
    } else if (option == HF_OPTION_KIND) {
        args->kinds[args->kinds_count++] = value;
    }
    if (args->values[option] == NULL) {
        args->values[option] = value;
    }
    return true;
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
    if (options[option].value[0] == '\0') {
        if (equals != NULL) {
            set_error(args->error, "option --%s takes no value", options[option].name);
            return false;
        }
        args->values[option] = ""; /* said again it says the same */
        return true;
    }
    const char *value = NULL;
    if (equals != NULL) {
        value = equals + 1;
    } else if (*at + 1 < argc && !is_option(argv[*at + 1])) {
        *at += 1;
        value = argv[*at];
    }
    if (!keep_value(args, option, value)) {
        return false;
    }
    while (option == HF_OPTION_DAMAGED && equals == NULL && *at + 1 < argc &&
           is_sku_line(argv[*at + 1])) { /* A6 */
        *at += 1;
        args->damaged[args->damaged_count++] = argv[*at];
    }
    return true;
}

bool hf_args_parse(struct hf_args *args, int argc, char *const *argv)
{
    HF_ASSERT(argc >= 0);

    *args = (struct hf_args){0};
    args->words = allocate((size_t)argc, sizeof *args->words);
    args->damaged = allocate((size_t)argc, sizeof *args->damaged);
    args->kinds = allocate((size_t)argc, sizeof *args->kinds);

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
    free(args->damaged);
    free(args->kinds);
    *args = (struct hf_args){0};
}

bool hf_args_has(const struct hf_args *args, enum hf_option option)
{
    HF_ASSERT(option < HF_OPTIONS_COUNT);
    return args->values[option] != NULL;
}

enum hf_option hf_args_stray(const struct hf_args *args, uint64_t mask)
{
    for (unsigned i = 0; i < HF_OPTIONS_COUNT; i++) {
        if (args->values[i] != NULL && (mask & (UINT64_C(1) << i)) == 0) {
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

/* SKU@LOC=QTY, where the location or SKU may hold further "=". */
static bool ends_in_quantity(const char *word)
{
    const char *at = strchr(word, '@');
    const char *equals = strrchr(word, '=');
    return at != NULL && equals != NULL && at < equals && hf_args_is_number(equals + 1);
}

enum hf_lines_error hf_lines_parse(struct hf_lines *lines, const char *const *words, size_t count)
{
    init_lines(lines, count);

    /* SKU@LOC and a second word that is no line: it was meant as the quantity, and is to blame. */
    if (count == 2 && strchr(words[0], '@') != NULL && strchr(words[1], '@') == NULL &&
        !hf_args_is_number(words[1]) && !ends_in_quantity(words[0])) {
        set_error(lines->error, "\"%s\" is not a whole number of units", words[1]);
        return HF_LINES_USAGE;
    }
    /* SKU@LOC QTY. A code may hold "=", so the first word is a cell even when it looks like more:
     * but a quantity given twice is a mistake, not a location called "BERLIN=5". */
    if (count == 2 && hf_args_is_number(words[1])) {
        if (ends_in_quantity(words[0])) {
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

/* SKU=QTY; the line has room. */
static enum hf_lines_error add_sku(struct hf_lines *lines, const char *word)
{
    const char *equals = strrchr(word, '=');
    if (equals == NULL || equals == word) {
        set_error(lines->error, "\"%s\" is not SKU=QUANTITY", word);
        return HF_LINES_USAGE;
    }
    const size_t sku_bytes = (size_t)(equals - word);
    char *text = allocate(sku_bytes + 1, 1);
    memcpy(text, word, sku_bytes);
    lines->texts[lines->count] = text;
    lines->lines[lines->count] = (struct holdfast_line){.sku = text};
    lines->count += 1;
    return set_units(lines, equals + 1);
}

enum hf_lines_error hf_lines_parse_skus(struct hf_lines *lines, const char *const *words,
                                        size_t count)
{
    return hf_lines_parse_arrival(lines, words, count, NULL, 0);
}

/* The line that was just read names damaged units: give them to the first line of the SKU that has
 * none yet, else let it stand by itself. */
static void settle_damaged(struct hf_lines *lines)
{
    struct holdfast_line *last = &lines->lines[lines->count - 1];

    for (size_t i = 0; i + 1 < lines->count; i++) {
        if (lines->lines[i].damaged == 0 && strcmp(lines->lines[i].sku, last->sku) == 0) {
            lines->lines[i].damaged = last->units;
            lines->count -= 1;
            free(lines->texts[lines->count]);
            return;
        }
    }
    last->damaged = last->units;
    last->units = 0;
}

enum hf_lines_error hf_lines_parse_arrival(struct hf_lines *lines, const char *const *words,
                                           size_t count, const char *const *damaged,
                                           size_t damaged_count)
{
    init_lines(lines, count + damaged_count);

    for (size_t i = 0; i < count; i++) {
        const enum hf_lines_error error = add_sku(lines, words[i]);
        if (error != HF_LINES_OK) {
            return error;
        }
    }
    for (size_t i = 0; i < damaged_count; i++) {
        const enum hf_lines_error error = add_sku(lines, damaged[i]);
        if (error != HF_LINES_OK) {
            return error;
        }
        settle_damaged(lines);
    }
    HF_ASSERT(lines->count <= count + damaged_count);
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
