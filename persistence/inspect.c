#include "persistence/inspect.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/assert.h"
#include "persistence/inspect_inside.h"
#include "persistence/salvage.h"

#define PART_BYTES (256u * 1024)
#define TEXT_BYTES 512
#define SPARE_LOOKS_MAX                                                                            \
    3 /* in a directory in use, where the spare becomes a segment at any moment */

struct hf_engine_config hf_inspect_limits(void)
{
    struct hf_engine_config limits = hf_engine_config_default();

    limits.skus_max = UINT32_C(1) << 28;
    limits.locations_max = HF_LOCATIONS_LIMIT;
    limits.cells_max = UINT32_C(2000000000);
    limits.reservations_max = UINT32_C(1000000000);
    limits.lines_max = UINT32_C(2000000000);
    limits.shipments_max = UINT32_C(1000000000);
    limits.shipment_lines_max = UINT32_C(2000000000);
    limits.references_max = UINT32_C(1000000000);
    limits.ledger_bytes = HF_LEDGER_BYTES_MIN; /* no history is asked for */
    limits.memory_max_bytes = 0;
    return limits;
}

/* ------------------------------------------------------------------ findings */

static void tell(struct hf_inspection *inspection, struct hf_inspect_finding finding,
                 const char *format, va_list arguments)
{
    char text[TEXT_BYTES];

    (void)vsnprintf(text, sizeof text, format, arguments);
    finding.text = text;
    if (inspection->verdict < finding.verdict) {
        inspection->verdict = finding.verdict;
    }
    if (inspection->cb != NULL) {
        inspection->cb(inspection->arg, &finding);
    }
}

void hf_inspect_say(struct hf_inspection *inspection, enum hf_inspect_verdict verdict,
                    const char *name, const char *format, ...)
{
    const struct hf_inspect_finding finding = {.verdict = verdict, .name = name};
    va_list arguments;

    va_start(arguments, format);
    tell(inspection, finding, format, arguments);
    va_end(arguments);
}

void hf_inspect_say_at(struct hf_inspection *inspection, enum hf_inspect_verdict verdict,
                       const char *name, uint64_t offset, uint64_t lsn, const char *format, ...)
{
    const struct hf_inspect_finding finding = {
        .verdict = verdict, .name = name, .has_offset = true, .offset = offset, .lsn = lsn};
    va_list arguments;

    va_start(arguments, format);
    tell(inspection, finding, format, arguments);
    va_end(arguments);
}

/* ------------------------------------------------------------------ names */

static void judge_name(void *arg, const char *name)
{
    struct hf_inspection *inspection = arg;
    uint64_t lsn;

    switch (hf_directory_name(name, &lsn)) {
    case HF_NAME_IS_FOREIGN:
        if (strcmp(name, "lost+found") != 0) {
            hf_inspect_say(inspection, HF_INSPECT_SOUND, name,
                           "it is not a file of holdfast, and is left alone");
        }
        return;
    case HF_NAME_IS_KEPT:
        hf_inspect_say(inspection, HF_INSPECT_SOUND, name,
                       "it was put aside by a start or a repair and is no part of the data; it "
                       "may be removed when nobody needs it");
        return;
    case HF_NAME_IS_INCOMPLETE:
        hf_inspect_say(inspection, HF_INSPECT_SOUND, name,
                       "a restore or a backup was made here; without a MANIFEST it has not come to "
                       "its end and must be made again");
        return;
    case HF_NAME_IS_ASIDE:
        if (!inspection->totals.is_in_use) {
            hf_inspect_say(inspection, HF_INSPECT_SOUND, name,
                           "it was being written when a process ended; the next start removes it");
        }
        return;
    default:
        inspection->totals.files_count++;
        return;
    }
}

static void judge_lock(struct hf_inspection *inspection)
{
    const struct hf_disk *disk = inspection->directory.disk;

    if (hf_inspect_is_in_use(&inspection->directory)) {
        inspection->totals.is_in_use = true;
        hf_inspect_say(inspection, HF_INSPECT_SOUND, HF_NAME_LOCK,
                       "another process is using the directory: what it is writing right now is "
                       "not judged");
    }
    const int file = hf_directory_open(&inspection->directory, HF_NAME_LOCK, HF_DISK_READ);
    const int64_t size = file < 0 ? file : disk->size(disk->ctx, file);
    if (size < 0) {
        hf_inspect_say(inspection, HF_INSPECT_DAMAGED, HF_NAME_LOCK, "it could not be read: %s",
                       hf_disk_error(size));
    } else if (size > 0) {
        hf_inspect_say_at(inspection, HF_INSPECT_DAMAGED, HF_NAME_LOCK, 0, 0,
                          "an empty file was expected, it has %" PRId64 " bytes", size);
    }
    if (file >= 0) {
        (void)disk->close(disk->ctx, file); /* opened for reading */
    }
}

