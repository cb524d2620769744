/*
 * dump.c - records as JSON lines.
 *
 *     segments   |--a--|--b--|--c--|          from ----> to
 *     codes      a snapshot at or before `from`, or the newest one, and the records behind it
 */
#include <inttypes.h>
#include <stdio.h>

#include "engine/assert.h"
#include "engine/record.h"
#include "persistence/log_walk.h"
#include "persistence/snapshot.h"
#include "tools/holdfast-log/log_tool.h"

#define ERROR_BYTES 1024

struct dump {
    const struct hf_log_options *options;
    struct hf_inspect_directory opened;
    struct hf_log_catalog catalog;
    struct hf_log_walk walk;
    uint64_t from_lsn, to_lsn;
    uint64_t next_lsn; /* that was not printed yet */
};

static void print_record(struct dump *dump, const unsigned char *record, uint32_t record_bytes)
{
    const struct hf_log_walk *walk = &dump->walk;
    struct hf_out out;

    hf_out_begin(&out, '{');
    hf_log_record_print(&out, &dump->catalog, record, record_bytes, walk->block.epoch);
    if (dump->options->wants_places) {
        hf_out_string(&out, "file", walk->reader.name);
        hf_out_count(&out, "offset", walk->block_offset); /* of its block */
        hf_out_count(&out, "in_block", (uint64_t)(record - walk->raw));
    }
    hf_out_end(&out, '}');
    (void)putchar('\n');
}

static void dump_block(struct dump *dump)
{
    const struct hf_log_walk *walk = &dump->walk;
    const unsigned char *at = walk->raw;

    for (uint64_t lsn = walk->block.first_lsn; lsn <= walk->block.last_lsn; lsn++) {
        const uint32_t record_bytes = hf_record_bytes(at);
        hf_log_catalog_learn(&dump->catalog, at, record_bytes);
        if (lsn >= dump->from_lsn && lsn <= dump->to_lsn) {
            print_record(dump, at, record_bytes);
        }
        at += record_bytes;
    }
    dump->next_lsn = walk->block.last_lsn + 1;
}

static enum hf_log_exit dump_log(struct dump *dump)
{
    struct hf_log_walk *walk = &dump->walk;
    const struct hf_walk_place *place = &walk->place;
    enum hf_log_exit code = HF_LOG_DONE;

    while (dump->next_lsn <= dump->to_lsn) {
        switch (hf_log_walk_step(walk)) {
        case HF_WALK_SEGMENT:
            break;
        case HF_WALK_BLOCK:
            dump_block(dump);
            break;
        case HF_WALK_DAMAGE:
            if (place->lsn != 0 && place->lsn < dump->from_lsn) {
                break; /* before what was asked for */
            }
            (void)fflush(stdout); /* so that the complaint stands where it belongs */
            hf_tool_complain("damage in \"%s\" at offset %" PRIu64 " (LSN %" PRIu64 "): %s",
                             place->name, place->offset, place->lsn, place->text);
            code = HF_LOG_DAMAGED;
            if (!dump->options->skips_damage) {
                return code;
            }
            break;
        case HF_WALK_TORN:
            (void)fflush(stdout);
            hf_tool_complain("torn tail in \"%s\" at offset %" PRIu64 " (LSN %" PRIu64 "): %s",
                             place->name, place->offset, place->lsn, place->text);
            break;
        case HF_WALK_END:
            return code;
        }
    }
    return code;
}

/* Codes from the newest whole snapshot before `from`, or from any: handles never change. */
static uint64_t learn_codes(struct dump *dump)
{
    char error[ERROR_BYTES];

    uint64_t lsn = hf_inspect_snapshot_before(&dump->opened, dump->from_lsn);
    if (lsn == 0 && dump->opened.listing.segments_count > 0 &&
        dump->opened.listing.segments[0] > 1) {
        lsn = hf_inspect_snapshot_before(&dump->opened, UINT64_MAX);
    }
    if (lsn == 0) {
        return 0;
    }
    const struct hf_engine_config limits = hf_inspect_limits();
    struct hf_engine *engine = hf_engine_create(&limits);
    if (engine == NULL || hf_snapshot_file_load(&dump->opened.directory, lsn,
                                                hf_manifest_epoch(&dump->opened.manifest, lsn),
                                                engine, error, sizeof error) != HF_OK) {
        lsn = 0;
    } else {
        hf_log_catalog_take(&dump->catalog, engine);
    }
    hf_engine_free(engine);
    return lsn;
}

static enum hf_log_exit dump_opened(struct dump *dump)
{
    const struct hf_listing *listing = &dump->opened.listing;
    const struct hf_log_options *options = dump->options;

    if (listing->segments_count == 0) {
        hf_tool_complain("\"%s\" has no log segment", options->path);
        return HF_LOG_DAMAGED;
    }
    if (options->has_from && options->from_lsn < listing->segments[0]) {
        hf_tool_complain("the log begins with LSN %" PRIu64, listing->segments[0]);
        return HF_LOG_REFUSED;
    }
    dump->from_lsn = options->has_from ? options->from_lsn : listing->segments[0];
    dump->to_lsn = options->has_to ? options->to_lsn : UINT64_MAX;
    const uint64_t known_lsn = learn_codes(dump);
    const uint64_t begin_lsn = known_lsn + 1 < dump->from_lsn ? known_lsn + 1 : dump->from_lsn;
    dump->walk = (struct hf_log_walk){.directory = &dump->opened.directory,
                                      .manifest = &dump->opened.manifest,
                                      .listing = listing,
                                      .snapshot_lsn = known_lsn,
                                      .is_live = dump->opened.is_in_use};
    if (hf_log_walk_init(&dump->walk, hf_inspect_segment_of(&dump->opened, begin_lsn)) != HF_OK) {
        hf_tool_complain("out of memory");
        return HF_LOG_USAGE;
    }
    const enum hf_log_exit code = dump_log(dump);
    hf_log_walk_release(&dump->walk);
    return code;
}

enum hf_log_exit hf_tool_dump(const struct hf_log_options *options)
{
    struct dump dump = {.options = options};
    enum hf_log_exit code = HF_LOG_USAGE;

    if (hf_tool_open(&dump.opened, options->path)) {
        code = dump_opened(&dump);
    }
    hf_log_catalog_release(&dump.catalog);
    hf_inspect_release(&dump.opened);
    return code;
}
