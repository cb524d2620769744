/*
 * state.c - verify and digest.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tools/common/parse.h"
#include "tools/holdfast-log/log_tool.h"

#define ERROR_BYTES 1024

/* ------------------------------------------------------------------ verify */

static const char *const finding_names[] = {
    [HF_INSPECT_SOUND] = "note", [HF_INSPECT_TORN] = "torn", [HF_INSPECT_DAMAGED] = "damage"};
static const char *const verdict_names[] = {
    [HF_INSPECT_SOUND] = "sound", [HF_INSPECT_TORN] = "torn", [HF_INSPECT_DAMAGED] = "damaged"};

struct verification {
    bool is_json;
    uint64_t damages_count;
};

static void print_finding(void *arg, const struct hf_inspect_finding *finding)
{
    struct verification *verification = arg;
    const char *name = finding_names[finding->verdict];

    verification->damages_count += finding->verdict == HF_INSPECT_DAMAGED ? 1 : 0;
    if (verification->is_json) {
        struct hf_out out;
        hf_out_begin(&out, '{');
        hf_out_string(&out, "finding", name);
        hf_out_string(&out, "file", finding->name[0] != '\0' ? finding->name : NULL);
        if (finding->has_offset) {
            hf_out_count(&out, "offset", finding->offset);
        }
        if (finding->lsn != 0) {
            hf_out_count(&out, "lsn", finding->lsn);
        }
        hf_out_string(&out, "text", finding->text);
        hf_out_end(&out, '}');
        (void)putchar('\n');
        return;
    }
    (void)printf("%s: %s", name, finding->name[0] != '\0' ? finding->name : "the directory");
    if (finding->has_offset) {
        (void)printf(" at offset %" PRIu64, finding->offset);
    }
    if (finding->lsn != 0) {
        (void)printf(" (LSN %" PRIu64 ")", finding->lsn);
    }
    (void)printf(": %s\n", finding->text);
}

static void print_totals_json(enum hf_inspect_verdict verdict,
                              const struct hf_inspect_totals *totals)
{
    struct hf_out out;

    hf_out_begin(&out, '{');
    hf_out_string(&out, "verdict", verdict_names[verdict]);
    hf_out_count(&out, "epoch", totals->epoch);
    hf_out_count(&out, "first_lsn", totals->first_lsn);
    hf_out_count(&out, "last_lsn", totals->last_lsn);
    hf_out_count(&out, "segments", totals->segments_count);
    hf_out_count(&out, "snapshots", totals->snapshots_count);
    hf_out_count(&out, "blocks", totals->blocks_count);
    hf_out_count(&out, "records", totals->records_count);
    hf_out_count(&out, "bytes", totals->bytes_count);
    hf_out_bool(&out, "in_use", totals->is_in_use);
    if (totals->has_state) {
        hf_out_count(&out, "state_lsn", totals->state_lsn);
    }
    if (totals->has_digest) {
        hf_out_digest(&out, "digest", totals->state_digest);
    }
    hf_out_end(&out, '}');
    (void)putchar('\n');
}