/* ------------------------------------------------------------------ zeros */

/*
 * The first byte of a file from `offset` on that is not zero, into *found; the file's size when all
 * are. 0, or a negative errno.
 */
static int64_t find_byte(struct hf_inspection *inspection, const char *name, uint64_t offset,
                         uint64_t *found)
{
    const struct hf_disk *disk = inspection->directory.disk;

    unsigned char *part = malloc(PART_BYTES);
    const int file =
        part == NULL ? -ENOMEM : hf_directory_open(&inspection->directory, name, HF_DISK_READ);
    int64_t got = file;
    while (file >= 0) {
        got = disk->read(disk->ctx, file, part, PART_BYTES, offset);
        int64_t i = 0;
        while (i < got && part[i] == 0) {
            i++;
        }
        offset += got < 0 ? 0 : (uint64_t)i;
        if (i < got || got < (int64_t)PART_BYTES) {
            break;
        }
    }
    *found = offset;
    const int64_t size = got < 0 ? got : disk->size(disk->ctx, file);
    if (file >= 0) {
        (void)disk->close(disk->ctx, file); /* opened for reading */
    }
    free(part);
    return size;
}

/* The first sector of the spare: a roll-over that was cut off leaves a header there. */
static void judge_spare_header(struct hf_inspection *inspection, uint64_t offset)
{
    const struct hf_disk *disk = inspection->directory.disk;
    unsigned char bytes[HF_SECTOR_BYTES];
    struct hf_segment_header header;
    const char *why = "";

    const int file = hf_directory_open(&inspection->directory, HF_NAME_SPARE, HF_DISK_READ);
    int64_t got = file;
    if (file >= 0) {
        got = disk->read(disk->ctx, file, bytes, sizeof bytes, 0);
        (void)disk->close(disk->ctx, file); /* opened for reading */
    }
    bool is_header = got == (int64_t)sizeof bytes &&
                     hf_segment_header_decode(&header, bytes, sizeof bytes, &why) == HF_OK;
    for (size_t i = HF_SEGMENT_HEADER_BYTES; is_header && i < sizeof bytes; i++) {
        is_header = bytes[i] == 0;
    }
    if (is_header) {
        hf_inspect_say_at(inspection, HF_INSPECT_SOUND, HF_NAME_SPARE, 0, header.first_lsn,
                          "it has a segment's header: a process ended when it was to become one; "
                          "the next start removes it");
    } else if (got >= 0) {
        hf_inspect_say_at(inspection, HF_INSPECT_TORN, HF_NAME_SPARE, offset, 0,
                          "zeros or a segment's header were expected; the next start removes it");
    }
}

static void judge_spare(struct hf_inspection *inspection)
{
    const bool is_in_use = inspection->totals.is_in_use;
    uint64_t offset = 0;
    uint64_t behind = 0;
    int64_t size = 0;

    for (int looks = 0; looks < (is_in_use ? SPARE_LOOKS_MAX : 1); looks++) {
        size = find_byte(inspection, HF_NAME_SPARE, 0, &offset);
        if (size == -ENOENT && is_in_use) {
            return; /* it has become a segment */
        }
        if (size < 0) {
            hf_inspect_say(inspection, HF_INSPECT_DAMAGED, HF_NAME_SPARE,
                           "it could not be read: %s", hf_disk_error(size));
            return;
        }
        if (offset >= (uint64_t)size) {
            inspection->totals.bytes_count += (uint64_t)size;
            return;
        }
    }
    inspection->totals.bytes_count += (uint64_t)size;
    if (offset < HF_SECTOR_BYTES) {
        judge_spare_header(inspection, offset);
        size = find_byte(inspection, HF_NAME_SPARE, HF_SECTOR_BYTES, &behind);
        offset = size < 0 ? 0 : behind;
    }
    if (size >= 0 && offset < (uint64_t)size) {
        hf_inspect_say_at(inspection, HF_INSPECT_DAMAGED, HF_NAME_SPARE, offset, 0,
                          "zeros were expected");
    }
}

