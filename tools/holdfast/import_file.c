/*
 * import_file.c - a CSV file of stock or policies, read whole and judged row by row.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>
#include <xxhash.h>

#include "engine/assert.h"
#include "engine/limits.h"
#include "engine/text.h"
#include "tools/common/csv.h"
#include "tools/common/parse.h"
#include "tools/holdfast/import.h"

#define ROOM_BYTES_MIN (64u * 1024)
#define VALUE_SHOWN_BYTES 40 /* of a field, in a reason */
#define NOT_THERE SIZE_MAX

/* ------------------------------------------------------------------ reading */

__attribute__((format(printf, 3, 4))) static bool fail(char *error, size_t error_bytes,
                                                       const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(error, error_bytes, format, arguments);
    va_end(arguments);
    return false;
}

/* Read to the end, with one spare byte behind it for the CSV reader. */
static bool read_all(struct hf_import_file *file, int fd, const char *path, char *error,
                     size_t error_bytes)
{
    size_t room = 0;

    for (;;) {
        if (file->text_bytes + 1 >= room) {
            room = room == 0 ? ROOM_BYTES_MIN : room * 2;
            char *moved = realloc(file->text, room);
            if (moved == NULL) {
                return fail(error, error_bytes, "could not read \"%s\": out of memory", path);
            }
            file->text = moved;
        }
        const ssize_t got = read(fd, file->text + file->text_bytes, room - 1 - file->text_bytes);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return fail(error, error_bytes, "could not read \"%s\": %s", path, strerror(errno));
        }
        if (got == 0) {
            return true;
        }
        file->text_bytes += (size_t)got;
        if (file->text_bytes > HF_IMPORT_BYTES_MAX) {
            return fail(error, error_bytes, "cannot read \"%s\": it is larger than 1 GiB", path);
        }
    }
}

bool hf_import_file_read(struct hf_import_file *file, const char *path, char *error,
                         size_t error_bytes)
{
    const bool is_stdin = strcmp(path, "-") == 0;

    *file = (struct hf_import_file){0};
    const int fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return fail(error, error_bytes, "could not open \"%s\": %s", path, strerror(errno));
    }
    bool is_read = read_all(file, fd, is_stdin ? "standard input" : path, error, error_bytes);
    if (!is_stdin) {
        (void)close(fd);
    }
    if (is_read) {
        file->taken = malloc(file->text_bytes + 1);
        is_read = file->taken != NULL;
        if (!is_read) {
            return fail(error, error_bytes, "could not read \"%s\": out of memory", path);
        }
        memcpy(file->taken, file->text, file->text_bytes);
    }
    return is_read;
}

void hf_import_file_release(struct hf_import_file *file)
{
    free(file->text);
    free(file->taken);
    free(file->rows);
    *file = (struct hf_import_file){0};
}

/* The name of this import: the content, and every option that gives it another meaning. */
static void make_hash(struct hf_import_file *file, const struct hf_import_options *options)
{
    char meaning[128];
    XXH128_canonical_t canonical;
    XXH3_state_t *state = XXH3_createState();
    HF_ASSERT(state != NULL); /* some 600 bytes: nothing else would go on without them either */

    (void)snprintf(meaning, sizeof meaning, "%d:%d:%" PRIu32 ":%" PRIu64 ":%d:%d",
                   (int)options->what, (int)options->is_add, options->as_of_flag, options->as_of,
                   (int)(options->location != NULL), (int)(options->run != NULL));
    (void)XXH3_128bits_reset(state); /* these fail for a missing state only */
    (void)XXH3_128bits_update(state, meaning, strlen(meaning) + 1);
    if (options->location != NULL) {
        (void)XXH3_128bits_update(state, options->location, strlen(options->location) + 1);
    }
    if (options->run != NULL) {
        (void)XXH3_128bits_update(state, options->run, strlen(options->run) + 1);
    }
    (void)XXH3_128bits_update(state, file->text, file->text_bytes);
    XXH128_canonicalFromHash(&canonical, XXH3_128bits_digest(state));
    (void)XXH3_freeState(state);
    for (size_t i = 0; i < sizeof canonical.digest; i++) {
        (void)snprintf(file->hash + 2 * i, 3, "%02x", canonical.digest[i]);
    }
}

const char *hf_import_ref(const struct hf_import_file *file, uint32_t index,
                          char ref[HF_IMPORT_REF_BYTES])
{
    HF_ASSERT(index < file->rows_count);
    (void)snprintf(ref, HF_IMPORT_REF_BYTES, "import:%s:%" PRIu32, file->hash,
                   file->rows[index].line);
    return ref;
}