static void print_totals(enum hf_inspect_verdict verdict, const struct hf_inspect_totals *totals,
                         const struct hf_log_options *options, uint64_t damages_count)
{
    char records[HF_COUNT_TEXT_BYTES];
    char size[HF_COUNT_TEXT_BYTES];
    char digest[HF_DIGEST_TEXT_BYTES] = "";

    (void)printf("%s: %" PRIu64 " log segment%s, %" PRIu64 " snapshot%s, %s records (LSN %" PRIu64
                 " to %" PRIu64 "), epoch %" PRIu32 ", %s bytes read\n",
                 verdict_names[verdict], totals->segments_count,
                 totals->segments_count == 1 ? "" : "s", totals->snapshots_count,
                 totals->snapshots_count == 1 ? "" : "s",
                 hf_format_count(totals->records_count, records), totals->first_lsn,
                 totals->last_lsn, totals->epoch, hf_format_count(totals->bytes_count, size));
    if (totals->has_digest) {
        (void)printf("digest %s at lsn %" PRIu64 "\n",
                     hf_tool_digest_text(totals->state_digest, digest), totals->state_lsn);
    }
    if (verdict == HF_INSPECT_TORN) {
        (void)printf(
            "the next start cuts the torn tail, as nothing says that it was ever synced: a "
            "crash leaves one; after a clean stop, it is a last group that has decayed\n");
    }
    if (verdict == HF_INSPECT_DAMAGED) {
        (void)printf("%" PRIu64 " place%s damaged\n", damages_count,
                     damages_count == 1 ? " is" : "s are");
        if (totals->has_state) {
            (void)printf("the state is known up to LSN %" PRIu64
                         "; when a start is refused: holdfast-log repair %s --to %" PRIu64 "\n",
                         totals->state_lsn, options->path, totals->state_lsn);
        }
    }
}

enum hf_log_exit hf_tool_verify(const struct hf_log_options *options)
{
    struct verification verification = {.is_json = options->is_json};
    struct hf_inspect_totals totals = {0};

    const enum hf_inspect_verdict verdict = hf_inspect_verify(
        options->path, hf_disk_posix(), NULL, &totals, print_finding, &verification);
    if (totals.files_count == 0) {
        hf_tool_complain("\"%s\" is not a data directory of holdfast", options->path);
        return HF_LOG_USAGE;
    }
    if (options->is_json) {
        print_totals_json(verdict, &totals);
    } else {
        print_totals(verdict, &totals, options, verification.damages_count);
    }
    return verdict == HF_INSPECT_SOUND  ? HF_LOG_DONE
           : verdict == HF_INSPECT_TORN ? HF_LOG_REFUSED
                                        : HF_LOG_DAMAGED;
}

/* ------------------------------------------------------------------ digest */

static enum hf_log_exit print_digest(const struct hf_inspect_directory *opened,
                                     const struct hf_log_options *options, struct hf_engine *engine)
{
    uint64_t lsn = options->has_at ? options->at_lsn : UINT64_MAX;
    char error[ERROR_BYTES];
    char text[HF_DIGEST_TEXT_BYTES];

    const enum hf_err err = hf_inspect_state(opened, &lsn, engine, error, sizeof error);
    if (err != HF_OK) {
        hf_tool_complain("%s", error);
        if (err == HF_CORRUPT && lsn != 0) {
            hf_tool_complain("the state is known up to LSN %" PRIu64 " (--at %" PRIu64 ")", lsn,
                             lsn);
        }
        return err == HF_GONE ? HF_LOG_REFUSED : err == HF_CORRUPT ? HF_LOG_DAMAGED : HF_LOG_USAGE;
    }
    const struct hf_digest digest = hf_engine_digest(engine);
    if (options->is_json) {
        struct hf_out out;
        hf_out_begin(&out, '{');
        hf_out_digest(&out, "digest", digest);
        hf_out_count(&out, "lsn", lsn);
        hf_out_end(&out, '}');
        (void)putchar('\n');
    } else {
        (void)printf("%s at lsn %" PRIu64 "\n", hf_tool_digest_text(digest, text), lsn);
    }
    return HF_LOG_DONE;
}

enum hf_log_exit hf_tool_digest(const struct hf_log_options *options)
{
    const struct hf_engine_config limits = hf_inspect_limits();
    struct hf_inspect_directory opened;
    enum hf_log_exit code = HF_LOG_USAGE;

    if (hf_tool_open(&opened, options->path)) {
        struct hf_engine *engine = hf_engine_create(&limits);
        if (engine == NULL) {
            hf_tool_complain("out of memory");
        } else {
            code = print_digest(&opened, options, engine);
        }
        hf_engine_free(engine);
    }
    hf_inspect_release(&opened);
    return code;
}