/* ------------------------------------------------------------------ manifest */

/* Without a manifest: what a first start leaves that was cut off, or nothing of ours. */
static void judge_without_manifest(struct hf_inspection *inspection)
{
    const struct hf_listing *listing = &inspection->listing;
    char name[HF_NAME_BYTES_MAX];
    uint64_t offset = 0;

    if (listing->is_incomplete) {
        hf_inspect_say(inspection, HF_INSPECT_DAMAGED, HF_NAME_INCOMPLETE,
                       "a manifest was expected beside it: a restore or a backup that was made "
                       "here did not come to its end");
        return;
    }
    if (listing->foreign[0] != '\0' || listing->snapshots_count > 0 ||
        listing->segments_count > 1 ||
        (listing->segments_count == 1 && listing->segments[0] != 1)) {
        hf_inspect_say(inspection, HF_INSPECT_DAMAGED, HF_NAME_MANIFEST,
                       "it was expected and is not there; without it this is no data directory of "
                       "holdfast");
        return;
    }
    if (listing->segments_count == 1) {
        hf_segment_name(name, 1, "");
        const int64_t size = find_byte(inspection, name, HF_SEGMENT_HEADER_BYTES, &offset);
        if (size < 0 || offset < (uint64_t)size) {
            hf_inspect_say_at(inspection, HF_INSPECT_DAMAGED, name, offset, 1,
                              "there is no MANIFEST, so zeros were expected");
            return;
        }
    }
    hf_inspect_say(inspection, HF_INSPECT_SOUND, HF_NAME_MANIFEST,
                   "there is none yet: the next start makes a new, empty data directory of this");
}

static bool read_manifest(struct hf_inspection *inspection)
{
    const struct hf_listing *listing = &inspection->listing;
    char error[TEXT_BYTES] = "";
    enum hf_err err = HF_CORRUPT;

    if (!listing->has_manifest) {
        judge_without_manifest(inspection);
        if (inspection->verdict != HF_INSPECT_DAMAGED || listing->is_incomplete) {
            return false;
        }
    } else {
        err = hf_manifest_load(&inspection->manifest, &inspection->directory, error, sizeof error);
        if (err != HF_OK) {
            hf_inspect_say_at(inspection, HF_INSPECT_DAMAGED, HF_NAME_MANIFEST, 0, 0,
                              "a whole manifest was expected: %s", error);
        }
    }
    /* The rest is looked at all the same, by what it says itself. */
    if (err != HF_OK &&
        (err != HF_CORRUPT || !hf_manifest_is_salvageable(error) ||
         hf_manifest_salvage(&inspection->manifest, &inspection->directory, listing) != HF_OK)) {
        return false;
    }
    const struct hf_manifest *manifest = &inspection->manifest;
    hf_directory_set_id(&inspection->directory, manifest->directory_id);
    inspection->totals.epoch = manifest->epochs[manifest->epochs_count - 1].number;
    return true;
}

/* ------------------------------------------------------------------ snapshots and log */

static void judge_snapshots(struct hf_inspection *inspection)
{
    const struct hf_listing *listing = &inspection->listing;
    const uint64_t current_lsn = inspection->manifest.snapshot_lsn;
    bool has_current = current_lsn == 0;

    for (size_t i = 0; i < listing->snapshots_count; i++) {
        bool was_dropped = false;
        inspection->is_whole[i] =
            hf_inspect_snapshot(inspection, listing->snapshots[i], NULL, &was_dropped);
        has_current = has_current || listing->snapshots[i] == current_lsn;
    }
    inspection->totals.snapshots_count = listing->snapshots_count;
    if (!has_current && !inspection->totals.is_in_use) {
        char name[HF_NAME_BYTES_MAX];
        hf_snapshot_name(name, current_lsn, "");
        hf_inspect_say(inspection, HF_INSPECT_DAMAGED, name,
                       "it was expected, as the manifest names it, and is not there");
    }
}