/* ------------------------------------------------------------------ columns */

enum { SKU, LOCATION, FIGURES, COLUMNS = FIGURES + HF_IMPORT_FIGURES };

static const char *const stock_columns[COLUMNS] = {"sku", "location", "quantity", NULL, NULL};
static const char *const policy_columns[COLUMNS] = {"sku", "location", "safety_stock", "low_stock",
                                                    "backorder"};

/* What judging a row needs. */
struct judge {
    struct hf_import_file *file;
    const struct hf_import_options *options;
    const char *const *names; /* of the columns; NULL: there are no more */
    size_t at[COLUMNS];       /* where they stand, NOT_THERE */
    size_t fields_count;      /* of the header */
    uint32_t *table;          /* of rows by cell: index + 1, 0 for an empty place */
    uint32_t table_size;      /* a power of two, at least twice the cells in it */
    uint32_t cells_count;
};

/* Names of columns are read as people write them: spaces around and capitals do not count. */
static bool is_named(const struct hf_csv_field *field, const char *name)
{
    const char *start = field->bytes;
    size_t count = field->bytes_count;

    while (count > 0 && (start[count - 1] == ' ' || start[count - 1] == '\t')) {
        count--;
    }
    while (count > 0 && (*start == ' ' || *start == '\t')) {
        start++;
        count--;
    }
    return count == strlen(name) && strncasecmp(start, name, count) == 0;
}

/* Add a name to a list for people; what does not fit is left out. */
static void append(char *list, size_t list_bytes, const char *name, size_t name_bytes)
{
    const size_t used = strlen(list);
    const int shown = (int)(name_bytes < VALUE_SHOWN_BYTES ? name_bytes : VALUE_SHOWN_BYTES);
    const bool is_text = hf_text_is_code((struct hf_text){name, (uint32_t)shown});
    (void)snprintf(list + used, list_bytes - used, "%s%.*s", used == 0 ? "" : ", ",
                   is_text ? shown : 1, is_text ? name : "?");
}

/* Which column a field of the header names; COLUMNS: none that is read. */
static size_t column_of(const struct judge *judge, const struct hf_csv_field *field)
{
    for (size_t i = 0; i < COLUMNS && judge->names[i] != NULL; i++) {
        if (is_named(field, judge->names[i])) {
            return i;
        }
    }
    return COLUMNS;
}

/* An export names the quantity on_hand: it can be set again, but never added. */
static size_t find_on_hand(const struct judge *judge, const struct hf_csv *csv)
{
    const bool is_wanted = judge->options->what == HF_IMPORT_STOCK && !judge->options->is_add &&
                           judge->at[FIGURES] == NOT_THERE;
    for (size_t i = 0; is_wanted && i < csv->fields_count; i++) {
        if (is_named(&csv->fields[i], "on_hand")) {
            return i;
        }
    }
    return NOT_THERE;
}

/* Is every column there that must be? */
static bool check_columns(const struct judge *judge, const struct hf_csv *csv, char *error,
                          size_t error_bytes)
{
    const bool is_policy = judge->options->what == HF_IMPORT_POLICY;
    char missing[128] = "";
    char named[256] = "";

    if (judge->at[SKU] == NOT_THERE) {
        append(missing, sizeof missing, "sku", 3);
    }
    if (judge->at[LOCATION] == NOT_THERE && judge->options->location == NULL) {
        append(missing, sizeof missing, "location", 8);
    }
    if (!is_policy && judge->at[FIGURES] == NOT_THERE) {
        append(missing, sizeof missing, "quantity", 8);
    }
    if (is_policy && judge->at[FIGURES] == NOT_THERE && judge->at[FIGURES + 1] == NOT_THERE &&
        judge->at[FIGURES + 2] == NOT_THERE) {
        append(missing, sizeof missing, "safety_stock, low_stock or backorder", 36);
    }
    if (missing[0] == '\0') {
        return true;
    }
    for (size_t i = 0; i < csv->fields_count; i++) {
        append(named, sizeof named, csv->fields[i].bytes, csv->fields[i].bytes_count);
    }
    const bool has_semicolons = strchr(named, ';') != NULL;
    return fail(error, error_bytes, "missing column: %s; line %" PRIu64 " names: %s%s", missing,
                csv->line, named, has_semicolons ? " (commas must separate them)" : "");
}

