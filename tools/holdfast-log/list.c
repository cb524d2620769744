/*
 * list.c - the files of a data directory, what is in them, and what the next start reads.
 */
#include <inttypes.h>
#include <stdio.h>

#include "tools/common/parse.h"
#include "tools/holdfast-log/log_tool.h"

#define NUMBER_BYTES 24

struct list {
    bool is_json;
    struct hf_log_table table;
    bool has_problem;
};

static const char *kind_name(enum hf_name kind)
{
    switch (kind) {
    case HF_NAME_IS_MANIFEST:
        return "manifest";
    case HF_NAME_IS_SEGMENT:
        return "segment";
    case HF_NAME_IS_SNAPSHOT:
        return "snapshot";
    case HF_NAME_IS_SPARE:
        return "spare";
    default:
        return "other";
    }
}

static uint64_t records_in(const struct hf_inspect_file *file)
{
    const bool has_records = file->kind == HF_NAME_IS_SEGMENT && file->blocks_count > 0;
    return has_records ? file->last_lsn - file->first_lsn + 1 : 0;
}

static void print_file_json(const struct hf_inspect_file *file)
{
    struct hf_out out;

    hf_out_begin(&out, '{');
    hf_out_string(&out, "file", file->name);
    hf_out_string(&out, "what", kind_name(file->kind));
    if (file->first_lsn != 0) {
        hf_out_count(&out, "first_lsn", file->first_lsn);
        hf_out_count(&out, "last_lsn", file->last_lsn);
        hf_out_count(&out, "first_epoch", file->first_epoch);
        hf_out_count(&out, "last_epoch", file->last_epoch);
    }
    if (file->kind == HF_NAME_IS_SEGMENT) {
        hf_out_count(&out, "records", records_in(file));
        hf_out_time(&out, "first_ts", file->first_us);
        hf_out_time(&out, "last_ts", file->last_us);
    }
    hf_out_count(&out, "blocks", file->blocks_count);
    hf_out_count(&out, "bytes", file->bytes_count);
    hf_out_count(&out, "used_bytes", file->used_bytes);
    hf_out_bool(&out, "start_reads_it", file->is_used);
    hf_out_string(&out, "problem", file->problem);
    hf_out_end(&out, '}');
    (void)putchar('\n');
}

static void number(uint64_t value, bool is_there, char text[NUMBER_BYTES])
{
    text[0] = '\0';
    if (is_there) {
        (void)snprintf(text, NUMBER_BYTES, "%" PRIu64, value);
    }
}

static void add_file(void *arg, const struct hf_inspect_file *file)
{
    struct list *list = arg;
    const bool has_records = records_in(file) > 0;
    char first[NUMBER_BYTES], last[NUMBER_BYTES], epoch[NUMBER_BYTES * 2];
    char records[HF_COUNT_TEXT_BYTES], bytes[HF_COUNT_TEXT_BYTES], used[HF_COUNT_TEXT_BYTES];
    char from[HF_TIME_TEXT_BYTES], to[HF_TIME_TEXT_BYTES];

    list->has_problem = list->has_problem || file->problem != NULL;
    if (list->is_json) {
        print_file_json(file);
        return;
    }
    number(file->first_lsn, file->first_lsn != 0, first);
    number(file->last_lsn, file->last_lsn != 0, last);
    epoch[0] = '\0';
    if (file->first_epoch == file->last_epoch && file->first_epoch != 0) {
        (void)snprintf(epoch, sizeof epoch, "%" PRIu32, file->first_epoch);
    } else if (file->first_epoch != 0) {
        (void)snprintf(epoch, sizeof epoch, "%" PRIu32 "-%" PRIu32, file->first_epoch,
                       file->last_epoch);
    }
    const char *const row[] = {
        file->name,
        first,
        last,
        epoch,
        has_records ? hf_format_count(records_in(file), records) : "",
        hf_format_count(file->bytes_count, bytes),
        hf_format_count(file->used_bytes, used),
        has_records ? hf_tool_time(file->first_us, from) : "",
        has_records ? hf_tool_time(file->last_us, to) : "",
        file->problem != NULL ? file->problem
        : file->is_used       ? "yes"
                              : "",
    };
    hf_tool_table_row(&list->table, row);
}

static void print_manifest(const struct hf_inspect_directory *opened, bool is_json)
{
    const struct hf_manifest *manifest = &opened->manifest;
    char id[2 * HF_DIRECTORY_ID_BYTES + 1];

    for (size_t i = 0; i < HF_DIRECTORY_ID_BYTES; i++) {
        (void)snprintf(id + 2 * i, 3, "%02x", manifest->directory_id[i]);
    }
    if (is_json) {
        struct hf_out out;
        hf_out_begin(&out, '{');
        hf_out_string(&out, "directory", id);
        hf_out_key(&out, "epochs");
        hf_out_begin(&out, '[');
        for (uint32_t i = 0; i < manifest->epochs_count; i++) {
            hf_out_key(&out, NULL);
            hf_out_begin(&out, '{');
            hf_out_count(&out, "epoch", manifest->epochs[i].number);
            hf_out_count(&out, "first_lsn", manifest->epochs[i].first_lsn);
            hf_out_end(&out, '}');
        }
        hf_out_end(&out, ']');
        hf_out_count(&out, "snapshot_lsn", manifest->snapshot_lsn);
        hf_out_bool(&out, "in_use", opened->is_in_use);
        hf_out_end(&out, '}');
        (void)putchar('\n');
        return;
    }
    (void)printf("directory %s%s\n", id, opened->is_in_use ? ", in use" : "");
    for (uint32_t i = 0; i < manifest->epochs_count; i++) {
        (void)printf("epoch %" PRIu32 " from LSN %" PRIu64 "\n", manifest->epochs[i].number,
                     manifest->epochs[i].first_lsn);
    }
    if (manifest->snapshot_lsn != 0) {
        (void)printf("current snapshot: LSN %" PRIu64 "\n", manifest->snapshot_lsn);
    }
    (void)putchar('\n');
}

enum hf_log_exit hf_tool_list(const struct hf_log_options *options)
{
    static const char *const titles[] = {"FILE",     ">FIRST LSN",    ">LAST LSN", ">EPOCH",
                                         ">RECORDS", ">BYTES",        ">USED",     "FROM",
                                         "TO",       "START READS IT"};
    struct list list = {.is_json = options->is_json,
                        .table = {.columns_count = sizeof titles / sizeof titles[0]}};
    struct hf_inspect_directory opened;
    enum hf_log_exit code = HF_LOG_USAGE;

    if (hf_tool_open(&opened, options->path)) {
        print_manifest(&opened, options->is_json);
        if (!options->is_json) {
            hf_tool_table_row(&list.table, titles);
        }
        if (hf_inspect_files(&opened, add_file, &list) == HF_OK) {
            code = list.has_problem ? HF_LOG_DAMAGED : HF_LOG_DONE;
        } else {
            hf_tool_complain("out of memory");
        }
        if (!options->is_json) {
            hf_tool_table_end(&list.table);
        }
    }
    hf_inspect_release(&opened);
    return code;
}