/* A start needs the log from LSN 1 on, or a whole snapshot that the log reaches back to. */
static void judge_base(struct hf_inspection *inspection)
{
    const struct hf_listing *listing = &inspection->listing;

    if (listing->segments_count == 0) {
        hf_inspect_say(inspection, HF_INSPECT_DAMAGED, "",
                       "a log segment was expected, there is none");
        return;
    }
    const uint64_t first_lsn = listing->segments[0];
    bool has_base = first_lsn == 1;
    for (size_t i = 0; i < listing->snapshots_count && !has_base; i++) {
        has_base = inspection->is_whole[i] && first_lsn <= listing->snapshots[i] + 1;
    }
    if (!has_base) {
        char name[HF_NAME_BYTES_MAX];
        hf_segment_name(name, first_lsn, "");
        hf_inspect_say_at(inspection, HF_INSPECT_DAMAGED, name, 0, first_lsn,
                          "the log was expected to begin with LSN 1, or behind a whole snapshot of "
                          "LSN %" PRIu64 " or later, and there is none",
                          first_lsn - 1);
    }
}

/* The same of every older snapshot that is kept: without the log behind it, it is no way back when
 * a newer one is damaged (inspect.h). One that the log never reached is told of by judge_base. */
static void judge_older(struct hf_inspection *inspection)
{
    const struct hf_listing *listing = &inspection->listing;
    bool has_newer = false;

    for (size_t i = listing->snapshots_count; i > 0 && listing->segments_count > 0; i--) {
        const uint64_t lsn = listing->snapshots[i - 1];
        char name[HF_NAME_BYTES_MAX];
        if (!inspection->is_whole[i - 1]) {
            continue;
        }
        if (has_newer && listing->segments[0] > lsn + 1) {
            hf_snapshot_name(name, lsn, "");
            hf_inspect_say(inspection, HF_INSPECT_SOUND, name,
                           "no start could use it: the log behind it is gone, LSN %" PRIu64
                           " was expected in it, which begins with LSN %" PRIu64
                           "; should newer snapshots be damaged, there is no way back but a backup",
                           lsn + 1, listing->segments[0]);
        }
        has_newer = true;
    }
}

static void judge(struct hf_inspection *inspection)
{
    const struct hf_directory *directory = &inspection->directory;

    int64_t result = hf_directory_list(directory, &inspection->listing);
    if (result == 0 && inspection->listing.has_lock) {
        judge_lock(inspection); /* before names: they mean other things when it is in use */
    }
    if (result == 0) {
        result =
            directory->disk->list(directory->disk->ctx, directory->path, judge_name, inspection);
    }
    const size_t snapshots_count = inspection->listing.snapshots_count;
    inspection->is_whole = calloc(snapshots_count + 1, sizeof *inspection->is_whole);
    inspection->is_loaded = calloc(snapshots_count + 1, sizeof *inspection->is_loaded);
    if (inspection->is_whole == NULL || inspection->is_loaded == NULL) {
        result = -ENOMEM;
    }
    if (result != 0) {
        hf_inspect_say(inspection, HF_INSPECT_DAMAGED, "", "it could not be listed: %s",
                       hf_disk_error(result));
        return;
    }
    if (inspection->listing.has_spare) {
        judge_spare(inspection);
    }
    if (read_manifest(inspection)) {
        judge_snapshots(inspection);
        judge_base(inspection);
        judge_older(inspection);
        hf_inspect_log(inspection);
    }
}

enum hf_inspect_verdict hf_inspect_verify(const char *path, const struct hf_disk *disk,
                                          const struct hf_engine_config *limits,
                                          struct hf_inspect_totals *totals,
                                          hf_inspect_finding_cb cb, void *arg)
{
    const struct hf_engine_config widest = hf_inspect_limits();
    enum hf_inspect_verdict verdict = HF_INSPECT_DAMAGED;

    struct hf_inspection *inspection = calloc(1, sizeof *inspection);
    if (inspection != NULL) {
        inspection->limits = limits != NULL ? limits : &widest;
        inspection->cb = cb;
        inspection->arg = arg;
    }
    if (inspection == NULL || !hf_directory_init(&inspection->directory, path, disk, NULL)) {
        const struct hf_inspect_finding finding = {
            .verdict = verdict,
            .name = "",
            .text = "it could not be looked at: no memory, or the "
                    "path is empty or too long"};
        cb(arg, &finding);
    } else {
        judge(inspection);
        verdict = inspection->verdict;
        if (totals != NULL) {
            *totals = inspection->totals;
        }
    }
    if (inspection != NULL) {
        hf_listing_release(&inspection->listing);
        free(inspection->is_whole);
        free(inspection->is_loaded);
    }
    free(inspection);
    return verdict;
}