static bool find_columns(struct judge *judge, const struct hf_csv *csv, hf_note_cb note,
                         void *note_arg, char *error, size_t error_bytes)
{
    char ignored[256] = "";
    char text[320];

    for (size_t i = 0; i < COLUMNS; i++) {
        judge->at[i] = NOT_THERE;
    }
    judge->fields_count = csv->fields_count;
    for (size_t i = 0; i < csv->fields_count; i++) {
        const size_t column = column_of(judge, &csv->fields[i]);
        if (column < COLUMNS && judge->at[column] != NOT_THERE) {
            return fail(error, error_bytes, "column %s stands twice in the header",
                        judge->names[column]);
        }
        if (column < COLUMNS) {
            judge->at[column] = i;
        }
    }
    const size_t on_hand = find_on_hand(judge, csv);
    if (on_hand != NOT_THERE) {
        judge->at[FIGURES] = on_hand;
    }
    if (!check_columns(judge, csv, error, error_bytes)) {
        return false;
    }
    for (size_t i = 0; i < csv->fields_count; i++) {
        if (column_of(judge, &csv->fields[i]) == COLUMNS && i != on_hand) {
            append(ignored, sizeof ignored, csv->fields[i].bytes, csv->fields[i].bytes_count);
        }
    }
    if (ignored[0] != '\0') {
        (void)snprintf(text, sizeof text, "columns that are not read: %s", ignored);
        note(note_arg, text);
    }
    if (on_hand != NOT_THERE) {
        note(note_arg, "the quantity is read from column on_hand");
    }
    if (judge->options->location != NULL && judge->at[LOCATION] != NOT_THERE) {
        judge->at[LOCATION] = NOT_THERE;
        note(note_arg, "column location is not read: --location says it for all rows");
    }
    return true;
}

/* ------------------------------------------------------------------ one row */

/* What a field holds, for a reason; empty when it cannot be shown. */
static const char *shown(const struct hf_csv_field *field, char text[VALUE_SHOWN_BYTES + 4])
{
    const struct hf_text view = {field->bytes, (uint32_t)field->bytes_count};
    text[0] = '\0';
    if (field->bytes_count <= VALUE_SHOWN_BYTES && hf_text_is_code(view)) {
        (void)snprintf(text, VALUE_SHOWN_BYTES + 4, " \"%s\"", field->bytes);
    }
    return text;
}

static bool judge_code(const struct hf_csv_field *field, const char *name, char *reason)
{
    if (field->bytes_count == 0) {
        return fail(reason, HF_REASON_BYTES, "%s is empty", name);
    }
    if (field->bytes_count > HF_CODE_BYTES_MAX) {
        return fail(reason, HF_REASON_BYTES, "%s is longer than %d bytes", name, HF_CODE_BYTES_MAX);
    }
    if (!hf_text_is_code((struct hf_text){field->bytes, (uint32_t)field->bytes_count})) {
        return fail(reason, HF_REASON_BYTES, "%s is not UTF-8 without control characters", name);
    }
    return true;
}

/* A whole number of units, HF_UNITS_MAX at most; below zero only where `may_fall`. */
static bool judge_units(const struct hf_csv_field *field, const char *name, bool may_fall,
                        int64_t *units, char *reason)
{
    const char *digits = field->bytes;
    char value[VALUE_SHOWN_BYTES + 4];
    uint64_t number = 0;

    const bool is_negative = *digits == '-';
    if (*digits == '-' || *digits == '+') {
        digits++;
    }
    const bool is_number = *digits != '\0' && strlen(field->bytes) == field->bytes_count &&
                           digits[strspn(digits, "0123456789")] == '\0';
    if (field->bytes_count == 0) {
        return fail(reason, HF_REASON_BYTES, "%s is empty", name);
    }
    if (!is_number) {
        return fail(reason, HF_REASON_BYTES, "%s%s is not a whole number", name,
                    shown(field, value));
    }
    if (!hf_parse_count(digits, HF_UNITS_MAX, &number)) {
        return fail(reason, HF_REASON_BYTES, "%s%s is out of range: %s is the most", name,
                    shown(field, value), "1,000,000,000,000");
    }
    if (is_negative && number > 0 && !may_fall) {
        return fail(reason, HF_REASON_BYTES, "%s%s is below zero%s", name, shown(field, value),
                    strcmp(name, "quantity") == 0 ? "; only --as add takes units away" : "");
    }
    *units = is_negative ? -(int64_t)number : (int64_t)number;
    return true;
}

