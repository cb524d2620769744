/*
 * repair.c - the question before a repair, and what is said of it.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "persistence/repair.h"
#include "tools/common/parse.h"
#include "tools/holdfast-log/log_tool.h"

#define ERROR_BYTES 1024
#define ANSWER_BYTES 16

static const char *const deed_names[] = {[HF_REPAIR_KEEP] = "keep",
                                         [HF_REPAIR_CUT] = "cut",
                                         [HF_REPAIR_ASIDE] = "aside",
                                         [HF_REPAIR_NEW] = "new"};

static void print_plan_json(const struct hf_repair_plan *plan, bool is_done)
{
    struct hf_out out;

    hf_out_begin(&out, '{');
    hf_out_string(&out, "repair", is_done ? "done" : "planned");
    hf_out_count(&out, "lsn", plan->lsn);
    hf_out_digest(&out, "digest", plan->digest);
    hf_out_count(&out, "epoch", plan->epoch);
    hf_out_count(&out, "log_begins_with_lsn", plan->first_lsn);
    hf_out_count(&out, "log_began_with_lsn", plan->was_first_lsn);
    hf_out_bool(&out, "manifest_made_anew", plan->is_manifest_new);
    hf_out_key(&out, "given_up");
    hf_out_begin(&out, '{');
    hf_out_count(&out, "first_lsn", plan->lsn + 1);
    if (plan->lost_last_lsn > plan->lsn) {
        hf_out_count(&out, "last_known_lsn", plan->lost_last_lsn);
    }
    hf_out_count(&out, "readable_records", plan->lost_records);
    hf_out_end(&out, '}');
    hf_out_key(&out, "files");
    hf_out_begin(&out, '[');
    for (size_t i = 0; i < plan->steps_count; i++) {
        hf_out_key(&out, NULL);
        hf_out_begin(&out, '{');
        hf_out_string(&out, "file", plan->steps[i].name);
        hf_out_string(&out, "deed", deed_names[plan->steps[i].deed]);
        hf_out_end(&out, '}');
    }
    hf_out_end(&out, ']');
    hf_out_count(&out, "cut", plan->number); /* of the names of what is kept */
    hf_out_end(&out, '}');
    (void)putchar('\n');
}

static void print_step(const struct hf_repair_plan *plan, const struct hf_repair_step *step)
{
    switch (step->deed) {
    case HF_REPAIR_KEEP:
        (void)printf("  %s  stays\n", step->name);
        return;
    case HF_REPAIR_CUT:
        (void)printf("  %s  keeps its records up to LSN %" PRIu64
                     "; as it is now it is kept as %s.cut-%" PRIu32 "\n",
                     step->name, plan->lsn, step->name, plan->number);
        return;
    case HF_REPAIR_ASIDE:
        (void)printf("  %s  becomes %s.cut-%" PRIu32 "\n", step->name, step->name, plan->number);
        return;
    case HF_REPAIR_NEW:
        (void)printf("  %s  is made\n", step->name);
        return;
    }
}

static void print_plan(const struct hf_repair_plan *plan, const char *path)
{
    char digest[HF_DIGEST_TEXT_BYTES];
    char records[HF_COUNT_TEXT_BYTES];

    (void)printf("\"%s\" goes back to LSN %" PRIu64 ", digest %s\n", path, plan->lsn,
                 hf_tool_digest_text(plan->digest, digest));
    if (plan->lost_last_lsn > plan->lsn) {
        (void)printf("given up: LSN %" PRIu64 " to %" PRIu64
                     ", and any after those; %s of these records can be read (dump "
                     "--past-damage prints them)\n",
                     plan->lsn + 1, plan->lost_last_lsn,
                     hf_format_count(plan->lost_records, records));
    } else {
        (void)printf("given up: no record that is known of; there may have been some after LSN "
                     "%" PRIu64 "\n",
                     plan->lsn);
    }
    if (plan->first_lsn != plan->was_first_lsn) {
        (void)printf("the log will begin with LSN %" PRIu64
                     ": consumers of the feed cannot go on from before it\n",
                     plan->first_lsn);
    }
    (void)printf("epoch %" PRIu32 " begins with LSN %" PRIu64 "\n", plan->epoch, plan->lsn + 1);
    for (size_t i = 0; i < plan->steps_count; i++) {
        print_step(plan, &plan->steps[i]);
    }
    (void)printf("  MANIFEST  as it is now it is kept as MANIFEST.cut-%" PRIu32 "\n", plan->number);
}

/* True when whoever sits there says yes. */
static bool is_wanted(const struct hf_log_options *options)
{
    char answer[ANSWER_BYTES] = "";

    if (options->is_yes) {
        return true;
    }
    (void)fflush(stdout);
    if (isatty(STDIN_FILENO) != 1) {
        hf_tool_complain("nothing has changed; --yes does it");
        return false;
    }
    (void)fputs("do it? (yes or no) ", stderr);
    if (fgets(answer, sizeof answer, stdin) == NULL || strcmp(answer, "yes\n") != 0) {
        hf_tool_complain("nothing has changed");
        return false;
    }
    return true;
}

enum hf_log_exit hf_tool_repair(const struct hf_log_options *options)
{
    char error[ERROR_BYTES];

    if (!options->has_to) {
        hf_tool_complain("repair needs --to LSN; verify says up to which the state is known");
        return HF_LOG_USAGE;
    }
    struct hf_repair *repair =
        hf_repair_begin(options->path, hf_disk_posix(), options->to_lsn, error, sizeof error);
    if (repair == NULL) {
        hf_tool_complain("%s", error);
        return HF_LOG_REFUSED;
    }
    const struct hf_repair_plan *plan = hf_repair_plan(repair);
    enum hf_log_exit code = HF_LOG_REFUSED;
    if (!options->is_json) {
        print_plan(plan, options->path);
    } else if (!options->is_yes) {
        print_plan_json(plan, false);
    }
    if (is_wanted(options)) {
        if (hf_repair_run(repair, error, sizeof error) != HF_OK) {
            hf_tool_complain("%s", error);
            hf_tool_complain("the repair is not finished; the same command goes on with it");
            code = HF_LOG_DAMAGED;
        } else {
            code = HF_LOG_DONE;
            if (options->is_json) {
                print_plan_json(plan, true);
            } else {
                (void)printf("done\n");
            }
        }
    }
    hf_repair_end(repair);
    return code;
}