static bool judge_figure(const struct judge *judge, const struct hf_csv *csv, size_t index,
                         int64_t *figure, char *reason)
{
    const size_t at = judge->at[FIGURES + index];
    const char *name = judge->names[FIGURES + index];

    *figure = HOLDFAST_POLICY_KEEP;
    if (name == NULL || at == NOT_THERE) {
        *figure = name == NULL ? 0 : HOLDFAST_POLICY_KEEP;
        return true;
    }
    const struct hf_csv_field *field = &csv->fields[at];
    if (judge->options->what == HF_IMPORT_STOCK) {
        return judge_units(field, name, judge->options->is_add, figure, reason);
    }
    if (field->bytes_count == 0) {
        return true; /* stays as it is */
    }
    if (strcmp(name, "low_stock") == 0 && strcmp(field->bytes, "none") == 0) {
        *figure = HOLDFAST_LOW_STOCK_NONE;
        return true;
    }
    return judge_units(field, name, false, figure, reason);
}

static bool judge_row(const struct judge *judge, const struct hf_csv *csv,
                      struct hf_import_row *row, char *reason)
{
    if (csv->fields_count != judge->fields_count) {
        return fail(reason, HF_REASON_BYTES, "%zu fields where the header has %zu",
                    csv->fields_count, judge->fields_count);
    }
    const struct hf_csv_field *sku = &csv->fields[judge->at[SKU]];
    if (!judge_code(sku, "sku", reason)) {
        return false;
    }
    row->sku = sku->bytes;
    row->location = judge->options->location;
    if (judge->at[LOCATION] != NOT_THERE) {
        const struct hf_csv_field *location = &csv->fields[judge->at[LOCATION]];
        if (!judge_code(location, "location", reason)) {
            return false;
        }
        row->location = location->bytes;
    }
    for (size_t i = 0; i < HF_IMPORT_FIGURES; i++) {
        if (!judge_figure(judge, csv, i, &row->figures[i], reason)) {
            return false;
        }
    }
    return true;
}

/* ------------------------------------------------------------------ cells */

static uint32_t place_of(const struct judge *judge, const struct hf_import_row *row)
{
    HF_ASSERT(row->sku != NULL && row->location != NULL); /* judge_row has set them */
    const uint64_t hash = XXH3_64bits_withSeed(row->sku, strlen(row->sku),
                                               XXH3_64bits(row->location, strlen(row->location)));
    uint32_t place = (uint32_t)hash & (judge->table_size - 1);

    while (judge->table[place] != 0) {
        const struct hf_import_row *other = &judge->file->rows[judge->table[place] - 1];
        if (strcmp(other->sku, row->sku) == 0 && strcmp(other->location, row->location) == 0) {
            break;
        }
        place = (place + 1) & (judge->table_size - 1);
    }
    return place;
}

/* A table twice as large, with the first row of every cell in it. */
static bool grow_table(struct judge *judge)
{
    const uint32_t size = judge->table_size == 0 ? 1024 : judge->table_size * 2;
    uint32_t *table = calloc(size, sizeof *table);
    if (table == NULL) {
        return false;
    }
    free(judge->table);
    judge->table = table;
    judge->table_size = size;
    for (uint32_t i = 0; i < judge->file->rows_count; i++) {
        if (judge->file->rows[i].first == i) {
            judge->table[place_of(judge, &judge->file->rows[i])] = i + 1;
        }
    }
    return true;
}

static const char *figures_text(const struct judge *judge, const struct hf_import_row *row,
                                char *text, size_t text_bytes)
{
    size_t used = 0;
    text[0] = '\0';
    for (size_t i = 0; i < HF_IMPORT_FIGURES && judge->names[FIGURES + i] != NULL; i++) {
        const int64_t figure = row->figures[i];
        char number[32];
        (void)snprintf(number, sizeof number, "%" PRId64, figure);
        used += (size_t)snprintf(text + used, text_bytes - used, "%s%s", used == 0 ? "" : "/",
                                 figure == HOLDFAST_POLICY_KEEP                ? "-"
                                 : figure == HOLDFAST_LOW_STOCK_NONE && i == 1 ? "none"
                                                                               : number);
    }
    return text;
}

/* Enter the row with the others of its cell. False: another row says something else of it. */
static bool judge_cell(struct judge *judge, struct hf_import_row *row, uint32_t index, char *reason)
{
    const uint32_t place = place_of(judge, row);
    char here[112];
    char there[112];

    row->first = index;
    if (judge->table[place] == 0) {
        judge->table[place] = index + 1;
        judge->cells_count += 1;
        return true;
    }
    row->first = judge->table[place] - 1;
    const struct hf_import_row *first = &judge->file->rows[row->first];
    if (judge->options->is_add || memcmp(first->figures, row->figures, sizeof row->figures) == 0) {
        return true;
    }
    return fail(reason, HF_REASON_BYTES, "%s@%s has %s on line %" PRIu32 " and %s on line %" PRIu32,
                row->sku, row->location, figures_text(judge, first, there, sizeof there),
                first->line, figures_text(judge, row, here, sizeof here), row->line);
}

/* ------------------------------------------------------------------ all rows */

static bool make_room(struct judge *judge)
{
    struct hf_import_file *file = judge->file;

    if (file->rows_count == file->rows_max) {
        const uint32_t max = file->rows_max == 0 ? 4096 : file->rows_max * 2;
        void *moved = realloc(file->rows, max * sizeof *file->rows);
        if (moved == NULL) {
            return false;
        }
        file->rows = moved;
        file->rows_max = max;
    }
    return judge->table_size / 2 > judge->cells_count || grow_table(judge);
}

static bool judge_rows(struct judge *judge, struct hf_csv *csv, struct hf_faults *faults,
                       char *error, size_t error_bytes)
{
    struct hf_import_file *file = judge->file;
    char reason[HF_REASON_BYTES];

    for (;;) {
        const enum hf_csv_result result = hf_csv_next(csv);
        if (result == HF_CSV_END) {
            return true;
        }
        file->rows_seen += 1;
        if (file->rows_seen > HF_IMPORT_ROWS_MAX) {
            return fail(error, error_bytes, "more than %" PRIu32 " rows in one file",
                        HF_IMPORT_ROWS_MAX);
        }
        if (!make_room(judge)) {
            return fail(error, error_bytes, "out of memory");
        }
        const size_t text = (size_t)(csv->record - file->taken);
        struct hf_import_row row = {
            .text = text, .text_bytes = (uint32_t)csv->record_bytes, .line = (uint32_t)csv->line};
        bool is_good = false;
        if (result == HF_CSV_BAD) {
            (void)snprintf(reason, sizeof reason, "%s", csv->error);
        } else {
            is_good = judge_row(judge, csv, &row, reason) &&
                      judge_cell(judge, &row, file->rows_count, reason);
        }
        if (is_good) {
            file->rows[file->rows_count++] = row;
        } else {
            hf_faults_add(faults, csv->line, reason, file->text + text, csv->record_bytes);
        }
    }
}

bool hf_import_file_judge(struct hf_import_file *file, const struct hf_import_options *options,
                          struct hf_faults *faults, hf_note_cb note, void *note_arg, char *error,
                          size_t error_bytes)
{
    HF_ASSERT(file->rows == NULL); /* once in its life: the text is taken apart */

    struct judge judge = {.file = file,
                          .options = options,
                          .names =
                              options->what == HF_IMPORT_STOCK ? stock_columns : policy_columns};
    struct hf_csv csv;
    make_hash(file, options);
    hf_csv_init(&csv, file->taken, file->text_bytes);

    const enum hf_csv_result result = hf_csv_next(&csv);
    if (result == HF_CSV_END) {
        return fail(error, error_bytes, "the file is empty: not even a line that names columns");
    }
    if (result == HF_CSV_BAD) {
        return fail(error, error_bytes, "the line that names columns cannot be read: %s",
                    csv.error);
    }
    const bool is_judged = find_columns(&judge, &csv, note, note_arg, error, error_bytes) &&
                           judge_rows(&judge, &csv, faults, error, error_bytes);
    free(judge.table);
    return is_judged;
}

void hf_import_refuse(struct hf_import_file *file, uint32_t index, struct hf_faults *faults,
                      const char *reason)
{
    HF_ASSERT(index < file->rows_count);
    struct hf_import_row *row = &file->rows[index];
    HF_ASSERT(row->state == HF_ROW_OPEN);

    row->state = HF_ROW_REFUSED;
    hf_faults_add(faults, row->line, reason, file->text + row->text, row->text_bytes);
}

bool hf_import_row_is_idle(const struct hf_import_options *options, const struct hf_import_row *row)
{
    if (options->what == HF_IMPORT_STOCK) {
        return options->is_add && row->figures[0] == 0;
    }
    return row->figures[0] == HOLDFAST_POLICY_KEEP && row->figures[1] == HOLDFAST_POLICY_KEEP &&
           row->figures[2] == HOLDFAST_POLICY_KEEP;
}
